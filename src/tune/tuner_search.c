/* One fit of the GLM tuner: documents, their hidden states, the search, the best head. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "autoglm/study.h"
#include "base/hash.h"
#include "base/memory.h"
#include "lm/head.h"
#include "search/study.h"
#include "tune/candidate.h"
#include "tune/input.h"
#include "tune/tuner_priv.h"

#define FOLDS 5
#define TRIALS 30
#define MAX_DOCUMENTS_BYTES ((size_t)1 << 30)
#define MAX_STUDY_BYTES ((size_t)64 << 20)

typedef struct search {
    aglm_tuner *t;
    const aglm_tuner_options *o;
    const aglm_dataset *data;
    aglm_stage_plan stages;
    aglm_metric metric;
    aglm_cancel budget;
    uint64_t start_ns;

    aglm_outcome best; /* of trial `number`; n_docs 0: none yet */
    aglm_candidate candidate;
    int64_t number;
    aglm_error failed; /* the first trial that failed */
} search;

/* ---- documents ---- */

static void write_documents(const aglm_tuner_data *data, aglm_str *out)
{
    for (size_t i = 0; i < data->n; i++) {
        aglm_json_writer w;
        aglm_json_writer_init(&w, out);
        aglm_json_open_object(&w);
        aglm_json_member_text(&w, "text", data->texts[i]);
        aglm_json_member_text(&w, "label", data->labels[i]);
        aglm_json_close_object(&w);
        aglm_str_putc(out, '\n');
    }
}

static aglm_rc read_texts(aglm_input *in, const aglm_tuner_data *data, aglm_error *err)
{
    const aglm_read_options read = {.format = AGLM_FORMAT_JSONL};
    const aglm_task_options task = {.label = "label", .text = "text"};
    aglm_str rows;
    aglm_rc rc = AGLM_OK;

    for (size_t i = 0; rc == AGLM_OK && i < data->n; i++)
        if (!data->texts[i] || !data->labels[i])
            rc = aglm_error_set(err, AGLM_INVALID, "document %zu has no text or no label", i);
    if (rc != AGLM_OK)
        return rc;
    aglm_str_init(&rows, MAX_DOCUMENTS_BYTES);
    write_documents(data, &rows);
    if (rows.rc != AGLM_OK)
        rc = aglm_error_set(err, rows.rc, "%zu texts: %s", data->n, aglm_rc_text(rows.rc));
    if (rc == AGLM_OK)
        rc = aglm_table_parse(&in->table, "texts", rows.data, rows.len, &read, err);
    if (rc == AGLM_OK)
        rc = aglm_task_detect(&in->guess, in->table, &task, err);
    if (rc == AGLM_OK)
        rc = aglm_dataset_from_table(&in->data, in->table, &in->guess, NULL, err);
    aglm_str_clear(&rows);
    return rc;
}

static aglm_rc open_documents(aglm_input *in, const aglm_tuner_data *data, aglm_error *err)
{
    const aglm_input_options options = {.file = data->file, .task = {.label = data->label_column}};
    bool listed = data->texts && data->labels;
    aglm_rc rc;

    memset(in, 0, sizeof *in);
    if (listed == (data->file != NULL))
        return aglm_error_set(err, AGLM_INVALID, "data: give either a file or texts and labels");
    rc = listed ? read_texts(in, data, err) : aglm_input_open(in, &options, err);
    if (rc == AGLM_OK &&
        (aglm_dataset_schema(in->data) || aglm_dataset_task(in->data) == AGLM_TASK_REGRESSION))
        rc = aglm_error_set(err, AGLM_INVALID,
                            "data: the tuner learns labels of texts, not tables");
    return rc;
}

/* ---- hidden states ---- */

static aglm_rc read_states(search *s, aglm_error *err)
{
    float *x = aglm_calloc(aglm_hidden_size(s->t->hidden, AGLM_POOLING_BOTH), sizeof *x);
    size_t n = aglm_dataset_size(s->data);
    aglm_rc rc = x ? AGLM_OK : aglm_error_set(err, AGLM_NOMEM, "no memory for hidden states");

    for (size_t i = 0; rc == AGLM_OK && i < n; i++) {
        aglm_doc d = aglm_dataset_doc(s->data, i);
        const aglm_hidden_text t = {d.text, d.len, aglm_hidden_layer(s->t->hidden, 0),
                                    AGLM_POOLING_BOTH, &s->budget};
        rc = aglm_hidden_get(s->t->hidden, &t, x, err);
        if (rc == AGLM_CANCELLED)
            aglm_error_set(err, rc, "the budget of %g s ended after %zu of %zu texts were read",
                           s->o->budget_s, i, n);
    }
    free(x);
    s->t->result.read_s = aglm_clock_since_s(s->start_ns);
    return rc;
}

