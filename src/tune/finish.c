#include "tune/run_priv.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "base/pool.h"
#include "eval/latency.h"

/* A blend may weigh so much where no --max-size says otherwise; one model is never too large. */
#define BLEND_BYTES 18000000
#define PROBE_CALLS 2000
#define PROBE_NS 150000000ULL
/* Documents drawn in all resamples together: bounds the time of the intervals on large data. */
#define BOOTSTRAP_DRAWS 20000000ULL

struct refit {
    aglm_run *r;
    const aglm_finalist *item;
    aglm_model *model;
    aglm_rc rc;
    aglm_error err;
};

static void refit_one(void *arg, size_t i)
{
    struct refit *job = (struct refit *)arg + i;
    aglm_measure m = aglm_run_measure(job->r, &job->r->stop);

    job->rc = aglm_candidate_refit(&job->model, &job->item->candidate, &m, &job->err);
}

static aglm_rc refit_all(aglm_run *r, struct refit *jobs, size_t n, aglm_error *err)
{
    aglm_pool *pool = NULL;
    aglm_rc rc = aglm_pool_new(&pool, r->threads, n, err);

    if (rc != AGLM_OK)
        return rc;
    rc = aglm_pool_for(pool, n, refit_one, jobs, err);
    aglm_pool_free(pool);
    for (size_t i = 0; rc == AGLM_OK && i < n; i++) {
        rc = jobs[i].rc;
        if (rc != AGLM_OK && err)
            *err = jobs[i].err;
    }
    return rc;
}

/* The parameters of a stored trial as a JSON object for the caller to free. */
static aglm_rc trial_params(aglm_run *r, int64_t number, char **json, aglm_error *err)
{
    aglm_trial trial;
    aglm_arena arena;

    aglm_arena_init(&arena, 1 << 24);
    aglm_rc rc = aglm_study_trial(r->study, number, &arena, &trial, err);
    if (rc == AGLM_OK && !(*json = aglm_run_params(r, trial.x)))
        rc = aglm_error_set(err, AGLM_NOMEM, "out of memory for a trial's parameters");
    aglm_arena_clear(&arena);
    return rc;
}

static aglm_rc set_member(aglm_run *r, const aglm_finalist *item, aglm_model *model, double weight,
                          aglm_error *err)
{
    aglm_bundle *b = &r->result->bundle;
    aglm_member *m = &b->members[b->n_members++];

    *m = (aglm_member){.model = model,
                       .calibration = item->outcome.calibration,
                       .weight = weight,
                       .trial = item->number};
    return trial_params(r, item->number, &m->params_json, err);
}

/* No time for a refit: the best candidate's last fold's model has learned from most of the data. */
static aglm_rc stand_in(aglm_run *r, aglm_finalists *f, aglm_blend *blend, aglm_error *err)
{
    aglm_model *model = f->items[0].outcome.model;

    f->items[0].outcome.model = NULL;
    *blend = (aglm_blend){.n = 1, .votes = {1}, .total = 1, .value = f->items[0].outcome.value};
    r->result->refitted = false;
    return set_member(r, &f->items[0], model, 1.0, err);
}

static aglm_rc refit_blend(aglm_run *r, aglm_finalists *f, aglm_blend *blend, aglm_error *err)
{
    struct refit jobs[AGLM_FINALISTS_MAX];
    aglm_rc rc;

    memset(jobs, 0, sizeof jobs);
    for (size_t i = 0; i < blend->n; i++)
        jobs[i] = (struct refit){.r = r, .item = &f->items[blend->member[i]]};
    rc = refit_all(r, jobs, blend->n, err);
    if (rc != AGLM_OK) {
        for (size_t i = 0; i < blend->n; i++)
            aglm_model_free(jobs[i].model);
        return rc == AGLM_CANCELLED && f->items[0].outcome.model ? stand_in(r, f, blend, err) : rc;
    }
    r->result->refitted = true;
    for (size_t i = 0; i < blend->n; i++) {
        aglm_rc one = set_member(r, jobs[i].item, jobs[i].model,
                                 (double)blend->votes[i] / blend->total, err);
        rc = rc == AGLM_OK ? one : rc;
    }
    return rc;
}

