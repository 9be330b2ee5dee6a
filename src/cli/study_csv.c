#include "cli/study_csv.h"

#include <ctype.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <time.h>

#include "data/table.h"
#include "search/stored.h"

#define DATE_SIZE 32

typedef enum role {
    ROLE_NONE,
    ROLE_STATE,
    ROLE_VALUE,
    ROLE_START,
    ROLE_COMPLETE,
    ROLE_DURATION,
    ROLE_PARAM,
    ROLE_USER,
    ROLE_SYSTEM
} role;

/* X(the column's name or, ending in '_', its head; what it holds) */
#define COLUMN_NAMES(X)                                                                            \
    X("number", ROLE_NONE)                                                                         \
    X("state", ROLE_STATE)                                                                         \
    X("value", ROLE_VALUE)                                                                         \
    X("datetime_start", ROLE_START)                                                                \
    X("datetime_complete", ROLE_COMPLETE)                                                          \
    X("duration", ROLE_NONE)                                                                       \
    X("duration_s", ROLE_DURATION)                                                                 \
    X("value_", ROLE_VALUE)                                                                        \
    X("values_", ROLE_VALUE)                                                                       \
    X("params_", ROLE_PARAM)                                                                       \
    X("user_attrs_", ROLE_USER)                                                                    \
    X("system_attrs_", ROLE_SYSTEM)

static const struct column_name {
    const char *name;
    role role;
} column_names[] = {
#define COLUMN_NAME(name, role) {name, role},
    COLUMN_NAMES(COLUMN_NAME)
#undef COLUMN_NAME
};

struct column {
    role role;
    const char *name; /* of the parameter or attribute */
    aglm_dist dist;
    const char *dist_json;
};

struct csv {
    const char *path;
    const aglm_table *table;
    const aglm_space *space;
    aglm_arena *arena;
    struct column *columns;
    size_t n_columns;
    size_t n_values; /* columns of values */
    aglm_error *err;
};

static aglm_rc no_memory(const struct csv *c)
{
    return aglm_error_set(c->err, AGLM_NOMEM, "%s: out of memory", c->path);
}

static aglm_rc bad_cell(const struct csv *c, size_t row, size_t col, const char *why)
{
    return aglm_error_set(c->err, AGLM_FORMAT, "%.200s:%zu: column \"%.64s\": \"%.64s\" %s",
                          c->path, aglm_table_line(c->table, row),
                          aglm_table_col_name(c->table, col),
                          aglm_table_cell(c->table, row, col).text, why);
}

static const struct column_name *known_name(const char *name)
{
    for (size_t i = 0; i < sizeof column_names / sizeof *column_names; i++) {
        const struct column_name *k = &column_names[i];
        size_t len = strlen(k->name);
        bool head = k->name[len - 1] == '_';
        if (head ? strncmp(name, k->name, len) == 0 && name[len] : strcmp(name, k->name) == 0)
            return k;
    }
    return NULL;
}

bool aglm_study_csv_reserved(const char *name)
{
    return known_name(name) != NULL;
}

/* ---- what the columns are ---- */

/* pandas gives its index a column without a name. */
static bool is_index(const char *name)
{
    return !*name || strcmp(name, "column 1") == 0 || strncmp(name, "Unnamed:", 8) == 0;
}

static void name_column(struct csv *c, size_t at)
{
    const char *name = aglm_table_col_name(c->table, at);
    const struct column_name *k = known_name(name);
    struct column *to = &c->columns[at];

    *to = (struct column){.role = k ? k->role : ROLE_PARAM, .name = name};
    if (at == 0 && is_index(name))
        to->role = ROLE_NONE;
    else if (k && (k->role == ROLE_PARAM || k->role == ROLE_USER || k->role == ROLE_SYSTEM))
        to->name = name + strlen(k->name);
    c->n_values += to->role == ROLE_VALUE;
}

static bool is_whole(const char *text)
{
    text += *text == '-' || *text == '+';
    return *text && text[strspn(text, "0123456789")] == '\0';
}

