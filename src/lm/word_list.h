/* lm/word_list.h - words a user does not want to see, and whether a text has one.
 * Threads: a list is immutable and may be shared. */
#ifndef AGLM_LM_WORD_LIST_H
#define AGLM_LM_WORD_LIST_H

#include <stdbool.h>

#include "base/str.h"

#define AGLM_WORD_LIST_MAX 1000000
#define AGLM_WORD_MAX_CHARS 64

typedef struct aglm_word_list aglm_word_list;

/* One word or phrase a line; lines empty or beginning with "# " are left out. AGLM_FORMAT for text
 * that is not UTF-8, AGLM_LIMIT for a line over AGLM_WORD_MAX_CHARS: both name the line. */
aglm_rc aglm_word_list_new(aglm_word_list **out, const char *text, size_t len, aglm_error *err);
void aglm_word_list_free(aglm_word_list *w);

/* How many occurrences; the first is appended to `first` (may be NULL). Case, width, marks that
 * take no room and runs of blanks make no difference. A letter or digit at a word's end must have
 * none beside it in the text; Chinese is found anywhere. */
aglm_rc aglm_word_list_count(const aglm_word_list *w, const char *text, size_t len, size_t *n,
                             aglm_str *first);

#endif
