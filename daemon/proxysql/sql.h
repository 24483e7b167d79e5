#pragma once

#include "shared/buf.h"

/* Text for SQLite, which is what ProxySQL's admin interface is: backslash is no escape there. Thread-safe. */

/* Append value as a literal: 'it''s'. 0; -EINVAL: it has control characters; else what buf_append() returns. */
MUST_CHECK int sql_quote(struct buf *sql, const char *value);
