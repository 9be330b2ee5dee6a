/* num/pareto.h - points of several losses compared with each other: dominance, fronts, crowding.
 * Threads: pure functions.
 *
 * Points are rows of a matrix [n x m], m >= 1; smaller is better in every column. Infinities are
 * values like any other; NaN is not allowed. */
#ifndef AGLM_NUM_PARETO_H
#define AGLM_NUM_PARETO_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "autoglm/error.h"

/* Is a at least as good as b in every loss, and better in one? */
bool aglm_pareto_dominates(const double *a, const double *b, size_t m);

/* order: [n] the rows ascending by their first loss, then the second, ..., then by their index.
 * AGLM_NOMEM. */
aglm_rc aglm_pareto_order(const double *losses, size_t n, size_t m, uint32_t *order);

/* rank: [n] 0 for points that no other dominates, 1 for those on the front of what is left, and so
 * on; equal points have one rank. Points behind the first `most` fronts get rank `most`, which
 * saves time: with 1 only the Pareto front is found. The ranks are those of the fast non-dominated
 * sort (Deb et al. 2002, section III-A), found by efficient non-dominated sorting (Zhang et al.
 * 2015): O(n log n) for up to two losses, else O(n^2 m) at worst. AGLM_NOMEM. */
aglm_rc aglm_pareto_ranks(const double *losses, size_t n, size_t m, size_t most, uint32_t *rank);

/* distance: [n] how far the neighbours of each point of one front lie apart (Deb et al. 2002,
 * section III-B): over all losses the sum of the gap between the next smaller and the next larger
 * value, divided by the range of the finite ones; infinite at the ends. A loss in which all points
 * are equal adds nothing. AGLM_NOMEM. */
aglm_rc aglm_pareto_crowding(const double *losses, size_t n, size_t m, double *distance);

#endif
