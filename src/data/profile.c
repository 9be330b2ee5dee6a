#include "data/profile.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "base/utf8.h"

typedef enum script { CJK, LATIN, CYRILLIC, ARABIC, OTHER, SCRIPTS } script;

/* Documents by their text; twins stand together, in the order of rows. */
typedef struct item {
    uint64_t key;
    uint32_t doc;
} item;

static aglm_rc nomem(aglm_error *err)
{
    return aglm_error_set(err, AGLM_NOMEM, "profile: out of memory");
}

static script script_of(uint32_t c)
{
    if (c < 0x250)
        return LATIN;
    if (aglm_cp_is_cjk(c))
        return CJK;
    if (c >= 0x400 && c < 0x530)
        return CYRILLIC;
    if ((c >= 0x600 && c < 0x780) || (c >= 0x8A0 && c < 0x900) || (c >= 0xFB50 && c < 0xFE00) ||
        (c >= 0xFE70 && c < 0xFEFF))
        return ARABIC;
    return c >= 0x1E00 && c < 0x1F00 ? LATIN : OTHER;
}

static bool separates(uint32_t c)
{
    if (c < 0x80)
        return !((c | 32) - 'a' < 26 || c - '0' < 10);
    return aglm_cp_is_space(c) || aglm_cp_is_punct(c) || (c >= 0x2190 && c < 0x2C00) ||
           c >= 0x1F000;
}

typedef struct tally {
    uint64_t letters[SCRIPTS];
    uint64_t kana, hangul; /* of those in CJK */
    uint64_t words;
} tally;

/* Counts into *t and returns the code points. */
static uint32_t scan_text(const char *s, size_t len, tally *t)
{
    uint32_t chars = 0;
    bool inside = false;

    for (size_t i = 0; i < len; chars++) {
        uint32_t c = (unsigned char)s[i];
        i += c < 0x80 ? 1 : aglm_utf8_decode(s + i, len - i, &c);
        c = aglm_cp_fold_width(c);
        bool cjk = aglm_cp_is_cjk(c);
        bool word = cjk || !separates(c);
        t->words += cjk || (word && !inside);
        inside = word && !cjk;
        if (word && !aglm_cp_is_digit(c))
            t->letters[script_of(c)]++;
        t->kana += c >= 0x3041 && c <= 0x30FF;
        t->hangul += c >= 0xAC00 && c <= 0xD7A3;
    }
    return chars;
}

static int by_size(const void *a, const void *b)
{
    uint32_t x = *(const uint32_t *)a;
    uint32_t y = *(const uint32_t *)b;

    return (x > y) - (x < y);
}

static aglm_rc profile_texts(aglm_profile *p, const aglm_dataset *d, aglm_error *err)
{
    tally t = {0};
    uint64_t letters = 0;
    uint32_t *chars = aglm_calloc(p->docs, sizeof *chars);

    if (!chars)
        return nomem(err);
    for (size_t i = 0; i < p->docs; i++) {
        aglm_doc doc = aglm_dataset_doc(d, i);
        chars[i] = scan_text(doc.text, doc.len, &t);
        p->bytes += doc.len;
        p->chars += chars[i];
        p->empty_texts += doc.len == 0;
    }
    p->words = t.words;
    if (p->docs) {
        qsort(chars, p->docs, sizeof *chars, by_size);
        p->chars_p50 = chars[(p->docs - 1) / 2];
        p->chars_p95 = chars[(p->docs - 1) * 95 / 100];
        p->chars_max = chars[p->docs - 1];
    }
    free(chars);
    for (size_t k = 0; k < SCRIPTS; k++)
        letters += t.letters[k];
    double all = letters ? (double)letters : 1;
    p->share_cjk = (double)t.letters[CJK] / all;
    p->share_kana = (double)t.kana / all;
    p->share_hangul = (double)t.hangul / all;
    p->share_latin = (double)t.letters[LATIN] / all;
    p->share_cyrillic = (double)t.letters[CYRILLIC] / all;
    p->share_arabic = (double)t.letters[ARABIC] / all;
    p->share_other = (double)t.letters[OTHER] / all;
    return AGLM_OK;
}

