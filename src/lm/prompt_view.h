/* lm/prompt_view.h - what a model asks its language model, for a person: labels of the prompted
 * learner, texts of an answerer.
 * Threads: pure functions of an immutable model. */
#ifndef AGLM_LM_PROMPT_VIEW_H
#define AGLM_LM_PROMPT_VIEW_H

#include "learn/learner.h"

/* Texts are the model's. */
typedef struct aglm_prompt_view {
    const char *file; /* the language model */
    uint64_t file_bytes;
    const char *prefix; /* instruction and examples: the same for every text */
    const char *before, *after;
    uint64_t max_chars;       /* of a text */
    const char *const *words; /* [n_labels] of the labels, as they stand in a prompt */
    const double *bias;       /* [n_labels] nats */
    size_t n_labels;
    bool mean; /* a label's score is the mean over its tokens, not the sum */
} aglm_prompt_view;

/* false: the model asks for no labels. */
bool aglm_prompt_view_of(const aglm_model *model, aglm_prompt_view *out);

/* Appends what follows the prefix for one text: before + the text on one line, cut + after. The
 * model must have a view. */
void aglm_prompt_view_item(const aglm_model *model, const char *text, size_t len, aglm_str *out);

/* Of a model whose answers are texts (lm/answerer.h). */
typedef struct aglm_answer_view {
    const char *file;
    uint64_t file_bytes;
    uint64_t max_chars;  /* of a field */
    uint64_t max_tokens; /* of an answer */
    uint64_t shots;      /* examples that stand before a question */
    size_t n_pool;       /* alike: what they are chosen from, by likeness */
    bool alike;
    const char *head; /* what stands before the examples */
    const char *const *stop;
    size_t n_stop;
} aglm_answer_view;

/* false: the model does not answer with texts. */
bool aglm_answer_view_of(const aglm_model *model, aglm_answer_view *out);

/* Appends what stands behind the examples, with "{name}" for each field. The model must have an
 * answer view. */
void aglm_answer_view_question(const aglm_model *model, aglm_str *out);

#endif
