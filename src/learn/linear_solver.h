/* learn/linear_solver.h - weight vectors from rows with labels +1 and -1, several at a time: dual
 * coordinate descent.
 * Threads: pure functions on the caller's memory; a problem may be shared by several solvers. */
#ifndef AGLM_LEARN_LINEAR_SOLVER_H
#define AGLM_LEARN_LINEAR_SOLVER_H

#include "base/clock.h"
#include "num/sparse.h"

typedef enum aglm_linear_loss {
    AGLM_LOSS_SQUARED_HINGE, /* sum of cost_i * max(0, 1 - y w.x)^2 */
    AGLM_LOSS_LOGISTIC       /* sum of cost_i * log(1 + exp(-y w.x)) */
} aglm_linear_loss;

#define AGLM_LANES_MAX 16

/* For each vector: min over w of sum of w_j^2 / metric_j / 2 + losses. A constant column for the
 * bias is the caller's. The vectors are independent of each other; they are learned side by side
 * because they read the same rows. */
typedef struct aglm_linear_problem {
    const aglm_csr *x;
    const float *cost; /* C of each row, > 0 */
    unsigned
        lanes; /* how many vectors lie side by side: 1, 8 or 16; arrays below are [... x lanes] */
    unsigned vectors;    /* of them in use: the first ones; the rest stay 0 */
    const int8_t *y;     /* [n_rows x lanes] +1 or -1 */
    const float *metric; /* [n_cols x lanes], >= 0: squared strength of each column; NULL: 1 */
    aglm_linear_loss loss;
    double eps; /* a vector is done when its (projected) gradients in a pass differ by no more */
    unsigned max_passes; /* over the rows */
    uint64_t seed;
    const aglm_cancel *cancel;
    bool plain; /* keep to the instructions that every machine has; the result is the same */
} aglm_linear_problem;

/* The lanes to take for the next block of `left` vectors. */
unsigned aglm_linear_lanes(size_t left);
/* w [n_cols x lanes] is overwritten. passes (may be NULL) gets how many were made. AGLM_NOMEM,
 * AGLM_CANCELLED. Hinge: Hsieh, Chang, Lin, Keerthi, Sundararajan 2008, "A dual coordinate descent
 * method for large-scale linear SVM", algorithm 3 (with shrinking). Logistic: Yu, Huang, Lin 2011,
 * "Dual coordinate descent methods for logistic regression and maximum entropy models",
 * algorithm 5. */
aglm_rc aglm_linear_solve(const aglm_linear_problem *p, float *w, unsigned *passes);
/* Bytes aglm_linear_solve would allocate. */
uint64_t aglm_linear_solve_bytes(size_t n_rows, unsigned lanes);
/* The objective of one vector at w. */
double aglm_linear_objective(const aglm_linear_problem *p, const float *w, unsigned lane);

#endif
