/* lm/example_task.h - which task examples set whose answers are texts, with the evidence.
 * Threads: pure functions on an immutable table. */
#ifndef AGLM_LM_EXAMPLE_TASK_H
#define AGLM_LM_EXAMPLE_TASK_H

#include "data/table.h"
#include "lm/example_columns.h"
#include "lm/prompt_task.h"

typedef struct aglm_example_guess {
    aglm_prompt_task task;
    double confidence; /* as aglm_prompt_task_guess */
    double score[AGLM_PROMPT_TASKS];
    aglm_example_columns columns;
    /* The answer of a derivation stands behind this at its end: "####"; NULL for none. */
    const char *answer_mark;
    aglm_str evidence; /* one finding a line; clear with aglm_str_clear */
} aglm_example_guess;

/* Looks at names of columns, at up to 200 rows spread evenly, and at the prompts in them. Fills
 * *out also when it fails. `input` and `output`: as aglm_example_columns_find. AGLM_INVALID for
 * columns, AGLM_FORMAT for no rows, AGLM_NOMEM. */
aglm_rc aglm_example_task_detect(aglm_example_guess *out, const aglm_table *t, const char *input,
                                 const char *output, aglm_error *err);

#endif
