#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "store/store_postgres_priv.h"

#define CHUNK 4096               /* trials whose rows are asked for at once */
#define NEAR 64                  /* ids apart */
#define EPOCH_2000_S 946684800LL /* of PostgreSQL's timestamps */
#define USEC 1000000LL

/* A row that is not as the schema says. */
static aglm_rc bad_row(const pg *q, const char *table, int64_t id, const char *why, aglm_error *err)
{
    return aglm_error_set(err, AGLM_FORMAT, "%s: table %s, id %lld: %s; restore a copy", q->label,
                          table, (long long)id, why);
}

/* Where the rows of some trials go: rows[0..n) in ascending id. */
typedef struct scan {
    pg *q;
    aglm_arena *arena;
    aglm_text_cache cache;
    aglm_trial_row *rows;
    size_t n;
    bool more; /* another scan follows in the transaction */
} scan;

/* How a run of `n` result rows from `at`, all of one trial, becomes that trial's array. */
typedef aglm_rc give(scan *sc, const PGresult *res, int at, int n, aglm_trial_row *row,
                     aglm_error *err);

static const char *copy_cached(scan *sc, const PGresult *res, int row, int col)
{
    return aglm_text_cache_copy(&sc->cache, pg_text(res, row, col),
                                (size_t)PQgetlength(res, row, col));
}

static char *copy_text(aglm_arena *a, const PGresult *res, int row, int col)
{
    return aglm_arena_strndup(a, pg_text(res, row, col), (size_t)PQgetlength(res, row, col));
}

/* The server gives a trial's parameters by name, from its index: they are few, and put into the
 * order of their ids here. */
static void sort_by_id(aglm_param_row *to, int64_t *id, int n)
{
    for (int i = 1; i < n; i++) {
        aglm_param_row row = to[i];
        int64_t mine = id[i];
        int at = i;
        for (; at > 0 && id[at - 1] > mine; at--) {
            to[at] = to[at - 1];
            id[at] = id[at - 1];
        }
        to[at] = row;
        id[at] = mine;
    }
}

static aglm_rc give_params(scan *sc, const PGresult *res, int at, int n, aglm_trial_row *row,
                           aglm_error *err)
{
    aglm_param_row *to = aglm_arena_array(sc->arena, (size_t)n, sizeof *to);
    int64_t few[64];
    int64_t *id = n <= 64 ? few : malloc((size_t)n * sizeof *id);
    bool ok = to && id;

    for (int i = 0; ok && i < n; i++) {
        to[i].name = copy_cached(sc, res, at + i, 1);
        to[i].value = pg_double(res, at + i, 2);
        to[i].distribution = copy_cached(sc, res, at + i, 3);
        id[i] = pg_int(res, at + i, 4);
        ok = to[i].name && to[i].distribution;
    }
    if (ok)
        sort_by_id(to, id, n);
    if (id != few)
        free(id);
    row->params = to;
    row->n_params = (size_t)n;
    return ok ? AGLM_OK : pg_no_memory(sc->q, err);
}

/* value and type in the columns 2 and 3 */
static double typed_value(const PGresult *res, int row)
{
    const char *kind = pg_text(res, row, 3);

    if (strcmp(kind, "FINITE") == 0)
        return pg_double(res, row, 2);
    return strcmp(kind, "INF_POS") == 0   ? (double)INFINITY
           : strcmp(kind, "INF_NEG") == 0 ? (double)-INFINITY
                                          : (double)NAN;
}

static aglm_rc give_values(scan *sc, const PGresult *res, int at, int n, aglm_trial_row *row,
                           aglm_error *err)
{
    double *to = aglm_arena_array(sc->arena, (size_t)n, sizeof *to);

    if (!to)
        return pg_no_memory(sc->q, err);
    if (n > AGLM_STORE_MAX_OBJECTIVES)
        return bad_row(sc->q, "trial_values", row->id, "too many objectives", err);
    for (int i = 0; i < n; i++)
        to[i] = typed_value(res, at + i);
    row->values = to;
    row->n_values = (size_t)n;
    return AGLM_OK;
}

