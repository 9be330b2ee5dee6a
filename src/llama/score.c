/* score: the log-probability of each answer after each text, all texts sharing a prefix that is
 * decoded once.
 *
 * A text's scores must not depend on which texts are asked with it, nor on how many. llama.cpp's
 * kernels sum in another order when a matrix has another number of rows (modulo their tile), and
 * when the attended places lie elsewhere in memory. So every text has a sequence with places of its
 * own, is filled up to a multiple of TILE tokens that nothing looks back at, and a decode always
 * has a multiple of TILE outputs. */
#include <stdlib.h>
#include <string.h>

#include "llama/session.h"

#define TILE 4
#define WIDTH 16 /* texts decoded at once */

#define MAX_ITEMS 100000
#define MAX_ANSWERS 1024

typedef struct scoring {
    aglm_session *s;
    aglm_tokens prefix;
    aglm_tokens *texts;
    size_t n_texts;
    aglm_tokens *answers; /* [n_answers], or [n_texts][n_answers] when each text has its own */
    size_t n_answers;
    bool own_answers;
    double *scores; /* [n_texts][n_answers], sums of log-probabilities */
} scoring;

static size_t padded(size_t n)
{
    return (n + TILE - 1) / TILE * TILE;
}

static const aglm_tokens *answers_of(const scoring *p, size_t text)
{
    return p->answers + (p->own_answers ? text * p->n_answers : 0);
}

/* ---- reading the request ---- */

static aglm_rc tokenize_list(const struct llama_vocab *vocab, const aglm_json *list, bool first,
                             aglm_tokens *out, aglm_error *err)
{
    aglm_json_iter it = aglm_json_iterate(list);
    aglm_rc rc = AGLM_OK;
    size_t i = 0;

    for (const aglm_json *v; rc == AGLM_OK && (v = aglm_json_next(&it, NULL)); i++) {
        size_t len = 0;
        const char *text = aglm_json_string(v, &len);
        if (!text || len == 0)
            return aglm_error_set(err, AGLM_INVALID, "score: text %zu is empty or no text", i);
        rc = aglm_llama_tokenize(vocab, text, len, first, &out[i], err);
        if (rc == AGLM_OK && out[i].n == 0)
            rc = aglm_error_set(err, AGLM_INVALID, "score: text %zu has no token", i);
    }
    return rc;
}

static aglm_rc read_answers(scoring *p, const aglm_json *list, aglm_error *err)
{
    const aglm_json *first = NULL;
    aglm_json_iter it = aglm_json_iterate(list);
    aglm_rc rc = AGLM_OK;

    first = aglm_json_next(&it, NULL);
    p->own_answers = first && aglm_json_kind_of(first) == AGLM_JSON_ARRAY;
    p->n_answers = p->own_answers ? aglm_json_size(first) : aglm_json_size(list);
    if (p->n_answers == 0 || p->n_answers > MAX_ANSWERS ||
        (p->own_answers && aglm_json_size(list) != p->n_texts))
        return aglm_error_set(err, AGLM_INVALID,
                              "score: answers must be 1 to %d texts, or such a list for each item",
                              MAX_ANSWERS);
    p->answers = calloc(p->n_answers * (p->own_answers ? p->n_texts : 1), sizeof *p->answers);
    if (!p->answers)
        return aglm_error_set(err, AGLM_NOMEM, "no memory for the answers");
    if (!p->own_answers)
        return tokenize_list(p->s->vocab, list, false, p->answers, err);
    it = aglm_json_iterate(list);
    for (size_t i = 0; rc == AGLM_OK && i < p->n_texts; i++) {
        const aglm_json *own = aglm_json_next(&it, NULL);
        if (aglm_json_size(own) != p->n_answers)
            return aglm_error_set(err, AGLM_INVALID,
                                  "score: item %zu has %zu answers, the first has %zu", i,
                                  aglm_json_size(own), p->n_answers);
        rc = tokenize_list(p->s->vocab, own, false, p->answers + i * p->n_answers, err);
    }
    return rc;
}

static aglm_rc read_request(scoring *p, const aglm_json *request, aglm_error *err)
{
    const aglm_json *items = aglm_json_get(request, "items");
    size_t n_prefix = 0;
    const char *prefix = aglm_json_string(aglm_json_get(request, "prefix"), &n_prefix);

    p->n_texts = aglm_json_size(items);
    if (p->n_texts == 0 || p->n_texts > MAX_ITEMS)
        return aglm_error_set(err, AGLM_INVALID, "score: items must be 1 to %d texts", MAX_ITEMS);
    p->texts = calloc(p->n_texts, sizeof *p->texts);
    if (!p->texts)
        return aglm_error_set(err, AGLM_NOMEM, "no memory for %zu texts", p->n_texts);
    aglm_rc rc = aglm_llama_tokenize(p->s->vocab, prefix ? prefix : "", n_prefix, n_prefix > 0,
                                     &p->prefix, err);
    if (rc == AGLM_OK)
        rc = tokenize_list(p->s->vocab, items, n_prefix == 0, p->texts, err);
    if (rc == AGLM_OK)
        rc = read_answers(p, aglm_json_get(request, "answers"), err);
    if (rc != AGLM_OK)
        return rc;
    p->scores = calloc(p->n_texts * p->n_answers, sizeof *p->scores);
    return p->scores ? rc : aglm_error_set(err, AGLM_NOMEM, "no memory for the scores");
}

