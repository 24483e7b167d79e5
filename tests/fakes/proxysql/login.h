#pragma once

#include <openssl/ssl.h>
#include <stdbool.h>
#include <stdint.h>

#include "shared/compiler.h"
#include "tests/fakes/proxysql/accounts.h"
#include "tests/fakes/proxysql/packet.h"
#include "tests/fakes/proxysql/stream.h"

/*
 * The connection phase of the admin port: greeting, TLS upgrade, mysql_native_password and caching_sha2_password with
 * the switches and refusals of ProxySQL 2.7 (lib/MySQL_Protocol.cpp, process_pkt_handshake_response).
 */
enum { LOGIN_USER_MAX = 64, LOGIN_SCRAMBLE_BYTES = 20 };

struct login_options {
    struct accounts *accounts;
    SSL_CTX *tls;        /* NULL = TLS is not offered */
    const char *peer;    /* the client's address, for error texts and for users that are local only */
    uint32_t session_id; /* shown in the greeting */
};

/* Greet and run the exchange until OK or ERR has been sent. 0: logged in as ret_user, *ret_stats says whether as a
 * stats user; -EACCES: refused, the peer has been told; otherwise the connection is broken. */
MUST_CHECK int login_run(struct stream *s, const struct login_options *options, char ret_user[static LOGIN_USER_MAX],
                         bool *ret_stats);
