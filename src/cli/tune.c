#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/commands.h"
#include "cli/interrupt.h"
#include "cli/progress.h"
#include "cli/reading.h"
#include "cli/terminal.h"
#include "cli/texts.h"
#include "tune/report.h"

#define DEFAULT_BUDGET_NS 60000000000LL
#define TEXTS_BUDGET_NS 600000000000LL /* a language model writes word by word */
#define PATH_BYTES 4096

static const aglm_option OPTIONS[] = {
    AGLM_OPTIONS_READ,
    {"task", 't', AGLM_OPTION_WORD, "T",
     "binary, multiclass, multilabel (texts) or regression (tables); with --model also what asks for texts "
     "(extraction, question-answering, arithmetic, ...); default: found out",
     "binary|multiclass|multilabel|regression|extraction|summarization|question-answering|translation|"
     "rewriting|code|arithmetic|text-generation",
     0, 0},
    {"valid", 0, AGLM_OPTION_FILE, "FILE",
     "more labelled documents, to choose by; they join the cross-validation", NULL, 0, 0},
    {"metric", 'm', AGLM_OPTION_TEXT, "M",
     "accuracy, macro_f1, micro_f1, weighted_f1, log_loss, auc, ece; rmse, mae, r2; of answers: exact, token_f1, "
     "rouge_l, bleu, chrf, number, json, ...; default: by the task",
     NULL, 0, 0},
    {"budget", 'b', AGLM_OPTION_DURATION, "TIME",
     "wall time in all, refit included; default 60s (where answers are texts 10m), none with --trials",
     NULL, 0, 0},
    {"trials", 'n', AGLM_OPTION_INT, "N", "stop when the study has so many trials", NULL, 1,
     1000000000},
    {"threads", 'j', AGLM_OPTION_INT, "N", "trials at a time; default: all processors", NULL, 1,
     256},
    {"seed", 's', AGLM_OPTION_INT, "N", "the same seed gives the same trials; default 0", NULL, 0,
     INT64_MAX},
    {"folds", 0, AGLM_OPTION_INT, "N",
     "2 to 20: cross-validate; 1: hold one part out (the --valid file where given); default: by the size",
     NULL, 1, 20},
    {"max-latency", 0, AGLM_OPTION_DURATION, "TIME", "95 % of documents must be faster than this",
     NULL, 0, 0},
    {"max-size", 0, AGLM_OPTION_SIZE, "SIZE", "the weights must be smaller than this", NULL, 0, 0},
    {"max-memory", 0, AGLM_OPTION_SIZE, "SIZE", "the process must stay below this", NULL, 0, 0},
    {"model", 'm', AGLM_OPTION_FILE, "FILE", "also find a prompt for this language model (GGUF)",
     NULL, 0, 0},
    {"instruction", 0, AGLM_OPTION_TEXT, "TEXT",
     "where answers are texts: what to tell the model, tried beside instructions of our own", NULL,
     0, 0},
    {"dry-run", 0, AGLM_OPTION_FLAG, NULL,
     "where answers are texts: tell what the search would take, and do nothing", NULL, 0, 0},
    {"plain", 0, AGLM_OPTION_FLAG, NULL,
     "where answers are texts: no search, a bundle of a plain question to compare with", NULL, 0,
     0},
    {"learners", 0, AGLM_OPTION_TEXT, "A,B", "only these learners; default: all", NULL, 0, 0},
    {"sampler", 0, AGLM_OPTION_WORD, "S", "tpe, random or grid; default tpe", "tpe|random|grid", 0,
     0},
    {"blend", 0, AGLM_OPTION_WORD, "B",
     "fast: only of models that read texts the same way; any; none: one model; default: fast for short texts without --model",
     "auto|fast|any|none", 0, 0},
    {"study", 0, AGLM_OPTION_TEXT, "NAME",
     "name of the study; default: a hash of data, task, metric and seed", NULL, 0, 0},
    {"storage", 0, AGLM_OPTION_TEXT, "URL",
     "where the study is kept: sqlite:///FILE or memory; default OUT.study.db", NULL, 0, 0},
    {"out", 'o', AGLM_OPTION_FILE, "DIR", "the bundle; default: the file's name with .bundle", NULL,
     0, 0},
    {"json", 0, AGLM_OPTION_FLAG, NULL, "print one JSON object at the end", NULL, 0, 0},
    {"json-lines", 0, AGLM_OPTION_FLAG, NULL, "print one JSON object an event", NULL, 0, 0},
};

struct places {
    char out[PATH_BYTES];
    char storage[PATH_BYTES];
};

