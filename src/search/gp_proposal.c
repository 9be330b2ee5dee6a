#include "search/gp_proposal.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "num/lbfgs.h"
#include "search/gp_acquisition.h"
#include "search/gp_bend.h"

#define WHOLE_SPACE 1024 /* points of a space that is looked at whole */
#define DRAWN 192        /* points drawn from the space */
#define NEAR 192         /* points drawn around the best observations */
#define BEST 6           /* of these */
#define STARTS 5         /* points from which improvement is climbed */
#define ROUNDS 3         /* of numbers, then choices and lattices */
#define CALLS 40         /* of a climb in the numbers */
#define EDGE 0.05        /* of an axis */
#define EDGE_COST 1.0    /* of the logarithm of the improvement, at the very end */
#define SHORT_LATTICE 16 /* lattices up to here are tried value by value */

struct pool {
    const aglm_gp_question *q;
    aglm_rng *rng;
    size_t n, cap;
    double *x;     /* [cap x space->n] */
    double *u;     /* [cap x axes->n] as the model bends them */
    double *score; /* [cap] */
    size_t *order; /* [cap] best first */
    aglm_gp_belief *belief;
    double *low, *high, *at, *straight; /* [axes->n] */
    double *best; /* [axes->n] the best observation; NULL: edges cost nothing */
};

static size_t space_n(const struct pool *p)
{
    return p->q->axes->space->n;
}

static double *pool_x(const struct pool *p, size_t i)
{
    return p->x + i * space_n(p);
}

static double *pool_u(const struct pool *p, size_t i)
{
    return p->u + i * p->q->axes->n;
}

static void pool_clear(struct pool *p)
{
    free(p->x);
    free(p->u);
    free(p->score);
    free(p->order);
    free(p->belief);
    free(p->low);
}

static aglm_rc pool_init(struct pool *p, const aglm_gp_question *q, aglm_rng *rng, size_t cap,
                         aglm_error *err)
{
    size_t n = q->axes->n;

    *p = (struct pool){.q = q, .rng = rng, .cap = cap};
    p->x = aglm_calloc(cap, space_n(p) * sizeof *p->x);
    p->u = aglm_calloc(cap, n * sizeof *p->u);
    p->score = aglm_calloc(cap, sizeof *p->score);
    p->order = aglm_calloc(cap, sizeof *p->order);
    p->belief = aglm_calloc(cap, sizeof *p->belief);
    p->low = aglm_calloc(n, 5 * sizeof *p->low);
    if (p->x && p->u && p->score && p->order && p->belief && p->low) {
        p->high = p->low + n;
        p->at = p->low + 2 * n;
        p->straight = p->low + 3 * n;
        return AGLM_OK;
    }
    pool_clear(p);
    return aglm_error_set(err, AGLM_NOMEM, "out of memory for %zu candidates", cap);
}

static void encode(const struct pool *p, const double *x, double *u)
{
    aglm_gp_axes_encode(p->q->axes, x, u);
    for (size_t j = 0; j < p->q->axes->n; j++)
        u[j] = aglm_gp_bend(p->q->gp, j, u[j]);
}

/* As aglm_gp_axes_decode. */
static void decode(struct pool *p, const double *u, const double *base, double *x)
{
    for (size_t j = 0; j < p->q->axes->n; j++)
        p->straight[j] = aglm_gp_unbend(p->q->gp, j, u[j]);
    aglm_gp_axes_decode(p->q->axes, p->straight, base, p->rng, x);
}

/* The pool's next point, unless there is one like it among the trials. */
static void pool_add(struct pool *p)
{
    if (aglm_history_seen(p->q->history, pool_x(p, p->n)))
        return;
    encode(p, pool_x(p, p->n), pool_u(p, p->n));
    p->n++;
}

/* A model of few points expects wonders at the edges, where it knows least and half of a cube's
 * volume lies, and would try one corner after another. So a number pays for the outer EDGE of its
 * axis, unless the best observation lies there. Where there are choices the few points are spread
 * over them, and keeping off the edges has gained nothing. */
