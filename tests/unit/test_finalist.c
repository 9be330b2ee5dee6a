#include "tune/finalist.h"

#include "base/memory.h"
#include "tune_data.h"
#include "unit.h"

enum { TRIALS = 20 };

struct trial {
    int64_t number;
    const aglm_learner_ops *learner;
    double value;
    uint64_t kind;
};

static bool offer(aglm_finalists *f, const struct trial *t)
{
    aglm_candidate c = {.learner = t->learner, .kind = t->kind};
    aglm_outcome o = {.value = t->value};

    o.n_docs = 4;
    o.logits = aglm_calloc(4, sizeof *o.logits);
    o.scored = aglm_calloc(4, 1);
    assert_non_null(o.logits);
    assert_non_null(o.scored);
    bool leads = aglm_finalists_offer(f, t->number, &c, &o);
    aglm_outcome_clear(&o);
    return leads;
}

/* Values with ties; `embeds` of the trials, the worst ones, are the other learner's. */
static void make_trials(struct trial *t, size_t embeds)
{
    for (size_t i = 0; i < TRIALS; i++)
        t[i] = (struct trial){.number = (int64_t)i,
                              .learner = i < embeds ? &aglm_learner_embed : &aglm_learner_linear,
                              .value = (double)(i - i % 2) / 2,
                              .kind = i};
}

static void best_first_and_no_more_than_cap(void **state)
{
    struct trial t[TRIALS];
    aglm_finalists f;

    (void)state;
    make_trials(t, 0);
    aglm_finalists_init(&f, 5, true);
    for (size_t i = 0; i < TRIALS; i++)
        offer(&f, &t[i]);
    assert_int_equal(f.n, 5);
    for (size_t i = 1; i < f.n; i++)
        assert_true(f.items[i - 1].outcome.value >= f.items[i].outcome.value);
    assert_int_equal(f.items[0].number, 18); /* 18 and 19 are equal: the earlier one */
    aglm_finalists_clear(&f);
    aglm_finalists_init(&f, 100, false);
    assert_int_equal(f.cap, AGLM_FINALISTS_MAX);
    for (size_t i = 0; i < TRIALS; i++)
        assert_int_equal(offer(&f, &t[i]), i == 0);
    assert_int_equal(f.n, AGLM_FINALISTS_MAX);
    assert_int_equal(f.items[0].number, 0);
    aglm_finalists_clear(&f);
}

static void half_the_places_for_another_learner(void **state)
{
    struct trial t[TRIALS];
    size_t linear = 0;
    aglm_finalists f;

    (void)state;
    make_trials(t, 6);
    aglm_finalists_init(&f, 6, true);
    for (size_t i = 0; i < TRIALS; i++)
        offer(&f, &t[i]);
    for (size_t i = 0; i < f.n; i++)
        linear += f.items[i].candidate.learner == &aglm_learner_linear;
    assert_int_equal(f.n, 6);
    assert_int_equal(linear, 3);
    aglm_finalists_clear(&f);
}

static void two_places_for_a_kind(void **state)
{
    struct trial t[TRIALS];
    aglm_finalists f;
    size_t alike = 0;

    (void)state;
    make_trials(t, 0);
    for (size_t i = TRIALS / 2; i < TRIALS; i++)
        t[i].kind = 99; /* the better half is of one kind */
    aglm_finalists_init(&f, 6, true);
    for (size_t i = 0; i < TRIALS; i++)
        offer(&f, &t[i]);
    for (size_t i = 0; i < f.n; i++)
        alike += f.items[i].candidate.kind == 99;
    assert_int_equal(f.n, 6);
    assert_int_equal(alike, 2);
    assert_int_equal(f.items[0].number, 18);
    aglm_finalists_clear(&f);
}

/* Two workers may end their trials in either order: the finalists are the same. */
static void the_order_of_offers_does_not_matter(void **state)
{
    struct trial t[TRIALS];
    uint32_t order[TRIALS];
    int64_t kept[6];
    aglm_finalists f;
    aglm_rng r;

    (void)state;
    make_trials(t, 8);
    for (size_t i = 0; i < TRIALS; i++)
        t[i].kind = 2 * (t[i].learner == &aglm_learner_embed) + i % 5 / 2 % 2;
    aglm_rng_init(&r, 3);
    for (uint32_t i = 0; i < TRIALS; i++)
        order[i] = i;
    for (int round = 0; round < 300; round++) {
        aglm_finalists_init(&f, 6, true);
        for (size_t i = 0; i < TRIALS; i++)
            offer(&f, &t[order[i]]);
        assert_int_equal(f.n, 6);
        for (size_t i = 0; i < f.n; i++) {
            if (round == 0)
                kept[i] = f.items[i].number;
            assert_int_equal(f.items[i].number, kept[i]);
        }
        aglm_finalists_clear(&f);
        aglm_rng_shuffle(&r, order, TRIALS);
    }
}

static void one_place(void **state)
{
    struct trial low = {1, &aglm_learner_linear, 0.5, 1}, high = {2, &aglm_learner_embed, 0.7, 2};
    aglm_finalists f;

    (void)state;
    aglm_finalists_init(&f, 1, true);
    assert_true(offer(&f, &low));
    assert_true(offer(&f, &high));
    assert_false(offer(&f, &low));
    assert_int_equal(f.n, 1);
    assert_int_equal(f.items[0].number, 2);
    aglm_finalists_clear(&f);
    assert_int_equal(f.n, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(best_first_and_no_more_than_cap),
        cmocka_unit_test(half_the_places_for_another_learner),
        cmocka_unit_test(two_places_for_a_kind),
        cmocka_unit_test(the_order_of_offers_does_not_matter),
        cmocka_unit_test(one_place),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
