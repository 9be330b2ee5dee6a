/* job/output.h - what an objective prints: its value, its intermediate values, its last lines.
 * Threads: confined.
 *
 * Of standard output a line that is a number, or a JSON object with "value" (a number) or "values"
 * (an array), is the result; the last one counts. It may have "constraints", an array of numbers,
 * those above 0 being violated, and "scores", an array of the numbers (2 to 256, one a fold) that
 * "value" is the mean of. An object with "step" and "value" is an intermediate value.
 * Everything else is talk. */
#ifndef AGLM_JOB_OUTPUT_H
#define AGLM_JOB_OUTPUT_H

#include <stdbool.h>
#include <stdint.h>

#include "store/store.h"

#define AGLM_OUTPUT_TAIL 4096
#define AGLM_OUTPUT_MAX_SCORES 256

typedef enum aglm_output_kind {
    AGLM_OUTPUT_TALK,
    AGLM_OUTPUT_RESULT,
    AGLM_OUTPUT_STEP
} aglm_output_kind;

typedef struct aglm_output {
    double values[AGLM_STORE_MAX_OBJECTIVES];
    size_t n_values; /* 0: no result yet */
    double scores[AGLM_OUTPUT_MAX_SCORES];
    size_t n_scores;  /* of the result */
    double violation; /* sum of the constraints above 0; NaN: the result has none */
    int64_t step;     /* of the last AGLM_OUTPUT_STEP */
    double step_value;
    size_t tail_n;
    char tail[AGLM_OUTPUT_TAIL]; /* the last lines, each with its end, valid UTF-8 */
} aglm_output;

void aglm_output_init(aglm_output *o);
/* One line without its end. is_error: of standard error, which is only kept. */
aglm_output_kind aglm_output_line(aglm_output *o, const char *line, size_t n, bool is_error);

#endif
