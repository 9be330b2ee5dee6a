#include "tune/run_priv.h"

#include <limits.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "base/memory.h"
#include "base/pool.h"
#include "lm/head.h"
#include "tune/run_study.h"

#define FINALISTS 12
#define FINALISTS_BYTES 4e8 /* of their tables and those of blending */
#define QUICK_SHARE 0.05    /* of the budget, for one refit */
#define REFIT_MARGIN 1.25   /* wall time of a refit over what its last stage promises */
#define SPARED 10           /* trials that set the scale before any is stopped early */
#define SPARED_MODEL 4      /* the same where a trial asks a language model: seconds each */
#define FAILURES_MAX 20
#define ATTR_ERROR "error"
#define OUT_OF_TIME "stopped: out of time"

void aglm_tune_options_init(aglm_tune_options *o)
{
    memset(o, 0, sizeof *o);
    o->metric = -1;
}

char *aglm_run_params(const aglm_run *r, const double *x)
{
    aglm_json_writer w;
    aglm_str s;

    aglm_str_init(&s, 1 << 20);
    aglm_json_writer_init(&w, &s);
    aglm_point_write(r->plan.space, x, &w);
    char *text = aglm_str_take(&s);
    aglm_str_clear(&s);
    return text;
}

aglm_measure aglm_run_measure(const aglm_run *r, const aglm_cancel *cancel)
{
    return (aglm_measure){
        .data = r->input.data,
        .plan = &r->stages,
        .metric = r->metric,
        .cancel = cancel,
        .max_memory_bytes = r->trial_memory,
        .language_model = r->o->language_model,
        .hidden = r->hidden,
        .language_models = r->language_models,
        .probe_latency = true,
    };
}

void aglm_run_emit(aglm_run *r, aglm_tune_event *e)
{
    if (!r->o->on_event)
        return;
    pthread_mutex_lock(&r->lock);
    e->elapsed_s = aglm_clock_since_s(r->start_ns);
    e->left_s = r->end_ns ? (double)(r->end_ns - r->start_ns) / 1e9 - e->elapsed_s : NAN;
    e->best_number = r->finalists.n ? r->finalists.items[0].number : -1;
    e->best_value = r->finalists.n ? r->finalists.items[0].outcome.value : NAN;
    e->finished = aglm_study_count(r->study, AGLM_TRIAL_COMPLETE) +
                  aglm_study_count(r->study, AGLM_TRIAL_PRUNED);
    r->o->on_event(r->o->arg, e);
    pthread_mutex_unlock(&r->lock);
}

void aglm_run_phase(aglm_run *r, const char *text)
{
    aglm_tune_event e = {.kind = AGLM_TUNE_PHASE, .number = -1, .value = NAN, .text = text};

    aglm_run_emit(r, &e);
}

/* ---- time ---- */

/* Wall time of choosing, scoring, probing and writing: it grows with documents x labels, and with
 * how much of the processors other programs take. */
double aglm_run_overhead_s(const aglm_run *r)
{
    double cells = (double)r->stages.n_measured * (double)r->shape.labels;

    return r->slowness * (0.25 + 4e-7 * cells);
}

/* Wall time that the leader needs, or a blend of finalists that are as quick or quick beside the
 * budget, with a margin. Until a trial is complete, a share of the budget. */
static double reserve_s(const aglm_run *r, double budget)
{
    const aglm_finalist *leader = r->finalists.items;
    double share = aglm_stage_share(&r->stages);
    double longest = leader->outcome.fit_s, most = fmax(longest, QUICK_SHARE * budget * share);

    if (r->finalists.n == 0)
        return 0.1 * budget + aglm_run_overhead_s(r);
    for (size_t i = 1; i < r->finalists.n; i++) {
        double one = leader[i].outcome.fit_s;
        longest = one <= most ? fmax(one, longest) : longest;
    }
    double rounds = fmax(1, (double)AGLM_MEMBERS_MAX / r->threads);
    return aglm_run_overhead_s(r) + REFIT_MARGIN * rounds * longest / share;
}

