/* What only a server can do: be restarted, be away, be shared by many, be of another schema. */
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/rng.h"
#include "postgres.h"
#include "store/store.h"
#include "unit.h"

#define FLOAT_JSON                                                                                 \
    "{\"name\": \"FloatDistribution\", \"attributes\": {\"step\": null, \"low\": 0.0, "            \
    "\"high\": 1.0, \"log\": false}}"

static postgres_server server;
static aglm_error err;

#define OK(call)                                                                                   \
    do {                                                                                           \
        err.msg[0] = '\0';                                                                         \
        aglm_rc rc_ = (call);                                                                      \
        if (rc_ != AGLM_OK)                                                                        \
            fail_msg("%s: %s: %s", #call, aglm_rc_text(rc_), err.msg);                             \
    } while (0)

static int clear(void **state)
{
    (void)state;
    return postgres_do(&server, "clear") ? 0 : -1;
}

static aglm_store *open_store(void)
{
    aglm_store *s = NULL;

    OK(aglm_store_open(&s, server.url, &err));
    return s;
}

static int64_t new_study(aglm_store *s)
{
    aglm_direction way = AGLM_MINIMIZE;
    int64_t id;

    OK(aglm_store_study_new(s, "s", &way, 1, &id, &err));
    return id;
}

static void sql(const char *text)
{
    assert_true(postgres_sql(&server, text));
}

/* A trial asked and told; its number, or -1. */
static int64_t one_trial(aglm_store *s, int64_t study, aglm_error *e)
{
    aglm_param_row params[] = {{"a", 0.5, FLOAT_JSON}, {"b", 0.25, FLOAT_JSON}};
    aglm_step_row step = {1, 0.5};
    aglm_trial_row row = {.params = params, .n_params = 2};

    if (aglm_store_trial_new(s, study, &row, (int64_t)getpid(), e))
        return -1;
    double value = (double)row.number;
    aglm_trial_end end = {AGLM_TRIAL_COMPLETE, &value, 1, &step, 1, NULL, 0};
    return aglm_store_trial_finish(s, row.id, &end, e) ? -1 : row.number;
}

/* Numbers dense, COMPLETE trials whole; returns how many there are and counts the others. */
static size_t check_trials(aglm_store *s, int64_t study, size_t *others)
{
    aglm_arena a;
    aglm_trial_row *rows;
    size_t n;
    size_t complete = 0;

    aglm_arena_init(&a, (size_t)1 << 30);
    OK(aglm_store_trials(s, study, 0, &a, &rows, &n, &err));
    for (size_t i = 0; i < n; i++) {
        assert_int_equal(rows[i].number, i);
        assert_int_equal(rows[i].n_params, 2);
        if (rows[i].state != AGLM_TRIAL_COMPLETE)
            continue;
        complete++;
        assert_int_equal(rows[i].n_values, 1);
        assert_true(rows[i].values[0] == (double)i);
        assert_int_equal(rows[i].n_steps, 1);
    }
    aglm_arena_clear(&a);
    if (others)
        *others = n - complete;
    return complete;
}

static void a_restarted_server_is_found_again(void **state)
{
    aglm_store *s = open_store();
    int64_t study = new_study(s);
    size_t others;

    (void)state;
    assert_int_equal(one_trial(s, study, &err), 0);
    assert_true(postgres_do(&server, "restart"));
    assert_int_equal(one_trial(s, study, &err), 1);
    assert_true(postgres_do(&server, "crash"));
    assert_int_equal(one_trial(s, study, &err), 2);
    assert_int_equal(check_trials(s, study, &others), 3);
    assert_int_equal(others, 0);
    aglm_store_close(s);
}

static pid_t start_writer(int trials, int to)
{
    pid_t pid = fork();

    if (pid != 0)
        return pid;
    aglm_error e = {0};
    aglm_store *s;
    int64_t study;
    if (aglm_store_open(&s, server.url, &e) || aglm_store_study_find(s, "s", &study, &e))
        _exit(1);
    for (int i = 0; trials == 0 || i < trials; i++) {
        int64_t number = one_trial(s, study, &e);
        if (number < 0) {
            fprintf(stderr, "writer: %s\n", e.msg);
            _exit(1);
        }
        if (to >= 0 && write(to, &number, sizeof number) != (ssize_t)sizeof number)
            _exit(1);
    }
    aglm_store_close(s);
    _exit(0);
}

static void wait_for(pid_t pid)
{
    int status = -1;

    waitpid(pid, &status, 0);
    assert_int_equal(status, 0);
}

#define WRITERS 4

/* Each writer's every trial is there once, however the server was stopped under it. */
static void a_crash_under_load_loses_and_doubles_nothing(void **state)
{
    enum { EACH = 400, CRASHES = 3 };
    aglm_store *s = open_store();
    int64_t study = new_study(s);
    pid_t pids[WRITERS];
    size_t others;

    (void)state;
    aglm_store_close(s);
    for (int i = 0; i < WRITERS; i++)
        pids[i] = start_writer(EACH, -1);
    for (int i = 0; i < CRASHES; i++) {
        usleep(150000);
        assert_true(postgres_do(&server, i % 2 ? "restart" : "crash"));
    }
    for (int i = 0; i < WRITERS; i++)
        wait_for(pids[i]);
    s = open_store();
    assert_int_equal(check_trials(s, study, &others), WRITERS * EACH);
    assert_int_equal(others, 0);
    aglm_store_close(s);
}

static void killed_writers_leave_the_rest_whole(void **state)
{
    enum { EACH = 300 };
    aglm_store *s = open_store();
    int64_t study = new_study(s);
    pid_t pids[WRITERS];
    size_t acknowledged = 0;
    size_t others;
    size_t reaped = 0;
    int64_t number;
    aglm_rng rng;
    int ends[2];

    (void)state;
    aglm_store_close(s);
    aglm_rng_init(&rng, 7);
    assert_int_equal(pipe(ends), 0);
    for (int i = 0; i < WRITERS; i++)
        pids[i] = start_writer(i < 2 ? 0 : EACH, ends[1]);
    close(ends[1]);
    for (int i = 0; i < 2; i++) {
        usleep(50000 + (useconds_t)aglm_rng_below(&rng, 100000));
        kill(pids[i], SIGKILL);
        waitpid(pids[i], NULL, 0);
    }
    while (read(ends[0], &number, sizeof number) == (ssize_t)sizeof number)
        acknowledged++;
    close(ends[0]);
    for (int i = 2; i < WRITERS; i++)
        wait_for(pids[i]);
    s = open_store();
    OK(aglm_store_reap(s, study, 0, NULL, &reaped, &err));
    size_t complete = check_trials(s, study, &others);
    assert_int_equal(others, reaped);
    assert_true(reaped <= 2);
    assert_true(complete >= acknowledged && complete <= acknowledged + 2);
    aglm_store_close(s);
}

/* Every waiting trial is claimed by one worker. */
static void a_waiting_trial_is_claimed_once(void **state)
{
    enum { WAITING = 200 };
    aglm_store *s = open_store();
    int64_t study = new_study(s);
    bool seen[WAITING] = {false};
    int64_t first = 0;
    int64_t id;
    int ends[2];

    (void)state;
    for (int i = 0; i < WAITING; i++) {
        aglm_trial_row row = {.state = AGLM_TRIAL_WAITING};
        OK(aglm_store_trial_new(s, study, &row, 0, &err));
        first = i == 0 ? row.id : first;
    }
    aglm_store_close(s);
    assert_int_equal(pipe(ends), 0);
    for (int i = 0; i < WRITERS; i++) {
        if (fork() != 0)
            continue;
        if (aglm_store_open(&s, server.url, NULL))
            _exit(1);
        while (aglm_store_trial_claim(s, study, (int64_t)getpid(), &id, NULL) == AGLM_OK) {
            if (write(ends[1], &id, sizeof id) != (ssize_t)sizeof id)
                _exit(1);
        }
        aglm_store_close(s);
        _exit(0);
    }
    close(ends[1]);
    for (int i = 0; i < WRITERS; i++)
        wait_for(-1);
    for (int i = 0; i < WAITING; i++) {
        assert_int_equal(read(ends[0], &id, sizeof id), sizeof id);
        assert_true(id >= first && id < first + WAITING && !seen[id - first]);
        seen[id - first] = true;
    }
    assert_int_equal(read(ends[0], &id, sizeof id), 0);
    close(ends[0]);
}

static void the_database_is_made_once(void **state)
{
    pid_t pids[WRITERS];

    (void)state;
    for (int i = 0; i < WRITERS; i++) {
        pids[i] = fork();
        if (pids[i] == 0) {
            aglm_store *s;
            aglm_error e = {0};
            aglm_rc rc = aglm_store_open(&s, server.url, &e);
            if (rc)
                fprintf(stderr, "%s\n", e.msg);
            _exit(rc ? 1 : 0);
        }
    }
    for (int i = 0; i < WRITERS; i++)
        wait_for(pids[i]);
    aglm_store_close(open_store());
}

static void what_is_given_twice_counts_last(void **state)
{
    aglm_param_row params[] = {{"a", 1, FLOAT_JSON}, {"b", 2, FLOAT_JSON}, {"a", 3, FLOAT_JSON}};
    aglm_step_row steps[] = {{2, 1}, {1, 2}, {2, 3}};
    aglm_attr_row attrs[] = {{"k", "1", true}, {"k", "2", false}, {"k", "3", true}};
    aglm_store *s = open_store();
    aglm_trial_row row = {.params = params,
                          .n_params = 3,
                          .steps = steps,
                          .n_steps = 3,
                          .attrs = attrs,
                          .n_attrs = 3};
    aglm_arena a;

    (void)state;
    OK(aglm_store_trial_new(s, new_study(s), &row, 0, &err));
    aglm_arena_init(&a, 1u << 20);
    aglm_trial_row got;
    OK(aglm_store_trial_get(s, row.id, &a, &got, &err));
    assert_int_equal(got.n_params, 2);
    assert_string_equal(got.params[0].name, "a");
    assert_true(got.params[0].value == 3);
    assert_int_equal(got.n_steps, 2);
    assert_true(got.steps[0].value == 2 && got.steps[1].value == 3);
    assert_int_equal(got.n_attrs, 2);
    assert_string_equal(got.attrs[0].json, "2");
    assert_string_equal(got.attrs[1].json, "3");
    aglm_arena_clear(&a);
    aglm_store_close(s);
}

static void other_schemas_are_refused(void **state)
{
    aglm_store *s;

    (void)state;
    aglm_store_close(open_store());
    sql("UPDATE alembic_version SET version_num = 'v9.0.0.a'");
    assert_int_equal(aglm_store_open(&s, server.url, &err), AGLM_FORMAT);
    assert_non_null(strstr(err.msg, "v9.0.0.a"));
    assert_non_null(strstr(err.msg, "v3.2.0.a"));
    sql("DELETE FROM alembic_version; UPDATE version_info SET schema_version = 11");
    assert_int_equal(aglm_store_open(&s, server.url, &err), AGLM_FORMAT);
    sql("UPDATE version_info SET schema_version = 12; DROP TABLE trial_heartbeats");
    aglm_store_close(open_store());
    /* A table that another program made under one of the names. */
    sql("DROP TABLE trial_params; CREATE TABLE trial_params (x int)");
    assert_int_equal(aglm_store_open(&s, server.url, &err), AGLM_FORMAT);
    assert_non_null(strstr(err.msg, server.folder));
}

static void what_the_columns_cannot_hold_is_said(void **state)
{
    aglm_store *s = open_store();
    int64_t study = new_study(s);
    aglm_trial_row row = {0};
    aglm_step_row far = {INT64_MAX, 1};
    aglm_attr_row bad = {"k", "\"\xff\xfe\"", false};

    (void)state;
    OK(aglm_store_trial_new(s, study, &row, 0, &err));
    assert_int_equal(aglm_store_trial_report(s, row.id, &far, &err), AGLM_LIMIT);
    assert_int_equal(aglm_store_trial_set_attr(s, row.id, &bad, &err), AGLM_INVALID);
    assert_int_equal(aglm_store_trial_report(s, (int64_t)1 << 40, &far, &err), AGLM_NOTFOUND);
    aglm_store_close(s);
}

/* No message shows the password, whatever is wrong with the URL. */
static void passwords_are_never_shown(void **state)
{
    char url[6][256];
    aglm_store *s;

    (void)state;
    snprintf(url[0], sizeof url[0], "postgresql://u:geheim%%@h/db");
    snprintf(url[1], sizeof url[1], "postgresql://u:geheim@127.0.0.1:1/db");
    snprintf(url[2], sizeof url[2], "postgresql+psycopg2://u:geheim@/db?host=/nowhere");
    snprintf(url[3], sizeof url[3], "postgresql://u:geheim@h:port/db");
    snprintf(url[4], sizeof url[4], "postgresql://u:geheim@[::1/db");
    snprintf(url[5], sizeof url[5], "postgresql://none:geheim@/none?host=%s", server.folder);
    for (int i = 0; i < 6; i++) {
        memset(&err, 0, sizeof err);
        assert_true(aglm_store_open(&s, url[i], &err) < 0);
        assert_true(err.msg[0] != '\0');
        assert_null(strstr(err.msg, "geheim"));
    }
    assert_non_null(strstr(err.msg, "none"));
}

/* Reads of 9,000 trials come in pieces. */
static void long_studies_are_read_in_pieces(void **state)
{
    aglm_store *s = open_store();
    int64_t study = new_study(s);
    size_t others;

    (void)state;
    sql("INSERT INTO trials (number, study_id, state, datetime_start, datetime_complete)"
        " SELECT i, study_id, 'COMPLETE', now(), now() FROM studies, generate_series(0, 8999) i;"
        " INSERT INTO trial_params (trial_id, param_name, param_value, distribution_json)"
        " SELECT trial_id, p, 0, '{}' FROM trials, unnest(ARRAY['b', 'a']) p;"
        " INSERT INTO trial_values (trial_id, objective, value, value_type)"
        " SELECT trial_id, 0, number, 'FINITE' FROM trials;"
        " INSERT INTO trial_intermediate_values (trial_id, step, intermediate_value,"
        " intermediate_value_type) SELECT trial_id, 0, NULL, 'NAN' FROM trials");
    assert_int_equal(check_trials(s, study, &others), 9000);
    assert_int_equal(one_trial(s, study, &err), 9000);
    aglm_store_close(s);
}

#define ON_EMPTY(name) cmocka_unit_test_setup(name, clear)

int main(void)
{
    const struct CMUnitTest tests[] = {
        ON_EMPTY(a_restarted_server_is_found_again),
        ON_EMPTY(a_crash_under_load_loses_and_doubles_nothing),
        ON_EMPTY(killed_writers_leave_the_rest_whole),
        ON_EMPTY(a_waiting_trial_is_claimed_once),
        ON_EMPTY(the_database_is_made_once),
        ON_EMPTY(what_is_given_twice_counts_last),
        ON_EMPTY(other_schemas_are_refused),
        ON_EMPTY(what_the_columns_cannot_hold_is_said),
        ON_EMPTY(passwords_are_never_shown),
        ON_EMPTY(long_studies_are_read_in_pieces),
    };

    if (!postgres_start(&server)) {
        fprintf(stderr, "skipped: no PostgreSQL server\n");
        return 77;
    }
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    postgres_do(&server, "stop");
    return failed;
}
