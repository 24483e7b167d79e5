#pragma once

#include "daemon/proxysql/admin.h"

/* What another node of the cluster says of itself, asked on its admin port; see admin.h for what statements have in
 * common. */
struct admin_peer {
    char version[ADMIN_VERSION_SIZE];
    int64_t now_s; /* its wall clock */
};

MUST_CHECK int admin_read_peer(struct db_conn *conn, int64_t deadline_ms, struct admin_peer *ret_peer,
                               struct error *err);
