/* The runtime on real llama.cpp, over tiny models of the GLM family that glm_model.c writes.
 * Without the program autoglm-llama (AGLM_LLAMA) there is nothing to test. */
#include <dirent.h>
#include <math.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/file.h"
#include "glm_model.h"
#include "lm/gguf.h"
#include "lm/runtime_pool.h"
#include "unit.h"

#define MAX_FILE ((size_t)64 << 20)
#define N_ARCH 3

static char folder[] = "/tmp/aglm_runtime_XXXXXX";

static const char *path_of(const char *name)
{
    static char path[256];

    snprintf(path, sizeof path, "%s/%s.gguf", folder, name);
    return path;
}

static void write_model(const char *name, glm_arch arch, const glm_fault *fault)
{
    aglm_str s;
    aglm_error err = {0};

    aglm_str_init(&s, MAX_FILE);
    glm_model_make(arch, 7, fault, &s);
    if (aglm_file_write(path_of(name), s.data, s.len, &err) != AGLM_OK)
        fail_msg("%s", err.msg);
    aglm_str_clear(&s);
}

static int make_models(void **state)
{
    if (!mkdtemp(folder))
        return -1;
    for (glm_arch arch = GLM_CHATGLM; arch <= GLM_GLM4MOE; arch++)
        write_model(glm_arch_names[arch], arch, NULL);
    return 0;
}

static int remove_models(void **state)
{
    return aglm_dir_remove(folder, NULL) == AGLM_OK ? 0 : -1;
}

static aglm_lm *open_model(glm_arch arch)
{
    aglm_lm *lm = NULL;
    aglm_error err = {0};

    if (aglm_lm_open_file(&lm, path_of(glm_arch_names[arch]), 1, &err) != AGLM_OK)
        fail_msg("%s", err.msg);
    return lm;
}

static void answer(aglm_lm *lm, const aglm_lm_request *r, aglm_lm_answer *a)
{
    aglm_error err = {0};

    if (aglm_lm_generate(lm, r, a, &err) != AGLM_OK)
        fail_msg("%s", err.msg);
}

static void loads_and_says(void **state)
{
    for (glm_arch arch = GLM_CHATGLM; arch <= GLM_GLM4MOE; arch++) {
        aglm_lm *lm = open_model(arch);
        aglm_decoding d;
        aglm_lm_answer a;
        aglm_decoding_init(&d);
        aglm_lm_answer_init(&a);
        assert_int_equal(lm->info.context, GLM_CONTEXT);
        assert_int_equal(lm->info.dimension, GLM_DIM);
        assert_int_equal(lm->info.layers, 2);
        assert_false(lm->info.add_bos);
        assert_float_equal(lm->info.temperature, 0.75, 1e-6);
        assert_true(isnan(lm->info.top_k));
        assert_non_null(strstr(lm->info.template, "[gMASK]<sop>"));
        assert_non_null(strstr(lm->info.name, glm_arch_names[arch]));
        answer(lm,
               &(aglm_lm_request){.prompt = "[gMASK]<sop><|user|>\nhello the film<|assistant|>",
                                  .decoding = &d,
                                  .want_log_prob = true},
               &a);
        assert_string_equal(a.text.data, GLM_SAYS);
        assert_int_equal(a.reason, AGLM_LM_STOP);
        assert_int_equal(a.tokens, strlen(GLM_SAYS) + 1);
        assert_true(a.log_prob < 0 && a.log_prob > -20);
        d.max_tokens = 3;
        answer(lm, &(aglm_lm_request){.prompt = "人工智能", .decoding = &d}, &a);
        assert_string_equal(a.text.data, "XYZ");
        assert_int_equal(a.reason, AGLM_LM_LENGTH);
        aglm_lm_answer_clear(&a);
        aglm_lm_close(lm);
    }
}

