#include "store/store_sqlite_priv.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"

/* More rows than this of one kind in one trial is no study of anyone. */
#define MAX_ROWS ((size_t)1 << 26)
#define MANY 1000 /* trials: a long read */

static aglm_rc no_memory(sq *q, aglm_error *err)
{
    return aglm_error_set(err, AGLM_NOMEM, "%s: out of memory while reading", q->path);
}

/* A trial's or study's row that is not as the schema says. */
static aglm_rc bad_row(sq *q, const char *table, int64_t id, const char *why, aglm_error *err)
{
    return aglm_error_set(err, AGLM_FORMAT, "%s: table %s, id %lld: %s; restore a copy", q->path,
                          table, (long long)id, why);
}

static const char *column(sqlite3_stmt *st, int i)
{
    const unsigned char *text = sqlite3_column_text(st, i);

    return text ? (const char *)text : "";
}

static char *column_copy(aglm_arena *a, sqlite3_stmt *st, int i)
{
    const char *text = column(st, i);

    return aglm_arena_strndup(a, text, (size_t)sqlite3_column_bytes(st, i));
}

typedef struct scan {
    sq *q;
    aglm_arena *arena;
    aglm_text_cache cache;
    aglm_trial_row *rows; /* ascending id */
    size_t n;
    void *buf; /* the rows of the trial that is being read */
    size_t cap;
    size_t *late; /* trials, by index, of which rows were found behind those of later ones */
    size_t n_late;
    size_t late_cap;
} scan;

/* A table that hangs on trials: how its rows, ordered by trial_id, become an array of each trial.
 */
typedef struct part {
    sq_sql sql;
    sq_sql
        written; /* all rows in the order of their own ids; SQ_COUNT: that is no order to read in */
    size_t size; /* of an element of scan.buf */
    aglm_rc (*read)(scan *sc, sqlite3_stmt *st, void *element, aglm_error *err);
    /* Copies the n > 0 elements in the buffer to the arena. */
    aglm_rc (*give)(scan *sc, aglm_trial_row *row, size_t n, aglm_error *err);
} part;

/* The first n elements of the buffer in the arena, NULL when it is full. */
static void *keep(const scan *sc, size_t n, size_t size)
{
    void *array = aglm_arena_array(sc->arena, n, size);

    if (array)
        memcpy(array, sc->buf, n * size);
    return array;
}

/* The index gives a trial's parameters by name; sorting the few by id here is twice as quick as
 * letting SQLite order a million rows by it. */
typedef struct numbered_param {
    aglm_param_row row;
    int64_t id;
} numbered_param;

static int by_id(const void *a, const void *b)
{
    int64_t x = ((const numbered_param *)a)->id;
    int64_t y = ((const numbered_param *)b)->id;

    return (x > y) - (x < y);
}

static aglm_rc read_param(scan *sc, sqlite3_stmt *st, void *element, aglm_error *err)
{
    numbered_param *p = element;
    const char *name = column(st, 1);
    const char *dist = column(st, 3);

    p->row.name = aglm_text_cache_copy(&sc->cache, name, (size_t)sqlite3_column_bytes(st, 1));
    p->row.distribution = aglm_text_cache_copy(&sc->cache, dist,
                                               (size_t)sqlite3_column_bytes(st, 3));
    p->row.value = sqlite3_column_double(st, 2);
    p->id = sqlite3_column_int64(st, 4);
    return p->row.name && p->row.distribution ? AGLM_OK : no_memory(sc->q, err);
}

static aglm_rc give_params(scan *sc, aglm_trial_row *row, size_t n, aglm_error *err)
{
    aglm_param_row *array = aglm_arena_array(sc->arena, n, sizeof *array);
    numbered_param *from = sc->buf;

    if (!array)
        return no_memory(sc->q, err);
    size_t sorted = 1;
    while (sorted < n && from[sorted - 1].id < from[sorted].id)
        sorted++;
    if (sorted < n)
        qsort(from, n, sizeof *from, by_id);
    for (size_t i = 0; i < n; i++)
        array[i] = from[i].row;
    row->params = array;
    row->n_params = n;
    return AGLM_OK;
}

static bool typed_value(sqlite3_stmt *st, double *out)
{
    const char *kind = column(st, 3);

    *out = sqlite3_column_double(st, 2);
    if (strcmp(kind, "FINITE") == 0)
        return true;
    *out = strcmp(kind, "INF_POS") == 0   ? (double)INFINITY
           : strcmp(kind, "INF_NEG") == 0 ? (double)-INFINITY
                                          : (double)NAN;
    return !isnan(*out) || strcmp(kind, "NAN") == 0;
}

