/* Prompts for texts: how they look, what is asked, how they are stored. */
#include <math.h>

#include "answer_data.h"
#include "lm/answerer_priv.h"

#define SELF "/proc/self/exe" /* a file that is there, in the place of a language model's */

static const char SUMS[] =
    "{\"question\":\"1 and 1?\",\"answer\":\"1 + 1 = 2\",\"final\":\"2\"}\n"
    "{\"question\":\"2 and 3?\",\"answer\":\"2 + 3 = 5\",\"final\":\"5\"}\n"
    "{\"question\":\"5 and 6?\",\"answer\":\"5 + 6 = 11\",\"final\":\"11\"}\n"
    "{\"question\":\"9 and 9?\",\"answer\":\"9 + 9 = 18\",\"final\":\"18\"}\n";
static const char PASSAGES[] =
    "{\"context\":\"尼罗河向北流。\",\"question\":\"它流向哪里？\",\"answer\":\"北\"}\n"
    "{\"context\":\"蜜蜂酿蜜。\",\"question\":\"蜜蜂做什么？\",\"answer\":\"酿蜜\"}\n";

typedef struct scene {
    aglm_table *table;
    aglm_example_guess guess;
    aglm_example_set *set;
    aglm_answer_shape shape;
    said_lm lm;
    uint32_t rows[8];
    aglm_answer_source source;
    double values[AGLM_HPARAM_MAX];
} scene;

static void set_up(scene *s, const char *data, const char *chat_template, aglm_prompt_task task)
{
    aglm_error err = {0};
    aglm_example_form form;
    aglm_hparam space[AGLM_HPARAM_MAX];

    memset(s, 0, sizeof *s);
    said_init(&s->lm, chat_template);
    if (aglm_table_parse(&s->table, "x.jsonl", data, strlen(data), NULL, &err) ||
        aglm_example_task_detect(&s->guess, s->table, NULL, NULL, &err) ||
        aglm_example_form_make(&form, &s->guess, s->table, NULL, &err) ||
        aglm_example_set_new(&s->set, s->table, &form, &err))
        fail_msg("%s", err.msg);
    for (uint32_t i = 0; i < s->set->n; i++)
        s->rows[i] = i;
    s->shape.task = task;
    if (aglm_answer_shape_make(&s->shape, s->set, s->rows, s->set->n, &s->lm.lm, &err))
        fail_msg("%s", err.msg);
    s->source = (aglm_answer_source){.set = s->set,
                                     .rows = s->rows,
                                     .n = s->set->n,
                                     .shape = &s->shape,
                                     .file = SELF,
                                     .lm = &s->lm.lm};
    for (size_t i = 0, n = aglm_answerer_space(&s->shape, space); i < n; i++)
        s->values[i] = space[i].start;
}

static void tear_down(scene *s)
{
    said_clear(&s->lm);
    aglm_example_set_free(s->set);
    aglm_str_clear(&s->guess.evidence);
    aglm_table_free(s->table);
}

static aglm_answerer *make(scene *s)
{
    aglm_answerer *a = NULL;
    aglm_error err = {0};

    if (aglm_answerer_new(&a, s->values, &s->source, &err))
        fail_msg("%s", err.msg);
    return a;
}

/* What the model is asked about these fields by the prompt of the values. */
static const char *asked(scene *s, const char *first, const char *second)
{
    const char *const fields[] = {first, second};
    aglm_answerer *a = make(s);
    aglm_asker *k = NULL;
    aglm_lm_answer answer;
    aglm_error err = {0};

    aglm_lm_answer_init(&answer);
    if (aglm_asker_new(&k, a, &s->lm.lm, &err) || aglm_asker_ask(k, fields, &answer, &err))
        fail_msg("%s", err.msg);
    assert_string_equal(answer.text.data, "42");
    aglm_lm_answer_clear(&answer);
    aglm_asker_free(k);
    aglm_answerer_free(a);
    return s->lm.asked.data;
}

static void a_plain_question_comes_first(void **state)
{
    scene s;

    (void)state;
    set_up(&s, SUMS, CHATML, AGLM_PROMPT_ARITHMETIC);
    assert_true(s.shape.chat && s.shape.derived && !s.shape.passage && !s.shape.json);
    assert_int_equal(s.shape.longest_tokens, 10);
    assert_string_equal(asked(&s, "7 and 8?", NULL),
                        "<|im_start|>system\nBe kind.<|im_end|>\n<|im_start|>user\n|Solve the "
                        "problem. Answer with the number only.\n\n7 and 8?<|im_end|>\n"
                        "<|im_start|>assistant\n");
    assert_string_equal(s.lm.stops.data, "");
    assert_int_equal(s.lm.max_tokens, 2 * 12 + 16);
    tear_down(&s);
}

