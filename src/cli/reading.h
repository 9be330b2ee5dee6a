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
#define AGLM_READING_NAMES 4096
void aglm_reading_columns(const aglm_bundle *b, const aglm_table *t, aglm_task_options *task,
                          char names[AGLM_READING_NAMES]);

#endif
