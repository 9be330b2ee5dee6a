/* search/gp_acquisition.h - how much a point promises: the log of the expected improvement, and of
 * the chance that constraints hold. Threads: confined with their model. */
#ifndef AGLM_SEARCH_GP_ACQUISITION_H
#define AGLM_SEARCH_GP_ACQUISITION_H

#include "search/gp_model.h"

/* log(phi(z) + z Phi(z)), finite for every finite z (Ament et al. 2023, equation 9), and its
 * derivative (may be NULL). */
double aglm_log_improvement(double z, double *derivative);

/* log E[max(best - f, 0)] of a belief. */
double aglm_gp_log_ei(const aglm_gp_belief *b, double best);
/* The same at u with the derivatives [n_dims]. */
double aglm_gp_log_ei_at(aglm_gp *gp, const double *u, double best, double *gradient);

/* log P(f <= limit) of a belief, and the same at u with the derivatives [n_dims]. */
double aglm_gp_log_below(const aglm_gp_belief *b, double limit);
double aglm_gp_log_below_at(aglm_gp *gp, const double *u, double limit, double *gradient);

#endif
