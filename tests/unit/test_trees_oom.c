/* Every allocation of the trees learner's own fails once, and then for good. */
#include "learn/learner.h"
#include "learn/xgboost.h"
#include "oom.h"
#include "table_data.h"

enum { ROWS = 60 };

static aglm_rc use_model(const aglm_learner_ops *l, const aglm_model *m, aglm_error *err)
{
    static const char row[] = "1\t2\tgreen\t3";
    aglm_predictor *p = NULL;
    aglm_explained spans[4];
    float z[3];
    size_t n;
    aglm_rc rc = l->predictor(&p, m, err);

    if (!rc)
        rc = l->predict(p, row, sizeof row - 1, z, err);
    if (!rc)
        rc = l->explain(p, row, sizeof row - 1, 0, spans, 4, &n, err);
    l->free_predictor(p);
    return rc;
}

static aglm_rc reload(const aglm_learner_ops *l, const aglm_model *m, aglm_error *err)
{
    aglm_model *copy = NULL;
    aglm_str s;

    aglm_str_init(&s, (size_t)1 << 24);
    aglm_rc rc = l->save(m, &s, err);
    if (!rc)
        rc = l->load(&copy, s.data, s.len, err);
    aglm_model_free(copy);
    aglm_str_clear(&s);
    return rc;
}

static aglm_rc whole_life(void *arg, aglm_error *err)
{
    static const double values[AGLM_HPARAM_MAX] = {0, 3, 3, 0.3, 1, 1, 1, 1, 0, 64};
    const aglm_learner_ops *l = &aglm_learner_trees;
    const aglm_fit_context ctx = {.seed = 1};
    uint32_t rows[ROWS];
    float z[ROWS * 3];
    void *self = NULL;
    aglm_model *m = NULL;
    aglm_rc rc = l->open(&self, arg, values, &ctx, err);

    for (uint32_t i = 0; i < ROWS; i++)
        rows[i] = i;
    if (!rc)
        rc = l->fit(self, rows, ROWS, &ctx, &m, err);
    if (!rc)
        rc = l->score(self, m, rows, ROWS, z, err);
    if (!rc)
        rc = reload(l, m, err);
    if (!rc)
        rc = use_model(l, m, err);
    aglm_model_free(m);
    l->close(self);
    return rc;
}

static void memory_may_run_out(void **state)
{
    aglm_xgboost x;

    (void)state;
    if (aglm_xgboost_load(&x, NULL) != AGLM_OK)
        skip();
    for (int kind = TABLE_BINARY; kind <= TABLE_REGRESSION; kind++) {
        aglm_dataset *d = table_new(ROWS, 1, (table_kind)kind);
        const oom_options o = {.lasting = kind == TABLE_BINARY};
        oom_result r;
        if (!oom_run(whole_life, d, &o, &r))
            fail_msg("%s", r.message);
        assert_true(r.allocations > 10);
        aglm_dataset_free(d);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(memory_may_run_out),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