static aglm_rc give_steps(scan *sc, const PGresult *res, int at, int n, aglm_trial_row *row,
                          aglm_error *err)
{
    aglm_step_row *to = aglm_arena_array(sc->arena, (size_t)n, sizeof *to);

    if (!to)
        return pg_no_memory(sc->q, err);
    for (int i = 0; i < n; i++)
        to[i] = (aglm_step_row){pg_int(res, at + i, 1), typed_value(res, at + i)};
    row->steps = to;
    row->n_steps = (size_t)n;
    return AGLM_OK;
}

static aglm_rc give_attrs(scan *sc, const PGresult *res, int at, int n, aglm_trial_row *row,
                          aglm_error *err)
{
    aglm_attr_row *to = aglm_arena_array(sc->arena, (size_t)n, sizeof *to);
    bool ok = to != NULL;

    for (int i = 0; ok && i < n; i++) {
        to[i].key = copy_cached(sc, res, at + i, 1);
        to[i].json = copy_text(sc->arena, res, at + i, 2);
        to[i].system = pg_int(res, at + i, 3) != 0;
        ok = to[i].key && to[i].json;
    }
    row->attrs = to;
    row->n_attrs = (size_t)n;
    return ok ? AGLM_OK : pg_no_memory(sc->q, err);
}

/* A table that hangs on trials. */
static const struct part {
    pg_sql sql;
    give *give;
} parts[] = {
    {PG_PARAM_ROWS, give_params},
    {PG_VALUE_ROWS, give_values},
    {PG_STEP_ROWS, give_steps},
    {PG_ATTR_ROWS, give_attrs},
};
#define PARTS ((int)(sizeof parts / sizeof parts[0]))

/* Merges an answer, ordered by trial, with the trials; rows of other studies' trials in between are
 * passed over. */
static aglm_rc merge(scan *sc, const struct part *p, const PGresult *res, aglm_trial_row *rows,
                     size_t n, aglm_error *err)
{
    int total = PQntuples(res);
    size_t to = 0;
    aglm_rc rc = AGLM_OK;

    for (int at = 0, end; rc == AGLM_OK && at < total; at = end) {
        int64_t id = pg_int(res, at, 0);
        end = at + 1;
        while (end < total && pg_int(res, end, 0) == id)
            end++;
        while (to < n && rows[to].id < id)
            to++;
        if (to < n && rows[to].id == id)
            rc = p->give(sc, res, at, end - at, &rows[to], err);
    }
    return rc;
}

/* Asks for the rows of the chunk that begins at `at`; with the last one the transaction ends. */
static aglm_rc ask_chunk(scan *sc, size_t at, aglm_error *err)
{
    size_t n = sc->n - at < CHUNK ? sc->n - at : CHUNK;
    pg_args a;
    aglm_rc rc = AGLM_OK;

    pg_args_init(&a, sc->q);
    pg_put_int(&a, sc->rows[at].id);
    pg_put_int(&a, sc->rows[at + n - 1].id);
    for (int i = 0; rc == AGLM_OK && i < PARTS; i++)
        rc = pg_queue(sc->q, parts[i].sql, &a, err);
    if (rc == AGLM_OK && at + n == sc->n && !sc->more)
        rc = pg_queue(sc->q, PG_COMMIT, NULL, err);
    return rc == AGLM_OK ? pg_queue_commit(sc->q, err) : rc;
}

/* Takes the answer for the chunk at `at` in, while the server works on the next. */
static aglm_rc take_chunk(scan *sc, size_t at, aglm_error *err)
{
    size_t n = sc->n - at < CHUNK ? sc->n - at : CHUNK;
    PGresult *res[PARTS];
    aglm_rc rc = pg_collect(sc->q, err);

    for (int i = 0; i < PARTS; i++) {
        res[i] = sc->q->result[i];
        sc->q->result[i] = NULL;
    }
    if (rc == AGLM_OK && at + n < sc->n)
        rc = ask_chunk(sc, at + n, err);
    for (int i = 0; i < PARTS; i++) {
        if (rc == AGLM_OK)
            rc = merge(sc, &parts[i], res[i], sc->rows + at, n, err);
        PQclear(res[i]);
    }
    return rc;
}

/* Ends the transaction that was begun before. */
static aglm_rc scan_parts(scan *sc, aglm_error *err)
{
    if (sc->n == 0)
        return pg_one(sc->q, PG_COMMIT, NULL, err);
    aglm_rc rc = ask_chunk(sc, 0, err);
    for (size_t at = 0; rc == AGLM_OK && at < sc->n; at += CHUNK)
        rc = take_chunk(sc, at, err);
    return rc;
}

