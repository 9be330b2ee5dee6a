#include "base/log.h"

#include <pthread.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/memory.h"
#include "base/utf8.h"

#define LINE_MAX_BYTES 1024

struct aglm_log {
    pthread_mutex_t lock;
    aglm_log_level level;
    aglm_log_sink sink;
    void *arg;
};

aglm_log *aglm_log_new(aglm_log_level level, aglm_log_sink sink, void *arg)
{
    aglm_log *log = aglm_calloc(1, sizeof *log);

    if (!log)
        return NULL;
    if (pthread_mutex_init(&log->lock, NULL) != 0) {
        free(log);
        return NULL;
    }
    log->level = level;
    log->sink = sink;
    log->arg = arg;
    return log;
}

void aglm_log_free(aglm_log *log)
{
    if (!log)
        return;
    pthread_mutex_destroy(&log->lock);
    free(log);
}

/* A line is one line, and no terminal sequence gets through. */
static void tame(char *line)
{
    for (char *p = line; *p; p++)
        if ((unsigned char)*p < 0x20 || *p == 0x7f)
            *p = ' ';
}

void aglm_log_line(aglm_log *log, aglm_log_level level, const char *fmt, ...)
{
    char line[LINE_MAX_BYTES];
    va_list ap;

    if (!log || !log->sink || level > log->level)
        return;
    va_start(ap, fmt);
    int n = vsnprintf(line, sizeof line, fmt, ap);
    va_end(ap);
    if (n < 0)
        return;
    if ((size_t)n >= sizeof line)
        line[aglm_utf8_check(line, sizeof line - 1)] = '\0';
    tame(line);
    pthread_mutex_lock(&log->lock);
    log->sink(log->arg, level, line);
    pthread_mutex_unlock(&log->lock);
}
