#include "lm/runtime_remote.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "lm/remote_reply.h"
#include "lm/remote_service.h"
#include "lm/runtime_priv.h"
#include "net/http_client.h"
#include "net/rate_limit.h"

#define MAX_URL 4096
#define MAX_REQUEST ((size_t)256 << 20)
#define MAX_WORDS 300
#define BYTES_A_TOKEN 4 /* a guess, mended by the service's count */

typedef struct remote {
    aglm_lm lm;
    const aglm_remote_service *service;
    aglm_lm_remote_options options;
    aglm_http_client *client;
    aglm_str url, score_url;
    bool legacy;
    char *model, *key, *key_env, *thinking; /* key: NULL, there is none */
    aglm_rate_limit requests, tokens;
    aglm_lm_usage usage;
    aglm_str body;
    uint64_t until; /* the end of what is being scored; 0: none */
} remote;

void aglm_lm_remote_options_init(aglm_lm_remote_options *o)
{
    *o = (aglm_lm_remote_options){.retries = 3};
}

static void remote_close(aglm_lm *lm)
{
    remote *m = (remote *)lm;

    aglm_http_client_close(m->client);
    aglm_str_clear(&m->url);
    aglm_str_clear(&m->score_url);
    aglm_str_clear(&m->body);
    if (m->key)
        explicit_bzero(m->key, strlen(m->key));
    free(m->key);
    free(m->key_env);
    free(m->thinking);
    free(m->model);
    free(m);
}

/* ---- rate limits and counts ---- */

static aglm_rc wait_turn(remote *m, double tokens, uint64_t until, aglm_error *err)
{
    uint64_t now = aglm_clock_ns();
    double wait = fmax(aglm_rate_limit_wait_s(&m->requests, 1, now),
                       aglm_rate_limit_wait_s(&m->tokens, tokens, now));

    if (wait > 0 && until && wait >= 1e-9 * (double)(until > now ? until - now : 0))
        return aglm_error_set(
            err, AGLM_CANCELLED,
            "the rate limit asks to wait %.1f s, longer than the request may take", wait);
    if (wait > 0 && aglm_http_pause(wait, until, m->options.cancel) != AGLM_OK)
        return aglm_error_set(err, AGLM_CANCELLED, "cancelled while waiting for the rate limit");
    m->usage.waited_s += wait;
    now = aglm_clock_ns();
    aglm_rate_limit_take(&m->requests, 1, now);
    aglm_rate_limit_take(&m->tokens, tokens, now);
    return AGLM_OK;
}

static void count(remote *m, int64_t prompt, int64_t tokens, bool counted, double taken)
{
    m->usage.requests++;
    m->usage.prompt_tokens += prompt;
    m->usage.tokens += tokens;
    m->usage.uncounted += !counted;
    m->usage.cost += 1e-6 * ((double)prompt * m->options.price_prompt +
                             (double)tokens * m->options.price_answer);
    aglm_rate_limit_take(&m->tokens, (double)(prompt + tokens) - taken, aglm_clock_ns());
}

/* ---- refusals ---- */

static aglm_rc refuse_key(const remote *m, int status, const char *words, aglm_error *err)
{
    if (m->key)
        return aglm_error_set(err, AGLM_INVALID, "status %d: the key in $%s is refused%s%s", status,
                              m->key_env, *words ? ": " : "", words);
    return aglm_error_set(err, AGLM_INVALID, "status %d: it wants a key; put it into $%s%s%s",
                          status, m->key_env, *words ? ": " : "", words);
}

/* The meaning of a status that is not 2xx. */
static aglm_rc refusal(const remote *m, const aglm_http_answer *a, aglm_error *err)
{
    char words[MAX_WORDS];
    bool length = aglm_remote_complaint(a->body.data, a->body.len, m->key, words, sizeof words);
    const char *sep = *words ? ": " : "";

    if (a->status == 401 || a->status == 403)
        return refuse_key(m, a->status, words, err);
    if (a->status == 404)
        return aglm_error_set(err, AGLM_NOTFOUND,
                              "status 404: it knows no model \"%s\", or the URL is wrong%s%s",
                              m->model, sep, words);
    if (length || a->status == 413)
        return aglm_error_set(err, AGLM_LIMIT, "status %d: the prompt is too long%s%s", a->status,
                              sep, words);
    if (a->status >= 300 && a->status < 400)
        return aglm_error_set(err, AGLM_IO, "status %d: it sends on to %s: give that URL",
                              a->status, a->location[0] ? a->location : "another URL");
    if (a->status == 429)
        return aglm_error_set(
            err, AGLM_BUSY,
            "status 429 after %u attempts: too many requests, or no credit left%s%s", a->attempts,
            sep, words);
    if (a->status >= 400 && a->status < 500)
        return aglm_error_set(err, AGLM_INVALID, "status %d%s%s", a->status, sep, words);
    return aglm_error_set(err, AGLM_IO, "status %d after %u attempt%s%s%s", a->status, a->attempts,
                          a->attempts == 1 ? "" : "s", sep, words);
}

