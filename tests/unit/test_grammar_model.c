/* Grammars made of JSON Schemas, on real llama.cpp: it takes them, and what a model says under them
 * is valid for net/json_schema.h, which knows nothing of grammars. The tiny models draw nearly at
 * random, so that each of many seeds goes another way through the rules.
 * Without the program autoglm-llama (AGLM_LLAMA) there is nothing to test. */
#include "base/file.h"
#include "glm_model.h"
#include "lm/grammar.h"
#include "lm/runtime.h"
#include "unit.h"

#define MAX_FILE ((size_t)64 << 20)
#define SEEDS 12

static char folder[] = "/tmp/aglm_grammar_XXXXXX";
static aglm_lm *model;

static int open_model(void **state)
{
    char path[64];
    aglm_str s;

    if (!mkdtemp(folder))
        return -1;
    snprintf(path, sizeof path, "%s/glm.gguf", folder);
    aglm_str_init(&s, MAX_FILE);
    glm_model_make(GLM_GLM4, 7, NULL, &s);
    aglm_rc rc = aglm_file_write(path, s.data, s.len, NULL);
    aglm_str_clear(&s);
    if (rc == AGLM_OK)
        rc = aglm_lm_open_file(&model, path, 1, NULL);
    return rc == AGLM_OK ? 0 : -1;
}

static int close_model(void **state)
{
    aglm_lm_close(model);
    return aglm_dir_remove(folder, NULL) == AGLM_OK ? 0 : -1;
}

static aglm_rc say(const char *grammar, uint64_t seed, aglm_lm_answer *a, aglm_error *err)
{
    aglm_decoding d;

    aglm_decoding_init(&d);
    d.temperature = seed ? 3 : 0;
    d.max_tokens = 400;
    d.seed = seed;
    return aglm_lm_generate(
        model, &(aglm_lm_request){.prompt = "the", .decoding = &d, .grammar = grammar}, a, err);
}

static void assert_valid(const aglm_json_schema *schema, const aglm_str *text)
{
    aglm_error err = {0};
    aglm_json_doc *doc;
    aglm_str why;
    bool valid;

    aglm_str_init(&why, 1 << 16);
    if (aglm_json_parse(&doc, text->data, text->len, NULL, &err) != AGLM_OK)
        fail_msg("%s: %s", text->data, err.msg);
    if (aglm_json_schema_check(schema, aglm_json_root(doc), &valid, &why, &err) != AGLM_OK)
        fail_msg("%s", err.msg);
    if (!valid)
        fail_msg("%s: %s", text->data, why.data);
    aglm_json_free(doc);
    aglm_str_clear(&why);
}

/* Answers that ended by themselves. */
static int speak(const aglm_json_schema *schema, const char *grammar)
{
    int ended = 0;

    for (uint64_t seed = 0; seed < SEEDS; seed++) {
        aglm_error err = {0};
        aglm_lm_answer a;
        aglm_lm_answer_init(&a);
        if (say(grammar, seed, &a, &err) != AGLM_OK)
            fail_msg("%s\n%s", err.msg, grammar);
        if (a.reason == AGLM_LM_STOP) {
            assert_valid(schema, &a.text);
            ended++;
        }
        aglm_lm_answer_clear(&a);
    }
    return ended;
}

