/* The bundle of a prompt: manifest, study, card. */
#include "base/file.h"
#include "tune/answer_run_priv.h"
#include "tune/record.h"
#include "tune/report.h"

#define TEXT_MAX ((size_t)64 << 20)

static void write_data(aglm_json_writer *w, const aglm_answer_run *r)
{
    aglm_json_key(w, "data");
    aglm_json_open_object(w);
    aglm_record_source(w, "file", r->table);
    aglm_json_member_text(w, "label_column", r->set->target_name);
    aglm_json_member_text(w, "bare_column", r->set->bare_name);
    aglm_json_key(w, "text_columns");
    aglm_json_open_array(w);
    for (size_t f = 0; f < r->set->n_fields; f++)
        aglm_json_put_text(w, r->set->names[f]);
    aglm_json_close_array(w);
    aglm_json_member_int(w, "documents", (int64_t)r->set->n);
    aglm_json_member_int(w, "examples", (int64_t)r->pool.n);
    aglm_json_member_int(w, "validation", (int64_t)r->valid.n);
    aglm_json_member_int(w, "test", (int64_t)r->test.n);
    aglm_json_close_object(w);
}

/* Without times: the same seed gives the same file. */
static void write_figures(aglm_json_writer *w, const char *key, const aglm_answer_figures *f)
{
    aglm_json_key(w, key);
    aglm_json_open_object(w);
    aglm_json_member_double(w, "value", f->value);
    aglm_record_interval(w, "value_95", f->value_95);
    aglm_json_member_double(w, "tokens_read", f->tokens_read);
    aglm_json_member_double(w, "tokens_written", f->tokens_written);
    aglm_json_close_object(w);
}

static void write_metrics(aglm_json_writer *w, const aglm_answer_result *res)
{
    aglm_json_key(w, "metrics");
    aglm_json_open_object(w);
    aglm_json_member_text(w, "chosen_by", aglm_text_metric_name(res->metric));
    aglm_json_member_double(w, "validation", res->value);
    write_figures(w, "test", &res->tuned);
    write_figures(w, "test_plain", &res->plain);
    aglm_json_close_object(w);
}

static void write_more(void *arg, aglm_json_writer *w)
{
    const aglm_answer_run *r = arg;

    aglm_json_member_text(w, "answers", aglm_prompt_task_name(r->result->task));
    aglm_json_member_int(w, "seed", (int64_t)r->o->tune.seed);
    aglm_json_member_text(w, "study", r->result->study);
    write_data(w, r);
    write_metrics(w, r->result);
    aglm_record_environment(w, r->threads);
    aglm_record_command(w, r->o->tune.command, r->o->tune.n_command);
    aglm_json_member_text(w, "times", "times.json");
}

static void times_text(const aglm_answer_run *r, aglm_str *s)
{
    char now[32];
    aglm_json_writer w;

    aglm_clock_utc(now, sizeof now);
    aglm_json_writer_init(&w, s);
    w.pretty = true;
    aglm_json_open_object(&w);
    aglm_json_member_text(&w, "made_utc", now);
    aglm_json_member_double(&w, "search_s", r->result->search_s);
    aglm_json_member_double(&w, "mean_s", r->result->tuned.mean_s);
    aglm_json_member_double(&w, "mean_plain_s", r->result->plain.mean_s);
    aglm_json_close_object(&w);
    aglm_str_putc(s, '\n');
}

static void card_text(const aglm_answer_run *r, aglm_str *s)
{
    const aglm_answer_result *res = r->result;
    const char *metric = aglm_text_metric_name(res->metric);
    const aglm_answer_figures *t = &res->tuned, *p = &res->plain;
    char params[1024];

    aglm_report_params(res->params, params, sizeof params);
    aglm_str_printf(s, "# A prompt for %s\n\n", aglm_prompt_task_name(res->task));
    aglm_str_printf(s,
                    "Found by autoglm tune from %zu examples: %zu to take examples from, %zu to "
                    "choose by, %zu for the test, which no choice was made by.\n\n",
                    r->set->n, r->pool.n, r->valid.n, r->test.n);
    aglm_str_puts(s, "| on the test part | value | 95 % interval | tokens read | tokens written |\n"
                     "|---|---|---|---|---|\n");
    aglm_str_printf(s, "| %s, this prompt | %.4f | %.4f to %.4f | %.1f | %.1f |\n", metric,
                    t->value, t->value_95.low, t->value_95.high, t->tokens_read, t->tokens_written);
    aglm_str_printf(s, "| %s, a plain question | %.4f | %.4f to %.4f | %.1f | %.1f |\n\n", metric,
                    p->value, p->value_95.low, p->value_95.high, p->tokens_read, p->tokens_written);
    aglm_str_printf(s,
                    "Trial %lld of %zu: `%s`. The prompt itself stands in model-0.bin, as JSON; "
                    "it needs the language model that it names.\n",
                    (long long)res->number,
                    res->trials_complete + res->trials_pruned + res->trials_failed, params);
}

enum { FILE_TIMES, FILE_STUDY, FILE_CARD, FILES };

aglm_rc aglm_answer_publish(aglm_answer_run *r, aglm_error *err)
{
    static const char *const NAMES[FILES] = {"times.json", "study.json", "README.md"};
    aglm_bundle_file files[FILES];
    const aglm_bundle_extra extra = {write_more, r, files, FILES};
    aglm_str texts[FILES];
    aglm_arena arena;
    aglm_trial *trials = NULL;
    size_t n = 0;

    aglm_arena_init(&arena, 1ULL << 30);
    for (int i = 0; i < FILES; i++)
        aglm_str_init(&texts[i], TEXT_MAX);
    aglm_rc rc = aglm_study_trials(r->study, &arena, &trials, &n, err);
    if (rc == AGLM_OK) {
        const aglm_recorded_study recorded = {
            r->result->study, aglm_text_metric_name(r->result->metric), true, r->space, trials, n};
        times_text(r, &texts[FILE_TIMES]);
        aglm_record_study(&recorded, &texts[FILE_STUDY]);
        card_text(r, &texts[FILE_CARD]);
    }
    for (int i = 0; rc == AGLM_OK && i < FILES; i++) {
        files[i] = (aglm_bundle_file){NAMES[i], texts[i].data, texts[i].len};
        if (texts[i].rc != AGLM_OK)
            rc = aglm_error_set(err, texts[i].rc, "the bundle's texts: %s",
                                aglm_rc_text(texts[i].rc));
    }
    if (rc == AGLM_OK)
        rc = aglm_bundle_save(&r->result->bundle, r->o->tune.out, &extra, err);
    for (int i = 0; i < FILES; i++)
        aglm_str_clear(&texts[i]);
    aglm_arena_clear(&arena);
    return rc;
}
