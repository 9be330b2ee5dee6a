#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/memory.h"
#include "store/shape.h"
#include "store/store_priv.h"

#define MAX_ROWS ((size_t)1 << 30)

/* Keys come again and again: they are interned. Values are each their own. */
typedef struct attr {
    const char *key;
    char *json;
    bool system;
} attr;

typedef struct attr_list {
    attr *v;
    size_t n;
    size_t cap;
} attr_list;

/* The twenty digits of a date, two to a byte. */
typedef struct date {
    uint8_t pair[10];
    bool set;
} date;

typedef struct trial {
    int64_t id;
    int64_t number;
    struct study *study;
    aglm_trial_state state;
    date started;
    date completed;
    aglm_params params;
    double only; /* the value of a single objective */
    double *values;
    size_t n_values;
    aglm_step_row *steps;
    size_t n_steps;
    size_t cap_steps;
    attr_list attrs;
    int64_t owner; /* process id, 0: none */
    int64_t owner_start;
} trial;

typedef struct study {
    int64_t id;
    char *name;
    aglm_direction directions[AGLM_STORE_MAX_OBJECTIVES];
    size_t n_directions;
    trial **trials; /* by number */
    size_t n;
    size_t cap;
    size_t first_waiting; /* no trial with a smaller number waits */
    attr_list attrs;
} study;

typedef struct memory {
    aglm_store base;
    pthread_mutex_t lock;
    aglm_shapes shapes;
    study **studies; /* [id - 1], NULL when deleted */
    size_t n_studies;
    size_t cap_studies;
    trial **trials; /* [id - 1], NULL when deleted */
    size_t n_trials;
    size_t cap_trials;
    aglm_machine machine;
    int64_t self; /* process id */
    int64_t own_start;
} memory;

static aglm_rc no_memory(aglm_error *err)
{
    return aglm_error_set(err, AGLM_NOMEM, "memory store: out of memory");
}

static memory *lock(aglm_store *s)
{
    memory *m = (memory *)s;

    pthread_mutex_lock(&m->lock);
    return m;
}

static aglm_rc unlock(memory *m, aglm_rc rc)
{
    pthread_mutex_unlock(&m->lock);
    return rc;
}

static study *find_study(memory *m, int64_t id, aglm_error *err)
{
    study *st = id > 0 && (uint64_t)id <= m->n_studies ? m->studies[id - 1] : NULL;

    if (!st)
        aglm_store_no_study(id, err);
    return st;
}

static trial *find_trial(memory *m, int64_t id, aglm_error *err)
{
    trial *t = id > 0 && (uint64_t)id <= m->n_trials ? m->trials[id - 1] : NULL;

    if (!t)
        aglm_store_no_trial(id, err);
    return t;
}

/* The trial, not finished; *rc says why not. */
static trial *find_open(memory *m, int64_t id, aglm_rc *rc, aglm_error *err)
{
    trial *t = find_trial(m, id, err);

    *rc = t ? AGLM_OK : AGLM_NOTFOUND;
    if (!t || aglm_trial_state_open(t->state))
        return t;
    *rc = aglm_store_trial_closed(t->number, t->state, err);
    return NULL;
}

static void clear_attrs(attr_list *l)
{
    for (size_t i = 0; i < l->n; i++)
        free(l->v[i].json);
    free(l->v);
}

static void free_trial(trial *t)
{
    if (!t)
        return;
    aglm_params_clear(&t->params);
    if (t->values != &t->only)
        free(t->values);
    free(t->steps);
    clear_attrs(&t->attrs);
    free(t);
}

static void free_study(study *st)
{
    if (!st)
        return;
    for (size_t i = 0; i < st->n; i++)
        free_trial(st->trials[i]);
    free(st->trials);
    clear_attrs(&st->attrs);
    free(st->name);
    free(st);
}

