#include <stdio.h>
#include <string.h>

#include "base/json.h"
#include "cli/book.h"
#include "cli/terminal.h"
#include "search/importance.h"

#define NAME_COLUMNS_MAX 40
#define BAR_COLUMNS_MAX 60

static void print_bar(const aglm_terminal *t, double share, size_t columns)
{
    size_t n = (size_t)(share * (double)columns + 0.5);

    fputs(aglm_terminal_style(t, 'g'), t->out);
    for (size_t i = 0; i < n; i++)
        fputc('#', t->out);
    fprintf(t->out, "%s\n", aglm_terminal_style(t, '0'));
}

static void print_table(const aglm_importance *items, size_t n)
{
    aglm_terminal t;
    size_t name = 9;

    aglm_terminal_init(&t, stdout);
    for (size_t i = 0; i < n; i++) {
        size_t width = strlen(items[i].name);
        name = width > name ? width : name;
    }
    name = name < NAME_COLUMNS_MAX ? name : NAME_COLUMNS_MAX;
    size_t columns = aglm_terminal_columns(&t);
    size_t bar = columns > name + 12 ? columns - name - 12 : 0;
    for (size_t i = 0; i < n; i++) {
        aglm_terminal_cell(stdout, items[i].name, name, false);
        printf("  %6.4f  ", items[i].share);
        print_bar(&t, items[i].share / items[0].share,
                  bar < BAR_COLUMNS_MAX ? bar : BAR_COLUMNS_MAX);
    }
}

static void print_json(const char *evaluator, const aglm_importance *items, size_t n)
{
    aglm_json_writer w;
    aglm_str s;

    aglm_str_init(&s, 1u << 24);
    aglm_json_writer_init(&w, &s);
    aglm_json_open_object(&w);
    aglm_json_member_text(&w, "evaluator", evaluator);
    aglm_json_key(&w, "importance");
    aglm_json_open_object(&w);
    for (size_t i = 0; i < n; i++)
        aglm_json_member_double(&w, items[i].name, items[i].share);
    aglm_json_close_object(&w);
    aglm_json_close_object(&w);
    aglm_book_flush(&s);
}

aglm_rc aglm_study_print_importance(aglm_book *b, const aglm_args *a, aglm_error *err)
{
    const aglm_importance_ops *ops = aglm_importance_find(
        aglm_args_text(a, "evaluator", "ped-anova"));
    aglm_importance_source source = {.space = b->space, .trials = b->trials, .n = b->n_trials};
    aglm_importance *items = aglm_arena_array(&b->arena, b->space->n, sizeof *items);
    size_t n;

    if (!items)
        return aglm_error_set(err, AGLM_NOMEM, "out of memory for the importance of parameters");
    aglm_rc rc = aglm_importance_rank(ops, &source, items, &n, err);
    if (rc != AGLM_OK)
        return rc;
    if (n == 0)
        return aglm_error_set(err, AGLM_NOTFOUND,
                              "study \"%.100s\" has no two complete trials with finite values yet",
                              b->study->name);
    if (aglm_args_flag(a, "json"))
        print_json(ops->name, items, n);
    else
        print_table(items, n);
    return AGLM_OK;
}
