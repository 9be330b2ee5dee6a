#include "cli/texts.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/interrupt.h"
#include "cli/reading.h"
#include "cli/terminal.h"
#include "tune/answer_run.h"
#include "tune/report.h"

/* ---- tune ---- */

/* Options that speak of labels or of learning. */
static const char *const NOT_HERE[] = {"valid",    "folds",    "max-size", "max-memory",
                                       "learners", "features", "blend"};

static bool task_of(const aglm_args *a, aglm_prompt_task *task)
{
    const char *name = aglm_args_text(a, "task", NULL);

    return name && aglm_prompt_task_from_name(name, task) && *task != AGLM_PROMPT_CLASSIFICATION;
}

bool aglm_texts_wanted(const aglm_args *a, const aglm_tune_options *o)
{
    aglm_prompt_task task;

    if (!o->language_model || o->learners)
        return false;
    return task_of(a, &task) || (!aglm_args_given(a, "task") && aglm_answer_wanted(&o->input));
}

static aglm_rc metric_of(const aglm_args *a, int *metric, aglm_error *err)
{
    const char *name = aglm_args_text(a, "metric", NULL);
    aglm_text_metric found;
    aglm_str names;

    if (!name)
        return AGLM_OK;
    if (aglm_text_metric_from_name(name, &found)) {
        *metric = (int)found;
        return AGLM_OK;
    }
    aglm_str_init(&names, 4096);
    for (int m = 0; m < AGLM_TEXT_METRICS; m++)
        aglm_str_printf(&names, "%s%s", m ? ", " : "", aglm_text_metric_name((aglm_text_metric)m));
    aglm_error_set(err, AGLM_INVALID, "--metric %.60s: answers are texts here; expected one of %s",
                   name, names.data);
    aglm_str_clear(&names);
    return AGLM_INVALID;
}

static aglm_rc options_of(const aglm_args *a, const aglm_tune_options *tune, aglm_answer_options *o,
                          aglm_error *err)
{
    aglm_prompt_task task;

    *o = (aglm_answer_options){.tune = *tune,
                               .task = task_of(a, &task) ? (int)task : -1,
                               .metric = -1,
                               .instruction = aglm_args_text(a, "instruction", NULL),
                               .plain = aglm_args_flag(a, "plain"),
                               .dry = aglm_args_flag(a, "dry-run")};
    if (o->dry && !o->plain && tune->trials == 0)
        return aglm_error_set(err, AGLM_INVALID, "--dry-run: needs --trials N");
    for (size_t i = 0; i < sizeof NOT_HERE / sizeof *NOT_HERE; i++)
        if (aglm_args_given(a, NOT_HERE[i]))
            return aglm_error_set(err, AGLM_INVALID, "--%s: does not apply where answers are texts",
                                  NOT_HERE[i]);
    return metric_of(a, &o->metric, err);
}

static void print_figures(const char *what, const aglm_answer_figures *f)
{
    printf("  %-15s %.4f (95 %% interval %.4f to %.4f), %.1f tokens read, %.1f written, %.0f ms an "
           "answer\n",
           what, f->value, f->value_95.low, f->value_95.high, f->tokens_read, f->tokens_written,
           1e3 * f->mean_s);
}

static void print_result(const aglm_answer_result *r, const char *out)
{
    char params[1024];

    aglm_report_params(r->params, params, sizeof params);
    printf("%s: %zu examples to show, %zu to choose by, %zu to test by",
           aglm_prompt_task_name(r->task), r->pool, r->valid, r->test);
    if (r->skipped)
        printf("; %zu rows without a question or an answer", r->skipped);
    printf("\ntrial %lld: %s\n%s on the part for the test:\n", (long long)r->number, params,
           aglm_text_metric_name(r->metric));
    print_figures("this prompt", &r->tuned);
    print_figures("a plain question", &r->plain);
    printf("%zu trials complete, %zu stopped early, %zu failed; search %.1f s, in all %.1f s\n",
           r->trials_complete, r->trials_pruned, r->trials_failed, r->search_s, r->total_s);
    if (r->infeasible)
        printf("no prompt met the limits that were set; this one did best\n");
    printf("bundle: %s\nnext:   autoglm predict %s FILE\n", out, out);
}

static void print_expected(const aglm_answer_result *r, bool json)
{
    const aglm_answer_expected *e = &r->expected;

    if (json)
        printf("{\"answers\":%.0f,\"tokens_read\":%.0f,\"tokens_written\":%.0f,\"seconds\":%.1f}\n",
               e->answers, e->tokens_read, e->tokens_written, e->seconds);
    else
        printf("about %.0f answers, the test among them; if each is as long as a plain question's: "
               "%.0f tokens read, %.0f written, %.0f s on one thread\n",
               e->answers, e->tokens_read, e->tokens_written, e->seconds);
}

