#include "store/store_postgres_priv.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/memory.h"

#define AWAY_LIMIT_S 30.0    /* a server that is away this long is given up */
#define WAIT_FIRST_US 20000u /* doubled a try */
#define WAIT_LAST_US 1000000u
#define CONFLICT_TRIES 20
#define MAX_SCRATCH ((size_t)1 << 30)
/* A lock is waited for half a minute at most (lock_timeout), and no statement works for long, but
 * for the deletion of a large study. */
#define SILENCE_MS 60000
#define SILENCE_DELETE_MS 1800000

static aglm_rc pg_study_new(aglm_store *s, const char *name, const aglm_direction *directions,
                            size_t n, int64_t *id, aglm_error *err);

/* Waits before another try; false when it is time to give up. */
static bool wait_again(const pg *q, int tries, uint64_t since_ns)
{
    unsigned us = tries < 6 ? WAIT_FIRST_US << tries : WAIT_LAST_US;

    if (q->conn && tries >= CONFLICT_TRIES)
        return false;
    if (tries > 0 && aglm_clock_since_s(since_ns) > AWAY_LIMIT_S)
        return false; /* the first try may have waited long for an answer */
    usleep(q->conn ? 1000 : us);
    return true;
}

static void forget_results(pg *q)
{
    for (int i = 0; i < PG_MAX_BATCH; i++) {
        PQclear(q->result[i]);
        q->result[i] = NULL;
    }
    q->n_queued = 0;
    q->n_syncs = 0;
}

aglm_rc pg_call(aglm_store *s, pg_work *work, void *job, aglm_error *err)
{
    pg *q = (pg *)s;
    uint64_t since = aglm_clock_ns();
    aglm_rc rc;

    pthread_mutex_lock(&q->lock);
    q->unsure = false;
    q->silence_ms = SILENCE_MS;
    for (int tries = 0;; tries++) {
        q->again = false;
        rc = q->conn ? AGLM_OK : pg_connect(q, err);
        if (rc == AGLM_OK)
            rc = work(q, job, err);
        forget_results(q);
        /* A transaction left half-way ends with its connection. */
        if (rc < 0 && q->conn && PQtransactionStatus(q->conn) != PQTRANS_IDLE)
            pg_disconnect(q);
        if (rc >= 0 || !q->again || !wait_again(q, tries, since))
            break;
        q->unsure = q->unsure || !q->conn;
    }
    pthread_mutex_unlock(&q->lock);
    return rc;
}

aglm_rc pg_study_need(pg *q, int64_t study, size_t *objectives, aglm_error *err)
{
    pg_args a;

    if (study <= 0 || study > INT32_MAX)
        return aglm_store_no_study(study, err);
    pg_args_init(&a, q);
    pg_put_int(&a, study);
    aglm_rc rc = pg_one(q, PG_STUDY_EXISTS, &a, err);
    if (rc)
        return rc;
    if (PQntuples(q->result[0]) == 0)
        return aglm_store_no_study(study, err);
    if (objectives)
        *objectives = (size_t)pg_int(q->result[0], 0, 0);
    return AGLM_OK;
}

struct new_study {
    const char *name;
    const aglm_direction *directions;
    size_t n;
    int64_t id;
};

aglm_rc pg_study_named(pg *q, const char *name, int64_t *id, aglm_error *err)
{
    pg_args a;

    pg_args_init(&a, q);
    pg_put_text(&a, name);
    aglm_rc rc = pg_one(q, PG_STUDY_FIND, &a, err);
    if (rc)
        return rc;
    if (PQntuples(q->result[0]) == 0)
        return aglm_store_no_study_name(name, err);
    *id = pg_int(q->result[0], 0, 0);
    return AGLM_OK;
}

static aglm_rc insert_study(pg *q, struct new_study *j, aglm_error *err)
{
    pg_args a;

    pg_args_init(&a, q);
    pg_put_text(&a, j->name);
    pg_put_array(&a, PG_OID_TEXT);
    for (size_t i = 0; i < j->n; i++)
        pg_element_text(&a, j->directions[i] == AGLM_MAXIMIZE ? "MAXIMIZE" : "MINIMIZE");
    aglm_rc rc = pg_one(q, PG_STUDY_INSERT, &a, err);
    const char *state = PQresultErrorField(q->result[0], PG_DIAG_SQLSTATE);
    if (rc && state && strcmp(state, "23505") == 0)
        return aglm_store_name_taken(j->name, err);
    if (rc == AGLM_OK)
        j->id = pg_int(q->result[0], 0, 0);
    return rc;
}

static aglm_rc new_study(pg *q, void *job, aglm_error *err)
{
    struct new_study *j = job;

    /* Made by the try whose answer was lost. */
    if (q->unsure && pg_study_named(q, j->name, &j->id, err) == AGLM_OK)
        return AGLM_OK;
    return insert_study(q, j, err);
}

