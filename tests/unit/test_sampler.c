#include "search/sampler.h"

#include <math.h>

#include "num/hypervolume.h"
#include "unit.h"

/* The contract that every sampler keeps: one checklist, run for all of them; for those that know
 * several objectives with two as well. */
static size_t n_objectives = 1;

static aglm_space *new_space(void)
{
    aglm_space *s;

    assert_int_equal(aglm_space_new(&s, NULL), AGLM_OK);
    return s;
}

static void add_texts(aglm_space *s, const char *name, size_t n, const char *parent, uint64_t when)
{
    static const char *const texts[] = {"a", "b", "c", "d"};
    aglm_arena a;
    aglm_dist d;

    aglm_arena_init(&a, 1u << 16);
    aglm_dist_texts(&d, texts, n, &a, NULL);
    assert_int_equal(aglm_space_add(s, name, &d, parent, when, NULL), AGLM_OK);
    aglm_arena_clear(&a);
}

static void add_int(aglm_space *s, const char *name, double low, double high, const char *parent,
                    uint64_t when)
{
    aglm_dist d;

    aglm_dist_int(&d, low, high, 1, false, NULL);
    assert_int_equal(aglm_space_add(s, name, &d, parent, when, NULL), AGLM_OK);
}

static void add_float(aglm_space *s, const char *name, double low, double high, const char *parent,
                      uint64_t when)
{
    aglm_dist d;

    aglm_dist_float(&d, low, high, 0, low > 0, NULL);
    assert_int_equal(aglm_space_add(s, name, &d, parent, when, NULL), AGLM_OK);
}

/* Mixed, with a branch in a branch, a condition shared by two and a parameter of one value. */
static aglm_space *conditional_space(void)
{
    aglm_space *s = new_space();

    add_float(s, "lr", 1e-5, 1, NULL, 0);
    add_texts(s, "kind", 3, NULL, 0);
    add_int(s, "fixed", 4, 4, NULL, 0);
    add_int(s, "depth", 1, 9, "kind", 1);
    add_texts(s, "loss", 2, "kind", 1);
    add_float(s, "margin", 0, 1, "loss", 2);
    add_float(s, "dropout", 0, 0.5, "kind", 6);
    add_int(s, "alone", 7, 7, "kind", 4);
    return s;
}

/* 3 + 2 * 4 = 11 points */
static aglm_space *small_space(void)
{
    aglm_space *s = new_space();

    add_texts(s, "kind", 3, NULL, 0);
    add_int(s, "k", 1, 3, "kind", 1);
    add_int(s, "m", 1, 4, "kind", 6);
    return s;
}

static double value_of(const aglm_space *s, const double *x)
{
    double v = 0.0;

    for (size_t i = 0; i < s->n; i++)
        v += isnan(x[i]) ? 0.3 : fabs(x[i] - 0.4);
    return v;
}

struct run {
    aglm_space *space;
    aglm_history *history;
    const aglm_sampler_ops *ops;
    void *self;
};

static struct run start(const aglm_sampler_ops *ops, aglm_space *space, uint64_t seed)
{
    aglm_sampler_options o = AGLM_SAMPLER_DEFAULTS;
    struct run r = {.space = space, .ops = ops};

    o.grid_levels = 4;
    assert_int_equal(aglm_history_new(&r.history, space, 1.0, NULL), AGLM_OK);
    aglm_history_set_signs(r.history, (const double[]){1.0, -1.0}, n_objectives);
    assert_int_equal(ops->open(&r.self, r.history, &o, seed, NULL), AGLM_OK);
    return r;
}

static void reopen(struct run *r, uint64_t seed)
{
    aglm_sampler_options o = AGLM_SAMPLER_DEFAULTS;

    o.grid_levels = 4;
    r->ops->close(r->self);
    assert_int_equal(r->ops->open(&r->self, r->history, &o, seed, NULL), AGLM_OK);
}

static void stop(struct run *r)
{
    r->ops->close(r->self);
    aglm_history_free(r->history);
    aglm_space_free(r->space);
}

