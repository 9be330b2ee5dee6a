#include "learn/embed_form.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/hash.h"
#include "base/memory.h"
#include "learn/tag.h"

#define MAGIC "AGLMEMB1"
#define HEAD 64
#define MAX_LABELS ((uint32_t)1 << 20)
#define MAX_DIM 1024
#define MAX_ROWS ((uint32_t)1 << 28)
#define MAX_BUCKET_BITS 24
#define MIN_EXPONENT (-120)
#define MAX_EXPONENT 100

enum { FLAG_MULTI_LABEL = 1, FLAG_FOLDED = 2, FLAGS_ALL = 3 };
enum {
    AT_LABELS = 8,
    AT_DIM = 12,
    AT_ROWS = 16,
    AT_FLAGS = 20,
    AT_BITS = 24,
    AT_OPTIONS = 28,
    AT_SIZE = 40,
    AT_SUM = 48
};

/* Where each section begins. */
typedef struct layout {
    uint64_t bias, out, bucket, key, record, end;
} layout;

static uint64_t place(uint64_t *end, uint64_t bytes)
{
    uint64_t at = (*end + 63) / 64 * 64;

    *end = at + bytes;
    return at;
}

static layout lay_out(const aglm_embed_form *f)
{
    layout l = {.end = HEAD};
    uint64_t width = AGLM_LANES_UP((uint64_t)f->dim);

    l.bias = place(&l.end, (uint64_t)f->labels * sizeof(float));
    l.out = place(&l.end, f->folded ? 0 : f->labels * width * sizeof(float));
    l.bucket = place(&l.end, (((uint64_t)1 << f->bucket_bits) + 1) * sizeof(uint32_t));
    l.key = place(&l.end, (uint64_t)f->rows * sizeof(uint32_t));
    l.record = place(&l.end,
                     (uint64_t)f->rows * f->stride + AGLM_LANES); /* gather_bytes may read behind */
    return l;
}

static void point_into(aglm_embed_form *f, const layout *l, const uint8_t *bytes)
{
    f->bias = (const float *)(const void *)(bytes + l->bias);
    f->out = f->folded ? NULL : (const float *)(const void *)(bytes + l->out);
    f->bucket = (const uint32_t *)(const void *)(bytes + l->bucket);
    f->key = (const uint32_t *)(const void *)(bytes + l->key);
    f->record = (const int8_t *)(bytes + l->record);
}

size_t aglm_embed_form_max_rows(uint64_t bytes, uint32_t labels, uint32_t dim)
{
    uint64_t columns = labels < dim ? labels : dim;

    return (size_t)(bytes / (columns + 9)); /* worth, exponent, key, and its part of a bucket */
}

/* --- writing --- */

static uint64_t bucket_of(uint64_t hash, uint32_t bits)
{
    return bits ? hash >> (64 - bits) : 0;
}

/* A row's values before they are rounded. */
static void row_values(const aglm_embed_form *f, const aglm_embed_net *net, uint32_t row, float *v)
{
    const float *in = net->in + (size_t)row * net->width;
    float mean = 0;

    if (!f->folded) {
        memcpy(v, in, net->dim * sizeof *v);
        return;
    }
    aglm_kernels_best()->matvec(v, net->out, net->labels, in, net->width);
    if (f->multi_label)
        return;
    for (size_t l = 0; l < net->labels; l++)
        mean += v[l];
    mean /= (float)net->labels;
    for (size_t l = 0; l < net->labels; l++)
        v[l] -= mean;
}

/* The least power of two that brings the largest value to at most 127. */
static int8_t choose_exponent(const float *v, size_t n)
{
    float max = 0;
    int e;

    for (size_t i = 0; i < n; i++)
        max = fabsf(v[i]) > max ? fabsf(v[i]) : max;
    if (max < 1e-30f)
        return MIN_EXPONENT;
    frexpf(max / 127, &e);
    if (ldexpf(127, e - 1) >= max)
        e--;
    return (int8_t)(e > MAX_EXPONENT ? MAX_EXPONENT : e < MIN_EXPONENT ? MIN_EXPONENT : e);
}

