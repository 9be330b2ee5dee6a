#include "tune/candidate.h"

#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "eval/latency.h"

#define PROBE_CALLS 400
#define PROBE_NS 50000000ULL

/* Scratch of one measuring run. */
struct run {
    const aglm_candidate *c;
    const aglm_measure *m;
    void *self;            /* the opened learner */
    aglm_dataset *part;    /* its documents where they are not all */
    uint32_t *train;       /* [docs] */
    uint32_t *test;        /* [docs] */
    const uint32_t *asked; /* the test documents as the opened learner numbers them */
    float *probs;          /* [n_docs x labels] */
    size_t docs, labels;
    double open_s;
};

/* What a measuring run takes for itself: the tables of logits and probabilities, and rows. */
static uint64_t own_bytes(const aglm_measure *m)
{
    uint64_t docs = aglm_dataset_size(m->data), labels = aglm_dataset_n_labels(m->data);

    return m->plan->n_measured * (2 * sizeof(float) * labels + 1) + docs * 2 * sizeof(uint32_t);
}

/* A learner holds features and weights, each below half of what is left. */
static aglm_fit_context context_of(const aglm_candidate *c, const aglm_measure *m)
{
    uint64_t own = own_bytes(m), most = m->max_memory_bytes;

    return (aglm_fit_context){
        .seed = c->seed,
        .cancel = m->cancel,
        .max_memory_bytes = most ? (most > own + 1 ? (most - own) / 2 : 1) : 0,
        .language_model = m->language_model,
        .hidden = m->hidden,
        .language_models = m->language_models,
    };
}

static aglm_rc run_init(struct run *r, aglm_outcome *out, aglm_error *err)
{
    const aglm_stage_plan *plan = r->m->plan;

    r->docs = aglm_dataset_size(r->m->data);
    r->labels = aglm_dataset_n_labels(r->m->data);
    out->docs = plan->measured;
    out->n_docs = plan->n_measured;
    if (r->m->max_memory_bytes && own_bytes(r->m) > r->m->max_memory_bytes)
        return aglm_error_set(err, AGLM_LIMIT,
                              "scores of %zu documents x %zu labels need more memory than is "
                              "allowed (--max-memory); use fewer --threads",
                              out->n_docs, r->labels);
    r->train = aglm_calloc(r->docs, sizeof *r->train);
    r->test = aglm_calloc(r->docs, sizeof *r->test);
    r->probs = aglm_calloc(out->n_docs * r->labels, sizeof *r->probs);
    out->logits = aglm_calloc(out->n_docs * r->labels, sizeof *out->logits);
    out->scored = aglm_calloc(out->n_docs, 1);
    if (!r->train || !r->test || !r->probs || !out->logits || !out->scored)
        return aglm_error_set(err, AGLM_NOMEM, "out of memory for %zu documents x %zu labels",
                              out->n_docs, r->labels);
    return AGLM_OK;
}

static void close_learner(struct run *r)
{
    if (r->self)
        r->c->learner->close(r->self);
    r->self = NULL;
    aglm_dataset_free(r->part);
    r->part = NULL;
}

static aglm_rc open_learner(struct run *r, const aglm_dataset *data, aglm_error *err)
{
    aglm_fit_context ctx = context_of(r->c, r->m);
    uint64_t start = aglm_clock_ns();
    aglm_rc rc = r->c->learner->open(&r->self, data, r->c->values, &ctx, err);

    r->open_s = aglm_clock_since_s(start);
    return rc;
}

/* A growing part is read alone, so that an early stage costs what its documents do: those to learn
 * from come first, then those to test on. */
static aglm_rc open_part(struct run *r, size_t n_train, size_t n_test, aglm_error *err)
{
    close_learner(r);
    memcpy(r->train + n_train, r->test, n_test * sizeof *r->test);
    aglm_rc rc = aglm_dataset_select(&r->part, r->m->data, r->train, n_train + n_test, err);
    for (size_t i = 0; i < n_train + n_test; i++)
        r->train[i] = (uint32_t)i;
    r->asked = r->train + n_train;
    return rc == AGLM_OK ? open_learner(r, r->part, err) : rc;
}

static aglm_rc open_stage(struct run *r, size_t n_train, size_t n_test, aglm_error *err)
{
    if (aglm_stage_plan_grows(r->m->plan))
        return open_part(r, n_train, n_test, err);
    r->asked = r->test;
    return r->self ? AGLM_OK : open_learner(r, r->m->data, err);
}

static void run_close(struct run *r)
{
    close_learner(r);
    free(r->train);
    free(r->test);
    free(r->probs);
}

/* Scores the stage's held-out rows into the outcome's table; r->probs serves as a dense buffer on
 * the way. */
static aglm_rc score_rows(struct run *r, aglm_outcome *out, size_t n_test, aglm_error *err)
{
    aglm_rc rc = r->c->learner->score(r->self, out->model, r->asked, n_test, r->probs, err);

    if (rc != AGLM_OK)
        return rc;
    for (size_t i = 0; i < n_test; i++) {
        size_t at = r->m->plan->place[r->test[i]];
        memcpy(out->logits + at * r->labels, r->probs + i * r->labels,
               r->labels * sizeof *r->probs);
        out->scored[at] = 1;
    }
    return AGLM_OK;
}

