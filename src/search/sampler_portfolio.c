#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "search/front.h"
#include "search/sampler.h"

#define MAX_MEMBERS 16
#define MAX_LIST (1u << 16)
#define MAX_TRIALS (1u << 26)
#define WINDOW 100
#define EXPLORATION 0.01
#define FLOOR 4 /* of an even share, one part in so many is everybody's */
#define NOBODY UINT8_MAX

struct member {
    const aglm_sampler_ops *ops;
    void *self;
    char *label; /* its text in the list, as JSON */
};

struct portfolio {
    const aglm_history *history;
    size_t n;
    struct member members[MAX_MEMBERS];
    uint8_t *proposer; /* [n_known] member of each trial, NOBODY */
    size_t n_known, cap;
    bool passed[MAX_MEMBERS]; /* in this question, had nothing left */
    bool busy;                /* it goes on, with the member that was asked last */
    size_t asked;
    aglm_attr_row notes[AGLM_SAMPLER_MAX_NOTES];
    size_t n_notes;
};

/* A member's part in the window. */
struct account {
    size_t trials;   /* running ones too */
    size_t finished; /* k */
    double sum;      /* of i V[i] */
};

/* ---- members ---- */

static void portfolio_close(void *self)
{
    struct portfolio *p = self;

    for (size_t i = 0; i < p->n; i++) {
        if (p->members[i].self)
            p->members[i].ops->close(p->members[i].self);
        free(p->members[i].label);
    }
    free(p->proposer);
    free(p);
}

static char *json_text(const char *text)
{
    aglm_json_writer w;
    aglm_str s;

    aglm_str_init(&s, MAX_LIST);
    aglm_json_writer_init(&w, &s);
    aglm_json_put_text(&w, text);
    char *label = aglm_str_take(&s);
    aglm_str_clear(&s);
    return label;
}

static aglm_rc check_member(const struct portfolio *p, const struct member *m, const char *text,
                            aglm_error *err)
{
    size_t objectives = aglm_history_objectives(p->history);

    if (objectives > 1 && !m->ops->several)
        return aglm_error_set(err, AGLM_UNSUPPORTED,
                              "portfolio: %.60s is for one objective, not %zu: leave it out", text,
                              objectives);
    if (m->ops == &aglm_sampler_portfolio)
        return aglm_error_set(err, AGLM_INVALID, "a portfolio cannot be its own member");
    for (size_t i = 0; i < p->n; i++) {
        if (strcmp(p->members[i].label, m->label) == 0)
            return aglm_error_set(err, AGLM_INVALID, "portfolio: %.60s is there twice", text);
    }
    return AGLM_OK;
}

static aglm_rc add_member(struct portfolio *p, const char *text, aglm_sampler_options options,
                          uint64_t seed, aglm_error *err)
{
    struct member m = {0};

    if (p->n == MAX_MEMBERS)
        return aglm_error_set(err, AGLM_LIMIT, "a portfolio has at most %d members", MAX_MEMBERS);
    aglm_rc rc = aglm_sampler_parse(text, &m.ops, &options, err);
    if (rc != AGLM_OK) {
        aglm_error_prefix(err, "portfolio");
        return rc;
    }
    m.label = json_text(text);
    if (!m.label)
        return aglm_error_set(err, AGLM_NOMEM, "out of memory for a portfolio");
    rc = check_member(p, &m, text, err);
    if (rc == AGLM_OK)
        rc = m.ops->open(&m.self, p->history, &options, seed, err);
    if (rc != AGLM_OK) {
        free(m.label);
        return rc;
    }
    p->members[p->n++] = m;
    return AGLM_OK;
}

/* Cuts the list in place. */
static aglm_rc add_members(struct portfolio *p, char *list, const aglm_sampler_options *options,
                           uint64_t seed, aglm_error *err)
{
    aglm_rc rc = AGLM_OK;

    for (char *text = list, *next; rc == AGLM_OK && text; text = next) {
        char *comma = strncmp(text, "cmd:", 4) == 0 ? NULL : strchr(text, ',');
        next = comma ? comma + 1 : NULL;
        if (comma)
            *comma = '\0';
        rc = add_member(p, text, *options, seed, err);
    }
    return rc;
}

static aglm_rc portfolio_open(void **self, const aglm_history *history,
                              const aglm_sampler_options *options, uint64_t seed, aglm_error *err)
{
    bool several = aglm_history_objectives(history) > 1;
    const char *text = options->detail ? options->detail : several ? "tpe,nsga2" : "gp,tpe,cmaes";
    struct portfolio *p = calloc(1, sizeof *p);
    char *list = aglm_strndup(text, strlen(text));
    aglm_rc rc = AGLM_NOMEM;

    *self = p;
    if (p && list) {
        p->history = history;
        rc = add_members(p, list, options, seed, err);
    } else {
        aglm_error_set(err, rc, "out of memory for a portfolio");
    }
    free(list);
    if (rc != AGLM_OK && p) {
        portfolio_close(p);
        *self = NULL;
    }
    return rc;
}

