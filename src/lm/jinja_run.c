/* What built-ins and the evaluator share: failures, limits, memory, variables. */
#include "lm/jinja_run.h"

#include <stdio.h>

aglm_rc aglm_jrun_fail(aglm_jrun *r, aglm_rc rc, const char *fmt, ...)
{
    char text[AGLM_ERROR_MAX];
    va_list ap;

    va_start(ap, fmt);
    vsnprintf(text, sizeof text, fmt, ap);
    va_end(ap);
    if (!r->at)
        return aglm_error_set(r->err, rc, "%s", text);
    return aglm_error_set(r->err, rc, "template line %u, column %u: %s", r->at->line, r->at->column,
                          text);
}

aglm_rc aglm_jrun_fail_undefined(aglm_jrun *r, const aglm_jval *v)
{
    const aglm_jval owner = {.kind = v->flag};
    int len = v->len < 100 ? (int)v->len : 100;

    if (v->flag & AGLM_J_UNSAFE)
        return aglm_jrun_fail(r, AGLM_INVALID,
                              "the method '%.*s' changes its object, which is not allowed here",
                              len, v->s);
    if (!v->s)
        return aglm_jrun_fail(r, AGLM_INVALID, "an undefined value is used");
    if (v->flag == AGLM_J_MISSING)
        return aglm_jrun_fail(r, AGLM_INVALID, "'%.*s' is undefined", len, v->s);
    return aglm_jrun_fail(r, AGLM_INVALID, "'%s' object has no attribute '%.*s'",
                          aglm_jval_type(&owner), len, v->s);
}

aglm_rc aglm_jrun_fail_type(aglm_jrun *r, const char *what, const aglm_jval *v)
{
    if (v->kind == AGLM_J_UNDEFINED)
        return aglm_jrun_fail_undefined(r, v);
    return aglm_jrun_fail(r, AGLM_INVALID, "%s, not '%s'", what, aglm_jval_type(v));
}

aglm_rc aglm_jrun_step(aglm_jrun *r, size_t n)
{
    r->steps += n;
    if (r->steps <= r->options.max_steps)
        return AGLM_OK;
    return aglm_jrun_fail(r, AGLM_LIMIT, "over the limit of %llu steps",
                          (unsigned long long)r->options.max_steps);
}

aglm_rc aglm_jrun_full(aglm_jrun *r)
{
    /* The arena does not tell why; near its cap it was the cap. */
    if (r->arena.used_bytes > r->arena.max_bytes / 2)
        return aglm_jrun_fail(r, AGLM_LIMIT, "values over the limit of %zu bytes",
                              r->arena.max_bytes);
    return aglm_jrun_fail(r, AGLM_NOMEM, "no memory to render the template");
}

aglm_rc aglm_jrun_enter(aglm_jrun *r)
{
    if (r->depth >= r->options.max_depth)
        return aglm_jrun_fail(r, AGLM_LIMIT, "nested deeper than %u evaluations",
                              r->options.max_depth);
    r->depth++;
    return aglm_jrun_step(r, 1);
}

aglm_rc aglm_jrun_new_list(aglm_jrun *r, aglm_jkind kind, aglm_jval *out)
{
    *out = (aglm_jval){.kind = (uint8_t)kind};
    out->list = aglm_arena_alloc(&r->arena, sizeof *out->list);
    return out->list ? AGLM_OK : aglm_jrun_full(r);
}

aglm_rc aglm_jrun_push(aglm_jrun *r, const aglm_jval *list, aglm_jval v)
{
    if (!aglm_jlist_push(&r->arena, list->list, v))
        return aglm_jrun_full(r);
    return aglm_jrun_step(r, 1);
}

aglm_rc aglm_jrun_new_dict(aglm_jrun *r, aglm_jkind kind, aglm_jval *out)
{
    *out = (aglm_jval){.kind = (uint8_t)kind};
    out->dict = aglm_arena_alloc(&r->arena, sizeof *out->dict);
    return out->dict ? AGLM_OK : aglm_jrun_full(r);
}

aglm_rc aglm_jrun_put(aglm_jrun *r, const aglm_jval *dict, aglm_jval key, aglm_jval v)
{
    if (!aglm_jval_hashable(&key))
        return aglm_jrun_fail(r, AGLM_INVALID, "unhashable type: '%s'", aglm_jval_type(&key));
    if (!aglm_jdict_set(&r->arena, dict->dict, key, v))
        return aglm_jrun_full(r);
    return aglm_jrun_step(r, 1);
}

aglm_rc aglm_jrun_pair(aglm_jrun *r, aglm_jval a, aglm_jval b, aglm_jval *out)
{
    aglm_rc rc = aglm_jrun_new_list(r, AGLM_J_TUPLE, out);

    if (!rc)
        rc = aglm_jrun_push(r, out, a);
    return rc ? rc : aglm_jrun_push(r, out, b);
}

static aglm_rc iterate_text(aglm_jrun *r, const aglm_jval *v, const aglm_jval *list)
{
    aglm_rc rc = AGLM_OK;

    for (size_t at = 0; at < v->len && !rc;) {
        size_t n = aglm_jtext_offset(v->s + at, v->len - at, 1);
        rc = aglm_jrun_push(r, list, aglm_jval_text(v->s + at, n));
        at += n;
    }
    return rc;
}

