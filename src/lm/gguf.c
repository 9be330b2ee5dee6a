#include "lm/gguf.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "base/file.h"
#include "base/map.h"

/* More than any model has. */
#define MAX_PAIRS 65536
#define MAX_TENSORS 65536
#define MAX_ELEMENTS ((uint64_t)1 << 28) /* of an array */
#define MAX_KEY 4096                     /* bytes of a key */
#define MAX_NAME 63                      /* bytes of a tensor's name: llama.cpp's own */
#define MAX_TEXT ((uint64_t)16 << 20)    /* bytes of a text */
#define MAX_MEMORY ((size_t)256 << 20)
#define MAX_ALIGNMENT ((uint64_t)1 << 20)

struct aglm_gguf {
    const uint8_t *bytes;
    uint64_t size;
    bool mapped;
    const char *origin;
    uint32_t version;
    uint64_t alignment;
    aglm_gguf_pair *pairs;
    size_t n_pairs;
    aglm_gguf_tensor *tensors;
    size_t n_tensors;
    aglm_map *keys, *names;
    aglm_arena arena;
};

typedef struct reader {
    aglm_gguf *g;
    uint64_t at;
} reader;

/* Weights a block and bytes a block, by the type's number in the file. */
static const struct {
    const char *name;
    uint32_t weights, bytes;
} TYPES[AGLM_GGUF_TYPES] = {
    [0] = {"F32", 1, 4},         [1] = {"F16", 1, 2},         [2] = {"Q4_0", 32, 18},
    [3] = {"Q4_1", 32, 20},      [6] = {"Q5_0", 32, 22},      [7] = {"Q5_1", 32, 24},
    [8] = {"Q8_0", 32, 34},      [9] = {"Q8_1", 32, 36},      [10] = {"Q2_K", 256, 84},
    [11] = {"Q3_K", 256, 110},   [12] = {"Q4_K", 256, 144},   [13] = {"Q5_K", 256, 176},
    [14] = {"Q6_K", 256, 210},   [15] = {"Q8_K", 256, 292},   [16] = {"IQ2_XXS", 256, 66},
    [17] = {"IQ2_XS", 256, 74},  [18] = {"IQ3_XXS", 256, 98}, [19] = {"IQ1_S", 256, 50},
    [20] = {"IQ4_NL", 32, 18},   [21] = {"IQ3_S", 256, 110},  [22] = {"IQ2_S", 256, 82},
    [23] = {"IQ4_XS", 256, 136}, [24] = {"I8", 1, 1},         [25] = {"I16", 1, 2},
    [26] = {"I32", 1, 4},        [27] = {"I64", 1, 8},        [28] = {"F64", 1, 8},
    [29] = {"IQ1_M", 256, 56},   [30] = {"BF16", 1, 2},       [34] = {"TQ1_0", 256, 54},
    [35] = {"TQ2_0", 256, 66},   [39] = {"MXFP4", 32, 17},    [40] = {"NVFP4", 64, 36},
    [41] = {"Q1_0", 128, 18},    [42] = {"Q2_0", 64, 18},
};

static const uint8_t KIND_BYTES[] = {
    [AGLM_GGUF_U8] = 1,   [AGLM_GGUF_I8] = 1,    [AGLM_GGUF_U16] = 2, [AGLM_GGUF_I16] = 2,
    [AGLM_GGUF_U32] = 4,  [AGLM_GGUF_I32] = 4,   [AGLM_GGUF_F32] = 4, [AGLM_GGUF_BOOL] = 1,
    [AGLM_GGUF_TEXT] = 0, [AGLM_GGUF_ARRAY] = 0, [AGLM_GGUF_U64] = 8, [AGLM_GGUF_I64] = 8,
    [AGLM_GGUF_F64] = 8,
};

const char *aglm_gguf_type_name(unsigned type)
{
    return type < AGLM_GGUF_TYPES ? TYPES[type].name : NULL;
}

/* ---- bytes ---- */

