#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cli/cluster.h"
#include "cli/commands.h"
#include "cli/interrupt.h"
#include "cli/opening.h"
#include "cli/progress.h"
#include "cli/terminal.h"
#include "job/program.h"
#include "job/template.h"
#include "search/warm_start.h"
#include "tune/report.h"

#define DEFAULT_TRIALS 100
#define DEFAULT_GRACE_NS 2000000000
#define MAX_BEST_BYTES ((size_t)1 << 26)
#define MAX_ANSWER (1u << 24)
#define WARM_TRIALS 5

#define WORK_OPTIONS                                                                               \
    AGLM_OPTIONS_STUDY,                                                                            \
        {"trials",                                                                                 \
         'n',                                                                                      \
         AGLM_OPTION_INT,                                                                          \
         "N",                                                                                      \
         "stop when the study has so many; default 100, none with --timeout or in a worker",       \
         NULL,                                                                                     \
         1,                                                                                        \
         1000000000},                                                                              \
        {"jobs", 'j', AGLM_OPTION_INT, "N", "trials at a time; default 1", NULL, 1, 256},          \
        {"timeout",                                                                                \
         0,                                                                                        \
         AGLM_OPTION_DURATION,                                                                     \
         "TIME",                                                                                   \
         "wall time in all; what runs then is ended",                                              \
         NULL,                                                                                     \
         0,                                                                                        \
         0},                                                                                       \
        {"trial-timeout",                                                                          \
         0,                                                                                        \
         AGLM_OPTION_DURATION,                                                                     \
         "TIME",                                                                                   \
         "wall time of one trial; then its processes are ended and it failed",                     \
         NULL,                                                                                     \
         0,                                                                                        \
         0},                                                                                       \
        {"grace",                                                                                  \
         0,                                                                                        \
         AGLM_OPTION_DURATION,                                                                     \
         "TIME",                                                                                   \
         "from the request to end (SIGTERM) to SIGKILL; default 2s",                               \
         NULL,                                                                                     \
         0,                                                                                        \
         0},                                                                                       \
        {"retries",                                                                                \
         0,                                                                                        \
         AGLM_OPTION_INT,                                                                          \
         "N",                                                                                      \
         "try the point of a failed trial again; default 0",                                       \
         NULL,                                                                                     \
         0,                                                                                        \
         1000},                                                                                    \
        {"heartbeat",                                                                              \
         0,                                                                                        \
         AGLM_OPTION_DURATION,                                                                     \
         "TIME",                                                                                   \
         "signs of life of running trials; one silent for twice as long is taken over; default "   \
         "60s",                                                                                    \
         NULL,                                                                                     \
         0,                                                                                        \
         0},                                                                                       \
        {"stop-after-stagnation",                                                                  \
         0,                                                                                        \
         AGLM_OPTION_INT,                                                                          \
         "N",                                                                                      \
         "stop after so many trials without a better one",                                         \
         NULL,                                                                                     \
         1,                                                                                        \
         1000000000},                                                                              \
        {"stop-regret",                                                                            \
         0,                                                                                        \
         AGLM_OPTION_TEXT,                                                                         \
         "X|cv",                                                                                   \
         "stop when no point is likely to be better by X (a bound by a Gaussian process, from 20 " \
         "trials on); cv: by the standard error of the best trial's {\"value\": ..., "             \
         "\"scores\": [...]}",                                                                     \
         NULL,                                                                                     \
         0,                                                                                        \
         0},                                                                                       \
        {"target",                                                                                 \
         0,                                                                                        \
         AGLM_OPTION_TEXT,                                                                         \
         "VALUE",                                                                                  \
         "stop when the best is as good; exit code 3 when it was not reached",                     \
         NULL,                                                                                     \
         0,                                                                                        \
         0},                                                                                       \
        {"warm-start",                                                                             \
         0,                                                                                        \
         AGLM_OPTION_TEXT,                                                                         \
         "NAME[@URL]",                                                                             \
         "begin a new study with the best five points of another one (of another storage)",        \
         NULL,                                                                                     \
         0,                                                                                        \
         0},                                                                                       \
        {"json", 0, AGLM_OPTION_FLAG, NULL, "print one JSON object at the end", NULL, 0, 0},       \
        {"json-lines", 0, AGLM_OPTION_FLAG, NULL, "print one JSON object an event", NULL, 0, 0}

