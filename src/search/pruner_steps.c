#include "search/pruner_steps.h"

aglm_rc aglm_pruner_check_steps(const aglm_pruner_options *o, aglm_error *err)
{
    if (o->n_warmup_steps < 0)
        return aglm_error_set(err, AGLM_INVALID, "n_warmup_steps %lld must not be negative",
                              (long long)o->n_warmup_steps);
    if (o->interval_steps < 1)
        return aglm_error_set(err, AGLM_INVALID, "interval_steps %lld must be at least 1",
                              (long long)o->interval_steps);
    return AGLM_OK;
}

bool aglm_pruner_judges(const aglm_pruner_options *o, const aglm_trial *t)
{
    if (t->n_steps == 0 || t->steps[t->n_steps - 1].step < o->n_warmup_steps)
        return false;
    int64_t since = t->steps[t->n_steps - 1].step - o->n_warmup_steps;
    int64_t interval_start = since / o->interval_steps * o->interval_steps + o->n_warmup_steps;
    return t->n_steps < 2 || t->steps[t->n_steps - 2].step < interval_start;
}

const aglm_step_row *aglm_trial_step(const aglm_trial *t, int64_t step)
{
    size_t low = 0;
    size_t high = t->n_steps;

    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (t->steps[middle].step < step)
            low = middle + 1;
        else
            high = middle;
    }
    return low < t->n_steps && t->steps[low].step == step ? &t->steps[low] : NULL;
}
