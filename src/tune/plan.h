/* tune/plan.h - the joint conditional space of all learners that fit the task, and the points that
 * are tried first. Threads: immutable once made. */
#ifndef AGLM_TUNE_PLAN_H
#define AGLM_TUNE_PLAN_H

#include "search/space.h"
#include "tune/candidate.h"

#define AGLM_PLAN_MAX_LEARNERS 8

/* Parameter 0 is the choice "learner"; those of learner L follow as "L.name", active only under it.
 */
typedef struct aglm_plan {
    aglm_space *space;
    const aglm_learner_ops *learners[AGLM_PLAN_MAX_LEARNERS];
    aglm_hparam params[AGLM_PLAN_MAX_LEARNERS][AGLM_HPARAM_MAX];
    size_t n_params[AGLM_PLAN_MAX_LEARNERS];
    size_t first[AGLM_PLAN_MAX_LEARNERS]; /* of its parameters in the space */
    size_t n_learners;
} aglm_plan;

/* only: names of learners separated by commas, NULL for all. AGLM_INVALID names one that is not
 * there. */
aglm_rc aglm_plan_init(aglm_plan *p, const aglm_data_shape *shape, const char *only,
                       aglm_error *err);
void aglm_plan_clear(aglm_plan *p);

aglm_data_shape aglm_plan_shape(const aglm_dataset *d);

/* Start point i (every learner's defaults first, then variations known to do well); false past the
 * last. x: [space->n]. */
bool aglm_plan_start(const aglm_plan *p, size_t i, double *x);

/* The candidate of point x; trial `number` has its own seed. */
aglm_candidate aglm_plan_candidate(const aglm_plan *p, const double *x, uint64_t seed,
                                   int64_t number);

#endif
