#include "num/cholesky.h"

#include <math.h>
#include <string.h>

#define BLOCK 16 /* rows factored at a time: a multiple of the lanes */
#define TILE 4   /* rows of a tile: with eight columns it fills the registers of AVX2 */

typedef double v4 __attribute__((vector_size(32), may_alias, aligned(8)));

#if defined(__clang__)
#define UNROLL _Pragma("clang loop unroll(full)")
#else
#define UNROLL _Pragma("GCC unroll 8")
#endif
#define INLINE static inline __attribute__((always_inline))

/* C [rows x columns] -= A [depth x rows]^T B [depth x columns]. */
struct product {
    double *c;
    const double *a, *b;
    size_t c_stride, a_stride, b_stride;
    size_t rows, columns, depth;
    bool below; /* B is lower triangular: column j begins in row j */
};

INLINE void tile(const struct product *p, size_t i, size_t j, const size_t rows)
{
    v4 s[TILE][2];
    double *c = p->c + i * p->c_stride + j;

    UNROLL for (size_t r = 0; r < rows; r++)
    {
        s[r][0] = *(const v4 *)(c + r * p->c_stride);
        s[r][1] = *(const v4 *)(c + r * p->c_stride + 4);
    }
    for (size_t k = p->below ? j : 0; k < p->depth; k++) {
        const double *a = p->a + k * p->a_stride + i;
        const double *b = p->b + k * p->b_stride + j;
        v4 b0 = *(const v4 *)b;
        v4 b1 = *(const v4 *)(b + 4);
        UNROLL for (size_t r = 0; r < rows; r++)
        {
            s[r][0] -= a[r] * b0;
            s[r][1] -= a[r] * b1;
        }
    }
    UNROLL for (size_t r = 0; r < rows; r++)
    {
        *(v4 *)(c + r * p->c_stride) = s[r][0];
        *(v4 *)(c + r * p->c_stride + 4) = s[r][1];
    }
}

INLINE void subtract_product(const struct product *p)
{
    for (size_t j = 0; j < p->columns; j += AGLM_CHOLESKY_LANES) {
        size_t i = 0;
        for (; i + TILE <= p->rows; i += TILE)
            tile(p, i, j, TILE);
        for (; i < p->rows; i++)
            tile(p, i, j, 1);
    }
}

static void subtract_portable(const struct product *p)
{
    subtract_product(p);
}

#if defined(__x86_64__)
__attribute__((target("avx2"))) static void subtract_avx2(const struct product *p)
{
    subtract_product(p);
}
#endif

static void subtract(const struct product *p)
{
#if defined(__x86_64__)
    if (__builtin_cpu_supports("avx2")) {
        subtract_avx2(p);
        return;
    }
#endif
    subtract_portable(p);
}

static void scale(double *y, double a, size_t n)
{
    for (size_t i = 0; i < n; i += 4)
        *(v4 *)(y + i) *= a;
}

static void axpy(double *y, double a, const double *x, size_t n)
{
    for (size_t i = 0; i < n; i += 4)
        *(v4 *)(y + i) += a * *(const v4 *)(x + i);
}

static size_t down(size_t i)
{
    return i / AGLM_CHOLESKY_LANES * AGLM_CHOLESKY_LANES;
}

/* Rows from..to of a matrix of `width` columns. */
static bool factor_rows(double *u, size_t from, size_t to, size_t stride, size_t width)
{
    for (size_t k = from; k < to; k++) {
        double *row = u + k * stride;
        double pivot = row[k];
        if (!(pivot > 0.0) || !isfinite(pivot))
            return false;
        size_t at = down(k);
        scale(row + at, 1.0 / sqrt(pivot), width - at);
        for (size_t i = k + 1; i < to; i++) {
            at = down(i);
            axpy(u + i * stride + at, -row[i], row + at, width - at);
        }
    }
    return true;
}

bool aglm_cholesky_factor(double *a, size_t n, size_t stride)
{
    size_t width = AGLM_CHOLESKY_STRIDE(n);

    for (size_t at = 0; at < n; at += BLOCK) {
        size_t rows = n - at < BLOCK ? n - at : BLOCK;
        struct product p = {.c = a + at * stride + at,
                            .a = a + at,
                            .b = a + at,
                            .c_stride = stride,
                            .a_stride = stride,
                            .b_stride = stride,
                            .rows = rows,
                            .columns = width - at,
                            .depth = at};
        subtract(&p);
        if (!factor_rows(a, at, at + rows, stride, width))
            return false;
    }
    return true;
}

