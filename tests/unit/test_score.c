/* Constants named "scikit-learn" and "SciPy" were computed with scikit-learn 1.9.1 (accuracy_score,
 * f1_score, log_loss, roc_auc_score) and SciPy (binomtest, chi2.sf) from the very numbers here; the
 * calibration errors with NumPy by the definition (Guo et al. 2017, section 3). */
#include "eval/score.h"

#include <math.h>

#include "documents.h"
#include "unit.h"

#define NEAR 2e-8 /* probabilities are floats, the references used their exact values */

static void near(double got, double want)
{
    if (!(fabs(got - want) <= NEAR))
        fail_msg("%.17g, wanted %.17g", got, want);
}

static void metric_is(const aglm_dataset *d, const float *probs, aglm_metric m, double want)
{
    double got = NAN;

    assert_int_equal(
        aglm_score_metric(&got, m, &(aglm_predicted){d, NULL, aglm_dataset_size(d), probs}, NULL),
        AGLM_OK);
    near(got, want);
}

/* Each metric alone and all in one sheet say the same. */
static void scores_are(const aglm_dataset *d, const float *probs, const double want[AGLM_METRICS])
{
    aglm_score s;

    assert_int_equal(
        aglm_score_make(&s, &(aglm_predicted){d, NULL, aglm_dataset_size(d), probs}, NULL),
        AGLM_OK);
    for (int m = 0; m < AGLM_METRICS; m++) {
        if (!aglm_metric_fits((aglm_metric)m, s.task)) {
            assert_true(isnan(s.value[m]));
            continue;
        }
        near(s.value[m], want[m]);
        metric_is(d, probs, (aglm_metric)m, want[m]);
    }
    aglm_score_clear(&s);
}

static const char THREE[] = "a\tu\na\tv\nb\tw\nb\tx\nc\ty\nc\tz\nc\tr\na\ts\n";
static const float THREE_PROBS[] = {
    0.7f, 0.2f, 0.1f, 0.25f, 0.5f,   0.25f,  0.1f, 0.6f, 0.3f, 0.4f, 0.4f, 0.2f,
    0.2f, 0.2f, 0.6f, 0.5f,  0.125f, 0.375f, 0.1f, 0.3f, 0.6f, 0.8f, 0.1f, 0.1f,
};

static void three_labels_agree_with_scikit_learn(void **state)
{
    aglm_dataset *d = documents_new(THREE, AGLM_TASK_MULTICLASS, NULL, 0);
    const double want[AGLM_METRICS] = {
        [AGLM_METRIC_ACCURACY] = 0.625,
        [AGLM_METRIC_MACRO_F1] = 0.6238095238095238,
        [AGLM_METRIC_MICRO_F1] = 0.625,
        [AGLM_METRIC_WEIGHTED_F1] = 0.6392857142857143,
        [AGLM_METRIC_LOG_LOSS] = 0.6744636975718719,
        [AGLM_METRIC_AUC] = 0.9277777777777777,
        [AGLM_METRIC_ECE] = 0.38749999180436134,
    };

    (void)state;
    scores_are(d, THREE_PROBS, want);
    aglm_dataset_free(d);
}

static void the_class_report_and_confusion_are_right(void **state)
{
    aglm_dataset *d = documents_new(THREE, AGLM_TASK_MULTICLASS, NULL, 0);
    const uint32_t confusion[] = {2, 1, 0, 1, 1, 0, 1, 0, 2};
    aglm_score s;

    (void)state;
    assert_int_equal(aglm_score_make(&s, &(aglm_predicted){d, NULL, 8, THREE_PROBS}, NULL),
                     AGLM_OK);
    assert_int_equal(s.docs, 8);
    assert_int_equal(s.labels, 3);
    assert_false(s.multi_label);
    assert_memory_equal(s.confusion, confusion, sizeof confusion);
    near(s.classes[0].precision, 0.5);
    near(s.classes[0].recall, 2.0 / 3);
    near(s.classes[0].f1, 4.0 / 7);
    near(s.classes[2].precision, 1);
    near(s.classes[2].f1, 0.8);
    assert_int_equal(s.classes[0].predicted, 4);
    assert_int_equal(s.classes[0].support, 3);
    assert_int_equal(s.classes[0].correct, 2);
    aglm_score_clear(&s);
    aglm_dataset_free(d);
}

