#include "cli/book.h"

#include <stdio.h>
#include <string.h>

#include "cli/opening.h"

#define ARENA_MAX (4ULL << 30)

void aglm_book_close(aglm_book *b)
{
    aglm_space_free(b->space);
    aglm_arena_clear(&b->arena);
    aglm_store_close(b->store);
}

aglm_rc aglm_book_open(aglm_book *b, const aglm_args *a, bool make, aglm_error *err)
{
    const char *url = aglm_args_text(a, "storage", NULL);
    aglm_rc rc;

    memset(b, 0, sizeof *b);
    aglm_arena_init(&b->arena, ARENA_MAX);
    if (!url)
        return aglm_error_set(
            err, AGLM_INVALID,
            "--storage is missing: give the database that tune named, as sqlite:///FILE");
    if ((rc = make ? AGLM_OK : aglm_storage_must_exist(url, err)) != AGLM_OK ||
        (rc = aglm_store_open(&b->store, url, err)) != AGLM_OK)
        return rc;
    return aglm_store_study_list(b->store, &b->arena, &b->studies, &b->n_studies, err);
}

static aglm_rc choose_study(aglm_book *b, const aglm_args *a, aglm_error *err)
{
    const char *name = aglm_args_text(a, "study", NULL);

    for (size_t i = 0; i < b->n_studies; i++)
        if (name ? strcmp(b->studies[i].name, name) == 0 : b->n_studies == 1)
            b->study = &b->studies[i];
    if (b->study)
        return AGLM_OK;
    if (name)
        return aglm_error_set(err, AGLM_NOTFOUND,
                              "there is no study \"%.100s\"; autoglm study list names them", name);
    return aglm_error_set(
        err, AGLM_INVALID,
        "there are %zu studies; say which with --study NAME (autoglm study list names them)",
        b->n_studies);
}

static aglm_rc read_trials(aglm_book *b, aglm_error *err)
{
    aglm_trial_row *rows = NULL;
    aglm_rc rc = aglm_store_trials(b->store, b->study->id, 0, &b->arena, &rows, &b->n_trials, err);

    if (rc == AGLM_OK)
        rc = aglm_study_stored_space(b->store, b->study->id, &b->space, err);
    if (rc != AGLM_OK)
        return rc;
    b->trials = aglm_arena_array(&b->arena, b->n_trials + 1, sizeof *b->trials);
    if (!b->trials)
        return aglm_error_set(err, AGLM_NOMEM, "out of memory for %zu trials", b->n_trials);
    for (size_t i = 0; rc == AGLM_OK && i < b->n_trials; i++)
        rc = aglm_study_row_trial(b->space, b->study->directions[0], &rows[i], &b->arena,
                                  &b->trials[i], err);
    return rc;
}

aglm_rc aglm_book_read(aglm_book *b, const aglm_args *a, aglm_error *err)
{
    aglm_rc rc = choose_study(b, a, err);

    return rc == AGLM_OK ? read_trials(b, err) : rc;
}

const aglm_trial *aglm_book_best(const aglm_book *b)
{
    const aglm_trial *best = NULL;

    for (size_t i = 0; i < b->n_trials; i++)
        if (b->trials[i].state == AGLM_TRIAL_COMPLETE &&
            (!best || aglm_trial_better(&b->trials[i], best)))
            best = &b->trials[i];
    return best;
}

void aglm_book_flush(aglm_str *s)
{
    if (s->rc == AGLM_OK)
        printf("%s\n", s->data);
    else
        fprintf(stderr, "autoglm study: the answer does not fit: %s\n", aglm_rc_text(s->rc));
    aglm_str_clear(s);
}
