#include "num/stats.h"

#include <math.h>

#include "unit.h"

static void moments_and_quantiles(void **state)
{
    double v[] = {4, 1, 3, 2};
    double with_nan[] = {NAN, 2, 1};

    (void)state;
    assert_true(aglm_mean(v, 4) == 2.5);
    assert_true(aglm_mean(v, 0) == 0);
    assert_true(fabs(aglm_variance(v, 4) - 5.0 / 3) < 1e-15);
    assert_true(aglm_variance(v, 1) == 0);
    aglm_sort_doubles(v, 4);
    assert_true(v[0] == 1 && v[3] == 4);
    assert_true(aglm_quantile(v, 4, 0) == 1 && aglm_quantile(v, 4, 1) == 4);
    assert_true(aglm_quantile(v, 4, 0.5) == 2.5);
    assert_true(aglm_quantile(v, 1, 0.3) == 1);
    aglm_sort_doubles(with_nan, 3);
    assert_true(with_nan[0] == 1 && isnan(with_nan[2]));
}

static void cdf_agrees_with_erfc(void **state)
{
    (void)state;
    for (double x = -37; x <= 37; x += 0.0625) {
        double want = 0.5 * erfc(-x / sqrt(2));
        double got = aglm_normal_cdf(x);
        /* Both round x * x, which exp magnifies. */
        if (fabs(got - want) > (1e-14 + 4e-16 * x * x) * want)
            fail_msg("cdf(%g) = %.17g, erfc says %.17g", x, got, want);
        assert_true(fabs(aglm_normal_log_cdf(x) - log(want)) <= 1e-13 * (1 + fabs(log(want))));
    }
    assert_true(aglm_normal_cdf(-50) == 0 && aglm_normal_cdf(50) == 1);
    assert_true(isfinite(aglm_normal_log_cdf(-1e6)));
    assert_true(isnan(aglm_normal_cdf(NAN)));
}

static void quantile_inverts_cdf(void **state)
{
    (void)state;
    for (double p = 1e-300; p < 0.5; p *= 1.7) {
        double x = aglm_normal_quantile(p);
        if (fabs(aglm_normal_log_cdf(x) - log(p)) > 1e-12 * fabs(log(p)))
            fail_msg("quantile(%g) = %.17g", p, x);
    }
    for (double p = 0.5; p < 1; p += 0.001)
        assert_true(fabs(aglm_normal_cdf(aglm_normal_quantile(p)) - p) < 1e-14);
    assert_true(fabs(aglm_normal_quantile(0.975) - 1.959963984540054) < 1e-14);
    assert_true(aglm_normal_quantile(0) == -INFINITY && aglm_normal_quantile(1) == INFINITY);
    assert_true(aglm_normal_quantile(0.5) == 0);
    assert_true(isnan(aglm_normal_quantile(-0.1)) && isnan(aglm_normal_quantile(NAN)));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(moments_and_quantiles),
        cmocka_unit_test(cdf_agrees_with_erfc),
        cmocka_unit_test(quantile_inverts_cdf),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
