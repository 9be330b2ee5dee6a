#include "search/pruner.h"

#include <math.h>

#include "unit.h"

static void *open_asha(int64_t min_step, int64_t max_step, unsigned eta, unsigned spared)
{
    const aglm_pruner_options o = {min_step, max_step, eta, spared};
    void *self;

    assert_int_equal(aglm_pruner_asha.open(&self, NULL, &o, NULL), AGLM_OK);
    return self;
}

static bool stops(void *self, int64_t number, int64_t step, double loss)
{
    bool prune = true;

    assert_int_equal(aglm_pruner_asha.report(self, number, step, loss, &prune, NULL), AGLM_OK);
    return prune;
}

/* Worked out by hand for eta = 2, first rung at 1: rungs at 1, 2, 4. Losses at a rung so far, in
 * order of coming: those allowed on are the best floor(n / 2), or the best one while n = 1. */
static void asha_follows_the_table(void **state)
{
    static const struct {
        int64_t number, step;
        double loss;
        bool stop;
    } table[] = {
        {0, 1, 0.50, false}, /* rung 1: .50, the only one */
        {1, 1, 0.60, true},  /* .50 .60: one goes on */
        {2, 1, 0.40, false}, /* .40 .50 .60: floor(3/2) = 1, the best */
        {3, 1, 0.45, false}, /* .40 .45 .50 .60: two go on */
        {4, 1, 0.48, true},  /* .40 .45 .48 .50 .60: two */
        {5, 1, 0.47, false}, /* .40 .45 .47 ...: six seen, three go on */
        {0, 2, 0.30, false}, /* rung 2: the only one */
        {2, 2, 0.35, true},  /* .30 .35: one */
        {3, 2, 0.30, false}, /* .30 .30 .35: ties go on */
        {5, 2, 0.31, true},  /* .30 .30 .31 .35: two */
        {0, 3, 0.90, false}, /* between rungs nothing is decided */
        {0, 4, 0.20, false}, {3, 4, 0.25, true},
    };
    void *a = open_asha(1, 0, 2, 0);

    (void)state;
    for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
        if (stops(a, table[i].number, table[i].step, table[i].loss) != table[i].stop)
            fail_msg("row %zu: trial %d at step %d", i, (int)table[i].number, (int)table[i].step);
    }
    aglm_pruner_asha.close(a);
}

static void asha_takes_late_reports_at_each_rung_passed(void **state)
{
    void *a = open_asha(2, 0, 3, 0);

    (void)state;
    assert_false(stops(a, 0, 1, 9.0)); /* before the first rung */
    assert_false(stops(a, 0, 7, 0.5)); /* counts at 2 and at 6 */
    assert_true(stops(a, 1, 2, 0.6));
    assert_false(stops(a, 2, 2, 0.4));
    assert_true(stops(a, 2, 6, 0.7)); /* the second at rung 6 */
    aglm_pruner_asha.close(a);
}

static void asha_spares_the_first_and_whole_trials(void **state)
{
    void *a = open_asha(1, 4, 2, 2);

    (void)state;
    assert_false(stops(a, 0, 1, 0.1));
    assert_false(stops(a, 1, 1, 0.9)); /* spared, and counted: */
    assert_true(stops(a, 2, 1, 0.5));  /* floor(3/2) = 1 */
    assert_false(stops(a, 3, 1, 0.05));
    assert_false(stops(a, 3, 4, 99.0)); /* at its end nothing is saved by stopping */
    aglm_pruner_asha.close(a);
}

static void asha_stops_nan_and_keeps_infinity_last(void **state)
{
    void *a = open_asha(1, 0, 2, 0);

    (void)state;
    assert_true(stops(a, 0, 1, NAN));
    assert_false(stops(a, 1, 1, INFINITY)); /* the only one */
    assert_false(stops(a, 2, 1, 1e300));
    assert_true(stops(a, 3, 1, INFINITY));
    aglm_pruner_asha.close(a);
}

