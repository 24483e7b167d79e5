#pragma once

#include "daemon/config/config.h"
#include "daemon/jobs/health_state.h"
#include "daemon/phase.h"
#include "daemon/proxysql/db_pool.h"
#include "daemon/queue/job_queue.h"

/* Log one record of everything worth knowing about a running agent (SIGUSR1). Thread-safe. */
void status_log(const struct config *config, enum phase phase, struct health_state *health, struct db_pool *pool,
                struct job_queue *queue);

/* "none", "core", "satellite", "dump" */
const char *run_mode_name(int run_mode);