static aglm_rc ask(struct run *r, double *x)
{
    int64_t number = (int64_t)aglm_history_size(r->history);
    aglm_rc rc = r->ops->ask(r->self, number, x, NULL);

    if (rc != AGLM_OK)
        return rc;
    aglm_trial t = {.number = number, .x = x, .loss = NAN, .violation = NAN};
    if (r->ops->notes)
        t.n_attrs = r->ops->notes(r->self, &t.attrs);
    assert_int_equal(aglm_history_add(r->history, &t, NULL), AGLM_OK);
    if (r->ops->tell)
        r->ops->tell(r->self, aglm_history_trial(r->history, (size_t)number), NULL);
    return AGLM_OK;
}

static void tell(struct run *r, size_t number, aglm_trial_state state)
{
    const aglm_trial *t = aglm_history_trial(r->history, number);
    double v[2] = {value_of(r->space, t->x), 0.0};

    for (size_t i = 0; i < r->space->n; i++)
        v[1] += isnan(t->x[i]) ? 0.1 : -fabs(t->x[i] - 0.8);
    if (state == AGLM_TRIAL_PRUNED)
        aglm_history_report(r->history, number, 1 + (int64_t)(number % 3), v[0], NULL);
    if (n_objectives > 1 && number % 7 == 3)
        aglm_history_set_violation(r->history, number, v[0]);
    aglm_history_finish(r->history, number, state, v, state == AGLM_TRIAL_FAIL ? 0 : n_objectives,
                        0.0);
    if (r->ops->tell)
        assert_int_equal(r->ops->tell(r->self, t, NULL), AGLM_OK);
}

static aglm_trial_state mixed_state(size_t i)
{
    static const aglm_trial_state cycle[] = {AGLM_TRIAL_COMPLETE, AGLM_TRIAL_COMPLETE,
                                             AGLM_TRIAL_PRUNED, AGLM_TRIAL_COMPLETE,
                                             AGLM_TRIAL_FAIL};
    return cycle[i % 5];
}

static void points_lie_in_the_space(const aglm_sampler_ops *ops)
{
    struct run r = start(ops, conditional_space(), 7);
    double x[8];
    aglm_error err = {0};

    for (size_t i = 0; i < 120 && ask(&r, x) == AGLM_OK; i++) {
        if (aglm_space_check(r.space, x, &err) != AGLM_OK)
            fail_msg("%s, trial %zu: %s", ops->name, i, err.msg);
        tell(&r, i, mixed_state(i));
    }
    assert_true(aglm_history_size(r.history) > 40);
    stop(&r);
}

static void points_depend_on_seed_and_history_alone(const aglm_sampler_ops *ops)
{
    struct run a = start(ops, conditional_space(), 5);
    struct run b = start(ops, conditional_space(), 5);
    double x[8];
    double y[8];

    for (size_t i = 0; i < 60; i++) {
        if (i % 13 == 12)
            reopen(&b, 5); /* as a resumed study does */
        aglm_rc rc = ask(&a, x);
        assert_int_equal(rc, ask(&b, y));
        if (rc != AGLM_OK)
            break;
        if (!aglm_space_same(a.space, x, y))
            fail_msg("%s: trial %zu differs after reopening", ops->name, i);
        tell(&a, i, mixed_state(i));
        tell(&b, i, mixed_state(i));
    }
    stop(&a);
    stop(&b);
}

/* Four trials run at once and end in any order, the first one late: what is asked next is what a
 * sampler opened on that history asks. */
static void points_do_not_depend_on_the_order_of_tells(const aglm_sampler_ops *ops)
{
    struct run r = start(ops, conditional_space(), 6);
    double x[8];
    double y[8];
    size_t running[4] = {0};
    aglm_rng rng;

    aglm_rng_init(&rng, 1);
    for (size_t i = 0; i < 4; i++) {
        assert_int_equal(ask(&r, x), AGLM_OK);
        running[i] = i;
    }
    for (size_t i = 4; i < 150; i++) {
        size_t *ends = &running[i < 60 ? 1 + aglm_rng_below(&rng, 3) : aglm_rng_below(&rng, 4)];
        tell(&r, *ends, mixed_state(*ends));
        if (ask(&r, x) != AGLM_OK)
            break;
        *ends = i;
        if (i % 10 == 9) {
            aglm_rc rc = ops->ask(r.self, (int64_t)i + 1, x, NULL);
            reopen(&r, 6);
            assert_int_equal(ops->ask(r.self, (int64_t)i + 1, y, NULL), rc);
            if (rc == AGLM_OK && !aglm_space_same(r.space, x, y))
                fail_msg("%s: trial %zu differs after reopening", ops->name, i + 1);
        }
    }
    stop(&r);
}

