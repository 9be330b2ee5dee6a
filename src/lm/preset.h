/* lm/preset.h - settings that are tried for a task before anything is known of a model.
 * Threads: constant tables. */
#ifndef AGLM_LM_PRESET_H
#define AGLM_LM_PRESET_H

#include "base/json.h"
#include "lm/prompt_task.h"
#include "lm/runtime.h"

typedef struct aglm_preset {
    const char *name;
    aglm_decoding decoding;
    double prior; /* the reward expected of it for such a task, 0..1 */
} aglm_preset;

#define AGLM_PRESETS_MAX 8

/* Presets of a task; out [AGLM_PRESETS_MAX], returns their number. With info (may be NULL) the
 * model file's own general.sampling.* values are one of them, "model". */
size_t aglm_presets(aglm_prompt_task task, const aglm_lm_info *info, aglm_preset *out);

/* A decoding as a JSON object, and back: members that are absent stay as they are in *out.
 * AGLM_FORMAT names an unknown member or one that is no number; AGLM_INVALID one out of its range.
 */
void aglm_decoding_put(const aglm_decoding *d, aglm_json_writer *w);
aglm_rc aglm_decoding_get(const aglm_json *object, aglm_decoding *out, aglm_error *err);

#endif
