#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "search/pruner.h"

#define MAX_RUNGS 63 /* eta >= 2: the next one would stand past INT64_MAX */
#define MAX_TRIALS (1u << 26)

struct rung {
    int64_t step;
    double *losses; /* ascending */
    size_t n;
    size_t cap;
};

struct asha {
    aglm_pruner_options options;
    struct rung rungs[MAX_RUNGS];
    unsigned n_rungs;
    uint8_t *reached; /* [trial] rungs it has reached */
    size_t reached_cap;
};

static void asha_close(void *self)
{
    struct asha *a = self;

    for (unsigned k = 0; k < a->n_rungs; k++)
        free(a->rungs[k].losses);
    free(a->reached);
    free(a);
}

static aglm_rc asha_open(void **self, const aglm_pruner_options *options, aglm_error *err)
{
    *self = NULL;
    if (options->min_step < 1)
        return aglm_error_set(err, AGLM_INVALID, "asha: min_step %lld must be at least 1",
                              (long long)options->min_step);
    if (options->reduction_factor < 2)
        return aglm_error_set(err, AGLM_INVALID, "asha: reduction_factor %u must be at least 2",
                              options->reduction_factor);
    struct asha *a = calloc(1, sizeof *a);
    if (!a)
        return aglm_error_set(err, AGLM_NOMEM, "out of memory for a pruner");
    a->options = *options;
    int64_t step = options->min_step;
    int64_t last = options->max_step > 0 ? options->max_step - 1 : INT64_MAX;
    while (a->n_rungs < MAX_RUNGS && step <= last) {
        a->rungs[a->n_rungs++].step = step;
        if (step > INT64_MAX / options->reduction_factor)
            break;
        step *= options->reduction_factor;
    }
    *self = a;
    return AGLM_OK;
}

/* Adds the loss to the rung and sets *good to whether it is among those that go on. */
static aglm_rc enter(struct rung *r, double loss, unsigned eta, bool *good)
{
    aglm_rc rc = aglm_grow(&r->losses, &r->cap, r->n + 1, sizeof *r->losses, MAX_TRIALS);

    if (rc != AGLM_OK)
        return rc;
    size_t at = r->n;
    while (at > 0 && r->losses[at - 1] > loss)
        at--;
    memmove(r->losses + at + 1, r->losses + at, (r->n - at) * sizeof *r->losses);
    r->losses[at] = loss;
    r->n++;
    size_t kept = r->n / eta;
    *good = loss <= r->losses[kept > 0 ? kept - 1 : 0];
    return AGLM_OK;
}

static aglm_rc asha_report(void *self, int64_t number, int64_t step, double loss, bool *prune,
                           aglm_error *err)
{
    struct asha *a = self;
    size_t known = a->reached_cap;
    aglm_rc rc = aglm_grow(&a->reached, &a->reached_cap, (size_t)number + 1, sizeof *a->reached,
                           MAX_TRIALS);

    if (rc != AGLM_OK)
        return aglm_error_set(err, rc, "asha, trial %lld: %s", (long long)number, aglm_rc_text(rc));
    if (a->reached_cap > known)
        memset(a->reached + known, 0, a->reached_cap - known);
    *prune = isnan(loss) && a->n_rungs > 0;
    for (uint8_t *k = &a->reached[number];
         !isnan(loss) && *k < a->n_rungs && step >= a->rungs[*k].step; ++*k) {
        bool good;
        rc = enter(&a->rungs[*k], loss, a->options.reduction_factor, &good);
        if (rc != AGLM_OK)
            return aglm_error_set(err, rc, "asha, trial %lld: %s", (long long)number,
                                  aglm_rc_text(rc));
        *prune = *prune || !good;
    }
    if (number < (int64_t)a->options.spared ||
        (a->options.max_step > 0 && step >= a->options.max_step))
        *prune = false;
    return AGLM_OK;
}

const aglm_pruner_ops aglm_pruner_asha = {
    .name = "asha",
    .open = asha_open,
    .report = asha_report,
    .close = asha_close,
};