static aglm_rc put_attr(memory *m, attr_list *l, const aglm_attr_row *row)
{
    const char *key = aglm_shapes_text(&m->shapes, row->key);
    char *json = aglm_strndup(row->json, strlen(row->json));
    size_t at = 0;

    if (!key || !json)
        goto fail;
    while (at < l->n && (l->v[at].key != key || l->v[at].system != row->system))
        at++;
    if (at == l->n) {
        if (aglm_grow(&l->v, &l->cap, l->n + 1, sizeof *l->v, MAX_ROWS))
            goto fail;
        l->v[l->n++] = (attr){key, NULL, row->system};
    }
    free(l->v[at].json);
    l->v[at].json = json;
    return AGLM_OK;
fail:
    free(json);
    return AGLM_NOMEM;
}

static aglm_rc put_attrs(memory *m, trial *t, const aglm_attr_row *rows, size_t n)
{
    aglm_rc rc = AGLM_OK;

    for (size_t i = 0; !rc && i < n; i++)
        rc = put_attr(m, &t->attrs, &rows[i]);
    return rc;
}

/* Kept in ascending order, as the schema's reader gives them. */
static void put_step(trial *t, const aglm_step_row *row)
{
    size_t at = t->n_steps;

    while (at > 0 && t->steps[at - 1].step > row->step)
        at--;
    if (at > 0 && t->steps[at - 1].step == row->step) {
        t->steps[at - 1] = *row;
        return;
    }
    memmove(t->steps + at + 1, t->steps + at, (t->n_steps - at) * sizeof *t->steps);
    t->steps[at] = *row;
    t->n_steps++;
}

static aglm_rc put_steps(trial *t, const aglm_step_row *rows, size_t n)
{
    if (n == 0)
        return AGLM_OK;
    if (aglm_grow(&t->steps, &t->cap_steps, t->n_steps + n, sizeof *t->steps, MAX_ROWS))
        return AGLM_NOMEM;
    for (size_t i = 0; i < n; i++)
        put_step(t, &rows[i]);
    return AGLM_OK;
}

static aglm_rc put_values(trial *t, const double *values, size_t n)
{
    if (n == 0)
        return AGLM_OK;
    t->values = n == 1 ? &t->only : aglm_calloc(n, sizeof *t->values);
    if (!t->values)
        return AGLM_NOMEM;
    memcpy(t->values, values, n * sizeof *values);
    t->n_values = n;
    return AGLM_OK;
}

static void memory_close(aglm_store *s)
{
    memory *m = (memory *)s;

    for (size_t i = 0; i < m->n_studies; i++)
        free_study(m->studies[i]);
    free(m->studies);
    free(m->trials);
    aglm_shapes_clear(&m->shapes);
    pthread_mutex_destroy(&m->lock);
    free(m);
}

static study *study_named(memory *m, const char *name)
{
    for (size_t i = 0; i < m->n_studies; i++) {
        if (m->studies[i] && strcmp(m->studies[i]->name, name) == 0)
            return m->studies[i];
    }
    return NULL;
}

/* NULL: out of memory. */
static study *make_study(memory *m, const char *name, const aglm_direction *directions, size_t n)
{
    study *st = NULL;

    if (aglm_grow(&m->studies, &m->cap_studies, m->n_studies + 1, sizeof(study *), MAX_ROWS))
        return NULL;
    st = aglm_calloc(1, sizeof *st);
    if (!st || !(st->name = aglm_strndup(name, strlen(name)))) {
        free_study(st);
        return NULL;
    }
    memcpy(st->directions, directions, n * sizeof *directions);
    st->n_directions = n;
    m->studies[m->n_studies++] = st;
    st->id = (int64_t)m->n_studies;
    return st;
}

