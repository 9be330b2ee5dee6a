/* regret.c - the regret bound of a stored study. Used by optuna_regret.py.
 *
 *   regret URL NAME    prints the bound and the error by the best trial's scores */
#include <stdio.h>

#include "search/study.h"

int main(int argc, char **argv)
{
    aglm_study_options o;
    aglm_error err = {0};
    aglm_store *store = NULL;
    aglm_space *space = NULL;
    aglm_study *study = NULL;
    aglm_study_row row;
    double bound = 0.0;
    double error = 0.0;

    if (argc != 3)
        return 2;
    aglm_study_options_init(&o);
    aglm_rc rc = aglm_store_open(&store, argv[1], &err);
    if (rc == AGLM_OK)
        rc = aglm_stored_study(store, argv[2], &row, &err);
    if (rc == AGLM_OK)
        rc = aglm_study_stored_space(store, row.id, &space, &err);
    if (rc == AGLM_OK) {
        o.directions[0] = row.directions[0];
        rc = aglm_study_open(&study, store, argv[2], space, &o, &err);
    }
    if (rc == AGLM_OK)
        rc = aglm_study_regret_bound(study, &bound, &error, &err);
    if (rc == AGLM_OK)
        printf("%.17g %.17g\n", bound, error);
    else
        fprintf(stderr, "regret: %s\n", err.msg);
    aglm_study_close(study);
    aglm_space_free(space);
    aglm_store_close(store);
    return rc != AGLM_OK;
}
