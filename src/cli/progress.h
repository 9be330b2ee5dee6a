/* cli/progress.h - a tuning run as a person or a program follows it: a live table on a terminal, a
 * plain line now and then elsewhere, or one JSON object an event. Threads: events may come from any
 * thread, one at a time; it has a ticker thread of its own for the clock. */
#ifndef AGLM_CLI_PROGRESS_H
#define AGLM_CLI_PROGRESS_H

#include "tune/run.h"

typedef enum aglm_progress_mode {
    AGLM_PROGRESS_PERSON,     /* on standard error */
    AGLM_PROGRESS_JSON_LINES, /* on standard output */
    AGLM_PROGRESS_SILENT
} aglm_progress_mode;

typedef struct aglm_progress aglm_progress;

/* budget_s 0: none; trials 0: no limit. NULL when out of memory. */
aglm_progress *aglm_progress_new(aglm_progress_mode mode, double budget_s, int64_t trials,
                                 bool verbose);
void aglm_progress_event(void *progress, const aglm_tune_event *event);
/* Wipes the live part and ends the ticker. NULL is fine. */
void aglm_progress_free(aglm_progress *p);

#endif
