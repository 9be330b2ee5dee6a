#include "eval/text_metric_priv.h"

#include <string.h>

#include "base/utf8.h"

struct text_metric {
    const char *name;
    const char *brief; /* another name; NULL: none */
    aglm_rc (*count)(aglm_text_counts *out, const aglm_text_answer *a, aglm_error *err);
    double (*value)(const aglm_text_counts *sum, bool single);
    bool free_of_refs;
};

static const struct text_metric METRICS[AGLM_TEXT_METRICS] = {
    [AGLM_TEXT_LABEL] = {"label", NULL, aglm_count_label, aglm_value_mean, false},
    [AGLM_TEXT_EXACT] = {"exact_match", "exact", aglm_count_exact, aglm_value_mean, false},
    [AGLM_TEXT_TOKEN_F1] = {"token_f1", NULL, aglm_count_token_f1, aglm_value_mean, false},
    [AGLM_TEXT_ROUGE_1] = {"rouge_1", NULL, aglm_count_rouge_1, aglm_value_mean, false},
    [AGLM_TEXT_ROUGE_2] = {"rouge_2", NULL, aglm_count_rouge_2, aglm_value_mean, false},
    [AGLM_TEXT_ROUGE_L] = {"rouge_l", NULL, aglm_count_rouge_l, aglm_value_mean, false},
    [AGLM_TEXT_BLEU] = {"bleu", NULL, aglm_count_bleu, aglm_value_bleu, false},
    [AGLM_TEXT_CHRF] = {"chrf", NULL, aglm_count_chrf, aglm_value_chrf, false},
    [AGLM_TEXT_NUMERIC] = {"numeric", "number", aglm_count_numeric, aglm_value_mean, false},
    [AGLM_TEXT_JSON_VALID] = {"json_valid", NULL, aglm_count_json_valid, aglm_value_mean, true},
    [AGLM_TEXT_JSON_F1] = {"json_f1", "json", aglm_count_json_f1, aglm_value_f1, false},
    [AGLM_TEXT_REGEX] = {"regex", NULL, aglm_count_regex, aglm_value_mean, false},
};

const char *aglm_text_metric_name(aglm_text_metric m)
{
    return METRICS[m].name;
}

static bool same_name(const char *a, const char *b)
{
    for (; *a && (*a == *b || (*a == '_' && *b == '-')); a++, b++)
        ;
    return *a == '\0' && *b == '\0';
}

bool aglm_text_metric_from_name(const char *name, aglm_text_metric *out)
{
    for (int m = 0; m < AGLM_TEXT_METRICS; m++) {
        if (same_name(METRICS[m].name, name) ||
            (METRICS[m].brief && same_name(METRICS[m].brief, name))) {
            *out = (aglm_text_metric)m;
            return true;
        }
    }
    return false;
}

aglm_rc aglm_text_count(aglm_text_counts *out, aglm_text_metric m, const aglm_text_answer *answer,
                        aglm_error *err)
{
    *out = (aglm_text_counts){0};
    if (answer->n_refs == 0 && !METRICS[m].free_of_refs)
        return aglm_error_set(err, AGLM_INVALID, "%s needs a reference answer", METRICS[m].name);
    if (answer->len > AGLM_TEXT_MAX_BYTES)
        return aglm_error_set(err, AGLM_LIMIT, "%s: an answer of %zu bytes, at most %zu",
                              METRICS[m].name, answer->len, AGLM_TEXT_MAX_BYTES);
    return METRICS[m].count(out, answer, err);
}

void aglm_text_add(aglm_text_counts *sum, const aglm_text_counts *one)
{
    for (int i = 0; i < AGLM_TEXT_COUNTS; i++)
        sum->at[i] += one->at[i];
}

double aglm_text_value(aglm_text_metric m, const aglm_text_counts *sum, bool single)
{
    return METRICS[m].value(sum, single);
}

double aglm_value_mean(const aglm_text_counts *sum, bool single)
{
    return sum->at[1] > 0 ? sum->at[0] / sum->at[1] : 0;
}

double aglm_value_f1(const aglm_text_counts *sum, bool single)
{
    if (sum->at[1] + sum->at[2] <= 0) /* nothing wanted, nothing said */
        return sum->at[3] > 0 ? 1 : 0;
    return aglm_f_measure(sum->at[0], sum->at[1], sum->at[2]);
}

bool aglm_text_chinese(const aglm_text_answer *a)
{
    uint32_t cp;

    if (a->language != AGLM_TEXT_AUTO)
        return a->language == AGLM_TEXT_CHINESE;
    for (size_t r = 0; r < a->n_refs; r++) {
        for (size_t i = 0, len = strlen(a->refs[r]); i < len;) {
            i += aglm_utf8_decode(a->refs[r] + i, len - i, &cp);
            if (aglm_cp_is_cjk(cp))
                return true;
        }
    }
    return false;
}

bool aglm_text_blank(uint32_t cp)
{
    return (cp >= 0x1C && cp <= 0x1F) || (aglm_cp_is_space(cp) && cp != 0xFEFF);
}

void aglm_text_unfence(const char **text, size_t *len)
{
    const char *s = *text, *end = s + *len;

    while (s < end && aglm_text_blank((unsigned char)*s))
        s++;
    while (end > s && aglm_text_blank((unsigned char)end[-1]))
        end--;
    if (end - s > 6 && memcmp(s, "```", 3) == 0 && memcmp(end - 3, "```", 3) == 0) {
        const char *line = memchr(s, '\n', (size_t)(end - s));
        if (line) {
            s = line;
            end -= 3;
        }
    }
    *text = s;
    *len = (size_t)(end - s);
}
