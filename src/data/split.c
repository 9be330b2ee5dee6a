#include "data/split.h"

#include <stdlib.h>

#include "base/hash.h"
#include "base/memory.h"

#define FOLD_SALT 0x464f4c44ULL
#define ORDER_SALT 0x4f524445ULL
#define TENTHS 10

typedef struct item {
    uint64_t key;
    uint32_t stratum;
    uint32_t doc;
    uint32_t rank, of; /* place in its stratum and size of that */
} item;

static aglm_rc nomem(size_t docs, aglm_error *err)
{
    return aglm_error_set(err, AGLM_NOMEM, "splitting %zu documents: out of memory", docs);
}

/* A document's rarest label; one more than the last for documents without labels. */
static uint32_t stratum_of(const aglm_doc *doc, const uint32_t *docs_of, size_t n_labels)
{
    uint32_t best = (uint32_t)n_labels;

    for (uint32_t k = 0; k < doc->n_labels; k++)
        if (best == n_labels || docs_of[doc->labels[k]] < docs_of[best])
            best = doc->labels[k];
    return best;
}

static int by_value(const void *a, const void *b)
{
    double x = *(const double *)a;
    double y = *(const double *)b;

    return (x > y) - (x < y);
}

/* Numbers to predict are stratified by the tenth that they are in. */
static aglm_rc cut_targets(const aglm_dataset *d, double cuts[TENTHS - 1], aglm_error *err)
{
    const size_t n = aglm_dataset_size(d);
    double *v = aglm_calloc(n, sizeof *v);

    if (!v)
        return nomem(n, err);
    for (size_t i = 0; i < n; i++)
        v[i] = aglm_dataset_target(d, i);
    if (n > 1)
        qsort(v, n, sizeof *v, by_value);
    for (size_t k = 0; k + 1 < TENTHS && n; k++)
        cuts[k] = v[(k + 1) * n / TENTHS];
    free(v);
    return AGLM_OK;
}

static aglm_rc stratify_targets(const aglm_dataset *d, item *v, aglm_error *err)
{
    double cuts[TENTHS - 1];
    aglm_rc rc = cut_targets(d, cuts, err);

    for (size_t i = 0; !rc && i < aglm_dataset_size(d); i++)
        for (size_t k = v[i].stratum = 0; k + 1 < TENTHS; k++)
            v[i].stratum += aglm_dataset_target(d, i) >= cuts[k];
    return rc;
}

static aglm_rc make_items(const aglm_dataset *d, uint64_t seed, item **out, aglm_error *err)
{
    const size_t n = aglm_dataset_size(d);
    const size_t n_labels = aglm_dataset_n_labels(d);
    item *v = aglm_calloc(n, sizeof *v);
    uint32_t *docs_of = aglm_calloc(n_labels + 1, sizeof *docs_of);

    *out = v;
    if (!v || !docs_of) {
        free(docs_of);
        return nomem(n, err);
    }
    for (size_t i = 0; i < n; i++) {
        aglm_doc doc = aglm_dataset_doc(d, i);
        for (uint32_t k = 0; k < doc.n_labels; k++)
            docs_of[doc.labels[k]]++;
    }
    for (size_t i = 0; i < n; i++) {
        aglm_doc doc = aglm_dataset_doc(d, i);
        v[i] = (item){.key = aglm_mix64(aglm_dataset_key(d, i) ^ aglm_mix64(seed)),
                      .stratum = stratum_of(&doc, docs_of, n_labels),
                      .doc = (uint32_t)i};
    }
    free(docs_of);
    return aglm_dataset_task(d) == AGLM_TASK_REGRESSION ? stratify_targets(d, v, err) : AGLM_OK;
}

static int compare(uint64_t a, uint64_t b)
{
    return (a > b) - (a < b);
}

static int by_key(const void *a, const void *b)
{
    const item *x = a;
    const item *y = b;
    int c = compare(x->key, y->key);

    if (!c)
        c = compare(x->stratum, y->stratum);
    return c ? c : compare(x->doc, y->doc);
}

static int by_stratum(const void *a, const void *b)
{
    const item *x = a;
    const item *y = b;
    int c = compare(x->stratum, y->stratum);

    return c ? c : by_key(a, b);
}

/* (2 rank + 1) / (2 of), compared without rounding. */
static int by_place(const void *a, const void *b)
{
    const item *x = a;
    const item *y = b;
    int c = compare((2 * (uint64_t)x->rank + 1) * y->of, (2 * (uint64_t)y->rank + 1) * x->of);

    return c ? c : by_key(a, b);
}

static void sort(item *v, size_t n, int (*by)(const void *, const void *))
{
    if (n > 1)
        qsort(v, n, sizeof *v, by);
}

/* Documents of one text are a group, which stands where its first stratum does. */
static void join_groups(item *v, size_t n)
{
    sort(v, n, by_key);
    for (size_t i = 1; i < n; i++)
        if (v[i].key == v[i - 1].key)
            v[i].stratum = v[i - 1].stratum;
}

aglm_rc aglm_split_folds(const aglm_dataset *d, unsigned folds, uint64_t seed, uint8_t *fold_of,
                         aglm_error *err)
{
    const size_t n = aglm_dataset_size(d);
    item *v = NULL;

    if (folds < 2 || folds > 255)
        return aglm_error_set(err, AGLM_INVALID, "%u folds; 2 to 255 are possible", folds);
    aglm_rc rc = make_items(d, seed ^ FOLD_SALT, &v, err);
    if (!rc) {
        unsigned fold = 0;
        join_groups(v, n);
        sort(v, n, by_stratum);
        /* Dealt out in turn, over all strata, so that small ones do not all begin with fold 0. */
        for (size_t i = 0; i < n; i++) {
            if (i && v[i].key != v[i - 1].key)
                fold = (fold + 1) % folds;
            fold_of[v[i].doc] = (uint8_t)fold;
        }
    }
    free(v);
    return rc;
}

static void rank_strata(item *v, size_t n)
{
    for (size_t begin = 0, end; begin < n; begin = end) {
        for (end = begin; end < n && v[end].stratum == v[begin].stratum; end++)
            v[end].rank = (uint32_t)(end - begin);
        for (size_t i = begin; i < end; i++)
            v[i].of = (uint32_t)(end - begin);
    }
}

aglm_rc aglm_split_order(const aglm_dataset *d, uint64_t seed, uint32_t *order, aglm_error *err)
{
    const size_t n = aglm_dataset_size(d);
    item *v = NULL;

    aglm_rc rc = make_items(d, seed ^ ORDER_SALT, &v, err);
    if (!rc) {
        sort(v, n, by_stratum);
        rank_strata(v, n);
        sort(v, n, by_place);
        for (size_t i = 0; i < n; i++)
            order[i] = v[i].doc;
    }
    free(v);
    return rc;
}
