/* Tunes a random forest for a table: its number of trees and their depth, ten trials, each measured
 * by 5-fold cross-validation.
 *     cc forest.c $(pkg-config --cflags --libs autoglm) && ./a.out wine.csv
 */
#include <autoglm/crossval.h>
#include <autoglm/study.h>

#include <stdio.h>

static int fail(const aglm_error *err)
{
    fprintf(stderr, "%s\n", err->msg);
    return 1;
}

static aglm_rc accuracy(void *arg, aglm_study *study, int64_t number, const double *x,
                        double *value)
{
    char settings[200];
    aglm_error err = {0};

    snprintf(settings, sizeof settings,
             "{\"learner\": \"trees\", \"kind\": \"forest\", \"n_estimators\": %.0f, "
             "\"max_depth\": %.0f}",
             aglm_study_number(study, x, "n_estimators"), aglm_study_number(study, x, "max_depth"));
    aglm_rc rc = aglm_crossval_score(arg, settings, value, &err);
    if (rc == AGLM_OK)
        printf("trial %lld: %s accuracy %.4f\n", (long long)number, settings, *value);
    else
        fail(&err);
    return rc;
}

static int tune(aglm_study *study, aglm_crossval *data, double *x)
{
    const aglm_study_limits limits = {.trials = 10};
    double value = 0;
    aglm_error err = {0};

    if (aglm_study_optimize(study, accuracy, data, &limits, &err) != AGLM_OK ||
        aglm_study_best(study, NULL, &value, x, &err) != AGLM_OK)
        return fail(&err);
    printf("best: n_estimators=%.0f max_depth=%.0f, accuracy %.4f\n",
           aglm_study_number(study, x, "n_estimators"), aglm_study_number(study, x, "max_depth"),
           value);
    return 0;
}

int main(int argc, char **argv)
{
    aglm_crossval_config data = {0};
    aglm_study_config config;
    aglm_crossval *table = NULL;
    aglm_study *study = NULL;
    aglm_error err = {0};
    double x[2];
    int code;

    if (argc < 2) {
        fprintf(stderr, "usage: forest FILE [LABEL]\n");
        return 2;
    }
    data.file = argv[1];
    data.label_column = argc > 2 ? argv[2] : NULL;
    aglm_study_config_init(&config);
    config.space = "n_estimators=int(10,100) max_depth=int(2,10)";
    config.direction = AGLM_MAXIMIZE;
    if (aglm_crossval_open(&table, &data, &err) != AGLM_OK ||
        aglm_study_new(&study, &config, &err) != AGLM_OK)
        code = fail(&err);
    else
        code = tune(study, table, x);
    aglm_study_free(study);
    aglm_crossval_close(table);
    return code;
}
