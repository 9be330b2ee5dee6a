/* Calls: arguments, macros, built-ins, and the global functions. */
#include <time.h>

#include "lm/jinja_run.h"

#define MAX_RANGE 100000
#define STRFTIME_MAX 256

static aglm_rc push_all(aglm_jrun *r, const aglm_jval *v, aglm_jlist *to)
{
    aglm_jlist items;
    const aglm_jval list = {.kind = AGLM_J_LIST, .list = to};
    aglm_rc rc = aglm_jrun_iterate(r, v, &items);

    for (size_t i = 0; i < items.n && !rc; i++)
        rc = aglm_jrun_push(r, &list, items.items[i]);
    return rc;
}

static aglm_rc put_all(aglm_jrun *r, const aglm_jval *v, const aglm_jval *to)
{
    aglm_rc rc = AGLM_OK;

    if (v->kind != AGLM_J_DICT)
        return aglm_jrun_fail_type(r, "** wants a mapping", v);
    for (size_t i = 0; i < v->dict->n && !rc; i++) {
        if (v->dict->pairs[i].key.kind != AGLM_J_STRING)
            return aglm_jrun_fail(r, AGLM_INVALID, "keywords must be strings");
        rc = aglm_jrun_put(r, to, v->dict->pairs[i].key, v->dict->pairs[i].value);
    }
    return rc;
}

aglm_rc aglm_jrun_args(aglm_jrun *r, const aglm_jnode *nodes, aglm_jargs *out)
{
    const aglm_jval list = {.kind = AGLM_J_LIST, .list = &out->list};
    const aglm_jval named = {.kind = AGLM_J_DICT, .dict = &out->named};
    aglm_rc rc = AGLM_OK;

    for (const aglm_jnode *n = nodes; n && !rc; n = n->next) {
        aglm_jval v;
        rc = aglm_jrun_evaluate(r, n->a, &v);
        r->at = n;
        if (rc)
            break;
        if (n->op == '*')
            rc = push_all(r, &v, &out->list);
        else if (n->op)
            rc = put_all(r, &v, &named);
        else if (n->value.kind == AGLM_J_STRING)
            rc = aglm_jrun_put(r, &named, n->value, v);
        else
            rc = aglm_jrun_push(r, &list, v);
    }
    return rc;
}

/* One parameter of "a b? c?"; steps over it. */
static aglm_jspan next_param(const char **params, bool *optional)
{
    size_t n = strcspn(*params, " ");
    aglm_jspan name = {*params, n};

    *params += n + ((*params)[n] == ' ');
    *optional = n && name.s[n - 1] == '?';
    name.n -= *optional;
    return name;
}

aglm_rc aglm_jrun_builtin(aglm_jrun *r, const aglm_jbuiltin *b, const aglm_jval *self,
                          const aglm_jargs *args, aglm_jval *out)
{
    aglm_jcall c = {.name = b->name, .self = *self, .raw = args};
    size_t n = 0;
    size_t named = 0;

    if (!b->params)
        return b->call(r, &c, out);
    for (const char *params = b->params; *params; n++) {
        bool optional;
        aglm_jspan name = next_param(&params, &optional);
        const aglm_jval *v = aglm_jdict_get_text(&args->named, name.s, name.n);
        named += v != NULL;
        if (n < args->list.n)
            c.arg[n] = args->list.items[n];
        else if (v)
            c.arg[n] = *v;
        else if (!optional)
            return aglm_jrun_fail(r, AGLM_INVALID, "%s: the argument '%.*s' is missing", b->name,
                                  (int)name.n, name.s);
    }
    if (args->list.n > n)
        return aglm_jrun_fail(r, AGLM_INVALID, "%s takes at most %zu arguments, here are %zu",
                              b->name, n, args->list.n);
    if (named < args->named.n)
        return aglm_jrun_fail(r, AGLM_INVALID, "%s: unknown or doubled argument by name", b->name);
    return b->call(r, &c, out);
}

static bool is_param(const aglm_jnode *macro, const aglm_jval *name)
{
    for (const aglm_jnode *p = macro->params; p; p = p->next)
        if (p->value.len == name->len && memcmp(p->value.s, name->s, name->len) == 0)
            return true;
    return false;
}

