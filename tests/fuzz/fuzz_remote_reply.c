/* What a remote service answers: whole, as a stream, refused, or scored, by the first byte. A
 * stream gives the same however it is split and wherever it is cut: the listener's pieces are the
 * text, no stop word is in it, and the key is in no message. */
#include "fuzz.h"

#include <math.h>
#include <string.h>

#include "base/utf8.h"
#include "lm/remote_reply.h"
#include "net/event_stream.h"

#define MAX ((size_t)1 << 20)
#define SECRET "k-3y"

static const char *const STOPS[] = {"STOP", "\n\n", "\xe3\x80\x82"};

struct ear {
    aglm_str heard;
    size_t pieces;
};

struct result {
    aglm_rc rc;
    aglm_str text, heard;
    aglm_lm_reason reason;
    int64_t prompt_tokens, tokens;
    double log_prob;
    aglm_error err;
};

static bool hear(void *arg, const char *piece, size_t n)
{
    struct ear *ear = arg;

    FUZZ_CHECK(n > 0 && aglm_utf8_check(piece, n) == n);
    return aglm_str_append(&ear->heard, piece, n) == AGLM_OK && ++ear->pieces < 1000;
}

static aglm_rc feed(aglm_remote_reply *r, const char *bytes, size_t size, size_t step,
                    aglm_error *err)
{
    aglm_event_stream s;
    aglm_rc rc = AGLM_OK;

    aglm_event_stream_init(&s, MAX, aglm_remote_reply_event, r);
    for (size_t i = 0; rc == AGLM_OK && i < size; i += step)
        rc = aglm_event_stream_feed(&s, bytes + i, size - i < step ? size - i : step, err);
    aglm_event_stream_clear(&s);
    return rc == AGLM_DONE ? AGLM_OK : rc;
}

static void check_text(const aglm_str *text)
{
    FUZZ_CHECK(aglm_utf8_check(text->data, text->len) == text->len);
    for (size_t i = 0; i < sizeof STOPS / sizeof *STOPS; i++)
        FUZZ_CHECK(!memmem(text->data, text->len, STOPS[i], strlen(STOPS[i])));
}

/* step: bytes at once of a stream; 0: a whole answer. cut: what has come may be given. */
static void read_reply(const char *bytes, size_t size, size_t step, bool cut, struct result *out)
{
    struct ear ear = {.pieces = 0};
    const aglm_lm_request request = {
        .stop = STOPS, .n_stop = sizeof STOPS / sizeof *STOPS, .on_piece = hear, .arg = &ear};
    aglm_remote_reply r;

    *out = (struct result){.rc = AGLM_OK};
    aglm_str_init(&ear.heard, MAX);
    aglm_str_init(&out->text, MAX);
    aglm_remote_reply_init(&r, &request, SECRET, &out->text);
    out->rc = step ? feed(&r, bytes, size, step, &out->err)
                   : aglm_remote_reply_whole(&r, bytes, size, &out->err);
    if (out->rc == AGLM_OK)
        out->rc = aglm_remote_reply_end(&r, cut, &out->err);
    check_text(&out->text);
    FUZZ_CHECK(ear.heard.len <= out->text.len);
    FUZZ_CHECK(memcmp(ear.heard.data, out->text.data, ear.heard.len) == 0);
    FUZZ_CHECK(out->rc != AGLM_OK || ear.heard.len == out->text.len);
    FUZZ_CHECK(out->rc == AGLM_OK || out->err.msg[0] != '\0');
    FUZZ_CHECK(!strstr(out->err.msg, SECRET));
    out->heard = ear.heard;
    out->reason = r.reason;
    out->prompt_tokens = r.prompt_tokens;
    out->tokens = r.tokens;
    out->log_prob = r.log_prob;
}

static void clear(struct result *r)
{
    aglm_str_clear(&r->text);
    aglm_str_clear(&r->heard);
}

static bool same(const struct result *a, const struct result *b)
{
    return a->rc == b->rc && a->text.len == b->text.len &&
           memcmp(a->text.data, b->text.data, a->text.len) == 0 && a->reason == b->reason &&
           a->prompt_tokens == b->prompt_tokens && a->tokens == b->tokens &&
           memcmp(&a->log_prob, &b->log_prob, sizeof a->log_prob) == 0 &&
           strcmp(a->err.msg, b->err.msg) == 0;
}

static void check_stream(const char *bytes, size_t size, size_t step)
{
    struct result whole, split, cut;

    read_reply(bytes, size, size > 0 ? size : 1, false, &whole);
    read_reply(bytes, size, step, false, &split);
    FUZZ_CHECK(same(&whole, &split));
    /* As a deadline cuts it, which may be within a stop word. */
    read_reply(bytes, size / 2 + step < size ? size / 2 + step : size, step, true, &cut);
    size_t n = cut.text.len < whole.text.len ? cut.text.len : whole.text.len;
    FUZZ_CHECK(memcmp(cut.text.data, whole.text.data, n) == 0);
    clear(&whole);
    clear(&split);
    clear(&cut);
}

static void check_refusal(const char *bytes, size_t size)
{
    char words[64];

    aglm_remote_complaint(bytes, size, SECRET, words, sizeof words);
    FUZZ_CHECK(strlen(words) < sizeof words && !strstr(words, SECRET));
    FUZZ_CHECK(aglm_utf8_check(words, strlen(words)) == strlen(words));
    for (const char *p = words; *p; p++)
        FUZZ_CHECK((unsigned char)*p >= ' ');
}

static void check_score(const char *bytes, size_t size, size_t chars)
{
    aglm_error err = {0};
    aglm_str body;
    double score = 0;
    int64_t tokens = 0;

    aglm_str_init(&body, MAX);
    aglm_str_append(&body, bytes, size);
    aglm_rc rc = aglm_remote_score(&body, chars, chars / 2, &score, &tokens, &err);
    FUZZ_CHECK(rc == AGLM_OK ? tokens > 0 && isfinite(score) : err.msg[0] != '\0');
    aglm_str_clear(&body);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size == 0 || size > 1 << 16)
        return 0;
    const char *bytes = (const char *)data + 1;
    switch (data[0] & 3) {
    case 0: {
        struct result r;
        read_reply(bytes, size - 1, 0, false, &r);
        clear(&r);
        break;
    }
    case 1:
        check_stream(bytes, size - 1, 1 + (data[0] >> 2));
        break;
    case 2:
        check_refusal(bytes, size - 1);
        break;
    default:
        check_score(bytes, size - 1, data[0] >> 2);
    }
    return 0;
}
