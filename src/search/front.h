/* search/front.h - trials of several objectives compared with each other.
 * Threads: pure functions.
 *
 * signs: [m] 1 where an objective is minimised, -1 where it is maximised. */
#ifndef AGLM_SEARCH_FRONT_H
#define AGLM_SEARCH_FRONT_H

#include "search/history.h"

/* Is the trial COMPLETE with m values, and no constraint of it violated? */
bool aglm_trial_feasible(const aglm_trial *t, size_t m);
/* losses: [m] the values of a COMPLETE trial, turned so that smaller is better. */
void aglm_trial_losses(const aglm_trial *t, const double *signs, size_t m, double *losses);

/* on: [n] is trial i feasible, and dominated by no feasible one? Trials of equal values are on the
 * front together, as in Optuna's best_trials. One objective: the best ones. */
aglm_rc aglm_front_find(const aglm_trial *const *trials, size_t n, const double *signs, size_t m,
                        bool *on, aglm_error *err);

/* rank: [n] of COMPLETE trials of m values. Feasible ones by fronts (see aglm_pareto_ranks), behind
 * them the others by their total violation, equal ones together: the constrained domination of Deb
 * et al. 2002, section VI. */
aglm_rc aglm_front_ranks(const aglm_trial *const *trials, size_t n, const double *signs, size_t m,
                         uint32_t *rank, aglm_error *err);

#endif
