/* Filters that apply another filter or a test to each element: map, select, reject, ... */
#include "lm/jinja_filter.h"

struct chooser {
    bool by_attribute; /* the first argument is what the test looks at */
    bool keep;         /* where the test holds */
};

/* What counts as false has no elements here, even none and 0. */
static aglm_rc go_through(aglm_jrun *r, const aglm_jval *v, aglm_jlist *items)
{
    *items = (aglm_jlist){0};
    return aglm_jval_true(v) ? aglm_jrun_iterate(r, v, items) : AGLM_OK;
}

/* The positional arguments from the given one on, with those by name. */
static aglm_jargs rest_of(const aglm_jargs *args, size_t from)
{
    aglm_jargs rest = *args;

    from = from < args->list.n ? from : args->list.n;
    rest.list.items = from ? args->list.items + from : args->list.items;
    rest.list.n = args->list.n - from;
    return rest;
}

static aglm_rc holds(aglm_jrun *r, const aglm_jbuiltin *test, const aglm_jval *v,
                     const aglm_jargs *args, bool *out)
{
    aglm_jval answer = *v;
    aglm_rc rc = test ? aglm_jrun_builtin(r, test, v, args, &answer) : AGLM_OK;

    *out = aglm_jval_true(&answer);
    return rc;
}

/* The test named by the argument; *out NULL where there is none: truth itself. */
static aglm_rc find_test(aglm_jrun *r, const aglm_jargs *args, size_t at, const aglm_jbuiltin **out)
{
    *out = NULL;
    if (args->list.n <= at)
        return AGLM_OK;
    const aglm_jval *name = &args->list.items[at];
    if (name->kind == AGLM_J_STRING)
        *out = aglm_jtest_find(name);
    if (*out)
        return AGLM_OK;
    return aglm_jrun_fail(
        r, AGLM_INVALID, "unknown test '%.*s'",
        name->kind == AGLM_J_STRING ? (int)(name->len < 100 ? name->len : 100) : 0, name->s);
}

static aglm_rc choose(aglm_jrun *r, aglm_jcall *c, const struct chooser *how, aglm_jval *out)
{
    const aglm_jbuiltin *test;
    aglm_jlist items;
    aglm_jargs args = rest_of(c->raw, (how->by_attribute ? 1 : 0) + 1);
    aglm_rc rc = find_test(r, c->raw, how->by_attribute, &test);

    if (!rc && how->by_attribute && c->raw->list.n == 0)
        return aglm_jrun_fail(r, AGLM_INVALID, "%s wants the name of an attribute", c->name);
    if (!rc)
        rc = go_through(r, &c->self, &items);
    if (!rc)
        rc = aglm_jrun_new_list(r, AGLM_J_ITER, out);
    for (size_t i = 0; !rc && i < items.n; i++) {
        aglm_jval v = items.items[i];
        bool yes = false;
        if (how->by_attribute)
            rc = aglm_jrun_path(r, &items.items[i], &c->raw->list.items[0], &v);
        if (!rc)
            rc = holds(r, test, &v, &args, &yes);
        if (!rc && yes == how->keep)
            rc = aglm_jrun_push(r, out, items.items[i]);
    }
    return rc;
}

static aglm_rc do_select(aglm_jrun *r, aglm_jcall *c, aglm_jval *out)
{
    return choose(r, c, &(struct chooser){.keep = true}, out);
}

static aglm_rc do_reject(aglm_jrun *r, aglm_jcall *c, aglm_jval *out)
{
    return choose(r, c, &(struct chooser){.keep = false}, out);
}

static aglm_rc do_selectattr(aglm_jrun *r, aglm_jcall *c, aglm_jval *out)
{
    return choose(r, c, &(struct chooser){.by_attribute = true, .keep = true}, out);
}

static aglm_rc do_rejectattr(aglm_jrun *r, aglm_jcall *c, aglm_jval *out)
{
    return choose(r, c, &(struct chooser){.by_attribute = true, .keep = false}, out);
}

struct mapper {
    const aglm_jval *attribute; /* NULL: a filter is applied */
    const aglm_jval *otherwise; /* in place of an undefined attribute; may be NULL */
    const aglm_jbuiltin *filter;
    aglm_jargs args;
};

static aglm_rc make_mapper(aglm_jrun *r, const aglm_jcall *c, struct mapper *m)
{
    const aglm_jargs *raw = c->raw;

    *m = (struct mapper){.args = rest_of(raw, 1)};
    if (raw->list.n == 0) {
        m->attribute = aglm_jdict_get_text(&raw->named, "attribute", 9);
        m->otherwise = aglm_jdict_get_text(&raw->named, "default", 7);
        if (m->attribute)
            return AGLM_OK;
        return aglm_jrun_fail(r, AGLM_INVALID, "map wants the name of a filter or attribute=...");
    }
    const aglm_jval *name = &raw->list.items[0];
    if (name->kind == AGLM_J_STRING)
        m->filter = aglm_jfilter_find(name);
    if (m->filter)
        return AGLM_OK;
    return aglm_jrun_fail(
        r, AGLM_INVALID, "unknown filter '%.*s'",
        name->kind == AGLM_J_STRING ? (int)(name->len < 100 ? name->len : 100) : 0, name->s);
}

static aglm_rc map_one(aglm_jrun *r, const struct mapper *m, const aglm_jval *item, aglm_jval *out)
{
    if (!m->attribute)
        return aglm_jrun_builtin(r, m->filter, item, &m->args, out);
    aglm_rc rc = aglm_jrun_path(r, item, m->attribute, out);
    if (!rc && out->kind == AGLM_J_UNDEFINED && m->otherwise)
        *out = *m->otherwise;
    return rc;
}

static aglm_rc do_map(aglm_jrun *r, aglm_jcall *c, aglm_jval *out)
{
    struct mapper m;
    aglm_jlist items;
    aglm_rc rc = make_mapper(r, c, &m);

    if (!rc)
        rc = aglm_jrun_enter(r); /* a map of maps nests */
    if (!rc)
        rc = go_through(r, &c->self, &items);
    if (!rc)
        rc = aglm_jrun_new_list(r, AGLM_J_ITER, out);
    for (size_t i = 0; !rc && i < items.n; i++) {
        aglm_jval v;
        rc = map_one(r, &m, &items.items[i], &v);
        if (!rc)
            rc = aglm_jrun_push(r, out, v);
    }
    r->depth -= !rc;
    return rc;
}

const aglm_jbuiltin *aglm_jfilter_find_choice(const aglm_jval *name)
{
    static const aglm_jbuiltin filters[] = {
        {"map", do_map, NULL, false},
        {"reject", do_reject, NULL, false},
        {"rejectattr", do_rejectattr, NULL, false},
        {"select", do_select, NULL, false},
        {"selectattr", do_selectattr, NULL, false},
    };

    return aglm_jbuiltin_find(filters, sizeof filters / sizeof *filters, name);
}
