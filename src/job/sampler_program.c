#include "job/sampler_program.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/memory.h"
#include "job/dialogue.h"

#define MAX_FAULTS 3
#define MAX_TRIALS (1u << 26)
#define MAX_LINES (1u << 26) /* bytes said at once */
#define FLUSH_BYTES 65536
#define MAX_REASON 4096 /* bytes, as JSON */

struct program {
    const aglm_history *history;
    uint64_t seed;
    aglm_sampler_outside outside;
    char *text; /* "cmd:..." or a file */
    char *host;
    aglm_dialogue *talk; /* NULL: not running */
    bool answered;       /* ever */
    unsigned faults;     /* in a row */
    int64_t *queue;      /* finished trials that it has not been told */
    size_t n_queue, cap;
    aglm_str lines;
    aglm_str reason; /* of the last ask, as JSON */
    aglm_error fault;
    aglm_attr_row note;
};

static void program_close(void *self)
{
    struct program *p = self;

    aglm_dialogue_close(p->talk);
    aglm_str_clear(&p->lines);
    aglm_str_clear(&p->reason);
    free(p->queue);
    free(p->text);
    free(p->host);
    free(p);
}

static aglm_rc program_open(void **self, const aglm_history *history,
                            const aglm_sampler_options *options, uint64_t seed, aglm_error *err)
{
    struct program *p = calloc(1, sizeof *p);
    const char *with = options->outside->host;
    char *text = aglm_strndup(options->detail, strlen(options->detail));
    char *host = aglm_strndup(with, strlen(with));

    *self = p;
    if (!p || !text || !host) {
        free(p);
        free(text);
        free(host);
        return aglm_error_set(err, AGLM_NOMEM, "out of memory for a strategy");
    }
    p->history = history;
    p->seed = seed;
    p->outside = *options->outside;
    p->text = text;
    p->host = host;
    aglm_str_init(&p->lines, MAX_LINES);
    aglm_str_init(&p->reason, MAX_REASON);
    return AGLM_OK;
}

/* ---- what it is told ---- */

static aglm_rc enqueue(struct program *p, int64_t number, aglm_error *err)
{
    aglm_rc rc = aglm_grow(&p->queue, &p->cap, p->n_queue + 1, sizeof *p->queue, MAX_TRIALS);

    if (rc != AGLM_OK)
        return aglm_error_set(err, rc, "a strategy: %s", aglm_rc_text(rc));
    p->queue[p->n_queue++] = number;
    return AGLM_OK;
}

/* While it does not run nothing is kept for it: a start tells all. */
static aglm_rc program_tell(void *self, const aglm_trial *t, aglm_error *err)
{
    struct program *p = self;

    return p->talk && aglm_trial_finished(t) ? enqueue(p, t->number, err) : AGLM_OK;
}

static const char *state_word(aglm_trial_state state)
{
    return state == AGLM_TRIAL_COMPLETE ? "COMPLETE"
           : state == AGLM_TRIAL_PRUNED ? "PRUNED"
                                        : "FAIL";
}

static void write_values(const aglm_trial *t, aglm_json_writer *w)
{
    aglm_json_key(w, "value");
    if (t->n_values > 0)
        aglm_json_put_double(w, t->values[0]);
    else
        aglm_json_put_null(w);
    if (t->n_values < 2)
        return;
    aglm_json_key(w, "values");
    aglm_json_open_array(w);
    for (size_t i = 0; i < t->n_values; i++)
        aglm_json_put_double(w, t->values[i]);
    aglm_json_close_array(w);
}

static void write_tell(struct program *p, const aglm_trial *t)
{
    aglm_json_writer w;

    aglm_json_writer_init(&w, &p->lines);
    w.python = true;
    w.nonfinite = true;
    aglm_json_open_object(&w);
    aglm_json_key(&w, "tell");
    aglm_json_open_object(&w);
    aglm_json_member_int(&w, "number", t->number);
    aglm_json_member_text(&w, "state", state_word(t->state));
    aglm_json_key(&w, "params");
    aglm_point_write(aglm_history_space(p->history), t->x, &w);
    write_values(t, &w);
    aglm_json_close_object(&w);
    aglm_json_close_object(&w);
    aglm_str_putc(&p->lines, '\n');
}

