#include "base/file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/file_priv.h"
#include "base/json.h"
#include "base/memory.h"

#define READ_STEP ((size_t)64 << 10)

static aglm_rc too_large(const char *path, size_t max, aglm_error *err)
{
    return aglm_error_set(err, AGLM_LIMIT, "%s: larger than the %zu bytes that are taken here",
                          path, max);
}

static int open_retry(const char *path, int flags, mode_t mode)
{
    int fd;

    do
        fd = open(path, flags | O_CLOEXEC, mode);
    while (fd < 0 && errno == EINTR);
    return fd;
}

/* Reads until the end; a pipe or a file that grows is fine. */
static aglm_rc read_all(int fd, const char *path, size_t max, char **data, size_t *n,
                        aglm_error *err)
{
    size_t cap = *data ? *n : 0;

    *n = 0;
    for (;;) {
        if (*n + 1 >= cap) {
            aglm_rc rc = aglm_grow(data, &cap, *n + READ_STEP, 1, SIZE_MAX);
            if (rc)
                return aglm_error_set(err, AGLM_NOMEM, "%s: no memory for %zu bytes", path,
                                      *n + READ_STEP);
        }
        ssize_t got = read(fd, *data + *n, cap - *n - 1);
        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0)
            return aglm_path_failed(path, "read", err);
        if (got == 0)
            break;
        *n += (size_t)got;
        if (*n > max)
            return too_large(path, max, err);
    }
    (*data)[*n] = '\0';
    return AGLM_OK;
}

aglm_rc aglm_file_read(const char *path, size_t max, char **data, size_t *n, aglm_error *err)
{
    struct stat st;
    aglm_rc rc = AGLM_OK;

    *data = NULL;
    *n = 0;
    int fd = open_retry(path, O_RDONLY, 0);
    if (fd < 0)
        return aglm_path_failed(path, "open", err);
    if (fstat(fd, &st) != 0) {
        rc = aglm_path_failed(path, "stat", err);
    } else if (S_ISREG(st.st_mode) && (uint64_t)st.st_size > max) {
        rc = too_large(path, max, err);
    } else if (S_ISREG(st.st_mode)) {
        /* One allocation of the right size; two bytes more, so that the end is seen without
         * growing. */
        *n = (size_t)st.st_size + 2;
        *data = malloc(*n);
        if (!*data)
            rc = aglm_error_set(err, AGLM_NOMEM, "%s: no memory for %zu bytes", path, *n);
    }
    if (!rc)
        rc = read_all(fd, path, max, data, n, err);
    close(fd);
    if (rc) {
        free(*data);
        *data = NULL;
        *n = 0;
    }
    return rc;
}

aglm_rc aglm_file_map(const char *path, size_t max, const void **data, size_t *n, aglm_error *err)
{
    struct stat st;
    aglm_rc rc = AGLM_OK;

    *data = NULL;
    *n = 0;
    int fd = open_retry(path, O_RDONLY, 0);
    if (fd < 0)
        return aglm_path_failed(path, "open", err);
    if (fstat(fd, &st) != 0) {
        rc = aglm_path_failed(path, "stat", err);
    } else if (!S_ISREG(st.st_mode)) {
        rc = aglm_error_set(err, AGLM_INVALID, "%s: not a regular file", path);
    } else if ((uint64_t)st.st_size > max) {
        rc = too_large(path, max, err);
    } else if (st.st_size == 0) {
        *data = "";
    } else {
        void *p = mmap(NULL, (size_t)st.st_size, PROT_READ, MAP_PRIVATE, fd, 0);
        if (p == MAP_FAILED) {
            rc = aglm_path_failed(path, "map", err);
        } else {
            *data = p;
            *n = (size_t)st.st_size;
        }
    }
    close(fd);
    return rc;
}

void aglm_file_unmap(const void *data, size_t n)
{
    if (n)
        munmap((void *)(uintptr_t)data, n);
}

