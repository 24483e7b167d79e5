#pragma once

#include <stdbool.h>

#include "shared/compiler.h"

/* What a version of ProxySQL can, from its version string. Pure functions. */
struct capability {
    int major;
    int minor;
    int patch;
    bool supported;        /* one of the series the agent was written for: 2.5 to 3.x */
    bool tells_paused;     /* stats_mysql_global has mysql_listener_paused: from 2.6 */
    bool caching_sha2;     /* mysql-default_authentication_plugin may be caching_sha2_password: from 2.6 */
    bool checksums_unsafe; /* reading stats_proxysql_servers_checksums may crash it: 2.5.2 to 2.5.5 */
    bool pgsql;            /* has the PostgreSQL module: from 3.0 */
};

/* "2.7.2-14-g5cc418b", "3.0.0-alpha". 0, or -EINVAL when the text does not begin with three numbers. */
MUST_CHECK int capability_parse(const char *version, struct capability *ret_capability);
