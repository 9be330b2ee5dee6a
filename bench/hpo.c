/* hpo.c - regret of a sampler on problems whose least value is known. Used by bench/hpo.py.
 *
 *   hpo list                                     names of the problems
 *   hpo run SAMPLER PROBLEM SEED TRIALS [TABLE]  the regret of the best value after 25, 50, 100 and
 *                                                200 trials and CPU ms a trial, on one line; TABLE
 *                                                is the file of the problem "table": rows of
 *                                                numbers, one for each depth, separated by blanks
 */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "search/gp_model.h"
#include "search/study.h"

#define PI 3.14159265358979323846
#define MAX_DIMS 16
#define TABLE_DEPTHS 9
#define TABLE_TREES 91

static double table[TABLE_DEPTHS][TABLE_TREES];

/* The optimum of the peers' shifted functions. */
static double shifted(size_t i, double half)
{
    return 0.5 * half * sin(1.7 * ((double)i + 1.0));
}

static double sphere(const double *x, size_t d)
{
    double f = 0;

    for (size_t i = 0; i < d; i++)
        f += pow(x[i] - shifted(i, 5.0), 2);
    return f;
}

static double rosenbrock(const double *x, size_t d)
{
    double f = 0;

    for (size_t i = 0; i + 1 < d; i++)
        f += 100.0 * pow(x[i + 1] - x[i] * x[i], 2) + pow(1.0 - x[i], 2);
    return f;
}

static double ackley(const double *x, size_t d)
{
    double squares = 0;
    double waves = 0;

    for (size_t i = 0; i < d; i++) {
        double z = x[i] - shifted(i, 32.768);
        squares += z * z / (double)d;
        waves += cos(2 * PI * z) / (double)d;
    }
    return -20.0 * exp(-0.2 * sqrt(squares)) - exp(waves) + 20.0 + exp(1.0);
}

static double branin(const double *x, size_t d)
{
    double a = x[0];

    (void)d;
    return pow(x[1] - 5.1 / (4 * PI * PI) * a * a + 5 / PI * a - 6, 2) +
           10 * (1 - 1 / (8 * PI)) * cos(a) + 10 - 0.39788735772973816;
}

static double hartmann(const double *x, size_t d)
{
    static const double scale[4][6] = {{10, 3, 17, 3.5, 1.7, 8},
                                       {.05, 10, 17, .1, 8, 14},
                                       {3, 3.5, 1.7, 10, 17, 8},
                                       {17, 8, .05, 10, .1, 14}};
    static const double centre[4][6] = {{1312, 1696, 5569, 124, 8283, 5886},
                                        {2329, 4135, 8307, 3736, 1004, 9991},
                                        {2348, 1451, 3522, 2883, 3047, 6650},
                                        {4047, 8828, 8732, 5743, 1091, 381}};
    static const double height[4] = {1.0, 1.2, 3.0, 3.2};
    double f = 3.322368011415515;

    for (int i = 0; i < 4; i++) {
        double r = 0;
        for (size_t j = 0; j < d; j++)
            r += scale[i][j] * pow(x[j] - 1e-4 * centre[i][j], 2);
        f -= height[i] * exp(-r);
    }
    return f;
}

/* x turned by half an angle in every plane of two neighbours: no axis is left alone. */
static void turn(const double *x, size_t d, double *z)
{
    for (size_t i = 0; i < d; i++)
        z[i] = x[i] - shifted(i, 5.0);
    for (size_t i = 0; i < d; i++) {
        size_t k = (i + 1) % d;
        double a = 0.8 * z[i] - 0.6 * z[k];
        z[k] = 0.6 * z[i] + 0.8 * z[k];
        z[i] = a;
    }
}

static double ellipsoid(const double *x, size_t d)
{
    double z[MAX_DIMS];
    double f = 0;

    turn(x, d, z);
    for (size_t i = 0; i < d; i++)
        f += pow(1000.0, (double)i / (double)(d - 1)) * z[i] * z[i];
    return f;
}