double aglm_run_refit_limit_s(const aglm_run *r)
{
    double left = r->end_ns ? (double)(r->end_ns - r->start_ns) / 1e9 -
                                  aglm_clock_since_s(r->start_ns) - aglm_run_overhead_s(r)
                            : 0;

    return r->end_ns ? fmax(1e-9, left * aglm_stage_share(&r->stages) / REFIT_MARGIN) : 0;
}

static void set_search_deadline(aglm_run *r)
{
    if (!r->end_ns)
        return;
    double budget = (double)(r->end_ns - r->start_ns) / 1e9;
    double keep = reserve_s(r, budget);
    if (keep > 0.5 * budget)
        keep = 0.5 * budget;
    atomic_store(&r->search.deadline_ns, r->end_ns - (uint64_t)(keep * 1e9));
}

/* ---- one trial ---- */

struct trial {
    aglm_run *r;
    int64_t number;
    double *x;
    char *params;
    aglm_candidate candidate;
    uint64_t start_ns;
};

static aglm_tune_event trial_event(const struct trial *t, aglm_tune_event_kind kind)
{
    return (aglm_tune_event){
        .kind = kind,
        .number = t->number,
        .learner = t->candidate.learner->name,
        .params = t->params,
        .value = NAN,
        .steps = t->r->stages.n_stages,
    };
}

static bool report_stage(void *arg, unsigned stage, double value)
{
    struct trial *t = arg;
    aglm_tune_event e = trial_event(t, AGLM_TUNE_TRIAL_REPORT);
    bool prune = false;

    e.step = stage + 1;
    e.value = value;
    if (aglm_study_report(t->r->study, t->number, t->r->stages.stages[stage].step, value, &prune,
                          NULL) != AGLM_OK)
        prune = false;
    aglm_run_emit(t->r, &e);
    return prune;
}

static double over(double value, double limit)
{
    return limit > 0 && value > limit ? value / limit - 1.0 : 0.0;
}

/* The final model learns from all documents, so it grows by their share. */
static double violation(const aglm_run *r, const aglm_outcome *o)
{
    return over((double)o->bytes / aglm_stage_share(&r->stages), (double)r->o->max_bytes) +
           over(o->latency_p95_us, r->o->max_latency_us);
}

static void set_number(struct trial *t, const char *key, double v)
{
    char text[32];

    aglm_double_format(text, v);
    aglm_study_set_trial_attr(t->r->study, t->number, key, text, NULL);
}

static void note_failure(struct trial *t, aglm_rc rc, const aglm_error *err)
{
    aglm_json_writer w;
    aglm_str s;

    aglm_str_init(&s, 4096);
    aglm_json_writer_init(&w, &s);
    aglm_json_put_text(&w, rc == AGLM_CANCELLED ? OUT_OF_TIME : err->msg);
    if (s.rc == AGLM_OK)
        aglm_study_set_trial_attr(t->r->study, t->number, ATTR_ERROR, s.data, NULL);
    aglm_str_clear(&s);
}

/* Keeps the first failure of the store or the study: without them the run cannot go on. */
static void fail_run(aglm_run *r, aglm_rc rc, const aglm_error *err)
{
    pthread_mutex_lock(&r->lock);
    if (r->rc == AGLM_OK) {
        r->rc = rc;
        r->error = *err;
    }
    pthread_mutex_unlock(&r->lock);
    aglm_cancel_stop(&r->search);
}

/* Hands a complete trial to the finalists; true when it leads now. */
static bool offer(aglm_run *r, int64_t number, const aglm_candidate *c, aglm_outcome *o, double bad)
{
    bool leads = false;

    pthread_mutex_lock(&r->lock);
    r->failed_in_a_row = 0;
    if (bad > 0) {
        o->value = bad;
        aglm_finalists_offer(&r->spare, number, c, o);
    } else {
        leads = aglm_finalists_offer(&r->finalists, number, c, o);
        set_search_deadline(r);
    }
    pthread_mutex_unlock(&r->lock);
    return leads;
}

/* A trial cut off by the clock is all there is when the budget is shorter than one trial. */
static void keep_partial(struct trial *t, aglm_outcome *o)
{
    pthread_mutex_lock(&t->r->lock);
    if (t->r->finalists.n == 0)
        aglm_finalists_offer(&t->r->partial, t->number, &t->candidate, o);
    pthread_mutex_unlock(&t->r->lock);
}

