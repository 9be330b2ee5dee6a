#include <dirent.h>
#include <sys/stat.h>

#include "bundle_data.h"
#include "unit.h"

enum { DOCS = 60 };

struct fixture {
    char *folder;
    char dir[4096]; /* the bundle's */
    aglm_dataset *d;
    aglm_bundle b;
};

static int set_up(void **state)
{
    struct fixture *x = calloc(1, sizeof *x);

    assert_non_null(x);
    x->folder = tune_folder();
    tune_path(x->dir, sizeof x->dir, x->folder, "a.bundle");
    x->d = tune_documents(DOCS, 1, false);
    bundle_make(&x->b, x->d);
    *state = x;
    return 0;
}

static int tear_down(void **state)
{
    struct fixture *x = *state;

    aglm_bundle_clear(&x->b);
    aglm_dataset_free(x->d);
    tune_folder_remove(x->folder);
    free(x);
    return 0;
}

static void more(void *arg, aglm_json_writer *w)
{
    aglm_json_member_text(w, "note", arg);
}

static void save(struct fixture *x, const char *note)
{
    const aglm_bundle_file files[] = {{"README.md", note, strlen(note)}, {"empty", "", 0}};
    char copy[64];
    aglm_error err = {0};

    snprintf(copy, sizeof copy, "%s", note);
    if (aglm_bundle_save(&x->b, x->dir, &(aglm_bundle_extra){more, copy, files, 2}, &err) !=
        AGLM_OK)
        fail_msg("%s", err.msg);
}

static aglm_bundle *load(const char *dir)
{
    aglm_bundle *b = NULL;
    aglm_error err = {0};

    if (aglm_bundle_load(&b, dir, &err) != AGLM_OK)
        fail_msg("%s", err.msg);
    return b;
}

/* What the bundle at dir says now: its note. */
static void holds(const char *dir, const char *note)
{
    aglm_bundle *b = load(dir);

    assert_string_equal(aglm_json_string(aglm_json_get(aglm_json_root(b->manifest), "note"), NULL),
                        note);
    aglm_bundle_free(b);
}

static size_t entries(const char *folder)
{
    DIR *dir = opendir(folder);
    size_t n = 0;

    assert_non_null(dir);
    for (const struct dirent *e; (e = readdir(dir));)
        n += strcmp(e->d_name, ".") != 0 && strcmp(e->d_name, "..") != 0;
    closedir(dir);
    return n;
}

static void predicts_the_same_bits_after_loading(void **state)
{
    struct fixture *x = *state;
    aglm_bundle_predictor *p = NULL, *q = NULL;
    const float *u, *v;

    save(x, "first");
    aglm_bundle *b = load(x->dir);
    assert_int_equal(b->n_labels, 3);
    assert_string_equal(b->labels[2], "sport");
    assert_int_equal(b->n_members, 2);
    assert_true(b->members[0].weight == 0.7 && b->members[1].calibration.shift == 0.1);
    assert_int_equal(b->members[1].trial, 11);
    assert_int_equal(aglm_bundle_predictor_new(&p, &x->b, NULL), AGLM_OK);
    assert_int_equal(aglm_bundle_predictor_new(&q, b, NULL), AGLM_OK);
    for (size_t i = 0; i < DOCS; i++) {
        aglm_doc doc = aglm_dataset_doc(x->d, i);
        assert_int_equal(aglm_bundle_predict(p, doc.text, doc.len, &u, NULL), AGLM_OK);
        assert_int_equal(aglm_bundle_predict(q, doc.text, doc.len, &v, NULL), AGLM_OK);
        assert_memory_equal(u, v, 3 * sizeof *u);
        assert_true(u[0] + u[1] + u[2] > 0.999F && u[0] + u[1] + u[2] < 1.001F);
    }
    aglm_bundle_predictor_free(p);
    aglm_bundle_predictor_free(q);
    aglm_bundle_free(b);
}