static void options_are_checked(void **state)
{
    void *self;
    const aglm_pruner_options eta = {1, 0, 1, 0};
    const aglm_pruner_options first = {-1, 0, 3, 0};
    const aglm_pruner_options huge = {INT64_MAX / 2, 0, 3, 0};

    (void)state;
    assert_int_equal(aglm_pruner_asha.open(&self, NULL, &eta, NULL), AGLM_INVALID);
    assert_int_equal(aglm_pruner_asha.open(&self, NULL, &first, NULL), AGLM_INVALID);
    assert_int_equal(aglm_pruner_asha.open(&self, NULL, &huge, NULL), AGLM_OK);
    assert_false(stops(self, 0, INT64_MAX, 1.0));
    aglm_pruner_asha.close(self);
}

static void names_are_found(void **state)
{
    size_t n;
    const aglm_pruner_ops *const *all = aglm_pruners(&n);

    (void)state;
    for (size_t i = 0; i < n; i++)
        assert_ptr_equal(aglm_pruner_find(all[i]->name), all[i]);
    assert_null(aglm_pruner_find("some"));
}

/* A study's trials in a history, with one pruner over them. */
struct run {
    aglm_space *space;
    aglm_history *history;
    double sign;
    const aglm_pruner_ops *ops;
    aglm_pruner_options options;
    void *self;
};

static struct run start(const char *name, const aglm_pruner_options *options, double sign)
{
    struct run r = {.sign = sign, .ops = aglm_pruner_find(name), .options = *options};
    aglm_dist d;

    assert_int_equal(aglm_space_new(&r.space, NULL), AGLM_OK);
    aglm_dist_float(&d, 0, 1, 0, false, NULL);
    assert_int_equal(aglm_space_add(r.space, "x", &d, NULL, 0, NULL), AGLM_OK);
    assert_int_equal(aglm_history_new(&r.history, r.space, sign, NULL), AGLM_OK);
    assert_int_equal(r.ops->open(&r.self, r.history, &r.options, NULL), AGLM_OK);
    return r;
}

static void stop(struct run *r)
{
    r->ops->close(r->self);
    aglm_history_free(r->history);
    aglm_space_free(r->space);
}

static size_t begin(struct run *r)
{
    size_t number = aglm_history_size(r->history);
    double x = (double)number / 1024.0;
    aglm_trial t = {.number = (int64_t)number, .x = &x, .loss = NAN, .violation = NAN};

    assert_int_equal(aglm_history_add(r->history, &t, NULL), AGLM_OK);
    return number;
}

static bool report(struct run *r, size_t number, int64_t step, double loss)
{
    bool prune = true;

    assert_int_equal(aglm_history_report(r->history, number, step, r->sign * loss, NULL), AGLM_OK);
    assert_int_equal(r->ops->report(r->self, (int64_t)number, step, loss, &prune, NULL), AGLM_OK);
    return prune;
}

static void end(struct run *r, size_t number, aglm_trial_state state, double loss)
{
    double value = r->sign * loss;

    assert_int_equal(aglm_history_finish(r->history, number, state, &value, 1, 0.0), AGLM_OK);
}

/* A COMPLETE trial with these losses at steps 0, 1, 2, ... */
static void past(struct run *r, const double *loss, size_t n)
{
    size_t t = begin(r);

    for (size_t i = 0; i < n; i++)
        (void)report(r, t, (int64_t)i, loss[i]);
    end(r, t, AGLM_TRIAL_COMPLETE, loss[n - 1]);
}

/* As a resumed study does. */
static void reopen(struct run *r)
{
    bool ignored;

    r->ops->close(r->self);
    assert_int_equal(r->ops->open(&r->self, r->history, &r->options, NULL), AGLM_OK);
    for (size_t i = 0; r->ops->replays && i < aglm_history_size(r->history); i++) {
        const aglm_trial *t = aglm_history_trial(r->history, i);
        for (size_t j = 0; j < t->n_steps; j++)
            r->ops->report(r->self, t->number, t->steps[j].step, r->sign * t->steps[j].value,
                           &ignored, NULL);
    }
}

static aglm_pruner_options contract_options(const aglm_pruner_ops *ops)
{
    aglm_pruner_options o = AGLM_PRUNER_DEFAULTS;

    o.min_step = 1;
    o.max_step = ops == &aglm_pruner_hyperband ? 27 : 0;
    o.n_startup_trials = 2;
    o.patience = 6;
    o.lower = -1.5;
    o.upper = 1.5;
    o.study = "contract";
    return o;
}

