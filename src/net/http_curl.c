#include <curl/curl.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "net/http_link.h"

#define SLICE_MS 50 /* how late a cancel token may be noticed */
#define MAX_HEADER 4096

struct aglm_http_link {
    CURL *easy;
    CURLM *multi;
    char text[CURL_ERROR_SIZE];
};

/* What the writing callback works on. */
typedef struct transfer {
    aglm_http_link *link;
    aglm_http_attempt *a;
    aglm_event_stream events;
    size_t received;
    aglm_rc rc; /* why we ended it: AGLM_OK, we did not */
    aglm_error *err;
} transfer;

static void start_curl(void)
{
    curl_global_init(CURL_GLOBAL_DEFAULT);
}

aglm_rc aglm_http_link_open(aglm_http_link **out, double connect_s, aglm_error *err)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    aglm_http_link *l = calloc(1, sizeof *l);

    *out = NULL;
    pthread_once(&once, start_curl);
    if (l) {
        l->easy = curl_easy_init();
        l->multi = curl_multi_init();
    }
    if (!l || !l->easy || !l->multi) {
        aglm_http_link_close(l);
        return aglm_error_set(err, AGLM_NOMEM, "no memory for an HTTP client");
    }
    curl_easy_setopt(l->easy, CURLOPT_CONNECTTIMEOUT_MS, (long)(1e3 * connect_s));
    *out = l;
    return AGLM_OK;
}

void aglm_http_link_close(aglm_http_link *l)
{
    if (!l)
        return;
    curl_easy_cleanup(l->easy);
    curl_multi_cleanup(l->multi);
    free(l);
}

/* ---- what comes ---- */

static bool is_event_stream(CURL *easy)
{
    const char *type = NULL;

    curl_easy_getinfo(easy, CURLINFO_CONTENT_TYPE, &type);
    return type && strncasecmp(type, "text/event-stream", 17) == 0;
}

static aglm_rc sink(void *arg, const char *data, size_t n, aglm_error *err)
{
    transfer *t = arg;

    t->a->delivered = true;
    return t->a->request->on_event(t->a->request->arg, data, n, err);
}

static aglm_rc take(transfer *t, const char *bytes, size_t n)
{
    aglm_http_answer *answer = t->a->answer;
    long status = 0;

    curl_easy_getinfo(t->link->easy, CURLINFO_RESPONSE_CODE, &status);
    if (n > t->a->max_body - t->received)
        return aglm_error_set(t->err, AGLM_LIMIT, "the answer is longer than %zu bytes",
                              t->a->max_body);
    t->received += n;
    answer->events = t->a->request->on_event && status >= 200 && status < 300 &&
                     is_event_stream(t->link->easy);
    if (answer->events)
        return aglm_event_stream_feed(&t->events, bytes, n, t->err);
    if (aglm_str_append(&answer->body, bytes, n) == AGLM_OK)
        return AGLM_OK;
    return aglm_error_set(t->err, answer->body.rc, "the answer: %s", aglm_rc_text(answer->body.rc));
}

static size_t on_write(char *bytes, size_t size, size_t n, void *arg)
{
    transfer *t = arg;

    t->rc = take(t, bytes, size * n);
    return t->rc == AGLM_OK ? size * n : CURL_WRITEFUNC_ERROR;
}

static void read_answer(CURL *easy, aglm_http_answer *answer)
{
    long status = 0;
    curl_off_t wait = 0;
    const char *location = NULL;

    curl_easy_getinfo(easy, CURLINFO_RESPONSE_CODE, &status);
    curl_easy_getinfo(easy, CURLINFO_RETRY_AFTER, &wait);
    curl_easy_getinfo(easy, CURLINFO_REDIRECT_URL, &location);
    answer->status = (int)status;
    answer->retry_after_s = (double)wait;
    if (location) {
        size_t n = strnlen(location, sizeof answer->location - 1);
        memcpy(answer->location, location, n);
        answer->location[n] = '\0';
        for (char *p = answer->location; *p; p++)
            if (*p <= ' ' || *p > '~')
                *p = '?';
    }
}

/* ---- what goes ---- */

static bool add_header(struct curl_slist **list, const char *text)
{
    struct curl_slist *longer = curl_slist_append(*list, text);

    if (longer)
        *list = longer;
    return longer != NULL;
}

static aglm_rc make_headers(const aglm_http_request *r, struct curl_slist **list, aglm_error *err)
{
    aglm_str key;

    aglm_str_init(&key, MAX_HEADER);
    aglm_str_puts(&key, "Authorization: Bearer ");
    aglm_str_puts(&key, r->bearer ? r->bearer : "");
    bool ok = add_header(list, "Accept: application/json, text/event-stream") &&
              add_header(list, "Expect:") &&
              (!r->body || add_header(list, "Content-Type: application/json"));
    if (ok && r->bearer && key.rc == AGLM_OK)
        ok = add_header(list, key.data);
    aglm_rc rc = ok ? key.rc : AGLM_NOMEM;
    explicit_bzero(key.data, key.len);
    aglm_str_clear(&key);
    return rc == AGLM_OK ? rc
                         : aglm_error_set(err, rc, "the request's header: %s", aglm_rc_text(rc));
}

static void limit_protocols(CURL *easy)
{
#if LIBCURL_VERSION_NUM >= 0x075500
    curl_easy_setopt(easy, CURLOPT_PROTOCOLS_STR, "http,https");
#else
    curl_easy_setopt(easy, CURLOPT_PROTOCOLS, CURLPROTO_HTTP | CURLPROTO_HTTPS);
#endif
#if LIBCURL_VERSION_NUM >= 0x075700
    /* A name server that hangs must not hold us beyond the deadline. */
    curl_easy_setopt(easy, CURLOPT_QUICK_EXIT, 1L);
#endif
}

