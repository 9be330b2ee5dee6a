#include "tune/answer_run.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "base/pool.h"
#include "tune/answer_run_priv.h"
#include "tune/run_study.h"

#define FIRST_RUNG 10 /* answers after which a trial may stop, and then three times as many */
#define ETA 3
#define SEARCH_SHARE 0.7 /* of the budget; the rest is for the test */
#define NOISE 0.5        /* values closer than so many standard errors are as good */
#define LOOKED_AT 3      /* answers after which a prompt may be found too dear */
#define DEAREST 3        /* times the cost of the plain question */
#define FAILURES_MAX 5
#define OUT_OF_TIME "stopped: out of time"
#define ATTR_FAILURE "error"
#define ATTR_ERROR "standard_error"
#define ATTR_COST "tokens"
#define ATTR_LATENCY "latency_p95_us"

aglm_rc aglm_answer_measure(aglm_answer_sheet *out, aglm_text_metric metric, aglm_asker *k,
                            const aglm_answer_part *part, const aglm_cancel *cancel,
                            aglm_error *err)
{
    aglm_rc rc = aglm_answer_sheet_init(out, metric, part->n, err);

    for (size_t i = 0; rc == AGLM_OK && i < part->n; i++) {
        size_t row = part->rows ? part->rows[i] : i;
        rc = aglm_cancelled(cancel) ? aglm_error_set(err, AGLM_CANCELLED, "interrupted")
                                    : aglm_answer_sheet_add(out, k, &part->set->at[row], err);
    }
    return rc;
}

/* ---- events ---- */

static void emit(aglm_answer_run *r, aglm_tune_event *e)
{
    const aglm_tune_options *o = &r->o->tune;

    if (!o->on_event)
        return;
    pthread_mutex_lock(&r->lock);
    e->elapsed_s = aglm_clock_since_s(r->start_ns);
    e->left_s = o->budget_ns ? (double)o->budget_ns / 1e9 - e->elapsed_s : NAN;
    e->best_number = r->best_number;
    e->best_value = r->best_number < 0 ? NAN : r->best_value;
    e->finished = aglm_study_count(r->study, AGLM_TRIAL_COMPLETE) +
                  aglm_study_count(r->study, AGLM_TRIAL_PRUNED);
    o->on_event(o->arg, e);
    pthread_mutex_unlock(&r->lock);
}

static void phase(aglm_answer_run *r, aglm_tune_event_kind kind, const char *text)
{
    aglm_tune_event e = {.kind = kind, .number = -1, .value = NAN, .text = text};

    emit(r, &e);
}

/* ---- one trial ---- */

struct trial {
    aglm_answer_run *r;
    aglm_lm *lm;
    int64_t number;
    double *x;
    char *params;
    uint64_t start_ns;
    aglm_answer_sheet sheet;
};

static aglm_tune_event trial_event(const struct trial *t, aglm_tune_event_kind kind)
{
    return (aglm_tune_event){.kind = kind,
                             .number = t->number,
                             .params = t->params,
                             .value = NAN,
                             .step = (unsigned)t->sheet.n,
                             .steps = (unsigned)t->r->valid.n};
}

static bool is_rung(size_t n)
{
    size_t rung = FIRST_RUNG;

    while (rung < n)
        rung *= ETA;
    return rung == n;
}

/* Tells what the answers so far are worth; true: stop. */
static bool report(struct trial *t)
{
    aglm_tune_event e = trial_event(t, AGLM_TUNE_TRIAL_REPORT);
    bool prune = false;

    e.value = aglm_answer_sheet_value(&t->sheet);
    if (aglm_study_report(t->r->study, t->number, (int64_t)t->sheet.n, e.value, &prune, NULL) !=
        AGLM_OK)
        prune = false;
    emit(t->r, &e);
    return prune;
}

/* No answers are wasted on a prompt that reads and writes many times what the plain question does.
 */
