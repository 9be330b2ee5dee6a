#include <math.h>
#include <string.h>

#include "base/memory.h"
#include "search/space_priv.h"

#define DESCRIPTION_BYTES 4096

static const struct {
    const char *sign;
    aglm_relation relation;
} signs[] = {
    {"=", AGLM_EQUAL}, {"!=", AGLM_NOT_EQUAL}, {"<", AGLM_LESS},   {"<=", AGLM_AT_MOST},
    {">", AGLM_MORE},  {">=", AGLM_AT_LEAST},  {"==", AGLM_EQUAL},
};

const char *aglm_relation_sign(aglm_relation r)
{
    return signs[r].sign;
}

bool aglm_relation_parse(const char *sign, size_t n, aglm_relation *out)
{
    for (size_t i = 0; i < sizeof signs / sizeof *signs; i++) {
        if (strlen(signs[i].sign) == n && strncmp(signs[i].sign, sign, n) == 0) {
            *out = signs[i].relation;
            return true;
        }
    }
    return false;
}

static bool is_order(aglm_relation r)
{
    return r != AGLM_EQUAL && r != AGLM_NOT_EQUAL;
}

/* The number that is compared; NaN where the choice is none. */
static double number_of(const aglm_dist *d, double x)
{
    if (isnan(x) || d->kind != AGLM_DIST_CHOICE)
        return x;
    const aglm_choice *c = &d->choices[(size_t)x];
    return c->kind == AGLM_CHOICE_INT || c->kind == AGLM_CHOICE_FLOAT ? c->number : NAN;
}

static bool all_numbers(const aglm_dist *d)
{
    for (size_t i = 0; i < d->n_choices; i++) {
        if (isnan(number_of(d, (double)i)))
            return false;
    }
    return true;
}

static bool related(double a, aglm_relation r, double b)
{
    switch (r) {
    case AGLM_EQUAL:
        return a == b;
    case AGLM_NOT_EQUAL:
        return a != b;
    case AGLM_LESS:
        return a < b;
    case AGLM_AT_MOST:
        return a <= b;
    case AGLM_MORE:
        return a > b;
    case AGLM_AT_LEAST:
        return a >= b;
    }
    return false;
}

static bool term_holds(const aglm_space *s, const aglm_space_term *t, const double *x)
{
    const aglm_dist *d = &s->params[t->param].dist;
    double left = x[t->param];
    double right = t->value;

    if (t->other >= 0)
        right = number_of(&s->params[t->other].dist, x[t->other]);
    if (t->other >= 0 || is_order(t->relation))
        left = number_of(d, left);
    return !isnan(left) && !isnan(right) && related(left, t->relation, right);
}

static bool clause_holds(const aglm_space *s, const aglm_space_clause *c, const double *x)
{
    for (size_t i = 0; i < c->n; i++) {
        if (!term_holds(s, &c->terms[i], x))
            return false;
    }
    return true;
}

bool aglm_space_allowed(const aglm_space *s, const double *x)
{
    for (size_t i = 0; i < s->n_forbidden; i++) {
        if (clause_holds(s, &s->forbidden[i], x))
            return false;
    }
    return true;
}

static void describe_term(const aglm_space *s, const aglm_space_term *t, aglm_str *out)
{
    const aglm_space_param *p = &s->params[t->param];
    char value[128];

    aglm_str_printf(out, "%s %s ", p->name, aglm_relation_sign(t->relation));
    if (t->other >= 0) {
        aglm_str_puts(out, s->params[t->other].name);
    } else if (is_order(t->relation)) {
        aglm_str_printf(out, "%.6g", t->value);
    } else {
        aglm_dist_format(&p->dist, t->value, value, sizeof value);
        aglm_str_puts(out, value);
    }
}

void aglm_clause_describe(const aglm_space *s, const aglm_space_clause *c, aglm_str *out)
{
    for (size_t i = 0; i < c->n; i++) {
        aglm_str_puts(out, i ? " & " : "");
        describe_term(s, &c->terms[i], out);
    }
}

static aglm_rc name_clause(const aglm_space *s, const aglm_space_clause *c, const char *before,
                           const char *behind, aglm_error *err)
{
    aglm_str text;

    aglm_str_init(&text, DESCRIPTION_BYTES);
    aglm_clause_describe(s, c, &text);
    aglm_error_set(err, AGLM_INVALID, "%s%.300s%s", before, text.data, behind);
    aglm_str_clear(&text);
    return AGLM_INVALID;
}

