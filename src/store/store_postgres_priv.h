/* store/store_postgres_priv.h - the PostgreSQL back end's own parts: connection, statements,
 * transactions.
 * Threads: a pg is shared; whoever runs inside pg_call holds its lock.
 *
 * What is queued before pg_exchange is one transaction in one round trip (libpq's pipeline mode).
 * Numbers are dense because a new trial is made under the lock of its study's row, as Optuna does;
 * that lock is given back before the log is flushed, so that many workers share one flush. */
#ifndef AGLM_STORE_STORE_POSTGRES_PRIV_H
#define AGLM_STORE_STORE_POSTGRES_PRIV_H

#include <libpq-fe.h>
#include <pthread.h>

#include "base/str.h"
#include "store/store_priv.h"

/* Values, steps and attributes as tables of what came in; the schema keeps what a column of numbers
 * cannot hold as a type beside NULL. */
#define PG_FINITE_OR_NULL(v)                                                                       \
    "CASE WHEN " v " IN ('Infinity', '-Infinity', 'NaN') THEN NULL ELSE " v " END"
#define PG_KIND_OF(v)                                                                              \
    "CASE " v " WHEN 'Infinity' THEN 'INF_POS' WHEN '-Infinity' THEN 'INF_NEG'"                    \
    " WHEN 'NaN' THEN 'NAN' ELSE 'FINITE' END"
#define PG_PUT_PARAMS(from, names, numbers, dists)                                                 \
    "INSERT INTO trial_params (trial_id, param_name, param_value, distribution_json)"              \
    " SELECT t.trial_id, u.name, u.value, u.dist FROM " from " t, unnest(" names                   \
    "::text[], " numbers "::float8[], " dists "::text[]) u(name, value, dist)"
#define PG_PUT_VALUES(from, numbers)                                                               \
    "INSERT INTO trial_values (trial_id, objective, value, value_type)"                            \
    " SELECT t.trial_id, u.at - 1, " PG_FINITE_OR_NULL("u.v") ", (" PG_KIND_OF(                    \
        "u.v") ")::trialvaluetype FROM " from " t, unnest(" numbers                                \
               "::float8[]) WITH ORDINALITY u(v, at)"
#define PG_PUT_STEPS(from, steps, numbers)                                                         \
    "INSERT INTO trial_intermediate_values (trial_id, step, intermediate_value,"                   \
    " intermediate_value_type) SELECT t.trial_id, u.step::int, " PG_FINITE_OR_NULL(                \
        "u.v") ", (" PG_KIND_OF("u.v") ")::trialintermediatevaluetype FROM " from                  \
                                       " t, unnest(" steps "::bigint[], " numbers                  \
                                       "::float8[]) u(step, v)"
#define PG_PUT_ATTRS(kind, which, from, keys, texts, systems)                                      \
    "INSERT INTO trial_" kind "_attributes (trial_id, key, value_json)"                            \
    " SELECT t.trial_id, u.key, u.json FROM " from " t, unnest(" keys "::text[], " texts           \
    "::text[], " systems "::bool[]) u(key, json, system) WHERE " which " u.system"
/* number: that it must get, NULL for any. */
#define PG_NEW_TRIAL(number)                                                                       \
    "t AS (INSERT INTO trials (number, study_id, state, datetime_start, datetime_complete)"        \
    " SELECT m.next, study_id, $2::trialstate, $3::timestamp, $4::timestamp FROM studies,"         \
    " (SELECT coalesce(max(number), -1) + 1 AS next FROM trials WHERE study_id = $1::int) m"       \
    " WHERE study_id = $1::int AND (" number "::int IS NULL OR m.next = " number "::int)"          \
    " RETURNING trial_id, number)"
/* The trial $1 while it is open, or as just finished at $2 by this very transaction. */
#define PG_OPEN_TRIAL                                                                              \
    "t AS (SELECT trial_id FROM trials WHERE trial_id = $1::int AND (state IN ('RUNNING',"         \
    " 'WAITING') OR datetime_complete = $2::timestamp) FOR NO KEY UPDATE)"
#define PG_BETWEEN " WHERE trial_id BETWEEN $1::int AND $2::int"
#define PG_STUDYS_TRIALS " WHERE trial_id IN (SELECT trial_id FROM trials WHERE study_id = $1::int)"