static void write_record(const aglm_embed_form *f, int8_t *record, uint8_t worth, const float *v)
{
    int8_t e = choose_exponent(v, f->columns);

    record[0] = (int8_t)worth;
    record[1] = e;
    for (size_t i = 0; i < f->columns; i++) {
        float q = rintf(ldexpf(v[i], -e));
        record[2 + i] = (int8_t)(q > 127 ? 127 : q < -127 ? -127 : q);
    }
}

/* By ascending hash, so by bucket. */
static void write_rows(const aglm_embed_form *f, uint8_t *bytes, const layout *l,
                       const aglm_embed_source *source, float *v)
{
    const aglm_embed_net *net = source->net;
    const aglm_matrix *matrix = source->matrix;
    uint32_t *bucket = (uint32_t *)(void *)(bytes + l->bucket);
    uint32_t *key = (uint32_t *)(void *)(bytes + l->key);
    uint64_t next = 0;
    uint32_t at = 0;

    for (size_t i = 0; i < matrix->n_features; i++) {
        uint32_t feature = matrix->by_hash[i];
        uint32_t row = net->row_of[feature];
        if (row == AGLM_EMBED_NONE)
            continue;
        for (uint64_t b = bucket_of(matrix->hash[feature], f->bucket_bits); next <= b; next++)
            bucket[next] = at;
        key[at] = (uint32_t)matrix->hash[feature];
        row_values(f, net, row, v);
        write_record(f, (int8_t *)bytes + l->record + at++ * f->stride, net->worth[row], v);
    }
    for (; next <= (uint64_t)1 << f->bucket_bits; next++)
        bucket[next] = at;
}

static void put32(uint8_t *bytes, uint32_t v)
{
    memcpy(bytes, &v, sizeof v);
}

static void put64(uint8_t *bytes, uint64_t v)
{
    memcpy(bytes, &v, sizeof v);
}

static void write_options(uint8_t *to, const aglm_feature_options *o)
{
    const uint8_t v[] = {o->word_n,   o->char_min, o->char_max,    o->cjk_n,
                         o->prefix_n, o->suffix_n, o->char_across, o->lower,
                         o->punct,    o->edges,    o->shape};

    memcpy(to, v, sizeof v);
}

static uint64_t check_sum(const uint8_t *bytes, size_t n)
{
    return aglm_hash64(bytes + HEAD, n - HEAD, aglm_hash64(bytes, AT_SUM, 0));
}

static void write_head(const aglm_embed_form *f, uint8_t *bytes, size_t n)
{
    memcpy(bytes, MAGIC, 8);
    put32(bytes + AT_LABELS, f->labels);
    put32(bytes + AT_DIM, f->dim);
    put32(bytes + AT_ROWS, f->rows);
    put32(bytes + AT_FLAGS,
          (f->multi_label ? FLAG_MULTI_LABEL : 0U) | (f->folded ? FLAG_FOLDED : 0U));
    put32(bytes + AT_BITS, f->bucket_bits);
    write_options(bytes + AT_OPTIONS, &f->options);
    put64(bytes + AT_SIZE, n);
    put64(bytes + AT_SUM, check_sum(bytes, n));
}

static aglm_embed_form form_of(const aglm_embed_source *source)
{
    const aglm_embed_net *net = source->net;
    aglm_embed_form f = {.labels = net->labels,
                         .dim = net->dim,
                         .rows = net->rows,
                         .multi_label = source->multi_label,
                         .options = *source->options};

    f.folded = net->labels <= net->dim;
    f.columns = f.folded ? net->labels : net->dim;
    f.stride = 2 + (size_t)f.columns;
    while (f.bucket_bits < MAX_BUCKET_BITS && (net->rows >> (f.bucket_bits + 2)) > 0)
        f.bucket_bits++;
    return f;
}

aglm_rc aglm_embed_form_write(void **bytes, size_t *n, const aglm_embed_source *source,
                              aglm_error *err)
{
    const aglm_embed_net *net = source->net;
    aglm_embed_form f = form_of(source);
    layout l = lay_out(&f);
    float *v = aglm_calloc(f.columns, sizeof *v);
    uint8_t *to = aglm_calloc_aligned(l.end, 1);

    if (!v || !to) {
        free(v);
        free(to);
        return aglm_error_set(err, AGLM_NOMEM, "saving an embedding of %u features: out of memory",
                              net->rows);
    }
    memcpy(to + l.bias, net->bias, f.labels * sizeof(float));
    if (!f.folded)
        memcpy(to + l.out, net->out, (size_t)f.labels * net->width * sizeof(float));
    write_rows(&f, to, &l, source, v);
    write_head(&f, to, l.end);
    free(v);
    *bytes = to;
    *n = l.end;
    return AGLM_OK;
}

