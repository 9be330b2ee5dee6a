/* Every allocation of the room base fails once, and then for good. */
#include <stdatomic.h>
#include <unistd.h>

#include "base/arena.h"
#include "base/encoding.h"
#include "base/file.h"
#include "base/json.h"
#include "base/log.h"
#include "base/map.h"
#include "base/memory.h"
#include "base/pool.h"
#include "oom.h"
#include "unit.h"

static void survives(oom_scenario scenario, unsigned long least)
{
    oom_result r;

    for (int lasting = 0; lasting < 2; lasting++) {
        oom_options o = {.lasting = lasting};
        if (!oom_run(scenario, NULL, &o, &r))
            fail_msg("%s", r.message);
        assert_true(r.allocations >= least);
        assert_int_equal(r.runs, r.allocations);
    }
}

static aglm_rc use_json(void *arg, aglm_error *err)
{
    aglm_json_doc *doc = NULL;
    aglm_str text;
    aglm_str again;
    aglm_json_writer w;

    (void)arg;
    aglm_str_init(&text, 1 << 20);
    aglm_str_init(&again, 1 << 20);
    aglm_json_writer_init(&w, &text);
    w.pretty = true;
    aglm_json_open_object(&w);
    for (int i = 0; i < 100; i++) {
        char key[16];
        snprintf(key, sizeof key, "key%d", i);
        aglm_json_member_double(&w, key, i / 3.0);
    }
    aglm_json_close_object(&w);
    aglm_rc rc = aglm_json_parse(&doc, text.data, text.len, NULL, err);
    if (text.rc)
        rc = aglm_error_set(err, text.rc, "writing");
    if (!rc) {
        aglm_json_writer_init(&w, &again);
        aglm_json_put_value(&w, aglm_json_root(doc));
        if (again.rc)
            rc = aglm_error_set(err, again.rc, "writing again");
    }
    aglm_json_free(doc);
    aglm_str_clear(&again);
    aglm_str_clear(&text);
    return rc;
}

static aglm_rc use_map(void *arg, aglm_error *err)
{
    aglm_map *m = aglm_map_new(10000, SIZE_MAX);
    aglm_rc rc = m ? AGLM_OK : aglm_error_set(err, AGLM_NOMEM, "new map");
    uint32_t number;

    (void)arg;
    for (unsigned i = 0; i < 3000 && !rc; i++) {
        char key[16];
        int n = snprintf(key, sizeof key, "key%u", i);
        rc = aglm_map_intern(m, key, (size_t)n, &number, err);
        /* A refused key leaves the map as it was. */
        if (rc)
            assert_int_equal(aglm_map_size(m), i);
        assert_int_equal(aglm_map_find(m, key, (size_t)n, &number), rc == AGLM_OK);
    }
    aglm_map_free(m);
    return rc;
}

static aglm_rc use_str(void *arg, aglm_error *err)
{
    aglm_str s;

    (void)arg;
    aglm_str_init(&s, 1 << 20);
    for (int i = 0; i < 1000; i++) {
        aglm_str_printf(&s, "%d,", i);
        aglm_str_puts(&s, "some text ");
    }
    char *text = aglm_str_take(&s);
    aglm_rc rc = text ? AGLM_OK : aglm_error_set(err, AGLM_NOMEM, "a string");
    free(text);
    return rc;
}

static aglm_rc use_arena(void *arg, aglm_error *err)
{
    aglm_arena a;
    bool ok = true;

    (void)arg;
    aglm_arena_init(&a, SIZE_MAX);
    for (size_t i = 0; i < 100 && ok; i++)
        ok = aglm_arena_alloc(&a, i * 20) && aglm_arena_printf(&a, "%zu", i);
    aglm_arena_clear(&a);
    return ok ? AGLM_OK : aglm_error_set(err, AGLM_NOMEM, "an arena");
}

static void add_one(void *arg, size_t i)
{
    (void)i;
    atomic_fetch_add((atomic_int *)arg, 1);
}

static aglm_rc use_pool(void *arg, aglm_error *err)
{
    aglm_pool *p = NULL;
    atomic_int count;
    aglm_rc rc = aglm_pool_new(&p, 3, 10, err);

    (void)arg;
    atomic_init(&count, 0);
    if (!rc)
        rc = aglm_pool_for(p, 1000, add_one, &count, err);
    if (!rc)
        assert_int_equal(atomic_load(&count), 1000);
    aglm_pool_free(p);
    return rc;
}