/* ---- trials ---- */

static aglm_measure measure_of(const search *s)
{
    return (aglm_measure){.data = s->data,
                          .plan = &s->stages,
                          .metric = s->metric,
                          .language_model = s->t->model,
                          .hidden = s->t->hidden};
}

static void take(search *s, aglm_outcome *o, const aglm_candidate *c, int64_t number)
{
    bool better = aglm_metric_maximize(s->metric) ? o->value > s->best.value
                                                  : o->value < s->best.value;

    if (s->best.n_docs && !better)
        return;
    aglm_outcome_clear(&s->best);
    s->best = *o;
    s->candidate = *c;
    s->number = number;
    memset(o, 0, sizeof *o);
}

static void tell(const search *s, int64_t number, double value, const double *x)
{
    aglm_json_writer w;
    aglm_str text;

    if (!s->o->on_trial)
        return;
    aglm_str_init(&text, 1 << 16);
    aglm_json_writer_init(&w, &text);
    aglm_point_write(s->t->plan.space, x, &w);
    s->o->on_trial(s->o->arg, number, value, text.rc == AGLM_OK ? text.data : "{}");
    aglm_str_clear(&text);
}

static aglm_rc score(void *arg, aglm_study *study, int64_t number, const double *x, double *value)
{
    search *s = arg;
    const aglm_measure m = measure_of(s);
    aglm_candidate c = {.learner = &aglm_learner_head,
                        .seed = aglm_mix64(s->o->seed ^ aglm_mix64((uint64_t)number + 1))};
    aglm_outcome o;
    aglm_error err = {0};

    (void)study;
    aglm_tuner_plan_values(&s->t->plan, x, c.values);
    aglm_rc rc = aglm_candidate_measure(&o, &c, &m, &err);
    *value = rc == AGLM_OK ? o.value : NAN;
    if (rc == AGLM_OK)
        take(s, &o, &c, number);
    else if (!s->failed.msg[0])
        s->failed = err;
    aglm_outcome_clear(&o);
    tell(s, number, *value, x);
    return rc;
}

static aglm_rc enqueue_start(search *s, aglm_study *study, aglm_error *err)
{
    double *x = aglm_calloc(s->t->plan.space->n, sizeof *x);

    if (!x)
        return aglm_error_set(err, AGLM_NOMEM, "no memory for a search");
    aglm_tuner_plan_start(&s->t->plan, x);
    aglm_rc rc = aglm_study_enqueue(study, x, NULL, err);
    free(x);
    return rc < 0 ? rc : AGLM_OK;
}

static void write_trials(const search *s, const aglm_trial *trials, size_t n, aglm_str *out)
{
    aglm_json_writer w;

    aglm_json_writer_init(&w, out);
    w.pretty = true;
    aglm_json_open_object(&w);
    aglm_json_member_text(&w, "metric", aglm_metric_name(s->metric));
    aglm_json_member_text(&w, "space", s->t->space);
    aglm_json_member_text(&w, "sampler", s->t->sampler);
    aglm_json_key(&w, "trials");
    aglm_json_open_array(&w);
    for (size_t i = 0; i < n; i++) {
        aglm_json_open_object(&w);
        aglm_json_member_int(&w, "number", trials[i].number);
        aglm_json_key(&w, "value");
        aglm_json_put_double(&w, trials[i].n_values ? trials[i].values[0] : NAN);
        aglm_json_key(&w, "params");
        aglm_point_write(s->t->plan.space, trials[i].x, &w);
        aglm_json_close_object(&w);
    }
    aglm_json_close_array(&w);
    aglm_json_close_object(&w);
    aglm_str_putc(out, '\n');
}

