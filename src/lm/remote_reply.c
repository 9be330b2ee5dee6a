#include "lm/remote_reply.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/json.h"
#include "base/utf8.h"
#include "net/http_client.h"

#define MAX_WORDS 300 /* bytes of a service's complaint that are shown */
#define MAX_LOOKED ((size_t)64 << 10)

void aglm_remote_reply_init(aglm_remote_reply *r, const aglm_lm_request *request,
                            const char *secret, aglm_str *text)
{
    *r = (aglm_remote_reply){.request = request, .secret = secret, .text = text, .log_prob = NAN};
}

/* ---- the text ---- */

/* Where the first stop word begins, looking from `from`; the length when there is none. */
static size_t find_stop(const aglm_lm_request *q, const aglm_str *text, size_t from)
{
    size_t first = text->len;

    for (size_t i = 0; i < q->n_stop; i++) {
        size_t n = strlen(q->stop[i]);
        size_t at = from > n ? from - n : 0;
        const char *found = n > 0 ? memmem(text->data + at, text->len - at, q->stop[i], n) : NULL;
        if (found && (size_t)(found - text->data) < first)
            first = (size_t)(found - text->data);
    }
    return first;
}

/* Bytes at the end that may be the beginning of a stop word. */
static size_t waiting(const aglm_lm_request *q, const aglm_str *text)
{
    size_t most = 0;

    for (size_t i = 0; i < q->n_stop; i++) {
        size_t n = strlen(q->stop[i]);
        n = n > 0 ? n - 1 : 0;
        n = n < text->len ? n : text->len;
        while (n > most && memcmp(text->data + text->len - n, q->stop[i], n) != 0)
            n--;
        most = n > most ? n : most;
    }
    return most;
}

static aglm_rc give(aglm_remote_reply *r, size_t end, aglm_error *err)
{
    size_t from = r->given;

    if (end <= from || !r->request->on_piece)
        return AGLM_OK;
    r->given = end;
    if (r->request->on_piece(r->request->arg, r->text->data + from, end - from))
        return AGLM_OK;
    return aglm_error_set(err, AGLM_CANCELLED, "stopped by who listens");
}

static aglm_rc take_text(aglm_remote_reply *r, const char *text, size_t n, aglm_error *err)
{
    size_t before = r->text->len;

    if (n == 0)
        return AGLM_OK;
    if (r->first_ns == 0)
        r->first_ns = aglm_clock_ns();
    r->pieces++;
    if (aglm_str_append(r->text, text, n) != AGLM_OK)
        return aglm_error_set(err, r->text->rc, "the answer: %s", aglm_rc_text(r->text->rc));
    size_t stop = find_stop(r->request, r->text, before);
    if (stop < r->text->len) {
        r->text->len = stop;
        r->text->data[stop] = '\0';
        r->finished = true;
        r->reason = AGLM_LM_STOP;
        aglm_rc rc = give(r, stop, err);
        return rc == AGLM_OK ? AGLM_DONE : rc;
    }
    return give(r, r->text->len - waiting(r->request, r->text), err);
}

/* ---- the members of an answer ---- */

static void take_usage(aglm_remote_reply *r, const aglm_json *usage)
{
    if (aglm_json_kind_of(usage) != AGLM_JSON_OBJECT)
        return;
    r->counted = true;
    r->prompt_tokens = aglm_json_int(aglm_json_get(usage, "prompt_tokens"), 0);
    r->tokens = aglm_json_int(aglm_json_get(usage, "completion_tokens"), 0);
    r->cached_tokens = aglm_json_int(
        aglm_json_get(aglm_json_get(usage, "prompt_tokens_details"), "cached_tokens"), 0);
}

static void add_log_prob(aglm_remote_reply *r, double v)
{
    if (isfinite(v))
        r->log_prob = (isnan(r->log_prob) ? 0 : r->log_prob) + v;
}

/* Chat: content[i].logprob; the old way: token_logprobs[i]. */
static void take_log_probs(aglm_remote_reply *r, const aglm_json *log_probs)
{
    aglm_json_iter chat = aglm_json_iterate(aglm_json_get(log_probs, "content"));
    aglm_json_iter old = aglm_json_iterate(aglm_json_get(log_probs, "token_logprobs"));
    const aglm_json *v;

    while ((v = aglm_json_next(&chat, NULL)))
        add_log_prob(r, aglm_json_double(aglm_json_get(v, "logprob"), NAN));
    while ((v = aglm_json_next(&old, NULL)))
        add_log_prob(r, aglm_json_double(v, NAN));
}

