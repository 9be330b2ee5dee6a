#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "cli/commands.h"
#include "cli/interrupt.h"
#include "cli/reading.h"
#include "cli/terminal.h"
#include "cli/texts.h"
#include "data/schema.h"
#include "eval/score.h"
#include "tune/bundle.h"

#define SPANS 6

static const aglm_option OPTIONS[] = {
    {"top", 'k', AGLM_OPTION_INT, "K", "print the K likeliest labels with their probabilities",
     NULL, 1, 1000000},
    {"explain", 0, AGLM_OPTION_FLAG, NULL, "print the parts of the text that speak for the label",
     NULL, 0, 0},
    {"json", 0, AGLM_OPTION_FLAG, NULL, "print one JSON object a document", NULL, 0, 0},
    AGLM_OPTIONS_READ,
};

struct output {
    const aglm_bundle *b;
    aglm_bundle_predictor *p;
    size_t top; /* 0: only the labels */
    bool explain, json;
    bool table;
    uint32_t *order; /* [labels] scratch */
};

/* Moves the k likeliest labels to the front of o->order; equal ones keep their order. */
static void rank(const struct output *o, const float *probs, size_t k)
{
    size_t n = o->b->n_labels;

    for (size_t i = 0; i < n; i++)
        o->order[i] = (uint32_t)i;
    for (size_t i = 0; i < k && i < n; i++) {
        size_t best = i;
        for (size_t j = i + 1; j < n; j++)
            if (probs[o->order[j]] > probs[o->order[best]] ||
                (probs[o->order[j]] == probs[o->order[best]] && o->order[j] < o->order[best]))
                best = j;
        uint32_t swap = o->order[i];
        o->order[i] = o->order[best];
        o->order[best] = swap;
    }
}

/* How many labels the answer holds: --top, else the decision (one, or all above the threshold for
 * multi-label). */
static size_t shown(const struct output *o, const float *probs)
{
    size_t n = 0;

    if (o->top)
        return o->top < o->b->n_labels ? o->top : o->b->n_labels;
    if (o->b->task != AGLM_TASK_MULTILABEL)
        return 1;
    for (size_t i = 0; i < o->b->n_labels; i++)
        n += probs[i] >= AGLM_DECISION_THRESHOLD;
    return n;
}

static aglm_rc explain(const struct output *o, const char *text, size_t len, uint32_t label,
                       aglm_explained *spans, size_t *n, aglm_error *err)
{
    *n = 0;
    return o->explain ? aglm_bundle_explain(o->p, text, len, label, spans, SPANS, n, err) : AGLM_OK;
}

static void put_text(const struct output *o, const float *probs, size_t n)
{
    if (o->b->task == AGLM_TASK_REGRESSION) {
        printf("%.9g\n", (double)probs[0]);
        return;
    }
    for (size_t i = 0; i < n; i++) {
        const char *label = o->b->labels[o->order[i]];
        printf("%s", i ? (o->top ? "\t" : "|") : "");
        aglm_terminal_text(stdout, label, strlen(label));
        if (o->top)
            printf("\t%.4f", (double)probs[o->order[i]]);
    }
    putchar('\n');
}

/* The column that the span of a table's row stands in; NULL for texts. */
static const char *column_of(const struct output *o, const char *text, const aglm_explained *span)
{
    size_t at = 0;

    if (!o->table)
        return NULL;
    for (uint32_t i = 0; i < span->begin; i++)
        at += text[i] == AGLM_ROW_SEPARATOR;
    return aglm_reading_feature(o->b, at);
}

static void put_spans(const struct output *o, const char *text, const aglm_explained *spans,
                      size_t n)
{
    for (size_t i = 0; i < n; i++) {
        const char *column = column_of(o, text, &spans[i]);
        printf("    %+8.4f  ", (double)spans[i].weight);
        if (column) {
            aglm_terminal_text(stdout, column, strlen(column));
            fputs(" = ", stdout);
        }
        aglm_terminal_text(stdout, text + spans[i].begin, spans[i].end - spans[i].begin);
        putchar('\n');
    }
}

static void json_answer(aglm_json_writer *w, const struct output *o, const float *probs, size_t n)
{
    if (o->b->task == AGLM_TASK_REGRESSION) {
        aglm_json_member_double(w, "value", (double)probs[0]);
        return;
    }
    aglm_json_key(w, "labels");
    aglm_json_open_array(w);
    for (size_t i = 0; i < n; i++)
        aglm_json_put_text(w, o->b->labels[o->order[i]]);
    aglm_json_close_array(w);
    aglm_json_key(w, "probabilities");
    aglm_json_open_array(w);
    for (size_t i = 0; i < n; i++)
        aglm_json_put_double(w, (double)probs[o->order[i]]);
    aglm_json_close_array(w);
}

static void put_json(const struct output *o, const float *probs, size_t n, const char *text,
                     const aglm_explained *spans, size_t n_spans)
{
    aglm_json_writer w;
    aglm_str s;

    aglm_str_init(&s, 64u << 20);
    aglm_json_writer_init(&w, &s);
    aglm_json_open_object(&w);
    json_answer(&w, o, probs, n);
    if (o->explain) {
        aglm_json_key(&w, "because");
        aglm_json_open_array(&w);
        for (size_t i = 0; i < n_spans; i++) {
            aglm_json_open_object(&w);
            if (o->table)
                aglm_json_member_text(&w, "column", column_of(o, text, &spans[i]));
            aglm_json_key(&w, "text");
            aglm_json_put_string(&w, text + spans[i].begin, spans[i].end - spans[i].begin);
            aglm_json_member_double(&w, "weight", (double)spans[i].weight);
            aglm_json_close_object(&w);
        }
        aglm_json_close_array(&w);
    }
    aglm_json_close_object(&w);
    if (s.rc == AGLM_OK)
        printf("%s\n", s.data);
    aglm_str_clear(&s);
}

