/* Methods of str that split and search. */
#include "base/utf8.h"
#include "lm/jinja_method.h"

static aglm_rc push_part(aglm_jrun *r, const aglm_jval *list, const aglm_jval *text, size_t from,
                         size_t to)
{
    aglm_jval part = aglm_jval_text(text->s + from, to - from);

    part.flag = text->flag;
    return aglm_jrun_push(r, list, part);
}

static size_t space_end(const aglm_jval *text, size_t at, bool space)
{
    while (at < text->len) {
        uint32_t cp;
        size_t n = aglm_utf8_decode(text->s + at, text->len - at, &cp);
        if (aglm_jtext_space(cp) != space)
            break;
        at += n;
    }
    return at;
}

static size_t space_begin(const aglm_jval *text, size_t end, bool space)
{
    while (end > 0) {
        uint32_t cp;
        size_t n = 1;
        while (n < end && ((unsigned char)text->s[end - n] & 0xC0) == 0x80)
            n++;
        aglm_utf8_decode(text->s + end - n, n, &cp);
        if (aglm_jtext_space(cp) != space)
            break;
        end -= n;
    }
    return end;
}

/* At runs of white space; none at the ends. */
static aglm_rc split_space(aglm_jrun *r, const aglm_jval *text, int64_t max, const aglm_jval *list)
{
    size_t at = space_end(text, 0, true);
    aglm_rc rc = AGLM_OK;

    while (at < text->len && !rc) {
        size_t end = space_end(text, at, false);
        if (max-- == 0)
            end = text->len;
        rc = push_part(r, list, text, at, end);
        at = space_end(text, end, true);
    }
    return rc;
}

static aglm_rc rsplit_space(aglm_jrun *r, const aglm_jval *text, int64_t max, const aglm_jval *list)
{
    size_t end = space_begin(text, text->len, true);
    aglm_rc rc = AGLM_OK;

    while (end > 0 && !rc) {
        size_t at = space_begin(text, end, false);
        if (max-- == 0)
            at = 0;
        rc = push_part(r, list, text, at, end);
        end = space_begin(text, at, true);
    }
    return rc;
}

static aglm_rc split_at(aglm_jrun *r, const aglm_jval *text, aglm_jspan by, int64_t max,
                        const aglm_jval *list)
{
    size_t at = 0;
    aglm_rc rc = AGLM_OK;

    for (;; max--) {
        size_t found = max == 0 ? SIZE_MAX : aglm_jtext_find(aglm_jspan_of(text), by, at);
        rc = push_part(r, list, text, at, found == SIZE_MAX ? text->len : found);
        if (rc || found == SIZE_MAX)
            return rc;
        at = found + by.n;
    }
}

/* Counts what a search backwards may cost. */
static aglm_rc count_search(aglm_jrun *r, const aglm_jval *text, const aglm_jval *what)
{
    return aglm_jrun_step(r, (size_t)(text->len / 64 + 1) * (what->len / 64 + 1));
}

/* The last occurrence that ends at or before `end`. */
static size_t rfind(aglm_jspan text, aglm_jspan what, size_t end)
{
    if (what.n > end)
        return SIZE_MAX;
    for (size_t at = end - what.n + 1; at-- > 0;)
        if (what.n == 0 || memcmp(text.s + at, what.s, what.n) == 0)
            return at;
    return SIZE_MAX;
}

static aglm_rc rsplit_at(aglm_jrun *r, const aglm_jval *text, aglm_jspan by, int64_t max,
                         const aglm_jval *list)
{
    size_t end = text->len;
    aglm_rc rc = AGLM_OK;

    for (;; max--) {
        size_t found = max == 0 ? SIZE_MAX : rfind(aglm_jspan_of(text), by, end);
        rc = push_part(r, list, text, found == SIZE_MAX ? 0 : found + by.n, end);
        if (rc || found == SIZE_MAX)
            return rc;
        end = found;
    }
}

static void reverse(aglm_jlist *l)
{
    for (size_t i = 0; i < l->n / 2; i++) {
        aglm_jval v = l->items[i];
        l->items[i] = l->items[l->n - 1 - i];
        l->items[l->n - 1 - i] = v;
    }
}

static aglm_rc split(aglm_jrun *r, aglm_jcall *c, bool right, aglm_jval *out)
{
    int64_t max;
    bool by_space = !aglm_jval_given(&c->arg[0]);
    aglm_rc rc = aglm_jrun_need_whole(r, &c->arg[1], -1, &max);

    if (!rc && !by_space)
        rc = aglm_jrun_need_text(r, &c->arg[0], c->name);
    if (!rc && !by_space && c->arg[0].len == 0)
        return aglm_jrun_fail(r, AGLM_INVALID, "%s: empty separator", c->name);
    if (!rc)
        rc = aglm_jrun_new_list(r, AGLM_J_LIST, out);
    if (!rc)
        rc = count_search(r, &c->self, &c->arg[0]);
    if (rc)
        return rc;
    if (by_space)
        rc = right ? rsplit_space(r, &c->self, max, out) : split_space(r, &c->self, max, out);
    else if (right)
        rc = rsplit_at(r, &c->self, aglm_jspan_of(&c->arg[0]), max, out);
    else
        rc = split_at(r, &c->self, aglm_jspan_of(&c->arg[0]), max, out);
    if (right)
        reverse(out->list);
    return rc;
}

