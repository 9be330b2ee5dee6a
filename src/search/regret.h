/* search/regret.h - how much better than the best trial a point may still be, and how exact the
 * best trial's value is: what tells a search that it may stop.
 * Threads: pure functions. */
#ifndef AGLM_SEARCH_REGRET_H
#define AGLM_SEARCH_REGRET_H

#include "search/history.h"

#define AGLM_REGRET_LEAST 20                    /* complete trials, below which there is no bound */
#define AGLM_ATTR_SCORES "terminator:cv_scores" /* of a trial, a system attribute as in Optuna */

/* An upper bound on the remaining regret of one objective (Makarova et al. 2022, "Automatic
 * Termination for Hyperparameter Optimization", equation 3; rules of Optuna 5's
 * RegretBoundEvaluator): under a Gaussian process of the better half of the complete trials (20 to
 * 300 of them),
 *     min over trials of mean + b deviation  -  min over the space of mean - b deviation,
 *     b^2 = 2/5 log(d n^2 pi^2 / 0.6)
 * for n trials and d parameters of more than one value, in the objective's unit. The second minimum
 * is searched for, by 2048 points of the space and 2048 around the best of them. Trials that are
 * not complete, not feasible, infinite or outside of the space are left out. INFINITY below
 * AGLM_REGRET_LEAST trials, 0 where the space has one point. */
aglm_rc aglm_regret_bound(const aglm_space *space, const aglm_trial *trials, size_t n,
                          uint64_t seed, double *out, aglm_error *err);

/* The standard error of a value that is the mean of k cross-validation scores, found from them:
 * sqrt((1/k + 1/(k - 1)) var) (Nadeau and Bengio 2003 as in Makarova et al. 2022, section 4.2).
 * NaN when the trial has no AGLM_ATTR_SCORES of at least two numbers. */
double aglm_score_error(const aglm_trial *t);

#endif
