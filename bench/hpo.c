/* hpo.c - regret of a sampler on problems whose least value is known. Used by bench/hpo.py.
 *
 *   hpo list [held-out|fresh]                    names of the problems
 *   hpo run SAMPLER PROBLEM SEED TRIALS          after 25, 50, 100 and 200 trials the regret of the
 *                                                best value seen, then CPU ms a trial, on one line
 *   hpo space PROBLEM                            as aglm_space_write has it
 *   hpo value PROBLEM                            points from stdin, one a line, NaN where inactive:
 *                                                their regret and noise's deviation
 *   hpo posterior                                the model alone, for tests/peer/gp_sklearn.py
 *
 * PROBLEM may be a file that starts with @: a line with the space, of finite parameters, then a
 * number for each of its points, the first parameter fastest. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/memory.h"
#include "hpo_problem.h"
#include "search/gp_model.h"
#include "search/space_text.h"
#include "search/study.h"

#define MAX_TABLE 1000000
#define MAX_LINE 4096

struct task {
    hpo_problem problem; /* value NULL: the table */
    aglm_space *space;
    double *table;
};

static double task_value(const struct task *t, const double *x)
{
    size_t at = 0;
    size_t stride = 1;

    if (t->problem.value)
        return t->problem.value(x, t->problem.d);
    for (size_t i = 0; i < t->space->n; i++) {
        const aglm_dist *d = &t->space->params[i].dist;
        uint64_t n = aglm_dist_count(d);
        uint64_t k = 0;
        while (k + 1 < n && aglm_dist_at(d, k) < x[i])
            k++;
        at += stride * k;
        stride *= n;
    }
    return t->table[at];
}

static aglm_rc cube(const hpo_problem *p, aglm_space *space, aglm_error *err)
{
    aglm_dist d;
    aglm_rc rc = aglm_dist_float(&d, p->low, p->high, 0.0, false, err);

    for (size_t i = 0; rc == AGLM_OK && i < p->d; i++) {
        char name[8];
        snprintf(name, sizeof name, "x%u", (unsigned)i & 31u);
        rc = aglm_space_add(space, name, &d, NULL, 0, err);
    }
    return rc;
}

static aglm_rc read_table(struct task *t, FILE *f, aglm_error *err)
{
    char line[MAX_LINE];
    size_t n = 1;

    if (!fgets(line, sizeof line, f))
        return aglm_error_set(err, AGLM_FORMAT, "a table begins with its space");
    aglm_rc rc = aglm_space_parse(t->space, line, strcspn(line, "\n"), err);
    for (size_t i = 0; rc == AGLM_OK && i < t->space->n; i++)
        n *= (size_t)aglm_dist_count(&t->space->params[i].dist);
    if (rc == AGLM_OK && (n == 0 || n > MAX_TABLE))
        rc = aglm_error_set(err, AGLM_FORMAT, "a table's parameters are finite");
    if (rc != AGLM_OK)
        return rc;
    t->table = aglm_calloc(n, sizeof *t->table);
    for (size_t i = 0; t->table && i < n; i++) {
        if (fscanf(f, "%63s", line) != 1)
            return aglm_error_set(err, AGLM_FORMAT, "the table has %zu of %zu numbers", i, n);
        t->table[i] = strtod(line, NULL);
    }
    return t->table ? AGLM_OK : aglm_error_set(err, AGLM_NOMEM, "out of memory");
}

static aglm_rc open_table(struct task *t, const char *path, aglm_error *err)
{
    FILE *f = fopen(path, "r");

    if (!f)
        return aglm_error_set(err, AGLM_NOTFOUND, "%s: cannot be read", path);
    aglm_rc rc = read_table(t, f, err);
    fclose(f);
    return rc;
}

static const struct {
    const char *name;
    const hpo_problem *(*problems)(size_t *n);
} sets[] = {{"known", hpo_known}, {"held-out", hpo_held_out}, {"fresh", hpo_fresh}};

