#include "num/eigen.h"

#include <math.h>

#include "base/rng.h"
#include "unit.h"

#define MAX_N 24

static void fill(double *a, size_t n, aglm_rng *rng, double spread)
{
    for (size_t i = 0; i < n; i++) {
        for (size_t j = 0; j <= i; j++) {
            double scale = pow(spread, (double)(i + j) / (double)(2 * n));
            a[i * n + j] = a[j * n + i] = scale * aglm_rng_normal(rng);
        }
    }
}

/* a V = V diag(values) and V' V = 1, whatever the matrix; the trace is kept. */
static void check(const double *a, size_t n, uint64_t seed)
{
    double copy[MAX_N * MAX_N];
    double v[MAX_N * MAX_N];
    double values[MAX_N];
    double largest = 0.0;
    double off = 0.0;

    memcpy(copy, a, n * n * sizeof *a);
    aglm_eigen_symmetric(copy, n, values, v);
    for (size_t i = 0; i < n; i++)
        largest = fmax(largest, fabs(values[i]));
    for (size_t i = 0; i < n * n; i++) {
        size_t row = i / n;
        size_t col = i % n;
        double product = 0.0;
        double dot = 0.0;
        for (size_t k = 0; k < n; k++) {
            product += a[row * n + k] * v[k * n + col];
            dot += v[k * n + row] * v[k * n + col];
        }
        off = fmax(off, fabs(product - values[col] * v[i]) / (largest + 1e-300));
        off = fmax(off, fabs(dot - (row == col)));
    }
    if (off > 1e-13 * (double)n)
        fail_msg("seed %llu, n %zu: off by %g", (unsigned long long)seed, n, off);
}

static void random_matrices_are_taken_apart(void **state)
{
    (void)state;
    for (uint64_t seed = 0; seed < 200; seed++) {
        double a[MAX_N * MAX_N];
        aglm_rng rng;
        aglm_rng_init(&rng, seed);
        size_t n = 1 + aglm_rng_below(&rng, MAX_N);
        fill(a, n, &rng, seed % 3 ? 1.0 : 1e-12);
        check(a, n, seed);
    }
}

/* The path graph's second differences: 2 - 2 cos(k pi / (n + 1)). */
static void known_values_come_out(void **state)
{
    double a[MAX_N * MAX_N] = {0};
    double v[MAX_N * MAX_N];
    double values[MAX_N];

    (void)state;
    for (size_t i = 0; i < MAX_N; i++) {
        a[i * MAX_N + i] = 2.0;
        if (i > 0)
            a[i * MAX_N + i - 1] = a[(i - 1) * MAX_N + i] = -1.0;
    }
    aglm_eigen_symmetric(a, MAX_N, values, v);
    for (size_t k = 1; k <= MAX_N; k++) {
        double want = 2.0 - 2.0 * cos((double)k * acos(-1.0) / (MAX_N + 1));
        double nearest = INFINITY;
        for (size_t i = 0; i < MAX_N; i++)
            nearest = fmin(nearest, fabs(values[i] - want));
        assert_true(nearest < 1e-13);
    }
}

static void special_matrices_are_no_trouble(void **state)
{
    double zero[9] = {0};
    double ones[9] = {1, 1, 1, 1, 1, 1, 1, 1, 1};
    double huge[4] = {1e150, 1e-150, 1e-150, 1e-150};

    (void)state;
    check(zero, 3, 0);
    check(ones, 3, 0);
    check(huge, 2, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(random_matrices_are_taken_apart),
        cmocka_unit_test(known_values_come_out),
        cmocka_unit_test(special_matrices_are_no_trouble),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
