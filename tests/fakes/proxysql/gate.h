#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "shared/compiler.h"
#include "shared/thread.h"

/*
 * ProxySQL's one admin mutex (sql_query_global_mutex): every admin statement runs inside it. A wedge keeps it shut for
 * as long as a test likes; statements queue in front of it meanwhile and run afterwards, whether or not their client
 * still listens. Thread-safe.
 */
struct gate {
    struct mutex lock;
    struct cond changed;
    bool busy GUARDED;    /* a statement is inside */
    bool wedged GUARDED;  /* nobody enters */
    bool stopped GUARDED; /* nobody enters ever again */
    unsigned waiting GUARDED;
    unsigned waiting_max GUARDED;
};

void gate_init(struct gate *g);
void gate_fini(struct gate *g);

/* Wait for the mutex. False: the process is stopping, do not run the statement and do not leave. */
MUST_CHECK bool gate_enter(struct gate *g);
void gate_leave(struct gate *g);
/* The one inside stays for so long, less when the process is stopping. */
void gate_stay(struct gate *g, int64_t wait_ms);

/* Shut the gate behind the statement that is inside, or open it. Returns at once. */
void gate_wedge(struct gate *g, bool wedged);

/* Stay inside, which the caller is, for so long or until the process stops. */
void gate_hold(struct gate *g, int64_t hold_ms);

/* Every waiting and future gate_enter() returns false. */
void gate_stop(struct gate *g);

void gate_count(struct gate *g, unsigned *ret_waiting, unsigned *ret_waiting_max);
