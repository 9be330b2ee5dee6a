#include "lm/prompt_view.h"

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
