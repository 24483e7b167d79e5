#pragma once

#include <stdint.h>

#include "daemon/proxysql/db_conn.h"
#include "shared/buf.h"

/*
 * How a pool's connections are made: everything but the place. Owns its texts. Not thread-safe; the pool keeps one
 * under its lock and connects with a copy.
 */
struct db_login {
    char *username;
    char *password;
    char *password_file; /* "" = use password; else read before each login */
    enum db_tls tls;
    char *ca_file;
    char *cert_file;
    char *key_file;
    int64_t connect_timeout_ms;
    uint64_t version; /* 1, and one more for each change of what the server gets to see */
};

struct db_pool_options;

/* A login of its own from the options' texts, version 1. */
void db_login_init(struct db_login *login, const struct db_pool_options *options);
void db_login_copy(struct db_login *ret_login, const struct db_login *from);

/* Take over what the options say. version grows unless only the timeout differs. */
void db_login_change(struct db_login *login, const struct db_pool_options *options);

/* Zeroed ones are fine. */
void db_login_fini(struct db_login *login);
#define cleanup_login __attribute__((cleanup(db_login_fini)))

/* For db_conn_new(); borrows. */
struct db_params db_login_params(const struct db_login *login, int cancel_fd);

/* Append the password. Without one there is no login: -EACCES, whatever is wrong with the file. */
MUST_CHECK int db_login_read_password(const struct db_login *login, struct buf *out, struct error *err);
