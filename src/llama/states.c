/* states: what stands in the model after some of its blocks, pooled over a text's tokens. The graph
 * ends after the last block asked for: half of the blocks cost half of the time. One text at a
 * time, so that what it gives does not depend on its neighbours. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "llama/session.h"

#define MAX_LAYERS 64 /* in one request */
#define POOLINGS 2    /* mean, last */

/* What the observer of a decode fills. */
typedef struct pooled {
    size_t dim, tokens;
    int layers[MAX_LAYERS]; /* ascending, from 1 */
    size_t n_layers, seen;
    float *state; /* [tokens x dim] of one layer */
    double *sum;  /* [dim] */
    float *out;   /* [n_layers x POOLINGS x dim] */
} pooled;

struct aglm_states {
    struct llama_context *ctx;
    pooled pooled;
};

void aglm_states_free(aglm_states *s)
{
    if (!s)
        return;
    if (s->ctx)
        llama_free(s->ctx);
    free(s->pooled.state);
    free(s->pooled.sum);
    free(s->pooled.out);
    free(s);
}

/* Each token's state is brought to a root mean square of one, as the model's own norms do it:
 * the first token's is some hundred times longer and would be all that a mean shows. */
static void pool(pooled *p)
{
    float *mean = p->out + p->seen * POOLINGS * p->dim, *last = mean + p->dim;

    memset(p->sum, 0, p->dim * sizeof *p->sum);
    for (size_t t = 0; t < p->tokens; t++) {
        const float *v = p->state + t * p->dim;
        double squares = 0;
        for (size_t i = 0; i < p->dim; i++)
            squares += (double)v[i] * (double)v[i];
        double scale = squares > 0 ? sqrt((double)p->dim / squares) : 0;
        for (size_t i = 0; i < p->dim; i++)
            p->sum[i] += scale * (double)v[i];
        for (size_t i = 0; t + 1 == p->tokens && i < p->dim; i++)
            last[i] = (float)(scale * (double)v[i]);
    }
    for (size_t i = 0; i < p->dim; i++)
        mean[i] = (float)(p->sum[i] / (double)p->tokens);
}

/* llama.cpp names what leaves block i (from 0) "l_out-i". */
static bool is_wanted(const pooled *p, const struct ggml_tensor *t)
{
    char name[GGML_MAX_NAME];

    if (p->seen == p->n_layers || strncmp(t->name, "l_out-", 6) != 0)
        return false;
    snprintf(name, sizeof name, "l_out-%d", p->layers[p->seen] - 1);
    return strcmp(t->name, name) == 0;
}

static bool fits(const pooled *p, const struct ggml_tensor *t)
{
    return t->type == GGML_TYPE_F32 && ggml_is_contiguous(t) && (size_t)t->ne[0] == p->dim &&
           (size_t)t->ne[1] == p->tokens && t->ne[2] == 1 && t->ne[3] == 1;
}

/* Asked first which tensors are wanted, then called with their values; false ends the graph. */
static bool watch(struct ggml_tensor *t, bool ask, void *arg)
{
    pooled *p = arg;

    if (ask)
        return is_wanted(p, t);
    if (!fits(p, t))
        return false;
    ggml_backend_tensor_get(t, p->state, 0, p->tokens * p->dim * sizeof *p->state);
    pool(p);
    return ++p->seen < p->n_layers;
}

static bool is_late(void *arg)
{
    const aglm_session *s = arg;

    return s->deadline_ns != 0 && aglm_clock_ns() > s->deadline_ns;
}

static struct llama_context_params params_of(aglm_session *s, pooled *p)
{
    struct llama_context_params c = llama_context_default_params();

    c.n_ctx = c.n_batch = c.n_ubatch = AGLM_LLAMA_ROWS;
    c.n_seq_max = 1;
    c.n_threads = c.n_threads_batch = (int32_t)s->threads;
    c.pooling_type = LLAMA_POOLING_TYPE_NONE;
    c.swa_full = true;
    c.offload_kqv = false;
    c.no_perf = true;
    c.cb_eval = watch;
    c.cb_eval_user_data = p;
    c.abort_callback = is_late;
    c.abort_callback_data = s;
    return c;
}

static aglm_rc states_new(aglm_session *s, aglm_error *err)
{
    aglm_states *n = calloc(1, sizeof *n);
    size_t dim = (size_t)llama_model_n_embd(s->model);

    if (n) {
        n->pooled.dim = dim;
        n->pooled.state = calloc(AGLM_LLAMA_ROWS * dim, sizeof(float));
        n->pooled.sum = calloc(dim, sizeof(double));
        n->pooled.out = calloc(MAX_LAYERS * POOLINGS * dim, sizeof(float));
        n->ctx = llama_init_from_model(s->model, params_of(s, &n->pooled));
    }
    if (!n || !n->ctx || !n->pooled.state || !n->pooled.sum || !n->pooled.out) {
        aglm_states_free(n);
        return aglm_error_set(err, AGLM_NOMEM, "no memory for hidden states");
    }
    s->states = n;
    return AGLM_OK;
}

