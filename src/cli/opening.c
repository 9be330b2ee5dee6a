#include "cli/opening.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/file.h"
#include "base/hash.h"
#include "base/json.h"
#include "job/sampler_program.h"
#include "search/space_text.h"

#define HEARTBEAT_NS 60000000000
#define MAX_SPACE_FILE (1u << 20)
#define MAX_SPACE_TEXT (1u << 26)

aglm_rc aglm_storage_must_exist(const char *url, aglm_error *err)
{
    static const char SCHEME[] = "sqlite:///";
    const char *path = strncmp(url, SCHEME, sizeof SCHEME - 1) == 0 ? url + sizeof SCHEME - 1 : url;

    if (strstr(path, "://") || aglm_path_exists(path))
        return AGLM_OK;
    return aglm_error_set(err, AGLM_NOTFOUND, "--storage %.200s: there is no such file", path);
}

/* ---- the space ---- */

static aglm_rc parse_space(aglm_space **space, const char *text, size_t len, aglm_error *err)
{
    if (text[strspn(text, " \t\r\n")] == '{') {
        if ((*space)->n > 0)
            return aglm_error_set(err, AGLM_INVALID, "a space in JSON is whole: give it alone");
        aglm_space_free(*space);
        return aglm_space_read(space, text, len, err);
    }
    return aglm_space_parse(*space, text, len, err);
}

static aglm_rc add_space(aglm_space **space, const char *text, aglm_error *err)
{
    char *data = NULL;
    size_t n = 0;

    if (text[0] != '@')
        return parse_space(space, text, strlen(text), err);
    aglm_rc rc = aglm_file_read(text + 1, MAX_SPACE_FILE, &data, &n, err);
    if (rc == AGLM_OK)
        rc = parse_space(space, data, n, err);
    free(data);
    return rc;
}

aglm_rc aglm_opening_space(aglm_space **out, const aglm_args *a, aglm_error *err)
{
    const char *text;
    aglm_rc rc = aglm_args_given(a, "space") ? aglm_space_new(out, err) : AGLM_OK;

    for (size_t i = 0; rc == AGLM_OK && (text = aglm_args_each(a, "space", i)); i++) {
        rc = add_space(out, text, err);
        if (rc != AGLM_OK)
            aglm_error_prefix(err, "--space '%.100s'", text);
    }
    return rc;
}

static aglm_rc read_space(aglm_space **out, const aglm_args *a, aglm_error *err)
{
    const char *text;
    aglm_rc rc = aglm_opening_space(out, a, err);

    if (rc == AGLM_OK && !*out && aglm_args_given(a, "forbid"))
        rc = aglm_error_set(err, AGLM_INVALID, "--forbid: give the --space that it speaks of, too");
    for (size_t i = 0; rc == AGLM_OK && (text = aglm_args_each(a, "forbid", i)); i++) {
        rc = aglm_space_parse_forbidden(*out, text, strlen(text), err);
        if (rc != AGLM_OK)
            aglm_error_prefix(err, "--forbid '%.100s'", text);
    }
    return rc;
}

/* ---- options ---- */

/* A strategy in a shared object is spoken for by this very program. */
static aglm_rc find_sampler(aglm_opened *opened, const aglm_args *a, aglm_error *err)
{
    aglm_study_options *o = &opened->options;

    opened->outside = (aglm_sampler_outside){
        .ops = &aglm_sampler_program,
        .env = (const char *const *)environ,
        .host = "/proc/self/exe",
        .limit_ns = (uint64_t)aglm_args_number(a, "sampler-timeout", AGLM_STRATEGY_LIMIT_NS),
    };
    o->sampler_options.outside = &opened->outside;
    aglm_rc rc = aglm_sampler_parse(aglm_args_text(a, "sampler", "auto"), &o->sampler,
                                    &o->sampler_options, err);
    if (rc != AGLM_OK)
        aglm_error_prefix(err, "--sampler");
    return rc;
}

