/* lm/prompted.h - the learner that asks a language model: what it learns is the prompt.
 * Threads: as learn/learner.h says; an opened learner and a predictor each have the model open in a
 * child process. */
#ifndef AGLM_LM_PROMPTED_H
#define AGLM_LM_PROMPTED_H

#include "learn/learner.h"

/* Needs aglm_data_shape.language_model and aglm_fit_context.language_model. */
extern const aglm_learner_ops aglm_learner_prompted;

#endif