static aglm_rc str_split(aglm_jrun *r, aglm_jcall *c, aglm_jval *out)
{
    return split(r, c, false, out);
}

static aglm_rc str_rsplit(aglm_jrun *r, aglm_jcall *c, aglm_jval *out)
{
    return split(r, c, true, out);
}

static bool line_break(uint32_t cp)
{
    return (cp >= 0x0A && cp <= 0x0D) || (cp >= 0x1C && cp <= 0x1E) || cp == 0x85 || cp == 0x2028 ||
           cp == 0x2029;
}

aglm_rc aglm_jrun_lines(aglm_jrun *r, const aglm_jval *text, bool keep, aglm_jval *out)
{
    size_t begin = 0;
    aglm_rc rc = aglm_jrun_new_list(r, AGLM_J_LIST, out);

    for (size_t at = 0; at < text->len && !rc;) {
        uint32_t cp;
        size_t end = at;
        at += aglm_utf8_decode(text->s + at, text->len - at, &cp);
        if (!line_break(cp))
            continue;
        at += cp == '\r' && at < text->len && text->s[at] == '\n';
        rc = push_part(r, out, text, begin, keep ? at : end);
        begin = at;
    }
    if (!rc && begin < text->len)
        rc = push_part(r, out, text, begin, text->len);
    return rc ? rc : aglm_jrun_step(r, text->len / 64);
}

static aglm_rc str_splitlines(aglm_jrun *r, aglm_jcall *c, aglm_jval *out)
{
    return aglm_jrun_lines(r, &c->self, aglm_jval_true(&c->arg[0]), out);
}

static aglm_rc partition(aglm_jrun *r, aglm_jcall *c, bool right, aglm_jval *out)
{
    aglm_rc rc = aglm_jrun_need_text(r, &c->arg[0], c->name);
    aglm_jspan text = aglm_jspan_of(&c->self);

    if (!rc && c->arg[0].len == 0)
        return aglm_jrun_fail(r, AGLM_INVALID, "%s: empty separator", c->name);
    if (!rc)
        rc = count_search(r, &c->self, &c->arg[0]);
    if (!rc)
        rc = aglm_jrun_new_list(r, AGLM_J_TUPLE, out);
    if (rc)
        return rc;
    aglm_jspan by = aglm_jspan_of(&c->arg[0]);
    size_t found = right ? rfind(text, by, text.n) : aglm_jtext_find(text, by, 0);
    size_t bound[4] = {0, found, found + by.n, text.n};
    if (found == SIZE_MAX) {
        bound[1] = bound[2] = right ? 0 : text.n;
    }
    for (size_t i = 0; i < 3 && !rc; i++)
        rc = push_part(r, out, &c->self, bound[i], bound[i + 1]);
    return rc;
}

static aglm_rc str_partition(aglm_jrun *r, aglm_jcall *c, aglm_jval *out)
{
    return partition(r, c, false, out);
}

static aglm_rc str_rpartition(aglm_jrun *r, aglm_jcall *c, aglm_jval *out)
{
    return partition(r, c, true, out);
}

/* The part between the optional start and end (in characters); false: start lies behind the text.
 */
static aglm_rc window(aglm_jrun *r, const aglm_jcall *c, aglm_jspan *out, bool *inside)
{
    int64_t n = (int64_t)aglm_jtext_count(c->self.s, c->self.len);
    int64_t bound[2] = {0, n};
    aglm_rc rc = AGLM_OK;

    for (size_t i = 0; i < 2 && !rc; i++)
        if (aglm_jval_given(&c->arg[i + 1]))
            rc = aglm_jrun_need_whole(r, &c->arg[i + 1], 0, &bound[i]);
    for (size_t i = 0; i < 2; i++)
        bound[i] = bound[i] < -n ? 0 : bound[i] < 0 ? bound[i] + n : bound[i];
    if (bound[1] > n)
        bound[1] = n;
    *inside = bound[0] <= bound[1];
    *out = aglm_jspan_of(&c->self);
    if (rc || !*inside)
        return rc;
    size_t from = aglm_jtext_offset(out->s, out->n, (size_t)bound[0]);
    size_t to = aglm_jtext_offset(out->s, out->n, (size_t)bound[1]);
    *out = (aglm_jspan){out->s + from, to - from};
    return aglm_jrun_step(r, c->self.len / 64);
}

