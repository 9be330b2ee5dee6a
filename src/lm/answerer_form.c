/* How a prompt for a text can look: layouts, instructions, and the search space over them. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "lm/answerer_priv.h"
#include "lm/chat.h"

#define COUNT(list) (sizeof(list) / sizeof *(list))
#define TEMPLATE_MAX ((size_t)1 << 20)
/* What stands in for the texts of a conversation while its template is taken apart. */
#define ASKED "@@asked@@"
#define ANSWERED "@@answered@@"
#define TOLD "@@told@@"

/* ---- the space ---- */

static const char *const LAYOUTS[] = {"words", "input", "columns", "arrow", "chat", "ask"};
static const char *const INSTRUCTIONS[] = {"none", "brief", "full", "given"};
static const char *const SHOTS[] = {"0", "1", "2", "4", "8", "12"};
static const size_t N_SHOTS[] = {0, 1, 2, 4, 8, 12};
static const char *const CHOICES[] = {"fixed", "alike"};
static const char *const STEPS[] = {"shown", "hidden"};
static const char *const CHARS[] = {"4000", "1600", "800", "400", "200"};
static const size_t N_CHARS[] = {4000, 1600, 800, 400, 200};
static const char *const CUTS[] = {"front", "near"};
static const char *const TOKENS[] = {"most", "longest", "double"};
static const char *const STOPS[] = {"none", "blank", "line"};

#define WITH_EXAMPLES 0x3e /* of SHOTS */

static aglm_hparam choice(const char *name, const char *const *choices, size_t n, double start)
{
    return (aglm_hparam){.name = name,
                         .kind = AGLM_HPARAM_CHOICE,
                         .choices = choices,
                         .n_choices = n,
                         .start = start};
}

/* Bounds that no field reaches are one. */
static size_t least_bound(size_t chars)
{
    size_t i = 0;

    while (i + 1 < COUNT(N_CHARS) && N_CHARS[i + 1] >= chars)
        i++;
    return i;
}

size_t aglm_answerer_space(const aglm_answer_shape *s, aglm_hparam *out)
{
    size_t bound = least_bound(s->longest_chars);

    out[AGLM_ANSWER_LAYOUT] = choice("layout", LAYOUTS, s->chat ? 6 : 4,
                                     s->chat ? AGLM_LAYOUT_ASK : AGLM_LAYOUT_WORDS);
    out[AGLM_ANSWER_INSTRUCTION] = choice("instruction", INSTRUCTIONS, s->told ? 4 : 3,
                                          s->told ? 3 : 2);
    out[AGLM_ANSWER_SHOTS] = choice("shots", SHOTS, COUNT(SHOTS), 0);
    out[AGLM_ANSWER_CHOICE] = choice("examples", CHOICES, COUNT(CHOICES), 0);
    out[AGLM_ANSWER_CHOICE].when = "shots";
    out[AGLM_ANSWER_CHOICE].when_choices = WITH_EXAMPLES;
    out[AGLM_ANSWER_DRAW] = (aglm_hparam){.name = "draw",
                                          .kind = AGLM_HPARAM_INT,
                                          .low = 0,
                                          .high = 7,
                                          .step = 1,
                                          .when = "examples",
                                          .when_choices = 1};
    out[AGLM_ANSWER_STEPS] = choice("steps", STEPS, s->derived ? 2 : 1, 0);
    out[AGLM_ANSWER_CHARS] = choice("chars", CHARS + bound,
                                    COUNT(CHARS) - bound > 3 ? 3 : COUNT(CHARS) - bound, 0);
    out[AGLM_ANSWER_CUT] = choice("cut", CUTS, s->passage ? 2 : 1, 0);
    out[AGLM_ANSWER_TOKENS] = choice("tokens", TOKENS, COUNT(TOKENS), 2);
    out[AGLM_ANSWER_STOP] = choice("stop", STOPS, s->multiline ? 2 : 3, 0);
    return AGLM_ANSWER_N;
}

