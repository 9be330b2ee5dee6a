/* quantize: the same model with weights of another type. */
#include <stdio.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

#include "llama/session.h"

static const struct {
    const char *name;
    enum llama_ftype type;
} TYPES[] = {
    {"F32", LLAMA_FTYPE_ALL_F32},          {"F16", LLAMA_FTYPE_MOSTLY_F16},
    {"BF16", LLAMA_FTYPE_MOSTLY_BF16},     {"Q8_0", LLAMA_FTYPE_MOSTLY_Q8_0},
    {"Q6_K", LLAMA_FTYPE_MOSTLY_Q6_K},     {"Q5_K_M", LLAMA_FTYPE_MOSTLY_Q5_K_M},
    {"Q5_0", LLAMA_FTYPE_MOSTLY_Q5_0},     {"Q4_K_M", LLAMA_FTYPE_MOSTLY_Q4_K_M},
    {"Q4_0", LLAMA_FTYPE_MOSTLY_Q4_0},     {"Q4_1", LLAMA_FTYPE_MOSTLY_Q4_1},
    {"Q3_K_M", LLAMA_FTYPE_MOSTLY_Q3_K_M}, {"Q2_K", LLAMA_FTYPE_MOSTLY_Q2_K},
    {"IQ4_NL", LLAMA_FTYPE_MOSTLY_IQ4_NL},
};

aglm_rc aglm_session_quantize(aglm_session *s, const aglm_json *request, aglm_json_writer *answer,
                              aglm_error *err)
{
    const char *in, *out, *type;
    struct llama_model_quantize_params params = llama_model_quantize_default_params();
    char names[256] = "";
    size_t found = 0;

    aglm_rc rc = aglm_json_need_string(request, "model", &in, err);
    if (rc == AGLM_OK)
        rc = aglm_json_need_string(request, "out", &out, err);
    if (rc == AGLM_OK)
        rc = aglm_json_need_string(request, "type", &type, err);
    if (rc != AGLM_OK)
        return rc;
    for (; found < sizeof TYPES / sizeof *TYPES && strcasecmp(TYPES[found].name, type) != 0;
         found++)
        snprintf(names + strlen(names), sizeof names - strlen(names), "%s%s", found ? ", " : "",
                 TYPES[found].name);
    if (found == sizeof TYPES / sizeof *TYPES)
        return aglm_error_set(err, AGLM_INVALID, "no weight type %s; there are %s", type, names);
    params.ftype = TYPES[found].type;
    params.allow_requantize = true;
    params.nthread = (int32_t)aglm_json_int(aglm_json_get(request, "threads"), 1);
    if (llama_model_quantize(in, out, &params) != 0)
        return aglm_error_set(err, AGLM_FORMAT, "%s: llama.cpp could not quantize it to %s", in,
                              TYPES[found].name);
    return AGLM_OK;
}
