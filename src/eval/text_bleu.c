#include "eval/text_metric_priv.h"

#include <math.h>
#include <string.h>

#include "base/memory.h"

#define ORDERS 4

/* Places in the counts: length said, length wanted, then matches and totals by order. */
enum { SAID, WANTED, MATCHES, TOTALS = MATCHES + ORDERS };

/* The reference nearest in length, the shorter of two equally near. */
static size_t nearest_length(size_t said, const aglm_token_sets *t)
{
    size_t best = t->refs[0].n;

    for (size_t r = 1; r < t->n_refs; r++) {
        size_t n = t->refs[r].n;
        size_t off = n > said ? n - said : said - n;
        size_t best_off = best > said ? best - said : said - best;
        if (off < best_off || (off == best_off && n < best))
            best = n;
    }
    return best;
}

aglm_rc aglm_count_bleu(aglm_text_counts *out, const aglm_text_answer *a, aglm_error *err)
{
    aglm_token_sets t;
    aglm_tokens how = aglm_text_chinese(a) ? AGLM_TOKENS_ZH : AGLM_TOKENS_13A;
    aglm_rc rc = aglm_token_sets_init(&t, a, how, err);

    if (rc == AGLM_OK) {
        out->at[SAID] = (double)t.said.n;
        out->at[WANTED] = (double)nearest_length(t.said.n, &t);
    }
    for (size_t n = 1; n <= ORDERS && rc == AGLM_OK; n++) {
        size_t matches;
        if ((rc = aglm_overlap_ngrams(&matches, &t.said, t.refs, t.n_refs, n)) != AGLM_OK)
            aglm_error_set(err, rc, "out of memory");
        out->at[MATCHES + n - 1] = (double)matches;
        out->at[TOTALS + n - 1] = t.said.n >= n ? (double)(t.said.n - n + 1) : 0;
    }
    aglm_token_sets_clear(&t);
    return rc;
}

/* Exponential smoothing: the i-th order without a match counts 1 / 2^i of one (Chen and Cherry
 * 2014, method 3). */
double aglm_value_bleu(const aglm_text_counts *sum, bool single)
{
    const double *c = sum->at;
    double halves = 1, logs = 0, any = 0;
    int orders = 0;

    for (int n = 0; n < ORDERS; n++)
        any += c[MATCHES + n];
    if (any <= 0)
        return 0;
    for (; orders < ORDERS && c[TOTALS + orders] > 0; orders++) {
        double matches = c[MATCHES + orders];
        if (matches <= 0) {
            halves *= 2;
            matches = 1 / halves;
        }
        logs += log(matches / c[TOTALS + orders]);
    }
    if (orders < ORDERS && !single)
        return 0; /* an order that no answer is long enough for */
    double brevity = c[SAID] < c[WANTED] ? exp(1 - c[WANTED] / c[SAID]) : 1;
    return brevity * exp(logs / orders);
}

aglm_rc aglm_count_chrf(aglm_text_counts *out, const aglm_text_answer *a, aglm_error *err)
{
    _Static_assert(sizeof(aglm_chrf) == sizeof(aglm_text_counts), "the same 18 numbers");
    aglm_symbols said = {0};
    double best = -1;
    aglm_rc rc = aglm_symbols_read(&said, a->text, a->len, false, err);

    for (size_t r = 0; r < a->n_refs && rc == AGLM_OK; r++) {
        aglm_symbols ref = {0};
        aglm_chrf c;
        rc = aglm_symbols_read(&ref, a->refs[r], strlen(a->refs[r]), false, err);
        if (rc == AGLM_OK && (rc = aglm_chrf_count(&c, &said, &ref)) != AGLM_OK)
            aglm_error_set(err, rc, "out of memory");
        if (rc == AGLM_OK && aglm_chrf_score(&c) > best) {
            best = aglm_chrf_score(&c);
            memcpy(out->at, &c, sizeof c);
        }
        aglm_symbols_clear(&ref);
    }
    aglm_symbols_clear(&said);
    return rc;
}

double aglm_value_chrf(const aglm_text_counts *sum, bool single)
{
    aglm_chrf c;

    memcpy(&c, sum->at, sizeof c);
    return aglm_chrf_score(&c);
}
