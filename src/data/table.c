#include "data/table.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>

#include "base/memory.h"
#include "data/table_priv.h"

/* Offsets into the text are 32 bits wide. */
#define MAX_BYTES (((size_t)4 << 30) - 65536)
#define DEFAULT_ROW_BYTES ((size_t)16 << 20)
#define SPARE_CELLS ((size_t)1 << 16)

static const char *const format_names[] = {
    [AGLM_FORMAT_AUTO] = "auto",     [AGLM_FORMAT_CSV] = "csv",
    [AGLM_FORMAT_TSV] = "tsv",       [AGLM_FORMAT_JSONL] = "jsonl",
    [AGLM_FORMAT_JSON] = "json",     [AGLM_FORMAT_FASTTEXT] = "fasttext",
    [AGLM_FORMAT_CONLL] = "conll",   [AGLM_FORMAT_LINES] = "lines",
    [AGLM_FORMAT_FOLDER] = "folder",
};
#define N_FORMATS (sizeof format_names / sizeof format_names[0])

const char *aglm_format_name(aglm_format f)
{
    return (size_t)f < N_FORMATS ? format_names[f] : "unknown";
}

bool aglm_format_from_name(const char *name, aglm_format *out)
{
    for (size_t i = 0; i < N_FORMATS; i++) {
        if (strcasecmp(name, format_names[i]) == 0) {
            *out = (aglm_format)i;
            return true;
        }
    }
    return false;
}

aglm_table *aglm_table_ref(const aglm_table *t)
{
    aglm_table *mine = (aglm_table *)(uintptr_t)t; /* the count is no part of what is immutable */

    atomic_fetch_add(&mine->refs, 1);
    return mine;
}

void aglm_table_free(aglm_table *t)
{
    if (!t || atomic_fetch_sub(&t->refs, 1) > 1)
        return;
    for (size_t i = 0; i < t->n_cols; i++)
        free(t->cols[i].cells);
    free(t->cols);
    free(t->lines);
    free(t->data);
    aglm_arena_clear(&t->arena);
    free(t);
}

size_t aglm_table_rows(const aglm_table *t)
{
    return t->n_rows - t->header_rows;
}

size_t aglm_table_cols(const aglm_table *t)
{
    return t->n_cols;
}

const char *aglm_table_col_name(const aglm_table *t, size_t col)
{
    return t->cols[col].name;
}

int aglm_table_find_col(const aglm_table *t, const char *name)
{
    char *end;

    for (size_t i = 0; i < t->n_cols; i++)
        if (strcmp(t->cols[i].name, name) == 0)
            return (int)i;
    unsigned long number = strtoul(name, &end, 10);
    if (name[0] < '0' || name[0] > '9' || *end || number < 1 || number > t->n_cols)
        return -1;
    return (int)(number - 1);
}

aglm_cell aglm_table_cell(const aglm_table *t, size_t row, size_t col)
{
    const aglm_table_col *c = &t->cols[col];

    row += t->header_rows;
    if (row >= c->n || c->cells[row].kind == AGLM_CELL_MISSING)
        return (aglm_cell){.text = "", .kind = AGLM_CELL_MISSING};
    return (aglm_cell){.text = t->data + c->cells[row].offset,
                       .len = c->cells[row].len,
                       .kind = (aglm_cell_kind)c->cells[row].kind};
}

size_t aglm_table_line(const aglm_table *t, size_t row)
{
    return t->lines[row + t->header_rows];
}

const aglm_read_report *aglm_table_report(const aglm_table *t)
{
    return &t->report;
}

static aglm_rc check_names(const aglm_table_builder *b)
{
    const aglm_table *t = b->t;

    for (size_t i = 0; i < t->n_cols; i++)
        for (size_t k = 0; k < i; k++)
            if (strcmp(t->cols[i].name, t->cols[k].name) == 0)
                return aglm_error_set(
                    b->err, AGLM_FORMAT,
                    "%s:%u: column %zu and column %zu are both named \"%s\"; rename one", b->name,
                    (unsigned)t->lines[0], k + 1, i + 1, t->cols[i].name);
    return AGLM_OK;
}

static aglm_rc name_columns(aglm_table_builder *b)
{
    aglm_table *t = b->t;

    for (size_t i = 0; i < t->n_cols; i++) {
        const char *name = NULL;
        if (t->header_rows && t->cols[i].n && t->cols[i].cells[0].len)
            name = t->data + t->cols[i].cells[0].offset;
        else
            name = aglm_arena_printf(&t->arena, "column %zu", i + 1);
        if (!name)
            return aglm_builder_nomem(b);
        t->cols[i].name = name;
    }
    return t->header_rows ? check_names(b) : AGLM_OK;
}

/* Readers of rows without keys leave names to the header, or to numbers. */
static aglm_rc finish_names(aglm_table_builder *b)
{
    aglm_table *t = b->t;
    const aglm_header wanted = b->opt.header;
    const char *why = "as told";

    if (t->n_cols == 0 || t->cols[0].name)
        return AGLM_OK;
    bool may = t->report.format == AGLM_FORMAT_CSV || t->report.format == AGLM_FORMAT_TSV;
    bool header = wanted == AGLM_HEADER_YES;
    if (may && wanted == AGLM_HEADER_AUTO) {
        aglm_rc rc = aglm_header_guess(t, &header, &why, b->err);
        if (rc)
            return rc;
    }
    t->header_rows = may && header && t->n_rows ? 1 : 0;
    t->report.has_header = t->header_rows;
    t->report.header_why = why;
    return name_columns(b);
}

