/* num/cholesky.h - dense Cholesky factors in double precision and the solves that go with them.
 * Threads: pure functions on the caller's memory.  A matrix is row-major with a stride that is a
 * multiple of AGLM_CHOLESKY_LANES, its first element so aligned that rows may be read in whole
 * lanes (aglm_calloc_aligned); what stands behind column n is finite and arbitrary. Only the upper
 * triangle of A and of U counts, with A = U^T U. Every element is summed in one fixed order without
 * fused operations: all instruction sets give the same bits. */
#ifndef AGLM_NUM_CHOLESKY_H
#define AGLM_NUM_CHOLESKY_H

#include <stdbool.h>
#include <stddef.h>

#define AGLM_CHOLESKY_LANES 8
#define AGLM_CHOLESKY_STRIDE(n)                                                                    \
    (((n) + (AGLM_CHOLESKY_LANES - 1)) / AGLM_CHOLESKY_LANES * AGLM_CHOLESKY_LANES)

/* A [n x n] becomes U in place; false when a pivot is not positive (A is then half overwritten).
 * Golub and Van Loan, Matrix Computations, algorithm 4.2.4, by blocks of rows. */
bool aglm_cholesky_factor(double *a, size_t n, size_t stride);
/* Column n of a factor of n rows: the upper part of A's column stands in the column already, its
 * last element on the diagonal. False when that is not positive. */
bool aglm_cholesky_append(double *u, size_t n, size_t stride);

/* U^T x = b and U x = b in place. */
void aglm_cholesky_forward(const double *u, size_t n, size_t stride, double *b);
void aglm_cholesky_backward(const double *u, size_t n, size_t stride, double *b);

/* Several right-hand sides: columns of a row-major matrix. */
typedef struct aglm_cholesky_sides {
    double *b; /* [n x columns] */
    size_t columns, stride;
} aglm_cholesky_sides;

/* U^T X = B in place. */
void aglm_cholesky_forward_all(const double *u, size_t n, size_t stride,
                               const aglm_cholesky_sides *sides);
/* The upper triangle of A^-1 into out; scratch and out: [n x stride]. */
void aglm_cholesky_inverse(const double *u, size_t n, size_t stride, double *scratch, double *out);

#endif
