/* cli/reading.h - the options of AGLM_OPTIONS_READ as the data room wants them.
 * Threads: confined. */
#ifndef AGLM_CLI_READING_H
#define AGLM_CLI_READING_H

#include "cli/command.h"
#include "data/task.h"

aglm_rc aglm_reading_options(const aglm_args *a, aglm_read_options *read, aglm_task_options *task,
                             aglm_error *err);

#endif
