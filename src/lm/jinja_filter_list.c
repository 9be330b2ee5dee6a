/* Filters of sequences and mappings. */
#include "lm/jinja_filter.h"

aglm_rc aglm_jrun_path(aglm_jrun *r, const aglm_jval *item, const aglm_jval *path, aglm_jval *out)
{
    aglm_rc rc = AGLM_OK;

    *out = *item;
    if (path->kind != AGLM_J_STRING)
        return aglm_jrun_item(r, item, path, out);
    for (size_t at = 0; at <= path->len && !rc;) {
        size_t dot = aglm_jtext_find(aglm_jspan_of(path), (aglm_jspan){".", 1}, at);
        size_t end = dot == SIZE_MAX ? path->len : dot;
        aglm_jval key = aglm_jval_text(path->s + at, end - at);
        aglm_jval owner = *out;
        if (key.len && key.len < 10 && strspn(key.s, "0123456789") >= key.len) {
            int64_t i = 0;
            for (size_t k = 0; k < key.len; k++)
                i = i * 10 + (key.s[k] - '0');
            key = aglm_jval_int(i);
        }
        rc = aglm_jrun_item(r, &owner, &key, out);
        at = end + 1;
    }
    return rc;
}

aglm_rc aglm_jrun_sort_key(aglm_jrun *r, const aglm_jval *item, const aglm_jval *path, bool cased,
                           aglm_jval *out)
{
    aglm_jval v = *item;
    aglm_rc rc = aglm_jval_given(path) ? aglm_jrun_path(r, item, path, &v) : AGLM_OK;

    *out = v;
    if (!rc && !cased && v.kind == AGLM_J_STRING)
        rc = aglm_jrun_case(r, &v, AGLM_JCASE_LOWER, out);
    return rc;
}

static aglm_rc do_length(aglm_jrun *r, aglm_jcall *c, aglm_jval *out)
{
    const aglm_jval *v = &c->self;

    switch (v->kind) {
    case AGLM_J_UNDEFINED:
        *out = aglm_jval_int(0);
        return AGLM_OK;
    case AGLM_J_STRING:
        *out = aglm_jval_int((int64_t)aglm_jtext_count(v->s, v->len));
        return aglm_jrun_step(r, v->len / 64);
    case AGLM_J_LIST:
    case AGLM_J_TUPLE:
        *out = aglm_jval_int((int64_t)v->list->n);
        return AGLM_OK;
    case AGLM_J_DICT:
    case AGLM_J_VIEW:
        *out = aglm_jval_int((int64_t)v->dict->n);
        return AGLM_OK;
    case AGLM_J_RANGE:
        *out = aglm_jval_int(v->range->n);
        return AGLM_OK;
    default:
        return aglm_jrun_fail(r, AGLM_INVALID, "object of type '%s' has no length%s",
                              aglm_jval_type(v), v->kind == AGLM_J_ITER ? ": use |list first" : "");
    }
}

static aglm_rc do_list(aglm_jrun *r, aglm_jcall *c, aglm_jval *out)
{
    aglm_jlist items;
    aglm_rc rc = aglm_jrun_iterate(r, &c->self, &items);

    if (!rc)
        rc = aglm_jrun_new_list(r, AGLM_J_LIST, out);
    for (size_t i = 0; i < items.n && !rc; i++)
        rc = aglm_jrun_push(r, out, items.items[i]);
    return rc;
}

static aglm_rc do_first(aglm_jrun *r, aglm_jcall *c, aglm_jval *out)
{
    aglm_jlist items;
    aglm_rc rc = aglm_jrun_iterate(r, &c->self, &items);

    *out = items.n && !rc ? items.items[0] : aglm_jval_undefined(AGLM_J_MISSING, NULL, 0);
    return rc;
}

static aglm_rc do_last(aglm_jrun *r, aglm_jcall *c, aglm_jval *out)
{
    aglm_jlist items;
    aglm_rc rc = aglm_jrun_iterate(r, &c->self, &items);

    if (!rc && c->self.kind == AGLM_J_ITER)
        return aglm_jrun_fail(r, AGLM_INVALID, "last: use |list first");
    *out = items.n && !rc ? items.items[items.n - 1] : aglm_jval_undefined(AGLM_J_MISSING, NULL, 0);
    return rc;
}

static aglm_rc do_join(aglm_jrun *r, aglm_jcall *c, aglm_jval *out)
{
    aglm_jlist items;
    aglm_jval between = aglm_jval_text("", 0);
    size_t from = aglm_jrun_begin(r);
    aglm_rc rc = aglm_jrun_iterate(r, &c->self, &items);

    if (!rc && c->arg[0].kind)
        rc = aglm_jrun_str(r, &c->arg[0], &between);
    for (size_t i = 0; i < items.n && !rc; i++) {
        aglm_jval v = items.items[i];
        if (aglm_jval_given(&c->arg[1]))
            rc = aglm_jrun_path(r, &items.items[i], &c->arg[1], &v);
        if (!rc && i)
            rc = aglm_jrun_append(r, between.s, between.len);
        if (!rc)
            rc = aglm_jrun_append_str(r, &v);
    }
    return rc ? rc : aglm_jrun_take(r, from, out);
}

