/* The contract of store.h, run for every back end. */
#include "store/store.h"

#include <math.h>
#include <pthread.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/file.h"
#include "postgres.h"
#include "store/process.h"
#include "unit.h"

#define FLOAT_JSON                                                                                 \
    "{\"name\": \"FloatDistribution\", \"attributes\": {\"step\": null, \"low\": 0.0, "            \
    "\"high\": 1.0, \"log\": false}}"

typedef struct fixture {
    const char *kind;
    char folder[64];
    aglm_store *store;
    aglm_arena arena;
    aglm_error err;
} fixture;

static fixture fix;
static postgres_server server;

#define OK(call)                                                                                   \
    do {                                                                                           \
        fix.err.msg[0] = '\0';                                                                     \
        aglm_rc rc_ = (call);                                                                      \
        if (rc_ != AGLM_OK)                                                                        \
            fail_msg("%s: %s: %s", #call, aglm_rc_text(rc_), fix.err.msg);                         \
    } while (0)
#define FAILS(code, call)                                                                          \
    do {                                                                                           \
        memset(&fix.err, 0, sizeof fix.err);                                                       \
        assert_int_equal((call), (code));                                                          \
        assert_int_equal(fix.err.rc, (code));                                                      \
        assert_true(fix.err.msg[0] != '\0');                                                       \
    } while (0)

static int open_store(void **state)
{
    char url[128];

    (void)state;
    aglm_arena_init(&fix.arena, (size_t)1 << 28);
    if (strcmp(fix.kind, "memory") == 0)
        return aglm_store_open(&fix.store, "memory", &fix.err);
    if (strcmp(fix.kind, "postgresql") == 0)
        return postgres_do(&server, "clear") ? aglm_store_open(&fix.store, server.url, &fix.err)
                                             : -1;
    snprintf(fix.folder, sizeof fix.folder, "/tmp/aglm_store_XXXXXX");
    if (!mkdtemp(fix.folder))
        return -1;
    snprintf(url, sizeof url, "sqlite:///%s/study.db", fix.folder);
    return aglm_store_open(&fix.store, url, &fix.err);
}

static int close_store(void **state)
{
    (void)state;
    aglm_store_close(fix.store);
    aglm_arena_clear(&fix.arena);
    if (fix.folder[0])
        aglm_dir_remove(fix.folder, NULL);
    fix.folder[0] = '\0';
    return 0;
}

static int64_t new_study(const char *name)
{
    aglm_direction way = AGLM_MINIMIZE;
    int64_t id = 0;

    OK(aglm_store_study_new(fix.store, name, &way, 1, &id, &fix.err));
    assert_true(id > 0);
    return id;
}

static aglm_trial_row new_trial(int64_t study, aglm_trial_state state)
{
    aglm_trial_row row = {.state = state};

    OK(aglm_store_trial_new(fix.store, study, &row, 0, &fix.err));
    return row;
}

static void finish(int64_t trial, double value)
{
    aglm_trial_end end = {.state = AGLM_TRIAL_COMPLETE, .values = &value, .n_values = 1};

    OK(aglm_store_trial_finish(fix.store, trial, &end, &fix.err));
}

static aglm_trial_row *read_from(int64_t study, int64_t from, size_t *n)
{
    aglm_trial_row *rows = NULL;

    OK(aglm_store_trials(fix.store, study, from, &fix.arena, &rows, n, &fix.err));
    return rows;
}

static aglm_trial_row get(int64_t trial)
{
    aglm_trial_row row;

    OK(aglm_store_trial_get(fix.store, trial, &fix.arena, &row, &fix.err));
    return row;
}

static void studies_are_made_found_listed_and_deleted(void **state)
{
    aglm_direction ways[2] = {AGLM_MAXIMIZE, AGLM_MINIMIZE};
    aglm_study_row *rows;
    aglm_study_row row;
    int64_t id;
    int64_t found = 0;
    size_t n;

    (void)state;
    int64_t first = new_study("first");
    OK(aglm_store_study_new(fix.store, "zweite \"Studie\" \xe7\xa0\x94", ways, 2, &id, &fix.err));
    assert_true(id != first);
    OK(aglm_store_study_find(fix.store, "zweite \"Studie\" \xe7\xa0\x94", &found, &fix.err));
    assert_int_equal(found, id);
    new_trial(id, AGLM_TRIAL_RUNNING);
    OK(aglm_store_study_list(fix.store, &fix.arena, &rows, &n, &fix.err));
    assert_int_equal(n, 2);
    assert_string_equal(rows[0].name, "first");
    assert_int_equal(rows[0].n_directions, 1);
    assert_int_equal(rows[0].directions[0], AGLM_MINIMIZE);
    assert_int_equal(rows[1].n_trials, 1);
    OK(aglm_store_study_get(fix.store, id, &fix.arena, &row, &fix.err));
    assert_int_equal(row.n_directions, 2);
    assert_int_equal(row.directions[0], AGLM_MAXIMIZE);
    assert_int_equal(row.directions[1], AGLM_MINIMIZE);
    OK(aglm_store_study_delete(fix.store, first, &fix.err));
    FAILS(AGLM_NOTFOUND, aglm_store_study_delete(fix.store, first, &fix.err));
    FAILS(AGLM_NOTFOUND, aglm_store_study_find(fix.store, "first", &found, &fix.err));
    FAILS(AGLM_NOTFOUND, aglm_store_study_get(fix.store, first, &fix.arena, &row, &fix.err));
    FAILS(AGLM_NOTFOUND, aglm_store_study_get(fix.store, 0, &fix.arena, &row, &fix.err));
    OK(aglm_store_study_list(fix.store, &fix.arena, &rows, &n, &fix.err));
    assert_int_equal(n, 1);
    assert_int_equal(rows[0].id, id);
}

static void bad_studies_are_refused(void **state)
{
    aglm_direction ways[AGLM_STORE_MAX_OBJECTIVES + 1] = {AGLM_MINIMIZE};
    char name[AGLM_STORE_MAX_NAME + 2];
    int64_t id;

    (void)state;
    new_study("taken");
    FAILS(AGLM_INVALID, aglm_store_study_new(fix.store, "taken", ways, 1, &id, &fix.err));
    assert_non_null(strstr(fix.err.msg, "taken"));
    FAILS(AGLM_INVALID, aglm_store_study_new(fix.store, "", ways, 1, &id, &fix.err));
    FAILS(AGLM_INVALID, aglm_store_study_new(fix.store, NULL, ways, 1, &id, &fix.err));
    FAILS(AGLM_INVALID, aglm_store_study_new(fix.store, "none", ways, 0, &id, &fix.err));
    FAILS(AGLM_INVALID, aglm_store_study_new(fix.store, "many", ways, AGLM_STORE_MAX_OBJECTIVES + 1,
                                             &id, &fix.err));
    memset(name, 'n', sizeof name);
    name[sizeof name - 1] = '\0';
    FAILS(AGLM_INVALID, aglm_store_study_new(fix.store, name, ways, 1, &id, &fix.err));
    name[AGLM_STORE_MAX_NAME] = '\0';
    OK(aglm_store_study_new(fix.store, name, ways, 1, &id, &fix.err));
    FAILS(AGLM_NOTFOUND, aglm_store_trial_new(fix.store, 99, &(aglm_trial_row){0}, 0, &fix.err));
}

static void study_attributes_are_replaced(void **state)
{
    int64_t id = new_study("s");
    aglm_attr_row attrs[] = {{"a", "1", false}, {"a", "[2]", true}, {"b", "\"x\"", false}};
    aglm_attr_row again = {"a", "{\"n\": null}", false};
    aglm_attr_row *rows;
    size_t n;

    (void)state;
    for (int i = 0; i < 3; i++)
        OK(aglm_store_study_set_attr(fix.store, id, &attrs[i], &fix.err));
    OK(aglm_store_study_set_attr(fix.store, id, &again, &fix.err));
    OK(aglm_store_study_attrs(fix.store, id, &fix.arena, &rows, &n, &fix.err));
    assert_int_equal(n, 3);
    assert_string_equal(rows[0].key, "a");
    assert_string_equal(rows[0].json, "{\"n\": null}");
    assert_string_equal(rows[1].key, "b");
    assert_true(rows[2].system);
    assert_string_equal(rows[2].json, "[2]");
    FAILS(AGLM_NOTFOUND, aglm_store_study_set_attr(fix.store, id + 5, &again, &fix.err));
    FAILS(AGLM_NOTFOUND,
          aglm_store_study_attrs(fix.store, id + 5, &fix.arena, &rows, &n, &fix.err));
    FAILS(AGLM_INVALID,
          aglm_store_study_set_attr(fix.store, id, &(aglm_attr_row){"", "1", false}, &fix.err));
    FAILS(AGLM_INVALID,
          aglm_store_study_set_attr(fix.store, id, &(aglm_attr_row){"k", NULL, false}, &fix.err));
}

static void numbers_are_dense_in_each_study(void **state)
{
    int64_t a = new_study("a");
    int64_t b = new_study("b");
    int64_t last = 0;

    (void)state;
    for (int64_t i = 0; i < 20; i++) {
        aglm_trial_row x = new_trial(a, AGLM_TRIAL_RUNNING);
        aglm_trial_row y = new_trial(b, i % 2 ? AGLM_TRIAL_WAITING : AGLM_TRIAL_FAIL);
        assert_int_equal(x.number, i);
        assert_int_equal(y.number, i);
        assert_true(x.id > last && y.id > x.id);
        last = y.id;
    }
}

static void a_trial_comes_back_as_it_was_written(void **state)
{
    aglm_param_row params[] = {
        {"zeta", 0.1, FLOAT_JSON},
        {"alpha", -1e-300, FLOAT_JSON},
        {"quote \"'\\ \xe4\xbd\xa0", 3.0, "{\"choices\": [\"a\", null]}"},
    };
    aglm_step_row steps[] = {{7, NAN}, {-1, INFINITY}, {3, -INFINITY}, {INT32_MAX, 0.25}};
    aglm_attr_row attrs[] = {{"u", "\"text\"", false}, {"fixed_params", "{}", true}};
    double value = -INFINITY;
    int64_t study = new_study("s");
    aglm_trial_row row = {.state = AGLM_TRIAL_PRUNED,
                          .started = "2024-02-29 23:59:59.000001",
                          .completed = "2024-03-01 00:00:00.999999",
                          .params = params,
                          .n_params = 3,
                          .values = &value,
                          .n_values = 1,
                          .steps = steps,
                          .n_steps = 4,
                          .attrs = attrs,
                          .n_attrs = 2};

    (void)state;
    OK(aglm_store_trial_new(fix.store, study, &row, 0, &fix.err));
    aglm_trial_row got = get(row.id);
    assert_int_equal(got.id, row.id);
    assert_int_equal(got.number, 0);
    assert_int_equal(got.state, AGLM_TRIAL_PRUNED);
    assert_string_equal(got.started, row.started);
    assert_string_equal(got.completed, row.completed);
    assert_int_equal(got.n_params, 3);
    for (int i = 0; i < 3; i++) {
        assert_string_equal(got.params[i].name, params[i].name);
        assert_string_equal(got.params[i].distribution, params[i].distribution);
        assert_true(got.params[i].value == params[i].value);
    }
    assert_int_equal(got.n_values, 1);
    assert_true(isinf(got.values[0]) && got.values[0] < 0);
    assert_int_equal(got.n_steps, 4);
    assert_int_equal(got.steps[0].step, -1);
    assert_true(isinf(got.steps[0].value) && got.steps[0].value > 0);
    assert_true(isinf(got.steps[1].value) && got.steps[1].value < 0);
    assert_int_equal(got.steps[2].step, 7);
    assert_true(isnan(got.steps[2].value));
    assert_int_equal(got.steps[3].step, INT32_MAX);
    assert_int_equal(got.n_attrs, 2);
    assert_string_equal(got.attrs[0].key, "u");
    assert_false(got.attrs[0].system);
    assert_string_equal(got.attrs[1].json, "{}");
    assert_true(got.attrs[1].system);
}

static void a_trial_lives_from_ask_to_tell(void **state)
{
    aglm_param_row first[] = {{"x", 0.5, FLOAT_JSON}, {"y", 0.25, FLOAT_JSON}};
    aglm_param_row later[] = {{"z", 1, FLOAT_JSON}, {"x", 0.75, FLOAT_JSON}};
    aglm_step_row step[] = {{2, 0.2}, {1, 0.1}, {2, 0.3}};
    aglm_step_row last = {3, 0.4};
    aglm_attr_row attr[] = {{"k", "1", false}, {"k", "2", false}};
    double value = 0.125;
    aglm_trial_end end = {AGLM_TRIAL_COMPLETE, &value, 1, &last, 1, attr, 2};
    int64_t study = new_study("s");
    aglm_trial_row row = {.state = AGLM_TRIAL_RUNNING, .params = first, .n_params = 2};

    (void)state;
    OK(aglm_store_trial_new(fix.store, study, &row, (int64_t)getpid(), &fix.err));
    aglm_trial_row got = get(row.id);
    assert_int_equal(got.state, AGLM_TRIAL_RUNNING);
    assert_int_equal(strlen(got.started), 26);
    assert_null(got.completed);
    assert_int_equal(got.n_values, 0);
    OK(aglm_store_trial_set_params(fix.store, row.id, later, 2, &fix.err));
    for (int i = 0; i < 3; i++)
        OK(aglm_store_trial_report(fix.store, row.id, &step[i], &fix.err));
    OK(aglm_store_trial_set_attr(fix.store, row.id, &attr[0], &fix.err));
    OK(aglm_store_trial_finish(fix.store, row.id, &end, &fix.err));
    got = get(row.id);
    assert_int_equal(got.state, AGLM_TRIAL_COMPLETE);
    assert_true(strcmp(got.completed, got.started) >= 0);
    assert_int_equal(got.n_params, 3);
    assert_string_equal(got.params[0].name, "x");
    assert_true(got.params[0].value == 0.75);
    assert_string_equal(got.params[2].name, "z");
    assert_int_equal(got.n_steps, 3);
    assert_true(got.steps[0].step == 1 && got.steps[1].value == 0.3 && got.steps[2].value == 0.4);
    assert_int_equal(got.n_attrs, 1);
    assert_string_equal(got.attrs[0].json, "2");
    assert_true(got.values[0] == 0.125);
}

static void a_finished_trial_is_not_changed(void **state)
{
    aglm_param_row param = {"x", 0.5, FLOAT_JSON};
    aglm_step_row step = {1, 1};
    aglm_attr_row attr = {"k", "1", false};
    aglm_trial_end fail = {.state = AGLM_TRIAL_FAIL};
    int64_t study = new_study("s");
    aglm_trial_row row = new_trial(study, AGLM_TRIAL_RUNNING);

    (void)state;
    finish(row.id, 1);
    FAILS(AGLM_INVALID, aglm_store_trial_set_params(fix.store, row.id, &param, 1, &fix.err));
    assert_non_null(strstr(fix.err.msg, "COMPLETE"));
    FAILS(AGLM_INVALID, aglm_store_trial_report(fix.store, row.id, &step, &fix.err));
    FAILS(AGLM_INVALID, aglm_store_trial_set_attr(fix.store, row.id, &attr, &fix.err));
    FAILS(AGLM_INVALID, aglm_store_trial_finish(fix.store, row.id, &fail, &fix.err));
    FAILS(AGLM_NOTFOUND, aglm_store_trial_finish(fix.store, row.id + 1, &fail, &fix.err));
    FAILS(AGLM_NOTFOUND, aglm_store_trial_report(fix.store, row.id + 1, &step, &fix.err));
    FAILS(AGLM_NOTFOUND, aglm_store_trial_get(fix.store, row.id + 1, &fix.arena, &row, &fix.err));
    aglm_trial_row got = get(row.id);
    assert_int_equal(got.state, AGLM_TRIAL_COMPLETE);
    assert_int_equal(got.n_params + got.n_steps + got.n_attrs, 0);
}

static void what_the_schema_cannot_hold_is_refused(void **state)
{
    double values[] = {NAN, 1};
    int64_t study = new_study("s");
    aglm_trial_row row = new_trial(study, AGLM_TRIAL_RUNNING);
    aglm_trial_end nan = {AGLM_TRIAL_COMPLETE, values, 1, NULL, 0, NULL, 0};
    aglm_trial_end none = {.state = AGLM_TRIAL_COMPLETE};
    aglm_trial_end two = {AGLM_TRIAL_PRUNED, values + 1, 2, NULL, 0, NULL, 0};
    aglm_trial_end fail = {AGLM_TRIAL_FAIL, values + 1, 1, NULL, 0, NULL, 0};
    aglm_trial_end open = {.state = AGLM_TRIAL_WAITING};
    aglm_param_row bad[] = {{"x", NAN, FLOAT_JSON}, {"x", 1, NULL}, {"", 1, FLOAT_JSON}};
    aglm_trial_row date = {.state = AGLM_TRIAL_FAIL, .started = "2024-02-29T23:59:59.000001"};
    double more[] = {1, 2};

    (void)state;
    two.values = more;
    FAILS(AGLM_INVALID, aglm_store_trial_finish(fix.store, row.id, &nan, &fix.err));
    FAILS(AGLM_INVALID, aglm_store_trial_finish(fix.store, row.id, &none, &fix.err));
    FAILS(AGLM_INVALID, aglm_store_trial_finish(fix.store, row.id, &two, &fix.err));
    FAILS(AGLM_INVALID, aglm_store_trial_finish(fix.store, row.id, &fail, &fix.err));
    FAILS(AGLM_INVALID, aglm_store_trial_finish(fix.store, row.id, &open, &fix.err));
    for (int i = 0; i < 3; i++)
        FAILS(AGLM_INVALID, aglm_store_trial_set_params(fix.store, row.id, &bad[i], 1, &fix.err));
    FAILS(AGLM_INVALID, aglm_store_trial_new(fix.store, study, &date, 0, &fix.err));
    date.started = "2024-02-29";
    FAILS(AGLM_INVALID, aglm_store_trial_new(fix.store, study, &date, 0, &fix.err));
    date = (aglm_trial_row){.state = (aglm_trial_state)9};
    FAILS(AGLM_INVALID, aglm_store_trial_new(fix.store, study, &date, 0, &fix.err));
    assert_int_equal(get(row.id).state, AGLM_TRIAL_RUNNING);
    /* PRUNED without a value is fine. */
    none.state = AGLM_TRIAL_PRUNED;
    OK(aglm_store_trial_finish(fix.store, row.id, &none, &fix.err));
    assert_int_equal(new_trial(study, AGLM_TRIAL_RUNNING).number, 1);
}

static void waiting_trials_are_claimed_in_order(void **state)
{
    int64_t study = new_study("s");
    int64_t other = new_study("o");
    int64_t id = -1;
    aglm_trial_row a = new_trial(study, AGLM_TRIAL_WAITING);

    (void)state;
    new_trial(study, AGLM_TRIAL_RUNNING);
    new_trial(other, AGLM_TRIAL_WAITING);
    aglm_trial_row b = new_trial(study, AGLM_TRIAL_WAITING);
    assert_null(get(a.id).started);
    OK(aglm_store_trial_claim(fix.store, study, 0, &id, &fix.err));
    assert_int_equal(id, a.id);
    assert_int_equal(get(id).state, AGLM_TRIAL_RUNNING);
    assert_non_null(get(id).started);
    OK(aglm_store_trial_claim(fix.store, study, (int64_t)getpid(), &id, &fix.err));
    assert_int_equal(id, b.id);
    assert_int_equal(aglm_store_trial_claim(fix.store, study, 0, &id, &fix.err), AGLM_DONE);
    aglm_trial_row c = new_trial(study, AGLM_TRIAL_WAITING);
    OK(aglm_store_trial_claim(fix.store, study, 0, &id, &fix.err));
    assert_int_equal(id, c.id);
    FAILS(AGLM_NOTFOUND, aglm_store_trial_claim(fix.store, 77, 0, &id, &fix.err));
}

static void trials_are_read_from_a_number_on(void **state)
{
    int64_t a = new_study("a");
    int64_t b = new_study("b");
    size_t n;

    (void)state;
    read_from(a, 0, &n);
    assert_int_equal(n, 0);
    for (int i = 0; i < 30; i++) {
        /* Each trial has i % 4 parameters and steps, so that arrays must not slip to a neighbour.
         */
        char name[4][8];
        aglm_param_row params[4];
        aglm_step_row steps[4];
        aglm_attr_row attr = {"i", "1", i % 2 == 0};
        for (int k = 0; k < 4; k++) {
            snprintf(name[k], sizeof name[k], "p%d", k);
            params[k] = (aglm_param_row){name[k], i + k / 8.0, FLOAT_JSON};
            steps[k] = (aglm_step_row){k, i};
        }
        aglm_trial_row row = {.params = params,
                              .n_params = (size_t)(i % 4),
                              .steps = steps,
                              .n_steps = (size_t)(3 - i % 4),
                              .attrs = &attr,
                              .n_attrs = (size_t)(i % 3 == 0)};
        OK(aglm_store_trial_new(fix.store, i % 5 == 4 ? b : a, &row, 0, &fix.err));
        if (i % 4 == 1)
            finish(row.id, i);
    }
    aglm_trial_row *rows = read_from(a, 10, &n);
    assert_int_equal(n, 14);
    for (size_t j = 0; j < n; j++) {
        int64_t number = 10 + (int64_t)j;
        int i = (int)(number / 4 * 5 + number % 4);
        assert_int_equal(rows[j].number, number);
        assert_int_equal(rows[j].n_params, i % 4);
        for (int k = 0; k < i % 4; k++)
            assert_true(rows[j].params[k].value == i + k / 8.0);
        assert_int_equal(rows[j].n_steps, 3 - i % 4);
        assert_int_equal(rows[j].n_attrs, i % 3 == 0);
        assert_int_equal(rows[j].n_values, i % 4 == 1);
        if (rows[j].n_values)
            assert_true(rows[j].values[0] == i);
    }
    read_from(a, 24, &n);
    assert_int_equal(n, 0);
    read_from(a, -5, &n);
    assert_int_equal(n, 24);
    read_from(b, 0, &n);
    assert_int_equal(n, 6);
    FAILS(AGLM_NOTFOUND, aglm_store_trials(fix.store, 99, 0, &fix.arena, &rows, &n, &fix.err));
}

static void a_small_arena_is_an_answer(void **state)
{
    int64_t study = new_study("s");
    aglm_param_row param = {"x", 0.5, FLOAT_JSON};
    aglm_trial_row row = {.params = &param, .n_params = 1};
    aglm_trial_row *rows;
    aglm_arena small;
    size_t n;
    bool fit = false;

    (void)state;
    for (int i = 0; i < 4; i++)
        OK(aglm_store_trial_new(fix.store, study, &row, 0, &fix.err));
    for (size_t max = 0; !fit; max += 64) {
        aglm_arena_init(&small, max);
        aglm_rc rc = aglm_store_trials(fix.store, study, 0, &small, &rows, &n, &fix.err);
        assert_true(rc == AGLM_OK || rc == AGLM_NOMEM);
        fit = rc == AGLM_OK;
        aglm_arena_clear(&small);
    }
    read_from(study, 0, &n);
    assert_int_equal(n, 4);
}

static void deleted_studies_leave_others_alone(void **state)
{
    int64_t a = new_study("a");
    int64_t b = new_study("b");
    aglm_attr_row attr = {"k", "1", true};
    size_t n;

    (void)state;
    aglm_trial_row gone = new_trial(a, AGLM_TRIAL_RUNNING);
    aglm_trial_row kept = new_trial(b, AGLM_TRIAL_RUNNING);
    OK(aglm_store_trial_set_attr(fix.store, kept.id, &attr, &fix.err));
    OK(aglm_store_study_delete(fix.store, a, &fix.err));
    FAILS(AGLM_NOTFOUND, aglm_store_trial_set_attr(fix.store, gone.id, &attr, &fix.err));
    aglm_trial_row *rows = read_from(b, 0, &n);
    assert_int_equal(n, 1);
    assert_int_equal(rows[0].n_attrs, 1);
    assert_int_equal(new_trial(new_study("a"), AGLM_TRIAL_RUNNING).number, 0);
}

/* A child that lives until it is killed. */
static pid_t sleeper(void)
{
    pid_t pid = fork();

    if (pid == 0) {
        for (;;)
            pause();
    }
    assert_true(pid > 0);
    return pid;
}

static void trials_of_dead_processes_fail(void **state)
{
    int64_t study = new_study("s");
    int64_t other = new_study("o");
    pid_t dead = sleeper();
    pid_t live = sleeper();
    aglm_trial_row rows[5] = {{0}};
    int64_t owner[5] = {dead, live, 0, getpid(), dead};
    aglm_trial_row far = {0};
    aglm_trial_row done = {0};
    size_t n = 9;

    (void)state;
    for (int i = 0; i < 5; i++)
        OK(aglm_store_trial_new(fix.store, study, &rows[i], owner[i], &fix.err));
    OK(aglm_store_trial_new(fix.store, other, &far, dead, &fix.err));
    OK(aglm_store_trial_new(fix.store, study, &done, dead, &fix.err));
    finish(done.id, 1);
    OK(aglm_store_reap(fix.store, study, 0, NULL, &n, &fix.err));
    assert_int_equal(n, 0);
    /* Not waited for yet: a zombie is dead too. */
    kill(dead, SIGKILL);
    for (int i = 0; i < 2000 && aglm_process_start(dead) != 0; i++)
        usleep(1000);
    OK(aglm_store_reap(fix.store, study, 0, NULL, &n, &fix.err));
    assert_int_equal(n, 2);
    for (int i = 0; i < 5; i++) {
        aglm_trial_row got = get(rows[i].id);
        assert_int_equal(got.state, owner[i] == dead ? AGLM_TRIAL_FAIL : AGLM_TRIAL_RUNNING);
        assert_true(owner[i] != dead || got.completed != NULL);
    }
    assert_int_equal(get(far.id).state, AGLM_TRIAL_RUNNING);
    assert_int_equal(get(done.id).state, AGLM_TRIAL_COMPLETE);
    waitpid(dead, NULL, 0);
    OK(aglm_store_reap(fix.store, study, 0, NULL, NULL, &fix.err));
    OK(aglm_store_reap(fix.store, other, 0, NULL, &n, &fix.err));
    assert_int_equal(n, 1);
    FAILS(AGLM_NOTFOUND, aglm_store_reap(fix.store, 99, 0, NULL, &n, &fix.err));
    kill(live, SIGKILL);
    waitpid(live, NULL, 0);
}

/* Only the memory store needs none: nobody else sees its trials. */
static void silent_trials_are_taken_over(void **state)
{
    bool beats = strcmp(fix.kind, "memory") != 0;
    int64_t study = new_study("s"), other = new_study("o");
    aglm_trial_row silent = {0}, alive = {0}, far = {0}, mute = {0};
    int64_t me = getpid();
    int64_t *ids = NULL;
    int64_t claimed;
    size_t n = 9;

    (void)state;
    OK(aglm_store_trial_new(fix.store, study, &mute, me, &fix.err));
    aglm_store_keep_beats(fix.store);
    OK(aglm_store_trial_new(fix.store, study, &silent, me, &fix.err));
    OK(aglm_store_trial_new(fix.store, study, &alive, me, &fix.err));
    OK(aglm_store_trial_new(fix.store, other, &far, me, &fix.err));
    int64_t queued = new_trial(study, AGLM_TRIAL_WAITING).id;
    OK(aglm_store_trial_claim(fix.store, study, me, &claimed, &fix.err));
    assert_int_equal(claimed, queued);
    OK(aglm_store_reap(fix.store, study, 30, &ids, &n, &fix.err));
    assert_int_equal(n, 0);
    free(ids);
    usleep(600000);
    OK(aglm_store_beat(fix.store, &alive.id, 1, &fix.err));
    OK(aglm_store_reap(fix.store, study, 0.5, &ids, &n, &fix.err));
    assert_int_equal(n, beats ? 2 : 0);
    if (beats) {
        assert_int_equal(ids[0] + ids[1], silent.id + claimed);
        assert_int_equal(get(silent.id).state, AGLM_TRIAL_FAIL);
        assert_non_null(get(silent.id).completed);
        assert_int_equal(get(claimed).state, AGLM_TRIAL_FAIL);
    }
    free(ids);
    const int64_t running[] = {alive.id, mute.id, far.id};
    for (int i = 0; i < 3; i++)
        assert_int_equal(get(running[i]).state, AGLM_TRIAL_RUNNING);
    OK(aglm_store_reap(fix.store, study, 0.5, &ids, &n, &fix.err));
    assert_int_equal(n, 0);
    free(ids);
    /* A sign of life of the dead, or of a trial that is not there, raises nobody. */
    OK(aglm_store_beat(fix.store, &silent.id, 1, &fix.err));
    OK(aglm_store_beat(fix.store, (int64_t[]){4711}, 1, &fix.err));
    finish(alive.id, 1);
}

static void a_trial_gets_the_next_number_or_is_not_made(void **state)
{
    int64_t study = new_study("s");
    aglm_param_row param = {"a", 0.5, FLOAT_JSON};
    aglm_trial_row row = {.params = &param, .n_params = 1};
    size_t n;

    (void)state;
    OK(aglm_store_trial_new_next(fix.store, study, &row, (int64_t)getpid(), &fix.err));
    assert_int_equal(row.number, 0);
    int64_t first = row.id;
    for (int64_t owner = 0; owner < 2; owner++) {
        row.number = 0;
        assert_int_equal(
            aglm_store_trial_new_next(fix.store, study, &row, owner * (int64_t)getpid(), &fix.err),
            AGLM_DONE);
        row.number = 5;
        assert_int_equal(
            aglm_store_trial_new_next(fix.store, study, &row, owner * (int64_t)getpid(), &fix.err),
            AGLM_DONE);
        row.number = 1 + owner;
        OK(aglm_store_trial_new_next(fix.store, study, &row, 0, &fix.err));
        assert_int_equal(row.number, 1 + owner);
        assert_true(row.id > first);
    }
    read_from(study, 0, &n);
    assert_int_equal(n, 3);
    FAILS(AGLM_NOTFOUND, aglm_store_trial_new_next(fix.store, 99, &row, 0, &fix.err));
}

static void changed_trials_are_found(void **state)
{
    int64_t study = new_study("s");
    aglm_param_row param = {"a", 0.5, FLOAT_JSON};
    aglm_step_row step = {3, 0.25};
    double value = 2;
    aglm_trial_end end = {AGLM_TRIAL_COMPLETE, &value, 1, &step, 1, NULL, 0};
    aglm_trial_row rows[4] = {{.params = &param, .n_params = 1}, {0}, {0}, {0}};
    aglm_trial_row *changed;
    aglm_trial_mark marks[5];
    int64_t claimed;
    size_t n;

    (void)state;
    rows[2].state = AGLM_TRIAL_WAITING;
    for (int i = 0; i < 4; i++) {
        OK(aglm_store_trial_new(fix.store, study, &rows[i], 0, &fix.err));
        marks[i] = (aglm_trial_mark){rows[i].id, rows[i].state};
    }
    marks[4] = (aglm_trial_mark){rows[3].id + 1000, AGLM_TRIAL_RUNNING};
    OK(aglm_store_trials_changed(fix.store, &(aglm_trial_marks){marks, 5}, &fix.arena, &changed, &n,
                                 &fix.err));
    assert_int_equal(n, 0);
    OK(aglm_store_trials_changed(fix.store, &(aglm_trial_marks){marks, 0}, &fix.arena, &changed, &n,
                                 &fix.err));
    assert_int_equal(n, 0);
    for (int i = 0; i < 200; i++) /* the two that change lie far apart */
        new_trial(study, AGLM_TRIAL_RUNNING);
    aglm_trial_row late = new_trial(study, AGLM_TRIAL_RUNNING);
    marks[3] = (aglm_trial_mark){late.id, AGLM_TRIAL_RUNNING};
    OK(aglm_store_trial_finish(fix.store, rows[0].id, &end, &fix.err));
    OK(aglm_store_trial_claim(fix.store, study, 0, &claimed, &fix.err));
    finish(late.id, 7);
    OK(aglm_store_trials_changed(fix.store, &(aglm_trial_marks){marks, 5}, &fix.arena, &changed, &n,
                                 &fix.err));
    assert_int_equal(n, 3);
    assert_true(changed[0].id == rows[0].id && changed[0].state == AGLM_TRIAL_COMPLETE);
    assert_int_equal(changed[0].n_params, 1);
    assert_true(changed[0].n_values == 1 && changed[0].values[0] == 2);
    assert_true(changed[0].n_steps == 1 && changed[0].steps[0].value == 0.25);
    assert_true(changed[1].id == claimed && changed[1].state == AGLM_TRIAL_RUNNING);
    assert_int_equal(changed[2].number, late.number);
    assert_true(changed[2].values[0] == 7);
}

#define WORKERS 4
#define EACH 60

static void *work(void *arg)
{
    int64_t study = *(int64_t *)arg;
    double value = 1;
    aglm_trial_end end = {.state = AGLM_TRIAL_COMPLETE, .values = &value, .n_values = 1};

    for (int i = 0; i < EACH; i++) {
        aglm_trial_row row = {0};
        if (aglm_store_trial_new(fix.store, study, &row, 0, NULL) ||
            aglm_store_trial_finish(fix.store, row.id, &end, NULL))
            return arg;
    }
    return NULL;
}

static void threads_share_a_store(void **state)
{
    pthread_t threads[WORKERS];
    int64_t study = new_study("s");
    void *failed;
    size_t n;

    (void)state;
    for (int i = 0; i < WORKERS; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, work, &study), 0);
    for (int i = 0; i < WORKERS; i++) {
        pthread_join(threads[i], &failed);
        assert_null(failed);
    }
    aglm_trial_row *rows = read_from(study, 0, &n);
    assert_int_equal(n, WORKERS * EACH);
    for (size_t i = 0; i < n; i++) {
        assert_true(rows[i].number == (int64_t)i && rows[i].state == AGLM_TRIAL_COMPLETE);
    }
}

