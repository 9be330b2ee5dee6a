#include "store/store_sqlite_priv.h"

#include <errno.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/memory.h"

#define BUSY_LIMIT_S 30.0
#define BUSY_STEP_US 250u /* the wait grows by this a try, so that many writers share fairly */
#define BUSY_MAX_US 5000u

static const char *const sq_text[SQ_COUNT] = {
#define SQ_TEXT(name, text) text,
    SQ_STATEMENTS(SQ_TEXT)
#undef SQ_TEXT
};

static aglm_rc fail_io(sq *q, int code, aglm_error *err)
{
    int sys = sqlite3_system_errno(q->db);

    if (code == SQLITE_FULL || sys == ENOSPC || sys == EDQUOT)
        return aglm_error_set(
            err, AGLM_IO, "%s: the disk is full; free some space and run the same command again",
            q->path);
    if (sys == EFBIG)
        return aglm_error_set(err, AGLM_IO,
                              "%s: over the largest file size allowed here; raise it (ulimit -f)",
                              q->path);
    if (code == SQLITE_READONLY)
        return aglm_error_set(err, AGLM_IO,
                              "%s: read-only; make the file and its folder writable, or copy it",
                              q->path);
    if (code == SQLITE_CANTOPEN)
        return aglm_error_set(
            err, AGLM_IO,
            "%s: cannot be opened: %s; the folder must be there and writable, the file a file",
            q->path, sys ? strerror(sys) : "no such file or folder");
    return aglm_error_set(err, AGLM_IO, "%s: %s%s%s", q->path, sqlite3_errmsg(q->db),
                          sys ? ": " : "", sys ? strerror(sys) : "");
}

aglm_rc sq_fail(sq *q, aglm_error *err)
{
    int code = sqlite3_errcode(q->db) & 0xff;

    switch (code) {
    case SQLITE_NOMEM:
        return aglm_error_set(err, AGLM_NOMEM, "%s: out of memory", q->path);
    case SQLITE_BUSY:
    case SQLITE_LOCKED:
        return aglm_error_set(err, AGLM_BUSY,
                              "%s: locked by another process for over %d s; end it or try again",
                              q->path, (int)BUSY_LIMIT_S);
    case SQLITE_NOTADB:
        return aglm_error_set(err, AGLM_FORMAT,
                              "%s: not a SQLite database; give another path, or move it away",
                              q->path);
    case SQLITE_CORRUPT:
        return aglm_error_set(err, AGLM_FORMAT,
                              "%s: damaged: %s; restore a copy, or save what is left with: "
                              "sqlite3 '%s' .recover | sqlite3 rescued.db",
                              q->path, sqlite3_errmsg(q->db), q->path);
    case SQLITE_TOOBIG:
        return aglm_error_set(err, AGLM_LIMIT, "%s: a text over SQLite's limit", q->path);
    case SQLITE_FULL:
    case SQLITE_READONLY:
    case SQLITE_CANTOPEN:
    case SQLITE_IOERR:
        return fail_io(q, code, err);
    case SQLITE_ERROR: /* a table or column that is not there */
        return aglm_error_set(err, AGLM_FORMAT, "%s: not as Optuna's schema has it: %s", q->path,
                              sqlite3_errmsg(q->db));
    default:
        return aglm_error_set(err, AGLM_IO, "%s: %s", q->path, sqlite3_errmsg(q->db));
    }
}

static bool bind_one(sqlite3_stmt *st, int at, char kind, va_list *ap)
{
    const char *text;

    switch (kind) {
    case 'i':
        return sqlite3_bind_int64(st, at, va_arg(*ap, int64_t)) == SQLITE_OK;
    case 'd':
        return sqlite3_bind_double(st, at, va_arg(*ap, double)) == SQLITE_OK;
    default:
        text = va_arg(*ap, const char *);
        if (!text)
            return sqlite3_bind_null(st, at) == SQLITE_OK;
        return sqlite3_bind_text(st, at, text, -1, SQLITE_STATIC) == SQLITE_OK;
    }
}

