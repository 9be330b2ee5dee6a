#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/str.h"
#include "cli/book.h"
#include "cli/commands.h"
#include "cli/study_csv.h"
#include "search/front.h"
#include "search/study_exchange.h"
#include "tune/report.h"

static const aglm_option OPTIONS[] = {
    {"storage", 0, AGLM_OPTION_TEXT, "URL", "sqlite:///FILE or the file itself (needed)", NULL, 0,
     0},
    {"study", 0, AGLM_OPTION_TEXT, "NAME", "the study; may be left out when there is only one",
     NULL, 0, 0},
    {"format", 0, AGLM_OPTION_WORD, "F", "of export: json (default) or csv", "json|csv", 0, 0},
    {"evaluator", 0, AGLM_OPTION_WORD, "E", "of importance: ped-anova (default) or fanova",
     "ped-anova|fanova", 0, 0},
    {"objective", 0, AGLM_OPTION_TEXT, "N|NAME",
     "of importance: which of several objectives, 0 being the first, or its metric name; default 0",
     NULL, 0, 0},
    {"to", 0, AGLM_OPTION_TEXT, "URL", "of copy: another storage; default: the same", NULL, 0, 0},
    {"as", 0, AGLM_OPTION_TEXT, "NAME", "of copy: the new study's name; default: the old one's",
     NULL, 0, 0},
    {"from-study", 0, AGLM_OPTION_TEXT, "NAME",
     "of import from a storage: the study there; may be left out when there is only one", NULL, 0,
     0},
    {"space", 0, AGLM_OPTION_TEXT, "TEXT",
     "of import: the parameters of a CSV, as 'lr=loguniform(1e-5,1e-1)'; may stand several times",
     NULL, 0, 0},
    {"direction", 0, AGLM_OPTION_WORD, "D",
     "of import from CSV into a new study: once for each objective; default minimize",
     "minimize|maximize", 0, 0},
    {"out", 0, AGLM_OPTION_FILE, "FILE", "of plot: a page of all kinds (.html), or one (.svg)",
     NULL, 0, 0},
    {"json", 0, AGLM_OPTION_FLAG, NULL, "print JSON", NULL, 0, 0},
};

static const char *direction_name(aglm_direction d)
{
    return d == AGLM_MAXIMIZE ? "maximize" : "minimize";
}

/* "minimize", or "minimize, maximize" of two objectives. */
static const char *directions_text(const aglm_study_row *study, char *text, size_t size)
{
    size_t used = 0;

    for (size_t i = 0; i < study->n_directions && used < size; i++)
        used += (size_t)snprintf(text + used, size - used, "%s%s", i ? ", " : "",
                                 direction_name(study->directions[i]));
    return text;
}

#define DIRECTIONS_MAX (AGLM_STORE_MAX_OBJECTIVES * sizeof "minimize, ")

static bool has_several(const aglm_book *b)
{
    return b->study->n_directions > 1;
}

/* The trials on the front by number, in the arena. */
static aglm_rc front_of(aglm_book *b, const aglm_trial ***out, size_t *n, aglm_error *err)
{
    double signs[AGLM_STORE_MAX_OBJECTIVES];
    bool *on = aglm_arena_array(&b->arena, b->n_trials, sizeof *on);
    const aglm_trial **list = aglm_arena_array(&b->arena, b->n_trials, sizeof *list);

    *n = 0;
    *out = list;
    if (!on || !list)
        return aglm_error_set(err, AGLM_NOMEM, "out of memory for %zu trials", b->n_trials);
    for (size_t i = 0; i < b->study->n_directions; i++)
        signs[i] = b->study->directions[i] == AGLM_MAXIMIZE ? -1.0 : 1.0;
    for (size_t i = 0; i < b->n_trials; i++)
        list[i] = &b->trials[i];
    aglm_rc rc = aglm_front_find(list, b->n_trials, signs, b->study->n_directions, on, err);
    for (size_t i = 0; rc == AGLM_OK && i < b->n_trials; i++) {
        if (on[i])
            list[(*n)++] = list[i];
    }
    return rc;
}

/* ---- one trial in each form ---- */

