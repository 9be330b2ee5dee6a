#include "search/gp_model.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "num/cholesky.h"
#include "search/gp_bend.h"
#include "search/gp_kernel.h"
#include "search/normal.h"

#define SIDES 64             /* points predicted at a time; cap is at least as much */
#define LEAST_VARIANCE 1e-12 /* part of the scale */

aglm_rc aglm_gp_new(aglm_gp **out, size_t n_dims, const bool *is_choice, size_t max_points,
                    aglm_error *err)
{
    size_t cap = AGLM_CHOLESKY_STRIDE(max_points < SIDES ? SIDES : max_points);
    aglm_gp *gp = calloc(1, sizeof *gp);
    bool whole = gp != NULL;

    *out = NULL;
    if (whole) {
        *gp = (aglm_gp){.n_dims = n_dims, .is_choice = is_choice, .cap = cap};
        gp->given = aglm_calloc_aligned(n_dims * cap, sizeof *gp->given);
        gp->u = aglm_calloc_aligned(n_dims * cap, sizeof *gp->u);
        gp->by_u = aglm_calloc_aligned(n_dims * cap, sizeof *gp->by_u);
        gp->y = aglm_calloc_aligned(cap, sizeof *gp->y);
        gp->alpha = aglm_calloc_aligned(cap, sizeof *gp->alpha);
        gp->theta = aglm_calloc(3 * n_dims + 2, sizeof *gp->theta);
        gp->w = aglm_calloc(n_dims, sizeof *gp->w);
        gp->factor = aglm_calloc_aligned(cap * cap, sizeof *gp->factor);
        gp->point = aglm_calloc(n_dims, sizeof *gp->point);
        whole = gp->given && gp->u && gp->by_u && gp->y && gp->alpha && gp->theta && gp->w &&
                gp->factor && gp->point;
        for (int i = 0; i < 2; i++) {
            gp->by_bend[i] = aglm_calloc_aligned(n_dims * cap, sizeof *gp->by_bend[i]);
            whole = whole && gp->by_bend[i];
        }
        for (int i = 0; i < 3; i++) {
            gp->work[i] = aglm_calloc_aligned(cap * cap, sizeof *gp->work[i]);
            gp->column[i] = aglm_calloc_aligned(cap, sizeof *gp->column[i]);
            whole = whole && gp->work[i] && gp->column[i];
        }
    }
    if (!whole) {
        aglm_gp_free(gp);
        return aglm_error_set(err, AGLM_NOMEM, "out of memory for a Gaussian process of %zu points",
                              max_points);
    }
    aglm_gp_reset(gp);
    *out = gp;
    return AGLM_OK;
}

void aglm_gp_free(aglm_gp *gp)
{
    if (!gp)
        return;
    for (int i = 0; i < 3; i++) {
        free(gp->work[i]);
        free(gp->column[i]);
    }
    free(gp->by_bend[0]);
    free(gp->by_bend[1]);
    free(gp->by_u);
    free(gp->given);
    free(gp->u);
    free(gp->y);
    free(gp->alpha);
    free(gp->theta);
    free(gp->w);
    free(gp->factor);
    free(gp->point);
    free(gp);
}

void aglm_gp_clear_points(aglm_gp *gp)
{
    gp->n = 0;
    gp->n_all = 0;
}

void aglm_gp_add_point(aglm_gp *gp, const double *given)
{
    for (size_t j = 0; j < gp->n_dims; j++) {
        gp->given[j * gp->cap + gp->n_all] = given[j];
        gp->u[j * gp->cap + gp->n_all] = aglm_gp_bend(gp, j, given[j]);
    }
    gp->n_all++;
}

void aglm_gp_point(const aglm_gp *gp, size_t i, double *u)
{
    for (size_t j = 0; j < gp->n_dims; j++)
        u[j] = gp->u[j * gp->cap + i];
}

static double dot(const double *a, const double *b, size_t n)
{
    double s[4] = {0};
    size_t i = 0;

    for (; i + 4 <= n; i += 4) {
        s[0] += a[i] * b[i];
        s[1] += a[i + 1] * b[i + 1];
        s[2] += a[i + 2] * b[i + 2];
        s[3] += a[i + 3] * b[i + 3];
    }
    for (; i < n; i++)
        s[0] += a[i] * b[i];
    return (s[0] + s[2]) + (s[1] + s[3]);
}

static void exp_theta(aglm_gp *gp)
{
    for (size_t j = 0; j < gp->n_dims; j++)
        gp->w[j] = aglm_exp(gp->theta[j]);
    gp->scale = aglm_exp(gp->theta[gp->n_dims]);
    gp->noise = aglm_exp(gp->theta[gp->n_dims + 1]);
}