bool aglm_answerer_start(const aglm_answer_shape *s, size_t i, double *v)
{
    aglm_hparam space[AGLM_HPARAM_MAX];
    size_t n = aglm_answerer_space(s, space);
    static const struct {
        double layout, shots, alike;
    } STARTS[] = {{AGLM_LAYOUT_WORDS, 3, 0}, {AGLM_LAYOUT_COLUMNS, 4, 1}};

    if (i >= COUNT(STARTS))
        return false;
    for (size_t k = 0; k < n; k++)
        v[k] = space[k].start;
    v[AGLM_ANSWER_LAYOUT] = STARTS[i].layout;
    v[AGLM_ANSWER_SHOTS] = STARTS[i].shots;
    v[AGLM_ANSWER_CHOICE] = STARTS[i].alike;
    v[AGLM_ANSWER_STOP] = (double)space[AGLM_ANSWER_STOP].n_choices - 1;
    return true;
}

static double or_zero(double v)
{
    return v > 0 ? v : 0; /* NaN: inactive */
}

aglm_answer_params aglm_answer_read(const double *v, const aglm_answer_shape *s)
{
    return (aglm_answer_params){
        .layout = (aglm_answer_layout)v[AGLM_ANSWER_LAYOUT],
        .instruction = (size_t)v[AGLM_ANSWER_INSTRUCTION],
        .shots = N_SHOTS[(size_t)v[AGLM_ANSWER_SHOTS]],
        .alike = or_zero(v[AGLM_ANSWER_CHOICE]) > 0,
        .draw = (uint64_t)or_zero(v[AGLM_ANSWER_DRAW]),
        .bare = v[AGLM_ANSWER_STEPS] > 0,
        .max_chars = N_CHARS[least_bound(s->longest_chars) + (size_t)v[AGLM_ANSWER_CHARS]],
        .near = v[AGLM_ANSWER_CUT] > 0,
        .tokens = (size_t)v[AGLM_ANSWER_TOKENS],
        .stop = (aglm_answer_stop)v[AGLM_ANSWER_STOP],
    };
}

/* ---- words ---- */

/* {name} stands for the column of the answers. */
static const struct task_words {
    const char *asked, *answer, *brief, *full;
} ENGLISH[AGLM_PROMPT_TASKS] = {
    [AGLM_PROMPT_CLASSIFICATION] = {"Text", "Label", "Label the text.",
                                    "Label the text. Answer with the label only."},
    [AGLM_PROMPT_EXTRACTION] =
        {"Text", "{name}", "Find the {name} in the text.",
         "Copy the {name} from the text, word for word. Write nothing else."},
    [AGLM_PROMPT_SUMMARIZATION] = {"Text", "Summary", "Summarize the text.",
                                   "Summarize the text in a few words. Write only the summary."},
    [AGLM_PROMPT_QUESTION_ANSWERING] = {"Question", "Answer", "Answer the question.",
                                        "Answer the question in as few words as possible. Write "
                                        "only the answer."},
    [AGLM_PROMPT_TRANSLATION] = {"Text", "Translation", "Translate the text.",
                                 "Translate the text. Write only the translation."},
    [AGLM_PROMPT_REWRITING] = {"Text", "Rewritten", "Rewrite the text.",
                               "Rewrite the text. Write only the new text."},
    [AGLM_PROMPT_CODE] = {"Task", "Code", "Write the code.", "Write only the code."},
    [AGLM_PROMPT_ARITHMETIC] = {"Question", "Answer", "Solve the problem.",
                                "Solve the problem. Answer with the number only."},
    [AGLM_PROMPT_CHAT] = {"User", "Assistant", "Reply to the user.",
                          "Reply to the user in a sentence."},
    [AGLM_PROMPT_TEXT_GENERATION] = {"Input", "{name}", "Write the {name}.",
                                     "Write the {name}. Write nothing else."},
};
static const struct task_words CHINESE[AGLM_PROMPT_TASKS] = {
    [AGLM_PROMPT_CLASSIFICATION] = {"文本", "标签", "判断文本的类别。",
                                    "判断文本的类别，只写类别。"},
    [AGLM_PROMPT_EXTRACTION] = {"文本", "{name}", "找出文本中的{name}。",
                                "从文本中逐字抄出{name}，不要写别的。"},
    [AGLM_PROMPT_SUMMARIZATION] = {"文本", "摘要", "概括文本。", "用几个词概括文本，只写摘要。"},
    [AGLM_PROMPT_QUESTION_ANSWERING] = {"问题", "答案", "回答问题。",
                                        "用尽量少的字回答问题，只写答案。"},
    [AGLM_PROMPT_TRANSLATION] = {"原文", "译文", "翻译文本。", "翻译文本，只写译文。"},
    [AGLM_PROMPT_REWRITING] = {"原文", "改写", "改写文本。", "改写文本，只写新的文本。"},
    [AGLM_PROMPT_CODE] = {"任务", "代码", "写出代码。", "只写代码。"},
    [AGLM_PROMPT_ARITHMETIC] = {"问题", "答案", "解答问题。", "解答问题，只写数字。"},
    [AGLM_PROMPT_CHAT] = {"用户", "助手", "回复用户。", "用一句话回复用户。"},
    [AGLM_PROMPT_TEXT_GENERATION] = {"输入", "{name}", "写出{name}。", "写出{name}，不要写别的。"},
};

