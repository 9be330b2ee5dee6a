#include "eval/text_metric_priv.h"

#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "base/utf8.h"

static bool digit(uint32_t c)
{
    return c >= '0' && c <= '9';
}

static bool between(uint32_t c, uint32_t low, uint32_t high)
{
    return c >= low && c <= high;
}

static aglm_rc put_cp(aglm_str *s, uint32_t cp)
{
    char bytes[4];

    return aglm_str_append(s, bytes, aglm_utf8_encode(cp, bytes));
}

static aglm_rc word_end(aglm_symbols *out, aglm_map *words, aglm_str *word, aglm_error *err)
{
    uint32_t number;
    aglm_rc rc = word->rc;

    if (rc == AGLM_OK && word->len > 0) {
        rc = aglm_map_intern(words, word->data, word->len, &number, err);
        if (rc != AGLM_OK)
            return rc;
        rc = aglm_symbols_push(out, number);
        aglm_str_reset(word);
    }
    return rc == AGLM_OK ? rc : aglm_error_set(err, rc, "words of a text: %s", aglm_rc_text(rc));
}

/* Words at blanks; of what a tokeniser made of the text. */
static aglm_rc words_read(aglm_symbols *out, aglm_map *words, const aglm_symbols *text,
                          aglm_error *err)
{
    aglm_rc rc = AGLM_OK;
    aglm_str word;

    aglm_str_init(&word, AGLM_TEXT_MAX_BYTES * 4);
    for (size_t i = 0; i < text->n && rc == AGLM_OK; i++) {
        if (aglm_text_blank(text->at[i]))
            rc = word_end(out, words, &word, err);
        else
            put_cp(&word, text->at[i]);
    }
    if (rc == AGLM_OK)
        rc = word_end(out, words, &word, err);
    aglm_str_clear(&word);
    return rc;
}

static bool latin_or_digit(uint32_t c)
{
    return digit(c) || between(c, 'a', 'z');
}

static aglm_rc rouge_form(aglm_symbols *to, const aglm_symbols *text)
{
    aglm_rc rc = AGLM_OK;

    for (size_t i = 0; i < text->n && rc == AGLM_OK; i++) {
        uint32_t c = aglm_cp_lower(text->at[i]);
        if (aglm_cp_is_cjk(c)) {
            rc = aglm_symbols_push(to, ' ');
            if (rc == AGLM_OK)
                rc = aglm_symbols_push(to, c);
            c = ' ';
        }
        if (rc == AGLM_OK)
            rc = aglm_symbols_push(to, latin_or_digit(c) ? c : ' ');
    }
    return rc;
}

/* The marks that stand alone in mteval-v13a: all of ASCII's but ' , - and the full stop. */
static bool mark_13a(uint32_t c)
{
    return between(c, '{', '~') || between(c, '[', '`') || between(c, ' ', '&') ||
           between(c, '(', '+') || between(c, ':', '@') || c == '/';
}

static bool stop_or_comma(uint32_t c)
{
    return c == '.' || c == ',';
}

/* A pass over neighbours, as a regular expression's substitution goes: a pair that was taken is
 * not looked at again. Blanks go before, between and behind as `blanks` says. */
struct pair_rule {
    bool (*first)(uint32_t c);
    bool (*second)(uint32_t c);
    const char *blanks; /* three of '1' and '0' */
};

static bool no_digit(uint32_t c)
{
    return !digit(c);
}

static bool hyphen(uint32_t c)
{
    return c == '-';
}

static const struct pair_rule PAIRS[] = {
    {no_digit, stop_or_comma, "011"},
    {stop_or_comma, no_digit, "110"},
    {digit, hyphen, "011"},
};

static aglm_rc push_blank(aglm_symbols *to, bool wished)
{
    return wished ? aglm_symbols_push(to, ' ') : AGLM_OK;
}

static aglm_rc push_pair(aglm_symbols *to, const uint32_t *c, const char *blanks)
{
    aglm_rc rc = push_blank(to, blanks[0] == '1');

    if (rc == AGLM_OK)
        rc = aglm_symbols_push(to, c[0]);
    if (rc == AGLM_OK)
        rc = push_blank(to, blanks[1] == '1');
    if (rc == AGLM_OK)
        rc = aglm_symbols_push(to, c[1]);
    return rc == AGLM_OK ? push_blank(to, blanks[2] == '1') : rc;
}

static aglm_rc pair_pass(aglm_symbols *text, const struct pair_rule *rule)
{
    aglm_symbols to = {0};
    aglm_rc rc = AGLM_OK;

    for (size_t i = 0; i < text->n && rc == AGLM_OK; i++) {
        if (i + 1 < text->n && rule->first(text->at[i]) && rule->second(text->at[i + 1])) {
            rc = push_pair(&to, text->at + i, rule->blanks);
            i++;
        } else {
            rc = aglm_symbols_push(&to, text->at[i]);
        }
    }
    aglm_symbols_clear(text);
    *text = to;
    return rc;
}

