/* prompts FILE... [--wrong]: tasks of labelled prompts (tests/data/prompts.tsv and the like) as the
 * detector sees them: macro F1 of either half and language, the confusion, time per prompt. --wrong
 * lists what it gets wrong in the half for development. */
#include <stdio.h>

#include "base/clock.h"
#include "prompt_data.h"

enum { DEV, TEST, HALVES };

typedef struct figures {
    prompt_confusion of[HALVES][2]; /* by language */
    uint64_t cpu_ns;
    size_t prompts;
    bool wrong;
} figures;

static void tell_wrong(const prompt_row *p, const aglm_prompt_task_guess *g)
{
    aglm_str s;

    aglm_str_init(&s, 1 << 16);
    aglm_prompt_task_tell(g, &s);
    printf("\n%s expected: %.300s\n%s", aglm_prompt_task_name(p->task), p->text, s.data);
    aglm_str_clear(&s);
}

static void look(figures *f, const prompt_row *p)
{
    aglm_prompt_task_guess g;
    uint64_t start = aglm_clock_cpu_ns();

    aglm_prompt_task_detect(p->text, p->len, &g);
    f->cpu_ns += aglm_clock_cpu_ns() - start;
    f->prompts++;
    f->of[p->dev ? DEV : TEST][p->language == AGLM_PROMPT_CHINESE].n[p->task][g.task]++;
    if (f->wrong && p->dev && g.task != p->task)
        tell_wrong(p, &g);
}

static prompt_confusion both(const prompt_confusion c[2])
{
    prompt_confusion sum = c[0];

    for (size_t i = 0; i < AGLM_PROMPT_TASKS * AGLM_PROMPT_TASKS; i++)
        (&sum.n[0][0])[i] += (&c[1].n[0][0])[i];
    return sum;
}

static void tell_half(const char *file, const char *half, const prompt_confusion c[2])
{
    prompt_confusion all = both(c);
    size_t n = 0;
    size_t right = 0;

    for (size_t i = 0; i < AGLM_PROMPT_TASKS; i++) {
        right += all.n[i][i];
        for (size_t k = 0; k < AGLM_PROMPT_TASKS; k++)
            n += all.n[i][k];
    }
    if (n)
        printf("| %s | %s | %zu | %.1f | %.3f | %.3f | %.3f |\n", file, half, n,
               100.0 * (double)right / (double)n, prompt_macro_f1(&all), prompt_macro_f1(&c[0]),
               prompt_macro_f1(&c[1]));
}

static void tell_confusion(const prompt_confusion *c)
{
    printf(
        "\n| test: true \\ answer | cls | ext | sum | qa | tra | rew | code | ari | chat | gen | F1 |\n"
        "|---|---:|---:|---:|---:|---:|---:|---:|---:|---:|---:|---:|\n");
    for (size_t t = 0; t < AGLM_PROMPT_TASKS; t++) {
        printf("| %s |", aglm_prompt_task_name((aglm_prompt_task)t));
        for (size_t i = 0; i < AGLM_PROMPT_TASKS; i++)
            printf(" %zu |", c->n[t][i]);
        printf(" %.3f |\n", prompt_f1(c, t));
    }
}

static int measure(const char *path, figures *f)
{
    prompt_rows rows;
    aglm_error err = {0};
    const char *name = strrchr(path, '/') ? strrchr(path, '/') + 1 : path;

    if (!prompt_rows_read(&rows, path, &err)) {
        fprintf(stderr, "prompts: %s\n", err.msg);
        prompt_rows_clear(&rows);
        return 1;
    }
    memset(f->of, 0, sizeof f->of);
    for (size_t i = 0; i < rows.n; i++) {
        if (strstr(name, "held_out"))
            rows.row[i].dev = false;
        look(f, &rows.row[i]);
    }
    prompt_rows_clear(&rows);
    tell_half(name, "dev", f->of[DEV]);
    tell_half(name, "test", f->of[TEST]);
    return 0;
}

int main(int argc, char **argv)
{
    figures f = {0};
    prompt_confusion test = {0};
    int rc = argc < 2;

    if (rc)
        fprintf(stderr, "usage: prompts FILE... [--wrong]\n");
    for (int i = 1; i < argc; i++)
        f.wrong |= strcmp(argv[i], "--wrong") == 0;
    printf(
        "| file | half | prompts | right %% | macro F1 | en | zh |\n|---|---|---:|---:|---:|---:|---:|\n");
    for (int i = 1; i < argc; i++) {
        if (strcmp(argv[i], "--wrong") == 0)
            continue;
        rc |= measure(argv[i], &f);
        prompt_confusion now = both(f.of[TEST]);
        const prompt_confusion sum[2] = {test, now};
        test = both(sum);
    }
    if (!f.wrong)
        tell_confusion(&test);
    if (f.prompts)
        printf("\n%.1f us of CPU time a prompt\n", (double)f.cpu_ns / 1e3 / (double)f.prompts);
    return rc;
}
