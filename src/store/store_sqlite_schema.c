#include "store/store_sqlite_priv.h"

#include <string.h>
#include <unistd.h>

#define ALEMBIC_HEAD "v3.2.0.a"
#define SCHEMA_VERSION 12
#define LIBRARY_VERSION "5.0.0"
#define WAL_TRIES 50 /* of 10 ms: others may be switching the same file */

/* The tables as Optuna 5.0 creates them, to the letter and in its order. */
static const char optuna_tables[] =
    "CREATE TABLE IF NOT EXISTS studies (\n"
    "\tstudy_id INTEGER NOT NULL, \n"
    "\tstudy_name VARCHAR(512) NOT NULL, \n"
    "\tPRIMARY KEY (study_id)\n"
    ");"
    "CREATE UNIQUE INDEX IF NOT EXISTS ix_studies_study_name ON studies (study_name);"
    "CREATE TABLE IF NOT EXISTS version_info (\n"
    "\tversion_info_id INTEGER NOT NULL, \n"
    "\tschema_version INTEGER, \n"
    "\tlibrary_version VARCHAR(256), \n"
    "\tPRIMARY KEY (version_info_id), \n"
    "\tCHECK (version_info_id=1)\n"
    ");"
    "CREATE TABLE IF NOT EXISTS study_directions (\n"
    "\tstudy_direction_id INTEGER NOT NULL, \n"
    "\tdirection VARCHAR(8) NOT NULL, \n"
    "\tstudy_id INTEGER NOT NULL, \n"
    "\tobjective INTEGER NOT NULL, \n"
    "\tPRIMARY KEY (study_direction_id), \n"
    "\tUNIQUE (study_id, objective), \n"
    "\tFOREIGN KEY(study_id) REFERENCES studies (study_id)\n"
    ");"
    "CREATE TABLE IF NOT EXISTS study_user_attributes (\n"
    "\tstudy_user_attribute_id INTEGER NOT NULL, \n"
    "\tstudy_id INTEGER, \n"
    "\t\"key\" VARCHAR(512), \n"
    "\tvalue_json TEXT, \n"
    "\tPRIMARY KEY (study_user_attribute_id), \n"
    "\tUNIQUE (study_id, \"key\"), \n"
    "\tFOREIGN KEY(study_id) REFERENCES studies (study_id)\n"
    ");"
    "CREATE TABLE IF NOT EXISTS study_system_attributes (\n"
    "\tstudy_system_attribute_id INTEGER NOT NULL, \n"
    "\tstudy_id INTEGER, \n"
    "\t\"key\" VARCHAR(512), \n"
    "\tvalue_json TEXT, \n"
    "\tPRIMARY KEY (study_system_attribute_id), \n"
    "\tUNIQUE (study_id, \"key\"), \n"
    "\tFOREIGN KEY(study_id) REFERENCES studies (study_id)\n"
    ");"
    "CREATE TABLE IF NOT EXISTS trials (\n"
    "\ttrial_id INTEGER NOT NULL, \n"
    "\tnumber INTEGER, \n"
    "\tstudy_id INTEGER, \n"
    "\tstate VARCHAR(8) NOT NULL, \n"
    "\tdatetime_start DATETIME, \n"
    "\tdatetime_complete DATETIME, \n"
    "\tPRIMARY KEY (trial_id), \n"
    "\tFOREIGN KEY(study_id) REFERENCES studies (study_id)\n"
    ");"
    "CREATE INDEX IF NOT EXISTS ix_trials_study_id ON trials (study_id);"
    "CREATE TABLE IF NOT EXISTS trial_user_attributes (\n"
    "\ttrial_user_attribute_id INTEGER NOT NULL, \n"
    "\ttrial_id INTEGER, \n"
    "\t\"key\" VARCHAR(512), \n"
    "\tvalue_json TEXT, \n"
    "\tPRIMARY KEY (trial_user_attribute_id), \n"
    "\tUNIQUE (trial_id, \"key\"), \n"
    "\tFOREIGN KEY(trial_id) REFERENCES trials (trial_id)\n"
    ");"
    "CREATE TABLE IF NOT EXISTS trial_system_attributes (\n"
    "\ttrial_system_attribute_id INTEGER NOT NULL, \n"
    "\ttrial_id INTEGER, \n"
    "\t\"key\" VARCHAR(512), \n"
    "\tvalue_json TEXT, \n"
    "\tPRIMARY KEY (trial_system_attribute_id), \n"
    "\tUNIQUE (trial_id, \"key\"), \n"
    "\tFOREIGN KEY(trial_id) REFERENCES trials (trial_id)\n"
    ");"
    "CREATE TABLE IF NOT EXISTS trial_params (\n"
    "\tparam_id INTEGER NOT NULL, \n"
    "\ttrial_id INTEGER, \n"
    "\tparam_name VARCHAR(512), \n"
    "\tparam_value FLOAT, \n"
    "\tdistribution_json TEXT, \n"
    "\tPRIMARY KEY (param_id), \n"
    "\tUNIQUE (trial_id, param_name), \n"
    "\tFOREIGN KEY(trial_id) REFERENCES trials (trial_id)\n"
    ");"
    "CREATE TABLE IF NOT EXISTS trial_values (\n"
    "\ttrial_value_id INTEGER NOT NULL, \n"
    "\ttrial_id INTEGER NOT NULL, \n"
    "\tobjective INTEGER NOT NULL, \n"
    "\tvalue FLOAT, \n"
    "\tvalue_type VARCHAR(7) NOT NULL, \n"
    "\tPRIMARY KEY (trial_value_id), \n"
    "\tUNIQUE (trial_id, objective), \n"
    "\tFOREIGN KEY(trial_id) REFERENCES trials (trial_id)\n"
    ");"
    "CREATE TABLE IF NOT EXISTS trial_intermediate_values (\n"
    "\ttrial_intermediate_value_id INTEGER NOT NULL, \n"
    "\ttrial_id INTEGER NOT NULL, \n"
    "\tstep INTEGER NOT NULL, \n"
    "\tintermediate_value FLOAT, \n"
    "\tintermediate_value_type VARCHAR(7) NOT NULL, \n"
    "\tPRIMARY KEY (trial_intermediate_value_id), \n"
    "\tUNIQUE (trial_id, step), \n"
    "\tFOREIGN KEY(trial_id) REFERENCES trials (trial_id)\n"
    ");"
    "CREATE TABLE IF NOT EXISTS trial_heartbeats (\n"
    "\ttrial_heartbeat_id INTEGER NOT NULL, \n"
    "\ttrial_id INTEGER NOT NULL, \n"
    "\theartbeat DATETIME NOT NULL, \n"
    "\tPRIMARY KEY (trial_heartbeat_id), \n"
    "\tUNIQUE (trial_id), \n"
    "\tFOREIGN KEY(trial_id) REFERENCES trials (trial_id)\n"
    ");"
    "CREATE TABLE IF NOT EXISTS alembic_version (\n"
    "\tversion_num VARCHAR(32) NOT NULL, \n"
    "\tCONSTRAINT alembic_version_pkc PRIMARY KEY (version_num)\n"
    ");";

