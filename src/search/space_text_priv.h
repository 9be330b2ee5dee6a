/* search/space_text_priv.h - the reader behind search/space_text.h: its place in the text, its
 * tokens, and the words that make distributions of numbers. Threads: confined. */
#ifndef AGLM_SEARCH_SPACE_TEXT_PRIV_H
#define AGLM_SEARCH_SPACE_TEXT_PRIV_H

#include "search/space.h"

/* A parameter as read, before it is added. */
struct aglm_found {
    const char *name;
    aglm_dist dist;
    aglm_prior prior;
    int parent; /* index of a found choice, -1 */
    uint64_t when;
};

struct aglm_text {
    const char *s;
    size_t n;
    size_t at;
    const char *param; /* what is being read, for messages */
    aglm_space *space;
    aglm_arena arena;
    struct aglm_found *found;
    size_t n_found;
    size_t cap;
    int parent; /* where items belong now */
    uint64_t when;
    unsigned depth;
    aglm_error *err;
};

/* AGLM_LIMIT (too long), AGLM_INVALID (not UTF-8, a NUL character). Clear it in any case. */
aglm_rc aglm_text_init(struct aglm_text *t, aglm_space *s, const char *text, size_t len,
                       aglm_error *err);
void aglm_text_clear(struct aglm_text *t);

/* AGLM_INVALID with the parameter and the character at byte `at`. */
aglm_rc aglm_text_fail(struct aglm_text *t, size_t at, const char *fmt, ...) AGLM_PRINTF(3, 4);
aglm_rc aglm_text_no_memory(struct aglm_text *t);
/* rc as it is, but the message of AGLM_INVALID gets parameter and character. */
aglm_rc aglm_text_made(struct aglm_text *t, size_t at, aglm_rc rc);
/* What stands there, for a message. */
const char *aglm_text_what(const struct aglm_text *t, char buf[16]);

/* All of these skip blanks first. */
void aglm_text_skip(struct aglm_text *t);
bool aglm_text_next_is(struct aglm_text *t, char c);
bool aglm_text_at_quote(struct aglm_text *t);
bool aglm_text_take(struct aglm_text *t, char c);
/* `then` tells where: "behind the numbers". */
aglm_rc aglm_text_expect(struct aglm_text *t, char c, const char *then);
/* A run of plain characters; 0 when there is none. */
size_t aglm_text_bare(struct aglm_text *t, const char **out);
/* 'text' or "text" at a quote; a backslash takes the next character as it is. */
aglm_rc aglm_text_quoted(struct aglm_text *t, const char **out);
/* A name or a text, quoted or bare, in the arena. */
aglm_rc aglm_text_word(struct aglm_text *t, const char *what, const char **out);

typedef struct aglm_text_number {
    double v;
    size_t at; /* where it stands */
} aglm_text_number;

/* A word that makes a distribution of numbers. */
typedef struct aglm_space_word {
    const char *name;
    const char *form; /* of its arguments */
    size_t least, most;
    bool log;
    aglm_rc (*make)(struct aglm_text *t, const struct aglm_space_word *w, const aglm_text_number *v,
                    size_t n, struct aglm_found *out);
} aglm_space_word;

/* NULL when there is none of that name. */
const aglm_space_word *aglm_space_word_find(const char *name);
/* AGLM_INVALID that lists the words. */
aglm_rc aglm_space_word_unknown(struct aglm_text *t, size_t start, const char *word);
/* number { "," number } ")" */
aglm_rc aglm_space_word_read(struct aglm_text *t, const aglm_space_word *w, struct aglm_found *out);

#endif
