/* num/eigen.h - eigenvalues and vectors of small symmetric matrices.
 * Threads: pure functions on the caller's memory. */
#ifndef AGLM_NUM_EIGEN_H
#define AGLM_NUM_EIGEN_H

#include <stddef.h>

/* Cyclic Jacobi rotations (Golub and Van Loan 2013, section 8.5) on a symmetric matrix a [n x n],
 * row-major, which is used up. values: [n], in no order; vectors: [n x n], column j belongs to
 * value j, orthonormal. Relative accuracy about 1e-14 of the largest value; O(n^3) a sweep, about
 * six to eight sweeps: made for n below a few hundred. Basic operations only, so the same bits
 * everywhere. */
void aglm_eigen_symmetric(double *a, size_t n, double *values, double *vectors);

#endif
