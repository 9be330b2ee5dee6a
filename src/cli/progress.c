#include "cli/progress.h"

#include <math.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/json.h"
#include "base/memory.h"
#include "cli/terminal.h"
#include "tune/report.h"

#define ROWS 6
#define PARAMS_MAX 512
#define PLAIN_EVERY_S 10.0

struct row {
    int64_t number;
    char learner[24];
    char params[PARAMS_MAX];
    const char *state;
    double value, duration_s;
    unsigned step, steps;
    bool best, used;
};

struct aglm_progress {
    aglm_progress_mode mode;
    bool verbose;
    double budget_s;
    int64_t trials;
    aglm_terminal term;
    uint64_t start_ns;
    uint64_t plain_ns; /* when the last plain line was written */
    size_t drawn;      /* lines of the live part now on the screen */
    size_t finished;
    int64_t best_number;
    double best_value;
    char phase[32];
    struct row rows[ROWS]; /* a ring of the latest trials */
    size_t next;
    bool done;
    bool learners; /* trials name their learner */
    pthread_mutex_t lock;
    pthread_cond_t wake;
    pthread_t ticker;
    bool ticking;
};

/* ---- JSON lines ---- */

static const char *event_name(aglm_tune_event_kind k)
{
    static const char *const NAMES[] = {"start", "trial_start", "trial_report", "trial_end",
                                        "best",  NULL,          "done"};

    return NAMES[k];
}

static void put_params(aglm_json_writer *w, const char *json)
{
    aglm_json_doc *doc = NULL;

    aglm_json_key(w, "params");
    if (json && aglm_json_parse(&doc, json, strlen(json), NULL, NULL) == AGLM_OK)
        aglm_json_put_value(w, aglm_json_root(doc));
    else
        aglm_json_put_null(w);
    aglm_json_free(doc);
}

static void put_end(aglm_json_writer *w, const aglm_tune_event *e)
{
    aglm_json_member_text(w, "state", aglm_report_state(e->state));
    aglm_json_key(w, "values");
    aglm_json_open_array(w);
    for (size_t i = 0; i < e->n_values; i++)
        aglm_json_put_double(w, e->values[i]);
    if (e->n_values == 0 && !isnan(e->value))
        aglm_json_put_double(w, e->value);
    aglm_json_close_array(w);
    aglm_json_member_double(w, "duration_s", e->duration_s);
    if (e->learner) {
        aglm_json_member_double(w, "latency_p95_us", e->latency_us);
        aglm_json_member_int(w, "bytes", (int64_t)e->bytes);
    }
    if (e->text)
        aglm_json_member_text(w, "error", e->text);
    put_params(w, e->params);
}

static void put_start(aglm_json_writer *w, const aglm_tune_event *e)
{
    aglm_json_member_int(w, "schema", 1);
    if (!e->input)
        return;
    aglm_json_member_text(w, "task", aglm_task_name(e->input->guess.task));
    aglm_json_member_int(w, "documents", (int64_t)aglm_dataset_size(e->input->data));
    aglm_json_member_int(w, "labels", (int64_t)aglm_dataset_n_labels(e->input->data));
    aglm_json_member_int(w, "steps", e->steps);
}

static void json_event(const aglm_tune_event *e)
{
    aglm_json_writer w;
    aglm_str s;

    if (!event_name(e->kind))
        return;
    aglm_str_init(&s, 1 << 20);
    aglm_json_writer_init(&w, &s);
    aglm_json_open_object(&w);
    aglm_json_member_text(&w, "event", event_name(e->kind));
    aglm_json_member_double(&w, "elapsed_s", e->elapsed_s);
    if (e->kind == AGLM_TUNE_START)
        put_start(&w, e);
    if (e->number >= 0)
        aglm_json_member_int(&w, "number", e->number);
    if (e->kind == AGLM_TUNE_TRIAL_START)
        put_params(&w, e->params);
    if (e->kind == AGLM_TUNE_TRIAL_REPORT) {
        aglm_json_member_int(&w, "step", e->step);
        aglm_json_member_double(&w, "value", e->value);
    }
    if (e->kind == AGLM_TUNE_TRIAL_END)
        put_end(&w, e);
    if (e->kind == AGLM_TUNE_BEST || e->kind == AGLM_TUNE_DONE) {
        aglm_json_member_int(&w, "best_number", e->best_number);
        aglm_json_member_double(&w, "best_value", e->best_value);
    }
    aglm_json_close_object(&w);
    if (s.rc == AGLM_OK)
        printf("%s\n", s.data);
    fflush(stdout);
    aglm_str_clear(&s);
}

/* ---- for a person ---- */

static void wipe(aglm_progress *p)
{
    if (p->drawn)
        fprintf(p->term.out, "\x1b[%zuA\r\x1b[J", p->drawn);
    p->drawn = 0;
}

