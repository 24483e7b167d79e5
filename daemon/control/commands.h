#pragma once

#include "daemon/control/control_server.h"
#include "daemon/jobs/job_table.h"

/* What the control commands do: for control_server_start(), COMMAND_IDS of them; their context is a const struct
 * job_context, the queue's. */
extern control_handler_fn *const command_handlers[COMMAND_IDS];
