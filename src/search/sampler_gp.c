#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "num/stats.h"
#include "search/gp_axes.h"
#include "search/gp_model.h"
#include "search/gp_proposal.h"
#include "search/gp_warp.h"
#include "search/sampler.h"

#define MOST_OBSERVED 300 /* trials of the model: the best half and the newest of more */
#define MOST_PENDING 64   /* running and waiting ones */
#define COARSE 128        /* observations of the first fit */
#define COARSE_CALLS 30
#define FINE_CALLS 6
#define BEND_CALLS 15
#define BEND_FROM 15 /* observations; fewer hardly ever say that numbers should be bent */
#define FEW 64       /* observations that settle on a warp at once */
#define MILD_WARP 1  /* of the first fit to more */
#define LEAST_OBSERVED 3
#define LIMIT_CALLS 30 /* of the fit to violations */
#define MOST_STARTS 5  /* more leave too little of 25 trials, fewer mislead the first fits */

struct observed {
    double loss;
    size_t number;
};

struct gp_sampler {
    const aglm_history *history;
    aglm_sampler_options options;
    uint64_t seed;
    aglm_gp_axes axes;
    bool *is_choice; /* [axes.n] */
    aglm_gp *gp;
    double *loss;       /* [gp->cap] of the model's observations */
    size_t *number;     /* [gp->cap] their trials */
    aglm_gp *violation; /* of the constraints; its points are those of gp that were told one */
    double limit;       /* a violation of 0, as violation->y */
    double *u;          /* [axes.n] */
    size_t fitted;      /* complete trials that theta was found from */
    unsigned warp, warps;
};

