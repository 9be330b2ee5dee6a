#include "store/store_sqlite_priv.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"

/* The schema keeps what a column of numbers cannot hold as a type beside NULL. */
static sqlite3_stmt *bind_typed(sq *q, sq_sql id, int64_t trial, int64_t at, double v)
{
    if (isfinite(v))
        return sq_bind(q, id, "iids", trial, at, v, "FINITE");
    const char *type = isnan(v) ? "NAN" : v > 0 ? "INF_POS" : "INF_NEG";
    return sq_bind(q, id, "iiss", trial, at, (const char *)NULL, type);
}

static aglm_rc put_params(sq *q, int64_t trial, const aglm_param_row *params, size_t n,
                          aglm_error *err)
{
    aglm_rc rc = AGLM_OK;

    for (size_t i = 0; !rc && i < n; i++)
        rc = sq_run(q,
                    sq_bind(q, SQ_PARAM_SET, "isds", trial, params[i].name, params[i].value,
                            params[i].distribution),
                    err);
    return rc;
}

static aglm_rc put_values(sq *q, int64_t trial, const double *values, size_t n, aglm_error *err)
{
    aglm_rc rc = AGLM_OK;

    for (size_t i = 0; !rc && i < n; i++)
        rc = sq_run(q, bind_typed(q, SQ_VALUE_SET, trial, (int64_t)i, values[i]), err);
    return rc;
}

static aglm_rc put_steps(sq *q, int64_t trial, const aglm_step_row *steps, size_t n,
                         aglm_error *err)
{
    aglm_rc rc = AGLM_OK;

    for (size_t i = 0; !rc && i < n; i++)
        rc = sq_run(q, bind_typed(q, SQ_STEP_SET, trial, steps[i].step, steps[i].value), err);
    return rc;
}

static aglm_rc put_attrs(sq *q, int64_t trial, const aglm_attr_row *attrs, size_t n,
                         aglm_error *err)
{
    aglm_rc rc = AGLM_OK;

    for (size_t i = 0; !rc && i < n; i++)
        rc = sq_run(q,
                    sq_bind(q, attrs[i].system ? SQ_SYSTEM_ATTR_SET : SQ_USER_ATTR_SET, "iss",
                            trial, attrs[i].key, attrs[i].json),
                    err);
    return rc;
}

/* The row of the owner in aglm_process. */
static aglm_rc note_process(sq *q, int64_t owner, int64_t *id, aglm_error *err)
{
    const aglm_machine *m = &q->machine;
    bool self = owner == (int64_t)getpid();

    if (self && q->own_start == 0)
        q->own_start = aglm_process_start(owner);
    int64_t start = self ? q->own_start : aglm_process_start(owner);
    aglm_rc rc = sq_run(
        q, sq_bind(q, SQ_PROCESS_INSERT, "iisss", owner, start, m->boot, m->pidns, m->host), err);
    if (rc)
        return rc;
    sqlite3_stmt *st = sq_bind(q, SQ_PROCESS_FIND, "iisss", owner, start, m->boot, m->pidns,
                               m->host);
    rc = sq_next(q, st, err);
    if (rc == AGLM_DONE)
        return aglm_error_set(err, AGLM_FORMAT, "%s: table aglm_process keeps no rows", q->path);
    if (rc)
        return rc;
    *id = sqlite3_column_int64(st, 0);
    sqlite3_reset(st);
    return AGLM_OK;
}

static aglm_rc put_owner(sq *q, int64_t trial, int64_t owner, const char *started, aglm_error *err)
{
    int64_t id = q->owner_process_id;
    aglm_rc rc = AGLM_OK;

    if (owner == 0)
        return AGLM_OK;
    /* Only this process's own row may be remembered: another's id could change hands. */
    if (id == 0 || owner != q->owner_pid || owner != (int64_t)getpid())
        rc = note_process(q, owner, &id, err);
    if (rc)
        return rc;
    q->owner_pid = owner;
    q->owner_process_id = id;
    if (q->base.beats)
        rc = sq_run(q, sq_bind(q, SQ_BEAT_SET, "i", trial), err);
    return rc ? rc : sq_run(q, sq_bind(q, SQ_OWNER_SET, "iis", trial, id, started), err);
}

