/* Every allocation of what stands around a language model fails once, and then for good: prompts,
 * chat templates, checks, grammars, settings, prompts that were found, requests to services. */
#include <stdlib.h>

#include "autoglm/prompt.h"
#include "lm/chat.h"
#include "lm/check.h"
#include "lm/grammar.h"
#include "lm/preset.h"
#include "lm/prompt_task.h"
#include "lm/prompted_priv.h"
#include "lm/remote_reply.h"
#include "lm/remote_service.h"
#include "lm/runtime_remote.h"
#include "oom.h"
#include "unit.h"

static void assert_survives(oom_scenario scenario)
{
    for (int lasting = 0; lasting < 2; lasting++) {
        oom_result result;
        const oom_options options = {.lasting = lasting};
        if (!oom_run(scenario, NULL, &options, &result))
            fail_msg("%s", result.message);
        assert_true(result.refused > 0);
    }
}

static aglm_rc str_rc(const aglm_str *s, aglm_error *err)
{
    return s->rc == AGLM_OK ? AGLM_OK : aglm_error_set(err, s->rc, "a text");
}

/* ---- prompts ---- */

static aglm_rc fill_template(void *arg, aglm_error *err)
{
    static const char *const NAMES[] = {"text", "language"};
    const aglm_prompt_value values[] = {{"text", "人工智能"}, {"language", "English"}};
    aglm_prompt_template *t = NULL;
    char *out = NULL;

    aglm_rc rc = aglm_prompt_template_new(&t, "Say {text} in {language}.\n", NAMES, 2, err);
    if (rc == AGLM_OK)
        rc = aglm_prompt_template_execute(t, values, 2, &out, err);
    free(out);
    aglm_prompt_template_free(t);
    return rc;
}

static aglm_rc render_chat(void *arg, aglm_error *err)
{
    static const char TEXT[] = "{% for m in messages %}<|{{ m.role }}|>{{ m.content | trim }}"
                               "{% endfor %}{% if add_generation_prompt %}<|assistant|>{% endif %}";
    static const aglm_chat_message MESSAGES[] = {{"system", " be short "}, {"user", "你好"}};
    const aglm_chat_options o = {.add_generation_prompt = true, .bos_token = "<s>"};
    aglm_jinja *j = NULL;
    aglm_str out;

    aglm_str_init(&out, 1 << 16);
    aglm_rc rc = aglm_jinja_new(&j, TEXT, sizeof TEXT - 1, err);
    if (rc == AGLM_OK)
        rc = aglm_chat_render(j, MESSAGES, 2, &o, &out, err);
    aglm_jinja_free(j);
    aglm_str_clear(&out);
    return rc;
}

static aglm_rc tell_task(void *arg, aglm_error *err)
{
    static const char PROMPT[] = "Translate into Chinese: the film is good.";
    aglm_prompt_task_guess g;
    aglm_str out;

    aglm_str_init(&out, 1 << 16);
    aglm_prompt_task_detect(PROMPT, sizeof PROMPT - 1, &g);
    aglm_prompt_task_tell(&g, &out);
    aglm_rc rc = str_rc(&out, err);
    aglm_str_clear(&out);
    return rc;
}

static void prompts(void **state)
{
    assert_survives(fill_template);
    assert_survives(render_chat);
    assert_survives(tell_task);
}

/* ---- checks and settings ---- */

#ifdef AGLM_HAVE_PCRE2
#define A_PATTERN "\"pattern\":\"^b\","
static aglm_rc make_pattern(aglm_regex **out, aglm_error *err)
{
    return aglm_regex_new(out, "^.a", 3, NULL, err);
}
#else
#define A_PATTERN
static aglm_rc make_pattern(aglm_regex **out, aglm_error *err)
{
    *out = NULL;
    return AGLM_OK;
}
#endif

