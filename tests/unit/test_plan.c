#include "tune/plan.h"

#include <math.h>

#include "tune_data.h"
#include "unit.h"

enum { POINT_MAX = 1 + AGLM_PLAN_MAX_LEARNERS * AGLM_HPARAM_MAX };

static const aglm_data_shape SHAPE = {
    .docs = 1000, .labels = 4, .mean_chars = 80, .chars = 80000, .share_cjk = 0.1};

static void open_plan(aglm_plan *p, const char *only)
{
    aglm_error err = {0};

    if (aglm_plan_init(p, &SHAPE, only, &err) != AGLM_OK)
        fail_msg("%s", err.msg);
    assert_true(p->space->n <= POINT_MAX);
}

/* Any point of the space: parameters of the chosen learner are set, all others are not. */
static void only_the_chosen_learner_is_active(void **state)
{
    double x[POINT_MAX];
    aglm_plan p;
    aglm_rng r;

    (void)state;
    open_plan(&p, NULL);
    assert_int_equal(p.n_learners, 2);
    assert_string_equal(p.space->params[0].name, "learner");
    aglm_rng_init(&r, 5);
    for (int round = 0; round < 200; round++) {
        aglm_space_sample(p.space, &r, x);
        size_t chosen = (size_t)x[0];
        for (size_t l = 0; l < p.n_learners; l++)
            for (size_t k = 0; k < p.n_params[l]; k++) {
                bool always = l == chosen && !p.params[l][k].when;
                assert_true(!isnan(x[p.first[l] + k]) || !always);
                assert_true(isnan(x[p.first[l] + k]) || l == chosen);
            }
        aglm_candidate c = aglm_plan_candidate(&p, x, 1, round);
        assert_ptr_equal(c.learner, p.learners[chosen]);
        assert_memory_equal(c.values, x + p.first[chosen], p.n_params[chosen] * sizeof *x);
    }
    aglm_plan_clear(&p);
}

static void starts_are_points_of_the_space(void **state)
{
    static const char *const ONLY[] = {NULL, "linear", "embed", "embed,linear"};
    double x[POINT_MAX], first[POINT_MAX];
    aglm_error err = {0};

    (void)state;
    for (size_t o = 0; o < sizeof ONLY / sizeof *ONLY; o++) {
        aglm_plan p;
        size_t n = 0;
        open_plan(&p, ONLY[o]);
        for (; aglm_plan_start(&p, n, x); n++) {
            if (aglm_space_check(p.space, x, &err) != AGLM_OK)
                fail_msg("start %zu: %s", n, err.msg);
            if (n < p.n_learners)
                assert_true(x[0] == (double)n);
            if (n == 0)
                memcpy(first, x, p.space->n * sizeof *x);
        }
        assert_true(n >= p.n_learners);
        assert_true(aglm_plan_start(&p, 0, x) && aglm_space_same(p.space, x, first));
        assert_false(aglm_plan_start(&p, n + 100, x));
        aglm_plan_clear(&p);
    }
}

static void learners_by_name(void **state)
{
    aglm_error err = {0};
    aglm_plan p;

    (void)state;
    open_plan(&p, "embed");
    assert_int_equal(p.n_learners, 1);
    assert_string_equal(p.learners[0]->name, "embed");
    aglm_plan_clear(&p);
    assert_int_equal(aglm_plan_init(&p, &SHAPE, "linear,forest", &err), AGLM_INVALID);
    assert_non_null(strstr(err.msg, "forest"));
    assert_int_equal(aglm_plan_init(&p, &SHAPE, "", &err), AGLM_INVALID);
    assert_int_equal(aglm_plan_init(&p, &SHAPE, "lin", &err), AGLM_INVALID);
}

static void trials_have_their_own_seeds(void **state)
{
    double x[POINT_MAX];
    aglm_plan p;

    (void)state;
    open_plan(&p, NULL);
    assert_true(aglm_plan_start(&p, 0, x));
    uint64_t a = aglm_plan_candidate(&p, x, 1, 0).seed;
    assert_true(a == aglm_plan_candidate(&p, x, 1, 0).seed);
    assert_true(a != aglm_plan_candidate(&p, x, 1, 1).seed);
    assert_true(a != aglm_plan_candidate(&p, x, 2, 0).seed);
    aglm_plan_clear(&p);
}

static void shape_is_of_the_documents(void **state)
{
    aglm_dataset *d = documents_new("a\tone two\nb\t\xe4\xbd\xa0\xe5\xa5\xbd\na\tthree\nb\tfour\n",
                                    AGLM_TASK_AUTO, NULL, 0);
    aglm_data_shape s = aglm_plan_shape(d);

    (void)state;
    assert_int_equal(s.docs, 4);
    assert_int_equal(s.labels, 2);
    assert_false(s.multi_label);
    assert_true(s.share_cjk > 0 && s.share_cjk < 0.5);
    assert_true(s.mean_chars > 1 && s.mean_chars < 10);
    aglm_dataset_free(d);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(only_the_chosen_learner_is_active),
        cmocka_unit_test(starts_are_points_of_the_space),
        cmocka_unit_test(learners_by_name),
        cmocka_unit_test(trials_have_their_own_seeds),
        cmocka_unit_test(shape_is_of_the_documents),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
