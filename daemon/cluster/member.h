#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "shared/compiler.h"
#include "shared/error.h"

/*
 * Rows of proxysql_servers: who belongs to the cluster. Pure functions; a list belongs to one thread.
 */
enum { MEMBER_HOST_SIZE = 254, MEMBER_COMMENT_SIZE = 256, MEMBERS_MAX = 256 };

struct member {
    char host[MEMBER_HOST_SIZE]; /* an address or a DNS name */
    uint16_t port;
    int64_t weight;
    char comment[MEMBER_COMMENT_SIZE]; /* free text; agents write the pod's name */
};

struct member_list {
    struct member *items; /* owned; NULL while count is 0 */
    size_t count;
};

void member_list_fini(struct member_list *list);
#define cleanup_members __attribute__((cleanup(member_list_fini)))

/* Append a copy. -EMSGSIZE at MEMBERS_MAX. */
MUST_CHECK int member_list_add(struct member_list *list, const struct member *member, struct error *err);

/* The same host, port, weight and comment. */
bool member_equal(const struct member *a, const struct member *b);

/* The row of host and port, which are the table's primary key, or NULL. */
struct member *member_list_find(const struct member_list *list, const char *host, uint16_t port);

/* The same rows, in whatever order. */
bool member_list_equal(const struct member_list *a, const struct member_list *b);

/* host is an IPv4 or IPv6 address, or a DNS name as in RFC 1123 (at most 253 characters). */
bool member_host_valid(const char *host);

/* host is an address. */
bool member_host_is_address(const char *host);

/* Something that ProxySQL may have as a hostname, whoever put it there: 1 to 253 visible ASCII characters without
 * quotes. It is taken as it is when read, so that an odd row (an underscore, say) does not keep the others from being
 * judged; only member_host_valid() names are written. */
bool member_host_readable(const char *host);

/* Make a member of what ProxySQL answered. -EPROTO with a text that names the bad value. */
MUST_CHECK int member_parse(const char *host, const char *port, const char *weight, const char *comment,
                            struct member *ret_member, struct error *err);
