#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "num/cholesky.h"
#include "num/dense.h"
#include "num/lbfgs.h"
#include "search/gp_bend.h"
#include "search/gp_kernel.h"
#include "search/gp_model.h"
#include "search/normal.h"

/* Bounds of theta: lengths of about 0.03 to 150 sides of the cube, a scale around the variance 1 of
 * the observations. */
#define LOG_W_LOW (-10.0)
#define LOG_W_HIGH 7.0
#define LOG_SCALE_LOW (-4.0)
#define LOG_SCALE_HIGH 5.0
#define LOG_NOISE_LOW (-19.0)
#define LOG_NOISE_HIGH 0.7
#define LOG_BEND_HIGH 1.8
#define LOG_BEND_DEVIATION 0.5 /* of the prior */

/* Of the log posterior, for bends to stay. */
#define BEND_GAIN 2.0
#define BEND_GAIN_PER_NUMBER 1.0

void aglm_gp_reset(aglm_gp *gp)
{
    memset(gp->theta, 0, (3 * gp->n_dims + 2) * sizeof *gp->theta);
    gp->theta[gp->n_dims + 1] = -9.0;
    gp->bent = false;
}

size_t aglm_gp_n_theta(const aglm_gp *gp)
{
    return gp->bent ? 3 * gp->n_dims + 2 : gp->n_dims + 2;
}

/* Minus the log of Optuna's priors (5.0, _gp/prior.py): each w pulled weakly to 1 from both sides,
 * the scale Gamma(2, 1), the noise Gamma(1.1, 30); and of log-normal ones of the bends. */
static double add_priors(const aglm_gp *gp, double *gradient)
{
    size_t d = gp->n_dims;
    double sum = 0.0;

    for (size_t j = 0; j < d; j++) {
        sum += 0.1 / gp->w[j] + 0.1 * gp->w[j];
        gradient[j] += 0.1 * gp->w[j] - 0.1 / gp->w[j];
    }
    sum += gp->scale - gp->theta[d];
    gradient[d] += gp->scale - 1.0;
    sum += 30.0 * gp->noise - 0.1 * gp->theta[d + 1];
    gradient[d + 1] += 30.0 * gp->noise - 0.1;
    for (size_t j = d + 2; j < aglm_gp_n_theta(gp); j++) {
        double z = gp->theta[j] / LOG_BEND_DEVIATION;
        sum += 0.5 * z * z;
        gradient[j] += z / LOG_BEND_DEVIATION;
    }
    return sum;
}

/* K into factor, its slope by the squared distance into work[0]. */
static void fill(aglm_gp *gp)
{
    double *u = gp->point;

    for (size_t i = 0; i < gp->n; i++) {
        double *row = gp->factor + i * gp->cap;
        aglm_gp_point(gp, i, u);
        aglm_gp_covariance(gp, u, i / AGLM_GP_LANES * AGLM_GP_LANES, gp->n, row,
                           gp->work[0] + i * gp->cap);
        row[i] = gp->scale + gp->noise;
    }
}

/* d/dw_j of half the trace: the sum over pairs of (K^-1 - alpha alpha^T) slope distance_j. by_u
 * gets the sum over the other points of the same with half the derivative of distance_j. */
static void add_length_gradient(aglm_gp *gp, double *gradient)
{
    double *u = gp->point;
    double *weight = gp->column[1];

    for (size_t i = 0; i < gp->n; i++) {
        const double *slope = gp->work[0] + i * gp->cap;
        const double *inverse = gp->work[2] + i * gp->cap;
        size_t from = i / AGLM_GP_LANES * AGLM_GP_LANES;
        for (size_t k = from; k <= i; k++)
            weight[k] = 0.0;
        for (size_t k = i + 1; k < gp->n; k++)
            weight[k] = (inverse[k] - gp->alpha[i] * gp->alpha[k]) * slope[k];
        for (size_t k = gp->n; k % AGLM_GP_LANES != 0; k++)
            weight[k] = 0.0;
        aglm_gp_point(gp, i, u);
        aglm_gp_weigh(gp, u, from, gp->n, weight, gradient);
        if (gp->bent)
            aglm_gp_pull(gp, i, from, gp->n, weight);
    }
}

static void set_bend_gradient(const aglm_gp *gp, double *gradient)
{
    size_t d = gp->n_dims;

    for (size_t k = 0; gp->bent && k < 2 * d; k++) {
        size_t at = k % d * gp->cap;
        double sum = 0.0;
        for (size_t i = at; !gp->is_choice[k % d] && i < at + gp->n; i++)
            sum += gp->by_u[i] * gp->by_bend[k / d][i];
        gradient[d + 2 + k] = 2.0 * gp->w[k % d] * sum;
    }
}

