#include "data/split.h"

#include "base/rng.h"
#include "data/text_key.h"

#include "unit.h"

#define MAX_ROWS 600

typedef struct row {
    unsigned label;
    unsigned text;
} row;

static size_t random_rows(aglm_rng *r, row *rows)
{
    size_t n = 2 + aglm_rng_below(r, MAX_ROWS - 2);
    unsigned labels = 2 + (unsigned)aglm_rng_below(r, 5);

    for (size_t i = 0; i < n; i++) {
        /* Skewed classes, some doubled texts. */
        unsigned a = (unsigned)aglm_rng_below(r, labels);
        unsigned b = (unsigned)aglm_rng_below(r, labels);
        rows[i] = (row){a < b ? a : b,
                        (unsigned)(aglm_rng_below(r, 10) ? i : aglm_rng_below(r, n))};
    }
    rows[0].label = 0;
    rows[1].label = 1;
    return n;
}

/* order (NULL: as they are) gives the row of each line. */
static aglm_dataset *dataset_of(const row *rows, const uint32_t *order, size_t n)
{
    aglm_str s;
    aglm_table *t;
    aglm_dataset *d;
    aglm_task_guess g = {
        .task = AGLM_TASK_MULTICLASS, .label_col = 0, .text_cols = {1}, .n_text_cols = 1};
    aglm_read_options opt = {.header = AGLM_HEADER_NO};

    aglm_str_init(&s, 1 << 20);
    for (size_t i = 0; i < n; i++) {
        const row *r = &rows[order ? order[i] : i];
        aglm_str_printf(&s, "l%u\ttext %u\n", r->label, r->text);
    }
    assert_int_equal(aglm_table_parse(&t, "f.tsv", s.data, s.len, &opt, NULL), AGLM_OK);
    assert_int_equal(aglm_dataset_from_table(&d, t, &g, NULL, NULL), AGLM_OK);
    aglm_table_free(t);
    aglm_str_clear(&s);
    return d;
}

static bool doubles_stay_together(const row *rows, size_t n, const uint8_t *fold)
{
    for (size_t i = 0; i < n; i++)
        for (size_t k = 0; k < i; k++)
            if (rows[i].text == rows[k].text && fold[i] != fold[k])
                return false;
    return true;
}

/* Whatever the seed: the order of rows changes no fold, and doubled texts stay together. */
static void folds_do_not_depend_on_the_order_of_rows(void **state)
{
    static row rows[MAX_ROWS];
    static uint32_t order[MAX_ROWS];
    static uint8_t fold[MAX_ROWS], shuffled[MAX_ROWS];
    aglm_rng rng;

    (void)state;
    for (uint64_t seed = 0; seed < 60; seed++) {
        aglm_rng_init(&rng, seed);
        size_t n = random_rows(&rng, rows);
        unsigned folds = 2 + (unsigned)aglm_rng_below(&rng, 9);
        for (size_t i = 0; i < n; i++)
            order[i] = (uint32_t)i;
        aglm_rng_shuffle(&rng, order, n);
        aglm_dataset *a = dataset_of(rows, NULL, n);
        aglm_dataset *b = dataset_of(rows, order, n);
        assert_int_equal(aglm_split_folds(a, folds, seed, fold, NULL), AGLM_OK);
        assert_int_equal(aglm_split_folds(b, folds, seed, shuffled, NULL), AGLM_OK);
        bool good = doubles_stay_together(rows, n, fold);
        for (size_t i = 0; i < n; i++)
            good &= fold[order[i]] == shuffled[i] && fold[i] < folds;
        if (!good)
            fail_msg("seed %llu", (unsigned long long)seed);
        aglm_dataset_free(a);
        aglm_dataset_free(b);
    }
}

static aglm_dataset *skewed(size_t n)
{
    static row rows[MAX_ROWS];

    for (size_t i = 0; i < n; i++)
        rows[i] = (row){i % 10 == 0, (unsigned)i};
    return dataset_of(rows, NULL, n);
}

static void folds_are_stratified(void **state)
{
    aglm_dataset *d = skewed(500);
    uint8_t fold[500];
    size_t rare[5] = {0}, all[5] = {0};

    (void)state;
    assert_int_equal(aglm_split_folds(d, 5, 7, fold, NULL), AGLM_OK);
    for (size_t i = 0; i < 500; i++) {
        all[fold[i]]++;
        rare[fold[i]] += i % 10 == 0;
    }
    for (size_t f = 0; f < 5; f++) {
        assert_int_equal(all[f], 100);
        assert_in_range(rare[f], 9, 11);
    }
    uint8_t other[500];
    assert_int_equal(aglm_split_folds(d, 5, 8, other, NULL), AGLM_OK);
    assert_memory_not_equal(fold, other, sizeof fold);
    aglm_error err;
    assert_int_equal(aglm_split_folds(d, 1, 8, other, &err), AGLM_INVALID);
    aglm_dataset_free(d);
}

static void every_prefix_is_stratified(void **state)
{
    aglm_dataset *d = skewed(600);
    uint32_t order[600];
    bool seen[600] = {false};
    size_t rare = 0;

    (void)state;
    assert_int_equal(aglm_split_order(d, 3, order, NULL), AGLM_OK);
    for (size_t i = 0; i < 600; i++) {
        assert_false(seen[order[i]]);
        seen[order[i]] = true;
        rare += order[i] % 10 == 0;
        size_t want = (i + 1) / 10;
        assert_in_range(rare, want ? want - 1 : 0, want + 1);
    }
    aglm_dataset_free(d);
}

static void keys_fold_case_and_marks(void **state)
{
    (void)state;
    assert_true(aglm_text_key("Hello, World!", 13) == aglm_text_key("hello  world", 12));
    assert_true(aglm_text_key("hello world", 11) != aglm_text_key("hello word", 10));
    assert_true(aglm_text_key("!!!", 3) != aglm_text_key("???", 3));
    assert_true(aglm_text_key("", 0) == aglm_text_key("", 0));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(folds_do_not_depend_on_the_order_of_rows),
        cmocka_unit_test(folds_are_stratified),
        cmocka_unit_test(every_prefix_is_stratified),
        cmocka_unit_test(keys_fold_case_and_marks),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
