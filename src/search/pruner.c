#include "search/pruner.h"

#include <string.h>

static const aglm_pruner_ops *const all[] = {
    &aglm_pruner_none,      &aglm_pruner_asha,    &aglm_pruner_halving,
    &aglm_pruner_hyperband, &aglm_pruner_median,  &aglm_pruner_percentile,
    &aglm_pruner_threshold, &aglm_pruner_patient, &aglm_pruner_wilcoxon,
};

const aglm_pruner_ops *const *aglm_pruners(size_t *n)
{
    *n = sizeof all / sizeof *all;
    return all;
}

const aglm_pruner_ops *aglm_pruner_find(const char *name)
{
    for (size_t i = 0; i < sizeof all / sizeof *all; i++) {
        if (strcmp(all[i]->name, name) == 0)
            return all[i];
    }
    return NULL;
}
