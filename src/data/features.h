/* data/features.h - text to hashed features: words, word n-grams, character n-grams inside words,
 * CJK n-grams.
 * Threads: an extractor is confined (it holds scratch memory); options are immutable. */
#ifndef AGLM_DATA_FEATURES_H
#define AGLM_DATA_FEATURES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "autoglm/error.h"

/* Part of the bundle format: the same text and options give the same hashes for ever (version in
 * the model file). */
typedef struct aglm_feature_options {
    uint8_t word_n;   /* word n-grams up to this order; 0 off; at most 5 */
    uint8_t char_min; /* character n-grams of orders char_min..char_max, inside words with one blank
                         at each end ... */
    uint8_t char_max; /* 0 off; at most 8 */
    uint8_t cjk_n; /* code-point n-grams, orders 1..cjk_n, over the whole of a text with any CJK in
                      it; at most 5. 0: CJK code points are words of their own. Where word_n and
                      char_max are 0: of every text */
    uint8_t prefix_n; /* the first 1..prefix_n words (CJK: code points) of a text, each a feature;
                         at most 5 */
    uint8_t suffix_n; /* the last 1..suffix_n of them; at most 5 */
    bool char_across; /* ... or over the whole text, across words and marks */
    bool lower;       /* simple case folding */
    bool punct; /* punctuation marks are words of their own; off: they only separate. Emoji are
                   always words */
    bool edges; /* marks at the start and end of the text take part in word and CJK n-grams */
    bool shape; /* binned counts of runs of letters (marks count, too), characters, digits, ASCII
                   capitals and exclamation marks */
} aglm_feature_options;

typedef enum aglm_feature_group {
    AGLM_FEATURES_WORD, /* words and word n-grams */
    AGLM_FEATURES_CHAR, /* character n-grams */
    AGLM_FEATURES_CJK,
    AGLM_FEATURES_PREFIX, /* and suffixes */
    AGLM_FEATURES_SHAPE,
    AGLM_FEATURES_GROUPS
} aglm_feature_group;

/* The features of one text in order of groups; a feature stands once for each time it occurs.
 * Borrowed from the extractor until its next call. */
typedef struct aglm_feature_list {
    const uint64_t *hash; /* well mixed 64-bit: take the bits you need */
    size_t n;
    size_t group_end[AGLM_FEATURES_GROUPS]; /* group g is [g ? group_end[g-1] : 0, group_end[g]) */
    const uint32_t *begin; /* byte spans in the text, only with spans; NULL otherwise */
    const uint32_t *end;
} aglm_feature_list;

typedef struct aglm_extractor aglm_extractor;

/* spans: also note where each feature stands (for explanations). AGLM_INVALID names the option out
 * of range. */
aglm_rc aglm_extractor_new(aglm_extractor **out, const aglm_feature_options *options, bool spans,
                           aglm_error *err);
void aglm_extractor_free(aglm_extractor *x);
/* Full-width forms are folded; invalid UTF-8 counts as U+FFFD. At most 4 M features a text, the
 * rest is left out. */
aglm_rc aglm_extractor_run(aglm_extractor *x, const char *text, size_t len, aglm_feature_list *out,
                           aglm_error *err);

#endif
