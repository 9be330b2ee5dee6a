/* base/str.h - a growing byte string with a cap and a sticky failure, so that a writer checks once
 * at its end.
 * Threads: confined. */
#ifndef AGLM_BASE_STR_H
#define AGLM_BASE_STR_H

#include <stddef.h>

#include "autoglm/error.h"

typedef struct aglm_str {
    char *data; /* NUL behind len bytes; "" when empty, never NULL after init */
    size_t len;
    size_t cap;
    size_t max;
    aglm_rc rc; /* the first failure (AGLM_NOMEM, AGLM_LIMIT); later appends do nothing */
} aglm_str;

void aglm_str_init(aglm_str *s, size_t max);
void aglm_str_clear(aglm_str *s);
/* Length back to 0 and the failure forgotten; keeps the memory. */
void aglm_str_reset(aglm_str *s);

aglm_rc aglm_str_append(aglm_str *s, const char *bytes, size_t n);
aglm_rc aglm_str_puts(aglm_str *s, const char *text);
aglm_rc aglm_str_putc(aglm_str *s, char c);
aglm_rc aglm_str_printf(aglm_str *s, const char *fmt, ...) AGLM_PRINTF(2, 3);

/* Hands the heap string over (free() it) and leaves s empty; NULL when an append had failed. */
char *aglm_str_take(aglm_str *s);

#endif
