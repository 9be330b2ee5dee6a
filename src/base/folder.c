#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"
#include "base/file_priv.h"
#include "base/memory.h"

/* Deeper trees are none of ours; each level holds a descriptor open. */
#define DEEPEST 64

aglm_rc aglm_path_failed(const char *path, const char *doing, aglm_error *err)
{
    aglm_rc rc = errno == ENOENT ? AGLM_NOTFOUND : errno == ENOMEM ? AGLM_NOMEM : AGLM_IO;

    return aglm_error_set(err, rc, "%s: cannot %s: %s", path, doing, strerror(errno));
}

static bool is_dir(const char *path)
{
    struct stat st;

    return stat(path, &st) == 0 && S_ISDIR(st.st_mode);
}

/* Another process may make the same folder at the same time. */
static bool make_one(const char *path)
{
    if (mkdir(path, 0755) == 0)
        return true;
    int e = errno;
    if (is_dir(path))
        return true;
    errno = e;
    return false;
}

aglm_rc aglm_dir_make(const char *path, aglm_error *err)
{
    size_t n = strlen(path);
    aglm_rc rc = AGLM_OK;

    if (n == 0)
        return aglm_error_set(err, AGLM_INVALID, "a folder without a name");
    char *part = aglm_strndup(path, n);
    if (!part)
        return aglm_error_set(err, AGLM_NOMEM, "%s: no memory", path);
    for (size_t i = 1; i <= n && !rc; i++) {
        if (part[i] != '/' && part[i] != '\0')
            continue;
        part[i] = '\0';
        if (!make_one(part))
            rc = aglm_path_failed(part, "make the folder", err);
        part[i] = path[i];
    }
    free(part);
    return rc;
}

static aglm_rc remove_below(int dir_fd, const char *path, int depth, aglm_error *err);

static aglm_rc remove_entry(int dir_fd, const char *name, const char *path, int depth,
                            aglm_error *err)
{
    if (unlinkat(dir_fd, name, 0) == 0 || errno == ENOENT)
        return AGLM_OK;
    if (errno != EISDIR && errno != EPERM)
        return aglm_path_failed(path, "remove what it holds", err);
    int fd = openat(dir_fd, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if (fd < 0)
        return aglm_path_failed(path, "open what it holds", err);
    aglm_rc rc = remove_below(fd, path, depth + 1, err);
    if (!rc && unlinkat(dir_fd, name, AT_REMOVEDIR) != 0 && errno != ENOENT)
        rc = aglm_path_failed(path, "remove what it holds", err);
    return rc;
}

/* Takes over dir_fd. */
static aglm_rc remove_below(int dir_fd, const char *path, int depth, aglm_error *err)
{
    aglm_rc rc = AGLM_OK;

    if (depth > DEEPEST) {
        close(dir_fd);
        return aglm_error_set(err, AGLM_LIMIT, "%s: folders nested deeper than %d", path, DEEPEST);
    }
    DIR *dir = fdopendir(dir_fd);
    if (!dir) {
        rc = aglm_path_failed(path, "read the folder", err);
        close(dir_fd);
        return rc;
    }
    struct dirent *e;
    while (!rc && (errno = 0, e = readdir(dir)) != NULL) {
        if (strcmp(e->d_name, ".") != 0 && strcmp(e->d_name, "..") != 0)
            rc = remove_entry(dir_fd, e->d_name, path, depth, err);
    }
    if (!rc && errno)
        rc = aglm_path_failed(path, "read the folder", err);
    closedir(dir);
    return rc;
}

aglm_rc aglm_dir_remove(const char *path, aglm_error *err)
{
    int fd = open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);

    if (fd < 0)
        return errno == ENOENT ? AGLM_OK : aglm_path_failed(path, "remove", err);
    aglm_rc rc = remove_below(fd, path, 0, err);
    if (!rc && rmdir(path) != 0 && errno != ENOENT)
        rc = aglm_path_failed(path, "remove", err);
    return rc;
}

/* The folder that holds path, for free(); NULL when out of memory. */
static char *parent_of(const char *path)
{
    size_t n = strlen(path);

    while (n > 1 && path[n - 1] == '/')
        n--;
    while (n > 0 && path[n - 1] != '/')
        n--;
    return n ? aglm_strndup(path, n) : aglm_strndup(".", 1);
}

