#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "daemon/cluster/member.h"

/*
 * One node's view of its cluster, as one pass read it: what the pure functions of this room judge. A view belongs to
 * one thread. Names and rules: docs of stats_proxysql_servers_checksums, and "Cluster arithmetic" in
 * docs/proxysql-facts.md.
 */
enum { VIEW_MODULE_SIZE = 48, VIEW_CHECKSUM_SIZE = 40, VIEW_PEER_ROWS_MAX = MEMBERS_MAX * 16, VIEW_OWN_ROWS_MAX = 32 };

/* The module of the member list. */
#define CLUSTER_MEMBERS_MODULE "proxysql_servers"

/* Version, epoch and checksum of one module (mysql_users, proxysql_servers, ...). */
struct module_state {
    char module[VIEW_MODULE_SIZE];
    char checksum[VIEW_CHECKSUM_SIZE];
    int64_t version; /* 0 or 1: nobody may pull it */
    int64_t epoch;   /* seconds, of the clock of the node that made it */
};

/* What this node knows of one module of one peer. */
struct peer_row {
    char host[MEMBER_HOST_SIZE];
    uint16_t port;
    struct module_state state;
    int64_t updated_at; /* of the last successful check, on this node's clock; 0 = never reached */
    int64_t diff_check; /* checks that differed from ours; stays 0 when it is our side that changed */
};

struct cluster_view {
    int64_t now;                       /* this node's wall clock, seconds */
    bool checking;                     /* admin-cluster_username is set: ProxySQL looks at its peers at all */
    int64_t check_interval_ms;         /* between two successful checks of a peer */
    int64_t members_diffs_before_sync; /* admin-cluster_proxysql_servers_diffs_before_sync; 0 = never pulls the list */
    int64_t users;                     /* rows of runtime_mysql_users, where it was asked for */
    struct member_list members;        /* runtime_proxysql_servers */
    struct module_state *own;          /* runtime_checksums_values; owned */
    size_t own_count;
    struct peer_row *peers; /* stats_proxysql_servers_checksums; owned */
    size_t peer_count;
};

void cluster_view_fini(struct cluster_view *view);
#define cleanup_view __attribute__((cleanup(cluster_view_fini)))

/* Append a copy; -EMSGSIZE at the limit. */
MUST_CHECK int cluster_view_add_own(struct cluster_view *view, const struct module_state *own, struct error *err);
MUST_CHECK int cluster_view_add_peer(struct cluster_view *view, const struct peer_row *row, struct error *err);

/* This node's state of a module, or NULL. */
const struct module_state *cluster_view_own(const struct cluster_view *view, const char *module);
