#include "search/space_priv.h"

#include <assert.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/hash.h"
#include "base/memory.h"
#include "num/dense.h"
#include "search/normal.h"

#define MAX_TEXT_BYTES (1u << 26) /* names and choices of one space */
#define MAX_PARENT_CHOICES 64
#define MAX_NORMAL_DRAWS 1000

aglm_rc aglm_space_new(aglm_space **out, aglm_error *err)
{
    aglm_space *s = calloc(1, sizeof *s);
    struct aglm_space_memory *m = calloc(1, sizeof *m);

    *out = NULL;
    if (!s || !m) {
        free(s);
        free(m);
        return aglm_error_set(err, AGLM_NOMEM, "out of memory for a space");
    }
    aglm_arena_init(&m->arena, MAX_TEXT_BYTES);
    s->memory = m;
    *out = s;
    return AGLM_OK;
}

void aglm_space_free(aglm_space *s)
{
    if (!s)
        return;
    aglm_arena_clear(&s->memory->arena);
    free(s->memory->params);
    free(s->memory->clauses);
    free(s->memory);
    free(s);
}

int aglm_space_find(const aglm_space *s, const char *name)
{
    for (size_t i = 0; i < s->n; i++) {
        if (strcmp(s->params[i].name, name) == 0)
            return (int)i;
    }
    return -1;
}

static aglm_rc check_parent(const aglm_space *s, const char *name, const char *parent,
                            uint64_t when, int *index, aglm_error *err)
{
    *index = -1;
    if (!parent)
        return AGLM_OK;
    int at = aglm_space_find(s, parent);
    if (at < 0)
        return aglm_error_set(
            err, AGLM_INVALID,
            "parameter \"%s\": its condition names \"%s\", which is not there yet: "
            "add that one first",
            name, parent);
    const aglm_dist *d = &s->params[at].dist;
    if (d->kind != AGLM_DIST_CHOICE || d->n_choices > MAX_PARENT_CHOICES)
        return aglm_error_set(err, AGLM_INVALID,
                              "parameter \"%s\": \"%s\" has to be a choice of at most %d to carry "
                              "conditions",
                              name, parent, MAX_PARENT_CHOICES);
    uint64_t all = d->n_choices == 64 ? UINT64_MAX : (UINT64_C(1) << d->n_choices) - 1;
    if ((when & all) == 0 || (when & ~all) != 0)
        return aglm_error_set(
            err, AGLM_INVALID,
            "parameter \"%s\": the set of choices of \"%s\" is empty or names one "
            "of more than %zu",
            name, parent, d->n_choices);
    *index = at;
    return AGLM_OK;
}

static aglm_rc check_name(const aglm_space *s, const char *name, aglm_error *err)
{
    size_t len = strlen(name);

    if (len == 0 || len > AGLM_SPACE_NAME_MAX)
        return aglm_error_set(err, AGLM_INVALID, "a parameter's name has 1 to %d bytes, not %zu",
                              AGLM_SPACE_NAME_MAX, len);
    if (aglm_space_find(s, name) >= 0)
        return aglm_error_set(err, AGLM_INVALID, "parameter \"%s\" is there twice", name);
    if (s->n >= AGLM_SPACE_MAX)
        return aglm_error_set(err, AGLM_LIMIT, "parameter \"%s\": a space holds at most %d", name,
                              AGLM_SPACE_MAX);
    return AGLM_OK;
}

aglm_rc aglm_space_add(aglm_space *s, const char *name, const aglm_dist *dist, const char *parent,
                       uint64_t when, aglm_error *err)
{
    struct aglm_space_memory *m = s->memory;
    aglm_space_param p = {.when = parent ? when : 0};
    aglm_rc rc = check_name(s, name, err);

    if (rc == AGLM_OK)
        rc = check_parent(s, name, parent, when, &p.parent, err);
    if (rc == AGLM_OK)
        rc = aglm_dist_copy(&p.dist, dist, &m->arena, err);
    if (rc != AGLM_OK)
        return rc;
    p.name = aglm_arena_strdup(&m->arena, name);
    rc = p.name ? aglm_grow(&m->params, &m->cap, s->n + 1, sizeof *m->params, AGLM_SPACE_MAX)
                : AGLM_NOMEM;
    if (rc != AGLM_OK)
        return aglm_error_set(err, rc, "parameter \"%s\": %s", name, aglm_rc_text(rc));
    m->params[s->n] = p;
    s->params = m->params;
    s->n++;
    return AGLM_OK;
}

