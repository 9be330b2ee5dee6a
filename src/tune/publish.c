#include "tune/run_priv.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "base/pool.h"
#include "tune/record.h"
#include "tune/report.h"

#define TEXT_MAX (64u << 20)

static void write_columns(aglm_json_writer *w, const aglm_run *r)
{
    const aglm_task_guess *g = &r->input.guess;

    aglm_json_member_text(w, "label_column",
                          aglm_table_col_name(r->input.table, (size_t)g->label_col));
    aglm_json_key(w, "text_columns");
    aglm_json_open_array(w);
    for (size_t i = 0; i < g->n_text_cols; i++)
        aglm_json_put_text(w, aglm_table_col_name(r->input.table, (size_t)g->text_cols[i]));
    aglm_json_close_array(w);
    if (!g->tabular)
        return;
    aglm_json_member_bool(w, "header", aglm_table_report(r->input.table)->has_header);
    aglm_json_key(w, "feature_columns");
    aglm_json_open_array(w);
    for (size_t i = 0; i < g->n_features; i++)
        aglm_json_put_text(w, aglm_table_col_name(r->input.table, (size_t)g->features[i]));
    aglm_json_close_array(w);
}

static void write_data(aglm_json_writer *w, const aglm_run *r)
{
    aglm_json_key(w, "data");
    aglm_json_open_object(w);
    aglm_record_source(w, "file", r->input.table);
    if (r->input.valid_table)
        aglm_record_source(w, "valid", r->input.valid_table);
    write_columns(w, r);
    aglm_json_member_int(w, "documents", (int64_t)r->stages.docs);
    aglm_json_close_object(w);
    aglm_json_key(w, "split");
    aglm_json_open_object(w);
    aglm_json_member_text(w, "kind",
                          r->stages.folds > 1 ? "cross-validation" : "one held-out part");
    aglm_json_member_int(w, "folds", r->stages.folds);
    aglm_json_member_double(w, "learned_share", aglm_stage_share(&r->stages));
    aglm_json_close_object(w);
}

static void write_metric(aglm_json_writer *w, const aglm_score *score, aglm_metric m)
{
    const aglm_interval *interval = aglm_score_interval(score, m);
    char key[32];

    if (!aglm_metric_fits(m, score->task))
        return;
    aglm_json_member_double(w, aglm_metric_name(m), score->value[m]);
    snprintf(key, sizeof key, "%s_95", aglm_metric_name(m));
    if (interval)
        aglm_record_interval(w, key, *interval);
}

static void write_metrics(aglm_json_writer *w, const aglm_tune_result *res)
{
    aglm_json_key(w, "metrics");
    aglm_json_open_object(w);
    aglm_json_member_text(w, "chosen_by", aglm_metric_name(res->metric));
    aglm_json_member_int(w, "documents", (int64_t)res->score.docs);
    for (int m = 0; m < AGLM_METRICS; m++)
        write_metric(w, &res->score, (aglm_metric)m);
    aglm_json_member_bool(w, "refitted", res->refitted);
    aglm_json_close_object(w);
}

static void write_more(void *arg, aglm_json_writer *w)
{
    const aglm_run *r = arg;

    aglm_json_member_int(w, "seed", (int64_t)r->o->seed);
    aglm_json_member_text(w, "study", r->result->study);
    write_data(w, r);
    write_metrics(w, r->result);
    aglm_record_environment(w, r->threads);
    aglm_record_command(w, r->o->command, r->o->n_command);
    aglm_json_member_text(w, "times", "times.json");
}

static aglm_rc times_text(const aglm_run *r, aglm_str *s)
{
    const aglm_tune_result *res = r->result;
    char now[32];
    aglm_json_writer w;

    aglm_clock_utc(now, sizeof now);
    aglm_json_writer_init(&w, s);
    w.pretty = true;
    aglm_json_open_object(&w);
    aglm_json_member_text(&w, "made_utc", now);
    aglm_json_member_double(&w, "search_s", res->search_s);
    aglm_json_member_double(&w, "refit_s", res->refit_s);
    aglm_json_member_double(&w, "latency_p50_us", res->latency_p50_us);
    aglm_json_member_double(&w, "latency_p95_us", res->latency_p95_us);
    aglm_json_member_double(&w, "latency_p99_us", res->latency_p99_us);
    aglm_json_member_double(&w, "documents_per_s", res->docs_per_s);
    aglm_json_member_int(&w, "peak_memory_bytes", (int64_t)aglm_memory_peak());
    aglm_json_close_object(&w);
    return aglm_str_putc(s, '\n');
}

enum { FILE_TIMES, FILE_STUDY, FILE_CARD, FILE_REPORT, FILES };

static aglm_rc make_texts(aglm_run *r, const aglm_trial *trials, size_t n, aglm_str *texts)
{
    aglm_report_source src = {
        .result = r->result,
        .input = &r->input,
        .stages = &r->stages,
        .space = r->plan.space,
        .trials = trials,
        .n_trials = n,
        .seed = r->o->seed,
    };
    const aglm_recorded_study recorded = {
        r->result->study, aglm_metric_name(r->metric), r->maximize, r->plan.space, trials, n};

    times_text(r, &texts[FILE_TIMES]);
    aglm_record_study(&recorded, &texts[FILE_STUDY]);
    aglm_report_card(&src, &texts[FILE_CARD]);
    aglm_report_html(&src, &texts[FILE_REPORT]);
    for (int i = 0; i < FILES; i++)
        if (texts[i].rc != AGLM_OK)
            return texts[i].rc;
    return AGLM_OK;
}

aglm_rc aglm_run_publish(aglm_run *r, aglm_error *err)
{
    static const char *const NAMES[FILES] = {"times.json", "study.json", "README.md",
                                             "report.html"};
    aglm_bundle_file files[FILES];
    const aglm_bundle_extra extra = {
        .more = write_more, .arg = r, .files = files, .n_files = FILES};
    aglm_str texts[FILES];
    aglm_arena arena;
    aglm_trial *trials = NULL;
    size_t n = 0;
    aglm_rc rc;

    aglm_run_phase(r, "bundle");
    aglm_arena_init(&arena, 1ULL << 30);
    for (int i = 0; i < FILES; i++)
        aglm_str_init(&texts[i], TEXT_MAX);
    if ((rc = aglm_study_trials(r->study, &arena, &trials, &n, err)) != AGLM_OK)
        goto done;
    if ((rc = make_texts(r, trials, n, texts)) != AGLM_OK) {
        rc = aglm_error_set(err, rc, "the bundle's texts: %s", aglm_rc_text(rc));
        goto done;
    }
    for (int i = 0; i < FILES; i++)
        files[i] = (aglm_bundle_file){.name = NAMES[i], .data = texts[i].data, .n = texts[i].len};
    rc = aglm_bundle_save(&r->result->bundle, r->o->out, &extra, err);
done:
    for (int i = 0; i < FILES; i++)
        aglm_str_clear(&texts[i]);
    aglm_arena_clear(&arena);
    return rc;
}
