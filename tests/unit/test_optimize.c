#include "job/optimize.h"

#include <math.h>

#include "search/space_text.h"
#include "unit.h"

struct fixture {
    aglm_store *store;
    aglm_space *space;
    aglm_study *study;
    aglm_optimize_options o;
    aglm_optimize_result result;
};

static void open_study(struct fixture *f, bool maximize)
{
    aglm_study_options o;

    aglm_study_options_init(&o);
    o.sampler = &aglm_sampler_random;
    o.pruner = &aglm_pruner_asha;
    o.directions[0] = maximize ? AGLM_MAXIMIZE : AGLM_MINIMIZE;
    assert_int_equal(aglm_study_open(&f->study, f->store, "s", f->space, &o, NULL), AGLM_OK);
    f->o.study = f->study;
    f->o.maximize = maximize;
}

static void setup(struct fixture *f, const char *space, aglm_objective objective)
{
    memset(f, 0, sizeof *f);
    assert_int_equal(aglm_space_new(&f->space, NULL), AGLM_OK);
    assert_int_equal(aglm_space_parse(f->space, space, strlen(space), NULL), AGLM_OK);
    assert_int_equal(aglm_store_open(&f->store, "memory", NULL), AGLM_OK);
    f->o = (aglm_optimize_options){
        .space = f->space, .objective = objective, .arg = f, .jobs = 1, .target = NAN};
    open_study(f, false);
}

static void run(struct fixture *f)
{
    aglm_error err = {0};

    if (aglm_optimize(&f->o, &f->result, &err) != AGLM_OK)
        fail_msg("%s", err.msg);
}

static void teardown(struct fixture *f)
{
    aglm_study_close(f->study);
    aglm_space_free(f->space);
    aglm_store_close(f->store);
}

static aglm_rc square(void *arg, const aglm_attempt *a, aglm_verdict *out, aglm_error *err)
{
    (void)arg;
    (void)err;
    out->state = AGLM_TRIAL_COMPLETE;
    out->values[0] = a->x[0] * a->x[0];
    out->n_values = 1;
    return AGLM_OK;
}

static void trials_are_counted_over_runs(void **state)
{
    struct fixture f;

    (void)state;
    setup(&f, "x=uniform(-1,1)", square);
    f.o.trials = 7;
    run(&f);
    assert_int_equal(f.result.complete, 7);
    assert_int_equal(f.result.stop, AGLM_STOP_TRIALS);
    f.o.trials = 10;
    f.o.jobs = 3;
    run(&f);
    assert_int_equal(f.result.complete, 3);
    assert_int_equal(aglm_study_size(f.study), 10);
    teardown(&f);
}

static void a_small_space_is_exhausted(void **state)
{
    struct fixture f;

    (void)state;
    setup(&f, "x=int(1,4)", square);
    run(&f);
    assert_int_equal(f.result.complete, 4);
    assert_int_equal(f.result.stop, AGLM_STOP_EXHAUSTED);
    teardown(&f);
}

static void a_target_and_stagnation_stop(void **state)
{
    struct fixture f;

    (void)state;
    setup(&f, "x=uniform(-1,1)", square);
    f.o.target = 0.05;
    run(&f);
    assert_int_equal(f.result.stop, AGLM_STOP_TARGET);
    run(&f); /* reached already */
    assert_int_equal(f.result.complete, 0);
    f.o.target = NAN;
    f.o.stagnation = 12;
    run(&f);
    assert_int_equal(f.result.stop, AGLM_STOP_STAGNATION);
    assert_true(f.result.complete >= 12);
    teardown(&f);
}

/* Fails the first two tries of every point over 0. */
static aglm_rc flaky(void *arg, const aglm_attempt *a, aglm_verdict *out, aglm_error *err)
{
    struct fixture *f = arg;
    aglm_arena arena;
    aglm_trial *all;
    size_t n;
    size_t tries = 0;

    aglm_arena_init(&arena, 1u << 24);
    assert_int_equal(aglm_study_trials(f->study, &arena, &all, &n, err), AGLM_OK);
    for (size_t i = 0; i < n; i++)
        tries += all[i].x[0] == a->x[0] && all[i].state == AGLM_TRIAL_FAIL;
    aglm_arena_clear(&arena);
    if (tries >= 2)
        return square(arg, a, out, err);
    snprintf(out->reason, sizeof out->reason, "try %zu", tries);
    snprintf(out->output, sizeof out->output, "last words\n");
    return AGLM_OK;
}

