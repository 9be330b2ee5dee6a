/* Checks of a text against a prompt, which the first NUL parts; the prompt is the list of words
 * too. */
#include "fuzz.h"

#include <string.h>

#include "lm/check.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const char *text = (const char *)data;
    const char *end = size ? memchr(text, '\0', size) : NULL;
    size_t len = end ? (size_t)(end - text) : size;
    aglm_check_options o = {.cut = size % 2};
    aglm_word_list *words = NULL;
    aglm_check_report r;

    if (size == 0 || size > 8192)
        return 0;
    if (end) {
        o.prompt = end + 1;
        o.prompt_len = size - len - 1;
        if (aglm_word_list_new(&words, o.prompt, o.prompt_len, NULL) == AGLM_OK)
            o.words = words;
    }
    FUZZ_CHECK(aglm_check_run(&r, text, len, &o, NULL) == AGLM_OK);
    for (int c = 0; c < AGLM_CHECKS; c++)
        FUZZ_CHECK(r.result[c].score >= 0 && r.result[c].score <= 1);
    aglm_word_list_free(words);
    return 0;
}
