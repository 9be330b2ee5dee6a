#include "num/pareto.h"

#include <math.h>

#include "base/rng.h"
#include "unit.h"

#define MAX_N 60
#define MAX_M 5

/* Few different values, so that many are equal; now and then an infinite one. */
static size_t draw(aglm_rng *rng, double *v, size_t m)
{
    size_t n = 1 + aglm_rng_below(rng, MAX_N);
    size_t levels = 2 + aglm_rng_below(rng, 40);

    for (size_t i = 0; i < n * m; i++) {
        v[i] = (double)aglm_rng_below(rng, levels);
        if (aglm_rng_below(rng, 50) == 0)
            v[i] = aglm_rng_below(rng, 2) ? INFINITY : -INFINITY;
    }
    return n;
}

static bool dominates(const double *a, const double *b, size_t m)
{
    size_t less = 0;
    size_t more = 0;

    for (size_t i = 0; i < m; i++) {
        less += a[i] < b[i];
        more += a[i] > b[i];
    }
    return less > 0 && more == 0;
}

/* Front after front is peeled off by comparing everything with everything. */
static void peel(const double *v, size_t n, size_t m, uint32_t *rank)
{
    size_t left = n;

    for (size_t i = 0; i < n; i++)
        rank[i] = UINT32_MAX;
    for (uint32_t front = 0; left > 0; front++) {
        for (size_t i = 0; i < n; i++) {
            bool behind = false;
            for (size_t j = 0; j < n; j++)
                behind = behind || (rank[j] >= front && dominates(v + j * m, v + i * m, m));
            if (rank[i] < front || behind)
                continue;
            rank[i] = front;
            left--;
        }
    }
}

static void ranks_are_those_of_peeling(void **state)
{
    double v[MAX_N * MAX_M] = {0};
    uint32_t want[MAX_N];
    uint32_t got[MAX_N];
    aglm_rng rng;

    (void)state;
    aglm_rng_init(&rng, 1);
    for (int round = 0; round < 600; round++) {
        size_t m = 1 + aglm_rng_below(&rng, MAX_M);
        size_t n = draw(&rng, v, m);
        size_t most = 1 + aglm_rng_below(&rng, 4);
        peel(v, n, m, want);
        assert_int_equal(aglm_pareto_ranks(v, n, m, SIZE_MAX, got), AGLM_OK);
        assert_memory_equal(got, want, n * sizeof *got);
        assert_int_equal(aglm_pareto_ranks(v, n, m, most, got), AGLM_OK);
        for (size_t i = 0; i < n; i++)
            assert_int_equal(got[i], want[i] < most ? want[i] : most);
    }
}

static void dominance_needs_one_better_loss_and_no_worse(void **state)
{
    static const double a[] = {1, 2, 3};
    static const double b[] = {1, 2, 4};
    static const double c[] = {0, 9, 3};

    (void)state;
    assert_true(aglm_pareto_dominates(a, b, 3));
    assert_false(aglm_pareto_dominates(b, a, 3));
    assert_false(aglm_pareto_dominates(a, a, 3));
    assert_false(aglm_pareto_dominates(a, c, 3) || aglm_pareto_dominates(c, a, 3));
}

static void rows_are_ordered_by_loss_after_loss(void **state)
{
    static const double v[] = {2, 1, 1, 5, 2, 0, 1, 5};
    static const uint32_t want[] = {1, 3, 2, 0};
    uint32_t order[4];

    (void)state;
    assert_int_equal(aglm_pareto_order(v, 4, 2, order), AGLM_OK);
    assert_memory_equal(order, want, sizeof want);
}

static void crowding_adds_the_gaps_to_both_neighbours(void **state)
{
    /* a front: (0, 10), (1, 6), (4, 5), (8, 0), and a loss that is the same everywhere */
    static const double v[] = {4, 5, 7, 0, 10, 7, 8, 0, 7, 1, 6, 7};
    static const double ends[] = {-INFINITY, 1, 3, INFINITY};
    double d[4];

    (void)state;
    assert_int_equal(aglm_pareto_crowding(v, 4, 3, d), AGLM_OK);
    assert_true(isinf(d[1]) && isinf(d[2]));
    assert_true(fabs(d[0] - (7.0 / 8.0 + 6.0 / 10.0)) < 1e-12);
    assert_true(fabs(d[3] - (4.0 / 8.0 + 5.0 / 10.0)) < 1e-12);
    assert_int_equal(aglm_pareto_crowding(ends, 4, 1, d), AGLM_OK);
    for (size_t i = 0; i < 4; i++)
        assert_true(isinf(d[i]));
    assert_int_equal(aglm_pareto_crowding(ends, 1, 1, d), AGLM_OK);
    assert_true(d[0] == 0.0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(dominance_needs_one_better_loss_and_no_worse),
        cmocka_unit_test(rows_are_ordered_by_loss_after_loss),
        cmocka_unit_test(ranks_are_those_of_peeling),
        cmocka_unit_test(crowding_adds_the_gaps_to_both_neighbours),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
