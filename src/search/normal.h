/* search/normal.h - exp and the normal distribution from + - * / and sqrt alone, so that every
 * machine and libm proposes the same points.
 * Threads: pure functions. */
#ifndef AGLM_SEARCH_NORMAL_H
#define AGLM_SEARCH_NORMAL_H

#define AGLM_LOG_SQRT_2PI 0.91893853320467274178

/* Relative error below 4e-16 within -708..709; 0 below, the largest double above. */
double aglm_exp(double x);

/* Q(x), the mass above x of a standard normal. Relative error below 1e-12 while Q is no subnormal.
 */
double aglm_normal_tail(double x);
/* Q(x) over the density at x (Mills' ratio), x >= 0. */
double aglm_normal_mills(double x);
/* Log of the mass in [a, b], a < b, also far out in a tail and for narrow intervals. */
double aglm_normal_log_mass(double a, double b);
/* The same for a cell of width h <= 0.125 around m, by the cumulants of exp(-m t - t^2 / 2) over
 * the cell: absolute error below 1e-6 where |m| < 6. */
double aglm_normal_log_cell(double m, double h);
/* The u-quantile, 0 <= u <= 1, of the standard normal cut to [a, b]; absolute error below 1e-9. */
double aglm_normal_cut_quantile(double u, double a, double b);

/* The same for many draws from one range with a <= 0 <= b. */
typedef struct aglm_normal_range {
    double a, b;
    double below, above; /* the mass outside */
} aglm_normal_range;
aglm_normal_range aglm_normal_range_of(double a, double b);
double aglm_normal_inner_quantile(double u, const aglm_normal_range *r);

#endif
