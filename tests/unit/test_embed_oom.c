/* Every allocation of the embedding bag fails once, and then for good. */
#include <string.h>

#include "embed_data.h"
#include "oom.h"
#include "unit.h"

enum { DOCS = 24, LABELS = 10 };

struct job {
    const aglm_dataset *data;
    double values[AGLM_HPARAM_MAX];
    uint32_t rows[DOCS];
};

static aglm_rc use_model(const aglm_model *m, aglm_error *err)
{
    static const char text[] = "noise1 mark1 noise2 doc5";
    const aglm_learner_ops *l = &aglm_learner_embed;
    aglm_predictor *p = NULL;
    aglm_explained spans[4];
    float z[LABELS];
    size_t n;
    aglm_rc rc = l->predictor(&p, m, err);

    if (!rc)
        rc = l->predict(p, text, sizeof text - 1, z, err);
    if (!rc)
        rc = l->explain(p, text, sizeof text - 1, 1, spans, 4, &n, err);
    l->free_predictor(p);
    return rc;
}

static aglm_rc reload(const aglm_model *m, aglm_error *err)
{
    const aglm_learner_ops *l = &aglm_learner_embed;
    aglm_model *copy = NULL;
    aglm_str s;

    aglm_str_init(&s, (size_t)1 << 24);
    aglm_rc rc = l->save(m, &s, err);
    if (!rc)
        rc = l->load(&copy, s.data, s.len, err);
    if (!rc)
        rc = use_model(copy, err);
    aglm_model_free(copy);
    aglm_str_clear(&s);
    return rc;
}

/* In training, a model can already be scored, saved and asked. */
static aglm_rc on_step(void *arg, const aglm_model *so_far, unsigned step, unsigned steps)
{
    aglm_error err = {0};

    (void)arg;
    (void)steps;
    return step == 1 ? use_model(so_far, &err) : AGLM_OK;
}

static aglm_rc whole_life(void *arg, aglm_error *err)
{
    const struct job *job = arg;
    const aglm_learner_ops *l = &aglm_learner_embed;
    const aglm_fit_context ctx = {.seed = 1, .on_step = on_step};
    float z[DOCS * LABELS];
    void *self = NULL;
    aglm_model *m = NULL;
    aglm_rc rc = l->open(&self, job->data, job->values, &ctx, err);

    if (!rc) {
        rc = l->fit(self, job->rows, DOCS, &ctx, &m, err);
        if (rc)
            aglm_error_set(err, rc, "fit");
    }
    if (!rc)
        rc = l->score(self, m, job->rows, DOCS, z, err);
    if (!rc)
        rc = reload(m, err);
    aglm_model_free(m);
    l->close(self);
    return rc;
}

static void memory_may_run_out(void **state)
{
    aglm_error err = {0};
    aglm_dataset *data = NULL;

    (void)state;
    if (embed_data(&data, DOCS, LABELS, false, &err))
        fail_msg("%s", err.msg);
    for (int lasting = 0; lasting < 2; lasting++) {
        struct job job = {.data = data};
        oom_options o = {.lasting = lasting};
        oom_result r;
        embed_values(job.values, false, lasting ? 8 : 16);
        for (uint32_t i = 0; i < DOCS; i++)
            job.rows[i] = i;
        if (!oom_run(whole_life, &job, &o, &r))
            fail_msg("%s", r.message);
        assert_true(r.allocations > 50);
    }
    aglm_dataset_free(data);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(memory_may_run_out)};

    return cmocka_run_group_tests(tests, NULL, NULL);
}
