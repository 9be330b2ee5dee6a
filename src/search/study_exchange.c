#include "search/study_exchange.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "search/stored.h"

#define MAX_TEXT ((size_t)1 << 30)

static const char *const states[] = {"RUNNING", "COMPLETE", "PRUNED", "FAIL", "WAITING"};
#define STATES (sizeof states / sizeof *states)

static aglm_rc no_memory(aglm_error *err)
{
    return aglm_error_set(err, AGLM_NOMEM, "out of memory for a study");
}

/* ---- writing ---- */

/* A parameter with the distribution that it had first. */
struct known {
    const char *name;
    const char *json;
    aglm_dist dist;
};

struct output {
    aglm_json_writer *w;
    aglm_arena *arena;
    struct known known[AGLM_SPACE_MAX];
    size_t n;
};

/* Parameters mostly come in the same order: `hint` is where to look first. NULL: not yet known. */
static const struct known *find_known(const struct output *o, const char *name, size_t hint)
{
    if (hint < o->n && strcmp(o->known[hint].name, name) == 0)
        return &o->known[hint];
    for (size_t i = 0; i < o->n; i++) {
        if (strcmp(o->known[i].name, name) == 0)
            return &o->known[i];
    }
    return NULL;
}

static aglm_rc read_dist(const aglm_param_row *p, aglm_dist *out, aglm_arena *a, aglm_error *err)
{
    aglm_rc rc = aglm_dist_read(out, p->distribution, strlen(p->distribution), a, err);

    if (rc != AGLM_OK)
        aglm_error_prefix(err, "parameter \"%.128s\"", p->name);
    return rc;
}

static aglm_rc learn_dists(struct output *o, const aglm_trial_row *row, aglm_error *err)
{
    for (size_t i = 0; i < row->n_params; i++) {
        const aglm_param_row *p = &row->params[i];
        if (find_known(o, p->name, i))
            continue;
        if (o->n == AGLM_SPACE_MAX)
            return aglm_error_set(err, AGLM_LIMIT, "over %d parameters in one study",
                                  AGLM_SPACE_MAX);
        struct known *k = &o->known[o->n];
        *k = (struct known){.name = p->name, .json = p->distribution};
        aglm_rc rc = read_dist(p, &k->dist, o->arena, err);
        if (rc != AGLM_OK)
            return rc;
        o->n++;
    }
    return AGLM_OK;
}

/* JSON as Python writes it, NaN and infinities too. What is none stands as a string. */
static void put_text(aglm_json_writer *w, const char *json)
{
    const aglm_json_options options = {.allow_nonfinite = true};
    aglm_json_doc *doc = NULL;
    aglm_rc rc = aglm_json_parse(&doc, json, strlen(json), &options, NULL);

    if (rc == AGLM_OK)
        aglm_json_put_value(w, aglm_json_root(doc));
    else
        aglm_json_put_text(w, json);
    if (rc == AGLM_NOMEM)
        w->out->rc = rc;
    aglm_json_free(doc);
}

static aglm_rc write_param(struct output *o, const aglm_param_row *p, size_t at, aglm_error *err)
{
    const struct known *k = find_known(o, p->name, at);
    aglm_dist own = k->dist;
    aglm_rc rc = AGLM_OK;

    if (strcmp(k->json, p->distribution) != 0)
        rc = read_dist(p, &own, o->arena, err);
    if (rc == AGLM_OK && own.kind == AGLM_DIST_CHOICE && !aglm_dist_contains(&own, p->value))
        rc = aglm_error_set(err, AGLM_FORMAT, "parameter \"%.128s\": its value is no choice",
                            p->name);
    if (rc != AGLM_OK)
        return rc;
    aglm_json_key(o->w, p->name);
    aglm_dist_put(&own, p->value, o->w);
    return AGLM_OK;
}

/* Those that are not the study's. */
static void write_own_dists(struct output *o, const aglm_trial_row *row)
{
    bool any = false;

    for (size_t i = 0; i < row->n_params; i++) {
        const aglm_param_row *p = &row->params[i];
        if (strcmp(find_known(o, p->name, i)->json, p->distribution) == 0)
            continue;
        if (!any) {
            aglm_json_key(o->w, "distributions");
            aglm_json_open_object(o->w);
        }
        any = true;
        aglm_json_key(o->w, p->name);
        put_text(o->w, p->distribution);
    }
    if (any)
        aglm_json_close_object(o->w);
}