static void explains_by_spans_of_the_text(void **state)
{
    static const char text[] = "w1 kernel w2 compiler w3";
    struct fixture *x = *state;
    aglm_bundle_predictor *p = NULL;
    aglm_explained spans[3];
    size_t n = 0;

    assert_int_equal(aglm_bundle_predictor_new(&p, &x->b, NULL), AGLM_OK);
    assert_int_equal(aglm_bundle_explain(p, text, sizeof text - 1, 0, spans, 3, &n, NULL), AGLM_OK);
    assert_in_range(n, 1, 3);
    for (size_t i = 0; i < n; i++)
        assert_true(spans[i].begin < spans[i].end && spans[i].end < sizeof text);
    aglm_bundle_predictor_free(p);
}

static void size_is_of_the_files(void **state)
{
    struct fixture *x = *state;
    uint64_t told = 0, found = 0;
    struct stat st;
    char path[4200];

    save(x, "first");
    assert_int_equal(aglm_bundle_size(&x->b, &told, NULL), AGLM_OK);
    for (int i = 0; i < 2; i++) {
        assert_int_equal(
            stat(tune_path(path, sizeof path, x->dir, i ? "model-1.bin" : "model-0.bin"), &st), 0);
        found += (uint64_t)st.st_size;
    }
    assert_true(told == found);
}

static void replaces_a_bundle_and_nothing_else(void **state)
{
    struct fixture *x = *state;
    char path[4200];
    aglm_error err = {0};

    save(x, "first");
    save(x, "second");
    holds(x->dir, "second");
    assert_int_equal(entries(x->folder), 1);

    /* an empty folder is taken; one with something in it, or a file, is not */
    tune_path(x->dir, sizeof x->dir, x->folder, "empty");
    assert_int_equal(mkdir(x->dir, 0755), 0);
    save(x, "third");
    holds(x->dir, "third");
    tune_path(x->dir, sizeof x->dir, x->folder, "precious");
    assert_int_equal(mkdir(x->dir, 0755), 0);
    tune_write(tune_path(path, sizeof path, x->dir, "letter"), "dear\n");
    assert_int_equal(aglm_bundle_save(&x->b, x->dir, &(aglm_bundle_extra){0}, &err), AGLM_INVALID);
    assert_non_null(strstr(err.msg, "precious"));
    assert_true(aglm_path_exists(path));
    assert_int_equal(aglm_bundle_save(&x->b, path, &(aglm_bundle_extra){0}, &err), AGLM_INVALID);
    assert_int_equal(entries(x->folder), 3);
    assert_int_equal(entries(x->dir), 1);
}

static void a_failed_save_leaves_the_old_one(void **state)
{
    struct fixture *x = *state;
    const aglm_bundle_file bad = {"no/such/folder", "x", 1};
    char path[4200];
    aglm_error err = {0};

    save(x, "first");
    assert_true(aglm_bundle_save(&x->b, x->dir, &(aglm_bundle_extra){.files = &bad, .n_files = 1},
                                 &err) < 0);
    assert_non_null(strstr(err.msg, "no/such/folder"));
    holds(x->dir, "first");
    assert_int_equal(entries(x->folder), 1);
    tune_path(path, sizeof path, x->folder, "new.bundle");
    assert_true(
        aglm_bundle_save(&x->b, path, &(aglm_bundle_extra){.files = &bad, .n_files = 1}, &err) < 0);
    assert_int_equal(entries(x->folder), 1);
}

static void refuses(const char *dir, aglm_rc rc, const char *word)
{
    aglm_bundle *b = NULL;
    aglm_error err = {0};
    aglm_rc got = aglm_bundle_load(&b, dir, &err);

    if (got != rc || !strstr(err.msg, word))
        fail_msg("%d instead of %d with \"%s\": %s", got, rc, word, err.msg);
    assert_null(b);
}

/* Replaces the first `from` in the manifest; both have the same length or the file shrinks. */
static void edit(const struct fixture *x, const char *from, const char *to)
{
    char path[4200];
    char *text = NULL;
    size_t n = 0;
    aglm_str s;

    tune_path(path, sizeof path, x->dir, "manifest.json");
    assert_int_equal(aglm_file_read(path, 1 << 20, &text, &n, NULL), AGLM_OK);
    char *at = strstr(text, from);
    if (!at)
        fail_msg("the manifest holds no %s", from);
    aglm_str_init(&s, 1 << 20);
    aglm_str_printf(&s, "%.*s%s%s", (int)(at - text), text, to, at + strlen(from));
    tune_write(path, s.data);
    aglm_str_clear(&s);
    free(text);
}

