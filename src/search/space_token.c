#include "search/space_text_priv.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/utf8.h"

#define MAX_TEXT (1u << 20)
#define MAX_SCRATCH (1u << 26)

static size_t character_of(const struct aglm_text *t, size_t at)
{
    size_t n = 1;

    for (size_t i = 0; i < at; i++)
        n += ((unsigned char)t->s[i] & 0xC0) != 0x80;
    return n;
}

aglm_rc aglm_text_fail(struct aglm_text *t, size_t at, const char *fmt, ...)
{
    char why[AGLM_ERROR_MAX];
    va_list ap;

    va_start(ap, fmt);
    vsnprintf(why, sizeof why, fmt, ap);
    va_end(ap);
    if (t->param)
        return aglm_error_set(t->err, AGLM_INVALID, "parameter \"%.128s\", character %zu: %s",
                              t->param, character_of(t, at), why);
    return aglm_error_set(t->err, AGLM_INVALID, "character %zu: %s", character_of(t, at), why);
}

aglm_rc aglm_text_no_memory(struct aglm_text *t)
{
    return aglm_error_set(t->err, AGLM_NOMEM, "out of memory for a space");
}

/* ---- tokens ---- */

static bool is_blank(char c)
{
    return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

static bool is_bare(char c)
{
    return (unsigned char)c > ' ' && c != 0x7F && !strchr(",()[]{}='\";<>!&", c);
}

void aglm_text_skip(struct aglm_text *t)
{
    while (t->at < t->n && is_blank(t->s[t->at]))
        t->at++;
}

bool aglm_text_take(struct aglm_text *t, char c)
{
    aglm_text_skip(t);
    if (t->at >= t->n || t->s[t->at] != c)
        return false;
    t->at++;
    return true;
}

bool aglm_text_next_is(struct aglm_text *t, char c)
{
    aglm_text_skip(t);
    return t->at < t->n && t->s[t->at] == c;
}

/* What stands there, for a message; good until the next call. */
const char *aglm_text_what(const struct aglm_text *t, char buf[16])
{
    uint32_t cp;

    if (t->at >= t->n)
        return "the end";
    size_t used = aglm_utf8_decode(t->s + t->at, t->n - t->at, &cp);
    snprintf(buf, 16, "\"%.*s\"", (int)used, t->s + t->at);
    return buf;
}

aglm_rc aglm_text_expect(struct aglm_text *t, char c, const char *then)
{
    char buf[16];

    if (aglm_text_take(t, c))
        return AGLM_OK;
    return aglm_text_fail(t, t->at, "expected \"%c\" %s, found %s", c, then,
                          aglm_text_what(t, buf));
}

/* A run of plain characters; empty when there is none. */
size_t aglm_text_bare(struct aglm_text *t, const char **out)
{
    aglm_text_skip(t);
    *out = t->s + t->at;
    size_t start = t->at;
    while (t->at < t->n && is_bare(t->s[t->at]))
        t->at++;
    return t->at - start;
}

bool aglm_text_at_quote(struct aglm_text *t)
{
    return aglm_text_next_is(t, '\'') || aglm_text_next_is(t, '"');
}

/* 'text' or "text"; a backslash takes the next character as it is. */
aglm_rc aglm_text_quoted(struct aglm_text *t, const char **out)
{
    size_t start = t->at;
    char quote = t->s[t->at++];
    char *copy = aglm_arena_alloc(&t->arena, t->n - t->at + 1);
    size_t n = 0;

    if (!copy)
        return aglm_text_no_memory(t);
    for (; t->at < t->n && t->s[t->at] != quote; t->at++) {
        if (t->s[t->at] == '\\' && t->at + 1 < t->n)
            t->at++;
        copy[n++] = t->s[t->at];
    }
    if (t->at >= t->n)
        return aglm_text_fail(t, start, "the quote %c is not closed", quote);
    t->at++;
    *out = copy;
    return AGLM_OK;
}

/* A name or a text, quoted or bare. */
aglm_rc aglm_text_word(struct aglm_text *t, const char *what, const char **out)
{
    const char *bare;
    char buf[16];

    if (aglm_text_at_quote(t))
        return aglm_text_quoted(t, out);
    size_t n = aglm_text_bare(t, &bare);
    if (n == 0)
        return aglm_text_fail(t, t->at, "expected %s, found %s", what, aglm_text_what(t, buf));
    *out = aglm_arena_strndup(&t->arena, bare, n);
    return *out ? AGLM_OK : aglm_text_no_memory(t);
}

aglm_rc aglm_text_made(struct aglm_text *t, size_t at, aglm_rc rc)
{
    char why[AGLM_ERROR_MAX];

    if (rc != AGLM_INVALID || !t->err)
        return rc;
    snprintf(why, sizeof why, "%s", t->err->msg);
    return aglm_text_fail(t, at, "%s", why);
}

aglm_rc aglm_text_init(struct aglm_text *t, aglm_space *s, const char *text, size_t len,
                       aglm_error *err)
{
    *t = (struct aglm_text){.s = text, .n = len, .space = s, .parent = -1, .err = err};
    aglm_arena_init(&t->arena, MAX_SCRATCH);
    if (len > MAX_TEXT)
        return aglm_error_set(err, AGLM_LIMIT, "a space's text has at most %u bytes, not %zu",
                              MAX_TEXT, len);
    size_t bad = aglm_utf8_check(text, len);
    if (bad < len)
        return aglm_text_fail(t, bad, "the text is not UTF-8 there");
    const char *nul = memchr(text, '\0', len);
    return nul ? aglm_text_fail(t, (size_t)(nul - text), "a NUL character") : AGLM_OK;
}

void aglm_text_clear(struct aglm_text *t)
{
    aglm_arena_clear(&t->arena);
    free(t->found);
}
