#include "store/store_priv.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/hash.h"

#define STATES 5

static const char *const state_names[STATES] = {
    [AGLM_TRIAL_RUNNING] = "RUNNING", [AGLM_TRIAL_COMPLETE] = "COMPLETE",
    [AGLM_TRIAL_PRUNED] = "PRUNED",   [AGLM_TRIAL_FAIL] = "FAIL",
    [AGLM_TRIAL_WAITING] = "WAITING",
};

const char *aglm_trial_state_name(aglm_trial_state state)
{
    return state_names[state];
}

bool aglm_trial_state_from_name(const char *name, aglm_trial_state *out)
{
    for (int i = 0; i < STATES; i++) {
        if (strcmp(name, state_names[i]) == 0) {
            *out = (aglm_trial_state)i;
            return true;
        }
    }
    return false;
}

aglm_rc aglm_store_no_study(int64_t study, aglm_error *err)
{
    return aglm_error_set(err, AGLM_NOTFOUND, "no study with id %lld", (long long)study);
}

aglm_rc aglm_store_no_study_name(const char *name, aglm_error *err)
{
    return aglm_error_set(err, AGLM_NOTFOUND, "no study named \"%s\"", name);
}

aglm_rc aglm_store_no_trial(int64_t trial, aglm_error *err)
{
    return aglm_error_set(err, AGLM_NOTFOUND, "no trial with id %lld", (long long)trial);
}

aglm_rc aglm_store_name_taken(const char *name, aglm_error *err)
{
    return aglm_error_set(err, AGLM_INVALID,
                          "a study named \"%s\" is there already; resume it or take another name",
                          name);
}

aglm_rc aglm_store_trial_closed(int64_t number, aglm_trial_state state, aglm_error *err)
{
    return aglm_error_set(err, AGLM_INVALID, "trial %lld is %s already and cannot be changed",
                          (long long)number, aglm_trial_state_name(state));
}

aglm_rc aglm_store_check_values(aglm_trial_state state, size_t n_values, size_t n_objectives,
                                aglm_error *err)
{
    if (n_values == n_objectives && !aglm_trial_state_open(state))
        return AGLM_OK;
    if (n_values == 0 && state != AGLM_TRIAL_COMPLETE)
        return AGLM_OK;
    return aglm_error_set(err, AGLM_INVALID,
                          "a %s trial with %zu values in a study of %zu objectives",
                          aglm_trial_state_name(state), n_values, n_objectives);
}

void aglm_text_cache_init(aglm_text_cache *c, aglm_arena *a)
{
    memset(c, 0, sizeof *c);
    c->arena = a;
}

const char *aglm_text_cache_copy(aglm_text_cache *c, const char *text, size_t len)
{
    size_t at = aglm_hash64(text, len, 0) % AGLM_TEXT_CACHE;

    if (c->slot[at].text && c->slot[at].len == len && memcmp(c->slot[at].text, text, len) == 0)
        return c->slot[at].text;
    const char *copy = aglm_arena_strndup(c->arena, text, len);
    if (copy) {
        c->slot[at].text = copy;
        c->slot[at].len = len;
    }
    return copy;
}

static aglm_rc check_name(const char *what, const char *name, aglm_error *err)
{
    size_t n = name ? strnlen(name, AGLM_STORE_MAX_NAME + 1) : 0;

    if (n == 0)
        return aglm_error_set(err, AGLM_INVALID, "an empty %s", what);
    if (n > AGLM_STORE_MAX_NAME)
        return aglm_error_set(err, AGLM_INVALID, "the %s %.40s... is longer than %d bytes", what,
                              name, AGLM_STORE_MAX_NAME);
    return AGLM_OK;
}

static aglm_rc check_params(const aglm_param_row *params, size_t n, aglm_error *err)
{
    for (size_t i = 0; i < n; i++) {
        aglm_rc rc = check_name("parameter name", params[i].name, err);
        if (rc)
            return rc;
        if (!isfinite(params[i].value))
            return aglm_error_set(err, AGLM_INVALID, "parameter %s: its value is not finite",
                                  params[i].name);
        if (!params[i].distribution)
            return aglm_error_set(err, AGLM_INVALID, "parameter %s: no distribution",
                                  params[i].name);
    }
    return AGLM_OK;
}

