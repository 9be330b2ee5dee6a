#include "search/study.h"

#include <math.h>
#include <pthread.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/file.h"
#include "unit.h"

static char folder[] = "/tmp/aglm_study_XXXXXX";

static aglm_space *new_space(double high)
{
    static const char *const kinds[] = {"linear", "embed"};
    aglm_space *s;
    aglm_arena a;
    aglm_dist d;

    aglm_arena_init(&a, 1u << 16);
    assert_int_equal(aglm_space_new(&s, NULL), AGLM_OK);
    aglm_dist_float(&d, 1e-4, high, 0, true, NULL);
    aglm_space_add(s, "lr", &d, NULL, 0, NULL);
    aglm_dist_texts(&d, kinds, 2, &a, NULL);
    aglm_space_add(s, "kind", &d, NULL, 0, NULL);
    aglm_dist_int(&d, 10, 100, 1, false, NULL);
    aglm_space_add(s, "dim", &d, "kind", 2, NULL);
    aglm_arena_clear(&a);
    return s;
}

static double value_of(const double *x)
{
    return pow(log10(x[0]) + 2.0, 2) + (isnan(x[2]) ? 0.5 : fabs(x[2] - 40.0) / 60.0);
}

struct fixture {
    aglm_store *store;
    aglm_space *space;
    aglm_study *study;
    aglm_study_options options;
    char url[128];
};

static void open_study(struct fixture *f)
{
    aglm_error err = {0};

    if (aglm_store_open(&f->store, f->url, &err) != AGLM_OK ||
        aglm_study_open(&f->study, f->store, "s", f->space, &f->options, &err) != AGLM_OK)
        fail_msg("%s", err.msg);
}

static void close_study(struct fixture *f)
{
    aglm_study_close(f->study);
    aglm_store_close(f->store);
}

static void begin(struct fixture *f, const char *file)
{
    f->space = new_space(1.0);
    aglm_study_options_init(&f->options);
    f->options.seed = 11;
    if (file)
        snprintf(f->url, sizeof f->url, "%s/%s", folder, file);
    else
        snprintf(f->url, sizeof f->url, "memory");
    open_study(f);
}

static void end(struct fixture *f)
{
    close_study(f);
    aglm_space_free(f->space);
}

static int64_t run_one(struct fixture *f, double *x)
{
    int64_t number;
    double v;

    assert_int_equal(aglm_study_ask(f->study, &number, x, NULL), AGLM_OK);
    v = value_of(x);
    assert_int_equal(aglm_study_report(f->study, number, 1, v + 1.0, NULL, NULL), AGLM_OK);
    assert_int_equal(aglm_study_tell(f->study, number, AGLM_TRIAL_COMPLETE, &v, 1, NULL), AGLM_OK);
    return number;
}

static void ask_and_tell_find_the_best(void **state)
{
    struct fixture f;
    aglm_arena a;
    aglm_trial best;
    aglm_trial *all;
    size_t n;
    double x[3];
    double least = INFINITY;

    (void)state;
    begin(&f, NULL);
    aglm_arena_init(&a, 1u << 24);
    assert_int_equal(aglm_study_best_trial(f.study, &a, &best, NULL), AGLM_NOTFOUND);
    for (int64_t i = 0; i < 40; i++) {
        assert_int_equal(run_one(&f, x), i);
        least = fmin(least, value_of(x));
    }
    assert_int_equal(aglm_study_best_trial(f.study, &a, &best, NULL), AGLM_OK);
    assert_true(best.values[0] == least && best.loss == least);
    assert_true(value_of(best.x) == least);
    assert_int_equal(aglm_study_trials(f.study, &a, &all, &n, NULL), AGLM_OK);
    assert_int_equal(n, 40);
    assert_int_equal(all[7].number, 7);
    assert_int_equal(all[7].n_steps, 1);
    assert_true(all[7].steps[0].value == all[7].values[0] + 1.0);
    assert_true(all[7].duration_s >= 0.0);
    assert_int_equal(aglm_study_count(f.study, AGLM_TRIAL_COMPLETE), 40);
    aglm_arena_clear(&a);
    end(&f);
}

