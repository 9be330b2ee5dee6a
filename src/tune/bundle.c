#include "tune/bundle.h"

#include <dirent.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/file.h"
#include "base/hash.h"
#include "base/memory.h"
#include "tune/learners.h"

#define MANIFEST "manifest.json"
#define MANIFEST_MAX (64u << 20)
#define PATH_MAX_BYTES 4096

void aglm_bundle_clear(aglm_bundle *b)
{
    for (size_t i = 0; i < b->n_members; i++) {
        aglm_model_free(b->members[i].model);
        free(b->members[i].params_json);
    }
    for (size_t i = 0; b->labels && i < b->n_labels; i++)
        free(b->labels[i]);
    free(b->labels);
    aglm_json_free(b->manifest);
    memset(b, 0, sizeof *b);
}

void aglm_bundle_free(aglm_bundle *b)
{
    if (!b)
        return;
    aglm_bundle_clear(b);
    free(b);
}

static void member_file(char *buf, size_t size, size_t i)
{
    snprintf(buf, size, "model-%zu.bin", i);
}

static aglm_rc join(char *buf, size_t size, const char *dir, const char *name, aglm_error *err)
{
    int n = snprintf(buf, size, "%s/%s", dir, name);

    if (n < 0 || (size_t)n >= size)
        return aglm_error_set(err, AGLM_LIMIT, "%.200s: the path is too long", dir);
    return AGLM_OK;
}

/* ---- writing ---- */

struct saved {
    uint64_t bytes;
    char sha256[65];
};

static aglm_rc save_member(const aglm_member *m, const char *dir, size_t i, struct saved *out,
                           aglm_error *err)
{
    char name[32], path[PATH_MAX_BYTES];
    aglm_sha256 sha;
    aglm_str bytes;
    aglm_rc rc;

    aglm_str_init(&bytes, AGLM_BUNDLE_MAX_BYTES);
    member_file(name, sizeof name, i);
    if ((rc = m->model->ops->save(m->model, &bytes, err)) != AGLM_OK)
        goto done;
    if ((rc = join(path, sizeof path, dir, name, err)) != AGLM_OK)
        goto done;
    aglm_sha256_init(&sha);
    aglm_sha256_update(&sha, bytes.data, bytes.len);
    aglm_sha256_hex(&sha, out->sha256);
    out->bytes = bytes.len;
    rc = aglm_file_write(path, bytes.data, bytes.len, err);
done:
    aglm_str_clear(&bytes);
    return rc;
}

static void write_member(aglm_json_writer *w, const aglm_member *m, size_t i,
                         const struct saved *saved)
{
    char name[32];

    member_file(name, sizeof name, i);
    aglm_json_open_object(w);
    aglm_json_member_text(w, "file", name);
    aglm_json_member_text(w, "learner", m->model->ops->name);
    aglm_json_member_int(w, "bytes", (int64_t)saved->bytes);
    aglm_json_member_text(w, "sha256", saved->sha256);
    aglm_json_member_double(w, "weight", m->weight);
    aglm_json_member_double(w, "scale", m->calibration.scale);
    aglm_json_member_double(w, "shift", m->calibration.shift);
    aglm_json_member_int(w, "trial", m->trial);
    aglm_json_key(w, "params");
    if (m->params_json)
        aglm_json_put_parsed(w, m->params_json, strlen(m->params_json));
    else
        aglm_json_put_null(w);
    aglm_json_close_object(w);
}

static aglm_rc save_manifest(const aglm_bundle *b, const char *dir, const struct saved *saved,
                             void (*more)(void *arg, aglm_json_writer *w), void *arg,
                             aglm_error *err)
{
    char path[PATH_MAX_BYTES];
    aglm_json_writer w;
    aglm_str s;
    aglm_rc rc;

    aglm_str_init(&s, MANIFEST_MAX);
    aglm_json_writer_init(&w, &s);
    w.pretty = true;
    aglm_json_open_object(&w);
    aglm_json_member_text(&w, "format", "autoglm-bundle");
    aglm_json_member_int(&w, "version", AGLM_BUNDLE_VERSION);
    aglm_json_member_text(&w, "autoglm", AGLM_VERSION);
    aglm_json_member_text(&w, "task", aglm_task_name(b->task));
    aglm_json_key(&w, "labels");
    aglm_json_open_array(&w);
    for (size_t i = 0; i < b->n_labels; i++)
        aglm_json_put_text(&w, b->labels[i]);
    aglm_json_close_array(&w);
    aglm_json_key(&w, "members");
    aglm_json_open_array(&w);
    for (size_t i = 0; i < b->n_members; i++)
        write_member(&w, &b->members[i], i, &saved[i]);
    aglm_json_close_array(&w);
    if (more)
        more(arg, &w);
    aglm_json_close_object(&w);
    aglm_str_putc(&s, '\n');
    rc = s.rc ? aglm_error_set(err, s.rc, "the manifest does not fit: %s", aglm_rc_text(s.rc))
              : join(path, sizeof path, dir, MANIFEST, err);
    if (rc == AGLM_OK)
        rc = aglm_file_write(path, s.data, s.len, err);
    aglm_str_clear(&s);
    return rc;
}