static aglm_rc read_layers(pooled *p, const aglm_json *list, int most, aglm_error *err)
{
    aglm_json_iter it = aglm_json_iterate(list);
    int64_t before = 0;

    p->n_layers = p->seen = 0;
    for (const aglm_json *v; (v = aglm_json_next(&it, NULL));) {
        int64_t layer = aglm_json_int(v, 0);
        if (layer <= before || layer > most || p->n_layers == MAX_LAYERS)
            return aglm_error_set(err, AGLM_INVALID,
                                  "states: layers must be ascending, 1 to %d, at most %d of them",
                                  most, MAX_LAYERS);
        p->layers[p->n_layers++] = (int)layer;
        before = layer;
    }
    return p->n_layers ? AGLM_OK : aglm_error_set(err, AGLM_INVALID, "states: no layers");
}

/* The last block computes only what is put out: all tokens where it is asked for, else none. */
static aglm_rc decode(aglm_session *s, const aglm_tokens *t, aglm_error *err)
{
    aglm_states *n = s->states;
    pooled *p = &n->pooled;
    struct llama_batch batch = llama_batch_get_one(t->at, (int32_t)t->n);
    bool all = p->layers[p->n_layers - 1] == llama_model_n_layer(s->model);
    int8_t put_out[AGLM_LLAMA_ROWS];

    p->tokens = t->n;
    memset(put_out, all, sizeof put_out);
    batch.logits = put_out;
    llama_set_embeddings(n->ctx, all);
    llama_memory_clear(llama_get_memory(n->ctx), false);
    aglm_rc rc = aglm_llama_decode_rc(llama_decode(n->ctx, batch), err);
    if (rc == AGLM_OK && p->seen < p->n_layers)
        return aglm_error_set(err, AGLM_UNSUPPORTED,
                              "this architecture does not show what leaves block %d",
                              p->layers[p->seen]);
    return rc;
}

static aglm_rc tokens_of(aglm_session *s, const aglm_json *request, aglm_tokens *t, aglm_error *err)
{
    size_t len = 0;
    const char *text = aglm_json_string(aglm_json_get(request, "text"), &len);
    int64_t most = aglm_json_int(aglm_json_get(request, "max_tokens"), AGLM_LLAMA_ROWS);

    if (!text || most < 1 || most > AGLM_LLAMA_ROWS)
        return aglm_error_set(err, AGLM_INVALID, "states: a text and 1 to %d max_tokens are needed",
                              AGLM_LLAMA_ROWS);
    aglm_rc rc = aglm_llama_tokenize(s->vocab, text, len, true, t, err);
    if (rc == AGLM_OK && t->n == 0)
        rc = aglm_llama_tokenize(s->vocab, " ", 1, true, t, err);
    if (rc == AGLM_OK && t->n == 0)
        rc = aglm_error_set(err, AGLM_UNSUPPORTED, "the text has no tokens");
    if (t->n > (size_t)most)
        t->n = (size_t)most;
    return rc;
}

/* Bits as eight hexadecimal digits a number, the first number first. */
static void put_bits(aglm_json_writer *w, const float *v, size_t n, aglm_str *text)
{
    aglm_str_reset(text);
    for (size_t i = 0; i < n; i++) {
        static const char DIGITS[] = "0123456789abcdef";
        uint32_t bits;
        char hex[8];
        memcpy(&bits, &v[i], sizeof bits);
        for (size_t k = 0; k < sizeof hex; k++)
            hex[k] = DIGITS[bits >> (28 - 4 * k) & 15];
        aglm_str_append(text, hex, sizeof hex);
    }
    aglm_json_put_string(w, text->data, text->len);
}

aglm_rc aglm_session_states(aglm_session *s, const aglm_json *request, aglm_json_writer *answer,
                            aglm_error *err)
{
    aglm_tokens t = {0};
    aglm_rc rc = s->states ? AGLM_OK : states_new(s, err);

    if (rc == AGLM_OK)
        rc = read_layers(&s->states->pooled, aglm_json_get(request, "layers"),
                         llama_model_n_layer(s->model), err);
    if (rc == AGLM_OK)
        rc = tokens_of(s, request, &t, err);
    if (rc == AGLM_OK)
        rc = decode(s, &t, err);
    if (rc == AGLM_OK) {
        const pooled *p = &s->states->pooled;
        size_t n = p->n_layers * POOLINGS * p->dim;
        aglm_str text;
        aglm_str_init(&text, 8 * n + 1);
        aglm_json_member_int(answer, "tokens", (int64_t)t.n);
        aglm_json_key(answer, "states");
        put_bits(answer, p->out, n, &text);
        rc = text.rc ? aglm_error_set(err, text.rc, "states: %s", aglm_rc_text(text.rc)) : rc;
        aglm_str_clear(&text);
    }
    free(t.at);
    return rc;
}
