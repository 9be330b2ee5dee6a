/* The embedding bag as a learner: its space, and its fits on parts of a dataset. After fastText
 * (Joulin et al. 2016). */
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "learn/embed_priv.h"

/* A bundle of two learners is to stay under 20 MB. */
#define MAX_FORM_BYTES ((uint64_t)8 << 20)

typedef struct learner {
    const aglm_dataset *data;
    aglm_feature_options features;
    aglm_embed_options options; /* but max_rows */
    aglm_matrix *matrix;
    bool multi_label;
} learner;

/* --- space --- */

enum param {
    RATE,
    EPOCHS,
    DIM,
    DROPOUT,
    SMOOTHING,
    OPTIMIZER,
    LOSS,
    WEIGHTS,
    MIN_COUNT,
    WORD_N,
    CHARS,
    CJK_N,
    EXTRAS,
    PARAMS
};

static const char *const optimizers[] = {"sgd", "adagrad"};
static const char *const weights[] = {"tf-idf", "supervised"};
static const char *const losses[] = {"softmax", "one-vs-rest"};
static const char *const char_choices[] = {"none", "2-5", "1-6", "2-5 across", "1-6 across"};
static const char *const extra_choices[] = {"none", "shape", "ends", "shape and ends", "edges"};
static const struct {
    uint8_t min, max;
    bool across;
} char_orders[] = {{0, 0, false}, {2, 5, false}, {1, 6, false}, {2, 5, true}, {1, 6, true}};

/* In texts of this mean length or less, their own length and ends tell something. */
#define SHORT_CHARS 60

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

static const aglm_hparam params[PARAMS] = {
    [RATE] = {.name = "lr",
              .kind = AGLM_HPARAM_FLOAT,
              .low = 0.02,
              .high = 0.6,
              .log = true,
              .start = 0.1},
    [EPOCHS] =
        {.name = "epochs", .kind = AGLM_HPARAM_INT, .low = 3, .high = 40, .log = true, .start = 8},
    [DIM] = {.name = "embedding_dim",
             .kind = AGLM_HPARAM_INT,
             .low = 8,
             .high = 200,
             .log = true,
             .start = 64},
    [DROPOUT] = {.name = "dropout", .kind = AGLM_HPARAM_FLOAT, .low = 0, .high = 0.7, .start = 0.3},
    [SMOOTHING] =
        {.name = "smoothing", .kind = AGLM_HPARAM_FLOAT, .low = 0, .high = 0.2, .start = 0.1},
    [OPTIMIZER] = {.name = "optimizer",
                   .kind = AGLM_HPARAM_CHOICE,
                   .choices = optimizers,
                   .n_choices = COUNT(optimizers)},
    [LOSS] = {.name = "loss",
              .kind = AGLM_HPARAM_CHOICE,
              .choices = losses,
              .n_choices = COUNT(losses)},
    [WEIGHTS] = {.name = "weights",
                 .kind = AGLM_HPARAM_CHOICE,
                 .choices = weights,
                 .n_choices = COUNT(weights),
                 .start = 1,
                 .tells_apart = true},
    [MIN_COUNT] = {.name = "min_count", .kind = AGLM_HPARAM_INT, .low = 1, .high = 2, .start = 1},
    [WORD_N] = {.name = "word_n", .kind = AGLM_HPARAM_INT, .low = 1, .high = 3, .start = 2},
    [CHARS] = {.name = "chars",
               .kind = AGLM_HPARAM_CHOICE,
               .choices = char_choices,
               .n_choices = COUNT(char_choices),
               .start = 4,
               .tells_apart = true},
    [CJK_N] = {.name = "cjk_n", .kind = AGLM_HPARAM_INT, .low = 1, .high = 4, .start = 3},
    [EXTRAS] = {.name = "extras",
                .kind = AGLM_HPARAM_CHOICE,
                .choices = extra_choices,
                .n_choices = COUNT(extra_choices)},
};

static void fix(aglm_hparam *p, double value)
{
    p->low = p->high = p->start = value;
    p->log = false;
}

/* Always the same parameters in the same order, as open() sees only their values; what makes no
 * sense for the data is left with a single value. */
