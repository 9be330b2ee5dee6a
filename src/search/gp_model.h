/* search/gp_model.h - Gaussian process regression with the kernel Matern 5/2 and one length for
 * each coordinate, whose numbers may be bent (search/gp_bend.h).
 * Threads: confined.
 *
 * k(a, b) = s m(sum of w_j (a_j - b_j)^2), for a choice w_j [a_j != b_j]; m is Matern's function of
 * the squared distance (Rasmussen and Williams 2006, equation 4.17). Observations are y = f + noise
 * with mean 0. Every u below is bent unless it is called given. */
#ifndef AGLM_SEARCH_GP_MODEL_H
#define AGLM_SEARCH_GP_MODEL_H

#include <stdbool.h>
#include <stddef.h>

#include "autoglm/error.h"

#define AGLM_GP_MAX_POINTS 2048

typedef struct aglm_gp {
    size_t n_dims;
    const bool *is_choice; /* [n_dims] borrowed */
    size_t n;              /* observations */
    size_t n_all;          /* with the points that are only being tried, behind them */
    size_t cap;            /* a multiple of the lanes: points of room and stride of matrices */
    double *given;         /* [n_dims x cap] coordinate j of point i at j * cap + i */
    double *u;             /* [n_dims x cap] the same, bent by fit and condition */
    double *y;             /* [cap] */
    bool bent;             /* else theta's last 2 n_dims do not count */
    double *theta;         /* [3 n_dims + 2] logs of w, of s, of the noise's variance, of bends */
    double *w;             /* [n_dims] exp of theta, from here on made by condition */
    double scale, noise;
    double *alpha;      /* [cap] K^-1 y */
    double *factor;     /* [cap x cap] of K */
    double *work[3];    /* [cap x cap] */
    double *column[3];  /* [cap] */
    double *point;      /* [n_dims] */
    double *by_bend[2]; /* [n_dims x cap] of u by the logs of its bend */
    double *by_u;       /* [n_dims x cap] of minus the log likelihood by u over 2 w */
} aglm_gp;

/* Room for max_points (at most AGLM_GP_MAX_POINTS) in n_dims coordinates, theta at its default. */
aglm_rc aglm_gp_new(aglm_gp **out, size_t n_dims, const bool *is_choice, size_t max_points,
                    aglm_error *err);
void aglm_gp_free(aglm_gp *gp); /* NULL is fine */

/* Forgets all points. */
void aglm_gp_clear_points(aglm_gp *gp);
/* Appends a point that has room; y is set in gp->y before condition. given: [n_dims] */
void aglm_gp_add_point(aglm_gp *gp, const double *given);
void aglm_gp_point(const aglm_gp *gp, size_t i, double *u);

/* The default of theta, not bent. */
void aglm_gp_reset(aglm_gp *gp);
/* Moves theta to a maximum of the posterior, given the observations, from where it is; `calls`
 * bounds the evaluations of the likelihood. *objective (may be NULL) gets minus its log up to a
 * constant. AGLM_NOMEM. */
aglm_rc aglm_gp_fit(aglm_gp *gp, unsigned calls, double *objective, aglm_error *err);
/* After a fit that came to the objective `straight`: fits the bends, too, and keeps them if the log
 * posterior gains more than 2 and 1 for each number; else all stays. AGLM_NOMEM. */
aglm_rc aglm_gp_fit_bends(aglm_gp *gp, unsigned calls, double straight, aglm_error *err);
/* How much of theta counts. */
size_t aglm_gp_n_theta(const aglm_gp *gp);
/* Minus the log posterior of theta and its derivatives, aglm_gp_n_theta of each; infinite where K
 * is not positive definite. */
double aglm_gp_objective(aglm_gp *gp, const double *theta, double *gradient);

/* Factors K for the observations, then for the points being tried, which lower the variance but
 * leave the mean as it is (Ginsbourger et al. 2010: the kriging believer). Noise is raised until K
 * is positive definite; AGLM_INVALID when that does not help. */
aglm_rc aglm_gp_condition(aglm_gp *gp, aglm_error *err);
/* alpha for another y, without factoring again. */
void aglm_gp_solve(aglm_gp *gp);

typedef struct aglm_gp_belief {
    double mean, variance; /* of f, without noise */
} aglm_gp_belief;

/* At one point; the derivatives ([n_dims] each, 0 for a choice) may be NULL. */
aglm_gp_belief aglm_gp_predict(aglm_gp *gp, const double *u, double *mean_by_u,
                               double *variance_by_u);
/* At many: u [n x n_dims] by rows; out: [n]. */
void aglm_gp_predict_all(aglm_gp *gp, const double *u, size_t n, aglm_gp_belief *out);

#endif
