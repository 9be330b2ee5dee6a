#include "unit.h"

#include "base/str.h"
#include "lm/example_task.h"

typedef struct outcome {
    aglm_rc rc;
    aglm_example_guess guess;
    aglm_error err;
    aglm_table *table;
} outcome;

static outcome detect(const char *name, const char *data, const char *input, const char *output)
{
    outcome o = {0};

    if (aglm_table_parse(&o.table, name, data, strlen(data), NULL, &o.err))
        fail_msg("%s", o.err.msg);
    o.rc = aglm_example_task_detect(&o.guess, o.table, input, output, &o.err);
    return o;
}

static void drop(outcome *o)
{
    aglm_str_clear(&o->guess.evidence);
    aglm_table_free(o->table);
}

static void assert_task(const char *name, const char *data, aglm_prompt_task task)
{
    outcome o = detect(name, data, NULL, NULL);

    if (o.rc)
        fail_msg("%s", o.err.msg);
    if (o.guess.task != task)
        print_error("%s", o.guess.evidence.data);
    assert_string_equal(aglm_prompt_task_name(o.guess.task), aglm_prompt_task_name(task));
    assert_true(o.guess.confidence > 0 && o.guess.confidence <= 1);
    assert_true(o.guess.evidence.len > 0);
    drop(&o);
}

static void a_passage_and_a_question(void **state)
{
    static const char data[] =
        "{\"id\":1,\"context\":\"The Nile flows north to the sea.\",\"question\":\"Where does it "
        "flow?\",\"answers\":[\"north\"]}\n"
        "{\"id\":2,\"context\":\"Bees make honey in hives.\",\"question\":\"What do bees "
        "make?\",\"answers\":[\"honey\"]}\n"
        "{\"id\":3,\"context\":\"Rome was founded in 753 BC.\",\"question\":\"When was Rome "
        "founded?\",\"answers\":[\"753 BC\"]}\n";
    outcome o = detect("x.jsonl", data, NULL, NULL);

    assert_int_equal(o.rc, AGLM_OK);
    assert_int_equal(o.guess.task, AGLM_PROMPT_QUESTION_ANSWERING);
    assert_int_equal(o.guess.columns.context, 1);
    assert_int_equal(o.guess.columns.input, 2);
    assert_int_equal(o.guess.columns.output, 3);
    assert_int_equal(o.guess.columns.instruction, -1);
    drop(&o);
}

static void numbers_that_answer_numbers(void **state)
{
    static const char data[] =
        "{\"question\":\"Ann has 3 pens and buys 4. How many has she?\",\"answer\":\"3 + 4 = "
        "7\\n#### 7\",\"final\":\"7\"}\n"
        "{\"question\":\"Bob had 9 and gave 2 away. How many are left?\",\"answer\":\"9 - 2 = "
        "7\\n#### 7\",\"final\":\"7\"}\n";
    outcome o = detect("x.jsonl", data, NULL, NULL);

    assert_int_equal(o.guess.task, AGLM_PROMPT_ARITHMETIC);
    assert_int_equal(o.guess.columns.output, 1);
    assert_int_equal(o.guess.columns.final, 2);
    assert_string_equal(o.guess.answer_mark, "####");
    drop(&o);
    assert_task("x.tsv", "input\toutput\n12 + 5\t17\n8 * 9\t72\n100 - 1\t99\n",
                AGLM_PROMPT_ARITHMETIC);
}

static void answers_in_another_script(void **state)
{
    assert_task("x.tsv",
                "source\ttarget\nThe cat sleeps.\t猫在睡觉。\nI like tea.\t我喜欢茶。\n"
                "Where is the station?\t车站在哪里？\n",
                AGLM_PROMPT_TRANSLATION);
}

