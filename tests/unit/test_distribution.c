#include "search/distribution.h"

#include <math.h>

#include "unit.h"

static char *json_of(const aglm_dist *d)
{
    aglm_str s;

    aglm_str_init(&s, 1u << 16);
    aglm_dist_write(d, &s);
    return aglm_str_take(&s);
}

#define assert_json(d, expected)                                                                   \
    do {                                                                                           \
        char *text_ = json_of(d);                                                                  \
        assert_string_equal(text_, expected);                                                      \
        free(text_);                                                                               \
    } while (0)

/* The expected texts were printed by Optuna 5.0.0's distribution_to_json. */
static void json_is_that_of_optuna(void **state)
{
    aglm_dist d;

    (void)state;
    assert_int_equal(aglm_dist_float(&d, 0, 1, 0, false, NULL), AGLM_OK);
    assert_json(&d,
                "{\"name\": \"FloatDistribution\", \"attributes\": {\"step\": null, \"low\": 0.0, "
                "\"high\": 1.0, \"log\": false}}");
    assert_int_equal(aglm_dist_float(&d, 1e-5, 1e-1, 0, true, NULL), AGLM_OK);
    assert_json(&d, "{\"name\": \"FloatDistribution\", \"attributes\": {\"step\": null, \"low\": "
                    "1e-05, \"high\": 0.1, \"log\": true}}");
    assert_int_equal(aglm_dist_float(&d, -1e22, 1e16, 0, false, NULL), AGLM_OK);
    assert_json(&d, "{\"name\": \"FloatDistribution\", \"attributes\": {\"step\": null, \"low\": "
                    "-1e+22, \"high\": 1e+16, \"log\": false}}");
    assert_int_equal(aglm_dist_float(&d, 0, 1, 0.25, false, NULL), AGLM_OK);
    assert_json(&d,
                "{\"name\": \"FloatDistribution\", \"attributes\": {\"step\": 0.25, \"low\": 0.0, "
                "\"high\": 1.0, \"log\": false}}");
    assert_int_equal(aglm_dist_int(&d, 1, 100, 1, true, NULL), AGLM_OK);
    assert_json(&d, "{\"name\": \"IntDistribution\", \"attributes\": {\"log\": true, \"step\": 1, "
                    "\"low\": 1, \"high\": 100}}");
    assert_int_equal(aglm_dist_int(&d, 0, 9, 2, false, NULL), AGLM_OK);
    assert_json(&d, "{\"name\": \"IntDistribution\", \"attributes\": {\"log\": false, \"step\": 2, "
                    "\"low\": 0, \"high\": 8}}");
    const aglm_choice mixed[] = {
        {.kind = AGLM_CHOICE_TEXT, .text = "a"},
        {.kind = AGLM_CHOICE_NULL},
        {.kind = AGLM_CHOICE_BOOL, .number = 1},
        {.kind = AGLM_CHOICE_INT, .number = 1},
        {.kind = AGLM_CHOICE_FLOAT, .number = 2.5},
        {.kind = AGLM_CHOICE_TEXT, .text = "\xc3\xa9\"\\\n\xe2\x80\xa8\xf0\x9f\x98\x80\x7f/"},
    };
    assert_int_equal(aglm_dist_choice(&d, mixed, 6, NULL), AGLM_OK);
    assert_json(&d, "{\"name\": \"CategoricalDistribution\", \"attributes\": {\"choices\": [\"a\", "
                    "null, true, 1, 2.5, \"\\u00e9\\\"\\\\\\n\\u2028\\ud83d\\ude00\\u007f/\"]}}");
    const aglm_choice floats[] = {
        {.kind = AGLM_CHOICE_FLOAT, .number = 1e-7},
        {.kind = AGLM_CHOICE_FLOAT, .number = 1e100},
        {.kind = AGLM_CHOICE_FLOAT, .number = 123456789012345680.0},
        {.kind = AGLM_CHOICE_FLOAT, .number = 1e15},
        {.kind = AGLM_CHOICE_FLOAT, .number = 1e16},
    };
    assert_int_equal(aglm_dist_choice(&d, floats, 5, NULL), AGLM_OK);
    assert_json(&d, "{\"name\": \"CategoricalDistribution\", \"attributes\": {\"choices\": [1e-07, "
                    "1e+100, 1.2345678901234568e+17, 1000000000000000.0, 1e+16]}}");
}

