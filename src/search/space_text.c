#include "search/space_text.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "search/space_priv.h"
#include "search/space_text_priv.h"

#define MAX_DEPTH 16
#define MAX_NESTED 64 /* options of a choice that carries conditions */

/* ---- choices ---- */

static aglm_choice choice_of_text(const char *s)
{
    static const struct {
        const char *word;
        aglm_choice choice;
    } fixed[] = {
        {"true", {AGLM_CHOICE_BOOL, NULL, 1.0}},  {"True", {AGLM_CHOICE_BOOL, NULL, 1.0}},
        {"false", {AGLM_CHOICE_BOOL, NULL, 0.0}}, {"False", {AGLM_CHOICE_BOOL, NULL, 0.0}},
        {"null", {AGLM_CHOICE_NULL, NULL, 0.0}},  {"None", {AGLM_CHOICE_NULL, NULL, 0.0}},
    };
    double v;

    for (size_t i = 0; i < sizeof fixed / sizeof *fixed; i++) {
        if (strcmp(fixed[i].word, s) == 0)
            return fixed[i].choice;
    }
    if (!aglm_double_parse(s, strlen(s), &v) || !isfinite(v))
        return (aglm_choice){.kind = AGLM_CHOICE_TEXT, .text = s};
    bool whole = !strpbrk(s, ".eE") && fabs(v) <= AGLM_DIST_MAX_INT;
    return (aglm_choice){.kind = whole ? AGLM_CHOICE_INT : AGLM_CHOICE_FLOAT, .number = v + 0.0};
}

static aglm_rc take_literal(struct aglm_text *t, aglm_choice *out)
{
    const char *word;
    bool quoted = aglm_text_at_quote(t);
    aglm_rc rc = aglm_text_word(t, "a value", &word);

    if (rc != AGLM_OK)
        return rc;
    *out = quoted ? (aglm_choice){.kind = AGLM_CHOICE_TEXT, .text = word} : choice_of_text(word);
    return AGLM_OK;
}

static aglm_rc read_items(struct aglm_text *t, char end);

/* The parameters of option c of the found choice `at`: "(" space ")". */
static aglm_rc read_nested(struct aglm_text *t, size_t at, size_t c)
{
    int parent = t->parent;
    uint64_t when = t->when;
    const char *param = t->param;

    if (c >= MAX_NESTED)
        return aglm_text_fail(
            t, t->at, "only the first %d options may have parameters of their own", MAX_NESTED);
    if (t->depth == MAX_DEPTH)
        return aglm_text_fail(t, t->at, "choices are nested over %d deep", MAX_DEPTH);
    t->depth++;
    t->at++;
    t->parent = (int)at;
    t->when = UINT64_C(1) << c;
    aglm_rc rc = read_items(t, ')');
    t->depth--;
    t->parent = parent;
    t->when = when;
    t->param = param;
    return rc == AGLM_OK ? aglm_text_expect(t, ')', "behind the parameters of an option") : rc;
}

struct options {
    aglm_choice *v;
    size_t n;
    size_t cap;
};

static aglm_rc read_option(struct aglm_text *t, size_t at, struct options *o)
{
    aglm_text_skip(t);
    size_t start = t->at;
    aglm_rc rc = aglm_grow(&o->v, &o->cap, o->n + 1, sizeof *o->v, AGLM_DIST_MAX_CHOICES);

    if (rc == AGLM_LIMIT)
        return aglm_text_fail(t, start, "a choice has at most %d options", AGLM_DIST_MAX_CHOICES);
    if (rc != AGLM_OK)
        return aglm_text_no_memory(t);
    rc = take_literal(t, &o->v[o->n]);
    for (size_t i = 0; rc == AGLM_OK && i < o->n; i++) {
        if (aglm_choice_equal(&o->v[i], &o->v[o->n]))
            rc = aglm_text_fail(t, start, "the option stands there twice");
    }
    if (rc == AGLM_OK && aglm_text_next_is(t, '('))
        rc = read_nested(t, at, o->n);
    o->n++;
    return rc;
}

/* option { "," option } ")" of the found parameter `at`. */
static aglm_rc read_choice(struct aglm_text *t, size_t at)
{
    struct options o = {0};
    bool list = aglm_text_take(t, '[');
    aglm_dist d = {0};
    aglm_rc rc;

    do {
        rc = read_option(t, at, &o);
    } while (rc == AGLM_OK && aglm_text_take(t, ','));
    if (rc == AGLM_OK && list)
        rc = aglm_text_expect(t, ']', "behind the options");
    if (rc == AGLM_OK)
        rc = aglm_text_expect(t, ')', "behind the options");
    if (rc == AGLM_OK)
        rc = aglm_text_made(t, t->at, aglm_dist_choice(&d, o.v, o.n, t->err));
    if (rc == AGLM_OK)
        rc = aglm_dist_copy(&t->found[at].dist, &d, &t->arena, t->err);
    free(o.v);
    return rc;
}

/* ---- items ---- */

