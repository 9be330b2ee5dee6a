/* Attributes, items and slices. */
#include "lm/jinja_run.h"

const aglm_jbuiltin *aglm_jbuiltin_find(const aglm_jbuiltin *table, size_t n, const aglm_jval *name)
{
    for (size_t i = 0; i < n && name->len; i++)
        if (table[i].name[0] == name->s[0] && aglm_jval_is(name, table[i].name))
            return &table[i];
    return NULL;
}

static aglm_rc loop_cycle(aglm_jrun *r, aglm_jcall *c, aglm_jval *out)
{
    const aglm_jlist *l = &c->raw->list;

    if (l->n == 0)
        return aglm_jrun_fail(r, AGLM_INVALID, "cycle wants at least one item");
    *out = l->items[c->self.loop->at % l->n];
    return AGLM_OK;
}

static aglm_rc loop_changed(aglm_jrun *r, aglm_jcall *c, aglm_jval *out)
{
    aglm_jloop *loop = c->self.loop;
    aglm_jval now;
    aglm_rc rc = aglm_jrun_new_list(r, AGLM_J_TUPLE, &now);

    for (size_t i = 0; i < c->raw->list.n && !rc; i++)
        rc = aglm_jrun_push(r, &now, c->raw->list.items[i]);
    bool equal = false;
    if (!rc)
        rc = aglm_jrun_equal(r, &loop->changed, &now, &equal);
    *out = aglm_jval_bool(!equal);
    loop->changed = now;
    return rc;
}

static aglm_rc cycler_next(aglm_jrun *r, aglm_jcall *c, aglm_jval *out)
{
    aglm_jlist *l = c->self.list;

    (void)r;
    *out = l->items[l->at];
    l->at = (l->at + 1) % l->n;
    return AGLM_OK;
}

static aglm_rc cycler_reset(aglm_jrun *r, aglm_jcall *c, aglm_jval *out)
{
    (void)r;
    c->self.list->at = 0;
    *out = aglm_jval_none();
    return AGLM_OK;
}

static aglm_rc new_method(aglm_jrun *r, const aglm_jbuiltin *b, const aglm_jval *self,
                          aglm_jval *out)
{
    struct aglm_jmethod *m = aglm_arena_alloc(&r->arena, sizeof *m);

    if (!m)
        return aglm_jrun_full(r);
    m->builtin = b;
    m->self = *self;
    *out = (aglm_jval){.kind = AGLM_J_METHOD, .method = m};
    return AGLM_OK;
}

static aglm_jval neighbour(const aglm_jloop *loop, size_t i, const aglm_jval *name)
{
    return i < loop->items->n ? loop->items->items[i]
                              : aglm_jval_undefined(AGLM_J_LOOP, name->s, name->len);
}

static aglm_rc loop_attribute(aglm_jrun *r, const aglm_jval *v, const aglm_jval *name,
                              aglm_jval *out)
{
    static const aglm_jbuiltin cycle = {"cycle", loop_cycle, NULL, false};
    static const aglm_jbuiltin changed = {"changed", loop_changed, NULL, false};
    const aglm_jloop *loop = v->loop;
    int64_t at = (int64_t)loop->at;
    int64_t n = (int64_t)loop->items->n;
    const struct {
        const char *name;
        int64_t value;
    } numbers[] = {{"index", at + 1},
                   {"index0", at},
                   {"revindex", n - at},
                   {"revindex0", n - at - 1},
                   {"length", n},
                   {"depth", (int64_t)loop->depth0 + 1},
                   {"depth0", (int64_t)loop->depth0}};

    for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++) {
        if (aglm_jval_is(name, numbers[i].name)) {
            *out = aglm_jval_int(numbers[i].value);
            return AGLM_OK;
        }
    }
    *out = aglm_jval_undefined(AGLM_J_LOOP, name->s, name->len);
    if (aglm_jval_is(name, "first"))
        *out = aglm_jval_bool(at == 0);
    else if (aglm_jval_is(name, "last"))
        *out = aglm_jval_bool(at == n - 1);
    else if (aglm_jval_is(name, "previtem"))
        *out = neighbour(loop, loop->at - 1, name);
    else if (aglm_jval_is(name, "nextitem"))
        *out = neighbour(loop, loop->at + 1, name);
    else if (aglm_jval_is(name, "cycle"))
        return new_method(r, &cycle, v, out);
    else if (aglm_jval_is(name, "changed"))
        return new_method(r, &changed, v, out);
    return AGLM_OK;
}

