/* decode - what `autoglm generate` adds to llama.cpp's own decoding: a loop as llama-bench's over
 * llama_decode, and the program's ways, in turns, CPU time of all processes.
 * AGLM_LLAMA names the program autoglm-llama of the same build.
 * usage: decode MODEL.gguf [ROUNDS [TOKENS [THREADS]]] */
#include <dlfcn.h>
#include <llama.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/file.h"
#include "base/rng.h"
#include "lm/runtime.h"
#include "tune/generator.h"

#define MAX_ROUNDS 64

enum way { RAW, RAW_AGAIN, STREAM, LIKELY, DRAW, AUTO, WAYS };

static const char *const NAMES[WAYS] = {"llama_decode loop",
                                        "the same again",
                                        "generate, greedy",
                                        "generate, greedy, with its likelihood",
                                        "generate, top-k 40, top-p 0.95, min-p 0.05, T 0.8",
                                        "generate --auto: choice, checks, settings"};

static const char PROMPT[] =
    "The town lies between two rivers, and everybody who was born there can tell how the bridge "
    "was built, fell, and was built again. In the first year the masons came from the north and "
    "brought stone on rafts; in the second the flood took the rafts, the stone and two of the "
    "masons; in the third nobody came at all. What happened in the fourth year is told in as "
    "many ways as there are houses. Write down one of these ways, with names, and with all that "
    "the people said to each other on the day when the last stone was set. Tell it slowly, as "
    "somebody would who has the whole evening, and do not leave out the weather. Chapter one.";

typedef struct bench {
    const char *path;
    unsigned threads;
    int64_t tokens;
    struct llama_model *model;
    struct llama_context *ctx;
    aglm_lm *lm;
    aglm_generator *generator;
    pid_t child;
    double read[WAYS][MAX_ROUNDS];  /* us a token of the prompt */
    double write[WAYS][MAX_ROUNDS]; /* us a token after the first */
} bench;

