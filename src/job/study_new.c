#include <unistd.h>

#include "job/sampler_program.h"
#include "search/study.h"

#define MAX_LIMIT_S 1e9

/* A library has no `strategy` command: the program beside it runs shared objects. */
static aglm_rc set_outside(aglm_sampler_outside *o, const aglm_study_config *c, aglm_error *err)
{
    double s = c->strategy_timeout_s;

    if (!(s >= 0.0) || s > MAX_LIMIT_S)
        return aglm_error_set(err, AGLM_INVALID, "strategy_timeout_s must be from 0 to %g",
                              MAX_LIMIT_S);
    *o = (aglm_sampler_outside){
        .ops = &aglm_sampler_program,
        .env = (const char *const *)environ,
        .host = c->strategy_host ? c->strategy_host : "autoglm",
        .limit_ns = s > 0.0 ? (uint64_t)(s * 1e9) : AGLM_STRATEGY_LIMIT_NS,
    };
    return AGLM_OK;
}

aglm_rc aglm_study_new(aglm_study **out, const aglm_study_config *c, aglm_error *err)
{
    aglm_sampler_outside outside;

    *out = NULL;
    aglm_rc rc = set_outside(&outside, c, err);
    return rc == AGLM_OK ? aglm_study_new_with(out, c, &outside, err) : rc;
}

aglm_rc aglm_study_define(aglm_study **out, const aglm_study_config *c,
                          aglm_define_objective objective, void *arg,
                          const aglm_study_limits *limits, aglm_error *err)
{
    aglm_sampler_outside outside;
    const aglm_define_call call = {objective, arg, limits, &outside};

    *out = NULL;
    aglm_rc rc = set_outside(&outside, c, err);
    return rc == AGLM_OK ? aglm_study_define_with(out, c, &call, err) : rc;
}
