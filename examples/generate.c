/* Asks a language model, and shows the answer as it comes and why it was asked so:
 *     cc generate.c $(pkg-config --cflags --libs autoglm) && ./a.out model.gguf "Write a haiku."
 * A GLM service instead of a file, its key in the variable ZHIPUAI_API_KEY:
 *     ./a.out glm-4-flash "Write a haiku." https://open.bigmodel.cn/api/paas/v4
 */
#include <autoglm/automodel.h>

#include <stdio.h>

/* Another attempt begins a new line. */
static bool show(void *arg, unsigned attempt, const char *piece, size_t n)
{
    unsigned *last = arg;

    if (attempt != *last)
        printf("%s[%u] ", *last ? "\n" : "", attempt);
    *last = attempt;
    return fwrite(piece, 1, n, stdout) == n && fflush(stdout) == 0;
}

static int fail(const aglm_error *err)
{
    fprintf(stderr, "%s\n", err->msg);
    return 1;
}

static int ask(aglm_automodel *model, const char *prompt)
{
    unsigned last = 0;
    aglm_generate_options options = {.max_latency_s = 30, .on_piece = show, .arg = &last};
    aglm_answer answer;
    aglm_error err = {0};

    aglm_answer_init(&answer);
    aglm_rc rc = aglm_automodel_generate(model, prompt, &options, &answer, &err);
    if (rc == AGLM_OK) {
        printf("\n\n%s\n\n", answer.text);
        printf("%s, settings \"%s\", score %.2f, attempt %u of %u, %lld tokens, %.2f s\n%s",
               answer.task, answer.settings, answer.score, answer.attempt, answer.tries,
               (long long)answer.tokens, answer.seconds, answer.reasons);
    }
    aglm_answer_clear(&answer);
    return rc == AGLM_OK ? 0 : fail(&err);
}

int main(int argc, char **argv)
{
    aglm_automodel_options options;
    aglm_automodel *model = NULL;
    aglm_error err = {0};

    if (argc < 3 || argc > 4) {
        fprintf(stderr, "usage: generate MODEL PROMPT [URL]\n");
        return 2;
    }
    aglm_automodel_options_init(&options);
    options.settings = "generate.settings.db"; /* what is learned stays for the next time */
    options.url = argc > 3 ? argv[3] : NULL;
    if (aglm_automodel_open(&model, argv[1], &options, &err) != AGLM_OK)
        return fail(&err);
    int code = ask(model, argv[2]);
    aglm_automodel_close(model);
    return code;
}