/* What theta stands for, and the points bent by it. */
static void set_theta(aglm_gp *gp, const double *theta)
{
    size_t d = gp->n_dims;

    if (theta != gp->theta)
        memcpy(gp->theta, theta, aglm_gp_n_theta(gp) * sizeof *theta);
    for (size_t j = 0; j < d; j++)
        gp->w[j] = aglm_exp(theta[j]);
    gp->scale = aglm_exp(theta[d]);
    gp->noise = aglm_exp(theta[d + 1]);
    aglm_gp_bend_points(gp, gp->n);
    memset(gp->by_u, 0, d * gp->cap * sizeof *gp->by_u);
}

double aglm_gp_objective(aglm_gp *gp, const double *theta, double *gradient)
{
    size_t d = gp->n_dims;
    double trace = 0.0;
    double fit = 0.0;
    double square = 0.0;
    double value = 0.0;

    set_theta(gp, theta);
    fill(gp);
    if (!aglm_cholesky_factor(gp->factor, gp->n, gp->cap))
        return INFINITY;
    aglm_gp_solve(gp);
    aglm_cholesky_inverse(gp->factor, gp->n, gp->cap, gp->work[1], gp->work[2]);
    for (size_t i = 0; i < gp->n; i++) {
        trace += gp->work[2][i * gp->cap + i];
        fit += gp->y[i] * gp->alpha[i];
        square += gp->alpha[i] * gp->alpha[i];
        value += aglm_log(gp->factor[i * gp->cap + i]);
    }
    memset(gradient, 0, d * sizeof *gradient);
    add_length_gradient(gp, gradient);
    for (size_t j = 0; j < d; j++)
        gradient[j] *= gp->w[j];
    set_bend_gradient(gp, gradient);
    gradient[d] = 0.5 * (((double)gp->n - gp->noise * trace) - (fit - gp->noise * square));
    gradient[d + 1] = 0.5 * gp->noise * (trace - square);
    return value + 0.5 * fit + add_priors(gp, gradient);
}

static double objective(void *arg, const double *theta, double *gradient)
{
    return aglm_gp_objective(arg, theta, gradient);
}

static void set_bounds(const aglm_gp *gp, double *low, double *high)
{
    size_t d = gp->n_dims;
    size_t n = aglm_gp_n_theta(gp);

    for (size_t j = 0; j < n; j++) {
        bool bend = j >= d + 2;
        low[j] = j < d ? LOG_W_LOW : j == d ? LOG_SCALE_LOW : bend ? -LOG_BEND_HIGH : LOG_NOISE_LOW;
        high[j] = j < d    ? LOG_W_HIGH
                  : j == d ? LOG_SCALE_HIGH
                  : bend   ? LOG_BEND_HIGH
                           : LOG_NOISE_HIGH;
    }
}

aglm_rc aglm_gp_fit(aglm_gp *gp, unsigned calls, double *value, aglm_error *err)
{
    size_t n = aglm_gp_n_theta(gp);
    double *bounds = aglm_calloc(n, 3 * sizeof *bounds);
    double *theta = bounds + 2 * n;
    double least;

    if (!bounds)
        return aglm_error_set(err, AGLM_NOMEM, "out of memory for a Gaussian process");
    set_bounds(gp, bounds, bounds + n);
    memcpy(theta, gp->theta, n * sizeof *theta);
    aglm_lbfgs_problem p = {.n = n,
                            .value = objective,
                            .arg = gp,
                            .low = bounds,
                            .high = bounds + n,
                            .max_calls = calls,
                            .tolerance = 1e-4,
                            .first_step = 0.5};
    aglm_rc rc = aglm_lbfgs_minimize(&p, theta, &least, err);
    memcpy(gp->theta, theta, n * sizeof *theta);
    if (value)
        *value = rc == AGLM_OK ? least : INFINITY;
    free(bounds);
    return rc == AGLM_INVALID ? AGLM_OK : rc; /* theta stays, condition will mend it */
}

/* Two parameters a number always gain something: by much more than Laplace's approximation of the
 * evidence takes off for them, or they are left out. */
static double least_gain(const aglm_gp *gp)
{
    double gain = BEND_GAIN;

    for (size_t j = 0; j < gp->n_dims; j++)
        gain += gp->is_choice[j] ? 0.0 : BEND_GAIN_PER_NUMBER;
    return gain;
}

aglm_rc aglm_gp_fit_bends(aglm_gp *gp, unsigned calls, double straight, aglm_error *err)
{
    size_t n = 3 * gp->n_dims + 2;
    double *before = aglm_calloc(n, sizeof *before);
    double value;

    if (!before)
        return aglm_error_set(err, AGLM_NOMEM, "out of memory for a Gaussian process");
    memcpy(before, gp->theta, n * sizeof *before);
    gp->bent = true;
    aglm_rc rc = aglm_gp_fit(gp, calls, &value, err);
    if (rc != AGLM_OK || !(value < straight - least_gain(gp))) {
        gp->bent = false;
        memcpy(gp->theta, before, n * sizeof *before);
    }
    free(before);
    return rc;
}
