#include "job/sampler_program.h"

#include <math.h>
#include <pthread.h>
#include <unistd.h>

#include "job/optimize.h"
#include "job/strategy_host.h"
#include "search/space_text.h"
#include "search/study.h"
#include "unit.h"

struct fixture {
    aglm_store *store;
    aglm_space *space;
    aglm_study *study;
    aglm_sampler_outside outside;
    aglm_study_options o;
};

static void open_study(struct fixture *f)
{
    aglm_error err = {0};

    if (aglm_study_open(&f->study, f->store, "s", f->space, &f->o, &err) != AGLM_OK)
        fail_msg("%s", err.msg);
}

/* Strategies in shared objects are hosted by this very test: see main. */
static void setup(struct fixture *f, const char *space, const char *sampler, unsigned limit_ms)
{
    aglm_error err = {0};

    memset(f, 0, sizeof *f);
    f->outside = (aglm_sampler_outside){&aglm_sampler_program, (const char *const *)environ,
                                        "/proc/self/exe", UINT64_C(1000000) * limit_ms};
    assert_int_equal(aglm_space_new(&f->space, NULL), AGLM_OK);
    assert_int_equal(aglm_space_parse(f->space, space, strlen(space), NULL), AGLM_OK);
    assert_int_equal(aglm_store_open(&f->store, "memory", NULL), AGLM_OK);
    aglm_study_options_init(&f->o);
    f->o.sampler_options.outside = &f->outside;
    if (aglm_sampler_parse(sampler, &f->o.sampler, &f->o.sampler_options, &err) != AGLM_OK)
        fail_msg("%s", err.msg);
    open_study(f);
}

static void teardown(struct fixture *f)
{
    aglm_study_close(f->study);
    aglm_space_free(f->space);
    aglm_store_close(f->store);
}

static aglm_rc run(struct fixture *f, size_t n, double (*score)(const double *x), aglm_error *err)
{
    int64_t number;
    double x[8];

    for (size_t i = 0; i < n; i++) {
        aglm_rc rc = aglm_study_ask(f->study, &number, x, err);
        if (rc != AGLM_OK)
            return rc;
        assert_int_equal(aglm_space_check(f->space, x, NULL), AGLM_OK);
        double v = score(x);
        assert_int_equal(aglm_study_tell(f->study, number, AGLM_TRIAL_COMPLETE, &v, 1, NULL),
                         AGLM_OK);
    }
    return AGLM_OK;
}

static double square(const double *x)
{
    return x[0] * x[0];
}

static double best_of(struct fixture *f)
{
    aglm_arena a;
    aglm_trial t;

    aglm_arena_init(&a, 1u << 20);
    assert_int_equal(aglm_study_best_trial(f->study, &a, &t, NULL), AGLM_OK);
    double v = t.values[0];
    aglm_arena_clear(&a);
    return v;
}

/* Does that trial's attribute hold the text (NULL: is it absent)? */
static void check_note(struct fixture *f, int64_t number, const char *key, const char *text)
{
    aglm_arena a;
    aglm_trial t;

    aglm_arena_init(&a, 1u << 20);
    assert_int_equal(aglm_study_trial(f->study, number, &a, &t, NULL), AGLM_OK);
    const char *json = aglm_trial_attr(&t, key, false);
    if ((text == NULL) != (json == NULL) || (text && !strstr(json, text)))
        fail_msg("trial %lld: %s, expected %s", (long long)number, json ? json : "no note",
                 text ? text : "none");
    aglm_arena_clear(&a);
}

static char *example(void)
{
    static char text[4096];

    snprintf(text, sizeof text, "cmd:python3 '%s/examples/strategy.py'",
             getenv("AGLM_SOURCE_ROOT"));
    return text;
}

static double branches(const double *x)
{
    double v = fabs(log10(x[0] / 1e-3)) + (x[1] == 1.0 ? 0.0 : 1.0);

    return v + (isnan(x[2]) ? 0.0 : fabs(x[2] - 6.0) / 8.0);
}

/* The examples find more than chance does, and a study that was closed in the middle goes on as if
 * it had not been. */