static aglm_rc check_answer(void *arg, aglm_error *err)
{
    static const char TEXT[] = "{\"a\": \"bad word, bad word, bad word and more of it\"}";
    static const char SCHEMA[] = "{\"properties\":{\"a\":{" A_PATTERN "\"enum\":[\"x\"]}},"
                                 "\"unevaluatedProperties\":false}";
    static const char *const SAMPLES[] = {"{\"a\": \"good\"}", "bad word"};
    aglm_check_options o = {.prompt = "Say bad word",
                            .prompt_len = 12,
                            .cut = true,
                            .samples = SAMPLES,
                            .n_samples = 2};
    aglm_json_schema *schema = NULL;
    aglm_word_list *words = NULL;
    aglm_regex *pattern = NULL;
    aglm_check_report report;

    aglm_rc rc = aglm_json_schema_new(&schema, SCHEMA, sizeof SCHEMA - 1, err);
    if (rc == AGLM_OK)
        rc = make_pattern(&pattern, err);
    if (rc == AGLM_OK)
        rc = aglm_word_list_new(&words, "bad word\n坏\n", 13, err);
    o.schema = schema;
    o.words = words;
    o.pattern = pattern;
    if (rc == AGLM_OK)
        rc = aglm_check_run(&report, TEXT, sizeof TEXT - 1, &o, err);
    aglm_json_schema_free(schema);
    aglm_word_list_free(words);
    aglm_regex_free(pattern);
    return rc;
}

static aglm_rc make_grammar(void *arg, aglm_error *err)
{
    static const char SCHEMA[] =
        "{\"type\":\"object\",\"properties\":{\"a\":{\"enum\":[1,\"x\"],\"unevaluatedItems\":true},"
        "\"b\":{\"type\":\"array\",\"items\":{\"$ref\":\"#/$defs/n\"},\"maxItems\":3}},"
        "\"required\":[\"a\"],\"$defs\":{\"n\":{\"anyOf\":[{\"minimum\":-2,\"maximum\":77.5},"
        "{\"const\":{\"k\":[null]}}]}}}";
    aglm_json_schema *schema = NULL;
    aglm_str out;

    aglm_str_init(&out, 1 << 20);
    aglm_rc rc = aglm_json_schema_new(&schema, SCHEMA, sizeof SCHEMA - 1, err);
    if (rc == AGLM_OK)
        rc = aglm_grammar_from_schema(&out, schema, err);
    aglm_json_schema_free(schema);
    aglm_str_clear(&out);
    return rc;
}

/* Written and read again. */
static aglm_rc read_preset(void *arg, aglm_error *err)
{
    aglm_preset presets[AGLM_PRESETS_MAX];
    aglm_json_doc *doc = NULL;
    aglm_json_writer w;
    aglm_str text;

    aglm_presets(AGLM_PROMPT_CHAT, NULL, presets);
    aglm_str_init(&text, 1 << 16);
    aglm_json_writer_init(&w, &text);
    aglm_decoding_put(&presets[3].decoding, &w);
    aglm_rc rc = str_rc(&text, err);
    if (rc == AGLM_OK)
        rc = aglm_json_parse(&doc, text.data, text.len, NULL, err);
    if (rc == AGLM_OK)
        rc = aglm_decoding_get(aglm_json_root(doc), &presets[0].decoding, err);
    aglm_json_free(doc);
    aglm_str_clear(&text);
    return rc;
}

static void checks_and_settings(void **state)
{
    assert_survives(check_answer);
    assert_survives(make_grammar);
    assert_survives(read_preset);
}

/* ---- a prompt that was found ---- */

static aglm_rc load_and_save(void *arg, aglm_error *err)
{
    static const char MODEL[] =
        "{\"version\":1,\"model\":\"m.gguf\",\"model_bytes\":9,\"max_chars\":100,\"mean\":true,"
        "\"prefix\":\"Is it good?\",\"before\":\"Text: \",\"after\":\"\\nAnswer:\","
        "\"answers\":[\" yes\",\" no\"],\"bias\":[0.5,-0.5]}";
    aglm_model *m = NULL;
    aglm_str out;

    aglm_str_init(&out, 1 << 20);
    aglm_rc rc = aglm_prompted_load(&m, MODEL, sizeof MODEL - 1, err);
    if (rc == AGLM_OK)
        rc = aglm_prompted_save(m, &out, err);
    if (m)
        aglm_prompted_free(m);
    aglm_str_clear(&out);
    return rc;
}

static void prompt_that_was_found(void **state)
{
    assert_survives(load_and_save);
}

/* ---- services ---- */

