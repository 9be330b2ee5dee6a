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
    const aglm_matrix *m = task->matrix;
    uint32_t *df = aglm_calloc(m->n_features, sizeof *df);

    for (size_t i = 0; df && i < task->n; i++)
        for (uint32_t k = aglm_matrix_begin(m, task->docs[i], 0);
             k < aglm_matrix_begin(m, task->docs[i] + 1, 0); k++)
            df[m->feature[k]]++;
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
    net->worth = aglm_calloc(net->rows, 1);
    return net->in && net->out && net->bias && net->row_of && net->worth ? AGLM_OK : AGLM_NOMEM;
}

static aglm_rc number_rows(aglm_embed_net *net, const aglm_embed_task *task, const uint32_t *df,
                           uint32_t min, bool supervised)
{
    size_t features = task->matrix->n_features;
    uint8_t *worth = aglm_calloc(features, 1);
    uint32_t row = 0;
    aglm_rc rc = worth ? aglm_embed_worth(worth, task, df, supervised) : AGLM_NOMEM;

    for (size_t f = 0; !rc && f < features; f++) {
        net->row_of[f] = AGLM_EMBED_NONE;
        if (df[f] < min)
            continue;
        net->worth[row] = worth[f];
        net->row_of[f] = row++;
    }
    free(worth);
    return rc;
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

static uint64_t matrix_bytes(const aglm_matrix *m)
{
    return (uint64_t)m->n_entries * 6 + (uint64_t)m->n_features * 13 +
           (uint64_t)m->n_rows * AGLM_FEATURES_GROUPS * 4;
}

static aglm_rc check_memory(const aglm_embed_net *net, const aglm_embed_task *task,
                            const aglm_fit_context *ctx, aglm_error *err)
{
    uint64_t need = aglm_embed_net_bytes(net->rows, net->labels, net->dim) +
                    matrix_bytes(task->matrix) + (uint64_t)task->matrix->n_entries * 8;

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
    while (count_rows(df, task->matrix->n_features, min) > options->max_rows)
        min++;
    net->rows = (uint32_t)count_rows(df, task->matrix->n_features, min);
    net->labels = (uint32_t)aglm_dataset_n_labels(task->data);
    net->dim = options->dim;
    net->width = AGLM_LANES_UP(options->dim);
    rc = check_memory(net, task, ctx, err);
    if (rc)
        goto done;
    rc = alloc_net(net, task->matrix->n_features);
    if (!rc)
        rc = number_rows(net, task, df, min, options->supervised);
    if (rc) {
        aglm_error_set(err, rc, "an embedding of %u features in %u dimensions: %s", net->rows,
                       net->dim, aglm_rc_text(rc));
        goto done;
    }
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
    free(net->worth);
    free(net);
}
