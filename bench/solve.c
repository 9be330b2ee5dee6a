/* solve - the linear solver on a matrix from another program, for comparison with its own.
 * usage: solve hinge|logistic C EPS VECTORS FILE >WEIGHTS
 * FILE: uint32 rows, cols, entries; uint32 start[rows + 1]; uint32 col[entries]; float32
 * val[entries]; int8 y[rows x VECTORS]; all in the machine's order. WEIGHTS: float32 [cols x
 * VECTORS]. Standard error tells the passes of each block and its CPU seconds. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "base/memory.h"
#include "learn/linear_solver.h"

struct input {
    char *bytes;
    size_t n_bytes;
    aglm_csr x; /* points into bytes */
    const int8_t *y;
};

static aglm_rc read_input(struct input *in, const char *path, size_t vectors, aglm_error *err)
{
    uint32_t head[3] = {0};
    aglm_rc rc = aglm_file_read(path, (size_t)1 << 31, &in->bytes, &in->n_bytes, err);

    if (rc)
        return rc;
    memcpy(head, in->bytes, in->n_bytes < sizeof head ? 0 : sizeof head);
    size_t rows = head[0], entries = head[2];
    if (in->n_bytes != 12 + 4 * (rows + 1) + 8 * entries + rows * vectors)
        return aglm_error_set(err, AGLM_FORMAT, "%s: %zu bytes are not what its head says", path,
                              in->n_bytes);
    in->x = (aglm_csr){.n_rows = rows, .n_cols = head[1]};
    in->x.start = (void *)(in->bytes + 12);
    in->x.col = in->x.start + rows + 1;
    in->x.val = (void *)(in->x.col + entries);
    in->y = (const int8_t *)(in->x.val + entries);
    return AGLM_OK;
}

/* Vectors first ... of the input, as many as fit side by side. */
static aglm_rc solve_block(const struct input *in, aglm_linear_problem p, size_t first,
                           size_t vectors, float *out)
{
    size_t rows = in->x.n_rows, cols = in->x.n_cols;
    int8_t *y = aglm_calloc(rows * p.lanes, 1);
    float *w = aglm_calloc_aligned(cols * p.lanes, sizeof *w);
    unsigned passes = 0;
    uint64_t start_ns = aglm_clock_cpu_ns();
    aglm_rc rc = y && w ? AGLM_OK : AGLM_NOMEM;

    p.y = y;
    for (size_t i = 0; !rc && i < rows; i++)
        memcpy(y + i * p.lanes, in->y + i * vectors + first, p.vectors);
    if (!rc)
        rc = aglm_linear_solve(&p, w, &passes);
    for (size_t j = 0; !rc && j < cols; j++)
        memcpy(out + j * vectors + first, w + j * p.lanes, p.vectors * sizeof *w);
    fprintf(stderr, "passes %u cpu_s %.4f\n", passes,
            (double)(aglm_clock_cpu_ns() - start_ns) * 1e-9);
    free(y);
    free(w);
    return rc;
}

static aglm_rc solve(const struct input *in, aglm_linear_problem p, size_t vectors)
{
    float *cost = aglm_calloc(in->x.n_rows, sizeof *cost);
    float *out = aglm_calloc(in->x.n_cols * vectors, sizeof *out);
    aglm_rc rc = cost && out ? AGLM_OK : AGLM_NOMEM;

    for (size_t i = 0; !rc && i < in->x.n_rows; i++)
        cost[i] = *p.cost;
    p.x = &in->x;
    p.cost = cost;
    for (size_t k = 0; !rc && k < vectors; k += AGLM_LANES_MAX) {
        p.lanes = aglm_linear_lanes(vectors - k);
        p.vectors = vectors - k < p.lanes ? (unsigned)(vectors - k) : p.lanes;
        rc = solve_block(in, p, k, vectors, out);
    }
    if (!rc && fwrite(out, sizeof *out, in->x.n_cols * vectors, stdout) != in->x.n_cols * vectors)
        rc = AGLM_IO;
    free(cost);
    free(out);
    return rc;
}

int main(int argc, char **argv)
{
    aglm_error err = {.msg = "failed"};
    struct input in = {0};

    if (argc != 6) {
        fprintf(stderr, "usage: solve hinge|logistic C EPS VECTORS FILE >WEIGHTS\n");
        return 2;
    }
    bool logistic = strcmp(argv[1], "logistic") == 0;
    float cost = (float)strtod(argv[2], NULL);
    size_t vectors = (size_t)strtoul(argv[4], NULL, 10);
    aglm_linear_problem p = {.cost = &cost,
                             .loss = logistic ? AGLM_LOSS_LOGISTIC : AGLM_LOSS_SQUARED_HINGE,
                             .eps = strtod(argv[3], NULL),
                             .max_passes = 2000,
                             .seed = 1};
    aglm_rc rc = read_input(&in, argv[5], vectors, &err);
    if (!rc)
        rc = solve(&in, p, vectors);
    if (rc)
        fprintf(stderr, "solve: %s\n", err.msg);
    free(in.bytes);
    return rc ? 1 : 0;
}