static aglm_rc write_all(const aglm_bundle *b, const char *dir, const aglm_bundle_extra *extra,
                         aglm_error *err)
{
    struct saved saved[AGLM_BUNDLE_MAX_MEMBERS];
    char path[PATH_MAX_BYTES];
    aglm_rc rc;

    for (size_t i = 0; i < b->n_members; i++)
        if ((rc = save_member(&b->members[i], dir, i, &saved[i], err)) != AGLM_OK)
            return rc;
    for (size_t i = 0; i < extra->n_files; i++) {
        if ((rc = join(path, sizeof path, dir, extra->files[i].name, err)) != AGLM_OK)
            return rc;
        if ((rc = aglm_file_write(path, extra->files[i].data, extra->files[i].n, err)) != AGLM_OK)
            return rc;
    }
    return save_manifest(b, dir, saved, extra->more, extra->arg, err);
}

static bool is_empty(const char *dir)
{
    struct dirent **names = NULL;
    int n = scandir(dir, &names, NULL, NULL);

    for (int i = 0; i < n; i++)
        free(names[i]);
    free(names);
    return n == 2; /* itself and its parent */
}

aglm_rc aglm_bundle_may_save(const char *dir, aglm_error *err)
{
    char path[PATH_MAX_BYTES];
    aglm_rc rc;

    if ((rc = join(path, sizeof path, dir, MANIFEST, err)) != AGLM_OK)
        return rc;
    if (!aglm_path_exists(dir) || aglm_path_exists(path) || is_empty(dir))
        return AGLM_OK;
    return aglm_error_set(
        err, AGLM_INVALID,
        "%s: exists and is no bundle (it has no " MANIFEST "); choose another --out", dir);
}

aglm_rc aglm_bundle_save(const aglm_bundle *b, const char *dir, const aglm_bundle_extra *extra,
                         aglm_error *err)
{
    char part[PATH_MAX_BYTES];
    aglm_rc rc;
    int n = snprintf(part, sizeof part, "%s.part-%ld", dir, (long)gettid()); /* no other's */

    if (n < 0 || (size_t)n >= sizeof part)
        return aglm_error_set(err, AGLM_LIMIT, "%.200s: the path is too long", dir);
    if ((rc = aglm_bundle_may_save(dir, err)) != AGLM_OK)
        return rc;
    if ((rc = aglm_dir_remove(part, err)) != AGLM_OK || (rc = aglm_dir_make(part, err)) != AGLM_OK)
        return rc;
    rc = write_all(b, part, extra, err);
    if (rc == AGLM_OK)
        rc = aglm_dir_publish(part, dir, true, err);
    if (rc != AGLM_OK)
        aglm_dir_remove(part, NULL);
    return rc;
}

aglm_rc aglm_bundle_size(const aglm_bundle *b, uint64_t *bytes, aglm_error *err)
{
    *bytes = 0;
    for (size_t i = 0; i < b->n_members; i++) {
        uint64_t one = 0;
        aglm_rc rc = aglm_model_size(b->members[i].model, &one, err);
        if (rc != AGLM_OK)
            return rc;
        *bytes += one;
    }
    return AGLM_OK;
}

/* ---- reading ---- */

static aglm_rc parse_labels(aglm_bundle *b, const aglm_json *labels, aglm_error *err)
{
    aglm_json_iter it = aglm_json_iterate(labels);
    const aglm_json *v;
    size_t n = aglm_json_size(labels), len = 0;
    size_t least = b->task == AGLM_TASK_GENERATION ? 0 : b->task == AGLM_TASK_REGRESSION ? 1 : 2;
    size_t most = least < 2 ? least : AGLM_BUNDLE_MAX_LABELS;

    if (!labels || aglm_json_kind_of(labels) != AGLM_JSON_ARRAY || n < least || n > most)
        return aglm_error_set(err, AGLM_FORMAT, "labels: expected a list of %zu to %zu names",
                              least, most);
    b->labels = aglm_calloc(n, sizeof *b->labels);
    if (!b->labels)
        return aglm_error_set(err, AGLM_NOMEM, "out of memory for %zu labels", n);
    while ((v = aglm_json_next(&it, NULL))) {
        const char *name = aglm_json_string(v, &len);
        if (!name)
            return aglm_error_set(err, AGLM_FORMAT, "labels: expected only strings, found %s",
                                  aglm_json_kind_name(v));
        b->labels[b->n_labels] = aglm_strndup(name, len);
        if (!b->labels[b->n_labels])
            return aglm_error_set(err, AGLM_NOMEM, "out of memory for the labels");
        b->n_labels++;
    }
    return AGLM_OK;
}

