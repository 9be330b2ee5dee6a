#include "data/task.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/memory.h"
#include "data/schema.h"
#include "data/table_priv.h"
#include "data/task_priv.h"

#define EVIDENCE_MAX ((size_t)64 << 10)
#define CLEARLY_LONGER 1.5
#define CLASSES_OF_NUMBERS 20 /* a column of a table with more different numbers is no class */

static const char *const task_names[] = {
    [AGLM_TASK_AUTO] = "auto",
    [AGLM_TASK_BINARY] = "binary",
    [AGLM_TASK_MULTICLASS] = "multiclass",
    [AGLM_TASK_MULTILABEL] = "multilabel",
    [AGLM_TASK_REGRESSION] = "regression",
    [AGLM_TASK_TAGGING] = "tagging",
    [AGLM_TASK_GENERATION] = "generation",
};
#define N_TASKS (sizeof task_names / sizeof task_names[0])

const char *aglm_task_name(aglm_task t)
{
    return (size_t)t < N_TASKS ? task_names[t] : "unknown";
}

/* "multi-class" and "multi_class" are "multiclass". */
bool aglm_task_from_name(const char *name, aglm_task *out)
{
    char plain[32];
    size_t n = 0;

    for (; *name; name++) {
        if (*name == '-' || *name == '_')
            continue;
        if (n + 1 == sizeof plain)
            return false;
        plain[n++] = *name;
    }
    plain[n] = '\0';
    for (size_t i = 0; i < N_TASKS; i++) {
        if (strcasecmp(plain, task_names[i]) == 0) {
            *out = (aglm_task)i;
            return true;
        }
    }
    return false;
}

typedef struct detection {
    const aglm_table *t;
    const aglm_task_options *opt;
    aglm_task_guess *out;
    aglm_column_facts *facts;
    size_t cols;
    const char *file;
    aglm_error *err;
} detection;

static const char *name_of(const detection *d, int col)
{
    return aglm_table_col_name(d->t, (size_t)col);
}

/* Names of the columns where mask is set (NULL: of all), for messages. */
static void list_names(const detection *d, const bool *mask, aglm_str *s)
{
    size_t n = 0;

    for (size_t i = 0; i < d->cols; i++) {
        if (mask && !mask[i])
            continue;
        if (n++ == 12) {
            aglm_str_puts(s, ", ...");
            return;
        }
        aglm_str_printf(s, "%s\"%.40s\"", n > 1 ? ", " : "", name_of(d, (int)i));
    }
}

static aglm_rc absent(const detection *d, const char *name, const char *flag)
{
    aglm_str s;

    aglm_str_init(&s, 4096);
    list_names(d, NULL, &s);
    aglm_rc rc = aglm_error_set(d->err, AGLM_INVALID, "%s: no column \"%s\"; it has %s (%s COL)",
                                d->file, name, s.data, flag);
    aglm_str_clear(&s);
    return rc;
}

static aglm_rc ambiguous(const detection *d, const bool *mask, const char *what, const char *flag)
{
    aglm_str s;

    aglm_str_init(&s, 4096);
    list_names(d, mask, &s);
    aglm_rc rc = aglm_error_set(d->err, AGLM_INVALID,
                                "%s: %s could be any of %s; name it with %s COL", d->file, what,
                                s.data, flag);
    aglm_str_clear(&s);
    return rc;
}

/* Index of the only set entry, -1 for none, -2 for several. */
static int only_one(const bool *mask, size_t n)
{
    int found = -1;

    for (size_t i = 0; i < n; i++) {
        if (!mask[i])
            continue;
        if (found >= 0)
            return -2;
        found = (int)i;
    }
    return found;
}

static int col_named(const detection *d, const char *name)
{
    for (size_t i = 0; i < d->cols; i++)
        if (strcasecmp(name_of(d, (int)i), name) == 0)
            return (int)i;
    return -1;
}

/* --- tasks that are recognised by their columns alone --- */

static aglm_rc not_yet(const detection *d, aglm_task task, const char *why)
{
    d->out->task = task;
    aglm_str_printf(&d->out->evidence, "task: %s: %s (--task, --label and --text override)\n",
                    aglm_task_name(task), why);
    return aglm_error_set(
        d->err, AGLM_UNSUPPORTED,
        "%s: %s; %s is not supported yet (--label COL and --text COL for classification)", d->file,
        why, aglm_task_name(task));
}

