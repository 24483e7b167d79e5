#pragma once

#include "daemon/config/live.h"
#include "daemon/http/http_server.h"
#include "daemon/http/turn_page.h"
#include "daemon/jobs/health_state.h"
#include "daemon/jobs/job_table.h"
#include "daemon/phase.h"
#include "daemon/queue/job_queue.h"
#include "proto/command.h"

struct control_server;

/*
 * The paths that the agent serves. A probe is answered from the state if that is younger than health.max_age_ms, else
 * after a health job (shared by all who ask), else, when that is refused or late, from the state as it is, with its
 * age.
 */
struct api_context {
    struct config_live *live;
    struct job_queue *queue;
    struct health_state *health;
    const struct phase_state *phase;
    const struct job_context *jobs;
    _Atomic(struct control_server *) control; /* NULL until it serves, or when its socket cannot be had */
    struct turn_page metrics;                 /* of the loop thread, as the next one */
    struct turn_page status;
};

enum { API_ROUTES_MAX = 8 + COMMAND_IDS };

/* For http_server_listen(), whose context is then a struct api_context: the fixed paths, and those of the commands
 * (proto/command.h). Ended by a NULL path. */
void api_make_routes(struct http_route ret_routes[API_ROUTES_MAX]);