static void a_whole_study_is_added_or_nothing(void **state)
{
    enum { N = 40 };
    aglm_trial_row rows[N] = {0};
    aglm_param_row param = {"a", 0.5, FLOAT_JSON};
    aglm_step_row step = {3, NAN};
    const aglm_attr_row attr = {"k", "[1]", true};
    double values[2] = {1, INFINITY};
    aglm_study_whole w = {.name = "whole",
                          .directions = {AGLM_MAXIMIZE, AGLM_MINIMIZE},
                          .n_directions = 2,
                          .attrs = &attr,
                          .n_attrs = 1,
                          .trials = rows,
                          .n_trials = N};
    int64_t study;
    size_t n;

    (void)state;
    for (int i = 0; i < N; i++)
        rows[i] = (aglm_trial_row){.state = i % 3 ? AGLM_TRIAL_COMPLETE : AGLM_TRIAL_WAITING,
                                   .params = &param,
                                   .n_params = 1,
                                   .steps = &step,
                                   .n_steps = 1,
                                   .values = values,
                                   .n_values = i % 3 ? 2 : 0};
    OK(aglm_store_study_add(fix.store, &w, false, &fix.err));
    OK(aglm_store_study_find(fix.store, "whole", &study, &fix.err));
    const aglm_trial_row *seen = read_from(study, 0, &n);
    assert_int_equal(n, N);
    for (size_t i = 0; i < n; i++) {
        assert_true(seen[i].number == (int64_t)i && seen[i].id == rows[i].id);
        assert_true(seen[i].state == rows[i].state && seen[i].n_values == rows[i].n_values);
        assert_true(isnan(seen[i].steps[0].value) && seen[i].params[0].value == 0.5);
    }
    assert_int_equal(aglm_store_study_add(fix.store, &w, false, &fix.err), AGLM_INVALID);
    OK(aglm_store_study_add(fix.store, &w, true, &fix.err));
    assert_int_equal(rows[0].number, N);
    read_from(study, 0, &n);
    assert_int_equal(n, 2 * N);
    w.directions[0] = AGLM_MINIMIZE;
    assert_int_equal(aglm_store_study_add(fix.store, &w, true, &fix.err), AGLM_INVALID);
    w.name = "other";
    rows[N - 1].state = AGLM_TRIAL_RUNNING;
    assert_int_equal(aglm_store_study_add(fix.store, &w, true, &fix.err), AGLM_INVALID);
    assert_non_null(strstr(fix.err.msg, "trial 39"));
    rows[N - 1].state = AGLM_TRIAL_FAIL;
    rows[N - 1].n_values = 0;
    step.step = (int64_t)1 << 40; /* over what PostgreSQL's column holds */
    if (aglm_store_study_add(fix.store, &w, true, &fix.err) != AGLM_OK)
        assert_int_equal(aglm_store_study_find(fix.store, "other", &study, &fix.err),
                         AGLM_NOTFOUND);
}

