/* lm/prompt_reading.h - a prompt folded for looking words up, and where in it the asking is done.
 * Threads: pure functions on the caller's storage. */
#ifndef AGLM_LM_PROMPT_READING_H
#define AGLM_LM_PROMPT_READING_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Bytes looked at at either end of a prompt. */
#define AGLM_PROMPT_END 3000
#define AGLM_PROMPT_FOLDED (2 * AGLM_PROMPT_END + 8)
#define AGLM_PROMPT_GRAMS 65536

typedef struct aglm_prompt_reading {
    size_t n;
    size_t first; /* bytes of the first line */
    /* Lower case, narrow forms, blanks in a row as one, simplified characters where cues have them;
     * NUL behind n bytes. */
    char text[AGLM_PROMPT_FOLDED];
    /* At each byte, in percent: how much a word here speaks for what is asked. Little inside
     * quotation marks and behind "Text:", nothing in fenced code. */
    uint8_t weight[AGLM_PROMPT_FOLDED];
    /* Does a clause begin here, also behind "please" and the like? */
    bool begins[AGLM_PROMPT_FOLDED];
    /* Bytes of the name of a language that stands here; 0: none does. */
    uint8_t language[AGLM_PROMPT_FOLDED];
    /* Bits of the hashes of all runs of three and of six bytes: what has none stands nowhere. */
    uint64_t grams[AGLM_PROMPT_GRAMS / 64];
} aglm_prompt_reading;

/* False: s[0..n) is nowhere in the text. True: it may be. */
bool aglm_prompt_may_hold(const aglm_prompt_reading *r, const char *s, size_t n);

void aglm_prompt_read(aglm_prompt_reading *out, const char *text, size_t len);

#endif
