/* base/clock.h - monotonic time, deadlines, and the token that stops work early.
 * Threads: aglm_cancel may be set from any thread and from a signal handler; the rest are pure. */
#ifndef AGLM_BASE_CLOCK_H
#define AGLM_BASE_CLOCK_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

uint64_t aglm_clock_ns(void);     /* monotonic */
uint64_t aglm_clock_cpu_ns(void); /* CPU time of the calling thread */
double aglm_clock_since_s(uint64_t start_ns);

/* Naive UTC, "YYYY-MM-DD HH:MM:SS.ffffff" (Optuna's RDB form); buf of at least 27 bytes. */
void aglm_clock_utc(char *buf, size_t size);
/* The same of a time in microseconds since 1970, up to the year 9999; what is before is 1970. */
void aglm_utc_format(char *buf, size_t size, int64_t unix_us);

/* Parses "90", "60s", "10m", "1h", "250ms" into ns; false when it is no positive time. */
bool aglm_duration_parse(const char *text, uint64_t *ns);

/* A stop request, plus a deadline on the monotonic clock (0: none), plus a parent that is asked too
 * (NULL: none). */
typedef struct aglm_cancel {
    atomic_int stopped;
    _Atomic uint64_t deadline_ns;
    const struct aglm_cancel *parent;
} aglm_cancel;

void aglm_cancel_init(aglm_cancel *c, const aglm_cancel *parent, uint64_t deadline_ns);
void aglm_cancel_stop(aglm_cancel *c); /* async-signal-safe */
/* Cheap when no deadline is near: may be asked every few microseconds of work. c may be NULL
 * (never). */
bool aglm_cancelled(const aglm_cancel *c);
/* Was it the request (true) rather than the clock? */
bool aglm_cancel_requested(const aglm_cancel *c);

#endif
