#include <signal.h>
#include <stdio.h>
#include <string.h>

#include "cli/commands.h"
#include "cli/help.h"

static const aglm_command *const COMMANDS[] = {
    &aglm_command_tune,   &aglm_command_predict, &aglm_command_eval,     &aglm_command_generate,
    &aglm_command_model,  &aglm_command_prompt,  &aglm_command_optimize, &aglm_command_worker,
    &aglm_command_ask,    &aglm_command_tell,    &aglm_command_study,    &aglm_command_strategy,
    &aglm_command_doctor, &aglm_command_help,
};

const aglm_command *const *aglm_commands(size_t *n)
{
    *n = sizeof COMMANDS / sizeof *COMMANDS;
    return COMMANDS;
}

const aglm_command *aglm_command_find(const char *name)
{
    for (size_t i = 0; i < sizeof COMMANDS / sizeof *COMMANDS; i++)
        if (strcmp(COMMANDS[i]->name, name) == 0)
            return COMMANDS[i];
    return NULL;
}

int aglm_cli_fail(const aglm_args *a, aglm_rc rc, const aglm_error *err)
{
    fprintf(stderr, "autoglm %s: %s\n", a->command->name,
            err->msg[0] ? err->msg : aglm_rc_text(rc));
    return rc == AGLM_INVALID ? AGLM_EXIT_USAGE : AGLM_EXIT_FAILED;
}

static int run_command(const aglm_command *c, int argc, char **argv)
{
    aglm_error err = {0};
    aglm_args args;
    bool help = false;
    aglm_rc rc = aglm_args_parse(&args, c, argc - 2, argv + 2, &help, &err);

    args.argc = argc;
    args.argv = argv;
    if (help) {
        aglm_help_command(stdout, c);
        return AGLM_EXIT_OK;
    }
    if (rc != AGLM_OK) {
        aglm_cli_fail(&args, rc, &err);
        return AGLM_EXIT_USAGE;
    }
    int code = c->run(&args);
    if (fflush(stdout) != 0 && code == AGLM_EXIT_OK) {
        fprintf(stderr, "autoglm %s: standard output could not be written\n", c->name);
        code = AGLM_EXIT_FAILED;
    }
    return code;
}

int main(int argc, char **argv)
{
    signal(SIGPIPE, SIG_IGN);
    if (argc < 2) {
        aglm_help_all(stderr);
        return AGLM_EXIT_USAGE;
    }
    if (strcmp(argv[1], "--version") == 0) {
        printf("autoglm %s\n", AGLM_VERSION);
        return AGLM_EXIT_OK;
    }
    if (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-h") == 0) {
        aglm_help_all(stdout);
        return AGLM_EXIT_OK;
    }
    const aglm_command *c = aglm_command_find(argv[1]);
    if (!c) {
        fprintf(stderr, "autoglm: there is no command \"%.60s\"; autoglm --help lists them\n",
                argv[1]);
        return AGLM_EXIT_USAGE;
    }
    return run_command(c, argc, argv);
}