/* Four trials run at once; each point is new; all eleven come; then the space is exhausted. */
static void no_point_comes_twice(const aglm_sampler_ops *ops)
{
    for (uint64_t seed = 0; seed < 20; seed++) {
        struct run r = start(ops, small_space(), seed);
        double x[11][3];
        size_t n = 0;
        for (; n < 11; n++) {
            if (ask(&r, x[n]) != AGLM_OK)
                break;
            for (size_t j = 0; j < n; j++)
                assert_false(aglm_space_same(r.space, x[n], x[j]));
            if (n >= 4)
                tell(&r, n - 4, mixed_state(n));
        }
        assert_int_equal(n, 11);
        assert_int_equal(ask(&r, x[0]), AGLM_DONE);
        for (size_t i = 7; i < 11; i++)
            tell(&r, i, AGLM_TRIAL_COMPLETE);
        assert_int_equal(ask(&r, x[0]), AGLM_DONE);
        stop(&r);
    }
}

static void check_contract(const aglm_sampler_ops *ops)
{
    points_lie_in_the_space(ops);
    points_depend_on_seed_and_history_alone(ops);
    points_do_not_depend_on_the_order_of_tells(ops);
    no_point_comes_twice(ops);
}

static void every_sampler_keeps_the_contract(void **state)
{
    size_t n;
    const aglm_sampler_ops *const *all = aglm_samplers(&n);

    (void)state;
    for (size_t i = 0; i < n; i++) {
        assert_ptr_equal(aglm_sampler_find(all[i]->name), all[i]);
        check_contract(all[i]);
        n_objectives = 2;
        if (all[i]->several)
            check_contract(all[i]);
        n_objectives = 1;
    }
    assert_null(aglm_sampler_find("no such"));
}

/* What each does beyond the contract. */

static void grid_goes_through_its_levels_in_order(void **state)
{
    struct run r;
    aglm_space *s = new_space();
    double x[2];
    static const double want[][2] = {{0, 0.001}, {0, 0.01}, {0, 0.1}, {0, 1},
                                     {1, 0.001}, {1, 0.01}, {1, 0.1}, {1, 1}};

    (void)state;
    add_texts(s, "kind", 2, NULL, 0);
    add_float(s, "lr", 1e-3, 1, NULL, 0);
    r = start(&aglm_sampler_grid, s, 0);
    for (size_t i = 0; i < 8; i++) {
        assert_int_equal(ask(&r, x), AGLM_OK);
        assert_true(x[0] == want[i][0] && fabs(x[1] / want[i][1] - 1.0) < 1e-12);
    }
    assert_int_equal(ask(&r, x), AGLM_DONE);
    stop(&r);
}

/* Of 64 trials one lies in each 64th of the domain on every axis, also in log. */
static void qmc_fills_the_domain_evenly(void **state)
{
    aglm_space *s = new_space();
    char hit[64][2] = {0};

    (void)state;
    add_int(s, "alone", 7, 7, NULL, 0); /* takes no axis */
    add_float(s, "a", -1, 1, NULL, 0);
    add_float(s, "lr", 1e-4, 1, NULL, 0);
    struct run r = start(&aglm_sampler_qmc, s, 0);
    for (size_t i = 0; i < 64; i++) {
        double x[3];
        assert_int_equal(ask(&r, x), AGLM_OK);
        hit[(size_t)((x[1] + 1.0) * 32.0)][0]++;
        hit[(size_t)((log10(x[2]) + 4.0) * 16.0)][1]++;
    }
    for (size_t i = 0; i < 64; i++)
        assert_true(hit[i][0] == 1 && hit[i][1] == 1);
    stop(&r);
}

static void add_normal(aglm_space *s, const char *name, double low, double high, double mean,
                       double deviation)
{
    const aglm_prior prior = {AGLM_PRIOR_NORMAL, false, mean, deviation};
    aglm_dist d;

    aglm_dist_float(&d, low, high, 0, false, NULL);
    assert_int_equal(aglm_space_add(s, name, &d, NULL, 0, NULL), AGLM_OK);
    assert_int_equal(aglm_space_set_prior(s, s->n - 1, &prior, NULL), AGLM_OK);
}

