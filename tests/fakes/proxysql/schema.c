#include "tests/fakes/proxysql/schema.h"

#include "shared/compiler.h"

/* Columns of the tables that exist several times. */
#define SERVER_COLUMNS                                                                                               \
    "hostgroup_id INT CHECK (hostgroup_id >= 0) NOT NULL DEFAULT 0, hostname VARCHAR NOT NULL, "                     \
    "port INT CHECK (port >= 0 AND port <= 65535) NOT NULL DEFAULT 3306, gtid_port INT NOT NULL DEFAULT 0, "         \
    "status VARCHAR CHECK (UPPER(status) IN ('ONLINE','SHUNNED','OFFLINE_SOFT','OFFLINE_HARD')) NOT NULL DEFAULT "   \
    "'ONLINE', "                                                                                                     \
    "weight INT CHECK (weight >= 0 AND weight <= 10000000) NOT NULL DEFAULT 1, compression INT NOT NULL DEFAULT 0, " \
    "max_connections INT CHECK (max_connections >= 0) NOT NULL DEFAULT 1000, max_replication_lag INT NOT NULL "      \
    "DEFAULT 0, "                                                                                                    \
    "use_ssl INT CHECK (use_ssl IN (0,1)) NOT NULL DEFAULT 0, max_latency_ms INT NOT NULL DEFAULT 0, "               \
    "comment VARCHAR NOT NULL DEFAULT '', PRIMARY KEY (hostgroup_id, hostname, port) "

#define USER_COLUMNS                                                                                          \
    "username VARCHAR NOT NULL, password VARCHAR, active INT CHECK (active IN (0,1)) NOT NULL DEFAULT 1, "    \
    "use_ssl INT NOT NULL DEFAULT 0, default_hostgroup INT NOT NULL DEFAULT 0, default_schema VARCHAR, "      \
    "schema_locked INT NOT NULL DEFAULT 0, transaction_persistent INT NOT NULL DEFAULT 1, "                   \
    "fast_forward INT NOT NULL DEFAULT 0, backend INT CHECK (backend IN (0,1)) NOT NULL DEFAULT 1, "          \
    "frontend INT CHECK (frontend IN (0,1)) NOT NULL DEFAULT 1, max_connections INT NOT NULL DEFAULT 10000, " \
    "attributes VARCHAR NOT NULL DEFAULT '', comment VARCHAR NOT NULL DEFAULT '', "                           \
    "PRIMARY KEY (username, backend), UNIQUE (username, frontend) "

#define RULE_COLUMNS                                                                                                   \
    "rule_id INTEGER PRIMARY KEY AUTOINCREMENT NOT NULL, active INT CHECK (active IN (0,1)) NOT NULL DEFAULT 0, "      \
    "username VARCHAR, schemaname VARCHAR, flagIN INT NOT NULL DEFAULT 0, client_addr VARCHAR, proxy_addr VARCHAR, "   \
    "proxy_port INT, digest VARCHAR, match_digest VARCHAR, match_pattern VARCHAR, "                                    \
    "negate_match_pattern INT NOT NULL DEFAULT 0, re_modifiers VARCHAR DEFAULT 'CASELESS', flagOUT INT, "              \
    "replace_pattern VARCHAR, destination_hostgroup INT, cache_ttl INT, cache_empty_result INT, cache_timeout INT, "   \
    "reconnect INT, timeout INT, retries INT, delay INT, next_query_flagIN INT, mirror_flagOUT INT, mirror_hostgroup " \
    "INT, "                                                                                                            \
    "error_msg VARCHAR, OK_msg VARCHAR, sticky_conn INT, multiplex INT, gtid_from_hostgroup INT, log INT, "            \
    "apply INT NOT NULL DEFAULT 0, attributes VARCHAR NOT NULL DEFAULT '', comment VARCHAR "

