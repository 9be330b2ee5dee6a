/* The nth system call of a write or a publication fails, for every n: the old file or the whole new
 * one is there afterwards, and nothing beside it. Calls are caught by --wrap (meson.build). */
#include <dirent.h>
#include <errno.h>
#include <stdbool.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"
#include "unit.h"

static struct {
    int left;         /* calls until one fails; 0: none does */
    bool no_exchange; /* the file system knows no renameat2 */
    int short_writes; /* bytes a write takes at most; 0: all */
} fault;

static bool hits(int error)
{
    if (fault.left == 0)
        return false;
    fault.left--;
    if (fault.left > 0)
        return false;
    errno = error;
    return true;
}

ssize_t __real_write(int fd, const void *data, size_t n);
ssize_t __wrap_write(int fd, const void *data, size_t n);
int __real_fsync(int fd);
int __wrap_fsync(int fd);
int __real_close(int fd);
int __wrap_close(int fd);
int __real_rename(const char *from, const char *to);
int __wrap_rename(const char *from, const char *to);
int __real_renameat2(int from_fd, const char *from, int to_fd, const char *to, unsigned flags);
int __wrap_renameat2(int from_fd, const char *from, int to_fd, const char *to, unsigned flags);

ssize_t __wrap_write(int fd, const void *data, size_t n)
{
    if (fault.short_writes && n > (size_t)fault.short_writes)
        n = (size_t)fault.short_writes;
    return hits(ENOSPC) ? -1 : __real_write(fd, data, n);
}

int __wrap_fsync(int fd)
{
    return hits(EIO) ? -1 : __real_fsync(fd);
}

/* A close that reports a failure has closed all the same. */
int __wrap_close(int fd)
{
    int rc = __real_close(fd);

    return hits(EIO) ? -1 : rc;
}

int __wrap_rename(const char *from, const char *to)
{
    return hits(EIO) ? -1 : __real_rename(from, to);
}

int __wrap_renameat2(int from_fd, const char *from, int to_fd, const char *to, unsigned flags)
{
    if (fault.no_exchange) {
        errno = EINVAL;
        return -1;
    }
    return hits(EIO) ? -1 : __real_renameat2(from_fd, from, to_fd, to, flags);
}

static char root[] = "/tmp/aglm-fault-XXXXXX";
static char out[64];
static char fresh[64];
static char out_file[80];
static char fresh_file[80];

static int make_root(void **state)
{
    (void)state;
    if (!mkdtemp(root))
        return -1;
    snprintf(out, sizeof out, "%s/out", root);
    snprintf(fresh, sizeof fresh, "%s/fresh", root);
    snprintf(out_file, sizeof out_file, "%s/f", out);
    snprintf(fresh_file, sizeof fresh_file, "%s/f", fresh);
    return 0;
}

static int remove_root(void **state)
{
    (void)state;
    return aglm_dir_remove(root, NULL) == AGLM_OK ? 0 : -1;
}

static int entries(const char *path)
{
    DIR *dir = opendir(path);
    int n = 0;

    assert_non_null(dir);
    while (readdir(dir))
        n++;
    closedir(dir);
    return n - 2;
}

static bool holds(const char *path, const char *text)
{
    char *data;
    size_t n;

    if (aglm_file_read(path, 1000, &data, &n, NULL))
        return false;
    bool same = strcmp(data, text) == 0;
    free(data);
    return same;
}

static void put(const char *dir, const char *file, const char *text)
{
    assert_int_equal(aglm_dir_make(dir, NULL), AGLM_OK);
    assert_int_equal(aglm_file_write(file, text, strlen(text), NULL), AGLM_OK);
}

static void writing_is_all_or_nothing(void **state)
{
    int failed = 0;

    (void)state;
    for (int n = 1;; n++) {
        aglm_error err = {0};
        put(out, out_file, "old text");
        fault.short_writes = 3;
        fault.left = n;
        aglm_rc rc = aglm_file_write(out_file, "new text", 8, &err);
        bool done = fault.left > 0;
        memset(&fault, 0, sizeof fault);
        assert_int_equal(entries(out), 1);
        assert_true(holds(out_file, "new text") || (rc && holds(out_file, "old text")));
        if (rc)
            assert_true(rc == AGLM_IO && strncmp(err.msg, out, strlen(out)) == 0);
        failed += rc != AGLM_OK;
        if (done)
            break;
    }
    assert_true(failed >= 7); /* three writes, fsync, close, rename, fsync of the folder */
    assert_int_equal(aglm_dir_remove(out, NULL), AGLM_OK);
}

static void publish_with_fault(int n, bool no_exchange, aglm_rc *rc, bool *done)
{
    put(out, out_file, "old");
    put(fresh, fresh_file, "new");
    fault.no_exchange = no_exchange;
    fault.left = n;
    *rc = aglm_dir_publish(fresh, out, true, NULL);
    *done = fault.left > 0;
    memset(&fault, 0, sizeof fault);
}

static void publishing_keeps_one_whole(void **state)
{
    aglm_rc rc;
    bool done = false;

    (void)state;
    for (int way = 0; way < 2; way++) {
        done = false;
        for (int n = 1; !done; n++) {
            publish_with_fault(n, way, &rc, &done);
            assert_true(holds(out_file, "new") || (rc && holds(out_file, "old")));
            if (!rc)
                assert_int_equal(entries(root), 1);
            aglm_dir_remove(fresh, NULL);
            aglm_dir_remove(out, NULL);
        }
        assert_int_equal(rc, AGLM_OK);
        assert_int_equal(entries(root), 0);
    }
    put(fresh, fresh_file, "new");
    fault.no_exchange = true;
    assert_int_equal(aglm_dir_publish(fresh, out, false, NULL), AGLM_OK);
    assert_true(holds(out_file, "new"));
    fault.no_exchange = false;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(writing_is_all_or_nothing),
        cmocka_unit_test(publishing_keeps_one_whole),
    };
    return cmocka_run_group_tests(tests, make_root, remove_root);
}
