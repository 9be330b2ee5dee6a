/* search/gp_bend.h - a model's numbers bent, so that a function that is steep at one end of an axis
 * and flat at the other becomes an even one.
 * Threads: confined with their model.
 *
 * v = 1 - (1 - t^a)^b, the law of Kumaraswamy, with t = u kept a little off 0 and 1 (Snoek et al.
 * 2014 bend by the Beta law, HEBO by this one). theta ends with the logs of every a, then of every
 * b. A choice stays as it is, and so does everything while the model is not bent. */
#ifndef AGLM_SEARCH_GP_BEND_H
#define AGLM_SEARCH_GP_BEND_H

#include "search/gp_model.h"

/* Coordinate j bent, and back; u and v lie in [0, 1] unless j is a choice. */
double aglm_gp_bend(const aglm_gp *gp, size_t j, double u);
double aglm_gp_unbend(const aglm_gp *gp, size_t j, double v);

/* Sets gp->u of the first n points by theta, and gp->by_bend to its derivatives. */
void aglm_gp_bend_points(aglm_gp *gp, size_t n);

#endif
