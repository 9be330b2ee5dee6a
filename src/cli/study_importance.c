#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "cli/book.h"
#include "cli/terminal.h"
#include "search/importance.h"

#define METRIC_NAMES "study:metric_names"
#define NAME_COLUMNS_MAX 40
#define BAR_COLUMNS_MAX 60

static void print_bar(const aglm_terminal *t, double share, size_t columns)
{
    size_t n = (size_t)(share * (double)columns + 0.5);

    fputs(aglm_terminal_style(t, 'g'), t->out);
    for (size_t i = 0; i < n; i++)
        fputc('#', t->out);
    fprintf(t->out, "%s\n", aglm_terminal_style(t, '0'));
}

static void print_table(const aglm_importance *items, size_t n)
{
    aglm_terminal t;
    size_t name = 9;

    aglm_terminal_init(&t, stdout);
    for (size_t i = 0; i < n; i++) {
        size_t width = strlen(items[i].name);
        name = width > name ? width : name;
    }
    name = name < NAME_COLUMNS_MAX ? name : NAME_COLUMNS_MAX;
    size_t columns = aglm_terminal_columns(&t);
    size_t bar = columns > name + 12 ? columns - name - 12 : 0;
    for (size_t i = 0; i < n; i++) {
        aglm_terminal_cell(stdout, items[i].name, name, false);
        printf("  %6.4f  ", items[i].share);
        print_bar(&t, items[i].share / items[0].share,
                  bar < BAR_COLUMNS_MAX ? bar : BAR_COLUMNS_MAX);
    }
}

static void print_json(const char *evaluator, const aglm_importance *items, size_t n)
{
    aglm_json_writer w;
    aglm_str s;

    aglm_str_init(&s, 1u << 24);
    aglm_json_writer_init(&w, &s);
    aglm_json_open_object(&w);
    aglm_json_member_text(&w, "evaluator", evaluator);
    aglm_json_key(&w, "importance");
    aglm_json_open_object(&w);
    for (size_t i = 0; i < n; i++)
        aglm_json_member_double(&w, items[i].name, items[i].share);
    aglm_json_close_object(&w);
    aglm_json_close_object(&w);
    aglm_book_flush(&s);
}

/* ---- the objective ---- */

/* As Optuna's set_metric_names stores them; SIZE_MAX: no such name. */
static size_t find_metric(aglm_book *b, const char *name)
{
    aglm_attr_row *attrs;
    size_t n = 0;
    size_t found = SIZE_MAX;

    if (aglm_store_study_attrs(b->store, b->study->id, &b->arena, &attrs, &n, NULL) != AGLM_OK)
        return SIZE_MAX;
    for (size_t i = 0; i < n; i++) {
        const aglm_json_options options = {.origin = METRIC_NAMES};
        aglm_json_doc *doc = NULL;
        if (!attrs[i].system || strcmp(attrs[i].key, METRIC_NAMES) != 0 ||
            aglm_json_parse(&doc, attrs[i].json, strlen(attrs[i].json), &options, NULL) != AGLM_OK)
            continue;
        aglm_json_iter it = aglm_json_iterate(aglm_json_root(doc));
        for (size_t k = 0; found == SIZE_MAX && k < b->study->n_directions; k++) {
            const char *metric = aglm_json_string(aglm_json_next(&it, NULL), NULL);
            found = metric && strcmp(metric, name) == 0 ? k : SIZE_MAX;
        }
        aglm_json_free(doc);
    }
    return found;
}

static aglm_rc find_objective(aglm_book *b, const aglm_args *a, size_t *out, aglm_error *err)
{
    const char *text = aglm_args_text(a, "objective", "0");
    char *end;
    unsigned long n = strtoul(text, &end, 10);
    bool is_number = text[0] >= '0' && text[0] <= '9' && *end == '\0';

    *out = is_number ? n : find_metric(b, text);
    if (*out < b->study->n_directions)
        return AGLM_OK;
    return aglm_error_set(
        err, AGLM_INVALID, "--objective %.60s: study \"%.100s\" has %zu, numbered from 0%s", text,
        b->study->name, b->study->n_directions, is_number ? "" : ", and none of that name");
}

/* Smaller is better; NaN where the trial has no such value. */
static aglm_rc take_losses(aglm_book *b, const aglm_args *a, const double **out, aglm_error *err)
{
    size_t objective;
    aglm_rc rc = find_objective(b, a, &objective, err);
    double *loss = aglm_arena_array(&b->arena, b->n_trials, sizeof *loss);

    if (rc == AGLM_OK && !loss && b->n_trials > 0)
        rc = aglm_error_set(err, AGLM_NOMEM, "out of memory for the importance of parameters");
    if (rc != AGLM_OK)
        return rc;
    double sign = b->study->directions[objective] == AGLM_MAXIMIZE ? -1.0 : 1.0;
    for (size_t i = 0; i < b->n_trials; i++) {
        const aglm_trial *t = &b->trials[i];
        loss[i] = objective < t->n_values ? sign * t->values[objective] : NAN;
    }
    *out = loss;
    return AGLM_OK;
}

aglm_rc aglm_study_print_importance(aglm_book *b, const aglm_args *a, aglm_error *err)
{
    const aglm_importance_ops *ops = aglm_importance_find(
        aglm_args_text(a, "evaluator", "ped-anova"));
    aglm_importance_source source = {.space = b->space, .trials = b->trials, .n = b->n_trials};
    aglm_importance *items = aglm_arena_array(&b->arena, b->space->n, sizeof *items);
    size_t n;

    if (!items)
        return aglm_error_set(err, AGLM_NOMEM, "out of memory for the importance of parameters");
    aglm_rc rc = take_losses(b, a, &source.loss, err);
    if (rc == AGLM_OK)
        rc = aglm_importance_rank(ops, &source, items, &n, err);
    if (rc != AGLM_OK)
        return rc;
    if (n == 0)
        return aglm_error_set(err, AGLM_NOTFOUND,
                              "study \"%.100s\" has no two complete trials with finite values yet",
                              b->study->name);
    if (aglm_args_flag(a, "json"))
        print_json(ops->name, items, n);
    else
        print_table(items, n);
    return AGLM_OK;
}