static const char version_rows[] = "INSERT INTO version_info SELECT 1, 12, '" LIBRARY_VERSION "'"
                                   " WHERE NOT EXISTS (SELECT 1 FROM version_info);"
                                   "INSERT INTO alembic_version SELECT '" ALEMBIC_HEAD "'"
                                   " WHERE NOT EXISTS (SELECT 1 FROM alembic_version);";

/* Who runs a trial. `started` repeats the trial's datetime_start: SQLite gives ids of deleted
 * trials again, and Optuna deletes without knowing this table. */
static const char own_tables[] =
    "CREATE TABLE IF NOT EXISTS aglm_process (process_id INTEGER PRIMARY KEY,"
    " pid INTEGER NOT NULL, start_ticks INTEGER NOT NULL, boot TEXT NOT NULL,"
    " pidns TEXT NOT NULL, host TEXT NOT NULL, UNIQUE (pid, start_ticks, boot, pidns, host));"
    "CREATE TABLE IF NOT EXISTS aglm_owner (trial_id INTEGER PRIMARY KEY,"
    " process_id INTEGER NOT NULL, started TEXT NOT NULL);"
    "CREATE INDEX IF NOT EXISTS aglm_trials_waiting ON trials (study_id) WHERE state = 'WAITING';";

#define OPTUNA_TABLES 13
#define OWN_PARTS 3