static void end_trial(struct trial *t, aglm_rc rc, aglm_outcome *o, aglm_error *err)
{
    aglm_tune_event e = trial_event(t, AGLM_TUNE_TRIAL_END);
    double bad = rc == AGLM_OK ? violation(t->r, o) : 0;
    aglm_error told = {0};

    e.state = rc == AGLM_OK       ? AGLM_TRIAL_COMPLETE
              : rc == AGLM_PRUNED ? AGLM_TRIAL_PRUNED
                                  : AGLM_TRIAL_FAIL;
    e.value = rc < 0 ? NAN : o->value;
    e.step = o->stages_done;
    e.latency_us = o->latency_p95_us;
    e.bytes = o->bytes;
    e.duration_s = aglm_clock_since_s(t->start_ns);
    e.text = rc < 0 ? err->msg : NULL;
    if (rc < 0)
        note_failure(t, rc, err);
    if (rc >= 0) {
        set_number(t, "bytes", (double)o->bytes);
        set_number(t, "latency_p95_us", o->latency_p95_us);
    }
    if (rc == AGLM_OK && (t->r->o->max_bytes || t->r->o->max_latency_us > 0))
        aglm_study_set_violation(t->r->study, t->number, bad, NULL);
    aglm_rc told_rc = aglm_study_tell(t->r->study, t->number, e.state, &e.value, rc >= 0 ? 1 : 0,
                                      &told);
    if (told_rc != AGLM_OK)
        fail_run(t->r, told_rc, &told);
    bool leads = rc == AGLM_OK && offer(t->r, t->number, &t->candidate, o, bad);
    aglm_run_emit(t->r, &e);
    if (rc == AGLM_CANCELLED && o->stages_done > 0)
        keep_partial(t, o);
    if (leads) {
        e.kind = AGLM_TUNE_BEST;
        aglm_run_emit(t->r, &e);
    }
}

static void count_failure(aglm_run *r, aglm_rc rc, const aglm_error *err)
{
    pthread_mutex_lock(&r->lock);
    bool hopeless = ++r->failed_in_a_row >= FAILURES_MAX && r->finalists.n == 0;
    if (r->rc == AGLM_OK)
        r->error = *err;
    pthread_mutex_unlock(&r->lock);
    if (hopeless)
        fail_run(r, rc, err);
}

/* Wall time a second of CPU took in the last trial: above 1 where other programs take turns. */
static void note_slowness(aglm_run *r, uint64_t wall_ns, uint64_t cpu_ns)
{
    double slowness = cpu_ns ? (double)wall_ns / (double)cpu_ns : 1;

    pthread_mutex_lock(&r->lock);
    r->slowness = slowness < 1 ? 1 : slowness > 10 ? 10 : slowness;
    pthread_mutex_unlock(&r->lock);
}

static void run_trial(struct trial *t)
{
    aglm_run *r = t->r;
    aglm_measure m = aglm_run_measure(r, &r->search);
    aglm_outcome o;
    aglm_error err = {0};

    t->start_ns = aglm_clock_ns();
    t->candidate = aglm_plan_candidate(&r->plan, t->x, r->o->seed, t->number);
    t->params = aglm_run_params(r, t->x);
    aglm_tune_event e = trial_event(t, AGLM_TUNE_TRIAL_START);
    aglm_run_emit(r, &e);
    m.pruned = report_stage;
    m.arg = t;
    uint64_t cpu_ns = aglm_clock_cpu_ns();
    aglm_rc rc = aglm_candidate_measure(&o, &t->candidate, &m, &err);
    note_slowness(r, aglm_clock_ns() - t->start_ns, aglm_clock_cpu_ns() - cpu_ns);
    end_trial(t, rc, &o, &err);
    if (rc < 0 && rc != AGLM_CANCELLED)
        count_failure(r, rc, &err);
    aglm_outcome_clear(&o);
    free(t->params);
}

/* ---- the search ---- */

/* Takes a place among --trials; false when all are given away. */
static bool take_turn(aglm_run *r)
{
    pthread_mutex_lock(&r->lock);
    bool free_turn = r->rc == AGLM_OK && (r->o->trials == 0 || r->asked < r->o->trials);
    r->asked += free_turn;
    pthread_mutex_unlock(&r->lock);
    return free_turn && !aglm_cancelled(&r->search);
}

