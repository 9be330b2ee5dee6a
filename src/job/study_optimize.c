#include <math.h>
#include <stdio.h>

#include "job/optimize.h"

#define DEFAULT_TRIALS 100
#define MAX_TIMEOUT_S 1e9

struct callback {
    aglm_study_objective objective;
    void *arg;
};

static aglm_rc call(void *arg, const aglm_attempt *a, aglm_verdict *out, aglm_error *err)
{
    const struct callback *c = arg;
    aglm_rc rc;

    (void)err;
    out->n_values = aglm_study_objectives(a->study);
    for (size_t i = 0; i < out->n_values; i++)
        out->values[i] = NAN;
    rc = c->objective(c->arg, a->study, a->number, a->x, out->values);
    out->state = rc == AGLM_OK       ? AGLM_TRIAL_COMPLETE
                 : rc == AGLM_PRUNED ? AGLM_TRIAL_PRUNED
                                     : AGLM_TRIAL_FAIL;
    if (out->state == AGLM_TRIAL_FAIL)
        snprintf(out->reason, sizeof out->reason, "the objective failed: %s", aglm_rc_text(rc));
    return AGLM_OK;
}

aglm_rc aglm_study_optimize(aglm_study *s, aglm_study_objective objective, void *arg,
                            const aglm_study_limits *limits, aglm_error *err)
{
    const aglm_study_limits standard = {.trials = DEFAULT_TRIALS};
    const aglm_study_limits *l = limits ? limits : &standard;
    struct callback c = {objective, arg};
    aglm_optimize_result result;

    if (l->trials < 0 || !(l->timeout_s >= 0.0) || l->timeout_s > MAX_TIMEOUT_S)
        return aglm_error_set(err, AGLM_INVALID, "trials and timeout_s must not be below zero");
    if (l->regret != 0.0 && aglm_study_objectives(s) > 1)
        return aglm_error_set(err, AGLM_INVALID, "regret: of one objective only");
    const aglm_optimize_options o = {
        .study = s,
        .space = aglm_study_space(s),
        .objective = call,
        .arg = &c,
        .maximize = aglm_study_direction(s) == AGLM_MAXIMIZE,
        .trials = l->trials,
        .jobs = l->jobs ? l->jobs : 1,
        .retries = l->retries,
        .stagnation = l->stagnation,
        .regret = l->regret,
        .target = NAN,
        .deadline_ns = l->timeout_s > 0.0 ? aglm_clock_ns() + (uint64_t)(l->timeout_s * 1e9) : 0,
    };
    return aglm_optimize(&o, &result, err);
}
