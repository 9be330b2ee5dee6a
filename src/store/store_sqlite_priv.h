/* store/store_sqlite_priv.h - the SQLite back end's own parts: connection, statements,
 * transactions.
 * Threads: an sq is shared; whoever is between sq_begin and sq_end holds its lock. */
#ifndef AGLM_STORE_STORE_SQLITE_PRIV_H
#define AGLM_STORE_STORE_SQLITE_PRIV_H

#include <pthread.h>
#include <sqlite3.h>

#include "store/store_priv.h"

/* X(name, SQL): every statement of the back end; each is prepared at first use and kept. */
#define SQ_STATEMENTS(X)                                                                           \
    X(BEGIN_READ, "BEGIN")                                                                         \
    X(BEGIN_WRITE, "BEGIN IMMEDIATE")                                                              \
    X(COMMIT, "COMMIT")                                                                            \
    X(ROLLBACK, "ROLLBACK")                                                                        \
    X(STUDY_INSERT, "INSERT INTO studies (study_name) VALUES (?)")                                 \
    X(STUDY_DIRECTION_INSERT, "INSERT INTO study_directions (direction, study_id, objective)"      \
                              " VALUES (?, ?, ?)")                                                 \
    X(STUDY_FIND, "SELECT study_id FROM studies WHERE study_name = ?")                             \
    X(STUDY_EXISTS, "SELECT 1 FROM studies WHERE study_id = ?")                                    \
    X(STUDY_LIST, "SELECT study_id, study_name,"                                                   \
                  " (SELECT count(*) FROM trials t WHERE t.study_id = s.study_id)"                 \
                  " FROM studies s WHERE ?1 = 0 OR study_id = ?1 ORDER BY study_id")               \
    X(STUDY_DIRECTIONS, "SELECT study_id, objective, direction FROM study_directions"              \
                        " WHERE ?1 = 0 OR study_id = ?1 ORDER BY study_id, objective")             \
    X(STUDY_USER_ATTR_SET,                                                                         \
      "INSERT INTO study_user_attributes (study_id, \"key\", value_json) VALUES (?, ?, ?)"         \
      " ON CONFLICT (study_id, \"key\") DO UPDATE SET value_json = excluded.value_json")           \
    X(STUDY_SYSTEM_ATTR_SET,                                                                       \
      "INSERT INTO study_system_attributes (study_id, \"key\", value_json) VALUES (?, ?, ?)"       \
      " ON CONFLICT (study_id, \"key\") DO UPDATE SET value_json = excluded.value_json")           \
    X(STUDY_ATTRS, "SELECT \"key\", value_json, 0 AS system, study_user_attribute_id AS id"        \
                   " FROM study_user_attributes WHERE study_id = ?1 UNION ALL"                     \
                   " SELECT \"key\", value_json, 1, study_system_attribute_id"                     \
                   " FROM study_system_attributes WHERE study_id = ?1 ORDER BY system, id")        \
    X(TRIAL_NEXT, "SELECT (SELECT count(*) FROM study_directions WHERE study_id = ?1),"            \
                  " (SELECT number FROM trials WHERE study_id = ?1 ORDER BY trial_id DESC"         \
                  " LIMIT 1)")                                                                     \
    X(TRIAL_INSERT, "INSERT INTO trials (number, study_id, state, datetime_start,"                 \
                    " datetime_complete) VALUES (?, ?, ?, ?, ?)")                                  \
    X(TRIAL_STATE, "SELECT state, number,"                                                         \
                   " (SELECT count(*) FROM study_directions d WHERE d.study_id = t.study_id)"      \
                   " FROM trials t WHERE trial_id = ?")                                            \
    X(TRIAL_WAITING, "SELECT trial_id FROM trials WHERE study_id = ? AND state = 'WAITING'"        \
                     " ORDER BY trial_id LIMIT 1")                                                 \
    X(TRIAL_START, "UPDATE trials SET state = 'RUNNING', datetime_start = ? WHERE trial_id = ?")   \
    X(TRIAL_END, "UPDATE trials SET state = ?, datetime_complete = ? WHERE trial_id = ?")          \
    X(PARAM_SET, "INSERT INTO trial_params (trial_id, param_name, param_value, distribution_json)" \
                 " VALUES (?, ?, ?, ?) ON CONFLICT (trial_id, param_name) DO UPDATE SET"           \
                 " param_value = excluded.param_value,"                                            \
                 " distribution_json = excluded.distribution_json")                                \
    X(VALUE_SET, "INSERT INTO trial_values (trial_id, objective, value, value_type)"               \
                 " VALUES (?, ?, ?, ?) ON CONFLICT (trial_id, objective) DO UPDATE SET"            \
                 " value = excluded.value, value_type = excluded.value_type")                      \
    X(STEP_SET, "INSERT INTO trial_intermediate_values (trial_id, step, intermediate_value,"       \
                " intermediate_value_type) VALUES (?, ?, ?, ?) ON CONFLICT (trial_id, step)"       \
                " DO UPDATE SET intermediate_value = excluded.intermediate_value,"                 \
                " intermediate_value_type = excluded.intermediate_value_type")                     \
    X(USER_ATTR_SET,                                                                               \
      "INSERT INTO trial_user_attributes (trial_id, \"key\", value_json) VALUES (?, ?, ?)"         \
      " ON CONFLICT (trial_id, \"key\") DO UPDATE SET value_json = excluded.value_json")           \
    X(SYSTEM_ATTR_SET,                                                                             \
      "INSERT INTO trial_system_attributes (trial_id, \"key\", value_json) VALUES (?, ?, ?)"       \
      " ON CONFLICT (trial_id, \"key\") DO UPDATE SET value_json = excluded.value_json")           \
    X(TRIAL_ROW, "SELECT trial_id, number, state, datetime_start, datetime_complete"               \
                 " FROM trials WHERE trial_id = ?")                                                \
    X(TRIAL_ROWS, "SELECT trial_id, number, state, datetime_start, datetime_complete"              \
                  " FROM trials WHERE study_id = ? ORDER BY trial_id DESC")                        \
    X(PARAM_ROWS, "SELECT trial_id, param_name, param_value, distribution_json, param_id"          \
                  " FROM trial_params WHERE trial_id BETWEEN ? AND ? ORDER BY trial_id")           \
    X(PARAM_ROWS_WRITTEN, "SELECT trial_id, param_name, param_value, distribution_json, param_id"  \
                          " FROM trial_params ORDER BY param_id")                                  \
    X(VALUE_ROWS,                                                                                  \
      "SELECT trial_id, objective, value, value_type"                                              \
      " FROM trial_values WHERE trial_id BETWEEN ? AND ? ORDER BY trial_id, objective")            \
    X(STEP_ROWS, "SELECT trial_id, step, intermediate_value, intermediate_value_type"              \
                 " FROM trial_intermediate_values WHERE trial_id BETWEEN ? AND ?"                  \
                 " ORDER BY trial_id, step")                                                       \
    X(ATTR_ROWS,                                                                                   \
      "SELECT trial_id, \"key\", value_json, 0 AS system, trial_user_attribute_id AS id"           \
      " FROM trial_user_attributes WHERE trial_id BETWEEN ?1 AND ?2 UNION ALL"                     \
      " SELECT trial_id, \"key\", value_json, 1, trial_system_attribute_id"                        \
      " FROM trial_system_attributes WHERE trial_id BETWEEN ?1 AND ?2"                             \
      " ORDER BY trial_id, system, id")                                                            \
    X(PROCESS_INSERT, "INSERT INTO aglm_process (pid, start_ticks, boot, pidns, host)"             \
                      " VALUES (?, ?, ?, ?, ?) ON CONFLICT DO NOTHING")                            \
    X(PROCESS_FIND, "SELECT process_id FROM aglm_process WHERE pid = ? AND start_ticks = ?"        \
                    " AND boot = ? AND pidns = ? AND host = ?")                                    \
    X(OWNER_SET, "INSERT OR REPLACE INTO aglm_owner (trial_id, process_id, started)"               \
                 " VALUES (?, ?, ?)")                                                              \
    X(OWNER_DELETE, "DELETE FROM aglm_owner WHERE trial_id = ?")                                   \
    X(BEAT_SET, "INSERT INTO trial_heartbeats (trial_id, heartbeat)"                               \
                " SELECT trial_id, strftime('%Y-%m-%d %H:%M:%f000', 'now') FROM trials"            \
                " WHERE trial_id = ? AND state = 'RUNNING'"                                        \
                " ON CONFLICT (trial_id) DO UPDATE SET heartbeat = excluded.heartbeat")            \
    X(BEAT_DELETE, "DELETE FROM trial_heartbeats WHERE trial_id = ?")                              \
    X(BEATS_STALE, "SELECT h.trial_id FROM trial_heartbeats h"                                     \
                   " CROSS JOIN trials t ON t.trial_id = h.trial_id"                               \
                   " WHERE t.study_id = ? AND t.state = 'RUNNING'"                                 \
                   " AND (julianday('now') - julianday(h.heartbeat)) * 86400 > ?"                  \
                   " ORDER BY h.trial_id")                                                         \
    X(OWNER_ROWS, "SELECT o.trial_id, t.study_id,"                                                 \
                  " t.state = 'RUNNING' AND t.datetime_start = o.started,"                         \
                  " p.pid, p.start_ticks, p.boot, p.pidns, p.host FROM aglm_owner o"               \
                  " LEFT JOIN trials t ON t.trial_id = o.trial_id"                                 \
                  " LEFT JOIN aglm_process p ON p.process_id = o.process_id"                       \
                  " ORDER BY o.trial_id")                                                          \
    X(DELETE_PARAMS, "DELETE FROM trial_params WHERE trial_id IN"                                  \
                     " (SELECT trial_id FROM trials WHERE study_id = ?)")                          \
    X(DELETE_VALUES, "DELETE FROM trial_values WHERE trial_id IN"                                  \
                     " (SELECT trial_id FROM trials WHERE study_id = ?)")                          \
    X(DELETE_STEPS, "DELETE FROM trial_intermediate_values WHERE trial_id IN"                      \
                    " (SELECT trial_id FROM trials WHERE study_id = ?)")                           \
    X(DELETE_USER_ATTRS, "DELETE FROM trial_user_attributes WHERE trial_id IN"                     \
                         " (SELECT trial_id FROM trials WHERE study_id = ?)")                      \
    X(DELETE_SYSTEM_ATTRS, "DELETE FROM trial_system_attributes WHERE trial_id IN"                 \
                           " (SELECT trial_id FROM trials WHERE study_id = ?)")                    \
    X(DELETE_HEARTBEATS, "DELETE FROM trial_heartbeats WHERE trial_id IN"                          \
                         " (SELECT trial_id FROM trials WHERE study_id = ?)")                      \
    X(DELETE_OWNERS, "DELETE FROM aglm_owner WHERE trial_id IN"                                    \
                     " (SELECT trial_id FROM trials WHERE study_id = ?)")                          \
    X(DELETE_TRIALS, "DELETE FROM trials WHERE study_id = ?")                                      \
    X(DELETE_DIRECTIONS, "DELETE FROM study_directions WHERE study_id = ?")                        \
    X(DELETE_STUDY_USER_ATTRS, "DELETE FROM study_user_attributes WHERE study_id = ?")             \
    X(DELETE_STUDY_SYSTEM_ATTRS, "DELETE FROM study_system_attributes WHERE study_id = ?")         \
    X(DELETE_STUDY, "DELETE FROM studies WHERE study_id = ?")

