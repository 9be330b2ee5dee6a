#include "cli/cluster.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/memory.h"
#include "job/slurm.h"

#define DEFAULT_WORKERS 4
#define MAX_WORDS (AGLM_OPERANDS_MAX + 2 * AGLM_GIVEN_MAX + 16)
#define MAX_TRIAL_BYTES ((size_t)1 << 28)
#define LOOK_US 300000u              /* between looks at the study */
#define COUNT_NS 2000000000u         /* between looks at the job */
#define CANCEL_LIMIT_NS 60000000000u /* for tasks that are to end */

/* ---- the workers' command ---- */

/* What is the follower's own, or is in the stored study. */
static bool is_own(const aglm_option *option)
{
    static const char *const names[] = {"space",      "forbid",  "direction", "storage",
                                        "study",      "trials",  "timeout",   "engine",
                                        "warm-start", "workers", "slurm",     "slurm-log"};

    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        if (strcmp(option->name, names[i]) == 0)
            return true;
    }
    return option->kind == AGLM_OPTION_FLAG;
}

struct command {
    const char *words[MAX_WORDS];
    size_t n;
    char program[4096];
    char trials[24];
    aglm_arena texts;
};

static void put(struct command *c, const char *word)
{
    c->words[c->n++] = word;
}

static aglm_rc put_given(struct command *c, const aglm_args *a, aglm_error *err)
{
    for (size_t i = 0; i < a->n_given; i++) {
        const aglm_option *option = aglm_option_at(a->command, a->given[i].option);
        if (is_own(option))
            continue;
        char *name = aglm_arena_printf(&c->texts, "--%s", option->name);
        if (!name)
            return aglm_error_set(err, AGLM_NOMEM, "out of memory");
        put(c, name);
        put(c, a->given[i].text);
    }
    return AGLM_OK;
}

static aglm_rc make_command(struct command *c, const aglm_args *a, const aglm_opened *opened,
                            int64_t trials, aglm_error *err)
{
    ssize_t n = readlink("/proc/self/exe", c->program, sizeof c->program - 1);

    if (n <= 0)
        return aglm_error_set(err, AGLM_IO, "the path of this program is not known (/proc)");
    c->program[n] = '\0';
    put(c, c->program);
    put(c, "worker");
    put(c, "--storage");
    put(c, opened->storage);
    put(c, "--study");
    put(c, opened->name);
    put(c, "--quiet");
    if (trials > 0) {
        snprintf(c->trials, sizeof c->trials, "%lld", (long long)trials);
        put(c, "--trials");
        put(c, c->trials);
    }
    aglm_rc rc = put_given(c, a, err);
    put(c, "--");
    for (size_t i = 0; i < a->n_operands; i++)
        put(c, a->operands[i]);
    return rc;
}

static aglm_rc submit(char id[AGLM_SLURM_ID], const aglm_args *a, const aglm_opened *opened,
                      const aglm_optimize_options *o, aglm_error *err)
{
    struct command *c = aglm_calloc(1, sizeof *c);
    aglm_slurm_options job = {.tasks = (unsigned)aglm_args_number(a, "workers", DEFAULT_WORKERS),
                              .cpus = o->jobs,
                              .name = "autoglm",
                              .log = aglm_args_text(a, "slurm-log", "autoglm-%A_%a.log"),
                              .more = aglm_args_text(a, "slurm", NULL)};

    if (!c)
        return aglm_error_set(err, AGLM_NOMEM, "out of memory");
    aglm_arena_init(&c->texts, 1u << 20);
    aglm_rc rc = make_command(c, a, opened, o->trials, err);
    job.words = c->words;
    job.n_words = c->n;
    if (rc == AGLM_OK)
        rc = aglm_slurm_submit(id, &job, err);
    if (rc == AGLM_OK && !aglm_args_flag(a, "quiet"))
        fprintf(stderr, "job %s: %u workers, their output in %s\n", id, job.tasks, job.log);
    aglm_arena_clear(&c->texts);
    free(c);
    return rc;
}

