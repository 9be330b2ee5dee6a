/* What the prompted learner asks: the prompt, its examples, its stored form. Answers of a model are
 * test_runtime's. */
#include "documents.h"
#include "lm/prompted.h"
#include "lm/prompted_priv.h"

#define ROWS 12

static const char ENGLISH[] =
    "pos\tgood one\npos\tgood two\npos\tgood three\npos\tgood four\npos\tgood five\npos\tgood six\n"
    "neg\tbad one\nneg\tbad two\nneg\tbad three\nneg\tbad four\nneg\tbad five\nneg\tbad six\n";
static const char CHINESE[] =
    "pos\t房间很干净\npos\t服务很好\npos\t位置方便\nneg\t太吵了\nneg\t早餐很差\nneg\t房间很旧\n";

static aglm_prompted_model *model_new(const aglm_dataset *d)
{
    aglm_prompted_model *m = calloc(1, sizeof *m);

    assert_non_null(m);
    m->base = (aglm_model){&aglm_learner_prompted, (uint32_t)aglm_dataset_n_labels(d), false};
    m->file = strdup("some.gguf");
    m->file_bytes = 12345;
    m->words = calloc(m->base.n_labels, sizeof *m->words);
    m->bias = calloc(m->base.n_labels, sizeof *m->bias);
    return m;
}

static aglm_prompted_params params_of(size_t shots)
{
    return (aglm_prompted_params){.layout = 2,
                                  .instruction = 2,
                                  .words = AGLM_WORDS_SPOKEN,
                                  .shots = shots,
                                  .draw = 3,
                                  .max_chars = 300};
}

static aglm_prompted_model *composed(const aglm_dataset *d, const aglm_prompted_params *p,
                                     const uint32_t *rows, size_t n, uint8_t *used)
{
    aglm_error err = {0};
    aglm_prompted_model *m = model_new(d);

    if (aglm_prompted_compose(m, p, &(aglm_prompted_rows){d, rows, n, NULL}, used, &err) != AGLM_OK)
        fail_msg("%s", err.msg);
    return m;
}

static size_t count(const char *text, const char *part)
{
    size_t n = 0;

    for (const char *at = strstr(text, part); at; at = strstr(at + 1, part))
        n++;
    return n;
}

static void examples_show_every_label_and_no_other_rows(void **state)
{
    aglm_dataset *d = documents_new(ENGLISH, AGLM_TASK_BINARY, NULL, 0);
    const uint32_t rows[] = {0, 1, 2, 6, 7, 8};
    uint8_t used[6] = {0};
    const aglm_prompted_params p = params_of(4);
    aglm_prompted_model *m = composed(d, &p, rows, 6, used);

    (void)state;
    assert_int_equal(strncmp(m->prefix, "Label each text as one of: negative, positive.\n\n", 48),
                     0);
    assert_int_equal(count(m->prefix, "Text: good"), 2);
    assert_int_equal(count(m->prefix, "Category: negative\n\n"), 2);
    assert_int_equal(count(m->prefix, "four") + count(m->prefix, "five") + count(m->prefix, "six"),
                     0);
    assert_int_equal(used[0] + used[1] + used[2], 2);
    assert_int_equal(used[3] + used[4] + used[5], 2);
    aglm_prompted_free(&m->base);
    aglm_dataset_free(d);
}

static void more_examples_than_rows(void **state)
{
    aglm_dataset *d = documents_new(ENGLISH, AGLM_TASK_BINARY, NULL, 0);
    const uint32_t rows[] = {0, 6, 7};
    const aglm_prompted_params p = params_of(16);
    aglm_prompted_model *m = composed(d, &p, rows, 3, NULL);

    (void)state;
    assert_int_equal(count(m->prefix, "Text: "), 3);
    assert_string_equal(m->prefix + strlen(m->prefix) - 7, "\n\nText:");
    aglm_prompted_free(&m->base);
    aglm_dataset_free(d);
}

static void another_draw_shows_other_examples(void **state)
{
    aglm_dataset *d = documents_new(ENGLISH, AGLM_TASK_BINARY, NULL, 0);
    uint32_t rows[ROWS];
    aglm_prompted_params p = params_of(2);
    size_t different = 0;
    char *first = NULL;

    (void)state;
    for (uint32_t i = 0; i < ROWS; i++)
        rows[i] = i;
    for (p.draw = 0; p.draw < 8; p.draw++) {
        aglm_prompted_model *m = composed(d, &p, rows, ROWS, NULL),
                            *again = composed(d, &p, rows, ROWS, NULL);
        assert_string_equal(m->prefix, again->prefix);
        if (!first)
            first = strdup(m->prefix);
        different += strcmp(first, m->prefix) != 0;
        aglm_prompted_free(&m->base);
        aglm_prompted_free(&again->base);
    }
    assert_true(different >= 4);
    free(first);
    aglm_dataset_free(d);
}

