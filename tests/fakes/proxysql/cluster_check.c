#include "tests/fakes/proxysql/cluster_check.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "shared/clock.h"
#include "shared/mem.h"
#include "tests/fakes/proxysql/cluster.h"
#include "tests/fakes/proxysql/cluster_pull.h"
#include "tests/fakes/proxysql/node.h"
#include "tests/fakes/proxysql/peer_link.h"

enum { longer_wait_ms = 1000 };

/* The number in the first field of the first row; takes rows. False: there is none. */
static bool first_number(MYSQL_RES *rows, uint64_t *ret_number)
{
    MYSQL_ROW row = rows != NULL ? mysql_fetch_row(rows) : NULL;
    bool good = row != NULL && row[0] != NULL;
    if (good)
        *ret_number = strtoull(row[0], NULL, 10);
    mysql_free_result(rows);
    return good;
}

static bool same_version(struct peer_link *link, bool *ret_same)
{
    MYSQL_RES *rows = peer_link_ask(link, "SELECT @@version");
    MYSQL_ROW row = rows != NULL ? mysql_fetch_row(rows) : NULL;
    bool good = row != NULL && row[0] != NULL;
    if (good)
        *ret_same = strcmp(row[0], link->peer->cluster->node->version) == 0;
    mysql_free_result(rows);
    return good;
}

/* Take the peer's rows of runtime_checksums_values, or NULL: they are as they were. */
static void take_checksums(struct peer *peer, MYSQL_RES *rows)
{
    struct cluster *c = peer->cluster;
    int64_t now = (int64_t)time(NULL);
    mutex_lock(&c->lock);
    for (int i = 0; rows == NULL && i < CHECKSUM_NAMES; i++) {
        struct checksum own = checksums_get(&c->node->checksums, i);
        peer_checksum_same(&peer->checksums[i], &own, now);
    }
    for (MYSQL_ROW row = rows != NULL ? mysql_fetch_row(rows) : NULL; row != NULL; row = mysql_fetch_row(rows)) {
        int which = row[0] != NULL ? checksums_find(row[0]) : -1;
        if (which < 0 || row[1] == NULL || row[2] == NULL || row[3] == NULL)
            continue;
        struct checksum own = checksums_get(&c->node->checksums, which);
        struct checksum value = {.version = strtoll(row[1], NULL, 10), .epoch = strtoll(row[2], NULL, 10)};
        (void)snprintf(value.text, sizeof value.text, "%s", row[3]);
        peer_checksum_read(&peer->checksums[which], &value, &own, now);
    }
    mutex_unlock(&c->lock);
}

/* Is module `which` newer on this peer? Tells the value that says so. */
static bool is_newer(struct peer *peer, int which, struct checksum *ret_seen)
{
    struct cluster *c = peer->cluster;
    struct checksum own = checksums_get(&c->node->checksums, which);
    mutex_lock(&c->lock);
    *ret_seen = peer->checksums[which].value;
    bool newer = !peer->removed && peer_checksum_newer(&peer->checksums[which], &own, c->settings.diffs[which]);
    mutex_unlock(&c->lock);
    return newer;
}

static void judge(struct peer *peer, MYSQL_RES *rows)
{
    static const char *const order[] = {"admin_variables", "mysql_query_rules", "mysql_servers_v2",
                                        "mysql_users",     "mysql_variables",   "proxysql_servers"};
    mutex_lock(&peer->cluster->pull_lock);
    take_checksums(peer, rows);
    for (size_t i = 0; i < ARRAY_LEN(order); i++) {
        int which = checksums_find(order[i]);
        struct checksum seen;
        if (is_newer(peer, which, &seen) && !cluster_pull(peer, which, &seen))
            (void)cluster_wait(peer, longer_wait_ms);
    }
    mutex_unlock(&peer->cluster->pull_lock);
}

/* Everything is read again only when the peer's global checksum, which also covers versions, has changed. */
static bool check_checksums(struct peer_link *link)
{
    struct peer *peer = link->peer;
    uint64_t global = 0;
    if (!first_number(peer_link_ask(link, "SELECT GLOBAL_CHECKSUM()"), &global))
        return false;
    mutex_lock(&peer->cluster->lock);
    bool changed = peer->global_checksum != global;
    peer->global_checksum = global;
    mutex_unlock(&peer->cluster->lock);
    MYSQL_RES *rows = changed ? peer_link_ask(link, "SELECT * FROM runtime_checksums_values ORDER BY name") : NULL;
    if (changed && rows == NULL)
        return false;
    judge(peer, rows);
    mysql_free_result(rows);
    return true;
}

