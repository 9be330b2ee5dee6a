/* store/store.h - studies and trials kept in Optuna's RDB schema, behind one set of operations.
 * Threads: a store is shared; every call is one transaction under its own lock. Other processes may
 * use the same file.
 *
 * The rows mean what they mean in Optuna 5 (schema v3.2.0.a): parameter values are internal
 * representations (a float itself, an int as float, a choice as its index), distributions are JSON
 * text, attributes are JSON text under a key. What search knows about distributions and directions
 * stays above; the store moves rows. */
#ifndef AGLM_STORE_STORE_H
#define AGLM_STORE_STORE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "autoglm/study.h"
#include "base/arena.h"

#define AGLM_STORE_MAX_OBJECTIVES 16
#define AGLM_STORE_MAX_NAME                                                                        \
    512 /* bytes of a study's or parameter's name or of a key, the schema's VARCHAR(512) */

typedef struct aglm_param_row {
    const char *name;
    double value;             /* internal representation */
    const char *distribution; /* JSON */
} aglm_param_row;

typedef struct aglm_step_row {
    int64_t step;
    double value; /* NaN and infinities allowed */
} aglm_step_row;

typedef struct aglm_attr_row {
    const char *key;
    const char *json;
    bool system; /* Optuna's system attributes, else the user's */
} aglm_attr_row;

/* One trial as stored. Arrays live in the arena given to the reading call. */
typedef struct aglm_trial_row {
    int64_t id;
    int64_t number;
    aglm_trial_state state;
    const char *started;   /* naive UTC "YYYY-MM-DD HH:MM:SS.ffffff", NULL while waiting */
    const char *completed; /* NULL while not finished */
    const aglm_param_row *params;
    size_t n_params;
    const double *values; /* n_values == number of objectives, or 0 */
    size_t n_values;
    const aglm_step_row *steps;
    size_t n_steps;
    const aglm_attr_row *attrs;
    size_t n_attrs;
} aglm_trial_row;

typedef struct aglm_study_row {
    int64_t id;
    const char *name;
    aglm_direction directions[AGLM_STORE_MAX_OBJECTIVES];
    size_t n_directions;
    int64_t n_trials;
} aglm_study_row;

typedef struct aglm_store aglm_store;

/* "memory" or "memory:", "sqlite:///relative.db", "sqlite:////absolute.db", or a plain path of a
 * SQLite file. Makes the file and its tables when absent. AGLM_FORMAT: not a database, or another
 * schema version (names both and the mend); AGLM_IO; AGLM_UNSUPPORTED for URLs of back ends that
 * are not built in. */
aglm_rc aglm_store_open(aglm_store **out, const char *url, aglm_error *err);
void aglm_store_close(aglm_store *s);

/* What comes in: names and keys are not empty and within AGLM_STORE_MAX_NAME bytes, values not NaN,
 * params finite, dates in the form above; otherwise AGLM_INVALID. JSON text is taken as it is; a
 * name, key or step given twice keeps the last. Calls that name a study or trial answer
 * AGLM_NOTFOUND when it is not there; those that change a finished trial AGLM_INVALID. Every call:
 * AGLM_IO (disk full, read-only, ...), AGLM_FORMAT (a damaged file), AGLM_BUSY (locked by others
 * for half a minute), each naming the file, with nothing written. */

/* AGLM_INVALID when the name is taken or over-long. */
aglm_rc aglm_store_study_new(aglm_store *s, const char *name, const aglm_direction *directions,
                             size_t n, int64_t *id, aglm_error *err);
/* AGLM_NOTFOUND */
aglm_rc aglm_store_study_find(aglm_store *s, const char *name, int64_t *id, aglm_error *err);
aglm_rc aglm_store_study_get(aglm_store *s, int64_t id, aglm_arena *a, aglm_study_row *out,
                             aglm_error *err);
/* All studies by id. */
aglm_rc aglm_store_study_list(aglm_store *s, aglm_arena *a, aglm_study_row **out, size_t *n,
                              aglm_error *err);
/* With its trials and all else that belongs to it. */
aglm_rc aglm_store_study_delete(aglm_store *s, int64_t study, aglm_error *err);
/* Replaces the attribute of that key and kind. */
aglm_rc aglm_store_study_set_attr(aglm_store *s, int64_t study, const aglm_attr_row *attr,
                                  aglm_error *err);
aglm_rc aglm_store_study_attrs(aglm_store *s, int64_t study, aglm_arena *a, aglm_attr_row **out,
                               size_t *n, aglm_error *err);

/* A new trial with all its rows in one transaction; state RUNNING (started now) or WAITING, or a
 * finished one that is imported as it is. Fills row->id and row->number (dense from 0 within the
 * study). `owner` (0: none) is the process that runs it, noted in our own tables with its start
 * time and boot id so that the dead can be told. */