static void gp_close(void *self)
{
    struct gp_sampler *s = self;

    aglm_gp_axes_clear(&s->axes);
    aglm_gp_free(s->gp);
    aglm_gp_free(s->violation);
    free(s->is_choice);
    free(s->loss);
    free(s->number);
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

/* Room for n points. */
static aglm_rc reserve(struct gp_sampler *s, size_t n, aglm_error *err)
{
    aglm_gp *gp;

    if (s->gp && n <= s->gp->cap)
        return AGLM_OK;
    aglm_rc rc = aglm_gp_new(&gp, s->axes.n, s->is_choice, n + n / 2, err);
    if (rc != AGLM_OK)
        return rc;
    aglm_gp_free(s->gp);
    aglm_gp_free(s->violation);
    free(s->loss);
    free(s->number);
    s->gp = gp;
    s->violation = NULL;
    s->loss = aglm_calloc(gp->cap, sizeof *s->loss);
    s->number = aglm_calloc(gp->cap, sizeof *s->number);
    if (s->loss && s->number)
        return AGLM_OK;
    aglm_gp_free(s->gp); /* the next ask tries again */
    s->gp = NULL;
    return aglm_error_set(err, AGLM_NOMEM, "out of memory for a sampler");
}

static int by_loss(const void *a, const void *b)
{
    const struct observed *x = a;
    const struct observed *y = b;

    if (x->loss != y->loss)
        return x->loss < y->loss ? -1 : 1;
    return (x->number > y->number) - (x->number < y->number);
}

static int by_age(const void *a, const void *b)
{
    const struct observed *x = a;
    const struct observed *y = b;

    return (x->number < y->number) - (x->number > y->number);
}

/* Finished trials by loss, the best first. What failed or was stopped counts as the worst of the
 * others; what lies outside the constraints by its loss, as they have a model of their own. */
static size_t list_observed(const struct gp_sampler *s, struct observed *list)
{
    double worst = -INFINITY;
    size_t n = 0;

    for (size_t i = 0; i < aglm_history_size(s->history); i++) {
        const aglm_trial *t = aglm_history_trial(s->history, i);
        bool good = t->state == AGLM_TRIAL_COMPLETE && !isnan(t->loss);
        if (!aglm_trial_finished(t) || aglm_space_check(s->axes.space, t->x, NULL) != AGLM_OK)
            continue;
        if (good && isfinite(t->loss) && t->loss > worst)
            worst = t->loss;
        list[n++] = (struct observed){.loss = good ? t->loss : NAN, .number = i};
    }
    for (size_t i = 0; i < n; i++)
        list[i].loss = isnan(list[i].loss) ? worst : list[i].loss;
    qsort(list, n, sizeof *list, by_loss);
    if (n > MOST_OBSERVED) {
        qsort(list + MOST_OBSERVED / 2, n - MOST_OBSERVED / 2, sizeof *list, by_age);
        n = MOST_OBSERVED;
        qsort(list, n, sizeof *list, by_loss);
    }
    return n;
}

static void observe(struct gp_sampler *s, const struct observed *o)
{
    aglm_gp_axes_encode(&s->axes, aglm_history_trial(s->history, o->number)->x, s->u);
    s->loss[s->gp->n] = o->loss;
    s->number[s->gp->n] = o->number;
    aglm_gp_add_point(s->gp, s->u);
    s->gp->n = s->gp->n_all;
}

/* The first COARSE observations are the better ones and an even selection of the others. */
static void observe_all(struct gp_sampler *s, const struct observed *list, size_t n)
{
    size_t step = n <= COARSE ? 1 : (n - COARSE / 2 - 1) / (COARSE / 2) + 1;

    aglm_gp_clear_points(s->gp);
    for (int pass = 0; pass < 2; pass++) {
        for (size_t i = 0; i < n; i++) {
            bool first = i < COARSE / 2 || (i - COARSE / 2) % step == 0;
            if (first == (pass == 0))
                observe(s, &list[i]);
        }
    }
}

static aglm_rc load(struct gp_sampler *s, aglm_error *err)
{
    size_t size = aglm_history_size(s->history);
    size_t room = size < MOST_OBSERVED ? size : MOST_OBSERVED;
    struct observed *list = aglm_calloc(size, sizeof *list);
    aglm_rc rc = list ? reserve(s, room + MOST_PENDING, err)
                      : aglm_error_set(err, AGLM_NOMEM, "out of memory for %zu trials", size);

    if (rc == AGLM_OK)
        observe_all(s, list, list_observed(s, list));
    free(list);
    return rc;
}

/* Theta for the first n observations, and first a warp for them under theta as it is; the first fit
 * says whether numbers are bent. */
static aglm_rc fit(struct gp_sampler *s, size_t n, bool first, bool choose_warp, aglm_error *err)
{
    size_t all = s->gp->n;
    double straight;

    s->gp->n = n;
    s->gp->n_all = n;
    aglm_rc rc = aglm_gp_condition(s->gp, err);
    if (rc == AGLM_OK && choose_warp)
        s->warp = aglm_gp_warp_choose(s->gp, s->loss, s->warps);
    else
        (void)aglm_gp_warp(s->loss, n, s->warp, s->gp->y);
    if (rc == AGLM_OK)
        rc = aglm_gp_fit(s->gp, first ? COARSE_CALLS : FINE_CALLS, &straight, err);
    if (rc == AGLM_OK && first && n >= BEND_FROM)
        rc = aglm_gp_fit_bends(s->gp, BEND_CALLS, straight, err);
    s->gp->n = all;
    s->gp->n_all = all;
    return rc;
}

/* The model is a function of the trials alone, whatever was asked before: theta is found from its
 * default on a part of the observations, then a little further on all of them. Theta and warp
 * confirm each other; of many observations a mild warp is the better beginning, as a strong one
 * makes a cusp of a smooth minimum. */
static aglm_rc prepare(struct gp_sampler *s, aglm_error *err)
{
    aglm_rc rc = load(s, err);

    if (rc != AGLM_OK)
        return rc;
    size_t n = s->gp->n;
    aglm_gp_reset(s->gp);
    s->warp = MILD_WARP;
    s->warps = aglm_history_is_steep(s->history) ? AGLM_GP_STEEP_WARPS : AGLM_GP_WARPS;
    rc = fit(s, n < COARSE ? n : COARSE, true, n <= FEW, err);
    if (rc == AGLM_OK)
        rc = fit(s, n, false, true, err);
    if (rc != AGLM_OK)
        return rc;
    for (size_t i = aglm_history_size(s->history); i-- > 0 && s->gp->n_all < n + MOST_PENDING;) {
        const aglm_trial *t = aglm_history_trial(s->history, i);
        if (aglm_trial_finished(t) || aglm_space_check(s->axes.space, t->x, NULL) != AGLM_OK)
            continue;
        aglm_gp_axes_encode(&s->axes, t->x, s->u);
        aglm_gp_add_point(s->gp, s->u);
    }
    return aglm_gp_condition(s->gp, err);
}

static double violation_of(const struct gp_sampler *s, size_t point)
{
    return aglm_history_trial(s->history, s->number[point])->violation;
}

static bool any_violated(const struct gp_sampler *s)
{
    for (size_t i = 0; i < s->gp->n; i++) {
        if (violation_of(s, i) > 0.0)
            return true;
    }
    return false;
}

/* Observes the violations, standardised: limit is what 0 becomes. */
static void observe_violations(struct gp_sampler *s, aglm_gp *gp)
{
    aglm_gp_clear_points(gp);
    for (size_t i = 0; i < s->gp->n; i++) {
        double v = violation_of(s, i);
        if (!isfinite(v))
            continue;
        aglm_gp_point(s->gp, i, s->u);
        gp->y[gp->n_all] = v;
        aglm_gp_add_point(gp, s->u);
    }
    gp->n = gp->n_all;
    double mean = aglm_mean(gp->y, gp->n);
    double deviation = sqrt(aglm_variance(gp->y, gp->n));
    deviation = deviation > 0.0 ? deviation : 1.0;
    for (size_t i = 0; i < gp->n; i++)
        gp->y[i] = (gp->y[i] - mean) / deviation;
    s->limit = -mean / deviation;
}

/* *model: NULL while all constraints hold everywhere. */
static aglm_rc prepare_violation(struct gp_sampler *s, aglm_gp **model, aglm_error *err)
{
    aglm_rc rc = AGLM_OK;

    *model = NULL;
    if (!any_violated(s))
        return AGLM_OK;
    if (!s->violation)
        rc = aglm_gp_new(&s->violation, s->axes.n, s->is_choice, s->gp->cap, err);
    if (rc != AGLM_OK)
        return rc;
    observe_violations(s, s->violation);
    if (s->violation->n < 2)
        return AGLM_OK;
    aglm_gp_reset(s->violation);
    rc = aglm_gp_fit(s->violation, LIMIT_CALLS, NULL, err);
    if (rc == AGLM_OK)
        rc = aglm_gp_condition(s->violation, err);
    *model = s->violation;
    return rc;
}

/* The least mean at an observation within the constraints: K alpha = y - noise alpha. NaN: there is
 * none. */
static double least_mean(const struct gp_sampler *s)
{
    const aglm_gp *gp = s->gp;
    double least = NAN;

    for (size_t i = 0; i < gp->n; i++) {
        double mean = gp->y[i] - gp->noise * gp->alpha[i];
        if (!(violation_of(s, i) > 0.0) && !(mean >= least))
            least = mean;
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
    size_t starts = s->options.n_startup < MOST_STARTS ? s->options.n_startup : MOST_STARTS;
    if (complete < starts || complete < LEAST_OBSERVED || s->axes.n == 0)
        return start_point(s, number, &rng, x);
    aglm_rc rc = prepare(s, err);
    if (rc != AGLM_OK)
        return rc;
    aglm_gp_question q = {
        .gp = s->gp, .axes = &s->axes, .history = s->history, .best = least_mean(s)};
    rc = prepare_violation(s, &q.violation, err);
    q.limit = s->limit;
    return rc == AGLM_OK ? aglm_gp_propose(&q, &rng, x, err) : rc;
}

const aglm_sampler_ops aglm_sampler_gp = {
    .name = "gp",
    .open = gp_open,
    .ask = gp_ask,
    .close = gp_close,
};