static aglm_rc check_attrs(const aglm_attr_row *attrs, size_t n, aglm_error *err)
{
    for (size_t i = 0; i < n; i++) {
        aglm_rc rc = check_name("attribute key", attrs[i].key, err);
        if (rc)
            return rc;
        if (!attrs[i].json)
            return aglm_error_set(err, AGLM_INVALID, "attribute %s: no value", attrs[i].key);
    }
    return AGLM_OK;
}

static aglm_rc check_no_nan(const double *values, size_t n, aglm_error *err)
{
    for (size_t i = 0; i < n; i++) {
        if (isnan(values[i]))
            return aglm_error_set(
                err, AGLM_INVALID,
                "value %zu is NaN, which the schema cannot hold; finish the trial as FAIL", i);
    }
    return AGLM_OK;
}

static aglm_rc check_objectives(size_t n, aglm_error *err)
{
    if (n > 0 && n <= AGLM_STORE_MAX_OBJECTIVES)
        return AGLM_OK;
    return aglm_error_set(err, AGLM_INVALID, "a study has 1 to %d objectives, not %zu",
                          AGLM_STORE_MAX_OBJECTIVES, n);
}

static aglm_rc check_state(aglm_trial_state state, aglm_error *err)
{
    if ((unsigned)state < STATES)
        return AGLM_OK;
    return aglm_error_set(err, AGLM_INVALID, "%d is no state of a trial", (int)state);
}

/* The shape of "YYYY-MM-DD HH:MM:SS.ffffff"; NULL is fine. */
static aglm_rc check_date(const char *date, aglm_error *err)
{
    static const char shape[] = "dddd-dd-dd dd:dd:dd.dddddd";
    bool fits = !date || strnlen(date, sizeof shape) == AGLM_STORE_DATE_LEN;

    for (size_t i = 0; date && fits && i < AGLM_STORE_DATE_LEN; i++) {
        if (shape[i] == 'd')
            fits = date[i] >= '0' && date[i] <= '9';
        else
            fits = date[i] == shape[i];
    }
    if (fits)
        return AGLM_OK;
    return aglm_error_set(err, AGLM_INVALID,
                          "\"%.40s\" is no date of the form YYYY-MM-DD HH:MM:SS.ffffff", date);
}

static bool starts_with(const char *s, const char *head)
{
    return strncmp(s, head, strlen(head)) == 0;
}

/* postgresql://, postgres:// and SQLAlchemy's postgresql+DRIVER:// */
static bool is_postgres(const char *url)
{
    static const char *const heads[] = {"postgresql://", "postgres://", "postgresql+"};

    for (int i = 0; i < 3; i++) {
        if (starts_with(url, heads[i]))
            return strstr(url, "://") != NULL;
    }
    return false;
}

static aglm_rc open_postgres(aglm_store **out, const char *url, aglm_error *err)
{
#ifdef AGLM_HAVE_LIBPQ
    return aglm_store_postgres_open(out, url, err);
#else
    (void)out;
    (void)url;
    return aglm_error_set(err, AGLM_UNSUPPORTED,
                          "storage postgresql is not built in; install libpq-dev and build again, "
                          "or use sqlite:///FILE");
#endif
}

aglm_rc aglm_store_open(aglm_store **out, const char *url, aglm_error *err)
{
    static const char sqlite[] = "sqlite:///";

    *out = NULL;
    if (!url || !*url)
        return aglm_error_set(err, AGLM_INVALID,
                              "an empty storage URL; give \"memory\", sqlite:///FILE or "
                              "postgresql://USER@HOST/DATABASE");
    if (strcmp(url, "memory") == 0 || strcmp(url, "memory:") == 0)
        return aglm_store_memory_open(out, err);
    if (is_postgres(url))
        return open_postgres(out, url, err);
    const char *path = starts_with(url, sqlite) ? url + sizeof sqlite - 1 : url;
    if (path == url && starts_with(url, "sqlite:"))
        return aglm_error_set(
            err, AGLM_INVALID,
            "%s: a SQLite file is given as sqlite:///FILE, with three slashes and "
            "a fourth where its path begins with one",
            url);
    if (path == url && strstr(url, "://")) {
        int scheme = (int)(strstr(url, "://") - url);
        return aglm_error_set(err, AGLM_UNSUPPORTED,
                              "storage %.*s is not built in; use \"memory\", sqlite:///FILE or "
                              "postgresql://USER@HOST/DATABASE",
                              scheme > 40 ? 40 : scheme, url);
    }
    if (path != url && strchr(path, '?'))
        return aglm_error_set(err, AGLM_UNSUPPORTED,
                              "%s: options behind a '?' are not supported; leave them away", url);
    if (!*path || strcmp(path, ":memory:") == 0)
        return aglm_error_set(err, AGLM_INVALID, "%s names no file; use \"memory\" for none", url);
    return aglm_store_sqlite_open(out, path, err);
}

