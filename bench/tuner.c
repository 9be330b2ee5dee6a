/* The GLM tuner on one data set: heads with parameters set by hand beside those that a search
 * finds.
 *
 * usage: tuner MODEL.gguf TRAIN.tsv TEST.tsv TRIALS SEED
 *
 * One line of JSON a way: scores on the test file (never searched on), CPU seconds of the search
 * and the last training. The last line has the CPU seconds of reading all texts by the model. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

#include "eval/score.h"
#include "lm/head_priv.h"
#include "tune/input.h"
#include "tune/tuner_priv.h"

#define PLAIN "depth=choice(\"1\") pooling=choice(mean) hidden=choice(0) dropout=choice(0) "

static const struct way {
    const char *name, *space, *strategy;
    bool searched;
} WAYS[] = {
    {"by hand: lr 2e-5, batch 32, 3 epochs",
     PLAIN "lr=choice(2e-5) batch_size=choice(32) epochs=choice(3)", "grid", false},
    {"by hand: lr 1e-3, batch 32, 3 epochs",
     PLAIN "lr=choice(1e-3) batch_size=choice(32) epochs=choice(3)", "grid", false},
    {"by hand: lr 1e-3, batch 32, 20 epochs",
     PLAIN "lr=choice(1e-3) batch_size=choice(32) epochs=choice(20)", "grid", false},
    {"lr and batch searched, 3 epochs",
     PLAIN "lr=loguniform(1e-5,1e-3) batch_size=choice(16,32,64) epochs=choice(3)", "bayesian",
     true},
    {"default space, bayesian", NULL, "bayesian", true},
    {"default space, random", NULL, "random", true},
};

static int fail(const aglm_error *err)
{
    fprintf(stderr, "tuner: %s\n", err->msg);
    return 1;
}

/* Probabilities of the test documents, whose states are read once for all ways. */
static aglm_rc predict(const aglm_tuner *t, const aglm_dataset *test, float *probs, aglm_error *err)
{
    const aglm_member *member = &t->bundle.members[0];
    const aglm_head_model *m = (const aglm_head_model *)member->model;
    size_t labels = t->bundle.n_labels;
    float *x = calloc(aglm_hidden_size(t->hidden, AGLM_POOLING_BOTH), sizeof *x);
    aglm_head_scratch s;
    aglm_rc rc = x ? aglm_head_scratch_init(&s, &m->net) : AGLM_NOMEM;

    for (size_t i = 0; rc == AGLM_OK && i < aglm_dataset_size(test); i++) {
        aglm_doc d = aglm_dataset_doc(test, i);
        const aglm_hidden_text text = {d.text, d.len, m->layer, m->pooling, NULL};
        rc = aglm_hidden_get(t->hidden, &text, x, err);
        if (rc == AGLM_OK)
            aglm_head_logits(&m->net, &s, x);
        if (rc == AGLM_OK)
            aglm_calibration_apply(&member->calibration, t->bundle.task, s.logits, labels,
                                   probs + i * labels);
    }
    if (x)
        aglm_head_scratch_clear(&s);
    free(x);
    return rc;
}

static aglm_rc show(const aglm_tuner *t, const struct way *way, const aglm_dataset *test,
                    double cpu_s, aglm_error *err)
{
    float *probs = calloc(aglm_dataset_size(test) * t->bundle.n_labels, sizeof *probs);
    aglm_score score = {0};
    aglm_rc rc = probs ? predict(t, test, probs, err) : AGLM_NOMEM;

    if (rc == AGLM_OK)
        rc = aglm_score_make(&score, &(aglm_predicted){test, NULL, aglm_dataset_size(test), probs},
                             err);
    if (rc == AGLM_OK)
        printf("{\"way\": \"%s\", \"trials\": %zu, \"out_of_fold\": %.4f, \"accuracy\": %.4f, "
               "\"macro_f1\": %.4f, \"cpu_s\": %.2f, \"params\": %s}\n",
               way->name, t->result.trials, t->result.accuracy, score.value[AGLM_METRIC_ACCURACY],
               score.value[AGLM_METRIC_MACRO_F1], cpu_s, t->result.params);
    fflush(stdout);
    aglm_score_clear(&score);
    free(probs);
    return rc;
}

static double seconds(int who)
{
    struct rusage u;

    getrusage(who, &u);
    return (double)(u.ru_utime.tv_sec + u.ru_stime.tv_sec) +
           (double)(u.ru_utime.tv_usec + u.ru_stime.tv_usec) / 1e6;
}

/* The first way reads the texts; it is timed once more without. */
static aglm_rc run_way(const struct way *way, char **argv, const aglm_dataset *test,
                       aglm_hidden **hidden, aglm_error *err)
{
    const aglm_tuner_data data = {.file = argv[2]};
    const aglm_tuner_options o = {.trials = way->searched ? strtol(argv[4], NULL, 10) : 1,
                                  .seed = strtoull(argv[5], NULL, 10)};
    aglm_tuner *t = NULL;
    aglm_rc rc = aglm_tuner_new(&t, argv[1], way->space, way->strategy, err);

    if (rc != AGLM_OK)
        return rc;
    if (*hidden)
        t->hidden = aglm_hidden_ref(*hidden);
    double begin = seconds(RUSAGE_SELF);
    rc = aglm_tuner_fit(t, &data, &o, err);
    if (rc == AGLM_OK && !*hidden) {
        *hidden = aglm_hidden_ref(t->hidden);
        begin = seconds(RUSAGE_SELF);
        rc = aglm_tuner_fit(t, &data, &o, err);
    }
    if (rc == AGLM_OK)
        rc = show(t, way, test, seconds(RUSAGE_SELF) - begin, err);
    aglm_tuner_free(t);
    return rc;
}

int main(int argc, char **argv)
{
    aglm_input test;
    aglm_hidden *hidden = NULL;
    aglm_error err = {0};

    if (argc != 6) {
        fprintf(stderr, "usage: tuner MODEL.gguf TRAIN.tsv TEST.tsv TRIALS SEED\n");
        return 2;
    }
    const aglm_input_options options = {.file = argv[3]};
    aglm_rc rc = aglm_input_open(&test, &options, &err);
    for (size_t i = 0; rc == AGLM_OK && i < sizeof WAYS / sizeof *WAYS; i++)
        rc = run_way(&WAYS[i], argv, test.data, &hidden, &err);
    aglm_hidden_unref(hidden);
    aglm_input_clear(&test);
    if (rc != AGLM_OK)
        return fail(&err);
    printf("{\"read_cpu_s\": %.2f}\n", seconds(RUSAGE_CHILDREN));
    return 0;
}
