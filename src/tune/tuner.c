#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "base/memory.h"
#include "search/sampler.h"
#include "tune/tuner_priv.h"

static aglm_rc check_sampler(const char *name, aglm_error *err)
{
    const aglm_sampler_ops *ops;
    aglm_sampler_options options = {0};
    aglm_rc rc = aglm_sampler_parse(name, &ops, &options, err);

    if (rc != AGLM_OK)
        aglm_error_prefix(err, "strategy");
    return rc;
}

aglm_rc aglm_tuner_new(aglm_tuner **out, const char *model, const char *space, const char *strategy,
                       aglm_error *err)
{
    const char *text = space ? space : aglm_tuner_default_space();
    const char *sampler = !strategy || strcmp(strategy, "bayesian") == 0 ? "auto" : strategy;
    aglm_rc rc;

    *out = NULL;
    if (!model || !aglm_path_exists(model))
        return aglm_error_set(err, AGLM_NOTFOUND, "%.300s: there is no such model file",
                              model ? model : "(none)");
    aglm_tuner *t = aglm_calloc(1, sizeof *t);
    if (!t)
        return aglm_error_set(err, AGLM_NOMEM, "no memory for a tuner");
    t->model = aglm_strndup(model, strlen(model));
    t->space = aglm_strndup(text, strlen(text));
    t->sampler = aglm_strndup(sampler, strlen(sampler));
    rc = t->model && t->space && t->sampler
             ? aglm_tuner_plan_init(&t->plan, text, err)
             : aglm_error_set(err, AGLM_NOMEM, "no memory for a tuner");
    if (rc == AGLM_OK)
        rc = check_sampler(sampler, err);
    if (rc != AGLM_OK)
        aglm_tuner_free(t);
    else
        *out = t;
    return rc;
}

static void forget(aglm_tuner *t)
{
    aglm_bundle_predictor_free(t->predictor);
    t->predictor = NULL;
    aglm_bundle_clear(&t->bundle);
    free(t->study_json);
    t->study_json = NULL;
    t->result = (aglm_tuner_result){0};
}

void aglm_tuner_free(aglm_tuner *t)
{
    if (!t)
        return;
    forget(t);
    aglm_hidden_unref(t->hidden);
    aglm_tuner_plan_clear(&t->plan);
    free(t->model);
    free(t->space);
    free(t->sampler);
    free(t);
}

/* Fitting. The model stays open from one fit to the next that reads texts the same way. */
static aglm_rc open_model(aglm_tuner *t, const aglm_tuner_options *o, aglm_error *err)
{
    const aglm_hidden_options options = {
        .model = t->model, .max_tokens = o->max_tokens, .cache = o->cache};

    if (t->hidden && t->max_tokens == o->max_tokens && !o->cache)
        return AGLM_OK;
    aglm_hidden_unref(t->hidden);
    t->hidden = NULL;
    t->max_tokens = o->max_tokens;
    return aglm_hidden_open(&t->hidden, &options, err);
}

aglm_rc aglm_tuner_fit(aglm_tuner *t, const aglm_tuner_data *data,
                       const aglm_tuner_options *options, aglm_error *err)
{
    const aglm_tuner_options none = {0};
    const aglm_tuner_options *o = options ? options : &none;

    if (o->trials < 0 || !(o->budget_s >= 0) || o->budget_s > 1e9)
        return aglm_error_set(err, AGLM_INVALID, "trials and budget_s: none may be below zero");
    forget(t);
    t->seed = o->seed;
    aglm_rc rc = open_model(t, o, err);
    if (rc == AGLM_OK)
        rc = aglm_tuner_search(t, data, o, err);
    if (rc != AGLM_OK)
        forget(t);
    return rc;
}

static aglm_rc need_fit(const aglm_tuner *t, aglm_error *err)
{
    return t->predictor ? AGLM_OK
                        : aglm_error_set(err, AGLM_NOTFOUND, "the tuner has not been fitted");
}

aglm_rc aglm_tuner_best(const aglm_tuner *t, aglm_tuner_result *out, aglm_error *err)
{
    *out = t->result;
    return need_fit(t, err);
}

size_t aglm_tuner_n_labels(const aglm_tuner *t)
{
    return t->bundle.n_labels;
}

const char *aglm_tuner_label(const aglm_tuner *t, size_t label)
{
    return label < t->bundle.n_labels ? t->bundle.labels[label] : NULL;
}

aglm_rc aglm_tuner_predict(aglm_tuner *t, const char *text, size_t len, const float **probs,
                           aglm_error *err)
{
    aglm_rc rc = need_fit(t, err);

    return rc == AGLM_OK ? aglm_bundle_predict(t->predictor, text, len, probs, err) : rc;
}

static void write_more(void *arg, aglm_json_writer *w)
{
    const aglm_tuner *t = arg;

    aglm_json_member_int(w, "seed", (int64_t)t->seed);
    aglm_json_member_text(w, "language_model", t->model);
    aglm_json_key(w, "metrics");
    aglm_json_open_object(w);
    aglm_json_member_text(w, "chosen_by", aglm_metric_name(t->metric));
    aglm_json_member_double(w, "accuracy", t->result.accuracy);
    aglm_json_member_double(w, "macro_f1", t->result.macro_f1);
    aglm_json_close_object(w);
}

aglm_rc aglm_tuner_save(const aglm_tuner *t, const char *folder, aglm_error *err)
{
    const aglm_bundle_file study = {"study.json", t->study_json,
                                    t->study_json ? strlen(t->study_json) : 0};
    const aglm_bundle_extra extra = {
        .more = write_more, .arg = (void *)(uintptr_t)t, .files = &study, .n_files = 1};
    aglm_rc rc = need_fit(t, err);

    return rc == AGLM_OK ? aglm_bundle_save(&t->bundle, folder, &extra, err) : rc;
}
