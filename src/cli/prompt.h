/* cli/prompt.h - what a bundle asks its language model, for the command prompt.
 * Threads: confined. */
#ifndef AGLM_CLI_PROMPT_H
#define AGLM_CLI_PROMPT_H

#include "lm/prompt_view.h"
#include "tune/bundle.h"

/* The prompt of one of a bundle's models: for labels, or for answers that are texts. */
typedef struct aglm_cli_prompt {
    aglm_bundle *bundle;
    const aglm_member *member; /* NULL: none has a prompt */
    size_t number;             /* of the member */
    bool texts;
    aglm_prompt_view labels;  /* unless texts */
    aglm_answer_view answers; /* if texts */
} aglm_cli_prompt;

/* Prints s and a line end. */
aglm_rc aglm_cli_prompt_print(const aglm_str *s, aglm_error *err);
/* The whole prompt: for a person, or as one JSON object. */
aglm_rc aglm_cli_prompt_show(const aglm_cli_prompt *p, bool json, aglm_error *err);

#endif