static const aglm_option OPTIMIZE_OPTIONS[] = {WORK_OPTIONS, AGLM_OPTIONS_CLUSTER};
static const aglm_option WORKER_OPTIONS[] = {WORK_OPTIONS};

/* One call of the command. */
struct session {
    const aglm_args *args;
    bool slurm; /* the trials are run by workers on a cluster */
    aglm_opened opened;
    aglm_program program;
    aglm_optimize_options options;
    aglm_optimize_result result;
    aglm_cancel cancel;
    aglm_progress *progress;
    bool several; /* objectives */
};

/* ---- options ---- */

static aglm_rc set_target(const aglm_args *a, double *target, aglm_error *err)
{
    const char *text = aglm_args_text(a, "target", NULL);

    *target = NAN;
    if (text && (!aglm_double_parse(text, strlen(text), target) || isnan(*target)))
        return aglm_error_set(err, AGLM_INVALID, "--target %.60s: expected a number", text);
    return AGLM_OK;
}

/* A number above 0, or "cv". */
static aglm_rc set_regret(const aglm_args *a, double *regret, aglm_error *err)
{
    const char *text = aglm_args_text(a, "stop-regret", NULL);

    *regret = 0.0;
    if (!text)
        return AGLM_OK;
    if (strcmp(text, "cv") == 0)
        *regret = AGLM_REGRET_ERROR;
    else if (!aglm_double_parse(text, strlen(text), regret) || !(*regret > 0.0))
        return aglm_error_set(err, AGLM_INVALID,
                              "--stop-regret %.60s: expected a number above 0, or cv", text);
    return AGLM_OK;
}

static void set_limits(struct session *s, bool worker)
{
    const aglm_args *a = s->args;
    aglm_optimize_options *o = &s->options;
    int64_t timeout = aglm_args_number(a, "timeout", 0);

    o->trials = aglm_args_number(a, "trials", worker || timeout ? 0 : DEFAULT_TRIALS);
    o->deadline_ns = timeout ? aglm_clock_ns() + (uint64_t)timeout : 0;
    o->jobs = (unsigned)aglm_args_number(a, "jobs", 1);
    o->retries = (unsigned)aglm_args_number(a, "retries", 0);
    o->stagnation = (size_t)aglm_args_number(a, "stop-after-stagnation", 0);
    s->program.trial_limit_ns = (uint64_t)aglm_args_number(a, "trial-timeout", 0);
    s->program.grace_ns = (uint64_t)aglm_args_number(a, "grace", DEFAULT_GRACE_NS);
}

/* The other study's points, where this one has none yet. */
static aglm_rc warm_start(struct session *s, aglm_error *err)
{
    const char *text = aglm_args_text(s->args, "warm-start", NULL);
    const char *at = text ? strchr(text, '@') : NULL;
    char name[AGLM_STORE_MAX_NAME + 1];
    aglm_store *other = NULL;
    aglm_rc rc = AGLM_OK;
    size_t taken = 0;

    if (!text || aglm_study_size(s->opened.study) > 0)
        return AGLM_OK;
    snprintf(name, sizeof name, "%.*s", at ? (int)(at - text) : AGLM_STORE_MAX_NAME, text);
    if (at && (rc = aglm_storage_must_exist(at + 1, err)) == AGLM_OK)
        rc = aglm_store_open(&other, at + 1, err);
    if (rc == AGLM_OK)
        rc = aglm_warm_start(s->opened.study, other ? other : s->opened.store, name, WARM_TRIALS,
                             &taken, err);
    aglm_store_close(other);
    if (rc != AGLM_OK)
        aglm_error_prefix(err, "--warm-start");
    else if (!aglm_args_flag(s->args, "quiet"))
        fprintf(stderr, "warm start: %zu points of study %s\n", taken, name);
    return rc;
}

