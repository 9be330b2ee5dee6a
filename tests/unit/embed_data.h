/* embed_data.h - small made-up datasets and parameter values for the embedding bag's tests. */
#ifndef AGLM_TESTS_EMBED_DATA_H
#define AGLM_TESTS_EMBED_DATA_H

#include <string.h>

#include "base/rng.h"
#include "learn/learner.h"

/* `docs` texts of 8 words each: two that only their label has, and noise. Multi-label documents
 * have two labels. NULL when memory is out. */
static inline aglm_rc embed_data(aglm_dataset **out, unsigned docs, unsigned labels,
                                 bool multi_label, aglm_error *err)
{
    aglm_str s;
    aglm_rng r;
    aglm_table *t = NULL;
    const aglm_task_options want = {.task = multi_label ? AGLM_TASK_MULTILABEL : AGLM_TASK_AUTO};
    const aglm_read_options options = {.format = AGLM_FORMAT_FASTTEXT};
    aglm_task_guess guess = {0};

    aglm_str_init(&s, 1 << 24);
    aglm_rng_init(&r, docs);
    for (unsigned i = 0; i < docs; i++) {
        unsigned a = i % labels, b = (i + 1 + i / labels) % labels;
        aglm_str_printf(&s, "__label__l%02u ", a);
        if (multi_label && b != a)
            aglm_str_printf(&s, "__label__l%02u ", b);
        for (unsigned k = 0; k < 6; k++)
            aglm_str_printf(&s, "noise%u ", (unsigned)aglm_rng_below(&r, 100));
        aglm_str_printf(&s, "mark%u", a);
        if (multi_label && b != a)
            aglm_str_printf(&s, " mark%u", b);
        aglm_str_printf(&s, " doc%u\n", i);
    }
    aglm_rc rc = s.rc ? aglm_error_set(err, s.rc, "making texts") : AGLM_OK;
    if (!rc)
        rc = aglm_table_parse(&t, "made up", s.data, s.len, &options, err);
    if (!rc)
        rc = aglm_task_detect(&guess, t, &want, err);
    if (!rc)
        rc = aglm_dataset_from_table(out, t, &guess, NULL, err);
    if (guess.evidence.data)
        aglm_str_clear(&guess.evidence);
    aglm_table_free(t);
    aglm_str_clear(&s);
    return rc;
}

#define EMBED_EPOCHS 25

/* The space's starting values with these epochs and the dimension given. */
static inline void embed_values(double values[AGLM_HPARAM_MAX], bool multi_label, double dim)
{
    aglm_hparam space[AGLM_HPARAM_MAX];
    const aglm_data_shape shape = {
        .docs = 100, .labels = 3, .multi_label = multi_label, .mean_chars = 50};
    size_t n = aglm_learner_embed.space(&shape, space);

    for (size_t i = 0; i < n; i++) {
        values[i] = space[i].start;
        if (strcmp(space[i].name, "embedding_dim") == 0)
            values[i] = dim;
        if (strcmp(space[i].name, "epochs") == 0)
            values[i] = EMBED_EPOCHS;
    }
}

#endif
