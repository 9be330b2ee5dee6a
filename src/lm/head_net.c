#include "lm/head_net.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"

#define SMALLEST_DEVIATION 1e-7 /* of a column, relative to its mean: rounding, not information */

static size_t seen_of(const aglm_head_shape *s)
{
    return AGLM_LANES_UP((size_t)(s->hidden ? s->hidden : s->inputs));
}

static void lay_out(aglm_head_net *net)
{
    const aglm_head_shape *s = &net->shape;

    net->width = AGLM_LANES_UP((size_t)s->inputs);
    net->seen = seen_of(s);
    net->at_hidden_bias = s->hidden * net->width;
    net->at_out = net->at_hidden_bias + (s->hidden ? net->seen : 0);
    net->at_out_bias = net->at_out + s->labels * net->seen;
    net->n = net->at_out_bias + AGLM_LANES_UP((size_t)s->labels);
}

size_t aglm_head_net_size(const aglm_head_shape *shape)
{
    aglm_head_net net = {.shape = *shape};

    lay_out(&net);
    return net.n;
}

aglm_rc aglm_head_net_init(aglm_head_net *net, const aglm_head_shape *shape)
{
    *net = (aglm_head_net){.shape = *shape};
    lay_out(net);
    net->w = aglm_calloc_aligned(net->n, sizeof(float));
    net->mean = aglm_calloc_aligned(net->width, sizeof(float));
    net->scale = aglm_calloc_aligned(net->width, sizeof(float));
    return net->w && net->mean && net->scale ? AGLM_OK : AGLM_NOMEM;
}

void aglm_head_net_clear(aglm_head_net *net)
{
    free(net->w);
    free(net->mean);
    free(net->scale);
    *net = (aglm_head_net){0};
}

aglm_rc aglm_head_scratch_init(aglm_head_scratch *s, const aglm_head_net *net)
{
    *s = (aglm_head_scratch){.k = aglm_kernels_best()};
    s->x = aglm_calloc_aligned(net->width, sizeof(float));
    s->hidden = aglm_calloc_aligned(net->seen, sizeof(float));
    s->back = aglm_calloc_aligned(net->seen, sizeof(float));
    s->seen = aglm_calloc_aligned(net->seen, sizeof(float));
    s->mask = aglm_calloc_aligned(net->seen, sizeof(float));
    s->logits = aglm_calloc_aligned(AGLM_LANES_UP((size_t)net->shape.labels), sizeof(float));
    return s->x && s->hidden && s->back && s->seen && s->mask && s->logits ? AGLM_OK : AGLM_NOMEM;
}

void aglm_head_scratch_clear(aglm_head_scratch *s)
{
    free(s->x);
    free(s->hidden);
    free(s->back);
    free(s->seen);
    free(s->mask);
    free(s->logits);
    *s = (aglm_head_scratch){0};
}

void aglm_head_learn_scale(aglm_head_net *net, const float *x, size_t n)
{
    for (size_t c = 0; c < net->shape.inputs; c++) {
        double sum = 0, squares = 0;
        for (size_t i = 0; i < n; i++)
            sum += (double)x[i * net->width + c];
        double mean = n ? sum / (double)n : 0;
        for (size_t i = 0; i < n; i++) {
            double d = (double)x[i * net->width + c] - mean;
            squares += d * d;
        }
        double deviation = n ? sqrt(squares / (double)n) : 0;
        bool varies = deviation > SMALLEST_DEVIATION * fabs(mean) && deviation > 0;
        net->mean[c] = (float)mean;
        net->scale[c] = varies && 1 / deviation < 1e30 ? (float)(1 / deviation) : 0;
    }
}

void aglm_head_standardise(const aglm_head_net *net, const float *x, float *out)
{
    for (size_t c = 0; c < net->shape.inputs; c++)
        out[c] = (x[c] - net->mean[c]) * net->scale[c];
}

/* tanh(z) = 2 sigmoid(2 z) - 1, by the kernel that gives the same bits everywhere. */
static void tanh_all(const aglm_kernels *k, float *z, size_t n)
{
    for (size_t i = 0; i < n; i++)
        z[i] *= 2;
    k->sigmoid(z, n);
    for (size_t i = 0; i < n; i++)
        z[i] = 2 * z[i] - 1;
}

