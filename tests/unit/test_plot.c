#include <math.h>

#include "base/utf8.h"
#include "plot/canvas.h"
#include "plot/page.h"
#include "search/space_text.h"
#include "unit.h"

/* ---- canvases: one checklist for both ---- */

enum { SVG, BRAILLE, ASCII, COLOUR, CANVASES };

static aglm_text_options text_options(int which)
{
    return (aglm_text_options){60, which != ASCII, which == COLOUR};
}

static void open_canvas(int which, aglm_canvas *c, aglm_str *out)
{
    aglm_text_options o = text_options(which);

    aglm_str_init(out, 1u << 24);
    if (which == SVG)
        assert_int_equal(aglm_svg_open(c, 400, 200, out, NULL), AGLM_OK);
    else
        assert_int_equal(aglm_text_open(c, &o, 12, NULL), AGLM_OK);
}

static void close_canvas(int which, aglm_canvas *c, aglm_str *out)
{
    assert_int_equal(which == SVG ? aglm_svg_close(c) : aglm_text_close(c, out), AGLM_OK);
    assert_int_equal(aglm_utf8_check(out->data, out->len), out->len);
}

static void draw(const aglm_canvas *c, aglm_mark_kind kind, aglm_ink ink, const double at[4])
{
    const double xs[2] = {at[0], at[2]};
    const double ys[2] = {at[1], at[3]};
    aglm_points p = {ink, xs, ys, xs + 1, ys + 1, NULL, kind == AGLM_MARK_LINE ? 2 : 1};

    c->ops->mark(c->self, kind, &p);
}

static void text_is_shown_as_it_is(void **state)
{
    (void)state;
    for (int which = 0; which < CANVASES; which++) {
        aglm_canvas c;
        aglm_str out;
        open_canvas(which, &c, &out);
        c.ops->text(c.self, AGLM_INK_TEXT, c.width / 2, c.char_h * 1.5, AGLM_ALIGN_MIDDLE,
                    "middle");
        c.ops->text(c.self, AGLM_INK_MUTED, c.width, c.char_h * 2.5, AGLM_ALIGN_RIGHT, "right");
        c.ops->text(c.self, AGLM_INK_MUTED, 0, c.char_h * 3.5, AGLM_ALIGN_LEFT, "left");
        c.ops->text(c.self, AGLM_INK_MUTED, 0, c.char_h * 4.5, AGLM_ALIGN_LEFT, "<b>&\"\x1b[31m");
        close_canvas(which, &c, &out);
        assert_non_null(strstr(out.data, "middle"));
        assert_non_null(strstr(out.data, "right"));
        assert_non_null(strstr(out.data, "left"));
        assert_null(strstr(out.data, "\x1b[31m"));
        if (which == SVG)
            assert_non_null(strstr(out.data, "&lt;b&gt;&amp;&quot;"));
        else
            assert_non_null(strstr(out.data, "<b>&\"?[31m"));
        aglm_str_clear(&out);
    }
}

/* Nothing that comes in may write outside, and what has no place leaves no mark. */
static void odd_coordinates_do_no_harm(void **state)
{
    static const double ODD[] = {NAN, INFINITY, -INFINITY, 1e308, -1e308, -1, 1e9};

    (void)state;
    for (int which = 0; which < CANVASES; which++) {
        aglm_canvas c;
        aglm_str out;
        open_canvas(which, &c, &out);
        for (size_t i = 0; i < 7 * 7; i++) {
            for (int kind = AGLM_MARK_DOTS; kind <= AGLM_MARK_BOXES; kind++) {
                draw(&c, (aglm_mark_kind)kind, AGLM_INK_BEST,
                     (double[]){ODD[i % 7], ODD[i / 7], 5, 5});
                draw(&c, (aglm_mark_kind)kind, AGLM_INK_BEST,
                     (double[]){5, 5, ODD[i % 7], ODD[i / 7]});
            }
            c.ops->text(c.self, AGLM_INK_TEXT, ODD[i % 7], ODD[i / 7], AGLM_ALIGN_RIGHT, "here");
        }
        close_canvas(which, &c, &out);
        aglm_str_clear(&out);
    }
}

static size_t count_of(const char *text, const char *what)
{
    size_t n = 0;

    for (const char *s = text; (s = strstr(s, what)); s += strlen(what))
        n++;
    return n;
}

