#include "data/dataset.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "base/hash.h"
#include "base/json.h"
#include "base/map.h"
#include "base/memory.h"
#include "data/table_priv.h"
#include "data/task_priv.h"
#include "data/text_key.h"

#define MAX_LABELS ((size_t)1 << 20)
#define MAX_LABEL_BYTES ((size_t)256 << 20)
#define MAX_DOC_LABELS 10000
#define NAMES_BYTES ((size_t)512 << 20)
#define TARGET_MAX 1e30 /* learners compute in single precision */

struct aglm_dataset {
    aglm_table *table; /* whose texts are borrowed; NULL when all stand in `own` */
    char *own;
    aglm_task task;
    size_t n, skipped;
    const char **text;
    uint32_t *len;
    uint32_t *line;
    uint32_t *first; /* labels of document i are pool[first[i]..first[i + 1]) */
    uint32_t *pool;
    size_t n_pool, cap_pool;
    const char **names;
    size_t n_names;
    aglm_arena arena;    /* of the names */
    aglm_schema *schema; /* NULL without rows */
    const float **row;   /* in `cells`, or in the dataset that this one was selected from */
    float *cells;
    double *target; /* of a regression, else NULL */
};

void aglm_dataset_free(aglm_dataset *d)
{
    if (!d)
        return;
    aglm_table_free(d->table);
    free(d->own);
    free(d->text);
    free(d->len);
    free(d->line);
    free(d->first);
    free(d->pool);
    free(d->names);
    aglm_arena_clear(&d->arena);
    aglm_schema_unref(d->schema);
    free(d->row);
    free(d->cells);
    free(d->target);
    free(d);
}

const aglm_schema *aglm_dataset_schema(const aglm_dataset *d)
{
    return d->schema;
}

const float *aglm_dataset_row(const aglm_dataset *d, size_t i)
{
    return d->row[i];
}

double aglm_dataset_target(const aglm_dataset *d, size_t i)
{
    return d->target[i];
}

size_t aglm_dataset_size(const aglm_dataset *d)
{
    return d->n;
}

aglm_doc aglm_dataset_doc(const aglm_dataset *d, size_t i)
{
    return (aglm_doc){.text = d->text[i],
                      .len = d->len[i],
                      .n_labels = d->first[i + 1] - d->first[i],
                      .labels = d->pool + d->first[i]};
}

size_t aglm_dataset_n_labels(const aglm_dataset *d)
{
    return d->n_names;
}

const char *aglm_dataset_label(const aglm_dataset *d, size_t label)
{
    return d->names[label];
}

uint64_t aglm_dataset_key(const aglm_dataset *d, size_t i)
{
    return d->schema ? aglm_hash64(d->text[i], d->len[i], 0) : aglm_text_key(d->text[i], d->len[i]);
}

aglm_task aglm_dataset_task(const aglm_dataset *d)
{
    return d->task;
}

size_t aglm_dataset_skipped(const aglm_dataset *d)
{
    return d->skipped;
}

size_t aglm_dataset_line(const aglm_dataset *d, size_t i)
{
    return d->line[i];
}

static aglm_rc nomem(aglm_error *err)
{
    return aglm_error_set(err, AGLM_NOMEM, "dataset: out of memory");
}

static aglm_rc dataset_new(aglm_dataset **out, size_t rows, aglm_task task, aglm_error *err)
{
    aglm_dataset *d = aglm_calloc(1, sizeof *d);

    *out = d;
    if (!d)
        return nomem(err);
    d->task = task;
    aglm_arena_init(&d->arena, NAMES_BYTES);
    if (task == AGLM_TASK_REGRESSION && !(d->target = aglm_calloc(rows + 1, sizeof *d->target)))
        return nomem(err);
    d->text = aglm_calloc(rows + 1, sizeof *d->text);
    d->len = aglm_calloc(rows + 1, sizeof *d->len);
    d->line = aglm_calloc(rows + 1, sizeof *d->line);
    d->first = aglm_calloc(rows + 1, sizeof *d->first);
    d->pool = aglm_calloc(rows + 1, sizeof *d->pool);
    d->cap_pool = rows + 1;
    return d->text && d->len && d->line && d->first && d->pool ? AGLM_OK : nomem(err);
}

