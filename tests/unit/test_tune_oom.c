/* Every allocation on the way from a bundle to a prediction fails once, and a share of those of a
 * whole tuning run. */
#include "bundle_data.h"
#include "oom.h"
#include "tune/run.h"
#include "unit.h"

struct job {
    const char *file;
    const char *out;
};

static aglm_rc tune(void *arg, aglm_error *err)
{
    const struct job *job = arg;
    aglm_tune_options o;
    aglm_tune_result r;

    aglm_tune_options_init(&o);
    o.input.file = job->file;
    o.out = job->out;
    o.trials = 2;
    o.threads = 1;
    o.folds = 2;
    aglm_rc rc = aglm_tune_run(&r, &o, err);
    aglm_tune_result_clear(&r);
    return rc;
}

static aglm_rc predict(void *arg, aglm_error *err)
{
    static const char text[] = "goal w1 kernel match";
    const struct job *job = arg;
    aglm_bundle_predictor *p = NULL;
    aglm_bundle *b = NULL;
    aglm_explained spans[4];
    const float *probs;
    size_t n;
    aglm_rc rc = aglm_bundle_load(&b, job->out, err);

    if (rc == AGLM_OK)
        rc = aglm_bundle_predictor_new(&p, b, err);
    if (rc == AGLM_OK)
        rc = aglm_bundle_predict(p, text, sizeof text - 1, &probs, err);
    if (rc == AGLM_OK)
        rc = aglm_bundle_explain(p, text, sizeof text - 1, 0, spans, 4, &n, err);
    aglm_bundle_predictor_free(p);
    aglm_bundle_free(b);
    return rc;
}

static void attack(oom_scenario scenario, const struct job *job, const oom_options *o)
{
    oom_result r;

    if (!oom_run(scenario, (void *)(uintptr_t)job, o, &r))
        fail_msg("%s", r.message);
    print_message("%lu allocations, %lu runs, %lu refused\n", r.allocations, r.runs, r.refused);
    assert_true(r.refused > 0);
}

static void a_bundle_is_loaded_or_refused(void **state)
{
    char *folder = tune_folder();
    char out[4200];
    const struct job job = {.out = tune_path(out, sizeof out, folder, "a.bundle")};
    oom_options o = {.lasting = false};
    aglm_dataset *d = tune_documents(40, 1, false);
    aglm_bundle b;

    (void)state;
    bundle_make(&b, d);
    assert_int_equal(aglm_bundle_save(&b, out, &(aglm_bundle_extra){0}, NULL), AGLM_OK);
    attack(predict, &job, &o);
    o.lasting = true;
    attack(predict, &job, &o);
    aglm_bundle_clear(&b);
    aglm_dataset_free(d);
    tune_folder_remove(folder);
}

static void a_run_ends_or_is_refused(void **state)
{
    char *folder = tune_folder();
    char file[4200], out[4200];
    const struct job job = {tune_path(file, sizeof file, folder, "t.tsv"),
                            tune_path(out, sizeof out, folder, "a.bundle")};
    oom_options o = {.stride = 11};
    const char *stride = getenv("AGLM_OOM_STRIDE"), *offset = getenv("AGLM_OOM_OFFSET");

    (void)state;
    if (stride)
        o.stride = strtoul(stride, NULL, 10);
    if (offset)
        o.offset = strtoul(offset, NULL, 10);
    tune_file(file, 40, 1, false);
    attack(tune, &job, &o);
    o.lasting = true;
    o.offset += o.stride / 2;
    attack(tune, &job, &o);
    tune_folder_remove(folder);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_bundle_is_loaded_or_refused),
        cmocka_unit_test(a_run_ends_or_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