sqlite3_stmt *sq_bind(sq *q, sq_sql id, const char *kinds, ...)
{
    sqlite3_stmt **st = &q->stmt[id];
    va_list ap;
    bool ok = true;

    if (!*st && sqlite3_prepare_v3(q->db, sq_text[id], -1, SQLITE_PREPARE_PERSISTENT, st, NULL) !=
                    SQLITE_OK)
        return NULL;
    va_start(ap, kinds);
    for (int i = 0; ok && kinds[i]; i++)
        ok = bind_one(*st, i + 1, kinds[i], &ap);
    va_end(ap);
    return ok ? *st : NULL;
}

aglm_rc sq_next(sq *q, sqlite3_stmt *st, aglm_error *err)
{
    if (!st)
        return sq_fail(q, err);
    int code = sqlite3_step(st);
    if (code == SQLITE_ROW)
        return AGLM_OK;
    aglm_rc rc = code == SQLITE_DONE ? AGLM_DONE : sq_fail(q, err);
    sqlite3_reset(st);
    return rc;
}

aglm_rc sq_run(sq *q, sqlite3_stmt *st, aglm_error *err)
{
    aglm_rc rc = sq_next(q, st, err);

    if (rc == AGLM_OK)
        sqlite3_reset(st);
    return rc < 0 ? rc : AGLM_OK;
}

aglm_rc sq_exec(sq *q, const char *sql, aglm_error *err)
{
    return sqlite3_exec(q->db, sql, NULL, NULL, NULL) == SQLITE_OK ? AGLM_OK : sq_fail(q, err);
}

aglm_rc sq_begin(sq *q, bool write, aglm_error *err)
{
    pthread_mutex_lock(&q->lock);
    aglm_rc rc = sq_run(q, sq_bind(q, write ? SQ_BEGIN_WRITE : SQ_BEGIN_READ, ""), err);
    if (rc)
        pthread_mutex_unlock(&q->lock);
    return rc;
}

aglm_rc sq_end(sq *q, aglm_rc rc, aglm_error *err)
{
    if (rc >= 0) {
        aglm_rc commit = sq_run(q, sq_bind(q, SQ_COMMIT, ""), err);
        if (commit)
            rc = commit;
    }
    /* SQLite may have rolled back by itself, on a full disk for one. */
    if (rc < 0) {
        if (!sqlite3_get_autocommit(q->db))
            sq_run(q, sq_bind(q, SQ_ROLLBACK, ""), NULL);
        q->owner_process_id = 0;
    }
    pthread_mutex_unlock(&q->lock);
    return rc;
}

aglm_rc sq_study_need(sq *q, int64_t study, aglm_error *err)
{
    sqlite3_stmt *st = sq_bind(q, SQ_STUDY_EXISTS, "i", study);
    aglm_rc rc = sq_next(q, st, err);

    if (rc == AGLM_DONE)
        return aglm_store_no_study(study, err);
    if (rc == AGLM_OK)
        sqlite3_reset(st);
    return rc;
}

static aglm_rc insert_study(sq *q, const char *name, const aglm_direction *directions, size_t n,
                            int64_t *id, aglm_error *err)
{
    aglm_rc rc = sq_run(q, sq_bind(q, SQ_STUDY_INSERT, "s", name), err);

    if (rc && (sqlite3_errcode(q->db) & 0xff) == SQLITE_CONSTRAINT)
        rc = aglm_store_name_taken(name, err);
    *id = sqlite3_last_insert_rowid(q->db);
    for (size_t i = 0; !rc && i < n; i++) {
        const char *way = directions[i] == AGLM_MAXIMIZE ? "MAXIMIZE" : "MINIMIZE";
        rc = sq_run(q, sq_bind(q, SQ_STUDY_DIRECTION_INSERT, "sii", way, *id, (int64_t)i), err);
    }
    return rc;
}

