#include "job/child.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "job/spawn.h"

#define TICK_MS 20
#define READ_BYTES 8192
#define READS_AT_ONCE 64 /* one that writes without end must not hold up its own end */

struct stream {
    int fd; /* -1: at its end */
    bool is_error;
    size_t n;
    char line[AGLM_CHILD_MAX_LINE];
};

struct child {
    const aglm_child_options *o;
    pid_t pid;
    struct stream out, err;
    bool stopping; /* SIGTERM is sent */
    bool killed;   /* SIGKILL is sent */
    aglm_child_end_kind why;
    uint64_t kill_ns;
};

/* ---- start ---- */

static void close_fd(int *fd)
{
    if (*fd >= 0)
        close(*fd);
    *fd = -1;
}

static aglm_rc start(struct child *c, aglm_error *err)
{
    int out[2] = {-1, -1};
    int errors[2] = {-1, -1};
    aglm_rc rc = AGLM_OK;

    if (pipe2(out, O_CLOEXEC) != 0 || pipe2(errors, O_CLOEXEC) != 0)
        rc = aglm_error_set(err, AGLM_IO, "%.200s: could not be started: %s", c->o->argv[0],
                            strerror(errno));
    if (rc == AGLM_OK) {
        const aglm_spawn_options o = {c->o->argv, c->o->envp, -1, out[1], errors[1]};
        rc = aglm_spawn(&o, &c->pid, err);
    }
    close_fd(&out[1]);
    close_fd(&errors[1]);
    c->out.fd = out[0];
    c->err.fd = errors[0];
    if (rc == AGLM_OK) {
        fcntl(out[0], F_SETFL, O_NONBLOCK);
        fcntl(errors[0], F_SETFL, O_NONBLOCK);
        return AGLM_OK;
    }
    close_fd(&c->out.fd);
    close_fd(&c->err.fd);
    return rc;
}

/* ---- lines ---- */

/* The group is asked to end; `why` stays the first reason. */
static void stop(struct child *c, aglm_child_end_kind why)
{
    if (c->stopping)
        return;
    c->stopping = true;
    c->why = why;
    c->kill_ns = aglm_clock_ns() + c->o->grace_ns;
    kill(-c->pid, SIGTERM);
}

static void end_line(struct child *c, struct stream *s)
{
    size_t n = s->n > sizeof s->line ? sizeof s->line : s->n;

    if (n > 0 && s->line[n - 1] == '\r')
        n--;
    if (c->o->on_line && c->o->on_line(c->o->arg, s->line, n, s->is_error))
        stop(c, AGLM_CHILD_STOPPED);
    s->n = 0;
}

static void take_bytes(struct child *c, struct stream *s, const char *bytes, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        if (bytes[i] == '\n') {
            end_line(c, s);
            continue;
        }
        if (s->n < sizeof s->line)
            s->line[s->n] = bytes[i];
        s->n++;
    }
}

/* A last line without its end counts. */
static void finish_stream(struct child *c, struct stream *s)
{
    if (s->n > 0)
        end_line(c, s);
    close_fd(&s->fd);
}

/* What is there now. */
static void drain(struct child *c, struct stream *s)
{
    char bytes[READ_BYTES];
    ssize_t n = 1;

    for (int i = 0; s->fd >= 0 && n > 0 && i < READS_AT_ONCE; i++) {
        n = read(s->fd, bytes, sizeof bytes);
        if (n > 0)
            take_bytes(c, s, bytes, (size_t)n);
    }
    if (s->fd >= 0 && (n == 0 || (n < 0 && errno != EAGAIN && errno != EINTR)))
        finish_stream(c, s);
}

/* ---- the end ---- */

static void watch(struct child *c)
{
    uint64_t now = aglm_clock_ns();

    if (aglm_cancelled(c->o->cancel))
        stop(c, AGLM_CHILD_CANCELLED);
    if (c->o->deadline_ns && now >= c->o->deadline_ns)
        stop(c, AGLM_CHILD_TIMEOUT);
    if (c->stopping && !c->killed && now >= c->kill_ns) {
        kill(-c->pid, SIGKILL);
        c->killed = true;
    }
}

static void follow(struct child *c)
{
    while (!aglm_spawn_ended(c->pid)) {
        struct pollfd fds[2] = {{.fd = c->out.fd, .events = POLLIN},
                                {.fd = c->err.fd, .events = POLLIN}};
        (void)poll(fds, 2, TICK_MS); /* a fd of -1 is passed over */
        drain(c, &c->out);
        drain(c, &c->err);
        watch(c);
    }
}

static void reap(struct child *c, aglm_child_end *end)
{
    int status = 0;

    kill(-c->pid, SIGKILL); /* what it left behind */
    while (waitpid(c->pid, &status, 0) < 0 && errno == EINTR)
        ;
    drain(c, &c->out);
    drain(c, &c->err);
    if (c->stopping)
        *end = (aglm_child_end){c->why, 0};
    else if (WIFSIGNALED(status))
        *end = (aglm_child_end){AGLM_CHILD_SIGNALED, WTERMSIG(status)};
    else
        *end = (aglm_child_end){AGLM_CHILD_EXITED, WEXITSTATUS(status)};
}

aglm_rc aglm_child_run(const aglm_child_options *o, aglm_child_end *end, aglm_error *err)
{
    struct child *c = calloc(1, sizeof *c);

    if (!c)
        return aglm_error_set(err, AGLM_NOMEM, "out of memory for a child process");
    c->o = o;
    c->err.is_error = true;
    aglm_rc rc = start(c, err);
    if (rc == AGLM_OK) {
        follow(c);
        reap(c, end);
        finish_stream(c, &c->out);
        finish_stream(c, &c->err);
    }
    free(c);
    return rc;
}
