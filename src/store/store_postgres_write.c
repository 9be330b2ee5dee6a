#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/memory.h"
#include "store/store_postgres_priv.h"

/* ---- arrays out of rows; of a name, key or step given twice the last one counts ---- */

static bool given_before(const aglm_param_row *rows, size_t at)
{
    for (size_t i = 0; i < at; i++) {
        if (strcmp(rows[i].name, rows[at].name) == 0)
            return true;
    }
    return false;
}

static const aglm_param_row *last_given(const aglm_param_row *rows, size_t n, size_t at)
{
    const aglm_param_row *last = &rows[at];

    for (size_t i = at + 1; i < n; i++) {
        if (strcmp(rows[i].name, rows[at].name) == 0)
            last = &rows[i];
    }
    return last;
}

static void put_params(pg_args *a, const aglm_param_row *rows, size_t n)
{
    pg_put_array(a, PG_OID_TEXT);
    for (size_t i = 0; i < n; i++) {
        if (!given_before(rows, i))
            pg_element_text(a, rows[i].name);
    }
    pg_put_array(a, PG_OID_FLOAT8);
    for (size_t i = 0; i < n; i++) {
        if (!given_before(rows, i))
            pg_element_double(a, last_given(rows, n, i)->value);
    }
    pg_put_array(a, PG_OID_TEXT);
    for (size_t i = 0; i < n; i++) {
        if (!given_before(rows, i))
            pg_element_text(a, last_given(rows, n, i)->distribution);
    }
}

static void put_values(pg_args *a, const double *values, size_t n)
{
    pg_put_array(a, PG_OID_FLOAT8);
    for (size_t i = 0; i < n; i++)
        pg_element_double(a, values[i]);
}

static bool step_again(const aglm_step_row *rows, size_t n, size_t at)
{
    /* Steps come in ascending order as a rule, then none is looked at twice. */
    if (at + 1 == n || rows[n - 1].step < rows[at].step)
        return false;
    for (size_t i = at + 1; i < n; i++) {
        if (rows[i].step == rows[at].step)
            return true;
    }
    return false;
}

static bool ascending(const aglm_step_row *rows, size_t n)
{
    for (size_t i = 1; i < n; i++) {
        if (rows[i].step <= rows[i - 1].step)
            return false;
    }
    return true;
}

static void put_steps(pg_args *a, const aglm_step_row *rows, size_t n)
{
    bool plain = ascending(rows, n);

    pg_put_array(a, PG_OID_INT8);
    for (size_t i = 0; i < n; i++) {
        if (plain || !step_again(rows, n, i))
            pg_element_int(a, rows[i].step);
    }
    pg_put_array(a, PG_OID_FLOAT8);
    for (size_t i = 0; i < n; i++) {
        if (plain || !step_again(rows, n, i))
            pg_element_double(a, rows[i].value);
    }
}

static const aglm_attr_row *last_attr(const aglm_attr_row *rows, size_t n, size_t at)
{
    const aglm_attr_row *last = &rows[at];

    for (size_t i = 0; i < n; i++) {
        if (rows[i].system != rows[at].system || strcmp(rows[i].key, rows[at].key) != 0)
            continue;
        if (i < at)
            return NULL;
        last = &rows[i];
    }
    return last;
}

static void put_attrs(pg_args *a, const aglm_attr_row *rows, size_t n)
{
    pg_put_array(a, PG_OID_TEXT);
    for (size_t i = 0; i < n; i++) {
        if (last_attr(rows, n, i))
            pg_element_text(a, rows[i].key);
    }
    pg_put_array(a, PG_OID_TEXT);
    for (size_t i = 0; i < n; i++) {
        const aglm_attr_row *last = last_attr(rows, n, i);
        if (last)
            pg_element_text(a, last->json);
    }
    pg_put_array(a, PG_OID_BOOL);
    for (size_t i = 0; i < n; i++) {
        if (last_attr(rows, n, i))
            pg_element_bool(a, rows[i].system);
    }
}