static aglm_rc memory_study_new(aglm_store *s, const char *name, const aglm_direction *directions,
                                size_t n, int64_t *id, aglm_error *err)
{
    memory *m = lock(s);

    if (study_named(m, name))
        return unlock(m, aglm_store_name_taken(name, err));
    const study *st = make_study(m, name, directions, n);
    if (!st)
        return unlock(m, no_memory(err));
    *id = st->id;
    return unlock(m, AGLM_OK);
}

static aglm_rc memory_study_find(aglm_store *s, const char *name, int64_t *id, aglm_error *err)
{
    memory *m = lock(s);
    study *st = study_named(m, name);

    if (!st)
        return unlock(m, aglm_store_no_study_name(name, err));
    *id = st->id;
    return unlock(m, AGLM_OK);
}

static aglm_rc memory_study_list(aglm_store *s, int64_t only, aglm_arena *a, aglm_study_row **out,
                                 size_t *n, aglm_error *err)
{
    memory *m = lock(s);

    *n = 0;
    *out = aglm_arena_array(a, m->n_studies, sizeof **out);
    if (!*out)
        return unlock(m, no_memory(err));
    for (size_t i = 0; i < m->n_studies; i++) {
        const study *st = m->studies[i];
        if (!st || (only != 0 && st->id != only))
            continue;
        aglm_study_row *row = &(*out)[(*n)++];
        row->id = st->id;
        row->name = aglm_arena_strdup(a, st->name);
        memcpy(row->directions, st->directions, sizeof st->directions);
        row->n_directions = st->n_directions;
        row->n_trials = (int64_t)st->n;
        if (!row->name)
            return unlock(m, no_memory(err));
    }
    return unlock(m, AGLM_OK);
}

/* Forgets the trials from number n on. */
static void drop_trials(memory *m, study *st, size_t n)
{
    while (st->n > n) {
        trial *t = st->trials[--st->n];
        m->trials[t->id - 1] = NULL;
        free_trial(t);
    }
}

static void drop_study(memory *m, study *st)
{
    drop_trials(m, st, 0);
    m->studies[st->id - 1] = NULL;
    free_study(st);
}

static aglm_rc memory_study_delete(aglm_store *s, int64_t id, aglm_error *err)
{
    memory *m = lock(s);
    study *st = find_study(m, id, err);

    if (!st)
        return unlock(m, AGLM_NOTFOUND);
    drop_study(m, st);
    return unlock(m, AGLM_OK);
}

static aglm_rc memory_study_set_attr(aglm_store *s, int64_t id, const aglm_attr_row *row,
                                     aglm_error *err)
{
    memory *m = lock(s);
    study *st = find_study(m, id, err);

    if (!st)
        return unlock(m, AGLM_NOTFOUND);
    return unlock(m, put_attr(m, &st->attrs, row) ? no_memory(err) : AGLM_OK);
}

/* The user's attributes first, as the schema's reader gives them. */
static aglm_rc copy_attrs(const attr_list *l, aglm_arena *a, aglm_attr_row **out, size_t *n)
{
    aglm_attr_row *rows = aglm_arena_array(a, l->n, sizeof *rows);
    size_t at = 0;

    for (size_t i = 0; rows && i < 2 * l->n; i++) {
        const attr *from = &l->v[i % l->n];
        if (from->system != (i >= l->n))
            continue;
        rows[at] = (aglm_attr_row){aglm_arena_strdup(a, from->key),
                                   aglm_arena_strdup(a, from->json), from->system};
        if (!rows[at].key || !rows[at].json)
            return AGLM_NOMEM;
        at++;
    }
    *out = rows;
    *n = at;
    return rows ? AGLM_OK : AGLM_NOMEM;
}

static aglm_rc memory_study_attrs(aglm_store *s, int64_t id, aglm_arena *a, aglm_attr_row **out,
                                  size_t *n, aglm_error *err)
{
    memory *m = lock(s);
    const study *st = find_study(m, id, err);

    *n = 0;
    if (!st)
        return unlock(m, AGLM_NOTFOUND);
    return unlock(m, copy_attrs(&st->attrs, a, out, n) ? no_memory(err) : AGLM_OK);
}

