#include "base/clock.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

#include "base/json.h"

#define NS_PER_S 1000000000ULL
#define LONGEST_S 3e9 /* some 95 years: sums of two stay inside 64 bits */

static uint64_t read_clock(clockid_t id)
{
    struct timespec t;

    clock_gettime(id, &t);
    return (uint64_t)t.tv_sec * NS_PER_S + (uint64_t)t.tv_nsec;
}

uint64_t aglm_clock_ns(void)
{
    return read_clock(CLOCK_MONOTONIC);
}

uint64_t aglm_clock_cpu_ns(void)
{
    return read_clock(CLOCK_THREAD_CPUTIME_ID);
}

double aglm_clock_since_s(uint64_t start_ns)
{
    uint64_t now = aglm_clock_ns();

    return now > start_ns ? (double)(now - start_ns) * 1e-9 : 0;
}

void aglm_clock_utc(char *buf, size_t size)
{
    struct timespec t;
    struct tm tm;
    char day[64];

    clock_gettime(CLOCK_REALTIME, &t);
    gmtime_r(&t.tv_sec, &tm);
    strftime(day, sizeof day, "%Y-%m-%d %H:%M:%S", &tm);
    snprintf(buf, size, "%s.%06ld", day, t.tv_nsec / 1000);
}

bool aglm_duration_parse(const char *text, uint64_t *ns)
{
    static const struct {
        const char *name;
        double seconds;
    } units[] = {{"", 1},   {"s", 1},    {"ms", 1e-3}, {"us", 1e-6},
                 {"m", 60}, {"min", 60}, {"h", 3600}};
    size_t digits = strspn(text, "0123456789.");
    double value;

    if (digits == 0 || !aglm_double_parse(text, digits, &value))
        return false;
    for (size_t i = 0; i < sizeof units / sizeof units[0]; i++) {
        if (strcmp(text + digits, units[i].name) != 0)
            continue;
        double seconds = value * units[i].seconds;
        if (!(seconds >= 1e-9 && seconds <= LONGEST_S))
            return false;
        *ns = (uint64_t)(seconds * 1e9 + 0.5);
        return true;
    }
    return false;
}

void aglm_cancel_init(aglm_cancel *c, const aglm_cancel *parent, uint64_t deadline_ns)
{
    atomic_init(&c->stopped, 0);
    atomic_init(&c->deadline_ns, deadline_ns);
    c->parent = parent;
}

void aglm_cancel_stop(aglm_cancel *c)
{
    atomic_store_explicit(&c->stopped, 1, memory_order_relaxed);
}

bool aglm_cancel_requested(const aglm_cancel *c)
{
    for (; c; c = c->parent)
        if (atomic_load_explicit(&c->stopped, memory_order_relaxed))
            return true;
    return false;
}

bool aglm_cancelled(const aglm_cancel *c)
{
    uint64_t earliest = UINT64_MAX;

    for (; c; c = c->parent) {
        if (atomic_load_explicit(&c->stopped, memory_order_relaxed))
            return true;
        uint64_t deadline = atomic_load_explicit(&c->deadline_ns, memory_order_relaxed);
        if (deadline && deadline < earliest)
            earliest = deadline;
    }
    return earliest != UINT64_MAX && aglm_clock_ns() >= earliest;
}
