#include <stdio.h>
#include <string.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include <sqlite3.h>
#include <zlib.h>

#include "base/encoding.h"
#include "base/json.h"
#include "base/pool.h"
#include "cli/commands.h"
#include "store/store.h"
#include "tune/learners.h"

static const aglm_option OPTIONS[] = {
    {"json", 0, AGLM_OPTION_FLAG, NULL, "print one JSON object", NULL, 0, 0},
};

struct finding {
    const char *name;
    bool ok;
    char text[200];
};

static void check_gb18030(struct finding *f)
{
    aglm_str s;
    aglm_error err = {0};

    aglm_str_init(&s, 64);
    f->ok = aglm_encoding_to_utf8(AGLM_ENC_GB18030, "\xc4\xe3", 2, &s, &err) == AGLM_OK &&
            strcmp(s.data, "\xe4\xbd\xa0") == 0;
    snprintf(f->text, sizeof f->text, "%s",
             f->ok ? "GB18030 texts can be read"
                   : "iconv cannot convert GB18030: install the C library's gconv modules");
    aglm_str_clear(&s);
}

static void check_folder(struct finding *f)
{
    struct statvfs v;

    f->ok = access(".", W_OK) == 0 && statvfs(".", &v) == 0;
    if (f->ok)
        snprintf(f->text, sizeof f->text, "the current folder can be written, %.1f GB are free",
                 (double)v.f_bavail * (double)v.f_frsize / 1e9);
    else
        snprintf(f->text, sizeof f->text,
                 "the current folder cannot be written: bundles need --out elsewhere");
}

static void check_store(struct finding *f)
{
    aglm_store *s = NULL;
    aglm_error err = {0};

    f->ok = aglm_store_open(&s, "memory", &err) == AGLM_OK;
    snprintf(f->text, sizeof f->text, "%.150s %s", f->ok ? "SQLite" : err.msg,
             f->ok ? sqlite3_libversion() : "");
    aglm_store_close(s);
}

static void check_machine(struct finding *f)
{
    f->ok = true;
    snprintf(f->text, sizeof f->text, "%u processors, %.1f GB of memory", aglm_cpu_count(),
             (double)sysconf(_SC_PHYS_PAGES) * (double)sysconf(_SC_PAGESIZE) / 1e9);
}

static void check_learners(struct finding *f)
{
    size_t n = 0;
    const aglm_learner_ops *const *all = aglm_learners(&n);

    f->ok = n > 0;
    for (size_t i = 0; i < n; i++)
        snprintf(f->text + strlen(f->text), sizeof f->text - strlen(f->text), "%s%s%s",
                 i ? ", " : "", all[i]->name,
                 all[i]->ready && all[i]->ready(NULL) != AGLM_OK ? " (lacks libxgboost-dev)" : "");
}

static void print_json(const struct finding *f, size_t n)
{
    aglm_json_writer w;
    aglm_str s;

    aglm_str_init(&s, 1 << 16);
    aglm_json_writer_init(&w, &s);
    aglm_json_open_object(&w);
    aglm_json_member_text(&w, "version", AGLM_VERSION);
    for (size_t i = 0; i < n; i++) {
        aglm_json_key(&w, f[i].name);
        aglm_json_open_object(&w);
        aglm_json_member_bool(&w, "ok", f[i].ok);
        aglm_json_member_text(&w, "text", f[i].text);
        aglm_json_close_object(&w);
    }
    aglm_json_close_object(&w);
    if (s.rc == AGLM_OK)
        printf("%s\n", s.data);
    aglm_str_clear(&s);
}

static int run(const aglm_args *a)
{
    struct finding f[] = {
        {"machine", false, ""},   {"folder", false, ""},   {"store", false, ""},
        {"encodings", false, ""}, {"learners", false, ""}, {"zlib", true, ""},
    };
    size_t n = sizeof f / sizeof *f;
    bool ok = true;

    check_machine(&f[0]);
    check_folder(&f[1]);
    check_store(&f[2]);
    check_gb18030(&f[3]);
    check_learners(&f[4]);
    snprintf(f[5].text, sizeof f[5].text, "zlib %s", zlibVersion());
    for (size_t i = 0; i < n; i++)
        ok = ok && f[i].ok;
    if (aglm_args_flag(a, "json"))
        print_json(f, n);
    for (size_t i = 0; i < n && !aglm_args_flag(a, "json"); i++)
        printf("%-10s %-4s %s\n", f[i].name, f[i].ok ? "ok" : "BAD", f[i].text);
    return ok ? AGLM_EXIT_OK : AGLM_EXIT_FAILED;
}

const aglm_command aglm_command_doctor = {
    .name = "doctor",
    .operands = "",
    .operands_min = 0,
    .operands_max = 0,
    .summary = "check what this machine offers",
    .about =
        "Checks processors, memory, the current folder, libraries and encodings, and says what to mend.",
    .options = OPTIONS,
    .n_options = sizeof OPTIONS / sizeof *OPTIONS,
    .run = run,
};
