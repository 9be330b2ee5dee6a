/* learn/embed_net.h - the trained network: a row of numbers a feature, summed over a bag, then a
 * linear layer.
 * Threads: a net is confined while it is trained and immutable after. */
#ifndef AGLM_LEARN_EMBED_NET_H
#define AGLM_LEARN_EMBED_NET_H

#include "learn/embed_bag.h"
#include "learn/learner.h"
#include "num/dense.h"

typedef struct aglm_embed_options {
    double rate;        /* learning rate of the first step; falls linearly to 0 */
    unsigned dim;       /* 1..1024 */
    unsigned epochs;    /* 1..1000 */
    double dropout;     /* share of the hidden numbers set to 0 in a step; below 1 */
    double smoothing;   /* of the target: this share is spread over all labels */
    unsigned min_count; /* >= 1; features in fewer training documents get no row */
    bool one_vs_rest;   /* logistic loss a label; softmax otherwise */
    bool supervised;    /* see aglm_embed_worth */
    bool adagrad;    /* a rate of its own for each row (Duchi et al. 2011); plain steps otherwise */
    size_t max_rows; /* the least frequent features are left out until the rest fits */
} aglm_embed_options;

typedef struct aglm_embed_net {
    uint32_t rows, labels, dim, width; /* width: dim in whole lanes */
    float *in;                         /* [rows x width] */
    float *out;                        /* [labels x width] */
    float *bias;                       /* [AGLM_LANES_UP(labels)] */
    uint32_t *row_of;                  /* [features of the matrix], AGLM_EMBED_NONE without a row */
    uint8_t *worth;                    /* [rows] see aglm_embed_worth */
} aglm_embed_net;

/* What a fit learns from. */
typedef struct aglm_embed_task {
    const aglm_matrix *matrix;
    const aglm_dataset *data;
    const uint32_t *docs;
    size_t n;
    bool multi_label;
    const aglm_cancel *cancel; /* NULL: never */
} aglm_embed_task;

/* How much a feature says by itself, in steps of no particular size, from its counts in the task's
 * documents; worth[f] of features in at least min documents is at least 1. Either the inverse
 * document frequency 1 + ln((1 + n) / (1 + df)), or, supervised, the root of it times the root of
 * how far the labels of its documents are from those of all (Kullback and Leibler 1951, with one
 * document of the common distribution added). */
aglm_rc aglm_embed_worth(uint8_t *worth, const aglm_embed_task *task, const uint32_t *df,
                         bool supervised);

/* Rows for the features of the task's documents, 0 at first; the output layer is random by
 * ctx->seed (normal, 1 / sqrt(dim)). AGLM_LIMIT when net, training state and bags would pass
 * ctx->max_memory_bytes. */
aglm_rc aglm_embed_net_new(aglm_embed_net **out, const aglm_embed_task *task,
                           const aglm_embed_options *options, const aglm_fit_context *ctx,
                           aglm_error *err);
void aglm_embed_net_free(aglm_embed_net *net);
/* Bytes of a net with that many rows, the training state with it. */
uint64_t aglm_embed_net_bytes(uint64_t rows, uint64_t labels, uint64_t dim);

/* Stochastic gradient descent (Joulin et al. 2016, with the random matrix at the output instead of
 * the input: rows of features start at 0, so that rare ones stay small). after_epoch may be NULL;
 * what it returns ends the training unless 0. */
typedef struct aglm_embed_progress {
    aglm_rc (*after_epoch)(void *arg, unsigned epoch);
    void *arg;
} aglm_embed_progress;
aglm_rc aglm_embed_train(aglm_embed_net *net, const aglm_embed_task *task,
                         const aglm_embed_options *options, const aglm_fit_context *ctx,
                         const aglm_embed_progress *progress, aglm_error *err);

#endif
