#include <math.h>
#include <stdlib.h>

#include "search/pruner.h"

struct patient {
    const aglm_history *history;
    aglm_pruner_options options;
    void *wrapped; /* the state of options.wrapped */
};

static aglm_rc patient_open(void **self, const aglm_history *history,
                            const aglm_pruner_options *options, aglm_error *err)
{
    *self = NULL;
    if (!(options->min_delta >= 0.0))
        return aglm_error_set(err, AGLM_INVALID, "patient: min_delta %g must not be negative",
                              options->min_delta);
    if (options->wrapped == &aglm_pruner_patient)
        return aglm_error_set(err, AGLM_INVALID, "patient: wraps itself; give another pruner");
    struct patient *p = calloc(1, sizeof *p);
    if (!p)
        return aglm_error_set(err, AGLM_NOMEM, "out of memory for a pruner");
    p->history = history;
    p->options = *options;
    aglm_rc rc = AGLM_OK;
    if (options->wrapped)
        rc = options->wrapped->open(&p->wrapped, history, options, err);
    if (rc != AGLM_OK) {
        free(p);
        return rc;
    }
    *self = p;
    return AGLM_OK;
}

static void patient_close(void *self)
{
    struct patient *p = self;

    if (p->options.wrapped)
        p->options.wrapped->close(p->wrapped);
    free(p);
}

/* Of the reports first..end - 1; NaN when all are. */
static double least(const aglm_trial *t, double sign, size_t first, size_t end)
{
    double loss = NAN;

    for (size_t i = first; i < end; i++)
        loss = fmin(loss, sign * t->steps[i].value);
    return loss;
}

/* The reports up to this step decide, so that a replay decides as the run did. */
static size_t count_until(const aglm_trial *t, int64_t step)
{
    size_t n = t->n_steps;

    while (n > 0 && t->steps[n - 1].step > step)
        n--;
    return n;
}

static aglm_rc patient_report(void *self, int64_t number, int64_t step, double loss, bool *prune,
                              aglm_error *err)
{
    const struct patient *p = self;
    const aglm_trial *t = aglm_history_trial(p->history, (size_t)number);
    double sign = aglm_history_sign(p->history);
    size_t n = count_until(t, step);
    size_t recent = (size_t)p->options.patience + 1;

    *prune = false;
    if (n <= recent)
        return AGLM_OK;
    double before = least(t, sign, 0, n - recent);
    double after = least(t, sign, n - recent, n);
    if (!(before + p->options.min_delta < after))
        return AGLM_OK;
    *prune = true;
    if (p->options.wrapped)
        return p->options.wrapped->report(p->wrapped, number, step, loss, prune, err);
    return AGLM_OK;
}

const aglm_pruner_ops aglm_pruner_patient = {
    .name = "patient",
    .replays = true,
    .open = patient_open,
    .report = patient_report,
    .close = patient_close,
};
