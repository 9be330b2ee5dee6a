#include "data/profile.h"

#include "unit.h"

static aglm_dataset *make(const char *tsv)
{
    aglm_table *t;
    aglm_dataset *d;
    aglm_task_guess g = {
        .task = AGLM_TASK_MULTICLASS, .label_col = 0, .text_cols = {1}, .n_text_cols = 1};
    aglm_read_options opt = {.format = AGLM_FORMAT_TSV, .header = AGLM_HEADER_NO};

    assert_int_equal(aglm_table_parse(&t, "f.tsv", tsv, strlen(tsv), &opt, NULL), AGLM_OK);
    assert_int_equal(aglm_dataset_from_table(&d, t, &g, NULL, NULL), AGLM_OK);
    aglm_table_free(t);
    return d;
}

static void counts_are_right(void **state)
{
    aglm_dataset *d = make(
        "a\tHello, world 12\nb\thello world 12!\na\thello WORLD 12\na\t\nb\t手机x\n");
    aglm_dataset *valid = make("a\tHELLO world 12\nb\tnew\n");
    aglm_profile p;

    (void)state;
    assert_int_equal(aglm_profile_make(&p, d, valid, NULL), AGLM_OK);
    assert_int_equal(p.docs, 5);
    assert_int_equal(p.labels, 2);
    assert_int_equal(p.bytes, 15 + 15 + 14 + 0 + 7);
    assert_int_equal(p.chars, 15 + 15 + 14 + 0 + 3);
    assert_int_equal(p.words, 3 * 3 + 3);
    assert_int_equal(p.chars_p50, 14);
    assert_int_equal(p.chars_max, 15);
    assert_int_equal(p.empty_texts, 1);
    assert_int_equal(p.duplicates, 2);
    assert_int_equal(p.conflicts, 1);
    assert_int_equal(p.leaks, 1);
    assert_int_equal(p.class_min, 2);
    assert_int_equal(p.class_max, 3);
    assert_true(p.class_skew == 1.5);
    assert_true(p.mean_labels == 1);
    assert_true(p.share_latin == 31.0 / 33.0);
    assert_true(p.share_cjk == 2.0 / 33.0);
    aglm_dataset_free(d);
    aglm_dataset_free(valid);
}

static void language_is_told(void **state)
{
    char buf[64];
    aglm_dataset *d = make("a\t手机很好\nb\tпривет\n");
    aglm_profile p;

    (void)state;
    assert_int_equal(aglm_profile_make(&p, d, NULL, NULL), AGLM_OK);
    assert_true(p.share_cyrillic == 0.6);
    aglm_profile_language(&p, buf, sizeof buf);
    assert_string_equal(buf, "Cyrillic script (60 % of letters)");
    aglm_dataset_free(d);
    d = make("a\t手机很好\nb\t今天天气\n");
    assert_int_equal(aglm_profile_make(&p, d, NULL, NULL), AGLM_OK);
    aglm_profile_language(&p, buf, sizeof buf);
    assert_string_equal(buf, "Chinese (100 % of letters)");
    aglm_dataset_free(d);
    d = make("a\t1\nb\t2\n");
    assert_int_equal(aglm_profile_make(&p, d, NULL, NULL), AGLM_OK);
    aglm_profile_language(&p, buf, sizeof buf);
    assert_string_equal(buf, "no letters");
    aglm_dataset_free(d);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(counts_are_right),
        cmocka_unit_test(language_is_told),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
