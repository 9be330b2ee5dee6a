#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/memory.h"
#include "search/study_priv.h"

#define DEFAULT_TRIALS 100
#define MAX_SPACE_BYTES (1u << 26)
#define MAX_STEPS (1u << 20)
#define MAX_REASON (1u << 12)
#define NAMING_STREAM UINT64_C(0x6E616D696E67) /* apart from the sampler's */

/* The loop. Its study is opened anew whenever a trial has named something: spaces do not change
 * under an open study. */
struct definer {
    aglm_study_options options;
    const char *name;
    aglm_store *store;
    aglm_space *space;
    aglm_study *study; /* NULL while the space is empty */
    aglm_define_objective objective;
    void *arg;
};

struct aglm_trial_run {
    struct definer *d;
    int64_t number;
    aglm_space *grown; /* the study's space and what this trial named; NULL: nothing new */
    double *x;         /* [n] of the space with what was named */
    size_t n, cap;
    aglm_rng rng; /* for what the sampler does not know */
    aglm_step_row *steps;
    size_t n_steps, steps_cap;
    aglm_rc rc;
    aglm_error error;
};

/* ---- naming ---- */

static const aglm_space *space_of(const aglm_trial_run *t)
{
    return t->grown ? t->grown : t->d->space;
}

static aglm_rc copy_space(aglm_space **out, const aglm_space *s, aglm_error *err)
{
    aglm_str text;

    aglm_str_init(&text, MAX_SPACE_BYTES);
    aglm_space_write(s, &text);
    aglm_rc rc = text.rc == AGLM_OK
                     ? aglm_space_read(out, text.data, text.len, err)
                     : aglm_error_set(err, text.rc, "a space: %s", aglm_rc_text(text.rc));
    aglm_str_clear(&text);
    return rc;
}

static aglm_rc name_new(aglm_trial_run *t, const char *name, const aglm_dist *d)
{
    aglm_rc rc = t->grown ? AGLM_OK : copy_space(&t->grown, t->d->space, &t->error);

    if (rc == AGLM_OK)
        rc = aglm_grow(&t->x, &t->cap, t->n + 1, sizeof *t->x, AGLM_SPACE_MAX);
    if (rc == AGLM_OK)
        rc = aglm_space_add(t->grown, name, d, NULL, 0, &t->error);
    if (rc == AGLM_OK)
        t->x[t->n++] = aglm_dist_sample(d, &t->rng);
    return rc;
}

static aglm_rc check_known(const aglm_space_param *p, const aglm_dist *d, aglm_error *err)
{
    char low[40];
    char high[40];

    if (aglm_dist_equal(&p->dist, d))
        return AGLM_OK;
    aglm_dist_format(&p->dist, p->dist.low, low, sizeof low);
    aglm_dist_format(&p->dist, p->dist.high, high, sizeof high);
    return aglm_error_set(err, AGLM_INVALID,
                          "%s: named with another domain than before (%.39s..%.39s%s): a "
                          "parameter's domain stays the same in a study",
                          p->name, low, high, p->dist.log ? ", log" : "");
}

/* *value: of the trial's point; what a queue left open is drawn. */
static aglm_rc suggest(aglm_trial_run *t, const char *name, const aglm_dist *d, double *value)
{
    int at = aglm_space_find(space_of(t), name);
    aglm_rc rc = AGLM_OK;

    if (at < 0) {
        rc = name_new(t, name, d);
        at = (int)t->n - 1;
    } else {
        rc = check_known(&space_of(t)->params[at], d, &t->error);
    }
    if (rc != AGLM_OK)
        return rc;
    if (isnan(t->x[at]))
        t->x[at] = aglm_dist_sample(d, &t->rng);
    *value = t->x[at];
    return AGLM_OK;
}

double aglm_trial_suggest_float(aglm_trial_run *t, const char *name, double low, double high,
                                bool log)
{
    double value = low;
    aglm_dist d;

    if (t->rc == AGLM_OK)
        t->rc = aglm_dist_float(&d, low, high, 0.0, log, &t->error);
    if (t->rc == AGLM_OK)
        t->rc = suggest(t, name, &d, &value);
    return value;
}

int64_t aglm_trial_suggest_int(aglm_trial_run *t, const char *name, int64_t low, int64_t high,
                               bool log)
{
    double value = 0.0;
    aglm_dist d;

    if (t->rc == AGLM_OK)
        t->rc = aglm_dist_int(&d, (double)low, (double)high, 1.0, log, &t->error);
    if (t->rc == AGLM_OK)
        t->rc = suggest(t, name, &d, &value);
    return t->rc == AGLM_OK ? (int64_t)value : low;
}

size_t aglm_trial_suggest_choice(aglm_trial_run *t, const char *name, const char *const *choices,
                                 size_t n)
{
    double value = 0.0;
    aglm_arena arena;
    aglm_dist d;

    aglm_arena_init(&arena, MAX_SPACE_BYTES);
    if (t->rc == AGLM_OK)
        t->rc = aglm_dist_texts(&d, choices, n, &arena, &t->error);
    if (t->rc == AGLM_OK)
        t->rc = suggest(t, name, &d, &value);
    aglm_arena_clear(&arena);
    return t->rc == AGLM_OK ? (size_t)value : 0;
}

