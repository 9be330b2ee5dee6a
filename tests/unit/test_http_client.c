#include "net/http_client.h"

#include <pthread.h>

#include "http_server.h"
#include "unit.h"

#define KEY "sk-secret-0123456789"
#define N(a) (sizeof(a) / sizeof *(a))

typedef struct asking {
    http_server *server;
    aglm_http_client *client;
    aglm_http_answer answer;
    aglm_error err;
    char events[512];
    size_t enough, n;
} asking;

static aglm_rc on_event(void *arg, const char *data, size_t n, aglm_error *err)
{
    asking *a = arg;
    size_t at = strlen(a->events);

    (void)err;
    snprintf(a->events + at, sizeof a->events - at, "[%.*s]", (int)n, data);
    return ++a->n == a->enough ? AGLM_DONE : AGLM_OK;
}

static void begin(asking *a, const http_step *steps, size_t n)
{
    const aglm_http_options options = {.retries = 3, .backoff_s = 0.002, .max_body = 100000};

    *a = (asking){.server = http_server_start(steps, n)};
    aglm_http_answer_init(&a->answer);
    if (aglm_http_client_open(&a->client, &options, &a->err) == AGLM_UNSUPPORTED) {
        print_message("%s\n", a->err.msg);
        exit(77);
    }
}

static void end(asking *a)
{
    aglm_http_client_close(a->client);
    aglm_http_answer_clear(&a->answer);
    http_server_stop(a->server);
}

static aglm_rc post(asking *a, const char *path, unsigned limit_ms)
{
    aglm_http_request r = {.url = http_server_url(a->server, path),
                           .bearer = KEY,
                           .body = "{\"x\":1}",
                           .body_len = 7,
                           .deadline_ns = aglm_clock_ns() + UINT64_C(1000000) * limit_ms,
                           .on_event = on_event,
                           .arg = a};

    a->err.msg[0] = '\0';
    aglm_rc rc = aglm_http_send(a->client, &r, &a->answer, &a->err);
    assert_null(strstr(a->err.msg, KEY));
    return rc;
}

static void a_request_goes_as_it_should(void **state)
{
    static const http_step steps[] = {{.status = "200 OK", .text = "{\"ok\":true}"}};
    asking a;

    (void)state;
    begin(&a, steps, N(steps));
    assert_int_equal(post(&a, "/v1/x?y=z", 5000), AGLM_OK);
    assert_int_equal(a.answer.status, 200);
    assert_string_equal(a.answer.body.data, "{\"ok\":true}");
    const char *head = http_server_head(a.server, 0);
    assert_int_equal(strncmp(head, "POST /v1/x?y=z HTTP/1.1\r\n", 25), 0);
    assert_non_null(strstr(head, "Authorization: Bearer " KEY "\r\n"));
    assert_non_null(strstr(head, "Content-Type: application/json\r\n"));
    assert_non_null(strstr(head, "User-Agent: autoglm/"));
    assert_null(strstr(head, "Expect:"));
    assert_string_equal(http_server_body(a.server, 0), "{\"x\":1}");

    aglm_http_request get = {.url = http_server_url(a.server, "/models")};
    assert_int_equal(aglm_http_send(a.client, &get, &a.answer, &a.err), AGLM_OK);
    head = http_server_head(a.server, 1);
    assert_int_equal(strncmp(head, "GET /models ", 12), 0);
    assert_null(strstr(head, "Authorization"));
    end(&a);
}

static void what_may_pass_is_asked_again(void **state)
{
    static const http_step busy[] = {
        {.status = "500 Oops", .text = "{}"},
        {.text = ""}, /* nothing at all */
        {.status = "200 OK", .text = "{\"half\":", .announce = 100},
        {.status = "200 OK", .text = "{\"whole\":1}"},
    };
    static const http_step always[] = {{.status = "503 No", .text = "later"}};
    static const http_step wrong[] = {{.status = "400 Bad", .text = "why"}};
    asking a;

    (void)state;
    begin(&a, busy, N(busy));
    assert_int_equal(post(&a, "/", 5000), AGLM_OK);
    assert_int_equal(a.answer.attempts, 4);
    assert_string_equal(a.answer.body.data, "{\"whole\":1}");
    end(&a);

    begin(&a, always, N(always));
    assert_int_equal(post(&a, "/", 5000), AGLM_OK);
    assert_int_equal(a.answer.status, 503);
    assert_int_equal(http_server_requests(a.server), 4);
    assert_string_equal(a.answer.body.data, "later");
    end(&a);

    begin(&a, wrong, N(wrong));
    assert_int_equal(post(&a, "/", 5000), AGLM_OK);
    assert_int_equal(a.answer.status, 400);
    assert_int_equal(http_server_requests(a.server), 1);
    end(&a);
}

