#include "lm/head.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/hash.h"
#include "base/memory.h"
#include "lm/head_priv.h"

enum { P_DEPTH, P_POOLING, P_HIDDEN, P_DROPOUT, P_LR, P_BATCH, P_EPOCHS, P_DECAY, P_N };

enum { N_POOLINGS = 3, N_HIDDEN = 3, N_BATCHES = 5 };
static const char *const POOLINGS[N_POOLINGS] = {"mean", "last", "both"};
static const char *const HIDDEN[N_HIDDEN] = {"0", "32", "128"};
static const char *const BATCHES[N_BATCHES] = {"8", "16", "32", "64", "128"};
static const unsigned HIDDEN_OF[N_HIDDEN] = {0, 32, 128};
static const unsigned BATCH_OF[N_BATCHES] = {8, 16, 32, 64, 128};

static aglm_hparam choice(const char *name, const char *const *choices, size_t n, double start)
{
    return (aglm_hparam){.name = name,
                         .kind = AGLM_HPARAM_CHOICE,
                         .high = (double)n - 1,
                         .choices = choices,
                         .n_choices = n,
                         .start = start};
}

static aglm_hparam number(const char *name, double low, double high, bool log, double start)
{
    return (aglm_hparam){.name = name,
                         .kind = AGLM_HPARAM_FLOAT,
                         .log = log,
                         .low = low,
                         .high = high,
                         .start = start};
}

static size_t head_space(const aglm_data_shape *shape, aglm_hparam *out)
{
    if (!shape->language_model || shape->tabular || shape->regression)
        return 0;
    out[P_DEPTH] = choice("depth", aglm_hidden_depths, AGLM_HIDDEN_DEPTHS, 3);
    out[P_DEPTH].tells_apart = true;
    out[P_POOLING] = choice("pooling", POOLINGS, N_POOLINGS, AGLM_POOLING_MEAN);
    out[P_POOLING].tells_apart = true;
    out[P_HIDDEN] = choice("hidden", HIDDEN, N_HIDDEN, 0);
    out[P_DROPOUT] = number("dropout", 0, 0.5, false, 0.1);
    out[P_LR] = number("lr", 1e-5, 1e-3, true, 5e-4);
    out[P_BATCH] = choice("batch_size", BATCHES, N_BATCHES, 2);
    out[P_EPOCHS] = number("epochs", 1, 60, true, 20);
    out[P_EPOCHS].kind = AGLM_HPARAM_INT;
    out[P_DECAY] = number("weight_decay", 1e-4, 1, true, 0.01);
    return P_N;
}

struct head {
    const aglm_dataset *data;
    aglm_hidden *hidden;
    int32_t layer;
    aglm_pooling pooling;
    unsigned hidden_units;
    aglm_head_options options;
    const aglm_cancel *cancel;
};

/* What any caller may set, wider than what is searched. */
static aglm_rc check_values(const double *v, aglm_error *err)
{
    static const struct {
        const char *name;
        double low, high;
        bool whole;
    } BOUNDS[P_N] = {
        [P_DEPTH] = {"depth", 0, AGLM_HIDDEN_DEPTHS - 1, true},
        [P_POOLING] = {"pooling", 0, AGLM_POOLING_BOTH, true},
        [P_HIDDEN] = {"hidden", 0, N_HIDDEN - 1, true},
        [P_DROPOUT] = {"dropout", 0, 0.9, false},
        [P_LR] = {"lr", 1e-9, 1, false},
        [P_BATCH] = {"batch_size", 0, N_BATCHES - 1, true},
        [P_EPOCHS] = {"epochs", 1, 10000, true},
        [P_DECAY] = {"weight_decay", 0, 100, false},
    };

    for (size_t i = 0; i < P_N; i++)
        if (!(v[i] >= BOUNDS[i].low && v[i] <= BOUNDS[i].high) ||
            (BOUNDS[i].whole && floor(v[i]) != v[i]))
            return aglm_error_set(
                err, AGLM_INVALID, "head: %s is %g, expected %s of %g to %g", BOUNDS[i].name, v[i],
                BOUNDS[i].whole ? "a whole number" : "a number", BOUNDS[i].low, BOUNDS[i].high);
    return AGLM_OK;
}

static void head_close(void *self)
{
    struct head *h = self;

    aglm_hidden_unref(h->hidden);
    free(h);
}

