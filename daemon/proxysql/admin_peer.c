#include "daemon/proxysql/admin_peer.h"

#include <errno.h>
#include <stdio.h>

#include "shared/str.h"

#define SQL_PEER                                                                 \
    "SELECT variable_value, strftime('%s', 'now') FROM runtime_global_variables" \
    " WHERE variable_name = 'admin-version'"

enum { columns = 2, answer_bytes_max = 64 * 1024 };
static const int64_t time_max_s = INT64_C(1) << 40;

static int take_peer(void *arg, const struct db_row *row, struct error *err)
{
    struct admin_peer *peer = arg;
    if (row->count != columns || row->values[0] == NULL || row->values[1] == NULL)
        return error_set(err, -EPROTO, "a row of %u columns", row->count);
    if (str_to_int(row->values[1], 0, time_max_s, &peer->now_s) < 0)
        return error_set(err, -EPROTO, "a clock of \"%.32s\"", row->values[1]);
    (void)snprintf(peer->version, sizeof(peer->version), "%s", row->values[0]);
    return 0;
}

int admin_read_peer(struct db_conn *conn, int64_t deadline_ms, struct admin_peer *ret_peer, struct error *err)
{
    struct admin_peer peer = {.now_s = 0};
    int rc = db_conn_query(conn, SQL_PEER, take_peer, &peer, answer_bytes_max, deadline_ms, NULL, err);
    if (rc == 0 && peer.version[0] == '\0')
        rc = error_set(err, -EPROTO, "it does not tell its version");
    if (rc < 0)
        return error_wrap(err, "read version and clock");
    *ret_peer = peer;
    return 0;
}
