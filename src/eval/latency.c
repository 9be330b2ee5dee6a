#include "eval/latency.h"

#include <stdlib.h>

#include "base/clock.h"
#include "base/memory.h"

static int by_time(const void *a, const void *b)
{
    uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

    return (x > y) - (x < y);
}

static double rank_us(const uint64_t *sorted, size_t n, double q)
{
    size_t at = (size_t)(q * (double)n);

    return (double)sorted[at < n ? at : n - 1] / 1e3;
}

static void summarise(aglm_latency *out, uint64_t *ns, size_t n)
{
    double sum = 0;

    qsort(ns, n, sizeof *ns, by_time);
    for (size_t i = 0; i < n; i++)
        sum += (double)ns[i];
    out->calls = n;
    out->mean_us = sum / (double)n / 1e3;
    out->p50_us = rank_us(ns, n, 0.50);
    out->p95_us = rank_us(ns, n, 0.95);
    out->p99_us = rank_us(ns, n, 0.99);
    out->docs_per_s = sum > 0 ? (double)n / (sum / 1e9) : 0;
}

aglm_rc aglm_latency_probe(aglm_latency *out, const aglm_latency_plan *plan, aglm_error *err)
{
    const uint32_t *rows = plan->rows;
    size_t n = plan->n, max_calls = plan->max_calls;
    size_t warm_up = max_calls / 10, kept = 0;
    uint64_t start = aglm_clock_ns();
    aglm_rc rc = AGLM_OK;

    if (n == 0 || max_calls == 0)
        return aglm_error_set(err, AGLM_INVALID, "a latency probe needs documents");
    uint64_t *ns = aglm_calloc(max_calls, sizeof *ns);
    if (!ns)
        return aglm_error_set(err, AGLM_NOMEM, "out of memory for %zu timings", max_calls);
    for (size_t i = 0; kept < max_calls; i++) {
        aglm_doc doc = aglm_dataset_doc(plan->data, rows ? rows[i % n] : i % n);
        uint64_t before = aglm_clock_ns();
        if ((rc = plan->predict(plan->arg, doc.text, doc.len, err)) < 0)
            goto done;
        uint64_t after = aglm_clock_ns();
        bool late = after - start >= plan->max_ns;
        if (i >= warm_up || late)
            ns[kept++] = after - before;
        if (late)
            break;
    }
    summarise(out, ns, kept);
    rc = AGLM_OK;
done:
    free(ns);
    return rc;
}
