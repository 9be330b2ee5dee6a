#include "data/task.h"

#include "base/str.h"

#include "unit.h"

typedef struct outcome {
    aglm_rc rc;
    aglm_task_guess guess;
    aglm_error err;
    aglm_table *table;
} outcome;

static outcome detect(const char *name, const char *data, aglm_task_options opt)
{
    outcome o = {0};

    if (aglm_table_parse(&o.table, name, data, strlen(data), NULL, &o.err))
        fail_msg("%s", o.err.msg);
    o.rc = aglm_task_detect(&o.guess, o.table, &opt, &o.err);
    return o;
}

static void drop(outcome *o)
{
    aglm_str_clear(&o->guess.evidence);
    aglm_table_free(o->table);
}

/* Task, label column and first text column. */
static void assert_found(const char *name, const char *data, aglm_task_options opt, aglm_task task,
                         int label, int text)
{
    outcome o = detect(name, data, opt);

    if (o.rc)
        fail_msg("%s", o.err.msg);
    assert_string_equal(aglm_task_name(o.guess.task), aglm_task_name(task));
    assert_int_equal(o.guess.label_col, label);
    assert_int_equal(o.guess.text_cols[0], text);
    assert_true(o.guess.evidence.len > 0 || opt.unlabelled);
    drop(&o);
}

static void assert_refused(const char *name, const char *data, aglm_task_options opt, aglm_rc rc,
                           const char *says)
{
    outcome o = detect(name, data, opt);

    assert_int_equal(o.rc, rc);
    if (!strstr(o.err.msg, says))
        fail_msg("\"%s\" does not say \"%s\"", o.err.msg, says);
    drop(&o);
}

/* n rows "label TAB text number", labels cycling through the list. */
static char *rows(const char *const *labels, size_t n_labels, size_t n)
{
    aglm_str s;

    aglm_str_init(&s, 1 << 24);
    for (size_t i = 0; i < n; i++)
        aglm_str_printf(&s, "%s\tsome words of text %zu\n", labels[i % n_labels], i);
    return aglm_str_take(&s);
}

static void assert_rows_found(const char *const *labels, size_t n_labels, size_t n, aglm_task task)
{
    char *data = rows(labels, n_labels, n);

    assert_found("f.tsv", data, (aglm_task_options){0}, task, 0, 1);
    free(data);
}

static void classes_are_counted(void **state)
{
    static const char *const labels[] = {"a", "b", "c"};
    static const char *const stars[] = {"1", "2", "3", "4", "5"};
    static const char *const zero_one[] = {"0", "1"};
    static const char *const reals[] = {"0.0", "1.0"};

    (void)state;
    assert_rows_found(labels, 2, 40, AGLM_TASK_BINARY);
    assert_rows_found(labels, 3, 40, AGLM_TASK_MULTICLASS);
    assert_rows_found(stars, 5, 50, AGLM_TASK_MULTICLASS);
    assert_rows_found(zero_one, 2, 8, AGLM_TASK_BINARY);
    assert_rows_found(reals, 2, 30, AGLM_TASK_BINARY);
}

static void roles_are_found(void **state)
{
    const aglm_task_options none = {0};

    (void)state;
    assert_found("f.csv", "text,label\nhello you,a\nbye you,b\nhi,a\n", none, AGLM_TASK_BINARY, 1,
                 0);
    assert_found("f.csv", "id,review,stars\n1,good thing,5\n2,bad thing,1\n3,so so,5\n4,nice,1\n",
                 none, AGLM_TASK_BINARY, 2, 1);
    assert_found("f.csv",
                 "title,description,category\nab,some long words here,x\ncd,other long words,y\n",
                 none, AGLM_TASK_BINARY, 2, 1);
    assert_found("f.csv", "v1,v2,,\nham,some words,,\nspam,other words,,\nham,third words,,\n",
                 none, AGLM_TASK_BINARY, 0, 1);
    assert_found(
        "f.csv",
        "0,11,NO,some words\n4,12,NO,other words\n0,13,NO,more words\n4,14,NO,last words\n", none,
        AGLM_TASK_BINARY, 0, 3);
    assert_found("f.tsv", "a\tfirst words\nb\tsecond words\n", none, AGLM_TASK_BINARY, 0, 1);
    assert_found("f.csv", "text,label\nx,a\ny,b\n",
                 (aglm_task_options){.label = "1", .text = "label"}, AGLM_TASK_BINARY, 0, 1);
    assert_found("f.csv", "words,kind\nhello there,a\nbye there,b\nhi all,a\nyou there,b\n",
                 (aglm_task_options){.unlabelled = true}, AGLM_TASK_AUTO, 1, 0);
    assert_found("f.txt", "just words here\nother words\n", (aglm_task_options){.unlabelled = true},
                 AGLM_TASK_AUTO, -1, 0);
}

