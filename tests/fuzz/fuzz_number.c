/* Numbers, durations and sizes from text; numbers mean the same to us and to strtod in the C
 * locale. */
#include "fuzz.h"

#include <math.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/file.h"
#include "base/json.h"

/* strtod also skips blanks and knows hexadecimal numbers and nan(...). */
static bool strtod_takes(const char *text, double *v)
{
    char *end;

    if (strspn(text, "0123456789+-.eEinfatyINFATY") != strlen(text))
        return false;
    *v = strtod(text, &end);
    return end != text && *end == '\0';
}

static bool same(double a, double b)
{
    return isnan(a) ? isnan(b) : a == b && signbit(a) == signbit(b);
}

static void compare(const char *text, size_t n)
{
    double ours = 0;
    double theirs = 0;
    double back;
    char shortest[32];
    bool taken = aglm_double_parse(text, n, &ours);

    if (strlen(text) != n) {
        FUZZ_CHECK(!taken);
        return;
    }
    FUZZ_CHECK(taken == strtod_takes(text, &theirs));
    if (!taken)
        return;
    FUZZ_CHECK(same(ours, theirs));
    aglm_double_format(shortest, ours);
    FUZZ_CHECK(aglm_double_parse(shortest, strlen(shortest), &back));
    FUZZ_CHECK(same(ours, back));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char text[801];
    uint64_t amount;

    if (size >= sizeof text)
        return 0;
    memcpy(text, data, size);
    text[size] = '\0';
    compare(text, size);
    FUZZ_CHECK(!aglm_duration_parse(text, &amount) || (amount > 0 && amount <= UINT64_MAX / 4));
    FUZZ_CHECK(!aglm_size_parse(text, &amount) || amount <= UINT64_MAX / 4);
    return 0;
}
