#include "tune/run_study.h"

#include <stdio.h>
#include <string.h>

#include "base/hash.h"

#define CANDIDATES 128 /* of the sampler a trial: more cost little beside a fit or answers */
#define ATTR_DATA "autoglm:data"

static aglm_rc make_name(const aglm_run_study *r, char *name, aglm_error *err)
{
    aglm_sha256 sha;
    char hex[65];
    aglm_str space;

    aglm_sha256_init(&sha);
    aglm_sha256_update(&sha, r->depends, strlen(r->depends));
    aglm_str_init(&space, 1 << 20);
    aglm_space_write(r->space, &space);
    aglm_sha256_update(&sha, space.data, space.len);
    aglm_rc rc = space.rc;
    aglm_str_clear(&space);
    aglm_sha256_hex(&sha, hex);
    snprintf(name, AGLM_STORE_MAX_NAME + 1, "%s-%.16s", r->kind, hex);
    return rc ? aglm_error_set(err, rc, "the study's name: %s", aglm_rc_text(rc)) : AGLM_OK;
}

static aglm_rc find_name(const aglm_run_study *r, char *name, aglm_error *err)
{
    const char *given = r->o->study;

    if (!given)
        return make_name(r, name, err);
    if (strlen(given) > AGLM_STORE_MAX_NAME)
        return aglm_error_set(err, AGLM_INVALID, "--study %.40s...: at most %d bytes", given,
                              AGLM_STORE_MAX_NAME);
    snprintf(name, AGLM_STORE_MAX_NAME + 1, "%s", given);
    return AGLM_OK;
}

/* A study may only go on with the data it began with. */
static aglm_rc check_data(const aglm_run_study *r, const char *name, aglm_study *study,
                          aglm_error *err)
{
    char json[80];
    aglm_arena arena;
    aglm_attr_row *attrs = NULL;
    size_t n = 0;

    snprintf(json, sizeof json, "\"%s\"", r->sha256);
    aglm_arena_init(&arena, 64 << 20);
    aglm_rc rc = aglm_study_attrs(study, &arena, &attrs, &n, err);
    bool known = false;
    for (size_t i = 0; rc == AGLM_OK && i < n; i++) {
        if (strcmp(attrs[i].key, ATTR_DATA) != 0)
            continue;
        known = true;
        if (strcmp(attrs[i].json, json) != 0)
            rc = aglm_error_set(
                err, AGLM_INVALID,
                "study \"%s\" was made from other data than %s; give --study another name", name,
                r->o->input.file);
    }
    aglm_arena_clear(&arena);
    return rc == AGLM_OK && !known ? aglm_study_set_attr(study, ATTR_DATA, json, err) : rc;
}

static aglm_rc set_options(const aglm_run_study *r, aglm_study_options *so, aglm_error *err)
{
    aglm_study_options_init(so);
    so->directions[0] = r->maximize ? AGLM_MAXIMIZE : AGLM_MINIMIZE;
    so->seed = r->o->seed;
    so->sampler_options.n_candidates = CANDIDATES;
    so->pruner = &aglm_pruner_asha;
    so->pruner_options = r->pruner;
    if (r->o->sampler && !(so->sampler = aglm_sampler_find(r->o->sampler)))
        return aglm_error_set(err, AGLM_INVALID,
                              "--sampler: there is no \"%.60s\"; use tpe, random or grid",
                              r->o->sampler);
    return AGLM_OK;
}

aglm_rc aglm_run_study_open(const aglm_run_study *r, char name[AGLM_STORE_MAX_NAME + 1],
                            aglm_store **store, aglm_study **study, aglm_error *err)
{
    aglm_study_options so;
    aglm_rc rc = find_name(r, name, err);

    if (rc == AGLM_OK)
        rc = set_options(r, &so, err);
    if (rc == AGLM_OK)
        rc = aglm_store_open(store, r->o->storage ? r->o->storage : "memory", err);
    if (rc != AGLM_OK)
        return rc;
    rc = aglm_study_open(study, *store, name, r->space, &so, err);
    while (rc == AGLM_INVALID && so.sampler == &aglm_sampler_grid &&
           --so.sampler_options.grid_levels > 0) /* as fine as the space allows */
        rc = aglm_study_open(study, *store, name, r->space, &so, err);
    return rc == AGLM_OK ? check_data(r, name, *study, err) : rc;
}
