/* data/task.h - which column is what, and which task the data asks for, with the evidence.
 * Threads: pure functions on an immutable table. */
#ifndef AGLM_DATA_TASK_H
#define AGLM_DATA_TASK_H

#include "base/str.h"
#include "data/table.h"

typedef enum aglm_task {
    AGLM_TASK_AUTO,
    AGLM_TASK_BINARY,
    AGLM_TASK_MULTICLASS,
    AGLM_TASK_MULTILABEL,
    AGLM_TASK_REGRESSION, /* of tables; of texts recognised, not yet supported */
    AGLM_TASK_TAGGING,    /* recognised, not yet supported */
    AGLM_TASK_GENERATION  /* recognised, not yet supported */
} aglm_task;

const char *aglm_task_name(aglm_task t);
bool aglm_task_from_name(const char *name, aglm_task *out);

typedef struct aglm_task_options {
    const char *label; /* column by name or 1-based number; NULL: guess */
    /* the same; several joined by a comma are put together with a blank line between */
    const char *text;
    /* columns of a table to learn from, joined by a comma: no texts are looked for */
    const char *features;
    aglm_task task;
    bool unlabelled; /* for predict: only the texts are looked for; label_col may be -1, the task is
                        AUTO */
    bool known;      /* the task is certain, as for a second file: one class or few rows are fine */
} aglm_task_options;

#define AGLM_TASK_MAX_TEXT_COLS 8
#define AGLM_TASK_MAX_FEATURES 1024

typedef struct aglm_task_guess {
    aglm_task task;
    int label_col;
    int text_cols[AGLM_TASK_MAX_TEXT_COLS];
    size_t n_text_cols;
    bool tabular; /* a table of numbers and categories: features[] instead of texts */
    int features[AGLM_TASK_MAX_FEATURES];
    size_t n_features;
    char label_separator; /* multi-label cells: '|' or ',' ...; '\x1f' for lists; 0 otherwise */
    /* one finding a line, each with the flag that overrides it; clear with aglm_str_clear */
    aglm_str evidence;
} aglm_task_guess;

/* Fills *out (also on AGLM_UNSUPPORTED, so that the evidence can be shown). AGLM_INVALID when
 * columns are ambiguous or absent: the message names the candidates and the flag. AGLM_UNSUPPORTED
 * for tasks not built yet. */
aglm_rc aglm_task_detect(aglm_task_guess *out, const aglm_table *t,
                         const aglm_task_options *options, aglm_error *err);

#endif