static void tokenizes(void **state)
{
    aglm_lm *lm = open_model(GLM_GLM4);
    aglm_error err = {0};
    aglm_lm_tokens t;

    assert_int_equal(aglm_lm_tokenize(lm, "the film<|user|>", 16, true, &t, &err), AGLM_OK);
    assert_int_equal(t.n, 4); /* the, blank, film, marker */
    assert_int_equal(t.at[t.n - 1], lm->info.vocabulary - 3);
    free(t.at);
    assert_int_equal(aglm_lm_tokenize(lm, "人", 3, false, &t, &err), AGLM_OK);
    assert_int_equal(t.n, 1);
    free(t.at);
    assert_int_equal(aglm_lm_tokenize(lm, "", 0, false, &t, &err), AGLM_OK);
    assert_int_equal(t.n, 0);
    free(t.at);
    aglm_lm_close(lm);
}

/* ---- scores ---- */

#define ITEMS 64
static char items[ITEMS][96];
static const char *item_list[ITEMS];
static const char *const LABELS[] = {" good", " bad", " great film"};

static void make_items(void)
{
    for (int i = 0; i < ITEMS; i++) {
        snprintf(items[i], sizeof items[i], "%.*s film %d 人工 is", i % 23 + 1,
                 "the good the bad the great", i);
        item_list[i] = items[i];
    }
}

static void score(aglm_lm *lm, const char *prefix, const char *const *list, size_t n, double *out)
{
    aglm_error err = {0};
    aglm_lm_scoring s = {
        .prefix = prefix, .items = list, .n_items = n, .answers = LABELS, .n_answers = 3};

    if (aglm_lm_score(lm, &s, out, NULL, &err) != AGLM_OK)
        fail_msg("%s", err.msg);
}

static void scores_do_not_depend_on_company(void **state)
{
    static const size_t WIDTHS[] = {1, 2, 7, 16};
    double all[ITEMS * 3], part[ITEMS * 3];
    const char *reversed[ITEMS];

    make_items();
    for (int i = 0; i < ITEMS; i++)
        reversed[i] = item_list[ITEMS - 1 - i];
    for (glm_arch arch = GLM_CHATGLM; arch <= GLM_GLM4MOE; arch++) {
        aglm_lm *lm = open_model(arch);
        const char *prefix = arch == GLM_GLM4 ? NULL : "[gMASK]<sop>the film is good. ";
        score(lm, prefix, item_list, ITEMS, all);
        for (size_t w = 0; w < sizeof WIDTHS / sizeof *WIDTHS; w++) {
            for (size_t i = 0; i < ITEMS; i += WIDTHS[w])
                score(lm, prefix, item_list + i, ITEMS - i < WIDTHS[w] ? ITEMS - i : WIDTHS[w],
                      part + 3 * i);
            assert_memory_equal(all, part, sizeof all);
        }
        score(lm, prefix, reversed, ITEMS, part);
        for (size_t i = 0; i < ITEMS; i++)
            assert_memory_equal(all + 3 * i, part + 3 * (ITEMS - 1 - i), 3 * sizeof *all);
        for (size_t i = 0; i < sizeof all / sizeof *all; i++)
            assert_true(all[i] < 0 && isfinite(all[i]));
        aglm_lm_close(lm);
    }
}

static void own_answers(void **state)
{
    aglm_lm *lm = open_model(GLM_GLM4);
    const char *own[8 * 3];
    double shared[8 * 3], each[8 * 3];
    int64_t tokens[8 * 3];
    aglm_error err = {0};

    make_items();
    for (size_t i = 0; i < 8 * 3; i++)
        own[i] = LABELS[(i / 3 + i) % 3];
    score(lm, NULL, item_list, 8, shared);
    aglm_lm_scoring s = {
        .items = item_list, .n_items = 8, .answers = own, .n_answers = 3, .own_answers = true};
    assert_int_equal(aglm_lm_score(lm, &s, each, tokens, &err), AGLM_OK);
    for (size_t i = 0; i < 8 * 3; i++) {
        assert_true(each[i] == shared[i / 3 * 3 + (i / 3 + i) % 3]);
        assert_in_range(tokens[i], 1, 8);
    }
    aglm_lm_close(lm);
}

