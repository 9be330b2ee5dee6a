/* generate: a prompt goes in, text comes out piece by piece. The prefix is decoded apart from the
 * rest, and kept: so the answer to (prefix, prompt) is the same whether the prefix was there
 * already or not. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/utf8.h"
#include "llama/grammar.h"
#include "llama/session.h"

#define MAX_TEXT ((size_t)64 << 20)
#define MAX_STOPS 16
#define MAX_TOKENS (1 << 20)

typedef struct generation {
    aglm_session *s;
    struct llama_sampler *sampler;
    aglm_llama_grammar *grammar; /* NULL: none */
    bool stream, log_prob;
    int64_t max_tokens;
    const char *stops[MAX_STOPS];
    size_t n_stops;
    aglm_str text; /* all so far */
    size_t sent;   /* bytes of it that went out as pieces */
    const char *reason;
    int64_t tokens;
    double sum_log_prob;
    aglm_str line;
} generation;

static double number_of(const aglm_json *request, const char *key, double otherwise)
{
    return aglm_json_double(aglm_json_get(request, key), otherwise);
}

static aglm_rc check_range(const aglm_json *request, const char *key, double low, double high,
                           aglm_error *err)
{
    double v = number_of(request, key, low);

    if (v >= low && v <= high)
        return AGLM_OK;
    return aglm_error_set(err, AGLM_INVALID, "%s is %g: it must lie within %g and %g", key, v, low,
                          high);
}

static aglm_rc check_request(const aglm_json *request, aglm_error *err)
{
    static const struct {
        const char *key;
        double low, high;
    } RANGES[] = {
        {"temperature", 0, 100},
        {"top_k", 0, 1e6},
        {"top_p", 0, 1},
        {"min_p", 0, 1},
        {"typical_p", 0, 1},
        {"repetition_penalty", 0, 10},
        {"presence_penalty", -10, 10},
        {"frequency_penalty", -10, 10},
        {"penalty_last_n", -1, 1e6},
        {"max_tokens", 0, MAX_TOKENS},
    };
    aglm_rc rc = AGLM_OK;

    for (size_t i = 0; rc == AGLM_OK && i < sizeof RANGES / sizeof *RANGES; i++)
        if (aglm_json_get(request, RANGES[i].key))
            rc = check_range(request, RANGES[i].key, RANGES[i].low, RANGES[i].high, err);
    return rc;
}

static void add_penalties(struct llama_sampler *chain, const aglm_json *request, int32_t n_vocab)
{
    double repetition = number_of(request, "repetition_penalty", 1),
           presence = number_of(request, "presence_penalty", 0),
           frequency = number_of(request, "frequency_penalty", 0);

    if (repetition != 1 || presence != 0 || frequency != 0)
        llama_sampler_chain_add(
            chain,
            llama_sampler_init_penalties(n_vocab, (int32_t)number_of(request, "penalty_last_n", 64),
                                         (float)repetition, (float)frequency, (float)presence));
}

/* llama.cpp's own order. Top-k comes first of the cuts: the others then see k candidates instead of
 * the vocabulary. */
static void add_draws(struct llama_sampler *chain, const aglm_json *request)
{
    double temperature = number_of(request, "temperature", 0),
           top_p = number_of(request, "top_p", 1), min_p = number_of(request, "min_p", 0),
           typical = number_of(request, "typical_p", 1);
    int32_t top_k = (int32_t)number_of(request, "top_k", 0);

    if (temperature <= 0) {
        llama_sampler_chain_add(chain, llama_sampler_init_greedy());
        return;
    }
    if (top_k > 0)
        llama_sampler_chain_add(chain, llama_sampler_init_top_k(top_k));
    if (typical < 1)
        llama_sampler_chain_add(chain, llama_sampler_init_typical((float)typical, 1));
    if (top_p < 1)
        llama_sampler_chain_add(chain, llama_sampler_init_top_p((float)top_p, 1));
    if (min_p > 0)
        llama_sampler_chain_add(chain, llama_sampler_init_min_p((float)min_p, 1));
    llama_sampler_chain_add(chain, llama_sampler_init_temp((float)temperature));
    llama_sampler_chain_add(
        chain, llama_sampler_init_dist((uint32_t)aglm_json_int(aglm_json_get(request, "seed"), 0)));
}