static const char date_form[AGLM_STORE_DATE_LEN + 1] = "0000-00-00 00:00:00.000000";

/* text NULL: now */
static void set_date(date *d, const char *text)
{
    char now[AGLM_STORE_DATE_LEN + 1];
    size_t n = 0;

    if (!text)
        aglm_clock_utc(now, sizeof now);
    for (size_t i = 0; i < AGLM_STORE_DATE_LEN; i++) {
        if (date_form[i] != '0')
            continue;
        unsigned digit = (unsigned)((text ? text : now)[i] - '0');
        uint8_t *pair = &d->pair[n++ / 2];
        *pair = (uint8_t)(*pair << 4 | digit);
    }
    d->set = true;
}

/* *out: NULL where it is not set. */
static aglm_rc copy_date(const date *d, aglm_arena *a, const char **out)
{
    char *text = d->set ? aglm_arena_strndup(a, date_form, AGLM_STORE_DATE_LEN) : NULL;
    size_t n = 0;

    *out = text;
    for (size_t i = 0; text && i < AGLM_STORE_DATE_LEN; i++) {
        if (date_form[i] != '0')
            continue;
        text[i] = (char)('0' + (d->pair[n / 2] >> (n % 2 ? 0 : 4) & 15));
        n++;
    }
    return d->set && !text ? AGLM_NOMEM : AGLM_OK;
}

static void set_owner(memory *m, trial *t, int64_t owner)
{
    bool self = owner == m->self;

    if (owner == 0)
        return;
    if (self && m->own_start == 0)
        m->own_start = aglm_process_start(owner);
    t->owner = owner;
    t->owner_start = self ? m->own_start : aglm_process_start(owner);
}

/* A trial of the study with all that the row says, not yet listed anywhere. */
static trial *make_trial(memory *m, const aglm_trial_row *row)
{
    trial *t = aglm_calloc(1, sizeof *t);

    if (!t)
        return NULL;
    t->state = row->state;
    if (row->started || row->state != AGLM_TRIAL_WAITING)
        set_date(&t->started, row->started);
    if (row->completed || !aglm_trial_state_open(row->state))
        set_date(&t->completed, row->completed);
    if (aglm_params_put(&t->params, &m->shapes, row->params, row->n_params) ||
        put_values(t, row->values, row->n_values) || put_steps(t, row->steps, row->n_steps) ||
        put_attrs(m, t, row->attrs, row->n_attrs)) {
        free_trial(t);
        return NULL;
    }
    return t;
}

static aglm_rc add_trial(memory *m, study *st, aglm_trial_row *row, int64_t owner, aglm_error *err)
{
    if (aglm_grow(&st->trials, &st->cap, st->n + 1, sizeof(trial *), MAX_ROWS) ||
        aglm_grow(&m->trials, &m->cap_trials, m->n_trials + 1, sizeof(trial *), MAX_ROWS))
        return no_memory(err);
    trial *t = make_trial(m, row);
    if (!t)
        return no_memory(err);
    if (t->state == AGLM_TRIAL_RUNNING)
        set_owner(m, t, owner);
    if (t->state == AGLM_TRIAL_WAITING && st->first_waiting > st->n)
        st->first_waiting = st->n;
    t->study = st;
    t->number = row->number = (int64_t)st->n;
    st->trials[st->n++] = t;
    m->trials[m->n_trials++] = t;
    t->id = row->id = (int64_t)m->n_trials;
    return AGLM_OK;
}

static aglm_rc memory_trial_new(aglm_store *s, int64_t study_id, aglm_trial_row *row, int64_t owner,
                                bool next, aglm_error *err)
{
    memory *m = lock(s);
    study *st = find_study(m, study_id, err);

    if (!st)
        return unlock(m, AGLM_NOTFOUND);
    if (next && row->number != (int64_t)st->n)
        return unlock(m, AGLM_DONE);
    aglm_rc rc = aglm_store_check_values(row->state, row->n_values, st->n_directions, err);
    return unlock(m, rc ? rc : add_trial(m, st, row, owner, err));
}