#define REPLICATION_COLUMNS                                                                                          \
    "writer_hostgroup INT CHECK (writer_hostgroup>=0) NOT NULL PRIMARY KEY, reader_hostgroup INT NOT NULL CHECK "    \
    "(reader_hostgroup<>writer_hostgroup AND reader_hostgroup>=0), check_type VARCHAR CHECK (LOWER(check_type) IN "  \
    "('read_only','innodb_read_only','super_read_only','read_only|innodb_read_only','read_only&innodb_read_only')) " \
    "NOT NULL DEFAULT 'read_only', comment VARCHAR NOT NULL DEFAULT '', UNIQUE (reader_hostgroup)"

#define GROUP_COLUMNS                                                                                               \
    "writer_hostgroup INT CHECK (writer_hostgroup>=0) NOT NULL PRIMARY KEY, backup_writer_hostgroup INT NOT NULL, " \
    "reader_hostgroup INT NOT NULL, offline_hostgroup INT NOT NULL, active INT CHECK (active IN (0,1)) NOT NULL "   \
    "DEFAULT 1, max_writers INT NOT NULL DEFAULT 1, writer_is_also_reader INT NOT NULL DEFAULT 0, "                 \
    "max_transactions_behind INT NOT NULL DEFAULT 0, comment VARCHAR, UNIQUE (reader_hostgroup), "                  \
    "UNIQUE (offline_hostgroup), UNIQUE (backup_writer_hostgroup)"

#define AURORA_COLUMNS                                                                                                 \
    "writer_hostgroup INT CHECK (writer_hostgroup>=0) NOT NULL PRIMARY KEY, reader_hostgroup INT NOT NULL, active "    \
    "INT "                                                                                                             \
    "CHECK (active IN (0,1)) NOT NULL DEFAULT 1, aurora_port INT NOT NULL DEFAULT 3306, domain_name VARCHAR NOT NULL " \
    "DEFAULT '', max_lag_ms INT NOT NULL DEFAULT 600000, check_interval_ms INT NOT NULL DEFAULT 1000, "                \
    "check_timeout_ms INT NOT NULL DEFAULT 800, writer_is_also_reader INT NOT NULL DEFAULT 0, new_reader_weight INT "  \
    "NOT NULL DEFAULT 1, add_lag_ms INT NOT NULL DEFAULT 30, min_lag_ms INT NOT NULL DEFAULT 30, lag_num_checks INT "  \
    "NOT NULL DEFAULT 1, comment VARCHAR, UNIQUE (reader_hostgroup)"

#define SSL_PARAMS_COLUMNS                                                                                             \
    "hostname VARCHAR NOT NULL, port INT NOT NULL DEFAULT 3306, username VARCHAR NOT NULL DEFAULT '', ssl_ca VARCHAR " \
    "NOT NULL DEFAULT '', ssl_cert VARCHAR NOT NULL DEFAULT '', ssl_key VARCHAR NOT NULL DEFAULT '', ssl_capath "      \
    "VARCHAR NOT NULL DEFAULT '', ssl_crl VARCHAR NOT NULL DEFAULT '', ssl_crlpath VARCHAR NOT NULL DEFAULT '', "      \
    "ssl_cipher VARCHAR NOT NULL DEFAULT '', tls_version VARCHAR NOT NULL DEFAULT '', comment VARCHAR NOT NULL "       \
    "DEFAULT '', PRIMARY KEY (hostname, port, username)"

#define ATTRIBUTES_COLUMNS                                                                                            \
    "hostgroup_id INT NOT NULL PRIMARY KEY, max_num_online_servers INT NOT NULL DEFAULT 1000000, autocommit INT NOT " \
    "NULL DEFAULT -1, free_connections_pct INT NOT NULL DEFAULT 10, init_connect VARCHAR NOT NULL DEFAULT '', "       \
    "multiplex INT NOT NULL DEFAULT 1, connection_warming INT NOT NULL DEFAULT 0, throttle_connections_per_sec INT "  \
    "NOT NULL DEFAULT 1000000, ignore_session_variables VARCHAR NOT NULL DEFAULT '', hostgroup_settings VARCHAR NOT " \
    "NULL DEFAULT '', servers_defaults VARCHAR NOT NULL DEFAULT '', comment VARCHAR NOT NULL DEFAULT ''"

