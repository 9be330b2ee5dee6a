#include "search/front.h"

#include <math.h>

#include "base/rng.h"
#include "search/study.h"
#include "search/warm_start.h"
#include "unit.h"

#define MAX_N 40
#define MAX_M 3

struct crowd {
    aglm_trial trial[MAX_N];
    const aglm_trial *list[MAX_N];
    double values[MAX_N][MAX_M];
    size_t n;
};

/* Complete trials with few different values, a third of them with a violation told; now and then
 * one that is not complete. */
static void draw(struct crowd *c, aglm_rng *rng, size_t m, bool all_complete)
{
    c->n = 1 + aglm_rng_below(rng, MAX_N);
    for (size_t i = 0; i < c->n; i++) {
        bool complete = all_complete || aglm_rng_below(rng, 8) > 0;
        double violation = (double)aglm_rng_below(rng, 5) - 1.5;
        for (size_t j = 0; j < m; j++)
            c->values[i][j] = (double)aglm_rng_below(rng, 12);
        c->trial[i] = (aglm_trial){
            .number = (int64_t)i,
            .state = complete ? AGLM_TRIAL_COMPLETE : AGLM_TRIAL_FAIL,
            .values = c->values[i],
            .n_values = complete ? m : 0,
            .violation = aglm_rng_below(rng, 3) ? NAN : violation,
        };
        c->list[i] = &c->trial[i];
    }
}

static bool feasible(const aglm_trial *t)
{
    return t->state == AGLM_TRIAL_COMPLETE && !(t->violation > 0.0);
}

/* Deb et al. 2002, definition 1. */
static bool beats(const aglm_trial *a, const aglm_trial *b, const double *signs, size_t m)
{
    bool better = false;

    if (feasible(a) != feasible(b))
        return feasible(a);
    if (!feasible(a))
        return a->violation < b->violation;
    for (size_t j = 0; j < m && j < MAX_M; j++) {
        double gap = signs[j] * (a->values[j] - b->values[j]);
        if (gap > 0.0)
            return false;
        better = better || gap < 0.0;
    }
    return better;
}

static void the_front_is_what_nothing_beats(void **state)
{
    static const double signs[MAX_M] = {1, -1, 1};
    struct crowd c;
    bool on[MAX_N];
    aglm_rng rng;

    (void)state;
    aglm_rng_init(&rng, 1);
    for (int round = 0; round < 400; round++) {
        size_t m = 1 + aglm_rng_below(&rng, MAX_M);
        draw(&c, &rng, m, false);
        assert_int_equal(aglm_front_find(c.list, c.n, signs, m, on, NULL), AGLM_OK);
        for (size_t i = 0; i < c.n; i++) {
            bool want = feasible(&c.trial[i]);
            for (size_t j = 0; j < c.n; j++)
                want = want &&
                       !(feasible(&c.trial[j]) && beats(&c.trial[j], &c.trial[i], signs, m));
            assert_int_equal(on[i], want);
        }
    }
}

/* Nothing on a front beats another of it, and what lies behind is beaten by one just before. */
static void ranks_follow_constrained_domination(void **state)
{
    static const double signs[MAX_M] = {-1, 1, -1};
    struct crowd c;
    uint32_t rank[MAX_N];
    aglm_rng rng;

    (void)state;
    aglm_rng_init(&rng, 2);
    for (int round = 0; round < 400; round++) {
        size_t m = 1 + aglm_rng_below(&rng, MAX_M);
        draw(&c, &rng, m, true);
        assert_int_equal(aglm_front_ranks(c.list, c.n, signs, m, rank, NULL), AGLM_OK);
        for (size_t i = 0; i < c.n; i++) {
            bool follows = rank[i] == 0;
            for (size_t j = 0; j < c.n; j++) {
                bool beaten = beats(&c.trial[j], &c.trial[i], signs, m);
                assert_false(beaten && rank[j] >= rank[i]);
                follows = follows || (beaten && rank[j] + 1 == rank[i]);
            }
            assert_true(follows);
        }
    }
}

