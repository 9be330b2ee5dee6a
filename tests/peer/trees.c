/* trees - learns from all rows of a table and writes every row's logits, for comparison with
 * Python's XGBoost.
 * usage: trees FILE TASK SEED VALUE...
 * TASK: binary, multiclass or regression; VALUEs: in the order of the learner's space, "nan" for
 * one that is not active; the label's column is "target". Output: float32, rows x labels. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "base/memory.h"
#include "learn/learner.h"

static aglm_rc read_rows(aglm_dataset **out, const char *path, const char *task_name,
                         aglm_error *err)
{
    aglm_task_options task = {.label = "target"};
    aglm_task_guess guess;
    aglm_table *table = NULL;
    aglm_rc rc;

    if (!aglm_task_from_name(task_name, &task.task))
        return aglm_error_set(err, AGLM_INVALID, "%.60s is no task", task_name);
    if ((rc = aglm_table_read(&table, path, NULL, err)) != AGLM_OK)
        return rc;
    rc = aglm_task_detect(&guess, table, &task, err);
    if (rc == AGLM_OK)
        rc = aglm_dataset_from_table(out, table, &guess, NULL, err);
    aglm_str_clear(&guess.evidence);
    aglm_table_free(table);
    return rc;
}

static aglm_rc learn(const aglm_dataset *d, const double *values, uint64_t seed, aglm_error *err)
{
    const aglm_learner_ops *ops = &aglm_learner_trees;
    const aglm_fit_context ctx = {.seed = seed};
    size_t n = aglm_dataset_size(d), labels = aglm_dataset_n_labels(d);
    uint32_t *rows = aglm_calloc(n, sizeof *rows);
    float *logits = aglm_calloc(n * labels, sizeof *logits);
    aglm_model *model = NULL;
    void *self = NULL;
    aglm_rc rc = rows && logits ? ops->open(&self, d, values, &ctx, err) : AGLM_NOMEM;

    for (size_t i = 0; rc == AGLM_OK && i < n; i++)
        rows[i] = (uint32_t)i;
    if (rc == AGLM_OK)
        rc = ops->fit(self, rows, n, &ctx, &model, err);
    if (rc == AGLM_OK)
        rc = ops->score(self, model, rows, n, logits, err);
    if (rc == AGLM_OK)
        fwrite(logits, sizeof *logits, n * labels, stdout);
    aglm_model_free(model);
    if (self)
        ops->close(self);
    free(logits);
    free(rows);
    return rc;
}

int main(int argc, char **argv)
{
    double values[AGLM_HPARAM_MAX] = {0};
    aglm_dataset *d = NULL;
    aglm_error err = {0};

    if (argc < 5 || argc > 4 + AGLM_HPARAM_MAX) {
        fprintf(stderr, "usage: trees FILE TASK SEED VALUE...\n");
        return 2;
    }
    for (int i = 4; i < argc; i++)
        if (!aglm_double_parse(argv[i], strlen(argv[i]), &values[i - 4]))
            values[i - 4] = NAN;
    aglm_rc rc = read_rows(&d, argv[1], argv[2], &err);
    if (rc == AGLM_OK)
        rc = learn(d, values, strtoull(argv[3], NULL, 10), &err);
    aglm_dataset_free(d);
    if (rc != AGLM_OK)
        fprintf(stderr, "trees: %s\n", err.msg);
    return rc == AGLM_OK ? 0 : 1;
}
