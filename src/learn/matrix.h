/* learn/matrix.h - documents as rows of compact feature numbers with counts: the features of a
 * dataset, found once.
 * Threads: immutable once built; may be shared. */
#ifndef AGLM_LEARN_MATRIX_H
#define AGLM_LEARN_MATRIX_H

#include "base/clock.h"
#include "data/dataset.h"
#include "data/features.h"

/* Features are numbered in the order of their first appearance; entries of a row stand in the order
 * of their first appearance in the text, group by group, each once. */
typedef struct aglm_matrix {
    size_t n_rows;
    size_t n_features;
    uint64_t *hash;      /* of a feature, by its number */
    uint8_t *group_of;   /* aglm_feature_group of a feature */
    uint32_t *by_hash;   /* feature numbers by ascending hash */
    uint32_t *group_end; /* group g of row i is [row_begin(i, g), group_end[i * GROUPS + g]) of the
                            entries */
    uint32_t *feature;   /* entries */
    uint16_t *count;     /* saturates */
    size_t n_entries;
} aglm_matrix;

typedef struct aglm_matrix_limits {
    const aglm_cancel *cancel;
    uint64_t max_memory_bytes; /* 0: none */
} aglm_matrix_limits;

/* AGLM_LIMIT when the memory allowed or 2^32 - 1 entries do not do; AGLM_CANCELLED. */
aglm_rc aglm_matrix_new(aglm_matrix **out, const aglm_dataset *d,
                        const aglm_feature_options *options, const aglm_matrix_limits *limits,
                        aglm_error *err);
void aglm_matrix_free(aglm_matrix *m);

static inline uint32_t aglm_matrix_begin(const aglm_matrix *m, size_t row, size_t group)
{
    size_t at = row * AGLM_FEATURES_GROUPS + group;

    return at ? m->group_end[at - 1] : 0;
}

static inline uint32_t aglm_matrix_end(const aglm_matrix *m, size_t row, size_t group)
{
    return m->group_end[row * AGLM_FEATURES_GROUPS + group];
}

#endif
