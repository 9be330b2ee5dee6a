/* tune/bundle.h - the winner as one folder: manifest.json, the weights, the study, the model card,
 * the report. Threads: a bundle is immutable once loaded and may be shared; a bundle predictor is
 * confined. */
#ifndef AGLM_TUNE_BUNDLE_H
#define AGLM_TUNE_BUNDLE_H

#include "base/json.h"
#include "learn/calibration.h"
#include "learn/learner.h"

#define AGLM_BUNDLE_VERSION 1
#define AGLM_BUNDLE_MAX_MEMBERS 8
#define AGLM_BUNDLE_MAX_LABELS 1000000
#define AGLM_BUNDLE_MAX_BYTES (4ULL << 30)

/* One model of a bundle; the bundle's probabilities are the weighted mean of its members'
 * calibrated ones. */
typedef struct aglm_member {
    aglm_model *model; /* owned */
    aglm_calibration calibration;
    double weight;     /* of the mean; weights add up to 1 */
    char *params_json; /* owned; an object of the parameters as set */
    int64_t trial;     /* of the study */
} aglm_member;

typedef struct aglm_bundle {
    aglm_task task;
    char **labels; /* owned */
    size_t n_labels;
    aglm_member members[AGLM_BUNDLE_MAX_MEMBERS];
    size_t n_members;
    aglm_json_doc *manifest; /* of a loaded bundle; NULL while one is made */
} aglm_bundle;

/* A file that goes into the folder beside the weights. */
typedef struct aglm_bundle_file {
    const char *name;
    const char *data;
    size_t n;
} aglm_bundle_file;

/* What a bundle holds beside the models; all may be left out. */
typedef struct aglm_bundle_extra {
    void (*more)(void *arg, aglm_json_writer *w); /* adds members to the manifest's object */
    void *arg;
    const aglm_bundle_file *files;
    size_t n_files;
} aglm_bundle_extra;

/* Writes to a folder beside `dir` and renames it in place once all is on disk: `dir` is the old
 * bundle or the new one, never half of one. An existing `dir` is replaced only when it holds a
 * bundle. */
aglm_rc aglm_bundle_save(const aglm_bundle *b, const char *dir, const aglm_bundle_extra *extra,
                         aglm_error *err);

/* AGLM_INVALID when dir is there and neither a bundle nor an empty folder: known before the work.
 */
aglm_rc aglm_bundle_may_save(const char *dir, aglm_error *err);

/* AGLM_NOTFOUND, AGLM_FORMAT (names file and key or byte), AGLM_LIMIT. Checks sizes and checksums
 * before it trusts them. */
aglm_rc aglm_bundle_load(aglm_bundle **out, const char *dir, aglm_error *err);
/* Parses manifest text alone: what the fuzzer attacks. Fills all but the models. */
aglm_rc aglm_bundle_parse(aglm_bundle **out, const char *origin, const char *text, size_t n,
                          aglm_error *err);
void aglm_bundle_free(aglm_bundle *b);
/* Frees what b holds but not b. */
void aglm_bundle_clear(aglm_bundle *b);

/* Weights on disk. */
aglm_rc aglm_bundle_size(const aglm_bundle *b, uint64_t *bytes, aglm_error *err);

typedef struct aglm_bundle_predictor aglm_bundle_predictor;
/* b is borrowed and must outlive the predictor. */
aglm_rc aglm_bundle_predictor_new(aglm_bundle_predictor **out, const aglm_bundle *b,
                                  aglm_error *err);
void aglm_bundle_predictor_free(aglm_bundle_predictor *p);
/* Probabilities [n_labels] of one text, borrowed until the next call. */
aglm_rc aglm_bundle_predict(aglm_bundle_predictor *p, const char *text, size_t len,
                            const float **probs, aglm_error *err);
/* Spans of the text that speak for `label` in the heaviest member that can explain;
 * AGLM_UNSUPPORTED when none can. */
aglm_rc aglm_bundle_explain(aglm_bundle_predictor *p, const char *text, size_t len, uint32_t label,
                            aglm_explained *out, size_t cap, size_t *n, aglm_error *err);

#endif
