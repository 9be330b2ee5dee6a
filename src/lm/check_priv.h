/* lm/check_priv.h - the contract of a check, and what is prepared once for all of them.
 * Threads: pure functions. */
#ifndef AGLM_LM_CHECK_PRIV_H
#define AGLM_LM_CHECK_PRIV_H

#include <stdint.h>

#include "data/text_overlap.h"
#include "lm/check.h"

typedef struct aglm_check_view {
    const char *text;
    size_t len;
    const aglm_check_options *options;
    aglm_symbols chars; /* code points, blanks at both ends left out */
    aglm_symbols units; /* words as hashes, Chinese characters, marks */
} aglm_check_view;

/* Writes score and reason; sets neither `ran` nor `failed`. */
typedef aglm_rc (*aglm_check_fn)(const aglm_check_view *v, aglm_check_result *r, aglm_error *err);

aglm_rc aglm_check_empty(const aglm_check_view *v, aglm_check_result *r, aglm_error *err);
aglm_rc aglm_check_repetition(const aglm_check_view *v, aglm_check_result *r, aglm_error *err);
aglm_rc aglm_check_loop(const aglm_check_view *v, aglm_check_result *r, aglm_error *err);
aglm_rc aglm_check_truncated(const aglm_check_view *v, aglm_check_result *r, aglm_error *err);
aglm_rc aglm_check_language(const aglm_check_view *v, aglm_check_result *r, aglm_error *err);
aglm_rc aglm_check_format(const aglm_check_view *v, aglm_check_result *r, aglm_error *err);
aglm_rc aglm_check_length(const aglm_check_view *v, aglm_check_result *r, aglm_error *err);
aglm_rc aglm_check_likelihood(const aglm_check_view *v, aglm_check_result *r, aglm_error *err);
aglm_rc aglm_check_consistency(const aglm_check_view *v, aglm_check_result *r, aglm_error *err);
aglm_rc aglm_check_copy(const aglm_check_view *v, aglm_check_result *r, aglm_error *err);
aglm_rc aglm_check_words(const aglm_check_view *v, aglm_check_result *r, aglm_error *err);

AGLM_PRINTF(3, 4)
void aglm_check_say(aglm_check_result *r, double score, const char *fmt, ...);

#endif
