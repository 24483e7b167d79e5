#pragma once

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "shared/compiler.h"
#include "shared/error.h"
#include "tests/bench/traffic/report.h"

/*
 * A client with one pooled connection, in a thread of its own: an operation, a pause, the next one; another connection
 * after so many operations. The balancer is the set of nodes that new connections may go to; connections that are
 * there stay where they are.
 */
enum { NODES_MAX = 8, HOST_MAX = 64 };

struct address {
    char host[HOST_MAX];
    unsigned port;
};

/* What happens to a connection whose session has had a temporary table. */
enum temporary { TEMPORARY_RESET, TEMPORARY_CLOSE, TEMPORARY_KEEP };

struct traffic {
    struct address nodes[NODES_MAX];
    unsigned node_count;
    atomic_uint routed; /* bit i: node i gets new connections */
    atomic_bool stop;
    int stop_fd; /* readable once stopping */
    const char *user;
    const char *password;
    const char *database;
    enum temporary temporary;
    struct report report;
};

struct client;

/* Start one client; seed makes its choices. t outlives it. */
MUST_CHECK int client_start(struct traffic *t, unsigned number, uint32_t seed, struct client **ret_client,
                            struct error *err);
/* Wait for the end of its last operation; returns how many stale connections it met. */
unsigned client_join(struct client *c);

/* A client that connects to node 0 now and does one long operation, of seconds, when start_fd (an eventfd as semaphore)
 * lets it. */
MUST_CHECK int client_start_long(struct traffic *t, enum operation operation, int seconds, int start_fd,
                                 struct client **ret_client, struct error *err);
