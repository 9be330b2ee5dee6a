/* store - what ask and tell cost in the store alone: trials of ten parameters, and reading back.
 * usage: store [TRIALS]: in memory, then in SQLite in a folder of its own
 *        store TRIALS URL [WORKERS]: there, by that many processes at once
 *        store 0 URL: only reads what is there */
#include "store/store.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/file.h"
#include "search/space_text.h"
#include "search/study.h"

#define PARAMS 10
#define DISTRIBUTION                                                                               \
    "{\"name\": \"FloatDistribution\", \"attributes\": {\"step\": null, \"low\": 0.0, "            \
    "\"high\": 1.0, \"log\": false}}"

static int die(const aglm_error *err)
{
    fprintf(stderr, "bench store: %s\n", err->msg);
    return 1;
}

static const char *name_of(const char *url)
{
    return url[0] == 'm' ? "memory" : url[0] == 'p' ? "PostgreSQL" : "SQLite (WAL)";
}

static double cpu_s(void)
{
    struct rusage u;

    getrusage(RUSAGE_SELF, &u);
    return (double)(u.ru_utime.tv_sec + u.ru_stime.tv_sec) +
           (double)(u.ru_utime.tv_usec + u.ru_stime.tv_usec) * 1e-6;
}

static aglm_rc one_trial(aglm_store *s, int64_t study, int i, aglm_error *err)
{
    static const char *const names[PARAMS] = {
        "learning_rate", "dropout", "dim",  "ngrams", "epochs",
        "min_count",     "buckets", "loss", "l2",     "momentum"};
    aglm_param_row params[PARAMS];
    double value = i;
    aglm_trial_end end = {.state = AGLM_TRIAL_COMPLETE, .values = &value, .n_values = 1};
    aglm_trial_row row = {.params = params, .n_params = PARAMS};

    for (int k = 0; k < PARAMS; k++)
        params[k] = (aglm_param_row){names[k], (i * 7919 + k * 104729) % 1000 * 1e-3, DISTRIBUTION};
    aglm_rc rc = aglm_store_trial_new(s, study, &row, (int64_t)getpid(), err);
    return rc ? rc : aglm_store_trial_finish(s, row.id, &end, err);
}

static void print_rate(const char *url, int trials, double wall, double cpu)
{
    printf("%-24s %7d trials  %9.0f ask+tell/s  %7.2f us each, %7.2f us CPU\n", name_of(url),
           trials, trials / wall, wall / trials * 1e6, cpu / trials * 1e6);
}

static int write_trials(const char *url, int trials)
{
    aglm_direction way = AGLM_MINIMIZE;
    aglm_error err = {0};
    aglm_store *s;
    int64_t study;

    if (aglm_store_open(&s, url, &err) || aglm_store_study_new(s, "bench", &way, 1, &study, &err))
        return die(&err);
    uint64_t start = aglm_clock_ns();
    double cpu = cpu_s();
    for (int i = 0; i < trials; i++) {
        if (one_trial(s, study, i, &err))
            return die(&err);
    }
    print_rate(url, trials, aglm_clock_since_s(start), cpu_s() - cpu);
    aglm_store_close(s);
    return 0;
}

/* The processes wait for each other to be connected: the end of the pipe is their start. */
static int work(const char *url, int trials, int gate)
{
    aglm_error err = {0};
    aglm_store *s;
    int64_t study;
    char go;

    if (aglm_store_open(&s, url, &err) || aglm_store_study_find(s, "together", &study, &err))
        return die(&err);
    if (read(gate, &go, 1) != 0)
        return 1;
    for (int i = 0; i < trials; i++) {
        if (one_trial(s, study, i, &err))
            return die(&err);
    }
    aglm_store_close(s);
    return 0;
}

