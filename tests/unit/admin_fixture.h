#pragma once

/*
 * What the tests of the agent's statements share: one connection as radmin to a server, which is the stand-in for
 * ProxySQL or one that answers what the test wrote down. Whatever goes wrong here ends the test. One thread.
 */
#include "tests/unit/unit.h"

#include "daemon/proxysql/db_conn.h"
#include "tests/unit/db_library_fixture.h"
#include "tests/unit/scripted_server.h"
#include "tests/unit/stand_in.h"

enum { enough_ms = 20000 };

extern struct stand_in px;
extern struct scripted_server script;
extern struct db_conn *conn; /* to px or script */
extern struct error err;     /* of the last statement */

/* A deadline that only a broken program reaches. */
int64_t soon(void);

/* What set err must have succeeded. */
void must(int rc);

void connect_to(uint16_t port);
void run(const char *sql);

/* px with more flags (see stand_in_start()), and conn to it. */
void start_stand_in_with(const char *const *flags);
int start_stand_in(void **state);
int stop_stand_in(void **state);
#define STAND_IN(test) cmocka_unit_test_setup_teardown(test, start_stand_in, stop_stand_in)

/* A script that lets the agent log in; the test adds what is answered then, and connects. */
void script_begin(void);
void script_connect(void);
void script_end(void);

/* All of it, for a script that answers with these rows. */
void script_serve(unsigned columns, unsigned rows, const char *const *values);
