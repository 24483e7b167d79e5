/*
 * The record of what was stamped, which somebody may have written over.
 *
 * Beyond not crashing: what is taken is written and read again as the same record; what is refused says why.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/jobs/stamp_record.h"
#include "tests/fuzz/fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct stamp_record record;
    struct stamp_record again;
    struct error err = ERROR_INIT;
    int rc = stamp_record_parse((const char *)data, size, &record, &err);
    if (rc < 0) {
        if (rc != -EPROTO || err.text[0] == '\0')
            abort();
        return 0;
    }
    cleanup_buf struct buf first;
    cleanup_buf struct buf second;
    buf_init(&first, STAMP_RECORD_BYTES_MAX);
    buf_init(&second, STAMP_RECORD_BYTES_MAX);
    if (stamp_record_format(&record, &first) < 0 || stamp_record_parse(first.data, first.len, &again, &err) < 0 ||
        stamp_record_format(&again, &second) < 0 || strcmp(first.data, second.data) != 0 ||
        !stamp_record_is_of(&again, record.boot_id, record.boot_ms))
        abort();
    return 0;
}