/* The score of what it generates is the log-probability that it generated it with. */
static void score_meets_generation(void **state)
{
    static const char *const SAYS[] = {GLM_SAYS "<|user|>"};
    static const char *const PROMPT[] = {"the good film"};

    for (glm_arch arch = GLM_CHATGLM; arch <= GLM_GLM4MOE; arch++) {
        aglm_lm *lm = open_model(arch);
        aglm_decoding d;
        aglm_lm_answer a;
        aglm_error err = {0};
        double v;
        aglm_decoding_init(&d);
        aglm_lm_answer_init(&a);
        answer(lm, &(aglm_lm_request){.prompt = PROMPT[0], .decoding = &d, .want_log_prob = true},
               &a);
        aglm_lm_scoring s = {.items = PROMPT, .n_items = 1, .answers = SAYS, .n_answers = 1};
        assert_int_equal(aglm_lm_score(lm, &s, &v, NULL, &err), AGLM_OK);
        assert_float_equal(v, a.log_prob, 1e-3);
        aglm_lm_answer_clear(&a);
        aglm_lm_close(lm);
    }
}

/* ---- generation ---- */

static void warm_is_cold(void **state)
{
    for (glm_arch arch = GLM_CHATGLM; arch <= GLM_GLM4MOE; arch++) {
        aglm_lm *lm = open_model(arch);
        aglm_decoding d;
        aglm_lm_answer cold, warm;
        aglm_decoding_init(&d);
        aglm_lm_answer_init(&cold);
        aglm_lm_answer_init(&warm);
        d.temperature = 1.5;
        d.max_tokens = 24;
        aglm_lm_request r = {.prefix = "the film is good. the film is bad. ",
                             .prompt = "人工智能 is",
                             .decoding = &d,
                             .want_log_prob = true};
        answer(lm, &r, &cold);
        answer(lm, &r, &warm);
        assert_false(cold.warm);
        assert_true(warm.warm);
        assert_string_equal(cold.text.data, warm.text.data);
        assert_true(cold.log_prob == warm.log_prob);
        r.prefix = "the film is bad. the film is good. ";
        answer(lm, &r, &warm);
        assert_false(warm.warm);
        aglm_lm_answer_clear(&cold);
        aglm_lm_answer_clear(&warm);
        aglm_lm_close(lm);
    }
}

static void seeds_repeat(void **state)
{
    aglm_lm *lm = open_model(GLM_GLM4MOE);
    aglm_decoding d;
    aglm_lm_answer a[3];
    const uint64_t SEEDS[] = {5, 6, 5};

    aglm_decoding_init(&d);
    d.temperature = 3;
    d.top_k = 100;
    d.max_tokens = 32;
    for (int i = 0; i < 3; i++) {
        aglm_lm_answer_init(&a[i]);
        d.seed = SEEDS[i];
        answer(lm, &(aglm_lm_request){.prompt = "the", .decoding = &d}, &a[i]);
    }
    assert_string_equal(a[0].text.data, a[2].text.data);
    assert_string_not_equal(a[0].text.data, a[1].text.data);
    for (int i = 0; i < 3; i++)
        aglm_lm_answer_clear(&a[i]);
    aglm_lm_close(lm);
}

static bool keep_piece(void *arg, const char *piece, size_t n)
{
    return aglm_str_append(arg, piece, n) == AGLM_OK;
}

