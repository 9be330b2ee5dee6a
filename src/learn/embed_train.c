#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "base/rng.h"
#include "learn/embed_net.h"

enum { ORDER_STREAM = 0x656d6232, DROPOUT_STREAM = 0x656d6233 };

/* The output layer moves slower than the features: it is shared by all of them. */
#define OUT_RATE_ADAGRAD 0.3f
#define OUT_RATE_PLAIN 1.0f
#define BIAS_RATE 0.1f /* of it */
#define EPSILON 1e-6f
/* Longest step back; it bounds how fast a far too large rate can blow numbers up. */
#define MAX_BACK 10.0f

typedef struct trainer {
    const aglm_kernels *k;
    aglm_embed_net *net;
    const aglm_embed_task *task;
    const aglm_embed_options *opt;

    size_t *start; /* [n + 1] into row and weight, in the order of task->docs */
    uint32_t *row;
    float *weight;
    size_t longest;

    float *in_squares;           /* [rows] sums of squared gradients */
    float *out_squares;          /* [labels] */
    float *hidden, *back, *mask; /* [width] */
    float *residue, *step;       /* [AGLM_LANES_UP(labels)] */
    float *moved;                /* [longest] steps of the rows */
    uint32_t *order;             /* [n] */
    aglm_rng dropout;
    unsigned drop_of_256;
} trainer;

static size_t count_entries(const aglm_embed_task *task)
{
    size_t n = 0;

    for (size_t i = 0; i < task->n; i++)
        n += aglm_matrix_begin(task->matrix, task->docs[i] + 1, 0) -
             aglm_matrix_begin(task->matrix, task->docs[i], 0);
    return n;
}

/* Bags of the task's documents as rows and weights: what every epoch walks over. */
static aglm_rc lay_out(trainer *t)
{
    aglm_embed_bag bag = {0};
    const aglm_embed_rows rows = {.matrix = t->task->matrix,
                                  .row_of = t->net->row_of,
                                  .worth = t->net->worth,
                                  .worth_stride = 1};
    size_t entries = count_entries(t->task);
    aglm_rc rc = AGLM_OK;

    t->start = aglm_calloc(t->task->n + 1, sizeof *t->start);
    t->row = aglm_calloc(entries, sizeof *t->row);
    t->weight = aglm_calloc(entries, sizeof *t->weight);
    if (!t->start || !t->row || !t->weight)
        return AGLM_NOMEM;
    for (size_t i = 0; i < t->task->n; i++) {
        size_t at = t->start[i];
        if (aglm_cancelled(t->task->cancel))
            rc = AGLM_CANCELLED;
        else
            rc = aglm_embed_bag_fill(&bag, &rows, t->task->docs[i]);
        if (rc)
            break;
        if (bag.n) {
            memcpy(t->row + at, bag.row, bag.n * sizeof *bag.row);
            memcpy(t->weight + at, bag.weight, bag.n * sizeof *bag.weight);
        }
        t->longest = bag.n > t->longest ? bag.n : t->longest;
        t->start[i + 1] = at + bag.n;
    }
    aglm_embed_bag_clear(&bag);
    return rc;
}

static aglm_rc alloc_scratch(trainer *t)
{
    size_t labels = AGLM_LANES_UP(t->net->labels);

    t->in_squares = aglm_calloc(t->net->rows, sizeof(float));
    t->out_squares = aglm_calloc(labels, sizeof(float));
    t->hidden = aglm_calloc_aligned(t->net->width, sizeof(float));
    t->back = aglm_calloc_aligned(t->net->width, sizeof(float));
    t->mask = aglm_calloc_aligned(t->net->width, sizeof(float));
    t->residue = aglm_calloc_aligned(labels, sizeof(float));
    t->step = aglm_calloc_aligned(labels, sizeof(float));
    t->moved = aglm_calloc(t->longest, sizeof(float));
    t->order = aglm_calloc(t->task->n, sizeof *t->order);
    return t->in_squares && t->out_squares && t->hidden && t->back && t->mask && t->residue &&
                   t->step && t->moved && t->order
               ? AGLM_OK
               : AGLM_NOMEM;
}

static void trainer_clear(trainer *t)
{
    free(t->start);
    free(t->row);
    free(t->weight);
    free(t->in_squares);
    free(t->out_squares);
    free(t->hidden);
    free(t->back);
    free(t->mask);
    free(t->residue);
    free(t->step);
    free(t->moved);
    free(t->order);
}

/* One random byte a number decides: dropout in steps of 1/256. */
static void draw_mask(trainer *t)
{
    float kept = 256.0f / (float)(256 - t->drop_of_256);
    uint64_t bytes = 0;

    for (size_t k = 0; k < t->net->dim; k++) {
        if (k % 8 == 0)
            bytes = aglm_rng_next(&t->dropout);
        t->mask[k] = (bytes & 255) < t->drop_of_256 ? 0 : kept;
        bytes >>= 8;
    }
}

static void apply_mask(const trainer *t, float *v)
{
    for (size_t k = 0; k < t->net->width; k++)
        v[k] *= t->mask[k];
}