/* ---- following ---- */

struct follower {
    const aglm_optimize_options *o;
    aglm_optimize_result *result;
    uint64_t start_ns;
    uint8_t *told; /* [trial]: its end was shown */
    size_t told_cap;
    size_t first; /* trials before this one were */
    int64_t best_number;
    double best_value;
};

static char *params_text(const aglm_space *space, const double *x)
{
    aglm_json_writer w;
    aglm_str s;

    aglm_str_init(&s, 1u << 20);
    aglm_json_writer_init(&w, &s);
    aglm_point_write(space, x, &w);
    char *text = aglm_str_take(&s);
    aglm_str_clear(&s);
    return text;
}

static bool leads(const struct follower *f, const aglm_trial *t)
{
    if (t->state != AGLM_TRIAL_COMPLETE)
        return false;
    if (t->n_values > 1)
        return aglm_study_extends_front(f->o->study, t->number);
    if (f->best_number < 0)
        return true;
    return f->o->maximize ? t->values[0] > f->best_value : t->values[0] < f->best_value;
}

static void show_end(struct follower *f, const aglm_trial *t)
{
    aglm_optimize_event e = {.kind = AGLM_OPTIMIZE_TRIAL_END,
                             .elapsed_s = aglm_clock_since_s(f->start_ns),
                             .number = t->number,
                             .state = t->state,
                             .step = -1,
                             .value = t->n_values ? t->values[0] : (double)NAN,
                             .values = t->values,
                             .n_values = t->state == AGLM_TRIAL_COMPLETE ? t->n_values : 0,
                             .duration_s = t->duration_s,
                             .reason = aglm_trial_attr(t, "error", false)};
    bool best = leads(f, t);

    if (best && t->n_values == 1) {
        f->best_number = t->number;
        f->best_value = t->values[0];
    }
    f->result->complete += t->state == AGLM_TRIAL_COMPLETE;
    f->result->pruned += t->state == AGLM_TRIAL_PRUNED;
    f->result->failed += t->state == AGLM_TRIAL_FAIL;
    if (t->state == AGLM_TRIAL_FAIL && e.reason)
        snprintf(f->result->last_reason, sizeof f->result->last_reason, "%s", e.reason);
    char *params = params_text(f->o->space, t->x);
    e.params = params;
    e.finished = f->result->complete + f->result->pruned;
    e.best_number = f->best_number;
    e.best_value = f->best_value;
    f->o->on_event(f->o->event_arg, &e);
    if (best) {
        e.kind = AGLM_OPTIMIZE_BEST;
        f->o->on_event(f->o->event_arg, &e);
    }
    free(params);
}

/* Shows the trials that have ended since; quietly, those that had before the job. */
static aglm_rc look(struct follower *f, bool quiet, aglm_error *err)
{
    size_t size = aglm_study_size(f->o->study);
    size_t known = f->told_cap;
    aglm_arena arena;
    aglm_rc rc = aglm_grow(&f->told, &f->told_cap, size + 1, 1, SIZE_MAX / 2);

    if (rc != AGLM_OK)
        return aglm_error_set(err, rc, "out of memory for %zu trials", size);
    memset(f->told + known, 0, f->told_cap - known);
    aglm_arena_init(&arena, MAX_TRIAL_BYTES);
    for (size_t i = f->first; rc == AGLM_OK && i < size; i++) {
        aglm_trial t;
        rc = f->told[i] ? AGLM_DONE : aglm_study_trial(f->o->study, (int64_t)i, &arena, &t, err);
        if (rc == AGLM_OK && aglm_trial_finished(&t)) {
            f->told[i] = 1;
            if (!quiet)
                show_end(f, &t);
        }
        aglm_arena_clear(&arena);
        rc = rc == AGLM_DONE ? AGLM_OK : rc;
        f->first += i == f->first && f->told[i];
    }
    aglm_arena_clear(&arena);
    return rc;
}