/* ---- studies of several objectives ---- */

static aglm_space *new_space(void)
{
    aglm_space *s;
    aglm_dist d;

    assert_int_equal(aglm_space_new(&s, NULL), AGLM_OK);
    aglm_dist_float(&d, 0, 1, 0, false, NULL);
    aglm_space_add(s, "x", &d, NULL, 0, NULL);
    aglm_space_add(s, "y", &d, NULL, 0, NULL);
    return s;
}

static aglm_study_options two_objectives(void)
{
    aglm_study_options o;

    aglm_study_options_init(&o);
    o.n_directions = 2;
    o.directions[1] = AGLM_MAXIMIZE;
    o.sampler = &aglm_sampler_random;
    return o;
}

static int64_t run_one(aglm_study *s, double first, double second, double violation)
{
    const double values[2] = {first, second};
    double x[2];
    int64_t number;

    assert_int_equal(aglm_study_ask(s, &number, x, NULL), AGLM_OK);
    if (!isnan(violation))
        assert_int_equal(aglm_study_set_violation(s, number, violation, NULL), AGLM_OK);
    assert_int_equal(aglm_study_tell(s, number, AGLM_TRIAL_COMPLETE, values, 2, NULL), AGLM_OK);
    return number;
}

static void check_front(aglm_study *s, const int64_t *want, size_t n_want)
{
    int64_t numbers[8] = {0};
    aglm_arena a;
    aglm_trial *front;
    size_t n;

    aglm_arena_init(&a, 1u << 20);
    assert_int_equal(aglm_study_front(s, &a, &front, &n, NULL), AGLM_OK);
    assert_int_equal(n, n_want);
    assert_int_equal(aglm_study_front_numbers(s, numbers, 8, &n, NULL), AGLM_OK);
    assert_int_equal(n, n_want);
    for (size_t i = 0; want && i < n_want; i++)
        assert_true(numbers[i] == want[i] && front[i].number == want[i]);
    aglm_arena_clear(&a);
}

static void a_study_has_a_front(void **state)
{
    aglm_store *store;
    aglm_study *s;
    aglm_space *space = new_space();
    aglm_study_options o = two_objectives();
    static const int64_t want[] = {0, 3, 5};
    aglm_arena a;
    aglm_trial best;
    aglm_error err;
    double x[2];
    int64_t number;
    const double one = 1.0;

    (void)state;
    assert_int_equal(aglm_store_open(&store, "memory", NULL), AGLM_OK);
    assert_int_equal(aglm_study_open(&s, store, "s", space, &o, NULL), AGLM_OK);
    assert_int_equal(aglm_study_objectives(s), 2);
    check_front(s, NULL, 0);
    run_one(s, 1, 5, NAN);
    run_one(s, 1, 4, NAN);  /* beaten by 0 */
    run_one(s, 0, 9, 0.1);  /* infeasible */
    run_one(s, 0, 3, -1.0); /* feasible, as told */
    run_one(s, 2, 5, NAN);
    run_one(s, 1, 5, NAN); /* the values of 0 */
    assert_int_equal(aglm_study_ask(s, &number, x, NULL), AGLM_OK);
    assert_int_equal(aglm_study_tell(s, number, AGLM_TRIAL_COMPLETE, &one, 1, &err), AGLM_INVALID);
    assert_non_null(strstr(err.msg, "told 1 values, expected 2"));
    check_front(s, want, 3);
    for (int64_t i = -1; i < 99; i++) /* 0 and 5 have the same values */
        assert_int_equal(aglm_study_extends_front(s, i), i == 3);
    aglm_arena_init(&a, 1u << 16);
    assert_int_equal(aglm_study_best_trial(s, &a, &best, &err), AGLM_INVALID);
    assert_non_null(strstr(err.msg, "2 objectives"));
    aglm_arena_clear(&a);
    aglm_study_close(s);
    assert_int_equal(aglm_study_open(&s, store, "s", space, &o, NULL), AGLM_OK);
    check_front(s, want, 3); /* as stored */
    aglm_study_close(s);
    o.directions[1] = AGLM_MINIMIZE;
    assert_int_equal(aglm_study_open(&s, store, "s", space, &o, &err), AGLM_INVALID);
    assert_non_null(strstr(err.msg, "stored to maximize objective 1"));
    aglm_store_close(store);
    aglm_space_free(space);
}

