/* net/http_link.h - one attempt at one request: what http_client.c retries (http_curl.c does it).
 * Threads: confined. */
#ifndef AGLM_NET_HTTP_LINK_H
#define AGLM_NET_HTTP_LINK_H

#include "net/http_client.h"

typedef struct aglm_http_link aglm_http_link;

typedef struct aglm_http_attempt {
    const aglm_http_request *request;
    uint64_t deadline_ns; /* never 0 */
    size_t max_body;
    aglm_http_answer *answer;
    bool delivered; /* out: an event was handed over */
    bool transient; /* out: the failure may pass */
} aglm_http_attempt;

aglm_rc aglm_http_link_open(aglm_http_link **out, double connect_s, aglm_error *err);
void aglm_http_link_close(aglm_http_link *l);
aglm_rc aglm_http_link_try(aglm_http_link *l, aglm_http_attempt *a, aglm_error *err);

#endif