static aglm_rc read_step(scan *sc, sqlite3_stmt *st, void *element, aglm_error *err)
{
    aglm_step_row *s = element;

    s->step = sqlite3_column_int64(st, 1);
    if (typed_value(st, &s->value))
        return AGLM_OK;
    return bad_row(sc->q, "trial_intermediate_values", sqlite3_column_int64(st, 0),
                   "unknown intermediate_value_type", err);
}

static aglm_rc give_steps(scan *sc, aglm_trial_row *row, size_t n, aglm_error *err)
{
    row->steps = keep(sc, n, sizeof *row->steps);
    row->n_steps = n;
    return row->steps ? AGLM_OK : no_memory(sc->q, err);
}

static aglm_rc read_value(scan *sc, sqlite3_stmt *st, void *element, aglm_error *err)
{
    double *v = element;

    if (typed_value(st, v) && !isnan(*v))
        return AGLM_OK;
    return bad_row(sc->q, "trial_values", sqlite3_column_int64(st, 0), "unknown value_type", err);
}

static aglm_rc give_values(scan *sc, aglm_trial_row *row, size_t n, aglm_error *err)
{
    if (n > AGLM_STORE_MAX_OBJECTIVES)
        return bad_row(sc->q, "trial_values", row->id, "too many objectives", err);
    row->values = keep(sc, n, sizeof *row->values);
    row->n_values = n;
    return row->values ? AGLM_OK : no_memory(sc->q, err);
}

static aglm_rc read_attr(scan *sc, sqlite3_stmt *st, void *element, aglm_error *err)
{
    aglm_attr_row *at = element;
    const char *key = column(st, 1);

    at->key = aglm_text_cache_copy(&sc->cache, key, (size_t)sqlite3_column_bytes(st, 1));
    at->json = column_copy(sc->arena, st, 2);
    at->system = sqlite3_column_int(st, 3) != 0;
    return at->key && at->json ? AGLM_OK : no_memory(sc->q, err);
}

static aglm_rc give_attrs(scan *sc, aglm_trial_row *row, size_t n, aglm_error *err)
{
    row->attrs = keep(sc, n, sizeof *row->attrs);
    row->n_attrs = n;
    return row->attrs ? AGLM_OK : no_memory(sc->q, err);
}

static const part parts[] = {
    {SQ_PARAM_ROWS, SQ_PARAM_ROWS_WRITTEN, sizeof(numbered_param), read_param, give_params},
    {SQ_VALUE_ROWS, SQ_COUNT, sizeof(double), read_value, give_values},
    {SQ_STEP_ROWS, SQ_COUNT, sizeof(aglm_step_row), read_step, give_steps},
    {SQ_ATTR_ROWS, SQ_COUNT, sizeof(aglm_attr_row), read_attr, give_attrs},
};

/* One element more of the trial `row`. */
static aglm_rc gather(scan *sc, const part *p, sqlite3_stmt *st, size_t at, aglm_error *err)
{
    size_t cap = sc->cap / p->size;

    if (at >= cap) {
        aglm_rc rc = aglm_grow(&sc->buf, &cap, at + 1, p->size, MAX_ROWS);
        if (rc)
            return aglm_error_set(err, rc, "%s: %zu rows in one trial", sc->q->path, at + 1);
        sc->cap = cap * p->size;
    }
    return p->read(sc, st, (char *)sc->buf + at * p->size, err);
}

/* A row of a trial that was passed already, if it is one of ours. */
static aglm_rc note_late(scan *sc, int64_t id, aglm_error *err)
{
    size_t low = 0;
    size_t high = sc->n;

    while (low < high) {
        size_t mid = low + (high - low) / 2;
        if (sc->rows[mid].id < id)
            low = mid + 1;
        else
            high = mid;
    }
    if (low == sc->n || sc->rows[low].id != id ||
        (sc->n_late > 0 && sc->late[sc->n_late - 1] == low))
        return AGLM_OK;
    if (aglm_grow(&sc->late, &sc->late_cap, sc->n_late + 1, sizeof *sc->late, MAX_ROWS))
        return no_memory(sc->q, err);
    sc->late[sc->n_late++] = low;
    return AGLM_OK;
}