/* The trials as text, for the bundle: the study does not live on. */
static aglm_rc keep_trials(search *s, aglm_study *study, aglm_error *err)
{
    aglm_arena arena;
    aglm_trial *trials = NULL;
    size_t n = 0;
    aglm_str text;

    aglm_arena_init(&arena, 1ULL << 30);
    aglm_str_init(&text, MAX_STUDY_BYTES);
    aglm_rc rc = aglm_study_trials(study, &arena, &trials, &n, err);
    if (rc == AGLM_OK) {
        write_trials(s, trials, n, &text);
        if (!(s->t->study_json = aglm_str_take(&text)))
            rc = aglm_error_set(err, AGLM_NOMEM, "no memory for the trials");
    }
    aglm_str_clear(&text);
    aglm_arena_clear(&arena);
    return rc;
}

/* A study that goes on has its best trial from before: measured again, it is the same. */
static aglm_rc recall(search *s, aglm_study *study, aglm_error *err)
{
    double *x = aglm_calloc(s->t->plan.space->n, sizeof *x), value;
    int64_t number = -1;
    aglm_rc rc = x ? aglm_study_best(study, &number, NULL, x, err)
                   : aglm_error_set(err, AGLM_NOMEM, "no memory for a search");

    if (rc == AGLM_OK && (s->best.n_docs == 0 || number != s->number))
        rc = score(s, study, number, x, &value);
    free(x);
    if (rc == AGLM_NOTFOUND && s->failed.msg[0])
        return aglm_error_set(err, s->failed.rc, "%s", s->failed.msg);
    if (rc == AGLM_NOTFOUND)
        return aglm_error_set(err, AGLM_CANCELLED, "the budget of %g s ended before one trial did",
                              s->o->budget_s);
    return rc;
}

static aglm_rc run_study(search *s, aglm_error *err)
{
    uint64_t begin = aglm_clock_ns();
    aglm_study_limits limits = {.trials = s->o->trials ? s->o->trials : TRIALS};
    aglm_study_config config;
    aglm_study *study = NULL;

    aglm_study_config_init(&config);
    config.space = s->t->space;
    config.direction = aglm_metric_maximize(s->metric) ? AGLM_MAXIMIZE : AGLM_MINIMIZE;
    config.name = "tuner";
    config.storage = s->o->storage;
    config.sampler = s->t->sampler;
    config.seed = s->o->seed;
    if (s->o->budget_s > 0)
        limits.timeout_s = fmax(1e-3, s->o->budget_s - aglm_clock_since_s(s->start_ns));
    aglm_rc rc = aglm_study_new(&study, &config, err);
    if (rc == AGLM_OK && aglm_study_size(study) == 0)
        rc = enqueue_start(s, study, err);
    if (rc == AGLM_OK)
        rc = aglm_study_optimize(study, score, s, &limits, err);
    if (rc == AGLM_OK)
        rc = recall(s, study, err);
    if (rc == AGLM_OK)
        rc = keep_trials(s, study, err);
    s->t->result.trials = study ? aglm_study_count(study, AGLM_TRIAL_COMPLETE) : 0;
    s->t->result.search_s = aglm_clock_since_s(begin);
    aglm_study_free(study);
    return rc;
}

/* ---- the winner ---- */

static aglm_rc copy_labels(aglm_bundle *b, const aglm_dataset *d, aglm_error *err)
{
    size_t n = aglm_dataset_n_labels(d);

    b->task = aglm_dataset_task(d);
    b->labels = aglm_calloc(n, sizeof *b->labels);
    while (b->labels && b->n_labels < n) {
        const char *name = aglm_dataset_label(d, b->n_labels);
        if (!(b->labels[b->n_labels] = aglm_strndup(name, strlen(name))))
            break;
        b->n_labels++;
    }
    return b->n_labels == n ? AGLM_OK
                            : aglm_error_set(err, AGLM_NOMEM, "no memory for %zu labels", n);
}

/* The head's parameters by name, those that were not searched too. */
static char *write_params(const aglm_tuner_plan *p, const double *values)
{
    aglm_json_writer w;
    aglm_str s;

    aglm_str_init(&s, 1 << 16);
    aglm_json_writer_init(&w, &s);
    aglm_json_open_object(&w);
    for (size_t i = 0; i < p->n; i++) {
        const aglm_hparam *h = &p->params[i];
        if (h->kind == AGLM_HPARAM_CHOICE)
            aglm_json_member_text(&w, h->name, h->choices[(size_t)values[i]]);
        else
            aglm_json_member_double(&w, h->name, values[i]);
    }
    aglm_json_close_object(&w);
    char *text = aglm_str_take(&s);
    aglm_str_clear(&s);
    return text;
}