static void marks_are_seen(void **state)
{
    (void)state;
    for (int which = 0; which < CANVASES; which++) {
        for (int kind = AGLM_MARK_DOTS; kind <= AGLM_MARK_BOXES; kind++) {
            aglm_canvas c;
            aglm_str empty;
            aglm_str out;
            open_canvas(which, &c, &empty);
            close_canvas(which, &c, &empty);
            open_canvas(which, &c, &out);
            draw(&c, (aglm_mark_kind)kind, AGLM_INK_COMPLETE, (double[]){10, 10, 30, 20});
            close_canvas(which, &c, &out);
            assert_true(out.len > empty.len);
            aglm_str_clear(&empty);
            aglm_str_clear(&out);
        }
    }
}

/* A diagonal from corner to corner passes through every row, and a filled box through its cells. */
static void braille_is_drawn_dot_by_dot(void **state)
{
    aglm_canvas c;
    aglm_str out;

    (void)state;
    open_canvas(BRAILLE, &c, &out);
    draw(&c, AGLM_MARK_LINE, AGLM_INK_COMPLETE, (double[]){0, 0, c.width - 1, c.height - 1});
    draw(&c, AGLM_MARK_BOXES, AGLM_INK_COMPLETE, (double[]){100, 0, 104, 8});
    close_canvas(BRAILLE, &c, &out);
    assert_int_equal(count_of(out.data, "\n"), 12);
    assert_true(out.data[0] == '\xe2' && out.data[1] == '\xa0'); /* U+28xx in the corner */
    assert_int_equal(count_of(out.data, "\xe2\xa3\xbf"), 4);     /* U+28FF */
    assert_null(strstr(out.data, "\x1b"));
    aglm_str_clear(&out);
}

static void ascii_is_ascii(void **state)
{
    aglm_canvas c;
    aglm_str out;

    (void)state;
    open_canvas(ASCII, &c, &out);
    draw(&c, AGLM_MARK_BOXES, AGLM_INK_RAMP + 3, (double[]){0, 0, c.width, c.height});
    c.ops->text(c.self, AGLM_INK_TEXT, 0, 2, AGLM_ALIGN_LEFT, "caf\xc3\xa9 \xe4\xb8\xad");
    close_canvas(ASCII, &c, &out);
    for (size_t i = 0; i < out.len; i++)
        assert_in_range((unsigned char)out.data[i], '\n', '~');
    assert_non_null(strstr(out.data, "caf? ?"));
    aglm_str_clear(&out);
}

static void colours_are_reset_at_each_end(void **state)
{
    aglm_canvas c;
    aglm_str out;

    (void)state;
    open_canvas(COLOUR, &c, &out);
    draw(&c, AGLM_MARK_DOTS, AGLM_INK_FAIL, (double[]){3, 3, 0, 0});
    draw(&c, AGLM_MARK_DOTS, AGLM_INK_COMPLETE,
         (double[]){3, 2, 0, 0}); /* the failed stays on top */
    close_canvas(COLOUR, &c, &out);
    assert_non_null(strstr(out.data, "\x1b[0;31m"));
    assert_non_null(strstr(out.data, "\x1b[0m\n"));
    assert_null(strstr(out.data, "\x1b[0;34m"));
    aglm_str_clear(&out);
}

/* ---- figures of studies ---- */

#define TRIALS 400
#define PARAMS 128

struct study {
    aglm_plot_study view;
    aglm_space *space;
    aglm_direction directions[3];
    aglm_trial trials[TRIALS];
    double x[TRIALS][PARAMS];
    double values[TRIALS][3];
    aglm_step_row steps[TRIALS][3];
};

static struct study *make_study(const char *space, size_t n, size_t n_directions)
{
    struct study *s = calloc(1, sizeof *s);
    aglm_error err = {0};
    aglm_rng rng;

    aglm_rng_init(&rng, 5);
    assert_int_equal(aglm_space_new(&s->space, NULL), AGLM_OK);
    if (aglm_space_parse(s->space, space, strlen(space), &err) != AGLM_OK)
        fail_msg("%s", err.msg);
    assert_true(s->space->n <= PARAMS && n <= TRIALS);
    for (size_t i = 0; i < n; i++) {
        aglm_trial *t = &s->trials[i];
        aglm_space_sample(s->space, &rng, s->x[i]);
        *t = (aglm_trial){.number = (int64_t)i,
                          .state = AGLM_TRIAL_COMPLETE,
                          .x = s->x[i],
                          .values = s->values[i],
                          .n_values = n_directions,
                          .violation = NAN,
                          .steps = s->steps[i],
                          .n_steps = 3,
                          .started_s = 1.7e9 + (double)i,
                          .duration_s = 1.5};
        for (size_t k = 0; k < n_directions; k++)
            s->values[i][k] = aglm_rng_normal(&rng);
        for (size_t k = 0; k < 3; k++)
            s->steps[i][k] = (aglm_step_row){(int64_t)k, s->values[i][0] + 3 - (double)k};
        t->loss = s->values[i][0];
    }
    s->view = (aglm_plot_study){.name = "study <1>",
                                .space = s->space,
                                .trials = s->trials,
                                .n = n,
                                .directions = s->directions,
                                .n_directions = n_directions,
                                .group = -1};
    return s;
}

