/* plot/page.h - all figures of a study as one HTML file that needs nothing else.
 * Threads: pure functions. */
#ifndef AGLM_PLOT_PAGE_H
#define AGLM_PLOT_PAGE_H

#include "base/str.h"
#include "plot/kind.h"

/* Appends the page: heading, the figures (only: this one alone; NULL: every kind), the trials as
 * data for the script that shows them under the pointer and lets them be chosen. Names and values
 * are escaped. The same trials give the same bytes. */
aglm_rc aglm_page_put(const aglm_plot_study *study, const aglm_plot_kind *only, aglm_str *out,
                      aglm_error *err);

/* Text with &, <, > and quotes escaped; control characters are left out. */
void aglm_html_escape(aglm_str *out, const char *text);

/* page.css and page.js as they are: made at build time. */
extern const char aglm_page_style[];
extern const char aglm_page_script[];

#endif
