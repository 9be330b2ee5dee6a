#include "job/dialogue.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/str.h"
#include "job/output.h"
#include "job/spawn.h"

#define READ_BYTES 65536
#define MAX_ERROR_LINE 1024
#define TICK_MS 100
#define END_NS 200000000 /* for it to end by itself */
#define LAST_WORDS 160

struct aglm_dialogue {
    pid_t pid;
    int in, out, err; /* -1: closed */
    aglm_str heard;   /* of its standard output */
    size_t used;      /* bytes of it that were handed out */
    char error_line[MAX_ERROR_LINE];
    size_t error_n;
    aglm_output errors; /* only its tail */
};

/* ---- start ---- */

static void close_fd(int *fd)
{
    if (*fd >= 0)
        close(*fd);
    *fd = -1;
}

/* A socket as standard input: what writes to one whose reader is gone gets an error, no signal. */
static aglm_rc start(aglm_dialogue *d, const char *const *argv, const char *const *envp,
                     aglm_error *err)
{
    int in[2] = {-1, -1};
    int out[2] = {-1, -1};
    int errors[2] = {-1, -1};
    aglm_rc rc = AGLM_OK;

    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, in) != 0 || pipe2(out, O_CLOEXEC) != 0 ||
        pipe2(errors, O_CLOEXEC) != 0)
        rc = aglm_error_set(err, AGLM_IO, "%.200s: could not be started: %s", argv[0],
                            strerror(errno));
    if (rc == AGLM_OK) {
        const aglm_spawn_options o = {argv, envp, in[1], out[1], errors[1]};
        rc = aglm_spawn(&o, &d->pid, err);
    }
    close_fd(&in[1]);
    close_fd(&out[1]);
    close_fd(&errors[1]);
    d->in = in[0];
    d->out = out[0];
    d->err = errors[0];
    if (rc == AGLM_OK) {
        fcntl(d->in, F_SETFL, O_NONBLOCK);
        fcntl(d->out, F_SETFL, O_NONBLOCK);
        fcntl(d->err, F_SETFL, O_NONBLOCK);
    }
    return rc;
}

aglm_rc aglm_dialogue_open(aglm_dialogue **out, const char *const *argv, const char *const *envp,
                           aglm_error *err)
{
    aglm_dialogue *d = calloc(1, sizeof *d);

    *out = NULL;
    if (!d)
        return aglm_error_set(err, AGLM_NOMEM, "out of memory for a child process");
    d->in = d->out = d->err = -1;
    aglm_str_init(&d->heard, AGLM_DIALOGUE_MAX_LINE);
    aglm_output_init(&d->errors);
    aglm_rc rc = start(d, argv, envp, err);
    if (rc != AGLM_OK) {
        aglm_dialogue_close(d);
        return rc;
    }
    *out = d;
    return AGLM_OK;
}

/* ---- end ---- */

static void await_end(const aglm_dialogue *d)
{
    uint64_t until = aglm_clock_ns() + END_NS;

    while (!aglm_spawn_ended(d->pid) && aglm_clock_ns() < until)
        (void)poll(NULL, 0, 1);
}

/* Kills what is left of its group; its status, 0 when there is none. */
static int reap(aglm_dialogue *d)
{
    int status = 0;

    if (d->pid <= 0)
        return 0;
    kill(-d->pid, SIGKILL);
    while (waitpid(d->pid, &status, 0) < 0 && errno == EINTR)
        ;
    d->pid = 0;
    return status;
}

void aglm_dialogue_close(aglm_dialogue *d)
{
    if (!d)
        return;
    close_fd(&d->in);
    if (d->pid > 0)
        await_end(d);
    reap(d);
    close_fd(&d->out);
    close_fd(&d->err);
    aglm_str_clear(&d->heard);
    free(d);
}

/* ---- what it writes ---- */

static void end_error_line(aglm_dialogue *d)
{
    aglm_output_line(&d->errors, d->error_line, d->error_n, true);
    d->error_n = 0;
}

static void drain_errors(aglm_dialogue *d)
{
    char bytes[4096];
    ssize_t n = read(d->err, bytes, sizeof bytes);

    for (ssize_t i = 0; i < n; i++) {
        if (bytes[i] == '\n')
            end_error_line(d);
        else if (d->error_n < sizeof d->error_line)
            d->error_line[d->error_n++] = bytes[i];
    }
    if (n == 0 || (n < 0 && errno != EAGAIN && errno != EINTR)) {
        if (d->error_n > 0)
            end_error_line(d);
        close_fd(&d->err);
    }
}

static void drain_answers(aglm_dialogue *d)
{
    char bytes[READ_BYTES];
    ssize_t n = read(d->out, bytes, sizeof bytes);

    if (n > 0)
        aglm_str_append(&d->heard, bytes, (size_t)n);
    else if (n == 0 || (errno != EAGAIN && errno != EINTR))
        close_fd(&d->out);
}

/* ---- failures ---- */

