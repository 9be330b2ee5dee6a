/* The saved form of a head: a 64-byte head, little-endian, then mean and scale of the inputs, the
 * weights as they lie in the net, and the language model's path. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/hash.h"
#include "base/memory.h"
#include "lm/head.h"
#include "lm/head_priv.h"

#define MAGIC "AGLMHED1"
#define HEAD 64
#define MAX_PATH 4096
#define MAX_LAYERS 4096

enum { FLAG_MULTI_LABEL = 1 };
enum {
    AT_INPUTS = 8,
    AT_HIDDEN = 12,
    AT_LABELS = 16,
    AT_FLAGS = 20,
    AT_LAYER = 24,
    AT_POOLING = 28,
    AT_TOKENS = 32,
    AT_PATH = 36,
    AT_BYTES = 40,
    AT_SIZE = 48,
    AT_SUM = 56
};

void aglm_head_free(aglm_model *model)
{
    aglm_head_model *m = (aglm_head_model *)model;

    aglm_hidden_unref(m->hidden);
    aglm_head_net_clear(&m->net);
    free(m->file);
    free(m);
}

static void put32(uint8_t *to, uint32_t v)
{
    memcpy(to, &v, sizeof v);
}

static void put64(uint8_t *to, uint64_t v)
{
    memcpy(to, &v, sizeof v);
}

static uint32_t get32(const uint8_t *from)
{
    uint32_t v;

    memcpy(&v, from, sizeof v);
    return v;
}

static uint64_t get64(const uint8_t *from)
{
    uint64_t v;

    memcpy(&v, from, sizeof v);
    return v;
}

/* ---- saving ---- */

static void write_head(const aglm_head_model *m, uint8_t *to, size_t size)
{
    const aglm_head_shape *s = &m->net.shape;

    memcpy(to, MAGIC, 8);
    put32(to + AT_INPUTS, s->inputs);
    put32(to + AT_HIDDEN, s->hidden);
    put32(to + AT_LABELS, s->labels);
    put32(to + AT_FLAGS, s->one_vs_rest ? FLAG_MULTI_LABEL : 0);
    put32(to + AT_LAYER, (uint32_t)m->layer);
    put32(to + AT_POOLING, (uint32_t)m->pooling);
    put32(to + AT_TOKENS, m->max_tokens);
    put32(to + AT_PATH, (uint32_t)strlen(m->file));
    put64(to + AT_BYTES, m->file_bytes);
    put64(to + AT_SIZE, size);
}

static uint64_t check_sum(const uint8_t *bytes, size_t n)
{
    return aglm_hash64(bytes + HEAD, n - HEAD, aglm_hash64(bytes, AT_SUM, 0));
}

static size_t body_size(const aglm_head_shape *s)
{
    return (2 * (size_t)s->inputs + aglm_head_net_size(s)) * sizeof(float);
}

static uint8_t *put_floats(uint8_t *to, const float *v, size_t n)
{
    memcpy(to, v, n * sizeof *v);
    return to + n * sizeof *v;
}

aglm_rc aglm_head_save(const aglm_model *model, aglm_str *out, aglm_error *err)
{
    const aglm_head_model *m = (const aglm_head_model *)model;
    size_t path = strlen(m->file), size = HEAD + body_size(&m->net.shape) + path;
    uint8_t *bytes = aglm_calloc(size, 1);

    if (!bytes)
        return aglm_error_set(err, AGLM_NOMEM, "saving a head: no memory for %zu bytes", size);
    write_head(m, bytes, size);
    uint8_t *to = put_floats(bytes + HEAD, m->net.mean, m->net.shape.inputs);
    to = put_floats(to, m->net.scale, m->net.shape.inputs);
    to = put_floats(to, m->net.w, m->net.n);
    memcpy(to, m->file, path);
    put64(bytes + AT_SUM, check_sum(bytes, size));
    aglm_rc rc = aglm_str_append(out, (const char *)bytes, size);
    free(bytes);
    return rc ? aglm_error_set(err, rc, "saving a head of %zu bytes: %s", size, aglm_rc_text(rc))
              : AGLM_OK;
}

/* ---- loading ---- */

static aglm_rc bad(aglm_error *err, size_t at, const char *what)
{
    return aglm_error_set(err, AGLM_FORMAT,
                          "head, byte %zu: %s; the file is damaged, make the bundle again", at,
                          what);
}

