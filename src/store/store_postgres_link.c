/* The connection: made, lost, asked. */
#include <arpa/inet.h>
#include <endian.h>
#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>

#include "store/store_postgres_priv.h"

#define MAX_OPTIONS 64

static const char *const statement_name[PG_COUNT] = {
#define PG_NAME(name, text) "aglm_" #name,
    PG_STATEMENTS(PG_NAME)
#undef PG_NAME
};

static const char *const statement_text[PG_COUNT] = {
#define PG_TEXT(name, text) text,
    PG_STATEMENTS(PG_TEXT)
#undef PG_TEXT
};

aglm_rc pg_no_memory(const pg *q, aglm_error *err)
{
    return aglm_error_set(err, AGLM_NOMEM, "%s: out of memory", q->label);
}

void pg_disconnect(pg *q)
{
    PQfinish(q->conn);
    q->conn = NULL;
}

/* One line of a message, the password taken out should it be there. */
static void copy_message(const pg *q, const char *from, char *to, size_t size)
{
    size_t secret = q->password ? strlen(q->password) : 0;
    size_t n = 0;

    while (*from && n + 4 < size) {
        if (secret > 0 && strncmp(from, q->password, secret) == 0) {
            memcpy(to + n, "***", 3);
            n += 3;
            from += secret;
        } else {
            to[n++] = *from == '\n' ? ' ' : *from;
            from++;
        }
    }
    while (n > 0 && to[n - 1] == ' ')
        n--;
    to[n] = '\0';
}

/* X(SQLSTATE or its head, code, mend) */
#define PG_FAILURES(X)                                                                             \
    X("53100", AGLM_IO, "the server's disk is full; free some space there")                        \
    X("53300", AGLM_BUSY, "the server takes no more connections; raise max_connections")           \
    X("53200", AGLM_NOMEM, "the server is out of memory")                                          \
    X("55P03", AGLM_BUSY, "locked by another process for half a minute; end it or try again")      \
    X("25006", AGLM_IO, "read-only; give the URL of the primary server")                           \
    X("42501", AGLM_IO, "the user lacks a right; grant it or give another user")                   \
    X("42P01", AGLM_FORMAT, "not as Optuna's schema has it")                                       \
    X("42703", AGLM_FORMAT, "not as Optuna's schema has it")                                       \
    X("42704", AGLM_FORMAT, "not as Optuna's schema has it")                                       \
    X("42804", AGLM_FORMAT, "not as Optuna's schema has it")                                       \
    X("22003", AGLM_LIMIT, "a number over what the column holds")                                  \
    X("22001", AGLM_LIMIT, "a text longer than the column holds")                                  \
    X("22021", AGLM_INVALID, "a text that the database's encoding cannot hold")                    \
    X("22P05", AGLM_INVALID, "a text that the database's encoding cannot hold")                    \
    X("28", AGLM_IO, "the server does not let this user in; check user, password and pg_hba.conf") \
    X("3D000", AGLM_NOTFOUND, "no such database; make it with createdb")                           \
    X("XX001", AGLM_FORMAT, "the server's data is damaged; restore a backup")                      \
    X("XX002", AGLM_FORMAT, "the server's data is damaged; restore a backup")

static const struct failure {
    const char *state;
    aglm_rc rc;
    const char *mend;
} failures[] = {
#define PG_FAILURE(state, rc, mend) {state, rc, mend},
    PG_FAILURES(PG_FAILURE)
#undef PG_FAILURE
};

static bool starts_with(const char *s, const char *head)
{
    return strncmp(s, head, strlen(head)) == 0;
}

/* By class 08 (connection) and 57P0x (shut down, crashed, starting). */
static bool is_away(const pg *q, const char *state)
{
    return starts_with(state, "08") || starts_with(state, "57P0") || starts_with(state, "53300") ||
           !q->conn || PQstatus(q->conn) != CONNECTION_OK;
}

aglm_rc pg_fail(pg *q, const PGresult *res, aglm_error *err)
{
    char why[256];
    const char *state = PQresultErrorField(res, PG_DIAG_SQLSTATE);
    const char *primary = PQresultErrorField(res, PG_DIAG_MESSAGE_PRIMARY);

    state = state ? state : "";
    copy_message(q, primary ? primary : PQerrorMessage(q->conn), why, sizeof why);
    if (is_away(q, state)) {
        q->again = true;
        pg_disconnect(q);
        return aglm_error_set(err, strcmp(state, "53300") == 0 ? AGLM_BUSY : AGLM_IO,
                              "%s: the server is away: %s; start it and run the same command again",
                              q->label, why);
    }
    /* Serialisation, deadlock, and two that make the same thing at once. */
    q->again = strcmp(state, "40001") == 0 || strcmp(state, "40P01") == 0;
    for (size_t i = 0; i < sizeof failures / sizeof failures[0]; i++) {
        if (starts_with(state, failures[i].state))
            return aglm_error_set(err, failures[i].rc, "%s: %s: %s", q->label, failures[i].mend,
                                  why);
    }
    return aglm_error_set(err, AGLM_IO, "%s: %s", q->label, why);
}