static bool has_pair(const detection *d, const char *a, const char *b)
{
    int first = col_named(d, a);
    int second = col_named(d, b);

    return first >= 0 && second >= 0 && d->facts[second].distinct * 2 > d->facts[second].rows;
}

static aglm_rc check_tokens(const detection *d)
{
    static const char *const tags[] = {"tags", "ner_tags", "labels", "pos_tags"};
    int tokens = col_named(d, "tokens");

    for (size_t i = 0; i < sizeof tags / sizeof tags[0] && tokens >= 0; i++) {
        int col = col_named(d, tags[i]);
        if (col >= 0 && d->facts[tokens].lists && d->facts[col].lists)
            return not_yet(d, AGLM_TASK_TAGGING, "columns of tokens and tags");
    }
    return AGLM_OK;
}

static aglm_rc check_other_tasks(const detection *d)
{
    static const char *const pairs[][2] = {
        {"prompt", "completion"},  {"prompt", "response"},      {"prompt", "chosen"},
        {"instruction", "output"}, {"instruction", "response"}, {"question", "answer"},
        {"question", "answers"},   {"input", "output"},
    };

    if (aglm_table_report(d->t)->format == AGLM_FORMAT_CONLL)
        return not_yet(d, AGLM_TASK_TAGGING, "one token and its tag a line");
    if (d->opt->label || d->opt->unlabelled)
        return AGLM_OK;
    if (col_named(d, "messages") >= 0 || col_named(d, "conversations") >= 0)
        return not_yet(d, AGLM_TASK_GENERATION, "a column of conversations");
    for (size_t i = 0; i < sizeof pairs / sizeof pairs[0]; i++)
        if (has_pair(d, pairs[i][0], pairs[i][1]))
            return not_yet(d, AGLM_TASK_GENERATION, "columns of prompts and answers");
    return check_tokens(d);
}

/* --- the label column --- */

static void mark_label_names(const detection *d, int grade, bool *mask)
{
    for (size_t i = 0; i < d->cols; i++)
        mask[i] = aglm_column_label_name(name_of(d, (int)i)) == grade;
}

/* Columns whose values recur. */
static void mark_repeating(const detection *d, bool *mask)
{
    bool varied = false;

    for (size_t i = 0; i < d->cols; i++) {
        mask[i] = (aglm_column_repeats(&d->facts[i]) || d->facts[i].lists) &&
                  !aglm_column_id_name(name_of(d, (int)i));
        varied |= mask[i] && d->facts[i].distinct > 1;
    }
    for (size_t i = 0; i < d->cols; i++)
        mask[i] = mask[i] && (!varied || d->facts[i].distinct > 1);
}

/* One far longer than all others is the text, though its values recur. */
static void unmark_longest(const detection *d, bool *mask)
{
    size_t longest = 0;
    double others = 0;

    for (size_t i = 0; i < d->cols; i++)
        if (d->facts[i].mean_bytes > d->facts[longest].mean_bytes)
            longest = i;
    for (size_t i = 0; i < d->cols; i++)
        if (i != longest && d->facts[i].mean_bytes > others)
            others = d->facts[i].mean_bytes;
    if (d->facts[longest].mean_bytes > CLEARLY_LONGER * others)
        mask[longest] = false;
}

/* Few rows need not repeat a label: of two columns it is the far shorter one. */
static int shorter_of_two(const detection *d)
{
    if (d->cols != 2 || aglm_table_rows(d->t) > 20)
        return -1;
    double a = d->facts[0].mean_bytes;
    double b = d->facts[1].mean_bytes;
    return a * CLEARLY_LONGER < b ? 0 : b * CLEARLY_LONGER < a ? 1 : -1;
}

static aglm_rc no_label(const detection *d)
{
    if (d->cols == 1)
        return aglm_error_set(
            d->err, AGLM_INVALID,
            "%s: one column only, \"%.60s\"; a column of labels is needed beside the texts",
            d->file, name_of(d, 0));
    return ambiguous(d, NULL, "no column's values recur as labels do; the label", "--label");
}

/* Where no name tells: the column whose values recur, as labels of texts do. */
static int recurring(const detection *d, bool *mask, const char **why)
{
    int col;

    mark_repeating(d, mask);
    if (only_one(mask, d->cols) == -2)
        unmark_longest(d, mask);
    col = only_one(mask, d->cols);
    *why = "its values recur";
    if (col == -1) {
        col = shorter_of_two(d);
        *why = "the shorter column";
    }
    return col;
}

