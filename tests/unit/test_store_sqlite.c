/* What only a file can do: last, be damaged, be shared, run out of room, lose its writer. */
#include "store/store.h"

#include <fcntl.h>
#include <signal.h>
#include <sqlite3.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/file.h"
#include "base/rng.h"
#include "unit.h"

#define NOBODY 65534
#define FLOAT_JSON                                                                                 \
    "{\"name\": \"FloatDistribution\", \"attributes\": {\"step\": null, \"low\": 0.0, "            \
    "\"high\": 1.0, \"log\": false}}"

static char folder[64];
static char file[128];
static aglm_error err;

#define OK(call)                                                                                   \
    do {                                                                                           \
        err.msg[0] = '\0';                                                                         \
        aglm_rc rc_ = (call);                                                                      \
        if (rc_ != AGLM_OK)                                                                        \
            fail_msg("%s: %s: %s", #call, aglm_rc_text(rc_), err.msg);                             \
    } while (0)
/* The code, with a message that names the file. */
#define FAILS(code, call)                                                                          \
    do {                                                                                           \
        memset(&err, 0, sizeof err);                                                               \
        assert_int_equal((call), (code));                                                          \
        assert_int_equal(err.rc, (code));                                                          \
        assert_non_null(strstr(err.msg, file));                                                    \
    } while (0)

static int make_folder(void **state)
{
    (void)state;
    snprintf(folder, sizeof folder, "/tmp/aglm_sqlite_XXXXXX");
    if (!mkdtemp(folder))
        return -1;
    snprintf(file, sizeof file, "%s/study.db", folder);
    return 0;
}

static int remove_folder(void **state)
{
    (void)state;
    return aglm_dir_remove(folder, NULL);
}

static aglm_store *open_file(void)
{
    aglm_store *s = NULL;

    OK(aglm_store_open(&s, file, &err));
    return s;
}

static int64_t new_study(aglm_store *s)
{
    aglm_direction way = AGLM_MINIMIZE;
    int64_t id;

    OK(aglm_store_study_new(s, "s", &way, 1, &id, &err));
    return id;
}

/* SQL by a connection of its own, as another program would. */
static void sql(const char *text)
{
    sqlite3 *db;
    char *why = NULL;

    assert_int_equal(sqlite3_open(file, &db), SQLITE_OK);
    sqlite3_busy_timeout(db, 5000);
    if (sqlite3_exec(db, text, NULL, NULL, &why) != SQLITE_OK)
        fail_msg("%s: %s", text, why);
    sqlite3_close(db);
}

/* The first column of the first row. */
static void ask(const char *text, char *out, size_t size)
{
    sqlite3 *db;
    sqlite3_stmt *st;

    assert_int_equal(sqlite3_open(file, &db), SQLITE_OK);
    assert_int_equal(sqlite3_prepare_v2(db, text, -1, &st, NULL), SQLITE_OK);
    assert_int_equal(sqlite3_step(st), SQLITE_ROW);
    snprintf(out, size, "%s", (const char *)sqlite3_column_text(st, 0));
    sqlite3_finalize(st);
    sqlite3_close(db);
}

static void says(const char *question, const char *answer)
{
    char got[1024];

    ask(question, got, sizeof got);
    assert_string_equal(got, answer);
}

/* A trial asked with ten parameters and told; its number, or -1. */
static int64_t one_trial(aglm_store *s, int64_t study, aglm_error *e)
{
    static const char *const names[10] = {"a", "b", "c", "d", "e", "f", "g", "h", "i", "j"};
    aglm_param_row params[10];
    aglm_step_row step = {1, 0.5};
    aglm_trial_row row = {.params = params, .n_params = 10};

    for (int i = 0; i < 10; i++)
        params[i] = (aglm_param_row){names[i], i / 10.0, FLOAT_JSON};
    if (aglm_store_trial_new(s, study, &row, (int64_t)getpid(), e))
        return -1;
    double value = (double)row.number;
    aglm_trial_end end = {AGLM_TRIAL_COMPLETE, &value, 1, &step, 1, NULL, 0};
    return aglm_store_trial_finish(s, row.id, &end, e) ? -1 : row.number;
}

/* All numbers dense, every COMPLETE trial whole; the number of COMPLETE ones. */
static size_t check_trials(aglm_store *s, int64_t study)
{
    aglm_arena a;
    aglm_trial_row *rows;
    size_t n;
    size_t complete = 0;

    aglm_arena_init(&a, (size_t)1 << 30);
    OK(aglm_store_trials(s, study, 0, &a, &rows, &n, &err));
    for (size_t i = 0; i < n; i++) {
        assert_int_equal(rows[i].number, i);
        assert_int_equal(rows[i].n_params, 10);
        if (rows[i].state != AGLM_TRIAL_COMPLETE)
            continue;
        complete++;
        assert_int_equal(rows[i].n_values, 1);
        assert_true(rows[i].values[0] == (double)i);
        assert_int_equal(rows[i].n_steps, 1);
    }
    aglm_arena_clear(&a);
    return complete;
}

static void a_study_outlives_its_store(void **state)
{
    aglm_store *s = open_file();
    int64_t study = new_study(s);
    int64_t found = 0;
    char url[160];

    (void)state;
    for (int i = 0; i < 5; i++)
        assert_int_equal(one_trial(s, study, &err), i);
    aglm_store_close(s);
    snprintf(url, sizeof url, "sqlite:///%s", file);
    OK(aglm_store_open(&s, url, &err));
    OK(aglm_store_study_find(s, "s", &found, &err));
    assert_int_equal(found, study);
    assert_int_equal(check_trials(s, study), 5);
    assert_int_equal(one_trial(s, study, &err), 5);
    aglm_store_close(s);
}

static void urls_name_their_back_end(void **state)
{
    static const char *const foreign[] = {"mysql://u:secret@h/db", "mysql+x://h/db",
                                          "redis://localhost", "sqlite+pysqlite:///x.db"};
    static const char *const bad[] = {"", "sqlite:///", "sqlite:///:memory:", ":memory:"};
    aglm_store *s;

    (void)state;
    for (int i = 0; i < 4; i++) {
        assert_int_equal(aglm_store_open(&s, foreign[i], &err), AGLM_UNSUPPORTED);
        assert_non_null(strstr(err.msg, "sqlite:///FILE"));
        assert_null(s);
        assert_int_equal(aglm_store_open(&s, bad[i], &err), AGLM_INVALID);
    }
    assert_int_equal(aglm_store_open(&s, NULL, &err), AGLM_INVALID);
    assert_int_equal(aglm_store_open(&s, "sqlite:///x.db?timeout=3", &err), AGLM_UNSUPPORTED);
    OK(aglm_store_open(&s, "memory:", &err));
    aglm_store_close(s);
    aglm_store_close(NULL);
    assert_int_equal(chdir(folder), 0);
    OK(aglm_store_open(&s, "sqlite:///relative.db", &err));
    aglm_store_close(s);
    assert_true(aglm_path_exists("relative.db"));
    assert_int_equal(chdir("/"), 0);
}

static void the_tables_are_optunas(void **state)
{
    (void)state;
    aglm_store_close(open_file());
    says("SELECT version_num FROM alembic_version", "v3.2.0.a");
    says("SELECT version_info_id || ' ' || schema_version || ' ' || library_version"
         " FROM version_info",
         "1 12 5.0.0");
    says("SELECT group_concat(name) FROM (SELECT name FROM sqlite_master WHERE type = 'table'"
         " AND name NOT LIKE 'aglm%' ORDER BY name)",
         "alembic_version,studies,study_directions,study_system_attributes,study_user_attributes,"
         "trial_heartbeats,trial_intermediate_values,trial_params,trial_system_attributes,"
         "trial_user_attributes,trial_values,trials,version_info");
    says("SELECT sql FROM sqlite_master WHERE name = 'trials'",
         "CREATE TABLE trials (\n\ttrial_id INTEGER NOT NULL, \n\tnumber INTEGER, \n"
         "\tstudy_id INTEGER, \n\tstate VARCHAR(8) NOT NULL, \n\tdatetime_start DATETIME, \n"
         "\tdatetime_complete DATETIME, \n\tPRIMARY KEY (trial_id), \n"
         "\tFOREIGN KEY(study_id) REFERENCES studies (study_id)\n)");
    says("PRAGMA journal_mode", "wal");
}

static void waiting_trials_are_found_by_index(void **state)
{
    char plan[256];
    sqlite3 *db;
    sqlite3_stmt *st;

    (void)state;
    aglm_store_close(open_file());
    assert_int_equal(sqlite3_open(file, &db), SQLITE_OK);
    assert_int_equal(sqlite3_prepare_v2(db,
                                        "EXPLAIN QUERY PLAN SELECT trial_id FROM trials WHERE"
                                        " study_id = ? AND state = 'WAITING' ORDER BY trial_id"
                                        " LIMIT 1",
                                        -1, &st, NULL),
                     SQLITE_OK);
    assert_int_equal(sqlite3_step(st), SQLITE_ROW);
    snprintf(plan, sizeof plan, "%s", (const char *)sqlite3_column_text(st, 3));
    assert_non_null(strstr(plan, "aglm_trials_waiting"));
    assert_int_equal(sqlite3_step(st), SQLITE_DONE);
    sqlite3_finalize(st);
    sqlite3_close(db);
}

/* The writer: trials until it is killed, each finished one's number into the pipe. */
static void write_until_killed(int to)
{
    aglm_store *s;
    int64_t study;

    if (aglm_store_open(&s, file, NULL) || aglm_store_study_find(s, "s", &study, NULL))
        _exit(1);
    for (;;) {
        int64_t number = one_trial(s, study, NULL);
        if (number < 0 || write(to, &number, sizeof number) != (ssize_t)sizeof number)
            _exit(1);
    }
}

#define KILLS 40

static void a_killed_writer_loses_no_finished_trial(void **state)
{
    aglm_store *s = open_file();
    int64_t study = new_study(s);
    aglm_rng rng;
    size_t acknowledged = 0;
    size_t failed = 0;

    (void)state;
    aglm_store_close(s);
    aglm_rng_init(&rng, 20240601);
    for (int round = 0; round < KILLS; round++) {
        int ends[2];
        int64_t number;
        size_t reaped = 0;
        assert_int_equal(pipe(ends), 0);
        pid_t pid = fork();
        if (pid == 0) {
            close(ends[0]);
            write_until_killed(ends[1]);
        }
        close(ends[1]);
        /* The first word shows that it writes; then it lives 0..8 ms. */
        assert_int_equal(read(ends[0], &number, sizeof number), sizeof number);
        usleep((useconds_t)aglm_rng_below(&rng, 8000));
        kill(pid, SIGKILL);
        waitpid(pid, NULL, 0);
        acknowledged++;
        while (read(ends[0], &number, sizeof number) == (ssize_t)sizeof number)
            acknowledged++;
        close(ends[0]);
        s = open_file();
        OK(aglm_store_reap(s, study, 0, NULL, &reaped, &err));
        assert_true(reaped <= 1);
        failed += reaped;
        size_t complete = check_trials(s, study);
        /* One a round may have been committed but not yet said. */
        assert_true(complete >= acknowledged);
        assert_true(complete <= acknowledged + (size_t)round + 1);
        aglm_store_close(s);
    }
    says("PRAGMA integrity_check", "ok");
    says("SELECT count(*) FROM trials WHERE state = 'RUNNING'", "0");
    says("SELECT count(*) FROM aglm_owner", "0");
    print_message("%zu trials, %zu killed half-way\n", acknowledged, failed);
}

#define WRITERS 3
#define EACH 150

static void processes_write_one_study(void **state)
{
    aglm_store *s = open_file();
    int64_t study = new_study(s);
    pid_t pids[WRITERS];

    (void)state;
    aglm_store_close(s);
    for (int i = 0; i < WRITERS; i++) {
        pids[i] = fork();
        if (pids[i] != 0)
            continue;
        aglm_error e = {0};
        if (aglm_store_open(&s, file, &e))
            _exit(1);
        for (int k = 0; k < EACH; k++) {
            if (one_trial(s, study, &e) < 0) {
                fprintf(stderr, "writer %d: %s\n", i, e.msg);
                _exit(1);
            }
        }
        aglm_store_close(s);
        _exit(0);
    }
    for (int i = 0; i < WRITERS; i++) {
        int status = -1;
        waitpid(pids[i], &status, 0);
        assert_int_equal(status, 0);
    }
    s = open_file();
    assert_int_equal(check_trials(s, study), WRITERS * EACH);
    aglm_store_close(s);
}

/* Several processes make the same new file at once. */
static void a_file_is_made_once(void **state)
{
    pid_t pids[4];

    (void)state;
    for (int i = 0; i < 4; i++) {
        pids[i] = fork();
        if (pids[i] == 0) {
            aglm_store *s;
            _exit(aglm_store_open(&s, file, NULL) ? 1 : 0);
        }
    }
    for (int i = 0; i < 4; i++) {
        int status = -1;
        waitpid(pids[i], &status, 0);
        assert_int_equal(status, 0);
    }
    says("SELECT count(*) FROM alembic_version", "1");
}

static void a_full_disk_loses_nothing(void **state)
{
    aglm_store *s = open_file();
    int64_t study = new_study(s);
    struct rlimit before;
    size_t done = 0;

    (void)state;
    assert_int_equal(getrlimit(RLIMIT_FSIZE, &before), 0);
    struct rlimit small = {300000, before.rlim_max};
    struct sigaction ignore = {.sa_handler = SIG_IGN};
    struct sigaction old;
    sigaction(SIGXFSZ, &ignore, &old);
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &small), 0);
    memset(&err, 0, sizeof err);
    while (one_trial(s, study, &err) >= 0)
        done++;
    assert_int_equal(err.rc, AGLM_IO);
    assert_non_null(strstr(err.msg, file));
    assert_true(done > 0);
    /* What is there can still be read, and with room again the study goes on. */
    assert_int_equal(check_trials(s, study), done);
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &before), 0);
    sigaction(SIGXFSZ, &old, NULL);
    assert_true(one_trial(s, study, &err) >= 0);
    aglm_store_close(s);
    s = open_file();
    assert_int_equal(check_trials(s, study), done + 1);
    aglm_store_close(s);
    says("PRAGMA integrity_check", "ok");
}