static void maximize_turns_the_order(void **state)
{
    struct fixture f;
    aglm_arena a;
    aglm_trial best;
    double x[3];

    (void)state;
    f.space = new_space(1.0);
    aglm_study_options_init(&f.options);
    f.options.directions[0] = AGLM_MAXIMIZE;
    snprintf(f.url, sizeof f.url, "memory");
    open_study(&f);
    aglm_arena_init(&a, 1u << 20);
    double most = -INFINITY;
    for (int i = 0; i < 30; i++) {
        run_one(&f, x);
        most = fmax(most, value_of(x));
    }
    assert_int_equal(aglm_study_best_trial(f.study, &a, &best, NULL), AGLM_OK);
    assert_true(best.values[0] == most && best.loss == -most);
    aglm_arena_clear(&a);
    end(&f);
}

/* Stopping after any number of trials and resuming gives the points of one that never stopped. */
static void resumed_study_goes_on_as_if_uninterrupted(void **state)
{
    struct fixture whole;
    struct fixture parts;
    double x[3];
    double y[3];

    (void)state;
    begin(&whole, NULL);
    begin(&parts, "resume.db");
    for (int i = 0; i < 45; i++) {
        if (i % 7 == 3) {
            close_study(&parts);
            open_study(&parts);
        }
        assert_int_equal(run_one(&whole, x), run_one(&parts, y));
        if (!aglm_space_same(whole.space, x, y))
            fail_msg("trial %d differs after resuming", i);
    }
    end(&whole);
    end(&parts);
}

static void another_space_or_direction_is_refused(void **state)
{
    struct fixture f;
    aglm_error err = {0};
    aglm_study *s;
    double x[3];

    (void)state;
    begin(&f, NULL);
    run_one(&f, x);
    aglm_space *other = new_space(2.0);
    assert_int_equal(aglm_study_open(&s, f.store, "s", other, &f.options, &err), AGLM_INVALID);
    assert_non_null(strstr(err.msg, "lr: stored as float 0.0001..1 log, asked for as"));
    aglm_space_free(other);
    f.options.directions[0] = AGLM_MAXIMIZE;
    assert_int_equal(aglm_study_open(&s, f.store, "s", f.space, &f.options, &err), AGLM_INVALID);
    assert_non_null(strstr(err.msg, "stored to minimize"));
    f.options.directions[0] = AGLM_MINIMIZE;
    f.options.must_be_new = true;
    assert_int_equal(aglm_study_open(&s, f.store, "s", f.space, &f.options, &err), AGLM_INVALID);
    assert_null(s);
    f.options.must_be_new = false;
    f.options.n_directions = 2;
    assert_int_equal(aglm_study_open(&s, f.store, "s", f.space, &f.options, &err), AGLM_INVALID);
    assert_non_null(strstr(err.msg, "stored with 1 objectives, asked for with 2"));
    f.options.n_directions = 1;
    assert_int_equal(aglm_study_open(&s, f.store, "", f.space, &f.options, &err), AGLM_INVALID);
    end(&f);
}

static void enqueued_points_come_first_and_once(void **state)
{
    struct fixture f;
    double first[3] = {0.5, 1, 33};
    double second[3] = {0.25, 0, 77}; /* dim is inactive: it is dropped */
    double outside[3] = {7, 0, NAN};
    double x[3];
    int64_t number;
    aglm_error err;

    (void)state;
    begin(&f, "enqueue.db");
    assert_int_equal(aglm_study_enqueue(f.study, first, &number, NULL), AGLM_OK);
    assert_int_equal(number, 0);
    assert_int_equal(aglm_study_enqueue(f.study, second, NULL, NULL), AGLM_OK);
    assert_int_equal(aglm_study_enqueue(f.study, first, NULL, NULL), AGLM_DONE);
    assert_int_equal(aglm_study_enqueue(f.study, outside, NULL, &err), AGLM_INVALID);
    assert_non_null(strstr(err.msg, "lr"));
    assert_int_equal(run_one(&f, x), 0);
    assert_true(aglm_space_same(f.space, x, first));
    close_study(&f);
    open_study(&f); /* the queue is in the store */
    assert_int_equal(aglm_study_count(f.study, AGLM_TRIAL_WAITING), 1);
    assert_int_equal(run_one(&f, x), 1);
    assert_true(x[0] == 0.25 && x[1] == 0 && isnan(x[2]));
    assert_int_equal(run_one(&f, x), 2);
    end(&f);
}