static aglm_rc sq_study_new(aglm_store *s, const char *name, const aglm_direction *directions,
                            size_t n, int64_t *id, aglm_error *err)
{
    sq *q = (sq *)s;
    int64_t study;
    aglm_rc rc = sq_begin(q, true, err);

    if (rc)
        return rc;
    rc = insert_study(q, name, directions, n, &study, err);
    rc = sq_end(q, rc, err);
    if (!rc)
        *id = study;
    return rc;
}

/* AGLM_DONE: there is none. */
static aglm_rc find_study(sq *q, const char *name, int64_t *id, aglm_error *err)
{
    sqlite3_stmt *st = sq_bind(q, SQ_STUDY_FIND, "s", name);
    aglm_rc rc = sq_next(q, st, err);

    if (rc == AGLM_OK) {
        *id = sqlite3_column_int64(st, 0);
        sqlite3_reset(st);
    }
    return rc;
}

static aglm_rc sq_study_find(aglm_store *s, const char *name, int64_t *id, aglm_error *err)
{
    sq *q = (sq *)s;
    aglm_rc rc = sq_begin(q, false, err);

    if (rc)
        return rc;
    rc = find_study(q, name, id, err);
    if (rc == AGLM_DONE)
        rc = aglm_store_no_study_name(name, err);
    return sq_end(q, rc, err);
}

static aglm_rc sq_study_delete(aglm_store *s, int64_t study, aglm_error *err)
{
    static const sq_sql order[] = {
        SQ_DELETE_PARAMS,
        SQ_DELETE_VALUES,
        SQ_DELETE_STEPS,
        SQ_DELETE_USER_ATTRS,
        SQ_DELETE_SYSTEM_ATTRS,
        SQ_DELETE_HEARTBEATS,
        SQ_DELETE_OWNERS,
        SQ_DELETE_TRIALS,
        SQ_DELETE_DIRECTIONS,
        SQ_DELETE_STUDY_USER_ATTRS,
        SQ_DELETE_STUDY_SYSTEM_ATTRS,
        SQ_DELETE_STUDY,
    };
    sq *q = (sq *)s;
    aglm_rc rc = sq_begin(q, true, err);

    if (rc)
        return rc;
    rc = sq_study_need(q, study, err);
    for (size_t i = 0; !rc && i < sizeof order / sizeof order[0]; i++)
        rc = sq_run(q, sq_bind(q, order[i], "i", study), err);
    return sq_end(q, rc, err);
}

static aglm_rc put_attr(sq *q, int64_t study, const aglm_attr_row *attr, aglm_error *err)
{
    sq_sql id = attr->system ? SQ_STUDY_SYSTEM_ATTR_SET : SQ_STUDY_USER_ATTR_SET;

    return sq_run(q, sq_bind(q, id, "iss", study, attr->key, attr->json), err);
}

static aglm_rc sq_study_set_attr(aglm_store *s, int64_t study, const aglm_attr_row *attr,
                                 aglm_error *err)
{
    sq *q = (sq *)s;
    aglm_rc rc = sq_begin(q, true, err);

    if (rc)
        return rc;
    rc = sq_study_need(q, study, err);
    if (!rc)
        rc = put_attr(q, study, attr, err);
    return sq_end(q, rc, err);
}

static aglm_rc check_directions(sq *q, int64_t study, const aglm_study_whole *w, aglm_error *err)
{
    aglm_direction found[AGLM_STORE_MAX_OBJECTIVES];
    sqlite3_stmt *st = sq_bind(q, SQ_STUDY_DIRECTIONS, "i", study);
    size_t n = 0;
    aglm_rc rc;

    while ((rc = sq_next(q, st, err)) == AGLM_OK) {
        const char *way = (const char *)sqlite3_column_text(st, 2);
        if (n < AGLM_STORE_MAX_OBJECTIVES)
            found[n] = way && strcmp(way, "MAXIMIZE") == 0 ? AGLM_MAXIMIZE : AGLM_MINIMIZE;
        n++;
    }
    return rc < 0 ? rc : aglm_store_check_directions(w, found, n, err);
}

