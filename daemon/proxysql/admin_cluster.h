#pragma once

#include "daemon/cluster/view.h"
#include "daemon/proxysql/db_conn.h"

/*
 * Statements about the cluster, as typed functions (see admin.h for what they have in common). Those that write may
 * have been executed even when they time out: read again before the next one.
 */

/* Everything one pass judges, in one statement. use_metrics: take the peers' ages from stats_proxysql_servers_metrics,
 * for versions whose checksums table must not be read (capability.h); then there are no peers' checksums. ret_view is
 * filled only on success; free it with cluster_view_fini(). */
MUST_CHECK int admin_read_cluster(struct db_conn *conn, bool use_metrics, int64_t deadline_ms,
                                  struct cluster_view *ret_view, struct error *err);

/* What the sync gate judges: users, and the checksums of users and servers, ours and (with_peers) the peers'; a peer's
 * row that makes no sense is left out. */
MUST_CHECK int admin_read_gate(struct db_conn *conn, bool with_peers, int64_t deadline_ms,
                               struct cluster_view *ret_view, struct error *err);

/* Only versions, epochs and checksums of the modules, of whatever node the connection leads to: view.own. */
MUST_CHECK int admin_read_modules(struct db_conn *conn, int64_t deadline_ms, struct cluster_view *ret_view,
                                  struct error *err);

/* runtime_proxysql_servers of whatever node the connection leads to. */
MUST_CHECK int admin_read_members(struct db_conn *conn, int64_t deadline_ms, struct member_list *ret_members,
                                  struct error *err);

/* proxysql_servers (memory): put the given rows, remove all others. Two statements, never empty in between. To keep
 * nobody is refused: -EINVAL. */
MUST_CHECK int admin_put_members(struct db_conn *conn, const struct member_list *members, int64_t deadline_ms,
                                 struct error *err);
MUST_CHECK int admin_keep_members(struct db_conn *conn, const struct member_list *members, int64_t deadline_ms,
                                  struct error *err);

/* DELETE FROM proxysql_servers (memory). */
MUST_CHECK int admin_clear_members(struct db_conn *conn, int64_t deadline_ms, struct error *err);

/* LOAD PROXYSQL SERVERS FROM CONFIG: merges the file's rows into memory; *ret_rows = how many the file has. */
MUST_CHECK int admin_load_members_from_config(struct db_conn *conn, int64_t deadline_ms, uint64_t *ret_rows,
                                              struct error *err);

/* LOAD PROXYSQL SERVERS TO RUNTIME: makes a new epoch even when nothing changed. */
MUST_CHECK int admin_load_members_to_runtime(struct db_conn *conn, int64_t deadline_ms, struct error *err);

/* SAVE PROXYSQL SERVERS FROM RUNTIME: memory becomes what runtime is. */
MUST_CHECK int admin_save_members_from_runtime(struct db_conn *conn, int64_t deadline_ms, struct error *err);