/* ---- owners ---- */

static aglm_rc note_process(pg *q, int64_t owner, int64_t *id, aglm_error *err)
{
    const aglm_machine *m = &q->machine;
    bool self = owner == (int64_t)getpid();
    pg_args a;

    if (self && q->own_process != 0 && q->own_pid == owner) {
        *id = q->own_process;
        return AGLM_OK;
    }
    pg_args_init(&a, q);
    pg_put_int(&a, owner);
    pg_put_int(&a, aglm_process_start(owner));
    pg_put_text(&a, m->boot);
    pg_put_text(&a, m->pidns);
    pg_put_text(&a, m->host);
    aglm_rc rc = pg_one(q, PG_PROCESS_NOTE, &a, err);
    if (rc != AGLM_OK)
        return rc;
    *id = pg_int(q->result[0], 0, 0);
    if (self) {
        q->own_process = *id;
        q->own_pid = owner;
    }
    return AGLM_OK;
}

/* ---- a new trial ---- */

struct new_trial {
    int64_t study;
    aglm_trial_row *row;
    int64_t owner;
    bool next; /* only when its number is row->number */
    char now[AGLM_STORE_DATE_LEN + 6];
    uint64_t nonce;
    int64_t id;
    int64_t number;
};

/* Nothing but parameters, and an owner whose row tells it apart: the common case. */
static bool is_ask(const struct new_trial *j)
{
    const aglm_trial_row *r = j->row;

    return j->owner != 0 && r->state == AGLM_TRIAL_RUNNING && !r->started && r->n_values == 0 &&
           r->n_steps == 0 && r->n_attrs == 0;
}

/* Was it kept by a try whose answer was lost? AGLM_DONE: no. */
static aglm_rc find_kept(pg *q, struct new_trial *j, int64_t process, aglm_error *err)
{
    pg_args a;

    pg_args_init(&a, q);
    pg_put_int(&a, process);
    if (is_ask(j)) {
        pg_put_text(&a, j->now);
        pg_put_int(&a, j->study);
    } else {
        pg_put_int(&a, (int64_t)j->nonce);
    }
    aglm_rc rc = pg_one(q, is_ask(j) ? PG_TRIAL_ASKED : PG_TRIAL_ADDED, &a, err);
    if (rc != AGLM_OK)
        return rc;
    if (PQntuples(q->result[0]) == 0)
        return AGLM_DONE;
    j->id = pg_int(q->result[0], 0, 0);
    j->number = pg_int(q->result[0], 0, 1);
    return AGLM_OK;
}

static void put_trial(pg_args *a, const struct new_trial *j)
{
    const aglm_trial_row *r = j->row;
    bool started = r->started || r->state != AGLM_TRIAL_WAITING;
    bool completed = r->completed || !aglm_trial_state_open(r->state);

    pg_put_int(a, j->study);
    pg_put_text(a, aglm_trial_state_name(r->state));
    pg_put_text(a, !started ? NULL : r->started ? r->started : j->now);
    pg_put_text(a, !completed ? NULL : r->completed ? r->completed : j->now);
    put_params(a, r->params, r->n_params);
}

static void put_number(pg_args *a, const struct new_trial *j)
{
    if (j->next)
        pg_put_int(a, j->row->number);
    else
        pg_put_text(a, NULL);
}

/* What TRIAL_ADD has beyond TRIAL_ASK. */
static void put_rest(pg_args *a, const struct new_trial *j, int64_t owner)
{
    const aglm_trial_row *r = j->row;

    put_values(a, r->values, r->n_values);
    put_steps(a, r->steps, r->n_steps);
    put_attrs(a, r->attrs, r->n_attrs);
    pg_put_int(a, (int64_t)j->nonce);
    pg_put_int(a, owner);
}

/* The lock of the study's row makes the numbers dense. It is given back with a commit that does not
 * wait for the disk; the second transaction does, and with it all that went before. */
