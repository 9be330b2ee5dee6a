/* num/dense_body.h - the kernels' one body, compiled by dense.c once for each instruction set.
 * Threads: see num/dense.h.
 * Wants KERNEL(name) to name a function, TARGET to set its instruction set, UNROLL before loops of
 * constant length, VEC for the vector of VEC_N floats with its twins VECI of 32-bit integers and
 * VECB of bytes, WIDEN(bytes) to make floats of bytes, and REDUCE(v) to sum an array of PARTS =
 * AGLM_LANES / VEC_N vectors as the tree ((lane + lane 8 further) + 4 further) + 2 + 1. */

#define PARTS (AGLM_LANES / VEC_N)

TARGET static inline const VEC *KERNEL(row)(const float *m, size_t r, size_t width)
{
    return (const VEC *)(m + r * width);
}

TARGET static float KERNEL(dot)(const float *x, const float *y, size_t width)
{
    const VEC *a = (const VEC *)x;
    const VEC *b = (const VEC *)y;
    VEC s[PARTS] = {0};

    for (size_t i = 0; i < width / VEC_N; i += PARTS)
        UNROLL for (size_t p = 0; p < PARTS; p++) s[p] += a[i + p] * b[i + p];
    return REDUCE(s);
}

TARGET static void KERNEL(axpy)(float *y, float a, const float *x, size_t width)
{
    VEC *to = (VEC *)y;
    const VEC *from = (const VEC *)x;

    for (size_t i = 0; i < width / VEC_N; i++)
        to[i] += a * from[i];
}

TARGET static void KERNEL(scale)(float *y, float a, size_t width)
{
    VEC *to = (VEC *)y;

    for (size_t i = 0; i < width / VEC_N; i++)
        to[i] *= a;
}

TARGET static inline void KERNEL(prefetch)(const float *row, size_t width)
{
    for (size_t i = 0; i < width; i += 16)
        __builtin_prefetch(row + i, 1);
}

/* `n` (a constant) vectors of a row stay in registers while the list goes by. */
TARGET static inline __attribute__((always_inline)) void KERNEL(gather_slice)(
    VEC *to, const float *table, const aglm_row_list *list, size_t width, size_t n)
{
    VEC s[8] = {0};

    for (size_t i = 0; i < list->n; i++) {
        const VEC *row = KERNEL(row)(table, list->row[i], width);
        float w = list->weight[i];
        UNROLL for (size_t k = 0; k < n; k++) s[k] += w * row[k];
    }
    UNROLL for (size_t k = 0; k < n; k++) to[k] = s[k];
}

TARGET static void KERNEL(gather)(float *y, const float *table, const aglm_row_list *list,
                                  size_t width)
{
    size_t n = width / VEC_N;
    size_t at = 0;

    for (size_t i = 0; i < list->n; i++)
        KERNEL(prefetch)(table + (size_t)list->row[i] * width, width);
    for (; at + 8 <= n; at += 8)
        KERNEL(gather_slice)((VEC *)y + at, table + at * VEC_N, list, width, 8);
    for (; at + 4 <= n; at += 4)
        KERNEL(gather_slice)((VEC *)y + at, table + at * VEC_N, list, width, 4);
    for (; at < n; at++)
        KERNEL(gather_slice)((VEC *)y + at, table + at * VEC_N, list, width, 1);
}

TARGET static inline __attribute__((always_inline)) void KERNEL(gather_byte_slice)(
    VEC *to, const aglm_byte_table *table, size_t from, const aglm_row_list *list, size_t n)
{
    VEC s[4] = {0};

    for (size_t i = 0; i < list->n; i++) {
        const int8_t *row = table->data + (size_t)list->row[i] * table->stride + from;
        float w = list->weight[i];
        UNROLL for (size_t k = 0; k < n; k++)
        {
            VECB bytes;
            __builtin_memcpy(&bytes, row + k * VEC_N, sizeof bytes);
            s[k] += w * WIDEN(bytes);
        }
    }
    UNROLL for (size_t k = 0; k < n; k++) to[k] = s[k];
}

