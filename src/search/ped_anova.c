#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "num/stats.h"
#include "search/importance.h"
#include "search/normal.h"

#define CELLS_MAX 50 /* of a number */
#define BEST_SHARE 0.1
#define REGIME_MIN 2           /* trials that have the parameter */
#define SIGMA_MIN (0.5 / 1.64) /* of a cell: a kernel keeps nine tenths of its mass in its own */
#define DENSITY_FLOOR 1e-12

/* ---- the grid ---- */

struct grid {
    const aglm_dist *dist;
    size_t n;
    double low, cell; /* of numbers, in log where log is set */
};

static bool is_single(const aglm_dist *d)
{
    return d->kind == AGLM_DIST_CHOICE ? d->n_choices < 2 : d->low >= d->high;
}

static struct grid grid_of(const aglm_dist *d)
{
    struct grid g = {.dist = d, .n = CELLS_MAX};

    if (d->kind == AGLM_DIST_CHOICE) {
        g.n = d->n_choices;
        return g;
    }
    double high = d->log ? log(d->high) : d->high;
    double levels = CELLS_MAX;
    g.low = d->log ? log(d->low) : d->low;
    if (d->kind == AGLM_DIST_INT && d->log)
        levels = ceil(log2(d->high - d->low + 1)) + 1;
    else if (d->step > 0)
        levels = rint((d->high - d->low) / d->step) + 1;
    g.n = levels < CELLS_MAX ? (size_t)levels : CELLS_MAX;
    g.cell = (high - g.low) / (double)(g.n - 1);
    return g;
}

static size_t cell_of(const struct grid *g, double v)
{
    if (g->dist->kind == AGLM_DIST_CHOICE)
        return (size_t)v;
    double at = ceil(((g->dist->log ? log(v) : v) - g->low) / g->cell - 0.5);
    return (size_t)fmin(fmax(at, 0), (double)(g->n - 1));
}

/* ---- densities over the cells, from counts and a prior kernel that weighs as one ---- */

static void choice_density(const double *count, size_t n, double *density)
{
    double kernels = 1;
    double total = 1;

    for (size_t c = 0; c < n; c++) {
        kernels += count[c] > 0;
        total += count[c];
    }
    double other = 1 / kernels;
    double row = 1 + (double)n * other; /* a kernel's sum before it is normalised */
    for (size_t c = 0; c < n; c++)
        density[c] = (((total - 1) * other + count[c]) / row + 1 / (double)n) / total;
}

/* Scott's rule on the counted cells, with the smaller of deviation and quartile distance. */
static double bandwidth(const double *count, size_t n)
{
    double total = 0;
    double mean = 0;
    double square = 0;
    double cumulated = 0;
    double low = -1;
    double high = -1;
    double last = 0;

    for (size_t c = 0; c < n; c++) {
        total += count[c];
        mean += count[c] * (double)c;
    }
    mean /= total;
    for (size_t c = 0; c < n; c++) {
        if (count[c] == 0)
            continue;
        cumulated += count[c];
        square += count[c] * ((double)c - mean) * ((double)c - mean);
        last = (double)c;
        if (low < 0 && cumulated >= floor(total / 4))
            low = last;
        if (high < 0 && cumulated > floor(total * 3 / 4))
            high = last;
    }
    double range = (high < 0 ? last : high) - low;
    double deviation = sqrt(square / fmax(1, total - 1));
    return fmax(1.059 * fmin(range / 1.34, deviation) * pow(total, -0.2), SIGMA_MIN);
}

/* Mass of a normal around 0 in the cell that lies so many cells away. */
static double cell_mass(double away, double sigma)
{
    if (away == 0)
        return 1 - 2 * aglm_normal_tail(0.5 / sigma);
    return aglm_normal_tail((away - 0.5) / sigma) - aglm_normal_tail((away + 0.5) / sigma);
}

static double grid_mass(double mu, double sigma, size_t n)
{
    return 1 - aglm_normal_tail((mu + 0.5) / sigma) -
           aglm_normal_tail(((double)n - 0.5 - mu) / sigma);
}

