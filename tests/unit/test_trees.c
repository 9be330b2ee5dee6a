#include <math.h>

#include "learn/learner.h"
#include "learn/xgboost.h"
#include "table_data.h"

#define L (&aglm_learner_trees)
enum { ROWS = 400, TRAIN = 300 };
static const aglm_fit_context CONTEXT = {.seed = 5};

/* Skips where XGBoost is not installed. */
static int needs_xgboost(void **state)
{
    aglm_xgboost x;

    (void)state;
    if (aglm_xgboost_load(&x, NULL) != AGLM_OK)
        puts("XGBoost is not installed: trees are not tested");
    return 0;
}

static bool is_absent(void)
{
    aglm_xgboost x;

    return aglm_xgboost_load(&x, NULL) != AGLM_OK;
}

static void set_values(double *v, bool forest)
{
    const aglm_data_shape shape = {.docs = ROWS, .labels = 2, .tabular = true};
    aglm_hparam space[AGLM_HPARAM_MAX];
    size_t n = L->space(&shape, space);

    for (size_t i = 0; i < n; i++)
        v[i] = space[i].start;
    v[0] = forest;
    v[1] = 40;
}

static aglm_model *fit(const aglm_dataset *d, bool forest, bool backwards)
{
    double values[AGLM_HPARAM_MAX];
    uint32_t rows[TRAIN];
    aglm_model *m = NULL;
    aglm_error err = {0};
    void *self = NULL;

    set_values(values, forest);
    for (uint32_t i = 0; i < TRAIN; i++)
        rows[i] = backwards ? TRAIN - 1 - i : i;
    if (L->open(&self, d, values, &CONTEXT, &err) != AGLM_OK ||
        L->fit(self, rows, TRAIN, &CONTEXT, &m, &err) != AGLM_OK)
        fail_msg("%s", err.msg);
    L->close(self);
    return m;
}

/* Logits of the rows that were not learned from, row by row. */
static void predict(const aglm_model *m, const aglm_dataset *d, float *logits)
{
    aglm_predictor *p = NULL;
    aglm_error err = {0};

    assert_int_equal(L->predictor(&p, m, &err), AGLM_OK);
    for (size_t i = TRAIN; i < ROWS; i++) {
        aglm_doc doc = aglm_dataset_doc(d, i);
        if (L->predict(p, doc.text, doc.len, logits + (i - TRAIN) * m->n_labels, &err) != AGLM_OK)
            fail_msg("%s", err.msg);
    }
    L->free_predictor(p);
}

static double accuracy(const aglm_model *m, const aglm_dataset *d)
{
    float logits[(ROWS - TRAIN) * 3];
    size_t right = 0, k = m->n_labels;

    predict(m, d, logits);
    for (size_t i = TRAIN; i < ROWS; i++) {
        const float *z = logits + (i - TRAIN) * k;
        size_t best = 0;
        for (size_t l = 1; l < k; l++)
            best = z[l] > z[best] ? l : best;
        right += best == aglm_dataset_doc(d, i).labels[0];
    }
    return (double)right / (ROWS - TRAIN);
}

static void classes_are_learned(void **state)
{
    (void)state;
    if (is_absent())
        skip();
    for (int k = 0; k < 4; k++) {
        aglm_dataset *d = table_new(ROWS, 3, k % 2 ? TABLE_MULTICLASS : TABLE_BINARY);
        aglm_model *m = fit(d, k >= 2, false);
        assert_in_range((int)(100 * accuracy(m, d)), 85, 100);
        L->free_model(m);
        aglm_dataset_free(d);
    }
}

static void numbers_are_learned(void **state)
{
    float value[ROWS - TRAIN];

    (void)state;
    if (is_absent())
        skip();
    for (int forest = 0; forest < 2; forest++) {
        aglm_dataset *d = table_new(ROWS, 4, TABLE_REGRESSION);
        aglm_model *m = fit(d, forest, false);
        double squared = 0;
        predict(m, d, value);
        for (size_t i = TRAIN; i < ROWS; i++)
            squared += pow((double)value[i - TRAIN] - aglm_dataset_target(d, i), 2);
        assert_true(sqrt(squared / (ROWS - TRAIN)) < 2.5); /* the targets' own spread is 5 */
        L->free_model(m);
        aglm_dataset_free(d);
    }
}

static void bytes_do_not_depend_on_row_order(void **state)
{
    aglm_dataset *d = table_new(ROWS, 5, TABLE_MULTICLASS);
    aglm_error err = {0};
    aglm_str a, b;

    (void)state;
    aglm_str_init(&a, 1 << 24);
    aglm_str_init(&b, 1 << 24);
    for (int forest = 0; forest < 2 && !is_absent(); forest++) {
        aglm_model *one = fit(d, forest, false), *two = fit(d, forest, true);
        aglm_str_reset(&a);
        aglm_str_reset(&b);
        assert_int_equal(L->save(one, &a, &err), AGLM_OK);
        assert_int_equal(L->save(two, &b, &err), AGLM_OK);
        assert_int_equal(a.len, b.len);
        assert_memory_equal(a.data, b.data, a.len);
        L->free_model(one);
        L->free_model(two);
    }
    aglm_str_clear(&a);
    aglm_str_clear(&b);
    aglm_dataset_free(d);
}