/* --- reading --- */

static uint32_t get32(const uint8_t *bytes)
{
    uint32_t v;

    memcpy(&v, bytes, sizeof v);
    return v;
}

static uint64_t get64(const uint8_t *bytes)
{
    uint64_t v;

    memcpy(&v, bytes, sizeof v);
    return v;
}

static aglm_rc bad(aglm_error *err, size_t at, const char *what)
{
    return aglm_error_set(
        err, AGLM_FORMAT,
        "embedding model, byte %zu: %s; the file is damaged, make the bundle again", at, what);
}

static bool read_options(aglm_feature_options *o, const uint8_t *v)
{
    for (size_t i = 6; i < 11; i++)
        if (v[i] > 1)
            return false;
    *o = (aglm_feature_options){.word_n = v[0],
                                .char_min = v[1],
                                .char_max = v[2],
                                .cjk_n = v[3],
                                .prefix_n = v[4],
                                .suffix_n = v[5],
                                .char_across = v[6],
                                .lower = v[7],
                                .punct = v[8],
                                .edges = v[9],
                                .shape = v[10]};
    aglm_extractor *x = NULL;
    aglm_rc rc = aglm_extractor_new(&x, o, false, NULL);
    aglm_extractor_free(x);
    return rc != AGLM_INVALID;
}

static aglm_rc read_head(aglm_embed_form *f, const uint8_t *bytes, size_t n, aglm_error *err)
{
    if (n < HEAD || memcmp(bytes, MAGIC, 8) != 0)
        return bad(err, 0, "this is no embedding model of version 1");
    f->labels = get32(bytes + AT_LABELS);
    if (f->labels < 1 || f->labels > MAX_LABELS)
        return bad(err, AT_LABELS, "number of labels out of range");
    f->dim = get32(bytes + AT_DIM);
    if (f->dim < 1 || f->dim > MAX_DIM)
        return bad(err, AT_DIM, "dimension out of range");
    f->rows = get32(bytes + AT_ROWS);
    if (f->rows > MAX_ROWS)
        return bad(err, AT_ROWS, "number of features out of range");
    uint32_t flags = get32(bytes + AT_FLAGS);
    if (flags & ~(uint32_t)FLAGS_ALL)
        return bad(err, AT_FLAGS, "unknown flags");
    f->multi_label = flags & FLAG_MULTI_LABEL;
    f->folded = flags & FLAG_FOLDED;
    f->columns = f->folded ? f->labels : f->dim;
    f->stride = 2 + (size_t)f->columns;
    f->bucket_bits = get32(bytes + AT_BITS);
    if (f->bucket_bits > MAX_BUCKET_BITS)
        return bad(err, AT_BITS, "bucket bits out of range");
    if (!read_options(&f->options, bytes + AT_OPTIONS))
        return bad(err, AT_OPTIONS, "feature options out of range");
    return AGLM_OK;
}

static bool all_finite(const float *v, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (!isfinite(v[i]))
            return false;
    return true;
}

static aglm_rc check_sections(const aglm_embed_form *f, const layout *l, aglm_error *err)
{
    size_t buckets = (size_t)1 << f->bucket_bits;

    if (!all_finite(f->bias, f->labels))
        return bad(err, l->bias, "a bias is not finite");
    if (!f->folded && !all_finite(f->out, (size_t)f->labels * AGLM_LANES_UP(f->dim)))
        return bad(err, l->out, "a number of the output layer is not finite");
    for (size_t b = 0; b < buckets; b++)
        if (f->bucket[b] > f->bucket[b + 1])
            return bad(err, l->bucket + b * sizeof(uint32_t), "buckets out of order");
    if (f->bucket[0] != 0 || f->bucket[buckets] != f->rows)
        return bad(err, l->bucket, "buckets do not cover the features");
    for (size_t r = 0; r < f->rows; r++) {
        const int8_t e = f->record[r * f->stride + 1];
        if (e < MIN_EXPONENT || e > MAX_EXPONENT || f->record[r * f->stride] == 0)
            return bad(err, l->record + r * f->stride, "a feature's scale is out of range");
    }
    return AGLM_OK;
}

