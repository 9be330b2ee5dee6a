/* tune/tuner_priv.h - the GLM tuner's parts: tuner.c holds what is found, tuner_search.c finds it.
 * Threads: as autoglm/tuner.h. */
#ifndef AGLM_TUNE_TUNER_PRIV_H
#define AGLM_TUNE_TUNER_PRIV_H

#include "autoglm/tuner.h"
#include "eval/metric.h"
#include "learn/learner.h"
#include "lm/hidden.h"
#include "search/space.h"
#include "tune/bundle.h"

/* The head's parameters, each with its place in the space that is searched. */
typedef struct aglm_tuner_plan {
    aglm_space *space;
    aglm_hparam params[AGLM_HPARAM_MAX];
    int at[AGLM_HPARAM_MAX]; /* -1: not searched, has its start */
    size_t n;
} aglm_tuner_plan;

struct aglm_tuner {
    char *model, *space, *sampler;
    aglm_tuner_plan plan;
    aglm_hidden *hidden; /* of the last fit: texts stay read */
    size_t max_tokens;

    aglm_bundle bundle; /* empty before a fit */
    aglm_bundle_predictor *predictor;
    aglm_tuner_result result;
    aglm_metric metric;
    uint64_t seed;
    char *study_json; /* the trials, for the bundle */
};

/* AGLM_INVALID names a parameter or value that the head has not. */
aglm_rc aglm_tuner_plan_init(aglm_tuner_plan *p, const char *space, aglm_error *err);
void aglm_tuner_plan_clear(aglm_tuner_plan *p);
/* The learner's values at a point. */
void aglm_tuner_plan_values(const aglm_tuner_plan *p, const double *x, double *values);
/* The usual values as a point of the space, where it has them. */
void aglm_tuner_plan_start(const aglm_tuner_plan *p, double *x);

/* Fills bundle and result of an emptied tuner whose model is open. */
aglm_rc aglm_tuner_search(aglm_tuner *t, const aglm_tuner_data *data, const aglm_tuner_options *o,
                          aglm_error *err);

#endif
