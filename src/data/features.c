#include "data/features.h"

#include <stdlib.h>

#include "base/hash.h"
#include "base/memory.h"
#include "base/utf8.h"

#define MAX_TEXT_BYTES ((size_t)4 << 20)
#define MAX_FEATURES ((size_t)4 << 20)
#define MAX_ORDER 8 /* features that may start at one place, in one group */

/* A code point of the folded text carries its class in the bits above its 21. */
enum kind { SPACE, LETTER, MARK, EMOJI, CJK, DROPPED };
#define CP_BITS 21
#define CP_MASK (((uint32_t)1 << CP_BITS) - 1)
#define APOSTROPHE (((uint32_t)MARK << CP_BITS) | '\'')
#define BLANK ' '
#define EDGE_BEGIN 0x110000 /* no code points, so that no text can forge an edge */
#define EDGE_END 0x110001

/* Code points below this are looked up; it covers Latin, Greek, Cyrillic, Hebrew and Arabic. */
#define TABLE_SIZE 0x800

/* Starting values that keep the groups and the kinds of tokens apart. Part of the bundle format. */
#define SALT_WORD 0x9e3779b97f4a7c15ULL
#define SALT_CHAR 0xc2b2ae3d27d4eb4fULL
#define SALT_TEXT 0x165667b19e3779f9ULL
#define SALT_PREFIX 0x27d4eb2f165667c5ULL
#define SALT_SUFFIX 0xd6e8feb86659fd93ULL
#define SALT_SHAPE 0x85ebca77c2b2ae63ULL

typedef struct token {
    uint32_t begin, end; /* code points; both the same for the edges of the text */
    uint64_t hash;
} token;

/* The folded text is cp[1..n_cp]; cp[0] and cp[n_cp + 1] are for its edges. */
struct aglm_extractor {
    aglm_feature_options opt;
    bool spans;
    bool has_cjk;
    uint32_t *cp;  /* class and folded code point */
    uint32_t *pos; /* byte where it begins; n_cp + 3 in all */
    size_t n_cp, cap_cp, cap_pos;
    token *tok;
    size_t n_tok, cap_tok;
    uint64_t *hash;
    uint32_t *begin, *end;
    size_t n, cap_hash, cap_begin, cap_end;
    uint32_t table[TABLE_SIZE];
};

static bool is_emoji(uint32_t c)
{
    return (c >= 0x2600 && c <= 0x27BF) || (c >= 0x1F000 && c <= 0x1FAFF);
}

/* Currency, arrows, mathematics and shapes, beside what counts as punctuation. */
static bool is_symbol(uint32_t c)
{
    return (c >= 0xA1 && c <= 0xBF && c != 0xAA && c != 0xB5 && c != 0xBA) || c == 0xD7 ||
           c == 0xF7 || (c >= 0x20A0 && c <= 0x20CF) || (c >= 0x2190 && c <= 0x25FF) ||
           (c >= 0x27C0 && c <= 0x2BFF);
}

/* Marks without a shape: byte-order mark, zero-width blanks and joiners, variation selectors. */
static bool is_dropped(uint32_t c)
{
    return c == 0xFEFF || (c >= 0x200B && c <= 0x200F) || (c >= 0x2060 && c <= 0x2064) ||
           (c >= 0xFE00 && c <= 0xFE0F) || c == 0xAD;
}

static enum kind class_of(uint32_t c)
{
    if (is_dropped(c))
        return DROPPED;
    if (aglm_cp_is_cjk(c))
        return CJK;
    if (c < 0x20 || c == 0x7F || aglm_cp_is_space(c))
        return SPACE;
    if (is_emoji(c))
        return EMOJI;
    if (aglm_cp_is_punct(c) || is_symbol(c))
        return MARK;
    return LETTER;
}