static void chinese_texts_get_chinese_words(void **state)
{
    aglm_dataset *d = documents_new(CHINESE, AGLM_TASK_BINARY, NULL, 0);
    const uint32_t rows[] = {0, 1, 2, 3, 4, 5};
    const aglm_prompted_params p = params_of(2);
    aglm_prompted_model *m = composed(d, &p, rows, 6, NULL);

    (void)state;
    assert_non_null(strstr(m->prefix, "类别有：差评、好评。"));
    assert_int_equal(count(m->prefix, "文本："), 3); /* two examples, and the text to come */
    assert_string_equal(m->words[0], "差评");
    aglm_prompted_free(&m->base);
    aglm_dataset_free(d);
}

static void a_text_is_one_line_and_cut_by_characters(void **state)
{
    aglm_dataset *d = documents_new(ENGLISH, AGLM_TASK_BINARY, NULL, 0);
    const uint32_t rows[] = {0, 6};
    aglm_prompted_params p = params_of(0);
    aglm_str s;

    (void)state;
    p.max_chars = 5;
    aglm_prompted_model *m = composed(d, &p, rows, 2, NULL);
    aglm_str_init(&s, 1000);
    aglm_prompted_item(m, "a\nb\t房间很", 13, &s);
    assert_string_equal(m->prefix, "Label each text as one of: negative, positive.\n\nText:");
    assert_string_equal(s.data, " a b 房\nCategory:");
    aglm_str_clear(&s);
    aglm_prompted_free(&m->base);
    aglm_dataset_free(d);
}

static void letters_stand_for_labels(void **state)
{
    aglm_dataset *d = documents_new(ENGLISH, AGLM_TASK_BINARY, NULL, 0);
    const uint32_t rows[] = {0, 6};
    aglm_prompted_params p = params_of(2);

    (void)state;
    p.words = AGLM_WORDS_LETTERS;
    aglm_prompted_model *m = composed(d, &p, rows, 2, NULL);
    assert_non_null(strstr(m->prefix, "A (negative), B (positive)"));
    assert_non_null(strstr(m->prefix, "Text: good one\nCategory: B\n\n"));
    aglm_prompted_free(&m->base);
    aglm_dataset_free(d);
}

static void what_was_stored_is_what_is_loaded(void **state)
{
    aglm_dataset *d = documents_new(ENGLISH, AGLM_TASK_BINARY, NULL, 0);
    const uint32_t rows[] = {0, 1, 6, 7};
    const aglm_prompted_params p = params_of(4);
    aglm_prompted_model *m = composed(d, &p, rows, 4, NULL);
    aglm_model *back;
    aglm_str a, b;
    aglm_error err = {0};

    (void)state;
    m->bias[0] = 0.1;
    m->bias[1] = -1.0 / 3;
    aglm_str_init(&a, 1 << 20);
    aglm_str_init(&b, 1 << 20);
    assert_int_equal(aglm_prompted_save(&m->base, &a, &err), AGLM_OK);
    assert_int_equal(aglm_prompted_load(&back, a.data, a.len, &err), AGLM_OK);
    assert_int_equal(aglm_prompted_save(back, &b, &err), AGLM_OK);
    assert_string_equal(a.data, b.data);
    aglm_prompted_free(back);
    for (size_t n = 0; n + 1 < a.len; n++)
        assert_int_equal(aglm_prompted_load(&back, a.data, n, &err), AGLM_FORMAT);
    aglm_str_clear(&a);
    aglm_str_clear(&b);
    aglm_prompted_free(&m->base);
    aglm_dataset_free(d);
}

static void space_needs_a_model_and_texts(void **state)
{
    aglm_hparam space[AGLM_HPARAM_MAX];
    aglm_data_shape shape = {.docs = 100, .labels = 2, .mean_chars = 50};

    (void)state;
    assert_int_equal(aglm_prompted_space(&shape, space), 0);
    shape.language_model = true;
    assert_int_equal(aglm_prompted_space(&shape, space), AGLM_PROMPTED_N);
    shape.tabular = true;
    assert_int_equal(aglm_prompted_space(&shape, space), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(examples_show_every_label_and_no_other_rows),
        cmocka_unit_test(more_examples_than_rows),
        cmocka_unit_test(another_draw_shows_other_examples),
        cmocka_unit_test(chinese_texts_get_chinese_words),
        cmocka_unit_test(a_text_is_one_line_and_cut_by_characters),
        cmocka_unit_test(letters_stand_for_labels),
        cmocka_unit_test(what_was_stored_is_what_is_loaded),
        cmocka_unit_test(space_needs_a_model_and_texts),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
