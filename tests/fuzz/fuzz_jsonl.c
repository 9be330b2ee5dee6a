/* Every other format, and finding out which; the first byte chooses. */
#include "fuzz.h"

#include "table_checks.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const aglm_format formats[] = {AGLM_FORMAT_JSONL,    AGLM_FORMAT_JSON,
                                          AGLM_FORMAT_FASTTEXT, AGLM_FORMAT_CONLL,
                                          AGLM_FORMAT_LINES,    AGLM_FORMAT_AUTO};

    if (size == 0)
        return 0;
    const aglm_read_options options = {
        .format = formats[data[0] % 6],
        .skip_bad_rows = data[0] & 32,
        .max_bytes = 1 << 22,
    };
    check_table("f", (const char *)data + 1, size - 1, &options);
    return 0;
}
