/* cli/reading.h - the options of AGLM_OPTIONS_READ as the data room wants them.
 * Threads: confined. */
#ifndef AGLM_CLI_READING_H
#define AGLM_CLI_READING_H

#include "cli/command.h"
#include "data/task.h"
#include "tune/bundle.h"

aglm_rc aglm_reading_options(const aglm_args *a, aglm_read_options *read, aglm_task_options *task,
                             aglm_error *err);

/* Columns by the names of the file the bundle learned from, where the options do not say and the
 * table has them. names holds the texts' names while task is used. */
#define AGLM_READING_NAMES 65536
void aglm_reading_columns(const aglm_bundle *b, const aglm_table *t, aglm_task_options *task,
                          char names[AGLM_READING_NAMES]);

/* Did the bundle learn from a table, and from which columns? "" past the last. */
bool aglm_reading_is_table(const aglm_bundle *b);
/* A table's file has names in its first row where the one learned from had them, unless the options
 * say otherwise: a row or two are too few to tell. */
void aglm_reading_header(const aglm_bundle *b, aglm_read_options *read);
const char *aglm_reading_feature(const aglm_bundle *b, size_t i);

#endif
