/* Whatever the bytes: a guess with its reason, and a conversion that fails or gives valid UTF-8. */
#include "fuzz.h"

#include "base/encoding.h"
#include "base/utf8.h"

static void convert(aglm_encoding from, const char *data, size_t n)
{
    aglm_str out;
    aglm_error err = {0};

    aglm_str_init(&out, 1 << 24);
    aglm_rc rc = aglm_encoding_to_utf8(from, data, n, &out, &err);
    if (rc)
        FUZZ_CHECK(err.msg[0] != '\0');
    else
        FUZZ_CHECK(aglm_utf8_check(out.data, out.len) == out.len);
    FUZZ_CHECK(from != AGLM_ENC_LATIN1 || rc == AGLM_OK);
    aglm_str_clear(&out);
}

static void guess(const char *data, size_t n, bool complete)
{
    size_t bom = n + 1;
    const char *why = NULL;
    aglm_encoding e = aglm_encoding_guess(data, n, complete, &bom, &why);

    FUZZ_CHECK(why && bom <= n && e != AGLM_ENC_AUTO);
    /* A guess of UTF-8 without a mark is a promise. */
    if (e == AGLM_ENC_UTF8 && complete && bom == 0)
        FUZZ_CHECK(aglm_utf8_check(data, n) == n);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const char *text = (const char *)data;

    guess(text, size, true);
    guess(text, size, false);
    for (int e = AGLM_ENC_AUTO; e <= AGLM_ENC_LATIN1; e++)
        convert((aglm_encoding)e, text, size);
    return 0;
}