static void stop_words(void **state)
{
    aglm_lm *lm = open_model(GLM_CHATGLM);
    aglm_decoding d;
    aglm_lm_answer a;
    aglm_str pieces;
    static const char *const STOP[] = {"nothing", "QJK"};

    aglm_decoding_init(&d);
    aglm_lm_answer_init(&a);
    aglm_str_init(&pieces, MAX_FILE);
    answer(lm,
           &(aglm_lm_request){.prompt = "the",
                              .decoding = &d,
                              .stop = STOP,
                              .n_stop = 2,
                              .on_piece = keep_piece,
                              .arg = &pieces},
           &a);
    assert_string_equal(a.text.data, "XYZ");
    assert_string_equal(pieces.data, "XYZ");
    assert_int_equal(a.reason, AGLM_LM_STOP);
    aglm_str_clear(&pieces);
    aglm_lm_answer_clear(&a);
    aglm_lm_close(lm);
}

static void ends_in_time(void **state)
{
    aglm_lm *lm = open_model(GLM_GLM4);
    aglm_decoding d;
    aglm_lm_answer a;
    aglm_error err = {0};

    aglm_decoding_init(&d);
    aglm_lm_answer_init(&a);
    d.temperature = 50;
    d.max_tokens = 400;
    uint64_t start = aglm_clock_ns();
    aglm_rc rc = aglm_lm_generate(
        lm, &(aglm_lm_request){.prompt = "the", .decoding = &d, .limit_s = 0.005}, &a, &err);
    assert_true(rc == AGLM_OK || rc == AGLM_CANCELLED);
    assert_true(rc != AGLM_OK || a.reason == AGLM_LM_TIME || a.reason == AGLM_LM_STOP);
    assert_true(aglm_clock_ns() - start < 5000000000U);
    d.temperature = 0;
    answer(lm, &(aglm_lm_request){.prompt = "the", .decoding = &d}, &a);
    assert_string_equal(a.text.data, GLM_SAYS);
    aglm_lm_answer_clear(&a);
    aglm_lm_close(lm);
}

static void longer_than_the_context(void **state)
{
    aglm_lm *lm = open_model(GLM_GLM4);
    aglm_decoding d;
    aglm_lm_answer a;
    aglm_error err = {0};
    char text[4 * GLM_CONTEXT];

    memset(text, 'q', sizeof text - 1);
    text[sizeof text - 1] = '\0';
    aglm_decoding_init(&d);
    aglm_lm_answer_init(&a);
    assert_int_equal(
        aglm_lm_generate(lm, &(aglm_lm_request){.prompt = text, .decoding = &d}, &a, &err),
        AGLM_LIMIT);
    assert_non_null(strstr(err.msg, "512"));
    /* One that fills the context ends where it ends. */
    text[GLM_CONTEXT - 2] = '\0';
    answer(lm, &(aglm_lm_request){.prompt = text, .decoding = &d}, &a);
    assert_int_equal(a.reason, AGLM_LM_LENGTH);
    assert_in_range(a.tokens, 1, 3);
    answer(lm, &(aglm_lm_request){.prompt = "the", .decoding = &d}, &a);
    assert_string_equal(a.text.data, GLM_SAYS);
    aglm_lm_answer_clear(&a);
    aglm_lm_close(lm);
}

static void embeds(void **state)
{
    static const char *const TEXTS[] = {"the good film", "人工智能", "the good film", ""};

    for (glm_arch arch = GLM_CHATGLM; arch <= GLM_GLM4MOE; arch++) {
        aglm_lm *lm = open_model(arch);
        aglm_error err = {0};
        float v[4][GLM_DIM], one[GLM_DIM];
        double sum = 0;
        if (aglm_lm_embed(lm, TEXTS, 4, v[0], &err) != AGLM_OK)
            fail_msg("%s", err.msg);
        for (int i = 0; i < GLM_DIM; i++)
            sum += (double)v[1][i] * (double)v[1][i];
        assert_float_equal(sum, 1, 1e-5);
        assert_memory_equal(v[0], v[2], sizeof v[0]);
        assert_memory_not_equal(v[0], v[1], sizeof v[0]);
        assert_int_equal(aglm_lm_embed(lm, TEXTS, 1, one, &err), AGLM_OK);
        assert_memory_equal(v[0], one, sizeof one);
        aglm_lm_close(lm);
    }
}

