/* lm/hidden.h - what a frozen language model makes of texts: hidden states, each text read once.
 * Threads: shared; a new text is read by one thread at a time, under the store's lock. */
#ifndef AGLM_LM_HIDDEN_H
#define AGLM_LM_HIDDEN_H

#include "base/clock.h"
#include "lm/runtime.h"

/* Where states are taken: after so large a part of the model's blocks. */
#define AGLM_HIDDEN_DEPTHS 6
extern const char *const aglm_hidden_depths[AGLM_HIDDEN_DEPTHS]; /* "1/4" to "1" */

typedef enum aglm_pooling {
    AGLM_POOLING_MEAN,
    AGLM_POOLING_LAST,
    AGLM_POOLING_BOTH /* one behind the other */
} aglm_pooling;

typedef struct aglm_hidden_options {
    const char *model;  /* a GGUF file */
    const char *cache;  /* a file that keeps states from one run to the next; NULL: none */
    size_t max_tokens;  /* of a text; 0: 128 */
    uint64_t max_bytes; /* of states that are kept; what is over it is read again. 0: 1 GiB */
    unsigned threads;   /* of the model; 0: one */
} aglm_hidden_options;

typedef struct aglm_hidden aglm_hidden;

/* Opens the model; errors as aglm_lm_open_file's and aglm_hidden_file_open's. */
aglm_rc aglm_hidden_open(aglm_hidden **out, const aglm_hidden_options *options, aglm_error *err);
aglm_hidden *aglm_hidden_ref(aglm_hidden *h);
void aglm_hidden_unref(aglm_hidden *h); /* the last one closes the model; NULL is fine */

const char *aglm_hidden_model(const aglm_hidden *h); /* the file */
uint64_t aglm_hidden_model_bytes(const aglm_hidden *h);
size_t aglm_hidden_max_tokens(const aglm_hidden *h);
/* How many blocks the model has done at a depth. */
int32_t aglm_hidden_layer(const aglm_hidden *h, size_t depth);
/* Numbers of a text's states. */
size_t aglm_hidden_size(const aglm_hidden *h, aglm_pooling pooling);

/* What is asked about a text. */
typedef struct aglm_hidden_text {
    const char *text;
    size_t len;
    int32_t layer; /* get: one that aglm_hidden_layer gave */
    aglm_pooling pooling;
    const aglm_cancel *cancel; /* its deadline ends the reading; NULL: none */
} aglm_hidden_text;

/* out [aglm_hidden_size]: from what is kept, or read and kept at all depths. */
aglm_rc aglm_hidden_get(aglm_hidden *h, const aglm_hidden_text *t, float *out, aglm_error *err);
/* The same numbers, always read by the model, and by no more of its blocks than needed. */
aglm_rc aglm_hidden_read(aglm_hidden *h, const aglm_hidden_text *t, float *out, aglm_error *err);

#endif
