#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "num/dense.h"
#include "num/pareto.h"
#include "search/front.h"
#include "search/normal.h"
#include "search/sampler.h"

#define MAX_BLOCKS (1u << 24)
#define ATTEMPTS 32 /* children before a random fresh point is taken */
#define CROSSOVER 0.9
/* Of children around parents and mutants around children: large is near. The 20 that is usual for
 * thousands of trials searches too near for hundreds. */
#define SPREAD 5.0
#define REDRAW 0.3 /* of mutations: a new value altogether */

/* Trials come in blocks of `population` numbers. What is left of all blocks up to b are the best of
 * what was left before and of the complete trials of block b; it is kept for every block, so that a
 * trial that ends late costs the blocks from its own on. */
struct nsga2 {
    const aglm_history *history;
    const aglm_space *space;
    uint64_t seed;
    size_t n_startup;
    size_t population;
    uint32_t *left; /* [n_blocks][population] */
    size_t left_cap;
    uint32_t *n_left; /* [n_blocks] */
    size_t n_left_cap;
    size_t n_blocks;
    uint32_t *parents; /* [population] best first */
    size_t n_parents;
    bool stale; /* the parents are */
};

static void nsga2_close(void *self)
{
    struct nsga2 *s = self;

    free(s->left);
    free(s->n_left);
    free(s->parents);
    free(s);
}

static aglm_rc nsga2_open(void **self, const aglm_history *history,
                          const aglm_sampler_options *options, uint64_t seed, aglm_error *err)
{
    size_t population = options->population;

    *self = NULL;
    if (population < 2 || population > AGLM_SAMPLER_MAX_POPULATION)
        return aglm_error_set(err, AGLM_INVALID, "nsga2: population %zu must be in 2..%d",
                              population, AGLM_SAMPLER_MAX_POPULATION);
    struct nsga2 *s = calloc(1, sizeof *s);
    uint32_t *parents = aglm_calloc(population, sizeof *parents);
    if (!s || !parents) {
        free(s);
        free(parents);
        return aglm_error_set(err, AGLM_NOMEM, "out of memory for a sampler");
    }
    *s = (struct nsga2){.history = history,
                        .space = aglm_history_space(history),
                        .seed = seed,
                        .n_startup = options->n_startup > 2 ? options->n_startup : 2,
                        .population = population,
                        .parents = parents,
                        .stale = true};
    *self = s;
    return AGLM_OK;
}

/* ---- selection ---- */

struct candidate {
    const aglm_trial *trial;
    uint32_t rank;
    double crowding;
};

static int compare_candidates(const void *a, const void *b)
{
    const struct candidate *x = a;
    const struct candidate *y = b;

    if (x->rank != y->rank)
        return x->rank < y->rank ? -1 : 1;
    if (x->crowding != y->crowding)
        return x->crowding > y->crowding ? -1 : 1;
    return x->trial->number < y->trial->number ? -1 : x->trial->number > y->trial->number;
}

/* Scratch memory for the candidates of one selection. */
struct selection {
    struct candidate *candidate;
    const aglm_trial **trials;
    uint32_t *rank;
    double *losses;
    double *crowding;
    size_t n;
};

static aglm_rc selection_init(struct selection *c, size_t n, size_t m)
{
    *c = (struct selection){0};
    c->candidate = aglm_calloc(n, sizeof *c->candidate);
    c->trials = aglm_calloc(n, sizeof *c->trials);
    c->rank = aglm_calloc(n, sizeof *c->rank);
    c->losses = aglm_calloc(n, m * sizeof *c->losses);
    c->crowding = aglm_calloc(n, sizeof *c->crowding);
    return c->candidate && c->trials && c->rank && c->losses && c->crowding ? AGLM_OK : AGLM_NOMEM;
}

static void selection_clear(struct selection *c)
{
    free(c->candidate);
    free(c->trials);
    free(c->rank);
    free(c->losses);
    free(c->crowding);
}

