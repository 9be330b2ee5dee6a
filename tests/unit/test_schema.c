#include "data/schema.h"

#include <float.h>
#include <math.h>

#include "data/split.h"
#include "table_data.h"

static aglm_schema *schema_of(const char *csv, const int *cols, size_t n)
{
    aglm_read_options read = {.format = AGLM_FORMAT_CSV, .header = AGLM_HEADER_YES};
    aglm_table *t = NULL;
    aglm_schema *s = NULL;
    aglm_error err = {0};

    if (aglm_table_parse(&t, "t.csv", csv, strlen(csv), &read, &err) != AGLM_OK ||
        aglm_schema_from_table(&s, t, cols, n, &err) != AGLM_OK)
        fail_msg("%s", err.msg);
    aglm_table_free(t);
    return s;
}

static void columns_are_numbers_or_categories(void **state)
{
    static const int cols[] = {0, 1, 2};
    aglm_schema *s = schema_of("a,b,c\n1,red,\n?,blue,\n-2.5e3,red,\n", cols, 3);

    (void)state;
    assert_int_equal(aglm_schema_size(s), 3);
    assert_int_equal(aglm_schema_categories(s, 0), 0);
    assert_int_equal(aglm_schema_categories(s, 1), 2);
    assert_string_equal(aglm_schema_category(s, 1, 0), "blue");
    assert_int_equal(aglm_schema_categories(s, 2), 0);
    aglm_schema_unref(s);
}

static void one_bad_number_in_a_hundred_is_forgiven(void **state)
{
    static const int cols[] = {0};
    aglm_str csv;

    (void)state;
    for (int bad = 1; bad <= 2; bad++) {
        aglm_str_init(&csv, 1 << 16);
        aglm_str_puts(&csv, "a\n");
        for (int i = 0; i < 100; i++)
            aglm_str_printf(&csv, i < bad ? "x%d\n" : "%d\n", i);
        aglm_schema *s = schema_of(csv.data, cols, 1);
        assert_int_equal(aglm_schema_categories(s, 0), bad == 1 ? 0 : 100);
        aglm_schema_unref(s);
        aglm_str_clear(&csv);
    }
}

static void rows_are_encoded(void **state)
{
    static const int cols[] = {0, 1};
    static const struct {
        const char *row;
        size_t cells;
        float number, code;
    } cases[] = {
        {"1.5\x1fred", 2, 1.5f, 1},      {"1.5\tblue", 2, 1.5f, 0},
        {" 2 \x1f red ", 2, 2, 1},       {"\x1f", 2, NAN, NAN},
        {"NA\x1fgreen", 2, NAN, NAN},    {"1e300\x1fN/A", 2, FLT_MAX, NAN},
        {"-inf\x1fred", 2, -FLT_MAX, 1}, {"7", 1, 7, NAN},
        {"1\x1fred\x1fx", 3, 1, 1},      {"", 1, NAN, NAN},
    };
    aglm_schema *s = schema_of("a,b\n1,red\n2,blue\n", cols, 2);
    float out[2];

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        assert_int_equal(aglm_schema_encode(s, cases[i].row, strlen(cases[i].row), out),
                         cases[i].cells);
        assert_true(isnan(cases[i].number) ? isnan(out[0]) : out[0] == cases[i].number);
        assert_true(isnan(cases[i].code) ? isnan(out[1]) : out[1] == cases[i].code);
    }
    aglm_schema_unref(s);
}

static void what_is_written_reads_back(void **state)
{
    static const int cols[] = {1, 0};
    aglm_schema *s = schema_of("a \"x\",b\n1,red\n2,\"blue, sky\"\n", cols, 2);
    aglm_schema *again = NULL;
    aglm_error err = {0};
    aglm_str text, second;

    (void)state;
    aglm_str_init(&text, 1 << 16);
    aglm_str_init(&second, 1 << 16);
    assert_int_equal(aglm_schema_write(s, &text), AGLM_OK);
    if (aglm_schema_parse(&again, text.data, text.len, &err) != AGLM_OK)
        fail_msg("%s", err.msg);
    assert_int_equal(aglm_schema_write(again, &second), AGLM_OK);
    assert_string_equal(text.data, second.data);
    assert_string_equal(aglm_schema_name(again, 1), "a \"x\"");
    aglm_str_clear(&text);
    aglm_str_clear(&second);
    aglm_schema_unref(s);
    aglm_schema_unref(again);
}

static void what_is_none_is_refused(void **state)
{
    static const char *const bad[] = {
        "{}",
        "[]",
        "[1]",
        "[{\"name\": 1}]",
        "[{\"name\": \"a\", \"categories\": 3}]",
        "[{\"name\": \"a\", \"categories\": [3]}]",
        "[{\"name\": \"a\", \"categories\": [\"x\", \"x\"]}]",
        "[{\"name\": \"a\"",
    };
    aglm_error err = {0};

    (void)state;
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        aglm_schema *s = NULL;
        assert_int_equal(aglm_schema_parse(&s, bad[i], strlen(bad[i]), &err), AGLM_FORMAT);
        assert_null(s);
    }
}