/* Arguments by name that are no parameters: for kwargs, or an error. */
static aglm_rc take_named(aglm_jrun *r, const aglm_jnode *macro, const aglm_jargs *args)
{
    bool catches = macro->op & (1 << AGLM_JSYM_KWARGS);
    aglm_jval kwargs;
    aglm_rc rc = aglm_jrun_new_dict(r, AGLM_J_DICT, &kwargs);

    for (size_t i = 0; i < args->named.n && !rc; i++) {
        const aglm_jpair *p = &args->named.pairs[i];
        if (is_param(macro, &p->key))
            continue;
        if (aglm_jval_is(&p->key, "caller") && (macro->op & (1 << AGLM_JSYM_CALLER)))
            rc = aglm_jrun_set(r, AGLM_JSYM_CALLER, p->value);
        else if (catches)
            rc = aglm_jrun_put(r, &kwargs, p->key, p->value);
        else
            return aglm_jrun_fail(r, AGLM_INVALID, "macro '%.*s' takes no keyword argument '%.*s'",
                                  (int)macro->value.len, macro->value.s, (int)p->key.len, p->key.s);
    }
    return rc || !catches ? rc : aglm_jrun_set(r, AGLM_JSYM_KWARGS, kwargs);
}

static aglm_rc take_rest(aglm_jrun *r, const aglm_jnode *macro, const aglm_jargs *args, size_t from)
{
    bool catches = macro->op & (1 << AGLM_JSYM_VARARGS);
    aglm_jval rest;

    if (!catches && args->list.n > from)
        return aglm_jrun_fail(r, AGLM_INVALID,
                              "macro '%.*s' takes not more than %zu argument(s), here are %zu",
                              (int)macro->value.len, macro->value.s, from, args->list.n);
    if (!catches)
        return AGLM_OK;
    aglm_rc rc = aglm_jrun_new_list(r, AGLM_J_TUPLE, &rest);
    for (size_t i = from; i < args->list.n && !rc; i++)
        rc = aglm_jrun_push(r, &rest, args->list.items[i]);
    return rc ? rc : aglm_jrun_set(r, AGLM_JSYM_VARARGS, rest);
}

static aglm_rc take_param(aglm_jrun *r, const aglm_jnode *p, const aglm_jargs *args, size_t i)
{
    const aglm_jval *named = aglm_jdict_get_text(&args->named, p->value.s, p->value.len);
    aglm_jval v = aglm_jval_undefined(AGLM_J_MISSING, p->value.s, p->value.len);
    aglm_rc rc = AGLM_OK;

    if (i < args->list.n && named)
        return aglm_jrun_fail(r, AGLM_INVALID, "got multiple values for argument '%.*s'",
                              (int)p->value.len, p->value.s);
    if (i < args->list.n)
        v = args->list.items[i];
    else if (named)
        v = *named;
    else if (p->a)
        rc = aglm_jrun_evaluate(r, p->a, &v);
    return rc ? rc : aglm_jrun_set(r, p->sym, v);
}

static aglm_rc bind_macro(aglm_jrun *r, const aglm_jnode *macro, const aglm_jargs *args)
{
    size_t i = 0;
    aglm_rc rc = AGLM_OK;

    if (macro->op & (1 << AGLM_JSYM_CALLER))
        rc = aglm_jrun_set(r, AGLM_JSYM_CALLER, aglm_jval_undefined(AGLM_J_MISSING, "caller", 6));
    for (const aglm_jnode *p = macro->params; p && !rc; p = p->next)
        rc = take_param(r, p, args, i++);
    if (!rc)
        rc = take_rest(r, macro, args, i);
    return rc ? rc : take_named(r, macro, args);
}

static aglm_rc call_macro(aglm_jrun *r, const struct aglm_jmacro *m, const aglm_jargs *args,
                          aglm_jval *out)
{
    aglm_jscope *outer = r->scope;
    size_t from = aglm_jrun_begin(r);
    aglm_rc rc = aglm_jrun_enter(r);

    if (!rc)
        rc = aglm_jrun_new_scope(r, m->scope, &r->scope);
    if (!rc)
        rc = bind_macro(r, m->node, args);
    if (!rc)
        rc = aglm_jrun_execute(r, m->node->body);
    r->scope = outer;
    r->depth--;
    return rc ? rc : aglm_jrun_take(r, from, out);
}