static aglm_rc prepare(struct session *s, bool worker, aglm_error *err)
{
    const aglm_args *a = s->args;
    const char *unused = NULL;
    aglm_rc rc = set_target(a, &s->options.target, err);

    if (rc == AGLM_OK)
        rc = set_regret(a, &s->options.regret, err);
    if (rc == AGLM_OK)
        rc = aglm_opening_open(&s->opened, a, false, err);
    if (rc == AGLM_OK && !isnan(s->options.target) && s->opened.options.n_directions > 1)
        rc = aglm_error_set(err, AGLM_INVALID,
                            "--target: a study of %zu objectives has no best value: leave it out",
                            s->opened.options.n_directions);
    if (rc == AGLM_OK && s->options.regret != 0.0 && s->opened.options.n_directions > 1)
        rc = aglm_error_set(err, AGLM_INVALID,
                            "--stop-regret: regret is of one objective, not of %zu: leave it out",
                            s->opened.options.n_directions);
    if (rc == AGLM_OK)
        rc = warm_start(s, err);
    if (rc != AGLM_OK)
        return rc;
    set_limits(s, worker);
    s->slurm = !worker && strcmp(aglm_args_text(a, "engine", "local"), "slurm") == 0;
    s->program.command = (aglm_template){a->operands, a->n_operands};
    s->program.study = s->opened.name;
    s->program.env = (const char *const *)environ;
    s->options.study = s->opened.study;
    s->options.space = s->opened.space;
    s->several = s->opened.options.n_directions > 1;
    s->options.maximize = s->opened.options.directions[0] == AGLM_MAXIMIZE;
    s->options.objective = aglm_program_objective;
    s->options.arg = &s->program;
    rc = aglm_template_check(s->opened.space, &s->program.command, &unused, err);
    if (rc == AGLM_OK && unused && !aglm_args_flag(a, "quiet"))
        fprintf(stderr,
                "note: {%s} is not in the command; the program finds it in AUTOGLM_PARAMS only\n",
                unused);
    return rc;
}

/* ---- events ---- */

static aglm_tune_event_kind event_kind(aglm_optimize_event_kind kind)
{
    static const aglm_tune_event_kind kinds[] = {AGLM_TUNE_TRIAL_START, AGLM_TUNE_TRIAL_REPORT,
                                                 AGLM_TUNE_TRIAL_END, AGLM_TUNE_BEST};

    return kinds[kind];
}

static void on_event(void *arg, const aglm_optimize_event *e)
{
    const aglm_tune_event t = {
        .kind = event_kind(e->kind),
        .elapsed_s = e->elapsed_s,
        .left_s = NAN,
        .number = e->number,
        .state = e->state,
        .step = e->step < 0 ? 0 : (unsigned)e->step,
        .value = e->value,
        .values = e->n_values > 1 ? e->values : NULL,
        .n_values = e->n_values > 1 ? e->n_values : 0,
        .best_value = e->best_value,
        .best_number = e->best_number,
        .finished = e->finished,
        .params = e->params,
        .duration_s = e->duration_s,
        .text = e->reason,
    };

    aglm_progress_event(arg, &t);
}

static void frame_event(struct session *s, aglm_tune_event_kind kind, const aglm_trial *best)
{
    const aglm_tune_event e = {
        .kind = kind,
        .number = -1,
        .value = NAN,
        .best_number = best ? best->number : -1,
        .best_value = best && best->n_values ? best->values[0] : NAN,
    };

    aglm_progress_event(s->progress, &e);
}

/* ---- what is shown at the end ---- */

