#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "store/store_sqlite_priv.h"

#define MAX_OWNERS ((size_t)1 << 24)

aglm_rc sq_beat(aglm_store *s, const int64_t *trials, size_t n, aglm_error *err)
{
    sq *q = (sq *)s;
    aglm_rc rc = sq_begin(q, true, err);

    if (rc)
        return rc;
    for (size_t i = 0; !rc && i < n; i++)
        rc = sq_run(q, sq_bind(q, SQ_BEAT_SET, "i", trials[i]), err);
    return sq_end(q, rc, err);
}

typedef struct stale {
    int64_t trial;
    bool running; /* else only its owner row is left over */
} stale;

typedef struct stale_list {
    stale *v;
    size_t n;
    size_t cap;
} stale_list;

/* What of aglm_owner is out of date: trials of dead processes (of this study), and rows whose trial
 * was finished or deleted by Optuna. */
static aglm_rc stale_owner(sq *q, sqlite3_stmt *st, int64_t study, stale *out)
{
    aglm_machine m = {"", "", ""};
    char *const to[] = {m.boot, m.pidns, m.host};
    const size_t size[] = {sizeof m.boot, sizeof m.pidns, sizeof m.host};

    out->trial = sqlite3_column_int64(st, 0);
    out->running = sqlite3_column_int(st, 2) != 0;
    if (!out->running)
        return AGLM_OK;
    if (sqlite3_column_int64(st, 1) != study || sqlite3_column_type(st, 3) == SQLITE_NULL)
        return AGLM_DONE;
    for (int i = 0; i < 3; i++) {
        const char *text = (const char *)sqlite3_column_text(st, 5 + i);
        size_t n = text ? strnlen(text, size[i] - 1) : 0;
        memcpy(to[i], text ? text : "", n);
    }
    bool gone = aglm_process_gone(sqlite3_column_int64(st, 3), sqlite3_column_int64(st, 4), &m,
                                  &q->machine);
    return gone ? AGLM_OK : AGLM_DONE;
}

/* A trial is found twice when its process is gone and its heartbeat old. */
static aglm_rc add_stale(sq *q, stale_list *l, stale one, aglm_error *err)
{
    for (size_t i = 0; i < l->n; i++) {
        if (l->v[i].trial == one.trial)
            return AGLM_OK;
    }
    aglm_rc rc = aglm_grow(&l->v, &l->cap, l->n + 1, sizeof *l->v, MAX_OWNERS);
    if (rc)
        return aglm_error_set(err, rc, "%s: out of memory", q->path);
    l->v[l->n++] = one;
    return AGLM_OK;
}

static aglm_rc find_gone(sq *q, int64_t study, stale_list *l, aglm_error *err)
{
    sqlite3_stmt *st = sq_bind(q, SQ_OWNER_ROWS, "");
    aglm_rc rc;

    while ((rc = sq_next(q, st, err)) == AGLM_OK) {
        stale one;
        if (stale_owner(q, st, study, &one) == AGLM_OK)
            rc = add_stale(q, l, one, err);
        if (rc) {
            sqlite3_reset(st);
            return rc;
        }
    }
    return rc < 0 ? rc : AGLM_OK;
}

static aglm_rc find_silent(sq *q, int64_t study, double grace_s, stale_list *l, aglm_error *err)
{
    sqlite3_stmt *st = sq_bind(q, SQ_BEATS_STALE, "id", study, grace_s);
    aglm_rc rc;

    while ((rc = sq_next(q, st, err)) == AGLM_OK) {
        rc = add_stale(q, l, (stale){sqlite3_column_int64(st, 0), true}, err);
        if (rc) {
            sqlite3_reset(st);
            return rc;
        }
    }
    return rc < 0 ? rc : AGLM_OK;
}

static aglm_rc find_stale(sq *q, int64_t study, double grace_s, stale_list *l, aglm_error *err)
{
    aglm_rc rc = sq_study_need(q, study, err);

    l->n = 0;
    if (!rc)
        rc = find_gone(q, study, l, err);
    if (!rc && grace_s > 0)
        rc = find_silent(q, study, grace_s, l, err);
    return rc;
}

static aglm_rc fail_stale(sq *q, const stale_list *l, int64_t *ids, size_t *n, aglm_error *err)
{
    aglm_rc rc = AGLM_OK;

    for (size_t i = 0; !rc && i < l->n; i++) {
        if (l->v[i].running) {
            rc = sq_trial_end(q, l->v[i].trial, AGLM_TRIAL_FAIL, err);
            ids[(*n)++] = l->v[i].trial;
        } else {
            rc = sq_run(q, sq_bind(q, SQ_OWNER_DELETE, "i", l->v[i].trial), err);
        }
    }
    return rc;
}

/* Looks first without the writer's lock: as a rule there is nothing to do. */
aglm_rc sq_reap(aglm_store *s, int64_t study, double grace_s, int64_t **ids, size_t *n,
                aglm_error *err)
{
    sq *q = (sq *)s;
    stale_list l = {0};
    aglm_rc rc = sq_begin(q, false, err);

    if (rc)
        return rc;
    rc = sq_end(q, find_stale(q, study, grace_s, &l, err), err);
    if (rc || l.n == 0 || (rc = sq_begin(q, true, err)) != AGLM_OK)
        goto done;
    rc = find_stale(q, study, grace_s, &l, err);
    *ids = rc ? NULL : aglm_calloc(l.n + 1, sizeof **ids);
    if (!rc && !*ids)
        rc = aglm_error_set(err, AGLM_NOMEM, "%s: out of memory", q->path);
    if (!rc)
        rc = fail_stale(q, &l, *ids, n, err);
    rc = sq_end(q, rc, err);
done:
    free(l.v);
    return rc;
}