static aglm_rc open_hidden(struct head *h, const aglm_fit_context *ctx, aglm_error *err)
{
    const aglm_hidden_options o = {.model = ctx->language_model};

    if (ctx->hidden) {
        h->hidden = aglm_hidden_ref(ctx->hidden);
        return AGLM_OK;
    }
    if (!ctx->language_model)
        return aglm_error_set(err, AGLM_INVALID, "no language model was given");
    return aglm_hidden_open(&h->hidden, &o, err);
}

static aglm_rc head_open(void **self, const aglm_dataset *data, const double *values,
                         const aglm_fit_context *ctx, aglm_error *err)
{
    aglm_rc rc = check_values(values, err);

    *self = NULL;
    if (rc != AGLM_OK)
        return rc;
    struct head *h = aglm_calloc(1, sizeof *h);
    if (!h)
        return aglm_error_set(err, AGLM_NOMEM, "no memory for a head");
    h->data = data;
    h->cancel = ctx->cancel;
    h->pooling = (aglm_pooling)values[P_POOLING];
    h->hidden_units = HIDDEN_OF[(size_t)values[P_HIDDEN]];
    h->options = (aglm_head_options){.lr = values[P_LR],
                                     .weight_decay = values[P_DECAY],
                                     .dropout = values[P_DROPOUT],
                                     .batch = BATCH_OF[(size_t)values[P_BATCH]],
                                     .epochs = (unsigned)values[P_EPOCHS]};
    rc = open_hidden(h, ctx, err);
    if (rc != AGLM_OK) {
        head_close(h);
        return rc;
    }
    h->layer = aglm_hidden_layer(h->hidden, (size_t)values[P_DEPTH]);
    *self = h;
    return rc;
}

/* ---- fitting ---- */

/* States and labels of the rows learned from. */
typedef struct gathered {
    float *x; /* [n x width] */
    uint32_t *rows, *label;
    size_t *label_start;
    size_t n;
} gathered;

static void gathered_clear(gathered *g)
{
    free(g->x);
    free(g->rows);
    free(g->label);
    free(g->label_start);
}

static int compare_rows(const void *a, const void *b)
{
    uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;

    return (x > y) - (x < y);
}

static aglm_rc read_doc(const struct head *h, uint32_t row, const aglm_cancel *cancel, float *x,
                        aglm_error *err)
{
    aglm_doc d = aglm_dataset_doc(h->data, row);
    const aglm_hidden_text t = {d.text, d.len, h->layer, h->pooling, cancel};

    return aglm_hidden_get(h->hidden, &t, x, err);
}

static aglm_rc gathered_init(gathered *g, const struct head *h, const uint32_t *rows, size_t n,
                             size_t width)
{
    size_t labels = 0;

    for (size_t i = 0; i < n; i++)
        labels += aglm_dataset_doc(h->data, rows[i]).n_labels;
    *g = (gathered){.n = n};
    g->x = aglm_calloc_aligned(n * width, sizeof *g->x);
    g->rows = aglm_calloc(n, sizeof *g->rows);
    g->label = aglm_calloc(labels, sizeof *g->label);
    g->label_start = aglm_calloc(n + 1, sizeof *g->label_start);
    if (!g->x || !g->rows || !g->label || !g->label_start)
        return AGLM_NOMEM;
    memcpy(g->rows, rows, n * sizeof *rows);
    qsort(g->rows, n, sizeof *g->rows, compare_rows);
    return AGLM_OK;
}

static aglm_rc gather(gathered *g, const struct head *h, const aglm_fit_context *ctx, size_t width,
                      aglm_error *err)
{
    aglm_rc rc = AGLM_OK;

    for (size_t i = 0; rc == AGLM_OK && i < g->n; i++) {
        aglm_doc d = aglm_dataset_doc(h->data, g->rows[i]);
        size_t at = g->label_start[i];
        for (size_t k = 0; k < d.n_labels; k++)
            g->label[at++] = d.labels[k];
        g->label_start[i + 1] = at;
        rc = read_doc(h, g->rows[i], ctx->cancel, g->x + i * width, err);
    }
    return rc;
}

struct progress {
    const aglm_fit_context *ctx;
    const aglm_head_model *model;
    unsigned epochs;
};

static aglm_rc tell_epoch(void *arg, unsigned epoch)
{
    const struct progress *p = arg;

    return p->ctx->on_step(p->ctx->arg, &p->model->base, epoch, p->epochs);
}

