#include "search/parzen.h"

#include <math.h>

#include "search/normal.h"
#include "unit.h"

static void exp_and_normal_agree_with_libm(void **state)
{
    (void)state;
    for (int i = 0; i < 4400; i++) {
        double x = -700.0 + 0.317 * i;
        assert_true(fabs(aglm_exp(x) / exp(x) - 1.0) < 1e-15);
    }
    assert_true(aglm_exp(-1e9) == 0.0 && isfinite(aglm_exp(1e9)));
    for (int i = 0; i < 2600; i++) {
        double x = -8.0 + 0.0173 * i;
        assert_true(fabs(aglm_normal_tail(x) / (0.5 * erfc(x / sqrt(2.0))) - 1.0) < 1e-12);
    }
}

static void masses_hold_in_tails_and_narrow_cells(void **state)
{
    aglm_rng rng;

    (void)state;
    aglm_rng_init(&rng, 3);
    for (int i = 0; i < 20000; i++) {
        double a = 12.0 * aglm_rng_uniform(&rng) - 6.0;
        double h = pow(10.0, 3.5 * aglm_rng_uniform(&rng) - 2.0);
        double left = a > 0 ? erfc(a / sqrt(2.0)) : erfc(-(a + h) / sqrt(2.0));
        double right = a > 0 ? erfc((a + h) / sqrt(2.0)) : erfc(-a / sqrt(2.0));
        double want = log(0.5 * left - 0.5 * right);
        assert_true(fabs(aglm_normal_log_mass(a, a + h) - want) < 1e-11);
        if (h <= 0.125)
            assert_true(fabs(aglm_normal_log_cell(a + h / 2, h) - want) < 1e-6);
    }
    /* far out, where the masses themselves are subnormal */
    assert_true(fabs(aglm_normal_log_mass(50.0, 60.0) + 1254.8313611) < 1e-6);
    assert_true(fabs(aglm_normal_log_mass(-60.0, -50.0) + 1254.8313611) < 1e-6);
}

static void quantile_inverts_the_mass(void **state)
{
    aglm_rng rng;

    (void)state;
    aglm_rng_init(&rng, 4);
    for (int i = 0; i < 20000; i++) {
        double a = -20.0 * aglm_rng_uniform(&rng) + 4.0;
        double b = a + 10.0 * aglm_rng_uniform(&rng) + 0.01;
        double u = aglm_rng_uniform(&rng);
        double x = aglm_normal_cut_quantile(u, a, b);
        assert_true(x >= a && x <= b);
        if (x > a + 0.01)
            assert_true(fabs(exp(aglm_normal_log_mass(a, x) - aglm_normal_log_mass(a, b)) - u) <
                        1e-7);
    }
}

static void make_dists(aglm_dist *d)
{
    static const aglm_choice choices[] = {{.kind = AGLM_CHOICE_INT, .number = 0},
                                          {.kind = AGLM_CHOICE_INT, .number = 1},
                                          {.kind = AGLM_CHOICE_INT, .number = 2}};

    aglm_dist_float(&d[0], -5, 5, 0, false, NULL);
    aglm_dist_float(&d[1], 1e-5, 1, 0, true, NULL);
    aglm_dist_int(&d[2], 0, 20, 1, false, NULL);
    aglm_dist_int(&d[3], 1, 100000, 1, true, NULL);
    aglm_dist_choice(&d[4], choices, 3, NULL);
}

static void draw(const aglm_dist *d, aglm_rng *rng, double *x)
{
    for (size_t i = 0; i < 5; i++)
        x[i] = aglm_dist_sample(&d[i], rng);
}

#define POOL 300

/* Random insertions and removals, with densities asked in between. in: what is left. */
static void churn(aglm_parzen *p, double x[POOL][5], size_t pool, aglm_rng *rng, bool in[POOL])
{
    for (int step = 0; step < 600; step++) {
        size_t i = aglm_rng_below(rng, pool);
        double ignored;
        if (in[i])
            aglm_parzen_remove(p, (int64_t)i);
        else
            assert_int_equal(aglm_parzen_insert(p, (int64_t)i, x[i], NULL), AGLM_OK);
        in[i] = !in[i];
        if (step % 7 == 0)
            aglm_parzen_score(p, x[0], 1, &ignored);
    }
}

