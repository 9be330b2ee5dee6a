#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "base/rng.h"
#include "lm/head_net.h"

enum { INIT_STREAM = 0x68656431, ORDER_STREAM = 0x68656432, DROPOUT_STREAM = 0x68656433 };

#define BETA_1 0.9
#define BETA_2 0.999
#define EPSILON 1e-8f

typedef struct trainer {
    aglm_head_net *net;
    const aglm_head_data *data;
    const aglm_head_options *o;
    aglm_head_scratch scratch;
    float *grad, *first, *second; /* [net->n] gradient, and the means of it and of its square */
    uint32_t *order;              /* [n] */
    aglm_rng dropout;
    unsigned drop_of_256;
    double power_1, power_2; /* of the betas, by the steps done */
    size_t step, steps;
} trainer;

static aglm_rc trainer_init(trainer *t)
{
    size_t batches = (t->data->n + t->o->batch - 1) / t->o->batch;

    t->grad = aglm_calloc_aligned(t->net->n, sizeof(float));
    t->first = aglm_calloc_aligned(t->net->n, sizeof(float));
    t->second = aglm_calloc_aligned(t->net->n, sizeof(float));
    t->order = aglm_calloc(t->data->n, sizeof *t->order);
    aglm_rc rc = aglm_head_scratch_init(&t->scratch, t->net);
    if (rc != AGLM_OK || !t->grad || !t->first || !t->second || !t->order)
        return AGLM_NOMEM;
    aglm_rng_init_stream(&t->dropout, t->o->seed, DROPOUT_STREAM);
    t->drop_of_256 = (unsigned)(256 * t->o->dropout + 0.5);
    t->power_1 = t->power_2 = 1;
    t->steps = batches * t->o->epochs;
    return AGLM_OK;
}

static void trainer_clear(trainer *t)
{
    aglm_head_scratch_clear(&t->scratch);
    free(t->grad);
    free(t->first);
    free(t->second);
    free(t->order);
}

static void draw_layer(aglm_rng *r, float *m, size_t rows, size_t columns, size_t width)
{
    double bound = sqrt(6.0 / (double)(rows + columns));

    for (size_t i = 0; i < rows; i++)
        for (size_t c = 0; c < columns; c++)
            m[i * width + c] = (float)((2 * aglm_rng_uniform(r) - 1) * bound);
}

/* Two layers start as Glorot and Bengio (2010) draw them; a single one at zero, where its convex
 * loss may start anywhere. */
static void draw_weights(aglm_head_net *net, uint64_t seed)
{
    const aglm_head_shape *s = &net->shape;
    aglm_rng r;

    memset(net->w, 0, net->n * sizeof *net->w);
    if (!s->hidden)
        return;
    aglm_rng_init_stream(&r, seed, INIT_STREAM);
    draw_layer(&r, net->w, s->hidden, s->inputs, net->width);
    draw_layer(&r, net->w + net->at_out, s->labels, s->hidden, net->seen);
}

/* One random byte a number decides: dropout in steps of 1/256. */
static void draw_mask(void *arg, float *mask, size_t n)
{
    trainer *t = arg;
    float kept = 256.0f / (float)(256 - t->drop_of_256);
    uint64_t bytes = 0;

    for (size_t i = 0; i < n; i++) {
        if (i % 8 == 0)
            bytes = aglm_rng_next(&t->dropout);
        mask[i] = (bytes & 255) < t->drop_of_256 ? 0 : kept;
        bytes >>= 8;
    }
}

/* What a step is made of. */
typedef struct pace {
    float lr, decay;
    float to_1, to_2; /* the means' bias undone */
} pace;

/* AGLM_LANES numbers: so many at a time that the compiler takes them side by side. */
static void move_lanes(const pace *p, const float *restrict g, float *restrict m, float *restrict v,
                       float *restrict w)
{
    for (size_t i = 0; i < AGLM_LANES; i++) {
        m[i] = (float)BETA_1 * m[i] + (float)(1 - BETA_1) * g[i];
        v[i] = (float)BETA_2 * v[i] + (float)(1 - BETA_2) * (g[i] * g[i]);
        w[i] -= p->lr * (m[i] * p->to_1) / (sqrtf(v[i] * p->to_2) + EPSILON) + p->decay * w[i];
    }
}

/* The step of numbers begin to end - 1, both at whole lanes. */
static void move(trainer *t, size_t begin, size_t end, bool decays)
{
    double rate = t->o->lr * (double)(t->steps - t->step) / (double)t->steps;
    const pace p = {.lr = (float)rate,
                    .decay = decays ? (float)(rate * t->o->weight_decay) : 0,
                    .to_1 = (float)(1 / (1 - t->power_1)),
                    .to_2 = (float)(1 / (1 - t->power_2))};

    for (size_t i = begin; i < end; i += AGLM_LANES)
        move_lanes(&p, t->grad + i, t->first + i, t->second + i, t->net->w + i);
}

static void move_all(trainer *t)
{
    const aglm_head_net *net = t->net;

    t->power_1 *= BETA_1;
    t->power_2 *= BETA_2;
    move(t, 0, net->at_hidden_bias, true);
    move(t, net->at_hidden_bias, net->at_out, false);
    move(t, net->at_out, net->at_out_bias, true);
    move(t, net->at_out_bias, net->n, false);
    t->step++;
}

static aglm_rc run_epoch(trainer *t)
{
    for (size_t at = 0; at < t->data->n; at += t->o->batch) {
        size_t left = t->data->n - at;
        aglm_head_batch b = {.rows = t->order + at,
                             .n = left < t->o->batch ? left : t->o->batch,
                             .draw = t->drop_of_256 ? draw_mask : NULL,
                             .arg = t};
        if (aglm_cancelled(t->o->cancel))
            return AGLM_CANCELLED;
        memset(t->grad, 0, t->net->n * sizeof *t->grad);
        aglm_head_gradient(t->net, &t->scratch, t->data, &b, t->grad);
        move_all(t);
    }
    return AGLM_OK;
}

aglm_rc aglm_head_train(aglm_head_net *net, const aglm_head_data *d, const aglm_head_options *o)
{
    trainer t = {.net = net, .data = d, .o = o};
    aglm_rng order;
    aglm_rc rc = trainer_init(&t);

    draw_weights(net, o->seed);
    aglm_rng_init_stream(&order, o->seed, ORDER_STREAM);
    for (size_t i = 0; rc == AGLM_OK && i < d->n; i++)
        t.order[i] = (uint32_t)i;
    for (unsigned e = 1; rc == AGLM_OK && e <= o->epochs; e++) {
        aglm_rng_shuffle(&order, t.order, d->n);
        rc = run_epoch(&t);
        if (rc == AGLM_OK && o->on_epoch)
            rc = o->on_epoch(o->arg, e);
    }
    trainer_clear(&t);
    return rc;
}
