#include "learn/linear_solver.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "base/rng.h"

#define ROWS_PER_CHECK 256 /* rows between two looks at the clock: a fraction of a millisecond */

#define INLINE static inline __attribute__((always_inline))

/* How far one vector has come. */
struct lane {
    float shrink_above; /* rows at bound whose gradient is above are left out (hinge) */
    float max, min;     /* projected gradients of this pass */
    bool whole;         /* no row has been left out since all were looked at */
};

struct solver {
    const aglm_linear_problem *p;
    float *w;
    float *norm2;     /* |x_i|^2 under the metric: [n_rows], with a metric [n_rows x lanes] */
    float *alpha;     /* [n_rows x lanes] dual variables */
    uint16_t *active; /* a bit a lane: does the row still take part? */
    uint16_t live;    /* lanes that are not done */
    uint32_t *order;
    size_t n_order;
    struct lane lane[AGLM_LANES_MAX];
    aglm_rng rng;
};

unsigned aglm_linear_lanes(size_t left)
{
    return left == 1 ? 1 : left <= 8 ? 8 : AGLM_LANES_MAX;
}

/* Lanes of one register; where a machine has none so wide the compiler takes several. */
#define GROUP 8
#define GROUPS_MAX (AGLM_LANES_MAX / GROUP)
typedef float group __attribute__((vector_size(GROUP * sizeof(float))));

/* *out = GROUP floats at `at`. (Returned by value it would depend on the ABI of wide registers.) */
INLINE void load_group(group *out, const float *at)
{
    memcpy(out, at, sizeof *out);
}

/* sum[l] = x_i . w_l. Two accumulators, so that additions of neighbours overlap; their order is the
 * same on every machine. The loops over groups must unroll, or the accumulators go to memory. */
INLINE void row_dot(const aglm_csr *x, size_t i, const float *w, float *sum, unsigned lanes)
{
    size_t j = x->start[i], end = x->start[i + 1];
    size_t groups = lanes / GROUP;
    group even[GROUPS_MAX] = {0}, odd[GROUPS_MAX] = {0};

    if (lanes == 1) {
        sum[0] = aglm_sparse_dot(x->col + j, x->val + j, end - j, w);
        return;
    }
    for (; j + 2 <= end; j += 2) {
        const float *a = w + (size_t)x->col[j] * lanes;
        const float *b = w + (size_t)x->col[j + 1] * lanes;
        float va = x->val[j], vb = x->val[j + 1];
#pragma GCC unroll 2
        for (size_t g = 0; g < groups; g++) {
            group wa, wb;
            load_group(&wa, a + g * GROUP);
            load_group(&wb, b + g * GROUP);
            even[g] += va * wa;
            odd[g] += vb * wb;
        }
    }
#pragma GCC unroll 2
    for (size_t g = 0; g < groups; g++) {
        group last;
        if (j < end) {
            load_group(&last, w + (size_t)x->col[j] * lanes + g * GROUP);
            even[g] += x->val[j] * last;
        }
        even[g] += odd[g];
        memcpy(sum + g * GROUP, &even[g], sizeof even[g]);
    }
}

/* w_l += delta[l] * x_i, each column times its metric. */
INLINE void row_axpy(const aglm_linear_problem *p, size_t i, const float *delta, float *w,
                     unsigned lanes)
{
    const aglm_csr *x = p->x;
    size_t groups = lanes / GROUP;

    if (lanes == 1) {
        for (size_t j = x->start[i]; j < x->start[i + 1]; j++)
            w[x->col[j]] += x->val[j] * *delta * (p->metric ? p->metric[x->col[j]] : 1);
        return;
    }
    for (size_t j = x->start[i]; j < x->start[i + 1]; j++) {
        size_t at = (size_t)x->col[j] * lanes;
#pragma GCC unroll 2
        for (size_t g = 0; g < groups; g++) {
            group step, other;
            load_group(&step, delta + g * GROUP);
            step *= x->val[j];
            if (p->metric) {
                load_group(&other, p->metric + at + g * GROUP);
                step *= other;
            }
            load_group(&other, w + at + g * GROUP);
            step += other;
            memcpy(w + at + g * GROUP, &step, sizeof step);
        }
    }
}

