#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "shared/compiler.h"
#include "tests/fakes/proxysql/packet.h"

/*
 * The database server behind the traffic port: SQLite tables in memory, shared by all sessions of one process.
 * Transactions never wait for each other: the statements of an open one are run before each next one and undone again;
 * COMMIT runs them for good, so that the last COMMIT wins. A temporary table lives as long as its link. GET_LOCK and
 * LOCK TABLES lock nothing. Not thread-safe: one lock of the caller for a backend and all its links.
 */
struct backend;
struct backend_link;

enum { BACKEND_TRANSACTION_MAX = 1000 }; /* statements of one transaction */

/* Aborts when SQLite cannot even do this. */
struct backend *backend_new(void);
/* After its links. NULL is fine. */
void backend_free(struct backend *b);

/* One session's connection. session_id is what CONNECTION_ID() says. */
struct backend_link *backend_link_new(struct backend *b, uint32_t session_id);
/* Ends an open transaction without any trace. NULL is fine. */
void backend_link_free(struct backend_link *link);

/* Run the first of sql's statements and write its answer: rows, OK or ERR. rows false: OK in place of rows. */
void backend_run(struct backend_link *link, const char *sql, bool rows, struct packet_writer *out);

/* Open a transaction; in one already: nothing. */
void backend_begin(struct backend_link *link);
void backend_end(struct backend_link *link, bool commit);
bool backend_in_transaction(const struct backend_link *link);
