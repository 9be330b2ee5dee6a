/* cli/study_csv.h - trials from a CSV: of `study export --format csv`, of Optuna's
 * trials_dataframe().to_csv(), or of a spreadsheet with a column a parameter.
 * Threads: pure functions. */
#ifndef AGLM_CLI_STUDY_CSV_H
#define AGLM_CLI_STUDY_CSV_H

#include "search/space.h"
#include "store/store.h"

/* A column of that name is not taken for a parameter's; "params_NAME" always is. */
bool aglm_study_csv_reserved(const char *name);

/* Fills the trials, in the arena, of a study whose directions are set. Parameters have the space's
 * distributions (may be NULL), else ints or floats between the column's least and greatest value,
 * or a choice of its texts. AGLM_FORMAT: "FILE:LINE: column "NAME": what is wrong; the mend". */
aglm_rc aglm_study_csv_read(aglm_study_whole *out, const char *path, const aglm_space *space,
                            aglm_arena *a, aglm_error *err);

#endif
