#include "base/file.h"

#include <dirent.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdbool.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "unit.h"

static char root[] = "/tmp/aglm-file-XXXXXX";

static const char *in_root(const char *name)
{
    static char paths[4][256];
    static int next;
    char *p = paths[next++ % 4];

    snprintf(p, sizeof paths[0], "%s/%s", root, name);
    return p;
}

static int make_root(void **state)
{
    (void)state;
    return mkdtemp(root) ? 0 : -1;
}

static int remove_root(void **state)
{
    (void)state;
    return aglm_dir_remove(root, NULL) == AGLM_OK && !aglm_path_exists(root) ? 0 : -1;
}

static void put(const char *name, const char *text)
{
    assert_int_equal(aglm_file_write(in_root(name), text, strlen(text), NULL), AGLM_OK);
}

static void assert_holds(const char *name, const char *text)
{
    char *data;
    size_t n;

    assert_int_equal(aglm_file_read(in_root(name), 1 << 20, &data, &n, NULL), AGLM_OK);
    assert_int_equal(n, strlen(text));
    assert_string_equal(data, text);
    free(data);
}

/* How many entries a folder holds: a failed write must leave no temporary file. */
static int entries_in(const char *path)
{
    DIR *dir = opendir(path);
    int n = 0;

    assert_non_null(dir);
    while (readdir(dir))
        n++;
    closedir(dir);
    return n - 2; /* . and .. */
}

static void reads_what_was_written(void **state)
{
    static const size_t sizes[] = {0, 1, 65535, 65536, 65537, 1000000};
    char *data;
    size_t n;

    (void)state;
    for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
        char *want = malloc(sizes[i] + 1);
        for (size_t k = 0; k < sizes[i]; k++)
            want[k] = (char)(k * 31 >> 4);
        assert_int_equal(aglm_file_write(in_root("f"), want, sizes[i], NULL), AGLM_OK);
        assert_int_equal(aglm_file_read(in_root("f"), 1 << 20, &data, &n, NULL), AGLM_OK);
        assert_int_equal(n, sizes[i]);
        assert_memory_equal(data, want, n);
        assert_int_equal(data[n], 0);
        const void *mapped;
        size_t m;
        assert_int_equal(aglm_file_map(in_root("f"), 1 << 20, &mapped, &m, NULL), AGLM_OK);
        assert_int_equal(m, n);
        if (n)
            assert_memory_equal(mapped, want, n);
        aglm_file_unmap(mapped, m);
        free(data);
        free(want);
    }
    assert_int_equal(unlink(in_root("f")), 0);
}

static void names_what_is_wrong(void **state)
{
    aglm_error err = {0};
    char *data;
    const void *mapped;
    size_t n;

    (void)state;
    assert_int_equal(aglm_file_read(in_root("absent"), 10, &data, &n, &err), AGLM_NOTFOUND);
    assert_non_null(strstr(err.msg, in_root("absent")));
    assert_null(data);
    assert_int_equal(aglm_file_map(in_root("absent"), 10, &mapped, &n, &err), AGLM_NOTFOUND);
    assert_int_equal(aglm_file_read(root, 10, &data, &n, &err), AGLM_IO);
    assert_int_equal(aglm_file_map(root, 10, &mapped, &n, &err), AGLM_INVALID);
    put("eleven", "12345678901");
    assert_int_equal(aglm_file_read(in_root("eleven"), 10, &data, &n, &err), AGLM_LIMIT);
    assert_null(data);
    assert_int_equal(aglm_file_map(in_root("eleven"), 10, &mapped, &n, &err), AGLM_LIMIT);
    assert_int_equal(aglm_file_read(in_root("eleven"), 11, &data, &n, &err), AGLM_OK);
    free(data);
    assert_int_equal(aglm_file_write(in_root("no/such/folder"), "x", 1, &err), AGLM_NOTFOUND);
    unlink(in_root("eleven"));
}

static void reads_pipes_up_to_the_limit(void **state)
{
    char *data;
    size_t n;
    int ends[2];
    char path[40];

    (void)state;
    assert_int_equal(pipe(ends), 0);
    assert_int_equal(write(ends[1], "hello", 5), 5);
    close(ends[1]);
    snprintf(path, sizeof path, "/dev/fd/%d", ends[0]);
    assert_int_equal(aglm_file_read(path, 100, &data, &n, NULL), AGLM_OK);
    assert_string_equal(data, "hello");
    free(data);
    close(ends[0]);
    assert_int_equal(aglm_file_read("/dev/zero", 1 << 20, &data, &n, NULL), AGLM_LIMIT);
    assert_null(data);
}

