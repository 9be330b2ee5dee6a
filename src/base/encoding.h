/* base/encoding.h - finding and converting the encoding of a file: UTF-8, GB18030 (GBK, GB2312),
 * UTF-16, Latin-1.
 * Threads: pure functions. */
#ifndef AGLM_BASE_ENCODING_H
#define AGLM_BASE_ENCODING_H

#include <stdbool.h>

#include "base/str.h"

typedef enum aglm_encoding {
    AGLM_ENC_AUTO,
    AGLM_ENC_UTF8,
    AGLM_ENC_GB18030,
    AGLM_ENC_UTF16LE,
    AGLM_ENC_UTF16BE,
    AGLM_ENC_LATIN1
} aglm_encoding;

const char *aglm_encoding_name(aglm_encoding e);
/* Takes the usual names (utf8, utf-8, gbk, gb2312, gb18030, utf-16, utf-16le, latin1, iso-8859-1,
 * auto), any case. */
bool aglm_encoding_from_name(const char *name, aglm_encoding *out);

/* What the bytes most likely are: a byte-order mark decides; valid UTF-8 is UTF-8; else GB18030
 * when it decodes whole and most of its two-byte pairs are common Han characters; else Latin-1.
 * bom_bytes gets the length of the mark to skip. `why` gets a constant sentence (the evidence).
 * complete = false when data is only the start of the input. */
aglm_encoding aglm_encoding_guess(const char *data, size_t n, bool complete, size_t *bom_bytes,
                                  const char **why);

/* Appends the UTF-8 form of data. AGLM_FORMAT names the byte offset of the first sequence that does
 * not decode. */
aglm_rc aglm_encoding_to_utf8(aglm_encoding from, const char *data, size_t n, aglm_str *out,
                              aglm_error *err);

#endif