static void examples_are_turns_of_a_conversation(void **state)
{
    scene s;

    (void)state;
    set_up(&s, SUMS, CHATML, AGLM_PROMPT_ARITHMETIC);
    s.values[AGLM_ANSWER_LAYOUT] = AGLM_LAYOUT_CHAT;
    s.values[AGLM_ANSWER_INSTRUCTION] = 1;
    s.values[AGLM_ANSWER_SHOTS] = 1;
    s.values[AGLM_ANSWER_STEPS] = 1;
    const char *text = asked(&s, "7 and 8?", NULL);
    assert_int_equal(strncmp(text,
                             "<|im_start|>system\nSolve the problem.<|im_end|>\n"
                             "<|im_start|>user\n",
                             65),
                     0);
    assert_null(strstr(text, "="));
    assert_non_null(strstr(text, "<|im_end|>\n<|im_start|>user\n|7 and 8?<|im_end|>\n"
                                 "<|im_start|>assistant\n"));
    tear_down(&s);
}

static void layouts_of_plain_text(void **state)
{
    static const struct {
        aglm_answer_layout layout;
        const char *text, *stops;
    } cases[] = {
        {AGLM_LAYOUT_WORDS, "|Question: 7 and 8?\nAnswer:", "\n\n|\nQuestion|"},
        {AGLM_LAYOUT_INPUT, "|Input: 7 and 8?\nOutput:", "\n\n|\nInput|"},
        {AGLM_LAYOUT_COLUMNS, "|question: 7 and 8?\nanswer:", "\n\n|\nquestion|"},
        {AGLM_LAYOUT_ARROW, "|7 and 8? =>", "\n\n|"},
    };
    scene s;

    (void)state;
    set_up(&s, SUMS, NULL, AGLM_PROMPT_ARITHMETIC);
    assert_false(s.shape.chat);
    s.values[AGLM_ANSWER_INSTRUCTION] = 0;
    s.values[AGLM_ANSWER_STOP] = AGLM_STOP_BLANK;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        s.values[AGLM_ANSWER_LAYOUT] = cases[i].layout;
        assert_string_equal(asked(&s, "7 and 8?", NULL), cases[i].text);
        assert_string_equal(s.lm.stops.data, cases[i].stops);
    }
    s.values[AGLM_ANSWER_STOP] = AGLM_STOP_LINE;
    asked(&s, "7 and 8?", NULL);
    assert_string_equal(s.lm.stops.data, "\n|");
    tear_down(&s);
}

static void examples_show_short_and_long_answers(void **state)
{
    scene s;

    (void)state;
    set_up(&s, SUMS, NULL, AGLM_PROMPT_ARITHMETIC);
    s.values[AGLM_ANSWER_LAYOUT] = AGLM_LAYOUT_WORDS;
    s.values[AGLM_ANSWER_INSTRUCTION] = 0;
    s.values[AGLM_ANSWER_SHOTS] = 2;
    for (unsigned draw = 0; draw < 8; draw++) {
        s.values[AGLM_ANSWER_DRAW] = draw;
        const char *text = asked(&s, "7 and 8?", NULL);
        assert_true(!strstr(text, "1 + 1 = 2\n") != !strstr(text, "2 + 3 = 5\n"));
        assert_true(!strstr(text, "5 + 6 = 11\n") != !strstr(text, "9 + 9 = 18\n"));
        assert_non_null(strstr(text, "\n\n|Question: 7 and 8?\nAnswer:"));
    }
    tear_down(&s);
}

static void the_most_alike_stands_last(void **state)
{
    scene s;

    (void)state;
    set_up(&s, SUMS, NULL, AGLM_PROMPT_ARITHMETIC);
    s.values[AGLM_ANSWER_LAYOUT] = AGLM_LAYOUT_ARROW;
    s.values[AGLM_ANSWER_INSTRUCTION] = 0;
    s.values[AGLM_ANSWER_SHOTS] = 3;
    s.values[AGLM_ANSWER_CHOICE] = 1;
    s.values[AGLM_ANSWER_DRAW] = NAN;
    const char *text = asked(&s, "5 and 6?", NULL);
    assert_non_null(strstr(text, "5 and 6? => 5 + 6 = 11\n5 and 6? =>"));
    assert_int_equal(text[0], '|'); /* nothing is the same for every question */
    tear_down(&s);
}

static void chinese_passages(void **state)
{
    scene s;

    (void)state;
    set_up(&s, PASSAGES, NULL, AGLM_PROMPT_QUESTION_ANSWERING);
    assert_true(s.shape.passage && s.set->chinese);
    s.values[AGLM_ANSWER_STOP] = AGLM_STOP_LINE;
    assert_string_equal(
        asked(&s, "罗马很古老。", "什么古老？"),
        "用尽量少的字回答问题，只写答案。\n\n|文章：罗马很古老。\n问题：什么古老？\n"
        "答案：");
    tear_down(&s);
}

