#include "search/space.h"

#include <math.h>

#include "unit.h"

/* kind (linear, embed, none): linear has c and loss; embed has dim; loss = svm has margin. */
static aglm_space *tree(void)
{
    static const char *const kinds[] = {"linear", "embed", "none"};
    static const char *const losses[] = {"logistic", "svm"};
    aglm_space *s;
    aglm_dist d;
    aglm_arena a;

    aglm_arena_init(&a, 1u << 16);
    assert_int_equal(aglm_space_new(&s, NULL), AGLM_OK);
    aglm_dist_texts(&d, kinds, 3, &a, NULL);
    assert_int_equal(aglm_space_add(s, "kind", &d, NULL, 0, NULL), AGLM_OK);
    aglm_dist_int(&d, 1, 4, 1, false, NULL);
    assert_int_equal(aglm_space_add(s, "c", &d, "kind", 1, NULL), AGLM_OK);
    aglm_dist_texts(&d, losses, 2, &a, NULL);
    assert_int_equal(aglm_space_add(s, "loss", &d, "kind", 1, NULL), AGLM_OK);
    aglm_dist_int(&d, 0, 2, 1, false, NULL);
    assert_int_equal(aglm_space_add(s, "margin", &d, "loss", 2, NULL), AGLM_OK);
    aglm_dist_int(&d, 10, 50, 10, false, NULL);
    assert_int_equal(aglm_space_add(s, "dim", &d, "kind", 2, NULL), AGLM_OK);
    aglm_arena_clear(&a); /* the space has copies */
    return s;
}

static void points_are_counted_and_listed(void **state)
{
    aglm_space *s = tree();
    double x[5];
    double y[5];

    (void)state;
    /* linear: 4 * (1 + 3), embed: 5, none: 1 */
    assert_int_equal(aglm_space_size(s), 22);
    for (uint64_t i = 0; i < 22; i++) {
        aglm_space_at(s, i, x);
        assert_int_equal(aglm_space_check(s, x, NULL), AGLM_OK);
        for (uint64_t j = 0; j < i; j++) {
            aglm_space_at(s, j, y);
            assert_false(aglm_space_same(s, x, y));
        }
    }
    aglm_space_free(s);
}

static void conditions_are_followed(void **state)
{
    aglm_space *s = tree();
    double x[5] = {1, 2, 1, 0, 30};
    aglm_rng rng;
    aglm_error err;

    (void)state;
    assert_true(aglm_space_active(s, x, 4));
    assert_false(aglm_space_active(s, x, 3)); /* its parent is inactive */
    assert_int_equal(aglm_space_check(s, x, &err), AGLM_INVALID);
    assert_non_null(strstr(err.msg, "c:"));
    aglm_space_settle(s, x);
    assert_true(isnan(x[1]) && isnan(x[2]) && isnan(x[3]) && x[4] == 30);
    assert_int_equal(aglm_space_check(s, x, NULL), AGLM_OK);
    x[4] = 35;
    assert_int_equal(aglm_space_check(s, x, &err), AGLM_INVALID);
    assert_non_null(strstr(err.msg, "dim: 35"));
    aglm_rng_init(&rng, 1);
    for (int i = 0; i < 500; i++) {
        aglm_space_sample(s, &rng, x);
        assert_int_equal(aglm_space_check(s, x, NULL), AGLM_OK);
    }
    aglm_space_free(s);
}

static void endless_spaces_have_size_0(void **state)
{
    aglm_space *s = tree();
    aglm_dist d;

    (void)state;
    aglm_dist_int(&d, 0, 1 << 19, 1, false, NULL);
    aglm_space_add(s, "large", &d, NULL, 0, NULL);
    assert_int_equal(aglm_space_size(s), 0);
    aglm_space_free(s);
    s = tree();
    aglm_dist_float(&d, 0, 1, 0, false, NULL);
    aglm_space_add(s, "free", &d, "kind", 4, NULL);
    assert_int_equal(aglm_space_size(s), 0);
    aglm_space_free(s);
}

static void hash_follows_equality(void **state)
{
    aglm_space *s = tree();
    double x[5] = {0, 1, 1, 0, NAN};
    double y[5] = {0, 1, 1, -0.0, -NAN};

    (void)state;
    assert_true(aglm_space_same(s, x, y));
    assert_true(aglm_space_hash(s, x) == aglm_space_hash(s, y));
    y[3] = 1;
    assert_false(aglm_space_same(s, x, y));
    assert_false(aglm_space_hash(s, x) == aglm_space_hash(s, y));
    aglm_space_free(s);
}