/* loop(items) in a recursive loop: the same body over other items. */
static aglm_rc call_loop(aglm_jrun *r, const aglm_jloop *loop, const aglm_jargs *args,
                         aglm_jval *out)
{
    aglm_jscope *outer = r->scope;
    size_t from = aglm_jrun_begin(r);

    if (!loop->node->op)
        return aglm_jrun_fail(r, AGLM_INVALID, "the loop is not marked 'recursive'");
    if (args->list.n != 1)
        return aglm_jrun_fail(r, AGLM_INVALID, "loop() wants what to go through");
    aglm_rc rc = aglm_jrun_enter(r);
    r->scope = loop->outer;
    if (!rc)
        rc = aglm_jrun_loop(r, loop->node, &args->list.items[0], loop->depth0 + 1);
    r->scope = outer;
    r->depth--;
    return rc ? rc : aglm_jrun_take(r, from, out);
}

/* The first time nothing, then what it was made of. */
static aglm_rc call_joiner(const aglm_jval *joiner, aglm_jval *out)
{
    *out = joiner->list->at ? joiner->list->items[0] : aglm_jval_text("", 0);
    joiner->list->at = 1;
    return AGLM_OK;
}

aglm_rc aglm_jrun_call(aglm_jrun *r, const aglm_jval *callee, const aglm_jargs *args,
                       aglm_jval *out)
{
    const aglm_jval none = aglm_jval_none();

    switch (callee->kind) {
    case AGLM_J_MACRO:
        return call_macro(r, callee->macro, args, out);
    case AGLM_J_METHOD:
        return aglm_jrun_builtin(r, callee->method->builtin, &callee->method->self, args, out);
    case AGLM_J_FUNCTION:
        return aglm_jrun_builtin(r, callee->function, &none, args, out);
    case AGLM_J_JOINER:
        return call_joiner(callee, out);
    case AGLM_J_LOOP:
        return call_loop(r, callee->loop, args, out);
    case AGLM_J_UNDEFINED:
        return aglm_jrun_fail_undefined(r, callee);
    default:
        return aglm_jrun_fail(r, AGLM_INVALID, "'%s' object is not callable",
                              aglm_jval_type(callee));
    }
}

static aglm_rc fn_range(aglm_jrun *r, aglm_jcall *c, aglm_jval *out)
{
    int64_t part[3] = {0, 0, 1};
    const aglm_jlist *l = &c->raw->list;

    if (l->n < 1 || l->n > 3 || c->raw->named.n)
        return aglm_jrun_fail(r, AGLM_INVALID, "range takes 1 to 3 arguments");
    for (size_t i = 0; i < l->n; i++)
        if (!aglm_jval_whole(&l->items[i], &part[l->n == 1 ? 1 : i]))
            return aglm_jrun_fail_type(r, "range wants whole numbers", &l->items[i]);
    if (part[2] == 0)
        return aglm_jrun_fail(r, AGLM_INVALID, "range: the step must not be zero");
    aglm_jrange *range = aglm_arena_alloc(&r->arena, sizeof *range);
    if (!range)
        return aglm_jrun_full(r);
    *range = (aglm_jrange){.start = part[0], .step = part[2]};
    bool down = part[2] < 0;
    uint64_t from = (uint64_t)(down ? part[1] : part[0]);
    uint64_t to = (uint64_t)(down ? part[0] : part[1]);
    uint64_t step = down ? 0 - (uint64_t)part[2] : (uint64_t)part[2];
    uint64_t n = (int64_t)to > (int64_t)from ? (to - from - 1) / step + 1 : 0;
    if (n > MAX_RANGE)
        return aglm_jrun_fail(r, AGLM_LIMIT, "range of more than %d numbers", MAX_RANGE);
    range->n = (int64_t)n;
    *out = (aglm_jval){.kind = AGLM_J_RANGE, .range = range};
    return AGLM_OK;
}

/* A dict, or a sequence of pairs, and names. */
static aglm_rc fill(aglm_jrun *r, const aglm_jval *from, const aglm_jval *to)
{
    aglm_jlist items;
    aglm_jlist pair;
    aglm_rc rc = AGLM_OK;

    if (from->kind == AGLM_J_DICT) {
        for (size_t i = 0; i < from->dict->n && !rc; i++)
            rc = aglm_jrun_put(r, to, from->dict->pairs[i].key, from->dict->pairs[i].value);
        return rc;
    }
    rc = aglm_jrun_iterate(r, from, &items);
    for (size_t i = 0; i < items.n && !rc; i++) {
        rc = aglm_jrun_iterate(r, &items.items[i], &pair);
        if (!rc && pair.n != 2)
            return aglm_jrun_fail(r, AGLM_INVALID, "a mapping is made of pairs, here are %zu",
                                  pair.n);
        if (!rc)
            rc = aglm_jrun_put(r, to, pair.items[0], pair.items[1]);
    }
    return rc;
}