static void two_labels_with_ties_agree_with_scikit_learn(void **state)
{
    static const float probs[] = {0.75f, 0.25f, 0.5f,   0.5f,   0.5f,   0.5f,
                                  0.25f, 0.75f, 0.625f, 0.375f, 0.625f, 0.375f};
    aglm_dataset *d = documents_new("n\tu\nn\tv\ny\tw\ny\tx\ny\tz\nn\tr\n", AGLM_TASK_BINARY, NULL,
                                    0);
    const double want[AGLM_METRICS] = {
        [AGLM_METRIC_ACCURACY] = 2.0 / 3,
        [AGLM_METRIC_MACRO_F1] = 0.625,
        [AGLM_METRIC_MICRO_F1] = 2.0 / 3,
        [AGLM_METRIC_WEIGHTED_F1] = 0.625,
        [AGLM_METRIC_LOG_LOSS] = 0.5687485647134857,
        [AGLM_METRIC_AUC] = 7.0 / 9,
        [AGLM_METRIC_ECE] = 0.125,
    };

    (void)state;
    scores_are(d, probs, want);
    aglm_dataset_free(d);
}

/* d never occurs, c is predicted but never right: the macro mean is over a, b and c. */
static void labels_that_never_occur_do_not_count(void **state)
{
    static const char *const labels[] = {"a", "b", "c", "d"};
    static const float probs[] = {0.6f, 0.2f, 0.1f, 0.1f, 0.2f,  0.1f,  0.6f, 0.1f, 0.1f, 0.7f,
                                  0.1f, 0.1f, 0.1f, 0.8f, 0.05f, 0.05f, 0.5f, 0.3f, 0.1f, 0.1f};
    aglm_dataset *d = documents_new("a\tu\na\tv\nb\tw\nb\tx\nb\tz\n", AGLM_TASK_MULTICLASS, labels,
                                    4);
    const double want[AGLM_METRICS] = {
        [AGLM_METRIC_ACCURACY] = 0.6,
        [AGLM_METRIC_MACRO_F1] = 0.43333333333333335,
        [AGLM_METRIC_MICRO_F1] = 0.6,
        [AGLM_METRIC_WEIGHTED_F1] = 0.68,
        [AGLM_METRIC_LOG_LOSS] = 0.7808109487067375,
        [AGLM_METRIC_AUC] = (5.0 / 6 + 1) / 2, /* of a and b: the others have no positives */
        [AGLM_METRIC_ECE] = 0.2400000095367432,
    };

    (void)state;
    scores_are(d, probs, want);
    aglm_dataset_free(d);
}

static const char SETS[] = "p|r\tu\nq\tv\n\tw\np|q\tx\nr\tz\n";
static const float SET_PROBS[] = {0.9f, 0.2f, 0.4f, 0.1f, 0.5f, 0.3f, 0.2f, 0.1f,
                                  0.6f, 0.8f, 0.3f, 0.2f, 0.3f, 0.1f, 0.7f};

static void label_sets_agree_with_scikit_learn(void **state)
{
    aglm_dataset *d = documents_new(SETS, AGLM_TASK_MULTILABEL, NULL, 0);
    aglm_score s;
    const double want[AGLM_METRICS] = {
        [AGLM_METRIC_ACCURACY] = 0.4,
        [AGLM_METRIC_MACRO_F1] = 0.7222222222222222,
        [AGLM_METRIC_MICRO_F1] = 0.7272727272727273,
        [AGLM_METRIC_WEIGHTED_F1] = 0.7222222222222222,
        [AGLM_METRIC_LOG_LOSS] = 0.4075828421418668,
        [AGLM_METRIC_AUC] = 0.9444444444444445,
        [AGLM_METRIC_ECE] = 0.2066666727264722,
    };

    (void)state;
    scores_are(d, SET_PROBS, want);
    assert_int_equal(aglm_score_make(&s, &(aglm_predicted){d, NULL, 5, SET_PROBS}, NULL), AGLM_OK);
    assert_true(s.multi_label);
    assert_null(s.confusion);
    near(s.classes[1].precision, 1);
    near(s.classes[1].recall, 0.5);
    aglm_score_clear(&s);
    aglm_dataset_free(d);
}

static void an_absent_label_of_several_counts_as_none_right(void **state)
{
    static const char *const labels[] = {"p", "q", "r", "s"};
    aglm_dataset *d = documents_new(SETS, AGLM_TASK_MULTILABEL, labels, 4);
    float probs[20];
    double value = 0;

    (void)state;
    for (size_t i = 0; i < 20; i++)
        probs[i] = i % 4 == 3 ? 0.1f : SET_PROBS[i / 4 * 3 + i % 4];
    assert_int_equal(
        aglm_score_metric(&value, AGLM_METRIC_MACRO_F1, &(aglm_predicted){d, NULL, 5, probs}, NULL),
        AGLM_OK);
    near(value, 0.7222222222222222 * 3 / 4);
    aglm_dataset_free(d);
}