static aglm_rc wrong(const reader *r, const char *expected, aglm_error *err)
{
    return aglm_error_set(err, AGLM_FORMAT,
                          "%s: byte %llu of %llu: expected %s; the file is cut, damaged or no GGUF "
                          "model: fetch it again",
                          r->g->origin, (unsigned long long)r->at, (unsigned long long)r->g->size,
                          expected);
}

static aglm_rc too_many(const reader *r, const char *what, uint64_t n, uint64_t most,
                        aglm_error *err)
{
    return aglm_error_set(err, AGLM_LIMIT, "%s: byte %llu: %llu %s; at most %llu are taken",
                          r->g->origin, (unsigned long long)r->at, (unsigned long long)n, what,
                          (unsigned long long)most);
}

static uint64_t left(const reader *r)
{
    return r->g->size - r->at;
}

static uint64_t load_u64(const uint8_t *p)
{
    uint64_t v = 0;

    for (unsigned i = 0; i < 8; i++)
        v |= (uint64_t)p[i] << (8 * i);
    return v;
}

static uint32_t load_u32(const uint8_t *p)
{
    return (uint32_t)p[0] | (uint32_t)p[1] << 8 | (uint32_t)p[2] << 16 | (uint32_t)p[3] << 24;
}

static aglm_rc take_u32(reader *r, uint32_t *v, const char *what, aglm_error *err)
{
    if (left(r) < 4)
        return wrong(r, what, err);
    *v = load_u32(r->g->bytes + r->at);
    r->at += 4;
    return AGLM_OK;
}

static aglm_rc take_u64(reader *r, uint64_t *v, const char *what, aglm_error *err)
{
    if (left(r) < 8)
        return wrong(r, what, err);
    *v = load_u64(r->g->bytes + r->at);
    r->at += 8;
    return AGLM_OK;
}

/* A count that the file has room for: `each` bytes at least an item. */
static aglm_rc take_count(reader *r, uint64_t *n, uint64_t each, const char *what, uint64_t most,
                          aglm_error *err)
{
    aglm_rc rc = take_u64(r, n, what, err);

    if (rc == AGLM_OK && *n > left(r) / each) {
        r->at -= 8;
        return wrong(r, what, err);
    }
    return rc == AGLM_OK && *n > most ? too_many(r, what, *n, most, err) : rc;
}

static aglm_rc take_text(reader *r, const char **text, uint64_t *len, uint64_t most,
                         aglm_error *err)
{
    aglm_rc rc = take_count(r, len, 1, "a text's length", most, err);

    if (rc != AGLM_OK)
        return rc;
    *text = (const char *)r->g->bytes + r->at;
    r->at += *len;
    return AGLM_OK;
}

/* A key or a tensor's name, which must be new. */
static aglm_rc take_name(reader *r, aglm_map *seen, size_t number, uint64_t most, const char **out,
                         aglm_error *err)
{
    const char *text;
    uint64_t len;
    uint32_t given;
    reader start = *r;

    aglm_rc rc = take_text(r, &text, &len, most, err);
    if (rc != AGLM_OK)
        return rc;
    if (len == 0 || memchr(text, '\0', (size_t)len))
        return wrong(&start, "a name", err);
    rc = aglm_map_intern(seen, text, (size_t)len, &given, err);
    if (rc == AGLM_OK && given != number)
        return wrong(&start, "a name that does not stand twice", err);
    if (rc == AGLM_OK)
        *out = aglm_map_key(seen, given, NULL);
    return rc;
}

/* ---- keys and values ---- */

static aglm_rc skip_texts(reader *r, uint64_t n, aglm_error *err)
{
    const char *text;
    uint64_t len;
    aglm_rc rc = AGLM_OK;

    for (uint64_t i = 0; rc == AGLM_OK && i < n; i++)
        rc = take_text(r, &text, &len, MAX_TEXT, err);
    return rc;
}

