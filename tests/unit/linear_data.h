/* linear_data.h - parameters by name and made-up documents for the linear learner's tests. */
#ifndef AGLM_TESTS_LINEAR_DATA_H
#define AGLM_TESTS_LINEAR_DATA_H

#include "base/rng.h"
#include "documents.h"
#include "learn/learner.h"

typedef struct linear_setting {
    const char *name;
    double value;
} linear_setting;

/* The space's starting values with some set otherwise. */
static inline void linear_values(double *values, const linear_setting *set, size_t n_set)
{
    aglm_hparam space[AGLM_HPARAM_MAX];
    const aglm_data_shape shape = {.docs = 100, .labels = 3, .mean_chars = 50, .share_cjk = 0.5};
    size_t n = aglm_learner_linear.space(&shape, space);

    for (size_t i = 0; i < n; i++) {
        values[i] = space[i].start;
        for (size_t k = 0; k < n_set; k++)
            if (strcmp(space[i].name, set[k].name) == 0)
                values[i] = set[k].value;
    }
}

/* `docs` texts of some noise words and one or two marks that tell their labels; every third is
 * Chinese. Of `labels` labels the last is rare when skewed. */
static inline aglm_dataset *linear_documents(unsigned docs, unsigned labels, bool multi_label,
                                             bool skewed)
{
    static const char *const han[] = {"好", "坏", "中", "天", "地", "人", "水", "火"};
    aglm_str s;
    aglm_rng r;

    aglm_str_init(&s, (size_t)1 << 24);
    aglm_rng_init(&r, docs + labels);
    for (unsigned i = 0; i < docs; i++) {
        unsigned a = skewed ? (i % 20 == 0 ? labels - 1 : i % (labels - 1)) : i % labels;
        unsigned b = (a + 1 + i / labels) % labels;
        aglm_str_printf(&s, "l%02u", a);
        if (multi_label && b != a)
            aglm_str_printf(&s, "|l%02u", b);
        aglm_str_putc(&s, '\t');
        for (unsigned k = 0; k < 5; k++)
            aglm_str_printf(&s, "noise%u ", (unsigned)aglm_rng_below(&r, 50));
        aglm_str_printf(&s, i % 3 ? "mark%u" : "标记%u%s", a, han[a % 8]);
        if (multi_label && b != a)
            aglm_str_printf(&s, " mark%u", b);
        aglm_str_puts(&s, "\n");
    }
    aglm_dataset *d = documents_new(s.data, multi_label ? AGLM_TASK_MULTILABEL : AGLM_TASK_AUTO,
                                    NULL, 0);
    aglm_str_clear(&s);
    return d;
}

#endif
