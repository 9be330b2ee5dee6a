#include <stdlib.h>

#include "search/sampler.h"

struct random {
    const aglm_history *history;
    uint64_t seed;
};

static aglm_rc random_open(void **self, const aglm_history *history,
                           const aglm_sampler_options *options, uint64_t seed, aglm_error *err)
{
    struct random *r = malloc(sizeof *r);

    (void)options;
    *self = r;
    if (!r)
        return aglm_error_set(err, AGLM_NOMEM, "out of memory for a sampler");
    *r = (struct random){.history = history, .seed = seed};
    return AGLM_OK;
}

static aglm_rc random_ask(void *self, int64_t number, double *x, aglm_error *err)
{
    const struct random *r = self;
    aglm_rng rng;

    (void)err;
    aglm_rng_init_stream(&rng, r->seed, (uint64_t)number);
    return aglm_history_fresh(r->history, &rng, x);
}

static void random_close(void *self)
{
    free(self);
}

const aglm_sampler_ops aglm_sampler_random = {
    .name = "random",
    .several = true,
    .open = random_open,
    .ask = random_ask,
    .close = random_close,
};
