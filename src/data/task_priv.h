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
    double mean_bytes;
} aglm_column_facts;
aglm_rc aglm_column_look(const aglm_table *t, size_t col, aglm_column_facts *out, aglm_error *err);
/* Do its values recur, as labels do? */
bool aglm_column_repeats(const aglm_column_facts *f);

/* How usual the name is: 2 for a column of labels (texts), 1 for one that may be, 0 otherwise. */
int aglm_column_label_name(const char *name);
int aglm_column_text_name(const char *name);
bool aglm_column_id_name(const char *name);

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