static double noisy_loss(aglm_rng *rng, double mean)
{
    uint64_t kind = aglm_rng_below(rng, 100);

    return kind == 0 ? NAN : kind == 1 ? INFINITY : mean + 0.7 * aglm_rng_normal(rng);
}

/* The same trials to minimise, to maximise with their sign turned, and resumed before every trial:
 * the same decisions. Some trial stops, and some does not. */
static void decisions_follow_from_the_losses(const aglm_pruner_ops *ops)
{
    const aglm_pruner_options o = contract_options(ops);
    struct run r[3] = {start(ops->name, &o, 1.0), start(ops->name, &o, -1.0),
                       start(ops->name, &o, 1.0)};
    size_t stopped = 0;
    aglm_rng rng;

    aglm_rng_init(&rng, 4);
    for (size_t i = 0; i < 60; i++) {
        bool stop_at = false;
        double loss = 0.0;
        double mean = 0.5 * aglm_rng_normal(&rng);
        reopen(&r[2]);
        for (size_t k = 0; k < 3; k++)
            begin(&r[k]);
        for (int64_t step = 0; step < 12 && !stop_at; step++) {
            loss = noisy_loss(&rng, mean);
            stop_at = report(&r[0], i, step, loss);
            if (report(&r[1], i, step, loss) != stop_at || report(&r[2], i, step, loss) != stop_at)
                fail_msg("%s: trial %zu, step %d: decisions differ", ops->name, i, (int)step);
        }
        stopped += stop_at;
        for (size_t k = 0; k < 3; k++)
            end(&r[k], i, stop_at ? AGLM_TRIAL_PRUNED : AGLM_TRIAL_COMPLETE,
                isnan(loss) ? 9 : loss);
    }
    if (ops == &aglm_pruner_none ? stopped > 0 : stopped < 3 || stopped > 59)
        fail_msg("%s: %zu of 60 trials stopped", ops->name, stopped);
    for (size_t k = 0; k < 3; k++)
        stop(&r[k]);
}

/* One that is better than all others at every step goes on. */
static void the_best_goes_on(const aglm_pruner_ops *ops)
{
    const aglm_pruner_options o = contract_options(ops);
    struct run r = start(ops->name, &o, 1.0);

    for (size_t i = 0; i < 30; i++) {
        size_t t = begin(&r);
        for (int64_t step = 0; step < 12; step++)
            if (report(&r, t, step, 1.0 - 0.02 * (double)i - 0.03 * (double)step))
                fail_msg("%s: the best stops, trial %zu, step %d", ops->name, i, (int)step);
        end(&r, t, AGLM_TRIAL_COMPLETE, 0.5);
    }
    stop(&r);
}

static void every_pruner_keeps_the_contract(void **state)
{
    size_t n;
    const aglm_pruner_ops *const *all = aglm_pruners(&n);

    (void)state;
    for (size_t i = 0; i < n; i++) {
        decisions_follow_from_the_losses(all[i]);
        the_best_goes_on(all[i]);
    }
}

/* What each does beyond the contract; tests/peer/optuna_pruners.py compares all with Optuna's. */

static void median_compares_the_best_so_far(void **state)
{
    aglm_pruner_options o = AGLM_PRUNER_DEFAULTS;

    (void)state;
    o.n_startup_trials = 3;
    o.n_warmup_steps = 1;
    o.interval_steps = 2;
    struct run r = start("median", &o, 1.0);
    past(&r, (double[]){1, 1, 1, 1, 1}, 5);
    past(&r, (double[]){2, 2, 2, 2}, 4);
    size_t early = begin(&r);
    assert_false(report(&r, early, 1, 99)); /* two COMPLETE: too few */
    end(&r, early, AGLM_TRIAL_FAIL, 0);
    past(&r, (double[]){3, 3, 3, 3}, 4);
    size_t t = begin(&r);
    assert_false(report(&r, t, 0, 9));   /* warming up */
    assert_true(report(&r, t, 1, 2.5));  /* above the median 2 */
    assert_false(report(&r, t, 2, 2.5)); /* not the first of its interval */
    assert_false(report(&r, t, 3, 2));
    assert_false(report(&r, t, 5, 50)); /* nobody else came so far, and 2 is its best */
    end(&r, t, AGLM_TRIAL_COMPLETE, 2);
    size_t nan = begin(&r);
    assert_true(report(&r, nan, 1, NAN));
    stop(&r);
}