static void free_study(struct study *s)
{
    aglm_space_free(s->space);
    free(s);
}

/* Every kind on every canvas; returns how many kinds had something to show. */
static size_t draw_all(const struct study *s)
{
    size_t n;
    size_t shown = 0;
    const aglm_plot_kind *kinds = aglm_plot_kinds(&n);

    for (size_t i = 0; i < n; i++) {
        aglm_figure figure;
        aglm_arena a;
        aglm_error err = {0};
        aglm_arena_init(&a, 1u << 28);
        if (aglm_plot_make(&kinds[i], &s->view, &a, &figure, &err) != AGLM_OK)
            fail_msg("%s: %s", kinds[i].name, err.msg);
        assert_true((figure.empty != NULL) == (figure.n_panels == 0));
        shown += figure.n_panels > 0;
        for (int which = 0; !figure.empty && which < CANVASES; which++) {
            aglm_text_options o = text_options(which);
            aglm_str out;
            aglm_str_init(&out, 1u << 26);
            aglm_rc rc = which == SVG ? aglm_svg_put(&figure, 880, &a, &out, &err)
                                      : aglm_text_put(&figure, &o, &a, &out, &err);
            if (rc != AGLM_OK)
                fail_msg("%s: %s", kinds[i].name, err.msg);
            assert_true(out.len > 100);
            assert_null(strstr(out.data, "nan"));
            aglm_str_clear(&out);
        }
        aglm_arena_clear(&a);
    }
    return shown;
}

#define MIXED "lr=loguniform(1e-5,1) n=int(1,9) act=choice(relu,tanh,'a <b> & c') one=uniform(2,2)"

static void all_kinds_are_drawn(void **state)
{
    struct study *s = make_study(MIXED, TRIALS, 1);
    struct study *two = make_study(MIXED, TRIALS, 3);

    (void)state;
    for (size_t i = 0; i < TRIALS; i += 7) {
        s->trials[i].state = i % 2 ? AGLM_TRIAL_PRUNED : AGLM_TRIAL_FAIL;
        s->trials[i].n_values = i % 2;
    }
    two->trials[3].violation = 1;
    assert_int_equal(draw_all(s), 9); /* no front */
    assert_int_equal(draw_all(two), 10);
    s->view.group = 2;
    assert_int_equal(draw_all(s), 9);
    free_study(s);
    free_study(two);
}

static void odd_studies_are_drawn_or_say_why_not(void **state)
{
    char many[8192] = "";
    struct study *s = make_study(MIXED, 30, 1);

    (void)state;
    s->view.n = 0;
    assert_int_equal(draw_all(s), 0);
    s->view.n = 1;
    assert_true(draw_all(s) >= 6);
    s->view.n = 30;
    for (size_t i = 0; i < 30; i++)
        s->values[i][0] = s->trials[i].loss = 1;
    assert_int_equal(draw_all(s), 9);
    for (size_t i = 0; i < 30; i++)
        s->values[i][0] = s->trials[i].loss = i % 3 ? INFINITY : -1.7e308 * (double)(i % 2);
    for (size_t i = 0; i < 30; i++)
        s->steps[i][1].value = i % 2 ? NAN : -INFINITY;
    assert_int_equal(draw_all(s), 9);
    for (size_t i = 0; i < 30; i++) {
        s->values[i][0] = s->trials[i].loss = i % 2 ? INFINITY : -INFINITY;
        s->trials[i].started_s = s->trials[i].duration_s = NAN;
    }
    assert_int_equal(draw_all(s), 2); /* history without dots, intermediate values */
    free_study(s);
    for (int i = 0; i < 100; i++)
        snprintf(many + strlen(many), sizeof many - strlen(many),
                 "a_parameter_with_a_long_name_%d=uniform(0,1) ", i);
    s = make_study(many, 50, 1);
    assert_int_equal(draw_all(s), 9);
    free_study(s);
    s = make_study("one=uniform(2,2)", 5, 1);
    assert_int_equal(draw_all(s), 4); /* history, edf, intermediate, timeline */
    free_study(s);
}

