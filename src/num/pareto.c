#include "num/pareto.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"

#define NOBODY UINT32_MAX

bool aglm_pareto_dominates(const double *a, const double *b, size_t m)
{
    bool better = false;

    for (size_t i = 0; i < m; i++) {
        if (a[i] > b[i])
            return false;
        better = better || a[i] < b[i];
    }
    return better;
}

struct row {
    const double *losses;
    size_t m;
};

static int compare_rows(const void *a, const void *b)
{
    const struct row *x = a;
    const struct row *y = b;

    for (size_t i = 0; i < x->m; i++) {
        if (x->losses[i] != y->losses[i])
            return x->losses[i] < y->losses[i] ? -1 : 1;
    }
    return x->losses < y->losses ? -1 : x->losses > y->losses;
}

aglm_rc aglm_pareto_order(const double *losses, size_t n, size_t m, uint32_t *order)
{
    struct row *rows = aglm_calloc(n, sizeof *rows);

    if (!rows)
        return AGLM_NOMEM;
    for (size_t i = 0; i < n; i++)
        rows[i] = (struct row){losses + i * m, m};
    if (n > 1)
        qsort(rows, n, sizeof *rows, compare_rows);
    for (size_t i = 0; i < n; i++)
        order[i] = (uint32_t)((size_t)(rows[i].losses - losses) / m);
    free(rows);
    return AGLM_OK;
}

/* Fronts under construction, each a chain from its newest member back. Points come in the order of
 * aglm_pareto_order, so that nothing dominates what came before it. */
struct fronts {
    const double *losses;
    size_t m;
    uint32_t *newest; /* [n] of each front */
    uint32_t *older;  /* [n] by point */
    size_t n;
};

/* With two losses a front's newest member has its smallest second loss: it alone decides. */
static bool is_behind(const struct fronts *f, size_t front, uint32_t point)
{
    const double *p = f->losses + point * f->m;

    for (uint32_t at = f->newest[front]; at != NOBODY; at = f->older[at]) {
        if (aglm_pareto_dominates(f->losses + at * f->m, p, f->m))
            return true;
        if (f->m <= 2)
            break;
    }
    return false;
}

/* The first front with no member that dominates the point. What one front dominates, all fronts
 * before it do. */
static size_t find_front(const struct fronts *f, uint32_t point)
{
    size_t low = 0;
    size_t high = f->n;

    while (low < high) {
        size_t mid = low + (high - low) / 2;
        if (is_behind(f, mid, point))
            low = mid + 1;
        else
            high = mid;
    }
    return low;
}

aglm_rc aglm_pareto_ranks(const double *losses, size_t n, size_t m, size_t most, uint32_t *rank)
{
    uint32_t *memory = aglm_calloc(n, 3 * sizeof *memory);

    if (!memory || aglm_pareto_order(losses, n, m, memory) != AGLM_OK) {
        free(memory);
        return AGLM_NOMEM;
    }
    struct fronts f = {.losses = losses, .m = m, .newest = memory + n, .older = memory + 2 * n};
    for (size_t i = 0; i < n; i++) {
        uint32_t point = memory[i];
        size_t front = find_front(&f, point);
        rank[point] = (uint32_t)front;
        if (front == most)
            continue;
        f.older[point] = front < f.n ? f.newest[front] : NOBODY;
        f.newest[front] = point;
        f.n += front == f.n;
    }
    free(memory);
    return AGLM_OK;
}

struct placed {
    double loss;
    size_t point;
};

static int compare_placed(const void *a, const void *b)
{
    const struct placed *x = a;
    const struct placed *y = b;

    if (x->loss != y->loss)
        return x->loss < y->loss ? -1 : 1;
    return x->point < y->point ? -1 : x->point > y->point;
}

/* Of values in ascending order; 1 where that is no number to divide by. */
static double finite_range(const struct placed *v, size_t n)
{
    size_t low = 0;
    size_t high = n - 1;

    while (low < high && v[low].loss == -INFINITY)
        low++;
    while (high > low && v[high].loss == INFINITY)
        high--;
    double range = v[high].loss - v[low].loss;
    return range > 0.0 ? range : 1.0;
}

static void add_gaps(const struct placed *v, size_t n, double *distance)
{
    double range = finite_range(v, n);

    if (v[0].loss == v[n - 1].loss)
        return;
    for (size_t i = 0; i < n; i++) {
        double below = i > 0 ? v[i - 1].loss : -INFINITY;
        double above = i + 1 < n ? v[i + 1].loss : INFINITY;
        distance[v[i].point] += below == above ? 0.0 : (above - below) / range;
    }
}

aglm_rc aglm_pareto_crowding(const double *losses, size_t n, size_t m, double *distance)
{
    struct placed *v = aglm_calloc(n, sizeof *v);

    if (!v)
        return AGLM_NOMEM;
    memset(distance, 0, n * sizeof *distance);
    for (size_t c = 0; n > 1 && c < m; c++) {
        for (size_t i = 0; i < n; i++)
            v[i] = (struct placed){losses[i * m + c], i};
        qsort(v, n, sizeof *v, compare_placed);
        add_gaps(v, n, distance);
    }
    free(v);
    return AGLM_OK;
}