static void points_of_another_opener_are_taken(void **state)
{
    const double points[][3] = {{0.1, 0, NAN}, {0.2, 0, NAN}, {0.3, 0, NAN}};
    struct fixture f;
    aglm_study *other;
    int64_t number;
    double x[3];

    (void)state;
    begin(&f, NULL);
    assert_int_equal(aglm_study_open(&other, f.store, "s", f.space, &f.options, NULL), AGLM_OK);
    assert_int_equal(aglm_study_enqueue(f.study, points[0], NULL, NULL), AGLM_OK);
    assert_int_equal(aglm_study_enqueue(f.study, points[1], NULL, NULL), AGLM_OK);
    assert_int_equal(aglm_study_enqueue(other, points[2], NULL, NULL), AGLM_OK);
    assert_int_equal(aglm_study_ask(other, &number, x, NULL), AGLM_OK);
    assert_true(x[0] == points[0][0]);
    /* f.study still takes the first one for waiting, and has not heard of the third. */
    for (int i = 1; i < 3; i++) {
        assert_int_equal(aglm_study_ask(f.study, &number, x, NULL), AGLM_OK);
        assert_int_equal(number, i);
        assert_true(x[0] == points[i][0]);
    }
    aglm_study_close(other);
    end(&f);
}

static void a_trial_ends_once_and_as_it_must(void **state)
{
    struct fixture f;
    aglm_arena a;
    aglm_trial t;
    double x[3];
    double v = 1.0;
    double nan_value = NAN;
    int64_t n;
    aglm_error err;

    (void)state;
    begin(&f, NULL);
    aglm_arena_init(&a, 1u << 20);
    assert_int_equal(aglm_study_tell(f.study, 0, AGLM_TRIAL_COMPLETE, &v, 1, &err), AGLM_NOTFOUND);
    aglm_study_ask(f.study, &n, x, NULL);
    assert_int_equal(aglm_study_tell(f.study, n, AGLM_TRIAL_COMPLETE, &v, 0, &err), AGLM_INVALID);
    assert_int_equal(aglm_study_tell(f.study, n, AGLM_TRIAL_RUNNING, &v, 1, &err), AGLM_INVALID);
    assert_int_equal(aglm_study_tell(f.study, n, AGLM_TRIAL_FAIL, &v, 1, &err), AGLM_INVALID);
    assert_int_equal(aglm_study_report(f.study, n, 5, 3.5, NULL, NULL), AGLM_OK);
    assert_int_equal(aglm_study_report(f.study, n, 5, 3.5, NULL, &err), AGLM_INVALID);
    assert_int_equal(aglm_study_tell(f.study, n, AGLM_TRIAL_PRUNED, NULL, 0, NULL), AGLM_OK);
    assert_int_equal(aglm_study_tell(f.study, n, AGLM_TRIAL_PRUNED, NULL, 0, &err), AGLM_INVALID);
    assert_int_equal(aglm_study_report(f.study, n, 6, 3.5, NULL, &err), AGLM_INVALID);
    assert_int_equal(aglm_study_trial(f.study, n, &a, &t, NULL), AGLM_OK);
    assert_true(t.state == AGLM_TRIAL_PRUNED && t.n_values == 1 && t.values[0] == 3.5);
    aglm_study_ask(f.study, &n, x, NULL);
    assert_int_equal(aglm_study_tell(f.study, n, AGLM_TRIAL_COMPLETE, &nan_value, 1, NULL),
                     AGLM_OK);
    assert_int_equal(aglm_study_trial(f.study, n, &a, &t, NULL), AGLM_OK);
    assert_true(t.state == AGLM_TRIAL_FAIL && t.n_values == 0);
    assert_non_null(aglm_trial_attr(&t, AGLM_ATTR_FAIL_REASON, true));
    aglm_arena_clear(&a);
    end(&f);
}

