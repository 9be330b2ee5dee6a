#include "search/history.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"

#define MAX_TRIALS (1u << 26)
#define MAX_STEPS (1u << 20) /* of one trial */
#define MAX_ATTRS (1u << 12) /* of one trial */
#define LUCKY_DRAWS 64       /* before the points left are counted out */
#define PATIENT_DRAWS 1000   /* in endless spaces */
#define STEEP 2.0            /* times the trials' number */
#define STEEP_FROM 6
#define STEEP_TRIALS 20
#define STEEP_PARAMS 3

struct record {
    aglm_trial t; /* its pointers lead to the fields below */
    double only;  /* the value of a single objective */
    double *values;
    aglm_step_row *steps;
    size_t steps_cap;
    aglm_attr_row *attrs;
    size_t attrs_cap;
    double x[];
};

struct aglm_history {
    const aglm_space *space;
    double signs[AGLM_STORE_MAX_OBJECTIVES];
    size_t n_signs;
    uint64_t space_size;
    struct record **records;
    size_t n;
    size_t cap;
    size_t count[AGLM_TRIAL_WAITING + 1];
    const aglm_trial *best;
    uint32_t *seen; /* open addressing: number + 1 of the first trial with a point, 0 empty */
    size_t seen_cap;
    size_t seen_n;
    uint64_t distinct;
};

static double excess(const aglm_trial *t)
{
    return t->violation > 0.0 ? t->violation : 0.0;
}

bool aglm_trial_better(const aglm_trial *a, const aglm_trial *b)
{
    if (excess(a) != excess(b))
        return excess(a) < excess(b);
    if (a->loss != b->loss)
        return a->loss < b->loss;
    return a->number < b->number;
}

const char *aglm_trial_attr(const aglm_trial *t, const char *key, bool system)
{
    for (size_t i = 0; i < t->n_attrs; i++) {
        if (t->attrs[i].system == system && strcmp(t->attrs[i].key, key) == 0)
            return t->attrs[i].json;
    }
    return NULL;
}

aglm_rc aglm_history_new(aglm_history **out, const aglm_space *space, double sign, aglm_error *err)
{
    aglm_history *h = calloc(1, sizeof *h);

    *out = h;
    if (!h)
        return aglm_error_set(err, AGLM_NOMEM, "out of memory for a study's history");
    h->space = space;
    aglm_history_set_signs(h, &sign, 1);
    h->space_size = aglm_space_size(space);
    return AGLM_OK;
}

void aglm_history_set_signs(aglm_history *h, const double *signs, size_t n)
{
    memcpy(h->signs, signs, n * sizeof *signs);
    h->n_signs = n;
}

static void record_free(struct record *r)
{
    if (!r)
        return;
    for (size_t i = 0; i < r->t.n_attrs; i++)
        free((void *)(uintptr_t)r->attrs[i].key); /* the JSON text stands behind the key */
    free(r->attrs);
    free(r->steps);
    free(r->values);
    free(r);
}

void aglm_history_free(aglm_history *h)
{
    if (!h)
        return;
    for (size_t i = 0; i < h->n; i++)
        record_free(h->records[i]);
    free(h->records);
    free(h->seen);
    free(h);
}

const aglm_space *aglm_history_space(const aglm_history *h)
{
    return h->space;
}

double aglm_history_sign(const aglm_history *h)
{
    return h->signs[0];
}

const double *aglm_history_signs(const aglm_history *h)
{
    return h->signs;
}

size_t aglm_history_objectives(const aglm_history *h)
{
    return h->n_signs;
}

size_t aglm_history_size(const aglm_history *h)
{
    return h->n;
}

const aglm_trial *aglm_history_trial(const aglm_history *h, size_t number)
{
    return number < h->n ? &h->records[number]->t : NULL;
}

size_t aglm_history_count(const aglm_history *h, aglm_trial_state state)
{
    return h->count[state];
}

const aglm_trial *aglm_history_best(const aglm_history *h)
{
    return h->best;
}

uint64_t aglm_history_distinct(const aglm_history *h)
{
    return h->distinct;
}

/* The slot that holds x's point, or the empty one where it belongs. */
static size_t seen_slot(const aglm_history *h, const double *x)
{
    size_t mask = h->seen_cap - 1;
    size_t at = (size_t)aglm_space_hash(h->space, x) & mask;

    while (h->seen[at] && !aglm_space_same(h->space, h->records[h->seen[at] - 1]->x, x))
        at = (at + 1) & mask;
    return at;
}

static int compare_losses(const void *a, const void *b)
{
    double x = *(const double *)a;
    double y = *(const double *)b;

    return (x > y) - (x < y);
}