static double mass_below(double x)
{
    return 0.5 * erfc(-x / sqrt(2.0));
}

/* Of 64 trials one lies in each 64th of the bell's mass, also of one that bounds cut. */
static void qmc_fills_a_prior_evenly(void **state)
{
    aglm_space *s = new_space();
    char hit[64][2] = {0};

    (void)state;
    add_normal(s, "bell", -4, 4, 0, 1);
    add_normal(s, "half", 10, 14, 10, 2);
    struct run r = start(&aglm_sampler_qmc, s, 0);
    for (size_t i = 0; i < 64; i++) {
        double x[2];
        assert_int_equal(ask(&r, x), AGLM_OK);
        double a = (mass_below(x[0]) - mass_below(-4)) / (mass_below(4) - mass_below(-4));
        double b = (mass_below((x[1] - 10) / 2) - 0.5) / (mass_below(2) - 0.5);
        hit[(size_t)(64.0 * a)][0]++;
        hit[(size_t)(64.0 * b)][1]++;
    }
    for (size_t i = 0; i < 64; i++)
        assert_true(hit[i][0] == 1 && hit[i][1] == 1);
    stop(&r);
}

/* The first points of many studies have the bell's mean and deviation. */
static void cmaes_begins_with_a_prior(void **state)
{
    double sum = 0.0;
    double square = 0.0;

    (void)state;
    for (uint64_t seed = 0; seed < 400; seed++) {
        aglm_space *s = new_space();
        double x[2];
        add_normal(s, "bell", 0, 100, 20, 2);
        add_float(s, "even", 0, 1, NULL, 0);
        struct run r = start(&aglm_sampler_cmaes, s, seed);
        assert_int_equal(ask(&r, x), AGLM_OK);
        sum += x[0];
        square += (x[0] - 20.0) * (x[0] - 20.0);
        stop(&r);
    }
    assert_true(fabs(sum / 400.0 - 20.0) < 0.4);
    assert_true(fabs(sqrt(square / 400.0) - 2.0) < 0.3);
}

static void options_are_checked(void **state)
{
    aglm_sampler_options none = {.n_candidates = 0, .grid_levels = 0};
    aglm_sampler_options many = {.n_candidates = 1, .grid_levels = 100};
    aglm_space *s = new_space();
    aglm_history *h;
    aglm_error err;
    void *self;

    (void)state;
    add_float(s, "a", 0, 1, NULL, 0);
    add_float(s, "b", 0, 1, NULL, 0);
    add_float(s, "c", 0, 1, NULL, 0);
    add_float(s, "d", 0, 1, NULL, 0);
    assert_int_equal(aglm_history_new(&h, s, 1.0, NULL), AGLM_OK);
    assert_int_equal(aglm_sampler_tpe.open(&self, h, &none, 0, &err), AGLM_INVALID);
    assert_int_equal(aglm_sampler_grid.open(&self, h, &none, 0, &err), AGLM_INVALID);
    assert_int_equal(aglm_sampler_grid.open(&self, h, &many, 0, &err), AGLM_INVALID);
    assert_non_null(strstr(err.msg, "levels"));
    aglm_history_free(h);
    aglm_space_free(s);
}

static double bowl(const double *x, size_t n)
{
    double v = 0.0;

    for (size_t i = 0; i < n; i++)
        v += (x[i] - 1.0 - (double)i) * (x[i] - 1.0 - (double)i);
    return v;
}

/* The loss of the best of 300 trials with `workers` at once, which end in any order. The space has
 * two floats and two ints. */
