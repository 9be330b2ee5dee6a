#include "num/dense.h"

#include <math.h>
#include <string.h>

typedef float v16 __attribute__((vector_size(64), may_alias));
typedef float v8 __attribute__((vector_size(32), may_alias));
typedef float v4 __attribute__((vector_size(16), may_alias));
typedef int32_t i16 __attribute__((vector_size(64), may_alias));
typedef int32_t i8 __attribute__((vector_size(32), may_alias));
typedef int32_t i4 __attribute__((vector_size(16), may_alias));
typedef int16_t h16 __attribute__((vector_size(32)));
typedef int16_t h8 __attribute__((vector_size(16)));
typedef int16_t h4 __attribute__((vector_size(8)));
typedef int8_t b16 __attribute__((vector_size(16)));
typedef int8_t b8 __attribute__((vector_size(8)));
typedef int8_t b4 __attribute__((vector_size(4)));

/* Loops of constant length must become straight code, or their arrays live on the stack. */
#if defined(__clang__)
#define UNROLL _Pragma("clang loop unroll(full)")
#else
#define UNROLL _Pragma("GCC unroll 8")
#endif

/* In steps that are single instructions: gcc 12 takes bytes apart one by one otherwise. */
#define WIDEN(bytes)                                                                               \
    __builtin_convertvector(__builtin_convertvector(__builtin_convertvector(bytes, VECH), VECI),   \
                            VEC)

#define LANES4(v) (((v)[0] + (v)[2]) + ((v)[1] + (v)[3]))
#define LOW(v) __builtin_shufflevector(v, v, 0, 1, 2, 3)
#define HIGH(v) __builtin_shufflevector(v, v, 4, 5, 6, 7)
#define LOW8(v) __builtin_shufflevector(v, v, 0, 1, 2, 3, 4, 5, 6, 7)
#define HIGH8(v) __builtin_shufflevector(v, v, 8, 9, 10, 11, 12, 13, 14, 15)

#define KERNEL_TABLE(text)                                                                         \
    {                                                                                              \
        .name = text,                                                                              \
        .dot = KERNEL(dot),                                                                        \
        .axpy = KERNEL(axpy),                                                                      \
        .scale = KERNEL(scale),                                                                    \
        .gather = KERNEL(gather),                                                                  \
        .gather_bytes = KERNEL(gather_bytes),                                                      \
        .scatter = KERNEL(scatter),                                                                \
        .matvec = KERNEL(matvec),                                                                  \
        .outer = KERNEL(outer),                                                                    \
        .softmax = KERNEL(softmax),                                                                \
        .max = KERNEL(max),                                                                        \
        .exp_sum = KERNEL(exp_sum),                                                                \
        .sigmoid = KERNEL(sigmoid),                                                                \
    }

/* SSE2 on x86-64, NEON on aarch64, plain code elsewhere. */
#define KERNEL(name) name##_portable
#define TARGET
#define VEC v4
#define VECI i4
#define VECB b4
#define VECH h4
#define VEC_N 4
static inline float sum_portable(const v4 *s)
{
    v4 v = (s[0] + s[2]) + (s[1] + s[3]);

    return LANES4(v);
}
#define REDUCE(s) sum_portable(s)
#include "num/dense_body.h"
static const aglm_kernels portable = KERNEL_TABLE("portable");
#undef KERNEL
#undef TARGET
#undef VEC
#undef VECI
#undef VECB
#undef VECH
#undef VEC_N
#undef REDUCE

#if defined(__x86_64__)
#define KERNEL(name) name##_avx2
#define TARGET __attribute__((target("avx2")))
#define VEC v8
#define VECI i8
#define VECB b8
#define VECH h8
#define VEC_N 8
TARGET static inline float sum_avx2(const v8 *s)
{
    v8 w = s[0] + s[1];
    v4 v = LOW(w) + HIGH(w);

    return LANES4(v);
}
#define REDUCE(s) sum_avx2(s)
#include "num/dense_body.h"
static const aglm_kernels avx2 = KERNEL_TABLE("avx2");
#undef KERNEL
#undef TARGET
#undef VEC
#undef VECI
#undef VECB
#undef VECH
#undef VEC_N
#undef REDUCE

#define KERNEL(name) name##_avx512
#define TARGET __attribute__((target("avx512f")))
#define VEC v16
#define VECI i16
#define VECB b16
#define VECH h16
#define VEC_N 16
TARGET static inline float sum_avx512(const v16 *s)
{
    v8 w = LOW8(*s) + HIGH8(*s);
    v4 v = LOW(w) + HIGH(w);

    return LANES4(v);
}
#define REDUCE(s) sum_avx512(s)
#include "num/dense_body.h"
static const aglm_kernels avx512 = KERNEL_TABLE("avx512");
#endif

const aglm_kernels *aglm_kernels_at(size_t i)
{
    const aglm_kernels *can[3] = {&portable};
    size_t n = 1;

#if defined(__x86_64__)
    if (__builtin_cpu_supports("avx2"))
        can[n++] = &avx2;
    if (__builtin_cpu_supports("avx512f"))
        can[n++] = &avx512;
#endif
    return i < n ? can[i] : NULL;
}

const aglm_kernels *aglm_kernels_best(void)
{
    const aglm_kernels *best = &portable;

    for (size_t i = 1; aglm_kernels_at(i); i++)
        best = aglm_kernels_at(i);
    return best;
}

/* x = m 2^e with m in [sqrt(1/2), sqrt(2)); ln m = 2 atanh(s), s = (m - 1) / (m + 1), |s| < 0.172:
 * ten terms suffice. */
static const double inverse_odd[] = {1.0,      1.0 / 3,  1.0 / 5,  1.0 / 7,  1.0 / 9,
                                     1.0 / 11, 1.0 / 13, 1.0 / 15, 1.0 / 17, 1.0 / 19};

/* frexp without the call for what is neither tiny nor infinite. */
static double split(double x, int *e)
{
    uint64_t u;
    double m;

    memcpy(&u, &x, sizeof u);
    int exponent = (int)(u >> 52); /* with the sign, which is 0 for a logarithm's argument */
    if (exponent < 1 || exponent > 2046)
        return frexp(x, e);
    *e = exponent - 1022;
    u = (u & 0x000fffffffffffffULL) | 0x3fe0000000000000ULL;
    memcpy(&m, &u, sizeof m);
    return m;
}

double aglm_log(double x)
{
    int e;
    double m = split(x, &e);

    if (m < 0.70710678118654752) {
        m *= 2;
        e--;
    }
    double s = (m - 1) / (m + 1);
    double q = s * s;
    double sum = 0;
    for (int k = 9; k >= 0; k--)
        sum = sum * q + inverse_odd[k];
    return 2 * s * sum + e * 0.69314718055994531;
}