static bool too_dear(const struct trial *t)
{
    return t->sheet.n == LOOKED_AT &&
           aglm_answer_sheet_cost(&t->sheet) > DEAREST * t->r->plain_cost;
}

static aglm_rc ask_validation(struct trial *t, aglm_asker *k, aglm_error *err)
{
    const aglm_answer_part *part = &t->r->valid;

    for (size_t i = 0; i < part->n; i++) {
        if (aglm_cancelled(&t->r->search))
            return aglm_error_set(err, AGLM_CANCELLED, OUT_OF_TIME);
        aglm_rc rc = aglm_answer_sheet_add(&t->sheet, k, &part->set->at[part->rows[i]], err);
        if (rc != AGLM_OK)
            return rc;
        if (too_dear(t))
            return AGLM_PRUNED;
        if (is_rung(i + 1) && i + 1 < part->n && report(t))
            return AGLM_PRUNED;
    }
    return AGLM_OK;
}

static aglm_rc make(aglm_answer_run *r, aglm_answerer **out, const double *x, aglm_lm *lm,
                    size_t pool, aglm_error *err)
{
    const aglm_answer_source source = {.set = r->set,
                                       .rows = r->rows,
                                       .n = pool,
                                       .shape = &r->shape,
                                       .instruction = r->o->instruction,
                                       .file = r->o->tune.language_model,
                                       .lm = lm};

    return aglm_answerer_new(out, x, &source, err);
}

static aglm_rc measure(struct trial *t, aglm_error *err)
{
    aglm_answerer *a = NULL;
    aglm_asker *k = NULL;
    aglm_rc rc = make(t->r, &a, t->x, t->lm, t->r->pool.n, err);

    if (rc == AGLM_OK)
        rc = aglm_asker_new(&k, a, t->lm, err);
    if (rc == AGLM_OK)
        rc = ask_validation(t, k, err);
    aglm_asker_free(k);
    aglm_answerer_free(a);
    return rc;
}

static void note_number(struct trial *t, const char *key, double v)
{
    char text[32];

    aglm_double_format(text, v);
    aglm_study_set_trial_attr(t->r->study, t->number, key, text, NULL);
}

static void note_failure(struct trial *t, const char *why)
{
    aglm_json_writer w;
    aglm_str s;

    aglm_str_init(&s, 4096);
    aglm_json_writer_init(&w, &s);
    aglm_json_put_text(&w, why);
    if (s.rc == AGLM_OK)
        aglm_study_set_trial_attr(t->r->study, t->number, ATTR_FAILURE, s.data, NULL);
    aglm_str_clear(&s);
}

/* The first failure that ends the run; without a store it cannot go on. */
static void fail_run(aglm_answer_run *r, aglm_rc rc, const aglm_error *err)
{
    pthread_mutex_lock(&r->lock);
    if (r->rc == AGLM_OK) {
        r->rc = rc;
        r->error = *err;
    }
    pthread_mutex_unlock(&r->lock);
    aglm_cancel_stop(&r->search);
}

static bool leads(aglm_answer_run *r, int64_t number, double value)
{
    pthread_mutex_lock(&r->lock);
    bool better = r->best_number < 0 || value > r->best_value;
    if (better) {
        r->best_number = number;
        r->best_value = value;
    }
    pthread_mutex_unlock(&r->lock);
    return better;
}

