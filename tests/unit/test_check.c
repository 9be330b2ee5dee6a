#include "lm/check.h"

#include "unit.h"

static aglm_check_report run(const char *text, const aglm_check_options *o)
{
    static const aglm_check_options none = {0};
    aglm_check_report r;
    aglm_error err = {0};

    if (aglm_check_run(&r, text, strlen(text), o ? o : &none, &err) != AGLM_OK)
        fail_msg("%s", err.msg);
    return r;
}

static void assert_only(const aglm_check_report *r, aglm_check wanted)
{
    for (int c = 0; c < AGLM_CHECKS; c++)
        if (r->result[c].failed != (c == (int)wanted))
            fail_msg("%s: %g, %s", aglm_check_name((aglm_check)c), r->result[c].score,
                     r->result[c].reason);
    assert_int_equal(r->worst, wanted);
}

static void assert_fails(const aglm_check_report *r, aglm_check c, aglm_mend mend)
{
    assert_true(r->result[c].failed);
    assert_true(r->n_failed >= 1);
    assert_true(r->result[c].reason[0] != '\0');
    if (r->worst == c)
        assert_int_equal(r->mend, mend);
    assert_true(aglm_mend_text(r->mend)[0] != '\0');
}

static void good_outputs_pass(void **state)
{
    static const char *const texts[] = {
        "positive",
        "42",
        "Paris is the capital of France. It lies on the Seine (in the north).",
        "人工智能的未来发展方向包括大模型、多模态和可信计算。",
        "{\"name\": \"Ann\", \"tags\": [\"a\", \"b\"]}",
        "```c\nint main(void) { return 0; }\n```",
        "1. First\n2. Second\n3. Third",
        "房间很大，服务也不错，下次还会再来！",
        "Ha ha ha!",
    };
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        aglm_check_report r = run(texts[i], NULL);
        assert_only(&r, AGLM_CHECKS);
        assert_int_equal(r.n_failed, 0);
        assert_int_equal(r.mend, AGLM_MEND_NONE);
    }
}

static void empty_outputs_fail(void **state)
{
    static const char *const texts[] = {"", "  \n", "...", "。。", "\xff"};

    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        aglm_check_report r = run(texts[i], NULL);
        assert_fails(&r, AGLM_CHECK_EMPTY, AGLM_MEND_RESAMPLE);
    }
}

static void loops_fail(void **state)
{
    aglm_check_report r = run(
        "The answer is simple. I think so. I think so. I think so. I think so. "
        "I think so. I think so.",
        NULL);
    assert_fails(&r, AGLM_CHECK_LOOP, AGLM_MEND_PENALTY);
    r = run("这个酒店很好，我很喜欢我很喜欢我很喜欢我很喜欢我很喜欢我很喜欢我很喜欢", NULL);
    assert_fails(&r, AGLM_CHECK_LOOP, AGLM_MEND_PENALTY);
    r = run("a title\n--------------------------------", NULL);
    assert_false(r.result[AGLM_CHECK_LOOP].failed);
}

static void repetition_fails(void **state)
{
    aglm_check_report r = run(
        "We went to the big market today. Then we came home again. We went to the "
        "big market today. Then we ate. We went to the big market today. Then "
        "we came home again. We went to the big market today.",
        NULL);
    assert_fails(&r, AGLM_CHECK_REPETITION, AGLM_MEND_PENALTY);
}

static void truncated_outputs_fail(void **state)
{
    aglm_check_options cut = {.cut = true};
    aglm_check_report r = run("The capital of France is a large city that lies on the banks of",
                              &cut);

    assert_only(&r, AGLM_CHECK_TRUNCATED);
    assert_int_equal(r.mend, AGLM_MEND_MORE_TOKENS);
    r = run("Here you are:\n```json\n{\"a\": 1}", NULL);
    assert_fails(&r, AGLM_CHECK_TRUNCATED, AGLM_MEND_MORE_TOKENS);
    r = run("The capital of France is Paris.", &cut);
    assert_int_equal(r.n_failed, 0);
}

static void another_language_fails(void **state)
{
    aglm_check_options o = {.prompt = "请介绍一下北京的历史。"};
    const char *english = "Beijing is a city with a long history and many sights.";
    aglm_check_report r;

    o.prompt_len = strlen(o.prompt);
    r = run(english, &o);
    assert_only(&r, AGLM_CHECK_LANGUAGE);
    assert_int_equal(r.mend, AGLM_MEND_SAY_LANGUAGE);
    o.prompt = "把下面的话翻译成英文：北京历史悠久。";
    o.prompt_len = strlen(o.prompt);
    r = run(english, &o);
    assert_int_equal(r.n_failed, 0);
    o.language = "zh";
    r = run(english, &o);
    assert_only(&r, AGLM_CHECK_LANGUAGE);
}

static void formats(void **state)
{
    const char *text = "{\"type\":\"object\",\"required\":[\"name\"]}";
    aglm_json_schema *schema = NULL;
    aglm_check_options o = {0};

    assert_int_equal(aglm_json_schema_new(&schema, text, strlen(text), NULL), AGLM_OK);
    o.schema = schema;
    aglm_check_report r = run("{\"nam\": 1}", &o);
    assert_only(&r, AGLM_CHECK_FORMAT);
    assert_non_null(strstr(r.result[AGLM_CHECK_FORMAT].reason, "\"name\" is missing"));
    assert_int_equal(r.mend, AGLM_MEND_GRAMMAR);
    r = run("{\"name\": 1}", &o);
    assert_int_equal(r.n_failed, 0);
    r = run("My name is Ann.", &o);
    assert_only(&r, AGLM_CHECK_FORMAT);
    aglm_json_schema_free(schema);
}