#define FAST_ROUTING_COLUMNS                                                                                        \
    "username VARCHAR NOT NULL, schemaname VARCHAR NOT NULL, flagIN INT NOT NULL DEFAULT 0, destination_hostgroup " \
    "INT "                                                                                                          \
    "NOT NULL, comment VARCHAR NOT NULL, PRIMARY KEY (username, schemaname, flagIN)"

#define PEER_COLUMNS                                                                                                 \
    "hostname VARCHAR NOT NULL, port INT NOT NULL DEFAULT 6032, weight INT CHECK (weight >= 0) NOT NULL DEFAULT 0, " \
    "comment VARCHAR NOT NULL DEFAULT '', PRIMARY KEY (hostname, port) "

#define VARIABLE_COLUMNS "variable_name VARCHAR NOT NULL PRIMARY KEY, variable_value VARCHAR NOT NULL "

const struct schema_table schema_configuration_tables[] = {
    {"mysql_servers", SERVER_COLUMNS},
    {"mysql_users", USER_COLUMNS},
    {"mysql_query_rules", RULE_COLUMNS},
    {"proxysql_servers", PEER_COLUMNS},
    {"global_variables", VARIABLE_COLUMNS},
    {"mysql_replication_hostgroups", REPLICATION_COLUMNS},
    {"mysql_group_replication_hostgroups", GROUP_COLUMNS},
    {"mysql_galera_hostgroups", GROUP_COLUMNS},
    {"mysql_aws_aurora_hostgroups", AURORA_COLUMNS},
    {"mysql_servers_ssl_params", SSL_PARAMS_COLUMNS},
    {"mysql_hostgroup_attributes", ATTRIBUTES_COLUMNS},
    {"mysql_query_rules_fast_routing", FAST_ROUTING_COLUMNS},
};
const size_t schema_configuration_tables_len = ARRAY_LEN(schema_configuration_tables);

const struct schema_table schema_other_tables[] = {
    {"main.runtime_checksums_values",
     "name VARCHAR NOT NULL, version INT NOT NULL, epoch INT NOT NULL, checksum VARCHAR NOT NULL, PRIMARY KEY (name)"},
    {"live.mysql_servers_v2", SERVER_COLUMNS}, /* as loaded: the monitor does not change it */
    {"stats.global_variables", VARIABLE_COLUMNS},
    {"stats.stats_mysql_global", "Variable_Name VARCHAR NOT NULL PRIMARY KEY, Variable_Value VARCHAR NOT NULL"},
    {"stats.stats_mysql_processlist",
     "ThreadID INT NOT NULL, SessionID INTEGER PRIMARY KEY, user VARCHAR, db VARCHAR, cli_host VARCHAR, cli_port INT, "
     "hostgroup INT, l_srv_host VARCHAR, l_srv_port INT, srv_host VARCHAR, srv_port INT, command VARCHAR, "
     "time_ms INT NOT NULL, info VARCHAR, status_flags INT, extended_info VARCHAR"},
    {"stats.stats_proxysql_servers_checksums",
     "hostname VARCHAR NOT NULL, port INT NOT NULL, name VARCHAR NOT NULL, version INT NOT NULL, epoch INT NOT NULL, "
     "checksum VARCHAR NOT NULL, changed_at INT NOT NULL, updated_at INT NOT NULL, diff_check INT NOT NULL, "
     "PRIMARY KEY (hostname, port, name)"},
    {"stats.stats_proxysql_servers_metrics",
     "hostname VARCHAR NOT NULL, port INT NOT NULL, weight INT NOT NULL, comment VARCHAR NOT NULL, response_time_ms "
     "INT NOT NULL, Uptime_s INT NOT NULL, last_check_ms INT NOT NULL, Queries INT NOT NULL, "
     "Client_Connections_connected INT NOT NULL, Client_Connections_created INT NOT NULL, PRIMARY KEY (hostname, "
     "port)"},
    {"stats.stats_memory_metrics", "Variable_Name VARCHAR NOT NULL PRIMARY KEY, Variable_Value VARCHAR NOT NULL"},
    {"stats.stats_proxysql_servers_clients_status",
     "uuid VARCHAR NOT NULL, hostname VARCHAR NOT NULL, port INT NOT NULL, admin_mysql_ifaces VARCHAR NOT NULL, "
     "last_seen_at INT NOT NULL, PRIMARY KEY (uuid, hostname, port)"},
};
const size_t schema_other_tables_len = ARRAY_LEN(schema_other_tables);

