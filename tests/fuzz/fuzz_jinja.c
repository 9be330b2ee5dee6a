/* A template, a NUL, JSON variables: parsing and rendering end, within their limits, with text or a
 * reason. */
#include "fuzz.h"

#include <string.h>

#include "lm/jinja.h"

static void render(const aglm_jinja *j, const char *vars, size_t n)
{
    const aglm_jinja_options o = {
        .max_steps = 100000, .max_memory_bytes = 1 << 22, .mutable_values = true};
    aglm_json_doc *doc = NULL;
    aglm_str out;
    aglm_error err = {0};

    aglm_str_init(&out, 1 << 18);
    if (n)
        aglm_json_parse(&doc, vars, n, NULL, NULL);
    if (aglm_jinja_render(j, doc ? aglm_json_root(doc) : NULL, &o, &out, &err))
        FUZZ_CHECK(err.msg[0] != '\0' && out.len == 0);
    aglm_json_free(doc);
    aglm_str_clear(&out);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const uint8_t *nul = size ? memchr(data, 0, size) : NULL;
    size_t n = nul ? (size_t)(nul - data) : size;
    aglm_jinja *j = NULL;
    aglm_error err = {0};

    if (aglm_jinja_new(&j, (const char *)data, n, &err)) {
        FUZZ_CHECK(!j && err.msg[0] != '\0');
        return 0;
    }
    render(j, (const char *)data + n + 1, nul ? size - n - 1 : 0);
    aglm_jinja_free(j);
    return 0;
}
