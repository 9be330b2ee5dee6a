#include <stdlib.h>
#include <string.h>

#include "store/store_postgres_priv.h"

#define ALEMBIC_HEAD "v3.2.0.a"
#define SCHEMA_VERSION "12"
#define LIBRARY_VERSION "5.0.0"

/* An enum type that is there already stays. */
#define MAKE_TYPE(name, words)                                                                     \
    "DO $$ BEGIN CREATE TYPE " name " AS ENUM (" words                                             \
    "); EXCEPTION WHEN duplicate_object THEN NULL; END $$;"

/* The types and tables as Optuna 5.0 creates them, to the letter and in its order. */
static const char optuna_types[] = MAKE_TYPE("studydirection", "'NOT_SET', 'MINIMIZE', 'MAXIMIZE'")
    MAKE_TYPE("trialstate", "'RUNNING', 'COMPLETE', 'PRUNED', 'FAIL', 'WAITING'")
        MAKE_TYPE("trialvaluetype", "'FINITE', 'INF_POS', 'INF_NEG'")
            MAKE_TYPE("trialintermediatevaluetype", "'FINITE', 'INF_POS', 'INF_NEG', 'NAN'");

static const char optuna_tables[] =
    "CREATE TABLE IF NOT EXISTS studies ("
    "study_id SERIAL NOT NULL, study_name VARCHAR(512) NOT NULL, PRIMARY KEY (study_id));"
    "CREATE UNIQUE INDEX IF NOT EXISTS ix_studies_study_name ON studies (study_name);"
    "CREATE TABLE IF NOT EXISTS version_info ("
    "version_info_id INTEGER NOT NULL, schema_version INTEGER, "
    "library_version VARCHAR(256), PRIMARY KEY (version_info_id), "
    "CHECK (version_info_id=1));"
    "CREATE TABLE IF NOT EXISTS study_directions ("
    "study_direction_id SERIAL NOT NULL, direction studydirection NOT NULL, "
    "study_id INTEGER NOT NULL, objective INTEGER NOT NULL, "
    "PRIMARY KEY (study_direction_id), UNIQUE (study_id, objective), "
    "FOREIGN KEY(study_id) REFERENCES studies (study_id));"
    "CREATE TABLE IF NOT EXISTS study_system_attributes ("
    "study_system_attribute_id SERIAL NOT NULL, study_id INTEGER, key VARCHAR(512), "
    "value_json TEXT, PRIMARY KEY (study_system_attribute_id), UNIQUE (study_id, key), "
    "FOREIGN KEY(study_id) REFERENCES studies (study_id));"
    "CREATE TABLE IF NOT EXISTS study_user_attributes ("
    "study_user_attribute_id SERIAL NOT NULL, study_id INTEGER, key VARCHAR(512), "
    "value_json TEXT, PRIMARY KEY (study_user_attribute_id), UNIQUE (study_id, key), "
    "FOREIGN KEY(study_id) REFERENCES studies (study_id));"
    "CREATE TABLE IF NOT EXISTS trials ("
    "trial_id SERIAL NOT NULL, number INTEGER, study_id INTEGER, "
    "state trialstate NOT NULL, datetime_start TIMESTAMP WITHOUT TIME ZONE, "
    "datetime_complete TIMESTAMP WITHOUT TIME ZONE, PRIMARY KEY (trial_id), "
    "FOREIGN KEY(study_id) REFERENCES studies (study_id));"
    "CREATE INDEX IF NOT EXISTS ix_trials_study_id ON trials (study_id);"
    "CREATE TABLE IF NOT EXISTS trial_heartbeats ("
    "trial_heartbeat_id SERIAL NOT NULL, trial_id INTEGER NOT NULL, "
    "heartbeat TIMESTAMP WITHOUT TIME ZONE NOT NULL, PRIMARY KEY (trial_heartbeat_id), "
    "UNIQUE (trial_id), FOREIGN KEY(trial_id) REFERENCES trials (trial_id));"
    "CREATE TABLE IF NOT EXISTS trial_intermediate_values ("
    "trial_intermediate_value_id SERIAL NOT NULL, trial_id INTEGER NOT NULL, "
    "step INTEGER NOT NULL, intermediate_value FLOAT(53), "
    "intermediate_value_type trialintermediatevaluetype NOT NULL, "
    "PRIMARY KEY (trial_intermediate_value_id), UNIQUE (trial_id, step), "
    "FOREIGN KEY(trial_id) REFERENCES trials (trial_id));"
    "CREATE TABLE IF NOT EXISTS trial_params ("
    "param_id SERIAL NOT NULL, trial_id INTEGER, param_name VARCHAR(512), "
    "param_value FLOAT(53), distribution_json TEXT, PRIMARY KEY (param_id), "
    "UNIQUE (trial_id, param_name), FOREIGN KEY(trial_id) REFERENCES trials (trial_id));"
    "CREATE TABLE IF NOT EXISTS trial_system_attributes ("
    "trial_system_attribute_id SERIAL NOT NULL, trial_id INTEGER, key VARCHAR(512), "
    "value_json TEXT, PRIMARY KEY (trial_system_attribute_id), UNIQUE (trial_id, key), "
    "FOREIGN KEY(trial_id) REFERENCES trials (trial_id));"
    "CREATE TABLE IF NOT EXISTS trial_user_attributes ("
    "trial_user_attribute_id SERIAL NOT NULL, trial_id INTEGER, key VARCHAR(512), "
    "value_json TEXT, PRIMARY KEY (trial_user_attribute_id), UNIQUE (trial_id, key), "
    "FOREIGN KEY(trial_id) REFERENCES trials (trial_id));"
    "CREATE TABLE IF NOT EXISTS trial_values ("
    "trial_value_id SERIAL NOT NULL, trial_id INTEGER NOT NULL, "
    "objective INTEGER NOT NULL, value FLOAT(53), value_type trialvaluetype NOT NULL, "
    "PRIMARY KEY (trial_value_id), UNIQUE (trial_id, objective), "
    "FOREIGN KEY(trial_id) REFERENCES trials (trial_id));"
    "CREATE TABLE IF NOT EXISTS alembic_version (version_num VARCHAR(32) NOT NULL,"
    " CONSTRAINT alembic_version_pkc PRIMARY KEY (version_num));";