/* ---- who proposed what ---- */

static uint8_t proposer_of(const struct portfolio *p, const aglm_trial *t)
{
    const char *label = aglm_trial_attr(t, AGLM_ATTR_STRATEGY, false);

    for (size_t i = 0; label && i < p->n; i++) {
        if (strcmp(p->members[i].label, label) == 0)
            return (uint8_t)i;
    }
    return NOBODY;
}

/* Attributes of a trial that are read here are written with its point, so they are read once. */
static aglm_rc know_trials(struct portfolio *p, aglm_error *err)
{
    size_t n = aglm_history_size(p->history);
    aglm_rc rc = aglm_grow(&p->proposer, &p->cap, n, sizeof *p->proposer, MAX_TRIALS);

    if (rc != AGLM_OK)
        return aglm_error_set(err, rc, "a portfolio: %s", aglm_rc_text(rc));
    for (; p->n_known < n; p->n_known++)
        p->proposer[p->n_known] = proposer_of(p, aglm_history_trial(p->history, p->n_known));
    return AGLM_OK;
}

static void settle_account(struct account *a, const aglm_trial *t, bool gain)
{
    a->trials++;
    if (!aglm_trial_finished(t))
        return;
    a->finished++;
    if (gain && !aglm_trial_attr(t, AGLM_ATTR_STRATEGY_ERROR, false))
        a->sum += (double)a->finished;
}

/* ---- gains ---- */

/* What the trials so far have reached, to tell whether the next one gains. */
struct reached {
    const double *signs;
    size_t m;
    const aglm_trial *best; /* of one objective; of several the least violation */
    double *front;          /* [n_front][m] losses of several objectives */
    size_t n_front, cap;
};

static bool as_good(const double *a, const double *b, size_t m)
{
    for (size_t i = 0; i < m; i++) {
        if (!(a[i] <= b[i]))
            return false;
    }
    return true;
}

/* Does the point add to the volume that the front dominates? Then it joins the front. */
static aglm_rc extend_front(struct reached *r, const aglm_trial *t, bool *gain)
{
    double losses[AGLM_STORE_MAX_OBJECTIVES];
    size_t row = r->m * sizeof *losses;
    size_t kept = 0;

    aglm_trial_losses(t, r->signs, r->m, losses);
    for (size_t i = 0; i < r->n_front; i++) {
        if (as_good(r->front + i * r->m, losses, r->m))
            return AGLM_OK;
    }
    for (size_t i = 0; i < r->n_front; i++) {
        if (!as_good(losses, r->front + i * r->m, r->m))
            memmove(r->front + kept++ * r->m, r->front + i * r->m, row);
    }
    aglm_rc rc = aglm_grow(&r->front, &r->cap, (kept + 1) * r->m, sizeof *r->front,
                           (size_t)MAX_TRIALS * AGLM_STORE_MAX_OBJECTIVES);
    if (rc != AGLM_OK)
        return rc;
    memcpy(r->front + kept * r->m, losses, row);
    r->n_front = kept + 1;
    *gain = true;
    return AGLM_OK;
}

/* The first one is nobody's merit. */
static aglm_rc take_trial(struct reached *r, const aglm_trial *t, bool *gain)
{
    bool first = !r->best;
    aglm_rc rc = AGLM_OK;

    *gain = false;
    if (t->state != AGLM_TRIAL_COMPLETE || t->n_values != r->m)
        return AGLM_OK;
    if (r->m > 1 && aglm_trial_feasible(t, r->m))
        rc = extend_front(r, t, gain);
    else if (r->m == 1 || r->n_front == 0)
        *gain = first ||
                (r->m == 1 ? aglm_trial_better(t, r->best) : t->violation < r->best->violation);
    if (*gain)
        r->best = t;
    *gain = *gain && !first;
    return rc;
}