/* "dir/train.tsv.gz" gives "train.bundle" in the current folder. */
static void default_out(const char *file, char *out, size_t size)
{
    const char *slash = strrchr(file, '/');
    const char *name = slash && slash[1] ? slash + 1 : file;
    size_t n = strcspn(name, ".");

    if (strcmp(file, "-") == 0 || n == 0)
        snprintf(out, size, "tune.bundle");
    else
        snprintf(out, size, "%.*s.bundle", (int)(n > 200 ? 200 : n), name);
}

static aglm_rc set_places(const aglm_args *a, struct places *p, aglm_tune_options *o,
                          aglm_error *err)
{
    const char *out = aglm_args_text(a, "out", NULL);

    if (out && strlen(out) > PATH_BYTES - 64)
        return aglm_error_set(err, AGLM_INVALID, "--out: the path is too long");
    if (out)
        snprintf(p->out, sizeof p->out, "%s", out);
    else
        default_out(a->operands[0], p->out, sizeof p->out);
    size_t n = strlen(p->out);
    while (n > 1 && p->out[n - 1] == '/')
        p->out[--n] = '\0';
    if (n == 0)
        return aglm_error_set(err, AGLM_INVALID, "--out: the path is empty");
    snprintf(p->storage, sizeof p->storage, "sqlite:///%.*s.study.db", (int)(PATH_BYTES - 32),
             p->out);
    o->out = p->out;
    o->storage = aglm_args_text(a, "storage", p->storage);
    return AGLM_OK;
}

static aglm_rc set_metric(const aglm_args *a, aglm_tune_options *o, aglm_error *err)
{
    const char *name = aglm_args_text(a, "metric", NULL);
    aglm_metric metric;

    if (!name)
        return AGLM_OK;
    if (!aglm_metric_from_name(name, &metric))
        return aglm_error_set(err, AGLM_INVALID, "--metric %.60s: expected one of %s", name,
                              aglm_metric_names());
    o->metric = (int)metric;
    return AGLM_OK;
}

/* What is said for labels alone; options for texts are refused. */
static aglm_rc set_labels(const aglm_args *a, aglm_tune_options *o, aglm_error *err)
{
    static const char *const TEXTS[] = {"instruction", "plain", "dry-run"};

    for (size_t i = 0; i < sizeof TEXTS / sizeof *TEXTS; i++)
        if (aglm_args_given(a, TEXTS[i]))
            return aglm_error_set(err, AGLM_INVALID,
                                  "--%s: applies where answers are texts: give --model, and --task "
                                  "where that is not found out",
                                  TEXTS[i]);
    return set_metric(a, o, err);
}

static aglm_blend_kind blend_of(const char *word)
{
    return strcmp(word, "any") == 0    ? AGLM_BLEND_ANY
           : strcmp(word, "none") == 0 ? AGLM_BLEND_NONE
           : strcmp(word, "fast") == 0 ? AGLM_BLEND_FAST
                                       : AGLM_BLEND_AUTO;
}

static aglm_rc set_options(const aglm_args *a, aglm_tune_options *o, struct places *p,
                           aglm_error *err)
{
    const char *task = aglm_args_text(a, "task", NULL);
    aglm_rc rc;

    aglm_tune_options_init(o);
    if ((rc = aglm_reading_options(a, &o->input.read, &o->input.task, err)) != AGLM_OK)
        return rc;
    if (task)
        aglm_task_from_name(task, &o->input.task.task);
    o->input.file = a->operands[0];
    o->input.valid = aglm_args_text(a, "valid", NULL);
    o->trials = aglm_args_number(a, "trials", 0);
    o->budget_ns = (uint64_t)aglm_args_number(a, "budget", o->trials ? 0 : DEFAULT_BUDGET_NS);
    o->threads = (unsigned)aglm_args_number(a, "threads", 0);
    o->seed = (uint64_t)aglm_args_number(a, "seed", 0);
    o->folds = (unsigned)aglm_args_number(a, "folds", 0);
    o->max_latency_us = (double)aglm_args_number(a, "max-latency", 0) / 1e3;
    o->max_bytes = (uint64_t)aglm_args_number(a, "max-size", 0);
    o->max_memory_bytes = (uint64_t)aglm_args_number(a, "max-memory", 0);
    o->learners = aglm_args_text(a, "learners", NULL);
    o->language_model = aglm_args_text(a, "model", NULL);
    o->sampler = aglm_args_text(a, "sampler", NULL);
    o->blend = blend_of(aglm_args_text(a, "blend", "auto"));
    o->study = aglm_args_text(a, "study", NULL);
    o->command = (const char *const *)a->argv;
    o->n_command = (size_t)a->argc;
    return set_places(a, p, o, err);
}