static aglm_rc dispatch(aglm_table_builder *b)
{
    switch (b->t->report.format) {
    case AGLM_FORMAT_JSONL:
        return aglm_table_read_jsonl(b);
    case AGLM_FORMAT_JSON:
        return aglm_table_read_json(b);
    case AGLM_FORMAT_FASTTEXT:
        return aglm_table_read_fasttext(b);
    case AGLM_FORMAT_CONLL:
        return aglm_table_read_conll(b);
    case AGLM_FORMAT_LINES:
        return aglm_table_read_lines(b);
    default:
        return aglm_table_read_delimited(b);
    }
}

static aglm_rc check_text(aglm_table_builder *b)
{
    const char *nul = memchr(b->text, '\0', b->len);

    if (!nul)
        return AGLM_OK;
    size_t line = 1;
    const char *begin = b->text;
    for (const char *p = b->text; (p = memchr(p, '\n', (size_t)(nul - p))); begin = ++p)
        line++;
    return aglm_builder_fail(
        b, line, aglm_lines_column(begin, (size_t)(nul - begin)),
        "a NUL byte; this is no text file, or its --encoding is another than %s",
        aglm_encoding_name(b->t->report.encoding));
}

/* Takes the source's buffer over, or frees it. */
static aglm_rc read_source(aglm_table_builder *b, aglm_source *s)
{
    aglm_table *t = b->t;
    aglm_rc rc;

    b->text = s->data + s->begin;
    b->len = s->len;
    b->check_utf8 = !s->valid_utf8;
    b->max_cells = s->len * 2 + SPARE_CELLS;
    rc = check_text(b);
    if (rc)
        goto out;
    t->report.format = b->opt.format ? b->opt.format : aglm_format_sniff(b->name, b->text, b->len);
    b->in_place = t->report.format != AGLM_FORMAT_JSON && t->report.format != AGLM_FORMAT_JSONL;
    if (b->in_place) {
        t->data = s->data;
        s->data = NULL;
    }
    rc = dispatch(b);
    if (!rc)
        rc = finish_names(b);
out:
    free(s->data);
    return rc;
}

static aglm_rc builder_open(aglm_table_builder *b, const char *name,
                            const aglm_read_options *options, aglm_error *err)
{
    *b = (aglm_table_builder){.err = err};
    if (options)
        b->opt = *options;
    if (!b->opt.max_bytes || b->opt.max_bytes > MAX_BYTES)
        b->opt.max_bytes = MAX_BYTES;
    if (!b->opt.max_row_bytes)
        b->opt.max_row_bytes = DEFAULT_ROW_BYTES;
    if (b->opt.max_row_bytes >= AGLM_CELL_MAX)
        b->opt.max_row_bytes = AGLM_CELL_MAX - 1;
    b->t = aglm_calloc(1, sizeof *b->t);
    if (!b->t)
        return aglm_error_set(err, AGLM_NOMEM, "%s: out of memory", name);
    atomic_init(&b->t->refs, 1);
    aglm_arena_init(&b->t->arena, (size_t)64 << 20);
    b->t->report = (aglm_read_report){.encoding_why = "", .first_bad = "", .header_why = ""};
    b->name = b->t->report.name = aglm_arena_strdup(&b->t->arena, name);
    return b->name ? AGLM_OK : aglm_builder_nomem(b);
}

static aglm_rc builder_close(aglm_table_builder *b, aglm_rc rc, aglm_table **out)
{
    if (rc)
        aglm_table_free(b->t);
    else
        *out = b->t;
    return rc;
}

static bool is_folder(const char *path)
{
    struct stat st;

    return stat(path, &st) == 0 && S_ISDIR(st.st_mode);
}

aglm_rc aglm_table_read(aglm_table **out, const char *path, const aglm_read_options *options,
                        aglm_error *err)
{
    aglm_table_builder b;
    aglm_source s = {0};

    *out = NULL;
    aglm_rc rc = builder_open(&b, strcmp(path, "-") == 0 ? "stdin" : path, options, err);
    if (rc)
        return builder_close(&b, rc, out);
    if (is_folder(path)) {
        b.t->report.format = AGLM_FORMAT_FOLDER;
        b.max_cells = UINT32_MAX;
        return builder_close(&b, aglm_table_read_folder(&b, path), out);
    }
    if (b.opt.format == AGLM_FORMAT_FOLDER) {
        rc = aglm_error_set(err, AGLM_INVALID, "%s: not a folder", path);
        return builder_close(&b, rc, out);
    }
    rc = aglm_source_load(&s, path, &b.opt, &b.t->report, err);
    if (!rc)
        rc = read_source(&b, &s);
    return builder_close(&b, rc, out);
}

aglm_rc aglm_table_parse(aglm_table **out, const char *name, const char *data, size_t n,
                         const aglm_read_options *options, aglm_error *err)
{
    aglm_table_builder b;
    aglm_source s = {0};

    *out = NULL;
    aglm_rc rc = builder_open(&b, name, options, err);
    if (!rc)
        rc = aglm_source_copy(&s, data, n, &b.opt, &b.t->report, err);
    if (!rc)
        rc = read_source(&b, &s);
    return builder_close(&b, rc, out);
}