/* Merges the table's rows, ordered by trial but for late ones, with the trials; rows of other
 * studies' trials in between are passed over. */
static aglm_rc merge(scan *sc, const part *p, sqlite3_stmt *st, aglm_error *err)
{
    size_t at = 0;
    size_t n = 0;
    aglm_rc rc;

    while ((rc = sq_next(sc->q, st, err)) == AGLM_OK) {
        int64_t id = sqlite3_column_int64(st, 0);
        if (id > sc->rows[at].id) {
            rc = n > 0 ? p->give(sc, &sc->rows[at], n, err) : AGLM_OK;
            n = 0;
            while (at + 1 < sc->n && sc->rows[at].id < id)
                at++;
        }
        if (!rc && id == sc->rows[at].id)
            rc = gather(sc, p, st, n++, err);
        else if (!rc && id < sc->rows[at].id)
            rc = note_late(sc, id, err);
        if (rc) {
            sqlite3_reset(st);
            return rc;
        }
    }
    if (rc == AGLM_DONE)
        rc = n > 0 ? p->give(sc, &sc->rows[at], n, err) : AGLM_OK;
    return rc;
}

static aglm_rc scan_range(scan *sc, const part *p, aglm_error *err)
{
    return merge(sc, p, sq_bind(sc->q, p->sql, "ii", sc->rows[0].id, sc->rows[sc->n - 1].id), err);
}

/* The whole table as it was written, which is nearly in the order of the trials and takes half the
 * time of going through the index; trials with late rows are read again. */
static aglm_rc scan_written(scan *sc, const part *p, aglm_error *err)
{
    aglm_trial_row *rows = sc->rows;
    size_t n = sc->n;
    aglm_rc rc = merge(sc, p, sq_bind(sc->q, p->written, ""), err);

    sc->n = 1;
    for (size_t i = 0; !rc && i < sc->n_late; i++) {
        sc->rows = &rows[sc->late[i]];
        rc = scan_range(sc, p, err);
    }
    sc->rows = rows;
    sc->n = n;
    return rc;
}

/* Are most of the trials in the file asked for? */
static bool wants_most(const scan *sc)
{
    return sc->n >= MANY && sc->rows[sc->n - 1].id <= 2 * (int64_t)sc->n;
}

static aglm_rc scan_part(scan *sc, const part *p, aglm_error *err)
{
    bool written = p->written != SQ_COUNT && wants_most(sc);

    return written ? scan_written(sc, p, err) : scan_range(sc, p, err);
}

static aglm_rc read_trial(sq *q, sqlite3_stmt *st, aglm_arena *a, aglm_trial_row *row,
                          aglm_error *err)
{
    memset(row, 0, sizeof *row);
    row->id = sqlite3_column_int64(st, 0);
    row->number = sqlite3_column_int64(st, 1);
    if (sqlite3_column_type(st, 1) != SQLITE_INTEGER || row->number < 0)
        return bad_row(q, "trials", row->id, "no number", err);
    if (!aglm_trial_state_from_name(column(st, 2), &row->state))
        return bad_row(q, "trials", row->id, "unknown state", err);
    if (sqlite3_column_type(st, 3) != SQLITE_NULL && !(row->started = column_copy(a, st, 3)))
        return no_memory(q, err);
    if (sqlite3_column_type(st, 4) != SQLITE_NULL && !(row->completed = column_copy(a, st, 4)))
        return no_memory(q, err);
    return AGLM_OK;
}

/* The trials from that number on, newest first in the index and so read backwards until one is
 * older: rows already known cost nothing. */
static aglm_rc scan_trials(scan *sc, int64_t study, int64_t from, aglm_error *err)
{
    sqlite3_stmt *st = sq_bind(sc->q, SQ_TRIAL_ROWS, "i", study);
    aglm_trial_row *rows = NULL;
    size_t n = 0;
    size_t cap = 0;
    aglm_rc rc;

    while ((rc = sq_next(sc->q, st, err)) == AGLM_OK) {
        if (sqlite3_column_int64(st, 1) < from) {
            sqlite3_reset(st);
            break;
        }
        rc = aglm_grow(&rows, &cap, n + 1, sizeof *rows, MAX_ROWS);
        rc = rc ? no_memory(sc->q, err) : read_trial(sc->q, st, sc->arena, &rows[n], err);
        if (rc) {
            sqlite3_reset(st);
            goto done;
        }
        n++;
    }
    if (rc < 0)
        goto done;
    rc = AGLM_OK;
    sc->rows = aglm_arena_array(sc->arena, n, sizeof *rows);
    sc->n = n;
    if (!sc->rows)
        rc = no_memory(sc->q, err);
    for (size_t i = 0; !rc && i < n; i++)
        sc->rows[i] = rows[n - 1 - i];
done:
    free(rows);
    return rc;
}