/* ---- decoding ---- */

/* Adds the tokens from `skip` on, filled up to a multiple of TILE, as places of a sequence; those
 * from `wanted` on are outputs. */
static void add_rows(struct llama_batch *b, llama_seq_id seq, const aglm_tokens *t, size_t skip,
                     size_t place, size_t wanted)
{
    size_t rows = padded(t->n - skip);

    for (size_t i = 0; i < rows; i++) {
        size_t at = (size_t)b->n_tokens++, from = skip + i;
        b->token[at] = t->at[from < t->n ? from : t->n - 1];
        b->pos[at] = (llama_pos)(place + from);
        b->n_seq_id[at] = 1;
        b->seq_id[at][0] = seq;
        b->logits[at] = from >= wanted && from < t->n;
    }
}

/* Makes outputs of other rows until their number is a multiple of TILE. */
static void fill_outputs(struct llama_batch *b)
{
    size_t n = 0;

    for (int32_t i = 0; i < b->n_tokens; i++)
        n += b->logits[i] != 0;
    for (int32_t i = 0; i < b->n_tokens && n % TILE != 0; i++) {
        if (b->logits[i])
            continue;
        b->logits[i] = 1;
        n++;
    }
}

static aglm_rc decode(scoring *p, aglm_error *err)
{
    fill_outputs(&p->s->many.batch);
    return aglm_llama_decode_rc(llama_decode(p->s->many.ctx, p->s->many.batch), err);
}

/* The first token of every answer. The normaliser is shared, so it is computed once a text. */
static void score_first(scoring *p, size_t text, int32_t row)
{
    const float *logits = llama_get_logits_ith(p->s->many.ctx, row);
    double sum = aglm_llama_log_sum(logits, (size_t)llama_vocab_n_tokens(p->s->vocab));

    for (size_t a = 0; a < p->n_answers; a++)
        p->scores[text * p->n_answers + a] = (double)logits[answers_of(p, text)[a].at[0]] - sum;
}

static void cut(const scoring *p, llama_seq_id seq, size_t text)
{
    llama_memory_seq_rm(llama_get_memory(p->s->many.ctx), seq,
                        (llama_pos)(p->prefix.n + p->texts[text].n), -1);
}

/* The texts of a group, one a sequence: all of the same padded length. */
static aglm_rc decode_texts(scoring *p, const size_t *group, size_t n, aglm_error *err)
{
    aglm_rc rc = AGLM_OK;
    int32_t last[WIDTH];
    size_t rows = padded(p->texts[group[0]].n),
           lead = (rows - 1) / AGLM_LLAMA_ROWS * AGLM_LLAMA_ROWS;
    struct llama_batch *b = &p->s->many.batch;

    if (lead > 0) /* a group of one */
        rc = aglm_llama_decode_run(&p->s->many, 0, &(aglm_tokens){p->texts[group[0]].at, lead},
                                   p->prefix.n, false, err);
    b->n_tokens = 0;
    for (size_t i = 0; i < n; i++) {
        const aglm_tokens *t = &p->texts[group[i]];
        last[i] = b->n_tokens + (int32_t)(t->n - 1 - lead);
        add_rows(b, (llama_seq_id)i, t, lead, p->prefix.n, t->n - 1);
    }
    if (rc == AGLM_OK)
        rc = decode(p, err);
    for (size_t i = 0; rc == AGLM_OK && i < n; i++) {
        score_first(p, group[i], last[i]);
        cut(p, (llama_seq_id)i, group[i]);
    }
    return rc;
}

/* The tokens after the first of answer `a`, for those texts of the group whose answer has more. */
static aglm_rc decode_answer(scoring *p, const size_t *group, size_t n, size_t a, aglm_error *err)
{
    int32_t first[WIDTH];
    struct llama_batch *b = &p->s->many.batch;
    aglm_rc rc = AGLM_OK;

    b->n_tokens = 0;
    for (size_t i = 0; i < n; i++) {
        aglm_tokens t = answers_of(p, group[i])[a];
        first[i] = b->n_tokens;
        t.n--;
        if (t.n > 0)
            add_rows(b, (llama_seq_id)i, &t, 0, p->prefix.n + p->texts[group[i]].n, 0);
    }
    if (b->n_tokens > 0)
        rc = decode(p, err);
    for (size_t i = 0; rc == AGLM_OK && i < n; i++) {
        const aglm_tokens *t = &answers_of(p, group[i])[a];
        for (size_t k = 1; k < t->n; k++)
            p->scores[group[i] * p->n_answers + a] += aglm_llama_log_prob(
                p->s, &p->s->many, first[i] + (int32_t)k - 1, t->at[k]);
        cut(p, (llama_seq_id)i, group[i]);
    }
    return rc;
}