static void retry_after_is_honoured_within_the_deadline(void **state)
{
    static const http_step soon[] = {
        {.status = "429 Slow", .header = "Retry-After: 1\r\n", .text = "{}"},
        {.status = "200 OK", .text = "{}"}};
    static const http_step late[] = {
        {.status = "429 Slow", .header = "Retry-After: 60\r\n", .text = "{}"}};
    asking a;
    uint64_t start = aglm_clock_ns();

    (void)state;
    begin(&a, soon, N(soon));
    assert_int_equal(post(&a, "/", 20000), AGLM_OK);
    assert_int_equal(a.answer.status, 200);
    assert_true(aglm_clock_since_s(start) >= 1);
    end(&a);

    start = aglm_clock_ns();
    begin(&a, late, N(late));
    assert_int_equal(post(&a, "/", 5000), AGLM_OK);
    assert_int_equal(a.answer.status, 429);
    assert_int_equal(a.answer.attempts, 1);
    assert_true(a.answer.retry_after_s >= 60);
    assert_true(aglm_clock_since_s(start) < 4);
    end(&a);
}

static void events_come_as_they_are_sent(void **state)
{
    static const http_step steps[] = {
        {.status = "200 OK",
         .type = "text/event-stream; charset=utf-8",
         .text = "data: a\n\n: ping\n\ndata: b\n\n",
         .piece = 3,
         .pause_ms = 1},
        {.status = "200 OK",
         .type = "text/event-stream",
         .text = "data: a\n\ndata: b\n\n",
         .hang = true,
         .announce = 1000},
        {.status = "200 OK",
         .type = "text/event-stream",
         .text = "data: a\n\ndat",
         .announce = 1000},
        {.status = "400 Bad", .type = "text/event-stream", .text = "data: a\n\n"},
    };
    asking a;

    (void)state;
    begin(&a, steps, N(steps));
    assert_int_equal(post(&a, "/", 5000), AGLM_OK);
    assert_string_equal(a.events, "[a][b]");
    assert_true(a.answer.events);

    a.enough = 4;
    assert_int_equal(post(&a, "/", 5000), AGLM_OK);
    assert_string_equal(a.events, "[a][b][a][b]");

    /* partly handed over: not asked again */
    a.events[0] = '\0';
    assert_int_equal(post(&a, "/", 5000), AGLM_IO);
    assert_string_equal(a.events, "[a]");
    assert_int_equal(a.answer.attempts, 1);
    assert_non_null(strstr(a.err.msg, "broke off"));

    assert_int_equal(post(&a, "/", 5000), AGLM_OK);
    assert_false(a.answer.events);
    assert_string_equal(a.answer.body.data, "data: a\n\n");
    end(&a);
}

static void waiting_ends_in_time(void **state)
{
    static const http_step hang[] = {{.text = "", .hang = true}};
    static const http_step drip[] = {
        {.status = "200 OK", .text = "0123456789", .repeat = 100, .piece = 1, .pause_ms = 20}};
    const http_step *const steps[] = {hang, drip};
    static const char *const says[] = {"no answer in time", "not complete in time"};
    asking a;

    (void)state;
    for (size_t i = 0; i < 2; i++) {
        uint64_t start = aglm_clock_ns();
        begin(&a, steps[i], 1);
        assert_int_equal(post(&a, "/", 300), AGLM_CANCELLED);
        assert_non_null(strstr(a.err.msg, says[i]));
        assert_true(aglm_clock_since_s(start) < 3);
        end(&a);
    }
}

static void *stop_soon(void *arg)
{
    aglm_http_pause(0.2, 0, NULL);
    aglm_cancel_stop(arg);
    return NULL;
}

static void a_token_ends_the_waiting(void **state)
{
    static const http_step hang[] = {{.text = "", .hang = true}};
    aglm_cancel cancel;
    pthread_t thread;
    asking a;
    uint64_t start = aglm_clock_ns();

    (void)state;
    begin(&a, hang, 1);
    aglm_cancel_init(&cancel, NULL, 0);
    assert_int_equal(pthread_create(&thread, NULL, stop_soon, &cancel), 0);
    aglm_http_request r = {.url = http_server_url(a.server, "/"), .cancel = &cancel};
    assert_int_equal(aglm_http_send(a.client, &r, &a.answer, &a.err), AGLM_CANCELLED);
    assert_true(aglm_clock_since_s(start) < 5);
    pthread_join(thread, NULL);
    end(&a);
}

