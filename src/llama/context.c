/* Contexts: their memory, the prefix that all sequences share, decoding with a deadline. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "llama/session.h"
#include "num/dense.h"

#define PLACES 256 /* llama.cpp rounds a sequence's places up to this */

static bool is_late(void *arg)
{
    const aglm_session *s = arg;

    return s->deadline_ns != 0 && aglm_clock_ns() > s->deadline_ns;
}

static struct llama_context_params params_of(aglm_session *s, uint32_t n_ctx, uint32_t n_seq,
                                             bool embeddings)
{
    struct llama_context_params p = llama_context_default_params();

    p.n_ctx = n_ctx * n_seq;
    p.n_batch = AGLM_LLAMA_ROWS > n_seq ? AGLM_LLAMA_ROWS : n_seq;
    p.n_ubatch = p.n_batch;
    p.n_seq_max = n_seq;
    p.n_threads = p.n_threads_batch = (int32_t)s->threads;
    p.embeddings = embeddings;
    p.pooling_type = embeddings ? LLAMA_POOLING_TYPE_MEAN : LLAMA_POOLING_TYPE_NONE;
    /* Places of a sequence of its own, so that what a sequence computes does not depend on what
     * stands beside it. */
    p.kv_unified = false;
    /* For few tokens after a long prefix the plain attention is a sixth quicker. */
    p.flash_attn_type = n_seq > 1 ? LLAMA_FLASH_ATTN_TYPE_DISABLED : LLAMA_FLASH_ATTN_TYPE_AUTO;
    p.swa_full = true;
    p.offload_kqv = false;
    p.no_perf = true;
    p.abort_callback = is_late;
    p.abort_callback_data = s;
    return p;
}

aglm_rc aglm_llama_context_need(aglm_session *s, aglm_llama_context *c, uint32_t n_ctx,
                                uint32_t n_seq, bool embeddings, aglm_error *err)
{
    uint32_t most = (uint32_t)llama_model_n_ctx_train(s->model);

    if (n_ctx > most)
        return aglm_error_set(
            err, AGLM_LIMIT,
            "%u tokens: the model was made for %u; shorten the prompt, or take fewer examples",
            n_ctx, most);
    n_ctx = (n_ctx + PLACES - 1) / PLACES * PLACES;
    if (c->ctx && c->n_ctx >= n_ctx && c->n_seq >= n_seq)
        return AGLM_OK;
    n_ctx = n_ctx > c->n_ctx ? n_ctx : c->n_ctx;
    n_seq = n_seq > c->n_seq ? n_seq : c->n_seq;
    aglm_llama_context_clear(c);
    c->ctx = llama_init_from_model(s->model, params_of(s, n_ctx, n_seq, embeddings));
    if (!c->ctx)
        return aglm_error_set(err, AGLM_NOMEM, "no context of %u x %u tokens could be made", n_seq,
                              n_ctx);
    c->batch = llama_batch_init(AGLM_LLAMA_ROWS, 0, 1);
    c->n_ctx = n_ctx;
    c->n_seq = n_seq;
    return AGLM_OK;
}

aglm_rc aglm_llama_decode_rc(int rc, aglm_error *err)
{
    if (rc == 0)
        return AGLM_OK;
    if (rc == 2)
        return aglm_error_set(err, AGLM_CANCELLED, "the time is over");
    if (rc == 1)
        return aglm_error_set(err, AGLM_LIMIT, "the context is full");
    return aglm_error_set(err, AGLM_IO, "llama_decode failed with %d", rc);
}

