/* learn/embed_priv.h - the model of the embedding bag, shared by its files.
 * Threads: see learn/learner.h. */
#ifndef AGLM_LEARN_EMBED_PRIV_H
#define AGLM_LEARN_EMBED_PRIV_H

#include "learn/embed_form.h"

/* Either a finished form with its bytes, or (for on_step) a view of the net in training. */
typedef struct aglm_embed_model {
    aglm_model base;
    void *bytes;
    size_t n_bytes;
    aglm_embed_form form;

    const aglm_embed_source *live; /* NULL once finished */
} aglm_embed_model;

/* A finished model of the same numbers, *out for aglm_model_free. */
aglm_rc aglm_embed_model_finish(aglm_embed_model **out, const aglm_embed_model *live,
                                aglm_error *err);
void aglm_embed_model_free(aglm_model *m);
aglm_rc aglm_embed_model_save(const aglm_model *m, aglm_str *out, aglm_error *err);
aglm_rc aglm_embed_model_load(aglm_model **out, const void *bytes, size_t n, aglm_error *err);

aglm_rc aglm_embed_predictor_new(aglm_predictor **out, const aglm_model *m, aglm_error *err);
aglm_rc aglm_embed_predict(aglm_predictor *p, const char *text, size_t len, float *logits,
                           aglm_error *err);
aglm_rc aglm_embed_explain(aglm_predictor *p, const char *text, size_t len, uint32_t label,
                           aglm_explained *out, size_t cap, size_t *n, aglm_error *err);
void aglm_embed_predictor_free(aglm_predictor *p);

#endif