static aglm_rc find(aglm_jrun *r, aglm_jcall *c, bool right, bool must, aglm_jval *out)
{
    aglm_jspan text;
    bool inside;
    size_t at = SIZE_MAX;
    aglm_rc rc = aglm_jrun_need_text(r, &c->arg[0], c->name);

    if (!rc)
        rc = count_search(r, &c->self, &c->arg[0]);
    if (!rc)
        rc = window(r, c, &text, &inside);
    if (rc)
        return rc;
    aglm_jspan what = aglm_jspan_of(&c->arg[0]);
    if (inside)
        at = right ? rfind(text, what, text.n) : aglm_jtext_find(text, what, 0);
    if (at == SIZE_MAX && must)
        return aglm_jrun_fail(r, AGLM_INVALID, "%s: substring not found", c->name);
    *out = aglm_jval_int(-1);
    if (at != SIZE_MAX)
        out->i = (int64_t)aglm_jtext_count(c->self.s, (size_t)(text.s - c->self.s) + at);
    return AGLM_OK;
}

static aglm_rc str_find(aglm_jrun *r, aglm_jcall *c, aglm_jval *out)
{
    return find(r, c, false, false, out);
}

static aglm_rc str_rfind(aglm_jrun *r, aglm_jcall *c, aglm_jval *out)
{
    return find(r, c, true, false, out);
}

static aglm_rc str_index(aglm_jrun *r, aglm_jcall *c, aglm_jval *out)
{
    return find(r, c, false, true, out);
}

static aglm_rc str_rindex(aglm_jrun *r, aglm_jcall *c, aglm_jval *out)
{
    return find(r, c, true, true, out);
}

static aglm_rc str_count(aglm_jrun *r, aglm_jcall *c, aglm_jval *out)
{
    aglm_jspan text;
    bool inside;
    int64_t n = 0;
    aglm_rc rc = aglm_jrun_need_text(r, &c->arg[0], c->name);

    if (!rc)
        rc = window(r, c, &text, &inside);
    if (rc)
        return rc;
    aglm_jspan what = aglm_jspan_of(&c->arg[0]);
    if (inside && what.n == 0)
        n = (int64_t)aglm_jtext_count(text.s, text.n) + 1;
    for (size_t at = 0; inside && what.n; n++, at += what.n) {
        at = aglm_jtext_find(text, what, at);
        if (at == SIZE_MAX)
            break;
    }
    *out = aglm_jval_int(n);
    return AGLM_OK;
}

static bool has_affix(aglm_jspan text, const aglm_jval *affix, bool end)
{
    return affix->len <= text.n &&
           memcmp(end ? text.s + text.n - affix->len : text.s, affix->s, affix->len) == 0;
}

static aglm_rc affix(aglm_jrun *r, aglm_jcall *c, bool end, aglm_jval *out)
{
    aglm_jspan text;
    bool inside;
    bool tuple = c->arg[0].kind == AGLM_J_TUPLE;
    const aglm_jval *any = tuple ? c->arg[0].list->items : &c->arg[0];
    size_t n = tuple ? c->arg[0].list->n : 1;
    aglm_rc rc = window(r, c, &text, &inside);

    *out = aglm_jval_bool(false);
    for (size_t i = 0; i < n && !rc && !out->b; i++) {
        rc = aglm_jrun_need_text(r, &any[i], c->name);
        out->b = !rc && inside && has_affix(text, &any[i], end);
    }
    return rc;
}

static aglm_rc str_startswith(aglm_jrun *r, aglm_jcall *c, aglm_jval *out)
{
    return affix(r, c, false, out);
}

static aglm_rc str_endswith(aglm_jrun *r, aglm_jcall *c, aglm_jval *out)
{
    return affix(r, c, true, out);
}

static aglm_rc remove_affix(aglm_jrun *r, aglm_jcall *c, bool end, aglm_jval *out)
{
    aglm_rc rc = aglm_jrun_need_text(r, &c->arg[0], c->name);

    if (rc)
        return rc;
    *out = c->self;
    if (has_affix(aglm_jspan_of(&c->self), &c->arg[0], end)) {
        out->s += end ? 0 : c->arg[0].len;
        out->len -= c->arg[0].len;
    }
    return AGLM_OK;
}

static aglm_rc str_removeprefix(aglm_jrun *r, aglm_jcall *c, aglm_jval *out)
{
    return remove_affix(r, c, false, out);
}

static aglm_rc str_removesuffix(aglm_jrun *r, aglm_jcall *c, aglm_jval *out)
{
    return remove_affix(r, c, true, out);
}

const aglm_jbuiltin *aglm_jmethod_find_split(const aglm_jval *name)
{
    static const aglm_jbuiltin methods[] = {
        {"count", str_count, "sub start? end?", false},
        {"endswith", str_endswith, "suffix start? end?", false},
        {"find", str_find, "sub start? end?", false},
        {"index", str_index, "sub start? end?", false},
        {"partition", str_partition, "sep", false},
        {"removeprefix", str_removeprefix, "prefix", false},
        {"removesuffix", str_removesuffix, "suffix", false},
        {"rfind", str_rfind, "sub start? end?", false},
        {"rindex", str_rindex, "sub start? end?", false},
        {"rpartition", str_rpartition, "sep", false},
        {"rsplit", str_rsplit, "sep? maxsplit?", false},
        {"split", str_split, "sep? maxsplit?", false},
        {"splitlines", str_splitlines, "keepends?", false},
        {"startswith", str_startswith, "prefix start? end?", false},
    };

    return aglm_jbuiltin_find(methods, sizeof methods / sizeof *methods, name);
}