static aglm_rc add_trials(memory *m, study *st, const aglm_study_whole *w, aglm_error *err)
{
    const size_t before = st->n;
    aglm_rc rc = AGLM_OK;

    for (size_t i = 0; !rc && i < w->n_trials; i++)
        rc = add_trial(m, st, &w->trials[i], 0, err);
    if (rc)
        drop_trials(m, st, before);
    return rc;
}

static aglm_rc add_study(memory *m, const aglm_study_whole *w, aglm_error *err)
{
    study *st = make_study(m, w->name, w->directions, w->n_directions);
    aglm_rc rc = st ? AGLM_OK : no_memory(err);

    for (size_t i = 0; !rc && i < w->n_attrs; i++)
        rc = put_attr(m, &st->attrs, &w->attrs[i]) ? no_memory(err) : AGLM_OK;
    if (!rc)
        rc = add_trials(m, st, w, err);
    if (rc && st)
        drop_study(m, st);
    return rc;
}

static aglm_rc memory_study_add(aglm_store *s, const aglm_study_whole *w, bool append,
                                aglm_error *err)
{
    memory *m = lock(s);
    study *st = study_named(m, w->name);

    if (!st)
        return unlock(m, add_study(m, w, err));
    if (!append)
        return unlock(m, aglm_store_name_taken(w->name, err));
    aglm_rc rc = aglm_store_check_directions(w, st->directions, st->n_directions, err);
    return unlock(m, rc ? rc : add_trials(m, st, w, err));
}

static aglm_rc memory_trial_claim(aglm_store *s, int64_t study_id, int64_t owner, int64_t *id,
                                  aglm_error *err)
{
    memory *m = lock(s);
    study *st = find_study(m, study_id, err);

    if (!st)
        return unlock(m, AGLM_NOTFOUND);
    while (st->first_waiting < st->n && st->trials[st->first_waiting]->state != AGLM_TRIAL_WAITING)
        st->first_waiting++;
    if (st->first_waiting == st->n)
        return unlock(m, AGLM_DONE);
    trial *t = st->trials[st->first_waiting++];
    t->state = AGLM_TRIAL_RUNNING;
    set_date(&t->started, NULL);
    set_owner(m, t, owner);
    *id = t->id;
    return unlock(m, AGLM_OK);
}

static aglm_rc memory_trial_set_params(aglm_store *s, int64_t id, const aglm_param_row *params,
                                       size_t n, aglm_error *err)
{
    memory *m = lock(s);
    aglm_rc rc;
    trial *t = find_open(m, id, &rc, err);

    if (t && aglm_params_put(&t->params, &m->shapes, params, n))
        rc = no_memory(err);
    return unlock(m, rc);
}

static aglm_rc memory_trial_report(aglm_store *s, int64_t id, const aglm_step_row *step,
                                   aglm_error *err)
{
    memory *m = lock(s);
    aglm_rc rc;
    trial *t = find_open(m, id, &rc, err);

    if (t && put_steps(t, step, 1))
        rc = no_memory(err);
    return unlock(m, rc);
}

static aglm_rc memory_trial_set_attr(aglm_store *s, int64_t id, const aglm_attr_row *row,
                                     aglm_error *err)
{
    memory *m = lock(s);
    aglm_rc rc;
    trial *t = find_open(m, id, &rc, err);

    if (t && put_attr(m, &t->attrs, row))
        rc = no_memory(err);
    return unlock(m, rc);
}

static void end_trial(trial *t, aglm_trial_state state)
{
    t->state = state;
    t->owner = 0;
    set_date(&t->completed, NULL);
}