static void answers_in_json(void **state)
{
    assert_task(
        "x.jsonl",
        "{\"input\":\"Tim lives in Rome.\",\"output\":{\"person\":\"Tim\",\"city\":\"Rome\"}}\n"
        "{\"input\":\"Eva moved to Bonn.\",\"output\":{\"person\":\"Eva\",\"city\":\"Bonn\"}}\n",
        AGLM_PROMPT_EXTRACTION);
    assert_task("x.tsv", "text\tlabels\nTim lives in Rome\tB-PER O O B-LOC\nEva sings\tB-PER O\n",
                AGLM_PROMPT_EXTRACTION);
}

static void answers_that_recur(void **state)
{
    aglm_str s;

    aglm_str_init(&s, 1 << 16);
    aglm_str_puts(&s, "prompt\tcompletion\n");
    for (int i = 0; i < 30; i++)
        aglm_str_printf(&s, "the film number %d was so-so\t%s\n", i, i % 3 ? "good" : "bad");
    assert_task("x.tsv", s.data, AGLM_PROMPT_CLASSIFICATION);
    aglm_str_clear(&s);
}

static void shorter_and_as_long(void **state)
{
    static const char *const story =
        "the council met on monday and after a long debate about money it decided to close the old "
        "bridge for repairs which will last half a year and cost two million while buses go round "
        "through the village, said the mayor of the town to the press on the same evening";
    aglm_str s;

    aglm_str_init(&s, 1 << 16);
    aglm_str_puts(&s, "article\ttarget\n");
    for (int i = 0; i < 4; i++)
        aglm_str_printf(&s, "%d %s\tthe old bridge will close for repairs half %d year\n", i, story,
                        i);
    assert_task("x.tsv", s.data, AGLM_PROMPT_SUMMARIZATION);
    aglm_str_clear(&s);
    assert_task("x.tsv",
                "input\toutput\nhe go to school every day\the goes to school every day\n"
                "she like red apples most\tshe likes red apples most\n",
                AGLM_PROMPT_REWRITING);
}

static void lines_of_code(void **state)
{
    assert_task(
        "x.jsonl",
        "{\"prompt\":\"Add two numbers\",\"completion\":\"def add(a, b):\\n    return a + "
        "b\\nprint(add(1, 2))\"}\n"
        "{\"prompt\":\"Greet\",\"completion\":\"def greet():\\n    return 1\\nprint(greet())\"}\n",
        AGLM_PROMPT_CODE);
}

static void instructions_of_many_kinds(void **state)
{
    static const char data[] =
        "{\"instruction\":\"Write a poem about rain.\",\"input\":\"\",\"output\":\"Rain falls "
        "softly on the hills.\"}\n"
        "{\"instruction\":\"Continue the story.\",\"input\":\"It was night and\",\"output\":\"the "
        "moon had gone.\"}\n";
    outcome o = detect("x.jsonl", data, NULL, NULL);

    assert_int_equal(o.guess.task, AGLM_PROMPT_TEXT_GENERATION);
    assert_int_equal(o.guess.columns.instruction, 0);
    assert_int_equal(o.guess.columns.input, 1);
    drop(&o);
}

static void conversations(void **state)
{
    static const char several[] =
        "{\"messages\":[{\"role\":\"user\",\"content\":\"hi\"},{\"role\":\"assistant\",\"content\":"
        "\"hello\"},{\"role\":\"user\",\"content\":\"I feel lonely\"},{\"role\":\"assistant\","
        "\"content\":\"Tell me more.\"}]}\n";
    static const char single[] =
        "{\"conversations\":[{\"from\":\"human\",\"value\":\"Translate to French: I am here.\"},"
        "{\"from\":\"gpt\",\"value\":\"Je suis ici.\"}]}\n";

    assert_task("x.jsonl", several, AGLM_PROMPT_CHAT);
    assert_task("x.jsonl", single, AGLM_PROMPT_TRANSLATION);
    assert_task("x.jsonl", "{\"messages\":\"[1, 2\"}\n{\"messages\":7}\n",
                AGLM_PROMPT_TEXT_GENERATION);
}