static aglm_rc copy_labels(aglm_run *r, aglm_error *err)
{
    aglm_bundle *b = &r->result->bundle;
    size_t n = aglm_dataset_n_labels(r->input.data);

    b->task = aglm_dataset_task(r->input.data);
    b->labels = aglm_calloc(n, sizeof *b->labels);
    for (size_t i = 0; b->labels && i < n; i++) {
        const char *name = aglm_dataset_label(r->input.data, i);
        if (!(b->labels[i] = aglm_strndup(name, strlen(name))))
            break;
        b->n_labels++;
    }
    return b->n_labels == n ? AGLM_OK
                            : aglm_error_set(err, AGLM_NOMEM, "out of memory for the labels");
}

static aglm_rc score_blend(aglm_run *r, const aglm_finalists *f, const aglm_blend *blend,
                           aglm_error *err)
{
    size_t docs = r->stages.n_measured, labels = r->shape.labels, n = 0;
    uint32_t *rows = aglm_calloc(docs, sizeof *rows);
    float *probs = aglm_calloc(docs * labels, sizeof *probs);
    aglm_score *score = &r->result->score;
    aglm_rc rc;

    if (!rows || !probs) {
        rc = aglm_error_set(err, AGLM_NOMEM, "out of memory to score %zu documents", docs);
        goto done;
    }
    if ((rc = aglm_blend_probs(blend, f, r->input.data, rows, probs, &n, err)) != AGLM_OK)
        goto done;
    if ((rc = aglm_score_make(score, &(aglm_predicted){r->input.data, rows, n, probs}, err)) !=
        AGLM_OK)
        goto done;
    uint64_t rounds = BOOTSTRAP_DRAWS / (n ? n : 1);
    rounds = rounds > 1000 ? 1000 : rounds < 100 ? 100 : rounds;
    rc = aglm_score_bootstrap(score, &(aglm_predicted){r->input.data, rows, n, probs},
                              (unsigned)rounds, r->o->seed, err);
done:
    free(rows);
    free(probs);
    return rc;
}

static aglm_rc predict_one(void *arg, const char *text, size_t len, aglm_error *err)
{
    const float *probs;

    return aglm_bundle_predict(arg, text, len, &probs, err);
}

static aglm_rc probe_bundle(aglm_run *r, aglm_error *err)
{
    aglm_tune_result *out = r->result;
    aglm_bundle_predictor *p = NULL;
    aglm_latency found;
    aglm_rc rc = aglm_bundle_predictor_new(&p, &out->bundle, err);

    if (rc != AGLM_OK)
        return rc;
    aglm_latency_plan plan = {.data = r->input.data,
                              .rows = r->stages.order,
                              .n = r->stages.docs,
                              .predict = predict_one,
                              .arg = p,
                              .max_calls = PROBE_CALLS,
                              .max_ns = PROBE_NS};
    rc = aglm_latency_probe(&found, &plan, err);
    aglm_bundle_predictor_free(p);
    if (rc != AGLM_OK)
        return rc;
    out->latency_p50_us = found.p50_us;
    out->latency_p95_us = found.p95_us;
    out->latency_p99_us = found.p99_us;
    out->docs_per_s = found.docs_per_s;
    return aglm_bundle_size(&out->bundle, &out->bundle_bytes, err);
}

static aglm_rc add_leader(aglm_run *r, const aglm_finalist *item, bool chosen, aglm_error *err)
{
    aglm_leader *l = &r->result->leaders[r->result->n_leaders];
    const aglm_outcome *o = &item->outcome;

    *l = (aglm_leader){.number = item->number,
                       .value = o->value,
                       .latency_us = o->latency_p95_us,
                       .bytes = o->bytes,
                       .fit_s = o->fit_s,
                       .members = 1,
                       .chosen = chosen};
    snprintf(l->name, sizeof l->name, "%s", item->candidate.learner->name);
    aglm_rc rc = trial_params(r, item->number, &l->params, err);
    r->result->n_leaders += rc == AGLM_OK;
    return rc;
}

