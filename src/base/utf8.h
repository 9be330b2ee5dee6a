/* base/utf8.h - UTF-8 by code point, and the width of text on a terminal.
 * Threads: pure functions. */
#ifndef AGLM_BASE_UTF8_H
#define AGLM_BASE_UTF8_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define AGLM_UTF8_BAD 0xFFFD

/* Decodes one code point of s[0..n), n > 0, into *cp and returns its bytes (1..4). An invalid byte
 * (also overlong forms, surrogates, > U+10FFFF) gives AGLM_UTF8_BAD and 1. Inline fast path for
 * ASCII is the caller's. */
size_t aglm_utf8_decode(const char *s, size_t n, uint32_t *cp);
/* Writes 1..4 bytes to out; an invalid code point is written as U+FFFD. */
size_t aglm_utf8_encode(uint32_t cp, char out[4]);
/* Offset of the first invalid byte, or n when all is valid. */
size_t aglm_utf8_check(const char *s, size_t n);
/* Bytes at the end (0..3) that begin a code point whose rest is not there yet. */
size_t aglm_utf8_open_tail(const char *s, size_t n);

/* Columns on a terminal: 2 for East Asian wide and full-width, 0 for combining marks and controls,
 * else 1 (Unicode 15). */
int aglm_cp_width(uint32_t cp);
size_t aglm_text_width(const char *s, size_t n);
/* Bytes of the longest prefix that fits into `columns`. */
size_t aglm_text_fit(const char *s, size_t n, size_t columns);

/* Han U+3400-9FFF, F900-FAFF, 20000-3FFFF, kana, Hangul, bopomofo */
bool aglm_cp_is_cjk(uint32_t cp);
bool aglm_cp_is_space(uint32_t cp); /* Unicode white space, U+3000 and U+FEFF included */
/* ASCII punctuation, general and CJK punctuation blocks, full-width forms of them */
bool aglm_cp_is_punct(uint32_t cp);
bool aglm_cp_is_digit(uint32_t cp); /* ASCII digits and their full-width forms */
/* Full-width ASCII U+FF01-FF5E to ASCII, U+3000 to a blank; others unchanged. */
uint32_t aglm_cp_fold_width(uint32_t cp);
/* Simple case folding for Latin, Greek, Cyrillic and Armenian (one code point to one). */
uint32_t aglm_cp_lower(uint32_t cp);

#endif
