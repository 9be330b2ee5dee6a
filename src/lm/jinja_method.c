/* Methods of list, tuple and dict, and finding a method by the type of its object. */
#include "lm/jinja_method.h"

static aglm_rc list_append(aglm_jrun *r, aglm_jcall *c, aglm_jval *out)
{
    *out = aglm_jval_none();
    return aglm_jrun_push(r, &c->self, c->arg[0]);
}

static aglm_rc list_extend(aglm_jrun *r, aglm_jcall *c, aglm_jval *out)
{
    aglm_jlist items;
    aglm_rc rc = aglm_jrun_iterate(r, &c->arg[0], &items);

    for (size_t i = 0; i < items.n && !rc; i++)
        rc = aglm_jrun_push(r, &c->self, items.items[i]);
    *out = aglm_jval_none();
    return rc;
}

static aglm_rc list_insert(aglm_jrun *r, aglm_jcall *c, aglm_jval *out)
{
    aglm_jlist *l = c->self.list;
    int64_t n = (int64_t)l->n;
    int64_t at;
    aglm_rc rc = aglm_jrun_need_whole(r, &c->arg[0], 0, &at);

    if (!rc)
        rc = aglm_jrun_push(r, &c->self, c->arg[1]);
    if (rc)
        return rc;
    at = at < -n ? 0 : at < 0 ? at + n : at > n ? n : at;
    memmove(l->items + at + 1, l->items + at, (size_t)(n - at) * sizeof *l->items);
    l->items[at] = c->arg[1];
    *out = aglm_jval_none();
    return aglm_jrun_step(r, l->n / 64);
}

static void remove_at(aglm_jlist *l, size_t i)
{
    l->n--;
    memmove(l->items + i, l->items + i + 1, (l->n - i) * sizeof *l->items);
}

static aglm_rc list_pop(aglm_jrun *r, aglm_jcall *c, aglm_jval *out)
{
    aglm_jlist *l = c->self.list;
    int64_t at;
    aglm_rc rc = aglm_jrun_need_whole(r, &c->arg[0], -1, &at);

    if (rc)
        return rc;
    at += at < 0 ? (int64_t)l->n : 0;
    if (at < 0 || at >= (int64_t)l->n)
        return aglm_jrun_fail(r, AGLM_INVALID, "pop index out of range");
    *out = l->items[at];
    remove_at(l, (size_t)at);
    return aglm_jrun_step(r, l->n / 64);
}

/* The first element equal to the value; SIZE_MAX: none. */
static aglm_rc find_value(aglm_jrun *r, const aglm_jlist *l, const aglm_jval *v, size_t *at)
{
    bool equal = false;
    aglm_rc rc = AGLM_OK;

    for (*at = 0; *at < l->n && !rc; ++*at) {
        rc = aglm_jrun_equal(r, &l->items[*at], v, &equal);
        if (equal)
            return rc;
    }
    *at = SIZE_MAX;
    return rc;
}

static aglm_rc list_index(aglm_jrun *r, aglm_jcall *c, aglm_jval *out)
{
    size_t at;
    aglm_rc rc = find_value(r, c->self.list, &c->arg[0], &at);

    if (!rc && at == SIZE_MAX)
        return aglm_jrun_fail(r, AGLM_INVALID, "index: the value is not in the list");
    *out = aglm_jval_int((int64_t)at);
    return rc;
}

static aglm_rc list_remove(aglm_jrun *r, aglm_jcall *c, aglm_jval *out)
{
    size_t at;
    aglm_rc rc = find_value(r, c->self.list, &c->arg[0], &at);

    if (!rc && at == SIZE_MAX)
        return aglm_jrun_fail(r, AGLM_INVALID, "remove: the value is not in the list");
    if (!rc)
        remove_at(c->self.list, at);
    *out = aglm_jval_none();
    return rc;
}

static aglm_rc list_count(aglm_jrun *r, aglm_jcall *c, aglm_jval *out)
{
    aglm_rc rc = AGLM_OK;
    const aglm_jlist *l = c->self.list;

    *out = aglm_jval_int(0);
    for (size_t i = 0; i < l->n && !rc; i++) {
        bool equal;
        rc = aglm_jrun_equal(r, &l->items[i], &c->arg[0], &equal);
        out->i += equal;
    }
    return rc;
}

