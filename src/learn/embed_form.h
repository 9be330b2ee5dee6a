/* learn/embed_form.h - the saved form of an embedding bag, which is also what predicts: one block
 * of bytes.
 * Threads: a form is immutable; pure functions.
 *
 * Little-endian; a 64-byte head, then sections that each begin at a multiple of 64 bytes: bias,
 * output layer (unless folded), buckets, keys, records. A feature's row is found by the top bits of
 * its hash (bucket) and the low 32 (key). Where there are no more labels than dimensions the output
 * layer is folded into the rows: a row then holds the feature's part of each logit. A record is
 * worth, exponent and values: bytes, times two to the exponent. */
#ifndef AGLM_LEARN_EMBED_FORM_H
#define AGLM_LEARN_EMBED_FORM_H

#include "learn/embed_net.h"

typedef struct aglm_embed_form {
    uint32_t labels, dim, rows;
    uint32_t columns; /* of a row of values */
    uint32_t bucket_bits;
    bool multi_label, folded;
    aglm_feature_options options;

    const float *bias;      /* [labels] */
    const float *out;       /* [labels x AGLM_LANES_UP(dim)]; NULL when folded */
    const uint32_t *bucket; /* [2^bucket_bits + 1] first row */
    const uint32_t *key;    /* [rows] low 32 bits of the hash */
    const int8_t *record;   /* [rows x stride] */
    size_t stride;          /* 2 + columns */
} aglm_embed_form;

/* The most rows so that the saved form stays under about that many bytes. */
size_t aglm_embed_form_max_rows(uint64_t bytes, uint32_t labels, uint32_t dim);

/* What a form is made of. */
typedef struct aglm_embed_source {
    const aglm_embed_net *net;
    const aglm_matrix *matrix; /* whose features the net's rows are for */
    const aglm_feature_options *options;
    bool multi_label;
} aglm_embed_source;

/* Writes the form of a trained net into a new block (*bytes, free() it; 64-byte aligned). */
aglm_rc aglm_embed_form_write(void **bytes, size_t *n, const aglm_embed_source *source,
                              aglm_error *err);
/* Checks the block (64-byte aligned) and points into it. AGLM_FORMAT with the byte at fault. */
aglm_rc aglm_embed_form_read(aglm_embed_form *out, const void *bytes, size_t n, aglm_error *err);

/* Rows of n hashes, AGLM_EMBED_NONE where the form has no such feature. */
void aglm_embed_form_find(const aglm_embed_form *f, const uint64_t *hash, size_t n, uint32_t *row);
static inline uint8_t aglm_embed_form_worth(const aglm_embed_form *f, uint32_t row)
{
    return (uint8_t)f->record[row * f->stride];
}

/* Logits [labels] of a weighed bag, whose weights are scaled on the way; hidden: scratch
 * [AGLM_LANES_UP(columns)], aligned. */
void aglm_embed_form_logits(const aglm_embed_form *f, aglm_embed_bag *bag, float *hidden,
                            float *logits);
/* The part of one label's logit that a row of weight 1 gives, against the mean over labels unless
 * multi-label. */
float aglm_embed_form_part(const aglm_embed_form *f, uint32_t row, uint32_t label);

#endif