static double best_of_bowl(uint64_t seed, size_t workers)
{
    aglm_space *s = new_space();
    size_t running[8];
    aglm_rng rng;

    add_float(s, "a", -5, 5, NULL, 0);
    add_float(s, "b", -5, 5, NULL, 0);
    add_int(s, "c", -10, 10, NULL, 0);
    add_int(s, "d", -10, 10, NULL, 0);
    struct run r = start(&aglm_sampler_cmaes, s, seed);
    aglm_rng_init(&rng, seed);
    for (size_t i = 0; i < 300; i++) {
        double x[4];
        assert_int_equal(ask(&r, x), AGLM_OK);
        size_t slot = i < workers ? i : aglm_rng_below(&rng, workers);
        if (i >= workers) {
            const aglm_trial *t = aglm_history_trial(r.history, running[slot]);
            double v = bowl(t->x, 4);
            aglm_history_finish(r.history, running[slot], AGLM_TRIAL_COMPLETE, &v, 1, 0.0);
            assert_int_equal(aglm_sampler_cmaes.tell(r.self, t, NULL), AGLM_OK);
        }
        running[slot] = i;
    }
    double best = aglm_history_best(r.history)->loss;
    stop(&r);
    return best;
}

/* One worker finds the bottom; eight come near. Chance gives about 3. */
static void cmaes_learns_with_many_workers(void **state)
{
    double alone = 0.0;
    double many = 0.0;

    (void)state;
    for (uint64_t seed = 0; seed < 5; seed++) {
        alone += best_of_bowl(seed, 1) / 5;
        many += best_of_bowl(seed, 8) / 5;
    }
    if (alone > 1e-3 || many > 0.1)
        fail_msg("one worker %g, eight %g", alone, many);
}

/* Of four choices one is better: it is taken more and more, the others still now and then. */
static void cmaes_learns_choices(void **state)
{
    aglm_space *s = new_space();
    size_t taken[4] = {0};

    (void)state;
    add_texts(s, "kind", 4, NULL, 0);
    add_float(s, "a", -5, 5, NULL, 0);
    struct run r = start(&aglm_sampler_cmaes, s, 2);
    for (size_t i = 0; i < 200; i++) {
        double x[2];
        assert_int_equal(ask(&r, x), AGLM_OK);
        double v = (x[0] == 2.0 ? 0.0 : 1.0) + x[1] * x[1] / 25.0;
        aglm_history_finish(r.history, i, AGLM_TRIAL_COMPLETE, &v, 1, 0.0);
        assert_int_equal(aglm_sampler_cmaes.tell(r.self, aglm_history_trial(r.history, i), NULL),
                         AGLM_OK);
        taken[(size_t)x[0]] += i >= 50;
    }
    assert_true(taken[2] > 75); /* 37 by chance */
    assert_true(taken[0] > 2 && taken[1] > 2 && taken[3] > 2);
    stop(&r);
}

/* In a bowl, TPE's later points lie nearer to the bottom than its random first ones. */
static void tpe_learns(void **state)
{
    double early = 0.0;
    double late = 0.0;

    (void)state;
    for (uint64_t seed = 0; seed < 5; seed++) {
        aglm_space *s = new_space();
        double x[4];
        for (int i = 0; i < 4; i++)
            add_float(s, (char[]){(char)('a' + i), 0}, -5, 5, NULL, 0);
        struct run r = start(&aglm_sampler_tpe, s, seed);
        for (size_t i = 0; i < 100; i++) {
            assert_int_equal(ask(&r, x), AGLM_OK);
            tell(&r, i, AGLM_TRIAL_COMPLETE);
            double v = value_of(s, x);
            early += i < 10 ? v / 10 : 0;
            late += i >= 80 ? v / 20 : 0;
        }
        stop(&r);
    }
    assert_true(late < 0.5 * early);
}

/* Infeasible trials are never among the good ones while there are feasible ones enough. */
static void tpe_keeps_away_from_what_is_infeasible(void **state)
{
    aglm_space *s = new_space();
    double x[1];
    int above = 0;

    (void)state;
    add_float(s, "a", 0, 1, NULL, 0);
    struct run r = start(&aglm_sampler_tpe, s, 3);
    for (size_t i = 0; i < 60; i++) {
        assert_int_equal(ask(&r, x), AGLM_OK);
        double v = -x[0]; /* the larger the better, but over 0.5 forbidden */
        if (x[0] > 0.5)
            aglm_history_set_violation(r.history, i, x[0] - 0.5);
        aglm_history_finish(r.history, i, AGLM_TRIAL_COMPLETE, &v, 1, 0.0);
        aglm_sampler_tpe.tell(r.self, aglm_history_trial(r.history, i), NULL);
        above += i >= 20 && x[0] > 0.6;
    }
    assert_true(above < 13); /* of 40; 16 by chance */
    assert_true(aglm_history_best(r.history)->x[0] <= 0.5);
    stop(&r);
}

