#include "search/parzen_kernel.h"

#include <string.h>

#include "num/dense.h"
#include "search/normal.h"

#if defined(__GNUC__) && !defined(__clang__)
#pragma GCC diagnostic ignored "-Wpsabi" /* vectors never cross a call that is not inlined */
#endif

typedef double vec __attribute__((vector_size(32)));
typedef int64_t ivec __attribute__((vector_size(32)));

#define LANES 4
#define VECS (AGLM_PARZEN_BLOCK / LANES)
#define INLINE static inline __attribute__((always_inline))

/* Kernels this far (in e-folds) below the largest so far change nothing in a double's 53 bits. */
#define NEGLIGIBLE 46.0
#define LOWEST (-1e300)

INLINE void load(vec *out, const double *from)
{
    memcpy(out, __builtin_assume_aligned(from, 32), sizeof *out);
}

/* x <= 0. As aglm_exp, without its branches: what is below -700 gives some 1e-304. */
INLINE void exp_all(vec *x)
{
    const vec low = {-700.0, -700.0, -700.0, -700.0};
    ivec keep = *x > low;
    vec v = (vec)(((ivec)*x & keep) | ((ivec)low & ~keep));
    vec shifted = v * 0x1.71547652b82fep+0 + 0x1.8p52;
    vec k = shifted - 0x1.8p52;
    vec r = (v - k * 0x1.62e42fee00000p-1) - k * 0x1.a39ef35793c76p-33;
    vec p = r * (1.0 / 6227020800.0) + 1.0 / 479001600;
    p = p * r + 1.0 / 39916800;
    p = p * r + 1.0 / 3628800;
    p = p * r + 1.0 / 362880;
    p = p * r + 1.0 / 40320;
    p = p * r + 1.0 / 5040;
    p = p * r + 1.0 / 720;
    p = p * r + 1.0 / 120;
    p = p * r + 1.0 / 24;
    p = p * r + 1.0 / 6;
    p = p * r + 0.5;
    p = p * r + 1.0;
    p = p * r + 1.0;
    *x = (vec)((ivec)p + ((ivec)shifted << 52));
}

INLINE void add_square(vec *acc, const aglm_parzen_term *t, size_t k)
{
    for (size_t v = 0; v < VECS; v++) {
        vec mu;
        vec inv;
        load(&mu, t->mu + k + v * LANES);
        load(&inv, t->inv + k + v * LANES);
        vec z = (t->x - mu) * inv;
        acc[v] -= z * z;
    }
}

/* inv = 1 / (sigma sqrt 2), so that m^2 = 2 z^2 and h^2 = 2 w^2. */
INLINE void add_cell(vec *acc, const aglm_parzen_term *t, size_t k)
{
    for (size_t v = 0; v < VECS; v++) {
        vec mu;
        vec inv;
        vec scale;
        load(&mu, t->mu + k + v * LANES);
        load(&inv, t->inv + k + v * LANES);
        load(&scale, t->scale + k + v * LANES);
        vec z = (t->x - mu) * inv;
        vec w = t->width * inv;
        vec mm = 2.0 * (z * z);
        vec hh = 2.0 * (w * w);
        vec y = 0.25 * mm * hh;
        acc[v] += (scale + t->log_width) - 0.5 * mm +
                  y * (1.0 / 6 - y * (1.0 / 180 - y * (1.0 / 2835))) - hh * (1.0 / 24) +
                  hh * hh * (1.0 / 1440 - mm * (1.0 / 720));
    }
}

INLINE void add_table(vec *acc, const aglm_parzen_term *t, size_t k)
{
    const uint32_t *row = t->row + k;

    for (size_t v = 0; v < VECS; v++, row += LANES) {
        vec add = {t->table[row[0]], t->table[row[1]], t->table[row[2]], t->table[row[3]]};
        acc[v] += add;
    }
}

INLINE void add_match(vec *acc, const aglm_parzen_term *t, size_t k)
{
    const vec miss = {t->miss, t->miss, t->miss, t->miss};

    for (size_t v = 0; v < VECS; v++) {
        vec mu;
        load(&mu, t->mu + k + v * LANES);
        acc[v] += (vec)((ivec)miss & (ivec)(mu != t->x));
    }
}

INLINE int any_above(const vec *acc, double limit)
{
    ivec any = acc[0] > limit;

    for (size_t v = 1; v < VECS; v++)
        any |= acc[v] > limit;
    return ((any[0] | any[1]) | (any[2] | any[3])) != 0;
}

INLINE double largest(const vec *acc)
{
    double most = LOWEST; /* not a kernel's: it may be NaN where a range is as wide as a double's */

    for (size_t v = 0; v < VECS; v++) {
        for (size_t i = 0; i < LANES; i++)
            most = acc[v][i] > most ? acc[v][i] : most;
    }
    return most;
}

/* Adds the terms to the exponents of one block; 0 when all of them end up negligible. */
INLINE int add_terms(vec *acc, const aglm_parzen_term *terms, size_t n_terms, size_t k,
                     double limit)
{
    for (size_t i = 0; i < n_terms; i++) {
        switch (terms[i].kind) {
        case AGLM_PARZEN_SQUARE:
            add_square(acc, &terms[i], k);
            break;
        case AGLM_PARZEN_CELL:
            add_cell(acc, &terms[i], k);
            break;
        case AGLM_PARZEN_TABLE:
            add_table(acc, &terms[i], k);
            break;
        case AGLM_PARZEN_MATCH:
            add_match(acc, &terms[i], k);
            break;
        }
        /* One term alone seldom rules a whole block out. */
        if (i > 0 && !any_above(acc, limit))
            return 0;
    }
    return 1;
}

INLINE void sum_block(vec *sum, const vec *acc, const double *weight, double most)
{
    for (size_t v = 0; v < VECS; v++) {
        vec w;
        vec e = acc[v] - most;
        load(&w, weight + v * LANES);
        exp_all(&e);
        *sum += w * e;
    }
}

INLINE double log_sum(const aglm_parzen_term *terms, size_t n_terms, const double *base,
                      const double *weight, size_t n)
{
    vec sum = {0.0, 0.0, 0.0, 0.0};
    double most = LOWEST;

    for (size_t k = 0; k < n; k += AGLM_PARZEN_BLOCK) {
        vec acc[VECS];
        for (size_t v = 0; v < VECS; v++)
            load(&acc[v], base + k + v * LANES);
        if (!add_terms(acc, terms, n_terms, k, most - NEGLIGIBLE))
            continue;
        double top = largest(acc);
        if (top > most) {
            sum *= aglm_exp(most - top);
            most = top;
        }
        sum_block(&sum, acc, weight + k, most);
    }
    return most + aglm_log((sum[0] + sum[1]) + (sum[2] + sum[3]));
}

#if defined(__x86_64__)
__attribute__((target("avx2"))) static double log_sum_avx2(const aglm_parzen_term *terms,
                                                           size_t n_terms, const double *base,
                                                           const double *weight, size_t n)
{
    return log_sum(terms, n_terms, base, weight, n);
}
#endif

double aglm_parzen_log_sum(const aglm_parzen_term *terms, size_t n_terms, const double *base,
                           const double *weight, size_t n)
{
#if defined(__x86_64__)
    if (__builtin_cpu_supports("avx2"))
        return log_sum_avx2(terms, n_terms, base, weight, n);
#endif
    return log_sum(terms, n_terms, base, weight, n);
}