/* Keys are one of a kind in the schema. */
static void write_attrs(aglm_json_writer *w, const char *key, const aglm_attr_row *attrs, size_t n,
                        bool system)
{
    aglm_json_key(w, key);
    aglm_json_open_object(w);
    for (size_t i = 0; i < n; i++) {
        if (attrs[i].system != system)
            continue;
        aglm_json_key(w, attrs[i].key);
        put_text(w, attrs[i].json);
    }
    aglm_json_close_object(w);
}

static void write_steps(aglm_json_writer *w, const aglm_trial_row *row)
{
    char key[24];

    aglm_json_key(w, "intermediate_values");
    aglm_json_open_object(w);
    for (size_t i = 0; i < row->n_steps; i++) {
        snprintf(key, sizeof key, "%lld", (long long)row->steps[i].step);
        aglm_json_member_double(w, key, row->steps[i].value);
    }
    aglm_json_close_object(w);
}

/* The point of one that waits, which is an attribute until it is claimed. */
static const char *fixed_point(const aglm_trial_row *row)
{
    for (size_t i = 0; i < row->n_attrs && row->state == AGLM_TRIAL_WAITING; i++) {
        if (row->attrs[i].system && strcmp(row->attrs[i].key, AGLM_ATTR_FIXED) == 0)
            return row->attrs[i].json;
    }
    return NULL;
}

static aglm_rc write_params(struct output *o, const aglm_trial_row *row, aglm_error *err)
{
    const char *fixed = row->n_params == 0 ? fixed_point(row) : NULL;
    aglm_rc rc = AGLM_OK;

    aglm_json_key(o->w, "params");
    if (fixed) {
        put_text(o->w, fixed);
        return AGLM_OK;
    }
    aglm_json_open_object(o->w);
    for (size_t i = 0; rc == AGLM_OK && i < row->n_params; i++)
        rc = write_param(o, &row->params[i], i, err);
    aglm_json_close_object(o->w);
    write_own_dists(o, row);
    return rc;
}

static aglm_rc write_trial(struct output *o, const aglm_trial_row *row, aglm_error *err)
{
    aglm_json_writer *w = o->w;

    aglm_json_open_object(w);
    aglm_json_member_int(w, "number", row->number);
    aglm_json_member_text(w, "state", states[row->state]);
    aglm_json_key(w, "values");
    aglm_json_open_array(w);
    for (size_t i = 0; i < row->n_values; i++)
        aglm_json_put_double(w, row->values[i]);
    aglm_json_close_array(w);
    aglm_rc rc = write_params(o, row, err);
    aglm_json_member_text(w, "datetime_start", row->started);
    aglm_json_member_text(w, "datetime_complete", row->completed);
    aglm_json_member_double(w, "duration_s",
                            aglm_stored_time(row->completed) - aglm_stored_time(row->started));
    write_steps(w, row);
    write_attrs(w, "attrs", row->attrs, row->n_attrs, false);
    write_attrs(w, "system_attrs", row->attrs, row->n_attrs, true);
    aglm_json_close_object(w);
    if (rc != AGLM_OK)
        aglm_error_prefix(err, "trial %lld", (long long)row->number);
    return rc;
}

aglm_rc aglm_study_whole_write(const aglm_study_whole *whole, aglm_json_writer *w, aglm_arena *a,
                               aglm_error *err)
{
    struct output *o = calloc(1, sizeof *o);
    aglm_rc rc = AGLM_OK;

    if (!o)
        return no_memory(err);
    o->w = w;
    o->arena = a;
    for (size_t i = 0; rc == AGLM_OK && i < whole->n_trials; i++)
        rc = learn_dists(o, &whole->trials[i], err);
    aglm_json_key(w, "distributions");
    aglm_json_open_object(w);
    for (size_t i = 0; i < o->n; i++) {
        aglm_json_key(w, o->known[i].name);
        put_text(w, o->known[i].json);
    }
    aglm_json_close_object(w);
    write_attrs(w, "user_attrs", whole->attrs, whole->n_attrs, false);
    write_attrs(w, "system_attrs", whole->attrs, whole->n_attrs, true);
    aglm_json_key(w, "trials");
    aglm_json_open_array(w);
    for (size_t i = 0; rc == AGLM_OK && i < whole->n_trials; i++)
        rc = write_trial(o, &whole->trials[i], err);
    aglm_json_close_array(w);
    free(o);
    return rc;
}

