#pragma once

#include <sys/types.h>

#include "proto/socket_path.h"
#include "shared/compiler.h"
#include "shared/error.h"

/* The listening unix socket of the control interface. Belongs to one thread. */
struct control_socket {
    int fd; /* -1 = none */
    char path[SOCKET_PATH_SIZE];
    dev_t device; /* of the file that was made, so that another's is never removed */
    ino_t inode;
};

/* Listen on path, or, when it is "", in the first of the default places (proto/socket_path.h) that can be had, and give
 * the file this mode. A socket that nobody listens on is replaced. -EADDRINUSE when somebody does; -ENAMETOOLONG;
 * -EPERM when the folder in /tmp is not ours alone, or somebody replaces the file meanwhile; else what the system says.
 * The text names path and reason. */
MUST_CHECK int control_socket_open(const char *path, mode_t mode, struct control_socket *ret_socket, struct error *err);

/* Close it, and remove the file if it still is the one that was made. */
void control_socket_close(struct control_socket *socket);
