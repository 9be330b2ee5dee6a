#include "lm/example_columns.h"

#include <strings.h>

#define COUNT(list) (sizeof(list) / sizeof(list)[0])

static const char *const messages_names[] = {"messages", "conversations", "conversation", "dialog",
                                             "dialogue", "turns",         "对话"};
static const char *const instruction_names[] = {"instruction",      "instructions", "task",
                                                "task_description", "指令",         "要求"};
static const char *const context_names[] = {"context", "passage", "paragraph", "background",
                                            "support", "背景",    "材料",      "上下文"};
static const char *const input_names[] = {
    "input", "inputs",   "prompt",  "question", "query",   "source",   "src",
    "text",  "sentence", "article", "document", "problem", "dialogue", "content",
    "输入",  "问题",     "提示",    "原文",     "文章",    "文本",     "正文"};
static const char *const output_names[] = {"output",
                                           "outputs",
                                           "completion",
                                           "response",
                                           "answer",
                                           "answers",
                                           "target",
                                           "chosen",
                                           "summary",
                                           "highlights",
                                           "translation",
                                           "solution",
                                           "canonical_solution",
                                           "code",
                                           "entities",
                                           "paraphrase",
                                           "rewritten",
                                           "corrected",
                                           "reply",
                                           "label",
                                           "labels",
                                           "输出",
                                           "答案",
                                           "回答",
                                           "回复",
                                           "摘要",
                                           "译文"};
static const char *const final_names[] = {"final", "final_answer", "gold", "最终答案"};

int aglm_example_column_named(const aglm_table *t, const char *const *names, size_t n)
{
    for (size_t i = 0; i < n; i++)
        for (size_t col = 0; col < aglm_table_cols(t); col++)
            if (strcasecmp(aglm_table_col_name(t, col), names[i]) == 0)
                return (int)col;
    return -1;
}
#define NAMED(t, names) aglm_example_column_named(t, names, COUNT(names))

static aglm_rc told(const aglm_table *t, const char *name, const char *flag, int *col,
                    aglm_error *err)
{
    if (!name)
        return AGLM_OK;
    *col = aglm_table_find_col(t, name);
    if (*col >= 0)
        return AGLM_OK;
    return aglm_error_set(err, AGLM_INVALID, "%s: no column \"%s\" (%s COL)",
                          aglm_table_report(t)->name, name, flag);
}

/* A question without a passage beside its context is the input; a context alone is it, too. */
static void settle_input(aglm_example_columns *c)
{
    if (c->input < 0 && c->context >= 0) {
        c->input = c->context;
        c->context = -1;
    }
    if (c->input < 0 && c->instruction >= 0) {
        c->input = c->instruction;
        c->instruction = -1;
    }
}

/* Where names say nothing. */
static aglm_rc settle_rest(aglm_example_columns *c, const aglm_table *t, aglm_error *err)
{
    int last = (int)aglm_table_cols(t) - 1;

    if (c->output < 0)
        c->output = c->final >= 0 ? c->final : c->input == last ? 0 : last;
    if (c->input < 0)
        c->input = c->output == 0 ? last : 0;
    if (c->final == c->output)
        c->final = -1;
    if (c->input != c->output && last > 0)
        return AGLM_OK;
    return aglm_error_set(err, AGLM_INVALID,
                          "%s: one column cannot be what is asked and its answer both (--text COL, "
                          "--label COL)",
                          aglm_table_report(t)->name);
}

static void tell(const aglm_table *t, int col, const char *what, aglm_str *evidence)
{
    if (col >= 0)
        aglm_str_printf(evidence, "%s: column \"%s\"\n", what, aglm_table_col_name(t, (size_t)col));
}

aglm_rc aglm_example_columns_find(aglm_example_columns *out, const aglm_table *t, const char *input,
                                  const char *output, aglm_str *evidence, aglm_error *err)
{
    *out = (aglm_example_columns){
        .messages = input || output ? -1 : NAMED(t, messages_names),
        .instruction = NAMED(t, instruction_names),
        .context = NAMED(t, context_names),
        .input = NAMED(t, input_names),
        .output = NAMED(t, output_names),
        .final = NAMED(t, final_names),
    };
    aglm_rc rc = told(t, input, "--text", &out->input, err);
    if (!rc)
        rc = told(t, output, "--label", &out->output, err);
    if (rc)
        return rc;
    if (out->messages >= 0 && out->output < 0) {
        *out = (aglm_example_columns){out->messages, -1, -1, -1, -1, -1};
        tell(t, out->messages, "conversations", evidence);
        return AGLM_OK;
    }
    out->messages = -1;
    settle_input(out);
    if ((rc = settle_rest(out, t, err)) != AGLM_OK)
        return rc;
    tell(t, out->instruction, "instruction", evidence);
    tell(t, out->context, "context", evidence);
    tell(t, out->input, "asked (--text overrides)", evidence);
    tell(t, out->output, "answer (--label overrides)", evidence);
    tell(t, out->final, "bare answer", evidence);
    return AGLM_OK;
}
