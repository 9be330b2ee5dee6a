/* lm/chat.h - a conversation as the text that a model was trained on, by the model's own template.
 * Threads: pure functions. */
#ifndef AGLM_LM_CHAT_H
#define AGLM_LM_CHAT_H

#include "lm/jinja.h"

typedef struct aglm_chat_message {
    const char *role; /* "system", "user", "assistant", ... */
    const char *content;
} aglm_chat_message;

typedef struct aglm_chat_options {
    bool add_generation_prompt; /* end with what begins an answer */
    const char *bos_token;      /* their texts; NULL: none */
    const char *eos_token;
    const aglm_json *extra; /* an object of more variables (tools, enable_thinking, ...), or NULL;
                             * one with a name used here wins: "messages" with tool calls, say */
    int64_t now_s;          /* for templates that tell the date: seconds since 1970, zone added */
} aglm_chat_options;

/* Appends the text to out, which stays as it was on failure. Errors as aglm_jinja_render: what the
 * template refuses (raise_exception) is AGLM_INVALID with its message. Lists may be appended to, as
 * some templates do: more than Hugging Face allows. */
aglm_rc aglm_chat_render(const aglm_jinja *chat_template, const aglm_chat_message *messages,
                         size_t n, const aglm_chat_options *options, aglm_str *out,
                         aglm_error *err);

#endif
