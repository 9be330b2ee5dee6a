#include "cli/reading.h"

#include <string.h>

aglm_rc aglm_reading_options(const aglm_args *a, aglm_read_options *read, aglm_task_options *task,
                             aglm_error *err)
{
    const char *format = aglm_args_text(a, "format", NULL);
    const char *encoding = aglm_args_text(a, "encoding", NULL);
    const char *header = aglm_args_text(a, "header", NULL);

    memset(read, 0, sizeof *read);
    memset(task, 0, sizeof *task);
    if (format && !aglm_format_from_name(format, &read->format))
        return aglm_error_set(err, AGLM_INVALID, "--format %.60s: there is no such format", format);
    if (encoding && !aglm_encoding_from_name(encoding, &read->encoding))
        return aglm_error_set(err, AGLM_INVALID,
                              "--encoding %.60s: use utf-8, gb18030, utf-16le, utf-16be or latin1",
                              encoding);
    if (header)
        read->header = strcmp(header, "yes") == 0 ? AGLM_HEADER_YES : AGLM_HEADER_NO;
    read->skip_bad_rows = aglm_args_flag(a, "skip-bad-rows");
    task->label = aglm_args_text(a, "label", NULL);
    task->text = aglm_args_text(a, "text", NULL);
    return AGLM_OK;
}