static void long_passages_are_cut(void **state)
{
    static const char text[] = "Bees make honey. The Nile flows north. Rome is old. Cats sleep.";
    aglm_str s;

    (void)state;
    aglm_str_init(&s, 1000);
    aglm_answer_cut(&s, text, 12, false, "");
    assert_string_equal(s.data, "Bees make ho");
    aglm_str_reset(&s);
    aglm_answer_cut(&s, text, 24, true, "Where does the river Nile flow? north?");
    assert_non_null(strstr(s.data, "Nile flows north"));
    assert_int_equal(s.len, 24);
    aglm_str_reset(&s);
    aglm_answer_cut(&s, text, 1000, true, "Rome");
    assert_string_equal(s.data, text);
    aglm_str_reset(&s);
    aglm_answer_cut(&s, "尼罗河向北流。罗马很古老。猫睡觉。", 6, true, "罗马古老吗？");
    assert_non_null(strstr(s.data, "罗马很古老"));
    assert_int_equal(s.len, 18);
    aglm_str_clear(&s);
}

static void what_was_stored_is_what_is_loaded(void **state)
{
    scene s;
    aglm_model *back;
    aglm_str a, b;
    aglm_error err = {0};

    (void)state;
    set_up(&s, SUMS, CHATML, AGLM_PROMPT_ARITHMETIC);
    s.values[AGLM_ANSWER_SHOTS] = 2;
    s.values[AGLM_ANSWER_CHOICE] = 1;
    aglm_answerer *made = make(&s);
    aglm_str_init(&a, 1 << 20);
    aglm_str_init(&b, 1 << 20);
    assert_int_equal(aglm_answerer_save(aglm_answerer_model(made), &a, &err), AGLM_OK);
    assert_int_equal(aglm_answerer_load(&back, a.data, a.len, &err), AGLM_OK);
    assert_int_equal(aglm_answerer_save(back, &b, &err), AGLM_OK);
    assert_string_equal(a.data, b.data);
    assert_string_equal(aglm_answerer_field(aglm_answerer_of(back), 0), "question");
    aglm_model_free(back);
    for (size_t n = 0; n + 1 < a.len; n++)
        assert_int_equal(aglm_answerer_load(&back, a.data, n, &err), AGLM_FORMAT);
    aglm_str_clear(&a);
    aglm_str_clear(&b);
    aglm_answerer_free(made);
    tear_down(&s);
}

static void another_file_is_refused(void **state)
{
    scene s;
    aglm_asker *k;
    aglm_error err = {0};

    (void)state;
    set_up(&s, SUMS, NULL, AGLM_PROMPT_ARITHMETIC);
    aglm_answerer *a = make(&s);
    a->file_bytes++;
    assert_int_equal(aglm_asker_new(&k, a, &s.lm.lm, &err), AGLM_FORMAT);
    assert_non_null(strstr(err.msg, "the prompt was found for a model of"));
    aglm_answerer_free(a);
    s.source.file = "/nowhere.gguf";
    assert_int_equal(aglm_answerer_new(&a, s.values, &s.source, &err), AGLM_NOTFOUND);
    assert_null(a);
    tear_down(&s);
}

static void starts_lie_in_the_space(void **state)
{
    scene s;
    aglm_hparam space[AGLM_HPARAM_MAX];
    double v[AGLM_HPARAM_MAX];
    size_t starts = 0;

    (void)state;
    set_up(&s, SUMS, CHATML, AGLM_PROMPT_ARITHMETIC);
    size_t n = aglm_answerer_space(&s.shape, space);
    assert_int_equal(n, AGLM_ANSWER_N);
    for (; aglm_answerer_start(&s.shape, starts, v); starts++)
        for (size_t i = 0; i < n; i++)
            assert_true(v[i] >= 0 && v[i] < (space[i].n_choices ? (double)space[i].n_choices : 8));
    assert_int_equal(starts, 2);
    tear_down(&s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_plain_question_comes_first),
        cmocka_unit_test(examples_are_turns_of_a_conversation),
        cmocka_unit_test(layouts_of_plain_text),
        cmocka_unit_test(examples_show_short_and_long_answers),
        cmocka_unit_test(the_most_alike_stands_last),
        cmocka_unit_test(chinese_passages),
        cmocka_unit_test(long_passages_are_cut),
        cmocka_unit_test(what_was_stored_is_what_is_loaded),
        cmocka_unit_test(another_file_is_refused),
        cmocka_unit_test(starts_lie_in_the_space),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