static aglm_rc take_value(reader *r, aglm_gguf_pair *p, aglm_error *err)
{
    const char *text = NULL;
    uint64_t len = 0;

    p->at = r->at;
    p->bytes = r->g->bytes + r->at;
    if (p->kind != AGLM_GGUF_TEXT) {
        if (p->n > left(r) / KIND_BYTES[p->kind])
            return wrong(r, "a value", err);
        r->at += p->n * KIND_BYTES[p->kind];
        return AGLM_OK;
    }
    if (p->array)
        return skip_texts(r, p->n, err);
    aglm_rc rc = take_text(r, &text, &len, MAX_TEXT, err);
    if (rc != AGLM_OK)
        return rc;
    p->text = aglm_arena_strndup(&r->g->arena, text, (size_t)len);
    return p->text ? AGLM_OK : aglm_error_set(err, AGLM_NOMEM, "no memory for a text");
}

static aglm_rc take_kind(reader *r, uint32_t *kind, bool array, aglm_error *err)
{
    aglm_rc rc = take_u32(r, kind, "a value's type", err);

    if (rc != AGLM_OK || (*kind <= AGLM_GGUF_F64 && (*kind != AGLM_GGUF_ARRAY || !array)))
        return rc;
    r->at -= 4;
    return wrong(r, array ? "the type of an array's elements" : "a value's type (0 to 12)", err);
}

static aglm_rc take_pair(reader *r, size_t number, aglm_error *err)
{
    aglm_gguf_pair *p = &r->g->pairs[number];
    uint32_t kind;

    aglm_rc rc = take_name(r, r->g->keys, number, MAX_KEY, &p->key, err);
    if (rc == AGLM_OK)
        rc = take_kind(r, &kind, false, err);
    if (rc != AGLM_OK)
        return rc;
    p->n = 1;
    p->array = kind == AGLM_GGUF_ARRAY;
    if (p->array)
        rc = take_kind(r, &kind, true, err);
    if (rc == AGLM_OK && p->array)
        rc = take_count(r, &p->n, kind == AGLM_GGUF_TEXT ? 8 : KIND_BYTES[kind],
                        "an array's length", MAX_ELEMENTS, err);
    p->kind = (aglm_gguf_kind)kind;
    return rc == AGLM_OK ? take_value(r, p, err) : rc;
}

static aglm_rc take_alignment(reader *r, aglm_error *err)
{
    const aglm_gguf_pair *p = aglm_gguf_find(r->g, "general.alignment");
    uint64_t v = 32;

    if (p) {
        reader at = {r->g, p->at};
        v = !p->array && p->kind == AGLM_GGUF_U32 ? load_u32(p->bytes) : 0;
        if (v == 0 || (v & (v - 1)) != 0 || v > MAX_ALIGNMENT)
            return wrong(&at, "general.alignment, a power of two", err);
    }
    r->g->alignment = v;
    return AGLM_OK;
}

/* ---- tensors ---- */

/* Its bytes; 0 when they overflow or a row is no whole number of blocks. */
static uint64_t tensor_bytes(const aglm_gguf_tensor *t)
{
    uint64_t n = t->dims[0] / TYPES[t->type].weights;

    if (t->dims[0] % TYPES[t->type].weights != 0 ||
        __builtin_mul_overflow(n, (uint64_t)TYPES[t->type].bytes, &n))
        return 0;
    for (unsigned i = 1; i < AGLM_GGUF_DIMS; i++)
        if (__builtin_mul_overflow(n, t->dims[i], &n))
            return 0;
    return n > INT64_MAX ? 0 : n;
}