static aglm_rc read_best(struct follower *f, aglm_error *err)
{
    aglm_arena arena;
    aglm_trial best;

    if (aglm_study_objectives(f->o->study) > 1)
        return AGLM_OK; /* a front has no first */
    aglm_arena_init(&arena, MAX_TRIAL_BYTES);
    aglm_rc rc = aglm_study_best_trial(f->o->study, &arena, &best, err);
    if (rc == AGLM_OK && best.n_values) {
        f->best_number = best.number;
        f->best_value = best.values[0];
    }
    aglm_arena_clear(&arena);
    return rc == AGLM_NOTFOUND ? AGLM_OK : rc;
}

/* Why the workers ended, as far as the study shows it. */
static aglm_optimize_stop why_ended(const struct follower *f)
{
    const aglm_optimize_options *o = f->o;
    bool reached = !isnan(o->target) && f->best_number >= 0 &&
                   (o->maximize ? f->best_value >= o->target : f->best_value <= o->target);

    if (aglm_cancel_requested(o->cancel))
        return AGLM_STOP_CANCELLED;
    if (o->deadline_ns && aglm_clock_ns() >= o->deadline_ns)
        return AGLM_STOP_TIME;
    if (reached)
        return AGLM_STOP_TARGET;
    if (o->trials > 0 && aglm_study_points(o->study) >= (size_t)o->trials)
        return AGLM_STOP_TRIALS;
    return AGLM_STOP_WORKERS;
}

/* Until no task is left; the first reason to end cancels them. */
static aglm_rc follow(struct follower *f, const char *id, const aglm_cancel *cancel,
                      aglm_error *err)
{
    uint64_t counted_ns = 0;
    uint64_t cancelled_ns = 0;
    unsigned tasks = 1;
    aglm_rc rc = AGLM_OK;

    while (rc == AGLM_OK && tasks > 0) {
        usleep(LOOK_US);
        rc = aglm_study_sync(f->o->study, err);
        if (rc == AGLM_OK)
            rc = look(f, false, err);
        if (rc == AGLM_OK && !cancelled_ns && aglm_cancelled(cancel)) {
            cancelled_ns = aglm_clock_ns();
            rc = aglm_slurm_cancel(id, err);
        }
        if (rc == AGLM_OK && aglm_clock_ns() - counted_ns > COUNT_NS) {
            rc = aglm_slurm_count(id, &tasks, err);
            counted_ns = aglm_clock_ns();
        }
        if (cancelled_ns && aglm_clock_ns() - cancelled_ns > CANCEL_LIMIT_NS)
            break;
    }
    if (rc != AGLM_OK && !cancelled_ns)
        (void)aglm_slurm_cancel(id, NULL);
    return rc;
}

aglm_rc aglm_cluster_optimize(const aglm_args *a, const aglm_opened *opened,
                              const aglm_optimize_options *o, aglm_optimize_result *out,
                              aglm_error *err)
{
    struct follower f = {.o = o, .result = out, .start_ns = aglm_clock_ns(), .best_number = -1};
    char id[AGLM_SLURM_ID];
    aglm_cancel cancel;

    *out = (aglm_optimize_result){.stop = AGLM_STOP_WORKERS};
    if (strncmp(opened->storage, "memory", 6) == 0)
        return aglm_error_set(err, AGLM_INVALID,
                              "--engine slurm: the nodes cannot reach a study in memory; give "
                              "--storage postgresql://... or a file that they share");
    aglm_cancel_init(&cancel, o->cancel, o->deadline_ns);
    aglm_rc rc = read_best(&f, err);
    if (rc == AGLM_OK)
        rc = look(&f, true, err);
    if (rc == AGLM_OK)
        rc = submit(id, a, opened, o, err);
    if (rc == AGLM_OK)
        rc = follow(&f, id, &cancel, err);
    if (rc == AGLM_OK)
        rc = aglm_study_sync(o->study, err);
    if (rc == AGLM_OK)
        rc = look(&f, false, err);
    out->stop = why_ended(&f);
    free(f.told);
    return rc;
}
