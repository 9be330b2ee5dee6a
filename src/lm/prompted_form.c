/* How a prompt can look: layouts, instructions, words for labels, and the search space over them.
 */
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/memory.h"
#include "base/rng.h"
#include "base/utf8.h"
#include "lm/prompted_priv.h"

#define COUNT(list) (sizeof(list) / sizeof *(list))

static const char *const LAYOUTS[] = {"plain",    "input", "text",  "review",
                                      "question", "arrow", "about", "overall"};
static const aglm_prompt_layout ENGLISH[] = {
    {"", "\nLabel:", " ", "\n\n"},
    {"Input: ", "\nOutput:", " ", "\n\n"},
    {"Text: ", "\nCategory:", " ", "\n\n"},
    {"Review: ", "\nSentiment:", " ", "\n\n"},
    {"Question: ", "\nType of answer:", " ", "\n\n"},
    {"", " =>", " ", "\n"},
    {"", " This is about", " ", ".\n\n"},
    {"", " Overall, it was", " ", ".\n\n"},
};
static const aglm_prompt_layout CHINESE[] = {
    {"", "\n标签：", "", "\n\n"},
    {"输入：", "\n输出：", "", "\n\n"},
    {"文本：", "\n类别：", "", "\n\n"},
    {"评论：", "\n情感：", "", "\n\n"},
    {"问题：", "\n答案的类型：", "", "\n\n"},
    {"", " =>", " ", "\n"},
    {"", "这是关于", "", "的。\n\n"},
    {"", "总的来说，这是", "", "的。\n\n"},
};
static const char *const INSTRUCTIONS[] = {"none", "brief", "list"};
static const char *const WORDS[] = {"as-is", "spoken", "letters"};
static const char *const SHOTS[] = {"0", "2", "4", "8", "12", "16"};
static const size_t N_SHOTS[] = {0, 2, 4, 8, 12, 16};
static const char *const BIASES[] = {"none", "16", "48"};
static const size_t N_BIASES[] = {0, 16, 48};
static const char *const CHARS[] = {"75", "150", "300", "600", "1500"};
static const size_t N_CHARS[] = {75, 150, 300, 600, 1500};
static const char *const LENGTHS[] = {"sum", "mean"};

/* Names that data sets use for labels, and what people say. */
static const struct {
    const char *label, *english, *chinese;
} SPOKEN[] = {
    {"pos", "positive", "好评"},
    {"neg", "negative", "差评"},
    {"neu", "neutral", "中性"},
    {"positive", "positive", "好评"},
    {"negative", "negative", "差评"},
    {"neutral", "neutral", "中性"},
    {"abbr", "abbreviation", "缩写"},
    {"desc", "description", "描述"},
    {"enty", "entity", "事物"},
    {"hum", "person", "人物"},
    {"loc", "location", "地点"},
    {"num", "number", "数字"},
    {"per", "person", "人物"},
    {"org", "organization", "机构"},
    {"misc", "other", "其他"},
    {"ham", "normal", "正常"},
    {"spam", "spam", "垃圾"},
    {"sci/tech", "technology", "科技"},
    {"obj", "objective", "客观"},
    {"subj", "subjective", "主观"},
    {"ent", "entertainment", "娱乐"},
    {"pol", "politics", "政治"},
    {"biz", "business", "商业"},
    {"tech", "technology", "科技"},
    {"yes", "yes", "是"},
    {"no", "no", "否"},
    {"true", "true", "真"},
    {"false", "false", "假"},
};

static aglm_hparam choice(const char *name, const char *const *choices, size_t n, double start)
{
    return (aglm_hparam){.name = name,
                         .kind = AGLM_HPARAM_CHOICE,
                         .choices = choices,
                         .n_choices = n,
                         .start = start};
}