static void datasets_carry_rows(void **state)
{
    aglm_dataset *d = table_new(60, 1, TABLE_REGRESSION), *part = NULL, *both = NULL;
    uint32_t rows[] = {8, 3};
    aglm_error err = {0};

    (void)state;
    assert_int_equal(aglm_dataset_task(d), AGLM_TASK_REGRESSION);
    assert_int_equal(aglm_dataset_n_labels(d), 1);
    assert_string_equal(aglm_dataset_label(d, 0), "target");
    assert_true(isnan(aglm_dataset_row(d, 8)[0]));
    assert_int_equal(aglm_dataset_select(&part, d, rows, 2, &err), AGLM_OK);
    assert_ptr_equal(aglm_dataset_row(part, 1), aglm_dataset_row(d, 3));
    assert_true(aglm_dataset_target(part, 1) == aglm_dataset_target(d, 3));
    assert_int_equal(aglm_dataset_concat(&both, d, part, &err), AGLM_OK);
    assert_int_equal(aglm_dataset_size(both), 62);
    assert_memory_equal(aglm_dataset_row(both, 61), aglm_dataset_row(d, 3), 4 * sizeof(float));
    assert_true(aglm_dataset_target(both, 60) == aglm_dataset_target(d, 8));
    assert_true(aglm_dataset_key(both, 61) == aglm_dataset_key(d, 3));
    aglm_dataset_free(both);
    aglm_dataset_free(part);
    aglm_dataset_free(d);
}

/* As predict reads: no label, no schema, the columns named. */
static void rows_without_labels_are_texts(void **state)
{
    static const char csv[] = "b,a\nx,1\n,2\n";
    const aglm_task_options task = {.features = "a,b", .unlabelled = true, .known = true};
    const aglm_dataset_options options = {.unlabelled = true};
    aglm_read_options read = {.format = AGLM_FORMAT_CSV, .header = AGLM_HEADER_YES};
    aglm_task_guess guess;
    aglm_table *t = NULL;
    aglm_dataset *d = NULL;

    (void)state;
    assert_int_equal(aglm_table_parse(&t, "t.csv", csv, strlen(csv), &read, NULL), AGLM_OK);
    assert_int_equal(aglm_task_detect(&guess, t, &task, NULL), AGLM_OK);
    assert_int_equal(guess.label_col, -1);
    guess.task = AGLM_TASK_REGRESSION;
    assert_int_equal(aglm_dataset_from_table(&d, t, &guess, &options, NULL), AGLM_OK);
    assert_null(aglm_dataset_schema(d));
    assert_int_equal(aglm_dataset_n_labels(d), 0);
    assert_string_equal(aglm_dataset_doc(d, 0).text, "1\x1fx");
    assert_string_equal(aglm_dataset_doc(d, 1).text, "2\x1f");
    aglm_str_clear(&guess.evidence);
    aglm_dataset_free(d);
    aglm_table_free(t);
}

/* Every fold gets its share of small and of large numbers. */
static void numbers_are_stratified(void **state)
{
    enum { ROWS = 200, FOLDS = 5 };
    aglm_dataset *d = table_new(ROWS, 2, TABLE_REGRESSION);
    uint8_t fold[ROWS];
    size_t low[FOLDS] = {0};
    double sorted[ROWS];

    (void)state;
    assert_int_equal(aglm_split_folds(d, FOLDS, 1, fold, NULL), AGLM_OK);
    for (size_t i = 0; i < ROWS; i++) {
        size_t at = i;
        for (; at > 0 && sorted[at - 1] > aglm_dataset_target(d, i); at--)
            sorted[at] = sorted[at - 1];
        sorted[at] = aglm_dataset_target(d, i);
    }
    for (size_t i = 0; i < ROWS; i++)
        low[fold[i]] += aglm_dataset_target(d, i) < sorted[ROWS / 10];
    for (size_t f = 0; f < FOLDS; f++)
        assert_int_equal(low[f], ROWS / 10 / FOLDS);
    aglm_dataset_free(d);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(columns_are_numbers_or_categories),
        cmocka_unit_test(one_bad_number_in_a_hundred_is_forgiven),
        cmocka_unit_test(rows_are_encoded),
        cmocka_unit_test(what_is_written_reads_back),
        cmocka_unit_test(what_is_none_is_refused),
        cmocka_unit_test(datasets_carry_rows),
        cmocka_unit_test(rows_without_labels_are_texts),
        cmocka_unit_test(numbers_are_stratified),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