int64_t aglm_trial_number(const aglm_trial_run *t)
{
    return t->number;
}

aglm_rc aglm_trial_failure(const aglm_trial_run *t, aglm_error *err)
{
    if (t->rc != AGLM_OK && err)
        *err = t->error;
    return t->rc;
}

bool aglm_trial_report(aglm_trial_run *t, int64_t step, double value)
{
    bool prune = false;

    if (t->rc != AGLM_OK)
        return false;
    if (t->d->study) {
        t->rc = aglm_study_report(t->d->study, t->number, step, value, &prune, &t->error);
        return prune;
    }
    /* the first trial of all has no study yet */
    t->rc = aglm_grow(&t->steps, &t->steps_cap, t->n_steps + 1, sizeof *t->steps, MAX_STEPS);
    if (t->rc == AGLM_OK)
        t->steps[t->n_steps++] = (aglm_step_row){step, value};
    return false;
}

/* ---- one trial ---- */

static aglm_rc open_study(struct definer *d, aglm_error *err)
{
    return aglm_study_open(&d->study, d->store, d->name, d->space, &d->options, err);
}

static aglm_rc begin(struct definer *d, aglm_trial_run *t, aglm_error *err)
{
    *t = (aglm_trial_run){.d = d, .n = d->space->n};
    aglm_rc rc = aglm_grow(&t->x, &t->cap, t->n + 1, sizeof *t->x, AGLM_SPACE_MAX + 1);
    if (rc != AGLM_OK)
        return aglm_error_set(err, rc, "a trial: %s", aglm_rc_text(rc));
    if (d->study)
        rc = aglm_study_ask(d->study, &t->number, t->x, err);
    aglm_rng_init_stream(&t->rng, d->options.seed ^ NAMING_STREAM, (uint64_t)t->number);
    return rc;
}

/* What the trial named goes to its row before it ends. */
static aglm_rc store_named(const struct definer *d, const aglm_trial_run *t, aglm_error *err)
{
    aglm_arena arena;
    aglm_trial stored;
    aglm_str json;

    aglm_arena_init(&arena, MAX_SPACE_BYTES);
    aglm_str_init(&json, MAX_SPACE_BYTES);
    aglm_rc rc = aglm_study_trial(d->study, t->number, &arena, &stored, err);
    for (size_t i = d->space->n; rc == AGLM_OK && i < t->n; i++) {
        aglm_str_reset(&json);
        aglm_dist_write(&t->grown->params[i].dist, &json);
        const aglm_param_row row = {t->grown->params[i].name, t->x[i], json.data};
        rc = json.rc == AGLM_OK
                 ? aglm_store_trial_set_params(d->store, stored.id, &row, 1, err)
                 : aglm_error_set(err, json.rc, "a trial: %s", aglm_rc_text(json.rc));
    }
    aglm_str_clear(&json);
    aglm_arena_clear(&arena);
    return rc;
}

/* The study goes on, or begins, with what the trial named. */
static aglm_rc adopt_space(struct definer *d, aglm_trial_run *t, aglm_error *err)
{
    aglm_study_close(d->study);
    d->study = NULL;
    aglm_space_free(d->space);
    d->space = t->grown;
    t->grown = NULL;
    return open_study(d, err);
}

/* The first trial of all becomes one of the study that it made. */
static aglm_rc enter_first(struct definer *d, aglm_trial_run *t, aglm_error *err)
{
    if (!t->grown)
        return t->rc != AGLM_OK
                   ? aglm_trial_failure(t, err)
                   : aglm_error_set(err, AGLM_INVALID, "the objective named no parameter");
    aglm_rc rc = adopt_space(d, t, err);
    if (rc == AGLM_OK)
        rc = aglm_study_enqueue(d->study, t->x, NULL, err);
    if (rc == AGLM_OK)
        rc = aglm_study_ask(d->study, &t->number, t->x, err);
    for (size_t i = 0; rc == AGLM_OK && i < t->n_steps; i++)
        rc = aglm_study_report(d->study, t->number, t->steps[i].step, t->steps[i].value, NULL, err);
    return rc;
}

static aglm_rc keep_reason(struct definer *d, const aglm_trial_run *t, aglm_rc verdict,
                           aglm_error *err)
{
    aglm_json_writer w;
    aglm_str s;

    aglm_str_init(&s, MAX_REASON);
    aglm_json_writer_init(&w, &s);
    aglm_json_put_text(&w, t->rc != AGLM_OK ? t->error.msg : aglm_rc_text(verdict));
    aglm_rc rc = s.rc == AGLM_OK
                     ? aglm_study_set_trial_attr(d->study, t->number, "error", s.data, err)
                     : AGLM_OK;
    aglm_str_clear(&s);
    return rc;
}