static aglm_rc flush(struct program *p, aglm_error *err)
{
    if (p->lines.rc != AGLM_OK)
        return aglm_error_set(err, p->lines.rc, "lines for a strategy: %s",
                              aglm_rc_text(p->lines.rc));
    aglm_rc rc = aglm_dialogue_say(p->talk, p->lines.data, p->lines.len,
                                   aglm_clock_ns() + p->outside.limit_ns, err);
    aglm_str_reset(&p->lines);
    return rc;
}

static aglm_rc say_tells(struct program *p, aglm_error *err)
{
    aglm_rc rc = AGLM_OK;

    for (size_t i = 0; rc == AGLM_OK && i < p->n_queue; i++) {
        write_tell(p, aglm_history_trial(p->history, (size_t)p->queue[i]));
        if (p->lines.len >= FLUSH_BYTES)
            rc = flush(p, err);
    }
    p->n_queue = 0;
    return rc;
}

/* ---- start ---- */

static const char *direction_word(double sign)
{
    return sign < 0.0 ? "maximize" : "minimize";
}

static void greet_directions(struct program *p)
{
    const double *signs = aglm_history_signs(p->history);
    size_t n = aglm_history_objectives(p->history);

    aglm_str_printf(&p->lines, ", \"direction\": \"%s\"", direction_word(signs[0]));
    if (n < 2)
        return;
    aglm_str_puts(&p->lines, ", \"directions\": ");
    for (size_t i = 0; i < n; i++)
        aglm_str_printf(&p->lines, "%s\"%s\"", i ? ", " : "[", direction_word(signs[i]));
    aglm_str_putc(&p->lines, ']');
}

static void greet(struct program *p)
{
    aglm_str_puts(&p->lines, "{\"autoglm\": 1, \"space\": ");
    aglm_space_write(aglm_history_space(p->history), &p->lines);
    greet_directions(p);
    aglm_str_printf(&p->lines, ", \"seed\": %llu}\n", (unsigned long long)p->seed);
}

static aglm_rc start(struct program *p, aglm_error *err)
{
    const char *command[] = {"/bin/sh", "-c", p->text + strlen("cmd:"), NULL};
    const char *host[] = {p->host, "strategy", "--", p->text, NULL};
    bool is_command = strncmp(p->text, "cmd:", 4) == 0;
    aglm_rc rc = aglm_dialogue_open(&p->talk, is_command ? command : host, p->outside.env, err);

    p->n_queue = 0;
    for (size_t i = 0; rc == AGLM_OK && i < aglm_history_size(p->history); i++) {
        if (aglm_trial_finished(aglm_history_trial(p->history, i)))
            rc = enqueue(p, (int64_t)i, err);
    }
    aglm_str_reset(&p->lines);
    greet(p);
    return rc;
}

/* ---- ask ---- */

static aglm_rc say_and_hear(struct program *p, int64_t number, const char **line, size_t *n,
                            aglm_error *err)
{
    aglm_rc rc = AGLM_OK;

    /* What it said unasked would be taken for the answer, and so on for ever. */
    if (!p->talk)
        rc = start(p, err);
    else if (aglm_dialogue_pending(p->talk))
        rc = aglm_error_set(
            err, AGLM_FORMAT,
            "its answer was followed by another: it answered twice to one question");
    if (rc == AGLM_OK)
        rc = say_tells(p, err);
    if (rc == AGLM_OK) {
        aglm_str_printf(&p->lines, "{\"ask\": %lld}\n", (long long)number);
        rc = flush(p, err);
    }
    if (rc == AGLM_OK)
        rc = aglm_dialogue_hear(p->talk, line, n, aglm_clock_ns() + p->outside.limit_ns, err);
    return rc;
}

/* Fault: it cannot be talked with any more, or there is no telling which question an answer is to.
 */
static aglm_rc note_fault(struct program *p, aglm_rc rc, const aglm_error *why)
{
    aglm_dialogue_close(p->talk);
    p->talk = NULL;
    p->faults++;
    p->fault = *why;
    return rc;
}

