#include "tune/finalist.h"

#include <string.h>

void aglm_finalists_init(aglm_finalists *f, size_t cap, bool maximize)
{
    memset(f, 0, sizeof *f);
    f->cap = cap < AGLM_FINALISTS_MAX ? cap : AGLM_FINALISTS_MAX;
    f->maximize = maximize;
}

void aglm_finalists_clear(aglm_finalists *f)
{
    for (size_t i = 0; i < f->n; i++)
        aglm_outcome_clear(&f->items[i].outcome);
    f->n = 0;
}

static bool is_better(const aglm_finalists *f, double value, int64_t number,
                      const aglm_finalist *than)
{
    double other = than->outcome.value;

    if (value != other)
        return f->maximize ? value > other : value < other;
    return number < than->number;
}

#define OF_ONE_KIND 2

static size_t same_kind(const aglm_finalists *f, size_t i)
{
    size_t same = 0;

    for (size_t k = 0; k < f->n; k++)
        same += f->items[k].candidate.kind == f->items[i].candidate.kind;
    return same;
}

static size_t same_learner(const aglm_finalists *f, size_t i)
{
    size_t same = 0;

    for (size_t k = 0; k < f->n; k++)
        same += f->items[k].candidate.learner == f->items[i].candidate.learner;
    return same;
}

/* The one that leaves when there is one too many: the worst of a kind that holds more than its
 * share, then the worst of such a learner, else the worst. */
static size_t loser(const aglm_finalists *f)
{
    for (size_t i = f->n; i-- > 0;)
        if (same_kind(f, i) > OF_ONE_KIND)
            return i;
    for (size_t i = f->n; i-- > 0;)
        if (same_learner(f, i) > (f->cap + 1) / 2)
            return i;
    return f->n - 1;
}

static void drop(aglm_finalists *f, size_t i)
{
    aglm_outcome_clear(&f->items[i].outcome);
    f->n--;
    memmove(&f->items[i], &f->items[i + 1], (f->n - i) * sizeof *f->items);
}

static void drop_model(aglm_outcome *o)
{
    aglm_model_free(o->model);
    o->model = NULL;
}

bool aglm_finalists_offer(aglm_finalists *f, int64_t number, const aglm_candidate *c,
                          aglm_outcome *o)
{
    size_t at = 0;

    while (at < f->n && !is_better(f, o->value, number, &f->items[at]))
        at++;
    memmove(&f->items[at + 1], &f->items[at], (f->n - at) * sizeof *f->items);
    f->items[at] = (aglm_finalist){.number = number, .candidate = *c, .outcome = *o};
    memset(o, 0, sizeof *o);
    if (++f->n > f->cap)
        drop(f, loser(f));
    for (size_t i = 1; i < f->n; i++)
        drop_model(&f->items[i].outcome);
    return f->items[0].number == number;
}