static const char version_rows[] = "INSERT INTO version_info SELECT 1, " SCHEMA_VERSION
                                   ", '" LIBRARY_VERSION "'"
                                   " WHERE NOT EXISTS (SELECT 1 FROM version_info);"
                                   "INSERT INTO alembic_version SELECT '" ALEMBIC_HEAD "'"
                                   " WHERE NOT EXISTS (SELECT 1 FROM alembic_version);";

/* Who runs a trial (`started` repeats its datetime_start: another may have taken it over), and what
 * a process wrote last, which tells after a lost connection whether it was kept. */
static const char own_tables[] =
    "CREATE TABLE IF NOT EXISTS aglm_process (process_id SERIAL PRIMARY KEY, pid BIGINT NOT NULL,"
    " start_ticks BIGINT NOT NULL, boot TEXT NOT NULL, pidns TEXT NOT NULL, host TEXT NOT NULL,"
    " wrote BIGINT, wrote_trial INTEGER, UNIQUE (pid, start_ticks, boot, pidns, host));"
    "CREATE TABLE IF NOT EXISTS aglm_owner (trial_id INTEGER PRIMARY KEY,"
    " process_id INTEGER NOT NULL, started TIMESTAMP NOT NULL);"
    "CREATE INDEX IF NOT EXISTS aglm_trials_number ON trials (study_id, number);"
    /* An index that names the state, as ours once did, would make every change of it write anew
     * into all indexes of the table; so does a page without room for the row's next version. */
    "DROP INDEX IF EXISTS aglm_trials_waiting; ALTER TABLE trials SET (fillfactor = 70);";

