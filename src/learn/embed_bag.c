#include "learn/embed_bag.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "num/dense.h"

/* Characters say less than words a feature; this held on all English sets tried. */
static const float group_share[AGLM_FEATURES_GROUPS] = {
    [AGLM_FEATURES_WORD] = 1.0f,   [AGLM_FEATURES_CHAR] = 0.7f,  [AGLM_FEATURES_CJK] = 1.0f,
    [AGLM_FEATURES_PREFIX] = 0.5f, [AGLM_FEATURES_SHAPE] = 0.5f,
};

/* Growing state while documents are read. */
typedef struct builder {
    aglm_embed_bags *bags;
    uint64_t max_bytes;
    size_t entries, cap_feature, cap_count;
    size_t cap_hash, cap_group, cap_place;
    uint32_t *place; /* of a feature in the present document, 1-based; 0 elsewhere */
    uint32_t *slot;  /* open addressing: feature + 1, 0 free */
    size_t slots;
} builder;

static aglm_rc grow_slots(builder *b)
{
    size_t slots = b->slots ? b->slots * 2 : 4096;
    uint32_t *slot = aglm_calloc(slots, sizeof *slot);

    if (!slot)
        return AGLM_NOMEM;
    for (size_t f = 0; f < b->bags->features; f++) {
        size_t at = b->bags->hash[f] & (slots - 1);
        while (slot[at])
            at = (at + 1) & (slots - 1);
        slot[at] = (uint32_t)f + 1;
    }
    free(b->slot);
    b->slot = slot;
    b->slots = slots;
    return AGLM_OK;
}

static aglm_rc add_feature(builder *b, uint64_t hash, uint8_t group)
{
    aglm_embed_bags *bags = b->bags;
    size_t need = bags->features + 1;
    aglm_rc rc;

    if ((rc = aglm_grow(&bags->hash, &b->cap_hash, need, sizeof *bags->hash,
                        AGLM_EMBED_MAX_FEATURES)) ||
        (rc = aglm_grow(&bags->group, &b->cap_group, need, sizeof *bags->group,
                        AGLM_EMBED_MAX_FEATURES)) ||
        (rc = aglm_grow(&b->place, &b->cap_place, need, sizeof *b->place, AGLM_EMBED_MAX_FEATURES)))
        return rc;
    bags->hash[bags->features] = hash;
    bags->group[bags->features] = group;
    b->place[bags->features++] = 0;
    return AGLM_OK;
}

/* The feature's number, a new one where it was not seen. */
static aglm_rc find_or_add(builder *b, uint64_t hash, uint8_t group, uint32_t *feature)
{
    if (b->bags->features * 3 >= b->slots * 2) {
        aglm_rc rc = grow_slots(b);
        if (rc)
            return rc;
    }
    size_t at = hash & (b->slots - 1);
    while (b->slot[at]) {
        *feature = b->slot[at] - 1;
        if (b->bags->hash[*feature] == hash)
            return AGLM_OK;
        at = (at + 1) & (b->slots - 1);
    }
    aglm_rc rc = add_feature(b, hash, group);
    if (rc)
        return rc;
    *feature = (uint32_t)b->bags->features - 1;
    b->slot[at] = *feature + 1;
    return AGLM_OK;
}

static aglm_rc add_entry(builder *b, size_t doc_start, uint64_t hash, uint8_t group)
{
    aglm_embed_bags *bags = b->bags;
    uint32_t f;
    aglm_rc rc = find_or_add(b, hash, group, &f);

    if (rc)
        return rc;
    if (b->place[f]) {
        uint8_t *count = &bags->count[doc_start + b->place[f] - 1];
        *count = (uint8_t)(*count + (*count < 255));
        return AGLM_OK;
    }
    if ((rc = aglm_grow(&bags->feature, &b->cap_feature, b->entries + 1, sizeof *bags->feature,
                        SIZE_MAX / 16)) ||
        (rc = aglm_grow(&bags->count, &b->cap_count, b->entries + 1, sizeof *bags->count,
                        SIZE_MAX / 16)))
        return rc;
    bags->feature[b->entries] = f;
    bags->count[b->entries++] = 1;
    b->place[f] = (uint32_t)(b->entries - doc_start);
    return AGLM_OK;
}

static uint64_t bytes_now(const builder *b)
{
    return b->cap_feature * sizeof(uint32_t) + b->cap_count + b->cap_hash * sizeof(uint64_t) +
           b->cap_group + (b->cap_place + b->slots) * sizeof(uint32_t);
}

static aglm_rc add_doc(builder *b, size_t i, const aglm_feature_list *list, aglm_error *err)
{
    size_t start = b->entries;
    size_t at = 0;

    for (uint8_t g = 0; g < AGLM_FEATURES_GROUPS; g++)
        for (; at < list->group_end[g]; at++) {
            aglm_rc rc = add_entry(b, start, list->hash[at], g);
            if (rc)
                return aglm_error_set(err, rc, "document %zu: no room for its features", i + 1);
        }
    for (size_t k = start; k < b->entries; k++)
        b->place[b->bags->feature[k]] = 0;
    b->bags->start[i + 1] = b->entries;
    if (b->max_bytes && bytes_now(b) > b->max_bytes)
        return aglm_error_set(err, AGLM_LIMIT,
                              "features of %zu documents need more than %llu bytes of memory",
                              i + 1, (unsigned long long)b->max_bytes);
    return AGLM_OK;
}