static void an_example_learns_and_goes_on(const char *sampler)
{
    static const char SPACE[] = "lr=loguniform(1e-5,1) net=choice(linear,mlp(width=int(2,32)))";
    struct fixture f;
    struct fixture g;
    int64_t number;
    double x[3];
    double y[3];

    setup(&f, SPACE, sampler, 20000);
    setup(&g, SPACE, sampler, 20000);
    assert_int_equal(run(&f, 60, branches, NULL), AGLM_OK);
    assert_int_equal(run(&g, 30, branches, NULL), AGLM_OK);
    aglm_study_close(g.study);
    open_study(&g);
    assert_int_equal(run(&g, 30, branches, NULL), AGLM_OK);
    for (int64_t i = 0; i < 60; i++)
        check_note(&f, i, AGLM_ATTR_STRATEGY_ERROR, NULL);
    if (best_of(&f) > 0.1)
        fail_msg("%s: %g", sampler, best_of(&f));
    assert_float_equal(best_of(&f), best_of(&g), 0.0);
    assert_int_equal(aglm_study_ask(f.study, &number, x, NULL), AGLM_OK);
    assert_int_equal(aglm_study_ask(g.study, &number, y, NULL), AGLM_OK);
    assert_true(aglm_space_same(f.space, x, y));
    teardown(&f);
    teardown(&g);
}

static void the_shared_object_learns(void **state)
{
    (void)state;
    an_example_learns_and_goes_on(getenv("AGLM_CLIMBER"));
}

static void the_program_learns(void **state)
{
    (void)state;
    if (access("/usr/bin/python3", X_OK) != 0)
        skip();
    an_example_learns_and_goes_on(example());
}

struct misdeed {
    const char *sampler; /* NULL: the bad shared object, with the space's word for what it does */
    const char *space;
    const char *says;
};

static void whatever_it_does_the_study_goes_on(void **state)
{
    static const char ANSWER[] = "cmd:while read -r line; do case $line in *ask*) %s;; esac; done";
    static const struct misdeed misdeeds[] = {
        {"echo '{\"params\": {\"x\": 3}}'", "x=uniform(0,1)", "x: 3 is not in 0..1"},
        {"echo '{\"params\": {\"y\": 3}}'", "x=uniform(0,1)", "no parameter of this space"},
        {"echo '{\"params\": {}}'", "x=uniform(0,1)", "x: its value is missing"},
        {"echo '{\"params\": {\"x\": null}}'", "x=uniform(0,1)", "expected a number"},
        {"echo '{\"params\": [1]}'", "x=uniform(0,1)", "expected an object"},
        {"echo '{\"point\": {}}'", "x=uniform(0,1)", "neither"},
        {"echo '{\"error\": \"no luck\"}'", "x=uniform(0,1)", "no luck"},
        {"echo garbage", "x=uniform(0,1)", "its answer"},
        {"echo '[1, 2]'", "x=uniform(0,1)", "expected an object"},
        {"echo '{\"params\": {\"x\": 1'", "x=uniform(0,1)", "its answer"},
        {"echo dying >&2; exit 5", "x=uniform(0,1)", "exit code 5: dying"},
        {"kill -KILL $$", "x=uniform(0,1)", "signal 9"},
        {"sleep 31", "x=uniform(0,1)", "in time"},
        {NULL, "crash=uniform(0,1)", "signal 6"},
        {NULL, "hang=uniform(0,1)", "in time"},
        {NULL, "outside=uniform(0,1)", "7 is not in 0..1"},
        {NULL, "fail=uniform(0,1)", "no idea"},
    };
    char sampler[512];

    (void)state;
    for (size_t i = 0; i < sizeof misdeeds / sizeof *misdeeds; i++) {
        const struct misdeed *m = &misdeeds[i];
        struct fixture f;
        snprintf(sampler, sizeof sampler, ANSWER, m->sampler ? m->sampler : "");
        setup(&f, m->space, m->sampler ? sampler : getenv("AGLM_BAD_STRATEGY"), 300);
        assert_int_equal(run(&f, 5, square, NULL), AGLM_OK);
        for (int64_t n = 0; n < 5; n++)
            check_note(&f, n, AGLM_ATTR_STRATEGY_ERROR, m->says);
        teardown(&f);
    }
}

