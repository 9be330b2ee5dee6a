#include "lm/runtime.h"

#include <math.h>
#include <stdlib.h>

#include "lm/runtime_priv.h"

#define MAX_LIMIT_S 1e9

void aglm_decoding_init(aglm_decoding *d)
{
    *d = (aglm_decoding){.top_p = 1,
                         .typical_p = 1,
                         .repetition_penalty = 1,
                         .penalty_last_n = 64,
                         .max_tokens = 256};
}

static aglm_rc check(const char *name, double v, double low, double high, aglm_error *err)
{
    if (v >= low && v <= high)
        return AGLM_OK;
    return aglm_error_set(err, AGLM_INVALID, "%s is %g: it must lie within %g and %g", name, v, low,
                          high);
}

aglm_rc aglm_decoding_check(const aglm_decoding *d, aglm_error *err)
{
    const struct {
        const char *name;
        double v, low, high;
    } members[] = {
        {"temperature", d->temperature, 0, 100},
        {"top_k", (double)d->top_k, 0, 1e6},
        {"top_p", d->top_p, 0, 1},
        {"min_p", d->min_p, 0, 1},
        {"typical_p", d->typical_p, 0, 1},
        {"repetition_penalty", d->repetition_penalty, 0, 10},
        {"presence_penalty", d->presence_penalty, -10, 10},
        {"frequency_penalty", d->frequency_penalty, -10, 10},
        {"penalty_last_n", (double)d->penalty_last_n, -1, 1e6},
        {"max_tokens", (double)d->max_tokens, 0, 1 << 20},
    };
    aglm_rc rc = AGLM_OK;

    for (size_t i = 0; rc == AGLM_OK && i < sizeof members / sizeof *members; i++)
        rc = check(members[i].name, members[i].v, members[i].low, members[i].high, err);
    return rc;
}

const char *aglm_lm_reason_name(aglm_lm_reason r)
{
    static const char *const NAMES[] = {
        [AGLM_LM_STOP] = "stop", [AGLM_LM_LENGTH] = "length", [AGLM_LM_TIME] = "time"};

    return NAMES[r];
}

void aglm_lm_answer_init(aglm_lm_answer *a)
{
    *a = (aglm_lm_answer){.log_prob = NAN};
    aglm_str_init(&a->text, AGLM_LM_MAX_TEXT);
}

void aglm_lm_answer_clear(aglm_lm_answer *a)
{
    aglm_str_clear(&a->text);
}

void aglm_lm_close(aglm_lm *lm)
{
    if (lm)
        lm->ops->close(lm);
}

static aglm_rc no_such(const aglm_lm *lm, const char *what, aglm_error *err)
{
    return aglm_error_set(err, AGLM_UNSUPPORTED, "a %s model cannot %s", lm->ops->kind, what);
}

aglm_rc aglm_lm_tokenize(aglm_lm *lm, const char *text, size_t len, bool first, aglm_lm_tokens *out,
                         aglm_error *err)
{
    *out = (aglm_lm_tokens){0};
    return lm->ops->tokenize ? lm->ops->tokenize(lm, text, len, first, out, err)
                             : no_such(lm, "tokenize", err);
}

void aglm_lm_fit_decoding(const aglm_lm *lm, aglm_decoding *d)
{
    if (lm->ops->fit)
        lm->ops->fit(lm, d);
}

aglm_rc aglm_lm_generate(aglm_lm *lm, const aglm_lm_request *r, aglm_lm_answer *out,
                         aglm_error *err)
{
    aglm_rc rc = aglm_decoding_check(r->decoding, err);

    aglm_str_reset(&out->text);
    if (rc == AGLM_OK && !(r->limit_s <= MAX_LIMIT_S))
        rc = aglm_error_set(err, AGLM_INVALID, "the limit is %g s: at most %g are taken",
                            r->limit_s, MAX_LIMIT_S);
    if (rc == AGLM_OK && r->n_messages > 0 && !lm->ops->takes_messages)
        rc = no_such(lm, "take messages: give it what its template makes of them", err);
    return rc == AGLM_OK ? lm->ops->generate(lm, r, out, err) : rc;
}

aglm_rc aglm_lm_score(aglm_lm *lm, const aglm_lm_scoring *s, double *scores, int64_t *tokens,
                      aglm_error *err)
{
    return lm->ops->score ? lm->ops->score(lm, s, scores, tokens, err)
                          : no_such(lm, "score answers", err);
}

aglm_rc aglm_lm_embed(aglm_lm *lm, const char *const *texts, size_t n, float *out, aglm_error *err)
{
    return lm->ops->embed ? lm->ops->embed(lm, texts, n, out, err) : no_such(lm, "embed", err);
}

aglm_rc aglm_lm_states(aglm_lm *lm, const aglm_lm_reading *r, float *out, aglm_error *err)
{
    return lm->ops->states ? lm->ops->states(lm, r, out, err)
                           : no_such(lm, "show its hidden states", err);
}
