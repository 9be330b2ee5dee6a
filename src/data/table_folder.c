#include <dirent.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/file.h"
#include "base/hash.h"
#include "base/memory.h"
#include "base/utf8.h"
#include "data/table_priv.h"

#define MAX_ENTRIES ((size_t)1 << 26)

typedef struct names {
    char **v;
    size_t n, cap;
} names;

typedef struct folder {
    aglm_table_builder *b;
    aglm_sha256 sha;
    size_t label_col, text_col;
} folder;

static void names_clear(names *l)
{
    for (size_t i = 0; i < l->n; i++)
        free(l->v[i]);
    free(l->v);
}

static int by_bytes(const void *a, const void *b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

static aglm_rc names_add(names *l, const char *name)
{
    aglm_rc rc = aglm_grow(&l->v, &l->cap, l->n + 1, sizeof *l->v, MAX_ENTRIES);

    if (rc)
        return rc;
    l->v[l->n] = aglm_strndup(name, strlen(name));
    return l->v[l->n++] ? AGLM_OK : AGLM_NOMEM;
}

/* Names below path in byte order, hidden ones left out. */
static aglm_rc names_list(names *l, const char *path, aglm_error *err)
{
    const struct dirent *e;
    aglm_rc rc = AGLM_OK;
    DIR *d = opendir(path);

    *l = (names){0};
    if (!d)
        return aglm_error_set(err, AGLM_IO, "%s: %s", path, strerror(errno));
    while (!rc && (e = readdir(d)))
        if (e->d_name[0] != '.')
            rc = names_add(l, e->d_name);
    closedir(d);
    if (rc)
        return aglm_error_set(err, rc, "%s: %s after %zu files", path, aglm_rc_text(rc), l->n);
    if (l->n)
        qsort(l->v, l->n, sizeof *l->v, by_bytes);
    return AGLM_OK;
}

static char *join(const char *path, const char *name)
{
    size_t a = strlen(path);
    size_t n = strlen(name);
    char *s = aglm_calloc(a + n + 2, 1);

    if (!s)
        return NULL;
    memcpy(s, path, a);
    s[a] = '/';
    memcpy(s + a + 1, name, n);
    return s;
}

static bool is_kind(const char *path, mode_t kind)
{
    struct stat st;

    return stat(path, &st) == 0 && (st.st_mode & S_IFMT) == kind;
}

static aglm_rc keep_text(folder *f, const char *path, const char *label, const aglm_source *s)
{
    aglm_table_builder *b = f->b;
    const char *text = s->data + s->begin;
    size_t label_at, text_at;

    if (memchr(text, '\0', s->len) || !s->valid_utf8) {
        size_t bad = s->valid_utf8 ? strlen(text) : aglm_utf8_check(text, s->len);
        const char *name = b->name;
        b->name = path;
        aglm_rc rc = aglm_builder_bad(b, 1, 0, "byte %zu is %s; mend the file or leave it out", bad,
                                      s->valid_utf8 ? "NUL" : "not valid UTF-8");
        b->name = name;
        return rc;
    }
    aglm_rc rc = aglm_builder_text(b, label, strlen(label), &label_at);
    if (!rc)
        rc = aglm_builder_text(b, text, s->len, &text_at);
    if (!rc)
        rc = aglm_builder_put(b, f->label_col, AGLM_CELL_TEXT, label_at, strlen(label));
    if (!rc)
        rc = aglm_builder_put(b, f->text_col, AGLM_CELL_TEXT, text_at, s->len);
    return rc ? rc : aglm_builder_end_row(b, 1);
}

static aglm_rc read_text(folder *f, const char *path, const char *name, const char *label)
{
    aglm_table_builder *b = f->b;
    aglm_read_report *total = &b->t->report;
    aglm_read_report one = {.name = path};
    aglm_read_options opt = b->opt;
    aglm_source s = {0};

    opt.format = AGLM_FORMAT_LINES; /* an empty text is one, too */
    opt.max_bytes = opt.max_row_bytes;
    aglm_rc rc = aglm_source_load(&s, path, &opt, &one, b->err);
    if (rc)
        return rc;
    aglm_sha256_update(&f->sha, label, strlen(label) + 1);
    aglm_sha256_update(&f->sha, name, strlen(name) + 1);
    aglm_sha256_update(&f->sha, one.sha256, sizeof one.sha256);
    total->bytes += one.bytes;
    if (total->encoding == AGLM_ENC_AUTO || one.encoding != AGLM_ENC_UTF8) {
        total->encoding = one.encoding;
        total->encoding_why = one.encoding_why;
    }
    rc = keep_text(f, path, label, &s);
    free(s.data);
    return rc;
}

static aglm_rc read_class(folder *f, const char *path, const char *label)
{
    names files;
    aglm_rc rc = names_list(&files, path, f->b->err);

    for (size_t i = 0; i < files.n && !rc; i++) {
        char *file = join(path, files.v[i]);
        if (!file)
            rc = aglm_builder_nomem(f->b);
        else if (is_kind(file, S_IFREG))
            rc = read_text(f, file, files.v[i], label);
        free(file);
    }
    names_clear(&files);
    return rc;
}

static aglm_rc read_classes(folder *f, const char *path, size_t *classes)
{
    names found;
    aglm_rc rc = names_list(&found, path, f->b->err);

    *classes = 0;
    for (size_t i = 0; i < found.n && !rc; i++) {
        char *class_path = join(path, found.v[i]);
        if (!class_path) {
            rc = aglm_builder_nomem(f->b);
        } else if (is_kind(class_path, S_IFDIR)) {
            ++*classes;
            rc = read_class(f, class_path, found.v[i]);
        }
        free(class_path);
    }
    names_clear(&found);
    return rc;
}

aglm_rc aglm_table_read_folder(aglm_table_builder *b, const char *path)
{
    folder f = {.b = b};
    size_t classes;

    aglm_sha256_init(&f.sha);
    aglm_rc rc = aglm_builder_col(b, "label", 5, &f.label_col);
    if (!rc)
        rc = aglm_builder_col(b, "text", 4, &f.text_col);
    if (!rc)
        rc = read_classes(&f, path, &classes);
    if (!rc && !classes)
        rc = aglm_error_set(b->err, AGLM_FORMAT,
                            "%s: no folders in it; expected one folder a class, one file a text",
                            path);
    aglm_sha256_hex(&f.sha, b->t->report.sha256);
    return rc;
}
