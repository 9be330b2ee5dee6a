#include "data/text_overlap.h"

#include <stdlib.h>
#include <string.h>

#include "base/hash.h"
#include "base/memory.h"
#include "base/utf8.h"

#define SUBSEQUENCE_WORK ((uint64_t)1 << 32)
#define NONE UINT32_MAX

aglm_rc aglm_symbols_push(aglm_symbols *s, uint32_t symbol)
{
    aglm_rc rc = aglm_grow(&s->at, &s->cap, s->n + 1, sizeof *s->at, AGLM_SYMBOLS_MAX);

    if (rc == AGLM_OK)
        s->at[s->n++] = symbol;
    return rc;
}

void aglm_symbols_clear(aglm_symbols *s)
{
    free(s->at);
    *s = (aglm_symbols){0};
}

aglm_rc aglm_symbols_read(aglm_symbols *s, const char *text, size_t len, bool blanks,
                          aglm_error *err)
{
    aglm_rc rc = AGLM_OK;
    uint32_t cp;

    for (size_t i = 0; i < len && rc == AGLM_OK;) {
        i += aglm_utf8_decode(text + i, len - i, &cp);
        if (blanks || !aglm_cp_is_space(cp))
            rc = aglm_symbols_push(s, cp);
    }
    if (rc != AGLM_OK)
        return aglm_error_set(err, rc, "text of %zu bytes: %s", len, aglm_rc_text(rc));
    return AGLM_OK;
}

/* An n-gram of what was said, known by where it stands first. */
struct gram {
    const uint32_t *at; /* NULL: free */
    uint32_t said;
    uint32_t clip; /* largest count in a reference so far */
    uint32_t here; /* count in reference number `ref` */
    uint32_t ref;
};

struct grams {
    struct gram *slots;
    size_t mask;
    size_t order;
};

static struct gram *gram_of(const struct grams *g, const uint32_t *at)
{
    size_t bytes = g->order * sizeof *at;

    for (size_t i = aglm_hash64(at, bytes, 0) & g->mask;; i = (i + 1) & g->mask)
        if (!g->slots[i].at || memcmp(g->slots[i].at, at, bytes) == 0)
            return &g->slots[i];
}

static aglm_rc grams_init(struct grams *g, const aglm_symbols *said, size_t order)
{
    size_t slots = 16;

    while (slots < 2 * said->n)
        slots *= 2;
    *g = (struct grams){aglm_calloc(slots, sizeof *g->slots), slots - 1, order};
    if (!g->slots)
        return AGLM_NOMEM;
    for (size_t i = 0; i + order <= said->n; i++) {
        struct gram *slot = gram_of(g, said->at + i);
        slot->at = said->at + i;
        slot->said++;
        slot->ref = NONE;
    }
    return AGLM_OK;
}

aglm_rc aglm_overlap_ngrams(size_t *matches, const aglm_symbols *said, const aglm_symbols *refs,
                            size_t n_refs, size_t order)
{
    struct grams g;

    *matches = 0;
    if (said->n < order)
        return AGLM_OK;
    if (grams_init(&g, said, order) != AGLM_OK)
        return AGLM_NOMEM;
    for (size_t r = 0; r < n_refs; r++) {
        for (size_t i = 0; i + order <= refs[r].n; i++) {
            struct gram *slot = gram_of(&g, refs[r].at + i);
            if (!slot->at)
                continue;
            slot->here = slot->ref == (uint32_t)r ? slot->here + 1 : 1;
            slot->ref = (uint32_t)r;
            if (slot->here > slot->clip && slot->clip < slot->said) {
                slot->clip++;
                ++*matches;
            }
        }
    }
    free(g.slots);
    return AGLM_OK;
}

aglm_rc aglm_overlap_distinct(size_t *distinct, const aglm_symbols *s, size_t order)
{
    struct grams g;

    *distinct = 0;
    if (s->n < order)
        return AGLM_OK;
    if (grams_init(&g, s, order) != AGLM_OK)
        return AGLM_NOMEM;
    for (size_t i = 0; i <= g.mask; i++)
        *distinct += g.slots[i].at != NULL;
    free(g.slots);
    return AGLM_OK;
}

aglm_rc aglm_overlap_subsequence(size_t *length, const aglm_symbols *a, const aglm_symbols *b)
{
    uint32_t *row;

    *length = 0;
    if ((uint64_t)a->n * b->n > SUBSEQUENCE_WORK)
        return AGLM_LIMIT;
    row = aglm_calloc(b->n + 1, sizeof *row);
    if (!row)
        return AGLM_NOMEM;
    for (size_t i = 0; i < a->n; i++) {
        uint32_t corner = 0;
        for (size_t j = 0; j < b->n; j++) {
            uint32_t above = row[j + 1];
            if (a->at[i] == b->at[j])
                row[j + 1] = corner + 1;
            else if (row[j] > above)
                row[j + 1] = row[j];
            corner = above;
        }
    }
    *length = row[b->n];
    free(row);
    return AGLM_OK;
}

/* Suffix automaton (Blumer et al. 1985); transitions of all states in one hash table. */
struct state {
    uint32_t length;
    uint32_t link;
    uint32_t first_edge; /* edges of a state as a list, to copy them */
};

struct edge {
    uint32_t from;
    uint32_t symbol;
    uint32_t to; /* NONE: free */
    uint32_t next;
};

struct automaton {
    struct state *states;
    uint32_t n_states;
    struct edge *edges;
    size_t mask;
};

