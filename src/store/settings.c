#include "store/settings.h"

#include <math.h>
#include <sqlite3.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "base/memory.h"

#define BUSY_MS 10000
#define VERSION 1

struct aglm_settings {
    sqlite3 *db;
    char *path;
};

static const char SCHEMA[] =
    "BEGIN IMMEDIATE;"
    "CREATE TABLE IF NOT EXISTS arms (model TEXT NOT NULL, task TEXT NOT NULL, name TEXT NOT NULL, params TEXT NOT NULL,"
    " source TEXT NOT NULL, n INTEGER NOT NULL DEFAULT 0, mean REAL NOT NULL DEFAULT 0, m2 REAL NOT NULL DEFAULT 0,"
    " seconds REAL NOT NULL DEFAULT 0, PRIMARY KEY (model, task, name)) WITHOUT ROWID;"
    "PRAGMA user_version = 1;"
    "COMMIT;";

static aglm_rc fail(const aglm_settings *p, aglm_error *err)
{
    int code = sqlite3_errcode(p->db);

    if (code == SQLITE_NOMEM)
        return aglm_error_set(err, AGLM_NOMEM, "%s: out of memory", p->path);
    if (code == SQLITE_BUSY)
        return aglm_error_set(err, AGLM_BUSY, "%s: locked by another process for over %d s",
                              p->path, BUSY_MS / 1000);
    if (code == SQLITE_NOTADB || code == SQLITE_CORRUPT)
        return aglm_error_set(err, AGLM_FORMAT,
                              "%s: %s; move it away, and what was learned starts anew", p->path,
                              sqlite3_errmsg(p->db));
    return aglm_error_set(err, AGLM_IO, "%s: %s", p->path, sqlite3_errmsg(p->db));
}

static aglm_rc statement(aglm_settings *p, sqlite3_stmt **st, const char *sql, aglm_error *err)
{
    return sqlite3_prepare_v2(p->db, sql, -1, st, NULL) == SQLITE_OK ? AGLM_OK : fail(p, err);
}

static aglm_rc version_of(aglm_settings *p, int *version, aglm_error *err)
{
    sqlite3_stmt *st = NULL;
    aglm_rc rc = statement(p, &st, "PRAGMA user_version", err);

    if (rc == AGLM_OK && sqlite3_step(st) != SQLITE_ROW)
        rc = fail(p, err);
    if (rc == AGLM_OK)
        *version = sqlite3_column_int(st, 0);
    sqlite3_finalize(st);
    return rc;
}

static aglm_rc prepare_file(aglm_settings *p, aglm_error *err)
{
    int version = 0;
    aglm_rc rc;

    sqlite3_busy_timeout(p->db, BUSY_MS);
    rc = version_of(p, &version, err);
    if (rc == AGLM_OK && version > VERSION)
        return aglm_error_set(err, AGLM_FORMAT,
                              "%s: written by a newer autoglm; use that one, or another file",
                              p->path);
    if (rc != AGLM_OK || version == VERSION)
        return rc;
    if (sqlite3_exec(p->db, "PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL", NULL, NULL,
                     NULL) != SQLITE_OK ||
        sqlite3_exec(p->db, SCHEMA, NULL, NULL, NULL) != SQLITE_OK)
        return fail(p, err);
    return AGLM_OK;
}

static aglm_rc make_folder(const char *path, aglm_error *err)
{
    const char *slash = strrchr(path, '/');
    char *folder = slash && slash > path ? strndup(path, (size_t)(slash - path)) : NULL;
    aglm_rc rc = folder ? aglm_dir_make(folder, err) : AGLM_OK;

    free(folder);
    return rc;
}

aglm_rc aglm_settings_open(aglm_settings **out, const char *path, aglm_error *err)
{
    aglm_settings *p = aglm_calloc(1, sizeof *p);

    *out = NULL;
    if (!p || !(p->path = strdup(path))) {
        free(p);
        return aglm_error_set(err, AGLM_NOMEM, "no memory for %s", path);
    }
    aglm_rc rc = make_folder(path, err);
    if (rc == AGLM_OK && sqlite3_open(path, &p->db) != SQLITE_OK)
        rc = p->db ? fail(p, err) : aglm_error_set(err, AGLM_NOMEM, "no memory for %s", path);
    if (rc == AGLM_OK)
        rc = prepare_file(p, err);
    if (rc != AGLM_OK) {
        aglm_settings_close(p);
        return rc;
    }
    *out = p;
    return rc;
}

void aglm_settings_close(aglm_settings *p)
{
    if (!p)
        return;
    sqlite3_close(p->db);
    free(p->path);
    free(p);
}

static void bind_texts(sqlite3_stmt *st, const char *const *texts, int n)
{
    for (int i = 0; i < n; i++)
        sqlite3_bind_text(st, i + 1, texts[i], -1, SQLITE_STATIC);
}

