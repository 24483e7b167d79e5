#pragma once

#include "daemon/cluster/member.h"
#include "daemon/jobs/job_table.h"

/* runtime_proxysql_servers of another node, read on a connection of its own that is closed afterwards: 2 s for all of
 * it, and never longer than the job has. The text of a failure names the node. */
MUST_CHECK int other_node_read_members(const struct job_context *context, const struct job *job, const char *host,
                                       uint16_t port, struct member_list *ret_members, struct error *err);
