/* Every allocation of parsing and rendering fails once, and then for good. */
#include "autoglm/prompt.h"
#include "lm/chat.h"
#include "oom.h"
#include "unit.h"

static const char TEMPLATE[] =
    "{% macro f(a, b=[1]) %}{{ a ~ b }}{% endmacro %}{% set ns = namespace(x={}) %}"
    "{% for m in messages if m.role %}{{ f(m.content) | upper }}{% set y %}{{ loop.index }}{% endset %}"
    "{{ m | tojson(sort_keys=true) }}{{ y.split() | map('int') | list }}{{ '{:>9}'.format(y) }}"
    "{{ m | dictsort }}{% endfor %}{{ 'x' * 5000 }}{{ range(400) | list | sort | join }}";

static aglm_rc chat(void *arg, aglm_error *err)
{
    static const aglm_chat_message messages[] = {{"user", "hello"}, {"assistant", "\xe4\xbd\xa0"}};
    aglm_jinja *j = NULL;
    aglm_str out;

    (void)arg;
    aglm_str_init(&out, 1 << 20);
    aglm_rc rc = aglm_jinja_new(&j, TEMPLATE, sizeof TEMPLATE - 1, err);
    if (!rc)
        rc = aglm_chat_render(j, messages, 2, NULL, &out, err);
    aglm_jinja_free(j);
    aglm_str_clear(&out);
    return rc;
}

static aglm_rc prompt(void *arg, aglm_error *err)
{
    static const char *const names[] = {"a", "b"};
    static const aglm_prompt_value values[] = {{"a", "1"}, {"b", "2"}};
    aglm_prompt_template *t = NULL;
    char *out = NULL;
    aglm_rc rc = aglm_prompt_template_new(&t, arg, names, 2, err);

    if (!rc)
        rc = aglm_prompt_template_execute(t, values, 2, &out, err);
    free(out);
    aglm_prompt_template_free(t);
    return rc;
}

static void run(oom_scenario scenario, void *arg)
{
    oom_result r;

    for (int lasting = 0; lasting < 2; lasting++) {
        oom_options o = {.lasting = lasting};
        if (!oom_run(scenario, arg, &o, &r))
            fail_msg("%s", r.message);
        assert_true(r.allocations >= 5);
        assert_int_equal(r.refused, r.allocations);
    }
}

static void memory_may_run_out(void **state)
{
    char simple[] = "{a} and {b}\n";
    char jinja[] = "{{ a }}{% if b %}{{ b }}{% endif %}";

    run(chat, NULL);
    run(prompt, simple);
    run(prompt, jinja);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(memory_may_run_out),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
