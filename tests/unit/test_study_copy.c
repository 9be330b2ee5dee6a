#include "search/study_copy.h"

#include <math.h>

#include "unit.h"

static const char LR[] =
    "{\"name\": \"FloatDistribution\", \"attributes\": {\"step\": null, \"low\": "
    "0.0, \"high\": 1.0, \"log\": false}}";

static void add_trial(aglm_store *s, int64_t study, aglm_trial_state state)
{
    const aglm_param_row param = {"lr", 0.25, LR};
    const double value = state == AGLM_TRIAL_COMPLETE ? INFINITY : 0;
    const aglm_step_row step = {3, NAN};
    const aglm_attr_row attr = {"note", "\"x\"", false};
    bool waits = state == AGLM_TRIAL_WAITING;
    bool ended = state == AGLM_TRIAL_COMPLETE;
    aglm_trial_row row = {.state = state,
                          .started = waits ? NULL : "2026-01-02 03:04:05.000006",
                          .completed = ended ? "2026-01-02 03:04:06.000006" : NULL,
                          .params = &param,
                          .n_params = 1,
                          .values = &value,
                          .n_values = ended,
                          .steps = &step,
                          .n_steps = 1,
                          .attrs = &attr,
                          .n_attrs = 1};

    assert_int_equal(aglm_store_trial_new(s, study, &row, 0, NULL), AGLM_OK);
}

static void a_copy_is_the_same_but_for_what_runs(void **state)
{
    const aglm_direction directions[] = {AGLM_MAXIMIZE};
    const aglm_attr_row attr = {"k", "[1]", true};
    aglm_store *a;
    aglm_store *b;
    aglm_arena arena;
    aglm_trial_row *rows;
    aglm_attr_row *attrs;
    aglm_error err = {0};
    int64_t id;
    size_t n;

    (void)state;
    assert_int_equal(aglm_store_open(&a, "memory", NULL), AGLM_OK);
    assert_int_equal(aglm_store_open(&b, "memory", NULL), AGLM_OK);
    assert_int_equal(aglm_store_study_new(a, "old", directions, 1, &id, NULL), AGLM_OK);
    assert_int_equal(aglm_store_study_set_attr(a, id, &attr, NULL), AGLM_OK);
    add_trial(a, id, AGLM_TRIAL_COMPLETE);
    add_trial(a, id, AGLM_TRIAL_RUNNING);
    add_trial(a, id, AGLM_TRIAL_WAITING);
    const aglm_study_place from = {a, "old"};
    const aglm_study_place to = {b, "new"};
    assert_int_equal(aglm_study_copy(&from, &to, false, &n, NULL), AGLM_OK);
    assert_int_equal(n, 3);

    aglm_arena_init(&arena, 1u << 20);
    assert_int_equal(aglm_store_study_find(b, "new", &id, NULL), AGLM_OK);
    assert_int_equal(aglm_store_trials(b, id, 0, &arena, &rows, &n, NULL), AGLM_OK);
    assert_int_equal(n, 3);
    assert_int_equal(rows[0].state, AGLM_TRIAL_COMPLETE);
    assert_string_equal(rows[0].started, "2026-01-02 03:04:05.000006");
    assert_true(rows[0].values[0] == INFINITY && isnan(rows[0].steps[0].value));
    assert_string_equal(rows[0].params[0].distribution, LR);
    assert_string_equal(rows[0].attrs[0].json, "\"x\"");
    assert_int_equal(rows[1].state, AGLM_TRIAL_FAIL);
    assert_int_equal(rows[2].state, AGLM_TRIAL_WAITING);
    assert_int_equal(aglm_store_study_attrs(b, id, &arena, &attrs, &n, NULL), AGLM_OK);
    assert_int_equal(n, 1);

    assert_int_equal(aglm_study_copy(&from, &to, false, NULL, &err), AGLM_INVALID);
    const aglm_study_place none = {a, "none"};
    assert_int_equal(aglm_study_copy(&none, &to, false, NULL, &err), AGLM_NOTFOUND);
    aglm_arena_clear(&arena);
    aglm_store_close(a);
    aglm_store_close(b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(a_copy_is_the_same_but_for_what_runs)};

    return cmocka_run_group_tests(tests, NULL, NULL);
}
