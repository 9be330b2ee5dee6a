/* tune/finalist.h - the best measured candidates with their out-of-fold logits, and the blend of
 * them. Threads: confined; the run that owns it locks. */
#ifndef AGLM_TUNE_FINALIST_H
#define AGLM_TUNE_FINALIST_H

#include "tune/candidate.h"

#define AGLM_FINALISTS_MAX 16

typedef struct aglm_finalist {
    int64_t number; /* of the trial */
    aglm_candidate candidate;
    aglm_outcome outcome;
} aglm_finalist;

/* Best first; of equals the earlier trial. At most `cap` are kept; while others wait, two
 * of one kind and half of them (rounded up) of one learner, so that a blend has different minds to
 * ask. */
typedef struct aglm_finalists {
    aglm_finalist items[AGLM_FINALISTS_MAX + 1]; /* one more for the newcomer */
    size_t n;
    size_t cap;
    bool maximize;
} aglm_finalists;

void aglm_finalists_init(aglm_finalists *f, size_t cap, bool maximize);
void aglm_finalists_clear(aglm_finalists *f);
/* Takes the outcome over when it is good enough (then *o is left empty). Only the best keeps its
 * model. True when it is the new best. */
bool aglm_finalists_offer(aglm_finalists *f, int64_t number, const aglm_candidate *c,
                          aglm_outcome *o);

/* Which finalists the final model asks, with what weight. */
typedef struct aglm_blend {
    size_t member[AGLM_FINALISTS_MAX]; /* index among the finalists */
    unsigned votes[AGLM_FINALISTS_MAX];
    unsigned total; /* of the votes: a member's weight is votes / total */
    size_t n;
    double value; /* of the metric, out of fold */
} aglm_blend;

typedef struct aglm_blend_limits {
    size_t max_members;
    bool one_reading; /* only members that read texts the same way: a blend as quick as one model */
    uint64_t max_bytes;    /* 0: none */
    double max_latency_us; /* 0: none */
    double max_fit_s;      /* wall time of all members' fits on `threads` threads; 0: none */
    unsigned threads;
} aglm_blend_limits;

/* Greedy forward selection with replacement (Caruana et al. 2004) on out-of-fold probabilities,
 * starting from the best finalist or the best pair; gains smaller than what noise gives are not
 * taken. With one finalist, that one. */
aglm_rc aglm_blend_choose(aglm_blend *out, const aglm_finalists *f, const aglm_dataset *d,
                          aglm_metric metric, const aglm_blend_limits *limits, aglm_error *err);

/* Out-of-fold probabilities of the blend for the documents that all members scored: rows [docs],
 * probs [docs x labels]. */
aglm_rc aglm_blend_probs(const aglm_blend *b, const aglm_finalists *f, const aglm_dataset *d,
                         uint32_t *rows, float *probs, size_t *n, aglm_error *err);

#endif
