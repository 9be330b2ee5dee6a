#include "search/gp_acquisition.h"

#include <math.h>

#include "num/dense.h"
#include "search/normal.h"

#define FAR 25.0 /* from here the series in 1 / z^2 is exact to the last digits */

/* 1 - z Mills(z) for z > 0: phi(z) times this is the expected improvement at -z. */
static double remainder_of(double z)
{
    double q = 1.0 / (z * z);

    if (z < FAR)
        return 1.0 - z * aglm_normal_mills(z);
    return q * (1.0 - q * (3.0 - q * (15.0 - q * (105.0 - q * (945.0 - q * 10395.0)))));
}

double aglm_log_improvement(double z, double *derivative)
{
    double log_density = -0.5 * z * z - AGLM_LOG_SQRT_2PI;

    if (z < -1.0) {
        double rest = remainder_of(-z);
        if (derivative)
            *derivative = (1.0 - rest) / (-z * rest);
        return log_density + aglm_log(rest);
    }
    double mass = 1.0 - aglm_normal_tail(z);
    double h = aglm_exp(log_density) + z * mass;
    if (derivative)
        *derivative = mass / h;
    return aglm_log(h);
}

double aglm_gp_log_ei(const aglm_gp_belief *b, double best)
{
    double deviation = sqrt(b->variance);

    return aglm_log_improvement((best - b->mean) / deviation, NULL) + aglm_log(deviation);
}

double aglm_gp_log_ei_at(aglm_gp *gp, const double *u, double best, double *gradient)
{
    double *by_variance = gp->point;
    double slope;
    aglm_gp_belief b = aglm_gp_predict(gp, u, gradient, by_variance);
    double deviation = sqrt(b.variance);
    double z = (best - b.mean) / deviation;
    double value = aglm_log_improvement(z, &slope) + aglm_log(deviation);

    for (size_t j = 0; j < gp->n_dims; j++) {
        double by_deviation = by_variance[j] / (2.0 * deviation);
        gradient[j] = -slope * gradient[j] / deviation +
                      (1.0 - slope * z) * by_deviation / deviation;
    }
    return value;
}

/* log Phi(t) and its derivative. */
static double log_mass(double t, double *derivative)
{
    double log_density = -0.5 * t * t - AGLM_LOG_SQRT_2PI;

    if (t < 0.0) {
        double mills = aglm_normal_mills(-t);
        *derivative = 1.0 / mills;
        return log_density + aglm_log(mills);
    }
    double mass = 1.0 - aglm_normal_tail(t);
    *derivative = aglm_exp(log_density) / mass;
    return aglm_log(mass);
}

double aglm_gp_log_below(const aglm_gp_belief *b, double limit)
{
    double slope;

    return log_mass((limit - b->mean) / sqrt(b->variance), &slope);
}

double aglm_gp_log_below_at(aglm_gp *gp, const double *u, double limit, double *gradient)
{
    double *by_variance = gp->point;
    double slope;
    aglm_gp_belief b = aglm_gp_predict(gp, u, gradient, by_variance);
    double deviation = sqrt(b.variance);
    double t = (limit - b.mean) / deviation;
    double value = log_mass(t, &slope);

    for (size_t j = 0; j < gp->n_dims; j++)
        gradient[j] = -slope * (gradient[j] / deviation + t * by_variance[j] / (2.0 * b.variance));
    return value;
}
