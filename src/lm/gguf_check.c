/* What would make llama.cpp end its process, or compute with sizes that cannot be. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/map.h"
#include "lm/gguf.h"

#define MAX_LAYERS 512   /* llama.cpp's own */
#define MAX_EXPERTS 1024 /* llama.cpp's own */
#define MAX_WIDTH 1048576
#define MAX_VOCABULARY 4194304
#define MAX_CONTEXT 1073741824
#define MAX_VOCABULARY_BYTES ((size_t)512 << 20)

static aglm_rc wrong(const aglm_gguf *g, const aglm_gguf_pair *p, const char *expected,
                     aglm_error *err)
{
    return aglm_error_set(err, AGLM_FORMAT, "%s: byte %llu: %s: expected %s", aglm_gguf_origin(g),
                          (unsigned long long)p->at, p->key, expected);
}

static aglm_rc missing(const aglm_gguf *g, const char *key, aglm_error *err)
{
    return aglm_error_set(err, AGLM_FORMAT,
                          "%s: the key %s is missing: it is no whole language model",
                          aglm_gguf_origin(g), key);
}

static aglm_rc missing_arch(const aglm_gguf *g, const char *rest, aglm_error *err)
{
    char key[256];

    snprintf(key, sizeof key, "%s.%s", aglm_gguf_text(g, "general.architecture"), rest);
    return missing(g, key, err);
}

/* The largest of a key's elements, all of them whole and within low and high; `otherwise` when the
 * key is not there. */
static aglm_rc whole(const aglm_gguf *g, const char *rest, double low, double high, double *most,
                     aglm_error *err)
{
    const aglm_gguf_pair *p = aglm_gguf_find_arch(g, rest);

    if (!p)
        return AGLM_OK;
    *most = low;
    for (uint64_t i = 0; i < p->n; i++) {
        double v = aglm_gguf_pair_number(p, i);
        if (!(v >= low && v <= high) || v != floor(v))
            return aglm_error_set(
                err, AGLM_FORMAT,
                "%s: byte %llu: %s is %g: expected a whole number from %.0f to %.0f",
                aglm_gguf_origin(g), (unsigned long long)p->at, p->key, v, low, high);
        *most = v > *most ? v : *most;
    }
    return AGLM_OK;
}

typedef struct shape {
    double layers, width, context, heads, kv_heads, experts, used, groups, groups_used, head, rope;
} shape;

static aglm_rc read_shape(const aglm_gguf *g, shape *s, aglm_error *err)
{
    const struct {
        const char *key;
        double low, high;
        double *out;
        bool needed;
    } KEYS[] = {
        {"block_count", 1, MAX_LAYERS, &s->layers, true},
        {"embedding_length", 1, MAX_WIDTH, &s->width, true},
        {"context_length", 1, MAX_CONTEXT, &s->context, true},
        {"feed_forward_length", 0, 16 * MAX_WIDTH, &(double){0}, false},
        {"attention.head_count", 0, 65536, &s->heads, false},
        {"attention.head_count_kv", 0, 65536, &s->kv_heads, false},
        {"attention.key_length", 1, 65536, &s->head, false},
        {"attention.value_length", 1, 65536, &(double){0}, false},
        {"rope.dimension_count", 2, 65536, &s->rope, false},
        {"expert_count", 0, MAX_EXPERTS, &s->experts, false},
        {"expert_used_count", 0, MAX_EXPERTS, &s->used, false},
        {"expert_group_count", 0, MAX_EXPERTS, &s->groups, false},
        {"expert_group_used_count", 0, MAX_EXPERTS, &s->groups_used, false},
        {"expert_gating_func", 0, 4, &(double){0}, false},
        {"leading_dense_block_count", 0, MAX_LAYERS, &(double){0}, false},
    };
    aglm_rc rc = AGLM_OK;

    for (size_t i = 0; rc == AGLM_OK && i < sizeof KEYS / sizeof *KEYS; i++) {
        rc = whole(g, KEYS[i].key, KEYS[i].low, KEYS[i].high, KEYS[i].out, err);
        if (rc == AGLM_OK && KEYS[i].needed && !aglm_gguf_find_arch(g, KEYS[i].key))
            rc = missing_arch(g, KEYS[i].key, err);
    }
    return rc;
}