static void attributes_and_violations_are_kept(void **state)
{
    struct fixture f;
    aglm_arena a;
    aglm_trial t;
    aglm_attr_row *attrs;
    size_t n_attrs;
    double x[3];
    double good = 1.0;
    double bad = 0.0;
    int64_t n;

    (void)state;
    begin(&f, "attrs.db");
    aglm_arena_init(&a, 1u << 20);
    assert_int_equal(aglm_study_set_attr(f.study, "data", "{\"rows\": 7}", NULL), AGLM_OK);
    assert_int_equal(aglm_study_set_attr(f.study, "data", "{", NULL), AGLM_FORMAT);
    aglm_study_ask(f.study, &n, x, NULL);
    assert_int_equal(aglm_study_set_trial_attr(f.study, n, "bytes", "123", NULL), AGLM_OK);
    assert_int_equal(aglm_study_set_trial_attr(f.study, n, "bytes", "124", NULL), AGLM_OK);
    assert_int_equal(aglm_study_set_violation(f.study, n, 0.25, NULL), AGLM_OK);
    assert_int_equal(aglm_study_tell(f.study, n, AGLM_TRIAL_COMPLETE, &bad, 1, NULL), AGLM_OK);
    aglm_study_ask(f.study, &n, x, NULL);
    assert_int_equal(aglm_study_set_violation(f.study, n, -1.0, NULL), AGLM_OK);
    assert_int_equal(aglm_study_tell(f.study, n, AGLM_TRIAL_COMPLETE, &good, 1, NULL), AGLM_OK);
    close_study(&f);
    open_study(&f);
    assert_int_equal(aglm_study_best_trial(f.study, &a, &t, NULL), AGLM_OK);
    assert_int_equal(t.number, 1); /* the better value is infeasible */
    assert_int_equal(aglm_study_trial(f.study, 0, &a, &t, NULL), AGLM_OK);
    assert_true(t.violation == 0.25);
    assert_string_equal(aglm_trial_attr(&t, "bytes", false), "124");
    assert_string_equal(aglm_trial_attr(&t, "constraints", true), "[0.25]");
    assert_int_equal(aglm_study_attrs(f.study, &a, &attrs, &n_attrs, NULL), AGLM_OK);
    assert_int_equal(n_attrs, 3); /* data, and our space and sampler */
    aglm_arena_clear(&a);
    end(&f);
}

static void the_pruner_decides_and_remembers(void **state)
{
    struct fixture f;
    double x[3];
    double v;
    int64_t n;
    bool prune;

    (void)state;
    f.space = new_space(1.0);
    aglm_study_options_init(&f.options);
    f.options.directions[0] = AGLM_MAXIMIZE;
    f.options.pruner = &aglm_pruner_asha;
    f.options.pruner_options.reduction_factor = 2;
    snprintf(f.url, sizeof f.url, "%s/asha.db", folder);
    open_study(&f);
    for (int i = 0; i < 4; i++) {
        aglm_study_ask(f.study, &n, x, NULL);
        v = i;
        assert_int_equal(aglm_study_report(f.study, n, 1, v, &prune, NULL), AGLM_OK);
        assert_false(prune); /* each better than the last */
        assert_int_equal(aglm_study_tell(f.study, n, AGLM_TRIAL_COMPLETE, &v, 1, NULL), AGLM_OK);
    }
    close_study(&f);
    open_study(&f);
    aglm_study_ask(f.study, &n, x, NULL);
    assert_false(aglm_study_should_prune(f.study, n));
    assert_int_equal(aglm_study_report(f.study, n, 1, 1.5, &prune, NULL), AGLM_OK);
    assert_true(prune); /* 3 2 1.5 1 0: two go on */
    assert_true(aglm_study_should_prune(f.study, n));
    end(&f);
}

