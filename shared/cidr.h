#pragma once

#include <stdbool.h>
#include <sys/socket.h>

#include "shared/compiler.h"
#include "shared/error.h"

/* Networks of IP addresses: "10.0.0.0/8", "2001:db8::/32", or one address. Thread-safe. */
struct cidr {
    int family; /* AF_INET or AF_INET6 */
    unsigned prefix;
    unsigned char address[16];
};

/* Strict: a numeric address without zone, then "/" and a prefix without leading zeros, or nothing. -EINVAL with the
 * reason when it is none, or when bits behind the prefix are set. IPv4 written as IPv6 (::ffff:10.0.0.0/104) becomes
 * IPv4. */
MUST_CHECK int cidr_parse(const char *text, struct cidr *ret_cidr, struct error *err);

/* Whether the address is in it. A peer of IPv4 counts as such also when an IPv6 socket shows it mapped; networks of one
 * family hold no address of the other. */
bool cidr_contains(const struct cidr *cidr, const struct sockaddr *address);

enum { CIDR_TEXT_SIZE = 64 };

/* The numeric address for logs, mapped IPv4 as IPv4, without port; "unknown" for another family. */
void cidr_format_address(const struct sockaddr *address, char ret_text[CIDR_TEXT_SIZE]);