static aglm_rc find_pruner(const aglm_args *a, aglm_study_options *o, aglm_error *err)
{
    const char *name = aglm_args_text(a, "pruner", "none");
    char names[256] = "";
    size_t used = 0;
    size_t n;

    o->pruner = aglm_pruner_find(name);
    if (o->pruner)
        return AGLM_OK;
    const aglm_pruner_ops *const *all = aglm_pruners(&n);
    for (size_t i = 0; i < n && used < sizeof names; i++)
        used += (size_t)snprintf(names + used, sizeof names - used, "%s%s", i ? ", " : "",
                                 all[i]->name);
    return aglm_error_set(err, AGLM_INVALID, "--pruner %.60s: expected one of %s", name, names);
}

/* *out stays as it is where the option is not given. */
static aglm_rc read_number(const aglm_args *a, const char *option, double low, double high,
                           double *out, aglm_error *err)
{
    const char *text = aglm_args_text(a, option, NULL);
    double v;

    if (!text)
        return AGLM_OK;
    if (!aglm_double_parse(text, strlen(text), &v) || !(v >= low && v <= high))
        return aglm_error_set(err, AGLM_INVALID, "--%s %.60s: expected a number from %g to %g",
                              option, text, low, high);
    *out = v;
    return AGLM_OK;
}

/* An option that the chosen pruner does not read is a mistake, not a wish. */
static aglm_rc check_pruner_fits(const aglm_args *a, const aglm_study_options *o, aglm_error *err)
{
    static const struct {
        const char *option;
        const char *pruner;
    } OWNED[] = {{"lower", "threshold"},
                 {"upper", "threshold"},
                 {"patience", "patient"},
                 {"percentile", "percentile"}};

    for (size_t i = 0; i < sizeof OWNED / sizeof *OWNED; i++)
        if (aglm_args_given(a, OWNED[i].option) && strcmp(o->pruner->name, OWNED[i].pruner) != 0)
            return aglm_error_set(err, AGLM_INVALID, "--%s is read by --pruner %s only, not by %s",
                                  OWNED[i].option, OWNED[i].pruner, o->pruner->name);
    return AGLM_OK;
}

static aglm_rc find_pruner_options(const aglm_args *a, aglm_study_options *o, aglm_error *err)
{
    aglm_pruner_options *p = &o->pruner_options;
    aglm_rc rc = find_pruner(a, o, err);

    p->min_step = aglm_args_number(a, "min-steps", 1);
    p->max_step = aglm_args_number(a, "max-steps", 0);
    p->patience = (unsigned)aglm_args_number(a, "patience", p->patience);
    if (rc == AGLM_OK)
        rc = check_pruner_fits(a, o, err);
    if (rc == AGLM_OK)
        rc = read_number(a, "percentile", 0, 100, &p->percentile, err);
    if (rc == AGLM_OK)
        rc = read_number(a, "lower", -INFINITY, INFINITY, &p->lower, err);
    if (rc == AGLM_OK)
        rc = read_number(a, "upper", -INFINITY, INFINITY, &p->upper, err);
    return rc;
}

static aglm_rc find_options(aglm_opened *opened, const aglm_args *a, aglm_error *err)
{
    aglm_study_options *o = &opened->options;
    aglm_rc rc = find_sampler(opened, a, err);

    o->seed = (uint64_t)aglm_args_number(a, "seed", 0);
    return rc == AGLM_OK ? find_pruner_options(a, o, err) : rc;
}

static aglm_rc find_directions(const aglm_args *a, aglm_study_options *o, aglm_error *err)
{
    const char *word;
    size_t n = 0;

    for (; (word = aglm_args_each(a, "direction", n)); n++) {
        if (n == AGLM_STORE_MAX_OBJECTIVES)
            return aglm_error_set(err, AGLM_LIMIT, "--direction: at most %d objectives",
                                  AGLM_STORE_MAX_OBJECTIVES);
        o->directions[n] = strcmp(word, "maximize") == 0 ? AGLM_MAXIMIZE : AGLM_MINIMIZE;
    }
    o->n_directions = n ? n : 1;
    return AGLM_OK;
}