static bool find_problem(hpo_problem *out, const char *name)
{
    for (size_t set = 0; set < sizeof sets / sizeof *sets; set++) {
        size_t n;
        const hpo_problem *list = sets[set].problems(&n);
        for (size_t i = 0; i < n; i++) {
            if (strcmp(list[i].name, name) == 0) {
                *out = list[i];
                return true;
            }
        }
    }
    return false;
}

static aglm_rc task_init(struct task *t, const char *name, aglm_error *err)
{
    *t = (struct task){.problem.name = name};
    aglm_rc rc = aglm_space_new(&t->space, err);

    if (rc != AGLM_OK)
        return rc;
    if (*name == '@')
        return open_table(t, name + 1, err);
    if (!find_problem(&t->problem, name))
        return aglm_error_set(err, AGLM_NOTFOUND, "no problem %s", name);
    const char *text = t->problem.space;
    return text ? aglm_space_parse(t->space, text, strlen(text), err)
                : cube(&t->problem, t->space, err);
}

static void task_clear(struct task *t)
{
    aglm_space_free(t->space);
    free(t->table);
}

/* Regret is that of the true value at the best observed point. */
static aglm_rc search(aglm_study *study, const struct task *t, int trials, uint64_t seed,
                      aglm_error *err)
{
    double x[HPO_MAX_DIMS];
    double best = INFINITY;
    double regret = INFINITY;
    aglm_rc rc = AGLM_OK;
    aglm_rng rng;

    aglm_rng_init_stream(&rng, seed, 12345);
    uint64_t start = aglm_clock_cpu_ns();
    for (int i = 1; i <= trials; i++) {
        int64_t number;
        rc = aglm_study_ask(study, &number, x, err);
        if (rc != AGLM_OK)
            break;
        double value = task_value(t, x);
        double seen = value +
                      (t->problem.noise > 0.0 ? t->problem.noise * aglm_rng_normal(&rng) : 0.0);
        if (seen < best) {
            best = seen;
            regret = value;
        }
        rc = aglm_study_tell(study, number, AGLM_TRIAL_COMPLETE, &seen, 1, err);
        if (rc != AGLM_OK)
            break;
        if (i == 25 || i == 50 || i == 100 || i == 200)
            printf("%.10g ", regret);
    }
    printf("%.3f\n", (double)(aglm_clock_cpu_ns() - start) * 1e-6 / trials);
    return rc == AGLM_DONE ? AGLM_OK : rc;
}

static int finish(aglm_rc rc, const aglm_error *err)
{
    if (rc == AGLM_OK)
        return 0;
    fprintf(stderr, "hpo: %s\n", err->msg);
    return 1;
}

static aglm_rc run(const struct task *t, char **argument, aglm_error *err)
{
    aglm_store *store = NULL;
    aglm_study *study = NULL;
    aglm_study_options options;

    aglm_study_options_init(&options);
    options.sampler = aglm_sampler_find(argument[0]);
    options.seed = strtoull(argument[2], NULL, 10);
    if (!options.sampler)
        return aglm_error_set(err, AGLM_NOTFOUND, "no sampler %s", argument[0]);
    aglm_rc rc = aglm_store_open(&store, "memory", err);
    if (rc == AGLM_OK)
        rc = aglm_study_open(&study, store, t->problem.name, t->space, &options, err);
    if (rc == AGLM_OK)
        rc = search(study, t, (int)strtol(argument[3], NULL, 10), options.seed, err);
    aglm_study_close(study);
    aglm_store_close(store);
    return rc;
}

/* n numbers separated by blanks. */
static int read_numbers(FILE *f, double *out, size_t n)
{
    char word[64];

    for (size_t i = 0; i < n; i++) {
        char *end;
        if (fscanf(f, "%63s", word) != 1)
            return -1;
        out[i] = strtod(word, &end);
        if (*end)
            return -1;
    }
    return 0;
}