static double seconds(clockid_t clock)
{
    struct timespec t;

    if (clock_gettime(clock, &t) != 0)
        return 0;
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

static double cpu_own(void)
{
    return seconds(CLOCK_PROCESS_CPUTIME_ID);
}

static double cpu_child(const bench *b)
{
    clockid_t clock;

    return clock_getcpuclockid(b->child, &clock) == 0 ? seconds(clock) : 0;
}

/* The runtime's child is the only one of this process. */
static pid_t find_child(void)
{
    char path[64], list[64] = "";

    snprintf(path, sizeof path, "/proc/self/task/%d/children", (int)getpid());
    FILE *f = fopen(path, "r");
    if (f && !fgets(list, sizeof list, f))
        *list = '\0';
    if (f)
        fclose(f);
    return (pid_t)strtol(list, NULL, 10);
}

/* ---- llama.cpp alone ---- */

static void on_log(enum ggml_log_level level, const char *text, void *arg)
{
    if (level == GGML_LOG_LEVEL_ERROR)
        fputs(text, stderr);
}

static bool open_raw(bench *b)
{
    struct llama_context_params p = llama_context_default_params();
    Dl_info info;
    const char *slash;

    llama_log_set(on_log, NULL);
    if (dladdr((void *)(uintptr_t)ggml_backend_load_all_from_path, &info) &&
        (slash = strrchr(info.dli_fname, '/'))) {
        char folder[4096];
        snprintf(folder, sizeof folder, "%.*s", (int)(slash - info.dli_fname), info.dli_fname);
        ggml_backend_load_all_from_path(folder);
    }
    b->model = llama_model_load_from_file(b->path, llama_model_default_params());
    p.n_ctx = 1024;
    p.n_batch = p.n_ubatch = 512;
    p.n_threads = p.n_threads_batch = (int32_t)b->threads;
    p.no_perf = true;
    b->ctx = b->model ? llama_init_from_model(b->model, p) : NULL;
    return b->ctx != NULL;
}

/* As llama-bench: a prompt of n random tokens at once, then one random token at a time. */
static bool run_raw(bench *b, enum way way, size_t round, int32_t n)
{
    uint64_t n_vocab = (uint64_t)llama_vocab_n_tokens(llama_model_get_vocab(b->model));
    llama_token list[512];
    bool ok = true;
    aglm_rng rng;

    aglm_rng_init(&rng, round);
    llama_memory_clear(llama_get_memory(b->ctx), false);
    for (int32_t i = 0; i < n; i++)
        list[i] = (llama_token)aglm_rng_below(&rng, n_vocab);
    double begin = cpu_own();
    ok = llama_decode(b->ctx, llama_batch_get_one(list, n)) == 0;
    llama_synchronize(b->ctx);
    double read = cpu_own();
    for (int64_t i = 1; ok && i < b->tokens; i++) {
        ok = llama_decode(b->ctx, llama_batch_get_one(list, 1)) == 0;
        llama_synchronize(b->ctx);
        list[0] = (llama_token)aglm_rng_below(&rng, n_vocab);
    }
    b->read[way][round] = 1e6 * (read - begin) / n;
    b->write[way][round] = 1e6 * (cpu_own() - read) / (double)(b->tokens - 1);
    return ok;
}

/* ---- ours ---- */

typedef struct meter {
    const bench *b;
    double first; /* CPU seconds of both processes when the first piece came; 0: none yet */
} meter;

static bool on_piece(void *arg, const char *piece, size_t n)
{
    meter *m = arg;

    if (m->first == 0)
        m->first = cpu_child(m->b) + cpu_own();
    return true;
}

static aglm_rc run_generate(bench *b, enum way way, size_t round, int64_t *read, aglm_error *err)
{
    meter m = {.b = b};
    aglm_decoding d;
    aglm_lm_answer a;

    aglm_decoding_init(&d);
    d.max_tokens = b->tokens;
    d.seed = round;
    if (way == DRAW)
        d.temperature = 0.8, d.top_k = 40, d.top_p = 0.95, d.min_p = 0.05;
    aglm_lm_answer_init(&a);
    double begin = cpu_child(b) + cpu_own();
    aglm_rc rc = aglm_lm_generate(b->lm,
                                  &(aglm_lm_request){.prompt = PROMPT,
                                                     .decoding = &d,
                                                     .want_log_prob = way == LIKELY,
                                                     .on_piece = on_piece,
                                                     .arg = &m},
                                  &a, err);
    double end = cpu_child(b) + cpu_own();
    if (rc == AGLM_OK && a.tokens < 2)
        rc = aglm_error_set(err, AGLM_FORMAT, "the model wrote %lld tokens", (long long)a.tokens);
    if (rc == AGLM_OK) {
        *read = a.prompt_tokens;
        b->read[way][round] = 1e6 * (m.first - begin) / (double)a.prompt_tokens;
        b->write[way][round] = 1e6 * (end - m.first) / (double)(a.tokens - 1);
    }
    aglm_lm_answer_clear(&a);
    return rc;
}

/* What the parent takes for the task, the choice, the checks and the settings, beside what the
 * child takes for the answer: a share, and microseconds a token. */
static aglm_rc run_auto(bench *b, size_t round, double *share, aglm_error *err)
{
    aglm_generated out;
    const aglm_prompt_task task = AGLM_PROMPT_TEXT_GENERATION;

    aglm_generated_init(&out);
    double own = cpu_own(), child = cpu_child(b);
    aglm_rc rc = aglm_generator_run(
        b->generator, &(aglm_generator_request){.prompt = PROMPT, .task = &task}, &out, err);
    own = cpu_own() - own;
    child = cpu_child(b) - child;
    *share = own / child;
    if (rc == AGLM_OK)
        b->write[AUTO][round] = 1e6 * own / (double)(out.answer.tokens ? out.answer.tokens : 1);
    aglm_generated_clear(&out);
    return rc;
}

/* ---- the table ---- */

static int by_size(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;

    return (x > y) - (x < y);
}

static double median(double *v, size_t n)
{
    qsort(v, n, sizeof *v, by_size);
    return n % 2 ? v[n / 2] : (v[n / 2 - 1] + v[n / 2]) / 2;
}

static void print_table(bench *b, size_t rounds, double *share)
{
    double read = median(b->read[RAW], rounds), write = median(b->write[RAW], rounds);

    printf("| CPU us a token, medians of %zu | prompt | | written | |\n|---|---:|---:|---:|---:|\n",
           rounds);
    printf("| %s | %.0f | | %.0f | |\n", NAMES[RAW], read, write);
    for (int way = RAW_AGAIN; way < AUTO; way++) {
        double r = median(b->read[way], rounds), w = median(b->write[way], rounds);
        printf("| %s | %.0f | %+.1f %% | %.0f | %+.1f %% |\n", NAMES[way], r, 100 * (r / read - 1),
               w, 100 * (w / write - 1));
    }
    printf("| %s | | | %.1f | %.2f %% of the answer's |\n", NAMES[AUTO],
           median(b->write[AUTO], rounds), 100 * median(share, rounds));
}

static aglm_rc open_ours(bench *b, const char *settings, aglm_error *err)
{
    aglm_generator_options o;

    aglm_generator_options_init(&o);
    o.retries = 0;
    o.settings = settings;
    aglm_rc rc = aglm_lm_open_file(&b->lm, b->path, b->threads, err);
    if (rc == AGLM_OK)
        rc = aglm_generator_new(&b->generator, b->lm, &o, err);
    b->child = find_child();
    if (rc == AGLM_OK && b->child == 0)
        rc = aglm_error_set(err, AGLM_NOTFOUND, "the runtime has no child process");
    return rc;
}

static aglm_rc run_rounds(bench *b, size_t rounds, double *share, aglm_error *err)
{
    int64_t read = 0;
    aglm_rc rc = run_generate(b, STREAM, 0, &read, err); /* both are warm, and read is known */
    bool ok = rc == AGLM_OK && run_raw(b, RAW, 0, (int32_t)read);

    for (size_t i = 0; ok && i < rounds; i++) {
        ok = run_raw(b, RAW, i, (int32_t)read);
        rc = run_generate(b, STREAM, i, &read, err);
        for (enum way way = LIKELY; rc == AGLM_OK && way <= DRAW; way++)
            rc = run_generate(b, way, i, &read, err);
        ok = ok && rc == AGLM_OK && run_raw(b, RAW_AGAIN, i, (int32_t)read);
        if (ok)
            rc = run_auto(b, i, &share[i], err);
        ok = ok && rc == AGLM_OK;
    }
    return ok || rc != AGLM_OK ? rc : aglm_error_set(err, AGLM_IO, "llama_decode failed");
}

static long number_at(int argc, char **argv, int at, long otherwise)
{
    return argc > at ? strtol(argv[at], NULL, 10) : otherwise;
}

int main(int argc, char **argv)
{
    size_t rounds = (size_t)number_at(argc, argv, 2, 15);
    bench b = {.path = argc > 1 ? argv[1] : "",
               .tokens = number_at(argc, argv, 3, 128),
               .threads = (unsigned)number_at(argc, argv, 4, 1)};
    double share[MAX_ROUNDS];
    char folder[] = "/tmp/decode_XXXXXX", settings[64];
    aglm_error err = {0};

    if (argc < 2 || rounds < 1 || rounds > MAX_ROUNDS || b.tokens < 2 || b.tokens > 512) {
        fprintf(stderr, "usage: decode MODEL.gguf [ROUNDS [TOKENS [THREADS]]]\n");
        return 2;
    }
    if (!mkdtemp(folder))
        return 1;
    snprintf(settings, sizeof settings, "%s/settings.db", folder);
    aglm_rc rc = open_raw(&b)
                     ? open_ours(&b, settings, &err)
                     : aglm_error_set(&err, AGLM_IO, "%s: llama.cpp does not take it", b.path);
    if (rc == AGLM_OK)
        rc = run_rounds(&b, rounds, share, &err);
    if (rc == AGLM_OK)
        print_table(&b, rounds, share);
    else
        fprintf(stderr, "decode: %s\n", err.msg);
    aglm_generator_free(b.generator);
    aglm_lm_close(b.lm);
    llama_free(b.ctx);
    llama_model_free(b.model);
    aglm_dir_remove(folder, NULL);
    return rc == AGLM_OK ? 0 : 1;
}