static void percentile_may_need_trials_at_the_step(void **state)
{
    aglm_pruner_options o = AGLM_PRUNER_DEFAULTS;

    (void)state;
    o.percentile = 75.0;
    o.n_startup_trials = 0;
    o.n_min_trials = 3;
    struct run r = start("percentile", &o, 1.0);
    past(&r, (double[]){1, 1}, 2);
    past(&r, (double[]){2, 2}, 2);
    past(&r, (double[]){3}, 1);
    size_t t = begin(&r);
    assert_true(report(&r, t, 0, 2.51)); /* three quarters of 1, 2, 3: 2.5 */
    assert_false(report(&r, t, 1, 9));   /* two only */
    size_t u = begin(&r);
    assert_false(report(&r, u, 0, 2.5));
    stop(&r);
}

static void threshold_reads_values_as_told(void **state)
{
    aglm_pruner_options o = AGLM_PRUNER_DEFAULTS;

    (void)state;
    o.lower = 0.5;
    struct run r = start("threshold", &o,
                         -1.0); /* accuracy, told as it is: the loss is its negative */
    size_t t = begin(&r);
    assert_false(report(&r, t, 0, -0.6));
    assert_true(report(&r, t, 1, -0.4));
    assert_false(report(&r, t, 2, -INFINITY));
    assert_true(report(&r, t, 3, NAN));
    stop(&r);
}

static void patient_waits_and_then_asks(void **state)
{
    aglm_pruner_options o = AGLM_PRUNER_DEFAULTS;

    (void)state;
    o.patience = 1;
    o.min_delta = 0.1;
    struct run r = start("patient", &o, 1.0);
    size_t t = begin(&r);
    assert_false(report(&r, t, 0, 1.0));
    assert_false(report(&r, t, 1, 1.2));
    assert_true(report(&r, t, 2, 1.2)); /* two steps without getting below 1.1 */
    assert_false(report(&r, t, 3, 1.05));
    stop(&r);
    o.wrapped = &aglm_pruner_median;
    r = start("patient", &o, 1.0);
    t = begin(&r);
    for (int64_t step = 0; step < 4; step++)
        assert_false(report(&r, t, step, 5.0 + (double)step)); /* nobody to compare with */
    stop(&r);
}

/* Five instances worse by a little, in any order: chance 1/32. */
static void wilcoxon_compares_instances_with_the_best(void **state)
{
    aglm_pruner_options o = AGLM_PRUNER_DEFAULTS;
    static const int64_t order[] = {3, 0, 4, 1, 2};

    (void)state;
    o.p_threshold = 0.05;
    struct run r = start("wilcoxon", &o, 1.0);
    past(&r, (double[]){0.1, 0.9, 0.5, 0.7, 0.3}, 5);
    size_t t = begin(&r);
    static const double base[] = {0.1, 0.9, 0.5, 0.7, 0.3};
    for (size_t i = 0; i < 5; i++) {
        double worse = base[order[i]] + 0.01 * (double)(i + 1);
        if (report(&r, t, order[i], worse) != (i == 4))
            fail_msg("instance %zu", i);
    }
    stop(&r);
}

/* 27 steps, eta 3: four brackets, each rung a step of its own; a trial stays in its bracket. */
static void hyperband_spreads_trials_over_brackets(void **state)
{
    aglm_pruner_options o = AGLM_PRUNER_DEFAULTS;
    size_t first_stop[28] = {0};

    (void)state;
    o.max_step = 27;
    o.study = "s";
    struct run r = start("hyperband", &o, 1.0);
    for (size_t i = 0; i < 400; i++) {
        size_t t = begin(&r);
        int64_t step = 1;
        while (step <= 27 && !report(&r, t, step, (double)i))
            step++;
        first_stop[step < 28 ? step : 0]++;
        end(&r, t, AGLM_TRIAL_PRUNED, 0.0);
    }
    /* Each is worse than all before it: it stops at its bracket's first rung, and shares are in
     * 27 : 12 : 6 : 4 of 49. */
    static const double share[] = {27.0 / 49, 12.0 / 49, 6.0 / 49, 4.0 / 49};
    for (size_t b = 0, step = 1; b < 4; b++, step *= 3) {
        double part = (double)first_stop[step] / 400;
        assert_true(fabs(part - share[b]) < 0.08);
    }
    assert_true(first_stop[1] + first_stop[3] + first_stop[9] + first_stop[27] >= 396);
    stop(&r);
}