void aglm_store_close(aglm_store *s)
{
    if (s)
        s->ops->close(s);
}

aglm_rc aglm_store_study_new(aglm_store *s, const char *name, const aglm_direction *directions,
                             size_t n, int64_t *id, aglm_error *err)
{
    aglm_rc rc = check_name("study name", name, err);

    if (rc)
        return rc;
    rc = check_objectives(n, err);
    if (rc)
        return rc;
    return s->ops->study_new(s, name, directions, n, id, err);
}

aglm_rc aglm_store_study_find(aglm_store *s, const char *name, int64_t *id, aglm_error *err)
{
    aglm_rc rc = check_name("study name", name, err);

    return rc ? rc : s->ops->study_find(s, name, id, err);
}

aglm_rc aglm_store_study_get(aglm_store *s, int64_t id, aglm_arena *a, aglm_study_row *out,
                             aglm_error *err)
{
    aglm_study_row *rows;
    size_t n;

    if (id <= 0)
        return aglm_store_no_study(id, err);
    aglm_rc rc = s->ops->study_list(s, id, a, &rows, &n, err);
    if (rc)
        return rc;
    if (n == 0)
        return aglm_store_no_study(id, err);
    *out = rows[0];
    return AGLM_OK;
}

aglm_rc aglm_store_study_list(aglm_store *s, aglm_arena *a, aglm_study_row **out, size_t *n,
                              aglm_error *err)
{
    return s->ops->study_list(s, 0, a, out, n, err);
}

aglm_rc aglm_store_study_delete(aglm_store *s, int64_t study, aglm_error *err)
{
    return s->ops->study_delete(s, study, err);
}

aglm_rc aglm_store_study_set_attr(aglm_store *s, int64_t study, const aglm_attr_row *attr,
                                  aglm_error *err)
{
    aglm_rc rc = check_attrs(attr, 1, err);

    return rc ? rc : s->ops->study_set_attr(s, study, attr, err);
}

aglm_rc aglm_store_study_attrs(aglm_store *s, int64_t study, aglm_arena *a, aglm_attr_row **out,
                               size_t *n, aglm_error *err)
{
    return s->ops->study_attrs(s, study, a, out, n, err);
}

static aglm_rc check_row(const aglm_trial_row *row, aglm_error *err)
{
    aglm_rc rc = check_state(row->state, err);

    if (!rc)
        rc = check_date(row->started, err);
    if (!rc)
        rc = check_date(row->completed, err);
    if (!rc)
        rc = check_params(row->params, row->n_params, err);
    if (!rc)
        rc = check_no_nan(row->values, row->n_values, err);
    if (!rc)
        rc = check_attrs(row->attrs, row->n_attrs, err);
    return rc;
}

static aglm_rc new_trial(aglm_store *s, int64_t study, aglm_trial_row *row, int64_t owner,
                         bool next, aglm_error *err)
{
    aglm_rc rc = check_row(row, err);

    return rc ? rc : s->ops->trial_new(s, study, row, owner, next, err);
}

aglm_rc aglm_store_check_directions(const aglm_study_whole *whole, const aglm_direction *directions,
                                    size_t n, aglm_error *err)
{
    bool same = n == whole->n_directions;

    for (size_t i = 0; same && i < n; i++)
        same = directions[i] == whole->directions[i];
    if (same)
        return AGLM_OK;
    return aglm_error_set(err, AGLM_INVALID,
                          "study \"%.128s\" is there with other objectives or directions; give "
                          "another study name",
                          whole->name);
}

static aglm_rc check_whole(const aglm_study_whole *w, aglm_error *err)
{
    aglm_rc rc = check_name("study name", w->name, err);

    if (!rc)
        rc = check_objectives(w->n_directions, err);
    if (!rc)
        rc = check_attrs(w->attrs, w->n_attrs, err);
    for (size_t i = 0; !rc && i < w->n_trials; i++) {
        const aglm_trial_row *row = &w->trials[i];
        rc = check_row(row, err);
        if (!rc)
            rc = aglm_store_check_values(row->state, row->n_values, w->n_directions, err);
        if (!rc && row->state == AGLM_TRIAL_RUNNING)
            rc = aglm_error_set(err, AGLM_INVALID, "a trial that is running cannot be added");
        if (rc)
            aglm_error_prefix(err, "trial %zu", i);
    }
    return rc;
}

