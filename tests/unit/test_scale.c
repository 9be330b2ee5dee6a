#include "plot/scale.h"

#include <math.h>

#include "unit.h"

static void labels_are(const aglm_scale *s, size_t most, const char *expected)
{
    aglm_tick ticks[AGLM_TICKS_MAX];
    char found[512] = "";
    size_t n = aglm_scale_ticks(s, most, ticks);

    for (size_t i = 0; i < n; i++) {
        snprintf(found + strlen(found), sizeof found - strlen(found), "%s%s", i ? " " : "",
                 ticks[i].name ? ticks[i].name : ticks[i].label);
        assert_true(ticks[i].at >= s->low - 1e-9 * fabs(s->low) &&
                    ticks[i].at <= s->high + 1e-9 * fabs(s->high));
        assert_true(i == 0 || ticks[i].at > ticks[i - 1].at);
    }
    assert_true(n <= most);
    assert_string_equal(found, expected);
}

static void over(double low, double high, bool log, size_t most, const char *expected)
{
    aglm_scale s = aglm_scale_over(low, high, log);

    labels_are(&s, most, expected);
}

static void ticks_are_round(void **state)
{
    (void)state;
    over(0, 1, false, 6, "0.0 0.2 0.4 0.6 0.8 1.0");
    over(0, 100, false, 5, "0 50 100");
    over(-3, 12, false, 4, "0 5 10");
    over(0.013, 0.0147, false, 5, "0.0130 0.0135 0.0140 0.0145");
    over(1e-9, 9e-9, false, 5, "2e-9 4e-9 6e-9 8e-9");
    over(0, 5e7, false, 6, "0 1e7 2e7 3e7 4e7 5e7");
    over(1e-5, 1e-1, true, 6, "1e-5 1e-4 0.001 0.01 0.1");
    over(1e-5, 1e-1, true, 3, "1e-5 0.001 0.1");
    over(1, 100, true, 10, "1 2 5 10 20 50 100");
    over(3, 4, true, 5, "3.0 3.5 4.0");
}

static void whole_scales_have_whole_ticks(void **state)
{
    aglm_scale s = aglm_scale_over(0, 2, false);

    (void)state;
    s.whole = true;
    labels_are(&s, 8, "0 1 2");
}

static void names_are_thinned(void **state)
{
    static const char *const names[] = {"a", "b", "c", "d", "e"};
    aglm_scale s = aglm_scale_named(names, 5);

    (void)state;
    labels_are(&s, 5, "a b c d e");
    labels_are(&s, 3, "a c e");
    assert_true(fabs(aglm_scale_unit(&s, 2) - 0.5) < 1e-12);
    s = aglm_scale_named(names, 0);
    labels_are(&s, 5, "");
}

/* Whatever comes in, the scale is usable: low < high, finite ticks, units of the ends 0 and 1. */
static void odd_bounds_are_mended(void **state)
{
    static const double ODD[] = {0,     -0.0,   1,      -1,     NAN,       INFINITY, -INFINITY,
                                 1e308, -1e308, 1e-310, 5e-324, 1 + 1e-15, 1e300,    1.7e308};
    size_t n = sizeof ODD / sizeof *ODD;

    (void)state;
    for (size_t i = 0; i < n * n * 2; i++) {
        aglm_scale s = aglm_scale_over(ODD[i / 2 % n], ODD[i / 2 / n], i % 2);
        aglm_tick ticks[AGLM_TICKS_MAX];
        assert_true(isfinite(s.low) && isfinite(s.high) && s.low < s.high);
        size_t count = aglm_scale_ticks(&s, 7, ticks);
        assert_true(count <= 7);
        for (size_t k = 0; k < count; k++)
            assert_true(isfinite(ticks[k].at) && ticks[k].label[0] &&
                        memchr(ticks[k].label, 0, AGLM_TICK_BYTES));
        assert_true(fabs(aglm_scale_unit(&s, s.low)) < 1e-6);
        assert_true(fabs(aglm_scale_unit(&s, s.high) - 1) < 1e-6);
    }
}

static void values_choose_their_scale(void **state)
{
    const double wide[] = {0.001, NAN, 5, INFINITY, 10};
    const double narrow[] = {3, 4, -INFINITY};
    const double none[] = {NAN, INFINITY};

    (void)state;
    assert_int_equal(aglm_scale_of(wide, 5).kind, AGLM_SCALE_LOG);
    assert_true(
        isnan(aglm_scale_unit(&(aglm_scale){.kind = AGLM_SCALE_LOG, .low = 1, .high = 2}, 0)));
    aglm_scale s = aglm_scale_of(narrow, 3);
    assert_int_equal(s.kind, AGLM_SCALE_LINEAR);
    assert_true(s.low < 3 && s.low > 2.8 && s.high > 4 && s.high < 4.2);
    s = aglm_scale_of(none, 2);
    assert_true(s.low == 0 && s.high == 1);
    s = aglm_scale_of(none, 0);
    assert_true(s.low == 0 && s.high == 1);
    s = aglm_scale_of(narrow, 1);
    assert_true(s.low < 3 && s.high > 3);
}

static void labels_are_short(void **state)
{
    static const struct {
        double v;
        const char *text;
    } CASES[] = {{0, "0"},         {-0.0, "0"},        {1, "1"},
                 {0.1, "0.1"},     {1e-5, "1e-5"},     {2.5e-7, "2.5e-7"},
                 {1e6, "1e6"},     {123456, "123456"}, {-1234567, "-1.23457e6"},
                 {0.001, "0.001"}, {1e300, "1e300"}};
    char buf[AGLM_TICK_BYTES];

    (void)state;
    for (size_t i = 0; i < sizeof CASES / sizeof *CASES; i++) {
        aglm_scale_label(buf, CASES[i].v, 6);
        assert_string_equal(buf, CASES[i].text);
    }
    aglm_scale_label(buf, 0.0123456, 3);
    assert_string_equal(buf, "0.0123");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(ticks_are_round),
        cmocka_unit_test(whole_scales_have_whole_ticks),
        cmocka_unit_test(names_are_thinned),
        cmocka_unit_test(odd_bounds_are_mended),
        cmocka_unit_test(values_choose_their_scale),
        cmocka_unit_test(labels_are_short),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