static double edge_cost(const struct pool *p, const double *u, double *gradient)
{
    const aglm_gp_axes *a = p->q->axes;
    double cost = 0.0;

    for (size_t j = 0; p->best && j < a->n; j++) {
        const aglm_gp_axis *axis = &a->axis[j];
        bool upper = u[j] > 0.5;
        double gap = upper ? 1.0 - u[j] : u[j];
        double best = upper ? 1.0 - p->best[j] : p->best[j];
        if (axis->is_choice || (axis->count > 0 && axis->count <= SHORT_LATTICE) || gap >= EDGE ||
            best < EDGE)
            continue;
        double part = 1.0 - gap / EDGE;
        cost += EDGE_COST * part * part;
        if (gradient)
            gradient[j] += (upper ? 2.0 : -2.0) * EDGE_COST * part / EDGE;
    }
    return cost;
}

static void pool_score(struct pool *p, size_t from)
{
    aglm_gp_predict_all(p->q->gp, pool_u(p, from), p->n - from, p->belief + from);
    for (size_t i = from; i < p->n; i++)
        p->score[i] = (isnan(p->q->best) ? 0.0 : aglm_gp_log_ei(&p->belief[i], p->q->best)) -
                      edge_cost(p, pool_u(p, i), NULL);
    if (!p->q->violation)
        return;
    aglm_gp_predict_all(p->q->violation, pool_u(p, from), p->n - from, p->belief + from);
    for (size_t i = from; i < p->n; i++)
        p->score[i] += aglm_gp_log_below(&p->belief[i], p->q->limit);
}

/* The first `wanted` of order are the best ones. */
static void pool_rank(struct pool *p, size_t wanted)
{
    for (size_t i = 0; i < p->n; i++)
        p->order[i] = i;
    for (size_t i = 0; i < wanted && i < p->n; i++) {
        size_t top = i;
        for (size_t k = i + 1; k < p->n; k++) {
            if (p->score[p->order[k]] > p->score[p->order[top]])
                top = k;
        }
        size_t swap = p->order[i];
        p->order[i] = p->order[top];
        p->order[top] = swap;
    }
}

static double fold(double u)
{
    u = u < 0.0 ? -u : u;
    u = u > 1.0 ? 2.0 - u : u;
    return u < 0.0 ? 0.0 : u > 1.0 ? 1.0 : u;
}

static double perturb_axis(struct pool *p, size_t j, double u, double width)
{
    const aglm_gp_axes *a = p->q->axes;
    double cell = aglm_gp_axes_cell(a, j);

    if (a->axis[j].is_choice) {
        size_t n = a->space->params[a->axis[j].param].dist.n_choices;
        return u < 0.0 ? u : (double)aglm_rng_below(p->rng, n);
    }
    double step = width * aglm_rng_normal(p->rng);
    double to = fold(u + step);
    if (cell > 0.0) {
        double from = aglm_gp_unbend(p->q->gp, j, u);
        if (fabs(aglm_gp_unbend(p->q->gp, j, to) - from) < cell)
            to = aglm_gp_bend(p->q->gp, j, fold(step < 0.0 ? from - cell : from + cell));
    }
    return to;
}

/* A point near observation i: each coordinate is moved with a chance that leaves about three. */
static void perturb(struct pool *p, size_t i)
{
    static const double widths[] = {0.2, 0.07, 0.02, 0.005};
    const aglm_gp_axes *a = p->q->axes;
    double width = widths[aglm_rng_below(p->rng, 4)];
    double chance = aglm_rng_uniform(p->rng) < 0.4 ? 1.0 : 3.0 / (double)a->n;
    double *x = pool_x(p, p->n);
    size_t always = aglm_rng_below(p->rng, a->n);

    aglm_gp_point(p->q->gp, i, p->at);
    for (size_t j = 0; j < space_n(p); j++)
        x[j] = 0.0;
    decode(p, p->at, x, x);
    for (size_t j = 0; j < a->n; j++) {
        double odds = a->axis[j].is_choice && chance == 1.0 ? 0.2 : chance;
        if (j == always || aglm_rng_uniform(p->rng) < odds)
            p->at[j] = perturb_axis(p, j, p->at[j], width);
    }
    decode(p, p->at, x, x);
}

/* Indices of the BEST observations with the least y. */
static size_t find_best(const aglm_gp *gp, size_t *best)
{
    size_t n = 0;

    for (size_t i = 0; i < gp->n; i++) {
        size_t at = n < BEST ? n++ : BEST;
        while (at > 0 && gp->y[i] < gp->y[best[at - 1]]) {
            if (at < BEST)
                best[at] = best[at - 1];
            at--;
        }
        if (at < BEST)
            best[at] = i;
    }
    return n;
}

