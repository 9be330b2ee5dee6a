/* A conversation through a template; what templates refuse. */
#include "lm/chat.h"
#include "unit.h"

static const char CHATML[] =
    "{% for m in messages %}{% if m.role == 'bad' %}{{ raise_exception('bad role') }}{% endif %}"
    "{{ bos_token }}<|{{ m.role }}|>\n{{ m.content }}\n{% endfor %}"
    "{% if add_generation_prompt %}<|assistant|>{% endif %}{{ '/no' if enable_thinking is false }}";
static const aglm_chat_message MESSAGES[] = {{"system", "You \"help\""}, {"user", "\xe4\xbd\xa0"}};

static void a_conversation_is_rendered(void **state)
{
    aglm_jinja *j = NULL;
    aglm_json_doc *extra = NULL;
    aglm_str out;

    aglm_str_init(&out, 1 << 16);
    assert_int_equal(aglm_jinja_new(&j, CHATML, sizeof CHATML - 1, NULL), AGLM_OK);
    assert_int_equal(aglm_json_parse(&extra, "{\"enable_thinking\":false}", 25, NULL, NULL),
                     AGLM_OK);
    aglm_chat_options o = {.add_generation_prompt = true, .bos_token = "<s>"};
    o.extra = aglm_json_root(extra);
    assert_int_equal(aglm_chat_render(j, MESSAGES, 2, &o, &out, NULL), AGLM_OK);
    assert_string_equal(out.data,
                        "<s><|system|>\nYou \"help\"\n<s><|user|>\n\xe4\xbd\xa0\n<|assistant|>/no");
    aglm_str_reset(&out);
    assert_int_equal(aglm_chat_render(j, MESSAGES, 1, NULL, &out, NULL), AGLM_OK);
    assert_string_equal(out.data, "<|system|>\nYou \"help\"\n");
    aglm_jinja_free(j);
    aglm_json_free(extra);
    aglm_str_clear(&out);
}

static void the_template_may_refuse(void **state)
{
    static const aglm_chat_message bad[] = {{"bad", "x"}};
    aglm_jinja *j = NULL;
    aglm_str out;
    aglm_error err = {0};

    aglm_str_init(&out, 1 << 16);
    assert_int_equal(aglm_jinja_new(&j, CHATML, sizeof CHATML - 1, NULL), AGLM_OK);
    assert_int_equal(aglm_chat_render(j, bad, 1, NULL, &out, &err), AGLM_INVALID);
    assert_non_null(strstr(err.msg, "bad role"));
    assert_string_equal(out.data, "");
    aglm_jinja_free(j);
    aglm_str_clear(&out);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_conversation_is_rendered),
        cmocka_unit_test(the_template_may_refuse),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