static void failed_points_are_tried_again(void **state)
{
    struct fixture f;
    aglm_arena arena;
    aglm_trial t;

    (void)state;
    setup(&f, "x=uniform(-1,1)", flaky);
    f.o.trials = 2;
    f.o.retries = 2;
    run(&f);
    assert_int_equal(f.result.failed, 4);
    assert_int_equal(f.result.complete, 2);
    aglm_arena_init(&arena, 1u << 20);
    assert_int_equal(aglm_study_trial(f.study, 0, &arena, &t, NULL), AGLM_OK);
    assert_string_equal(aglm_trial_attr(&t, "error", false), "\"try 0\"");
    assert_string_equal(aglm_trial_attr(&t, "output", false), "\"last words\\n\"");
    aglm_arena_clear(&arena);
    f.o.trials = 3;
    f.o.retries = 1;
    run(&f);
    assert_int_equal(f.result.failed, 2);
    assert_int_equal(f.result.complete, 0);
    assert_string_equal(f.result.last_reason, "try 1");
    teardown(&f);
}

static aglm_rc odd_values(void *arg, const aglm_attempt *a, aglm_verdict *out, aglm_error *err)
{
    square(arg, a, out, err);
    if (a->number == 0)
        out->values[0] = NAN;
    if (a->number == 1)
        out->n_values = 2;
    if (a->number == 2)
        out->values[0] = -INFINITY;
    return AGLM_OK;
}

static void values_that_are_none_fail_the_trial(void **state)
{
    struct fixture f;

    (void)state;
    setup(&f, "x=uniform(-1,1)", odd_values);
    f.o.trials = 4;
    run(&f);
    assert_int_equal(f.result.failed, 2);
    assert_int_equal(f.result.complete, 2);
    teardown(&f);
}

static aglm_rc steps(void *arg, const aglm_attempt *a, aglm_verdict *out, aglm_error *err)
{
    square(arg, a, out, err);
    for (int64_t step = 1; step <= 9; step++) {
        if (aglm_attempt_report(a, step, out->values[0]))
            out->state = AGLM_TRIAL_PRUNED;
        assert_false(aglm_attempt_report(a, step, 0.0)); /* told before: left out */
        if (out->state == AGLM_TRIAL_PRUNED)
            return AGLM_OK;
    }
    return AGLM_OK;
}

static void bad_trials_are_pruned(void **state)
{
    struct fixture f;

    (void)state;
    setup(&f, "x=uniform(-1,1)", steps);
    f.o.trials = 30;
    run(&f);
    assert_true(f.result.pruned >= 10 && f.result.complete >= 3);
    assert_int_equal(f.result.pruned + f.result.complete, 30);
    teardown(&f);
}

static aglm_rc interrupted(void *arg, const aglm_attempt *a, aglm_verdict *out, aglm_error *err)
{
    struct fixture *f = arg;

    if (a->number == 2 && f->o.cancel) {
        aglm_cancel_stop((aglm_cancel *)(uintptr_t)f->o.cancel);
        out->interrupted = true;
        return AGLM_OK;
    }
    return square(arg, a, out, err);
}

static void an_interrupted_point_is_tried_later(void **state)
{
    struct fixture f;
    aglm_cancel cancel;
    aglm_arena arena;
    aglm_trial a;
    aglm_trial b;

    (void)state;
    setup(&f, "x=uniform(-1,1)", interrupted);
    aglm_cancel_init(&cancel, NULL, 0);
    f.o.cancel = &cancel;
    f.o.trials = 5;
    run(&f);
    assert_int_equal(f.result.stop, AGLM_STOP_CANCELLED);
    assert_int_equal(f.result.complete, 2);
    f.o.cancel = NULL;
    run(&f);
    assert_int_equal(f.result.complete, 3);
    aglm_arena_init(&arena, 1u << 20);
    assert_int_equal(aglm_study_trial(f.study, 2, &arena, &a, NULL), AGLM_OK);
    assert_int_equal(aglm_study_trial(f.study, 3, &arena, &b, NULL), AGLM_OK);
    assert_float_equal(a.x[0], b.x[0], 0);
    aglm_arena_clear(&arena);
    teardown(&f);
}

static aglm_rc hopeless(void *arg, const aglm_attempt *a, aglm_verdict *out, aglm_error *err)
{
    (void)arg;
    (void)a;
    (void)out;
    return aglm_error_set(err, AGLM_NOTFOUND, "no such program");
}

static void a_hopeless_objective_ends_the_run(void **state)
{
    struct fixture f;
    aglm_error err;

    (void)state;
    setup(&f, "x=uniform(-1,1)", hopeless);
    f.o.jobs = 2;
    assert_int_equal(aglm_optimize(&f.o, &f.result, &err), AGLM_NOTFOUND);
    assert_string_equal(err.msg, "no such program");
    teardown(&f);
}