static aglm_rc profile_labels(aglm_profile *p, const aglm_dataset *d, aglm_error *err)
{
    size_t *docs_of = aglm_calloc(p->labels, sizeof *docs_of);
    size_t given = 0;

    if (!docs_of)
        return nomem(err);
    for (size_t i = 0; i < p->docs; i++) {
        aglm_doc doc = aglm_dataset_doc(d, i);
        for (uint32_t k = 0; k < doc.n_labels; k++)
            docs_of[doc.labels[k]]++;
        given += doc.n_labels;
    }
    for (size_t k = 0; k < p->labels; k++) {
        if (k == 0 || docs_of[k] < p->class_min)
            p->class_min = docs_of[k];
        if (docs_of[k] > p->class_max)
            p->class_max = docs_of[k];
    }
    free(docs_of);
    p->class_skew = p->class_min ? (double)p->class_max / (double)p->class_min : 0;
    p->mean_labels = p->docs ? (double)given / (double)p->docs : 0;
    return AGLM_OK;
}

static int by_text(const void *a, const void *b)
{
    const item *x = a;
    const item *y = b;

    if (x->key != y->key)
        return x->key < y->key ? -1 : 1;
    return (x->doc > y->doc) - (x->doc < y->doc);
}

static aglm_rc sort_texts(const aglm_dataset *d, item **out, aglm_error *err)
{
    const size_t n = aglm_dataset_size(d);

    *out = aglm_calloc(n, sizeof **out);
    if (!*out)
        return nomem(err);
    for (size_t i = 0; i < n; i++) {
        (*out)[i] = (item){aglm_dataset_key(d, i), (uint32_t)i};
    }
    if (n > 1)
        qsort(*out, n, sizeof **out, by_text);
    return AGLM_OK;
}

static bool same_labels(const aglm_doc *a, const aglm_doc *b)
{
    return a->n_labels == b->n_labels &&
           (a->n_labels == 0 || memcmp(a->labels, b->labels, a->n_labels * sizeof *a->labels) == 0);
}

static void count_duplicates(aglm_profile *p, const aglm_dataset *d, const item *v)
{
    for (size_t i = 1, first = 0; i < p->docs; i++) {
        if (v[i].key != v[first].key) {
            first = i;
            continue;
        }
        aglm_doc a = aglm_dataset_doc(d, v[first].doc);
        aglm_doc b = aglm_dataset_doc(d, v[i].doc);
        p->duplicates++;
        p->conflicts += !same_labels(&a, &b);
    }
}

static size_t count_shared(const item *a, size_t n_a, const item *b, size_t n_b)
{
    size_t shared = 0;

    for (size_t i = 0, k = 0; i < n_b; i++) {
        while (k < n_a && a[k].key < b[i].key)
            k++;
        shared += k < n_a && a[k].key == b[i].key;
    }
    return shared;
}

aglm_rc aglm_profile_make(aglm_profile *out, const aglm_dataset *d, const aglm_dataset *valid,
                          aglm_error *err)
{
    item *mine = NULL;
    item *theirs = NULL;

    *out = (aglm_profile){.docs = aglm_dataset_size(d), .labels = aglm_dataset_n_labels(d)};
    aglm_rc rc = profile_texts(out, d, err);
    if (!rc)
        rc = profile_labels(out, d, err);
    if (!rc)
        rc = sort_texts(d, &mine, err);
    if (!rc && valid)
        rc = sort_texts(valid, &theirs, err);
    if (!rc) {
        count_duplicates(out, d, mine);
        if (valid)
            out->leaks = count_shared(mine, out->docs, theirs, aglm_dataset_size(valid));
    }
    free(mine);
    free(theirs);
    return rc;
}

/* Japanese and Korean give themselves away by their own letters. */
static const char *cjk_name(const aglm_profile *p)
{
    if (p->share_hangul > 0.5 * p->share_cjk)
        return "Korean";
    return p->share_kana > 0.1 * p->share_cjk ? "Japanese" : "Chinese";
}

void aglm_profile_language(const aglm_profile *p, char *buf, size_t size)
{
    const struct {
        const char *name;
        double share;
    } kinds[] = {
        {"Latin script", p->share_latin},       {cjk_name(p), p->share_cjk},
        {"Cyrillic script", p->share_cyrillic}, {"Arabic script", p->share_arabic},
        {"other scripts", p->share_other},
    };
    size_t best = 0;

    for (size_t i = 1; i < sizeof kinds / sizeof kinds[0]; i++)
        if (kinds[i].share > kinds[best].share)
            best = i;
    if (kinds[best].share <= 0)
        snprintf(buf, size, "no letters");
    else
        snprintf(buf, size, "%s (%.0f %% of letters)", kinds[best].name, 100 * kinds[best].share);
}
