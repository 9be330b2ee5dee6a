#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/memory.h"
#include "cli/commands.h"
#include "cli/reading.h"
#include "cli/terminal.h"
#include "cli/texts.h"
#include "eval/latency.h"
#include "eval/score.h"
#include "tune/bundle.h"

#define ROUNDS 1000
#define PROBE_CALLS 5000
#define PROBE_NS 1000000000ULL

static const aglm_option OPTIONS[] = {
    AGLM_OPTIONS_READ,
    {"against", 0, AGLM_OPTION_FILE, "BUNDLE", "a second bundle: McNemar's test between the two",
     NULL, 0, 0},
    {"min-accuracy", 0, AGLM_OPTION_TEXT, "X", "exit with 3 when the accuracy is below X", NULL, 0,
     0},
    {"json", 0, AGLM_OPTION_FLAG, NULL, "print one JSON object", NULL, 0, 0},
};

struct sheet {
    aglm_bundle *bundle;
    aglm_bundle *other;
    aglm_table *table;
    aglm_dataset *data;
    float *probs;
    double load_ms;
    aglm_score score;
    aglm_latency latency;
    uint64_t bytes;
    uint64_t only_first, only_second;
};

static void sheet_clear(struct sheet *s)
{
    aglm_score_clear(&s->score);
    free(s->probs);
    aglm_dataset_free(s->data);
    aglm_table_free(s->table);
    aglm_bundle_free(s->other);
    aglm_bundle_free(s->bundle);
}

static aglm_rc read_data(struct sheet *s, const aglm_args *a, aglm_error *err)
{
    aglm_read_options read;
    aglm_task_options task;
    aglm_task_guess guess;
    char names[AGLM_READING_NAMES];
    aglm_dataset_options options = {.labels = (const char *const *)s->bundle->labels,
                                    .n_labels = s->bundle->n_labels};
    aglm_rc rc = aglm_reading_options(a, &read, &task, err);

    if (rc != AGLM_OK)
        return rc;
    aglm_reading_header(s->bundle, &read);
    if ((rc = aglm_table_read(&s->table, a->operands[1], &read, err)) != AGLM_OK)
        return rc;
    options.skip_bad_rows = read.skip_bad_rows;
    task.task = s->bundle->task;
    aglm_reading_columns(s->bundle, s->table, &task, names);
    rc = aglm_task_detect(&guess, s->table, &task, err);
    if (rc == AGLM_OK)
        rc = aglm_dataset_from_table(&s->data, s->table, &guess, &options, err);
    aglm_str_clear(&guess.evidence);
    return rc;
}

static aglm_rc predict_all(const aglm_bundle *b, const aglm_dataset *d, float *out, aglm_error *err)
{
    aglm_bundle_predictor *p = NULL;
    aglm_rc rc = aglm_bundle_predictor_new(&p, b, err);

    for (size_t i = 0; rc == AGLM_OK && i < aglm_dataset_size(d); i++) {
        aglm_doc doc = aglm_dataset_doc(d, i);
        const float *probs = NULL;
        rc = aglm_bundle_predict(p, doc.text, doc.len, &probs, err);
        if (rc == AGLM_OK)
            memcpy(out + i * b->n_labels, probs, b->n_labels * sizeof *out);
    }
    aglm_bundle_predictor_free(p);
    return rc;
}

static aglm_rc predict_one(void *arg, const char *text, size_t len, aglm_error *err)
{
    const float *probs;

    return aglm_bundle_predict(arg, text, len, &probs, err);
}

static aglm_rc probe(struct sheet *s, aglm_error *err)
{
    aglm_bundle_predictor *p = NULL;
    aglm_rc rc = aglm_bundle_predictor_new(&p, s->bundle, err);
    aglm_latency_plan plan = {.data = s->data,
                              .n = aglm_dataset_size(s->data),
                              .predict = predict_one,
                              .arg = p,
                              .max_calls = PROBE_CALLS,
                              .max_ns = PROBE_NS};

    if (rc == AGLM_OK)
        rc = aglm_latency_probe(&s->latency, &plan, err);
    aglm_bundle_predictor_free(p);
    return rc;
}

static aglm_rc compare(struct sheet *s, aglm_error *err)
{
    size_t n = aglm_dataset_size(s->data), k = s->bundle->n_labels;
    aglm_rc rc;

    if (s->other->n_labels != k || s->bundle->task == AGLM_TASK_MULTILABEL ||
        s->bundle->task == AGLM_TASK_REGRESSION)
        return aglm_error_set(err, AGLM_UNSUPPORTED,
                              "--against: both bundles must have the same labels, one a document");
    for (size_t i = 0; i < k; i++)
        if (strcmp(s->bundle->labels[i], s->other->labels[i]) != 0)
            return aglm_error_set(err, AGLM_INVALID, "--against: that bundle has other labels");
    float *probs = aglm_calloc(n * k, sizeof *probs);
    if (!probs)
        return aglm_error_set(err, AGLM_NOMEM, "out of memory");
    rc = predict_all(s->other, s->data, probs, err);
    for (size_t i = 0; rc == AGLM_OK && i < n; i++) {
        uint32_t gold = aglm_dataset_doc(s->data, i).labels[0];
        bool first = aglm_argmax(s->probs + i * k, k) == gold,
             second = aglm_argmax(probs + i * k, k) == gold;
        s->only_first += first && !second;
        s->only_second += second && !first;
    }
    free(probs);
    return rc;
}

