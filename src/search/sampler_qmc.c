#include <stdlib.h>

#include "base/memory.h"
#include "num/sobol.h"
#include "search/sampler.h"

struct qmc {
    const aglm_history *history;
    const aglm_space *space;
    uint64_t seed;
    aglm_sobol *sobol; /* one of the two; NULL both where every parameter has one value */
    aglm_halton *halton;
    size_t n_dims; /* parameters of more than one value */
    double *unit;  /* [n_dims] */
};

static void qmc_close(void *self)
{
    struct qmc *q = self;

    aglm_sobol_free(q->sobol);
    aglm_halton_free(q->halton);
    free(q->unit);
    free(q);
}

static bool is_free(const aglm_space_param *p)
{
    return p->dist.low != p->dist.high;
}

static aglm_rc new_qmc(struct qmc **out, const aglm_history *history, uint64_t seed,
                       aglm_error *err)
{
    struct qmc *q = calloc(1, sizeof *q);

    *out = q;
    if (!q)
        return aglm_error_set(err, AGLM_NOMEM, "out of memory for a sampler");
    q->history = history;
    q->space = aglm_history_space(history);
    q->seed = seed;
    for (size_t i = 0; i < q->space->n; i++)
        q->n_dims += is_free(&q->space->params[i]);
    q->unit = aglm_calloc(q->n_dims, sizeof *q->unit);
    return q->unit ? AGLM_OK : aglm_error_set(err, AGLM_NOMEM, "out of memory for a sampler");
}

static aglm_rc open_sequence(void **self, const aglm_history *history, uint64_t seed,
                             size_t most_sobol, aglm_error *err)
{
    struct qmc *q;
    aglm_rc rc = new_qmc(&q, history, seed, err);

    *self = NULL;
    if (rc == AGLM_OK && q->n_dims > 0 && q->n_dims <= most_sobol)
        rc = aglm_sobol_new(&q->sobol, q->n_dims, seed, err);
    else if (rc == AGLM_OK && q->n_dims > 0)
        rc = aglm_halton_new(&q->halton, q->n_dims, seed, err);
    if (rc != AGLM_OK) {
        if (q)
            qmc_close(q);
        return rc;
    }
    *self = q;
    return AGLM_OK;
}

static aglm_rc sobol_open(void **self, const aglm_history *history,
                          const aglm_sampler_options *options, uint64_t seed, aglm_error *err)
{
    (void)options;
    return open_sequence(self, history, seed, AGLM_SOBOL_MAX_DIMS, err);
}

static aglm_rc halton_open(void **self, const aglm_history *history,
                           const aglm_sampler_options *options, uint64_t seed, aglm_error *err)
{
    (void)options;
    return open_sequence(self, history, seed, 0, err);
}

static aglm_rc qmc_ask(void *self, int64_t number, double *x, aglm_error *err)
{
    struct qmc *q = self;
    aglm_rng rng;
    size_t used = 0;

    (void)err;
    if (q->sobol)
        aglm_sobol_point(q->sobol, (uint32_t)number, q->unit);
    else if (q->halton)
        aglm_halton_point(q->halton, (uint32_t)number, q->unit);
    for (size_t i = 0; i < q->space->n; i++) {
        const aglm_space_param *p = &q->space->params[i];
        x[i] = is_free(p) ? aglm_space_quantile(q->space, i, q->unit[used++]) : p->dist.low;
    }
    aglm_space_settle(q->space, x);
    if (!aglm_history_seen(q->history, x))
        return AGLM_OK;
    aglm_rng_init_stream(&rng, q->seed, (uint64_t)number);
    return aglm_history_fresh(q->history, &rng, x);
}

const aglm_sampler_ops aglm_sampler_qmc = {
    .name = "qmc",
    .several = true,
    .open = sobol_open,
    .ask = qmc_ask,
    .close = qmc_close,
};

const aglm_sampler_ops aglm_sampler_halton = {
    .name = "halton",
    .several = true,
    .open = halton_open,
    .ask = qmc_ask,
    .close = qmc_close,
};
