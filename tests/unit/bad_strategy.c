/* A strategy that does what the name of the first parameter says. */
#include "autoglm/strategy.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const char *what;

static int bad_open(void **self, const aglm_strategy_space *space, uint64_t seed, char *why)
{
    (void)seed;
    *self = NULL;
    what = space->params[0].name;
    if (strcmp(what, "refuse") != 0)
        return 0;
    snprintf(why, AGLM_STRATEGY_WHY, "not this space");
    return AGLM_STRATEGY_ERROR;
}

static int bad_ask(void *self, int64_t number, double *x, char *why)
{
    (void)self;
    x[0] = 0.5;
    if (strcmp(what, "crash") == 0)
        abort();
    while (strcmp(what, "hang") == 0)
        pause();
    if (strcmp(what, "outside") == 0)
        x[0] = 7.0;
    if (strcmp(what, "end") == 0 && number > 0)
        return AGLM_STRATEGY_NOTHING_LEFT;
    if (strcmp(what, "fail") != 0)
        return AGLM_STRATEGY_POINT;
    snprintf(why, AGLM_STRATEGY_WHY, "no idea");
    return AGLM_STRATEGY_ERROR;
}

static void bad_close(void *self)
{
    (void)self;
}

const aglm_strategy aglm_strategy_plugin = {
    .abi = AGLM_STRATEGY_ABI,
    .name = "bad",
    .open = bad_open,
    .ask = bad_ask,
    .close = bad_close,
};
