#include "num/cholesky.h"

#include <math.h>

#include "base/memory.h"
#include "base/rng.h"
#include "unit.h"

/* A = B B^T + I / 10 of random B, in the upper triangle. */
static double *positive_matrix(size_t n, size_t stride, uint64_t seed)
{
    double *a = aglm_calloc_aligned(n * stride, sizeof *a);
    double *b = aglm_calloc(n * n, sizeof *b);
    aglm_rng rng;

    aglm_rng_init(&rng, seed);
    for (size_t i = 0; i < n * n; i++)
        b[i] = aglm_rng_normal(&rng);
    for (size_t i = 0; i < n; i++) {
        for (size_t j = i; j < n; j++) {
            for (size_t k = 0; k < n; k++)
                a[i * stride + j] += b[i * n + k] * b[j * n + k];
            a[i * stride + j] += i == j ? 0.1 : 0.0;
        }
    }
    free(b);
    return a;
}

static double *copy_of(const double *a, size_t n)
{
    double *copy = aglm_calloc_aligned(n, sizeof *copy);

    memcpy(copy, a, n * sizeof *copy);
    return copy;
}

/* (U^T U)_ij */
static double product_at(const double *u, size_t stride, size_t i, size_t j)
{
    double sum = 0.0;

    for (size_t k = 0; k <= i; k++)
        sum += u[k * stride + i] * u[k * stride + j];
    return sum;
}

static void a_known_factor(void **state)
{
    /* [4 2 2; 2 5 3; 2 3 6] = U^T U with U = [2 1 1; 0 2 1; 0 0 2] */
    double a[3 * 8] = {[0] = 4, [1] = 2, [2] = 2, [9] = 5, [10] = 3, [18] = 6};

    (void)state;
    assert_true(aglm_cholesky_factor(a, 3, 8));
    assert_true(a[0] == 2 && a[1] == 1 && a[2] == 1 && a[9] == 2 && a[10] == 1 && a[18] == 2);
    double b[3] = {2, 5, 8};
    aglm_cholesky_forward(a, 3, 8, b);
    assert_true(b[0] == 1 && b[1] == 2 && b[2] == 2.5);
}

static void factors_multiply_back(void **state)
{
    (void)state;
    for (size_t n = 1; n < 70; n += n < 20 ? 1 : 7) {
        size_t stride = AGLM_CHOLESKY_STRIDE(n) + 8;
        double *a = positive_matrix(n, stride, n);
        double *u = copy_of(a, n * stride);
        assert_true(aglm_cholesky_factor(u, n, stride));
        for (size_t i = 0; i < n; i++) {
            for (size_t j = i; j < n; j++)
                assert_true(fabs(product_at(u, stride, i, j) - a[i * stride + j]) <
                            1e-11 * (double)n);
        }
        free(a);
        free(u);
    }
}

static void what_is_not_positive_is_refused(void **state)
{
    double a[2 * 8] = {[0] = 1, [1] = 2, [9] = 1};
    double b[2 * 8] = {[0] = NAN, [1] = 2, [9] = 1};

    (void)state;
    assert_false(aglm_cholesky_factor(a, 2, 8));
    assert_false(aglm_cholesky_factor(b, 2, 8));
}

static void columns_appended_give_the_same_factor(void **state)
{
    size_t n = 37;
    size_t stride = AGLM_CHOLESKY_STRIDE(n);
    double *whole = positive_matrix(n, stride, 3);
    double *grown = copy_of(whole, n * stride);

    (void)state;
    assert_true(aglm_cholesky_factor(whole, n, stride));
    for (size_t i = 0; i < n; i++)
        assert_true(aglm_cholesky_append(grown, i, stride));
    for (size_t i = 0; i < n; i++) {
        for (size_t j = i; j < n; j++)
            assert_true(fabs(whole[i * stride + j] - grown[i * stride + j]) < 1e-10);
    }
    grown[(n - 1) * stride + n - 1] = -1.0;
    assert_false(aglm_cholesky_append(grown, n - 1, stride));
    free(whole);
    free(grown);
}

static void solves_undo_the_product(void **state)
{
    size_t n = 41;
    size_t stride = AGLM_CHOLESKY_STRIDE(n);
    double *u = positive_matrix(n, stride, 5);
    double *sides = aglm_calloc_aligned(n * 24, sizeof *sides);
    double b[41];
    double x[41];

    (void)state;
    assert_true(aglm_cholesky_factor(u, n, stride));
    for (size_t i = 0; i < n; i++) {
        x[i] = sin((double)i);
        b[i] = 0.0;
        for (size_t k = 0; k < n; k++)
            b[i] += (k < i ? product_at(u, stride, k, i) : product_at(u, stride, i, k)) *
                    sin((double)k);
        for (size_t c = 0; c < 19; c++)
            sides[i * 24 + c] = b[i] * (double)(c + 1);
    }
    aglm_cholesky_forward(u, n, stride, b);
    aglm_cholesky_sides s = {.b = sides, .columns = 19, .stride = 24};
    aglm_cholesky_forward_all(u, n, stride, &s);
    for (size_t i = 0; i < n; i++) {
        for (size_t c = 0; c < 19; c++)
            assert_true(fabs(sides[i * 24 + c] - b[i] * (double)(c + 1)) < 1e-9);
    }
    aglm_cholesky_backward(u, n, stride, b);
    for (size_t i = 0; i < n; i++)
        assert_true(fabs(b[i] - x[i]) < 1e-9);
    free(u);
    free(sides);
}

/* (A B)_ij of two symmetric matrices given by their upper triangles. */
static double symmetric_product_at(const double *a, const double *b, size_t n, size_t stride,
                                   const size_t ij[2])
{
    double sum = 0.0;

    for (size_t k = 0; k < n; k++) {
        size_t i = ij[0];
        size_t j = ij[1];
        sum += a[(i < k ? i : k) * stride + (i < k ? k : i)] *
               b[(j < k ? j : k) * stride + (j < k ? k : j)];
    }
    return sum;
}

static void inverses_are_inverse(void **state)
{
    (void)state;
    for (size_t n = 1; n < 60; n += 6) {
        size_t stride = AGLM_CHOLESKY_STRIDE(n);
        double *a = positive_matrix(n, stride, 7 + n);
        double *u = copy_of(a, n * stride);
        double *scratch = aglm_calloc_aligned(n * stride, sizeof *scratch);
        double *inverse = aglm_calloc_aligned(n * stride, sizeof *inverse);
        assert_true(aglm_cholesky_factor(u, n, stride));
        aglm_cholesky_inverse(u, n, stride, scratch, inverse);
        for (size_t at = 0; at < n * n; at++) {
            size_t ij[2] = {at / n, at % n};
            double sum = symmetric_product_at(a, inverse, n, stride, ij);
            assert_true(fabs(sum - (ij[0] == ij[1])) < 1e-8);
        }
        free(a);
        free(u);
        free(scratch);
        free(inverse);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_known_factor),
        cmocka_unit_test(factors_multiply_back),
        cmocka_unit_test(what_is_not_positive_is_refused),
        cmocka_unit_test(columns_appended_give_the_same_factor),
        cmocka_unit_test(solves_undo_the_product),
        cmocka_unit_test(inverses_are_inverse),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