/* The study's number of objectives and its next trial's number. */
static aglm_rc next_number(sq *q, int64_t study, size_t *objectives, int64_t *number,
                           aglm_error *err)
{
    sqlite3_stmt *st = sq_bind(q, SQ_TRIAL_NEXT, "i", study);
    aglm_rc rc = sq_next(q, st, err);

    if (rc)
        return rc;
    *objectives = (size_t)sqlite3_column_int64(st, 0);
    *number = sqlite3_column_type(st, 1) == SQLITE_NULL ? 0 : sqlite3_column_int64(st, 1) + 1;
    sqlite3_reset(st);
    return *objectives == 0 ? aglm_store_no_study(study, err) : AGLM_OK;
}

/* The trial's own row and its owner; fills row's id and number. AGLM_DONE: see trial_new. */
static aglm_rc insert_trial(sq *q, int64_t study, aglm_trial_row *row, int64_t owner, bool next,
                            aglm_error *err)
{
    char now[AGLM_STORE_DATE_LEN + 6];
    size_t objectives = 0;
    int64_t number = -1;
    aglm_rc rc = next_number(q, study, &objectives, &number, err);

    if (!rc && next && row->number != number)
        return AGLM_DONE;
    row->number = number;
    if (!rc)
        rc = aglm_store_check_values(row->state, row->n_values, objectives, err);
    if (rc)
        return rc;
    aglm_clock_utc(now, sizeof now);
    const char *started = row->started;
    if (!started && row->state != AGLM_TRIAL_WAITING)
        started = now;
    const char *completed = row->completed;
    if (!completed && !aglm_trial_state_open(row->state))
        completed = now;
    rc = sq_run(q,
                sq_bind(q, SQ_TRIAL_INSERT, "iisss", row->number, study,
                        aglm_trial_state_name(row->state), started, completed),
                err);
    row->id = sqlite3_last_insert_rowid(q->db);
    if (!rc && row->state == AGLM_TRIAL_RUNNING)
        rc = put_owner(q, row->id, owner, started, err);
    return rc;
}

aglm_rc sq_trial_put(sq *q, int64_t study, aglm_trial_row *row, int64_t owner, bool next,
                     aglm_error *err)
{
    aglm_rc rc = insert_trial(q, study, row, owner, next, err);

    if (!rc)
        rc = put_params(q, row->id, row->params, row->n_params, err);
    if (!rc)
        rc = put_values(q, row->id, row->values, row->n_values, err);
    if (!rc)
        rc = put_steps(q, row->id, row->steps, row->n_steps, err);
    return rc ? rc : put_attrs(q, row->id, row->attrs, row->n_attrs, err);
}

aglm_rc sq_trial_new(aglm_store *s, int64_t study, aglm_trial_row *row, int64_t owner, bool next,
                     aglm_error *err)
{
    sq *q = (sq *)s;
    aglm_trial_row made = *row;
    aglm_rc rc = sq_begin(q, true, err);

    if (rc)
        return rc;
    rc = sq_trial_put(q, study, &made, owner, next, err);
    rc = sq_end(q, rc, err);
    if (!rc) {
        row->id = made.id;
        row->number = made.number;
    }
    return rc;
}

aglm_rc sq_trial_claim(aglm_store *s, int64_t study, int64_t owner, int64_t *id, aglm_error *err)
{
    char now[AGLM_STORE_DATE_LEN + 6];
    sq *q = (sq *)s;
    int64_t trial = 0;
    aglm_rc rc = sq_begin(q, true, err);

    if (rc)
        return rc;
    rc = sq_study_need(q, study, err);
    if (!rc) {
        sqlite3_stmt *st = sq_bind(q, SQ_TRIAL_WAITING, "i", study);
        rc = sq_next(q, st, err);
        if (rc == AGLM_OK) {
            trial = sqlite3_column_int64(st, 0);
            sqlite3_reset(st);
        }
    }
    if (rc == AGLM_OK) {
        aglm_clock_utc(now, sizeof now);
        rc = sq_run(q, sq_bind(q, SQ_TRIAL_START, "si", now, trial), err);
    }
    if (rc == AGLM_OK)
        rc = put_owner(q, trial, owner, now, err);
    rc = sq_end(q, rc, err);
    if (rc == AGLM_OK)
        *id = trial;
    return rc;
}

