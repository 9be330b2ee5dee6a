/* Trains a head over a frozen language model, its learning rate, batch size and epochs found by a
 * Bayesian search, then labels one text and keeps the winner as a bundle:
 *     cc tuner.c $(pkg-config --cflags --libs autoglm) && ./a.out model.gguf train.tsv "a fine day"
 */
#include <autoglm/tuner.h>

#include <stdio.h>
#include <string.h>

static int fail(const aglm_error *err)
{
    fprintf(stderr, "%s\n", err->msg);
    return 1;
}

static void show_trial(void *arg, int64_t number, double value, const char *params)
{
    (void)arg;
    printf("trial %lld: %.4f %s\n", (long long)number, value, params);
}

static aglm_rc tune(aglm_tuner *tuner, const char *file, aglm_error *err)
{
    const aglm_tuner_data data = {.file = file};
    const aglm_tuner_options options = {.trials = 12, .seed = 1, .on_trial = show_trial};
    aglm_tuner_result best;
    aglm_rc rc = aglm_tuner_fit(tuner, &data, &options, err);

    if (rc == AGLM_OK)
        rc = aglm_tuner_best(tuner, &best, err);
    if (rc == AGLM_OK)
        printf("best: trial %lld of %zu, accuracy %.4f, macro-F1 %.4f\n%s\n", (long long)best.trial,
               best.trials, best.accuracy, best.macro_f1, best.params);
    return rc;
}

static aglm_rc label(aglm_tuner *tuner, const char *text, aglm_error *err)
{
    const float *probs = NULL;
    aglm_rc rc = aglm_tuner_predict(tuner, text, strlen(text), &probs, err);

    for (size_t i = 0; rc == AGLM_OK && i < aglm_tuner_n_labels(tuner); i++)
        printf("%-20s %.3f\n", aglm_tuner_label(tuner, i), (double)probs[i]);
    return rc;
}

int main(int argc, char **argv)
{
    aglm_tuner *tuner = NULL;
    aglm_error err = {0};
    aglm_rc rc;

    if (argc != 4) {
        fprintf(stderr, "usage: tuner MODEL.gguf FILE TEXT\n");
        return 2;
    }
    rc = aglm_tuner_new(&tuner, argv[1],
                        "lr=loguniform(1e-5,1e-3) batch_size=choice(16,32,64) epochs=logint(2,40)",
                        "bayesian", &err);
    if (rc == AGLM_OK)
        rc = tune(tuner, argv[2], &err);
    if (rc == AGLM_OK)
        rc = label(tuner, argv[3], &err);
    if (rc == AGLM_OK)
        rc = aglm_tuner_save(tuner, "tuner.bundle", &err);
    aglm_tuner_free(tuner);
    return rc == AGLM_OK ? 0 : fail(&err);
}
