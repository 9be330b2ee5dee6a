#include "lm/remote_service.h"

#include <math.h>
#include <string.h>
#include <strings.h>

#include "base/json.h"
#include "net/http_client.h"

#define CHAT "/chat/completions"
#define LEGACY "/completions"
#define NEARLY_0 0.01 /* the ends of GLM's open interval, as its own client sends them */
#define NEARLY_1 0.99

/* What the servers that people run themselves have in common. */
#define OF_ONES_OWN                                                                                \
    .path = "/v1", .max_tokens = "max_tokens", .max_stops = 16, .penalties = true,                 \
    .sampling = true, .log_probs = true, .asks_usage = true

static const aglm_remote_service SERVICES[] = {
    {.name = "any", OF_ONES_OWN, .echo = true},
    {.name = "glm",
     .path = "/api/paas/v4",
     .hosts = {"bigmodel.cn", "z.ai"},
     .key_env = "ZHIPUAI_API_KEY",
     .max_tokens = "max_tokens",
     .max_stops = 1,
     .open_interval = true},
    {.name = "openai",
     .path = "/v1",
     .hosts = {"openai.com"},
     .key_env = "OPENAI_API_KEY",
     .max_tokens = "max_completion_tokens",
     .max_stops = 4,
     .penalties = true,
     .log_probs = true,
     .asks_usage = true},
    {.name = "vllm", OF_ONES_OWN, .echo = true},
    {.name = "llama", OF_ONES_OWN, .typical = true, .grammar = true},
};

/* ---- addresses ---- */

static bool host_is(const char *url, const char *domain)
{
    size_t n, m = strlen(domain);
    const char *host = aglm_http_host(url, &n);
    const char *port = memchr(host, ':', n);

    if (port)
        n = (size_t)(port - host);
    return n >= m && strncasecmp(host + n - m, domain, m) == 0 &&
           (n == m || host[n - m - 1] == '.');
}

static bool is_at_home(const aglm_remote_service *s, const char *url)
{
    for (size_t i = 0; i < 2 && s->hosts[i]; i++)
        if (host_is(url, s->hosts[i]))
            return true;
    return false;
}

bool aglm_remote_service_may_have_key(const aglm_remote_service *s, const char *url)
{
    return s->key_env && is_at_home(s, url) && strncmp(url, "https://", 8) == 0;
}

static const char *name_of(const char *url)
{
    for (size_t i = 0; i < sizeof SERVICES / sizeof *SERVICES; i++)
        if (is_at_home(&SERVICES[i], url))
            return SERVICES[i].name;
    return strstr(url, "/api/paas/v4") ? "glm" : "any";
}

const aglm_remote_service *aglm_remote_service_find(const char *name, const char *url)
{
    const char *wanted = name ? name : name_of(url);

    for (size_t i = 0; i < sizeof SERVICES / sizeof *SERVICES; i++)
        if (strcmp(SERVICES[i].name, wanted) == 0)
            return &SERVICES[i];
    return NULL;
}

static bool ends_with(const char *s, size_t n, const char *end)
{
    size_t m = strlen(end);

    return n >= m && memcmp(s + n - m, end, m) == 0;
}

void aglm_remote_url(const aglm_remote_service *s, const char *url, aglm_str *out, bool *legacy)
{
    size_t n = strcspn(url, "?#"), query = strcspn(url + n, "#"), host_n;
    const char *host = aglm_http_host(url, &host_n);
    size_t bare = (size_t)(host - url) + host_n;
    const char *rest = url + n;

    while (n > bare && url[n - 1] == '/')
        n--;
    bool chat = ends_with(url, n, CHAT);
    *legacy = !chat && ends_with(url, n, LEGACY);
    aglm_str_append(out, url, n);
    if (n == bare)
        aglm_str_puts(out, s->path);
    if (!chat && !*legacy)
        aglm_str_puts(out, CHAT);
    aglm_str_append(out, rest, query);
}

void aglm_remote_completions_url(const char *generate_url, aglm_str *out)
{
    size_t n = strcspn(generate_url, "?");
    const char *query = generate_url + n;

    if (ends_with(generate_url, n, CHAT))
        n -= strlen(CHAT);
    else
        n -= strlen(LEGACY);
    aglm_str_append(out, generate_url, n);
    aglm_str_puts(out, LEGACY);
    aglm_str_puts(out, query);
}