static aglm_rc load(struct sheet *s, const char *dir, aglm_error *err)
{
    uint64_t start = aglm_clock_ns();
    aglm_rc rc = aglm_bundle_load(&s->bundle, dir, err);

    s->load_ms = aglm_clock_since_s(start) * 1e3;
    return rc;
}

static aglm_rc measure(struct sheet *s, const aglm_args *a, aglm_error *err)
{
    const char *against = aglm_args_text(a, "against", NULL);
    aglm_rc rc = AGLM_OK;

    if ((against && (rc = aglm_bundle_load(&s->other, against, err)) != AGLM_OK) ||
        (rc = read_data(s, a, err)) != AGLM_OK)
        return rc;
    size_t n = aglm_dataset_size(s->data);
    s->probs = aglm_calloc(n * s->bundle->n_labels, sizeof *s->probs);
    if (!s->probs)
        return aglm_error_set(err, AGLM_NOMEM, "out of memory for %zu documents", n);
    if ((rc = predict_all(s->bundle, s->data, s->probs, err)) != AGLM_OK ||
        (rc = aglm_score_make(&s->score, &(aglm_predicted){s->data, NULL, n, s->probs}, err)) !=
            AGLM_OK ||
        (rc = aglm_score_bootstrap(&s->score, &(aglm_predicted){s->data, NULL, n, s->probs}, ROUNDS,
                                   0, err)) != AGLM_OK ||
        (rc = probe(s, err)) != AGLM_OK ||
        (rc = aglm_bundle_size(s->bundle, &s->bytes, err)) != AGLM_OK)
        return rc;
    return s->other ? compare(s, err) : AGLM_OK;
}

/* ---- output ---- */

static void print_classes(const struct sheet *s)
{
    const aglm_score *q = &s->score;

    if (!q->classes)
        return;
    printf("\n%-24s %9s %9s %9s %9s\n", "label", "precision", "recall", "F1", "documents");
    for (size_t i = 0; i < q->labels; i++) {
        aglm_terminal_cell(stdout, s->bundle->labels[i], 24, false);
        printf(" %9.4f %9.4f %9.4f %9llu\n", q->classes[i].precision, q->classes[i].recall,
               q->classes[i].f1, (unsigned long long)q->classes[i].support);
    }
}

static void print_interval(const aglm_score *q, aglm_metric m)
{
    const aglm_interval *i = aglm_score_interval(q, m);
    char name[32];

    if (!i || !aglm_metric_fits(m, q->task))
        return;
    snprintf(name, sizeof name, "%s 95 %%",
             m == AGLM_METRIC_MACRO_F1 ? "macro F1" : aglm_metric_name(m));
    printf("%-20s %.4f to %.4f\n", name, i->low, i->high);
}

static void print_sheet(const struct sheet *s)
{
    const aglm_score *q = &s->score;

    printf("%-20s %zu\n", "documents", q->docs);
    for (int m = 0; m < AGLM_METRICS; m++)
        if (aglm_metric_fits((aglm_metric)m, q->task))
            printf("%-20s %.4f\n", aglm_metric_name((aglm_metric)m), q->value[m]);
    for (int m = 0; m < AGLM_METRICS; m++)
        print_interval(q, (aglm_metric)m);
    printf("%-20s %.1f / %.1f / %.1f us a document, %.0f documents/s\n", "latency p50/p95/p99",
           s->latency.p50_us, s->latency.p95_us, s->latency.p99_us, s->latency.docs_per_s);
    printf("%-20s %.2f MB, loads in %.1f ms\n", "bundle", (double)s->bytes / 1e6, s->load_ms);
    if (s->other)
        printf("%-20s only this one right %llu, only the other %llu, p = %.4g\n", "McNemar",
               (unsigned long long)s->only_first, (unsigned long long)s->only_second,
               aglm_mcnemar(s->only_first, s->only_second));
    print_classes(s);
}

static void json_classes(aglm_json_writer *w, const struct sheet *s)
{
    if (!s->score.classes)
        return;
    aglm_json_key(w, "classes");
    aglm_json_open_array(w);
    for (size_t i = 0; i < s->score.labels; i++) {
        const aglm_class_score *c = &s->score.classes[i];
        aglm_json_open_object(w);
        aglm_json_member_text(w, "label", s->bundle->labels[i]);
        aglm_json_member_double(w, "precision", c->precision);
        aglm_json_member_double(w, "recall", c->recall);
        aglm_json_member_double(w, "f1", c->f1);
        aglm_json_member_int(w, "support", (int64_t)c->support);
        aglm_json_close_object(w);
    }
    aglm_json_close_array(w);
}

