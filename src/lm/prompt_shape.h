/* lm/prompt_shape.h - what the marks and numbers of a prompt tell, whatever its words are; not for
 * other rooms.
 * Threads: pure functions. */
#ifndef AGLM_LM_PROMPT_SHAPE_H
#define AGLM_LM_PROMPT_SHAPE_H

#include "lm/prompt_reading.h"

typedef struct aglm_prompt_shape {
    size_t numbers;    /* groups of digits */
    size_t sums;       /* an operator between numbers or brackets */
    bool equals_end;   /* ends with "=" or "=?" */
    size_t code_signs; /* fences, braces, "def ", ";" at the end of a line, ... */
    bool question;     /* a question mark where something is asked, or at the end */
    bool ended;        /* its last character ends a sentence */
    bool dangling;     /* ends with a comma, or with a word that must be followed by another */
    /* letters, by how much they ask */
    size_t latin, han, other;
    size_t foreign; /* letters of neither Latin nor Chinese script, wherever they are */
    size_t letters; /* of any script; a Chinese one counts as two */
} aglm_prompt_shape;

void aglm_prompt_shape_look(const aglm_prompt_reading *r, aglm_prompt_shape *out);

#endif