static void end_trial(struct trial *t, aglm_rc rc, const aglm_error *err)
{
    aglm_tune_event e = trial_event(t, AGLM_TUNE_TRIAL_END);
    aglm_error told = {0};

    e.state = rc == AGLM_OK       ? AGLM_TRIAL_COMPLETE
              : rc == AGLM_PRUNED ? AGLM_TRIAL_PRUNED
                                  : AGLM_TRIAL_FAIL;
    bool valued = rc >= 0 && t->sheet.n >= FIRST_RUNG; /* too dear: nothing is known */

    e.value = valued ? aglm_answer_sheet_value(&t->sheet) : NAN;
    e.duration_s = aglm_clock_since_s(t->start_ns);
    e.latency_us = t->sheet.n ? 1e6 * aglm_answer_sheet_p95_s(&t->sheet) : 0;
    e.text = rc < 0 ? err->msg : NULL;
    if (rc >= 0) {
        note_number(t, ATTR_ERROR, aglm_answer_sheet_error(&t->sheet));
        note_number(t, ATTR_COST, aglm_answer_sheet_cost(&t->sheet));
        note_number(t, ATTR_LATENCY, e.latency_us);
    } else {
        note_failure(t, err->msg);
    }
    aglm_rc told_rc = aglm_study_tell(t->r->study, t->number, e.state, &e.value, valued ? 1 : 0,
                                      &told);
    if (told_rc != AGLM_OK)
        fail_run(t->r, told_rc, &told);
    bool best = rc == AGLM_OK && leads(t->r, t->number, e.value);
    emit(t->r, &e);
    if (best) {
        e.kind = AGLM_TUNE_BEST;
        emit(t->r, &e);
    }
}

static char *params_of(const aglm_answer_run *r, const double *x)
{
    aglm_json_writer w;
    aglm_str s;

    aglm_str_init(&s, 1 << 20);
    aglm_json_writer_init(&w, &s);
    aglm_point_write(r->space, x, &w);
    char *text = aglm_str_take(&s);
    aglm_str_clear(&s);
    return text;
}

static aglm_rc run_trial(struct trial *t, aglm_error *err)
{
    t->start_ns = aglm_clock_ns();
    t->params = params_of(t->r, t->x);
    aglm_rc rc = aglm_answer_sheet_init(&t->sheet, t->r->result->metric, t->r->valid.n, err);
    if (rc == AGLM_OK) {
        aglm_tune_event e = trial_event(t, AGLM_TUNE_TRIAL_START);
        emit(t->r, &e);
        rc = measure(t, err);
    }
    end_trial(t, rc, err);
    aglm_answer_sheet_clear(&t->sheet);
    free(t->params);
    return rc;
}

/* ---- the search ---- */

static bool take_turn(aglm_answer_run *r)
{
    pthread_mutex_lock(&r->lock);
    int64_t trials = r->o->plain ? 1 : r->o->tune.trials;
    bool turn = r->rc == AGLM_OK && (trials == 0 || r->asked < trials);
    r->asked += turn;
    pthread_mutex_unlock(&r->lock);
    return turn && !aglm_cancelled(&r->search);
}

static aglm_rc work_with(aglm_answer_run *r, aglm_lm *lm, double *x, aglm_error *err)
{
    unsigned failed = 0;
    aglm_rc rc = AGLM_OK;

    while (rc >= 0 && take_turn(r)) {
        struct trial t = {.r = r, .lm = lm, .x = x};
        rc = aglm_study_ask(r->study, &t.number, x, err);
        if (rc == AGLM_DONE)
            break;
        if (rc == AGLM_OK)
            rc = run_trial(&t, err);
        failed = rc < 0 && rc != AGLM_CANCELLED ? failed + 1 : 0;
        if (failed > 0 && failed < FAILURES_MAX)
            rc = AGLM_OK; /* a prompt may be at fault; the next one is another */
    }
    return rc == AGLM_CANCELLED ? AGLM_OK : rc;
}

static void work(void *arg, size_t worker)
{
    aglm_answer_run *r = arg;
    aglm_error err = {0};
    aglm_lm *lm = worker == 0 ? r->lm : NULL;
    double *x = aglm_calloc(r->space->n, sizeof *x);
    aglm_rc rc = x ? AGLM_OK : aglm_error_set(&err, AGLM_NOMEM, "out of memory for a worker");

    if (rc == AGLM_OK && !lm)
        rc = aglm_lm_open_file(&lm, r->o->tune.language_model, 1, &err);
    if (rc == AGLM_OK)
        rc = work_with(r, lm, x, &err);
    if (rc < 0)
        fail_run(r, rc, &err);
    if (worker > 0)
        aglm_lm_close(lm);
    free(x);
}

