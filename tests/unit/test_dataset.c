#include "data/dataset.h"

#include "unit.h"

static aglm_rc build(aglm_dataset **d, const char *name, const char *data, aglm_task_options topt,
                     const aglm_dataset_options *opt, aglm_error *err)
{
    aglm_table *t;
    aglm_task_guess g;

    if (aglm_table_parse(&t, name, data, strlen(data), NULL, err))
        fail_msg("%s", err->msg);
    if (aglm_task_detect(&g, t, &topt, err))
        fail_msg("%s", err->msg);
    aglm_rc rc = aglm_dataset_from_table(d, t, &g, opt, err);
    aglm_str_clear(&g.evidence);
    aglm_table_free(t); /* the dataset lives on */
    return rc;
}

static aglm_dataset *make(const char *name, const char *data)
{
    aglm_dataset *d;
    aglm_error err = {0};

    if (build(&d, name, data, (aglm_task_options){0}, NULL, &err))
        fail_msg("%s", err.msg);
    return d;
}

static void assert_doc(const aglm_dataset *d, size_t i, const char *label, const char *text)
{
    aglm_doc doc = aglm_dataset_doc(d, i);

    assert_int_equal(doc.n_labels, 1);
    assert_string_equal(aglm_dataset_label(d, doc.labels[0]), label);
    assert_string_equal(doc.text, text);
    assert_int_equal(doc.len, strlen(text));
}

static void labels_are_numbered_by_name(void **state)
{
    aglm_dataset *d = make("f.tsv", "zeta\tone text\nalpha\ttwo text\n zeta \tthree texts\n");

    (void)state;
    assert_int_equal(aglm_dataset_size(d), 3);
    assert_int_equal(aglm_dataset_n_labels(d), 2);
    assert_string_equal(aglm_dataset_label(d, 0), "alpha");
    assert_doc(d, 0, "zeta", "one text");
    assert_doc(d, 1, "alpha", "two text");
    assert_doc(d, 2, "zeta", "three texts");
    assert_int_equal(aglm_dataset_line(d, 2), 3);
    assert_int_equal(aglm_dataset_task(d), AGLM_TASK_BINARY);
    aglm_dataset_free(d);
}

static void several_labels_ascend_without_doubles(void **state)
{
    aglm_dataset *d = make("f.jsonl",
                           "{\"text\":\"t\",\"labels\":[\"c\",\"a\",\"c\"]}\n"
                           "{\"text\":\"u\",\"labels\":[]}\n{\"text\":\"v\",\"labels\":[\"b\"]}\n");
    aglm_doc doc = aglm_dataset_doc(d, 0);

    (void)state;
    assert_int_equal(doc.n_labels, 2);
    assert_int_equal(doc.labels[0], 0);
    assert_int_equal(doc.labels[1], 2);
    assert_int_equal(aglm_dataset_doc(d, 1).n_labels, 0);
    assert_int_equal(aglm_dataset_doc(d, 2).labels[0], 1);
    aglm_dataset_free(d);
}

static void texts_of_several_columns_are_joined(void **state)
{
    aglm_dataset *d;
    aglm_error err = {0};
    const char *data = "title,body,label\na,b,x\n\"c\",,y\n";

    (void)state;
    assert_int_equal(
        build(&d, "f.csv", data, (aglm_task_options){.text = "title,body"}, NULL, &err), AGLM_OK);
    assert_doc(d, 0, "x", "a\n\nb");
    assert_doc(d, 1, "y", "c\n\n");
    aglm_dataset_free(d);
}

static void a_second_file_keeps_the_labels(void **state)
{
    static const char *const labels[] = {"y", "x"};
    aglm_dataset_options opt = {.labels = labels, .n_labels = 2};
    aglm_dataset *d, *both;
    aglm_error err = {0};
    const char *data = "label\ttext\nx\tsome words\nz\tother words\nx\tmore\n";

    (void)state;
    assert_int_equal(build(&d, "f.tsv", data, (aglm_task_options){0}, &opt, &err), AGLM_INVALID);
    assert_non_null(strstr(err.msg, "f.tsv:3: a label that the training data does not have: z"));
    assert_null(d);
    opt.skip_bad_rows = true;
    assert_int_equal(build(&d, "f.tsv", data, (aglm_task_options){0}, &opt, &err), AGLM_OK);
    assert_int_equal(aglm_dataset_size(d), 2);
    assert_int_equal(aglm_dataset_skipped(d), 1);
    assert_doc(d, 1, "x", "more");
    assert_int_equal(aglm_dataset_concat(&both, d, d, &err), AGLM_OK);
    aglm_dataset_free(d);
    assert_int_equal(aglm_dataset_size(both), 4);
    assert_doc(both, 3, "x", "more");
    assert_string_equal(aglm_dataset_label(both, 0), "y");
    d = make("f.tsv", "a\tt1\nb\tt2\n");
    aglm_dataset *none;
    assert_int_equal(aglm_dataset_concat(&none, both, d, &err), AGLM_INVALID);
    aglm_dataset_free(d);
    aglm_dataset_free(both);
}