static aglm_rc list_copy(aglm_jrun *r, aglm_jcall *c, aglm_jval *out)
{
    aglm_rc rc = aglm_jrun_new_list(r, AGLM_J_LIST, out);

    for (size_t i = 0; i < c->self.list->n && !rc; i++)
        rc = aglm_jrun_push(r, out, c->self.list->items[i]);
    return rc;
}

static aglm_rc list_clear(aglm_jrun *r, aglm_jcall *c, aglm_jval *out)
{
    (void)r;
    c->self.list->n = 0;
    *out = aglm_jval_none();
    return AGLM_OK;
}

static aglm_rc list_reverse(aglm_jrun *r, aglm_jcall *c, aglm_jval *out)
{
    aglm_jlist *l = c->self.list;

    for (size_t i = 0; i < l->n / 2; i++) {
        aglm_jval v = l->items[i];
        l->items[i] = l->items[l->n - 1 - i];
        l->items[l->n - 1 - i] = v;
    }
    *out = aglm_jval_none();
    return aglm_jrun_step(r, l->n / 64);
}

static aglm_rc need_key(aglm_jrun *r, const aglm_jval *key)
{
    if (aglm_jval_hashable(key))
        return AGLM_OK;
    return aglm_jrun_fail(r, AGLM_INVALID, "unhashable type: '%s'", aglm_jval_type(key));
}

static aglm_rc dict_get(aglm_jrun *r, aglm_jcall *c, aglm_jval *out)
{
    aglm_rc rc = need_key(r, &c->arg[0]);
    const aglm_jval *v = rc ? NULL : aglm_jdict_get(c->self.dict, &c->arg[0]);

    *out = v ? *v : c->arg[1].kind ? c->arg[1] : aglm_jval_none();
    return rc;
}

static aglm_rc view(const aglm_jcall *c, aglm_jview_of of, aglm_jval *out)
{
    *out = (aglm_jval){.kind = AGLM_J_VIEW, .flag = (uint8_t)of, .dict = c->self.dict};
    return AGLM_OK;
}

static aglm_rc dict_keys(aglm_jrun *r, aglm_jcall *c, aglm_jval *out)
{
    (void)r;
    return view(c, AGLM_JVIEW_KEYS, out);
}

static aglm_rc dict_values(aglm_jrun *r, aglm_jcall *c, aglm_jval *out)
{
    (void)r;
    return view(c, AGLM_JVIEW_VALUES, out);
}

static aglm_rc dict_items(aglm_jrun *r, aglm_jcall *c, aglm_jval *out)
{
    (void)r;
    return view(c, AGLM_JVIEW_ITEMS, out);
}

static aglm_rc update(aglm_jrun *r, const aglm_jdict *from, const aglm_jval *to)
{
    aglm_rc rc = AGLM_OK;

    for (size_t i = 0; i < from->n && !rc; i++)
        rc = aglm_jrun_put(r, to, from->pairs[i].key, from->pairs[i].value);
    return rc;
}

static aglm_rc dict_copy(aglm_jrun *r, aglm_jcall *c, aglm_jval *out)
{
    aglm_rc rc = aglm_jrun_new_dict(r, AGLM_J_DICT, out);

    return rc ? rc : update(r, c->self.dict, out);
}

static aglm_rc dict_update(aglm_jrun *r, aglm_jcall *c, aglm_jval *out)
{
    const aglm_jlist *l = &c->raw->list;
    aglm_rc rc = AGLM_OK;

    if (l->n > 1 || (l->n == 1 && l->items[0].kind != AGLM_J_DICT))
        return aglm_jrun_fail(r, AGLM_INVALID, "update wants one mapping, and names");
    if (l->n)
        rc = update(r, l->items[0].dict, &c->self);
    *out = aglm_jval_none();
    return rc ? rc : update(r, &c->raw->named, &c->self);
}