static aglm_rc search(aglm_answer_run *r, aglm_error *err)
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

/* ---- the study ---- */

static aglm_rc add_param(aglm_answer_run *r, const aglm_hparam *h, aglm_error *err)
{
    aglm_arena arena;
    aglm_dist dist;

    aglm_arena_init(&arena, 1 << 16);
    aglm_rc rc = h->kind == AGLM_HPARAM_CHOICE
                     ? aglm_dist_texts(&dist, h->choices, h->n_choices, &arena, err)
                     : aglm_dist_int(&dist, h->low, h->high, h->step, h->log, err);
    if (rc == AGLM_OK)
        rc = aglm_space_add(r->space, h->name, &dist, h->when, h->when_choices, err);
    aglm_arena_clear(&arena);
    return rc;
}

static aglm_rc make_space(aglm_answer_run *r, aglm_error *err)
{
    aglm_hparam params[AGLM_HPARAM_MAX];
    size_t n = aglm_answerer_space(&r->shape, params);
    aglm_rc rc = aglm_space_new(&r->space, err);

    for (size_t i = 0; rc == AGLM_OK && i < n; i++)
        rc = add_param(r, &params[i], err);
    return rc;
}

/* A plain question, without examples. */
static void plain_point(const aglm_answer_run *r, double *x)
{
    aglm_hparam params[AGLM_HPARAM_MAX];
    size_t n = aglm_answerer_space(&r->shape, params);

    for (size_t i = 0; i < n; i++)
        x[i] = params[i].start;
    aglm_space_settle(r->space, x);
}

/* The plain question last: it is seldom the best, and then stops early. */
static aglm_rc enqueue_starts(aglm_answer_run *r, aglm_error *err)
{
    double x[AGLM_HPARAM_MAX];
    aglm_rc rc = AGLM_OK;

    for (size_t i = 0; rc >= 0 && !r->o->plain && aglm_answerer_start(&r->shape, i, x); i++) {
        aglm_space_settle(r->space, x);
        rc = aglm_study_enqueue(r->study, x, NULL, err);
    }
    plain_point(r, x);
    if (rc >= 0)
        rc = aglm_study_enqueue(r->study, x, NULL, err);
    return rc < 0 ? rc : AGLM_OK;
}

/* What the trials' values depend on beside the space. */
static void write_depends(const aglm_answer_run *r, aglm_str *out)
{
    aglm_str_printf(out, "%s|%s|%s|%llu|%llu|%d|%s|%s|", aglm_table_report(r->table)->sha256,
                    aglm_prompt_task_name(r->result->task),
                    aglm_text_metric_name(r->result->metric), (unsigned long long)r->o->tune.seed,
                    (unsigned long long)r->lm_bytes, r->o->plain,
                    r->o->instruction ? r->o->instruction : "", r->set->target_name);
    for (size_t f = 0; f < r->set->n_fields; f++)
        aglm_str_printf(out, "%s|", r->set->names[f]);
}