/* Says whose answer it is; the query may hold a secret and is left out. */
static aglm_rc blame(const remote *m, aglm_rc rc, aglm_error *err)
{
    if (rc < 0 && err) {
        aglm_http_redact(err->msg, m->key);
        aglm_error_prefix(err, "%.*s", (int)strcspn(m->url.data, "?"), m->url.data);
    }
    return rc;
}

static aglm_rc send(remote *m, const char *url, aglm_http_request *q, aglm_http_answer *a,
                    aglm_error *err)
{
    q->url = url;
    q->bearer = m->key;
    q->body = m->body.data;
    q->body_len = m->body.len;
    q->cancel = m->options.cancel;
    aglm_rc rc = aglm_http_send(m->client, q, a, err);
    m->usage.attempts += a->attempts;
    return rc;
}

/* ---- generate ---- */

static size_t prompt_bytes(const aglm_lm_request *r)
{
    size_t n = (r->prefix ? strlen(r->prefix) : 0) + (r->prompt ? strlen(r->prompt) : 0);

    for (size_t i = 0; i < r->n_messages; i++)
        n += strlen(r->messages[i].content);
    return n;
}

static void fill(remote *m, const aglm_remote_reply *reply, uint64_t start, double taken,
                 aglm_lm_answer *out)
{
    const aglm_lm_request *r = reply->request;
    double total = aglm_clock_since_s(start);

    out->reason = reply->reason;
    out->prompt_tokens = reply->counted ? reply->prompt_tokens
                                        : (int64_t)(prompt_bytes(r) / BYTES_A_TOKEN);
    out->tokens = reply->counted ? reply->tokens : reply->pieces;
    out->prefix_tokens = reply->cached_tokens;
    out->warm = reply->cached_tokens > 0;
    out->log_prob = r->want_log_prob ? reply->log_prob : NAN;
    out->prompt_s = aglm_remote_streams(r) && reply->first_ns
                        ? 1e-9 * (double)(reply->first_ns - start)
                        : 0;
    out->generate_s = total - out->prompt_s;
    count(m, out->prompt_tokens, out->tokens, reply->counted, taken);
}

/* Sends and reads; time that is over is no failure once something has come. */
static aglm_rc ask(remote *m, const aglm_lm_request *r, uint64_t until, aglm_remote_reply *reply,
                   aglm_error *err)
{
    aglm_http_request q = {.deadline_ns = until,
                           .on_event = aglm_remote_streams(r) ? aglm_remote_reply_event : NULL,
                           .arg = reply};
    aglm_http_answer a;
    bool cut = false;

    aglm_http_answer_init(&a);
    aglm_rc rc = send(m, m->url.data, &q, &a, err);
    if (rc == AGLM_CANCELLED && until && aglm_clock_ns() >= until && reply->text->len > 0 &&
        !aglm_cancelled(m->options.cancel)) {
        cut = !reply->finished;
        rc = AGLM_OK;
        if (cut)
            reply->reason = AGLM_LM_TIME;
    } else if (rc == AGLM_OK && (a.status < 200 || a.status > 299)) {
        rc = refusal(m, &a, err);
    } else if (rc == AGLM_OK && !a.events) {
        rc = aglm_remote_reply_whole(reply, a.body.data, a.body.len, err);
    }
    if (rc == AGLM_OK)
        rc = aglm_remote_reply_end(reply, cut, err);
    aglm_http_answer_clear(&a);
    return rc;
}

static aglm_rc remote_generate(aglm_lm *lm, const aglm_lm_request *r, aglm_lm_answer *out,
                               aglm_error *err)
{
    remote *m = (remote *)lm;
    aglm_remote_reply reply;
    uint64_t start = aglm_clock_ns();
    uint64_t until = r->limit_s > 0 ? start + (uint64_t)(1e9 * r->limit_s) : 0;
    size_t prompt = prompt_bytes(r) / BYTES_A_TOKEN;
    double taken = (double)prompt + (double)r->decoding->max_tokens;

    out->reason = AGLM_LM_LENGTH;
    if (r->decoding->max_tokens == 0)
        return AGLM_OK;
    aglm_remote_reply_init(&reply, r, m->key, &out->text);
    const aglm_remote_target target = {m->service, m->model, m->thinking, m->legacy};
    aglm_rc rc = aglm_remote_body(&target, r, &m->body, err);
    if (rc == AGLM_OK)
        rc = wait_turn(m, taken, until, err);
    if (rc == AGLM_OK)
        rc = ask(m, r, until, &reply, err);
    if (rc == AGLM_OK)
        fill(m, &reply, start, taken, out);
    else
        aglm_str_reset(&out->text);
    return blame(m, rc, err);
}

