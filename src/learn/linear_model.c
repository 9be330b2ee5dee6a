#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/hash.h"
#include "base/memory.h"
#include "learn/linear_priv.h"

/* The stored form: this header, then the sections in the order of the struct's pointers, each at a
 * multiple of 8, all in the byte order of x86-64 and aarch64. It is used in place, so nothing is
 * unpacked when a model is loaded. */
struct header {
    uint64_t magic;
    uint32_t version;
    uint32_t multi_label;
    uint64_t n_bytes;
    uint64_t checksum; /* of all bytes behind this field */
    uint32_t n_labels;
    uint32_t n_vectors;
    uint32_t weight_bytes;
    uint32_t bucket_bits;
    uint32_t n_features;
    uint32_t weighting;
    float group_scale[AGLM_FEATURES_GROUPS];
    float unit;
    uint8_t word_n, char_min, char_max, cjk_n, prefix_n, suffix_n, char_across, lower, punct, edges,
        shape, unused[5];
};

#define MAGIC 0x314e494c4d4c4741ULL /* "AGLMLIN1" */
#define VERSION 1u
#define MAX_LABELS (1u << 20)
#define MAX_FEATURES (UINT32_MAX / 8)
/* Where all features would take more, those that matter least are left out. */
#define MODEL_BYTES ((uint64_t)16 << 20)
#define WIDE_BYTES ((uint64_t)8 << 20) /* 16-bit weights while they stay below this, else 8-bit */

struct layout {
    uint64_t bucket, row, bias, weights, end;
};

static uint64_t aligned(uint64_t at)
{
    return (at + 7) & ~(uint64_t)7;
}

/* No sum here can overflow: features and labels are bounded as above. */
static struct layout lay_out(const struct header *h)
{
    struct layout l = {.bucket = aligned(sizeof *h)};

    l.row = aligned(l.bucket + 4 * (((uint64_t)1 << h->bucket_bits) + 1));
    l.bias = l.row + sizeof(aglm_linear_row) * (uint64_t)h->n_features;
    l.weights = aligned(l.bias + 4 * (uint64_t)h->n_vectors);
    l.end = aligned(l.weights + (uint64_t)h->n_features * h->n_vectors * h->weight_bytes);
    return l;
}

static uint64_t checksum(const uint8_t *bytes, size_t n)
{
    size_t from = offsetof(struct header, checksum) + sizeof(uint64_t);

    return aglm_hash64(bytes + from, n - from, VERSION);
}

/* Points the sections of m into its bytes, whose header has been checked. */
static void bind(aglm_linear_model *m)
{
    struct header h;
    const uint8_t *b = m->bytes;

    memcpy(&h, b, sizeof h);
    struct layout l = lay_out(&h);
    m->base = (aglm_model){&aglm_learner_linear, h.n_labels, h.multi_label != 0};
    m->params.features = (aglm_feature_options){.word_n = h.word_n,
                                                .char_min = h.char_min,
                                                .char_max = h.char_max,
                                                .cjk_n = h.cjk_n,
                                                .prefix_n = h.prefix_n,
                                                .suffix_n = h.suffix_n,
                                                .char_across = h.char_across != 0,
                                                .lower = h.lower != 0,
                                                .punct = h.punct != 0,
                                                .edges = h.edges != 0,
                                                .shape = h.shape != 0};
    m->params.weighting = (aglm_weighting)h.weighting;
    memcpy(m->params.group_scale, h.group_scale, sizeof h.group_scale);
    m->n_vectors = h.n_vectors;
    m->weight_bytes = h.weight_bytes;
    m->bucket_bits = h.bucket_bits;
    m->n_features = h.n_features;
    m->bucket = (const void *)(b + l.bucket);
    m->unit = h.unit;
    m->row = (const void *)(b + l.row);
    m->bias = (const void *)(b + l.bias);
    m->weights = b + l.weights;
}

static struct header header_of(const aglm_design *x, const aglm_linear_params *params)
{
    const aglm_feature_options *f = &params->features;
    struct header h = {
        .magic = MAGIC,
        .version = VERSION,
        .multi_label = x->multi_label,
        .n_labels = (uint32_t)x->n_labels,
        .n_vectors = (uint32_t)x->n_vectors,
        .n_features = (uint32_t)x->n_features,
        .weighting = params->weighting,
        .word_n = f->word_n,
        .char_min = f->char_min,
        .char_max = f->char_max,
        .cjk_n = f->cjk_n,
        .prefix_n = f->prefix_n,
        .suffix_n = f->suffix_n,
        .char_across = f->char_across,
        .lower = f->lower,
        .punct = f->punct,
        .edges = f->edges,
        .shape = f->shape,
    };

