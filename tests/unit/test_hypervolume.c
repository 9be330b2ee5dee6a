#include "num/hypervolume.h"

#include <math.h>

#include "base/rng.h"
#include "num/pareto.h"
#include "unit.h"

#define MAX_N 12
#define MAX_M 6

/* Whole numbers, so that sums are exact. */
static void draw(aglm_rng *rng, double *v, size_t n, size_t m, size_t levels)
{
    for (size_t i = 0; i < n * m; i++)
        v[i] = (double)aglm_rng_below(rng, levels);
}

/* Inclusion and exclusion over all subsets: the boxes that points have in common. */
static double by_subsets(const double *v, size_t n, size_t m, const double *reference)
{
    double sum = 0.0;

    for (size_t set = 1; set < (size_t)1 << n; set++) {
        double volume = 1.0;
        size_t size = 0;
        for (size_t i = 0; i < n; i++)
            size += set >> i & 1;
        for (size_t c = 0; c < m; c++) {
            double corner = -INFINITY;
            for (size_t i = 0; i < n; i++)
                corner = set >> i & 1 ? fmax(corner, v[i * m + c]) : corner;
            volume *= fmax(reference[c] - corner, 0.0);
        }
        sum += size % 2 ? volume : -volume;
    }
    return sum;
}

static void volumes_are_those_of_inclusion_and_exclusion(void **state)
{
    double v[MAX_N * MAX_M];
    double reference[MAX_M];
    double got;
    aglm_rng rng;

    (void)state;
    aglm_rng_init(&rng, 2);
    for (int round = 0; round < 300; round++) {
        size_t m = 1 + aglm_rng_below(&rng, MAX_M);
        size_t n = aglm_rng_below(&rng, MAX_N + 1);
        draw(&rng, v, n, m, 3 + aglm_rng_below(&rng, 9));
        for (size_t i = 0; i < m; i++)
            reference[i] = 6; /* some points lie beyond it */
        assert_int_equal(aglm_hypervolume(v, n, m, reference, &got), AGLM_OK);
        double want = by_subsets(v, n, m, reference);
        if (fabs(got - want) > 1e-6)
            fail_msg("round %d, %zu points, %zu losses: %g, not %g", round, n, m, got, want);
    }
}

/* The share of random points below the reference that some point dominates. */
static double by_chance(const double *v, size_t n, size_t m, aglm_rng *rng)
{
    size_t hits = 0;
    double x[MAX_M];

    for (size_t draws = 0; draws < 20000; draws++) {
        bool below = false;
        for (size_t c = 0; c < m; c++)
            x[c] = aglm_rng_uniform(rng);
        for (size_t i = 0; i < n && !below; i++)
            below = aglm_pareto_dominates(v + i * m, x, m);
        hits += below;
    }
    return (double)hits / 20000.0;
}

/* Fronts too large for the subsets. */
static void larger_fronts_have_the_volume_that_chance_finds(void **state)
{
    static const double one[MAX_M] = {1, 1, 1, 1, 1, 1};
    double v[100 * MAX_M];
    double got;
    aglm_rng rng;

    (void)state;
    aglm_rng_init(&rng, 3);
    for (size_t m = 2; m <= 5; m++) {
        size_t n = m < 5 ? 100 : 40;
        for (size_t i = 0; i < n * m; i++)
            v[i] = 0.2 + 0.8 * aglm_rng_uniform(&rng);
        assert_int_equal(aglm_hypervolume(v, n, m, one, &got), AGLM_OK);
        double want = by_chance(v, n, m, &rng);
        if (fabs(got - want) > 0.015) /* four standard deviations */
            fail_msg("%zu losses: %g, by chance %g", m, got, want);
    }
}

static void infinite_losses_make_endless_volumes(void **state)
{
    static const double v[] = {-INFINITY, 0, 1, INFINITY};
    static const double reference[] = {2, 2};
    static const double many[AGLM_HYPERVOLUME_MAX + 1] = {0};
    double got;

    (void)state;
    assert_int_equal(aglm_hypervolume(v, 2, 2, reference, &got), AGLM_OK);
    assert_true(isinf(got));
    assert_int_equal(aglm_hypervolume(v + 2, 1, 2, reference, &got), AGLM_OK);
    assert_true(got == 0.0);
    assert_int_equal(aglm_hypervolume(many, 1, AGLM_HYPERVOLUME_MAX + 1, many, &got), AGLM_LIMIT);
}

/* One after the other, always the one whose union with those taken is the largest. */
static void by_greed(const double *v, size_t n, size_t m, const double *reference, size_t k,
                     uint32_t *chosen)
{
    double rows[MAX_N * MAX_M];
    uint32_t order[MAX_N];
    bool used[MAX_N] = {false};

    assert_int_equal(aglm_pareto_order(v, n, m, order), AGLM_OK);
    for (size_t taken = 0; taken < k; taken++) {
        double best = -1.0;
        size_t at = 0;
        for (size_t i = 0; i < n; i++) {
            memcpy(rows + taken * m, v + order[i] * m, m * sizeof *v);
            double volume = used[i] ? -1.0 : by_subsets(rows, taken + 1, m, reference);
            if (volume > best) {
                best = volume;
                at = i;
            }
        }
        used[at] = true;
        chosen[taken] = order[at];
        memcpy(rows + taken * m, v + order[at] * m, m * sizeof *v);
    }
}

static void subsets_are_those_of_greed(void **state)
{
    double v[MAX_N * MAX_M];
    double reference[MAX_M];
    uint32_t got[MAX_N];
    uint32_t want[MAX_N];
    aglm_rng rng;

    (void)state;
    aglm_rng_init(&rng, 4);
    for (int round = 0; round < 150; round++) {
        size_t m = 1 + aglm_rng_below(&rng, 5);
        size_t n = 2 + aglm_rng_below(&rng, MAX_N - 2);
        size_t k = 1 + aglm_rng_below(&rng, n - 1);
        draw(&rng, v, n, m, 4 + aglm_rng_below(&rng, 30));
        for (size_t i = 0; i < m; i++)
            reference[i] = 25;
        assert_int_equal(aglm_hypervolume_subset(v, n, m, reference, k, got), AGLM_OK);
        by_greed(v, n, m, reference, k, want);
        for (size_t i = 0; i < k; i++) {
            if (got[i] != want[i])
                fail_msg("round %d, %zu losses: choice %zu of %zu is %u, not %u", round, m, i, k,
                         got[i], want[i]);
        }
    }
}

static void without_a_finite_reference_rows_come_in_order(void **state)
{
    static const double v[] = {3, 1, 1, 3, 2, 2};
    static const double reference[] = {INFINITY, 4};
    uint32_t got[2];

    (void)state;
    assert_int_equal(aglm_hypervolume_subset(v, 3, 2, reference, 2, got), AGLM_OK);
    assert_true(got[0] == 1 && got[1] == 2);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(volumes_are_those_of_inclusion_and_exclusion),
        cmocka_unit_test(larger_fronts_have_the_volume_that_chance_finds),
        cmocka_unit_test(infinite_losses_make_endless_volumes),
        cmocka_unit_test(subsets_are_those_of_greed),
        cmocka_unit_test(without_a_finite_reference_rows_come_in_order),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