static aglm_rc take_dims(reader *r, aglm_gguf_tensor *t, aglm_error *err)
{
    uint32_t n;
    uint64_t weights = 1;

    aglm_rc rc = take_u32(r, &n, "a tensor's number of dimensions", err);
    if (rc == AGLM_OK && (n == 0 || n > AGLM_GGUF_DIMS)) {
        r->at -= 4;
        return wrong(r, "1 to 4 dimensions", err);
    }
    if (rc != AGLM_OK)
        return rc;
    t->n_dims = n;
    for (unsigned i = 0; rc == AGLM_OK && i < AGLM_GGUF_DIMS; i++) {
        t->dims[i] = 1;
        if (i < n)
            rc = take_u64(r, &t->dims[i], "a tensor's dimension", err);
        if (rc == AGLM_OK &&
            (t->dims[i] == 0 || __builtin_mul_overflow(weights, t->dims[i], &weights) ||
             weights > INT64_MAX)) {
            r->at -= 8;
            return wrong(r, "a tensor's dimension above 0 and of a size that can be", err);
        }
    }
    return rc;
}

static aglm_rc take_tensor(reader *r, size_t number, aglm_error *err)
{
    aglm_gguf_tensor *t = &r->g->tensors[number];
    uint32_t type;

    aglm_rc rc = take_name(r, r->g->names, number, MAX_NAME, &t->name, err);
    if (rc == AGLM_OK)
        rc = take_dims(r, t, err);
    if (rc == AGLM_OK)
        rc = take_u32(r, &type, "a tensor's type", err);
    if (rc != AGLM_OK)
        return rc;
    t->type = type;
    t->bytes = aglm_gguf_type_name(type) ? tensor_bytes(t) : 0;
    if (t->bytes == 0) {
        r->at -= 4;
        return wrong(r, "a weight type whose blocks fit the tensor's rows", err);
    }
    return take_u64(r, &t->at, "a tensor's offset", err);
}

/* Tensors lie one behind the other, each from a multiple of the alignment, all within the file. */
static aglm_rc place_tensors(reader *r, aglm_error *err)
{
    aglm_gguf *g = r->g;
    uint64_t pad = g->alignment - 1, data = (r->at + pad) & ~pad, at = 0;

    for (size_t i = 0; i < g->n_tensors; i++) {
        aglm_gguf_tensor *t = &g->tensors[i];
        if (t->at != at)
            return aglm_error_set(
                err, AGLM_FORMAT,
                "%s: tensor %s is said to lie at byte %llu of the weights; expected %llu",
                g->origin, t->name, (unsigned long long)t->at, (unsigned long long)at);
        if (data > g->size || at > g->size - data || t->bytes > g->size - data - at)
            return aglm_error_set(err, AGLM_FORMAT,
                                  "%s: tensor %s of %llu bytes ends behind the file's %llu: the "
                                  "file is cut; fetch it again",
                                  g->origin, t->name, (unsigned long long)t->bytes,
                                  (unsigned long long)g->size);
        t->at = data + at;
        at = (at + t->bytes + pad) & ~pad;
    }
    return AGLM_OK;
}

/* ---- the whole ---- */

static aglm_rc take_head(reader *r, uint64_t *n_tensors, uint64_t *n_pairs, aglm_error *err)
{
    if (left(r) < 4 || memcmp(r->g->bytes, "GGUF", 4) != 0)
        return wrong(r, "\"GGUF\"", err);
    r->at = 4;
    aglm_rc rc = take_u32(r, &r->g->version, "a version", err);
    if (rc == AGLM_OK && r->g->version != 2 && r->g->version != 3) {
        r->at -= 4;
        return wrong(r, "version 2 or 3, little-endian", err);
    }
    /* name, dimensions, type, offset; key, type, value */
    if (rc == AGLM_OK)
        rc = take_count(r, n_tensors, 8 + 4 + 8 + 4 + 8, "a number of tensors", MAX_TENSORS, err);
    if (rc == AGLM_OK)
        rc = take_count(r, n_pairs, 8 + 4 + 1, "a number of keys", MAX_PAIRS, err);
    return rc;
}

