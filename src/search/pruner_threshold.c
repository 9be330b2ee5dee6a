#include <math.h>
#include <stdlib.h>

#include "search/pruner_steps.h"

struct threshold {
    const aglm_history *history;
    aglm_pruner_options options;
};

static aglm_rc threshold_open(void **self, const aglm_history *history,
                              const aglm_pruner_options *options, aglm_error *err)
{
    aglm_rc rc = aglm_pruner_check_steps(options, err);

    *self = NULL;
    if (rc != AGLM_OK)
        return rc;
    if (!(options->lower <= options->upper))
        return aglm_error_set(err, AGLM_INVALID, "threshold: lower %g must not be above upper %g",
                              options->lower, options->upper);
    if (isinf(options->lower) && isinf(options->upper))
        return aglm_error_set(err, AGLM_INVALID, "threshold: give lower or upper");
    struct threshold *p = malloc(sizeof *p);
    if (!p)
        return aglm_error_set(err, AGLM_NOMEM, "out of memory for a pruner");
    *p = (struct threshold){.history = history, .options = *options};
    *self = p;
    return AGLM_OK;
}

static aglm_rc threshold_report(void *self, int64_t number, int64_t step, double loss, bool *prune,
                                aglm_error *err)
{
    const struct threshold *p = self;
    const aglm_trial *t = aglm_history_trial(p->history, (size_t)number);
    double value = aglm_history_sign(p->history) * loss;

    (void)step;
    (void)err;
    *prune = aglm_pruner_judges(&p->options, t) &&
             !(value >= p->options.lower && value <= p->options.upper);
    return AGLM_OK;
}

const aglm_pruner_ops aglm_pruner_threshold = {
    .name = "threshold",
    .open = threshold_open,
    .report = threshold_report,
    .close = free,
};