    memcpy(h.group_scale, params->group_scale, sizeof h.group_scale);
    if (h.n_vectors > 1)
        h.weight_bytes = 2 * (uint64_t)h.n_features * h.n_vectors <= WIDE_BYTES ? 2 : 1;
    return h;
}

static void set_size(struct header *h, uint32_t n_features)
{
    h->n_features = n_features;
    h->bucket_bits = 0;
    while (((uint64_t)4 << h->bucket_bits) <= n_features)
        h->bucket_bits++;
    h->n_bytes = lay_out(h).end;
}

size_t aglm_linear_total_lanes(size_t n_vectors)
{
    size_t rest = n_vectors % AGLM_LANES_MAX;

    return n_vectors - rest + (rest ? aglm_linear_lanes(rest) : 0);
}

static float largest_of(const float *w, size_t n)
{
    float largest = 0;

    for (size_t k = 0; k < n; k++)
        largest = fabsf(w[k]) > largest ? fabsf(w[k]) : largest;
    return largest;
}

/* The unit is such that the largest weight, or step, is near the top of what a half float holds. */
static float unit_of(const struct header *h, const float *w, size_t n)
{
    float range = h->weight_bytes == 2 ? 32767.0f : h->weight_bytes == 1 ? 127.0f : 1.0f;
    float unit = largest_of(w, n) / range / 32768.0f;

    return unit > 1e-30f ? unit : 1e-30f;
}

/* Weights of one column over the vectors, gathered from the blocks. */
static void gather_column(const float *w, size_t n_vectors, size_t n_cols, size_t column,
                          float *out)
{
    for (size_t k = 0; k < n_vectors; k += AGLM_LANES_MAX) {
        size_t lanes = aglm_linear_lanes(n_vectors - k);
        size_t n = n_vectors - k < lanes ? n_vectors - k : lanes;
        memcpy(out + k, w + k * n_cols + column * lanes, n * sizeof *out);
    }
}

/* Integer weights are multiples of a step, the row's largest weight over their range. Returns the
 * step in units of the model, rounded up so that no weight leaves the range. */
static uint16_t pack_row(const aglm_linear_model *m, void *at, const float *w)
{
    float range = m->weight_bytes == 2 ? 32767.0f : 127.0f;

    if (m->weight_bytes == 0)
        return aglm_half_pack((double)(w[0] / m->unit));
    uint16_t packed = aglm_half_pack((double)(largest_of(w, m->n_vectors) / range / m->unit) *
                                     1.001);
    float step = aglm_half_unpack(packed) * m->unit;
    for (size_t k = 0; k < m->n_vectors; k++) {
        int16_t q = (int16_t)nearbyintf(w[k] / step);
        if (m->weight_bytes == 2)
            ((int16_t *)at)[k] = q;
        else
            ((int8_t *)at)[k] = (int8_t)q;
    }
    return packed;
}

/* What leaving out a column would change in all documents' logits together: squared weights times
 * squared strength times documents. */
static float importance_of(const aglm_design *x, const float *w, size_t column, float *w_row)
{
    float scale = aglm_half_unpack(x->scale[column]), sum = 0;

    gather_column(w, x->n_vectors, x->x.n_cols, column, w_row);
    for (size_t k = 0; k < x->n_vectors; k++)
        sum += w_row[k] * w_row[k];
    return sum * scale * scale * (float)x->df[column];
}

static int compare_down(const void *a, const void *b)
{
    float x = *(const float *)a, y = *(const float *)b;

    return (x < y) - (x > y);
}

/* Takes the columns of least importance out of x->column_of until the model has a size to live
 * with. */
static aglm_rc prune(aglm_design *x, const struct header *h, const float *w, float *w_row)
{
    uint64_t row = sizeof(aglm_linear_row) + (uint64_t)h->n_vectors * h->weight_bytes + 2;
    size_t most = MODEL_BYTES / row, n = 0;

    if (most >= x->n_features)
        return AGLM_OK;
    float *worth = aglm_calloc(x->n_features, sizeof *worth);
    float *sorted = aglm_calloc(x->n_features, sizeof *sorted);
    for (size_t c = 0; worth && sorted && c < x->n_features; c++)
        sorted[c] = worth[c] = importance_of(x, w, c, w_row);
    if (worth && sorted) {
        qsort(sorted, x->n_features, sizeof *sorted, compare_down);
        for (size_t c = 0; c < x->n_features; c++) {
            bool kept = worth[c] > sorted[most] && n++ < most;
            if (!kept)
                x->column_of[x->feature_of[c]] = AGLM_NO_COLUMN;
        }
    }
    bool made = worth && sorted;
    free(worth);
    free(sorted);
    return made ? AGLM_OK : AGLM_NOMEM;
}

