#include <string.h>
#include <strings.h>

#include "base/json.h"
#include "base/map.h"
#include "data/table_priv.h"

#define SAMPLE_ROWS 2000
#define MAX_NAME_BYTES 40

/* Names that columns of labelled texts usually have; one of these is enough. */
static const char *const strong[] = {
    "label",      "labels",     "text",    "texts",    "sentence", "category",
    "categories", "class",      "classes", "target",   "targets",  "content",
    "prompt",     "completion", "tokens",  "ner_tags", "messages", "sentiment",
    "标签",       "类别",       "分类",    "文本",     "内容",
};

/* These are words of their own, too: all columns must be named so. */
static const char *const weak[] = {
    "title",    "review", "reviews", "comment", "comments",    "message",  "tweet",
    "question", "answer", "answers", "section", "description", "intent",   "tag",
    "tags",     "topic",  "topics",  "body",    "headline",    "query",    "utterance",
    "id",       "index",  "input",   "output",  "document",    "summary",  "abstract",
    "subject",  "rating", "stars",   "score",   "emotion",     "language", "lang",
    "article",  "genre",  "type",    "sms",     "email",       "v1",       "v2",
    "x",        "y",      "name",    "context", "instruction", "response", "评论",
    "标题",     "句子",   "问题",    "正文",    "摘要",        "情感",
};

typedef struct column_look {
    size_t distinct, numbers;
    size_t bytes;      /* of all but the first row */
    bool first_recurs; /* the first row's cell stands in another row */
} column_look;

#define COUNT(list) (sizeof(list) / sizeof(list)[0])

static bool is_one_of(const char *s, const char *const *list, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (strcasecmp(s, list[i]) == 0)
            return true;
    return false;
}

static bool is_number(aglm_cell c)
{
    double v;

    return aglm_double_parse(c.text, c.len, &v);
}

/* Short, of few words, without what ends a sentence: could be a column's name. */
static bool is_name(aglm_cell c)
{
    size_t blanks = 0;

    if (!c.len || c.len > MAX_NAME_BYTES || is_number(c))
        return false;
    for (size_t i = 0; i < c.len; i++)
        blanks += c.text[i] == ' ';
    return blanks <= 2 && !strpbrk(c.text, ".,!?;\n\"");
}

static bool is_word(aglm_cell c)
{
    return is_name(c) && !strchr(c.text, ' ');
}

static aglm_rc look_at_column(const aglm_table *t, size_t col, size_t rows, column_look *out,
                              aglm_error *err)
{
    aglm_map *seen = aglm_map_new(SAMPLE_ROWS + 1, SIZE_MAX);
    aglm_cell first = aglm_table_cell(t, 0, col);
    uint32_t number;
    aglm_rc rc = seen ? AGLM_OK : aglm_error_set(err, AGLM_NOMEM, "header: out of memory");

    *out = (column_look){0};
    for (size_t i = 1; i < rows && !rc; i++) {
        aglm_cell c = aglm_table_cell(t, i, col);
        out->numbers += is_number(c);
        out->bytes += c.len;
        out->first_recurs |= c.len == first.len && memcmp(c.text, first.text, c.len) == 0;
        rc = aglm_map_intern(seen, c.text, c.len, &number, err);
    }
    out->distinct = rc ? 0 : aglm_map_size(seen);
    aglm_map_free(seen);
    return rc;
}

typedef struct verdict {
    size_t strong, weak, nameless; /* names */
    size_t over_numbers, over_labels, over_texts;
    bool veto;
} verdict;

static aglm_rc weigh_column(const aglm_table *t, size_t col, size_t rows, verdict *v,
                            aglm_error *err)
{
    aglm_cell first = aglm_table_cell(t, 0, col);
    const size_t others = rows - 1;
    column_look look;

    if (first.len == 0) { /* an index, or commas too many */
        v->nameless++;
        return AGLM_OK;
    }
    if (!is_name(first)) {
        v->veto = true;
        return AGLM_OK;
    }
    aglm_rc rc = look_at_column(t, col, rows, &look, err);
    if (rc)
        return rc;
    bool repeats = look.distinct * 2 <= others;
    v->veto |= look.first_recurs && (repeats || others < 20);
    v->strong += is_one_of(first.text, strong, COUNT(strong));
    v->weak += is_one_of(first.text, weak, COUNT(weak));
    v->over_numbers += others && look.numbers == others;
    v->over_labels += others >= 10 && repeats && !look.first_recurs;
    v->over_texts += others && !repeats && is_word(first) &&
                     look.bytes / others >= 2 * (size_t)first.len;
    return AGLM_OK;
}

static bool decide(const aglm_table *t, const verdict *v, const char **why)
{
    *why = "the first row looks like data";
    if (v->veto)
        return false;
    if (v->strong || (v->weak && v->weak + v->nameless == t->n_cols)) {
        *why = "the first row holds usual column names";
        return true;
    }
    if (v->over_numbers) {
        *why = "the first row names a column of numbers";
        return true;
    }
    if (v->over_labels && v->over_labels + v->over_texts == t->n_cols) {
        *why = "the first row is short and its values occur nowhere below";
        return true;
    }
    return false;
}

aglm_rc aglm_header_guess(const aglm_table *t, bool *header, const char **why, aglm_error *err)
{
    const size_t rows = t->n_rows < SAMPLE_ROWS ? t->n_rows : SAMPLE_ROWS;
    verdict v = {.veto = rows == 0};

    for (size_t i = 0; i < t->n_cols && !v.veto; i++) {
        aglm_rc rc = weigh_column(t, i, rows, &v, err);
        if (rc)
            return rc;
    }
    *header = decide(t, &v, why);
    return AGLM_OK;
}