static size_t embed_space(const aglm_data_shape *shape, aglm_hparam *out)
{
    if (shape->tabular)
        return 0;
    memcpy(out, params, sizeof params);
    if (shape->multi_label) {
        out[LOSS].choices = losses + 1;
        out[LOSS].n_choices = 1;
    }
    if (shape->mean_chars <= SHORT_CHARS)
        out[EXTRAS].start = 3;
    if (shape->share_cjk < 0.05) {
        fix(&out[CJK_N], 0);
    } else if (shape->share_cjk > 0.5) {
        fix(&out[WORD_N], 1);
        out[CHARS].n_choices = 1;
        out[CHARS].start = 0;
    }
    return PARAMS;
}

/* --- open and close --- */

static void read_values(learner *self, const double *v)
{
    size_t chars = (size_t)v[CHARS], extras = (size_t)v[EXTRAS];

    self->features = (aglm_feature_options){
        .word_n = (uint8_t)v[WORD_N],
        .char_min = char_orders[chars].min,
        .char_max = char_orders[chars].max,
        .char_across = char_orders[chars].across,
        .cjk_n = (uint8_t)v[CJK_N],
        .prefix_n = extras == 2 || extras == 3 ? 3 : 0,
        .suffix_n = extras == 2 || extras == 3 ? 2 : 0,
        .edges = extras == 4,
        .shape = extras == 1 || extras == 3,
        .lower = true,
        .punct = true,
    };
    self->options = (aglm_embed_options){
        .rate = v[RATE],
        .dim = (unsigned)v[DIM],
        .epochs = (unsigned)v[EPOCHS],
        .dropout = v[DROPOUT],
        .smoothing = v[SMOOTHING],
        .min_count = (unsigned)v[MIN_COUNT],
        .one_vs_rest = self->multi_label || v[LOSS] == 1,
        .supervised = v[WEIGHTS] == 1,
        .adagrad = v[OPTIMIZER] == 1,
    };
}

/* Values wide of the space would index out of tables or ask for absurd sizes. */
static aglm_rc check_values(const double *v, aglm_error *err)
{
    for (size_t i = 0; i < PARAMS; i++) {
        double low = i == CJK_N ? 0 : params[i].low;
        double high = params[i].kind == AGLM_HPARAM_CHOICE ? (double)params[i].n_choices - 1
                                                           : params[i].high;
        if (!(v[i] >= low && v[i] <= high))
            return aglm_error_set(err, AGLM_INVALID, "%s = %g: it must lie in %g..%g",
                                  params[i].name, v[i], low, high);
    }
    return AGLM_OK;
}

static void embed_close(void *opaque)
{
    learner *self = opaque;

    if (!self)
        return;
    aglm_matrix_free(self->matrix);
    free(self);
}

static aglm_rc embed_open(void **out, const aglm_dataset *data, const double *values,
                          const aglm_fit_context *ctx, aglm_error *err)
{
    aglm_rc rc = check_values(values, err);
    if (rc)
        return rc;
    learner *self = aglm_calloc(1, sizeof *self);
    if (!self)
        return aglm_error_set(err, AGLM_NOMEM, "embedding: out of memory");
    self->data = data;
    self->multi_label = aglm_dataset_task(data) == AGLM_TASK_MULTILABEL;
    read_values(self, values);
    self->options.max_rows = aglm_embed_form_max_rows(
        MAX_FORM_BYTES, (uint32_t)aglm_dataset_n_labels(data), self->options.dim);
    rc = aglm_matrix_new(
        &self->matrix, data, &self->features,
        &(aglm_matrix_limits){.cancel = ctx->cancel, .max_memory_bytes = ctx->max_memory_bytes},
        err);
    if (rc)
        embed_close(self);
    else
        *out = self;
    return rc;
}

/* --- fit --- */

typedef struct progress {
    const aglm_fit_context *ctx;
    aglm_embed_model live;
    unsigned epochs;
} progress;

static aglm_rc report(void *arg, unsigned epoch)
{
    progress *p = arg;

    return p->ctx->on_step(p->ctx->arg, &p->live.base, epoch, p->epochs);
}

