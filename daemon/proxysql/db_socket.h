#pragma once

#include <stdbool.h>
#include <stdint.h>

#include <mysql.h>

#include <ma_pvio.h>

#include "daemon/proxysql/packet_screen.h"
#include "shared/compiler.h"

/*
 * The socket of one connection of Connector/C: every wait for it, the library's own ones too, has a deadline and can be
 * cancelled, and what comes from it is screened before the library parses it. Embedded in its connection, whose thread
 * it belongs to; zeroed but for mysql and cancel_fd at first.
 */
struct db_socket {
    MYSQL *mysql;        /* borrowed */
    int cancel_fd;       /* readable = every wait ends; -1 = none */
    int waiting;         /* MYSQL_WAIT_ bits that a suspended call waits for, 0 = it has returned */
    bool connecting;     /* waits inside the library are allowed, until deadline_ms */
    bool broken;         /* not to be used again */
    int64_t deadline_ms; /* of the connect, monotonic */
    int wait_rc;         /* why a wait inside the library ended: 0, -ETIMEDOUT, -ECANCELED */
    struct st_ma_pvio_methods methods;
    struct packet_screen screen;
};

/* The library's hook that guards the sockets. Once in a process, around all connections; start returns 0 or -EIO. */
MUST_CHECK int db_socket_hook_start(void);
void db_socket_hook_stop(void);

/* Around each of the library's calls that connect: the hook finds by it whose socket is new. */
void db_socket_enter(struct db_socket *socket);
void db_socket_leave(void);

/* The wait of one suspended call. Returns MYSQL_WAIT_ bits, 0 at the deadline, -ECANCELED. */
int db_socket_wait(const struct db_socket *socket, int64_t deadline_ms);

/* Not one more byte to the peer, and no wait in the library's clean-up: broken. */
void db_socket_shut(struct db_socket *socket);

/* A dead host is noticed after at most a minute even when nothing is sent. */
void db_socket_keep_alive(const struct db_socket *socket);

/* There is something to read that no statement has asked for, or the peer has closed. Does not wait. */
bool db_socket_stale(const struct db_socket *socket);
