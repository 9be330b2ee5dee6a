/* lm/check.h - is what a model wrote fit to be handed on? A list of checks, each with a score in
 * 0..1 (1 is good) and a reason, in time linear in the text's length.
 * Threads: pure functions; a history is confined. */
#ifndef AGLM_LM_CHECK_H
#define AGLM_LM_CHECK_H

#include <stdbool.h>
#include <stddef.h>

#include "base/regex.h"
#include "lm/word_list.h"
#include "net/json_schema.h"

#define AGLM_CHECK_MAX_BYTES ((size_t)1 << 20)
#define AGLM_CHECK_MAX_SAMPLES 64
#define AGLM_CHECK_REASON 160

typedef enum aglm_check {
    AGLM_CHECK_EMPTY,
    AGLM_CHECK_REPETITION,  /* n-grams said more than once */
    AGLM_CHECK_LOOP,        /* the end is one piece over and over */
    AGLM_CHECK_TRUNCATED,   /* stopped in mid-sentence, brackets or quotes left open */
    AGLM_CHECK_LANGUAGE,    /* another script than the prompt's, or than the wished */
    AGLM_CHECK_FORMAT,      /* regular expression, JSON Schema */
    AGLM_CHECK_LENGTH,      /* between min_chars and max_chars */
    AGLM_CHECK_LIKELIHOOD,  /* mean log-probability against those of accepted outputs */
    AGLM_CHECK_CONSISTENCY, /* agreement with other samples for the same prompt */
    AGLM_CHECK_COPY,        /* the prompt said again */
    AGLM_CHECK_WORDS,       /* words of the user's list */
    AGLM_CHECKS
} aglm_check;

/* What may help when an output fails. */
typedef enum aglm_mend {
    AGLM_MEND_NONE,
    AGLM_MEND_RESAMPLE,     /* another seed */
    AGLM_MEND_MORE_TOKENS,  /* a larger bound on the tokens */
    AGLM_MEND_FEWER_TOKENS, /* a smaller one, or a stop word */
    AGLM_MEND_PENALTY,      /* a repetition penalty, or more temperature */
    AGLM_MEND_LOWER_TEMPERATURE,
    AGLM_MEND_GRAMMAR,      /* decode by a grammar of the format */
    AGLM_MEND_SAY_LANGUAGE, /* name the language in the prompt */
    AGLM_MENDS
} aglm_mend;

/* Mean log-probabilities of the last accepted outputs. Zero is empty. */
#define AGLM_CHECK_HISTORY 64
typedef struct aglm_check_history {
    double value[AGLM_CHECK_HISTORY];
    size_t n; /* ever added */
} aglm_check_history;
void aglm_check_history_add(aglm_check_history *h, double mean_logprob);

/* What is known and wished; a zeroed struct with has_logprob false asks for the checks that need
 * the text alone. */
typedef struct aglm_check_options {
    const char *prompt; /* NULL: unknown */
    size_t prompt_len;
    const char *language; /* "zh", "en"; NULL: the prompt's */
    bool cut;             /* generation ended at its bound on tokens */
    const aglm_regex *pattern;
    const aglm_json_schema *schema;
    size_t min_chars;
    size_t max_chars; /* 0: no bound */
    bool has_logprob;
    double mean_logprob; /* nats a token */
    const aglm_check_history *history;
    const char *const *samples; /* other outputs for the prompt, NUL-terminated */
    size_t n_samples;
    const aglm_word_list *words;
} aglm_check_options;

typedef struct aglm_check_result {
    bool ran; /* false: what it needs was not given */
    bool failed;
    double score;
    char reason[AGLM_CHECK_REASON];
} aglm_check_result;

typedef struct aglm_check_report {
    aglm_check_result result[AGLM_CHECKS];
    size_t n_failed;
    aglm_check worst; /* the failed one with the lowest score; AGLM_CHECKS when all passed */
    aglm_mend mend;   /* for it */
} aglm_check_report;

const char *aglm_check_name(aglm_check c);
/* "sample again with another seed", ... */
const char *aglm_mend_text(aglm_mend m);

/* Runs all checks that have what they need. AGLM_LIMIT above AGLM_CHECK_MAX_BYTES or
 * AGLM_CHECK_MAX_SAMPLES, AGLM_NOMEM. */
aglm_rc aglm_check_run(aglm_check_report *out, const char *text, size_t len,
                       const aglm_check_options *options, aglm_error *err);

#endif
