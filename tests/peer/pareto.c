/* pareto.c - what num/pareto.h and num/hypervolume.h make of a set of points, for
 * tests/peer/optuna_nsga2.py.
 *
 * A line of standard input is a set: "n m k", n m losses and m of a reference point. The line that
 * answers it has n ranks, n crowding distances (of all as one front), the hypervolume and the k
 * rows chosen for their volume. */
#include <stdio.h>
#include <stdlib.h>

#include "base/memory.h"
#include "num/hypervolume.h"
#include "num/pareto.h"

#define TRY(call)                                                                                  \
    do {                                                                                           \
        if ((call) != AGLM_OK) {                                                                   \
            fprintf(stderr, "pareto: %s failed\n", #call);                                         \
            exit(1);                                                                               \
        }                                                                                          \
    } while (0)

static void read_doubles(double *v, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        if (scanf("%lf", &v[i]) != 1)
            exit(1);
    }
}

static void answer(size_t n, size_t m, size_t k)
{
    double *losses = aglm_calloc(n, m * sizeof *losses);
    double *crowding = aglm_calloc(n, sizeof *crowding);
    uint32_t *index = aglm_calloc(n, sizeof *index);
    double reference[AGLM_HYPERVOLUME_MAX];
    double volume;

    if (!losses || !crowding || !index)
        exit(1);
    read_doubles(losses, n * m);
    read_doubles(reference, m);
    TRY(aglm_pareto_ranks(losses, n, m, SIZE_MAX, index));
    for (size_t i = 0; i < n; i++)
        printf("%u ", index[i]);
    TRY(aglm_pareto_crowding(losses, n, m, crowding));
    for (size_t i = 0; i < n; i++)
        printf("%.17g ", crowding[i]);
    TRY(aglm_hypervolume(losses, n, m, reference, &volume));
    printf("%.17g", volume);
    TRY(aglm_hypervolume_subset(losses, n, m, reference, k, index));
    for (size_t i = 0; i < k; i++)
        printf(" %u", index[i]);
    putchar('\n');
    fflush(stdout);
    free(losses);
    free(crowding);
    free(index);
}

int main(void)
{
    size_t n;
    size_t m;
    size_t k;

    while (scanf("%zu %zu %zu", &n, &m, &k) == 3) {
        if (m == 0 || m > AGLM_HYPERVOLUME_MAX || n > 100000 || k > n)
            return 2;
        answer(n, m, k);
    }
    return 0;
}
