/* lm/head_priv.h - a trained head as a model: which states it reads, and its net.
 * Threads: immutable once fitted. */
#ifndef AGLM_LM_HEAD_PRIV_H
#define AGLM_LM_HEAD_PRIV_H

#include "learn/learner.h"
#include "lm/head_net.h"
#include "lm/hidden.h"

typedef struct aglm_head_model {
    aglm_model base;
    char *file;          /* the language model */
    uint64_t file_bytes; /* its tensors: another model of that name is refused */
    int32_t layer;
    aglm_pooling pooling;
    uint32_t max_tokens;
    aglm_head_net net;
    aglm_hidden *hidden; /* of a fitted model; NULL: its predictors open the file */
} aglm_head_model;

aglm_rc aglm_head_save(const aglm_model *m, aglm_str *out, aglm_error *err);
aglm_rc aglm_head_load(aglm_model **out, const void *bytes, size_t n, aglm_error *err);
void aglm_head_free(aglm_model *m);

#endif
