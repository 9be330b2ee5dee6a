/* cli/texts.h - tune, predict and eval where answers are texts.
 * Threads: as commands. */
#ifndef AGLM_CLI_TEXTS_H
#define AGLM_CLI_TEXTS_H

#include "cli/command.h"
#include "tune/run.h"

/* A language model is given, and --task or the examples say that answers are texts. */
bool aglm_texts_wanted(const aglm_args *a, const aglm_tune_options *o);
/* These return the program's exit code. */
int aglm_texts_tune(const aglm_args *a, const aglm_tune_options *o);
int aglm_texts_predict(const aglm_args *a, const aglm_bundle *b);
int aglm_texts_eval(const aglm_args *a, const aglm_bundle *b);

#endif
