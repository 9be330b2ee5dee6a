/* Delimited text; the first byte chooses format, header, encoding and what becomes of bad rows. */
#include "fuzz.h"

#include "table_checks.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size == 0)
        return 0;
    const aglm_read_options options = {
        .format = data[0] & 1 ? AGLM_FORMAT_TSV : AGLM_FORMAT_CSV,
        .header = (aglm_header)((data[0] >> 1) % 3),
        .encoding = data[0] & 16 ? AGLM_ENC_UTF8 : AGLM_ENC_AUTO,
        .skip_bad_rows = data[0] & 32,
        .max_row_bytes = data[0] & 64 ? 64 : 0,
    };
    check_table("f", (const char *)data + 1, size - 1, &options);
    return 0;
}
