/* A saved embedding bag with its length and checksum put right, so that what lies behind them is
 * reached: a model that loads predicts, explains and saves as the same bytes. */
#include "fuzz.h"

#include <stdlib.h>
#include <string.h>

#include "base/hash.h"
#include "learn/learner.h"

enum { HEAD = 64, AT_SIZE = 40, AT_SUM = 48, MAX_LABELS = 1 << 12 };

static void mend(char *bytes, size_t n)
{
    uint64_t size = n;

    memcpy(bytes + AT_SIZE, &size, sizeof size);
    uint64_t sum = aglm_hash64(bytes + HEAD, n - HEAD, aglm_hash64(bytes, AT_SUM, 0));
    memcpy(bytes + AT_SUM, &sum, sizeof sum);
}

static void use(const aglm_model *m)
{
    static const char text[] = "mark1 noise22 Noise22, \xe4\xbd\xa0\xe5\xa5\xbd mark0 doc1";
    const aglm_learner_ops *ops = &aglm_learner_embed;
    aglm_predictor *p = NULL;
    aglm_explained e[3];
    size_t n;
    float *logits = malloc(m->n_labels * sizeof *logits);

    if (logits && ops->predictor(&p, m, NULL) == AGLM_OK) {
        ops->predict(p, text, sizeof text - 1, logits, NULL);
        FUZZ_CHECK(ops->explain(p, text, sizeof text - 1, 0, e, 3, &n, NULL) != AGLM_OK || n <= 3);
        ops->free_predictor(p);
    }
    free(logits);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const aglm_learner_ops *ops = &aglm_learner_embed;
    char *bytes = malloc(size + 1);
    aglm_model *m = NULL;
    aglm_error err = {0};
    aglm_str again;

    if (!bytes)
        return 0;
    if (size)
        memcpy(bytes, data, size);
    if (size >= HEAD)
        mend(bytes, size);
    if (ops->load(&m, bytes, size, &err)) {
        FUZZ_CHECK(err.msg[0] != '\0');
    } else {
        aglm_str_init(&again, SIZE_MAX / 2);
        FUZZ_CHECK(ops->save(m, &again, NULL) != AGLM_OK ||
                   (again.len == size && memcmp(again.data, bytes, size) == 0));
        aglm_str_clear(&again);
        if (m->n_labels <= MAX_LABELS)
            use(m);
        ops->free_model(m);
    }
    free(bytes);
    return 0;
}