/* The trial must be there and not finished. objectives may be NULL. */
static aglm_rc need_open(sq *q, int64_t trial, size_t *objectives, aglm_error *err)
{
    aglm_trial_state state;
    sqlite3_stmt *st = sq_bind(q, SQ_TRIAL_STATE, "i", trial);
    aglm_rc rc = sq_next(q, st, err);

    if (rc == AGLM_DONE)
        return aglm_store_no_trial(trial, err);
    if (rc)
        return rc;
    const char *name = (const char *)sqlite3_column_text(st, 0);
    if (!name || !aglm_trial_state_from_name(name, &state))
        rc = aglm_error_set(err, AGLM_FORMAT, "%s: table trials, id %lld: unknown state", q->path,
                            (long long)trial);
    else if (!aglm_trial_state_open(state))
        rc = aglm_store_trial_closed(sqlite3_column_int64(st, 1), state, err);
    if (objectives)
        *objectives = (size_t)sqlite3_column_int64(st, 2);
    sqlite3_reset(st);
    return rc;
}

aglm_rc sq_trial_set_params(aglm_store *s, int64_t trial, const aglm_param_row *params, size_t n,
                            aglm_error *err)
{
    sq *q = (sq *)s;
    aglm_rc rc = sq_begin(q, true, err);

    if (rc)
        return rc;
    rc = need_open(q, trial, NULL, err);
    if (!rc)
        rc = put_params(q, trial, params, n, err);
    return sq_end(q, rc, err);
}

aglm_rc sq_trial_report(aglm_store *s, int64_t trial, const aglm_step_row *step, aglm_error *err)
{
    sq *q = (sq *)s;
    aglm_rc rc = sq_begin(q, true, err);

    if (rc)
        return rc;
    rc = need_open(q, trial, NULL, err);
    if (!rc)
        rc = put_steps(q, trial, step, 1, err);
    return sq_end(q, rc, err);
}

aglm_rc sq_trial_set_attr(aglm_store *s, int64_t trial, const aglm_attr_row *attr, aglm_error *err)
{
    sq *q = (sq *)s;
    aglm_rc rc = sq_begin(q, true, err);

    if (rc)
        return rc;
    rc = need_open(q, trial, NULL, err);
    if (!rc)
        rc = put_attrs(q, trial, attr, 1, err);
    return sq_end(q, rc, err);
}

aglm_rc sq_trial_end(sq *q, int64_t trial, aglm_trial_state state, aglm_error *err)
{
    char now[AGLM_STORE_DATE_LEN + 6];

    aglm_clock_utc(now, sizeof now);
    aglm_rc rc = sq_run(
        q, sq_bind(q, SQ_TRIAL_END, "ssi", aglm_trial_state_name(state), now, trial), err);
    if (!rc && q->base.beats)
        rc = sq_run(q, sq_bind(q, SQ_BEAT_DELETE, "i", trial), err);
    return rc ? rc : sq_run(q, sq_bind(q, SQ_OWNER_DELETE, "i", trial), err);
}

aglm_rc sq_trial_finish(aglm_store *s, int64_t trial, const aglm_trial_end *end, aglm_error *err)
{
    sq *q = (sq *)s;
    size_t objectives = 0;
    aglm_rc rc = sq_begin(q, true, err);

    if (rc)
        return rc;
    rc = need_open(q, trial, &objectives, err);
    if (!rc)
        rc = aglm_store_check_values(end->state, end->n_values, objectives, err);
    if (!rc)
        rc = sq_trial_end(q, trial, end->state, err);
    if (!rc)
        rc = put_values(q, trial, end->values, end->n_values, err);
    if (!rc)
        rc = put_steps(q, trial, end->steps, end->n_steps, err);
    if (!rc)
        rc = put_attrs(q, trial, end->attrs, end->n_attrs, err);
    return sq_end(q, rc, err);
}
