#include "tune/answer_sheet.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/memory.h"
#include "base/rng.h"
#include "num/stats.h"

#define ROUNDS 1000
#define WRITTEN_PRICE 4 /* tokens read in the time of one written */

aglm_rc aglm_answer_sheet_init(aglm_answer_sheet *s, aglm_text_metric metric, size_t cap,
                               aglm_error *err)
{
    *s = (aglm_answer_sheet){.metric = metric, .cap = cap};
    s->each = aglm_calloc(cap + 1, sizeof *s->each);
    s->seconds = aglm_calloc(cap + 1, sizeof *s->seconds);
    return s->each && s->seconds
               ? AGLM_OK
               : aglm_error_set(err, AGLM_NOMEM, "no memory for %zu answers", cap);
}

void aglm_answer_sheet_clear(aglm_answer_sheet *s)
{
    free(s->each);
    free(s->seconds);
    *s = (aglm_answer_sheet){0};
}

aglm_rc aglm_answer_sheet_add(aglm_answer_sheet *s, aglm_asker *k, const aglm_example *e,
                              aglm_error *err)
{
    aglm_lm_answer answer;
    uint64_t start = aglm_clock_ns();

    aglm_lm_answer_init(&answer);
    aglm_rc rc = aglm_asker_ask(k, e->field, &answer, err);
    if (rc == AGLM_LIMIT) {
        aglm_lm_answer_clear(&answer);
        aglm_lm_answer_init(&answer);
        rc = AGLM_OK;
    }
    const aglm_text_answer said = {
        .text = answer.text.data, .len = answer.text.len, .refs = e->refs, .n_refs = e->n_refs};
    if (rc == AGLM_OK)
        rc = aglm_text_count(&s->each[s->n], s->metric, &said, err);
    if (rc == AGLM_OK) {
        aglm_text_add(&s->sum, &s->each[s->n]);
        s->tokens_read += (double)(answer.prompt_tokens - answer.prefix_tokens);
        s->tokens_written += (double)answer.tokens;
        s->seconds[s->n++] = aglm_clock_since_s(start);
    }
    aglm_lm_answer_clear(&answer);
    return rc;
}

double aglm_answer_sheet_value(const aglm_answer_sheet *s)
{
    return aglm_text_value(s->metric, &s->sum, false);
}

double aglm_answer_sheet_error(const aglm_answer_sheet *s)
{
    double sum = 0, squares = 0, n = (double)s->n;

    for (size_t i = 0; i < s->n; i++) {
        double v = aglm_text_value(s->metric, &s->each[i], true);
        sum += v;
        squares += v * v;
    }
    return s->n < 2 ? 0 : sqrt(fmax(0, (squares - sum * sum / n) / (n - 1)) / n);
}

double aglm_answer_sheet_cost(const aglm_answer_sheet *s)
{
    return s->n ? (s->tokens_read + WRITTEN_PRICE * s->tokens_written) / (double)s->n : 0;
}

double aglm_answer_sheet_mean_s(const aglm_answer_sheet *s)
{
    return aglm_mean(s->seconds, s->n);
}

double aglm_answer_sheet_p95_s(const aglm_answer_sheet *s)
{
    double *sorted = aglm_calloc(s->n + 1, sizeof *sorted);
    double p95 = NAN;

    if (sorted && s->n) {
        memcpy(sorted, s->seconds, s->n * sizeof *sorted);
        aglm_sort_doubles(sorted, s->n);
        p95 = aglm_quantile(sorted, s->n, 0.95);
    }
    free(sorted);
    return p95;
}

aglm_rc aglm_answer_sheet_interval(const aglm_answer_sheet *s, uint64_t seed, aglm_interval *out,
                                   aglm_error *err)
{
    double *values = aglm_calloc(ROUNDS, sizeof *values);
    aglm_rng rng;

    if (!values)
        return aglm_error_set(err, AGLM_NOMEM, "no memory for %d resamples", ROUNDS);
    aglm_rng_init(&rng, seed);
    for (size_t r = 0; r < ROUNDS; r++) {
        aglm_text_counts sum = {0};
        for (size_t i = 0; i < s->n; i++)
            aglm_text_add(&sum, &s->each[aglm_rng_below(&rng, s->n)]);
        values[r] = aglm_text_value(s->metric, &sum, false);
    }
    aglm_sort_doubles(values, ROUNDS);
    out->low = aglm_quantile(values, ROUNDS, 0.025);
    out->high = aglm_quantile(values, ROUNDS, 0.975);
    free(values);
    return AGLM_OK;
}