static void columns_are_as_told(void **state)
{
    static const char data[] = "q,junk,a\nWhat is it?,1,a stone\nWho is it?,2,a man\n";
    outcome o = detect("x.csv", data, "q", "3");

    assert_int_equal(o.rc, AGLM_OK);
    assert_int_equal(o.guess.columns.input, 0);
    assert_int_equal(o.guess.columns.output, 2);
    drop(&o);
    o = detect("x.csv", data, "nope", NULL);
    assert_int_equal(o.rc, AGLM_INVALID);
    assert_non_null(strstr(o.err.msg, "no column \"nope\" (--text COL)"));
    drop(&o);
    o = detect("x.csv", data, "q", "q");
    assert_int_equal(o.rc, AGLM_INVALID);
    drop(&o);
}

static void one_column_is_not_enough(void **state)
{
    outcome o = detect("x.jsonl", "{\"text\":\"a\"}\n{\"text\":\"b\"}\n", NULL, NULL);

    assert_int_equal(o.rc, AGLM_INVALID);
    assert_non_null(strstr(o.err.msg, "--label COL"));
    drop(&o);
}

/* Sets of others, where they are. */
static void tasks_of_known_sets(void **state)
{
    static const struct {
        const char *file;
        aglm_prompt_task task;
        const char *input, *output;
    } sets[] = {
        {"gsm8k/dev.jsonl", AGLM_PROMPT_ARITHMETIC, "question", "answer"},
        {"svamp/dev.jsonl", AGLM_PROMPT_ARITHMETIC, "question", "final"},
        {"cmrc2018_trial/dev.jsonl", AGLM_PROMPT_QUESTION_ANSWERING, "question", "answers"},
        {"cluener/dev.conll", AGLM_PROMPT_EXTRACTION, "token", "tag"},
        {"wikigold/dev.conll", AGLM_PROMPT_EXTRACTION, "token", "tag"},
        {"weibo_ner/dev.conll", AGLM_PROMPT_EXTRACTION, "token", "tag"},
    };
    const char *shared = getenv("AGLM_SHARED");
    char path[4096];
    size_t looked = 0;

    for (size_t i = 0; i < sizeof sets / sizeof sets[0]; i++) {
        outcome o = {0};
        snprintf(path, sizeof path, "%s%s/data/%s", shared ? shared : getenv("AGLM_SOURCE_ROOT"),
                 shared ? "" : "/../shared", sets[i].file);
        FILE *f = fopen(path, "rb");
        if (!f)
            continue;
        fclose(f);
        looked++;
        if (aglm_table_read(&o.table, path, NULL, &o.err) ||
            aglm_example_task_detect(&o.guess, o.table, NULL, NULL, &o.err))
            fail_msg("%s", o.err.msg);
        if (o.guess.task != sets[i].task)
            print_error("%s: %s", path, o.guess.evidence.data);
        assert_int_equal(o.guess.task, sets[i].task);
        assert_int_equal(o.guess.columns.input, aglm_table_find_col(o.table, sets[i].input));
        assert_int_equal(o.guess.columns.output, aglm_table_find_col(o.table, sets[i].output));
        drop(&o);
    }
    if (!looked) {
        print_message("no sets here (AGLM_SHARED or ../shared)\n");
        skip();
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_passage_and_a_question),
        cmocka_unit_test(numbers_that_answer_numbers),
        cmocka_unit_test(answers_in_another_script),
        cmocka_unit_test(answers_in_json),
        cmocka_unit_test(answers_that_recur),
        cmocka_unit_test(shorter_and_as_long),
        cmocka_unit_test(lines_of_code),
        cmocka_unit_test(instructions_of_many_kinds),
        cmocka_unit_test(conversations),
        cmocka_unit_test(columns_are_as_told),
        cmocka_unit_test(one_column_is_not_enough),
        cmocka_unit_test(tasks_of_known_sets),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