/* Makes room for the rows' numbers, for which d->cells is allocated when they are its own. */
static aglm_rc open_rows(aglm_dataset *d, const aglm_schema *schema, size_t rows, bool own,
                         aglm_error *err)
{
    size_t width = aglm_schema_size(schema);

    d->schema = aglm_schema_ref(schema);
    d->row = aglm_calloc(rows + 1, sizeof *d->row);
    if (own && width && rows <= SIZE_MAX / sizeof *d->cells / width)
        d->cells = aglm_calloc(rows * width, sizeof *d->cells);
    return d->row && (d->cells || !own) ? AGLM_OK : nomem(err);
}

/* --- from a table --- */

typedef struct build {
    aglm_dataset *d;
    const aglm_table *t;
    const aglm_task_guess *task;
    const aglm_dataset_options *opt;
    aglm_map *labels;
    char *at; /* in d->own, for joined texts */
    const char *file;
    aglm_error *err;
} build;

typedef enum verdict { GOOD, BAD, FAILED } verdict;

/* A row that cannot be used: skipped, or the end. */
static verdict bad_row(build *b, aglm_rc rc, size_t row, const char *what, const char *detail,
                       aglm_rc *out)
{
    if (b->opt->skip_bad_rows) {
        b->d->skipped++;
        *out = AGLM_OK;
        return BAD;
    }
    *out = aglm_error_set(b->err, rc, "%s:%zu: %s%s", b->file, aglm_table_line(b->t, row), what,
                          detail);
    return FAILED;
}

static verdict add_label(build *b, size_t row, const char *s, size_t n, aglm_rc *rc)
{
    aglm_dataset *d = b->d;
    uint32_t number;

    if (!b->opt->labels) {
        *rc = aglm_map_intern(b->labels, s, n, &number, b->err);
        if (*rc)
            return FAILED;
    } else if (!aglm_map_find(b->labels, s, n, &number)) {
        char name[80];
        size_t k = n < sizeof name - 1 ? n : sizeof name - 1;
        memcpy(name, s, k);
        name[k] = '\0';
        return bad_row(b, AGLM_INVALID, row, "a label that the training data does not have: ", name,
                       rc);
    }
    *rc = aglm_grow(&d->pool, &d->cap_pool, d->n_pool + 1, sizeof *d->pool, UINT32_MAX);
    if (*rc) {
        *rc = nomem(b->err);
        return FAILED;
    }
    d->pool[d->n_pool++] = number;
    return GOOD;
}

static verdict add_label_list(build *b, size_t row, const char *s, size_t n, aglm_rc *rc)
{
    const char *end = s + n;
    const size_t before = b->d->n_pool;
    verdict v = GOOD;

    for (const char *stop; s <= end && v == GOOD; s = stop + 1) {
        stop = memchr(s, b->task->label_separator, (size_t)(end - s));
        if (!stop)
            stop = end;
        const char *part = s;
        size_t len = (size_t)(stop - s);
        aglm_text_trim(&part, &len);
        if (b->d->n_pool - before == MAX_DOC_LABELS)
            return bad_row(b, AGLM_FORMAT, row, "over 10000 labels", "", rc);
        if (len)
            v = add_label(b, row, part, len, rc);
    }
    return v;
}

static verdict add_target(build *b, size_t row, aglm_cell c, aglm_rc *rc)
{
    const char *s = c.text;
    size_t n = c.len;
    double value;

    aglm_text_trim(&s, &n);
    if (!aglm_double_parse(s, n, &value) || !isfinite(value) || fabs(value) > TARGET_MAX)
        return bad_row(b, AGLM_FORMAT, row,
                       "the label is no number; mend it, or skip bad rows with --skip-bad-rows", "",
                       rc);
    b->d->target[b->d->n] = value;
    return GOOD;
}

