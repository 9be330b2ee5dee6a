#include <string.h>

#include "lm/prompt_cue.h"

#define LONGEST_GAP 40
#define NOWHERE SIZE_MAX

static bool is_word_byte(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9');
}

static bool ends_word(const aglm_prompt_reading *r, size_t at)
{
    return at == 0 || at >= r->n || !is_word_byte(r->text[at - 1]) || !is_word_byte(r->text[at]);
}

static bool ends_clause(const aglm_prompt_reading *r, size_t at)
{
    return at >= r->n || strchr(".,;:!?\n)", r->text[at]);
}

static size_t match_at(const aglm_prompt_reading *r, size_t at, const char *p, const char *end);

static size_t match_gap(const aglm_prompt_reading *r, size_t at, const char *p, const char *end)
{
    for (size_t i = at; i <= at + LONGEST_GAP && i < r->n && r->text[i] != '\n'; i++) {
        size_t stop = match_at(r, i, p, end);
        if (stop != NOWHERE)
            return stop;
    }
    return NOWHERE;
}

/* Offset behind what p[..end) matches at `at`, NOWHERE when it does not. */
static size_t match_at(const aglm_prompt_reading *r, size_t at, const char *p, const char *end)
{
    if (p < end && is_word_byte(*p) && !ends_word(r, at))
        return NOWHERE;
    for (; p < end; p++) {
        if (*p == '*')
            return match_gap(r, at, p + 1, end);
        if (*p == '~')
            return at;
        if (*p == '$')
            return ends_clause(r, at) ? at : NOWHERE;
        if (*p == '@')
            at = at < r->n && r->language[at] ? at + r->language[at] : NOWHERE;
        else
            at = at < r->n && r->text[at] == *p ? at + 1 : NOWHERE;
        if (at == NOWHERE)
            return at;
    }
    return is_word_byte(end[-1]) && !ends_word(r, at) ? NOWHERE : at;
}

/* How much of the pattern stands for itself, at its beginning. */
static size_t literal_part(const char *p, const char *end)
{
    size_t n = 0;

    while (p + n < end && !strchr("*~$@", p[n]))
        n++;
    return n;
}

/* The next place at or behind `at` where the pattern may begin; r->n: none. */
static size_t next_place(const aglm_prompt_reading *r, size_t at, const char *p, size_t literal)
{
    if (literal == 0) { /* the name of a language */
        while (at < r->n && !r->language[at])
            at++;
        return at;
    }
    const char *found = memmem(r->text + at, r->n - at, p, literal);
    return found ? (size_t)(found - r->text) : r->n;
}

bool aglm_prompt_cue_find(const aglm_prompt_reading *r, const char *pattern, size_t len,
                          aglm_prompt_match *out)
{
    const char *end = pattern + len;
    const bool anchored = len && *pattern == '^';

    *out = (aglm_prompt_match){0};
    pattern += anchored;
    const size_t literal = literal_part(pattern, end);
    if (pattern == end || !aglm_prompt_may_hold(r, pattern, literal))
        return false;
    for (size_t at = 0; at < r->n && out->percent < 100; at++) {
        at = next_place(r, at, pattern, literal);
        if (at >= r->n || r->weight[at] <= out->percent || (anchored && !r->begins[at]))
            continue;
        size_t stop = match_at(r, at, pattern, end);
        if (stop != NOWHERE)
            *out = (aglm_prompt_match){at, stop - at, r->weight[at]};
    }
    return out->percent > 0;
}
