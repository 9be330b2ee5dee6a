/* data/text_overlap.h - what two texts have in common, as sequences of symbols (code points, or
 * numbers of words).
 * Threads: pure functions; a sequence is confined. */
#ifndef AGLM_DATA_TEXT_OVERLAP_H
#define AGLM_DATA_TEXT_OVERLAP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "autoglm/error.h"

#define AGLM_SYMBOLS_MAX ((size_t)1 << 22)
#define AGLM_CHRF_ORDER 6

typedef struct aglm_symbols {
    uint32_t *at;
    size_t n;
    size_t cap;
} aglm_symbols;

/* AGLM_LIMIT above AGLM_SYMBOLS_MAX, AGLM_NOMEM. A zeroed struct is empty. */
aglm_rc aglm_symbols_push(aglm_symbols *s, uint32_t symbol);
void aglm_symbols_clear(aglm_symbols *s);
/* Appends the code points of a text; without its blanks when so wished. */
aglm_rc aglm_symbols_read(aglm_symbols *s, const char *text, size_t len, bool blanks,
                          aglm_error *err);

/* Sum over the distinct n-grams of `said` of min(count there, largest count in any reference):
 * Papineni et al. 2002, the clipped count. Linear in the lengths. */
aglm_rc aglm_overlap_ngrams(size_t *matches, const aglm_symbols *said, const aglm_symbols *refs,
                            size_t n_refs, size_t order);
/* How many different n-grams. */
aglm_rc aglm_overlap_distinct(size_t *distinct, const aglm_symbols *s, size_t order);
/* Length of the longest common subsequence; AGLM_LIMIT when the product of the lengths is over
 * 2^32. */
aglm_rc aglm_overlap_subsequence(size_t *length, const aglm_symbols *a, const aglm_symbols *b);
/* Length of the longest run that both contain; linear in the lengths (suffix automaton of b). */
aglm_rc aglm_overlap_run(size_t *length, const aglm_symbols *a, const aglm_symbols *b);

/* n-grams of characters in what was said, in the reference, in both; Popovic 2015. Counts of many
 * texts may be added up. */
typedef struct aglm_chrf {
    double said[AGLM_CHRF_ORDER];
    double wanted[AGLM_CHRF_ORDER];
    double both[AGLM_CHRF_ORDER];
} aglm_chrf;
aglm_rc aglm_chrf_count(aglm_chrf *out, const aglm_symbols *said, const aglm_symbols *wanted);
/* F-score with beta 2 of the mean precision and recall over the orders that both have; 0..1. */
double aglm_chrf_score(const aglm_chrf *c);

#endif
