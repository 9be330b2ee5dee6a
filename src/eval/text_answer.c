#include "eval/text_metric_priv.h"

#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "base/regex.h"
#include "base/utf8.h"

/* Marks are dropped where a word does not follow them at once. */
aglm_rc aglm_label_fold(aglm_str *out, const char *text, size_t len)
{
    bool gap = false;
    uint32_t cp;

    for (size_t i = 0; i < len;) {
        char bytes[4];
        i += aglm_utf8_decode(text + i, len - i, &cp);
        cp = aglm_cp_lower(aglm_cp_fold_width(cp));
        bool inner = (cp == '_' || cp == '-' || cp == '+' || cp == '/' || cp == '&') &&
                     out->len > 0;
        if (aglm_text_blank(cp) || (aglm_cp_is_punct(cp) && !inner)) {
            gap = out->len > 0;
            continue;
        }
        if (gap)
            aglm_str_putc(out, ' ');
        gap = false;
        aglm_str_append(out, bytes, aglm_utf8_encode(cp, bytes));
    }
    while (out->len > 0 && strchr("_-+/& ", out->data[out->len - 1]))
        out->data[--out->len] = '\0';
    return out->rc;
}

aglm_rc aglm_count_label(aglm_text_counts *out, const aglm_text_answer *a, aglm_error *err)
{
    aglm_str said, wanted;
    bool right = false;
    aglm_rc rc;

    aglm_str_init(&said, AGLM_TEXT_MAX_BYTES * 4);
    aglm_str_init(&wanted, AGLM_TEXT_MAX_BYTES * 4);
    rc = aglm_label_fold(&said, a->text, a->len);
    for (size_t r = 0; r < a->n_refs && rc == AGLM_OK && !right; r++) {
        aglm_str_reset(&wanted);
        rc = aglm_label_fold(&wanted, a->refs[r], strlen(a->refs[r]));
        right = said.len == wanted.len && memcmp(said.data, wanted.data, said.len) == 0;
    }
    aglm_str_clear(&said);
    aglm_str_clear(&wanted);
    if (rc != AGLM_OK)
        return aglm_error_set(err, rc, "label answer: %s", aglm_rc_text(rc));
    return aglm_count_score(out, right);
}

/* CMRC compares texts without the marks its tokeniser drops: as tokens that is the same but for
 * blanks between words of other scripts. */
static aglm_tokens tokens_of(const aglm_text_answer *a)
{
    return aglm_text_chinese(a) ? AGLM_TOKENS_CMRC : AGLM_TOKENS_SQUAD;
}

static bool same_symbols(const aglm_symbols *a, const aglm_symbols *b)
{
    return a->n == b->n && (a->n == 0 || memcmp(a->at, b->at, a->n * sizeof *a->at) == 0);
}

aglm_rc aglm_count_exact(aglm_text_counts *out, const aglm_text_answer *a, aglm_error *err)
{
    aglm_token_sets t;
    bool right = false;
    aglm_rc rc = aglm_token_sets_init(&t, a, tokens_of(a), err);

    for (size_t r = 0; r < t.n_refs && rc == AGLM_OK; r++)
        right = right || same_symbols(&t.said, &t.refs[r]);
    aglm_token_sets_clear(&t);
    return rc == AGLM_OK ? aglm_count_score(out, right) : rc;
}

typedef aglm_rc (*common_fn)(size_t *both, const aglm_symbols *a, const aglm_symbols *b);

static aglm_rc common_words(size_t *both, const aglm_symbols *a, const aglm_symbols *b)
{
    return aglm_overlap_ngrams(both, a, b, 1, 1);
}

static aglm_rc common_pairs(size_t *both, const aglm_symbols *a, const aglm_symbols *b)
{
    return aglm_overlap_ngrams(both, a, b, 1, 2);
}

/* Best F-measure over the references of what `common` counts; a text of n tokens has n + 1 - order
 * of these. */
static aglm_rc count_best(aglm_text_counts *out, const aglm_text_answer *a, aglm_tokens how,
                          common_fn common, size_t order, aglm_error *err)
{
    aglm_token_sets t;
    double best = 0;
    aglm_rc rc = aglm_token_sets_init(&t, a, how, err);

    for (size_t r = 0; r < t.n_refs && rc == AGLM_OK; r++) {
        size_t both;
        if ((rc = common(&both, &t.said, &t.refs[r])) != AGLM_OK) {
            aglm_error_set(err, rc, "an answer of %zu words and %zu in the reference: %s", t.said.n,
                           t.refs[r].n, aglm_rc_text(rc));
            break;
        }
        double f = aglm_f_measure((double)both, (double)t.said.n + 1 - (double)order,
                                  (double)t.refs[r].n + 1 - (double)order);
        best = f > best ? f : best;
    }
    aglm_token_sets_clear(&t);
    return rc == AGLM_OK ? aglm_count_score(out, best) : rc;
}