static void json_figures(aglm_json_writer *w, const char *key, const aglm_answer_figures *f)
{
    aglm_json_key(w, key);
    aglm_json_open_object(w);
    aglm_json_member_double(w, "value", f->value);
    aglm_json_member_double(w, "low_95", f->value_95.low);
    aglm_json_member_double(w, "high_95", f->value_95.high);
    aglm_json_member_double(w, "tokens_read", f->tokens_read);
    aglm_json_member_double(w, "tokens_written", f->tokens_written);
    aglm_json_member_double(w, "mean_s", f->mean_s);
    aglm_json_close_object(w);
}

static void json_result(const aglm_answer_result *r, const char *out)
{
    aglm_json_writer w;
    aglm_str s;

    aglm_str_init(&s, 16u << 20);
    aglm_json_writer_init(&w, &s);
    aglm_json_open_object(&w);
    aglm_json_member_text(&w, "bundle", out);
    aglm_json_member_text(&w, "study", r->study);
    aglm_json_member_text(&w, "task", aglm_prompt_task_name(r->task));
    aglm_json_member_text(&w, "metric", aglm_text_metric_name(r->metric));
    aglm_json_member_int(&w, "trial", r->number);
    aglm_json_key(&w, "params");
    aglm_json_put_parsed(&w, r->params, strlen(r->params));
    aglm_json_member_double(&w, "validation", r->value);
    json_figures(&w, "test", &r->tuned);
    json_figures(&w, "test_plain", &r->plain);
    aglm_json_member_int(&w, "trials_complete", (int64_t)r->trials_complete);
    aglm_json_member_int(&w, "trials_pruned", (int64_t)r->trials_pruned);
    aglm_json_member_int(&w, "trials_failed", (int64_t)r->trials_failed);
    aglm_json_member_double(&w, "total_s", r->total_s);
    aglm_json_member_bool(&w, "limits_met", !r->infeasible);
    aglm_json_close_object(&w);
    if (s.rc == AGLM_OK)
        printf("%s\n", s.data);
    aglm_str_clear(&s);
}

int aglm_texts_tune(const aglm_args *a, const aglm_tune_options *tune)
{
    aglm_answer_options o;
    aglm_answer_result r = {0};
    aglm_error err = {0};
    aglm_rc rc = options_of(a, tune, &o, &err);
    int code = AGLM_EXIT_OK;

    if (rc == AGLM_OK)
        rc = aglm_answer_tune(&r, &o, &err);
    if (rc == AGLM_OK && o.dry)
        print_expected(&r, aglm_args_flag(a, "json"));
    else if (rc == AGLM_OK && aglm_args_flag(a, "json"))
        json_result(&r, tune->out);
    else if (rc == AGLM_OK && !aglm_args_flag(a, "json-lines"))
        print_result(&r, tune->out);
    if (rc == AGLM_OK && r.infeasible)
        code = AGLM_EXIT_BAR;
    if (rc != AGLM_OK && r.interrupted) {
        fprintf(stderr, "autoglm tune: %s\nthe same command goes on from here\n", err.msg);
        code = AGLM_EXIT_INTERRUPTED;
    } else if (rc != AGLM_OK) {
        code = aglm_cli_fail(a, rc, &err);
    }
    aglm_answer_result_clear(&r);
    return code;
}

/* ---- what a bundle is asked ---- */

struct asked {
    aglm_table *table;
    aglm_example_set *set;
    aglm_lm *lm;
    aglm_asker *asker;
    aglm_cancel cancel;
};

static void asked_clear(struct asked *q)
{
    aglm_asker_free(q->asker);
    aglm_lm_close(q->lm);
    aglm_example_set_free(q->set);
    aglm_table_free(q->table);
}

/* The column by the option, else by the name the bundle knows; a file of one column needs no name.
 */
static aglm_rc find_column(const aglm_table *t, const char *name, const char *option, int *col,
                           aglm_error *err)
{
    *col = aglm_table_find_col(t, name);
    if (*col >= 0)
        return AGLM_OK;
    return aglm_error_set(err, AGLM_INVALID, "%s: no column \"%s\" (%s COL)",
                          aglm_table_report(t)->name, name, option);
}