static void answers_are_valid(void **state)
{
    static const char *const SCHEMAS[] = {
        "{\"type\":\"boolean\"}",
        "{\"enum\":[\"人\",\"a\\\"b\",\"tab\\t\",\"[x]-\\\\\",1,2.5,-1e30,null,true,{\"a\":[1]}]}",
        "{\"const\":{\"\\u0001\":\"line\\nline\"}}",
        "{\"type\":\"string\",\"maxLength\":6}",
        "{\"type\":\"string\",\"minLength\":3,\"maxLength\":3}",
        "{\"type\":\"string\",\"minLength\":300,\"maxLength\":300}",
        "{\"type\":\"integer\",\"minimum\":-3,\"maximum\":12}",
        "{\"type\":\"integer\",\"minimum\":-31415,\"exclusiveMaximum\":2718281}",
        "{\"type\":\"number\",\"minimum\":0,\"maximum\":1}",
        "{\"type\":\"number\",\"exclusiveMinimum\":-2.5,\"maximum\":12.75}",
        "{\"type\":\"integer\",\"minimum\":1}",
        "{\"minimum\":0,\"maxLength\":3,\"maxItems\":1}",
        "{\"type\":\"string\",\"enum\":[1,\"ab\",\"c\"],\"minLength\":2}",
        "{\"type\":\"object\",\"additionalProperties\":{\"type\":\"boolean\"}}",
        "{\"type\":\"object\",\"additionalProperties\":false}",
        "{\"properties\":{\"never\":false,\"a\":{\"enum\":[1]}},\"required\":[\"a\"]}",
        "{\"type\":\"integer\"}",
        "{\"type\":\"number\"}",
        "{\"type\":[\"integer\",\"null\"],\"minimum\":1,\"maximum\":3}",
        "{\"type\":\"array\",\"items\":{\"type\":\"boolean\"},\"minItems\":2,\"maxItems\":4}",
        "{\"type\":\"array\",\"items\":{\"type\":\"null\"},\"maxItems\":0}",
        "{\"type\":\"array\",\"items\":{\"type\":\"integer\"},\"maxItems\":2}",
        ("{\"type\":\"object\",\"properties\":{\"a\":{\"type\":\"boolean\"},\"人工\":{\"type\":"
         "\"string\",\"maxLength\":4},\"\\\"q\\\\\":{\"type\":\"null\"}},\"required\":[\"人工\"]}"),
        ("{\"type\":\"object\",\"properties\":{\"a\":{\"type\":\"boolean\"},\"b\":{\"type\":"
         "\"boolean\"}},\"additionalProperties\":false}"),
        "{\"type\":\"object\",\"properties\":{}}",
        ("{\"anyOf\":[{\"type\":\"string\",\"maxLength\":2},{\"type\":\"array\",\"items\":{\"enum\":"
         "[1,2]},\"minItems\":1,\"maxItems\":3},{\"const\":null}]}"),
        ("{\"$ref\":\"#/$defs/tree\",\"$defs\":{\"tree\":{\"type\":\"object\",\"properties\":"
         "{\"v\":{\"$ref\":\"#/$defs/v\"},\"kids\":{\"type\":\"array\",\"items\":{\"$ref\":"
         "\"#/$defs/tree\"},\"maxItems\":2}},\"required\":[\"v\",\"kids\"]},\"v\":{\"enum\":"
         "[\"x\",\"y\"]}}}"),
        "{\"type\":\"array\",\"items\":{\"type\":\"integer\"},\"minItems\":3,\"maxItems\":900}",
        "{\"type\":\"string\",\"maxLength\":5000}",
    };

    for (size_t i = 0; i < sizeof SCHEMAS / sizeof *SCHEMAS; i++) {
        aglm_json_schema *schema;
        aglm_error err = {0};
        aglm_str grammar;
        aglm_str_init(&grammar, 1 << 20);
        if (aglm_json_schema_new(&schema, SCHEMAS[i], strlen(SCHEMAS[i]), &err) != AGLM_OK ||
            aglm_grammar_from_schema(&grammar, schema, &err) != AGLM_OK)
            fail_msg("%s: %s", SCHEMAS[i], err.msg);
        if (speak(schema, grammar.data) < SEEDS / 2)
            fail_msg("%s: too few answers end", SCHEMAS[i]);
        aglm_str_clear(&grammar);
        aglm_json_schema_free(schema);
    }
}

static void garbage_is_refused(void **state)
{
    static const struct {
        const char *grammar, *word;
        aglm_rc rc;
    } CASES[] = {
        {"root ::= (", "expecting ')'", AGLM_FORMAT},
        {"root ::= nothing", "nothing", AGLM_FORMAT},
        {"roof ::= \"a\"", "root", AGLM_FORMAT},
        {"root ::= root \"a\" | \"b\"", "recursion", AGLM_FORMAT},
        {"root ::= \"\\q\"", "escape", AGLM_FORMAT},
        {"root ::= \"a\"{3000}", "repetitions", AGLM_FORMAT},
        {"", "empty", AGLM_FORMAT},
        {"\x01\xff\xfe", "name", AGLM_FORMAT},
        {"root ::= [\\x01] [\\U0010FFFF]{3} [\\U7FFFFFFF]", "no token", AGLM_INVALID},
    };
    aglm_lm_answer a;

    aglm_lm_answer_init(&a);
    for (size_t i = 0; i < sizeof CASES / sizeof *CASES; i++) {
        aglm_error err = {0};
        aglm_rc rc = say(CASES[i].grammar, 1, &a, &err);
        if (rc != CASES[i].rc || !strstr(err.msg, CASES[i].word))
            fail_msg("%s: %s", CASES[i].grammar, err.msg);
        /* and it lives on */
        assert_int_equal(say("root ::= \"bad\"", 1, &a, &err), AGLM_OK);
        assert_string_equal(a.text.data, "bad");
    }
    aglm_lm_answer_clear(&a);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(answers_are_valid),
        cmocka_unit_test(garbage_is_refused),
    };

    if (!getenv("AGLM_LLAMA")) {
        puts("skipped: autoglm-llama was not built (./dev setup)");
        return 77;
    }
    return cmocka_run_group_tests(tests, open_model, close_model);
}
