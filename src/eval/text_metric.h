/* eval/text_metric.h - how good written answers are, against one or more references.
 * Threads: pure functions. */
#ifndef AGLM_EVAL_TEXT_METRIC_H
#define AGLM_EVAL_TEXT_METRIC_H

#include <stdbool.h>
#include <stddef.h>

#include "autoglm/error.h"

typedef enum aglm_text_metric {
    AGLM_TEXT_LABEL,    /* the answer is the label, but for case, width, blanks and marks around */
    AGLM_TEXT_EXACT,    /* equal once normalised: SQuAD's rule; Chinese: CMRC 2018's */
    AGLM_TEXT_TOKEN_F1, /* words in common (SQuAD); Chinese: longest common run (CMRC 2018) */
    AGLM_TEXT_ROUGE_1,  /* Lin 2004, F-measure; Chinese by character */
    AGLM_TEXT_ROUGE_2,
    AGLM_TEXT_ROUGE_L,
    AGLM_TEXT_BLEU,       /* Papineni et al. 2002, sacreBLEU's 13a and zh tokenisers */
    AGLM_TEXT_CHRF,       /* Popovic 2015, chrF2 */
    AGLM_TEXT_NUMERIC,    /* the last number of the answer, or that behind "####", is the wanted */
    AGLM_TEXT_JSON_VALID, /* the answer, a code fence around it aside, is JSON; no reference */
    AGLM_TEXT_JSON_F1,    /* fields and list entries right, of a JSON answer */
    AGLM_TEXT_REGEX,      /* a reference, as a regular expression, is found in the answer */
    AGLM_TEXT_METRICS
} aglm_text_metric;

typedef enum aglm_text_language {
    AGLM_TEXT_AUTO, /* Chinese when a reference has Han, kana or Hangul */
    AGLM_TEXT_ENGLISH,
    AGLM_TEXT_CHINESE
} aglm_text_language;

typedef struct aglm_text_answer {
    const char *text; /* what was said */
    size_t len;
    const char *const *refs; /* right answers, NUL-terminated; the best one counts */
    size_t n_refs;
    aglm_text_language language;
} aglm_text_answer;

/* What an answer adds to a metric: sums of many make the metric of the whole set. */
#define AGLM_TEXT_COUNTS 18
typedef struct aglm_text_counts {
    double at[AGLM_TEXT_COUNTS];
} aglm_text_counts;

const char *aglm_text_metric_name(aglm_text_metric m);
/* Takes "rouge_l" or "rouge-l", ..., also "exact", "number" and "json"; false when it is none. */
bool aglm_text_metric_from_name(const char *name, aglm_text_metric *out);

/* Counts of one answer, in the place of what *out held. AGLM_INVALID without references where the
 * metric needs them; AGLM_FORMAT when a reference is not what it should be (a number, JSON, a
 * pattern): answers may be anything. */
aglm_rc aglm_text_count(aglm_text_counts *out, aglm_text_metric m, const aglm_text_answer *answer,
                        aglm_error *err);
/* Adds to a sum that began with zeros. */
void aglm_text_add(aglm_text_counts *sum, const aglm_text_counts *one);
/* 0..1 of a sum. A single answer's BLEU takes the orders it has (sacreBLEU's effective order). */
double aglm_text_value(aglm_text_metric m, const aglm_text_counts *sum, bool single);

/* Macro F1 of label answers over the labels that are wanted; an answer that is none of them is
 * wrong and no label. A reference beyond the first is another spelling of it. */
aglm_rc aglm_text_label_f1(double *macro, const aglm_text_answer *answers, size_t n,
                           aglm_error *err);

/* The number an answer gives, as AGLM_TEXT_NUMERIC reads it: thousands separators, fractions (also
 * "1 1/2"), full-width digits, a sign. False when there is none; percent (may be NULL) tells
 * whether a % follows. */
bool aglm_text_number(const char *text, size_t len, double *value, bool *percent);

#endif
