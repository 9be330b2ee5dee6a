#include "job/strategy_host.h"

#include <dlfcn.h>
#include <errno.h>
#include <limits.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "autoglm/strategy.h"
#include "base/memory.h"
#include "search/space.h"
#include "store/store.h"

#define MAX_LINE (1u << 26)
#define MAX_SPACE_BYTES (1u << 26)
#define READ_BYTES 65536

struct host {
    const char *file;
    int in, out;
    void *library;
    const aglm_strategy *plugin;
    void *self;        /* of the plugin */
    bool open;         /* the plugin is */
    aglm_space *space; /* NULL before the first line */
    aglm_arena arena;  /* the space as the plugin sees it */
    aglm_strategy_space shown;
    double *x;
    double signs[AGLM_STORE_MAX_OBJECTIVES];
    double losses[AGLM_STORE_MAX_OBJECTIVES];
    size_t n_objectives;
    aglm_str heard, said;
};

/* ---- lines ---- */

/* The first line, of n bytes, was used up. */
static void drop_line(aglm_str *s, size_t n)
{
    memmove(s->data, s->data + n, s->len - n);
    s->len -= n;
    s->data[s->len] = '\0';
}

/* *n gets the bytes of the first line with its end; AGLM_DONE at the end. */
static aglm_rc hear(struct host *h, size_t *n, aglm_error *err)
{
    char bytes[READ_BYTES];
    const char *end;
    size_t looked = 0;

    while (!(end = memchr(h->heard.data + looked, '\n', h->heard.len - looked))) {
        looked = h->heard.len;
        ssize_t got = read(h->in, bytes, sizeof bytes);
        if (got == 0)
            return AGLM_DONE;
        if (got < 0 && errno != EINTR)
            return aglm_error_set(err, AGLM_IO, "standard input: %s", strerror(errno));
        if (got > 0 && aglm_str_append(&h->heard, bytes, (size_t)got) != AGLM_OK)
            return aglm_error_set(err, h->heard.rc, "a line of standard input: %s",
                                  aglm_rc_text(h->heard.rc));
    }
    *n = (size_t)(end - h->heard.data) + 1;
    return AGLM_OK;
}

static aglm_rc say(struct host *h, aglm_error *err)
{
    size_t done = 0;

    aglm_str_putc(&h->said, '\n');
    if (h->said.rc != AGLM_OK)
        return aglm_error_set(err, h->said.rc, "an answer: %s", aglm_rc_text(h->said.rc));
    while (done < h->said.len) {
        ssize_t n = write(h->out, h->said.data + done, h->said.len - done);
        if (n < 0 && errno != EINTR)
            return aglm_error_set(err, AGLM_IO, "standard output: %s", strerror(errno));
        done += n > 0 ? (size_t)n : 0;
    }
    return AGLM_OK;
}

/* ---- the space as the plugin sees it ---- */

static const char *const *show_choices(aglm_arena *a, const aglm_dist *d)
{
    const char **texts = aglm_arena_array(a, d->n_choices, sizeof *texts);
    aglm_json_writer w;
    aglm_str s;

    aglm_str_init(&s, MAX_LINE);
    for (size_t c = 0; texts && c < d->n_choices; c++) {
        aglm_str_reset(&s);
        aglm_json_writer_init(&w, &s);
        aglm_dist_put(d, (double)c, &w);
        texts[c] = s.rc == AGLM_OK ? aglm_arena_strdup(a, s.data) : NULL;
        if (!texts[c])
            texts = NULL;
    }
    aglm_str_clear(&s);
    return texts;
}

static int32_t show_kind(aglm_dist_kind kind)
{
    return kind == AGLM_DIST_FLOAT ? AGLM_STRATEGY_FLOAT
           : kind == AGLM_DIST_INT ? AGLM_STRATEGY_INT
                                   : AGLM_STRATEGY_CHOICE;
}

static aglm_rc show_space(struct host *h, aglm_error *err)
{
    const aglm_space *s = h->space;
    aglm_strategy_param *params = aglm_arena_array(&h->arena, s->n, sizeof *params);
    bool ok = params && (h->x = aglm_calloc(s->n, sizeof *h->x));

    for (size_t i = 0; ok && i < s->n; i++) {
        const aglm_space_param *p = &s->params[i];
        params[i] = (aglm_strategy_param){
            .name = p->name,
            .kind = show_kind(p->dist.kind),
            .log = p->dist.log,
            .low = p->dist.low,
            .high = p->dist.high,
            .step = p->dist.step,
            .parent = p->parent,
            .when = p->when,
        };
        if (p->dist.kind != AGLM_DIST_CHOICE)
            continue;
        params[i].low = 0.0;
        params[i].high = (double)p->dist.n_choices - 1.0;
        params[i].step = 1.0;
        params[i].n_choices = (uint32_t)p->dist.n_choices;
        params[i].choices = show_choices(&h->arena, &p->dist);
        ok = params[i].choices != NULL;
    }
    h->shown = (aglm_strategy_space){params, s->n, h->n_objectives};
    return ok ? AGLM_OK : aglm_error_set(err, AGLM_NOMEM, "out of memory for a space");
}