static aglm_choice choice_of(const char *text)
{
    double number;

    if (strcasecmp(text, "true") == 0 || strcasecmp(text, "false") == 0)
        return (aglm_choice){AGLM_CHOICE_BOOL, NULL, tolower((unsigned char)*text) == 't'};
    if (aglm_double_parse(text, strlen(text), &number) && isfinite(number))
        return (aglm_choice){is_whole(text) ? AGLM_CHOICE_INT : AGLM_CHOICE_FLOAT, NULL, number};
    return (aglm_choice){AGLM_CHOICE_TEXT, text, 0.0};
}

/* A choice of what stands in the column, in the order of its first appearance. */
static aglm_rc infer_choice(const struct csv *c, size_t col, aglm_dist *out)
{
    const size_t rows = aglm_table_rows(c->table);
    const size_t most = rows < AGLM_DIST_MAX_CHOICES ? rows : AGLM_DIST_MAX_CHOICES;
    aglm_choice *list = aglm_arena_array(c->arena, most, sizeof *list);
    size_t n = 0;

    if (!list)
        return no_memory(c);
    for (size_t i = 0; i < rows; i++) {
        aglm_cell cell = aglm_table_cell(c->table, i, col);
        size_t at = 0;
        if (cell.len == 0)
            continue;
        aglm_choice choice = choice_of(cell.text);
        while (at < n && !aglm_choice_equal(&list[at], &choice))
            at++;
        if (at == AGLM_DIST_MAX_CHOICES)
            return bad_cell(c, i, col, "is one of over 4096 different texts: no parameter");
        list[at] = choice;
        n += at == n;
    }
    return aglm_dist_choice(out, list, n, c->err);
}

static aglm_rc infer_dist(const struct csv *c, size_t col, aglm_dist *out)
{
    double low = INFINITY;
    double high = -INFINITY;
    double v;
    bool whole = true;

    for (size_t i = 0; i < aglm_table_rows(c->table); i++) {
        aglm_cell cell = aglm_table_cell(c->table, i, col);
        if (cell.len == 0)
            continue;
        if (!aglm_double_parse(cell.text, cell.len, &v) || !isfinite(v))
            return infer_choice(c, col, out);
        whole = whole && is_whole(cell.text) && fabs(v) <= AGLM_DIST_MAX_INT;
        low = fmin(low, v);
        high = fmax(high, v);
    }
    if (whole)
        return aglm_dist_int(out, low, high, 1.0, false, c->err);
    return aglm_dist_float(out, low, high, 0.0, false, c->err);
}

static bool is_blank(const struct csv *c, size_t col)
{
    for (size_t i = 0; i < aglm_table_rows(c->table); i++) {
        if (aglm_table_cell(c->table, i, col).len > 0)
            return false;
    }
    return true;
}

static aglm_rc find_dist(struct csv *c, size_t col)
{
    struct column *to = &c->columns[col];
    int at = c->space ? aglm_space_find(c->space, to->name) : -1;
    aglm_rc rc = AGLM_OK;
    aglm_str text;

    if (is_blank(c, col)) {
        to->role = ROLE_NONE;
        return AGLM_OK;
    }
    if (at >= 0)
        to->dist = c->space->params[at].dist;
    else
        rc = infer_dist(c, col, &to->dist);
    if (rc != AGLM_OK)
        return rc;
    aglm_str_init(&text, (size_t)1 << 26);
    aglm_dist_write(&to->dist, &text);
    to->dist_json = text.rc == AGLM_OK ? aglm_arena_strdup(c->arena, text.data) : NULL;
    aglm_str_clear(&text);
    return to->dist_json ? AGLM_OK : no_memory(c);
}

static aglm_rc name_columns(struct csv *c, size_t n_directions)
{
    aglm_rc rc = AGLM_OK;

    c->n_columns = aglm_table_cols(c->table);
    c->columns = aglm_arena_array(c->arena, c->n_columns, sizeof *c->columns);
    if (!c->columns)
        return no_memory(c);
    for (size_t i = 0; i < c->n_columns; i++) {
        name_column(c, i);
        if (!(c->columns[i].name = aglm_arena_strdup(c->arena, c->columns[i].name)))
            return no_memory(c);
    }
    if (c->n_values != n_directions)
        return aglm_error_set(
            c->err, AGLM_FORMAT,
            "%.200s:1: %zu columns of values (value, or value_0, value_1, ...) for "
            "a study of %zu objectives; name them so, and give --direction once "
            "for each",
            c->path, c->n_values, n_directions);
    for (size_t i = 0; rc == AGLM_OK && i < c->n_columns; i++) {
        if (c->columns[i].role == ROLE_PARAM)
            rc = find_dist(c, i);
    }
    return rc;
}