static aglm_rc read(aglm_dist *d, const char *json, aglm_arena *a, aglm_error *err)
{
    return aglm_dist_read(d, json, strlen(json), a, err);
}

static void reader_takes_all_forms(void **state)
{
    aglm_arena a;
    aglm_dist d;
    aglm_dist want;

    (void)state;
    aglm_arena_init(&a, 1u << 20);
    aglm_dist_float(&want, 0, 1, 0, false, NULL);
    assert_int_equal(read(&d,
                          "{\"attributes\": {\"high\": 1, \"low\": 0}, \"name\": "
                          "\"FloatDistribution\"}",
                          &a, NULL),
                     AGLM_OK);
    assert_true(aglm_dist_equal(&d, &want));
    assert_int_equal(read(&d,
                          "{\"name\": \"UniformDistribution\", \"attributes\": {\"low\": 0.0, "
                          "\"high\": 1.0}}",
                          &a, NULL),
                     AGLM_OK);
    assert_true(aglm_dist_equal(&d, &want));
    aglm_dist_float(&want, 0.1, 1, 0, true, NULL);
    assert_int_equal(read(&d,
                          "{\"name\": \"LogUniformDistribution\", \"attributes\": {\"low\": 0.1, "
                          "\"high\": 1.0}}",
                          &a, NULL),
                     AGLM_OK);
    assert_true(aglm_dist_equal(&d, &want));
    aglm_dist_float(&want, 0, 0.9, 0.1, false, NULL);
    assert_int_equal(read(&d,
                          "{\"name\": \"DiscreteUniformDistribution\", \"attributes\": {\"low\": "
                          "0, \"high\": 0.95, \"q\": 0.1}}",
                          &a, NULL),
                     AGLM_OK);
    assert_true(d.step == want.step && fabs(d.high - 0.9) < 1e-12);
    aglm_dist_int(&want, 0, 8, 2, false, NULL);
    assert_int_equal(
        read(&d, "{\"type\": \"int\", \"low\": 0, \"high\": 8, \"step\": 2}", &a, NULL), AGLM_OK);
    assert_true(aglm_dist_equal(&d, &want));
    assert_int_equal(read(&d,
                          "{\"name\": \"IntUniformDistribution\", \"attributes\": {\"low\": 0, "
                          "\"high\": 8, \"step\": 2}}",
                          &a, NULL),
                     AGLM_OK);
    assert_true(aglm_dist_equal(&d, &want));
    aglm_dist_int(&want, 1, 8, 1, true, NULL);
    assert_int_equal(read(&d,
                          "{\"name\": \"IntLogUniformDistribution\", \"attributes\": {\"low\": 1, "
                          "\"high\": 8, \"step\": 1}}",
                          &a, NULL),
                     AGLM_OK);
    assert_true(aglm_dist_equal(&d, &want));
    assert_int_equal(
        read(&d, "{\"type\": \"categorical\", \"choices\": [\"a\", null, true, 1.0]}", &a, NULL),
        AGLM_OK);
    assert_int_equal(d.n_choices, 4);
    assert_true(d.choices[3].number == 1.0);
    aglm_arena_clear(&a);
}

