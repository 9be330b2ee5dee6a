#include "learn/embed_bag.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "num/dense.h"

/* Characters say less than words a feature; this held on all English sets tried. */
static const float group_share[AGLM_FEATURES_GROUPS] = {
    [AGLM_FEATURES_WORD] = 1.0f,   [AGLM_FEATURES_CHAR] = 0.7f,  [AGLM_FEATURES_CJK] = 1.0f,
    [AGLM_FEATURES_PREFIX] = 0.4f, [AGLM_FEATURES_SHAPE] = 0.3f,
};

aglm_rc aglm_embed_bag_reserve(aglm_embed_bag *bag, size_t n)
{
    if (n <= bag->cap && bag->row)
        return AGLM_OK;
    n += n / 2;
    aglm_embed_bag_clear(bag);
    bag->row = aglm_calloc(n, sizeof *bag->row);
    bag->weight = aglm_calloc(n, sizeof *bag->weight);
    bag->count = aglm_calloc(n, 1);
    bag->worth = aglm_calloc(n, 1);
    bag->group = aglm_calloc(n, 1);
    bag->cap = n;
    for (int c = 1; c < 256; c++)
        bag->log_count[c] = (float)(1 + aglm_log(c));
    if (bag->row && bag->weight && bag->count && bag->worth && bag->group)
        return AGLM_OK;
    aglm_embed_bag_clear(bag);
    return AGLM_NOMEM;
}

void aglm_embed_bag_clear(aglm_embed_bag *bag)
{
    free(bag->row);
    free(bag->weight);
    free(bag->count);
    free(bag->worth);
    free(bag->group);
    memset(bag, 0, sizeof *bag);
}

void aglm_embed_bag_weigh(aglm_embed_bag *bag)
{
    size_t i = 0;

    while (i < bag->n) {
        uint8_t group = bag->group[i];
        size_t begin = i;
        float squares = 0;
        for (; i < bag->n && bag->group[i] == group; i++) {
            float w = (float)bag->worth[i] * bag->log_count[bag->count[i]];
            bag->weight[i] = w;
            squares += w * w;
        }
        float scale = group_share[group] / sqrtf(squares);
        for (size_t k = begin; k < i; k++)
            bag->weight[k] *= scale;
    }
}

aglm_rc aglm_embed_bag_fill(aglm_embed_bag *bag, const aglm_embed_rows *rows, size_t doc)
{
    const aglm_matrix *m = rows->matrix;
    uint32_t begin = aglm_matrix_begin(m, doc, 0), end = aglm_matrix_begin(m, doc + 1, 0);

    if (aglm_embed_bag_reserve(bag, end - begin))
        return AGLM_NOMEM;
    bag->n = 0;
    for (uint32_t k = begin; k < end; k++) {
        uint32_t feature = m->feature[k];
        uint32_t row = rows->row_of[feature];
        if (row == AGLM_EMBED_NONE)
            continue;
        bag->count[bag->n] = (uint8_t)(m->count[k] < 255 ? m->count[k] : 255);
        bag->worth[bag->n] = rows->worth[row * rows->worth_stride];
        bag->group[bag->n] = m->group_of[feature];
        bag->row[bag->n++] = row;
    }
    aglm_embed_bag_weigh(bag);
    return AGLM_OK;
}
