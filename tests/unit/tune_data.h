/* tune_data.h - a made-up corpus, folders and candidates for the tests of the tuning run.
 * Threads: as aglm_dataset. */
#ifndef AGLM_TESTS_TUNE_DATA_H
#define AGLM_TESTS_TUNE_DATA_H

#include <unistd.h>

#include "base/file.h"
#include "base/rng.h"
#include "documents.h"
#include "learn/learner.h"

/* `docs` lines "label TAB text" that speak of sport, food or code; every tenth word is from another
 * label, so that some documents stay hard. multi_label joins a second label by '|' to every third.
 */
static inline void tune_rows(aglm_str *s, unsigned docs, uint64_t seed, bool multi_label)
{
    static const char *const LABELS[] = {"code", "food", "sport"};
    static const char *const WORDS[3][6] = {
        {"kernel", "compiler", "server", "patch", "socket", "thread"},
        {"recipe", "oven", "butter", "onion", "soup", "garlic"},
        {"goal", "match", "team", "player", "score", "league"},
    };
    aglm_rng r;

    aglm_rng_init(&r, seed);
    for (unsigned i = 0; i < docs; i++) {
        unsigned label = (unsigned)aglm_rng_below(&r, 3), other = (label + 1) % 3;
        bool two = multi_label && i % 3 == 0;
        aglm_str_printf(s, two ? "%s|%s\t" : "%s\t", LABELS[label], LABELS[other]);
        for (unsigned k = 0; k < 5; k++) {
            unsigned from = aglm_rng_below(&r, 10) ? label : (unsigned)aglm_rng_below(&r, 3);
            aglm_str_printf(s, "%s w%u ", WORDS[two && k % 2 ? other : from][aglm_rng_below(&r, 6)],
                            (unsigned)aglm_rng_below(&r, 40));
        }
        aglm_str_printf(s, "d%u\n", i);
    }
}

static inline aglm_dataset *tune_documents(unsigned docs, uint64_t seed, bool multi_label)
{
    aglm_str s;

    aglm_str_init(&s, (size_t)1 << 24);
    tune_rows(&s, docs, seed, multi_label);
    aglm_dataset *d = documents_new(s.data, multi_label ? AGLM_TASK_MULTILABEL : AGLM_TASK_AUTO,
                                    NULL, 0);
    aglm_str_clear(&s);
    return d;
}

static inline void tune_write(const char *path, const char *text)
{
    aglm_error err = {0};

    if (aglm_file_write(path, text, strlen(text), &err) != AGLM_OK)
        fail_msg("%s", err.msg);
}

static inline void tune_file(const char *path, unsigned docs, uint64_t seed, bool multi_label)
{
    aglm_str s;

    aglm_str_init(&s, (size_t)1 << 24);
    tune_rows(&s, docs, seed, multi_label);
    assert_int_equal(s.rc, AGLM_OK);
    tune_write(path, s.data);
    aglm_str_clear(&s);
}

/* A folder for the test, removed by tune_folder_remove. */
static inline char *tune_folder(void)
{
    const char *base = getenv("TMPDIR");
    char path[4096];

    snprintf(path, sizeof path, "%s/aglm-tune-XXXXXX", base && *base ? base : "/tmp");
    assert_non_null(mkdtemp(path));
    char *copy = strdup(path);
    assert_non_null(copy);
    return copy;
}

static inline void tune_folder_remove(char *folder)
{
    aglm_error err = {0};

    if (aglm_dir_remove(folder, &err) != AGLM_OK)
        fail_msg("%s", err.msg);
    free(folder);
}

/* dir/name in a buffer of the caller. */
static inline const char *tune_path(char *buf, size_t size, const char *dir, const char *name)
{
    int n = snprintf(buf, size, "%s/%s", dir, name);

    assert_true(n > 0 && (size_t)n < size);
    return buf;
}

/* A learner's starting values. */
static inline void tune_values(const aglm_learner_ops *learner, const aglm_data_shape *shape,
                               double *values)
{
    aglm_hparam space[AGLM_HPARAM_MAX];
    size_t n = learner->space(shape, space);

    for (size_t i = 0; i < n; i++)
        values[i] = space[i].start;
}

#endif