aglm_rc aglm_space_check_clauses(const aglm_space *s, const double *x, aglm_error *err)
{
    for (size_t i = 0; i < s->n_forbidden; i++) {
        if (clause_holds(s, &s->forbidden[i], x))
            return name_clause(s, &s->forbidden[i], "the point is forbidden: ", "", err);
    }
    return AGLM_OK;
}

static aglm_rc check_term(const aglm_space *s, aglm_space_term *t, aglm_error *err)
{
    const aglm_space_param *p = &s->params[t->param];
    const aglm_space_param *q = t->other >= 0 ? &s->params[t->other] : NULL;

    if (q ? !all_numbers(&p->dist) || !all_numbers(&q->dist)
          : is_order(t->relation) && !all_numbers(&p->dist))
        return aglm_error_set(
            err, AGLM_INVALID, "parameter \"%s\": its choices are no numbers, which %s compares",
            all_numbers(&p->dist) && q ? q->name : p->name, aglm_relation_sign(t->relation));
    if (q)
        return AGLM_OK;
    if (is_order(t->relation) && !isfinite(t->value))
        return aglm_error_set(err, AGLM_INVALID, "parameter \"%s\": compared with no number",
                              p->name);
    if (is_order(t->relation))
        return AGLM_OK;
    if (!aglm_dist_contains(&p->dist, t->value))
        return aglm_error_set(err, AGLM_INVALID, "parameter \"%s\": %.17g is not in %.17g..%.17g%s",
                              p->name, t->value, p->dist.low, p->dist.high,
                              p->dist.step > 0.0 ? " on its step" : "");
    t->value = aglm_dist_snap(&p->dist, t->value);
    return AGLM_OK;
}

static aglm_rc check_counts(const aglm_space *s, size_t n, aglm_error *err)
{
    if (n == 0 || n > AGLM_SPACE_MAX_TERMS)
        return aglm_error_set(err, AGLM_INVALID,
                              "a forbidden combination has 1 to %d comparisons, not %zu",
                              AGLM_SPACE_MAX_TERMS, n);
    if (s->n_forbidden >= AGLM_SPACE_MAX_CLAUSES)
        return aglm_error_set(err, AGLM_LIMIT, "a space holds at most %d forbidden combinations",
                              AGLM_SPACE_MAX_CLAUSES);
    return AGLM_OK;
}

aglm_rc aglm_space_forbid(aglm_space *s, const aglm_space_term *terms, size_t n, aglm_error *err)
{
    struct aglm_space_memory *m = s->memory;
    aglm_rc rc = check_counts(s, n, err);

    if (rc != AGLM_OK)
        return rc;
    aglm_space_term *copy = aglm_arena_array(&m->arena, n, sizeof *copy);
    rc = copy ? aglm_grow(&m->clauses, &m->clauses_cap, s->n_forbidden + 1, sizeof *m->clauses,
                          AGLM_SPACE_MAX_CLAUSES)
              : AGLM_NOMEM;
    if (rc != AGLM_OK)
        return aglm_error_set(err, rc, "a forbidden combination: %s", aglm_rc_text(rc));
    memcpy(copy, terms, n * sizeof *copy);
    for (size_t i = 0; rc == AGLM_OK && i < n; i++)
        rc = check_term(s, &copy[i], err);
    if (rc != AGLM_OK)
        return rc;
    m->clauses[s->n_forbidden] = (aglm_space_clause){copy, n};
    s->forbidden = m->clauses;
    s->n_forbidden++;
    return AGLM_OK;
}

static bool same_term(const aglm_space_term *a, const aglm_space_term *b)
{
    return a->param == b->param && a->relation == b->relation && a->other == b->other &&
           a->value == b->value;
}

static bool same_clause(const aglm_space_clause *a, const aglm_space_clause *b)
{
    if (a->n != b->n)
        return false;
    for (size_t i = 0; i < a->n; i++) {
        if (!same_term(&a->terms[i], &b->terms[i]))
            return false;
    }
    return true;
}

bool aglm_space_same_clauses(const aglm_space *stored, const aglm_space *asked, aglm_error *why)
{
    size_t n = stored->n_forbidden < asked->n_forbidden ? stored->n_forbidden : asked->n_forbidden;
    size_t i = 0;

    while (i < n && same_clause(&stored->forbidden[i], &asked->forbidden[i]))
        i++;
    if (i == stored->n_forbidden && i == asked->n_forbidden)
        return true;
    if (i < asked->n_forbidden)
        name_clause(asked, &asked->forbidden[i], "forbidden: ", ", which is not stored", why);
    else
        name_clause(stored, &stored->forbidden[i], "stored as forbidden: ", ", not asked for", why);
    return false;
}