static aglm_rc train(const struct head *h, aglm_head_model *m, gathered *g,
                     const aglm_fit_context *ctx)
{
    struct progress p = {ctx, m, h->options.epochs};
    const aglm_head_data d = {g->x, g->label, g->label_start, g->n};
    aglm_head_options o = h->options;

    aglm_head_learn_scale(&m->net, g->x, g->n);
    for (size_t i = 0; i < g->n; i++)
        aglm_head_standardise(&m->net, g->x + i * m->net.width, g->x + i * m->net.width);
    o.seed = ctx->seed;
    o.cancel = ctx->cancel;
    o.on_epoch = ctx->on_step ? tell_epoch : NULL;
    o.arg = &p;
    return aglm_head_train(&m->net, &d, &o);
}

static aglm_rc new_model(const struct head *h, aglm_head_model **out)
{
    const aglm_head_shape shape = {(uint32_t)aglm_hidden_size(h->hidden, h->pooling),
                                   h->hidden_units, (uint32_t)aglm_dataset_n_labels(h->data),
                                   aglm_dataset_task(h->data) == AGLM_TASK_MULTILABEL};
    const char *file = aglm_hidden_model(h->hidden);
    aglm_head_model *m = *out = aglm_calloc(1, sizeof *m);

    if (!m)
        return AGLM_NOMEM;
    m->base = (aglm_model){&aglm_learner_head, shape.labels, shape.one_vs_rest};
    m->file = aglm_strndup(file, strlen(file));
    m->file_bytes = aglm_hidden_model_bytes(h->hidden);
    m->layer = h->layer;
    m->pooling = h->pooling;
    m->max_tokens = (uint32_t)aglm_hidden_max_tokens(h->hidden);
    m->hidden = aglm_hidden_ref(h->hidden);
    aglm_rc rc = aglm_head_net_init(&m->net, &shape);
    return m->file ? rc : AGLM_NOMEM;
}

static aglm_rc check_memory(size_t n, const aglm_head_net *net, const aglm_fit_context *ctx,
                            aglm_error *err)
{
    uint64_t need = (n * net->width + 4 * net->n) * sizeof(float);

    return ctx->max_memory_bytes && need > ctx->max_memory_bytes
               ? aglm_error_set(err, AGLM_LIMIT,
                                "a head for %zu documents needs %llu bytes, over the limit of %llu",
                                n, (unsigned long long)need,
                                (unsigned long long)ctx->max_memory_bytes)
               : AGLM_OK;
}

static aglm_rc fit_rows(const struct head *h, aglm_head_model *m, gathered *g,
                        const aglm_fit_context *ctx, aglm_error *err)
{
    aglm_rc rc = gather(g, h, ctx, m->net.width, err);

    if (rc != AGLM_OK)
        return rc;
    rc = train(h, m, g, ctx);
    return rc < 0 ? aglm_error_set(err, rc, "training a head: %s", aglm_rc_text(rc)) : rc;
}

static aglm_rc head_fit(const void *self, const uint32_t *rows, size_t n,
                        const aglm_fit_context *ctx, aglm_model **out, aglm_error *err)
{
    const struct head *h = self;
    aglm_head_model *m = NULL;
    gathered g = {0};

    *out = NULL;
    if (n == 0)
        return aglm_error_set(err, AGLM_INVALID, "a head needs at least one document");
    aglm_rc rc = new_model(h, &m);
    if (rc != AGLM_OK)
        aglm_error_set(err, rc, "no memory for a head");
    else
        rc = check_memory(n, &m->net, ctx, err);
    if (rc == AGLM_OK && (rc = gathered_init(&g, h, rows, n, m->net.width)) != AGLM_OK)
        aglm_error_set(err, rc, "no memory for the states of %zu documents", n);
    if (rc == AGLM_OK)
        rc = fit_rows(h, m, &g, ctx, err);
    gathered_clear(&g);
    if (rc == AGLM_OK)
        *out = &m->base;
    else if (m)
        aglm_head_free(&m->base);
    return rc;
}