TARGET static void KERNEL(gather_bytes)(float *y, const aglm_byte_table *table,
                                        const aglm_row_list *list)
{
    size_t n = AGLM_LANES_UP(table->width) / VEC_N;
    size_t at = 0;

    for (; at + 4 <= n; at += 4)
        KERNEL(gather_byte_slice)((VEC *)y + at, table, at * VEC_N, list, 4);
    for (; at < n; at++)
        KERNEL(gather_byte_slice)((VEC *)y + at, table, at * VEC_N, list, 1);
}

TARGET static void KERNEL(scatter)(float *table, const aglm_row_list *list, const float *g,
                                   size_t width)
{
    const VEC *from = (const VEC *)g;

    for (size_t i = 0; i < list->n; i++) {
        VEC *row = (VEC *)(table + (size_t)list->row[i] * width);
        float w = list->weight[i];
        for (size_t k = 0; k < width / VEC_N; k++)
            row[k] += w * from[k];
    }
}

/* Two rows at once hide the latency of the sums; each row's own order stays that of dot. */
TARGET static void KERNEL(matvec)(float *y, const float *m, size_t rows, const float *x,
                                  size_t width)
{
    const VEC *v = (const VEC *)x;
    size_t r = 0;

    for (; r + 4 <= rows; r += 4) {
        const VEC *m0 = KERNEL(row)(m, r, width), *m1 = KERNEL(row)(m, r + 1, width);
        const VEC *m2 = KERNEL(row)(m, r + 2, width), *m3 = KERNEL(row)(m, r + 3, width);
        VEC s0[PARTS] = {0}, s1[PARTS] = {0}, s2[PARTS] = {0}, s3[PARTS] = {0};
        for (size_t i = 0; i < width / VEC_N; i += PARTS)
            UNROLL for (size_t p = 0; p < PARTS; p++)
            {
                s0[p] += m0[i + p] * v[i + p];
                s1[p] += m1[i + p] * v[i + p];
                s2[p] += m2[i + p] * v[i + p];
                s3[p] += m3[i + p] * v[i + p];
            }
        y[r] = REDUCE(s0);
        y[r + 1] = REDUCE(s1);
        y[r + 2] = REDUCE(s2);
        y[r + 3] = REDUCE(s3);
    }
    for (; r < rows; r++)
        y[r] = KERNEL(dot)(m + r * width, x, width);
}

/* `n` (a constant) vectors of x and g, `at` vectors into the rows, stay in registers while the rows
 * go by. */
TARGET static inline __attribute__((always_inline)) void KERNEL(outer_slice)(
    const aglm_layer_step *s, const VEC *x, VEC *g, size_t width, size_t at, size_t n)
{
    VEC xs[4], gs[4];

    UNROLL for (size_t k = 0; k < n; k++)
    {
        xs[k] = x[at + k];
        gs[k] = g[at + k];
    }
    for (size_t r = 0; r < s->rows; r++) {
        VEC *row = (VEC *)(s->m + r * width) + at;
        float d = s->d[r], step = s->step[r];
        UNROLL for (size_t k = 0; k < n; k++)
        {
            VEC was = row[k];
            gs[k] += d * was;
            row[k] = was + step * xs[k];
        }
    }
    UNROLL for (size_t k = 0; k < n; k++) g[at + k] = gs[k];
}

TARGET static void KERNEL(outer)(const aglm_layer_step *s, const float *x, float *g, size_t width)
{
    size_t n = width / VEC_N;
    size_t at = 0;

    for (; at + 4 <= n; at += 4)
        KERNEL(outer_slice)(s, (const VEC *)x, (VEC *)g, width, at, 4);
    for (; at < n; at++)
        KERNEL(outer_slice)(s, (const VEC *)x, (VEC *)g, width, at, 1);
}