static aglm_rc make_sampler(generation *g, const aglm_json *request, aglm_error *err)
{
    struct llama_sampler_chain_params params = llama_sampler_chain_default_params();
    const char *grammar = aglm_json_string(aglm_json_get(request, "grammar"), NULL);

    params.no_perf = true;
    g->sampler = llama_sampler_chain_init(params);
    if (!g->sampler)
        return aglm_error_set(err, AGLM_NOMEM, "no memory for the sampler");
    add_penalties(g->sampler, request, llama_vocab_n_tokens(g->s->vocab));
    add_draws(g->sampler, request);
    return grammar ? aglm_llama_grammar_new(&g->grammar, g->s->vocab, grammar, err) : AGLM_OK;
}

static aglm_rc read_stops(generation *g, const aglm_json *request, aglm_error *err)
{
    aglm_json_iter it = aglm_json_iterate(aglm_json_get(request, "stop"));

    for (const aglm_json *v; (v = aglm_json_next(&it, NULL));) {
        const char *stop = aglm_json_string(v, NULL);
        if (!stop || !*stop || g->n_stops == MAX_STOPS)
            return aglm_error_set(err, AGLM_INVALID, "stop: at most %d texts, none of them empty",
                                  MAX_STOPS);
        g->stops[g->n_stops++] = stop;
    }
    return AGLM_OK;
}

/* Does the text end in a part of a stop word, or in a part of a character? So many bytes wait. */
static size_t waiting(const generation *g)
{
    size_t most = aglm_utf8_open_tail(g->text.data, g->text.len);

    for (size_t i = 0; i < g->n_stops; i++) {
        size_t n = strlen(g->stops[i]) - 1;
        for (n = n < g->text.len ? n : g->text.len; n > most; n--)
            if (memcmp(g->text.data + g->text.len - n, g->stops[i], n) == 0)
                most = n;
    }
    return most;
}

/* Cuts the text at a stop word that the last piece completed. */
static bool stopped(generation *g, size_t before)
{
    for (size_t i = 0; i < g->n_stops; i++) {
        size_t n = strlen(g->stops[i]);
        size_t from = before + 1 > n ? before + 1 - n : 0;
        const char *at = g->text.len >= n
                             ? memmem(g->text.data + from, g->text.len - from, g->stops[i], n)
                             : NULL;
        if (!at)
            continue;
        g->text.len = (size_t)(at - g->text.data);
        g->text.data[g->text.len] = '\0';
        return true;
    }
    return false;
}

static aglm_rc send_piece(generation *g, size_t end)
{
    aglm_json_writer w;

    if (!g->stream || end <= g->sent)
        return AGLM_OK;
    aglm_str_reset(&g->line);
    aglm_json_writer_init(&w, &g->line);
    aglm_json_open_object(&w);
    aglm_json_key(&w, "piece");
    aglm_json_put_string(&w, g->text.data + g->sent, end - g->sent);
    aglm_json_close_object(&w);
    aglm_str_putc(&g->line, '\n');
    g->sent = end;
    return g->line.rc == AGLM_OK ? aglm_session_send(g->s, &g->line) : g->line.rc;
}

/* Takes one token in; sets the reason when it was the last. */
static aglm_rc take(generation *g, llama_token token)
{
    size_t before = g->text.len;

    if (g->log_prob)
        g->sum_log_prob += aglm_llama_log_prob(g->s, &g->s->text, -1, token);
    g->tokens++;
    if (llama_vocab_is_eog(g->s->vocab, token)) {
        g->reason = "stop";
        return AGLM_OK;
    }
    aglm_llama_piece(g->s->vocab, token, false, &g->text);
    if (g->text.rc != AGLM_OK)
        return g->text.rc;
    if (stopped(g, before))
        g->reason = "stop";
    return g->reason ? AGLM_OK : send_piece(g, g->text.len - waiting(g));
}

static aglm_rc draw(generation *g, llama_token *token, aglm_error *err)
{
    struct llama_context *ctx = g->s->text.ctx;

    if (g->grammar)
        return aglm_llama_grammar_draw(g->grammar, g->sampler, ctx, &g->text, token, err);
    *token = llama_sampler_sample(g->sampler, ctx, -1);
    return AGLM_OK;
}

static aglm_rc run(generation *g, size_t from, aglm_error *err)
{
    aglm_llama_context *c = &g->s->text;
    aglm_rc rc = AGLM_OK;

    if (g->max_tokens == 0)
        g->reason = "length";
    while (rc == AGLM_OK && !g->reason) {
        llama_token token;
        rc = draw(g, &token, err);
        if (rc == AGLM_OK)
            rc = take(g, token);
        if (rc != AGLM_OK || g->reason)
            break;
        if (g->tokens == g->max_tokens || from + 1 >= c->n_ctx) {
            g->reason = "length";
            break;
        }
        rc = aglm_llama_decode_run(c, 0, &(aglm_tokens){&token, 1}, from++, true, err);
        if (rc == AGLM_CANCELLED)
            g->reason = "time";
    }
    return rc == AGLM_CANCELLED ? AGLM_OK : rc;
}

