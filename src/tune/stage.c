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
/* The first of growing parts: half a second of one-vs-rest, yet some documents a label. */
#define WORK_FIRST_PART 25e6
#define FIRST_PART_DOCS 1000
#define FIRST_PART_DOCS_A_LABEL 4
#define PARTS_MIN 3
#define PARTS_MAX 10
/* Documents to test a stage on: this many give accuracy to 0.2 points, and more cost memory and
 * time; the early stages need no more than separates good from bad. */
#define TEST_MAX 50000
#define TEST_EARLY 5000

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

static void plan_fractions(aglm_stage_plan *p, const aglm_dataset *d)
{
    double work = work_of(d), docs = (double)p->docs;
    double least = FIRST_PART_DOCS + FIRST_PART_DOCS_A_LABEL * (double)aglm_dataset_n_labels(d);
    int64_t whole = 9, step = 1;

    for (p->n_stages = PARTS_MIN; p->n_stages < PARTS_MAX; p->n_stages++, whole *= 3)
        if (work / (double)whole <= WORK_FIRST_PART || docs / (3.0 * (double)whole) < least)
            break;
    for (unsigned i = 0; i < p->n_stages; i++, step *= 3)
        p->stages[i] = (aglm_stage){
            .fold = 0, .fraction = (double)step / (double)whole, .step = step};
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

/* Which documents are ever tested on. */
static aglm_rc list_measured(aglm_stage_plan *p, aglm_error *err)
{
    uint32_t *rows = aglm_calloc(p->docs, sizeof *rows);
    bool *tested = aglm_calloc(p->docs, sizeof *tested);
    size_t n = 0;

    p->measured = aglm_calloc(p->docs, sizeof *p->measured);
    p->place = aglm_calloc(p->docs, sizeof *p->place);
    bool made = rows && tested && p->measured && p->place;
    for (unsigned s = 0; made && s < p->n_stages; s++) {
        n = aglm_stage_test_rows(p, s, rows);
        for (size_t i = 0; i < n; i++)
            tested[rows[i]] = true;
    }
    for (size_t i = 0; made && i < p->docs; i++) {
        p->place[i] = (uint32_t)p->n_measured;
        if (tested[i])
            p->measured[p->n_measured++] = (uint32_t)i;
    }
    free(rows);
    free(tested);
    return made ? AGLM_OK
                : aglm_error_set(err, AGLM_NOMEM, "out of memory for the stages of %zu documents",
                                 p->docs);
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
        plan_fractions(p, d);
    if ((rc = list_measured(p, err)) == AGLM_OK)
        return AGLM_OK;
fail:
    aglm_stage_plan_clear(p);
    return rc;
}

void aglm_stage_plan_clear(aglm_stage_plan *p)
{
    free(p->fold_of);
    free(p->order);
    free(p->measured);
    free(p->place);
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

bool aglm_stage_plan_grows(const aglm_stage_plan *p)
{
    return p->folds == 1;
}

static size_t part_of(const aglm_stage *s, size_t n)
{
    return (size_t)ceil((double)n * s->fraction);
}

size_t aglm_stage_train_rows(const aglm_stage_plan *p, unsigned stage, uint32_t *rows)
{
    size_t n = rows_of(p, p->stages[stage].fold, false, rows);

    return part_of(&p->stages[stage], n);
}

size_t aglm_stage_test_rows(const aglm_stage_plan *p, unsigned stage, uint32_t *rows)
{
    const aglm_stage *s = &p->stages[stage];
    size_t n = rows_of(p, s->fold, true, rows), most = TEST_MAX;

    if (s->fraction < 1) {
        most = part_of(s, p->docs - n);
        most = most < TEST_EARLY ? TEST_EARLY : most > TEST_MAX ? TEST_MAX : most;
    }
    return aglm_stage_plan_grows(p) && n > most ? most : n;
}

double aglm_stage_share(const aglm_stage_plan *p)
{
    uint8_t fold = p->stages[p->n_stages - 1].fold;
    size_t train = 0;

    for (size_t i = 0; i < p->docs; i++)
        train += p->fold_of[i] != fold;
    return p->docs ? (double)train / (double)p->docs : 1.0;
}
