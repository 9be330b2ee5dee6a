#include <math.h>
#include <stdlib.h>

#include "base/memory.h"
#include "num/stats.h"
#include "search/pruner.h"
#include "search/pruner_steps.h"

#define MAX_TRIALS (1u << 26)

struct percentile {
    const aglm_history *history;
    aglm_pruner_options options;
    double *losses; /* scratch */
    size_t cap;
};

static aglm_rc open_at(void **self, const aglm_history *history, const aglm_pruner_options *options,
                       double percentile, aglm_error *err)
{
    *self = NULL;
    if (!(percentile >= 0.0 && percentile <= 100.0))
        return aglm_error_set(err, AGLM_INVALID, "percentile %g must be in 0..100", percentile);
    if (options->n_min_trials < 1)
        return aglm_error_set(err, AGLM_INVALID, "n_min_trials must be at least 1");
    aglm_rc rc = aglm_pruner_check_steps(options, err);
    if (rc != AGLM_OK)
        return rc;
    struct percentile *p = calloc(1, sizeof *p);
    if (!p)
        return aglm_error_set(err, AGLM_NOMEM, "out of memory for a pruner");
    p->history = history;
    p->options = *options;
    p->options.percentile = percentile;
    *self = p;
    return AGLM_OK;
}

static aglm_rc percentile_open(void **self, const aglm_history *history,
                               const aglm_pruner_options *options, aglm_error *err)
{
    return open_at(self, history, options, options->percentile, err);
}

static aglm_rc median_open(void **self, const aglm_history *history,
                           const aglm_pruner_options *options, aglm_error *err)
{
    return open_at(self, history, options, 50.0, err);
}

static void percentile_close(void *self)
{
    struct percentile *p = self;

    free(p->losses);
    free(p);
}

/* The COMPLETE trials' losses at the step, NaN left out; *seen counts those too. */
static aglm_rc collect(struct percentile *p, int64_t step, size_t *n, size_t *seen, aglm_error *err)
{
    double sign = aglm_history_sign(p->history);
    aglm_rc rc = aglm_grow(&p->losses, &p->cap, aglm_history_count(p->history, AGLM_TRIAL_COMPLETE),
                           sizeof *p->losses, MAX_TRIALS);

    *n = *seen = 0;
    if (rc != AGLM_OK)
        return aglm_error_set(err, rc, "a pruner's percentile: %s", aglm_rc_text(rc));
    for (size_t i = 0; i < aglm_history_size(p->history); i++) {
        const aglm_trial *t = aglm_history_trial(p->history, i);
        const aglm_step_row *at = t->state == AGLM_TRIAL_COMPLETE ? aglm_trial_step(t, step) : NULL;
        *seen += at != NULL;
        if (at && !isnan(at->value))
            p->losses[(*n)++] = sign * at->value;
    }
    return AGLM_OK;
}

/* The least loss of the trial; NaN when all are. */
static double best_loss(const aglm_trial *t, double sign)
{
    double best = NAN;

    for (size_t i = 0; i < t->n_steps; i++)
        best = fmin(best, sign * t->steps[i].value);
    return best;
}

/* Linear between neighbours, from the nearer one as numpy rounds it (of values as told: the middle
 * counts to the upper one of those). Beside an infinity a number itself stays what it is. */
static double quantile(const double *ascending, size_t n, double q, double sign)
{
    double at = q * (double)(n - 1);
    size_t i = (size_t)at;
    double part = at - (double)i;

    if (part == 0.0 || i + 1 >= n)
        return ascending[i];
    double gap = ascending[i + 1] - ascending[i];
    if (part > 0.5 || (part == 0.5 && sign > 0.0))
        return ascending[i + 1] - gap * (1.0 - part);
    return ascending[i] + gap * part;
}

static aglm_rc percentile_report(void *self, int64_t number, int64_t step, double loss, bool *prune,
                                 aglm_error *err)
{
    struct percentile *p = self;
    const aglm_trial *t = aglm_history_trial(p->history, (size_t)number);
    size_t complete = aglm_history_count(p->history, AGLM_TRIAL_COMPLETE);
    size_t n;
    size_t seen;

    (void)loss;
    *prune = false;
    if (complete == 0 || complete < p->options.n_startup_trials ||
        !aglm_pruner_judges(&p->options, t))
        return AGLM_OK;
    double sign = aglm_history_sign(p->history);
    double best = best_loss(t, sign);
    *prune = isnan(best);
    if (*prune)
        return AGLM_OK;
    aglm_rc rc = collect(p, step, &n, &seen, err);
    if (rc != AGLM_OK || n == 0 || seen < p->options.n_min_trials)
        return rc;
    aglm_sort_doubles(p->losses, n);
    *prune = best > quantile(p->losses, n, p->options.percentile / 100.0, sign);
    return AGLM_OK;
}

const aglm_pruner_ops aglm_pruner_percentile = {
    .name = "percentile",
    .open = percentile_open,
    .report = percentile_report,
    .close = percentile_close,
};

const aglm_pruner_ops aglm_pruner_median = {
    .name = "median",
    .open = median_open,
    .report = percentile_report,
    .close = percentile_close,
};
