#include <math.h>

#include "base/json.h"
#include "base/rng.h"
#include "unit.h"

static void formats_as_python(void **state)
{
    static const struct {
        double v;
        const char *text;
    } cases[] = {
        {0.0, "0.0"},
        {-0.0, "-0.0"},
        {1.0, "1.0"},
        {-1.5, "-1.5"},
        {0.1, "0.1"},
        {1e-5, "1e-05"},
        {0.0001, "0.0001"},
        {0.00012345, "0.00012345"},
        {1e15, "1000000000000000.0"},
        {1e16, "1e+16"},
        {123456789012345680.0, "1.2345678901234568e+17"},
        {1e22, "1e+22"},
        {1e100, "1e+100"},
        {5e-324, "5e-324"},
        {1.7976931348623157e308, "1.7976931348623157e+308"},
        {2.2250738585072014e-308, "2.2250738585072014e-308"},
        {0x1p-44, "5.684341886080802e-14"},
        {1.0 / 3, "0.3333333333333333"},
        {9007199254740993.0, "9007199254740992.0"},
        {100.0, "100.0"},
        {120.5, "120.5"},
        {9999999999999998.0, "9999999999999998.0"},
        {INFINITY, "inf"},
        {-INFINITY, "-inf"},
        {NAN, "nan"},
        {2e-323, "2e-323"},
        {0x1p-1074 * 3, "1.5e-323"},
    };
    char buf[32];

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        aglm_double_format(buf, cases[i].v);
        assert_string_equal(buf, cases[i].text);
    }
}

static void round_trips(void **state)
{
    aglm_rng r;
    char buf[32];

    (void)state;
    aglm_rng_init(&r, 1);
    for (int i = 0; i < 200000; i++) {
        uint64_t bits = aglm_rng_next(&r);
        double v;
        double back;
        memcpy(&v, &bits, sizeof v);
        if (i % 2)
            v = round(aglm_rng_uniform(&r) * 1e6) / 1000;
        if (v != v)
            continue;
        aglm_double_format(buf, v);
        assert_true(strlen(buf) < sizeof buf);
        assert_true(aglm_double_parse(buf, strlen(buf), &back));
        assert_memory_equal(&back, &v, sizeof v);
        assert_true(strtod(buf, NULL) == v);
    }
}

static void parses(void **state)
{
    static const struct {
        const char *text;
        double v;
    } good[] = {
        {"1", 1},          {"+1", 1},           {"-1.", -1},
        {".5", 0.5},       {"-.5e1", -5},       {"007", 7},
        {"1e5", 1e5},      {"1E+5", 1e5},       {"0", 0},
        {"00.10", 0.1},    {"1e400", INFINITY}, {"-Infinity", -INFINITY},
        {"INF", INFINITY}, {"1e-400", 0},       {"18446744073709551616", 0x1p64},
    };
    static const char *const bad[] = {
        "",   "-",   "+",    ".",     "e5", "1e",    "1e+", "1.2.3", "--1",   "+-1", "1 ",
        " 1", "1,5", "0x10", "infin", "na", "1e5.5", "1-2", "12a",   "1_000", "-+1", "1ee5"};
    double v;

    (void)state;
    for (size_t i = 0; i < sizeof good / sizeof good[0]; i++) {
        if (!aglm_double_parse(good[i].text, strlen(good[i].text), &v) || v != good[i].v)
            fail_msg("%s", good[i].text);
    }
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        if (aglm_double_parse(bad[i], strlen(bad[i]), &v))
            fail_msg("%s is taken for %g", bad[i], v);
    assert_true(aglm_double_parse("nan", 3, &v) && v != v);
    assert_true(aglm_double_parse("-0", 2, &v) && signbit(v));
    assert_true(aglm_double_parse("12345", 2, &v) && v == 12);
    char longest[2000];
    memset(longest, '1', sizeof longest);
    assert_false(aglm_double_parse(longest, sizeof longest, &v));
    assert_true(aglm_double_parse(longest, 300, &v) && v > 1e299);
    assert_false(aglm_double_parse("1\0", 2, &v));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(formats_as_python),
        cmocka_unit_test(round_trips),
        cmocka_unit_test(parses),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
