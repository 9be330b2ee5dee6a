#include "base/memory.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#define CACHE_LINE 64

void *aglm_calloc(size_t n, size_t size)
{
    size_t bytes;

    if (__builtin_mul_overflow(n, size, &bytes) || bytes > PTRDIFF_MAX)
        return NULL;
    return calloc(bytes ? bytes : 1, 1);
}

void *aglm_calloc_aligned(size_t n, size_t size)
{
    size_t bytes;

    if (__builtin_mul_overflow(n, size, &bytes) || bytes > PTRDIFF_MAX - CACHE_LINE)
        return NULL;
    bytes = (bytes + CACHE_LINE - 1) / CACHE_LINE * CACHE_LINE;
    if (bytes == 0)
        bytes = CACHE_LINE;
    void *p = aligned_alloc(CACHE_LINE, bytes);
    if (p)
        memset(p, 0, bytes);
    return p;
}

aglm_rc aglm_grow(void *data, size_t *cap, size_t need, size_t size, size_t max)
{
    size_t bytes;
    void *old;

    if (need <= *cap)
        return AGLM_OK;
    if (need > max)
        return AGLM_LIMIT;
    size_t want = *cap < SIZE_MAX / 2 ? *cap + *cap / 2 : need;
    if (want < 8)
        want = 8;
    if (want < need)
        want = need;
    if (want > max)
        want = max;
    if (__builtin_mul_overflow(want, size, &bytes) || bytes > PTRDIFF_MAX)
        return AGLM_NOMEM;
    /* data points to a T *; going through memcpy keeps this legal for every T. */
    memcpy(&old, data, sizeof old);
    void *grown = realloc(old, bytes ? bytes : 1);
    if (!grown)
        return AGLM_NOMEM;
    memcpy(data, &grown, sizeof grown);
    *cap = want;
    return AGLM_OK;
}

char *aglm_strndup(const char *s, size_t n)
{
    if (n >= PTRDIFF_MAX)
        return NULL;
    char *copy = malloc(n + 1);
    if (!copy)
        return NULL;
    if (n)
        memcpy(copy, s, n);
    copy[n] = '\0';
    return copy;
}
