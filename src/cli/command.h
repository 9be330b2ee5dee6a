/* cli/command.h - one table of commands and options, from which parsing, --help, the man page and
 * completions are made. Threads: the tables are constant; parsed arguments are confined. */
#ifndef AGLM_CLI_COMMAND_H
#define AGLM_CLI_COMMAND_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "autoglm/error.h"

typedef enum aglm_option_kind {
    AGLM_OPTION_FLAG,
    AGLM_OPTION_TEXT,
    AGLM_OPTION_FILE, /* completes as a file name */
    AGLM_OPTION_INT,
    AGLM_OPTION_DURATION,
    AGLM_OPTION_SIZE,
    AGLM_OPTION_WORD /* one of `words` */
} aglm_option_kind;

typedef struct aglm_option {
    const char *name; /* without the dashes */
    char letter;      /* 0: none */
    aglm_option_kind kind;
    const char *value; /* "FILE", "N" in the help; NULL for flags */
    const char *help;  /* one line; says the default */
    const char *words; /* "a|b|c" for AGLM_OPTION_WORD */
    int64_t low, high; /* of AGLM_OPTION_INT */
} aglm_option;

#define AGLM_OPTIONS_MAX 40
#define AGLM_OPERANDS_MAX 1024
#define AGLM_GIVEN_MAX 1024 /* options on one command line */

typedef struct aglm_args aglm_args;

typedef struct aglm_command {
    const char *name;
    const char *operands; /* "FILE", "BUNDLE [FILE|-]" */
    size_t operands_min, operands_max;
    const char *summary; /* half a line, for the list of commands */
    const char *about;   /* some lines, for help and man page */
    const aglm_option *options;
    size_t n_options;
    const char *examples; /* lines of shell */
    int (*run)(const aglm_args *args);
} aglm_command;

/* Exit codes of the program. */
enum {
    AGLM_EXIT_OK = 0,
    AGLM_EXIT_FAILED = 1,
    AGLM_EXIT_USAGE = 2,
    AGLM_EXIT_BAR = 3, /* ran, but the wanted bar was not met */
    AGLM_EXIT_INTERRUPTED = 130
};

struct aglm_args {
    const aglm_command *command;
    const char *operands[AGLM_OPERANDS_MAX];
    size_t n_operands;
    /* as given, NULL when not given; "" for flags that are set */
    const char *text[AGLM_OPTIONS_MAX];
    int64_t number[AGLM_OPTIONS_MAX]; /* ints as they are, durations in ns, sizes in bytes */
    struct {
        size_t option;
        const char *text;
    } given[AGLM_GIVEN_MAX]; /* every option in its order, for those that may stand several times */
    size_t n_given;
    int argc;
    char **argv; /* the whole command line, for the record */
};

/* AGLM_INVALID names the argument and the mend. "--help" sets *help and stops. Options may stand
 * anywhere; "--" ends them;
 * a negative number is no option; --name=value and --name value are the same, and an unambiguous
 * prefix of a name is not taken (scripts would break). */
aglm_rc aglm_args_parse(aglm_args *out, const aglm_command *c, int argc, char **argv, bool *help,
                        aglm_error *err);

/* By name; the command's table must have it (asserted). */
bool aglm_args_flag(const aglm_args *a, const char *name);
const char *aglm_args_text(const aglm_args *a, const char *name, const char *otherwise);
int64_t aglm_args_number(const aglm_args *a, const char *name, int64_t otherwise);
bool aglm_args_given(const aglm_args *a, const char *name);
/* Value i of an option that may stand several times; NULL past the last. */
const char *aglm_args_each(const aglm_args *a, const char *name, size_t i);

/* All commands; *n gets their number. */
const aglm_command *const *aglm_commands(size_t *n);
const aglm_command *aglm_command_find(const char *name);

/* Option i of the command, its own first and then those that every command has; NULL past the last.
 */
const aglm_option *aglm_option_at(const aglm_command *c, size_t i);

/* Prints an error the way every command does ("autoglm tune: ...") and returns the exit code that
 * fits it. */
int aglm_cli_fail(const aglm_args *a, aglm_rc rc, const aglm_error *err);

#endif