/* ---- score ---- */

static size_t characters(const char *text, size_t n)
{
    size_t count = 0;

    for (size_t i = 0; i < n; i++)
        count += ((unsigned char)text[i] & 0xc0) != 0x80;
    return count;
}

static aglm_rc score_body(remote *m, aglm_http_answer *a, aglm_error *err)
{
    aglm_http_request q = {.deadline_ns = m->until};
    aglm_rc rc = send(m, m->score_url.data, &q, a, err);

    if (rc != AGLM_OK || (a->status >= 200 && a->status < 300))
        return rc;
    rc = refusal(m, a, err);
    if (a->status != 400 && a->status != 404 && a->status != 405 && a->status != 422 &&
        a->status != 501)
        return rc;
    if (rc != AGLM_LIMIT) {
        rc = AGLM_UNSUPPORTED;
        if (err)
            err->rc = rc;
        aglm_error_prefix(err, "it cannot score answers (it takes no echo with logprobs)");
    }
    return rc;
}

/* text: context and answer, of which the last answer_n bytes are the answer. */
static aglm_rc score_one(remote *m, const aglm_str *text, size_t answer_n, double *score,
                         int64_t *tokens, aglm_error *err)
{
    size_t chars = characters(text->data, text->len);
    size_t answer_chars = characters(text->data + text->len - answer_n, answer_n);
    size_t guessed = text->len / BYTES_A_TOKEN + 1;
    double guess = (double)guessed;
    aglm_http_answer a;

    aglm_remote_score_body(m->model, text->data, &m->body);
    if (text->rc != AGLM_OK || m->body.rc != AGLM_OK)
        return aglm_error_set(err, AGLM_NOMEM, "no memory for the text to score");
    aglm_http_answer_init(&a);
    aglm_rc rc = wait_turn(m, guess, m->until, err);
    if (rc == AGLM_OK)
        rc = score_body(m, &a, err);
    if (rc == AGLM_OK)
        rc = aglm_remote_score(&a.body, chars, answer_chars, score, tokens, err);
    if (rc == AGLM_OK)
        count(m, (int64_t)guess, 1, false, guess);
    aglm_http_answer_clear(&a);
    return rc;
}

static aglm_rc remote_score(aglm_lm *lm, const aglm_lm_scoring *s, double *scores, int64_t *tokens,
                            aglm_error *err)
{
    remote *m = (remote *)lm;
    aglm_rc rc = AGLM_OK;
    aglm_str text;

    if (!m->service->echo)
        return aglm_error_set(
            err, AGLM_UNSUPPORTED,
            "a remote service of the kind \"%s\" cannot score answers: it gives no "
            "log-probabilities of a prompt",
            m->service->name);
    m->until = s->limit_s > 0 ? aglm_clock_ns() + (uint64_t)(1e9 * s->limit_s) : 0;
    aglm_str_init(&text, AGLM_LM_MAX_TEXT);
    for (size_t i = 0; rc == AGLM_OK && i < s->n_items * s->n_answers; i++) {
        size_t item = i / s->n_answers;
        const char *answer = s->answers[s->own_answers ? i : i % s->n_answers];
        int64_t n = 0;
        aglm_str_reset(&text);
        aglm_str_puts(&text, s->prefix ? s->prefix : "");
        aglm_str_puts(&text, s->items[item]);
        aglm_str_puts(&text, answer);
        rc = score_one(m, &text, strlen(answer), &scores[i], &n, err);
        if (tokens)
            tokens[i] = n;
    }
    aglm_str_clear(&text);
    return blame(m, rc, err);
}

static void remote_fit(const aglm_lm *lm, aglm_decoding *d)
{
    aglm_remote_fit(((const remote *)lm)->service, d);
}

static const aglm_lm_ops OPS = {.kind = "remote",
                                .takes_messages = true,
                                .fit = remote_fit,
                                .close = remote_close,
                                .generate = remote_generate,
                                .score = remote_score};

/* ---- opening ---- */

