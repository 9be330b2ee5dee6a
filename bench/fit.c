/* fit - what one training costs: used by bench/growth.py.
 * usage: fit LEARNER FILE.tsv [NAME=VALUE...]
 *            the learner at its start values, but for those named, on all rows
 *        fit passes FILE.tsv
 *            passes of the linear solver over words and characters
 * FILE: "label TAB text" without a header. Prints one line of "name value" pairs: docs, labels,
 * features, features_s, fit_s, steps, model_bytes; seconds are CPU time of the thread. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "learn/learner.h"
#include "learn/linear_solver.h"
#include "learn/matrix.h"
#include "tune/learners.h"

#define PASSES 1 /* the first one visits every row; later ones leave rows out */

struct figures {
    size_t docs, labels, features;
    double features_s, fit_s;
    unsigned steps;
    uint64_t model_bytes;
};

static double cpu_s(void)
{
    return (double)aglm_clock_cpu_ns() / 1e9;
}

static aglm_rc read_rows(aglm_dataset **out, const char *path, aglm_error *err)
{
    aglm_read_options read = {.format = AGLM_FORMAT_TSV, .header = AGLM_HEADER_NO};
    aglm_task_options task = {.label = "1", .text = "2", .task = AGLM_TASK_MULTICLASS};
    aglm_dataset_options options = {.skip_bad_rows = false};
    aglm_task_guess guess;
    aglm_table *table = NULL;
    aglm_rc rc = aglm_table_read(&table, path, &read, err);

    if (rc != AGLM_OK)
        return rc;
    rc = aglm_task_detect(&guess, table, &task, err);
    if (rc == AGLM_OK)
        rc = aglm_dataset_from_table(out, table, &guess, &options, err);
    aglm_str_clear(&guess.evidence);
    aglm_table_free(table);
    return rc;
}

/* ---- a learner ---- */

/* "NAME=VALUE": a number, or a choice by its name. */
static aglm_rc set_value(const aglm_hparam *params, size_t n, const char *given, double *values,
                         aglm_error *err)
{
    size_t name = strcspn(given, "=");
    const char *value = given + name + (given[name] == '=');

    for (size_t i = 0; i < n; i++) {
        if (strlen(params[i].name) != name || memcmp(params[i].name, given, name) != 0)
            continue;
        if (params[i].kind != AGLM_HPARAM_CHOICE) {
            char *end;
            values[i] = strtod(value, &end);
            if (end != value && !*end)
                return AGLM_OK;
        }
        for (size_t c = 0; c < params[i].n_choices; c++) {
            if (strcmp(params[i].choices[c], value) == 0) {
                values[i] = (double)c;
                return AGLM_OK;
            }
        }
        return aglm_error_set(err, AGLM_INVALID, "%.80s: no such value", given);
    }
    return aglm_error_set(err, AGLM_INVALID, "%.80s: no such parameter", given);
}

/* The space of one shape for all sizes, so that only the size changes. */
static aglm_rc start_values(const aglm_learner_ops *ops, char **given, double *values,
                            aglm_error *err)
{
    aglm_data_shape shape = {.docs = 5000, .labels = 6, .mean_chars = 50, .chars = 250000};
    aglm_hparam params[AGLM_HPARAM_MAX];
    size_t n = ops->space(&shape, params);
    aglm_rc rc = AGLM_OK;

    for (size_t i = 0; i < n; i++) {
        values[i] = params[i].start;
        for (size_t j = 0; params[i].when && j < i; j++) {
            bool named = strcmp(params[j].name, params[i].when) == 0;
            if (named && (isnan(values[j]) || !(params[i].when_choices >> (int)values[j] & 1)))
                values[i] = NAN;
        }
    }
    for (; rc == AGLM_OK && *given; given++)
        rc = set_value(params, n, *given, values, err);
    return rc;
}

static aglm_rc note_step(void *arg, const aglm_model *so_far, unsigned step, unsigned steps)
{
    ((struct figures *)arg)->steps = steps;
    return AGLM_OK;
}

static aglm_rc fit_learner(const aglm_learner_ops *ops, const aglm_dataset *d, char **given,
                           struct figures *f, aglm_error *err)
{
    aglm_fit_context ctx = {.seed = 1, .on_step = note_step, .arg = f};
    double values[AGLM_HPARAM_MAX];
    aglm_model *model = NULL;
    void *self = NULL;
    uint32_t *rows = aglm_calloc(f->docs, sizeof *rows);
    double start = cpu_s();
    aglm_rc rc;

    if (!rows)
        return aglm_error_set(err, AGLM_NOMEM, "out of memory");
    for (size_t i = 0; i < f->docs; i++)
        rows[i] = (uint32_t)i;
    if ((rc = start_values(ops, given, values, err)) != AGLM_OK ||
        (rc = ops->open(&self, d, values, &ctx, err)) != AGLM_OK)
        goto done;
    f->features_s = cpu_s() - start;
    start = cpu_s();
    if ((rc = ops->fit(self, rows, f->docs, &ctx, &model, err)) != AGLM_OK)
        goto done;
    f->fit_s = cpu_s() - start;
    rc = aglm_model_size(model, &f->model_bytes, err);
done:
    aglm_model_free(model);
    if (self)
        ops->close(self);
    free(rows);
    return rc;
}

