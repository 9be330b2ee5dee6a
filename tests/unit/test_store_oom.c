/* Every allocation of the store fails once, and then for good; those inside SQLite are its own. */
#include <unistd.h>

#include "base/file.h"
#include "oom.h"
#include "store/settings.h"
#include "store/store.h"
#include "unit.h"

#define FLOAT_JSON                                                                                 \
    "{\"name\": \"FloatDistribution\", \"attributes\": {\"step\": null, \"low\": 0.0, "            \
    "\"high\": 1.0, \"log\": false}}"

static aglm_rc write_trials(aglm_store *s, int64_t study, aglm_error *err)
{
    aglm_param_row params[] = {{"x", 0.5, FLOAT_JSON}, {"y", 0.25, FLOAT_JSON}};
    aglm_attr_row attr = {"k", "[1, 2]", true};
    aglm_step_row step = {1, 0.5};
    double value = 1;
    aglm_trial_end end = {AGLM_TRIAL_COMPLETE, &value, 1, &step, 1, &attr, 1};
    aglm_rc rc = aglm_store_study_set_attr(s, study, &attr, err);

    for (int i = 0; !rc && i < 9; i++) {
        aglm_trial_row row = {.params = params,
                              .n_params = 1,
                              .steps = &step,
                              .n_steps = 1,
                              .attrs = &attr,
                              .n_attrs = 1};
        rc = aglm_store_trial_new(s, study, &row, (int64_t)getpid(), err);
        if (!rc)
            rc = aglm_store_trial_set_params(s, row.id, params, 2, err);
        if (!rc && i % 2)
            rc = aglm_store_trial_finish(s, row.id, &end, err);
    }
    return rc;
}

static aglm_rc read_all(aglm_store *s, int64_t study, aglm_error *err)
{
    aglm_arena a;
    aglm_study_row *studies;
    aglm_trial_row *trials;
    aglm_trial_row one;
    aglm_attr_row *attrs;
    size_t n;

    aglm_arena_init(&a, (size_t)1 << 24);
    aglm_rc rc = aglm_store_study_list(s, &a, &studies, &n, err);
    if (!rc)
        rc = aglm_store_study_attrs(s, study, &a, &attrs, &n, err);
    if (!rc)
        rc = aglm_store_trials(s, study, 0, &a, &trials, &n, err);
    if (!rc)
        rc = aglm_store_trial_get(s, trials[0].id, &a, &one, err);
    if (!rc) {
        aglm_trial_mark mark = {trials[0].id, AGLM_TRIAL_FAIL};
        rc = aglm_store_trials_changed(s, &(aglm_trial_marks){&mark, 1}, &a, &trials, &n, err);
    }
    if (!rc)
        rc = aglm_store_reap(s, study, 60, NULL, &n, err);
    aglm_arena_clear(&a);
    return rc;
}

static aglm_rc use_store(void *url, aglm_error *err)
{
    aglm_direction way = AGLM_MINIMIZE;
    aglm_store *s;
    int64_t study;
    aglm_rc rc = aglm_store_open(&s, url, err);

    if (rc)
        return rc;
    rc = aglm_store_study_new(s, "s", &way, 1, &study, err);
    if (!rc) {
        rc = write_trials(s, study, err);
        if (!rc)
            rc = read_all(s, study, err);
        /* The file is used again. */
        aglm_rc gone = aglm_store_study_delete(s, study, rc ? NULL : err);
        rc = rc ? rc : gone;
    }
    aglm_store_close(s);
    return rc;
}

static void survives(char *url)
{
    oom_result r;

    for (int lasting = 0; lasting < 2; lasting++) {
        oom_options o = {.lasting = lasting};
        if (!oom_run(use_store, url, &o, &r))
            fail_msg("%s", r.message);
        assert_true(r.allocations >= 10);
        assert_int_equal(r.runs, r.allocations);
    }
}

static void memory_may_run_out_in_memory(void **state)
{
    char url[] = "memory";

    (void)state;
    survives(url);
}

static void memory_may_run_out_over_a_file(void **state)
{
    char folder[] = "/tmp/aglm_oom_XXXXXX";
    char url[64];

    (void)state;
    assert_non_null(mkdtemp(folder));
    snprintf(url, sizeof url, "%s/s.db", folder);
    survives(url);
    aglm_dir_remove(folder, NULL);
}

static aglm_rc use_settings(void *path, aglm_error *err)
{
    static const aglm_setting_key KEY = {"model", "chat"};
    static const aglm_setting ARMS[] = {{.name = "a", .params = "{}", .source = "preset"},
                                        {.name = "b", .params = "{\"top_k\":1}", .source = "f"}};
    aglm_settings *p = NULL;
    aglm_setting *arms;
    aglm_arena arena;
    size_t n = 0;

    aglm_arena_init(&arena, (size_t)1 << 20);
    aglm_rc rc = aglm_settings_open(&p, path, err);
    for (size_t i = 0; !rc && i < 2; i++)
        rc = aglm_settings_offer(p, &KEY, &ARMS[i], err);
    if (!rc)
        rc = aglm_settings_learn(p, &KEY, "a", 0.5, 1, err);
    if (!rc)
        rc = aglm_settings_list(p, &KEY, &arena, &arms, &n, err);
    if (!rc)
        assert_int_equal(n, 2);
    aglm_settings_close(p);
    aglm_arena_clear(&arena);
    return rc;
}

static void memory_may_run_out_for_settings(void **state)
{
    char folder[] = "/tmp/aglm_oom_XXXXXX";
    char path[64];

    (void)state;
    assert_non_null(mkdtemp(folder));
    snprintf(path, sizeof path, "%s/deep/settings.db", folder);
    for (int lasting = 0; lasting < 2; lasting++) {
        oom_options o = {.lasting = lasting};
        oom_result r;
        if (!oom_run(use_settings, path, &o, &r))
            fail_msg("%s", r.message);
        assert_true(r.allocations >= 3);
    }
    aglm_dir_remove(folder, NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(memory_may_run_out_in_memory),
        cmocka_unit_test(memory_may_run_out_over_a_file),
        cmocka_unit_test(memory_may_run_out_for_settings),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