static aglm_rc make_dict(aglm_jrun *r, aglm_jcall *c, aglm_jkind kind, aglm_jval *out)
{
    const aglm_jval named = {.kind = AGLM_J_DICT, .dict = (aglm_jdict *)(uintptr_t)&c->raw->named};
    aglm_rc rc = aglm_jrun_new_dict(r, kind, out);

    if (!rc && c->raw->list.n > 1)
        return aglm_jrun_fail(r, AGLM_INVALID, "%s takes one mapping and names", c->name);
    if (!rc && c->raw->list.n)
        rc = fill(r, &c->raw->list.items[0], out);
    return rc ? rc : fill(r, &named, out);
}

static aglm_rc fn_dict(aglm_jrun *r, aglm_jcall *c, aglm_jval *out)
{
    return make_dict(r, c, AGLM_J_DICT, out);
}

static aglm_rc fn_namespace(aglm_jrun *r, aglm_jcall *c, aglm_jval *out)
{
    return make_dict(r, c, AGLM_J_NAMESPACE, out);
}

static aglm_rc fn_cycler(aglm_jrun *r, aglm_jcall *c, aglm_jval *out)
{
    aglm_rc rc = aglm_jrun_new_list(r, AGLM_J_CYCLER, out);

    if (c->raw->list.n == 0)
        return aglm_jrun_fail(r, AGLM_INVALID, "cycler wants at least one item");
    for (size_t i = 0; i < c->raw->list.n && !rc; i++)
        rc = aglm_jrun_push(r, out, c->raw->list.items[i]);
    return rc;
}

static aglm_rc fn_joiner(aglm_jrun *r, aglm_jcall *c, aglm_jval *out)
{
    aglm_jval comma = aglm_jval_text(", ", 2);
    aglm_rc rc = aglm_jrun_new_list(r, AGLM_J_JOINER, out);

    return rc ? rc : aglm_jrun_push(r, out, c->arg[0].kind ? c->arg[0] : comma);
}

static aglm_rc fn_raise_exception(aglm_jrun *r, aglm_jcall *c, aglm_jval *out)
{
    aglm_rc rc = aglm_jrun_str(r, &c->arg[0], out);

    return rc ? rc
              : aglm_jrun_fail(r, AGLM_INVALID, "%.*s", (int)(out->len < 400 ? out->len : 400),
                               out->s);
}

static aglm_rc fn_strftime_now(aglm_jrun *r, aglm_jcall *c, aglm_jval *out)
{
    char format[STRFTIME_MAX];
    char text[STRFTIME_MAX];
    time_t now = (time_t)r->options.now_s;
    struct tm tm;

    if (c->arg[0].kind != AGLM_J_STRING || c->arg[0].len >= sizeof format)
        return aglm_jrun_fail(r, AGLM_INVALID, "strftime_now wants a format of less than %d bytes",
                              STRFTIME_MAX);
    if (!gmtime_r(&now, &tm))
        return aglm_jrun_fail(r, AGLM_INVALID, "now_s is no time");
    memcpy(format, c->arg[0].s, c->arg[0].len);
    format[c->arg[0].len] = '\0';
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
    size_t n = strftime(text, sizeof text, format, &tm);
#pragma GCC diagnostic pop
    size_t from = aglm_jrun_begin(r);
    aglm_rc rc = aglm_jrun_append(r, text, n);
    return rc ? rc : aglm_jrun_take(r, from, out);
}

const aglm_jbuiltin *aglm_jfunction_find(const aglm_jval *name)
{
    static const aglm_jbuiltin functions[] = {
        {"cycler", fn_cycler, NULL, false},
        {"dict", fn_dict, NULL, false},
        {"joiner", fn_joiner, "sep?", false},
        {"namespace", fn_namespace, NULL, false},
        {"raise_exception", fn_raise_exception, "message", false},
        {"range", fn_range, NULL, false},
        {"strftime_now", fn_strftime_now, "format", false},
    };

    return aglm_jbuiltin_find(functions, sizeof functions / sizeof *functions, name);
}
