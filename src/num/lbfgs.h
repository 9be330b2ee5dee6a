/* num/lbfgs.h - minimises a smooth function in a box.
 * Threads: pure apart from the caller's function.  Limited-memory BFGS (Nocedal and Wright 2006,
 * algorithm 7.4) on the coordinates that no bound holds, steps projected into the box, Armijo's
 * rule along the projected path (Bertsekas 1982). */
#ifndef AGLM_NUM_LBFGS_H
#define AGLM_NUM_LBFGS_H

#include <stddef.h>

#include "autoglm/error.h"

typedef struct aglm_lbfgs_problem {
    size_t n;
    /* The value at x and its gradient; not finite: the step was too long. */
    double (*value)(void *arg, const double *x, double *gradient);
    void *arg;
    const double *low, *high; /* [n] */
    unsigned max_calls;       /* of value */
    double tolerance;         /* stop when no free coordinate's derivative is larger, or when a
                               * step gains less than this part of 1 + |value| */
    double first_step;        /* length of the first step, in the largest coordinate */
} aglm_lbfgs_problem;

/* x: [n] the start, clipped into the box, then the best point found; *value its value (never worse
 * than at the start). AGLM_NOMEM; AGLM_INVALID when the value at the start is not finite. */
aglm_rc aglm_lbfgs_minimize(const aglm_lbfgs_problem *p, double *x, double *value, aglm_error *err);

#endif
