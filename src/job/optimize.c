#include "job/optimize.h"

#include <math.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "base/pool.h"

#define MAX_PARAMS_TEXT (1u << 20)
#define MAX_BEST_BYTES ((size_t)1 << 26)

struct aglm_optimizer {
    const aglm_optimize_options *o;
    aglm_optimize_result *result;
    uint64_t start_ns;
    aglm_cancel cancel; /* the caller's, and the deadline */
    pthread_mutex_t
        turn; /* to ask, which may take a strategy's time: who waits sees a stop first */
    pthread_mutex_t lock; /* of what follows */
    bool stopping;        /* nothing more is asked */
    size_t since_best;
    int64_t best_number;
    double best_value;
    aglm_rc rc;
    aglm_error error;
};

struct trial {
    aglm_attempt attempt;
    char *params;
    int64_t last_step;
    uint64_t start_ns;
};

/* ---- events ---- */

static char *params_text(const aglm_space *space, const double *x)
{
    aglm_json_writer w;
    aglm_str s;

    aglm_str_init(&s, MAX_PARAMS_TEXT);
    aglm_json_writer_init(&w, &s);
    aglm_point_write(space, x, &w);
    char *text = aglm_str_take(&s);
    aglm_str_clear(&s);
    return text;
}

static void emit(struct aglm_optimizer *r, aglm_optimize_event *e)
{
    if (!r->o->on_event)
        return;
    pthread_mutex_lock(&r->lock);
    e->elapsed_s = aglm_clock_since_s(r->start_ns);
    e->finished = aglm_study_count(r->o->study, AGLM_TRIAL_COMPLETE) +
                  aglm_study_count(r->o->study, AGLM_TRIAL_PRUNED);
    e->best_number = r->best_number;
    e->best_value = r->best_value;
    r->o->on_event(r->o->event_arg, e);
    pthread_mutex_unlock(&r->lock);
}

static aglm_optimize_event event_of(const struct trial *t, aglm_optimize_event_kind kind)
{
    return (aglm_optimize_event){.kind = kind,
                                 .number = t->attempt.number,
                                 .state = AGLM_TRIAL_RUNNING,
                                 .step = t->last_step,
                                 .value = NAN,
                                 .params = t->params};
}

bool aglm_attempt_report(const aglm_attempt *a, int64_t step, double value)
{
    struct trial *t = (struct trial *)(uintptr_t)a; /* its first member */
    aglm_optimize_event e = event_of(t, AGLM_OPTIMIZE_TRIAL_REPORT);
    bool prune = false;

    if (step <= t->last_step ||
        aglm_study_report(a->study, a->number, step, value, &prune, NULL) != AGLM_OK)
        return false;
    e.step = t->last_step = step;
    e.value = value;
    emit(a->optimizer, &e);
    return prune;
}

/* ---- the best so far, and the rules that stop ---- */

static void stop(struct aglm_optimizer *r, aglm_optimize_stop why)
{
    if (!r->stopping)
        r->result->stop = why;
    r->stopping = true;
}

/* Of the whole study, other workers' trials included. */
static aglm_rc read_best(struct aglm_optimizer *r, aglm_error *err)
{
    aglm_arena arena;
    aglm_trial best;

    if (aglm_study_objectives(r->o->study) > 1)
        return AGLM_OK;
    aglm_arena_init(&arena, MAX_BEST_BYTES);
    aglm_rc rc = aglm_study_best_trial(r->o->study, &arena, &best, err);
    if (rc == AGLM_OK) {
        r->best_number = best.number;
        r->best_value = best.n_values ? best.values[0] : NAN;
    }
    aglm_arena_clear(&arena);
    return rc == AGLM_NOTFOUND ? AGLM_OK : rc;
}

static bool reached(const struct aglm_optimizer *r)
{
    double target = r->o->target;

    if (isnan(target) || r->best_number < 0)
        return false;
    return r->o->maximize ? r->best_value >= target : r->best_value <= target;
}

