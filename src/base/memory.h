/* base/memory.h - allocation with the overflow checks in one place.
 * Threads: all functions may be called from any thread. */
#ifndef AGLM_BASE_MEMORY_H
#define AGLM_BASE_MEMORY_H

#include <stddef.h>

#include "autoglm/error.h"

/* n * size zeroed bytes, NULL when that overflows or memory is out. n == 0 gives a pointer that
 * free() takes. */
void *aglm_calloc(size_t n, size_t size);

/* As aglm_calloc but 64-byte aligned, for vector kernels; free() releases it. */
void *aglm_calloc_aligned(size_t n, size_t size);

/* Makes room for `need` elements in a growing array: *data is a pointer to a pointer to elements of
 * `size` bytes and *cap its capacity. Grows by half. AGLM_LIMIT when need > max (what the caller
 * allows), AGLM_NOMEM when out; the array stays as it was on failure. Use: aglm_grow(&v->data,
 * &v->cap, v->n + 1, sizeof *v->data, MAX). */
aglm_rc aglm_grow(void *data, size_t *cap, size_t need, size_t size, size_t max);

/* A heap copy of n bytes with a NUL behind it; NULL when out of memory. */
char *aglm_strndup(const char *s, size_t n);

#endif