/* Runs body as a user without rights; false when that cannot be had here. */
static bool as_nobody(void (*body)(void))
{
    int status = 0;
    pid_t pid = fork();

    if (pid == 0) {
        if (geteuid() == 0 && (setgid(NOBODY) != 0 || setuid(NOBODY) != 0))
            _exit(77);
        body();
        _exit(0);
    }
    waitpid(pid, &status, 0);
    if (WIFEXITED(status) && WEXITSTATUS(status) == 77)
        return false;
    assert_int_equal(status, 0);
    return true;
}

/* In the child no assertion of cmocka's works: a wrong answer ends it with its line. */
#define CHILD(cond)                                                                                \
    do {                                                                                           \
        if (!(cond)) {                                                                             \
            fprintf(stderr, "%d: %s: %s\n", __LINE__, #cond, err.msg);                             \
            _exit(1);                                                                              \
        }                                                                                          \
    } while (0)

static void open_in_read_only_folder(void)
{
    aglm_store *s;
    char path[160];

    snprintf(path, sizeof path, "%s/new.db", folder);
    CHILD(aglm_store_open(&s, path, &err) == AGLM_IO);
    CHILD(strstr(err.msg, path) && strstr(err.msg, "writable"));
}

static void use_read_only_file(void)
{
    aglm_direction way = AGLM_MINIMIZE;
    aglm_store *s;
    int64_t study;
    int64_t id;

    CHILD(aglm_store_open(&s, file, &err) == AGLM_OK);
    CHILD(aglm_store_study_find(s, "s", &study, &err) == AGLM_OK);
    CHILD(aglm_store_study_new(s, "t", &way, 1, &id, &err) == AGLM_IO);
    CHILD(strstr(err.msg, file) && strstr(err.msg, "read-only"));
    aglm_store_close(s);
}

static void read_only_is_said(void **state)
{
    aglm_store *s = open_file();

    (void)state;
    new_study(s);
    aglm_store_close(s);
    sql("PRAGMA journal_mode = DELETE");
    assert_int_equal(chmod(file, 0444), 0);
    assert_int_equal(chmod(folder, 0555), 0);
    bool ran = as_nobody(open_in_read_only_folder) && as_nobody(use_read_only_file);
    assert_int_equal(chmod(folder, 0755), 0);
    if (!ran)
        skip();
}

/* Without the fsyncs of aglm_file_write: this is done hundreds of times. */
static void write_bytes(const char *bytes, size_t n)
{
    int fd = open(file, O_WRONLY | O_CREAT | O_TRUNC, 0644);

    assert_true(fd >= 0);
    assert_int_equal(write(fd, bytes, n), n);
    close(fd);
}

static void what_is_no_study_is_refused(void **state)
{
    static const char text[] = "text,label\nhello,greeting\n";
    aglm_store *s;
    char *csv = calloc(1, 20000);

    (void)state;
    write_bytes(text, sizeof text - 1);
    FAILS(AGLM_FORMAT, aglm_store_open(&s, file, &err));
    assert_non_null(strstr(err.msg, "not a SQLite database"));
    memset(csv, 'x', 20000);
    write_bytes(csv, 20000);
    free(csv);
    FAILS(AGLM_FORMAT, aglm_store_open(&s, file, &err));
    /* Another program's database stays untouched. */
    write_bytes("", 0);
    sql("CREATE TABLE moz_places (id INTEGER)");
    FAILS(AGLM_FORMAT, aglm_store_open(&s, file, &err));
    says("SELECT count(*) FROM sqlite_master", "1");
    says("PRAGMA journal_mode", "delete");
    /* A folder, and a folder that is not there. */
    snprintf(file, sizeof file, "%s", folder);
    FAILS(AGLM_IO, aglm_store_open(&s, file, &err));
    snprintf(file, sizeof file, "%s/none/study.db", folder);
    FAILS(AGLM_IO, aglm_store_open(&s, file, &err));
    /* An empty file is a new one. */
    snprintf(file, sizeof file, "%s/empty.db", folder);
    write_bytes("", 0);
    aglm_store_close(open_file());
}

static void other_schemas_are_refused(void **state)
{
    aglm_store *s;

    (void)state;
    aglm_store_close(open_file());
    sql("UPDATE alembic_version SET version_num = 'v2.6.0.a'");
    FAILS(AGLM_FORMAT, aglm_store_open(&s, file, &err));
    assert_non_null(strstr(err.msg, "v2.6.0.a"));
    assert_non_null(strstr(err.msg, "v3.2.0.a"));
    assert_non_null(strstr(err.msg, "optuna storage upgrade"));
    sql("DELETE FROM alembic_version; UPDATE version_info SET schema_version = 11");
    FAILS(AGLM_FORMAT, aglm_store_open(&s, file, &err));
    assert_non_null(strstr(err.msg, "11"));
    /* Optuna, interrupted while it made its tables. */
    sql("UPDATE version_info SET schema_version = 12; DROP TABLE trial_heartbeats");
    aglm_store_close(open_file());
    says("SELECT version_num FROM alembic_version", "v3.2.0.a");
    says("SELECT count(*) FROM trial_heartbeats", "0");
}

/* A store with some trials, all of it in the one file. */
static void fill_file(int trials)
{
    aglm_store *s = open_file();
    int64_t study = new_study(s);

    for (int i = 0; i < trials; i++)
        assert_true(one_trial(s, study, &err) >= 0);
    aglm_store_close(s);
}

/* Opens the damaged file and reads all: an answer or AGLM_FORMAT that names the file. */
static aglm_rc read_damaged(void)
{
    aglm_store *s;
    aglm_trial_row *rows;
    aglm_study_row *studies;
    aglm_arena a;
    size_t n;

    aglm_arena_init(&a, (size_t)1 << 28);
    memset(&err, 0, sizeof err);
    aglm_rc rc = aglm_store_open(&s, file, &err);
    if (!rc) {
        rc = aglm_store_study_list(s, &a, &studies, &n, &err);
        for (size_t i = 0; !rc && i < n; i++) {
            size_t trials;
            rc = aglm_store_trials(s, studies[i].id, 0, &a, &rows, &trials, &err);
        }
        aglm_store_close(s);
    }
    aglm_arena_clear(&a);
    if (rc)
        assert_non_null(strstr(err.msg, file));
    return rc;
}

static void damage_is_said(void **state)
{
    char *good;
    size_t n;
    aglm_rng rng;
    int failed = 0;

    (void)state;
    fill_file(60);
    OK(aglm_file_read(file, (size_t)1 << 26, &good, &n, &err));
    for (size_t cut = n - 4096; cut > n / 2; cut -= 3 * 4096) {
        write_bytes(good, cut);
        assert_int_equal(read_damaged(), AGLM_FORMAT);
    }
    /* Bytes turned anywhere: never a crash, and what is found is said with the file's name. */
    aglm_rng_init(&rng, 7);
    char *bad = malloc(n);
    for (int i = 0; i < 200; i++) {
        memcpy(bad, good, n);
        size_t at = (size_t)aglm_rng_below(&rng, n - 64);
        for (size_t k = 0; k < 64; k++)
            bad[at + k] = (char)aglm_rng_next(&rng);
        write_bytes(bad, n);
        failed += read_damaged() != AGLM_OK;
    }
    assert_true(failed > 0);
    free(bad);
    free(good);
}

static void rows_that_make_no_sense_are_said(void **state)
{
    static const char *const damage[] = {
        "UPDATE trials SET state = 'DONE' WHERE trial_id = 2",
        "UPDATE trials SET number = NULL WHERE trial_id = 2",
        "UPDATE trials SET number = 'two' WHERE trial_id = 2",
        "UPDATE trial_values SET value_type = 'BIG' WHERE trial_id = 2",
        "UPDATE trial_intermediate_values SET intermediate_value_type = '' WHERE trial_id = 2",
    };

    (void)state;
    fill_file(3);
    for (size_t i = 0; i < sizeof damage / sizeof damage[0]; i++) {
        sql("UPDATE trials SET state = 'COMPLETE', number = trial_id - 1;"
            "UPDATE trial_values SET value_type = 'FINITE';"
            "UPDATE trial_intermediate_values SET intermediate_value_type = 'FINITE'");
        assert_int_equal(read_damaged(), AGLM_OK);
        sql(damage[i]);
        assert_int_equal(read_damaged(), AGLM_FORMAT);
        assert_non_null(strstr(err.msg, "id 2"));
    }
}

/* Optuna holds the file in its own journal mode: it is used as it is. */
static void a_file_in_use_keeps_its_journal(void **state)
{
    sqlite3 *db;

    (void)state;
    aglm_store_close(open_file());
    sql("PRAGMA journal_mode = DELETE");
    assert_int_equal(sqlite3_open(file, &db), SQLITE_OK);
    assert_int_equal(sqlite3_exec(db, "BEGIN; SELECT count(*) FROM trials", NULL, NULL, NULL),
                     SQLITE_OK);
    aglm_store *s = open_file();
    assert_int_equal(sqlite3_exec(db, "COMMIT", NULL, NULL, NULL), SQLITE_OK);
    int64_t study = new_study(s);
    assert_int_equal(one_trial(s, study, &err), 0);
    aglm_store_close(s);
    sqlite3_close(db);
    says("PRAGMA journal_mode", "delete");
    /* Alone again it becomes WAL. */
    aglm_store_close(open_file());
    says("PRAGMA journal_mode", "wal");
}

/* Optuna deletes trials without knowing of owners, and SQLite gives their ids again. */
/* A long study is read in the order in which its rows were written; parameters that came later than
 * those of later trials, and trials of another study between, must not be missed. */
static void late_parameters_are_found(void **state)
{
    enum { TRIALS = 1200 };
    static const aglm_param_row late[] = {{"late", 7, FLOAT_JSON}, {"a", 9, FLOAT_JSON}};
    aglm_store *s = open_file();
    aglm_direction way = AGLM_MINIMIZE;
    aglm_trial_row *rows;
    aglm_arena a;
    int64_t study = new_study(s);
    int64_t other;
    int64_t open[3];
    size_t n;

    (void)state;
    OK(aglm_store_study_new(s, "other", &way, 1, &other, &err));
    for (int i = 0; i < TRIALS; i++) {
        aglm_param_row first = {"a", i, FLOAT_JSON};
        aglm_trial_row row = {.params = &first, .n_params = 1};
        OK(aglm_store_trial_new(s, i % 100 == 50 ? other : study, &row, 0, &err));
        if (i == 0 || i == 601 || i == TRIALS - 1)
            open[i == 0 ? 0 : i == 601 ? 1 : 2] = row.id;
    }
    for (int i = 0; i < 3; i++)
        OK(aglm_store_trial_set_params(s, open[i], late, i == 1 ? 2 : 1, &err));
    aglm_arena_init(&a, (size_t)1 << 30);
    OK(aglm_store_trials(s, study, 0, &a, &rows, &n, &err));
    assert_int_equal(n, TRIALS - TRIALS / 100);
    for (size_t i = 0; i < n; i++) {
        bool is_late = rows[i].id == open[0] || rows[i].id == open[1] || rows[i].id == open[2];
        assert_int_equal(rows[i].n_params, is_late ? 2 : 1);
        assert_string_equal(rows[i].params[0].name, "a");
        assert_true(rows[i].params[0].value ==
                    (rows[i].id == open[1] ? 9.0 : (double)(rows[i].id - open[0])));
        if (is_late)
            assert_string_equal(rows[i].params[1].name, "late");
    }
    aglm_arena_clear(&a);
    aglm_store_close(s);
}

static void owners_of_reused_ids_are_not_believed(void **state)
{
    aglm_store *s = open_file();
    int64_t study = new_study(s);
    aglm_trial_row row = {0};
    size_t n;

    (void)state;
    pid_t pid = fork();
    if (pid == 0) {
        for (;;)
            pause();
    }
    OK(aglm_store_trial_new(s, study, &row, pid, &err));
    kill(pid, SIGKILL);
    waitpid(pid, NULL, 0);
    sql("DELETE FROM trials; INSERT INTO trials (number, study_id, state, datetime_start)"
        " VALUES (0, 1, 'RUNNING', '2024-01-01 00:00:00.000000')");
    OK(aglm_store_reap(s, study, 0, NULL, &n, &err));
    assert_int_equal(n, 0);
    says("SELECT trial_id || state FROM trials", "1RUNNING");
    says("SELECT count(*) FROM aglm_owner", "0");
    aglm_store_close(s);
}

/* Numbers follow Optuna's rows too. */
static void numbers_follow_optunas(void **state)
{
    aglm_store *s = open_file();
    int64_t study = new_study(s);
    aglm_trial_row row = {0};

    (void)state;
    sql("INSERT INTO trials (number, study_id, state) VALUES (0, 1, 'RUNNING');"
        "INSERT INTO trials (number, study_id, state) VALUES (1, 1, 'WAITING')");
    OK(aglm_store_trial_new(s, study, &row, 0, &err));
    assert_int_equal(row.number, 2);
    aglm_store_close(s);
}

#define FILE_TEST(name) cmocka_unit_test_setup_teardown(name, make_folder, remove_folder)

int main(void)
{
    const struct CMUnitTest tests[] = {
        FILE_TEST(a_study_outlives_its_store),
        FILE_TEST(urls_name_their_back_end),
        FILE_TEST(the_tables_are_optunas),
        FILE_TEST(waiting_trials_are_found_by_index),
        FILE_TEST(a_killed_writer_loses_no_finished_trial),
        FILE_TEST(processes_write_one_study),
        FILE_TEST(a_file_is_made_once),
        FILE_TEST(a_full_disk_loses_nothing),
        FILE_TEST(read_only_is_said),
        FILE_TEST(what_is_no_study_is_refused),
        FILE_TEST(other_schemas_are_refused),
        FILE_TEST(damage_is_said),
        FILE_TEST(rows_that_make_no_sense_are_said),
        FILE_TEST(a_file_in_use_keeps_its_journal),
        FILE_TEST(late_parameters_are_found),
        FILE_TEST(owners_of_reused_ids_are_not_believed),
        FILE_TEST(numbers_follow_optunas),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
