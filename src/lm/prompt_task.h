/* lm/prompt_task.h - what a bare prompt asks for, with the words that tell.
 * Threads: pure functions. */
#ifndef AGLM_LM_PROMPT_TASK_H
#define AGLM_LM_PROMPT_TASK_H

#include <stdbool.h>
#include <stddef.h>

#include "base/str.h"

typedef enum aglm_prompt_task {
    AGLM_PROMPT_CLASSIFICATION, /* one of few answers */
    AGLM_PROMPT_EXTRACTION,     /* parts of the given text */
    AGLM_PROMPT_SUMMARIZATION,
    AGLM_PROMPT_QUESTION_ANSWERING, /* facts, explanations, advice; with a passage or without */
    AGLM_PROMPT_TRANSLATION,
    AGLM_PROMPT_REWRITING, /* the given text, said otherwise */
    AGLM_PROMPT_CODE,
    AGLM_PROMPT_ARITHMETIC,
    AGLM_PROMPT_CHAT,           /* small talk, feelings, playing a role */
    AGLM_PROMPT_TEXT_GENERATION /* a new text, ideas, or the given one goes on */
} aglm_prompt_task;
#define AGLM_PROMPT_TASKS 10

/* "classification", "text-generation", ...; "unknown" for no task. */
const char *aglm_prompt_task_name(aglm_prompt_task t);
/* All of them, for messages. */
const char *aglm_prompt_task_names(void);
/* Also by names that people know from elsewhere: "token-classification", "qa", "summarisation",
 * "translation_en_to_fr", ...; case, '_' and '-' do not matter. */
bool aglm_prompt_task_from_name(const char *name, aglm_prompt_task *out);

/* Of the asking words rather than of the text they are about. */
typedef enum aglm_prompt_language {
    AGLM_PROMPT_ENGLISH,
    AGLM_PROMPT_CHINESE,
    AGLM_PROMPT_OTHER_LANGUAGE
} aglm_prompt_language;
const char *aglm_prompt_language_name(aglm_prompt_language l); /* "en", "zh", "other" */

#define AGLM_PROMPT_MAX_EVIDENCE 12
#define AGLM_PROMPT_MAX_WORDS 48

typedef struct aglm_prompt_evidence {
    aglm_prompt_task task;
    double weight;                     /* what it adds to the score of the task */
    char words[AGLM_PROMPT_MAX_WORDS]; /* of the prompt, in lower case; "" for a matter of shape */
    const char *why;                   /* static text */
} aglm_prompt_evidence;

typedef struct aglm_prompt_task_guess {
    aglm_prompt_task task;
    double confidence; /* probability of the task, 0..1: exp(score) over the sum of all */
    aglm_prompt_language language;
    double score[AGLM_PROMPT_TASKS];
    aglm_prompt_task ranked[AGLM_PROMPT_TASKS]; /* by score, best first */
    /* the heaviest first, of all tasks */
    aglm_prompt_evidence evidence[AGLM_PROMPT_MAX_EVIDENCE];
    size_t n_evidence;
} aglm_prompt_task_guess;

/* Never fails, whatever the bytes are. Of a long prompt only the first and the last 3000 bytes are
 * looked at. */
void aglm_prompt_task_detect(const char *text, size_t len, aglm_prompt_task_guess *out);

/* For a person: the task and its rival, then one finding a line. */
void aglm_prompt_task_tell(const aglm_prompt_task_guess *g, aglm_str *out);

#endif