static aglm_rc new_found(struct aglm_text *t, const char *name, size_t *at)
{
    aglm_rc rc = aglm_grow(&t->found, &t->cap, t->n_found + 1, sizeof *t->found, AGLM_SPACE_MAX);

    if (rc == AGLM_LIMIT)
        return aglm_text_fail(t, t->at, "a space has at most %d parameters", AGLM_SPACE_MAX);
    if (rc != AGLM_OK)
        return aglm_text_no_memory(t);
    *at = t->n_found++;
    t->found[*at] = (struct aglm_found){.name = name, .parent = t->parent, .when = t->when};
    return AGLM_OK;
}

/* The parameter just read may stand under another option of the same choice already. */
static aglm_rc join_branches(struct aglm_text *t, size_t at, size_t start)
{
    const struct aglm_found *new = &t->found[at];

    for (size_t i = 0; i < t->n_found; i++) {
        struct aglm_found *old = &t->found[i];
        if (i == at || strcmp(old->name, new->name) != 0)
            continue;
        bool same = at + 1 == t->n_found && new->parent >= 0 && old->parent == new->parent &&
                    old->when != new->when &&aglm_dist_equal(&old->dist, &new->dist) &&
                    aglm_prior_equal(&old->prior, &new->prior);
        if (!same)
            return aglm_text_fail(
                t, start,
                "the name is taken: it may stand under several options of one choice with "
                "the same domain; give others another name");
        old->when |= new->when;
        t->n_found--;
        return AGLM_OK;
    }
    if (aglm_space_find(t->space, t->param) >= 0)
        return aglm_text_fail(t, start, "the parameter is there twice");
    return AGLM_OK;
}

/* Hyperopt's label in front of the arguments. */
static aglm_rc read_label(struct aglm_text *t, bool hp, bool choice, const char **name)
{
    const char *label;
    size_t start = t->at;

    if (!hp || !aglm_text_at_quote(t))
        return AGLM_OK;
    aglm_rc rc = aglm_text_quoted(t, &label);
    if (rc != AGLM_OK)
        return rc;
    if (choice && (!aglm_text_take(t, ',') || !aglm_text_next_is(t, '['))) {
        t->at = start; /* an option that is quoted */
        return AGLM_OK;
    }
    if (*name && strcmp(*name, label) != 0)
        return aglm_text_fail(t, start, "the label '%.60s' is another name than \"%.60s\"", label,
                              *name);
    *name = label;
    return choice ? AGLM_OK : aglm_text_expect(t, ',', "behind the label");
}

/* word "(" ... ")"; *name: NULL until a label gives it. */
static aglm_rc read_domain(struct aglm_text *t, const char *word, size_t start, const char *name)
{
    bool hp = strncmp(word, "hp.", 3) == 0;
    bool choice = strcmp(hp ? word + 3 : word, "choice") == 0;
    const aglm_space_word *w = aglm_space_word_find(word);
    size_t at = 0;

    if (!choice && !w)
        return aglm_space_word_unknown(t, start, word);
    aglm_rc rc = aglm_text_expect(t, '(', "behind the word");
    if (rc == AGLM_OK)
        rc = read_label(t, hp, choice, &name);
    if (rc != AGLM_OK)
        return rc;
    if (!name)
        return aglm_text_fail(t, start, "the parameter has no name: write name=%s(...)", word);
    t->param = name;
    rc = new_found(t, name, &at);
    if (rc == AGLM_OK && choice)
        rc = read_choice(t, at);
    else if (rc == AGLM_OK)
        rc = aglm_space_word_read(t, w, &t->found[at]);
    return rc == AGLM_OK ? join_branches(t, at, start) : rc;
}

static aglm_rc read_item(struct aglm_text *t)
{
    const char *word;
    const char *name = NULL;
    char buf[16];

    t->param = NULL;
    aglm_text_skip(t);
    size_t start = t->at;
    aglm_rc rc = aglm_text_word(t, "a parameter's name", &word);
    if (rc == AGLM_OK && aglm_text_next_is(t, '=')) {
        t->at++;
        name = t->param = word;
        aglm_text_skip(t);
        start = t->at;
        rc = aglm_text_word(t, "a distribution", &word);
    } else if (rc == AGLM_OK && (strncmp(word, "hp.", 3) != 0 || !aglm_text_next_is(t, '('))) {
        t->param = word;
        rc = aglm_text_fail(t, t->at, "expected \"=\" behind the name, found %s",
                            aglm_text_what(t, buf));
    }
    return rc == AGLM_OK ? read_domain(t, word, start, name) : rc;
}

static void skip_separators(struct aglm_text *t)
{
    while (aglm_text_take(t, ',') || aglm_text_take(t, ';'))
        ;
}

/* Items up to `end` ('\0': the text's end), which is left there. */
static aglm_rc read_items(struct aglm_text *t, char end)
{
    size_t n = 0;

    for (skip_separators(t); t->at < t->n && !(end && t->s[t->at] == end); skip_separators(t)) {
        aglm_rc rc = read_item(t);
        if (rc != AGLM_OK)
            return rc;
        n++;
    }
    return n > 0 ? AGLM_OK : aglm_text_fail(t, t->at, "expected name=distribution, found nothing");
}