bool aglm_history_is_steep(const aglm_history *h)
{
    double loss[STEEP_TRIALS];
    size_t n = 0;
    size_t params = 0;

    for (size_t i = 0; i < h->space->n; i++)
        params += h->space->params[i].dist.low != h->space->params[i].dist.high;
    for (size_t i = 0; i < aglm_history_size(h) && n < STEEP_TRIALS; i++) {
        const aglm_trial *t = aglm_history_trial(h, i);
        if (t->state == AGLM_TRIAL_COMPLETE && isfinite(t->loss))
            loss[n++] = t->loss;
    }
    if (n < STEEP_FROM || params < STEEP_PARAMS)
        return false;
    qsort(loss, n, sizeof *loss, compare_losses);
    double middle = loss[n / 2] - loss[0];
    return middle > 0.0 && loss[n - 1] - loss[0] > STEEP * (double)n * middle;
}

bool aglm_history_seen(const aglm_history *h, const double *x)
{
    return (h->seen_cap > 0 && h->seen[seen_slot(h, x)] != 0) || !aglm_space_allowed(h->space, x);
}

static aglm_rc seen_grow(aglm_history *h)
{
    size_t cap = h->seen_cap ? 2 * h->seen_cap : 64;
    uint32_t *old = h->seen;
    size_t old_cap = h->seen_cap;

    if (2 * (h->seen_n + 1) <= h->seen_cap)
        return AGLM_OK;
    uint32_t *fresh = aglm_calloc(cap, sizeof *fresh);
    if (!fresh)
        return AGLM_NOMEM;
    h->seen = fresh;
    h->seen_cap = cap;
    for (size_t i = 0; i < old_cap; i++) {
        if (old[i])
            h->seen[seen_slot(h, h->records[old[i] - 1]->x)] = old[i];
    }
    free(old);
    return AGLM_OK;
}

/* Only after seen_grow: cannot fail. */
static void seen_insert(aglm_history *h, size_t number)
{
    const double *x = h->records[number]->x;
    size_t at = seen_slot(h, x);

    if (h->seen[at])
        return;
    h->seen[at] = (uint32_t)number + 1;
    h->seen_n++;
    if (h->space_size > 0 && aglm_space_check(h->space, x, NULL) == AGLM_OK)
        h->distinct++;
}

static aglm_rc fresh_by_count(const aglm_history *h, aglm_rng *rng, double *x)
{
    uint64_t start = aglm_rng_below(rng, h->space_size);

    for (uint64_t i = 0; i < h->space_size; i++) {
        uint64_t at = start + i;
        aglm_space_at(h->space, at < h->space_size ? at : at - h->space_size, x);
        if (!aglm_history_seen(h, x))
            return AGLM_OK;
    }
    return AGLM_DONE;
}

aglm_rc aglm_history_fresh(const aglm_history *h, aglm_rng *rng, double *x)
{
    int draws = h->space_size ? LUCKY_DRAWS : PATIENT_DRAWS;

    if (h->space_size > 0 && h->distinct >= h->space_size)
        return AGLM_DONE;
    while (draws-- > 0) {
        aglm_space_sample(h->space, rng, x);
        if (!aglm_history_seen(h, x))
            return AGLM_OK;
    }
    return h->space_size ? fresh_by_count(h, rng, x) : AGLM_DONE;
}

static aglm_rc copy_values(struct record *r, const double *values, size_t n)
{
    if (n > 1) {
        r->values = aglm_calloc(n, sizeof *r->values);
        if (!r->values)
            return AGLM_NOMEM;
        memcpy(r->values, values, n * sizeof *values);
    } else if (n == 1) {
        r->only = values[0];
    }
    r->t.values = n > 1 ? r->values : &r->only;
    r->t.n_values = n;
    return AGLM_OK;
}

static aglm_rc add_step(struct record *r, int64_t step, double value)
{
    size_t n = r->t.n_steps;
    aglm_rc rc = aglm_grow(&r->steps, &r->steps_cap, n + 1, sizeof *r->steps, MAX_STEPS);

    if (rc != AGLM_OK)
        return rc;
    size_t at = n;
    while (at > 0 && r->steps[at - 1].step > step)
        at--;
    if (at > 0 && r->steps[at - 1].step == step)
        return AGLM_INVALID;
    memmove(r->steps + at + 1, r->steps + at, (n - at) * sizeof *r->steps);
    r->steps[at] = (aglm_step_row){.step = step, .value = value};
    r->t.steps = r->steps;
    r->t.n_steps = n + 1;
    return AGLM_OK;
}

static aglm_rc set_attr(struct record *r, const aglm_attr_row *attr)
{
    size_t key_size = strlen(attr->key) + 1;
    size_t json_size = strlen(attr->json) + 1;
    size_t at = 0;

    while (at < r->t.n_attrs &&
           (r->attrs[at].system != attr->system || strcmp(r->attrs[at].key, attr->key) != 0))
        at++;
    aglm_rc rc = aglm_grow(&r->attrs, &r->attrs_cap, at + 1, sizeof *r->attrs, MAX_ATTRS);
    char *text = rc == AGLM_OK ? malloc(key_size + json_size) : NULL;
    if (!text)
        return rc == AGLM_OK ? AGLM_NOMEM : rc;
    memcpy(text, attr->key, key_size);
    memcpy(text + key_size, attr->json, json_size);
    if (at < r->t.n_attrs)
        free((void *)(uintptr_t)r->attrs[at].key);
    else
        r->t.n_attrs++;
    r->attrs[at] = (aglm_attr_row){.key = text, .json = text + key_size, .system = attr->system};
    r->t.attrs = r->attrs;
    return AGLM_OK;
}

