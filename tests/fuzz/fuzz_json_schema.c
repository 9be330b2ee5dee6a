/* A schema and a value, parted by the first NUL: an answer or an error, in bounded time. */
#include "fuzz.h"

#include <string.h>

#include "net/json_schema.h"

static void check(const aglm_json_schema *s, const char *text, size_t len)
{
    aglm_json_doc *doc = NULL;
    aglm_error err = {0};
    aglm_str why;
    bool valid;

    if (aglm_json_parse(&doc, text, len, NULL, &err) != AGLM_OK)
        return;
    aglm_str_init(&why, 1 << 20);
    aglm_rc rc = aglm_json_schema_check(s, aglm_json_root(doc), &valid, &why, &err);
    FUZZ_CHECK(rc == AGLM_OK || (!valid && err.msg[0] != '\0'));
    FUZZ_CHECK(rc != AGLM_OK || valid == (why.len == 0));
    aglm_str_clear(&why);
    aglm_json_free(doc);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const char *text = (const char *)data;
    const char *end = size ? memchr(text, '\0', size) : NULL;
    size_t len = end ? (size_t)(end - text) : size;
    aglm_json_schema *s = NULL;
    aglm_error err = {0};

    if (size == 0 || size > 4096)
        return 0;
    if (aglm_json_schema_new(&s, text, len, &err) != AGLM_OK)
        FUZZ_CHECK(err.msg[0] != '\0');
    else if (end)
        check(s, end + 1, size - len - 1);
    aglm_json_schema_free(s);
    return 0;
}
