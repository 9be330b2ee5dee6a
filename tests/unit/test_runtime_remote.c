#include "lm/remote_service.h"
#include "lm/runtime_remote.h"

#include <math.h>

#include "base/json.h"
#include "http_server.h"
#include "runtime_contract.h"
#include "unit.h"

#define KEY "sk-secret-0123456789"
#define N(a) (sizeof(a) / sizeof *(a))
#define X4(t) t t t t
#define BYTES_1024 X4(X4(X4("0123456789abcdef")))
#define BYTES_288 X4(X4("0123456789abcdef")) "0123456789abcdef0123456789abcdef"
#define SSE .status = "200 OK", .type = "text/event-stream"
#define PIECE(text) "data: {\"choices\":[{\"index\":0,\"delta\":{\"content\":\"" text "\"}}]}\n\n"
#define END                                                                                        \
    "data: {\"choices\":[{\"index\":0,\"delta\":{},\"finish_reason\":\"stop\"}]}\n\n"              \
    "data: {\"choices\":[],\"usage\":{\"prompt_tokens\":5,\"completion_tokens\":2,"                \
    "\"prompt_tokens_details\":{\"cached_tokens\":3}}}\n\ndata: [DONE]\n\n"
#define WHOLE                                                                                       \
    "{\"choices\":[{\"index\":0,\"message\":{\"role\":\"assistant\",\"content\":\"Paris.\"},"       \
    "\"finish_reason\":\"stop\",\"logprobs\":{\"content\":[{\"token\":\"Paris\",\"logprob\":-0.5}," \
    "{\"token\":\".\",\"logprob\":-0.25}]}}],"                                                      \
    "\"usage\":{\"prompt_tokens\":5,\"completion_tokens\":2}}"

typedef struct asking {
    http_server *server;
    aglm_lm *lm;
    aglm_decoding d;
    aglm_lm_request r;
    aglm_lm_answer answer;
    aglm_error err;
    contract_ear ear;
} asking;

static void begin(asking *a, const http_step *steps, size_t n, const char *path,
                  const aglm_lm_remote_options *given)
{
    aglm_lm_remote_options o;

    aglm_lm_remote_options_init(&o);
    o = given ? *given : o;
    o.retries = 3;
    o.backoff_s = 0.002;
    *a = (asking){.server = http_server_start(steps, n)};
    aglm_lm_answer_init(&a->answer);
    aglm_decoding_init(&a->d);
    aglm_str_init(&a->ear.text, 1 << 20);
    a->r = (aglm_lm_request){.prompt = "The capital of France?", .decoding = &a->d, .arg = &a->ear};
    aglm_rc rc = aglm_lm_open_remote(&a->lm, http_server_url(a->server, path), "m-1", &o, &a->err);
    if (rc == AGLM_UNSUPPORTED) {
        print_message("%s\n", a->err.msg);
        exit(77);
    }
    if (rc != AGLM_OK)
        fail_msg("%s", a->err.msg);
}

static void end(asking *a)
{
    aglm_lm_close(a->lm);
    aglm_lm_answer_clear(&a->answer);
    aglm_str_clear(&a->ear.text);
    http_server_stop(a->server);
}

static aglm_rc generate(asking *a)
{
    a->err.msg[0] = '\0';
    aglm_str_reset(&a->ear.text);
    aglm_rc rc = aglm_lm_generate(a->lm, &a->r, &a->answer, &a->err);
    assert_null(strstr(a->err.msg, "sk-se")); /* nor a part of it */
    return rc;
}

static void the_contract_holds(void **state)
{
    static const http_step steps[] = {{SSE, .text = PIECE("Pa") PIECE("ris") END},
                                      {SSE, .text = PIECE("Pa") PIECE("ris") END},
                                      {.status = "200 OK", .text = WHOLE}};
    asking a;

    (void)state;
    begin(&a, steps, N(steps), "/v1", NULL);
    contract_generate(a.lm, "The capital of France?");
    end(&a);
}

