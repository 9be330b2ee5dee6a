/* num/dense.h - dense single-precision kernels in several instruction sets that all give the same
 * bits.
 * Threads: pure functions on the caller's memory; the tables are const.  Every kernel works in
 * AGLM_LANES columns, multiplies and adds apart (never fused), and sums lanes in one fixed tree,
 * so that the portable, AVX2 and AVX-512 tables agree to the last bit: the same seed trains the
 * same model everywhere. Widths are multiples of AGLM_LANES and vectors and matrices are 64-byte
 * aligned (aglm_calloc_aligned), rows without gaps. */
#ifndef AGLM_NUM_DENSE_H
#define AGLM_NUM_DENSE_H

#include <stddef.h>
#include <stdint.h>

#define AGLM_LANES 16
/* n rounded up to whole lanes. */
#define AGLM_LANES_UP(n) (((n) + (AGLM_LANES - 1)) / AGLM_LANES * AGLM_LANES)

/* Rows of a table with a weight each; rows may repeat. */
typedef struct aglm_row_list {
    const uint32_t *row;
    const float *weight;
    size_t n;
} aglm_row_list;

/* Rows of bytes, `stride` apart, of which the first `width` count. AGLM_LANES bytes behind the last
 * row may be read. */
typedef struct aglm_byte_table {
    const int8_t *data;
    size_t stride, width;
} aglm_byte_table;

/* A step of a linear layer m [rows x width]. */
typedef struct aglm_layer_step {
    float *m;
    size_t rows;
    const float *d;    /* [rows] what goes back */
    const float *step; /* [rows] what is learned */
} aglm_layer_step;

typedef struct aglm_kernels {
    const char *name; /* "portable", "avx2", "avx512" */

    float (*dot)(const float *x, const float *y, size_t width);
    /* y += a * x */
    void (*axpy)(float *y, float a, const float *x, size_t width);
    void (*scale)(float *y, float a, size_t width);

    /* y = sum of weight * table row, in the order of the list. */
    void (*gather)(float *y, const float *table, const aglm_row_list *list, size_t width);
    /* The same over bytes; y has room for AGLM_LANES_UP(table->width), what stands behind the width
     * is arbitrary but finite. */
    void (*gather_bytes)(float *y, const aglm_byte_table *table, const aglm_row_list *list);
    /* table row += weight * g for each of the list, in order. */
    void (*scatter)(float *table, const aglm_row_list *list, const float *g, size_t width);

    /* y[r] = dot(m row r, x) */
    void (*matvec)(float *y, const float *m, size_t rows, const float *x, size_t width);
    /* For each row r: g += d[r] * m row r (as it was), then m row r += step[r] * x. */
    void (*outer)(const aglm_layer_step *s, const float *x, float *g, size_t width);

    /* In place; z has room for AGLM_LANES_UP(n), what stands behind n becomes 0. exp is accurate to
     * about 2e-7. */
    void (*softmax)(float *z, size_t n);
    /* The largest of x, and the sum of exp(x - shift), exp as accurate as softmax's. */
    float (*max)(const float *x, size_t width);
    float (*exp_sum)(const float *x, float shift, size_t width);
    /* 1 / (1 + exp(-z)) in place; z as for softmax. */
    void (*sigmoid)(float *z, size_t n);
} aglm_kernels;

/* The fastest table this processor can run. */
const aglm_kernels *aglm_kernels_best(void);
/* Table i that this processor can run, 0 being the portable one; NULL past the last. */
const aglm_kernels *aglm_kernels_at(size_t i);

/* Natural logarithm by basic operations only, the same bits everywhere (libm's differ); x > 0 and
 * finite. */
double aglm_log(double x);

#endif
