#pragma once

/* What the files that know libh2o share. */

#include <stdatomic.h>
#include <stdbool.h>

#include <h2o.h>

#include "daemon/http/http_conns.h"
#include "daemon/http/http_counts.h"
#include "daemon/http/http_server.h"
#include "daemon/http/http_tls.h"
#include "shared/thread.h"

TAILQ_HEAD(http_deferred_list, http_deferred);

/* libh2o's side of a connection. Allocated at accept, freed when the socket is closed. */
struct http_link {
    struct http_conn conn;
    struct http_server *server;
    h2o_socket_t *socket;
    SSL_CTX *tls_context; /* NULL without TLS: libh2o takes no reference before the client's first bytes */
    bool handshaking;
    uint64_t turn; /* the loop's turn in which its last request began, and how many did */
    unsigned turn_requests;
    struct http_deferred_list abandoned; /* their request has ended, they were not woken yet */
};

/* Accepted, not yet a connection; see admission_note. */
struct http_newcomer {
    int fd; /* -1 = there is none */
    struct http_source *source;
};

struct http_server {
    h2o_evloop_t *loop;
    h2o_globalconf_t config;
    h2o_context_t h2o;
    h2o_accept_ctx_t accept;
    h2o_socket_t *listener;              /* NULL once stopping */
    h2o_multithread_receiver_t receiver; /* wakes and the stop */
    h2o_multithread_message_t stop_message;
    struct http_conns conns;
    struct http_newcomer newcomer;
    struct http_tls *tls;               /* NULL = no TLS */
    struct http_counts *counts;         /* of requests */
    struct http_deferred_list deferred; /* by deadline, soonest first */
    const struct http_route *routes;
    void *context;
    uint16_t port;
    int64_t accept_again_ms; /* 0 while accepting, else when to try again */
    int64_t sweep_ms;        /* when to sweep the connections next */
    int64_t weigh_ms;        /* when to look next what they hold of requests that are not whole */
    size_t held_most;        /* bytes that connections held together, since memory was given back last */
    int64_t grace_ms;        /* set before the stop message is sent */
    bool stopping;
    uint64_t turn; /* of the loop */
    _Atomic uint64_t accepted;
    _Atomic uint64_t handshake_failures;
    _Atomic unsigned open; /* connections, for other threads */
    bool started;          /* thread runs */
    pthread_t thread;
    struct mutex lock;
    bool stopped GUARDED;            /* the loop has ended: nothing may be sent to it */
    unsigned deferred_count GUARDED; /* handed out by http_defer() and not woken yet */
};

/* Accept from fd, which is taken; stop, also the one that waits for its place. */
void http_accept_start(struct http_server *server, int fd);
void http_accept_stop(struct http_server *server);

/* Try again what had to wait; returns when to call next, or INT64_MAX. */
int64_t http_accept_run(struct http_server *server, int64_t now_ms);

/* Bytes that the connection holds of requests which no handler has seen yet. */
size_t http_receiving_bytes(const struct http_link *link);

/* Serve every path of host by the server's routes. */
void http_request_install(struct http_server *server, h2o_hostconf_t *host);

/* The link goes: what was deferred for it is not its any more. */
void http_request_forget_link(struct http_link *link);

/* Receives what http_deferred_wake() and http_server_stop() send. */
void http_request_on_messages(h2o_multithread_receiver_t *receiver, h2o_linklist_t *messages);

/* Resume what is due at now_ms (INT64_MAX: all). True when there was something: the loop must not wait then, since
 * libh2o learns of replies made outside its callbacks only in its next run. */
bool http_request_run_deadlines(struct http_server *server, int64_t now_ms);

/* The soonest deadline, or INT64_MAX. */
int64_t http_request_next_deadline(const struct http_server *server);
