#include "learn/learner.h"

uint64_t aglm_model_reading(const aglm_model *m)
{
    return m->ops->reading ? m->ops->reading(m) : 0;
}

void aglm_model_free(aglm_model *m)
{
    if (m)
        m->ops->free_model(m);
}

aglm_rc aglm_model_size(const aglm_model *m, uint64_t *bytes, aglm_error *err)
{
    aglm_str s;

    aglm_str_init(&s, SIZE_MAX);
    aglm_rc rc = m->ops->save(m, &s, err);
    *bytes = s.len;
    aglm_str_clear(&s);
    return rc;
}