static aglm_rc read_shape(aglm_head_shape *s, const uint8_t *bytes, aglm_error *err)
{
    *s = (aglm_head_shape){get32(bytes + AT_INPUTS), get32(bytes + AT_HIDDEN),
                           get32(bytes + AT_LABELS), get32(bytes + AT_FLAGS) == FLAG_MULTI_LABEL};
    if (s->inputs < 1 || s->inputs > AGLM_HEAD_MAX_INPUTS)
        return bad(err, AT_INPUTS, "number of inputs out of range");
    if (s->hidden > AGLM_HEAD_MAX_HIDDEN)
        return bad(err, AT_HIDDEN, "hidden layer out of range");
    if (s->labels < 1 || s->labels > AGLM_HEAD_MAX_LABELS)
        return bad(err, AT_LABELS, "number of labels out of range");
    if (get32(bytes + AT_FLAGS) > FLAG_MULTI_LABEL)
        return bad(err, AT_FLAGS, "unknown flags");
    return AGLM_OK;
}

/* Sizes and checksum: what follows may be trusted to be what was written. */
static aglm_rc check(aglm_head_shape *shape, const uint8_t *bytes, size_t n, aglm_error *err)
{
    if (n < HEAD || memcmp(bytes, MAGIC, 8) != 0)
        return bad(err, 0, "this is no head of version 1");
    aglm_rc rc = read_shape(shape, bytes, err);
    if (rc != AGLM_OK)
        return rc;
    uint32_t path = get32(bytes + AT_PATH);
    if (path < 1 || path > MAX_PATH)
        return bad(err, AT_PATH, "length of the model's path out of range");
    if (get64(bytes + AT_SIZE) != n || HEAD + body_size(shape) + path != n)
        return bad(err, AT_SIZE, "the length differs");
    if (get64(bytes + AT_SUM) != check_sum(bytes, n))
        return bad(err, AT_SUM, "the checksum differs");
    if (get32(bytes + AT_LAYER) < 1 || get32(bytes + AT_LAYER) > MAX_LAYERS)
        return bad(err, AT_LAYER, "layer out of range");
    if (get32(bytes + AT_POOLING) > AGLM_POOLING_BOTH)
        return bad(err, AT_POOLING, "unknown pooling");
    if (get32(bytes + AT_TOKENS) < 1 || get32(bytes + AT_TOKENS) > AGLM_LM_READ_MAX)
        return bad(err, AT_TOKENS, "number of tokens out of range");
    return AGLM_OK;
}

static const uint8_t *take_floats(const uint8_t *from, float *v, size_t n, bool *finite)
{
    memcpy(v, from, n * sizeof *v);
    for (size_t i = 0; i < n; i++)
        *finite = *finite && isfinite(v[i]);
    return from + n * sizeof *v;
}

static aglm_rc read_body(aglm_head_model *m, const uint8_t *bytes, aglm_error *err)
{
    bool finite = true;
    const uint8_t *from = take_floats(bytes + HEAD, m->net.mean, m->net.shape.inputs, &finite);

    from = take_floats(from, m->net.scale, m->net.shape.inputs, &finite);
    from = take_floats(from, m->net.w, m->net.n, &finite);
    if (!finite)
        return bad(err, HEAD, "a number is not finite");
    m->file = aglm_strndup((const char *)from, get32(bytes + AT_PATH));
    m->layer = (int32_t)get32(bytes + AT_LAYER);
    m->pooling = (aglm_pooling)get32(bytes + AT_POOLING);
    m->max_tokens = get32(bytes + AT_TOKENS);
    m->file_bytes = get64(bytes + AT_BYTES);
    return m->file ? AGLM_OK : aglm_error_set(err, AGLM_NOMEM, "no memory for a head");
}

aglm_rc aglm_head_load(aglm_model **out, const void *bytes, size_t n, aglm_error *err)
{
    aglm_head_model *m = NULL;
    aglm_head_shape shape = {0};
    aglm_rc rc = check(&shape, bytes, n, err);

    *out = NULL;
    if (rc != AGLM_OK)
        return rc;
    m = aglm_calloc(1, sizeof *m);
    if (!m)
        return aglm_error_set(err, AGLM_NOMEM, "no memory for a head");
    m->base = (aglm_model){&aglm_learner_head, shape.labels, shape.one_vs_rest};
    rc = aglm_head_net_init(&m->net, &shape);
    if (rc != AGLM_OK)
        aglm_error_set(err, rc, "no memory for a head of %u inputs", shape.inputs);
    else
        rc = read_body(m, bytes, err);
    if (rc != AGLM_OK)
        aglm_head_free(&m->base);
    else
        *out = &m->base;
    return rc;
}