INLINE float row_norm2(const struct solver *s, size_t i, unsigned l, unsigned lanes)
{
    return s->p->metric ? s->norm2[i * lanes + l] : s->norm2[i];
}

/* One coordinate of one vector; returns what is to be added to w per unit of x. */
INLINE float hinge_lane(struct solver *s, size_t i, unsigned l, unsigned lanes, float dot,
                        bool *left_out)
{
    float y = s->p->y[i * lanes + l];
    float diagonal = 0.5f / s->p->cost[i];
    float *alpha = &s->alpha[i * lanes + l];
    struct lane *lane = &s->lane[l];
    float old = *alpha;
    float g = y * dot - 1 + old * diagonal;
    float projected = old == 0 && g > 0 ? 0 : g;

    *left_out = old == 0 && g > lane->shrink_above;
    if (*left_out)
        return 0;
    lane->max = projected > lane->max ? projected : lane->max;
    lane->min = projected < lane->min ? projected : lane->min;
    float new = old - g / (row_norm2(s, i, l, lanes) + diagonal);
    *alpha = new > 0 ? new : 0;
    return (*alpha - old) * y;
}

/* min over z of norm2/2 (z - a)^2 + m z + z log z + (c - z) log(c - z): Newton's method on
 * whichever of z and c - z is nearer 0, kept inside by backing off towards the border (algorithm 4
 * of the paper). */
static double logistic_minimum(double a, double m, double norm2, double c)
{
    bool low = 0.5 * norm2 * (c - 2 * a) + m > 0; /* the minimum has z < c / 2 */
    double from = low ? a : c - a;
    double b = low ? m : -m;
    double z = from < 0.5 * c ? from : 0.1 * from;

    for (int k = 0; k < 50; k++) {
        double g = norm2 * (z - from) + b + log(z / (c - z));
        if (fabs(g) < 1e-4)
            break;
        double next = z - g / (norm2 + c / ((c - z) * z));
        z = next <= 0 ? 0.1 * z : next >= c ? c - 0.1 * (c - z) : next;
    }
    return low ? z : c - z;
}

INLINE float logistic_lane(struct solver *s, size_t i, unsigned l, unsigned lanes, float dot)
{
    double c = s->p->cost[i];
    double edge = 1e-6 * c; /* nearer to c a float no longer tells them apart */
    float *alpha = &s->alpha[i * lanes + l];
    float old = *alpha;
    double margin = s->p->y[i * lanes + l] * (double)dot;
    double g = margin + log(old / (c - old));

    /* At an edge that it would cross, the coordinate is as good as it gets. */
    if ((old <= 1.5 * edge && g > 0) || (c - old <= 1.5 * edge && g < 0))
        return 0;
    s->lane[l].max = (float)fmax(s->lane[l].max, fabs(g));
    if (fabs(g) < 0.01 * s->p->eps)
        return 0;
    double new = logistic_minimum(old, margin, row_norm2(s, i, l, lanes), c);
    *alpha = (float)(new < edge ? edge : new > c - edge ? c - edge : new);
    return (*alpha - old) * s->p->y[i * lanes + l];
}

/* All vectors at one row; rows that no vector needs any more leave the order. */
INLINE void visit_row(struct solver *s, uint32_t i, size_t *kept, unsigned lanes)
{
    float sum[AGLM_LANES_MAX], delta[AGLM_LANES_MAX] = {0};
    unsigned on = s->active[i] & s->live;
    bool moved = false;

    if (!on)
        return;
    row_dot(s->p->x, i, s->w, sum, lanes);
    for (unsigned l = 0; l < lanes; l++) {
        bool left_out = false;
        if (!(on >> l & 1))
            continue;
        if (s->p->loss == AGLM_LOSS_SQUARED_HINGE)
            delta[l] = hinge_lane(s, i, l, lanes, sum[l], &left_out);
        else
            delta[l] = logistic_lane(s, i, l, lanes, sum[l]);
        moved |= delta[l] != 0;
        if (left_out) {
            s->active[i] &= (uint16_t)~(1u << l);
            s->lane[l].whole = false;
        }
    }
    if (moved)
        row_axpy(s->p, i, delta, s->w, lanes);
    if (s->active[i] & s->live)
        s->order[(*kept)++] = i;
}

