#include "search/tpe_split.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "num/hypervolume.h"
#include "num/pareto.h"
#include "search/front.h"

#define MAX_TRIALS (1u << 24)
#define GOOD_MAX 25 /* of one objective */
#define NO_ZERO 1e-12

enum { CLASS_FEASIBLE, CLASS_PRUNED, CLASS_INFEASIBLE };

struct aglm_tpe_split {
    const aglm_history *history;
    size_t m;         /* objectives */
    uint32_t *ranked; /* best first; with several objectives feasible ones in any order */
    size_t n;
    size_t cap;
    size_t n_feasible;
    uint32_t *good; /* several objectives */
    size_t good_cap;
};

aglm_rc aglm_tpe_split_new(aglm_tpe_split **out, const aglm_history *history, aglm_error *err)
{
    aglm_tpe_split *s = calloc(1, sizeof *s);

    *out = s;
    if (!s)
        return aglm_error_set(err, AGLM_NOMEM, "out of memory for a sampler");
    s->history = history;
    s->m = aglm_history_objectives(history);
    return AGLM_OK;
}

void aglm_tpe_split_free(aglm_tpe_split *s)
{
    if (!s)
        return;
    free(s->ranked);
    free(s->good);
    free(s);
}

static int class_of(const aglm_trial *t)
{
    if (t->violation > 0.0)
        return CLASS_INFEASIBLE;
    return t->state == AGLM_TRIAL_PRUNED ? CLASS_PRUNED : CLASS_FEASIBLE;
}

/* Pruned trials without a report come last. */
static void rank_key(const aglm_tpe_split *s, const aglm_trial *t, double key[2])
{
    key[0] = s->m > 1 ? 0.0 : t->loss;
    key[1] = 0.0;
    if (t->violation > 0.0) {
        key[0] = t->violation;
    } else if (t->state == AGLM_TRIAL_PRUNED && t->n_steps == 0) {
        key[0] = 1.0;
    } else if (t->state == AGLM_TRIAL_PRUNED) {
        const aglm_step_row *last = &t->steps[t->n_steps - 1];
        double loss = aglm_history_sign(s->history) * last->value;
        key[0] = -(double)last->step;
        key[1] = isnan(loss) ? INFINITY : loss;
    }
}

static bool ranks_before(const aglm_tpe_split *s, const aglm_trial *a, const aglm_trial *b)
{
    int class_a = class_of(a);
    int class_b = class_of(b);
    double key_a[2];
    double key_b[2];

    if (class_a != class_b)
        return class_a < class_b;
    rank_key(s, a, key_a);
    rank_key(s, b, key_b);
    if (key_a[0] != key_b[0])
        return key_a[0] < key_b[0];
    if (key_a[1] != key_b[1])
        return key_a[1] < key_b[1];
    return a->number < b->number;
}

aglm_rc aglm_tpe_split_add(aglm_tpe_split *s, const aglm_trial *t, aglm_error *err)
{
    size_t low = 0;
    size_t high = s->n;
    aglm_rc rc = aglm_grow(&s->ranked, &s->cap, s->n + 1, sizeof *s->ranked, MAX_TRIALS);

    if (rc != AGLM_OK)
        return aglm_error_set(err, rc, "tpe, trial %lld: %s", (long long)t->number,
                              aglm_rc_text(rc));
    while (low < high) {
        size_t mid = low + (high - low) / 2;
        if (ranks_before(s, aglm_history_trial(s->history, s->ranked[mid]), t))
            low = mid + 1;
        else
            high = mid;
    }
    memmove(s->ranked + low + 1, s->ranked + low, (s->n - low) * sizeof *s->ranked);
    s->ranked[low] = (uint32_t)t->number;
    s->n++;
    s->n_feasible += class_of(t) == CLASS_FEASIBLE;
    return AGLM_OK;
}

/* Scratch memory of one choice among n feasible trials. */
struct choice {
    double *losses; /* [n][m] */
    double *last;   /* of those on the front that is not taken whole */
    uint32_t *rank;
    uint32_t *member; /* trials of that front */
    uint32_t *chosen;
};

