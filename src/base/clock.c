#include "base/clock.h"

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

static char *put_digits(char *to, unsigned value, int digits)
{
    for (int i = digits; i-- > 0; value /= 10)
        to[i] = (char)('0' + value % 10);
    return to + digits;
}

/* Years begin in March here, so that a leap day ends one (Hinnant 2013, "chrono-compatible
 * low-level date algorithms", civil_from_days). */
static char *put_day(char *to, uint64_t day)
{
    day += 719468; /* from 0000-03-01 */
    uint64_t era = day / 146097;
    unsigned in_era = (unsigned)(day % 146097);
    unsigned year = (in_era - in_era / 1460 + in_era / 36524 - in_era / 146096) / 365;
    unsigned in_year = in_era - (365 * year + year / 4 - year / 100);
    unsigned month = (5 * in_year + 2) / 153; /* 0: March */

    to = put_digits(to, (unsigned)(era * 400) + year + (month >= 10), 4);
    *to++ = '-';
    to = put_digits(to, month < 10 ? month + 3 : month - 9, 2);
    *to++ = '-';
    return put_digits(to, in_year - (153 * month + 2) / 5 + 1, 2);
}

void aglm_utc_format(char *buf, size_t size, int64_t unix_us)
{
    char text[] = "YYYY-MM-DD HH:MM:SS.ffffff";
    uint64_t us = unix_us > 0 ? (uint64_t)unix_us : 0;
    unsigned in_day = (unsigned)(us / 1000000 % 86400);

    char *to = put_day(text, us / 1000000 / 86400);
    to = put_digits(to + 1, in_day / 3600, 2);
    to = put_digits(to + 1, in_day / 60 % 60, 2);
    to = put_digits(to + 1, in_day % 60, 2);
    put_digits(to + 1, (unsigned)(us % 1000000), 6);
    size_t n = size < sizeof text ? size : sizeof text;
    memcpy(buf, text, n);
    buf[n - 1] = '\0';
}

void aglm_clock_utc(char *buf, size_t size)
{
    struct timespec t;

    clock_gettime(CLOCK_REALTIME, &t);
    aglm_utc_format(buf, size, (int64_t)t.tv_sec * 1000000 + t.tv_nsec / 1000);
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