static bool holds(const aglm_space_param *p, double parent_value)
{
    return parent_value >= 0.0 && parent_value < 64.0 && (p->when >> (unsigned)parent_value & 1);
}

static bool prior_fits(const aglm_prior *p)
{
    switch (p->kind) {
    case AGLM_PRIOR_NONE:
        return true;
    case AGLM_PRIOR_UNIFORM:
        return isfinite(p->a) && isfinite(p->b) && p->a <= p->b;
    case AGLM_PRIOR_NORMAL:
        return isfinite(p->a) && isfinite(p->b) && p->b > 0.0;
    }
    return false;
}

aglm_rc aglm_space_set_prior(aglm_space *s, size_t i, const aglm_prior *prior, aglm_error *err)
{
    aglm_space_param *p = &s->memory->params[i];

    if (p->dist.kind == AGLM_DIST_CHOICE || !prior_fits(prior))
        return aglm_error_set(err, AGLM_INVALID,
                              "parameter \"%s\": the prior must be uniform with finite bounds or "
                              "normal with a deviation above 0, of a number",
                              p->name);
    p->prior = *prior;
    return AGLM_OK;
}

bool aglm_space_active(const aglm_space *s, const double *x, size_t i)
{
    for (int at = (int)i; s->params[at].parent >= 0; at = s->params[at].parent) {
        if (!holds(&s->params[at], x[s->params[at].parent]))
            return false;
    }
    return true;
}

void aglm_space_settle(const aglm_space *s, double *x)
{
    /* Parents come first, so one pass is enough: an inactive parent is NaN by then. */
    for (size_t i = 0; i < s->n; i++) {
        const aglm_space_param *p = &s->params[i];
        if (p->parent >= 0 && !holds(p, x[p->parent]))
            x[i] = NAN;
    }
}

aglm_rc aglm_space_check(const aglm_space *s, const double *x, aglm_error *err)
{
    for (size_t i = 0; i < s->n; i++) {
        const aglm_space_param *p = &s->params[i];
        if (!aglm_space_active(s, x, i)) {
            if (!isnan(x[i]))
                return aglm_error_set(err, AGLM_INVALID,
                                      "%s: has the value %.17g though \"%s\" makes it inactive",
                                      p->name, x[i], s->params[p->parent].name);
        } else if (!aglm_dist_contains(&p->dist, x[i])) {
            return aglm_error_set(err, AGLM_INVALID, "%s: %.17g is not in %.17g..%.17g%s", p->name,
                                  x[i], p->dist.low, p->dist.high,
                                  p->dist.step > 0.0 ? " on its step" : "");
        }
    }
    return aglm_space_check_clauses(s, x, err);
}

/* A value of the prior, before it is put on the lattice. */
static double draw_prior(const aglm_space_param *p, aglm_rng *rng)
{
    const aglm_prior *prior = &p->prior;
    double v;

    if (prior->kind == AGLM_PRIOR_UNIFORM) {
        v = prior->a + aglm_rng_uniform(rng) * (prior->b - prior->a);
        return prior->log ? aglm_exp(v) : v;
    }
    for (int i = 0; i < MAX_NORMAL_DRAWS; i++) {
        v = prior->a + prior->b * aglm_rng_normal(rng);
        v = prior->log ? aglm_exp(v) : v;
        if (v >= p->dist.low - p->dist.step / 2.0 && v <= p->dist.high + p->dist.step / 2.0)
            return v;
    }
    return aglm_dist_sample(&p->dist, rng); /* bounds far out in a tail */
}

double aglm_space_draw(const aglm_space *s, size_t i, aglm_rng *rng)
{
    const aglm_space_param *p = &s->params[i];

    if (p->prior.kind == AGLM_PRIOR_NONE)
        return aglm_dist_sample(&p->dist, rng);
    return aglm_dist_snap(&p->dist, draw_prior(p, rng));
}

