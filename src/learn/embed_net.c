#include "learn/embed_net.h"

#include <math.h>
#include <stdlib.h>

#include "base/memory.h"
#include "base/rng.h"

enum { OUT_STREAM = 0x656d6231 }; /* names the random stream of the output layer */

uint64_t aglm_embed_net_bytes(uint64_t rows, uint64_t labels, uint64_t dim)
{
    return rows * (AGLM_LANES_UP(dim) * sizeof(float) + sizeof(float) + sizeof(uint32_t) + 1) +
           labels * (AGLM_LANES_UP(dim) + 4) * sizeof(float);
}

/* How many of the task's documents hold each feature. */
static uint32_t *count_documents(const aglm_embed_task *task)
{
    const aglm_embed_bags *bags = task->bags;
    uint32_t *df = aglm_calloc(bags->features, sizeof *df);

    for (size_t i = 0; df && i < task->n; i++)
        for (size_t k = bags->start[task->docs[i]]; k < bags->start[task->docs[i] + 1]; k++)
            df[bags->feature[k]]++;
    return df;
}

static size_t count_rows(const uint32_t *df, size_t features, uint32_t min)
{
    size_t rows = 0;

    for (size_t f = 0; f < features; f++)
        rows += df[f] >= min;
    return rows;
}

static aglm_rc alloc_net(aglm_embed_net *net, size_t features)
{
    net->in = aglm_calloc_aligned((size_t)net->rows * net->width, sizeof *net->in);
    net->out = aglm_calloc_aligned((size_t)net->labels * net->width, sizeof *net->out);
    net->bias = aglm_calloc_aligned(AGLM_LANES_UP(net->labels), sizeof *net->bias);
    net->row_of = aglm_calloc(features, sizeof *net->row_of);
    net->feature_of = aglm_calloc(net->rows, sizeof *net->feature_of);
    net->idf = aglm_calloc(net->rows, 1);
    return net->in && net->out && net->bias && net->row_of && net->feature_of && net->idf
               ? AGLM_OK
               : AGLM_NOMEM;
}

static void number_rows(aglm_embed_net *net, const aglm_embed_task *task, const uint32_t *df,
                        uint32_t min)
{
    uint32_t row = 0;

    for (size_t f = 0; f < task->bags->features; f++) {
        net->row_of[f] = AGLM_EMBED_NONE;
        if (df[f] < min)
            continue;
        net->row_of[f] = row;
        net->feature_of[row] = (uint32_t)f;
        net->idf[row++] = aglm_embed_idf(task->n, df[f]);
    }
}

static void fill_out(aglm_embed_net *net, uint64_t seed)
{
    double scale = 1 / sqrt((double)net->dim);
    aglm_rng r;

    aglm_rng_init_stream(&r, seed, OUT_STREAM);
    for (size_t l = 0; l < net->labels; l++)
        for (size_t k = 0; k < net->dim; k++)
            net->out[l * net->width + k] = (float)(scale * aglm_rng_normal(&r));
}

static aglm_rc check_memory(const aglm_embed_net *net, const aglm_embed_task *task,
                            const aglm_fit_context *ctx, aglm_error *err)
{
    uint64_t need = aglm_embed_net_bytes(net->rows, net->labels, net->dim) +
                    2 * aglm_embed_bags_bytes(task->bags);

    if (ctx->max_memory_bytes && need > ctx->max_memory_bytes)
        return aglm_error_set(
            err, AGLM_LIMIT,
            "an embedding of %u features in %u dimensions needs %llu bytes of memory, %llu are allowed",
            net->rows, net->dim, (unsigned long long)need,
            (unsigned long long)ctx->max_memory_bytes);
    return AGLM_OK;
}

aglm_rc aglm_embed_net_new(aglm_embed_net **out, const aglm_embed_task *task,
                           const aglm_embed_options *options, const aglm_fit_context *ctx,
                           aglm_error *err)
{
    aglm_embed_net *net = aglm_calloc(1, sizeof *net);
    uint32_t *df = count_documents(task);
    uint32_t min = options->min_count;
    aglm_rc rc;

    if (!net || !df) {
        rc = aglm_error_set(err, AGLM_NOMEM, "embedding: out of memory");
        goto done;
    }
    while (count_rows(df, task->bags->features, min) > options->max_rows)
        min++;
    net->rows = (uint32_t)count_rows(df, task->bags->features, min);
    net->labels = (uint32_t)aglm_dataset_n_labels(task->data);
    net->dim = options->dim;
    net->width = AGLM_LANES_UP(options->dim);
    rc = check_memory(net, task, ctx, err);
    if (rc)
        goto done;
    rc = alloc_net(net, task->bags->features);
    if (rc) {
        aglm_error_set(err, rc, "an embedding of %u features in %u dimensions: out of memory",
                       net->rows, net->dim);
        goto done;
    }
    number_rows(net, task, df, min);
    fill_out(net, ctx->seed);
done:
    free(df);
    if (rc)
        aglm_embed_net_free(net);
    else
        *out = net;
    return rc;
}

void aglm_embed_net_free(aglm_embed_net *net)
{
    if (!net)
        return;
    free(net->in);
    free(net->out);
    free(net->bias);
    free(net->row_of);
    free(net->feature_of);
    free(net->idf);
    free(net);
}