static void churned_equals_fresh(const aglm_dist *d, uint64_t seed)
{
    aglm_parzen *churned;
    aglm_parzen *fresh;
    aglm_rng rng;
    double x[POOL][5];
    bool in[POOL] = {false};
    double a[POOL];
    double b[POOL];

    aglm_rng_init(&rng, seed);
    assert_int_equal(aglm_parzen_new(&churned, d, 5, NULL), AGLM_OK);
    assert_int_equal(aglm_parzen_new(&fresh, d, 5, NULL), AGLM_OK);
    for (size_t i = 0; i < POOL; i++)
        draw(d, &rng, x[i]);
    churn(churned, x, seed % 2 ? 60 : POOL, &rng, in);
    for (size_t i = 0; i < POOL; i++) {
        if (in[i])
            assert_int_equal(aglm_parzen_insert(fresh, (int64_t)i, x[i], NULL), AGLM_OK);
    }
    assert_int_equal(aglm_parzen_size(churned), aglm_parzen_size(fresh));
    aglm_parzen_score(churned, x[0], POOL, a);
    aglm_parzen_score(fresh, x[0], POOL, b);
    for (size_t i = 0; i < POOL; i++) {
        if (a[i] != b[i])
            fail_msg("seed %llu: the density depends on more than the set",
                     (unsigned long long)seed);
    }
    aglm_parzen_free(churned);
    aglm_parzen_free(fresh);
}

/* Insertions and removals in any order end in the density of the set that is left, to the last bit.
 */
static void only_the_set_counts(void **state)
{
    aglm_dist d[5];

    (void)state;
    make_dists(d);
    for (uint64_t seed = 0; seed < 8; seed++)
        churned_equals_fresh(d, seed);
}

static void masses_of_trials_add_up(int trials)
{
    aglm_dist all[5];
    aglm_dist d[2];
    aglm_parzen *p;
    aglm_rng rng;
    double total = 0.0;

    make_dists(all);
    d[0] = all[2];
    d[1] = all[4];
    aglm_rng_init(&rng, 5);
    assert_int_equal(aglm_parzen_new(&p, d, 2, NULL), AGLM_OK);
    for (int n = 0; n < trials; n++) {
        double x[2] = {aglm_dist_sample(&d[0], &rng), aglm_dist_sample(&d[1], &rng)};
        aglm_parzen_insert(p, n, x, NULL);
    }
    for (int i = 0; i <= 20; i++) {
        for (int c = 0; c < 3; c++) {
            double x[2] = {i, c};
            double density;
            aglm_parzen_score(p, x, 1, &density);
            total += exp(density);
        }
    }
    assert_true(fabs(total - 1.0) < 1e-9);
    aglm_parzen_free(p);
}

/* The masses of all cells of discrete parameters add up to 1: with few kernels, and with so many
 * that the far ones are left out. */
static void masses_add_up(void **state)
{
    (void)state;
    masses_of_trials_add_up(2);
    masses_of_trials_add_up(120);
    masses_of_trials_add_up(1000);
}

/* Draws follow the density: frequencies of an int's values against their masses. */
static void draws_follow_the_density(void **state)
{
    aglm_dist d;
    aglm_parzen *p;
    aglm_rng rng;
    static const double seen[] = {2, 2, 3, 9, 15};
    double count[21] = {0};

    (void)state;
    aglm_dist_int(&d, 0, 20, 1, false, NULL);
    aglm_rng_init(&rng, 6);
    assert_int_equal(aglm_parzen_new(&p, &d, 1, NULL), AGLM_OK);
    for (int i = 0; i < 5; i++)
        aglm_parzen_insert(p, i, &seen[i], NULL);
    for (int i = 0; i < 100000; i++) {
        double x;
        aglm_parzen_sample(p, &rng, &x);
        assert_true(aglm_dist_contains(&d, x));
        count[(int)x]++;
    }
    double chi2 = 0.0;
    for (int i = 0; i <= 20; i++) {
        double x = i;
        double density;
        aglm_parzen_score(p, &x, 1, &density);
        double want = 100000 * exp(density);
        chi2 += (count[i] - want) * (count[i] - want) / want;
    }
    assert_true(chi2 < 45.3); /* 0.1 % of 20 degrees of freedom */
    aglm_parzen_free(p);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(exp_and_normal_agree_with_libm),
        cmocka_unit_test(masses_hold_in_tails_and_narrow_cells),
        cmocka_unit_test(quantile_inverts_the_mass),
        cmocka_unit_test(only_the_set_counts),
        cmocka_unit_test(masses_add_up),
        cmocka_unit_test(draws_follow_the_density),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