static void rows_choose_the_documents(void **state)
{
    static const uint32_t rows[] = {7, 2, 4};
    static const float probs[] = {0.8f, 0.1f, 0.1f, 0.1f, 0.6f, 0.3f, 0.2f, 0.2f, 0.6f};
    aglm_dataset *d = documents_new(THREE, AGLM_TASK_MULTICLASS, NULL, 0);
    double value = 0;

    (void)state;
    assert_int_equal(
        aglm_score_metric(&value, AGLM_METRIC_ACCURACY, &(aglm_predicted){d, rows, 3, probs}, NULL),
        AGLM_OK);
    near(value, 1);
    assert_int_equal(
        aglm_score_metric(&value, AGLM_METRIC_LOG_LOSS, &(aglm_predicted){d, rows, 3, probs}, NULL),
        AGLM_OK);
    near(value, -(log((double)0.8f) + 2 * log((double)0.6f)) / 3);
    aglm_dataset_free(d);
}

static void a_certain_mistake_costs_a_finite_loss(void **state)
{
    static const float probs[] = {0, 1, 0, 1};
    aglm_dataset *d = documents_new("a\tu\nb\tv\n", AGLM_TASK_BINARY, NULL, 0);

    (void)state;
    metric_is(d, probs, AGLM_METRIC_LOG_LOSS, -log(1e-15) / 2);
    metric_is(d, probs, AGLM_METRIC_ECE, 0.5);
    metric_is(d, probs, AGLM_METRIC_AUC, 0.5);
    aglm_dataset_free(d);
}

static void ties_go_to_the_lower_label(void **state)
{
    static const float v[] = {0.25f, 0.375f, 0.375f};

    (void)state;
    assert_int_equal(aglm_argmax(v, 3), 1);
    assert_int_equal(aglm_argmax(v, 1), 0);
}

/* n documents of two labels in turn, the first `right` of which are predicted well. */
static aglm_dataset *many_documents(size_t n, size_t right, float *probs)
{
    char *rows = malloc(n * 4 + 1);

    assert_non_null(rows);
    for (size_t i = 0; i < n; i++) {
        bool yes = i % 2, said = i < right ? yes : !yes;
        snprintf(rows + 4 * i, 5, "%c\tw\n", yes ? 'y' : 'n');
        probs[2 * i] = said ? 0.25f : 0.75f;
        probs[2 * i + 1] = said ? 0.75f : 0.25f;
    }
    aglm_dataset *d = documents_new(rows, AGLM_TASK_BINARY, NULL, 0);
    free(rows);
    return d;
}

/* The binomial's normal approximation is within a tenth of the width here. */
static void intervals_have_the_binomial_width(void **state)
{
    enum { N = 400, RIGHT = 320 };
    static float probs[2 * N];
    aglm_dataset *d = many_documents(N, RIGHT, probs);
    double half = 1.96 * sqrt(0.8 * 0.2 / N);
    aglm_score s, again;

    (void)state;
    assert_int_equal(aglm_score_make(&s, &(aglm_predicted){d, NULL, N, probs}, NULL), AGLM_OK);
    again = s;
    assert_int_equal(aglm_score_bootstrap(&s, &(aglm_predicted){d, NULL, N, probs}, 2000, 7, NULL),
                     AGLM_OK);
    assert_true(fabs(s.accuracy_95.low - (0.8 - half)) < 0.2 * half);
    assert_true(fabs(s.accuracy_95.high - (0.8 + half)) < 0.2 * half);
    assert_true(s.macro_f1_95.low < s.value[AGLM_METRIC_MACRO_F1]);
    assert_true(s.macro_f1_95.high > s.value[AGLM_METRIC_MACRO_F1]);
    assert_int_equal(
        aglm_score_bootstrap(&again, &(aglm_predicted){d, NULL, N, probs}, 2000, 7, NULL), AGLM_OK);
    assert_memory_equal(&s.accuracy_95, &again.accuracy_95, sizeof s.accuracy_95);
    assert_memory_equal(&s.macro_f1_95, &again.macro_f1_95, sizeof s.macro_f1_95);
    aglm_score_clear(&s);
    aglm_dataset_free(d);
}