static aglm_rc run(aglm_settings *p, sqlite3_stmt *st, aglm_error *err)
{
    aglm_rc rc = sqlite3_step(st) == SQLITE_DONE ? AGLM_OK : fail(p, err);

    sqlite3_finalize(st);
    return rc;
}

aglm_rc aglm_settings_offer(aglm_settings *p, const aglm_setting_key *key, const aglm_setting *arm,
                            aglm_error *err)
{
    const char *const texts[] = {key->model, key->task, arm->name, arm->params, arm->source};
    sqlite3_stmt *st = NULL;

    if (!*arm->name || strlen(arm->name) > AGLM_SETTING_MAX_NAME)
        return aglm_error_set(err, AGLM_INVALID, "a setting's name has 1 to %d bytes: %.80s",
                              AGLM_SETTING_MAX_NAME, arm->name);
    if (strlen(arm->params) > AGLM_SETTING_MAX_PARAMS)
        return aglm_error_set(err, AGLM_LIMIT, "%s: its parameters take more than %d bytes",
                              arm->name, AGLM_SETTING_MAX_PARAMS);
    aglm_rc rc = statement(
        p, &st,
        "INSERT INTO arms (model, task, name, params, source) VALUES (?1, ?2, ?3, ?4, ?5) ON CONFLICT DO UPDATE"
        " SET params = ?4, source = ?5, n = 0, mean = 0, m2 = 0, seconds = 0 WHERE params <> ?4",
        err);
    if (rc != AGLM_OK)
        return rc;
    bind_texts(st, texts, 5);
    return run(p, st, err);
}

static const char *keep(aglm_arena *arena, sqlite3_stmt *st, int column)
{
    const char *text = (const char *)sqlite3_column_text(st, column);

    return aglm_arena_strdup(arena, text ? text : "");
}

static bool read_arm(aglm_setting *arm, sqlite3_stmt *st, aglm_arena *arena)
{
    *arm = (aglm_setting){.name = keep(arena, st, 0),
                          .params = keep(arena, st, 1),
                          .source = keep(arena, st, 2),
                          .n = sqlite3_column_int64(st, 3),
                          .mean = sqlite3_column_double(st, 4),
                          .m2 = sqlite3_column_double(st, 5),
                          .seconds = sqlite3_column_double(st, 6)};
    return arm->name && arm->params && arm->source;
}

aglm_rc aglm_settings_list(aglm_settings *p, const aglm_setting_key *key, aglm_arena *arena,
                           aglm_setting **arms, size_t *n, aglm_error *err)
{
    const char *const texts[] = {key->model, key->task};
    sqlite3_stmt *st = NULL;
    int code = SQLITE_DONE;

    *n = 0;
    *arms = aglm_arena_alloc(arena, AGLM_SETTINGS_MAX * sizeof **arms);
    aglm_rc rc =
        *arms
            ? statement(
                  p, &st,
                  "SELECT name, params, source, n, mean, m2, seconds FROM arms WHERE model = ?1 AND task = ?2"
                  " ORDER BY name LIMIT 256",
                  err)
            : aglm_error_set(err, AGLM_NOMEM, "no memory for settings");
    if (rc == AGLM_OK)
        bind_texts(st, texts, 2);
    while (rc == AGLM_OK && (code = sqlite3_step(st)) == SQLITE_ROW)
        if (!read_arm(&(*arms)[(*n)++], st, arena))
            rc = aglm_error_set(err, AGLM_NOMEM, "no memory for settings");
    if (rc == AGLM_OK && code != SQLITE_DONE)
        rc = fail(p, err);
    sqlite3_finalize(st);
    return rc;
}

aglm_rc aglm_settings_learn(aglm_settings *p, const aglm_setting_key *key, const char *name,
                            double reward, double seconds, aglm_error *err)
{
    const char *const texts[] = {key->model, key->task, name};
    sqlite3_stmt *st = NULL;

    if (!(reward >= 0 && reward <= 1) || !(seconds >= 0 && isfinite(seconds)))
        return aglm_error_set(err, AGLM_INVALID,
                              "a reward of %g in %g s: it must lie within 0 and 1", reward,
                              seconds);
    /* Welford's update in one statement: on the right stand the old values. */
    aglm_rc rc = statement(
        p, &st,
        "UPDATE arms SET n = n + 1, mean = mean + (?4 - mean) / (n + 1),"
        " m2 = m2 + (?4 - mean) * (?4 - mean - (?4 - mean) / (n + 1)), seconds = seconds + (?5 - seconds) / (n + 1)"
        " WHERE model = ?1 AND task = ?2 AND name = ?3",
        err);
    if (rc != AGLM_OK)
        return rc;
    bind_texts(st, texts, 3);
    sqlite3_bind_double(st, 4, reward);
    sqlite3_bind_double(st, 5, seconds);
    rc = run(p, st, err);
    if (rc == AGLM_OK && sqlite3_changes(p->db) == 0)
        return aglm_error_set(err, AGLM_NOTFOUND, "no setting %s of this model and task", name);
    return rc;
}