aglm_rc aglm_count_token_f1(aglm_text_counts *out, const aglm_text_answer *a, aglm_error *err)
{
    bool chinese = aglm_text_chinese(a);

    return count_best(out, a, tokens_of(a), chinese ? aglm_overlap_run : common_words, 1, err);
}

aglm_rc aglm_count_rouge_1(aglm_text_counts *out, const aglm_text_answer *a, aglm_error *err)
{
    return count_best(out, a, AGLM_TOKENS_ROUGE, common_words, 1, err);
}

aglm_rc aglm_count_rouge_2(aglm_text_counts *out, const aglm_text_answer *a, aglm_error *err)
{
    return count_best(out, a, AGLM_TOKENS_ROUGE, common_pairs, 2, err);
}

aglm_rc aglm_count_rouge_l(aglm_text_counts *out, const aglm_text_answer *a, aglm_error *err)
{
    return count_best(out, a, AGLM_TOKENS_ROUGE, aglm_overlap_subsequence, 1, err);
}

aglm_rc aglm_count_regex(aglm_text_counts *out, const aglm_text_answer *a, aglm_error *err)
{
    bool found = false;

    for (size_t r = 0; r < a->n_refs && !found; r++) {
        aglm_regex *re = NULL;
        aglm_rc rc = aglm_regex_new(&re, a->refs[r], strlen(a->refs[r]), NULL, err);
        /* an answer that is not UTF-8 does not match */
        if (rc == AGLM_OK && aglm_utf8_check(a->text, a->len) == a->len)
            rc = aglm_regex_match(re, a->text, a->len, &found, err);
        aglm_regex_free(re);
        if (rc != AGLM_OK)
            return rc;
    }
    return aglm_count_score(out, found);
}

struct tally {
    size_t right;
    size_t said;
    size_t wanted;
};

static aglm_rc label_number(aglm_map *labels, const char *text, size_t len, bool add,
                            uint32_t *number, bool *known)
{
    aglm_str folded;
    aglm_rc rc;

    aglm_str_init(&folded, AGLM_TEXT_MAX_BYTES * 4);
    rc = aglm_label_fold(&folded, text, len);
    *known = true;
    if (rc == AGLM_OK && add)
        rc = aglm_map_intern(labels, folded.data, folded.len, number, NULL);
    else if (rc == AGLM_OK)
        *known = aglm_map_find(labels, folded.data, folded.len, number);
    aglm_str_clear(&folded);
    return rc;
}

static aglm_rc tally_answer(struct tally *t, aglm_map *labels, const aglm_text_answer *a)
{
    aglm_text_counts right = {0};
    uint32_t wanted, said;
    bool known;
    aglm_rc rc = label_number(labels, a->refs[0], strlen(a->refs[0]), false, &wanted, &known);

    if (rc == AGLM_OK)
        rc = aglm_count_label(&right, a, NULL);
    if (rc != AGLM_OK)
        return rc;
    t[wanted].wanted++;
    if (right.at[0] > 0) {
        t[wanted].right++;
        t[wanted].said++;
        return AGLM_OK;
    }
    rc = label_number(labels, a->text, a->len, false, &said, &known);
    if (rc == AGLM_OK && known)
        t[said].said++;
    return rc;
}

static double macro_of(const struct tally *t, size_t n)
{
    double sum = 0;

    for (size_t i = 0; i < n; i++)
        sum += aglm_f_measure((double)t[i].right, (double)t[i].said, (double)t[i].wanted);
    return n ? sum / (double)n : 0;
}

aglm_rc aglm_text_label_f1(double *macro, const aglm_text_answer *answers, size_t n,
                           aglm_error *err)
{
    aglm_map *labels = aglm_map_new(AGLM_TEXT_MAX_WORDS, AGLM_TEXT_MAX_BYTES);
    struct tally *t = NULL;
    aglm_rc rc = labels ? AGLM_OK : AGLM_NOMEM;

    for (size_t i = 0; i < n && rc == AGLM_OK; i++) {
        uint32_t number;
        bool known;
        if (answers[i].n_refs == 0) {
            aglm_map_free(labels);
            return aglm_error_set(err, AGLM_INVALID, "label answer %zu has no reference", i + 1);
        }
        const char *label = answers[i].refs[0];
        rc = label_number(labels, label, strlen(label), true, &number, &known);
    }
    if (rc == AGLM_OK && !(t = aglm_calloc(aglm_map_size(labels), sizeof *t)))
        rc = AGLM_NOMEM;
    for (size_t i = 0; i < n && rc == AGLM_OK; i++)
        rc = tally_answer(t, labels, &answers[i]);
    if (rc == AGLM_OK)
        *macro = macro_of(t, aglm_map_size(labels));
    free(t);
    aglm_map_free(labels);
    return rc == AGLM_OK ? rc : aglm_error_set(err, rc, "label answers: %s", aglm_rc_text(rc));
}
