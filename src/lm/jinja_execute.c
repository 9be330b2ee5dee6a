/* Statements. */
#include "lm/jinja_run.h"

static aglm_rc exec_print(aglm_jrun *r, const aglm_jnode *n)
{
    aglm_jval v;
    aglm_rc rc = aglm_jrun_evaluate(r, n->a, &v);

    r->at = n->a;
    if (rc)
        return rc;
    if (v.kind == AGLM_J_UNDEFINED && r->options.strict)
        return aglm_jrun_fail_undefined(r, &v);
    return aglm_jrun_append_str(r, &v);
}

static aglm_rc exec_if(aglm_jrun *r, const aglm_jnode *n)
{
    for (;;) {
        aglm_jval test;
        aglm_rc rc = aglm_jrun_evaluate(r, n->a, &test);
        if (rc)
            return rc;
        if (aglm_jval_true(&test))
            return aglm_jrun_execute(r, n->body);
        /* elif: a lone if in the other branch */
        if (!n->other || n->other->kind != AGLM_JN_IF || n->other->next)
            return aglm_jrun_execute(r, n->other);
        n = n->other;
    }
}

static aglm_rc assign_member(aglm_jrun *r, const aglm_jnode *target, aglm_jval v)
{
    aglm_jval owner = aglm_jrun_get(r, target->sym);

    r->at = target;
    if (owner.kind == AGLM_J_NAMESPACE)
        return aglm_jrun_put(r, &owner, target->value, v);
    if (owner.kind == AGLM_J_MISSING)
        return aglm_jrun_fail(r, AGLM_INVALID, "'%s' is undefined: set it to namespace(...) first",
                              aglm_map_key(r->j->names, target->sym, NULL));
    return aglm_jrun_fail(r, AGLM_INVALID,
                          "cannot assign attribute on non-namespace object '%s', a %s",
                          aglm_map_key(r->j->names, target->sym, NULL), aglm_jval_type(&owner));
}

static aglm_rc assign(aglm_jrun *r, const aglm_jnode *target, aglm_jval v)
{
    aglm_jlist items;

    if (target->kind == AGLM_JN_NAME)
        return aglm_jrun_set(r, target->sym, v);
    if (target->kind == AGLM_JN_MEMBER)
        return assign_member(r, target, v);
    r->at = target;
    if (v.kind == AGLM_J_UNDEFINED)
        return aglm_jrun_fail_undefined(r, &v);
    aglm_rc rc = aglm_jrun_enter(r);
    if (!rc)
        rc = aglm_jrun_iterate(r, &v, &items);
    size_t i = 0;
    for (const aglm_jnode *t = target->body; t && !rc; t = t->next, i++) {
        if (i >= items.n)
            return aglm_jrun_fail(r, AGLM_INVALID, "not enough values to unpack: %zu", items.n);
        rc = assign(r, t, items.items[i]);
    }
    if (!rc && i < items.n)
        return aglm_jrun_fail(r, AGLM_INVALID, "too many values to unpack: %zu for %zu names",
                              items.n, i);
    r->depth--;
    return rc;
}

static aglm_rc exec_set(aglm_jrun *r, const aglm_jnode *n)
{
    aglm_jval v;
    aglm_rc rc = aglm_jrun_evaluate(r, n->b, &v);

    return rc ? rc : assign(r, n->a, v);
}

/* A body in a scope of its own, as text, with the filters applied. */
static aglm_rc capture_body(aglm_jrun *r, const aglm_jnode *n, aglm_jval *out)
{
    aglm_jscope *outer = r->scope;
    size_t from = aglm_jrun_begin(r);
    aglm_rc rc = aglm_jrun_new_scope(r, outer, &r->scope);

    if (!rc)
        rc = aglm_jrun_execute(r, n->body);
    r->scope = outer;
    if (!rc)
        rc = aglm_jrun_take(r, from, out);
    if (rc || !n->b)
        return rc;
    aglm_jval before = r->captured;
    r->captured = *out;
    rc = aglm_jrun_evaluate(r, n->b, out);
    r->captured = before;
    return rc;
}

