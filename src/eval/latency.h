/* eval/latency.h - how long one document takes.
 * Threads: pure; the probed function is called from the calling thread alone. */
#ifndef AGLM_EVAL_LATENCY_H
#define AGLM_EVAL_LATENCY_H

#include "data/dataset.h"

typedef struct aglm_latency {
    double p50_us, p95_us, p99_us, mean_us; /* a document, from text to probabilities */
    double docs_per_s;
    size_t calls;
} aglm_latency;

typedef struct aglm_latency_plan {
    const aglm_dataset *data;
    const uint32_t *rows; /* n of them; NULL: the first n documents */
    size_t n;
    aglm_rc (*predict)(void *arg, const char *text, size_t len, aglm_error *err);
    void *arg;
    size_t max_calls;
    uint64_t max_ns;
} aglm_latency_plan;

/* Times the plan's predict on its documents in turn, after a warm-up of a tenth, until max_calls or
 * max_ns is reached (at least one call is made). */
aglm_rc aglm_latency_probe(aglm_latency *out, const aglm_latency_plan *plan, aglm_error *err);

#endif