/* Numbers of a table recur, too, so there only a column of words stands out, at one of the ends
 * (behind a number of the row), where people put what is to be predicted. */
static int only_words(const detection *d, bool *mask, const char **why)
{
    for (size_t i = 0; i < d->cols; i++)
        mask[i] = aglm_column_repeats(&d->facts[i]) && !aglm_column_numeric(&d->facts[i]) &&
                  d->facts[i].distinct > 1 && !aglm_column_id_name(name_of(d, (int)i));
    *why = "the only column of words";
    int col = only_one(mask, d->cols);
    int first = d->cols > 1 && aglm_column_id_name(name_of(d, 0));
    return col == first || col == (int)d->cols - 1 || col == -2 ? col : -1;
}

static aglm_rc find_label(const detection *d, bool *mask, const char **why)
{
    int col = -1;

    if (d->opt->label) {
        *why = "as told";
        d->out->label_col = aglm_table_find_col(d->t, d->opt->label);
        return d->out->label_col < 0 ? absent(d, d->opt->label, "--label") : AGLM_OK;
    }
    for (int grade = 2; grade > 0 && col == -1; grade--) {
        mark_label_names(d, grade, mask);
        col = only_one(mask, d->cols);
        *why = "by its name";
    }
    if (col == -1)
        col = d->out->tabular ? only_words(d, mask, why) : recurring(d, mask, why);
    d->out->label_col = col;
    if (col == -2 || (col == -1 && d->out->tabular))
        return ambiguous(d, col == -2 ? mask : NULL, "the label", "--label");
    return col < 0 ? no_label(d) : AGLM_OK;
}

/* --- the text columns --- */

static aglm_rc add_text(const detection *d, int col)
{
    aglm_task_guess *g = d->out;

    if (g->n_text_cols == AGLM_TASK_MAX_TEXT_COLS)
        return aglm_error_set(d->err, AGLM_INVALID, "--text: at most %d columns",
                              AGLM_TASK_MAX_TEXT_COLS);
    if (col == g->label_col)
        return aglm_error_set(d->err, AGLM_INVALID,
                              "%s: column \"%s\" cannot be label and text both (--label, --text)",
                              d->file, name_of(d, col));
    g->text_cols[g->n_text_cols++] = col;
    return AGLM_OK;
}

static aglm_rc add_feature(const detection *d, int col)
{
    aglm_task_guess *g = d->out;

    if (g->n_features == AGLM_TASK_MAX_FEATURES)
        return aglm_error_set(d->err, AGLM_INVALID, "--features: at most %d columns",
                              AGLM_TASK_MAX_FEATURES);
    if (col == g->label_col)
        return aglm_error_set(d->err, AGLM_INVALID,
                              "%s: column \"%s\" cannot be label and feature both (--label, "
                              "--features)",
                              d->file, name_of(d, col));
    g->features[g->n_features++] = col;
    return AGLM_OK;
}

/* Names of columns joined by a comma, or by AGLM_ROW_SEPARATOR where names hold commas. */
static aglm_rc told_columns(const detection *d, const char *s, const char *flag,
                            aglm_rc (*add)(const detection *d, int col))
{
    const char separator = strchr(s, AGLM_ROW_SEPARATOR) ? AGLM_ROW_SEPARATOR : ',';
    aglm_rc rc = AGLM_OK;

    if (aglm_table_find_col(d->t, s) >= 0)
        return add(d, aglm_table_find_col(d->t, s));
    while (s && !rc) {
        const char *stop = strchr(s, separator);
        const char *part = s;
        size_t n = stop ? (size_t)(stop - s) : strlen(s);
        aglm_text_trim(&part, &n);
        char *name = aglm_strndup(part, n);
        if (!name)
            return aglm_error_set(d->err, AGLM_NOMEM, "%s: out of memory", d->file);
        int col = aglm_table_find_col(d->t, name);
        rc = col < 0 ? absent(d, name, flag) : add(d, col);
        free(name);
        s = stop ? stop + 1 : NULL;
    }
    return rc;
}

/* Whatever holds words and is neither the label nor a number. */
static void mark_texts(const detection *d, bool *mask)
{
    for (size_t i = 0; i < d->cols; i++) {
        const aglm_column_facts *f = &d->facts[i];
        mask[i] = (int)i != d->out->label_col && f->rows && f->numbers < f->rows &&
                  f->lists < f->rows && !aglm_column_id_name(name_of(d, (int)i));
    }
}