static void number_density(const double *count, size_t n, double *density)
{
    double mass[CELLS_MAX];
    double sigma = bandwidth(count, n);
    double middle = (double)(n - 1) / 2;
    double wide = (double)n;
    double total = 1;

    for (size_t c = 0; c < n; c++) {
        mass[c] = cell_mass((double)c, sigma);
        total += count[c];
        density[c] = (aglm_normal_tail(((double)c - 0.5 - middle) / wide) -
                      aglm_normal_tail(((double)c + 0.5 - middle) / wide)) /
                     grid_mass(middle, wide, n);
    }
    for (size_t k = 0; k < n; k++) {
        if (count[k] == 0)
            continue;
        double weight = count[k] / grid_mass((double)k, sigma, n);
        for (size_t c = 0; c < n; c++)
            density[c] += weight * mass[c > k ? c - k : k - c];
    }
    for (size_t c = 0; c < n; c++)
        density[c] /= total;
}

static void fill_density(const struct grid *g, const double *count, double *density)
{
    if (g->dist->kind == AGLM_DIST_CHOICE)
        choice_density(count, g->n, density);
    else
        number_density(count, g->n, density);
}

/* ---- one parameter ---- */

struct tables { /* each as long as the largest grid */
    double *all, *best, *density, *best_density;
};

static double divergence(const struct grid *g, struct tables *t)
{
    double sum = 0;

    fill_density(g, t->all, t->density);
    fill_density(g, t->best, t->best_density);
    for (size_t c = 0; c < g->n; c++) {
        double q = t->density[c] + DENSITY_FLOOR;
        double ratio = (t->best_density[c] + DENSITY_FLOOR) / q;
        sum += q * (ratio - 1) * (ratio - 1);
    }
    return sum;
}

static double weight_of(const aglm_importance_rows *rows, size_t param, double cutoff,
                        struct tables *t)
{
    struct grid g = grid_of(&rows->space->params[param].dist);
    double active = 0;
    double active_best = 0;
    double best = 0;

    memset(t->all, 0, g.n * sizeof *t->all);
    memset(t->best, 0, g.n * sizeof *t->best);
    for (size_t i = 0; i < rows->n; i++) {
        double v = rows->x[i][param];
        bool good = rows->loss[i] <= cutoff;
        best += good;
        if (isnan(v))
            continue;
        size_t cell = cell_of(&g, v);
        active += 1;
        active_best += good;
        t->all[cell] += 1;
        t->best[cell] += good;
    }
    if (active < REGIME_MIN || active_best == 0)
        return 0;
    double alpha = active_best / best;
    double beta = active / (double)rows->n;
    double gamma = best / (double)rows->n;
    return gamma * gamma * alpha * alpha / beta * divergence(&g, t);
}

static aglm_rc tables_init(struct tables *t, const aglm_space *space, aglm_error *err)
{
    size_t n = CELLS_MAX;

    for (size_t p = 0; p < space->n; p++)
        if (space->params[p].dist.n_choices > n)
            n = space->params[p].dist.n_choices;
    t->all = aglm_calloc(4 * n, sizeof *t->all);
    if (!t->all)
        return aglm_error_set(err, AGLM_NOMEM, "out of memory for PED-ANOVA");
    t->best = t->all + n;
    t->density = t->best + n;
    t->best_density = t->density + n;
    return AGLM_OK;
}

/* The loss that the best tenth does not exceed. */
static aglm_rc find_cutoff(const aglm_importance_rows *rows, double *cutoff, aglm_error *err)
{
    double *sorted = aglm_calloc(rows->n, sizeof *sorted);

    if (!sorted)
        return aglm_error_set(err, AGLM_NOMEM, "out of memory for %zu losses", rows->n);
    memcpy(sorted, rows->loss, rows->n * sizeof *sorted);
    aglm_sort_doubles(sorted, rows->n);
    *cutoff = sorted[(size_t)ceil(BEST_SHARE * (double)rows->n) - 1];
    free(sorted);
    return AGLM_OK;
}

static aglm_rc weigh(const aglm_importance_rows *rows, double *weight, aglm_error *err)
{
    struct tables t = {0};
    double cutoff = 0;
    aglm_rc rc = tables_init(&t, rows->space, err);

    if (rc != AGLM_OK)
        return rc;
    rc = find_cutoff(rows, &cutoff, err);
    for (size_t p = 0; rc == AGLM_OK && p < rows->space->n; p++)
        if (!is_single(&rows->space->params[p].dist))
            weight[p] = weight_of(rows, p, cutoff, &t);
    free(t.all);
    return rc;
}

const aglm_importance_ops aglm_importance_ped_anova = {.name = "ped-anova", .weigh = weigh};