static const struct task_words *words_of(const aglm_answer_source *s)
{
    return &(s->set->chinese ? CHINESE : ENGLISH)[s->shape->task];
}

static void put_named(aglm_str *out, const char *text, const char *name)
{
    const char *at = strstr(text, "{name}");

    if (!at) {
        aglm_str_puts(out, text);
        return;
    }
    aglm_str_append(out, text, (size_t)(at - text));
    aglm_str_puts(out, name);
    aglm_str_puts(out, at + strlen("{name}"));
}

static void put_instruction(aglm_str *out, const aglm_answer_params *p, const aglm_answer_source *s)
{
    const struct task_words *w = words_of(s);

    if (p->instruction == 3)
        aglm_str_puts(out, s->instruction ? s->instruction : "");
    if (p->instruction == 1 || p->instruction == 2)
        put_named(out, p->instruction == 1 ? w->brief : w->full, s->set->target_name);
    if (p->instruction == 2 && s->shape->json)
        aglm_str_puts(out, s->set->chinese ? "用JSON格式写。" : " Answer in JSON.");
}

/* ---- texts around fields and answers ---- */

/* The name of field f in a layout; NULL: it has none. */
static const char *word_before(const aglm_answer_params *p, const aglm_answer_source *s, size_t f)
{
    size_t n = s->set->n_fields;
    bool one_said = p->layout >= AGLM_LAYOUT_CHAT && n == 1;

    if (p->layout == AGLM_LAYOUT_ARROW || one_said)
        return NULL;
    if (p->layout == AGLM_LAYOUT_INPUT)
        return f > 0 ? NULL : s->set->chinese ? "输入" : "Input";
    if (p->layout == AGLM_LAYOUT_COLUMNS || (n > 2 && f + 1 < n))
        return s->set->names[f];
    return f + 1 == n ? words_of(s)->asked : s->set->chinese ? "文章" : "Context";
}

static void put_label(aglm_str *out, const aglm_answer_params *p, const aglm_answer_source *s,
                      size_t f)
{
    const char *word = word_before(p, s, f);

    if (f > 0)
        aglm_str_puts(out, p->layout >= AGLM_LAYOUT_CHAT ? "\n\n" : "\n");
    if (word)
        aglm_str_printf(out, "%s%s", word, s->set->chinese ? "：" : ": ");
}

