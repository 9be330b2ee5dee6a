#include "tune/run.h"

#include <dirent.h>
#include <pthread.h>

#include "bundle_data.h"
#include "search/study.h"
#include "unit.h"

enum { DOCS = 150 };

struct fixture {
    char *folder;
    char file[4200], valid[4200], db[4200];
};

static int set_up(void **state)
{
    struct fixture *x = calloc(1, sizeof *x);

    assert_non_null(x);
    x->folder = tune_folder();
    tune_file(tune_path(x->file, sizeof x->file, x->folder, "train.tsv"), DOCS, 1, false);
    tune_file(tune_path(x->valid, sizeof x->valid, x->folder, "valid.tsv"), 60, 2, false);
    snprintf(x->db, sizeof x->db, "sqlite:///%s/study.db", x->folder);
    *state = x;
    return 0;
}

static int tear_down(void **state)
{
    struct fixture *x = *state;

    tune_folder_remove(x->folder);
    free(x);
    return 0;
}

static aglm_tune_options options_of(const struct fixture *x, int64_t trials)
{
    aglm_tune_options o;

    aglm_tune_options_init(&o);
    o.input.file = x->file;
    o.trials = trials;
    o.threads = 1;
    o.seed = 7;
    return o;
}

static void run(aglm_tune_result *r, const aglm_tune_options *o)
{
    aglm_error err = {0};

    if (aglm_tune_run(r, o, &err) != AGLM_OK)
        fail_msg("%s", err.msg);
}

static void tune_into(const struct fixture *x, aglm_tune_options *o, const char *name)
{
    aglm_tune_result r;
    char out[4200];

    o->out = tune_path(out, sizeof out, x->folder, name);
    run(&r, o);
    aglm_tune_result_clear(&r);
}

static void same_file(const char *a, const char *b)
{
    char *text[2] = {NULL, NULL};
    size_t n[2];

    assert_int_equal(aglm_file_read(a, 1 << 26, &text[0], &n[0], NULL), AGLM_OK);
    assert_int_equal(aglm_file_read(b, 1 << 26, &text[1], &n[1], NULL), AGLM_OK);
    if (n[0] != n[1] || memcmp(text[0], text[1], n[0]) != 0)
        fail_msg("%s and %s differ", a, b);
    free(text[0]);
    free(text[1]);
}

/* Every file but the recorded times. */
static void same_bundles(const struct fixture *x, const char *a, const char *b)
{
    char dir[2][4200], path[2][5000];
    struct dirent *e;
    int files = 0;

    tune_path(dir[0], sizeof dir[0], x->folder, a);
    tune_path(dir[1], sizeof dir[1], x->folder, b);
    DIR *d = opendir(dir[0]);
    assert_non_null(d);
    while ((e = readdir(d))) {
        if (e->d_name[0] == '.' || strcmp(e->d_name, "times.json") == 0)
            continue;
        for (int i = 0; i < 2; i++)
            tune_path(path[i], sizeof path[i], dir[i], e->d_name);
        same_file(path[0], path[1]);
        files++;
    }
    closedir(d);
    assert_true(files >= 5);
}

/* Numbers, states and values of the trials as told by events. */
struct trace {
    struct {
        int64_t number;
        aglm_trial_state state;
        double value;
        char params[600];
    } trials[400];
    size_t n;
    size_t starts, reports, bests, done;
    double best;
    aglm_cancel *stop_after; /* stopped after so many trials */
    size_t stop_at;
};

static void note(void *arg, const aglm_tune_event *e)
{
    struct trace *t = arg;

    t->starts += e->kind == AGLM_TUNE_TRIAL_START;
    t->reports += e->kind == AGLM_TUNE_TRIAL_REPORT;
    t->done += e->kind == AGLM_TUNE_DONE;
    if (e->kind == AGLM_TUNE_BEST) {
        t->bests++;
        t->best = e->best_value;
    }
    if (e->kind != AGLM_TUNE_TRIAL_END)
        return;
    if (t->n < sizeof t->trials / sizeof *t->trials) {
        t->trials[t->n].number = e->number;
        t->trials[t->n].state = e->state;
        t->trials[t->n].value = e->value;
        snprintf(t->trials[t->n].params, sizeof t->trials[t->n].params, "%s", e->params);
        t->n++;
    }
    if (t->stop_after && t->n == t->stop_at)
        aglm_cancel_stop(t->stop_after);
}

