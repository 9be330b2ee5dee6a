#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "search/forest.h"
#include "search/importance.h"

#define TREES 64
#define ARENA_MAX ((size_t)1 << 32)

/* ---- one tree's variance, taken apart ----
 *
 * A leaf is a box: an interval of each number, a set of each choice; its volume is the product of
 * their shares of the domains. The marginal prediction of feature f at v is the sum of value *
 * volume / share of f over the leaves whose box holds v; leaves that no split on f bounds add the
 * same everywhere, so that the variance does without them. A number's domain falls into cells at
 * the tree's cuts: place k stands before cell k, the last place at 1. */

struct cut {
    double at;
    uint32_t node;
    int feature;
};

struct anatomy {
    const aglm_forest_data *data;
    struct cut *cuts;     /* [n] */
    uint32_t *place;      /* [nodes] of the cut of a node */
    size_t *first;        /* [p + 1] where a feature's cells begin in the two arrays below */
    double *edge;         /* numbers: the value of each place */
    double *marginal;     /* numbers: what changes at each place; choices: of each */
    uint32_t *low, *high; /* [p] the box that was traced last: places */
    uint64_t *set;        /* [p] choices */
    uint32_t *traced;     /* [p] the features that bound it, n_traced of them */
    uint32_t *stamp;      /* [p] */
    size_t n_traced;
    double *share; /* [p] of the variance, summed over n_trees */
    size_t n_trees;
};

static bool is_choice(const struct anatomy *a, size_t feature)
{
    return a->data->n_choices[feature] > 0;
}

static unsigned set_size(uint64_t set)
{
    unsigned n = 0;

    for (; set; set &= set - 1)
        n++;
    return n;
}

static int by_place(const void *a, const void *b)
{
    const struct cut *p = a;
    const struct cut *q = b;

    if (p->feature != q->feature)
        return p->feature < q->feature ? -1 : 1;
    if (p->at != q->at)
        return p->at < q->at ? -1 : 1;
    return (p->node > q->node) - (p->node < q->node);
}

static void lay_out(struct anatomy *a, const aglm_tree_node *nodes, size_t n)
{
    size_t n_cuts = 0;
    size_t cells = 0;

    for (size_t i = 0; i < n; i++)
        if (nodes[i].feature >= 0 && !is_choice(a, (size_t)nodes[i].feature))
            a->cuts[n_cuts++] = (struct cut){nodes[i].cut, (uint32_t)i, nodes[i].feature};
    qsort(a->cuts, n_cuts, sizeof *a->cuts, by_place);
    for (size_t f = 0, k = 0; f < a->data->p; f++) {
        a->first[f] = cells;
        if (is_choice(a, f)) {
            cells += a->data->n_choices[f];
            continue;
        }
        a->edge[cells++] = 0;
        for (; k < n_cuts && (size_t)a->cuts[k].feature == f; k++) {
            a->place[a->cuts[k].node] = (uint32_t)(cells - a->first[f]);
            a->edge[cells++] = a->cuts[k].at;
        }
        a->edge[cells++] = 1;
    }
    a->first[a->data->p] = cells;
    memset(a->marginal, 0, cells * sizeof *a->marginal);
    memset(a->stamp, 0, a->data->p * sizeof *a->stamp);
}

static void open_box(struct anatomy *a, size_t feature, uint32_t node)
{
    unsigned n = a->data->n_choices[feature];

    a->stamp[feature] = node;
    a->traced[a->n_traced++] = (uint32_t)feature;
    a->low[feature] = 0;
    a->high[feature] = (uint32_t)(a->first[feature + 1] - a->first[feature] - 1);
    a->set[feature] = n < 64 ? (UINT64_C(1) << n) - 1 : ~UINT64_C(0);
}

