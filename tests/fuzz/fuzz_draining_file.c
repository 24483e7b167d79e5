/*
 * The draining file: what it holds decides whether ProxySQL is stopped and which wait_timeout it gets. Beyond not
 * crashing: a text that is taken is written again as the same record, and one of another length is never taken.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/drain/draining_file.h"
#include "tests/fuzz/fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct error err = ERROR_INIT;
    struct draining_record r;
    int rc = draining_record_parse((const char *)data, size, &r, &err);
    if (rc < 0) {
        if (rc != -EBADMSG || err.text[0] == '\0')
            abort();
        return 0;
    }
    if (size != DRAINING_FILE_BYTES)
        abort();
    char text[DRAINING_FILE_BYTES];
    struct draining_record again;
    if (draining_record_format(&r, text, &err) < 0 || draining_record_parse(text, sizeof(text), &again, &err) < 0)
        abort();
    if (again.kind != r.kind || strcmp(again.host, r.host) != 0 || again.boot_ms != r.boot_ms ||
        again.wait_timeout_ms != r.wait_timeout_ms || again.session_idle_ms != r.session_idle_ms ||
        again.deadline_ms != r.deadline_ms)
        abort();
    return 0;
}
