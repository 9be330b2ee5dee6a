/* net/rate_limit.h - a token bucket: so much a minute, with ten seconds' worth in hand.
 * Threads: confined. The caller tells the time, so that it is a pure function of what it is told.
 */
#ifndef AGLM_NET_RATE_LIMIT_H
#define AGLM_NET_RATE_LIMIT_H

#include <stdint.h>

typedef struct aglm_rate_limit {
    double per_s; /* 0: no limit */
    double room;  /* the most that is saved up */
    double level; /* below 0: owed */
    uint64_t at_ns;
} aglm_rate_limit;

/* Starts full. per_minute <= 0: no limit. */
void aglm_rate_limit_init(aglm_rate_limit *r, double per_minute, uint64_t now_ns);
/* Seconds until `amount` may be taken; 0: now. More than fits in waits for a full bucket. */
double aglm_rate_limit_wait_s(aglm_rate_limit *r, double amount, uint64_t now_ns);
/* Takes it, waited for or not; below 0 gives back what was taken too much. */
void aglm_rate_limit_take(aglm_rate_limit *r, double amount, uint64_t now_ns);

#endif
