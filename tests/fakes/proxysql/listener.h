#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <sys/socket.h>

#include "shared/compiler.h"
#include "shared/error.h"
#include "shared/thread.h"

/*
 * A listening TCP socket that other threads can close and open again while one thread, its owner, polls it. Closing
 * resets what waits in the backlog, like ProxySQL's PAUSE.
 */
struct listener {
    int wake_fd; /* eventfd: readable when the owner shall call listener_service() */
    int fd;      /* the owner's; -1 while closed */
    struct sockaddr_storage address;
    socklen_t address_len;
    struct mutex lock;
    struct cond applied;
    bool want_open GUARDED;
    bool is_open GUARDED;
    bool stopping GUARDED;
};

/* Bind to "host:port"; port 0 picks one. Connects are refused until listener_start(). listener_fini() in every case. */
MUST_CHECK int listener_init(struct listener *l, const char *address, struct error *err);
/* Listen; before the owner's thread begins. */
MUST_CHECK int listener_start(struct listener *l, struct error *err);
void listener_fini(struct listener *l);

/* "127.0.0.1:6032" with the real port. */
void listener_format(const struct listener *l, char *ret_text, size_t size);

/* Any thread: open or close and wait until the owner has done so. */
void listener_set_open(struct listener *l, bool open);
/* Any thread: make wake_fd readable. */
void listener_wake(struct listener *l);
/* Any thread: make the owner's listener_service() return false. */
void listener_stop(struct listener *l);

/* The owner, whenever wake_fd is readable: do what others asked for. False: stop. */
MUST_CHECK bool listener_service(struct listener *l);