/* libpq's own waits have no end. False: the server has said nothing for too long. True: PQgetResult
 * will not wait (what broke, it says). */
static bool wait_answer(const pg *q)
{
    for (;;) {
        struct pollfd fd = {.fd = PQsocket(q->conn), .events = POLLIN};
        int unsent = PQflush(q->conn);
        if (unsent < 0 || fd.fd < 0 || !PQisBusy(q->conn))
            return true;
        fd.events |= unsent > 0 ? POLLOUT : 0;
        int n = poll(&fd, 1, q->silence_ms);
        if (n == 0)
            return false;
        if (n < 0 && errno != EINTR)
            return true;
        if (n > 0 && PQconsumeInput(q->conn) != 1)
            return true;
    }
}

/* The connection is of no use any longer: what it was asked may have been done or not. */
static aglm_rc give_up(pg *q, const char *why, aglm_error *err)
{
    q->again = true;
    pg_disconnect(q);
    return aglm_error_set(err, AGLM_IO, "%s: %s", q->label, why);
}

static aglm_rc silent(pg *q, aglm_error *err)
{
    return give_up(q, "the server has not answered for a minute; look at its log", err);
}

/* The last answer of several statements, the first failure before all. */
aglm_rc pg_exec(pg *q, const char *sql, PGresult **out, aglm_error *err)
{
    PGresult *last = NULL;
    PGresult *res;
    aglm_rc rc = AGLM_OK;

    if (PQsendQuery(q->conn, sql) != 1)
        return pg_fail(q, NULL, err);
    while (q->conn) {
        if (!wait_answer(q)) {
            rc = silent(q, err);
            break;
        }
        if ((res = PQgetResult(q->conn)) == NULL)
            break;
        ExecStatusType status = PQresultStatus(res);
        PQclear(last);
        last = res;
        if (status != PGRES_TUPLES_OK && status != PGRES_COMMAND_OK && rc == AGLM_OK)
            rc = pg_fail(q, res, err);
    }
    if (rc == AGLM_OK && !last)
        rc = give_up(q, "the server's answer broke off", err);
    if (rc == AGLM_OK && out)
        *out = last;
    else
        PQclear(last);
    return rc;
}

static void no_notice(void *arg, const PGresult *res)
{
    (void)arg;
    (void)res;
}

/* What was refused for good at connecting is not tried again: password, database, host name. */
static aglm_rc connect_failed(pg *q, aglm_error *err)
{
    static const char *const final[] = {
        "password authentication failed", "no password supplied",      "does not exist",
        "no pg_hba.conf entry",           "invalid connection option", "invalid port",
        "could not translate host name"};
    char why[256];

    copy_message(q, q->conn ? PQerrorMessage(q->conn) : "out of memory", why, sizeof why);
    q->again = q->schema; /* a server that was there may come back; one that never was is a typo */
    for (size_t i = 0; i < sizeof final / sizeof final[0]; i++) {
        if (strstr(why, final[i]))
            q->again = false;
    }
    if (strstr(why, "starting up") || strstr(why, "shutting down") ||
        strstr(why, "recovery mode") || strstr(why, "too many clients"))
        q->again = true;
    pg_disconnect(q);
    return aglm_error_set(err, AGLM_IO,
                          "%s: cannot connect: %s; check that the server runs and the URL is right",
                          q->label, why);
}

static PGconn *open_link(const pg *q)
{
    const char *key[MAX_OPTIONS + 4] = {"application_name", "connect_timeout", "client_encoding"};
    const char *value[MAX_OPTIONS + 4] = {"autoglm", "10", "UTF8"};
    int n = 3;

    for (const PQconninfoOption *o = q->options; o->keyword && n < MAX_OPTIONS; o++) {
        if (o->val) {
            key[n] = o->keyword;
            value[n++] = o->val;
        }
    }
    return PQconnectdbParams(key, value, 0);
}