static aglm_rc sq_study_add(aglm_store *s, const aglm_study_whole *w, bool append, aglm_error *err)
{
    sq *q = (sq *)s;
    int64_t study = 0;
    aglm_rc rc = sq_begin(q, true, err);

    if (rc)
        return rc;
    rc = find_study(q, w->name, &study, err);
    if (rc == AGLM_OK && !append)
        rc = aglm_store_name_taken(w->name, err);
    if (rc == AGLM_OK) {
        rc = check_directions(q, study, w, err);
    } else if (rc == AGLM_DONE) {
        rc = insert_study(q, w->name, w->directions, w->n_directions, &study, err);
        for (size_t i = 0; !rc && i < w->n_attrs; i++)
            rc = put_attr(q, study, &w->attrs[i], err);
    }
    for (size_t i = 0; !rc && i < w->n_trials; i++)
        rc = sq_trial_put(q, study, &w->trials[i], 0, false, err);
    return sq_end(q, rc, err);
}

static void sq_close(aglm_store *s)
{
    sq *q = (sq *)s;

    for (int i = 0; i < SQ_COUNT; i++)
        sqlite3_finalize(q->stmt[i]);
    sqlite3_close(q->db);
    if (q->locked_init)
        pthread_mutex_destroy(&q->lock);
    free(q->path);
    free(q);
}

/* SQLite's own waits are long and unfair; ours are short, and end by the clock. */
static int wait_while_busy(void *arg, int tries)
{
    sq *q = arg;
    unsigned us = BUSY_STEP_US * ((unsigned)tries + 1);

    if (tries == 0)
        q->waiting_since_ns = aglm_clock_ns();
    if (aglm_clock_since_s(q->waiting_since_ns) > BUSY_LIMIT_S)
        return 0;
    usleep(us < BUSY_MAX_US ? us : BUSY_MAX_US);
    return 1;
}

void sq_set_patient(sq *q, bool patient)
{
    sqlite3_busy_handler(q->db, patient ? wait_while_busy : NULL, q);
}

static const aglm_store_ops sqlite_ops = {
    .name = "sqlite",
    .close = sq_close,
    .study_new = sq_study_new,
    .study_find = sq_study_find,
    .study_list = sq_study_list,
    .study_delete = sq_study_delete,
    .study_set_attr = sq_study_set_attr,
    .study_attrs = sq_study_attrs,
    .study_add = sq_study_add,
    .trial_new = sq_trial_new,
    .trial_claim = sq_trial_claim,
    .trial_set_params = sq_trial_set_params,
    .trial_report = sq_trial_report,
    .trial_set_attr = sq_trial_set_attr,
    .trial_finish = sq_trial_finish,
    .trial_get = sq_trial_get,
    .trials = sq_trials,
    .trials_changed = sq_trials_changed,
    .beat = sq_beat,
    .reap = sq_reap,
};

aglm_rc aglm_store_sqlite_open(aglm_store **out, const char *path, aglm_error *err)
{
    sq *q = aglm_calloc(1, sizeof *q);
    aglm_rc rc = AGLM_NOMEM;

    if (!q)
        return aglm_error_set(err, AGLM_NOMEM, "%s: out of memory", path);
    q->base.ops = &sqlite_ops;
    q->path = aglm_strndup(path, strlen(path));
    q->locked_init = pthread_mutex_init(&q->lock, NULL) == 0;
    if (!q->path || !q->locked_init) {
        aglm_error_set(err, rc, "%s: out of memory", path);
        goto fail;
    }
    aglm_machine_init(&q->machine);
    if (sqlite3_open_v2(path, &q->db,
                        SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_NOMUTEX,
                        NULL) != SQLITE_OK) {
        rc = q->db ? sq_fail(q, err) : aglm_error_set(err, rc, "%s: out of memory", path);
        goto fail;
    }
    sq_set_patient(q, true);
    rc = sq_schema_open(q, err);
    if (rc)
        goto fail;
    *out = &q->base;
    return AGLM_OK;
fail:
    sq_close(&q->base);
    return rc;
}