static aglm_rc do_reverse(aglm_jrun *r, aglm_jcall *c, aglm_jval *out)
{
    aglm_jlist items;
    size_t from = aglm_jrun_begin(r);
    bool text = c->self.kind == AGLM_J_STRING;
    aglm_rc rc = AGLM_OK;

    rc = aglm_jrun_iterate(r, &c->self, &items);
    if (!rc && !text)
        rc = aglm_jrun_new_list(r, AGLM_J_ITER, out);
    for (size_t i = items.n; i-- > 0 && !rc;)
        rc = text ? aglm_jrun_append(r, items.items[i].s, items.items[i].len)
                  : aglm_jrun_push(r, out, items.items[i]);
    return rc || !text ? rc : aglm_jrun_take(r, from, out);
}

/* Sorted pairs of key and item. */
static aglm_rc sorted(aglm_jrun *r, const aglm_jlist *items, const aglm_jpair *pairs,
                      aglm_jkind kind, aglm_jval *out)
{
    aglm_rc rc = aglm_jrun_new_list(r, kind, out);

    for (size_t i = 0; i < items->n && !rc; i++)
        rc = aglm_jrun_push(r, out, pairs[i].value);
    return rc;
}

/* sort(reverse=false, case_sensitive=false, attribute=none), by several with commas. */
static aglm_rc do_sort(aglm_jrun *r, aglm_jcall *c, aglm_jval *out)
{
    aglm_jlist items;
    bool cased = aglm_jval_true(&c->arg[1]);
    aglm_rc rc = aglm_jrun_iterate(r, &c->self, &items);

    if (!rc && c->arg[2].kind == AGLM_J_STRING && memchr(c->arg[2].s, ',', c->arg[2].len))
        return aglm_jrun_fail(r, AGLM_UNSUPPORTED, "sort by several attributes is not supported");
    aglm_jpair *pairs = rc ? NULL : aglm_arena_array(&r->arena, items.n, sizeof *pairs);
    if (!rc && !pairs)
        return aglm_jrun_full(r);
    for (size_t i = 0; i < items.n && !rc; i++) {
        pairs[i].value = items.items[i];
        rc = aglm_jrun_sort_key(r, &items.items[i], &c->arg[2], cased, &pairs[i].key);
    }
    if (!rc)
        rc = aglm_jrun_sort(r, pairs, items.n, aglm_jval_true(&c->arg[0]));
    return rc ? rc : sorted(r, &items, pairs, AGLM_J_LIST, out);
}

/* dictsort(case_sensitive=false, by="key", reverse=false) */
static aglm_rc do_dictsort(aglm_jrun *r, aglm_jcall *c, aglm_jval *out)
{
    const aglm_jval by = c->arg[1].kind ? c->arg[1] : aglm_jval_text("key", 3);
    const aglm_jval none = aglm_jval_none();
    bool by_value = aglm_jval_is(&by, "value");
    aglm_jlist items;
    aglm_rc rc = AGLM_OK;

    if (c->self.kind != AGLM_J_DICT)
        return aglm_jrun_fail_type(r, "dictsort wants a mapping", &c->self);
    if (!by_value && !aglm_jval_is(&by, "key"))
        return aglm_jrun_fail(r, AGLM_INVALID, "dictsort: by is key or value");
    const aglm_jval view = {.kind = AGLM_J_VIEW, .flag = AGLM_JVIEW_ITEMS, .dict = c->self.dict};
    rc = aglm_jrun_iterate(r, &view, &items);
    aglm_jpair *pairs = rc ? NULL : aglm_arena_array(&r->arena, items.n, sizeof *pairs);
    if (!rc && !pairs)
        return aglm_jrun_full(r);
    for (size_t i = 0; i < items.n && !rc; i++) {
        pairs[i].value = items.items[i];
        rc = aglm_jrun_sort_key(r, &items.items[i].list->items[by_value], &none,
                                aglm_jval_true(&c->arg[0]), &pairs[i].key);
    }
    if (!rc)
        rc = aglm_jrun_sort(r, pairs, items.n, aglm_jval_true(&c->arg[2]));
    return rc ? rc : sorted(r, &items, pairs, AGLM_J_LIST, out);
}

static aglm_rc do_items(aglm_jrun *r, aglm_jcall *c, aglm_jval *out)
{
    aglm_jlist items = {0};
    const aglm_jval view = {.kind = AGLM_J_VIEW, .flag = AGLM_JVIEW_ITEMS, .dict = c->self.dict};
    aglm_rc rc = aglm_jrun_new_list(r, AGLM_J_ITER, out);

    if (rc || c->self.kind == AGLM_J_UNDEFINED)
        return rc;
    if (c->self.kind != AGLM_J_DICT)
        return aglm_jrun_fail_type(r, "items wants a mapping", &c->self);
    rc = aglm_jrun_iterate(r, &view, &items);
    *out->list = items;
    return rc;
}