static aglm_rc open_study(aglm_answer_run *r, aglm_error *err)
{
    aglm_tune_options options = r->o->tune;
    aglm_run_study study = {.o = &options,
                            .kind = "texts",
                            .sha256 = aglm_table_report(r->table)->sha256,
                            .space = r->space,
                            .maximize = true,
                            .pruner = AGLM_PRUNER_DEFAULTS};
    aglm_str depends;

    if (r->o->dry)
        options.storage = NULL;
    study.pruner.min_step = FIRST_RUNG;
    study.pruner.max_step = (int64_t)r->valid.n;
    study.pruner.reduction_factor = ETA;
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

/* Of trials that go on from a rung as one in ETA does, and of the test. */
static double expected_answers(const aglm_answer_run *r)
{
    double trials = r->o->plain ? 1 : (double)r->o->tune.trials, n = (double)r->valid.n;
    double answers = 0, going = trials, rung = FIRST_RUNG, from = 0;

    for (; rung < n; from = rung, rung *= ETA) {
        answers += going * (rung - from);
        going = fmax(1, going / ETA);
    }
    return answers + going * (n - from) + 2 * (double)r->test.n;
}

static void expect(aglm_answer_run *r, const aglm_answer_sheet *s)
{
    double answers = expected_answers(r), n = (double)s->n;

    r->result->expected = (aglm_answer_expected){answers, answers * s->tokens_read / n,
                                                 answers * s->tokens_written / n,
                                                 answers * aglm_answer_sheet_mean_s(s)};
}

/* By some answers to it: what others are compared with must not depend on who is first. */
static aglm_rc price_plain(aglm_answer_run *r, aglm_error *err)
{
    double x[AGLM_HPARAM_MAX];
    aglm_answer_sheet s = {0};
    aglm_answerer *a = NULL;
    aglm_asker *k = NULL;
    aglm_answer_part some = r->valid;

    some.n = some.n < LOOKED_AT ? some.n : LOOKED_AT;
    plain_point(r, x);
    aglm_rc rc = make(r, &a, x, r->lm, r->pool.n, err);
    if (rc == AGLM_OK)
        rc = aglm_asker_new(&k, a, r->lm, err);
    if (rc == AGLM_OK)
        rc = aglm_answer_measure(&s, r->result->metric, k, &some, r->o->tune.cancel, err);
    r->plain_cost = aglm_answer_sheet_cost(&s);
    if (rc == AGLM_OK)
        expect(r, &s);
    aglm_answer_sheet_clear(&s);
    aglm_asker_free(k);
    aglm_answerer_free(a);
    return rc;
}

static aglm_rc open_run(aglm_answer_run *r, aglm_error *err)
{
    const aglm_tune_options *o = &r->o->tune;
    aglm_rc rc;

    if (o->out && (rc = aglm_bundle_may_save(o->out, err)) != AGLM_OK)
        return rc;
    if ((rc = aglm_answer_data_open(r, err)) != AGLM_OK)
        return rc;
    if ((rc = aglm_lm_open_file(&r->lm, o->language_model, 1, err)) != AGLM_OK)
        return rc;
    r->lm_bytes = (uint64_t)r->lm->info.bytes;
    r->shape.task = r->result->task;
    r->shape.told = r->o->instruction != NULL;
    if ((rc = aglm_answer_shape_make(&r->shape, r->set, r->pool.rows, r->pool.n, r->lm, err)) !=
            AGLM_OK ||
        (rc = make_space(r, err)) != AGLM_OK || (rc = open_study(r, err)) != AGLM_OK ||
        (rc = price_plain(r, err)) != AGLM_OK)
        return rc;
    r->asked = (int64_t)(aglm_study_count(r->study, AGLM_TRIAL_COMPLETE) +
                         aglm_study_count(r->study, AGLM_TRIAL_PRUNED));
    phase(r, AGLM_TUNE_START, r->result->evidence.data);
    return AGLM_OK;
}

/* ---- the winner ---- */

static double noted(const aglm_trial *t, const char *key)
{
    double v = 0;

    for (size_t i = 0; i < t->n_attrs; i++)
        if (strcmp(t->attrs[i].key, key) == 0)
            aglm_double_parse(t->attrs[i].json, strlen(t->attrs[i].json), &v);
    return v;
}

static bool fits(const aglm_answer_run *r, const aglm_trial *t)
{
    return r->o->tune.max_latency_us <= 0 || noted(t, ATTR_LATENCY) <= r->o->tune.max_latency_us;
}

/* The best of those that fit (of all, where none does), then the cheapest that is as good within
 * the noise of the best one's value. NULL: none is complete. */
static const aglm_trial *choose(aglm_answer_run *r, const aglm_trial *trials, size_t n)
{
    const aglm_trial *best = NULL, *chosen = NULL;
    bool any = false;

    for (size_t i = 0; i < n; i++)
        any = any || (trials[i].state == AGLM_TRIAL_COMPLETE && fits(r, &trials[i]));
    for (size_t i = 0; i < n; i++) {
        const aglm_trial *t = &trials[i];
        if (t->state == AGLM_TRIAL_COMPLETE && (!any || fits(r, t)) &&
            (!best || t->values[0] > best->values[0]))
            best = t;
    }
    chosen = best;
    for (size_t i = 0; best && i < n; i++) {
        const aglm_trial *t = &trials[i];
        if (t->state == AGLM_TRIAL_COMPLETE && (!any || fits(r, t)) &&
            t->values[0] >= best->values[0] - NOISE * noted(best, ATTR_ERROR) &&
            noted(t, ATTR_COST) < noted(chosen, ATTR_COST))
            chosen = t;
    }
    r->result->infeasible = best && !any;
    return chosen;
}

/* On the part that no choice was made by. */
static aglm_rc test(aglm_answer_run *r, const aglm_answerer *a, aglm_answer_figures *out,
                    aglm_error *err)
{
    aglm_answer_sheet s = {0};
    aglm_asker *k = NULL;
    aglm_rc rc = aglm_asker_new(&k, a, r->lm, err);

    if (rc == AGLM_OK)
        rc = aglm_answer_measure(&s, r->result->metric, k, &r->test, r->o->tune.cancel, err);
    if (rc == AGLM_OK)
        rc = aglm_answer_sheet_interval(&s, r->o->tune.seed, &out->value_95, err);
    if (rc == AGLM_OK) {
        out->value = aglm_answer_sheet_value(&s);
        out->tokens_read = s.tokens_read / (double)s.n;
        out->tokens_written = s.tokens_written / (double)s.n;
        out->mean_s = aglm_answer_sheet_mean_s(&s);
    }
    aglm_answer_sheet_clear(&s);
    aglm_asker_free(k);
    return rc;
}

/* The plain question, unless it won. */
static aglm_rc test_plain(aglm_answer_run *r, const aglm_trial *winner, aglm_error *err)
{
    double x[AGLM_HPARAM_MAX];
    aglm_answerer *a = NULL;
    aglm_rc rc = AGLM_OK;

    plain_point(r, x);
    if (aglm_space_same(r->space, x, winner->x))
        r->result->plain = r->result->tuned;
    else if ((rc = make(r, &a, x, r->lm, r->pool.n, err)) == AGLM_OK)
        rc = test(r, a, &r->result->plain, err);
    aglm_answerer_free(a);
    return rc;
}

/* Examples chosen by likeness come from the validation part, too, from now on: the fixed ones are
 * those that were measured. */
static aglm_rc take(aglm_answer_run *r, const aglm_trial *winner, aglm_error *err)
{
    aglm_answer_result *res = r->result;
    int example = aglm_space_find(r->space, "examples");
    bool alike = example >= 0 && winner->x[example] > 0;
    aglm_answerer *a = NULL;
    aglm_rc rc = make(r, &a, winner->x, r->lm, alike ? r->pool.n + r->valid.n : r->pool.n, err);

    if (rc != AGLM_OK)
        return rc;
    res->number = winner->number;
    res->value = winner->values[0];
    res->params = params_of(r, winner->x);
    res->bundle.task = AGLM_TASK_GENERATION;
    res->bundle.n_members = 1;
    res->bundle.members[0] = (aglm_member){.model = aglm_answerer_model(a),
                                           .weight = 1,
                                           .calibration = {.scale = 1},
                                           .params_json = params_of(r, winner->x),
                                           .trial = winner->number};
    return test(r, a, &res->tuned, err);
}

static aglm_rc finish(aglm_answer_run *r, aglm_error *err)
{
    aglm_arena arena;
    aglm_trial *trials = NULL;
    size_t n = 0;

    phase(r, AGLM_TUNE_PHASE, "test");
    aglm_arena_init(&arena, 1ULL << 30);
    aglm_rc rc = aglm_study_trials(r->study, &arena, &trials, &n, err);
    const aglm_trial *winner = rc == AGLM_OK ? choose(r, trials, n) : NULL;
    if (winner) {
        rc = take(r, winner, err);
        if (rc == AGLM_OK)
            rc = test_plain(r, winner, err);
    } else if (rc == AGLM_OK) {
        rc = aglm_error_set(err, AGLM_CANCELLED,
                            "no prompt was measured in full; give a longer --budget");
    }
    aglm_arena_clear(&arena);
    return rc;
}

/* ---- all of it ---- */

static void count_trials(aglm_answer_run *r)
{
    r->result->trials_complete = aglm_study_count(r->study, AGLM_TRIAL_COMPLETE);
    r->result->trials_pruned = aglm_study_count(r->study, AGLM_TRIAL_PRUNED);
    r->result->trials_failed = aglm_study_count(r->study, AGLM_TRIAL_FAIL);
    r->result->search_s = aglm_clock_since_s(r->start_ns);
}

static aglm_rc run_all(aglm_answer_run *r, aglm_error *err)
{
    aglm_rc rc;

    if ((rc = open_run(r, err)) != AGLM_OK || r->o->dry || (rc = search(r, err)) != AGLM_OK)
        return rc;
    count_trials(r);
    r->result->interrupted = aglm_cancel_requested(r->o->tune.cancel);
    if (r->result->interrupted)
        return aglm_error_set(err, AGLM_CANCELLED,
                              "interrupted; every finished trial is saved in study \"%s\"",
                              r->result->study);
    if ((rc = finish(r, err)) != AGLM_OK)
        return rc;
    if (r->o->tune.out && (rc = aglm_answer_publish(r, err)) != AGLM_OK)
        return rc;
    r->result->total_s = aglm_clock_since_s(r->start_ns);
    phase(r, AGLM_TUNE_DONE, NULL);
    return AGLM_OK;
}

static void close_run(aglm_answer_run *r)
{
    aglm_study_close(r->study);
    aglm_store_close(r->store);
    aglm_space_free(r->space);
    aglm_lm_close(r->lm);
    aglm_example_set_free(r->set);
    aglm_table_free(r->table);
    free(r->rows);
    pthread_mutex_destroy(&r->lock);
    free(r);
}

aglm_rc aglm_answer_tune(aglm_answer_result *out, const aglm_answer_options *options,
                         aglm_error *err)
{
    const aglm_tune_options *o = &options->tune;
    aglm_answer_run *r = aglm_calloc(1, sizeof *r);

    memset(out, 0, sizeof *out);
    if (!r)
        return aglm_error_set(err, AGLM_NOMEM, "out of memory for a tuning run");
    pthread_mutex_init(&r->lock, NULL);
    r->o = options;
    r->result = out;
    r->best_number = -1;
    r->start_ns = aglm_clock_ns();
    r->threads = o->threads ? o->threads : aglm_cpu_count();
    aglm_cancel_init(&r->search, o->cancel,
                     o->budget_ns ? r->start_ns + (uint64_t)(SEARCH_SHARE * (double)o->budget_ns)
                                  : 0);
    aglm_rc rc = run_all(r, err);
    close_run(r);
    return rc;
}

void aglm_answer_result_clear(aglm_answer_result *r)
{
    free(r->params);
    aglm_bundle_clear(&r->bundle);
    aglm_str_clear(&r->evidence);
    memset(r, 0, sizeof *r);
}
