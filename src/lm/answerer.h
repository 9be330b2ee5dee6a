/* lm/answerer.h - a prompt for a task whose answers are texts: put together from examples, asked of
 * a language model, kept in a bundle.
 * Threads: an answerer is immutable once made; who asks (aglm_asker) is confined.
 *
 * What is asked of the model is
 *     head  example_1 ... example_n  before FIELDS after
 * where the examples are the same for every question, or those of a pool most like it. */
#ifndef AGLM_LM_ANSWERER_H
#define AGLM_LM_ANSWERER_H

#include "learn/learner.h"
#include "lm/example_set.h"
#include "lm/runtime.h"

/* As a model of a bundle: save, load and free alone. */
extern const aglm_learner_ops aglm_learner_answerer;

typedef struct aglm_answerer aglm_answerer;

/* What the space of prompts depends on. */
typedef struct aglm_answer_shape {
    aglm_prompt_task task;
    bool chat;                          /* the model has a template of conversations */
    bool derived;                       /* examples hold a derivation beside the bare answer */
    bool multiline;                     /* answers have line ends */
    bool told;                          /* the user gave an instruction */
    bool passage;                       /* there is more than one field */
    bool json;                          /* answers are JSON */
    size_t longest_chars;               /* of a field */
    size_t most_tokens, longest_tokens; /* of answers: nine in ten are shorter than the first */
} aglm_answer_shape;

/* Looks at the examples `rows` [n] of the set. */
aglm_rc aglm_answer_shape_make(aglm_answer_shape *out, const aglm_example_set *set,
                               const uint32_t *rows, size_t n, aglm_lm *lm, aglm_error *err);

/* Choices and whole numbers for a search; the start values ask plainly, without
 * examples. Returns how many. */
size_t aglm_answerer_space(const aglm_answer_shape *shape, aglm_hparam *out);
/* Further points worth a trial, with examples; false past the last. */
bool aglm_answerer_start(const aglm_answer_shape *shape, size_t i, double *values);

/* What a prompt is made of. */
typedef struct aglm_answer_source {
    const aglm_example_set *set;
    const uint32_t *rows; /* [n], of the set: what examples are taken from */
    size_t n;
    const aglm_answer_shape *shape;
    const char *instruction; /* the user's; NULL: none */
    const char *file;        /* the language model, opened as lm */
    aglm_lm *lm;
} aglm_answer_source;

/* values as aglm_answerer_space orders them, inactive ones NaN. */
aglm_rc aglm_answerer_new(aglm_answerer **out, const double *values, const aglm_answer_source *s,
                          aglm_error *err);
void aglm_answerer_free(aglm_answerer *a); /* NULL is fine */
/* As a model for aglm_bundle, and back; the same object. */
aglm_model *aglm_answerer_model(aglm_answerer *a);
const aglm_answerer *aglm_answerer_of(const aglm_model *m);

size_t aglm_answerer_fields(const aglm_answerer *a);
const char *aglm_answerer_field(const aglm_answerer *a, size_t i); /* the column's name */
const char *aglm_answerer_file(const aglm_answerer *a);            /* of the language model */

typedef struct aglm_asker aglm_asker;

/* Borrows a and lm. AGLM_FORMAT: lm's file is not the one the prompt was found for. */
aglm_rc aglm_asker_new(aglm_asker **out, const aglm_answerer *a, aglm_lm *lm, aglm_error *err);
void aglm_asker_free(aglm_asker *k); /* NULL is fine */
/* prefix: the same for every question; prompt: the rest. Both are appended to. fields as the
 * answerer has them. */
aglm_rc aglm_asker_prompt(aglm_asker *k, const char *const *fields, aglm_str *prefix,
                          aglm_str *prompt, aglm_error *err);
/* out->text is the answer without blanks around it. out as aglm_lm_generate has it. */
aglm_rc aglm_asker_ask(aglm_asker *k, const char *const *fields, aglm_lm_answer *out,
                       aglm_error *err);

#endif
