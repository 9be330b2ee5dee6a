/* search/rung.h - the losses seen at one rung of successive halving.
 * Threads: confined. */
#ifndef AGLM_SEARCH_RUNG_H
#define AGLM_SEARCH_RUNG_H

#include <stdbool.h>
#include <stddef.h>

#include "autoglm/error.h"

#define AGLM_RUNG_MAX 63 /* eta >= 2: the next one would stand past INT64_MAX */
#define AGLM_RUNG_MAX_TRIALS (1u << 26)

/* All zero to begin with; free losses. */
typedef struct aglm_rung {
    double *losses; /* ascending */
    size_t n;
    size_t cap;
} aglm_rung;

/* Adds the loss, not NaN, and sets *good to whether it is among the best floor(n / eta) of all n,
 * or the very best while n < eta. AGLM_NOMEM, AGLM_LIMIT. */
aglm_rc aglm_rung_enter(aglm_rung *r, double loss, unsigned eta, bool *good);

#endif
