#pragma once

#include <stddef.h>

#include "daemon/cluster/view.h"
#include "daemon/proxysql/db_conn.h"

/*
 * Statements about ProxySQL's configuration modules but the member list, which admin_cluster.h has (see admin.h for
 * what they have in common). Those that write may have been executed even when they time out: read again before the
 * next one.
 */

/* In the order in which they are loaded: users and rules name hostgroups, so those come first. */
enum admin_module {
    MODULE_ADMIN_VARIABLES,
    MODULE_MYSQL_VARIABLES,
    MODULE_MYSQL_SERVERS,
    MODULE_MYSQL_USERS,
    MODULE_MYSQL_QUERY_RULES,
    ADMIN_MODULES
};

enum { MODULE_TABLES_MAX = 6 };

/* "MYSQL SERVERS", as statements name it. */
const char *admin_module_name(enum admin_module module);

/* A table of the module that its configuration file can fill, and that nothing else of the module does; NULL beyond the
 * last one. Variables have none: they are never deleted. */
const char *admin_module_table(enum admin_module module, size_t index);

/* What this node knows of the module's version, epoch and checksum; NULL when it does not tell. */
const struct module_state *admin_module_own(const struct cluster_view *view, enum admin_module module);

/* LOAD ... FROM CONFIG: merges the file's rows into memory. *ret_rows = how many the file has. -EREMOTEIO: there is no
 * such file, or it is broken, and memory is as it was. */
MUST_CHECK int admin_module_from_config(struct db_conn *conn, enum admin_module module, int64_t deadline_ms,
                                        uint64_t *ret_rows, struct error *err);

/* LOAD ... TO RUNTIME: makes a new epoch even when nothing changed. */
MUST_CHECK int admin_module_to_runtime(struct db_conn *conn, enum admin_module module, int64_t deadline_ms,
                                       struct error *err);

/* SAVE ... FROM RUNTIME: memory becomes what runtime is (rows that are not active are in memory only and are lost). */
MUST_CHECK int admin_module_save_from_runtime(struct db_conn *conn, enum admin_module module, int64_t deadline_ms,
                                              struct error *err);

/* The rows of each of the module's tables, in memory and in runtime; -1 in memory: this version has no such table. */
struct module_rows {
    int64_t memory[MODULE_TABLES_MAX];
    int64_t runtime[MODULE_TABLES_MAX];
};
MUST_CHECK int admin_module_count(struct db_conn *conn, enum admin_module module, int64_t deadline_ms,
                                  struct module_rows *ret_rows, struct error *err);

/* DELETE FROM one of the module's tables (memory), by its index. */
MUST_CHECK int admin_module_clear(struct db_conn *conn, enum admin_module module, size_t index, int64_t deadline_ms,
                                  struct error *err);

/* The rows that runtime has of one of the module's tables, into memory, where it is empty. What the monitor took out of
 * traffic is put back as if it were in it, like SAVE ... FROM RUNTIME does. */
MUST_CHECK int admin_module_copy_runtime(struct db_conn *conn, enum admin_module module, size_t index,
                                         int64_t deadline_ms, struct error *err);

/* How memory differs from runtime: called for each row that only one of them has. key names the row (a server's
 * hostgroup, host and port, a variable's name), never its secrets. table is the memory table's name. */
typedef void module_difference_fn(void *arg, const char *table, bool in_memory, const char *key);
MUST_CHECK int admin_module_compare(struct db_conn *conn, enum admin_module module, int64_t deadline_ms,
                                    module_difference_fn *fn, void *arg, struct error *err);

/* Keep a copy of what memory has of the module, and put it back as it was (also what is neither in runtime nor on
 * disk). The copy is a temporary table of ProxySQL's; one of an earlier time is replaced. */
MUST_CHECK int admin_module_keep(struct db_conn *conn, enum admin_module module, int64_t deadline_ms,
                                 struct error *err);
MUST_CHECK int admin_module_put_back(struct db_conn *conn, enum admin_module module, int64_t deadline_ms,
                                     struct error *err);