static void a_whole_answer_is_read(void **state)
{
    static const http_step steps[] = {{.status = "200 OK", .text = WHOLE}};
    const aglm_lm_remote_options o = {.price_prompt = 2, .price_answer = 10};
    aglm_lm_usage usage;
    asking a;

    (void)state;
    begin(&a, steps, N(steps), "/v1", &o);
    a.r.want_log_prob = true;
    assert_int_equal(generate(&a), AGLM_OK);
    assert_string_equal(a.answer.text.data, "Paris.");
    assert_int_equal(a.answer.reason, AGLM_LM_STOP);
    assert_int_equal(a.answer.prompt_tokens, 5);
    assert_int_equal(a.answer.tokens, 2);
    assert_true(fabs(a.answer.log_prob + 0.75) < 1e-12);
    assert_int_equal(strncmp(http_server_head(a.server, 0), "POST /v1/chat/completions ", 26), 0);
    assert_string_equal(http_server_body(a.server, 0),
                        "{\"model\":\"m-1\",\"messages\":[{\"role\":\"user\",\"content\":"
                        "\"The capital of France?\"}],\"max_tokens\":256,\"temperature\":0.0,"
                        "\"seed\":0,\"logprobs\":true}");
    aglm_lm_remote_usage(a.lm, &usage);
    assert_int_equal(usage.requests, 1);
    assert_int_equal(usage.uncounted, 0);
    assert_true(fabs(usage.cost - 30e-6) < 1e-15);
    end(&a);
}

static void pieces_come_however_slowly(void **state)
{
    static const http_step steps[] = {
        {SSE, .text = ": hello\n\n" PIECE("\xe5\x8c\x97") PIECE("\xe4\xba\xac") END, .piece = 7,
         .pause_ms = 1}};
    asking a;

    (void)state;
    begin(&a, steps, N(steps), "/v1/", NULL);
    a.r.on_piece = contract_hear;
    a.r.prefix = "Q: ";
    assert_int_equal(generate(&a), AGLM_OK);
    assert_string_equal(a.answer.text.data, "\xe5\x8c\x97\xe4\xba\xac");
    assert_string_equal(a.ear.text.data, a.answer.text.data);
    assert_int_equal(a.answer.prefix_tokens, 3);
    assert_true(a.answer.warm);
    assert_non_null(strstr(http_server_body(a.server, 0), "\"Q: The capital of France?\""));
    assert_non_null(strstr(http_server_body(a.server, 0),
                           "\"stream\":true,\"stream_options\":{\"include_usage\":true}"));
    end(&a);
}

static void stop_words_are_seen_here_too(void **state)
{
    static const http_step steps[] = {
        {SSE, .text = PIECE("Paris\\n") PIECE("\\n") PIECE("Question: more") END},
        {SSE, .text = PIECE("Paris\\nx\\n") END}};
    const char *stop[] = {"never", "\n\nQ"};
    asking a;

    (void)state;
    begin(&a, steps, N(steps), "/v1", NULL);
    a.r.on_piece = contract_hear;
    a.r.stop = stop;
    a.r.n_stop = 2;
    assert_int_equal(generate(&a), AGLM_OK);
    assert_string_equal(a.answer.text.data, "Paris");
    assert_string_equal(a.ear.text.data, "Paris");
    assert_int_equal(a.answer.reason, AGLM_LM_STOP);
    assert_int_equal(generate(&a), AGLM_OK);
    assert_string_equal(a.answer.text.data, "Paris\nx\n");
    assert_string_equal(a.ear.text.data, "Paris\nx\n");
    end(&a);
}

static void glm_gets_what_its_client_sends(void **state)
{
    static const http_step steps[] = {{SSE, .text = PIECE("a") END}};
    const aglm_lm_remote_options o = {.thinking = "disabled"};
    const aglm_lm_message messages[] = {{"system", "Be brief."}, {"user", "Hi"}};
    asking a;

    (void)state;
    begin(&a, steps, N(steps), "/api/paas/v4", &o);
    a.r.on_piece = contract_hear;
    a.r.messages = messages;
    a.r.n_messages = 2;
    assert_int_equal(generate(&a), AGLM_OK);
    a.d.temperature = 1.5;
    assert_int_equal(generate(&a), AGLM_OK);
    assert_string_equal(http_server_body(a.server, 0),
                        "{\"model\":\"m-1\",\"messages\":[{\"role\":\"system\",\"content\":"
                        "\"Be brief.\"},{\"role\":\"user\",\"content\":\"Hi\"}],\"max_tokens\":256,"
                        "\"do_sample\":false,\"seed\":0,\"thinking\":{\"type\":\"disabled\"},"
                        "\"stream\":true}");
    assert_non_null(strstr(http_server_body(a.server, 1),
                           "\"do_sample\":true,\"temperature\":0.99,\"top_p\":0.99,"));
    a.d.top_k = 40;
    assert_int_equal(generate(&a), AGLM_UNSUPPORTED);
    assert_non_null(strstr(a.err.msg, "top_k"));
    end(&a);
}