static uint32_t classify(uint32_t c, bool lower)
{
    c = c == 0x2019 ? '\'' : aglm_cp_fold_width(c);
    if (lower)
        c = aglm_cp_lower(c);
    return ((uint32_t)class_of(c) << CP_BITS) | c;
}

static enum kind class_at(const aglm_extractor *x, size_t i)
{
    return (enum kind)(x->cp[i] >> CP_BITS);
}

/* Common Han characters make up most of Chinese text and need no folding. */
static uint32_t lookup(const aglm_extractor *x, uint32_t c)
{
    if (c < TABLE_SIZE)
        return x->table[c];
    if (c >= 0x4E00 && c <= 0x9FFF)
        return ((uint32_t)CJK << CP_BITS) | c;
    return classify(c, x->opt.lower);
}

static aglm_rc check_options(const aglm_feature_options *o, aglm_error *err)
{
    if (o->word_n > 5)
        return aglm_error_set(err, AGLM_INVALID, "word_n: %u is over 5", o->word_n);
    if (o->cjk_n > 5)
        return aglm_error_set(err, AGLM_INVALID, "cjk_n: %u is over 5", o->cjk_n);
    if (o->prefix_n > 5)
        return aglm_error_set(err, AGLM_INVALID, "prefix_n: %u is over 5", o->prefix_n);
    if (o->suffix_n > 5)
        return aglm_error_set(err, AGLM_INVALID, "suffix_n: %u is over 5", o->suffix_n);
    if (o->char_max > MAX_ORDER)
        return aglm_error_set(err, AGLM_INVALID, "char_max: %u is over %d", o->char_max, MAX_ORDER);
    if (o->char_max && (o->char_min < 1 || o->char_min > o->char_max))
        return aglm_error_set(err, AGLM_INVALID, "char_min: %u is not within 1..char_max (%u)",
                              o->char_min, o->char_max);
    if (!o->word_n && !o->char_max && !o->cjk_n)
        return aglm_error_set(err, AGLM_INVALID,
                              "word_n, char_max and cjk_n are all 0: no features");
    return AGLM_OK;
}

aglm_rc aglm_extractor_new(aglm_extractor **out, const aglm_feature_options *options, bool spans,
                           aglm_error *err)
{
    *out = NULL;
    aglm_rc rc = check_options(options, err);
    if (rc)
        return rc;
    aglm_extractor *x = aglm_calloc(1, sizeof *x);
    if (!x)
        return aglm_error_set(err, AGLM_NOMEM, "feature extractor: out of memory");
    x->opt = *options;
    x->spans = spans;
    for (uint32_t c = 0; c < TABLE_SIZE; c++)
        x->table[c] = classify(c, options->lower);
    *out = x;
    return AGLM_OK;
}

void aglm_extractor_free(aglm_extractor *x)
{
    if (!x)
        return;
    free(x->cp);
    free(x->pos);
    free(x->tok);
    free(x->hash);
    free(x->begin);
    free(x->end);
    free(x);
}

/* White space becomes one blank, none at either end. */
static void fold_text(aglm_extractor *x, const char *text, size_t len)
{
    size_t n = 0;

    x->has_cjk = false;
    x->cp[0] = BLANK;
    for (size_t i = 0, step = 1; i < len; i += step) {
        uint32_t c = (unsigned char)text[i];
        step = c < 0x80 ? 1 : aglm_utf8_decode(text + i, len - i, &c);
        uint32_t v = lookup(x, c);
        enum kind k = (enum kind)(v >> CP_BITS);
        if (k == SPACE)
            v = BLANK;
        if (k == DROPPED || (v == BLANK && x->cp[n] == BLANK))
            continue;
        x->has_cjk |= k == CJK;
        x->cp[++n] = v;
        x->pos[n] = (uint32_t)i;
    }
    if (n > 0 && x->cp[n] == BLANK)
        n--;
    else
        x->pos[n + 1] = (uint32_t)len;
    x->n_cp = n;
    x->cp[n + 1] = BLANK;
    x->pos[0] = x->pos[1];
    x->pos[n + 2] = x->pos[n + 1];
}

