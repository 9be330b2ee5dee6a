#include "search/cmaes.h"

#include <math.h>
#include <stdlib.h>

#include "unit.h"

#define MAX_N 100
#define MAX_POPULATION 32

struct run {
    aglm_cmaes *m;
    size_t n, population;
    aglm_rng rng;
    double v[MAX_POPULATION][MAX_N];
    double loss[MAX_POPULATION];
    const double *ranked[MAX_POPULATION];
};

static struct run *start(size_t n, size_t population, double mean, double sigma)
{
    struct run *r = calloc(1, sizeof *r);
    double at[MAX_N];

    for (size_t i = 0; i < n; i++)
        at[i] = mean;
    r->n = n;
    r->population = population;
    aglm_rng_init(&r->rng, n + population);
    const aglm_cmaes_start s = {n, population, sigma, at, NULL};
    assert_int_equal(aglm_cmaes_new(&r->m, &s, NULL), AGLM_OK);
    return r;
}

static void stop(struct run *r)
{
    aglm_cmaes_free(r->m);
    free(r);
}

static double sphere(const double *v, size_t n)
{
    double f = 0.0;

    for (size_t i = 0; i < n; i++)
        f += v[i] * v[i];
    return f;
}

/* Axes in pairs, turned by 45 degrees, one 1000 times as steep as the other. */
static double turned(const double *v, size_t n)
{
    double f = 0.0;

    for (size_t i = 0; i + 1 < n; i += 2)
        f += pow(v[i] + v[i + 1], 2) + 1e6 * pow(v[i] - v[i + 1], 2);
    return f;
}

static double generation(struct run *r, double (*f)(const double *, size_t))
{
    for (size_t i = 0; i < r->population; i++) {
        aglm_cmaes_draw(r->m, &r->rng, 1.0, r->v[i]);
        r->loss[i] = f(r->v[i], r->n);
    }
    for (size_t i = 0; i < r->population; i++) {
        size_t rank = 0;
        for (size_t j = 0; j < r->population; j++)
            rank += r->loss[j] < r->loss[i] || (r->loss[j] == r->loss[i] && j < i);
        r->ranked[rank] = r->v[i];
    }
    double best = f(r->ranked[0], r->n);
    aglm_cmaes_learn(r->m, r->ranked);
    return best;
}

static double last_of(struct run *r, double (*f)(const double *, size_t), size_t evaluations)
{
    double last = INFINITY;

    for (size_t i = 0; i < evaluations / r->population; i++)
        last = generation(r, f);
    return last;
}

/* Hansen's figures: some 100 n evaluations for 1e-9 on the sphere. */
static void the_sphere_is_found(void **state)
{
    static const size_t dims[] = {1, 2, 5, 10, 30};

    (void)state;
    for (size_t i = 0; i < sizeof dims / sizeof *dims; i++) {
        struct run *r = start(dims[i], aglm_cmaes_population(dims[i]), 3.0, 1.0);
        double last = last_of(r, sphere, 160 * dims[i] + 300);
        if (!(last < 1e-9))
            fail_msg("%zu axes: %g", dims[i], last);
        stop(r);
    }
}

/* Only where covariances are learned does a turned valley cost no more than a few thousand. */
static void covariances_are_learned(void **state)
{
    struct run *r = start(6, 9, 1.0, 0.5);

    (void)state;
    assert_true(last_of(r, turned, 6000) < 1e-9);
    assert_false(aglm_cmaes_is_spent(r->m) && aglm_cmaes_spread(r->m, 0) > 1e-3);
    last_of(r, turned, 20000);
    assert_true(aglm_cmaes_is_spent(r->m));
    stop(r);
}

static void many_axes_learn_variances(void **state)
{
    struct run *r = start(MAX_N, 16, 1.0, 0.5);
    double first = last_of(r, sphere, 160);

    (void)state;
    assert_true(last_of(r, sphere, 20000) < 1e-6 * first);
    stop(r);
}

