#include <math.h>

#include "search/space_text.h"
#include "search/study.h"
#include "unit.h"

struct fixture {
    aglm_store *store;
    aglm_space *space;
    aglm_study *study;
    aglm_study_options o;
    aglm_arena arena;
    aglm_trial *trials;
    size_t n;
};

static void setup(struct fixture *f, const char *sampler)
{
    static const char SPACE[] = "a=uniform(-5,5) b=uniform(-5,5) c=uniform(-5,5)";
    aglm_error err = {0};

    memset(f, 0, sizeof *f);
    assert_int_equal(aglm_space_new(&f->space, NULL), AGLM_OK);
    assert_int_equal(aglm_space_parse(f->space, SPACE, strlen(SPACE), NULL), AGLM_OK);
    assert_int_equal(aglm_store_open(&f->store, "memory", NULL), AGLM_OK);
    aglm_study_options_init(&f->o);
    if (aglm_sampler_parse(sampler, &f->o.sampler, &f->o.sampler_options, &err) != AGLM_OK ||
        aglm_study_open(&f->study, f->store, "s", f->space, &f->o, &err) != AGLM_OK)
        fail_msg("%s", err.msg);
    aglm_arena_init(&f->arena, 1u << 24);
}

static void reopen(struct fixture *f)
{
    aglm_study_close(f->study);
    assert_int_equal(aglm_study_open(&f->study, f->store, "s", f->space, &f->o, NULL), AGLM_OK);
}

static void teardown(struct fixture *f)
{
    aglm_study_close(f->study);
    aglm_space_free(f->space);
    aglm_store_close(f->store);
    aglm_arena_clear(&f->arena);
}

static void run(struct fixture *f, size_t n)
{
    int64_t number;
    double x[3];

    for (size_t i = 0; i < n; i++) {
        assert_int_equal(aglm_study_ask(f->study, &number, x, NULL), AGLM_OK);
        double v = (x[0] - 1) * (x[0] - 1) + x[1] * x[1] + (x[2] + 2) * (x[2] + 2);
        assert_int_equal(aglm_study_tell(f->study, number, AGLM_TRIAL_COMPLETE, &v, 1, NULL),
                         AGLM_OK);
    }
}

static void read_trials(struct fixture *f)
{
    assert_int_equal(aglm_study_trials(f->study, &f->arena, &f->trials, &f->n, NULL), AGLM_OK);
}

static const char *proposer(const struct fixture *f, size_t trial)
{
    return aglm_trial_attr(&f->trials[trial], AGLM_ATTR_STRATEGY, false);
}

static size_t share(const struct fixture *f, const char *who)
{
    size_t n = 0;

    for (size_t i = 0; i < f->n; i++)
        n += proposer(f, i) && strcmp(proposer(f, i), who) == 0;
    return n;
}

static void who_gains_is_asked_more(void **state)
{
    struct fixture f;

    (void)state;
    setup(&f, "portfolio:random,cmaes");
    run(&f, 200);
    read_trials(&f);
    size_t random = share(&f, "\"random\"");
    size_t cmaes = share(&f, "\"cmaes\"");
    assert_int_equal(random + cmaes, 200);
    if (cmaes < 140 || random < 20) /* an eighth is the floor */
        fail_msg("random had %zu trials, CMA-ES %zu", random, cmaes);
    teardown(&f);
}

/* The header's formula, written down anew for the trials before `number`. */
static double credit(const struct fixture *f, size_t number, const char *who, size_t *uses)
{
    size_t from = number > 100 ? number - 100 : 0;
    double k = 0;
    double sum = 0;

    for (size_t i = from; i < number; i++) {
        if (strcmp(proposer(f, i), who) != 0)
            continue;
        double least = INFINITY;
        for (size_t j = 0; j < i; j++)
            least = fmin(least, f->trials[j].values[0]);
        k++;
        sum += i > 0 && f->trials[i].values[0] < least ? k : 0;
    }
    *uses = (size_t)k;
    return 2 * sum / (k * (k + 1)) + 0.01 * sqrt(2 * log2((double)(number - from)) / k);
}

