#include "search/stored.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define MAX_STUDY_BYTES ((size_t)1 << 32) /* of the rows of one study */

int64_t aglm_trial_retry_of(const aglm_trial *t)
{
    const char *json = aglm_trial_attr(t, AGLM_ATTR_RETRY_OF, true);

    return json ? strtoll(json, NULL, 10) : -1;
}

aglm_rc aglm_stored_study(aglm_store *store, const char *name, aglm_study_row *out, aglm_error *err)
{
    aglm_arena arena;
    aglm_study_row *rows;
    size_t n;

    aglm_arena_init(&arena, MAX_STUDY_BYTES);
    aglm_rc rc = aglm_store_study_list(store, &arena, &rows, &n, err);
    if (rc == AGLM_OK) {
        rc = AGLM_NOTFOUND;
        for (size_t i = 0; i < n; i++) {
            if (strcmp(rows[i].name, name) == 0) {
                *out = rows[i];
                out->name = name;
                rc = AGLM_OK;
            }
        }
        if (rc != AGLM_OK)
            aglm_error_set(err, rc, "no study named \"%.128s\" in the store", name);
    }
    aglm_arena_clear(&arena);
    return rc;
}

/* Days since 1970-01-01 of a date in the proleptic Gregorian calendar: years are counted from
 * March, so that the leap day comes last. */
static int64_t days_from_date(int year, int month, int day)
{
    int64_t y = year - (month <= 2);
    int64_t era = (y >= 0 ? y : y - 399) / 400;
    int64_t of_era = y - era * 400;
    int64_t of_year = (153 * (month + (month > 2 ? -3 : 9)) + 2) / 5 + day - 1;

    return era * 146097 + of_era * 365 + of_era / 4 - of_era / 100 + of_year - 719468;
}

/* The digits of one field, as wide as it is; -1 when another character is among them. */
static int field(const char *text, int at, int width)
{
    int v = 0;

    for (int i = at; i < at + width; i++) {
        if (text[i] < '0' || text[i] > '9')
            return -1;
        v = 10 * v + (text[i] - '0');
    }
    return v;
}

double aglm_stored_time(const char *text)
{
    static const char form[] = "0000-00-00 00:00:00";
    size_t len = text ? strlen(text) : 0;

    if (len < sizeof form - 1)
        return NAN;
    for (size_t i = 0; i < sizeof form - 1; i++) {
        bool digit = text[i] >= '0' && text[i] <= '9';
        if (form[i] == '0' ? !digit : text[i] != form[i])
            return NAN;
    }
    int64_t days = days_from_date(field(text, 0, 4), field(text, 5, 2), field(text, 8, 2));
    int64_t seconds = days * 86400 + field(text, 11, 2) * 3600 + field(text, 14, 2) * 60 +
                      field(text, 17, 2);
    int micro = len >= 26 && text[19] == '.' ? field(text, 20, 6) : 0;
    return (double)seconds + 1e-6 * (micro < 0 ? 0 : micro);
}

static aglm_rc misfit(aglm_error *err, int64_t number, const char *param, const char *why)
{
    return aglm_error_set(err, AGLM_FORMAT, "trial %lld, parameter \"%.128s\": %s",
                          (long long)number, param, why);
}

static aglm_rc read_param(const aglm_stored_reader *r, int64_t number, const aglm_param_row *row,
                          double *x, aglm_error *err)
{
    aglm_dist stored = {0};
    int at = aglm_space_find(r->space, row->name);

    if (at < 0)
        return AGLM_OK;
    const aglm_dist *d = &r->space->params[at].dist;
    bool shrunk = false;
    if (!r->dist_json || strcmp(r->dist_json[at], row->distribution) != 0) {
        aglm_rc rc = aglm_dist_read(&stored, row->distribution, strlen(row->distribution), r->arena,
                                    err);
        if (rc != AGLM_OK) {
            aglm_error_prefix(err, "trial %lld, parameter \"%.128s\"", (long long)number,
                              row->name);
            return rc;
        }
        shrunk = aglm_dist_grown(d, &stored);
        if (!shrunk && !aglm_dist_compatible(&stored, d) && !aglm_dist_grown(&stored, d))
            return misfit(err, number, row->name,
                          "stored with another kind, log or set of choices");
    }
    if (shrunk && row->value > d->high && row->value < (double)stored.n_choices)
        return AGLM_OK; /* a choice that another process has added: not one of ours */
    if (isnan(row->value) ||
        (d->kind == AGLM_DIST_CHOICE && !(row->value >= 0.0 && row->value <= d->high)))
        return misfit(err, number, row->name, "its stored value is none of its domain");
    x[at] = row->value;
    return AGLM_OK;
}