typedef enum sq_sql {
#define SQ_ENUM(name, text) SQ_##name,
    SQ_STATEMENTS(SQ_ENUM)
#undef SQ_ENUM
        SQ_COUNT
} sq_sql;

typedef struct sq {
    aglm_store base;
    sqlite3 *db;
    char *path;
    pthread_mutex_t lock;
    bool locked_init; /* lock was initialised */
    sqlite3_stmt *stmt[SQ_COUNT];
    uint64_t waiting_since_ns; /* of the busy handler's present wait */
    aglm_machine machine;
    /* the owner noted last: its row in aglm_process, 0 for none */
    int64_t owner_pid;
    int64_t owner_process_id;
    int64_t own_start; /* of this process, 0 until needed */
} sq;

/* What SQLite's last failure on the connection means, with the file and the mend. */
aglm_rc sq_fail(sq *q, aglm_error *err);
/* Takes the lock and begins a transaction; on failure the lock is free again. */
aglm_rc sq_begin(sq *q, bool write, aglm_error *err);
/* Commits when rc >= 0, else rolls back; frees the lock. Returns rc, or the commit's failure. */
aglm_rc sq_end(sq *q, aglm_rc rc, aglm_error *err);

/* The statement with its parameters bound, one a letter of kinds: i int64_t, d double, s text or
 * NULL (must live until the reset). NULL on failure: sq_next reports it. */
