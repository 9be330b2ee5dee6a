#include "tune/stage.h"

#include "tune_data.h"
#include "unit.h"

enum { DOCS = 200 };

static int by_number(const void *a, const void *b)
{
    uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;

    return (x > y) - (x < y);
}

static void plan(aglm_stage_plan *p, const aglm_dataset *d, size_t n_valid, unsigned folds,
                 uint64_t seed)
{
    aglm_error err = {0};

    if (aglm_stage_plan_init(p, d, n_valid, folds, seed, &err) != AGLM_OK)
        fail_msg("%s", err.msg);
}

static void folds_hold_each_document_out_once(void **state)
{
    aglm_dataset *d = tune_documents(DOCS, 1, false);
    unsigned held[DOCS] = {0};
    uint32_t train[DOCS], test[DOCS], both[DOCS];
    aglm_stage_plan p;

    (void)state;
    plan(&p, d, 0, 4, 7);
    assert_int_equal(p.n_stages, 4);
    for (unsigned s = 0; s < p.n_stages; s++) {
        size_t n_train = aglm_stage_train_rows(&p, s, train);
        size_t n_test = aglm_stage_test_rows(&p, s, test);
        assert_int_equal(n_train + n_test, DOCS);
        assert_in_range(n_test, DOCS / 4 - 5, DOCS / 4 + 5);
        memcpy(both, train, n_train * sizeof *train);
        memcpy(both + n_train, test, n_test * sizeof *test);
        qsort(both, DOCS, sizeof *both, by_number);
        for (uint32_t i = 0; i < DOCS; i++)
            assert_int_equal(both[i], i);
        for (size_t i = 0; i < n_test; i++)
            held[test[i]]++;
    }
    for (size_t i = 0; i < DOCS; i++)
        assert_int_equal(held[i], 1);
    assert_true(aglm_stage_share(&p) > 0.7 && aglm_stage_share(&p) < 0.8);
    aglm_stage_plan_clear(&p);
    aglm_dataset_free(d);
}

/* A fraction's documents are the first of the next larger one's. */
static void one_part_grows_by_prefixes(void **state)
{
    aglm_dataset *d = tune_documents(DOCS, 2, false);
    uint32_t small[DOCS], large[DOCS], test[DOCS], again[DOCS];
    aglm_stage_plan p;
    size_t before = 0;

    (void)state;
    plan(&p, d, 0, 1, 7);
    assert_int_equal(p.n_stages, 3);
    size_t n_test = aglm_stage_test_rows(&p, 0, test);
    for (unsigned s = 0; s < p.n_stages; s++) {
        size_t n = aglm_stage_train_rows(&p, s, large);
        assert_true(n > before);
        assert_memory_equal(large, small, before * sizeof *small);
        assert_int_equal(aglm_stage_test_rows(&p, s, again), n_test);
        assert_memory_equal(again, test, n_test * sizeof *test);
        memcpy(small, large, n * sizeof *small);
        before = n;
    }
    assert_int_equal(before + n_test, DOCS);
    aglm_stage_plan_clear(&p);
    aglm_dataset_free(d);
}

/* No early stage tests on many more documents than it learns from; all are among the measured. */
static void early_stages_test_on_fewer_documents(void **state)
{
    enum { MANY = 60000 };
    aglm_dataset *d = tune_documents(MANY, 6, false);
    uint32_t *rows = calloc(MANY, sizeof *rows);
    aglm_stage_plan p;
    size_t before = 0;

    (void)state;
    assert_non_null(rows);
    plan(&p, d, 0, 1, 7);
    assert_true(aglm_stage_plan_grows(&p));
    assert_true(aglm_stage_test_rows(&p, 0, rows) < aglm_stage_test_rows(&p, 2, rows));
    for (unsigned s = 0; s < p.n_stages; s++) {
        size_t n_train = aglm_stage_train_rows(&p, s, rows);
        size_t n = aglm_stage_test_rows(&p, s, rows);
        assert_true(n >= before && (n <= n_train || n <= 5000));
        for (size_t i = 0; i < n; i++)
            assert_int_equal(p.measured[p.place[rows[i]]], rows[i]);
        before = n;
    }
    assert_int_equal(before, p.n_measured);
    free(rows);
    aglm_stage_plan_clear(&p);
    aglm_dataset_free(d);
}