static const struct {
    http_step step;
    aglm_rc rc;
    const char *says;
} FAILURES[] = {
    {{.status = "401 No", .text = "{\"error\":{\"message\":\"bad key " KEY "\"}}"},
     AGLM_INVALID,
     "the key in $AGLM_TEST_KEY is refused: bad key ****"},
    {{.status = "404 No", .text = "{\"error\":{\"message\":\"nope\"}}"},
     AGLM_NOTFOUND,
     "no model \"m-1\", or the URL is wrong: nope"},
    {{.status = "400 Bad", .text = "{\"error\":{\"code\":\"1210\",\"message\":\"bad seed\"}}"},
     AGLM_INVALID,
     "status 400: bad seed"},
    {{.status = "400 Bad",
      .text = "{\"error\":{\"code\":\"context_length_exceeded\",\"message\":\"long\"}}"},
     AGLM_LIMIT,
     "the prompt is too long: long"},
    {{.status = "429 Slow", .header = "Retry-After: 9999\r\n", .text = "busy"},
     AGLM_BUSY,
     "429 after 1 attempts"},
    {{.status = "501 Oops", .text = BYTES_288 "key: " KEY " and more"}, AGLM_IO, "status 501"},
    {{.status = "500 Oops", .text = "\xff\xfe"}, AGLM_IO, "status 500 after 4 attempts"},
    {{.status = "301 There", .header = "Location: http://127.0.0.1:1/x\r\n", .text = ""},
     AGLM_IO,
     "http://127.0.0.1:1/x"},
    {{.status = "301 There", .header = "Location: http://127.0.0.1:1/?key=" KEY "\r\n", .text = ""},
     AGLM_IO,
     "/?key=****"},
    {{.status = "200 OK", .text = "<html>"}, AGLM_FORMAT, "the service's answer"},
    {{.status = "200 OK", .text = "{}"}, AGLM_FORMAT, "no \"choices\""},
    {{.status = "200 OK", .text = "{\"choices\":[{\"message\":{\"content\":7}}]}"},
     AGLM_FORMAT,
     "a number instead of a text"},
    {{.status = "200 OK", .text = "{\"error\":{\"message\":\"inside\"}}"}, AGLM_IO, "inside"},
    {{SSE, .text = PIECE("Pa") "data: {garbage\n\n"}, AGLM_FORMAT, "the service's answer"},
    {{SSE, .text = PIECE("Pa") PIECE("ris")}, AGLM_IO, "ended before the answer did"},
    {{SSE, .text = PIECE("Pa") PIECE("ris"), .announce = 9999}, AGLM_IO, "broke off"},
    {{SSE, .text = PIECE("Pa") "data: {\"error\":{\"message\":\"died\"}}\n\n"}, AGLM_IO, "died"},
    {{SSE, .text = PIECE("Pa") "data: {\"choices\":[{\"delta\":{},\"finish_reason\":"
                               "\"network_error\"}]}\n\n"},
     AGLM_IO,
     "network"},
    {{.status = "200 OK", .text = BYTES_1024, .repeat = 80000}, AGLM_LIMIT, "longer than"},
};

static void every_failure_is_named(void **state)
{
    const aglm_lm_remote_options o = {.key_env = "AGLM_TEST_KEY"};

    (void)state;
    for (size_t i = 0; i < N(FAILURES); i++) {
        asking a;
        begin(&a, &FAILURES[i].step, 1, "/v1?api-key=" KEY, &o);
        a.r.on_piece = contract_hear;
        aglm_rc rc = generate(&a);
        if (rc != FAILURES[i].rc || !strstr(a.err.msg, FAILURES[i].says) || a.answer.text.len != 0)
            fail_msg("case %zu: %d, %s, \"%s\"", i, rc, a.err.msg, a.answer.text.data);
        end(&a);
    }
}

static void a_limit_gives_what_has_come(void **state)
{
    static const http_step half[] = {{SSE, .text = PIECE("Paris"), .announce = 9999, .hang = true}};
    static const http_step hang[] = {{.text = "", .hang = true}};
    const char *stop[] = {"is not"};
    uint64_t start = aglm_clock_ns();
    asking a;

    (void)state;
    begin(&a, half, 1, "/v1", NULL);
    a.r.limit_s = 0.4;
    a.r.on_piece = contract_hear;
    a.r.stop = stop;
    a.r.n_stop = 1;
    assert_int_equal(generate(&a), AGLM_OK);
    assert_int_equal(a.answer.reason, AGLM_LM_TIME);
    assert_string_equal(a.answer.text.data, "Paris");
    assert_string_equal(a.ear.text.data, "Paris");
    end(&a);
    begin(&a, hang, 1, "/v1", NULL);
    a.r.limit_s = 0.2;
    assert_int_equal(generate(&a), AGLM_CANCELLED);
    a.r.limit_s = INFINITY;
    assert_int_equal(generate(&a), AGLM_INVALID);
    a.r.limit_s = NAN;
    assert_int_equal(generate(&a), AGLM_INVALID);
    end(&a);
    assert_true(aglm_clock_since_s(start) < 10);
}

