/* A manifest that parses is within its limits, and one that does not says why. */
#include "fuzz.h"

#include <math.h>

#include "tune/bundle.h"

static void check(const aglm_bundle *b)
{
    size_t least = b->task == AGLM_TASK_GENERATION ? 0 : b->task == AGLM_TASK_REGRESSION ? 1 : 2;

    FUZZ_CHECK(b->n_labels >= least);
    FUZZ_CHECK(b->n_labels <= (least < 2 ? least : AGLM_BUNDLE_MAX_LABELS));
    for (size_t i = 0; i < b->n_labels; i++)
        FUZZ_CHECK(b->labels[i] != NULL);
    FUZZ_CHECK(b->n_members >= 1 && b->n_members <= AGLM_BUNDLE_MAX_MEMBERS);
    for (size_t i = 0; i < b->n_members; i++) {
        const aglm_member *m = &b->members[i];
        FUZZ_CHECK(m->model == NULL && m->params_json != NULL);
        FUZZ_CHECK(m->weight >= 0 && m->weight <= 1);
        FUZZ_CHECK(isfinite(m->calibration.scale) && isfinite(m->calibration.shift));
    }
    FUZZ_CHECK(b->task != AGLM_TASK_AUTO && b->manifest != NULL);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    aglm_bundle *b = NULL;
    aglm_error err = {0};

    if (aglm_bundle_parse(&b, "manifest.json", (const char *)data, size, &err) == AGLM_OK) {
        check(b);
        aglm_bundle_free(b);
    } else {
        FUZZ_CHECK(b == NULL && err.msg[0] != '\0');
    }
    return 0;
}