/* Work was cut off: that is why the run ends, whatever else was about to end it. */
static void note_interrupt(struct aglm_optimizer *r)
{
    r->stopping = true;
    r->result->stop = aglm_cancel_requested(r->o->cancel) ? AGLM_STOP_CANCELLED : AGLM_STOP_TIME;
}

/* Under the lock; *leads: this trial is the new best. */
static aglm_rc note_end(struct aglm_optimizer *r, int64_t number, const aglm_verdict *v,
                        bool *leads, aglm_error *err)
{
    int64_t before = r->best_number;

    r->result->complete += v->state == AGLM_TRIAL_COMPLETE;
    r->result->pruned += v->state == AGLM_TRIAL_PRUNED;
    r->result->failed += v->state == AGLM_TRIAL_FAIL;
    if (v->interrupted)
        note_interrupt(r);
    if (v->state == AGLM_TRIAL_FAIL) {
        snprintf(r->result->last_reason, sizeof r->result->last_reason, "%s", v->reason);
        return AGLM_OK;
    }
    aglm_rc rc = read_best(r, err);
    bool news = r->best_number != before;
    *leads = r->best_number == number;
    if (aglm_study_objectives(r->o->study) > 1)
        *leads = news = aglm_study_extends_front(r->o->study, number);
    r->since_best = news ? 0 : r->since_best + 1;
    if (reached(r))
        stop(r, AGLM_STOP_TARGET);
    if (r->o->stagnation && r->since_best >= r->o->stagnation)
        stop(r, AGLM_STOP_STAGNATION);
    bool below = false;
    if (rc == AGLM_OK)
        rc = aglm_study_regret_below(r->o->study, r->o->regret, &below, err);
    if (below)
        stop(r, AGLM_STOP_REGRET);
    return rc;
}

/* The first failure that no other trial would be spared. */
static void fail_run(struct aglm_optimizer *r, aglm_rc rc, const aglm_error *err)
{
    pthread_mutex_lock(&r->lock);
    if (r->rc == AGLM_OK) {
        r->rc = rc;
        r->error = *err;
    }
    r->stopping = true;
    pthread_mutex_unlock(&r->lock);
    aglm_cancel_stop(&r->cancel);
}

/* ---- one trial ---- */

static void keep_text(const aglm_attempt *a, const char *key, const char *text)
{
    aglm_json_writer w;
    aglm_str s;

    aglm_str_init(&s, 1u << 16);
    aglm_json_writer_init(&w, &s);
    aglm_json_put_text(&w, text);
    if (s.rc == AGLM_OK)
        (void)aglm_study_set_trial_attr(a->study, a->number, key, s.data, NULL);
    aglm_str_clear(&s);
}

/* A value that is not a number fails the trial as the study would, but with its output. */
static void settle(aglm_verdict *v)
{
    for (size_t i = 0; v->state == AGLM_TRIAL_COMPLETE && i < v->n_values; i++) {
        if (isnan(v->values[i])) {
            v->state = AGLM_TRIAL_FAIL;
            snprintf(v->reason, sizeof v->reason, "the value is not a number");
        }
    }
}

