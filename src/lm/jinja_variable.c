/* Which variables a template wants from outside. */
#include <stdlib.h>

#include "base/memory.h"
#include "lm/jinja_node.h"
#include "lm/jinja_run.h"

struct walk {
    const aglm_jinja *j;
    aglm_jinja_visit visit;
    void *arg;
    aglm_error *err;
    unsigned *known; /* by sym: how many enclosing statements set it */
    bool *told;
};

static aglm_rc walk_list(struct walk *w, const aglm_jnode *list);

static void mark(struct walk *w, const aglm_jnode *target, int by)
{
    if (target->kind == AGLM_JN_NAME || target->kind == AGLM_JN_PARAM)
        w->known[target->sym] += (unsigned)by;
    for (const aglm_jnode *t = target->kind == AGLM_JN_TUPLE ? target->body : NULL; t; t = t->next)
        mark(w, t, by);
}

static aglm_rc walk_name(struct walk *w, const aglm_jnode *n)
{
    if (w->known[n->sym] || w->told[n->sym] || aglm_jfunction_find(&n->value))
        return AGLM_OK;
    w->told[n->sym] = true;
    return w->visit(w->arg, aglm_map_key(w->j->names, n->sym, NULL), n->line, n->column, w->err);
}

static aglm_rc walk_for(struct walk *w, const aglm_jnode *n)
{
    aglm_rc rc = walk_list(w, n->b);

    mark(w, n->a, 1);
    w->known[AGLM_JSYM_LOOP]++;
    if (!rc)
        rc = walk_list(w, n->c);
    if (!rc)
        rc = walk_list(w, n->body);
    w->known[AGLM_JSYM_LOOP]--;
    mark(w, n->a, -1);
    return rc ? rc : walk_list(w, n->other);
}

static aglm_rc walk_macro(struct walk *w, const aglm_jnode *n)
{
    aglm_rc rc = AGLM_OK;

    w->known[n->sym]++; /* it stays, unlike its parameters */
    for (uint32_t sym = AGLM_JSYM_CALLER; sym <= AGLM_JSYM_KWARGS; sym++)
        w->known[sym]++;
    for (const aglm_jnode *p = n->params; p; p = p->next)
        mark(w, p, 1);
    for (const aglm_jnode *p = n->params; p && !rc; p = p->next)
        rc = walk_list(w, p->a);
    if (!rc)
        rc = walk_list(w, n->body);
    for (const aglm_jnode *p = n->params; p; p = p->next)
        mark(w, p, -1);
    for (uint32_t sym = AGLM_JSYM_CALLER; sym <= AGLM_JSYM_KWARGS; sym++)
        w->known[sym]--;
    return rc;
}

static aglm_rc walk_set(struct walk *w, const aglm_jnode *n)
{
    aglm_rc rc = walk_list(w, n->b);

    if (!rc)
        rc = walk_list(w, n->body);
    mark(w, n->a, 1);
    return rc;
}

static aglm_rc walk_with(struct walk *w, const aglm_jnode *n)
{
    aglm_rc rc = walk_list(w, n->params);

    if (!rc)
        rc = walk_list(w, n->body);
    for (const aglm_jnode *set = n->params; set; set = set->next)
        mark(w, set->a, -1);
    return rc;
}

static aglm_rc walk_node(struct walk *w, const aglm_jnode *n)
{
    const aglm_jnode *const children[] = {n->a, n->b, n->c, n->params, n->body, n->other};
    aglm_rc rc = AGLM_OK;

    switch (n->kind) {
    case AGLM_JN_NAME:
        return walk_name(w, n);
    case AGLM_JN_FOR:
        return walk_for(w, n);
    case AGLM_JN_MACRO:
        return walk_macro(w, n);
    case AGLM_JN_SET:
    case AGLM_JN_SET_BLOCK:
        return walk_set(w, n);
    case AGLM_JN_WITH:
        return walk_with(w, n);
    default:
        break;
    }
    for (size_t i = 0; i < sizeof children / sizeof *children && !rc; i++)
        rc = walk_list(w, children[i]);
    return rc;
}

static aglm_rc walk_list(struct walk *w, const aglm_jnode *list)
{
    aglm_rc rc = AGLM_OK;

    for (; list && !rc; list = list->next)
        rc = walk_node(w, list);
    return rc;
}

aglm_rc aglm_jinja_variables(const aglm_jinja *j, aglm_jinja_visit visit, void *arg,
                             aglm_error *err)
{
    size_t n = aglm_map_size(j->names);
    struct walk w = {.j = j, .visit = visit, .arg = arg, .err = err};
    aglm_rc rc = AGLM_OK;

    w.known = aglm_calloc(n, sizeof *w.known);
    w.told = aglm_calloc(n, sizeof *w.told);
    if (w.known && w.told)
        rc = walk_list(&w, j->body);
    else
        rc = aglm_error_set(err, AGLM_NOMEM, "no memory for %zu names of a template", n);
    free(w.known);
    free(w.told);
    return rc;
}
