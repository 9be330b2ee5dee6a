#include "tune/stage.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "data/split.h"

/* Bytes times labels is what a one-vs-rest fit costs, about 25 ns each on one core of 2024: five
 * folds stay below some ten seconds, larger data is measured on one held-out part. */
#define WORK_FIVE_FOLDS 60e6
#define WORK_THREE_FOLDS 100e6
#define HOLDOUT_FOLDS 5

static double work_of(const aglm_dataset *d)
{
    double bytes = 0;
    size_t labels = aglm_dataset_n_labels(d);

    for (size_t i = 0; i < aglm_dataset_size(d); i++)
        bytes += aglm_dataset_doc(d, i).len;
    return bytes * (double)(labels < 4 ? 4 : labels);
}

static unsigned choose_folds(const aglm_dataset *d)
{
    double work = work_of(d);

    return work <= WORK_FIVE_FOLDS ? 5 : work <= WORK_THREE_FOLDS ? 3 : 1;
}

static void plan_folds(aglm_stage_plan *p)
{
    p->n_stages = p->folds;
    for (unsigned i = 0; i < p->folds; i++)
        p->stages[i] = (aglm_stage){.fold = (uint8_t)i, .fraction = 1.0, .step = i + 1};
}

static void plan_fractions(aglm_stage_plan *p)
{
    p->n_stages = 0;
    for (int ninths = 1; ninths <= 9; ninths *= 3)
        p->stages[p->n_stages++] = (aglm_stage){
            .fold = 0, .fraction = ninths / 9.0, .step = ninths};
}

/* Copies of a text share a fold, so few different texts leave folds empty: they are closed up. */
static aglm_rc close_up(aglm_stage_plan *p, unsigned parts, aglm_error *err)
{
    uint8_t renamed[UINT8_MAX + 1];
    bool used[UINT8_MAX + 1] = {false};
    unsigned n = 0;

    for (size_t i = 0; i < p->docs; i++)
        used[p->fold_of[i]] = true;
    for (unsigned f = 0; f < parts; f++)
        renamed[f] = (uint8_t)(used[f] ? n++ : 0);
    if (n < 2)
        return aglm_error_set(err, AGLM_FORMAT,
                              "all %zu documents have the same text; nothing can be learned",
                              p->docs);
    for (size_t i = 0; i < p->docs; i++)
        p->fold_of[i] = renamed[p->fold_of[i]];
    if (p->folds > 1)
        p->folds = n;
    return AGLM_OK;
}

static aglm_rc make_folds(aglm_stage_plan *p, const aglm_dataset *d, size_t n_valid, uint64_t seed,
                          aglm_error *err)
{
    unsigned parts = p->folds == 1 ? HOLDOUT_FOLDS : p->folds;

    if (p->folds > 1 || n_valid == 0) {
        aglm_rc rc = aglm_split_folds(d, parts, seed, p->fold_of, err);
        return rc == AGLM_OK ? close_up(p, parts, err) : rc;
    }
    memset(p->fold_of, 1, p->docs);
    memset(p->fold_of + (p->docs - n_valid), 0, n_valid);
    return AGLM_OK;
}

aglm_rc aglm_stage_plan_init(aglm_stage_plan *p, const aglm_dataset *d, size_t n_valid,
                             unsigned folds, uint64_t seed, aglm_error *err)
{
    aglm_rc rc;

    memset(p, 0, sizeof *p);
    if (folds > 20)
        return aglm_error_set(err, AGLM_INVALID, "--folds %u: at most 20", folds);
    p->docs = aglm_dataset_size(d);
    p->folds = folds ? folds : choose_folds(d);
    p->fold_of = aglm_calloc(p->docs, 1);
    p->order = aglm_calloc(p->docs, sizeof *p->order);
    if (!p->fold_of || !p->order) {
        rc = aglm_error_set(err, AGLM_NOMEM, "out of memory for the folds of %zu documents",
                            p->docs);
        goto fail;
    }
    if ((rc = make_folds(p, d, n_valid, seed, err)) != AGLM_OK)
        goto fail;
    if ((rc = aglm_split_order(d, seed, p->order, err)) != AGLM_OK)
        goto fail;
    if (p->folds > 1)
        plan_folds(p);
    else
        plan_fractions(p);
    return AGLM_OK;
fail:
    aglm_stage_plan_clear(p);
    return rc;
}

void aglm_stage_plan_clear(aglm_stage_plan *p)
{
    free(p->fold_of);
    free(p->order);
    memset(p, 0, sizeof *p);
}

static size_t rows_of(const aglm_stage_plan *p, uint8_t fold, bool held_out, uint32_t *rows)
{
    size_t n = 0;

    for (size_t i = 0; i < p->docs; i++)
        if ((p->fold_of[p->order[i]] == fold) == held_out)
            rows[n++] = p->order[i];
    return n;
}

size_t aglm_stage_train_rows(const aglm_stage_plan *p, unsigned stage, uint32_t *rows)
{
    size_t n = rows_of(p, p->stages[stage].fold, false, rows);

    return (size_t)ceil((double)n * p->stages[stage].fraction);
}

size_t aglm_stage_test_rows(const aglm_stage_plan *p, unsigned stage, uint32_t *rows)
{
    return rows_of(p, p->stages[stage].fold, true, rows);
}

double aglm_stage_share(const aglm_stage_plan *p)
{
    uint8_t fold = p->stages[p->n_stages - 1].fold;
    size_t train = 0;

    for (size_t i = 0; i < p->docs; i++)
        train += p->fold_of[i] != fold;
    return p->docs ? (double)train / (double)p->docs : 1.0;
}
