#include <math.h>
#include <string.h>

#include "learn/linear_priv.h"

#if defined(__x86_64__)
#include <immintrin.h>
#endif

/* Logits of documents whose known features are found. The sums are made in the same order by every
 * kernel, so a document has the same logits on every machine. */

#define BLOCK 32 /* vectors summed side by side in registers */
#define GROUP 8  /* of them in one register */

#define INLINE static inline __attribute__((always_inline))

size_t aglm_linear_sum_size(const aglm_linear_model *m)
{
    return (m->n_vectors + BLOCK - 1) / BLOCK * BLOCK;
}

void aglm_linear_weigh(const aglm_linear_model *m, const aglm_linear_entries *e)
{
    size_t i = 0;

    for (unsigned g = 0; g < AGLM_FEATURES_GROUPS; g++) {
        size_t first = i;
        float norm2 = 0;
        for (; i < e->group_end[g]; i++) {
            float v = aglm_linear_tf(m->params.weighting, g, e->count[i]) *
                      aglm_half_unpack(m->row[e->row[i]].scale);
            e->value[i] = v;
            norm2 += v * v;
        }
        float factor = norm2 > 0 ? m->params.group_scale[g] / sqrtf(norm2) : 0;
        for (size_t j = first; j < i; j++)
            e->value[j] *= factor;
    }
}

INLINE float integer_weight(const aglm_linear_model *m, size_t at)
{
    return m->weight_bytes == 2 ? ((const int16_t *)m->weights)[at]
                                : ((const int8_t *)m->weights)[at];
}

static void add_plain(const aglm_linear_model *m, const aglm_linear_entries *e, float *sum)
{
    memset(sum, 0, m->n_vectors * sizeof *sum);
    for (size_t i = 0; i < e->group_end[AGLM_FEATURES_GROUPS - 1]; i++) {
        size_t at = (size_t)e->row[i] * m->n_vectors;
        for (size_t k = 0; k < m->n_vectors; k++)
            sum[k] += e->value[i] * integer_weight(m, at + k);
    }
}

#if defined(__x86_64__)
#define AVX2 __attribute__((target("avx2")))

AVX2 INLINE __m256 load_group(const aglm_linear_model *m, size_t at)
{
    __m256i w;

    if (m->weight_bytes == 2)
        w = _mm256_cvtepi16_epi32(
            _mm_loadu_si128((const void *)((const int16_t *)m->weights + at)));
    else
        w = _mm256_cvtepi8_epi32(_mm_loadu_si64((const int8_t *)m->weights + at));
    return _mm256_cvtepi32_ps(w);
}

/* sum[0 .. groups * GROUP) = value * weights of vectors k ..., over the entries. Lanes past the
 * last vector read the next row or the slack behind the last; nobody looks at them. */
AVX2 INLINE void add_block(const aglm_linear_model *m, const aglm_linear_entries *e, size_t k,
                           size_t groups, float *sum)
{
    size_t n = e->group_end[AGLM_FEATURES_GROUPS - 1];
    __m256 acc[BLOCK / GROUP];

#pragma GCC unroll 4
    for (size_t g = 0; g < groups; g++)
        acc[g] = _mm256_setzero_ps();
    for (size_t i = 0; i < n; i++) {
        size_t at = (size_t)e->row[i] * m->n_vectors + k;
        __m256 v = _mm256_set1_ps(e->value[i]);
#pragma GCC unroll 4
        for (size_t g = 0; g < groups; g++)
            acc[g] = _mm256_add_ps(acc[g], _mm256_mul_ps(v, load_group(m, at + g * GROUP)));
    }
#pragma GCC unroll 4
    for (size_t g = 0; g < groups; g++)
        _mm256_storeu_ps(sum + g * GROUP, acc[g]);
}

AVX2 static void add_avx2(const aglm_linear_model *m, const aglm_linear_entries *e, float *sum)
{
    for (size_t k = 0; k < m->n_vectors; k += BLOCK) {
        size_t left = m->n_vectors - k;
        if (left <= GROUP)
            add_block(m, e, k, 1, sum + k);
        else if (left <= 2 * GROUP)
            add_block(m, e, k, 2, sum + k);
        else
            add_block(m, e, k, 4, sum + k);
    }
}
#endif

/* Integer weights: each row has its own step. */
static void sum_vectors(const aglm_linear_model *m, const aglm_linear_entries *e, float *sum,
                        float *out)
{
    for (size_t i = 0; i < e->group_end[AGLM_FEATURES_GROUPS - 1]; i++)
        e->value[i] *= aglm_half_unpack(m->row[e->row[i]].weight);
#if defined(__x86_64__)
    if (!m->plain && __builtin_cpu_supports("avx2"))
        add_avx2(m, e, sum);
    else
        add_plain(m, e, sum);
#else
    add_plain(m, e, sum);
#endif
    for (size_t k = 0; k < m->n_vectors; k++)
        out[k] = m->bias[k] + m->unit * sum[k];
}

static float sum_one(const aglm_linear_model *m, const aglm_linear_entries *e)
{
    float even = 0, odd = 0;
    size_t n = e->group_end[AGLM_FEATURES_GROUPS - 1];

    for (size_t i = 0; i + 1 < n; i += 2) {
        even += e->value[i] * aglm_half_unpack(m->row[e->row[i]].weight);
        odd += e->value[i + 1] * aglm_half_unpack(m->row[e->row[i + 1]].weight);
    }
    if (n % 2)
        even += e->value[n - 1] * aglm_half_unpack(m->row[e->row[n - 1]].weight);
    return m->bias[0] + m->unit * (even + odd);
}

void aglm_linear_logits(const aglm_linear_model *m, const aglm_linear_entries *e, float *sum,
                        float *logits)
{
    aglm_linear_weigh(m, e);
    if (m->n_vectors > 1) {
        sum_vectors(m, e, sum, logits);
        return;
    }
    float one = sum_one(m, e);
    bool pair = m->base.n_labels == 2;
    logits[0] = pair ? -0.5f * one : one;
    if (pair)
        logits[1] = 0.5f * one;
}

float aglm_linear_weight(const aglm_linear_model *m, uint32_t row, uint32_t label)
{
    bool pair = m->n_vectors != m->base.n_labels; /* one vector for two labels */
    float sign = pair ? (label == 1 ? 0.5f : -0.5f) : 1.0f;
    size_t at = (size_t)row * m->n_vectors + label;

    if (row == m->n_features)
        return sign * m->bias[pair ? 0 : label];
    float step = sign * m->unit * aglm_half_unpack(m->row[row].weight);
    if (m->weight_bytes == 0)
        return step;
    return step * (float)(m->weight_bytes == 2 ? ((const int16_t *)m->weights)[at]
                                               : ((const int8_t *)m->weights)[at]);
}