/* The write fails half way through; the old file stands and nothing lies beside it. */
static int write_under_limit(void)
{
    struct rlimit limit = {100000, 100000};
    char *data = calloc(1, 500000);
    aglm_error err = {0};

    signal(SIGXFSZ, SIG_IGN);
    setrlimit(RLIMIT_FSIZE, &limit);
    aglm_rc rc = aglm_file_write(in_root("kept"), data, 500000, &err);
    free(data);
    return rc == AGLM_IO && strstr(err.msg, "kept: cannot write") ? 0 : 1;
}

static void a_failed_write_leaves_the_old(void **state)
{
    int status;

    (void)state;
    put("kept", "old");
    pid_t child = fork();
    if (child == 0)
        _exit(write_under_limit());
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_int_equal(status, 0);
    assert_holds("kept", "old");
    assert_int_equal(entries_in(root), 1);
    unlink(in_root("kept"));
    /* A folder in the way: the rename fails after the write. */
    assert_int_equal(mkdir(in_root("way"), 0755), 0);
    assert_int_equal(aglm_file_write(in_root("way"), "x", 1, NULL), AGLM_IO);
    assert_int_equal(entries_in(root), 1);
    assert_int_equal(rmdir(in_root("way")), 0);
}

/* 0: as it should be; 77: no right to mount here. */
static int write_to_full_disk(void)
{
    char *data = calloc(1, 1 << 20);
    aglm_error err = {0};
    uint64_t bytes = 0;

    if (unshare(CLONE_NEWNS) != 0 || mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL) != 0 ||
        mount("none", in_root("full"), "tmpfs", 0, "size=256k") != 0) {
        free(data);
        return 77;
    }
    bool ok = aglm_file_write(in_root("full/f"), data, 100000, NULL) == AGLM_OK;
    aglm_rc rc = aglm_file_write(in_root("full/f"), data, 1 << 20, &err);
    free(data);
    ok = ok && rc == AGLM_IO && strstr(err.msg, "No space left");
    ok = ok && aglm_dir_size(in_root("full"), &bytes, NULL) == AGLM_OK && bytes == 100000;
    return ok ? 0 : 1;
}

static void a_full_disk_leaves_the_old(void **state)
{
    int status;

    (void)state;
    assert_int_equal(mkdir(in_root("full"), 0755), 0);
    pid_t child = fork();
    if (child == 0)
        _exit(write_to_full_disk());
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_int_equal(rmdir(in_root("full")), 0);
    if (WIFEXITED(status) && WEXITSTATUS(status) == 77)
        skip();
    assert_int_equal(status, 0);
}

static void killed_writers_never_tear(void **state)
{
    char *text = malloc(300001);
    char *data;
    size_t n;

    (void)state;
    assert_int_equal(mkdir(in_root("torn"), 0755), 0);
    memset(text, '0', 300000);
    assert_int_equal(aglm_file_write(in_root("torn/f"), text, 300000, NULL), AGLM_OK);
    for (int i = 0; i < 20; i++) {
        pid_t child = fork();
        if (child == 0) {
            for (char c = '1';; c = c == '9' ? '1' : (char)(c + 1)) {
                memset(text, c, 300000);
                aglm_file_write(in_root("torn/f"), text, 300000, NULL);
            }
        }
        usleep(1000 + (unsigned)i * 700);
        kill(child, SIGKILL);
        waitpid(child, NULL, 0);
        assert_int_equal(aglm_file_read(in_root("torn/f"), 1 << 20, &data, &n, NULL), AGLM_OK);
        assert_int_equal(n, 300000);
        for (size_t k = 0; k < n; k++)
            assert_int_equal(data[k], data[0]);
        free(data);
    }
    free(text);
    assert_int_equal(aglm_dir_remove(in_root("torn"), NULL), AGLM_OK);
}