static aglm_rc ask_service(void *arg, aglm_error *err)
{
    static const aglm_lm_message MESSAGES[] = {{"user", "hello \"you\""}};
    static const char *const STOP[] = {"\n\n", "STOP"};
    const aglm_remote_service *service = aglm_remote_service_find("llama", "");
    const aglm_remote_target target = {service, "m", NULL, false};
    aglm_decoding d;
    aglm_str url, body;
    bool legacy;

    aglm_decoding_init(&d);
    d.top_k = 3;
    aglm_lm_request r = {.messages = MESSAGES,
                         .n_messages = 1,
                         .decoding = &d,
                         .stop = STOP,
                         .n_stop = 2,
                         .limit_s = 1,
                         .want_log_prob = true,
                         .grammar = "root ::= \"a\""};
    aglm_str_init(&url, 4096);
    aglm_str_init(&body, 1 << 20);
    aglm_remote_url(service, "http://localhost:8000", &url, &legacy);
    aglm_rc rc = str_rc(&url, err);
    if (rc == AGLM_OK)
        rc = aglm_remote_body(&target, &r, &body, err);
    r.n_messages = 0;
    r.prefix = "the ";
    r.prompt = "prompt";
    if (rc == AGLM_OK)
        rc = aglm_remote_body(&target, &r, &body, err);
    aglm_str_clear(&url);
    aglm_str_clear(&body);
    return rc;
}

static bool hear(void *arg, const char *piece, size_t n)
{
    return true;
}

static aglm_rc read_answers(void *arg, aglm_error *err)
{
    static const char WHOLE[] = "{\"choices\":[{\"message\":{\"content\":\"yes\"},"
                                "\"finish_reason\":\"stop\"}],\"usage\":{\"prompt_tokens\":3}}";
    static const char SCORED[] = "{\"choices\":[{\"logprobs\":{\"token_logprobs\":[null,-1,-2,-3],"
                                 "\"text_offset\":[0,1,2,3]}}]}";
    const aglm_lm_request request = {.on_piece = hear};
    aglm_remote_reply reply;
    aglm_str text, body;
    double score;
    int64_t tokens;

    aglm_str_init(&text, 1 << 16);
    aglm_str_init(&body, 1 << 16);
    aglm_remote_reply_init(&reply, &request, "key", &text);
    aglm_rc rc = aglm_remote_reply_whole(&reply, WHOLE, sizeof WHOLE - 1, err);
    if (rc == AGLM_OK)
        rc = aglm_remote_reply_end(&reply, false, err);
    aglm_str_puts(&body, SCORED);
    if (rc == AGLM_OK)
        rc = str_rc(&body, err);
    if (rc == AGLM_OK)
        rc = aglm_remote_score(&body, 3, 2, &score, &tokens, err);
    aglm_str_clear(&text);
    aglm_str_clear(&body);
    return rc;
}

/* What is left of a complaint when memory is out says less, but nothing wrong. */
static aglm_rc read_complaint(void *arg, aglm_error *err)
{
    static const char BODY[] = "{\"error\":{\"message\":\"key is wrong\",\"code\":\"x\"}}";
    char words[100];

    aglm_remote_complaint(BODY, sizeof BODY - 1, "key", words, sizeof words);
    assert_null(strstr(words, "key"));
    return AGLM_OK;
}

static aglm_rc open_service(void *arg, aglm_error *err)
{
    aglm_lm_remote_options o;
    aglm_lm *lm = NULL;

    aglm_lm_remote_options_init(&o);
    o.service = "glm";
    o.thinking = "disabled";
    o.key_env = "AGLM_TEST_KEY";
    aglm_rc rc = aglm_lm_open_remote(&lm, "http://127.0.0.1:9/api/paas/v4", "glm-4", &o, err);
    aglm_lm_close(lm);
    return rc;
}

static void services(void **state)
{
    oom_result result;

    setenv("AGLM_TEST_KEY", "secret", 1);
    assert_survives(ask_service);
    assert_survives(read_answers);
    if (!oom_run(read_complaint, NULL, NULL, &result))
        fail_msg("%s", result.message);
    if (open_service(NULL, NULL) != AGLM_UNSUPPORTED) /* built without libcurl */
        assert_survives(open_service);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(prompts),
        cmocka_unit_test(checks_and_settings),
        cmocka_unit_test(prompt_that_was_found),
        cmocka_unit_test(services),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
