#include "num/lbfgs.h"

#include <math.h>

#include "unit.h"

static double rosenbrock(void *calls, const double *x, double *g)
{
    double a = x[1] - x[0] * x[0];

    ++*(int *)calls;
    g[0] = -400.0 * x[0] * a - 2.0 * (1.0 - x[0]);
    g[1] = 200.0 * a;
    return 100.0 * a * a + (1.0 - x[0]) * (1.0 - x[0]);
}

/* sum of (i + 1) (x_i - i)^2 */
static double bowl(void *calls, const double *x, double *g)
{
    double f = 0.0;

    ++*(int *)calls;
    for (int i = 0; i < 4; i++) {
        g[i] = 2.0 * (i + 1) * (x[i] - i);
        f += (i + 1) * (x[i] - i) * (x[i] - i);
    }
    return f;
}

/* -log x: a long step leaves the domain. */
static double barrier(void *calls, const double *x, double *g)
{
    ++*(int *)calls;
    g[0] = 1.0 - 1.0 / x[0];
    return x[0] > 0.0 ? x[0] - log(x[0]) : NAN;
}

static aglm_lbfgs_problem problem(double (*value)(void *, const double *, double *), size_t n,
                                  int *calls)
{
    static const double low[4] = {-5, -5, -5, -5};
    static const double high[4] = {5, 5, 5, 5};

    *calls = 0;
    return (aglm_lbfgs_problem){.n = n,
                                .value = value,
                                .arg = calls,
                                .low = low,
                                .high = high,
                                .max_calls = 200,
                                .tolerance = 1e-14,
                                .first_step = 0.1};
}

static void finds_known_minima(void **state)
{
    double x[4] = {-1.2, 1.0, 4.0, -4.0};
    double f;
    int calls;

    (void)state;
    aglm_lbfgs_problem p = problem(rosenbrock, 2, &calls);
    assert_int_equal(aglm_lbfgs_minimize(&p, x, &f, NULL), AGLM_OK);
    assert_true(f < 1e-10 && fabs(x[0] - 1.0) < 1e-4 && fabs(x[1] - 1.0) < 1e-4);
    p = problem(bowl, 4, &calls);
    assert_int_equal(aglm_lbfgs_minimize(&p, x, &f, NULL), AGLM_OK);
    for (int i = 0; i < 4; i++)
        assert_true(fabs(x[i] - i) < 1e-5);
    assert_true(calls < 40);
}

static void bounds_hold(void **state)
{
    const double low[4] = {0.5, -5, -5, 2};
    const double high[4] = {4, 0.25, 1.5, 2};
    const double want[4] = {0.5, 0.25, 1.5, 2};
    double x[4] = {9, 9, -9, 9}; /* clipped into the box first */
    double f;
    int calls;

    (void)state;
    aglm_lbfgs_problem p = problem(bowl, 4, &calls);
    p.low = low;
    p.high = high;
    assert_int_equal(aglm_lbfgs_minimize(&p, x, &f, NULL), AGLM_OK);
    for (int i = 0; i < 4; i++)
        assert_true(fabs(x[i] - want[i]) < 1e-6);
}

static void calls_are_bounded(void **state)
{
    double x[2] = {-1.2, 1.0};
    double f;
    int calls;

    (void)state;
    aglm_lbfgs_problem p = problem(rosenbrock, 2, &calls);
    p.max_calls = 7;
    assert_int_equal(aglm_lbfgs_minimize(&p, x, &f, NULL), AGLM_OK);
    assert_true(calls <= 7 && f < 24.2); /* the start's value */
}

static void steps_that_lead_nowhere_are_shortened(void **state)
{
    double x[1] = {0.01};
    double f;
    int calls;

    (void)state;
    aglm_lbfgs_problem p = problem(barrier, 1, &calls);
    p.first_step = 10.0;
    assert_int_equal(aglm_lbfgs_minimize(&p, x, &f, NULL), AGLM_OK);
    assert_true(fabs(x[0] - 1.0) < 1e-5);
    x[0] = -1.0;
    assert_int_equal(aglm_lbfgs_minimize(&p, x, &f, NULL), AGLM_INVALID);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(finds_known_minima),
        cmocka_unit_test(bounds_hold),
        cmocka_unit_test(calls_are_bounded),
        cmocka_unit_test(steps_that_lead_nowhere_are_shortened),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