/* ---- cells ---- */

static bool choice_has(const aglm_choice *choice, const char *text)
{
    const aglm_choice other = choice_of(text);

    if (choice->kind == AGLM_CHOICE_TEXT)
        return strcmp(choice->text, text) == 0;
    if (choice->kind == AGLM_CHOICE_NULL)
        return strcmp(text, "null") == 0 || strcmp(text, "None") == 0;
    return aglm_choice_equal(choice, &other);
}

static aglm_rc read_param(struct csv *c, size_t row, size_t col, double *x)
{
    const struct column *p = &c->columns[col];
    aglm_cell cell = aglm_table_cell(c->table, row, col);

    if (p->dist.kind != AGLM_DIST_CHOICE) {
        if (!aglm_double_parse(cell.text, cell.len, x))
            return bad_cell(c, row, col, "is no number; mend the cell");
        if (aglm_dist_contains(&p->dist, *x))
            return AGLM_OK;
        return bad_cell(c, row, col, "is outside the parameter's range or step; widen --space");
    }
    for (size_t i = 0; i < p->dist.n_choices; i++) {
        if (choice_has(&p->dist.choices[i], cell.text)) {
            *x = (double)i;
            return AGLM_OK;
        }
    }
    return bad_cell(c, row, col, "is none of the parameter's choices; add it to --space");
}

static aglm_rc read_params(struct csv *c, size_t row, aglm_trial_row *to)
{
    aglm_param_row *params = aglm_arena_array(c->arena, c->n_columns, sizeof *params);
    aglm_rc rc = AGLM_OK;

    if (!params)
        return no_memory(c);
    for (size_t i = 0; rc == AGLM_OK && i < c->n_columns; i++) {
        const struct column *p = &c->columns[i];
        double x;
        if (p->role != ROLE_PARAM || aglm_table_cell(c->table, row, i).len == 0)
            continue;
        rc = read_param(c, row, i, &x);
        params[to->n_params++] = (aglm_param_row){p->name, x, p->dist_json};
    }
    to->params = params;
    return rc;
}

/* A dict or list as Python prints it, as JSON; good enough for plain values. */
static void put_python(aglm_str *out, const char *text)
{
    static const char *const words[][2] = {{"True", "true"}, {"False", "false"}, {"None", "null"}};
    bool inside = false;

    while (*text) {
        bool found = false;
        for (int i = 0; !inside && !found && i < 3; i++) {
            size_t len = strlen(words[i][0]);
            if ((found = strncmp(text, words[i][0], len) == 0)) {
                aglm_str_puts(out, words[i][1]);
                text += len;
            }
        }
        if (found)
            continue;
        inside ^= *text == '\'';
        aglm_str_append(out, *text == '\'' ? "\"" : text, 1);
        text++;
    }
}

static bool is_json(const char *text)
{
    const aglm_json_options options = {.allow_nonfinite = true};
    aglm_json_doc *doc = NULL;
    bool ok = aglm_json_parse(&doc, text, strlen(text), &options, NULL) == AGLM_OK;

    aglm_json_free(doc);
    return ok;
}

/* JSON where the cell is JSON or Python's way of it, else a string. NULL: out of memory. */
static const char *attr_json(struct csv *c, const char *cell)
{
    aglm_json_writer w;
    aglm_str text;

    if (is_json(cell))
        return aglm_arena_strdup(c->arena, cell);
    aglm_str_init(&text, (size_t)1 << 28);
    put_python(&text, cell);
    if (text.rc == AGLM_OK && !is_json(text.data)) {
        aglm_str_reset(&text);
        aglm_json_writer_init(&w, &text);
        aglm_json_put_text(&w, cell);
    }
    const char *json = text.rc == AGLM_OK ? aglm_arena_strdup(c->arena, text.data) : NULL;
    aglm_str_clear(&text);
    return json;
}

