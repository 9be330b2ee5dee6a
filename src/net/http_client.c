#include "net/http_client.h"

#include <math.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>

#include "base/rng.h"
#include "net/http_link.h"

#define CONNECT_S 10
#define TOTAL_S 600
#define MAX_BODY ((size_t)64 << 20)
#define BACKOFF_S 0.5
#define MAX_BACKOFFS 16
#define SLICE_S 0.05 /* how late a cancel token may be noticed */

struct aglm_http_client {
    aglm_http_options options;
    aglm_http_link *link;
    aglm_rng rng;
};

aglm_rc aglm_http_client_open(aglm_http_client **out, const aglm_http_options *options,
                              aglm_error *err)
{
    aglm_http_client *c = calloc(1, sizeof *c);

    *out = NULL;
    if (!c)
        return aglm_error_set(err, AGLM_NOMEM, "no memory for an HTTP client");
    c->options = *options;
    if (c->options.connect_s <= 0)
        c->options.connect_s = CONNECT_S;
    if (c->options.total_s <= 0)
        c->options.total_s = TOTAL_S;
    if (c->options.max_body == 0)
        c->options.max_body = MAX_BODY;
    if (c->options.backoff_s <= 0)
        c->options.backoff_s = BACKOFF_S;
    aglm_rng_init(&c->rng, options->seed);
#ifdef AGLM_HAVE_LIBCURL
    aglm_rc rc = aglm_http_link_open(&c->link, c->options.connect_s, err);
#else
    aglm_rc rc = aglm_error_set(err, AGLM_UNSUPPORTED,
                                "this build has no HTTP client: install libcurl (Debian: "
                                "libcurl4-openssl-dev) and build again");
#endif
    if (rc != AGLM_OK) {
        aglm_http_client_close(c);
        return rc;
    }
    *out = c;
    return AGLM_OK;
}

void aglm_http_client_close(aglm_http_client *c)
{
    if (!c)
        return;
#ifdef AGLM_HAVE_LIBCURL
    aglm_http_link_close(c->link);
#endif
    free(c);
}

void aglm_http_answer_init(aglm_http_answer *a)
{
    *a = (aglm_http_answer){0};
    aglm_str_init(&a->body, MAX_BODY);
}

void aglm_http_answer_clear(aglm_http_answer *a)
{
    aglm_str_clear(&a->body);
}

const char *aglm_http_host(const char *url, size_t *n)
{
    const char *mark = strstr(url, "://");
    const char *host = mark ? mark + 3 : "";

    *n = strcspn(host, "/?#");
    return host;
}

void aglm_http_redact(char *text, const char *secret)
{
    size_t n = secret ? strlen(secret) : 0;

    for (char *at = text; n > 0 && (at = strstr(at, secret)); at += n)
        memset(at, '*', n);
}

aglm_rc aglm_http_pause(double seconds, uint64_t deadline_ns, const aglm_cancel *cancel)
{
    uint64_t end = aglm_clock_ns() + (uint64_t)(1e9 * fmin(fmax(seconds, 0), 1e6));

    for (;;) {
        uint64_t now = aglm_clock_ns();
        if (aglm_cancelled(cancel) || (deadline_ns && now >= deadline_ns))
            return AGLM_CANCELLED;
        if (now >= end)
            return AGLM_OK;
        double left = fmin(1e-9 * (double)(end - now), SLICE_S);
        poll(NULL, 0, (int)ceil(1e3 * left));
    }
}

/* What is wrong with a request before it is sent. */
static aglm_rc check(const aglm_http_request *r, aglm_error *err)
{
    size_t n;
    const char *host = aglm_http_host(r->url, &n);

    if (strncmp(r->url, "http://", 7) != 0 && strncmp(r->url, "https://", 8) != 0)
        return aglm_error_set(err, AGLM_INVALID, "a URL must begin with http:// or https://");
    if (n == 0)
        return aglm_error_set(err, AGLM_INVALID, "%.*s: the URL names no host",
                              (int)strcspn(r->url, "?"), r->url);
    if (memchr(host, '@', n))
        return aglm_error_set(err, AGLM_INVALID,
                              "the URL holds a user name or password: take it out and give the key "
                              "in an environment variable");
    for (size_t i = 0; i < n; i++)
        if (strchr("%\\\"'<>^`{|}", host[i]) || (unsigned char)host[i] <= ' ')
            return aglm_error_set(err, AGLM_INVALID,
                                  "the URL's host holds a character that no host has");
    for (const char *p = r->bearer; p && *p; p++)
        if (*p <= ' ' || *p > '~')
            return aglm_error_set(err, AGLM_INVALID,
                                  "the key holds a blank, a line end or a character that is not "
                                  "ASCII");
    return AGLM_OK;
}

static bool may_pass(int status)
{
    return status == 408 || status == 429 || (status >= 500 && status != 501 && status != 505);
}

static double wait_before(aglm_http_client *c, unsigned attempt, double retry_after_s)
{
    double most = fmin(ldexp(1, (int)(attempt < 10 ? attempt : 10)), MAX_BACKOFFS);
    double jitter = aglm_rng_uniform(&c->rng) * most * c->options.backoff_s;

    return fmax(jitter, retry_after_s);
}

static void reset(aglm_http_answer *a)
{
    a->status = 0;
    a->events = false;
    a->retry_after_s = 0;
    a->location[0] = '\0';
    aglm_str_reset(&a->body);
}

/* Waits for the next attempt; false when there is to be none. */
static bool again(aglm_http_client *c, const aglm_http_attempt *a, aglm_rc rc)
{
    bool passing = rc == AGLM_OK ? may_pass(a->answer->status) : a->transient;
    uint64_t now = aglm_clock_ns();
    unsigned done = a->answer->attempts;

    if (!passing || a->delivered || done > c->options.retries || now >= a->deadline_ns)
        return false;
    double wait = wait_before(c, done - 1, a->answer->retry_after_s);
    if (wait >= 1e-9 * (double)(a->deadline_ns - now))
        return false;
    return aglm_http_pause(wait, a->deadline_ns, a->request->cancel) == AGLM_OK;
}

aglm_rc aglm_http_send(aglm_http_client *c, const aglm_http_request *request,
                       aglm_http_answer *answer, aglm_error *err)
{
    aglm_http_attempt a = {.request = request,
                           .deadline_ns = request->deadline_ns,
                           .max_body = c->options.max_body,
                           .answer = answer};

    answer->attempts = 0;
    reset(answer);
    aglm_rc rc = check(request, err);
    if (rc != AGLM_OK)
        return rc;
    if (a.deadline_ns == 0)
        a.deadline_ns = aglm_clock_ns() + (uint64_t)(1e9 * c->options.total_s);
    do {
        reset(answer);
        answer->attempts++;
        a.transient = false;
#ifdef AGLM_HAVE_LIBCURL
        rc = aglm_http_link_try(c->link, &a, err);
#endif
    } while (again(c, &a, rc));
    if (rc == AGLM_OK && aglm_cancelled(request->cancel) && may_pass(answer->status))
        rc = aglm_error_set(err, AGLM_CANCELLED, "cancelled while waiting to ask again");
    return rc;
}
