/* data/table_priv.h - how readers fill a table; not for other rooms.
 * Threads: a builder is confined to the reader that it was made for. */
#ifndef AGLM_DATA_TABLE_PRIV_H
#define AGLM_DATA_TABLE_PRIV_H

#include <stdatomic.h>

#include "base/arena.h"
#include "data/table.h"

#define AGLM_TABLE_MAX_COLS 1024
#define AGLM_CELL_MAX ((uint32_t)1 << 30)
#define AGLM_LIST_SEPARATOR '\x1f'

/* A cell's text is data[offset..offset + len). */
typedef struct aglm_packed_cell {
    uint32_t offset;
    uint32_t len : 30;
    uint32_t kind : 2;
} aglm_packed_cell;

typedef struct aglm_table_col {
    const char *name; /* NULL: none yet */
    aglm_packed_cell *cells;
    size_t n, cap; /* cells from n on are missing */
} aglm_table_col;

struct aglm_table {
    atomic_uint refs;
    char *data;
    size_t size, cap;
    aglm_table_col *cols;
    size_t n_cols, cap_cols;
    uint32_t *lines;
    size_t n_rows, cap_rows;
    size_t header_rows; /* 1 where the first row is the header, else 0 */
    aglm_arena arena;   /* names and messages */
    aglm_read_report report;
};

/* A table lives until its last reference is freed; datasets hold one instead of copying texts. */
aglm_table *aglm_table_ref(const aglm_table *t);

typedef struct aglm_table_builder {
    aglm_table *t;
    const char *name; /* for messages */
    char *text; /* UTF-8 to read, NUL behind len bytes; in t->data for readers that work in place */
    size_t len;
    bool in_place;
    bool check_utf8; /* text has invalid sequences: rows that hold one are bad */
    aglm_read_options opt;
    size_t max_cells;
    size_t cells;
    aglm_error *err;
} aglm_table_builder;

/* The column of that name, made when it is new. */
aglm_rc aglm_builder_col(aglm_table_builder *b, const char *name, size_t len, size_t *col);
/* Makes the table n columns wide, without names. */
aglm_rc aglm_builder_widen(aglm_table_builder *b, size_t n);
/* Copies text into the table (for readers that do not work in place). */
aglm_rc aglm_builder_text(aglm_table_builder *b, const char *s, size_t len, size_t *offset);
/* A cell of the row that is being read; its text stands at t->data + offset. */
aglm_rc aglm_builder_put(aglm_table_builder *b, size_t col, aglm_cell_kind kind, size_t offset,
                         size_t len);
aglm_rc aglm_builder_end_row(aglm_table_builder *b, size_t line);
/* Notes a bad row and answers AGLM_OK when such rows are skipped, else fails with AGLM_FORMAT
 * "NAME:LINE:COLUMN: ..." (no column when it is 0). */
aglm_rc aglm_builder_bad(aglm_table_builder *b, size_t line, size_t column, const char *fmt, ...)
    AGLM_PRINTF(4, 5);
/* Always fails. */
aglm_rc aglm_builder_fail(aglm_table_builder *b, size_t line, size_t column, const char *fmt, ...)
    AGLM_PRINTF(4, 5);
aglm_rc aglm_builder_nomem(aglm_table_builder *b);

/* Lines of a text: ends are LF, CR LF, or CR where there is no LF at all. */
typedef struct aglm_lines {
    char *at, *end;
    size_t number; /* of the line given last, from 1 */
    char eol;
} aglm_lines;

void aglm_lines_init(aglm_lines *l, char *text, size_t len);
/* The next line without its end, false after the last. A blank last line is none. */
bool aglm_lines_next(aglm_lines *l, char **line, size_t *len);
/* The same for rows: lines too long, or with invalid UTF-8, are noted as bad and left out. *line is
 * NULL at the end. The line gets a NUL behind it. */
aglm_rc aglm_lines_row(aglm_lines *l, aglm_table_builder *b, char **line, size_t *len);
/* Code points before s[at], plus 1. */
size_t aglm_lines_column(const char *s, size_t at);
bool aglm_line_blank(const char *s, size_t len);

/* Bytes of a file, stdin or .gz, in UTF-8 (not checked when they are taken for UTF-8). */
typedef struct aglm_source {
    char *data;        /* for free() */
    size_t begin, len; /* text is data + begin, NUL behind len bytes */
    bool valid_utf8;
} aglm_source;

aglm_rc aglm_source_load(aglm_source *s, const char *path, const aglm_read_options *opt,
                         aglm_read_report *report, aglm_error *err);
/* From bytes, which are copied. */
aglm_rc aglm_source_copy(aglm_source *s, const char *data, size_t n, const aglm_read_options *opt,
                         aglm_read_report *report, aglm_error *err);

/* What the text most likely is, by its name's ending and its first lines. */
aglm_format aglm_format_sniff(const char *name, char *text, size_t len);

/* What a pass over delimited text with this quote ('\0': none) finds. */
typedef struct aglm_delimited_scan {
    size_t rows;
    size_t fields;      /* of the first row */
    size_t even;        /* rows that have as many */
    bool consistent;    /* all have */
    bool malformed;     /* text behind a closing quote, or a quote never closed: ends the look */
    size_t quoted;      /* cells in quotes */
    size_t doubled;     /* of those, with a doubled quote inside */
    size_t spanning;    /* of those, over several lines */
    size_t bare_quotes; /* unquoted cells with a quote inside */
    size_t bare_words;  /* unquoted cells that are neither empty nor numbers */
} aglm_delimited_scan;
void aglm_delimited_look(const char *text, size_t len, char delimiter, char quote, size_t max_rows,
                         aglm_delimited_scan *out);
/* Of ',', TAB and ';', the one that splits the first rows most evenly; 0 when none splits most of
 * them. */
char aglm_delimiter_guess(const char *text, size_t len);

/* Does the first row name the columns? *why gets a constant sentence. */
aglm_rc aglm_header_guess(const aglm_table *t, bool *header, const char **why, aglm_error *err);

/* Readers, one a format. */
aglm_rc aglm_table_read_delimited(aglm_table_builder *b);
aglm_rc aglm_table_read_jsonl(aglm_table_builder *b);
aglm_rc aglm_table_read_json(aglm_table_builder *b);
aglm_rc aglm_table_read_fasttext(aglm_table_builder *b);
aglm_rc aglm_table_read_conll(aglm_table_builder *b);
aglm_rc aglm_table_read_lines(aglm_table_builder *b);
aglm_rc aglm_table_read_folder(aglm_table_builder *b, const char *path);

#endif