static aglm_rc scan_parts(scan *sc, aglm_error *err)
{
    aglm_rc rc = AGLM_OK;

    for (size_t i = 0; !rc && sc->n > 0 && i < sizeof parts / sizeof parts[0]; i++)
        rc = scan_part(sc, &parts[i], err);
    return rc;
}

aglm_rc sq_trials(aglm_store *s, int64_t study, int64_t from, aglm_arena *a, aglm_trial_row **out,
                  size_t *n, aglm_error *err)
{
    sq *q = (sq *)s;
    scan sc = {.q = q, .arena = a};
    aglm_rc rc = sq_begin(q, false, err);

    if (rc)
        return rc;
    aglm_text_cache_init(&sc.cache, a);
    rc = sq_study_need(q, study, err);
    if (!rc)
        rc = scan_trials(&sc, study, from, err);
    if (!rc)
        rc = scan_parts(&sc, err);
    free(sc.buf);
    free(sc.late);
    rc = sq_end(q, rc, err);
    *out = rc ? NULL : sc.rows;
    *n = rc ? 0 : sc.n;
    return rc;
}

aglm_rc sq_trial_get(aglm_store *s, int64_t trial, aglm_arena *a, aglm_trial_row *out,
                     aglm_error *err)
{
    sq *q = (sq *)s;
    scan sc = {.q = q, .arena = a, .rows = out, .n = 1};
    aglm_rc rc = sq_begin(q, false, err);

    if (rc)
        return rc;
    aglm_text_cache_init(&sc.cache, a);
    sqlite3_stmt *st = sq_bind(q, SQ_TRIAL_ROW, "i", trial);
    rc = sq_next(q, st, err);
    if (rc == AGLM_DONE) {
        rc = aglm_store_no_trial(trial, err);
    } else if (rc == AGLM_OK) {
        rc = read_trial(q, st, a, out, err);
        sqlite3_reset(st);
    }
    if (!rc)
        rc = scan_parts(&sc, err);
    free(sc.buf);
    free(sc.late);
    return sq_end(q, rc, err);
}

/* The trial when its state is another by now, else AGLM_DONE. */
static aglm_rc read_changed(sq *q, const aglm_trial_mark *known, aglm_arena *a, aglm_trial_row *row,
                            aglm_error *err)
{
    sqlite3_stmt *st = sq_bind(q, SQ_TRIAL_ROW, "i", known->id);
    aglm_trial_state state;
    aglm_rc rc = sq_next(q, st, err);

    if (rc)
        return rc;
    if (aglm_trial_state_from_name(column(st, 2), &state) && state == known->state)
        rc = AGLM_DONE;
    else
        rc = read_trial(q, st, a, row, err);
    sqlite3_reset(st);
    return rc;
}

aglm_rc sq_trials_changed(aglm_store *s, const aglm_trial_marks *known, aglm_arena *a,
                          aglm_trial_row **out, size_t *n, aglm_error *err)
{
    sq *q = (sq *)s;
    scan sc = {.q = q, .arena = a, .n = 1};
    aglm_trial_row *rows = aglm_arena_array(a, known->n, sizeof *rows);
    size_t found = 0;
    aglm_rc rc = rows ? sq_begin(q, false, err) : no_memory(q, err);

    if (rc)
        return rc;
    aglm_text_cache_init(&sc.cache, a);
    for (size_t i = 0; rc >= 0 && i < known->n; i++) {
        sc.rows = &rows[found];
        rc = read_changed(q, &known->v[i], a, sc.rows, err);
        if (rc == AGLM_OK)
            rc = scan_parts(&sc, err);
        found += rc == AGLM_OK;
    }
    free(sc.buf);
    free(sc.late);
    rc = sq_end(q, rc < 0 ? rc : AGLM_OK, err);
    *out = rc ? NULL : rows;
    *n = rc ? 0 : found;
    return rc;
}

