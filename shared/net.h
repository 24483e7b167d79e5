#pragma once

#include <netinet/in.h>
#include <stdint.h>
#include <sys/socket.h>

#include "shared/compiler.h"

/* Small helpers for sockets. Thread-safe. */

/* The socket address of a numeric IPv4 or IPv6 address. Returns its length, 0 when address is not numeric. */
socklen_t net_sockaddr(const char *address, uint16_t port, struct sockaddr_storage *ret_sockaddr);

/* "address", "address:port", "[IPv6]" or "[IPv6]:port" as an address in inet_ntop()'s spelling and a port, 0 = none
 * given. -EINVAL: another form, or an address that is no host's (0.0.0.0, ::). Set only on success. */
MUST_CHECK int net_parse_address(const char *text, char ret_ip[INET6_ADDRSTRLEN], uint16_t *ret_port);

/* Begin a TCP connect to a numeric address without waiting. The non-blocking descriptor, whose outcome shows when it is
 * writable, or a negative errno (-ECONNREFUSED when that is known at once). */
MUST_CHECK int net_connect_start(const char *address, uint16_t port);

/* The outcome of a connect that has ended: 0 or a negative errno. */
MUST_CHECK int net_connect_result(int fd);