/* ---- bodies ---- */

bool aglm_remote_streams(const aglm_lm_request *r)
{
    return r->on_piece || r->limit_s > 0;
}

static bool differs(double v, double neutral)
{
    return fabs(v - neutral) > 1e-12;
}

static aglm_rc check(const aglm_remote_service *s, const aglm_lm_request *r, aglm_error *err)
{
    const aglm_decoding *d = r->decoding;
    const struct {
        const char *name;
        bool wanted, known;
    } members[] = {
        {"top_k", d->top_k > 0, s->sampling},
        {"min_p", differs(d->min_p, 0), s->sampling},
        {"typical_p", differs(d->typical_p, 1), s->typical},
        {"repetition_penalty", differs(d->repetition_penalty, 1), s->sampling},
        {"presence_penalty", differs(d->presence_penalty, 0), s->penalties},
        {"frequency_penalty", differs(d->frequency_penalty, 0), s->penalties},
        {"grammar", r->grammar != NULL, s->grammar},
    };

    for (size_t i = 0; i < sizeof members / sizeof *members; i++)
        if (members[i].wanted && !members[i].known)
            return aglm_error_set(err, AGLM_UNSUPPORTED,
                                  "a remote service of the kind \"%s\" takes no %s: leave it out%s",
                                  s->name, members[i].name,
                                  strcmp(s->name, "any") == 0
                                      ? ", or name the kind of service, if it is llama-server"
                                      : "");
    return AGLM_OK;
}

void aglm_remote_fit(const aglm_remote_service *s, aglm_decoding *d)
{
    aglm_decoding plain;

    aglm_decoding_init(&plain);
    if (!s->sampling) {
        d->top_k = plain.top_k;
        d->min_p = plain.min_p;
        d->repetition_penalty = plain.repetition_penalty;
    }
    if (!s->typical)
        d->typical_p = plain.typical_p;
    if (!s->penalties) {
        d->presence_penalty = plain.presence_penalty;
        d->frequency_penalty = plain.frequency_penalty;
    }
}

static double open_interval(double v)
{
    return fmin(fmax(v, NEARLY_0), NEARLY_1);
}

static void put_temperature(const aglm_remote_service *s, const aglm_decoding *d,
                            aglm_json_writer *w)
{
    bool greedy = d->temperature <= 0;

    if (!s->open_interval) {
        aglm_json_member_double(w, "temperature", d->temperature);
        if (d->top_p < 1)
            aglm_json_member_double(w, "top_p", d->top_p);
        return;
    }
    aglm_json_member_bool(w, "do_sample", !greedy);
    if (greedy)
        return;
    aglm_json_member_double(w, "temperature", open_interval(d->temperature));
    aglm_json_member_double(w, "top_p", open_interval(d->top_p));
}

static void put_decoding(const aglm_remote_service *s, const aglm_decoding *d, aglm_json_writer *w)
{
    put_temperature(s, d, w);
    if (d->top_k > 0)
        aglm_json_member_int(w, "top_k", d->top_k);
    if (differs(d->min_p, 0))
        aglm_json_member_double(w, "min_p", d->min_p);
    if (differs(d->typical_p, 1))
        aglm_json_member_double(w, "typical_p", d->typical_p);
    if (differs(d->repetition_penalty, 1)) { /* vLLM's word, and llama-server's */
        aglm_json_member_double(w, "repetition_penalty", d->repetition_penalty);
        aglm_json_member_double(w, "repeat_penalty", d->repetition_penalty);
    }
    if (differs(d->presence_penalty, 0))
        aglm_json_member_double(w, "presence_penalty", d->presence_penalty);
    if (differs(d->frequency_penalty, 0))
        aglm_json_member_double(w, "frequency_penalty", d->frequency_penalty);
    aglm_json_member_int(w, "seed", (int64_t)(d->seed & INT32_MAX));
}

static void put_prompt(const aglm_lm_request *r, aglm_json_writer *w)
{
    aglm_str text;

    aglm_str_init(&text, w->out->max);
    aglm_str_puts(&text, r->prefix ? r->prefix : "");
    aglm_str_puts(&text, r->prompt ? r->prompt : "");
    if (text.rc != AGLM_OK)
        w->out->rc = text.rc;
    aglm_json_put_string(w, text.data, text.len);
    aglm_str_clear(&text);
}