/* Microseconds since 2000 as the schema's text. */
static char *copy_date(aglm_arena *a, const PGresult *res, int row, int col)
{
    int64_t us = pg_int(res, row, col);
    int64_t s = us / USEC - (us % USEC < 0);
    time_t t = (time_t)(s + EPOCH_2000_S);
    char text[96];
    struct tm tm;

    if (!gmtime_r(&t, &tm))
        memset(&tm, 0, sizeof tm);
    int n = snprintf(text, sizeof text, "%04d-%02d-%02d %02d:%02d:%02d.%06d", tm.tm_year + 1900,
                     tm.tm_mon + 1, tm.tm_mday, tm.tm_hour, tm.tm_min, tm.tm_sec,
                     (int)(us - s * USEC));
    return aglm_arena_strndup(a, text, (size_t)n);
}

static aglm_rc read_trial(scan *sc, const PGresult *res, int at, aglm_trial_row *row,
                          aglm_error *err)
{
    *row = (aglm_trial_row){.id = pg_int(res, at, 0), .number = pg_int(res, at, 1)};
    if (PQgetisnull(res, at, 1) || row->number < 0)
        return bad_row(sc->q, "trials", row->id, "no number", err);
    if (!aglm_trial_state_from_name(pg_text(res, at, 2), &row->state))
        return bad_row(sc->q, "trials", row->id, "unknown state", err);
    if (!PQgetisnull(res, at, 3) && !(row->started = copy_date(sc->arena, res, at, 3)))
        return pg_no_memory(sc->q, err);
    if (!PQgetisnull(res, at, 4) && !(row->completed = copy_date(sc->arena, res, at, 4)))
        return pg_no_memory(sc->q, err);
    return AGLM_OK;
}

static aglm_rc read_trials(scan *sc, const PGresult *res, aglm_error *err)
{
    aglm_rc rc = AGLM_OK;

    sc->n = (size_t)PQntuples(res);
    sc->rows = aglm_arena_array(sc->arena, sc->n, sizeof *sc->rows);
    if (!sc->rows)
        return pg_no_memory(sc->q, err);
    for (size_t i = 0; rc == AGLM_OK && i < sc->n; i++) {
        rc = read_trial(sc, res, (int)i, &sc->rows[i], err);
        if (rc == AGLM_OK && i > 0 && sc->rows[i].id <= sc->rows[i - 1].id)
            rc = bad_row(sc->q, "trials", sc->rows[i].id, "ids and numbers in another order", err);
    }
    return rc;
}

struct read_job {
    int64_t id; /* of the study or the trial */
    int64_t from;
    scan scan;
};

static aglm_rc trials_job(pg *q, void *job, aglm_error *err)
{
    struct read_job *j = job;
    pg_args a;

    if (j->id <= 0 || j->id > INT32_MAX)
        return aglm_store_no_study(j->id, err);
    j->scan.q = q;
    aglm_text_cache_init(&j->scan.cache, j->scan.arena);
    aglm_rc rc = pg_queue(q, PG_BEGIN_READ, NULL, err);
    pg_args_init(&a, q);
    pg_put_int(&a, j->id);
    if (rc == AGLM_OK)
        rc = pg_queue(q, PG_STUDY_EXISTS, &a, err);
    pg_put_int(&a, j->from < 0 ? 0 : j->from > INT32_MAX ? INT32_MAX : j->from);
    if (rc == AGLM_OK)
        rc = pg_queue(q, PG_TRIAL_ROWS, &a, err);
    if (rc == AGLM_OK)
        rc = pg_exchange(q, err);
    if (rc != AGLM_OK)
        return rc;
    bool there = PQntuples(q->result[1]) > 0;
    rc = read_trials(&j->scan, q->result[2], err);
    if (rc == AGLM_OK)
        rc = scan_parts(&j->scan, err);
    return rc == AGLM_OK && !there ? aglm_store_no_study(j->id, err) : rc;
}

aglm_rc pg_trials(aglm_store *s, int64_t study, int64_t from, aglm_arena *a, aglm_trial_row **out,
                  size_t *n, aglm_error *err)
{
    struct read_job job = {.id = study, .from = from, .scan = {.arena = a}};
    aglm_rc rc = pg_call(s, trials_job, &job, err);

    *out = rc ? NULL : job.scan.rows;
    *n = rc ? 0 : job.scan.n;
    return rc;
}

