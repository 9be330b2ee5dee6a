#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/memory.h"
#include "base/utf8.h"
#include "data/table_priv.h"

aglm_rc aglm_builder_nomem(aglm_table_builder *b)
{
    return aglm_error_set(b->err, AGLM_NOMEM, "%s: out of memory after %zu rows", b->name,
                          b->t->n_rows);
}

static size_t find_col(const aglm_table *t, const char *name, size_t len)
{
    for (size_t i = 0; i < t->n_cols; i++)
        if (strncmp(t->cols[i].name, name, len) == 0 && !t->cols[i].name[len])
            return i;
    return t->n_cols;
}

aglm_rc aglm_builder_widen(aglm_table_builder *b, size_t n)
{
    aglm_table *t = b->t;

    if (n > AGLM_TABLE_MAX_COLS)
        return aglm_error_set(b->err, AGLM_LIMIT, "%s: %zu columns, at most %d can be read",
                              b->name, n, AGLM_TABLE_MAX_COLS);
    size_t old = t->n_cols;
    if (aglm_grow(&t->cols, &t->cap_cols, n, sizeof *t->cols, AGLM_TABLE_MAX_COLS))
        return aglm_builder_nomem(b);
    for (; old < n; old++)
        t->cols[old] = (aglm_table_col){0};
    if (n > t->n_cols)
        t->n_cols = n;
    return AGLM_OK;
}

aglm_rc aglm_builder_col(aglm_table_builder *b, const char *name, size_t len, size_t *col)
{
    aglm_table *t = b->t;

    *col = find_col(t, name, len);
    if (*col < t->n_cols)
        return AGLM_OK;
    const char *copy = aglm_arena_strndup(&t->arena, name, len);
    if (!copy)
        return aglm_builder_nomem(b);
    aglm_rc rc = aglm_builder_widen(b, *col + 1);
    if (!rc)
        t->cols[*col].name = copy;
    return rc;
}

aglm_rc aglm_builder_text(aglm_table_builder *b, const char *s, size_t len, size_t *offset)
{
    aglm_table *t = b->t;
    const size_t max = b->opt.max_bytes;

    if (len >= AGLM_CELL_MAX || len + 1 > max - t->size)
        return aglm_error_set(b->err, AGLM_LIMIT, "%s: over %zu bytes of text", b->name, max);
    if (aglm_grow(&t->data, &t->cap, t->size + len + 1, 1, max))
        return aglm_builder_nomem(b);
    memcpy(t->data + t->size, s, len);
    t->data[t->size + len] = '\0';
    *offset = t->size;
    t->size += len + 1;
    return AGLM_OK;
}

aglm_rc aglm_builder_put(aglm_table_builder *b, size_t col, aglm_cell_kind kind, size_t offset,
                         size_t len)
{
    aglm_table_col *c = &b->t->cols[col];
    const size_t row = b->t->n_rows;
    const size_t added = row + 1 - (c->n < row + 1 ? c->n : row + 1);

    if (len >= AGLM_CELL_MAX)
        return aglm_error_set(b->err, AGLM_LIMIT, "%s: a cell of %zu bytes", b->name, len);
    if (added > b->max_cells - b->cells)
        return aglm_error_set(
            b->err, AGLM_LIMIT,
            "%s: too many different columns for its size (%zu after %zu rows); are keys "
            "perhaps data?",
            b->name, b->t->n_cols, row);
    if (aglm_grow(&c->cells, &c->cap, row + 1, sizeof *c->cells, b->max_cells))
        return aglm_builder_nomem(b);
    for (size_t i = c->n; i < row; i++)
        c->cells[i] = (aglm_packed_cell){.kind = AGLM_CELL_MISSING};
    c->cells[row] = (aglm_packed_cell){
        .offset = (uint32_t)offset, .len = (uint32_t)len & (AGLM_CELL_MAX - 1), .kind = kind};
    c->n = row + 1;
    b->cells += added;
    return AGLM_OK;
}

aglm_rc aglm_builder_end_row(aglm_table_builder *b, size_t line)
{
    aglm_table *t = b->t;

    if (aglm_grow(&t->lines, &t->cap_rows, t->n_rows + 1, sizeof *t->lines, UINT32_MAX))
        return aglm_builder_nomem(b);
    t->lines[t->n_rows++] = (uint32_t)line;
    if (t->n_rows % 1024 == 0 && aglm_cancelled(b->opt.cancel))
        return aglm_error_set(b->err, AGLM_CANCELLED, "%s: stopped after %zu rows", b->name,
                              t->n_rows);
    return AGLM_OK;
}