/* residue = target - probability: minus the gradient of the loss by the logits, for both losses. */
static void find_residue(trainer *t, size_t doc)
{
    aglm_doc d = aglm_dataset_doc(t->task->data, doc);
    uint32_t labels = t->net->labels;
    float spread = (float)t->opt->smoothing / (float)labels;

    t->k->matvec(t->residue, t->net->out, labels, t->hidden, t->net->width);
    for (size_t l = 0; l < labels; l++)
        t->residue[l] += t->net->bias[l];
    (t->opt->one_vs_rest ? t->k->sigmoid : t->k->softmax)(t->residue, labels);
    for (size_t l = 0; l < labels; l++)
        t->residue[l] = spread - t->residue[l];
    for (size_t i = 0; i < d.n_labels; i++)
        t->residue[d.labels[i]] += 1 - (float)t->opt->smoothing;
}

static void step_out(trainer *t, float rate)
{
    aglm_layer_step s = {
        .m = t->net->out, .rows = t->net->labels, .d = t->residue, .step = t->step};
    float squares = t->k->dot(t->hidden, t->hidden, t->net->width) / (float)t->net->dim;

    rate *= t->opt->adagrad ? OUT_RATE_ADAGRAD : OUT_RATE_PLAIN;
    for (size_t l = 0; l < s.rows; l++) {
        float move = rate * t->residue[l];
        if (t->opt->adagrad) {
            t->out_squares[l] += t->residue[l] * t->residue[l] * squares;
            move /= sqrtf(t->out_squares[l]) + EPSILON;
        }
        t->step[l] = move;
        t->net->bias[l] += rate * BIAS_RATE * t->residue[l];
    }
    memset(t->back, 0, t->net->width * sizeof(float));
    t->k->outer(&s, t->hidden, t->back, t->net->width);
}

static void step_in(trainer *t, const aglm_row_list *bag, float rate)
{
    float squares = t->k->dot(t->back, t->back, t->net->width);
    aglm_row_list moves = {.row = bag->row, .weight = t->moved, .n = bag->n};

    if (squares > MAX_BACK * MAX_BACK) {
        t->k->scale(t->back, MAX_BACK / sqrtf(squares), t->net->width);
        squares = MAX_BACK * MAX_BACK;
    }
    squares /= (float)t->net->dim;
    for (size_t i = 0; i < bag->n; i++) {
        float w = bag->weight[i];
        t->moved[i] = rate * w;
        if (t->opt->adagrad) {
            float *sum = &t->in_squares[bag->row[i]];
            *sum += w * w * squares;
            t->moved[i] /= sqrtf(*sum) + EPSILON;
        }
    }
    t->k->scatter(t->net->in, &moves, t->back, t->net->width);
}

static void learn_doc(trainer *t, size_t i, float rate)
{
    aglm_row_list bag = {.row = t->row + t->start[i],
                         .weight = t->weight + t->start[i],
                         .n = t->start[i + 1] - t->start[i]};

    t->k->gather(t->hidden, t->net->in, &bag, t->net->width);
    if (t->drop_of_256) {
        draw_mask(t);
        apply_mask(t, t->hidden);
    }
    find_residue(t, t->task->docs[i]);
    step_out(t, rate);
    if (t->drop_of_256)
        apply_mask(t, t->back);
    step_in(t, &bag, rate);
}

static aglm_rc run_epochs(trainer *t, const aglm_fit_context *ctx,
                          const aglm_embed_progress *progress, aglm_error *err)
{
    double steps = (double)t->task->n * t->opt->epochs;
    double done = 0;
    aglm_rng order;

    aglm_rng_init_stream(&order, ctx->seed, ORDER_STREAM);
    aglm_rng_init_stream(&t->dropout, ctx->seed, DROPOUT_STREAM);
    for (uint32_t i = 0; i < t->task->n; i++)
        t->order[i] = i;
    for (unsigned e = 0; e < t->opt->epochs; e++) {
        aglm_rng_shuffle(&order, t->order, t->task->n);
        for (size_t i = 0; i < t->task->n; i++, done++) {
            if (aglm_cancelled(ctx->cancel))
                return aglm_error_set(err, AGLM_CANCELLED, "stopped in epoch %u of %u", e + 1,
                                      t->opt->epochs);
            learn_doc(t, t->order[i], (float)(t->opt->rate * (1 - done / steps)));
        }
        aglm_rc rc = progress && progress->after_epoch ? progress->after_epoch(progress->arg, e + 1)
                                                       : AGLM_OK;
        if (rc)
            return rc;
    }
    return AGLM_OK;
}

aglm_rc aglm_embed_train(aglm_embed_net *net, const aglm_embed_task *task,
                         const aglm_embed_options *options, const aglm_fit_context *ctx,
                         const aglm_embed_progress *progress, aglm_error *err)
{
    trainer t = {.k = aglm_kernels_best(), .net = net, .task = task, .opt = options};
    aglm_rc rc = lay_out(&t);

    t.drop_of_256 = (unsigned)(options->dropout * 256 + 0.5);
    if (t.drop_of_256 > 255)
        t.drop_of_256 = 255;
    if (!rc)
        rc = alloc_scratch(&t);
    if (rc)
        aglm_error_set(err, rc, "training on %zu documents: %s", task->n, aglm_rc_text(rc));
    else
        rc = run_epochs(&t, ctx, progress, err);
    trainer_clear(&t);
    return rc;
}