static aglm_rc tell(struct aglm_optimizer *r, struct trial *t, aglm_verdict *v, aglm_error *err)
{
    const aglm_attempt *a = &t->attempt;
    size_t n = v->state == AGLM_TRIAL_COMPLETE ? v->n_values : 0;

    if (v->state == AGLM_TRIAL_FAIL) {
        keep_text(a, "error", v->reason);
        if (*v->output)
            keep_text(a, "output", v->output);
    }
    if (n > 0 && !isnan(v->violation))
        (void)aglm_study_set_violation(a->study, a->number, v->violation, NULL);
    if (n > 0 && v->n_scores > 0)
        (void)aglm_study_set_scores(a->study, a->number, v->scores, v->n_scores, NULL);
    aglm_rc rc = aglm_study_tell(a->study, a->number, v->state, v->values, n, err);
    if (rc == AGLM_INVALID && v->state == AGLM_TRIAL_COMPLETE) {
        /* another number of values than the study has objectives */
        v->state = AGLM_TRIAL_FAIL;
        snprintf(v->reason, sizeof v->reason, "%s", err->msg);
        keep_text(a, "error", v->reason);
        rc = aglm_study_tell(a->study, a->number, v->state, NULL, 0, err);
    }
    if (rc == AGLM_DONE) {
        v->state = AGLM_TRIAL_FAIL;
        snprintf(v->reason, sizeof v->reason,
                 "another worker took this one for dead and ended the trial");
        return AGLM_OK;
    }
    if (rc != AGLM_OK || v->state != AGLM_TRIAL_FAIL)
        return rc;
    unsigned most = v->interrupted ? UINT32_MAX : r->o->retries;
    rc = most ? aglm_study_retry(a->study, a->number, most, err) : AGLM_OK;
    return rc == AGLM_DONE ? AGLM_OK : rc;
}

static void end_trial(struct aglm_optimizer *r, struct trial *t, aglm_verdict *v)
{
    aglm_error err = {0};
    bool leads = false;

    settle(v);
    aglm_rc rc = tell(r, t, v, &err);
    pthread_mutex_lock(&r->lock);
    if (rc == AGLM_OK)
        rc = note_end(r, t->attempt.number, v, &leads, &err);
    pthread_mutex_unlock(&r->lock);
    if (rc != AGLM_OK)
        fail_run(r, rc, &err);
    aglm_optimize_event e = event_of(t, AGLM_OPTIMIZE_TRIAL_END);
    e.state = v->state;
    if (v->state == AGLM_TRIAL_COMPLETE) {
        e.value = v->values[0];
        e.values = v->values;
        e.n_values = v->n_values;
    }
    e.duration_s = aglm_clock_since_s(t->start_ns);
    e.reason = v->state == AGLM_TRIAL_FAIL ? v->reason : NULL;
    emit(r, &e);
    if (leads) {
        e.kind = AGLM_OPTIMIZE_BEST;
        emit(r, &e);
    }
}

static void run_trial(struct aglm_optimizer *r, int64_t number, const double *x)
{
    const aglm_optimize_options *o = r->o;
    struct trial t = {.attempt = {o->study, o->space, number, x, &r->cancel, r},
                      .params = params_text(o->space, x),
                      .last_step = -1,
                      .start_ns = aglm_clock_ns()};
    aglm_verdict v = {.state = AGLM_TRIAL_FAIL, .violation = NAN};
    aglm_error err = {0};

    aglm_optimize_event e = event_of(&t, AGLM_OPTIMIZE_TRIAL_START);
    emit(r, &e);
    aglm_rc rc = o->objective(o->arg, &t.attempt, &v, &err);
    if (rc < 0) {
        v = (aglm_verdict){.state = AGLM_TRIAL_FAIL, .violation = NAN};
        snprintf(v.reason, sizeof v.reason, "%s", err.msg);
    }
    end_trial(r, &t, &v);
    if (rc < 0)
        fail_run(r, rc, &err);
    free(t.params);
}

/* ---- the loop ---- */

/* Is another trial wanted? */
static bool wanted(struct aglm_optimizer *r)
{
    pthread_mutex_lock(&r->lock);
    if (!r->stopping && aglm_cancelled(&r->cancel))
        stop(r, aglm_cancel_requested(r->o->cancel) ? AGLM_STOP_CANCELLED : AGLM_STOP_TIME);
    bool wants = !r->stopping;
    pthread_mutex_unlock(&r->lock);
    return wants;
}

