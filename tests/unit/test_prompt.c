/* Prompt templates of both forms, and the mistakes that are named. */
#include "autoglm/prompt.h"
#include "unit.h"

static const char *const NAMES[] = {"text", "label"};
static const aglm_prompt_value VALUES[] = {{"text", "a \"b\"\n{label}"}, {"label", "yes"}};

static void gives(const char *text, const char *expected)
{
    aglm_prompt_template *t = NULL;
    aglm_error err = {0};
    char *out = NULL;

    if (aglm_prompt_template_new(&t, text, NAMES, 2, &err))
        fail_msg("%s: %s", text, err.msg);
    if (aglm_prompt_template_execute(t, VALUES, 2, &out, &err))
        fail_msg("%s: %s", text, err.msg);
    assert_string_equal(out, expected);
    free(out);
    aglm_prompt_template_free(t);
}

static void refuses(const char *text, const char *why)
{
    aglm_prompt_template *t = NULL;
    aglm_error err = {0};

    assert_true(aglm_prompt_template_new(&t, text, NAMES, 2, &err) < 0);
    assert_null(t);
    if (!strstr(err.msg, why))
        fail_msg("%s: %s", text, err.msg);
}

static void both_forms(void **state)
{
    gives("Text: {text}\nLabel: {label}\n", "Text: a \"b\"\n{label}\nLabel: yes\n");
    gives("{\"q\": {label}} { x } {1}", "{\"q\": yes} { x } {1}");
    gives("{{ text | length }} {% if label == 'yes' %}{{ label | upper }}{% endif %}", "13 YES");
    gives("", "");
}

static void unknown_variables(void **state)
{
    refuses("a\nb {labell}",
            "line 2, column 3: unknown variable 'labell'; the input variables are: text, label");
    refuses("{{ label }}\n {{ foo }}", "line 2, column 5: unknown variable 'foo'");
    refuses("{{ label", "ends inside {{ }}");
    refuses("{% for x in labels %}{% endfor %}", "'labels'");
}

static void values_must_fit(void **state)
{
    static const aglm_prompt_value odd[] = {{"text", "x"}, {"label", "y"}, {"z", "z"}};
    aglm_prompt_template *t = NULL;
    aglm_error err = {0};
    char *out = NULL;

    assert_int_equal(aglm_prompt_template_new(&t, "{text}", NAMES, 2, &err), AGLM_OK);
    assert_int_equal(aglm_prompt_template_execute(t, VALUES, 1, &out, &err), AGLM_INVALID);
    assert_non_null(strstr(err.msg, "no value for the input variable 'label'"));
    assert_int_equal(aglm_prompt_template_execute(t, odd, 3, &out, &err), AGLM_INVALID);
    assert_non_null(strstr(err.msg, "'z'"));
    assert_null(out);
    aglm_prompt_template_free(t);
    aglm_prompt_template_free(NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(both_forms),
        cmocka_unit_test(unknown_variables),
        cmocka_unit_test(values_must_fit),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