static aglm_rc trial_job(pg *q, void *job, aglm_error *err)
{
    struct read_job *j = job;
    pg_args a;

    if (j->id <= 0 || j->id > INT32_MAX)
        return aglm_store_no_trial(j->id, err);
    j->scan.q = q;
    aglm_text_cache_init(&j->scan.cache, j->scan.arena);
    aglm_rc rc = pg_queue(q, PG_BEGIN_READ, NULL, err);
    pg_args_init(&a, q);
    pg_put_int(&a, j->id);
    if (rc == AGLM_OK)
        rc = pg_queue(q, PG_TRIAL_ROW, &a, err);
    if (rc == AGLM_OK)
        rc = pg_exchange(q, err);
    if (rc == AGLM_OK)
        rc = read_trials(&j->scan, q->result[1], err);
    if (rc == AGLM_OK)
        rc = scan_parts(&j->scan, err);
    return rc == AGLM_OK && j->scan.n == 0 ? aglm_store_no_trial(j->id, err) : rc;
}

aglm_rc pg_trial_get(aglm_store *s, int64_t trial, aglm_arena *a, aglm_trial_row *out,
                     aglm_error *err)
{
    struct read_job job = {.id = trial, .scan = {.arena = a}};
    aglm_rc rc = pg_call(s, trial_job, &job, err);

    if (rc == AGLM_OK)
        *out = job.scan.rows[0];
    return rc;
}

struct changed_job {
    const aglm_trial_marks *known;
    scan scan;
};

/* Trials that lie close together are read at once: what lies between is passed over. */
static aglm_rc scan_runs(const scan *all, aglm_error *err)
{
    aglm_rc rc = AGLM_OK;
    size_t end;

    if (all->n == 0 || !all->rows)
        return pg_one(all->q, PG_COMMIT, NULL, err);
    for (size_t at = 0; rc == AGLM_OK && at < all->n; at = end) {
        scan run = *all;
        for (end = at + 1; end < all->n && all->rows[end].id - all->rows[end - 1].id < NEAR; end++)
            ;
        run.rows += at;
        run.n = end - at;
        run.more = end < all->n;
        rc = scan_parts(&run, err);
    }
    return rc;
}

static aglm_rc changed_job(pg *q, void *job, aglm_error *err)
{
    struct changed_job *j = job;
    pg_args a;

    j->scan.q = q;
    aglm_text_cache_init(&j->scan.cache, j->scan.arena);
    aglm_rc rc = pg_queue(q, PG_BEGIN_READ, NULL, err);
    pg_args_init(&a, q);
    pg_put_array(&a, PG_OID_INT8);
    for (size_t i = 0; i < j->known->n; i++)
        pg_element_int(&a, j->known->v[i].id);
    pg_put_array(&a, PG_OID_TEXT);
    for (size_t i = 0; i < j->known->n; i++)
        pg_element_text(&a, aglm_trial_state_name(j->known->v[i].state));
    if (rc == AGLM_OK)
        rc = pg_queue(q, PG_TRIALS_CHANGED, &a, err);
    if (rc == AGLM_OK)
        rc = pg_exchange(q, err);
    if (rc == AGLM_OK)
        rc = read_trials(&j->scan, q->result[1], err);
    return rc == AGLM_OK ? scan_runs(&j->scan, err) : rc;
}

aglm_rc pg_trials_changed(aglm_store *s, const aglm_trial_marks *known, aglm_arena *a,
                          aglm_trial_row **out, size_t *n, aglm_error *err)
{
    struct changed_job job = {known, {.arena = a}};
    aglm_rc rc = pg_call(s, changed_job, &job, err);

    *out = rc ? NULL : job.scan.rows;
    *n = rc ? 0 : job.scan.n;
    return rc;
}

struct list_job {
    int64_t id;
    aglm_arena *arena;
    aglm_study_row *rows;
    aglm_attr_row *attrs;
    size_t n;
};