static aglm_rc fill_leaders(aglm_run *r, const aglm_finalists *f, const aglm_blend *blend,
                            aglm_error *err)
{
    aglm_rc rc = AGLM_OK;

    if (blend->n > 1) {
        aglm_leader *l = &r->result->leaders[r->result->n_leaders++];
        *l = (aglm_leader){.name = "blend",
                           .number = -1,
                           .value = blend->value,
                           .members = blend->n,
                           .chosen = true,
                           .latency_us = r->result->latency_p95_us,
                           .bytes = r->result->bundle_bytes};
        for (size_t i = 0; i < blend->n; i++)
            l->fit_s += f->items[blend->member[i]].outcome.fit_s;
    }
    for (size_t i = 0; rc == AGLM_OK && i < f->n; i++)
        rc = add_leader(r, &f->items[i], blend->n == 1 && blend->member[0] == i, err);
    return rc;
}

static aglm_finalists *choose_from(aglm_run *r)
{
    if (r->finalists.n)
        return &r->finalists;
    if (r->spare.n) {
        r->result->infeasible = true;
        return &r->spare;
    }
    return r->partial.n ? &r->partial : NULL;
}

static aglm_rc nothing_learned(const aglm_run *r, aglm_error *err)
{
    if (r->result->trials_failed && r->error.msg[0])
        return aglm_error_set(err, r->error.rc, "%s", r->error.msg);
    return aglm_error_set(
        err, AGLM_CANCELLED,
        "the budget ended before one model was learned from %zu documents; give a longer --budget",
        r->stages.docs);
}

/* Texts shorter than this are labelled some 100,000 a second by one model; a blend of different
 * readings would halve that. Longer ones are slower anyway, and so is what asks a language model.
 */
#define SHORT_CHARS 100

static bool wants_speed(const aglm_run *r)
{
    return r->o->blend == AGLM_BLEND_FAST ||
           (r->o->blend == AGLM_BLEND_AUTO && r->shape.mean_chars < SHORT_CHARS &&
            !r->o->language_model);
}

aglm_rc aglm_run_finish(aglm_run *r, aglm_error *err)
{
    aglm_blend_limits limits = {
        .max_members = r->o->blend == AGLM_BLEND_NONE ? 1 : AGLM_MEMBERS_MAX,
        .one_reading = wants_speed(r),
        .max_bytes = (uint64_t)((double)(r->o->max_bytes ? r->o->max_bytes : BLEND_BYTES) *
                                aglm_stage_share(&r->stages)),
        .max_latency_us = r->o->max_latency_us,
        .max_fit_s = aglm_run_refit_limit_s(r),
        .threads = r->threads,
    };
    aglm_finalists *f = choose_from(r);
    uint64_t start = aglm_clock_ns();
    aglm_blend blend;
    aglm_rc rc;

    if (!f)
        return nothing_learned(r, err);
    aglm_run_phase(r, "refit");
    if (r->end_ns) /* what follows the refit has its time too */
        atomic_store(&r->stop.deadline_ns, r->end_ns - (uint64_t)(0.5e9 * aglm_run_overhead_s(r)));
    if ((rc = aglm_blend_choose(&blend, f, r->input.data, r->metric, &limits, err)) != AGLM_OK ||
        (rc = copy_labels(r, err)) != AGLM_OK || (rc = refit_blend(r, f, &blend, err)) != AGLM_OK ||
        (rc = score_blend(r, f, &blend, err)) != AGLM_OK || (rc = probe_bundle(r, err)) != AGLM_OK)
        return rc;
    r->result->refit_s = aglm_clock_since_s(start);
    if (r->o->max_bytes && r->result->bundle_bytes > r->o->max_bytes)
        r->result->infeasible = true;
    return fill_leaders(r, f, &blend, err);
}