static void draw_row(aglm_progress *p, const struct row *r, size_t columns)
{
    FILE *out = p->term.out;
    char text[64];

    fputs(aglm_terminal_style(&p->term, r->best                        ? 'g'
                                        : strcmp(r->state, "COMPLETE") ? 'd'
                                                                       : '0'),
          out);
    fprintf(out, "%6lld  ", (long long)r->number);
    aglm_terminal_cell(out, r->state, 9, false);
    if (r->steps)
        snprintf(text, sizeof text, "%u/%u", r->step, r->steps);
    else
        snprintf(text, sizeof text, "%u", r->step);
    aglm_terminal_cell(out, text, 5, true);
    if (isnan(r->value))
        fputs("         -", out);
    else
        fprintf(out, "%10.4f", r->value);
    fprintf(out, "%7.1fs  ", r->duration_s);
    if (*r->learner)
        aglm_terminal_cell(out, r->learner, 7, false);
    size_t used = *r->learner ? 51 : 44;
    aglm_terminal_cell(out, r->params, columns > used + 1 ? columns - used : 1, false);
    fprintf(out, "%s\n", aglm_terminal_style(&p->term, '0'));
}

static void draw_status(aglm_progress *p, size_t columns)
{
    FILE *out = p->term.out;
    double elapsed = aglm_clock_since_s(p->start_ns);
    double share = p->budget_s > 0 ? elapsed / p->budget_s
                   : p->trials     ? (double)p->finished / (double)p->trials
                                   : 0;
    size_t width = columns > 100 ? 30 : 16;
    size_t full = (size_t)(fmin(share, 1) * (double)width);

    fputs(aglm_terminal_style(&p->term, 'b'), out);
    for (size_t i = 0; i < width && (p->budget_s > 0 || p->trials); i++)
        fputs(i < full ? "\xe2\x96\x88" : "\xe2\x96\x91", out);
    fprintf(out, "%s %.0fs", aglm_terminal_style(&p->term, '0'), elapsed);
    if (p->budget_s > 0)
        fprintf(out, " of %.0fs", p->budget_s);
    else if (p->trials && p->finished)
        fprintf(out, ", about %.0fs left",
                elapsed / (double)p->finished * ((double)p->trials - (double)p->finished));
    fprintf(out, "  %zu trials", p->finished);
    if (!isnan(p->best_value))
        fprintf(out, "  best %.4f (trial %lld)", p->best_value, (long long)p->best_number);
    fprintf(out, "  %s\n", p->phase);
}

static void draw(aglm_progress *p)
{
    FILE *out = p->term.out;
    size_t columns = aglm_terminal_columns(&p->term), rows = 0;

    fputs("\x1b[?2026h", out);
    wipe(p);
    fprintf(out, "%s trial  state     step     value    time  %sparameters%s\n",
            aglm_terminal_style(&p->term, 'd'), p->learners ? "learner " : "",
            aglm_terminal_style(&p->term, '0'));
    for (size_t i = 0; i < ROWS; i++) {
        const struct row *r = &p->rows[(p->next + i) % ROWS];
        if (!r->used)
            continue;
        draw_row(p, r, columns);
        rows++;
    }
    draw_status(p, columns);
    fputs("\x1b[?2026l", out);
    fflush(out);
    p->drawn = rows + 2;
}

static void plain_line(aglm_progress *p, bool now)
{
    if (!now && p->plain_ns && aglm_clock_since_s(p->plain_ns) < PLAIN_EVERY_S)
        return;
    p->plain_ns = aglm_clock_ns();
    fprintf(p->term.out, "%.0fs  %zu trials", aglm_clock_since_s(p->start_ns), p->finished);
    if (!isnan(p->best_value))
        fprintf(p->term.out, "  best %.4f (trial %lld)", p->best_value, (long long)p->best_number);
    fprintf(p->term.out, "  %s\n", p->phase);
    fflush(p->term.out);
}

static void fill_row(struct row *r, const aglm_tune_event *e)
{
    *r = (struct row){.number = e->number,
                      .state = aglm_report_state(e->state),
                      .value = e->value,
                      .used = true,
                      .duration_s = e->duration_s,
                      .step = e->step,
                      .steps = e->steps};
    size_t used = 0;

    snprintf(r->learner, sizeof r->learner, "%s", e->learner ? e->learner : "");
    for (size_t i = 1; i < e->n_values; i++) /* the first has a column */
        used += (size_t)snprintf(r->params + used, sizeof r->params - used, "%.4g  ", e->values[i]);
    aglm_report_params(e->params, r->params + used, sizeof r->params - used);
}