static aglm_rc make_room(aglm_gguf *g, uint64_t n_tensors, uint64_t n_pairs, aglm_error *err)
{
    g->pairs = aglm_arena_array(&g->arena, (size_t)n_pairs, sizeof *g->pairs);
    g->tensors = aglm_arena_array(&g->arena, (size_t)n_tensors, sizeof *g->tensors);
    g->keys = aglm_map_new(MAX_PAIRS, MAX_MEMORY);
    g->names = aglm_map_new(MAX_TENSORS, MAX_MEMORY);
    return g->pairs && g->tensors && g->keys && g->names
               ? AGLM_OK
               : aglm_error_set(err, AGLM_NOMEM, "no memory for a model's description");
}

static aglm_rc read_all(aglm_gguf *g, aglm_error *err)
{
    reader r = {g, 0};
    uint64_t n_tensors, n_pairs;

    aglm_rc rc = take_head(&r, &n_tensors, &n_pairs, err);
    if (rc == AGLM_OK)
        rc = make_room(g, n_tensors, n_pairs, err);
    for (size_t i = 0; rc == AGLM_OK && i < n_pairs; i++, g->n_pairs++)
        rc = take_pair(&r, i, err);
    if (rc == AGLM_OK)
        rc = take_alignment(&r, err);
    for (size_t i = 0; rc == AGLM_OK && i < n_tensors; i++, g->n_tensors++)
        rc = take_tensor(&r, i, err);
    return rc == AGLM_OK ? place_tensors(&r, err) : rc;
}

aglm_rc aglm_gguf_read(aglm_gguf **out, const void *bytes, size_t n, const char *origin,
                       aglm_error *err)
{
    aglm_gguf *g = calloc(1, sizeof *g);

    *out = NULL;
    if (!g)
        return aglm_error_set(err, AGLM_NOMEM, "no memory for a model's description");
    aglm_arena_init(&g->arena, MAX_MEMORY);
    g->bytes = bytes;
    g->size = n;
    g->origin = aglm_arena_strdup(&g->arena, origin);
    aglm_rc rc = g->origin ? read_all(g, err)
                           : aglm_error_set(err, AGLM_NOMEM, "no memory for a model's name");
    if (rc == AGLM_OK)
        *out = g;
    else
        aglm_gguf_close(g);
    return rc;
}

aglm_rc aglm_gguf_open(aglm_gguf **out, const char *path, aglm_error *err)
{
    const void *bytes;
    size_t n;

    *out = NULL;
    aglm_rc rc = aglm_file_map(path, SIZE_MAX / 2, &bytes, &n, err);
    if (rc != AGLM_OK)
        return rc;
    rc = aglm_gguf_read(out, bytes, n, path, err);
    if (rc == AGLM_OK)
        (*out)->mapped = true;
    else
        aglm_file_unmap(bytes, n);
    return rc;
}

void aglm_gguf_close(aglm_gguf *g)
{
    if (!g)
        return;
    if (g->mapped)
        aglm_file_unmap(g->bytes, (size_t)g->size);
    aglm_map_free(g->keys);
    aglm_map_free(g->names);
    aglm_arena_clear(&g->arena);
    free(g);
}

/* ---- questions ---- */

const char *aglm_gguf_origin(const aglm_gguf *g)
{
    return g->origin;
}

unsigned aglm_gguf_version(const aglm_gguf *g)
{
    return g->version;
}

uint64_t aglm_gguf_size(const aglm_gguf *g)
{
    return g->size;
}

const aglm_gguf_pair *aglm_gguf_pairs(const aglm_gguf *g, size_t *n)
{
    *n = g->n_pairs;
    return g->pairs;
}

const aglm_gguf_tensor *aglm_gguf_tensors(const aglm_gguf *g, size_t *n)
{
    *n = g->n_tensors;
    return g->tensors;
}

const aglm_gguf_tensor *aglm_gguf_tensor_find(const aglm_gguf *g, const char *name)
{
    uint32_t i;

    return aglm_map_find(g->names, name, strlen(name), &i) ? &g->tensors[i] : NULL;
}

