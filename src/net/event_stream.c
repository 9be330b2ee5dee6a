#include "net/event_stream.h"

#include <string.h>

void aglm_event_stream_init(aglm_event_stream *s, size_t max, aglm_event_sink sink, void *arg)
{
    *s = (aglm_event_stream){.sink = sink, .arg = arg};
    aglm_str_init(&s->line, max);
    aglm_str_init(&s->data, max);
}

void aglm_event_stream_clear(aglm_event_stream *s)
{
    aglm_str_clear(&s->line);
    aglm_str_clear(&s->data);
}

static aglm_rc dispatch(aglm_event_stream *s, aglm_error *err)
{
    aglm_rc rc = AGLM_OK;

    if (s->has_data)
        rc = s->sink(s->arg, s->data.data, s->data.len, err);
    aglm_str_reset(&s->data);
    s->has_data = false;
    return rc;
}

static void add_data(aglm_event_stream *s, const char *value, size_t n)
{
    if (s->has_data)
        aglm_str_putc(&s->data, '\n');
    s->has_data = true;
    aglm_str_append(&s->data, value, n);
}

/* "data", "data:x" and "data: x" carry data; other fields do not matter here. */
static void take_field(aglm_event_stream *s, const char *line, size_t n)
{
    const char *colon = memchr(line, ':', n);
    size_t name = colon ? (size_t)(colon - line) : n;
    size_t at = colon ? name + 1 : n;

    if (name != 4 || memcmp(line, "data", 4) != 0)
        return;
    if (at < n && line[at] == ' ')
        at++;
    add_data(s, line + at, n - at);
}

static aglm_rc end_line(aglm_event_stream *s, aglm_error *err)
{
    static const char MARK[] = "\xef\xbb\xbf";
    const char *line = s->line.data;
    size_t n = s->line.len;
    aglm_rc rc = AGLM_OK;

    if (!s->begun && n >= 3 && memcmp(line, MARK, 3) == 0) {
        line += 3;
        n -= 3;
    }
    s->begun = true;
    if (n == 0)
        rc = dispatch(s, err);
    else
        take_field(s, line, n);
    aglm_str_reset(&s->line);
    return rc;
}

static aglm_rc overflow(const aglm_event_stream *s, aglm_error *err)
{
    aglm_rc rc = s->line.rc != AGLM_OK ? s->line.rc : s->data.rc;

    if (rc == AGLM_OK)
        return rc;
    return aglm_error_set(err, rc, "an event of the stream: %s (at most %zu bytes)",
                          aglm_rc_text(rc), s->line.max);
}

static size_t plain_length(const char *bytes, size_t n)
{
    size_t i = 0;

    while (i < n && bytes[i] != '\n' && bytes[i] != '\r')
        i++;
    return i;
}

aglm_rc aglm_event_stream_feed(aglm_event_stream *s, const char *bytes, size_t n, aglm_error *err)
{
    aglm_rc rc = AGLM_OK;

    for (size_t i = 0; rc == AGLM_OK && i < n;) {
        if (s->after_cr && bytes[i] == '\n') { /* the second half of CR LF */
            s->after_cr = false;
            i++;
            continue;
        }
        s->after_cr = false;
        size_t plain = plain_length(bytes + i, n - i);
        aglm_str_append(&s->line, bytes + i, plain);
        i += plain;
        rc = overflow(s, err);
        if (rc != AGLM_OK || i == n)
            break;
        s->after_cr = bytes[i++] == '\r';
        rc = end_line(s, err);
        if (rc == AGLM_OK)
            rc = overflow(s, err);
    }
    return rc;
}