static aglm_rc parse_number(const aglm_json *v, const char *key, double *out, aglm_error *err)
{
    aglm_rc rc = aglm_json_need_double(v, key, out, err);

    if (rc == AGLM_OK && !isfinite(*out))
        rc = aglm_error_set(err, AGLM_FORMAT, "%s: expected a finite number", key);
    return rc;
}

static aglm_rc parse_member(aglm_member *m, const aglm_json *v, aglm_error *err)
{
    aglm_json_writer w;
    aglm_str params;
    aglm_rc rc;

    if ((rc = parse_number(v, "weight", &m->weight, err)) != AGLM_OK ||
        (rc = parse_number(v, "scale", &m->calibration.scale, err)) != AGLM_OK ||
        (rc = parse_number(v, "shift", &m->calibration.shift, err)) != AGLM_OK)
        return rc;
    if (m->weight < 0 || m->weight > 1)
        return aglm_error_set(err, AGLM_FORMAT, "weight: expected 0 to 1, found %g", m->weight);
    m->trial = aglm_json_int(aglm_json_get(v, "trial"), -1);
    aglm_str_init(&params, 1u << 20);
    aglm_json_writer_init(&w, &params);
    const aglm_json *p = aglm_json_get(v, "params");
    if (p)
        aglm_json_put_value(&w, p);
    else
        aglm_json_put_null(&w);
    m->params_json = aglm_str_take(&params);
    aglm_str_clear(&params);
    return m->params_json ? AGLM_OK
                          : aglm_error_set(err, AGLM_NOMEM, "out of memory for the manifest");
}

static aglm_rc parse_members(aglm_bundle *b, const aglm_json *members, aglm_error *err)
{
    aglm_json_iter it = aglm_json_iterate(members);
    const aglm_json *v;
    size_t n = aglm_json_size(members);

    if (!members || aglm_json_kind_of(members) != AGLM_JSON_ARRAY || n < 1 ||
        n > AGLM_BUNDLE_MAX_MEMBERS)
        return aglm_error_set(err, AGLM_FORMAT, "members: expected a list of 1 to %d models",
                              AGLM_BUNDLE_MAX_MEMBERS);
    while ((v = aglm_json_next(&it, NULL))) {
        aglm_rc rc = parse_member(&b->members[b->n_members++], v, err);
        if (rc != AGLM_OK) {
            aglm_error_prefix(err, "members[%zu]", b->n_members - 1);
            return rc;
        }
    }
    return AGLM_OK;
}

static aglm_rc parse_manifest(aglm_bundle *b, aglm_error *err)
{
    const aglm_json *root = aglm_json_root(b->manifest);
    const char *text = NULL;
    int64_t version = 0;
    aglm_rc rc;

    if ((rc = aglm_json_need_string(root, "format", &text, err)) != AGLM_OK)
        return rc;
    if (strcmp(text, "autoglm-bundle") != 0)
        return aglm_error_set(err, AGLM_FORMAT, "format: expected \"autoglm-bundle\"");
    if ((rc = aglm_json_need_int(root, "version", 1, INT32_MAX, &version, err)) != AGLM_OK)
        return rc;
    if (version != AGLM_BUNDLE_VERSION)
        return aglm_error_set(
            err, AGLM_FORMAT,
            "version: %lld, but this program reads version %d; use a newer autoglm",
            (long long)version, AGLM_BUNDLE_VERSION);
    if ((rc = aglm_json_need_string(root, "task", &text, err)) != AGLM_OK)
        return rc;
    if (!aglm_task_from_name(text, &b->task) || b->task == AGLM_TASK_AUTO)
        return aglm_error_set(err, AGLM_FORMAT, "task: \"%.60s\" is none this program knows", text);
    if ((rc = parse_labels(b, aglm_json_get(root, "labels"), err)) != AGLM_OK)
        return rc;
    return parse_members(b, aglm_json_get(root, "members"), err);
}