static aglm_rc copy_record(struct record *r, const aglm_trial *t, size_t n_params)
{
    memcpy(r->x, t->x, n_params * sizeof *r->x);
    r->t = *t;
    r->t.x = r->x;
    r->t.steps = NULL;
    r->t.n_steps = 0;
    r->t.attrs = NULL;
    r->t.n_attrs = 0;
    aglm_rc rc = copy_values(r, t->values, t->n_values);
    for (size_t i = 0; rc == AGLM_OK && i < t->n_steps; i++)
        rc = add_step(r, t->steps[i].step, t->steps[i].value);
    for (size_t i = 0; rc == AGLM_OK && i < t->n_attrs; i++)
        rc = set_attr(r, &t->attrs[i]);
    return rc;
}

static void note_state(aglm_history *h, struct record *r)
{
    aglm_trial *t = &r->t;

    h->count[t->state]++;
    t->loss = t->n_values ? h->signs[0] * t->values[0] : NAN;
    if (h->n_signs == 1 && t->state == AGLM_TRIAL_COMPLETE && !isnan(t->loss) &&
        (!h->best || aglm_trial_better(t, h->best)))
        h->best = t;
}

static aglm_rc no_room(aglm_error *err, size_t number, aglm_rc rc)
{
    return rc == AGLM_OK ? rc : aglm_error_set(err, rc, "trial %zu: %s", number, aglm_rc_text(rc));
}

aglm_rc aglm_history_add(aglm_history *h, const aglm_trial *t, aglm_error *err)
{
    size_t n_params = h->space->n;
    struct record *r = NULL;
    aglm_rc rc = aglm_grow(&h->records, &h->cap, h->n + 1, sizeof *h->records, MAX_TRIALS);

    if (t->number != (int64_t)h->n)
        return aglm_error_set(err, AGLM_FORMAT,
                              "trial %lld follows on trial %lld: numbers have a gap",
                              (long long)t->number, (long long)h->n - 1);
    if (rc == AGLM_OK)
        rc = seen_grow(h);
    if (rc == AGLM_OK) {
        r = calloc(1, sizeof *r + n_params * sizeof r->x[0]);
        rc = r ? copy_record(r, t, n_params) : AGLM_NOMEM;
    }
    if (rc != AGLM_OK) {
        record_free(r);
        return no_room(err, h->n, rc);
    }
    h->records[h->n++] = r;
    note_state(h, r);
    seen_insert(h, h->n - 1);
    return AGLM_OK;
}

aglm_rc aglm_history_report(aglm_history *h, size_t number, int64_t step, double value,
                            aglm_error *err)
{
    aglm_rc rc = add_step(h->records[number], step, value);

    if (rc == AGLM_INVALID)
        return aglm_error_set(err, rc, "trial %zu: step %lld was reported before", number,
                              (long long)step);
    return no_room(err, number, rc);
}

aglm_rc aglm_history_set_attr(aglm_history *h, size_t number, const aglm_attr_row *attr,
                              aglm_error *err)
{
    return no_room(err, number, set_attr(h->records[number], attr));
}

void aglm_history_set_violation(aglm_history *h, size_t number, double violation)
{
    h->records[number]->t.violation = violation;
}

aglm_rc aglm_history_set_point(aglm_history *h, size_t number, const double *x, aglm_error *err)
{
    aglm_rc rc = seen_grow(h);

    if (rc != AGLM_OK)
        return no_room(err, number, rc);
    /* The old, partial point stays taken by nobody: its slot would break the chains behind it if it
     * were emptied, so the whole table is made anew. Queues of other programs are short. */
    memcpy(h->records[number]->x, x, h->space->n * sizeof *x);
    memset(h->seen, 0, h->seen_cap * sizeof *h->seen);
    h->seen_n = 0;
    h->distinct = 0;
    for (size_t i = 0; i < h->n; i++)
        seen_insert(h, i);
    return AGLM_OK;
}

void aglm_history_start(aglm_history *h, size_t number, double started_s)
{
    aglm_trial *t = &h->records[number]->t;

    h->count[t->state]--;
    t->state = AGLM_TRIAL_RUNNING;
    t->started_s = started_s;
    h->count[t->state]++;
}

aglm_rc aglm_history_finish(aglm_history *h, size_t number, aglm_trial_state state,
                            const double *values, size_t n, double duration_s)
{
    struct record *r = h->records[number];
    aglm_rc rc = copy_values(r, values, n);

    if (rc != AGLM_OK)
        return rc;
    h->count[r->t.state]--;
    r->t.state = state;
    r->t.duration_s = duration_s;
    note_state(h, r);
    return AGLM_OK;
}