static void fill_covariance(aglm_gp *gp)
{
    for (size_t i = 0; i < gp->n_all; i++) {
        double *row = gp->factor + i * gp->cap;
        aglm_gp_point(gp, i, gp->point);
        aglm_gp_covariance(gp, gp->point, i / AGLM_GP_LANES * AGLM_GP_LANES, gp->n_all, row, NULL);
        row[i] = gp->scale + gp->noise;
    }
}

void aglm_gp_solve(aglm_gp *gp)
{
    memcpy(gp->alpha, gp->y, gp->n * sizeof *gp->alpha);
    aglm_cholesky_forward(gp->factor, gp->n, gp->cap, gp->alpha);
    aglm_cholesky_backward(gp->factor, gp->n, gp->cap, gp->alpha);
}

aglm_rc aglm_gp_condition(aglm_gp *gp, aglm_error *err)
{
    exp_theta(gp);
    aglm_gp_bend_points(gp, gp->n_all);
    for (int attempt = 0; attempt < 6; attempt++) {
        fill_covariance(gp);
        if (aglm_cholesky_factor(gp->factor, gp->n_all, gp->cap)) {
            aglm_gp_solve(gp);
            return AGLM_OK;
        }
        gp->noise = gp->noise * 10.0 + 1e-9 * gp->scale;
    }
    return aglm_error_set(err, AGLM_INVALID,
                          "the covariance of %zu trials is not positive definite", gp->n_all);
}

static double positive(const aglm_gp *gp, double variance)
{
    double least = LEAST_VARIANCE * gp->scale;

    return variance > least ? variance : least;
}

aglm_gp_belief aglm_gp_predict(aglm_gp *gp, const double *u, double *mean_by_u,
                               double *variance_by_u)
{
    double *k = gp->column[0];
    double *slope = gp->column[1];
    double *v = gp->column[2];

    aglm_gp_covariance(gp, u, 0, gp->n_all, k, mean_by_u ? slope : NULL);
    memcpy(v, k, gp->n_all * sizeof *v);
    aglm_cholesky_forward(gp->factor, gp->n_all, gp->cap, v);
    aglm_gp_belief b = {.mean = dot(k, gp->alpha, gp->n),
                        .variance = positive(gp, gp->scale - dot(v, v, gp->n_all))};
    if (!mean_by_u)
        return b;
    aglm_cholesky_backward(gp->factor, gp->n_all, gp->cap, v);
    for (size_t j = 0; j < gp->n_dims; j++) {
        const double *column = gp->u + j * gp->cap;
        double mean = 0.0;
        double variance = 0.0;
        for (size_t i = 0; !gp->is_choice[j] && i < gp->n_all; i++) {
            double d = slope[i] * (u[j] - column[i]);
            mean += i < gp->n ? gp->alpha[i] * d : 0.0;
            variance -= v[i] * d;
        }
        mean_by_u[j] = 2.0 * gp->w[j] * mean;
        variance_by_u[j] = 4.0 * gp->w[j] * variance;
    }
    return b;
}

static void predict_block(aglm_gp *gp, const double *u, size_t n, aglm_gp_belief *out)
{
    double *k = gp->column[0];
    double *sides = gp->work[0];
    aglm_cholesky_sides s = {.b = sides, .columns = n, .stride = SIDES};

    for (size_t c = 0; c < n; c++) {
        aglm_gp_covariance(gp, u + c * gp->n_dims, 0, gp->n_all, k, NULL);
        out[c] = (aglm_gp_belief){.mean = dot(k, gp->alpha, gp->n)};
        for (size_t i = 0; i < gp->n_all; i++)
            sides[i * SIDES + c] = k[i];
    }
    aglm_cholesky_forward_all(gp->factor, gp->n_all, gp->cap, &s);
    for (size_t i = 0; i < gp->n_all; i++) {
        for (size_t c = 0; c < n; c++)
            out[c].variance += sides[i * SIDES + c] * sides[i * SIDES + c];
    }
    for (size_t c = 0; c < n; c++)
        out[c].variance = positive(gp, gp->scale - out[c].variance);
}

void aglm_gp_predict_all(aglm_gp *gp, const double *u, size_t n, aglm_gp_belief *out)
{
    for (size_t at = 0; at < n; at += SIDES)
        predict_block(gp, u + at * gp->n_dims, n - at < SIDES ? n - at : SIDES, out + at);
}