static void halving_finds_its_first_rung(void **state)
{
    aglm_pruner_options o = AGLM_PRUNER_DEFAULTS;

    (void)state;
    struct run r = start("successive-halving", &o, 1.0);
    size_t first = begin(&r);
    assert_false(report(&r, first, 500, 1.0)); /* no rung is known yet */
    end(&r, first, AGLM_TRIAL_COMPLETE, 1.0);
    size_t t = begin(&r);
    assert_false(report(&r, t, 4, 3.0)); /* the first rung stands at 500 / 100 */
    assert_false(report(&r, t, 5, 3.0)); /* the only one there */
    size_t u = begin(&r);
    assert_false(report(&r, u, 4, NAN));
    assert_true(report(&r, u, 5, 4.0));
    assert_true(report(&r, u, 20, NAN));
    stop(&r);
}

static void expect_invalid(const char *name, const aglm_pruner_options *o, const char *word)
{
    aglm_error err = {0};
    void *self;

    assert_int_equal(aglm_pruner_find(name)->open(&self, NULL, o, &err), AGLM_INVALID);
    assert_null(self);
    if (!strstr(err.msg, word))
        fail_msg("%s: %s", name, err.msg);
}

static void options_of_all_are_checked(void **state)
{
    static const struct {
        const char *name, *word;
        aglm_pruner_options o;
    } bad[] = {
        {"percentile", "percentile", {.percentile = 101, .n_min_trials = 1, .interval_steps = 1}},
        {"percentile", "percentile", {.percentile = NAN, .n_min_trials = 1, .interval_steps = 1}},
        {"median", "n_min_trials", {.interval_steps = 1}},
        {"median", "interval_steps", {.n_min_trials = 1}},
        {"median", "n_warmup", {.n_min_trials = 1, .interval_steps = 1, .n_warmup_steps = -1}},
        {"threshold", "lower", {.interval_steps = 1, .lower = 2, .upper = 1}},
        {"threshold", "give", {.interval_steps = 1, .lower = -INFINITY, .upper = INFINITY}},
        {"patient", "min_delta", {.min_delta = -1}},
        {"patient", "itself", {.wrapped = &aglm_pruner_patient}},
        {"patient", "reduction", {.wrapped = &aglm_pruner_asha, .reduction_factor = 1}},
        {"wilcoxon", "p_threshold", {.p_threshold = 1.5}},
        {"successive-halving", "reduction", {.reduction_factor = 1}},
        {"successive-halving", "bootstrap", {.bootstrap_count = 1}},
        {"hyperband", "min_step", {.min_step = -1}},
        {"hyperband", "max_step", {.min_step = 9, .max_step = 8}},
        {"hyperband", "bootstrap", {.bootstrap_count = 1}},
    };

    (void)state;
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        expect_invalid(bad[i].name, &bad[i].o, bad[i].word);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(asha_follows_the_table),
        cmocka_unit_test(asha_takes_late_reports_at_each_rung_passed),
        cmocka_unit_test(asha_spares_the_first_and_whole_trials),
        cmocka_unit_test(asha_stops_nan_and_keeps_infinity_last),
        cmocka_unit_test(options_are_checked),
        cmocka_unit_test(names_are_found),
        cmocka_unit_test(every_pruner_keeps_the_contract),
        cmocka_unit_test(median_compares_the_best_so_far),
        cmocka_unit_test(percentile_may_need_trials_at_the_step),
        cmocka_unit_test(threshold_reads_values_as_told),
        cmocka_unit_test(patient_waits_and_then_asks),
        cmocka_unit_test(wilcoxon_compares_instances_with_the_best),
        cmocka_unit_test(hyperband_spreads_trials_over_brackets),
        cmocka_unit_test(halving_finds_its_first_rung),
        cmocka_unit_test(options_of_all_are_checked),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
