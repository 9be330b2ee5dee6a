#include "job/slurm.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/str.h"
#include "job/child.h"

#define MAX_COMMAND (1u << 20)
#define MAX_MORE 64
#define LIMIT_NS 60000000000u /* for one answer of Slurm */
#define GRACE_NS 2000000000u

/* What one of Slurm's programs said. */
struct answer {
    char out[128]; /* its first line */
    unsigned lines;
    char words[256]; /* its last line of complaint */
};

static bool on_line(void *arg, const char *line, size_t n, bool is_error)
{
    struct answer *a = arg;
    int length = n > 200 ? 200 : (int)n;

    if (is_error && n > 0)
        snprintf(a->words, sizeof a->words, "%.*s", length, line);
    else if (!is_error && a->lines++ == 0)
        snprintf(a->out, sizeof a->out, "%.*s", length > 100 ? 100 : length, line);
    return false;
}

/* AGLM_IO when it says no. */
static aglm_rc ask(const char *const *argv, struct answer *a, aglm_error *err)
{
    const aglm_child_options o = {.argv = argv,
                                  .envp = (const char *const *)environ,
                                  .deadline_ns = aglm_clock_ns() + LIMIT_NS,
                                  .grace_ns = GRACE_NS,
                                  .on_line = on_line,
                                  .arg = a};
    aglm_child_end end;

    memset(a, 0, sizeof *a);
    aglm_rc rc = aglm_child_run(&o, &end, err);
    if (rc == AGLM_NOTFOUND)
        return aglm_error_set(err, rc,
                              "%s is not installed here; the slurm engine needs Slurm's own "
                              "programs (Debian: slurm-client)",
                              argv[0]);
    if (rc != AGLM_OK || (end.kind == AGLM_CHILD_EXITED && end.number == 0))
        return rc;
    if (end.kind == AGLM_CHILD_TIMEOUT)
        return aglm_error_set(err, AGLM_IO, "%s did not answer for a minute; does slurmctld run?",
                              argv[0]);
    return aglm_error_set(err, AGLM_IO, "%s failed: %s", argv[0],
                          a->words[0] ? a->words : "without a word");
}

/* A word as the shell reads it: in single quotes. */
static void put_quoted(aglm_str *s, const char *word)
{
    aglm_str_putc(s, '\'');
    for (; *word; word++) {
        if (*word == '\'')
            aglm_str_puts(s, "'\\''");
        else
            aglm_str_putc(s, *word);
    }
    aglm_str_putc(s, '\'');
}

/* exec: Slurm's signals reach the command itself. */
static void put_command(aglm_str *s, const aglm_slurm_options *o)
{
    aglm_str_puts(s, "--wrap=exec");
    for (size_t i = 0; i < o->n_words; i++) {
        aglm_str_putc(s, ' ');
        put_quoted(s, o->words[i]);
    }
}

/* Parts the options given by the user in place; false when they are too many. */
static bool split(char *text, const char **words, size_t *n)
{
    char *rest = NULL;

    for (char *w = strtok_r(text, " ", &rest); w; w = strtok_r(NULL, " ", &rest)) {
        if (*n == MAX_MORE)
            return false;
        words[(*n)++] = w;
    }
    return true;
}

static aglm_rc run_sbatch(const aglm_slurm_options *o, char *more, const char *command,
                          struct answer *a, aglm_error *err)
{
    char array[32];
    char cpus[32];
    char name[160];
    char log[512];
    const char *argv[MAX_MORE + 9] = {"sbatch", "--parsable", "--export=ALL"};
    size_t n = 3;

    snprintf(array, sizeof array, "--array=1-%u", o->tasks);
    snprintf(cpus, sizeof cpus, "--cpus-per-task=%u", o->cpus);
    snprintf(name, sizeof name, "--job-name=%.128s", o->name);
    snprintf(log, sizeof log, "--output=%.480s", o->log);
    argv[n++] = array;
    argv[n++] = cpus;
    argv[n++] = name;
    argv[n++] = log;
    if (!split(more, argv, &n))
        return aglm_error_set(err, AGLM_INVALID, "more than %d options for sbatch", MAX_MORE);
    argv[n] = command;
    return ask(argv, a, err);
}

aglm_rc aglm_slurm_submit(char id[AGLM_SLURM_ID], const aglm_slurm_options *o, aglm_error *err)
{
    struct answer a;
    aglm_str command;
    aglm_str more;

    aglm_str_init(&command, MAX_COMMAND);
    aglm_str_init(&more, MAX_COMMAND);
    put_command(&command, o);
    aglm_str_puts(&more, o->more ? o->more : "");
    aglm_rc rc = command.rc == AGLM_OK ? more.rc : command.rc;
    if (rc != AGLM_OK)
        aglm_error_set(err, rc, "a job's command: %s", aglm_rc_text(rc));
    else
        rc = run_sbatch(o, more.data, command.data, &a, err);
    if (rc == AGLM_OK) {
        a.out[strcspn(a.out, ";")] = '\0'; /* "ID;CLUSTER" */
        size_t digits = strspn(a.out, "0123456789");
        if (digits == 0 || a.out[digits] || digits >= AGLM_SLURM_ID)
            rc = aglm_error_set(err, AGLM_IO, "sbatch answered no job's id: %.60s", a.out);
        else
            memcpy(id, a.out, digits + 1);
    }
    aglm_str_clear(&command);
    aglm_str_clear(&more);
    return rc;
}

aglm_rc aglm_slurm_count(const char *id, unsigned *tasks, aglm_error *err)
{
    const char *const argv[] = {"squeue", "--noheader", "--array", "--format=%i",
                                "--jobs", id,           NULL};
    struct answer a;
    aglm_rc rc = ask(argv, &a, err);

    *tasks = rc == AGLM_OK ? a.lines : 0;
    if (rc == AGLM_IO && strstr(a.words, "Invalid job id"))
        rc = AGLM_OK;
    return rc;
}

aglm_rc aglm_slurm_cancel(const char *id, aglm_error *err)
{
    const char *const argv[] = {"scancel", id, NULL};
    struct answer a;

    return ask(argv, &a, err);
}