static uint64_t hash_step(uint64_t h, uint64_t v)
{
    h = (h ^ v) * 0x9fb21c651e98df25ULL;
    return h ^ (h >> 32);
}

static void add_token(aglm_extractor *x, size_t begin, size_t end, uint64_t hash)
{
    x->tok[x->n_tok++] = (token){(uint32_t)begin, (uint32_t)end, hash};
}

/* Letters and digits from i on, with single apostrophes between them; adds the word and returns its
 * end. */
static size_t take_word(aglm_extractor *x, size_t i)
{
    size_t begin = i;
    uint64_t h = SALT_WORD;

    for (;; i++) {
        bool joins = x->cp[i] == APOSTROPHE && class_at(x, i + 1) == LETTER;
        if (class_at(x, i) != LETTER && !joins)
            break;
        h = hash_step(h, x->cp[i] & CP_MASK);
    }
    add_token(x, begin, i, h);
    return i;
}

/* The next token from i on, if one begins there; returns where to go on. */
static size_t take_token(aglm_extractor *x, size_t i)
{
    enum kind k = class_at(x, i);

    if (k == LETTER)
        return take_word(x, i);
    if (k == CJK || k == EMOJI || (k == MARK && x->opt.punct))
        add_token(x, i, i + 1, hash_step(SALT_WORD, x->cp[i] & CP_MASK));
    return i + 1;
}

static void find_tokens(aglm_extractor *x)
{
    bool edges = x->opt.edges && x->n_cp;

    x->n_tok = 0;
    if (edges)
        add_token(x, 1, 1, hash_step(SALT_WORD, EDGE_BEGIN));
    for (size_t i = 1; i <= x->n_cp;)
        i = take_token(x, i);
    if (edges)
        add_token(x, x->n_cp + 1, x->n_cp + 1, hash_step(SALT_WORD, EDGE_END));
}

static bool is_edge(const token *t)
{
    return t->begin == t->end;
}

static bool is_cjk(const aglm_extractor *x, const token *t)
{
    return x->has_cjk && !is_edge(t) && class_at(x, t->begin) == CJK;
}

static void emit(aglm_extractor *x, uint64_t hash, size_t begin, size_t end)
{
    if (x->spans) {
        x->begin[x->n] = x->pos[begin];
        x->end[x->n] = x->pos[end];
    }
    x->hash[x->n++] = aglm_mix64(hash);
}

static bool has_room(const aglm_extractor *x)
{
    return x->n + MAX_ORDER <= x->cap_hash;
}

/* Where CJK has n-grams of its own, word n-grams do not reach over it. */
static void emit_words(aglm_extractor *x)
{
    const bool gaps = x->has_cjk && x->opt.cjk_n;

    for (size_t i = 0; i < x->n_tok && has_room(x); i++) {
        const token *t = &x->tok[i];
        uint64_t h = SALT_WORD;
        for (size_t k = 0; k < x->opt.word_n && i + k < x->n_tok; k++) {
            if (gaps && is_cjk(x, &t[k]))
                break;
            h = hash_step(h, t[k].hash);
            if (k > 0 || !is_edge(t))
                emit(x, h, t->begin, t[k].end);
        }
    }
}

static size_t smaller(size_t a, size_t b)
{
    return a < b ? a : b;
}

/* n-grams of one word with a blank at each end, as scikit-learn's analyzer char_wb. */
static void emit_word_chars(aglm_extractor *x, const token *t)
{
    const size_t first = t->begin - 1;
    const size_t past = (size_t)t->end + 1;
    const size_t min = smaller(x->opt.char_min, past - first);

    for (size_t i = first; i + min <= past && has_room(x); i++) {
        const size_t stop = smaller(i + x->opt.char_max, past);
        const size_t begin = i == first ? t->begin : i;
        uint64_t h = SALT_CHAR;
        for (size_t k = i; k < stop; k++) {
            bool blank = k == first || k == t->end;
            h = hash_step(h, blank ? BLANK : x->cp[k] & CP_MASK);
            if (k + 1 - i >= min)
                emit(x, h, begin, smaller(k + 1, t->end));
        }
    }
}

