#include "search/warm_start.h"

#include <math.h>

#include "search/space_text.h"
#include "unit.h"

struct side {
    aglm_space *space;
    aglm_study *study;
};

static struct side open_side(aglm_store *store, const char *name, const char *space,
                             aglm_direction direction)
{
    struct side s;
    aglm_study_options o;

    assert_int_equal(aglm_space_new(&s.space, NULL), AGLM_OK);
    assert_int_equal(aglm_space_parse(s.space, space, strlen(space), NULL), AGLM_OK);
    aglm_study_options_init(&o);
    o.sampler = &aglm_sampler_random;
    o.directions[0] = direction;
    assert_int_equal(aglm_study_open(&s.study, store, name, s.space, &o, NULL), AGLM_OK);
    return s;
}

static void close_side(struct side *s)
{
    aglm_study_close(s->study);
    aglm_space_free(s->space);
}

static void tell(struct side *s, const double *x, double value)
{
    double asked[8];
    int64_t number;

    assert_int_equal(aglm_study_enqueue(s->study, x, NULL, NULL), AGLM_OK);
    assert_int_equal(aglm_study_ask(s->study, &number, asked, NULL), AGLM_OK);
    assert_int_equal(aglm_study_tell(s->study, number,
                                     isnan(value) ? AGLM_TRIAL_FAIL : AGLM_TRIAL_COMPLETE, &value,
                                     isnan(value) ? 0 : 1, NULL),
                     AGLM_OK);
}

#define SPACE "lr=uniform(0,10) k=choice(a,b,c) n=int(1,100)"

/* Values 3, 1, 2, a failure and 0.5. */
static struct side old_study(aglm_store *store)
{
    struct side s = open_side(store, "old", SPACE, AGLM_MINIMIZE);

    tell(&s, (const double[]){1, 0, 50}, 3);
    tell(&s, (const double[]){2, 1, 60}, 1);
    tell(&s, (const double[]){3, 2, 70}, 2);
    tell(&s, (const double[]){4, 0, 80}, NAN);
    tell(&s, (const double[]){9, 2, 90}, 0.5);
    return s;
}

static void the_best_points_come_first_and_are_marked(void **state)
{
    aglm_store *store;
    aglm_arena a;
    aglm_trial *all;
    size_t n;
    size_t taken;
    static const double want[3][3] = {{9, 2, 90}, {2, 1, 60}, {3, 2, 70}};
    static const char *const notes[] = {"{\"study\": \"old\", \"trial\": 4}",
                                        "{\"study\": \"old\", \"trial\": 1}",
                                        "{\"study\": \"old\", \"trial\": 2}"};

    (void)state;
    assert_int_equal(aglm_store_open(&store, "memory", NULL), AGLM_OK);
    struct side old = old_study(store);
    struct side s = open_side(store, "new", SPACE, AGLM_MINIMIZE);
    assert_int_equal(aglm_warm_start(s.study, store, "old", 3, &taken, NULL), AGLM_OK);
    assert_int_equal(taken, 3);
    assert_int_equal(aglm_warm_start(s.study, store, "old", 3, &taken, NULL), AGLM_OK);
    assert_int_equal(taken, 1); /* what is there already does not count */
    aglm_arena_init(&a, 1u << 20);
    assert_int_equal(aglm_study_trials(s.study, &a, &all, &n, NULL), AGLM_OK);
    assert_int_equal(n, 4);
    for (size_t i = 0; i < 3; i++) {
        assert_int_equal(all[i].state, AGLM_TRIAL_WAITING);
        assert_true(aglm_space_same(s.space, all[i].x, want[i]));
        assert_string_equal(aglm_trial_attr(&all[i], AGLM_ATTR_WARM_START, false), notes[i]);
    }
    aglm_arena_clear(&a);
    close_side(&s);
    close_side(&old);
    aglm_store_close(store);
}

/* Bounds are tighter, a choice is gone, one parameter is new and sits in a branch. */
static void points_are_fitted_to_another_space(void **state)
{
    aglm_store *from;
    aglm_store *to;
    aglm_arena a;
    aglm_trial *all;
    size_t n;

    (void)state;
    assert_int_equal(aglm_store_open(&from, "memory", NULL), AGLM_OK);
    assert_int_equal(aglm_store_open(&to, "memory", NULL), AGLM_OK);
    struct side old = old_study(from);
    struct side s = open_side(
        to, "new", "k=choice(b(depth=int(1,9)),a) lr=uniform(0,5) n=int(0,64,16)", AGLM_MINIMIZE);
    assert_int_equal(aglm_warm_start(s.study, from, "old", 5, NULL, NULL), AGLM_OK);
    aglm_arena_init(&a, 1u << 20);
    assert_int_equal(aglm_study_trials(s.study, &a, &all, &n, NULL), AGLM_OK);
    assert_int_equal(n, 4);
    for (size_t i = 0; i < n; i++)
        assert_int_equal(aglm_space_check(s.space, all[i].x, NULL), AGLM_OK);
    assert_float_equal(all[0].x[2], 5.0, 0.0);  /* 9 */
    assert_float_equal(all[0].x[3], 64.0, 0.0); /* 90 */
    assert_float_equal(all[1].x[0], 0.0, 0.0);  /* b */
    assert_float_equal(all[3].x[0], 1.0, 0.0);  /* a */
    assert_float_equal(all[3].x[3], 48.0, 0.0); /* 50 */
    assert_true(isnan(all[3].x[1]));
    aglm_arena_clear(&a);
    close_side(&s);
    close_side(&old);
    aglm_store_close(from);
    aglm_store_close(to);
}

static void what_does_not_fit_is_an_error(void **state)
{
    aglm_store *store;
    aglm_error err = {0};

    (void)state;
    assert_int_equal(aglm_store_open(&store, "memory", NULL), AGLM_OK);
    struct side old = old_study(store);
    struct side s = open_side(store, "new", SPACE, AGLM_MAXIMIZE);
    struct side t = open_side(store, "strange", "q=uniform(0,1)", AGLM_MINIMIZE);
    assert_int_equal(aglm_warm_start(s.study, store, "old", 3, NULL, &err), AGLM_INVALID);
    assert_non_null(strstr(err.msg, "the other direction"));
    assert_int_equal(aglm_warm_start(t.study, store, "old", 3, NULL, &err), AGLM_INVALID);
    assert_non_null(strstr(err.msg, "no parameter of this space"));
    assert_int_equal(aglm_warm_start(old.study, store, "strange", 3, NULL, &err), AGLM_INVALID);
    assert_non_null(strstr(err.msg, "no complete trial"));
    assert_int_equal(aglm_warm_start(s.study, store, "absent", 3, NULL, &err), AGLM_NOTFOUND);
    close_side(&t);
    close_side(&s);
    close_side(&old);
    aglm_store_close(store);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_best_points_come_first_and_are_marked),
        cmocka_unit_test(points_are_fitted_to_another_space),
        cmocka_unit_test(what_does_not_fit_is_an_error),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