static void work(void *arg, size_t worker)
{
    aglm_run *r = arg;
    aglm_error err = {0};
    double *x = aglm_calloc(r->plan.space->n, sizeof *x);

    (void)worker;
    if (!x) {
        aglm_error_set(&err, AGLM_NOMEM, "out of memory for a worker");
        fail_run(r, AGLM_NOMEM, &err);
        return;
    }
    while (take_turn(r)) {
        struct trial t = {.r = r, .x = x};
        aglm_rc rc = aglm_study_ask(r->study, &t.number, x, &err);
        if (rc == AGLM_DONE)
            break;
        if (rc != AGLM_OK) {
            fail_run(r, rc, &err);
            break;
        }
        run_trial(&t);
    }
    free(x);
}

static aglm_rc search(aglm_run *r, aglm_error *err)
{
    aglm_pool *pool = NULL;
    aglm_rc rc = aglm_pool_new(&pool, r->threads, r->threads, err);

    if (rc != AGLM_OK)
        return rc;
    rc = aglm_pool_for(pool, r->threads, work, r, err);
    aglm_pool_free(pool);
    if (rc == AGLM_OK && r->rc != AGLM_OK) {
        if (err)
            *err = r->error;
        rc = r->rc;
    }
    return rc;
}

/* ---- opening ---- */

/* What the trials' values depend on beside the space. */
static void write_depends(const aglm_run *r, aglm_str *out)
{
    aglm_str_printf(out, "%s|%s|%s|%s|%u|%llu|%s|", aglm_table_report(r->input.table)->sha256,
                    r->input.valid_table ? aglm_table_report(r->input.valid_table)->sha256 : "-",
                    aglm_task_name(r->input.guess.task), aglm_metric_name(r->metric),
                    r->stages.folds, (unsigned long long)r->o->seed,
                    r->o->language_model ? r->o->language_model : "-");
}

static aglm_rc enqueue_starts(aglm_run *r, aglm_error *err)
{
    double *x = aglm_calloc(r->plan.space->n, sizeof *x);
    aglm_rc rc = AGLM_OK;

    if (!x)
        return aglm_error_set(err, AGLM_NOMEM, "out of memory for the start points");
    for (size_t i = 0; rc >= 0 && aglm_plan_start(&r->plan, i, x); i++)
        rc = aglm_study_enqueue(r->study, x, NULL, err);
    free(x);
    return rc < 0 ? rc : AGLM_OK;
}

static aglm_rc open_study(aglm_run *r, aglm_error *err)
{
    aglm_run_study study = {.o = r->o,
                            .kind = "tune",
                            .sha256 = aglm_table_report(r->input.table)->sha256,
                            .space = r->plan.space,
                            .maximize = r->maximize,
                            .pruner = AGLM_PRUNER_DEFAULTS};
    aglm_str depends;

    study.pruner.max_step = r->stages.stages[r->stages.n_stages - 1].step;
    study.pruner.spared = r->stages.folds < 2    ? (unsigned)r->plan.n_learners
                          : r->o->language_model ? SPARED_MODEL
                                                 : SPARED;
    aglm_str_init(&depends, 1 << 20);
    write_depends(r, &depends);
    study.depends = depends.data;
    aglm_rc rc = depends.rc == AGLM_OK
                     ? aglm_run_study_open(&study, r->result->study, &r->store, &r->study, err)
                     : aglm_error_set(err, depends.rc, "the study's name: %s",
                                      aglm_rc_text(depends.rc));
    aglm_str_clear(&depends);
    if (rc == AGLM_OK && aglm_study_size(r->study) == 0)
        rc = enqueue_starts(r, err);
    return rc;
}

