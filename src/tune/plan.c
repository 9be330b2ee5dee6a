#include "tune/plan.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/hash.h"
#include "base/utf8.h"
#include "tune/learners.h"

#define NAME_MAX_BYTES 64

static bool is_listed(const char *only, const char *name)
{
    size_t n = strlen(name);

    for (const char *s = only; s && *s; s += strcspn(s, ","), s += *s == ',')
        if (strcspn(s, ",") == n && strncmp(s, name, n) == 0)
            return true;
    return !only;
}

static aglm_rc check_only(const char *only, aglm_error *err)
{
    char name[NAME_MAX_BYTES];

    if (only && !*only)
        return aglm_error_set(err, AGLM_INVALID, "--learners: the list is empty");
    for (const char *s = only; s && *s; s += strcspn(s, ","), s += *s == ',') {
        snprintf(name, sizeof name, "%.*s", (int)strcspn(s, ","), s);
        if (!aglm_learner_find(name))
            return aglm_error_set(err, AGLM_INVALID, "--learners: there is no learner \"%s\"",
                                  name);
    }
    return AGLM_OK;
}

/* Those listed that can learn from such data, with their parameters. */
static aglm_rc choose_learners(aglm_plan *p, const aglm_data_shape *shape, const char *only,
                               aglm_error *err)
{
    size_t n = 0;
    const aglm_learner_ops *const *all = aglm_learners(&n);

    for (size_t i = 0; i < n && p->n_learners < AGLM_PLAN_MAX_LEARNERS; i++) {
        size_t l = p->n_learners;
        if (!is_listed(only, all[i]->name) ||
            (p->n_params[l] = all[i]->space(shape, p->params[l])) == 0)
            continue;
        aglm_rc rc = all[i]->ready ? all[i]->ready(err) : AGLM_OK;
        if (rc != AGLM_OK)
            return rc;
        p->learners[p->n_learners++] = all[i];
    }
    if (p->n_learners == 0)
        return aglm_error_set(err, AGLM_INVALID, "--learners %.60s: learns from %s only",
                              only ? only : "", shape->tabular ? "texts" : "tables");
    return AGLM_OK;
}

static aglm_rc add_learner_choice(aglm_plan *p, aglm_error *err)
{
    const char *names[AGLM_PLAN_MAX_LEARNERS];
    aglm_arena arena;
    aglm_dist dist;

    for (size_t i = 0; i < p->n_learners; i++)
        names[i] = p->learners[i]->name;
    aglm_arena_init(&arena, 1 << 16);
    aglm_rc rc = aglm_dist_texts(&dist, names, p->n_learners, &arena, err);
    if (rc == AGLM_OK)
        rc = aglm_space_add(p->space, "learner", &dist, NULL, 0, err);
    aglm_arena_clear(&arena);
    return rc;
}

static aglm_rc make_dist(aglm_dist *dist, const aglm_hparam *h, aglm_arena *arena, aglm_error *err)
{
    switch (h->kind) {
    case AGLM_HPARAM_FLOAT:
        return aglm_dist_float(dist, h->low, h->high, h->step, h->log, err);
    case AGLM_HPARAM_INT:
        return aglm_dist_int(dist, h->low, h->high, h->step > 0 ? h->step : 1, h->log, err);
    case AGLM_HPARAM_CHOICE:
        return aglm_dist_texts(dist, h->choices, h->n_choices, arena, err);
    }
    return AGLM_INVALID;
}

static aglm_rc add_param(aglm_plan *p, size_t learner, const aglm_hparam *h, aglm_error *err)
{
    const char *prefix = p->learners[learner]->name;
    char name[NAME_MAX_BYTES], parent[NAME_MAX_BYTES];
    aglm_arena arena;
    aglm_dist dist;

    snprintf(name, sizeof name, "%s.%s", prefix, h->name);
    snprintf(parent, sizeof parent, "%s.%s", prefix, h->when ? h->when : "");
    aglm_arena_init(&arena, 1 << 16);
    aglm_rc rc = make_dist(&dist, h, &arena, err);
    if (rc == AGLM_OK && h->when)
        rc = aglm_space_add(p->space, name, &dist, parent, h->when_choices, err);
    else if (rc == AGLM_OK)
        rc = aglm_space_add(p->space, name, &dist, "learner", 1ULL << learner, err);
    aglm_arena_clear(&arena);
    return rc;
}

aglm_rc aglm_plan_init(aglm_plan *p, const aglm_data_shape *shape, const char *only,
                       aglm_error *err)
{
    aglm_rc rc;

    memset(p, 0, sizeof *p);
    if ((rc = check_only(only, err)) != AGLM_OK ||
        (rc = choose_learners(p, shape, only, err)) != AGLM_OK)
        return rc;
    if ((rc = aglm_space_new(&p->space, err)) != AGLM_OK ||
        (rc = add_learner_choice(p, err)) != AGLM_OK)
        goto fail;
    for (size_t l = 0; l < p->n_learners; l++) {
        p->first[l] = p->space->n;
        for (size_t i = 0; i < p->n_params[l]; i++)
            if ((rc = add_param(p, l, &p->params[l][i], err)) != AGLM_OK)
                goto fail;
    }
    return AGLM_OK;
fail:
    aglm_plan_clear(p);
    return rc;
}

