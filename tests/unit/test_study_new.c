#include <math.h>

#include "autoglm/study.h"
#include "unit.h"

static aglm_study *made(const char *space, aglm_direction direction)
{
    aglm_study_config c;
    aglm_study *s;
    aglm_error err = {0};

    aglm_study_config_init(&c);
    c.space = space;
    c.direction = direction;
    c.sampler = "random";
    if (aglm_study_new(&s, &c, &err) != AGLM_OK)
        fail_msg("%s", err.msg);
    return s;
}

static void points_are_read_by_name(void **state)
{
    aglm_study *s = made(
        "n=int(1,9) b=choice(16,32) m=choice(a(k=uniform(0,1)),c) f=choice(true,null)",
        AGLM_MINIMIZE);
    double x[5];
    aglm_error err;

    (void)state;
    assert_int_equal(aglm_study_n_params(s), 5);
    assert_string_equal(aglm_study_param(s, 3), "k");
    assert_null(aglm_study_param(s, 5));
    assert_int_equal(
        aglm_study_point(s, "{\"n\": 3, \"b\": 32, \"m\": \"c\", \"f\": true}", x, &err), AGLM_OK);
    assert_float_equal(aglm_study_number(s, x, "n"), 3, 0);
    assert_float_equal(aglm_study_number(s, x, "b"), 32, 0);
    assert_float_equal(aglm_study_number(s, x, "f"), 1, 0);
    assert_string_equal(aglm_study_text(s, x, "m"), "c");
    assert_true(isnan(aglm_study_number(s, x, "k")));
    assert_true(isnan(aglm_study_number(s, x, "m")));
    assert_true(isnan(aglm_study_number(s, x, "absent")));
    assert_null(aglm_study_text(s, x, "n"));
    assert_null(aglm_study_text(s, x, "absent"));
    assert_int_equal(
        aglm_study_point(s, "{\"n\": 10, \"b\": 32, \"m\": \"c\", \"f\": true}", x, &err),
        AGLM_INVALID);
    assert_int_equal(aglm_study_point(s, "{\"n\": ", x, &err), AGLM_FORMAT);
    aglm_study_free(s);
    aglm_study_free(NULL);
}

static void ask_and_tell_find_the_best(void **state)
{
    aglm_study *s = made("x=uniform(-1,1)", AGLM_MAXIMIZE);
    double x;
    double best = -INFINITY;
    double value = 0;
    double first = 0.5;
    int64_t number;

    (void)state;
    assert_int_equal(aglm_study_best(s, NULL, NULL, NULL, NULL), AGLM_NOTFOUND);
    assert_int_equal(aglm_study_enqueue(s, &first, NULL, NULL), AGLM_OK);
    for (int i = 0; i < 20; i++) {
        assert_int_equal(aglm_study_ask(s, &number, &x, NULL), AGLM_OK);
        assert_true(i > 0 || x == first);
        best = fmax(best, x);
        assert_int_equal(aglm_study_tell(s, number, AGLM_TRIAL_COMPLETE, &x, 1, NULL), AGLM_OK);
    }
    assert_int_equal(aglm_study_best(s, &number, &value, &x, NULL), AGLM_OK);
    assert_float_equal(value, best, 0);
    assert_float_equal(x, best, 0);
    aglm_study_free(s);
}

static aglm_rc objective(void *arg, aglm_study *s, int64_t number, const double *x, double *value)
{
    int *calls = arg;

    ++*calls;
    *value = aglm_study_number(s, x, "x");
    if (number == 1)
        return AGLM_IO;
    return number == 2 ? AGLM_PRUNED : AGLM_OK;
}