static aglm_rc open_data(aglm_run *r, aglm_error *err)
{
    const aglm_tune_options *o = r->o;
    aglm_rc rc = aglm_input_open(&r->input, &o->input, err);

    if (rc != AGLM_OK)
        return rc;
    r->metric = o->metric < 0 ? aglm_metric_default(r->input.guess.task) : (aglm_metric)o->metric;
    if (!aglm_metric_fits(r->metric, r->input.guess.task))
        return aglm_error_set(err, AGLM_INVALID, "--metric %s: does not fit the task, %s",
                              aglm_metric_name(r->metric), aglm_task_name(r->input.guess.task));
    r->maximize = aglm_metric_maximize(r->metric);
    r->result->metric = r->metric;
    r->shape = aglm_plan_shape(r->input.data);
    r->shape.language_model = o->language_model != NULL;
    if (o->language_model)
        rc = aglm_lm_pool_new(&r->language_models, o->language_model, 1, err);
    if (rc != AGLM_OK || (rc = aglm_plan_init(&r->plan, &r->shape, o->learners, err)) != AGLM_OK)
        return rc;
    return aglm_stage_plan_init(&r->stages, r->input.data, r->input.n_valid, o->folds, o->seed,
                                err);
}

/* All trials read a text once between them. */
static aglm_rc open_hidden(aglm_run *r, aglm_error *err)
{
    const aglm_hidden_options o = {.model = r->o->language_model};

    for (size_t i = 0; i < r->plan.n_learners; i++)
        if (r->plan.learners[i] == &aglm_learner_head)
            return aglm_hidden_open(&r->hidden, &o, err);
    return AGLM_OK;
}

/* Bytes of one table of scores, measured documents x labels. */
static double table_bytes(const aglm_run *r)
{
    return (double)r->stages.n_measured * (double)r->shape.labels * sizeof(float);
}

/* Each finalist keeps a table of logits, and blending takes one of probabilities; where these are
 * large, fewer finalists. By the data and the options alone, so that the same command does the
 * same. */
static size_t finalists_cap(const aglm_run *r)
{
    double room = FINALISTS_BYTES;

    if (r->o->max_memory_bytes && (double)r->o->max_memory_bytes / 4 < room)
        room = (double)r->o->max_memory_bytes / 4;
    double places = room / (2 * table_bytes(r));
    return r->o->blend == AGLM_BLEND_NONE || places < 2 ? 1
           : places < FINALISTS                         ? (size_t)places
                                                        : FINALISTS;
}

/* While searching, the finalists and one that is over the limits hold tables; at the end the
 * finalists, their probabilities, the votes, their mean and the winner's own. */
static aglm_rc set_memory(aglm_run *r, aglm_error *err)
{
    double limit = (double)r->o->max_memory_bytes, cap = (double)finalists_cap(r);
    double base = (double)aglm_memory_now() + (1 << 20);
    double search = base + (cap + 1) * table_bytes(r);
    double finish = base + (2 * cap + 3) * table_bytes(r);

    if (limit <= 0)
        return AGLM_OK;
    if (search >= limit || finish > limit)
        return aglm_error_set(
            err, AGLM_LIMIT,
            "--max-memory %.0f: the data, and scores of %zu documents x %zu labels, take %.0f bytes",
            limit, r->stages.n_measured, r->shape.labels, finish);
    r->trial_memory = (uint64_t)((limit - search) / r->threads);
    return AGLM_OK;
}

static aglm_rc open_run(aglm_run *r, aglm_error *err)
{
    aglm_tune_event e = {.kind = AGLM_TUNE_START, .number = -1, .value = NAN};
    aglm_rc rc;

    if (r->o->out && (rc = aglm_bundle_may_save(r->o->out, err)) != AGLM_OK)
        return rc;
    if ((rc = open_data(r, err)) != AGLM_OK || (rc = set_memory(r, err)) != AGLM_OK ||
        (rc = open_hidden(r, err)) != AGLM_OK || (rc = open_study(r, err)) != AGLM_OK)
        return rc;
    aglm_finalists_init(&r->finalists, finalists_cap(r), r->maximize);
    aglm_finalists_init(&r->spare, 1, false);
    aglm_finalists_init(&r->partial, 1, r->maximize);
    e.input = &r->input;
    e.steps = r->stages.n_stages;
    aglm_run_emit(r, &e);
    return AGLM_OK;
}

/* ---- resuming ---- */

struct recall {
    aglm_run *r;
    const aglm_trial *trials[AGLM_FINALISTS_MAX];
    size_t n;
    aglm_cancel cancel;
};