/* The box of a node, in the features that bound it. */
static void trace(struct anatomy *a, const aglm_tree_node *nodes, uint32_t node)
{
    a->n_traced = 0;
    for (uint32_t i = node; i != 0; i = nodes[i].parent) {
        const aglm_tree_node *above = &nodes[nodes[i].parent];
        size_t f = (size_t)above->feature;
        uint32_t place = a->place[nodes[i].parent];
        if (a->stamp[f] != node)
            open_box(a, f, node);
        if (is_choice(a, f))
            a->set[f] &= i == above->left ? above->set : ~above->set;
        else if (i == above->left)
            a->high[f] = place < a->high[f] ? place : a->high[f];
        else
            a->low[f] = place > a->low[f] ? place : a->low[f];
    }
}

/* The share of feature f's domain that the traced box holds. */
static double share_of(const struct anatomy *a, size_t f)
{
    if (is_choice(a, f))
        return (double)set_size(a->set[f]) / a->data->n_choices[f];
    return a->edge[a->first[f] + a->high[f]] - a->edge[a->first[f] + a->low[f]];
}

static double box_volume(const struct anatomy *a)
{
    double volume = 1;

    for (size_t i = 0; i < a->n_traced; i++)
        volume *= share_of(a, a->traced[i]);
    return volume;
}

static void add_leaf(struct anatomy *a, double mass)
{
    for (size_t i = 0; i < a->n_traced; i++) {
        size_t f = a->traced[i];
        double *marginal = a->marginal + a->first[f];
        double share = share_of(a, f);
        if (share <= 0)
            continue;
        if (!is_choice(a, f)) {
            marginal[a->low[f]] += mass / share;
            marginal[a->high[f]] -= mass / share;
            continue;
        }
        for (unsigned c = 0; c < a->data->n_choices[f]; c++)
            if (a->set[f] >> c & 1)
                marginal[c] += mass / share;
    }
}

struct moments {
    double weight, sum, square;
};

static void add_moment(struct moments *m, double weight, double v)
{
    m->weight += weight;
    m->sum += weight * v;
    m->square += weight * v * v;
}

static double variance_of(const struct moments *m)
{
    double mean = m->weight > 0 ? m->sum / m->weight : 0;

    return m->weight > 0 ? fmax(m->square / m->weight - mean * mean, 0) : 0;
}

static double marginal_variance(const struct anatomy *a, size_t f)
{
    const double *marginal = a->marginal + a->first[f];
    const double *edge = a->edge + a->first[f];
    size_t cells = a->first[f + 1] - a->first[f];
    struct moments m = {0};
    double v = 0;

    for (size_t c = 0; is_choice(a, f) && c < cells; c++)
        add_moment(&m, 1, marginal[c]);
    for (size_t c = 0; !is_choice(a, f) && c + 1 < cells; c++) {
        v += marginal[c];
        add_moment(&m, edge[c + 1] - edge[c], v);
    }
    return variance_of(&m);
}

static void take_apart(struct anatomy *a, const aglm_tree_node *nodes, size_t n)
{
    struct moments all = {0};

    lay_out(a, nodes, n);
    for (uint32_t i = 0; i < n; i++) {
        if (nodes[i].feature >= 0)
            continue;
        trace(a, nodes, i);
        double volume = box_volume(a);
        add_moment(&all, volume, nodes[i].value);
        add_leaf(a, volume * nodes[i].value);
    }
    double total = variance_of(&all);
    if (total <= 0)
        return;
    a->n_trees++;
    for (size_t f = 0; f < a->data->p; f++)
        a->share[f] += marginal_variance(a, f) / total;
}