static double normal_quantile(const aglm_space_param *p, double u)
{
    const aglm_prior *prior = &p->prior;
    double low = p->dist.low - p->dist.step / 2.0;
    double high = p->dist.high + p->dist.step / 2.0;

    if (prior->log) {
        low = low > 0.0 ? aglm_log(low) : -INFINITY;
        high = high > 0.0 ? aglm_log(high) : -INFINITY;
    }
    low = (low - prior->a) / prior->b;
    high = (high - prior->a) / prior->b;
    double v = low < high ? prior->a + prior->b * aglm_normal_cut_quantile(u, low, high) : prior->a;
    return prior->log ? aglm_exp(v) : v;
}

double aglm_space_quantile(const aglm_space *s, size_t i, double u)
{
    const aglm_space_param *p = &s->params[i];
    double v = p->prior.a + u * (p->prior.b - p->prior.a);

    if (p->prior.kind == AGLM_PRIOR_NONE)
        return aglm_dist_from_unit(&p->dist, u);
    if (p->prior.kind == AGLM_PRIOR_NORMAL)
        v = normal_quantile(p, u);
    else if (p->prior.log)
        v = aglm_exp(v);
    return aglm_dist_snap(&p->dist, v);
}

void aglm_space_sample(const aglm_space *s, aglm_rng *rng, double *x)
{
    for (size_t i = 0; i < s->n; i++) {
        const aglm_space_param *p = &s->params[i];
        bool active = p->parent < 0 || holds(p, x[p->parent]);
        x[i] = active ? aglm_space_draw(s, i, rng) : NAN;
    }
}

bool aglm_space_same(const aglm_space *s, const double *x, const double *y)
{
    for (size_t i = 0; i < s->n; i++) {
        if (!(x[i] == y[i] || (isnan(x[i]) && isnan(y[i]))))
            return false;
    }
    return true;
}

uint64_t aglm_space_hash(const aglm_space *s, const double *x)
{
    uint64_t h = s->n;

    /* Short chains of dependent steps, mixed well once at the end: it is asked thrice a trial. */

    for (size_t i = 0; i < s->n; i++) {
        double v = x[i] + 0.0; /* -0 becomes 0 */
        uint64_t u = 0x7FF8DEAD00000000ULL;
        if (!isnan(v))
            memcpy(&u, &v, sizeof u);
        h = (h ^ u) * 0x9E3779B97F4A7C15ULL;
        h ^= h >> 32;
    }
    return aglm_mix64(h);
}

/* Sizes are counted up to one over the cap: 0 stands for "endless". */
static uint64_t times(uint64_t a, uint64_t b)
{
    return a == 0 || b == 0 || a > AGLM_SPACE_MAX_SIZE / b ? 0 : a * b;
}

static uint64_t subtree_size(const aglm_space *s, size_t i);

/* Points of everything that choice c of parameter i makes active. */
static uint64_t branch_size(const aglm_space *s, size_t i, size_t c)
{
    uint64_t n = 1;

    for (size_t j = i + 1; j < s->n && n > 0; j++) {
        if (s->params[j].parent == (int)i && holds(&s->params[j], (double)c))
            n = times(n, subtree_size(s, j));
    }
    return n;
}

static bool is_parent(const aglm_space *s, size_t i)
{
    for (size_t j = i + 1; j < s->n; j++) {
        if (s->params[j].parent == (int)i)
            return true;
    }
    return false;
}

static uint64_t subtree_size(const aglm_space *s, size_t i)
{
    uint64_t n = aglm_dist_count(&s->params[i].dist);

    if (n > AGLM_SPACE_MAX_SIZE)
        return 0;
    if (!is_parent(s, i))
        return n;
    n = 0;
    for (size_t c = 0; c < s->params[i].dist.n_choices; c++) {
        uint64_t branch = branch_size(s, i, c);
        n += branch;
        if (branch == 0 || n > AGLM_SPACE_MAX_SIZE)
            return 0;
    }
    return n;
}

uint64_t aglm_space_size(const aglm_space *s)
{
    uint64_t n = 1;

    for (size_t i = 0; i < s->n && n > 0; i++) {
        if (s->params[i].parent < 0)
            n = times(n, subtree_size(s, i));
    }
    return n;
}

static void set_subtree(const aglm_space *s, size_t i, uint64_t at, double *x);

