#include "tests/fakes/proxysql/refresh.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "shared/clock.h"
#include "tests/fakes/proxysql/cluster.h"
#include "tests/fakes/proxysql/digests.h"
#include "tests/fakes/proxysql/schema.h"

static void put_number(struct node *node, const char *name, int64_t value)
{
    database_mustf(&node->db, "INSERT INTO stats.stats_mysql_global VALUES (%Q, '%lld')", name, (long long)value);
}

static void fill_global(struct node *node)
{
    struct traffic_counters traffic;
    traffic_server_count(node->traffic, &traffic);
    database_must(&node->db, "BEGIN; DELETE FROM stats.stats_mysql_global");
    put_number(node, "ProxySQL_Uptime", node_uptime_s(node));
    put_number(node, "Active_Transactions", traffic.transactions);
    put_number(node, "Client_Connections_connected", traffic.connected);
    put_number(node, "Client_Connections_created", traffic.created);
    put_number(node, "Client_Connections_non_idle", traffic.connected);
    put_number(node, "Questions", traffic.questions);
    put_number(node, "MySQL_Thread_Workers", TRAFFIC_WORKERS);
    for (size_t i = 0; i < schema_idle_counters_len; i++)
        put_number(node, schema_idle_counters[i], 0);
    database_mustf(&node->db, "INSERT INTO stats.stats_mysql_global VALUES ('mysql_listener_paused', %Q); COMMIT",
                   traffic.paused ? "true" : "false");
}

static void put_session(void *context, const struct traffic_session *session)
{
    struct node *node = context;
    database_mustf(&node->db,
                   "INSERT INTO stats.stats_mysql_processlist (ThreadID, SessionID, user, db, cli_host, cli_port, "
                   "hostgroup, command, time_ms, info) VALUES (%u, %u, %Q, %Q, %Q, %u, 0, %Q, %lld, %Q)",
                   session->worker, session->id, session->user, session->db, session->host, session->port,
                   session->command, (long long)session->time_ms, session->info);
    if (session->holds_backend)
        database_mustf(&node->db,
                       "UPDATE stats.stats_mysql_processlist SET l_srv_host = '127.0.0.1', l_srv_port = 40000, "
                       "(srv_host, srv_port) = (SELECT hostname, port FROM live.mysql_servers ORDER BY status = "
                       "'ONLINE' DESC, hostname LIMIT 1), status_flags = %u WHERE SessionID = %u",
                       session->status_flags, session->id);
}

static void fill_processlist(struct node *node)
{
    database_must(&node->db, "DELETE FROM stats.stats_mysql_processlist");
    traffic_server_sessions(node->traffic, put_session, node);
}

static void fill_checksums(struct node *node)
{
    database_must(&node->db, "DELETE FROM main.runtime_checksums_values");
    for (int i = 0; i < CHECKSUM_NAMES; i++) {
        struct checksum value = checksums_get(&node->checksums, i);
        database_mustf(&node->db, "INSERT INTO main.runtime_checksums_values VALUES (%Q, %lld, %lld, %Q)",
                       checksum_names[i], (long long)value.version, (long long)value.epoch, value.text);
    }
}

static void put_peer_checksums(void *context, const struct peer *peer)
{
    struct node *node = context;
    for (int i = 0; i < CHECKSUM_NAMES; i++) {
        const struct peer_checksum *sum = &peer->checksums[i];
        database_mustf(&node->db,
                       "INSERT INTO stats.stats_proxysql_servers_checksums VALUES (%Q, %d, %Q, %lld, %lld, %Q, %lld, "
                       "%lld, %u)",
                       peer->hostname, peer->port, checksum_names[i], (long long)sum->value.version,
                       (long long)sum->value.epoch, sum->value.text, (long long)sum->changed_at,
                       (long long)sum->updated_at, sum->diff_check);
    }
}

static void fill_peer_checksums(struct node *node)
{
    database_must(&node->db, "DELETE FROM stats.stats_proxysql_servers_checksums");
    cluster_visit(node->cluster, put_peer_checksums, node);
}