/* n-grams over the whole text, blanks and marks included. `before` and `after` stand at its edges.
 */
static void emit_text_chars(aglm_extractor *x, uint64_t salt, size_t min, size_t max,
                            uint32_t before, uint32_t after)
{
    const size_t first = before ? 0 : 1;
    const size_t past = x->n_cp + (after ? 2 : 1);

    if (!x->n_cp)
        return;
    x->cp[0] = before;
    x->cp[x->n_cp + 1] = after;
    for (size_t i = first; i < past && has_room(x); i++) {
        const size_t stop = smaller(i + max, past);
        uint64_t h = salt;
        for (size_t k = i; k < stop; k++) {
            h = hash_step(h, x->cp[k] & CP_MASK);
            if (k + 1 - i >= min && (k > i || (k > 0 && k <= x->n_cp)))
                emit(x, h, i, k + 1);
        }
    }
}

static void emit_chars(aglm_extractor *x)
{
    if (!x->opt.char_max)
        return;
    if (x->opt.char_across) {
        emit_text_chars(x, SALT_CHAR, x->opt.char_min, x->opt.char_max, BLANK, BLANK);
        return;
    }
    for (size_t i = 0; i < x->n_tok; i++)
        if (!is_edge(&x->tok[i]) && !is_cjk(x, &x->tok[i]))
            emit_word_chars(x, &x->tok[i]);
}

/* Over the whole text and not over runs of Han characters only: on Chinese headlines that gains
 * half a point. */
static void emit_cjk(aglm_extractor *x)
{
    const bool only = !x->opt.word_n && !x->opt.char_max;

    if (!x->opt.cjk_n || (!x->has_cjk && !only))
        return;
    emit_text_chars(x, SALT_TEXT, 1, x->opt.cjk_n, x->opt.edges ? EDGE_BEGIN : 0,
                    x->opt.edges ? EDGE_END : 0);
}

static void emit_prefix(aglm_extractor *x)
{
    uint64_t h = SALT_PREFIX;
    size_t n = 0;

    for (size_t i = 0; i < x->n_tok && n < x->opt.prefix_n && has_room(x); i++) {
        if (is_edge(&x->tok[i]))
            continue;
        h = hash_step(h, x->tok[i].hash);
        emit(x, h, 1, x->tok[i].end);
        n++;
    }
}

static void emit_suffix(aglm_extractor *x)
{
    uint64_t h = SALT_SUFFIX;
    size_t n = 0;

    for (size_t i = x->n_tok; i > 0 && n < x->opt.suffix_n && has_room(x); i--) {
        if (is_edge(&x->tok[i - 1]))
            continue;
        h = hash_step(h, x->tok[i - 1].hash);
        emit(x, h, x->tok[i - 1].begin, x->n_cp + 1);
        n++;
    }
}

/* floor(log2(v)), v > 0 */
static unsigned log2_floor(uint64_t v)
{
    return 63U - (unsigned)__builtin_clzll(v);
}

typedef struct shape {
    uint64_t runs; /* of letters, digits and CJK, and single marks */
    uint64_t digits, capitals, exclaims;
} shape;

static shape measure(const aglm_extractor *x, const char *text, size_t len)
{
    shape s = {0};
    bool inside = false;

    for (size_t i = 1; i <= x->n_cp; i++) {
        uint32_t c = x->cp[i] & CP_MASK;
        enum kind k = class_at(x, i);
        bool letter = k == LETTER || k == CJK;
        s.runs += (letter && !inside) || k == MARK || k == EMOJI;
        inside = letter;
        s.digits += c - '0' < 10;
        s.exclaims += c == '!';
    }
    for (size_t i = 0; i < len; i++)
        s.capitals += (unsigned char)(text[i] - 'A') < 26;
    return s;
}

