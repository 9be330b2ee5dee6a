/* lm/prompted_priv.h - the prompted learner: parameters, prompt, model.
 * Threads: a model is immutable once fitted; a predictor is confined.
 *
 * What is asked of the language model is
 *     instruction  example_1 ... example_n  before TEXT after
 * and the answer is the label whose words are likeliest there, after a bias a label was added. All
 * that comes before the text is the prefix: the same for every text, so the runtime keeps it. */
#ifndef AGLM_LM_PROMPTED_PRIV_H
#define AGLM_LM_PROMPTED_PRIV_H

#include "learn/learner.h"
#include "lm/runtime_pool.h"

enum {
    AGLM_PROMPTED_LAYOUT,
    AGLM_PROMPTED_INSTRUCTION,
    AGLM_PROMPTED_WORDS,
    AGLM_PROMPTED_SHOTS,
    AGLM_PROMPTED_DRAW,
    AGLM_PROMPTED_BIAS,
    AGLM_PROMPTED_CHARS,
    AGLM_PROMPTED_LENGTH,
    AGLM_PROMPTED_N
};

/* Words around a text and its answer. */
typedef struct aglm_prompt_layout {
    const char *before, *after; /* of the text */
    const char *answer_before;  /* a blank where words are divided by blanks */
    const char *end;            /* of an example */
} aglm_prompt_layout;

typedef enum aglm_label_words {
    AGLM_WORDS_AS_IS,
    AGLM_WORDS_SPOKEN, /* abbreviations in full, lower case, no underscores */
    AGLM_WORDS_LETTERS /* A, B, C: the instruction says which is which */
} aglm_label_words;

typedef struct aglm_prompted_params {
    size_t layout, instruction;
    aglm_label_words words;
    size_t shots;
    uint64_t draw;
    size_t bias_docs; /* documents that the bias is learned from; 0: none */
    size_t max_chars; /* of a text */
    bool mean;        /* a label's score is the mean over its tokens, not the sum */
} aglm_prompted_params;

typedef struct aglm_prompted_model {
    aglm_model base;
    char *file;          /* the language model */
    aglm_lm_pool *pool;  /* where it was fitted with; NULL: loaded */
    uint64_t file_bytes; /* of it: another file of that name is refused */
    uint64_t max_chars;
    bool mean;
    char *prefix, *before, *after; /* before: the blank that goes with the text's first word */
    char **words; /* [n_labels], as they stand in a prompt */
    double *bias; /* [n_labels] */
} aglm_prompted_model;

/* Rows of a dataset, and what may end the work on them. */
typedef struct aglm_prompted_rows {
    const aglm_dataset *data;
    const uint32_t *at; /* [n] */
    size_t n;
    const aglm_cancel *cancel;
} aglm_prompted_rows;

size_t aglm_prompted_space(const aglm_data_shape *shape, aglm_hparam *out);
aglm_prompted_params aglm_prompted_read(const double *values);

/* Fills m's prompt: examples are drawn from the rows, one of each label in turn. used[] (may be
 * NULL) gets a mark a row taken. */
aglm_rc aglm_prompted_compose(aglm_prompted_model *m, const aglm_prompted_params *p,
                              const aglm_prompted_rows *rows, uint8_t *used, aglm_error *err);
/* Appends before + text (cut to the model's length, on one line) + after. */
void aglm_prompted_item(const aglm_prompted_model *m, const char *text, size_t len, aglm_str *out);
/* The words of a label; out [AGLM_PROMPTED_MAX_WORDS]. */
#define AGLM_PROMPTED_MAX_WORDS 256
#define AGLM_PROMPTED_MAX_PREFIX (1 << 20) /* bytes */
void aglm_prompted_words(aglm_label_words kind, const char *label, size_t number, bool chinese,
                         char *out);

/* Logits [n x labels] of the rows, bias added. */
aglm_rc aglm_prompted_score(aglm_lm *lm, const aglm_prompted_model *m,
                            const aglm_prompted_rows *rows, float *logits, aglm_error *err);
aglm_rc aglm_prompted_score_text(aglm_lm *lm, const aglm_prompted_model *m, const char *text,
                                 size_t len, float *logits, aglm_error *err);
/* Learns m->bias: the biases that make the labels of these rows likeliest (log-loss, L2). */
aglm_rc aglm_prompted_fit_bias(aglm_lm *lm, aglm_prompted_model *m, const aglm_prompted_rows *rows,
                               aglm_error *err);

aglm_rc aglm_prompted_save(const aglm_model *m, aglm_str *out, aglm_error *err);
aglm_rc aglm_prompted_load(aglm_model **out, const void *bytes, size_t n, aglm_error *err);
void aglm_prompted_free(aglm_model *m);

#endif
