#include "learn/xgboost.h"

#include <dlfcn.h>
#include <stdlib.h>
#include <string.h>

#define MEND                                                                                        \
    "tables are learned by XGBoost: install libxgboost-dev, or name the file libxgboost.so in the " \
    "environment's AGLM_XGBOOST"

static void *open_library(aglm_error *err)
{
    static const char *const names[] = {"libxgboost.so.0", "libxgboost.so"};
    const char *told = getenv("AGLM_XGBOOST");
    void *library = NULL;

    if (told && *told) {
        library = dlopen(told, RTLD_NOW | RTLD_LOCAL | RTLD_NODELETE);
        if (!library)
            aglm_error_set(err, AGLM_UNSUPPORTED,
                           "AGLM_XGBOOST=%.200s: no library that loads; " MEND, told);
        return library;
    }
    for (size_t i = 0; !library && i < sizeof names / sizeof names[0]; i++)
        library = dlopen(names[i], RTLD_NOW | RTLD_LOCAL | RTLD_NODELETE);
    if (!library)
        aglm_error_set(err, AGLM_UNSUPPORTED, MEND);
    return library;
}

/* ISO C has no cast from a data pointer to a function's; POSIX promises that their bits agree. */
static aglm_rc look_up(void *library, const char *name, void *call, aglm_error *err)
{
    void *found = dlsym(library, name);

    if (!found)
        return aglm_error_set(err, AGLM_UNSUPPORTED,
                              "XGBoost has no %s: 1.7 or newer is needed; " MEND, name);
    memcpy(call, &found, sizeof found);
    return AGLM_OK;
}

aglm_rc aglm_xgboost_load(aglm_xgboost *x, aglm_error *err)
{
    void *library = open_library(err);
    aglm_rc rc = library ? AGLM_OK : AGLM_UNSUPPORTED;

    memset(x, 0, sizeof *x);
#define LOOK_UP(name, arguments)                                                                   \
    if (!rc)                                                                                       \
        rc = look_up(library, #name, &x->name, err);
    AGLM_XGBOOST_CALLS(LOOK_UP)
    if (!rc && look_up(library, "XGBoosterTrainOneIter", &x->XGBoosterTrainOneIter, NULL)) {
        LOOK_UP(XGBoosterBoostOneIter, )
    }
    LOOK_UP(XGBGetLastError, )
    LOOK_UP(XGBoostVersion, )
#undef LOOK_UP
    if (library)
        dlclose(library); /* RTLD_NODELETE keeps it */
    return rc;
}

/* XGBoost's messages begin with "[time] file:line: " and end with a stack. */
aglm_rc aglm_xgboost_check(const aglm_xgboost *x, int answer, const char *what, aglm_error *err)
{
    if (answer == 0)
        return AGLM_OK;
    const char *text = x->XGBGetLastError();
    const char *mark = strchr(text, ']');
    const char *message = mark ? strstr(mark, ": ") : NULL;
    message = message ? message + 2 : text;
    return aglm_error_set(err, AGLM_INVALID, "XGBoost could not %s: %.*s", what,
                          (int)strcspn(message, "\n"), message);
}