/* sacreBLEU's own list; its two ranges beyond U+FFFF are spelt so that they mean U+2001 to U+2A6D
 * and U+2F81 to U+2FA1, which is kept: scores shall be the same. */
static bool zh_alone(uint32_t c)
{
    return between(c, 0x3400, 0x4DB5) || between(c, 0x4E00, 0x9FBB) || between(c, 0xF900, 0xFA2D) ||
           between(c, 0xFA30, 0xFA6A) || between(c, 0xFA70, 0xFAD9) || between(c, 0x2001, 0x2A6D) ||
           between(c, 0xFF00, 0xFFEF) || between(c, 0x2E80, 0x2EFF) || between(c, 0x3000, 0x303F) ||
           between(c, 0x31C0, 0x31EF) || between(c, 0x2F00, 0x2FDF) || between(c, 0x2FF0, 0x2FFF) ||
           between(c, 0x3100, 0x312F) || between(c, 0x31A0, 0x31BF) || between(c, 0xFE10, 0xFE1F) ||
           between(c, 0xFE30, 0xFE4F) || between(c, 0x3200, 0x33FF);
}

static aglm_rc alone_pass(aglm_symbols *to, const aglm_symbols *text, bool zh)
{
    aglm_rc rc = push_blank(to, !zh);

    for (size_t i = 0; i < text->n && rc == AGLM_OK; i++) {
        bool alone = mark_13a(text->at[i]) || (zh && zh_alone(text->at[i]));
        rc = push_blank(to, alone);
        if (rc == AGLM_OK)
            rc = aglm_symbols_push(to, text->at[i]);
        if (rc == AGLM_OK)
            rc = push_blank(to, alone);
    }
    return rc == AGLM_OK ? push_blank(to, !zh) : rc;
}

static aglm_rc bleu_form(aglm_symbols *to, const aglm_symbols *text, bool zh)
{
    aglm_rc rc = alone_pass(to, text, zh);

    for (size_t i = 0; i < sizeof PAIRS / sizeof *PAIRS && rc == AGLM_OK; i++)
        rc = pair_pass(to, &PAIRS[i]);
    return rc;
}

/* Every `from` becomes `to`, left to right, in place: no replacement is longer. */
static void replace(char *text, size_t *len, const char *from, const char *to)
{
    size_t n_from = strlen(from), n_to = strlen(to), out = 0;

    for (size_t i = 0; i < *len;) {
        if (*len - i >= n_from && memcmp(text + i, from, n_from) == 0) {
            memcpy(text + out, to, n_to);
            out += n_to;
            i += n_from;
        } else {
            text[out++] = text[i++];
        }
    }
    *len = out;
}

/* What mteval-v13a does before it looks for words. */
static void unescape_13a(char *text, size_t *len)
{
    static const char *const pairs[][2] = {{"<skipped>", ""}, {"-\n", ""},    {"\n", " "},
                                           {"&quot;", "\""},  {"&amp;", "&"}, {"&lt;", "<"},
                                           {"&gt;", ">"}};

    while (*len > 0 && aglm_text_blank((unsigned char)text[*len - 1]))
        --*len;
    for (size_t i = 0; i < sizeof pairs / sizeof *pairs; i++)
        replace(text, len, pairs[i][0], pairs[i][1]);
}

static bool ascii_mark(uint32_t c)
{
    return c < 0x80 && aglm_cp_is_punct(c);
}

/* SQuAD v1.1's normalize_answer but for the articles. */
static aglm_rc squad_form(aglm_symbols *to, const aglm_symbols *text)
{
    aglm_rc rc = AGLM_OK;

    for (size_t i = 0; i < text->n && rc == AGLM_OK; i++)
        if (!ascii_mark(text->at[i]))
            rc = aglm_symbols_push(to, aglm_cp_lower(text->at[i]));
    return rc;
}

static bool cmrc_dropped(uint32_t c)
{
    static const uint32_t marks[] = {
        '-',    ':',    '_',    '*',    '^',    '/',    '\\',   '~',    '`',    '+',    '=',
        0xFF0C, 0x3002, 0xFF1A, 0xFF1F, 0xFF01, 0x201C, 0x201D, 0xFF1B, 0x2019, 0x300A, 0x300B,
        0x2026, 0xB7,   0x3001, 0x300C, 0x300D, 0xFF08, 0xFF09, 0xFF0D, 0xFF5E, 0x300E, 0x300F};

    for (size_t i = 0; i < sizeof marks / sizeof *marks; i++)
        if (marks[i] == c)
            return true;
    return false;
}

/* Does the run of other scripts end here, closing marks and blanks aside? */
static bool run_ends(const aglm_symbols *text, size_t i)
{
    for (; i < text->n; i++) {
        uint32_t c = text->at[i];
        if (between(c, 0x4E00, 0x9FA5))
            return true;
        if (!cmrc_dropped(c) && !aglm_text_blank(c) &&
            !(c < 0x80 && c && strchr("])}>\"'", (int)c)))
            return false;
    }
    return true;
}