static aglm_rc read_studies(const pg *q, struct list_job *j, aglm_error *err)
{
    const PGresult *res = q->result[0];

    j->n = (size_t)PQntuples(res);
    j->rows = aglm_arena_array(j->arena, j->n, sizeof *j->rows);
    for (size_t i = 0; j->rows && i < j->n; i++) {
        aglm_study_row *row = &j->rows[i];
        *row = (aglm_study_row){.id = pg_int(res, (int)i, 0), .n_trials = pg_int(res, (int)i, 2)};
        row->name = copy_text(j->arena, res, (int)i, 1);
        if (!row->name)
            return pg_no_memory(q, err);
    }
    return j->rows ? AGLM_OK : pg_no_memory(q, err);
}

static aglm_rc read_directions(const pg *q, struct list_job *j, aglm_error *err)
{
    const PGresult *res = q->result[1];
    size_t at = 0;

    for (int i = 0; i < PQntuples(res); i++) {
        int64_t id = pg_int(res, i, 0);
        while (at < j->n && j->rows[at].id < id)
            at++;
        if (at == j->n || j->rows[at].id != id)
            continue;
        aglm_study_row *row = &j->rows[at];
        if (row->n_directions == AGLM_STORE_MAX_OBJECTIVES)
            return bad_row(q, "study_directions", id, "too many objectives", err);
        bool up = strcmp(pg_text(res, i, 2), "MAXIMIZE") == 0;
        row->directions[row->n_directions++] = up ? AGLM_MAXIMIZE : AGLM_MINIMIZE;
    }
    return AGLM_OK;
}

static aglm_rc list_studies(pg *q, void *job, aglm_error *err)
{
    struct list_job *j = job;
    pg_args a;

    if (j->id < 0 || j->id > INT32_MAX)
        return aglm_store_no_study(j->id, err);
    pg_args_init(&a, q);
    pg_put_int(&a, j->id);
    aglm_rc rc = pg_queue(q, PG_STUDY_LIST, &a, err);
    if (rc == AGLM_OK)
        rc = pg_queue(q, PG_STUDY_DIRECTIONS, &a, err);
    if (rc == AGLM_OK)
        rc = pg_exchange(q, err);
    if (rc == AGLM_OK)
        rc = read_studies(q, j, err);
    return rc == AGLM_OK ? read_directions(q, j, err) : rc;
}

aglm_rc pg_study_list(aglm_store *s, int64_t only, aglm_arena *a, aglm_study_row **out, size_t *n,
                      aglm_error *err)
{
    struct list_job job = {.id = only, .arena = a};
    aglm_rc rc = pg_call(s, list_studies, &job, err);

    *out = rc ? NULL : job.rows;
    *n = rc ? 0 : job.n;
    return rc;
}

static aglm_rc list_attrs(pg *q, void *job, aglm_error *err)
{
    struct list_job *j = job;
    pg_args a;

    if (j->id <= 0 || j->id > INT32_MAX)
        return aglm_store_no_study(j->id, err);
    pg_args_init(&a, q);
    pg_put_int(&a, j->id);
    aglm_rc rc = pg_queue(q, PG_STUDY_EXISTS, &a, err);
    if (rc == AGLM_OK)
        rc = pg_queue(q, PG_STUDY_ATTRS, &a, err);
    if (rc == AGLM_OK)
        rc = pg_exchange(q, err);
    if (rc == AGLM_OK && PQntuples(q->result[0]) == 0)
        rc = aglm_store_no_study(j->id, err);
    if (rc != AGLM_OK)
        return rc;
    const PGresult *res = q->result[1];
    j->n = (size_t)PQntuples(res);
    j->attrs = aglm_arena_array(j->arena, j->n, sizeof *j->attrs);
    bool ok = j->attrs != NULL;
    for (int i = 0; ok && i < (int)j->n; i++) {
        j->attrs[i] = (aglm_attr_row){copy_text(j->arena, res, i, 0),
                                      copy_text(j->arena, res, i, 1), pg_int(res, i, 2) != 0};
        ok = j->attrs[i].key && j->attrs[i].json;
    }
    return ok ? AGLM_OK : pg_no_memory(q, err);
}

aglm_rc pg_study_attrs(aglm_store *s, int64_t study, aglm_arena *a, aglm_attr_row **out, size_t *n,
                       aglm_error *err)
{
    struct list_job job = {.id = study, .arena = a};
    aglm_rc rc = pg_call(s, list_attrs, &job, err);

    *out = rc ? NULL : job.attrs;
    *n = rc ? 0 : job.n;
    return rc;
}
