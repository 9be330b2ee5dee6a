/* tune/report.h - the model card (Markdown) and the report (one self-contained HTML file) of a
 * finished run. Threads: pure functions. Texts of documents do not go in; labels do, escaped. */
#ifndef AGLM_TUNE_REPORT_H
#define AGLM_TUNE_REPORT_H

#include "search/importance.h"
#include "search/study.h"
#include "tune/run.h"
#include "tune/stage.h"

typedef struct aglm_report_source {
    const aglm_tune_result *result;
    const aglm_input *input;
    const aglm_stage_plan *stages;
    const aglm_space *space;
    const aglm_trial *trials;
    size_t n_trials;
    uint64_t seed;
} aglm_report_source;

/* Append to out; failures are out's sticky rc. No times go in, so that the same seed gives the same
 * bytes. */
void aglm_report_card(const aglm_report_source *s, aglm_str *out);
void aglm_report_html(const aglm_report_source *s, aglm_str *out);

/* "word_n=2 c=0.5" from a JSON object of parameters: without the learner and its prefix; cut to
 * size. NULL gives "". */
void aglm_report_params(const char *json, char *buf, size_t size);

/* "COMPLETE", ... as Optuna names them. */
const char *aglm_report_state(aglm_trial_state state);

#endif
