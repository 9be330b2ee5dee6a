/* data/table.h - a file of rows and columns as text cells, whatever its format was.
 * Threads: immutable once read; may be shared. */
#ifndef AGLM_DATA_TABLE_H
#define AGLM_DATA_TABLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/clock.h"
#include "base/encoding.h"

typedef enum aglm_format {
    AGLM_FORMAT_AUTO,
    AGLM_FORMAT_CSV,      /* RFC 4180 */
    AGLM_FORMAT_TSV,      /* tab-separated, no quoting unless every row agrees with RFC 4180 */
    AGLM_FORMAT_JSONL,    /* one object a line */
    AGLM_FORMAT_JSON,     /* one array of objects */
    AGLM_FORMAT_FASTTEXT, /* __label__x __label__y text */
    AGLM_FORMAT_CONLL,    /* token TAB tag, blank line between sentences: recognised only */
    AGLM_FORMAT_LINES,    /* one text a line: for predict */
    AGLM_FORMAT_FOLDER    /* one folder a class, one file a text */
} aglm_format;

const char *aglm_format_name(aglm_format f);
bool aglm_format_from_name(const char *name, aglm_format *out);

typedef enum aglm_header { AGLM_HEADER_AUTO, AGLM_HEADER_YES, AGLM_HEADER_NO } aglm_header;

typedef struct aglm_read_options {
    aglm_format format;
    aglm_encoding encoding;
    aglm_header header;
    bool skip_bad_rows;   /* count them instead of failing at the first */
    size_t max_bytes;     /* of the decoded text; 0: 4 GiB */
    size_t max_row_bytes; /* 0: 16 MiB */
    const aglm_cancel *cancel;
} aglm_read_options;

typedef enum aglm_cell_kind {
    AGLM_CELL_MISSING, /* the row has no such member (JSON), or null */
    AGLM_CELL_TEXT,
    AGLM_CELL_NUMBER, /* a JSON number; text of it */
    AGLM_CELL_LIST    /* a JSON list of strings, joined by U+001F */
} aglm_cell_kind;

typedef struct aglm_cell {
    const char *text; /* UTF-8, NUL behind it; borrowed from the table */
    uint32_t len;
    aglm_cell_kind kind;
} aglm_cell;

typedef struct aglm_table aglm_table;

/* Reads a file, a folder, or stdin ("-"); a .gz file (by its magic) is unpacked on the way. options
 * may be NULL. AGLM_FORMAT: "FILE:LINE:COLUMN: what is wrong; the mend". NUL bytes are refused. */
aglm_rc aglm_table_read(aglm_table **out, const char *path, const aglm_read_options *options,
                        aglm_error *err);
/* The same from bytes already there; `name` stands in messages. */
aglm_rc aglm_table_parse(aglm_table **out, const char *name, const char *data, size_t n,
                         const aglm_read_options *options, aglm_error *err);
void aglm_table_free(aglm_table *t);

size_t aglm_table_rows(const aglm_table *t);
size_t aglm_table_cols(const aglm_table *t);
/* The header's name, or "column 1", ... where there is none; fastText and folders have "label" and
 * "text". */
const char *aglm_table_col_name(const aglm_table *t, size_t col);
/* By name, or by 1-based number; -1 when there is none. */
int aglm_table_find_col(const aglm_table *t, const char *name);
aglm_cell aglm_table_cell(const aglm_table *t, size_t row, size_t col);
/* First line of the row in the file, from 1. */
size_t aglm_table_line(const aglm_table *t, size_t row);

/* How it was read: for the log, the manifest and error messages. */
typedef struct aglm_read_report {
    const char *name;
    aglm_format format;
    aglm_encoding encoding;
    const char *encoding_why;
    bool has_header;
    const char *header_why;
    size_t bad_rows;
    const char *first_bad; /* message of the first bad row, "" when none */
    /* of the bytes as they came, before unpacking; folders: of names and contents in order */
    char sha256[65];
    uint64_t bytes;
} aglm_read_report;
const aglm_read_report *aglm_table_report(const aglm_table *t);

#endif