static void finds_a_good_model(void **state)
{
    struct fixture *x = *state;
    aglm_tune_options o = options_of(x, 5);
    aglm_tune_result r;
    struct trace t = {.n = 0};

    o.on_event = note;
    o.arg = &t;
    run(&r, &o);
    assert_int_equal(r.metric, AGLM_METRIC_ACCURACY);
    assert_int_equal(r.trials_complete + r.trials_pruned, 5);
    assert_int_equal(r.trials_failed, 0);
    assert_int_equal(t.n, 5);
    assert_int_equal(t.starts, 5);
    assert_true(t.reports >= 5 && t.bests >= 1);
    assert_int_equal(t.done, 1);
    assert_in_range(r.n_leaders, 1, AGLM_LEADERS_MAX);
    assert_true(r.leaders[0].value >= t.best);
    assert_true(r.leaders[0].chosen && r.leaders[0].value > 0.85);
    assert_true(r.refitted && !r.infeasible && !r.interrupted);
    assert_int_equal(r.score.docs, DOCS);
    assert_int_equal(r.bundle.n_labels, 3);
    assert_true(r.bundle_bytes > 0);
    aglm_tune_result_clear(&r);
}

static void the_same_seed_gives_the_same_bundle(void **state)
{
    struct fixture *x = *state;
    aglm_tune_options o = options_of(x, 5);

    tune_into(x, &o, "a");
    tune_into(x, &o, "b");
    same_bundles(x, "a", "b");
    o.storage = x->db; /* nor does it matter where trials are kept */
    tune_into(x, &o, "c");
    same_bundles(x, "a", "c");
}

static void a_resumed_run_ends_as_one_that_was_not_interrupted(void **state)
{
    struct fixture *x = *state;
    aglm_tune_options whole = options_of(x, 8), part = options_of(x, 3);

    tune_into(x, &whole, "whole");
    part.storage = x->db;
    tune_into(x, &part, "part");
    part.trials = 8;
    tune_into(x, &part, "resumed");
    same_bundles(x, "whole", "resumed");
}

static void a_budget_gives_a_prefix_of_the_trials(void **state)
{
    struct fixture *x = *state;
    aglm_tune_options o = options_of(x, 0);
    struct trace *t = calloc(2, sizeof *t);
    aglm_tune_result r;

    assert_non_null(t);
    o.on_event = note;
    o.arg = &t[0];
    o.budget_ns = 1500000000;
    uint64_t start = aglm_clock_ns();
    run(&r, &o);
    double took = aglm_clock_since_s(start);
    assert_true(took < 5); /* a loaded machine may stretch it; benchmarks look closer */
    aglm_tune_result_clear(&r);
    while (t[0].n && t[0].trials[t[0].n - 1].state == AGLM_TRIAL_FAIL)
        t[0].n--;      /* cut off by the clock */
    if (t[0].n == 0) { /* under a sanitizer on a busy machine */
        free(t);
        skip();
        return;
    }
    o.budget_ns = 0;
    o.trials = (int64_t)(t[0].n > 12 ? 12 : t[0].n);
    o.arg = &t[1];
    run(&r, &o);
    aglm_tune_result_clear(&r);
    assert_int_equal(t[1].n, o.trials);
    for (size_t i = 0; i < t[1].n; i++) {
        assert_int_equal(t[0].trials[i].number, t[1].trials[i].number);
        assert_int_equal(t[0].trials[i].state, t[1].trials[i].state);
        assert_string_equal(t[0].trials[i].params, t[1].trials[i].params);
        assert_true(t[0].trials[i].value == t[1].trials[i].value);
    }
    free(t);
}

/* With several workers a trial's own result depends on its number and point alone. */
static void workers_do_not_change_a_trial(void **state)
{
    struct fixture *x = *state;
    aglm_tune_options o = options_of(x, 5); /* start points: the same for any number of workers */
    struct trace *t = calloc(2, sizeof *t);
    aglm_tune_result r;

    assert_non_null(t);
    for (int i = 0; i < 2; i++) {
        o.threads = i ? 4 : 1;
        o.on_event = note;
        o.arg = &t[i];
        run(&r, &o);
        aglm_tune_result_clear(&r);
        assert_int_equal(t[i].n, 5);
    }
    for (size_t i = 0; i < 5; i++) {
        size_t k = 0;
        while (t[1].trials[k].number != t[0].trials[i].number)
            assert_true(++k < 5);
        assert_string_equal(t[0].trials[i].params, t[1].trials[k].params);
        if (t[0].trials[i].state == AGLM_TRIAL_COMPLETE &&
            t[1].trials[k].state == AGLM_TRIAL_COMPLETE)
            assert_true(t[0].trials[i].value == t[1].trials[k].value);
    }
    free(t);
}