static void a_callback_is_optimized(void **state)
{
    aglm_study *s = made("x=uniform(-1,1)", AGLM_MINIMIZE);
    aglm_study_limits limits = {.trials = 12};
    int calls = 0;
    aglm_error err;

    (void)state;
    assert_int_equal(aglm_study_optimize(s, objective, &calls, &limits, &err), AGLM_OK);
    assert_int_equal(calls, 12);
    assert_int_equal(aglm_study_count(s, AGLM_TRIAL_FAIL), 1);
    assert_int_equal(aglm_study_count(s, AGLM_TRIAL_PRUNED), 1);
    assert_int_equal(aglm_study_count(s, AGLM_TRIAL_COMPLETE), 10);
    limits.timeout_s = -1;
    assert_int_equal(aglm_study_optimize(s, objective, &calls, &limits, &err), AGLM_INVALID);
    aglm_study_free(s);
}

static void what_is_wrong_is_named(void **state)
{
    static const char *const forbid[] = {"x>0 & y=1"};
    aglm_study_config c;
    aglm_study *s;
    aglm_error err;

    (void)state;
    aglm_study_config_init(&c);
    assert_int_equal(aglm_study_new(&s, &c, &err), AGLM_INVALID);
    c.space = "x=uniform(1,0)";
    assert_int_equal(aglm_study_new(&s, &c, &err), AGLM_INVALID);
    assert_non_null(strstr(err.msg, "parameter \"x\", character 11: low 1 is over high 0"));
    c.space = "x=uniform(0,1)";
    c.forbid = forbid;
    c.n_forbid = 1;
    assert_int_equal(aglm_study_new(&s, &c, &err), AGLM_INVALID);
    assert_non_null(strstr(err.msg, "there is no parameter \"y\""));
    c.n_forbid = 0;
    c.sampler = "magic";
    assert_int_equal(aglm_study_new(&s, &c, &err), AGLM_INVALID);
    c.sampler = NULL;
    c.storage = "ftp://x";
    assert_true(aglm_study_new(&s, &c, &err) < 0);
    assert_null(s);
}

static aglm_rc two_ways(void *arg, aglm_study *s, int64_t number, const double *x, double *value)
{
    (void)arg;
    (void)s;
    value[0] = (x[0] - 1.0) * (x[0] - 1.0);
    value[1] = -(x[0] + 1.0) * (x[0] + 1.0);
    return number == 5 ? AGLM_INVALID : AGLM_OK;
}

/* Between -1 and 1 neither objective gets better without the other. */
static void several_objectives_have_a_front(void **state)
{
    static const aglm_direction ways[] = {AGLM_MINIMIZE, AGLM_MAXIMIZE};
    const aglm_study_limits limits = {.trials = 60};
    aglm_study_config c;
    aglm_study *s;
    aglm_error err;
    int64_t numbers[60];
    double values[2];
    double x;
    size_t n;

    (void)state;
    aglm_study_config_init(&c);
    c.space = "x=uniform(-3,3)";
    c.directions = ways;
    c.n_directions = 2;
    assert_int_equal(aglm_study_new(&s, &c, NULL), AGLM_OK);
    assert_int_equal(aglm_study_optimize(s, two_ways, NULL, &limits, NULL), AGLM_OK);
    assert_int_equal(aglm_study_best(s, NULL, NULL, NULL, &err), AGLM_INVALID);
    assert_int_equal(aglm_study_front_numbers(s, numbers, 60, &n, NULL), AGLM_OK);
    assert_true(n > 10);
    for (size_t i = 0; i < n; i++) {
        assert_int_equal(aglm_study_result(s, numbers[i], values, &x, NULL), AGLM_OK);
        assert_true(fabs(x) < 1.2);
        assert_float_equal(values[0], (x - 1.0) * (x - 1.0), 1e-12);
    }
    assert_int_equal(aglm_study_result(s, 5, values, &x, &err), AGLM_NOTFOUND);
    assert_int_equal(aglm_study_result(s, 60, NULL, NULL, &err), AGLM_NOTFOUND);
    aglm_study_free(s);
    c.n_directions = 17;
    assert_int_equal(aglm_study_new(&s, &c, &err), AGLM_INVALID);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(points_are_read_by_name),
        cmocka_unit_test(ask_and_tell_find_the_best),
        cmocka_unit_test(a_callback_is_optimized),
        cmocka_unit_test(what_is_wrong_is_named),
        cmocka_unit_test(several_objectives_have_a_front),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
