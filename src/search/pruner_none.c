#include <stddef.h>

#include "search/pruner.h"

static aglm_rc none_open(void **self, const aglm_history *history,
                         const aglm_pruner_options *options, aglm_error *err)
{
    (void)history;
    (void)options;
    (void)err;
    *self = NULL;
    return AGLM_OK;
}

static aglm_rc none_report(void *self, int64_t number, int64_t step, double loss, bool *prune,
                           aglm_error *err)
{
    (void)self;
    (void)number;
    (void)step;
    (void)loss;
    (void)err;
    *prune = false;
    return AGLM_OK;
}

static void none_close(void *self)
{
    (void)self;
}

const aglm_pruner_ops aglm_pruner_none = {
    .name = "none",
    .open = none_open,
    .report = none_report,
    .close = none_close,
};
