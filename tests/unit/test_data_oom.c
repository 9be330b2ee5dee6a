/* Every allocation of the room data fails once, and then for good. */
#include <sys/stat.h>
#include <unistd.h>
#include <zlib.h>

#include "base/file.h"
#include "data/features.h"
#include "data/profile.h"
#include "data/split.h"
#include "oom.h"
#include "unit.h"

typedef struct input {
    const char *path; /* NULL: parse data */
    const char *data;
    size_t n;
} input;

/* From the bytes to folds, a profile and features. */
static aglm_rc use_dataset(const aglm_dataset *d, aglm_error *err)
{
    aglm_profile profile;
    aglm_dataset *twice = NULL;
    uint8_t fold[64];
    uint32_t order[64];

    aglm_rc rc = aglm_split_folds(d, 2, 1, fold, err);
    if (!rc)
        rc = aglm_split_order(d, 1, order, err);
    if (!rc)
        rc = aglm_profile_make(&profile, d, d, err);
    if (!rc)
        rc = aglm_dataset_concat(&twice, d, d, err);
    aglm_dataset_free(twice);
    return rc;
}

static aglm_rc use_table(const aglm_table *t, aglm_error *err)
{
    const aglm_dataset_options options = {.skip_bad_rows = true};
    aglm_dataset *d = NULL;
    aglm_task_guess guess;

    aglm_rc rc = aglm_task_detect(&guess, t, NULL, err);
    if (rc == AGLM_UNSUPPORTED)
        rc = AGLM_OK; /* tags are only recognised */
    else if (!rc)
        rc = aglm_dataset_from_table(&d, t, &guess, &options, err);
    if (!rc && d)
        rc = use_dataset(d, err);
    aglm_dataset_free(d);
    aglm_str_clear(&guess.evidence);
    return rc;
}

static aglm_rc read_all(void *arg, aglm_error *err)
{
    const aglm_read_options options = {.skip_bad_rows = true};
    const input *in = arg;
    aglm_table *t = NULL;

    aglm_rc rc = in->path ? aglm_table_read(&t, in->path, &options, err)
                          : aglm_table_parse(&t, "f", in->data, in->n, &options, err);
    if (!rc)
        rc = use_table(t, err);
    aglm_table_free(t);
    return rc;
}

static aglm_rc extract(void *arg, aglm_error *err)
{
    const aglm_feature_options options = {.word_n = 2, .char_min = 2, .char_max = 4, .cjk_n = 2};
    static const char text[] = "some words 和中文, and more of them, long enough to grow";
    aglm_extractor *x = NULL;
    aglm_feature_list list;

    aglm_rc rc = aglm_extractor_new(&x, &options, true, err);
    if (!rc)
        rc = aglm_extractor_run(x, text, sizeof text - 1, &list, err);
    aglm_extractor_free(x);
    return rc;
}

static void assert_survives(oom_scenario scenario, void *arg)
{
    oom_result r;

    for (int lasting = 0; lasting < 2; lasting++) {
        const oom_options o = {.lasting = lasting};
        if (!oom_run(scenario, arg, &o, &r))
            fail_msg("%s", r.message);
        assert_true(r.allocations >= 1);
    }
}

#define TEXT(s) {.data = (s), .n = sizeof(s) - 1}

static void memory_may_run_out(void **state)
{
    static input inputs[] = {
        TEXT(
            "label,text\na,\"some \"\"words\"\"\"\nb,other words\na,b,c\na,third words\nb,fourth\nb,fifth\n"),
        TEXT(
            "a|b\tsome words\nb|c\tother words\na|c\tthird words\na\tfourth\nb\tfifth one\nc\tsixth\n"),
        TEXT(
            "{\"text\":\"some words\",\"labels\":[\"a\",\"b\"]}\n[\n{\"text\":\"x\",\"labels\":[],\"n\":1.5}\n"),
        TEXT(
            "[{\"text\":\"some words\",\"label\":\"a\"},{\"text\":\"other\",\"label\":\"b\",\"o\":{\"k\":1}}]"),
        TEXT("__label__a __label__b some words\n__label__b other words\n"),
        TEXT("a,b,label\n1,red,x\n2.5,blue,y\n,red,x\n4,blue,y\n5,red,x\n6,,y\n"),
        TEXT("a,b,target\n1,red,0.5\n2,blue,1.5\n3,red,2.25\n4,blue,3\n"),
        TEXT("EU B-ORG\nrejects O\n\ncall O\n"),
        TEXT("\xff\xfe"
             "a\0\t\0l\0o\0n\0g\0\n\0b\0\t\0m\0o\0r\0e\0\n\0"),
        TEXT("a\t\xc4\xe3\xba\xc3\xa3\xac\xd6\xd0\xb9\xfa\nb\t\xb2\xe2\xca\xd4\xd6\xd0\xb9\xfa\n"),
    };

    (void)state;
    for (size_t i = 0; i < sizeof inputs / sizeof *inputs; i++)
        assert_survives(read_all, &inputs[i]);
    assert_survives(extract, NULL);
}

static void memory_may_run_out_over_files(void **state)
{
    static const char *const names[] = {"neg", "pos"};
    char dir[] = "/tmp/aglm_data_oom_XXXXXX";
    char path[64];

    (void)state;
    assert_non_null(mkdtemp(dir));
    for (size_t i = 0; i < 2; i++) {
        snprintf(path, sizeof path, "%s/%s", dir, names[i]);
        assert_int_equal(mkdir(path, 0700), 0);
        snprintf(path, sizeof path, "%s/%s/1.txt", dir, names[i]);
        assert_int_equal(aglm_file_write(path, "some words", 10, NULL), AGLM_OK);
    }
    input in = {.path = dir};
    assert_survives(read_all, &in);
    snprintf(path, sizeof path, "%s/x.tsv.gz", dir);
    gzFile f = gzopen(path, "wb");
    gzputs(f, "a\tsome words\nb\tother words\n");
    gzclose(f);
    in.path = path;
    assert_survives(read_all, &in);
    aglm_dir_remove(dir, NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(memory_may_run_out),
        cmocka_unit_test(memory_may_run_out_over_files),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
