/* lm/answerer_priv.h - the parts of an answerer: how it looks (form), what it holds (model), how it
 * asks.
 * Threads: as lm/answerer.h. */
#ifndef AGLM_LM_ANSWERER_PRIV_H
#define AGLM_LM_ANSWERER_PRIV_H

#include "lm/answerer.h"

#define AGLM_ANSWERER_MAX_PROMPT ((size_t)1 << 20) /* bytes */
#define AGLM_ANSWERER_STOPS 3

enum {
    AGLM_ANSWER_LAYOUT,
    AGLM_ANSWER_INSTRUCTION,
    AGLM_ANSWER_SHOTS,
    AGLM_ANSWER_CHOICE,
    AGLM_ANSWER_DRAW,
    AGLM_ANSWER_STEPS,
    AGLM_ANSWER_CHARS,
    AGLM_ANSWER_CUT,
    AGLM_ANSWER_TOKENS,
    AGLM_ANSWER_STOP,
    AGLM_ANSWER_N
};

typedef enum aglm_answer_layout {
    AGLM_LAYOUT_WORDS,   /* Context: ... Question: ... Answer: */
    AGLM_LAYOUT_INPUT,   /* Input: ... Output: */
    AGLM_LAYOUT_COLUMNS, /* the columns' names */
    AGLM_LAYOUT_ARROW,
    AGLM_LAYOUT_CHAT, /* the model's template: the instruction once, an example a turn */
    AGLM_LAYOUT_ASK   /* the same, the instruction with every question */
} aglm_answer_layout;

typedef enum aglm_answer_stop { AGLM_STOP_NONE, AGLM_STOP_BLANK, AGLM_STOP_LINE } aglm_answer_stop;

typedef struct aglm_answer_params {
    aglm_answer_layout layout;
    size_t instruction; /* 0 none, 1 brief, 2 full, 3 the user's */
    size_t shots;
    bool alike; /* examples by likeness to what is asked */
    uint64_t draw;
    bool bare;        /* examples show the bare answer */
    size_t max_chars; /* of a field */
    bool near;        /* of a long field, the part most like what is asked */
    size_t tokens;    /* 0 as long as most answers, 1 as the longest, 2 twice that */
    aglm_answer_stop stop;
} aglm_answer_params;

/* An example as it is kept: the fields before they are cut. */
typedef struct aglm_answer_example {
    char *field[AGLM_EXAMPLE_FIELDS];
    char *answer;
} aglm_answer_example;

struct aglm_answerer {
    aglm_model base;
    char *file;
    uint64_t file_bytes; /* of it: another file of that name is refused */
    size_t n_fields;
    char *name[AGLM_EXAMPLE_FIELDS];
    char *label[AGLM_EXAMPLE_FIELDS];  /* before each field */
    char *head, *before, *after, *end; /* see lm/answerer.h; end: of an example */
    char *gap;                         /* before the answer of an example: a blank or nothing */
    char *last;                        /* after the fields of what is asked, instead of `after` */
    uint64_t max_chars;
    bool near;
    uint64_t shots;
    bool alike;
    aglm_answer_example *pool; /* alike: what is chosen from; else the examples in their order */
    size_t n_pool;
    uint64_t max_tokens;
    char *stop[AGLM_ANSWERER_STOPS];
    size_t n_stops;
};

aglm_answer_params aglm_answer_read(const double *values, const aglm_answer_shape *shape);
/* Fills the texts around fields and answers, and the stop words. */
aglm_rc aglm_answer_form(aglm_answerer *a, const aglm_answer_params *p, const aglm_answer_source *s,
                         aglm_error *err);

/* Appends at most max code points of text, the part most like `query` when near; line ends stay. */
void aglm_answer_cut(aglm_str *out, const char *text, size_t max, bool near, const char *query);

aglm_rc aglm_answerer_save(const aglm_model *m, aglm_str *out, aglm_error *err);
aglm_rc aglm_answerer_load(aglm_model **out, const void *bytes, size_t n, aglm_error *err);
aglm_rc aglm_answerer_file_size(const char *path, uint64_t *bytes, aglm_error *err);

#endif
