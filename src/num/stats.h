/* num/stats.h - the few statistics that more than one room needs.
 * Threads: pure functions. */
#ifndef AGLM_NUM_STATS_H
#define AGLM_NUM_STATS_H

#include <stddef.h>

/* 0 for n == 0. */
double aglm_mean(const double *v, size_t n);
/* With n - 1 below; 0 for n < 2. */
double aglm_variance(const double *v, size_t n);
/* Quantile q in [0, 1] of ascending values, linear between neighbours (Hyndman and Fan 1996, type
 * 7). n > 0. */
double aglm_quantile(const double *ascending, size_t n, double q);
/* Sorts ascending in place, NaN last. */
void aglm_sort_doubles(double *v, size_t n);

/* Standard normal distribution, about 15 digits also in the tails. Needs exp and log of libm, not
 * erf. */
double aglm_normal_pdf(double x);
double aglm_normal_cdf(double x);
double aglm_normal_log_cdf(double x); /* finite down to x = -1e150 */
/* Inverse of the cdf: -inf at 0, inf at 1, NaN outside [0, 1]. */
double aglm_normal_quantile(double p);

#endif