static void add_candidate(const struct nsga2 *s, struct selection *c, size_t number)
{
    const aglm_trial *t = aglm_history_trial(s->history, number);

    if (t->state == AGLM_TRIAL_COMPLETE)
        c->trials[c->n++] = t;
}

/* Crowding among the n candidates of one rank. */
static aglm_rc crowd(const struct nsga2 *s, struct selection *c, struct candidate *v, size_t n)
{
    size_t m = aglm_history_objectives(s->history);

    for (size_t i = 0; i < n; i++)
        aglm_trial_losses(v[i].trial, aglm_history_signs(s->history), m, c->losses + i * m);
    aglm_rc rc = aglm_pareto_crowding(c->losses, n, m, c->crowding);
    for (size_t i = 0; rc == AGLM_OK && i < n; i++)
        v[i].crowding = c->crowding[i];
    return rc;
}

/* Orders the candidates by rank and crowding, as far as the first k of them go. */
static aglm_rc order_candidates(const struct nsga2 *s, struct selection *c, size_t k,
                                aglm_error *err)
{
    size_t m = aglm_history_objectives(s->history);
    aglm_rc rc = aglm_front_ranks(c->trials, c->n, aglm_history_signs(s->history), m, c->rank, err);

    if (rc != AGLM_OK)
        return rc;
    for (size_t i = 0; i < c->n; i++)
        c->candidate[i] = (struct candidate){.trial = c->trials[i], .rank = c->rank[i]};
    if (c->n > 1)
        qsort(c->candidate, c->n, sizeof *c->candidate, compare_candidates);
    for (size_t i = 0, end = 0; rc == AGLM_OK && i < c->n && i < k; i = end) {
        while (end < c->n && c->candidate[end].rank == c->candidate[i].rank)
            end++;
        rc = crowd(s, c, c->candidate + i, end - i);
        qsort(c->candidate + i, end - i, sizeof *c->candidate, compare_candidates);
    }
    return rc == AGLM_OK ? rc : aglm_error_set(err, rc, "nsga2: out of memory for parents");
}

/* The best `population` of those left before (n_blocks of them are known) and the complete trials
 * from there up to number `end`; best first. */
static aglm_rc select_best(const struct nsga2 *s, size_t n_blocks, size_t end, uint32_t *out,
                           size_t *n, aglm_error *err)
{
    size_t before = n_blocks > 0 ? s->n_left[n_blocks - 1] : 0;
    size_t from = n_blocks * s->population;
    struct selection c;
    aglm_rc rc = selection_init(&c, before + end - from, aglm_history_objectives(s->history));

    if (rc != AGLM_OK)
        aglm_error_set(err, rc, "nsga2: out of memory for parents");
    for (size_t i = 0; rc == AGLM_OK && i < before; i++)
        add_candidate(s, &c, s->left[(n_blocks - 1) * s->population + i]);
    for (size_t i = from; rc == AGLM_OK && i < end; i++)
        add_candidate(s, &c, i);
    if (rc == AGLM_OK)
        rc = order_candidates(s, &c, s->population, err);
    *n = rc != AGLM_OK ? 0 : c.n < s->population ? c.n : s->population;
    for (size_t i = 0; i < *n; i++)
        out[i] = (uint32_t)c.candidate[i].trial->number;
    selection_clear(&c);
    return rc;
}

static aglm_rc close_block(struct nsga2 *s, aglm_error *err)
{
    size_t b = s->n_blocks;
    size_t n = 0;
    aglm_rc rc = aglm_grow(&s->n_left, &s->n_left_cap, b + 1, sizeof *s->n_left, MAX_BLOCKS);

    if (rc == AGLM_OK)
        rc = aglm_grow(&s->left, &s->left_cap, (b + 1) * s->population, sizeof *s->left,
                       SIZE_MAX / sizeof *s->left);
    if (rc != AGLM_OK)
        return aglm_error_set(err, rc, "nsga2: %s", aglm_rc_text(rc));
    rc = select_best(s, b, (b + 1) * s->population, s->left + b * s->population, &n, err);
    if (rc != AGLM_OK)
        return rc;
    s->n_left[b] = (uint32_t)n;
    s->n_blocks++;
    return AGLM_OK;
}