const aglm_gguf_pair *aglm_gguf_find(const aglm_gguf *g, const char *key)
{
    uint32_t i;

    return aglm_map_find(g->keys, key, strlen(key), &i) ? &g->pairs[i] : NULL;
}

const aglm_gguf_pair *aglm_gguf_find_arch(const aglm_gguf *g, const char *rest)
{
    char key[256];
    const char *arch = aglm_gguf_text(g, "general.architecture");

    if (!arch || strlen(arch) + strlen(rest) + 2 > sizeof key)
        return NULL;
    memcpy(key, arch, strlen(arch));
    key[strlen(arch)] = '.';
    memcpy(key + strlen(arch) + 1, rest, strlen(rest) + 1);
    return aglm_gguf_find(g, key);
}

const char *aglm_gguf_text(const aglm_gguf *g, const char *key)
{
    const aglm_gguf_pair *p = aglm_gguf_find(g, key);

    return p ? p->text : NULL;
}

double aglm_gguf_number(const aglm_gguf *g, const char *key, double otherwise)
{
    const aglm_gguf_pair *p = aglm_gguf_find(g, key);

    return p && !p->array && p->kind != AGLM_GGUF_TEXT ? aglm_gguf_pair_number(p, 0) : otherwise;
}

static double load_float(const uint8_t *p)
{
    uint32_t bits = load_u32(p);
    float v;

    memcpy(&v, &bits, sizeof v);
    return (double)v;
}

static double load_double(const uint8_t *p)
{
    uint64_t bits = load_u64(p);
    double v;

    memcpy(&v, &bits, sizeof v);
    return v;
}

double aglm_gguf_pair_number(const aglm_gguf_pair *p, uint64_t i)
{
    const uint8_t *at = p->bytes + i * KIND_BYTES[p->kind];

    switch (p->kind) {
    case AGLM_GGUF_U8:
        return at[0];
    case AGLM_GGUF_I8:
        return (int8_t)at[0];
    case AGLM_GGUF_BOOL:
        return at[0] != 0;
    case AGLM_GGUF_U16:
        return (double)(at[0] | at[1] << 8);
    case AGLM_GGUF_I16:
        return (int16_t)(uint16_t)(at[0] | at[1] << 8);
    case AGLM_GGUF_U32:
        return load_u32(at);
    case AGLM_GGUF_I32:
        return (int32_t)load_u32(at);
    case AGLM_GGUF_F32:
        return load_float(at);
    case AGLM_GGUF_U64:
        return (double)load_u64(at);
    case AGLM_GGUF_I64:
        return (double)(int64_t)load_u64(at);
    case AGLM_GGUF_F64:
        return load_double(at);
    case AGLM_GGUF_TEXT:
    case AGLM_GGUF_ARRAY:
        break;
    }
    return (double)NAN;
}

const char *aglm_gguf_next_text(const uint8_t **at, uint64_t *len)
{
    const char *text = (const char *)*at + 8;

    *len = load_u64(*at);
    *at += 8 + *len;
    return text;
}

uint64_t aglm_gguf_parameters(const aglm_gguf *g)
{
    uint64_t sum = 0;

    for (size_t i = 0; i < g->n_tensors; i++) {
        const uint64_t *d = g->tensors[i].dims;
        if (__builtin_add_overflow(sum, d[0] * d[1] * d[2] * d[3], &sum))
            return UINT64_MAX;
    }
    return sum;
}

void aglm_gguf_types(const aglm_gguf *g, size_t counts[AGLM_GGUF_TYPES],
                     uint64_t bytes[AGLM_GGUF_TYPES])
{
    memset(counts, 0, AGLM_GGUF_TYPES * sizeof *counts);
    if (bytes)
        memset(bytes, 0, AGLM_GGUF_TYPES * sizeof *bytes);
    for (size_t i = 0; i < g->n_tensors; i++) {
        counts[g->tensors[i].type]++;
        if (bytes)
            bytes[g->tensors[i].type] += g->tensors[i].bytes;
    }
}