void aglm_plan_clear(aglm_plan *p)
{
    aglm_space_free(p->space);
    memset(p, 0, sizeof *p);
}

aglm_data_shape aglm_plan_shape(const aglm_dataset *d)
{
    aglm_data_shape shape = {
        .docs = aglm_dataset_size(d),
        .labels = aglm_dataset_n_labels(d),
        .multi_label = aglm_dataset_task(d) == AGLM_TASK_MULTILABEL,
        .tabular = aglm_dataset_schema(d) != NULL,
        .regression = aglm_dataset_task(d) == AGLM_TASK_REGRESSION,
    };
    uint64_t cjk = 0, other = 0;

    for (size_t i = 0; i < shape.docs; i++) {
        aglm_doc doc = aglm_dataset_doc(d, i);
        for (size_t at = 0; at < doc.len; shape.chars++) {
            uint32_t cp;
            at += aglm_utf8_decode(doc.text + at, doc.len - at, &cp);
            cjk += aglm_cp_is_cjk(cp);
            other += !aglm_cp_is_cjk(cp) && !aglm_cp_is_space(cp) && !aglm_cp_is_punct(cp) &&
                     !aglm_cp_is_digit(cp);
        }
    }
    shape.mean_chars = shape.docs ? (double)shape.chars / (double)shape.docs : 0;
    shape.share_cjk = cjk + other ? (double)cjk / (double)(cjk + other) : 0;
    return shape;
}

struct override {
    const char *name;
    double value;
};

#define OVERRIDES_MAX 6

/* A learner's defaults with some parameters set otherwise: settings that were each best by
 * cross-validation on several of the nine sets in docs/benchmarks.md, and differ enough to be worth
 * blending. */
static const struct variation {
    const char *learner;
    struct override set[OVERRIDES_MAX];
} VARIATIONS[] = {
    {"linear", {{"weight", 0}}},
    {"linear", {{"weight", 0}, {"chars", 2}, {"char_span", 0}, {"min_df", 2}, {"prefix_n", 0}}},
    {"linear", {{"loss", 1}, {"c", 10}}},
    {"linear", {{"weight", 4}}},
    {"trees",
     {{"n_estimators", 300}, {"max_depth", 6}, {"learning_rate", 0.05}, {"colsample", 0.5}}},
    {"trees",
     {{"kind", 1},
      {"max_depth", 10},
      {"n_estimators", 200},
      {"lambda", 1e-3},
      {"min_child_weight", 0.1},
      {"colsample", 0.4}}},
    {"trees", {{"n_estimators", 300}, {"max_depth", 2}, {"learning_rate", 0.2}}},
};

#define N_VARIATIONS (sizeof VARIATIONS / sizeof *VARIATIONS)

static size_t find_learner(const aglm_plan *p, const char *name)
{
    size_t l = 0;

    while (l < p->n_learners && strcmp(p->learners[l]->name, name) != 0)
        l++;
    return l;
}

static void apply(const aglm_plan *p, size_t learner, const struct override *set, double *x)
{
    for (size_t i = 0; i < OVERRIDES_MAX && set[i].name; i++)
        for (size_t k = 0; k < p->n_params[learner]; k++)
            if (strcmp(p->params[learner][k].name, set[i].name) == 0)
                x[p->first[learner] + k] = aglm_dist_snap(
                    &p->space->params[p->first[learner] + k].dist, set[i].value);
}

bool aglm_plan_start(const aglm_plan *p, size_t i, double *x)
{
    size_t learner = i;

    if (i >= p->n_learners + N_VARIATIONS)
        return false;
    if (i >= p->n_learners)
        learner = find_learner(p, VARIATIONS[i - p->n_learners].learner);
    for (size_t l = 0; l < p->n_learners; l++)
        for (size_t k = 0; k < p->n_params[l]; k++)
            x[p->first[l] + k] = p->params[l][k].start;
    if (learner == p->n_learners) /* a variation of a learner that is left out: its place is a
                                     repeated start */
        learner = 0;
    else if (i >= p->n_learners)
        apply(p, learner, VARIATIONS[i - p->n_learners].set, x);
    x[0] = (double)learner;
    aglm_space_settle(p->space, x);
    return true;
}

static uint64_t kind_of(const aglm_plan *p, size_t learner, const double *x)
{
    uint64_t kind = aglm_mix64(learner + 1);

    for (size_t k = 0; k < p->n_params[learner]; k++) {
        double v = x[p->first[learner] + k];
        if (p->params[learner][k].tells_apart && !isnan(v))
            kind = aglm_mix64(kind ^ (k << 32) ^ (uint64_t)v);
    }
    return kind;
}

aglm_candidate aglm_plan_candidate(const aglm_plan *p, const double *x, uint64_t seed,
                                   int64_t number)
{
    size_t l = (size_t)x[0];
    aglm_candidate c = {
        .learner = p->learners[l],
        .seed = aglm_mix64(seed ^ aglm_mix64((uint64_t)number + 0x9e3779b97f4a7c15ULL)),
        .kind = kind_of(p, l, x),
    };

    memcpy(c.values, x + p->first[l], p->n_params[l] * sizeof *x);
    return c;
}
