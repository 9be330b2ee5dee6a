#include "tune/learners.h"

#include <string.h>

#include "lm/answerer.h"
#include "lm/head.h"
#include "lm/prompted.h"

static const aglm_learner_ops *const LEARNERS[] = {
    &aglm_learner_linear,   &aglm_learner_embed, &aglm_learner_trees,
    &aglm_learner_prompted, &aglm_learner_head,
};

const aglm_learner_ops *const *aglm_learners(size_t *n)
{
    *n = sizeof LEARNERS / sizeof *LEARNERS;
    return LEARNERS;
}

const aglm_learner_ops *aglm_learner_find(const char *name)
{
    for (size_t i = 0; i < sizeof LEARNERS / sizeof *LEARNERS; i++)
        if (strcmp(LEARNERS[i]->name, name) == 0)
            return LEARNERS[i];
    return strcmp(aglm_learner_answerer.name, name) == 0 ? &aglm_learner_answerer : NULL;
}