static verdict add_labels(build *b, size_t row, aglm_rc *rc)
{
    *rc = AGLM_OK;
    if (b->opt->unlabelled)
        return GOOD;
    aglm_cell c = aglm_table_cell(b->t, row, (size_t)b->task->label_col);
    const char *s = c.text;
    size_t n = c.len;
    if (b->task->task == AGLM_TASK_REGRESSION)
        return add_target(b, row, c, rc);
    if (b->task->task == AGLM_TASK_MULTILABEL && c.kind != AGLM_CELL_MISSING)
        return add_label_list(b, row, s, n, rc);
    aglm_text_trim(&s, &n);
    if (!n)
        return bad_row(b, AGLM_FORMAT, row,
                       "no label; fill it in, or skip bad rows with --skip-bad-rows", "", rc);
    return add_label(b, row, s, n, rc);
}

/* Several text columns are put together with a blank line between; one is borrowed as it is. */
static verdict add_text(build *b, size_t row, aglm_rc *rc)
{
    aglm_dataset *d = b->d;
    const aglm_task_guess *g = b->task;
    size_t present = 0;

    *rc = AGLM_OK;
    d->text[d->n] = b->at;
    for (size_t i = 0; i < g->n_text_cols; i++) {
        aglm_cell c = aglm_table_cell(b->t, row, (size_t)g->text_cols[i]);
        if (c.kind == AGLM_CELL_MISSING)
            continue;
        if (!b->at) {
            d->text[d->n] = c.text;
            d->len[d->n] = c.len;
            return GOOD;
        }
        if (present++) {
            memcpy(b->at, "\n\n", 2);
            b->at += 2;
        }
        memcpy(b->at, c.text, c.len);
        b->at += c.len;
    }
    if (!present)
        return bad_row(b, AGLM_FORMAT, row,
                       "no text; fill it in, or skip bad rows with --skip-bad-rows", "", rc);
    d->len[d->n] = (uint32_t)(b->at - d->text[d->n]);
    *b->at++ = '\0';
    return GOOD;
}

/* The cells of a row of a table, joined. */
static void add_cells(build *b, size_t row)
{
    aglm_dataset *d = b->d;

    d->text[d->n] = b->at;
    for (size_t i = 0; i < b->task->n_features; i++) {
        aglm_cell c = aglm_table_cell(b->t, row, (size_t)b->task->features[i]);
        if (i)
            *b->at++ = AGLM_ROW_SEPARATOR;
        if (c.kind != AGLM_CELL_MISSING) {
            memcpy(b->at, c.text, c.len);
            b->at += c.len;
        }
    }
    d->len[d->n] = (uint32_t)(b->at - d->text[d->n]);
    *b->at++ = '\0';
}

static int by_number(const void *a, const void *b)
{
    uint32_t x = *(const uint32_t *)a;
    uint32_t y = *(const uint32_t *)b;

    return (x > y) - (x < y);
}

static size_t sort_unique(uint32_t *v, size_t n)
{
    size_t kept = 0;

    if (n > 1)
        qsort(v, n, sizeof *v, by_number);
    for (size_t i = 0; i < n; i++)
        if (!kept || v[kept - 1] != v[i])
            v[kept++] = v[i];
    return kept;
}

static aglm_rc add_row(build *b, size_t row)
{
    aglm_dataset *d = b->d;
    const size_t pool = d->n_pool;
    aglm_rc rc;

    verdict v = GOOD;
    if (b->task->tabular)
        add_cells(b, row);
    else
        v = add_text(b, row, &rc);
    if (v == GOOD)
        v = add_labels(b, row, &rc);
    if (v != GOOD) {
        d->n_pool = pool;
        return rc;
    }
    d->n_pool = pool + sort_unique(d->pool + pool, d->n_pool - pool);
    d->line[d->n] = (uint32_t)aglm_table_line(b->t, row);
    d->first[++d->n] = (uint32_t)d->n_pool;
    return AGLM_OK;
}

typedef struct named {
    const char *name;
    uint32_t number;
} named;

