/* lm/prompt_cue.h - words that speak for a task, in English and Chinese; not for other rooms.
 * Threads: constant data and pure functions. */
#ifndef AGLM_LM_PROMPT_CUE_H
#define AGLM_LM_PROMPT_CUE_H

#include "lm/prompt_reading.h"
#include "lm/prompt_task.h"

/* Patterns joined by '|', in folded form. '^' stands for the beginning of a clause, '$' for the end
 * of one, '~' at the end for any ending of the word, '*' for up to 40 bytes of the same line, '@'
 * for the name of a language. */
typedef struct aglm_prompt_cue {
    aglm_prompt_task task;
    double weight;
    const char *patterns;
} aglm_prompt_cue;

extern const aglm_prompt_cue aglm_prompt_cues[];
extern const size_t aglm_prompt_cue_count;

/* Where a pattern stands with the most weight: false when it is absent. */
typedef struct aglm_prompt_match {
    size_t at, len;
    int percent;
} aglm_prompt_match;
bool aglm_prompt_cue_find(const aglm_prompt_reading *r, const char *pattern, size_t len,
                          aglm_prompt_match *out);

#endif