static void several_texts_are_joined(void **state)
{
    const char *data = "title,body,label\na,b,x\nc,d,y\n";
    outcome o = detect("f.csv", data, (aglm_task_options){.text = "title, body"});

    (void)state;
    assert_int_equal(o.rc, AGLM_OK);
    assert_int_equal(o.guess.n_text_cols, 2);
    assert_int_equal(o.guess.text_cols[1], 1);
    drop(&o);
}

static void doubts_name_the_flag(void **state)
{
    const aglm_task_options none = {0};
    const char *two_texts = "label,title,body\na,some words,other word\nb,more words,words here\n";

    (void)state;
    assert_refused("f.csv", "label,class,text\na,b,some text\nc,d,other\n", none, AGLM_INVALID,
                   "--label COL");
    assert_refused("f.csv", two_texts, none, AGLM_INVALID,
                   "\"title\", \"body\"; name it with --text COL");
    assert_refused("f.csv", two_texts, (aglm_task_options){.label = "nope"}, AGLM_INVALID,
                   "no column \"nope\"; it has \"label\", \"title\", \"body\"");
    assert_refused("f.csv", two_texts, (aglm_task_options){.text = "label"}, AGLM_INVALID, "both");
    assert_refused("f.csv", "text\nsome words\nother words\n", none, AGLM_INVALID,
                   "one column only");
    assert_refused("f.csv", "text,label\nx,a\ny,a\n", none, AGLM_FORMAT, "one class only");
    assert_refused("f.csv", "text,label\nx,a\n", none, AGLM_FORMAT, "one row only");
    assert_refused("f.tsv", "a\tsome text\na\tother text\n", none, AGLM_FORMAT, "one class only");
    assert_refused("f.csv", "text,label\n", none, AGLM_FORMAT, "no rows below the header");
    assert_refused("f.csv", "text,label\nx,a\ny,b\nz,c\n",
                   (aglm_task_options){.task = AGLM_TASK_BINARY}, AGLM_INVALID, "3 classes");
}

static void multi_label_needs_recurring_parts(void **state)
{
    static const char *const joined[] = {"a|b", "b|c", "a|c", "a", "b"};
    static const char *const one_name[] = {"a|b", "c", "d"};
    static const char *const paths[] = {"news|sport", "news|politics", "misc"};
    char *data = rows(joined, 5, 30);
    outcome o = detect("f.tsv", data, (aglm_task_options){0});

    (void)state;
    assert_int_equal(o.rc, AGLM_OK);
    assert_int_equal(o.guess.task, AGLM_TASK_MULTILABEL);
    assert_int_equal(o.guess.label_separator, '|');
    drop(&o);
    free(data);
    assert_rows_found(one_name, 3, 30, AGLM_TASK_MULTICLASS);
    assert_rows_found(paths, 3, 30, AGLM_TASK_MULTICLASS);
    data = rows((const char *const[]){"a;b", "b", "a"}, 3, 9);
    o = detect("f.tsv", data, (aglm_task_options){.task = AGLM_TASK_MULTILABEL});
    assert_int_equal(o.guess.label_separator, ';');
    drop(&o);
    free(data);
    assert_found(
        "f.jsonl",
        "{\"text\":\"some words\",\"labels\":[\"a\",\"b\"]}\n{\"text\":\"words\",\"labels\":[]}\n",
        (aglm_task_options){0}, AGLM_TASK_MULTILABEL, 1, 0);
    assert_found("f.txt", "__label__a __label__b some words\n__label__b other words\n",
                 (aglm_task_options){0}, AGLM_TASK_MULTILABEL, 0, 1);
}

