/* cli/book.h - a stored study as the verbs of `autoglm study` look at it: read whole.
 * Threads: confined. */
#ifndef AGLM_CLI_BOOK_H
#define AGLM_CLI_BOOK_H

#include "cli/command.h"
#include "search/study.h"

typedef struct aglm_book {
    aglm_store *store;
    aglm_arena arena;
    aglm_study_row *studies;
    size_t n_studies;
    const aglm_study_row *study; /* the chosen one, NULL while none is */
    aglm_space *space;           /* of the chosen one, as its trials */
    aglm_trial *trials;
    size_t n_trials;
} aglm_book;

/* Opens --storage, which must be there but with `make`, and lists its studies. Errors name the
 * option. Close it in any case. */
aglm_rc aglm_book_open(aglm_book *b, const aglm_args *a, bool make, aglm_error *err);
/* Chooses --study, or the only one, and reads its trials. */
aglm_rc aglm_book_read(aglm_book *b, const aglm_args *a, aglm_error *err);
void aglm_book_close(aglm_book *b);

/* NULL while no trial is COMPLETE. */
const aglm_trial *aglm_book_best(const aglm_book *b);

/* Prints what was written and clears it; a failure goes to stderr. */
void aglm_book_flush(aglm_str *s);

/* The verbs that have a file of their own. */
aglm_rc aglm_study_print_importance(aglm_book *b, const aglm_args *a, aglm_error *err);
aglm_rc aglm_study_do_import(aglm_book *b, const aglm_args *a, aglm_error *err);
aglm_rc aglm_study_do_copy(aglm_book *b, const aglm_args *a, aglm_error *err);
aglm_rc aglm_study_do_delete(aglm_book *b, const aglm_args *a, aglm_error *err);
aglm_rc aglm_study_print_plot(aglm_book *b, const aglm_args *a, aglm_error *err);

#endif