/* The queue's point, by name; what is missing or does not fit stays NaN (Optuna draws it anew,
 * too). */
static void read_fixed(const aglm_space *space, const char *json, double *x)
{
    aglm_json_doc *doc = NULL;
    aglm_json_options options = {.allow_nonfinite = true};

    if (!json || aglm_json_parse(&doc, json, strlen(json), &options, NULL) != AGLM_OK)
        return;
    for (size_t i = 0; i < space->n; i++) {
        const aglm_json *v = aglm_json_get(aglm_json_root(doc), space->params[i].name);
        if (v && aglm_dist_get(&space->params[i].dist, v, &x[i], NULL) != AGLM_OK)
            x[i] = NAN;
    }
    aglm_space_settle(space, x);
    aglm_json_free(doc);
}

static double sum_of_positive(const char *json)
{
    aglm_json_doc *doc = NULL;
    aglm_json_options options = {.allow_nonfinite = true};
    double sum = 0.0;

    if (aglm_json_parse(&doc, json, strlen(json), &options, NULL) != AGLM_OK)
        return NAN;
    const aglm_json *root = aglm_json_root(doc);
    if (aglm_json_kind_of(root) == AGLM_JSON_NUMBER)
        sum = fmax(aglm_json_double(root, 0.0), 0.0);
    aglm_json_iter it = aglm_json_iterate(root);
    for (size_t left = aglm_json_size(root); left > 0; left--)
        sum += fmax(aglm_json_double(aglm_json_next(&it, NULL), 0.0), 0.0);
    aglm_json_free(doc);
    return sum;
}

static double read_violation(const aglm_trial_row *row)
{
    const size_t len = strlen(AGLM_ATTR_CONSTRAINTS);
    double total = NAN;

    for (size_t i = 0; i < row->n_attrs; i++) {
        const aglm_attr_row *attr = &row->attrs[i];
        if (!attr->system || strncmp(attr->key, AGLM_ATTR_CONSTRAINTS, len) != 0 ||
            (attr->key[len] != '\0' && attr->key[len] != ':'))
            continue;
        double v = sum_of_positive(attr->json);
        total = isnan(total) ? v : total + v;
    }
    return total;
}

aglm_rc aglm_stored_trial(const aglm_stored_reader *r, const aglm_trial_row *row, aglm_trial *out,
                          aglm_error *err)
{
    const aglm_space *space = r->space;
    double *x = aglm_arena_array(r->arena, space->n, sizeof *x);
    double started = aglm_stored_time(row->started);

    if (!x)
        return aglm_error_set(err, AGLM_NOMEM, "out of memory for trial %lld",
                              (long long)row->number);
    if (r->objectives && row->state == AGLM_TRIAL_COMPLETE && row->n_values != r->objectives)
        return aglm_error_set(err, AGLM_FORMAT, "trial %lld is complete with %zu values, not %zu",
                              (long long)row->number, row->n_values, r->objectives);
    for (size_t i = 0; i < space->n; i++)
        x[i] = NAN;
    for (size_t i = 0; i < row->n_params; i++) {
        aglm_rc rc = read_param(r, row->number, &row->params[i], x, err);
        if (rc != AGLM_OK)
            return rc;
    }
    *out = (aglm_trial){
        .id = row->id,
        .number = row->number,
        .state = row->state,
        .x = x,
        .values = row->values,
        .n_values = row->n_values,
        .loss = row->n_values ? r->sign * row->values[0] : NAN,
        .violation = read_violation(row),
        .steps = row->steps,
        .n_steps = row->n_steps,
        .attrs = row->attrs,
        .n_attrs = row->n_attrs,
        .started_s = started,
        .duration_s = aglm_stored_time(row->completed) - started,
    };
    const char *fixed = aglm_trial_attr(out, AGLM_ATTR_FIXED, true);
    out->enqueued = fixed != NULL;
    if (row->state == AGLM_TRIAL_WAITING)
        read_fixed(space, fixed, x);
    return AGLM_OK;
}

/* Widens d so that it also holds what `more` holds. */
static void widen(aglm_dist *d, const aglm_dist *more)
{
    d->low = fmin(d->low, more->low);
    d->high = fmax(d->high, more->high);
    d->step = fmin(d->step, more->step);
}

struct found {
    aglm_dist dist;
    const char *name;
    const char *json; /* of the last one seen */
};