static void other_tasks_answer_not_yet(void **state)
{
    const aglm_task_options none = {0};
    aglm_str s;

    (void)state;
    aglm_str_init(&s, 1 << 20);
    aglm_str_puts(&s, "text,target\n");
    for (int i = 0; i < 100; i++)
        aglm_str_printf(&s, "words %d,%d.%d\n", i, i, i % 10);
    assert_refused("f.csv", s.data, none, AGLM_UNSUPPORTED, "regression is not supported yet");
    aglm_str_clear(&s);
    assert_refused("f.conll", "EU\tB-ORG\nrejects\tO\n\nx\tO\n", none, AGLM_UNSUPPORTED, "tagging");
    assert_refused("f.jsonl", "{\"tokens\":[\"EU\",\"x\"],\"tags\":[\"B-ORG\",\"O\"]}\n", none,
                   AGLM_UNSUPPORTED, "tagging");
    assert_refused("f.csv", "text,label\nEU says,B-ORG O\nI do,O B-X\n", none, AGLM_UNSUPPORTED,
                   "tagging");
    assert_refused(
        "f.jsonl",
        "{\"prompt\":\"a\",\"completion\":\"b\"}\n{\"prompt\":\"c\",\"completion\":\"d\"}\n", none,
        AGLM_UNSUPPORTED, "generation is not supported yet");
    assert_refused("f.jsonl", "{\"messages\":[{\"role\":\"user\"}]}\n", none, AGLM_UNSUPPORTED,
                   "generation");
    assert_refused("f.csv", "text,label\nx,a\ny,b\n",
                   (aglm_task_options){.task = AGLM_TASK_TAGGING}, AGLM_UNSUPPORTED, "--task");
}

static void a_second_file_may_be_small(void **state)
{
    aglm_task_options opt = {.task = AGLM_TASK_BINARY, .known = true};
    const char *data = "text,label\nsome words,a\n";

    (void)state;
    assert_found("f.csv", data, opt, AGLM_TASK_BINARY, 1, 0);
    opt.task = AGLM_TASK_MULTILABEL;
    assert_found("f.csv", data, opt, AGLM_TASK_MULTILABEL, 1, 0);
}

static void evidence_names_flags(void **state)
{
    outcome o = detect("f.csv", "text,label\nsome words,a\nother words,b\n",
                       (aglm_task_options){0});

    (void)state;
    assert_string_equal(
        o.guess.evidence.data,
        "file: csv, utf-8: all bytes are valid UTF-8 (--format, --encoding override)\n"
        "header: yes, the first row holds usual column names (--header overrides)\n"
        "label: column \"label\", by its name (--label overrides)\n"
        "text: column \"text\", the only other column of words (--text overrides)\n"
        "task: binary, 2 classes (--task overrides)\n");
    drop(&o);
}

static void unique_labels_are_none(void **state)
{
    aglm_str s;

    (void)state;
    aglm_str_init(&s, 1 << 20);
    aglm_str_puts(&s, "text,label\n");
    for (int i = 0; i < 50; i++)
        aglm_str_printf(&s, "some words %d,name %d\n", i, i);
    assert_refused("f.csv", s.data, (aglm_task_options){0}, AGLM_INVALID, "are no classes");
    aglm_str_clear(&s);
}

/* n rows of three numbers, a colour and a label by the format, which gets the row's number. */
static char *table(const char *header, const char *label, size_t n)
{
    static const char *const colours[] = {"red", "green", "blue"};
    aglm_str s;

    aglm_str_init(&s, 1 << 20);
    aglm_str_puts(&s, header);
    for (size_t i = 0; i < n; i++) {
        aglm_str_printf(&s, "%zu,%zu.5,%zu,%s,", i * 7 % 50, i * 3 % 40, i % 4, colours[i % 3]);
        aglm_str_puts(&s, label[0] == '%' ? "" : label);
        if (label[0] == '%')
            aglm_str_printf(&s, "%zu.%zu", i * 5 % 47, i % 10);
        else
            aglm_str_printf(&s, "%zu", i % 3);
        aglm_str_putc(&s, '\n');
    }
    return aglm_str_take(&s);
}

