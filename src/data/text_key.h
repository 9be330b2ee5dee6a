/* data/text_key.h - a number that texts share which differ in case, blanks and marks only.
 * Threads: pure functions. */
#ifndef AGLM_DATA_TEXT_KEY_H
#define AGLM_DATA_TEXT_KEY_H

#include <stddef.h>
#include <stdint.h>

/* Hash of the letters and digits of a text, case and width folded; of its bytes when it has none.
 * The same on every machine. */
uint64_t aglm_text_key(const char *text, size_t len);

#endif