static void json_confusion(aglm_json_writer *w, const aglm_score *q)
{
    aglm_json_key(w, "confusion");
    if (!q->confusion) {
        aglm_json_put_null(w);
        return;
    }
    aglm_json_open_array(w);
    for (size_t g = 0; g < q->labels; g++) {
        aglm_json_open_array(w);
        for (size_t p = 0; p < q->labels; p++)
            aglm_json_put_int(w, q->confusion[g * q->labels + p]);
        aglm_json_close_array(w);
    }
    aglm_json_close_array(w);
}

static void json_interval(aglm_json_writer *w, const aglm_score *q, aglm_metric m)
{
    const aglm_interval *i = aglm_score_interval(q, m);
    char key[32];

    if (!i || !aglm_metric_fits(m, q->task))
        return;
    snprintf(key, sizeof key, "%s_95", aglm_metric_name(m));
    aglm_json_key(w, key);
    aglm_json_open_array(w);
    aglm_json_put_double(w, i->low);
    aglm_json_put_double(w, i->high);
    aglm_json_close_array(w);
}

static void json_sheet(const struct sheet *s)
{
    const aglm_score *q = &s->score;
    aglm_json_writer w;
    aglm_str text;

    aglm_str_init(&text, 256u << 20);
    aglm_json_writer_init(&w, &text);
    aglm_json_open_object(&w);
    aglm_json_member_int(&w, "documents", (int64_t)q->docs);
    for (int m = 0; m < AGLM_METRICS; m++)
        if (aglm_metric_fits((aglm_metric)m, q->task))
            aglm_json_member_double(&w, aglm_metric_name((aglm_metric)m), q->value[m]);
    for (int m = 0; m < AGLM_METRICS; m++)
        json_interval(&w, q, (aglm_metric)m);
    aglm_json_member_double(&w, "latency_p50_us", s->latency.p50_us);
    aglm_json_member_double(&w, "latency_p95_us", s->latency.p95_us);
    aglm_json_member_double(&w, "latency_p99_us", s->latency.p99_us);
    aglm_json_member_double(&w, "documents_per_s", s->latency.docs_per_s);
    aglm_json_member_int(&w, "bytes", (int64_t)s->bytes);
    aglm_json_member_double(&w, "load_ms", s->load_ms);
    if (s->other) {
        aglm_json_member_int(&w, "only_first_right", (int64_t)s->only_first);
        aglm_json_member_int(&w, "only_second_right", (int64_t)s->only_second);
        aglm_json_member_double(&w, "mcnemar_p", aglm_mcnemar(s->only_first, s->only_second));
    }
    json_classes(&w, s);
    json_confusion(&w, q);
    aglm_json_close_object(&w);
    if (text.rc == AGLM_OK)
        printf("%s\n", text.data);
    aglm_str_clear(&text);
}

static int run(const aglm_args *a)
{
    const char *bar_text = aglm_args_text(a, "min-accuracy", NULL);
    struct sheet s;
    aglm_error err = {0};
    double bar = 0;

    memset(&s, 0, sizeof s);
    if (bar_text &&
        (!aglm_double_parse(bar_text, strlen(bar_text), &bar) || !(bar >= 0 && bar <= 1)))
        return aglm_cli_fail(
            a,
            aglm_error_set(&err, AGLM_INVALID, "--min-accuracy %.40s: expected 0 to 1", bar_text),
            &err);
    aglm_rc rc = load(&s, a->operands[0], &err);
    if (rc == AGLM_OK && s.bundle->task == AGLM_TASK_GENERATION) {
        int texts = aglm_texts_eval(a, s.bundle);
        sheet_clear(&s);
        return texts;
    }
    if (rc == AGLM_OK)
        rc = measure(&s, a, &err);
    if (rc == AGLM_OK && bar_text && s.score.task == AGLM_TASK_REGRESSION)
        rc = aglm_error_set(&err, AGLM_INVALID, "--min-accuracy: a regression has no accuracy");
    if (rc == AGLM_OK && aglm_args_flag(a, "json"))
        json_sheet(&s);
    else if (rc == AGLM_OK)
        print_sheet(&s);
    int code = rc != AGLM_OK                               ? aglm_cli_fail(a, rc, &err)
               : s.score.value[AGLM_METRIC_ACCURACY] < bar ? AGLM_EXIT_BAR
                                                           : AGLM_EXIT_OK;
    sheet_clear(&s);
    return code;
}

const aglm_command aglm_command_eval = {
    .name = "eval",
    .operands = "BUNDLE FILE",
    .operands_min = 2,
    .operands_max = 2,
    .summary = "measure a bundle on a labelled file",
    .about =
        "Accuracy, F1, log-loss, AUC, calibration error, intervals, a report by class, latency, size and load time.",
    .options = OPTIONS,
    .n_options = sizeof OPTIONS / sizeof *OPTIONS,
    .examples =
        "  autoglm eval reviews.bundle test.csv\n  autoglm eval new.bundle test.csv --against old.bundle --json",
    .run = run,
};
