/* tpe.c - drives the samplers from outside: what one trial costs, which points they choose for an
 * objective that another program computes, and which densities TPE ranks by. Used by bench/tpe.py
 * and tests/peer/optuna_tpe.py.
 *
 *   tpe cost SAMPLER TRIALS [STORE]            "trials cpu_seconds wall_seconds heap_bytes" at 100,
 *                                              300, 1000, 3000, ... and TRIALS, in memory or in
 *                                              the store named; the heap without what was there
 *                                              before the first trial
 *   tpe drive SAMPLER SEED CANDIDATES [OBJECTIVES] < lines
 *                                              a space's JSON; then for every line of values (one
 *                                              for each objective, "-" first) a point's JSON
 *   tpe density < line                         {"space": ...,
 * "observed": [[...]], "points": [[...]]} as internal values; log densities, one a line */
#include <malloc.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "search/parzen.h"
#include "search/study.h"

static int fail(const aglm_error *err)
{
    fprintf(stderr, "tpe: %s\n", err->msg);
    return 1;
}

/* The mixed problem of the peers' overhead table: 4 floats, 2 log floats, 2 ints, a step and a
 * choice. */
static aglm_rc mixed_space(aglm_space **out, aglm_arena *a, aglm_error *err)
{
    static const char *const letters[] = {"a", "b", "c", "d"};
    aglm_dist flat;
    aglm_dist log;
    aglm_dist whole;
    aglm_dist step;
    aglm_dist choice;
    const struct {
        const char *name;
        const aglm_dist *dist;
    } params[] = {{"x0", &flat}, {"x1", &flat},  {"x2", &flat},  {"x3", &flat}, {"g0", &log},
                  {"g1", &log},  {"k0", &whole}, {"k1", &whole}, {"q", &step},  {"c", &choice}};

    aglm_rc rc = aglm_space_new(out, err);
    aglm_dist_float(&flat, -5.0, 5.0, 0.0, false, err);
    aglm_dist_float(&log, 1e-5, 1.0, 0.0, true, err);
    aglm_dist_int(&whole, 0.0, 20.0, 1.0, false, err);
    aglm_dist_float(&step, 0.0, 1.0, 0.05, false, err);
    aglm_dist_texts(&choice, letters, 4, a, err);
    for (size_t i = 0; rc == AGLM_OK && i < sizeof params / sizeof *params; i++)
        rc = aglm_space_add(*out, params[i].name, params[i].dist, NULL, 0, err);
    return rc;
}

static double mixed_value(const double *x)
{
    static const double choice[] = {0.7, 0.0, 0.4, 1.1};
    double f = choice[(int)x[9]];

    for (int i = 0; i < 4; i++)
        f += 0.1 * pow(x[i] - 2.5 * sin(1.7 * (i + 1)), 2);
    f += 0.2 * pow(log10(x[4]) + 3.3, 2) + 0.2 * pow(log10(x[4] * x[5]) + 4.6, 2);
    f += 0.02 * pow(x[6] - 13.0, 2) + 0.02 * pow(x[7] - x[6] + 9.0, 2);
    return f + 2.0 * pow(x[8] - (x[9] == 1.0 ? 0.25 : 0.70), 2);
}

/* Bytes taken from malloc and not given back. */
static double heap_bytes(void)
{
#ifdef __GLIBC__
    struct mallinfo2 m = mallinfo2();

    return (double)(m.uordblks + m.hblkhd);
#else
    return NAN;
#endif
}

/* 100, 300, 1000, 3000, ... */
static bool is_mark(int i)
{
    while (i >= 1000 && i % 10 == 0)
        i /= 10;
    return i == 100 || i == 300;
}