static void json_numbers(aglm_json_writer *w, const char *key, const double *v, size_t n)
{
    aglm_json_key(w, key);
    aglm_json_open_array(w);
    for (size_t i = 0; i < n; i++)
        aglm_json_put_double(w, v[i]);
    aglm_json_close_array(w);
}

static void json_attrs(aglm_json_writer *w, const aglm_trial *t)
{
    aglm_json_key(w, "attrs");
    aglm_json_open_object(w);
    for (size_t i = 0; i < t->n_attrs; i++) {
        aglm_json_doc *doc = NULL;
        aglm_json_options options = {.allow_nonfinite = true};
        if (t->attrs[i].system || aglm_json_parse(&doc, t->attrs[i].json, strlen(t->attrs[i].json),
                                                  &options, NULL) != AGLM_OK)
            continue;
        aglm_json_key(w, t->attrs[i].key);
        aglm_json_put_value(w, aglm_json_root(doc));
        aglm_json_free(doc);
    }
    aglm_json_close_object(w);
}

static void json_trial(aglm_json_writer *w, const aglm_book *b, const aglm_trial *t)
{
    aglm_json_open_object(w);
    aglm_json_member_int(w, "number", t->number);
    aglm_json_member_text(w, "state", aglm_report_state(t->state));
    json_numbers(w, "values", t->values, t->n_values);
    aglm_json_key(w, "params");
    aglm_point_write(b->space, t->x, w);
    aglm_json_member_double(w, "duration_s", t->duration_s);
    aglm_json_key(w, "intermediate_values");
    aglm_json_open_object(w);
    for (size_t i = 0; i < t->n_steps; i++) {
        char key[24];
        snprintf(key, sizeof key, "%lld", (long long)t->steps[i].step);
        aglm_json_member_double(w, key, t->steps[i].value);
    }
    aglm_json_close_object(w);
    json_attrs(w, t);
    aglm_json_close_object(w);
}

static char *params_text(const aglm_book *b, const aglm_trial *t)
{
    aglm_json_writer w;
    aglm_str s;

    aglm_str_init(&s, 1 << 20);
    aglm_json_writer_init(&w, &s);
    aglm_point_write(b->space, t->x, &w);
    char *text = aglm_str_take(&s);
    aglm_str_clear(&s);
    return text;
}

static void print_trial(const aglm_book *b, const aglm_trial *t)
{
    char *json = params_text(b, t), params[1024] = "";

    aglm_report_params(json, params, sizeof params);
    free(json);
    printf("%6lld  %-8s ", (long long)t->number, aglm_report_state(t->state));
    for (size_t i = 0; i < t->n_values; i++)
        printf("%12.6g", t->values[i]);
    for (size_t i = t->n_values; i < b->study->n_directions; i++)
        printf("%12s", "-");
    if (isnan(t->duration_s))
        printf("%9s  %s\n", "-", params);
    else
        printf("%8.2fs  %s\n", t->duration_s, params);
}

/* ---- the verbs ---- */

/* How much of a study goes into its JSON: no trials, these as people look at them, or all that is
 * stored. */
enum extent { EXTENT_SUMMARY, EXTENT_TRIALS, EXTENT_ROWS };

/* "direction" of one objective, "directions" of several. */
static void json_directions(aglm_json_writer *w, const aglm_study_row *study)
{
    if (study->n_directions == 1) {
        aglm_json_member_text(w, "direction", direction_name(study->directions[0]));
        return;
    }
    aglm_json_key(w, "directions");
    aglm_json_open_array(w);
    for (size_t i = 0; i < study->n_directions; i++)
        aglm_json_put_text(w, direction_name(study->directions[i]));
    aglm_json_close_array(w);
}

static aglm_rc do_list(aglm_book *b, const aglm_args *a, aglm_error *err)
{
    char text[DIRECTIONS_MAX];
    aglm_json_writer w;
    aglm_str s;

    (void)err;
    if (!aglm_args_flag(a, "json")) {
        for (size_t i = 0; i < b->n_studies; i++)
            printf("%-40s %8lld trials  %s\n", b->studies[i].name,
                   (long long)b->studies[i].n_trials,
                   directions_text(&b->studies[i], text, sizeof text));
        return AGLM_OK;
    }
    aglm_str_init(&s, 256u << 20);
    aglm_json_writer_init(&w, &s);
    aglm_json_open_array(&w);
    for (size_t i = 0; i < b->n_studies; i++) {
        aglm_json_open_object(&w);
        aglm_json_member_text(&w, "name", b->studies[i].name);
        aglm_json_member_int(&w, "trials", b->studies[i].n_trials);
        json_directions(&w, &b->studies[i]);
        aglm_json_close_object(&w);
    }
    aglm_json_close_array(&w);
    aglm_book_flush(&s);
    return AGLM_OK;
}

