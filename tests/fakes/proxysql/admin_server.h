#pragma once

#include <openssl/ssl.h>
#include <stddef.h>
#include <stdint.h>

#include "shared/compiler.h"
#include "shared/error.h"
#include "tests/fakes/proxysql/node.h"

/*
 * The admin port (6032): one thread per connection without any cap, each statement through the node's gate. A thread
 * that waits for the gate does not look at its socket, as in ProxySQL. Functions are thread-safe.
 */
struct admin_server;

struct admin_counters {
    int64_t open;
    int64_t open_max;
    int64_t total;
    int64_t logins;
    int64_t refused; /* logins that failed */
    int64_t pings;
};

/* Bind to "host:port" (port 0 picks one); connects are refused before the start. tls NULL = TLS is not offered. */
MUST_CHECK int admin_server_new(const char *address, SSL_CTX *tls, struct admin_server **ret_server, struct error *err);
/* Serve node, which must outlive the server. */
MUST_CHECK int admin_server_start(struct admin_server *a, struct node *node, struct error *err);
/* Cut all connections, join all threads, free. The node's gate must have been stopped. NULL is fine. */
void admin_server_stop(struct admin_server *a);

void admin_server_address(const struct admin_server *a, char *ret_text, size_t size);

/* Close the listener, or open it again on the same port. */
void admin_server_refuse(struct admin_server *a, bool refuse);

/* Cut all connections now. Returns how many. */
int64_t admin_server_drop(struct admin_server *a);

void admin_server_count(struct admin_server *a, struct admin_counters *ret_counters);