static aglm_rc cycler_attribute(aglm_jrun *r, const aglm_jval *v, const aglm_jval *name,
                                aglm_jval *out)
{
    static const aglm_jbuiltin next = {"next", cycler_next, "", false};
    static const aglm_jbuiltin reset = {"reset", cycler_reset, "", false};

    *out = aglm_jval_undefined(AGLM_J_CYCLER, name->s, name->len);
    if (aglm_jval_is(name, "next"))
        return new_method(r, &next, v, out);
    if (aglm_jval_is(name, "reset"))
        return new_method(r, &reset, v, out);
    if (aglm_jval_is(name, "current"))
        *out = v->list->items[v->list->at];
    return AGLM_OK;
}

static void macro_attribute(const aglm_jval *v, const aglm_jval *name, aglm_jval *out)
{
    if (aglm_jval_is(name, "name"))
        *out = v->macro->node->value;
    else
        *out = aglm_jval_undefined(AGLM_J_MACRO, name->s, name->len);
}

/* A method of the value's type, MISSING when it has none of that name. */
static aglm_rc method_attribute(aglm_jrun *r, const aglm_jval *v, const aglm_jval *name,
                                aglm_jval *out)
{
    const aglm_jbuiltin *b = aglm_jmethod_find(v, name);

    *out = (aglm_jval){0};
    if (!b)
        return AGLM_OK;
    if (!b->mutates || r->options.mutable_values)
        return new_method(r, b, v, out);
    *out = aglm_jval_undefined((aglm_jkind)v->kind, name->s, name->len);
    out->flag |= AGLM_J_UNSAFE;
    return AGLM_OK;
}

aglm_rc aglm_jrun_attribute(aglm_jrun *r, const aglm_jval *v, const aglm_jval *name, aglm_jval *out)
{
    if (v->kind == AGLM_J_UNDEFINED)
        return aglm_jrun_fail_undefined(r, v);
    if (v->kind == AGLM_J_LOOP)
        return loop_attribute(r, v, name, out);
    if (v->kind == AGLM_J_CYCLER)
        return cycler_attribute(r, v, name, out);
    if (v->kind == AGLM_J_MACRO) {
        macro_attribute(v, name, out);
        return AGLM_OK;
    }
    aglm_rc rc = method_attribute(r, v, name, out);
    if (rc || out->kind != AGLM_J_MISSING)
        return rc;
    bool keyed = v->kind == AGLM_J_DICT || v->kind == AGLM_J_NAMESPACE;
    const aglm_jval *member = keyed ? aglm_jdict_get(v->dict, name) : NULL;
    *out = member ? *member : aglm_jval_undefined((aglm_jkind)v->kind, name->s, name->len);
    return AGLM_OK;
}

aglm_jval aglm_jtext_at(const aglm_jval *text, size_t i)
{
    size_t from = aglm_jtext_offset(text->s, text->len, i);
    size_t n = aglm_jtext_offset(text->s + from, text->len - from, 1);

    return aglm_jval_text(text->s + from, n);
}

/* Elements of what has an order; -1 for others. */
static int64_t length_of(const aglm_jval *v)
{
    switch (v->kind) {
    case AGLM_J_STRING:
        return (int64_t)aglm_jtext_count(v->s, v->len);
    case AGLM_J_LIST:
    case AGLM_J_TUPLE:
        return (int64_t)v->list->n;
    case AGLM_J_RANGE:
        return v->range->n;
    default:
        return -1;
    }
}

static aglm_jval element(const aglm_jval *v, int64_t i)
{
    if (v->kind == AGLM_J_STRING) {
        aglm_jval c = aglm_jtext_at(v, (size_t)i);
        c.flag = v->flag;
        return c;
    }
    if (v->kind == AGLM_J_RANGE)
        return aglm_jval_int(v->range->start + i * v->range->step);
    return v->list->items[i];
}

static aglm_rc index_item(aglm_jrun *r, const aglm_jval *v, int64_t i, aglm_jval *out)
{
    int64_t n = length_of(v);

    if (v->kind == AGLM_J_STRING && aglm_jrun_step(r, v->len / 64))
        return AGLM_LIMIT;
    if (n >= 0 && i < 0)
        i += n;
    *out = i >= 0 && i < n ? element(v, i) : aglm_jval_undefined((aglm_jkind)v->kind, "index", 5);
    return AGLM_OK;
}

aglm_rc aglm_jrun_item(aglm_jrun *r, const aglm_jval *v, const aglm_jval *key, aglm_jval *out)
{
    int64_t i;

    if (v->kind == AGLM_J_UNDEFINED)
        return aglm_jrun_fail_undefined(r, v);
    if (v->kind == AGLM_J_DICT && aglm_jval_hashable(key)) {
        const aglm_jval *member = aglm_jdict_get(v->dict, key);
        if (member) {
            *out = *member;
            return AGLM_OK;
        }
    }
    if (key->kind == AGLM_J_STRING)
        return aglm_jrun_attribute(r, v, key, out);
    if (aglm_jval_whole(key, &i) && v->kind != AGLM_J_DICT)
        return index_item(r, v, i, out);
    *out = aglm_jval_undefined((aglm_jkind)v->kind, "key", 3);
    return AGLM_OK;
}