/* A peer that was never reached was last checked when the host booted: its time is 0 on the monotonic clock. */
static void put_peer_metrics(void *context, const struct peer *peer)
{
    struct node *node = context;
    const struct peer_metrics *m = &peer->metrics;
    database_mustf(&node->db,
                   "INSERT INTO stats.stats_proxysql_servers_metrics VALUES (%Q, %d, %lld, %Q, %lld, %lld, %lld, "
                   "%lld, %lld, %lld)",
                   peer->hostname, peer->port, (long long)peer->weight, peer->comment,
                   (long long)m->response_time_us / 1000, (long long)m->uptime_s,
                   (long long)(clock_mono_us() - m->read_at_us) / 1000, (long long)m->questions,
                   (long long)m->connected, (long long)m->created);
}

static void fill_peer_metrics(struct node *node)
{
    database_must(&node->db, "DELETE FROM stats.stats_proxysql_servers_metrics");
    cluster_visit(node->cluster, put_peer_metrics, node);
}

#define FILL_RUNTIME(table)                                                                         \
    static void fill_##table(struct node *node)                                                     \
    {                                                                                               \
        database_must(&node->db, "DELETE FROM main.runtime_" #table "; "                            \
                                 "INSERT INTO main.runtime_" #table " SELECT * FROM live." #table); \
    }

FILL_RUNTIME(mysql_servers)
FILL_RUNTIME(mysql_users)
FILL_RUNTIME(mysql_query_rules)
FILL_RUNTIME(proxysql_servers)
FILL_RUNTIME(global_variables)
FILL_RUNTIME(mysql_replication_hostgroups)
FILL_RUNTIME(mysql_group_replication_hostgroups)
FILL_RUNTIME(mysql_galera_hostgroups)
FILL_RUNTIME(mysql_aws_aurora_hostgroups)
FILL_RUNTIME(mysql_servers_ssl_params)
FILL_RUNTIME(mysql_hostgroup_attributes)
FILL_RUNTIME(mysql_query_rules_fast_routing)

static const struct filled_table {
    const char *name;
    bool admin_only;
    void (*fill)(struct node *node);
} filled_tables[] = {
    {"stats_mysql_global", false, fill_global},
    {"processlist", false, fill_processlist},
    {"global_variables", true, fill_global_variables},
    {"runtime_mysql_servers", true, fill_mysql_servers},
    {"runtime_mysql_users", true, fill_mysql_users},
    {"runtime_mysql_query_rules", true, fill_mysql_query_rules},
    {"runtime_proxysql_servers", true, fill_proxysql_servers},
    {"runtime_mysql_replication_hostgroups", true, fill_mysql_replication_hostgroups},
    {"runtime_mysql_group_replication_hostgroups", true, fill_mysql_group_replication_hostgroups},
    {"runtime_mysql_galera_hostgroups", true, fill_mysql_galera_hostgroups},
    {"runtime_mysql_aws_aurora_hostgroups", true, fill_mysql_aws_aurora_hostgroups},
    {"runtime_mysql_servers_ssl_params", true, fill_mysql_servers_ssl_params},
    {"runtime_mysql_hostgroup_attributes", true, fill_mysql_hostgroup_attributes},
    {"runtime_mysql_query_rules_fast_routing", true, fill_mysql_query_rules_fast_routing},
    {"runtime_checksums_values", true, fill_checksums},
    {"stats_proxysql_servers_checksums", false, fill_peer_checksums},
    {"stats_proxysql_servers_metrics", false, fill_peer_metrics},
};

void refresh_tables(struct node *node, const char *statement, bool as_admin)
{
    for (size_t i = 0; i < ARRAY_LEN(filled_tables); i++) {
        const struct filled_table *table = &filled_tables[i];
        if ((as_admin || !table->admin_only) && strstr(statement, table->name) != NULL)
            table->fill(node);
    }
    digests_refresh(node, statement);
}
