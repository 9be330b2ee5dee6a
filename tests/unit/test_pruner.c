#include "search/pruner.h"

#include <math.h>

#include "unit.h"

static void *open_asha(int64_t min_step, int64_t max_step, unsigned eta, unsigned spared)
{
    const aglm_pruner_options o = {min_step, max_step, eta, spared};
    void *self;

    assert_int_equal(aglm_pruner_asha.open(&self, &o, NULL), AGLM_OK);
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
    const aglm_pruner_options first = {0, 0, 3, 0};
    const aglm_pruner_options huge = {INT64_MAX / 2, 0, 3, 0};

    (void)state;
    assert_int_equal(aglm_pruner_asha.open(&self, &eta, NULL), AGLM_INVALID);
    assert_int_equal(aglm_pruner_asha.open(&self, &first, NULL), AGLM_INVALID);
    assert_int_equal(aglm_pruner_asha.open(&self, &huge, NULL), AGLM_OK);
    assert_false(stops(self, 0, INT64_MAX, 1.0));
    aglm_pruner_asha.close(self);
}

static void names_are_found(void **state)
{
    bool prune = true;

    (void)state;
    assert_ptr_equal(aglm_pruner_find("asha"), &aglm_pruner_asha);
    assert_ptr_equal(aglm_pruner_find("none"), &aglm_pruner_none);
    assert_null(aglm_pruner_find("some"));
    assert_int_equal(aglm_pruner_none.report(NULL, 0, 1, 1.0, &prune, NULL), AGLM_OK);
    assert_false(prune);
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
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