static aglm_rc memory_trial_finish(aglm_store *s, int64_t id, const aglm_trial_end *end,
                                   aglm_error *err)
{
    memory *m = lock(s);
    aglm_rc rc;
    trial *t = find_open(m, id, &rc, err);

    if (!rc)
        rc = aglm_store_check_values(end->state, end->n_values, t->study->n_directions, err);
    if (rc)
        return unlock(m, rc);
    /* Values last: what failed half-way can be told again. */
    if (put_steps(t, end->steps, end->n_steps) || put_attrs(m, t, end->attrs, end->n_attrs) ||
        put_values(t, end->values, end->n_values))
        return unlock(m, no_memory(err));
    end_trial(t, end->state);
    return unlock(m, AGLM_OK);
}

static void *copy_array(aglm_arena *a, const void *from, size_t n, size_t size)
{
    void *to = aglm_arena_array(a, n, size);

    if (to && n > 0)
        memcpy(to, from, n * size);
    return to;
}

static aglm_rc copy_params(const aglm_params *from, aglm_text_cache *cache, aglm_trial_row *row)
{
    size_t n = aglm_params_count(from);
    aglm_param_row *p = aglm_arena_array(cache->arena, n, sizeof *p);

    for (size_t i = 0; p && i < n; i++) {
        const aglm_shape_param *of = &from->shape->v[i];
        p[i].name = aglm_text_cache_copy(cache, of->name, strlen(of->name));
        p[i].value = from->values[i];
        p[i].distribution = aglm_text_cache_copy(cache, of->distribution, strlen(of->distribution));
        if (!p[i].name || !p[i].distribution)
            return AGLM_NOMEM;
    }
    row->params = p;
    row->n_params = n;
    return p ? AGLM_OK : AGLM_NOMEM;
}

static aglm_rc copy_trial(const trial *t, aglm_text_cache *cache, aglm_trial_row *row)
{
    aglm_arena *a = cache->arena;
    aglm_attr_row *attrs = NULL;

    row->id = t->id;
    row->number = t->number;
    row->state = t->state;
    row->values = copy_array(a, t->values, t->n_values, sizeof *t->values);
    row->n_values = t->n_values;
    row->steps = copy_array(a, t->steps, t->n_steps, sizeof *t->steps);
    row->n_steps = t->n_steps;
    if (copy_date(&t->started, a, &row->started) || copy_date(&t->completed, a, &row->completed) ||
        !row->values || !row->steps)
        return AGLM_NOMEM;
    aglm_rc rc = copy_params(&t->params, cache, row);
    if (!rc)
        rc = copy_attrs(&t->attrs, a, &attrs, &row->n_attrs);
    row->attrs = attrs;
    return rc;
}

static aglm_rc memory_trial_get(aglm_store *s, int64_t id, aglm_arena *a, aglm_trial_row *out,
                                aglm_error *err)
{
    memory *m = lock(s);
    const trial *t = find_trial(m, id, err);
    aglm_text_cache cache;

    if (!t)
        return unlock(m, AGLM_NOTFOUND);
    aglm_text_cache_init(&cache, a);
    return unlock(m, copy_trial(t, &cache, out) ? no_memory(err) : AGLM_OK);
}

static aglm_rc memory_trials(aglm_store *s, int64_t study_id, int64_t from, aglm_arena *a,
                             aglm_trial_row **out, size_t *n, aglm_error *err)
{
    memory *m = lock(s);
    const study *st = find_study(m, study_id, err);
    aglm_text_cache cache;

    *out = NULL;
    *n = 0;
    if (!st)
        return unlock(m, AGLM_NOTFOUND);
    aglm_text_cache_init(&cache, a);
    size_t first = from <= 0 ? 0 : (uint64_t)from < st->n ? (size_t)from : st->n;
    aglm_trial_row *rows = aglm_arena_array(a, st->n - first, sizeof *rows);
    for (size_t i = first; rows && i < st->n; i++) {
        if (copy_trial(st->trials[i], &cache, &rows[i - first]))
            rows = NULL;
    }
    if (!rows)
        return unlock(m, no_memory(err));
    *out = rows;
    *n = st->n - first;
    return unlock(m, AGLM_OK);
}

