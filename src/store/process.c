#include "store/process.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* The first line of a small file, or "". */
static void read_line(const char *path, char *buf, size_t size)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    ssize_t n = fd < 0 ? -1 : read(fd, buf, size - 1);

    if (fd >= 0)
        close(fd);
    buf[n > 0 ? n : 0] = '\0';
    buf[strcspn(buf, "\n")] = '\0';
}

void aglm_machine_init(aglm_machine *m)
{
    char name[64] = "";
    char id[64];

    read_line("/proc/sys/kernel/random/boot_id", m->boot, sizeof m->boot);
    ssize_t n = readlink("/proc/self/ns/pid", m->pidns, sizeof m->pidns - 1);
    m->pidns[n > 0 ? n : 0] = '\0';
    if (gethostname(name, sizeof name) != 0)
        name[0] = '\0';
    name[sizeof name - 1] = '\0';
    read_line("/etc/machine-id", id, sizeof id);
    snprintf(m->host, sizeof m->host, "%s/%s", name, id);
}

int64_t aglm_process_start(int64_t pid)
{
    char path[64];
    char text[1024];
    char state;
    long long start;

    snprintf(path, sizeof path, "/proc/%lld/stat", (long long)pid);
    read_line(path, text, sizeof text);
    /* The command name may hold blanks and brackets: the last bracket ends it. */
    const char *rest = strrchr(text, ')');
    if (!rest || rest[1] != ' ')
        return 0;
    state = rest[2];
    if (state == 'Z' || state == 'X')
        return 0;
    rest += 2;
    for (int field = 3; field < 22; field++) {
        rest = strchr(rest, ' ');
        if (!rest)
            return 0;
        rest++;
    }
    start = strtoll(rest, NULL, 10);
    return start > 0 ? start : 1;
}

bool aglm_process_gone(int64_t pid, int64_t start, const aglm_machine *noted,
                       const aglm_machine *here)
{
    if (strcmp(noted->host, here->host) != 0 && strcmp(noted->boot, here->boot) != 0)
        return false;
    if (strcmp(noted->boot, here->boot) != 0)
        return true;
    if (strcmp(noted->pidns, here->pidns) != 0)
        return false;
    if (access("/proc/self/stat", R_OK) != 0)
        return pid <= 0 || (kill((pid_t)pid, 0) != 0 && errno == ESRCH);
    int64_t now = aglm_process_start(pid);
    return now == 0 || (start != 0 && now != start);
}
