#include "net/event_stream.h"

#include "net/rate_limit.h"
#include "unit.h"

typedef struct seen {
    char text[512]; /* every event in brackets */
    size_t n, enough;
} seen;

static aglm_rc see(void *arg, const char *data, size_t n, aglm_error *err)
{
    seen *s = arg;
    size_t at = strlen(s->text);

    (void)err;
    snprintf(s->text + at, sizeof s->text - at, "[%.*s]", (int)n, data);
    return ++s->n == s->enough ? AGLM_DONE : AGLM_OK;
}

/* The events of a text that comes `step` bytes at a time. */
static aglm_rc parse(const char *text, size_t step, size_t max, seen *s)
{
    aglm_event_stream stream;
    aglm_rc rc = AGLM_OK;
    size_t n = strlen(text);

    aglm_event_stream_init(&stream, max, see, s);
    for (size_t i = 0; rc == AGLM_OK && i < n; i += step)
        rc = aglm_event_stream_feed(&stream, text + i, n - i < step ? n - i : step, NULL);
    aglm_event_stream_clear(&stream);
    return rc;
}

static void events_are_read_however_they_are_split(void **state)
{
    static const struct {
        const char *text, *events;
    } cases[] = {
        {"data: a\n\ndata: b\n\n", "[a][b]"},
        {"data: a\r\n\r\ndata: b\r\n\r\n", "[a][b]"},
        {"data: a\r\rdata: b\r\r", "[a][b]"},
        {"data:a\ndata:  b\ndata\n\n", "[a\n b\n]"},
        {": a comment\n\nevent: x\nid: 7\nretry: 3\ndata: a\n\n", "[a]"},
        {"event: x\n\n", ""},
        {"data: whole\n\ndata: half", "[whole]"},
        {"data: whole\n\ndata: half\n", "[whole]"},
        {"\xef\xbb\xbf"
         "data: a\n\n",
         "[a]"},
        {"data: {\"a\": \"b:c\"}\n\n", "[{\"a\": \"b:c\"}]"},
        {"data\n\ndatax: no\n\n", "[]"},
        {"\n\n\n", ""},
    };

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        for (size_t step = 1; step <= 64; step += step < 8 ? 1 : 56) {
            seen s = {0};
            assert_int_equal(parse(cases[i].text, step, 1000, &s), AGLM_OK);
            assert_string_equal(s.text, cases[i].events);
        }
}

static void a_sink_ends_the_stream(void **state)
{
    seen s = {.enough = 2};

    (void)state;
    assert_int_equal(parse("data: a\n\ndata: b\n\ndata: c\n\n", 100, 1000, &s), AGLM_DONE);
    assert_string_equal(s.text, "[a][b]");
}

static void long_lines_and_events_are_refused(void **state)
{
    seen s = {0};

    (void)state;
    assert_int_equal(parse("data: 0123456789\n\n", 3, 12, &s), AGLM_LIMIT);
    assert_int_equal(parse("data: 0123\ndata: 0123\ndata: 0123\n\n", 3, 12, &s), AGLM_LIMIT);
    assert_string_equal(s.text, "");
}

static void a_bucket_lets_through_its_rate(void **state)
{
    aglm_rate_limit r;
    uint64_t now = 5000000000;
    double waited = 0;

    (void)state;
    aglm_rate_limit_init(&r, 60, now);
    for (int i = 0; i < 100; i++) {
        double wait = aglm_rate_limit_wait_s(&r, 1, now);
        waited += wait;
        now += (uint64_t)(1e9 * wait) + 1;
        aglm_rate_limit_take(&r, 1, now);
    }
    /* ten were saved up, one comes a second */
    assert_true(waited > 89.9 && waited < 90.1);
    aglm_rate_limit_take(&r, -5, now);
    assert_true(aglm_rate_limit_wait_s(&r, 4, now) < 1e-6);
    assert_true(aglm_rate_limit_wait_s(&r, 1e6, now) < 10.1);
    aglm_rate_limit_init(&r, 0, now);
    assert_true(aglm_rate_limit_wait_s(&r, 1e9, now) <= 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(events_are_read_however_they_are_split),
        cmocka_unit_test(a_sink_ends_the_stream),
        cmocka_unit_test(long_lines_and_events_are_refused),
        cmocka_unit_test(a_bucket_lets_through_its_rate),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