static bool has_choices(const aglm_gp_axes *a)
{
    for (size_t j = 0; j < a->n; j++) {
        if (a->axis[j].is_choice)
            return true;
    }
    return false;
}

static void draw_candidates(struct pool *p)
{
    size_t best[BEST + 1];
    size_t n = find_best(p->q->gp, best);

    if (n > 0 && !has_choices(p->q->axes)) {
        p->best = p->low + 4 * p->q->axes->n;
        aglm_gp_point(p->q->gp, best[0], p->best);
    }
    for (size_t i = 0; i < DRAWN; i++) {
        aglm_space_sample(p->q->axes->space, p->rng, pool_x(p, p->n));
        pool_add(p);
    }
    for (size_t i = 0; n > 0 && i < NEAR; i++) {
        /* The very best one is looked around most. */
        perturb(p, best[i % 2 == 0 ? 0 : (i / 2) % n]);
        pool_add(p);
    }
}

/* Minus what pool_score adds up. */
static double minus_score(void *arg, const double *u, double *gradient)
{
    const struct pool *p = arg;
    const aglm_gp_question *q = p->q;
    size_t n = q->axes->n;
    double *other = p->at;
    double value = 0.0;

    memset(gradient, 0, n * sizeof *gradient);
    if (!isnan(q->best))
        value = aglm_gp_log_ei_at(q->gp, u, q->best, gradient);
    if (q->violation) {
        value += aglm_gp_log_below_at(q->violation, u, q->limit, other);
        for (size_t j = 0; j < n; j++)
            gradient[j] += other[j];
    }
    for (size_t j = 0; j < n; j++)
        gradient[j] = -gradient[j];
    return edge_cost(p, u, gradient) - value;
}

/* Moves candidate i along its active numbers; lattices are taken for continuous. */
static aglm_rc climb_numbers(struct pool *p, size_t i, aglm_error *err)
{
    const aglm_gp_axes *a = p->q->axes;
    double *u = pool_u(p, i);
    double *x = pool_x(p, i);
    bool any = false;
    double value;

    for (size_t j = 0; j < a->n; j++) {
        const aglm_gp_axis *axis = &a->axis[j];
        bool fixed = axis->is_choice || isnan(x[axis->param]) ||
                     (axis->count > 0 && axis->count <= SHORT_LATTICE);
        double edge = aglm_gp_axes_edge(a, j);
        p->low[j] = fixed ? u[j] : aglm_gp_bend(p->q->gp, j, edge);
        p->high[j] = fixed ? u[j] : aglm_gp_bend(p->q->gp, j, 1.0 - edge);
        any = any || !fixed;
    }
    if (!any)
        return AGLM_OK;
    aglm_lbfgs_problem problem = {.n = a->n,
                                  .value = minus_score,
                                  .arg = p,
                                  .low = p->low,
                                  .high = p->high,
                                  .max_calls = CALLS,
                                  .tolerance = 1e-5,
                                  .first_step = 0.02};
    aglm_rc rc = aglm_lbfgs_minimize(&problem, u, &value, err);
    decode(p, u, x, x);
    encode(p, x, u);
    return rc == AGLM_INVALID ? AGLM_OK : rc;
}

static void add_neighbour(struct pool *p, size_t i, size_t j, double u)
{
    const aglm_gp_axes *a = p->q->axes;

    if (p->n == p->cap)
        return;
    memcpy(pool_x(p, p->n), pool_x(p, i), space_n(p) * sizeof *p->x);
    memcpy(p->at, pool_u(p, i), a->n * sizeof *p->at);
    p->at[j] = aglm_gp_bend(p->q->gp, j, u);
    decode(p, p->at, pool_x(p, p->n), pool_x(p, p->n));
    pool_add(p);
}

/* Candidates that differ from i in the choice or lattice j. */
static void add_neighbours(struct pool *p, size_t i, size_t j)
{
    const aglm_gp_axis *axis = &p->q->axes->axis[j];
    const aglm_dist *d = &p->q->axes->space->params[axis->param].dist;
    double v = pool_x(p, i)[axis->param];

    if (isnan(v) || axis->count == 0)
        return;
    if (axis->count <= SHORT_LATTICE) {
        for (uint64_t k = 0; k < axis->count; k++)
            add_neighbour(p, i, j, aglm_gp_axes_coordinate(p->q->axes, j, aglm_dist_at(d, k)));
        return;
    }
    for (int k = 0; k < 8; k++) {
        static const double steps[] = {-1, 1, -2, 2, -4, 4, -9, 9};
        double to = axis->is_choice ? (double)aglm_rng_below(p->rng, axis->count)
                                    : aglm_dist_snap(d, v + steps[k] * d->step);
        add_neighbour(p, i, j, aglm_gp_axes_coordinate(p->q->axes, j, to));
    }
}

