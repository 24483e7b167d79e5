#pragma once

/* What the two files that know libh2o share. */

#include <stdbool.h>

#include <h2o.h>

#include "daemon/http/http_conns.h"
#include "daemon/http/http_server.h"
#include "shared/thread.h"

/* libh2o's side of a connection. Allocated at accept, freed when the socket is closed. */
struct http_link {
    struct http_conn conn;
    struct http_server *server;
    h2o_socket_t *socket;
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
    TAILQ_HEAD(http_deferred_list, http_deferred) deferred; /* by deadline, soonest first */
    const struct http_route *routes;
    void *context;
    uint16_t port;
    int64_t accept_again_ms; /* 0 while accepting, else when to try again */
    int64_t sweep_ms;        /* when to sweep the connections next */
    int64_t grace_ms;        /* set before the stop message is sent */
    bool stopping;
    pthread_t thread;
    struct mutex lock;
    bool stopped GUARDED;            /* the loop has ended: nothing may be sent to it */
    unsigned deferred_count GUARDED; /* handed out by http_defer() and not woken yet */
};

/* Serve every path of host by the server's routes. */
void http_request_install(struct http_server *server, h2o_hostconf_t *host);

/* Receives what http_deferred_wake() and http_server_stop() send. */
void http_request_on_messages(h2o_multithread_receiver_t *receiver, h2o_linklist_t *messages);

/* Resume what is due at now_ms (INT64_MAX: all). True when there was something: the loop must not wait then, since
 * libh2o learns of replies made outside its callbacks only in its next run. */
bool http_request_run_deadlines(struct http_server *server, int64_t now_ms);

/* The soonest deadline, or INT64_MAX. */
int64_t http_request_next_deadline(const struct http_server *server);
