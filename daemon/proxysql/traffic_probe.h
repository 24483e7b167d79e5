#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "shared/compiler.h"
#include "shared/error.h"
#include "shared/resolve.h"

/*
 * Does ProxySQL's traffic port greet? A MySQL server speaks first, so one connect and a few bytes tell, without a
 * login. Started first and finished later, the greeting arrives beside whatever the caller does in between.
 * One probe belongs to one thread.
 */
enum traffic_verdict {
    TRAFFIC_UNKNOWN, /* not asked yet */
    TRAFFIC_GREETS,  /* any MySQL packet, an ERR too */
    TRAFFIC_SILENT,  /* connects, but no MySQL packet in time; or no answer to the connect at all */
    TRAFFIC_REFUSED, /* nobody listens, on none of the host's addresses */
};

struct traffic_probe {
    int fd; /* -1 = none */
    struct resolved addresses;
    size_t next; /* of the addresses, to try when this one refuses */
    uint16_t port;
    enum traffic_verdict verdict;
    unsigned char head[5]; /* the packet's header and its first byte */
    unsigned have;
    struct error error; /* why it does not greet */
};

/* Begin to connect to host:port. A name is looked up by deadline_ms. */
void traffic_probe_start(struct traffic_probe *p, const char *host, uint16_t port, int64_t deadline_ms);

/* Wait for the greeting until until_ms (a past time = just look). True when the verdict is known, and the connection
 * closed; call again to wait longer. */
bool traffic_probe_wait(struct traffic_probe *p, int64_t until_ms);

/* The verdict, SILENT when it is still open; closes the connection. */
enum traffic_verdict traffic_probe_finish(struct traffic_probe *p, struct error *err);

/* "greets", "silent", "refused", "unknown" */
const char *traffic_verdict_name(enum traffic_verdict verdict);

enum { TRAFFIC_HOST_SIZE = 256 };

/* The address to probe from the value of mysql-interfaces ("0.0.0.0:6033;/tmp/proxysql.sock"): its first TCP entry,
 * with admin_host in the place of a wildcard address. 0, or -ENOENT when no entry is a TCP address. */
MUST_CHECK int traffic_address_choose(const char *interfaces, const char *admin_host,
                                      char ret_host[static TRAFFIC_HOST_SIZE], uint16_t *ret_port);
