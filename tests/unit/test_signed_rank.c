#include "num/signed_rank.h"

#include <math.h>

#include "base/rng.h"
#include "unit.h"

static double greater(const double *d, size_t n)
{
    double p;

    assert_int_equal(aglm_signed_rank_greater(d, n, &p, NULL), AGLM_OK);
    return p;
}

/* Values of scipy.stats.wilcoxon(d, alternative="greater", zero_method="zsplit"). */
static void agrees_with_scipy(void **state)
{
    static const double three[] = {1, 2, 3};
    static const double five[] = {1, -2, 3, 4, -5};
    static const double tied[] = {0, 1, 1, -1, 2};
    static const double zeros[] = {1.5, -.5, 2, 2, -2, 3, 0, 0, 4, -1};
    double rounded[20];
    double many[60];
    double exact[30];

    (void)state;
    for (int i = 0; i < 60; i++) {
        double wave = sin((i + 1) * 1.3);
        many[i] = wave + 0.2;
        if (i < 20)
            rounded[i] = nearbyint((wave + 0.3) * 10) / 10;
        if (i < 30)
            exact[i] = wave + 0.25;
    }
    assert_true(greater(three, 3) == 0.125);
    assert_true(greater(five, 5) == 0.5);
    assert_true(greater(tied, 5) == 0.25);
    assert_true(fabs(greater(zeros, 10) - 0.12890625) < 1e-15);
    assert_true(fabs(greater(rounded, 20) - 0.03081738751719552) < 1e-12);
    assert_true(fabs(greater(many, 60) - 0.008535861895645761) < 1e-12);
    assert_true(fabs(greater(exact, 30) - 0.023629524745047092) < 1e-12);
    assert_true(greater(three, 0) == 1.0);
}

static double twice_rank(const double *d, size_t n, size_t i)
{
    double rank = 1.0;

    for (size_t j = 0; j < n; j++)
        rank += (fabs(d[j]) < fabs(d[i])) + (fabs(d[j]) <= fabs(d[i]));
    return d[i] == 0.0 ? 0.0 : rank;
}

/* The share of sign patterns with at least the rank sum of d, one by one. */
static double count_patterns(const double *d, size_t n)
{
    double seen = 0.0;
    double count = 0.0;

    for (size_t i = 0; i < n; i++)
        seen += d[i] > 0.0 ? twice_rank(d, n, i) : 0.0;
    for (unsigned mask = 0; mask < 1u << n; mask++) {
        double sum = 0.0;
        for (size_t i = 0; i < n; i++)
            sum += mask >> i & 1 ? twice_rank(d, n, i) : 0.0;
        count += sum >= seen;
    }
    return count / (double)(1u << n);
}

/* Ties and zeros among them. */
static void small_samples_are_exact(void **state)
{
    (void)state;
    for (uint64_t seed = 0; seed < 200; seed++) {
        double d[9];
        aglm_rng rng;
        aglm_rng_init(&rng, seed);
        size_t n = 1 + aglm_rng_below(&rng, 9);
        for (size_t i = 0; i < n; i++)
            d[i] = (double)aglm_rng_below(&rng, 9) - 4.0;
        double want = count_patterns(d, n);
        if (fabs(greater(d, n) - want) > 1e-14)
            fail_msg("seed %llu: %g, counted %g", (unsigned long long)seed, greater(d, n), want);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(agrees_with_scipy),
        cmocka_unit_test(small_samples_are_exact),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
