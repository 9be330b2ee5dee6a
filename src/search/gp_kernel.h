/* search/gp_kernel.h - Matern's 5/2 covariance between a point and many others.
 * Threads: pure functions on the caller's memory. */
#ifndef AGLM_SEARCH_GP_KERNEL_H
#define AGLM_SEARCH_GP_KERNEL_H

#include "search/gp_model.h"

#define AGLM_GP_LANES 4 /* what rows are rounded to */

/* Of the model's points from..to and u: k gets s m(r^2) and slope (may be NULL) its derivative by
 * r^2. from and cap are multiples of the lanes; k and slope are indexed by point and written up to
 * the next multiple above `to`. */
void aglm_gp_covariance(const aglm_gp *gp, const double *u, size_t from, size_t to, double *k,
                        double *slope);
/* sum[j] += sum over the points from..to of weight * (distance to u along j)^2; weight is indexed
 * by point. */
void aglm_gp_weigh(const aglm_gp *gp, const double *u, size_t from, size_t to, const double *weight,
                   double *sum);
/* by_u of numbers += weight * (coordinate - that of point i), for the points from..to, and minus
 * their sum for point i. */
void aglm_gp_pull(aglm_gp *gp, size_t i, size_t from, size_t to, const double *weight);

#endif
