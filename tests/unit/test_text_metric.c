#include "eval/text_metric.h"

#include <math.h>

#include "unit.h"

static double score(aglm_text_metric m, const char *text, const char *ref)
{
    aglm_text_answer a = {.text = text, .len = strlen(text), .refs = &ref, .n_refs = 1};
    aglm_text_counts c;
    aglm_error err = {0};

    if (aglm_text_count(&c, m, &a, &err) != AGLM_OK)
        fail_msg("%s: %s", aglm_text_metric_name(m), err.msg);
    return aglm_text_value(m, &c, true);
}

static void names_go_there_and_back(void **state)
{
    aglm_text_metric found;

    for (int m = 0; m < AGLM_TEXT_METRICS; m++) {
        assert_true(aglm_text_metric_from_name(aglm_text_metric_name((aglm_text_metric)m), &found));
        assert_int_equal(found, m);
    }
    assert_true(aglm_text_metric_from_name("rouge-l", &found));
    assert_int_equal(found, AGLM_TEXT_ROUGE_L);
    assert_false(aglm_text_metric_from_name("rouge", &found));
}

static void labels_but_for_case_and_marks(void **state)
{
    assert_float_equal(score(AGLM_TEXT_LABEL, " Positive.\n", "positive"), 1, 0);
    assert_float_equal(score(AGLM_TEXT_LABEL, "“正面”。", "正面"), 1, 0);
    assert_float_equal(score(AGLM_TEXT_LABEL, "card_arrival", "card arrival"), 0, 0);
    assert_float_equal(score(AGLM_TEXT_LABEL, "not positive", "positive"), 0, 0);
}

static void answers_normalised(void **state)
{
    assert_float_equal(score(AGLM_TEXT_EXACT, "The  Eiffel Tower!", "eiffel tower"), 1, 0);
    assert_float_equal(score(AGLM_TEXT_EXACT, "《踢爆》。", "踢爆"), 1, 0);
    assert_float_equal(score(AGLM_TEXT_TOKEN_F1, "in the big city", "big city"), 0.8, 1e-9);
    assert_float_equal(score(AGLM_TEXT_TOKEN_F1, "即为踢爆", "踢爆"), 2.0 / 3, 1e-9);
    assert_float_equal(score(AGLM_TEXT_TOKEN_F1, "", "x"), 0, 0);
}

struct number_case {
    const char *text;
    const char *wanted;
    int right;
};

static void numbers(void **state)
{
    static const struct number_case cases[] = {
        {"She has 3 + 4 = 7 apples.", "7", 1},
        {"The total is $1,234.50.", "1234.5", 1},
        {"#### 1,000 is my answer 5", "#### 1000", 1},
        {"so 3/4 of it", "0.75", 1},
        {"1 1/2 cups", "1.5", 1},
        {"about 25%", "25", 1},
        {"about 25%", "0.25", 1},
        {"答案是１２３。", "123", 1},
        {"it is -5 degrees", "-5", 1},
        {"a loss of -$5", "-5", 1},
        {"10-3", "3", 1},
        {"x = .5", "0.5", 1},
        {"1,23", "23", 1},
        {"none", "7", 0},
        {"", "7", 0},
        {"7 or 8", "7", 0},
        {"1/0", "0", 1},
        {"51", "51.0", 1},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        if ((int)score(AGLM_TEXT_NUMERIC, cases[i].text, cases[i].wanted) != cases[i].right)
            fail_msg("%s against %s", cases[i].text, cases[i].wanted);
}

static void json_answers(void **state)
{
    const char *wanted =
        "{\"name\": \"Ann\", \"age\": 3, \"tags\": [\"a\", \"b\"], \"none\": null}";

    assert_float_equal(score(AGLM_TEXT_JSON_VALID, "```json\n{\"a\": 1}\n```", "x"), 1, 0);
    assert_float_equal(score(AGLM_TEXT_JSON_VALID, "{\"a\": 1", "x"), 0, 0);
    assert_float_equal(score(AGLM_TEXT_JSON_F1, wanted, wanted), 1, 0);
    assert_float_equal(
        score(AGLM_TEXT_JSON_F1, "{\"tags\":[\"b\",\"a\"],\"age\":3.0,\"name\":\"ann\"}", wanted),
        1, 0);
    assert_float_equal(score(AGLM_TEXT_JSON_F1, "{\"name\":\"Ann\",\"age\":4}", wanted), 1.0 / 3,
                       1e-9);
    assert_float_equal(score(AGLM_TEXT_JSON_F1, "no JSON", wanted), 0, 0);
    assert_float_equal(score(AGLM_TEXT_JSON_F1, "[{\"t\":\"LOC\",\"s\":\"Rome\"}]",
                             "[{\"s\":\"Rome\",\"t\":\"LOC\"},{\"s\":\"Ann\",\"t\":\"PER\"}]"),
                       2.0 / 3, 1e-9);
    assert_float_equal(score(AGLM_TEXT_JSON_F1, "[]", "[]"), 1, 0);
}

static void bleu_and_chrf(void **state)
{
    assert_float_equal(score(AGLM_TEXT_BLEU, "the cat sat on the mat", "the cat sat on the mat"), 1,
                       1e-12);
    assert_float_equal(score(AGLM_TEXT_BLEU, "我喜欢猫和狗", "我喜欢猫和狗"), 1, 1e-12);
    assert_float_equal(score(AGLM_TEXT_BLEU, "", "x"), 0, 0);
    assert_float_equal(score(AGLM_TEXT_CHRF, "a b c", "abc"), 1, 1e-12);
}

static void references_are_checked(void **state)
{
    const char *ref = "no number";
    aglm_text_answer a = {.text = "5", .len = 1, .refs = &ref, .n_refs = 1};
    aglm_text_counts c;
    aglm_error err = {0};

    assert_int_equal(aglm_text_count(&c, AGLM_TEXT_NUMERIC, &a, &err), AGLM_FORMAT);
    assert_non_null(strstr(err.msg, "no number"));
    assert_int_equal(aglm_text_count(&c, AGLM_TEXT_JSON_F1, &a, &err), AGLM_FORMAT);
    a.n_refs = 0;
    assert_int_equal(aglm_text_count(&c, AGLM_TEXT_BLEU, &a, &err), AGLM_INVALID);
    assert_int_equal(aglm_text_count(&c, AGLM_TEXT_JSON_VALID, &a, &err), AGLM_OK);
}

static void macro_f1_of_labels(void **state)
{
    const char *yes = "yes", *no = "no";
    aglm_text_answer a[] = {{.text = "Yes.", .len = 4, .refs = &yes, .n_refs = 1},
                            {.text = "no", .len = 2, .refs = &yes, .n_refs = 1},
                            {.text = "NO", .len = 2, .refs = &no, .n_refs = 1},
                            {.text = "maybe", .len = 5, .refs = &no, .n_refs = 1}};
    double macro;

    assert_int_equal(aglm_text_label_f1(&macro, a, 4, NULL), AGLM_OK);
    assert_float_equal(macro, (2.0 / 3 + 0.5) / 2, 1e-12);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(names_go_there_and_back),
        cmocka_unit_test(labels_but_for_case_and_marks),
        cmocka_unit_test(answers_normalised),
        cmocka_unit_test(numbers),
        cmocka_unit_test(json_answers),
        cmocka_unit_test(bleu_and_chrf),
        cmocka_unit_test(references_are_checked),
        cmocka_unit_test(macro_f1_of_labels),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