static void put_answer(generation *g, aglm_json_writer *w)
{
    size_t whole = g->text.len - aglm_utf8_open_tail(g->text.data, g->text.len);

    aglm_json_key(w, "text");
    aglm_json_put_string(w, g->text.data ? g->text.data : "", whole);
    aglm_json_member_text(w, "reason", g->reason);
    aglm_json_member_int(w, "tokens", g->tokens);
    if (g->log_prob)
        aglm_json_member_double(w, "log_prob", g->sum_log_prob);
}

typedef struct prompt {
    aglm_tokens prefix, rest;
} prompt;

static aglm_rc read_prompt(aglm_session *s, const aglm_json *request, prompt *p, aglm_error *err)
{
    size_t n_prefix = 0, n_rest = 0;
    const char *prefix = aglm_json_string(aglm_json_get(request, "prefix"), &n_prefix);
    const char *rest = aglm_json_string(aglm_json_get(request, "prompt"), &n_rest);

    if (!rest)
        return aglm_error_set(err, AGLM_INVALID, "generate: prompt is missing");
    aglm_rc rc = aglm_llama_tokenize(s->vocab, prefix ? prefix : "", n_prefix, n_prefix > 0,
                                     &p->prefix, err);
    if (rc == AGLM_OK)
        rc = aglm_llama_tokenize(s->vocab, rest, n_rest, n_prefix == 0, &p->rest, err);
    if (rc == AGLM_OK && p->rest.n == 0)
        rc = aglm_error_set(err, AGLM_INVALID, "generate: an empty prompt");
    return rc;
}

static aglm_rc generate(generation *g, const prompt *p, aglm_json_writer *answer, aglm_error *err)
{
    aglm_session *s = g->s;
    uint64_t start = aglm_clock_ns();
    size_t all = p->prefix.n + p->rest.n;
    uint64_t most = (uint64_t)llama_model_n_ctx_train(s->model),
             want = all + (uint64_t)g->max_tokens;

    aglm_rc rc = aglm_llama_context_need(
        s, &s->text, (uint32_t)(want > most && all < most ? most : want), 1, false, err);
    bool warm = false;
    if (rc == AGLM_OK)
        rc = aglm_llama_prefix(&s->text, &p->prefix, &warm, err);
    if (rc == AGLM_OK)
        rc = aglm_llama_decode_run(&s->text, 0, &p->rest, p->prefix.n, true, err);
    uint64_t read = aglm_clock_ns();
    if (rc == AGLM_OK)
        rc = run(g, all, err);
    if (rc == AGLM_OK)
        rc = send_piece(g, g->text.len - aglm_utf8_open_tail(g->text.data, g->text.len));
    if (rc != AGLM_OK)
        return rc;
    put_answer(g, answer);
    aglm_json_member_int(answer, "prompt_tokens", (int64_t)all);
    aglm_json_member_int(answer, "prefix_tokens", (int64_t)p->prefix.n);
    aglm_json_member_bool(answer, "warm", warm && p->prefix.n > 0);
    aglm_json_member_double(answer, "prompt_s", 1e-9 * (double)(read - start));
    aglm_json_member_double(answer, "generate_s", 1e-9 * (double)(aglm_clock_ns() - read));
    return AGLM_OK;
}

aglm_rc aglm_session_generate(aglm_session *s, const aglm_json *request, aglm_json_writer *answer,
                              aglm_error *err)
{
    generation g = {.s = s};
    prompt p = {0};

    aglm_str_init(&g.text, MAX_TEXT);
    aglm_str_init(&g.line, MAX_TEXT);
    g.stream = aglm_json_bool(aglm_json_get(request, "stream"), false);
    g.log_prob = aglm_json_bool(aglm_json_get(request, "log_prob"), false);
    g.max_tokens = aglm_json_int(aglm_json_get(request, "max_tokens"), 256);
    aglm_rc rc = check_request(request, err);
    if (rc == AGLM_OK)
        rc = read_stops(&g, request, err);
    if (rc == AGLM_OK)
        rc = make_sampler(&g, request, err);
    if (rc == AGLM_OK)
        rc = read_prompt(s, request, &p, err);
    if (rc == AGLM_OK)
        rc = generate(&g, &p, answer, err);
    free(p.prefix.at);
    free(p.rest.at);
    if (g.sampler)
        llama_sampler_free(g.sampler);
    aglm_llama_grammar_free(g.grammar);
    aglm_str_clear(&g.text);
    aglm_str_clear(&g.line);
    return rc;
}