static aglm_rc read_space(struct host *h, const aglm_json *v, aglm_error *err)
{
    aglm_json_writer w;
    aglm_str text;

    aglm_str_init(&text, MAX_SPACE_BYTES);
    aglm_json_writer_init(&w, &text);
    aglm_json_put_value(&w, v);
    aglm_rc rc = text.rc == AGLM_OK
                     ? aglm_space_read(&h->space, text.data, text.len, err)
                     : aglm_error_set(err, text.rc, "the space: %s", aglm_rc_text(text.rc));
    aglm_str_clear(&text);
    return rc;
}

/* ---- what is said to the plugin ---- */

static double sign_of(const char *direction)
{
    return direction && strcmp(direction, "maximize") == 0 ? -1.0 : 1.0;
}

static void take_directions(struct host *h, const char *first, const aglm_json *all)
{
    aglm_json_iter it = aglm_json_iterate(all);
    size_t n = aglm_json_kind_of(all) == AGLM_JSON_ARRAY ? aglm_json_size(all) : 0;

    h->n_objectives = n > 0 && n <= AGLM_STORE_MAX_OBJECTIVES ? n : 1;
    h->signs[0] = sign_of(first);
    for (size_t i = 0; n > 0 && i < h->n_objectives; i++)
        h->signs[i] = sign_of(aglm_json_string(aglm_json_next(&it, NULL), NULL));
}

/* The objectives of one trial turned so that smaller is better. */
static void take_losses(struct host *h, const aglm_json *trial)
{
    const aglm_json *all = aglm_json_get(trial, "values");
    aglm_json_iter it = aglm_json_iterate(all);
    bool several = aglm_json_kind_of(all) == AGLM_JSON_ARRAY &&
                   aglm_json_size(all) == h->n_objectives;

    for (size_t i = 0; i < h->n_objectives; i++)
        h->losses[i] = several ? h->signs[i] * aglm_json_double(aglm_json_next(&it, NULL), NAN)
                               : NAN;
    if (!several)
        h->losses[0] = h->signs[0] * aglm_json_double(aglm_json_get(trial, "value"), NAN);
}

static aglm_rc take_greeting(struct host *h, const aglm_json *line, aglm_error *err)
{
    const char *direction = aglm_json_string(aglm_json_get(line, "direction"), NULL);
    const aglm_json *space = aglm_json_get(line, "space");
    char why[AGLM_STRATEGY_WHY] = "";

    if (!space || !direction)
        return aglm_error_set(err, AGLM_FORMAT,
                              "the first line must hold \"space\" and \"direction\"");
    take_directions(h, direction, aglm_json_get(line, "directions"));
    aglm_rc rc = read_space(h, space, err);
    if (rc == AGLM_OK)
        rc = show_space(h, err);
    if (rc != AGLM_OK)
        return rc;
    uint64_t seed = (uint64_t)aglm_json_int(aglm_json_get(line, "seed"), 0);
    if (h->plugin->open(&h->self, &h->shown, seed, why) < 0) {
        why[sizeof why - 1] = '\0';
        return aglm_error_set(err, AGLM_INVALID, "%.200s: %s", h->file,
                              why[0] ? why : "it refuses this space");
    }
    h->open = true;
    return AGLM_OK;
}

static int32_t state_of(const char *word)
{
    return strcmp(word, "COMPLETE") == 0 ? AGLM_STRATEGY_COMPLETE
           : strcmp(word, "PRUNED") == 0 ? AGLM_STRATEGY_PRUNED
                                         : AGLM_STRATEGY_FAILED;
}

/* Trials of before the space became what it is are passed over. */
static void take_trial(struct host *h, const aglm_json *v)
{
    const aglm_json *params = aglm_json_get(v, "params");
    const char *state = aglm_json_string(aglm_json_get(v, "state"), NULL);

    if (!h->plugin->tell || !params || !state ||
        aglm_point_read(h->space, params, h->x, NULL) != AGLM_OK)
        return;
    take_losses(h, v);
    const aglm_strategy_trial t = {
        .number = aglm_json_int(aglm_json_get(v, "number"), -1),
        .state = state_of(state),
        .x = h->x,
        .loss = h->losses[0],
        .losses = h->losses,
    };
    h->plugin->tell(h->self, &t);
}

