#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "base/memory.h"
#include "base/utf8.h"
#include "data/table_priv.h"

#define GUESS_ROWS 200

/* --- a first look, which changes nothing --- */

static bool is_row_end(const char *p, const char *end)
{
    return p == end || *p == '\n' || (*p == '\r' && p + 1 < end && p[1] == '\n');
}

/* Behind the closing quote of the cell whose opening quote is at p; NULL when it never closes. */
static const char *close_quote(const char *p, const char *end, char quote, bool *doubled,
                               bool *spans)
{
    const char *begin = p++;

    *doubled = false;
    for (;;) {
        p = memchr(p, quote, (size_t)(end - p));
        if (!p)
            return NULL;
        p++;
        if (p == end || *p != quote)
            break;
        *doubled = true;
        p++;
    }
    *spans = memchr(begin, '\n', (size_t)(p - begin)) != NULL;
    return p;
}

/* Looks at the cell at p and returns its end. */
static const char *look_at_cell(const char *p, const char *end, char delimiter, char quote,
                                aglm_delimited_scan *out)
{
    const char *begin = p;
    double number;
    bool doubled, spans;

    if (quote && p < end && *p == quote) {
        p = close_quote(p, end, quote, &doubled, &spans);
        out->malformed |= !p || !(is_row_end(p, end) || *p == delimiter);
        if (!p)
            return end;
        out->quoted++;
        out->doubled += doubled;
        out->spanning += spans;
        begin = NULL;
    }
    while (!is_row_end(p, end) && *p != delimiter)
        p++;
    if (begin && quote) {
        out->bare_quotes += memchr(begin, quote, (size_t)(p - begin)) != NULL;
        out->bare_words += p > begin && !aglm_double_parse(begin, (size_t)(p - begin), &number);
    }
    return p;
}

void aglm_delimited_look(const char *text, size_t len, char delimiter, char quote, size_t max_rows,
                         aglm_delimited_scan *out)
{
    const char *p = text;
    const char *end = text + len;

    *out = (aglm_delimited_scan){0};
    while (p < end && out->rows < max_rows && !out->malformed) {
        const char *row = p;
        size_t fields = 1;
        p = look_at_cell(p, end, delimiter, quote, out);
        for (; p < end && *p == delimiter; fields++)
            p = look_at_cell(p + 1, end, delimiter, quote, out);
        bool blank = p == row;
        if (p < end && *p == '\r')
            p++;
        if (p < end)
            p++;
        if (blank)
            continue;
        if (out->rows++ == 0)
            out->fields = fields;
        out->even += fields == out->fields;
    }
    out->consistent = out->even == out->rows;
}

char aglm_delimiter_guess(const char *text, size_t len)
{
    static const char choices[] = {',', '\t', ';'};
    aglm_delimited_scan s;
    char best = 0;
    double best_share = 0.8; /* of rows as wide as the first */

    for (size_t i = 0; i < sizeof choices; i++) {
        aglm_delimited_look(text, len, choices[i], '"', GUESS_ROWS, &s);
        double share = s.rows ? (double)s.even / (double)s.rows : 0;
        if (s.fields > 1 && share > best_share) {
            best = choices[i];
            best_share = share;
        }
    }
    return best;
}

/* Stray quotes are common in tab-separated texts, so that quoting must be plain before it is
 * believed: every quote stands in a well-formed cell, and there is a doubled one or all words are
 * quoted; or only quoting makes the rows even. */
static bool tsv_is_quoted(const char *text, size_t len)
{
    aglm_delimited_scan plain, quoted;

    if (*text != '"' && !memmem(text, len, "\t\"", 2) && !memmem(text, len, "\n\"", 2))
        return false;
    aglm_delimited_look(text, len, '\t', '"', SIZE_MAX, &quoted);
    if (quoted.malformed || !quoted.consistent || !quoted.quoted)
        return false;
    aglm_delimited_look(text, len, '\t', '\0', SIZE_MAX, &plain);
    if (!plain.consistent)
        return true;
    return !quoted.bare_quotes && !quoted.spanning && (quoted.doubled || !quoted.bare_words);
}