static aglm_rc add_found(struct aglm_text *t)
{
    aglm_rc rc = AGLM_OK;

    for (size_t i = 0; rc == AGLM_OK && i < t->n_found; i++) {
        const struct aglm_found *f = &t->found[i];
        const char *parent = f->parent >= 0 ? t->found[f->parent].name : NULL;
        rc = aglm_space_add(t->space, f->name, &f->dist, parent, f->when, t->err);
        if (rc == AGLM_OK && f->prior.kind != AGLM_PRIOR_NONE)
            rc = aglm_space_set_prior(t->space, t->space->n - 1, &f->prior, t->err);
    }
    return rc;
}

aglm_rc aglm_space_parse(aglm_space *s, const char *text, size_t len, aglm_error *err)
{
    struct aglm_text t;
    aglm_rc rc = aglm_text_init(&t, s, text, len, err);

    if (rc == AGLM_OK)
        rc = read_items(&t, '\0');
    if (rc == AGLM_OK)
        rc = add_found(&t);
    aglm_text_clear(&t);
    return rc;
}

/* ---- forbidden combinations ---- */

static aglm_rc take_relation(struct aglm_text *t, aglm_relation *out)
{
    char buf[16];

    aglm_text_skip(t);
    for (size_t n = 2; n > 0; n--) {
        if (t->at + n <= t->n && aglm_relation_parse(t->s + t->at, n, out)) {
            t->at += n;
            return AGLM_OK;
        }
    }
    return aglm_text_fail(t, t->at, "expected one of = != < <= > >=, found %s",
                          aglm_text_what(t, buf));
}

static aglm_rc find_choice(struct aglm_text *t, const aglm_dist *d, const aglm_choice *asked,
                           size_t at, double *out)
{
    for (size_t i = 0; i < d->n_choices; i++) {
        if (aglm_choice_equal(&d->choices[i], asked)) {
            *out = (double)i;
            return AGLM_OK;
        }
    }
    return aglm_text_fail(t, at, "that is none of the parameter's choices");
}

static bool is_number(const aglm_choice *c)
{
    return c->kind == AGLM_CHOICE_INT || c->kind == AGLM_CHOICE_FLOAT;
}

/* The right side: a value of the parameter, else another parameter. */
static aglm_rc read_right(struct aglm_text *t, aglm_space_term *term)
{
    const aglm_dist *d = &t->space->params[term->param].dist;
    bool order = term->relation != AGLM_EQUAL && term->relation != AGLM_NOT_EQUAL;
    aglm_choice literal;

    aglm_text_skip(t);
    size_t at = t->at;
    aglm_rc rc = take_literal(t, &literal);
    if (rc != AGLM_OK)
        return rc;
    term->value = literal.number;
    if (is_number(&literal) && (order || d->kind != AGLM_DIST_CHOICE))
        return AGLM_OK;
    term->other = literal.kind == AGLM_CHOICE_TEXT ? aglm_space_find(t->space, literal.text) : -1;
    if (d->kind == AGLM_DIST_CHOICE && !order && term->other < 0)
        return find_choice(t, d, &literal, at, &term->value);
    return term->other >= 0 ? AGLM_OK
                            : aglm_text_fail(t, at, "expected a number or another parameter");
}

static aglm_rc read_term(struct aglm_text *t, aglm_space_term *term)
{
    const char *name;

    t->param = NULL;
    aglm_text_skip(t);
    size_t at = t->at;
    aglm_rc rc = aglm_text_word(t, "a parameter's name", &name);
    if (rc != AGLM_OK)
        return rc;
    int param = aglm_space_find(t->space, name);
    if (param < 0)
        return aglm_text_fail(t, at, "there is no parameter \"%.60s\"", name);
    t->param = name;
    *term = (aglm_space_term){.param = (size_t)param, .other = -1};
    rc = take_relation(t, &term->relation);
    return rc == AGLM_OK ? read_right(t, term) : rc;
}

static aglm_rc read_clause(struct aglm_text *t)
{
    aglm_space_term terms[AGLM_SPACE_MAX_TERMS];
    size_t n = 0;
    char buf[16];
    aglm_rc rc = AGLM_OK;

    do {
        while (aglm_text_take(t, '&'))
            ;
        if (n == AGLM_SPACE_MAX_TERMS)
            return aglm_text_fail(t, t->at, "a combination has at most %d comparisons",
                                  AGLM_SPACE_MAX_TERMS);
        rc = read_term(t, &terms[n++]);
    } while (rc == AGLM_OK && aglm_text_next_is(t, '&'));
    if (rc != AGLM_OK)
        return rc;
    aglm_text_skip(t);
    if (t->at < t->n)
        return aglm_text_fail(t, t->at, "expected \"&\" or the end, found %s",
                              aglm_text_what(t, buf));
    return aglm_space_forbid(t->space, terms, n, t->err);
}

aglm_rc aglm_space_parse_forbidden(aglm_space *s, const char *text, size_t len, aglm_error *err)
{
    struct aglm_text t;
    aglm_rc rc = aglm_text_init(&t, s, text, len, err);

    if (rc == AGLM_OK)
        rc = read_clause(&t);
    aglm_text_clear(&t);
    return rc;
}