static void say(const aglm_table_builder *b, aglm_error *err, size_t line, size_t column,
                const char *fmt, va_list ap) AGLM_PRINTF(5, 0);

static void say(const aglm_table_builder *b, aglm_error *err, size_t line, size_t column,
                const char *fmt, va_list ap)
{
    char what[AGLM_ERROR_MAX];

    vsnprintf(what, sizeof what, fmt, ap);
    if (column)
        aglm_error_set(err, AGLM_FORMAT, "%s:%zu:%zu: %s", b->name, line, column, what);
    else
        aglm_error_set(err, AGLM_FORMAT, "%s:%zu: %s", b->name, line, what);
}

aglm_rc aglm_builder_bad(aglm_table_builder *b, size_t line, size_t column, const char *fmt, ...)
{
    aglm_read_report *r = &b->t->report;
    aglm_error err = {0};
    va_list ap;

    va_start(ap, fmt);
    say(b, &err, line, column, fmt, ap);
    va_end(ap);
    if (!b->opt.skip_bad_rows)
        return aglm_error_set(b->err, AGLM_FORMAT, "%s", err.msg);
    if (r->bad_rows++ == 0) {
        r->first_bad = aglm_arena_strdup(&b->t->arena, err.msg);
        if (!r->first_bad)
            return aglm_builder_nomem(b);
    }
    return AGLM_OK;
}

aglm_rc aglm_builder_fail(aglm_table_builder *b, size_t line, size_t column, const char *fmt, ...)
{
    aglm_error err = {0};
    va_list ap;

    va_start(ap, fmt);
    say(b, &err, line, column, fmt, ap);
    va_end(ap);
    return aglm_error_set(b->err, AGLM_FORMAT, "%s", err.msg);
}

void aglm_lines_init(aglm_lines *l, char *text, size_t len)
{
    *l = (aglm_lines){.at = text, .end = text + len, .eol = '\n'};
    if (len && !memchr(text, '\n', len) && memchr(text, '\r', len))
        l->eol = '\r';
}

bool aglm_lines_next(aglm_lines *l, char **line, size_t *len)
{
    if (l->at == l->end)
        return false;
    char *stop = memchr(l->at, l->eol, (size_t)(l->end - l->at));
    char *next = stop ? stop + 1 : l->end;
    if (!stop)
        stop = l->end;
    *line = l->at;
    *len = (size_t)(stop - l->at);
    if (l->eol == '\n' && *len && stop[-1] == '\r')
        --*len;
    l->at = next;
    l->number++;
    return true;
}

size_t aglm_lines_column(const char *s, size_t at)
{
    size_t column = 1;

    for (size_t i = 0; i < at; i++)
        column += ((unsigned char)s[i] & 0xC0) != 0x80;
    return column;
}

static aglm_rc check_row(const aglm_lines *l, aglm_table_builder *b, const char *line, size_t len,
                         bool *good)
{
    size_t bad = b->check_utf8 && len <= b->opt.max_row_bytes ? aglm_utf8_check(line, len) : len;

    *good = false;
    if (len > b->opt.max_row_bytes)
        return aglm_builder_bad(b, l->number, 0, "a line of %zu bytes, over the limit of %zu", len,
                                b->opt.max_row_bytes);
    if (bad < len)
        return aglm_builder_bad(
            b, l->number, aglm_lines_column(line, bad),
            "byte 0x%02x is not valid UTF-8; mend the text or name its encoding with --encoding",
            (unsigned char)line[bad]);
    *good = true;
    return AGLM_OK;
}

aglm_rc aglm_lines_row(aglm_lines *l, aglm_table_builder *b, char **line, size_t *len)
{
    bool good = false;

    while (!good) {
        if (!aglm_lines_next(l, line, len)) {
            *line = NULL;
            return AGLM_OK;
        }
        aglm_rc rc = check_row(l, b, *line, *len, &good);
        if (rc)
            return rc;
    }
    (*line)[*len] = '\0';
    return AGLM_OK;
}

bool aglm_line_blank(const char *s, size_t len)
{
    for (size_t i = 0; i < len; i++)
        if (s[i] != ' ' && s[i] != '\t' && s[i] != '\r' && s[i] != '\n')
            return false;
    return true;
}
