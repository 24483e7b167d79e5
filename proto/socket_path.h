#pragma once

#include <stddef.h>
#include <sys/types.h>

#include "shared/compiler.h"

/*
 * Where the control socket is when nobody says: the same order for the agent and for proxysql-agentctl.
 * 1. /run/proxysql-agent/agent.sock, 2. proxysql-agent-UID/agent.sock in $TMPDIR, or in /tmp. Thread-safe.
 */
enum { SOCKET_PATH_SIZE = 108, SOCKET_PLACES = 2 }; /* sun_path of unix(7) */

#define SOCKET_RUN_FOLDER "/run/proxysql-agent"

/* Place number index (< SOCKET_PLACES) for the agent of this user: the socket, and its folder. -ENAMETOOLONG when
 * TMPDIR is too long for a socket's address. */
MUST_CHECK int socket_path_place(size_t index, uid_t uid, char ret_path[static SOCKET_PATH_SIZE],
                                 char ret_folder[static SOCKET_PATH_SIZE]);