static aglm_rc queue_new(pg *q, struct new_trial *j, int64_t self, int64_t owner, aglm_error *err)
{
    const aglm_trial_row *r = j->row;
    bool ask = is_ask(j);
    pg_args a;

    pg_args_init(&a, q);
    pg_put_int(&a, j->study);
    if (j->next)
        put_number(&a, j);
    aglm_rc rc = pg_queue(q, j->next ? PG_STUDY_LOCK_NEXT : PG_STUDY_LOCK, &a, err);
    if (rc != AGLM_OK)
        return rc;
    pg_args_init(&a, q);
    put_trial(&a, j);
    pg_put_int(&a, ask ? owner : self);
    if (!ask)
        put_rest(&a, j, r->state == AGLM_TRIAL_RUNNING ? owner : 0);
    put_number(&a, j);
    rc = pg_queue(q, ask ? PG_TRIAL_ASK : PG_TRIAL_ADD, &a, err);
    if (rc == AGLM_OK && q->base.beats && owner != 0 && r->state == AGLM_TRIAL_RUNNING) {
        pg_args_init(&a, q);
        pg_put_int(&a, j->study);
        pg_put_int(&a, owner);
        rc = pg_queue(q, PG_BEAT_NEWEST, &a, err);
    }
    if (rc == AGLM_OK)
        rc = pg_queue_commit(q, err);
    return rc == AGLM_OK ? pg_queue(q, PG_FLUSH, NULL, err) : rc;
}

static aglm_rc check_objectives(pg *q, struct new_trial *j, aglm_error *err)
{
    size_t n = q->objectives;
    aglm_rc rc = AGLM_OK;

    if (q->study != j->study)
        rc = pg_study_need(q, j->study, &n, err);
    if (rc != AGLM_OK)
        return rc;
    q->study = j->study;
    q->objectives = n;
    return aglm_store_check_values(j->row->state, j->row->n_values, n, err);
}

static aglm_rc new_trial(pg *q, void *job, aglm_error *err)
{
    struct new_trial *j = job;
    int64_t self = 0;
    int64_t owner = 0;
    aglm_rc rc = check_objectives(q, j, err);

    if (rc == AGLM_OK)
        rc = note_process(q, (int64_t)getpid(), &self, err);
    if (rc == AGLM_OK && j->owner != 0)
        rc = note_process(q, j->owner, &owner, err);
    if (rc == AGLM_OK && q->unsure) {
        rc = find_kept(q, j, is_ask(j) ? owner : self, err);
        if (rc != AGLM_DONE)
            return rc;
        rc = AGLM_OK;
    }
    if (rc == AGLM_OK)
        rc = queue_new(q, j, self, owner, err);
    if (rc == AGLM_OK)
        rc = pg_exchange(q, err);
    if (rc != AGLM_OK)
        return rc;
    if (j->next && PQntuples(q->result[1]) == 0)
        return AGLM_DONE; /* the number is another's */
    if (PQntuples(q->result[1]) == 0) {
        q->study = 0;
        return aglm_store_no_study(j->study, err);
    }
    j->id = pg_int(q->result[1], 0, 0);
    j->number = pg_int(q->result[1], 0, 1);
    return AGLM_OK;
}

aglm_rc pg_trial_new(aglm_store *s, int64_t study, aglm_trial_row *row, int64_t owner, bool next,
                     aglm_error *err)
{
    struct new_trial job = {.study = study, .row = row, .owner = owner, .next = next};

    pthread_mutex_lock(&((pg *)s)->lock);
    job.nonce = ++((pg *)s)->nonce;
    pthread_mutex_unlock(&((pg *)s)->lock);
    aglm_clock_utc(job.now, sizeof job.now);
    aglm_rc rc = pg_call(s, new_trial, &job, err);
    if (rc == AGLM_OK) {
        row->id = job.id;
        row->number = job.number;
    }
    return rc;
}

/* ---- a whole study ---- */