static void states_of(aglm_lm *lm, const char *text, const int32_t *layers, size_t n, float *out)
{
    const aglm_lm_reading r = {text, strlen(text), layers, n, AGLM_LM_READ_MAX, 0};
    aglm_error err = {0};

    if (aglm_lm_states(lm, &r, out, &err) != AGLM_OK)
        fail_msg("%s", err.msg);
}

/* The last layer's mean points where embed does: the tiny models' last norm weighs all about the
 * same. */
static void same_direction(aglm_lm *lm, const char *text, const float *mean)
{
    float v[GLM_DIM];
    double product = 0, a = 0, b = 0;
    aglm_error err = {0};

    assert_int_equal(aglm_lm_embed(lm, &text, 1, v, &err), AGLM_OK);
    for (size_t i = 0; i < GLM_DIM; i++) {
        product += (double)v[i] * (double)mean[i];
        a += (double)v[i] * (double)v[i];
        b += (double)mean[i] * (double)mean[i];
    }
    assert_true(product / sqrt(a * b) > 0.98);
}

static void shows_its_states(void **state)
{
    static const char TEXT[] = "the good film", OTHER[] = "人工智能";
    enum { ROW = AGLM_LM_POOLINGS * GLM_DIM };

    for (glm_arch arch = GLM_CHATGLM; arch <= GLM_GLM4MOE; arch++) {
        aglm_lm *lm = open_model(arch);
        float both[2 * ROW], one[ROW], other[2 * ROW];
        states_of(lm, TEXT, (int32_t[]){1, 2}, 2, both);
        states_of(lm, OTHER, (int32_t[]){1, 2}, 2, other);
        states_of(lm, TEXT, (int32_t[]){1}, 1, one);
        assert_memory_equal(both, one, sizeof one);
        assert_memory_not_equal(both, other, sizeof one);
        states_of(lm, TEXT, (int32_t[]){2}, 1, one);
        assert_memory_equal(both + ROW, one, sizeof one);
        assert_memory_not_equal(both, one, sizeof one);
        same_direction(lm, TEXT, one);
        /* of one token the mean is the last */
        states_of(lm, "", (int32_t[]){2}, 1, one);
        for (size_t i = 0; i < GLM_DIM; i++)
            assert_float_equal(one[i], one[GLM_DIM + i], 1e-6);
        aglm_lm_close(lm);
    }
}

static void states_that_are_none(void **state)
{
    aglm_lm *lm = open_model(GLM_GLM4);
    float out[3 * AGLM_LM_POOLINGS * GLM_DIM];
    aglm_lm_reading r = {"the", 3, (int32_t[]){1, 3}, 2, 8, 0};
    aglm_error err = {0};

    assert_int_equal(aglm_lm_states(lm, &r, out, &err), AGLM_INVALID);
    assert_non_null(strstr(err.msg, "1 to 2"));
    r.layers = (int32_t[]){2, 1};
    assert_int_equal(aglm_lm_states(lm, &r, out, &err), AGLM_INVALID);
    r.n_layers = 0;
    assert_int_equal(aglm_lm_states(lm, &r, out, &err), AGLM_INVALID);
    r.n_layers = 1;
    r.max_tokens = AGLM_LM_READ_MAX + 1;
    assert_int_equal(aglm_lm_states(lm, &r, out, &err), AGLM_INVALID);
    r.max_tokens = 1;
    assert_int_equal(aglm_lm_states(lm, &r, out, &err), AGLM_OK);
    aglm_lm_close(lm);
}

/* ---- what goes wrong ---- */

/* The child that was started last: the one process whose parent this is. */
static pid_t child_of_mine(void)
{
    DIR *proc = opendir("/proc");
    pid_t found = 0;

    for (struct dirent *e; proc && (e = readdir(proc));) {
        char path[300], state;
        int pid = (int)strtol(e->d_name, NULL, 10), parent; /* 0 for a name */
        snprintf(path, sizeof path, "/proc/%d/stat", pid);
        FILE *f = pid > 0 ? fopen(path, "r") : NULL;
        if (f && fscanf(f, "%*d (%*[^)]) %c %d", &state, &parent) == 2 && parent == getpid() &&
            state != 'Z')
            found = pid;
        if (f)
            fclose(f);
    }
    if (proc)
        closedir(proc);
    return found;
}