static aglm_rc predict_one(const struct output *o, const char *text, size_t len, aglm_error *err)
{
    aglm_explained spans[SPANS];
    const float *probs = NULL;
    size_t n_spans = 0;
    aglm_rc rc = aglm_bundle_predict(o->p, text, len, &probs, err);

    if (rc != AGLM_OK)
        return rc;
    size_t n = shown(o, probs);
    rank(o, probs, n ? n : 1);
    if ((rc = explain(o, text, len, o->order[0], spans, &n_spans, err)) != AGLM_OK)
        return rc;
    if (o->json)
        put_json(o, probs, n, text, spans, n_spans);
    else {
        put_text(o, probs, n);
        put_spans(o, text, spans, n_spans);
    }
    return AGLM_OK;
}

static aglm_rc read_texts(const aglm_args *a, const aglm_bundle *b, aglm_table **t,
                          aglm_dataset **d, aglm_error *err)
{
    aglm_read_options read;
    aglm_task_options task;
    aglm_task_guess guess;
    char names[AGLM_READING_NAMES];
    aglm_dataset_options options = {.unlabelled = true};
    const char *file = a->n_operands > 1 ? a->operands[1] : "-";
    aglm_rc rc = aglm_reading_options(a, &read, &task, err);

    if (rc != AGLM_OK)
        return rc;
    if (read.format == AGLM_FORMAT_AUTO && strcmp(file, "-") == 0 && !task.text &&
        !aglm_reading_is_table(b))
        read.format = AGLM_FORMAT_LINES;
    aglm_reading_header(b, &read);
    if ((rc = aglm_table_read(t, file, &read, err)) != AGLM_OK)
        return rc;
    options.skip_bad_rows = read.skip_bad_rows;
    aglm_reading_columns(b, *t, &task, names);
    task.label = NULL;
    task.unlabelled = true;
    if ((rc = aglm_task_detect(&guess, *t, &task, err)) == AGLM_OK) {
        guess.task = b->task;
        rc = aglm_dataset_from_table(d, *t, &guess, &options, err);
    }
    aglm_str_clear(&guess.evidence);
    return rc;
}

static aglm_rc predict_all(const aglm_args *a, struct output *o, aglm_error *err)
{
    aglm_table *t = NULL;
    aglm_dataset *d = NULL;
    aglm_cancel cancel;
    aglm_rc rc = read_texts(a, o->b, &t, &d, err);

    aglm_cancel_init(&cancel, NULL, 0);
    aglm_interrupt_install(&cancel);
    for (size_t i = 0; rc == AGLM_OK && i < aglm_dataset_size(d); i++) {
        aglm_doc doc = aglm_dataset_doc(d, i);
        rc = predict_one(o, doc.text, doc.len, err);
        if (rc == AGLM_OK && (aglm_cancelled(&cancel) || ferror(stdout)))
            rc = aglm_error_set(err, AGLM_CANCELLED,
                                ferror(stdout) ? "standard output is closed" : "interrupted");
    }
    aglm_dataset_free(d);
    aglm_table_free(t);
    return rc;
}

static int run(const aglm_args *a)
{
    struct output o = {
        .top = (size_t)aglm_args_number(a, "top", 0),
        .explain = aglm_args_flag(a, "explain"),
        .json = aglm_args_flag(a, "json"),
    };
    aglm_bundle *b = NULL;
    aglm_error err = {0};
    aglm_rc rc = aglm_bundle_load(&b, a->operands[0], &err);

    if (rc != AGLM_OK)
        return aglm_cli_fail(a, rc, &err);
    if (b->task == AGLM_TASK_GENERATION) {
        int code = aglm_texts_predict(a, b);
        aglm_bundle_free(b);
        return code;
    }
    o.b = b;
    o.table = aglm_reading_is_table(b);
    o.order = aglm_calloc(b->n_labels, sizeof *o.order);
    rc = o.order ? aglm_bundle_predictor_new(&o.p, b, &err)
                 : aglm_error_set(&err, AGLM_NOMEM, "out of memory");
    if (rc == AGLM_OK)
        rc = predict_all(a, &o, &err);
    aglm_bundle_predictor_free(o.p);
    free(o.order);
    aglm_bundle_free(b);
    if (rc == AGLM_CANCELLED)
        return AGLM_EXIT_INTERRUPTED;
    return rc == AGLM_OK ? AGLM_EXIT_OK : aglm_cli_fail(a, rc, &err);
}

const aglm_command aglm_command_predict = {
    .name = "predict",
    .operands = "BUNDLE [FILE|-]",
    .operands_min = 1,
    .operands_max = 2,
    .summary = "label texts, or rows of a table, with a bundle, or answer them",
    .about =
        "Prints a label a document, one a line (multi-label: joined by |; regression: a number; a prompt:\n"
        "the answer's text, \\n for a line end). Standard input is read\n"
        "as one text a line, where the bundle learned from texts; files in any format that tune reads.",
    .options = OPTIONS,
    .n_options = sizeof OPTIONS / sizeof *OPTIONS,
    .examples =
        "  echo 'the room was clean' | autoglm predict reviews.bundle --top 2\n  autoglm predict reviews.bundle new.csv --json",
    .run = run,
};