static aglm_rc use_files(void *arg, aglm_error *err)
{
    char root[] = "/tmp/aglm-oom-XXXXXX";
    char from[64];
    char to[64];
    char file[80];
    char *data = NULL;
    size_t n;

    (void)arg;
    assert_non_null(mkdtemp(root));
    snprintf(from, sizeof from, "%s/new/er", root);
    snprintf(to, sizeof to, "%s/out", root);
    snprintf(file, sizeof file, "%s/f", from);
    aglm_rc rc = aglm_dir_make(from, err);
    if (!rc)
        rc = aglm_file_write(file, "hello", 5, err);
    if (!rc)
        rc = aglm_file_read(file, 100, &data, &n, err);
    if (!rc)
        rc = aglm_dir_publish(from, to, false, err);
    free(data);
    data = NULL;
    if (!rc)
        rc = aglm_file_read("/proc/self/maps", 1 << 24, &data, &n, err);
    free(data);
    assert_int_equal(aglm_dir_remove(root, NULL), AGLM_OK);
    return rc;
}

/* In GBK. */
static const char two_characters[4] = {'\xc4', '\xe3', '\xba', '\xc3'};

static aglm_rc use_encoding(void *arg, aglm_error *err)
{
    aglm_str s;
    char text[20000];

    (void)arg;
    for (size_t i = 0; i < sizeof text; i += 4)
        memcpy(text + i, two_characters, 4);
    aglm_str_init(&s, SIZE_MAX);
    aglm_rc rc = aglm_encoding_to_utf8(AGLM_ENC_GB18030, text, sizeof text, &s, err);
    if (!rc)
        rc = aglm_encoding_to_utf8(AGLM_ENC_LATIN1, text, sizeof text, &s, err);
    aglm_str_clear(&s);
    return rc;
}

static aglm_rc use_vectors(void *arg, aglm_error *err)
{
    double *v = aglm_calloc_aligned(100, sizeof *v);
    int *grown = NULL;
    size_t cap = 0;
    aglm_log *log = aglm_log_new(AGLM_LOG_INFO, NULL, NULL);
    char *copy = aglm_strndup("abc", 3);
    aglm_rc rc = v && log && copy ? AGLM_OK : AGLM_NOMEM;

    (void)arg;
    for (size_t n = 1; n < 1000 && !rc; n++)
        rc = aglm_grow(&grown, &cap, n, sizeof *grown, 1000);
    free(grown);
    free(copy);
    aglm_log_free(log);
    free(v);
    return rc ? aglm_error_set(err, rc, "vectors") : AGLM_OK;
}

static void json_survives(void **state)
{
    (void)state;
    survives(use_json, 5);
}

static void map_survives(void **state)
{
    (void)state;
    survives(use_map, 20);
}

static void str_and_arena_survive(void **state)
{
    (void)state;
    survives(use_str, 5);
    survives(use_arena, 3);
}

static void pool_survives(void **state)
{
    (void)state;
    survives(use_pool, 2);
}

static void files_survive(void **state)
{
    (void)state;
    survives(use_files, 5);
}

static void encoding_survives(void **state)
{
    (void)state;
    survives(use_encoding, 2);
}

static void vectors_survive(void **state)
{
    (void)state;
    survives(use_vectors, 5);
}

/* The harness itself must notice what it is there for. */
static aglm_rc leak_on_failure(void *arg, aglm_error *err)
{
    char *a = aglm_calloc(10, 1);
    char *b = aglm_calloc(20, 1);

    if (a && b) {
        free(a);
        free(b);
        return AGLM_OK;
    }
    free(b);
    *(char **)arg = a; /* the caller frees it, which the harness cannot know */
    return aglm_error_set(err, AGLM_NOMEM, "two blocks");
}

static aglm_rc hide_failure(void *arg, aglm_error *err)
{
    void *p = aglm_calloc(10, 1);

    (void)arg;
    free(p);
    return p ? AGLM_OK : aglm_error_set(err, AGLM_IO, "wrong word");
}

static void harness_notices(void **state)
{
    oom_result r;
    char *leaked = NULL;

    (void)state;
    assert_int_equal(oom_count(hide_failure, NULL), 1);
    assert_false(oom_run(hide_failure, NULL, NULL, &r));
    assert_non_null(strstr(r.message, "wrong word"));
    assert_false(oom_run(leak_on_failure, &leaked, NULL, &r));
    assert_non_null(strstr(r.message, "1 blocks leak, first number 1 of 10 bytes"));
    free(leaked);
    oom_options o = {.stride = 7, .offset = 3};
    assert_true(oom_run(use_map, NULL, &o, &r));
    assert_int_equal(r.runs, (r.allocations - 3 + 6) / 7);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(json_survives),         cmocka_unit_test(map_survives),
        cmocka_unit_test(str_and_arena_survive), cmocka_unit_test(pool_survives),
        cmocka_unit_test(files_survive),         cmocka_unit_test(encoding_survives),
        cmocka_unit_test(vectors_survive),       cmocka_unit_test(harness_notices),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