aglm_rc aglm_bundle_parse(aglm_bundle **out, const char *origin, const char *text, size_t n,
                          aglm_error *err)
{
    aglm_json_options options = {.origin = origin};
    aglm_bundle *b = aglm_calloc(1, sizeof *b);
    aglm_rc rc;

    if (!b)
        return aglm_error_set(err, AGLM_NOMEM, "out of memory for a bundle");
    if ((rc = aglm_json_parse(&b->manifest, text, n, &options, err)) != AGLM_OK)
        goto fail;
    if ((rc = parse_manifest(b, err)) != AGLM_OK) {
        aglm_error_prefix(err, "%s", origin);
        goto fail;
    }
    *out = b;
    return AGLM_OK;
fail:
    aglm_bundle_free(b);
    return rc;
}

/* The manifest names the file, but only a plain model-N.bin is believed. */
static aglm_rc load_model(aglm_bundle *b, size_t i, const aglm_json *v, const char *path,
                          aglm_error *err)
{
    const char *learner = NULL;
    const void *bytes = NULL;
    size_t n = 0;
    int64_t expected = 0;
    aglm_rc rc;

    if ((rc = aglm_json_need_string(v, "learner", &learner, err)) != AGLM_OK ||
        (rc = aglm_json_need_int(v, "bytes", 1, INT64_MAX, &expected, err)) != AGLM_OK)
        return rc;
    const aglm_learner_ops *ops = aglm_learner_find(learner);
    if (!ops)
        return aglm_error_set(err, AGLM_UNSUPPORTED,
                              "members[%zu].learner: \"%.60s\" is none this program has", i,
                              learner);
    if ((ops->predictor == NULL) != (b->task == AGLM_TASK_GENERATION))
        return aglm_error_set(err, AGLM_FORMAT,
                              "members[%zu].learner: \"%.60s\" does not fit the task, %s", i,
                              learner, aglm_task_name(b->task));
    if ((rc = aglm_file_map(path, AGLM_BUNDLE_MAX_BYTES, &bytes, &n, err)) != AGLM_OK)
        return rc;
    if (n != (uint64_t)expected)
        rc = aglm_error_set(
            err, AGLM_FORMAT,
            "%s: %zu bytes, but the manifest says %lld: the bundle is damaged; tune again", path, n,
            (long long)expected);
    else if ((rc = ops->load(&b->members[i].model, bytes, n, err)) != AGLM_OK)
        aglm_error_prefix(err, "%s", path);
    aglm_file_unmap(bytes, n);
    if (rc == AGLM_OK && b->members[i].model->n_labels != b->n_labels)
        rc = aglm_error_set(
            err, AGLM_FORMAT,
            "%s: has %u labels, the manifest %zu: the bundle is damaged; tune again", path,
            b->members[i].model->n_labels, b->n_labels);
    return rc;
}

static aglm_rc load_models(aglm_bundle *b, const char *dir, aglm_error *err)
{
    aglm_json_iter it = aglm_json_iterate(aglm_json_get(aglm_json_root(b->manifest), "members"));
    char name[32], path[PATH_MAX_BYTES];
    const aglm_json *v;
    aglm_rc rc;

    for (size_t i = 0; i < b->n_members && (v = aglm_json_next(&it, NULL)); i++) {
        member_file(name, sizeof name, i);
        if ((rc = join(path, sizeof path, dir, name, err)) != AGLM_OK)
            return rc;
        if ((rc = load_model(b, i, v, path, err)) != AGLM_OK)
            return rc;
    }
    return AGLM_OK;
}

aglm_rc aglm_bundle_load(aglm_bundle **out, const char *dir, aglm_error *err)
{
    char path[PATH_MAX_BYTES];
    char *text = NULL;
    aglm_bundle *b = NULL;
    size_t n = 0;
    aglm_rc rc;

    if ((rc = join(path, sizeof path, dir, MANIFEST, err)) != AGLM_OK)
        return rc;
    if (!aglm_path_exists(path))
        return aglm_error_set(err, AGLM_NOTFOUND,
                              "%s: no such file; is \"%s\" a bundle that `autoglm tune` made?",
                              path, dir);
    if ((rc = aglm_file_read(path, MANIFEST_MAX, &text, &n, err)) != AGLM_OK)
        return rc;
    rc = aglm_bundle_parse(&b, path, text, n, err);
    free(text);
    if (rc != AGLM_OK)
        return rc;
    if ((rc = load_models(b, dir, err)) != AGLM_OK) {
        aglm_bundle_free(b);
        return rc;
    }
    *out = b;
    return AGLM_OK;
}