/* A trial that waits has its point as an attribute until it is claimed. */
static const char *fixed_json(struct csv *c, const aglm_trial_row *t)
{
    aglm_json_writer w;
    aglm_str text;

    aglm_str_init(&text, (size_t)1 << 26);
    aglm_json_writer_init(&w, &text);
    w.python = true;
    aglm_json_open_object(&w);
    for (size_t i = 0; i < c->n_columns; i++) {
        for (size_t k = 0; k < t->n_params; k++) {
            if (c->columns[i].name != t->params[k].name)
                continue;
            aglm_json_key(&w, t->params[k].name);
            aglm_dist_put(&c->columns[i].dist, t->params[k].value, &w);
        }
    }
    aglm_json_close_object(&w);
    const char *json = text.rc == AGLM_OK ? aglm_arena_strdup(c->arena, text.data) : NULL;
    aglm_str_clear(&text);
    return json;
}

static aglm_rc read_attrs(struct csv *c, size_t row, aglm_trial_row *to)
{
    aglm_attr_row *attrs = aglm_arena_array(c->arena, c->n_columns + 1, sizeof *attrs);

    if (!attrs)
        return no_memory(c);
    to->attrs = attrs;
    if (to->state == AGLM_TRIAL_WAITING && to->n_params > 0) {
        attrs[to->n_attrs++] = (aglm_attr_row){AGLM_ATTR_FIXED, fixed_json(c, to), true};
        to->n_params = 0;
    }
    for (size_t i = 0; i < c->n_columns; i++) {
        const struct column *p = &c->columns[i];
        aglm_cell cell = aglm_table_cell(c->table, row, i);
        if ((p->role == ROLE_USER || p->role == ROLE_SYSTEM) && cell.len > 0)
            attrs[to->n_attrs++] = (aglm_attr_row){p->name, attr_json(c, cell.text),
                                                   p->role == ROLE_SYSTEM};
    }
    for (size_t i = 0; i < to->n_attrs; i++) {
        if (!attrs[i].json)
            return no_memory(c);
    }
    return AGLM_OK;
}

static aglm_rc read_values(struct csv *c, size_t row, aglm_trial_row *to)
{
    double *values = aglm_arena_array(c->arena, c->n_values, sizeof *values);

    if (!values)
        return no_memory(c);
    for (size_t i = 0; i < c->n_columns; i++) {
        aglm_cell cell = aglm_table_cell(c->table, row, i);
        if (c->columns[i].role != ROLE_VALUE || cell.len == 0)
            continue;
        if (!aglm_double_parse(cell.text, cell.len, &values[to->n_values]))
            return bad_cell(c, row, i, "is no number; mend the cell");
        if (isnan(values[to->n_values++]))
            return bad_cell(c, row, i, "is no value; leave it empty and make the state FAIL");
    }
    to->values = values;
    return AGLM_OK;
}

static aglm_rc read_state(struct csv *c, size_t row, aglm_trial_row *to)
{
    static const char *const names[] = {"RUNNING", "COMPLETE", "PRUNED", "FAIL", "WAITING"};

    to->state = to->n_values == c->n_values ? AGLM_TRIAL_COMPLETE : AGLM_TRIAL_FAIL;
    for (size_t i = 0; i < c->n_columns; i++) {
        size_t k = 0;
        if (c->columns[i].role != ROLE_STATE)
            continue;
        while (k < 5 && strcasecmp(aglm_table_cell(c->table, row, i).text, names[k]) != 0)
            k++;
        if (k == 5)
            return bad_cell(c, row, i, "is none of COMPLETE, PRUNED, FAIL, RUNNING and WAITING");
        to->state = k == AGLM_TRIAL_RUNNING ? AGLM_TRIAL_FAIL : (aglm_trial_state)k;
    }
    if (to->state == AGLM_TRIAL_FAIL || to->state == AGLM_TRIAL_WAITING)
        to->n_values = 0;
    if (to->n_values == c->n_values || (to->n_values == 0 && to->state != AGLM_TRIAL_COMPLETE))
        return AGLM_OK;
    return aglm_error_set(
        c->err, AGLM_FORMAT,
        "%.200s:%zu: a %s trial with %zu of %zu values; fill them in, or make the "
        "state FAIL",
        c->path, aglm_table_line(c->table, row), names[to->state], to->n_values, c->n_values);
}

/* ---- dates ---- */