aglm_rc aglm_llama_decode_run(aglm_llama_context *c, llama_seq_id seq, const aglm_tokens *t,
                              size_t from, bool logits, aglm_error *err)
{
    struct llama_batch *b = &c->batch;
    /* Plain attention looks at every place up to where llama.cpp rounds the batch's last one up. */
    size_t most = c->n_seq > 1 ? PLACES : AGLM_LLAMA_ROWS;
    int rc = 0;

    for (size_t done = 0; rc == 0 && done < t->n; done += (size_t)b->n_tokens) {
        b->n_tokens = (int32_t)(t->n - done < most ? t->n - done : most);
        for (int32_t i = 0; i < b->n_tokens; i++) {
            b->token[i] = t->at[done + (size_t)i];
            b->pos[i] = (llama_pos)(from + done) + i;
            b->n_seq_id[i] = 1;
            b->seq_id[i][0] = seq;
            b->logits[i] = logits && done + (size_t)i + 1 == t->n;
        }
        rc = llama_decode(c->ctx, *b);
    }
    return aglm_llama_decode_rc(rc, err);
}

static bool same(const aglm_tokens *a, const aglm_tokens *b)
{
    return a->n == b->n && (a->n == 0 || memcmp(a->at, b->at, a->n * sizeof *a->at) == 0);
}

static aglm_rc keep_prefix(aglm_llama_context *c, const aglm_tokens *prefix, aglm_error *err)
{
    c->prefix = (aglm_tokens){calloc(prefix->n ? prefix->n : 1, sizeof *prefix->at), prefix->n};
    if (!c->prefix.at)
        return aglm_error_set(err, AGLM_NOMEM, "no memory for %zu tokens", prefix->n);
    if (prefix->n)
        memcpy(c->prefix.at, prefix->at, prefix->n * sizeof *prefix->at);
    return AGLM_OK;
}

/* The tail of every sequence goes; false where the memory cannot be cut (recurrent models). */
static bool cut(const aglm_llama_context *c)
{
    llama_memory_t memory = llama_get_memory(c->ctx);

    for (uint32_t i = 0; i < c->n_seq; i++)
        if (!llama_memory_seq_rm(memory, (llama_seq_id)i, (llama_pos)c->prefix.n, -1))
            return false;
    return true;
}

aglm_rc aglm_llama_prefix(aglm_llama_context *c, const aglm_tokens *prefix, bool *warm,
                          aglm_error *err)
{
    llama_memory_t memory = llama_get_memory(c->ctx);
    bool known = c->prefix.at && same(&c->prefix, prefix) && cut(c);

    if (warm)
        *warm = known;
    if (known)
        return AGLM_OK;
    free(c->prefix.at);
    c->prefix = (aglm_tokens){0};
    llama_memory_clear(memory, false);
    aglm_rc rc = aglm_llama_decode_run(c, 0, prefix, 0, false, err);
    for (uint32_t i = 1; rc == AGLM_OK && prefix->n && i < c->n_seq; i++)
        llama_memory_seq_cp(memory, 0, (llama_seq_id)i, -1, -1);
    return rc == AGLM_OK ? keep_prefix(c, prefix, err) : rc;
}

/* The kernels want whole lanes, aligned: a part at a time is copied, filled up with the lowest. */
#define PART ((size_t)1024)

static size_t copy_part(float *part, const float *logits, size_t n)
{
    size_t width;

    n = n < PART ? n : PART;
    width = AGLM_LANES_UP(n);
    memcpy(part, logits, n * sizeof *part);
    for (size_t i = n; i < width; i++)
        part[i] = -INFINITY;
    return width;
}

double aglm_llama_log_sum(const float *logits, size_t n)
{
    _Alignas(64) float part[PART];
    const aglm_kernels *k = aglm_kernels_best();
    float top = -INFINITY;
    double sum = 0;

    for (size_t i = 0; i < n; i += PART)
        top = fmaxf(top, k->max(part, copy_part(part, logits + i, n - i)));
    for (size_t i = 0; i < n; i += PART)
        sum += (double)k->exp_sum(part, top, copy_part(part, logits + i, n - i));
    return (double)top + log(sum);
}

double aglm_llama_log_prob(const aglm_session *s, const aglm_llama_context *c, int32_t row,
                           llama_token token)
{
    const float *logits = llama_get_logits_ith(c->ctx, row);

    return (double)logits[token] -
           aglm_llama_log_sum(logits, (size_t)llama_vocab_n_tokens(s->vocab));
}