static void answer_error(aglm_json_writer *w, const char *why)
{
    aglm_json_member_text(w, "error", why[0] ? why : "it says no reason");
}

static void answer_point(struct host *h, aglm_json_writer *w)
{
    aglm_error err = {0};

    aglm_space_settle(h->space, h->x);
    if (aglm_space_check(h->space, h->x, &err) != AGLM_OK) {
        answer_error(w, err.msg);
        return;
    }
    aglm_json_key(w, "params");
    aglm_point_write(h->space, h->x, w);
}

static aglm_rc answer(struct host *h, int64_t number, aglm_error *err)
{
    char why[AGLM_STRATEGY_WHY] = "";
    aglm_json_writer w;

    for (size_t i = 0; i < h->space->n; i++)
        h->x[i] = NAN;
    int code = h->plugin->ask(h->self, number, h->x, why);
    why[sizeof why - 1] = '\0';
    aglm_str_reset(&h->said);
    aglm_json_writer_init(&w, &h->said);
    aglm_json_open_object(&w);
    if (code < 0)
        answer_error(&w, why);
    else if (code == AGLM_STRATEGY_NOTHING_LEFT)
        aglm_json_member_bool(&w, "done", true);
    else
        answer_point(h, &w);
    aglm_json_close_object(&w);
    return say(h, err);
}

static aglm_rc take_line(struct host *h, const aglm_json *line, aglm_error *err)
{
    const aglm_json *tell = aglm_json_get(line, "tell");
    const aglm_json *ask = aglm_json_get(line, "ask");

    if (!h->space)
        return take_greeting(h, line, err);
    if (ask)
        return answer(h, aglm_json_int(ask, -1), err);
    if (!tell)
        return aglm_error_set(err, AGLM_FORMAT, "expected a line with \"ask\" or \"tell\"");
    take_trial(h, tell);
    return AGLM_OK;
}

/* ---- the file ---- */

/* A name without a slash is a file of this folder, not one of the system's libraries. */
static aglm_rc load(struct host *h, aglm_error *err)
{
    char path[PATH_MAX];

    snprintf(path, sizeof path, "%s%s", strchr(h->file, '/') ? "" : "./", h->file);
    h->library = dlopen(path, RTLD_NOW | RTLD_LOCAL);
    if (!h->library)
        return aglm_error_set(err, AGLM_NOTFOUND, "%s", dlerror());
    h->plugin = dlsym(h->library, "aglm_strategy_plugin");
    if (!h->plugin)
        return aglm_error_set(err, AGLM_UNSUPPORTED,
                              "%.200s: it exports no aglm_strategy_plugin (autoglm/strategy.h)",
                              h->file);
    if (h->plugin->abi < 1 || h->plugin->abi > AGLM_STRATEGY_ABI)
        return aglm_error_set(
            err, AGLM_UNSUPPORTED,
            "%.200s: made for version %u of autoglm/strategy.h, this is %d: build "
            "it anew",
            h->file, (unsigned)h->plugin->abi, AGLM_STRATEGY_ABI);
    if (!h->plugin->open || !h->plugin->ask || !h->plugin->close)
        return aglm_error_set(err, AGLM_UNSUPPORTED, "%.200s: open, ask or close is missing",
                              h->file);
    return AGLM_OK;
}

static aglm_rc converse(struct host *h, aglm_error *err)
{
    const aglm_json_options options = {.origin = "standard input", .allow_nonfinite = true};
    aglm_rc rc;
    size_t n;

    while ((rc = hear(h, &n, err)) == AGLM_OK) {
        aglm_json_doc *doc = NULL;
        rc = aglm_json_parse(&doc, h->heard.data, n, &options, err);
        if (rc == AGLM_OK)
            rc = take_line(h, aglm_json_root(doc), err);
        aglm_json_free(doc);
        drop_line(&h->heard, n);
        if (rc != AGLM_OK)
            return rc;
    }
    return rc == AGLM_DONE ? AGLM_OK : rc;
}

aglm_rc aglm_strategy_serve(const char *file, int in, int out, aglm_error *err)
{
    struct host h = {.file = file, .in = in, .out = out};

    aglm_arena_init(&h.arena, MAX_SPACE_BYTES);
    aglm_str_init(&h.heard, MAX_LINE);
    aglm_str_init(&h.said, MAX_LINE);
    aglm_rc rc = load(&h, err);
    if (rc == AGLM_OK)
        rc = converse(&h, err);
    if (h.open)
        h.plugin->close(h.self);
    if (h.library)
        dlclose(h.library);
    aglm_str_clear(&h.heard);
    aglm_str_clear(&h.said);
    aglm_arena_clear(&h.arena);
    aglm_space_free(h.space);
    free(h.x);
    return rc;
}
