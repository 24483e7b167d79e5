#pragma once

#include "daemon/config/config.h"
#include "daemon/proxysql/db_pool.h"

/* How the settings say to log in to ProxySQL's admin interface: options for db_pool_change_login(), and for
 * db_pool_new() once host, port and size are added. Borrows config's texts. Thread-safe. */
struct db_pool_options pool_login(const struct config *config);
