#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "shared/compiler.h"
#include "shared/error.h"
#include "tests/fakes/proxysql/faults.h"

/*
 * The port that applications use (6033): greets every connection, accepts any login, answers OK to every command and
 * keeps a connection until its client closes it or it is killed. One thread serves all. Functions are thread-safe;
 * none of them waits for the admin mutex.
 */
struct traffic_server;

enum { TRAFFIC_SESSIONS_MAX = 1024 };

struct traffic_counters {
    int64_t connected;
    int64_t created;
    int64_t questions;
    int64_t transactions;
    bool paused;
};

struct traffic_session {
    uint32_t id;
    const char *user;
    const char *host;
    unsigned port;
    int64_t idle_ms;
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

/* End one session. False: no such id. */
MUST_CHECK bool traffic_server_kill(struct traffic_server *t, uint32_t id);

void traffic_server_count(struct traffic_server *t, struct traffic_counters *ret_counters);

/* Call visit for every session that has logged in. It must not call this module. */
void traffic_server_sessions(struct traffic_server *t,
                             void (*visit)(void *context, const struct traffic_session *session), void *context);