/* X(name, SQL): every statement of the back end, prepared when the connection is made. */
#define PG_STATEMENTS(X)                                                                                                                      \
    X(BEGIN_READ, "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY")                                                                          \
    X(BEGIN, "BEGIN")                                                                                                                         \
    X(COMMIT, "COMMIT")                                                                                                                       \
    X(FLUSH, "SELECT pg_logical_emit_message(true, 'autoglm', '')")                                                                           \
    X(STUDY_INSERT, "WITH s AS (INSERT INTO studies (study_name) VALUES ($1) RETURNING study_id),"                                            \
                    " d AS (INSERT INTO study_directions (direction, study_id, objective)"                                                    \
                    " SELECT u.way::studydirection, s.study_id, u.at - 1 FROM s,"                                                             \
                    " unnest($2::text[]) WITH ORDINALITY u(way, at)) SELECT study_id FROM s")                                                 \
    X(STUDY_FIND, "SELECT study_id FROM studies WHERE study_name = $1")                                                                       \
    X(STUDY_EXISTS, "SELECT (SELECT count(*) FROM study_directions WHERE study_id = $1::int)"                                                 \
                    " FROM studies WHERE study_id = $1::int")                                                                                 \
    X(STUDY_LIST, "SELECT study_id, study_name,"                                                                                              \
                  " (SELECT count(*) FROM trials t WHERE t.study_id = s.study_id)"                                                            \
                  " FROM studies s WHERE $1::int = 0 OR study_id = $1::int ORDER BY study_id")                                                \
    X(STUDY_DIRECTIONS, "SELECT study_id, objective, direction FROM study_directions"                                                         \
                        " WHERE $1::int = 0 OR study_id = $1::int ORDER BY study_id, objective")                                              \
    X(STUDY_USER_ATTR_SET,                                                                                                                    \
      "INSERT INTO study_user_attributes (study_id, key, value_json)"                                                                         \
      " SELECT study_id, $2, $3 FROM studies WHERE study_id = $1::int"                                                                        \
      " ON CONFLICT (study_id, key) DO UPDATE SET value_json = excluded.value_json"                                                           \
      " RETURNING study_id")                                                                                                                  \
    X(STUDY_SYSTEM_ATTR_SET,                                                                                                                  \
      "INSERT INTO study_system_attributes (study_id, key, value_json)"                                                                       \
      " SELECT study_id, $2, $3 FROM studies WHERE study_id = $1::int"                                                                        \
      " ON CONFLICT (study_id, key) DO UPDATE SET value_json = excluded.value_json"                                                           \
      " RETURNING study_id")                                                                                                                  \
    X(STUDY_ATTRS, "SELECT key, value_json, false AS system, study_user_attribute_id AS id"                                                   \
                   " FROM study_user_attributes WHERE study_id = $1::int UNION ALL"                                                           \
                   " SELECT key, value_json, true, study_system_attribute_id"                                                                 \
                   " FROM study_system_attributes WHERE study_id = $1::int ORDER BY system, id")                                              \
    X(STUDY_LOCK, "SELECT set_config('synchronous_commit', 'off', true) FROM studies"                                                         \
                  " WHERE study_id = $1::int FOR NO KEY UPDATE")                                                                              \
    /* The same unless $2 is taken already: who is late need not wait for the lock. */                                                        \
    X(STUDY_LOCK_NEXT,                                                                                                                        \
      "SELECT set_config('synchronous_commit', 'off', true) FROM studies"                                                                     \
      " WHERE study_id = $1::int AND $2::int >= (SELECT coalesce(max(number), -1)"                                                            \
      " + 1 FROM trials WHERE study_id = $1::int) FOR NO KEY UPDATE")                                                                         \
    /* study, state, started, completed, names, values, distributions, process, number */                                                     \
    X(TRIAL_ASK,                                                                                                                              \
      "WITH " PG_NEW_TRIAL("$9") ", p AS (" PG_PUT_PARAMS(                                                                                    \
          "t", "$5", "$6",                                                                                                                    \
          "$7") "),"                                                                                                                          \
                " o AS (INSERT INTO aglm_owner (trial_id, process_id, started)"                                                               \
                " SELECT t.trial_id, $8::int, $3::timestamp FROM t) SELECT trial_id, number FROM t")                                          \
    /* ..., this process, values, steps, reports, keys, texts, systems, nonce, owner process,                                                 \
     * number */                                                                                                                              \
    X(TRIAL_ADD,                                                                                                                              \
      "WITH " PG_NEW_TRIAL("$17") ", p AS (" PG_PUT_PARAMS(                                                                                   \
          "t", "$5", "$6",                                                                                                                    \
          "$7") "),"                                                                                                                          \
                " v AS (" PG_PUT_VALUES("t", "$9") "), i AS (" PG_PUT_STEPS(                                                                  \
                    "t", "$10",                                                                                                               \
                    "$11") "),"                                                                                                               \
                           " a AS (" PG_PUT_ATTRS(                                                                                            \
                               "user", "NOT", "t", "$12", "$13",                                                                              \
                               "$14") "),"                                                                                                    \
                                      " b AS (" PG_PUT_ATTRS(                                                                                 \
                                          "system", "", "t", "$12", "$13",                                                                    \
                                          "$14") "),"                                                                                         \
                                                 " n AS (UPDATE aglm_process SET wrote = $15::bigint, wrote_trial = t.trial_id FROM t"        \
                                                 " WHERE process_id = $8::int), o AS (INSERT INTO aglm_owner (trial_id, process_id, started)" \
                                                 " SELECT t.trial_id, $16::int, $3::timestamp FROM t WHERE $16::int <> 0)"                    \
                                                 " SELECT trial_id, number FROM t")                                                           \
    X(TRIAL_ASKED, "SELECT t.trial_id, t.number FROM aglm_owner o JOIN trials t USING (trial_id)"                                             \
                   " WHERE o.process_id = $1::int AND o.started = $2::timestamp"                                                              \
                   " AND t.study_id = $3::int")                                                                                               \
    X(TRIAL_ADDED, "SELECT t.trial_id, t.number FROM aglm_process p"                                                                          \
                   " JOIN trials t ON t.trial_id = p.wrote_trial"                                                                             \
                   " WHERE p.process_id = $1::int AND p.wrote = $2::bigint")                                                                  \
    /* What does not wait never will again, and numbers come in order: $4 is where to look from.                                              \
     */                                                                                                                                       \
    X(TRIAL_CLAIM,                                                                                                                            \
      "WITH w AS (SELECT trial_id FROM trials WHERE study_id = $1::int AND number >= $4::int"                                                 \
      " AND state = 'WAITING' ORDER BY number LIMIT 1 FOR NO KEY UPDATE SKIP LOCKED),"                                                        \
      " t AS (UPDATE trials SET state = 'RUNNING', datetime_start = $2::timestamp FROM w"                                                     \
      " WHERE trials.trial_id = w.trial_id RETURNING trials.trial_id),"                                                                       \
      " o AS (INSERT INTO aglm_owner (trial_id, process_id, started)"                                                                         \
      " SELECT t.trial_id, $3::int, $2::timestamp FROM t WHERE $3::int <> 0"                                                                  \
      " ON CONFLICT (trial_id) DO UPDATE SET process_id = excluded.process_id,"                                                               \
      " started = excluded.started) SELECT trial_id FROM t")                                                                                  \
    X(WAITING_FROM,                                                                                                                           \
      "SELECT coalesce(min(number) FILTER (WHERE state = 'WAITING'), max(number) + 1)::int"                                                   \
      " FROM trials WHERE study_id = $1::int AND number >= $2::int")                                                                          \
    X(PARAMS_PUT,                                                                                                                             \
      "WITH " PG_OPEN_TRIAL ", p AS (" PG_PUT_PARAMS(                                                                                         \
          "t", "$3", "$4",                                                                                                                    \
          "$5") " ON CONFLICT (trial_id, param_name) DO UPDATE SET param_value = excluded.param_value,"                                       \
                " distribution_json = excluded.distribution_json) SELECT trial_id FROM t")                                                    \
    X(STEPS_PUT,                                                                                                                              \
      "WITH " PG_OPEN_TRIAL ", i AS (" PG_PUT_STEPS(                                                                                          \
          "t", "$3",                                                                                                                          \
          "$4") " ON CONFLICT (trial_id, step) DO UPDATE SET"                                                                                 \
                " intermediate_value = excluded.intermediate_value,"                                                                          \
                " intermediate_value_type = excluded.intermediate_value_type) SELECT trial_id FROM t")                                        \
    X(ATTRS_PUT,                                                                                                                              \
      "WITH " PG_OPEN_TRIAL ", a AS (" PG_PUT_ATTRS(                                                                                          \
          "user", "NOT", "t", "$3", "$4",                                                                                                     \
          "$5") " ON CONFLICT (trial_id, key) DO UPDATE SET value_json = excluded.value_json),"                                               \
                " b AS (" PG_PUT_ATTRS(                                                                                                       \
                    "system", "", "t", "$3", "$4",                                                                                            \
                    "$5") " ON CONFLICT (trial_id, key) DO UPDATE SET value_json = excluded.value_json)"                                      \
                          " SELECT trial_id FROM t")                                                                                          \
    X(TRIAL_END,                                                                                                                              \
      "WITH t AS (UPDATE trials SET state = $3::trialstate, datetime_complete = $2::timestamp"                                                \
      " WHERE trial_id = $1::int AND state IN ('RUNNING', 'WAITING')"                                                                         \
      " AND (cardinality($4::float8[]) = 0 AND $3 <> 'COMPLETE' OR cardinality($4::float8[]) ="                                               \
      " (SELECT count(*) FROM study_directions d WHERE d.study_id = trials.study_id))"                                                        \
      " RETURNING trial_id), v AS (" PG_PUT_VALUES(                                                                                           \
          "t",                                                                                                                                \
          "$4") "),"                                                                                                                          \
                " o AS (DELETE FROM aglm_owner USING t WHERE aglm_owner.trial_id = t.trial_id)"                                               \
                " SELECT trial_id FROM t")                                                                                                    \
    X(TRIAL_STATE, "SELECT state, number,"                                                                                                    \
                   " (SELECT count(*) FROM study_directions d WHERE d.study_id = t.study_id)"                                                 \
                   " FROM trials t WHERE trial_id = $1::int")                                                                                 \
    X(TRIAL_ROW, "SELECT trial_id, number, state, datetime_start, datetime_complete"                                                          \
                 " FROM trials WHERE trial_id = $1::int")                                                                                     \
    X(TRIAL_ROWS, "SELECT trial_id, number, state, datetime_start, datetime_complete FROM trials"                                             \
                  " WHERE study_id = $1::int AND number >= $2::int"                                                                           \
                  " ORDER BY number")                                                                                                         \
    X(TRIALS_CHANGED, "SELECT t.trial_id, t.number, t.state, t.datetime_start,"                                                               \
                      " t.datetime_complete FROM unnest($1::bigint[], $2::text[]) k(id, was)"                                                 \
                      " JOIN trials t ON t.trial_id = k.id::int WHERE t.state::text <> k.was"                                                 \
                      " ORDER BY t.trial_id")                                                                                                 \
    X(PARAM_ROWS, "SELECT trial_id, param_name, param_value, distribution_json, param_id"                                                     \
                  " FROM trial_params" PG_BETWEEN " ORDER BY trial_id")                                                                       \
    X(VALUE_ROWS, "SELECT trial_id, objective, value, value_type FROM trial_values" PG_BETWEEN                                                \
                  " ORDER BY trial_id, objective")                                                                                            \
    X(STEP_ROWS, "SELECT trial_id, step, intermediate_value, intermediate_value_type"                                                         \
                 " FROM trial_intermediate_values" PG_BETWEEN " ORDER BY trial_id, step")                                                     \
    X(ATTR_ROWS,                                                                                                                              \
      "SELECT trial_id, key, value_json, false AS system, trial_user_attribute_id AS id"                                                      \
      " FROM trial_user_attributes" PG_BETWEEN " UNION ALL"                                                                                   \
      " SELECT trial_id, key, value_json, true, trial_system_attribute_id"                                                                    \
      " FROM trial_system_attributes" PG_BETWEEN " ORDER BY trial_id, system, id")                                                            \
    X(PROCESS_NOTE, "INSERT INTO aglm_process (pid, start_ticks, boot, pidns, host)"                                                          \
                    " VALUES ($1::bigint, $2::bigint, $3, $4, $5)"                                                                            \
                    " ON CONFLICT (pid, start_ticks, boot, pidns, host)"                                                                      \
                    " DO UPDATE SET pid = excluded.pid RETURNING process_id")                                                                 \
    /* The server's clock in its own time zone, as Optuna writes it. */                                                                       \
    X(BEATS_PUT,                                                                                                                              \
      "INSERT INTO trial_heartbeats (trial_id, heartbeat)"                                                                                    \
      " SELECT t.trial_id, localtimestamp FROM unnest($1::bigint[]) k(id)"                                                                    \
      " JOIN trials t ON t.trial_id = k.id::int AND t.state = 'RUNNING' ORDER BY t.trial_id"                                                  \
      " ON CONFLICT (trial_id) DO UPDATE SET heartbeat = excluded.heartbeat")                                                                 \
    /* Under the lock of the study's row: the trial that this transaction made, if it made one. */                                            \
    X(BEAT_NEWEST, "INSERT INTO trial_heartbeats (trial_id, heartbeat)"                                                                       \
                   " SELECT t.trial_id, localtimestamp FROM (SELECT trial_id FROM trials"                                                     \
                   " WHERE study_id = $1::int ORDER BY number DESC LIMIT 1) t"                                                                \
                   " JOIN aglm_owner o ON o.trial_id = t.trial_id AND o.process_id = $2::int"                                                 \
                   " ON CONFLICT (trial_id) DO UPDATE SET heartbeat = excluded.heartbeat")                                                    \
    X(BEAT_DELETE, "DELETE FROM trial_heartbeats WHERE trial_id = $1::int")                                                                   \
    X(BEATS_OLD, "SELECT trial_id FROM trial_heartbeats"                                                                                      \
                 " WHERE heartbeat < localtimestamp - $1::bigint * interval '1 microsecond'")                                                 \
    X(BEATS_FAIL, "UPDATE trials t SET state = 'FAIL', datetime_complete = $3::timestamp"                                                     \
                  " FROM trial_heartbeats h WHERE t.trial_id = ANY ($2::bigint[])"                                                            \
                  " AND h.trial_id = t.trial_id AND t.study_id = $4::int AND t.state = 'RUNNING'"                                             \
                  " AND h.heartbeat < localtimestamp - $1::bigint * interval '1 microsecond'"                                                 \
                  " RETURNING t.trial_id")                                                                                                    \
    X(OWNER_ROWS, "SELECT o.trial_id, t.study_id,"                                                                                            \
                  " coalesce(t.state = 'RUNNING' AND t.datetime_start = o.started, false),"                                                   \
                  " p.pid, p.start_ticks, p.boot, p.pidns, p.host FROM aglm_owner o"                                                          \
                  " LEFT JOIN trials t ON t.trial_id = o.trial_id"                                                                            \
                  " LEFT JOIN aglm_process p ON p.process_id = o.process_id"                                                                  \
                  " ORDER BY o.trial_id")                                                                                                     \
    X(TRIALS_FAIL, "UPDATE trials t SET state = 'FAIL', datetime_complete = $2::timestamp"                                                    \
                   " FROM aglm_owner o WHERE t.trial_id = ANY ($1::bigint[])"                                                                 \
                   " AND t.state = 'RUNNING' AND o.trial_id = t.trial_id"                                                                     \
                   " AND o.started = t.datetime_start RETURNING t.trial_id")                                                                  \
    X(OWNERS_DELETE, "DELETE FROM aglm_owner o USING (SELECT a.id FROM"                                                                       \
                     " unnest($1::bigint[]) a(id)) a WHERE o.trial_id = a.id"                                                                 \
                     " AND NOT EXISTS (SELECT FROM trials t WHERE t.trial_id = o.trial_id"                                                    \
                     " AND t.state = 'RUNNING' AND t.datetime_start = o.started)")                                                            \
    X(DELETE_PARAMS, "DELETE FROM trial_params" PG_STUDYS_TRIALS)                                                                             \
    X(DELETE_VALUES, "DELETE FROM trial_values" PG_STUDYS_TRIALS)                                                                             \
    X(DELETE_STEPS, "DELETE FROM trial_intermediate_values" PG_STUDYS_TRIALS)                                                                 \
    X(DELETE_USER_ATTRS, "DELETE FROM trial_user_attributes" PG_STUDYS_TRIALS)                                                                \
    X(DELETE_SYSTEM_ATTRS, "DELETE FROM trial_system_attributes" PG_STUDYS_TRIALS)                                                            \
    X(DELETE_HEARTBEATS, "DELETE FROM trial_heartbeats" PG_STUDYS_TRIALS)                                                                     \
    X(DELETE_OWNERS, "DELETE FROM aglm_owner" PG_STUDYS_TRIALS)                                                                               \
    X(DELETE_TRIALS, "DELETE FROM trials WHERE study_id = $1::int")                                                                           \
    X(DELETE_DIRECTIONS, "DELETE FROM study_directions WHERE study_id = $1::int")                                                             \
    X(DELETE_STUDY_USER_ATTRS, "DELETE FROM study_user_attributes WHERE study_id = $1::int")                                                  \
    X(DELETE_STUDY_SYSTEM_ATTRS, "DELETE FROM study_system_attributes WHERE study_id = $1::int")                                              \
    X(DELETE_STUDY, "DELETE FROM studies WHERE study_id = $1::int RETURNING study_id")

