#include <math.h>
#include <stdio.h>
#include <string.h>

#include "search/space_text_priv.h"

#define MAX_NUMBERS 3
#define TAIL_SIGMAS 4.0

static aglm_rc check_interval(struct aglm_text *t, const aglm_text_number *v)
{
    if (v[0].v > v[1].v)
        return aglm_text_fail(t, v[0].at, "low %.12g is over high %.12g: swap them", v[0].v,
                              v[1].v);
    return AGLM_OK;
}

static aglm_rc check_over_zero(struct aglm_text *t, const aglm_text_number *v, const char *what)
{
    if (!(v->v > 0.0))
        return aglm_text_fail(t, v->at, "%s must be over 0, not %.12g", what, v->v);
    return AGLM_OK;
}

static aglm_rc make_uniform(struct aglm_text *t, const aglm_space_word *w,
                            const aglm_text_number *v, size_t n, struct aglm_found *out)
{
    double q = n > 2 ? v[2].v : 0.0;
    aglm_rc rc = check_interval(t, v);

    if (rc == AGLM_OK && w->log && !(v[0].v > 0.0))
        return aglm_text_fail(
            t, v[0].at, "low %.12g must be over 0 on a log scale (hp.%s takes exponents instead)",
            v[0].v, w->name);
    if (rc == AGLM_OK && n > 2)
        rc = check_over_zero(t, &v[2], "q");
    if (rc != AGLM_OK)
        return rc;
    if (w->log && q > 0.0)
        out->prior = (aglm_prior){AGLM_PRIOR_UNIFORM, true, log(v[0].v), log(v[1].v)};
    return aglm_text_made(
        t, v[0].at, aglm_dist_float(&out->dist, v[0].v, v[1].v, q, w->log && q == 0.0, t->err));
}

static aglm_rc make_int(struct aglm_text *t, const aglm_space_word *w, const aglm_text_number *v,
                        size_t n, struct aglm_found *out)
{
    aglm_rc rc = check_interval(t, v);

    for (size_t i = 0; rc == AGLM_OK && i < n; i++) {
        if (v[i].v != floor(v[i].v) || fabs(v[i].v) > AGLM_DIST_MAX_INT)
            rc = aglm_text_fail(t, v[i].at, "%.17g must be a whole number within 2^53", v[i].v);
    }
    if (rc == AGLM_OK && w->log && !(v[0].v > 0.0))
        rc = aglm_text_fail(t, v[0].at, "low %.12g must be at least 1 on a log scale", v[0].v);
    if (rc == AGLM_OK && n > 2)
        rc = check_over_zero(t, &v[2], "step");
    if (rc != AGLM_OK)
        return rc;
    return aglm_text_made(
        t, v[0].at,
        aglm_dist_int(&out->dist, v[0].v, v[1].v, n > 2 ? v[2].v : 1.0, w->log, t->err));
}

struct bounds {
    double low, high, q;
};

/* Bounds (of the logarithm where w->log) and q as a distribution: rounded to multiples of q as
 * Hyperopt rounds. */
static aglm_rc make_bounds(struct aglm_text *t, const aglm_space_word *w, const aglm_text_number *v,
                           struct bounds b, struct aglm_found *out)
{
    double low = w->log ? exp(b.low) : b.low;
    double high = w->log ? exp(b.high) : b.high;
    double q = b.q;

    if (!isfinite(low) || !isfinite(high))
        return aglm_text_fail(t, v[0].at,
                              "exp of %.12g, %.12g is over the range of numbers: %s takes "
                              "exponents, as log(0.1) = -2.3",
                              v[0].v, v[1].v, w->name);
    if (q > 0.0) {
        low = nearbyint(low / q) * q;
        high = nearbyint(high / q) * q;
    }
    if (q == 0.0 && w->log && !(low > 0.0))
        return aglm_text_fail(t, v[0].at, "exp of %.12g is too small for a number above 0", v[0].v);
    return aglm_text_made(t, v[0].at,
                          aglm_dist_float(&out->dist, low, high, q, w->log && q == 0.0, t->err));
}

static aglm_rc make_hp_uniform(struct aglm_text *t, const aglm_space_word *w,
                               const aglm_text_number *v, size_t n, struct aglm_found *out)
{
    double q = n > 2 ? v[2].v : 0.0;
    aglm_rc rc = check_interval(t, v);

    if (rc == AGLM_OK && n > 2)
        rc = check_over_zero(t, &v[2], "q");
    if (rc == AGLM_OK)
        rc = make_bounds(t, w, v, (struct bounds){v[0].v, v[1].v, q}, out);
    if (rc == AGLM_OK && q > 0.0)
        out->prior = (aglm_prior){AGLM_PRIOR_UNIFORM, w->log, v[0].v, v[1].v};
    return rc;
}

static aglm_rc make_normal(struct aglm_text *t, const aglm_space_word *w, const aglm_text_number *v,
                           size_t n, struct aglm_found *out)
{
    double tail = TAIL_SIGMAS * v[1].v;
    aglm_rc rc = check_over_zero(t, &v[1], "sigma");

    if (rc == AGLM_OK && n > 2)
        rc = check_over_zero(t, &v[2], "q");
    if (rc == AGLM_OK)
        rc = make_bounds(t, w, v,
                         (struct bounds){v[0].v - tail, v[0].v + tail, n > 2 ? v[2].v : 0.0}, out);
    if (rc == AGLM_OK)
        out->prior = (aglm_prior){AGLM_PRIOR_NORMAL, w->log, v[0].v, v[1].v};
    return rc;
}

