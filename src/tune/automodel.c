#include "autoglm/automodel.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/clock.h"
#include "base/memory.h"
#include "lm/answerer.h"
#include "lm/prompt_view.h"
#include "lm/runtime_remote.h"
#include "tune/generator.h"
#include "tune/run.h"

#define MAX_REASONS ((size_t)1 << 20)
#define MAX_PROMPT ((size_t)64 << 20)

/* A bundle that labels (predictor), a bundle whose answers are texts (asker), or a language model
 * (generator). */
struct aglm_automodel {
    aglm_bundle *bundle;
    aglm_bundle_predictor *predictor;
    aglm_asker *asker;
    aglm_lm *lm; /* of asker or generator */
    aglm_generator *generator;
    bool auto_optimize, has_task;
    aglm_prompt_task task;
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

void aglm_automodel_options_init(aglm_automodel_options *o)
{
    *o = (aglm_automodel_options){.auto_optimize = true, .retries = 2};
}

static aglm_rc open_bundle(aglm_automodel *m, const char *dir, unsigned threads, aglm_error *err)
{
    aglm_rc rc = aglm_bundle_load(&m->bundle, dir, err);

    if (rc != AGLM_OK)
        return rc;
    if (m->bundle->task != AGLM_TASK_GENERATION)
        return aglm_bundle_predictor_new(&m->predictor, m->bundle, err);
    const aglm_answerer *a = aglm_answerer_of(m->bundle->members[0].model);
    rc = aglm_lm_open_file(&m->lm, aglm_answerer_file(a), threads, err);
    return rc == AGLM_OK ? aglm_asker_new(&m->asker, a, m->lm, err) : rc;
}

static aglm_rc open_language_model(aglm_automodel *m, const char *model,
                                   const aglm_automodel_options *o, aglm_error *err)
{
    aglm_lm_remote_options remote;
    aglm_generator_options generator;
    aglm_rc rc;

    m->auto_optimize = o->auto_optimize;
    m->has_task = o->task_type != NULL;
    if (o->task_type && !aglm_prompt_task_from_name(o->task_type, &m->task))
        return aglm_error_set(err, AGLM_INVALID, "task_type \"%.60s\": expected one of %s",
                              o->task_type, aglm_prompt_task_names());
    aglm_lm_remote_options_init(&remote);
    remote.key_env = o->key_env;
    rc = o->url ? aglm_lm_open_remote(&m->lm, o->url, model, &remote, err)
                : aglm_lm_open_file(&m->lm, model, o->threads, err);
    aglm_generator_options_init(&generator);
    generator.settings = o->settings;
    generator.seed = o->seed;
    generator.retries = o->retries;
    generator.raw = o->raw;
    if (rc == AGLM_OK)
        rc = aglm_generator_new(&m->generator, m->lm, &generator, err);
    if (rc == AGLM_OK && o->presets)
        rc = aglm_generator_presets(m->generator, o->presets, err);
    return rc;
}

aglm_rc aglm_automodel_open(aglm_automodel **out, const char *model,
                            const aglm_automodel_options *options, aglm_error *err)
{
    aglm_automodel *m = aglm_calloc(1, sizeof *m);
    aglm_automodel_options usual;
    struct stat st;

    *out = NULL;
    if (!m)
        return aglm_error_set(err, AGLM_NOMEM, "out of memory for a model");
    aglm_automodel_options_init(&usual);
    const aglm_automodel_options *o = options ? options : &usual;
    bool file = !o->url && stat(model, &st) == 0 && S_ISREG(st.st_mode);
    aglm_rc rc = o->url || file ? open_language_model(m, model, o, err)
                                : open_bundle(m, model, o->threads, err);
    if (rc != AGLM_OK) {
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
    aglm_asker_free(m->asker);
    aglm_bundle_free(m->bundle);
    aglm_generator_free(m->generator);
    aglm_lm_close(m->lm);
    free(m);
}

size_t aglm_automodel_n_labels(const aglm_automodel *m)
{
    return m->bundle ? m->bundle->n_labels : 0;
}

const char *aglm_automodel_label(const aglm_automodel *m, size_t label)
{
    return label < aglm_automodel_n_labels(m) ? m->bundle->labels[label] : NULL;
}

aglm_rc aglm_automodel_predict(aglm_automodel *m, const char *text, size_t len, const float **probs,
                               aglm_error *err)
{
    if (!m->predictor)
        return aglm_error_set(err, AGLM_UNSUPPORTED,
                              "a model that writes has no labels: ask it with "
                              "aglm_automodel_generate");
    return aglm_bundle_predict(m->predictor, text, len, probs, err);
}

/* ---- writing ---- */

void aglm_answer_init(aglm_answer *a)
{
    *a = (aglm_answer){.score = NAN};
}

void aglm_answer_clear(aglm_answer *a)
{
    free(a->text);
    free(a->reasons);
    aglm_answer_init(a);
}

static aglm_rc give(const aglm_automodel *m, const aglm_generated *g, aglm_answer *a,
                    aglm_error *err)
{
    aglm_str reasons;

    aglm_str_init(&reasons, MAX_REASONS);
    if (m->auto_optimize)
        aglm_generated_tell(g, &reasons);
    a->text = aglm_strndup(g->answer.text.data, g->answer.text.len);
    a->reasons = aglm_strndup(reasons.data, reasons.len);
    aglm_str_clear(&reasons);
    if (!a->text || !a->reasons)
        return aglm_error_set(err, AGLM_NOMEM, "out of memory for an answer");
    a->len = g->answer.text.len;
    a->task = m->auto_optimize ? aglm_prompt_task_name(g->task) : NULL;
    memcpy(a->settings, g->setting, sizeof a->settings);
    a->score = g->reward;
    a->tries = g->tries;
    a->attempt = g->best;
    a->end = aglm_lm_reason_name(g->answer.reason);
    a->prompt_tokens = g->answer.prompt_tokens;
    a->tokens = g->answer.tokens;
    a->seconds = g->seconds;
    return AGLM_OK;
}

static aglm_rc no_fields(size_t n, aglm_error *err)
{
    return aglm_error_set(err, AGLM_INVALID,
                          "the bundle is asked with %zu fields: give them with a TAB between", n);
}

/* The prompt's fields, cut at their TABs where there are several. */
static aglm_rc split(char *text, const aglm_answerer *a, const char **fields, aglm_error *err)
{
    size_t n = aglm_answerer_fields(a);

    for (size_t i = 0; i < n; i++) {
        char *tab = i + 1 < n ? strchr(text, '\t') : NULL;
        fields[i] = text;
        if (i + 1 < n && !tab)
            return no_fields(n, err);
        if (tab)
            *tab = '\0';
        text = tab ? tab + 1 : text;
    }
    return AGLM_OK;
}

static bool hear(void *arg, const char *piece, size_t n)
{
    const aglm_generate_options *o = *(const aglm_generate_options **)arg;

    return o->on_piece(o->arg, 1, piece, n);
}

/* What aglm_asker_ask asks, with a limit and a listener. */
static aglm_rc ask(aglm_automodel *m, const char *const *fields, const aglm_generate_options *o,
                   aglm_lm_answer *out, aglm_error *err)
{
    aglm_answer_view view;
    aglm_decoding d;
    aglm_str prefix, prompt;

    aglm_answer_view_of(m->bundle->members[0].model, &view);
    aglm_decoding_init(&d);
    d.max_tokens = (int64_t)view.max_tokens;
    if (o->max_tokens > 0 && o->max_tokens < d.max_tokens)
        d.max_tokens = o->max_tokens;
    aglm_str_init(&prefix, MAX_PROMPT);
    aglm_str_init(&prompt, MAX_PROMPT);
    aglm_rc rc = aglm_asker_prompt(m->asker, fields, &prefix, &prompt, err);
    const aglm_lm_request r = {.prefix = prefix.len ? prefix.data : NULL,
                               .prompt = prompt.data,
                               .decoding = &d,
                               .stop = view.stop,
                               .n_stop = view.n_stop,
                               .limit_s = o->max_latency_s,
                               .on_piece = o->on_piece ? hear : NULL,
                               .arg = &o};
    if (rc == AGLM_OK)
        rc = aglm_lm_generate(m->lm, &r, out, err);
    aglm_str_clear(&prefix);
    aglm_str_clear(&prompt);
    return rc;
}

static aglm_rc give_text(const aglm_automodel *m, const aglm_lm_answer *from, aglm_answer *a,
                         aglm_error *err)
{
    const char *text = from->text.data;
    size_t n = from->text.len;

    for (; n > 0 && strchr(" \t\r\n", text[n - 1]); n--)
        ;
    for (; n > 0 && strchr(" \t\r\n", *text); n--)
        text++;
    a->text = aglm_strndup(text, n);
    a->reasons = aglm_strndup("", 0);
    if (!a->text || !a->reasons)
        return aglm_error_set(err, AGLM_NOMEM, "out of memory for an answer");
    a->len = n;
    a->task = aglm_json_string(aglm_json_get(aglm_json_root(m->bundle->manifest), "answers"), NULL);
    snprintf(a->settings, sizeof a->settings, "bundle");
    a->tries = a->attempt = 1;
    a->end = aglm_lm_reason_name(from->reason);
    a->prompt_tokens = from->prompt_tokens;
    a->tokens = from->tokens;
    return AGLM_OK;
}

static aglm_rc answer_by_bundle(aglm_automodel *m, const char *prompt,
                                const aglm_generate_options *o, aglm_answer *answer,
                                aglm_error *err)
{
    const aglm_answerer *a = aglm_answerer_of(m->bundle->members[0].model);
    const char *fields[AGLM_EXAMPLE_FIELDS];
    uint64_t start = aglm_clock_ns();
    char *text = strdup(prompt);
    aglm_lm_answer out;
    aglm_rc rc = text ? split(text, a, fields, err)
                      : aglm_error_set(err, AGLM_NOMEM, "out of memory for a prompt");

    aglm_lm_answer_init(&out);
    if (rc == AGLM_OK)
        rc = ask(m, fields, o, &out, err);
    if (rc == AGLM_OK)
        rc = give_text(m, &out, answer, err);
    answer->seconds = aglm_clock_since_s(start);
    aglm_lm_answer_clear(&out);
    free(text);
    return rc;
}

static aglm_rc answer_by_model(aglm_automodel *m, const char *prompt,
                               const aglm_generate_options *o, aglm_answer *answer, aglm_error *err)
{
    const aglm_generator_request r = {.prompt = prompt,
                                      .task = m->has_task ? &m->task : NULL,
                                      .limit_s = o->max_latency_s,
                                      .max_tokens = o->max_tokens,
                                      .on_piece = o->on_piece,
                                      .arg = o->arg};
    aglm_generated g;

    aglm_generated_init(&g);
    aglm_rc rc = m->auto_optimize ? aglm_generator_run(m->generator, &r, &g, err)
                                  : aglm_generator_run_plain(m->generator, &r, &g, err);
    if (rc == AGLM_OK)
        rc = give(m, &g, answer, err);
    aglm_generated_clear(&g);
    return rc;
}

aglm_rc aglm_automodel_generate(aglm_automodel *m, const char *prompt,
                                const aglm_generate_options *options, aglm_answer *answer,
                                aglm_error *err)
{
    static const aglm_generate_options NO_LIMITS = {0};
    const aglm_generate_options *o = options ? options : &NO_LIMITS;

    aglm_answer_clear(answer);
    if (!(o->max_latency_s >= 0) || o->max_tokens < 0)
        return aglm_error_set(err, AGLM_INVALID, "max_latency_s and max_tokens: none below zero");
    if (m->asker)
        return answer_by_bundle(m, prompt, o, answer, err);
    if (m->generator)
        return answer_by_model(m, prompt, o, answer, err);
    return aglm_error_set(err, AGLM_UNSUPPORTED,
                          "a bundle that labels texts does not write: ask it with "
                          "aglm_automodel_predict, or open a model file");
}
