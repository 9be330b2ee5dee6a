/* A stored linear model: what loads can be used on any text and is saved as the same bytes. Size
 * and checksum are put right first, so that the rest of the header is reached. */
#include "fuzz.h"

#include <stdlib.h>
#include <string.h>

#include "base/hash.h"
#include "learn/learner.h"

#define SIZE_AT 16
#define CHECKSUM_AT 24
#define SUMMED_FROM 32
#define VERSION 1

static void mend(uint8_t *bytes, size_t n)
{
    uint64_t size = n;

    if (n < SUMMED_FROM)
        return;
    memcpy(bytes + SIZE_AT, &size, sizeof size);
    uint64_t sum = aglm_hash64(bytes + SUMMED_FROM, n - SUMMED_FROM, VERSION);
    memcpy(bytes + CHECKSUM_AT, &sum, sizeof sum);
}

static void use(const aglm_model *m)
{
    static const char *const texts[] = {"", "noise1 mark1 noise2 Mark2!", "天气很好, 标记 5",
                                        "\xff\x80 a"};
    const aglm_learner_ops *l = m->ops;
    float *z = malloc(m->n_labels * sizeof *z);
    aglm_predictor *p = NULL;
    aglm_error err = {0};

    if (z && l->predictor(&p, m, &err) == AGLM_OK) {
        for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
            aglm_explained spans[3];
            size_t len = strlen(texts[i]), n = 0;
            FUZZ_CHECK(l->predict(p, texts[i], len, z, &err) == AGLM_OK);
            FUZZ_CHECK(l->explain(p, texts[i], len, m->n_labels - 1, spans, 3, &n, &err) ==
                       AGLM_OK);
            for (size_t k = 0; k < n; k++)
                FUZZ_CHECK(spans[k].begin < spans[k].end && spans[k].end <= len);
        }
    } else {
        FUZZ_CHECK(!z || err.msg[0] != '\0');
    }
    l->free_predictor(p);
    free(z);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    uint8_t *bytes = malloc(size ? size : 1);
    aglm_model *m = NULL;
    aglm_error err = {0};
    aglm_str again;

    if (!bytes)
        return 0;
    if (size)
        memcpy(bytes, data, size);
    mend(bytes, size);
    aglm_str_init(&again, (size_t)1 << 26);
    if (aglm_learner_linear.load(&m, bytes, size, &err) == AGLM_OK) {
        use(m);
        if (aglm_learner_linear.save(m, &again, &err) == AGLM_OK)
            FUZZ_CHECK(again.len == size && memcmp(again.data, bytes, size) == 0);
    } else {
        FUZZ_CHECK(!m && err.msg[0] != '\0');
    }
    aglm_model_free(m);
    aglm_str_clear(&again);
    free(bytes);
    return 0;
}