static void set_branch(const aglm_space *s, size_t i, size_t c, uint64_t at, double *x)
{
    for (size_t j = s->n; j-- > i + 1;) {
        if (s->params[j].parent != (int)i || !holds(&s->params[j], (double)c))
            continue;
        uint64_t n = subtree_size(s, j);
        assert(n > 0); /* only spaces that can be counted are listed */
        set_subtree(s, j, at % n, x);
        at /= n;
    }
}

static void set_subtree(const aglm_space *s, size_t i, uint64_t at, double *x)
{
    if (!is_parent(s, i)) {
        x[i] = aglm_dist_at(&s->params[i].dist, at);
        return;
    }
    size_t c = 0;
    for (uint64_t n; (n = branch_size(s, i, c)) <= at; c++)
        at -= n;
    x[i] = (double)c;
    set_branch(s, i, c, at, x);
}

void aglm_space_at(const aglm_space *s, uint64_t i, double *x)
{
    for (size_t j = 0; j < s->n; j++)
        x[j] = NAN;
    for (size_t j = s->n; j-- > 0;) {
        if (s->params[j].parent >= 0)
            continue;
        uint64_t n = subtree_size(s, j);
        assert(n > 0);
        set_subtree(s, j, i % n, x);
        i /= n;
    }
}

static void describe_prior(const aglm_prior *p, aglm_str *out)
{
    if (p->kind == AGLM_PRIOR_NORMAL)
        aglm_str_printf(out, "  drawn %s mean %.6g deviation %.6g",
                        p->log ? "log-normal" : "normal", p->a, p->b);
    else if (p->kind == AGLM_PRIOR_UNIFORM)
        aglm_str_printf(out, "  drawn %s %.6g..%.6g, rounded", p->log ? "exp of" : "from", p->a,
                        p->b);
}

static void describe_condition(const aglm_space *s, const aglm_space_param *p, aglm_str *out)
{
    const aglm_space_param *parent = &s->params[p->parent];
    const char *gap = "";
    char value[128];

    aglm_str_printf(out, "  when %s in (", parent->name);
    for (size_t c = 0; c < parent->dist.n_choices; c++) {
        if (!holds(p, (double)c))
            continue;
        aglm_dist_format(&parent->dist, (double)c, value, sizeof value);
        aglm_str_printf(out, "%s%s", gap, value);
        gap = ", ";
    }
    aglm_str_putc(out, ')');
}

static void describe_dist(const aglm_dist *d, aglm_str *out)
{
    char value[128];

    if (d->kind != AGLM_DIST_CHOICE) {
        aglm_str_puts(out, d->kind == AGLM_DIST_INT ? "int " : "float ");
        aglm_dist_format(d, d->low, value, sizeof value);
        aglm_str_printf(out, "%s..", value);
        aglm_dist_format(d, d->high, value, sizeof value);
        aglm_str_puts(out, value);
        if (d->step != (d->kind == AGLM_DIST_INT ? 1.0 : 0.0))
            aglm_str_printf(out, " step %.6g", d->step);
        aglm_str_puts(out, d->log ? " log" : "");
        return;
    }
    aglm_str_puts(out, "choice (");
    for (size_t c = 0; c < d->n_choices; c++) {
        aglm_dist_format(d, (double)c, value, sizeof value);
        aglm_str_printf(out, "%s%s", c ? ", " : "", value);
    }
    aglm_str_putc(out, ')');
}

void aglm_space_describe(const aglm_space *s, aglm_str *out)
{
    for (size_t i = 0; i < s->n; i++) {
        aglm_str_printf(out, "%s  ", s->params[i].name);
        describe_dist(&s->params[i].dist, out);
        describe_prior(&s->params[i].prior, out);
        if (s->params[i].parent >= 0)
            describe_condition(s, &s->params[i], out);
        aglm_str_putc(out, '\n');
    }
    for (size_t i = 0; i < s->n_forbidden; i++) {
        aglm_str_puts(out, "forbidden  ");
        aglm_clause_describe(s, &s->forbidden[i], out);
        aglm_str_putc(out, '\n');
    }
}

