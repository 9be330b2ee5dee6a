/* search/pruner.h - whether a trial should stop at a step.
 * Threads: a pruner is confined; the study that owns it locks. */
#ifndef AGLM_SEARCH_PRUNER_H
#define AGLM_SEARCH_PRUNER_H

#include "search/history.h"

struct aglm_pruner_ops;

/* Each pruner reads its own part; what AGLM_PRUNER_DEFAULTS sets is Optuna 5's where Optuna has it.
 * Steps are counted as they are told. */
typedef struct aglm_pruner_options {
    /* Rungs: asha, successive-halving, hyperband. */
    int64_t min_step; /* of the first rung, >= 1; 0: 1, but for successive-halving a hundredth of
                         the longest COMPLETE trial's last step, once there is one */
    int64_t max_step; /* steps of a whole trial. asha: at or past it nothing is pruned; 0: unknown.
                         hyperband: 0: one more than the longest COMPLETE trial's last step */
    unsigned reduction_factor; /* eta >= 2: one in eta goes on; 0: 3, for successive-halving 4 */
    unsigned spared; /* asha: trials with a number below this are never pruned (yet they count) */
    unsigned early_stopping_rate; /* successive-halving: rungs left out at the start */
    unsigned bootstrap_count; /* successive-halving, hyperband: the first so many at a rung stop */

    /* median, percentile, threshold */
    double percentile;         /* 0..100: a trial goes on when its best is among so many; 25 */
    unsigned n_startup_trials; /* COMPLETE trials before any is pruned; 5 */
    unsigned n_min_trials;     /* of them with a value at the step, >= 1; 1 */
    int64_t n_warmup_steps;    /* steps below this are not judged; 0 */
    int64_t interval_steps;    /* from there on one judgement in so many steps, >= 1; 1 */
    double lower, upper;       /* threshold, as told: outside of these a trial stops */

    /* patient */
    const struct aglm_pruner_ops *wrapped; /* asked once patience is at its end; NULL: stop then */
    unsigned patience;                     /* steps without a new best; 10 */
    double min_delta;                      /* a gain below this is none; 0 */

    /* wilcoxon */
    double p_threshold;       /* 0..1; 0.1 */
    unsigned n_startup_steps; /* instances in common before it judges; 2 */

    const char *study; /* hyperband: its name, borrowed until close; the study sets it */
} aglm_pruner_options;

#define AGLM_PRUNER_DEFAULTS                                                                       \
    {.percentile = 25.0,                                                                           \
     .n_startup_trials = 5,                                                                        \
     .n_min_trials = 1,                                                                            \
     .interval_steps = 1,                                                                          \
     .lower = -INFINITY,                                                                           \
     .upper = INFINITY,                                                                            \
     .patience = 10,                                                                               \
     .p_threshold = 0.1,                                                                           \
     .n_startup_steps = 2}

typedef struct aglm_pruner_ops {
    const char *name; /* never rename */
    bool replays; /* has a table of its own: a resumed study reports all again, trial by trial */
    /* The history is borrowed until close (asha does without: NULL). AGLM_INVALID names the option
     * at fault. */
    aglm_rc (*open)(void **self, const aglm_history *history, const aglm_pruner_options *options,
                    aglm_error *err);
    /* Trial `number` has this loss (smaller is better) at `step`, which the history has taken in;
     * steps of one trial come in ascending order. Sets *prune to the decision. */
    aglm_rc (*report)(void *self, int64_t number, int64_t step, double loss, bool *prune,
                      aglm_error *err);
    void (*close)(void *self);
} aglm_pruner_ops;

extern const aglm_pruner_ops aglm_pruner_none;
/* Asynchronous successive halving (Li et al. 2020, algorithm 2) in its stopping form: rung k stands
 * at min_step * eta^k; a trial that reaches it goes on when its loss is among the best floor(n /
 * eta) of the n losses seen there, itself included, or the very best while n < eta. NaN stops. */
extern const aglm_pruner_ops aglm_pruner_asha;
/* The same in Optuna's form (SuccessiveHalvingPruner): the first rung may be found from the trials,
 * a trial enters no further rung once it should stop, NaN stops at a rung only. */
extern const aglm_pruner_ops aglm_pruner_halving;
/* Brackets of successive halving that start one rung later each (Li et al. 2018), as Optuna has
 * them: a trial's bracket follows from the study's name and its number, so that workers of both
 * programs agree. */
extern const aglm_pruner_ops aglm_pruner_hyperband;
/* A trial stops when its best loss so far is above that percentile (the median) of the COMPLETE
 * trials' losses at the same step. Reads the COMPLETE trials at each report. */
extern const aglm_pruner_ops aglm_pruner_median;
extern const aglm_pruner_ops aglm_pruner_percentile;
/* A trial stops when a value leaves lower..upper or is NaN. */
extern const aglm_pruner_ops aglm_pruner_threshold;
/* A trial may stop when its last patience + 1 losses hold no new best. */
extern const aglm_pruner_ops aglm_pruner_patient;
/* Steps are instances (folds, data sets, seeds) in any order: a trial stops when the signed-rank
 * test finds it worse than the best trial on those that both have, and its mean is. */
extern const aglm_pruner_ops aglm_pruner_wilcoxon;

/* "none", "asha", "successive-halving", "hyperband", "median", "percentile", "threshold",
 * "patient", "wilcoxon"; NULL when there is none of that name. */
const aglm_pruner_ops *aglm_pruner_find(const char *name);
const aglm_pruner_ops *const *aglm_pruners(size_t *n);

#endif
