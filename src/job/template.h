/* job/template.h - the words of a command with {name} where a parameter's value goes.
 * Threads: pure functions.
 *
 * "{{" and "}}" around a name stand for the braces themselves; braces that hold no name stay as
 * they are. A word whose parameter is inactive is left out, and with it the option before it
 * ("--C" "{C}"). */
#ifndef AGLM_JOB_TEMPLATE_H
#define AGLM_JOB_TEMPLATE_H

#include "search/space.h"

typedef struct aglm_template {
    const char *const *words; /* borrowed */
    size_t n;
} aglm_template;

/* AGLM_INVALID: {name} is no parameter. *unused (may be NULL) gets the name of a parameter that no
 * word mentions though others are, else NULL. */
aglm_rc aglm_template_check(const aglm_space *space, const aglm_template *t, const char **unused,
                            aglm_error *err);
/* argv, NULL-terminated, in the arena. */
aglm_rc aglm_template_fill(const aglm_space *space, const double *x, const aglm_template *t,
                           aglm_arena *a, char ***argv, aglm_error *err);

/* The value as programs take it: the shortest text that reads back the same, 2 for 2.0, a choice as
 * it is. */
aglm_rc aglm_template_value(const aglm_dist *d, double value, aglm_str *out);

#endif