aglm_rc aglm_store_study_add(aglm_store *s, const aglm_study_whole *whole, bool append,
                             aglm_error *err)
{
    aglm_rc rc = check_whole(whole, err);

    return rc ? rc : s->ops->study_add(s, whole, append, err);
}

aglm_rc aglm_store_trial_new(aglm_store *s, int64_t study, aglm_trial_row *row, int64_t owner,
                             aglm_error *err)
{
    return new_trial(s, study, row, owner, false, err);
}

aglm_rc aglm_store_trial_new_next(aglm_store *s, int64_t study, aglm_trial_row *row, int64_t owner,
                                  aglm_error *err)
{
    return new_trial(s, study, row, owner, true, err);
}

aglm_rc aglm_store_trial_claim(aglm_store *s, int64_t study, int64_t owner, int64_t *id,
                               aglm_error *err)
{
    return s->ops->trial_claim(s, study, owner, id, err);
}

aglm_rc aglm_store_trial_set_params(aglm_store *s, int64_t trial, const aglm_param_row *params,
                                    size_t n, aglm_error *err)
{
    aglm_rc rc = check_params(params, n, err);

    return rc ? rc : s->ops->trial_set_params(s, trial, params, n, err);
}

aglm_rc aglm_store_trial_report(aglm_store *s, int64_t trial, const aglm_step_row *step,
                                aglm_error *err)
{
    return s->ops->trial_report(s, trial, step, err);
}

aglm_rc aglm_store_trial_set_attr(aglm_store *s, int64_t trial, const aglm_attr_row *attr,
                                  aglm_error *err)
{
    aglm_rc rc = check_attrs(attr, 1, err);

    return rc ? rc : s->ops->trial_set_attr(s, trial, attr, err);
}

aglm_rc aglm_store_trial_finish(aglm_store *s, int64_t trial, const aglm_trial_end *end,
                                aglm_error *err)
{
    aglm_rc rc = check_state(end->state, err);

    if (!rc && aglm_trial_state_open(end->state))
        rc = aglm_error_set(err, AGLM_INVALID, "a trial cannot finish as %s",
                            aglm_trial_state_name(end->state));
    if (!rc && end->state == AGLM_TRIAL_FAIL && end->n_values > 0)
        rc = aglm_error_set(err, AGLM_INVALID, "a trial that failed has no values");
    if (!rc)
        rc = check_no_nan(end->values, end->n_values, err);
    if (!rc)
        rc = check_attrs(end->attrs, end->n_attrs, err);
    return rc ? rc : s->ops->trial_finish(s, trial, end, err);
}

aglm_rc aglm_store_trial_get(aglm_store *s, int64_t trial, aglm_arena *a, aglm_trial_row *out,
                             aglm_error *err)
{
    return s->ops->trial_get(s, trial, a, out, err);
}

aglm_rc aglm_store_trials(aglm_store *s, int64_t study, int64_t from, aglm_arena *a,
                          aglm_trial_row **out, size_t *n, aglm_error *err)
{
    return s->ops->trials(s, study, from, a, out, n, err);
}

aglm_rc aglm_store_trials_changed(aglm_store *s, const aglm_trial_marks *known, aglm_arena *a,
                                  aglm_trial_row **out, size_t *n, aglm_error *err)
{
    *out = NULL;
    *n = 0;
    return known->n ? s->ops->trials_changed(s, known, a, out, n, err) : AGLM_OK;
}

aglm_rc aglm_store_beat(aglm_store *s, const int64_t *trials, size_t n, aglm_error *err)
{
    return n ? s->ops->beat(s, trials, n, err) : AGLM_OK;
}

void aglm_store_keep_beats(aglm_store *s)
{
    s->beats = true;
}

aglm_rc aglm_store_reap(aglm_store *s, int64_t study, double grace_s, int64_t **ids, size_t *n,
                        aglm_error *err)
{
    int64_t *failed = NULL;
    size_t count = 0;
    aglm_rc rc = s->ops->reap(s, study, grace_s, &failed, &count, err);

    if (n)
        *n = rc ? 0 : count;
    if (ids && !rc) {
        *ids = failed;
        return rc;
    }
    free(failed);
    if (ids)
        *ids = NULL;
    return rc;
}
