/* tune/answer_sheet.h - the answers of one prompt, scored one by one.
 * Threads: confined. */
#ifndef AGLM_TUNE_ANSWER_SHEET_H
#define AGLM_TUNE_ANSWER_SHEET_H

#include "eval/score.h"
#include "eval/text_metric.h"
#include "lm/answerer.h"

typedef struct aglm_answer_sheet {
    aglm_text_metric metric;
    aglm_text_counts *each; /* [n] */
    double *seconds;        /* [n] */
    size_t n, cap;
    aglm_text_counts sum;
    double tokens_read; /* of all, but for the prefix that is the same for every question */
    double tokens_written;
} aglm_answer_sheet;

aglm_rc aglm_answer_sheet_init(aglm_answer_sheet *s, aglm_text_metric metric, size_t cap,
                               aglm_error *err);
void aglm_answer_sheet_clear(aglm_answer_sheet *s);

/* Asks and scores; at most cap times. A question that does not fit the model's context counts as
 * wrong. */
aglm_rc aglm_answer_sheet_add(aglm_answer_sheet *s, aglm_asker *k, const aglm_example *e,
                              aglm_error *err);

double aglm_answer_sheet_value(const aglm_answer_sheet *s);
/* The standard error of the mean of the answers' own values; 0 below two. */
double aglm_answer_sheet_error(const aglm_answer_sheet *s);
/* Tokens read and written an answer, those written at the price of four: they come one by one. */
double aglm_answer_sheet_cost(const aglm_answer_sheet *s);
double aglm_answer_sheet_mean_s(const aglm_answer_sheet *s);
double aglm_answer_sheet_p95_s(const aglm_answer_sheet *s);
/* 95 % percentile interval of the value over resamples of the answers (Efron 1979). */
aglm_rc aglm_answer_sheet_interval(const aglm_answer_sheet *s, uint64_t seed, aglm_interval *out,
                                   aglm_error *err);

#endif
