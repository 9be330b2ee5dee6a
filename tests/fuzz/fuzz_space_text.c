/* The text form: a space, then behind a NUL a forbidden combination. What is read has a JSON form
 * that reads back as equal, and random points of it are its own. */
#include "fuzz.h"

#include <string.h>

#include "search/space_text.h"

static void check_points(const aglm_space *s)
{
    double x[64];
    aglm_rng rng;

    aglm_rng_init(&rng, s->n);
    for (int i = 0; s->n <= 64 && i < 4; i++) {
        aglm_space_sample(s, &rng, x);
        FUZZ_CHECK((aglm_space_check(s, x, NULL) == AGLM_OK) == aglm_space_allowed(s, x));
    }
}

static void check_space(const aglm_space *s)
{
    aglm_space *back;
    aglm_str out;
    aglm_error err = {0};

    aglm_str_init(&out, 1 << 22);
    aglm_space_write(s, &out);
    if (out.rc == AGLM_OK) {
        FUZZ_CHECK(aglm_space_read(&back, out.data, out.len, &err) == AGLM_OK);
        FUZZ_CHECK(aglm_space_equal(s, back, &err));
        aglm_space_free(back);
    }
    aglm_str_reset(&out);
    aglm_space_describe(s, &out);
    aglm_str_clear(&out);
    check_points(s);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const char *text = (const char *)data;
    const char *nul = size ? memchr(text, '\0', size) : NULL;
    size_t len = nul ? (size_t)(nul - text) : size;
    aglm_space *s;
    aglm_error err = {0};

    if (size > 1 << 14 || aglm_space_new(&s, NULL) != AGLM_OK)
        return 0;
    aglm_rc rc = aglm_space_parse(s, text, len, &err);
    FUZZ_CHECK((rc == AGLM_OK) == (err.msg[0] == '\0'));
    if (rc == AGLM_OK && nul &&
        aglm_space_parse_forbidden(s, nul + 1, size - len - 1, &err) != AGLM_OK)
        FUZZ_CHECK(err.msg[0] != '\0');
    if (rc == AGLM_OK)
        check_space(s);
    aglm_space_free(s);
    return 0;
}
