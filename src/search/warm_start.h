/* search/warm_start.h - the best points of another study as the first ones of this one.
 * Threads: as search/study.h. */
#ifndef AGLM_SEARCH_WARM_START_H
#define AGLM_SEARCH_WARM_START_H

#include "search/study.h"

#define AGLM_ATTR_WARM_START "autoglm:warm_start" /* {"study": "old", "trial": 7} */

/* Enqueues the points of the best `most` complete trials of the study `name`, which may be in
 * another store, so that they are measured anew here: what was good there need not have the same
 * value. Parameters are matched by name; a number outside of the bounds becomes the nearest inside,
 * and what the other study does not have, or a choice that this one does not, is drawn at random.
 * Points that a trial has already, or that are forbidden, are passed over. *taken (may be NULL)
 * gets their number. AGLM_NOTFOUND: no such study; AGLM_INVALID: it optimises in the other
 * direction, has no complete trial, or shares no parameter. */
aglm_rc aglm_warm_start(aglm_study *s, aglm_store *from, const char *name, size_t most,
                        size_t *taken, aglm_error *err);

#endif
