/* tune/learners.h - all learners there are.
 * Threads: a constant table. */
#ifndef AGLM_TUNE_LEARNERS_H
#define AGLM_TUNE_LEARNERS_H

#include "learn/learner.h"

/* In their fixed order; *n gets their number. */
const aglm_learner_ops *const *aglm_learners(size_t *n);
/* NULL when there is none of that name. */
const aglm_learner_ops *aglm_learner_find(const char *name);

#endif