static aglm_rc find_parents(struct nsga2 *s, aglm_error *err)
{
    size_t size = aglm_history_size(s->history);
    aglm_rc rc = AGLM_OK;

    if (!s->stale)
        return AGLM_OK;
    while (rc == AGLM_OK && (s->n_blocks + 1) * s->population <= size)
        rc = close_block(s, err);
    if (rc == AGLM_OK)
        rc = select_best(s, s->n_blocks, size, s->parents, &s->n_parents, err);
    s->stale = rc != AGLM_OK;
    return rc;
}

static aglm_rc nsga2_tell(void *self, const aglm_trial *t, aglm_error *err)
{
    struct nsga2 *s = self;
    size_t block = (size_t)t->number / s->population;

    (void)err;
    s->stale = true; /* a trial that begins may end a block */
    if (t->state == AGLM_TRIAL_COMPLETE && block < s->n_blocks)
        s->n_blocks = block;
    return AGLM_OK;
}

/* ---- children ---- */

static bool is_free(const aglm_space_param *p)
{
    return p->dist.low != p->dist.high;
}

/* b^e, the same on every machine. */
static double power(double b, double e)
{
    return b > 0.0 ? aglm_exp(e * aglm_log(b)) : 0.0;
}

/* How far a child lies from the middle of its parents, in half their distance: u of the law of
 * simulated binary crossover (Deb and Agrawal 1995, section 4), cut off at `room`. */
static double child_spread(double u, double room)
{
    double alpha = 2.0 - power(room, -(SPREAD + 1.0));

    if (u * alpha <= 1.0)
        return power(u * alpha, 1.0 / (SPREAD + 1.0));
    return power(1.0 / (2.0 - u * alpha), 1.0 / (SPREAD + 1.0));
}

/* One of the two children of a and b in the unit interval. */
static double cross(double a, double b, aglm_rng *rng)
{
    double low = a < b ? a : b;
    double high = a < b ? b : a;
    double gap = high - low;
    double u = aglm_rng_uniform(rng);
    bool upper = aglm_rng_below(rng, 2);

    if (gap < 1e-10)
        return upper ? high : low;
    double room = 1.0 + 2.0 * (upper ? 1.0 - high : low) / gap;
    double spread = 0.5 * gap * child_spread(u, room);
    double child = 0.5 * (low + high) + (upper ? spread : -spread);
    return child < 0.0 ? 0.0 : child > 1.0 ? 1.0 : child;
}

/* Polynomial mutation within the unit interval (Deb and Goyal 1996). */
static double mutate_unit(double x, aglm_rng *rng)
{
    double u = aglm_rng_uniform(rng);
    double e = SPREAD + 1.0;
    double step;

    if (u < 0.5)
        step = power(2.0 * u + (1.0 - 2.0 * u) * power(1.0 - x, e), 1.0 / e) - 1.0;
    else
        step = 1.0 - power(2.0 * (1.0 - u) + (2.0 * u - 1.0) * power(x, e), 1.0 / e);
    x += step;
    return x < 0.0 ? 0.0 : x > 1.0 ? 1.0 : x;
}

/* Another value: near by, but a new draw at times, and where a small step leads nowhere. */
static double mutate(const struct nsga2 *s, size_t i, double value, aglm_rng *rng)
{
    const aglm_dist *d = &s->space->params[i].dist;

    if (d->kind != AGLM_DIST_CHOICE && aglm_rng_uniform(rng) >= REDRAW) {
        double x = aglm_dist_from_unit(d, mutate_unit(aglm_dist_to_unit(d, value), rng));
        if (x != value)
            return x;
    }
    return aglm_space_draw(s->space, i, rng);
}

