#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "shared/compiler.h"
#include "shared/error.h"
#include "shared/thread.h"
#include "tests/fakes/proxysql/peer.h"

/*
 * ProxySQL's cluster: one thread per row of runtime_proxysql_servers checks that peer (cluster_check.h). Thread-safe.
 * Locks are taken in this order: pull_lock, the node's gate, lock.
 */
enum { CLUSTER_TEXT_MAX = 256 };

struct cluster_settings {
    char username[CLUSTER_TEXT_MAX]; /* "" = nothing is checked */
    char password[CLUSTER_TEXT_MAX];
    char interfaces[CLUSTER_TEXT_MAX]; /* what peers are told about us */
    int64_t check_interval_ms;
    int64_t status_frequency;       /* metrics are read every so many checks; 0 = never */
    unsigned diffs[CHECKSUM_NAMES]; /* 0 = never pulled */
    bool save_to_disk[CHECKSUM_NAMES];
};

struct node;

struct cluster {
    struct node *node;
    char uuid[37];
    struct mutex pull_lock; /* one thread at a time judges what it read and pulls, as in ProxySQL */
    struct mutex lock;
    struct cond changed; /* settings, paused, stopping, a peer's removal or first connect */
    struct peer *peers GUARDED;
    struct cluster_settings settings GUARDED;
    int64_t version_wait_ms GUARDED; /* how long a peer of another version is left alone */
    bool paused GUARDED;
    bool stopping GUARDED;
};

/* A cluster without peers. node must outlive it. */
struct cluster *cluster_new(struct node *node);
/* End all checks and join their threads. The node's gate must have been stopped. NULL is fine. */
void cluster_stop(struct cluster *c);
/* After cluster_stop(). NULL is fine. */
void cluster_free(struct cluster *c);

void cluster_configure(struct cluster *c, const struct cluster_settings *settings);

/* Wait until every peer has been connected to once, or could not be, but not beyond deadline_ms (monotonic). */
void cluster_wait_tried(struct cluster *c, int64_t deadline_ms);

/* The rows of runtime_proxysql_servers are these now: begin, each, end. Peers that stay keep what is known of them. */
void cluster_peers_begin(struct cluster *c);
void cluster_peers_add(struct cluster *c, const char *hostname, uint16_t port, int64_t weight, const char *comment);
void cluster_peers_end(struct cluster *c);

/* Call visit for every peer, under the lock. */
void cluster_visit(struct cluster *c, void (*visit)(void *context, const struct peer *peer), void *context);

/* Faults: stop all checks for a while; change the wait after another version was seen. */
void cluster_pause(struct cluster *c, bool paused);
void cluster_set_version_wait(struct cluster *c, int64_t wait_ms);

/* For the peers' threads: */

void cluster_get_settings(struct cluster *c, struct cluster_settings *ret_settings);
/* A connect to the peer was good or failed. */
void cluster_tried(struct peer *peer);
/* Wait wait_ms, and longer while checks are paused. False: the peer's thread shall end. */
bool cluster_wait(struct peer *peer, int64_t wait_ms);
/* The wait of a peer of another version; the knob also ends one that goes on. */
void cluster_wait_version(struct peer *peer);
/* Shall the thread end? Once this was true the peer is not found any more. */
MUST_CHECK bool cluster_finish(struct peer *peer);