/* The name by which the same command finds its study again. */
static aglm_rc name_study(aglm_opened *o, const aglm_args *a, aglm_error *err)
{
    aglm_sha256 sha;
    char hex[65];
    aglm_str space;

    aglm_str_init(&space, MAX_SPACE_TEXT);
    aglm_space_write(o->space, &space);
    aglm_sha256_init(&sha);
    aglm_sha256_update(&sha, space.data, space.len);
    for (size_t i = 0; i < o->options.n_directions; i++)
        aglm_sha256_update(&sha, o->options.directions[i] == AGLM_MAXIMIZE ? "max" : "min", 4);
    for (size_t i = 0; i < a->n_operands; i++)
        aglm_sha256_update(&sha, a->operands[i], strlen(a->operands[i]) + 1);
    aglm_sha256_hex(&sha, hex);
    snprintf(o->name, sizeof o->name, "optimize-%.16s", hex);
    aglm_rc rc = space.rc;
    aglm_str_clear(&space);
    return rc == AGLM_OK ? rc : aglm_error_set(err, rc, "the study's name: %s", aglm_rc_text(rc));
}

static aglm_rc set_name(aglm_opened *o, const aglm_args *a, aglm_error *err)
{
    const char *name = aglm_args_text(a, "study", NULL);

    if (!name && o->space)
        return name_study(o, a, err);
    if (!name)
        return aglm_error_set(err, AGLM_INVALID,
                              "give --space for a new study, or --study with the name of a stored "
                              "one (autoglm study list names them)");
    if (strlen(name) == 0 || strlen(name) > AGLM_STORE_MAX_NAME)
        return aglm_error_set(err, AGLM_INVALID, "--study: a name has 1 to %d bytes",
                              AGLM_STORE_MAX_NAME);
    snprintf(o->name, sizeof o->name, "%s", name);
    return AGLM_OK;
}

/* What is not told is read from the stored study. */
static aglm_rc adopt_stored(aglm_opened *o, const aglm_args *a, aglm_error *err)
{
    aglm_study_row row;
    aglm_rc rc = aglm_stored_study(o->store, o->name, &row, err);

    if (rc == AGLM_NOTFOUND && !o->space)
        return aglm_error_set(err, rc, "there is no study \"%.100s\" yet: give --space to make it",
                              o->name);
    if (rc == AGLM_NOTFOUND)
        return AGLM_OK;
    if (rc == AGLM_OK && !aglm_args_given(a, "direction")) {
        memcpy(o->options.directions, row.directions, sizeof row.directions);
        o->options.n_directions = row.n_directions;
    }
    return rc == AGLM_OK && !o->space ? aglm_study_stored_space(o->store, row.id, &o->space, err)
                                      : rc;
}

aglm_rc aglm_opening_open(aglm_opened *out, const aglm_args *a, bool detached, aglm_error *err)
{
    memset(out, 0, sizeof *out);
    aglm_study_options_init(&out->options);
    out->options.detached = detached;
    if (!detached)
        out->options.heartbeat_s = (double)aglm_args_number(a, "heartbeat", HEARTBEAT_NS) / 1e9;
    out->storage = aglm_args_text(a, "storage", AGLM_DEFAULT_STORAGE);
    aglm_rc rc = read_space(&out->space, a, err);
    if (rc == AGLM_OK)
        rc = find_options(out, a, err);
    if (rc == AGLM_OK)
        rc = find_directions(a, &out->options, err);
    if (rc == AGLM_OK)
        rc = set_name(out, a, err);
    if (rc == AGLM_OK && !out->space)
        rc = aglm_storage_must_exist(out->storage, err);
    if (rc == AGLM_OK)
        rc = aglm_store_open(&out->store, out->storage, err);
    if (rc == AGLM_OK)
        rc = adopt_stored(out, a, err);
    if (rc == AGLM_OK)
        rc = aglm_study_open(&out->study, out->store, out->name, out->space, &out->options, err);
    return rc;
}

void aglm_opened_clear(aglm_opened *o)
{
    aglm_study_close(o->study);
    aglm_space_free(o->space);
    aglm_store_close(o->store);
}
