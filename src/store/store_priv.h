/* store/store_priv.h - what a back end of the store implements, and what back ends share.
 * Threads: an implementation locks itself. */
#ifndef AGLM_STORE_STORE_PRIV_H
#define AGLM_STORE_STORE_PRIV_H

#include "store/process.h"
#include "store/store.h"

/* The calls of store.h after their arguments were checked: pointers are not NULL, names and keys
 * have a fit length, numbers are what the schema can hold. */
typedef struct aglm_store_ops {
    const char *name;
    void (*close)(aglm_store *s);
    aglm_rc (*study_new)(aglm_store *s, const char *name, const aglm_direction *directions,
                         size_t n, int64_t *id, aglm_error *err);
    aglm_rc (*study_find)(aglm_store *s, const char *name, int64_t *id, aglm_error *err);
    /* only: one study's id, or 0 for all; none found is no failure. */
    aglm_rc (*study_list)(aglm_store *s, int64_t only, aglm_arena *a, aglm_study_row **out,
                          size_t *n, aglm_error *err);
    aglm_rc (*study_delete)(aglm_store *s, int64_t study, aglm_error *err);
    aglm_rc (*study_set_attr)(aglm_store *s, int64_t study, const aglm_attr_row *attr,
                              aglm_error *err);
    aglm_rc (*study_attrs)(aglm_store *s, int64_t study, aglm_arena *a, aglm_attr_row **out,
                           size_t *n, aglm_error *err);
    /* next: only when its number is row->number, else AGLM_DONE. */
    aglm_rc (*trial_new)(aglm_store *s, int64_t study, aglm_trial_row *row, int64_t owner,
                         bool next, aglm_error *err);
    aglm_rc (*study_add)(aglm_store *s, const aglm_study_whole *whole, bool append,
                         aglm_error *err);
    aglm_rc (*trial_claim)(aglm_store *s, int64_t study, int64_t owner, int64_t *id,
                           aglm_error *err);
    /* Writes to a trial that is not finished; end NULL: it stays so. */
    aglm_rc (*trial_set_params)(aglm_store *s, int64_t trial, const aglm_param_row *params,
                                size_t n, aglm_error *err);
    aglm_rc (*trial_report)(aglm_store *s, int64_t trial, const aglm_step_row *step,
                            aglm_error *err);
    aglm_rc (*trial_set_attr)(aglm_store *s, int64_t trial, const aglm_attr_row *attr,
                              aglm_error *err);
    aglm_rc (*trial_finish)(aglm_store *s, int64_t trial, const aglm_trial_end *end,
                            aglm_error *err);
    aglm_rc (*trial_get)(aglm_store *s, int64_t trial, aglm_arena *a, aglm_trial_row *out,
                         aglm_error *err);
    aglm_rc (*trials)(aglm_store *s, int64_t study, int64_t from, aglm_arena *a,
                      aglm_trial_row **out, size_t *n, aglm_error *err);
    aglm_rc (*trials_changed)(aglm_store *s, const aglm_trial_marks *known, aglm_arena *a,
                              aglm_trial_row **out, size_t *n, aglm_error *err);
    aglm_rc (*beat)(aglm_store *s, const int64_t *trials, size_t n, aglm_error *err);
    /* *ids is NULL or the caller's to free, after a failure too. */
    aglm_rc (*reap)(aglm_store *s, int64_t study, double grace_s, int64_t **ids, size_t *n,
                    aglm_error *err);
} aglm_store_ops;

struct aglm_store {
    const aglm_store_ops *ops;
    bool beats; /* aglm_store_keep_beats */
};

#define AGLM_STORE_DATE_LEN 26 /* YYYY-MM-DD HH:MM:SS.ffffff */

aglm_rc aglm_store_memory_open(aglm_store **out, aglm_error *err);
aglm_rc aglm_store_sqlite_open(aglm_store **out, const char *path, aglm_error *err);
/* url: of any scheme name. Only where libpq is built in (AGLM_HAVE_LIBPQ). */
aglm_rc aglm_store_postgres_open(aglm_store **out, const char *url, aglm_error *err);

/* "COMPLETE", ... as the schema has them. */
const char *aglm_trial_state_name(aglm_trial_state state);
bool aglm_trial_state_from_name(const char *name, aglm_trial_state *out);
static inline bool aglm_trial_state_open(aglm_trial_state state)
{
    return state == AGLM_TRIAL_RUNNING || state == AGLM_TRIAL_WAITING;
}

/* The messages that both back ends give alike. */
aglm_rc aglm_store_no_study(int64_t study, aglm_error *err);
aglm_rc aglm_store_no_study_name(const char *name, aglm_error *err);
aglm_rc aglm_store_no_trial(int64_t trial, aglm_error *err);
aglm_rc aglm_store_name_taken(const char *name, aglm_error *err);
aglm_rc aglm_store_trial_closed(int64_t number, aglm_trial_state state, aglm_error *err);
/* A trial of that state with that many values in a study of that many objectives? */
aglm_rc aglm_store_check_values(aglm_trial_state state, size_t n_values, size_t n_objectives,
                                aglm_error *err);

/* May the trials of `whole` be appended to a study of these directions? */
aglm_rc aglm_store_check_directions(const aglm_study_whole *whole, const aglm_direction *directions,
                                    size_t n, aglm_error *err);

/* Copies of short texts that come again and again (parameter names, distributions), each made once
 * an arena: a direct-mapped cache, so a text that lost its place is merely copied again. */
#define AGLM_TEXT_CACHE 256
typedef struct aglm_text_cache {
    aglm_arena *arena;
    struct {
        const char *text;
        size_t len;
    } slot[AGLM_TEXT_CACHE];
} aglm_text_cache;
void aglm_text_cache_init(aglm_text_cache *c, aglm_arena *a);
/* NULL when the arena is full. */
const char *aglm_text_cache_copy(aglm_text_cache *c, const char *text, size_t len);

#endif
