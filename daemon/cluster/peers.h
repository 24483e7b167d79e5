#pragma once

#include "daemon/cluster/view.h"

/*
 * Which peers are gone? A peer is stale when ProxySQL has not checked it successfully for longer than the threshold,
 * and missing when it was stale in two consecutive passes and does not accept TCP on its admin port either (the caller
 * tries that). Ages are judged twice, by the node's own wall clock and by our monotonic clock since updated_at last
 * moved, so that a stepped clock makes nobody missing.
 *
 * A tracker remembers what one pass must know of the passes before. It belongs to one thread at a time.
 */
enum { PEERS_MAX = MEMBERS_MAX, PEER_STALE_PASSES = 2 };

enum peer_condition {
    PEER_FRESH,     /* checked within the threshold */
    PEER_STALE,     /* not checked for longer than it, for the first time */
    PEER_SUSPECT,   /* the same in PEER_STALE_PASSES consecutive passes: worth a TCP connect */
    PEER_UNCHECKED, /* this node checks nobody (admin-cluster_username is empty) */
};

struct peer {
    char host[MEMBER_HOST_SIZE];
    uint16_t port;
    enum peer_condition condition;
    bool accepts;       /* a suspect's admin port accepted TCP in this pass; set by the caller */
    int64_t age_s;      /* since the last successful check */
    int64_t updated_at; /* of that check */
    int64_t moved_ms;   /* monotonic: when updated_at was first seen with this value */
    bool differs;       /* its member list is known and is not ours */
    int64_t differs_ms; /* for so long, in our passes */
    int64_t differs_since_ms;
    unsigned stale_passes;
    bool clock_stepped; /* since that check, or perhaps: updated_at is no time of today's wall clock */
    unsigned accepting; /* passes in a row in which a suspect accepted; counted by the caller */
    bool seen;          /* in this pass */
};

struct peer_tracker {
    size_t count;
    struct peer items[PEERS_MAX];
    bool clock_known;
    int64_t clock_offset_ms; /* the node's wall clock minus our monotonic one */
    bool clock_stepped;      /* in this pass */
};

void peer_tracker_reset(struct peer_tracker *tracker);

/* The threshold in seconds: missing_after_s, but never below three check intervals of the node itself. */
int64_t peer_threshold_s(const struct cluster_view *view, int64_t missing_after_s);

/* Take a new view: every row of runtime_proxysql_servers is a peer, judged by its rows in the view. Peers that left the
 * list are forgotten. now_ms is monotonic. */
void peer_tracker_update(struct peer_tracker *tracker, const struct cluster_view *view, int64_t threshold_s,
                         int64_t now_ms);

/* Nobody is left: the list is empty, or each peer is suspect and refuses TCP. Never while this node checks nobody. */
bool peer_tracker_all_missing(const struct peer_tracker *tracker, const struct cluster_view *view);

/* Each peer is suspect (or the list is empty): the caller should try their ports now. */
bool peer_tracker_all_suspect(const struct peer_tracker *tracker, const struct cluster_view *view);

/* A peer became stale and wants a second look soon. */
bool peer_tracker_any_stale(const struct peer_tracker *tracker);

/* The peer that a row of a view belongs to, or NULL. */
const struct peer *peer_tracker_find(const struct peer_tracker *tracker, const char *host, uint16_t port);