static aglm_rc run_trials(aglm_study *study, int trials, aglm_error *err)
{
    uint64_t start = aglm_clock_cpu_ns();
    uint64_t wall = aglm_clock_ns();
    double heap = heap_bytes();
    double x[16];
    aglm_rc rc = AGLM_OK;

    for (int i = 1; rc == AGLM_OK && i <= trials; i++) {
        int64_t number;
        rc = aglm_study_ask(study, &number, x, err);
        double value = mixed_value(x);
        if (rc == AGLM_OK)
            rc = aglm_study_tell(study, number, AGLM_TRIAL_COMPLETE, &value, 1, err);
        if (rc == AGLM_OK && (is_mark(i) || i == trials))
            printf("%d %.6f %.6f %.0f\n", i, (double)(aglm_clock_cpu_ns() - start) * 1e-9,
                   aglm_clock_since_s(wall), heap_bytes() - heap);
    }
    return rc;
}

static int cost(const char *sampler, int trials, const char *url)
{
    aglm_error err = {0};
    aglm_arena arena;
    aglm_space *space = NULL;
    aglm_store *store = NULL;
    aglm_study *study = NULL;
    aglm_study_options options;

    aglm_arena_init(&arena, 1u << 20);
    aglm_study_options_init(&options);
    options.sampler = aglm_sampler_find(sampler);
    if (!options.sampler) {
        fprintf(stderr, "tpe: no sampler %s\n", sampler);
        return 2;
    }
    aglm_rc rc = mixed_space(&space, &arena, &err);
    if (rc == AGLM_OK)
        rc = aglm_store_open(&store, url, &err);
    if (rc == AGLM_OK)
        rc = aglm_study_open(&study, store, "cost", space, &options, &err);
    if (rc == AGLM_OK)
        rc = run_trials(study, trials, &err);
    aglm_study_close(study);
    aglm_store_close(store);
    aglm_space_free(space);
    aglm_arena_clear(&arena);
    return rc == AGLM_OK ? 0 : fail(&err);
}

static aglm_rc print_point(const aglm_space *space, const double *x)
{
    aglm_str text;
    aglm_json_writer w;

    aglm_str_init(&text, 1u << 20);
    aglm_json_writer_init(&w, &text);
    aglm_point_write(space, x, &w);
    puts(text.data);
    fflush(stdout);
    aglm_rc rc = text.rc;
    aglm_str_clear(&text);
    return rc;
}

static aglm_rc tell_line(aglm_study *study, int64_t number, char *line, aglm_error *err)
{
    double values[AGLM_STORE_MAX_OBJECTIVES];
    size_t n = aglm_study_objectives(study);

    for (size_t i = 0; i < n; i++)
        values[i] = strtod(line, &line);
    return aglm_study_tell(study, number, AGLM_TRIAL_COMPLETE, values, n, err);
}

static aglm_rc answer_values(aglm_study *study, const aglm_space *space, aglm_error *err)
{
    char line[1024];
    double x[AGLM_SPACE_MAX];
    int64_t number = -1;

    while (fgets(line, sizeof line, stdin)) {
        aglm_rc rc = AGLM_OK;
        if (number >= 0)
            rc = tell_line(study, number, line, err);
        if (rc == AGLM_OK)
            rc = aglm_study_ask(study, &number, x, err);
        if (rc == AGLM_DONE)
            return AGLM_OK;
        if (rc == AGLM_OK)
            rc = print_point(space, x);
        if (rc != AGLM_OK)
            return rc;
    }
    return AGLM_OK;
}

static int drive(const char *sampler, const char *seed, const char *candidates,
                 const char *objectives)
{
    static char line[1 << 20];
    aglm_error err = {0};
    aglm_space *space = NULL;
    aglm_store *store = NULL;
    aglm_study *study = NULL;
    aglm_study_options options;

    aglm_study_options_init(&options);
    options.sampler = aglm_sampler_find(sampler);
    options.seed = strtoull(seed, NULL, 10);
    options.sampler_options.n_candidates = (unsigned)strtoul(candidates, NULL, 10);
    options.n_directions = strtoul(objectives, NULL, 10);
    if (!options.sampler || !fgets(line, sizeof line, stdin))
        return 2;
    aglm_rc rc = aglm_space_read(&space, line, strlen(line), &err);
    if (rc == AGLM_OK)
        rc = aglm_store_open(&store, "memory", &err);
    if (rc == AGLM_OK)
        rc = aglm_study_open(&study, store, "drive", space, &options, &err);
    if (rc == AGLM_OK)
        rc = answer_values(study, space, &err);
    aglm_study_close(study);
    aglm_store_close(store);
    aglm_space_free(space);
    return rc == AGLM_OK ? 0 : fail(&err);
}

