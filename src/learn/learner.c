#include "learn/learner.h"

#include <string.h>

static const aglm_learner_ops *const learners[] = {
    &aglm_learner_linear,
    &aglm_learner_embed,
    &aglm_learner_trees,
};

const aglm_learner_ops *const *aglm_learners(size_t *n)
{
    *n = sizeof learners / sizeof *learners;
    return learners;
}

const aglm_learner_ops *aglm_learner_find(const char *name)
{
    for (size_t i = 0; i < sizeof learners / sizeof *learners; i++) {
        if (strcmp(learners[i]->name, name) == 0)
            return learners[i];
    }
    return NULL;
}

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
