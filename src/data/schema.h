/* data/schema.h - the columns of a table as a model sees them: numbers, and categories with their
 * names.
 * Threads: immutable once made, with a count of references; may be shared. */
#ifndef AGLM_DATA_SCHEMA_H
#define AGLM_DATA_SCHEMA_H

#include "base/str.h"
#include "data/table.h"

#define AGLM_SCHEMA_MAX_COLUMNS 1024
/* Of one column; those met later count as missing. */
#define AGLM_SCHEMA_MAX_CATEGORIES 4096

/* A row of a table as one text: its cells in the order of columns, this between them. Where a text
 * has none, TAB separates its cells. */
#define AGLM_ROW_SEPARATOR '\x1f'

typedef struct aglm_schema aglm_schema;

/* Of columns cols[0..n) of t: numbers where at most one value in a hundred is none, else
 * categories, numbered by the byte order of their names. AGLM_INVALID: more than
 * AGLM_SCHEMA_MAX_COLUMNS columns. */
aglm_rc aglm_schema_from_table(aglm_schema **out, const aglm_table *t, const int *cols, size_t n,
                               aglm_error *err);
aglm_schema *aglm_schema_ref(const aglm_schema *s);
void aglm_schema_unref(aglm_schema *s); /* NULL is fine */

size_t aglm_schema_size(const aglm_schema *s);
const char *aglm_schema_name(const aglm_schema *s, size_t col);
/* 0: a column of numbers. */
size_t aglm_schema_categories(const aglm_schema *s, size_t col);
const char *aglm_schema_category(const aglm_schema *s, size_t col, size_t code);

/* One line a kind of column, for a person. */
void aglm_schema_tell(const aglm_schema *s, aglm_str *out);

/* The row's numbers [size]: category codes as they are, NaN for what is missing, unknown or no
 * number; beyond what a float holds, the largest float. Returns how many cells the text has; the
 * row is good when that is aglm_schema_size. */
size_t aglm_schema_encode(const aglm_schema *s, const char *row, size_t len, float *out);

/* As JSON, for the model file; parse refuses what write would not make (AGLM_FORMAT). */
aglm_rc aglm_schema_write(const aglm_schema *s, aglm_str *out);
aglm_rc aglm_schema_parse(aglm_schema **out, const char *text, size_t n, aglm_error *err);

/* The next cell of a row's text: *at and *len move over it and what separates it from the next;
 * false past the last. `separator` is aglm_row_separator's. */
char aglm_row_separator(const char *row, size_t len);
bool aglm_row_next(const char **rest, const char *end, char separator, const char **cell,
                   size_t *len);

/* Is it an empty cell, or a usual word for one ("NA", "null", "?", ...)? */
bool aglm_cell_missing(const char *s, size_t len);
/* Do so many numbers and other values make a column of numbers? */
bool aglm_numbers_prevail(size_t numbers, size_t others);

#endif
