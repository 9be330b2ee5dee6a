#include <math.h>

#include "autoglm/study.h"
#include "search/study.h"
#include "unit.h"

/* Objectives that name their parameters while they run. */

static aglm_study *define(const aglm_study_config *c, aglm_define_objective objective, void *arg,
                          int64_t trials)
{
    const aglm_study_limits limits = {.trials = trials};
    aglm_study *s;
    aglm_error err = {0};

    if (aglm_study_define(&s, c, objective, arg, &limits, &err) != AGLM_OK)
        fail_msg("%s", err.msg);
    return s;
}

/* A branch of each kind: both are found, and the better one's parameter is tuned. */
static aglm_rc branches(void *arg, aglm_trial_run *t, double *value)
{
    static const char *const kinds[] = {"linear", "deep"};
    size_t *calls = arg;
    double lr = aglm_trial_suggest_float(t, "lr", 1e-5, 1.0, true);
    size_t kind = aglm_trial_suggest_choice(t, "kind", kinds, 2);

    ++*calls;
    assert_true(lr >= 1e-5 && lr <= 1.0);
    assert_float_equal(aglm_trial_suggest_float(t, "lr", 1e-5, 1.0, true), lr, 0.0);
    *value = fabs(log10(lr / 1e-3));
    if (kind == 0) {
        *value += 1.0 + aglm_trial_suggest_float(t, "alpha", 0.0, 1.0, false);
    } else {
        int64_t layers = aglm_trial_suggest_int(t, "layers", 1, 40, false);
        assert_true(layers >= 1 && layers <= 40);
        *value += fabs((double)layers - 17.0) / 40.0;
    }
    return AGLM_OK;
}

static void parameters_join_as_they_are_named(void **state)
{
    static const char *const samplers[] = {"auto", "tpe", "cmaes", "random",
                                           "portfolio:tpe,random"};
    size_t n = sizeof samplers / sizeof *samplers;

    (void)state;
    for (size_t i = 0; i < n; i++) {
        aglm_study_config c;
        size_t calls = 0;
        double best;
        double x[4];
        aglm_study_config_init(&c);
        c.sampler = samplers[i];
        aglm_study *s = define(&c, branches, &calls, 60);
        assert_int_equal(calls, 60);
        assert_int_equal(aglm_study_n_params(s), 4);
        assert_string_equal(aglm_study_param(s, 0), "lr");
        assert_int_equal(aglm_study_count(s, AGLM_TRIAL_COMPLETE), 60);
        assert_int_equal(aglm_study_best(s, NULL, &best, x, NULL), AGLM_OK);
        assert_string_equal(aglm_study_text(s, x, "kind"), "deep");
        if (best > (i == 3 ? 1.0 : 0.4))
            fail_msg("%s: %g", samplers[i], best);
        aglm_study_free(s);
    }
}

/* What was stored is what the objective saw. */
static aglm_rc record(void *arg, aglm_trial_run *t, double *value)
{
    double *seen = arg;
    int64_t number = aglm_trial_number(t);

    seen[2 * number] = aglm_trial_suggest_float(t, "x", 0.0, 1.0, false);
    if (number >= 3)
        seen[2 * number + 1] = (double)aglm_trial_suggest_int(t, "n", 1, 1000, true);
    *value = seen[2 * number];
    return AGLM_OK;
}

static void trials_are_stored_and_gone_on_with(void **state)
{
    char url[64];
    char path[] = "/tmp/aglm-define-XXXXXX";
    double seen[20] = {0};
    aglm_study_config c;
    aglm_arena arena;
    aglm_trial *all;
    size_t n;

    (void)state;
    assert_non_null(mkdtemp(path));
    snprintf(url, sizeof url, "sqlite:///%s/s.db", path);
    aglm_study_config_init(&c);
    c.storage = url;
    aglm_study_free(define(&c, record, seen, 5));
    aglm_study *s = define(&c, record, seen, 10);
    aglm_arena_init(&arena, 1u << 20);
    assert_int_equal(aglm_study_trials(s, &arena, &all, &n, NULL), AGLM_OK);
    assert_int_equal(n, 10);
    for (size_t i = 0; i < n; i++) {
        assert_float_equal(all[i].x[0], seen[2 * i], 0.0);
        if (i < 3)
            assert_true(isnan(all[i].x[1]));
        else
            assert_float_equal(all[i].x[1], seen[2 * i + 1], 0.0);
    }
    aglm_arena_clear(&arena);
    aglm_study_free(s);
    snprintf(url, sizeof url, "%s/s.db", path);
    remove(url);
    remove(path);
}