static void tables_are_told_from_texts(void **state)
{
    char *classes = table("age,size,rooms,colour,target\n", "kind", 60);
    char *numbers = table("age,size,rooms,colour,target\n", "%", 60);
    char *codes = table("age,size,rooms,colour,target\n", "", 60);
    char *unnamed = table("age,size,rooms,colour,price\n", "%", 60);
    outcome o = detect("f.csv", classes, (aglm_task_options){0});

    (void)state;
    assert_int_equal(o.rc, AGLM_OK);
    assert_true(o.guess.tabular);
    assert_int_equal(o.guess.task, AGLM_TASK_MULTICLASS);
    assert_int_equal(o.guess.label_col, 4);
    assert_int_equal(o.guess.n_features, 4);
    assert_int_equal(o.guess.n_text_cols, 0);
    drop(&o);
    o = detect("f.csv", numbers, (aglm_task_options){0});
    assert_int_equal(o.rc, AGLM_OK);
    assert_int_equal(o.guess.task, AGLM_TASK_REGRESSION);
    drop(&o);
    o = detect("f.csv", codes, (aglm_task_options){0});
    assert_int_equal(o.guess.task, AGLM_TASK_MULTICLASS);
    drop(&o);
    o = detect("f.csv", codes, (aglm_task_options){.task = AGLM_TASK_REGRESSION});
    assert_int_equal(o.guess.task, AGLM_TASK_REGRESSION);
    drop(&o);
    o = detect("f.csv", unnamed, (aglm_task_options){.label = "price", .features = "rooms, age"});
    assert_int_equal(o.rc, AGLM_OK);
    assert_int_equal(o.guess.n_features, 2);
    assert_int_equal(o.guess.features[0], 2);
    drop(&o);
    assert_refused("f.csv", classes, (aglm_task_options){.features = "age,target"}, AGLM_INVALID,
                   "label and feature both");
    assert_refused("f.csv", classes, (aglm_task_options){.features = "age,weight"}, AGLM_INVALID,
                   "no column \"weight\"");
    free(classes);
    free(numbers);
    free(codes);
    free(unnamed);
}

/* Columns that tell nothing are left out, and said to be. */
static void useless_columns_are_left_out(void **state)
{
    aglm_str s;

    (void)state;
    aglm_str_init(&s, 1 << 20);
    aglm_str_puts(&s, "id,name,same,empty,a,b,c,label\n");
    for (int i = 0; i < 40; i++)
        aglm_str_printf(&s, "%d,Name %d,1,,%d,%d,%d,%s\n", i, i, i % 7, i % 5, i * 3 % 11,
                        i % 2 ? "x" : "y");
    outcome o = detect("f.csv", s.data, (aglm_task_options){0});
    assert_int_equal(o.rc, AGLM_OK);
    assert_true(o.guess.tabular);
    assert_int_equal(o.guess.n_features, 3);
    assert_non_null(strstr(o.guess.evidence.data, "left out: column \"id\", it numbers the rows"));
    assert_non_null(strstr(o.guess.evidence.data, "\"name\", its values are names"));
    assert_non_null(strstr(o.guess.evidence.data, "\"empty\", it has no values"));
    drop(&o);
    aglm_str_clear(&s);
}

static void tasks_have_names(void **state)
{
    aglm_task t;

    (void)state;
    for (int i = AGLM_TASK_AUTO; i <= AGLM_TASK_GENERATION; i++) {
        assert_true(aglm_task_from_name(aglm_task_name((aglm_task)i), &t));
        assert_int_equal(t, i);
    }
    assert_true(aglm_task_from_name("multi-class", &t));
    assert_int_equal(t, AGLM_TASK_MULTICLASS);
    assert_false(aglm_task_from_name("ranking", &t));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(classes_are_counted),
        cmocka_unit_test(roles_are_found),
        cmocka_unit_test(several_texts_are_joined),
        cmocka_unit_test(doubts_name_the_flag),
        cmocka_unit_test(multi_label_needs_recurring_parts),
        cmocka_unit_test(other_tasks_answer_not_yet),
        cmocka_unit_test(a_second_file_may_be_small),
        cmocka_unit_test(evidence_names_flags),
        cmocka_unit_test(unique_labels_are_none),
        cmocka_unit_test(tables_are_told_from_texts),
        cmocka_unit_test(useless_columns_are_left_out),
        cmocka_unit_test(tasks_have_names),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