static aglm_rc exec_set_block(aglm_jrun *r, const aglm_jnode *n)
{
    aglm_jval v;
    aglm_rc rc = capture_body(r, n, &v);

    return rc ? rc : assign(r, n->a, v);
}

static aglm_rc exec_filter_block(aglm_jrun *r, const aglm_jnode *n)
{
    aglm_jval v;
    aglm_rc rc = capture_body(r, n, &v);

    return rc ? rc : aglm_jrun_append_str(r, &v);
}

static aglm_rc exec_with(aglm_jrun *r, const aglm_jnode *n)
{
    aglm_jscope *outer = r->scope;
    aglm_jscope *inner;
    aglm_rc rc = aglm_jrun_new_scope(r, outer, &inner);

    for (const aglm_jnode *set = n->params; set && !rc; set = set->next) {
        aglm_jval v;
        rc = aglm_jrun_evaluate(r, set->b, &v); /* sees what is outside only */
        r->scope = inner;
        if (!rc)
            rc = assign(r, set->a, v);
        r->scope = outer;
    }
    r->scope = inner;
    if (!rc)
        rc = aglm_jrun_execute(r, n->body);
    r->scope = outer;
    return rc;
}

static aglm_rc new_macro(aglm_jrun *r, const aglm_jnode *n, aglm_jval *out)
{
    struct aglm_jmacro *m = aglm_arena_alloc(&r->arena, sizeof *m);

    if (!m)
        return aglm_jrun_full(r);
    m->node = n;
    m->scope = r->scope;
    *out = (aglm_jval){.kind = AGLM_J_MACRO, .macro = m};
    return AGLM_OK;
}

static aglm_rc exec_macro(aglm_jrun *r, const aglm_jnode *n)
{
    aglm_jval m;
    aglm_rc rc = new_macro(r, n, &m);

    return rc ? rc : aglm_jrun_set(r, n->sym, m);
}

/* The body is handed to the macro that is called as its argument "caller". */
static aglm_rc exec_call_block(aglm_jrun *r, const aglm_jnode *n)
{
    aglm_jval caller;
    aglm_jval callee;
    aglm_jval v;
    aglm_jargs args = {0};
    const aglm_jval named = {.kind = AGLM_J_DICT, .dict = &args.named};
    aglm_rc rc = new_macro(r, n->b, &caller);

    if (!rc)
        rc = aglm_jrun_evaluate(r, n->a->a, &callee);
    if (!rc)
        rc = aglm_jrun_args(r, n->a->params, &args);
    if (!rc)
        rc = aglm_jrun_put(r, &named, n->b->value, caller);
    r->at = n->a;
    if (!rc)
        rc = aglm_jrun_call(r, &callee, &args, &v);
    return rc ? rc : aglm_jrun_append_str(r, &v);
}

/* The items that pass the loop's "if". */
static aglm_rc filter_items(aglm_jrun *r, const aglm_jnode *n, const aglm_jlist *all,
                            aglm_jval *passed)
{
    aglm_jscope *outer = r->scope;
    aglm_jval test;
    aglm_rc rc = aglm_jrun_new_list(r, AGLM_J_LIST, passed);

    if (!rc)
        rc = aglm_jrun_new_scope(r, outer, &r->scope);
    for (size_t i = 0; i < all->n && !rc; i++) {
        rc = assign(r, n->a, all->items[i]);
        if (!rc)
            rc = aglm_jrun_evaluate(r, n->c, &test);
        if (!rc && aglm_jval_true(&test))
            rc = aglm_jrun_push(r, passed, all->items[i]);
    }
    r->scope = outer;
    return rc;
}

/* All turns share a scope, emptied before each: a macro that kept it sees the last turn, as in
 * Jinja2. */