static aglm_rc read_studies(sq *q, int64_t only, aglm_arena *a, aglm_study_row **rows, size_t *n,
                            aglm_error *err)
{
    sqlite3_stmt *st = sq_bind(q, SQ_STUDY_LIST, "i", only);
    size_t cap = 0;
    aglm_rc rc;

    while ((rc = sq_next(q, st, err)) == AGLM_OK) {
        rc = aglm_grow(rows, &cap, *n + 1, sizeof **rows, MAX_ROWS);
        if (rc) {
            sqlite3_reset(st);
            return no_memory(q, err);
        }
        aglm_study_row *row = &(*rows)[(*n)++];
        memset(row, 0, sizeof *row);
        row->id = sqlite3_column_int64(st, 0);
        row->name = column_copy(a, st, 1);
        row->n_trials = sqlite3_column_int64(st, 2);
        if (!row->name) {
            sqlite3_reset(st);
            return no_memory(q, err);
        }
    }
    return rc < 0 ? rc : AGLM_OK;
}

static aglm_rc read_directions(sq *q, int64_t only, aglm_study_row *rows, size_t n, aglm_error *err)
{
    sqlite3_stmt *st = sq_bind(q, SQ_STUDY_DIRECTIONS, "i", only);
    size_t at = 0;
    aglm_rc rc;

    while ((rc = sq_next(q, st, err)) == AGLM_OK) {
        int64_t id = sqlite3_column_int64(st, 0);
        while (at < n && rows[at].id < id)
            at++;
        if (at == n || rows[at].id != id)
            continue;
        aglm_study_row *row = &rows[at];
        if (row->n_directions == AGLM_STORE_MAX_OBJECTIVES) {
            sqlite3_reset(st);
            return bad_row(q, "study_directions", id, "too many objectives", err);
        }
        bool up = strcmp(column(st, 2), "MAXIMIZE") == 0;
        row->directions[row->n_directions++] = up ? AGLM_MAXIMIZE : AGLM_MINIMIZE;
    }
    return rc < 0 ? rc : AGLM_OK;
}

aglm_rc sq_study_list(aglm_store *s, int64_t only, aglm_arena *a, aglm_study_row **out, size_t *n,
                      aglm_error *err)
{
    sq *q = (sq *)s;
    aglm_study_row *rows = NULL;
    aglm_rc rc = sq_begin(q, false, err);

    *out = NULL;
    *n = 0;
    if (rc)
        return rc;
    rc = read_studies(q, only, a, &rows, n, err);
    if (!rc)
        rc = read_directions(q, only, rows, *n, err);
    rc = sq_end(q, rc, err);
    if (!rc && !(*out = aglm_arena_array(a, *n, sizeof *rows)))
        rc = no_memory(q, err);
    if (!rc && *n > 0)
        memcpy(*out, rows, *n * sizeof *rows);
    if (rc)
        *n = 0;
    free(rows);
    return rc;
}

aglm_rc sq_study_attrs(aglm_store *s, int64_t study, aglm_arena *a, aglm_attr_row **out, size_t *n,
                       aglm_error *err)
{
    sq *q = (sq *)s;
    aglm_attr_row *rows = NULL;
    size_t cap = 0;
    aglm_rc rc = sq_begin(q, false, err);

    *out = NULL;
    *n = 0;
    if (rc)
        return rc;
    rc = sq_study_need(q, study, err);
    sqlite3_stmt *st = sq_bind(q, SQ_STUDY_ATTRS, "i", study);
    while (!rc && (rc = sq_next(q, st, err)) == AGLM_OK) {
        rc = aglm_grow(&rows, &cap, *n + 1, sizeof *rows, MAX_ROWS);
        if (!rc) {
            aglm_attr_row *row = &rows[(*n)++];
            row->key = column_copy(a, st, 0);
            row->json = column_copy(a, st, 1);
            row->system = sqlite3_column_int(st, 2) != 0;
            rc = row->key && row->json ? AGLM_OK : AGLM_NOMEM;
        }
        if (rc)
            no_memory(q, err);
    }
    if (rc < 0)
        sqlite3_reset(st);
    rc = sq_end(q, rc < 0 ? rc : AGLM_OK, err);
    if (!rc && !(*out = aglm_arena_array(a, *n, sizeof *rows)))
        rc = no_memory(q, err);
    if (!rc && *n > 0)
        memcpy(*out, rows, *n * sizeof *rows);
    if (rc)
        *n = 0;
    free(rows);
    return rc;
}
