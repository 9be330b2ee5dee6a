#include <math.h>

#include "search/space_text.h"
#include "search/study.h"
#include "unit.h"

/* Spaces that grew while their study lay in the store. */

static aglm_space *space_of(const char *text)
{
    aglm_space *s;
    aglm_error err = {0};

    assert_int_equal(aglm_space_new(&s, NULL), AGLM_OK);
    if (aglm_space_parse(s, text, strlen(text), &err) != AGLM_OK)
        fail_msg("%s", err.msg);
    return s;
}

static void growth_is_told_from_change(void **state)
{
    static const struct {
        const char *stored, *asked;
        bool grown;
        const char *says;
    } cases[] = {
        {"k=choice(a,b)", "k=choice(a,b)", true, NULL},
        {"k=choice(a,b)", "k=choice(a,b,c,d)", true, NULL},
        {"k=choice(a,b) x=int(1,2)", "k=choice(a,b,c(y=int(1,3))) x=int(1,2)", true, NULL},
        {"k=choice(a,b(x=int(1,2)))", "k=choice(a,b(x=int(1,2)),c(x=int(1,2)))", true, NULL},
        {"k=choice(a,b)", "k=choice(a,b,c(m=choice(p,q(z=int(1,2)))))", true, NULL},
        {"k=choice(a,b)", "k=choice(b,a,c)", false, "k: stored as"},
        {"k=choice(a,b,c)", "k=choice(a,b)", false, "k: stored as"},
        {"k=choice(a,b)", "k=choice(a(y=int(1,3)),b)", false, "y: only in the space asked for"},
        {"k=choice(a,b(x=int(1,2)))", "k=choice(a(x=int(1,2)),b(x=int(1,2)),c)", false,
         "another condition"},
        {"k=choice(a,b)", "k=choice(a,b,c) y=int(1,2)", false, "y: only in the space asked for"},
        {"k=choice(a,b) y=int(1,2)", "k=choice(a,b,c)", false, "y: only in the space stored"},
        {"x=int(1,2) k=choice(a,b)", "k=choice(a,b,c) x=int(1,2)", false, "another place"},
        {"k=choice(a,b) x=int(1,2)", "k=choice(a,b,c) x=int(1,3)", false, "x: stored as"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        aglm_space *stored = space_of(cases[i].stored);
        aglm_space *asked = space_of(cases[i].asked);
        aglm_error why = {0};
        if (aglm_space_grown(stored, asked, &why) != cases[i].grown ||
            (cases[i].says && !strstr(why.msg, cases[i].says)))
            fail_msg("%s -> %s: %s", cases[i].stored, cases[i].asked, why.msg);
        aglm_space_free(stored);
        aglm_space_free(asked);
    }
}

static aglm_rc open_study(aglm_study **out, aglm_store *store, const aglm_space *space,
                          aglm_error *err)
{
    aglm_study_options o;

    aglm_study_options_init(&o);
    return aglm_study_open(out, store, "s", space, &o, err);
}

static void run(aglm_study *s, size_t n, size_t *last_choices)
{
    double x[3];
    int64_t number;

    for (size_t i = 0; i < n; i++) {
        assert_int_equal(aglm_study_ask(s, &number, x, NULL), AGLM_OK);
        double v = x[1] - x[0];
        assert_int_equal(aglm_study_tell(s, number, AGLM_TRIAL_COMPLETE, &v, 1, NULL), AGLM_OK);
        *last_choices += x[0] == 2.0;
    }
}

/* The old trials count, the new choice is tried; a worker that knows less goes on, too, and does
 * not see what it has no name for; but a new one must know all. */
static void a_study_goes_on_with_more_choices(void **state)
{
    static const char URL[] = "memory";
    aglm_space *small = space_of("k=choice(a,b) x=uniform(0,1)");
    aglm_space *large = space_of("k=choice(a,b,c(w=int(1,3))) x=uniform(0,1)");
    aglm_store *store;
    aglm_study *old;
    aglm_study *s;
    aglm_error err = {0};
    size_t hits = 0;

    (void)state;
    assert_int_equal(aglm_store_open(&store, URL, NULL), AGLM_OK);
    assert_int_equal(open_study(&old, store, small, NULL), AGLM_OK);
    run(old, 20, &hits);
    assert_int_equal(hits, 0);
    if (open_study(&s, store, large, &err) != AGLM_OK)
        fail_msg("%s", err.msg);
    assert_int_equal(aglm_study_size(s), 20);
    double x[3];
    int64_t number;
    for (size_t i = 0; i < 30; i++) {
        assert_int_equal(aglm_study_ask(s, &number, x, NULL), AGLM_OK);
        double v = x[2] - x[0];
        assert_int_equal(aglm_study_tell(s, number, AGLM_TRIAL_COMPLETE, &v, 1, NULL), AGLM_OK);
        hits += x[0] == 2.0;
    }
    assert_true(hits > 5);
    run(old, 5, &hits);
    assert_int_equal(aglm_study_size(old), 55);
    aglm_study_close(old);
    assert_int_equal(open_study(&old, store, small, &err), AGLM_INVALID);
    assert_non_null(strstr(err.msg, "k: stored as"));
    aglm_study_close(s);
    assert_int_equal(open_study(&s, store, large, NULL), AGLM_OK);
    assert_int_equal(aglm_study_size(s), 55);
    aglm_study_close(s);
    aglm_store_close(store);
    aglm_space_free(small);
    aglm_space_free(large);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(growth_is_told_from_change),
        cmocka_unit_test(a_study_goes_on_with_more_choices),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
