#include "lm/chat.h"

#define MAX_CONVERSATION ((size_t)1 << 28)

static bool given(const aglm_json *extra, const char *name)
{
    return aglm_json_get(extra, name) != NULL;
}

static void put_messages(aglm_json_writer *w, const aglm_chat_message *messages, size_t n)
{
    aglm_json_key(w, "messages");
    aglm_json_open_array(w);
    for (size_t i = 0; i < n; i++) {
        aglm_json_open_object(w);
        aglm_json_member_text(w, "role", messages[i].role);
        aglm_json_member_text(w, "content", messages[i].content);
        aglm_json_close_object(w);
    }
    aglm_json_close_array(w);
}

static void put_variables(aglm_str *to, const aglm_chat_message *messages, size_t n,
                          const aglm_chat_options *o)
{
    aglm_json_writer w;
    aglm_json_iter it = aglm_json_iterate(o->extra);
    const aglm_json *v;
    const char *key;

    aglm_json_writer_init(&w, to);
    aglm_json_open_object(&w);
    if (!given(o->extra, "messages"))
        put_messages(&w, messages, n);
    if (!given(o->extra, "add_generation_prompt"))
        aglm_json_member_bool(&w, "add_generation_prompt", o->add_generation_prompt);
    if (o->bos_token && !given(o->extra, "bos_token"))
        aglm_json_member_text(&w, "bos_token", o->bos_token);
    if (o->eos_token && !given(o->extra, "eos_token"))
        aglm_json_member_text(&w, "eos_token", o->eos_token);
    while ((v = aglm_json_next(&it, &key))) {
        aglm_json_key(&w, key);
        aglm_json_put_value(&w, v);
    }
    aglm_json_close_object(&w);
}

aglm_rc aglm_chat_render(const aglm_jinja *chat_template, const aglm_chat_message *messages,
                         size_t n, const aglm_chat_options *options, aglm_str *out, aglm_error *err)
{
    const aglm_chat_options o = options ? *options : (aglm_chat_options){0};
    const aglm_jinja_options how = {.now_s = o.now_s, .mutable_values = true};
    aglm_json_doc *vars = NULL;
    aglm_str text;

    if (o.extra && aglm_json_kind_of(o.extra) != AGLM_JSON_OBJECT)
        return aglm_error_set(err, AGLM_INVALID, "extra variables are an object, not %s",
                              aglm_json_kind_name(o.extra));
    aglm_str_init(&text, MAX_CONVERSATION);
    put_variables(&text, messages, n, &o);
    aglm_rc rc = text.rc;
    if (rc)
        aglm_error_set(err, rc, "a conversation of %zu messages is too long or memory is out", n);
    else
        rc = aglm_json_parse(&vars, text.data, text.len,
                             &(aglm_json_options){.origin = "conversation"}, err);
    if (!rc)
        rc = aglm_jinja_render(chat_template, aglm_json_root(vars), &how, out, err);
    aglm_json_free(vars);
    aglm_str_clear(&text);
    return rc;
}