static aglm_rc write_all(int fd, const char *path, const char *data, size_t n, aglm_error *err)
{
    while (n > 0) {
        ssize_t put = write(fd, data, n < (size_t)1 << 30 ? n : (size_t)1 << 30);
        if (put < 0 && errno == EINTR)
            continue;
        if (put < 0)
            return aglm_path_failed(path, "write", err);
        data += put;
        n -= (size_t)put;
    }
    return AGLM_OK;
}

/* "path.<n>.tmp" that did not exist before, opened; *temp is for free(). */
static aglm_rc open_temp(const char *path, char **temp, int *fd, aglm_error *err)
{
    size_t size = strlen(path) + 48;
    unsigned long salt = (unsigned long)aglm_clock_ns();

    *temp = malloc(size);
    if (!*temp)
        return aglm_error_set(err, AGLM_NOMEM, "%s: no memory", path);
    for (int tries = 0; tries < 100; tries++) {
        snprintf(*temp, size, "%s.%ld-%lx.tmp", path, (long)getpid(), salt++ & 0xffffff);
        *fd = open_retry(*temp, O_WRONLY | O_CREAT | O_EXCL, 0666);
        if (*fd >= 0 || errno != EEXIST)
            break;
    }
    if (*fd >= 0)
        return AGLM_OK;
    aglm_rc rc = aglm_path_failed(path, "write beside it", err);
    free(*temp);
    *temp = NULL;
    return rc;
}

aglm_rc aglm_file_write(const char *path, const void *data, size_t n, aglm_error *err)
{
    char *temp = NULL;
    int fd = -1;
    aglm_rc rc = open_temp(path, &temp, &fd, err);

    if (fd < 0)
        return rc;
    rc = write_all(fd, path, data, n, err);
    if (!rc && fsync(fd) != 0)
        rc = aglm_path_failed(path, "sync", err);
    if (close(fd) != 0 && !rc)
        rc = aglm_path_failed(path, "close", err);
    if (!rc && rename(temp, path) != 0)
        rc = aglm_path_failed(path, "rename to it", err);
    if (rc)
        unlink(temp);
    else
        rc = aglm_path_sync_parent(path, err);
    free(temp);
    return rc;
}

bool aglm_path_exists(const char *path)
{
    struct stat st;

    return stat(path, &st) == 0;
}

uint64_t aglm_memory_peak(void)
{
    struct rusage use;

    return getrusage(RUSAGE_SELF, &use) == 0 ? (uint64_t)use.ru_maxrss * 1024 : 0;
}

uint64_t aglm_memory_now(void)
{
    char text[128];
    uint64_t pages = 0;
    int fd = open_retry("/proc/self/statm", O_RDONLY, 0);

    if (fd < 0)
        return 0;
    ssize_t n = read(fd, text, sizeof text - 1);
    close(fd);
    if (n <= 0)
        return 0;
    text[n] = '\0';
    /* The second field: resident pages. */
    const char *p = strchr(text, ' ');
    for (p = p ? p + 1 : ""; *p >= '0' && *p <= '9'; p++)
        pages = pages * 10 + (uint64_t)(*p - '0');
    return pages * (uint64_t)sysconf(_SC_PAGESIZE);
}

bool aglm_size_parse(const char *text, uint64_t *bytes)
{
    static const struct {
        const char *name;
        double factor;
    } units[] = {{"", 1},        {"k", 1e3},     {"m", 1e6},     {"g", 1e9},    {"t", 1e12},
                 {"ki", 0x1p10}, {"mi", 0x1p20}, {"gi", 0x1p30}, {"ti", 0x1p40}};
    size_t digits = strspn(text, "0123456789.");
    const char *unit = text + digits;
    size_t unit_len = strlen(unit);
    double value;

    if (digits == 0 || !aglm_double_parse(text, digits, &value))
        return false;
    if (unit_len && (unit[unit_len - 1] | 0x20) == 'b')
        unit_len--;
    for (size_t i = 0; i < sizeof units / sizeof units[0]; i++) {
        if (strlen(units[i].name) != unit_len || strncasecmp(unit, units[i].name, unit_len) != 0)
            continue;
        value *= units[i].factor;
        if (!(value >= 0 && value <= 0x1p62))
            return false;
        *bytes = (uint64_t)(value + 0.5);
        return true;
    }
    return false;
}