size_t aglm_outcome_probs(const aglm_outcome *o, const aglm_dataset *d, uint32_t *rows,
                          float *probs)
{
    size_t labels = aglm_dataset_n_labels(d), n = 0;
    aglm_task task = aglm_dataset_task(d);

    for (size_t i = 0; i < o->n_docs; i++) {
        if (!o->scored[i])
            continue;
        aglm_calibration_apply(&o->calibration, task, o->logits + i * labels, labels,
                               probs + n * labels);
        rows[n++] = o->docs[i];
    }
    return n;
}

static aglm_rc value_of(struct run *r, aglm_outcome *out, aglm_error *err)
{
    size_t n = 0;

    for (size_t i = 0; i < out->n_docs; i++) {
        if (!out->scored[i])
            continue;
        memcpy(r->probs + n * r->labels, out->logits + i * r->labels, r->labels * sizeof *r->probs);
        r->test[n++] = out->docs[i];
    }
    aglm_rc rc = aglm_calibration_fit(&out->calibration, r->m->data, r->test, n, r->probs, err);
    if (rc != AGLM_OK)
        return rc;
    n = aglm_outcome_probs(out, r->m->data, r->test, r->probs);
    return aglm_score_metric(&out->value, r->m->metric,
                             &(aglm_predicted){r->m->data, r->test, n, r->probs}, err);
}

struct probe {
    aglm_predictor *predictor;
    const aglm_learner_ops *learner;
    float *logits;
};

static aglm_rc probe_one(void *arg, const char *text, size_t len, aglm_error *err)
{
    struct probe *p = arg;

    return p->learner->predict(p->predictor, text, len, p->logits, err);
}

static aglm_rc probe_latency(struct run *r, aglm_outcome *out, size_t n_test, aglm_error *err)
{
    struct probe p = {.learner = r->c->learner, .logits = r->probs};
    aglm_latency_plan plan = {.data = r->m->data,
                              .rows = r->test,
                              .n = n_test,
                              .predict = probe_one,
                              .arg = &p,
                              .max_calls = PROBE_CALLS,
                              .max_ns = PROBE_NS};
    aglm_latency found;
    aglm_rc rc = p.learner->predictor(&p.predictor, out->model, err);

    if (rc != AGLM_OK)
        return rc;
    rc = aglm_latency_probe(&found, &plan, err);
    if (rc == AGLM_OK)
        out->latency_p95_us = found.p95_us;
    p.learner->free_predictor(p.predictor);
    return rc;
}

static aglm_rc run_stage(struct run *r, aglm_outcome *out, unsigned stage, aglm_error *err)
{
    aglm_fit_context ctx = context_of(r->c, r->m);
    size_t n_train = aglm_stage_train_rows(r->m->plan, stage, r->train);
    size_t n_test = aglm_stage_test_rows(r->m->plan, stage, r->test);
    aglm_model *fitted = NULL;
    aglm_rc rc = open_stage(r, n_train, n_test, err);

    if (rc != AGLM_OK)
        return rc;
    uint64_t start = aglm_clock_ns();
    if ((rc = r->c->learner->fit(r->self, r->train, n_train, &ctx, &fitted, err)) != AGLM_OK)
        return rc;
    aglm_model_free(out->model);
    out->model = fitted;
    out->fit_s = aglm_clock_since_s(start) + r->open_s;
    if ((rc = score_rows(r, out, n_test, err)) != AGLM_OK)
        return rc;
    if (r->m->probe_latency && (rc = probe_latency(r, out, n_test, err)) != AGLM_OK)
        return rc;
    out->reading = aglm_model_reading(out->model);
    if ((rc = aglm_model_size(out->model, &out->bytes, err)) != AGLM_OK)
        return rc;
    if ((rc = value_of(r, out, err)) == AGLM_OK)
        out->stages_done = stage + 1;
    return rc;
}

aglm_rc aglm_candidate_measure(aglm_outcome *out, const aglm_candidate *c, const aglm_measure *m,
                               aglm_error *err)
{
    struct run r = {.c = c, .m = m};
    aglm_rc rc;

    memset(out, 0, sizeof *out);
    rc = run_init(&r, out, err);
    for (unsigned s = 0; rc == AGLM_OK && s < m->plan->n_stages; s++) {
        rc = aglm_cancelled(m->cancel) ? aglm_error_set(err, AGLM_CANCELLED, "out of time")
                                       : run_stage(&r, out, s, err);
        if (rc == AGLM_OK && m->pruned && m->pruned(m->arg, s, out->value) &&
            s + 1 < m->plan->n_stages)
            rc = AGLM_PRUNED;
    }
    run_close(&r);
    return rc;
}

void aglm_outcome_clear(aglm_outcome *o)
{
    free(o->logits);
    free(o->scored);
    aglm_model_free(o->model);
    memset(o, 0, sizeof *o);
}

aglm_rc aglm_candidate_refit(aglm_model **out, const aglm_candidate *c, const aglm_measure *m,
                             aglm_error *err)
{
    aglm_fit_context ctx = context_of(c, m);
    size_t docs = aglm_dataset_size(m->data);
    void *self = NULL;
    aglm_rc rc;

    uint32_t *rows = aglm_calloc(docs, sizeof *rows);
    if (!rows)
        return aglm_error_set(err, AGLM_NOMEM, "out of memory for %zu rows", docs);
    memcpy(rows, m->plan->order, docs * sizeof *rows);
    if ((rc = c->learner->open(&self, m->data, c->values, &ctx, err)) != AGLM_OK)
        goto done;
    rc = c->learner->fit(self, rows, docs, &ctx, out, err);
done:
    if (self)
        c->learner->close(self);
    free(rows);
    return rc;
}