static void draws_have_the_spread_that_is_told(void **state)
{
    struct run *r = start(4, 8, 0.0, 1.0);
    double sum = 0.0;
    double square = 0.0;
    double v[4];

    (void)state;
    last_of(r, turned, 400);
    for (int i = 0; i < 20000; i++) {
        aglm_cmaes_draw(r->m, &r->rng, 2.0, v);
        sum += v[1] - aglm_cmaes_mean(r->m, 1);
        square += pow(v[1] - aglm_cmaes_mean(r->m, 1), 2);
    }
    double spread = 2.0 * aglm_cmaes_spread(r->m, 1);
    assert_true(fabs(sum / 20000) < 0.03 * spread);
    assert_true(fabs(sqrt(square / 20000) / spread - 1.0) < 0.03);
    for (int i = 0; i < 100; i++) {
        double x = aglm_cmaes_draw_within(r->m, &r->rng, 1, 5.0, 6.0);
        assert_true(x >= 5.0 && x <= 6.0);
    }
    stop(r);
}

/* Shares of 40000 draws below and above a cell. */
static void measure(struct run *r, double low, double high, double *below, double *above)
{
    *below = *above = 0.0;
    for (int i = 0; i < 40000; i++) {
        double v[MAX_N];
        aglm_cmaes_draw(r->m, &r->rng, 1.0, v);
        *below += v[0] < low ? 1.0 / 40000 : 0.0;
        *above += v[0] > high ? 1.0 / 40000 : 0.0;
    }
}

/* n = 2, lambda = 5: the margin is 0.1 in all, half of it on either side of an inner cell. */
static void a_margin_is_kept(void **state)
{
    struct run *r = start(2, 5, 0.5, 0.001);
    double below;
    double above;

    (void)state;
    aglm_cmaes_keep_margin(r->m, 0, 0.45, 0.55);
    measure(r, 0.45, 0.55, &below, &above);
    assert_true(fabs(below - 0.05) < 0.005 && fabs(above - 0.05) < 0.005);
    aglm_cmaes_keep_margin(r->m, 0, 0.4, INFINITY); /* the last cell */
    measure(r, 0.4, INFINITY, &below, &above);
    assert_true(fabs(below - 0.1) < 0.006);
    aglm_cmaes_keep_margin(r->m, 0, -INFINITY, 0.9);
    measure(r, 0.4, 0.9, &below, &above);
    assert_true(fabs(above - 0.1) < 0.006);
    stop(r);
}

static void a_wide_distribution_is_left_alone(void **state)
{
    struct run *r = start(2, 5, 0.5, 1.0);

    (void)state;
    aglm_cmaes_keep_margin(r->m, 0, 0.4, 0.7);
    assert_true(aglm_cmaes_mean(r->m, 0) == 0.5 && aglm_cmaes_spread(r->m, 0) == 1.0);
    aglm_cmaes_keep_margin(r->m, 0, -INFINITY, 0.7);
    assert_true(aglm_cmaes_mean(r->m, 0) == 0.5);
    stop(r);
}

static void injected_steps_are_shortened(void **state)
{
    struct run *r = start(4, 8, 0.0, 0.5);
    double near[4] = {0.5, 0.5, 0.5, 0.5};
    double far[4] = {100, 0, 0, 0};

    (void)state;
    aglm_cmaes_inject(r->m, near);
    assert_true(near[0] == 0.5 && near[3] == 0.5);
    aglm_cmaes_inject(r->m, far);
    assert_true(fabs(far[0] - 0.5 * (2.0 + 8.0 / 6.0)) < 1e-12 && far[1] == 0.0);
    stop(r);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_sphere_is_found),
        cmocka_unit_test(covariances_are_learned),
        cmocka_unit_test(many_axes_learn_variances),
        cmocka_unit_test(draws_have_the_spread_that_is_told),
        cmocka_unit_test(a_margin_is_kept),
        cmocka_unit_test(a_wide_distribution_is_left_alone),
        cmocka_unit_test(injected_steps_are_shortened),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