static aglm_rc embed_fit(const void *opaque, const uint32_t *rows, size_t n,
                         const aglm_fit_context *ctx, aglm_model **out, aglm_error *err)
{
    const learner *self = opaque;
    aglm_embed_task task = {.matrix = self->matrix,
                            .data = self->data,
                            .docs = rows,
                            .n = n,
                            .multi_label = self->multi_label,
                            .cancel = ctx->cancel};
    progress p = {.ctx = ctx, .epochs = self->options.epochs};
    aglm_embed_progress tell = {.after_epoch = ctx->on_step ? report : NULL, .arg = &p};
    aglm_embed_net *net = NULL;
    aglm_embed_model *finished = NULL;
    aglm_rc rc = aglm_embed_net_new(&net, &task, &self->options, ctx, err);

    if (rc)
        return rc;
    const aglm_embed_source source = {.net = net,
                                      .matrix = self->matrix,
                                      .options = &self->features,
                                      .multi_label = self->multi_label};
    p.live = (aglm_embed_model){.base = {.ops = &aglm_learner_embed,
                                         .n_labels = (uint32_t)aglm_dataset_n_labels(self->data),
                                         .multi_label = self->multi_label},
                                .live = &source};
    rc = aglm_embed_train(net, &task, &self->options, ctx, &tell, err);
    if (!rc)
        rc = aglm_embed_model_finish(&finished, &p.live, err);
    aglm_embed_net_free(net);
    if (!rc)
        *out = &finished->base;
    return rc;
}

/* --- score --- */

typedef struct scorer {
    const aglm_embed_model *model;
    aglm_embed_rows rows;
    uint32_t *found; /* what rows.row_of points to when the model is finished */
    aglm_embed_bag bag;
    float *hidden;
} scorer;

/* The model's rows of the features, and scratch. */
static aglm_rc scorer_init(scorer *s, const aglm_matrix *matrix)
{
    const aglm_embed_net *net = s->model->live ? s->model->live->net : NULL;
    const aglm_embed_form *f = &s->model->form;

    s->hidden = aglm_calloc_aligned(net ? net->width : AGLM_LANES_UP((size_t)f->columns),
                                    sizeof *s->hidden);
    if (!s->hidden)
        return AGLM_NOMEM;
    s->rows = (aglm_embed_rows){.matrix = matrix};
    if (net) {
        s->rows.row_of = net->row_of;
        s->rows.worth = net->worth;
        s->rows.worth_stride = 1;
        return AGLM_OK;
    }
    s->rows.row_of = s->found = aglm_calloc(matrix->n_features, sizeof *s->found);
    s->rows.worth = (const uint8_t *)f->record;
    s->rows.worth_stride = f->stride;
    if (!s->found)
        return AGLM_NOMEM;
    aglm_embed_form_find(f, matrix->hash, matrix->n_features, s->found);
    return AGLM_OK;
}

static void scorer_clear(scorer *s)
{
    aglm_embed_bag_clear(&s->bag);
    free(s->found);
    free(s->hidden);
}

static void live_logits(const aglm_embed_net *net, const aglm_embed_bag *bag, float *hidden,
                        float *logits)
{
    const aglm_kernels *k = aglm_kernels_best();
    const aglm_row_list list = {.row = bag->row, .weight = bag->weight, .n = bag->n};

    k->gather(hidden, net->in, &list, net->width);
    k->matvec(logits, net->out, net->labels, hidden, net->width);
    for (size_t l = 0; l < net->labels; l++)
        logits[l] += net->bias[l];
}

static aglm_rc embed_score(const void *opaque, const aglm_model *m, const uint32_t *rows, size_t n,
                           float *logits, aglm_error *err)
{
    const learner *self = opaque;
    scorer s = {.model = (const aglm_embed_model *)m};
    aglm_rc rc = scorer_init(&s, self->matrix);

    for (size_t i = 0; !rc && i < n; i++) {
        rc = aglm_embed_bag_fill(&s.bag, &s.rows, rows[i]);
        if (!rc && s.model->live)
            live_logits(s.model->live->net, &s.bag, s.hidden, logits + i * m->n_labels);
        else if (!rc)
            aglm_embed_form_logits(&s.model->form, &s.bag, s.hidden, logits + i * m->n_labels);
    }
    if (rc)
        aglm_error_set(err, rc, "scoring %zu documents: out of memory", n);
    scorer_clear(&s);
    return rc;
}

const aglm_learner_ops aglm_learner_embed = {
    .name = "embed",
    .space = embed_space,
    .open = embed_open,
    .fit = embed_fit,
    .score = embed_score,
    .close = embed_close,
    .save = aglm_embed_model_save,
    .load = aglm_embed_model_load,
    .free_model = aglm_embed_model_free,
    .predictor = aglm_embed_predictor_new,
    .predict = aglm_embed_predict,
    .explain = aglm_embed_explain,
    .free_predictor = aglm_embed_predictor_free,
};