static aglm_rc add_docs(builder *b, const aglm_dataset *data, aglm_extractor *x,
                        const aglm_cancel *cancel, aglm_error *err)
{
    for (size_t i = 0; i < b->bags->docs; i++) {
        aglm_doc doc = aglm_dataset_doc(data, i);
        aglm_feature_list list;
        if (aglm_cancelled(cancel))
            return aglm_error_set(err, AGLM_CANCELLED, "stopped while features were read");
        aglm_rc rc = aglm_extractor_run(x, doc.text, doc.len, &list, err);
        if (!rc)
            rc = add_doc(b, i, &list, err);
        if (rc)
            return rc;
    }
    return AGLM_OK;
}

aglm_rc aglm_embed_bags_new(aglm_embed_bags **out, const aglm_dataset *data,
                            const aglm_feature_options *options, const aglm_fit_context *ctx,
                            aglm_error *err)
{
    builder b = {.max_bytes = ctx->max_memory_bytes, .bags = aglm_calloc(1, sizeof *b.bags)};
    aglm_extractor *x = NULL;
    aglm_rc rc;

    if (!b.bags)
        return aglm_error_set(err, AGLM_NOMEM, "features: out of memory");
    b.bags->docs = aglm_dataset_size(data);
    b.bags->start = aglm_calloc(b.bags->docs + 1, sizeof *b.bags->start);
    if (!b.bags->start) {
        rc = aglm_error_set(err, AGLM_NOMEM, "features of %zu documents: out of memory",
                            b.bags->docs);
        goto done;
    }
    rc = aglm_extractor_new(&x, options, false, err);
    if (!rc)
        rc = add_docs(&b, data, x, ctx->cancel, err);
done:
    aglm_extractor_free(x);
    free(b.place);
    free(b.slot);
    if (rc)
        aglm_embed_bags_free(b.bags);
    else
        *out = b.bags;
    return rc;
}

void aglm_embed_bags_free(aglm_embed_bags *b)
{
    if (!b)
        return;
    free(b->start);
    free(b->feature);
    free(b->count);
    free(b->hash);
    free(b->group);
    free(b);
}

uint64_t aglm_embed_bags_bytes(const aglm_embed_bags *b)
{
    return (b->docs + 1) * sizeof *b->start + b->start[b->docs] * (sizeof *b->feature + 1) +
           b->features * (sizeof *b->hash + 1);
}

uint8_t aglm_embed_idf(size_t docs, size_t df)
{
    double idf = 1 + aglm_log((double)(1 + docs) / (double)(1 + df));
    double sixteenths = floor(idf * 16 + 0.5);

    return sixteenths < 1 ? 1 : sixteenths > 255 ? 255 : (uint8_t)sixteenths;
}

aglm_rc aglm_embed_bag_reserve(aglm_embed_bag *bag, size_t n)
{
    if (n <= bag->cap && bag->row)
        return AGLM_OK;
    n += n / 2;
    aglm_embed_bag_clear(bag);
    bag->row = aglm_calloc(n, sizeof *bag->row);
    bag->weight = aglm_calloc(n, sizeof *bag->weight);
    bag->count = aglm_calloc(n, 1);
    bag->idf = aglm_calloc(n, 1);
    bag->group = aglm_calloc(n, 1);
    bag->cap = n;
    for (int c = 1; c < 256; c++)
        bag->log_count[c] = (float)(1 + aglm_log(c));
    if (bag->row && bag->weight && bag->count && bag->idf && bag->group)
        return AGLM_OK;
    aglm_embed_bag_clear(bag);
    return AGLM_NOMEM;
}

void aglm_embed_bag_clear(aglm_embed_bag *bag)
{
    free(bag->row);
    free(bag->weight);
    free(bag->count);
    free(bag->idf);
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
            float w = (float)bag->idf[i] * bag->log_count[bag->count[i]];
            bag->weight[i] = w;
            squares += w * w;
        }
        float scale = group_share[group] / sqrtf(squares);
        for (size_t k = begin; k < i; k++)
            bag->weight[k] *= scale;
    }
}

void aglm_embed_bag_fill(aglm_embed_bag *bag, const aglm_embed_bags *bags, size_t doc,
                         const uint32_t *row_of, const uint8_t *idf, size_t idf_stride)
{
    bag->n = 0;
    for (size_t k = bags->start[doc]; k < bags->start[doc + 1]; k++) {
        uint32_t feature = bags->feature[k];
        uint32_t row = row_of[feature];
        if (row == AGLM_EMBED_NONE)
            continue;
        bag->count[bag->n] = bags->count[k];
        bag->idf[bag->n] = idf[row * idf_stride];
        bag->group[bag->n] = bags->group[feature];
        bag->row[bag->n++] = row;
    }
    aglm_embed_bag_weigh(bag);
}