/* The marked column that is clearly the longest; -2 when there is none. */
static int longest_of(const detection *d, const bool *mask)
{
    int best = -1;
    double second = 0;

    for (size_t i = 0; i < d->cols; i++) {
        double len = d->facts[i].mean_bytes;
        if (!mask[i])
            continue;
        if (best < 0 || len > d->facts[best].mean_bytes) {
            second = best < 0 ? 0 : d->facts[best].mean_bytes;
            best = (int)i;
        } else if (len > second) {
            second = len;
        }
    }
    return best >= 0 && d->facts[best].mean_bytes < CLEARLY_LONGER * second ? -2 : best;
}

static int named_text(const detection *d, const bool *mask, bool *named)
{
    for (int grade = 2; grade > 0; grade--) {
        for (size_t i = 0; i < d->cols; i++)
            named[i] = mask[i] && aglm_column_text_name(name_of(d, (int)i)) == grade;
        int col = only_one(named, d->cols);
        if (col != -1)
            return col == -2 ? longest_of(d, named) : col;
    }
    return -1;
}

static aglm_rc find_text(const detection *d, bool *mask, bool *named, const char **why)
{
    if (d->opt->text) {
        *why = "as told";
        return told_columns(d, d->opt->text, "--text", add_text);
    }
    mark_texts(d, mask);
    int col = only_one(mask, d->cols);
    *why = "the only other column of words";
    if (col == -2) {
        col = named_text(d, mask, named);
        *why = "by its name";
    }
    if (col == -1 && only_one(mask, d->cols) == -2) {
        col = longest_of(d, mask);
        *why = "the longest; join several with --text A,B";
    }
    if (col == -2)
        return ambiguous(d, mask, "the text", "--text");
    if (col == -1 && d->cols == 1 && d->out->label_col < 0)
        col = 0;
    if (col < 0)
        return aglm_error_set(d->err, AGLM_INVALID,
                              "%s: no column of texts beside the label (--text COL)", d->file);
    return add_text(d, col);
}

/* --- the task --- */

static bool few_in_table(const aglm_label_facts *f)
{
    return f->distinct <= 2 ||
           (!f->fractions && f->distinct <= CLASSES_OF_NUMBERS && f->distinct * 5 <= f->rows);
}

static bool few_numbers(const aglm_label_facts *f)
{
    if (f->distinct <= 2)
        return true;
    if (f->distinct <= 10 && f->distinct * 5 <= f->rows)
        return true;
    return !f->fractions && f->distinct <= 1000 &&
           f->distinct * (f->rows >= 1000 ? 20 : 10) <= f->rows;
}

/* The separator whose parts recur, else one that occurs, else '|'. */
static aglm_rc find_separator(const detection *d, aglm_label_facts *f)
{
    static const char choices[] = {'|', ';', ','};
    char occurs = 0;

    for (size_t i = 0; i < sizeof choices; i++) {
        aglm_rc rc = aglm_labels_look(d->t, (size_t)d->out->label_col, choices[i], f, d->err);
        if (rc)
            return rc;
        if (f->joined && !occurs)
            occurs = choices[i];
        if (aglm_labels_recur(f)) {
            d->out->label_separator = choices[i];
            return AGLM_OK;
        }
    }
    d->out->label_separator = occurs ? occurs : '|';
    return AGLM_OK;
}

static aglm_rc settle_multilabel(const detection *d, aglm_label_facts *f, const char *why)
{
    aglm_task_guess *g = d->out;

    g->task = AGLM_TASK_MULTILABEL;
    if (f->lists)
        g->label_separator = AGLM_LIST_SEPARATOR;
    aglm_rc rc = aglm_labels_look(d->t, (size_t)g->label_col, g->label_separator, f, d->err);
    if (!rc)
        aglm_str_printf(&g->evidence, "task: multilabel, %zu labels: %s (--task overrides)\n",
                        f->parts, why);
    return rc;
}