/* Rows come in random order, so the processor cannot guess the next one. */
INLINE void prefetch_row(const struct solver *s, uint32_t i, unsigned lanes)
{
    const aglm_csr *x = s->p->x;

    __builtin_prefetch(&s->p->y[i * (size_t)lanes]);
    __builtin_prefetch(&s->alpha[i * (size_t)lanes]);
    __builtin_prefetch(&s->p->cost[i]);
    for (size_t j = x->start[i]; j < x->start[i + 1]; j += 16) {
        __builtin_prefetch(&x->col[j]);
        __builtin_prefetch(&x->val[j]);
    }
}

INLINE void visit_rows(struct solver *s, size_t from, size_t to, size_t *kept, unsigned lanes)
{
    for (size_t at = from; at < to; at++) {
        if (at + 1 < to)
            prefetch_row(s, s->order[at + 1], lanes);
        visit_row(s, s->order[at], kept, lanes);
    }
}

typedef void visitor(struct solver *s, size_t from, size_t to, size_t *kept);

static void visit_1(struct solver *s, size_t from, size_t to, size_t *kept)
{
    visit_rows(s, from, to, kept, 1);
}

static void visit_8(struct solver *s, size_t from, size_t to, size_t *kept)
{
    visit_rows(s, from, to, kept, 8);
}

static void visit_16(struct solver *s, size_t from, size_t to, size_t *kept)
{
    visit_rows(s, from, to, kept, 16);
}

/* The same code for wider registers. Products are not contracted (-ffp-contract=off), so the sums
 * are the same to the last bit. */
#if defined(__x86_64__)
__attribute__((target("avx2"))) static void visit_8_avx2(struct solver *s, size_t from, size_t to,
                                                         size_t *kept)
{
    visit_rows(s, from, to, kept, 8);
}

__attribute__((target("avx2"))) static void visit_16_avx2(struct solver *s, size_t from, size_t to,
                                                          size_t *kept)
{
    visit_rows(s, from, to, kept, 16);
}
#endif

static visitor *choose_visitor(unsigned lanes, bool plain)
{
    if (lanes == 1)
        return visit_1;
#if defined(__x86_64__)
    if (!plain && __builtin_cpu_supports("avx2"))
        return lanes == 8 ? visit_8_avx2 : visit_16_avx2;
#endif
    return lanes == 8 ? visit_8 : visit_16;
}

static aglm_rc make_pass(struct solver *s, visitor *visit)
{
    size_t kept = 0;

    for (unsigned l = 0; l < s->p->lanes; l++) {
        s->lane[l].max = -INFINITY;
        s->lane[l].min = INFINITY;
    }
    aglm_rng_shuffle(&s->rng, s->order, s->n_order);
    for (size_t at = 0; at < s->n_order; at += ROWS_PER_CHECK) {
        size_t end = at + ROWS_PER_CHECK < s->n_order ? at + ROWS_PER_CHECK : s->n_order;
        if (aglm_cancelled(s->p->cancel))
            return AGLM_CANCELLED;
        visit(s, at, end, &kept);
    }
    s->n_order = kept;
    return AGLM_OK;
}

/* Looks again at all rows that a lane still needs. */
static void rebuild_order(struct solver *s)
{
    s->n_order = 0;
    for (size_t i = 0; i < s->p->x->n_rows; i++) {
        if (s->active[i] & s->live)
            s->order[s->n_order++] = (uint32_t)i;
    }
}

/* A vector that is optimal on the rows it still has is done only if these are all rows; else it
 * gets them back. */
static void judge_lanes(struct solver *s)
{
    uint16_t again = 0;

    for (unsigned l = 0; l < s->p->lanes; l++) {
        struct lane *lane = &s->lane[l];
        bool hinge = s->p->loss == AGLM_LOSS_SQUARED_HINGE;
        if (!(s->live >> l & 1))
            continue;
        lane->shrink_above = lane->max > 0 ? lane->max : INFINITY;
        if (!(lane->max - (hinge ? lane->min : 0) <= s->p->eps))
            continue;
        if (lane->whole)
            s->live &= (uint16_t)~(1u << l);
        else
            again |= (uint16_t)(1u << l);
        lane->shrink_above = INFINITY;
        lane->whole = true;
    }
    if (!again)
        return;
    for (size_t i = 0; i < s->p->x->n_rows; i++)
        s->active[i] |= again;
    rebuild_order(s);
}

