#include "job/spawn.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <stdint.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

static int set_attributes(posix_spawnattr_t *a)
{
    sigset_t set;
    int rc = posix_spawnattr_setflags(a, POSIX_SPAWN_SETPGROUP | POSIX_SPAWN_SETSIGDEF |
                                             POSIX_SPAWN_SETSIGMASK);

    sigemptyset(&set);
    if (rc == 0)
        rc = posix_spawnattr_setsigmask(a, &set);
    sigfillset(&set);
    if (rc == 0)
        rc = posix_spawnattr_setsigdefault(a, &set);
    return rc == 0 ? posix_spawnattr_setpgroup(a, 0) : rc;
}

static int set_files(posix_spawn_file_actions_t *f, const aglm_spawn_options *o)
{
    int rc = o->in < 0 ? posix_spawn_file_actions_addopen(f, 0, "/dev/null", O_RDONLY, 0)
                       : posix_spawn_file_actions_adddup2(f, o->in, 0);

    if (rc == 0)
        rc = posix_spawn_file_actions_adddup2(f, o->out, 1);
    return rc == 0 ? posix_spawn_file_actions_adddup2(f, o->err, 2) : rc;
}

/* posix_spawn takes words that it does not write to. */
static char *const *unwritten(const char *const *words)
{
    return (char *const *)(uintptr_t)words;
}

static int spawn(const aglm_spawn_options *o, pid_t *pid)
{
    posix_spawn_file_actions_t files;
    posix_spawnattr_t attributes;
    int rc = posix_spawn_file_actions_init(&files);

    if (rc != 0)
        return rc;
    rc = posix_spawnattr_init(&attributes);
    if (rc == 0) {
        rc = set_attributes(&attributes);
        if (rc == 0)
            rc = set_files(&files, o);
        if (rc == 0)
            rc = posix_spawnp(pid, o->argv[0], &files, &attributes, unwritten(o->argv),
                              unwritten(o->envp));
        posix_spawnattr_destroy(&attributes);
    }
    posix_spawn_file_actions_destroy(&files);
    return rc;
}

aglm_rc aglm_spawn(const aglm_spawn_options *o, pid_t *pid, aglm_error *err)
{
    int code = spawn(o, pid);

    if (code == 0)
        return AGLM_OK;
    return aglm_error_set(err, code == ENOENT ? AGLM_NOTFOUND : AGLM_IO,
                          "%.200s: could not be started: %s", o->argv[0], strerror(code));
}

bool aglm_spawn_ended(pid_t pid)
{
    siginfo_t info;

    memset(&info, 0, sizeof info);
    return waitid(P_PID, (id_t)pid, &info, WEXITED | WNOWAIT | WNOHANG) == 0 && info.si_pid == pid;
}
