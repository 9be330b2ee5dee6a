/* search/parzen.h - a mixture of product kernels over the points of some trials: the density that
 * TPE ranks by.
 * Threads: confined.  The rules are Optuna 5's (TPESampler, multivariate): a truncated normal for
 * each number, discretised where the domain has a step, in log where it is log; a smoothed one-hot
 * vector for a choice; one prior kernel over the whole domain with weight 1; weights that fade
 * with age; bandwidths from the gaps between neighbours, clipped (Bergstra et al. 2011, section
 * 4). */
#ifndef AGLM_SEARCH_PARZEN_H
#define AGLM_SEARCH_PARZEN_H

#include "search/distribution.h"

typedef struct aglm_parzen aglm_parzen;

/* Over n_dims >= 1 parameters, none of a single value; the distributions are copied but their
 * choices borrowed. */
aglm_rc aglm_parzen_new(aglm_parzen **out, const aglm_dist *dists, size_t n_dims, aglm_error *err);
void aglm_parzen_free(aglm_parzen *p);

/* From now on all observations weigh 1, whatever their age. */
void aglm_parzen_weigh_evenly(aglm_parzen *p);

/* One kernel for each number; the order of the numbers is the age. x: [n_dims], all active; values
 * out of bounds are clipped. What the density is depends on the set alone, not on the order of
 * these calls. AGLM_NOMEM leaves the set as it was. */
aglm_rc aglm_parzen_insert(aglm_parzen *p, int64_t number, const double *x, aglm_error *err);
/* Nothing happens when the number is not there. */
void aglm_parzen_remove(aglm_parzen *p, int64_t number);
size_t aglm_parzen_size(const aglm_parzen *p);

/* One draw. x: [n_dims] */
void aglm_parzen_sample(aglm_parzen *p, aglm_rng *rng, double *x);
/* Log density (mass for discrete parameters) at n points, row-major [n x n_dims]; out: [n]. Natural
 * log, density in the log domain for log parameters, as Optuna has it. */
void aglm_parzen_score(aglm_parzen *p, const double *x, size_t n, double *out);

#endif