struct add_study {
    const aglm_study_whole *whole;
    bool append;
    int64_t self;          /* this process */
    struct new_trial last; /* its nonce is noted with the last trial */
};

/* Was it kept by a try whose answer was lost? Then the trials' ids stay unknown. AGLM_DONE: no. */
static aglm_rc find_added(pg *q, struct add_study *j, aglm_error *err)
{
    int64_t id;

    if (j->whole->n_trials > 0)
        return find_kept(q, &j->last, j->self, err);
    return pg_study_named(q, j->whole->name, &id, NULL) == AGLM_OK ? AGLM_OK : AGLM_DONE;
}

static aglm_rc add_trials(pg *q, struct add_study *j, aglm_error *err)
{
    const aglm_study_whole *w = j->whole;
    aglm_rc rc = AGLM_OK;
    pg_args a;

    for (size_t at = 0; rc == AGLM_OK && at < w->n_trials; at += PG_MAX_BATCH) {
        size_t n = w->n_trials - at < PG_MAX_BATCH ? w->n_trials - at : PG_MAX_BATCH;
        for (size_t i = 0; rc == AGLM_OK && i < n; i++) {
            bool last = at + i + 1 == w->n_trials;
            j->last.row = &w->trials[at + i];
            pg_args_init(&a, q);
            put_trial(&a, &j->last);
            pg_put_int(&a, last ? j->self : 0);
            put_rest(&a, &j->last, 0);
            put_number(&a, &j->last);
            rc = pg_queue(q, PG_TRIAL_ADD, &a, err);
        }
        if (rc == AGLM_OK)
            rc = pg_exchange(q, err);
        for (size_t i = 0; rc == AGLM_OK && i < n; i++) {
            w->trials[at + i].id = pg_int(q->result[i], 0, 0);
            w->trials[at + i].number = pg_int(q->result[i], 0, 1);
        }
    }
    return rc;
}

static aglm_rc add_study(pg *q, void *job, aglm_error *err)
{
    struct add_study *j = job;
    aglm_rc rc = note_process(q, (int64_t)getpid(), &j->self, err);

    if (rc == AGLM_OK && q->unsure) {
        rc = find_added(q, j, err);
        if (rc != AGLM_DONE)
            return rc;
        rc = AGLM_OK;
    }
    if (rc == AGLM_OK)
        rc = pg_one(q, PG_BEGIN, NULL, err);
    if (rc == AGLM_OK)
        rc = pg_study_enter(q, j->whole, j->append, &j->last.study, err);
    if (rc == AGLM_OK)
        rc = add_trials(q, j, err);
    if (rc == AGLM_OK)
        rc = pg_queue(q, PG_COMMIT, NULL, err);
    if (rc == AGLM_OK)
        rc = pg_queue_commit(q, err);
    if (rc == AGLM_OK)
        rc = pg_queue(q, PG_FLUSH, NULL, err); /* the lock turned the commit's own wait off */
    return rc == AGLM_OK ? pg_exchange(q, err) : rc;
}

aglm_rc pg_study_add(aglm_store *s, const aglm_study_whole *whole, bool append, aglm_error *err)
{
    struct add_study job = {.whole = whole, .append = append};

    pthread_mutex_lock(&((pg *)s)->lock);
    job.last.nonce = ++((pg *)s)->nonce;
    pthread_mutex_unlock(&((pg *)s)->lock);
    job.last.row = whole->trials;
    aglm_clock_utc(job.last.now, sizeof job.last.now);
    return pg_call(s, add_study, &job, err);
}

