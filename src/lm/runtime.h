/* lm/runtime.h - a language model that can be asked: the contract, whatever runs it.
 * Threads: a runtime is confined to one thread at a time; several may have the same model open.
 *
 * Two kinds: llama (lm/runtime_llama.c, a GGUF file in a child process) and remote
 * (lm/runtime_remote.h, an OpenAI-compatible HTTP service). */
#ifndef AGLM_LM_RUNTIME_H
#define AGLM_LM_RUNTIME_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "autoglm/error.h"
#include "base/str.h"

typedef struct aglm_lm aglm_lm;

/* What a model is. Texts are the runtime's, NULL or "" where unknown. */
typedef struct aglm_lm_info {
    const char *name;        /* general.name, or the file's */
    const char *description; /* architecture, size and weight type */
    const char *template;    /* Jinja chat template */
    const char *bos, *eos;
    bool add_bos; /* the runtime puts bos before every text */
    int64_t parameters, bytes, vocabulary, context, layers, dimension; /* 0: unknown */
    /* general.sampling.* of the file; NAN where it says nothing */
    double temperature, top_k, top_p, min_p, repetition_penalty;
} aglm_lm_info;

/* How to draw the next token. */
typedef struct aglm_decoding {
    double temperature; /* 0: the likeliest token, always */
    int64_t top_k;      /* 0: all */
    double top_p;       /* 1: all */
    double min_p;       /* 0: all */
    double typical_p;   /* 1: all */
    double repetition_penalty, presence_penalty, frequency_penalty; /* 1, 0, 0: none */
    int64_t penalty_last_n;
    int64_t max_tokens;
    uint64_t seed;
} aglm_decoding;

/* Greedy, 256 tokens, no penalties. */
void aglm_decoding_init(aglm_decoding *d);
/* AGLM_INVALID names the member that is out of its range. */
aglm_rc aglm_decoding_check(const aglm_decoding *d, aglm_error *err);

typedef enum aglm_lm_reason {
    AGLM_LM_STOP,   /* its own end, or a stop word */
    AGLM_LM_LENGTH, /* max_tokens, or the context is full */
    AGLM_LM_TIME
} aglm_lm_reason;
const char *aglm_lm_reason_name(aglm_lm_reason r); /* "stop", "length", "time" */

typedef struct aglm_lm_message {
    const char *role; /* system, user or assistant */
    const char *content;
} aglm_lm_message;

typedef struct aglm_lm_request {
    const char *prefix; /* kept for the next request that has the same; NULL: none */
    const char *prompt; /* the rest: what is asked is prefix + prompt */
    /* Instead of both, for a runtime that has the template itself (ops->takes_messages). */
    const aglm_lm_message *messages;
    size_t n_messages;
    const aglm_decoding *decoding;
    const char *const *stop; /* [n_stop], the text ends before them */
    size_t n_stop;
    const char *grammar; /* GBNF, NULL: none */
    double limit_s;      /* 0: none; the text so far is given when it is over */
    bool want_log_prob;
    /* Pieces as they come, whole UTF-8; false ends the request. May be NULL. */
    bool (*on_piece)(void *arg, const char *piece, size_t n);
    void *arg;
} aglm_lm_request;

typedef struct aglm_lm_answer {
    aglm_str text; /* clear with aglm_lm_answer_clear */
    aglm_lm_reason reason;
    int64_t prompt_tokens, prefix_tokens, tokens;
    bool warm;       /* the prefix was there already */
    double log_prob; /* nats, sum over the tokens of the answer; NAN unless asked for */
    double prompt_s, generate_s;
} aglm_lm_answer;

void aglm_lm_answer_init(aglm_lm_answer *a);
void aglm_lm_answer_clear(aglm_lm_answer *a);

typedef struct aglm_lm_scoring {
    const char *prefix;       /* shared by all; NULL: none */
    const char *const *items; /* [n_items] */
    size_t n_items;
    const char *const *answers; /* [n_answers], or [n_items * n_answers] when own_answers */
    size_t n_answers;
    bool own_answers;
    double limit_s;
} aglm_lm_scoring;