size_t aglm_prompted_space(const aglm_data_shape *shape, aglm_hparam *out)
{
    if (!shape->language_model || shape->tabular || shape->regression || shape->multi_label ||
        shape->labels > 60)
        return 0;
    out[AGLM_PROMPTED_LAYOUT] = choice("layout", LAYOUTS, COUNT(LAYOUTS), 2);
    out[AGLM_PROMPTED_INSTRUCTION] = choice("instruction", INSTRUCTIONS, COUNT(INSTRUCTIONS), 2);
    out[AGLM_PROMPTED_WORDS] = choice("words", WORDS, COUNT(WORDS), AGLM_WORDS_SPOKEN);
    out[AGLM_PROMPTED_SHOTS] = choice("shots", SHOTS, COUNT(SHOTS), 3);
    out[AGLM_PROMPTED_DRAW] = (aglm_hparam){.name = "draw",
                                            .kind = AGLM_HPARAM_INT,
                                            .low = 0,
                                            .high = 15,
                                            .step = 1,
                                            .when = "shots",
                                            .when_choices = 0x3e};
    out[AGLM_PROMPTED_BIAS] = choice("bias", BIASES, COUNT(BIASES), 1);
    /* A Chinese character says about as much as half a word, and costs as many tokens. */
    out[AGLM_PROMPTED_CHARS] = choice("chars", CHARS,
                                      shape->mean_chars > 300   ? 5
                                      : shape->mean_chars > 150 ? 4
                                                                : 3,
                                      shape->share_cjk > 0.2 ? 0 : 2);
    out[AGLM_PROMPTED_LENGTH] = choice("length", LENGTHS, COUNT(LENGTHS), 0);
    return AGLM_PROMPTED_N;
}

aglm_prompted_params aglm_prompted_read(const double *v)
{
    return (aglm_prompted_params){
        .layout = (size_t)v[AGLM_PROMPTED_LAYOUT],
        .instruction = (size_t)v[AGLM_PROMPTED_INSTRUCTION],
        .words = (aglm_label_words)v[AGLM_PROMPTED_WORDS],
        .shots = N_SHOTS[(size_t)v[AGLM_PROMPTED_SHOTS]],
        .draw = v[AGLM_PROMPTED_DRAW] > 0 ? (uint64_t)v[AGLM_PROMPTED_DRAW] : 0,
        .bias_docs = N_BIASES[(size_t)v[AGLM_PROMPTED_BIAS]],
        .max_chars = N_CHARS[(size_t)v[AGLM_PROMPTED_CHARS]],
        .mean = v[AGLM_PROMPTED_LENGTH] > 0.5,
    };
}

static const char *spoken(const char *label, bool chinese)
{
    for (size_t i = 0; i < COUNT(SPOKEN); i++)
        if (strcasecmp(SPOKEN[i].label, label) == 0)
            return chinese ? SPOKEN[i].chinese : SPOKEN[i].english;
    return NULL;
}

void aglm_prompted_words(aglm_label_words kind, const char *label, size_t number, bool chinese,
                         char *out)
{
    const char *known = kind == AGLM_WORDS_SPOKEN ? spoken(label, chinese) : NULL;

    if (kind == AGLM_WORDS_LETTERS && number < 26) {
        snprintf(out, AGLM_PROMPTED_MAX_WORDS, "%c", (char)('A' + number));
        return;
    }
    snprintf(out, AGLM_PROMPTED_MAX_WORDS, "%s", known ? known : label);
    for (char *c = out; kind == AGLM_WORDS_SPOKEN && *c; c++)
        *c = *c == '_' || *c == '-' ? ' ' : (char)tolower((unsigned char)*c);
}

/* ---- the prompt ---- */

/* At most max code points, blanks for line ends. */
static void put_text(aglm_str *out, const char *text, size_t len, size_t max)
{
    uint32_t cp;

    for (size_t at = 0, n = 0; at < len && n < max; n++) {
        size_t step = aglm_utf8_decode(text + at, len - at, &cp);
        if (cp < 0x20)
            aglm_str_putc(out, ' ');
        else
            aglm_str_append(out, text + at, step);
        at += step;
    }
}

