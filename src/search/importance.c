#include "search/importance.h"

#include <math.h>
#include <string.h>

#define CELLS 10
#define CHOICES_MAX 64 /* further choices share the last cell */
#define TRIALS_MIN 4

struct histogram {
    double all[CHOICES_MAX];
    double good[CHOICES_MAX];
};

static size_t cells_of(const aglm_dist *d)
{
    if (d->kind != AGLM_DIST_CHOICE)
        return CELLS;
    return d->n_choices < CHOICES_MAX ? d->n_choices : CHOICES_MAX;
}

static size_t cell_of(const aglm_dist *d, double v)
{
    size_t n = cells_of(d);

    if (d->kind == AGLM_DIST_CHOICE)
        return (size_t)v < n ? (size_t)v : n - 1;
    double low = d->log ? log(d->low) : d->low, high = d->log ? log(d->high) : d->high;
    double at = high > low ? ((d->log ? log(v) : v) - low) / (high - low) : 0;
    size_t cell = at > 0 ? (size_t)(at * (double)n) : 0;
    return cell < n ? cell : n - 1;
}

static bool counts(const aglm_trial *t)
{
    return t->state == AGLM_TRIAL_COMPLETE && isfinite(t->loss);
}

/* The loss that splits the complete trials in halves: the k-th smallest, by counting (n is small
 * beside a fit). */
static double median_loss(const aglm_trial *trials, size_t n, size_t complete)
{
    double best = INFINITY;

    for (size_t i = 0; i < n; i++) {
        size_t not_worse = 0;
        if (!counts(&trials[i]))
            continue;
        for (size_t k = 0; k < n; k++)
            not_worse += counts(&trials[k]) && trials[k].loss <= trials[i].loss;
        if (not_worse >= (complete + 1) / 2 && trials[i].loss < best)
            best = trials[i].loss;
    }
    return best;
}

static double divergence(const aglm_space *space, size_t param, const aglm_trial *trials, size_t n,
                         double split)
{
    const aglm_dist *d = &space->params[param].dist;
    struct histogram h = {0};
    size_t cells = cells_of(d);
    double all = (double)cells, good = (double)cells, sum = 0;

    for (size_t c = 0; c < cells; c++)
        h.all[c] = h.good[c] = 1;
    for (size_t i = 0; i < n; i++) {
        double v = trials[i].x[param];
        if (!counts(&trials[i]) || isnan(v))
            continue;
        bool is_good = trials[i].loss <= split;
        h.all[cell_of(d, v)] += 1;
        h.good[cell_of(d, v)] += is_good;
        all += 1;
        good += is_good;
    }
    for (size_t c = 0; c < cells; c++) {
        double q = h.all[c] / all, p = h.good[c] / good;
        sum += q * (p / q - 1) * (p / q - 1);
    }
    return sum;
}

static void insert(aglm_importance *out, size_t *n, aglm_importance item)
{
    size_t at = *n;

    while (at > 0 && out[at - 1].share < item.share)
        at--;
    if (at == AGLM_IMPORTANCE_MAX)
        return;
    size_t last = *n < AGLM_IMPORTANCE_MAX ? *n : AGLM_IMPORTANCE_MAX - 1;
    memmove(out + at + 1, out + at, (last - at) * sizeof *out);
    out[at] = item;
    *n = last + 1;
}

size_t aglm_importance_top(const aglm_space *space, const aglm_trial *trials, size_t n,
                           aglm_importance out[AGLM_IMPORTANCE_MAX])
{
    size_t complete = 0, found = 0;
    double total = 0;

    for (size_t i = 0; i < n; i++)
        complete += counts(&trials[i]);
    if (complete < TRIALS_MIN)
        return 0;
    double split = median_loss(trials, n, complete);
    for (size_t p = 0; p < space->n; p++) {
        aglm_importance item = {space->params[p].name, divergence(space, p, trials, n, split)};
        total += item.share;
        insert(out, &found, item);
    }
    for (size_t i = 0; i < found; i++)
        out[i].share = total > 0 ? out[i].share / total : 0;
    return found;
}
