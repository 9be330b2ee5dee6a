/* tune/input.h - the labelled files of a tuning run, read, understood and put together.
 * Threads: confined while made, immutable after. */
#ifndef AGLM_TUNE_INPUT_H
#define AGLM_TUNE_INPUT_H

#include "data/dataset.h"
#include "data/profile.h"

typedef struct aglm_input_options {
    const char *file;
    const char *valid; /* NULL: none */
    aglm_read_options read;
    aglm_task_options task;
} aglm_input_options;

typedef struct aglm_input {
    aglm_table *table;
    aglm_table *valid_table;
    aglm_task_guess guess;
    aglm_dataset *data; /* file and valid together */
    size_t n_valid;     /* the last documents of data */
    aglm_profile profile;
} aglm_input;

/* *out is zeroed first; clear it in any case. guess.evidence is filled as far as detection came. */
aglm_rc aglm_input_open(aglm_input *out, const aglm_input_options *options, aglm_error *err);
void aglm_input_clear(aglm_input *in);

#endif
