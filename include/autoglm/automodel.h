/* autoglm/automodel.h - tune a model for a labelled file, open the bundle, predict; open a language
 * model and let it write.
 * Threads: aglm_tune blocks its caller and uses threads of its own; an aglm_automodel is confined
 * to one thread at a time (open one a thread: the weights are read again, some milliseconds). */
#ifndef AUTOGLM_AUTOMODEL_H
#define AUTOGLM_AUTOMODEL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "autoglm/error.h"

#ifdef __cplusplus
extern "C" {
#endif

/* Strings are borrowed during the call; NULL means what the command line's default means (autoglm
 * tune --help). */
typedef struct aglm_tune_config {
    const char *file;         /* labelled documents, or a table; needed */
    const char *valid;        /* more of them */
    const char *label_column; /* by name or number */
    const char *text_column;
    const char *metric; /* "accuracy", "macro_f1", ... */
    double budget_s;    /* wall time in all; 0: none (then trials must be set) */
    int64_t trials;     /* 0: no limit */
    unsigned threads;   /* 0: all processors */
    uint64_t seed;
    const char *storage; /* "memory" (NULL), "sqlite:///FILE" */
    const char *out;     /* folder of the bundle; needed */
    /* After each finished trial, from a worker thread, one call at a time; value and best are NaN
     * where there is none. */
    void (*on_trial)(void *arg, int64_t number, double value, double best);
    void *arg;
} aglm_tune_config;

typedef struct aglm_tune_summary {
    double value;    /* of the metric, on documents the scored models had not learned from */
    double accuracy; /* 0..1; NaN for regression, as the next */
    double macro_f1;
    uint64_t bytes; /* of the weights */
    double latency_p95_us;
    size_t trials; /* complete or stopped early */
} aglm_tune_summary;

/* Budget 60 s, everything else zero or NULL. */
AGLM_API void aglm_tune_config_init(aglm_tune_config *c);

/* summary may be NULL. AGLM_INVALID, AGLM_FORMAT: the file or an option, by name; AGLM_CANCELLED:
 * the budget was too short for one model; AGLM_IO: the bundle could not be written (an older one
 * stays as it was). */
AGLM_API aglm_rc aglm_tune(const aglm_tune_config *c, aglm_tune_summary *summary, aglm_error *err);

typedef struct aglm_automodel aglm_automodel;

/* Strings are borrowed during the call. Of a bundle only threads is used. */
typedef struct aglm_automodel_options {
    /* Find out what a prompt asks for, take the settings that did best for such tasks, check the
     * answer, try again where that may mend it, and learn from it. false: asked once, the likeliest
     * tokens. */
    bool auto_optimize;
    const char *task_type; /* "text-generation", "classification", ...; NULL: found out */
    const char *settings;  /* the file that remembers; NULL: this model, until it is closed */
    const char *presets;   /* settings of your own that take part, a JSON file; NULL: none */
    unsigned retries;      /* of an answer that fails a check */
    unsigned threads;      /* of a model file; 0: 1 */
    uint64_t seed;
    bool raw; /* prompts as they stand, without the model's chat template */
    /* An OpenAI-compatible service (GLM, OpenAI, vLLM, llama-server): the model is then a name
     * there. */
    const char *url;
    /* The environment variable with its key; NULL: AGLM_API_KEY, else ZHIPUAI_API_KEY for GLM's
     * hosts, OPENAI_API_KEY for OpenAI's. */
    const char *key_env;
} aglm_automodel_options;

/* auto_optimize, two retries; the rest zero or NULL. */
AGLM_API void aglm_automodel_options_init(aglm_automodel_options *o);

/* model: a bundle, a GGUF file, or with options->url the name of a service's model (nothing is sent
 * yet). options NULL: as init makes them. AGLM_NOTFOUND: no such file, no autoglm-llama to run it,
 * no such variable; AGLM_FORMAT: damaged, or of a newer version; AGLM_INVALID: an option, by name;
 * AGLM_UNSUPPORTED: a service, but built without libcurl. */
AGLM_API aglm_rc aglm_automodel_open(aglm_automodel **out, const char *model,
                                     const aglm_automodel_options *options, aglm_error *err);
AGLM_API void aglm_automodel_close(aglm_automodel *m); /* NULL is fine */

/* 0 for what writes: a language model, a bundle whose answers are texts. */
AGLM_API size_t aglm_automodel_n_labels(const aglm_automodel *m);
/* UTF-8, borrowed; NULL past the last. */
AGLM_API const char *aglm_automodel_label(const aglm_automodel *m, size_t label);

/* Probabilities [n_labels] of one UTF-8 text, borrowed until the next call on m. A model of a table
 * takes a row: its cells in the order of the learned columns, TAB between them; one of a regression
 * gives the number in the place of its one label's probability. AGLM_UNSUPPORTED: it writes. */
AGLM_API aglm_rc aglm_automodel_predict(aglm_automodel *m, const char *text, size_t len,
                                        const float **probs, aglm_error *err);

typedef struct aglm_generate_options {
    double max_latency_s; /* of all attempts; what there is by then is given. 0: none */
    int64_t max_tokens;   /* the longest answer; 0: what the settings say, 256 without them */
    /* Pieces of the answer as they come, whole UTF-8. An answer that fails a check may be tried
     * again: a new attempt (from 1) begins anew. false ends it with AGLM_CANCELLED. May be NULL. */
    bool (*on_piece)(void *arg, unsigned attempt, const char *piece, size_t n);
    void *arg;
} aglm_generate_options;

typedef struct aglm_answer {
    char *text; /* UTF-8 */
    size_t len;
    const char *task;  /* static; NULL without auto_optimize */
    char settings[64]; /* the name of those that were chosen */
    double score;      /* 0..1, of the checks; NAN without auto_optimize */
    char *reasons;     /* what tells the task, why these settings, each check: a line each */
    unsigned tries;
    unsigned attempt; /* the one that is given */
    const char *end;  /* static: "stop" (the model's own end), "length", "time" */
    int64_t prompt_tokens, tokens;
    double seconds; /* of all attempts */
} aglm_answer;

AGLM_API void aglm_answer_init(aglm_answer *a);
AGLM_API void aglm_answer_clear(aglm_answer *a);

/* One UTF-8 prompt; options NULL: no limits, no pieces. A bundle whose answers are texts takes its
 * fields, TAB between them where there are several, and has no score. *answer: initialised by the
 * caller, who clears it whatever comes back; what it held is freed. AGLM_LIMIT: longer than the
 * context; AGLM_CANCELLED: nothing came in time; AGLM_UNSUPPORTED: a bundle that labels; of a
 * service also AGLM_INVALID (key refused), AGLM_BUSY, AGLM_FORMAT, AGLM_IO. */
AGLM_API aglm_rc aglm_automodel_generate(aglm_automodel *m, const char *prompt,
                                         const aglm_generate_options *options, aglm_answer *answer,
                                         aglm_error *err);

#ifdef __cplusplus
}
#endif
#endif