static void put_messages(const aglm_lm_request *r, aglm_json_writer *w)
{
    aglm_json_key(w, "messages");
    aglm_json_open_array(w);
    for (size_t i = 0; i < r->n_messages; i++) {
        aglm_json_open_object(w);
        aglm_json_member_text(w, "role", r->messages[i].role);
        aglm_json_member_text(w, "content", r->messages[i].content);
        aglm_json_close_object(w);
    }
    if (r->n_messages == 0) {
        aglm_json_open_object(w);
        aglm_json_member_text(w, "role", "user");
        aglm_json_key(w, "content");
        put_prompt(r, w);
        aglm_json_close_object(w);
    }
    aglm_json_close_array(w);
}

/* The others are looked for when the text comes. */
static void put_stops(const aglm_remote_service *s, const aglm_lm_request *r, aglm_json_writer *w)
{
    if (r->n_stop == 0)
        return;
    aglm_json_key(w, "stop");
    aglm_json_open_array(w);
    for (size_t i = 0; i < r->n_stop && i < s->max_stops; i++)
        aglm_json_put_text(w, r->stop[i]);
    aglm_json_close_array(w);
}

static void put_stream(const aglm_remote_service *s, aglm_json_writer *w)
{
    aglm_json_member_bool(w, "stream", true);
    if (!s->asks_usage)
        return;
    aglm_json_key(w, "stream_options");
    aglm_json_open_object(w);
    aglm_json_member_bool(w, "include_usage", true);
    aglm_json_close_object(w);
}

static void put_thinking(const char *thinking, aglm_json_writer *w)
{
    aglm_json_key(w, "thinking");
    aglm_json_open_object(w);
    aglm_json_member_text(w, "type", thinking);
    aglm_json_close_object(w);
}

static void put_log_probs(bool legacy, aglm_json_writer *w)
{
    if (legacy)
        aglm_json_member_int(w, "logprobs", 1);
    else
        aglm_json_member_bool(w, "logprobs", true);
}

aglm_rc aglm_remote_body(const aglm_remote_target *t, const aglm_lm_request *r, aglm_str *out,
                         aglm_error *err)
{
    const aglm_remote_service *s = t->service;
    aglm_json_writer w;
    aglm_rc rc = check(s, r, err);

    if (rc == AGLM_OK && t->legacy && r->n_messages > 0)
        rc = aglm_error_set(err, AGLM_UNSUPPORTED, "/completions takes a text, not messages");
    if (rc != AGLM_OK)
        return rc;
    aglm_str_reset(out);
    aglm_json_writer_init(&w, out);
    aglm_json_open_object(&w);
    aglm_json_member_text(&w, "model", t->model);
    if (t->legacy) {
        aglm_json_key(&w, "prompt");
        put_prompt(r, &w);
    } else {
        put_messages(r, &w);
    }
    aglm_json_member_int(&w, t->legacy ? "max_tokens" : s->max_tokens, r->decoding->max_tokens);
    put_decoding(s, r->decoding, &w);
    put_stops(s, r, &w);
    if (r->grammar)
        aglm_json_member_text(&w, "grammar", r->grammar);
    if (t->thinking)
        put_thinking(t->thinking, &w);
    if (r->want_log_prob && s->log_probs)
        put_log_probs(t->legacy, &w);
    if (aglm_remote_streams(r))
        put_stream(s, &w);
    aglm_json_close_object(&w);
    if (out->rc != AGLM_OK)
        return aglm_error_set(err, out->rc, "the request: %s", aglm_rc_text(out->rc));
    return AGLM_OK;
}

void aglm_remote_score_body(const char *model, const char *text, aglm_str *out)
{
    aglm_json_writer w;

    aglm_str_reset(out);
    aglm_json_writer_init(&w, out);
    aglm_json_open_object(&w);
    aglm_json_member_text(&w, "model", model);
    aglm_json_member_text(&w, "prompt", text);
    aglm_json_member_int(&w, "max_tokens", 1);
    aglm_json_member_double(&w, "temperature", 0);
    aglm_json_member_bool(&w, "echo", true);
    aglm_json_member_int(&w, "logprobs", 1);
    aglm_json_close_object(&w);
}
