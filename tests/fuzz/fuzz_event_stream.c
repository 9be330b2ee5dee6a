/* A stream gives the same events however it is split. */
#include "fuzz.h"

#include <string.h>

#include "net/event_stream.h"

#define MAX 4096

static aglm_rc collect(void *arg, const char *data, size_t n, aglm_error *err)
{
    aglm_str *all = arg;

    (void)err;
    aglm_str_append(all, data, n);
    return aglm_str_putc(all, '\0');
}

/* Splits after 1 + (mask's low bits) bytes, the mask turning. */
static aglm_rc parse(const uint8_t *data, size_t size, uint8_t mask, aglm_str *all)
{
    aglm_event_stream s;
    aglm_rc rc = AGLM_OK;

    aglm_event_stream_init(&s, MAX, collect, all);
    for (size_t i = 0; rc == AGLM_OK && i < size;) {
        size_t n = mask ? 1u + (mask & 7) : size;
        n = n < size - i ? n : size - i;
        rc = aglm_event_stream_feed(&s, (const char *)data + i, n, NULL);
        i += n;
        mask = (uint8_t)(mask ? mask << 1 | mask >> 7 : 0);
    }
    aglm_event_stream_clear(&s);
    return rc;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    aglm_str whole, split;

    aglm_str_init(&whole, 1 << 24);
    aglm_str_init(&split, 1 << 24);
    aglm_rc rc = parse(data, size, 0, &whole);
    FUZZ_CHECK(rc == parse(data, size, size > 0 && data[0] ? data[0] : 1, &split));
    FUZZ_CHECK(whole.len == split.len && memcmp(whole.data, split.data, whole.len) == 0);
    aglm_str_clear(&whole);
    aglm_str_clear(&split);
    return 0;
}
