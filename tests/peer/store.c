/* Writes and reads studies through store.h, for tests/peer/optuna_store.py.
 * usage: store write URL | store read URL STUDY | store work URL STUDY TRIALS | store reap URL
 * STUDY */
#include "store/store.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/json.h"

#define FLOAT "{\"name\": \"FloatDistribution\", \"attributes\": "
#define INT "{\"name\": \"IntDistribution\", \"attributes\": "
#define CHOICE "{\"name\": \"CategoricalDistribution\", \"attributes\": "

static aglm_error err;

#define TRY(call)                                                                                  \
    do {                                                                                           \
        if ((call) < 0) {                                                                          \
            fprintf(stderr, "%s: %s\n", #call, err.msg);                                           \
            exit(1);                                                                               \
        }                                                                                          \
    } while (0)

/* All kinds of distributions; optuna_store.py knows the values. */
static const aglm_param_row all_kinds[] = {
    {"x", 0.1, FLOAT "{\"step\": null, \"low\": -1.0, \"high\": 1.0, \"log\": false}}"},
    {"lr", 1e-4, FLOAT "{\"step\": null, \"low\": 1e-05, \"high\": 0.1, \"log\": true}}"},
    {"q", 0.75, FLOAT "{\"step\": 0.25, \"low\": 0.0, \"high\": 1.0, \"log\": false}}"},
    {"n", 7, INT "{\"log\": false, \"step\": 2, \"low\": 1, \"high\": 9}}"},
    {"width", 64, INT "{\"log\": true, \"step\": 1, \"low\": 1, \"high\": 1024}}"},
    {"\xe7\xa7\x8d\xe7\xb1\xbb \"k\"", 1, CHOICE "{\"choices\": [\"a\", null, true, 3, 2.5]}}"},
};

static void add(aglm_store *s, int64_t study, aglm_trial_row row)
{
    TRY(aglm_store_trial_new(s, study, &row, row.state == AGLM_TRIAL_RUNNING ? getpid() : 0, &err));
}

static void write_one_objective(aglm_store *s)
{
    aglm_direction way = AGLM_MINIMIZE;
    aglm_step_row steps[] = {{0, 0.5}, {1, NAN}, {2, INFINITY}, {5, -INFINITY}};
    aglm_attr_row attrs[] = {{"note", "{\"text\": \"\xe5\xa5\xbd\", \"n\": [1, null]}", false},
                             {"constraints", "[0.5]", true}};
    aglm_attr_row queued = {"fixed_params", "{\"x\": 0.25, \"n\": 3}", true};
    aglm_attr_row metric = {"study:metric_names", "[\"loss\"]", true};
    aglm_attr_row user = {"data", "\"train.csv\"", false};
    double values[] = {0.5, INFINITY, -INFINITY, 0.25};
    int64_t study;

    TRY(aglm_store_study_new(s, "ours", &way, 1, &study, &err));
    TRY(aglm_store_study_set_attr(s, study, &metric, &err));
    TRY(aglm_store_study_set_attr(s, study, &user, &err));
    for (int i = 0; i < 12; i++) {
        aglm_param_row params[6];
        double value = i < 4 ? values[i] : (i * 7 % 12) / 12.0;
        memcpy(params, all_kinds, sizeof params);
        params[0].value = i / 12.0;
        params[5].value = i % 5;
        add(s, study,
            (aglm_trial_row){.params = params,
                             .n_params = 6,
                             .values = &value,
                             .n_values = 1,
                             .state = AGLM_TRIAL_COMPLETE,
                             .steps = steps,
                             .n_steps = (size_t)(i == 0 ? 4 : 0),
                             .attrs = attrs,
                             .n_attrs = (size_t)(i == 0 ? 2 : 0)});
    }
    add(s, study,
        (aglm_trial_row){.state = AGLM_TRIAL_PRUNED,
                         .params = all_kinds,
                         .n_params = 2,
                         .values = values,
                         .n_values = 1,
                         .steps = steps,
                         .n_steps = 1});
    add(s, study, (aglm_trial_row){.state = AGLM_TRIAL_PRUNED, .params = all_kinds, .n_params = 1});
    add(s, study, (aglm_trial_row){.state = AGLM_TRIAL_FAIL, .params = all_kinds, .n_params = 6});
    add(s, study, (aglm_trial_row){.state = AGLM_TRIAL_WAITING, .attrs = &queued, .n_attrs = 1});
}

static void write_two_objectives(aglm_store *s)
{
    aglm_direction ways[] = {AGLM_MAXIMIZE, AGLM_MINIMIZE};
    int64_t study;

    TRY(aglm_store_study_new(s, "two", ways, 2, &study, &err));
    for (int i = 0; i < 5; i++) {
        double values[] = {i / 5.0, i * i / 25.0};
        aglm_trial_row row = {.params = all_kinds, .n_params = 6};
        TRY(aglm_store_trial_new(s, study, &row, getpid(), &err));
        aglm_trial_end end = {.state = AGLM_TRIAL_COMPLETE, .values = values, .n_values = 2};
        TRY(aglm_store_trial_finish(s, row.id, &end, &err));
    }
}

/* Asks and tells, while others may do the same. */
static void work(aglm_store *s, int64_t study, int trials)
{
    for (int i = 0; i < trials; i++) {
        aglm_trial_row row = {.params = all_kinds, .n_params = 6};
        aglm_step_row step = {1, i};
        double value = i;
        aglm_trial_end end = {AGLM_TRIAL_COMPLETE, &value, 1, &step, 1, NULL, 0};
        TRY(aglm_store_trial_new(s, study, &row, getpid(), &err));
        TRY(aglm_store_trial_finish(s, row.id, &end, &err));
    }
}

static void put_attrs(aglm_json_writer *w, const aglm_attr_row *attrs, size_t n, bool system)
{
    aglm_json_key(w, system ? "system_attrs" : "user_attrs");
    aglm_json_open_object(w);
    for (size_t i = 0; i < n; i++) {
        if (attrs[i].system == system)
            aglm_json_member_text(w, attrs[i].key, attrs[i].json);
    }
    aglm_json_close_object(w);
}

static void put_trial(aglm_json_writer *w, const aglm_trial_row *t)
{
    static const char *const states[] = {"RUNNING", "COMPLETE", "PRUNED", "FAIL", "WAITING"};

    aglm_json_open_object(w);
    aglm_json_member_int(w, "number", t->number);
    aglm_json_member_text(w, "state", states[t->state]);
    aglm_json_member_text(w, "started", t->started);
    aglm_json_member_text(w, "completed", t->completed);
    aglm_json_key(w, "params");
    aglm_json_open_array(w);
    for (size_t i = 0; i < t->n_params; i++) {
        aglm_json_open_array(w);
        aglm_json_put_text(w, t->params[i].name);
        aglm_json_put_double(w, t->params[i].value);
        aglm_json_put_text(w, t->params[i].distribution);
        aglm_json_close_array(w);
    }
    aglm_json_close_array(w);
    aglm_json_key(w, "values");
    aglm_json_open_array(w);
    for (size_t i = 0; i < t->n_values; i++)
        aglm_json_put_double(w, t->values[i]);
    aglm_json_close_array(w);
    aglm_json_key(w, "steps");
    aglm_json_open_array(w);
    for (size_t i = 0; i < t->n_steps; i++) {
        aglm_json_open_array(w);
        aglm_json_put_int(w, t->steps[i].step);
        aglm_json_put_double(w, t->steps[i].value);
        aglm_json_close_array(w);
    }
    aglm_json_close_array(w);
    put_attrs(w, t->attrs, t->n_attrs, false);
    put_attrs(w, t->attrs, t->n_attrs, true);
    aglm_json_close_object(w);
}

static void read_study(aglm_store *s, int64_t study)
{
    aglm_study_row row;
    aglm_trial_row *trials;
    aglm_attr_row *attrs;
    aglm_json_writer w;
    aglm_arena a;
    aglm_str out;
    size_t n;

    aglm_arena_init(&a, (size_t)1 << 30);
    aglm_str_init(&out, (size_t)1 << 28);
    aglm_json_writer_init(&w, &out);
    w.nonfinite = true;
    TRY(aglm_store_study_get(s, study, &a, &row, &err));
    aglm_json_open_object(&w);
    aglm_json_member_text(&w, "name", row.name);
    aglm_json_key(&w, "directions");
    aglm_json_open_array(&w);
    for (size_t i = 0; i < row.n_directions; i++)
        aglm_json_put_text(&w, row.directions[i] == AGLM_MAXIMIZE ? "MAXIMIZE" : "MINIMIZE");
    aglm_json_close_array(&w);
    TRY(aglm_store_study_attrs(s, study, &a, &attrs, &n, &err));
    put_attrs(&w, attrs, n, false);
    put_attrs(&w, attrs, n, true);
    TRY(aglm_store_trials(s, study, 0, &a, &trials, &n, &err));
    aglm_json_key(&w, "trials");
    aglm_json_open_array(&w);
    for (size_t i = 0; i < n; i++)
        put_trial(&w, &trials[i]);
    aglm_json_close_array(&w);
    aglm_json_close_object(&w);
    puts(out.data);
    aglm_str_clear(&out);
    aglm_arena_clear(&a);
}

int main(int argc, char **argv)
{
    const char *verb = argc > 1 ? argv[1] : "";
    aglm_store *s;
    int64_t study = 0;
    size_t n = 0;

    if (argc < 3) {
        fprintf(stderr, "usage: store write URL | read|work|reap URL STUDY [TRIALS]\n");
        return 2;
    }
    TRY(aglm_store_open(&s, argv[2], &err));
    if (argc > 3)
        TRY(aglm_store_study_find(s, argv[3], &study, &err));
    if (strcmp(verb, "write") == 0) {
        write_one_objective(s);
        write_two_objectives(s);
    } else if (strcmp(verb, "read") == 0) {
        read_study(s, study);
    } else if (strcmp(verb, "reap") == 0) {
        TRY(aglm_store_reap(s, study, 0, NULL, &n, &err));
        printf("%zu\n", n);
    } else if (strcmp(verb, "work") == 0 && argc > 4) {
        work(s, study, (int)strtol(argv[4], NULL, 10));
    }
    aglm_store_close(s);
    return 0;
}