static aglm_rc check_classes(const detection *d, const aglm_label_facts *f)
{
    const char *label = name_of(d, d->out->label_col);

    if (aglm_table_rows(d->t) < 2)
        return aglm_error_set(d->err, AGLM_FORMAT, "%s: one row only; at least two are needed",
                              d->file);
    if (f->distinct < 2)
        return aglm_error_set(
            d->err, AGLM_FORMAT,
            "%s: column \"%s\" has %s; two or more classes are needed (--label COL for another column)",
            d->file, label, f->distinct ? "one class only" : "no labels");
    if (f->rows > 20 && f->distinct * 10 > f->rows * 9)
        return aglm_error_set(
            d->err, AGLM_INVALID,
            "%s: %zu of the %zu values of column \"%s\" differ, which are no classes (--label COL "
            "for another column)",
            d->file, f->distinct, f->rows, label);
    if (d->opt->task == AGLM_TASK_BINARY && f->distinct != 2)
        return aglm_error_set(d->err, AGLM_INVALID,
                              "%s: --task binary, but column \"%s\" has %zu classes", d->file,
                              label, f->distinct);
    return AGLM_OK;
}

static aglm_rc settle_single(const detection *d, const aglm_label_facts *f)
{
    aglm_task_guess *g = d->out;
    const char *names = f->rows && f->numbers == f->rows
                            ? ": few different numbers, taken for names"
                            : "";

    if (d->opt->known) {
        g->task = d->opt->task;
        return AGLM_OK;
    }
    aglm_rc rc = check_classes(d, f);
    if (rc)
        return rc;
    g->task = f->distinct == 2 ? AGLM_TASK_BINARY : AGLM_TASK_MULTICLASS;
    aglm_str_printf(&g->evidence, "task: %s, %zu classes%s (--task overrides)\n",
                    aglm_task_name(g->task), f->distinct, names);
    return AGLM_OK;
}

static aglm_rc settle_regression(const detection *d, const aglm_label_facts *f)
{
    d->out->task = AGLM_TASK_REGRESSION;
    if (d->opt->known)
        return AGLM_OK;
    if (f->rows == 0 || f->numbers < f->rows)
        return aglm_error_set(
            d->err, AGLM_INVALID,
            "%s: %zu of the %zu values of column \"%s\" are no numbers (--label COL "
            "for another column)",
            d->file, f->rows - f->numbers, f->rows, name_of(d, d->out->label_col));
    aglm_str_printf(&d->out->evidence,
                    "task: regression, the label is a number with %zu different values (--task "
                    "overrides)\n",
                    f->distinct);
    return AGLM_OK;
}

static aglm_rc find_table_task(const detection *d)
{
    aglm_label_facts f;
    aglm_rc rc;

    if (d->opt->task == AGLM_TASK_MULTILABEL)
        return aglm_error_set(
            d->err, AGLM_UNSUPPORTED,
            "%s: several labels a row of a table are not supported; name a column "
            "of texts with --text COL",
            d->file);
    if ((rc = aglm_labels_look(d->t, (size_t)d->out->label_col, 0, &f, d->err)) != AGLM_OK)
        return rc;
    bool numbers = f.rows && f.numbers == f.rows && !few_in_table(&f);
    if (d->opt->task == AGLM_TASK_REGRESSION || (d->opt->task == AGLM_TASK_AUTO && numbers))
        return settle_regression(d, &f);
    return settle_single(d, &f);
}

static aglm_rc find_task(const detection *d)
{
    aglm_label_facts f;
    const bool told_single = d->opt->task == AGLM_TASK_BINARY ||
                             d->opt->task == AGLM_TASK_MULTICLASS;

    if (d->opt->task == AGLM_TASK_REGRESSION)
        return not_yet(d, AGLM_TASK_REGRESSION, "texts with numbers to predict");
    aglm_rc rc = aglm_labels_look(d->t, (size_t)d->out->label_col, '|', &f, d->err);
    if (rc)
        return rc;
    if (d->opt->task == AGLM_TASK_MULTILABEL) {
        rc = f.lists ? AGLM_OK : find_separator(d, &f);
        return rc ? rc : settle_multilabel(d, &f, "as told");
    }
    if (told_single)
        return settle_single(d, &f);
    if (f.rows && f.tags * 2 > f.rows)
        return not_yet(d, AGLM_TASK_TAGGING, "labels are sequences of B-, I- and O tags");
    if (f.long_lists)
        return settle_multilabel(d, &f, "labels are lists");
    if (aglm_labels_recur(&f)) {
        d->out->label_separator = '|';
        return settle_multilabel(d, &f, "labels are joined by '|' and their parts recur");
    }
    if (f.rows && f.numbers == f.rows && !few_numbers(&f))
        return not_yet(d, AGLM_TASK_REGRESSION, "the label is a number with many different values");
    return settle_single(d, &f);
}