static void damaged_manifests_name_the_key(void **state)
{
    static const struct {
        const char *from, *to, *word;
        aglm_rc rc;
    } CASES[] = {
        {"autoglm-bundle", "another-bundle", "format", AGLM_FORMAT},
        {"\"version\": 1", "\"version\": 2", "newer autoglm", AGLM_FORMAT},
        {"\"version\": 1", "\"version\": \"1\"", "version", AGLM_FORMAT},
        {"\"multiclass\"", "\"regress\"", "task", AGLM_FORMAT},
        {"\"labels\"", "\"names\"", "labels", AGLM_FORMAT},
        {"\"code\",", "7,", "labels", AGLM_FORMAT},
        {"\"code\",", "\"one\", \"code\",", "labels", AGLM_FORMAT},
        {"\"members\"", "\"limbs\"", "members", AGLM_FORMAT},
        {"\"weight\": 0.7", "\"weight\": 7.0", "members[0]", AGLM_FORMAT},
        {"\"weight\": 0.7", "\"weight\": -0.7", "weight", AGLM_FORMAT},
        {"\"scale\": 1.3", "\"scale\": null", "scale", AGLM_FORMAT},
        {"\"linear\"", "\"forest\"", "forest", AGLM_UNSUPPORTED},
        {"\"bytes\": ", "\"bytes\": 1", "damaged", AGLM_FORMAT},
        {"{", "", "manifest.json", AGLM_FORMAT},
    };
    struct fixture *x = *state;

    for (size_t i = 0; i < sizeof CASES / sizeof *CASES; i++) {
        save(x, "first");
        edit(x, CASES[i].from, CASES[i].to);
        refuses(x->dir, CASES[i].rc, CASES[i].word);
    }
    save(x, "first"); /* and is still replaced by a whole one */
    holds(x->dir, "first");
}

static void damaged_weights_name_the_file(void **state)
{
    struct fixture *x = *state;
    char path[4200];
    char *bytes = NULL;
    size_t n = 0;
    aglm_rng r;

    save(x, "first");
    tune_path(path, sizeof path, x->dir, "model-0.bin");
    assert_int_equal(aglm_file_read(path, 1 << 24, &bytes, &n, NULL), AGLM_OK);
    aglm_rng_init(&r, 1);
    for (int round = 0; round < 40; round++) {
        size_t at = aglm_rng_below(&r, n);
        char mask = (char)(1 << aglm_rng_below(&r, 8));
        bytes[at] ^= mask;
        assert_int_equal(aglm_file_write(path, bytes, n, NULL), AGLM_OK);
        refuses(x->dir, AGLM_FORMAT, "model-0.bin");
        bytes[at] ^= mask;
    }
    assert_int_equal(aglm_file_write(path, bytes, n - 1, NULL), AGLM_OK);
    refuses(x->dir, AGLM_FORMAT, "model-0.bin");
    assert_int_equal(aglm_file_write(path, "", 0, NULL), AGLM_OK);
    refuses(x->dir, AGLM_FORMAT, "model-0.bin");
    assert_int_equal(unlink(path), 0);
    refuses(x->dir, AGLM_NOTFOUND, "model-0.bin");
    free(bytes);
}

static void what_is_no_bundle(void **state)
{
    struct fixture *x = *state;
    char path[4200];

    refuses(x->dir, AGLM_NOTFOUND, "a.bundle");
    tune_write(tune_path(path, sizeof path, x->folder, "file"), "text");
    refuses(path, AGLM_NOTFOUND, "file");
    assert_int_equal(mkdir(x->dir, 0755), 0);
    tune_write(tune_path(path, sizeof path, x->dir, "manifest.json"), "[]\n");
    refuses(x->dir, AGLM_FORMAT, "format");
    tune_write(path, "");
    refuses(x->dir, AGLM_FORMAT, "manifest.json");
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        CASE(predicts_the_same_bits_after_loading),
        CASE(explains_by_spans_of_the_text),
        CASE(size_is_of_the_files),
        CASE(replaces_a_bundle_and_nothing_else),
        CASE(a_failed_save_leaves_the_old_one),
        CASE(damaged_manifests_name_the_key),
        CASE(damaged_weights_name_the_file),
        CASE(what_is_no_bundle),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