static void samplers_and_pruners_for_one_objective_are_refused(void **state)
{
    aglm_store *store;
    aglm_study *s;
    aglm_space *space = new_space();
    aglm_study_options o = two_objectives();
    aglm_error err;

    (void)state;
    assert_int_equal(aglm_store_open(&store, "memory", NULL), AGLM_OK);
    o.sampler = &aglm_sampler_gp;
    assert_int_equal(aglm_study_open(&s, store, "s", space, &o, &err), AGLM_UNSUPPORTED);
    assert_non_null(strstr(err.msg, "sampler gp is for one objective, not 2: take one of random"));
    assert_non_null(strstr(err.msg, "nsga2"));
    o.sampler = &aglm_sampler_nsga2;
    o.pruner = &aglm_pruner_asha;
    assert_int_equal(aglm_study_open(&s, store, "s", space, &o, &err), AGLM_UNSUPPORTED);
    assert_non_null(strstr(err.msg, "pruner asha"));
    o.n_directions = AGLM_STORE_MAX_OBJECTIVES + 1;
    assert_int_equal(aglm_study_open(&s, store, "s", space, &o, &err), AGLM_INVALID);
    o.n_directions = 0;
    assert_int_equal(aglm_study_open(&s, store, "s", space, &o, &err), AGLM_INVALID);
    aglm_store_close(store);
    aglm_space_free(space);
}

/* What another study found on its front is tried first, then what lay behind it. */
static void a_warm_start_takes_the_front(void **state)
{
    static const double second[] = {1, 5, 3, 2, 9};
    static const int64_t want[] = {1, 4, 2};
    aglm_store *store;
    aglm_study *old;
    aglm_study *s;
    aglm_space *space = new_space();
    aglm_study_options o = two_objectives();
    aglm_arena a;
    aglm_trial *from;
    aglm_trial *to;
    aglm_error err;
    size_t n;
    size_t taken;

    (void)state;
    assert_int_equal(aglm_store_open(&store, "memory", NULL), AGLM_OK);
    assert_int_equal(aglm_study_open(&old, store, "old", space, &o, NULL), AGLM_OK);
    for (size_t i = 0; i < 5; i++)
        run_one(old, i == 4 ? 7 : 2, second[i], NAN);
    assert_int_equal(aglm_study_open(&s, store, "new", space, &o, NULL), AGLM_OK);
    assert_int_equal(aglm_warm_start(s, store, "old", 3, &taken, NULL), AGLM_OK);
    assert_int_equal(taken, 3);
    aglm_arena_init(&a, 1u << 20);
    assert_int_equal(aglm_study_trials(old, &a, &from, &n, NULL), AGLM_OK);
    assert_int_equal(aglm_study_trials(s, &a, &to, &n, NULL), AGLM_OK);
    for (size_t i = 0; i < 3; i++)
        assert_true(aglm_space_same(space, to[i].x, from[want[i]].x));
    aglm_study_close(s);
    o.n_directions = 1;
    assert_int_equal(aglm_study_open(&s, store, "one", space, &o, NULL), AGLM_OK);
    assert_int_equal(aglm_warm_start(s, store, "old", 3, &taken, &err), AGLM_INVALID);
    assert_non_null(strstr(err.msg, "has 2 objectives, this one 1"));
    aglm_study_close(s);
    aglm_study_close(old);
    aglm_arena_clear(&a);
    aglm_store_close(store);
    aglm_space_free(space);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_front_is_what_nothing_beats),
        cmocka_unit_test(ranks_follow_constrained_domination),
        cmocka_unit_test(a_study_has_a_front),
        cmocka_unit_test(samplers_and_pruners_for_one_objective_are_refused),
        cmocka_unit_test(a_warm_start_takes_the_front),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
