#include "lm/word_list.h"

#include <stdlib.h>
#include <string.h>

#include "base/hash.h"
#include "base/map.h"
#include "base/memory.h"
#include "base/utf8.h"
#include "data/text_overlap.h"

#define STARTS 65536 /* pairs of first characters, hashed */

struct aglm_word_list {
    aglm_map *words;  /* code points as bytes */
    uint64_t lengths; /* bit n - 1: a word has n characters */
    uint8_t starts[STARTS / 8];
};

/* One blank for several, none at the beginning. */
static aglm_rc fold(aglm_symbols *out, const char *text, size_t len)
{
    aglm_rc rc = AGLM_OK;
    uint32_t cp;

    for (size_t i = 0; i < len && rc == AGLM_OK;) {
        i += aglm_utf8_decode(text + i, len - i, &cp);
        cp = aglm_cp_lower(aglm_cp_fold_width(cp));
        if (aglm_cp_is_space(cp))
            cp = ' ';
        else if (aglm_cp_width(cp) == 0)
            continue;
        if (cp != ' ' || (out->n > 0 && out->at[out->n - 1] != ' '))
            rc = aglm_symbols_push(out, cp);
    }
    return rc;
}

static size_t start_of(const uint32_t *at, size_t n)
{
    return aglm_mix64((uint64_t)at[0] << 32 | (n > 1 ? at[1] : 0)) % STARTS;
}

static void set_start(aglm_word_list *w, size_t bit)
{
    w->starts[bit / 8] |= (uint8_t)(1U << bit % 8);
}

static bool has_start(const aglm_word_list *w, size_t bit)
{
    return w->starts[bit / 8] >> bit % 8 & 1;
}

static aglm_rc add_line(aglm_word_list *w, const char *line, size_t len, size_t number,
                        aglm_error *err)
{
    aglm_symbols word = {0};
    uint32_t n;
    aglm_rc rc = AGLM_OK;

    if (len >= 2 && line[0] == '#' && line[1] == ' ')
        return rc;
    if (aglm_utf8_check(line, len) < len)
        return aglm_error_set(err, AGLM_FORMAT, "list of words, line %zu: not UTF-8", number);
    rc = fold(&word, line, len);
    while (word.n > 0 && word.at[word.n - 1] == ' ')
        word.n--;
    if (rc == AGLM_OK && word.n > AGLM_WORD_MAX_CHARS)
        rc = AGLM_LIMIT;
    if (rc == AGLM_OK && word.n > 0)
        rc = aglm_map_intern(w->words, (const char *)word.at, word.n * sizeof *word.at, &n, NULL);
    if (rc == AGLM_OK && word.n > 0) {
        w->lengths |= (uint64_t)1 << (word.n - 1);
        set_start(w, start_of(word.at, word.n));
    }
    aglm_symbols_clear(&word);
    if (rc != AGLM_OK)
        aglm_error_set(err, rc, "list of words, line %zu: %s", number,
                       rc == AGLM_LIMIT ? "too long, or too many words" : aglm_rc_text(rc));
    return rc;
}

aglm_rc aglm_word_list_new(aglm_word_list **out, const char *text, size_t len, aglm_error *err)
{
    aglm_word_list *w = aglm_calloc(1, sizeof *w);
    size_t number = 1;
    aglm_rc rc = AGLM_OK;

    *out = NULL;
    if (!w || !(w->words = aglm_map_new(AGLM_WORD_LIST_MAX, (size_t)64 << 20)))
        rc = aglm_error_set(err, AGLM_NOMEM, "out of memory");
    for (size_t i = 0; i < len && rc == AGLM_OK; number++) {
        const char *end = memchr(text + i, '\n', len - i);
        size_t n = end ? (size_t)(end - text) - i : len - i;
        rc = add_line(w, text + i, n, number, err);
        i += n + 1;
    }
    if (rc != AGLM_OK)
        aglm_word_list_free(w);
    else
        *out = w;
    return rc;
}

void aglm_word_list_free(aglm_word_list *w)
{
    if (!w)
        return;
    aglm_map_free(w->words);
    free(w);
}

static bool joins(uint32_t cp)
{
    return cp != ' ' && !aglm_cp_is_cjk(cp) && !aglm_cp_is_punct(cp) && cp >= '0';
}

static bool stands_alone(const aglm_symbols *text, size_t at, size_t n)
{
    bool before = at > 0 && joins(text->at[at]) && joins(text->at[at - 1]);
    bool behind = at + n < text->n && joins(text->at[at + n - 1]) && joins(text->at[at + n]);

    return !before && !behind;
}

/* Characters of a word that begins at `at`; 0 when none does. */
static size_t word_at(const aglm_word_list *w, const aglm_symbols *text, size_t at)
{
    size_t left = text->n - at;
    uint32_t number;

    if (!has_start(w, start_of(text->at + at, 1)) &&
        (left < 2 || !has_start(w, start_of(text->at + at, 2))))
        return 0;
    for (size_t n = 1; n <= AGLM_WORD_MAX_CHARS && n <= left; n++)
        if (w->lengths >> (n - 1) & 1 && stands_alone(text, at, n) &&
            aglm_map_find(w->words, (const char *)(text->at + at), n * sizeof *text->at, &number))
            return n;
    return 0;
}

aglm_rc aglm_word_list_count(const aglm_word_list *w, const char *text, size_t len, size_t *n,
                             aglm_str *first)
{
    aglm_symbols folded = {0};
    aglm_rc rc = fold(&folded, text, len);

    *n = 0;
    for (size_t i = 0; i < folded.n && rc == AGLM_OK; i++) {
        size_t found = word_at(w, &folded, i);
        for (size_t k = 0; k < found && *n == 0 && first; k++) {
            char bytes[4];
            aglm_str_append(first, bytes, aglm_utf8_encode(folded.at[i + k], bytes));
        }
        *n += found > 0;
    }
    aglm_symbols_clear(&folded);
    return rc;
}