static aglm_rc sync_folder(const char *path, aglm_error *err)
{
    int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

    if (fd < 0)
        return aglm_path_failed(path, "open", err);
    bool synced = fsync(fd) == 0 || errno == EINVAL ||
                  errno == ENOTSUP; /* some know no fsync of a folder */
    int e = errno;
    close(fd);
    errno = e;
    return synced ? AGLM_OK : aglm_path_failed(path, "sync", err);
}

aglm_rc aglm_path_sync_parent(const char *path, aglm_error *err)
{
    char *parent = parent_of(path);

    if (!parent)
        return aglm_error_set(err, AGLM_NOMEM, "%s: no memory", path);
    aglm_rc rc = sync_folder(parent, err);
    free(parent);
    return rc;
}

/* A name beside path under which an old folder waits for its removal. */
static char *aside_name(const char *path)
{
    size_t n = strlen(path);
    char *name = malloc(n + 40);

    while (n > 1 && path[n - 1] == '/')
        n--;
    if (name)
        snprintf(name, n + 40, "%.*s.%ld.old", (int)n, path, (long)getpid());
    return name;
}

/* For file systems without an exchange: `to` is absent for a moment, but one of both stays whole.
 */
static aglm_rc swap_by_steps(const char *from, const char *to, aglm_error *err)
{
    char *aside = aside_name(to);
    aglm_rc rc = AGLM_OK;

    if (!aside)
        return aglm_error_set(err, AGLM_NOMEM, "%s: no memory", to);
    if (rename(to, aside) != 0) {
        rc = aglm_path_failed(to, "move it away", err);
    } else if (rename(from, to) != 0) {
        rc = aglm_path_failed(to, "rename to it", err);
        rename(aside, to);
    } else {
        rc = aglm_dir_remove(aside, err);
    }
    free(aside);
    return rc;
}

static aglm_rc replace_folder(const char *from, const char *to, aglm_error *err)
{
    if (renameat2(AT_FDCWD, from, AT_FDCWD, to, RENAME_EXCHANGE) == 0)
        return aglm_dir_remove(from, err);
    if (errno == EINVAL || errno == ENOSYS || errno == ENOTSUP)
        return swap_by_steps(from, to, err);
    return aglm_path_failed(to, "replace", err);
}

static aglm_rc move_folder(const char *from, const char *to, aglm_error *err)
{
    if (renameat2(AT_FDCWD, from, AT_FDCWD, to, RENAME_NOREPLACE) == 0)
        return AGLM_OK;
    if ((errno == EINVAL || errno == ENOSYS || errno == ENOTSUP) && rename(from, to) == 0)
        return AGLM_OK;
    return aglm_path_failed(to, "rename to it", err);
}

aglm_rc aglm_dir_publish(const char *from, const char *to, bool replace, aglm_error *err)
{
    struct stat st;
    aglm_rc rc;
    bool there = lstat(to, &st) == 0;

    if (there && !replace)
        return aglm_error_set(err, AGLM_INVALID, "%s: is there already", to);
    if (there && !S_ISDIR(st.st_mode))
        return aglm_error_set(err, AGLM_INVALID, "%s: is there already and no folder", to);
    if (!is_dir(from)) {
        errno = aglm_path_exists(from) ? ENOTDIR : ENOENT;
        return aglm_path_failed(from, "publish", err);
    }
    rc = sync_folder(from, err);
    if (rc)
        return rc;
    rc = there ? replace_folder(from, to, err) : move_folder(from, to, err);
    if (rc && !there && replace && is_dir(to)) /* another process was first */
        rc = replace_folder(from, to, err);
    if (!rc)
        rc = aglm_path_sync_parent(to, err);
    return rc;
}

aglm_rc aglm_dir_size(const char *path, uint64_t *bytes, aglm_error *err)
{
    int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    struct dirent *e;
    struct stat st;

    *bytes = 0;
    DIR *dir = fd < 0 ? NULL : fdopendir(fd);
    if (!dir) {
        aglm_rc rc = aglm_path_failed(path, "read the folder", err);
        if (fd >= 0)
            close(fd);
        return rc;
    }
    while ((e = readdir(dir)) != NULL)
        if (fstatat(fd, e->d_name, &st, AT_SYMLINK_NOFOLLOW) == 0 && S_ISREG(st.st_mode))
            *bytes += (uint64_t)st.st_size;
    closedir(dir);
    return AGLM_OK;
}