static int by_name(const void *a, const void *b)
{
    return strcmp(((const named *)a)->name, ((const named *)b)->name);
}

static aglm_rc add_name(build *b, const char *name)
{
    const char *copy = aglm_arena_strdup(&b->d->arena, name);

    if (!copy)
        return nomem(b->err);
    b->d->names[b->d->n_names++] = copy;
    return AGLM_OK;
}

static aglm_rc renumber(build *b, named *order, uint32_t *to, size_t n)
{
    aglm_dataset *d = b->d;
    aglm_rc rc = AGLM_OK;

    for (uint32_t i = 0; i < n; i++)
        order[i] = (named){aglm_map_key(b->labels, i, NULL), i};
    if (n)
        qsort(order, n, sizeof *order, by_name);
    for (size_t i = 0; i < n && !rc; i++) {
        to[order[i].number] = (uint32_t)i;
        rc = add_name(b, order[i].name);
    }
    for (size_t i = 0; i < d->n_pool; i++)
        d->pool[i] = to[d->pool[i]];
    for (size_t i = 0; i < d->n; i++)
        sort_unique(d->pool + d->first[i], d->first[i + 1] - d->first[i]);
    return rc;
}

/* Numbers by the order of names instead of first sight. */
static aglm_rc number_by_name(build *b)
{
    const size_t n = aglm_map_size(b->labels);
    named *order = aglm_calloc(n, sizeof *order);
    uint32_t *to = aglm_calloc(n, sizeof *to);

    aglm_rc rc = order && to ? renumber(b, order, to, n) : nomem(b->err);
    free(order);
    free(to);
    return rc;
}

static aglm_rc open_labels(build *b)
{
    const aglm_dataset_options *o = b->opt;
    uint32_t number;

    b->labels = aglm_map_new(MAX_LABELS, MAX_LABEL_BYTES);
    if (!b->labels)
        return nomem(b->err);
    for (size_t i = 0; i < o->n_labels; i++) {
        aglm_rc rc = aglm_map_intern(b->labels, o->labels[i], strlen(o->labels[i]), &number,
                                     b->err);
        if (rc)
            return rc;
        if (number != i)
            return aglm_error_set(b->err, AGLM_INVALID, "the label \"%s\" is given twice",
                                  o->labels[i]);
    }
    return AGLM_OK;
}

static aglm_rc name_labels(build *b)
{
    aglm_dataset *d = b->d;
    const bool one = d->target && !b->opt->labels && !b->opt->unlabelled;
    const size_t n = b->opt->labels ? b->opt->n_labels : one ? 1 : aglm_map_size(b->labels);
    aglm_rc rc = AGLM_OK;

    d->names = aglm_calloc(n, sizeof *d->names);
    if (!d->names)
        return nomem(b->err);
    if (one)
        return add_name(b, aglm_table_col_name(b->t, (size_t)b->task->label_col));
    if (!b->opt->labels)
        return number_by_name(b);
    for (size_t i = 0; i < n && !rc; i++)
        rc = add_name(b, b->opt->labels[i]);
    return rc;
}

/* Joined texts take at most all cells and what stands between them. */
static aglm_rc open_texts(build *b)
{
    const aglm_task_guess *g = b->task;
    const int *cols = g->tabular ? g->features : g->text_cols;
    const size_t n = g->tabular ? g->n_features : g->n_text_cols;
    size_t bytes = 1;

    if (!g->tabular && n < 2) {
        b->d->table = aglm_table_ref(b->t);
        return AGLM_OK;
    }
    for (size_t row = 0; row < aglm_table_rows(b->t); row++)
        for (size_t i = 0; i < n; i++)
            bytes += aglm_table_cell(b->t, row, (size_t)cols[i]).len + (size_t)3;
    b->d->own = aglm_calloc(bytes, 1);
    b->at = b->d->own;
    return b->at ? AGLM_OK : nomem(b->err);
}