static const char *stop_text(aglm_optimize_stop stop)
{
    static const char *const texts[] = {"the trials are done",
                                        "out of time",
                                        "no better trial for long",
                                        "the target is reached",
                                        "no point is left",
                                        "interrupted",
                                        "no point is likely to be better by much",
                                        "the workers have ended"};

    return texts[stop];
}

static void print_params(const aglm_space *space, const double *x)
{
    aglm_str value;

    aglm_str_init(&value, 1u << 20);
    for (size_t i = 0; i < space->n; i++) {
        if (isnan(x[i]))
            continue;
        aglm_str_reset(&value);
        if (aglm_template_value(&space->params[i].dist, x[i], &value) != AGLM_OK)
            continue;
        fputs("  ", stdout);
        aglm_terminal_cell(stdout, space->params[i].name, 20, false);
        putchar(' ');
        aglm_terminal_text(stdout, value.data, value.len);
        putchar('\n');
    }
    aglm_str_clear(&value);
}

static void print_trial(const struct session *s, const char *what, const aglm_trial *t)
{
    char value[40];

    printf("%s: trial %lld, value", what, (long long)t->number);
    for (size_t i = 0; i < t->n_values; i++) {
        aglm_double_format(value, t->values[i]);
        printf(" %s", value);
    }
    putchar('\n');
    print_params(s->opened.space, t->x);
}

/* The best trial, or the front. */
static void print_best(const struct session *s, const aglm_trial *best, size_t n)
{
    for (size_t i = 0; i < n; i++)
        print_trial(s, s->several ? "front" : "best", &best[i]);
}

static void print_summary(FILE *out, const struct session *s)
{
    aglm_study *study = s->opened.study;

    fprintf(out, "%zu trials complete, %zu pruned, %zu failed; %s\nstudy: %s in %s\n",
            aglm_study_count(study, AGLM_TRIAL_COMPLETE),
            aglm_study_count(study, AGLM_TRIAL_PRUNED), aglm_study_count(study, AGLM_TRIAL_FAIL),
            stop_text(s->result.stop), s->opened.name, s->opened.storage);
}

static void json_trial(const struct session *s, const aglm_trial *t, aglm_json_writer *w)
{
    aglm_json_open_object(w);
    aglm_json_member_int(w, "number", t->number);
    if (s->several) {
        aglm_json_key(w, "values");
        aglm_json_open_array(w);
        for (size_t i = 0; i < t->n_values; i++)
            aglm_json_put_double(w, t->values[i]);
        aglm_json_close_array(w);
    } else {
        aglm_json_member_double(w, "value", t->values[0]);
    }
    aglm_json_key(w, "params");
    aglm_point_write(s->opened.space, t->x, w);
    aglm_json_close_object(w);
}

/* "best": a trial or null, or with several objectives "front": a list of trials. */
static void json_best(const struct session *s, const aglm_trial *best, size_t n,
                      aglm_json_writer *w)
{
    aglm_json_key(w, s->several ? "front" : "best");
    if (s->several)
        aglm_json_open_array(w);
    for (size_t i = 0; i < n; i++)
        json_trial(s, &best[i], w);
    if (s->several)
        aglm_json_close_array(w);
    else if (n == 0)
        aglm_json_put_null(w);
}

static void json_result(const struct session *s, const aglm_trial *best, size_t n)
{
    aglm_study *study = s->opened.study;
    aglm_json_writer w;
    aglm_str out;

    aglm_str_init(&out, MAX_ANSWER);
    aglm_json_writer_init(&w, &out);
    aglm_json_open_object(&w);
    aglm_json_member_text(&w, "study", s->opened.name);
    aglm_json_member_text(&w, "storage", s->opened.storage);
    aglm_json_member_text(&w, "stopped_by", stop_text(s->result.stop));
    aglm_json_member_int(&w, "trials_complete",
                         (int64_t)aglm_study_count(study, AGLM_TRIAL_COMPLETE));
    aglm_json_member_int(&w, "trials_pruned", (int64_t)aglm_study_count(study, AGLM_TRIAL_PRUNED));
    aglm_json_member_int(&w, "trials_failed", (int64_t)aglm_study_count(study, AGLM_TRIAL_FAIL));
    json_best(s, best, n, &w);
    aglm_json_close_object(&w);
    if (out.rc == AGLM_OK)
        printf("%s\n", out.data);
    aglm_str_clear(&out);
}