static void retries_are_counted(void **state)
{
    static const http_step steps[] = {
        {.status = "429 Slow", .header = "Retry-After: 0\r\n", .text = "{}"},
        {.status = "500 Oops", .text = "{}"},
        {.status = "503 Oops", .text = "{}"},
        {.status = "200 OK", .text = WHOLE}};
    aglm_lm_usage usage;
    asking a;

    (void)state;
    begin(&a, steps, N(steps), "/v1", NULL);
    assert_int_equal(generate(&a), AGLM_OK);
    aglm_lm_remote_usage(a.lm, &usage);
    assert_int_equal(usage.attempts, 4);
    assert_int_equal(usage.requests, 1);
    end(&a);
}

static void rates_are_kept(void **state)
{
    static const http_step steps[] = {{.status = "200 OK", .text = WHOLE}};
    const aglm_lm_remote_options o = {.requests_per_minute = 12};
    const aglm_lm_remote_options few = {.tokens_per_minute = 600};
    aglm_lm_usage usage;
    asking a;

    (void)state;
    begin(&a, steps, 1, "/v1", &few);
    a.d.max_tokens = 100;
    a.r.limit_s = 10;
    assert_int_equal(generate(&a), AGLM_OK);
    assert_int_equal(generate(&a), AGLM_OK); /* the first took 7 in the end, not 105 */
    aglm_lm_remote_usage(a.lm, &usage);
    assert_true(usage.waited_s > 0.3 && usage.waited_s < 0.8);
    end(&a);
    begin(&a, steps, 1, "/v1", &o);
    a.r.limit_s = 1;
    assert_int_equal(generate(&a), AGLM_OK);
    assert_int_equal(generate(&a), AGLM_OK);
    assert_int_equal(generate(&a), AGLM_CANCELLED);
    assert_non_null(strstr(a.err.msg, "rate limit"));
    assert_int_equal(http_server_requests(a.server), 2);
    end(&a);
}

static void old_completions_and_scores(void **state)
{
    /* "ab cd" after a mark of the service's own, which it counts as three characters */
    static const http_step steps[] = {
        {.status = "200 OK",
         .text = "{\"choices\":[{\"text\":\" yes\",\"finish_reason\":\"length\","
                 "\"logprobs\":{\"token_logprobs\":[-1.5]}}]}"},
        {.status = "200 OK",
         .text = "{\"choices\":[{\"text\":\"ab cd!\",\"logprobs\":{"
                 "\"tokens\":[\"<s>\",\"ab\",\" \",\"c\",\"d\",\"!\"],"
                 "\"token_logprobs\":[null,-9,-1,-2,-4,-7],\"text_offset\":[0,3,5,6,7,8]}}]}"},
        {.status = "200 OK",
         .text = "{\"choices\":[{\"text\":\"ab cd!\",\"logprobs\":{"
                 "\"tokens\":[\"ab c\",\"d\",\"!\"],"
                 "\"token_logprobs\":[null,-4,-7],\"text_offset\":[0,4,5]}}]}"},
        {.status = "400 Bad", .text = "{\"error\":{\"message\":\"Only no echo is supported\"}}"},
    };
    const char *items[] = {"b"}, *answers[] = {" cd", "d"};
    double scores[2];
    int64_t tokens[2];
    asking a;

    (void)state;
    begin(&a, steps, N(steps), "/v1/completions", NULL);
    a.r.want_log_prob = true;
    assert_int_equal(generate(&a), AGLM_OK);
    assert_string_equal(a.answer.text.data, " yes");
    assert_int_equal(a.answer.reason, AGLM_LM_LENGTH);
    assert_true(fabs(a.answer.log_prob + 1.5) < 1e-12);
    assert_non_null(strstr(http_server_body(a.server, 0), "\"prompt\":\"The capital of France?\""));

    aglm_lm_scoring s = {
        .prefix = "a", .items = items, .n_items = 1, .answers = answers, .n_answers = 1};
    assert_int_equal(aglm_lm_score(a.lm, &s, scores, tokens, &a.err), AGLM_OK);
    assert_true(fabs(scores[0] + 7) < 1e-12);
    assert_int_equal(tokens[0], 3);
    assert_string_equal(http_server_body(a.server, 1),
                        "{\"model\":\"m-1\",\"prompt\":\"ab cd\",\"max_tokens\":1,"
                        "\"temperature\":0.0,\"echo\":true,\"logprobs\":1}");
    /* a token without a number lies across the border */
    assert_int_equal(aglm_lm_score(a.lm, &s, scores, tokens, &a.err), AGLM_UNSUPPORTED);
    assert_int_equal(aglm_lm_score(a.lm, &s, scores, tokens, &a.err), AGLM_UNSUPPORTED);
    assert_non_null(strstr(a.err.msg, "Only no echo"));
    end(&a);
}