static aglm_rc anatomy_init(struct anatomy *a, const aglm_forest_data *data, aglm_arena *arena,
                            aglm_error *err)
{
    size_t cells = 2 * data->n + data->p * (AGLM_FOREST_CHOICES + 2);
    bool ok = (a->cuts = aglm_arena_array(arena, data->n, sizeof *a->cuts)) &&
              (a->place = aglm_arena_array(arena, 2 * data->n, sizeof *a->place)) &&
              (a->first = aglm_arena_array(arena, data->p + 1, sizeof *a->first)) &&
              (a->edge = aglm_arena_array(arena, cells, sizeof *a->edge)) &&
              (a->marginal = aglm_arena_array(arena, cells, sizeof *a->marginal)) &&
              (a->low = aglm_arena_array(arena, data->p, sizeof *a->low)) &&
              (a->high = aglm_arena_array(arena, data->p, sizeof *a->high)) &&
              (a->set = aglm_arena_array(arena, data->p, sizeof *a->set)) &&
              (a->traced = aglm_arena_array(arena, data->p, sizeof *a->traced)) &&
              (a->stamp = aglm_arena_array(arena, data->p, sizeof *a->stamp)) &&
              (a->share = aglm_arena_array(arena, data->p, sizeof *a->share));

    a->data = data;
    return ok ? AGLM_OK : aglm_error_set(err, AGLM_NOMEM, "out of memory for fANOVA");
}

/* share gets the mean shares of the forest's variance. */
static aglm_rc decompose(const aglm_forest_data *data, aglm_arena *arena, const double **share,
                         aglm_error *err)
{
    struct anatomy a = {0};
    aglm_forest *forest = NULL;
    aglm_rc rc = aglm_forest_new(&forest, data, arena, err);

    if (rc == AGLM_OK)
        rc = anatomy_init(&a, data, arena, err);
    for (uint64_t t = 0; rc == AGLM_OK && t < TREES; t++) {
        const aglm_tree_node *nodes;
        aglm_rng rng;
        aglm_rng_init_stream(&rng, 0, t);
        size_t n = aglm_forest_grow(forest, &rng, &nodes);
        take_apart(&a, nodes, n);
    }
    for (size_t f = 0; rc == AGLM_OK && f < data->p; f++)
        a.share[f] = a.n_trees > 0 ? a.share[f] / (double)a.n_trees : 0;
    *share = a.share;
    return rc;
}

/* ---- which trials and parameters go into one forest ---- */

/* Parameters with the same pattern are active in the same trials. */
static uint64_t pattern_of(const aglm_importance_rows *rows, size_t param)
{
    uint64_t hash = UINT64_C(14695981039346656037); /* FNV-1a */

    for (size_t i = 0; i < rows->n; i++)
        hash = (hash ^ !isnan(rows->x[i][param])) * UINT64_C(1099511628211);
    return hash;
}

struct regime {
    const aglm_importance_rows *rows;
    size_t *trial; /* [n] where the parameter is active */
    size_t n;
    size_t *param; /* [p] that are active in all of these */
    size_t p;
};

static bool always_active(const struct regime *r, size_t param)
{
    for (size_t i = 0; i < r->n; i++)
        if (isnan(r->rows->x[r->trial[i]][param]))
            return false;
    return true;
}

static void find_regime(struct regime *r, size_t param)
{
    const aglm_space *space = r->rows->space;

    r->n = r->p = 0;
    for (size_t i = 0; i < r->rows->n; i++)
        if (!isnan(r->rows->x[i][param]))
            r->trial[r->n++] = i;
    for (size_t p = 0; p < space->n; p++)
        if (aglm_dist_count(&space->params[p].dist) != 1 && always_active(r, p))
            r->param[r->p++] = p;
}

static double feature_value(const aglm_dist *d, double v)
{
    if (d->kind != AGLM_DIST_CHOICE)
        return aglm_dist_to_unit(d, v);
    return fmin(v, AGLM_FOREST_CHOICES - 1);
}

/* Losses between -1 and 1, so that their squares are numbers too. Returns the variance in units
 * of the rows' whole range. */