/* Until stdin ends. */
static void answer_values(const struct task *t)
{
    double x[HPO_MAX_DIMS];

    while (read_numbers(stdin, x, t->space->n) == 0) {
        printf("%.17g %.17g\n", task_value(t, x), t->problem.noise);
        fflush(stdout);
    }
}

static void show_space(const struct task *t)
{
    aglm_str text;

    aglm_str_init(&text, 1u << 20);
    aglm_space_write(t->space, &text);
    printf("%.*s\n", (int)text.len, text.data);
    aglm_str_clear(&text);
}

/* The model alone, for tests/peer/gp_sklearn.py: every coordinate is a number. */
static int posterior(void)
{
    static const bool is_choice[HPO_MAX_DIMS] = {false};
    double size[3];
    double row[HPO_MAX_DIMS + 2];
    aglm_gp *gp = NULL;

    if (read_numbers(stdin, size, 3) != 0 ||
        !(size[0] <= HPO_MAX_DIMS && size[1] <= AGLM_GP_MAX_POINTS))
        return 2;
    size_t d = (size_t)size[0];
    int bad = aglm_gp_new(&gp, d, is_choice, (size_t)size[1], NULL) != AGLM_OK ||
              read_numbers(stdin, gp->theta, d + 2) != 0;
    for (size_t i = 0; !bad && i < (size_t)size[1]; i++) {
        bad = read_numbers(stdin, row, d + 1) != 0;
        gp->y[i] = row[d];
        aglm_gp_add_point(gp, row);
        gp->n = gp->n_all;
    }
    bad = bad || aglm_gp_condition(gp, NULL) != AGLM_OK;
    for (size_t i = 0; !bad && i < (size_t)size[2]; i++) {
        bad = read_numbers(stdin, row, d) != 0;
        aglm_gp_belief b = aglm_gp_predict(gp, row, NULL, NULL);
        printf("%.17g %.17g\n", b.mean, b.variance);
    }
    if (!bad)
        printf("%.17g\n", aglm_gp_objective(gp, gp->theta, row));
    aglm_gp_free(gp);
    return bad ? 1 : 0;
}

static int list(const char *set)
{
    for (size_t k = 0; k < sizeof sets / sizeof *sets; k++) {
        size_t n;
        const hpo_problem *p = sets[k].problems(&n);
        for (size_t i = 0; strcmp(set, sets[k].name) == 0 && i < n; i++)
            puts(p[i].name);
    }
    return 0;
}

static int work(int argc, char **argv)
{
    bool runs = argc == 6 && strcmp(argv[1], "run") == 0;
    aglm_error err = {0};
    struct task t;
    aglm_rc rc = task_init(&t, argv[runs ? 3 : 2], &err);

    if (rc == AGLM_OK && t.space->n > HPO_MAX_DIMS)
        rc = aglm_error_set(&err, AGLM_LIMIT, "at most %d parameters", HPO_MAX_DIMS);
    if (rc == AGLM_OK && runs)
        rc = run(&t, argv + 2, &err);
    else if (rc == AGLM_OK && strcmp(argv[1], "space") == 0)
        show_space(&t);
    else if (rc == AGLM_OK)
        answer_values(&t);
    task_clear(&t);
    return finish(rc, &err);
}

int main(int argc, char **argv)
{
    const char *verb = argc > 1 ? argv[1] : "";

    if (argc <= 3 && strcmp(verb, "list") == 0)
        return list(argc == 3 ? argv[2] : "known");
    if (argc == 2 && strcmp(verb, "posterior") == 0)
        return posterior();
    if ((argc == 6 && strcmp(verb, "run") == 0) ||
        (argc == 3 && (strcmp(verb, "space") == 0 || strcmp(verb, "value") == 0)))
        return work(argc, argv);
    fputs(
        "usage: hpo list [held-out|fresh] | run SAMPLER PROBLEM SEED TRIALS | space PROBLEM | value "
        "PROBLEM | posterior\n",
        stderr);
    return 2;
}