static aglm_rc iterate_dict(aglm_jrun *r, const aglm_jval *v, const aglm_jval *list)
{
    aglm_jview_of of = v->kind == AGLM_J_DICT ? AGLM_JVIEW_KEYS : (aglm_jview_of)v->flag;
    aglm_rc rc = AGLM_OK;

    for (size_t i = 0; i < v->dict->n && !rc; i++) {
        const aglm_jpair *p = &v->dict->pairs[i];
        aglm_jval item = of == AGLM_JVIEW_KEYS ? p->key : p->value;
        if (of == AGLM_JVIEW_ITEMS)
            rc = aglm_jrun_pair(r, p->key, p->value, &item);
        if (!rc)
            rc = aglm_jrun_push(r, list, item);
    }
    return rc;
}

static aglm_rc iterate_range(aglm_jrun *r, const aglm_jval *v, const aglm_jval *list)
{
    aglm_rc rc = AGLM_OK;

    for (int64_t i = 0; i < v->range->n && !rc; i++)
        rc = aglm_jrun_push(r, list, aglm_jval_int(v->range->start + i * v->range->step));
    return rc;
}

aglm_rc aglm_jrun_iterate(aglm_jrun *r, const aglm_jval *v, aglm_jlist *out)
{
    const aglm_jval list = {.kind = AGLM_J_LIST, .list = out};

    *out = (aglm_jlist){0};
    switch (v->kind) {
    case AGLM_J_UNDEFINED:
        return AGLM_OK;
    case AGLM_J_LIST:
    case AGLM_J_TUPLE:
        *out = *v->list;
        out->cap = out->n; /* an append must not write into the original */
        return AGLM_OK;
    case AGLM_J_ITER:
        out->items = v->list->at ? v->list->items + v->list->at : v->list->items;
        out->n = out->cap = v->list->n - v->list->at;
        v->list->at = v->list->n;
        return AGLM_OK;
    case AGLM_J_STRING:
        return iterate_text(r, v, &list);
    case AGLM_J_DICT:
    case AGLM_J_VIEW:
        return iterate_dict(r, v, &list);
    case AGLM_J_RANGE:
        return iterate_range(r, v, &list);
    default:
        return aglm_jrun_fail(r, AGLM_INVALID, "'%s' object is not iterable", aglm_jval_type(v));
    }
}

size_t aglm_jrun_begin(const aglm_jrun *r)
{
    return r->out->len;
}

aglm_rc aglm_jrun_append(aglm_jrun *r, const char *s, size_t n)
{
    aglm_rc rc = aglm_str_append(r->out, s, n);

    if (rc == AGLM_LIMIT)
        return aglm_jrun_fail(r, rc, "text over the limit of %zu bytes", r->out->max);
    if (rc)
        return aglm_jrun_fail(r, rc, "no memory to render the template");
    return n >= 64 ? aglm_jrun_step(r, n / 64) : AGLM_OK;
}

aglm_rc aglm_jrun_take(aglm_jrun *r, size_t from, aglm_jval *out)
{
    size_t n = r->out->len - from;
    char *s = n > UINT32_MAX ? NULL : aglm_arena_strndup(&r->arena, r->out->data + from, n);

    if (!s)
        return aglm_jrun_full(r);
    r->out->len = from;
    if (r->out->cap)
        r->out->data[from] = '\0';
    *out = aglm_jval_text(s, n);
    return AGLM_OK;
}

aglm_rc aglm_jrun_new_scope(aglm_jrun *r, aglm_jscope *parent, aglm_jscope **out)
{
    *out = aglm_arena_alloc(&r->arena, sizeof **out);
    if (!*out)
        return aglm_jrun_full(r);
    (*out)->parent = parent;
    return AGLM_OK;
}

aglm_jval aglm_jrun_get(const aglm_jrun *r, uint32_t sym)
{
    for (const aglm_jscope *s = r->scope; s; s = s->parent)
        for (size_t i = 0; i < s->n; i++)
            if (s->vars[i].sym == sym)
                return s->vars[i].value;
    return r->root[sym];
}

aglm_rc aglm_jrun_set(aglm_jrun *r, uint32_t sym, aglm_jval v)
{
    aglm_jscope *s = r->scope;

    if (!s) {
        r->root[sym] = v;
        return AGLM_OK;
    }
    for (size_t i = 0; i < s->n; i++) {
        if (s->vars[i].sym == sym) {
            s->vars[i].value = v;
            return AGLM_OK;
        }
    }
    if (s->n == s->cap) {
        size_t cap = s->cap ? s->cap * 2 : 4;
        aglm_jvar *vars = aglm_arena_array(&r->arena, cap, sizeof *vars);
        if (!vars)
            return aglm_jrun_full(r);
        if (s->n)
            memcpy(vars, s->vars, s->n * sizeof *vars);
        s->vars = vars;
        s->cap = cap;
    }
    s->vars[s->n++] = (aglm_jvar){sym, v};
    return AGLM_OK;
}
