#include "eval/metric.h"

#include "unit.h"

static void names_go_there_and_back(void **state)
{
    (void)state;
    for (int m = 0; m < AGLM_METRICS; m++) {
        aglm_metric found = AGLM_METRICS;
        const char *name = aglm_metric_name((aglm_metric)m);
        assert_true(aglm_metric_from_name(name, &found));
        assert_int_equal(found, m);
        assert_non_null(strstr(aglm_metric_names(), name));
    }
}

static void hyphens_do_for_underscores(void **state)
{
    aglm_metric m = AGLM_METRICS;

    (void)state;
    assert_true(aglm_metric_from_name("macro-f1", &m));
    assert_int_equal(m, AGLM_METRIC_MACRO_F1);
    assert_true(aglm_metric_from_name("log-loss", &m));
    assert_int_equal(m, AGLM_METRIC_LOG_LOSS);
}

static void other_names_are_refused(void **state)
{
    const char *const wrong[] = {"", "acc", "accuracy ", "Accuracy", "f1", "macro_f", "macro_f11"};
    aglm_metric m = AGLM_METRIC_ECE;

    (void)state;
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++)
        assert_false(aglm_metric_from_name(wrong[i], &m));
    assert_int_equal(m, AGLM_METRIC_ECE);
}

static void losses_are_minimised(void **state)
{
    (void)state;
    for (int m = 0; m < AGLM_METRICS; m++)
        assert_int_equal(aglm_metric_maximize((aglm_metric)m),
                         m != AGLM_METRIC_LOG_LOSS && m != AGLM_METRIC_ECE &&
                             m != AGLM_METRIC_RMSE && m != AGLM_METRIC_MAE);
}

static void a_task_has_its_metric(void **state)
{
    (void)state;
    assert_int_equal(aglm_metric_default(AGLM_TASK_BINARY), AGLM_METRIC_ACCURACY);
    assert_int_equal(aglm_metric_default(AGLM_TASK_MULTICLASS), AGLM_METRIC_ACCURACY);
    assert_int_equal(aglm_metric_default(AGLM_TASK_MULTILABEL), AGLM_METRIC_MICRO_F1);
    assert_int_equal(aglm_metric_default(AGLM_TASK_REGRESSION), AGLM_METRIC_RMSE);
    for (int t = AGLM_TASK_BINARY; t <= AGLM_TASK_REGRESSION; t++)
        assert_true(aglm_metric_fits(aglm_metric_default((aglm_task)t), (aglm_task)t));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(names_go_there_and_back), cmocka_unit_test(hyphens_do_for_underscores),
        cmocka_unit_test(other_names_are_refused), cmocka_unit_test(losses_are_minimised),
        cmocka_unit_test(a_task_has_its_metric),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
