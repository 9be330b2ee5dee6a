#include "data/text_key.h"

#include "base/hash.h"
#include "base/utf8.h"

#define STEP 0x9fb21c651e98df25ULL

uint64_t aglm_text_key(const char *text, size_t len)
{
    uint64_t h = 0;
    size_t letters = 0;

    for (size_t i = 0; i < len;) {
        uint32_t c = (unsigned char)text[i];
        i += c < 0x80 ? 1 : aglm_utf8_decode(text + i, len - i, &c);
        c = aglm_cp_fold_width(c);
        if (c <= ' ' || aglm_cp_is_space(c) || aglm_cp_is_punct(c))
            continue;
        h = (h ^ aglm_cp_lower(c)) * STEP;
        h ^= h >> 32;
        letters++;
    }
    return letters ? aglm_mix64(h ^ letters) : aglm_hash64(text, len, 1);
}
