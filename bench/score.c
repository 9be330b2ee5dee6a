/* score - every metric of the probabilities in a file, one "name value" a line, for comparison with
 * another program's.
 * usage: score TASK ROWS.tsv PROBS [LABEL...]
 * ROWS: "label TAB text" without a header; PROBS: float32 in the machine's order, documents x
 * labels; LABELs fix the label names and their order. */
#include "eval/score.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"

#define PROBS_MAX_BYTES ((size_t)1 << 30)

static aglm_rc read_rows(aglm_dataset **out, const char *task_name, const char *path,
                         const aglm_dataset_options *options, aglm_error *err)
{
    aglm_read_options read = {.format = AGLM_FORMAT_TSV, .header = AGLM_HEADER_NO};
    aglm_task_options task = {.label = "1", .text = "2"};
    aglm_task_guess guess;
    aglm_table *table = NULL;
    aglm_rc rc;

    if (!aglm_task_from_name(task_name, &task.task))
        return aglm_error_set(err, AGLM_INVALID, "%.60s is no task", task_name);
    if ((rc = aglm_table_read(&table, path, &read, err)) != AGLM_OK)
        return rc;
    rc = aglm_task_detect(&guess, table, &task, err);
    if (rc == AGLM_OK)
        rc = aglm_dataset_from_table(out, table, &guess, options, err);
    aglm_str_clear(&guess.evidence);
    aglm_table_free(table);
    return rc;
}

static aglm_rc print_scores(const aglm_dataset *d, const char *path, aglm_error *err)
{
    size_t n = aglm_dataset_size(d), bytes = 0;
    char *probs = NULL;
    aglm_score s;
    aglm_rc rc = aglm_file_read(path, PROBS_MAX_BYTES, &probs, &bytes, err);

    if (rc != AGLM_OK)
        return rc;
    if (bytes != n * aglm_dataset_n_labels(d) * sizeof(float)) {
        free(probs);
        return aglm_error_set(err, AGLM_INVALID,
                              "%.200s: %zu bytes for %zu documents and %zu labels", path, bytes, n,
                              aglm_dataset_n_labels(d));
    }
    rc = aglm_score_make(&s, &(aglm_predicted){d, NULL, n, (const float *)(const void *)probs},
                         err);
    for (int m = 0; rc == AGLM_OK && m < AGLM_METRICS; m++)
        if (aglm_metric_fits((aglm_metric)m, s.task))
            printf("%s %.17g\n", aglm_metric_name((aglm_metric)m), s.value[m]);
    aglm_score_clear(&s);
    free(probs);
    return rc;
}

int main(int argc, char **argv)
{
    aglm_dataset *d = NULL;
    aglm_error err = {0};

    if (argc < 4) {
        fprintf(stderr, "usage: score TASK ROWS.tsv PROBS [LABEL...]\n");
        return 2;
    }
    aglm_dataset_options options = {.labels = argc > 4 ? (const char *const *)(argv + 4) : NULL,
                                    .n_labels = (size_t)argc - 4};
    aglm_rc rc = read_rows(&d, argv[1], argv[2], &options, &err);
    if (rc == AGLM_OK)
        rc = print_scores(d, argv[3], &err);
    aglm_dataset_free(d);
    if (rc != AGLM_OK)
        fprintf(stderr, "score: %s\n", err.msg);
    return rc == AGLM_OK ? 0 : 1;
}