/* AGLM_DONE: none waits. */
static aglm_rc ask_claim(pg *q, const struct new_trial *j, int64_t owner, aglm_error *err)
{
    int64_t from = q->waiting_study == j->study ? q->waiting_from : 0;
    pg_args a;

    /* Looked at before the claim: what is made in between has a higher number. */
    pg_args_init(&a, q);
    pg_put_int(&a, j->study);
    aglm_rc rc = pg_queue(q, PG_STUDY_EXISTS, &a, err);
    pg_put_int(&a, from);
    if (rc == AGLM_OK)
        rc = pg_queue(q, PG_WAITING_FROM, &a, err);
    pg_args_init(&a, q);
    pg_put_int(&a, j->study);
    pg_put_text(&a, j->now);
    pg_put_int(&a, owner);
    pg_put_int(&a, from);
    if (rc == AGLM_OK)
        rc = pg_queue(q, PG_TRIAL_CLAIM, &a, err);
    if (rc == AGLM_OK)
        rc = pg_exchange(q, err);
    if (rc != AGLM_OK)
        return rc;
    if (PQntuples(q->result[0]) == 0)
        return aglm_store_no_study(j->study, err);
    if (!PQgetisnull(q->result[1], 0, 0)) {
        q->waiting_study = j->study;
        q->waiting_from = pg_int(q->result[1], 0, 0);
    }
    return PQntuples(q->result[2]) == 0 ? AGLM_DONE : AGLM_OK;
}

static aglm_rc claim_trial(pg *q, void *job, aglm_error *err)
{
    struct new_trial *j = job;
    aglm_trial_row as_ask = {.state = AGLM_TRIAL_RUNNING};
    int64_t owner = 0;
    aglm_rc rc = AGLM_OK;

    j->row = &as_ask;
    if (j->study <= 0 || j->study > INT32_MAX)
        return aglm_store_no_study(j->study, err);
    if (j->owner != 0)
        rc = note_process(q, j->owner, &owner, err);
    if (rc == AGLM_OK && q->unsure && owner != 0) {
        rc = find_kept(q, j, owner, err);
        if (rc != AGLM_DONE)
            return rc;
        rc = AGLM_OK;
    }
    if (rc != AGLM_OK)
        return rc;
    rc = ask_claim(q, j, owner, err);
    if (rc != AGLM_OK)
        return rc;
    j->id = pg_int(q->result[2], 0, 0);
    if (!q->base.beats || owner == 0)
        return AGLM_OK;
    rc = pg_queue_beats(q, &j->id, 1, err);
    return rc == AGLM_OK ? pg_exchange(q, err) : rc;
}

aglm_rc pg_trial_claim(aglm_store *s, int64_t study, int64_t owner, int64_t *id, aglm_error *err)
{
    struct new_trial job = {.study = study, .owner = owner};

    aglm_clock_utc(job.now, sizeof job.now);
    aglm_rc rc = pg_call(s, claim_trial, &job, err);
    if (rc == AGLM_OK)
        *id = job.id;
    return rc;
}

/* ---- changes of an open trial ---- */

/* Why a change met no open trial. */
static aglm_rc explain(pg *q, int64_t trial, const aglm_trial_end *end, aglm_error *err)
{
    aglm_trial_state state = AGLM_TRIAL_FAIL;
    pg_args a;

    pg_args_init(&a, q);
    pg_put_int(&a, trial);
    aglm_rc rc = pg_one(q, PG_TRIAL_STATE, &a, err);
    if (rc != AGLM_OK)
        return rc;
    const PGresult *res = q->result[0];
    if (PQntuples(res) == 0)
        return aglm_store_no_trial(trial, err);
    if (!aglm_trial_state_from_name(pg_text(res, 0, 0), &state))
        return aglm_error_set(err, AGLM_FORMAT, "%s: table trials, id %lld: unknown state",
                              q->label, (long long)trial);
    if (!aglm_trial_state_open(state)) {
        /* Told by the try whose answer was lost. */
        if (q->unsure && end && end->state == state)
            return AGLM_OK;
        return aglm_store_trial_closed(pg_int(res, 0, 1), state, err);
    }
    if (!end)
        return aglm_error_set(err, AGLM_BUSY, "%s: trial %lld is being changed by others", q->label,
                              (long long)pg_int(res, 0, 1));
    return aglm_store_check_values(end->state, end->n_values, (size_t)pg_int(res, 0, 2), err);
}

