#include <math.h>
#include <string.h>

#include "search/space_priv.h"

static void write_text(const char *text, aglm_str *out)
{
    aglm_json_writer w;

    aglm_json_writer_init(&w, out);
    aglm_json_put_text(&w, text);
}

static void write_condition(const aglm_space *s, const aglm_space_param *p, aglm_str *out)
{
    const aglm_space_param *parent = &s->params[p->parent];
    aglm_json_writer w;

    aglm_str_puts(out, ", \"parent\": ");
    write_text(parent->name, out);
    aglm_str_puts(out, ", \"when\": ");
    aglm_json_writer_init(&w, out);
    w.python = true;
    aglm_json_open_array(&w);
    for (size_t c = 0; c < parent->dist.n_choices; c++) {
        if (p->when >> c & 1)
            aglm_dist_put(&parent->dist, (double)c, &w);
    }
    aglm_json_close_array(&w);
}

static void write_prior(const aglm_prior *p, aglm_str *out)
{
    aglm_json_writer w;

    if (p->kind == AGLM_PRIOR_NONE)
        return;
    aglm_str_puts(out, ", \"prior\": ");
    aglm_json_writer_init(&w, out);
    w.python = true;
    aglm_json_open_object(&w);
    aglm_json_member_text(&w, "name", p->kind == AGLM_PRIOR_NORMAL ? "normal" : "uniform");
    aglm_json_member_double(&w, p->kind == AGLM_PRIOR_NORMAL ? "mu" : "low", p->a);
    aglm_json_member_double(&w, p->kind == AGLM_PRIOR_NORMAL ? "sigma" : "high", p->b);
    aglm_json_member_bool(&w, "log", p->log);
    aglm_json_close_object(&w);
}

void aglm_space_write(const aglm_space *s, aglm_str *out)
{
    aglm_str_puts(out, "{\"params\": [");
    for (size_t i = 0; i < s->n; i++) {
        aglm_str_puts(out, i ? ", {\"name\": " : "{\"name\": ");
        write_text(s->params[i].name, out);
        aglm_str_puts(out, ", \"distribution\": ");
        aglm_dist_write(&s->params[i].dist, out);
        write_prior(&s->params[i].prior, out);
        if (s->params[i].parent >= 0)
            write_condition(s, &s->params[i], out);
        aglm_str_putc(out, '}');
    }
    aglm_str_putc(out, ']');
    aglm_clauses_write(s, out);
    aglm_str_putc(out, '}');
}

static aglm_rc read_when(const aglm_dist *parent, const aglm_json *list, uint64_t *when,
                         aglm_error *err)
{
    aglm_json_iter it = aglm_json_iterate(list);

    *when = 0;
    for (size_t left = aglm_json_size(list); left > 0; left--) {
        double c;
        aglm_rc rc = aglm_dist_get(parent, aglm_json_next(&it, NULL), &c, err);
        if (rc != AGLM_OK)
            return rc;
        if (c < 64.0)
            *when |= UINT64_C(1) << (unsigned)c;
    }
    return AGLM_OK;
}

/* Of the parameter that was added last. */
static aglm_rc read_prior(aglm_space *s, const aglm_json *v, aglm_error *err)
{
    aglm_prior p = {.log = aglm_json_bool(aglm_json_get(v, "log"), false)};
    const char *name;

    if (!v)
        return AGLM_OK;
    aglm_rc rc = aglm_json_need_string(v, "name", &name, err);
    if (rc != AGLM_OK)
        return rc;
    bool normal = strcmp(name, "normal") == 0;
    if (!normal && strcmp(name, "uniform") != 0)
        return aglm_error_set(err, AGLM_FORMAT, "prior: \"%.32s\" is neither normal nor uniform",
                              name);
    p.kind = normal ? AGLM_PRIOR_NORMAL : AGLM_PRIOR_UNIFORM;
    rc = aglm_json_need_double(v, normal ? "mu" : "low", &p.a, err);
    if (rc == AGLM_OK)
        rc = aglm_json_need_double(v, normal ? "sigma" : "high", &p.b, err);
    return rc == AGLM_OK ? aglm_space_set_prior(s, s->n - 1, &p, err) : rc;
}

