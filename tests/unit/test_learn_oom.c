/* Every allocation of the linear learner fails once, and then for good. */
#include "linear_data.h"
#include "oom.h"
#include "unit.h"

struct job {
    const aglm_dataset *d;
    double values[AGLM_HPARAM_MAX];
    const uint32_t *rows;
    size_t n;
};

static aglm_rc use_model(const aglm_learner_ops *l, const aglm_model *m, aglm_error *err)
{
    static const char text[] = "noise1 mark1 标记1坏 noise2";
    aglm_predictor *p = NULL;
    aglm_explained spans[4];
    float z[20];
    size_t n;
    aglm_rc rc = l->predictor(&p, m, err);

    if (!rc)
        rc = l->predict(p, text, sizeof text - 1, z, err);
    if (!rc)
        rc = l->explain(p, text, sizeof text - 1, 1, spans, 4, &n, err);
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
    const struct job *job = arg;
    const aglm_learner_ops *l = &aglm_learner_linear;
    const aglm_fit_context ctx = {.seed = 1};
    float z[40 * 20];
    void *self = NULL;
    aglm_model *m = NULL;
    aglm_rc rc = l->open(&self, job->d, job->values, &ctx, err);

    if (!rc)
        rc = l->fit(self, job->rows, job->n, &ctx, &m, err);
    if (!rc)
        rc = l->score(self, m, job->rows, job->n, z, err);
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
    static const unsigned labels[] = {2, 3, 17};
    uint32_t rows[40];

    (void)state;
    for (uint32_t i = 0; i < 40; i++)
        rows[i] = i;
    for (unsigned weight = 0; weight < 5; weight++) {
        const linear_setting set[] = {
            {"weight", weight}, {"loss", weight % 2}, {"balance", weight % 2}};
        aglm_dataset *d = linear_documents(40, labels[weight % 3], false, false);
        struct job job = {.d = d, .rows = rows, .n = 40};
        oom_options o = {.lasting = weight % 2};
        oom_result r;
        linear_values(job.values, set, 3);
        if (!oom_run(whole_life, &job, &o, &r))
            fail_msg("%s", r.message);
        assert_true(r.allocations > 20);
        assert_int_equal(r.refused, r.allocations);
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
