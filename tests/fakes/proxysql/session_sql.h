#pragma once

#include <stdint.h>

#include "tests/fakes/proxysql/packet.h"
#include "tests/fakes/proxysql/session.h"

/* What a client's statement does to its session; what is left of it goes to the backend. */

/* How long the statement takes: the number in its SLEEP(...), 0 without one. Microseconds. */
int64_t session_sql_delay_us(const char *sql);

/* Execute it and write the answer. s->link is there. */
void session_sql_execute(struct session *s, const char *sql, struct packet_writer *out);