static bool kill_child(void *arg, const char *piece, size_t n)
{
    pid_t pid = child_of_mine();

    if (pid > 0 && kill(pid, SIGKILL) == 0)
        *(bool *)arg = true;
    return true;
}

static void killed_in_the_middle(void **state)
{
    aglm_lm *lm = open_model(GLM_GLM4);
    aglm_decoding d;
    aglm_lm_answer a;
    aglm_error err = {0};
    bool killed = false;

    aglm_decoding_init(&d);
    aglm_lm_answer_init(&a);
    d.temperature = 50;
    d.max_tokens = 400;
    aglm_lm_request r = {.prompt = "the", .decoding = &d, .on_piece = kill_child, .arg = &killed};
    for (d.seed = 0; d.seed < 20; d.seed++) { /* a short answer may be through before */
        killed = false;
        if (aglm_lm_generate(lm, &r, &a, &err) != AGLM_OK)
            break;
    }
    assert_true(killed);
    assert_int_not_equal(err.msg[0], 0);
    d.temperature = 0;
    answer(lm, &(aglm_lm_request){.prompt = "the", .decoding = &d}, &a);
    assert_string_equal(a.text.data, GLM_SAYS);
    /* Between two requests. */
    kill_child(&killed, NULL, 0);
    assert_true(killed);
    aglm_rc rc = aglm_lm_generate(lm, &(aglm_lm_request){.prompt = "the", .decoding = &d}, &a,
                                  &err);
    if (rc != AGLM_OK)
        answer(lm, &(aglm_lm_request){.prompt = "the", .decoding = &d}, &a);
    assert_string_equal(a.text.data, GLM_SAYS);
    aglm_lm_answer_clear(&a);
    aglm_lm_close(lm);
}

static void garbage(void **state)
{
    aglm_lm *lm = NULL;
    aglm_error err = {0};
    aglm_decoding d;
    aglm_lm_answer a;

    assert_int_equal(aglm_lm_open_file(&lm, path_of("absent"), 1, &err), AGLM_NOTFOUND);
    assert_int_equal(aglm_file_write(path_of("bad"), "GGUF is not all", 15, &err), AGLM_OK);
    assert_int_equal(aglm_lm_open_file(&lm, path_of("bad"), 1, &err), AGLM_FORMAT);
    assert_null(lm);
    assert_non_null(strstr(err.msg, "bad.gguf: byte"));
    /* What passes our look and not llama.cpp's. */
    write_model("bad", GLM_GLM4, &(glm_fault){.drop = "blk.1.ffn_up.weight"});
    assert_int_equal(aglm_lm_open_file(&lm, path_of("bad"), 1, &err), AGLM_FORMAT);
    assert_non_null(strstr(err.msg, "bad.gguf"));
    lm = open_model(GLM_GLM4);
    aglm_decoding_init(&d);
    aglm_lm_answer_init(&a);
    d.temperature = -1;
    assert_int_equal(
        aglm_lm_generate(lm, &(aglm_lm_request){.prompt = "a", .decoding = &d}, &a, &err),
        AGLM_INVALID);
    aglm_decoding_init(&d);
    assert_int_equal(
        aglm_lm_generate(lm,
                         &(aglm_lm_request){.prompt = "a", .decoding = &d, .grammar = "root ::= ("},
                         &a, &err),
        AGLM_FORMAT);
    answer(lm, &(aglm_lm_request){.prompt = "the", .decoding = &d, .grammar = "root ::= \"bad\""},
           &a);
    assert_string_equal(a.text.data, "bad");
    aglm_lm_answer_clear(&a);
    aglm_lm_close(lm);
}