/* Looks at all candidates one value away from i and moves there while that is better. */
static bool step_lattices(struct pool *p, size_t i)
{
    size_t n = p->n;
    size_t best = i;

    for (size_t j = 0; j < p->q->axes->n; j++)
        add_neighbours(p, i, j);
    pool_score(p, n);
    for (size_t k = n; k < p->n; k++)
        best = p->score[k] > p->score[best] ? k : best;
    p->n = n;
    if (best == i)
        return false;
    memcpy(pool_x(p, i), pool_x(p, best), space_n(p) * sizeof *p->x);
    memcpy(pool_u(p, i), pool_u(p, best), p->q->axes->n * sizeof *p->u);
    p->score[i] = p->score[best];
    return true;
}

static double score_of(struct pool *p, size_t i)
{
    const aglm_gp_question *q = p->q;
    aglm_gp_belief b = aglm_gp_predict(q->gp, pool_u(p, i), NULL, NULL);
    double score = isnan(q->best) ? 0.0 : aglm_gp_log_ei(&b, q->best);

    if (q->violation) {
        b = aglm_gp_predict(q->violation, pool_u(p, i), NULL, NULL);
        score += aglm_gp_log_below(&b, q->limit);
    }
    return score - edge_cost(p, pool_u(p, i), NULL);
}

/* A copy of candidate `from` at the pool's end, moved to a maximum of the acquisition. */
static aglm_rc climb(struct pool *p, size_t from, aglm_error *err)
{
    size_t i = p->n++;
    aglm_rc rc = AGLM_OK;
    bool moved = true;

    memcpy(pool_x(p, i), pool_x(p, from), space_n(p) * sizeof *p->x);
    memcpy(pool_u(p, i), pool_u(p, from), p->q->axes->n * sizeof *p->u);
    for (int round = 0; rc == AGLM_OK && moved && round < ROUNDS; round++) {
        rc = climb_numbers(p, i, err);
        p->score[i] = score_of(p, i);
        moved = false;
        while (step_lattices(p, i))
            moved = true;
    }
    if (aglm_history_seen(p->q->history, pool_x(p, i)))
        p->n--;
    return rc;
}

static aglm_rc answer(struct pool *p, double *x)
{
    if (p->n == 0)
        return aglm_history_fresh(p->q->history, p->rng, x);
    pool_rank(p, 1);
    memcpy(x, pool_x(p, p->order[0]), space_n(p) * sizeof *x);
    return AGLM_OK;
}

static aglm_rc look_at_all(const aglm_gp_question *q, aglm_rng *rng, double *x, aglm_error *err)
{
    uint64_t size = aglm_space_size(q->axes->space);
    struct pool p;
    aglm_rc rc = pool_init(&p, q, rng, size, err);

    if (rc != AGLM_OK)
        return rc;
    for (uint64_t i = 0; i < size; i++) {
        aglm_space_at(q->axes->space, i, pool_x(&p, p.n));
        pool_add(&p);
    }
    pool_score(&p, 0);
    rc = answer(&p, x);
    pool_clear(&p);
    return rc;
}

aglm_rc aglm_gp_propose(const aglm_gp_question *q, aglm_rng *rng, double *x, aglm_error *err)
{
    uint64_t size = aglm_space_size(q->axes->space);
    size_t starts[STARTS];
    struct pool p;

    if (size > 0 && size <= WHOLE_SPACE)
        return look_at_all(q, rng, x, err);
    aglm_rc rc = pool_init(&p, q, rng, DRAWN + NEAR + STARTS + SHORT_LATTICE * q->axes->n, err);
    if (rc != AGLM_OK)
        return rc;
    draw_candidates(&p);
    pool_score(&p, 0);
    pool_rank(&p, STARTS);
    size_t n = p.n < STARTS ? p.n : STARTS;
    memcpy(starts, p.order, n * sizeof *starts);
    for (size_t i = 0; rc == AGLM_OK && i < n; i++)
        rc = climb(&p, starts[i], err);
    if (rc == AGLM_OK)
        rc = answer(&p, x);
    pool_clear(&p);
    return rc;
}