static void measure_again(void *arg, size_t i)
{
    struct recall *c = arg;
    aglm_run *r = c->r;
    const aglm_trial *t = c->trials[i];
    aglm_candidate candidate = aglm_plan_candidate(&r->plan, t->x, r->o->seed, t->number);
    aglm_measure m = aglm_run_measure(r, &c->cancel);
    aglm_outcome o;

    /* A failure here costs one finalist; the trial itself is safe in the study. */
    if (aglm_candidate_measure(&o, &candidate, &m, NULL) == AGLM_OK)
        offer(r, t->number, &candidate, &o, violation(r, &o));
    aglm_outcome_clear(&o);
}

static aglm_rc recall_all(aglm_run *r, struct recall *c, aglm_error *err)
{
    aglm_pool *pool = NULL;
    uint64_t half = r->end_ns ? r->start_ns + (r->end_ns - r->start_ns) / 2 : 0;
    aglm_rc rc = AGLM_OK;

    aglm_cancel_init(&c->cancel, &r->search, half);
    if (c->n == 0)
        return AGLM_OK;
    if ((rc = aglm_pool_new(&pool, r->threads, c->n, err)) != AGLM_OK)
        return rc;
    rc = aglm_pool_for(pool, c->n, measure_again, c, err);
    aglm_pool_free(pool);
    return rc;
}

/* Cut off by the clock or by hand, not by a fault of its own. */
static bool was_cut(const aglm_trial *t)
{
    const char *why = aglm_trial_attr(t, ATTR_ERROR, false);

    return t->state == AGLM_TRIAL_FAIL && why && strcmp(why, "\"" OUT_OF_TIME "\"") == 0;
}

static bool was_retried(const aglm_trial *trials, size_t n, int64_t number)
{
    for (size_t i = (size_t)number + 1; i < n; i++) {
        if (aglm_trial_retry_of(&trials[i]) == number)
            return true;
    }
    return false;
}

/* Counts what is done of --trials; what was cut off has its point queued again instead. */
static aglm_rc take_stock(aglm_run *r, const aglm_trial *trials, size_t n, aglm_error *err)
{
    aglm_rc rc = AGLM_OK;

    for (size_t i = 0; rc >= 0 && i < n; i++) {
        if (!was_cut(&trials[i]))
            r->asked += aglm_trial_finished(&trials[i]);
        else if (!was_retried(trials, n, trials[i].number))
            rc = aglm_study_retry(r->study, trials[i].number, UINT_MAX, err);
    }
    return rc < 0 ? rc : AGLM_OK;
}

static double stored_number(const aglm_trial *t, const char *key)
{
    double v = 0;

    for (size_t i = 0; i < t->n_attrs; i++)
        if (strcmp(t->attrs[i].key, key) == 0)
            aglm_double_parse(t->attrs[i].json, strlen(t->attrs[i].json), &v);
    return v;
}

/* By the limits of this run: the study's earlier ones may have been others. */
static double stored_violation(const aglm_run *r, const aglm_trial *t)
{
    const aglm_outcome o = {.bytes = (uint64_t)fmin(1e18, fmax(0, stored_number(t, "bytes"))),
                            .latency_p95_us = stored_number(t, "latency_p95_us")};

    return violation(r, &o);
}

/* The finalists there would be had no run ended: by value alone, offered in the order of the
 * trials; without any, the one that is least over the limits. */
static void choose_recalled(const aglm_run *r, const aglm_trial *trials, size_t n, struct recall *c)
{
    aglm_finalists would, spare;

    aglm_finalists_init(&would, r->finalists.cap, r->maximize);
    aglm_finalists_init(&spare, 1, false);
    for (size_t i = 0; i < n; i++) {
        const aglm_trial *t = &trials[i];
        if (t->state != AGLM_TRIAL_COMPLETE || t->n_values == 0)
            continue;
        double bad = stored_violation(r, t);
        aglm_candidate candidate = aglm_plan_candidate(&r->plan, t->x, r->o->seed, t->number);
        aglm_outcome o = {.value = bad > 0 ? bad : t->values[0]};
        aglm_finalists_offer(bad > 0 ? &spare : &would, t->number, &candidate, &o);
    }
    const aglm_finalists *from = would.n ? &would : &spare;
    for (c->n = 0; c->n < from->n; c->n++)
        c->trials[c->n] = &trials[from->items[c->n].number];
}

