/* eval/text_metric_priv.h - what the files of the text metrics share.
 * Threads: pure functions. */
#ifndef AGLM_EVAL_TEXT_METRIC_PRIV_H
#define AGLM_EVAL_TEXT_METRIC_PRIV_H

#include "base/map.h"
#include "base/str.h"
#include "data/text_overlap.h"
#include "eval/text_metric.h"

#define AGLM_TEXT_MAX_BYTES ((size_t)4 << 20)

/* Longest form a tokeniser may make of a text, and how many different words. */
#define AGLM_TEXT_MAX_WORDS 1000000

typedef enum aglm_tokens {
    AGLM_TOKENS_ROUGE, /* runs of a-z0-9 once in lower case, each CJK character */
    AGLM_TOKENS_13A,   /* mteval-v13a's as sacreBLEU has it */
    AGLM_TOKENS_ZH,    /* sacreBLEU's zh */
    AGLM_TOKENS_SQUAD, /* words without punctuation and articles, in lower case */
    AGLM_TOKENS_CMRC   /* CMRC 2018: Chinese characters, other words; no punctuation */
} aglm_tokens;

/* Appends the numbers of the text's words; `words` gives them out. */
aglm_rc aglm_tokens_read(aglm_symbols *out, aglm_map *words, aglm_tokens how, const char *text,
                         size_t len, aglm_error *err);

/* The tokens of an answer and its references, numbered alike. */
typedef struct aglm_token_sets {
    aglm_symbols said;
    aglm_symbols *refs;
    size_t n_refs;
    aglm_map *words;
} aglm_token_sets;
/* To be cleared whatever the result. */
aglm_rc aglm_token_sets_init(aglm_token_sets *t, const aglm_text_answer *a, aglm_tokens how,
                             aglm_error *err);
void aglm_token_sets_clear(aglm_token_sets *t);

/* Python's white space: what its split() parts words at. */
bool aglm_text_blank(uint32_t cp);
bool aglm_text_chinese(const aglm_text_answer *a);

/* One function a metric; *out is zero before. */
aglm_rc aglm_count_label(aglm_text_counts *out, const aglm_text_answer *a, aglm_error *err);
aglm_rc aglm_count_exact(aglm_text_counts *out, const aglm_text_answer *a, aglm_error *err);
aglm_rc aglm_count_token_f1(aglm_text_counts *out, const aglm_text_answer *a, aglm_error *err);
aglm_rc aglm_count_rouge_1(aglm_text_counts *out, const aglm_text_answer *a, aglm_error *err);
aglm_rc aglm_count_rouge_2(aglm_text_counts *out, const aglm_text_answer *a, aglm_error *err);
aglm_rc aglm_count_rouge_l(aglm_text_counts *out, const aglm_text_answer *a, aglm_error *err);
aglm_rc aglm_count_bleu(aglm_text_counts *out, const aglm_text_answer *a, aglm_error *err);
aglm_rc aglm_count_chrf(aglm_text_counts *out, const aglm_text_answer *a, aglm_error *err);
aglm_rc aglm_count_numeric(aglm_text_counts *out, const aglm_text_answer *a, aglm_error *err);
aglm_rc aglm_count_json_valid(aglm_text_counts *out, const aglm_text_answer *a, aglm_error *err);
aglm_rc aglm_count_json_f1(aglm_text_counts *out, const aglm_text_answer *a, aglm_error *err);
aglm_rc aglm_count_regex(aglm_text_counts *out, const aglm_text_answer *a, aglm_error *err);

/* From sums. */
double aglm_value_mean(const aglm_text_counts *sum, bool single);
double aglm_value_bleu(const aglm_text_counts *sum, bool single);
double aglm_value_chrf(const aglm_text_counts *sum, bool single);
double aglm_value_f1(const aglm_text_counts *sum, bool single);

/* For metrics that are a mean: the score of one answer. */
static inline aglm_rc aglm_count_score(aglm_text_counts *out, double score)
{
    out->at[0] = score;
    out->at[1] = 1;
    return AGLM_OK;
}

/* 2 * both / (said + wanted), 0 of nothing. */
static inline double aglm_f_measure(double both, double said, double wanted)
{
    return both > 0 ? 2 * both / (said + wanted) : 0;
}

/* The part between a code fence's lines, or all of it; without blanks around. */
void aglm_text_unfence(const char **text, size_t *len);
/* Label text as compared: case and width folded, one blank between words, no marks around. */
aglm_rc aglm_label_fold(aglm_str *out, const char *text, size_t len);

#endif
