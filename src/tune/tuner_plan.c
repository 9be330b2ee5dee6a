#include <math.h>
#include <stdio.h>
#include <string.h>

#include "lm/head.h"
#include "search/space_text.h"
#include "tune/tuner_priv.h"

static const char DEFAULT_SPACE[] = "lr=loguniform(1e-5,1e-3) batch_size=choice(16,32,64) "
                                    "epochs=logint(2,60) weight_decay=loguniform(1e-4,1) "
                                    "dropout=uniform(0,0.5) hidden=choice(0,32,128) "
                                    "depth=choice(\"1/4\",\"1/2\",\"5/8\",\"3/4\",\"7/8\",\"1\") "
                                    "pooling=choice(mean,last,both)";

const char *aglm_tuner_default_space(void)
{
    return DEFAULT_SPACE;
}

/* The text of a value, as the head's choices are written: 16, 1/4, mean. */
static void text_of(const aglm_dist *d, double v, char *out, size_t size)
{
    const aglm_choice *c = d->kind == AGLM_DIST_CHOICE ? &d->choices[(size_t)v] : NULL;

    if (c && c->kind == AGLM_CHOICE_TEXT)
        snprintf(out, size, "%s", c->text);
    else
        snprintf(out, size, "%.17g", c ? c->number : v);
}

/* The index of a choice, -1: there is none. */
static int find_choice(const aglm_hparam *h, const char *text)
{
    for (size_t i = 0; i < h->n_choices; i++)
        if (strcmp(h->choices[i], text) == 0)
            return (int)i;
    return -1;
}

static double value_of(const aglm_hparam *h, const aglm_dist *d, double v)
{
    char text[64];

    if (h->kind != AGLM_HPARAM_CHOICE)
        return d->kind == AGLM_DIST_CHOICE ? d->choices[(size_t)v].number : v;
    text_of(d, v, text, sizeof text);
    return find_choice(h, text);
}

static aglm_rc not_a_choice(const aglm_hparam *h, const char *text, aglm_error *err)
{
    char names[128] = "";
    size_t used = 0;

    for (size_t i = 0; i < h->n_choices && used < sizeof names; i++)
        used += (size_t)snprintf(names + used, sizeof names - used, "%s%s", i ? ", " : "",
                                 h->choices[i]);
    return aglm_error_set(err, AGLM_INVALID,
                          "%s: %.40s is none of %s; give some of them as %s=choice(...)", h->name,
                          text, names, h->name);
}

static aglm_rc check_choices(const aglm_hparam *h, const aglm_dist *d, aglm_error *err)
{
    char text[64];

    if (h->kind == AGLM_HPARAM_CHOICE && d->kind != AGLM_DIST_CHOICE)
        return not_a_choice(h, "a range", err);
    for (size_t i = 0; d->kind == AGLM_DIST_CHOICE && i < d->n_choices; i++) {
        bool is_number = d->choices[i].kind == AGLM_CHOICE_INT ||
                         d->choices[i].kind == AGLM_CHOICE_FLOAT;
        text_of(d, (double)i, text, sizeof text);
        if (h->kind == AGLM_HPARAM_CHOICE && find_choice(h, text) < 0)
            return not_a_choice(h, text, err);
        if (h->kind != AGLM_HPARAM_CHOICE && !is_number)
            return aglm_error_set(err, AGLM_INVALID, "%s: expected numbers, found \"%s\"", h->name,
                                  text);
    }
    return AGLM_OK;
}

static aglm_rc unknown(const aglm_tuner_plan *p, const char *name, aglm_error *err)
{
    char names[256] = "";
    size_t used = 0;

    for (size_t i = 0; i < p->n && used < sizeof names; i++)
        used += (size_t)snprintf(names + used, sizeof names - used, "%s%s", i ? ", " : "",
                                 p->params[i].name);
    return aglm_error_set(err, AGLM_INVALID, "the head has no parameter \"%.60s\"; it has %s", name,
                          names);
}

static aglm_rc match(aglm_tuner_plan *p, aglm_error *err)
{
    for (size_t s = 0; s < p->space->n; s++) {
        size_t i = 0;
        while (i < p->n && strcmp(p->params[i].name, p->space->params[s].name) != 0)
            i++;
        if (i == p->n)
            return unknown(p, p->space->params[s].name, err);
        aglm_rc rc = check_choices(&p->params[i], &p->space->params[s].dist, err);
        if (rc != AGLM_OK)
            return rc;
        p->at[i] = (int)s;
    }
    return AGLM_OK;
}

aglm_rc aglm_tuner_plan_init(aglm_tuner_plan *p, const char *space, aglm_error *err)
{
    const aglm_data_shape shape = {.language_model = true};

    *p = (aglm_tuner_plan){.n = 0};
    p->n = aglm_learner_head.space(&shape, p->params);
    for (size_t i = 0; i < p->n; i++)
        p->at[i] = -1;
    aglm_rc rc = aglm_space_new(&p->space, err);
    if (rc == AGLM_OK)
        rc = aglm_space_parse(p->space, space, strlen(space), err);
    if (rc == AGLM_OK)
        rc = match(p, err);
    if (rc != AGLM_OK)
        aglm_error_prefix(err, "space");
    return rc;
}

void aglm_tuner_plan_clear(aglm_tuner_plan *p)
{
    aglm_space_free(p->space);
    p->space = NULL;
}

void aglm_tuner_plan_values(const aglm_tuner_plan *p, const double *x, double *values)
{
    for (size_t i = 0; i < p->n; i++) {
        bool is_set = p->at[i] >= 0 && !isnan(x[p->at[i]]);
        values[i] = is_set ? value_of(&p->params[i], &p->space->params[p->at[i]].dist, x[p->at[i]])
                           : p->params[i].start;
    }
}

/* The choice that means what the learner starts with; the first one where none does. */
static double start_choice(const aglm_hparam *h, const aglm_dist *d)
{
    for (size_t i = 0; i < d->n_choices; i++)
        if (value_of(h, d, (double)i) == h->start)
            return (double)i;
    return 0;
}

void aglm_tuner_plan_start(const aglm_tuner_plan *p, double *x)
{
    for (size_t i = 0; i < p->n; i++) {
        if (p->at[i] < 0)
            continue;
        const aglm_dist *d = &p->space->params[p->at[i]].dist;
        x[p->at[i]] = d->kind == AGLM_DIST_CHOICE
                          ? start_choice(&p->params[i], d)
                          : aglm_dist_snap(d, fmin(d->high, fmax(d->low, p->params[i].start)));
    }
    aglm_space_settle(p->space, x);
}
