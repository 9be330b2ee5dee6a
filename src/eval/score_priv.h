/* eval/score_priv.h - what score.c and regression.c share; not for other rooms.
 * Threads: pure functions. */
#ifndef AGLM_EVAL_SCORE_PRIV_H
#define AGLM_EVAL_SCORE_PRIV_H

#include "eval/score.h"

/* Nearest-rank percentiles of n resample values, which are sorted. */
aglm_interval aglm_score_percentiles(double *v, unsigned n);

/* NaN for a metric of classes; R2 of numbers that are all the same: 1 when all are met, else 0. */
double aglm_regression_value(aglm_metric metric, const aglm_predicted *p);
aglm_rc aglm_regression_bootstrap(aglm_score *out, const aglm_predicted *p, unsigned rounds,
                                  uint64_t seed, aglm_error *err);

#endif
