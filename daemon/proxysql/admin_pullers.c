#include "daemon/proxysql/admin_pullers.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "shared/mem.h"
#include "shared/str.h"

#define SQL_PULLERS                                                    \
    "SELECT uuid, hostname, strftime('%s', 'now') - MAX(last_seen_at)" \
    " FROM stats_proxysql_servers_clients_status GROUP BY uuid ORDER BY 3 LIMIT 256"

enum { columns = 3, answer_bytes_max = 1024 * 1024 };
_Static_assert(PULLERS_MAX == 256, "the statement's LIMIT");

void puller_list_fini(struct puller_list *list)
{
    free(list->items);
    *list = (struct puller_list){.items = NULL};
}

static int take_puller(void *arg, const struct db_row *row, struct error *err)
{
    struct puller_list *list = arg;
    if (row->count != columns || row->values[0] == NULL || row->values[1] == NULL || row->values[2] == NULL)
        return error_set(err, -EPROTO, "a row of %u columns", row->count);
    struct puller p = {.age_s = 0};
    if (list->count >= PULLERS_MAX || !member_host_readable(row->values[1]) || strlen(row->values[1]) >= sizeof(p.host))
        return 0;
    if (str_to_int(row->values[2], INT32_MIN, INT32_MAX, &p.age_s) < 0)
        return error_set(err, -EPROTO, "last_seen_at \"%.32s\" is no time", row->values[2]);
    (void)snprintf(p.uuid, sizeof(p.uuid), "%s", row->values[0]);
    (void)snprintf(p.host, sizeof(p.host), "%s", row->values[1]);
    if (list->items == NULL)
        list->items = xcalloc(PULLERS_MAX, sizeof(*list->items));
    list->items[list->count++] = p;
    return 0;
}

int admin_read_pullers(struct db_conn *conn, int64_t deadline_ms, struct puller_list *ret_pullers, struct error *err)
{
    struct puller_list list = {.items = NULL};
    int rc = db_conn_query(conn, SQL_PULLERS, take_puller, &list, answer_bytes_max, deadline_ms, NULL, err);
    if (rc < 0) {
        puller_list_fini(&list);
        return error_wrap(err, "read stats_proxysql_servers_clients_status");
    }
    *ret_pullers = list;
    return 0;
}
