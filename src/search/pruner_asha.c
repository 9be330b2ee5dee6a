#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "search/pruner.h"
#include "search/rung.h"

struct asha {
    aglm_pruner_options options;
    int64_t step[AGLM_RUNG_MAX];
    aglm_rung rungs[AGLM_RUNG_MAX];
    unsigned n_rungs;
    uint8_t *reached; /* [trial] rungs it has reached */
    size_t reached_cap;
};

static void asha_close(void *self)
{
    struct asha *a = self;

    for (unsigned k = 0; k < a->n_rungs; k++)
        free(a->rungs[k].losses);
    free(a->reached);
    free(a);
}

static aglm_rc asha_open(void **self, const aglm_history *history,
                         const aglm_pruner_options *options, aglm_error *err)
{
    (void)history;
    *self = NULL;
    if (options->min_step < 0)
        return aglm_error_set(err, AGLM_INVALID, "asha: min_step %lld must be at least 1",
                              (long long)options->min_step);
    if (options->reduction_factor == 1)
        return aglm_error_set(err, AGLM_INVALID, "asha: reduction_factor 1 must be at least 2");
    struct asha *a = calloc(1, sizeof *a);
    if (!a)
        return aglm_error_set(err, AGLM_NOMEM, "out of memory for a pruner");
    a->options = *options;
    if (options->reduction_factor == 0)
        a->options.reduction_factor = 3;
    int64_t step = options->min_step > 0 ? options->min_step : 1;
    int64_t last = options->max_step > 0 ? options->max_step - 1 : INT64_MAX;
    while (a->n_rungs < AGLM_RUNG_MAX && step <= last) {
        a->step[a->n_rungs++] = step;
        if (step > INT64_MAX / a->options.reduction_factor)
            break;
        step *= a->options.reduction_factor;
    }
    *self = a;
    return AGLM_OK;
}

static aglm_rc asha_report(void *self, int64_t number, int64_t step, double loss, bool *prune,
                           aglm_error *err)
{
    struct asha *a = self;
    size_t known = a->reached_cap;
    aglm_rc rc = aglm_grow(&a->reached, &a->reached_cap, (size_t)number + 1, sizeof *a->reached,
                           AGLM_RUNG_MAX_TRIALS);

    if (rc != AGLM_OK)
        return aglm_error_set(err, rc, "asha, trial %lld: %s", (long long)number, aglm_rc_text(rc));
    if (a->reached_cap > known)
        memset(a->reached + known, 0, a->reached_cap - known);
    *prune = isnan(loss) && a->n_rungs > 0;
    for (uint8_t *k = &a->reached[number]; !isnan(loss) && *k < a->n_rungs && step >= a->step[*k];
         ++*k) {
        bool good;
        rc = aglm_rung_enter(&a->rungs[*k], loss, a->options.reduction_factor, &good);
        if (rc != AGLM_OK)
            return aglm_error_set(err, rc, "asha, trial %lld: %s", (long long)number,
                                  aglm_rc_text(rc));
        *prune = *prune || !good;
    }
    if (number < (int64_t)a->options.spared ||
        (a->options.max_step > 0 && step >= a->options.max_step))
        *prune = false;
    return AGLM_OK;
}

const aglm_pruner_ops aglm_pruner_asha = {
    .name = "asha",
    .replays = true,
    .open = asha_open,
    .report = asha_report,
    .close = asha_close,
};