static void no_mistake_leaves_no_width(void **state)
{
    static float probs[40];
    aglm_dataset *d = many_documents(20, 20, probs);
    aglm_score s;
    aglm_error err;

    (void)state;
    assert_int_equal(aglm_score_make(&s, &(aglm_predicted){d, NULL, 20, probs}, NULL), AGLM_OK);
    assert_int_equal(aglm_score_bootstrap(&s, &(aglm_predicted){d, NULL, 20, probs}, 1, 0, NULL),
                     AGLM_OK);
    assert_true(s.accuracy_95.low == 1 && s.accuracy_95.high == 1);
    assert_true(s.macro_f1_95.low == 1 && s.macro_f1_95.high == 1);
    assert_int_equal(aglm_score_bootstrap(&s, &(aglm_predicted){d, NULL, 20, probs}, 0, 0, &err),
                     AGLM_INVALID);
    assert_int_equal(aglm_score_bootstrap(&s, &(aglm_predicted){d, NULL, 0, probs}, 9, 0, &err),
                     AGLM_INVALID);
    assert_non_null(strstr(err.msg, "documents"));
    aglm_score_clear(&s);
    aglm_dataset_free(d);
}

static void mcnemar_agrees_with_scipy(void **state)
{
    static const struct {
        uint64_t b, c;
        double p;
    } cases[] = {
        {0, 0, 1},
        {1, 1, 1},
        {3, 9, 0.14599609375},
        {9, 3, 0.14599609375},
        {0, 6, 0.03125},
        {10, 14, 0.5412561893463135},
        {2, 22, 3.5881996154785156e-05},
        {12, 13, 1}, /* from 25 on: chi-square, continuity-corrected */
        {25, 25, 1},
        {5, 20, 0.005110260660855866},
        {30, 12, 0.008711912962379598},
        {100, 150, 0.0019415397850404208},
        {0, 25, 1.5866563039511885e-06},
    };

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        double p = aglm_mcnemar(cases[i].b, cases[i].c);
        if (!(fabs(p - cases[i].p) <= 1e-12 * cases[i].p))
            fail_msg("mcnemar(%d, %d) = %.17g, wanted %.17g", (int)cases[i].b, (int)cases[i].c, p,
                     cases[i].p);
    }
}

static const char NUMBERS[] = "a,b,target\n1,2,3\n2,2,-0.5\n3,1,2\n4,1,7\n";

/* The constants are those of scikit-learn's mean_absolute_error, root_mean_squared_error, r2_score.
 */
static void numbers_agree_with_scikit_learn(void **state)
{
    static const float said[] = {2.5f, 0, 2, 8};
    aglm_task_options task = {.task = AGLM_TASK_REGRESSION, .features = "a,b"};
    aglm_read_options read = {.format = AGLM_FORMAT_CSV};
    aglm_task_guess guess;
    aglm_table *t = NULL;
    aglm_dataset *d = NULL;
    aglm_score s;

    (void)state;
    assert_int_equal(aglm_table_parse(&t, "n.csv", NUMBERS, strlen(NUMBERS), &read, NULL), AGLM_OK);
    assert_int_equal(aglm_task_detect(&guess, t, &task, NULL), AGLM_OK);
    assert_int_equal(aglm_dataset_from_table(&d, t, &guess, NULL, NULL), AGLM_OK);
    const aglm_predicted p = {d, NULL, 4, said};
    assert_int_equal(aglm_score_make(&s, &p, NULL), AGLM_OK);
    near(s.value[AGLM_METRIC_MAE], 0.5);
    near(s.value[AGLM_METRIC_RMSE], 0.6123724356957945);
    near(s.value[AGLM_METRIC_R2], 0.9486081370449679);
    assert_true(isnan(s.value[AGLM_METRIC_ACCURACY]));
    assert_null(s.classes);
    assert_int_equal(aglm_score_bootstrap(&s, &p, 400, 1, NULL), AGLM_OK);
    assert_true(s.rmse_95.low >= 0 && s.rmse_95.low < 0.6123 && s.rmse_95.high > 0.6124);
    assert_true(s.rmse_95.high <= 1 && s.mae_95.high <= 1 && s.r2_95.high <= 1);
    aglm_score_clear(&s);
    aglm_str_clear(&guess.evidence);
    aglm_dataset_free(d);
    aglm_table_free(t);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(three_labels_agree_with_scikit_learn),
        cmocka_unit_test(the_class_report_and_confusion_are_right),
        cmocka_unit_test(two_labels_with_ties_agree_with_scikit_learn),
        cmocka_unit_test(labels_that_never_occur_do_not_count),
        cmocka_unit_test(label_sets_agree_with_scikit_learn),
        cmocka_unit_test(an_absent_label_of_several_counts_as_none_right),
        cmocka_unit_test(rows_choose_the_documents),
        cmocka_unit_test(numbers_agree_with_scikit_learn),
        cmocka_unit_test(a_certain_mistake_costs_a_finite_loss),
        cmocka_unit_test(ties_go_to_the_lower_label),
        cmocka_unit_test(intervals_have_the_binomial_width),
        cmocka_unit_test(no_mistake_leaves_no_width),
        cmocka_unit_test(mcnemar_agrees_with_scipy),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