static uint32_t count_kept(const aglm_design *x)
{
    uint32_t n = 0;

    for (size_t c = 0; c < x->n_features; c++)
        n += x->column_of[x->feature_of[c]] != AGLM_NO_COLUMN;
    return n;
}

/* Rows stand by ascending hash; w_row is scratch of n_vectors. */
static void pack_features(aglm_linear_model *m, const struct layout *l, const aglm_design *x,
                          const float *w, float *w_row)
{
    size_t n = 0;
    uint32_t *bucket = (void *)(m->bytes + l->bucket);
    aglm_linear_row *rows = (void *)(m->bytes + l->row);

    for (size_t i = 0; i < x->matrix->n_features; i++) {
        uint32_t feature = x->matrix->by_hash[i];
        uint32_t column = x->column_of[feature];
        if (column == AGLM_NO_COLUMN)
            continue;
        uint64_t hash = x->matrix->hash[feature];
        bucket[aglm_linear_bucket(m, hash) + 1]++;
        rows[n].tag = (uint32_t)(hash << m->bucket_bits >> 32);
        rows[n].scale = x->scale[column];
        gather_column(w, m->n_vectors, x->x.n_cols, column, w_row);
        rows[n].weight = pack_row(m, m->bytes + l->weights + n * m->n_vectors * m->weight_bytes,
                                  w_row);
        n++;
    }
    for (size_t b = 1; b <= (size_t)1 << m->bucket_bits; b++)
        bucket[b] += bucket[b - 1];
    gather_column(w, m->n_vectors, x->x.n_cols, x->n_features, (void *)(m->bytes + l->bias));
}

static aglm_rc make_model(aglm_linear_model **out, const struct header *h, aglm_error *err)
{
    aglm_linear_model *m = aglm_calloc(1, sizeof *m);

    *out = m;
    if (m)
        m->bytes = aglm_calloc_aligned(h->n_bytes + AGLM_LINEAR_SLACK, 1);
    if (!m || !m->bytes) {
        free(m);
        *out = NULL;
        return aglm_error_set(err, AGLM_NOMEM, "out of memory for a model of %llu bytes",
                              (unsigned long long)h->n_bytes);
    }
    m->n_bytes = h->n_bytes;
    memcpy(m->bytes, h, sizeof *h);
    bind(m);
    return AGLM_OK;
}

aglm_rc aglm_linear_pack(aglm_linear_model **out, aglm_design *x, const aglm_linear_params *params,
                         const float *w, aglm_error *err)
{
    struct header h = header_of(x, params);
    float *w_row = aglm_calloc(h.n_vectors, sizeof *w_row);
    aglm_rc rc = w_row ? prune(x, &h, w, w_row) : AGLM_NOMEM;

    *out = NULL;
    if (rc) {
        free(w_row);
        return aglm_error_set(err, rc, "out of memory to pack a model");
    }
    set_size(&h, count_kept(x));
    h.unit = unit_of(&h, w, aglm_linear_total_lanes(x->n_vectors) * x->x.n_cols);
    if ((rc = make_model(out, &h, err)) == AGLM_OK) {
        struct layout l = lay_out(&h);
        pack_features(*out, &l, x, w, w_row);
        h.checksum = checksum((*out)->bytes, h.n_bytes);
        memcpy((*out)->bytes, &h, sizeof h);
    }
    free(w_row);
    return rc;
}

