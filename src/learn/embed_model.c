#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "learn/embed_priv.h"

static aglm_embed_model *model_new(uint32_t labels, bool multi_label)
{
    aglm_embed_model *m = aglm_calloc(1, sizeof *m);

    if (m)
        m->base = (aglm_model){
            .ops = &aglm_learner_embed, .n_labels = labels, .multi_label = multi_label};
    return m;
}

aglm_rc aglm_embed_model_finish(aglm_embed_model **out, const aglm_embed_model *live,
                                aglm_error *err)
{
    aglm_embed_model *m = model_new(live->base.n_labels, live->base.multi_label);

    if (!m)
        return aglm_error_set(err, AGLM_NOMEM, "embedding model: out of memory");
    aglm_rc rc = aglm_embed_form_write(&m->bytes, &m->n_bytes, live->live, err);
    if (!rc)
        rc = aglm_embed_form_read(&m->form, m->bytes, m->n_bytes, err);
    if (rc)
        aglm_embed_model_free(&m->base);
    else
        *out = m;
    return rc;
}

void aglm_embed_model_free(aglm_model *m)
{
    aglm_embed_model *self = (aglm_embed_model *)m;

    free(self->bytes);
    free(self);
}

aglm_rc aglm_embed_model_save(const aglm_model *m, aglm_str *out, aglm_error *err)
{
    const aglm_embed_model *self = (const aglm_embed_model *)m;
    aglm_embed_model *finished = NULL;
    aglm_rc rc;

    if (self->live) {
        rc = aglm_embed_model_finish(&finished, self, err);
        if (!finished)
            return rc;
        self = finished;
    }
    rc = aglm_str_append(out, (const char *)self->bytes, self->n_bytes);
    if (rc)
        aglm_error_set(err, rc, "saving %zu bytes of an embedding model: %s", self->n_bytes,
                       aglm_rc_text(rc));
    if (finished)
        aglm_embed_model_free(&finished->base);
    return rc;
}

aglm_rc aglm_embed_model_load(aglm_model **out, const void *bytes, size_t n, aglm_error *err)
{
    aglm_embed_model *m = model_new(0, false);
    aglm_rc rc = AGLM_NOMEM;

    if (m)
        m->bytes = aglm_calloc_aligned(n, 1);
    if (!m || !m->bytes) {
        aglm_error_set(err, rc, "loading %zu bytes of an embedding model: out of memory", n);
        goto failed;
    }
    memcpy(m->bytes, bytes, n);
    m->n_bytes = n;
    rc = aglm_embed_form_read(&m->form, m->bytes, n, err);
    if (rc)
        goto failed;
    m->base.n_labels = m->form.labels;
    m->base.multi_label = m->form.multi_label;
    *out = &m->base;
    return AGLM_OK;
failed:
    if (m)
        aglm_embed_model_free(&m->base);
    return rc;
}