/* *in_all: the number of trials in the window. */
static aglm_rc settle_accounts(const struct portfolio *p, struct account *accounts, size_t *in_all)
{
    struct reached r = {.signs = aglm_history_signs(p->history),
                        .m = aglm_history_objectives(p->history)};
    size_t proposed = 0;
    size_t seen = 0;
    aglm_rc rc = AGLM_OK;

    for (size_t i = 0; i < p->n_known; i++)
        proposed += p->proposer[i] != NOBODY;
    for (size_t i = 0; rc == AGLM_OK && i < p->n_known; i++) {
        const aglm_trial *t = aglm_history_trial(p->history, i);
        bool gain;
        rc = take_trial(&r, t, &gain);
        if (p->proposer[i] != NOBODY && seen++ + WINDOW >= proposed)
            settle_account(&accounts[p->proposer[i]], t, gain);
    }
    free(r.front);
    *in_all = proposed < WINDOW ? proposed : WINDOW;
    return rc;
}

/* ---- who is asked ---- */

static double credit(const struct account *a, size_t in_all)
{
    double k = (double)a->finished;
    double auc = a->finished ? 2.0 * a->sum / (k * (k + 1.0)) : 0.0;

    return auc + EXPLORATION * sqrt(2.0 * log2((double)in_all) / (double)a->trials);
}

/* The member to ask, among those that are not passed over; n when there is none. */
static size_t choose(const struct portfolio *p, const struct account *accounts, size_t in_all)
{
    size_t best = p->n;
    size_t least = p->n;

    for (size_t i = 0; i < p->n; i++) {
        if (p->passed[i])
            continue;
        if (least == p->n || accounts[i].trials < accounts[least].trials)
            least = i;
    }
    if (least == p->n || accounts[least].trials * FLOOR * p->n <= in_all ||
        accounts[least].trials == 0)
        return least;
    for (size_t i = 0; i < p->n; i++) {
        if (!p->passed[i] &&
            (best == p->n || credit(&accounts[i], in_all) > credit(&accounts[best], in_all)))
            best = i;
    }
    return best;
}

static void take_notes(struct portfolio *p, const struct member *m)
{
    const aglm_attr_row *more = NULL;
    size_t n = m->ops->notes ? m->ops->notes(m->self, &more) : 0;

    p->notes[0] = (aglm_attr_row){.key = AGLM_ATTR_STRATEGY, .json = m->label};
    p->n_notes = 1;
    for (size_t i = 0; i < n && p->n_notes < AGLM_SAMPLER_MAX_NOTES; i++)
        p->notes[p->n_notes++] = more[i];
}

/* AGLM_DONE: all are passed over. */
static aglm_rc choose_member(struct portfolio *p, aglm_error *err)
{
    struct account accounts[MAX_MEMBERS] = {0};
    size_t in_all;
    aglm_rc rc = know_trials(p, err);

    if (rc != AGLM_OK)
        return rc;
    rc = settle_accounts(p, accounts, &in_all);
    if (rc != AGLM_OK)
        return aglm_error_set(err, rc, "a portfolio: %s", aglm_rc_text(rc));
    p->asked = choose(p, accounts, in_all);
    return p->asked < p->n ? AGLM_OK : AGLM_DONE;
}

static aglm_rc portfolio_ask(void *self, int64_t number, double *x, aglm_error *err)
{
    struct portfolio *p = self;
    aglm_rc rc = AGLM_OK;

    if (!p->busy) {
        memset(p->passed, 0, sizeof p->passed);
        rc = choose_member(p, err);
    }
    while (rc == AGLM_OK) {
        struct member *m = &p->members[p->asked];
        rc = m->ops->ask(m->self, number, x, err);
        p->busy = rc == AGLM_BUSY && m->ops->wait;
        if (rc == AGLM_OK)
            take_notes(p, m);
        if (rc != AGLM_DONE)
            return rc;
        p->passed[p->asked] = true;
        rc = choose_member(p, err);
    }
    return rc;
}

static void portfolio_wait(void *self)
{
    struct portfolio *p = self;
    const struct member *m = &p->members[p->asked];

    m->ops->wait(m->self);
}

static aglm_rc portfolio_tell(void *self, const aglm_trial *t, aglm_error *err)
{
    struct portfolio *p = self;
    aglm_rc rc = AGLM_OK;

    for (size_t i = 0; rc == AGLM_OK && i < p->n; i++) {
        const struct member *m = &p->members[i];
        if (m->ops->tell)
            rc = m->ops->tell(m->self, t, err);
    }
    return rc;
}

static size_t portfolio_notes(void *self, const aglm_attr_row **out)
{
    struct portfolio *p = self;

    *out = p->notes;
    return p->n_notes;
}

const aglm_sampler_ops aglm_sampler_portfolio = {
    .name = "portfolio",
    .several = true,
    .open = portfolio_open,
    .ask = portfolio_ask,
    .wait = portfolio_wait,
    .tell = portfolio_tell,
    .notes = portfolio_notes,
    .close = portfolio_close,
};