static bool check_metrics(struct peer_link *link)
{
    int64_t begin_us = clock_mono_us();
    MYSQL_RES *rows = peer_link_ask(link, "SELECT * FROM stats_mysql_global ORDER BY Variable_Name");
    if (rows == NULL)
        return false;
    struct peer_metrics m = {.read_at_us = clock_mono_us()};
    m.response_time_us = m.read_at_us - begin_us;
    const struct {
        const char *name;
        int64_t *value;
    } read[] = {{"ProxySQL_Uptime", &m.uptime_s},
                {"Questions", &m.questions},
                {"Client_Connections_connected", &m.connected},
                {"Client_Connections_created", &m.created}};
    for (MYSQL_ROW row = mysql_fetch_row(rows); row != NULL; row = mysql_fetch_row(rows))
        for (size_t i = 0; i < ARRAY_LEN(read); i++)
            if (strcmp(row[0], read[i].name) == 0)
                *read[i].value = strtoll(row[1], NULL, 10);
    mysql_free_result(rows);
    mutex_lock(&link->peer->cluster->lock);
    link->peer->metrics = m;
    mutex_unlock(&link->peer->cluster->lock);
    return true;
}

/* Check again and again until the peer fails or is not wanted any more. */
static void check_repeatedly(struct peer_link *link)
{
    struct cluster_settings settings;
    int64_t checks = 0;
    bool go_on = true;
    while (go_on) {
        int64_t begin_ms = clock_mono_ms();
        go_on = check_checksums(link);
        cluster_get_settings(link->peer->cluster, &settings);
        if (go_on && settings.status_frequency > 0 && ++checks >= settings.status_frequency) {
            checks = 0;
            go_on = check_metrics(link);
        }
        int64_t took_ms = clock_mono_ms() - begin_ms;
        int64_t wait_ms = settings.check_interval_ms > took_ms ? settings.check_interval_ms - took_ms : 0;
        go_on = go_on && cluster_wait(link->peer, wait_ms);
    }
}

/* The name is looked up again after a connect that failed (2.6 and later). */
static bool connect_peer(struct peer *peer, struct peer_link *ret_link)
{
    struct cluster *c = peer->cluster;
    char address[INET6_ADDRSTRLEN];
    mutex_lock(&c->lock);
    memcpy(address, peer->address, sizeof address);
    mutex_unlock(&c->lock);
    const char *host = address[0] != '\0' ? address : peer->hostname;
    char answered[INET6_ADDRSTRLEN] = "";
    bool good = peer_link_open(ret_link, peer, PEER_CHECKS, host, peer->port, answered);
    mutex_lock(&c->lock);
    memcpy(peer->address, answered, sizeof answered);
    mutex_unlock(&c->lock);
    return good;
}

/* One connection's life. Returns how long to wait before the next one. */
static int64_t check_peer(struct peer *peer, const struct cluster_settings *settings)
{
    struct peer_link link;
    bool connected = connect_peer(peer, &link);
    cluster_tried(peer);
    if (!connected)
        return settings->check_interval_ms + longer_wait_ms;
    bool same = false;
    bool told = same_version(&link, &same);
    if (told && same) {
        cleanup_free char *hello =
            xasprintf("PROXYSQL CLUSTER_NODE_UUID %s %s", peer->cluster->uuid, settings->interfaces);
        if (peer_link_tell(&link, hello))
            check_repeatedly(&link);
    } else if (told) {
        (void)fprintf(stderr, "fake-proxysql: different ProxySQL version with peer %s:%d\n", peer->hostname,
                      peer->port);
    }
    peer_link_close(&link);
    if (told && !same)
        cluster_wait_version(peer);
    return settings->check_interval_ms;
}

void *cluster_check_run(void *arg)
{
    struct peer *peer = arg;
    (void)mysql_thread_init();
    int64_t wait_ms = 0;
    for (;;) {
        (void)cluster_wait(peer, wait_ms);
        if (cluster_finish(peer))
            break;
        struct cluster_settings settings;
        cluster_get_settings(peer->cluster, &settings);
        wait_ms = settings.username[0] != '\0' ? check_peer(peer, &settings) : longer_wait_ms;
    }
    mysql_thread_end();
    return NULL;
}