/* What sqlite_master holds. */
typedef struct census {
    int64_t all; /* tables of any name */
    int64_t optuna;
    int64_t own;
    bool studies;
    bool alembic;
    bool version_info;
} census;

/* One number, or `otherwise` when there is no row. */
static aglm_rc ask_int(sq *q, const char *sql, int64_t otherwise, int64_t *out, aglm_error *err)
{
    sqlite3_stmt *st = NULL;
    aglm_rc rc = AGLM_OK;

    *out = otherwise;
    if (sqlite3_prepare_v2(q->db, sql, -1, &st, NULL) != SQLITE_OK)
        return sq_fail(q, err);
    int code = sqlite3_step(st);
    if (code == SQLITE_ROW)
        *out = sqlite3_column_int64(st, 0);
    else if (code != SQLITE_DONE)
        rc = sq_fail(q, err);
    sqlite3_finalize(st);
    return rc;
}

static aglm_rc take_census(sq *q, census *c, aglm_error *err)
{
    int64_t n = 0;
    aglm_rc rc = ask_int(q, "SELECT count(*) FROM sqlite_master WHERE type = 'table'", 0, &c->all,
                         err);

    if (!rc)
        rc = ask_int(q,
                     "SELECT count(*) FROM sqlite_master WHERE type = 'table' AND name IN"
                     " ('studies', 'version_info', 'study_directions', 'study_user_attributes',"
                     " 'study_system_attributes', 'trials', 'trial_user_attributes',"
                     " 'trial_system_attributes', 'trial_params', 'trial_values',"
                     " 'trial_intermediate_values', 'trial_heartbeats', 'alembic_version')",
                     0, &c->optuna, err);
    if (!rc)
        rc = ask_int(q,
                     "SELECT count(*) FROM sqlite_master WHERE name IN"
                     " ('aglm_process', 'aglm_owner', 'aglm_trials_waiting')",
                     0, &c->own, err);
    if (!rc)
        rc = ask_int(q,
                     "SELECT sum((name = 'studies') + 2 * (name = 'alembic_version') +"
                     " 4 * (name = 'version_info')) FROM sqlite_master WHERE type = 'table'",
                     0, &n, err);
    c->studies = n & 1;
    c->alembic = n & 2;
    c->version_info = n & 4;
    return rc;
}

/* Optuna's own rule: only the alembic row counts; where there is none yet, the older
 * schema_version tells whether the tables are of today's form. */
