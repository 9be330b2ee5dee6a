#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "cli/commands.h"
#include "cli/opening.h"
#include "tune/report.h"

#define MAX_ANSWER (1u << 28)
#define MAX_VALUES AGLM_STORE_MAX_OBJECTIVES

static const aglm_option ASK_OPTIONS[] = {
    AGLM_OPTIONS_STUDY,
    {"count", 'n', AGLM_OPTION_INT, "N", "trials to ask for; default 1", NULL, 1, 100000},
    {"json", 0, AGLM_OPTION_FLAG, NULL, "print a JSON object a line", NULL, 0, 0},
};

static const aglm_option TELL_OPTIONS[] = {
    AGLM_OPTIONS_STUDY,
    {"state", 0, AGLM_OPTION_WORD, "S", "complete, pruned or fail; default complete",
     "complete|pruned|fail", 0, 0},
    {"skip-if-finished", 0, AGLM_OPTION_FLAG, NULL, "a trial that was told already is no error",
     NULL, 0, 0},
};

/* ---- ask ---- */

static aglm_rc print_point(const aglm_opened *o, int64_t number, const double *x, bool json,
                           aglm_error *err)
{
    aglm_json_writer w;
    aglm_str out;
    char params[2048];

    aglm_str_init(&out, MAX_ANSWER);
    aglm_json_writer_init(&w, &out);
    if (json) {
        aglm_json_open_object(&w);
        aglm_json_member_int(&w, "number", number);
        aglm_json_key(&w, "params");
    }
    aglm_point_write(o->space, x, &w);
    if (json)
        aglm_json_close_object(&w);
    aglm_rc rc = out.rc;
    if (rc == AGLM_OK && json)
        printf("%s\n", out.data);
    if (rc == AGLM_OK && !json) {
        aglm_report_params(out.data, params, sizeof params);
        printf("%lld\t%s\n", (long long)number, params);
    }
    aglm_str_clear(&out);
    return rc == AGLM_OK ? rc : aglm_error_set(err, rc, "a point: %s", aglm_rc_text(rc));
}

static aglm_rc ask(const aglm_opened *o, const aglm_args *a, aglm_error *err)
{
    int64_t count = aglm_args_number(a, "count", 1);
    int64_t number;
    double *x = aglm_calloc(o->space->n, sizeof *x);
    aglm_rc rc = x ? AGLM_OK : aglm_error_set(err, AGLM_NOMEM, "out of memory for a point");

    for (int64_t i = 0; rc == AGLM_OK && i < count; i++) {
        rc = aglm_study_ask(o->study, &number, x, err);
        if (rc == AGLM_OK)
            rc = print_point(o, number, x, aglm_args_flag(a, "json"), err);
    }
    free(x);
    return rc;
}

static int run_ask(const aglm_args *a)
{
    aglm_opened o;
    aglm_error err = {0};
    aglm_rc rc = aglm_opening_open(&o, a, true, &err);

    if (rc == AGLM_OK)
        rc = ask(&o, a, &err);
    if (rc == AGLM_DONE)
        fprintf(stderr, "autoglm ask: no point is left\n");
    int code = rc == AGLM_OK     ? AGLM_EXIT_OK
               : rc == AGLM_DONE ? AGLM_EXIT_BAR
                                 : aglm_cli_fail(a, rc, &err);
    aglm_opened_clear(&o);
    return code;
}

const aglm_command aglm_command_ask = {
    .name = "ask",
    .operands = "",
    .operands_min = 0,
    .operands_max = 0,
    .summary = "ask a study for points to try, one or many",
    .about =
        "Prints the number of each new trial and its parameters. The trials stay open until autoglm tell ends them, whoever\n"
        "does; points of one call differ. With --space the study is made when it is not there. Exit code 3: no point is left.",
    .options = ASK_OPTIONS,
    .n_options = sizeof ASK_OPTIONS / sizeof *ASK_OPTIONS,
    .examples =
        "  autoglm ask --storage sqlite:///s.db --study demo --space 'x=uniform(0,1)' --count 8 --json",
    .run = run_ask,
};

/* ---- tell ---- */

struct told {
    int64_t number;
    aglm_trial_state state;
    double values[MAX_VALUES];
    size_t n;
};

static aglm_trial_state state_of(const char *word)
{
    return strcmp(word, "fail") == 0     ? AGLM_TRIAL_FAIL
           : strcmp(word, "pruned") == 0 ? AGLM_TRIAL_PRUNED
                                         : AGLM_TRIAL_COMPLETE;
}

static aglm_rc read_told(const aglm_args *a, struct told *t, aglm_error *err)
{
    char *end = NULL;

    t->state = state_of(aglm_args_text(a, "state", "complete"));
    t->n = a->n_operands - 1;
    errno = 0;
    t->number = strtoll(a->operands[0], &end, 10);
    if (errno || *end || end == a->operands[0] || t->number < 0)
        return aglm_error_set(err, AGLM_INVALID, "\"%.60s\": expected the number of a trial",
                              a->operands[0]);
    for (size_t i = 0; i < t->n; i++) {
        const char *text = a->operands[i + 1];
        if (!aglm_double_parse(text, strlen(text), &t->values[i]))
            return aglm_error_set(err, AGLM_INVALID, "\"%.60s\": expected a number", text);
    }
    if (t->state == AGLM_TRIAL_COMPLETE && t->n == 0)
        return aglm_error_set(err, AGLM_INVALID,
                              "the trial's value is missing: autoglm tell NUMBER VALUE, or --state "
                              "fail");
    return AGLM_OK;
}

static bool is_finished(aglm_study *s, int64_t number)
{
    aglm_arena arena;
    aglm_trial t;

    aglm_arena_init(&arena, MAX_ANSWER);
    bool finished = aglm_study_trial(s, number, &arena, &t, NULL) == AGLM_OK &&
                    aglm_trial_finished(&t);
    aglm_arena_clear(&arena);
    return finished;
}

static int run_tell(const aglm_args *a)
{
    struct told t;
    aglm_opened o = {0};
    aglm_error err = {0};
    aglm_rc rc = read_told(a, &t, &err);

    if (rc == AGLM_OK)
        rc = aglm_opening_open(&o, a, true, &err);
    bool skip = rc == AGLM_OK && aglm_args_flag(a, "skip-if-finished") &&
                is_finished(o.study, t.number);
    if (rc == AGLM_OK && !skip)
        rc = aglm_study_tell(o.study, t.number, t.state, t.values, t.n, &err);
    int code = rc == AGLM_OK ? AGLM_EXIT_OK : aglm_cli_fail(a, rc, &err);
    aglm_opened_clear(&o);
    return code;
}

const aglm_command aglm_command_tell = {
    .name = "tell",
    .operands = "NUMBER [VALUE...]",
    .operands_min = 1,
    .operands_max = 1 + MAX_VALUES,
    .summary = "tell a study the value of a trial that was asked",
    .about = "Ends an open trial with its value, or with --state fail or pruned.",
    .options = TELL_OPTIONS,
    .n_options = sizeof TELL_OPTIONS / sizeof *TELL_OPTIONS,
    .examples =
        "  autoglm tell 12 0.93 --storage sqlite:///s.db --study demo\n  autoglm tell 13 --state fail --storage s.db --study demo",
    .run = run_tell,
};
