#include "llama/grammar.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/utf8.h"

#define MAX_GRAMMAR ((size_t)1 << 20)
#define MAX_DEPTH 200 /* llama.cpp reads brackets by recursion */
#define MAX_PIECE 1024

struct aglm_llama_grammar {
    const struct llama_vocab *vocab;
    struct llama_sampler *rules;
    llama_token_data *all, *some; /* [n]: what the grammar left, what the chain works on */
    size_t n;
};

/* ---- reading ---- */

static aglm_rc check_size(const char *text, aglm_error *err)
{
    size_t depth = 0, n = strlen(text);

    if (n == 0)
        return aglm_error_set(err, AGLM_FORMAT, "grammar: it is empty");
    if (n > MAX_GRAMMAR)
        return aglm_error_set(err, AGLM_LIMIT, "grammar: %zu bytes; the most are %zu", n,
                              MAX_GRAMMAR);
    for (size_t i = 0; i < n && depth <= MAX_DEPTH; i++)
        if (text[i] == '(')
            depth++;
        else if (text[i] == ')' && depth > 0)
            depth--;
    return depth <= MAX_DEPTH
               ? AGLM_OK
               : aglm_error_set(err, AGLM_LIMIT, "grammar: brackets nested deeper than %d",
                                MAX_DEPTH);
}

/* Of "parse: error parsing grammar: expecting ')' at ..." what stands behind the last colon that
 * follows a word of llama.cpp's own. */
static void tidy(char *words)
{
    static const char *const LEADS[] = {"error parsing grammar: ", "unsupported grammar, ",
                                        "llama_grammar_init_impl: "};
    const char *from = words;

    words[strcspn(words, "\n")] = '\0';
    for (size_t i = 0; i < sizeof LEADS / sizeof *LEADS && from == words; i++) {
        const char *at = strstr(words, LEADS[i]);
        from = at ? at + strlen(LEADS[i]) : words;
    }
    memmove(words, from, strlen(from) + 1);
    words[strlen(words) - aglm_utf8_open_tail(words, strlen(words))] = '\0';
}

/* llama.cpp says what is wrong with a grammar only on standard error. */
static struct llama_sampler *read_rules(const struct llama_vocab *vocab, const char *text,
                                        char *words, size_t size)
{
    int memory = memfd_create("words", MFD_CLOEXEC), before = dup(STDERR_FILENO);
    struct llama_sampler *rules;
    ssize_t n = 0;

    fflush(stderr);
    if (memory >= 0 && before >= 0)
        dup2(memory, STDERR_FILENO);
    rules = llama_sampler_init_grammar(vocab, text, "root");
    fflush(stderr);
    if (memory >= 0 && before >= 0) {
        dup2(before, STDERR_FILENO);
        n = pread(memory, words, size - 1, 0);
    }
    words[n > 0 ? n : 0] = '\0';
    tidy(words);
    if (memory >= 0)
        close(memory);
    if (before >= 0)
        close(before);
    return rules;
}

aglm_rc aglm_llama_grammar_new(aglm_llama_grammar **out, const struct llama_vocab *vocab,
                               const char *text, aglm_error *err)
{
    char words[200];
    aglm_llama_grammar *g = NULL;
    aglm_rc rc = check_size(text, err);

    *out = NULL;
    if (rc != AGLM_OK)
        return rc;
    if (!(g = calloc(1, sizeof *g)))
        goto nomem;
    g->vocab = vocab;
    g->n = (size_t)llama_vocab_n_tokens(vocab);
    g->all = calloc(g->n, sizeof *g->all);
    g->some = calloc(g->n, sizeof *g->some);
    if (!g->all || !g->some)
        goto nomem;
    g->rules = read_rules(vocab, text, words, sizeof words);
    if (!g->rules) {
        aglm_llama_grammar_free(g);
        return aglm_error_set(err, AGLM_FORMAT, "grammar: %s",
                              *words ? words : "llama.cpp does not take it");
    }
    *out = g;
    return AGLM_OK;
nomem:
    aglm_llama_grammar_free(g);
    return aglm_error_set(err, AGLM_NOMEM, "no memory for the grammar");
}

