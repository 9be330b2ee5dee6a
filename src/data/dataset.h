/* data/dataset.h - labelled documents, or rows of a table, ready for learners.
 * Threads: immutable once built; may be shared. */
#ifndef AGLM_DATA_DATASET_H
#define AGLM_DATA_DATASET_H

#include "data/schema.h"
#include "data/task.h"

typedef struct aglm_dataset aglm_dataset;

typedef struct aglm_doc {
    const char *text; /* UTF-8, NUL behind it */
    uint32_t len;
    uint32_t n_labels;
    const uint32_t *labels; /* ascending numbers; exactly one unless multi-label or regression */
} aglm_doc;

/* Label numbers follow the byte order of their names, so they do not depend on the order of rows.
 * `labels` (NULL: from the data) fixes the names and their order, for a second file: an unknown
 * label is AGLM_INVALID with its line, or is kept out and counted when skip_bad_rows is set. Needs
 * two rows and two labels unless `labels` is given. Rows with an empty label (single-label tasks)
 * or a missing text: AGLM_FORMAT with the line. */
typedef struct aglm_dataset_options {
    const char *const *labels;
    size_t n_labels;
    bool skip_bad_rows;
    bool unlabelled; /* for predict: only texts, n_labels of every document is 0 */
    /* of the first file, where the second one's rows are learned from too */
    const aglm_schema *schema;
} aglm_dataset_options;
/* A row of a table (task->tabular) is a document, too: its text is its cells, as data/schema.h
 * joins them, and beside it stand the row's numbers, by the schema of the first file (with `labels`
 * and no schema, or unlabelled: texts alone). Regression: a number a row, and one label, the
 * column's name; AGLM_FORMAT where a row has none. */
aglm_rc aglm_dataset_from_table(aglm_dataset **out, const aglm_table *t,
                                const aglm_task_guess *task, const aglm_dataset_options *options,
                                aglm_error *err);
/* The documents of both, in order; they must have the same label names. Texts are copied. */
aglm_rc aglm_dataset_concat(aglm_dataset **out, const aglm_dataset *a, const aglm_dataset *b,
                            aglm_error *err);
/* The documents `rows` of d, in that order, with all its labels; borrows the texts of d, which must
 * outlive it. */
aglm_rc aglm_dataset_select(aglm_dataset **out, const aglm_dataset *d, const uint32_t *rows,
                            size_t n, aglm_error *err);
void aglm_dataset_free(aglm_dataset *d);

/* NULL where documents have no numbers. */
const aglm_schema *aglm_dataset_schema(const aglm_dataset *d);
/* Numbers [aglm_schema_size] of document i; only with a schema. */
const float *aglm_dataset_row(const aglm_dataset *d, size_t i);
/* What is to be predicted of document i; only of a regression. */
double aglm_dataset_target(const aglm_dataset *d, size_t i);

size_t aglm_dataset_size(const aglm_dataset *d);
aglm_doc aglm_dataset_doc(const aglm_dataset *d, size_t i);
size_t aglm_dataset_n_labels(const aglm_dataset *d);
const char *aglm_dataset_label(const aglm_dataset *d, size_t label);
/* A number that documents share which say the same: texts that differ in case, blanks and marks
 * only; rows whose cells are the same. */
uint64_t aglm_dataset_key(const aglm_dataset *d, size_t i);
aglm_task aglm_dataset_task(const aglm_dataset *d);
size_t aglm_dataset_skipped(const aglm_dataset *d);
/* Line of document i in its file. */
size_t aglm_dataset_line(const aglm_dataset *d, size_t i);

#endif
