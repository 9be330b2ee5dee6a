#include <stdio.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/memory.h"
#include "store/store_postgres_priv.h"

#define MAX_IDS ((size_t)1 << 24)

aglm_rc pg_queue_beats(pg *q, const int64_t *trials, size_t n, aglm_error *err)
{
    pg_args a;

    pg_args_init(&a, q);
    pg_put_array(&a, PG_OID_INT8);
    for (size_t i = 0; i < n; i++)
        pg_element_int(&a, trials[i]);
    return pg_queue(q, PG_BEATS_PUT, &a, err);
}

struct beat {
    const int64_t *trials;
    size_t n;
};

static aglm_rc beat_job(pg *q, void *job, aglm_error *err)
{
    const struct beat *j = job;
    aglm_rc rc = pg_queue_beats(q, j->trials, j->n, err);

    return rc == AGLM_OK ? pg_exchange(q, err) : rc;
}

aglm_rc pg_beat(aglm_store *s, const int64_t *trials, size_t n, aglm_error *err)
{
    struct beat job = {trials, n};

    return pg_call(s, beat_job, &job, err);
}

struct reap {
    int64_t study;
    int64_t grace_us; /* 0: heartbeats do not count */
    int64_t *ids;     /* of the failed */
    size_t n;
    size_t cap;
    char now[AGLM_STORE_DATE_LEN + 6];
};

static void copy_word(char *to, size_t size, const PGresult *res, int row, int col)
{
    snprintf(to, size, "%s", pg_text(res, row, col));
}

/* Is the owner row out of date: of a dead process (of this study), or of a trial that was finished
 * or deleted by Optuna? */
static bool is_stale(const pg *q, const PGresult *res, int row, int64_t study)
{
    aglm_machine m;

    if (pg_int(res, row, 2) == 0)
        return true;
    if (pg_int(res, row, 1) != study || PQgetisnull(res, row, 3))
        return false;
    copy_word(m.boot, sizeof m.boot, res, row, 5);
    copy_word(m.pidns, sizeof m.pidns, res, row, 6);
    copy_word(m.host, sizeof m.host, res, row, 7);
    return aglm_process_gone(pg_int(res, row, 3), pg_int(res, row, 4), &m, &q->machine);
}

static aglm_rc keep_failed(pg *q, struct reap *j, const PGresult *res, aglm_error *err)
{
    int n = PQntuples(res);
    aglm_rc rc = aglm_grow(&j->ids, &j->cap, j->n + (size_t)n + 1, sizeof *j->ids, MAX_IDS);

    if (rc != AGLM_OK)
        return pg_no_memory(q, err);
    for (int i = 0; i < n; i++)
        j->ids[j->n++] = pg_int(res, i, 0);
    return AGLM_OK;
}

/* Asks who owns the trials in work, and which have been silent for long. */
static aglm_rc look(pg *q, const struct reap *j, aglm_error *err)
{
    pg_args a;
    aglm_rc rc = pg_queue(q, PG_OWNER_ROWS, NULL, err);

    pg_args_init(&a, q);
    pg_put_int(&a, j->grace_us);
    if (rc == AGLM_OK && j->grace_us > 0)
        rc = pg_queue(q, PG_BEATS_OLD, &a, err);
    return rc == AGLM_OK ? pg_exchange(q, err) : rc;
}

/* Queues the end of the trials of dead processes; *n: how many statements that took. */
static aglm_rc queue_gone(pg *q, const struct reap *j, const PGresult *res, int *n, aglm_error *err)
{
    pg_args a;
    bool any = false;

    pg_args_init(&a, q);
    pg_put_array(&a, PG_OID_INT8);
    for (int i = 0; i < PQntuples(res); i++) {
        if (is_stale(q, res, i, j->study)) {
            pg_element_int(&a, pg_int(res, i, 0));
            any = true;
        }
    }
    if (!any)
        return AGLM_OK;
    pg_args both = a;
    pg_put_text(&both, j->now);
    aglm_rc rc = pg_queue(q, PG_TRIALS_FAIL, &both, err);
    *n += 2;
    return rc == AGLM_OK ? pg_queue(q, PG_OWNERS_DELETE, &a, err) : rc;
}

static aglm_rc queue_silent(pg *q, const struct reap *j, const PGresult *res, int *n,
                            aglm_error *err)
{
    pg_args a;

    if (!res || PQntuples(res) == 0)
        return AGLM_OK;
    pg_args_init(&a, q);
    pg_put_int(&a, j->grace_us);
    pg_put_array(&a, PG_OID_INT8);
    for (int i = 0; i < PQntuples(res); i++)
        pg_element_int(&a, pg_int(res, i, 0));
    pg_put_text(&a, j->now);
    pg_put_int(&a, j->study);
    ++*n;
    return pg_queue(q, PG_BEATS_FAIL, &a, err);
}

static aglm_rc reap_job(pg *q, void *job, aglm_error *err)
{
    struct reap *j = job;
    int gone = 0;
    int silent = 0;
    aglm_rc rc = pg_study_need(q, j->study, NULL, err);

    if (rc == AGLM_OK)
        rc = look(q, j, err);
    if (rc == AGLM_OK)
        rc = queue_gone(q, j, q->result[0], &gone, err);
    if (rc == AGLM_OK)
        rc = queue_silent(q, j, q->result[1], &silent, err);
    if (rc != AGLM_OK || gone + silent == 0)
        return rc;
    rc = pg_exchange(q, err);
    if (rc == AGLM_OK && gone > 0)
        rc = keep_failed(q, j, q->result[0], err);
    if (rc == AGLM_OK && silent > 0)
        rc = keep_failed(q, j, q->result[gone], err);
    return rc;
}

aglm_rc pg_reap(aglm_store *s, int64_t study, double grace_s, int64_t **ids, size_t *n,
                aglm_error *err)
{
    struct reap job = {.study = study, .grace_us = grace_s > 0 ? (int64_t)(grace_s * 1e6) : 0};

    aglm_clock_utc(job.now, sizeof job.now);
    aglm_rc rc = pg_call(s, reap_job, &job, err);
    *ids = job.ids;
    *n = job.n;
    return rc;
}
