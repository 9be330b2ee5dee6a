/* lm/example_set.h - examples whose answers are texts: rows of a table as fields and right answers.
 * Threads: immutable once made. */
#ifndef AGLM_LM_EXAMPLE_SET_H
#define AGLM_LM_EXAMPLE_SET_H

#include "base/arena.h"
#include "lm/example_task.h"

#define AGLM_EXAMPLE_FIELDS 8

/* Which columns of a table an example is made of. */
typedef struct aglm_example_form {
    int fields[AGLM_EXAMPLE_FIELDS]; /* in the order a prompt shows them; the last is what is asked
                                        about */
    size_t n_fields;
    int target; /* -1: none, answers are wanted */
    int bare;   /* the bare answer where the target holds its derivation; -1: none */
    bool whole; /* a list is one answer; else each of its elements is a right one */
} aglm_example_form;

/* By what was detected: instruction, context, input. `inputs` (may be NULL): the user's columns
 * instead, by name or number, separated by commas. AGLM_INVALID names a column that is not there;
 * conversations are AGLM_UNSUPPORTED. */
aglm_rc aglm_example_form_make(aglm_example_form *out, const aglm_example_guess *guess,
                               const aglm_table *t, const char *inputs, aglm_error *err);

/* Texts are free of blanks at their ends. */
typedef struct aglm_example {
    const char *field[AGLM_EXAMPLE_FIELDS]; /* "" where the cell is missing */
    const char *answer;                     /* as a prompt shows it; NULL without a target */
    const char *bare;                       /* without its derivation, or the same */
    const char *const *refs;                /* [n_refs], the right answers */
    size_t n_refs;
    size_t line; /* in the file */
} aglm_example;

typedef struct aglm_example_set {
    aglm_example *at; /* [n] */
    size_t n;
    size_t skipped; /* rows without a question or an answer */
    const char *names[AGLM_EXAMPLE_FIELDS];
    const char *target_name; /* NULL without a target */
    const char *bare_name;   /* the column of right answers; the same where there is but one */
    size_t n_fields;
    bool derived;   /* bare and answer differ */
    bool chinese;   /* most letters are */
    bool multiline; /* an answer has a line end */
    aglm_arena arena;
} aglm_example_set;

/* Texts are copied. AGLM_FORMAT: no row can be used. Free with aglm_example_set_free. */
aglm_rc aglm_example_set_new(aglm_example_set **out, const aglm_table *t,
                             const aglm_example_form *form, aglm_error *err);
void aglm_example_set_free(aglm_example_set *s);

#endif