static void put_after(aglm_str *out, const aglm_answer_params *p, const aglm_answer_source *s)
{
    const char *word = words_of(s)->answer;

    if (p->layout == AGLM_LAYOUT_ARROW) {
        aglm_str_puts(out, " =>");
        return;
    }
    if (p->layout == AGLM_LAYOUT_INPUT)
        word = s->set->chinese ? "输出" : "Output";
    if (p->layout == AGLM_LAYOUT_COLUMNS)
        word = "{name}";
    aglm_str_putc(out, '\n');
    put_named(out, word, s->set->target_name);
    aglm_str_puts(out, s->set->chinese ? "：" : ":");
}

static bool take(aglm_str *s, char **out)
{
    *out = aglm_str_take(s);
    aglm_str_clear(s);
    aglm_str_init(s, AGLM_ANSWERER_MAX_PROMPT);
    return *out != NULL;
}

static bool set_labels(aglm_answerer *a, const aglm_answer_params *p, const aglm_answer_source *s)
{
    bool ok = true;
    aglm_str t;

    aglm_str_init(&t, AGLM_ANSWERER_MAX_PROMPT);
    for (size_t f = 0; ok && f < a->n_fields; f++) {
        put_label(&t, p, s, f);
        ok = take(&t, &a->label[f]);
    }
    aglm_str_clear(&t);
    return ok;
}

static bool set_plain(aglm_answerer *a, const aglm_answer_params *p, const aglm_answer_source *s)
{
    bool arrow = p->layout == AGLM_LAYOUT_ARROW;
    aglm_str t;

    aglm_str_init(&t, AGLM_ANSWERER_MAX_PROMPT);
    put_instruction(&t, p, s);
    if (t.len)
        aglm_str_puts(&t, "\n\n");
    bool ok = take(&t, &a->head);
    put_after(&t, p, s);
    ok = ok && take(&t, &a->after) && (a->last = strdup(a->after));
    aglm_str_clear(&t);
    a->before = strdup("");
    a->gap = strdup(s->set->chinese && !arrow ? "" : " ");
    a->end = strdup(arrow && a->n_fields == 1 ? "\n" : "\n\n");
    return ok && a->before && a->gap && a->end;
}

/* ---- the model's own template of conversations, taken apart ---- */

static aglm_rc render(const aglm_jinja *chat, const aglm_lm_info *info, bool told, aglm_str *out,
                      aglm_error *err)
{
    const aglm_chat_message messages[] = {
        {"system", TOLD}, {"user", ASKED}, {"assistant", ANSWERED}, {"user", ASKED}};
    const aglm_chat_options options = {.add_generation_prompt = true,
                                       .bos_token = info->add_bos ? NULL : info->bos,
                                       .eos_token = info->eos};
    size_t skip = !told;

    aglm_str_reset(out);
    return aglm_chat_render(chat, messages + skip, COUNT(messages) - skip, &options, out, err);
}

/* The text from `from` up to `mark`, which *next stands behind; NULL: the mark is not there. */
static char *piece(const char *from, const char *mark, const char **next)
{
    const char *at = strstr(from, mark);

    *next = at ? at + strlen(mark) : NULL;
    return at ? aglm_strndup(from, (size_t)(at - from)) : NULL;
}

/* The head with the instruction in the system's place, or at its end where the template has none.
 */
static bool set_head(aglm_answerer *a, char *head, const char *instruction, bool told)
{
    aglm_str t;
    const char *rest = head;
    char *front = told ? piece(head, TOLD, &rest) : NULL;

    aglm_str_init(&t, AGLM_ANSWERER_MAX_PROMPT);
    aglm_str_puts(&t, front ? front : head);
    aglm_str_puts(&t, instruction);
    aglm_str_puts(&t, front ? rest : *instruction ? "\n\n" : "");
    free(front);
    bool ok = take(&t, &a->head);
    aglm_str_clear(&t);
    return ok;
}

static aglm_rc split(aglm_answerer *a, const char *text, const char *instruction, bool told,
                     aglm_error *err)
{
    const char *at = text;
    char *head = piece(at, ASKED, &at);

    a->after = at ? piece(at, ANSWERED, &at) : NULL;
    a->end = at ? piece(at, ASKED, &at) : NULL;
    a->last = at ? strdup(at) : NULL;
    a->gap = strdup("");
    bool ok = head && a->last && a->gap && set_head(a, head, instruction, told);
    free(head);
    return ok ? AGLM_OK
              : aglm_error_set(err, AGLM_UNSUPPORTED,
                               "the model's template does not show what is said to it");
}

