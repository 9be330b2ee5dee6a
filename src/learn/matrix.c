#include "learn/matrix.h"

#include <stdlib.h>

#include "base/memory.h"

/* An open-addressing table from hash to feature number. `entry` is where the feature stood last, so
 * that a repeat within the row at hand is found without a second look-up. */
struct slot {
    uint64_t hash; /* 0: empty */
    uint32_t feature;
    uint32_t entry;
};

struct builder {
    aglm_matrix *m;
    const aglm_matrix_limits *limits;
    struct slot *slots;
    size_t mask; /* slots - 1, a power of two less one */
    size_t cap_features;
    size_t cap_groups;
    size_t cap_entries;
    size_t cap_counts;
};

#define MAX_ENTRIES UINT32_MAX
#define MAX_FEATURES (UINT32_MAX / 4)
#define FIRST_SLOTS ((size_t)1 << 14)

static uint64_t memory_held(const struct builder *b)
{
    return (b->mask + 1) * sizeof *b->slots + b->cap_features * sizeof *b->m->hash + b->cap_groups +
           b->cap_entries * sizeof *b->m->feature + b->cap_counts * sizeof *b->m->count;
}

/* Growing copies: the old and the new array stand side by side for a moment. */
static aglm_rc check_memory(const struct builder *b, uint64_t more, aglm_error *err)
{
    uint64_t need = memory_held(b) + more;

    if (!b->limits->max_memory_bytes || need <= b->limits->max_memory_bytes)
        return AGLM_OK;
    return aglm_error_set(
        err, AGLM_LIMIT,
        "the features of the documents need over %llu MB, %llu MB are allowed; allow more or use "
        "shorter n-grams",
        (unsigned long long)(need >> 20), (unsigned long long)(b->limits->max_memory_bytes >> 20));
}

static struct slot *find_slot(const struct builder *b, uint64_t hash)
{
    size_t at = (hash >> 20) & b->mask;

    while (b->slots[at].hash && b->slots[at].hash != hash)
        at = (at + 1) & b->mask;
    return &b->slots[at];
}

static aglm_rc grow_slots(struct builder *b, aglm_error *err)
{
    struct slot *old = b->slots;
    size_t n_old = b->mask + 1;
    aglm_rc rc = check_memory(b, 2 * n_old * sizeof *old, err);

    if (rc)
        return rc;
    b->slots = aglm_calloc(2 * n_old, sizeof *old);
    if (!b->slots) {
        b->slots = old;
        return aglm_error_set(err, AGLM_NOMEM, "out of memory for %zu features", n_old);
    }
    b->mask = 2 * n_old - 1;
    for (size_t i = 0; i < n_old; i++) {
        if (old[i].hash)
            *find_slot(b, old[i].hash) = old[i];
    }
    free(old);
    return AGLM_OK;
}

static aglm_rc add_feature(struct builder *b, uint64_t hash, unsigned group, uint32_t *feature,
                           aglm_error *err)
{
    aglm_matrix *m = b->m;
    aglm_rc rc = AGLM_OK;

    if (2 * m->n_features >= b->mask)
        rc = grow_slots(b, err);
    if (!rc)
        rc = aglm_grow(&m->hash, &b->cap_features, m->n_features + 1, sizeof *m->hash,
                       MAX_FEATURES);
    if (!rc)
        rc = aglm_grow(&m->group_of, &b->cap_groups, m->n_features + 1, 1, MAX_FEATURES);
    if (rc)
        return aglm_error_set(err, rc, "no room for %zu features: %s", m->n_features + 1,
                              aglm_rc_text(rc));
    *feature = (uint32_t)m->n_features++;
    m->hash[*feature] = hash;
    m->group_of[*feature] = (uint8_t)group;
    return AGLM_OK;
}

/* Counts one occurrence; the caller has made room for the entry. */
static aglm_rc count_feature(struct builder *b, uint64_t hash, unsigned group, size_t row_begin,
                             aglm_error *err)
{
    aglm_matrix *m = b->m;
    struct slot *s = find_slot(b, hash ? hash : 1);

    if (s->hash) {
        if (s->entry >= row_begin) {
            m->count[s->entry] += m->count[s->entry] < UINT16_MAX;
            return AGLM_OK;
        }
    } else {
        uint32_t feature = 0;
        aglm_rc rc = add_feature(b, hash ? hash : 1, group, &feature, err);
        if (rc)
            return rc;
        s = find_slot(b, hash ? hash : 1); /* the table may have grown */
        *s = (struct slot){hash ? hash : 1, feature, 0};
    }
    s->entry = (uint32_t)m->n_entries;
    m->feature[m->n_entries] = s->feature;
    m->count[m->n_entries++] = 1;
    return AGLM_OK;
}

