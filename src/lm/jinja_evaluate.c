/* Expressions. */
#include "lm/jinja_run.h"

static aglm_rc eval_sequence(aglm_jrun *r, const aglm_jnode *n, aglm_jkind kind, aglm_jval *out)
{
    aglm_jval v;
    aglm_rc rc = aglm_jrun_new_list(r, kind, out);

    for (const aglm_jnode *item = n->body; item && !rc; item = item->next) {
        rc = aglm_jrun_evaluate(r, item, &v);
        if (!rc)
            rc = aglm_jrun_push(r, out, v);
    }
    return rc;
}

static aglm_rc eval_dict(aglm_jrun *r, const aglm_jnode *n, aglm_jval *out)
{
    aglm_jval key;
    aglm_jval v;
    aglm_rc rc = aglm_jrun_new_dict(r, AGLM_J_DICT, out);

    for (const aglm_jnode *pair = n->body; pair && !rc; pair = pair->next) {
        rc = aglm_jrun_evaluate(r, pair->a, &key);
        if (!rc)
            rc = aglm_jrun_evaluate(r, pair->b, &v);
        r->at = pair;
        if (!rc)
            rc = aglm_jrun_put(r, out, key, v);
    }
    return rc;
}

static aglm_rc eval_name(aglm_jrun *r, const aglm_jnode *n, aglm_jval *out)
{
    *out = aglm_jrun_get(r, n->sym);
    if (out->kind != AGLM_J_MISSING)
        return AGLM_OK;
    const aglm_jbuiltin *f = aglm_jfunction_find(&n->value);
    if (f)
        *out = (aglm_jval){.kind = AGLM_J_FUNCTION, .function = f};
    else
        *out = aglm_jval_undefined(AGLM_J_MISSING, n->value.s, n->value.len);
    return AGLM_OK;
}

static aglm_rc eval_attribute(aglm_jrun *r, const aglm_jnode *n, aglm_jval *out)
{
    aglm_jval v;
    aglm_rc rc = aglm_jrun_evaluate(r, n->a, &v);

    r->at = n;
    return rc ? rc : aglm_jrun_attribute(r, &v, &n->value, out);
}

static aglm_rc eval_slice(aglm_jrun *r, const aglm_jval *v, const aglm_jnode *slice, aglm_jval *out)
{
    aglm_jval part[3] = {aglm_jval_none(), aglm_jval_none(), aglm_jval_none()};
    const aglm_jnode *const nodes[] = {slice->a, slice->b, slice->c};
    aglm_rc rc = AGLM_OK;

    for (size_t i = 0; i < 3 && !rc; i++)
        if (nodes[i])
            rc = aglm_jrun_evaluate(r, nodes[i], &part[i]);
    r->at = slice;
    return rc ? rc : aglm_jrun_slice(r, v, part, out);
}

static aglm_rc eval_item(aglm_jrun *r, const aglm_jnode *n, aglm_jval *out)
{
    aglm_jval v;
    aglm_jval key;
    aglm_rc rc = aglm_jrun_evaluate(r, n->a, &v);

    if (!rc && n->b->kind == AGLM_JN_SLICE)
        return eval_slice(r, &v, n->b, out);
    if (!rc)
        rc = aglm_jrun_evaluate(r, n->b, &key);
    r->at = n;
    return rc ? rc : aglm_jrun_item(r, &v, &key, out);
}

static aglm_rc eval_call(aglm_jrun *r, const aglm_jnode *n, aglm_jval *out)
{
    aglm_jval callee;
    aglm_jargs args = {0};
    aglm_rc rc = aglm_jrun_evaluate(r, n->a, &callee);

    if (!rc)
        rc = aglm_jrun_args(r, n->params, &args);
    r->at = n;
    return rc ? rc : aglm_jrun_call(r, &callee, &args, out);
}

static aglm_rc eval_applied(aglm_jrun *r, const aglm_jnode *n, aglm_jval *out)
{
    aglm_jval v;
    aglm_jargs args = {0};
    aglm_rc rc = aglm_jrun_evaluate(r, n->a, &v);

    if (!rc)
        rc = aglm_jrun_args(r, n->params, &args);
    r->at = n;
    if (!rc && !n->builtin)
        return aglm_jrun_fail(r, AGLM_INVALID, "unknown %s '%.*s'",
                              n->kind == AGLM_JN_FILTER ? "filter" : "test",
                              (int)(n->value.len < 100 ? n->value.len : 100), n->value.s);
    return rc ? rc : aglm_jrun_builtin(r, n->builtin, &v, &args, out);
}

static aglm_rc eval_not(aglm_jrun *r, const aglm_jnode *n, aglm_jval *out)
{
    aglm_rc rc = aglm_jrun_evaluate(r, n->a, out);

    if (!rc)
        *out = aglm_jval_bool(!aglm_jval_true(out));
    return rc;
}

