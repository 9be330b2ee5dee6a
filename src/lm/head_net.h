/* lm/head_net.h - the trained head over a frozen model's hidden states: a logistic layer, or one
 * hidden layer of tanh before it, and its gradient.
 * Threads: a net is confined while trained, then immutable; scratch is confined. */
#ifndef AGLM_LM_HEAD_NET_H
#define AGLM_LM_HEAD_NET_H

#include <stdbool.h>

#include "autoglm/error.h"
#include "base/clock.h"
#include "num/dense.h"

#define AGLM_HEAD_MAX_INPUTS ((uint32_t)1 << 16)
#define AGLM_HEAD_MAX_HIDDEN 1024
#define AGLM_HEAD_MAX_LABELS ((uint32_t)1 << 16)

typedef struct aglm_head_shape {
    uint32_t inputs, hidden, labels; /* hidden 0: logistic */
    bool one_vs_rest;                /* sigmoid a label, not softmax over all */
} aglm_head_shape;

/* All weights are one array, zero where rows are padded to whole lanes: hidden layer [hidden x
 * width], its bias, output layer [labels x seen], its bias. */
typedef struct aglm_head_net {
    aglm_head_shape shape;
    size_t width; /* of an input: AGLM_LANES_UP(inputs) */
    size_t seen;  /* by the output layer: AGLM_LANES_UP(hidden), or width */
    size_t at_hidden_bias, at_out, at_out_bias, n;
    float *w;            /* [n] */
    float *mean, *scale; /* [width] an input is (x - mean) * scale; scale 0: never varied */
} aglm_head_net;

/* Zero weights; AGLM_NOMEM. Clear in any case. */
aglm_rc aglm_head_net_init(aglm_head_net *net, const aglm_head_shape *shape);
void aglm_head_net_clear(aglm_head_net *net);
/* Floats of w for a shape. */
size_t aglm_head_net_size(const aglm_head_shape *shape);

/* Buffers of one pass. */
typedef struct aglm_head_scratch {
    const aglm_kernels *k;
    float *x;             /* [width] standardised */
    float *hidden, *back; /* [seen] */
    float *seen, *mask;   /* [seen] */
    float *logits;        /* [AGLM_LANES_UP(labels)] */
} aglm_head_scratch;

aglm_rc aglm_head_scratch_init(aglm_head_scratch *s, const aglm_head_net *net);
void aglm_head_scratch_clear(aglm_head_scratch *s);

/* Learns mean and scale from x [n x width]; a column that never varies gets scale 0. */
void aglm_head_learn_scale(aglm_head_net *net, const float *x, size_t n);
void aglm_head_standardise(const aglm_head_net *net, const float *x, float *out);
/* s->logits of a raw x [inputs]. */
void aglm_head_logits(const aglm_head_net *net, aglm_head_scratch *s, const float *x);

/* What is learned from: standardised rows and their labels. */
typedef struct aglm_head_data {
    const float *x;        /* [n x width], aligned */
    const uint32_t *label; /* of row i: label_start[i] .. label_start[i + 1] - 1 */
    const size_t *label_start;
    size_t n;
} aglm_head_data;

/* Rows of one step. */
typedef struct aglm_head_batch {
    const uint32_t *rows; /* [n] */
    size_t n;
    /* Draws what dropout does to the next row: 0, or 1 / (1 - dropout). NULL: no dropout. */
    void (*draw)(void *arg, float *mask, size_t n);
    void *arg;
} aglm_head_batch;

/* Adds to grad [net->n] the gradient of the rows' mean loss: cross-entropy, or the sum over labels
 * of binary ones. */
void aglm_head_gradient(const aglm_head_net *net, aglm_head_scratch *s, const aglm_head_data *d,
                        const aglm_head_batch *b, float *grad);
/* That mean loss in nats, without dropout. */
double aglm_head_loss(const aglm_head_net *net, aglm_head_scratch *s, const aglm_head_data *d,
                      const aglm_head_batch *b);

typedef struct aglm_head_options {
    double lr, weight_decay, dropout;
    unsigned batch, epochs;
    uint64_t seed;
    const aglm_cancel *cancel;
    aglm_rc (*on_epoch)(void *arg, unsigned epoch); /* from 1; NULL: not called */
    void *arg;
} aglm_head_options;

/* AdamW (Loshchilov and Hutter 2019, algorithm 2: decay apart from the gradient; beta 0.9 and
 * 0.999) with a rate that falls to zero in a straight line; biases do not decay. The same bits for
 * the same seed everywhere. AGLM_NOMEM, AGLM_CANCELLED, or what on_epoch said. */
aglm_rc aglm_head_train(aglm_head_net *net, const aglm_head_data *d, const aglm_head_options *o);

#endif
