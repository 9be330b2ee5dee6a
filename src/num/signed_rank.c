#include "num/signed_rank.h"

#include <math.h>
#include <stdbool.h>
#include <stdlib.h>

#include "base/memory.h"
#include "num/stats.h"

#define MAX_EXACT 50
#define MAX_EXACT_TIED 13
#define MAX_SUM (MAX_EXACT * (MAX_EXACT + 1)) /* of doubled ranks */

struct ranked {
    double size;
    int sign;
    size_t rank; /* doubled, so that the mean of a tie is whole */
};

struct ranks {
    struct ranked *item; /* [n] by size */
    size_t n;
    double positive; /* doubled sum, zeros half counted in */
    double zero;     /* the zeros' part of that */
    double tie_sum;  /* of t^3 - t over ties of t */
};

static int compare_sizes(const void *a, const void *b)
{
    double x = ((const struct ranked *)a)->size;
    double y = ((const struct ranked *)b)->size;

    return (x > y) - (x < y);
}

static void rank_all(struct ranks *r)
{
    size_t end;

    qsort(r->item, r->n, sizeof *r->item, compare_sizes);
    for (size_t first = 0; first < r->n; first = end) {
        for (end = first + 1; end < r->n && r->item[end].size == r->item[first].size;)
            end++;
        double t = (double)(end - first);
        r->tie_sum += t * t * t - t;
        for (size_t i = first; i < end; i++) {
            size_t rank = first + end + 1;
            r->item[i].rank = rank;
            r->positive += r->item[i].sign > 0 ? (double)rank : 0.0;
            r->zero += r->item[i].sign == 0 ? 0.5 * (double)rank : 0.0;
        }
    }
    r->positive += r->zero;
}

/* Counts the sums over all signs, one difference after the other. */
static double exact(const struct ranks *r)
{
    double share[MAX_SUM + 1] = {1.0};
    size_t most = 0;
    double p = 0.0;

    for (size_t i = 0; i < r->n; i++) {
        size_t rank = r->item[i].rank;
        if (r->item[i].sign == 0)
            continue;
        most += rank;
        for (size_t s = most + 1; s-- > 0;)
            share[s] = 0.5 * (share[s] + (s >= rank ? share[s - rank] : 0.0));
    }
    for (size_t s = 0; s <= most; s++)
        p += (double)s >= r->positive - r->zero ? share[s] : 0.0;
    return p;
}

static double approximate(const struct ranks *r)
{
    double n = (double)r->n;
    double mean = 0.25 * n * (n + 1.0);
    double variance = (n * (n + 1.0) * (2.0 * n + 1.0) - 0.5 * r->tie_sum) / 24.0;

    return aglm_normal_cdf(-(0.5 * r->positive - mean) / sqrt(variance));
}

aglm_rc aglm_signed_rank_greater(const double *d, size_t n, double *p, aglm_error *err)
{
    struct ranks r = {.item = aglm_calloc(n, sizeof *r.item), .n = n};

    *p = 1.0;
    if (!r.item)
        return aglm_error_set(err, AGLM_NOMEM, "out of memory for a rank test");
    for (size_t i = 0; i < n; i++)
        r.item[i] = (struct ranked){.size = fabs(d[i]), .sign = (d[i] > 0.0) - (d[i] < 0.0)};
    rank_all(&r);
    bool tied = r.tie_sum > 0.0 || r.zero > 0.0;
    if (n > 0)
        *p = n <= (tied ? MAX_EXACT_TIED : MAX_EXACT) ? exact(&r) : approximate(&r);
    free(r.item);
    return AGLM_OK;
}
