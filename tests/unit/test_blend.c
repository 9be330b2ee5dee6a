#include <math.h>

#include "base/memory.h"
#include "eval/score.h"
#include "tune/finalist.h"
#include "tune_data.h"
#include "unit.h"

enum { DOCS = 300 };

/* A made-up finalist whose logits favour the right label by `skill` against noise of its own. */
static void add(aglm_finalists *f, const aglm_dataset *d, int64_t number, double skill,
                aglm_metric metric)
{
    size_t labels = aglm_dataset_n_labels(d), n = 0;
    aglm_candidate c = {.learner = number % 2 ? &aglm_learner_embed : &aglm_learner_linear};
    aglm_outcome o = {.calibration = {1, 0}, .bytes = 1000, .latency_p95_us = 10, .fit_s = 6};
    static uint32_t all[DOCS];
    uint32_t rows[DOCS];
    float *probs = aglm_calloc(DOCS * labels, sizeof *probs);
    aglm_rng r;

    for (uint32_t i = 0; i < DOCS; i++)
        all[i] = i;
    o.docs = all;
    o.n_docs = DOCS;
    aglm_rng_init(&r, (uint64_t)number + 77);
    o.logits = aglm_calloc(DOCS * labels, sizeof *o.logits);
    o.scored = aglm_calloc(DOCS, 1);
    assert_true(probs && o.logits && o.scored);
    for (size_t i = 0; i < DOCS; i++) {
        aglm_doc doc = aglm_dataset_doc(d, i);
        o.scored[i] = i % 50 != (size_t)number; /* each leaves out some others */
        for (size_t k = 0; k < labels; k++)
            o.logits[i * labels + k] = (float)aglm_rng_normal(&r);
        for (size_t k = 0; k < doc.n_labels; k++)
            o.logits[i * labels + doc.labels[k]] += (float)skill;
    }
    n = aglm_outcome_probs(&o, d, rows, probs);
    assert_int_equal(
        aglm_score_metric(&o.value, metric, &(aglm_predicted){d, rows, n, probs}, NULL), AGLM_OK);
    aglm_finalists_offer(f, number, &c, &o);
    aglm_outcome_clear(&o);
    free(probs);
}

static void fill(aglm_finalists *f, const aglm_dataset *d, aglm_metric metric)
{
    aglm_finalists_init(f, 6, aglm_metric_maximize(metric));
    for (int64_t i = 0; i < 6; i++)
        add(f, d, i, 1.0 + 0.2 * (double)(i % 3), metric);
}

/* The metric of one finalist alone over the documents that all of them scored. */
static double alone(const aglm_finalists *f, size_t i, const aglm_dataset *d, aglm_metric metric)
{
    const aglm_blend one = {.member = {i}, .votes = {1}, .total = 1, .n = 1};
    uint32_t rows[DOCS];
    float probs[DOCS * 8];
    size_t n = 0;
    double value = 0;

    assert_int_equal(aglm_blend_probs(&one, f, d, rows, probs, &n, NULL), AGLM_OK);
    assert_int_equal(n, DOCS - 36); /* 6 of 50 are left out by someone */
    assert_int_equal(aglm_score_metric(&value, metric, &(aglm_predicted){d, rows, n, probs}, NULL),
                     AGLM_OK);
    return value;
}

static void never_below_the_best_single(void **state)
{
    static const aglm_metric METRICS[] = {AGLM_METRIC_ACCURACY, AGLM_METRIC_MACRO_F1,
                                          AGLM_METRIC_LOG_LOSS, AGLM_METRIC_AUC};
    aglm_blend_limits limits = {.max_members = 4};
    aglm_dataset *d = tune_documents(DOCS, 1, false);

    (void)state;
    for (size_t m = 0; m < sizeof METRICS / sizeof *METRICS; m++) {
        aglm_finalists f;
        aglm_blend b;
        fill(&f, d, METRICS[m]);
        assert_int_equal(aglm_blend_choose(&b, &f, d, METRICS[m], &limits, NULL), AGLM_OK);
        double first = alone(&f, 0, d, METRICS[m]);
        assert_true(f.maximize ? b.value >= first : b.value <= first);
        assert_true(b.n > 1); /* independent noise: there is something to gain */
        aglm_finalists_clear(&f);
    }
    aglm_dataset_free(d);
}