/* Marks that the Treebank's rules set apart inside a word of other scripts. */
static bool treebank_apart(const aglm_symbols *text, size_t i)
{
    uint32_t c = text->at[i];
    uint32_t next = i + 1 < text->n ? text->at[i + 1] : ' ';

    if (c == ',')
        return !digit(next);
    if (c == '.')
        return run_ends(text, i + 1);
    if (between(c, 0x2012, 0x2015)) /* dashes */
        return true;
    return c < 0x80 && c && strchr(";@#$%&?!()[]{}<>\"", (int)c);
}

static aglm_rc cmrc_form(aglm_symbols *to, const aglm_symbols *text)
{
    aglm_rc rc = AGLM_OK;

    for (size_t i = 0; i < text->n && rc == AGLM_OK; i++) {
        uint32_t c = aglm_cp_lower(text->at[i]);
        if (cmrc_dropped(c))
            continue;
        bool alone = between(c, 0x4E00, 0x9FA5) || treebank_apart(text, i);
        rc = push_blank(to, alone);
        if (rc == AGLM_OK)
            rc = aglm_symbols_push(to, c);
        if (rc == AGLM_OK)
            rc = push_blank(to, alone);
    }
    return rc;
}

static void drop_articles(aglm_symbols *s, size_t first, const aglm_map *words)
{
    size_t kept = first;

    for (size_t i = first; i < s->n; i++) {
        const char *w = aglm_map_key(words, s->at[i], NULL);
        if (strcmp(w, "a") != 0 && strcmp(w, "an") != 0 && strcmp(w, "the") != 0)
            s->at[kept++] = s->at[i];
    }
    s->n = kept;
}

static aglm_rc form_make(aglm_symbols *form, aglm_tokens how, const aglm_symbols *text)
{
    switch (how) {
    case AGLM_TOKENS_ROUGE:
        return rouge_form(form, text);
    case AGLM_TOKENS_13A:
    case AGLM_TOKENS_ZH:
        return bleu_form(form, text, how == AGLM_TOKENS_ZH);
    case AGLM_TOKENS_SQUAD:
        return squad_form(form, text);
    case AGLM_TOKENS_CMRC:
        break;
    }
    return cmrc_form(form, text);
}

static aglm_rc text_read(aglm_symbols *out, aglm_tokens how, const char *text, size_t len,
                         aglm_error *err)
{
    char *copy;
    aglm_rc rc;

    if (how != AGLM_TOKENS_13A)
        return aglm_symbols_read(out, text, len, true, err);
    copy = aglm_strndup(text, len);
    if (!copy)
        return aglm_error_set(err, AGLM_NOMEM, "out of memory");
    unescape_13a(copy, &len);
    rc = aglm_symbols_read(out, copy, len, true, err);
    free(copy);
    return rc;
}

aglm_rc aglm_tokens_read(aglm_symbols *out, aglm_map *words, aglm_tokens how, const char *text,
                         size_t len, aglm_error *err)
{
    aglm_symbols line = {0}, form = {0};
    size_t first = out->n;
    aglm_rc rc = text_read(&line, how, text, len, err);

    if (rc == AGLM_OK && (rc = form_make(&form, how, &line)) != AGLM_OK)
        aglm_error_set(err, rc, "text of %zu bytes: %s", len, aglm_rc_text(rc));
    if (rc == AGLM_OK)
        rc = words_read(out, words, &form, err);
    if (rc == AGLM_OK && how == AGLM_TOKENS_SQUAD)
        drop_articles(out, first, words);
    aglm_symbols_clear(&line);
    aglm_symbols_clear(&form);
    return rc;
}

aglm_rc aglm_token_sets_init(aglm_token_sets *t, const aglm_text_answer *a, aglm_tokens how,
                             aglm_error *err)
{
    aglm_rc rc;

    *t = (aglm_token_sets){.words = aglm_map_new(AGLM_TEXT_MAX_WORDS, AGLM_TEXT_MAX_BYTES * 4)};
    t->refs = aglm_calloc(a->n_refs, sizeof *t->refs);
    if (!t->words || !t->refs)
        return aglm_error_set(err, AGLM_NOMEM, "out of memory");
    t->n_refs = a->n_refs;
    rc = aglm_tokens_read(&t->said, t->words, how, a->text, a->len, err);
    for (size_t r = 0; r < t->n_refs && rc == AGLM_OK; r++)
        rc = aglm_tokens_read(&t->refs[r], t->words, how, a->refs[r], strlen(a->refs[r]), err);
    return rc;
}

void aglm_token_sets_clear(aglm_token_sets *t)
{
    for (size_t r = 0; r < t->n_refs; r++)
        aglm_symbols_clear(&t->refs[r]);
    free(t->refs);
    aglm_symbols_clear(&t->said);
    aglm_map_free(t->words);
}
