/* autoglm/prompt.h - prompt templates: text with variables, checked when it is made.
 * Threads: a template is immutable and may be executed by several threads at once. */
#ifndef AUTOGLM_PROMPT_H
#define AUTOGLM_PROMPT_H

#include "autoglm/error.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct aglm_prompt_template aglm_prompt_template;

/* Text with {variable}, or, where it holds "{{", "{%" or "{#", a Jinja2 template. A brace that does
 * not enclose a name stays as it is. AGLM_INVALID names a variable that is not among the n input
 * variables, with line and column and those that are; AGLM_FORMAT a mistake in the template. Free
 * with aglm_prompt_template_free. */
AGLM_API aglm_rc aglm_prompt_template_new(aglm_prompt_template **out, const char *text,
                                          const char *const *input_variables, size_t n,
                                          aglm_error *err);
AGLM_API void aglm_prompt_template_free(aglm_prompt_template *t);

typedef struct aglm_prompt_value {
    const char *name;
    const char *value; /* UTF-8 */
} aglm_prompt_value;

/* The text with the values put in: a heap string, free() it. AGLM_INVALID names an input variable
 * without a value, and a value whose name is no input variable. */
AGLM_API aglm_rc aglm_prompt_template_execute(const aglm_prompt_template *t,
                                              const aglm_prompt_value *values, size_t n, char **out,
                                              aglm_error *err);

#ifdef __cplusplus
}
#endif
#endif
