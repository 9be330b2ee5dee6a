#include "unit.h"

#include "prompt_data.h"

static aglm_prompt_task_guess detect(const char *text)
{
    aglm_prompt_task_guess g;

    aglm_prompt_task_detect(text, strlen(text), &g);
    return g;
}

static void assert_task(const char *text, aglm_prompt_task expected)
{
    aglm_prompt_task_guess g = detect(text);

    if (g.task != expected)
        print_error("%s: %s\n", text, aglm_prompt_task_name(g.task));
    assert_int_equal(g.task, expected);
}

static void names_are_read_back(void **state)
{
    aglm_prompt_task t;

    for (int i = 0; i < AGLM_PROMPT_TASKS; i++) {
        assert_true(aglm_prompt_task_from_name(aglm_prompt_task_name((aglm_prompt_task)i), &t));
        assert_int_equal(t, i);
    }
    assert_string_equal(aglm_prompt_task_name((aglm_prompt_task)99), "unknown");
}

static void names_from_elsewhere_are_known(void **state)
{
    static const struct {
        const char *name;
        aglm_prompt_task task;
    } known[] = {
        {"Text_Generation", AGLM_PROMPT_TEXT_GENERATION},
        {"textgeneration", AGLM_PROMPT_TEXT_GENERATION},
        {"token-classification", AGLM_PROMPT_EXTRACTION},
        {"NER", AGLM_PROMPT_EXTRACTION},
        {"summarisation", AGLM_PROMPT_SUMMARIZATION},
        {"qa", AGLM_PROMPT_QUESTION_ANSWERING},
        {"translation_en_to_fr", AGLM_PROMPT_TRANSLATION},
        {"math", AGLM_PROMPT_ARITHMETIC},
        {"sentiment-analysis", AGLM_PROMPT_CLASSIFICATION},
    };
    aglm_prompt_task t;

    for (size_t i = 0; i < sizeof known / sizeof known[0]; i++) {
        assert_true(aglm_prompt_task_from_name(known[i].name, &t));
        assert_int_equal(t, known[i].task);
    }
    assert_false(aglm_prompt_task_from_name("", &t));
    assert_false(aglm_prompt_task_from_name("translations", &t));
    assert_false(aglm_prompt_task_from_name("regression", &t));
}

static void words_inside_the_material_do_not_mislead(void **state)
{
    assert_task("Translate this code to Python:\n```c\nint main(void) { return 0; }\n```",
                AGLM_PROMPT_CODE);
    assert_task("Translate to German: \"Classify the text and summarize it.\"",
                AGLM_PROMPT_TRANSLATION);
    assert_task(
        "Summarize the following article.\n\nThe teacher said: translate every sentence, and "
        "rewrite what you find.",
        AGLM_PROMPT_SUMMARIZATION);
    assert_task("Write a story in which a girl counts 3 apples and 12 pears.",
                AGLM_PROMPT_TEXT_GENERATION);
}

static void a_text_that_stops_short_goes_on(void **state)
{
    assert_task("人工智能的未来发展方向是", AGLM_PROMPT_TEXT_GENERATION);
    assert_task("When the two brothers reached the river,", AGLM_PROMPT_TEXT_GENERATION);
}

static void traditional_characters_are_read(void **state)
{
    assert_task("請將以下句子翻譯成英文：今天天氣很好。", AGLM_PROMPT_TRANSLATION);
    assert_task("請總結這篇文章。", AGLM_PROMPT_SUMMARIZATION);
}

static void the_language_is_that_of_the_asking(void **state)
{
    assert_int_equal(detect("What is the capital of France?").language, AGLM_PROMPT_ENGLISH);
    assert_int_equal(detect("中国的首都是哪里？").language, AGLM_PROMPT_CHINESE);
    assert_int_equal(detect("用pandas怎么合并两个DataFrame").language, AGLM_PROMPT_CHINESE);
    assert_int_equal(detect("Какая столица России?").language, AGLM_PROMPT_OTHER_LANGUAGE);
    assert_int_equal(detect("今日はとてもいい天気ですね。").language, AGLM_PROMPT_OTHER_LANGUAGE);
    assert_int_equal(detect("Translate to English: 海内存知己，天涯若比邻。").language,
                     AGLM_PROMPT_ENGLISH);
}