static aglm_rc take_reason(aglm_remote_reply *r, const aglm_json *v, aglm_error *err)
{
    const char *text = aglm_json_string(v, NULL);

    if (!text || !*text)
        return AGLM_OK;
    if (strcmp(text, "content_filter") == 0 || strcmp(text, "sensitive") == 0)
        return aglm_error_set(err, AGLM_INVALID, "the service's content filter ended the answer");
    if (strcmp(text, "network_error") == 0)
        return aglm_error_set(err, AGLM_IO, "the service says that its own network failed");
    r->finished = true;
    r->reason = strcmp(text, "length") == 0 || strcmp(text, "model_context_window_exceeded") == 0
                    ? AGLM_LM_LENGTH
                    : AGLM_LM_STOP;
    return AGLM_OK;
}

/* delta.content of a stream, message.content of a whole answer, text of the old way. */
static const aglm_json *text_of(const aglm_json *choice)
{
    const aglm_json *delta = aglm_json_get(choice, "delta");
    const aglm_json *message = aglm_json_get(choice, "message");

    if (delta)
        return aglm_json_get(delta, "content");
    return message ? aglm_json_get(message, "content") : aglm_json_get(choice, "text");
}

static aglm_rc take_choice(aglm_remote_reply *r, const aglm_json *choice, aglm_error *err)
{
    const aglm_json *v = text_of(choice);
    size_t n = 0;
    const char *text = aglm_json_string(v, &n);

    if (v && !text && aglm_json_kind_of(v) != AGLM_JSON_NULL)
        return aglm_error_set(err, AGLM_FORMAT, "the answer's content is %s instead of a text",
                              aglm_json_kind_name(v));
    take_log_probs(r, aglm_json_get(choice, "logprobs"));
    aglm_rc rc = take_reason(r, aglm_json_get(choice, "finish_reason"), err);
    return rc == AGLM_OK ? take_text(r, text ? text : "", n, err) : rc;
}

static aglm_rc take_error(const aglm_remote_reply *r, const char *data, size_t n, aglm_error *err)
{
    char words[MAX_WORDS];

    aglm_remote_complaint(data, n, r->secret, words, sizeof words);
    return aglm_error_set(err, AGLM_IO, "the service answered with an error: %s", words);
}

static aglm_rc take_answer(aglm_remote_reply *r, const char *data, size_t n, bool whole,
                           aglm_error *err)
{
    const aglm_json_options options = {.origin = "the service's answer"};
    aglm_json_doc *doc;
    aglm_rc rc = aglm_json_parse(&doc, data, n, &options, err);

    if (rc != AGLM_OK)
        return rc;
    const aglm_json *root = aglm_json_root(doc), *choices = aglm_json_get(root, "choices");
    const aglm_json *error = aglm_json_get(root, "error");
    aglm_json_iter it = aglm_json_iterate(choices);
    const aglm_json *choice = aglm_json_kind_of(choices) == AGLM_JSON_ARRAY
                                  ? aglm_json_next(&it, NULL)
                                  : NULL;

    take_usage(r, aglm_json_get(root, "usage"));
    if (error && aglm_json_kind_of(error) != AGLM_JSON_NULL)
        rc = take_error(r, data, n, err);
    else if (choice)
        rc = take_choice(r, choice, err);
    else if (whole || aglm_json_kind_of(root) != AGLM_JSON_OBJECT)
        rc = aglm_error_set(err, AGLM_FORMAT,
                            "the service's answer has no \"choices\": is the URL that of chat "
                            "completions?");
    aglm_json_free(doc);
    return rc;
}

aglm_rc aglm_remote_reply_event(void *reply, const char *data, size_t n, aglm_error *err)
{
    aglm_remote_reply *r = reply;

    if (n == 6 && memcmp(data, "[DONE]", 6) == 0) {
        r->finished = true;
        return AGLM_DONE;
    }
    return take_answer(r, data, n, false, err);
}

aglm_rc aglm_remote_reply_whole(aglm_remote_reply *r, const char *body, size_t n, aglm_error *err)
{
    aglm_rc rc = take_answer(r, body, n, true, err);

    r->finished = true; /* a body's length is known */
    return rc == AGLM_DONE ? AGLM_OK : rc;
}

aglm_rc aglm_remote_reply_end(aglm_remote_reply *r, bool cut, aglm_error *err)
{
    if (!r->finished && !cut)
        return aglm_error_set(err, AGLM_IO,
                              "the stream ended before the answer did (no finish_reason, no "
                              "[DONE]): what came of it is dropped");
    return give(r, r->text->len, err);
}

/* ---- refusals ---- */

static const char *words_of(const aglm_json *root)
{
    const aglm_json *error = aglm_json_get(root, "error");
    const char *text = aglm_json_string(aglm_json_get(error, "message"), NULL);

    if (!text)
        text = aglm_json_string(error, NULL);
    if (!text)
        text = aglm_json_string(aglm_json_get(root, "message"), NULL);
    return text ? text : aglm_json_string(aglm_json_get(root, "detail"), NULL);
}

