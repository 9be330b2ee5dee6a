#include "tune/bundle.h"

#include <stdlib.h>
#include <string.h>

#include "base/memory.h"

struct aglm_bundle_predictor {
    const aglm_bundle *b;
    aglm_predictor *members[AGLM_BUNDLE_MAX_MEMBERS];
    size_t reads[AGLM_BUNDLE_MAX_MEMBERS]; /* the member that reads the text for this one; itself if
                                              none */
    float *logits;                         /* [labels] */
    float *probs;                          /* [labels] */
};

static void find_readers(aglm_bundle_predictor *p)
{
    uint64_t reading[AGLM_BUNDLE_MAX_MEMBERS];

    for (size_t i = 0; i < p->b->n_members; i++) {
        p->reads[i] = i;
        reading[i] = aglm_model_reading(p->b->members[i].model);
        for (size_t j = 0; j < i && p->reads[i] == i; j++)
            if (reading[i] && reading[j] == reading[i])
                p->reads[i] = p->reads[j];
    }
}

static aglm_rc member_logits(aglm_bundle_predictor *p, size_t i, const char *text, size_t len,
                             aglm_error *err)
{
    const aglm_learner_ops *ops = p->b->members[i].model->ops;

    if (p->reads[i] != i)
        return ops->predict_after(p->members[i], p->members[p->reads[i]], p->logits, err);
    return ops->predict(p->members[i], text, len, p->logits, err);
}

aglm_rc aglm_bundle_predictor_new(aglm_bundle_predictor **out, const aglm_bundle *b,
                                  aglm_error *err)
{
    aglm_bundle_predictor *p = aglm_calloc(1, sizeof *p);
    aglm_rc rc = AGLM_OK;

    if (!p)
        return aglm_error_set(err, AGLM_NOMEM, "out of memory for a predictor");
    p->b = b;
    if (b->task == AGLM_TASK_GENERATION)
        rc = aglm_error_set(err, AGLM_UNSUPPORTED,
                            "the bundle answers with texts, not with labels; `autoglm predict` "
                            "asks it");
    p->logits = aglm_calloc(b->n_labels, sizeof *p->logits);
    p->probs = aglm_calloc(b->n_labels, sizeof *p->probs);
    if (rc == AGLM_OK && (!p->logits || !p->probs))
        rc = aglm_error_set(err, AGLM_NOMEM, "out of memory for a predictor");
    for (size_t i = 0; rc == AGLM_OK && i < b->n_members; i++)
        rc = b->members[i].model->ops->predictor(&p->members[i], b->members[i].model, err);
    if (rc != AGLM_OK) {
        aglm_bundle_predictor_free(p);
        return rc;
    }
    find_readers(p);
    *out = p;
    return AGLM_OK;
}

void aglm_bundle_predictor_free(aglm_bundle_predictor *p)
{
    if (!p)
        return;
    for (size_t i = 0; i < p->b->n_members; i++)
        if (p->members[i])
            p->b->members[i].model->ops->free_predictor(p->members[i]);
    free(p->logits);
    free(p->probs);
    free(p);
}

aglm_rc aglm_bundle_predict(aglm_bundle_predictor *p, const char *text, size_t len,
                            const float **probs, aglm_error *err)
{
    const aglm_bundle *b = p->b;

    memset(p->probs, 0, b->n_labels * sizeof *p->probs);
    for (size_t i = 0; i < b->n_members; i++) {
        const aglm_member *m = &b->members[i];
        aglm_rc rc = member_logits(p, i, text, len, err);
        if (rc != AGLM_OK)
            return rc;
        aglm_calibration_apply(&m->calibration, b->task, p->logits, b->n_labels, p->logits);
        for (size_t k = 0; k < b->n_labels; k++)
            p->probs[k] += (float)m->weight * p->logits[k];
    }
    *probs = p->probs;
    return AGLM_OK;
}

aglm_rc aglm_bundle_explain(aglm_bundle_predictor *p, const char *text, size_t len, uint32_t label,
                            aglm_explained *out, size_t cap, size_t *n, aglm_error *err)
{
    const aglm_bundle *b = p->b;
    size_t best = b->n_members;

    for (size_t i = 0; i < b->n_members; i++)
        if (b->members[i].model->ops->explain &&
            (best == b->n_members || b->members[i].weight > b->members[best].weight))
            best = i;
    if (best == b->n_members)
        return aglm_error_set(err, AGLM_UNSUPPORTED,
                              "no model of this bundle can explain its predictions");
    return b->members[best].model->ops->explain(p->members[best], text, len, label, out, cap, n,
                                                err);
}
