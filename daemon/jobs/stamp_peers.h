#pragma once

#include "daemon/jobs/job_table.h"
#include "daemon/jobs/publish.h"
#include "daemon/proxysql/admin_modules.h"

/*
 * Which modules have the other cores loaded since they started? Asked on their admin ports, with this core's own
 * account: ProxySQL itself knows nothing of them until it has checked them a few times. Cores are the rows of
 * runtime_proxysql_servers (names: each of their addresses) and the core pods that run.
 *
 * ret_loaded[module] becomes true when a core that can be reached is past version 1. A core that accepts TCP but cannot
 * be asked is asked again in the next run (-EAGAIN), until peers_patience_ms after since_ms (monotonic); it is left out
 * then. Runs on the job's connection for the rows.
 */
MUST_CHECK int stamp_ask_peers(const struct publisher *to, const struct job_context *context, int64_t since_ms,
                               bool ret_loaded[static ADMIN_MODULES], struct error *err);