typedef enum pg_sql {
#define PG_ENUM(name, text) PG_##name,
    PG_STATEMENTS(PG_ENUM)
#undef PG_ENUM
        PG_COUNT
} pg_sql;

#define PG_MAX_ARGS 17
#define PG_MAX_BATCH 16 /* statements of one exchange */

/* The parameters of one statement, in the store's scratch space. */
typedef struct pg_args {
    struct pg *q;
    int n;
    size_t element; /* where the array being filled has its number of elements */
    struct {
        size_t at; /* in q->scratch */
        int len;
        bool null;
        bool binary;
    } arg[PG_MAX_ARGS];
} pg_args;

typedef struct pg {
    aglm_store base;
    PGconn *conn; /* NULL while there is none */
    PQconninfoOption *options;
    char *label; /* user, host and database for messages: never the password */
    const char *password;
    pthread_mutex_t lock;
    bool locked_init;
    aglm_str scratch;
    /* the exchange that is being queued or was answered last */
    PGresult *result[PG_MAX_BATCH];
    int n_queued;
    int n_syncs;
    /* of the call in progress */
    bool again;  /* it failed by the connection or by a conflict: worth another try */
    bool unsure; /* an earlier try lost the connection: it may have been committed */
    bool schema; /* the tables were checked once */
    aglm_machine machine;
    int64_t own_start;
    int64_t own_process; /* this process's row in aglm_process, 0: not known */
    int64_t own_pid;
    int64_t study; /* whose number of objectives is remembered; 0: none */
    size_t objectives;
    int64_t waiting_study; /* no trial of it with a number below waiting_from waits */
    int64_t waiting_from;
    uint64_t nonce;
    int silence_ms; /* how long the server may say nothing in the call in progress */
} pg;