static void folders_are_made_and_removed(void **state)
{
    aglm_error err = {0};
    uint64_t bytes;

    (void)state;
    assert_int_equal(aglm_dir_make(in_root("a//b/c/"), NULL), AGLM_OK);
    assert_int_equal(aglm_dir_make(in_root("a/b/c"), NULL), AGLM_OK);
    assert_int_equal(aglm_dir_make("/", NULL), AGLM_OK);
    assert_int_equal(aglm_dir_make("", &err), AGLM_INVALID);
    put("a/b/one", "1234");
    put("a/b/two", "567");
    put("outside", "stays");
    assert_int_equal(symlink(root, in_root("a/b/link")), 0);
    assert_int_equal(aglm_dir_size(in_root("a/b"), &bytes, NULL), AGLM_OK);
    assert_true(bytes == 7);
    assert_int_equal(aglm_dir_size(in_root("absent"), &bytes, NULL), AGLM_NOTFOUND);
    assert_int_equal(aglm_dir_make(in_root("a/b/one/x"), &err), AGLM_IO);
    assert_non_null(strstr(err.msg, "a/b/one"));
    assert_int_equal(aglm_dir_remove(in_root("a"), NULL), AGLM_OK);
    assert_false(aglm_path_exists(in_root("a")));
    assert_holds("outside", "stays");
    assert_int_equal(aglm_dir_remove(in_root("a"), NULL), AGLM_OK);
    assert_int_equal(symlink(root, in_root("link")), 0);
    assert_int_equal(aglm_dir_remove(in_root("link"), NULL), AGLM_IO);
    unlink(in_root("link"));
    unlink(in_root("outside"));
}

static void publish_moves_or_replaces(void **state)
{
    aglm_error err = {0};

    (void)state;
    assert_int_equal(aglm_dir_make(in_root("new"), NULL), AGLM_OK);
    put("new/f", "1");
    assert_int_equal(aglm_dir_publish(in_root("new"), in_root("out"), false, NULL), AGLM_OK);
    assert_holds("out/f", "1");
    assert_int_equal(aglm_dir_make(in_root("new"), NULL), AGLM_OK);
    put("new/f", "2");
    assert_int_equal(aglm_dir_publish(in_root("new"), in_root("out"), false, &err), AGLM_INVALID);
    assert_non_null(strstr(err.msg, "out"));
    assert_holds("out/f", "1");
    assert_int_equal(aglm_dir_publish(in_root("new"), in_root("out"), true, NULL), AGLM_OK);
    assert_holds("out/f", "2");
    assert_int_equal(entries_in(root), 1);
    assert_int_equal(aglm_dir_publish(in_root("absent"), in_root("out"), true, &err),
                     AGLM_NOTFOUND);
    assert_holds("out/f", "2");
    assert_int_equal(aglm_dir_remove(in_root("out"), NULL), AGLM_OK);
}

static void parses_sizes(void **state)
{
    static const struct {
        const char *text;
        uint64_t bytes;
    } good[] = {{"1000", 1000},   {"20MB", 20000000},  {"2GiB", 2ULL << 30},
                {"512k", 512000}, {"1.5KiB", 1536},    {"0", 0},
                {"7b", 7},        {"3gb", 3000000000}, {"1Ti", 1ULL << 40}};
    static const char *const bad[] = {"",    "MB",  "-1",       "1 MB", "1x",
                                      "1kk", "nan", "9999999T", "1e3",  "bb"};
    uint64_t bytes;

    (void)state;
    for (size_t i = 0; i < sizeof good / sizeof good[0]; i++) {
        assert_true(aglm_size_parse(good[i].text, &bytes));
        assert_true(bytes == good[i].bytes);
    }
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        if (aglm_size_parse(bad[i], &bytes))
            fail_msg("%s is taken", bad[i]);
}

static void tells_its_memory(void **state)
{
    (void)state;
    assert_true(aglm_memory_now() > 100000);
    assert_true(aglm_memory_peak() >= aglm_memory_now() / 2);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(reads_what_was_written),
        cmocka_unit_test(names_what_is_wrong),
        cmocka_unit_test(reads_pipes_up_to_the_limit),
        cmocka_unit_test(a_failed_write_leaves_the_old),
        cmocka_unit_test(a_full_disk_leaves_the_old),
        cmocka_unit_test(killed_writers_never_tear),
        cmocka_unit_test(folders_are_made_and_removed),
        cmocka_unit_test(publish_moves_or_replaces),
        cmocka_unit_test(parses_sizes),
        cmocka_unit_test(tells_its_memory),
    };
    return cmocka_run_group_tests(tests, make_root, remove_root);
}