/* A bowl with its bottom off the middle: what is found after 30 trials lies near it. */
static void gp_learns(void **state)
{
    (void)state;
    for (uint64_t seed = 0; seed < 3; seed++) {
        aglm_space *s = new_space();
        double x[3];
        add_float(s, "a", -5, 4, NULL, 0);
        add_int(s, "k", -9, 20, NULL, 0);
        add_texts(s, "kind", 3, NULL, 0);
        struct run r = start(&aglm_sampler_gp, s, seed);
        for (size_t i = 0; i < 40; i++) {
            assert_int_equal(ask(&r, x), AGLM_OK);
            double v = (x[0] - 1.5) * (x[0] - 1.5) + 0.1 * fabs(x[1] - 12) + (x[2] != 1.0);
            aglm_history_finish(r.history, i, AGLM_TRIAL_COMPLETE, &v, 1, 0.0);
        }
        assert_true(aglm_history_best(r.history)->loss < 0.01);
        stop(&r);
    }
}

/* After many complete trials auto asks CMA-ES in a space of numbers and TPE in one with choices:
 * the point is the one which that sampler gives for the same history. */
static void auto_hands_over(const aglm_sampler_ops *to, aglm_space *s)
{
    struct run r = start(&aglm_sampler_auto, s, 3);
    aglm_sampler_options o = AGLM_SAMPLER_DEFAULTS;
    aglm_rng rng;
    double x[4];
    double y[4];
    void *other;

    aglm_rng_init(&rng, 1);
    for (size_t i = 0; i < 400; i++) {
        aglm_space_sample(s, &rng, x);
        aglm_trial t = {.number = (int64_t)i, .x = x, .loss = NAN, .violation = NAN};
        assert_int_equal(aglm_history_add(r.history, &t, NULL), AGLM_OK);
        tell(&r, i, AGLM_TRIAL_COMPLETE);
    }
    o.grid_levels = 4;
    assert_int_equal(to->open(&other, r.history, &o, 3, NULL), AGLM_OK);
    assert_int_equal(r.ops->ask(r.self, 400, x, NULL), AGLM_OK);
    assert_int_equal(to->ask(other, 400, y, NULL), AGLM_OK);
    assert_true(aglm_space_same(s, x, y));
    to->close(other);
    stop(&r);
}

static void auto_hands_over_after_many_trials(void **state)
{
    aglm_space *numbers = new_space();
    aglm_space *mixed = new_space();

    (void)state;
    add_float(numbers, "a", 0, 1, NULL, 0);
    add_float(numbers, "b", 0, 1, NULL, 0);
    add_float(mixed, "a", 0, 1, NULL, 0);
    add_texts(mixed, "kind", 3, NULL, 0);
    auto_hands_over(&aglm_sampler_cmaes, numbers);
    auto_hands_over(&aglm_sampler_tpe, mixed);
}

/* n trials of x[0]^power in a cube of d numbers; is CMA-ES, which draws as it would alone, asked?
 */
static void auto_looks_at(size_t d, double power, size_t n, bool steep)
{
    static const char *const names[] = {"a", "b", "c"};
    aglm_space *s = new_space();
    aglm_sampler_options o = AGLM_SAMPLER_DEFAULTS;
    double x[3] = {0.0};
    double y[3];
    void *other;

    for (size_t j = 0; j < d; j++)
        add_float(s, names[j], 0, 100, NULL, 0);
    struct run r = start(&aglm_sampler_auto, s, 3);
    for (size_t i = 0; i < n; i++) {
        for (size_t j = 0; j < d; j++)
            x[j] = 2.0 + (double)(37 * (i + 1) * (j + 1) % 97);
        aglm_trial t = {.number = (int64_t)i, .x = x, .loss = NAN, .violation = NAN};
        double v = pow(x[0], power);
        assert_int_equal(aglm_history_add(r.history, &t, NULL), AGLM_OK);
        aglm_history_finish(r.history, i, AGLM_TRIAL_COMPLETE, &v, 1, 0.0);
    }
    assert_true(aglm_history_is_steep(r.history) == steep);
    assert_int_equal(aglm_sampler_cmaes.open(&other, r.history, &o, 3, NULL), AGLM_OK);
    assert_int_equal(r.ops->ask(r.self, (int64_t)n, x, NULL), AGLM_OK);
    assert_int_equal(aglm_sampler_cmaes.ask(other, (int64_t)n, y, NULL), AGLM_OK);
    assert_true(aglm_space_same(s, x, y) == steep);
    aglm_sampler_cmaes.close(other);
    stop(&r);
}