static aglm_rc json_front(aglm_json_writer *w, aglm_book *b, aglm_error *err)
{
    const aglm_trial **front;
    size_t n;
    aglm_rc rc = front_of(b, &front, &n, err);

    aglm_json_open_array(w);
    for (size_t i = 0; rc == AGLM_OK && i < n; i++)
        json_trial(w, b, front[i]);
    aglm_json_close_array(w);
    return rc;
}

static void json_best(aglm_json_writer *w, const aglm_book *b)
{
    const aglm_trial *best = aglm_book_best(b);

    if (best)
        json_trial(w, b, best);
    else
        aglm_json_put_null(w);
}

static aglm_rc export_rows(aglm_json_writer *w, aglm_book *b, aglm_error *err)
{
    aglm_study_whole whole = {.name = b->study->name, .n_directions = b->study->n_directions};
    aglm_attr_row *attrs = NULL;
    aglm_rc rc = aglm_store_study_attrs(b->store, b->study->id, &b->arena, &attrs, &whole.n_attrs,
                                        err);

    if (rc == AGLM_OK)
        rc = aglm_store_trials(b->store, b->study->id, 0, &b->arena, &whole.trials, &whole.n_trials,
                               err);
    whole.attrs = attrs;
    return rc == AGLM_OK ? aglm_study_whole_write(&whole, w, &b->arena, err) : rc;
}

static aglm_rc json_study(aglm_json_writer *w, aglm_book *b, enum extent extent, aglm_error *err)
{
    aglm_rc rc = AGLM_OK;

    aglm_json_open_object(w);
    aglm_json_member_text(w, "name", b->study->name);
    json_directions(w, b->study);
    aglm_json_member_int(w, "n_trials", (int64_t)b->n_trials);
    aglm_json_key(w, has_several(b) ? "front" : "best");
    if (has_several(b))
        rc = json_front(w, b, err);
    else
        json_best(w, b);
    if (rc == AGLM_OK && extent == EXTENT_ROWS)
        rc = export_rows(w, b, err);
    if (extent == EXTENT_TRIALS) {
        aglm_json_key(w, "trials");
        aglm_json_open_array(w);
        for (size_t i = 0; i < b->n_trials; i++)
            json_trial(w, b, &b->trials[i]);
        aglm_json_close_array(w);
    }
    aglm_json_close_object(w);
    return rc;
}

static aglm_rc print_json(aglm_book *b, enum extent extent, aglm_error *err)
{
    aglm_json_writer w;
    aglm_str s;

    aglm_str_init(&s, 2048u << 20);
    aglm_json_writer_init(&w, &s);
    w.nonfinite = true;
    aglm_rc rc = json_study(&w, b, extent, err);
    if (rc == AGLM_OK)
        aglm_book_flush(&s);
    else
        aglm_str_clear(&s);
    return rc;
}

static aglm_rc print_front(aglm_book *b, aglm_error *err)
{
    const aglm_trial **front;
    size_t n;
    aglm_rc rc = front_of(b, &front, &n, err);

    for (size_t i = 0; rc == AGLM_OK && i < n; i++)
        print_trial(b, front[i]);
    return rc;
}