/* Python's slice.indices: the first index, how many, the step. */
static bool slice_indices(const aglm_jval part[3], int64_t n, int64_t *start, int64_t *count,
                          int64_t *step)
{
    int64_t bound[2];

    *step = 1;
    if (part[2].kind != AGLM_J_NONE)
        aglm_jval_whole(&part[2], step);
    if (*step == 0)
        return false;
    if (*step < -n - 1)
        *step = -n - 1;
    if (*step > n + 1)
        *step = n + 1;
    int64_t low = *step < 0 ? -1 : 0;
    int64_t high = *step < 0 ? n - 1 : n;
    bound[0] = *step < 0 ? high : low;
    bound[1] = *step < 0 ? low : high;
    for (size_t i = 0; i < 2; i++) {
        if (!aglm_jval_whole(&part[i], &bound[i]))
            continue;
        if (bound[i] < 0)
            bound[i] = bound[i] < -n ? low : bound[i] + n;
        if (bound[i] < low)
            bound[i] = low;
        if (bound[i] > high)
            bound[i] = high;
    }
    int64_t span = *step < 0 ? bound[0] - bound[1] : bound[1] - bound[0];
    int64_t size = *step < 0 ? -*step : *step;
    *start = bound[0];
    *count = span > 0 ? (span + size - 1) / size : 0;
    return true;
}

static aglm_rc slice_text(aglm_jrun *r, const aglm_jval *v, const int64_t at[3], aglm_jval *out)
{
    size_t from = aglm_jrun_begin(r);
    aglm_rc rc = AGLM_OK;

    if (at[2] == 1) {
        size_t first = aglm_jtext_offset(v->s, v->len, (size_t)at[0]);
        size_t n = aglm_jtext_offset(v->s + first, v->len - first, (size_t)at[1]);
        *out = aglm_jval_text(v->s + first, n);
        out->flag = v->flag;
        return aglm_jrun_step(r, v->len / 64);
    }
    /* Backwards or with gaps: characters by way of a list, so that each is found once. */
    aglm_jlist chars;
    rc = aglm_jrun_iterate(r, v, &chars);
    for (int64_t i = 0; i < at[1] && !rc; i++) {
        const aglm_jval *c = &chars.items[at[0] + i * at[2]];
        rc = aglm_jrun_append(r, c->s, c->len);
    }
    if (!rc)
        rc = aglm_jrun_take(r, from, out);
    out->flag = v->flag;
    return rc;
}

static aglm_rc slice_range(aglm_jrun *r, const aglm_jval *v, const int64_t at[3], aglm_jval *out)
{
    aglm_jrange *range = aglm_arena_alloc(&r->arena, sizeof *range);

    if (!range)
        return aglm_jrun_full(r);
    *range = (aglm_jrange){.step = 1, .n = at[1]};
    if (at[1] > 0)
        range->start = v->range->start + at[0] * v->range->step;
    if (at[1] > 1)
        range->step = v->range->step * at[2];
    *out = (aglm_jval){.kind = AGLM_J_RANGE, .range = range};
    return AGLM_OK;
}

aglm_rc aglm_jrun_slice(aglm_jrun *r, const aglm_jval *v, const aglm_jval part[3], aglm_jval *out)
{
    int64_t n = length_of(v);
    int64_t at[3];

    if (v->kind == AGLM_J_UNDEFINED)
        return aglm_jrun_fail_undefined(r, v);
    if (n < 0)
        return aglm_jrun_fail(r, AGLM_INVALID, "'%s' object cannot be sliced", aglm_jval_type(v));
    for (size_t i = 0; i < 3; i++)
        if (part[i].kind != AGLM_J_NONE && part[i].kind != AGLM_J_INT &&
            part[i].kind != AGLM_J_BOOL)
            return aglm_jrun_fail_type(r, "slice indices must be whole numbers", &part[i]);
    if (!slice_indices(part, n, &at[0], &at[1], &at[2]))
        return aglm_jrun_fail(r, AGLM_INVALID, "slice step cannot be zero");
    if (v->kind == AGLM_J_STRING)
        return slice_text(r, v, at, out);
    if (v->kind == AGLM_J_RANGE)
        return slice_range(r, v, at, out);
    aglm_rc rc = aglm_jrun_new_list(r, (aglm_jkind)v->kind, out);
    for (int64_t i = 0; i < at[1] && !rc; i++)
        rc = aglm_jrun_push(r, out, v->list->items[at[0] + i * at[2]]);
    return rc;
}
