#include "search/rung.h"

#include <string.h>

#include "base/memory.h"

aglm_rc aglm_rung_enter(aglm_rung *r, double loss, unsigned eta, bool *good)
{
    aglm_rc rc = aglm_grow(&r->losses, &r->cap, r->n + 1, sizeof *r->losses, AGLM_RUNG_MAX_TRIALS);

    if (rc != AGLM_OK)
        return rc;
    size_t at = r->n;
    while (at > 0 && r->losses[at - 1] > loss)
        at--;
    memmove(r->losses + at + 1, r->losses + at, (r->n - at) * sizeof *r->losses);
    r->losses[at] = loss;
    r->n++;
    size_t kept = r->n / eta;
    *good = loss <= r->losses[kept > 0 ? kept - 1 : 0];
    return AGLM_OK;
}