/* ---- JSON ---- */

static void write_term(const aglm_space *s, const aglm_space_term *t, aglm_json_writer *w)
{
    const aglm_space_param *p = &s->params[t->param];

    aglm_json_open_object(w);
    aglm_json_member_text(w, "param", p->name);
    aglm_json_member_text(w, "is", aglm_relation_sign(t->relation));
    if (t->other >= 0) {
        aglm_json_member_text(w, "other", s->params[t->other].name);
    } else {
        aglm_json_key(w, "value");
        if (is_order(t->relation))
            aglm_json_put_double(w, t->value);
        else
            aglm_dist_put(&p->dist, t->value, w);
    }
    aglm_json_close_object(w);
}

void aglm_clauses_write(const aglm_space *s, aglm_str *out)
{
    aglm_json_writer w;

    if (s->n_forbidden == 0)
        return;
    aglm_str_puts(out, ", \"forbidden\": ");
    aglm_json_writer_init(&w, out);
    w.python = true;
    aglm_json_open_array(&w);
    for (size_t i = 0; i < s->n_forbidden; i++) {
        aglm_json_open_array(&w);
        for (size_t j = 0; j < s->forbidden[i].n; j++)
            write_term(s, &s->forbidden[i].terms[j], &w);
        aglm_json_close_array(&w);
    }
    aglm_json_close_array(&w);
}

static aglm_rc read_name(const aglm_space *s, const aglm_json *v, const char *key, int *at,
                         aglm_error *err)
{
    const char *name;
    aglm_rc rc = aglm_json_need_string(v, key, &name, err);

    if (rc != AGLM_OK)
        return rc;
    *at = aglm_space_find(s, name);
    return *at >= 0
               ? AGLM_OK
               : aglm_error_set(err, AGLM_FORMAT, "%s: there is no parameter \"%.64s\"", key, name);
}

static aglm_rc read_term(const aglm_space *s, const aglm_json *v, aglm_space_term *out,
                         aglm_error *err)
{
    const char *sign;
    int param = -1;
    aglm_rc rc = read_name(s, v, "param", &param, err);

    if (rc == AGLM_OK)
        rc = aglm_json_need_string(v, "is", &sign, err);
    if (rc != AGLM_OK)
        return rc;
    *out = (aglm_space_term){.param = (size_t)param, .other = -1};
    if (!aglm_relation_parse(sign, strlen(sign), &out->relation))
        return aglm_error_set(err, AGLM_FORMAT, "is: \"%.16s\" is none of = != < <= > >=", sign);
    if (aglm_json_get(v, "other"))
        return read_name(s, v, "other", &out->other, err);
    if (is_order(out->relation))
        return aglm_json_need_double(v, "value", &out->value, err);
    return aglm_dist_get(&s->params[param].dist, aglm_json_get(v, "value"), &out->value, err);
}

static aglm_rc read_clause(aglm_space *s, const aglm_json *list, aglm_error *err)
{
    aglm_space_term terms[AGLM_SPACE_MAX_TERMS];
    size_t n = aglm_json_size(list);
    aglm_json_iter it = aglm_json_iterate(list);

    if (aglm_json_kind_of(list) != AGLM_JSON_ARRAY || n > AGLM_SPACE_MAX_TERMS)
        return aglm_error_set(err, AGLM_FORMAT, "expected an array of 1 to %d comparisons",
                              AGLM_SPACE_MAX_TERMS);
    for (size_t i = 0; i < n; i++) {
        aglm_rc rc = read_term(s, aglm_json_next(&it, NULL), &terms[i], err);
        if (rc != AGLM_OK)
            return rc;
    }
    return aglm_space_forbid(s, terms, n, err);
}

aglm_rc aglm_clauses_read(aglm_space *s, const aglm_json *root, aglm_error *err)
{
    const aglm_json *list = aglm_json_get(root, "forbidden");
    aglm_json_iter it = aglm_json_iterate(list);

    if (!list)
        return AGLM_OK;
    if (aglm_json_kind_of(list) != AGLM_JSON_ARRAY)
        return aglm_error_set(err, AGLM_FORMAT, "forbidden: expected an array");
    for (size_t i = 0, n = aglm_json_size(list); i < n; i++) {
        aglm_rc rc = read_clause(s, aglm_json_next(&it, NULL), err);
        if (rc != AGLM_OK) {
            aglm_error_prefix(err, "forbidden[%zu]", i);
            return rc;
        }
    }
    return AGLM_OK;
}