static aglm_rc exec_turn(aglm_jrun *r, const aglm_jnode *n, aglm_jloop *loop)
{
    aglm_rc rc = aglm_jrun_step(r, 1);

    r->scope->n = 0;
    if (!rc)
        rc = aglm_jrun_set(r, AGLM_JSYM_LOOP, (aglm_jval){.kind = AGLM_J_LOOP, .loop = loop});
    if (!rc)
        rc = assign(r, n->a, loop->items->items[loop->at]);
    if (!rc)
        rc = aglm_jrun_execute(r, n->body);
    return rc;
}

static aglm_rc exec_turns(aglm_jrun *r, const aglm_jnode *n, aglm_jloop *loop)
{
    aglm_rc rc = AGLM_OK;

    for (loop->at = 0; loop->at < loop->items->n && !rc; loop->at++) {
        rc = exec_turn(r, n, loop);
        if (r->flow == AGLM_JFLOW_BREAK)
            break;
        r->flow = AGLM_JFLOW_ON;
    }
    r->flow = AGLM_JFLOW_ON;
    return rc;
}

aglm_rc aglm_jrun_loop(aglm_jrun *r, const aglm_jnode *n, const aglm_jval *items, unsigned depth0)
{
    aglm_jscope *outer = r->scope;
    aglm_jval all;
    aglm_jval passed;
    aglm_jloop *loop = aglm_arena_alloc(&r->arena, sizeof *loop);
    aglm_rc rc = loop ? aglm_jrun_new_list(r, AGLM_J_LIST, &all) : aglm_jrun_full(r);

    if (!rc)
        rc = aglm_jrun_iterate(r, items, all.list);
    passed = all;
    if (!rc && n->c)
        rc = filter_items(r, n, all.list, &passed);
    if (!rc)
        rc = aglm_jrun_new_scope(r, outer, &r->scope);
    if (!rc) {
        *loop = (aglm_jloop){.node = n, .outer = outer, .items = passed.list, .depth0 = depth0};
        rc = passed.list->n ? exec_turns(r, n, loop) : aglm_jrun_execute(r, n->other);
    }
    r->scope = outer;
    return rc;
}

static aglm_rc exec_for(aglm_jrun *r, const aglm_jnode *n)
{
    aglm_jval items;
    aglm_rc rc = aglm_jrun_evaluate(r, n->b, &items);

    r->at = n->b;
    return rc ? rc : aglm_jrun_loop(r, n, &items, 0);
}

static aglm_rc execute(aglm_jrun *r, const aglm_jnode *n)
{
    switch ((aglm_jnode_kind)n->kind) {
    case AGLM_JN_TEXT:
        r->at = n;
        return aglm_jrun_append(r, n->value.s, n->value.len);
    case AGLM_JN_PRINT:
        return exec_print(r, n);
    case AGLM_JN_IF:
        return exec_if(r, n);
    case AGLM_JN_FOR:
        return exec_for(r, n);
    case AGLM_JN_SET:
        return exec_set(r, n);
    case AGLM_JN_SET_BLOCK:
        return exec_set_block(r, n);
    case AGLM_JN_MACRO:
        return exec_macro(r, n);
    case AGLM_JN_CALL_BLOCK:
        return exec_call_block(r, n);
    case AGLM_JN_FILTER_BLOCK:
        return exec_filter_block(r, n);
    case AGLM_JN_WITH:
        return exec_with(r, n);
    case AGLM_JN_BREAK:
        r->flow = AGLM_JFLOW_BREAK;
        return AGLM_OK;
    default:
        r->flow = AGLM_JFLOW_CONTINUE;
        return AGLM_OK;
    }
}

aglm_rc aglm_jrun_execute(aglm_jrun *r, const aglm_jnode *list)
{
    aglm_rc rc = AGLM_OK;

    if (!list)
        return AGLM_OK;
    r->at = list;
    rc = aglm_jrun_enter(r);
    for (; list && !rc && r->flow == AGLM_JFLOW_ON; list = list->next)
        rc = execute(r, list);
    r->depth -= !rc;
    return rc;
}