/* The work of a call; run again from the start when the server was away or others were in the way.
 */
typedef aglm_rc pg_work(pg *q, void *job, aglm_error *err);
aglm_rc pg_call(aglm_store *s, pg_work *work, void *job, aglm_error *err);

/* Connects and prepares the statements. */
aglm_rc pg_connect(pg *q, aglm_error *err);
void pg_disconnect(pg *q);
/* Creates or checks the tables. */
aglm_rc pg_schema_open(pg *q, aglm_error *err);
/* What the result (or, NULL, the connection) says went wrong; sets q->again. */
aglm_rc pg_fail(pg *q, const PGresult *res, aglm_error *err);
aglm_rc pg_no_memory(const pg *q, aglm_error *err);
/* Plain SQL at once, outside of the pipeline; *out (may be NULL) is the caller's to PQclear. */
aglm_rc pg_exec(pg *q, const char *sql, PGresult **out, aglm_error *err);

/* Parameters, in the order of their numbers. A failure shows in pg_queue. */
void pg_args_init(pg_args *a, pg *q);
void pg_put_int(pg_args *a, int64_t v);
void pg_put_text(pg_args *a, const char *text); /* NULL: SQL's NULL */
enum { PG_OID_BOOL = 16, PG_OID_INT8 = 20, PG_OID_TEXT = 25, PG_OID_FLOAT8 = 701 };
/* An array; then its elements, counted as they come. */
void pg_put_array(pg_args *a, int oid);
void pg_element_int(pg_args *a, int64_t v);
void pg_element_double(pg_args *a, double v);
void pg_element_bool(pg_args *a, bool v);
void pg_element_text(pg_args *a, const char *text);