/* What the output layer sees of a standardised x: x itself, or the hidden layer. */
static void look(const aglm_head_net *net, aglm_head_scratch *s, const float *x)
{
    size_t hidden = net->shape.hidden;

    if (!hidden) {
        memcpy(s->seen, x, net->seen * sizeof *x);
        return;
    }
    s->k->matvec(s->hidden, net->w, hidden, x, net->width);
    for (size_t j = 0; j < hidden; j++)
        s->hidden[j] += net->w[net->at_hidden_bias + j];
    tanh_all(s->k, s->hidden, hidden);
    memcpy(s->seen, s->hidden, net->seen * sizeof *x);
}

static void put_out(const aglm_head_net *net, aglm_head_scratch *s)
{
    s->k->matvec(s->logits, net->w + net->at_out, net->shape.labels, s->seen, net->seen);
    for (size_t l = 0; l < net->shape.labels; l++)
        s->logits[l] += net->w[net->at_out_bias + l];
}

void aglm_head_logits(const aglm_head_net *net, aglm_head_scratch *s, const float *x)
{
    aglm_head_standardise(net, x, s->x);
    look(net, s, s->x);
    put_out(net, s);
}

static void make_probabilities(const aglm_head_net *net, aglm_head_scratch *s)
{
    (net->shape.one_vs_rest ? s->k->sigmoid : s->k->softmax)(s->logits, net->shape.labels);
}

/* s->logits, by now minus the gradient's sign: what goes back through the layers. */
static void go_back(const aglm_head_net *net, aglm_head_scratch *s, const float *x, bool masked,
                    float *grad)
{
    const aglm_kernels *k = s->k;
    const float *out = net->w + net->at_out;

    memset(s->back, 0, net->seen * sizeof *s->back);
    for (size_t l = 0; l < net->shape.labels; l++) {
        k->axpy(grad + net->at_out + l * net->seen, s->logits[l], s->seen, net->seen);
        grad[net->at_out_bias + l] += s->logits[l];
        if (net->shape.hidden)
            k->axpy(s->back, s->logits[l], out + l * net->seen, net->seen);
    }
    for (size_t j = 0; j < net->shape.hidden; j++) {
        float d = s->back[j] * (masked ? s->mask[j] : 1) * (1 - s->hidden[j] * s->hidden[j]);
        k->axpy(grad + j * net->width, d, x, net->width);
        grad[net->at_hidden_bias + j] += d;
    }
}

void aglm_head_gradient(const aglm_head_net *net, aglm_head_scratch *s, const aglm_head_data *d,
                        const aglm_head_batch *b, float *grad)
{
    float share = b->n ? 1.0f / (float)b->n : 0;

    for (size_t i = 0; i < b->n; i++) {
        uint32_t row = b->rows[i];
        const float *x = d->x + row * net->width;
        look(net, s, x);
        if (b->draw) {
            b->draw(b->arg, s->mask, net->seen);
            for (size_t j = 0; j < net->seen; j++)
                s->seen[j] *= s->mask[j];
        }
        put_out(net, s);
        make_probabilities(net, s);
        for (size_t at = d->label_start[row]; at < d->label_start[row + 1]; at++)
            s->logits[d->label[at]] -= 1;
        for (size_t l = 0; l < net->shape.labels; l++)
            s->logits[l] *= share;
        go_back(net, s, x, b->draw != NULL, grad);
    }
}

/* log(p) of a probability that rounding may have made 0. */
static double log_of(float p)
{
    return aglm_log(p > 1e-30f ? (double)p : 1e-30);
}

double aglm_head_loss(const aglm_head_net *net, aglm_head_scratch *s, const aglm_head_data *d,
                      const aglm_head_batch *b)
{
    double sum = 0;

    for (size_t i = 0; i < b->n; i++) {
        uint32_t row = b->rows[i];
        look(net, s, d->x + row * net->width);
        put_out(net, s);
        make_probabilities(net, s);
        for (size_t l = 0; net->shape.one_vs_rest && l < net->shape.labels; l++)
            sum -= log_of(1 - s->logits[l]);
        for (size_t at = d->label_start[row]; at < d->label_start[row + 1]; at++) {
            float p = s->logits[d->label[at]];
            sum -= log_of(p) - (net->shape.one_vs_rest ? log_of(1 - p) : 0);
        }
    }
    return b->n ? sum / (double)b->n : 0;
}