const struct schema_variable schema_variables[] = {
    {"mysql-auto_increment_delay_multiplex", "5"},
    {"mysql-connect_retries_delay", "1"},
    {"mysql-connect_retries_on_failure", "10"},
    {"mysql-connect_timeout_client", "10000"},
    {"mysql-connect_timeout_server", "1000"},
    {"mysql-connect_timeout_server_max", "10000"},
    {"mysql-default_authentication_plugin", "mysql_native_password"},
    {"mysql-default_query_timeout", "86400000"},
    {"mysql-default_schema", "information_schema"},
    {"mysql-eventslog_filename", ""},
    {"mysql-have_compress", "true"},
    {"mysql-have_ssl", "true"},
    {"mysql-interfaces", "0.0.0.0:6033"},
    {"mysql-max_allowed_packet", "67108864"},
    {"mysql-max_connections", "10000"},
    {"mysql-max_transaction_time", "14400000"},
    {"mysql-monitor_enabled", "true"},
    {"mysql-monitor_password", "monitor"},
    {"mysql-monitor_username", "monitor"},
    {"mysql-multiplexing", "true"},
    {"mysql-ping_interval_server_msec", "10000"},
    {"mysql-ping_timeout_server", "200"},
    {"mysql-poll_timeout", "2000"},
    {"mysql-query_digests", "true"},
    {"mysql-query_retries_on_failure", "1"},
    {"mysql-server_version", "8.0.11"},
    {"mysql-session_idle_ms", "1"},
    {"mysql-shun_on_failures", "5"},
    {"mysql-shun_recovery_time_sec", "10"},
    {"mysql-stacksize", "1048576"},
    {"mysql-threads", "4"},
    {"mysql-wait_timeout", "28800000"},
    {"admin-admin_credentials", "admin:admin"},
    {"admin-stats_credentials", "stats:stats"},
    {"admin-mysql_ifaces", "0.0.0.0:6032"},
    {"admin-refresh_interval", "2000"},
    {"admin-read_only", "false"},
    {"admin-vacuum_stats", "true"},
    {"admin-version", ""},
    {"admin-cluster_username", ""},
    {"admin-cluster_password", ""},
    {"admin-cluster_check_interval_ms", "1000"},
    {"admin-cluster_check_status_frequency", "10"},
    {"admin-cluster_mysql_query_rules_diffs_before_sync", "3"},
    {"admin-cluster_mysql_servers_diffs_before_sync", "3"},
    {"admin-cluster_mysql_users_diffs_before_sync", "3"},
    {"admin-cluster_proxysql_servers_diffs_before_sync", "3"},
    {"admin-cluster_mysql_variables_diffs_before_sync", "3"},
    {"admin-cluster_admin_variables_diffs_before_sync", "3"},
    {"admin-cluster_mysql_servers_sync_algorithm", "1"},
    {"admin-cluster_mysql_query_rules_save_to_disk", "true"},
    {"admin-cluster_mysql_servers_save_to_disk", "true"},
    {"admin-cluster_mysql_users_save_to_disk", "true"},
    {"admin-cluster_proxysql_servers_save_to_disk", "true"},
    {"admin-cluster_mysql_variables_save_to_disk", "true"},
    {"admin-cluster_admin_variables_save_to_disk", "true"},
    {"admin-restapi_enabled", "false"},
    {"admin-restapi_port", "6070"},
    {"admin-web_enabled", "false"},
    {"admin-web_port", "6080"},
};
const size_t schema_variables_len = ARRAY_LEN(schema_variables);