static aglm_rc read_key(remote *m, const char *named, aglm_error *err)
{
    bool own = !named && aglm_remote_service_may_have_key(m->service, m->url.data);
    const char *names[] = {named ? named : "AGLM_API_KEY", own ? m->service->key_env : NULL};
    const char *key = NULL, *name = NULL;

    for (size_t i = 0; i < 2 && !key; i++) {
        name = names[i] ? names[i] : name;
        key = names[i] ? getenv(names[i]) : NULL;
        if (key && !*key)
            key = NULL;
    }
    if (named && !key)
        return aglm_error_set(err, AGLM_NOTFOUND,
                              "the environment variable %s, which is to hold the key, is not set",
                              named);
    m->key_env = strdup(name);
    m->key = key ? strdup(key) : NULL;
    if (!m->key_env || (key && !m->key))
        return aglm_error_set(err, AGLM_NOMEM, "no memory for a remote model");
    return AGLM_OK;
}

static aglm_rc set_up(remote *m, const char *url, const char *model, aglm_error *err)
{
    const aglm_lm_remote_options *o = &m->options;
    const aglm_http_options http = {.connect_s = o->connect_s,
                                    .total_s = o->total_s,
                                    .max_body = AGLM_LM_MAX_TEXT,
                                    .retries = o->retries,
                                    .backoff_s = o->backoff_s,
                                    .seed = o->seed};
    uint64_t now = aglm_clock_ns();

    m->lm.ops = &OPS;
    aglm_str_init(&m->url, MAX_URL);
    aglm_str_init(&m->score_url, MAX_URL);
    aglm_str_init(&m->body, MAX_REQUEST);
    aglm_rate_limit_init(&m->requests, o->requests_per_minute, now);
    aglm_rate_limit_init(&m->tokens, o->tokens_per_minute, now);
    aglm_remote_url(m->service, url, &m->url, &m->legacy);
    if (m->url.rc == AGLM_OK)
        aglm_remote_completions_url(m->url.data, &m->score_url);
    aglm_rc rc = m->url.rc != AGLM_OK ? m->url.rc : m->score_url.rc;
    if (rc != AGLM_OK)
        return aglm_error_set(err, rc, "the URL, of at most %d bytes: %s", MAX_URL,
                              aglm_rc_text(rc));
    m->model = strdup(model);
    m->thinking = o->thinking ? strdup(o->thinking) : NULL;
    if (!m->model || (o->thinking && !m->thinking))
        return aglm_error_set(err, AGLM_NOMEM, "no memory for a remote model");
    m->lm.info = (aglm_lm_info){.name = m->model,
                                .description = m->service->name,
                                .temperature = NAN,
                                .top_k = NAN,
                                .top_p = NAN,
                                .min_p = NAN,
                                .repetition_penalty = NAN};
    rc = read_key(m, o->key_env, err);
    return rc == AGLM_OK ? aglm_http_client_open(&m->client, &http, err) : rc;
}

static aglm_rc check(const char *url, const char *model, const aglm_lm_remote_options *o,
                     aglm_error *err)
{
    size_t n;
    const char *host = aglm_http_host(url, &n);

    if ((strncmp(url, "http://", 7) != 0 && strncmp(url, "https://", 8) != 0) || n == 0)
        return aglm_error_set(
            err, AGLM_INVALID,
            "the URL of a remote model must be http://HOST... or https://HOST...");
    if (memchr(host, '@', n))
        return aglm_error_set(err, AGLM_INVALID,
                              "the URL holds a user name or password: take it out and give the key "
                              "in an environment variable");
    if (!model || !*model)
        return aglm_error_set(err, AGLM_INVALID, "a remote model needs its name");
    if (!aglm_remote_service_find(o->service, url))
        return aglm_error_set(err, AGLM_INVALID,
                              "no kind of service is called %s: glm, openai, vllm, llama, any",
                              o->service);
    if (o->thinking && strcmp(o->thinking, "enabled") != 0 && strcmp(o->thinking, "disabled") != 0)
        return aglm_error_set(err, AGLM_INVALID, "thinking is \"enabled\" or \"disabled\"");
    return AGLM_OK;
}

aglm_rc aglm_lm_open_remote(aglm_lm **out, const char *url, const char *model,
                            const aglm_lm_remote_options *options, aglm_error *err)
{
    aglm_rc rc = check(url, model, options, err);

    *out = NULL;
    if (rc != AGLM_OK)
        return rc;
    remote *m = calloc(1, sizeof *m);
    if (!m)
        return aglm_error_set(err, AGLM_NOMEM, "no memory for a remote model");
    m->options = *options;
    m->service = aglm_remote_service_find(options->service, url);
    rc = set_up(m, url, model, err);
    if (rc != AGLM_OK) {
        remote_close(&m->lm);
        return rc;
    }
    *out = &m->lm;
    return AGLM_OK;
}

void aglm_lm_remote_usage(const aglm_lm *lm, aglm_lm_usage *out)
{
    *out = lm->ops == &OPS ? ((const remote *)lm)->usage : (aglm_lm_usage){0};
}
