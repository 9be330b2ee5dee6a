/* search/gp_proposal.h - the point of a space that promises most under a Gaussian process, among
 * those not tried.
 * Threads: confined. */
#ifndef AGLM_SEARCH_GP_PROPOSAL_H
#define AGLM_SEARCH_GP_PROPOSAL_H

#include "search/gp_axes.h"
#include "search/gp_model.h"
#include "search/history.h"

typedef struct aglm_gp_question {
    aglm_gp *gp; /* conditioned */
    const aglm_gp_axes *axes;
    const aglm_history *history;
    double best;        /* what an improvement is measured from, as gp->y; NaN: none is asked for */
    aglm_gp *violation; /* conditioned on the constraints' violation; NULL: there are none */
    double limit;       /* up to which they hold */
} aglm_gp_question;

/* A finite space of up to 1024 points is looked at whole. Elsewhere points drawn from the space and
 * around the best observations are ranked, and from the first few the expected improvement is
 * climbed: by L-BFGS in the numbers, value by value in choices and short lattices; the outer 20th
 * of a number's axis is taken at a price where all are numbers, unless the best observation lies
 * there. x: [space->n]. AGLM_DONE: no point is left. */
aglm_rc aglm_gp_propose(const aglm_gp_question *q, aglm_rng *rng, double *x, aglm_error *err);

#endif