/* ---- passes of the linear solver ---- */

/* Rows of log counts of length 1, with a column for the bias. */
static aglm_rc fill_rows(aglm_csr *x, const aglm_matrix *m)
{
    aglm_rc rc = aglm_csr_init(x, m->n_rows, m->n_features + 1, m->n_entries + m->n_rows);
    uint32_t at = 0;

    for (size_t i = 0; rc == AGLM_OK && i < m->n_rows; i++) {
        uint32_t first = aglm_matrix_begin(m, i, 0);
        uint32_t end = aglm_matrix_end(m, i, AGLM_FEATURES_GROUPS - 1);
        float length = 0;
        for (uint32_t e = first; e < end; e++)
            length += (float)m->count[e];
        for (uint32_t e = first; e < end; e++, at++) {
            x->col[at] = m->feature[e];
            x->val[at] = sqrtf((float)m->count[e] / length);
        }
        x->col[at] = (uint32_t)m->n_features;
        x->val[at++] = 1;
        x->start[i + 1] = at;
    }
    return rc;
}

static aglm_rc solve_labels(const aglm_dataset *d, const aglm_csr *x, struct figures *f)
{
    aglm_linear_problem p = {.x = x, .eps = 1e-9, .max_passes = PASSES, .seed = 1};
    float *cost = aglm_calloc(x->n_rows, sizeof *cost);
    int8_t *y = aglm_calloc(x->n_rows, AGLM_LANES_MAX);
    float *w = aglm_calloc_aligned(x->n_cols * AGLM_LANES_MAX, sizeof *w);
    aglm_rc rc = cost && y && w ? AGLM_OK : AGLM_NOMEM;

    for (size_t i = 0; rc == AGLM_OK && i < x->n_rows; i++)
        cost[i] = 1;
    p.cost = cost;
    p.y = y;
    for (size_t k = 0; rc == AGLM_OK && k < f->labels; k += AGLM_LANES_MAX) {
        p.lanes = aglm_linear_lanes(f->labels - k);
        p.vectors = f->labels - k < p.lanes ? (unsigned)(f->labels - k) : p.lanes;
        for (size_t i = 0; i < x->n_rows; i++)
            for (unsigned l = 0; l < p.lanes; l++)
                y[i * p.lanes + l] = aglm_dataset_doc(d, i).labels[0] == k + l ? 1 : -1;
        rc = aglm_linear_solve(&p, w, &f->steps);
    }
    free(cost);
    free(y);
    free(w);
    return rc;
}

static aglm_rc fit_passes(const aglm_dataset *d, struct figures *f, aglm_error *err)
{
    aglm_feature_options options = {
        .word_n = 2, .char_min = 2, .char_max = 5, .cjk_n = 3, .lower = true, .punct = true};
    aglm_matrix_limits limits = {.cancel = NULL};
    aglm_matrix *m = NULL;
    aglm_csr x = {.n_rows = 0};
    double start = cpu_s();
    aglm_rc rc = aglm_matrix_new(&m, d, &options, &limits, err);

    if (rc != AGLM_OK)
        return rc;
    f->features = m->n_features;
    f->features_s = cpu_s() - start;
    if ((rc = fill_rows(&x, m)) == AGLM_OK) {
        start = cpu_s();
        rc = solve_labels(d, &x, f);
        f->fit_s = cpu_s() - start;
    }
    if (rc != AGLM_OK)
        aglm_error_set(err, rc, "passes over %zu documents: %s", f->docs, aglm_rc_text(rc));
    aglm_csr_clear(&x);
    aglm_matrix_free(m);
    return rc;
}

int main(int argc, char **argv)
{
    const aglm_learner_ops *ops = argc >= 3 ? aglm_learner_find(argv[1]) : NULL;
    struct figures f = {.steps = 1};
    aglm_dataset *d = NULL;
    aglm_error err = {0};

    if (argc < 3 || (!ops && strcmp(argv[1], "passes") != 0)) {
        fprintf(stderr, "usage: fit LEARNER|passes FILE.tsv [NAME=VALUE...]\n");
        return 2;
    }
    aglm_rc rc = read_rows(&d, argv[2], &err);
    if (rc == AGLM_OK) {
        f.docs = aglm_dataset_size(d);
        f.labels = aglm_dataset_n_labels(d);
        rc = ops ? fit_learner(ops, d, argv + 3, &f, &err) : fit_passes(d, &f, &err);
    }
    aglm_dataset_free(d);
    if (rc != AGLM_OK) {
        fprintf(stderr, "fit: %s\n", err.msg);
        return 1;
    }
    printf(
        "docs %zu labels %zu features %zu features_s %.6f fit_s %.6f steps %u model_bytes %llu\n",
        f.docs, f.labels, f.features, f.features_s, f.fit_s, f.steps,
        (unsigned long long)f.model_bytes);
    return 0;
}