/* Two studies over one store, as two processes would have them. */
static void the_ends_of_others_are_taken_in(void **state)
{
    struct fixture f;
    struct fixture g;
    double x;
    double v = 0.25;
    int64_t mine;
    int64_t other;
    aglm_arena arena;
    aglm_trial best;

    (void)state;
    setup(&f, "x=uniform(-1,1)", square);
    g = f;
    open_study(&g, false);
    assert_int_equal(aglm_study_ask(g.study, &other, &x, NULL), AGLM_OK);
    assert_int_equal(aglm_study_report(g.study, other, 1, 0.5, NULL, NULL), AGLM_OK);
    assert_int_equal(aglm_study_ask(f.study, &mine, &x, NULL), AGLM_OK);
    assert_int_equal(aglm_study_count(f.study, AGLM_TRIAL_RUNNING), 2);
    assert_int_equal(aglm_study_tell(g.study, other, AGLM_TRIAL_COMPLETE, &v, 1, NULL), AGLM_OK);
    assert_int_equal(aglm_study_sync(f.study, NULL), AGLM_OK);
    assert_int_equal(aglm_study_count(f.study, AGLM_TRIAL_RUNNING), 1);
    aglm_arena_init(&arena, 1u << 20);
    assert_int_equal(aglm_study_best_trial(f.study, &arena, &best, NULL), AGLM_OK);
    assert_int_equal(best.number, other);
    assert_int_equal(best.n_steps, 1);
    assert_float_equal(best.values[0], 0.25, 0);
    aglm_arena_clear(&arena);
    aglm_study_close(g.study);
    teardown(&f);
}

/* The third trial is ended by somebody else while it runs. */
static aglm_rc robbed(void *arg, const aglm_attempt *a, aglm_verdict *out, aglm_error *err)
{
    const aglm_trial_end end = {.state = AGLM_TRIAL_FAIL};
    struct fixture *f = arg;
    aglm_trial_row *rows;
    aglm_arena arena;
    size_t n;

    if (a->number == 2) {
        aglm_arena_init(&arena, 1u << 20);
        assert_int_equal(aglm_store_trials(f->store, 1, 2, &arena, &rows, &n, err), AGLM_OK);
        assert_int_equal(aglm_store_trial_finish(f->store, rows[0].id, &end, err), AGLM_OK);
        aglm_arena_clear(&arena);
    }
    return square(arg, a, out, err);
}

static void a_trial_ended_by_others_does_not_end_the_run(void **state)
{
    struct fixture f;

    (void)state;
    setup(&f, "x=uniform(-1,1)", robbed);
    f.o.trials = 5;
    run(&f);
    assert_int_equal(f.result.complete, 4);
    assert_int_equal(f.result.failed, 1);
    assert_non_null(strstr(f.result.last_reason, "another worker"));
    assert_int_equal(aglm_study_size(f.study), 5);
    teardown(&f);
}

/* Two workers that ask in turn keep to the limit, and never take the same point. */
static void a_limit_holds_for_all_workers(void **state)
{
    struct fixture f;
    struct fixture g;
    double x;
    double y;
    int64_t n;

    (void)state;
    setup(&f, "x=uniform(-1,1)", square);
    g = f;
    open_study(&g, false);
    for (int i = 0; i < 3; i++) {
        assert_int_equal(aglm_study_ask_within(f.study, 6, &n, &x, NULL), AGLM_OK);
        assert_int_equal(n, 2 * i);
        assert_int_equal(aglm_study_ask_within(g.study, 6, &n, &y, NULL), AGLM_OK);
        assert_int_equal(n, 2 * i + 1);
        assert_true(x != y);
    }
    assert_int_equal(aglm_study_ask_within(f.study, 6, &n, &x, NULL), AGLM_DONE);
    assert_int_equal(aglm_study_ask_within(g.study, 6, &n, &x, NULL), AGLM_DONE);
    assert_int_equal(aglm_study_size(f.study), 6);
    aglm_study_close(g.study);
    teardown(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(trials_are_counted_over_runs),
        cmocka_unit_test(a_small_space_is_exhausted),
        cmocka_unit_test(a_target_and_stagnation_stop),
        cmocka_unit_test(failed_points_are_tried_again),
        cmocka_unit_test(values_that_are_none_fail_the_trial),
        cmocka_unit_test(bad_trials_are_pruned),
        cmocka_unit_test(an_interrupted_point_is_tried_later),
        cmocka_unit_test(a_hopeless_objective_ends_the_run),
        cmocka_unit_test(the_ends_of_others_are_taken_in),
        cmocka_unit_test(a_trial_ended_by_others_does_not_end_the_run),
        cmocka_unit_test(a_limit_holds_for_all_workers),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