static double rastrigin(const double *x, size_t d)
{
    double f = 0;

    for (size_t i = 0; i < d; i++) {
        double z = x[i] - shifted(i, 5.0);
        f += z * z - 10.0 * cos(2 * PI * z) + 10.0;
    }
    return f;
}

static double griewank(const double *x, size_t d)
{
    double sum = 0;
    double product = 1;

    for (size_t i = 0; i < d; i++) {
        double z = 20.0 * (x[i] - shifted(i, 5.0));
        sum += z * z / 4000.0;
        product *= cos(z / sqrt((double)i + 1.0));
    }
    return 1.0 + sum - product;
}

static double levy(const double *x, size_t d)
{
    double w = 1.0 + 0.5 * (x[0] - shifted(0, 5.0));
    double f = pow(sin(PI * w), 2);

    for (size_t i = 0; i < d; i++) {
        w = 1.0 + 0.5 * (x[i] - shifted(i, 5.0));
        double wave = i + 1 < d ? 10.0 * pow(sin(PI * w + 1.0), 2) : pow(sin(2 * PI * w), 2);
        f += pow(w - 1.0, 2) * (1.0 + wave);
    }
    return f;
}

static double mixed(const double *x, size_t d)
{
    static const double choice[] = {0.7, 0.0, 0.4, 1.1};
    double f = choice[(int)x[9]];

    (void)d;
    for (size_t i = 0; i < 4; i++)
        f += 0.1 * pow(x[i] - shifted(i, 5.0), 2);
    f += 0.2 * pow(log10(x[4]) + 3.3, 2) + 0.2 * pow(log10(x[4] * x[5]) + 4.6, 2);
    f += 0.02 * pow(x[6] - 13.0, 2) + 0.02 * pow(x[7] - x[6] + 9.0, 2);
    return f + 2.0 * pow(x[8] - (x[9] == 1.0 ? 0.25 : 0.70), 2);
}

static double tabular(const double *x, size_t d)
{
    (void)d;
    return table[(int)x[1] - 2][(int)x[0] - 10];
}

/* kind, then lr; rate and depth under the first kind, width and mix under the second, none under
 * the third. */
static double conditional(const double *x, size_t d)
{
    double f = pow(log10(x[1]) + 3.4, 2);

    (void)d;
    if (x[0] == 0.0)
        return 0.3 + f + 2.0 * pow(x[2] - 0.2, 2) + 0.05 * pow(x[3] - 7.0, 2);
    if (x[0] == 1.0)
        return 0.5 * f + 3.0 * pow(x[4] - 0.6, 2) + 0.1 * pow(log10(x[5]) + 4.1, 2);
    return 0.6 + f;
}

struct problem {
    const char *name;
    double (*value)(const double *x, size_t d);
    size_t d; /* 0: a space of its own */
    double low, high, noise;
};

static const struct problem problems[] = {
    {"sphere5", sphere, 5, -5, 5, 0},
    {"sphere10", sphere, 10, -5, 5, 0},
    {"rosenbrock5", rosenbrock, 5, -5, 10, 0},
    {"rosenbrock10", rosenbrock, 10, -5, 10, 0},
    {"ackley5", ackley, 5, -32.768, 32.768, 0},
    {"ackley10", ackley, 10, -32.768, 32.768, 0},
    {"branin", branin, 0, 0, 0, 0},
    {"hartmann6", hartmann, 6, 0, 1, 0},
    {"mix10", mixed, 0, 0, 0, 0},
    {"table", tabular, 0, 0, 0, 0},
    {"ellipsoid5", ellipsoid, 5, -5, 5, 0},
    {"ellipsoid10", ellipsoid, 10, -5, 5, 0},
    {"rastrigin5", rastrigin, 5, -5, 5, 0},
    {"griewank5", griewank, 5, -5, 5, 0},
    {"levy5", levy, 5, -5, 5, 0},
    {"conditional", conditional, 0, 0, 0, 0},
    {"noisy_sphere5", sphere, 5, -5, 5, 1.0},
    {"noisy_mix10", mixed, 0, 0, 0, 0.3},
};

