#include "num/sobol.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "unit.h"

#define N 256

static aglm_sobol *sobol(size_t n_dims, uint64_t seed)
{
    aglm_sobol *s;

    assert_int_equal(aglm_sobol_new(&s, n_dims, seed, NULL), AGLM_OK);
    return s;
}

/* One value in each of N slices. */
static void expect_even(const double *x, size_t stride, size_t axis)
{
    char hit[N] = {0};

    for (size_t i = 0; i < N; i++)
        hit[(size_t)(x[i * stride + axis] * N)]++;
    for (size_t i = 0; i < N; i++) {
        if (hit[i] != 1)
            fail_msg("axis %zu, slice %zu: %d points", axis, i, hit[i]);
    }
}

static void sobol_is_even_on_every_axis(void **state)
{
    aglm_sobol *s = sobol(AGLM_SOBOL_MAX_DIMS, 11);
    static double x[N][AGLM_SOBOL_MAX_DIMS];

    (void)state;
    for (uint32_t first = 0; first < 3 * N; first += N) {
        for (uint32_t i = 0; i < N; i++)
            aglm_sobol_point(s, first + i, x[i]);
        for (size_t d = 0; d < AGLM_SOBOL_MAX_DIMS; d++)
            expect_even(x[0], AGLM_SOBOL_MAX_DIMS, d);
    }
    aglm_sobol_free(s);
}

/* The first two axes are a (0, 8, 2)-net: one point in each box of 2^-a by 2^(a - 8). */
static void expect_net(const aglm_sobol *s, unsigned a)
{
    char hit[N] = {0};

    for (uint32_t i = 0; i < N; i++) {
        double x[2];
        aglm_sobol_point(s, 5 * N + i, x);
        size_t column = (size_t)(x[0] * (1u << a));
        size_t row = (size_t)(x[1] * (1u << (8 - a)));
        hit[column << (8 - a) | row]++;
    }
    for (size_t i = 0; i < N; i++)
        assert_int_equal(hit[i], 1);
}

static void the_first_plane_is_a_perfect_net(void **state)
{
    (void)state;
    for (uint64_t seed = 0; seed < 10; seed++) {
        aglm_sobol *s = sobol(2, seed);
        for (unsigned a = 0; a <= 8; a++)
            expect_net(s, a);
        aglm_sobol_free(s);
    }
}

/* Property A of Sobol for the first eight axes: 2^8 points have one in each octant of the cube. */
static void eight_axes_have_one_point_an_orthant(void **state)
{
    aglm_sobol *s = sobol(8, 3);
    char hit[N] = {0};

    (void)state;
    for (uint32_t i = 0; i < N; i++) {
        double x[8];
        size_t cell = 0;
        aglm_sobol_point(s, i, x);
        for (size_t d = 0; d < 8; d++)
            cell = cell << 1 | (x[d] >= 0.5);
        hit[cell]++;
    }
    for (size_t i = 0; i < N; i++)
        assert_int_equal(hit[i], 1);
    aglm_sobol_free(s);
}

/* Digits i of base b at a time: b^2 points have one in each of b^2 slices of the axis. */
static void halton_is_even_on_every_axis(void **state)
{
    static const uint32_t primes[] = {2, 3, 5, 7, 11, 13, 17, 19};
    aglm_halton *h;

    (void)state;
    assert_int_equal(aglm_halton_new(&h, 8, 5, NULL), AGLM_OK);
    for (size_t d = 0; d < 8; d++) {
        uint32_t n = primes[d] * primes[d];
        char hit[19 * 19] = {0};
        for (uint32_t i = 0; i < n; i++) {
            double x[8];
            aglm_halton_point(h, 3 * n + i, x);
            hit[(size_t)(x[d] * n + 1e-9)]++;
        }
        for (uint32_t i = 0; i < n; i++)
            assert_int_equal(hit[i], 1);
    }
    aglm_halton_free(h);
}

/* Over seeds a scrambled point is uniform: its mean 1/2, its square's 1/3, and an average over the
 * net is far closer to the integral than one over as many random points. */
static void seeds_scramble(void **state)
{
    double sum = 0.0;
    double square = 0.0;
    double error = 0.0;

    (void)state;
    for (uint64_t seed = 0; seed < 2000; seed++) {
        double x[3];
        aglm_sobol *s = sobol(3, seed);
        aglm_sobol_point(s, 5, x);
        sum += x[2];
        square += x[2] * x[2];
        aglm_sobol_free(s);
    }
    assert_true(fabs(sum / 2000 - 0.5) < 0.03 && fabs(square / 2000 - 1.0 / 3) < 0.03);
    for (uint64_t seed = 0; seed < 20; seed++) {
        double mean = 0.0;
        aglm_sobol *s = sobol(4, seed);
        for (uint32_t i = 0; i < N; i++) {
            double x[4];
            aglm_sobol_point(s, i, x);
            mean += x[0] * x[1] * x[2] * x[3] / N;
        }
        error += pow(mean - 1.0 / 16, 2) / 20;
        aglm_sobol_free(s);
    }
    /* one point: variance 3^-4 - 4^-4 = 0.0084, so 256 random ones 3.3e-5 */
    assert_true(error < 3.3e-5 / 20);
}

static void seeds_repeat_and_sizes_are_checked(void **state)
{
    double x[AGLM_SOBOL_MAX_DIMS];
    double y[AGLM_SOBOL_MAX_DIMS];
    aglm_sobol *s;
    aglm_halton *h;
    aglm_error err;

    (void)state;
    for (size_t n = 1; n <= AGLM_SOBOL_MAX_DIMS; n *= 8) {
        s = sobol(n, 9);
        aglm_sobol *same = sobol(AGLM_SOBOL_MAX_DIMS,
                                 9); /* more axes leave the first as they are */
        aglm_sobol_point(s, 77, x);
        aglm_sobol_point(same, 77, y);
        assert_memory_equal(x, y, n * sizeof *x);
        aglm_sobol_free(s);
        aglm_sobol_free(same);
    }
    assert_int_equal(aglm_sobol_new(&s, AGLM_SOBOL_MAX_DIMS + 1, 0, &err), AGLM_UNSUPPORTED);
    assert_null(s);
    assert_non_null(strstr(err.msg, "129"));
    assert_int_equal(aglm_halton_new(&h, AGLM_HALTON_MAX_DIMS + 1, 0, &err), AGLM_UNSUPPORTED);
    double *wide = calloc(AGLM_HALTON_MAX_DIMS, sizeof *wide);
    assert_int_equal(aglm_halton_new(&h, AGLM_HALTON_MAX_DIMS, 0, &err), AGLM_OK);
    aglm_halton_point(h, UINT32_MAX, wide);
    for (size_t d = 0; d < AGLM_HALTON_MAX_DIMS; d++)
        assert_true(wide[d] >= 0.0 && wide[d] < 1.0);
    aglm_halton_free(h);
    free(wide);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(sobol_is_even_on_every_axis),
        cmocka_unit_test(the_first_plane_is_a_perfect_net),
        cmocka_unit_test(eight_axes_have_one_point_an_orthant),
        cmocka_unit_test(halton_is_even_on_every_axis),
        cmocka_unit_test(seeds_scramble),
        cmocka_unit_test(seeds_repeat_and_sizes_are_checked),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
