#pragma once

#include "shared/compiler.h"
#include "shared/error.h"

/*
 * How a connection to ProxySQL's admin interface is made: the login and TLS that are asked of Connector/C, and what its
 * failures mean. A connection belongs to one thread at a time.
 */
struct st_mysql; /* the library's MYSQL */

enum db_tls { DB_TLS_DISABLED, DB_TLS_REQUIRED, DB_TLS_VERIFY };

/* Borrowed strings; they must stay valid while a connection made with them exists. */
struct db_params {
    const char *username;
    enum db_tls tls;
    const char *ca_file;   /* "" = the system's */
    const char *cert_file; /* "" = none */
    const char *key_file;  /* "" = none */
    int cancel_fd;         /* readable = every wait ends with -ECANCELED; -1 = none */
};

enum { DB_ROW_BYTES_MAX = 16 * 1024 * 1024 }; /* one packet; for the library a longer one is a lost connection */

/* A handle of the library for non-blocking calls; mysql_close() it. Never fails. */
struct st_mysql *db_connect_new(const struct db_params *params);

/* What the library's refusal means, with the text: -ECONNREFUSED, -EHOSTUNREACH and the like, -EACCES (login denied),
 * -ECONNRESET (lost in the middle), -EPROTO (not what a MySQL server says). */
MUST_CHECK int db_connect_error(struct st_mysql *mysql, struct error *err);

/* A login has succeeded: is it over TLS, if that is required? 0 or -EPROTO. */
MUST_CHECK int db_connect_check_tls(struct st_mysql *mysql, enum db_tls tls, struct error *err);