static void what_cannot_be_opened_is_refused(void **state)
{
    static const struct {
        const char *url, *model;
        aglm_lm_remote_options o;
        aglm_rc rc;
        const char *says;
    } cases[] = {
        {"localhost:8000", "m", {0}, AGLM_INVALID, "http://HOST"},
        {"http://", "m", {0}, AGLM_INVALID, "http://HOST"},
        {"http://u:p@h/v1", "m", {0}, AGLM_INVALID, "environment variable"},
        {"http://h/v1", "", {0}, AGLM_INVALID, "its name"},
        {"http://h/v1", "m", {.service = "x"}, AGLM_INVALID, "called x"},
        {"http://h/v1", "m", {.thinking = "x"}, AGLM_INVALID, "thinking"},
        {"http://h/v1", "m", {.key_env = "AGLM_ABSENT"}, AGLM_NOTFOUND, "AGLM_ABSENT"},
    };

    (void)state;
    for (size_t i = 0; i < N(cases); i++) {
        aglm_lm *lm;
        aglm_error err = {0};
        aglm_rc rc = aglm_lm_open_remote(&lm, cases[i].url, cases[i].model, &cases[i].o, &err);
        if (rc != cases[i].rc || !strstr(err.msg, cases[i].says) || lm)
            fail_msg("case %zu: %d, %s", i, rc, err.msg);
    }
}

/* The key that its owner gave for a service goes to that service. */
static void keys_stay_at_home(void **state)
{
    static const http_step steps[] = {{.status = "200 OK", .text = WHOLE}};
    static const struct {
        const char *service, *url;
        bool may;
    } cases[] = {
        {"glm", "https://open.bigmodel.cn/api/paas/v4", true},
        {"glm", "https://api.z.ai:443", true},
        {"openai", "https://api.openai.com/v1", true},
        {"glm", "http://open.bigmodel.cn/api/paas/v4", false}, /* anyone between reads it */
        {"glm", "https://evil.com/api/paas/v4", false},
        {"glm", "https://evil.com/?bigmodel.cn", false},
        {"glm", "https://xbigmodel.cn", false},
        {"openai", "https://openai.com.evil.com", false},
        {"openai", "https://open.bigmodel.cn", false},
        {"vllm", "https://api.openai.com", false},
    };
    static const char *const services[] = {NULL, "glm", "openai"};

    (void)state;
    for (size_t i = 0; i < N(cases); i++)
        if (aglm_remote_service_may_have_key(aglm_remote_service_find(cases[i].service, ""),
                                             cases[i].url) != cases[i].may)
            fail_msg("%s", cases[i].url);
    setenv("ZHIPUAI_API_KEY", KEY, 1);
    setenv("OPENAI_API_KEY", KEY, 1);
    for (size_t i = 0; i < N(services); i++) {
        const aglm_lm_remote_options o = {.service = services[i]};
        asking a;
        begin(&a, steps, 1, "/api/paas/v4", &o);
        assert_int_equal(generate(&a), AGLM_OK);
        assert_null(strstr(http_server_head(a.server, 0), "Authorization"));
        end(&a);
    }
    unsetenv("ZHIPUAI_API_KEY");
    unsetenv("OPENAI_API_KEY");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_contract_holds),
        cmocka_unit_test(a_whole_answer_is_read),
        cmocka_unit_test(pieces_come_however_slowly),
        cmocka_unit_test(stop_words_are_seen_here_too),
        cmocka_unit_test(glm_gets_what_its_client_sends),
        cmocka_unit_test(every_failure_is_named),
        cmocka_unit_test(a_limit_gives_what_has_come),
        cmocka_unit_test(retries_are_counted),
        cmocka_unit_test(rates_are_kept),
        cmocka_unit_test(old_completions_and_scores),
        cmocka_unit_test(what_cannot_be_opened_is_refused),
        cmocka_unit_test(keys_stay_at_home),
    };

    setenv("no_proxy", "*", 1);
    setenv("AGLM_TEST_KEY", KEY, 1);
    unsetenv("AGLM_API_KEY");
    unsetenv("ZHIPUAI_API_KEY");
    return cmocka_run_group_tests(tests, NULL, NULL);
}