sqlite3_stmt *sq_bind(sq *q, sq_sql id, const char *kinds, ...);
/* AGLM_OK: a row is there; AGLM_DONE: no more, and the statement is reset; else it failed. */
aglm_rc sq_next(sq *q, sqlite3_stmt *st, aglm_error *err);
/* Runs a bound statement that answers no rows. */
aglm_rc sq_run(sq *q, sqlite3_stmt *st, aglm_error *err);
/* SQL without parameters, not kept. */
aglm_rc sq_exec(sq *q, const char *sql, aglm_error *err);

/* Wait for others' locks (up to half a minute a call), or answer AGLM_BUSY at once? */
void sq_set_patient(sq *q, bool patient);

/* Creates or checks the tables, chooses the journal. */
aglm_rc sq_schema_open(sq *q, aglm_error *err);

aglm_rc sq_trial_get(aglm_store *s, int64_t trial, aglm_arena *a, aglm_trial_row *out,
                     aglm_error *err);
aglm_rc sq_trials(aglm_store *s, int64_t study, int64_t from, aglm_arena *a, aglm_trial_row **out,
                  size_t *n, aglm_error *err);
aglm_rc sq_study_list(aglm_store *s, int64_t only, aglm_arena *a, aglm_study_row **out, size_t *n,
                      aglm_error *err);