aglm_rc aglm_embed_form_read(aglm_embed_form *out, const void *bytes, size_t n, aglm_error *err)
{
    memset(out, 0, sizeof *out);
    aglm_rc rc = read_head(out, bytes, n, err);
    if (rc)
        return rc;
    layout l = lay_out(out);
    if (l.end != n || get64((const uint8_t *)bytes + AT_SIZE) != n)
        return bad(err, AT_SIZE, "its length is not what the head says");
    if (get64((const uint8_t *)bytes + AT_SUM) != check_sum(bytes, n))
        return bad(err, AT_SUM, "the checksum differs");
    point_into(out, &l, bytes);
    return check_sections(out, &l, err);
}

/* --- predicting --- */

static uint32_t find_in(const aglm_embed_form *f, uint64_t bucket, uint32_t key)
{
    uint32_t first = f->bucket[bucket];
    uint32_t at = aglm_tag_find(f->key + first, 1, f->bucket[bucket + 1] - first, key);

    return at == AGLM_NO_TAG ? AGLM_EMBED_NONE : first + at;
}

/* Some hashes at a time, in three walks, so that their memory is on its way together. */
void aglm_embed_form_find(const aglm_embed_form *f, const uint64_t *hash, size_t n, uint32_t *row)
{
    enum { TOGETHER = 32 };

    for (size_t at = 0; at < n; at += TOGETHER) {
        size_t end = at + TOGETHER < n ? at + TOGETHER : n;
        for (size_t i = at; i < end; i++)
            __builtin_prefetch(&f->bucket[bucket_of(hash[i], f->bucket_bits)]);
        for (size_t i = at; i < end; i++)
            __builtin_prefetch(&f->key[f->bucket[bucket_of(hash[i], f->bucket_bits)]]);
        for (size_t i = at; i < end; i++) {
            row[i] = find_in(f, bucket_of(hash[i], f->bucket_bits), (uint32_t)hash[i]);
            size_t known = row[i] == AGLM_EMBED_NONE ? 0 : row[i]; /* no branch to mispredict */
            __builtin_prefetch(&f->record[known * f->stride]);
        }
    }
}

/* 2^e for the exponents that forms may hold. */
static float power_of_two(int e)
{
    uint32_t bits = (uint32_t)(e + 127) << 23;
    float v;

    memcpy(&v, &bits, sizeof v);
    return v;
}

void aglm_embed_form_logits(const aglm_embed_form *f, aglm_embed_bag *bag, float *hidden,
                            float *logits)
{
    const aglm_kernels *k = aglm_kernels_best();
    const aglm_byte_table table = {.data = f->record + 2, .stride = f->stride, .width = f->columns};
    const aglm_row_list list = {.row = bag->row, .weight = bag->weight, .n = bag->n};

    for (size_t i = 0; i < bag->n; i++)
        bag->weight[i] *= power_of_two(f->record[bag->row[i] * f->stride + 1]);
    k->gather_bytes(hidden, &table, &list);
    if (f->folded)
        memcpy(logits, hidden, f->labels * sizeof *logits);
    else
        k->matvec(logits, f->out, f->labels, hidden, AGLM_LANES_UP((size_t)f->dim));
    for (size_t l = 0; l < f->labels; l++)
        logits[l] += f->bias[l];
}

float aglm_embed_form_part(const aglm_embed_form *f, uint32_t row, uint32_t label)
{
    const int8_t *v = f->record + row * f->stride + 2;
    float scale = power_of_two(v[-1]);
    float part = 0, mean = 0;

    if (f->folded)
        return scale * (float)v[label];
    for (size_t l = 0; l < f->labels; l++) {
        const float *out = f->out + l * AGLM_LANES_UP((size_t)f->dim);
        float sum = 0;
        for (size_t k = 0; k < f->dim; k++)
            sum += out[k] * (float)v[k];
        part = l == label ? sum : part;
        mean += sum / (float)f->labels;
    }
    return scale * (f->multi_label ? part : part - mean);
}