static double last_best(const aglm_figure *f)
{
    for (size_t m = 0; m < f->panels[0].n_marks; m++) {
        const aglm_mark *mark = &f->panels[0].marks[m];
        if (mark->ink == AGLM_INK_BEST)
            return mark->y[mark->n - 1];
    }
    return NAN;
}

static void the_best_line_follows_the_direction(void **state)
{
    struct study *s = make_study(MIXED, 50, 1);
    const aglm_plot_kind *history = aglm_plot_kind_find("history");

    (void)state;
    for (int up = 0; up < 2; up++) {
        double best = NAN;
        aglm_figure f;
        aglm_arena a;
        s->directions[0] = up ? AGLM_MAXIMIZE : AGLM_MINIMIZE;
        s->values[9][0] = up ? 99 : -99;
        s->trials[9].violation = 2; /* infeasible: never the best */
        for (size_t i = 0; i < 50; i++) {
            s->trials[i].loss = up ? -s->values[i][0] : s->values[i][0];
            if (i != 9)
                best = up ? fmax(best, s->values[i][0]) : fmin(best, s->values[i][0]);
        }
        aglm_arena_init(&a, 1u << 24);
        assert_int_equal(aglm_plot_make(history, &s->view, &a, &f, NULL), AGLM_OK);
        assert_true(last_best(&f) == best);
        aglm_arena_clear(&a);
    }
    free_study(s);
}

static void the_front_is_what_no_trial_dominates(void **state)
{
    struct study *s = make_study(MIXED, 200, 2);
    size_t front = 0;
    aglm_figure f;
    aglm_arena a;

    (void)state;
    s->directions[1] = AGLM_MAXIMIZE;
    for (size_t i = 0; i < 200; i++) {
        bool beaten = false;
        for (size_t k = 0; k < 200; k++)
            beaten |= s->values[k][0] < s->values[i][0] && s->values[k][1] > s->values[i][1];
        front += !beaten;
    }
    aglm_arena_init(&a, 1u << 24);
    assert_int_equal(aglm_plot_make(aglm_plot_kind_find("front"), &s->view, &a, &f, NULL), AGLM_OK);
    assert_int_equal(f.panels[0].marks[2].n, front);
    assert_int_equal(f.panels[0].marks[1].n, 200 - front);
    aglm_arena_clear(&a);
    free_study(s);
}

static void the_page_is_whole_and_safe(void **state)
{
    struct study *s = make_study("'</script><b>'=choice('</script>',\"'\") x=uniform(0,1)", 40, 1);
    aglm_str out;
    aglm_str again;

    (void)state;
    aglm_str_init(&out, 1u << 26);
    aglm_str_init(&again, 1u << 26);
    assert_int_equal(aglm_page_put(&s->view, NULL, &out, NULL), AGLM_OK);
    assert_int_equal(aglm_page_put(&s->view, NULL, &again, NULL), AGLM_OK);
    assert_string_equal(out.data, again.data);
    assert_int_equal(count_of(out.data, "</script>"), 3);
    assert_int_equal(count_of(out.data, "<section "), 10);
    assert_null(strstr(out.data, "<b></script>"));
    assert_non_null(strstr(out.data, "study &lt;1&gt;"));
    assert_null(strstr(out.data, "http:/"
                                 "/cdn"));
    assert_null(strstr(out.data, "src="));
    aglm_str_clear(&out);
    aglm_str_clear(&again);
    free_study(s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(text_is_shown_as_it_is),
        cmocka_unit_test(odd_coordinates_do_no_harm),
        cmocka_unit_test(marks_are_seen),
        cmocka_unit_test(braille_is_drawn_dot_by_dot),
        cmocka_unit_test(ascii_is_ascii),
        cmocka_unit_test(colours_are_reset_at_each_end),
        cmocka_unit_test(all_kinds_are_drawn),
        cmocka_unit_test(odd_studies_are_drawn_or_say_why_not),
        cmocka_unit_test(the_best_line_follows_the_direction),
        cmocka_unit_test(the_front_is_what_no_trial_dominates),
        cmocka_unit_test(the_page_is_whole_and_safe),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