static void hostile_answers_are_refused(void **state)
{
    static const http_step steps[] = {
        {.status = "200 OK", .text = "0123456789", .repeat = 20000},
        {.status = "200 OK", .type = "text/event-stream", .text = ": 01234567\n", .repeat = 20000},
        {.status = "302 Found", .header = "Location: http://127.0.0.1:1/other\r\n", .text = ""},
    };
    static const http_step garbage[] = {{.text = "\x01\x02garbage\r\n\r\n"}};
    asking a;

    (void)state;
    begin(&a, steps, N(steps));
    assert_int_equal(post(&a, "/", 5000), AGLM_LIMIT);
    assert_int_equal(post(&a, "/", 5000), AGLM_LIMIT);
    assert_int_equal(post(&a, "/", 5000), AGLM_OK);
    assert_int_equal(a.answer.status, 302);
    assert_string_equal(a.answer.location, "http://127.0.0.1:1/other");
    end(&a);
    begin(&a, garbage, 1);
    assert_int_equal(post(&a, "/", 5000), AGLM_IO);
    assert_int_equal(http_server_requests(a.server), 1); /* it is no web server */
    end(&a);
}

static void what_cannot_be_sent_is_refused(void **state)
{
    static const struct {
        const char *url, *key, *says;
    } cases[] = {
        {"ftp://127.0.0.1/", NULL, "http:// or https://"},
        {"file:///etc/passwd", NULL, "http:// or https://"},
        {"http://", NULL, "names no host"},
        {"http://me:" KEY "@127.0.0.1/", NULL, "user name or password"},
        {"http://127.0.0.1/", "sk-a\r\nX: y", "the key holds"},
    };
    static const http_step steps[] = {{.status = "200 OK", .text = "{}"}};
    asking a;

    (void)state;
    begin(&a, steps, 1);
    for (size_t i = 0; i < N(cases); i++) {
        aglm_http_request r = {.url = cases[i].url, .bearer = cases[i].key};
        assert_int_equal(aglm_http_send(a.client, &r, &a.answer, &a.err), AGLM_INVALID);
        if (!strstr(a.err.msg, cases[i].says) || strstr(a.err.msg, KEY))
            fail_msg("%s: %s", cases[i].url, a.err.msg);
    }
    /* nobody listens there */
    aglm_http_request r = {.url = "http://127.0.0.1:1/"};
    assert_int_equal(aglm_http_send(a.client, &r, &a.answer, &a.err), AGLM_IO);
    assert_int_equal(a.answer.attempts, 4);
    /* plain HTTP where TLS is wanted */
    char url[64];
    snprintf(url, sizeof url, "https%s", strstr(http_server_url(a.server, "/"), "://"));
    r.url = url;
    r.deadline_ns = aglm_clock_ns() + 500000000;
    assert_true(aglm_http_send(a.client, &r, &a.answer, &a.err) < 0);
    assert_int_equal(http_server_requests(a.server), 0);
    end(&a);
}

static void a_proxy_of_the_environment_is_used(void **state)
{
    static const http_step steps[] = {{.status = "200 OK", .text = "{}"}};
    asking a;

    (void)state;
    begin(&a, steps, 1);
    setenv("http_proxy", http_server_url(a.server, ""), 1);
    unsetenv("no_proxy");
    aglm_http_request r = {.url = "http://service.invalid/v1"};
    aglm_rc rc = aglm_http_send(a.client, &r, &a.answer, &a.err);
    unsetenv("http_proxy");
    setenv("no_proxy", "*", 1);
    assert_int_equal(rc, AGLM_OK);
    assert_int_equal(strncmp(http_server_head(a.server, 0), "GET http://service.invalid/v1 ", 30),
                     0);
    end(&a);
}

static void secrets_are_covered(void **state)
{
    char text[] = "key abc, abcabc and ab";

    (void)state;
    aglm_http_redact(text, "abc");
    assert_string_equal(text, "key ***, ****** and ab");
    aglm_http_redact(text, "");
    aglm_http_redact(text, NULL);
    assert_string_equal(text, "key ***, ****** and ab");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_request_goes_as_it_should),
        cmocka_unit_test(what_may_pass_is_asked_again),
        cmocka_unit_test(retry_after_is_honoured_within_the_deadline),
        cmocka_unit_test(events_come_as_they_are_sent),
        cmocka_unit_test(waiting_ends_in_time),
        cmocka_unit_test(a_token_ends_the_waiting),
        cmocka_unit_test(hostile_answers_are_refused),
        cmocka_unit_test(what_cannot_be_sent_is_refused),
        cmocka_unit_test(a_proxy_of_the_environment_is_used),
        cmocka_unit_test(secrets_are_covered),
    };

    setenv("no_proxy", "*", 1);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
