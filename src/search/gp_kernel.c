#include "search/gp_kernel.h"

#include <math.h>
#include <stdint.h>

typedef double v4 __attribute__((vector_size(32), may_alias, aligned(8)));
typedef int64_t i4 __attribute__((vector_size(32), may_alias, aligned(8)));

#define INLINE static inline __attribute__((always_inline))

/* As aglm_exp (search/normal.c), for x <= 0. */
INLINE void exp_lanes(v4 *x)
{
    static const double inverse_factorial[] = {1.0,
                                               1.0,
                                               1.0 / 2,
                                               1.0 / 6,
                                               1.0 / 24,
                                               1.0 / 120,
                                               1.0 / 720,
                                               1.0 / 5040,
                                               1.0 / 40320,
                                               1.0 / 362880,
                                               1.0 / 3628800,
                                               1.0 / 39916800,
                                               1.0 / 479001600,
                                               1.0 / 6227020800};
    i4 far = (i4)(*x < -700.0);
    v4 z = (v4)(((i4)*x & ~far) | ((i4)((v4){0} - 700.0) & far));
    v4 shifted = z * 0x1.71547652b82fep+0 + 0x1.8p52;
    v4 k = shifted - 0x1.8p52;
    v4 r = (z - k * 0x1.62e42fee00000p-1) - k * 0x1.a39ef35793c76p-33;
    v4 rr = r * r;
    v4 even = (v4){0} + inverse_factorial[12];
    v4 odd = (v4){0} + inverse_factorial[13];

#if defined(__clang__)
#pragma clang loop unroll(full)
#else
#pragma GCC unroll 8
#endif
    for (int n = 10; n >= 0; n -= 2) {
        even = even * rr + inverse_factorial[n];
        odd = odd * rr + inverse_factorial[n + 1];
    }
    *x = (v4)((i4)(even + odd * r) + ((i4)shifted << 52));
}

INLINE void add_distance(const aglm_gp *gp, size_t j, double at, size_t i, v4 *sum)
{
    v4 d = *(const v4 *)(gp->u + j * gp->cap + i) - at;

    if (gp->is_choice[j])
        *sum += (v4)((i4)((v4){0} + gp->w[j]) & (i4)(d != 0.0));
    else
        *sum += gp->w[j] * (d * d);
}

INLINE void covariance(const aglm_gp *gp, const double *u, size_t from, size_t to, double *k,
                       double *slope)
{
    const double root5 = 2.23606797749978969641;

    for (size_t i = from; i < to; i += AGLM_GP_LANES) {
        v4 rr = {0};
        v4 r;
        for (size_t j = 0; j < gp->n_dims; j++)
            add_distance(gp, j, u[j], i, &rr);
        for (int lane = 0; lane < AGLM_GP_LANES; lane++)
            r[lane] = root5 * sqrt(rr[lane]);
        v4 e = -r;
        exp_lanes(&e);
        e *= gp->scale;
        *(v4 *)(k + i) = e * (1.0 + r + (5.0 / 3.0) * rr);
        if (slope)
            *(v4 *)(slope + i) = (-5.0 / 6.0) * e * (1.0 + r);
    }
}

INLINE void weigh(const aglm_gp *gp, const double *u, size_t from, size_t to, const double *weight,
                  double *sum)
{
    for (size_t j = 0; j < gp->n_dims; j++) {
        const double *column = gp->u + j * gp->cap;
        v4 s = {0};
        for (size_t i = from; i < to; i += AGLM_GP_LANES) {
            v4 d = *(const v4 *)(column + i) - u[j];
            v4 w = *(const v4 *)(weight + i);
            if (gp->is_choice[j])
                s += (v4)((i4)w & (i4)(d != 0.0));
            else
                s += w * (d * d);
        }
        sum[j] += (s[0] + s[2]) + (s[1] + s[3]);
    }
}

INLINE void pull(aglm_gp *gp, size_t point, size_t from, size_t to, const double *weight)
{
    for (size_t j = 0; j < gp->n_dims; j++) {
        const double *column = gp->u + j * gp->cap;
        double *by_u = gp->by_u + j * gp->cap;
        v4 s = {0};
        for (size_t i = from; !gp->is_choice[j] && i < to; i += AGLM_GP_LANES) {
            v4 d = *(const v4 *)(column + i) - column[point];
            v4 force = *(const v4 *)(weight + i) * d;
            *(v4 *)(by_u + i) += force;
            s += force;
        }
        by_u[point] -= (s[0] + s[2]) + (s[1] + s[3]);
    }
}

static void covariance_portable(const aglm_gp *gp, const double *u, size_t from, size_t to,
                                double *k, double *slope)
{
    covariance(gp, u, from, to, k, slope);
}

static void weigh_portable(const aglm_gp *gp, const double *u, size_t from, size_t to,
                           const double *weight, double *sum)
{
    weigh(gp, u, from, to, weight, sum);
}

static void pull_portable(aglm_gp *gp, size_t point, size_t from, size_t to, const double *weight)
{
    pull(gp, point, from, to, weight);
}

#if defined(__x86_64__)
__attribute__((target("avx2"))) static void pull_avx2(aglm_gp *gp, size_t point, size_t from,
                                                      size_t to, const double *weight)
{
    pull(gp, point, from, to, weight);
}

__attribute__((target("avx2"))) static void weigh_avx2(const aglm_gp *gp, const double *u,
                                                       size_t from, size_t to, const double *weight,
                                                       double *sum)
{
    weigh(gp, u, from, to, weight, sum);
}

__attribute__((target("avx2"))) static void covariance_avx2(const aglm_gp *gp, const double *u,
                                                            size_t from, size_t to, double *k,
                                                            double *slope)
{
    covariance(gp, u, from, to, k, slope);
}
#endif

void aglm_gp_covariance(const aglm_gp *gp, const double *u, size_t from, size_t to, double *k,
                        double *slope)
{
#if defined(__x86_64__)
    if (__builtin_cpu_supports("avx2")) {
        covariance_avx2(gp, u, from, to, k, slope);
        return;
    }
#endif
    covariance_portable(gp, u, from, to, k, slope);
}

void aglm_gp_weigh(const aglm_gp *gp, const double *u, size_t from, size_t to, const double *weight,
                   double *sum)
{
#if defined(__x86_64__)
    if (__builtin_cpu_supports("avx2")) {
        weigh_avx2(gp, u, from, to, weight, sum);
        return;
    }
#endif
    weigh_portable(gp, u, from, to, weight, sum);
}

void aglm_gp_pull(aglm_gp *gp, size_t i, size_t from, size_t to, const double *weight)
{
#if defined(__x86_64__)
    if (__builtin_cpu_supports("avx2")) {
        pull_avx2(gp, i, from, to, weight);
        return;
    }
#endif
    pull_portable(gp, i, from, to, weight);
}