static aglm_rc find_fields(const aglm_answerer *a, const aglm_table *t, const char *text,
                           aglm_example_form *form, aglm_error *err)
{
    size_t n = aglm_answerer_fields(a);
    aglm_rc rc = AGLM_OK;

    form->n_fields = n;
    if (n == 1 && aglm_table_cols(t) == 1 && !text)
        return AGLM_OK; /* the only column */
    for (size_t f = 0; rc == AGLM_OK && f < n; f++) {
        char name[256];
        size_t len = text ? strcspn(text, ",") : 0;
        snprintf(name, sizeof name, "%.*s", text ? (int)(len < 255 ? len : 255) : 255,
                 text ? text : aglm_answerer_field(a, f));
        rc = find_column(t, name, "--text", &form->fields[f], err);
        text = text ? text + len + (text[len] == ',') : NULL;
    }
    return rc;
}

/* The column of right answers, where `labelled`. */
static aglm_rc find_target(const aglm_args *a, const aglm_bundle *b, const aglm_table *t,
                           aglm_example_form *form, aglm_error *err)
{
    const aglm_json *root = aglm_json_root(b->manifest);
    const char *known = aglm_json_string(aglm_json_get(aglm_json_get(root, "data"), "bare_column"),
                                         NULL);
    const char *task = aglm_json_string(aglm_json_get(root, "answers"), NULL);
    const char *name = aglm_args_text(a, "label", known ? known : "answer");

    form->whole = task && strcmp(task, aglm_prompt_task_name(AGLM_PROMPT_EXTRACTION)) == 0;
    return find_column(t, name, "--label", &form->target, err);
}

static aglm_rc open_asked(struct asked *q, const aglm_args *a, const aglm_bundle *b, bool labelled,
                          aglm_error *err)
{
    const aglm_answerer *answerer = aglm_answerer_of(b->members[0].model);
    const char *file = a->n_operands > 1 ? a->operands[1] : "-";
    aglm_example_form form = {.target = -1, .bare = -1};
    aglm_read_options read;
    aglm_task_options task;
    aglm_rc rc = aglm_reading_options(a, &read, &task, err);

    if (rc != AGLM_OK)
        return rc;
    if (read.format == AGLM_FORMAT_AUTO && strcmp(file, "-") == 0 && !task.text &&
        aglm_answerer_fields(answerer) == 1)
        read.format = AGLM_FORMAT_LINES;
    if ((rc = aglm_table_read(&q->table, file, &read, err)) != AGLM_OK ||
        (rc = find_fields(answerer, q->table, task.text, &form, err)) != AGLM_OK)
        return rc;
    if (labelled && (rc = find_target(a, b, q->table, &form, err)) != AGLM_OK)
        return rc;
    if ((rc = aglm_example_set_new(&q->set, q->table, &form, err)) != AGLM_OK ||
        (rc = aglm_lm_open_file(&q->lm, aglm_answerer_file(answerer), 1, err)) != AGLM_OK)
        return rc;
    aglm_cancel_init(&q->cancel, NULL, 0);
    aglm_interrupt_install(&q->cancel);
    return aglm_asker_new(&q->asker, answerer, q->lm, err);
}

/* ---- predict ---- */

static void put_answer(const aglm_lm_answer *answer, bool json)
{
    aglm_json_writer w;
    aglm_str s;

    if (!json) {
        aglm_terminal_text(stdout, answer->text.data, answer->text.len);
        putchar('\n');
        return;
    }
    aglm_str_init(&s, 64u << 20);
    aglm_json_writer_init(&w, &s);
    aglm_json_open_object(&w);
    aglm_json_key(&w, "answer");
    aglm_json_put_string(&w, answer->text.data, answer->text.len);
    aglm_json_member_int(&w, "prompt_tokens", answer->prompt_tokens);
    aglm_json_member_int(&w, "tokens", answer->tokens);
    aglm_json_member_bool(&w, "cut", answer->reason == AGLM_LM_LENGTH);
    aglm_json_close_object(&w);
    if (s.rc == AGLM_OK)
        printf("%s\n", s.data);
    aglm_str_clear(&s);
}

static aglm_rc answer_all(struct asked *q, bool json, aglm_error *err)
{
    aglm_rc rc = AGLM_OK;

    for (size_t i = 0; rc == AGLM_OK && i < q->set->n; i++) {
        aglm_lm_answer answer;
        aglm_lm_answer_init(&answer);
        rc = aglm_asker_ask(q->asker, q->set->at[i].field, &answer, err);
        if (rc == AGLM_OK)
            put_answer(&answer, json);
        else
            aglm_error_prefix(err, "%s:%zu", aglm_table_report(q->table)->name, q->set->at[i].line);
        aglm_lm_answer_clear(&answer);
        if (rc == AGLM_OK && (aglm_cancelled(&q->cancel) || ferror(stdout)))
            rc = aglm_error_set(err, AGLM_CANCELLED,
                                ferror(stdout) ? "standard output is closed" : "interrupted");
    }
    return rc;
}