static aglm_rc end(struct definer *d, aglm_trial_run *t, aglm_rc verdict, double value,
                   aglm_error *err)
{
    bool ok = verdict >= AGLM_OK && t->rc == AGLM_OK;
    aglm_trial_state state = !ok                      ? AGLM_TRIAL_FAIL
                             : verdict == AGLM_PRUNED ? AGLM_TRIAL_PRUNED
                                                      : AGLM_TRIAL_COMPLETE;
    aglm_rc rc = AGLM_OK;

    if (!d->study)
        rc = enter_first(d, t, err);
    else if (t->grown)
        rc = store_named(d, t, err);
    if (rc == AGLM_OK && !ok)
        rc = keep_reason(d, t, verdict, err);
    if (rc == AGLM_OK)
        rc = aglm_study_tell(d->study, t->number, state, &value, state == AGLM_TRIAL_COMPLETE, err);
    return rc == AGLM_OK && t->grown ? adopt_space(d, t, err) : rc;
}

static aglm_rc run_trial(struct definer *d, aglm_error *err)
{
    aglm_trial_run t;
    double value = NAN;
    aglm_rc rc = begin(d, &t, err);

    if (rc == AGLM_OK) {
        aglm_rc verdict = d->objective(d->arg, &t, &value);
        rc = end(d, &t, verdict, value, err);
    }
    aglm_space_free(t.grown);
    free(t.steps);
    free(t.x);
    return rc;
}

/* ---- the loop ---- */

static bool wanted(struct definer *d, const aglm_study_limits *l, uint64_t start_ns)
{
    int64_t best = -1;
    bool below;

    if (l->timeout_s > 0.0 && aglm_clock_since_s(start_ns) >= l->timeout_s)
        return false;
    if (!d->study)
        return true;
    if (l->trials > 0 && aglm_study_points(d->study) >= (size_t)l->trials)
        return false;
    if (aglm_study_regret_below(d->study, l->regret, &below, NULL) == AGLM_OK && below)
        return false;
    if (l->stagnation == 0 || aglm_study_best(d->study, &best, NULL, NULL, NULL) != AGLM_OK)
        return true;
    return aglm_study_size(d->study) - (size_t)best <= l->stagnation;
}

/* A study that is stored already goes on with the space that it has. */
static aglm_rc find_space(struct definer *d, aglm_error *err)
{
    aglm_study_row row;
    aglm_rc rc = aglm_stored_study(d->store, d->name, &row, NULL);

    if (rc == AGLM_NOTFOUND)
        return aglm_space_new(&d->space, err);
    if (rc != AGLM_OK)
        return aglm_stored_study(d->store, d->name, &row, err);
    rc = aglm_study_stored_space(d->store, row.id, &d->space, err);
    return rc == AGLM_OK ? open_study(d, err) : rc;
}

static aglm_rc check_call(const aglm_study_config *c, const aglm_study_limits *l, aglm_error *err)
{
    if (c->space || c->n_forbid > 0)
        return aglm_error_set(err, AGLM_INVALID,
                              "space: here the objective names the parameters itself");
    if (l->jobs > 1 || l->retries > 0)
        return aglm_error_set(err, AGLM_UNSUPPORTED,
                              "an objective that names its parameters runs one trial at a time, "
                              "without retries");
    if (l->trials < 0 || !(l->timeout_s >= 0.0))
        return aglm_error_set(err, AGLM_INVALID, "trials and timeout_s must not be below zero");
    return AGLM_OK;
}

aglm_rc aglm_study_define_with(aglm_study **out, const aglm_study_config *c,
                               const aglm_define_call *call, aglm_error *err)
{
    const aglm_study_limits standard = {.trials = DEFAULT_TRIALS};
    const aglm_study_limits *l = call->limits ? call->limits : &standard;
    struct definer d = {
        .name = c->name ? c->name : "study", .objective = call->objective, .arg = call->arg};
    uint64_t start_ns = aglm_clock_ns();

    *out = NULL;
    aglm_rc rc = check_call(c, l, err);
    if (rc == AGLM_OK)
        rc = aglm_study_config_options(&d.options, c, call->outside, err);
    d.options.grows = true;
    if (rc == AGLM_OK)
        rc = aglm_store_open(&d.store, c->storage ? c->storage : "memory", err);
    if (rc == AGLM_OK)
        rc = find_space(&d, err);
    while (rc == AGLM_OK && wanted(&d, l, start_ns))
        rc = run_trial(&d, err);
    if (rc >= AGLM_OK && d.study) {
        d.study->own_space = d.space;
        d.study->own_store = d.store;
        *out = d.study;
        return AGLM_OK;
    }
    aglm_study_close(d.study);
    aglm_space_free(d.space);
    aglm_store_close(d.store);
    return rc < AGLM_OK ? rc : aglm_error_set(err, AGLM_NOTFOUND, "no trial was run");
}
