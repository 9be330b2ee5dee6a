/* num/signed_rank.h - Wilcoxon's signed-rank test.
 * Threads: pure functions. */
#ifndef AGLM_NUM_SIGNED_RANK_H
#define AGLM_NUM_SIGNED_RANK_H

#include <stddef.h>

#include "autoglm/error.h"

/* The probability that signs thrown by chance give a rank sum of the positive differences at least
 * as large as that of d: small when d lies above zero. Ranks of ties are averaged, zeros count half
 * on either side (zsplit). Exact (Wilcoxon 1945) for n <= 50 without ties and zeros and for
 * n <= 13 with them, else by the normal approximation with the variance corrected for ties, as
 * scipy.stats.wilcoxon does by default. d: finite, n >= 1; 1 for n == 0. AGLM_NOMEM. */
aglm_rc aglm_signed_rank_greater(const double *d, size_t n, double *p, aglm_error *err);

#endif