static void the_choice_follows_the_formula(void **state)
{
    struct fixture f;
    static const char *const names[] = {"\"random\"", "\"tpe\"", "\"cmaes\""};

    (void)state;
    setup(&f, "portfolio:random,tpe,cmaes");
    run(&f, 180);
    read_trials(&f);
    for (size_t i = 0; i < 3; i++)
        assert_string_equal(proposer(&f, i), names[i]);
    for (size_t i = 3; i < f.n; i++) {
        size_t best = 0;
        size_t least = 0;
        double c[3];
        size_t uses[3];
        for (size_t m = 0; m < 3; m++) {
            c[m] = credit(&f, i, names[m], &uses[m]);
            best = c[m] > c[best] ? m : best;
            least = uses[m] < uses[least] ? m : least;
        }
        size_t in_all = i < 100 ? i : 100;
        size_t want = uses[least] * 12 <= in_all ? least : best;
        if (strcmp(proposer(&f, i), names[want]) != 0)
            fail_msg("trial %zu: %s asked, expected %s", i, proposer(&f, i), names[want]);
    }
    teardown(&f);
}

/* Enqueued points are nobody's, and a study that was closed goes on as if it had not been. */
static void it_goes_on_where_it_stopped(void **state)
{
    struct fixture f;
    struct fixture g;
    const double x[3] = {1, 1, 1};

    (void)state;
    setup(&f, "portfolio:random,tpe,gp");
    setup(&g, "portfolio:random,tpe,gp");
    assert_int_equal(aglm_study_enqueue(f.study, x, NULL, NULL), AGLM_OK);
    assert_int_equal(aglm_study_enqueue(g.study, x, NULL, NULL), AGLM_OK);
    run(&f, 40);
    run(&g, 13);
    reopen(&g);
    run(&g, 27);
    read_trials(&f);
    read_trials(&g);
    assert_null(proposer(&f, 0));
    for (size_t i = 1; i < 40; i++) {
        assert_string_equal(proposer(&f, i), proposer(&g, i));
        assert_true(aglm_space_same(f.space, f.trials[i].x, g.trials[i].x));
    }
    teardown(&f);
    teardown(&g);
}

/* ---- several objectives ---- */

static void open_several(struct fixture *f, const char *sampler)
{
    aglm_study *s;

    setup(f, sampler);
    f->o.directions[1] = AGLM_MAXIMIZE;
    f->o.n_directions = 2;
    assert_int_equal(aglm_study_open(&s, f->store, "several", f->space, &f->o, NULL), AGLM_OK);
    aglm_study_close(f->study);
    f->study = s;
}

/* Two bowls; where c is over 1 a constraint is broken. */
static void run_several(struct fixture *f, size_t n)
{
    int64_t number;
    double x[3];

    for (size_t i = 0; i < n; i++) {
        assert_int_equal(aglm_study_ask(f->study, &number, x, NULL), AGLM_OK);
        double rest = x[1] * x[1] + x[2] * x[2];
        double v[2] = {(x[0] - 1) * (x[0] - 1) + rest, -(x[0] + 1) * (x[0] + 1) - rest};
        assert_int_equal(aglm_study_set_violation(f->study, number, x[2] - 1, NULL), AGLM_OK);
        assert_int_equal(aglm_study_tell(f->study, number, AGLM_TRIAL_COMPLETE, v, 2, NULL),
                         AGLM_OK);
    }
}

static bool as_good(const aglm_trial *a, const aglm_trial *b)
{
    return a->values[0] <= b->values[0] && a->values[1] >= b->values[1];
}

/* By the header's words, trial against trial. */
static bool gains(const struct fixture *f, size_t i)
{
    const aglm_trial *t = &f->trials[i];
    bool any_feasible = false;
    double least = INFINITY;

    for (size_t j = 0; j < i; j++) {
        const aglm_trial *u = &f->trials[j];
        any_feasible |= u->violation <= 0;
        least = fmin(least, u->violation);
        if (u->violation <= 0 && as_good(u, t))
            return false;
    }
    return i > 0 && (t->violation <= 0 || (!any_feasible && t->violation < least));
}