static void a_point_comes_once(void **state)
{
    struct fixture f;

    (void)state;
    setup(&f, "x=int(1,4)",
          "cmd:while read -r l; do case $l in *ask*) echo '{\"params\": {\"x\": 2}}';; esac; done",
          5000);
    assert_int_equal(run(&f, 5, square, NULL), AGLM_DONE);
    check_note(&f, 0, AGLM_ATTR_STRATEGY_ERROR, NULL);
    check_note(&f, 1, AGLM_ATTR_STRATEGY_ERROR, "has its point already");
    assert_int_equal(aglm_study_size(f.study), 4);
    teardown(&f);
}

/* It dies at every third question: it is started anew, told all again, and does not count as
 * hopeless. */
static void it_is_started_anew(void **state)
{
    static const char SCRIPT[] =
        "cmd:n=0; t=0; while read -r l; do case $l in *tell*) t=$((t + 1));; *ask*) n=$((n + 1)); "
        "[ $n = 3 ] && exit 9; echo \"{\\\"params\\\": {\\\"x\\\": $t}}\";; esac; done";
    struct fixture f;

    (void)state;
    setup(&f, "x=int(0,1000)", SCRIPT, 5000);
    assert_int_equal(run(&f, 18, square, NULL), AGLM_OK);
    aglm_arena a;
    aglm_trial *all;
    size_t n;
    aglm_arena_init(&a, 1u << 20);
    assert_int_equal(aglm_study_trials(f.study, &a, &all, &n, NULL), AGLM_OK);
    for (size_t i = 0; i < n; i++) {
        bool dies = i % 3 == 2;
        check_note(&f, (int64_t)i, AGLM_ATTR_STRATEGY_ERROR, dies ? "exit code 9" : NULL);
        assert_true(dies || all[i].x[0] == (double)i);
    }
    aglm_arena_clear(&a);
    teardown(&f);
}

static void it_may_say_that_nothing_is_left(void **state)
{
    struct fixture f;

    (void)state;
    setup(&f, "end=uniform(0,1)", getenv("AGLM_BAD_STRATEGY"), 5000);
    assert_int_equal(run(&f, 5, square, NULL), AGLM_DONE);
    assert_int_equal(aglm_study_size(f.study), 1);
    teardown(&f);
}