/* --- the reader, which writes cells over the text --- */

typedef struct span {
    const char *begin;
    size_t len;
} span;

typedef struct reader {
    aglm_table_builder *b;
    char *at, *end;
    char *row_begin, *line_begin; /* of the row, and of the line that `at` is in */
    char delimiter, quote, eol;
    size_t line, row_line;
    span *cells;
    size_t n, cap;
    aglm_rc rc; /* why the outcome is FATAL */
} reader;

/* What a cell or row came to. */
typedef enum outcome { CELL, ROW_END, BAD_ROW, FATAL } outcome;

static outcome settle(reader *r, aglm_rc rc, outcome otherwise)
{
    r->rc = rc;
    return rc ? FATAL : otherwise;
}

/* The rest of the line at `at` is left out. */
static void skip_line(reader *r)
{
    char *stop = memchr(r->at, r->eol, (size_t)(r->end - r->at));

    r->at = stop ? stop + 1 : r->end;
    r->line++;
    r->line_begin = r->at;
}

/* Steps over what ends a cell at p, writes the NUL at `stop`. */
static outcome end_cell(reader *r, char *p, char *stop)
{
    bool more = p < r->end && *p == r->delimiter;
    bool crlf = r->eol == '\n' && p < r->end && *p == '\r';

    r->at = p + (p < r->end) + crlf;
    *stop = '\0';
    return more ? CELL : ROW_END;
}

static aglm_rc add_cell(reader *r, const char *begin, size_t len)
{
    aglm_rc rc = aglm_grow(&r->cells, &r->cap, r->n + 1, sizeof *r->cells, AGLM_TABLE_MAX_COLS + 1);

    if (rc == AGLM_NOMEM)
        return aglm_builder_nomem(r->b);
    if (rc)
        return aglm_error_set(r->b->err, rc, "%s:%zu: over %d columns", r->b->name, r->row_line,
                              AGLM_TABLE_MAX_COLS);
    r->cells[r->n++] = (span){begin, len};
    return AGLM_OK;
}

static bool at_row_end(const reader *r, const char *p)
{
    if (p == r->end || *p == r->eol)
        return true;
    return r->eol == '\n' && *p == '\r' && p + 1 < r->end && p[1] == '\n';
}

static outcome read_plain(reader *r)
{
    char *begin = r->at;
    char *p = begin;

    while (*p != r->delimiter && !at_row_end(r, p))
        p++;
    outcome o = settle(r, add_cell(r, begin, (size_t)(p - begin)), CELL);
    return o == FATAL ? o : end_cell(r, p, p);
}

static outcome unclosed(reader *r, const char *opened, size_t line, const char *line_begin,
                        const char *why)
{
    size_t column = aglm_lines_column(line_begin, (size_t)(opened - line_begin));

    return settle(
        r,
        aglm_builder_fail(r->b, line, column,
                          "the quote that opens here %s; close it, or double quotes inside a cell",
                          why),
        FATAL);
}

/* Counts the lines of a stretch inside quotes. */
static void count_lines(reader *r, char *from, const char *to)
{
    while ((from = memchr(from, r->eol, (size_t)(to - from)))) {
        r->line++;
        r->line_begin = ++from;
    }
}

static outcome read_quoted(reader *r)
{
    char *opened = r->at;
    const char *opened_line = r->line_begin;
    const size_t opened_number = r->line;
    char *w = opened;
    char *p = opened + 1;

    for (;;) {
        char *q = memchr(p, r->quote, (size_t)(r->end - p));
        if (!q)
            return unclosed(r, opened, opened_number, opened_line, "is never closed");
        if ((size_t)(q - r->row_begin) > r->b->opt.max_row_bytes)
            return unclosed(r, opened, opened_number, opened_line,
                            "makes the row longer than the limit");
        count_lines(r, p, q);
        memmove(w, p, (size_t)(q - p));
        w += q - p;
        p = q + 1;
        if (p == r->end || *p != r->quote)
            break;
        *w++ = *p++;
    }
    r->at = p;
    outcome o = settle(r, add_cell(r, opened, (size_t)(w - opened)), CELL);
    if (o == FATAL)
        return o;
    if (*p == r->delimiter || at_row_end(r, p))
        return end_cell(r, p, w);
    size_t column = aglm_lines_column(r->line_begin, (size_t)(p - r->line_begin));
    return settle(r,
                  aglm_builder_bad(r->b, r->line, column,
                                   "text behind a closing quote; double quotes inside a cell"),
                  BAD_ROW);
}

