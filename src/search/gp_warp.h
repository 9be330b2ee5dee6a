/* search/gp_warp.h - losses as a Gaussian process likes them: the long tail of bad ones drawn in,
 * mean 0, variance 1.
 * Threads: pure functions.
 *
 * y is log(c + loss - least), standardised, with c a part of the way from the least loss to the
 * median; or the loss itself, standardised. */
#ifndef AGLM_SEARCH_GP_WARP_H
#define AGLM_SEARCH_GP_WARP_H

#include "search/gp_model.h"

#define AGLM_GP_WARPS 7       /* number 0 leaves the shape as it is */
#define AGLM_GP_STEEP_WARPS 9 /* with the square and the fourth root of c + loss - least */

/* y: [n]; infinite losses count as the greatest finite one. The result is the log of the product of
 * dy / dloss. */
double aglm_gp_warp(const double *loss, size_t n, unsigned warp, double *y);
/* The warp among the first `warps` under which the losses of the model's observations are
 * likeliest, theta and the factor being as they are (the scale is free): Snelson et al. 2003. gp->y
 * and alpha are left as that one makes them. */
unsigned aglm_gp_warp_choose(aglm_gp *gp, const double *loss, unsigned warps);

#endif