static aglm_rc misfit(const aglm_gguf *g, const char *key, const char *expected, aglm_error *err)
{
    const aglm_gguf_pair *p = aglm_gguf_find_arch(g, key);

    return p ? wrong(g, p, expected, err) : missing_arch(g, key, err);
}

static aglm_rc check_heads(const aglm_gguf *g, const shape *s, aglm_error *err)
{
    const aglm_gguf_pair *p = aglm_gguf_find_arch(g, "attention.head_count"),
                         *kv = aglm_gguf_find_arch(g, "attention.head_count_kv");

    if (p && !p->array && s->heads == 0 && aglm_gguf_tensor_find(g, "blk.0.attn_output.weight"))
        return misfit(g, "attention.head_count", "at least one head: the model has attention", err);
    if (s->heads > 0 && s->head == 0 && p && !p->array && fmod(s->width, s->heads) != 0)
        return misfit(g, "attention.head_count", "a divisor of embedding_length", err);
    if (p && kv && !p->array && !kv->array && s->heads > 0 &&
        (s->kv_heads == 0 || fmod(s->heads, s->kv_heads) != 0))
        return misfit(g, "attention.head_count_kv", "a divisor of attention.head_count", err);
    double head = s->head > 0 ? s->head : s->heads > 0 ? s->width / s->heads : 0;
    if (s->rope > 0 && head > 0 && s->rope > head)
        return misfit(g, "rope.dimension_count", "at most the dimensions of a head", err);
    return fmod(s->rope, 2) != 0 ? misfit(g, "rope.dimension_count", "an even number", err)
                                 : AGLM_OK;
}

static aglm_rc check_experts(const aglm_gguf *g, const shape *s, aglm_error *err)
{
    if (s->used > s->experts || (s->experts > 0 && s->used == 0))
        return misfit(g, "expert_used_count", "1 to expert_count", err);
    if (s->groups > 0 && s->groups >= s->experts)
        return misfit(g, "expert_group_count", "less than expert_count", err);
    if (s->groups > 1 && fmod(s->experts, s->groups) != 0)
        return misfit(g, "expert_group_count", "a divisor of expert_count", err);
    if (s->groups > 1 && (s->groups_used == 0 || s->groups_used >= s->groups))
        return misfit(g, "expert_group_used_count", "1 to less than expert_group_count", err);
    return AGLM_OK;
}

/* llama.cpp insists that no token stands twice; it gives empty ones a name of their own. */
static aglm_rc check_distinct(const aglm_gguf *g, const aglm_gguf_pair *p, aglm_error *err)
{
    const uint8_t *at = p->bytes;
    aglm_map *seen = aglm_map_new((size_t)p->n, MAX_VOCABULARY_BYTES);
    uint32_t number, distinct = 0;
    aglm_rc rc = seen ? AGLM_OK : aglm_error_set(err, AGLM_NOMEM, "no memory for a vocabulary");

    for (uint64_t i = 0; rc == AGLM_OK && i < p->n; i++) {
        uint64_t len;
        const char *text = aglm_gguf_next_text(&at, &len);
        if (len == 0)
            continue;
        rc = aglm_map_intern(seen, text, (size_t)len, &number, err);
        if (rc == AGLM_OK && number != distinct++)
            rc = aglm_error_set(
                err, AGLM_FORMAT, "%s: byte %llu: token %llu of tokenizer.ggml.tokens stands twice",
                aglm_gguf_origin(g), (unsigned long long)((uint64_t)(at - p->bytes) - len + p->at),
                (unsigned long long)i);
    }
    aglm_map_free(seen);
    return rc;
}

