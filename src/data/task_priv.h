/* data/task_priv.h - what the columns of a table look like; not for other rooms.
 * Threads: pure functions on an immutable table. */
#ifndef AGLM_DATA_TASK_PRIV_H
#define AGLM_DATA_TASK_PRIV_H

#include "data/task.h"

/* Of a sample of rows, spread evenly. */
typedef struct aglm_column_facts {
    size_t rows;     /* with a value */
    size_t distinct; /* values */
    size_t numbers;
    size_t lists;
    size_t missing; /* usual words for "no value", among rows */
    size_t blanks;  /* values with a blank inside */
    double mean_bytes;
} aglm_column_facts;
aglm_rc aglm_column_look(const aglm_table *t, size_t col, aglm_column_facts *out, aglm_error *err);
/* Do its values recur, as labels do? */
bool aglm_column_repeats(const aglm_column_facts *f);

/* How usual the name is: 2 for a column of labels (texts), 1 for one that may be, 0 otherwise. */
int aglm_column_label_name(const char *name);
int aglm_column_text_name(const char *name);
bool aglm_column_id_name(const char *name);

/* Are its values numbers, apart from those missing and one in a hundred? */
bool aglm_column_numeric(const aglm_column_facts *f);
/* Is it a table to learn from rather than texts: some column of numbers beside the label, and none
 * that holds texts? */
bool aglm_columns_are_table(const aglm_table *t, const aglm_column_facts *facts, int label_col);
/* Columns that can be learned from go to *g; the others are told with the reason. AGLM_INVALID when
 * there is none. */
aglm_rc aglm_features_choose(const aglm_table *t, const aglm_column_facts *facts,
                             aglm_task_guess *g, aglm_error *err);

/* Of all rows of a label column. */
typedef struct aglm_label_facts {
    size_t rows;     /* with a value */
    size_t distinct; /* cells */
    size_t numbers, fractions;
    size_t lists, long_lists; /* of those, with other than one element */
    size_t joined;            /* cells with the separator asked for */
    size_t joined_distinct;
    size_t parts;    /* different parts over all cells */
    bool part_alone; /* a part of a joined cell is a whole cell elsewhere */
    size_t tags;     /* cells that are sequences of B-, I- and O */
} aglm_label_facts;
aglm_rc aglm_labels_look(const aglm_table *t, size_t col, char separator, aglm_label_facts *out,
                         aglm_error *err);
/* Do joined cells look like several labels, rather than one whose name holds the separator? */
bool aglm_labels_recur(const aglm_label_facts *f);

/* s without white space at its ends. */
void aglm_text_trim(const char **s, size_t *len);

#endif