static aglm_rc score_best(search *s, aglm_error *err)
{
    size_t labels = aglm_dataset_n_labels(s->data);
    uint32_t *rows = aglm_calloc(s->best.n_docs, sizeof *rows);
    float *probs = aglm_calloc(s->best.n_docs * labels, sizeof *probs);
    aglm_score sheet = {0};
    aglm_rc rc = rows && probs ? AGLM_OK : aglm_error_set(err, AGLM_NOMEM, "no memory for scores");

    if (rc == AGLM_OK) {
        size_t n = aglm_outcome_probs(&s->best, s->data, rows, probs);
        rc = aglm_score_make(&sheet, &(aglm_predicted){s->data, rows, n, probs}, err);
    }
    s->t->result.value = s->best.value;
    s->t->result.accuracy = sheet.value[AGLM_METRIC_ACCURACY];
    s->t->result.macro_f1 = sheet.value[AGLM_METRIC_MACRO_F1];
    s->t->result.trial = s->number;
    aglm_score_clear(&sheet);
    free(rows);
    free(probs);
    return rc;
}

static aglm_rc make_bundle(search *s, aglm_error *err)
{
    aglm_bundle *b = &s->t->bundle;
    aglm_member *m = &b->members[0];
    const aglm_measure measure = measure_of(s);
    uint64_t begin = aglm_clock_ns();
    aglm_rc rc = copy_labels(b, s->data, err);

    if (rc == AGLM_OK)
        rc = score_best(s, err);
    if (rc == AGLM_OK)
        rc = aglm_candidate_refit(&m->model, &s->candidate, &measure, err);
    if (rc != AGLM_OK)
        return rc;
    b->n_members = 1;
    m->weight = 1;
    m->calibration = s->best.calibration;
    m->trial = s->number;
    m->params_json = write_params(&s->t->plan, s->candidate.values);
    if (!m->params_json)
        return aglm_error_set(err, AGLM_NOMEM, "no memory for a head's parameters");
    s->t->result.params = m->params_json;
    s->t->result.train_s = aglm_clock_since_s(begin);
    return aglm_bundle_predictor_new(&s->t->predictor, b, err);
}

static aglm_rc set_metric(search *s, aglm_error *err)
{
    aglm_task task = aglm_dataset_task(s->data);
    const char *name = s->o->metric;

    s->metric = aglm_metric_default(task);
    if (name && !aglm_metric_from_name(name, &s->metric))
        return aglm_error_set(err, AGLM_INVALID, "metric \"%.60s\": expected one of %s", name,
                              aglm_metric_names());
    if (!aglm_metric_fits(s->metric, task))
        return aglm_error_set(err, AGLM_INVALID, "metric \"%.60s\": does not fit the task, %s",
                              aglm_metric_name(s->metric), aglm_task_name(task));
    return AGLM_OK;
}

static aglm_rc search_all(search *s, aglm_error *err)
{
    unsigned folds = s->o->folds ? s->o->folds : FOLDS;
    aglm_rc rc = set_metric(s, err);

    if (rc == AGLM_OK && folds < 2)
        rc = aglm_error_set(err, AGLM_INVALID, "folds: expected 2 to 20");
    if (rc == AGLM_OK)
        rc = aglm_stage_plan_init(&s->stages, s->data, 0, folds, s->o->seed, err);
    if (rc == AGLM_OK)
        rc = read_states(s, err);
    if (rc == AGLM_OK)
        rc = run_study(s, err);
    if (rc == AGLM_OK)
        rc = make_bundle(s, err);
    return rc;
}

aglm_rc aglm_tuner_search(aglm_tuner *t, const aglm_tuner_data *data, const aglm_tuner_options *o,
                          aglm_error *err)
{
    search s = {.t = t, .o = o, .start_ns = aglm_clock_ns()};
    aglm_input in;
    aglm_rc rc = open_documents(&in, data, err);

    aglm_cancel_init(&s.budget, NULL,
                     o->budget_s > 0 ? s.start_ns + (uint64_t)(1e9 * o->budget_s) : 0);
    if (rc == AGLM_OK) {
        s.data = in.data;
        rc = search_all(&s, err);
        t->metric = s.metric;
    }
    aglm_outcome_clear(&s.best);
    aglm_stage_plan_clear(&s.stages);
    aglm_input_clear(&in);
    return rc;
}
