/* lm/example_index.h - which of many texts are most like another: cosine of TF-IDF over words and
 * character n-grams.
 * Threads: confined (a search uses scratch memory of the index). */
#ifndef AGLM_LM_EXAMPLE_INDEX_H
#define AGLM_LM_EXAMPLE_INDEX_H

#include <stddef.h>
#include <stdint.h>

#include "autoglm/error.h"

typedef struct aglm_example_index aglm_example_index;

/* Texts are not kept. */
aglm_rc aglm_example_index_new(aglm_example_index **out, const char *const *texts, size_t n,
                               aglm_error *err);
void aglm_example_index_free(aglm_example_index *x); /* NULL is fine */

/* The numbers of the k texts most like this one, the best first, in found[k]; *n of them. Equal
 * ones in the order of the texts. */
aglm_rc aglm_example_index_find(aglm_example_index *x, const char *text, size_t k, uint32_t *found,
                                size_t *n, aglm_error *err);

#endif