int aglm_texts_predict(const aglm_args *a, const aglm_bundle *b)
{
    struct asked q = {0};
    aglm_error err = {0};
    aglm_rc rc = AGLM_OK;

    if (aglm_args_given(a, "top") || aglm_args_given(a, "explain"))
        rc = aglm_error_set(&err, AGLM_INVALID,
                            "--top, --explain: the bundle answers with texts, not with labels");
    if (rc == AGLM_OK)
        rc = open_asked(&q, a, b, false, &err);
    if (rc == AGLM_OK)
        rc = answer_all(&q, aglm_args_flag(a, "json"), &err);
    asked_clear(&q);
    if (rc == AGLM_CANCELLED)
        return AGLM_EXIT_INTERRUPTED;
    return rc == AGLM_OK ? AGLM_EXIT_OK : aglm_cli_fail(a, rc, &err);
}

/* ---- eval ---- */

/* What the prompt was chosen by. */
static aglm_rc known_metric(const aglm_bundle *b, aglm_text_metric *out, aglm_error *err)
{
    const aglm_json *metrics = aglm_json_get(aglm_json_root(b->manifest), "metrics");
    const char *name = aglm_json_string(aglm_json_get(metrics, "chosen_by"), NULL);

    if (name && aglm_text_metric_from_name(name, out))
        return AGLM_OK;
    return aglm_error_set(err, AGLM_FORMAT, "manifest.json: metrics.chosen_by: expected a metric");
}

static void print_sheet(const aglm_answer_sheet *s, aglm_interval i, bool json)
{
    double n = (double)s->n;
    const char *metric = aglm_text_metric_name(s->metric);

    if (json)
        printf("{\"metric\":\"%s\",\"answers\":%zu,\"value\":%.6f,\"low_95\":%.6f,"
               "\"high_95\":%.6f,\"tokens_read\":%.3f,\"tokens_written\":%.3f,\"mean_s\":%.6f,"
               "\"p95_s\":%.6f}\n",
               metric, s->n, aglm_answer_sheet_value(s), i.low, i.high, s->tokens_read / n,
               s->tokens_written / n, aglm_answer_sheet_mean_s(s), aglm_answer_sheet_p95_s(s));
    else
        printf(
            "%s %.4f (95 %% interval %.4f to %.4f) of %zu answers\n"
            "an answer: %.1f tokens read, %.1f written, %.0f ms on the mean, 95 %% below %.0f ms\n",
            metric, aglm_answer_sheet_value(s), i.low, i.high, s->n, s->tokens_read / n,
            s->tokens_written / n, 1e3 * aglm_answer_sheet_mean_s(s),
            1e3 * aglm_answer_sheet_p95_s(s));
}

int aglm_texts_eval(const aglm_args *a, const aglm_bundle *b)
{
    struct asked q = {0};
    aglm_answer_sheet s = {0};
    aglm_text_metric metric = AGLM_TEXT_EXACT;
    aglm_interval interval;
    aglm_error err = {0};
    aglm_rc rc = known_metric(b, &metric, &err);

    if (rc == AGLM_OK && (aglm_args_given(a, "against") || aglm_args_given(a, "min-accuracy")))
        rc = aglm_error_set(&err, AGLM_INVALID,
                            "--against, --min-accuracy: the bundle answers with texts, not with "
                            "labels");
    if (rc == AGLM_OK)
        rc = open_asked(&q, a, b, true, &err);
    if (rc == AGLM_OK)
        rc = aglm_answer_check(metric, q.set, a->operands[1], &err);
    if (rc == AGLM_OK)
        rc = aglm_answer_measure(&s, metric, q.asker, &(aglm_answer_part){q.set, NULL, q.set->n},
                                 &q.cancel, &err);
    if (rc == AGLM_OK)
        rc = aglm_answer_sheet_interval(&s, 0, &interval, &err);
    if (rc == AGLM_OK)
        print_sheet(&s, interval, aglm_args_flag(a, "json"));
    aglm_answer_sheet_clear(&s);
    asked_clear(&q);
    if (rc == AGLM_CANCELLED)
        return AGLM_EXIT_INTERRUPTED;
    return rc == AGLM_OK ? AGLM_EXIT_OK : aglm_cli_fail(a, rc, &err);
}