static aglm_rc choice_init(struct choice *c, size_t n, size_t m)
{
    c->losses = aglm_calloc(n, m * sizeof *c->losses);
    c->last = aglm_calloc(n, m * sizeof *c->last);
    c->rank = aglm_calloc(n, sizeof *c->rank);
    c->member = aglm_calloc(n, sizeof *c->member);
    c->chosen = aglm_calloc(n, sizeof *c->chosen);
    return c->losses && c->last && c->rank && c->member && c->chosen ? AGLM_OK : AGLM_NOMEM;
}

static void choice_clear(struct choice *c)
{
    free(c->losses);
    free(c->last);
    free(c->rank);
    free(c->member);
    free(c->chosen);
}

/* A tenth beyond the worst value of each objective. */
static void set_reference(const double *losses, size_t n, size_t m, double *reference)
{
    for (size_t c = 0; c < m; c++) {
        double worst = -INFINITY;
        for (size_t i = 0; i < n; i++)
            worst = fmax(worst, losses[i * m + c]);
        reference[c] = fmax(1.1 * worst, 0.9 * worst);
        if (reference[c] == 0.0)
            reference[c] = NO_ZERO;
    }
}

/* Trials of one rank, with their losses side by side in c->last. */
static size_t gather(const aglm_tpe_split *s, struct choice *c, uint32_t rank)
{
    size_t n = 0;

    for (size_t i = 0; i < s->n_feasible; i++) {
        if (c->rank[i] != rank)
            continue;
        memcpy(c->last + n * s->m, c->losses + i * s->m, s->m * sizeof *c->last);
        c->member[n++] = s->ranked[i];
    }
    return n;
}

/* k <= n_feasible of the feasible trials into s->good. */
static aglm_rc choose(aglm_tpe_split *s, struct choice *c, size_t k)
{
    double reference[AGLM_STORE_MAX_OBJECTIVES];
    size_t taken = 0;
    aglm_rc rc = aglm_pareto_ranks(c->losses, s->n_feasible, s->m, SIZE_MAX, c->rank);

    for (uint32_t rank = 0; rc == AGLM_OK && taken < k; rank++) {
        size_t n = gather(s, c, rank);
        size_t part = n < k - taken ? n : k - taken;
        for (size_t i = 0; i < part; i++)
            c->chosen[i] = (uint32_t)i;
        if (part < n) {
            set_reference(c->last, n, s->m, reference);
            rc = aglm_hypervolume_subset(c->last, n, s->m, reference, part, c->chosen);
        }
        for (size_t i = 0; rc == AGLM_OK && i < part; i++)
            s->good[taken++] = c->member[c->chosen[i]];
    }
    return rc;
}

static aglm_rc choose_feasible(aglm_tpe_split *s, size_t k)
{
    struct choice c;
    aglm_rc rc = choice_init(&c, s->n_feasible, s->m);

    for (size_t i = 0; rc == AGLM_OK && i < s->n_feasible; i++)
        aglm_trial_losses(aglm_history_trial(s->history, s->ranked[i]),
                          aglm_history_signs(s->history), s->m, c.losses + i * s->m);
    if (rc == AGLM_OK)
        rc = choose(s, &c, k);
    choice_clear(&c);
    return rc;
}

aglm_rc aglm_tpe_split_good(aglm_tpe_split *s, const uint32_t **good, size_t *n, aglm_error *err)
{
    size_t k = (s->n + 9) / 10;

    *n = s->m == 1 && k > GOOD_MAX ? GOOD_MAX : k;
    *good = s->ranked;
    if (s->m == 1 || k == 0)
        return AGLM_OK;
    size_t feasible = k < s->n_feasible ? k : s->n_feasible;
    aglm_rc rc = aglm_grow(&s->good, &s->good_cap, k, sizeof *s->good, MAX_TRIALS);
    if (rc == AGLM_OK)
        rc = choose_feasible(s, feasible);
    if (rc != AGLM_OK)
        return aglm_error_set(err, rc, "tpe, the front of %zu trials: %s", s->n, aglm_rc_text(rc));
    for (size_t i = feasible; i < k; i++)
        s->good[i] = s->ranked[s->n_feasible + i - feasible];
    *good = s->good;
    return AGLM_OK;
}
