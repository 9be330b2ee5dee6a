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
#define MAX_LINES (1u << 30) /* bytes of all that a start tells */
#define PIECE_BYTES 65536    /* said within the time limit */
#define MAX_REASON 4096      /* bytes, as JSON */

enum question { NO_QUESTION, QUESTION_PUT, QUESTION_ENDED };

struct program {
    const aglm_history *history;
    uint64_t seed;
    aglm_sampler_outside outside;
    char *text; /* "cmd:..." or a file */
    char *host;
    aglm_dialogue *talk; /* NULL: not running */
    bool told;           /* it is told of what ends: it runs, or did when that was looked at last */
    bool answered;       /* ever */
    unsigned faults;     /* in a row */
    int64_t *queue;      /* finished trials that it has not been told */
    size_t n_queue, cap;
    aglm_str lines;
    enum question question;
    aglm_rc answer_rc; /* what came of it */
    aglm_error answer_err;
    const char *answer; /* [answer_n], of the dialogue */
    size_t answer_n;
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

    return p->told && aglm_trial_finished(t) ? enqueue(p, t->number, err) : AGLM_OK;
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

static void write_tells(struct program *p)
{
    for (size_t i = 0; i < p->n_queue; i++)
        write_tell(p, aglm_history_trial(p->history, (size_t)p->queue[i]));
    p->n_queue = 0;
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

    p->told = rc == AGLM_OK;
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

/* All that is to be said, so that program_wait looks at no trial. */
static aglm_rc put_question(struct program *p, int64_t number, aglm_error *err)
{
    aglm_rc rc = AGLM_OK;

    aglm_str_reset(&p->lines);
    /* What it said unasked would be taken for the answer, and so on for ever. */
    if (!p->talk)
        rc = start(p, err);
    else if (aglm_dialogue_pending(p->talk))
        rc = aglm_error_set(
            err, AGLM_FORMAT,
            "its answer was followed by another: it answered twice to one question");
    if (rc != AGLM_OK)
        return rc;
    write_tells(p);
    aglm_str_printf(&p->lines, "{\"ask\": %lld}\n", (long long)number);
    if (p->lines.rc != AGLM_OK)
        return aglm_error_set(err, p->lines.rc, "lines for a strategy: %s",
                              aglm_rc_text(p->lines.rc));
    return AGLM_OK;
}

/* Fault: it cannot be talked with any more, or there is no telling which question an answer is to.
 */
static void end_talk(struct program *p)
{
    aglm_dialogue_close(p->talk);
    p->talk = NULL;
}

static aglm_rc say(struct program *p, aglm_error *err)
{
    aglm_rc rc = AGLM_OK;

    for (size_t at = 0, n; rc == AGLM_OK && at < p->lines.len; at += n) {
        n = p->lines.len - at < PIECE_BYTES ? p->lines.len - at : PIECE_BYTES;
        rc = aglm_dialogue_say(p->talk, p->lines.data + at, n,
                               aglm_clock_ns() + p->outside.limit_ns, err);
    }
    return rc;
}

static void program_wait(void *self)
{
    struct program *p = self;
    aglm_error *err = &p->answer_err;
    aglm_rc rc = say(p, err);

    if (rc == AGLM_OK)
        rc = aglm_dialogue_hear(p->talk, &p->answer, &p->answer_n,
                                aglm_clock_ns() + p->outside.limit_ns, err);
    if (rc != AGLM_OK)
        end_talk(p);
    p->answer_rc = rc;
    p->question = QUESTION_ENDED;
}

static aglm_rc hear_object(struct program *p, aglm_json_doc **doc, aglm_error *err)
{
    const aglm_json_options options = {.origin = "its answer"};
    aglm_rc rc = p->answer_rc;

    if (rc != AGLM_OK)
        *err = p->answer_err;
    else
        rc = aglm_json_parse(doc, p->answer, p->answer_n, &options, err);
    if (rc == AGLM_OK && aglm_json_kind_of(aglm_json_root(*doc)) != AGLM_JSON_OBJECT)
        rc = aglm_error_set(err, AGLM_FORMAT, "its answer: expected an object, found %s",
                            aglm_json_kind_name(aglm_json_root(*doc)));
    return rc;
}

static aglm_rc note_fault(struct program *p, aglm_rc rc, const aglm_error *why)
{
    end_talk(p);
    p->told = false;
    p->faults++;
    p->fault = *why;
    return rc;
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

static aglm_rc put(struct program *p, int64_t number, aglm_error *err)
{
    if (p->faults >= MAX_FAULTS)
        return aglm_error_set(err, p->fault.rc,
                              "%.400s; it failed %d times in a row and is left "
                              "alone",
                              p->fault.msg, MAX_FAULTS);
    aglm_rc rc = put_question(p, number, err);
    if (rc != AGLM_OK)
        return note_fault(p, rc, err);
    p->question = QUESTION_PUT;
    return AGLM_BUSY;
}

static aglm_rc take_answer(struct program *p, double *x, aglm_error *err)
{
    aglm_json_doc *doc = NULL;
    aglm_rc rc = hear_object(p, &doc, err);

    p->question = NO_QUESTION;
    if (rc == AGLM_OK) {
        p->faults = 0;
        p->answered = true;
        rc = read_answer(p, aglm_json_root(doc), x, err);
    } else {
        rc = note_fault(p, rc, err);
    }
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
    aglm_rc rc = p->question == QUESTION_ENDED ? take_answer(p, x, &why) : put(p, number, &why);
    if (rc == AGLM_OK || rc == AGLM_DONE || rc == AGLM_BUSY)
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
    .wait = program_wait,
    .tell = program_tell,
    .notes = program_notes,
    .close = program_close,
};
