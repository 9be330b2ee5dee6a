/* learn/calibration.h - logits to probabilities, by one temperature learned on documents the model
 * has not seen.
 * Threads: pure functions; a calibration is a value. */
#ifndef AGLM_LEARN_CALIBRATION_H
#define AGLM_LEARN_CALIBRATION_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "data/dataset.h"

/* Single-label: softmax(scale * z) (Guo et al. 2017, scale = 1 / temperature). Multi-label:
 * sigmoid(scale * z + shift) a label (Platt 1999, shared by the labels). */
typedef struct aglm_calibration {
    double scale;
    double shift;
} aglm_calibration;

/* Minimises log-loss by Newton steps with a fallback to bisection; logits [n x labels] belong to
 * rows of d. Stays at {1, 0} where the data does not bound it, and for regression. */
aglm_rc aglm_calibration_fit(aglm_calibration *out, const aglm_dataset *d, const uint32_t *rows,
                             size_t n, const float *logits, aglm_error *err);
/* One document: probabilities [labels] from logits; in place is fine. Regression: the logit is the
 * answer as it is. */
void aglm_calibration_apply(const aglm_calibration *c, aglm_task task, const float *logits,
                            size_t labels, float *probs);

#endif
