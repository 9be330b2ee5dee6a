#include "autoglm/crossval.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "base/memory.h"
#include "tune/input.h"
#include "tune/learners.h"
#include "tune/plan.h"

#define FOLDS 5

struct aglm_crossval {
    aglm_input input;
    aglm_stage_plan stages;
    aglm_metric metric;
    uint64_t seed;
};

static aglm_rc set_metric(aglm_crossval *c, const char *name, aglm_error *err)
{
    aglm_task task = c->input.guess.task;

    c->metric = aglm_metric_default(task);
    if (name && !aglm_metric_from_name(name, &c->metric))
        return aglm_error_set(err, AGLM_INVALID, "metric \"%.60s\": expected one of %s", name,
                              aglm_metric_names());
    if (!aglm_metric_fits(c->metric, task))
        return aglm_error_set(err, AGLM_INVALID, "metric \"%.60s\": does not fit the task, %s",
                              aglm_metric_name(c->metric), aglm_task_name(task));
    return AGLM_OK;
}

aglm_rc aglm_crossval_open(aglm_crossval **out, const aglm_crossval_config *config, aglm_error *err)
{
    const aglm_input_options options = {.file = config->file,
                                        .task = {.label = config->label_column}};
    unsigned folds = config->folds ? config->folds : FOLDS;
    aglm_rc rc;

    *out = NULL;
    if (!config->file || folds < 2)
        return aglm_error_set(err, AGLM_INVALID, "cross-validation needs a file and 2 to 20 folds");
    aglm_crossval *c = aglm_calloc(1, sizeof *c);
    if (!c)
        return aglm_error_set(err, AGLM_NOMEM, "out of memory for a cross-validation");
    c->seed = config->seed;
    if ((rc = aglm_input_open(&c->input, &options, err)) != AGLM_OK ||
        (rc = set_metric(c, config->metric, err)) != AGLM_OK ||
        (rc = aglm_stage_plan_init(&c->stages, c->input.data, 0, folds, c->seed, err)) != AGLM_OK)
        aglm_crossval_close(c);
    else
        *out = c;
    return rc;
}

void aglm_crossval_close(aglm_crossval *c)
{
    if (!c)
        return;
    aglm_stage_plan_clear(&c->stages);
    aglm_input_clear(&c->input);
    free(c);
}

/* --- settings --- */

struct settings {
    aglm_hparam params[AGLM_HPARAM_MAX];
    size_t n;
    double *values; /* [n] */
};

static aglm_hparam *find_param(struct settings *s, const char *name, size_t *at)
{
    for (size_t i = 0; name && i < s->n; i++) {
        if (strcmp(s->params[i].name, name) == 0) {
            *at = i;
            return &s->params[i];
        }
    }
    return NULL;
}

static aglm_rc set_value(const aglm_hparam *h, const aglm_json *v, double *out, aglm_error *err)
{
    const char *text = aglm_json_string(v, NULL);

    if (h->kind != AGLM_HPARAM_CHOICE) {
        *out = aglm_json_double(v, NAN);
        return isnan(*out) ? aglm_error_set(err, AGLM_INVALID, "%s: expected a number, found %s",
                                            h->name, aglm_json_kind_name(v))
                           : AGLM_OK;
    }
    for (size_t i = 0; text && i < h->n_choices; i++) {
        if (strcmp(h->choices[i], text) == 0) {
            *out = (double)i;
            return AGLM_OK;
        }
    }
    return aglm_error_set(err, AGLM_INVALID, "%s: \"%.60s\" is none of its %zu choices", h->name,
                          text ? text : "", h->n_choices);
}

/* Parameters whose condition does not hold are none. */
static void drop_inactive(struct settings *s)
{
    size_t at = 0;

    for (size_t i = 0; i < s->n; i++) {
        if (!find_param(s, s->params[i].when, &at))
            continue;
        if (isnan(s->values[at]) || !(s->params[i].when_choices >> (unsigned)s->values[at] & 1))
            s->values[i] = NAN;
    }
}

static aglm_rc read_settings(const aglm_crossval *c, const aglm_json *root, aglm_candidate *out,
                             aglm_error *err)
{
    const char *name = aglm_json_string(aglm_json_get(root, "learner"), NULL), *key;
    const aglm_data_shape shape = aglm_plan_shape(c->input.data);
    struct settings s = {.values = out->values};
    aglm_json_iter it = aglm_json_iterate(root);
    const aglm_json *v;
    size_t at = 0;
    aglm_rc rc = AGLM_OK;

    out->learner = name ? aglm_learner_find(name) : NULL;
    if (!out->learner)
        return aglm_error_set(err, AGLM_INVALID, "learner: there is no \"%.60s\"",
                              name ? name : "");
    if ((s.n = out->learner->space(&shape, s.params)) == 0)
        return aglm_error_set(err, AGLM_INVALID, "learner %s: cannot learn from such data", name);
    for (size_t i = 0; i < s.n; i++)
        out->values[i] = s.params[i].start;
    while (rc == AGLM_OK && (v = aglm_json_next(&it, &key))) {
        if (strcmp(key, "learner") == 0)
            continue;
        const aglm_hparam *h = find_param(&s, key, &at);
        rc = h ? set_value(h, v, &out->values[at], err)
               : aglm_error_set(err, AGLM_INVALID, "%s has no parameter \"%.60s\"", name, key);
    }
    drop_inactive(&s);
    return rc;
}

aglm_rc aglm_crossval_score(const aglm_crossval *c, const char *settings, double *value,
                            aglm_error *err)
{
    const aglm_json_options options = {.origin = "settings"};
    const aglm_measure measure = {.data = c->input.data, .plan = &c->stages, .metric = c->metric};
    aglm_candidate candidate = {.seed = c->seed};
    aglm_json_doc *doc = NULL;
    aglm_outcome outcome;
    aglm_rc rc = aglm_json_parse(&doc, settings, strlen(settings), &options, err);

    *value = NAN;
    if (rc != AGLM_OK)
        return rc;
    rc = read_settings(c, aglm_json_root(doc), &candidate, err);
    aglm_json_free(doc);
    if (rc != AGLM_OK)
        return rc;
    rc = aglm_candidate_measure(&outcome, &candidate, &measure, err);
    if (rc == AGLM_OK)
        *value = outcome.value;
    aglm_outcome_clear(&outcome);
    return rc;
}
