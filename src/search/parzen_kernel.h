/* search/parzen_kernel.h - the inner loop of a Parzen estimator: one point against all kernels.
 * Threads: pure. The same bits on every machine: element-wise vector operations without
 * contraction, sums in a fixed order. */
#ifndef AGLM_SEARCH_PARZEN_KERNEL_H
#define AGLM_SEARCH_PARZEN_KERNEL_H

#include <stddef.h>
#include <stdint.h>

#define AGLM_PARZEN_BLOCK 16 /* kernels: arrays are padded to whole blocks */

/* What one dimension of the point adds to the exponent of kernel k; never above 0. */
typedef enum aglm_parzen_term_kind {
    AGLM_PARZEN_SQUARE, /* -((x - mu[k]) inv[k])^2 */
    AGLM_PARZEN_CELL,  /* log mass of a narrow cell, see aglm_normal_log_cell; inv = 1 / (sigma sqrt
                          2) */
    AGLM_PARZEN_TABLE, /* table[row[k]] */
    AGLM_PARZEN_MATCH  /* 0 where mu[k] == x, else miss */
} aglm_parzen_term_kind;

typedef struct aglm_parzen_term {
    aglm_parzen_term_kind kind;
    double x;
    double miss;      /* MATCH */
    double width;     /* CELL */
    double log_width; /* CELL */
    const double *mu;
    const double *inv;   /* SQUARE, CELL */
    const double *scale; /* CELL: log of 1 / (sigma sqrt(2 pi)) */
    const uint32_t *row; /* TABLE */
    const double *table; /* TABLE */
    /* The same in single precision and in shares of the domain, to tell far kernels from near ones.
     * A MATCH needs near_mu and near_x alone. */
    const float *near_mu;
    const float *near_inv;
    float near_x;
    float near_half; /* half the width of the point's cell, 0 where the domain is continuous */
} aglm_parzen_term;

/* Arrays [n] 64-byte aligned, n a multiple of the block. */
typedef struct aglm_parzen_kernels {
    const double *base;
    const float *near_base; /* base[k] - base[0] */
    const double *weight;   /* at most 1 */
    size_t n;
} aglm_parzen_kernels;

/* log of the sum over k < n of weight[k] exp(base[k] + terms), to some 1e-12: kernels that are too
 * far to count are left out. */
double aglm_parzen_log_sum(const aglm_parzen_term *terms, size_t n_terms,
                           const aglm_parzen_kernels *kernels);

#endif
