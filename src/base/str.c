#include "base/str.h"

#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Stands for every empty string without memory; never written, as cap is 0 then. */
static char *shared_empty(void)
{
    return (char *)(uintptr_t)"";
}

void aglm_str_init(aglm_str *s, size_t max)
{
    *s = (aglm_str){.data = shared_empty(), .max = max};
}

void aglm_str_clear(aglm_str *s)
{
    if (s->cap)
        free(s->data);
    aglm_str_init(s, s->max);
}

void aglm_str_reset(aglm_str *s)
{
    s->len = 0;
    s->rc = AGLM_OK;
    if (s->cap)
        s->data[0] = '\0';
}

/* Room for n more bytes and the NUL. */
static aglm_rc reserve(aglm_str *s, size_t n)
{
    if (s->rc)
        return s->rc;
    if (n > s->max - s->len)
        return s->rc = AGLM_LIMIT;
    size_t need = s->len + n;
    if (need < s->cap)
        return AGLM_OK;
    if (need >= PTRDIFF_MAX / 2)
        return s->rc = AGLM_NOMEM;
    size_t cap = s->cap + s->cap / 2;
    if (cap < 32)
        cap = 32;
    if (cap <= need)
        cap = need + 1;
    char *grown = realloc(s->cap ? s->data : NULL, cap);
    if (!grown)
        return s->rc = AGLM_NOMEM;
    s->data = grown;
    s->cap = cap;
    return AGLM_OK;
}

aglm_rc aglm_str_append(aglm_str *s, const char *bytes, size_t n)
{
    if (n == 0)
        return s->rc;
    if (reserve(s, n))
        return s->rc;
    memcpy(s->data + s->len, bytes, n);
    s->len += n;
    s->data[s->len] = '\0';
    return AGLM_OK;
}

aglm_rc aglm_str_puts(aglm_str *s, const char *text)
{
    return aglm_str_append(s, text, strlen(text));
}

aglm_rc aglm_str_putc(aglm_str *s, char c)
{
    return aglm_str_append(s, &c, 1);
}

aglm_rc aglm_str_printf(aglm_str *s, const char *fmt, ...)
{
    va_list ap;

    if (s->rc)
        return s->rc;
    size_t room = s->cap ? s->cap - s->len : 0;
    va_start(ap, fmt);
    int n = vsnprintf(room ? s->data + s->len : NULL, room, fmt, ap);
    va_end(ap);
    bool fits = n >= 0 && reserve(s, (size_t)n) == AGLM_OK;
    if (fits && (size_t)n >= room) {
        va_start(ap, fmt);
        n = vsnprintf(s->data + s->len, s->cap - s->len, fmt, ap);
        va_end(ap);
    }
    if (n < 0 && !s->rc)
        s->rc = AGLM_INVALID;
    if (s->rc) {
        if (s->cap)
            s->data[s->len] = '\0'; /* the first try may have written a part */
        return s->rc;
    }
    s->len += (size_t)n;
    return AGLM_OK;
}

char *aglm_str_take(aglm_str *s)
{
    char *out = NULL;

    if (s->rc == AGLM_OK && reserve(s, 0) == AGLM_OK) {
        out = s->data;
        out[s->len] = '\0';
        s->cap = 0;
    }
    aglm_str_clear(s);
    return out;
}
