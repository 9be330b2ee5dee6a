/* learn/embed_bag.h - one document as a bag of weighed rows of some table.
 * Threads: a bag is confined. */
#ifndef AGLM_LEARN_EMBED_BAG_H
#define AGLM_LEARN_EMBED_BAG_H

#include "learn/matrix.h"

#define AGLM_EMBED_NONE UINT32_MAX

/* Entries of a group stand together. */
typedef struct aglm_embed_bag {
    size_t n, cap;
    uint32_t *row; /* [n] */
    float *weight; /* [n] */
    uint8_t *count, *worth, *group;
    float log_count[256]; /* 1 + ln count, once reserved */
} aglm_embed_bag;

/* Room for n entries; AGLM_NOMEM. */
aglm_rc aglm_embed_bag_reserve(aglm_embed_bag *bag, size_t n);
void aglm_embed_bag_clear(aglm_embed_bag *bag);

/* Fills weight: (1 + ln count) * worth, divided by the Euclidean norm over its group, times the
 * group's share. With the inverse document frequency as worth that is TF-IDF (Salton and Buckley
 * 1988). The same bits on every machine. */
void aglm_embed_bag_weigh(aglm_embed_bag *bag);

/* What the features of a matrix are in a table: row_of[feature] (AGLM_EMBED_NONE: left out), and a
 * row's worth at worth[row * worth_stride]. */
typedef struct aglm_embed_rows {
    const aglm_matrix *matrix;
    const uint32_t *row_of;
    const uint8_t *worth;
    size_t worth_stride;
} aglm_embed_rows;

/* The document as rows and weights; AGLM_NOMEM. */
aglm_rc aglm_embed_bag_fill(aglm_embed_bag *bag, const aglm_embed_rows *rows, size_t doc);

#endif