/* A heartbeat of the trials, queued. */
aglm_rc pg_queue_beats(pg *q, const int64_t *trials, size_t n, aglm_error *err);
/* Queues a statement (args NULL: none). */
aglm_rc pg_queue(pg *q, pg_sql id, const pg_args *args, aglm_error *err);
/* What follows is another transaction. */
aglm_rc pg_queue_commit(pg *q, aglm_error *err);
/* Sends what is queued and waits for all answers, q->result in the order of the statements, good
 * until the next exchange; the first failure is the answer. */
aglm_rc pg_exchange(pg *q, aglm_error *err);
/* The second half of it, after pg_queue_commit: the server works while the caller does. */
aglm_rc pg_collect(pg *q, aglm_error *err);
/* One statement alone. */
aglm_rc pg_one(pg *q, pg_sql id, const pg_args *args, aglm_error *err);

/* Columns of an answer, as the server sends them in binary. */
int64_t pg_int(const PGresult *res, int row, int col);
double pg_double(const PGresult *res, int row, int col);
const char *pg_text(const PGresult *res, int row, int col); /* NULL is "" */

/* AGLM_NOTFOUND when the study is not there; *objectives may be NULL. */
aglm_rc pg_study_need(pg *q, int64_t study, size_t *objectives, aglm_error *err);