static void lengths(void **state)
{
    aglm_check_options o = {.min_chars = 3, .max_chars = 5};
    aglm_check_report r = run("中文", &o);

    assert_only(&r, AGLM_CHECK_LENGTH);
    assert_int_equal(r.mend, AGLM_MEND_MORE_TOKENS);
    r = run("中文字", &o);
    assert_int_equal(r.n_failed, 0);
    r = run("abcdefgh", &o);
    assert_only(&r, AGLM_CHECK_LENGTH);
    assert_int_equal(r.mend, AGLM_MEND_FEWER_TOKENS);
}

static void likelihood_against_the_accepted(void **state)
{
    aglm_check_history h = {0};
    aglm_check_options o = {.has_logprob = true, .mean_logprob = -1.2, .history = &h};
    aglm_check_report r;

    for (int i = 0; i < 100; i++)
        aglm_check_history_add(&h, -1 - 0.01 * (i % 20));
    r = run("fine", &o);
    assert_int_equal(r.n_failed, 0);
    o.mean_logprob = -3;
    r = run("fine", &o);
    assert_only(&r, AGLM_CHECK_LIKELIHOOD);
    o.history = NULL;
    r = run("fine", &o);
    assert_int_equal(r.n_failed, 0);
    o.mean_logprob = -5;
    r = run("fine", &o);
    assert_only(&r, AGLM_CHECK_LIKELIHOOD);
}

static void consistency_of_samples(void **state)
{
    const char *const samples[] = {"Paris.", "paris", "Rome", "Lyon"};
    aglm_check_options o = {.samples = samples, .n_samples = 4};
    aglm_check_report r = run("Paris", &o);

    assert_int_equal(r.n_failed, 0);
    assert_float_equal(r.result[AGLM_CHECK_CONSISTENCY].score, 0.5, 1e-9);
    r = run("Nice", &o);
    assert_only(&r, AGLM_CHECK_CONSISTENCY);
}

static void the_prompt_again_fails(void **state)
{
    aglm_check_options o = {.prompt = "Write a short poem about the sea in the winter, please."};
    aglm_check_report r;

    o.prompt_len = strlen(o.prompt);
    r = run(o.prompt, &o);
    assert_only(&r, AGLM_CHECK_COPY);
    r = run("The grey waves roll and break in snow; the gulls are gone, the north winds blow.", &o);
    assert_int_equal(r.n_failed, 0);
}

static void listed_words(void **state)
{
    const char *list = "# what we do not say\nass\nbad phrase\n赌博\n";
    aglm_check_options o = {0};
    aglm_word_list *words = NULL;
    aglm_check_report r;

    assert_int_equal(aglm_word_list_new(&words, list, strlen(list), NULL), AGLM_OK);
    o.words = words;
    assert_int_equal(run("First class passes, assess it.", &o).n_failed, 0);
    assert_int_equal(run("这里可以打赌。", &o).n_failed, 0);
    r = run("You ASS!", &o);
    assert_only(&r, AGLM_CHECK_WORDS);
    assert_non_null(strstr(r.result[AGLM_CHECK_WORDS].reason, "\"ass\""));
    r = run("a Ｂａｄ \n phrase", &o);
    assert_only(&r, AGLM_CHECK_WORDS);
    r = run("他喜欢赌博。", &o);
    assert_only(&r, AGLM_CHECK_WORDS);
    aglm_word_list_free(words);
}

static void bad_lists_are_refused(void **state)
{
    aglm_word_list *words = NULL;
    aglm_error err = {0};

    assert_int_equal(aglm_word_list_new(&words, "a\n\xff\n", 4, &err), AGLM_FORMAT);
    assert_non_null(strstr(err.msg, "line 2"));
    assert_null(words);
}

static void bounds(void **state)
{
    aglm_check_options o = {0};
    aglm_check_report r;
    aglm_error err = {0};
    char *text = malloc(AGLM_CHECK_MAX_BYTES + 1);

    assert_non_null(text);
    memset(text, 'a', AGLM_CHECK_MAX_BYTES + 1);
    assert_int_equal(aglm_check_run(&r, text, AGLM_CHECK_MAX_BYTES + 1, &o, &err), AGLM_LIMIT);
    assert_int_equal(aglm_check_run(&r, text, AGLM_CHECK_MAX_BYTES, &o, &err), AGLM_OK);
    assert_true(r.result[AGLM_CHECK_LOOP].failed);
    free(text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(good_outputs_pass),
        cmocka_unit_test(empty_outputs_fail),
        cmocka_unit_test(loops_fail),
        cmocka_unit_test(repetition_fails),
        cmocka_unit_test(truncated_outputs_fail),
        cmocka_unit_test(another_language_fails),
        cmocka_unit_test(formats),
        cmocka_unit_test(lengths),
        cmocka_unit_test(likelihood_against_the_accepted),
        cmocka_unit_test(consistency_of_samples),
        cmocka_unit_test(the_prompt_again_fails),
        cmocka_unit_test(listed_words),
        cmocka_unit_test(bad_lists_are_refused),
        cmocka_unit_test(bounds),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