static void quantizes(void **state)
{
    char in[256], out[256];
    aglm_error err = {0};
    aglm_gguf *g = NULL;
    size_t counts[AGLM_GGUF_TYPES];

    snprintf(in, sizeof in, "%s", path_of("glm4"));
    snprintf(out, sizeof out, "%s", path_of("small"));
    assert_int_equal(aglm_lm_quantize(in, out, "Q9_9", 1, &err), AGLM_INVALID);
    assert_non_null(strstr(err.msg, "Q4_0"));
    assert_false(aglm_path_exists(out));
    if (aglm_lm_quantize(in, out, "q8_0", 1, &err) != AGLM_OK)
        fail_msg("%s", err.msg);
    assert_int_equal(aglm_gguf_open(&g, out, &err), AGLM_OK);
    assert_int_equal(aglm_gguf_check(g, &err), AGLM_OK);
    aglm_gguf_types(g, counts, NULL);
    assert_in_range(counts[8], 8, 100);
    aglm_gguf_close(g);
}

static void a_pool_lends_what_has_read_the_prefix(void **state)
{
    aglm_lm_pool *pool;
    aglm_lm *first, *second, *again;
    aglm_error err = {0};

    (void)state;
    assert_int_equal(aglm_lm_pool_new(&pool, path_of(glm_arch_names[GLM_GLM4]), 1, &err), AGLM_OK);
    assert_int_equal(aglm_lm_pool_lend(pool, "a", &first, &err), AGLM_OK);
    assert_int_equal(aglm_lm_pool_lend(pool, "b", &second, &err), AGLM_OK);
    assert_ptr_not_equal(first, second);
    aglm_lm_pool_give_back(pool, first, "a");
    aglm_lm_pool_give_back(pool, second, "b");
    assert_int_equal(aglm_lm_pool_lend(pool, "a", &again, &err), AGLM_OK);
    assert_ptr_equal(again, first);
    aglm_lm_pool_give_back(pool, again, "c");
    assert_int_equal(aglm_lm_pool_lend(pool, "b", &again, &err), AGLM_OK);
    assert_ptr_equal(again, second);
    aglm_lm_pool_give_back(pool, again, NULL);
    aglm_lm_pool_unref(aglm_lm_pool_ref(pool));
    assert_int_equal(aglm_lm_pool_lend(pool, NULL, &again, &err), AGLM_OK);
    assert_ptr_equal(again, second);
    aglm_lm_pool_give_back(pool, again, NULL);
    aglm_lm_pool_unref(pool);
    aglm_lm_pool_unref(NULL);
    assert_int_equal(aglm_lm_pool_new(&pool, "/nowhere.gguf", 1, &err), AGLM_OK);
    assert_int_equal(aglm_lm_pool_lend(pool, NULL, &again, &err), AGLM_NOTFOUND);
    aglm_lm_pool_unref(pool);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(loads_and_says),
        cmocka_unit_test(tokenizes),
        cmocka_unit_test(scores_do_not_depend_on_company),
        cmocka_unit_test(own_answers),
        cmocka_unit_test(score_meets_generation),
        cmocka_unit_test(warm_is_cold),
        cmocka_unit_test(seeds_repeat),
        cmocka_unit_test(stop_words),
        cmocka_unit_test(ends_in_time),
        cmocka_unit_test(longer_than_the_context),
        cmocka_unit_test(embeds),
        cmocka_unit_test(shows_its_states),
        cmocka_unit_test(states_that_are_none),
        cmocka_unit_test(killed_in_the_middle),
        cmocka_unit_test(garbage),
        cmocka_unit_test(quantizes),
        cmocka_unit_test(a_pool_lends_what_has_read_the_prefix),
    };

    if (!getenv("AGLM_LLAMA")) {
        puts("skipped: autoglm-llama was not built (./dev setup)");
        return 77;
    }
    return cmocka_run_group_tests(tests, make_models, remove_models);
}