static outcome read_row(reader *r)
{
    outcome o = CELL;

    r->n = 0;
    r->row_line = r->line;
    r->row_begin = r->line_begin = r->at;
    while (o == CELL)
        o = r->quote && *r->at == r->quote ? read_quoted(r) : read_plain(r);
    if (o == BAD_ROW)
        skip_line(r);
    if (o == ROW_END) {
        r->line++;
        r->line_begin = r->at;
    }
    return o;
}

/* A blank row is no good, a bad one is noted. */
static aglm_rc check_row(reader *r, bool *good)
{
    aglm_table_builder *b = r->b;
    const size_t bytes = (size_t)(r->at - r->row_begin);
    const size_t want = b->t->n_cols;

    *good = false;
    if (r->n == 1 && r->cells[0].len == 0)
        return AGLM_OK;
    if (bytes > b->opt.max_row_bytes)
        return aglm_builder_bad(b, r->row_line, 0, "a row of %zu bytes, over the limit of %zu",
                                bytes, b->opt.max_row_bytes);
    if (want && r->n != want)
        return aglm_builder_bad(
            b, r->row_line, 0,
            "%zu fields where the first row has %zu; quote a cell that holds the delimiter, or "
            "take --skip-bad-rows",
            r->n, want);
    for (size_t i = 0; b->check_utf8 && i < r->n; i++) {
        size_t bad = aglm_utf8_check(r->cells[i].begin, r->cells[i].len);
        if (bad < r->cells[i].len)
            return aglm_builder_bad(
                b, r->row_line,
                aglm_lines_column(r->row_begin, (size_t)(r->cells[i].begin + bad - r->row_begin)),
                "byte 0x%02x is not valid UTF-8; mend the text or name its encoding with --encoding",
                (unsigned char)r->cells[i].begin[bad]);
    }
    *good = true;
    return AGLM_OK;
}

static aglm_rc keep_row(reader *r)
{
    aglm_table_builder *b = r->b;
    aglm_rc rc = b->t->n_cols ? AGLM_OK : aglm_builder_widen(b, r->n);

    for (size_t i = 0; i < r->n && !rc; i++)
        rc = aglm_builder_put(b, i, AGLM_CELL_TEXT, (size_t)(r->cells[i].begin - b->t->data),
                              r->cells[i].len);
    return rc ? rc : aglm_builder_end_row(b, r->row_line);
}

static void choose_dialect(reader *r)
{
    aglm_table_builder *b = r->b;

    r->delimiter = '\t';
    r->quote = '"';
    if (b->t->report.format == AGLM_FORMAT_TSV) {
        if (!tsv_is_quoted(b->text, b->len))
            r->quote = '\0';
        return;
    }
    r->delimiter = aglm_delimiter_guess(b->text, b->len);
    if (!r->delimiter)
        r->delimiter = ',';
}

aglm_rc aglm_table_read_delimited(aglm_table_builder *b)
{
    aglm_lines lines;
    aglm_rc rc = AGLM_OK;
    bool good;

    aglm_lines_init(&lines, b->text, b->len);
    reader r = {.b = b, .at = b->text, .end = b->text + b->len, .line = 1, .eol = lines.eol};
    choose_dialect(&r);
    while (!rc && r.at < r.end) {
        outcome o = read_row(&r);
        if (o == FATAL)
            rc = r.rc;
        if (o != ROW_END)
            continue;
        rc = check_row(&r, &good);
        if (!rc && good)
            rc = keep_row(&r);
    }
    free(r.cells);
    return rc;
}