static void stop_made(struct aglm_optimizer *r, size_t most)
{
    bool all = aglm_study_points(r->o->study) >= most;

    pthread_mutex_lock(&r->lock);
    stop(r, all ? AGLM_STOP_TRIALS : AGLM_STOP_EXHAUSTED);
    pthread_mutex_unlock(&r->lock);
}

static bool all_made(const aglm_optimize_options *o)
{
    return o->trials > 0 && aglm_study_points(o->study) >= (size_t)o->trials &&
           aglm_study_count(o->study, AGLM_TRIAL_WAITING) == 0;
}

/* The next trial of all workers. AGLM_DONE: nothing is left to do, and why is noted. */
static aglm_rc ask(struct aglm_optimizer *r, int64_t *number, double *x, aglm_error *err)
{
    const aglm_optimize_options *o = r->o;
    size_t most = o->trials > 0 ? (size_t)o->trials : SIZE_MAX;
    aglm_rc rc = AGLM_OK;

    /* What the dead left undone comes back before the study is called done. */
    if (all_made(o))
        rc = aglm_study_take_over(o->study, err);
    if (rc == AGLM_OK)
        rc = all_made(o) ? AGLM_DONE : aglm_study_ask_within(o->study, most, number, x, err);
    if (rc == AGLM_DONE)
        stop_made(r, most);
    return rc;
}

/* False when there is nothing more to do here. */
static bool next_trial(struct aglm_optimizer *r, int64_t *number, double *x)
{
    aglm_error err = {0};

    pthread_mutex_lock(&r->turn);
    aglm_rc rc = wanted(r) ? aglm_study_sync(r->o->study, &err) : AGLM_DONE;
    if (rc == AGLM_OK)
        rc = ask(r, number, x, &err);
    pthread_mutex_unlock(&r->turn);
    if (rc < 0)
        fail_run(r, rc, &err);
    return rc == AGLM_OK;
}

static void work(void *arg, size_t worker)
{
    struct aglm_optimizer *r = arg;
    double *x = aglm_calloc(r->o->space->n, sizeof *x);
    int64_t number = -1;

    (void)worker;
    if (!x) {
        aglm_error err = {0};
        aglm_error_set(&err, AGLM_NOMEM, "out of memory for a worker");
        fail_run(r, AGLM_NOMEM, &err);
        return;
    }
    while (next_trial(r, &number, x))
        run_trial(r, number, x);
    free(x);
}

static aglm_rc run_workers(struct aglm_optimizer *r, aglm_error *err)
{
    aglm_pool *pool = NULL;
    aglm_rc rc = aglm_pool_new(&pool, r->o->jobs, r->o->jobs, err);

    if (rc != AGLM_OK)
        return rc;
    rc = aglm_pool_for(pool, r->o->jobs, work, r, err);
    aglm_pool_free(pool);
    if (rc == AGLM_OK && r->rc != AGLM_OK) {
        rc = r->rc;
        if (err)
            *err = r->error;
    }
    return rc;
}

aglm_rc aglm_optimize(const aglm_optimize_options *o, aglm_optimize_result *out, aglm_error *err)
{
    struct aglm_optimizer r = {
        .o = o, .result = out, .start_ns = aglm_clock_ns(), .best_number = -1, .best_value = NAN};

    *out = (aglm_optimize_result){.stop = AGLM_STOP_TRIALS};
    pthread_mutex_init(&r.turn, NULL); /* neither can fail without attributes on Linux */
    pthread_mutex_init(&r.lock, NULL);
    aglm_cancel_init(&r.cancel, o->cancel, o->deadline_ns);
    aglm_rc rc = read_best(&r, err);
    if (rc == AGLM_OK && reached(&r))
        stop(&r, AGLM_STOP_TARGET);
    if (rc == AGLM_OK)
        rc = run_workers(&r, err);
    pthread_mutex_destroy(&r.lock);
    pthread_mutex_destroy(&r.turn);
    return rc;
}
