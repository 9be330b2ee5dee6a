#include <stdio.h>
#include <unistd.h>

#include "cli/commands.h"
#include "job/strategy_host.h"

#define NOT_STARTED 127 /* as a shell says it: the reader of the answers ends its study */

static int run(const aglm_args *a)
{
    aglm_error err = {0};
    aglm_rc rc = aglm_strategy_serve(a->operands[0], STDIN_FILENO, STDOUT_FILENO, &err);

    if (rc == AGLM_OK)
        return AGLM_EXIT_OK;
    aglm_cli_fail(a, rc, &err);
    return rc == AGLM_IO || rc == AGLM_FORMAT ? AGLM_EXIT_FAILED : NOT_STARTED;
}

const aglm_command aglm_command_strategy = {
    .name = "strategy",
    .operands = "FILE.so",
    .operands_min = 1,
    .operands_max = 1,
    .summary = "speak for a strategy of your own, to try it by hand",
    .about =
        "Loads a strategy written against autoglm/strategy.h and answers JSON lines on standard input: first\n"
        "{\"space\": {...}, \"direction\": \"minimize\"}, then {\"tell\": {...}} and {\"ask\": N}. `--sampler FILE.so` runs this for\n"
        "itself. Exit code 127 when there is no strategy in the file or it refuses the space.",
    .examples =
        "  autoglm optimize --sampler ./mine.so --space 'x=uniform(0,1)' -- ./score.sh {x}\n"
        "  autoglm strategy ./mine.so <lines.jsonl",
    .run = run,
};