static int write_together(const char *url, int trials, int workers)
{
    aglm_direction way = AGLM_MINIMIZE;
    aglm_error err = {0};
    aglm_store *s;
    int64_t study;
    int gate[2];
    int failed = 0;

    if (aglm_store_open(&s, url, &err) ||
        aglm_store_study_new(s, "together", &way, 1, &study, &err))
        return die(&err);
    aglm_store_close(s);
    if (pipe(gate) != 0)
        return 1;
    for (int i = 0; i < workers; i++) {
        if (fork() == 0) {
            close(gate[1]);
            _exit(work(url, trials / workers, gate[0]));
        }
    }
    sleep(1);
    uint64_t start = aglm_clock_ns();
    close(gate[1]);
    for (int i = 0; i < workers; i++) {
        int status = 1;
        wait(&status);
        failed |= status;
    }
    printf("%d workers: ", workers);
    print_rate(url, trials, aglm_clock_since_s(start), 0.0);
    return failed;
}

static int read_trials(const char *url)
{
    aglm_error err = {0};
    aglm_arena a;
    aglm_store *s;
    aglm_trial_row *rows;
    int64_t study;
    size_t n;
    uint64_t start = aglm_clock_ns();

    aglm_arena_init(&a, (size_t)4 << 30);
    if (aglm_store_open(&s, url, &err) || aglm_store_study_find(s, "bench", &study, &err) ||
        aglm_store_trials(s, study, 0, &a, &rows, &n, &err))
        return die(&err);
    double all = aglm_clock_since_s(start);
    start = aglm_clock_ns();
    if (aglm_store_trials(s, study, (int64_t)n - 10, &a, &rows, &n, &err))
        return die(&err);
    printf("%-24s open and read all in %.3f s; the last %zu trials in %.0f us\n", name_of(url), all,
           n, aglm_clock_since_s(start) * 1e6);
    aglm_store_close(s);
    aglm_arena_clear(&a);
    return 0;
}

/* A whole study, as `autoglm worker` opens it: sampler and all. */
static int open_study(const char *url)
{
    static const char text[] = "learning_rate=uniform(0,1) dropout=uniform(0,1) dim=uniform(0,1)"
                               " ngrams=uniform(0,1) epochs=uniform(0,1) min_count=uniform(0,1)"
                               " buckets=uniform(0,1) loss=uniform(0,1) l2=uniform(0,1)"
                               " momentum=uniform(0,1)";
    aglm_study_options options;
    aglm_error err = {0};
    aglm_space *space;
    aglm_study *study;
    aglm_store *s;
    uint64_t start = aglm_clock_ns();
    double cpu = cpu_s();

    aglm_study_options_init(&options);
    if (aglm_space_new(&space, &err) || aglm_space_parse(space, text, strlen(text), &err) ||
        aglm_store_open(&s, url, &err) ||
        aglm_study_open(&study, s, "bench", space, &options, &err))
        return die(&err);
    printf("%-24s open the study of %zu trials in %.3f s, %.3f s CPU\n", name_of(url),
           aglm_study_size(study), aglm_clock_since_s(start), cpu_s() - cpu);
    aglm_study_close(study);
    aglm_store_close(s);
    aglm_space_free(space);
    return 0;
}

int main(int argc, char **argv)
{
    char folder[] = "/tmp/aglm_bench_XXXXXX";
    char url[64];
    int trials = argc > 1 ? (int)strtol(argv[1], NULL, 10) : 20000;

    if (argc > 2) {
        int workers = argc > 3 ? (int)strtol(argv[3], NULL, 10) : 1;
        if (trials == 0)
            return read_trials(argv[2]) || open_study(argv[2]);
        return workers > 1
                   ? write_together(argv[2], trials, workers)
                   : write_trials(argv[2], trials) || read_trials(argv[2]) || open_study(argv[2]);
    }
    if (!mkdtemp(folder))
        return 1;
    snprintf(url, sizeof url, "sqlite:///%s/s.db", folder);
    int failed = write_trials("memory", trials) || write_trials(url, trials) || read_trials(url) ||
                 open_study(url);
    aglm_dir_remove(folder, NULL);
    return failed;
}
