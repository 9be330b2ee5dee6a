/* net/http_client.h - asks HTTP services: one request at a time, with deadlines, retries and
 * bounded answers. TLS is verified, redirects are not followed, proxies come from the environment.
 * Threads: a client is confined to one thread at a time. */
#ifndef AGLM_NET_HTTP_CLIENT_H
#define AGLM_NET_HTTP_CLIENT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/clock.h"
#include "base/str.h"
#include "net/event_stream.h"

typedef struct aglm_http_client aglm_http_client;

typedef struct aglm_http_options {
    double connect_s; /* until connected; 0: 10 */
    double total_s;   /* a request without a deadline, retries included; 0: 600 */
    size_t max_body;  /* bytes of an answer; 0: 64 MiB */
    unsigned retries; /* further attempts after 429, 5xx and broken connections */
    double backoff_s; /* first wait; 0: 0.5. Wait k is uniform in 0 .. backoff * 2^k ("full jitter",
                       * Brooker 2015), at most 16 backoffs */
    uint64_t seed;    /* of the waits */
} aglm_http_options;

typedef struct aglm_http_request {
    const char *url;    /* http:// or https://, without user and password */
    const char *bearer; /* the key, NULL: none; never in a message */
    const char *body;   /* JSON to POST; NULL: GET */
    size_t body_len;
    uint64_t deadline_ns;      /* monotonic; 0: options.total_s from now */
    const aglm_cancel *cancel; /* may be NULL */
    /* Takes the events of a 2xx answer that is a stream of events; NULL: everything goes to the
     * body. AGLM_DONE ends the request, with success. */
    aglm_event_sink on_event;
    void *arg;
} aglm_http_request;

typedef struct aglm_http_answer {
    int status;  /* 0: none came */
    bool events; /* it was a stream of events */
    unsigned attempts;
    double retry_after_s; /* what the last answer asked for; 0: nothing */
    char location[256];   /* where a 3xx answer points, "" otherwise */
    aglm_str body;
} aglm_http_answer;

/* AGLM_UNSUPPORTED: built without libcurl; the message says what to install. */
aglm_rc aglm_http_client_open(aglm_http_client **out, const aglm_http_options *options,
                              aglm_error *err);
void aglm_http_client_close(aglm_http_client *c); /* NULL is fine */

void aglm_http_answer_init(aglm_http_answer *a);
void aglm_http_answer_clear(aglm_http_answer *a);

/* AGLM_OK: there is an answer, of whatever status, 429 and 5xx after the last retry. Failures:
 * AGLM_CANCELLED (deadline or token), AGLM_IO (connection, TLS, an answer cut short), AGLM_LIMIT (a
 * body too large), AGLM_INVALID (the URL or key), or what on_event gave. Retried only while no
 * event was handed over and the wait, Retry-After included, ends before the deadline. */
aglm_rc aglm_http_send(aglm_http_client *c, const aglm_http_request *request,
                       aglm_http_answer *answer, aglm_error *err);

/* The host and port of a URL within it, "" where it has none. */
const char *aglm_http_host(const char *url, size_t *n);
/* Covers every occurrence of a secret (may be NULL) with asterisks. */
void aglm_http_redact(char *text, const char *secret);
/* Sleeps, at most until the deadline; AGLM_CANCELLED when the token or deadline ended it. */
aglm_rc aglm_http_pause(double seconds, uint64_t deadline_ns, const aglm_cancel *cancel);

#endif
