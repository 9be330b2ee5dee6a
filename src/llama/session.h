/* llama/session.h - the program autoglm-llama: one GGUF model behind llama.cpp's C API, asked by
 * lines of JSON on standard input and answering with lines of JSON. It is a program of its own
 * because llama.cpp ends its process when an assertion of it fails. Threads: one; llama.cpp
 * computes with those it was told to use.
 *
 * Every request is an object with "op"; every request gets one line with "ok", after any number of
 * "piece" lines: open      model, threads            -> what the model is (session_model.c)
 *   tokenize  text                      -> tokens
 *   generate  prefix, prompt, ...       -> pieces; reason, counts (generate.c)
 *   score     prefix, items, answers    -> log-probabilities (score.c)
 *   embed     texts                     -> vectors (embed.c)
 *   states    text, layers, max_tokens  -> pooled hidden states (states.c)
 *   quantize  model, out, type          -> (quantize.c)
 * A failed one has "ok": false, "rc" (an aglm_rc) and "error". */
#ifndef AGLM_LLAMA_SESSION_H
#define AGLM_LLAMA_SESSION_H

#include <llama.h>

#include "autoglm/error.h"
#include "base/json.h"

#define AGLM_LLAMA_ROWS 512 /* tokens decoded at once */

typedef struct aglm_tokens {
    llama_token *at;
    size_t n;
} aglm_tokens;

/* A context and what is known of its memory. */
typedef struct aglm_llama_context {
    struct llama_context *ctx;
    uint32_t n_ctx; /* tokens a sequence */
    uint32_t n_seq;
    struct llama_batch batch; /* room for AGLM_LLAMA_ROWS tokens */
    aglm_tokens prefix;       /* what the first prefix.n places of every sequence hold */
} aglm_llama_context;

typedef struct aglm_states aglm_states; /* a context and its observer: states.c */

typedef struct aglm_session {
    int out; /* file descriptor of the answers */
    struct llama_model *model;
    const struct llama_vocab *vocab;
    unsigned threads;
    uint64_t deadline_ns;    /* of the request in hand, on the monotonic clock; 0: none */
    aglm_llama_context text; /* one sequence: generate */
    aglm_llama_context many; /* many: score */
    aglm_llama_context embed;
    aglm_states *states; /* NULL: not asked for yet */
} aglm_session;

typedef aglm_rc aglm_session_op(aglm_session *s, const aglm_json *request, aglm_json_writer *answer,
                                aglm_error *err);

aglm_session_op aglm_session_open, aglm_session_tokenize, aglm_session_generate, aglm_session_score,
    aglm_session_embed, aglm_session_states, aglm_session_quantize;

void aglm_session_clear(aglm_session *s);
void aglm_states_free(aglm_states *s); /* NULL is fine */

/* Writes one line, whole. */
aglm_rc aglm_session_send(aglm_session *s, const aglm_str *line);

/* Makes *c hold at least n_ctx tokens for each of n_seq sequences; what it held is lost when it
 * must grow. AGLM_LIMIT: more than the model was made for. */
aglm_rc aglm_llama_context_need(aglm_session *s, aglm_llama_context *c, uint32_t n_ctx,
                                uint32_t n_seq, bool embeddings, aglm_error *err);
void aglm_llama_context_clear(aglm_llama_context *c);

/* Decodes tokens of one sequence from place `from` on, in pieces of the context's batch; logits of
 * the last one when wanted. */
aglm_rc aglm_llama_decode_run(aglm_llama_context *c, llama_seq_id seq, const aglm_tokens *t,
                              size_t from, bool logits, aglm_error *err);
/* llama_decode's answer as ours. */
aglm_rc aglm_llama_decode_rc(int rc, aglm_error *err);
/* Makes every sequence of *c hold the prefix and nothing after it; decoded only when another one
 * was there (*warm: it was this one; may be NULL). */
aglm_rc aglm_llama_prefix(aglm_llama_context *c, const aglm_tokens *prefix, bool *warm,
                          aglm_error *err);

/* Markers of the model (as <|im_end|>) in the text become its tokens; first: the tokens that stand
 * at the start of every text are put before. Freed by the caller with free(out->at). */
aglm_rc aglm_llama_tokenize(const struct llama_vocab *vocab, const char *text, size_t len,
                            bool first, aglm_tokens *out, aglm_error *err);
/* Appends a token's bytes. */
void aglm_llama_piece(const struct llama_vocab *vocab, llama_token token, bool markers,
                      aglm_str *out);

/* log(sum(exp(logits))), in one order whatever the machine. */
double aglm_llama_log_sum(const float *logits, size_t n);
/* The log-probability of a token at output `row` of the last decode. */
double aglm_llama_log_prob(const aglm_session *s, const aglm_llama_context *c, int32_t row,
                           llama_token token);

#endif
