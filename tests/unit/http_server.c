#include "http_server.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define MAX_REQUEST (1u << 20)

struct http_server {
    const http_step *steps;
    size_t n_steps;
    int listener;
    unsigned port;
    pthread_t thread;
    atomic_bool stop;
    atomic_size_t n;
    char *request[HTTP_SERVER_REQUESTS]; /* the head, NUL, the body */
    char url[256];
};

static bool wait_for(const http_server *s, int fd, short events)
{
    struct pollfd p = {.fd = fd, .events = events};

    while (!atomic_load(&s->stop))
        if (poll(&p, 1, 20) > 0)
            return true;
    return false;
}

/* Head and body, the blank line between them made a NUL; NULL when the client left before. */
static char *read_request(const http_server *s, int fd)
{
    char *text = calloc(1, MAX_REQUEST);
    size_t n = 0;

    while (text && n < MAX_REQUEST - 1 && wait_for(s, fd, POLLIN)) {
        ssize_t got = recv(fd, text + n, MAX_REQUEST - 1 - n, 0);
        if (got <= 0)
            break;
        n += (size_t)got;
        char *end = strstr(text, "\r\n\r\n");
        const char *length = end ? strcasestr(text, "content-length:") : NULL;
        size_t body = length && length < end ? strtoul(length + 15, NULL, 10) : 0;
        if (end && n >= (size_t)(end + 4 - text) + body) {
            *end = '\0';
            memmove(end + 1, end + 4, body + 1);
            return text;
        }
    }
    free(text);
    return NULL;
}

static bool send_all(const http_server *s, int fd, const char *bytes, size_t n)
{
    while (n > 0 && wait_for(s, fd, POLLOUT)) {
        ssize_t sent = send(fd, bytes, n, MSG_NOSIGNAL);
        if (sent <= 0)
            return false;
        bytes += sent;
        n -= (size_t)sent;
    }
    return n == 0;
}

static bool send_body(const http_server *s, int fd, const http_step *step)
{
    size_t n = strlen(step->text), piece = step->piece ? step->piece : n;

    for (size_t i = 0; i < n; i += piece) {
        if (!send_all(s, fd, step->text + i, n - i < piece ? n - i : piece))
            return false;
        if (step->pause_ms)
            poll(NULL, 0, (int)step->pause_ms);
    }
    return true;
}

static void play(const http_server *s, int fd, const http_step *step)
{
    char head[1024], sink[256];
    size_t times = step->repeat ? step->repeat : 1;
    size_t length = step->announce ? step->announce : strlen(step->text) * times;
    int n = snprintf(
        head, sizeof head,
        "HTTP/1.1 %s\r\nContent-Type: %s\r\nContent-Length: %zu\r\nConnection: close\r\n%s\r\n",
        step->status ? step->status : "", step->type ? step->type : "application/json", length,
        step->header ? step->header : "");

    bool open = !step->status || send_all(s, fd, head, (size_t)n);
    for (size_t i = 0; open && i < times; i++)
        open = send_body(s, fd, step);
    while (open && step->hang && wait_for(s, fd, POLLIN))
        open = recv(fd, sink, sizeof sink, 0) > 0;
}

static void *serve(void *arg)
{
    http_server *s = arg;

    while (wait_for(s, s->listener, POLLIN)) {
        int fd = accept(s->listener, NULL, NULL);
        size_t i = atomic_load(&s->n);
        char *request = fd >= 0 ? read_request(s, fd) : NULL;
        if (request && i < HTTP_SERVER_REQUESTS) {
            s->request[i] = request;
            atomic_store(&s->n, i + 1);
            play(s, fd, &s->steps[i < s->n_steps ? i : s->n_steps - 1]);
        } else {
            free(request);
        }
        if (fd >= 0)
            close(fd);
    }
    return NULL;
}

http_server *http_server_start(const http_step *steps, size_t n)
{
    http_server *s = calloc(1, sizeof *s);
    struct sockaddr_in at = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t size = sizeof at;

    if (!s)
        abort();
    s->steps = steps;
    s->n_steps = n;
    s->listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (s->listener < 0 || bind(s->listener, (struct sockaddr *)&at, size) != 0 ||
        listen(s->listener, 8) != 0 ||
        getsockname(s->listener, (struct sockaddr *)&at, &size) != 0 ||
        pthread_create(&s->thread, NULL, serve, s) != 0)
        abort();
    s->port = ntohs(at.sin_port);
    return s;
}

void http_server_stop(http_server *s)
{
    atomic_store(&s->stop, true);
    pthread_join(s->thread, NULL);
    close(s->listener);
    for (size_t i = 0; i < HTTP_SERVER_REQUESTS; i++)
        free(s->request[i]);
    free(s);
}

const char *http_server_url(http_server *s, const char *path)
{
    snprintf(s->url, sizeof s->url, "http://127.0.0.1:%u%s", s->port, path);
    return s->url;
}

size_t http_server_requests(const http_server *s)
{
    return atomic_load(&s->n);
}

const char *http_server_head(const http_server *s, size_t i)
{
    return s->request[i] ? s->request[i] : "";
}

const char *http_server_body(const http_server *s, size_t i)
{
    return s->request[i] ? s->request[i] + strlen(s->request[i]) + 1 : "";
}