static int exit_code(const struct session *s, const aglm_trial *best, size_t n)
{
    double target = s->options.target;

    if (s->result.stop == AGLM_STOP_CANCELLED)
        return AGLM_EXIT_INTERRUPTED;
    if (n == 0 || (s->result.stop == AGLM_STOP_WORKERS && s->result.complete == 0))
        return AGLM_EXIT_FAILED;
    bool missed = s->options.maximize ? best->values[0] < target : best->values[0] > target;
    return missed ? AGLM_EXIT_BAR : AGLM_EXIT_OK;
}

/* The best trial, or the front; *n is 0 when no trial is complete. */
static void find_best(const struct session *s, aglm_arena *a, aglm_trial **best, size_t *n)
{
    *n = 0;
    if (s->several) {
        if (aglm_study_front(s->opened.study, a, best, n, NULL) != AGLM_OK)
            *n = 0;
        return;
    }
    *best = aglm_arena_array(a, 1, sizeof **best);
    *n = *best && aglm_study_best_trial(s->opened.study, a, *best, NULL) == AGLM_OK;
}

static int report(struct session *s)
{
    const aglm_args *a = s->args;
    aglm_arena arena;
    aglm_trial *best = NULL;
    size_t n;

    aglm_arena_init(&arena, MAX_BEST_BYTES);
    find_best(s, &arena, &best, &n);
    if (aglm_args_flag(a, "json-lines"))
        frame_event(s, AGLM_TUNE_DONE, s->several || n == 0 ? NULL : best);
    else if (aglm_args_flag(a, "json"))
        json_result(s, best, n);
    else
        print_best(s, best, n);
    int code = exit_code(s, best, n);
    if (!aglm_args_flag(a, "quiet"))
        print_summary(stderr, s);
    if (code == AGLM_EXIT_INTERRUPTED)
        fprintf(stderr, "the same command goes on from here\n");
    if (n == 0 && s->result.last_reason[0])
        fprintf(stderr, "autoglm %s: no trial was complete; the last one failed: %s\n",
                a->command->name, s->result.last_reason);
    aglm_arena_clear(&arena);
    return code;
}

/* ---- run ---- */

static aglm_progress *make_progress(const struct session *s)
{
    const aglm_args *a = s->args;
    aglm_progress_mode mode = aglm_args_flag(a, "json-lines") ? AGLM_PROGRESS_JSON_LINES
                              : aglm_args_flag(a, "quiet")    ? AGLM_PROGRESS_SILENT
                                                              : AGLM_PROGRESS_PERSON;

    return aglm_progress_new(mode, (double)aglm_args_number(a, "timeout", 0) / 1e9,
                             s->options.trials, aglm_args_flag(a, "verbose"));
}

static aglm_rc optimize(struct session *s, aglm_error *err)
{
    s->progress = make_progress(s);
    if (!s->progress)
        return aglm_error_set(err, AGLM_NOMEM, "out of memory");
    aglm_cancel_init(&s->cancel, NULL, 0);
    aglm_interrupt_install(&s->cancel);
    s->options.cancel = &s->cancel;
    s->options.on_event = on_event;
    s->options.event_arg = s->progress;
    frame_event(s, AGLM_TUNE_START, NULL);
    if (s->slurm)
        return aglm_cluster_optimize(s->args, &s->opened, &s->options, &s->result, err);
    return aglm_optimize(&s->options, &s->result, err);
}

