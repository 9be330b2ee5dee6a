#include "search/sampler.h"

#include <string.h>

static const aglm_sampler_ops *const all[] = {
    &aglm_sampler_random, &aglm_sampler_grid,  &aglm_sampler_qmc, &aglm_sampler_halton,
    &aglm_sampler_tpe,    &aglm_sampler_cmaes, &aglm_sampler_gp,  &aglm_sampler_auto,
};

const aglm_sampler_ops *const *aglm_samplers(size_t *n)
{
    *n = sizeof all / sizeof *all;
    return all;
}

const aglm_sampler_ops *aglm_sampler_find(const char *name)
{
    for (size_t i = 0; i < sizeof all / sizeof *all; i++) {
        if (strcmp(all[i]->name, name) == 0)
            return all[i];
    }
    return NULL;
}
