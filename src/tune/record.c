#include "tune/record.h"

#include <stdio.h>
#include <string.h>
#include <sys/utsname.h>

#include "tune/report.h"

void aglm_record_source(aglm_json_writer *w, const char *key, const aglm_table *t)
{
    const aglm_read_report *rep = aglm_table_report(t);

    aglm_json_key(w, key);
    aglm_json_open_object(w);
    aglm_json_member_text(w, "name", rep->name);
    aglm_json_member_text(w, "format", aglm_format_name(rep->format));
    aglm_json_member_text(w, "encoding", aglm_encoding_name(rep->encoding));
    aglm_json_member_int(w, "bytes", (int64_t)rep->bytes);
    aglm_json_member_text(w, "sha256", rep->sha256);
    aglm_json_member_int(w, "rows", (int64_t)aglm_table_rows(t));
    aglm_json_member_int(w, "bad_rows_skipped", (int64_t)rep->bad_rows);
    aglm_json_close_object(w);
}

void aglm_record_interval(aglm_json_writer *w, const char *key, aglm_interval i)
{
    aglm_json_key(w, key);
    aglm_json_open_array(w);
    aglm_json_put_double(w, i.low);
    aglm_json_put_double(w, i.high);
    aglm_json_close_array(w);
}

/* "model name" of /proc/cpuinfo; "unknown" elsewhere. */
static void cpu_name(char *buf, size_t size)
{
    FILE *f = fopen("/proc/cpuinfo", "r");
    char line[256];

    snprintf(buf, size, "unknown");
    while (f && fgets(line, sizeof line, f)) {
        char *colon = strchr(line, ':');
        if (strncmp(line, "model name", 10) != 0 || !colon)
            continue;
        line[strcspn(line, "\n")] = '\0';
        snprintf(buf, size, "%s", colon + 2);
        break;
    }
    if (f)
        fclose(f);
}

void aglm_record_environment(aglm_json_writer *w, unsigned threads)
{
    char cpu[128];
    struct utsname u;

    cpu_name(cpu, sizeof cpu);
    aglm_json_key(w, "environment");
    aglm_json_open_object(w);
    aglm_json_member_text(w, "cpu", cpu);
    if (uname(&u) == 0) {
        aglm_json_member_text(w, "system", u.sysname);
        aglm_json_member_text(w, "machine", u.machine);
    }
    aglm_json_member_text(w, "compiler", __VERSION__);
    aglm_json_member_int(w, "threads", threads);
    aglm_json_close_object(w);
}

/* Where things are written does not change what is written, so --out and --storage are left out:
 * the same command elsewhere gives the same bundle. */
void aglm_record_command(aglm_json_writer *w, const char *const *argv, size_t n)
{
    aglm_json_key(w, "command");
    aglm_json_open_array(w);
    for (size_t i = 0; i < n; i++) {
        const char *a = argv[i];
        bool place = strcmp(a, "--out") == 0 || strcmp(a, "-o") == 0 || strcmp(a, "--storage") == 0;
        if (place)
            i++;
        else if (strncmp(a, "--out=", 6) != 0 && strncmp(a, "--storage=", 10) != 0)
            aglm_json_put_text(w, a);
    }
    aglm_json_close_array(w);
}

static void write_trial(aglm_json_writer *w, const aglm_space *space, const aglm_trial *t)
{
    aglm_json_open_object(w);
    aglm_json_member_int(w, "number", t->number);
    aglm_json_member_text(w, "state", aglm_report_state(t->state));
    aglm_json_key(w, "values");
    aglm_json_open_array(w);
    for (size_t i = 0; i < t->n_values; i++)
        aglm_json_put_double(w, t->values[i]);
    aglm_json_close_array(w);
    aglm_json_key(w, "params");
    aglm_point_write(space, t->x, w);
    aglm_json_key(w, "steps");
    aglm_json_open_array(w);
    for (size_t i = 0; i < t->n_steps; i++)
        aglm_json_put_double(w, t->steps[i].value);
    aglm_json_close_array(w);
    aglm_json_close_object(w);
}

/* Without times, so that the same seed gives the same file. Trials that the clock cut off are left
 * out for the same reason. */
aglm_rc aglm_record_study(const aglm_recorded_study *r, aglm_str *s)
{
    aglm_json_writer w;
    aglm_str space;

    aglm_str_init(&space, 1 << 20);
    aglm_space_write(r->space, &space);
    aglm_json_writer_init(&w, s);
    w.pretty = true;
    aglm_json_open_object(&w);
    aglm_json_member_text(&w, "study", r->name);
    aglm_json_member_text(&w, "metric", r->metric);
    aglm_json_member_text(&w, "direction", r->maximize ? "maximize" : "minimize");
    aglm_json_key(&w, "space");
    aglm_json_put_parsed(&w, space.data, space.len);
    aglm_json_key(&w, "trials");
    aglm_json_open_array(&w);
    for (size_t i = 0; i < r->n_trials; i++)
        if (r->trials[i].state == AGLM_TRIAL_COMPLETE || r->trials[i].state == AGLM_TRIAL_PRUNED)
            write_trial(&w, r->space, &r->trials[i]);
    aglm_json_close_array(&w);
    aglm_json_close_object(&w);
    aglm_str_putc(s, '\n');
    if (s->rc == AGLM_OK || space.rc == AGLM_NOMEM)
        s->rc = space.rc;
    aglm_str_clear(&space);
    return s->rc;
}
