#include "lm/jinja.h"

#include <stdlib.h>

#include "base/memory.h"
#include "base/utf8.h"
#include "lm/jinja_node.h"
#include "lm/jinja_run.h"

#define TREE_BYTES ((size_t)1 << 29)
#define MAX_NAMES 100000

static aglm_rc no_memory(size_t len, aglm_error *err)
{
    return aglm_error_set(err, AGLM_NOMEM, "no memory to parse a template of %zu bytes", len);
}

/* The names with fixed numbers come first. */
static aglm_rc intern_fixed(aglm_jinja *j, aglm_error *err)
{
    static const char *const fixed[] = {"loop", "caller", "varargs", "kwargs"};
    uint32_t sym;
    aglm_rc rc = AGLM_OK;

    for (size_t i = 0; i < sizeof fixed / sizeof *fixed && !rc; i++)
        rc = aglm_map_intern(j->names, fixed[i], strlen(fixed[i]), &sym, err);
    return rc;
}

static aglm_rc parse(aglm_jinja *j, const char *text, size_t len, aglm_error *err)
{
    aglm_jtoken *tokens = NULL;
    size_t n = 0;
    aglm_rc rc = intern_fixed(j, err);

    if (!rc)
        rc = aglm_jinja_lex(&j->arena, text, len, &tokens, &n, err);
    if (rc)
        return rc;
    aglm_jparser p = {.j = j, .token = tokens, .err = err};
    rc = aglm_jparser_run(&p);
    free(tokens);
    return rc;
}

aglm_rc aglm_jinja_new(aglm_jinja **out, const char *text, size_t len, aglm_error *err)
{
    *out = NULL;
    if (len > AGLM_JINJA_MAX_TEMPLATE)
        return aglm_error_set(err, AGLM_LIMIT, "a template of %zu bytes; at most %zu are taken",
                              len, AGLM_JINJA_MAX_TEMPLATE);
    size_t good = aglm_utf8_check(text, len);
    if (good < len)
        return aglm_error_set(err, AGLM_FORMAT, "byte %zu of the template is not UTF-8", good);
    aglm_jinja *j = aglm_calloc(1, sizeof *j);
    if (!j)
        return no_memory(len, err);
    aglm_arena_init(&j->arena, TREE_BYTES);
    j->names = aglm_map_new(MAX_NAMES, AGLM_JINJA_MAX_TEMPLATE * 2);
    aglm_rc rc = j->names ? parse(j, text, len, err) : no_memory(len, err);
    if (rc)
        aglm_jinja_free(j);
    else
        *out = j;
    return rc;
}

void aglm_jinja_free(aglm_jinja *j)
{
    if (!j)
        return;
    aglm_map_free(j->names);
    aglm_arena_clear(&j->arena);
    free(j);
}

static aglm_rc import(aglm_jrun *r, const aglm_json *v, aglm_jval *out);

static aglm_rc import_array(aglm_jrun *r, const aglm_json *v, aglm_jval *out)
{
    aglm_json_iter it = aglm_json_iterate(v);
    const aglm_json *item;
    aglm_jval element;
    aglm_rc rc = aglm_jrun_new_list(r, AGLM_J_LIST, out);

    while (!rc && (item = aglm_json_next(&it, NULL))) {
        rc = import(r, item, &element);
        if (!rc)
            rc = aglm_jrun_push(r, out, element);
    }
    return rc;
}

static aglm_rc import_object(aglm_jrun *r, const aglm_json *v, aglm_jval *out)
{
    aglm_json_iter it = aglm_json_iterate(v);
    const aglm_json *item;
    const char *key;
    aglm_jval member;
    aglm_rc rc = aglm_jrun_new_dict(r, AGLM_J_DICT, out);

    while (!rc && (item = aglm_json_next(&it, &key))) {
        rc = import(r, item, &member);
        if (!rc)
            rc = aglm_jrun_put(r, out, aglm_jval_text(key, strlen(key)), member);
    }
    return rc;
}

static aglm_rc import(aglm_jrun *r, const aglm_json *v, aglm_jval *out)
{
    size_t len = 0;
    const char *s;

    switch (aglm_json_kind_of(v)) {
    case AGLM_JSON_BOOL:
        *out = aglm_jval_bool(aglm_json_bool(v, false));
        return AGLM_OK;
    case AGLM_JSON_NUMBER:
        *out = aglm_json_is_integer(v) ? aglm_jval_int(aglm_json_int(v, 0))
                                       : aglm_jval_float(aglm_json_double(v, 0));
        return AGLM_OK;
    case AGLM_JSON_STRING:
        s = aglm_json_string(v, &len);
        *out = aglm_jval_text(s, len);
        return len > UINT32_MAX ? aglm_jrun_full(r) : AGLM_OK;
    case AGLM_JSON_ARRAY:
        return import_array(r, v, out);
    case AGLM_JSON_OBJECT:
        return import_object(r, v, out);
    default:
        *out = aglm_jval_none();
        return AGLM_OK;
    }
}

/* Only variables that the template names are taken over. */
static aglm_rc import_vars(aglm_jrun *r, const aglm_json *vars)
{
    aglm_json_iter it = aglm_json_iterate(vars);
    const aglm_json *v;
    const char *key;
    uint32_t sym;
    aglm_rc rc = AGLM_OK;

    while (!rc && (v = aglm_json_next(&it, &key)))
        if (aglm_map_find(r->j->names, key, strlen(key), &sym))
            rc = import(r, v, &r->root[sym]);
    return rc;
}

static aglm_jinja_options with_defaults(const aglm_jinja_options *given)
{
    aglm_jinja_options o = given ? *given : (aglm_jinja_options){0};

    o.max_steps = o.max_steps ? o.max_steps : 10 * 1000 * 1000;
    o.max_memory_bytes = o.max_memory_bytes ? o.max_memory_bytes : (size_t)64 << 20;
    o.max_depth = o.max_depth ? o.max_depth : 1500;
    return o;
}

aglm_rc aglm_jinja_render(const aglm_jinja *j, const aglm_json *vars,
                          const aglm_jinja_options *options, aglm_str *out, aglm_error *err)
{
    aglm_jrun r = {.j = j, .options = with_defaults(options), .out = out, .err = err};
    size_t before = out->len;

    if (vars && aglm_json_kind_of(vars) != AGLM_JSON_OBJECT)
        return aglm_error_set(err, AGLM_INVALID,
                              "the variables of a template are an object, not %s",
                              aglm_json_kind_name(vars));
    aglm_arena_init(&r.arena, r.options.max_memory_bytes);
    r.root = aglm_arena_array(&r.arena, aglm_map_size(j->names), sizeof *r.root);
    aglm_rc rc = r.root ? AGLM_OK : aglm_jrun_full(&r);
    if (!rc && vars)
        rc = import_vars(&r, vars);
    if (!rc)
        rc = aglm_jrun_execute(&r, j->body);
    aglm_arena_clear(&r.arena);
    if (rc) {
        out->rc = AGLM_OK;
        out->len = before;
        if (out->cap)
            out->data[before] = '\0';
    }
    return rc;
}