aglm_rc pg_study_named(pg *q, const char *name, int64_t *id, aglm_error *err);
/* Inside a transaction: locks the study of that name where it may be appended to, or makes it with
 * its attributes. */
aglm_rc pg_study_enter(pg *q, const aglm_study_whole *whole, bool append, int64_t *id,
                       aglm_error *err);

/* The operations of store_priv.h. */
aglm_rc pg_study_list(aglm_store *s, int64_t only, aglm_arena *a, aglm_study_row **out, size_t *n,
                      aglm_error *err);
aglm_rc pg_study_attrs(aglm_store *s, int64_t study, aglm_arena *a, aglm_attr_row **out, size_t *n,
                       aglm_error *err);
aglm_rc pg_trial_get(aglm_store *s, int64_t trial, aglm_arena *a, aglm_trial_row *out,
                     aglm_error *err);
aglm_rc pg_trials(aglm_store *s, int64_t study, int64_t from, aglm_arena *a, aglm_trial_row **out,
                  size_t *n, aglm_error *err);
aglm_rc pg_trials_changed(aglm_store *s, const aglm_trial_marks *known, aglm_arena *a,
                          aglm_trial_row **out, size_t *n, aglm_error *err);
aglm_rc pg_trial_new(aglm_store *s, int64_t study, aglm_trial_row *row, int64_t owner, bool next,
                     aglm_error *err);
aglm_rc pg_study_add(aglm_store *s, const aglm_study_whole *whole, bool append, aglm_error *err);
aglm_rc pg_trial_claim(aglm_store *s, int64_t study, int64_t owner, int64_t *id, aglm_error *err);
aglm_rc pg_trial_set_params(aglm_store *s, int64_t trial, const aglm_param_row *params, size_t n,
                            aglm_error *err);
aglm_rc pg_trial_report(aglm_store *s, int64_t trial, const aglm_step_row *step, aglm_error *err);
aglm_rc pg_trial_set_attr(aglm_store *s, int64_t trial, const aglm_attr_row *attr, aglm_error *err);
aglm_rc pg_trial_finish(aglm_store *s, int64_t trial, const aglm_trial_end *end, aglm_error *err);
aglm_rc pg_beat(aglm_store *s, const int64_t *trials, size_t n, aglm_error *err);
aglm_rc pg_reap(aglm_store *s, int64_t study, double grace_s, int64_t **ids, size_t *n,
                aglm_error *err);

#endif