static void votes_add_up_and_give_the_value(void **state)
{
    aglm_blend_limits limits = {.max_members = 3};
    aglm_dataset *d = tune_documents(DOCS, 2, true);
    uint32_t rows[DOCS];
    float probs[DOCS * 8];
    aglm_finalists f;
    aglm_blend b;
    unsigned total = 0;
    size_t n = 0;
    double value = 0;

    (void)state;
    fill(&f, d, AGLM_METRIC_MICRO_F1);
    assert_int_equal(aglm_blend_choose(&b, &f, d, AGLM_METRIC_MICRO_F1, &limits, NULL), AGLM_OK);
    assert_in_range(b.n, 1, 3);
    for (size_t i = 0; i < b.n; i++) {
        assert_true(b.votes[i] > 0 && b.member[i] < f.n);
        assert_true(i == 0 || b.member[i] > b.member[i - 1]);
        total += b.votes[i];
    }
    assert_int_equal(total, b.total);
    assert_int_equal(aglm_blend_probs(&b, &f, d, rows, probs, &n, NULL), AGLM_OK);
    assert_int_equal(
        aglm_score_metric(&value, AGLM_METRIC_MICRO_F1, &(aglm_predicted){d, rows, n, probs}, NULL),
        AGLM_OK);
    assert_true(fabs(value - b.value) < 1e-6);
    aglm_finalists_clear(&f);
    aglm_dataset_free(d);
}

static void limits_are_obeyed(void **state)
{
    static const aglm_blend_limits LIMITS[] = {
        {.max_members = 1},
        {.max_members = 4, .one_reading = true},
        {.max_members = 4, .max_bytes = 1999},
        {.max_members = 4, .max_latency_us = 19},
        {.max_members = 4, .max_fit_s = 5.9, .threads = 2},
        {.max_members = 4, .max_bytes = 2500},
        {.max_members = 2},
    };
    aglm_dataset *d = tune_documents(DOCS, 3, false);
    aglm_finalists f;
    aglm_blend b;

    (void)state;
    fill(&f, d, AGLM_METRIC_LOG_LOSS);
    for (size_t i = 0; i < sizeof LIMITS / sizeof *LIMITS; i++) {
        assert_int_equal(aglm_blend_choose(&b, &f, d, AGLM_METRIC_LOG_LOSS, &LIMITS[i], NULL),
                         AGLM_OK);
        assert_int_equal(b.n, i < 5 ? 1 : 2);
        assert_true(i >= 5 || b.member[0] == 0);
    }
    for (size_t k = 0; k < f.n; k++)
        f.items[k].outcome.reading = 9;
    assert_int_equal(aglm_blend_choose(&b, &f, d, AGLM_METRIC_LOG_LOSS, &LIMITS[1], NULL), AGLM_OK);
    assert_true(b.n > 1);
    aglm_finalists_clear(&f);
    aglm_dataset_free(d);
}

static void one_finalist_is_the_blend(void **state)
{
    aglm_blend_limits limits = {.max_members = 4};
    aglm_dataset *d = tune_documents(DOCS, 4, false);
    aglm_finalists f;
    aglm_blend b;

    (void)state;
    aglm_finalists_init(&f, 6, true);
    add(&f, d, 3, 1.0, AGLM_METRIC_ACCURACY);
    assert_int_equal(aglm_blend_choose(&b, &f, d, AGLM_METRIC_ACCURACY, &limits, NULL), AGLM_OK);
    assert_int_equal(b.n, 1);
    assert_int_equal(b.total, b.votes[0]);
    assert_true(b.value == f.items[0].outcome.value);
    aglm_finalists_clear(&f);
    aglm_dataset_free(d);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(never_below_the_best_single),
        cmocka_unit_test(votes_add_up_and_give_the_value),
        cmocka_unit_test(limits_are_obeyed),
        cmocka_unit_test(one_finalist_is_the_blend),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