const char *const schema_idle_counters[] = {
    "Client_Connections_aborted",
    "Server_Connections_aborted",
    "Server_Connections_connected",
    "Server_Connections_created",
    "Server_Connections_delayed",
    "mysql_backend_buffers_bytes",
    "mysql_frontend_buffers_bytes",
    "mysql_session_internal_bytes",
    "Com_autocommit",
    "Com_autocommit_filtered",
    "Com_commit",
    "Com_commit_filtered",
    "Com_rollback",
    "Com_rollback_filtered",
    "Com_backend_change_user",
    "Com_backend_init_db",
    "Com_backend_set_names",
    "Com_frontend_init_db",
    "Com_frontend_set_names",
    "Com_frontend_use_db",
    "Com_backend_stmt_prepare",
    "Com_backend_stmt_execute",
    "Com_backend_stmt_close",
    "Com_frontend_stmt_prepare",
    "Com_frontend_stmt_execute",
    "Com_frontend_stmt_close",
    "Slow_queries",
    "GTID_consistent_queries",
    "GTID_session_collected",
    "Queries_backends_bytes_recv",
    "Queries_backends_bytes_sent",
    "Queries_frontends_bytes_recv",
    "Queries_frontends_bytes_sent",
    "Query_Processor_time_nsec",
    "Backend_query_time_nsec",
    "ConnPool_get_conn_latency_awareness",
    "ConnPool_get_conn_immediate",
    "ConnPool_get_conn_success",
    "ConnPool_get_conn_failure",
    "mysql_killed_backend_connections",
    "mysql_killed_backend_queries",
    "hostgroup_locked_set_cmds",
    "hostgroup_locked_queries",
    "mysql_unexpected_frontend_com_quit",
    "mysql_unexpected_frontend_packets",
    "queries_with_max_lag_ms__total_wait_time_us",
    "queries_with_max_lag_ms__delayed",
    "queries_with_max_lag_ms",
    "backend_lagging_during_query",
    "backend_offline_during_query",
    "get_aws_aurora_replicas_skipped_during_query",
    "automatic_detected_sql_injection",
    "whitelisted_sqli_fingerprint",
    "max_connect_timeouts",
    "generated_error_packets",
    "client_host_error_killed_connections",
    "Client_Connections_hostgroup_locked",
    "Mirror_concurrency",
    "Mirror_queue_length",
    "Selects_for_update__autocommit0",
    "Servers_table_version",
    "Access_Denied_Wrong_Password",
    "Access_Denied_Max_Connections",
    "Access_Denied_Max_User_Connections",
    "MySQL_Monitor_Workers",
    "MySQL_Monitor_Workers_Aux",
    "MySQL_Monitor_Workers_Started",
    "MySQL_Monitor_connect_check_OK",
    "MySQL_Monitor_connect_check_ERR",
    "MySQL_Monitor_ping_check_OK",
    "MySQL_Monitor_ping_check_ERR",
    "MySQL_Monitor_read_only_check_OK",
    "MySQL_Monitor_read_only_check_ERR",
    "MySQL_Monitor_replication_lag_check_OK",
    "MySQL_Monitor_replication_lag_check_ERR",
    "MySQL_Monitor_dns_cache_queried",
    "MySQL_Monitor_dns_cache_lookup_success",
    "MySQL_Monitor_dns_cache_record_updated",
    "MyHGM_myconnpoll_get",
    "MyHGM_myconnpoll_get_ok",
    "MyHGM_myconnpoll_push",
    "MyHGM_myconnpoll_destroy",
    "MyHGM_myconnpoll_reset",
    "SQLite3_memory_bytes",
    "ConnPool_memory_bytes",
    "Stmt_Client_Active_Total",
    "Stmt_Client_Active_Unique",
    "Stmt_Server_Active_Total",
    "Stmt_Server_Active_Unique",
    "Stmt_Max_Stmt_id",
    "Stmt_Cached",
    "Query_Cache_Memory_bytes",
    "Query_Cache_count_GET",
    "Query_Cache_count_GET_OK",
    "Query_Cache_count_SET",
    "Query_Cache_bytes_IN",
    "Query_Cache_bytes_OUT",
    "Query_Cache_Purged",
    "Query_Cache_Entries",
    "new_req_conns_count",
};
const size_t schema_idle_counters_len = ARRAY_LEN(schema_idle_counters);
