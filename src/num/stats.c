#include "num/stats.h"

#include <math.h>
#include <stdlib.h>

#define SQRT_2PI 2.50662827463100050242
#define LOG_SQRT_2PI 0.91893853320467274178

double aglm_mean(const double *v, size_t n)
{
    double sum = 0;

    for (size_t i = 0; i < n; i++)
        sum += v[i];
    return n ? sum / (double)n : 0;
}

double aglm_variance(const double *v, size_t n)
{
    double mean = aglm_mean(v, n);
    double sum = 0;

    if (n < 2)
        return 0;
    for (size_t i = 0; i < n; i++)
        sum += (v[i] - mean) * (v[i] - mean);
    return sum / (double)(n - 1);
}

double aglm_quantile(const double *ascending, size_t n, double q)
{
    double at = q * (double)(n - 1);
    size_t low = (size_t)at;

    if (!(q > 0))
        return ascending[0];
    if (low + 1 >= n)
        return ascending[n - 1];
    return ascending[low] + (at - (double)low) * (ascending[low + 1] - ascending[low]);
}

static int compare_doubles(const void *a, const void *b)
{
    double x = *(const double *)a;
    double y = *(const double *)b;

    if (isnan(x) || isnan(y))
        return isnan(x) - isnan(y);
    return (x > y) - (x < y);
}

void aglm_sort_doubles(double *v, size_t n)
{
    if (n > 1)
        qsort(v, n, sizeof *v, compare_doubles);
}

double aglm_normal_pdf(double x)
{
    return exp(-0.5 * x * x) / SQRT_2PI;
}

/* (cdf(x) - 1/2) / pdf(x) = x + x^3/3 + x^5/(3*5) + ... (Marsaglia 2004, "Evaluating the normal
 * distribution"). */
static double centre_series(double x)
{
    double term = x;
    double sum = x;

    for (int k = 3; fabs(term) > 1e-17 * fabs(sum); k += 2) {
        term *= x * x / k;
        sum += term;
    }
    return sum;
}

/* Mills' ratio (1 - cdf(x)) / pdf(x) for x >= TAIL by Laplace's continued fraction x + 1/(x + 2/(x
 * + 3/...)), from its end. The error of n levels falls as exp(-2 x sqrt(2 n)), so 80 + 220 / x^2 of
 * them are past the last digit. */
#define TAIL 1.0

static double mills_ratio(double x)
{
    double f = x;

    for (int k = 80 + (int)(220 / (x * x)); k > 0; k--)
        f = x + k / f;
    return 1 / f;
}

double aglm_normal_cdf(double x)
{
    if (isnan(x))
        return x;
    if (x < -TAIL)
        return x < -40 ? 0 : aglm_normal_pdf(x) * mills_ratio(-x);
    if (x > TAIL)
        return x > 40 ? 1 : 1 - aglm_normal_pdf(x) * mills_ratio(x);
    return 0.5 + aglm_normal_pdf(x) * centre_series(x);
}

double aglm_normal_log_cdf(double x)
{
    if (x < -TAIL)
        return -0.5 * x * x - LOG_SQRT_2PI + log(mills_ratio(-x));
    return log(aglm_normal_cdf(x));
}

/* Newton on log cdf, which is concave, so it converges from the left of the root without overshoot
 * in the tail. */
static double lower_quantile(double p)
{
    double log_p = log(p);
    double x = p > 0.05 ? 0 : -sqrt(-2 * log_p);

    for (int i = 0; i < 60; i++) {
        double log_cdf = aglm_normal_log_cdf(x);
        double step = (log_cdf - log_p) * exp(log_cdf + 0.5 * x * x + LOG_SQRT_2PI);
        x -= step;
        if (fabs(step) <= 1e-15 * fabs(x))
            break;
    }
    return x;
}

double aglm_normal_quantile(double p)
{
    if (!(p >= 0 && p <= 1))
        return NAN;
    if (p == 0 || p == 1)
        return p == 0 ? -INFINITY : INFINITY;
    if (p == 0.5)
        return 0;
    return p < 0.5 ? lower_quantile(p) : -lower_quantile(1 - p);
}