struct change {
    int64_t trial;
    const aglm_param_row *params;
    size_t n_params;
    const aglm_step_row *steps;
    size_t n_steps;
    const aglm_attr_row *attrs;
    size_t n_attrs;
    const aglm_trial_end *end;
    char now[AGLM_STORE_DATE_LEN + 6];
};

static void begin_change(pg_args *a, pg *q, const struct change *j)
{
    pg_args_init(a, q);
    pg_put_int(a, j->trial);
    pg_put_text(a, j->end ? j->now : NULL);
}

static aglm_rc queue_rows(pg *q, const struct change *j, aglm_error *err)
{
    pg_args a;
    aglm_rc rc = AGLM_OK;

    if (j->params) {
        begin_change(&a, q, j);
        put_params(&a, j->params, j->n_params);
        rc = pg_queue(q, PG_PARAMS_PUT, &a, err);
    }
    if (rc == AGLM_OK && j->n_steps > 0) {
        begin_change(&a, q, j);
        put_steps(&a, j->steps, j->n_steps);
        rc = pg_queue(q, PG_STEPS_PUT, &a, err);
    }
    if (rc == AGLM_OK && j->n_attrs > 0) {
        begin_change(&a, q, j);
        put_attrs(&a, j->attrs, j->n_attrs);
        rc = pg_queue(q, PG_ATTRS_PUT, &a, err);
    }
    return rc;
}

/* The end first: the rows behind it find the trial by its moment. */
static aglm_rc change_trial(pg *q, void *job, aglm_error *err)
{
    const struct change *j = job;
    aglm_rc rc = AGLM_OK;
    pg_args a;

    if (j->trial <= 0 || j->trial > INT32_MAX)
        return aglm_store_no_trial(j->trial, err);
    if (j->end) {
        begin_change(&a, q, j);
        pg_put_text(&a, aglm_trial_state_name(j->end->state));
        put_values(&a, j->end->values, j->end->n_values);
        rc = pg_queue(q, PG_TRIAL_END, &a, err);
    }
    if (rc == AGLM_OK)
        rc = queue_rows(q, j, err);
    if (rc == AGLM_OK && j->end && q->base.beats) {
        pg_args_init(&a, q);
        pg_put_int(&a, j->trial);
        rc = pg_queue(q, PG_BEAT_DELETE, &a, err);
    }
    if (rc == AGLM_OK)
        rc = pg_exchange(q, err);
    if (rc == AGLM_OK && PQntuples(q->result[0]) == 0)
        rc = explain(q, j->trial, j->end, err);
    return rc;
}

static const aglm_param_row no_params[1];

aglm_rc pg_trial_set_params(aglm_store *s, int64_t trial, const aglm_param_row *params, size_t n,
                            aglm_error *err)
{
    struct change job = {.trial = trial, .params = n > 0 ? params : no_params, .n_params = n};

    return pg_call(s, change_trial, &job, err);
}

aglm_rc pg_trial_report(aglm_store *s, int64_t trial, const aglm_step_row *step, aglm_error *err)
{
    struct change job = {.trial = trial, .steps = step, .n_steps = 1};

    return pg_call(s, change_trial, &job, err);
}

aglm_rc pg_trial_set_attr(aglm_store *s, int64_t trial, const aglm_attr_row *attr, aglm_error *err)
{
    struct change job = {.trial = trial, .attrs = attr, .n_attrs = 1};

    return pg_call(s, change_trial, &job, err);
}

aglm_rc pg_trial_finish(aglm_store *s, int64_t trial, const aglm_trial_end *end, aglm_error *err)
{
    struct change job = {.trial = trial,
                         .steps = end->steps,
                         .n_steps = end->n_steps,
                         .attrs = end->attrs,
                         .n_attrs = end->n_attrs,
                         .end = end};

    aglm_clock_utc(job.now, sizeof job.now);
    return pg_call(s, change_trial, &job, err);
}
