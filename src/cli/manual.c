#include <string.h>

#include "cli/commands.h"
#include "cli/help.h"

static int run(const aglm_args *a)
{
    const char *topic = a->n_operands ? a->operands[0] : NULL;
    const aglm_command *c = topic ? aglm_command_find(topic) : NULL;
    aglm_error err = {0};

    if (!topic)
        aglm_help_all(stdout);
    else if (c)
        aglm_help_command(stdout, c);
    else if (strcmp(topic, "man") == 0)
        aglm_help_man(stdout);
    else if (!aglm_help_completion(stdout, topic))
        return aglm_cli_fail(a,
                             aglm_error_set(&err, AGLM_INVALID,
                                            "\"%.40s\": expected a command, man, bash, zsh or fish",
                                            topic),
                             &err);
    return AGLM_EXIT_OK;
}

const aglm_command aglm_command_help = {
    .name = "help",
    .operands = "[COMMAND|man|bash|zsh|fish]",
    .operands_min = 0,
    .operands_max = 1,
    .summary = "print help, the man page, or completions for a shell",
    .about =
        "Prints the help of a command, the man page (autoglm help man | man -l -) or a completion script.",
    .examples = "  autoglm help bash > ~/.local/share/bash-completion/completions/autoglm",
    .run = run,
};