/* Trial 1 has another domain, trial 2 no bounds, trial 3 fails by itself, trial 0 reports. */
static aglm_rc faulty(void *arg, aglm_trial_run *t, double *value)
{
    int64_t number = aglm_trial_number(t);

    (void)arg;
    *value = aglm_trial_suggest_float(t, "x", 0.0, number == 1 ? 2.0 : 1.0, false);
    assert_false(aglm_trial_report(t, 1, 0.5));
    if (number == 2)
        assert_float_equal(aglm_trial_suggest_float(t, "y", 3.0, 1.0, false), 3.0, 0.0);
    assert_int_equal(aglm_trial_failure(t, NULL),
                     number == 1 || number == 2 ? AGLM_INVALID : AGLM_OK);
    return number == 3 ? AGLM_IO : AGLM_OK;
}

static void faults_fail_their_trial(void **state)
{
    static const char *const says[] = {NULL, "x: named with another domain than before (0..1)",
                                       "low 3", "failed", NULL};
    aglm_study_config c;
    aglm_arena arena;
    aglm_trial *all;
    size_t n;

    (void)state;
    aglm_study_config_init(&c);
    aglm_study *s = define(&c, faulty, NULL, 5);
    aglm_arena_init(&arena, 1u << 20);
    assert_int_equal(aglm_study_trials(s, &arena, &all, &n, NULL), AGLM_OK);
    for (size_t i = 0; i < 5; i++) {
        const char *why = aglm_trial_attr(&all[i], "error", false);
        assert_int_equal(all[i].state, says[i] ? AGLM_TRIAL_FAIL : AGLM_TRIAL_COMPLETE);
        if (says[i] && (!why || !strstr(why, says[i])))
            fail_msg("trial %zu: %s", i, why ? why : "no reason");
    }
    assert_int_equal(all[0].n_steps, 1);
    aglm_arena_clear(&arena);
    aglm_study_free(s);
}

static aglm_rc nothing(void *arg, aglm_trial_run *t, double *value)
{
    (void)arg;
    (void)t;
    *value = 1.0;
    return AGLM_OK;
}

static aglm_rc no_bounds(void *arg, aglm_trial_run *t, double *value)
{
    (void)arg;
    *value = (double)aglm_trial_suggest_int(t, "n", 5, 1, false);
    return AGLM_OK;
}

static void wrong_calls_are_errors(void **state)
{
    aglm_study_limits limits = {.trials = 3};
    aglm_study_config c;
    aglm_study *s;
    aglm_error err = {0};

    (void)state;
    aglm_study_config_init(&c);
    assert_int_equal(aglm_study_define(&s, &c, nothing, NULL, &limits, &err), AGLM_INVALID);
    assert_non_null(strstr(err.msg, "named no parameter"));
    assert_int_equal(aglm_study_define(&s, &c, no_bounds, NULL, &limits, &err), AGLM_INVALID);
    assert_non_null(strstr(err.msg, "low"));
    limits.jobs = 2;
    assert_int_equal(aglm_study_define(&s, &c, nothing, NULL, &limits, &err), AGLM_UNSUPPORTED);
    limits.jobs = 0;
    c.space = "x=int(1,2)";
    assert_int_equal(aglm_study_define(&s, &c, nothing, NULL, &limits, &err), AGLM_INVALID);
    c.space = NULL;
    c.sampler = "magic";
    assert_int_equal(aglm_study_define(&s, &c, nothing, NULL, &limits, &err), AGLM_INVALID);
    assert_non_null(strstr(err.msg, "sampler: magic: expected one of"));
    assert_null(s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(parameters_join_as_they_are_named),
        cmocka_unit_test(trials_are_stored_and_gone_on_with),
        cmocka_unit_test(faults_fail_their_trial),
        cmocka_unit_test(wrong_calls_are_errors),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