static aglm_rc dict_setdefault(aglm_jrun *r, aglm_jcall *c, aglm_jval *out)
{
    aglm_rc rc = need_key(r, &c->arg[0]);
    const aglm_jval *v = rc ? NULL : aglm_jdict_get(c->self.dict, &c->arg[0]);

    *out = v ? *v : c->arg[1].kind ? c->arg[1] : aglm_jval_none();
    return rc || v ? rc : aglm_jrun_put(r, &c->self, c->arg[0], *out);
}

static aglm_rc dict_pop(aglm_jrun *r, aglm_jcall *c, aglm_jval *out)
{
    aglm_rc rc = need_key(r, &c->arg[0]);
    const aglm_jval *v = rc ? NULL : aglm_jdict_get(c->self.dict, &c->arg[0]);

    if (!rc && !v && !c->arg[1].kind)
        return aglm_jrun_fail(r, AGLM_INVALID, "pop: no such key");
    *out = v ? *v : c->arg[1];
    if (v)
        aglm_jdict_remove(c->self.dict, &c->arg[0]);
    return rc ? rc : aglm_jrun_step(r, c->self.dict->n / 16);
}

static aglm_rc dict_popitem(aglm_jrun *r, aglm_jcall *c, aglm_jval *out)
{
    aglm_jdict *d = c->self.dict;

    if (d->n == 0)
        return aglm_jrun_fail(r, AGLM_INVALID, "popitem: the dictionary is empty");
    aglm_jpair last = d->pairs[d->n - 1];
    aglm_rc rc = aglm_jrun_pair(r, last.key, last.value, out);
    aglm_jdict_remove(d, &last.key);
    return rc ? rc : aglm_jrun_step(r, d->n / 16);
}

static aglm_rc dict_clear(aglm_jrun *r, aglm_jcall *c, aglm_jval *out)
{
    (void)r;
    *c->self.dict = (aglm_jdict){0};
    *out = aglm_jval_none();
    return AGLM_OK;
}

static const aglm_jbuiltin *find_list(const aglm_jval *name)
{
    static const aglm_jbuiltin methods[] = {
        {"append", list_append, "object", true},
        {"clear", list_clear, "", true},
        {"copy", list_copy, "", false},
        {"count", list_count, "value", false},
        {"extend", list_extend, "iterable", true},
        {"index", list_index, "value", false},
        {"insert", list_insert, "index object", true},
        {"pop", list_pop, "index?", true},
        {"remove", list_remove, "value", true},
        {"reverse", list_reverse, "", true},
    };

    return aglm_jbuiltin_find(methods, sizeof methods / sizeof *methods, name);
}

static const aglm_jbuiltin *find_dict(const aglm_jval *name)
{
    static const aglm_jbuiltin methods[] = {
        {"clear", dict_clear, "", true},
        {"copy", dict_copy, "", false},
        {"get", dict_get, "key default?", false},
        {"items", dict_items, "", false},
        {"keys", dict_keys, "", false},
        {"pop", dict_pop, "key default?", true},
        {"popitem", dict_popitem, "", true},
        {"setdefault", dict_setdefault, "key default?", true},
        {"update", dict_update, NULL, true},
        {"values", dict_values, "", false},
    };

    return aglm_jbuiltin_find(methods, sizeof methods / sizeof *methods, name);
}

static const aglm_jbuiltin *find_tuple(const aglm_jval *name)
{
    const aglm_jbuiltin *b = find_list(name);

    return b && (aglm_jval_is(name, "count") || aglm_jval_is(name, "index")) ? b : NULL;
}

static const aglm_jbuiltin *find_text(const aglm_jval *name)
{
    const aglm_jbuiltin *b = aglm_jmethod_find_split(name);

    return b ? b : aglm_jmethod_find_text(name);
}

const aglm_jbuiltin *aglm_jmethod_find(const aglm_jval *self, const aglm_jval *name)
{
    switch (self->kind) {
    case AGLM_J_STRING:
        return find_text(name);
    case AGLM_J_LIST:
        return find_list(name);
    case AGLM_J_TUPLE:
        return find_tuple(name);
    case AGLM_J_DICT:
        return find_dict(name);
    default:
        return NULL;
    }
}
