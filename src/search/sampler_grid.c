#include <stdlib.h>
#include <string.h>

#include "num/dense.h"
#include "search/normal.h"
#include "search/sampler.h"

struct grid {
    const aglm_history *history;
    const aglm_space *space;
    aglm_space *
        levels; /* the same parameters and conditions; a number's value is the index of its level */
    aglm_arena arena;
    double **value; /* [param][level]; NULL for choices */
    uint64_t size;
    uint64_t next;
};

static double level(const aglm_dist *d, size_t i, size_t n)
{
    double part = n > 1 ? (double)i / (double)(n - 1) : 0.0;

    if (i == 0 || i + 1 == n)
        return i == 0 ? d->low : d->high;
    if (!d->log)
        return aglm_dist_snap(d, d->low + part * (d->high - d->low));
    double low = aglm_log(d->low);
    return aglm_dist_snap(d, aglm_exp(low + part * (aglm_log(d->high) - low)));
}

/* Levels that fall on one value of the lattice count once. */
static size_t fill_levels(const aglm_dist *d, size_t n, double *out)
{
    size_t used = 0;

    for (size_t i = 0; i < n; i++) {
        double v = level(d, i, n);
        if (used == 0 || v != out[used - 1])
            out[used++] = v;
    }
    return used;
}

static aglm_rc add_param(struct grid *g, size_t i, size_t most, aglm_error *err)
{
    const aglm_space_param *p = &g->space->params[i];
    const char *parent = p->parent >= 0 ? g->space->params[p->parent].name : NULL;
    uint64_t count = aglm_dist_count(&p->dist);
    size_t n = count > 0 && count <= most ? (size_t)count : most;
    aglm_dist d = p->dist;

    if (d.kind == AGLM_DIST_CHOICE)
        return aglm_space_add(g->levels, p->name, &d, parent, p->when, err);
    g->value[i] = aglm_arena_array(&g->arena, n, sizeof(double));
    if (!g->value[i])
        return aglm_error_set(err, AGLM_NOMEM, "out of memory for the grid");
    n = fill_levels(&p->dist, n, g->value[i]);
    aglm_rc rc = aglm_dist_int(&d, 0.0, (double)(n - 1), 1.0, false, err);
    return rc == AGLM_OK ? aglm_space_add(g->levels, p->name, &d, parent, p->when, err) : rc;
}

static void grid_close(void *self)
{
    struct grid *g = self;

    aglm_space_free(g->levels);
    aglm_arena_clear(&g->arena);
    free(g);
}

static aglm_rc grid_build(struct grid *g, size_t most, aglm_error *err)
{
    aglm_rc rc = aglm_space_new(&g->levels, err);

    if (rc != AGLM_OK)
        return rc;
    g->value = aglm_arena_array(&g->arena, g->space->n, sizeof *g->value);
    if (!g->value)
        return aglm_error_set(err, AGLM_NOMEM, "out of memory for the grid");
    for (size_t i = 0; i < g->space->n; i++) {
        rc = add_param(g, i, most, err);
        if (rc != AGLM_OK)
            return rc;
    }
    g->size = aglm_space_size(g->levels);
    if (g->size == 0)
        return aglm_error_set(err, AGLM_INVALID,
                              "the grid has over %llu points: lower its levels (now %zu)",
                              (unsigned long long)AGLM_SPACE_MAX_SIZE, most);
    return AGLM_OK;
}

static aglm_rc grid_open(void **self, const aglm_history *history,
                         const aglm_sampler_options *options, uint64_t seed, aglm_error *err)
{
    struct grid *g = calloc(1, sizeof *g);

    (void)seed;
    *self = NULL;
    if (options->grid_levels == 0) {
        free(g);
        return aglm_error_set(err, AGLM_INVALID, "grid_levels must be at least 1");
    }
    if (!g)
        return aglm_error_set(err, AGLM_NOMEM, "out of memory for a sampler");
    g->history = history;
    g->space = aglm_history_space(history);
    aglm_arena_init(&g->arena, 1u << 28);
    aglm_rc rc = grid_build(g, options->grid_levels, err);
    if (rc != AGLM_OK) {
        grid_close(g);
        return rc;
    }
    *self = g;
    return AGLM_OK;
}

static aglm_rc grid_ask(void *self, int64_t number, double *x, aglm_error *err)
{
    struct grid *g = self;

    (void)number;
    (void)err;
    for (; g->next < g->size; g->next++) {
        aglm_space_at(g->levels, g->next, x);
        for (size_t i = 0; i < g->space->n; i++) {
            if (g->value[i] && aglm_space_active(g->levels, x, i))
                x[i] = g->value[i][(size_t)x[i]];
        }
        if (!aglm_history_seen(g->history, x))
            return AGLM_OK;
    }
    return AGLM_DONE;
}

const aglm_sampler_ops aglm_sampler_grid = {
    .name = "grid",
    .several = true,
    .open = grid_open,
    .ask = grid_ask,
    .close = grid_close,
};
