#include "search/pruner.h"

#include <string.h>

static const aglm_pruner_ops *const all[] = {
    &aglm_pruner_none,
    &aglm_pruner_asha,
};

const aglm_pruner_ops *aglm_pruner_find(const char *name)
{
    for (size_t i = 0; i < sizeof all / sizeof *all; i++) {
        if (strcmp(all[i]->name, name) == 0)
            return all[i];
    }
    return NULL;
}
