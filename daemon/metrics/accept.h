#pragma once

#include <stddef.h>

/* Which form of /metrics a client wants. */
enum metrics_format { METRICS_TEXT, METRICS_OPENMETRICS };

/* From an Accept header (RFC 9110, 12.5.1; not ended by a NUL): OpenMetrics when it is asked for by name and not less
 * wanted than text. What cannot be understood counts as not said. Pure. */
enum metrics_format metrics_accept(const char *value, size_t len);