void pg_args_init(pg_args *a, pg *q)
{
    memset(a, 0, sizeof *a);
    a->q = q;
    /* Everything queued has been handed to libpq, which keeps its own copy. */
    aglm_str_reset(&q->scratch);
}

void pg_put_int(pg_args *a, int64_t v)
{
    aglm_str *s = &a->q->scratch;

    a->arg[a->n++].at = s->len;
    aglm_str_printf(s, "%lld", (long long)v);
    aglm_str_append(s, "", 1);
}

void pg_put_text(pg_args *a, const char *text)
{
    aglm_str *s = &a->q->scratch;

    a->arg[a->n].at = s->len;
    a->arg[a->n++].null = !text;
    if (text)
        aglm_str_append(s, text, strlen(text) + 1);
}

static void put_u32(aglm_str *s, uint32_t v)
{
    uint32_t be = htonl(v);

    aglm_str_append(s, (const char *)&be, sizeof be);
}

static void put_u64(aglm_str *s, uint64_t v)
{
    uint64_t be = htobe64(v);

    put_u32(s, sizeof be);
    aglm_str_append(s, (const char *)&be, sizeof be);
}

/* array_recv's form: dimensions, flags, element type, then length and lower bound of the one
 * dimension. One of length 0 is an empty array to PostgreSQL as well. */
void pg_put_array(pg_args *a, int oid)
{
    aglm_str *s = &a->q->scratch;

    a->arg[a->n].at = s->len;
    a->arg[a->n].binary = true;
    a->arg[a->n++].len = 20;
    put_u32(s, 1);
    put_u32(s, 0);
    put_u32(s, (uint32_t)oid);
    a->element = s->len;
    put_u32(s, 0);
    put_u32(s, 1);
}

static void count_element(pg_args *a)
{
    aglm_str *s = &a->q->scratch;
    uint32_t n;

    a->arg[a->n - 1].len = (int)(s->len - a->arg[a->n - 1].at);
    if (s->rc != AGLM_OK)
        return;
    memcpy(&n, s->data + a->element, sizeof n);
    n = htonl(ntohl(n) + 1);
    memcpy(s->data + a->element, &n, sizeof n);
}

void pg_element_int(pg_args *a, int64_t v)
{
    put_u64(&a->q->scratch, (uint64_t)v);
    count_element(a);
}

void pg_element_double(pg_args *a, double v)
{
    uint64_t bits;

    memcpy(&bits, &v, sizeof bits);
    put_u64(&a->q->scratch, bits);
    count_element(a);
}

void pg_element_bool(pg_args *a, bool v)
{
    put_u32(&a->q->scratch, 1);
    aglm_str_append(&a->q->scratch, v ? "\1" : "", 1);
    count_element(a);
}

void pg_element_text(pg_args *a, const char *text)
{
    size_t len = strlen(text);

    put_u32(&a->q->scratch, (uint32_t)len);
    aglm_str_append(&a->q->scratch, text, len);
    count_element(a);
}

aglm_rc pg_queue(pg *q, pg_sql id, const pg_args *args, aglm_error *err)
{
    const char *value[PG_MAX_ARGS];
    int length[PG_MAX_ARGS];
    int format[PG_MAX_ARGS];
    int n = args ? args->n : 0;

    if (n > 0 && q->scratch.rc != AGLM_OK)
        return aglm_error_set(err, q->scratch.rc, "%s: a trial's rows: %s", q->label,
                              aglm_rc_text(q->scratch.rc));
    for (int i = 0; i < n; i++) {
        value[i] = args->arg[i].null ? NULL : q->scratch.data + args->arg[i].at;
        length[i] = args->arg[i].len;
        format[i] = args->arg[i].binary;
    }
    if (PQsendQueryPrepared(q->conn, statement_name[id], n, value, length, format, 1) != 1)
        return pg_fail(q, NULL, err);
    q->n_queued++;
    return AGLM_OK;
}

aglm_rc pg_queue_commit(pg *q, aglm_error *err)
{
    if (PQpipelineSync(q->conn) != 1)
        return pg_fail(q, NULL, err);
    q->n_syncs++;
    return AGLM_OK;
}

/* Takes one answer; true while more are to come. *ends counts the NULLs in a row: one stands behind
 * every statement, a second says that libpq expects nothing more. */
