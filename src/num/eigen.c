#include "num/eigen.h"

#include <math.h>

#define MAX_SWEEPS 50

/* The part of the matrix that is still to be turned away. */
static double off_diagonal(const double *a, size_t n)
{
    double sum = 0.0;

    for (size_t i = 0; i < n; i++) {
        for (size_t j = 0; j < i; j++)
            sum += a[i * n + j] * a[i * n + j];
    }
    return sum;
}

static double diagonal(const double *a, size_t n)
{
    double sum = 0.0;

    for (size_t i = 0; i < n; i++)
        sum += a[i * n + i] * a[i * n + i];
    return sum;
}

static void rotate(double *x, double *y, size_t n, size_t stride, double c, double s)
{
    for (size_t k = 0; k < n; k++) {
        double u = x[k * stride];
        double v = y[k * stride];
        x[k * stride] = c * u - s * v;
        y[k * stride] = s * u + c * v;
    }
}

/* The rotation in the plane of axes p and q that makes a[p][q] zero. */
static void annihilate(double *a, double *vectors, size_t n, size_t p, size_t q)
{
    double apq = a[p * n + q];

    if (apq == 0.0)
        return;
    double theta = (a[q * n + q] - a[p * n + p]) / (2.0 * apq);
    double t = 1.0 / (fabs(theta) + sqrt(theta * theta + 1.0));
    t = theta < 0.0 ? -t : t;
    double c = 1.0 / sqrt(t * t + 1.0);
    rotate(a + p, a + q, n, n, c, t * c);
    rotate(a + p * n, a + q * n, n, 1, c, t * c);
    a[p * n + q] = a[q * n + p] = 0.0;
    rotate(vectors + p, vectors + q, n, n, c, t * c);
}

void aglm_eigen_symmetric(double *a, size_t n, double *values, double *vectors)
{
    for (size_t i = 0; i < n * n; i++)
        vectors[i] = i % (n + 1) == 0 ? 1.0 : 0.0;
    for (int sweep = 0; sweep < MAX_SWEEPS; sweep++) {
        if (off_diagonal(a, n) <= 1e-31 * diagonal(a, n))
            break;
        for (size_t p = 0; p + 1 < n; p++) {
            for (size_t q = p + 1; q < n; q++)
                annihilate(a, vectors, n, p, q);
        }
    }
    for (size_t i = 0; i < n; i++)
        values[i] = a[i * n + i];
}
