#include "autoglm/automodel.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "tune/run.h"

struct aglm_automodel {
    aglm_bundle *bundle;
    aglm_bundle_predictor *predictor;
};

void aglm_tune_config_init(aglm_tune_config *c)
{
    memset(c, 0, sizeof *c);
    c->budget_s = 60;
}

static void on_event(void *arg, const aglm_tune_event *e)
{
    const aglm_tune_config *c = arg;

    if (e->kind == AGLM_TUNE_TRIAL_END && c->on_trial)
        c->on_trial(c->arg, e->number, e->value, e->best_value);
}

static aglm_rc set_options(aglm_tune_options *o, const aglm_tune_config *c, aglm_error *err)
{
    aglm_metric metric;

    aglm_tune_options_init(o);
    if (!c->file || !c->out)
        return aglm_error_set(err, AGLM_INVALID, "file and out are needed");
    if (!(c->budget_s >= 0) || c->budget_s > 1e9 || c->trials < 0 ||
        (c->budget_s == 0 && c->trials == 0))
        return aglm_error_set(err, AGLM_INVALID,
                              "budget_s and trials: one must be above zero, none below");
    if (c->metric && !aglm_metric_from_name(c->metric, &metric))
        return aglm_error_set(err, AGLM_INVALID, "metric \"%.60s\": expected one of %s", c->metric,
                              aglm_metric_names());
    o->metric = c->metric ? (int)metric : -1;
    o->input.file = c->file;
    o->input.valid = c->valid;
    o->input.task.label = c->label_column;
    o->input.task.text = c->text_column;
    o->budget_ns = (uint64_t)(c->budget_s * 1e9);
    o->trials = c->trials;
    o->threads = c->threads;
    o->seed = c->seed;
    o->storage = c->storage;
    o->out = c->out;
    o->on_event = on_event;
    return AGLM_OK;
}

static void summarise(aglm_tune_summary *s, const aglm_tune_result *r)
{
    s->value = r->score.value[r->metric];
    s->accuracy = r->score.value[AGLM_METRIC_ACCURACY];
    s->macro_f1 = r->score.value[AGLM_METRIC_MACRO_F1];
    s->bytes = r->bundle_bytes;
    s->latency_p95_us = r->latency_p95_us;
    s->trials = r->trials_complete + r->trials_pruned;
}

aglm_rc aglm_tune(const aglm_tune_config *c, aglm_tune_summary *summary, aglm_error *err)
{
    aglm_tune_config copy = *c;
    aglm_tune_options o;
    aglm_tune_result result;
    aglm_rc rc = set_options(&o, c, err);

    if (rc != AGLM_OK)
        return rc;
    o.arg = &copy;
    rc = aglm_tune_run(&result, &o, err);
    if (rc == AGLM_OK && summary)
        summarise(summary, &result);
    aglm_tune_result_clear(&result);
    return rc;
}

aglm_rc aglm_automodel_open(aglm_automodel **out, const char *bundle, aglm_error *err)
{
    aglm_automodel *m = aglm_calloc(1, sizeof *m);
    aglm_rc rc;

    if (!m)
        return aglm_error_set(err, AGLM_NOMEM, "out of memory for a model");
    if ((rc = aglm_bundle_load(&m->bundle, bundle, err)) != AGLM_OK ||
        (rc = aglm_bundle_predictor_new(&m->predictor, m->bundle, err)) != AGLM_OK) {
        aglm_automodel_close(m);
        return rc;
    }
    *out = m;
    return AGLM_OK;
}

void aglm_automodel_close(aglm_automodel *m)
{
    if (!m)
        return;
    aglm_bundle_predictor_free(m->predictor);
    aglm_bundle_free(m->bundle);
    free(m);
}

size_t aglm_automodel_n_labels(const aglm_automodel *m)
{
    return m->bundle->n_labels;
}

const char *aglm_automodel_label(const aglm_automodel *m, size_t label)
{
    return label < m->bundle->n_labels ? m->bundle->labels[label] : NULL;
}

aglm_rc aglm_automodel_predict(aglm_automodel *m, const char *text, size_t len, const float **probs,
                               aglm_error *err)
{
    return aglm_bundle_predict(m->predictor, text, len, probs, err);
}