/* As text that aglm_space_read takes. */
static const char *special_space(const char *name)
{
    static const char branin_space[] =
        "{\"params\":[{\"name\":\"x0\",\"distribution\":{\"type\":\"float\",\"low\":-5,\"high\":10}},"
        "{\"name\":\"x1\",\"distribution\":{\"type\":\"float\",\"low\":0,\"high\":15}}]}";
    static const char table_space[] =
        "{\"params\":[{\"name\":\"n_estimators\",\"distribution\":{\"type\":\"int\",\"low\":10,"
        "\"high\":100}},{\"name\":\"max_depth\",\"distribution\":{\"type\":\"int\",\"low\":2,\"high\":"
        "10}}]}";
    static const char mixed_space[] =
        "{\"params\":[{\"name\":\"x0\",\"distribution\":{\"type\":\"float\",\"low\":-5,\"high\":5}},"
        "{\"name\":\"x1\",\"distribution\":{\"type\":\"float\",\"low\":-5,\"high\":5}},"
        "{\"name\":\"x2\",\"distribution\":{\"type\":\"float\",\"low\":-5,\"high\":5}},"
        "{\"name\":\"x3\",\"distribution\":{\"type\":\"float\",\"low\":-5,\"high\":5}},"
        "{\"name\":\"g0\",\"distribution\":{\"type\":\"float\",\"low\":1e-5,\"high\":1,\"log\":true}},"
        "{\"name\":\"g1\",\"distribution\":{\"type\":\"float\",\"low\":1e-5,\"high\":1,\"log\":true}},"
        "{\"name\":\"k0\",\"distribution\":{\"type\":\"int\",\"low\":0,\"high\":20}},"
        "{\"name\":\"k1\",\"distribution\":{\"type\":\"int\",\"low\":0,\"high\":20}},"
        "{\"name\":\"q\",\"distribution\":{\"type\":\"float\",\"low\":0,\"high\":1,\"step\":0.05}},"
        "{\"name\":\"c\",\"distribution\":{\"type\":\"categorical\",\"choices\":[\"a\",\"b\",\"c\","
        "\"d\"]}}]}";
    static const char conditional_space[] =
        "{\"params\":[{\"name\":\"kind\",\"distribution\":{\"type\":\"categorical\",\"choices\":[\"a\","
        "\"b\",\"c\"]}},"
        "{\"name\":\"lr\",\"distribution\":{\"type\":\"float\",\"low\":1e-5,\"high\":1,\"log\":true}},"
        "{\"name\":\"rate\",\"distribution\":{\"type\":\"float\",\"low\":0,\"high\":1},\"parent\":"
        "\"kind\",\"when\":[\"a\"]},"
        "{\"name\":\"depth\",\"distribution\":{\"type\":\"int\",\"low\":1,\"high\":12},\"parent\":"
        "\"kind\",\"when\":[\"a\"]},"
        "{\"name\":\"width\",\"distribution\":{\"type\":\"float\",\"low\":0,\"high\":1},\"parent\":"
        "\"kind\",\"when\":[\"b\"]},"
        "{\"name\":\"mix\",\"distribution\":{\"type\":\"float\",\"low\":1e-6,\"high\":1,\"log\":true},"
        "\"parent\":\"kind\",\"when\":[\"b\"]}]}";

    return strcmp(name, "branin") == 0        ? branin_space
           : strcmp(name, "table") == 0       ? table_space
           : strcmp(name, "conditional") == 0 ? conditional_space
                                              : mixed_space;
}

