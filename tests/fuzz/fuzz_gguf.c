/* A model file: what is read says nothing outside of the file's bytes. */
#include "fuzz.h"

#include <math.h>
#include <string.h>

#include "lm/gguf.h"

static void walk_pair(const aglm_gguf_pair *p, const uint8_t *data, size_t size)
{
    const uint8_t *at = p->bytes;

    FUZZ_CHECK(p->key[0] != '\0' && p->at <= size && p->bytes == data + p->at);
    for (uint64_t i = 0; i < p->n; i++) {
        uint64_t len;
        if (p->kind != AGLM_GGUF_TEXT) {
            (void)aglm_gguf_pair_number(p, i);
            continue;
        }
        const char *text = aglm_gguf_next_text(&at, &len);
        FUZZ_CHECK(len <= size && (const uint8_t *)text + len <= data + size);
    }
}

static void walk(const aglm_gguf *g, const uint8_t *data, size_t size)
{
    size_t n, counts[AGLM_GGUF_TYPES], sum = 0;
    const aglm_gguf_pair *pairs = aglm_gguf_pairs(g, &n);

    for (size_t i = 0; i < n; i++) {
        walk_pair(&pairs[i], data, size);
        FUZZ_CHECK(aglm_gguf_find(g, pairs[i].key) == &pairs[i]);
    }
    const aglm_gguf_tensor *t = aglm_gguf_tensors(g, &n);
    for (size_t i = 0; i < n; i++) {
        FUZZ_CHECK(t[i].bytes > 0 && t[i].at <= size && t[i].bytes <= size - t[i].at);
        FUZZ_CHECK(aglm_gguf_tensor_find(g, t[i].name) == &t[i]);
    }
    aglm_gguf_types(g, counts, NULL);
    for (unsigned i = 0; i < AGLM_GGUF_TYPES; i++)
        sum += counts[i];
    FUZZ_CHECK(sum == n && aglm_gguf_parameters(g) >= n);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    aglm_gguf *g = NULL;
    aglm_error err = {0};

    if (aglm_gguf_read(&g, data, size, "it", &err) != AGLM_OK) {
        FUZZ_CHECK(!g && err.msg[0] != '\0');
        return 0;
    }
    walk(g, data, size);
    err.msg[0] = '\0';
    FUZZ_CHECK(aglm_gguf_check(g, &err) == AGLM_OK || err.msg[0] != '\0');
    aglm_gguf_close(g);
    return 0;
}
