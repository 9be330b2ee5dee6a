#include "lm/prompt_view.h"

#include "lm/answerer_priv.h"
#include "lm/prompted.h"
#include "lm/prompted_priv.h"

bool aglm_prompt_view_of(const aglm_model *model, aglm_prompt_view *out)
{
    const aglm_prompted_model *m = (const aglm_prompted_model *)model;

    if (model->ops != &aglm_learner_prompted)
        return false;
    *out = (aglm_prompt_view){.file = m->file,
                              .file_bytes = m->file_bytes,
                              .prefix = m->prefix,
                              .before = m->before,
                              .after = m->after,
                              .max_chars = m->max_chars,
                              .words = (const char *const *)m->words,
                              .bias = m->bias,
                              .n_labels = m->base.n_labels,
                              .mean = m->mean};
    return true;
}

void aglm_prompt_view_item(const aglm_model *model, const char *text, size_t len, aglm_str *out)
{
    aglm_prompted_item((const aglm_prompted_model *)model, text, len, out);
}

bool aglm_answer_view_of(const aglm_model *model, aglm_answer_view *out)
{
    const aglm_answerer *a = aglm_answerer_of(model);

    if (model->ops != &aglm_learner_answerer)
        return false;
    *out = (aglm_answer_view){.file = a->file,
                              .file_bytes = a->file_bytes,
                              .max_chars = a->max_chars,
                              .max_tokens = a->max_tokens,
                              .shots = a->alike ? a->shots : a->n_pool,
                              .n_pool = a->n_pool,
                              .alike = a->alike,
                              .head = a->head,
                              .stop = (const char *const *)a->stop,
                              .n_stop = a->n_stops};
    return true;
}

void aglm_answer_view_question(const aglm_model *model, aglm_str *out)
{
    const aglm_answerer *a = aglm_answerer_of(model);

    aglm_str_puts(out, a->before);
    for (size_t i = 0; i < a->n_fields; i++)
        aglm_str_printf(out, "%s{%s}", a->label[i], a->name[i]);
    aglm_str_puts(out, a->last);
}