static aglm_rc head_score(const void *self, const aglm_model *model, const uint32_t *rows, size_t n,
                          float *logits, aglm_error *err)
{
    const struct head *h = self;
    const aglm_head_model *m = (const aglm_head_model *)model;
    float *x = aglm_calloc_aligned(m->net.width, sizeof *x);
    aglm_head_scratch s;
    aglm_rc rc = aglm_head_scratch_init(&s, &m->net);

    if (!x || rc != AGLM_OK)
        rc = aglm_error_set(err, AGLM_NOMEM, "no memory to score %zu documents", n);
    for (size_t i = 0; rc == AGLM_OK && i < n; i++) {
        rc = read_doc(h, rows[i], h->cancel, x, err);
        if (rc == AGLM_OK) {
            aglm_head_logits(&m->net, &s, x);
            memcpy(logits + i * model->n_labels, s.logits, model->n_labels * sizeof *logits);
        }
    }
    aglm_head_scratch_clear(&s);
    free(x);
    return rc;
}

/* ---- predicting ---- */

struct aglm_predictor {
    const aglm_head_model *m;
    aglm_hidden *hidden;
    aglm_head_scratch scratch;
    float *x; /* of the text that was predicted last */
};

static void head_free_predictor(aglm_predictor *p)
{
    aglm_hidden_unref(p->hidden);
    aglm_head_scratch_clear(&p->scratch);
    free(p->x);
    free(p);
}

static aglm_rc open_model(aglm_predictor *p, aglm_error *err)
{
    const aglm_head_model *m = p->m;
    const aglm_hidden_options o = {.model = m->file, .max_tokens = m->max_tokens};

    if (m->hidden) {
        p->hidden = aglm_hidden_ref(m->hidden);
        return AGLM_OK;
    }
    aglm_rc rc = aglm_hidden_open(&p->hidden, &o, err);
    if (rc == AGLM_OK && (aglm_hidden_model_bytes(p->hidden) != m->file_bytes ||
                          aglm_hidden_size(p->hidden, m->pooling) != m->net.shape.inputs))
        rc = aglm_error_set(err, AGLM_FORMAT,
                            "%s: the head was trained over another language model of that name",
                            m->file);
    return rc;
}

static aglm_rc head_predictor(aglm_predictor **out, const aglm_model *model, aglm_error *err)
{
    aglm_predictor *p = aglm_calloc(1, sizeof *p);

    *out = NULL;
    if (!p)
        return aglm_error_set(err, AGLM_NOMEM, "no memory for a predictor");
    p->m = (const aglm_head_model *)model;
    p->x = aglm_calloc_aligned(p->m->net.width, sizeof *p->x);
    aglm_rc rc = aglm_head_scratch_init(&p->scratch, &p->m->net);
    if (!p->x || rc != AGLM_OK)
        rc = aglm_error_set(err, AGLM_NOMEM, "no memory for a predictor");
    else
        rc = open_model(p, err);
    if (rc != AGLM_OK)
        head_free_predictor(p);
    else
        *out = p;
    return rc;
}

static aglm_rc predict_states(aglm_predictor *p, const float *x, float *logits)
{
    aglm_head_logits(&p->m->net, &p->scratch, x);
    memcpy(logits, p->scratch.logits, p->m->base.n_labels * sizeof *logits);
    return AGLM_OK;
}

static aglm_rc head_predict(aglm_predictor *p, const char *text, size_t len, float *logits,
                            aglm_error *err)
{
    const aglm_hidden_text t = {text, len, p->m->layer, p->m->pooling, NULL};
    aglm_rc rc = aglm_hidden_read(p->hidden, &t, p->x, err);

    return rc == AGLM_OK ? predict_states(p, p->x, logits) : rc;
}

static aglm_rc head_predict_after(aglm_predictor *p, const aglm_predictor *first, float *logits,
                                  aglm_error *err)
{
    (void)err;
    return predict_states(p, first->x, logits);
}

static uint64_t head_reading(const aglm_model *model)
{
    const aglm_head_model *m = (const aglm_head_model *)model;
    uint64_t how = (uint64_t)m->layer << 32 | (uint64_t)m->pooling << 16 | m->max_tokens;

    return aglm_hash64(m->file, strlen(m->file), aglm_mix64(how + 1));
}

const aglm_learner_ops aglm_learner_head = {
    .name = "head",
    .space = head_space,
    .open = head_open,
    .fit = head_fit,
    .score = head_score,
    .close = head_close,
    .save = aglm_head_save,
    .load = aglm_head_load,
    .free_model = aglm_head_free,
    .predictor = head_predictor,
    .predict = head_predict,
    .reading = head_reading,
    .predict_after = head_predict_after,
    .free_predictor = head_free_predictor,
};