void aglm_prompted_item(const aglm_prompted_model *m, const char *text, size_t len, aglm_str *out)
{
    aglm_str_puts(out, m->before);
    put_text(out, text, len, m->max_chars);
    aglm_str_puts(out, m->after);
}

static void put_instruction(aglm_str *out, const aglm_prompted_params *p, const aglm_dataset *d,
                            const aglm_prompted_model *m, bool chinese)
{
    bool letters = p->words == AGLM_WORDS_LETTERS;

    if (p->instruction == 0 && !letters)
        return;
    aglm_str_puts(out, chinese ? "判断每段文本的类别" : "Label each text");
    for (size_t i = 0; (p->instruction == 2 || letters) && i < m->base.n_labels; i++) {
        const char *word = m->words[i] + strspn(m->words[i], " ");
        aglm_str_puts(out, i == 0    ? (chinese ? "，类别有：" : " as one of: ")
                           : chinese ? "、"
                                     : ", ");
        if (letters) {
            char full[AGLM_PROMPTED_MAX_WORDS];
            aglm_prompted_words(AGLM_WORDS_SPOKEN, aglm_dataset_label(d, i), i, chinese, full);
            aglm_str_printf(out, "%s (%s)", word, full);
        } else {
            aglm_str_puts(out, word);
        }
    }
    aglm_str_puts(out, chinese ? "。\n\n" : ".\n\n");
}

/* The next row of this label in the order drawn, or n. */
static size_t next_of(const aglm_dataset *d, const uint32_t *order, size_t n, const uint8_t *taken,
                      uint32_t label)
{
    for (size_t i = 0; i < n; i++)
        if (!taken[i] && aglm_dataset_doc(d, order[i]).labels[0] == label)
            return i;
    return n;
}

struct draw {
    uint32_t *order; /* rows in the order drawn */
    uint8_t *taken;  /* [n] */
    size_t *shots;   /* indices into order */
    size_t n_shots;
};

/* One of each label in turn, so that few examples show every label; then shuffled, so that the last
 * ones are not always the same label's. */
static void draw_shots(struct draw *w, const aglm_dataset *d, size_t n, size_t wanted,
                       size_t n_labels, aglm_rng *rng)
{
    size_t idle = 0;

    for (size_t label = aglm_rng_below(rng, n_labels); w->n_shots < wanted && idle < n_labels;
         label = (label + 1) % n_labels) {
        size_t i = next_of(d, w->order, n, w->taken, (uint32_t)label);
        idle = i < n ? 0 : idle + 1;
        if (i == n)
            continue;
        w->taken[i] = 1;
        w->shots[w->n_shots++] = i;
    }
    for (size_t i = w->n_shots; i > 1; i--) {
        size_t k = aglm_rng_below(rng, i), swap = w->shots[i - 1];
        w->shots[i - 1] = w->shots[k];
        w->shots[k] = swap;
    }
}

static void put_shots(aglm_str *out, const struct draw *w, const aglm_prompted_model *m,
                      const aglm_dataset *d, const aglm_prompt_layout *l)
{
    for (size_t i = 0; i < w->n_shots; i++) {
        aglm_doc doc = aglm_dataset_doc(d, w->order[w->shots[i]]);
        aglm_str_puts(out, l->before);
        put_text(out, doc.text, doc.len, m->max_chars);
        aglm_str_puts(out, l->after);
        aglm_str_puts(out, m->words[doc.labels[0]]);
        aglm_str_puts(out, l->end);
    }
}

/* What stands before every text is of the prefix: read once. But for its last blank, which is of
 * the first word's token. */
