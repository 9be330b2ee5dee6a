#include <assert.h>
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <string.h>
#include <yyjson.h>

#include "base/json.h"
#include "base/utf8.h"

void aglm_json_writer_init(aglm_json_writer *w, aglm_str *out)
{
    memset(w, 0, sizeof *w);
    w->out = out;
}

static void new_line(aglm_json_writer *w)
{
    aglm_str_putc(w->out, '\n');
    for (int i = 0; i < w->depth; i++)
        aglm_str_append(w->out, "  ", 2);
}

/* What stands before a value or a key: nothing behind a key, else a comma where one is due. */
static void lead_in(aglm_json_writer *w)
{
    if (w->after_key) {
        w->after_key = false;
        return;
    }
    if (w->depth == 0)
        return;
    if (w->comma[w->depth - 1])
        aglm_str_puts(w->out, w->python && !w->pretty ? ", " : ",");
    w->comma[w->depth - 1] = true;
    if (w->pretty)
        new_line(w);
}

static void open_container(aglm_json_writer *w, char bracket)
{
    lead_in(w);
    aglm_str_putc(w->out, bracket);
    if (w->depth >= AGLM_JSON_MAX_DEPTH) {
        if (!w->out->rc)
            w->out->rc = AGLM_LIMIT;
        return;
    }
    w->comma[w->depth++] = false;
}

static void close_container(aglm_json_writer *w, char bracket)
{
    if (w->out->rc)
        return;
    assert(w->depth > 0 && !w->after_key);
    w->depth--;
    if (w->pretty && w->comma[w->depth])
        new_line(w);
    aglm_str_putc(w->out, bracket);
}

void aglm_json_open_object(aglm_json_writer *w)
{
    open_container(w, '{');
}

void aglm_json_close_object(aglm_json_writer *w)
{
    close_container(w, '}');
}

void aglm_json_open_array(aglm_json_writer *w)
{
    open_container(w, '[');
}

void aglm_json_close_array(aglm_json_writer *w)
{
    close_container(w, ']');
}

/* The escape that has a letter, or 0. */
static char short_escape(unsigned char c)
{
    switch (c) {
    case '"':
    case '\\':
        return (char)c;
    case '\n':
        return 'n';
    case '\r':
        return 'r';
    case '\t':
        return 't';
    case '\b':
        return 'b';
    case '\f':
        return 'f';
    default:
        return 0;
    }
}

static void put_unit(aglm_str *out, uint32_t unit)
{
    static const char digits[] = "0123456789abcdef";
    char text[6] = {'\\', 'u'};

    for (int i = 0; i < 4; i++)
        text[2 + i] = digits[unit >> (12 - 4 * i) & 15];
    aglm_str_append(out, text, sizeof text);
}

static void put_ascii_escape(aglm_str *out, unsigned char c)
{
    char text[2] = {'\\', short_escape(c)};

    if (text[1])
        aglm_str_append(out, text, 2);
    else
        put_unit(out, c);
}

static void put_escaped_unicode(aglm_str *out, uint32_t cp)
{
    if (cp >= 0x10000) {
        put_unit(out, 0xD800 + ((cp - 0x10000) >> 10));
        put_unit(out, 0xDC00 + ((cp - 0x10000) & 0x3FF));
    } else {
        put_unit(out, cp);
    }
}

static bool is_plain(const aglm_json_writer *w, unsigned char c)
{
    return c >= 0x20 && c < 0x80 && c != '"' && c != '\\' && !(w->python && c == 0x7f);
}

/* Bytes from s on that are written as they are; valid UTF-8 counts unless Python's style is asked
 * for. */
static size_t plain_length(const aglm_json_writer *w, const char *s, size_t len)
{
    size_t i = 0;
    uint32_t cp;

    while (i < len) {
        if (is_plain(w, (unsigned char)s[i])) {
            i++;
            continue;
        }
        if ((unsigned char)s[i] < 0x80 || w->python)
            break;
        size_t step = aglm_utf8_decode(s + i, len - i, &cp);
        if (step == 1)
            break;
        i += step;
    }
    return i;
}

/* Writes what stands at s and is not plain; returns its bytes. */
static size_t put_special(const aglm_json_writer *w, const char *s, size_t len)
{
    uint32_t cp;
    char bytes[4];
    size_t step = aglm_utf8_decode(s, len, &cp);

    if (cp < 0x80)
        put_ascii_escape(w->out, (unsigned char)cp);
    else if (w->python)
        put_escaped_unicode(w->out, cp);
    else
        aglm_str_append(w->out, bytes, aglm_utf8_encode(cp, bytes));
    return step;
}

static void put_quoted(aglm_json_writer *w, const char *s, size_t len)
{
    aglm_str_putc(w->out, '"');
    for (size_t i = 0; i < len;) {
        size_t plain = plain_length(w, s + i, len - i);
        aglm_str_append(w->out, s + i, plain);
        i += plain;
        if (i < len)
            i += put_special(w, s + i, len - i);
    }
    aglm_str_putc(w->out, '"');
}