#define CONTRACT(name) cmocka_unit_test_setup_teardown(name, open_store, close_store)

int main(void)
{
    static const char *const kinds[] = {"memory", "sqlite", "postgresql"};
    const struct CMUnitTest tests[] = {
        CONTRACT(studies_are_made_found_listed_and_deleted),
        CONTRACT(bad_studies_are_refused),
        CONTRACT(study_attributes_are_replaced),
        CONTRACT(numbers_are_dense_in_each_study),
        CONTRACT(a_trial_comes_back_as_it_was_written),
        CONTRACT(a_trial_lives_from_ask_to_tell),
        CONTRACT(a_finished_trial_is_not_changed),
        CONTRACT(what_the_schema_cannot_hold_is_refused),
        CONTRACT(waiting_trials_are_claimed_in_order),
        CONTRACT(trials_are_read_from_a_number_on),
        CONTRACT(a_small_arena_is_an_answer),
        CONTRACT(deleted_studies_leave_others_alone),
        CONTRACT(trials_of_dead_processes_fail),
        CONTRACT(silent_trials_are_taken_over),
        CONTRACT(a_trial_gets_the_next_number_or_is_not_made),
        CONTRACT(changed_trials_are_found),
        CONTRACT(threads_share_a_store),
        CONTRACT(a_whole_study_is_added_or_nothing),
    };
    int failed = 0;

    for (int i = 0; i < 3; i++) {
        fix.kind = kinds[i];
        if (i == 2 && !postgres_start(&server)) {
            print_message("[  SKIPPED ] postgresql\n");
            break;
        }
        failed += cmocka_run_group_tests_name(kinds[i], tests, NULL, NULL);
    }
    if (server.folder[0])
        postgres_do(&server, "stop");
    return failed;
}
