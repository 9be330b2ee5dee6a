#include "search/importance.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"

#define TRIALS_MIN 2

static const aglm_importance_ops *const all[] = {
    &aglm_importance_ped_anova,
    &aglm_importance_fanova,
};

const aglm_importance_ops *aglm_importance_find(const char *name)
{
    for (size_t i = 0; i < sizeof all / sizeof *all; i++)
        if (strcmp(all[i]->name, name) == 0)
            return all[i];
    return NULL;
}

static size_t collect(const aglm_importance_source *s, const double **x, double *loss)
{
    size_t n = 0;

    for (size_t i = 0; i < s->n; i++) {
        double v = s->loss ? s->loss[i] : s->trials[i].loss;
        if (s->trials[i].state != AGLM_TRIAL_COMPLETE || !isfinite(v))
            continue;
        x[n] = s->trials[i].x;
        loss[n++] = v;
    }
    return n;
}

static bool appears(const aglm_importance_rows *rows, size_t param)
{
    for (size_t i = 0; i < rows->n; i++)
        if (!isnan(rows->x[i][param]))
            return true;
    return false;
}

static int by_share(const void *a, const void *b)
{
    const aglm_importance *p = a;
    const aglm_importance *q = b;

    if (p->share != q->share)
        return p->share < q->share ? 1 : -1;
    return (p->param > q->param) - (p->param < q->param);
}

static size_t make_shares(const aglm_importance_rows *rows, const double *weight,
                          aglm_importance *out)
{
    double total = 0;
    size_t n = 0;

    for (size_t p = 0; p < rows->space->n; p++) {
        if (!appears(rows, p))
            continue;
        out[n++] = (aglm_importance){rows->space->params[p].name, p, weight[p]};
        total += weight[p];
    }
    for (size_t i = 0; i < n; i++)
        out[i].share = total > 0 ? out[i].share / total : 1.0 / (double)n;
    qsort(out, n, sizeof *out, by_share);
    return n;
}

aglm_rc aglm_importance_rank(const aglm_importance_ops *ops, const aglm_importance_source *source,
                             aglm_importance *out, size_t *n_out, aglm_error *err)
{
    const double **x = aglm_calloc(source->n, sizeof *x);
    double *loss = aglm_calloc(source->n, sizeof *loss);
    double *weight = aglm_calloc(source->space->n, sizeof *weight);
    aglm_rc rc = AGLM_OK;

    *n_out = 0;
    if (!x || !loss || !weight) {
        rc = aglm_error_set(err, AGLM_NOMEM, "out of memory for the importance of parameters");
        goto done;
    }
    aglm_importance_rows rows = {source->space, x, loss, collect(source, x, loss)};
    if (rows.n < TRIALS_MIN)
        goto done;
    rc = ops->weigh(&rows, weight, err);
    if (rc == AGLM_OK)
        *n_out = make_shares(&rows, weight, out);
done:
    free(x);
    free(loss);
    free(weight);
    return rc;
}
