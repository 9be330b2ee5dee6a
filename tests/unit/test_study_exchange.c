#include "search/study_exchange.h"

#include <math.h>

#include "search/space_text.h"
#include "unit.h"

#define FLOAT(high)                                                                                \
    "{\"name\": \"FloatDistribution\", \"attributes\": {\"step\": null, \"low\": 0.0, \"high\": "  \
    "" high ", \"log\": false}}"
static const char LOG[] =
    "{\"name\": \"FloatDistribution\", \"attributes\": {\"step\": null, \"low\": 1e-05, "
    "\"high\": 0.1, \"log\": true}}";
static const char INT[] =
    "{\"name\": \"IntDistribution\", \"attributes\": {\"log\": false, \"step\": 2, \"low\": 1, "
    "\"high\": 9}}";
static const char CHOICE[] =
    "{\"name\": \"CategoricalDistribution\", \"attributes\": {\"choices\": [\"\\u597d, \\\"x\\\"\", "
    "null, true, 3, 2.5]}}";

static aglm_arena arena;

static int setup(void **state)
{
    (void)state;
    aglm_arena_init(&arena, 16u << 20);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    aglm_arena_clear(&arena);
    return 0;
}

/* The study as text and back. */
static aglm_study_whole pass(const aglm_study_whole *w)
{
    aglm_study_whole out;
    aglm_json_writer j;
    aglm_error err = {0};
    aglm_str text;

    aglm_str_init(&text, 1u << 20);
    aglm_json_writer_init(&j, &text);
    j.nonfinite = true;
    aglm_json_open_object(&j);
    aglm_json_member_text(&j, "name", w->name);
    aglm_json_key(&j, "directions");
    aglm_json_open_array(&j);
    for (size_t i = 0; i < w->n_directions; i++)
        aglm_json_put_text(&j, w->directions[i] == AGLM_MAXIMIZE ? "maximize" : "minimize");
    aglm_json_close_array(&j);
    if (aglm_study_whole_write(w, &j, &arena, &err))
        fail_msg("%s", err.msg);
    aglm_json_close_object(&j);
    assert_int_equal(text.rc, AGLM_OK);
    const aglm_exchange_text written = {"t.json", text.data, text.len};
    if (aglm_study_whole_parse(&out, &written, NULL, &arena, &err))
        fail_msg("%s in %s", err.msg, text.data);
    aglm_str_clear(&text);
    return out;
}

static void same_text(const char *a, const char *b)
{
    assert_true(!a == !b);
    if (a)
        assert_string_equal(a, b);
}

static void same_double(double a, double b)
{
    assert_true(a == b || (isnan(a) && isnan(b)));
}

static void same_trial(const aglm_trial_row *a, const aglm_trial_row *b)
{
    assert_int_equal(a->state, b->state);
    same_text(a->started, b->started);
    same_text(a->completed, b->completed);
    assert_int_equal(a->n_params, b->n_params);
    for (size_t i = 0; i < a->n_params; i++) {
        assert_string_equal(a->params[i].name, b->params[i].name);
        same_double(a->params[i].value, b->params[i].value);
        assert_string_equal(a->params[i].distribution, b->params[i].distribution);
    }
    assert_int_equal(a->n_values, b->n_values);
    for (size_t i = 0; i < a->n_values; i++)
        same_double(a->values[i], b->values[i]);
    assert_int_equal(a->n_steps, b->n_steps);
    for (size_t i = 0; i < a->n_steps; i++) {
        assert_int_equal(a->steps[i].step, b->steps[i].step);
        same_double(a->steps[i].value, b->steps[i].value);
    }
    assert_int_equal(a->n_attrs, b->n_attrs);
    for (size_t i = 0; i < a->n_attrs; i++) {
        assert_string_equal(a->attrs[i].key, b->attrs[i].key);
        assert_string_equal(a->attrs[i].json, b->attrs[i].json);
        assert_int_equal(a->attrs[i].system, b->attrs[i].system);
    }
}

