/* Every text metric of an answer and a reference, which the first NUL parts: values lie in 0..1. */
#include "fuzz.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "eval/text_metric.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char *text;
    size_t len;

    if (size == 0 || size > 4096 || !(text = malloc(size + 1)))
        return 0;
    memcpy(text, data, size);
    text[size] = '\0';
    len = strlen(text);
    const char *refs[] = {text + len + (len < size), text};
    for (int m = 0; m < AGLM_TEXT_METRICS; m++) {
        aglm_text_answer a = {text, len, refs, 1 + size % 2, (aglm_text_language)(size % 3)};
        aglm_text_counts c;
        aglm_error err = {0};
        if (aglm_text_count(&c, (aglm_text_metric)m, &a, &err) < 0) {
            FUZZ_CHECK(err.msg[0] != '\0');
            continue;
        }
        double v = aglm_text_value((aglm_text_metric)m, &c, true);
        FUZZ_CHECK(v >= 0 && v <= 1 + 1e-9);
    }
    free(text);
    return 0;
}