static void valid_documents_are_the_held_out_part(void **state)
{
    aglm_dataset *d = tune_documents(DOCS, 3, false);
    uint32_t test[DOCS];
    aglm_stage_plan p;

    (void)state;
    plan(&p, d, 30, 1, 7);
    assert_int_equal(aglm_stage_test_rows(&p, 0, test), 30);
    for (size_t i = 0; i < 30; i++)
        assert_in_range(test[i], DOCS - 30, DOCS - 1);
    assert_true(aglm_stage_share(&p) == (DOCS - 30.0) / DOCS);
    aglm_stage_plan_clear(&p);
    plan(&p, d, 30, 3, 7); /* cross-validation takes all of them */
    assert_int_equal(p.n_stages, 3);
    assert_true(aglm_stage_test_rows(&p, 0, test) > 50);
    aglm_stage_plan_clear(&p);
    aglm_dataset_free(d);
}

static void seed_decides(void **state)
{
    aglm_dataset *d = tune_documents(DOCS, 4, false);
    aglm_stage_plan a, b, c;

    (void)state;
    plan(&a, d, 0, 5, 1);
    plan(&b, d, 0, 5, 1);
    plan(&c, d, 0, 5, 2);
    assert_memory_equal(a.fold_of, b.fold_of, DOCS);
    assert_memory_equal(a.order, b.order, DOCS * sizeof *a.order);
    assert_memory_not_equal(a.fold_of, c.fold_of, DOCS);
    aglm_stage_plan_clear(&a);
    aglm_stage_plan_clear(&b);
    aglm_stage_plan_clear(&c);
    aglm_dataset_free(d);
}

static void folds_by_size_and_limits(void **state)
{
    aglm_dataset *d = tune_documents(DOCS, 5, false);
    aglm_error err = {0};
    aglm_stage_plan p;

    (void)state;
    plan(&p, d, 0, 0, 1);
    assert_int_equal(p.folds, 5); /* small data is cross-validated */
    aglm_stage_plan_clear(&p);
    assert_int_equal(aglm_stage_plan_init(&p, d, 0, 21, 1, &err), AGLM_INVALID);
    assert_non_null(strstr(err.msg, "--folds 21"));
    aglm_dataset_free(d);
}

/* Copies stay together: with fewer texts than folds the empty folds go. */
static void few_different_texts(void **state)
{
    aglm_dataset *two = documents_new("a\tx\nb\ty\na\tx\nb\ty\na\tx\n", AGLM_TASK_AUTO, NULL, 0);
    aglm_dataset *one = documents_new("a\tx\nb\tx\na\tx\n", AGLM_TASK_AUTO, NULL, 0);
    aglm_error err = {0};
    uint32_t rows[5];
    aglm_stage_plan p;

    (void)state;
    for (unsigned folds = 0; folds < 6; folds++) {
        for (uint64_t seed = 0; seed < 8; seed++) {
            plan(&p, two, 0, folds, seed);
            for (unsigned s = 0; s < p.n_stages; s++) {
                assert_true(aglm_stage_train_rows(&p, s, rows) > 0);
                assert_true(aglm_stage_test_rows(&p, s, rows) > 0);
            }
            aglm_stage_plan_clear(&p);
        }
        assert_int_equal(aglm_stage_plan_init(&p, one, 0, folds, 1, &err), AGLM_FORMAT);
        assert_non_null(strstr(err.msg, "same text"));
    }
    aglm_dataset_free(two);
    aglm_dataset_free(one);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(folds_hold_each_document_out_once),
        cmocka_unit_test(one_part_grows_by_prefixes),
        cmocka_unit_test(early_stages_test_on_fewer_documents),
        cmocka_unit_test(valid_documents_are_the_held_out_part),
        cmocka_unit_test(seed_decides),
        cmocka_unit_test(folds_by_size_and_limits),
        cmocka_unit_test(few_different_texts),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
