#include "search/gp_warp.h"

#include <math.h>
#include <string.h>

#include "num/dense.h"
#include "num/stats.h"

#define SQUARE_ROOT 7 /* warp; the next one is the fourth root, the others are logarithms */

/* c of each warp over the way from the least loss to the median. */
static const double part[AGLM_GP_STEEP_WARPS] = {INFINITY, 10.0, 3.0,  1.0, 0.3,
                                                 0.1,      0.03, 0.01, 0.01};

static double greatest_finite(const double *loss, size_t n)
{
    double most = -INFINITY;

    for (size_t i = 0; i < n; i++)
        most = isfinite(loss[i]) && loss[i] > most ? loss[i] : most;
    return isfinite(most) ? most : 0.0;
}

/* Losses made finite into y; the way from the least to the median, or to the mean where that is 0.
 */
static double spread(const double *loss, size_t n, double *y, double *least)
{
    double most = greatest_finite(loss, n);
    double sum = 0.0;

    *least = most;
    for (size_t i = 0; i < n; i++) {
        y[i] = loss[i] < most ? loss[i] : most;
        *least = y[i] < *least && isfinite(y[i]) ? y[i] : *least;
    }
    for (size_t i = 0; i < n; i++) {
        y[i] = (y[i] > *least ? y[i] : *least) - *least;
        sum += y[i];
    }
    size_t below = 0; /* the median by counting: the order of y stays */
    double median = INFINITY;
    for (size_t i = 0; i < n; i++) {
        below = 0;
        for (size_t k = 0; k < n; k++)
            below += y[k] < y[i] || (y[k] == y[i] && k < i);
        if (below == n / 2)
            median = y[i];
    }
    return median > 0.0 ? median : sum / (double)n;
}

/* log of d bend / dy is added to *log_slope. */
static double bend(double y, unsigned warp, double *log_slope)
{
    double log_y = aglm_log(y);
    double power = warp == SQUARE_ROOT ? 0.5 : 0.25;

    if (warp < SQUARE_ROOT) {
        *log_slope -= log_y;
        return log_y;
    }
    *log_slope += aglm_log(power) + (power - 1.0) * log_y;
    return warp == SQUARE_ROOT ? sqrt(y) : sqrt(sqrt(y));
}

double aglm_gp_warp(const double *loss, size_t n, unsigned warp, double *y)
{
    double least;
    double c = part[warp] * spread(loss, n, y, &least);
    double log_slope = 0.0;

    for (size_t i = 0; warp > 0 && c > 0.0 && i < n; i++)
        y[i] = bend(c + y[i], warp, &log_slope);
    double mean = aglm_mean(y, n);
    double deviation = sqrt(aglm_variance(y, n));
    for (size_t i = 0; i < n; i++)
        y[i] = deviation > 0.0 ? (y[i] - mean) / deviation : 0.0;
    return deviation > 0.0 ? log_slope - (double)n * aglm_log(deviation) : log_slope;
}

/* Log likelihood of y with the scale of the covariance at its best. */
static double likelihood(const aglm_gp *gp)
{
    double square = 0.0;

    for (size_t i = 0; i < gp->n; i++)
        square += gp->y[i] * gp->alpha[i];
    return square > 0.0 ? -0.5 * (double)gp->n * aglm_log(square) : 0.0;
}

unsigned aglm_gp_warp_choose(aglm_gp *gp, const double *loss, unsigned warps)
{
    unsigned best = 0;
    double most = -INFINITY;

    for (unsigned warp = 0; warp < warps; warp++) {
        double value = aglm_gp_warp(loss, gp->n, warp, gp->y);
        aglm_gp_solve(gp);
        value += likelihood(gp);
        if (value > most) {
            most = value;
            best = warp;
        }
    }
    (void)aglm_gp_warp(loss, gp->n, best, gp->y);
    aglm_gp_solve(gp);
    return best;
}