static aglm_rc check_size(const build *b)
{
    const aglm_dataset *d = b->d;

    if (b->opt->unlabelled || b->opt->labels)
        return AGLM_OK;
    if (d->n < 2)
        return aglm_error_set(b->err, AGLM_FORMAT, "%s: %zu usable row%s; at least two are needed",
                              b->file, d->n, d->n == 1 ? "" : "s");
    if (d->n_names < 2 && !d->target)
        return aglm_error_set(b->err, AGLM_FORMAT, "%s: %s; at least two are needed", b->file,
                              d->n_names ? "only one class, " : "no labels");
    return AGLM_OK;
}

/* The numbers of all rows, from their texts. */
static aglm_rc encode_rows(build *b)
{
    const aglm_dataset_options *o = b->opt;
    aglm_dataset *d = b->d;
    aglm_schema *schema = NULL;
    aglm_rc rc = AGLM_OK;

    if (!b->task->tabular || o->unlabelled || (o->labels && !o->schema))
        return AGLM_OK;
    if (o->schema)
        schema = aglm_schema_ref(o->schema);
    else
        rc = aglm_schema_from_table(&schema, b->t, b->task->features, b->task->n_features, b->err);
    if (!rc)
        rc = open_rows(d, schema, d->n, true, b->err);
    for (size_t i = 0; !rc && i < d->n; i++) {
        float *cells = d->cells + i * aglm_schema_size(schema);
        aglm_schema_encode(schema, d->text[i], d->len[i], cells);
        d->row[i] = cells;
    }
    aglm_schema_unref(schema);
    return rc;
}

static aglm_rc run(build *b)
{
    aglm_rc rc = open_labels(b);

    if (!rc)
        rc = open_texts(b);
    for (size_t row = 0; row < aglm_table_rows(b->t) && !rc; row++)
        rc = add_row(b, row);
    if (!rc)
        rc = name_labels(b);
    if (!rc)
        rc = check_size(b);
    return rc ? rc : encode_rows(b);
}

aglm_rc aglm_dataset_from_table(aglm_dataset **out, const aglm_table *t,
                                const aglm_task_guess *task, const aglm_dataset_options *options,
                                aglm_error *err)
{
    static const aglm_dataset_options none = {0};
    build b = {.t = t,
               .task = task,
               .opt = options ? options : &none,
               .file = aglm_table_report(t)->name,
               .err = err};

    *out = NULL;
    aglm_rc rc = dataset_new(&b.d, aglm_table_rows(t), task->task, err);
    if (!rc)
        rc = run(&b);
    aglm_map_free(b.labels);
    if (rc)
        aglm_dataset_free(b.d);
    else
        *out = b.d;
    return rc;
}

/* --- two together --- */

static aglm_rc check_same_labels(const aglm_dataset *a, const aglm_dataset *b, aglm_error *err)
{
    bool same = a->n_names == b->n_names && a->schema == b->schema;

    for (size_t i = 0; i < a->n_names && same; i++)
        same = strcmp(a->names[i], b->names[i]) == 0;
    return same ? AGLM_OK
                : aglm_error_set(err, AGLM_INVALID,
                                 "two datasets with different labels cannot be joined");
}

/* The numbers of from's document i, for document d->n. */
static void append_row(aglm_dataset *d, const aglm_dataset *from, size_t i)
{
    if (d->target)
        d->target[d->n] = from->target[i];
    if (!d->schema)
        return;
    size_t width = aglm_schema_size(d->schema);
    float *cells = d->cells + d->n * width;
    memcpy(cells, from->row[i], width * sizeof *cells);
    d->row[d->n] = cells;
}

static void append_docs(aglm_dataset *d, const aglm_dataset *from, char **at)
{
    for (size_t i = 0; i < from->n; i++) {
        memcpy(*at, from->text[i], from->len[i]);
        (*at)[from->len[i]] = '\0';
        d->text[d->n] = *at;
        d->len[d->n] = from->len[i];
        d->line[d->n] = from->line[i];
        *at += (size_t)from->len[i] + 1;
        for (uint32_t k = from->first[i]; k < from->first[i + 1]; k++)
            d->pool[d->n_pool++] = from->pool[k];
        append_row(d, from, i);
        d->first[++d->n] = (uint32_t)d->n_pool;
    }
    d->skipped += from->skipped;
}