static aglm_rc do_show(aglm_book *b, const aglm_args *a, aglm_error *err)
{
    size_t count[5] = {0};
    const aglm_trial *best = aglm_book_best(b);
    char directions[DIRECTIONS_MAX];
    aglm_str space;

    if (aglm_args_flag(a, "json"))
        return print_json(b, EXTENT_SUMMARY, err);
    for (size_t i = 0; i < b->n_trials; i++)
        count[b->trials[i].state]++;
    printf(
        "study     %s\ndirection %s\ntrials    %zu: %zu complete, %zu pruned, %zu failed, %zu running, %zu waiting\n",
        b->study->name, directions_text(b->study, directions, sizeof directions), b->n_trials,
        count[AGLM_TRIAL_COMPLETE], count[AGLM_TRIAL_PRUNED], count[AGLM_TRIAL_FAIL],
        count[AGLM_TRIAL_RUNNING], count[AGLM_TRIAL_WAITING]);
    aglm_str_init(&space, 1 << 24);
    aglm_space_describe(b->space, &space);
    printf("space\n%s", space.data);
    aglm_str_clear(&space);
    if (has_several(b)) {
        printf("front\n");
        return print_front(b, err);
    }
    if (best) {
        printf("best\n");
        print_trial(b, best);
    }
    return AGLM_OK;
}

static aglm_rc do_trials(aglm_book *b, const aglm_args *a, aglm_error *err)
{
    if (aglm_args_flag(a, "json"))
        return print_json(b, EXTENT_TRIALS, err);
    printf("%6s  %-8s ", "trial", "state");
    for (size_t i = 0; i < b->study->n_directions; i++)
        printf("%12s", "value");
    printf("%9s  %s\n", "time", "parameters");
    for (size_t i = 0; i < b->n_trials; i++)
        print_trial(b, &b->trials[i]);
    return AGLM_OK;
}

static aglm_rc do_best(aglm_book *b, const aglm_args *a, aglm_error *err)
{
    const aglm_trial *best = aglm_book_best(b);
    aglm_json_writer w;
    aglm_str s;

    if (has_several(b))
        return aglm_error_set(err, AGLM_INVALID,
                              "study \"%.100s\" has %zu objectives: see study best-trials",
                              b->study->name, b->study->n_directions);
    if (!best)
        return aglm_error_set(err, AGLM_NOTFOUND, "study \"%.100s\" has no complete trial yet",
                              b->study->name);
    if (!aglm_args_flag(a, "json")) {
        print_trial(b, best);
        return AGLM_OK;
    }
    aglm_str_init(&s, 1u << 20);
    aglm_json_writer_init(&w, &s);
    json_trial(&w, b, best);
    aglm_book_flush(&s);
    return AGLM_OK;
}

static aglm_rc do_best_trials(aglm_book *b, const aglm_args *a, aglm_error *err)
{
    aglm_json_writer w;
    aglm_str s;

    if (!aglm_args_flag(a, "json"))
        return print_front(b, err);
    aglm_str_init(&s, 2048u << 20);
    aglm_json_writer_init(&w, &s);
    w.nonfinite = true;
    aglm_rc rc = json_front(&w, b, err);
    aglm_book_flush(&s);
    return rc;
}

static void csv_text(const char *text)
{
    bool quote = strpbrk(text, ",\"\r\n") != NULL;

    if (quote)
        putchar('"');
    for (; *text; text++) {
        if (*text == '"')
            putchar('"');
        putchar(*text);
    }
    if (quote)
        putchar('"');
}

/* Numbers to the last digit. */
static void csv_param(const aglm_dist *d, double x)
{
    char cell[64];

    if (d->kind == AGLM_DIST_CHOICE && d->choices[(size_t)x].kind == AGLM_CHOICE_TEXT) {
        csv_text(d->choices[(size_t)x].text);
        return;
    }
    aglm_dist_format(d, x, cell, sizeof cell);
    if (d->kind == AGLM_DIST_FLOAT)
        aglm_double_format(cell, x);
    fputs(cell, stdout);
}

static void csv_trial(const aglm_book *b, const aglm_trial *t)
{
    char cell[256];

    printf("%lld,%s,", (long long)t->number, aglm_report_state(t->state));
    for (size_t i = 0; i < b->study->n_directions; i++) {
        if (i < t->n_values) {
            aglm_double_format(cell, t->values[i]);
            fputs(cell, stdout);
        }
        putchar(',');
    }
    if (!isnan(t->duration_s))
        printf("%.6f", t->duration_s);
    for (size_t i = 0; i < b->space->n; i++) {
        putchar(',');
        if (isnan(t->x[i]))
            continue;
        csv_param(&b->space->params[i].dist, t->x[i]);
    }
    putchar('\n');
}