static void put_key(aglm_json_writer *w, const char *key, size_t len)
{
    assert(!w->after_key);
    lead_in(w);
    put_quoted(w, key, len);
    aglm_str_puts(w->out, w->pretty || w->python ? ": " : ":");
    w->after_key = true;
}

void aglm_json_key(aglm_json_writer *w, const char *key)
{
    put_key(w, key, strlen(key));
}

void aglm_json_put_string(aglm_json_writer *w, const char *s, size_t len)
{
    lead_in(w);
    put_quoted(w, s, len);
}

static void put_word(aglm_json_writer *w, const char *word)
{
    lead_in(w);
    aglm_str_puts(w->out, word);
}

void aglm_json_put_text(aglm_json_writer *w, const char *s)
{
    if (s)
        aglm_json_put_string(w, s, strlen(s));
    else
        put_word(w, "null");
}

void aglm_json_put_double(aglm_json_writer *w, double v)
{
    char text[32];

    if (isfinite(v)) {
        aglm_double_format(text, v);
        put_word(w, text);
    } else if (!w->nonfinite) {
        put_word(w, "null");
    } else {
        put_word(w, isnan(v) ? "NaN" : v < 0 ? "-Infinity" : "Infinity");
    }
}

void aglm_json_put_int(aglm_json_writer *w, int64_t v)
{
    char text[24];

    snprintf(text, sizeof text, "%" PRId64, v);
    put_word(w, text);
}

void aglm_json_put_bool(aglm_json_writer *w, bool v)
{
    put_word(w, v ? "true" : "false");
}

void aglm_json_put_null(aglm_json_writer *w)
{
    put_word(w, "null");
}

static void put_container(aglm_json_writer *w, yyjson_val *v)
{
    bool object = yyjson_is_obj(v);
    size_t left = unsafe_yyjson_get_len(v);
    yyjson_val *child = unsafe_yyjson_get_first(v);

    open_container(w, object ? '{' : '[');
    for (; left > 0 && !w->out->rc; left--) {
        if (object) {
            put_key(w, unsafe_yyjson_get_str(child), unsafe_yyjson_get_len(child));
            child++;
        }
        aglm_json_put_value(w, (const aglm_json *)child);
        child = unsafe_yyjson_get_next(child);
    }
    close_container(w, object ? '}' : ']');
}

/* The only function here that looks into yyjson: 1 and 1.0 must stay apart, and 2^64 - 1 exact. */
void aglm_json_put_value(aglm_json_writer *w, const aglm_json *v)
{
    yyjson_val *y = (yyjson_val *)(uintptr_t)v;
    char text[24];

    if (yyjson_is_ctn(y)) {
        put_container(w, y);
    } else if (yyjson_is_str(y)) {
        aglm_json_put_string(w, unsafe_yyjson_get_str(y), unsafe_yyjson_get_len(y));
    } else if (yyjson_is_real(y)) {
        aglm_json_put_double(w, unsafe_yyjson_get_real(y));
    } else if (yyjson_is_uint(y)) {
        snprintf(text, sizeof text, "%" PRIu64, unsafe_yyjson_get_uint(y));
        put_word(w, text);
    } else if (yyjson_is_sint(y)) {
        aglm_json_put_int(w, unsafe_yyjson_get_sint(y));
    } else if (yyjson_is_bool(y)) {
        aglm_json_put_bool(w, unsafe_yyjson_get_bool(y));
    } else {
        aglm_json_put_null(w);
    }
}

void aglm_json_put_parsed(aglm_json_writer *w, const char *text, size_t len)
{
    aglm_json_doc *doc = NULL;
    aglm_rc rc = aglm_json_parse(&doc, text, len, NULL, NULL);

    if (rc == AGLM_OK)
        aglm_json_put_value(w, aglm_json_root(doc));
    else
        aglm_json_put_null(w); /* what follows may still be written, to a string that has failed */
    if (rc != AGLM_OK && w->out->rc == AGLM_OK)
        w->out->rc = rc;
    aglm_json_free(doc);
}

void aglm_json_member_text(aglm_json_writer *w, const char *key, const char *s)
{
    aglm_json_key(w, key);
    aglm_json_put_text(w, s);
}

void aglm_json_member_double(aglm_json_writer *w, const char *key, double v)
{
    aglm_json_key(w, key);
    aglm_json_put_double(w, v);
}

void aglm_json_member_int(aglm_json_writer *w, const char *key, int64_t v)
{
    aglm_json_key(w, key);
    aglm_json_put_int(w, v);
}

void aglm_json_member_bool(aglm_json_writer *w, const char *key, bool v)
{
    aglm_json_key(w, key);
    aglm_json_put_bool(w, v);
}