static void a_saved_model_predicts_the_same(void **state)
{
    float before[(ROWS - TRAIN) * 3], after[(ROWS - TRAIN) * 3];
    aglm_dataset *d = table_new(ROWS, 6, TABLE_MULTICLASS);
    aglm_model *again = NULL;
    aglm_error err = {0};
    aglm_str s;

    (void)state;
    aglm_str_init(&s, 1 << 24);
    if (!is_absent()) {
        aglm_model *m = fit(d, false, false);
        assert_int_equal(L->save(m, &s, &err), AGLM_OK);
        if (L->load(&again, s.data, s.len, &err) != AGLM_OK)
            fail_msg("%s", err.msg);
        predict(m, d, before);
        predict(again, d, after);
        assert_memory_equal(before, after, sizeof before);
        assert_true(aglm_model_reading(m) == aglm_model_reading(again));
        L->free_model(m);
        L->free_model(again);
        for (size_t i = 0; i < s.len; i += i < 64 ? 1 : 97) {
            s.data[i] ^= 0x20;
            assert_int_equal(L->load(&again, s.data, s.len, &err), AGLM_FORMAT);
            s.data[i] ^= 0x20;
        }
        assert_int_equal(L->load(&again, s.data, s.len - 1, &err), AGLM_FORMAT);
        assert_int_equal(L->load(&again, s.data, 5, &err), AGLM_FORMAT);
    }
    aglm_str_clear(&s);
    aglm_dataset_free(d);
}

/* SHAP values and their bias add up to the logit; the column that matters most is named. */
static void explanations_name_the_column(void **state)
{
    aglm_dataset *d = table_new(ROWS, 7, TABLE_REGRESSION);
    static const char row[] = "9.5\x1f"
                              "8\x1fgreen\x1f"
                              "0";
    aglm_explained found[4];
    aglm_predictor *p = NULL;
    aglm_error err = {0};
    float low[1], high[1];
    size_t n = 0;

    (void)state;
    if (!is_absent()) {
        aglm_model *m = fit(d, false, false);
        assert_int_equal(L->predictor(&p, m, &err), AGLM_OK);
        if (L->explain(p, row, sizeof row - 1, 0, found, 4, &n, &err) != AGLM_OK)
            fail_msg("%s", err.msg);
        assert_in_range(n, 2, 4);
        assert_int_equal(found[0].begin, 6);
        assert_int_equal(found[0].end, 11);
        for (size_t i = 1; i < n; i++)
            assert_true(fabsf(found[i].weight) <= fabsf(found[i - 1].weight));
        assert_int_equal(L->predict(p, "1\t1\tred\t0", 9, low, &err), AGLM_OK);
        assert_int_equal(L->predict(p, row, sizeof row - 1, high, &err), AGLM_OK);
        assert_true(high[0] > low[0] + 10);
        assert_int_equal(L->predict(p, "1\t1", 3, low, &err), AGLM_INVALID);
        L->free_predictor(p);
        L->free_model(m);
    }
    aglm_dataset_free(d);
}

static void limits_and_stops(void **state)
{
    aglm_dataset *d = table_new(ROWS, 8, TABLE_BINARY);
    aglm_fit_context small = {.max_memory_bytes = 100}, stopped = {0};
    double values[AGLM_HPARAM_MAX];
    uint32_t rows[] = {0, 1, 2, 3};
    aglm_cancel cancel;
    aglm_model *m = NULL;
    aglm_error err = {0};
    void *self = NULL;

    (void)state;
    set_values(values, false);
    assert_int_equal(L->open(&self, d, values, &small, &err), AGLM_LIMIT);
    values[2] = 0.5;
    assert_int_equal(L->open(&self, d, values, &CONTEXT, &err), AGLM_INVALID);
    values[2] = 3;
    aglm_cancel_init(&cancel, NULL, 0);
    aglm_cancel_stop(&cancel);
    stopped.cancel = &cancel;
    if (!is_absent()) {
        assert_int_equal(L->open(&self, d, values, &CONTEXT, &err), AGLM_OK);
        assert_int_equal(L->fit(self, rows, 4, &stopped, &m, &err), AGLM_CANCELLED);
        assert_null(m);
        L->close(self);
    }
    aglm_dataset_free(d);
}

static void without_xgboost_the_mend_is_told(void **state)
{
    const char *before = getenv("AGLM_XGBOOST");
    char *kept = before ? strdup(before) : NULL;
    aglm_error err = {0};

    (void)state;
    setenv("AGLM_XGBOOST", "/nowhere/libxgboost.so", 1);
    assert_int_equal(L->ready(&err), AGLM_UNSUPPORTED);
    assert_non_null(strstr(err.msg, "install libxgboost-dev"));
    if (kept)
        setenv("AGLM_XGBOOST", kept, 1);
    else
        unsetenv("AGLM_XGBOOST");
    free(kept);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(classes_are_learned),
        cmocka_unit_test(numbers_are_learned),
        cmocka_unit_test(bytes_do_not_depend_on_row_order),
        cmocka_unit_test(a_saved_model_predicts_the_same),
        cmocka_unit_test(explanations_name_the_column),
        cmocka_unit_test(limits_and_stops),
        cmocka_unit_test(without_xgboost_the_mend_is_told),
    };
    return cmocka_run_group_tests(tests, needs_xgboost, NULL);
}