static uint32_t edge_at(const struct automaton *m, uint32_t from, uint32_t symbol)
{
    size_t i = aglm_mix64((uint64_t)from << 32 | symbol) & m->mask;

    while (m->edges[i].to != NONE && (m->edges[i].from != from || m->edges[i].symbol != symbol))
        i = (i + 1) & m->mask;
    return (uint32_t)i;
}

static void edge_set(struct automaton *m, uint32_t from, uint32_t symbol, uint32_t to)
{
    uint32_t i = edge_at(m, from, symbol);

    if (m->edges[i].to == NONE) {
        m->edges[i] = (struct edge){from, symbol, to, m->states[from].first_edge};
        m->states[from].first_edge = i;
    }
    m->edges[i].to = to;
}

static uint32_t state_add(struct automaton *m, uint32_t length, uint32_t link)
{
    m->states[m->n_states] = (struct state){length, link, NONE};
    return m->n_states++;
}

/* A copy of q that ends the shorter of its words, taken over by p and the states behind it. */
static uint32_t state_split(struct automaton *m, uint32_t p, uint32_t q, uint32_t symbol)
{
    uint32_t copy = state_add(m, m->states[p].length + 1, m->states[q].link);

    for (uint32_t e = m->states[q].first_edge; e != NONE; e = m->edges[e].next)
        edge_set(m, copy, m->edges[e].symbol, m->edges[e].to);
    for (; p != NONE; p = m->states[p].link) {
        uint32_t e = edge_at(m, p, symbol);
        if (m->edges[e].to != q)
            break;
        m->edges[e].to = copy;
    }
    m->states[q].link = copy;
    return copy;
}

static uint32_t automaton_extend(struct automaton *m, uint32_t last, uint32_t symbol)
{
    uint32_t now = state_add(m, m->states[last].length + 1, 0);
    uint32_t p = last;

    for (; p != NONE && m->edges[edge_at(m, p, symbol)].to == NONE; p = m->states[p].link)
        edge_set(m, p, symbol, now);
    if (p == NONE)
        return now;
    uint32_t q = m->edges[edge_at(m, p, symbol)].to;
    if (m->states[q].length != m->states[p].length + 1)
        q = state_split(m, p, q, symbol);
    m->states[now].link = q;
    return now;
}

static void automaton_clear(struct automaton *m)
{
    free(m->states);
    free(m->edges);
}

/* At most 2n states and 3n transitions. */
static aglm_rc automaton_init(struct automaton *m, const aglm_symbols *b)
{
    size_t slots = 16;
    uint32_t last;

    while (slots < 6 * b->n)
        slots *= 2;
    *m = (struct automaton){aglm_calloc(2 * b->n + 2, sizeof *m->states), 0,
                            aglm_calloc(slots, sizeof *m->edges), slots - 1};
    if (!m->states || !m->edges) {
        automaton_clear(m);
        return AGLM_NOMEM;
    }
    for (size_t i = 0; i < slots; i++)
        m->edges[i].to = NONE;
    last = state_add(m, 0, NONE);
    for (size_t i = 0; i < b->n; i++)
        last = automaton_extend(m, last, b->at[i]);
    return AGLM_OK;
}

aglm_rc aglm_overlap_run(size_t *length, const aglm_symbols *a, const aglm_symbols *b)
{
    struct automaton m;
    uint32_t at = 0, run = 0, best = 0;

    *length = 0;
    if (a->n == 0 || b->n == 0)
        return AGLM_OK;
    if (automaton_init(&m, b) != AGLM_OK)
        return AGLM_NOMEM;
    for (size_t i = 0; i < a->n; i++) {
        uint32_t to;
        while ((to = m.edges[edge_at(&m, at, a->at[i])].to) == NONE && at != 0) {
            at = m.states[at].link;
            run = m.states[at].length;
        }
        if (to != NONE) {
            at = to;
            run++;
        }
        best = run > best ? run : best;
    }
    *length = best;
    automaton_clear(&m);
    return AGLM_OK;
}

aglm_rc aglm_chrf_count(aglm_chrf *out, const aglm_symbols *said, const aglm_symbols *wanted)
{
    for (size_t n = 1; n <= AGLM_CHRF_ORDER; n++) {
        size_t both;
        aglm_rc rc = aglm_overlap_ngrams(&both, said, wanted, 1, n);
        if (rc != AGLM_OK)
            return rc;
        /* an order that the reference lacks counts nowhere, as sacreBLEU has it */
        bool there = wanted->n >= n;
        out->said[n - 1] = there && said->n >= n ? (double)(said->n - n + 1) : 0;
        out->wanted[n - 1] = there ? (double)(wanted->n - n + 1) : 0;
        out->both[n - 1] = (double)both;
    }
    return AGLM_OK;
}

double aglm_chrf_score(const aglm_chrf *c)
{
    const double factor = 4; /* beta 2, squared */
    double precision = 0, recall = 0, orders = 0;

    for (size_t n = 0; n < AGLM_CHRF_ORDER; n++) {
        if (c->said[n] <= 0 || c->wanted[n] <= 0)
            continue;
        precision += c->both[n] / c->said[n];
        recall += c->both[n] / c->wanted[n];
        orders++;
    }
    if (precision + recall <= 0)
        return 0;
    precision /= orders;
    recall /= orders;
    return (1 + factor) * precision * recall / (factor * precision + recall);
}