static void reader_names_what_is_wrong(void **state)
{
    static const struct {
        const char *json;
        const char *part;
    } bad[] = {
        {"{\"name\": \"FloatDistribution\", \"attributes\": {\"low\": 0}}", "high"},
        {"{\"name\": \"FloatDistribution\", \"attributes\": {\"low\": 2, \"high\": 1}}", "low 2"},
        {"{\"name\": \"NoDistribution\", \"attributes\": {}}", "NoDistribution"},
        {"{\"type\": \"categorical\", \"choices\": []}", "choices"},
        {"{\"type\": \"categorical\", \"choices\": [1, [2]]}", "choices[1]"},
        {"{\"type\": \"categorical\", \"choices\": [1, 1.0]}", "equal"},
        {"{\"type\": \"float\", \"low\": 0, \"high\": 1, \"log\": true}", "low 0"},
        {"[1]", "name"},
        {"{\"type\": \"int\", \"low\": 0, \"high\": 0.5}", "whole"},
        {"{", "distribution"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        aglm_arena a;
        aglm_dist d;
        aglm_error err = {0};
        aglm_arena_init(&a, 1u << 20);
        assert_int_equal(read(&d, bad[i].json, &a, &err), AGLM_FORMAT);
        assert_int_equal(err.rc, AGLM_FORMAT);
        if (!strstr(err.msg, bad[i].part))
            fail_msg("\"%s\" does not name %s", err.msg, bad[i].part);
        aglm_arena_clear(&a);
    }
}

static void makers_refuse_bad_bounds(void **state)
{
    aglm_dist d;
    aglm_error err;

    (void)state;
    assert_int_equal(aglm_dist_float(&d, 1, 0, 0, false, &err), AGLM_INVALID);
    assert_int_equal(aglm_dist_float(&d, NAN, 0, 0, false, &err), AGLM_INVALID);
    assert_int_equal(aglm_dist_float(&d, 0, INFINITY, 0, false, &err), AGLM_INVALID);
    assert_int_equal(aglm_dist_float(&d, 0, 1, -1, false, &err), AGLM_INVALID);
    assert_int_equal(aglm_dist_float(&d, 1, 2, 0.5, true, &err), AGLM_INVALID);
    assert_int_equal(aglm_dist_int(&d, 0, 4, 0, false, &err), AGLM_INVALID);
    assert_int_equal(aglm_dist_int(&d, 0, 4, 1, true, &err), AGLM_INVALID);
    assert_int_equal(aglm_dist_int(&d, 1, 9, 2, true, &err), AGLM_INVALID);
    assert_int_equal(aglm_dist_int(&d, 0, 1e300, 1, false, &err), AGLM_INVALID);
    assert_int_equal(aglm_dist_choice(&d, NULL, 0, &err), AGLM_INVALID);
}

static void equality_is_by_value(void **state)
{
    const aglm_choice one = {.kind = AGLM_CHOICE_INT, .number = 1};
    const aglm_choice one_float = {.kind = AGLM_CHOICE_FLOAT, .number = 1};
    const aglm_choice yes = {.kind = AGLM_CHOICE_BOOL, .number = 1};
    const aglm_choice text = {.kind = AGLM_CHOICE_TEXT, .text = "1"};
    aglm_dist a;
    aglm_dist b;

    (void)state;
    assert_true(aglm_choice_equal(&one, &one_float));
    assert_false(aglm_choice_equal(&one, &yes));
    assert_false(aglm_choice_equal(&one, &text));
    aglm_dist_choice(&a, &one, 1, NULL);
    aglm_dist_choice(&b, &one_float, 1, NULL);
    assert_true(aglm_dist_equal(&a, &b));
    aglm_dist_float(&a, 0, 1, 0, false, NULL);
    aglm_dist_float(&b, 0, 2, 0.5, false, NULL);
    assert_true(aglm_dist_compatible(&a, &b));
    assert_false(aglm_dist_equal(&a, &b));
}

/* The unit interval maps onto the domain and back. */
static bool comes_back(const aglm_dist *d, double value)
{
    double u = aglm_dist_to_unit(d, value);
    double back = aglm_dist_from_unit(d, u);

    if (!(u >= 0.0 && u <= 1.0) || !aglm_dist_contains(d, back))
        return false;
    if (aglm_dist_count(d) > 0)
        return back == value;
    return fabs(back - value) <= 1e-12 * (fabs(value) + d->high - d->low);
}

/* Whatever the domain, what is sampled, snapped or counted out lies in it. */
static void values_stay_inside(void **state)
{
    (void)state;
    for (uint64_t seed = 0; seed < 300; seed++) {
        aglm_rng rng;
        aglm_dist d;
        aglm_rng_init(&rng, seed);
        bool log = aglm_rng_below(&rng, 2);
        bool whole = aglm_rng_below(&rng, 2);
        double low = (log ? 1e-3 : -50.0) + 100.0 * aglm_rng_uniform(&rng);
        double high = low + pow(10.0, 8.0 * aglm_rng_uniform(&rng) - 4.0);
        double step = !log && aglm_rng_below(&rng, 2) ? (high - low) * aglm_rng_uniform(&rng) : 0.0;
        if (whole)
            assert_int_equal(aglm_dist_int(&d, ceil(low), ceil(low) + floor(high - low),
                                           log ? 1.0 : 1.0 + floor(step), log, NULL),
                             AGLM_OK);
        else
            assert_int_equal(aglm_dist_float(&d, low, high, step, log, NULL), AGLM_OK);
        for (int i = 0; i < 50; i++) {
            double wild = low + (high - low) * (3.0 * aglm_rng_uniform(&rng) - 1.0);
            uint64_t n = aglm_dist_count(&d);
            if (!comes_back(&d, aglm_dist_sample(&d, &rng)) ||
                !aglm_dist_contains(&d, aglm_dist_from_unit(&d, aglm_rng_uniform(&rng))))
                fail_msg("seed %llu: %.17g..%.17g step %.17g does not come back",
                         (unsigned long long)seed, d.low, d.high, d.step);
            if (!aglm_dist_contains(&d, aglm_dist_sample(&d, &rng)) ||
                !aglm_dist_contains(&d, aglm_dist_snap(&d, wild)) ||
                (n > 0 && !aglm_dist_contains(&d, aglm_dist_at(&d, aglm_rng_below(&rng, n)))))
                fail_msg("seed %llu: a value left %.17g..%.17g step %.17g",
                         (unsigned long long)seed, d.low, d.high, d.step);
        }
    }
}

static void contains_takes_rounding_and_nothing_else(void **state)
{
    aglm_dist d;

    (void)state;
    aglm_dist_float(&d, 0, 1, 0.1, false, NULL);
    assert_true(aglm_dist_contains(&d, 0.30000000000000004));
    assert_false(aglm_dist_contains(&d, 0.35));
    assert_false(aglm_dist_contains(&d, 1.1));
    assert_false(aglm_dist_contains(&d, NAN));
    aglm_dist_int(&d, 1, 9, 2, false, NULL);
    assert_true(aglm_dist_contains(&d, 5));
    assert_false(aglm_dist_contains(&d, 4));
    assert_int_equal(aglm_dist_count(&d), 5);
}

static void values_go_through_json(void **state)
{
    const aglm_choice mixed[] = {{.kind = AGLM_CHOICE_TEXT, .text = "relu"},
                                 {.kind = AGLM_CHOICE_NULL},
                                 {.kind = AGLM_CHOICE_BOOL, .number = 1},
                                 {.kind = AGLM_CHOICE_FLOAT, .number = 0.5}};
    static const char *const texts[] = {"\"relu\"", "null", "true", "0.5"};
    aglm_dist d;
    char shown[8];

    (void)state;
    aglm_dist_choice(&d, mixed, 4, NULL);
    for (size_t i = 0; i < 4; i++) {
        aglm_json_doc *doc;
        aglm_json_writer w;
        aglm_str s;
        double back = -1;
        aglm_str_init(&s, 1000);
        aglm_json_writer_init(&w, &s);
        aglm_dist_put(&d, (double)i, &w);
        assert_string_equal(s.data, texts[i]);
        assert_int_equal(aglm_json_parse(&doc, s.data, s.len, &(aglm_json_options){0}, NULL),
                         AGLM_OK);
        assert_int_equal(aglm_dist_get(&d, aglm_json_root(doc), &back, NULL), AGLM_OK);
        assert_true(back == (double)i);
        aglm_json_free(doc);
        aglm_str_clear(&s);
    }
    aglm_dist_format(&d, 0, shown, 4);
    assert_string_equal(shown, "rel");
    aglm_dist_int(&d, 0, 10, 1, false, NULL);
    aglm_dist_format(&d, 7, shown, sizeof shown);
    assert_string_equal(shown, "7");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(json_is_that_of_optuna),
        cmocka_unit_test(reader_takes_all_forms),
        cmocka_unit_test(reader_names_what_is_wrong),
        cmocka_unit_test(makers_refuse_bad_bounds),
        cmocka_unit_test(equality_is_by_value),
        cmocka_unit_test(values_stay_inside),
        cmocka_unit_test(contains_takes_rounding_and_nothing_else),
        cmocka_unit_test(values_go_through_json),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
