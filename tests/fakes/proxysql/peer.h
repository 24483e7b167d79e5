#pragma once

#include <netinet/in.h>
#include <stdbool.h>
#include <stdint.h>

#include "tests/fakes/proxysql/checksums.h"

/*
 * What a node remembers of one row of runtime_proxysql_servers, and the arithmetic of when to pull from it
 * (lib/ProxySQL_Cluster.cpp, set_checksums and get_peer_to_sync_*). Everything but the name and the port is under the
 * cluster's lock.
 */
struct peer_checksum {
    struct checksum value;
    int64_t changed_at; /* real time, whole seconds; 0 = never */
    int64_t updated_at;
    unsigned diff_check; /* consecutive checks that differed from ours */
};

struct peer_metrics {
    int64_t read_at_us; /* monotonic; 0 = never */
    int64_t response_time_us;
    int64_t uptime_s;
    int64_t questions;
    int64_t connected;
    int64_t created;
};

enum peer_use { PEER_CHECKS, PEER_PULLS, PEER_USES };

struct peer {
    struct peer *next;
    struct cluster *cluster;
    pthread_t thread;
    char *hostname;
    uint16_t port;
    int64_t weight;
    char *comment;
    bool removed;                   /* no row names it any more: its thread ends at its next step */
    bool tried;                     /* the first connect is over */
    bool finished;                  /* its thread is about to end and takes no lock any more */
    int fds[PEER_USES];             /* sockets to shut down at the end, -1 = none */
    char address[INET6_ADDRSTRLEN]; /* where the name led at the last good connect; "" = look it up */
    uint64_t global_checksum;       /* of the last check; 0 = unknown */
    struct peer_checksum checksums[CHECKSUM_NAMES];
    struct peer_metrics metrics;
};

struct peer *peer_new(const char *hostname, uint16_t port);
/* Its thread has been joined. NULL is fine. */
void peer_free(struct peer *peer);

/* A check has read this value of the peer's; own is ours now, now in whole seconds of real time. */
void peer_checksum_read(struct peer_checksum *sum, const struct checksum *value, const struct checksum *own,
                        int64_t now);
/* A check found the peer's global checksum unchanged. */
void peer_checksum_same(struct peer_checksum *sum, const struct checksum *own, int64_t now);

/* Is the peer's module to be pulled? diffs is cluster_<module>_diffs_before_sync. */
bool peer_checksum_newer(const struct peer_checksum *sum, const struct checksum *own, unsigned diffs);

/* Which peer of the list to pull module `which` from: the one with the highest epoch; NULL when that one has not
 * differed often enough yet. */
struct peer *peer_choose(struct peer *list, int which, unsigned diffs);
