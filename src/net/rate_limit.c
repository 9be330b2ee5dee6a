#include "net/rate_limit.h"

#include <math.h>

#define SAVED_S 10 /* at most 7/6 of the rate in any minute, which fixed windows bear */

void aglm_rate_limit_init(aglm_rate_limit *r, double per_minute, uint64_t now_ns)
{
    double per_s = per_minute > 0 ? per_minute / 60 : 0;
    double room = fmax(1, per_s * SAVED_S);

    *r = (aglm_rate_limit){.per_s = per_s, .room = room, .level = room, .at_ns = now_ns};
}

static void fill(aglm_rate_limit *r, uint64_t now_ns)
{
    if (now_ns <= r->at_ns)
        return;
    r->level = fmin(r->room, r->level + r->per_s * 1e-9 * (double)(now_ns - r->at_ns));
    r->at_ns = now_ns;
}

double aglm_rate_limit_wait_s(aglm_rate_limit *r, double amount, uint64_t now_ns)
{
    if (r->per_s <= 0)
        return 0;
    fill(r, now_ns);
    return fmax(0, (fmin(amount, r->room) - r->level) / r->per_s);
}

void aglm_rate_limit_take(aglm_rate_limit *r, double amount, uint64_t now_ns)
{
    fill(r, now_ns);
    r->level = fmin(r->room, r->level - amount);
}
