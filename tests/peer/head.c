/* Trains a head on rows of numbers, for tests/peer/head_sklearn.py.
 *
 * usage: head HIDDEN LR EPOCHS BATCH <IN >OUT
 *
 * IN: rows, columns, labels as uint32, then columns floats a row, then a uint32 label a row. OUT:
 * the logits, [rows x labels] floats. */
#include <stdio.h>
#include <stdlib.h>

#include "base/memory.h"
#include "lm/head_net.h"

static int read_all(void *to, size_t size, size_t n)
{
    return fread(to, size, n, stdin) == n;
}

static aglm_rc run(aglm_head_net *net, float *x, const aglm_head_data *d,
                   const aglm_head_options *o)
{
    float *raw = aglm_calloc(d->n * net->width, sizeof *raw);
    aglm_head_scratch s;
    aglm_rc rc = aglm_head_scratch_init(&s, net);

    for (size_t i = 0; raw && i < d->n * net->width; i++)
        raw[i] = x[i];
    aglm_head_learn_scale(net, x, d->n);
    for (size_t i = 0; i < d->n; i++)
        aglm_head_standardise(net, x + i * net->width, x + i * net->width);
    if (rc == AGLM_OK)
        rc = raw ? aglm_head_train(net, d, o) : AGLM_NOMEM;
    for (size_t i = 0; rc == AGLM_OK && i < d->n; i++) {
        aglm_head_logits(net, &s, raw + i * net->width);
        fwrite(s.logits, sizeof(float), net->shape.labels, stdout);
    }
    aglm_head_scratch_clear(&s);
    free(raw);
    return rc;
}

int main(int argc, char **argv)
{
    uint32_t size[3];
    aglm_head_net net;

    if (argc != 5 || !read_all(size, sizeof *size, 3))
        return 2;
    const aglm_head_shape shape = {size[1], (uint32_t)strtoul(argv[1], NULL, 10), size[2], false};
    const aglm_head_options o = {.lr = strtod(argv[2], NULL),
                                 .epochs = (unsigned)strtoul(argv[3], NULL, 10),
                                 .batch = (unsigned)strtoul(argv[4], NULL, 10),
                                 .seed = 1};
    aglm_rc rc = aglm_head_net_init(&net, &shape);
    float *x = aglm_calloc_aligned(size[0] * net.width, sizeof *x);
    uint32_t *label = aglm_calloc(size[0], sizeof *label);
    size_t *start = aglm_calloc(size[0] + (size_t)1, sizeof *start);
    int ok = rc == AGLM_OK && x && label && start;

    for (size_t i = 0; ok && i < size[0]; i++) {
        ok = read_all(x + i * net.width, sizeof *x, size[1]);
        start[i + 1] = i + 1;
    }
    ok = ok && read_all(label, sizeof *label, size[0]) &&
         run(&net, x, &(aglm_head_data){x, label, start, size[0]}, &o) == AGLM_OK;
    aglm_head_net_clear(&net);
    free(x);
    free(label);
    free(start);
    return ok ? 0 : 1;
}