void aglm_llama_grammar_free(aglm_llama_grammar *g)
{
    if (!g)
        return;
    if (g->rules)
        llama_sampler_free(g->rules);
    free(g->all);
    free(g->some);
    free(g);
}

/* ---- drawing ---- */

static void load(aglm_llama_grammar *g, struct llama_context *ctx)
{
    const float *logits = llama_get_logits_ith(ctx, -1);

    for (size_t i = 0; i < g->n; i++)
        g->all[i] = (llama_token_data){(llama_token)i, logits[i], 0};
}

static void allow(aglm_llama_grammar *g)
{
    llama_token_data_array all = {.data = g->all, .size = g->n, .selected = -1};

    llama_sampler_apply(g->rules, &all);
}

static bool is_allowed(const aglm_llama_grammar *g, llama_token token)
{
    llama_token_data one = {token, 0, 0};
    llama_token_data_array array = {.data = &one, .size = 1, .selected = -1};

    llama_sampler_apply(g->rules, &array);
    return isfinite(one.logit);
}

/* UTF-8, but for a character at the end that can still become one. */
static bool may_be_utf8(const char *bytes, size_t n)
{
    size_t open = aglm_utf8_open_tail(bytes, n);
    char low[4 + 3], high[4 + 3];

    if (aglm_utf8_check(bytes, n - open) < n - open)
        return false;
    if (open == 0)
        return true;
    memset(low, 0x80, sizeof low);
    memset(high, 0xbf, sizeof high);
    memcpy(low, bytes + n - open, open);
    memcpy(high, bytes + n - open, open);
    return aglm_utf8_check(low, sizeof low) > 0 || aglm_utf8_check(high, sizeof high) > 0;
}

/* llama.cpp's grammars take overlong forms for the characters they stand for, and a marker, which
 * leaves no text behind, for its name. */
static bool may_follow(const aglm_llama_grammar *g, const aglm_str *text, llama_token token)
{
    char bytes[4 + MAX_PIECE];
    size_t open = aglm_utf8_open_tail(text->data, text->len);

    if (llama_vocab_is_eog(g->vocab, token))
        return true;
    memcpy(bytes, text->data + text->len - open, open);
    int n = llama_token_to_piece(g->vocab, token, bytes + open, MAX_PIECE, 0, false);
    size_t len = open + (size_t)(n > 0 ? n : 0);
    return n > 0 && may_be_utf8(bytes, len);
}

static bool draw(aglm_llama_grammar *g, struct llama_sampler *chain, llama_token *token)
{
    llama_token_data_array some = {.data = g->some, .selected = -1};

    for (size_t i = 0; i < g->n; i++)
        if (isfinite(g->all[i].logit))
            g->some[some.size++] = g->all[i];
    if (some.size == 0)
        return false;
    llama_sampler_apply(chain, &some);
    if (some.selected < 0 || (size_t)some.selected >= some.size)
        return false;
    *token = some.data[some.selected].id;
    return true;
}

/* One token is looked up in the grammar a hundred times faster than all of them, so a first draw is
 * made without it: what it allows of that is as likely as drawn with it. */
static bool draw_freely(aglm_llama_grammar *g, struct llama_sampler *chain, const aglm_str *text,
                        llama_token *token)
{
    return draw(g, chain, token) && is_allowed(g, *token) && may_follow(g, text, *token);
}

aglm_rc aglm_llama_grammar_draw(aglm_llama_grammar *g, struct llama_sampler *chain,
                                struct llama_context *ctx, const aglm_str *text, llama_token *token,
                                aglm_error *err)
{
    load(g, ctx);
    if (!draw_freely(g, chain, text, token)) {
        allow(g);
        for (;;) {
            if (!draw(g, chain, token))
                return aglm_error_set(err, AGLM_INVALID,
                                      "grammar: behind %zu bytes no token of the model is allowed",
                                      text->len);
            if (may_follow(g, text, *token))
                break;
            g->all[*token].logit = -INFINITY;
        }
    }
    llama_sampler_accept(g->rules, *token);
    llama_sampler_accept(chain, *token);
    return AGLM_OK;
}
