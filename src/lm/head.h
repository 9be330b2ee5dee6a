/* lm/head.h - the learner "head": a small trained head over the hidden states of a frozen language
 * model.
 * Threads: as learn/learner.h says; opened learners, and predictors of models that were fitted (not
 * loaded), share one child process that reads texts one at a time. */
#ifndef AGLM_LM_HEAD_H
#define AGLM_LM_HEAD_H

#include "learn/learner.h"

/* Needs aglm_data_shape.language_model and aglm_fit_context.language_model; with
 * aglm_fit_context.hidden the states of a text are computed once for all that are given the same.
 */
extern const aglm_learner_ops aglm_learner_head;

#endif