static void a_failed_point_is_queued_again_once(void **state)
{
    struct fixture f;
    double x[3], y[3];
    int64_t n = 0;
    aglm_error err = {0};

    (void)state;
    begin(&f, "retry.db");
    assert_int_equal(aglm_study_ask(f.study, &n, x, NULL), AGLM_OK);
    assert_int_equal(aglm_study_retry(f.study, n, 1, &err), AGLM_INVALID);
    assert_int_equal(aglm_study_retry(f.study, 7, 1, &err), AGLM_INVALID);
    assert_non_null(strstr(err.msg, "trial 7"));
    assert_int_equal(aglm_study_tell(f.study, n, AGLM_TRIAL_FAIL, NULL, 0, NULL), AGLM_OK);
    assert_int_equal(aglm_study_retry(f.study, n, 1, &err), AGLM_OK);
    assert_int_equal(aglm_study_ask(f.study, &n, y, NULL), AGLM_OK);
    assert_true(aglm_space_same(f.space, x, y));
    assert_int_equal(aglm_study_tell(f.study, n, AGLM_TRIAL_FAIL, NULL, 0, NULL), AGLM_OK);
    assert_int_equal(aglm_study_retry(f.study, n, 1, &err), AGLM_DONE);
    assert_int_equal(aglm_study_retry(f.study, n, 2, &err), AGLM_OK);
    end(&f);
}

/* A process that dies in a trial: the trial becomes FAIL and its point is tried once more, not
 * twice. */
static void dead_trials_are_reaped_and_retried_once(void **state)
{
    struct fixture f;
    double x[3];
    double y[3];

    (void)state;
    begin(&f, "reap.db");
    run_one(&f, x);
    close_study(&f);
    for (int round = 0; round < 2; round++) {
        pid_t child = fork();
        if (child == 0) {
            int64_t number;
            double z[3];
            open_study(&f);
            _exit(aglm_study_ask(f.study, &number, z, NULL) == AGLM_OK ? 0 : 1);
        }
        int status;
        assert_int_equal(waitpid(child, &status, 0), child);
        assert_int_equal(status, 0);
    }
    open_study(&f);
    aglm_arena a;
    aglm_trial *all;
    size_t n;
    aglm_arena_init(&a, 1u << 20);
    assert_int_equal(aglm_study_trials(f.study, &a, &all, &n, NULL), AGLM_OK);
    assert_int_equal(n, 3);
    assert_int_equal(all[1].state, AGLM_TRIAL_FAIL);
    assert_int_equal(all[2].state, AGLM_TRIAL_FAIL);
    assert_string_equal(aglm_trial_attr(&all[2], AGLM_ATTR_RETRY_OF, true), "1");
    assert_true(aglm_space_same(f.space, all[1].x, all[2].x));
    assert_int_equal(run_one(&f, y), 3);
    assert_false(aglm_space_same(f.space, y, all[1].x));
    aglm_arena_clear(&a);
    end(&f);
}

/* A worker that hangs on another host, played by one that is stopped: its trial is taken over by
 * the others' heartbeat, and when it comes back it learns that its trial has ended. */
