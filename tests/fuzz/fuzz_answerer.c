/* A stored prompt that loads can be put together for any question, and is stored as it was loaded.
 */
#include "fuzz.h"

#include <stdlib.h>
#include <string.h>

#include "lm/answerer_priv.h"

/* No file is looked for: any name may stand there. */
static void put_together(aglm_answerer *a)
{
    const char *fields[AGLM_EXAMPLE_FIELDS];
    aglm_asker *k = NULL;
    aglm_str prefix, prompt;

    free(a->file);
    a->file = strdup("/dev/null");
    a->file_bytes = 0;
    if (!a->file || aglm_asker_new(&k, a, NULL, NULL) != AGLM_OK)
        return;
    for (size_t f = 0; f < AGLM_EXAMPLE_FIELDS; f++)
        fields[f] = "Who sat? \xe7\x8c\xab\xe7\x9d\xa1\xe8\xa7\x89 The cat sat.";
    aglm_str_init(&prefix, AGLM_ANSWERER_MAX_PROMPT);
    aglm_str_init(&prompt, AGLM_ANSWERER_MAX_PROMPT);
    if (aglm_asker_prompt(k, fields, &prefix, &prompt, NULL) == AGLM_OK)
        FUZZ_CHECK(strlen(prompt.data) == prompt.len);
    aglm_str_clear(&prefix);
    aglm_str_clear(&prompt);
    aglm_asker_free(k);
}

static char *saved(const aglm_model *m)
{
    aglm_str s;

    aglm_str_init(&s, SIZE_MAX / 2);
    FUZZ_CHECK(aglm_answerer_save(m, &s, NULL) == AGLM_OK);
    return aglm_str_take(&s);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    aglm_model *m = NULL, *again = NULL;
    aglm_error err = {0};

    if (aglm_answerer_load(&m, data, size, &err) != AGLM_OK) {
        FUZZ_CHECK(m == NULL && err.msg[0] != '\0');
        return 0;
    }
    char *text = saved(m);
    FUZZ_CHECK(text != NULL && aglm_answerer_load(&again, text, strlen(text), &err) == AGLM_OK);
    char *same = saved(again);
    FUZZ_CHECK(same != NULL && strcmp(text, same) == 0);
    put_together((aglm_answerer *)again);
    free(text);
    free(same);
    aglm_model_free(m);
    aglm_model_free(again);
    return 0;
}
