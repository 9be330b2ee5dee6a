#include "search/regret.h"

#include <math.h>

#include "autoglm/study.h"
#include "unit.h"

static aglm_study *new_study(const char *space)
{
    aglm_study_config c;
    aglm_study *s;

    aglm_study_config_init(&c);
    c.space = space;
    c.sampler = "random";
    assert_int_equal(aglm_study_new(&s, &c, NULL), AGLM_OK);
    return s;
}

static double bowl(const double *x)
{
    return (x[0] - 0.3) * (x[0] - 0.3) + 2.0 * (x[1] + 0.1) * (x[1] + 0.1);
}

static void run(aglm_study *s, int n, double scale)
{
    double x[2];
    int64_t number;

    for (int i = 0; i < n; i++) {
        assert_int_equal(aglm_study_ask(s, &number, x, NULL), AGLM_OK);
        const double v = scale * bowl(x);
        assert_int_equal(aglm_study_tell(s, number, AGLM_TRIAL_COMPLETE, &v, 1, NULL), AGLM_OK);
    }
}

static double bound_of(aglm_study *s)
{
    aglm_error err = {0};
    double bound;

    if (aglm_study_regret_bound(s, &bound, NULL, &err) != AGLM_OK)
        fail_msg("%s", err.msg);
    return bound;
}

static const char SPACE[] = "x=uniform(-1,1) y=uniform(-1,1)";

static void few_trials_have_no_bound(void **state)
{
    aglm_study *s = new_study(SPACE);

    (void)state;
    assert_true(isinf(bound_of(s)));
    run(s, AGLM_REGRET_LEAST - 1, 1.0);
    assert_true(isinf(bound_of(s)));
    run(s, 1, 1.0);
    assert_true(isfinite(bound_of(s)));
    aglm_study_free(s);
}

/* The least value of the bowl is 0: what the best trial has is its regret. */
static void it_bounds_the_regret_and_falls(void **state)
{
    aglm_study *s = new_study(SPACE);
    double best;
    double first = 0.0;
    double bound = 0.0;

    (void)state;
    for (int n = 20; n <= 80; n += 20) {
        run(s, 20, 1.0);
        bound = bound_of(s);
        assert_int_equal(aglm_study_best(s, NULL, &best, NULL, NULL), AGLM_OK);
        if (bound < best)
            fail_msg("%d trials: bound %g, but the regret is %g", n, bound, best);
        first = n == 20 ? bound : first;
    }
    assert_true(bound < first / 3.0);
    assert_true(bound == bound_of(s));
    aglm_study_free(s);
}

static void it_has_the_objectives_unit(void **state)
{
    aglm_study *small = new_study(SPACE);
    aglm_study *large = new_study(SPACE);

    (void)state;
    run(small, 40, 1.0);
    run(large, 40, 1024.0);
    const double ratio = bound_of(large) / bound_of(small);
    assert_true(fabs(ratio - 1024.0) < 1.0);
    aglm_study_free(small);
    aglm_study_free(large);
}

/* Scores 1, 2, 3, 4: variance 5/4, and (1/4 + 1/3) 5/4 = 35/48. */
static void scores_give_the_error(void **state)
{
    const double scores[] = {1, 2, 3, 4};
    const double bad[] = {1, NAN};
    aglm_study *s = new_study(SPACE);
    double bound;
    double error;
    double x[2];
    double v = -1.0;
    int64_t number;

    (void)state;
    run(s, 20, 1.0);
    assert_int_equal(aglm_study_regret_bound(s, &bound, &error, NULL), AGLM_OK);
    assert_true(isnan(error));
    assert_int_equal(aglm_study_ask(s, &number, x, NULL), AGLM_OK);
    assert_int_equal(aglm_study_set_scores(s, number, scores, 1, NULL), AGLM_INVALID);
    assert_int_equal(aglm_study_set_scores(s, number, bad, 2, NULL), AGLM_INVALID);
    assert_int_equal(aglm_study_set_scores(s, number, scores, 4, NULL), AGLM_OK);
    assert_int_equal(aglm_study_tell(s, number, AGLM_TRIAL_COMPLETE, &v, 1, NULL), AGLM_OK);
    assert_int_equal(aglm_study_set_scores(s, number, scores, 4, NULL), AGLM_INVALID);
    assert_int_equal(aglm_study_regret_bound(s, &bound, &error, NULL), AGLM_OK);
    assert_true(fabs(error - sqrt(35.0 / 48.0)) < 1e-12);
    aglm_study_free(s);
}

struct told {
    bool with_scores;
};

static aglm_rc objective(void *arg, aglm_study *s, int64_t number, const double *x, double *value)
{
    const struct told *t = arg;

    *value = bowl(x);
    const double scores[] = {*value - 0.2, *value + 0.2};
    return t->with_scores ? aglm_study_set_scores(s, number, scores, 2, NULL) : AGLM_OK;
}

static size_t trials_until(double regret, bool with_scores)
{
    aglm_study_limits l = {.trials = 150, .regret = regret};
    struct told t = {with_scores};
    aglm_study *s = new_study(SPACE);
    aglm_error err = {0};

    if (aglm_study_optimize(s, objective, &t, &l, &err) != AGLM_OK)
        fail_msg("%s", err.msg);
    size_t n = aglm_study_count(s, AGLM_TRIAL_COMPLETE);
    aglm_study_free(s);
    return n;
}

static void it_stops_a_search(void **state)
{
    (void)state;
    assert_int_equal(trials_until(0.0, false), 150);
    assert_int_equal(trials_until(1e9, false), AGLM_REGRET_LEAST);
    assert_int_equal(trials_until(AGLM_REGRET_ERROR, false), 150);
    const size_t by_scores = trials_until(AGLM_REGRET_ERROR, true);
    assert_in_range(by_scores, AGLM_REGRET_LEAST, 149);
    assert_in_range(trials_until(1e-2, false), by_scores, 149);
}

static void conditions_choices_and_one_point(void **state)
{
    aglm_study *s = new_study("n=choice(a(k=int(1,4)),b(r=loguniform(1e-4,1)),c) z=uniform(0,1)");
    aglm_study *one = new_study("x=int(3,3)");
    double x[4];
    int64_t number;

    (void)state;
    for (int i = 0; i < 40; i++) {
        assert_int_equal(aglm_study_ask(s, &number, x, NULL), AGLM_OK);
        const double v = x[0] + x[3] + (isnan(x[1]) ? 0.5 : 0.1 * x[1]);
        assert_int_equal(aglm_study_tell(s, number, AGLM_TRIAL_COMPLETE, &v, 1, NULL), AGLM_OK);
    }
    const double bound = bound_of(s);
    assert_true(bound >= 0.0 && bound < 10.0);
    assert_true(isinf(bound_of(one)));
    aglm_study_free(s);
    aglm_study_free(one);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(few_trials_have_no_bound),
        cmocka_unit_test(it_bounds_the_regret_and_falls),
        cmocka_unit_test(it_has_the_objectives_unit),
        cmocka_unit_test(scores_give_the_error),
        cmocka_unit_test(it_stops_a_search),
        cmocka_unit_test(conditions_choices_and_one_point),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