aglm_rc aglm_store_trial_new(aglm_store *s, int64_t study, aglm_trial_row *row, int64_t owner,
                             aglm_error *err);
/* The same, but only when the trial's number would be row->number; AGLM_DONE when another has it by
 * now, with nothing written. */
aglm_rc aglm_store_trial_new_next(aglm_store *s, int64_t study, aglm_trial_row *row, int64_t owner,
                                  aglm_error *err);
/* A study as a value: what copying and importing move. */
typedef struct aglm_study_whole {
    const char *name;
    aglm_direction directions[AGLM_STORE_MAX_OBJECTIVES];
    size_t n_directions;
    const aglm_attr_row *attrs; /* the study's own */
    size_t n_attrs;
    aglm_trial_row *trials; /* none of them RUNNING */
    size_t n_trials;
} aglm_study_whole;
/* A new study with all of it or, with `append`, the trials behind those that the study of that name
 * has (its attributes stay; there may be none of that name). One transaction: all or nothing, also
 * when the process is killed meanwhile. Fills the trials' ids and numbers. AGLM_INVALID: the name
 * is taken, other directions than the study's, or a row as for trial_new, which is named by its
 * place in `trials`. */
aglm_rc aglm_store_study_add(aglm_store *s, const aglm_study_whole *whole, bool append,
                             aglm_error *err);
/* The oldest WAITING trial becomes RUNNING (started now); *id gets its id. AGLM_DONE when none
 * waits. */
aglm_rc aglm_store_trial_claim(aglm_store *s, int64_t study, int64_t owner, int64_t *id,
                               aglm_error *err);
/* Params of a trial that is not finished, chosen after it was made; one of the same name is
 * replaced. */
aglm_rc aglm_store_trial_set_params(aglm_store *s, int64_t trial, const aglm_param_row *params,
                                    size_t n, aglm_error *err);
/* The value of a step, replaced when it was told before. */
aglm_rc aglm_store_trial_report(aglm_store *s, int64_t trial, const aglm_step_row *step,
                                aglm_error *err);
aglm_rc aglm_store_trial_set_attr(aglm_store *s, int64_t trial, const aglm_attr_row *attr,
                                  aglm_error *err);
typedef struct aglm_trial_end {
    aglm_trial_state state;
    const double *values;
    size_t n_values;
    const aglm_step_row *steps;
    size_t n_steps;
    const aglm_attr_row *attrs;
    size_t n_attrs;
} aglm_trial_end;
/* State (COMPLETE: one value an objective; PRUNED: these or none; FAIL: none), values, steps not
 * yet written and attributes in one transaction. */
aglm_rc aglm_store_trial_finish(aglm_store *s, int64_t trial, const aglm_trial_end *end,
                                aglm_error *err);

/* One trial by its id. */
aglm_rc aglm_store_trial_get(aglm_store *s, int64_t trial, aglm_arena *a, aglm_trial_row *out,
                             aglm_error *err);
/* Trials with number >= from in order of number, whole rows, in the arena: a caller that remembers
 * what it has read asks only for the rest. */
aglm_rc aglm_store_trials(aglm_store *s, int64_t study, int64_t from, aglm_arena *a,
                          aglm_trial_row **out, size_t *n, aglm_error *err);
/* A trial and the state that it was last seen in. */
typedef struct aglm_trial_mark {
    int64_t id;
    aglm_trial_state state;
} aglm_trial_mark;
typedef struct aglm_trial_marks {
    const aglm_trial_mark *v; /* ascending id */
    size_t n;
} aglm_trial_marks;
/* Whole rows, in the order given, of those of the trials that are in another state by now; trials
 * that are gone are left out. One query when nothing changed. */
aglm_rc aglm_store_trials_changed(aglm_store *s, const aglm_trial_marks *known, aglm_arena *a,
                                  aglm_trial_row **out, size_t *n, aglm_error *err);

/* A sign of life of trials in work, at the database's clock: Optuna's trial_heartbeats. */
aglm_rc aglm_store_beat(aglm_store *s, const int64_t *trials, size_t n, aglm_error *err);
/* From now on a trial that is made RUNNING or claimed through this store for an owner gets its
 * first heartbeat in the same transaction, and loses its row with its end. Before the store is
 * shared. */
void aglm_store_keep_beats(aglm_store *s);
/* RUNNING trials become FAIL whose owner process on this host is gone or, with grace_s > 0, whose
 * last heartbeat is older than so many seconds by the database's clock. Those without an owner or
 * heartbeat stay. *ids (may be NULL; free it) and *n (may be NULL) get the trials that this very
 * call failed: of several callers one gets a trial. Writes only when there is one. */
aglm_rc aglm_store_reap(aglm_store *s, int64_t study, double grace_s, int64_t **ids, size_t *n,
                        aglm_error *err);

#endif
