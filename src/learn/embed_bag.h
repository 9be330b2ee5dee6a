/* learn/embed_bag.h - the documents of a dataset as bags of numbered features, and how a bag is
 * weighed.
 * Threads: bags are immutable once built; the rest are pure functions. */
#ifndef AGLM_LEARN_EMBED_BAG_H
#define AGLM_LEARN_EMBED_BAG_H

#include "data/features.h"
#include "learn/learner.h"

#define AGLM_EMBED_MAX_FEATURES ((size_t)1 << 28)

typedef struct aglm_embed_bags {
    size_t docs;
    size_t *start;     /* [docs + 1] into feature and count */
    uint32_t *feature; /* the distinct ones of a document in order of first occurrence */
    uint8_t *count;    /* how often it stands there, 255 at most */
    size_t features;   /* distinct ones in all documents */
    uint64_t *hash;    /* [features] */
    uint8_t *group;    /* [features] aglm_feature_group */
} aglm_embed_bags;

/* Extracts every document. AGLM_LIMIT when the bags would pass ctx->max_memory_bytes,
 * AGLM_CANCELLED. */
aglm_rc aglm_embed_bags_new(aglm_embed_bags **out, const aglm_dataset *data,
                            const aglm_feature_options *options, const aglm_fit_context *ctx,
                            aglm_error *err);
void aglm_embed_bags_free(aglm_embed_bags *b);
uint64_t aglm_embed_bags_bytes(const aglm_embed_bags *b);

/* Inverse document frequency 1 + ln((1 + docs) / (1 + df)) in sixteenths, at most 255. */
uint8_t aglm_embed_idf(size_t docs, size_t df);

/* One bag being weighed; entries of a group stand together. */
typedef struct aglm_embed_bag {
    size_t n, cap;
    uint32_t *row; /* [n] in some table */
    float *weight; /* [n] */
    uint8_t *count, *idf, *group;
    float log_count[256]; /* 1 + ln count, once reserved */
} aglm_embed_bag;

/* Room for n entries; AGLM_NOMEM. */
aglm_rc aglm_embed_bag_reserve(aglm_embed_bag *bag, size_t n);
void aglm_embed_bag_clear(aglm_embed_bag *bag);

/* Fills weight from count, idf and group: (1 + ln count) * idf, divided by the Euclidean norm over
 * its group, times the group's share. TF-IDF as Salton and Buckley 1988; the same bits on every
 * machine. */
void aglm_embed_bag_weigh(aglm_embed_bag *bag);

/* Document doc, reserved for, as rows and weights: features f with row_of[f] == AGLM_EMBED_NONE are
 * left out. */
#define AGLM_EMBED_NONE UINT32_MAX
void aglm_embed_bag_fill(aglm_embed_bag *bag, const aglm_embed_bags *bags, size_t doc,
                         const uint32_t *row_of, const uint8_t *idf, size_t idf_stride);

#endif
