#include <math.h>
#include <stdlib.h>

#include "base/memory.h"
#include "num/signed_rank.h"
#include "search/pruner.h"

#define MAX_INSTANCES (1u << 26)

struct wilcoxon {
    const aglm_history *history;
    aglm_pruner_options options;
    double *difference; /* scratch */
    size_t cap;
};

static aglm_rc wilcoxon_open(void **self, const aglm_history *history,
                             const aglm_pruner_options *options, aglm_error *err)
{
    *self = NULL;
    if (!(options->p_threshold >= 0.0 && options->p_threshold <= 1.0))
        return aglm_error_set(err, AGLM_INVALID, "wilcoxon: p_threshold %g must be in 0..1",
                              options->p_threshold);
    struct wilcoxon *p = calloc(1, sizeof *p);
    if (!p)
        return aglm_error_set(err, AGLM_NOMEM, "out of memory for a pruner");
    p->history = history;
    p->options = *options;
    *self = p;
    return AGLM_OK;
}

static void wilcoxon_close(void *self)
{
    struct wilcoxon *p = self;

    free(p->difference);
    free(p);
}

/* NaN or infinite when any value is. */
static double mean_loss(const aglm_trial *t, double sign)
{
    double sum = 0.0;

    for (size_t i = 0; i < t->n_steps; i++)
        sum += sign * t->steps[i].value;
    return sum / (double)t->n_steps;
}

/* By how much t lies above the best trial on each instance they share. */
static aglm_rc compare(struct wilcoxon *p, const aglm_trial *t, const aglm_trial *best, size_t *n,
                       aglm_error *err)
{
    double sign = aglm_history_sign(p->history);
    aglm_rc rc = aglm_grow(&p->difference, &p->cap, t->n_steps, sizeof *p->difference,
                           MAX_INSTANCES);

    *n = 0;
    if (rc != AGLM_OK)
        return aglm_error_set(err, rc, "a pruner's instances: %s", aglm_rc_text(rc));
    for (size_t i = 0, j = 0; i < t->n_steps && j < best->n_steps;) {
        if (t->steps[i].step == best->steps[j].step)
            p->difference[(*n)++] = sign * (t->steps[i++].value - best->steps[j++].value);
        else if (t->steps[i].step < best->steps[j].step)
            i++;
        else
            j++;
    }
    return AGLM_OK;
}

static aglm_rc wilcoxon_report(void *self, int64_t number, int64_t step, double loss, bool *prune,
                               aglm_error *err)
{
    struct wilcoxon *p = self;
    const aglm_trial *t = aglm_history_trial(p->history, (size_t)number);
    const aglm_trial *best = aglm_history_best(p->history);
    double sign = aglm_history_sign(p->history);
    size_t n;
    double chance;

    (void)step;
    (void)loss;
    *prune = false;
    if (!best || best->n_steps == 0)
        return AGLM_OK;
    double mine = mean_loss(t, sign);
    double theirs = mean_loss(best, sign);
    if (!isfinite(mine) || !isfinite(theirs))
        return AGLM_OK;
    aglm_rc rc = compare(p, t, best, &n, err);
    if (rc != AGLM_OK || n < 2 || n < p->options.n_startup_steps)
        return rc;
    rc = aglm_signed_rank_greater(p->difference, n, &chance, err);
    *prune = rc == AGLM_OK && chance < p->options.p_threshold && mine > theirs;
    return rc;
}

const aglm_pruner_ops aglm_pruner_wilcoxon = {
    .name = "wilcoxon",
    .open = wilcoxon_open,
    .report = wilcoxon_report,
    .close = wilcoxon_close,
};
