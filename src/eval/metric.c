#include "eval/metric.h"

#include <string.h>

struct metric_entry {
    const char *name;
    bool maximize;
};

static const struct metric_entry METRICS[AGLM_METRICS] = {
    [AGLM_METRIC_ACCURACY] = {"accuracy", true},  [AGLM_METRIC_MACRO_F1] = {"macro_f1", true},
    [AGLM_METRIC_MICRO_F1] = {"micro_f1", true},  [AGLM_METRIC_WEIGHTED_F1] = {"weighted_f1", true},
    [AGLM_METRIC_LOG_LOSS] = {"log_loss", false}, [AGLM_METRIC_AUC] = {"auc", true},
    [AGLM_METRIC_ECE] = {"ece", false},           [AGLM_METRIC_RMSE] = {"rmse", false},
    [AGLM_METRIC_MAE] = {"mae", false},           [AGLM_METRIC_R2] = {"r2", true},
};

const char *aglm_metric_name(aglm_metric m)
{
    return METRICS[m].name;
}

static bool same_name(const char *a, const char *b)
{
    for (; *a && *b; a++, b++)
        if (*a != *b && !(*a == '-' && *b == '_'))
            return false;
    return !*a && !*b;
}

bool aglm_metric_from_name(const char *name, aglm_metric *out)
{
    for (int i = 0; i < AGLM_METRICS; i++) {
        if (same_name(name, METRICS[i].name)) {
            *out = (aglm_metric)i;
            return true;
        }
    }
    return false;
}

bool aglm_metric_maximize(aglm_metric m)
{
    return METRICS[m].maximize;
}

bool aglm_metric_fits(aglm_metric m, aglm_task task)
{
    bool of_numbers = m == AGLM_METRIC_RMSE || m == AGLM_METRIC_MAE || m == AGLM_METRIC_R2;

    return of_numbers == (task == AGLM_TASK_REGRESSION);
}

aglm_metric aglm_metric_default(aglm_task task)
{
    if (task == AGLM_TASK_REGRESSION)
        return AGLM_METRIC_RMSE;
    return task == AGLM_TASK_MULTILABEL ? AGLM_METRIC_MICRO_F1 : AGLM_METRIC_ACCURACY;
}

const char *aglm_metric_names(void)
{
    return "accuracy, macro_f1, micro_f1, weighted_f1, log_loss, auc, ece, rmse, mae, r2";
}