static aglm_rc reserve_entries(struct builder *b, size_t more, aglm_error *err)
{
    aglm_matrix *m = b->m;
    size_t need = m->n_entries + more;
    uint64_t grown = need > b->cap_entries ? need + need / 2 : 0;
    aglm_rc rc = check_memory(b, grown * (sizeof *m->feature + sizeof *m->count), err);

    if (rc)
        return rc;
    rc = aglm_grow(&m->feature, &b->cap_entries, need, sizeof *m->feature, MAX_ENTRIES);
    if (!rc)
        rc = aglm_grow(&m->count, &b->cap_counts, need, sizeof *m->count, MAX_ENTRIES);
    return rc ? aglm_error_set(err, rc, "no room for %zu feature counts: %s", need,
                               aglm_rc_text(rc))
              : AGLM_OK;
}

#define AHEAD 12

static aglm_rc add_row(struct builder *b, const aglm_feature_list *f, size_t row, aglm_error *err)
{
    size_t row_begin = b->m->n_entries;
    size_t i = 0;
    aglm_rc rc = reserve_entries(b, f->n, err);

    for (unsigned g = 0; !rc && g < AGLM_FEATURES_GROUPS; g++) {
        for (; !rc && i < f->group_end[g]; i++) {
            if (i + AHEAD < f->n)
                __builtin_prefetch(&b->slots[(f->hash[i + AHEAD] >> 20) & b->mask]);
            rc = count_feature(b, f->hash[i], g, row_begin, err);
        }
        b->m->group_end[row * AGLM_FEATURES_GROUPS + g] = (uint32_t)b->m->n_entries;
    }
    return rc;
}

static aglm_rc add_rows(struct builder *b, const aglm_dataset *d, aglm_extractor *x,
                        aglm_error *err)
{
    aglm_rc rc = AGLM_OK;

    for (size_t i = 0; !rc && i < b->m->n_rows; i++) {
        aglm_doc doc = aglm_dataset_doc(d, i);
        aglm_feature_list f;
        if (aglm_cancelled(b->limits->cancel))
            return aglm_error_set(err, AGLM_CANCELLED, "stopped while finding features");
        rc = aglm_extractor_run(x, doc.text, doc.len, &f, err);
        if (!rc)
            rc = add_row(b, &f, i, err);
    }
    return rc;
}

/* Hashes are spread evenly: about one falls into each bucket of top bits, and insertion puts the
 * rest in order. */
static aglm_rc sort_by_hash(aglm_matrix *m, aglm_error *err)
{
    unsigned bits = 1;

    while (bits < 30 && ((size_t)1 << bits) < m->n_features)
        bits++;
    uint32_t *at = aglm_calloc(((size_t)1 << bits) + 1, sizeof *at);
    m->by_hash = aglm_calloc(m->n_features, sizeof *m->by_hash);
    if (!at || !m->by_hash) {
        free(at);
        return aglm_error_set(err, AGLM_NOMEM, "out of memory for %zu features", m->n_features);
    }
    for (size_t f = 0; f < m->n_features; f++)
        at[(m->hash[f] >> (64 - bits)) + 1]++;
    for (size_t b = 1; b <= (size_t)1 << bits; b++)
        at[b] += at[b - 1];
    for (uint32_t f = 0; f < m->n_features; f++)
        m->by_hash[at[m->hash[f] >> (64 - bits)]++] = f;
    free(at);
    for (size_t i = 1; i < m->n_features; i++) {
        uint32_t f = m->by_hash[i];
        size_t j = i;
        for (; j > 0 && m->hash[m->by_hash[j - 1]] > m->hash[f]; j--)
            m->by_hash[j] = m->by_hash[j - 1];
        m->by_hash[j] = f;
    }
    return AGLM_OK;
}

aglm_rc aglm_matrix_new(aglm_matrix **out, const aglm_dataset *d,
                        const aglm_feature_options *options, const aglm_matrix_limits *limits,
                        aglm_error *err)
{
    struct builder b = {.limits = limits, .mask = FIRST_SLOTS - 1};
    aglm_extractor *x = NULL;
    aglm_rc rc = AGLM_NOMEM;

    *out = NULL;
    b.m = aglm_calloc(1, sizeof *b.m);
    b.slots = aglm_calloc(FIRST_SLOTS, sizeof *b.slots);
    if (!b.m || !b.slots)
        goto done;
    b.m->n_rows = aglm_dataset_size(d);
    b.m->group_end = aglm_calloc(b.m->n_rows * AGLM_FEATURES_GROUPS, sizeof *b.m->group_end);
    if (!b.m->group_end)
        goto done;
    rc = aglm_extractor_new(&x, options, false, err);
    if (!rc)
        rc = add_rows(&b, d, x, err);
    if (!rc)
        rc = sort_by_hash(b.m, err);
done:
    if (rc == AGLM_NOMEM)
        aglm_error_set(err, rc, "out of memory for the features of %zu documents",
                       aglm_dataset_size(d));
    if (rc)
        aglm_matrix_free(b.m);
    else
        *out = b.m;
    aglm_extractor_free(x);
    free(b.slots);
    return rc;
}

void aglm_matrix_free(aglm_matrix *m)
{
    if (!m)
        return;
    free(m->hash);
    free(m->group_of);
    free(m->by_hash);
    free(m->group_end);
    free(m->feature);
    free(m->count);
    free(m);
}
