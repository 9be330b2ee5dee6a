#include "num/dense.h"

#include <math.h>

#include "base/memory.h"
#include "base/rng.h"

#include "unit.h"

enum { ROWS = 37, MAX_WIDTH = 208, LIST = 53 };

struct world {
    float *x, *y, *z, *table, *m, *d, *step;
    uint32_t row[LIST];
    float weight[LIST];
    aglm_row_list list;
    size_t width;
};

static void fill(aglm_rng *r, float *v, size_t n)
{
    for (size_t i = 0; i < n; i++)
        v[i] = (float)(aglm_rng_uniform(r) * 4 - 2);
}

/* The same numbers each time it is called with the same width. */
static void world_init(struct world *w, size_t width)
{
    aglm_rng r;

    aglm_rng_init(&r, width);
    w->width = width;
    w->x = aglm_calloc_aligned(MAX_WIDTH, sizeof(float));
    w->y = aglm_calloc_aligned(MAX_WIDTH, sizeof(float));
    w->z = aglm_calloc_aligned(MAX_WIDTH, sizeof(float));
    w->d = aglm_calloc_aligned(AGLM_LANES_UP(ROWS), sizeof(float));
    w->step = aglm_calloc_aligned(AGLM_LANES_UP(ROWS), sizeof(float));
    w->table = aglm_calloc_aligned(ROWS * MAX_WIDTH, sizeof(float));
    w->m = aglm_calloc_aligned(ROWS * MAX_WIDTH, sizeof(float));
    fill(&r, w->x, width);
    fill(&r, w->y, width);
    fill(&r, w->z, width);
    fill(&r, w->d, ROWS);
    fill(&r, w->step, ROWS);
    fill(&r, w->table, ROWS * width);
    fill(&r, w->m, ROWS * width);
    fill(&r, w->weight, LIST);
    for (size_t i = 0; i < LIST; i++)
        w->row[i] = (uint32_t)aglm_rng_below(&r, ROWS);
    w->list = (aglm_row_list){.row = w->row, .weight = w->weight, .n = LIST};
}

static void world_clear(struct world *w)
{
    free(w->x);
    free(w->y);
    free(w->z);
    free(w->d);
    free(w->step);
    free(w->table);
    free(w->m);
}

/* The plain twins: one lane after the other, the header's tree for sums. */

static float plain_dot(const float *x, const float *y, size_t width)
{
    float lane[AGLM_LANES] = {0};

    for (size_t i = 0; i < width; i++)
        lane[i % AGLM_LANES] += x[i] * y[i];
    for (size_t half = AGLM_LANES / 2; half > 0; half /= 2)
        for (size_t i = 0; i < half; i++)
            lane[i] += lane[i + half];
    return lane[0];
}

static void plain_gather(struct world *w)
{
    for (size_t k = 0; k < w->width; k++) {
        float s = 0;
        for (size_t i = 0; i < LIST; i++)
            s += w->weight[i] * w->table[w->row[i] * w->width + k];
        w->y[k] = s;
    }
}

static void plain_scatter(struct world *w)
{
    for (size_t i = 0; i < LIST; i++)
        for (size_t k = 0; k < w->width; k++)
            w->table[w->row[i] * w->width + k] += w->weight[i] * w->x[k];
}

static void plain_outer(struct world *w)
{
    for (size_t r = 0; r < ROWS; r++)
        for (size_t k = 0; k < w->width; k++) {
            w->y[k] += w->d[r] * w->m[r * w->width + k];
            w->m[r * w->width + k] += w->step[r] * w->x[k];
        }
}

static void same_bits(const float *a, const float *b, size_t n)
{
    assert_memory_equal(a, b, n * sizeof(float));
}

static void check_vectors(const aglm_kernels *k, size_t width)
{
    struct world a, b;

    world_init(&a, width);
    world_init(&b, width);
    float got = k->dot(a.x, a.y, width);
    float want = plain_dot(b.x, b.y, width);
    same_bits(&got, &want, 1);
    k->axpy(a.y, 1.7f, a.x, width);
    k->scale(a.z, 0.9f, width);
    for (size_t i = 0; i < width; i++) {
        b.y[i] += 1.7f * b.x[i];
        b.z[i] *= 0.9f;
    }
    same_bits(a.y, b.y, width);
    same_bits(a.z, b.z, width);
    world_clear(&a);
    world_clear(&b);
}

static void check_tables(const aglm_kernels *k, size_t width)
{
    struct world a, b;
    float y[AGLM_LANES_UP(ROWS)];

    world_init(&a, width);
    world_init(&b, width);
    k->gather(a.y, a.table, &a.list, width);
    plain_gather(&b);
    same_bits(a.y, b.y, width);
    k->scatter(a.table, &a.list, a.x, width);
    plain_scatter(&b);
    same_bits(a.table, b.table, ROWS * width);
    k->matvec(y, a.m, ROWS, a.x, width);
    for (size_t r = 0; r < ROWS; r++) {
        float want = plain_dot(b.m + r * width, b.x, width);
        same_bits(&y[r], &want, 1);
    }
    aglm_layer_step s = {.m = a.m, .rows = ROWS, .d = a.d, .step = a.step};
    k->outer(&s, a.x, a.y, width);
    plain_outer(&b);
    same_bits(a.y, b.y, width);
    same_bits(a.m, b.m, ROWS * width);
    world_clear(&a);
    world_clear(&b);
}

