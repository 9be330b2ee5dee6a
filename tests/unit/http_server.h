/* http_server.h - a real server on a port of this machine that plays a script, a step a request,
 * and keeps the requests it got. Threads: it runs in one of its own; read requests after
 * http_server_stop, or once answered. */
#ifndef AGLM_TESTS_HTTP_SERVER_H
#define AGLM_TESTS_HTTP_SERVER_H

#include <stdbool.h>
#include <stddef.h>

#define HTTP_SERVER_REQUESTS 16

typedef struct http_step {
    const char *status;       /* "200 OK"; NULL: the text is sent as it stands */
    const char *header;       /* further header lines, each with \r\n; NULL: none */
    const char *type;         /* NULL: application/json */
    const char *text;         /* the body */
    size_t repeat;            /* the body so many times; 0: once */
    size_t announce;          /* Content-Length; 0: what the body has */
    unsigned piece, pause_ms; /* sends so many bytes, then waits; 0: all at once */
    bool hang; /* after the body: keeps the connection open until the client leaves */
} http_step;

typedef struct http_server http_server;

/* The last step is played for all further requests. */
http_server *http_server_start(const http_step *steps, size_t n);
void http_server_stop(http_server *s);
/* "http://127.0.0.1:PORT" followed by the path. */
const char *http_server_url(http_server *s, const char *path);
size_t http_server_requests(const http_server *s);
/* Head and body of request i, as they came. */
const char *http_server_head(const http_server *s, size_t i);
const char *http_server_body(const http_server *s, size_t i);

#endif
