/* The Accept header of a client of /metrics. */
#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/metrics/accept.h"
#include "tests/fuzz/fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char *exact = malloc(size > 0 ? size : 1); /* of its own, so that a step beyond its end is seen */
    assert(exact != NULL);
    if (size > 0)
        memcpy(exact, data, size);
    enum metrics_format format = metrics_accept(exact, size);
    assert(format == METRICS_TEXT || memmem(exact, size, "-", 1) != NULL);
    free(exact);
    return 0;
}