/* Two programs that make the tables of one database at once take turns. */
#define SCHEMA_LOCK "SELECT pg_advisory_xact_lock(1095191629)"
#define ALL_PARTS                                                                                  \
    16 /* Optuna's tables and ours with our index; an old one of ours counts against it */

static const char census[] =
    "SELECT count(to_regclass(name)) - count(to_regclass('aglm_trials_waiting')),"
    " to_regclass('studies') IS NOT NULL,"
    " to_regclass('alembic_version') IS NOT NULL, to_regclass('version_info') IS NOT NULL"
    " FROM unnest(ARRAY['studies', 'version_info', 'study_directions', 'study_user_attributes',"
    " 'study_system_attributes', 'trials', 'trial_user_attributes', 'trial_system_attributes',"
    " 'trial_params', 'trial_values', 'trial_intermediate_values', 'trial_heartbeats',"
    " 'alembic_version', 'aglm_process', 'aglm_owner', 'aglm_trials_number'])"
    " name";

static bool is_true(const PGresult *res, int col)
{
    return PQgetvalue(res, 0, col)[0] == 't';
}

/* Optuna's own rule: only the alembic row counts; where there is none yet, the older
 * schema_version tells whether the tables are of today's form. */
static aglm_rc check_version(pg *q, bool alembic, bool version_info, aglm_error *err)
{
    PGresult *res = NULL;
    const char *want = alembic ? ALEMBIC_HEAD : SCHEMA_VERSION;
    aglm_rc rc = pg_exec(q,
                         alembic        ? "SELECT version_num FROM alembic_version"
                         : version_info ? "SELECT schema_version FROM version_info"
                                        : "SELECT WHERE false",
                         &res, err);

    if (rc != AGLM_OK)
        return rc;
    if (PQntuples(res) > 0 && strcmp(PQgetvalue(res, 0, 0), want) != 0)
        rc = aglm_error_set(err, AGLM_FORMAT,
                            "%s: schema version %.40s, but this program speaks " ALEMBIC_HEAD
                            " (Optuna 3.2 to 5); an older one is lifted by: optuna storage upgrade "
                            "--storage URL",
                            q->label, PQgetvalue(res, 0, 0));
    bool none = PQntuples(res) == 0;
    PQclear(res);
    if (rc == AGLM_OK && none && alembic)
        return check_version(q, false, version_info, err);
    return rc;
}

static aglm_rc check_tables(pg *q, int64_t *parts, aglm_error *err)
{
    PGresult *res = NULL;
    aglm_rc rc = pg_exec(q, census, &res, err);

    if (rc != AGLM_OK)
        return rc;
    *parts = strtoll(PQgetvalue(res, 0, 0), NULL, 10);
    bool studies = is_true(res, 1);
    bool alembic = is_true(res, 2);
    bool version_info = is_true(res, 3);
    PQclear(res);
    return studies ? check_version(q, alembic, version_info, err) : AGLM_OK;
}

aglm_rc pg_schema_open(pg *q, aglm_error *err)
{
    static const char *const steps[] = {optuna_types, optuna_tables, version_rows, own_tables};
    int64_t parts = 0;
    aglm_rc rc = check_tables(q, &parts, err);

    if (rc != AGLM_OK || parts == ALL_PARTS)
        return rc;
    rc = pg_exec(q, "BEGIN", NULL, err);
    if (rc == AGLM_OK)
        rc = pg_exec(q, SCHEMA_LOCK, NULL, err);
    if (rc == AGLM_OK)
        rc = check_tables(q, &parts, err);
    for (int i = 0; rc == AGLM_OK && i < 4; i++)
        rc = pg_exec(q, steps[i], NULL, err);
    if (rc == AGLM_OK)
        rc = pg_exec(q, "COMMIT", NULL, err);
    return rc;
}