static aglm_rc check_version(sq *q, const census *c, aglm_error *err)
{
    sqlite3_stmt *st = NULL;
    int64_t schema = SCHEMA_VERSION;
    aglm_rc rc = AGLM_OK;

    if (c->version_info)
        rc = ask_int(q, "SELECT schema_version FROM version_info", SCHEMA_VERSION, &schema, err);
    if (rc)
        return rc;
    if (c->alembic && sqlite3_prepare_v2(q->db, "SELECT version_num FROM alembic_version", -1, &st,
                                         NULL) != SQLITE_OK)
        return sq_fail(q, err);
    int code = st ? sqlite3_step(st) : SQLITE_DONE;
    const char *found = code == SQLITE_ROW ? (const char *)sqlite3_column_text(st, 0) : NULL;
    if (found && strcmp(found, ALEMBIC_HEAD) != 0)
        rc = aglm_error_set(err, AGLM_FORMAT,
                            "%s: schema version %.40s, but this program speaks " ALEMBIC_HEAD
                            " (Optuna 3.2 to 5); an older one is lifted by: optuna storage upgrade "
                            "--storage sqlite:///%s",
                            q->path, found, q->path);
    else if (code != SQLITE_ROW && code != SQLITE_DONE)
        rc = sq_fail(q, err);
    else if (!found && schema != SCHEMA_VERSION)
        rc = aglm_error_set(err, AGLM_FORMAT,
                            "%s: schema version %lld of an old Optuna, but this program speaks "
                            "%d (" ALEMBIC_HEAD "); lift it by: optuna storage upgrade --storage "
                            "sqlite:///%s",
                            q->path, (long long)schema, SCHEMA_VERSION, q->path);
    sqlite3_finalize(st);
    return rc;
}

static aglm_rc check_tables(sq *q, census *c, aglm_error *err)
{
    aglm_rc rc = take_census(q, c, err);

    if (rc || c->all == 0)
        return rc;
    if (!c->studies)
        return aglm_error_set(err, AGLM_FORMAT,
                              "%s: a SQLite database of something else (no table studies); give "
                              "another path",
                              q->path);
    return check_version(q, c, err);
}

/* Is the file in WAL mode now? Others that hold the file just now leave it as it is. */
static bool use_wal(sq *q)
{
    bool wal = false;
    int code = SQLITE_BUSY;

    sq_set_patient(q, false);
    for (int i = 0; i < WAL_TRIES && code == SQLITE_BUSY; i++) {
        sqlite3_stmt *st = NULL;
        const unsigned char *mode = NULL;
        code = sqlite3_prepare_v2(q->db, "PRAGMA journal_mode = WAL", -1, &st, NULL);
        if (code == SQLITE_OK)
            code = sqlite3_step(st);
        if (code == SQLITE_ROW)
            mode = sqlite3_column_text(st, 0);
        wal = mode && strcmp((const char *)mode, "wal") == 0;
        sqlite3_finalize(st);
        if (code == SQLITE_BUSY)
            usleep(10000);
    }
    sq_set_patient(q, true);
    return wal;
}

static aglm_rc create_tables(sq *q, aglm_error *err)
{
    census c;
    aglm_rc rc = sq_begin(q, true, err);

    if (rc)
        return rc;
    rc = check_tables(q, &c, err);
    if (!rc)
        rc = sq_exec(q, optuna_tables, err);
    if (!rc)
        rc = sq_exec(q, version_rows, err);
    if (!rc)
        rc = sq_exec(q, own_tables, err);
    return sq_end(q, rc, err);
}

aglm_rc sq_schema_open(sq *q, aglm_error *err)
{
    census c;
    aglm_rc rc = sq_exec(q, "PRAGMA trusted_schema = OFF; PRAGMA cache_size = -16000", err);

    if (!rc)
        rc = check_tables(q, &c, err);
    if (rc)
        return rc;
    bool read_only = sqlite3_db_readonly(q->db, "main") == 1;
    if (read_only && c.optuna == OPTUNA_TABLES)
        return AGLM_OK;
    /* In WAL mode NORMAL keeps every commit through the death of the process; only a power cut
     * may take the last ones. A file left in another mode keeps SQLite's FULL. */
    if (!read_only && use_wal(q))
        rc = sq_exec(q,
                     "PRAGMA synchronous = NORMAL; PRAGMA wal_autocheckpoint = 4000;"
                     " PRAGMA journal_size_limit = 67108864",
                     err);
    if (!rc && (c.optuna != OPTUNA_TABLES || c.own != OWN_PARTS))
        rc = create_tables(q, err);
    return rc;
}
