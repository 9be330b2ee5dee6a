#include "tune/run_priv.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/utsname.h>

#include "base/file.h"
#include "base/pool.h"
#include "tune/report.h"

#define TEXT_MAX (64u << 20)

static void write_source(aglm_json_writer *w, const char *key, const aglm_table *t)
{
    const aglm_read_report *rep = aglm_table_report(t);

    aglm_json_key(w, key);
    aglm_json_open_object(w);
    aglm_json_member_text(w, "name", rep->name);
    aglm_json_member_text(w, "format", aglm_format_name(rep->format));
    aglm_json_member_text(w, "encoding", aglm_encoding_name(rep->encoding));
    aglm_json_member_int(w, "bytes", (int64_t)rep->bytes);
    aglm_json_member_text(w, "sha256", rep->sha256);
    aglm_json_member_int(w, "rows", (int64_t)aglm_table_rows(t));
    aglm_json_member_int(w, "bad_rows_skipped", (int64_t)rep->bad_rows);
    aglm_json_close_object(w);
}

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
    write_source(w, "file", r->input.table);
    if (r->input.valid_table)
        write_source(w, "valid", r->input.valid_table);
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

static void write_interval(aglm_json_writer *w, const char *key, aglm_interval i)
{
    aglm_json_key(w, key);
    aglm_json_open_array(w);
    aglm_json_put_double(w, i.low);
    aglm_json_put_double(w, i.high);
    aglm_json_close_array(w);
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
        write_interval(w, key, *interval);
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

/* "model name" of /proc/cpuinfo; "unknown" elsewhere. */
static void cpu_name(char *buf, size_t size)
{
    FILE *f = fopen("/proc/cpuinfo", "r");
    char line[256];

    snprintf(buf, size, "unknown");
    while (f && fgets(line, sizeof line, f)) {
        char *colon = strchr(line, ':');
        if (strncmp(line, "model name", 10) != 0 || !colon)
            continue;
        line[strcspn(line, "\n")] = '\0';
        snprintf(buf, size, "%s", colon + 2);
        break;
    }
    if (f)
        fclose(f);
}

static void write_environment(aglm_json_writer *w, const aglm_run *r)
{
    char cpu[128];
    struct utsname u;

    cpu_name(cpu, sizeof cpu);
    aglm_json_key(w, "environment");
    aglm_json_open_object(w);
    aglm_json_member_text(w, "cpu", cpu);
    if (uname(&u) == 0) {
        aglm_json_member_text(w, "system", u.sysname);
        aglm_json_member_text(w, "machine", u.machine);
    }
    aglm_json_member_text(w, "compiler", __VERSION__);
    aglm_json_member_int(w, "threads", r->threads);
    aglm_json_close_object(w);
}

/* Where things are written does not change what is written, so --out and --storage are left out:
 * the same command elsewhere gives the same bundle. */
static void write_command(aglm_json_writer *w, const aglm_tune_options *o)
{
    aglm_json_key(w, "command");
    aglm_json_open_array(w);
    for (size_t i = 0; i < o->n_command; i++) {
        const char *a = o->command[i];
        bool place = strcmp(a, "--out") == 0 || strcmp(a, "-o") == 0 || strcmp(a, "--storage") == 0;
        if (place)
            i++;
        else if (strncmp(a, "--out=", 6) != 0 && strncmp(a, "--storage=", 10) != 0)
            aglm_json_put_text(w, a);
    }
    aglm_json_close_array(w);
}

static void write_more(void *arg, aglm_json_writer *w)
{
    const aglm_run *r = arg;

    aglm_json_member_int(w, "seed", (int64_t)r->o->seed);
    aglm_json_member_text(w, "study", r->result->study);
    write_data(w, r);
    write_metrics(w, r->result);
    write_environment(w, r);
    write_command(w, r->o);
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

static void write_trial(aglm_json_writer *w, const aglm_run *r, const aglm_trial *t)
{
    aglm_json_open_object(w);
    aglm_json_member_int(w, "number", t->number);
    aglm_json_member_text(w, "state", aglm_report_state(t->state));
    aglm_json_key(w, "values");
    aglm_json_open_array(w);
    for (size_t i = 0; i < t->n_values; i++)
        aglm_json_put_double(w, t->values[i]);
    aglm_json_close_array(w);
    aglm_json_key(w, "params");
    aglm_point_write(r->plan.space, t->x, w);
    aglm_json_key(w, "steps");
    aglm_json_open_array(w);
    for (size_t i = 0; i < t->n_steps; i++)
        aglm_json_put_double(w, t->steps[i].value);
    aglm_json_close_array(w);
    aglm_json_close_object(w);
}

/* Without times, so that the same seed gives the same file. Trials that the clock cut off are left
 * out for the same reason. */
static aglm_rc study_text(const aglm_run *r, const aglm_trial *trials, size_t n, aglm_str *s)
{
    aglm_json_writer w;
    aglm_str space;

    aglm_str_init(&space, 1 << 20);
    aglm_space_write(r->plan.space, &space);
    aglm_json_writer_init(&w, s);
    w.pretty = true;
    aglm_json_open_object(&w);
    aglm_json_member_text(&w, "study", r->result->study);
    aglm_json_member_text(&w, "metric", aglm_metric_name(r->metric));
    aglm_json_member_text(&w, "direction", r->maximize ? "maximize" : "minimize");
    aglm_json_key(&w, "space");
    aglm_json_put_parsed(&w, space.data, space.len);
    aglm_json_key(&w, "trials");
    aglm_json_open_array(&w);
    for (size_t i = 0; i < n; i++)
        if (trials[i].state == AGLM_TRIAL_COMPLETE || trials[i].state == AGLM_TRIAL_PRUNED)
            write_trial(&w, r, &trials[i]);
    aglm_json_close_array(&w);
    aglm_json_close_object(&w);
    aglm_str_putc(s, '\n');
    if (s->rc == AGLM_OK || space.rc == AGLM_NOMEM)
        s->rc = space.rc;
    aglm_str_clear(&space);
    return s->rc;
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

    times_text(r, &texts[FILE_TIMES]);
    study_text(r, trials, n, &texts[FILE_STUDY]);
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