/* ---- reading ---- */

struct input {
    const aglm_json *dists; /* the study's, may be NULL */
    const aglm_space *space;
    aglm_arena *arena;
    aglm_str text; /* scratch */
};

static aglm_rc wrong(aglm_error *err, const char *member, const char *expected, const aglm_json *v)
{
    return aglm_error_set(err, AGLM_FORMAT, "%.128s: expected %s, found %s", member, expected,
                          v ? aglm_json_kind_name(v) : "nothing");
}

/* The value's text, as Python writes it. NULL: out of memory. */
static const char *text_of(struct input *in, const aglm_json *v)
{
    aglm_json_writer w;

    aglm_str_reset(&in->text);
    aglm_json_writer_init(&w, &in->text);
    w.nonfinite = w.python = true;
    aglm_json_put_value(&w, v);
    return in->text.rc == AGLM_OK ? aglm_arena_strdup(in->arena, in->text.data) : NULL;
}

static aglm_rc read_attrs(struct input *in, const aglm_json *object, bool system,
                          aglm_attr_row *rows, size_t *n, aglm_error *err)
{
    aglm_json_iter it = aglm_json_iterate(object);
    const aglm_json *v;
    const char *key;

    for (size_t left = aglm_json_size(object); left > 0; left--) {
        v = aglm_json_next(&it, &key);
        aglm_attr_row row = {aglm_arena_strdup(in->arena, key), text_of(in, v), system};
        if (!row.key || !row.json)
            return no_memory(err);
        rows[(*n)++] = row;
    }
    return AGLM_OK;
}

/* The user's attributes under one key, the system's under "system_attrs". */
static aglm_rc read_both_attrs(struct input *in, const aglm_json *of, const char *user_key,
                               const aglm_attr_row **out, size_t *n, aglm_error *err)
{
    const aglm_json *user = aglm_json_get(of, user_key);
    const aglm_json *system = aglm_json_get(of, "system_attrs");
    aglm_attr_row *rows;

    if (user && aglm_json_kind_of(user) != AGLM_JSON_OBJECT)
        return wrong(err, user_key, "an object", user);
    if (system && aglm_json_kind_of(system) != AGLM_JSON_OBJECT)
        return wrong(err, "system_attrs", "an object", system);
    rows = aglm_arena_array(in->arena, aglm_json_size(user) + aglm_json_size(system), sizeof *rows);
    if (!rows)
        return no_memory(err);
    *n = 0;
    *out = rows;
    aglm_rc rc = read_attrs(in, user, false, rows, n, err);
    return rc == AGLM_OK ? read_attrs(in, system, true, rows, n, err) : rc;
}

static aglm_rc dist_of(struct input *in, const aglm_json *own, const char *name, aglm_dist *out,
                       aglm_error *err)
{
    const aglm_json *v = aglm_json_get(own, name);

    if (!v)
        v = aglm_json_get(in->dists, name);
    if (v)
        return aglm_dist_read_value(out, v, in->arena, err);
    int at = in->space ? aglm_space_find(in->space, name) : -1;
    if (at < 0)
        return aglm_error_set(err, AGLM_FORMAT,
                              "it has no distribution here; name it with --space '%.128s=...'",
                              name);
    *out = in->space->params[at].dist;
    return AGLM_OK;
}

static aglm_rc read_param(struct input *in, const aglm_json *own, const char *name,
                          const aglm_json *v, aglm_param_row *out, aglm_error *err)
{
    aglm_dist d;
    aglm_rc rc = dist_of(in, own, name, &d, err);

    if (rc == AGLM_OK)
        rc = aglm_dist_get(&d, v, &out->value, err);
    if (rc != AGLM_OK) {
        aglm_error_prefix(err, "params.%.128s", name);
        return rc;
    }
    aglm_str_reset(&in->text);
    aglm_dist_write(&d, &in->text);
    out->name = aglm_arena_strdup(in->arena, name);
    out->distribution = in->text.rc == AGLM_OK ? aglm_arena_strdup(in->arena, in->text.data) : NULL;
    return out->name && out->distribution ? AGLM_OK : no_memory(err);
}

