/* num/hypervolume.h - the volume that points of several losses dominate, up to a reference point.
 * Threads: pure functions.
 *
 * Points are rows of a matrix [n x m], 1 <= m <= AGLM_HYPERVOLUME_MAX, smaller is better, no NaN;
 * reference: [m], finite. Points that are not below it in every loss dominate nothing. */
#ifndef AGLM_NUM_HYPERVOLUME_H
#define AGLM_NUM_HYPERVOLUME_H

#include <stddef.h>
#include <stdint.h>

#include "autoglm/error.h"

#define AGLM_HYPERVOLUME_MAX 16 /* losses */

/* *out: exact; infinite where a point has a loss of -infinity. Two losses by a sweep, O(n log n);
 * three by a sweep over plane fronts (Fonseca, Paquete and Lopez-Ibanez 2006), O(n log n) and
 * moves of the front; more by limit sets that lose a dimension each (While, Bradstreet and Barone
 * 2012), which grows as n^(m-2). AGLM_NOMEM; AGLM_LIMIT: m over the maximum. */
aglm_rc aglm_hypervolume(const double *losses, size_t n, size_t m, const double *reference,
                         double *out);

/* chosen: [k], k <= n, rows whose union has a large volume: one after the other that which adds
 * most (at least 1 - 1/e of the best volume: Guerreiro, Fonseca and Paquete 2016; a gain is bounded
 * by its earlier ones, so that few are computed: Minoux 1978). Ties, and all rows where the
 * reference is not finite, in the order of aglm_pareto_order. */
aglm_rc aglm_hypervolume_subset(const double *losses, size_t n, size_t m, const double *reference,
                                size_t k, uint32_t *chosen);

#endif
