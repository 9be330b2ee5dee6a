/* net/event_stream.h - a parser of server-sent events (WHATWG HTML, 9.2.6), fed with bytes as they
 * come, split anywhere.
 * Threads: confined. */
#ifndef AGLM_NET_EVENT_STREAM_H
#define AGLM_NET_EVENT_STREAM_H

#include <stdbool.h>
#include <stddef.h>

#include "base/str.h"

/* One event's data lines, joined by line feeds; good until it returns. AGLM_OK: go on; AGLM_DONE:
 * enough; a failure ends the parse. */
typedef aglm_rc (*aglm_event_sink)(void *arg, const char *data, size_t n, aglm_error *err);

typedef struct aglm_event_stream {
    aglm_str line, data;
    bool has_data, after_cr, begun;
    aglm_event_sink sink;
    void *arg;
} aglm_event_stream;

/* max bounds a line and an event's data, in bytes. */
void aglm_event_stream_init(aglm_event_stream *s, size_t max, aglm_event_sink sink, void *arg);
void aglm_event_stream_clear(aglm_event_stream *s);

/* Calls the sink for every event that ends in these bytes; names and ids of events and comments are
 * passed over. What the sink answered; AGLM_LIMIT, AGLM_NOMEM. An event that no blank line ends is
 * never given. */
aglm_rc aglm_event_stream_feed(aglm_event_stream *s, const char *bytes, size_t n, aglm_error *err);

#endif
