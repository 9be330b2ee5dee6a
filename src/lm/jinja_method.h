/* lm/jinja_method.h - the methods of values by type, and string work that filters share.
 * Threads: confined to one rendering. */
#ifndef AGLM_LM_JINJA_METHOD_H
#define AGLM_LM_JINJA_METHOD_H

#include "lm/jinja_run.h"

const aglm_jbuiltin *aglm_jmethod_find_text(const aglm_jval *name);
const aglm_jbuiltin *aglm_jmethod_find_split(const aglm_jval *name);

/* The value as a string argument; `what` names the method for the message. */
aglm_rc aglm_jrun_need_text(aglm_jrun *r, const aglm_jval *v, const char *what);
/* A whole number, or otherwise where none is given. */
aglm_rc aglm_jrun_need_whole(aglm_jrun *r, const aglm_jval *v, int64_t otherwise, int64_t *out);

typedef enum aglm_jcase { AGLM_JCASE_LOWER, AGLM_JCASE_UPPER, AGLM_JCASE_SWAP } aglm_jcase;

aglm_rc aglm_jrun_append_case(aglm_jrun *r, aglm_jspan text, aglm_jcase how);
/* Markup stays markup in these. */
aglm_rc aglm_jrun_case(aglm_jrun *r, const aglm_jval *text, aglm_jcase how, aglm_jval *out);
aglm_rc aglm_jrun_capitalize(aglm_jrun *r, const aglm_jval *text, aglm_jval *out);
aglm_rc aglm_jrun_replace(aglm_jrun *r, const aglm_jval *text, const aglm_jval *from,
                          const aglm_jval *to, int64_t count, aglm_jval *out);
aglm_rc aglm_jrun_center(aglm_jrun *r, const aglm_jval *text, int64_t width, aglm_jval *out);
/* A list of lines as str.splitlines; newlines kept where keep is set. */
aglm_rc aglm_jrun_lines(aglm_jrun *r, const aglm_jval *text, bool keep, aglm_jval *out);

#endif