/* Out-of-fold logits are not stored: the leaders of a resumed study are measured again, each by its
 * own seed, so that a resumed run ends as one that was not interrupted; in at most half of the
 * budget, best first. */
static aglm_rc recall_finalists(aglm_run *r, aglm_error *err)
{
    struct recall c = {.r = r};
    aglm_arena arena;
    aglm_trial *trials = NULL;
    size_t n = 0;

    aglm_arena_init(&arena, 1ULL << 30);
    aglm_rc rc = aglm_study_trials(r->study, &arena, &trials, &n, err);
    if (rc == AGLM_OK)
        rc = take_stock(r, trials, n, err);
    if (rc == AGLM_OK) {
        choose_recalled(r, trials, n, &c);
        rc = recall_all(r, &c, err);
    }
    aglm_arena_clear(&arena);
    set_search_deadline(r);
    return rc;
}

/* ---- all of it ---- */

static void count_trials(aglm_run *r)
{
    r->result->trials_complete = aglm_study_count(r->study, AGLM_TRIAL_COMPLETE);
    r->result->trials_pruned = aglm_study_count(r->study, AGLM_TRIAL_PRUNED);
    r->result->trials_failed = aglm_study_count(r->study, AGLM_TRIAL_FAIL);
    r->result->search_s = aglm_clock_since_s(r->start_ns);
}

static void close_run(aglm_run *r)
{
    aglm_finalists_clear(&r->finalists);
    aglm_finalists_clear(&r->spare);
    aglm_finalists_clear(&r->partial);
    aglm_study_close(r->study);
    aglm_store_close(r->store);
    aglm_hidden_unref(r->hidden);
    aglm_stage_plan_clear(&r->stages);
    aglm_plan_clear(&r->plan);
    aglm_input_clear(&r->input);
    aglm_lm_pool_unref(r->language_models);
    pthread_mutex_destroy(&r->lock);
    free(r);
}

static aglm_rc run_all(aglm_run *r, aglm_error *err)
{
    aglm_tune_event done = {.kind = AGLM_TUNE_DONE, .number = -1, .value = NAN};
    aglm_rc rc;

    if ((rc = open_run(r, err)) != AGLM_OK || (rc = recall_finalists(r, err)) != AGLM_OK ||
        (rc = search(r, err)) != AGLM_OK)
        return rc;
    count_trials(r);
    r->result->interrupted = aglm_cancel_requested(r->o->cancel);
    if (r->result->interrupted)
        return aglm_error_set(err, AGLM_CANCELLED,
                              "interrupted; every finished trial is saved in study \"%s\"",
                              r->result->study);
    if ((rc = aglm_run_finish(r, err)) != AGLM_OK)
        return rc;
    if (r->o->out && (rc = aglm_run_publish(r, err)) != AGLM_OK)
        return rc;
    r->result->total_s = aglm_clock_since_s(r->start_ns);
    aglm_run_emit(r, &done);
    return AGLM_OK;
}

aglm_rc aglm_tune_run(aglm_tune_result *out, const aglm_tune_options *options, aglm_error *err)
{
    aglm_run *r = aglm_calloc(1, sizeof *r);

    memset(out, 0, sizeof *out);
    if (!r)
        return aglm_error_set(err, AGLM_NOMEM, "out of memory for a tuning run");
    pthread_mutex_init(&r->lock, NULL);
    r->o = options;
    r->result = out;
    r->start_ns = aglm_clock_ns();
    r->slowness = 1;
    r->end_ns = options->budget_ns ? r->start_ns + options->budget_ns : 0;
    r->threads = options->threads ? options->threads : aglm_cpu_count();
    aglm_cancel_init(&r->stop, options->cancel, r->end_ns);
    aglm_cancel_init(&r->search, &r->stop, r->end_ns);
    aglm_rc rc = run_all(r, err);
    close_run(r);
    return rc;
}

void aglm_tune_result_clear(aglm_tune_result *r)
{
    for (size_t i = 0; i < r->n_leaders; i++)
        free(r->leaders[i].params);
    aglm_score_clear(&r->score);
    aglm_bundle_clear(&r->bundle);
    memset(r, 0, sizeof *r);
}