static aglm_rc cube(aglm_space **out, const struct problem *p, aglm_error *err)
{
    aglm_dist d;
    aglm_rc rc = aglm_dist_float(&d, p->low, p->high, 0.0, false, err);

    if (rc == AGLM_OK)
        rc = aglm_space_new(out, err);
    for (size_t i = 0; rc == AGLM_OK && i < p->d; i++) {
        char name[8];
        snprintf(name, sizeof name, "x%u", (unsigned)i & 15u);
        rc = aglm_space_add(*out, name, &d, NULL, 0, err);
    }
    return rc;
}

static aglm_rc space_of(aglm_space **out, const struct problem *p, aglm_error *err)
{
    const char *text = special_space(p->name);

    return p->d ? cube(out, p, err) : aglm_space_read(out, text, strlen(text), err);
}

/* Regret is that of the true value at the best observed point. */
static aglm_rc search(aglm_study *study, const struct problem *p, int trials, uint64_t seed,
                      aglm_error *err)
{
    double x[MAX_DIMS];
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
        double value = p->value(x, p->d);
        double seen = value + (p->noise > 0.0 ? p->noise * aglm_rng_normal(&rng) : 0.0);
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

static int run(const struct problem *p, const char *sampler, const char *seed, int trials)
{
    aglm_error err = {0};
    aglm_space *space = NULL;
    aglm_store *store = NULL;
    aglm_study *study = NULL;
    aglm_study_options options;

    aglm_study_options_init(&options);
    options.sampler = aglm_sampler_find(sampler);
    options.seed = strtoull(seed, NULL, 10);
    if (!options.sampler) {
        fprintf(stderr, "hpo: no sampler %s\n", sampler);
        return 2;
    }
    aglm_rc rc = space_of(&space, p, &err);
    if (rc == AGLM_OK)
        rc = aglm_store_open(&store, "memory", &err);
    if (rc == AGLM_OK)
        rc = aglm_study_open(&study, store, p->name, space, &options, &err);
    if (rc == AGLM_OK)
        rc = search(study, p, trials, options.seed, &err);
    aglm_study_close(study);
    aglm_store_close(store);
    aglm_space_free(space);
    if (rc == AGLM_OK)
        return 0;
    fprintf(stderr, "hpo: %s\n", err.msg);
    return 1;
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

static int read_table(const char *path)
{
    FILE *f = fopen(path, "r");
    int bad = !f || read_numbers(f, &table[0][0], TABLE_DEPTHS * TABLE_TREES) != 0;

    if (f)
        fclose(f);
    if (bad)
        fprintf(stderr, "hpo: %s does not hold %d numbers\n", path, TABLE_DEPTHS * TABLE_TREES);
    return bad;
}

/* The model alone, for tests/peer/gp_sklearn.py: every coordinate is a number. */
static int posterior(void)
{
    static const bool is_choice[MAX_DIMS] = {false};
    double size[3];
    double row[MAX_DIMS + 2];
    aglm_gp *gp = NULL;

    if (read_numbers(stdin, size, 3) != 0 ||
        !(size[0] <= MAX_DIMS && size[1] <= AGLM_GP_MAX_POINTS))
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

int main(int argc, char **argv)
{
    size_t n = sizeof problems / sizeof *problems;

    if (argc == 2 && strcmp(argv[1], "list") == 0) {
        for (size_t i = 0; i < n; i++)
            puts(problems[i].name);
        return 0;
    }
    if (argc == 2 && strcmp(argv[1], "posterior") == 0)
        return posterior();
    if ((argc == 6 || argc == 7) && strcmp(argv[1], "run") == 0) {
        if (argc == 7 && read_table(argv[6]) != 0)
            return 1;
        for (size_t i = 0; i < n; i++) {
            if (strcmp(argv[3], problems[i].name) == 0)
                return run(&problems[i], argv[2], argv[4], (int)strtol(argv[5], NULL, 10));
        }
    }
    fputs("usage: hpo list | run SAMPLER PROBLEM SEED TRIALS [TABLE] | posterior\n", stderr);
    return 2;
}
