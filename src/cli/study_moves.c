#include <stdio.h>
#include <string.h>

#include "cli/book.h"
#include "search/study_copy.h"

/* What changes or removes a study asks for its name, even where there is only one. */
static aglm_rc need_name(const aglm_args *a, const char **out, aglm_error *err)
{
    *out = aglm_args_text(a, "study", NULL);
    if (*out)
        return AGLM_OK;
    return aglm_error_set(err, AGLM_INVALID, "%s: say which with --study NAME", a->operands[0]);
}

aglm_rc aglm_study_do_copy(aglm_book *b, const aglm_args *a, aglm_error *err)
{
    const char *url = aglm_args_text(a, "to", NULL);
    const char *as = aglm_args_text(a, "as", NULL);
    aglm_study_place from = {b->store, NULL};
    aglm_store *other = NULL;
    size_t n;
    aglm_rc rc = need_name(a, &from.name, err);

    if (rc == AGLM_OK && !url && !as)
        rc = aglm_error_set(err, AGLM_INVALID,
                            "copy: give the new name with --as, or another store with --to");
    if (rc == AGLM_OK && url)
        rc = aglm_store_open(&other, url, err);
    aglm_study_place to = {other ? other : b->store, as ? as : from.name};
    if (rc == AGLM_OK)
        rc = aglm_study_copy(&from, &to, false, &n, err);
    if (rc == AGLM_OK)
        fprintf(stderr, "%zu trials copied to study \"%s\"\n", n, to.name);
    aglm_store_close(other);
    return rc;
}

aglm_rc aglm_study_do_delete(aglm_book *b, const aglm_args *a, aglm_error *err)
{
    const char *name = NULL;
    int64_t id;
    aglm_rc rc = need_name(a, &name, err);

    if (rc == AGLM_OK)
        rc = aglm_store_study_find(b->store, name, &id, err);
    if (rc == AGLM_NOTFOUND)
        aglm_error_set(err, rc, "there is no study \"%.100s\"; autoglm study list names them",
                       name);
    return rc == AGLM_OK ? aglm_store_study_delete(b->store, id, err) : rc;
}