static aglm_rc read_params(struct input *in, const aglm_json *t, aglm_trial_row *row,
                           aglm_error *err)
{
    const aglm_json *own = aglm_json_get(t, "distributions");
    const aglm_json *params = aglm_json_get(t, "params");
    aglm_json_iter it = aglm_json_iterate(params);
    const size_t n = fixed_point(row) ? 0 : aglm_json_size(params);
    aglm_param_row *to = aglm_arena_array(in->arena, n, sizeof *to);
    aglm_rc rc = AGLM_OK;
    const char *name;

    if (params && aglm_json_kind_of(params) != AGLM_JSON_OBJECT)
        return wrong(err, "params", "an object", params);
    if (!to)
        return no_memory(err);
    for (size_t i = 0; rc == AGLM_OK && i < n; i++) {
        const aglm_json *v = aglm_json_next(&it, &name);
        rc = read_param(in, own, name, v, &to[i], err);
    }
    row->params = to;
    row->n_params = n;
    return rc;
}

static aglm_rc read_values(struct input *in, const aglm_json *t, aglm_trial_row *row,
                           aglm_error *err)
{
    const aglm_json *values = aglm_json_get(t, "values");
    aglm_json_iter it = aglm_json_iterate(values);
    const size_t n = aglm_json_size(values);
    double *to = aglm_arena_array(in->arena, n, sizeof *to);

    if (values && aglm_json_kind_of(values) != AGLM_JSON_ARRAY)
        return wrong(err, "values", "an array of numbers", values);
    if (!to)
        return no_memory(err);
    for (size_t i = 0; i < n; i++) {
        const aglm_json *v = aglm_json_next(&it, NULL);
        if (aglm_json_kind_of(v) != AGLM_JSON_NUMBER)
            return wrong(err, "values", "numbers", v);
        to[i] = aglm_json_double(v, 0.0);
    }
    row->values = to;
    row->n_values = n;
    return AGLM_OK;
}

static aglm_rc read_steps(struct input *in, const aglm_json *t, aglm_trial_row *row,
                          aglm_error *err)
{
    const aglm_json *steps = aglm_json_get(t, "intermediate_values");
    aglm_json_iter it = aglm_json_iterate(steps);
    const size_t n = aglm_json_size(steps);
    aglm_step_row *to = aglm_arena_array(in->arena, n, sizeof *to);
    const char *key = "";
    char *end;

    if (steps && aglm_json_kind_of(steps) != AGLM_JSON_OBJECT)
        return wrong(err, "intermediate_values", "an object", steps);
    if (!to)
        return no_memory(err);
    for (size_t i = 0; i < n; i++) {
        const aglm_json *v = aglm_json_next(&it, &key);
        to[i].step = strtoll(key, &end, 10);
        if (end == key || *end != '\0')
            return aglm_error_set(err, AGLM_FORMAT,
                                  "intermediate_values: \"%.40s\" is no step, a whole number", key);
        if (aglm_json_kind_of(v) != AGLM_JSON_NUMBER)
            return wrong(err, "intermediate_values", "numbers", v);
        to[i].value = aglm_json_double(v, 0.0);
    }
    row->steps = to;
    row->n_steps = n;
    return AGLM_OK;
}

static aglm_rc read_state(const aglm_json *t, aglm_trial_state *out, aglm_error *err)
{
    const char *name = NULL;
    aglm_rc rc = aglm_json_need_string(t, "state", &name, err);

    for (size_t i = 0; rc == AGLM_OK && i < STATES; i++) {
        if (strcmp(name, states[i]) == 0) {
            *out = (aglm_trial_state)i;
            return AGLM_OK;
        }
    }
    if (rc == AGLM_OK)
        rc = aglm_error_set(err, AGLM_FORMAT,
                            "state: \"%.40s\" is none of COMPLETE, PRUNED, FAIL, RUNNING, WAITING",
                            name);
    return rc;
}

static aglm_rc read_trial(struct input *in, const aglm_json *t, aglm_trial_row *row,
                          aglm_error *err)
{
    memset(row, 0, sizeof *row);
    if (aglm_json_kind_of(t) != AGLM_JSON_OBJECT)
        return wrong(err, "a trial", "an object", t);
    aglm_rc rc = read_state(t, &row->state, err);
    if (rc == AGLM_OK)
        rc = read_both_attrs(in, t, "attrs", &row->attrs, &row->n_attrs, err);
    if (rc == AGLM_OK)
        rc = read_params(in, t, row, err);
    if (rc == AGLM_OK)
        rc = read_values(in, t, row, err);
    if (rc == AGLM_OK)
        rc = read_steps(in, t, row, err);
    if (rc != AGLM_OK)
        return rc;
    const char *started = aglm_json_string(aglm_json_get(t, "datetime_start"), NULL);
    const char *completed = aglm_json_string(aglm_json_get(t, "datetime_complete"), NULL);
    row->started = started ? aglm_arena_strdup(in->arena, started) : NULL;
    row->completed = completed ? aglm_arena_strdup(in->arena, completed) : NULL;
    if (row->state == AGLM_TRIAL_RUNNING) {
        row->state = AGLM_TRIAL_FAIL;
        row->completed = row->started;
    }
    return (started && !row->started) || (completed && !row->completed) ? no_memory(err) : AGLM_OK;
}