static void limits_are_obeyed(void **state)
{
    struct fixture *x = *state;
    aglm_tune_options o = options_of(x, 6);
    aglm_tune_result r;

    run(&r, &o);
    uint64_t smallest = UINT64_MAX;
    for (size_t i = 0; i < r.n_leaders; i++)
        if (r.leaders[i].members == 1 && r.leaders[i].bytes < smallest)
            smallest = r.leaders[i].bytes;
    aglm_tune_result_clear(&r);
    o.max_bytes = smallest * 2;
    run(&r, &o);
    assert_false(r.infeasible);
    assert_true(r.bundle_bytes <= o.max_bytes);
    aglm_tune_result_clear(&r);
    o.max_bytes = 100; /* nothing is so small: the least bad one, and the caller is told */
    run(&r, &o);
    assert_true(r.infeasible);
    assert_int_equal(r.bundle.n_members, 1);
    aglm_tune_result_clear(&r);
    o.max_bytes = 0;
    o.blend = AGLM_BLEND_NONE;
    run(&r, &o);
    assert_int_equal(r.bundle.n_members, 1);
    aglm_tune_result_clear(&r);
}

/* A stored study goes on under other limits than it began with. */
static void limits_of_the_resumed_run_count(void **state)
{
    struct fixture *x = *state;
    aglm_tune_options o = options_of(x, 6);
    aglm_tune_result r;
    uint64_t small = UINT64_MAX;

    o.storage = x->db;
    run(&r, &o);
    for (size_t i = 0; i < r.n_leaders; i++)
        if (r.leaders[i].members == 1 && r.leaders[i].bytes < small)
            small = r.leaders[i].bytes;
    aglm_tune_result_clear(&r);
    o.max_bytes = small * 13 / 10;
    run(&r, &o);
    assert_false(r.infeasible);
    assert_true(r.bundle_bytes <= o.max_bytes);
    aglm_tune_result_clear(&r);
    o.max_bytes = 100;
    run(&r, &o); /* no new trial, none feasible: the least bad one is learned again */
    assert_true(r.infeasible);
    aglm_tune_result_clear(&r);
    o.max_bytes = 0;
    run(&r, &o);
    assert_false(r.infeasible);
    aglm_tune_result_clear(&r);
}

struct stopper {
    aglm_cancel *cancel;
    unsigned after_us;
};

static void *stop_later(void *arg)
{
    struct stopper *s = arg;

    usleep(s->after_us);
    aglm_cancel_stop(s->cancel);
    return NULL;
}

static void cancel_from_another_thread(void **state)
{
    struct fixture *x = *state;
    aglm_tune_options o = options_of(x, 100000);
    aglm_tune_result r;
    aglm_cancel cancel;
    struct stopper s = {&cancel, 400000};
    aglm_error err = {0};
    char out[4200];
    pthread_t thread;

    aglm_cancel_init(&cancel, NULL, 0);
    o.cancel = &cancel;
    o.threads = 2;
    o.storage = x->db;
    o.out = tune_path(out, sizeof out, x->folder, "none");
    assert_int_equal(pthread_create(&thread, NULL, stop_later, &s), 0);
    uint64_t start = aglm_clock_ns();
    assert_int_equal(aglm_tune_run(&r, &o, &err), AGLM_CANCELLED);
    assert_true(aglm_clock_since_s(start) < 5);
    pthread_join(thread, NULL);
    assert_true(r.interrupted);
    assert_non_null(strstr(err.msg, r.study));
    assert_false(aglm_path_exists(out));
    size_t kept = r.trials_complete + r.trials_pruned;
    aglm_tune_result_clear(&r);

    o.cancel = NULL; /* the same command goes on */
    o.trials = (int64_t)kept + 8;
    run(&r, &o); /* what was cut off does not count and is done again */
    assert_int_equal(r.trials_complete + r.trials_pruned, kept + 8);
    assert_true(aglm_path_exists(out));
    aglm_tune_result_clear(&r);
}