static aglm_rc score_group(scoring *p, const size_t *group, size_t n, aglm_error *err)
{
    aglm_rc rc = aglm_llama_prefix(&p->s->many, &p->prefix, NULL, err);

    if (rc == AGLM_OK)
        rc = decode_texts(p, group, n, err);
    for (size_t a = 0; rc == AGLM_OK && a < p->n_answers; a++)
        rc = decode_answer(p, group, n, a, err);
    return rc;
}

static size_t longest(const aglm_tokens *t, size_t n)
{
    size_t most = 0;

    for (size_t i = 0; i < n; i++)
        most = t[i].n > most ? t[i].n : most;
    return most;
}

/* Texts in groups of equal padded length; each length is looked for in turn, as there are few of
 * them. */
static aglm_rc score_texts(scoring *p, aglm_error *err)
{
    size_t most = padded(longest(p->texts, p->n_texts)), group[WIDTH];
    aglm_rc rc = AGLM_OK;

    for (size_t rows = TILE; rc == AGLM_OK && rows <= most; rows += TILE) {
        size_t width = AGLM_LLAMA_ROWS / rows > WIDTH ? WIDTH
                       : AGLM_LLAMA_ROWS / rows < 1   ? 1
                                                      : AGLM_LLAMA_ROWS / rows,
               n = 0;
        for (size_t i = 0; rc == AGLM_OK && i < p->n_texts; i++) {
            if (padded(p->texts[i].n) != rows)
                continue;
            group[n++] = i;
            if (n < width)
                continue;
            rc = score_group(p, group, n, err);
            n = 0;
        }
        if (rc == AGLM_OK && n > 0)
            rc = score_group(p, group, n, err);
    }
    return rc;
}

static aglm_rc check_answers(const scoring *p, aglm_error *err)
{
    size_t most = longest(p->answers, p->n_answers * (p->own_answers ? p->n_texts : 1));

    if (padded(most) * WIDTH > AGLM_LLAMA_ROWS)
        return aglm_error_set(err, AGLM_LIMIT,
                              "score: an answer of %zu tokens; at most %d are taken", most,
                              AGLM_LLAMA_ROWS / WIDTH);
    return AGLM_OK;
}

static void put_scores(const scoring *p, aglm_json_writer *w)
{
    aglm_json_key(w, "scores");
    aglm_json_open_array(w);
    for (size_t i = 0; i < p->n_texts; i++) {
        aglm_json_open_array(w);
        for (size_t a = 0; a < p->n_answers; a++)
            aglm_json_put_double(w, p->scores[i * p->n_answers + a]);
        aglm_json_close_array(w);
    }
    aglm_json_close_array(w);
    aglm_json_key(w, "tokens");
    aglm_json_open_array(w);
    for (size_t i = 0; i < p->n_texts; i++) {
        aglm_json_open_array(w);
        for (size_t a = 0; a < p->n_answers; a++)
            aglm_json_put_int(w, (int64_t)answers_of(p, i)[a].n);
        aglm_json_close_array(w);
    }
    aglm_json_close_array(w);
    aglm_json_member_int(w, "prefix_tokens", (int64_t)p->prefix.n);
}

static void tokens_clear(aglm_tokens *list, size_t n)
{
    for (size_t i = 0; list && i < n; i++)
        free(list[i].at);
    free(list);
}

aglm_rc aglm_session_score(aglm_session *s, const aglm_json *request, aglm_json_writer *answer,
                           aglm_error *err)
{
    scoring p = {.s = s};

    aglm_rc rc = read_request(&p, request, err);
    if (rc == AGLM_OK)
        rc = check_answers(&p, err);
    if (rc == AGLM_OK)
        rc = aglm_llama_context_need(
            s, &s->many,
            (uint32_t)(p.prefix.n + padded(longest(p.texts, p.n_texts)) + AGLM_LLAMA_ROWS / WIDTH),
            WIDTH, false, err);
    if (rc == AGLM_OK)
        rc = score_texts(&p, err);
    if (rc == AGLM_OK)
        put_scores(&p, answer);
    free(p.prefix.at);
    tokens_clear(p.texts, p.n_texts);
    tokens_clear(p.answers, p.n_answers * (p.own_answers ? p.n_texts : 1));
    free(p.scores);
    return rc;
}