static aglm_rc eval_unary(aglm_jrun *r, const aglm_jnode *n, aglm_jval *out)
{
    int64_t i;
    aglm_jval v;
    aglm_rc rc = aglm_jrun_evaluate(r, n->a, &v);

    r->at = n;
    if (rc)
        return rc;
    if (v.kind == AGLM_J_FLOAT) {
        *out = aglm_jval_float(n->op == '-' ? -v.f : v.f);
        return AGLM_OK;
    }
    if (!aglm_jval_whole(&v, &i))
        return aglm_jrun_fail_type(r, "a sign stands before a number", &v);
    if (n->op == '-' && i == INT64_MIN)
        return aglm_jrun_fail(r, AGLM_LIMIT, "a whole number over 64 bits");
    *out = aglm_jval_int(n->op == '-' ? -i : i);
    return AGLM_OK;
}

static aglm_rc eval_binary(aglm_jrun *r, const aglm_jnode *n, aglm_jval *out)
{
    aglm_jval a;
    aglm_jval b;
    aglm_rc rc = aglm_jrun_evaluate(r, n->a, &a);

    if (!rc)
        rc = aglm_jrun_evaluate(r, n->b, &b);
    r->at = n;
    return rc ? rc : aglm_jrun_binary(r, n->op, &a, &b, out);
}

/* The operand that decides is the value. */
static aglm_rc eval_logic(aglm_jrun *r, const aglm_jnode *n, aglm_jval *out)
{
    aglm_rc rc = aglm_jrun_evaluate(r, n->a, out);

    if (!rc && aglm_jval_true(out) == (n->kind == AGLM_JN_AND))
        rc = aglm_jrun_evaluate(r, n->b, out);
    return rc;
}

/* a < b < c: each operand once, until one comparison fails. */
static aglm_rc eval_compare(aglm_jrun *r, const aglm_jnode *n, aglm_jval *out)
{
    aglm_jval left;
    aglm_jval right;
    bool holds = true;
    aglm_rc rc = aglm_jrun_evaluate(r, n->a, &left);

    for (const aglm_jnode *o = n->body; o && holds && !rc; o = o->next) {
        rc = aglm_jrun_evaluate(r, o->a, &right);
        r->at = o;
        if (!rc)
            rc = aglm_jrun_compare(r, o->op, &left, &right, &holds);
        left = right;
    }
    *out = aglm_jval_bool(holds);
    return rc;
}

static aglm_rc eval_concat(aglm_jrun *r, const aglm_jnode *n, aglm_jval *out)
{
    aglm_jval list;
    aglm_rc rc = eval_sequence(r, n, AGLM_J_LIST, &list);
    size_t from = aglm_jrun_begin(r);

    r->at = n;
    for (size_t i = 0; !rc && i < list.list->n; i++)
        rc = aglm_jrun_append_str(r, &list.list->items[i]);
    return rc ? rc : aglm_jrun_take(r, from, out);
}

static aglm_rc eval_choice(aglm_jrun *r, const aglm_jnode *n, aglm_jval *out)
{
    aglm_jval test;
    aglm_rc rc = aglm_jrun_evaluate(r, n->a, &test);

    if (rc)
        return rc;
    if (aglm_jval_true(&test))
        return aglm_jrun_evaluate(r, n->b, out);
    if (n->c)
        return aglm_jrun_evaluate(r, n->c, out);
    *out = aglm_jval_undefined(AGLM_J_MISSING, NULL, 0);
    return AGLM_OK;
}

static aglm_rc evaluate(aglm_jrun *r, const aglm_jnode *n, aglm_jval *out)
{
    switch ((aglm_jnode_kind)n->kind) {
    case AGLM_JN_TUPLE:
        return eval_sequence(r, n, AGLM_J_TUPLE, out);
    case AGLM_JN_LIST:
        return eval_sequence(r, n, AGLM_J_LIST, out);
    case AGLM_JN_DICT:
        return eval_dict(r, n, out);
    case AGLM_JN_ATTR:
        return eval_attribute(r, n, out);
    case AGLM_JN_ITEM:
        return eval_item(r, n, out);
    case AGLM_JN_CALL:
        return eval_call(r, n, out);
    case AGLM_JN_FILTER:
    case AGLM_JN_TEST:
        return eval_applied(r, n, out);
    case AGLM_JN_NOT:
        return eval_not(r, n, out);
    case AGLM_JN_UNARY:
        return eval_unary(r, n, out);
    case AGLM_JN_BINARY:
        return eval_binary(r, n, out);
    case AGLM_JN_AND:
    case AGLM_JN_OR:
        return eval_logic(r, n, out);
    case AGLM_JN_COMPARE:
        return eval_compare(r, n, out);
    case AGLM_JN_CONCAT:
        return eval_concat(r, n, out);
    case AGLM_JN_CHOICE:
        return eval_choice(r, n, out);
    default:
        r->at = n;
        return aglm_jrun_fail(r, AGLM_INVALID, "a slice stands where a value is wanted");
    }
}

aglm_rc aglm_jrun_evaluate(aglm_jrun *r, const aglm_jnode *n, aglm_jval *out)
{
    if (n->kind == AGLM_JN_CONST) {
        *out = n->value;
        return AGLM_OK;
    }
    r->at = n;
    if (n->kind == AGLM_JN_NAME)
        return eval_name(r, n, out);
    if (n->kind == AGLM_JN_CAPTURED) {
        *out = r->captured;
        return AGLM_OK;
    }
    aglm_rc rc = aglm_jrun_enter(r);
    if (rc)
        return rc;
    rc = evaluate(r, n, out);
    r->depth--;
    return rc;
}
