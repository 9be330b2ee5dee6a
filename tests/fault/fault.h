/* fault.h - runs a piece of work once for each allocation it makes, that one failing.
 * Threads: one run at a time; the work itself may use threads. */
#ifndef AGLM_TESTS_FAULT_H
#define AGLM_TESTS_FAULT_H

#include <stddef.h>

#include "autoglm/error.h"

/* Does the work, frees all it made, and returns how it went. */
typedef aglm_rc (*fault_work)(void *arg, aglm_error *err);

typedef struct fault_plan {
    size_t first; /* the first allocation to fail, from 1; 0 means 1 */
    size_t step;  /* after `dense` runs go on in steps of this; 0 means 1 */
    size_t dense;
    size_t max_runs; /* 0: until a run meets no failure */
} fault_plan;

/* A cmocka test fails unless every run with a failure answers AGLM_NOMEM (or succeeds, having done
 * without) and leaves no block behind, and the run without one succeeds.
 * plan may be NULL: every allocation. Returns the number of runs. */
size_t fault_each_allocation(fault_work work, void *arg, const fault_plan *plan);

#endif