static aglm_rc end_prefix(aglm_str *out, aglm_prompted_model *m, const aglm_prompt_layout *l,
                          aglm_error *err)
{
    size_t n = strlen(l->before);

    n -= n > 0 && l->before[n - 1] == ' ';
    aglm_str_append(out, l->before, n);
    m->before = strdup(l->before + n);
    if (out->rc == AGLM_LIMIT)
        return aglm_error_set(err, AGLM_LIMIT, "the examples of a prompt take more than %d bytes",
                              AGLM_PROMPTED_MAX_PREFIX);
    m->prefix = aglm_str_take(out);
    return m->before && m->prefix ? AGLM_OK
                                  : aglm_error_set(err, AGLM_NOMEM, "no memory for a prompt");
}

static bool is_chinese(const aglm_dataset *d, const uint32_t *rows, size_t n)
{
    size_t cjk = 0, all = 0;
    uint32_t cp;

    for (size_t i = 0; i < n && i < 50; i++) {
        aglm_doc doc = aglm_dataset_doc(d, rows[i]);
        for (size_t at = 0; at < doc.len && at < 500; all++) {
            at += aglm_utf8_decode(doc.text + at, doc.len - at, &cp);
            cjk += aglm_cp_is_cjk(cp);
        }
    }
    return 5 * cjk > all;
}

static aglm_rc set_words(aglm_prompted_model *m, const aglm_prompted_params *p,
                         const aglm_dataset *d, const aglm_prompt_layout *l, bool chinese,
                         aglm_error *err)
{
    char words[AGLM_PROMPTED_MAX_WORDS], whole[AGLM_PROMPTED_MAX_WORDS + 8];

    m->after = strdup(l->after);
    bool ok = m->after != NULL;
    for (size_t i = 0; ok && i < m->base.n_labels; i++) {
        aglm_prompted_words(p->words, aglm_dataset_label(d, i), i, chinese, words);
        snprintf(whole, sizeof whole, "%s%s", l->answer_before, *words ? words : "none");
        m->words[i] = strdup(whole);
        ok = m->words[i] != NULL;
    }
    return ok ? AGLM_OK : aglm_error_set(err, AGLM_NOMEM, "no memory for a prompt");
}

aglm_rc aglm_prompted_compose(aglm_prompted_model *m, const aglm_prompted_params *p,
                              const aglm_prompted_rows *rows, uint8_t *used, aglm_error *err)
{
    const aglm_dataset *d = rows->data;
    size_t n = rows->n;

    bool chinese = is_chinese(d, rows->at, n);
    const aglm_prompt_layout *l = &(chinese ? CHINESE : ENGLISH)[p->layout];
    struct draw w = {aglm_calloc(n + 1, sizeof *w.order), aglm_calloc(n + 1, 1),
                     aglm_calloc(p->shots + 1, sizeof *w.shots), 0};
    aglm_rng rng;
    aglm_str out;

    m->max_chars = p->max_chars;
    m->mean = p->mean;
    aglm_str_init(&out, AGLM_PROMPTED_MAX_PREFIX);
    aglm_rc rc = set_words(m, p, d, l, chinese, err);
    if (rc == AGLM_OK && !(w.order && w.taken && w.shots))
        rc = aglm_error_set(err, AGLM_NOMEM, "no memory for the examples of a prompt");
    if (rc == AGLM_OK) {
        aglm_rng_init_stream(&rng, 0,
                             p->draw); /* of the draw alone: it means the same in every trial */
        memcpy(w.order, rows->at, n * sizeof *w.order);
        aglm_rng_shuffle(&rng, w.order, n);
        draw_shots(&w, d, n, p->shots, m->base.n_labels, &rng);
        put_instruction(&out, p, d, m, chinese);
        put_shots(&out, &w, m, d, l);
        for (size_t i = 0; i < n; i++)
            for (size_t k = 0; used && w.taken[i] && k < n; k++)
                used[k] |= rows->at[k] == w.order[i];
        rc = end_prefix(&out, m, l, err);
    }
    aglm_str_clear(&out);
    free(w.order);
    free(w.taken);
    free(w.shots);
    return rc;
}
