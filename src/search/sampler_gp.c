#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "search/gp_axes.h"
#include "search/gp_model.h"
#include "search/gp_proposal.h"
#include "search/gp_warp.h"
#include "search/sampler.h"

#define MOST_OBSERVED 300 /* trials of the model: the better and the newer half of more */
#define MOST_PENDING 64   /* running and waiting ones */
#define ALWAYS_FITTED 40  /* finished trials up to which theta is found anew each time */
#define FIT_CALLS 15
#define FIRST_FIT 3

struct gp_sampler {
    const aglm_history *history;
    aglm_sampler_options options;
    uint64_t seed;
    aglm_gp_axes axes;
    bool *is_choice; /* [axes.n] */
    aglm_gp *gp;
    double *loss;  /* [gp->cap] of the model's observations */
    double *u;     /* [axes.n] */
    size_t fitted; /* complete trials that theta was found from */
    unsigned warp;
};

static void gp_close(void *self)
{
    struct gp_sampler *s = self;

    aglm_gp_axes_clear(&s->axes);
    aglm_gp_free(s->gp);
    free(s->is_choice);
    free(s->loss);
    free(s->u);
    free(s);
}

static aglm_rc gp_open(void **self, const aglm_history *history,
                       const aglm_sampler_options *options, uint64_t seed, aglm_error *err)
{
    struct gp_sampler *s = calloc(1, sizeof *s);

    *self = NULL;
    if (!s)
        return aglm_error_set(err, AGLM_NOMEM, "out of memory for a sampler");
    s->history = history;
    s->options = *options;
    s->seed = seed;
    aglm_rc rc = aglm_gp_axes_init(&s->axes, aglm_history_space(history), err);
    if (rc == AGLM_OK) {
        s->is_choice = aglm_calloc(s->axes.n, sizeof *s->is_choice);
        s->u = aglm_calloc(s->axes.n, sizeof *s->u);
        if (!s->is_choice || !s->u)
            rc = aglm_error_set(err, AGLM_NOMEM, "out of memory for a sampler");
    }
    if (rc != AGLM_OK) {
        gp_close(s);
        return rc;
    }
    for (size_t i = 0; i < s->axes.n; i++)
        s->is_choice[i] = s->axes.axis[i].is_choice;
    *self = s;
    return AGLM_OK;
}

/* A model with room for n points, theta kept. */
static aglm_rc reserve(struct gp_sampler *s, size_t n, aglm_error *err)
{
    aglm_gp *gp;

    if (s->gp && n <= s->gp->cap)
        return AGLM_OK;
    double *loss = aglm_calloc(2 * n + 64, sizeof *loss);
    aglm_rc rc = loss ? aglm_gp_new(&gp, s->axes.n, s->is_choice, n + n / 2, err)
                      : aglm_error_set(err, AGLM_NOMEM, "out of memory for a sampler");
    if (rc != AGLM_OK) {
        free(loss);
        return rc;
    }
    if (s->gp)
        memcpy(gp->theta, s->gp->theta, (s->axes.n + 2) * sizeof *gp->theta);
    aglm_gp_free(s->gp);
    free(s->loss);
    s->gp = gp;
    s->loss = loss;
    return AGLM_OK;
}

static bool is_complete(const aglm_trial *t)
{
    return t->state == AGLM_TRIAL_COMPLETE && !isnan(t->loss);
}

/* Trials that stand for something bad: failed, stopped, or outside the constraints. */
static bool is_feasible(const aglm_trial *t)
{
    return is_complete(t) && !(t->violation > 0.0);
}

static bool is_usable(const struct gp_sampler *s, const aglm_trial *t)
{
    return aglm_space_check(s->axes.space, t->x, NULL) == AGLM_OK;
}

/* Number of the trial behind the first m complete ones. */
static size_t end_of(const struct gp_sampler *s, size_t m)
{
    size_t i = 0;

    for (; i < aglm_history_size(s->history) && m > 0; i++)
        m -= is_complete(aglm_history_trial(s->history, i));
    return i;
}

static int ascending(const void *a, const void *b)
{
    double x = *(const double *)a;
    double y = *(const double *)b;

    return (x > y) - (x < y);
}

/* The loss up to which trials before `end` are kept besides the newest MOST_OBSERVED / 2. */
static aglm_rc find_bar(const struct gp_sampler *s, size_t end, double *bar, size_t *newest,
                        aglm_error *err)
{
    size_t n = 0;

    *bar = INFINITY;
    *newest = 0;
    if (end <= MOST_OBSERVED)
        return AGLM_OK;
    *newest = end - MOST_OBSERVED / 2;
    double *sorted = aglm_calloc(end, sizeof *sorted);
    if (!sorted)
        return aglm_error_set(err, AGLM_NOMEM, "out of memory for a sampler");
    for (size_t i = 0; i < *newest; i++) {
        const aglm_trial *t = aglm_history_trial(s->history, i);
        if (is_feasible(t))
            sorted[n++] = t->loss;
    }
    qsort(sorted, n, sizeof *sorted, ascending);
    if (n > MOST_OBSERVED / 2)
        *bar = sorted[MOST_OBSERVED / 2 - 1];
    free(sorted);
    return AGLM_OK;
}

/* What is bad counts as the worst of the feasible ones; a stopped trial's own last value may be
 * better known to be between. */