static aglm_rc read_param(aglm_space *s, const aglm_json *v, aglm_arena *scratch, aglm_error *err)
{
    const char *name;
    const char *parent = aglm_json_string(aglm_json_get(v, "parent"), NULL);
    uint64_t when = 0;
    aglm_dist d;
    aglm_rc rc = aglm_json_need_string(v, "name", &name, err);

    if (rc != AGLM_OK)
        return rc;
    rc = aglm_dist_read_value(&d, aglm_json_get(v, "distribution"), scratch, err);
    int at = parent ? aglm_space_find(s, parent) : -1;
    if (rc == AGLM_OK && at >= 0)
        rc = read_when(&s->params[at].dist, aglm_json_get(v, "when"), &when, err);
    if (rc != AGLM_OK) {
        aglm_error_prefix(err, "parameter \"%.64s\"", name);
        return rc;
    }
    rc = aglm_space_add(s, name, &d, parent, when, err);
    return rc == AGLM_OK ? read_prior(s, aglm_json_get(v, "prior"), err) : rc;
}

static aglm_rc read_params(aglm_space *s, const aglm_json *root, aglm_error *err)
{
    const aglm_json *list = aglm_json_get(root, "params");
    aglm_json_iter it = aglm_json_iterate(list);
    aglm_arena scratch;
    aglm_rc rc = AGLM_OK;

    if (!list || aglm_json_kind_of(list) != AGLM_JSON_ARRAY)
        return aglm_error_set(err, AGLM_FORMAT, "space: expected \"params\" with an array");
    aglm_arena_init(&scratch, 1u << 26);
    for (size_t left = aglm_json_size(list); rc == AGLM_OK && left > 0; left--)
        rc = read_param(s, aglm_json_next(&it, NULL), &scratch, err);
    aglm_arena_clear(&scratch);
    return rc;
}

aglm_rc aglm_space_read(aglm_space **out, const char *json, size_t len, aglm_error *err)
{
    aglm_json_doc *doc = NULL;
    aglm_json_options options = {.origin = "space"};
    aglm_rc rc = aglm_json_parse(&doc, json, len, &options, err);

    *out = NULL;
    if (rc == AGLM_OK)
        rc = aglm_space_new(out, err);
    if (rc == AGLM_OK)
        rc = read_params(*out, aglm_json_root(doc), err);
    if (rc == AGLM_OK)
        rc = aglm_clauses_read(*out, aglm_json_root(doc), err);
    if (rc != AGLM_OK) {
        aglm_space_free(*out);
        *out = NULL;
    }
    aglm_json_free(doc);
    return rc;
}

void aglm_point_write(const aglm_space *s, const double *x, aglm_json_writer *w)
{
    aglm_json_open_object(w);
    for (size_t i = 0; i < s->n; i++) {
        if (isnan(x[i]))
            continue;
        aglm_json_key(w, s->params[i].name);
        aglm_dist_put(&s->params[i].dist, x[i], w);
    }
    aglm_json_close_object(w);
}

aglm_rc aglm_point_read(const aglm_space *s, const aglm_json *v, double *x, aglm_error *err)
{
    const char *key;
    aglm_json_iter it = aglm_json_iterate(v);

    if (aglm_json_kind_of(v) != AGLM_JSON_OBJECT)
        return aglm_error_set(err, AGLM_INVALID, "a point: expected an object, found %s",
                              aglm_json_kind_name(v));
    for (size_t i = 0; i < s->n; i++)
        x[i] = NAN;
    for (size_t left = aglm_json_size(v); left > 0; left--) {
        const aglm_json *value = aglm_json_next(&it, &key);
        int at = aglm_space_find(s, key);
        if (at < 0)
            return aglm_error_set(err, AGLM_INVALID, "\"%.64s\" is no parameter of this space",
                                  key);
        aglm_rc rc = aglm_dist_get(&s->params[at].dist, value, &x[at], err);
        if (rc != AGLM_OK) {
            aglm_error_prefix(err, "%s", key);
            return rc;
        }
    }
    for (size_t i = 0; i < s->n; i++) {
        if (isnan(x[i]) && aglm_space_active(s, x, i))
            return aglm_error_set(err, AGLM_INVALID, "%s: its value is missing", s->params[i].name);
    }
    aglm_space_settle(s, x);
    return AGLM_OK;
}
