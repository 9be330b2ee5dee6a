/* What parses is written as JSON that parses to the same text again. */
#include "fuzz.h"

#include <string.h>

#include "base/json.h"

static bool rewrite(const char *text, size_t len, aglm_str *out)
{
    const aglm_json_options options = {.allow_nonfinite = true};
    aglm_json_doc *doc = NULL;
    aglm_json_writer w;
    aglm_error err = {0};

    if (aglm_json_parse(&doc, text, len, &options, &err) < 0) {
        FUZZ_CHECK(err.msg[0] != '\0');
        return false;
    }
    aglm_json_writer_init(&w, out);
    w.nonfinite = true;
    aglm_json_put_value(&w, aglm_json_root(doc));
    aglm_json_free(doc);
    return out->rc == AGLM_OK;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    aglm_str once;
    aglm_str twice;

    aglm_str_init(&once, 1 << 24);
    aglm_str_init(&twice, 1 << 24);
    if (rewrite((const char *)data, size, &once)) {
        FUZZ_CHECK(rewrite(once.data, once.len, &twice));
        FUZZ_CHECK(once.len == twice.len && memcmp(once.data, twice.data, once.len) == 0);
    }
    aglm_str_clear(&once);
    aglm_str_clear(&twice);
    return 0;
}