static int run_session(const aglm_args *a, bool worker)
{
    struct session *s = calloc(1, sizeof *s);
    aglm_error err = {0};

    if (!s)
        return aglm_cli_fail(a, AGLM_NOMEM, &err);
    s->args = a;
    aglm_rc rc = prepare(s, worker, &err);
    if (rc == AGLM_OK)
        rc = optimize(s, &err);
    if (s->progress && !aglm_args_flag(a, "json-lines")) {
        aglm_progress_free(s->progress);
        s->progress = NULL;
    }
    int code = rc == AGLM_OK ? report(s) : aglm_cli_fail(a, rc, &err);
    aglm_progress_free(s->progress);
    aglm_opened_clear(&s->opened);
    free(s);
    return code;
}

static int run_optimize(const aglm_args *a)
{
    return run_session(a, false);
}

static int run_worker(const aglm_args *a)
{
    return run_session(a, true);
}

const aglm_command aglm_command_optimize = {
    .name = "optimize",
    .operands = "-- PROGRAM [ARGUMENT...]",
    .operands_min = 1,
    .operands_max = AGLM_OPERANDS_MAX,
    .summary = "find the best parameters of any program",
    .about =
        "Runs the program once a trial, {name} in its arguments replaced by the parameter's value (the environment has\n"
        "AUTOGLM_TRIAL and AUTOGLM_PARAMS, JSON, too). The last line of its standard output that is a number, or JSON as\n"
        "{\"value\": 0.9}, is the trial's value; {\"values\": [0.9, 12], \"constraints\": [-1]} where --direction is given twice\n"
        "and a constraint is violated above 0; {\"value\": 0.9, \"scores\": [0.8, 1]} with one score a fold (--stop-regret cv).\n"
        "Lines as {\"step\": 3, \"value\": 0.8} are intermediate values, by which the\n"
        "pruner may end it. A program that fails, hangs (--trial-timeout), crashes or prints no value is a failed trial with\n"
        "its reason and last lines kept; the study goes on. Put -- before the program. The same command resumes the study.\n"
        "Spaces: uniform, loguniform, quniform, qloguniform(low,high[,q]), int(low,high[,step]), logint(low,high),\n"
        "normal, lognormal(mu,sigma), choice(a,b(n=int(1,9)),...), and hp.WORD(...) as in Hyperopt.",
    .options = OPTIMIZE_OPTIONS,
    .n_options = sizeof OPTIMIZE_OPTIONS / sizeof *OPTIMIZE_OPTIONS,
    .examples =
        "  autoglm optimize --space 'lr=loguniform(1e-5,1e-1)' --space 'batch=choice(16,32,64)' --forbid 'batch=64 & lr>0.01' \\\n"
        "      --direction maximize --trials 50 --jobs 4 -- ./train.sh --lr {lr} --batch {batch}\n"
        "  autoglm optimize --space 'x=uniform(-5,5)' --pruner asha --max-steps 27 --trial-timeout 60s -- python3 fit.py {x}\n"
        "  autoglm optimize --space 'x=uniform(-5,5)' --storage postgresql://me@host/db --study s --engine slurm --workers 8 -- ./fit {x}",
    .run = run_optimize,
};

const aglm_command aglm_command_worker = {
    .name = "worker",
    .operands = "-- PROGRAM [ARGUMENT...]",
    .operands_min = 1,
    .operands_max = AGLM_OPERANDS_MAX,
    .summary = "work on a stored study, beside other workers",
    .about =
        "As optimize, for a study that is stored already: any number of workers, on any machine that reaches the storage, ask\n"
        "and tell the same study. The space is the study's. It goes on until --trials, --timeout, or Ctrl-C.",
    .options = WORKER_OPTIONS,
    .n_options = sizeof WORKER_OPTIONS / sizeof *WORKER_OPTIONS,
    .examples =
        "  autoglm worker --storage sqlite:///s.db --study demo --trials 200 -- ./train.sh --lr {lr}",
    .run = run_worker,
};