static void set_up(transfer *t, struct curl_slist *headers)
{
    const aglm_http_request *r = t->a->request;
    CURL *easy = t->link->easy;

    limit_protocols(easy);
    curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(easy, CURLOPT_FOLLOWLOCATION, 0L);
    curl_easy_setopt(easy, CURLOPT_SSL_VERIFYPEER, 1L);
    curl_easy_setopt(easy, CURLOPT_SSL_VERIFYHOST, 2L);
    curl_easy_setopt(easy, CURLOPT_SUPPRESS_CONNECT_HEADERS, 1L);
    curl_easy_setopt(easy, CURLOPT_USERAGENT, "autoglm/" AGLM_VERSION);
    curl_easy_setopt(easy, CURLOPT_ERRORBUFFER, t->link->text);
    curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, on_write);
    curl_easy_setopt(easy, CURLOPT_WRITEDATA, t);
    curl_easy_setopt(easy, CURLOPT_URL, r->url);
    curl_easy_setopt(easy, CURLOPT_HTTPHEADER, headers);
    if (r->body) {
        curl_easy_setopt(easy, CURLOPT_POST, 1L);
        curl_easy_setopt(easy, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)r->body_len);
        curl_easy_setopt(easy, CURLOPT_POSTFIELDS, r->body);
    } else {
        curl_easy_setopt(easy, CURLOPT_HTTPGET, 1L);
    }
}

/* ---- the attempt ---- */

static aglm_rc out_of_time(const transfer *t)
{
    if (aglm_cancelled(t->a->request->cancel))
        return aglm_error_set(t->err, AGLM_CANCELLED, "cancelled while waiting for the answer");
    if (aglm_clock_ns() < t->a->deadline_ns)
        return AGLM_OK;
    return aglm_error_set(t->err, AGLM_CANCELLED, "%s",
                          t->received > 0 ? "the answer was not complete in time"
                                          : "there was no answer in time");
}

/* Runs the transfer to its end; *code is curl's word on it unless we ended it. */
static aglm_rc run(transfer *t, CURLcode *code)
{
    CURLM *multi = t->link->multi;
    int running = 1;

    while (running > 0) {
        int left;
        CURLMcode m = curl_multi_perform(multi, &running);
        if (m == CURLM_OK && running > 0)
            m = curl_multi_poll(multi, NULL, 0, SLICE_MS, NULL);
        if (m != CURLM_OK)
            return aglm_error_set(t->err, m == CURLM_OUT_OF_MEMORY ? AGLM_NOMEM : AGLM_IO,
                                  "HTTP client: %s", curl_multi_strerror(m));
        for (CURLMsg *msg; (msg = curl_multi_info_read(multi, &left));)
            if (msg->msg == CURLMSG_DONE)
                *code = msg->data.result;
        aglm_rc rc = running > 0 ? out_of_time(t) : AGLM_OK;
        if (rc != AGLM_OK)
            return rc;
    }
    return AGLM_OK;
}

static bool is_transient(CURLcode code)
{
    switch (code) {
    case CURLE_COULDNT_RESOLVE_PROXY:
    case CURLE_COULDNT_RESOLVE_HOST:
    case CURLE_COULDNT_CONNECT:
    case CURLE_WEIRD_SERVER_REPLY:
    case CURLE_HTTP2:
    case CURLE_HTTP2_STREAM:
    case CURLE_PARTIAL_FILE:
    case CURLE_OPERATION_TIMEDOUT:
    case CURLE_SSL_CONNECT_ERROR:
    case CURLE_GOT_NOTHING:
    case CURLE_SEND_ERROR:
    case CURLE_RECV_ERROR:
        return true;
    default:
        return false;
    }
}

static aglm_rc verdict(transfer *t, CURLcode code)
{
    const char *text = t->link->text[0] ? t->link->text : curl_easy_strerror(code);

    if (t->rc != AGLM_OK)
        return t->rc == AGLM_DONE ? AGLM_OK : t->rc;
    if (code == CURLE_OK)
        return AGLM_OK;
    t->a->transient = is_transient(code);
    if (code == CURLE_OUT_OF_MEMORY)
        return aglm_error_set(t->err, AGLM_NOMEM, "no memory for the request");
    aglm_error_set(t->err, code == CURLE_URL_MALFORMAT ? AGLM_INVALID : AGLM_IO, "%s%s",
                   t->received > 0 ? "the answer broke off: " : "", text);
    if (t->err)
        aglm_http_redact(t->err->msg, t->a->request->bearer);
    return code == CURLE_URL_MALFORMAT ? AGLM_INVALID : AGLM_IO;
}

aglm_rc aglm_http_link_try(aglm_http_link *l, aglm_http_attempt *a, aglm_error *err)
{
    transfer t = {.link = l, .a = a, .err = err};
    struct curl_slist *headers = NULL;
    CURLcode code = CURLE_OK;

    aglm_event_stream_init(&t.events, a->max_body, sink, &t);
    l->text[0] = '\0';
    aglm_rc rc = make_headers(a->request, &headers, err);
    if (rc != AGLM_OK)
        goto out;
    set_up(&t, headers);
    if (curl_multi_add_handle(l->multi, l->easy) != CURLM_OK) {
        rc = aglm_error_set(err, AGLM_NOMEM, "no memory for the request");
        goto out;
    }
    rc = run(&t, &code);
    if (rc == AGLM_OK)
        rc = verdict(&t, code);
    read_answer(l->easy, a->answer);
    curl_multi_remove_handle(l->multi, l->easy);
out:
    curl_easy_setopt(l->easy, CURLOPT_HTTPHEADER, NULL);
    curl_slist_free_all(headers);
    aglm_event_stream_clear(&t.events);
    return rc;
}