static const char *last_words(const aglm_dialogue *d, char *buf, size_t size)
{
    const char *tail = d->errors.tail;
    size_t n = d->errors.tail_n;

    buf[0] = '\0';
    while (n > 0 && tail[n - 1] == '\n')
        n--;
    size_t start = n;
    while (start > 0 && tail[start - 1] != '\n')
        start--;
    if (n > start)
        snprintf(buf, size, ": %.*s", (int)(n - start), tail + start);
    return buf;
}

/* side: what of it was found closed. */
static aglm_rc fail_ended(aglm_dialogue *d, const char *side, aglm_error *err)
{
    char words[LAST_WORDS];
    bool ended = true;

    if (d->pid > 0) {
        await_end(d);
        ended = aglm_spawn_ended(d->pid);
    }
    int status = reap(d);
    for (int i = 0; d->err >= 0 && i < 64; i++)
        drain_errors(d);
    last_words(d, words, sizeof words);
    if (!ended)
        return aglm_error_set(err, AGLM_IO, "it closed its %s%s", side, words);
    if (WIFSIGNALED(status))
        return aglm_error_set(err, AGLM_IO, "it was ended by signal %d (%s)%s", WTERMSIG(status),
                              strsignal(WTERMSIG(status)), words);
    int code = WEXITSTATUS(status);
    return aglm_error_set(err, code == 126 || code == 127 ? AGLM_NOTFOUND : AGLM_IO,
                          "it ended with exit code %d%s", code, words);
}

static aglm_rc fail_late(const aglm_dialogue *d, aglm_error *err)
{
    char words[LAST_WORDS];

    return aglm_error_set(err, AGLM_CANCELLED, "it did not answer in time%s",
                          last_words(d, words, sizeof words));
}

/* ---- say and hear ---- */

/* Waits until something can be read (or written, when writing), and reads it. False: the time is
 * over. */
static bool wait_and_read(aglm_dialogue *d, bool writing, uint64_t deadline_ns)
{
    struct pollfd fds[3] = {{.fd = d->out, .events = POLLIN},
                            {.fd = d->err, .events = POLLIN},
                            {.fd = writing ? d->in : -1, .events = POLLOUT}};
    uint64_t now = aglm_clock_ns();

    if (now >= deadline_ns)
        return false;
    uint64_t left_ms = (deadline_ns - now) / 1000000 + 1;
    (void)poll(fds, 3, left_ms < TICK_MS ? (int)left_ms : TICK_MS);
    if (d->out >= 0 && fds[0].revents)
        drain_answers(d);
    if (d->err >= 0 && fds[1].revents)
        drain_errors(d);
    return true;
}

aglm_rc aglm_dialogue_say(aglm_dialogue *d, const char *bytes, size_t n, uint64_t deadline_ns,
                          aglm_error *err)
{
    size_t sent = 0;

    while (sent < n) {
        ssize_t wrote = send(d->in, bytes + sent, n - sent, MSG_NOSIGNAL);
        if (wrote > 0)
            sent += (size_t)wrote;
        else if (wrote < 0 && errno != EAGAIN && errno != EINTR)
            return fail_ended(d, "input", err);
        else if (!wait_and_read(d, true, deadline_ns))
            return fail_late(d, err);
    }
    return AGLM_OK;
}

/* The bytes that were handed out make room. */
static void forget_used(aglm_dialogue *d)
{
    if (d->used == 0)
        return;
    memmove(d->heard.data, d->heard.data + d->used, d->heard.len - d->used);
    d->heard.len -= d->used;
    d->heard.data[d->heard.len] = '\0';
    d->used = 0;
}

/* Looks for the line's end from `from` on. */
static bool take_line(aglm_dialogue *d, size_t from, const char **line, size_t *n)
{
    const char *end = memchr(d->heard.data + from, '\n', d->heard.len - from);

    if (!end)
        return false;
    *line = d->heard.data;
    *n = (size_t)(end - d->heard.data);
    d->used = *n + 1;
    if (*n > 0 && end[-1] == '\r')
        --*n;
    return true;
}

aglm_rc aglm_dialogue_hear(aglm_dialogue *d, const char **line, size_t *n, uint64_t deadline_ns,
                           aglm_error *err)
{
    size_t looked = 0;

    forget_used(d);
    while (!take_line(d, looked, line, n)) {
        looked = d->heard.len;
        if (d->heard.rc != AGLM_OK)
            return aglm_error_set(err, d->heard.rc, "its answer: %s", aglm_rc_text(d->heard.rc));
        if (d->out < 0)
            return fail_ended(d, "output", err);
        if (!wait_and_read(d, false, deadline_ns))
            return fail_late(d, err);
    }
    return AGLM_OK;
}

bool aglm_dialogue_pending(aglm_dialogue *d)
{
    forget_used(d);
    if (d->heard.len == 0 && d->out >= 0)
        drain_answers(d);
    return d->heard.len > 0;
}

const char *aglm_dialogue_errors(const aglm_dialogue *d)
{
    return d->errors.tail;
}