static size_t text_bytes(const aglm_dataset *d)
{
    size_t bytes = d->n;

    for (size_t i = 0; i < d->n; i++)
        bytes += d->len[i];
    return bytes;
}

static aglm_rc fill_concat(aglm_dataset *d, const aglm_dataset *a, const aglm_dataset *b,
                           aglm_error *err)
{
    aglm_rc rc = a->schema ? open_rows(d, a->schema, a->n + b->n, true, err) : AGLM_OK;

    if (rc)
        return rc;
    d->own = aglm_calloc(text_bytes(a) + text_bytes(b), 1);
    d->names = aglm_calloc(a->n_names, sizeof *d->names);
    if (!d->own || !d->names ||
        aglm_grow(&d->pool, &d->cap_pool, a->n_pool + b->n_pool, sizeof *d->pool, UINT32_MAX))
        return nomem(err);
    for (size_t i = 0; i < a->n_names; i++) {
        d->names[i] = aglm_arena_strdup(&d->arena, a->names[i]);
        if (!d->names[i])
            return nomem(err);
        d->n_names++;
    }
    char *at = d->own;
    append_docs(d, a, &at);
    append_docs(d, b, &at);
    return AGLM_OK;
}

aglm_rc aglm_dataset_concat(aglm_dataset **out, const aglm_dataset *a, const aglm_dataset *b,
                            aglm_error *err)
{
    aglm_dataset *d = NULL;

    *out = NULL;
    aglm_rc rc = check_same_labels(a, b, err);
    if (!rc)
        rc = dataset_new(&d, a->n + b->n, a->task, err);
    if (!rc)
        rc = fill_concat(d, a, b, err);
    if (rc)
        aglm_dataset_free(d);
    else
        *out = d;
    return rc;
}

static size_t labels_of_rows(const aglm_dataset *d, const uint32_t *rows, size_t n)
{
    size_t sum = 0;

    for (size_t i = 0; i < n; i++)
        sum += d->first[rows[i] + 1] - d->first[rows[i]];
    return sum;
}

static aglm_rc fill_selected(aglm_dataset *out, const aglm_dataset *d, const uint32_t *rows,
                             size_t n, aglm_error *err)
{
    aglm_rc rc = d->schema ? open_rows(out, d->schema, n, false, err) : AGLM_OK;

    if (rc)
        return rc;
    out->names = aglm_calloc(d->n_names, sizeof *out->names);
    if (!out->names || aglm_grow(&out->pool, &out->cap_pool, labels_of_rows(d, rows, n),
                                 sizeof *out->pool, UINT32_MAX))
        return nomem(err);
    memcpy(out->names, d->names, d->n_names * sizeof *out->names);
    out->n_names = d->n_names;
    for (size_t i = 0; i < n; i++) {
        out->text[i] = d->text[rows[i]];
        out->len[i] = d->len[rows[i]];
        out->line[i] = d->line[rows[i]];
        for (uint32_t k = d->first[rows[i]]; k < d->first[rows[i] + 1]; k++)
            out->pool[out->n_pool++] = d->pool[k];
        if (d->schema)
            out->row[i] = d->row[rows[i]];
        if (d->target)
            out->target[i] = d->target[rows[i]];
        out->first[i + 1] = (uint32_t)out->n_pool;
    }
    out->n = n;
    return AGLM_OK;
}

aglm_rc aglm_dataset_select(aglm_dataset **out, const aglm_dataset *d, const uint32_t *rows,
                            size_t n, aglm_error *err)
{
    aglm_dataset *made = NULL;
    aglm_rc rc = dataset_new(&made, n, d->task, err);

    *out = NULL;
    if (!rc)
        rc = fill_selected(made, d, rows, n, err);
    if (rc)
        aglm_dataset_free(made);
    else
        *out = made;
    return rc;
}