static double several_credit(const struct fixture *f, size_t number, const char *who)
{
    size_t from = number > 100 ? number - 100 : 0;
    double k = 0;
    double sum = 0;

    for (size_t i = from; i < number; i++) {
        if (strcmp(proposer(f, i), who) == 0)
            sum += ++k * gains(f, i);
    }
    return 2 * sum / (k * (k + 1)) + 0.01 * sqrt(2 * log2((double)(number - from)) / k);
}

static void several_objectives_gain_by_their_front(void **state)
{
    struct fixture f;

    (void)state;
    open_several(&f, "portfolio:random,nsga2");
    run_several(&f, 150);
    read_trials(&f);
    for (size_t i = 2; i < f.n; i++) {
        size_t random = 0;
        size_t from = i > 100 ? i - 100 : 0;
        for (size_t j = from; j < i; j++)
            random += strcmp(proposer(&f, j), "\"random\"") == 0;
        size_t less = random < i - from - random ? random : i - from - random;
        if (less * 8 <= i - from)
            continue; /* an even share's floor */
        bool prefers = several_credit(&f, i, "\"nsga2\"") > several_credit(&f, i, "\"random\"");
        assert_string_equal(proposer(&f, i), prefers ? "\"nsga2\"" : "\"random\"");
    }
    size_t share_of_random = share(&f, "\"random\"");
    assert_true(share_of_random >= 15 && share_of_random < 75);
    teardown(&f);
}

static void members_know_several_objectives(void **state)
{
    struct fixture f;
    aglm_error err = {0};
    aglm_study *s;

    (void)state;
    open_several(&f, "portfolio");
    run_several(&f, 2);
    read_trials(&f);
    assert_string_equal(proposer(&f, 0), "\"tpe\"");
    assert_string_equal(proposer(&f, 1), "\"nsga2\"");
    assert_int_equal(
        aglm_sampler_parse("portfolio:tpe,gp", &f.o.sampler, &f.o.sampler_options, NULL), AGLM_OK);
    assert_int_equal(aglm_study_open(&s, f.store, "other", f.space, &f.o, &err), AGLM_UNSUPPORTED);
    assert_non_null(strstr(err.msg, "gp is for one objective, not 2"));
    teardown(&f);
}

static void lists_are_checked(void **state)
{
    static const struct {
        const char *text, *says;
        aglm_rc rc;
    } lists[] = {
        {"portfolio:tpe,tpe", "portfolio: tpe is there twice", AGLM_INVALID},
        {"portfolio:tpe,portfolio", "its own member", AGLM_INVALID},
        {"portfolio:tpe,magic", "portfolio: magic: expected one of random, ", AGLM_INVALID},
        {"portfolio:", "expected one of", AGLM_INVALID},
        {"portfolio:tpe,./mine.so", "not here", AGLM_UNSUPPORTED},
        {"portfolio:grid,random,qmc,halton,tpe,gp,cmaes,auto,cmd:a,b", "not here",
         AGLM_UNSUPPORTED},
    };
    struct fixture f;

    (void)state;
    setup(&f, "random");
    for (size_t i = 0; i < sizeof lists / sizeof *lists; i++) {
        aglm_error err = {0};
        aglm_study *s;
        assert_int_equal(
            aglm_sampler_parse(lists[i].text, &f.o.sampler, &f.o.sampler_options, &err), AGLM_OK);
        assert_int_equal(aglm_study_open(&s, f.store, "other", f.space, &f.o, &err), lists[i].rc);
        if (!strstr(err.msg, lists[i].says))
            fail_msg("%s: %s", lists[i].text, err.msg);
    }
    assert_int_equal(aglm_sampler_parse("./x.so", &f.o.sampler, &f.o.sampler_options, NULL),
                     AGLM_UNSUPPORTED);
    assert_int_equal(aglm_sampler_parse("magic", &f.o.sampler, &f.o.sampler_options, NULL),
                     AGLM_INVALID);
    teardown(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(who_gains_is_asked_more),
        cmocka_unit_test(the_choice_follows_the_formula),
        cmocka_unit_test(it_goes_on_where_it_stopped),
        cmocka_unit_test(several_objectives_gain_by_their_front),
        cmocka_unit_test(members_know_several_objectives),
        cmocka_unit_test(lists_are_checked),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