/* ---- what is shown at the end ---- */

static void print_leader(const aglm_terminal *t, const aglm_leader *l, size_t columns)
{
    char name[48], params[512];

    aglm_report_params(l->params, params, sizeof params);
    if (l->members > 1)
        snprintf(name, sizeof name, "%s of %zu", l->name, l->members);
    else
        snprintf(name, sizeof name, "%s #%lld", l->name, (long long)l->number);
    fprintf(t->out, "%s%s ", aglm_terminal_style(t, l->chosen ? 'g' : '0'), l->chosen ? "*" : " ");
    aglm_terminal_cell(t->out, name, 14, false);
    fprintf(t->out, "%9.4f %8.0f us %9.2f MB %6.2f s  ", l->value, l->latency_us,
            (double)l->bytes / 1e6, l->fit_s);
    aglm_terminal_cell(t->out, params, columns > 72 ? columns - 62 : 48, false);
    fprintf(t->out, "%s\n", aglm_terminal_style(t, '0'));
}

static void print_score(FILE *out, const aglm_score *q)
{
    if (q->task == AGLM_TASK_REGRESSION)
        fprintf(out, "RMSE %.4g (95 %% interval %.4g to %.4g), MAE %.4g, R2 %.4f\n",
                q->value[AGLM_METRIC_RMSE], q->rmse_95.low, q->rmse_95.high,
                q->value[AGLM_METRIC_MAE], q->value[AGLM_METRIC_R2]);
    else
        fprintf(
            out,
            "accuracy %.4f (95 %% interval %.4f to %.4f), macro F1 %.4f, log-loss %.4f, calibration error %.4f\n",
            q->value[AGLM_METRIC_ACCURACY], q->accuracy_95.low, q->accuracy_95.high,
            q->value[AGLM_METRIC_MACRO_F1], q->value[AGLM_METRIC_LOG_LOSS],
            q->value[AGLM_METRIC_ECE]);
}

static void print_result(const aglm_tune_result *r, const char *out)
{
    aglm_terminal t;

    aglm_terminal_init(&t, stdout);
    size_t columns = aglm_terminal_columns(&t);
    fprintf(t.out, "%s  model         %9s  latency p95      size    fit  parameters%s\n",
            aglm_terminal_style(&t, 'b'), aglm_metric_name(r->metric),
            aglm_terminal_style(&t, '0'));
    for (size_t i = 0; i < r->n_leaders; i++)
        print_leader(&t, &r->leaders[i], columns);
    print_score(t.out, &r->score);
    fprintf(t.out,
            "%zu trials complete, %zu stopped early, %zu failed; search %.1f s, refit %.1f s, %s\n",
            r->trials_complete, r->trials_pruned, r->trials_failed, r->search_s, r->refit_s,
            r->refitted ? "learned again from all documents"
                        : "no time was left to learn from all documents");
    if (r->infeasible)
        fprintf(t.out, "no model met the limits that were set; this one came closest\n");
    fprintf(t.out, "bundle: %s (%.2f MB)\nnext:   autoglm predict %s FILE\n", out,
            (double)r->bundle_bytes / 1e6, out);
}

static void json_leaders(aglm_json_writer *w, const aglm_tune_result *r)
{
    aglm_json_key(w, "leaderboard");
    aglm_json_open_array(w);
    for (size_t i = 0; i < r->n_leaders; i++) {
        const aglm_leader *l = &r->leaders[i];
        aglm_json_open_object(w);
        aglm_json_member_text(w, "model", l->name);
        aglm_json_member_int(w, "trial", l->number);
        aglm_json_member_double(w, "value", l->value);
        aglm_json_member_double(w, "latency_p95_us", l->latency_us);
        aglm_json_member_int(w, "bytes", (int64_t)l->bytes);
        aglm_json_member_bool(w, "chosen", l->chosen);
        aglm_json_close_object(w);
    }
    aglm_json_close_array(w);
}