static double scale_losses(const struct regime *r, double *y)
{
    double low = INFINITY;
    double high = -INFINITY;
    struct moments m = {0};

    for (size_t i = 0; i < r->rows->n; i++) {
        low = fmin(low, r->rows->loss[i]);
        high = fmax(high, r->rows->loss[i]);
    }
    double half = high / 2 - low / 2;
    for (size_t i = 0; i < r->n; i++) {
        double v = r->rows->loss[r->trial[i]] / 2 - low / 2;
        y[i] = half > 0 ? v / half * 2 - 1 : 0;
        add_moment(&m, 1, y[i]);
    }
    return variance_of(&m);
}

static aglm_rc make_data(const struct regime *r, aglm_forest_data *data, double *variance,
                         aglm_arena *arena, aglm_error *err)
{
    double *x = r->p < SIZE_MAX / (r->n + 1) ? aglm_arena_array(arena, r->p * r->n, sizeof *x)
                                             : NULL;
    double *y = aglm_arena_array(arena, r->n, sizeof *y);
    unsigned *n_choices = aglm_arena_array(arena, r->p, sizeof *n_choices);

    if (!x || !y || !n_choices)
        return aglm_error_set(err, AGLM_NOMEM, "out of memory for %zu trials", r->n);
    for (size_t f = 0; f < r->p; f++) {
        const aglm_dist *d = &r->rows->space->params[r->param[f]].dist;
        if (d->kind == AGLM_DIST_CHOICE)
            n_choices[f] = d->n_choices < AGLM_FOREST_CHOICES ? (unsigned)d->n_choices
                                                              : AGLM_FOREST_CHOICES;
        for (size_t i = 0; i < r->n; i++)
            x[f * r->n + i] = feature_value(d, r->rows->x[r->trial[i]][r->param[f]]);
    }
    *variance = scale_losses(r, y);
    *data = (aglm_forest_data){x, n_choices, y, r->n, r->p};
    return AGLM_OK;
}

/* Weighs the parameters of the regime that have its pattern. */
static aglm_rc weigh_regime(const struct regime *r, const uint64_t *pattern, uint64_t mine,
                            double *weight, aglm_error *err)
{
    aglm_forest_data data;
    aglm_arena arena;
    const double *share = NULL;
    double variance = 0;

    aglm_arena_init(&arena, ARENA_MAX);
    aglm_rc rc = make_data(r, &data, &variance, &arena, err);
    if (rc == AGLM_OK && variance > 0)
        rc = decompose(&data, &arena, &share, err);
    for (size_t f = 0; rc == AGLM_OK && share && f < r->p; f++)
        if (pattern[r->param[f]] == mine)
            weight[r->param[f]] = share[f] * variance * (double)r->n / (double)r->rows->n;
    aglm_arena_clear(&arena);
    return rc;
}

static bool is_first(const uint64_t *pattern, size_t param)
{
    for (size_t p = 0; p < param; p++)
        if (pattern[p] == pattern[param])
            return false;
    return true;
}

static aglm_rc weigh(const aglm_importance_rows *rows, double *weight, aglm_error *err)
{
    size_t n = rows->space->n;
    struct regime r = {.rows = rows};
    uint64_t *pattern = aglm_calloc(n, sizeof *pattern);
    aglm_rc rc = AGLM_OK;

    r.trial = aglm_calloc(rows->n, sizeof *r.trial);
    r.param = aglm_calloc(n, sizeof *r.param);
    if (!pattern || !r.trial || !r.param) {
        rc = aglm_error_set(err, AGLM_NOMEM, "out of memory for fANOVA");
        goto done;
    }
    for (size_t p = 0; p < n; p++)
        pattern[p] = pattern_of(rows, p);
    for (size_t p = 0; rc == AGLM_OK && p < n; p++) {
        if (!is_first(pattern, p))
            continue;
        find_regime(&r, p);
        if (r.n > 1 && r.p > 0)
            rc = weigh_regime(&r, pattern, pattern[p], weight, err);
    }
done:
    free(pattern);
    free(r.trial);
    free(r.param);
    return rc;
}

const aglm_importance_ops aglm_importance_fanova = {.name = "fanova", .weigh = weigh};