static aglm_rc hear_object(struct program *p, int64_t number, aglm_json_doc **doc, aglm_error *err)
{
    const aglm_json_options options = {.origin = "its answer"};
    const char *line;
    size_t n;
    aglm_rc rc = say_and_hear(p, number, &line, &n, err);

    if (rc == AGLM_OK)
        rc = aglm_json_parse(doc, line, n, &options, err);
    if (rc == AGLM_OK && aglm_json_kind_of(aglm_json_root(*doc)) != AGLM_JSON_OBJECT)
        rc = aglm_error_set(err, AGLM_FORMAT, "its answer: expected an object, found %s",
                            aglm_json_kind_name(aglm_json_root(*doc)));
    if (rc != AGLM_OK)
        return note_fault(p, rc, err);
    p->faults = 0;
    p->answered = true;
    return AGLM_OK;
}

static aglm_rc read_answer(const struct program *p, const aglm_json *answer, double *x,
                           aglm_error *err)
{
    const aglm_space *space = aglm_history_space(p->history);
    const aglm_json *params = aglm_json_get(answer, "params");
    const char *error = aglm_json_string(aglm_json_get(answer, "error"), NULL);

    if (aglm_json_bool(aglm_json_get(answer, "done"), false))
        return AGLM_DONE;
    if (error)
        return aglm_error_set(err, AGLM_INVALID, "%s", error);
    if (!params)
        return aglm_error_set(err, AGLM_INVALID,
                              "its answer has neither \"params\" nor \"done\" nor \"error\"");
    aglm_rc rc = aglm_point_read(space, params, x, err);
    if (rc == AGLM_OK)
        rc = aglm_space_check(space, x, err);
    if (rc == AGLM_OK && aglm_history_seen(p->history, x))
        rc = aglm_error_set(err, AGLM_INVALID, "a trial has its point already");
    return rc;
}

static aglm_rc ask_it(struct program *p, int64_t number, double *x, aglm_error *err)
{
    aglm_json_doc *doc = NULL;

    if (p->faults >= MAX_FAULTS)
        return aglm_error_set(err, p->fault.rc,
                              "%.400s; it failed %d times in a row and is left "
                              "alone",
                              p->fault.msg, MAX_FAULTS);
    aglm_rc rc = hear_object(p, number, &doc, err);
    if (rc == AGLM_OK)
        rc = read_answer(p, aglm_json_root(doc), x, err);
    aglm_json_free(doc);
    return rc;
}

static aglm_rc fall_back(struct program *p, int64_t number, double *x, const aglm_error *why)
{
    aglm_json_writer w;
    aglm_rng rng;

    aglm_json_writer_init(&w, &p->reason);
    aglm_json_put_text(&w, why->msg);
    aglm_rng_init_stream(&rng, p->seed, (uint64_t)number);
    return aglm_history_fresh(p->history, &rng, x);
}

static aglm_rc program_ask(void *self, int64_t number, double *x, aglm_error *err)
{
    struct program *p = self;
    aglm_error why = {0};

    aglm_str_reset(&p->reason);
    aglm_rc rc = ask_it(p, number, x, &why);
    if (rc == AGLM_OK || rc == AGLM_DONE)
        return rc;
    if (rc == AGLM_NOMEM || (rc == AGLM_NOTFOUND && !p->answered))
        return aglm_error_set(err, rc, "the strategy %.100s: %.380s", p->text, why.msg);
    return fall_back(p, number, x, &why);
}

static size_t program_notes(void *self, const aglm_attr_row **out)
{
    struct program *p = self;

    p->note = (aglm_attr_row){.key = AGLM_ATTR_STRATEGY_ERROR, .json = p->reason.data};
    *out = &p->note;
    return p->reason.len > 0 && p->reason.rc == AGLM_OK;
}

const aglm_sampler_ops aglm_sampler_program = {
    .name = "program",
    .several = true,
    .open = program_open,
    .ask = program_ask,
    .tell = program_tell,
    .notes = program_notes,
    .close = program_close,
};