static void differ(const aglm_space_param *stored, const aglm_space_param *asked, aglm_error *why)
{
    aglm_str a;
    aglm_str b;

    aglm_str_init(&a, 4096);
    aglm_str_init(&b, 4096);
    describe_dist(&stored->dist, &a);
    describe_dist(&asked->dist, &b);
    if (aglm_dist_equal(&stored->dist, &asked->dist))
        aglm_error_set(why, AGLM_INVALID,
                       "%s: stored with another condition or prior than asked for", asked->name);
    else
        aglm_error_set(why, AGLM_INVALID, "%s: stored as %.180s, asked for as %.180s", asked->name,
                       a.data, b.data);
    aglm_str_clear(&a);
    aglm_str_clear(&b);
}

bool aglm_prior_equal(const aglm_prior *a, const aglm_prior *b)
{
    return a->kind == b->kind && a->log == b->log && a->a == b->a && a->b == b->b;
}

bool aglm_space_equal(const aglm_space *stored, const aglm_space *asked, aglm_error *why)
{
    for (size_t i = 0; i < stored->n && i < asked->n; i++) {
        const aglm_space_param *a = &stored->params[i];
        const aglm_space_param *b = &asked->params[i];
        if (strcmp(a->name, b->name) != 0) {
            aglm_error_set(why, AGLM_INVALID, "parameter %zu: stored as %s, asked for as %s", i,
                           a->name, b->name);
            return false;
        }
        if (a->parent != b->parent || a->when != b->when || !aglm_dist_equal(&a->dist, &b->dist) ||
            !aglm_prior_equal(&a->prior, &b->prior)) {
            differ(a, b, why);
            return false;
        }
    }
    if (stored->n != asked->n) {
        bool more = asked->n > stored->n;
        aglm_error_set(why, AGLM_INVALID, "%s: only in the space %s",
                       more ? asked->params[stored->n].name : stored->params[asked->n].name,
                       more ? "asked for" : "stored");
        return false;
    }
    return aglm_space_same_clauses(stored, asked, why);
}

/* The choices of a parent that the stored space knows; none when it does not have the parent. */
static uint64_t known_choices(const aglm_space *stored, const char *parent)
{
    int at = aglm_space_find(stored, parent);

    if (at < 0)
        return 0;
    size_t n = stored->params[at].dist.n_choices;
    return n >= 64 ? UINT64_MAX : (UINT64_C(1) << n) - 1;
}

/* Is it active at no point that the stored space knows? */
static bool is_new_branch(const aglm_space *stored, const aglm_space *asked, size_t i)
{
    const aglm_space_param *p = &asked->params[i];

    return p->parent >= 0 && (p->when & known_choices(stored, asked->params[p->parent].name)) == 0;
}

/* Parameter a of the stored space, b of the one asked for: the same, or grown? */
static bool param_grown(const aglm_space *stored, const aglm_space *asked,
                        const aglm_space_param *a, const aglm_space_param *b)
{
    if (!aglm_dist_grown(&a->dist, &b->dist) || !aglm_prior_equal(&a->prior, &b->prior) ||
        (a->parent < 0) != (b->parent < 0))
        return false;
    if (a->parent < 0)
        return true;
    const char *parent = stored->params[a->parent].name;
    return strcmp(parent, asked->params[b->parent].name) == 0 &&
           (b->when & known_choices(stored, parent)) == a->when;
}

bool aglm_space_grown(const aglm_space *stored, const aglm_space *asked, aglm_error *why)
{
    size_t at = 0;

    for (size_t i = 0; i < asked->n; i++) {
        const aglm_space_param *b = &asked->params[i];
        const aglm_space_param *a = at < stored->n ? &stored->params[at] : NULL;
        if (a && strcmp(a->name, b->name) == 0) {
            at++;
            if (param_grown(stored, asked, a, b))
                continue;
            differ(a, b, why);
            return false;
        }
        if (aglm_space_find(stored, b->name) < 0 && is_new_branch(stored, asked, i))
            continue;
        aglm_error_set(why, AGLM_INVALID, "%s: %s", b->name,
                       a ? "stored in another place" : "only in the space asked for");
        return false;
    }
    if (at < stored->n) {
        aglm_error_set(why, AGLM_INVALID, "%s: only in the space stored", stored->params[at].name);
        return false;
    }
    return aglm_space_same_clauses(stored, asked, why);
}
