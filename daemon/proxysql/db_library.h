#pragma once

#include "shared/compiler.h"
#include "shared/error.h"

/* The MySQL client library (MariaDB Connector/C) of the process: db_library_start() once before the threads that use
 * connections, db_library_stop() once after them. -EIO. */
MUST_CHECK int db_library_start(struct error *err);
void db_library_stop(void);

/* Every thread that used a connection calls db_thread_end() before it ends; db_thread_start() may be called first. */
void db_thread_start(void);
void db_thread_end(void);