/* The header's numbers against each other and against n. */
static aglm_rc check_header(const struct header *h, size_t n, aglm_error *err)
{
    if (h->magic != MAGIC)
        return aglm_error_set(err, AGLM_FORMAT,
                              "byte 0: not a linear model (or of another byte order)");
    if (h->version != VERSION)
        return aglm_error_set(err, AGLM_FORMAT,
                              "byte 8: linear model of version %u, this program reads version %u",
                              h->version, VERSION);
    if (h->n_labels < 1 || h->n_labels > MAX_LABELS || h->multi_label > 1 ||
        h->n_vectors != (h->n_labels == 2 && !h->multi_label ? 1 : h->n_labels))
        return aglm_error_set(err, AGLM_FORMAT, "byte 32: %u labels with %u vectors", h->n_labels,
                              h->n_vectors);
    if (h->weight_bytes > 2 || (h->weight_bytes == 0) != (h->n_vectors == 1))
        return aglm_error_set(err, AGLM_FORMAT, "byte 40: %u vectors of weights of %u bytes",
                              h->n_vectors, h->weight_bytes);
    if (!(h->unit > 0 && h->unit < 1e30f))
        return aglm_error_set(err, AGLM_FORMAT, "byte 76: unit of the weights out of range");
    if (h->bucket_bits > 28 || h->n_features > MAX_FEATURES || h->weighting >= AGLM_WEIGHTINGS)
        return aglm_error_set(err, AGLM_FORMAT,
                              "byte 44: %u bucket bits, %u features, weighting %u: out of range",
                              h->bucket_bits, h->n_features, h->weighting);
    if (h->n_bytes != n || lay_out(h).end != n)
        return aglm_error_set(err, AGLM_FORMAT,
                              "byte 16: the model has %llu bytes, its header says %llu",
                              (unsigned long long)n, (unsigned long long)h->n_bytes);
    for (unsigned g = 0; g < AGLM_FEATURES_GROUPS; g++) {
        if (!(h->group_scale[g] >= 0 && h->group_scale[g] <= 1e6f))
            return aglm_error_set(err, AGLM_FORMAT,
                                  "byte 56: scale of feature group %u out of range", g);
    }
    return AGLM_OK;
}

/* What look-ups rely on: buckets ascend and end with the last feature. Then numbers that could make
 * a logit no number. */
static aglm_rc check_sections(const aglm_linear_model *m, aglm_error *err)
{
    size_t n_buckets = (size_t)1 << m->bucket_bits;

    if (m->bucket[0] != 0 || m->bucket[n_buckets] != m->n_features)
        return aglm_error_set(err, AGLM_FORMAT, "byte %zu: the buckets do not hold the features",
                              (size_t)((const uint8_t *)m->bucket - m->bytes));
    for (size_t b = 0; b < n_buckets; b++) {
        if (m->bucket[b] > m->bucket[b + 1])
            return aglm_error_set(err, AGLM_FORMAT, "byte %zu: buckets do not ascend",
                                  (size_t)((const uint8_t *)(m->bucket + b) - m->bytes));
    }
    for (size_t k = 0; k < m->n_vectors; k++) {
        if (!isfinite(m->bias[k]))
            return aglm_error_set(err, AGLM_FORMAT, "byte %zu: not a finite number",
                                  (size_t)((const uint8_t *)(m->bias + k) - m->bytes));
    }
    return AGLM_OK;
}

static aglm_rc check_bytes(const void *bytes, size_t n, aglm_error *err)
{
    struct header h;

    if (n < sizeof h)
        return aglm_error_set(err, AGLM_FORMAT, "byte %zu: the model ends inside its header", n);
    memcpy(&h, bytes, sizeof h);
    aglm_rc rc = check_header(&h, n, err);
    if (!rc && checksum(bytes, n) != h.checksum)
        rc = aglm_error_set(err, AGLM_FORMAT,
                            "byte 24: the checksum does not match: the model is damaged");
    return rc;
}

aglm_rc aglm_linear_load(aglm_model **out, const void *bytes, size_t n, aglm_error *err)
{
    aglm_rc rc = check_bytes(bytes, n, err);

    *out = NULL;
    if (rc)
        return rc;
    aglm_linear_model *m = aglm_calloc(1, sizeof *m);
    if (m)
        m->bytes = aglm_calloc_aligned(n + AGLM_LINEAR_SLACK, 1);
    if (!m || !m->bytes) {
        free(m);
        return aglm_error_set(err, AGLM_NOMEM, "out of memory for a model of %zu bytes", n);
    }
    memcpy(m->bytes, bytes, n);
    m->n_bytes = n;
    bind(m);
    rc = check_sections(m, err);
    if (rc)
        aglm_linear_free(&m->base);
    else
        *out = &m->base;
    return rc;
}

void aglm_linear_free(aglm_model *model)
{
    aglm_linear_model *m = (aglm_linear_model *)model;

    free(m->bytes);
    free(m);
}