static aglm_rc pg_study_new(aglm_store *s, const char *name, const aglm_direction *directions,
                            size_t n, int64_t *id, aglm_error *err)
{
    struct new_study job = {name, directions, n, 0};
    aglm_rc rc = pg_call(s, new_study, &job, err);

    if (rc == AGLM_OK)
        *id = job.id;
    return rc;
}

static aglm_rc find_job(pg *q, void *job, aglm_error *err)
{
    struct new_study *j = job;

    return pg_study_named(q, j->name, &j->id, err);
}

static aglm_rc pg_study_find(aglm_store *s, const char *name, int64_t *id, aglm_error *err)
{
    struct new_study job = {.name = name};
    aglm_rc rc = pg_call(s, find_job, &job, err);

    if (rc == AGLM_OK)
        *id = job.id;
    return rc;
}

static aglm_rc delete_study(pg *q, void *job, aglm_error *err)
{
    static const pg_sql order[] = {
        PG_STUDY_LOCK,        PG_DELETE_PARAMS,           PG_DELETE_VALUES,
        PG_DELETE_STEPS,      PG_DELETE_USER_ATTRS,       PG_DELETE_SYSTEM_ATTRS,
        PG_DELETE_HEARTBEATS, PG_DELETE_OWNERS,           PG_DELETE_TRIALS,
        PG_DELETE_DIRECTIONS, PG_DELETE_STUDY_USER_ATTRS, PG_DELETE_STUDY_SYSTEM_ATTRS,
        PG_DELETE_STUDY,
    };
    const int n = sizeof order / sizeof order[0];
    int64_t study = *(int64_t *)job;
    pg_args a;

    if (study <= 0 || study > INT32_MAX)
        return aglm_store_no_study(study, err);
    q->silence_ms = SILENCE_DELETE_MS;
    pg_args_init(&a, q);
    pg_put_int(&a, study);
    aglm_rc rc = AGLM_OK;
    for (int i = 0; rc == AGLM_OK && i < n; i++)
        rc = pg_queue(q, order[i], &a, err);
    if (rc == AGLM_OK)
        rc = pg_exchange(q, err);
    if (rc == AGLM_OK && PQntuples(q->result[n - 1]) == 0 && !q->unsure)
        rc = aglm_store_no_study(study, err);
    q->study = 0;
    q->waiting_study = 0;
    return rc;
}

static aglm_rc pg_study_delete(aglm_store *s, int64_t study, aglm_error *err)
{
    return pg_call(s, delete_study, &study, err);
}

struct study_attr {
    int64_t study;
    const aglm_attr_row *attr;
};

static aglm_rc put_study_attr(pg *q, const struct study_attr *j, aglm_error *err)
{
    pg_args a;

    pg_args_init(&a, q);
    pg_put_int(&a, j->study);
    pg_put_text(&a, j->attr->key);
    pg_put_text(&a, j->attr->json);
    aglm_rc rc = pg_one(q, j->attr->system ? PG_STUDY_SYSTEM_ATTR_SET : PG_STUDY_USER_ATTR_SET, &a,
                        err);
    if (rc == AGLM_OK && PQntuples(q->result[0]) == 0)
        rc = aglm_store_no_study(j->study, err);
    return rc;
}

static aglm_rc set_study_attr(pg *q, void *job, aglm_error *err)
{
    const struct study_attr *j = job;

    if (j->study <= 0 || j->study > INT32_MAX)
        return aglm_store_no_study(j->study, err);
    return put_study_attr(q, j, err);
}

static aglm_rc pg_study_set_attr(aglm_store *s, int64_t study, const aglm_attr_row *attr,
                                 aglm_error *err)
{
    struct study_attr job = {study, attr};

    return pg_call(s, set_study_attr, &job, err);
}

static aglm_rc append_to(pg *q, const aglm_study_whole *w, int64_t study, aglm_error *err)
{
    aglm_direction found[AGLM_STORE_MAX_OBJECTIVES];
    pg_args a;

    pg_args_init(&a, q);
    pg_put_int(&a, study);
    aglm_rc rc = pg_queue(q, PG_STUDY_LOCK, &a, err);
    if (rc == AGLM_OK)
        rc = pg_queue(q, PG_STUDY_DIRECTIONS, &a, err);
    if (rc == AGLM_OK)
        rc = pg_exchange(q, err);
    if (rc != AGLM_OK)
        return rc;
    const PGresult *res = q->result[1];
    int n = PQntuples(res);
    for (int i = 0; i < n && i < AGLM_STORE_MAX_OBJECTIVES; i++)
        found[i] = strcmp(pg_text(res, i, 2), "MAXIMIZE") == 0 ? AGLM_MAXIMIZE : AGLM_MINIMIZE;
    return aglm_store_check_directions(w, found, (size_t)n, err);
}

