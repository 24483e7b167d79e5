#pragma once

/* What the files of the control server share. */

#include "daemon/control/control_client.h"
#include "daemon/control/control_server.h"
#include "daemon/control/control_socket.h"
#include "shared/thread.h"

/* What a job tells may pile up to so much before the loop passes it on, and lines may be kept for its result; what is
 * beyond is left out. */
enum { CONTROL_PROGRESS_BYTES_MAX = 256 * 1024, CONTROL_LINES_BYTES_MAX = 1024 * 1024 };

/* One request that is being served; belongs to its client. Loop thread only. */
struct control_call {
    struct control_server *server;
    struct control_client *client;
    const struct command *command;
    struct argument_values values;
    int64_t id;
    struct control_wait *wait; /* NULL unless it waits for a job */
};

/* One job that is waited for; lives until the job has ended, however early its client leaves. What is posted is guarded
 * by the server's lock, the rest belongs to the loop thread. */
struct control_wait {
    TAILQ_ENTRY(control_wait) link;   /* in the server's waits */
    TAILQ_ENTRY(control_wait) posted; /* in the server's posted ones */
    struct control_server *server;
    struct control_call *call; /* NULL: nobody waits any more */
    control_resume_fn *resume;
    int64_t deadline_ms; /* INT64_MAX = none */
    bool is_posted GUARDED;
    int64_t id;                  /* of the call */
    struct buf progress GUARDED; /* whole frames, to be passed on */
    size_t last_counter GUARDED; /* where the last frame begins, if it counts: a newer count takes its place */
    bool ends_in_counter GUARDED;
    struct buf lines GUARDED; /* for the outcome */
    struct control_outcome outcome GUARDED;
};

TAILQ_HEAD(control_wait_list, control_wait);

struct control_server {
    struct control_socket socket;
    int wake_fd; /* eventfd(2): something was posted, or stop */
    control_handler_fn *const *handlers;
    void *context;
    pthread_t thread;
    struct control_client_list clients;
    struct control_wait_list waits;
    int64_t accept_again_ms; /* 0 while accepting, else when to try again */
    int64_t grace_ms;
    struct mutex lock;
    bool stopping GUARDED;
    struct control_wait_list posted GUARDED;
    struct control_server_stats stats GUARDED;
};

/* A whole frame has come: serve it. */
void control_call_begin(struct control_server *server, struct control_client *client, const uint8_t *content,
                        size_t len, int64_t now_ms);

/* What is no frame: answer so and end the connection. */
void control_call_malformed(struct control_server *server, struct control_client *client, const struct error *why,
                            int64_t now_ms);

/* The client goes: what it waits for goes on without it. */
void control_call_abandon(struct control_client *client);

/* Pass on what jobs have posted. */
void control_wait_run_posted(struct control_server *server, int64_t now_ms);

/* Resume what has waited long enough (INT64_MAX: all). */
void control_wait_run_deadlines(struct control_server *server, int64_t now_ms);
int64_t control_wait_next_deadline(const struct control_server *server);

/* Whatever has ended after the loop. */
void control_wait_free_all(struct control_server *server);
