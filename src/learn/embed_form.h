/* learn/embed_form.h - the saved form of an embedding bag, which is also what predicts: one block
 * of bytes. Threads: a form is immutable; pure functions.
 *
 * Little-endian; a 64-byte head, then sections that each begin at a multiple of 64 bytes: bias,
 * output layer (unless folded), buckets, keys, idf, exponents, values. A feature's row is found by
 * the top bits of its hash (bucket) and the low 32 (key). Where there are no more labels than
 * dimensions the output layer is folded into the rows: a row then holds the feature's part of each
 * logit. Values are 8-bit, times two to the row's exponent. */
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
    const uint8_t *idf;     /* [rows] */
    const int8_t *exponent; /* [rows] */
    const int8_t *value;    /* [rows x columns] */
} aglm_embed_form;

/* The most rows so that the saved form stays under about that many bytes. */
size_t aglm_embed_form_max_rows(uint64_t bytes, uint32_t labels, uint32_t dim);

/* Writes the form of a trained net into a new block (*bytes, free() it; 64-byte aligned). */
aglm_rc aglm_embed_form_write(void **bytes, size_t *n, const aglm_embed_net *net,
                              const aglm_embed_bags *bags, const aglm_feature_options *options,
                              bool multi_label, aglm_error *err);
/* Checks the block (64-byte aligned) and points into it. AGLM_FORMAT with the byte at fault. */
aglm_rc aglm_embed_form_read(aglm_embed_form *out, const void *bytes, size_t n, aglm_error *err);

/* AGLM_EMBED_NONE when the form has no such feature. */
uint32_t aglm_embed_form_find(const aglm_embed_form *f, uint64_t hash);
/* Logits [labels] of a weighed bag; hidden: scratch [AGLM_LANES_UP(max(columns, 1))], aligned. */
void aglm_embed_form_logits(const aglm_embed_form *f, const aglm_embed_bag *bag, float *hidden,
                            float *logits);
/* The part of one label's logit that a row of weight 1 gives, against the mean over labels unless
 * multi-label. */
float aglm_embed_form_part(const aglm_embed_form *f, uint32_t row, uint32_t label);

#endif
