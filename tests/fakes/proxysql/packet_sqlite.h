#pragma once

#include <sqlite3.h>

#include "tests/fakes/proxysql/packet.h"

/* One row of MySQL's text protocol: the row that the statement stands on. */
void packet_sqlite_row(struct packet_writer *w, sqlite3_stmt *statement);
