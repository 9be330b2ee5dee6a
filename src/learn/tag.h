/* learn/tag.h - looking up a tag among the few of a hash bucket.
 * Threads: pure functions. */
#ifndef AGLM_LEARN_TAG_H
#define AGLM_LEARN_TAG_H

#include <stddef.h>
#include <stdint.h>

#if defined(__SSE2__)
#include <emmintrin.h>
#endif

#define AGLM_NO_TAG UINT32_MAX
/* So many tags from the first of a bucket on are read whatever n is. */
#define AGLM_TAGS_READ 8

#if defined(__SSE2__)
/* Bit i: tag i is equal. */
static inline unsigned aglm_tag_mask(const uint32_t *tags, unsigned stride, uint32_t tag)
{
    const __m128i *at = (const void *)tags;
    __m128i wanted = _mm_set1_epi32((int)tag), low, high;

    if (stride == 1) {
        low = _mm_loadu_si128(at);
        high = _mm_loadu_si128(at + 1);
    } else {
        low = _mm_castps_si128(_mm_shuffle_ps(_mm_castsi128_ps(_mm_loadu_si128(at)),
                                              _mm_castsi128_ps(_mm_loadu_si128(at + 1)), 0x88));
        high = _mm_castps_si128(_mm_shuffle_ps(_mm_castsi128_ps(_mm_loadu_si128(at + 2)),
                                               _mm_castsi128_ps(_mm_loadu_si128(at + 3)), 0x88));
    }
    return (unsigned)_mm_movemask_ps(_mm_castsi128_ps(_mm_cmpeq_epi32(low, wanted))) |
           (unsigned)_mm_movemask_ps(_mm_castsi128_ps(_mm_cmpeq_epi32(high, wanted))) << 4;
}
#endif

/* Which of n tags, `stride` (1 or 2) numbers apart, is `tag`: the first, or AGLM_NO_TAG. A text's
 * features meet buckets of any size in any order, so branches on them would be mispredicted: eight
 * tags are compared at once. */
static inline uint32_t aglm_tag_find(const uint32_t *tags, unsigned stride, uint32_t n,
                                     uint32_t tag)
{
    uint32_t i = 0;

#if defined(__SSE2__)
    unsigned full = 1u << AGLM_TAGS_READ, valid = n < AGLM_TAGS_READ ? (1u << n) - 1 : full - 1;

    i = (uint32_t)__builtin_ctz((aglm_tag_mask(tags, stride, tag) & valid) | full);
    if (n <= AGLM_TAGS_READ)
        return i < AGLM_TAGS_READ ? i : AGLM_NO_TAG;
#endif
    for (; i < n; i++) {
        if (tags[(size_t)i * stride] == tag)
            return i;
    }
    return AGLM_NO_TAG;
}

#endif