aglm_rc pg_study_enter(pg *q, const aglm_study_whole *w, bool append, int64_t *id, aglm_error *err)
{
    struct new_study made = {w->name, w->directions, w->n_directions, 0};
    aglm_rc rc = pg_study_named(q, w->name, id, err);

    if (rc == AGLM_OK)
        return append ? append_to(q, w, *id, err) : aglm_store_name_taken(w->name, err);
    if (rc != AGLM_NOTFOUND)
        return rc;
    rc = insert_study(q, &made, err);
    for (size_t i = 0; rc == AGLM_OK && i < w->n_attrs; i++)
        rc = put_study_attr(q, &(struct study_attr){made.id, &w->attrs[i]}, err);
    *id = made.id;
    return rc;
}

static void pg_close(aglm_store *s)
{
    pg *q = (pg *)s;

    forget_results(q);
    pg_disconnect(q);
    PQconninfoFree(q->options);
    if (q->locked_init)
        pthread_mutex_destroy(&q->lock);
    aglm_str_clear(&q->scratch);
    free(q->label);
    free(q);
}

static const aglm_store_ops postgres_ops = {
    .name = "postgresql",
    .close = pg_close,
    .study_new = pg_study_new,
    .study_find = pg_study_find,
    .study_list = pg_study_list,
    .study_delete = pg_study_delete,
    .study_set_attr = pg_study_set_attr,
    .study_attrs = pg_study_attrs,
    .study_add = pg_study_add,
    .trial_new = pg_trial_new,
    .trial_claim = pg_trial_claim,
    .trial_set_params = pg_trial_set_params,
    .trial_report = pg_trial_report,
    .trial_set_attr = pg_trial_set_attr,
    .trial_finish = pg_trial_finish,
    .trial_get = pg_trial_get,
    .trials = pg_trials,
    .trials_changed = pg_trials_changed,
    .beat = pg_beat,
    .reap = pg_reap,
};

/* libpq's own message would show the whole URL. */
static aglm_rc bad_url(aglm_error *err)
{
    return aglm_error_set(err, AGLM_INVALID,
                          "the storage URL is not of the form "
                          "postgresql://USER[:PASSWORD]@HOST[:PORT]/DATABASE (%%xx for odd "
                          "characters)");
}

/* "postgresql+psycopg2://", as SQLAlchemy writes it, becomes plain "postgresql://". */
static char *plain_url(const char *url)
{
    const char *rest = strstr(url, "://");
    aglm_str s;

    aglm_str_init(&s, MAX_SCRATCH);
    aglm_str_puts(&s, "postgresql");
    aglm_str_puts(&s, rest);
    char *plain = aglm_str_take(&s);
    aglm_str_clear(&s);
    return plain;
}

static const char *option(const pg *q, const char *name)
{
    for (const PQconninfoOption *o = q->options; o->keyword; o++) {
        if (strcmp(o->keyword, name) == 0)
            return o->val;
    }
    return NULL;
}

static aglm_rc read_url(pg *q, const char *url, aglm_error *err)
{
    char *plain = plain_url(url);
    char *why = NULL;
    aglm_str label;

    if (!plain)
        return aglm_error_set(err, AGLM_NOMEM, "a storage URL: out of memory");
    q->options = PQconninfoParse(plain, &why);
    free(plain);
    PQfreemem(why);
    if (!q->options)
        return bad_url(err);
    q->password = option(q, "password");
    const char *user = option(q, "user");
    const char *host = option(q, "host");
    const char *port = option(q, "port");
    const char *name = option(q, "dbname");
    aglm_str_init(&label, 1024);
    aglm_str_printf(&label, "postgresql://%s%s%s%s%s/%s", user ? user : "", user ? "@" : "",
                    host ? host : "", port ? ":" : "", port ? port : "", name ? name : "");
    q->label = aglm_str_take(&label);
    aglm_str_clear(&label);
    return q->label ? AGLM_OK : bad_url(err);
}

static aglm_rc open_tables(pg *q, void *job, aglm_error *err)
{
    (void)q;
    (void)job;
    (void)err;
    return AGLM_OK; /* pg_call has connected, which is all */
}

aglm_rc aglm_store_postgres_open(aglm_store **out, const char *url, aglm_error *err)
{
    pg *q = aglm_calloc(1, sizeof *q);
    aglm_rc rc = AGLM_NOMEM;

    if (!q)
        return aglm_error_set(err, AGLM_NOMEM, "a PostgreSQL store: out of memory");
    q->base.ops = &postgres_ops;
    aglm_str_init(&q->scratch, MAX_SCRATCH);
    q->locked_init = pthread_mutex_init(&q->lock, NULL) == 0;
    aglm_machine_init(&q->machine);
    q->nonce = aglm_clock_ns();
    rc = q->locked_init ? read_url(q, url, err)
                        : aglm_error_set(err, rc, "a PostgreSQL store: out of memory");
    if (rc == AGLM_OK)
        rc = pg_call(&q->base, open_tables, NULL, err);
    if (rc != AGLM_OK) {
        pg_close(&q->base);
        return rc;
    }
    *out = &q->base;
    return AGLM_OK;
}