static void selected_documents_keep_labels_and_lines(void **state)
{
    const uint32_t rows[] = {2, 0, 2};
    aglm_dataset *d = make("f.tsv", "a\tt1\nb\tt2\nc\tt3\n"), *part;
    aglm_error err = {0};

    (void)state;
    assert_int_equal(aglm_dataset_select(&part, d, rows, 3, &err), AGLM_OK);
    assert_int_equal(aglm_dataset_size(part), 3);
    assert_int_equal(aglm_dataset_n_labels(part), 3);
    assert_doc(part, 0, "c", "t3");
    assert_doc(part, 1, "a", "t1");
    assert_doc(part, 2, "c", "t3");
    assert_int_equal(aglm_dataset_line(part, 1), aglm_dataset_line(d, 0));
    aglm_dataset_free(part);
    aglm_dataset_free(d);
}

static void rows_without_label_or_text_are_bad(void **state)
{
    aglm_dataset *d;
    aglm_error err = {0};
    aglm_dataset_options skip = {.skip_bad_rows = true};
    const char *tsv = "label\ttext\na\tx y\n\tz w\nb\tv\n";
    const char *jsonl =
        "{\"text\":\"t\",\"label\":\"a\"}\n{\"text\":null,\"label\":\"b\"}\n{\"text\":\"u\",\"label\":\"b\"}\n";

    (void)state;
    assert_int_equal(build(&d, "f.tsv", tsv, (aglm_task_options){0}, NULL, &err), AGLM_FORMAT);
    assert_non_null(strstr(err.msg, "f.tsv:3: no label"));
    assert_int_equal(build(&d, "f.jsonl", jsonl, (aglm_task_options){0}, NULL, &err), AGLM_FORMAT);
    assert_non_null(strstr(err.msg, "f.jsonl:2: no text"));
    assert_int_equal(build(&d, "f.jsonl", jsonl, (aglm_task_options){0}, &skip, &err), AGLM_OK);
    assert_int_equal(aglm_dataset_size(d), 2);
    assert_int_equal(aglm_dataset_skipped(d), 1);
    aglm_dataset_free(d);
}

static void texts_alone_serve_predict(void **state)
{
    aglm_dataset *d;
    aglm_error err = {0};
    aglm_dataset_options opt = {.unlabelled = true};

    (void)state;
    assert_int_equal(
        build(&d, "f.txt", "one line\n", (aglm_task_options){.unlabelled = true}, &opt, &err),
        AGLM_OK);
    assert_int_equal(aglm_dataset_size(d), 1);
    assert_int_equal(aglm_dataset_doc(d, 0).n_labels, 0);
    assert_string_equal(aglm_dataset_doc(d, 0).text, "one line");
    aglm_dataset_free(d);
}

static void too_few_rows_are_refused(void **state)
{
    aglm_table *t;
    aglm_dataset *d;
    aglm_error err = {0};
    aglm_task_guess g = {
        .task = AGLM_TASK_BINARY, .label_col = 0, .text_cols = {1}, .n_text_cols = 1};
    aglm_read_options opt = {.header = AGLM_HEADER_NO};

    (void)state;
    assert_int_equal(aglm_table_parse(&t, "f.tsv", "a\tx\n", 4, &opt, &err), AGLM_OK);
    assert_int_equal(aglm_dataset_from_table(&d, t, &g, NULL, &err), AGLM_FORMAT);
    assert_non_null(strstr(err.msg, "1 usable row; at least two"));
    aglm_table_free(t);
    assert_int_equal(aglm_table_parse(&t, "f.tsv", "a\tx\na\ty\n", 8, &opt, &err), AGLM_OK);
    assert_int_equal(aglm_dataset_from_table(&d, t, &g, NULL, &err), AGLM_FORMAT);
    assert_non_null(strstr(err.msg, "only one class"));
    aglm_table_free(t);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(labels_are_numbered_by_name),
        cmocka_unit_test(several_labels_ascend_without_doubles),
        cmocka_unit_test(texts_of_several_columns_are_joined),
        cmocka_unit_test(a_second_file_keeps_the_labels),
        cmocka_unit_test(selected_documents_keep_labels_and_lines),
        cmocka_unit_test(rows_without_label_or_text_are_bad),
        cmocka_unit_test(texts_alone_serve_predict),
        cmocka_unit_test(too_few_rows_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