static aglm_rc check_lists(const aglm_gguf *g, uint64_t n, aglm_error *err)
{
    static const struct {
        const char *key;
        uint8_t kinds[2];
    } LISTS[] = {
        {"tokenizer.ggml.scores", {AGLM_GGUF_F32, AGLM_GGUF_I32}},
        {"tokenizer.ggml.token_type", {AGLM_GGUF_I32, AGLM_GGUF_I32}},
    };

    for (size_t i = 0; i < sizeof LISTS / sizeof *LISTS; i++) {
        const aglm_gguf_pair *p = aglm_gguf_find(g, LISTS[i].key);
        if (p && (!p->array || p->n != n ||
                  (p->kind != LISTS[i].kinds[0] && p->kind != LISTS[i].kinds[1])))
            return wrong(g, p, "a number for each token", err);
    }
    return AGLM_OK;
}

static aglm_rc check_vocabulary(const aglm_gguf *g, const shape *s, aglm_error *err)
{
    const aglm_gguf_pair *p = aglm_gguf_find(g, "tokenizer.ggml.tokens");
    const aglm_gguf_tensor *embed = aglm_gguf_tensor_find(g, "token_embd.weight");

    if (!p)
        return missing(g, "tokenizer.ggml.tokens", err);
    if (!p->array || p->kind != AGLM_GGUF_TEXT || p->n == 0 || p->n > MAX_VOCABULARY)
        return wrong(g, p, "a list of texts", err);
    if (!embed)
        return aglm_error_set(
            err, AGLM_FORMAT,
            "%s: the tensor token_embd.weight is missing: it is no whole language model",
            aglm_gguf_origin(g));
    if (embed->n_dims != 2 || embed->dims[0] != (uint64_t)s->width || embed->dims[1] != p->n)
        return aglm_error_set(
            err, AGLM_FORMAT,
            "%s: token_embd.weight is %llu x %llu: expected embedding_length x tokens, %.0f x %llu",
            aglm_gguf_origin(g), (unsigned long long)embed->dims[0],
            (unsigned long long)embed->dims[1], s->width, (unsigned long long)p->n);
    aglm_rc rc = check_lists(g, p->n, err);
    return rc == AGLM_OK ? check_distinct(g, p, err) : rc;
}

static aglm_rc check_sort(const aglm_gguf *g, aglm_error *err)
{
    const char *type = aglm_gguf_text(g, "general.type");
    const char *arch = aglm_gguf_text(g, "general.architecture");

    if (!arch)
        return missing(g, "general.architecture", err);
    if ((type && strcmp(type, "model") != 0) || strcmp(arch, "clip") == 0)
        return aglm_error_set(
            err, AGLM_UNSUPPORTED, "%s: it is a%s %s, no language model", aglm_gguf_origin(g),
            type && *type && strchr("aeiou", *type) ? "n" : "", type ? type : "projector");
    if (aglm_gguf_number(g, "split.count", 1) > 1)
        return aglm_error_set(
            err, AGLM_UNSUPPORTED,
            "%s: it is one of %.0f parts: join them with llama-gguf-split --merge",
            aglm_gguf_origin(g), aglm_gguf_number(g, "split.count", 1));
    return AGLM_OK;
}

aglm_rc aglm_gguf_check(const aglm_gguf *g, aglm_error *err)
{
    shape s = {0};
    aglm_rc rc = check_sort(g, err);

    if (rc == AGLM_OK)
        rc = read_shape(g, &s, err);
    if (rc == AGLM_OK)
        rc = check_heads(g, &s, err);
    if (rc == AGLM_OK)
        rc = check_experts(g, &s, err);
    return rc == AGLM_OK ? check_vocabulary(g, &s, err) : rc;
}

aglm_rc aglm_gguf_check_file(const char *path, aglm_error *err)
{
    aglm_gguf *g = NULL;

    aglm_rc rc = aglm_gguf_open(&g, path, err);
    if (rc == AGLM_OK)
        rc = aglm_gguf_check(g, err);
    aglm_gguf_close(g);
    return rc;
}