bool aglm_cholesky_append(double *u, size_t n, size_t stride)
{
    double *column = u + n;
    double rest = column[n * stride];

    for (size_t k = 0; k < n; k++) {
        double s = column[k * stride];
        for (size_t i = 0; i < k; i++)
            s -= u[i * stride + k] * column[i * stride];
        s /= u[k * stride + k];
        column[k * stride] = s;
        rest -= s * s;
    }
    column[n * stride] = rest > 0.0 ? sqrt(rest) : rest;
    return rest > 0.0;
}

void aglm_cholesky_forward(const double *u, size_t n, size_t stride, double *b)
{
    for (size_t k = 0; k < n; k++) {
        const double *row = u + k * stride;
        b[k] /= row[k];
        for (size_t i = k + 1; i < n; i++)
            b[i] -= b[k] * row[i];
    }
}

void aglm_cholesky_backward(const double *u, size_t n, size_t stride, double *b)
{
    for (size_t k = n; k-- > 0;) {
        const double *row = u + k * stride;
        double s[4] = {b[k], 0.0, 0.0, 0.0};
        size_t i = k + 1;
        for (; i + 4 <= n; i += 4) {
            s[0] -= row[i] * b[i];
            s[1] -= row[i + 1] * b[i + 1];
            s[2] -= row[i + 2] * b[i + 2];
            s[3] -= row[i + 3] * b[i + 3];
        }
        for (; i < n; i++)
            s[0] -= row[i] * b[i];
        b[k] = ((s[0] + s[2]) + (s[1] + s[3])) / row[k];
    }
}

static void forward_rows(const double *u, size_t from, size_t to, size_t stride,
                         const aglm_cholesky_sides *s)
{
    for (size_t k = from; k < to; k++) {
        double *row = s->b + k * s->stride;
        scale(row, 1.0 / u[k * stride + k], s->columns);
        for (size_t i = k + 1; i < to; i++)
            axpy(s->b + i * s->stride, -u[k * stride + i], row, s->columns);
    }
}

void aglm_cholesky_forward_all(const double *u, size_t n, size_t stride,
                               const aglm_cholesky_sides *sides)
{
    aglm_cholesky_sides s = *sides;

    s.columns = AGLM_CHOLESKY_STRIDE(s.columns);
    for (size_t at = 0; at < n; at += BLOCK) {
        size_t rows = n - at < BLOCK ? n - at : BLOCK;
        struct product p = {.c = s.b + at * s.stride,
                            .a = u + at,
                            .b = s.b,
                            .c_stride = s.stride,
                            .a_stride = stride,
                            .b_stride = s.stride,
                            .rows = rows,
                            .columns = s.columns,
                            .depth = at};
        subtract(&p);
        forward_rows(u, at, at + rows, stride, &s);
    }
}

/* X = U^-T, lower triangular: each block of rows needs only the columns up to its own. */
static void invert_factor(const double *u, size_t n, size_t stride, double *x)
{
    memset(x, 0, n * stride * sizeof *x);
    for (size_t at = 0; at < n; at += BLOCK) {
        size_t rows = n - at < BLOCK ? n - at : BLOCK;
        aglm_cholesky_sides s = {
            .b = x, .stride = stride, .columns = AGLM_CHOLESKY_STRIDE(at + rows)};
        struct product p = {.c = x + at * stride,
                            .a = u + at,
                            .b = x,
                            .c_stride = stride,
                            .a_stride = stride,
                            .b_stride = stride,
                            .rows = rows,
                            .columns = at,
                            .depth = at,
                            .below = true};
        for (size_t i = at; i < at + rows; i++)
            x[i * stride + i] = 1.0;
        subtract(&p);
        forward_rows(u, at, at + rows, stride, &s);
    }
}

void aglm_cholesky_inverse(const double *u, size_t n, size_t stride, double *scratch, double *out)
{
    invert_factor(u, n, stride, scratch);
    memset(out, 0, n * stride * sizeof *out);
    /* A^-1 = X^T X; the sum comes out negative. */
    for (size_t at = 0; at < n; at += BLOCK) {
        size_t rows = n - at < BLOCK ? n - at : BLOCK;
        struct product p = {.c = out + at * stride + at,
                            .a = scratch + at * stride + at,
                            .b = scratch + at * stride + at,
                            .c_stride = stride,
                            .a_stride = stride,
                            .b_stride = stride,
                            .rows = rows,
                            .columns = AGLM_CHOLESKY_STRIDE(n) - at,
                            .depth = n - at,
                            .below = true};
        subtract(&p);
        scale(out + at * stride, -1.0, rows * stride);
    }
}