static void what_is_found_is_ranked_and_told(void **state)
{
    aglm_prompt_task_guess g = detect("Please summarize this article in two sentences: Rain fell.");
    aglm_str s;

    assert_int_equal(g.task, AGLM_PROMPT_SUMMARIZATION);
    assert_int_equal(g.ranked[0], g.task);
    assert_true(g.confidence > 0.5 && g.confidence <= 1);
    for (int i = 1; i < AGLM_PROMPT_TASKS; i++)
        assert_true(g.score[g.ranked[i - 1]] >= g.score[g.ranked[i]]);
    for (size_t i = 1; i < g.n_evidence; i++)
        assert_true(g.evidence[i - 1].weight >= g.evidence[i].weight);
    aglm_str_init(&s, 4096);
    aglm_prompt_task_tell(&g, &s);
    assert_non_null(strstr(s.data, "task: summarization ("));
    assert_non_null(strstr(s.data, "summarization: \"summarize\""));
    aglm_str_clear(&s);
}

static void no_words_are_no_evidence(void **state)
{
    static const char *const empty[] = {"", " \n\t ", "\xff\xfe", "\xe4\xbd"};
    aglm_prompt_task_guess g;

    for (size_t i = 0; i < sizeof empty / sizeof empty[0]; i++) {
        g = detect(empty[i]);
        assert_true(g.confidence < 0.5);
    }
    aglm_prompt_task_detect("a\0b", 3, &g);
    assert_true(g.confidence < 0.5);
}

/* A megabyte of lines between an order and nothing, or before it. */
static void both_ends_of_a_long_prompt_are_looked_at(void **state)
{
    const size_t n = (size_t)1 << 20;
    const char *order = "Translate the text into French.";
    char *text = malloc(n);

    assert_non_null(text);
    for (size_t i = 0; i < n; i++)
        text[i] = i % 60 ? "the rain it raineth every day "[i % 30] : '\n';
    memcpy(text, order, strlen(order));
    aglm_prompt_task_guess g;
    aglm_prompt_task_detect(text, n, &g);
    assert_int_equal(g.task, AGLM_PROMPT_TRANSLATION);
    memset(text, ' ', strlen(order));
    memcpy(text + n - strlen(order) - 1, order, strlen(order));
    text[n - strlen(order) - 2] = text[n - 1] = '\n';
    aglm_prompt_task_detect(text, n, &g);
    assert_int_equal(g.task, AGLM_PROMPT_TRANSLATION);
    free(text);
}

static double f1_of(const char *name, bool all, aglm_prompt_language language)
{
    char path[4096];
    prompt_rows rows;
    prompt_confusion c = {0};
    aglm_error err = {0};

    snprintf(path, sizeof path, "%s/tests/data/%s", getenv("AGLM_SOURCE_ROOT"), name);
    if (!prompt_rows_read(&rows, path, &err))
        fail_msg("%s", err.msg);
    for (size_t i = 0; i < rows.n; i++) {
        const prompt_row *p = &rows.row[i];
        aglm_prompt_task_guess g;
        if ((!all && p->dev) || p->language != language)
            continue;
        aglm_prompt_task_detect(p->text, p->len, &g);
        c.n[p->task][g.task]++;
    }
    prompt_rows_clear(&rows);
    return prompt_macro_f1(&c);
}

static void tasks_of_the_test_half_are_found(void **state)
{
    assert_true(f1_of("prompts.tsv", false, AGLM_PROMPT_ENGLISH) >= 0.9);
    assert_true(f1_of("prompts.tsv", false, AGLM_PROMPT_CHINESE) >= 0.9);
}

static void tasks_of_prompts_in_another_voice_are_found(void **state)
{
    assert_true(f1_of("prompts_held_out.tsv", true, AGLM_PROMPT_ENGLISH) >= 0.9);
    assert_true(f1_of("prompts_held_out.tsv", true, AGLM_PROMPT_CHINESE) >= 0.9);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(names_are_read_back),
        cmocka_unit_test(names_from_elsewhere_are_known),
        cmocka_unit_test(words_inside_the_material_do_not_mislead),
        cmocka_unit_test(a_text_that_stops_short_goes_on),
        cmocka_unit_test(traditional_characters_are_read),
        cmocka_unit_test(the_language_is_that_of_the_asking),
        cmocka_unit_test(what_is_found_is_ranked_and_told),
        cmocka_unit_test(no_words_are_no_evidence),
        cmocka_unit_test(both_ends_of_a_long_prompt_are_looked_at),
        cmocka_unit_test(tasks_of_the_test_half_are_found),
        cmocka_unit_test(tasks_of_prompts_in_another_voice_are_found),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