static void emit_shape(aglm_extractor *x, const char *text, size_t len)
{
    if (!x->opt.shape || !has_room(x))
        return;
    const shape s = measure(x, text, len);
    const uint64_t runs = s.runs + 1;
    const uint64_t chars = x->n_cp + 1;
    const uint64_t bins[] = {log2_floor(runs * runs), log2_floor(chars * chars),
                             log2_floor(s.digits + 1), log2_floor(s.capitals + 1),
                             s.exclaims < 3 ? s.exclaims : 3};
    for (size_t k = 0; k < sizeof bins / sizeof bins[0]; k++)
        emit(x, hash_step(hash_step(SALT_SHAPE, k), bins[k]), 1, x->n_cp + 1);
}

static aglm_rc grow_text(aglm_extractor *x, size_t len, aglm_error *err)
{
    const size_t max = MAX_TEXT_BYTES + 4;

    if (aglm_grow(&x->cp, &x->cap_cp, len + 3, sizeof *x->cp, max) ||
        aglm_grow(&x->pos, &x->cap_pos, len + 3, sizeof *x->pos, max) ||
        aglm_grow(&x->tok, &x->cap_tok, len + 2, sizeof *x->tok, max))
        return aglm_error_set(err, AGLM_NOMEM, "features of %zu bytes of text: out of memory", len);
    return AGLM_OK;
}

/* The most features that the tokens can give, within the limit. */
static size_t bound_features(const aglm_extractor *x)
{
    const size_t orders = x->opt.char_max ? x->opt.char_max - x->opt.char_min + 1U : 0;
    const size_t need = x->n_tok * x->opt.word_n + (x->n_cp + 2 + 2 * x->n_tok) * orders +
                        (x->n_cp + 2) * x->opt.cjk_n + 3 * MAX_ORDER;
    return need < MAX_FEATURES ? need : MAX_FEATURES;
}

static aglm_rc grow_features(aglm_extractor *x, aglm_error *err)
{
    const size_t need = bound_features(x);

    if (aglm_grow(&x->hash, &x->cap_hash, need, sizeof *x->hash, MAX_FEATURES) ||
        (x->spans && (aglm_grow(&x->begin, &x->cap_begin, need, sizeof *x->begin, MAX_FEATURES) ||
                      aglm_grow(&x->end, &x->cap_end, need, sizeof *x->end, MAX_FEATURES))))
        return aglm_error_set(err, AGLM_NOMEM, "%zu features: out of memory", need);
    return AGLM_OK;
}

aglm_rc aglm_extractor_run(aglm_extractor *x, const char *text, size_t len, aglm_feature_list *out,
                           aglm_error *err)
{
    if (len > MAX_TEXT_BYTES)
        len = MAX_TEXT_BYTES;
    aglm_rc rc = grow_text(x, len, err);
    if (rc)
        return rc;
    fold_text(x, text, len);
    find_tokens(x);
    rc = grow_features(x, err);
    if (rc)
        return rc;
    x->n = 0;
    emit_words(x);
    out->group_end[AGLM_FEATURES_WORD] = x->n;
    emit_chars(x);
    out->group_end[AGLM_FEATURES_CHAR] = x->n;
    emit_cjk(x);
    out->group_end[AGLM_FEATURES_CJK] = x->n;
    emit_prefix(x);
    emit_suffix(x);
    out->group_end[AGLM_FEATURES_PREFIX] = x->n;
    emit_shape(x, text, len);
    out->group_end[AGLM_FEATURES_SHAPE] = x->n;
    out->hash = x->hash;
    out->n = x->n;
    out->begin = x->spans ? x->begin : NULL;
    out->end = x->spans ? x->end : NULL;
    return AGLM_OK;
}
