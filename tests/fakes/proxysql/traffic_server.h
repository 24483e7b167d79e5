#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "shared/compiler.h"
#include "shared/error.h"
#include "tests/fakes/proxysql/faults.h"

/*
 * The port that applications use (6033), with ProxySQL's worker threads as far as clients can tell: a session belongs
 * to one of TRAFFIC_WORKERS, which looks at it in passes. A pass is made when one of the worker's own clients sends
 * something or its statement ends, when somebody connects, at the latest after 2 s (mysql-poll_timeout), and when a
 * KILL wakes all workers. Its clock stands still between passes: so do idle times. Once a second, and in a pass that a
 * KILL asked for, it looks at mysql-wait_timeout and counts transactions (lib/MySQL_Thread.cpp, run,
 * read_one_byte_from_pipe, ProcessAllSessions_MaintenanceLoop). One thread serves all. Functions are thread-safe; none
 * of them waits for the admin mutex.
 */
struct traffic_server;

enum { TRAFFIC_SESSIONS_MAX = 1024, TRAFFIC_WORKERS = 4 };

struct traffic_counters {
    int64_t connected;
    int64_t created;
    int64_t questions;
    int64_t transactions; /* as last counted by the workers */
    bool paused;
};

struct traffic_session {
    unsigned worker;
    uint32_t id;
    const char *user;
    const char *db;
    const char *host;
    unsigned port;
    const char *command;
    int64_t time_ms; /* since it last sent or was sent something, on its worker's clock */
    bool holds_backend;
    const char *info; /* the running statement, else NULL */
    unsigned status_flags;
};

/* Listen on "host:port" (port 0 picks one) and serve. faults and the counter of session ids stay the caller's and must
 * outlive the server. */
MUST_CHECK int traffic_server_start(const char *address, const struct faults *faults, atomic_uint *next_session_id,
                                    struct traffic_server **ret_server, struct error *err);
/* Close everything, join the thread, free. NULL is fine. */
void traffic_server_stop(struct traffic_server *t);

/* "127.0.0.1:6033" with the real port. */
void traffic_server_address(const struct traffic_server *t, char *ret_text, size_t size);

/* PROXYSQL PAUSE and RESUME. False: it is so already. */
MUST_CHECK bool traffic_server_pause(struct traffic_server *t, bool pause);

/* After faults->traffic changed: open or close the listener accordingly. */
void traffic_server_apply_mode(struct traffic_server *t);

/* mysql-wait_timeout; a worker learns of it in its next pass. */
void traffic_server_set_wait_timeout(struct traffic_server *t, int64_t wait_timeout_ms);

/* End one session, even in the middle of a statement, and wake all workers. False: no such id; they wake all the same.
 */
MUST_CHECK bool traffic_server_kill(struct traffic_server *t, uint32_t id);

void traffic_server_count(struct traffic_server *t, struct traffic_counters *ret_counters);

/* Call visit for every session. It must not call this module. */
void traffic_server_sessions(struct traffic_server *t,
                             void (*visit)(void *context, const struct traffic_session *session), void *context);