static void add_refuses_and_names(void **state)
{
    aglm_space *s = tree();
    aglm_dist d;
    aglm_error err;

    (void)state;
    aglm_dist_float(&d, 0, 1, 0, false, NULL);
    assert_int_equal(aglm_space_add(s, "dim", &d, NULL, 0, &err), AGLM_INVALID);
    assert_non_null(strstr(err.msg, "\"dim\""));
    assert_int_equal(aglm_space_add(s, "", &d, NULL, 0, &err), AGLM_INVALID);
    assert_int_equal(aglm_space_add(s, "z", &d, "later", 1, &err), AGLM_INVALID);
    assert_non_null(strstr(err.msg, "\"later\""));
    assert_int_equal(aglm_space_add(s, "z", &d, "c", 1, &err), AGLM_INVALID);
    assert_int_equal(aglm_space_add(s, "z", &d, "kind", 0, &err), AGLM_INVALID);
    assert_int_equal(aglm_space_add(s, "z", &d, "kind", 8, &err), AGLM_INVALID);
    assert_int_equal(s->n, 5);
    aglm_space_free(s);
}

static void json_goes_there_and_back(void **state)
{
    aglm_space *s = tree();
    aglm_space *back;
    aglm_str a;
    aglm_str b;
    aglm_error err = {0};

    (void)state;
    aglm_str_init(&a, 1u << 16);
    aglm_str_init(&b, 1u << 16);
    aglm_space_write(s, &a);
    assert_int_equal(aglm_space_read(&back, a.data, a.len, &err), AGLM_OK);
    assert_true(aglm_space_equal(s, back, &err));
    aglm_space_write(back, &b);
    assert_string_equal(a.data, b.data);
    assert_non_null(strstr(a.data, "\"parent\": \"kind\", \"when\": [\"embed\"]"));
    aglm_str_clear(&a);
    aglm_str_clear(&b);
    aglm_space_free(back);
    aglm_space_free(s);
    assert_int_equal(aglm_space_read(&back, "{}", 2, &err), AGLM_FORMAT);
    assert_null(back);
}

static void differences_are_named(void **state)
{
    aglm_space *s = tree();
    aglm_space *other = tree();
    aglm_dist d;
    aglm_error why;

    (void)state;
    assert_true(aglm_space_equal(s, other, &why));
    aglm_dist_float(&d, 0.1, 1, 0, false, NULL);
    aglm_space_add(s, "lr", &d, NULL, 0, NULL);
    assert_false(aglm_space_equal(s, other, &why));
    assert_non_null(strstr(why.msg, "lr: only in the space stored"));
    aglm_dist_float(&d, 0.1, 2, 0, false, NULL);
    aglm_space_add(other, "lr", &d, NULL, 0, NULL);
    assert_false(aglm_space_equal(s, other, &why));
    assert_string_equal(why.msg, "lr: stored as float 0.1..1, asked for as float 0.1..2");
    aglm_space_free(s);
    aglm_space_free(other);
}

static void points_go_through_json(void **state)
{
    aglm_space *s = tree();
    double x[5] = {0, 3, 1, 2, NAN};
    double y[5];
    aglm_json_doc *doc;
    aglm_json_writer w;
    aglm_str text;
    aglm_error err;

    (void)state;
    aglm_str_init(&text, 1000);
    aglm_json_writer_init(&w, &text);
    aglm_point_write(s, x, &w);
    assert_string_equal(text.data, "{\"kind\":\"linear\",\"c\":3,\"loss\":\"svm\",\"margin\":2}");
    assert_int_equal(aglm_json_parse(&doc, text.data, text.len, &(aglm_json_options){0}, NULL),
                     AGLM_OK);
    assert_int_equal(aglm_point_read(s, aglm_json_root(doc), y, NULL), AGLM_OK);
    assert_true(aglm_space_same(s, x, y));
    aglm_json_free(doc);
    static const struct {
        const char *json;
        const char *part;
    } bad[] = {
        {"{\"kind\": \"linear\"}", "c:"}, {"{\"x\": 1}", "\"x\""}, {"{\"kind\": 1}", "kind"}};
    for (size_t i = 0; i < 3; i++) {
        aglm_json_parse(&doc, bad[i].json, strlen(bad[i].json), &(aglm_json_options){0}, NULL);
        assert_int_equal(aglm_point_read(s, aglm_json_root(doc), y, &err), AGLM_INVALID);
        assert_non_null(strstr(err.msg, bad[i].part));
        aglm_json_free(doc);
    }
    aglm_str_clear(&text);
    aglm_space_free(s);
}

static void people_can_read_it(void **state)
{
    aglm_space *s = tree();
    aglm_str text;

    (void)state;
    aglm_str_init(&text, 1u << 16);
    aglm_space_describe(s, &text);
    assert_string_equal(text.data, "kind  choice (linear, embed, none)\n"
                                   "c  int 1..4  when kind in (linear)\n"
                                   "loss  choice (logistic, svm)  when kind in (linear)\n"
                                   "margin  int 0..2  when loss in (svm)\n"
                                   "dim  int 10..50 step 10  when kind in (embed)\n");
    aglm_str_clear(&text);
    aglm_space_free(s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(points_are_counted_and_listed),
        cmocka_unit_test(conditions_are_followed),
        cmocka_unit_test(endless_spaces_have_size_0),
        cmocka_unit_test(hash_follows_equality),
        cmocka_unit_test(add_refuses_and_names),
        cmocka_unit_test(json_goes_there_and_back),
        cmocka_unit_test(differences_are_named),
        cmocka_unit_test(points_go_through_json),
        cmocka_unit_test(people_can_read_it),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
