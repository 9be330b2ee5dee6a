#include "search/study.h"

#include <math.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/memory.h"
#include "search/study_priv.h"

#define MAX_TRIALS (1u << 26)

void aglm_study_options_init(aglm_study_options *o)
{
    *o = (aglm_study_options){
        .directions = {AGLM_MINIMIZE},
        .n_directions = 1,
        .sampler = &aglm_sampler_tpe,
        .sampler_options = AGLM_SAMPLER_DEFAULTS,
        .pruner = &aglm_pruner_none,
        .pruner_options = AGLM_PRUNER_DEFAULTS,
        .retake = 1,
    };
}

static double wall_clock_s(void)
{
    struct timespec t;

    clock_gettime(CLOCK_REALTIME, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

aglm_rc aglm_study_reserve_flags(aglm_study *s, size_t n, aglm_error *err)
{
    size_t known = s->flags_cap;
    aglm_rc rc = aglm_grow(&s->flags, &s->flags_cap, n, sizeof *s->flags, MAX_TRIALS);

    if (s->flags_cap > known)
        memset(s->flags + known, 0, s->flags_cap - known);
    return rc == AGLM_OK ? rc : aglm_error_set(err, rc, "trial %zu: %s", n - 1, aglm_rc_text(rc));
}

/* The trial if it is there and in this state. */
static aglm_rc find(aglm_study *s, int64_t number, aglm_trial_state state, const aglm_trial **out,
                    aglm_error *err)
{
    *out = number < 0 ? NULL : aglm_history_trial(s->history, (size_t)number);
    if (!*out)
        return aglm_error_set(err, AGLM_NOTFOUND, "no trial %lld in study \"%s\"",
                              (long long)number, s->name);
    if ((*out)->state != state)
        return aglm_error_set(err, AGLM_INVALID, "trial %lld of study \"%s\" is not %s",
                              (long long)number, s->name,
                              state == AGLM_TRIAL_RUNNING ? "running" : "in that state");
    return AGLM_OK;
}

static size_t fill_params(const aglm_study *s, const double *x, aglm_param_row *out)
{
    size_t n = 0;

    for (size_t i = 0; i < s->space->n; i++) {
        if (!isnan(x[i]))
            out[n++] = (aglm_param_row){
                .name = s->space->params[i].name, .value = x[i], .distribution = s->dist_json[i]};
    }
    return n;
}

static aglm_rc told(aglm_study *s, int64_t number, aglm_error *err)
{
    const aglm_sampler_ops *ops = s->options.sampler;

    if (!ops->tell)
        return AGLM_OK;
    return ops->tell(s->sampler, aglm_history_trial(s->history, (size_t)number), err);
}

/* Active parameters that a queue of another program left open are drawn evenly, as Optuna does. */
static aglm_rc close_gaps(aglm_study *s, const aglm_trial *t, double *x, aglm_error *err)
{
    bool whole = true;
    aglm_rng rng;

    memcpy(x, t->x, s->space->n * sizeof *x);
    aglm_rng_init_stream(&rng, s->options.seed, (uint64_t)t->number);
    for (size_t i = 0; i < s->space->n; i++) {
        if (!aglm_space_active(s->space, x, i)) {
            x[i] = NAN;
        } else if (isnan(x[i])) {
            x[i] = aglm_space_draw(s->space, i, &rng);
            whole = false;
        }
    }
    if (whole)
        return AGLM_OK;
    return aglm_history_set_point(s->history, (size_t)t->number, x, err);
}

static const aglm_trial *find_claimed(const aglm_study *s, int64_t id)
{
    for (size_t i = aglm_history_size(s->history); i-- > 0;) {
        const aglm_trial *t = aglm_history_trial(s->history, i);
        if (t->id == id && !aglm_trial_finished(t))
            return t;
    }
    return NULL;
}

/* AGLM_DONE when no enqueued point waits. */
static aglm_rc ask_queue(aglm_study *s, int64_t *number, double *x, aglm_error *err)
{
    int64_t id;

    if (aglm_history_count(s->history, AGLM_TRIAL_WAITING) == 0)
        return AGLM_DONE;
    /* Points that other processes enqueued are taken in while they wait: then they are whole. */
    aglm_rc rc = aglm_study_catch_up(s, INT64_MAX, err);
    if (rc == AGLM_OK)
        rc = aglm_store_trial_claim(s->store, s->id, s->owner, &id, err);
    if (rc != AGLM_OK)
        return rc;
    const aglm_trial *t = find_claimed(s, id);
    if (!t && (rc = aglm_study_catch_up(s, INT64_MAX, err)) == AGLM_OK)
        t = find_claimed(s, id); /* enqueued between the two */
    if (rc != AGLM_OK)
        return rc;
    if (!t)
        return aglm_error_set(
            err, AGLM_BUSY, "study \"%s\": a claimed trial is gone; open the study anew", s->name);
    rc = close_gaps(s, t, x, err);
    if (rc != AGLM_OK)
        return rc;
    size_t n = fill_params(s, x, s->params);
    rc = aglm_store_trial_set_params(s->store, id, s->params, n, err);
    if (rc != AGLM_OK)
        return rc;
    *number = t->number;
    aglm_history_start(s->history, (size_t)t->number, wall_clock_s());
    return AGLM_OK;
}

/* A trial that was stored but could not be taken in is no use to anyone. */
static void drop(aglm_study *s, int64_t id)
{
    const aglm_trial_end end = {.state = AGLM_TRIAL_FAIL};

    (void)aglm_store_trial_finish(s->store, id, &end, NULL);
}

/* Takes a trial that was just stored into the history. Trials that other processes made meanwhile
 * come first. */
static aglm_rc take_new(aglm_study *s, const aglm_trial_row *row, const double *x, aglm_error *err)
{
    aglm_trial t = {.x = x, .loss = NAN, .violation = NAN, .started_s = NAN, .duration_s = NAN};
    aglm_rc rc = AGLM_OK;

    if (row->number != (int64_t)aglm_history_size(s->history))
        rc = aglm_study_catch_up(s, row->number, err);
    t.id = row->id;
    t.number = row->number;
    t.state = row->state;
    t.attrs = row->attrs;
    t.n_attrs = row->n_attrs;
    t.enqueued = row->state == AGLM_TRIAL_WAITING;
    if (row->state == AGLM_TRIAL_RUNNING)
        t.started_s = wall_clock_s();
    if (rc == AGLM_OK)
        rc = aglm_history_add(s->history, &t, err);
    if (rc != AGLM_OK)
        drop(s, row->id);
    return rc;
}

static aglm_rc add_trial(aglm_study *s, aglm_trial_row *row, const double *x, aglm_error *err)
{
    aglm_rc rc = aglm_study_reserve_flags(s, aglm_history_size(s->history) + 1, err);

    if (rc == AGLM_OK)
        rc = aglm_store_trial_new(s->store, s->id, row, 0, err);
    return rc == AGLM_OK ? take_new(s, row, x, err) : rc;
}

/* While the sampler waits for an answer others may tell, enqueue and take what is enqueued; nobody
 * else asks it. */
static aglm_rc ask_and_wait(aglm_study *s, int64_t next, double *x, aglm_error *err)
{
    const aglm_sampler_ops *ops = s->options.sampler;
    aglm_rc rc = ops->ask(s->sampler, next, x, err);

    while (rc == AGLM_BUSY && ops->wait) {
        pthread_mutex_unlock(&s->lock);
        ops->wait(s->sampler);
        pthread_mutex_lock(&s->lock);
        rc = ops->ask(s->sampler, next, x, err);
    }
    return rc;
}

static aglm_rc propose(aglm_study *s, double *x, aglm_error *err)
{
    int64_t next = (int64_t)aglm_history_size(s->history);
    aglm_rc rc = ask_and_wait(s, next, x, err);

    if (rc == AGLM_OK && !aglm_space_allowed(s->space, x)) {
        /* a sampler that knows nothing of forbidden combinations */
        aglm_rng rng;
        aglm_rng_init_stream(&rng, s->options.seed, (uint64_t)next);
        rc = aglm_history_fresh(s->history, &rng, x);
    }
    return rc;
}

/* Another worker has made the next trial: its point is known from now on. */
static aglm_rc take_others(aglm_study *s, aglm_error *err)
{
    size_t before = aglm_history_size(s->history);
    aglm_rc rc = aglm_study_catch_up(s, INT64_MAX, err);

    if (rc == AGLM_OK && aglm_history_size(s->history) == before)
        rc = aglm_error_set(err, AGLM_FORMAT,
                            "study \"%s\": the stored trial %zu has another number; restore a copy",
                            s->name, before);
    return rc;
}

/* A proposal holds for the history it was made from. When another worker was first, that one's
 * point is taken in, so that none is tried twice and a limit is kept to the trial. */
static aglm_rc ask_sampler(aglm_study *s, size_t most, int64_t *number, double *x, aglm_error *err)
{
    aglm_trial_row row = {.state = AGLM_TRIAL_RUNNING, .params = s->params};
    bool proposed = false;
    aglm_rc rc = AGLM_DONE;

    while (rc == AGLM_DONE) {
        if (aglm_study_count_points(s) >= most)
            return AGLM_DONE;
        if (!proposed || aglm_history_seen(s->history, x)) {
            size_t before = aglm_history_size(s->history);
            rc = propose(s, x, err);
            if (rc != AGLM_OK)
                return rc;
            proposed = true;
            rc = AGLM_DONE;
            if (aglm_history_size(s->history) != before)
                continue; /* made while the sampler waited */
        }
        rc = aglm_study_reserve_flags(s, aglm_history_size(s->history) + 1, err);
        if (rc != AGLM_OK)
            return rc;
        row.n_params = fill_params(s, x, s->params);
        if (s->options.sampler->notes)
            row.n_attrs = s->options.sampler->notes(s->sampler, &row.attrs);
        row.number = (int64_t)aglm_history_size(s->history);
        rc = aglm_store_trial_new_next(s->store, s->id, &row, s->owner, err);
        if (rc == AGLM_DONE) {
            aglm_rc taken = take_others(s, err);
            if (taken != AGLM_OK)
                return taken;
        }
    }
    if (rc == AGLM_OK)
        rc = take_new(s, &row, x, err);
    *number = row.number;
    return rc;
}

aglm_rc aglm_study_ask(aglm_study *s, int64_t *number, double *x, aglm_error *err)
{
    return aglm_study_ask_within(s, SIZE_MAX, number, x, err);
}

aglm_rc aglm_study_ask_within(aglm_study *s, size_t most, int64_t *number, double *x,
                              aglm_error *err)
{
    aglm_rc rc;

    pthread_mutex_lock(&s->lock);
    while ((rc = ask_queue(s, number, x, err)) == AGLM_DONE && s->asking)
        pthread_cond_wait(&s->asked, &s->lock);
    if (rc == AGLM_DONE) {
        s->asking = true;
        rc = ask_sampler(s, most, number, x, err);
        s->asking = false;
        pthread_cond_broadcast(&s->asked);
    }
    if (rc == AGLM_OK)
        rc = aglm_study_reserve_flags(s, (size_t)*number + 1, err);
    if (rc == AGLM_OK) {
        s->flags[*number] |= s->options.detached ? 0 : AGLM_STUDY_MINE;
        rc = told(s, *number, err);
    }
    pthread_mutex_unlock(&s->lock);
    return rc;
}

static aglm_rc report(aglm_study *s, int64_t number, int64_t step, double value, bool *prune,
                      aglm_error *err)
{
    const aglm_trial *t;
    bool stop = false;
    aglm_rc rc = find(s, number, AGLM_TRIAL_RUNNING, &t, err);

    if (rc == AGLM_OK)
        rc = aglm_history_report(s->history, (size_t)number, step, value, err);
    if (rc == AGLM_OK)
        rc = s->options.pruner->report(s->pruner, number, step, s->signs[0] * value, &stop, err);
    if (rc != AGLM_OK)
        return rc;
    s->flags[number] &= (uint8_t)~AGLM_STUDY_PRUNE;
    s->flags[number] |= stop ? AGLM_STUDY_PRUNE : 0;
    if (prune)
        *prune = stop;
    return AGLM_OK;
}

aglm_rc aglm_study_report(aglm_study *s, int64_t number, int64_t step, double value, bool *prune,
                          aglm_error *err)
{
    pthread_mutex_lock(&s->lock);
    aglm_rc rc = report(s, number, step, value, prune, err);
    pthread_mutex_unlock(&s->lock);
    return rc;
}

bool aglm_study_should_prune(aglm_study *s, int64_t number)
{
    pthread_mutex_lock(&s->lock);
    bool stop = number >= 0 && (size_t)number < s->flags_cap &&
                (s->flags[number] & AGLM_STUDY_PRUNE) != 0;
    pthread_mutex_unlock(&s->lock);
    return stop;
}

/* What is told may end as something else: NaN is no value, and a pruned trial's value is its last
 * report. */
static aglm_rc settle_result(const aglm_study *s, const aglm_trial *t, aglm_trial_end *end,
                             const char **reason, aglm_error *err)
{
    if (end->state == AGLM_TRIAL_RUNNING || end->state == AGLM_TRIAL_WAITING)
        return aglm_error_set(err, AGLM_INVALID, "trial %lld: told a state that ends nothing",
                              (long long)t->number);
    if (end->state == AGLM_TRIAL_PRUNED && end->n_values == 0 && t->n_steps > 0 &&
        s->options.n_directions == 1) {
        end->values = &t->steps[t->n_steps - 1].value;
        end->n_values = isnan(end->values[0]) ? 0 : 1;
    }
    size_t want = end->state == AGLM_TRIAL_COMPLETE || end->n_values > 0 ? s->options.n_directions
                                                                         : 0;
    if (end->state == AGLM_TRIAL_FAIL ? end->n_values != 0 : end->n_values != want)
        return aglm_error_set(err, AGLM_INVALID, "trial %lld: told %zu values, expected %zu",
                              (long long)t->number, end->n_values,
                              end->state == AGLM_TRIAL_FAIL ? 0 : want);
    for (size_t i = 0; i < end->n_values; i++) {
        if (isnan(end->values[i])) {
            *reason = "\"the value is not a number\"";
            end->state = AGLM_TRIAL_FAIL;
            end->n_values = 0;
        }
    }
    return AGLM_OK;
}

static aglm_rc tell(aglm_study *s, int64_t number, aglm_trial_end *end, aglm_error *err)
{
    const aglm_trial *t;
    const char *reason = NULL;
    aglm_rc rc = find(s, number, AGLM_TRIAL_RUNNING, &t, err);

    if (rc == AGLM_OK)
        rc = settle_result(s, t, end, &reason, err);
    if (rc == AGLM_OK && reason) {
        aglm_attr_row attr = {.key = AGLM_ATTR_FAIL_REASON, .json = reason, .system = true};
        rc = aglm_history_set_attr(s->history, (size_t)number, &attr, err);
    }
    if (rc != AGLM_OK)
        return rc;
    end->steps = t->steps;
    end->n_steps = t->n_steps;
    end->attrs = t->attrs;
    end->n_attrs = t->n_attrs;
    rc = aglm_store_trial_finish(s->store, t->id, end, err);
    if (rc == AGLM_INVALID && (s->flags[number] & AGLM_STUDY_MINE)) {
        aglm_rc ended = aglm_study_take_end(s, number, err);
        return ended == AGLM_OK ? rc : ended;
    }
    if (rc != AGLM_OK)
        return rc;
    rc = aglm_history_finish(s->history, (size_t)number, end->state, end->values, end->n_values,
                             fmax(wall_clock_s() - t->started_s, 0.0));
    if (rc != AGLM_OK)
        return aglm_error_set(err, rc, "trial %lld: %s", (long long)number, aglm_rc_text(rc));
    s->flags[number] &= (uint8_t)~AGLM_STUDY_MINE;
    return told(s, number, err);
}

aglm_rc aglm_study_tell(aglm_study *s, int64_t number, aglm_trial_state state, const double *values,
                        size_t n, aglm_error *err)
{
    aglm_trial_end end = {.state = state, .values = values, .n_values = n};

    pthread_mutex_lock(&s->lock);
    aglm_rc rc = tell(s, number, &end, err);
    pthread_mutex_unlock(&s->lock);
    return rc;
}

static aglm_rc set_trial_attr(aglm_study *s, int64_t number, const aglm_attr_row *attr,
                              aglm_error *err)
{
    const aglm_trial *t;
    aglm_rc rc = find(s, number, AGLM_TRIAL_RUNNING, &t, err);

    return rc == AGLM_OK ? aglm_history_set_attr(s->history, (size_t)number, attr, err) : rc;
}

aglm_rc aglm_study_set_system_attr(aglm_study *s, int64_t number, const aglm_attr_row *attr,
                                   aglm_error *err)
{
    pthread_mutex_lock(&s->lock);
    aglm_rc rc = set_trial_attr(s, number, attr, err);
    pthread_mutex_unlock(&s->lock);
    return rc;
}

aglm_rc aglm_study_set_violation(aglm_study *s, int64_t number, double violation, aglm_error *err)
{
    char value[40];
    char json[48];

    if (isnan(violation))
        return aglm_error_set(err, AGLM_INVALID, "trial %lld: the violation is not a number",
                              (long long)number);
    aglm_double_format(value, violation);
    if (isinf(violation)) /* as Python's json writes it */
        snprintf(value, sizeof value, "%s", violation > 0.0 ? "Infinity" : "-Infinity");
    snprintf(json, sizeof json, "[%s]", value);
    aglm_attr_row attr = {.key = AGLM_ATTR_CONSTRAINTS, .json = json, .system = true};
    pthread_mutex_lock(&s->lock);
    aglm_rc rc = set_trial_attr(s, number, &attr, err);
    if (rc == AGLM_OK)
        aglm_history_set_violation(s->history, (size_t)number, violation);
    pthread_mutex_unlock(&s->lock);
    return rc;
}

/* A waiting trial for a point, with an attribute beside the point's own; more NULL: none. */
static aglm_rc enqueue_point(aglm_study *s, const double *x, const aglm_attr_row *more,
                             int64_t *number, aglm_error *err)
{
    aglm_str fixed;
    aglm_json_writer w;
    aglm_attr_row attrs[2] = {{.key = AGLM_ATTR_FIXED, .system = true}};
    aglm_trial_row row = {.state = AGLM_TRIAL_WAITING, .attrs = attrs, .n_attrs = more ? 2 : 1};

    if (more)
        attrs[1] = *more;
    aglm_str_init(&fixed, 1u << 20);
    aglm_json_writer_init(&w, &fixed);
    w.python = true;
    aglm_point_write(s->space, x, &w);
    attrs[0].json = fixed.data;
    aglm_rc rc = fixed.rc != AGLM_OK ? aglm_error_set(err, fixed.rc, "a point to enqueue: %s",
                                                      aglm_rc_text(fixed.rc))
                                     : add_trial(s, &row, x, err);
    aglm_str_clear(&fixed);
    if (rc == AGLM_OK && number)
        *number = row.number;
    return rc;
}

aglm_rc aglm_study_enqueue_as(aglm_study *s, const double *x, int64_t retry_of, int64_t *number,
                              aglm_error *err)
{
    char retry[24];
    const aglm_attr_row of = {.key = AGLM_ATTR_RETRY_OF, .json = retry, .system = true};

    snprintf(retry, sizeof retry, "%lld", (long long)retry_of);
    return enqueue_point(s, x, retry_of < 0 ? NULL : &of, number, err);
}

aglm_rc aglm_study_enqueue_noted(aglm_study *s, const double *x, const aglm_attr_row *note,
                                 int64_t *number, aglm_error *err)
{
    double *point = aglm_calloc(s->space->n, sizeof *point);

    if (!point)
        return aglm_error_set(err, AGLM_NOMEM, "out of memory for a point");
    memcpy(point, x, s->space->n * sizeof *point);
    aglm_space_settle(s->space, point);
    aglm_rc rc = aglm_space_check(s->space, point, err);
    pthread_mutex_lock(&s->lock);
    if (rc == AGLM_OK && aglm_history_seen(s->history, point))
        rc = AGLM_DONE;
    if (rc == AGLM_OK)
        rc = enqueue_point(s, point, note, number, err);
    pthread_mutex_unlock(&s->lock);
    free(point);
    return rc;
}

aglm_rc aglm_study_enqueue(aglm_study *s, const double *x, int64_t *number, aglm_error *err)
{
    return aglm_study_enqueue_noted(s, x, NULL, number, err);
}

static aglm_rc check_attr(const char *key, const char *json, aglm_error *err)
{
    aglm_json_doc *doc = NULL;
    aglm_json_options options = {.origin = key, .allow_nonfinite = true};
    size_t len = strlen(key);

    if (len == 0 || len > AGLM_STORE_MAX_NAME)
        return aglm_error_set(err, AGLM_INVALID, "an attribute's key has 1 to %d bytes, not %zu",
                              AGLM_STORE_MAX_NAME, len);
    aglm_rc rc = aglm_json_parse(&doc, json, strlen(json), &options, err);
    aglm_json_free(doc);
    return rc;
}

aglm_rc aglm_study_set_attr(aglm_study *s, const char *key, const char *json, aglm_error *err)
{
    aglm_attr_row attr = {.key = key, .json = json};
    aglm_rc rc = check_attr(key, json, err);

    return rc == AGLM_OK ? aglm_store_study_set_attr(s->store, s->id, &attr, err) : rc;
}

aglm_rc aglm_study_set_trial_attr(aglm_study *s, int64_t number, const char *key, const char *json,
                                  aglm_error *err)
{
    aglm_attr_row attr = {.key = key, .json = json};
    aglm_rc rc = check_attr(key, json, err);

    if (rc != AGLM_OK)
        return rc;
    pthread_mutex_lock(&s->lock);
    rc = set_trial_attr(s, number, &attr, err);
    pthread_mutex_unlock(&s->lock);
    return rc;
}

aglm_rc aglm_study_attrs(aglm_study *s, aglm_arena *a, aglm_attr_row **out, size_t *n,
                         aglm_error *err)
{
    return aglm_store_study_attrs(s->store, s->id, a, out, n, err);
}

aglm_rc aglm_study_best_trial(aglm_study *s, aglm_arena *a, aglm_trial *out, aglm_error *err)
{
    if (s->options.n_directions > 1)
        return aglm_error_set(err, AGLM_INVALID,
                              "study \"%s\" has %zu objectives: it has a front of trials, not one "
                              "that is best",
                              s->name, s->options.n_directions);
    pthread_mutex_lock(&s->lock);
    const aglm_trial *best = aglm_history_best(s->history);
    aglm_rc rc = best ? aglm_trial_copy(out, best, s->space->n, a, err)
                      : aglm_error_set(err, AGLM_NOTFOUND, "study \"%s\" has no finished trial yet",
                                       s->name);
    pthread_mutex_unlock(&s->lock);
    return rc;
}

aglm_rc aglm_study_trial(aglm_study *s, int64_t number, aglm_arena *a, aglm_trial *out,
                         aglm_error *err)
{
    pthread_mutex_lock(&s->lock);
    const aglm_trial *t = number < 0 ? NULL : aglm_history_trial(s->history, (size_t)number);
    aglm_rc rc = t ? aglm_trial_copy(out, t, s->space->n, a, err)
                   : aglm_error_set(err, AGLM_NOTFOUND, "no trial %lld in study \"%s\"",
                                    (long long)number, s->name);
    pthread_mutex_unlock(&s->lock);
    return rc;
}

aglm_rc aglm_study_trials(aglm_study *s, aglm_arena *a, aglm_trial **out, size_t *n,
                          aglm_error *err)
{
    aglm_rc rc = AGLM_OK;

    pthread_mutex_lock(&s->lock);
    *n = aglm_history_size(s->history);
    *out = aglm_arena_array(a, *n, sizeof **out);
    if (!*out)
        rc = aglm_error_set(err, AGLM_NOMEM, "out of memory for %zu trials", *n);
    for (size_t i = 0; rc == AGLM_OK && i < *n; i++)
        rc = aglm_trial_copy(&(*out)[i], aglm_history_trial(s->history, i), s->space->n, a, err);
    pthread_mutex_unlock(&s->lock);
    return rc;
}

size_t aglm_study_count(aglm_study *s, aglm_trial_state state)
{
    pthread_mutex_lock(&s->lock);
    size_t n = aglm_history_count(s->history, state);
    pthread_mutex_unlock(&s->lock);
    return n;
}

size_t aglm_study_size(aglm_study *s)
{
    pthread_mutex_lock(&s->lock);
    size_t n = aglm_history_size(s->history);
    pthread_mutex_unlock(&s->lock);
    return n;
}