static aglm_rc do_export(aglm_book *b, const aglm_args *a, aglm_error *err)
{
    if (strcmp(aglm_args_text(a, "format", "json"), "json") == 0)
        return print_json(b, EXTENT_ROWS, err);
    printf("number,state");
    for (size_t i = 0; has_several(b) && i < b->study->n_directions; i++)
        printf(",value_%zu", i);
    printf("%s,duration_s", has_several(b) ? "" : ",value");
    for (size_t i = 0; i < b->space->n; i++) {
        printf(aglm_study_csv_reserved(b->space->params[i].name) ? ",params_" : ",");
        csv_text(b->space->params[i].name);
    }
    putchar('\n');
    for (size_t i = 0; i < b->n_trials; i++)
        csv_trial(b, &b->trials[i]);
    return AGLM_OK;
}

struct verb {
    const char *name;
    bool all; /* speaks of all studies, not of one */
    aglm_rc (*run)(aglm_book *b, const aglm_args *a, aglm_error *err);
};

static const struct verb VERBS[] = {
    {"list", true, do_list},
    {"show", false, do_show},
    {"trials", false, do_trials},
    {"best", false, do_best},
    {"best-trials", false, do_best_trials},
    {"importance", false, aglm_study_print_importance},
    {"plot", false, aglm_study_print_plot},
    {"export", false, do_export},
    {"import", true, aglm_study_do_import},
    {"copy", true, aglm_study_do_copy},
    {"delete", true, aglm_study_do_delete},
};

static int run(const aglm_args *a)
{
    const struct verb *verb = NULL;
    aglm_book b;
    aglm_error err = {0};

    for (size_t i = 0; i < sizeof VERBS / sizeof *VERBS; i++)
        if (strcmp(a->operands[0], VERBS[i].name) == 0)
            verb = &VERBS[i];
    if (!verb)
        return aglm_cli_fail(
            a,
            aglm_error_set(&err, AGLM_INVALID,
                           "\"%.40s\": expected list, show, trials, best, best-trials, importance, "
                           "plot, export, import, copy or delete",
                           a->operands[0]),
            &err);
    if (a->n_operands > 1 && verb->run != aglm_study_print_plot &&
        verb->run != aglm_study_do_import)
        return aglm_cli_fail(a,
                             aglm_error_set(&err, AGLM_INVALID,
                                            "%s: \"%.40s\" is one word too many", verb->name,
                                            a->operands[1]),
                             &err);
    aglm_rc rc = aglm_book_open(&b, a, verb->run == aglm_study_do_import, &err);
    if (rc == AGLM_OK && !verb->all)
        rc = aglm_book_read(&b, a, &err);
    if (rc == AGLM_OK)
        rc = verb->run(&b, a, &err);
    int code = rc == AGLM_OK ? AGLM_EXIT_OK : aglm_cli_fail(a, rc, &err);
    aglm_book_close(&b);
    return code;
}

const aglm_command aglm_command_study = {
    .name = "study",
    .operands =
        "list|show|trials|best|best-trials|importance|plot|export|import|copy|delete [KIND|SOURCE]",
    .operands_min = 1,
    .operands_max = 2,
    .summary = "look into studies, ours and Optuna's",
    .about =
        "Works on a study database in Optuna's schema, ours or Optuna's. Only import, copy and delete "
        "change anything. import puts the trials of SOURCE into --study, which is made when it is not there: all of them "
        "or, with an error that names the place, none. SOURCE is what export wrote (JSON loses nothing; a CSV has no "
        "distributions: they are the study's, those of --space, or read off the column), Optuna's "
        "trials_dataframe().to_csv(), or the storage of another study, Optuna's or ours. KIND is of plot: history (default), importance, slice, contour, rank, "
        "parallel, edf, front, intermediate or timeline.",
    .options = OPTIONS,
    .n_options = sizeof OPTIONS / sizeof *OPTIONS,
    .examples =
        "  autoglm study trials --storage sqlite:///reviews.bundle.study.db\n  autoglm study export --storage s.db --format csv\n"
        "  autoglm study import trials.csv --storage s.db --study q --direction maximize\n"
        "  autoglm study import postgresql://host/db --from-study q --storage s.db --study q\n"
        "  autoglm study plot --storage s.db --out study.html\n  autoglm study copy --storage s.db --study q --to postgresql://host/db",
    .run = run,
};
