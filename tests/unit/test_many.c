/* Many processes on one study at full speed, two of them killed: nothing is lost, doubled or
 * locked. usage: test_many               short, in SQLite and, where it is installed, in PostgreSQL
 *        test_many URL TRIALS    long, there; prints the rate */
#include <math.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/file.h"
#include "base/memory.h"
#include "base/rng.h"
#include "postgres.h"
#include "search/space_text.h"
#include "search/study.h"
#include "unit.h"

#define WORKERS 8
#define KILLED 2
#define PARAMS 10

static postgres_server server;
static aglm_error err;

#define OK(call)                                                                                   \
    do {                                                                                           \
        err.msg[0] = '\0';                                                                         \
        aglm_rc rc_ = (call);                                                                      \
        if (rc_ != AGLM_OK)                                                                        \
            fail_msg("%s: %s: %s", #call, aglm_rc_text(rc_), err.msg);                             \
    } while (0)

struct opened {
    aglm_store *store;
    aglm_space *space;
    aglm_study *study;
};

/* All workers have one seed: only what they see of each other keeps their points apart. */
static aglm_rc open_study(struct opened *o, const char *url, aglm_error *e)
{
    static const char text[] =
        "a=uniform(0,1) b=uniform(0,1) c=uniform(0,1) d=uniform(0,1) e=uniform(0,1)"
        " f=uniform(0,1) g=uniform(0,1) h=uniform(0,1) i=uniform(0,1) j=uniform(0,1)";
    aglm_study_options options;

    memset(o, 0, sizeof *o);
    aglm_study_options_init(&options);
    options.sampler = &aglm_sampler_random;
    options.heartbeat_s = 5;
    aglm_rc rc = aglm_space_new(&o->space, e);
    if (rc == AGLM_OK)
        rc = aglm_space_parse(o->space, text, strlen(text), e);
    if (rc == AGLM_OK)
        rc = aglm_store_open(&o->store, url, e);
    return rc == AGLM_OK ? aglm_study_open(&o->study, o->store, "many", o->space, &options, e) : rc;
}

static void close_study(struct opened *o)
{
    aglm_study_close(o->study);
    aglm_space_free(o->space);
    aglm_store_close(o->store);
}

static double value_of(const double *x)
{
    double sum = 0;

    for (int i = 0; i < PARAMS; i++)
        sum += x[i];
    return sum;
}

/* Asks and tells until the study has so many points; each number that was told goes to the pipe. */
static aglm_rc work(aglm_study *s, size_t trials, int to, aglm_error *e)
{
    double x[PARAMS];
    int64_t number;
    aglm_rc rc;

    while ((rc = aglm_study_sync(s, e)) == AGLM_OK &&
           (rc = aglm_study_ask_within(s, trials, &number, x, e)) == AGLM_OK) {
        double value = value_of(x);
        rc = aglm_study_tell(s, number, AGLM_TRIAL_COMPLETE, &value, 1, e);
        if (rc != AGLM_OK)
            return rc;
        if (to >= 0 && write(to, &number, sizeof number) != (ssize_t)sizeof number)
            return AGLM_IO;
    }
    return rc;
}

static pid_t start_worker(const char *url, size_t trials, int to)
{
    struct opened o;
    aglm_error e = {0};
    pid_t pid = fork();

    if (pid != 0)
        return pid;
    aglm_rc rc = open_study(&o, url, &e);
    if (rc == AGLM_OK)
        rc = work(o.study, trials, to, &e);
    if (rc != AGLM_DONE) {
        fprintf(stderr, "worker: %s: %s\n", aglm_rc_text(rc), e.msg);
        _exit(1);
    }
    close_study(&o);
    _exit(0);
}

/* What the pipe says was told, by number; read while the workers write. */
static size_t read_told(int from, uint8_t *told, size_t most)
{
    size_t n = 0;
    int64_t number;

    while (read(from, &number, sizeof number) == (ssize_t)sizeof number) {
        assert_in_range(number, 0, most - 1);
        assert_int_equal(told[number], 0);
        told[number] = 1;
        n++;
    }
    return n;
}

static pid_t start_killer(const pid_t *pids, double spread_s)
{
    aglm_rng rng;
    pid_t pid = fork();

    if (pid != 0)
        return pid;
    aglm_rng_init(&rng, 20261124);
    for (int i = 0; i < KILLED; i++) {
        usleep((useconds_t)(1e6 * spread_s * (0.2 + aglm_rng_uniform(&rng))));
        kill(pids[i], SIGKILL);
    }
    _exit(0);
}

static int by_value(const void *a, const void *b)
{
    double x = *(const double *)a;
    double y = *(const double *)b;

    return (x > y) - (x < y);
}

/* Numbers are dense; every trial is COMPLETE and right, or is one of the few that died; what was
 * told is there; no point stands twice but to be tried again. */
static void check(const char *url, size_t trials, const uint8_t *told)
{
    struct opened o;
    aglm_trial *all;
    aglm_arena a;
    size_t n;
    size_t complete = 0;
    size_t again = 0;

    aglm_arena_init(&a, (size_t)1 << 32);
    OK(open_study(&o, url, &err));
    assert_int_equal(work(o.study, trials, -1, &err), AGLM_DONE); /* what the dead left */
    OK(aglm_study_trials(o.study, &a, &all, &n, &err));
    double *first = aglm_calloc(n + 1, sizeof *first);
    assert_non_null(first);
    for (size_t i = 0; i < n; i++) {
        assert_int_equal(all[i].number, i);
        assert_true(all[i].state == AGLM_TRIAL_COMPLETE || all[i].state == AGLM_TRIAL_FAIL);
        assert_true(all[i].state == AGLM_TRIAL_COMPLETE || !told[i]);
        if (all[i].state == AGLM_TRIAL_COMPLETE) {
            assert_true(fabs(all[i].values[0] - value_of(all[i].x)) < 1e-12);
            first[complete++] = all[i].x[0];
        }
        again += aglm_trial_attr(&all[i], AGLM_ATTR_RETRY_OF, true) != NULL;
    }
    qsort(first, complete, sizeof *first, by_value);
    for (size_t i = 1; i < complete; i++)
        assert_true(first[i] != first[i - 1]);
    assert_int_equal(n - again, trials);
    assert_in_range(n - complete, again, KILLED); /* the second try may have died as well */
    free(first);
    aglm_arena_clear(&a);
    close_study(&o);
}

static void run_many(const char *url, size_t trials, double spread_s)
{
    struct opened o;
    pid_t pids[WORKERS];
    size_t most = trials + 64;
    uint8_t *told = aglm_calloc(most, 1);
    int ends[2];

    assert_non_null(told);
    OK(open_study(&o, url, &err));
    close_study(&o);
    assert_int_equal(pipe(ends), 0);
    uint64_t start = aglm_clock_ns();
    for (int i = 0; i < WORKERS; i++)
        pids[i] = start_worker(url, trials, ends[1]);
    close(ends[1]);
    pid_t killer = start_killer(pids, spread_s);
    size_t n = read_told(ends[0], told, most);
    double wall = aglm_clock_since_s(start);
    close(ends[0]);
    assert_int_equal(waitpid(killer, NULL, 0), killer);
    for (int i = 0; i < WORKERS; i++) {
        int status = -1;
        assert_int_equal(waitpid(pids[i], &status, 0), pids[i]);
        assert_true(status == 0 || (i < KILLED && WIFSIGNALED(status)));
    }
    check(url, trials, told);
    print_message("%zu trials told by %d workers in %.2f s: %.0f ask+tell/s\n", n, WORKERS, wall,
                  (double)n / wall);
    free(told);
}

static void workers_share_a_file(void **state)
{
    char folder[] = "/tmp/aglm_many_XXXXXX";
    char url[64];

    (void)state;
    assert_non_null(mkdtemp(folder));
    snprintf(url, sizeof url, "sqlite:///%s/s.db", folder);
    run_many(url, 2000, 0.4);
    aglm_dir_remove(folder, NULL);
}

static void workers_share_a_server(void **state)
{
    (void)state;
    if (!server.folder[0]) {
        fprintf(stderr, "skipped: no PostgreSQL server\n");
        skip();
    }
    run_many(server.url, 1000, 0.4);
}

static const char *long_url;
static size_t long_trials;

static void workers_share_for_long(void **state)
{
    (void)state;
    run_many(long_url, long_trials, (double)long_trials / 4000);
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(workers_share_a_file),
        cmocka_unit_test(workers_share_a_server),
    };
    const struct CMUnitTest longer[] = {cmocka_unit_test(workers_share_for_long)};

    if (argc > 2) {
        long_url = argv[1];
        long_trials = (size_t)strtoull(argv[2], NULL, 10);
        return cmocka_run_group_tests(longer, NULL, NULL);
    }
    if (!postgres_start(&server))
        server.folder[0] = '\0';
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    if (server.folder[0])
        postgres_do(&server, "stop");
    return failed;
}