static void an_interrupted_study_resumes_trial_by_trial(void **state)
{
    struct fixture *x = *state;
    aglm_tune_options o = options_of(x, 9);
    aglm_tune_result r;
    aglm_cancel cancel;
    struct trace t = {.stop_after = &cancel, .stop_at = 4};

    tune_into(x, &o, "whole");
    aglm_cancel_init(&cancel, NULL, 0);
    o.cancel = &cancel;
    o.storage = x->db;
    o.on_event = note;
    o.arg = &t;
    assert_int_equal(aglm_tune_run(&r, &o, NULL), AGLM_CANCELLED);
    assert_int_equal(r.trials_complete + r.trials_pruned, 4);
    aglm_tune_result_clear(&r);
    o.cancel = NULL;
    t.stop_after = NULL;
    tune_into(x, &o, "resumed");
    same_bundles(x, "whole", "resumed");
}

static void a_study_keeps_to_its_data(void **state)
{
    struct fixture *x = *state;
    aglm_tune_options o = options_of(x, 2);
    aglm_tune_result r;
    aglm_error err = {0};

    o.storage = x->db;
    o.study = "mine";
    o.learners = "linear"; /* so that the other file has the same space */
    run(&r, &o);
    assert_string_equal(r.study, "mine");
    aglm_tune_result_clear(&r);
    tune_file(x->file, DOCS, 9, false);
    assert_int_equal(aglm_tune_run(&r, &o, &err), AGLM_INVALID);
    assert_non_null(strstr(err.msg, "other data"));
    aglm_tune_result_clear(&r);
}

static void valid_documents_join(void **state)
{
    struct fixture *x = *state;
    aglm_tune_options o = options_of(x, 2);
    aglm_tune_result r;

    o.input.valid = x->valid;
    run(&r, &o);
    assert_int_equal(r.score.docs, DOCS + 60);
    aglm_tune_result_clear(&r);
    o.folds = 1;
    run(&r, &o);
    assert_int_equal(r.score.docs, 60);
    aglm_tune_result_clear(&r);
}

static void several_labels_a_document(void **state)
{
    struct fixture *x = *state;
    aglm_tune_options o = options_of(x, 3);
    aglm_tune_result r;

    tune_file(x->file, DOCS, 3, true);
    run(&r, &o);
    assert_int_equal(r.bundle.task, AGLM_TASK_MULTILABEL);
    assert_int_equal(r.metric, AGLM_METRIC_MICRO_F1);
    assert_true(r.leaders[0].value > 0.6);
    aglm_tune_result_clear(&r);
}

static void what_cannot_be_run(void **state)
{
    struct fixture *x = *state;
    aglm_tune_options o = options_of(x, 2);
    aglm_tune_result r;
    aglm_error err = {0};

    o.sampler = "crystal-ball";
    assert_int_equal(aglm_tune_run(&r, &o, &err), AGLM_INVALID);
    assert_non_null(strstr(err.msg, "crystal-ball"));
    aglm_tune_result_clear(&r);
    o = options_of(x, 2);
    o.max_memory_bytes = 1000;
    assert_int_equal(aglm_tune_run(&r, &o, &err), AGLM_LIMIT);
    assert_non_null(strstr(err.msg, "--max-memory"));
    aglm_tune_result_clear(&r);
    o = options_of(x, 0);
    o.budget_ns = 1000;
    assert_int_equal(aglm_tune_run(&r, &o, &err), AGLM_CANCELLED);
    assert_non_null(strstr(err.msg, "--budget"));
    aglm_tune_result_clear(&r);
    o = options_of(x, INT64_MAX); /* known before the first trial */
    o.out = x->folder;
    assert_int_equal(aglm_tune_run(&r, &o, &err), AGLM_INVALID);
    assert_non_null(strstr(err.msg, "is no bundle"));
    aglm_tune_result_clear(&r);
    o = options_of(x, 2);
    o.input.file = "/no/such/file";
    assert_int_equal(aglm_tune_run(&r, &o, &err), AGLM_NOTFOUND);
    aglm_tune_result_clear(&r);
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        CASE(finds_a_good_model),
        CASE(the_same_seed_gives_the_same_bundle),
        CASE(a_resumed_run_ends_as_one_that_was_not_interrupted),
        CASE(a_budget_gives_a_prefix_of_the_trials),
        CASE(workers_do_not_change_a_trial),
        CASE(limits_are_obeyed),
        CASE(limits_of_the_resumed_run_count),
        CASE(cancel_from_another_thread),
        CASE(an_interrupted_study_resumes_trial_by_trial),
        CASE(a_study_keeps_to_its_data),
        CASE(valid_documents_join),
        CASE(several_labels_a_document),
        CASE(what_cannot_be_run),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
