#include "autoglm/error.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

const char *aglm_rc_text(aglm_rc rc)
{
    switch (rc) {
#define AGLM_RC_CASE(name, value, text)                                                            \
    case AGLM_##name:                                                                              \
        return text;
        AGLM_RC_LIST(AGLM_RC_CASE)
#undef AGLM_RC_CASE
    }
    return "unknown code";
}

/* A message cut by its buffer must not end inside a UTF-8 sequence. */
static void trim_partial_utf8(char *s)
{
    size_t n = strlen(s);
    size_t lead = n;

    while (lead > 0 && ((unsigned char)s[lead - 1] & 0xC0) == 0x80)
        lead--;
    if (lead == 0)
        return;
    unsigned char c = (unsigned char)s[lead - 1];
    size_t want = c >= 0xF0 ? 4 : c >= 0xE0 ? 3 : c >= 0xC0 ? 2 : 1;
    if (n - (lead - 1) < want)
        s[lead - 1] = '\0';
}

aglm_rc aglm_error_set(aglm_error *err, aglm_rc rc, const char *fmt, ...)
{
    va_list ap;

    if (!err)
        return rc;
    err->rc = rc;
    va_start(ap, fmt);
    int n = vsnprintf(err->msg, sizeof err->msg, fmt, ap);
    va_end(ap);
    if (n >= (int)sizeof err->msg)
        trim_partial_utf8(err->msg);
    return rc;
}

void aglm_error_prefix(aglm_error *err, const char *fmt, ...)
{
    char head[AGLM_ERROR_MAX];
    char tail[AGLM_ERROR_MAX];
    va_list ap;

    if (!err)
        return;
    va_start(ap, fmt);
    vsnprintf(head, sizeof head, fmt, ap);
    va_end(ap);
    memcpy(tail, err->msg, sizeof tail);
    int n = snprintf(err->msg, sizeof err->msg, "%s: %s", head, tail);
    if (n >= (int)sizeof err->msg)
        trim_partial_utf8(err->msg);
}
