#pragma once

#include <stddef.h>
#include <stdint.h>

#include "daemon/queue/job_queue.h"
#include "proto/command.h"
#include "proto/message.h"
#include "shared/buf.h"
#include "shared/error.h"

/*
 * The control interface: a unix socket that speaks docs/control-protocol.md, served by one loop thread, "control".
 * Nothing else waits for it: probes and the drain go their own way.
 *
 * Handlers run on the loop thread and must not block. They reply at once or wait: then a job's callbacks, from
 * whatever thread, tell how far it is and how it ended, and the resume function replies on the loop thread.
 */
enum {
    CONTROL_CLIENTS_MAX = 128, /* one more ends the client idle longest; none idle: it waits to be accepted */
};

struct control_call;

/* How a waited-for job ended. */
struct control_outcome {
    bool ended; /* false: not within the time that was given, it goes on */
    int code;   /* like those of struct job_result */
    char text[256];
    char summary[JOB_SUMMARY_SIZE];
    int64_t waited_ms;
    int64_t duration_ms;
    const char *lines; /* what the job told that counts nothing, each with a line end; valid during the call */
};

typedef void control_handler_fn(void *context, struct control_call *call);
typedef void control_resume_fn(void *context, struct control_call *call, const struct control_outcome *outcome);

struct control_server_options {
    const char *path;                    /* "" = the default places */
    unsigned mode;                       /* of the file */
    control_handler_fn *const *handlers; /* COMMAND_IDS of them, by enum command_id */
    void *context;                       /* handed to handlers */
};

struct control_server;

/* Listen and start the loop thread. What control_socket_open() returns, or -EAGAIN: no thread. */
MUST_CHECK int control_server_start(struct control_server **ret_server, const struct control_server_options *options,
                                    struct error *err);

/* The socket's path, valid as long as the server. */
const char *control_server_path(const struct control_server *server);

/* Stop accepting, send what is answered within grace_ms, close everything, join the thread. Once; call it after the
 * queue has stopped, so that nobody waits for a job any more. NULL is fine. */
void control_server_stop(struct control_server *server, int64_t grace_ms);

/* After control_server_stop() and after every job that was waited for has ended. NULL is fine. */
void control_server_free(struct control_server *server);

/* Counters, for metrics. Thread-safe. */
struct control_server_stats {
    uint64_t accepted;
    uint64_t requests;
    uint64_t refused; /* requests answered with an error before their handler: malformed, version, rights, arguments */
    uint64_t timed_out; /* clients that were ended because they were slow or silent */
    uint64_t crowded;   /* idle clients that were ended for another because every place was taken */
    uint64_t clients;   /* now */
};
void control_server_get_stats(struct control_server *server, struct control_server_stats *ret_stats);

/* --- for handlers, on the loop thread --- */

const struct command *control_call_command(const struct control_call *call);

/* The number given for an argument of the command, or otherwise. */
int64_t control_call_value(const struct control_call *call, const char *argument, int64_t otherwise);

/* All of its arguments; texts are valid until its handler returns. */
const struct argument_values *control_call_values(const struct control_call *call);

/* Reply with a packed value, or with an error. Exactly once for each call, which is not to be touched afterwards. */
void control_reply(struct control_call *call, const struct buf *body);
void control_reply_error(struct control_call *call, enum message_error code, const char *message, const char *hint);

/* Wait for a job that the caller submits next, with these callbacks: what is told to them is passed on as below. */
struct control_job {
    job_done_fn *done;
    job_progress_fn *progress;
    void *arg;
};
void control_wait_begin(struct control_call *call, int64_t timeout_ms, control_resume_fn *resume,
                        struct control_job *ret_job);

/* It was not accepted: nobody waits, and done will not be called. */
void control_wait_cancel(struct control_call *call);

/* Submit a job and wait for it: its progress is passed on, and resume is called when it ends or after timeout_ms
 * (0 = only when it ends), exactly once, but never when the client has gone before; the job goes on. done, progress and
 * arg of submission are filled in. What job_queue_submit_with() returns; on failure nothing waits, and the handler
 * still has to reply. */
MUST_CHECK int control_wait_for_job(struct control_call *call, struct job_queue *queue,
                                    struct job_submission *submission, int64_t timeout_ms, control_resume_fn *resume,
                                    struct error *err);