static void nothing_is_lost(void **state)
{
    const aglm_param_row params[] = {
        {"x", 0.1 + 0.2, FLOAT("1.0")}, {"lr", 3.3e-4, LOG}, {"n", 7, INT}, {"k \"1\"", 0, CHOICE}};
    const aglm_param_row other[] = {{"x", 1.5, FLOAT("2.0")}, {"k \"1\"", 4, CHOICE}};
    const aglm_param_row last[] = {{"k \"1\"", 1, CHOICE}, {"late", 1e-320, FLOAT("1.0")}};
    const double values[] = {INFINITY, -INFINITY};
    const double plain[] = {0.1, 1e300};
    const aglm_step_row steps[] = {{-1, NAN}, {0, INFINITY}, {5000000000, 0.25}};
    const aglm_attr_row attrs[] = {{"note", "{\"a\": [1, null, \"x\"]}", false},
                                   {"constraints", "[-1.5, NaN]", true}};
    const aglm_attr_row fixed = {"fixed_params", "{\"x\": 0.5}", true};
    const aglm_attr_row study[] = {{"data", "\"train.csv\"", false},
                                   {"study:metric_names", "[\"a\", \"b\"]", true}};
    const char *at = "2026-01-02 03:04:05.000006";
    aglm_trial_row rows[] = {
        {.state = AGLM_TRIAL_COMPLETE,
         .started = at,
         .completed = at,
         .params = params,
         .n_params = 4,
         .values = values,
         .n_values = 2,
         .steps = steps,
         .n_steps = 3,
         .attrs = attrs,
         .n_attrs = 2},
        {.state = AGLM_TRIAL_PRUNED,
         .started = at,
         .completed = at,
         .params = other,
         .n_params = 2,
         .steps = steps,
         .n_steps = 1},
        {.state = AGLM_TRIAL_PRUNED,
         .started = at,
         .completed = at,
         .params = last,
         .n_params = 2,
         .values = plain,
         .n_values = 2},
        {.state = AGLM_TRIAL_FAIL, .started = at, .completed = at},
        {.state = AGLM_TRIAL_WAITING, .attrs = &fixed, .n_attrs = 1},
        {.state = AGLM_TRIAL_WAITING, .params = other, .n_params = 1},
    };
    const aglm_study_whole w = {"s", {AGLM_MAXIMIZE, AGLM_MINIMIZE}, 2, study, 2, rows, 6};

    (void)state;
    aglm_study_whole back = pass(&w);
    assert_string_equal(back.name, "s");
    assert_int_equal(back.n_directions, 2);
    assert_int_equal(back.directions[0], AGLM_MAXIMIZE);
    assert_int_equal(back.directions[1], AGLM_MINIMIZE);
    assert_int_equal(back.n_attrs, 2);
    assert_string_equal(back.attrs[1].json, "[\"a\", \"b\"]");
    assert_int_equal(back.n_trials, 6);
    for (size_t i = 0; i < 6; i++)
        same_trial(&rows[i], &back.trials[i]);
}

static void a_running_trial_has_failed(void **state)
{
    aglm_trial_row row = {.state = AGLM_TRIAL_RUNNING, .started = "2026-01-02 03:04:05.000006"};
    const aglm_study_whole w = {"s", {AGLM_MINIMIZE}, 1, NULL, 0, &row, 1};

    (void)state;
    aglm_study_whole back = pass(&w);
    assert_int_equal(back.trials[0].state, AGLM_TRIAL_FAIL);
    assert_string_equal(back.trials[0].completed, row.started);
}

static void what_is_wrong_is_named(void **state)
{
    static const char *const cases[][2] = {
        {"{\"direction\": \"minimize\",\n \"trials\": [}", "t.json: line 2, column 13"},
        {"[]", "a list \"trials\""},
        {"{\"direction\": \"up\", \"trials\": []}", "direction: expected"},
        {"{\"direction\": \"minimize\", \"trials\": [{\"state\": \"DONE\"}]}",
         "trials[0]: state: \"DONE\""},
        {"{\"direction\": \"minimize\", \"trials\": [{\"state\": \"FAIL\"}, {\"state\": \"FAIL\", \"params\": {\"lr\": 1}}]}",
         "t.json: trials[1]: params.lr: it has no distribution here; name it with --space"},
        {"{\"direction\": \"minimize\", \"distributions\": {\"lr\": {\"type\": \"float\", \"low\": 0, \"high\": 1}},"
         " \"trials\": [{\"state\": \"FAIL\", \"params\": {\"lr\": 2}}]}",
         "params.lr: 2 is not in 0..1"},
        {"{\"direction\": \"minimize\", \"trials\": [{\"state\": \"FAIL\", \"intermediate_values\": {\"a\": 2}}]}",
         "\"a\" is no step"},
        {"{\"direction\": \"minimize\", \"trials\": [{\"state\": \"COMPLETE\", \"values\": [\"1\"]}]}",
         "values: expected numbers, found a string"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        aglm_study_whole w;
        aglm_error err = {0};
        const aglm_exchange_text from = {"t.json", cases[i][0], strlen(cases[i][0])};
        aglm_rc rc = aglm_study_whole_parse(&w, &from, NULL, &arena, &err);
        assert_true(rc == AGLM_FORMAT || rc == AGLM_INVALID);
        if (!strstr(err.msg, cases[i][1]))
            fail_msg("\"%s\" lacks \"%s\"", err.msg, cases[i][1]);
    }
}

static void a_space_stands_in_for_distributions(void **state)
{
    static const char text[] =
        "{\"direction\": \"minimize\", \"trials\": [{\"state\": \"FAIL\", \"params\": {\"lr\": 0.5}}]}";
    static const aglm_exchange_text from = {"t", text, sizeof text - 1};
    aglm_study_whole w;
    aglm_space *space;

    (void)state;
    assert_int_equal(aglm_space_new(&space, NULL), AGLM_OK);
    assert_int_equal(aglm_space_parse(space, "lr=uniform(0,1)", 15, NULL), AGLM_OK);
    assert_int_equal(aglm_study_whole_parse(&w, &from, space, &arena, NULL), AGLM_OK);
    assert_string_equal(w.trials[0].params[0].distribution, FLOAT("1.0"));
    aglm_space_free(space);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(nothing_is_lost),
        TEST(a_running_trial_has_failed),
        TEST(what_is_wrong_is_named),
        TEST(a_space_stands_in_for_distributions),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