static aglm_rc memory_trials_changed(aglm_store *s, const aglm_trial_marks *known, aglm_arena *a,
                                     aglm_trial_row **out, size_t *n, aglm_error *err)
{
    memory *m = lock(s);
    aglm_trial_row *rows = aglm_arena_array(a, known->n, sizeof *rows);
    aglm_text_cache cache;
    aglm_rc rc = rows ? AGLM_OK : AGLM_NOMEM;

    aglm_text_cache_init(&cache, a);
    for (size_t i = 0; !rc && i < known->n; i++) {
        const trial *t = find_trial(m, known->v[i].id, NULL);
        if (t && t->state != known->v[i].state)
            rc = copy_trial(t, &cache, &rows[(*n)++]);
    }
    *out = rc ? NULL : rows;
    *n = rc ? 0 : *n;
    return unlock(m, rc ? no_memory(err) : AGLM_OK);
}

/* Nobody else sees this store: its trials live and die with the process. */
static aglm_rc memory_beat(aglm_store *s, const int64_t *trials, size_t n, aglm_error *err)
{
    (void)s;
    (void)trials;
    (void)n;
    (void)err;
    return AGLM_OK;
}

static aglm_rc memory_reap(aglm_store *s, int64_t study_id, double grace_s, int64_t **ids,
                           size_t *n, aglm_error *err)
{
    memory *m = lock(s);
    study *st = find_study(m, study_id, err);
    size_t cap = 0;

    (void)grace_s;
    if (!st)
        return unlock(m, AGLM_NOTFOUND);
    for (size_t i = 0; i < st->n; i++) {
        trial *t = st->trials[i];
        if (t->state != AGLM_TRIAL_RUNNING || t->owner == 0 ||
            !aglm_process_gone(t->owner, t->owner_start, &m->machine, &m->machine))
            continue;
        if (aglm_grow(ids, &cap, *n + 1, sizeof **ids, MAX_ROWS))
            return unlock(m, no_memory(err));
        end_trial(t, AGLM_TRIAL_FAIL);
        (*ids)[(*n)++] = t->id;
    }
    return unlock(m, AGLM_OK);
}

static const aglm_store_ops memory_ops = {
    .name = "memory",
    .close = memory_close,
    .study_new = memory_study_new,
    .study_find = memory_study_find,
    .study_list = memory_study_list,
    .study_delete = memory_study_delete,
    .study_set_attr = memory_study_set_attr,
    .study_attrs = memory_study_attrs,
    .study_add = memory_study_add,
    .trial_new = memory_trial_new,
    .trial_claim = memory_trial_claim,
    .trial_set_params = memory_trial_set_params,
    .trial_report = memory_trial_report,
    .trial_set_attr = memory_trial_set_attr,
    .trial_finish = memory_trial_finish,
    .trial_get = memory_trial_get,
    .trials = memory_trials,
    .trials_changed = memory_trials_changed,
    .beat = memory_beat,
    .reap = memory_reap,
};

aglm_rc aglm_store_memory_open(aglm_store **out, aglm_error *err)
{
    memory *m = aglm_calloc(1, sizeof *m);

    if (!m)
        return no_memory(err);
    m->base.ops = &memory_ops;
    if (aglm_shapes_init(&m->shapes) || pthread_mutex_init(&m->lock, NULL) != 0) {
        aglm_shapes_clear(&m->shapes);
        free(m);
        return no_memory(err);
    }
    aglm_machine_init(&m->machine);
    m->self = (int64_t)getpid();
    *out = &m->base;
    return AGLM_OK;
}