/* What the child has of its parents, NaN: nothing. */
static double inherit(const struct nsga2 *s, size_t i, const aglm_trial *const parent[2],
                      aglm_rng *rng)
{
    const aglm_dist *d = &s->space->params[i].dist;
    double a = parent[0]->x[i];
    double b = parent[1]->x[i];
    bool second = aglm_rng_below(rng, 2);
    bool blend = aglm_rng_below(rng, 2);

    if (isnan(a) || isnan(b))
        return isnan(a) ? b : a;
    if (d->kind == AGLM_DIST_CHOICE || !blend || a == b)
        return second ? b : a;
    return aglm_dist_from_unit(d, cross(aglm_dist_to_unit(d, a), aglm_dist_to_unit(d, b), rng));
}

static size_t count_active(const struct nsga2 *s, const double *x)
{
    size_t n = 0;

    for (size_t i = 0; i < s->space->n; i++)
        n += is_free(&s->space->params[i]) && !isnan(x[i]);
    return n;
}

/* Parameters in their order, so that conditions are known before what hangs on them. */
static void make_child(const struct nsga2 *s, const aglm_trial *const parent[2], aglm_rng *rng,
                       double *x)
{
    double chance = 1.0 / (double)(1 + count_active(s, parent[0]->x));

    for (size_t i = 0; i < s->space->n; i++) {
        const aglm_space_param *p = &s->space->params[i];
        x[i] = NAN;
        if (!aglm_space_active(s->space, x, i))
            continue;
        x[i] = is_free(p) ? inherit(s, i, parent, rng) : p->dist.low;
        if (isnan(x[i]))
            x[i] = aglm_space_draw(s->space, i, rng);
        else if (is_free(p) && aglm_rng_uniform(rng) < chance)
            x[i] = mutate(s, i, x[i], rng);
    }
}

/* The winner of a tournament of two: parents stand in the order of their worth. While trials are
 * few, only the best fifth of them takes part: children of chance points are chance points. */
static const aglm_trial *pick(const struct nsga2 *s, aglm_rng *rng)
{
    size_t fifth = 2 + aglm_history_count(s->history, AGLM_TRIAL_COMPLETE) / 5;
    size_t n = fifth < s->n_parents ? fifth : s->n_parents;
    size_t a = aglm_rng_below(rng, n);
    size_t b = aglm_rng_below(rng, n);

    return aglm_history_trial(s->history, s->parents[a < b ? a : b]);
}

static aglm_rc nsga2_ask(void *self, int64_t number, double *x, aglm_error *err)
{
    struct nsga2 *s = self;
    aglm_rng rng;

    aglm_rng_init_stream(&rng, s->seed, (uint64_t)number);
    if (aglm_history_count(s->history, AGLM_TRIAL_COMPLETE) < s->n_startup)
        return aglm_history_fresh(s->history, &rng, x);
    aglm_rc rc = find_parents(s, err);
    if (rc != AGLM_OK)
        return rc;
    for (int i = 0; i < ATTEMPTS; i++) {
        const aglm_trial *parent[2] = {pick(s, &rng), NULL};
        bool two = aglm_rng_uniform(&rng) < CROSSOVER;
        parent[1] = two ? pick(s, &rng) : parent[0];
        make_child(s, parent, &rng, x);
        if (!aglm_history_seen(s->history, x))
            return AGLM_OK;
    }
    return aglm_history_fresh(s->history, &rng, x);
}

const aglm_sampler_ops aglm_sampler_nsga2 = {
    .name = "nsga2",
    .several = true,
    .open = nsga2_open,
    .ask = nsga2_ask,
    .tell = nsga2_tell,
    .close = nsga2_close,
};