static void read_row(const aglm_json *row, double *x, size_t n)
{
    aglm_json_iter it = aglm_json_iterate(row);

    for (size_t i = 0; i < n; i++)
        x[i] = aglm_json_double(aglm_json_next(&it, NULL), NAN);
}

static aglm_rc print_densities(aglm_parzen *p, size_t n_dims, const aglm_json *root,
                               aglm_error *err)
{
    double x[AGLM_SPACE_MAX];
    double density;
    aglm_rc rc = AGLM_OK;
    const aglm_json *observed = aglm_json_get(root, "observed");
    const aglm_json *points = aglm_json_get(root, "points");

    aglm_json_iter it = aglm_json_iterate(observed);
    for (size_t i = 0; rc == AGLM_OK && i < aglm_json_size(observed); i++) {
        read_row(aglm_json_next(&it, NULL), x, n_dims);
        rc = aglm_parzen_insert(p, (int64_t)i, x, err);
    }
    it = aglm_json_iterate(points);
    for (size_t i = 0; rc == AGLM_OK && i < aglm_json_size(points); i++) {
        read_row(aglm_json_next(&it, NULL), x, n_dims);
        aglm_parzen_score(p, x, 1, &density);
        printf("%.17g\n", density);
    }
    return rc;
}

static aglm_rc density_of(const aglm_json *root, aglm_error *err)
{
    aglm_arena arena;
    aglm_parzen *p = NULL;
    const aglm_json *list = aglm_json_get(root, "space");
    size_t n = aglm_json_size(list);
    aglm_json_iter it = aglm_json_iterate(list);

    aglm_arena_init(&arena, 1u << 24);
    aglm_dist *dists = aglm_arena_array(&arena, n, sizeof *dists);
    aglm_rc rc = dists && n > 0 && n <= AGLM_SPACE_MAX ? AGLM_OK : AGLM_INVALID;
    for (size_t i = 0; rc == AGLM_OK && i < n; i++)
        rc = aglm_dist_read_value(&dists[i], aglm_json_next(&it, NULL), &arena, err);
    if (rc == AGLM_OK)
        rc = aglm_parzen_new(&p, dists, n, err);
    if (rc == AGLM_OK)
        rc = print_densities(p, n, root, err);
    aglm_parzen_free(p);
    aglm_arena_clear(&arena);
    return rc;
}

static int density(void)
{
    aglm_error err = {0};
    aglm_json_doc *doc = NULL;
    aglm_str text;
    char part[1 << 16];
    size_t n;

    aglm_str_init(&text, 1u << 28);
    while ((n = fread(part, 1, sizeof part, stdin)) > 0)
        aglm_str_append(&text, part, n);
    aglm_rc rc = aglm_json_parse(&doc, text.data, text.len, &(aglm_json_options){0}, &err);
    if (rc == AGLM_OK)
        rc = density_of(aglm_json_root(doc), &err);
    aglm_json_free(doc);
    aglm_str_clear(&text);
    return rc == AGLM_OK ? 0 : fail(&err);
}

int main(int argc, char **argv)
{
    if ((argc == 4 || argc == 5) && strcmp(argv[1], "cost") == 0)
        return cost(argv[2], (int)strtol(argv[3], NULL, 10), argc == 5 ? argv[4] : "memory");
    if ((argc == 5 || argc == 6) && strcmp(argv[1], "drive") == 0)
        return drive(argv[2], argv[3], argv[4], argc == 6 ? argv[5] : "1");
    if (argc == 2 && strcmp(argv[1], "density") == 0)
        return density();
    fputs("usage: tpe cost SAMPLER TRIALS [STORE] | drive SAMPLER SEED CANDIDATES [OBJECTIVES] | "
          "density\n",
          stderr);
    return 2;
}