static aglm_rc find_param(struct found *found, size_t *n, const aglm_trial_row *row,
                          const aglm_param_row *param, aglm_arena *a, aglm_error *err)
{
    aglm_dist d;
    size_t at = 0;

    while (at < *n && strcmp(found[at].name, param->name) != 0)
        at++;
    if (at == AGLM_SPACE_MAX)
        return misfit(err, row->number, param->name, "over 1024 parameters in one study");
    if (at < *n && strcmp(found[at].json, param->distribution) == 0)
        return AGLM_OK;
    aglm_rc rc = aglm_dist_read(&d, param->distribution, strlen(param->distribution), a, err);
    if (rc != AGLM_OK) {
        aglm_error_prefix(err, "trial %lld, parameter \"%.128s\"", (long long)row->number,
                          param->name);
        return rc;
    }
    if (at == *n) {
        found[at] = (struct found){.dist = d, .name = param->name};
        ++*n;
    } else if (!aglm_dist_compatible(&found[at].dist, &d)) {
        return misfit(err, row->number, param->name,
                      "its kind, log or choices differ from an earlier trial's");
    }
    widen(&found[at].dist, &d);
    found[at].json = param->distribution;
    return AGLM_OK;
}

static aglm_rc space_of_trials(aglm_store *store, int64_t study, aglm_arena *a, aglm_space *out,
                               aglm_error *err)
{
    aglm_trial_row *rows;
    size_t n_rows;
    size_t n = 0;
    struct found *found = aglm_arena_array(a, AGLM_SPACE_MAX, sizeof *found);

    if (!found)
        return aglm_error_set(err, AGLM_NOMEM, "out of memory for a space");
    aglm_rc rc = aglm_store_trials(store, study, 0, a, &rows, &n_rows, err);
    for (size_t i = 0; rc == AGLM_OK && i < n_rows; i++) {
        for (size_t j = 0; rc == AGLM_OK && j < rows[i].n_params; j++)
            rc = find_param(found, &n, &rows[i], &rows[i].params[j], a, err);
    }
    for (size_t i = 0; rc == AGLM_OK && i < n; i++)
        rc = aglm_space_add(out, found[i].name, &found[i].dist, NULL, 0, err);
    return rc;
}

aglm_rc aglm_study_stored_space(aglm_store *store, int64_t study, aglm_space **out, aglm_error *err)
{
    aglm_arena arena;
    aglm_attr_row *attrs;
    size_t n;
    const char *json = NULL;

    *out = NULL;
    aglm_arena_init(&arena, MAX_STUDY_BYTES);
    aglm_rc rc = aglm_store_study_attrs(store, study, &arena, &attrs, &n, err);
    for (size_t i = 0; rc == AGLM_OK && i < n; i++) {
        if (attrs[i].system && strcmp(attrs[i].key, AGLM_ATTR_SPACE) == 0)
            json = attrs[i].json;
    }
    if (rc == AGLM_OK && json) {
        rc = aglm_space_read(out, json, strlen(json), err);
    } else if (rc == AGLM_OK) {
        rc = aglm_space_new(out, err);
        if (rc == AGLM_OK)
            rc = space_of_trials(store, study, &arena, *out, err);
    }
    if (rc != AGLM_OK) {
        aglm_space_free(*out);
        *out = NULL;
    }
    aglm_arena_clear(&arena);
    return rc;
}

static void *copied(aglm_arena *a, const void *from, size_t n, size_t size)
{
    void *to = aglm_arena_array(a, n, size);

    if (to && n > 0)
        memcpy(to, from, n * size);
    return to;
}

aglm_rc aglm_trial_copy(aglm_trial *out, const aglm_trial *from, size_t n_params, aglm_arena *a,
                        aglm_error *err)
{
    *out = *from;
    aglm_attr_row *attrs = copied(a, from->attrs, from->n_attrs, sizeof *attrs);
    bool ok = attrs && (out->x = copied(a, from->x, n_params, sizeof *out->x)) &&
              (out->values = copied(a, from->values, from->n_values, sizeof *out->values)) &&
              (out->steps = copied(a, from->steps, from->n_steps, sizeof *out->steps));
    for (size_t i = 0; ok && i < from->n_attrs; i++) {
        attrs[i].key = aglm_arena_strdup(a, from->attrs[i].key);
        attrs[i].json = aglm_arena_strdup(a, from->attrs[i].json);
        ok = attrs[i].key && attrs[i].json;
    }
    out->attrs = attrs;
    return ok ? AGLM_OK
              : aglm_error_set(err, AGLM_NOMEM, "out of memory for trial %lld",
                               (long long)from->number);
}