static aglm_rc make_randint(struct aglm_text *t, const aglm_space_word *w,
                            const aglm_text_number *v, size_t n, struct aglm_found *out)
{
    aglm_text_number low = n > 1 ? v[0] : (aglm_text_number){0.0, v[0].at};
    aglm_text_number ends[2] = {low, v[n - 1]};

    if (ends[1].v == floor(ends[1].v) && !(ends[1].v > low.v))
        return aglm_text_fail(t, ends[1].at,
                              "the upper end %.12g is left out, so it must be over %.12g",
                              ends[1].v, low.v);
    ends[1].v -= 1.0;
    return make_int(t, w, ends, 2, out);
}

static aglm_rc make_uniformint(struct aglm_text *t, const aglm_space_word *w,
                               const aglm_text_number *v, size_t n, struct aglm_found *out)
{
    aglm_text_number ends[2] = {v[0], v[1]};
    aglm_rc rc = check_interval(t, v);

    (void)n;
    ends[0].v = nearbyint(v[0].v);
    ends[1].v = nearbyint(v[1].v);
    if (rc == AGLM_OK)
        rc = make_int(t, w, ends, 2, out);
    out->prior = (aglm_prior){AGLM_PRIOR_UNIFORM, false, v[0].v, v[1].v};
    return rc;
}

static const aglm_space_word words[] = {
    {"uniform", "low,high", 2, 2, false, make_uniform},
    {"quniform", "low,high,q", 3, 3, false, make_uniform},
    {"loguniform", "low,high", 2, 2, true, make_uniform},
    {"qloguniform", "low,high,q", 3, 3, true, make_uniform},
    {"int", "low,high[,step]", 2, 3, false, make_int},
    {"logint", "low,high", 2, 2, true, make_int},
    {"normal", "mu,sigma", 2, 2, false, make_normal},
    {"qnormal", "mu,sigma,q", 3, 3, false, make_normal},
    {"lognormal", "mu,sigma", 2, 2, true, make_normal},
    {"qlognormal", "mu,sigma,q", 3, 3, true, make_normal},
    {"hp.uniform", "low,high", 2, 2, false, make_hp_uniform},
    {"hp.quniform", "low,high,q", 3, 3, false, make_hp_uniform},
    {"hp.loguniform", "low,high", 2, 2, true, make_hp_uniform},
    {"hp.qloguniform", "low,high,q", 3, 3, true, make_hp_uniform},
    {"hp.normal", "mu,sigma", 2, 2, false, make_normal},
    {"hp.qnormal", "mu,sigma,q", 3, 3, false, make_normal},
    {"hp.lognormal", "mu,sigma", 2, 2, true, make_normal},
    {"hp.qlognormal", "mu,sigma,q", 3, 3, true, make_normal},
    {"hp.randint", "[low,]upper", 1, 2, false, make_randint},
    {"hp.uniformint", "low,high", 2, 2, false, make_uniformint},
};

static aglm_rc take_number(struct aglm_text *t, aglm_text_number *out)
{
    const char *bare;
    char buf[16];
    size_t n = aglm_text_bare(t, &bare);

    out->at = (size_t)(bare - t->s);
    if (n == 0)
        return aglm_text_fail(t, t->at, "expected a number, found %s", aglm_text_what(t, buf));
    if (!aglm_double_parse(bare, n, &out->v))
        return aglm_text_fail(t, out->at, "\"%.*s\" is no number", (int)(n > 60 ? 60 : n), bare);
    if (!isfinite(out->v))
        return aglm_text_fail(t, out->at, "\"%.*s\" is not finite", (int)(n > 60 ? 60 : n), bare);
    return AGLM_OK;
}

/* number { "," number } ")" */
aglm_rc aglm_space_word_read(struct aglm_text *t, const aglm_space_word *w, struct aglm_found *out)
{
    aglm_text_number v[MAX_NUMBERS];
    size_t n = 0;
    aglm_rc rc = AGLM_OK;

    do {
        if (n == w->most)
            return aglm_text_fail(t, t->at, "%s takes (%s): no more than %zu", w->name, w->form,
                                  w->most);
        rc = take_number(t, &v[n++]);
    } while (rc == AGLM_OK && aglm_text_take(t, ','));
    if (rc == AGLM_OK)
        rc = aglm_text_expect(t, ')', "behind the numbers");
    if (rc == AGLM_OK && n < w->least)
        rc = aglm_text_fail(t, t->at - 1, "%s takes (%s): %zu %s given", w->name, w->form, n,
                            n == 1 ? "number is" : "numbers are");
    return rc == AGLM_OK ? w->make(t, w, v, n, out) : rc;
}

aglm_rc aglm_space_word_unknown(struct aglm_text *t, size_t start, const char *word)
{
    char names[400] = "";
    size_t used = 0;
    bool hp = strncmp(word, "hp.", 3) == 0;

    for (size_t i = 0; i < sizeof words / sizeof *words; i++) {
        if (hp == (strncmp(words[i].name, "hp.", 3) == 0))
            used += (size_t)snprintf(names + used, sizeof names - used, "%s, ", words[i].name);
    }
    return aglm_text_fail(t, start, "\"%.60s\" is no distribution: expected %s%s", word, names,
                          hp ? "hp.choice" : "choice, or hp. and a word of Hyperopt");
}

const aglm_space_word *aglm_space_word_find(const char *name)
{
    for (size_t i = 0; i < sizeof words / sizeof *words; i++) {
        if (strcmp(words[i].name, name) == 0)
            return &words[i];
    }
    return NULL;
}