aglm_rc sq_study_attrs(aglm_store *s, int64_t study, aglm_arena *a, aglm_attr_row **out, size_t *n,
                       aglm_error *err);

aglm_rc sq_trials_changed(aglm_store *s, const aglm_trial_marks *known, aglm_arena *a,
                          aglm_trial_row **out, size_t *n, aglm_error *err);

aglm_rc sq_trial_new(aglm_store *s, int64_t study, aglm_trial_row *row, int64_t owner, bool next,
                     aglm_error *err);
/* The same inside a transaction. */
aglm_rc sq_trial_put(sq *q, int64_t study, aglm_trial_row *row, int64_t owner, bool next,
                     aglm_error *err);
aglm_rc sq_trial_claim(aglm_store *s, int64_t study, int64_t owner, int64_t *id, aglm_error *err);
aglm_rc sq_trial_set_params(aglm_store *s, int64_t trial, const aglm_param_row *params, size_t n,
                            aglm_error *err);
aglm_rc sq_trial_report(aglm_store *s, int64_t trial, const aglm_step_row *step, aglm_error *err);
aglm_rc sq_trial_set_attr(aglm_store *s, int64_t trial, const aglm_attr_row *attr, aglm_error *err);
aglm_rc sq_trial_finish(aglm_store *s, int64_t trial, const aglm_trial_end *end, aglm_error *err);
aglm_rc sq_beat(aglm_store *s, const int64_t *trials, size_t n, aglm_error *err);
aglm_rc sq_reap(aglm_store *s, int64_t study, double grace_s, int64_t **ids, size_t *n,
                aglm_error *err);

/* The trial's row with its end, inside a transaction; nobody owns it any longer. */
aglm_rc sq_trial_end(sq *q, int64_t trial, aglm_trial_state state, aglm_error *err);

/* AGLM_NOTFOUND when the study is not there. */
aglm_rc sq_study_need(sq *q, int64_t study, aglm_error *err);

#endif
