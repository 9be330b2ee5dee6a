#include "learn/calibration.h"

#include <math.h>

#include "base/rng.h"
#include "documents.h"
#include "unit.h"

#define DOCS 400
#define LABELS 3

/* Labels drawn from softmax(z / 2.5), resp. sigmoid(z / 2.5 - 0.7): the calibration has to find
 * 0.4, resp. 0.4 and -0.7. */
static aglm_dataset *draw(uint64_t seed, bool multi_label, float *z)
{
    aglm_rng r;
    aglm_str s;

    aglm_rng_init(&r, seed);
    aglm_str_init(&s, 1 << 20);
    for (size_t i = 0; i < DOCS; i++) {
        double p[LABELS], sum = 0, u = aglm_rng_uniform(&r);
        bool any = false;
        for (size_t k = 0; k < LABELS; k++) {
            z[i * LABELS + k] = (float)(3 * aglm_rng_normal(&r));
            p[k] = exp(0.4 * (double)z[i * LABELS + k]);
            sum += p[k];
        }
        size_t pick = u * sum < p[0] ? 0 : u * sum < p[0] + p[1] ? 1 : 2;
        for (size_t k = 0; k < LABELS; k++) {
            double has = 1 / (1 + exp(0.7) / p[k]);
            if (multi_label ? aglm_rng_uniform(&r) >= has : k != pick)
                continue;
            aglm_str_printf(&s, any ? "|%c" : "%c", 'a' + (int)k);
            any = true;
        }
        aglm_str_printf(&s, "\ttext %zu\n", i);
    }
    static const char *const names[] = {"a", "b", "c"};
    aglm_dataset *d = documents_new(
        s.data, multi_label ? AGLM_TASK_MULTILABEL : AGLM_TASK_MULTICLASS, names, LABELS);
    aglm_str_clear(&s);
    assert_int_equal(aglm_dataset_size(d), DOCS);
    return d;
}

static double log_loss(const aglm_calibration *c, const aglm_dataset *d, bool multi_label,
                       const float *z)
{
    double loss = 0;

    for (size_t i = 0; i < DOCS; i++) {
        float p[LABELS];
        aglm_doc doc = aglm_dataset_doc(d, i);
        uint32_t l = 0;
        aglm_calibration_apply(c, multi_label ? AGLM_TASK_MULTILABEL : AGLM_TASK_MULTICLASS,
                               z + i * LABELS, LABELS, p);
        for (uint32_t k = 0; k < LABELS; k++) {
            bool has = l < doc.n_labels && doc.labels[l] == k;
            l += has;
            if (has || multi_label)
                loss -= log((double)(has ? p[k] : 1 - p[k]));
        }
    }
    return loss;
}

static void finds_the_minimum(void **state)
{
    static float z[DOCS * LABELS];
    uint32_t rows[DOCS];

    (void)state;
    for (uint32_t i = 0; i < DOCS; i++)
        rows[i] = i;
    for (uint64_t seed = 0; seed < 6; seed++) {
        bool multi_label = seed % 2;
        aglm_dataset *d = draw(seed, multi_label, z);
        aglm_calibration c;
        assert_int_equal(aglm_calibration_fit(&c, d, rows, DOCS, z, NULL), AGLM_OK);
        assert_true(fabs(c.scale - 0.4) < 0.1 && fabs(c.shift - (multi_label ? -0.7 : 0)) < 0.3);
        double best = log_loss(&c, d, multi_label, z);
        for (int step = -10; step <= 10; step++) {
            aglm_calibration near = {c.scale * (1 + 0.02 * step), c.shift};
            assert_true(log_loss(&near, d, multi_label, z) >= best - 1e-4);
            near = (aglm_calibration){c.scale, c.shift + 0.02 * step};
            assert_true(!multi_label || log_loss(&near, d, multi_label, z) >= best - 1e-4);
        }
        aglm_dataset_free(d);
    }
}

/* All right, all wrong, all the same: no finite minimum inside the bounds. */
static void unbounded_data_change_nothing(void **state)
{
    static float z[DOCS * LABELS];
    uint32_t rows[DOCS];
    aglm_dataset *d = draw(1, false, z);

    (void)state;
    for (int sign = -1; sign <= 1; sign++) {
        aglm_calibration c;
        for (uint32_t i = 0; i < DOCS; i++) {
            rows[i] = i;
            for (uint32_t k = 0; k < LABELS; k++)
                z[i * LABELS + k] = aglm_dataset_doc(d, i).labels[0] == k ? (float)sign : 0;
        }
        assert_int_equal(aglm_calibration_fit(&c, d, rows, DOCS, z, NULL), AGLM_OK);
        assert_true(c.scale == 1 && c.shift == 0);
    }
    aglm_calibration c;
    assert_int_equal(aglm_calibration_fit(&c, d, rows, 0, z, NULL), AGLM_OK);
    assert_true(c.scale == 1 && c.shift == 0);
    z[5] = NAN;
    assert_int_equal(aglm_calibration_fit(&c, d, rows, DOCS, z, NULL), AGLM_INVALID);
    aglm_dataset_free(d);
}

static void probabilities_are_sound(void **state)
{
    const aglm_calibration c = {2, -1};
    float z[] = {1000, -1000, 3};

    (void)state;
    aglm_calibration_apply(&c, AGLM_TASK_MULTICLASS, z, 3, z);
    assert_true(z[0] == 1 && z[1] == 0 && z[2] == 0);
    float even[] = {5, 5};
    aglm_calibration_apply(&c, AGLM_TASK_BINARY, even, 2, even);
    assert_true(even[0] == 0.5f && even[1] == 0.5f);
    float each[] = {0.5f, 1000, -1000};
    aglm_calibration_apply(&c, AGLM_TASK_MULTILABEL, each, 3, each);
    assert_true(each[0] == 0.5f && each[1] == 1 && each[2] == 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(finds_the_minimum),
        cmocka_unit_test(unbounded_data_change_nothing),
        cmocka_unit_test(probabilities_are_sound),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