static void print_start(aglm_progress *p, const aglm_tune_event *e)
{
    const aglm_input *in = e->input;
    const aglm_profile *f = &in->profile;
    const char *what = in->guess.tabular ? "rows" : "texts";
    char language[64];

    aglm_profile_language(f, language, sizeof language);
    wipe(p);
    if (in->guess.evidence.len)
        fputs(in->guess.evidence.data, p->term.out);
    if (in->guess.task == AGLM_TASK_REGRESSION)
        fprintf(p->term.out, "%zu rows\n", aglm_dataset_size(in->data));
    else
        fprintf(p->term.out, "%zu %s, %zu labels (smallest %zu, largest %zu)%s",
                aglm_dataset_size(in->data), in->guess.tabular ? "rows" : "documents",
                aglm_dataset_n_labels(in->data), f->class_min, f->class_max,
                in->guess.tabular ? "\n" : ", ");
    if (!in->guess.tabular)
        fprintf(p->term.out, "%s, median %u characters\n", language, f->chars_p50);
    if (f->duplicates)
        fprintf(p->term.out,
                "%zu %s are repeated (%zu with other labels); copies are kept in one fold\n",
                f->duplicates, what, f->conflicts);
    if (f->leaks)
        fprintf(p->term.out, "%zu %s of the validation file stand in the data too\n", f->leaks,
                what);
}

static void print_end(FILE *out, const aglm_tune_event *e)
{
    fprintf(out, "trial %lld %s ", (long long)e->number, aglm_report_state(e->state));
    if (!isnan(e->value))
        fprintf(out, "%.4f", e->value);
    for (size_t i = 1; i < e->n_values; i++)
        fprintf(out, " %.4f", e->values[i]);
    if (e->text)
        aglm_terminal_text(out, e->text, strlen(e->text));
    fputc('\n', out);
}

static void person_event(aglm_progress *p, const aglm_tune_event *e)
{
    p->finished = e->finished;
    p->best_number = e->best_number;
    p->best_value = e->best_value;
    p->learners = p->learners || e->learner;
    if (e->kind == AGLM_TUNE_START && e->input)
        print_start(p, e);
    else if (e->kind == AGLM_TUNE_START && e->text)
        fputs(e->text, p->term.out);
    if (e->kind == AGLM_TUNE_PHASE)
        snprintf(p->phase, sizeof p->phase, "%s", e->text);
    if (e->kind == AGLM_TUNE_TRIAL_END) {
        fill_row(&p->rows[p->next], e);
        p->next = (p->next + 1) % ROWS;
    }
    if (e->kind == AGLM_TUNE_BEST)
        p->rows[(p->next + ROWS - 1) % ROWS].best = true;
    if (p->term.live)
        return; /* the ticker draws */
    if (p->verbose && e->kind == AGLM_TUNE_TRIAL_END)
        print_end(p->term.out, e);
    plain_line(p, e->kind == AGLM_TUNE_PHASE);
}

void aglm_progress_event(void *progress, const aglm_tune_event *e)
{
    aglm_progress *p = progress;

    if (p->mode == AGLM_PROGRESS_JSON_LINES)
        json_event(e);
    if (p->mode != AGLM_PROGRESS_PERSON)
        return;
    pthread_mutex_lock(&p->lock);
    person_event(p, e);
    pthread_mutex_unlock(&p->lock);
}

static void *tick(void *arg)
{
    aglm_progress *p = arg;

    pthread_mutex_lock(&p->lock);
    while (!p->done) {
        struct timespec at;
        clock_gettime(CLOCK_REALTIME, &at);
        at.tv_nsec += 150000000;
        at.tv_sec += at.tv_nsec / 1000000000;
        at.tv_nsec %= 1000000000;
        pthread_cond_timedwait(&p->wake, &p->lock, &at);
        if (p->done)
            break;
        if (p->term.live)
            draw(p);
        else if (p->plain_ns)
            plain_line(p, false);
    }
    pthread_mutex_unlock(&p->lock);
    return NULL;
}

aglm_progress *aglm_progress_new(aglm_progress_mode mode, double budget_s, int64_t trials,
                                 bool verbose)
{
    aglm_progress *p = aglm_calloc(1, sizeof *p);

    if (!p)
        return NULL;
    p->mode = mode;
    p->verbose = verbose;
    p->budget_s = budget_s;
    p->trials = trials;
    p->best_value = NAN;
    p->start_ns = aglm_clock_ns();
    snprintf(p->phase, sizeof p->phase, "search");
    aglm_terminal_init(&p->term, stderr);
    pthread_mutex_init(&p->lock, NULL);
    pthread_cond_init(&p->wake, NULL);
    if (mode == AGLM_PROGRESS_PERSON)
        p->ticking = pthread_create(&p->ticker, NULL, tick, p) == 0;
    return p;
}

void aglm_progress_free(aglm_progress *p)
{
    if (!p)
        return;
    if (p->ticking) {
        pthread_mutex_lock(&p->lock);
        p->done = true;
        pthread_cond_signal(&p->wake);
        pthread_mutex_unlock(&p->lock);
        pthread_join(p->ticker, NULL);
    }
    if (p->term.live)
        wipe(p);
    fflush(p->term.out);
    pthread_cond_destroy(&p->wake);
    pthread_mutex_destroy(&p->lock);
    free(p);
}
