#include "daemon/http/http_limits.h"

#include <assert.h>
#include <stddef.h>

#include "shared/compiler.h"

const char *http_limit_name(enum http_limit limit)
{
    static const char *const names[HTTP_LIMITS] = {
        [HTTP_LIMIT_CONNECTIONS] = "connections",
        [HTTP_LIMIT_SOURCE_CONNECTIONS] = "source_connections",
        [HTTP_LIMIT_IDLE_TIME] = "idle_time",
        [HTTP_LIMIT_REQUEST_TIME] = "request_time",
        [HTTP_LIMIT_HANDSHAKE_TIME] = "handshake_time",
        [HTTP_LIMIT_WRITE_TIME] = "write_time",
        [HTTP_LIMIT_CONNECTION_AGE] = "connection_age",
        [HTTP_LIMIT_BODY_BYTES] = "body_bytes",
        [HTTP_LIMIT_REQUESTS_IN_FLIGHT] = "requests_in_flight",
        [HTTP_LIMIT_DROPPED_REQUESTS] = "dropped_requests",
        [HTTP_LIMIT_PIPELINED_REQUESTS] = "pipelined_requests",
        [HTTP_LIMIT_HELD_BYTES] = "held_bytes",
        [HTTP_LIMIT_LIBRARY_LINES] = "library_lines",
    };
    assert((size_t)limit < ARRAY_LEN(names));
    return names[limit];
}
