#include "job/program.h"

#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "job/child.h"
#include "job/output.h"

#define MAX_COMMAND_BYTES ((size_t)1 << 24)
#define OWN_VARIABLES 3

struct listener {
    const aglm_attempt *attempt;
    aglm_output *output;
};

static bool on_line(void *arg, const char *line, size_t n, bool is_error)
{
    struct listener *l = arg;

    if (aglm_output_line(l->output, line, n, is_error) != AGLM_OUTPUT_STEP)
        return false;
    return aglm_attempt_report(l->attempt, l->output->step, l->output->step_value);
}

/* ---- the environment ---- */

static bool is_own(const char *variable)
{
    static const char *const names[OWN_VARIABLES] = {
        "AUTOGLM_TRIAL=", "AUTOGLM_PARAMS=", "AUTOGLM_STUDY="};

    for (size_t i = 0; i < OWN_VARIABLES; i++) {
        if (strncmp(variable, names[i], strlen(names[i])) == 0)
            return true;
    }
    return false;
}

static aglm_rc write_params(const aglm_attempt *a, aglm_str *out)
{
    aglm_json_writer w;

    aglm_json_writer_init(&w, out);
    w.python = true;
    aglm_point_write(a->space, a->x, &w);
    return out->rc;
}

static aglm_rc make_environment(const aglm_program *p, const aglm_attempt *a, aglm_arena *arena,
                                char ***out, aglm_error *err)
{
    aglm_str params;
    size_t n = 0;
    size_t used = 0;

    while (p->env && p->env[n])
        n++;
    char **env = aglm_arena_array(arena, n + OWN_VARIABLES + 1, sizeof *env);
    aglm_str_init(&params, MAX_COMMAND_BYTES);
    bool ok = env && write_params(a, &params) == AGLM_OK;
    for (size_t i = 0; ok && i < n; i++) {
        if (is_own(p->env[i]))
            continue;
        env[used] = aglm_arena_strdup(arena, p->env[i]);
        ok = env[used++] != NULL;
    }
    ok = ok &&
         (env[used++] = aglm_arena_printf(arena, "AUTOGLM_TRIAL=%lld", (long long)a->number)) &&
         (env[used++] = aglm_arena_printf(arena, "AUTOGLM_STUDY=%s", p->study)) &&
         (env[used++] = aglm_arena_printf(arena, "AUTOGLM_PARAMS=%s", params.data));
    aglm_str_clear(&params);
    *out = env;
    return ok ? AGLM_OK : aglm_error_set(err, AGLM_NOMEM, "out of memory for an environment");
}

/* ---- the verdict ---- */

static void fail(aglm_verdict *v, const char *reason)
{
    v->state = AGLM_TRIAL_FAIL;
    snprintf(v->reason, sizeof v->reason, "%s", reason);
}

static void judge_exit(const aglm_output *o, int code, aglm_verdict *v)
{
    v->state = AGLM_TRIAL_FAIL;
    if (code != 0) {
        snprintf(v->reason, sizeof v->reason, "exit code %d", code);
    } else if (o->n_values == 0) {
        fail(v, "it printed no value: the last line of standard output must be a number, or JSON "
                "as {\"value\": 0.9}");
    } else {
        v->state = AGLM_TRIAL_COMPLETE;
        v->n_values = o->n_values;
        v->violation = o->violation;
        v->n_scores = o->n_scores;
        memcpy(v->scores, o->scores, sizeof v->scores);
        memcpy(v->values, o->values, sizeof v->values);
    }
}

static void judge(const aglm_program *p, const aglm_attempt *a, const aglm_output *o,
                  const aglm_child_end *end, aglm_verdict *v)
{
    switch (end->kind) {
    case AGLM_CHILD_EXITED:
        judge_exit(o, end->number, v);
        break;
    case AGLM_CHILD_SIGNALED:
        v->state = AGLM_TRIAL_FAIL;
        snprintf(v->reason, sizeof v->reason, "ended by signal %d (%s)", end->number,
                 strsignal(end->number));
        break;
    case AGLM_CHILD_TIMEOUT:
        v->state = AGLM_TRIAL_FAIL;
        snprintf(v->reason, sizeof v->reason, "over its time limit of %.6g s",
                 (double)p->trial_limit_ns / 1e9);
        break;
    case AGLM_CHILD_CANCELLED:
        fail(v, aglm_cancel_requested(a->cancel) ? "interrupted" : "stopped: out of time");
        v->interrupted = true;
        break;
    case AGLM_CHILD_STOPPED:
        v->state = AGLM_TRIAL_PRUNED;
        break;
    }
}

/* A scheduler that ends a job signals the program and this process alike, in any order. */
static bool ended_with_us(const aglm_attempt *a, const aglm_child_end *end)
{
    bool told = end->kind == AGLM_CHILD_SIGNALED &&
                (end->number == SIGTERM || end->number == SIGINT || end->number == SIGKILL);

    for (int i = 0; told && i < 20 && !aglm_cancelled(a->cancel); i++)
        usleep(10000);
    return (told || (end->kind == AGLM_CHILD_EXITED && end->number != 0)) &&
           aglm_cancelled(a->cancel);
}

struct launch {
    aglm_arena arena;
    aglm_output *output;
};

static aglm_rc launch(const aglm_program *p, const aglm_attempt *a, struct launch *l,
                      aglm_child_end *end, aglm_error *err)
{
    struct listener listener = {a, l->output};
    char **argv = NULL;
    char **envp = NULL;
    aglm_rc rc = aglm_template_fill(a->space, a->x, &p->command, &l->arena, &argv, err);

    if (rc == AGLM_OK)
        rc = make_environment(p, a, &l->arena, &envp, err);
    if (rc != AGLM_OK)
        return rc;
    const aglm_child_options o = {
        .argv = (const char *const *)argv,
        .envp = (const char *const *)envp,
        .deadline_ns = p->trial_limit_ns ? aglm_clock_ns() + p->trial_limit_ns : 0,
        .grace_ns = p->grace_ns,
        .cancel = a->cancel,
        .on_line = on_line,
        .arg = &listener,
    };
    return aglm_child_run(&o, end, err);
}

aglm_rc aglm_program_objective(void *arg, const aglm_attempt *a, aglm_verdict *out, aglm_error *err)
{
    const aglm_program *p = arg;
    aglm_output output;
    struct launch l = {.output = &output};
    aglm_child_end end;

    aglm_arena_init(&l.arena, MAX_COMMAND_BYTES);
    aglm_output_init(&output);
    aglm_rc rc = launch(p, a, &l, &end, err);
    if (rc == AGLM_OK) {
        if (ended_with_us(a, &end))
            end.kind = AGLM_CHILD_CANCELLED;
        judge(p, a, &output, &end, out);
        snprintf(out->output, sizeof out->output, "%s", output.tail);
    }
    aglm_arena_clear(&l.arena);
    return rc;
}
