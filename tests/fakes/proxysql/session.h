#pragma once

#include <netinet/in.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/socket.h>

#include "shared/buf.h"
#include "shared/compiler.h"
#include "tests/fakes/proxysql/backend.h"

/*
 * One client of the traffic port, as one of ProxySQL's workers sees it: MySQL's protocol on a non-blocking socket.
 * Every login is accepted. now_us is the worker's clock, which stands still between its passes. Not thread-safe.
 */
enum session_state { SESSION_CONNECTING, SESSION_SLEEP, SESSION_QUERY };

/* ProxySQL's status_flags of a backend connection (include/MySQL_Session.h, STATUS_MYSQL_CONNECTION_...): each keeps
 * the connection with its session. */
enum {
    SESSION_USER_VARIABLE = 0x4,
    SESSION_LOCK_TABLES = 0x10,
    SESSION_TEMPORARY_TABLE = 0x20,
    SESSION_GET_LOCK = 0x40,
};

enum { SESSION_NAME_MAX = 64 };

struct session {
    int fd; /* -1 = none: a free slot */
    uint32_t id;
    unsigned worker;
    bool mute;   /* never answered, never ended by its worker */
    bool killed; /* ended at the end of the worker's next pass */
    bool autocommit;
    enum session_state state;
    unsigned status_flags;
    char user[SESSION_NAME_MAX];
    char db[SESSION_NAME_MAX];
    char host[INET6_ADDRSTRLEN];
    unsigned port;
    int64_t last_us;       /* when it last sent or was sent something */
    int64_t busy_until_us; /* of the statement in SESSION_QUERY */
    struct buf in;
    struct buf statement; /* the last one */
    uint8_t seq;
    struct backend_link *link; /* NULL before the first statement */
};

/* Take over the descriptor and greet. False: the client is gone; session_close() in every case. */
MUST_CHECK bool session_open(struct session *s, int fd, uint32_t id, bool mute, int64_t now_us);
void session_close(struct session *s);
void session_set_peer(struct session *s, const struct sockaddr_storage *peer, socklen_t len);

/* Read what has arrived. False: the client is gone. */
MUST_CHECK bool session_receive(struct session *s, int64_t now_us);

/* Answer what is due: whole packets, and the statement that has run for long enough. Adds the statements that began to
 * *questions. False: end the session. */
MUST_CHECK bool session_work(struct session *s, struct backend *backend, int64_t now_us, int64_t *questions);

/* Whether a backend connection is kept for it, and what for. */
bool session_in_transaction(const struct session *s);
bool session_holds_backend(const struct session *s);

/* The status of its OK and EOF packets as things are now. */
uint16_t session_server_status(const struct session *s);
