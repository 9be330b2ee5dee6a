/* num/sparse.h - sparse rows of float values (CSR) and the two kernels that linear learners live
 * on.
 * Threads: a matrix may be shared once filled; kernels are pure. */
#ifndef AGLM_NUM_SPARSE_H
#define AGLM_NUM_SPARSE_H

#include <stddef.h>
#include <stdint.h>

#include "autoglm/error.h"

/* Row i is [start[i], start[i + 1]) of col and val. Columns of a row stand in any order, each at
 * most once. */
typedef struct aglm_csr {
    size_t n_rows;
    size_t n_cols;
    uint32_t *start; /* n_rows + 1 */
    uint32_t *col;
    float *val;
} aglm_csr;

/* Room for n_rows rows of nnz values in all; start[0] = 0, the rest is the caller's to fill.
 * AGLM_NOMEM. */
aglm_rc aglm_csr_init(aglm_csr *m, size_t n_rows, size_t n_cols, size_t nnz);
void aglm_csr_clear(aglm_csr *m);
/* Bytes aglm_csr_init would allocate. */
uint64_t aglm_csr_bytes(size_t n_rows, size_t nnz);

/* Sum of val[j] * dense[col[j]] over a row; the order of additions is fixed, so the result is the
 * same everywhere. */
static inline float aglm_sparse_dot(const uint32_t *col, const float *val, size_t n,
                                    const float *dense)
{
    float s0 = 0, s1 = 0, s2 = 0, s3 = 0;
    size_t j = 0;

    for (; j + 4 <= n; j += 4) {
        s0 += val[j] * dense[col[j]];
        s1 += val[j + 1] * dense[col[j + 1]];
        s2 += val[j + 2] * dense[col[j + 2]];
        s3 += val[j + 3] * dense[col[j + 3]];
    }
    for (; j < n; j++)
        s0 += val[j] * dense[col[j]];
    return (s0 + s1) + (s2 + s3);
}

/* dense[col[j]] += a * val[j] over a row. */
static inline void aglm_sparse_axpy(const uint32_t *col, const float *val, size_t n, float a,
                                    float *dense)
{
    for (size_t j = 0; j < n; j++)
        dense[col[j]] += a * val[j];
}

#endif
