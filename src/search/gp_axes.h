/* search/gp_axes.h - a space as the coordinates of a Gaussian process, and back.
 * Threads: immutable once made.
 *
 * One coordinate for each parameter of more than one value. A number lies in [0, 1], in log where
 * it or its prior is log, a lattice widened by half a step at both ends; a normal prior's bounds
 * are far out, so its numbers are spread by a normal law twice as wide. A choice is its index. An
 * inactive number stands in the middle and an inactive choice at -1, so that it equals itself. */
#ifndef AGLM_SEARCH_GP_AXES_H
#define AGLM_SEARCH_GP_AXES_H

#include "search/space.h"

typedef struct aglm_gp_axis {
    size_t param; /* index in the space */
    bool is_choice, log, normal;
    uint64_t count;         /* of values, 0: continuous */
    double least;           /* number in log: less counts as this */
    double low, width;      /* of the number, or its log, that lies in [0, 1] */
    double mean, deviation; /* of the normal law, cut off at low and low + width */
} aglm_gp_axis;

typedef struct aglm_gp_axes {
    const aglm_space *space; /* borrowed */
    aglm_gp_axis *axis;
    size_t n;
} aglm_gp_axes;

/* AGLM_NOMEM. */
aglm_rc aglm_gp_axes_init(aglm_gp_axes *a, const aglm_space *space, aglm_error *err);
void aglm_gp_axes_clear(aglm_gp_axes *a);

/* x: [space->n] with every active value; u: [n] */
void aglm_gp_axes_encode(const aglm_gp_axes *a, const double *x, double *u);
/* The value of the coordinate, snapped to what its parameter may have. */
double aglm_gp_axes_value(const aglm_gp_axes *a, size_t axis, double u);
/* The coordinate of a value; the least that a number may have, the greatest being 1 minus it. */
double aglm_gp_axes_coordinate(const aglm_gp_axes *a, size_t axis, double value);
double aglm_gp_axes_edge(const aglm_gp_axes *a, size_t axis);
/* The width of one value of a lattice with even values, else 0. */
double aglm_gp_axes_cell(const aglm_gp_axes *a, size_t axis);
/* The point of the coordinates; a parameter that is inactive in `base` ([space->n]) but active in
 * the point is drawn. x may be base. */
void aglm_gp_axes_decode(const aglm_gp_axes *a, const double *u, const double *base, aglm_rng *rng,
                         double *x);

#endif