static aglm_rc do_sum(aglm_jrun *r, aglm_jcall *c, aglm_jval *out)
{
    aglm_jlist items;
    aglm_rc rc = aglm_jrun_iterate(r, &c->self, &items);

    *out = c->arg[1].kind ? c->arg[1] : aglm_jval_int(0);
    for (size_t i = 0; i < items.n && !rc; i++) {
        aglm_jval v = items.items[i];
        aglm_jval before = *out;
        if (aglm_jval_given(&c->arg[0]))
            rc = aglm_jrun_path(r, &items.items[i], &c->arg[0], &v);
        if (!rc)
            rc = aglm_jrun_binary(r, '+', &before, &v, out);
    }
    return rc;
}

static aglm_rc extreme(aglm_jrun *r, aglm_jcall *c, char op, aglm_jval *out)
{
    aglm_jlist items;
    aglm_jval best = {0};
    aglm_rc rc = aglm_jrun_iterate(r, &c->self, &items);

    *out = aglm_jval_undefined(AGLM_J_MISSING, NULL, 0);
    for (size_t i = 0; i < items.n && !rc; i++) {
        aglm_jval key;
        bool better = i == 0;
        rc = aglm_jrun_sort_key(r, &items.items[i], &c->arg[1], aglm_jval_true(&c->arg[0]), &key);
        if (!rc && i)
            rc = aglm_jrun_compare(r, op, &key, &best, &better);
        if (!better)
            continue;
        best = key;
        *out = items.items[i];
    }
    return rc;
}

static aglm_rc do_min(aglm_jrun *r, aglm_jcall *c, aglm_jval *out)
{
    return extreme(r, c, '<', out);
}

static aglm_rc do_max(aglm_jrun *r, aglm_jcall *c, aglm_jval *out)
{
    return extreme(r, c, '>', out);
}

/* unique(case_sensitive=false, attribute=none) */
static aglm_rc do_unique(aglm_jrun *r, aglm_jcall *c, aglm_jval *out)
{
    aglm_jlist items;
    aglm_jval seen;
    aglm_rc rc = aglm_jrun_iterate(r, &c->self, &items);

    if (!rc)
        rc = aglm_jrun_new_dict(r, AGLM_J_DICT, &seen);
    if (!rc)
        rc = aglm_jrun_new_list(r, AGLM_J_ITER, out);
    for (size_t i = 0; i < items.n && !rc; i++) {
        aglm_jval key;
        size_t before = seen.dict->n;
        rc = aglm_jrun_sort_key(r, &items.items[i], &c->arg[1], aglm_jval_true(&c->arg[0]), &key);
        if (!rc)
            rc = aglm_jrun_put(r, &seen, key, items.items[i]);
        if (!rc && seen.dict->n > before)
            rc = aglm_jrun_push(r, out, items.items[i]);
    }
    return rc;
}

/* Lists of so many, the last one filled up where a filling is given. */
static aglm_rc do_batch(aglm_jrun *r, aglm_jcall *c, aglm_jval *out)
{
    aglm_jlist items;
    aglm_jval part;
    int64_t size;
    aglm_rc rc = aglm_jrun_need_whole(r, &c->arg[0], 1, &size);

    if (!rc)
        rc = aglm_jrun_iterate(r, &c->self, &items);
    if (!rc && size < 1)
        return aglm_jrun_fail(r, AGLM_INVALID, "batch wants a size of at least 1");
    if (!rc)
        rc = aglm_jrun_new_list(r, AGLM_J_ITER, out);
    for (size_t i = 0; i < items.n && !rc; i++) {
        if (i % (uint64_t)size == 0) {
            rc = aglm_jrun_new_list(r, AGLM_J_LIST, &part);
            if (!rc)
                rc = aglm_jrun_push(r, out, part);
        }
        if (!rc)
            rc = aglm_jrun_push(r, &part, items.items[i]);
    }
    while (!rc && items.n && aglm_jval_given(&c->arg[1]) && part.list->n < (uint64_t)size)
        rc = aglm_jrun_push(r, &part, c->arg[1]);
    return rc;
}

const aglm_jbuiltin *aglm_jfilter_find_list(const aglm_jval *name)
{
    static const aglm_jbuiltin filters[] = {
        {"batch", do_batch, "linecount fill_with?", false},
        {"count", do_length, "", false},
        {"dictsort", do_dictsort, "case_sensitive? by? reverse?", false},
        {"first", do_first, "", false},
        {"items", do_items, "", false},
        {"join", do_join, "d? attribute?", false},
        {"last", do_last, "", false},
        {"length", do_length, "", false},
        {"list", do_list, "", false},
        {"max", do_max, "case_sensitive? attribute?", false},
        {"min", do_min, "case_sensitive? attribute?", false},
        {"reverse", do_reverse, "", false},
        {"sort", do_sort, "reverse? case_sensitive? attribute?", false},
        {"sum", do_sum, "attribute? start?", false},
        {"unique", do_unique, "case_sensitive? attribute?", false},
    };

    return aglm_jbuiltin_find(filters, sizeof filters / sizeof *filters, name);
}
