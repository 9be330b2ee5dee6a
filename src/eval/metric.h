/* eval/metric.h - the names and directions of what a study can optimise.
 * Threads: pure functions. */
#ifndef AGLM_EVAL_METRIC_H
#define AGLM_EVAL_METRIC_H

#include <stdbool.h>

#include "data/task.h"

typedef enum aglm_metric {
    AGLM_METRIC_ACCURACY, /* multi-label: share of documents whose whole label set is right */
    AGLM_METRIC_MACRO_F1,
    AGLM_METRIC_MICRO_F1,
    AGLM_METRIC_WEIGHTED_F1,
    AGLM_METRIC_LOG_LOSS, /* nats a document; multi-label: a decision */
    AGLM_METRIC_AUC,      /* two labels: of the second; more: mean one-vs-rest */
    AGLM_METRIC_ECE,      /* expected calibration error, 15 bins of equal width */
    AGLM_METRIC_RMSE,     /* regression, as the next two: root of the mean squared error */
    AGLM_METRIC_MAE,      /* mean absolute error */
    AGLM_METRIC_R2,       /* 1 - squared error / squared distance from the mean */
    AGLM_METRICS
} aglm_metric;

const char *aglm_metric_name(aglm_metric m);
/* Takes "accuracy", "macro_f1" or "macro-f1", ...; false when it is none. */
bool aglm_metric_from_name(const char *name, aglm_metric *out);
bool aglm_metric_maximize(aglm_metric m);
/* Does it say anything about such a task? */
bool aglm_metric_fits(aglm_metric m, aglm_task task);
/* Accuracy for single-label tasks, micro F1 for multi-label ones, RMSE for regression. */
aglm_metric aglm_metric_default(aglm_task task);
/* All names, separated by ", ", for messages. */
const char *aglm_metric_names(void);

#endif