static void json_result(const aglm_tune_result *r, const char *out)
{
    aglm_json_writer w;
    aglm_str s;

    aglm_str_init(&s, 16u << 20);
    aglm_json_writer_init(&w, &s);
    aglm_json_open_object(&w);
    aglm_json_member_text(&w, "bundle", out);
    aglm_json_member_text(&w, "study", r->study);
    aglm_json_member_text(&w, "metric", aglm_metric_name(r->metric));
    for (int m = 0; m < AGLM_METRICS; m++)
        if (aglm_metric_fits((aglm_metric)m, r->score.task))
            aglm_json_member_double(&w, aglm_metric_name((aglm_metric)m), r->score.value[m]);
    aglm_json_member_int(&w, "trials_complete", (int64_t)r->trials_complete);
    aglm_json_member_int(&w, "trials_pruned", (int64_t)r->trials_pruned);
    aglm_json_member_int(&w, "trials_failed", (int64_t)r->trials_failed);
    aglm_json_member_int(&w, "bundle_bytes", (int64_t)r->bundle_bytes);
    aglm_json_member_double(&w, "latency_p95_us", r->latency_p95_us);
    aglm_json_member_double(&w, "total_s", r->total_s);
    aglm_json_member_bool(&w, "refitted", r->refitted);
    aglm_json_member_bool(&w, "limits_met", !r->infeasible);
    json_leaders(&w, r);
    aglm_json_close_object(&w);
    if (s.rc == AGLM_OK)
        printf("%s\n", s.data);
    aglm_str_clear(&s);
}

static int report(const aglm_args *a, const aglm_tune_result *r, const aglm_tune_options *o)
{
    if (aglm_args_flag(a, "json"))
        json_result(r, o->out);
    else if (!aglm_args_flag(a, "json-lines"))
        print_result(r, o->out);
    return r->infeasible ? AGLM_EXIT_BAR : AGLM_EXIT_OK;
}

static int stopped(const aglm_args *a, const aglm_tune_result *r, const aglm_tune_options *o,
                   const aglm_error *err)
{
    fprintf(stderr, "autoglm tune: %s\n", err->msg);
    fprintf(
        stderr,
        "%zu trials complete, %zu stopped early; kept in %s; the same command goes on from here\n",
        r->trials_complete, r->trials_pruned, o->storage);
    (void)a;
    return AGLM_EXIT_INTERRUPTED;
}

static int run(const aglm_args *a)
{
    aglm_progress_mode mode = aglm_args_flag(a, "json-lines") ? AGLM_PROGRESS_JSON_LINES
                              : aglm_args_flag(a, "quiet")    ? AGLM_PROGRESS_SILENT
                                                              : AGLM_PROGRESS_PERSON;
    aglm_tune_options o;
    aglm_tune_result result;
    struct places places;
    aglm_cancel cancel;
    aglm_error err = {0};
    aglm_rc rc = set_options(a, &o, &places, &err);

    bool texts = rc == AGLM_OK && aglm_texts_wanted(a, &o);
    if (texts && !aglm_args_given(a, "budget") && !aglm_args_given(a, "trials"))
        o.budget_ns = TEXTS_BUDGET_NS;
    if (rc == AGLM_OK && !texts)
        rc = set_labels(a, &o, &err);
    if (rc != AGLM_OK)
        return aglm_cli_fail(a, rc, &err);
    aglm_cancel_init(&cancel, NULL, 0);
    aglm_interrupt_install(&cancel);
    o.cancel = &cancel;
    aglm_progress *progress = aglm_progress_new(mode, (double)o.budget_ns / 1e9, o.trials,
                                                aglm_args_flag(a, "verbose"));
    if (!progress)
        return aglm_cli_fail(a, AGLM_NOMEM, &err);
    o.on_event = aglm_progress_event;
    o.arg = progress;
    if (texts) {
        int text_code = aglm_texts_tune(a, &o);
        aglm_progress_free(progress);
        return text_code;
    }
    rc = aglm_tune_run(&result, &o, &err);
    aglm_progress_free(progress);
    int code = rc == AGLM_OK        ? report(a, &result, &o)
               : result.interrupted ? stopped(a, &result, &o, &err)
                                    : aglm_cli_fail(a, rc, &err);
    aglm_tune_result_clear(&result);
    return code;
}

const aglm_command aglm_command_tune = {
    .name = "tune",
    .operands = "FILE",
    .operands_min = 1,
    .operands_max = 1,
    .summary = "find the best model for a labelled file of texts, or a table",
    .about =
        "Reads labelled documents (CSV, TSV, JSONL, JSON, fastText, a folder a class, - for standard input, .gz), or a\n"
        "table of numbers and categories, finds out the task, searches learners and their parameters within the budget, and writes the winner as a bundle.\n"
        "Where the examples want texts as answers (extraction, question answering, arithmetic, ...) and --model names a\n"
        "language model, a prompt for it is searched: layout, instruction, examples, lengths.\n"
        "An interrupted run is resumed by the same command.",
    .options = OPTIONS,
    .n_options = sizeof OPTIONS / sizeof *OPTIONS,
    .examples =
        "  autoglm tune reviews.csv --budget 60s\n  autoglm tune train.tsv --metric macro_f1 --max-size 5MB --out small.bundle\n"
        "  autoglm tune questions.jsonl --model small.gguf --trials 40 --metric token_f1",
    .run = run,
};
