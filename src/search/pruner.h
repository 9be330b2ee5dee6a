/* search/pruner.h - whether a trial should stop at a step.
 * Threads: a pruner is confined; the study that owns it locks. */
#ifndef AGLM_SEARCH_PRUNER_H
#define AGLM_SEARCH_PRUNER_H

#include <stdbool.h>
#include <stdint.h>

#include "autoglm/error.h"

typedef struct aglm_pruner_options {
    int64_t min_step; /* of the first rung, >= 1; default 1 */
    int64_t max_step; /* steps of a whole trial: at or past it nothing is pruned; 0: unknown */
    unsigned reduction_factor; /* eta >= 2: one in eta goes on from each rung; default 3 */
    /* trials with a number below this are never pruned (yet they count); default 0 */
    unsigned spared;
} aglm_pruner_options;

#define AGLM_PRUNER_DEFAULTS {.min_step = 1, .max_step = 0, .reduction_factor = 3, .spared = 0}

typedef struct aglm_pruner_ops {
    const char *name; /* never rename */
    aglm_rc (*open)(void **self, const aglm_pruner_options *options, aglm_error *err);
    /* Trial `number` has this loss (smaller is better) at `step`; steps of one trial come in
     * ascending order. Sets *prune to the decision. Called again in the order of the trials when a
     * study is resumed. */
    aglm_rc (*report)(void *self, int64_t number, int64_t step, double loss, bool *prune,
                      aglm_error *err);
    void (*close)(void *self);
} aglm_pruner_ops;

extern const aglm_pruner_ops aglm_pruner_none;
/* Asynchronous successive halving (Li et al. 2020, algorithm 2) in its stopping form: rung k stands
 * at min_step * eta^k; a trial that reaches it goes on when its loss is among the best floor(n /
 * eta) of the n losses seen there, itself included, or the very best while n < eta. NaN stops. */
extern const aglm_pruner_ops aglm_pruner_asha;

/* "none", "asha"; NULL when there is none of that name. */
const aglm_pruner_ops *aglm_pruner_find(const char *name);

#endif
