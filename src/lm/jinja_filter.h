/* lm/jinja_filter.h - the filters by what they work on.
 * Threads: confined to one rendering. */
#ifndef AGLM_LM_JINJA_FILTER_H
#define AGLM_LM_JINJA_FILTER_H

#include "lm/jinja_method.h"

const aglm_jbuiltin *aglm_jfilter_find_text(const aglm_jval *name);
const aglm_jbuiltin *aglm_jfilter_find_list(const aglm_jval *name);
const aglm_jbuiltin *aglm_jfilter_find_choice(const aglm_jval *name);

/* item.a.b for the path "a.b" or an index. */
aglm_rc aglm_jrun_path(aglm_jrun *r, const aglm_jval *item, const aglm_jval *path, aglm_jval *out);
/* What it is sorted or compared by: the value at path (where given), lower-case unless cased. */
aglm_rc aglm_jrun_sort_key(aglm_jrun *r, const aglm_jval *item, const aglm_jval *path, bool cased,
                           aglm_jval *out);

#endif