static bool is_about_length(const aglm_json *root, const char *words)
{
    static const char *const SIGNS[] = {"context_length_exceeded", "exceed_context_size",
                                        "maximum context length", "1261" /* GLM's */};
    const aglm_json *error = aglm_json_get(root, "error");
    const char *code = aglm_json_string(aglm_json_get(error, "code"), NULL);
    const char *type = aglm_json_string(aglm_json_get(error, "type"), NULL);

    for (size_t i = 0; i < sizeof SIGNS / sizeof *SIGNS; i++)
        if ((code && strcmp(code, SIGNS[i]) == 0) || (type && strstr(type, SIGNS[i])) ||
            (i < 3 && words && strstr(words, SIGNS[i])))
            return true;
    return false;
}

/* One line of it, cut where a character ends, the key covered before it is cut. */
static void show(const char *words, size_t n, const char *secret, char *text, size_t size)
{
    aglm_str s;

    aglm_str_init(&s, (size_t)1 << 20);
    aglm_str_append(&s, words, n);
    aglm_http_redact(s.data, secret);
    n = s.len < size - 1 ? s.len : size - 1;
    memcpy(text, s.data, n);
    n -= aglm_utf8_open_tail(text, n);
    text[n] = '\0';
    for (char *p = text; *p; p++)
        if ((unsigned char)*p < ' ' || *p == 0x7f)
            *p = ' ';
    aglm_str_clear(&s);
}

bool aglm_remote_complaint(const char *body, size_t n, const char *secret, char *text, size_t size)
{
    aglm_json_doc *doc = NULL;

    if (aglm_json_parse(&doc, body, n, NULL, NULL) != AGLM_OK) {
        n = n < MAX_LOOKED ? n : MAX_LOOKED;
        show(body, aglm_utf8_check(body, n), secret, text, size);
        return false;
    }
    const char *words = words_of(aglm_json_root(doc));
    bool length = is_about_length(aglm_json_root(doc), words);
    show(words ? words : "", words ? strlen(words) : 0, secret, text, size);
    aglm_json_free(doc);
    return length;
}

/* ---- scores ---- */

/* The numbers of the tokens that end behind the border. It was measured from the end of the text,
 * for a service may count its own marks at the start as characters. */
static aglm_rc sum_tail(const aglm_json *log_probs, const aglm_json *offsets, size_t n,
                        double border, double *score, int64_t *tokens)
{
    aglm_json_iter v = aglm_json_iterate(log_probs), at = aglm_json_iterate(offsets);

    aglm_json_next(&at, NULL); /* a token ends where the next one begins */
    *score = 0;
    *tokens = 0;
    for (size_t i = 0; i < n; i++) {
        double log_prob = aglm_json_double(aglm_json_next(&v, NULL), NAN);
        const aglm_json *next = aglm_json_next(&at, NULL);
        if (aglm_json_double(next, INFINITY) > border) {
            if (!isfinite(log_prob))
                return AGLM_UNSUPPORTED;
            *score += log_prob;
            ++*tokens;
        }
    }
    return *tokens > 0 ? AGLM_OK : AGLM_UNSUPPORTED;
}

static double last_offset(const aglm_json *offsets)
{
    aglm_json_iter it = aglm_json_iterate(offsets);
    double last = NAN;

    for (const aglm_json *v; (v = aglm_json_next(&it, NULL));)
        last = aglm_json_double(v, NAN);
    return last;
}

aglm_rc aglm_remote_score(const aglm_str *body, size_t chars, size_t answer_chars, double *score,
                          int64_t *tokens, aglm_error *err)
{
    const aglm_json_options options = {.origin = "the service's answer"};
    aglm_json_doc *doc;
    aglm_rc rc = aglm_json_parse(&doc, body->data, body->len, &options, err);

    if (rc != AGLM_OK)
        return rc;
    aglm_json_iter it = aglm_json_iterate(aglm_json_get(aglm_json_root(doc), "choices"));
    const aglm_json *all = aglm_json_get(aglm_json_next(&it, NULL), "logprobs");
    const aglm_json *log_probs = aglm_json_get(all, "token_logprobs");
    const aglm_json *offsets = aglm_json_get(all, "text_offset");
    size_t count = aglm_json_size(log_probs);
    /* the last token is the one that was generated: it begins where the text ends */
    double end = last_offset(offsets);

    rc = count < 2 || aglm_json_size(offsets) != count || end < (double)chars
             ? AGLM_UNSUPPORTED
             : sum_tail(log_probs, offsets, count - 1, end - (double)answer_chars, score, tokens);
    aglm_json_free(doc);
    if (rc != AGLM_OK)
        return aglm_error_set(err, rc,
                              "the service gives no log-probabilities of a prompt's tokens (echo "
                              "with logprobs): answers cannot be scored by it");
    return rc;
}
