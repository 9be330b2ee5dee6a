/* documents.h - labelled documents out of a string, for tests of rooms that want a dataset.
 * Threads: as aglm_dataset. */
#ifndef AGLM_TESTS_DOCUMENTS_H
#define AGLM_TESTS_DOCUMENTS_H

#include "data/dataset.h"
#include "unit.h"

/* rows: "label TAB text" lines without a header; multi-label cells are joined by '|'. labels (NULL:
 * from the rows) fixes the names. Fails the test when the data room refuses. */
static inline aglm_dataset *documents_new(const char *rows, aglm_task task,
                                          const char *const *labels, size_t n_labels)
{
    aglm_read_options read = {.format = AGLM_FORMAT_TSV, .header = AGLM_HEADER_NO};
    aglm_task_options columns = {.label = "1", .text = "2", .task = task};
    aglm_dataset_options options = {.labels = labels, .n_labels = n_labels};
    aglm_task_guess guess;
    aglm_table *table = NULL;
    aglm_dataset *d = NULL;
    aglm_error err = {0};

    if (aglm_table_parse(&table, "documents", rows, strlen(rows), &read, &err) != AGLM_OK)
        fail_msg("table: %s", err.msg);
    if (aglm_task_detect(&guess, table, &columns, &err) != AGLM_OK)
        fail_msg("task: %s", err.msg);
    if (aglm_dataset_from_table(&d, table, &guess, &options, &err) != AGLM_OK)
        fail_msg("dataset: %s", err.msg);
    aglm_str_clear(&guess.evidence);
    aglm_table_free(table);
    return d;
}

#endif