static aglm_rc read_direction(const aglm_json *v, aglm_direction *out, aglm_error *err)
{
    const char *word = aglm_json_string(v, NULL);

    if (!word || (strcmp(word, "minimize") != 0 && strcmp(word, "maximize") != 0))
        return aglm_error_set(err, AGLM_FORMAT, "direction: expected \"minimize\" or \"maximize\"");
    *out = strcmp(word, "maximize") == 0 ? AGLM_MAXIMIZE : AGLM_MINIMIZE;
    return AGLM_OK;
}

static aglm_rc read_directions(const aglm_json *root, aglm_study_whole *out, aglm_error *err)
{
    const aglm_json *several = aglm_json_get(root, "directions");
    aglm_json_iter it = aglm_json_iterate(several);
    aglm_rc rc = AGLM_OK;

    out->n_directions = several ? aglm_json_size(several) : 1;
    if (out->n_directions < 1 || out->n_directions > AGLM_STORE_MAX_OBJECTIVES)
        return aglm_error_set(err, AGLM_FORMAT, "directions: expected 1 to %d",
                              AGLM_STORE_MAX_OBJECTIVES);
    if (!several)
        return read_direction(aglm_json_get(root, "direction"), &out->directions[0], err);
    for (size_t i = 0; rc == AGLM_OK && i < out->n_directions; i++)
        rc = read_direction(aglm_json_next(&it, NULL), &out->directions[i], err);
    return rc;
}

static aglm_rc read_study(struct input *in, const aglm_json *root, aglm_study_whole *out,
                          aglm_error *err)
{
    const aglm_json *trials = aglm_json_get(root, "trials");
    const char *name = aglm_json_string(aglm_json_get(root, "name"), NULL);
    aglm_json_iter it = aglm_json_iterate(trials);

    if (aglm_json_kind_of(root) != AGLM_JSON_OBJECT || !trials ||
        aglm_json_kind_of(trials) != AGLM_JSON_ARRAY)
        return aglm_error_set(err, AGLM_FORMAT,
                              "expected an object with a list \"trials\", as autoglm study export "
                              "writes it");
    in->dists = aglm_json_get(root, "distributions");
    out->name = name ? aglm_arena_strdup(in->arena, name) : NULL;
    aglm_rc rc = read_directions(root, out, err);
    if (rc == AGLM_OK)
        rc = read_both_attrs(in, root, "user_attrs", &out->attrs, &out->n_attrs, err);
    out->n_trials = aglm_json_size(trials);
    out->trials = aglm_arena_array(in->arena, out->n_trials, sizeof *out->trials);
    if (rc == AGLM_OK && !out->trials)
        rc = no_memory(err);
    for (size_t i = 0; rc == AGLM_OK && i < out->n_trials; i++) {
        rc = read_trial(in, aglm_json_next(&it, NULL), &out->trials[i], err);
        if (rc != AGLM_OK)
            aglm_error_prefix(err, "trials[%zu]", i);
    }
    return rc;
}

aglm_rc aglm_study_whole_parse(aglm_study_whole *out, const aglm_exchange_text *from,
                               const aglm_space *space, aglm_arena *a, aglm_error *err)
{
    const aglm_json_options options = {from->origin, true};
    struct input in = {.space = space, .arena = a};
    aglm_json_doc *doc = NULL;

    memset(out, 0, sizeof *out);
    aglm_rc rc = aglm_json_parse(&doc, from->text, from->len, &options, err);
    if (rc != AGLM_OK)
        return rc;
    aglm_str_init(&in.text, MAX_TEXT);
    rc = read_study(&in, aglm_json_root(doc), out, err);
    if (rc != AGLM_OK)
        aglm_error_prefix(err, "%s", from->origin);
    aglm_str_clear(&in.text);
    aglm_json_free(doc);
    return rc;
}
