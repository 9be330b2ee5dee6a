/* data/profile.h - what the data looks like: counts, scripts, lengths, duplicates, leaks, skew.
 * Threads: pure functions on immutable datasets. */
#ifndef AGLM_DATA_PROFILE_H
#define AGLM_DATA_PROFILE_H

#include "data/dataset.h"

typedef struct aglm_profile {
    size_t docs;
    size_t labels;
    uint64_t bytes;
    uint64_t chars;
    uint64_t words; /* runs of letters or digits, each CJK code point one */
    uint32_t chars_p50, chars_p95, chars_max;
    double share_cjk, share_latin, share_cyrillic, share_arabic, share_other; /* of letters */
    double share_kana, share_hangul; /* parts of share_cjk */
    size_t empty_texts;
    size_t duplicates; /* documents whose text stood before */
    size_t conflicts;  /* of those, with other labels */
    size_t leaks;      /* documents of `valid` whose text stands in the data */
    size_t class_min, class_max;
    double class_skew;  /* largest class / smallest */
    double mean_labels; /* labels a document */
} aglm_profile;

/* valid may be NULL. */
aglm_rc aglm_profile_make(aglm_profile *out, const aglm_dataset *d, const aglm_dataset *valid,
                          aglm_error *err);
/* "Chinese (98 % of letters)", "Latin script (...)" and the like, for a person; buf of at least 64
 * bytes. */
void aglm_profile_language(const aglm_profile *p, char *buf, size_t size);

#endif