static void one_that_cannot_be_started_is_an_error(void **state)
{
    static const struct misdeed misdeeds[] = {
        {"cmd:./absent-program", "x=uniform(0,1)", "./absent-program: exit code 127"},
        {"./absent.so", "x=uniform(0,1)", "absent.so"},
        {"/proc/self/exe", "x=uniform(0,1)", "127"},
        {NULL, "refuse=uniform(0,1)", "not this space"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof misdeeds / sizeof *misdeeds; i++) {
        struct fixture f;
        aglm_error err = {0};
        const char *sampler = misdeeds[i].sampler;
        setup(&f, misdeeds[i].space, sampler ? sampler : getenv("AGLM_BAD_STRATEGY"), 5000);
        assert_int_equal(run(&f, 1, square, &err), AGLM_NOTFOUND);
        if (i > 0 && !strstr(err.msg, misdeeds[i].says))
            fail_msg("%s", err.msg);
        assert_int_equal(aglm_study_size(f.study), 0);
        teardown(&f);
    }
}

static void it_takes_part_in_a_portfolio(void **state)
{
    char sampler[4200];
    struct fixture f;
    size_t mine = 0;
    aglm_arena a;
    aglm_trial *all;
    size_t n;

    (void)state;
    snprintf(sampler, sizeof sampler, "portfolio:random,%s,cmd:cat", getenv("AGLM_CLIMBER"));
    setup(&f, "x=uniform(-5,5) y=uniform(-5,5)", sampler, 5000);
    assert_int_equal(run(&f, 60, square, NULL), AGLM_OK);
    aglm_arena_init(&a, 1u << 22);
    assert_int_equal(aglm_study_trials(f.study, &a, &all, &n, NULL), AGLM_OK);
    for (size_t i = 0; i < n; i++) {
        const char *who = aglm_trial_attr(&all[i], AGLM_ATTR_STRATEGY, false);
        bool broken = strstr(who, "cmd:cat") != NULL;
        mine += strstr(who, "climber") != NULL;
        check_note(&f, (int64_t)i, AGLM_ATTR_STRATEGY_ERROR, broken ? "its answer" : NULL);
    }
    aglm_arena_clear(&a);
    if (mine < 30)
        fail_msg("the climber had %zu of 60 trials", mine);
    teardown(&f);
}

/* ---- one that takes its time ---- */

struct gate {
    char folder[64];
    char path[80]; /* the strategy answers when this file is there */
    int ended;
    int opens_at; /* so many ended trials */
};

static aglm_rc score(void *arg, const aglm_attempt *a, aglm_verdict *out, aglm_error *err)
{
    (void)arg;
    (void)err;
    *out = (aglm_verdict){.state = AGLM_TRIAL_COMPLETE, .n_values = 1, .violation = NAN};
    out->values[0] = a->x[0];
    return AGLM_OK;
}

static void open_gate(void *arg, const aglm_optimize_event *e)
{
    struct gate *g = arg;

    if (e->kind != AGLM_OPTIMIZE_TRIAL_END || ++g->ended != g->opens_at)
        return;
    FILE *f = fopen(g->path, "w");
    assert_non_null(f);
    fclose(f);
}

/* After `free` answers it gives no other before that many trials ended: were their ends to wait for
 * it, it would be out of time, and that would be noted. */
static void check_ends_are_not_delayed(const char *list, int free, int opens_at)
{
    static const char ASK[] =
        "%scmd:n=0; while read -r line; do case $line in *'\"ask\"'*) [ $n -lt %d ] || until [ -e %s "
        "]; do sleep 0.02; done; n=$((n + 1)); echo \"{\\\"params\\\": {\\\"x\\\": 0.$n}}\";; esac; "
        "done";
    struct gate g = {.folder = "/tmp/aglm_gateXXXXXX", .opens_at = opens_at};
    aglm_optimize_result result;
    char sampler[512];
    struct fixture f;

    assert_non_null(mkdtemp(g.folder));
    snprintf(g.path, sizeof g.path, "%s/open", g.folder);
    snprintf(sampler, sizeof sampler, ASK, list, free, g.path);
    setup(&f, "x=uniform(0,1)", sampler, 10000);
    const aglm_optimize_options o = {.study = f.study,
                                     .space = f.space,
                                     .objective = score,
                                     .trials = 8,
                                     .jobs = 4,
                                     .target = NAN,
                                     .on_event = open_gate,
                                     .event_arg = &g};
    assert_int_equal(aglm_optimize(&o, &result, NULL), AGLM_OK);
    assert_int_equal(result.complete, 8);
    for (int64_t n = 0; n < 8; n++)
        check_note(&f, n, AGLM_ATTR_STRATEGY_ERROR, NULL);
    teardown(&f);
    assert_int_equal(unlink(g.path), 0);
    assert_int_equal(rmdir(g.folder), 0);
}

static void trials_end_while_it_thinks(void **state)
{
    (void)state;
    check_ends_are_not_delayed("", 2, 2);
    check_ends_are_not_delayed("portfolio:random,", 0, 1);
}

struct asker {
    aglm_study *study;
    int64_t number;
    double x;
    aglm_rc rc;
};

static void *ask_once(void *arg)
{
    struct asker *a = arg;

    a->rc = aglm_study_ask(a->study, &a->number, &a->x, NULL);
    return NULL;
}

/* What is enqueued meanwhile is taken at once; the answer to the question makes the next trial,
 * and one that a trial has by then is none. */
static void enqueued_points_do_not_wait(const char *answer, const char *note)
{
    struct gate g = {.folder = "/tmp/aglm_gateXXXXXX", .opens_at = 1};
    const aglm_optimize_event end = {.kind = AGLM_OPTIMIZE_TRIAL_END};
    const double point = 0.25;
    struct fixture f;
    struct asker slow;
    char sampler[512];
    pthread_t thread;
    int64_t number;
    double x;

    assert_non_null(mkdtemp(g.folder));
    snprintf(g.path, sizeof g.path, "%s/open", g.folder);
    snprintf(
        sampler, sizeof sampler,
        "cmd:while read -r line; do case $line in *'\"ask\"'*) touch %s/asked; until [ -e %s ]; "
        "do sleep 0.02; done; echo '{\"params\": {\"x\": %s}}';; esac; done",
        g.folder, g.path, answer);
    setup(&f, "x=uniform(0,1)", sampler, 10000);
    slow = (struct asker){.study = f.study};
    assert_int_equal(pthread_create(&thread, NULL, ask_once, &slow), 0);
    snprintf(sampler, sizeof sampler, "%s/asked", g.folder);
    while (access(sampler, F_OK) != 0)
        usleep(1000);
    assert_int_equal(aglm_study_enqueue(f.study, &point, &number, NULL), AGLM_OK);
    assert_int_equal(aglm_study_ask(f.study, &number, &x, NULL), AGLM_OK);
    assert_true(number == 0 && x == point);
    open_gate(&g, &end);
    assert_int_equal(pthread_join(thread, NULL), 0);
    assert_int_equal(slow.rc, AGLM_OK);
    assert_int_equal(slow.number, 1);
    check_note(&f, 1, AGLM_ATTR_STRATEGY_ERROR, note);
    teardown(&f);
    assert_int_equal(unlink(sampler), 0);
    assert_int_equal(unlink(g.path), 0);
    assert_int_equal(rmdir(g.folder), 0);
}

static void a_study_goes_on_while_it_thinks(void **state)
{
    (void)state;
    enqueued_points_do_not_wait("0.5", NULL);
    enqueued_points_do_not_wait("0.25", "a trial has its point already");
}

/* ---- from the installed header ---- */

static aglm_rc bowl(void *arg, aglm_study *s, int64_t number, const double *x, double *value)
{
    (void)arg;
    (void)s;
    (void)number;
    *value = (x[0] - 2.0) * (x[0] - 2.0);
    return AGLM_OK;
}

static double best_by(const char *sampler, const char *space, aglm_rc want)
{
    const aglm_study_limits limits = {.trials = 40};
    aglm_study_config c;
    aglm_error err = {0};
    aglm_study *s;
    double best = NAN;

    aglm_study_config_init(&c);
    c.space = space;
    c.sampler = sampler;
    c.strategy_host = "/proc/self/exe";
    c.strategy_timeout_s = 0.3;
    if (aglm_study_new(&s, &c, &err) != AGLM_OK)
        fail_msg("%s: %s", sampler, err.msg);
    aglm_rc rc = aglm_study_optimize(s, bowl, NULL, &limits, &err);
    if (rc != want)
        fail_msg("%s: %s", sampler, err.msg);
    if (rc == AGLM_OK) {
        assert_int_equal(aglm_study_count(s, AGLM_TRIAL_COMPLETE), 40);
        assert_int_equal(aglm_study_best(s, NULL, &best, NULL, NULL), AGLM_OK);
    }
    aglm_study_free(s);
    return best;
}

static void studies_in_c_take_strategies(void **state)
{
    aglm_study_config c;
    aglm_study *s;
    char command[512];

    (void)state;
    snprintf(command, sizeof command, "cmd:python3 %s/examples/strategy.py",
             getenv("AGLM_SOURCE_ROOT"));
    assert_true(best_by(getenv("AGLM_CLIMBER"), "x=uniform(-50,50)", AGLM_OK) < 1.0);
    assert_true(best_by(command, "x=uniform(-50,50)", AGLM_OK) < 10.0);
    best_by("cmd:exit 3", "x=uniform(-50,50)", AGLM_OK);
    best_by(getenv("AGLM_BAD_STRATEGY"), "hang=uniform(0,1)", AGLM_OK);
    best_by("./absent.so", "x=uniform(-50,50)", AGLM_NOTFOUND);
    aglm_study_config_init(&c);
    c.space = "x=uniform(0,1)";
    c.strategy_timeout_s = -1.0;
    assert_int_equal(aglm_study_new(&s, &c, NULL), AGLM_INVALID);
}

static aglm_rc named(void *arg, aglm_trial_run *t, double *value)
{
    (void)arg;
    const double x = aglm_trial_suggest_float(t, "x", -50, 50, false);
    *value = (x - 2.0) * (x - 2.0);
    return AGLM_OK;
}

static void objectives_that_name_their_parameters_take_them(void **state)
{
    const aglm_study_limits limits = {.trials = 40};
    aglm_study_config c;
    aglm_error err = {0};
    aglm_study *s;
    double best;

    (void)state;
    aglm_study_config_init(&c);
    c.sampler = getenv("AGLM_CLIMBER");
    c.strategy_host = "/proc/self/exe";
    if (aglm_study_define(&s, &c, named, NULL, &limits, &err) != AGLM_OK)
        fail_msg("%s", err.msg);
    assert_int_equal(aglm_study_best(s, NULL, &best, NULL, NULL), AGLM_OK);
    assert_true(best < 1.0);
    aglm_study_free(s);
}

/* The program answers only when it was told both directions and, from the second trial on, both
 * values. */
static const char LISTENER[] =
    "cmd:n=0; said=0; while read -r l; do case $l in "
    "*'\"directions\": [\"minimize\", \"maximize\"]'*) said=1;; "
    "*'\"values\": ['*) n=$((n + 1));; "
    "*ask*) if [ $said = 1 ] && [ $n = \"${l##* }\" -o \"$n}\" = \"${l##* }\" ]; then "
    "echo \"{\\\"params\\\": {\\\"x\\\": 0.$n}}\"; else echo '{\"error\": \"deaf\"}'; fi;; "
    "esac; done";

static void check_two_objectives(const char *sampler, bool exact)
{
    const aglm_direction directions[] = {AGLM_MINIMIZE, AGLM_MAXIMIZE};
    const aglm_direction *both = directions;
    aglm_study_config c;
    aglm_error err = {0};
    aglm_study *s;
    int64_t number;
    double x;

    aglm_study_config_init(&c);
    c.space = "x=uniform(0,1)";
    c.sampler = sampler;
    c.directions = both;
    c.n_directions = 2;
    c.strategy_host = "/proc/self/exe";
    if (aglm_study_new(&s, &c, &err) != AGLM_OK)
        fail_msg("%s", err.msg);
    for (int i = 0; i < 8; i++) {
        if (aglm_study_ask(s, &number, &x, &err) != AGLM_OK)
            fail_msg("%s", err.msg);
        if (exact && fabs(x - 0.1 * i) > 1e-12)
            fail_msg("trial %d has x = %g", i, x);
        const double values[] = {x, x * x};
        assert_int_equal(aglm_study_tell(s, number, AGLM_TRIAL_COMPLETE, values, 2, NULL), AGLM_OK);
    }
    aglm_study_free(s);
}

static void several_objectives_are_told(void **state)
{
    (void)state;
    check_two_objectives(LISTENER, true);
    check_two_objectives(getenv("AGLM_CLIMBER"), false);
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_shared_object_learns),
        cmocka_unit_test(the_program_learns),
        cmocka_unit_test(whatever_it_does_the_study_goes_on),
        cmocka_unit_test(a_point_comes_once),
        cmocka_unit_test(it_is_started_anew),
        cmocka_unit_test(it_may_say_that_nothing_is_left),
        cmocka_unit_test(one_that_cannot_be_started_is_an_error),
        cmocka_unit_test(it_takes_part_in_a_portfolio),
        cmocka_unit_test(trials_end_while_it_thinks),
        cmocka_unit_test(a_study_goes_on_while_it_thinks),
        cmocka_unit_test(studies_in_c_take_strategies),
        cmocka_unit_test(objectives_that_name_their_parameters_take_them),
        cmocka_unit_test(several_objectives_are_told),
    };
    aglm_error err = {0};

    if (argc != 4 || strcmp(argv[1], "strategy") != 0)
        return cmocka_run_group_tests(tests, NULL, NULL);
    if (aglm_strategy_serve(argv[3], STDIN_FILENO, STDOUT_FILENO, &err) == AGLM_OK)
        return 0;
    fprintf(stderr, "%s\n", err.msg);
    return 127;
}