static const char *utc_text(struct csv *c, double seconds)
{
    time_t whole = (time_t)floor(seconds);
    int micro = (int)((seconds - floor(seconds)) * 1e6);
    char text[DATE_SIZE + 16];
    struct tm tm;

    if (!gmtime_r(&whole, &tm))
        return NULL;
    size_t n = strftime(text, DATE_SIZE, "%Y-%m-%d %H:%M:%S", &tm);
    snprintf(text + n, sizeof text - n, ".%06d", micro);
    return aglm_arena_strdup(c->arena, text);
}

/* Optuna's frames hold local time, with a fraction that may be left out; the store wants UTC. */
static aglm_rc read_date(struct csv *c, size_t row, size_t col, const char **out)
{
    aglm_cell cell = aglm_table_cell(c->table, row, col);
    double as_utc = aglm_stored_time(cell.text);
    time_t whole = (time_t)floor(as_utc);
    struct tm tm;

    if (cell.len == 0)
        return AGLM_OK;
    if (isnan(as_utc) || (cell.len > 19 && cell.text[19] != '.') || !gmtime_r(&whole, &tm))
        return bad_cell(c, row, col, "is no local time of the form YYYY-MM-DD HH:MM:SS.ffffff");
    tm.tm_isdst = -1;
    *out = utc_text(c, (double)mktime(&tm) + (as_utc - floor(as_utc)));
    return *out ? AGLM_OK : no_memory(c);
}

/* Without a date of its own a trial has just ended. */
static aglm_rc read_duration(struct csv *c, size_t row, size_t col, aglm_trial_row *to)
{
    aglm_cell cell = aglm_table_cell(c->table, row, col);
    double s;

    if (cell.len == 0 || to->started || to->state == AGLM_TRIAL_WAITING)
        return AGLM_OK;
    if (!aglm_double_parse(cell.text, cell.len, &s) || !(s >= 0.0 && s < 1e9))
        return bad_cell(c, row, col, "is no time in seconds; mend the cell");
    double now = (double)time(NULL);
    to->started = utc_text(c, now - s);
    to->completed = utc_text(c, now);
    return to->started && to->completed ? AGLM_OK : no_memory(c);
}

static aglm_rc read_times(struct csv *c, size_t row, aglm_trial_row *to)
{
    aglm_rc rc = AGLM_OK;

    for (size_t i = 0; rc == AGLM_OK && i < c->n_columns; i++) {
        if (c->columns[i].role == ROLE_START)
            rc = read_date(c, row, i, &to->started);
        else if (c->columns[i].role == ROLE_COMPLETE)
            rc = read_date(c, row, i, &to->completed);
    }
    for (size_t i = 0; rc == AGLM_OK && i < c->n_columns; i++) {
        if (c->columns[i].role == ROLE_DURATION)
            rc = read_duration(c, row, i, to);
    }
    return rc;
}

static aglm_rc read_row(struct csv *c, size_t row, aglm_trial_row *to)
{
    aglm_rc rc = read_values(c, row, to);

    if (rc == AGLM_OK)
        rc = read_state(c, row, to);
    if (rc == AGLM_OK)
        rc = read_params(c, row, to);
    if (rc == AGLM_OK)
        rc = read_attrs(c, row, to);
    return rc == AGLM_OK ? read_times(c, row, to) : rc;
}

static aglm_rc read_table(struct csv *c, aglm_study_whole *out)
{
    aglm_rc rc = name_columns(c, out->n_directions);

    out->n_trials = aglm_table_rows(c->table);
    out->trials = aglm_arena_array(c->arena, out->n_trials, sizeof *out->trials);
    if (rc == AGLM_OK && !out->trials)
        rc = no_memory(c);
    for (size_t i = 0; rc == AGLM_OK && i < out->n_trials; i++) {
        out->trials[i] = (aglm_trial_row){0};
        rc = read_row(c, i, &out->trials[i]);
    }
    return rc;
}

aglm_rc aglm_study_csv_read(aglm_study_whole *out, const char *path, const aglm_space *space,
                            aglm_arena *a, aglm_error *err)
{
    const aglm_read_options options = {.format = AGLM_FORMAT_CSV, .header = AGLM_HEADER_YES};
    struct csv c = {.path = path, .space = space, .arena = a, .err = err};
    aglm_table *table = NULL;
    aglm_rc rc = aglm_table_read(&table, path, &options, err);

    if (rc != AGLM_OK)
        return rc;
    c.table = table;
    rc = read_table(&c, out);
    aglm_table_free(table);
    return rc;
}