static void auto_goes_down_steep_objectives_by_ranks(void **state)
{
    (void)state;
    auto_looks_at(3, 2.0, 12, false);
    auto_looks_at(3, 12.0, 12, true);
    auto_looks_at(3, 12.0, 5, false); /* too few to tell */
    auto_looks_at(2, 12.0, 12, false);
    auto_looks_at(3, 0.0, 12, false); /* all equal */
}

/* Two bowls whose bottoms lie apart, the second one to be maximised upside down; what lies beyond
 * x = 0.5 is infeasible. Returns the volume below (4, 4) that the feasible trials dominate. */
static double volume_of_bowls(const aglm_sampler_ops *ops, uint64_t seed)
{
    aglm_space *s = new_space();
    double x[4];
    double losses[100][2];
    size_t feasible = 0;
    double volume;

    n_objectives = 2;
    for (int i = 0; i < 3; i++)
        add_float(s, (char[]){(char)('a' + i), 0}, -2, 2, NULL, 0);
    add_texts(s, "kind", 3, NULL, 0);
    struct run r = start(ops, s, seed);
    for (size_t i = 0; i < 100; i++) {
        assert_int_equal(ask(&r, x), AGLM_OK);
        double one = x[3] == 1.0 ? 0.0 : 0.5;
        double two = one;
        for (int j = 0; j < 3; j++) {
            one += (x[j] + 0.5) * (x[j] + 0.5);
            two += (x[j] - 0.5) * (x[j] - 0.5);
        }
        if (x[0] > 0.5)
            aglm_history_set_violation(r.history, i, x[0] - 0.5);
        else
            memcpy(losses[feasible++], (double[]){one, two}, sizeof losses[0]);
        aglm_history_finish(r.history, i, AGLM_TRIAL_COMPLETE, (double[]){one, -two}, 2, 0.0);
        if (ops->tell)
            assert_int_equal(ops->tell(r.self, aglm_history_trial(r.history, i), NULL), AGLM_OK);
    }
    aglm_hypervolume(losses[0], feasible, 2, (double[]){4, 4}, &volume);
    stop(&r);
    n_objectives = 1;
    return volume;
}

/* Of at most about 14.1 chance finds about 11.5. */
static void fronts_are_found_better_than_by_chance(void **state)
{
    static const aglm_sampler_ops *const ops[] = {&aglm_sampler_random, &aglm_sampler_nsga2,
                                                  &aglm_sampler_tpe};
    double mean[3] = {0};

    (void)state;
    for (int i = 0; i < 3; i++) {
        for (uint64_t seed = 0; seed < 10; seed++)
            mean[i] += volume_of_bowls(ops[i], seed) / 10;
    }
    if (mean[1] < mean[0] + 1.0 || mean[2] < mean[0] + 1.0)
        fail_msg("random %g, nsga2 %g, tpe %g", mean[0], mean[1], mean[2]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_sampler_keeps_the_contract),
        cmocka_unit_test(grid_goes_through_its_levels_in_order),
        cmocka_unit_test(qmc_fills_the_domain_evenly),
        cmocka_unit_test(qmc_fills_a_prior_evenly),
        cmocka_unit_test(cmaes_begins_with_a_prior),
        cmocka_unit_test(options_are_checked),
        cmocka_unit_test(cmaes_learns_with_many_workers),
        cmocka_unit_test(cmaes_learns_choices),
        cmocka_unit_test(tpe_learns),
        cmocka_unit_test(gp_learns),
        cmocka_unit_test(auto_hands_over_after_many_trials),
        cmocka_unit_test(auto_goes_down_steep_objectives_by_ranks),
        cmocka_unit_test(tpe_keeps_away_from_what_is_infeasible),
        cmocka_unit_test(fronts_are_found_better_than_by_chance),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