/* What stands in the model after some of its blocks when it has read a text. */
typedef struct aglm_lm_reading {
    const char *text;
    size_t len;
    const int32_t *layers; /* [n_layers] blocks done: ascending, 1 to info.layers */
    size_t n_layers;       /* at most AGLM_LM_LAYERS_MAX */
    size_t max_tokens;     /* of the text, from its beginning: 1 to AGLM_LM_READ_MAX */
    double limit_s;        /* 0: none */
} aglm_lm_reading;

#define AGLM_LM_LAYERS_MAX 64
#define AGLM_LM_READ_MAX 512
#define AGLM_LM_POOLINGS 2 /* the mean over the tokens, and the last token */

typedef struct aglm_lm_tokens {
    int32_t *at; /* free(at) */
    size_t n;
} aglm_lm_tokens;

typedef struct aglm_lm_ops {
    const char *kind;
    void (*close)(aglm_lm *lm);
    aglm_rc (*tokenize)(aglm_lm *lm, const char *text, size_t len, bool first, aglm_lm_tokens *out,
                        aglm_error *err);
    aglm_rc (*generate)(aglm_lm *lm, const aglm_lm_request *r, aglm_lm_answer *out,
                        aglm_error *err);
    aglm_rc (*score)(aglm_lm *lm, const aglm_lm_scoring *s, double *scores, int64_t *tokens,
                     aglm_error *err);
    aglm_rc (*embed)(aglm_lm *lm, const char *const *texts, size_t n, float *out, aglm_error *err);
    bool takes_messages;
    aglm_rc (*states)(aglm_lm *lm, const aglm_lm_reading *r, float *out, aglm_error *err);
    /* Leaves out of a decoding what the runtime has no word for; NULL: it has words for all. */
    void (*fit)(const aglm_lm *lm, aglm_decoding *d);
} aglm_lm_ops;

struct aglm_lm {
    const aglm_lm_ops *ops;
    aglm_lm_info info;
};

/* Opens a GGUF file. threads: 0 means one. AGLM_NOTFOUND: no such file, or the program
 * autoglm-llama is not installed; AGLM_FORMAT: damaged or hostile file (lm/gguf.h looks before
 * llama.cpp does). */
aglm_rc aglm_lm_open_file(aglm_lm **out, const char *path, unsigned threads, aglm_error *err);
void aglm_lm_close(aglm_lm *lm); /* NULL is fine */

/* Whether an operation is there: ops->score == NULL means AGLM_UNSUPPORTED. */

/* The model's tokens of a text (first: with those that stand at the start of every text);
 * free(*tokens). */
aglm_rc aglm_lm_tokenize(aglm_lm *lm, const char *text, size_t len, bool first, aglm_lm_tokens *out,
                         aglm_error *err);
/* Leaves out of *d what the runtime would refuse as AGLM_UNSUPPORTED. */
void aglm_lm_fit_decoding(const aglm_lm *lm, aglm_decoding *d);
/* out initialised; cleared by the caller whatever comes back. AGLM_LIMIT: longer than the context.
 */
aglm_rc aglm_lm_generate(aglm_lm *lm, const aglm_lm_request *r, aglm_lm_answer *out,
                         aglm_error *err);
/* scores[n_items * n_answers]: the sum of log-probabilities (nats) of each answer's tokens after
 * prefix + item, and how many tokens they are (may be NULL). The same numbers, to the bit, whatever
 * else is asked in the same call. */
aglm_rc aglm_lm_score(aglm_lm *lm, const aglm_lm_scoring *s, double *scores, int64_t *tokens,
                      aglm_error *err);
/* out[n * info.dimension]: unit vectors. */
aglm_rc aglm_lm_embed(aglm_lm *lm, const char *const *texts, size_t n, float *out, aglm_error *err);

/* out[n_layers * AGLM_LM_POOLINGS * info.dimension]: per layer the mean over the text's tokens,
 * then the last token; each token's state scaled to a root mean square of one. The same bits
 * whatever was asked before, and whichever other layers are asked for. AGLM_CANCELLED: the limit.
 */
aglm_rc aglm_lm_states(aglm_lm *lm, const aglm_lm_reading *r, float *out, aglm_error *err);

/* Writes the model with weights of another type ("Q4_0", "Q8_0", ...) beside out and renames it in
 * place. */
aglm_rc aglm_lm_quantize(const char *in, const char *out, const char *type, unsigned threads,
                         aglm_error *err);

#endif
