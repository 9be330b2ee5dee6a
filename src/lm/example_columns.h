/* lm/example_columns.h - which column of a table of examples plays which part.
 * Threads: pure functions on an immutable table. */
#ifndef AGLM_LM_EXAMPLE_COLUMNS_H
#define AGLM_LM_EXAMPLE_COLUMNS_H

#include "base/str.h"
#include "data/table.h"

/* Columns by number, -1 where there is none. */
typedef struct aglm_example_columns {
    int messages;    /* conversations, as JSON: [{"role": ..., "content": ...}, ...] */
    int instruction; /* what is to be done with the input */
    int context;     /* a passage beside the input */
    int input;
    int output;
    int final; /* the bare answer, where the output holds its derivation too */
} aglm_example_columns;

/* By usual names, else the first and the last column. `input` and `output` (may be NULL) are the
 * user's: names or 1-based numbers. A line for each goes to `evidence`, with the flag that
 * overrides it. AGLM_INVALID when a named column is absent, or there is but one. */
aglm_rc aglm_example_columns_find(aglm_example_columns *out, const aglm_table *t, const char *input,
                                  const char *output, aglm_str *evidence, aglm_error *err);

/* The first column with one of n names, case apart; -1 when there is none. */
int aglm_example_column_named(const aglm_table *t, const char *const *names, size_t n);

#endif
