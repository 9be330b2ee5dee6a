/* search/study_exchange.h - a study as one JSON text that loses nothing: what `study export` writes
 * and `study import` reads.
 * Threads: pure functions. */
#ifndef AGLM_SEARCH_STUDY_EXCHANGE_H
#define AGLM_SEARCH_STUDY_EXCHANGE_H

#include "search/space.h"
#include "store/store.h"

/* The members distributions, user_attrs, system_attrs and trials of an object that is open. A
 * distribution stands once under its parameter's name; trials that had another carry their own.
 * Parameters are values as people see them. AGLM_FORMAT names the trial and parameter whose row is
 * damaged; the writer's own failures are its string's. */
aglm_rc aglm_study_whole_write(const aglm_study_whole *whole, aglm_json_writer *w, aglm_arena *a,
                               aglm_error *err);

typedef struct aglm_exchange_text {
    const char *origin; /* a file's name, for messages */
    const char *text;
    size_t len;
} aglm_exchange_text;

/* The way back, in the arena; `name` is NULL where the text has none. Parameters without a
 * distribution have the space's (may be NULL). A trial that was running is FAIL. AGLM_FORMAT names
 * the origin with line and column, or with the member ("trials[3].params.lr"). */
aglm_rc aglm_study_whole_parse(aglm_study_whole *out, const aglm_exchange_text *from,
                               const aglm_space *space, aglm_arena *a, aglm_error *err);

#endif
