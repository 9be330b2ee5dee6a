/* Tunes a classifier for ten seconds and labels one text:
 *     cc classify.c $(pkg-config --cflags --libs autoglm) && ./a.out train.tsv "what a fine day"
 */
#include <autoglm/automodel.h>

#include <stdio.h>
#include <string.h>

static int fail(const aglm_error *err)
{
    fprintf(stderr, "%s\n", err->msg);
    return 1;
}

static int label(const char *bundle, const char *text)
{
    aglm_automodel *model = NULL;
    const float *probs = NULL;
    aglm_error err = {0};

    if (aglm_automodel_open(&model, bundle, NULL, &err) != AGLM_OK)
        return fail(&err);
    aglm_rc rc = aglm_automodel_predict(model, text, strlen(text), &probs, &err);
    for (size_t i = 0; rc == AGLM_OK && i < aglm_automodel_n_labels(model); i++)
        printf("%-20s %.3f\n", aglm_automodel_label(model, i), (double)probs[i]);
    aglm_automodel_close(model);
    return rc == AGLM_OK ? 0 : fail(&err);
}

int main(int argc, char **argv)
{
    aglm_tune_config config;
    aglm_tune_summary summary;
    aglm_error err = {0};

    if (argc != 3) {
        fprintf(stderr, "usage: classify FILE TEXT\n");
        return 2;
    }
    aglm_tune_config_init(&config);
    config.file = argv[1];
    config.out = "classify.bundle";
    config.budget_s = 10;
    if (aglm_tune(&config, &summary, &err) != AGLM_OK)
        return fail(&err);
    printf("accuracy %.3f after %zu trials\n", summary.accuracy, summary.trials);
    return label(config.out, argv[2]);
}