static void a_silent_worker_loses_its_trial(void **state)
{
    struct fixture f;
    double x[3];
    double y[3];
    double value = 1;
    int64_t number;
    int status;

    (void)state;
    begin(&f, "silent.db");
    close_study(&f);
    f.options.heartbeat_s = 0.05;
    f.options.grace_s = 0.4;
    pid_t child = fork();
    if (child == 0) {
        open_study(&f);
        if (aglm_study_ask(f.study, &number, x, NULL) != AGLM_OK)
            _exit(2);
        raise(SIGSTOP);
        _exit(aglm_study_tell(f.study, number, AGLM_TRIAL_COMPLETE, &value, 1, NULL) == AGLM_DONE &&
                      aglm_study_count(f.study, AGLM_TRIAL_COMPLETE) == 0
                  ? 0
                  : 1);
    }
    assert_int_equal(waitpid(child, &status, WUNTRACED), child);
    assert_true(WIFSTOPPED(status));
    f.options.seed = 99;
    open_study(&f);
    /* This one's own trial lives through the wait. */
    assert_int_equal(aglm_study_ask(f.study, &number, y, NULL), AGLM_OK);
    for (int i = 0; i < 100 && aglm_study_count(f.study, AGLM_TRIAL_WAITING) == 0; i++)
        usleep(50000);
    assert_int_equal(aglm_study_count(f.study, AGLM_TRIAL_FAIL), 1);
    assert_int_equal(aglm_study_count(f.study, AGLM_TRIAL_WAITING), 1);
    assert_int_equal(aglm_study_points(f.study), 2);
    assert_int_equal(aglm_study_tell(f.study, number, AGLM_TRIAL_COMPLETE, &value, 1, NULL),
                     AGLM_OK);
    kill(child, SIGCONT);
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_int_equal(status, 0);
    end(&f);
}

static void closing_fails_what_was_not_told(void **state)
{
    struct fixture f;
    double x[3];
    int64_t n;

    (void)state;
    begin(&f, "close.db");
    aglm_study_ask(f.study, &n, x, NULL);
    close_study(&f);
    open_study(&f);
    assert_int_equal(aglm_study_count(f.study, AGLM_TRIAL_FAIL), 1);
    assert_int_equal(aglm_study_count(f.study, AGLM_TRIAL_WAITING), 0);
    end(&f);
}

#define WORKERS 4
#define EACH 60

static void *work(void *arg)
{
    struct fixture *f = arg;
    double x[3];

    for (int i = 0; i < EACH; i++)
        run_one(f, x);
    return NULL;
}

static void several_workers_share_a_study(void **state)
{
    struct fixture f;
    pthread_t threads[WORKERS];
    aglm_arena a;
    aglm_trial *all;
    size_t n;

    (void)state;
    begin(&f, NULL);
    for (int i = 0; i < WORKERS; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, work, &f), 0);
    for (int i = 0; i < WORKERS; i++)
        pthread_join(threads[i], NULL);
    aglm_arena_init(&a, 1u << 24);
    assert_int_equal(aglm_study_trials(f.study, &a, &all, &n, NULL), AGLM_OK);
    assert_int_equal(n, WORKERS * EACH);
    for (size_t i = 0; i < n; i++) {
        assert_int_equal(all[i].number, i);
        assert_int_equal(all[i].state, AGLM_TRIAL_COMPLETE);
        for (size_t j = 0; j < i; j++)
            assert_false(aglm_space_same(f.space, all[i].x, all[j].x));
    }
    aglm_arena_clear(&a);
    end(&f);
}

