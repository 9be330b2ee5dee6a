/* Examples out of tables, and which of them are like a text. */
#include "lm/example_index.h"
#include "lm/example_set.h"
#include "unit.h"

typedef struct made {
    aglm_table *table;
    aglm_example_guess guess;
    aglm_example_form form;
    aglm_example_set *set;
    aglm_rc rc;
    aglm_error err;
} made;

static made make(const char *name, const char *data, const char *inputs, const char *output)
{
    made m = {0};

    if (aglm_table_parse(&m.table, name, data, strlen(data), NULL, &m.err))
        fail_msg("%s", m.err.msg);
    m.rc = aglm_example_task_detect(&m.guess, m.table, NULL, output, &m.err);
    if (m.rc == AGLM_OK)
        m.rc = aglm_example_form_make(&m.form, &m.guess, m.table, inputs, &m.err);
    if (m.rc == AGLM_OK)
        m.rc = aglm_example_set_new(&m.set, m.table, &m.form, &m.err);
    return m;
}

static void drop(made *m)
{
    aglm_example_set_free(m->set);
    aglm_str_clear(&m->guess.evidence);
    aglm_table_free(m->table);
}

static void a_passage_a_question_and_several_answers(void **state)
{
    made m = make("qa.jsonl",
                  "{\"id\":1,\"context\":\" The Nile flows north. \",\"question\":\"Where does it "
                  "flow?\",\"answers\":[\"north\",\"to the north\"]}\n"
                  "{\"id\":2,\"context\":\"Bees make honey.\",\"question\":\"What do bees make?\","
                  "\"answers\":[]}\n"
                  "{\"id\":3,\"context\":\"Rome is old.\",\"question\":\"What is old?\","
                  "\"answers\":[\"Rome\"]}\n",
                  NULL, NULL);

    (void)state;
    assert_int_equal(m.rc, AGLM_OK);
    assert_int_equal(m.set->n_fields, 2);
    assert_string_equal(m.set->names[0], "context");
    assert_string_equal(m.set->at[0].field[0], "The Nile flows north.");
    assert_string_equal(m.set->at[0].field[1], "Where does it flow?");
    assert_string_equal(m.set->at[0].answer, "north");
    assert_int_equal(m.set->at[0].n_refs, 2);
    assert_string_equal(m.set->at[0].refs[1], "to the north");
    assert_false(m.set->derived || m.set->chinese || m.set->multiline);
    drop(&m);
}

static void a_derivation_and_its_bare_answer(void **state)
{
    made m = make("sum.csv",
                  "question,answer,final\nWhat is 2 and 3?,2 + 3 = 5,5.0\n"
                  "What is 4 and 4?,4 + 4 = 8,8.0\nWhat is 1?,,1\n,2,2\n",
                  NULL, NULL);

    (void)state;
    assert_int_equal(m.rc, AGLM_OK);
    assert_true(m.set->derived);
    assert_string_equal(m.set->at[0].answer, "2 + 3 = 5");
    assert_string_equal(m.set->at[0].bare, "5");
    assert_int_equal(m.set->at[0].n_refs, 2);
    assert_string_equal(m.set->at[0].refs[1], "5.0");
    assert_string_equal(m.set->at[2].answer, "1");
    assert_int_equal(m.set->n, 3);
    assert_int_equal(m.set->skipped, 1);
    drop(&m);
}

static void a_list_of_names_is_one_answer(void **state)
{
    made m = make("names.jsonl",
                  "{\"text\":\"Ann met Bob.\",\"entities\":[\"Ann\",\"Bob\"]}\n"
                  "{\"text\":\"It rained.\",\"entities\":[]}\n",
                  NULL, NULL);

    (void)state;
    assert_int_equal(m.rc, AGLM_OK);
    assert_int_equal(m.guess.task, AGLM_PROMPT_EXTRACTION);
    assert_string_equal(m.set->at[0].answer, "[\"Ann\", \"Bob\"]");
    assert_int_equal(m.set->at[0].n_refs, 1);
    assert_string_equal(m.set->at[1].answer, "[]");
    drop(&m);
}

static void columns_by_name(void **state)
{
    static const char data[] = "{\"a\":\"one\",\"b\":\"two\",\"c\":\"three\"}\n"
                               "{\"a\":\"four\",\"b\":\"five\",\"c\":\"six\"}\n";
    made m = make("x.jsonl", data, "c,1", "b");

    (void)state;
    assert_int_equal(m.rc, AGLM_OK);
    assert_string_equal(m.set->names[0], "c");
    assert_string_equal(m.set->at[1].field[1], "four");
    assert_string_equal(m.set->at[1].answer, "five");
    drop(&m);
    m = make("x.jsonl", data, "a,nowhere", "b");
    assert_int_equal(m.rc, AGLM_INVALID);
    assert_non_null(strstr(m.err.msg, "no column \"nowhere\""));
    drop(&m);
    m = make("x.jsonl", data, "a,b", "b");
    assert_int_equal(m.rc, AGLM_INVALID);
    drop(&m);
}

static void rows_without_answers_are_no_examples(void **state)
{
    made m = make("x.csv", "question,answer\nWhat?,\nWho?,\n", NULL, NULL);

    (void)state;
    assert_int_equal(m.rc, AGLM_FORMAT);
    assert_non_null(strstr(m.err.msg, "x.csv: no row has both"));
    drop(&m);
}

static void the_most_alike_come_first(void **state)
{
    static const char *const texts[] = {"How many apples did Ann buy?",
                                        "Where is the river Nile?",
                                        "How many apples are left?",
                                        "房间很干净",
                                        "房间太吵了",
                                        ""};
    aglm_example_index *x = NULL;
    uint32_t found[8];
    size_t n = 0;

    (void)state;
    assert_int_equal(aglm_example_index_new(&x, texts, 6, NULL), AGLM_OK);
    for (uint32_t i = 0; i < 5; i++) { /* a text is most like itself, also when asked again */
        assert_int_equal(aglm_example_index_find(x, texts[i], 2, found, &n, NULL), AGLM_OK);
        assert_int_equal(n, 2);
        assert_int_equal(found[0], i);
    }
    assert_int_equal(aglm_example_index_find(x, "how many APPLES has Bob?", 2, found, &n, NULL),
                     AGLM_OK);
    assert_true((found[0] == 0 && found[1] == 2) || (found[0] == 2 && found[1] == 0));
    assert_int_equal(aglm_example_index_find(x, "这个房间干净吗", 1, found, &n, NULL), AGLM_OK);
    assert_int_equal(found[0], 3);
    assert_int_equal(aglm_example_index_find(x, "zzz", 8, found, &n, NULL), AGLM_OK);
    assert_int_equal(n, 6);
    for (uint32_t i = 0; i < 6; i++) /* nothing in common with any: their order */
        assert_int_equal(found[i], i);
    aglm_example_index_free(x);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_passage_a_question_and_several_answers),
        cmocka_unit_test(a_derivation_and_its_bare_answer),
        cmocka_unit_test(a_list_of_names_is_one_answer),
        cmocka_unit_test(columns_by_name),
        cmocka_unit_test(rows_without_answers_are_no_examples),
        cmocka_unit_test(the_most_alike_come_first),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