static void impute(struct gp_sampler *s)
{
    double worst = -INFINITY;

    for (size_t i = 0; i < s->gp->n; i++)
        worst = isfinite(s->loss[i]) && s->loss[i] > worst ? s->loss[i] : worst;
    for (size_t i = 0; i < s->gp->n; i++)
        s->loss[i] = isnan(s->loss[i]) ? worst : s->loss[i];
}

/* Points and losses of the finished trials before `end`. */
static aglm_rc observe(struct gp_sampler *s, size_t end, aglm_error *err)
{
    double bar;
    size_t newest;
    size_t bad = 0;
    aglm_rc rc = find_bar(s, end, &bar, &newest, err);

    if (rc == AGLM_OK)
        rc = reserve(s, (end < MOST_OBSERVED ? end : MOST_OBSERVED) + MOST_PENDING, err);
    if (rc != AGLM_OK)
        return rc;
    aglm_gp_clear_points(s->gp);
    for (size_t i = 0; i < end && s->gp->n < MOST_OBSERVED; i++) {
        const aglm_trial *t = aglm_history_trial(s->history, i);
        bool good = is_feasible(t);
        if (!aglm_trial_finished(t) || !is_usable(s, t) || (i < newest && (!good || t->loss > bar)))
            continue;
        bad += !good;
        aglm_gp_axes_encode(&s->axes, t->x, s->u);
        s->loss[s->gp->n] = good ? t->loss : NAN;
        aglm_gp_add_point(s->gp, s->u);
        s->gp->n = s->gp->n_all;
    }
    if (bad > 0)
        impute(s);
    return AGLM_OK;
}

static size_t next_fit(size_t fitted)
{
    size_t step = fitted < ALWAYS_FITTED ? 1 : fitted / 16;

    return fitted < FIRST_FIT ? FIRST_FIT : fitted + step;
}

/* Theta and the warp from the first m complete trials, going on from the last ones. */
static aglm_rc fit(struct gp_sampler *s, size_t m, aglm_error *err)
{
    aglm_rc rc = observe(s, end_of(s, m), err);

    if (rc == AGLM_OK)
        rc = aglm_gp_condition(s->gp, err);
    if (rc != AGLM_OK)
        return rc;
    s->warp = aglm_gp_warp_choose(s->gp, s->loss);
    s->fitted = m;
    return aglm_gp_fit(s->gp, FIT_CALLS, NULL, err);
}

static aglm_rc prepare(struct gp_sampler *s, aglm_error *err)
{
    size_t complete = aglm_history_count(s->history, AGLM_TRIAL_COMPLETE);
    size_t size = aglm_history_size(s->history);
    aglm_rc rc = AGLM_OK;

    while (rc == AGLM_OK && next_fit(s->fitted) <= complete)
        rc = fit(s, next_fit(s->fitted), err);
    if (rc == AGLM_OK)
        rc = observe(s, size, err);
    if (rc != AGLM_OK)
        return rc;
    (void)aglm_gp_warp(s->loss, s->gp->n, s->warp, s->gp->y);
    for (size_t i = size; i-- > 0 && s->gp->n_all < s->gp->n + MOST_PENDING;) {
        const aglm_trial *t = aglm_history_trial(s->history, i);
        if (aglm_trial_finished(t) || !is_usable(s, t))
            continue;
        aglm_gp_axes_encode(&s->axes, t->x, s->u);
        aglm_gp_add_point(s->gp, s->u);
    }
    return aglm_gp_condition(s->gp, err);
}

/* The least mean at an observation: K alpha = y - noise alpha. */
static double least_mean(const aglm_gp *gp)
{
    double least = INFINITY;

    for (size_t i = 0; i < gp->n; i++) {
        double mean = gp->y[i] - gp->noise * gp->alpha[i];
        least = mean < least ? mean : least;
    }
    return least;
}

/* The middle first: what people choose as bounds has its best part there more often than not. */
static aglm_rc start_point(struct gp_sampler *s, int64_t number, aglm_rng *rng, double *x)
{
    if (number == 0) {
        aglm_space_sample(s->axes.space, rng, x);
        aglm_gp_axes_encode(&s->axes, x, s->u);
        for (size_t i = 0; i < s->axes.n; i++)
            s->u[i] = s->axes.axis[i].is_choice ? s->u[i] : 0.5;
        aglm_gp_axes_decode(&s->axes, s->u, x, rng, x);
        if (!aglm_history_seen(s->history, x))
            return AGLM_OK;
    }
    return aglm_history_fresh(s->history, rng, x);
}

static aglm_rc gp_ask(void *self, int64_t number, double *x, aglm_error *err)
{
    struct gp_sampler *s = self;
    size_t complete = aglm_history_count(s->history, AGLM_TRIAL_COMPLETE);
    aglm_rng rng;

    aglm_rng_init_stream(&rng, s->seed, (uint64_t)number);
    if (complete < s->options.n_startup || complete < FIRST_FIT || s->axes.n == 0)
        return start_point(s, number, &rng, x);
    aglm_rc rc = prepare(s, err);
    if (rc != AGLM_OK)
        return rc;
    aglm_gp_question q = {
        .gp = s->gp, .axes = &s->axes, .history = s->history, .best = least_mean(s->gp)};
    return aglm_gp_propose(&q, &rng, x, err);
}

const aglm_sampler_ops aglm_sampler_gp = {
    .name = "gp",
    .open = gp_open,
    .ask = gp_ask,
    .close = gp_close,
};