static bool take_answer(pg *q, int *at, int *ends, aglm_rc *rc, aglm_error *err)
{
    if (!wait_answer(q)) {
        *rc = silent(q, err);
        return false;
    }
    PGresult *res = PQgetResult(q->conn);
    ExecStatusType status = PQresultStatus(res);

    if (!res)
        return ++*ends < 2 && PQstatus(q->conn) == CONNECTION_OK;
    *ends = 0;
    if (status == PGRES_PIPELINE_SYNC) {
        PQclear(res);
        return --q->n_syncs > 0;
    }
    if (status != PGRES_TUPLES_OK && status != PGRES_COMMAND_OK && *rc == AGLM_OK)
        *rc = pg_fail(q, res, err);
    if (*at < PG_MAX_BATCH)
        q->result[(*at)++] = res;
    else
        PQclear(res);
    return q->conn != NULL;
}

aglm_rc pg_collect(pg *q, aglm_error *err)
{
    int at = 0;
    int ends = 0;
    int want = q->n_queued;
    aglm_rc rc = AGLM_OK;

    for (int i = 0; i < PG_MAX_BATCH; i++) {
        PQclear(q->result[i]);
        q->result[i] = NULL;
    }
    while (take_answer(q, &at, &ends, &rc, err))
        ;
    if (q->conn && rc == AGLM_OK && (at < want || q->n_syncs > 0))
        rc = give_up(q, "the server's answer broke off", err);
    q->n_queued = 0;
    q->n_syncs = 0;
    return rc;
}

aglm_rc pg_exchange(pg *q, aglm_error *err)
{
    aglm_rc rc = pg_queue_commit(q, err);

    return rc ? rc : pg_collect(q, err);
}

static aglm_rc prepare_all(pg *q, aglm_error *err)
{
    int at = PG_MAX_BATCH; /* keep no answer */
    int ends = 0;
    aglm_rc rc = AGLM_OK;

    if (PQenterPipelineMode(q->conn) != 1)
        return pg_fail(q, NULL, err);
    for (int i = 0; i < PG_COUNT; i++) {
        if (PQsendPrepare(q->conn, statement_name[i], statement_text[i], 0, NULL) != 1)
            return pg_fail(q, NULL, err);
    }
    rc = pg_queue_commit(q, err);
    while (rc == AGLM_OK && take_answer(q, &at, &ends, &rc, err))
        ;
    if (rc == AGLM_OK && q->n_syncs > 0)
        rc = give_up(q, "the server's answer broke off", err);
    return rc;
}

aglm_rc pg_connect(pg *q, aglm_error *err)
{
    /* Every statement of ours finds its rows by an index, and its plan never changes. */
    static const char settings[] =
        "SELECT set_config('synchronous_commit', 'on', false)"
        " WHERE current_setting('synchronous_commit') = 'off';"
        " SET lock_timeout = '30s'; SET jit = off; SET enable_seqscan = off;"
        " SET plan_cache_mode = force_generic_plan;"
        " SET default_transaction_isolation = 'read committed'";

    q->conn = open_link(q);
    if (!q->conn || PQstatus(q->conn) != CONNECTION_OK)
        return connect_failed(q, err);
    PQsetNoticeReceiver(q->conn, no_notice, NULL);
    PQsetnonblocking(q->conn, 1); /* all waits are in wait_answer */
    aglm_rc rc = AGLM_OK;
    if (!q->schema)
        rc = pg_schema_open(q, err);
    if (rc == AGLM_OK)
        rc = pg_exec(q, settings, NULL, err);
    if (rc == AGLM_OK)
        rc = prepare_all(q, err);
    if (rc == AGLM_OK)
        q->schema = true;
    else
        pg_disconnect(q);
    return rc;
}

aglm_rc pg_one(pg *q, pg_sql id, const pg_args *args, aglm_error *err)
{
    aglm_rc rc = pg_queue(q, id, args, err);

    return rc ? rc : pg_exchange(q, err);
}

int64_t pg_int(const PGresult *res, int row, int col)
{
    const char *v = PQgetvalue(res, row, col);
    uint32_t u32;
    uint64_t u64;

    switch (PQgetlength(res, row, col)) {
    case 1:
        return *v;
    case 4:
        memcpy(&u32, v, sizeof u32);
        return (int32_t)ntohl(u32);
    case 8:
        memcpy(&u64, v, sizeof u64);
        return (int64_t)be64toh(u64);
    default:
        return 0;
    }
}

double pg_double(const PGresult *res, int row, int col)
{
    int64_t bits = pg_int(res, row, col);
    double v;

    memcpy(&v, &bits, sizeof v);
    return v;
}

const char *pg_text(const PGresult *res, int row, int col)
{
    return PQgetvalue(res, row, col);
}
