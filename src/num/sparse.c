#include "num/sparse.h"

#include <stdlib.h>

#include "base/memory.h"

aglm_rc aglm_csr_init(aglm_csr *m, size_t n_rows, size_t n_cols, size_t nnz)
{
    *m = (aglm_csr){.n_rows = n_rows, .n_cols = n_cols};
    m->start = aglm_calloc(n_rows + 1, sizeof *m->start);
    m->col = aglm_calloc(nnz, sizeof *m->col);
    m->val = aglm_calloc(nnz, sizeof *m->val);
    if (m->start && m->col && m->val)
        return AGLM_OK;
    aglm_csr_clear(m);
    return AGLM_NOMEM;
}

void aglm_csr_clear(aglm_csr *m)
{
    free(m->start);
    free(m->col);
    free(m->val);
    *m = (aglm_csr){0};
}

uint64_t aglm_csr_bytes(size_t n_rows, size_t nnz)
{
    return (uint64_t)(n_rows + 1) * sizeof(uint32_t) +
           (uint64_t)nnz * (sizeof(uint32_t) + sizeof(float));
}
