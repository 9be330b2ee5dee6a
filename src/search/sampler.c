#include "search/sampler.h"

#include <stdio.h>
#include <string.h>

static const aglm_sampler_ops *const all[] = {
    &aglm_sampler_random, &aglm_sampler_grid,      &aglm_sampler_qmc, &aglm_sampler_halton,
    &aglm_sampler_tpe,    &aglm_sampler_cmaes,     &aglm_sampler_gp,  &aglm_sampler_nsga2,
    &aglm_sampler_auto,   &aglm_sampler_portfolio,
};

const aglm_sampler_ops *const *aglm_samplers(size_t *n)
{
    *n = sizeof all / sizeof *all;
    return all;
}

const aglm_sampler_ops *aglm_sampler_find(const char *name)
{
    for (size_t i = 0; i < sizeof all / sizeof *all; i++) {
        if (strcmp(all[i]->name, name) == 0)
            return all[i];
    }
    return NULL;
}

static bool begins(const char *text, const char *with)
{
    return strncmp(text, with, strlen(with)) == 0;
}

static bool is_file(const char *text)
{
    size_t len = strlen(text);

    return strchr(text, '/') || (len > 3 && strcmp(text + len - 3, ".so") == 0);
}

static aglm_rc unknown(const char *text, aglm_error *err)
{
    char names[256] = "";
    size_t used = 0;

    for (size_t i = 0; i < sizeof all / sizeof *all && used < sizeof names; i++)
        used += (size_t)snprintf(names + used, sizeof names - used, "%s, ", all[i]->name);
    return aglm_error_set(err, AGLM_INVALID,
                          "%.60s: expected one of %sportfolio:A,B,..., FILE.so or 'cmd:PROGRAM "
                          "ARGS'",
                          text, names);
}

aglm_rc aglm_sampler_parse(const char *text, const aglm_sampler_ops **out,
                           aglm_sampler_options *options, aglm_error *err)
{
    static const char PORTFOLIO[] = "portfolio:";

    options->detail = NULL;
    *out = aglm_sampler_find(text);
    if (*out)
        return AGLM_OK;
    if (begins(text, PORTFOLIO)) {
        *out = &aglm_sampler_portfolio;
        options->detail = text + sizeof PORTFOLIO - 1;
        return AGLM_OK;
    }
    if (!begins(text, "cmd:") && !is_file(text))
        return unknown(text, err);
    if (!options->outside)
        return aglm_error_set(err, AGLM_UNSUPPORTED,
                              "%.100s: strategies of your own run under `autoglm`, not here", text);
    *out = options->outside->ops;
    options->detail = text;
    return AGLM_OK;
}