static void check_bytes(const aglm_kernels *k, size_t width)
{
    struct world w;
    int8_t bytes[ROWS * (MAX_WIDTH + 2) + AGLM_LANES];
    aglm_byte_table t = {.data = bytes, .stride = width + 2, .width = width};
    aglm_rng r;

    world_init(&w, AGLM_LANES_UP(width));
    aglm_rng_init(&r, width);
    for (size_t i = 0; i < sizeof bytes; i++)
        bytes[i] = (int8_t)(aglm_rng_below(&r, 255) - 127);
    k->gather_bytes(w.y, &t, &w.list);
    for (size_t c = 0; c < width; c++) {
        float want = 0;
        for (size_t i = 0; i < LIST; i++)
            want += w.weight[i] * (float)bytes[w.row[i] * t.stride + c];
        same_bits(&w.y[c], &want, 1);
    }
    world_clear(&w);
}

static void every_table_gives_the_plain_bits(void **state)
{
    const aglm_kernels *k;

    (void)state;
    for (size_t i = 0; (k = aglm_kernels_at(i)) != NULL; i++)
        for (size_t width = AGLM_LANES; width <= MAX_WIDTH; width += AGLM_LANES) {
            check_vectors(k, width);
            check_tables(k, width);
        }
    for (size_t i = 0; (k = aglm_kernels_at(i)) != NULL; i++)
        for (size_t width = 1; width <= MAX_WIDTH; width += 3)
            check_bytes(k, width);
    assert_string_equal(aglm_kernels_at(0)->name, "portable");
}

static void an_empty_list_gives_zero(void **state)
{
    struct world w;
    aglm_row_list none = {.n = 0};

    (void)state;
    world_init(&w, 48);
    aglm_kernels_best()->gather(w.y, w.table, &none, 48);
    for (size_t i = 0; i < 48; i++)
        assert_true(w.y[i] == 0);
    world_clear(&w);
}

static void softmax_agrees_with_libm(void **state)
{
    float *z = aglm_calloc_aligned(96, sizeof *z);
    float *first = aglm_calloc_aligned(96, sizeof *first);
    const aglm_kernels *k;
    aglm_rng r;

    (void)state;
    for (size_t n = 1; n < 80; n += 3)
        for (size_t i = 0; (k = aglm_kernels_at(i)) != NULL; i++) {
            double sum = 0;
            float in[96] = {0};
            aglm_rng_init(&r, n);
            for (size_t j = 0; j < n; j++) {
                z[j] = in[j] = (float)(aglm_rng_normal(&r) * (double)n);
                sum += exp((double)z[j]);
            }
            k->softmax(z, n);
            for (size_t j = 0; j < n; j++)
                assert_true(fabs((double)z[j] - exp((double)in[j]) / sum) < 1e-6);
            for (size_t j = n; j < AGLM_LANES_UP(n); j++)
                assert_true(z[j] == 0);
            if (i == 0)
                memcpy(first, z, 96 * sizeof *z);
            same_bits(z, first, AGLM_LANES_UP(n));
        }
    free(z);
    free(first);
}

static void max_and_exp_sum_agree_with_libm(void **state)
{
    float *z = aglm_calloc_aligned(96, sizeof *z);
    const aglm_kernels *k;
    aglm_rng r;

    (void)state;
    for (size_t width = AGLM_LANES; width <= 96; width += AGLM_LANES)
        for (size_t i = 0; (k = aglm_kernels_at(i)) != NULL; i++) {
            double sum = 0;
            float most = -INFINITY;
            aglm_rng_init(&r, width);
            for (size_t j = 0; j < width; j++) {
                z[j] = j % 7 == 6 ? -INFINITY : (float)(aglm_rng_normal(&r) * 20 - 100);
                most = fmaxf(most, z[j]);
            }
            for (size_t j = 0; j < width; j++)
                sum += exp((double)(z[j] - most));
            float ours = k->exp_sum(z, most, width);
            float first = aglm_kernels_at(0)->exp_sum(z, most, width);
            assert_true(k->max(z, width) == most);
            assert_true(fabs((double)ours - sum) < 1e-6 * sum);
            same_bits(&ours, &first, 1);
        }
    free(z);
}

static void sigmoid_agrees_with_libm(void **state)
{
    float *z = aglm_calloc_aligned(32, sizeof *z);
    float *first = aglm_calloc_aligned(32, sizeof *first);
    const float in[] = {-1e30f, -100, -20, -1, -1e-3f, 0, 0.5f, 3, 30, 1e30f};
    const size_t n = sizeof in / sizeof *in;
    const aglm_kernels *k;

    (void)state;
    for (size_t i = 0; (k = aglm_kernels_at(i)) != NULL; i++) {
        memcpy(z, in, sizeof in);
        k->sigmoid(z, n);
        for (size_t j = 0; j < n; j++)
            assert_true(fabs((double)z[j] - 1 / (1 + exp(-(double)in[j]))) < 3e-7);
        if (i == 0)
            memcpy(first, z, 32 * sizeof *z);
        same_bits(z, first, 32);
    }
    free(z);
    free(first);
}

static void log_agrees_with_libm(void **state)
{
    (void)state;
    for (double x = 1e-300; x < 1e300; x *= 1.37)
        assert_true(fabs(aglm_log(x) - log(x)) <= 4e-16 * fabs(log(x)) + 1e-15);
    assert_true(aglm_log(1) == 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_table_gives_the_plain_bits),
        cmocka_unit_test(an_empty_list_gives_zero),
        cmocka_unit_test(softmax_agrees_with_libm),
        cmocka_unit_test(max_and_exp_sum_agree_with_libm),
        cmocka_unit_test(sigmoid_agrees_with_libm),
        cmocka_unit_test(log_agrees_with_libm),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
