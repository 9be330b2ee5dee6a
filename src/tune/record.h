/* tune/record.h - what a bundle's manifest and files tell of the run that made it.
 * Threads: pure functions. */
#ifndef AGLM_TUNE_RECORD_H
#define AGLM_TUNE_RECORD_H

#include "base/json.h"
#include "data/table.h"
#include "eval/score.h"
#include "search/study.h"

/* Members of the object that is open in w. */
void aglm_record_source(aglm_json_writer *w, const char *key, const aglm_table *t);
void aglm_record_interval(aglm_json_writer *w, const char *key, aglm_interval i);
void aglm_record_environment(aglm_json_writer *w, unsigned threads);
void aglm_record_command(aglm_json_writer *w, const char *const *argv, size_t n);

typedef struct aglm_recorded_study {
    const char *name, *metric;
    bool maximize;
    const aglm_space *space;
    const aglm_trial *trials; /* [n_trials] */
    size_t n_trials;
} aglm_recorded_study;

/* study.json */
aglm_rc aglm_record_study(const aglm_recorded_study *r, aglm_str *out);

#endif