/* A study of another program: no space of ours, rows as Optuna writes them. */
static void foreign_studies_are_read(void **state)
{
    aglm_store *store;
    aglm_space *space;
    aglm_study *study;
    aglm_study_options o;
    aglm_direction direction = AGLM_MAXIMIZE;
    int64_t id;
    double v = 0.5;
    aglm_error err = {0};
    aglm_param_row params[] = {
        {"x", 0.25,
         "{\"name\": \"UniformDistribution\", \"attributes\": {\"low\": 0.0, \"high\": 1.0}}"},
        {"act", 1,
         "{\"name\": \"CategoricalDistribution\", \"attributes\": {\"choices\": [\"relu\", \"gelu\"]}}"},
    };
    aglm_attr_row fixed = {
        .key = "fixed_params", .json = "{\"act\": \"relu\", \"other\": 3}", .system = true};
    aglm_trial_row done = {
        .state = AGLM_TRIAL_COMPLETE, .params = params, .n_params = 2, .values = &v, .n_values = 1};
    aglm_trial_row queued = {.state = AGLM_TRIAL_WAITING, .attrs = &fixed, .n_attrs = 1};

    (void)state;
    assert_int_equal(aglm_store_open(&store, "memory", NULL), AGLM_OK);
    assert_int_equal(aglm_store_study_new(store, "theirs", &direction, 1, &id, NULL), AGLM_OK);
    assert_int_equal(aglm_store_trial_new(store, id, &done, 0, NULL), AGLM_OK);
    assert_int_equal(aglm_store_trial_new(store, id, &queued, 0, NULL), AGLM_OK);
    assert_int_equal(aglm_study_stored_space(store, id, &space, &err), AGLM_OK);
    assert_int_equal(space->n, 2);
    assert_string_equal(space->params[1].name, "act");
    aglm_study_options_init(&o);
    o.directions[0] = AGLM_MAXIMIZE;
    if (aglm_study_open(&study, store, "theirs", space, &o, &err) != AGLM_OK)
        fail_msg("%s", err.msg);
    int64_t n;
    double x[2];
    assert_int_equal(aglm_study_ask(study, &n, x, NULL), AGLM_OK);
    assert_int_equal(n, 1);
    assert_true(x[1] == 0 && x[0] >= 0 && x[0] <= 1); /* the gap is drawn */
    assert_int_equal(aglm_study_tell(study, n, AGLM_TRIAL_COMPLETE, &v, 1, NULL), AGLM_OK);
    assert_int_equal(aglm_study_ask(study, &n, x, NULL), AGLM_OK);
    assert_int_equal(n, 2);
    aglm_study_close(study);
    params[0].distribution =
        "{\"name\": \"FloatDistribution\", \"attributes\": {\"low\": 0.1, \"high\": 1.0, \"log\": true}}";
    assert_int_equal(aglm_store_trial_new(store, id, &done, 0, NULL), AGLM_OK);
    assert_int_equal(aglm_study_open(&study, store, "theirs", space, &o, &err), AGLM_FORMAT);
    assert_non_null(strstr(err.msg, "trial 3, parameter \"x\""));
    aglm_space_free(space);
    assert_int_equal(aglm_study_stored_space(store, id, &space, &err), AGLM_FORMAT);
    aglm_store_close(store);
}

static void times_are_read(void **state)
{
    (void)state;
    assert_true(aglm_stored_time("1970-01-01 00:00:00.000000") == 0.0);
    assert_true(fabs(aglm_stored_time("2026-11-24 18:40:36.250000") - 1795545636.25) < 1e-3);
    assert_true(aglm_stored_time("2000-02-29 12:00:00") == 951825600.0);
    assert_true(isnan(aglm_stored_time(NULL)));
    assert_true(isnan(aglm_stored_time("yesterday")));
}

static int make_folder(void **state)
{
    (void)state;
    return mkdtemp(folder) ? 0 : 1;
}

static int remove_folder(void **state)
{
    (void)state;
    return aglm_dir_remove(folder, NULL) == AGLM_OK ? 0 : 1;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(ask_and_tell_find_the_best),
        cmocka_unit_test(maximize_turns_the_order),
        cmocka_unit_test(resumed_study_goes_on_as_if_uninterrupted),
        cmocka_unit_test(another_space_or_direction_is_refused),
        cmocka_unit_test(enqueued_points_come_first_and_once),
        cmocka_unit_test(points_of_another_opener_are_taken),
        cmocka_unit_test(a_trial_ends_once_and_as_it_must),
        cmocka_unit_test(attributes_and_violations_are_kept),
        cmocka_unit_test(the_pruner_decides_and_remembers),
        cmocka_unit_test(a_failed_point_is_queued_again_once),
        cmocka_unit_test(dead_trials_are_reaped_and_retried_once),
        cmocka_unit_test(a_silent_worker_loses_its_trial),
        cmocka_unit_test(closing_fails_what_was_not_told),
        cmocka_unit_test(several_workers_share_a_study),
        cmocka_unit_test(foreign_studies_are_read),
        cmocka_unit_test(times_are_read),
    };
    return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
