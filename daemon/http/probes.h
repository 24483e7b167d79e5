#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "daemon/jobs/health_state.h"
#include "daemon/phase.h"
#include "shared/buf.h"

/*
 * What the kubelet is told, from the last known state: the table of docs/probes.md. Pure functions.
 */
enum probe_kind { PROBE_STARTUP, PROBE_READINESS, PROBE_LIVENESS };

struct probe_question {
    enum probe_kind kind;
    const struct health_snapshot *health;
    enum phase phase;
    bool draining_file;        /* shutdown.draining_file exists */
    int64_t now_ms;            /* monotonic */
    int64_t wedge_tolerance_s; /* health.wedge_tolerance; 0 = for ever */
};

struct probe_answer {
    int http_status;     /* 200, 502, 503 */
    const char *status;  /* "ok", "draining", "error" */
    const char *message; /* what the reference agent says, or why not */
    bool draining;
    bool degraded;   /* good although admin does not answer */
    int64_t since_s; /* how long admin has not answered; 0 while it does */
    int64_t age_ms;  /* of what is known; -1 = nothing is */
};

void probe_decide(const struct probe_question *question, struct probe_answer *ret_answer);

/* The JSON body of an answer. 0, or -EMSGSIZE when out is too small. */
MUST_CHECK int probe_write(const struct probe_question *question, const struct probe_answer *answer, struct buf *out);