/* exp(x) = 2^n exp(r) with r in [-ln2/2, ln2/2]: Taylor's series to r^7 leaves 5e-9. Adding 1.5 *
 * 2^23 rounds to whole numbers and leaves n in the low bits; ln2 is cut in two so that n ln2 is
 * exact enough. */
TARGET static inline void KERNEL(exp)(VEC *z)
{
    const float shift = 12582912.0f;
    VEC x = *z;
    VECI over = x > 88.0f, under = x < -87.0f;

    x = (VEC)(((VECI)x & ~(over | under)) | ((VECI)((VEC){0} + 88.0f) & over) |
              ((VECI)((VEC){0} - 87.0f) & under));
    VEC t = x * 1.44269504f + shift;
    VEC n = t - shift;
    VEC r = (x - n * 0.693359375f) + n * 2.12194440e-4f;
    VEC p = r * (1.0f / 5040) + 1.0f / 720;
    p = p * r + 1.0f / 120;
    p = p * r + 1.0f / 24;
    p = p * r + 1.0f / 6;
    p = p * r + 0.5f;
    p = p * r + 1.0f;
    p = p * r + 1.0f;
    VECI two = ((VECI)t - (0x4b400000 - 127)) << 23;
    *z = p * (VEC)two;
}

TARGET static void KERNEL(softmax)(float *z, size_t n)
{
    size_t padded = AGLM_LANES_UP(n);
    VEC *v = (VEC *)z;
    VEC s[PARTS] = {0};
    float max = z[0];

    for (size_t i = 1; i < n; i++)
        max = z[i] > max ? z[i] : max;
    for (size_t i = n; i < padded; i++)
        z[i] = max - 1000;
    for (size_t i = 0; i < padded / VEC_N; i += PARTS)
        UNROLL for (size_t p = 0; p < PARTS; p++)
        {
            VEC e = v[i + p] - max;
            KERNEL(exp)(&e);
            v[i + p] = e;
            s[p] += e;
        }
    KERNEL(scale)(z, 1.0f / REDUCE(s), padded);
    for (size_t i = n; i < padded; i++)
        z[i] = 0;
}

TARGET static float KERNEL(max)(const float *x, size_t width)
{
    const VEC *v = (const VEC *)x;
    VEC most[PARTS];
    float max;

    for (size_t p = 0; p < PARTS; p++)
        most[p] = v[p];
    for (size_t i = PARTS; i < width / VEC_N; i += PARTS)
        UNROLL for (size_t p = 0; p < PARTS; p++)
        {
            VECI more = v[i + p] > most[p];
            most[p] = (VEC)(((VECI)v[i + p] & more) | ((VECI)most[p] & ~more));
        }
    max = most[0][0];
    for (size_t p = 0; p < PARTS; p++)
        for (size_t k = 0; k < VEC_N; k++)
            max = most[p][k] > max ? most[p][k] : max;
    return max;
}

TARGET static float KERNEL(exp_sum)(const float *x, float shift, size_t width)
{
    const VEC *v = (const VEC *)x;
    VEC s[PARTS] = {0};

    for (size_t i = 0; i < width / VEC_N; i += PARTS)
        UNROLL for (size_t p = 0; p < PARTS; p++)
        {
            VEC e = v[i + p] - shift;
            KERNEL(exp)(&e);
            s[p] += e;
        }
    return REDUCE(s);
}

TARGET static void KERNEL(sigmoid)(float *z, size_t n)
{
    size_t padded = AGLM_LANES_UP(n);
    VEC *v = (VEC *)z;

    for (size_t i = n; i < padded; i++)
        z[i] = 0;
    for (size_t i = 0; i < padded / VEC_N; i++) {
        VEC e = -v[i];
        KERNEL(exp)(&e);
        v[i] = 1.0f / (1.0f + e);
    }
    for (size_t i = n; i < padded; i++)
        z[i] = 0;
}

#undef PARTS
