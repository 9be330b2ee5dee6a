/* learner - fits one learner with given parameters on a train file and scores a test file.
 * usage: learner NAME TRAIN TEST [PARAMETER=VALUE]...    a TSV without header, label first
 *        learner NAME TRAIN TEST repeat=N                the training documents N times over, for
 * growth Prints one line: accuracy, CPU seconds of open, fit and score, bytes, load time,
 * documents/s. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/utf8.h"
#include "tune/learners.h"

struct bench {
    const aglm_learner_ops *learner;
    aglm_dataset *train;
    aglm_dataset *test;
    double values[AGLM_HPARAM_MAX];
    unsigned repeat;
    aglm_model *model;
    double open_s, fit_s, score_s, load_ms;
};

static double cpu_since(uint64_t start_ns)
{
    return (double)(aglm_clock_cpu_ns() - start_ns) * 1e-9;
}

static aglm_rc read_documents(aglm_dataset **out, const char *path, const aglm_dataset *labels_of,
                              aglm_error *err)
{
    const aglm_read_options read = {.format = AGLM_FORMAT_TSV, .header = AGLM_HEADER_NO};
    const aglm_task_options columns = {.label = "1", .text = "2"};
    aglm_dataset_options options = {0};
    aglm_table *table = NULL;
    aglm_task_guess guess = {0};
    const char *names[4096];
    aglm_rc rc = aglm_table_read(&table, path, &read, err);

    if (!rc)
        rc = aglm_task_detect(&guess, table, &columns, err);
    if (labels_of) {
        options.labels = names;
        options.n_labels = aglm_dataset_n_labels(labels_of);
        for (size_t k = 0; k < options.n_labels && k < 4096; k++)
            names[k] = aglm_dataset_label(labels_of, k);
    }
    if (!rc)
        rc = aglm_dataset_from_table(out, table, &guess, &options, err);
    if (guess.evidence.data)
        aglm_str_clear(&guess.evidence);
    aglm_table_free(table);
    return rc;
}

static aglm_data_shape shape_of(const aglm_dataset *d)
{
    aglm_data_shape shape = {.docs = aglm_dataset_size(d), .labels = aglm_dataset_n_labels(d)};
    uint64_t cjk = 0;

    for (size_t i = 0; i < shape.docs; i++) {
        aglm_doc doc = aglm_dataset_doc(d, i);
        for (size_t at = 0; at < doc.len; shape.chars++) {
            uint32_t cp;
            at += aglm_utf8_decode(doc.text + at, doc.len - at, &cp);
            cjk += aglm_cp_is_cjk(cp);
        }
    }
    shape.mean_chars = (double)shape.chars / (double)shape.docs;
    shape.share_cjk = (double)cjk / (double)shape.chars;
    return shape;
}

static double value_of(const aglm_hparam *p, const char *text)
{
    for (size_t c = 0; p->kind == AGLM_HPARAM_CHOICE && c < p->n_choices; c++)
        if (strcmp(p->choices[c], text) == 0)
            return (double)c;
    return strtod(text, NULL);
}

static aglm_rc set_values(struct bench *b, char **argv, int argc, aglm_error *err)
{
    aglm_hparam space[AGLM_HPARAM_MAX];
    const aglm_data_shape shape = shape_of(b->train);
    size_t n = b->learner->space(&shape, space);

    for (size_t i = 0; i < n; i++)
        b->values[i] = space[i].start;
    for (int a = 0; a < argc; a++) {
        char *value = strchr(argv[a], '=');
        size_t i = 0;
        if (!value)
            return aglm_error_set(err, AGLM_INVALID, "%s: expected PARAMETER=VALUE", argv[a]);
        *value++ = '\0';
        while (i < n && strcmp(space[i].name, argv[a]) != 0)
            i++;
        if (i < n)
            b->values[i] = value_of(&space[i], value);
        else if (strcmp(argv[a], "repeat") == 0)
            b->repeat = (unsigned)strtoul(value, NULL, 10);
        else
            return aglm_error_set(err, AGLM_INVALID, "no parameter %s", argv[a]);
    }
    return AGLM_OK;
}

static aglm_rc fit(struct bench *b, aglm_error *err)
{
    const aglm_fit_context ctx = {.seed = 1};
    size_t n = aglm_dataset_size(b->train);
    uint32_t *rows = malloc(n * sizeof *rows);
    float *logits = malloc(n * aglm_dataset_n_labels(b->train) * sizeof *logits);
    void *self = NULL;
    aglm_rc rc = rows && logits ? AGLM_OK : aglm_error_set(err, AGLM_NOMEM, "out of memory");

    for (size_t i = 0; rows && i < n; i++)
        rows[i] = (uint32_t)i;
    uint64_t start = aglm_clock_cpu_ns();
    if (!rc)
        rc = b->learner->open(&self, b->train, b->values, &ctx, err);
    b->open_s = cpu_since(start);
    start = aglm_clock_cpu_ns();
    if (!rc)
        rc = b->learner->fit(self, rows, n, &ctx, &b->model, err);
    b->fit_s = cpu_since(start);
    start = aglm_clock_cpu_ns();
    if (!rc)
        rc = b->learner->score(self, b->model, rows, n, logits, err);
    b->score_s = cpu_since(start);
    b->learner->close(self);
    free(rows);
    free(logits);
    return rc;
}

static bool is_right(const float *z, size_t n, const aglm_doc *doc)
{
    size_t best = 0;

    for (size_t k = 1; k < n; k++)
        best = z[k] > z[best] ? k : best;
    return best == doc->labels[0];
}

static aglm_rc report(struct bench *b, const char *name, aglm_error *err)
{
    size_t n = aglm_dataset_size(b->test), labels = aglm_dataset_n_labels(b->test), right = 0;
    float *z = malloc(labels * sizeof *z);
    aglm_model *loaded = NULL;
    aglm_predictor *p = NULL;
    aglm_str s;

    aglm_str_init(&s, SIZE_MAX);
    aglm_rc rc = z ? b->learner->save(b->model, &s, err) : AGLM_NOMEM;
    uint64_t start = aglm_clock_cpu_ns();
    if (!rc)
        rc = b->learner->load(&loaded, s.data, s.len, err);
    b->load_ms = 1e3 * cpu_since(start);
    if (!rc)
        rc = b->learner->predictor(&p, loaded, err);
    start = aglm_clock_cpu_ns();
    for (size_t i = 0; !rc && i < n; i++) {
        aglm_doc doc = aglm_dataset_doc(b->test, i);
        rc = b->learner->predict(p, doc.text, doc.len, z, err);
        right += !rc && is_right(z, labels, &doc);
    }
    if (!rc)
        printf(
            "%-40s %6.2f %%  open %.3f s  fit %.3f s  score %.3f s  %.2f MB  load %.1f ms  %.0f docs/s\n",
            name, 100.0 * (double)right / (double)n, b->open_s, b->fit_s, b->score_s,
            (double)s.len / 1e6, b->load_ms, (double)n / cpu_since(start));
    b->learner->free_predictor(p);
    aglm_model_free(loaded);
    aglm_str_clear(&s);
    free(z);
    return rc;
}

static aglm_rc repeat_documents(struct bench *b, aglm_error *err)
{
    for (unsigned have = 1; have < b->repeat; have *= 2) {
        aglm_dataset *twice;
        aglm_rc rc = aglm_dataset_concat(&twice, b->train, b->train, err);
        if (rc)
            return rc;
        aglm_dataset_free(b->train);
        b->train = twice;
    }
    return AGLM_OK;
}

int main(int argc, char **argv)
{
    struct bench b = {.learner = argc > 3 ? aglm_learner_find(argv[1]) : NULL, .repeat = 1};
    aglm_error err = {0};

    if (!b.learner) {
        fprintf(stderr, "usage: learner linear|embed TRAIN TEST [PARAMETER=VALUE]... [repeat=N]\n");
        return 2;
    }
    aglm_rc rc = read_documents(&b.train, argv[2], NULL, &err);
    if (!rc)
        rc = read_documents(&b.test, argv[3], b.train, &err);
    if (!rc)
        rc = set_values(&b, argv + 4, argc - 4, &err);
    if (!rc)
        rc = repeat_documents(&b, &err);
    if (!rc)
        rc = fit(&b, &err);
    if (!rc)
        rc = report(&b, argv[2], &err);
    if (rc)
        fprintf(stderr, "learner: %s\n", err.msg);
    aglm_model_free(b.model);
    aglm_dataset_free(b.train);
    aglm_dataset_free(b.test);
    return rc ? 1 : 0;
}
