/* cli/help.h - what is printed from the command table: help, the man page, shell completions.
 * Threads: confined. */
#ifndef AGLM_CLI_HELP_H
#define AGLM_CLI_HELP_H

#include <stdio.h>

#include "cli/command.h"

void aglm_help_all(FILE *out);
void aglm_help_command(FILE *out, const aglm_command *c);
/* autoglm(1) in man's own macros. */
void aglm_help_man(FILE *out);
/* shell: "bash", "zsh" or "fish"; false for another. */
bool aglm_help_completion(FILE *out, const char *shell);

#endif