/* --- all together --- */

static void tell_reading(const detection *d)
{
    const aglm_read_report *r = aglm_table_report(d->t);

    aglm_str_printf(&d->out->evidence, "file: %s, %s: %s (--format, --encoding override)\n",
                    aglm_format_name(r->format), aglm_encoding_name(r->encoding), r->encoding_why);
    if (r->header_why[0])
        aglm_str_printf(&d->out->evidence, "header: %s, %s (--header overrides)\n",
                        r->has_header ? "yes" : "no", r->header_why);
}

static void tell_columns(const detection *d, const char *label_why, const char *text_why)
{
    aglm_task_guess *g = d->out;

    if (g->label_col >= 0)
        aglm_str_printf(&g->evidence, "label: column \"%s\", %s (--label overrides)\n",
                        name_of(d, g->label_col), label_why);
    for (size_t i = 0; i < g->n_text_cols; i++)
        aglm_str_printf(&g->evidence, "text: column \"%s\", %s (--text overrides)\n",
                        name_of(d, g->text_cols[i]), text_why);
}

/* Columns of a table as told, or all that can be learned from. */
static aglm_rc find_features(const detection *d)
{
    return d->opt->features ? told_columns(d, d->opt->features, "--features", add_feature)
                            : aglm_features_choose(d->t, d->facts, d->out, d->err);
}

static bool is_table(const detection *d)
{
    const aglm_task_options *o = d->opt;

    if (o->features || o->text || o->known || o->unlabelled || o->task == AGLM_TASK_MULTILABEL)
        return o->features != NULL;
    return aglm_columns_are_table(d->t, d->facts,
                                  o->label ? aglm_table_find_col(d->t, o->label) : -1);
}

static aglm_rc look_at_columns(detection *d)
{
    aglm_rc rc = AGLM_OK;

    for (size_t i = 0; i < d->cols && !rc; i++)
        rc = aglm_column_look(d->t, i, &d->facts[i], d->err);
    if (!rc)
        rc = check_other_tasks(d);
    d->out->tabular = !rc && is_table(d);
    return rc;
}

static aglm_rc detect(detection *d, bool *mask, bool *named)
{
    const aglm_task_options *o = d->opt;
    const char *label_why = "";
    const char *text_why = "";

    if (o->task > AGLM_TASK_REGRESSION)
        return not_yet(d, o->task, "asked for by --task");
    aglm_rc rc = look_at_columns(d);
    bool texts_are_known = o->unlabelled && !o->label && (o->text || o->features || d->cols == 1);
    if (!rc && !texts_are_known)
        rc = find_label(d, mask, &label_why);
    if (rc == AGLM_INVALID && o->unlabelled && !o->label) {
        d->out->label_col = -1;
        rc = AGLM_OK;
    }
    if (!rc)
        rc = d->out->tabular ? find_features(d) : find_text(d, mask, named, &text_why);
    if (rc)
        return rc;
    tell_columns(d, label_why, text_why);
    if (o->unlabelled)
        return AGLM_OK;
    return d->out->tabular ? find_table_task(d) : find_task(d);
}

aglm_rc aglm_task_detect(aglm_task_guess *out, const aglm_table *t,
                         const aglm_task_options *options, aglm_error *err)
{
    static const aglm_task_options none = {0};
    detection d = {.t = t,
                   .opt = options ? options : &none,
                   .out = out,
                   .cols = aglm_table_cols(t),
                   .err = err};

    *out = (aglm_task_guess){.label_col = -1};
    aglm_str_init(&out->evidence, EVIDENCE_MAX);
    d.file = aglm_table_report(t)->name;
    if (aglm_table_rows(t) == 0)
        return aglm_error_set(err, AGLM_FORMAT, "%s: no rows%s", d.file,
                              aglm_table_report(t)->has_header ? " below the header" : "");
    tell_reading(&d);
    d.facts = aglm_calloc(d.cols, sizeof *d.facts);
    bool *masks = aglm_calloc(d.cols * 2, sizeof *masks);
    aglm_rc rc = d.facts && masks ? detect(&d, masks, masks + d.cols)
                                  : aglm_error_set(err, AGLM_NOMEM, "%s: out of memory", d.file);
    if (!rc && out->evidence.rc)
        rc = aglm_error_set(err, out->evidence.rc, "%s: out of memory", d.file);
    free(d.facts);
    free(masks);
    return rc;
}
