/* search/pruner_steps.h - which steps of a trial pruners judge.
 * Threads: pure functions. */
#ifndef AGLM_SEARCH_PRUNER_STEPS_H
#define AGLM_SEARCH_PRUNER_STEPS_H

#include "search/pruner.h"

/* AGLM_INVALID: n_warmup_steps or interval_steps out of range. */
aglm_rc aglm_pruner_check_steps(const aglm_pruner_options *o, aglm_error *err);
/* Is the trial's last step at or past the warm-up, and its first in an interval of steps? */
bool aglm_pruner_judges(const aglm_pruner_options *o, const aglm_trial *t);
/* The trial's report at that step, NULL when it has none. */
const aglm_step_row *aglm_trial_step(const aglm_trial *t, int64_t step);

#endif