static void start_solver(struct solver *s)
{
    const aglm_linear_problem *p = s->p;
    float delta[AGLM_LANES_MAX] = {0};

    s->live = (uint16_t)((1u << p->vectors) - 1);
    for (unsigned l = 0; l < p->lanes; l++)
        s->lane[l] = (struct lane){.shrink_above = INFINITY, .whole = true};
    for (size_t i = 0; i < p->x->n_rows; i++) {
        s->active[i] = s->live;
        for (size_t j = p->x->start[i]; j < p->x->start[i + 1]; j++) {
            float v2 = p->x->val[j] * p->x->val[j];
            for (unsigned l = 0; p->metric && l < p->lanes; l++)
                s->norm2[i * p->lanes + l] += v2 * p->metric[(size_t)p->x->col[j] * p->lanes + l];
            if (!p->metric)
                s->norm2[i] += v2;
        }
        if (p->loss == AGLM_LOSS_SQUARED_HINGE)
            continue;
        /* The logarithms of the dual need a start inside (0, C). */
        for (unsigned l = 0; l < p->vectors; l++) {
            s->alpha[i * p->lanes + l] = 0.001f * p->cost[i];
            delta[l] = 0.001f * p->cost[i] * p->y[i * p->lanes + l];
        }
        row_axpy(p, i, delta, s->w, p->lanes);
    }
    rebuild_order(s);
}

uint64_t aglm_linear_solve_bytes(size_t n_rows, unsigned lanes)
{
    return (uint64_t)n_rows * (9 * lanes + 6);
}

aglm_rc aglm_linear_solve(const aglm_linear_problem *p, float *w, unsigned *passes)
{
    size_t n = p->x->n_rows;
    visitor *visit = choose_visitor(p->lanes, p->plain);
    struct solver s = {.p = p, .w = w};
    unsigned pass = 0;
    aglm_rc rc = AGLM_NOMEM;

    memset(w, 0, p->x->n_cols * p->lanes * sizeof *w);
    s.norm2 = aglm_calloc(n * (p->metric ? p->lanes : 1), sizeof *s.norm2);
    s.alpha = aglm_calloc(n * p->lanes, sizeof *s.alpha);
    s.active = aglm_calloc(n, sizeof *s.active);
    s.order = aglm_calloc(n, sizeof *s.order);
    if (!s.norm2 || !s.alpha || !s.active || !s.order)
        goto done;
    aglm_rng_init(&s.rng, p->seed);
    start_solver(&s);
    rc = AGLM_OK;
    while (!rc && s.live && pass < p->max_passes) {
        rc = make_pass(&s, visit);
        pass++;
        judge_lanes(&s);
    }
    if (passes)
        *passes = pass;
done:
    free(s.norm2);
    free(s.alpha);
    free(s.active);
    free(s.order);
    return rc;
}

static double loss_at(aglm_linear_loss loss, double margin)
{
    if (loss == AGLM_LOSS_SQUARED_HINGE)
        return margin < 1 ? (1 - margin) * (1 - margin) : 0;
    return margin > 0 ? log1p(exp(-margin)) : -margin + log1p(exp(margin));
}

double aglm_linear_objective(const aglm_linear_problem *p, const float *w, unsigned lane)
{
    double sum = 0;

    for (size_t j = 0; j < p->x->n_cols; j++) {
        double v = w[j * p->lanes + lane];
        double metric = p->metric ? p->metric[j * p->lanes + lane] : 1;
        sum += metric > 0 ? 0.5 * v * v / metric : 0;
    }
    for (size_t i = 0; i < p->x->n_rows; i++) {
        double dot = 0;
        for (size_t j = p->x->start[i]; j < p->x->start[i + 1]; j++)
            dot += (double)p->x->val[j] * w[(size_t)p->x->col[j] * p->lanes + lane];
        sum += p->cost[i] * loss_at(p->loss, p->y[i * p->lanes + lane] * dot);
    }
    return sum;
}
