#include "postgres.h"

#include <fcntl.h>
#include <spawn.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

extern char **environ;

/* Runs a program to its end; the first line it prints goes to `line` (NULL: nowhere). */
static bool run(const char *const argv[], char *line, size_t size)
{
    posix_spawn_file_actions_t to;
    int ends[2] = {-1, -1};
    int status = -1;
    pid_t pid;

    if (pipe2(ends, O_CLOEXEC) != 0 || posix_spawn_file_actions_init(&to) != 0)
        return false;
    posix_spawn_file_actions_adddup2(&to, ends[1], STDOUT_FILENO);
    bool ok = posix_spawnp(&pid, argv[0], &to, NULL, (char *const *)(uintptr_t)argv, environ) == 0;
    posix_spawn_file_actions_destroy(&to);
    close(ends[1]);
    if (ok)
        ok = waitpid(pid, &status, 0) == pid && status == 0;
    ssize_t n = ok && line ? read(ends[0], line, size - 1) : 0;
    if (line) {
        line[n > 0 ? n : 0] = '\0';
        line[strcspn(line, "\n")] = '\0';
    }
    close(ends[0]);
    return ok;
}

static bool run_script(const char *verb, const char *what, char *line, size_t size)
{
    char script[512];
    const char *argv[] = {script, verb, what, "fsync=off", NULL};
    const char *root = getenv("AGLM_SOURCE_ROOT");

    if (strcmp(verb, "start") != 0)
        argv[3] = NULL;
    snprintf(script, sizeof script, "%s/tests/unit/postgres_server.sh", root ? root : ".");
    return run(argv, line, size);
}

bool postgres_start(postgres_server *p)
{
    char pid[24];

    memset(p, 0, sizeof *p);
#ifndef AGLM_HAVE_LIBPQ
    fprintf(stderr, "libpq is not built in\n");
    return false;
#endif
    snprintf(pid, sizeof pid, "%d", (int)getpid());
    bool ok = run_script("start", pid, p->folder, sizeof p->folder);
    snprintf(p->url, sizeof p->url, "postgresql://aglm@/postgres?host=%s", p->folder);
    return ok;
}

bool postgres_do(const postgres_server *p, const char *verb)
{
    char line[256];

    return run_script(verb, p->folder, line, sizeof line);
}

bool postgres_sql(const postgres_server *p, const char *text)
{
    const char *const argv[] = {"psql", "-q",       "-X", "-h", p->folder, "-U",
                                "aglm", "postgres", "-c", text, NULL};

    return run(argv, NULL, 0);
}