static aglm_rc set_chat(aglm_answerer *a, const aglm_answer_params *p, const aglm_answer_source *s,
                        aglm_error *err)
{
    const aglm_lm_info *info = &s->lm->info;
    bool told = p->layout == AGLM_LAYOUT_CHAT && p->instruction > 0;
    aglm_jinja *chat = NULL;
    aglm_str text, instruction;

    aglm_str_init(&text, TEMPLATE_MAX);
    aglm_str_init(&instruction, AGLM_ANSWERER_MAX_PROMPT);
    put_instruction(&instruction, p, s);
    aglm_rc rc = aglm_jinja_new(&chat, info->template, strlen(info->template), err);
    if (rc == AGLM_OK && told && render(chat, info, true, &text, NULL) != AGLM_OK)
        told = false; /* no place for a system's words */
    if (rc == AGLM_OK && !told)
        rc = render(chat, info, false, &text, err);
    bool again = p->layout == AGLM_LAYOUT_ASK;
    if (rc == AGLM_OK)
        rc = split(a, text.data, again ? "" : instruction.data, told, err);
    if (again && instruction.len)
        aglm_str_puts(&instruction, "\n\n");
    if (rc == AGLM_OK && !(a->before = strdup(again ? instruction.data : "")))
        rc = aglm_error_set(err, AGLM_NOMEM, "no memory for a prompt");
    aglm_str_clear(&text);
    aglm_str_clear(&instruction);
    aglm_jinja_free(chat);
    return rc;
}

/* ---- where an answer ends ---- */

static bool add_stop(aglm_answerer *a, char *text)
{
    if (text)
        a->stop[a->n_stops++] = text;
    return text != NULL;
}

/* The next example, which a model that goes on would write. */
static char *next_example(const aglm_answerer *a)
{
    size_t n = strcspn(a->label[0], ":\xef"); /* a colon, or the first byte of a wide one */
    char *text = aglm_calloc(n + 2, 1);

    if (text) {
        text[0] = '\n';
        memcpy(text + 1, a->label[0], n);
    }
    return text;
}

static bool set_stops(aglm_answerer *a, const aglm_answer_params *p)
{
    bool ok = true;

    if (p->stop == AGLM_STOP_LINE)
        return add_stop(a, strdup("\n"));
    if (p->stop == AGLM_STOP_BLANK)
        ok = add_stop(a, strdup("\n\n"));
    if (ok && p->layout < AGLM_LAYOUT_CHAT && *a->label[0])
        ok = add_stop(a, next_example(a));
    return ok;
}

static uint64_t token_bound(const aglm_answer_shape *s, size_t which)
{
    uint64_t longest = s->longest_tokens + 2;

    return which == 0 ? s->most_tokens + 2 : which == 1 ? longest : 2 * longest + 16;
}

aglm_rc aglm_answer_form(aglm_answerer *a, const aglm_answer_params *p, const aglm_answer_source *s,
                         aglm_error *err)
{
    aglm_rc rc = AGLM_OK;

    a->max_chars = p->max_chars;
    a->near = p->near;
    a->shots = p->shots;
    a->alike = p->alike && p->shots > 0;
    a->max_tokens = token_bound(s->shape, p->tokens);
    if (!set_labels(a, p, s))
        rc = AGLM_NOMEM;
    else if (p->layout >= AGLM_LAYOUT_CHAT)
        rc = set_chat(a, p, s, err);
    else if (!set_plain(a, p, s))
        rc = AGLM_NOMEM;
    if (rc == AGLM_OK && !set_stops(a, p))
        rc = AGLM_NOMEM;
    return rc == AGLM_NOMEM ? aglm_error_set(err, rc, "no memory for a prompt") : rc;
}
