#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <sys/queue.h>
#include <sys/types.h>

#include "shared/buf.h"
#include "shared/error.h"

/*
 * One client of the control socket: its descriptor, what it has sent, what it still has to read. A client is served one
 * request at a time; what it sends meanwhile waits in the kernel. Loop thread only; now_ms is the monotonic clock.
 */
enum {
    CONTROL_IDLE_MS = 30 * 1000,   /* so long a client may stay without a request */
    CONTROL_FRAME_MS = 5 * 1000,   /* so long a frame may take from its first byte */
    CONTROL_SEND_MS = 10 * 1000,   /* so long a client may read nothing of what waits for it */
    CONTROL_ANSWER_MS = 60 * 1000, /* so long it may take to read all of an answer */
    CONTROL_YOUNG_MS = 1000,       /* so long a new client is not ended for another: its request may be on its way */
    CONTROL_WAITING_BYTES_MAX = 256 * 1024 /* unread progress: what is beyond this is left out */
};

enum control_client_state {
    CONTROL_CLIENT_IDLE,      /* nothing of a request has come */
    CONTROL_CLIENT_RECEIVING, /* a part of one has */
    CONTROL_CLIENT_WORKING,   /* it is being served */
    CONTROL_CLIENT_SENDING,   /* served, and the answer is not all sent yet */
    CONTROL_CLIENT_CLOSING,   /* the same, and the connection ends when it is */
};

struct control_call;

struct control_client {
    TAILQ_ENTRY(control_client) link;
    enum control_client_state state;
    int64_t since_ms; /* when it entered its state */
    int64_t read_ms;  /* when it last read something of what it was sent */
    int fd;
    uid_t uid;
    pid_t pid;
    bool gone; /* hung up, or lost: to be closed */
    struct buf in;
    struct buf out;
    struct control_call *call; /* while WORKING */
};

TAILQ_HEAD(control_client_list, control_client);

/* A new client on an accepted, non-blocking socket, which is its own from now on. Never fails. */
struct control_client *control_client_new(int fd, int64_t now_ms);
void control_client_free(struct control_client *client);

/* The one place where a client changes its state. */
void control_client_set_state(struct control_client *client, enum control_client_state state, int64_t now_ms);

/* Read what has come, one frame at most. 1: a whole frame, at *ret_content in client->in until
 * control_client_drop_frame(); 0: not yet, or gone; -EPROTO, -EMSGSIZE: no frame. */
MUST_CHECK int control_client_receive(struct control_client *client, int64_t now_ms, const uint8_t **ret_content,
                                      size_t *ret_len, struct error *err);
void control_client_drop_frame(struct control_client *client, size_t content_len);

/* Send what waits, as far as the client takes it. */
void control_client_send(struct control_client *client, int64_t now_ms);

/* When this client is to be ended for its slowness; INT64_MAX = never. */
int64_t control_client_deadline_ms(const struct control_client *client);

/* The events of poll(2) that matter now, beside a hang-up, which always does. A client that only ends its sending side
 * still gets its answer. */
short control_client_events(const struct control_client *client);
