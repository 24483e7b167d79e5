#pragma once

#include <stdint.h>

#include "daemon/proxysql/db_conn.h"

/*
 * The admin connections of one agent. Never more than `size` (+1 throw-away) exist. Callers borrow one by lane, so that
 * health and drain always find one.
 *
 * Parking: a connection that is given back with a statement still unanswered is kept, not closed: ProxySQL executes the
 * statement when its admin mutex is free again, and the answer is how we learn of it. While one is parked nothing new
 * is lent (except the throw-away), so at most DB_PARKED_MAX statements of ours wait inside ProxySQL, and a write whose
 * fate is unknown is never followed by another.
 *
 * All functions are thread-safe; nothing waits while the lock is held.
 */
enum { DB_POOL_SIZE_MIN = 3, DB_POOL_SIZE_MAX = 16, DB_PARKED_MAX = 2 };

enum db_lane {
    DB_LANE_HEALTH,    /* one at a time */
    DB_LANE_DRAIN,     /* one at a time */
    DB_LANE_WRITE,     /* one at a time */
    DB_LANE_READ,      /* size - 3; with a size of 3 one, while nobody writes */
    DB_LANE_THROWAWAY, /* one at a time, beside the others; a new connection, closed afterwards */
    DB_LANES
};

/* Texts are copied. */
struct db_pool_options {
    const char *host; /* a name or an address */
    uint16_t port;
    const char *password;
    const char *password_file;  /* "" = use password; else read before each login */
    unsigned size;              /* DB_POOL_SIZE_MIN..DB_POOL_SIZE_MAX */
    int64_t connect_timeout_ms; /* of one connect, look-up and login included, whatever the caller's deadline is; > 0 */
    struct db_params params;    /* cancel_fd is ignored */
};

struct db_pool_stats {
    unsigned size;
    unsigned lent;
    unsigned idle;
    unsigned parked;
    int64_t parked_since_ms; /* monotonic, of the oldest parked; 0 = none */
    uint64_t connects;
    uint64_t connect_failures;
    uint64_t parked_total;
    uint64_t abandoned; /* reads and logins closed unanswered because DB_PARKED_MAX were parked already */
    uint64_t refused;   /* not lent: one is parked, or the lane was busy until the deadline */
    uint64_t losses;    /* connections that ended from the other side, and connects that failed by it: after
                           them the ProxySQL that answers may be another */
};

struct db_pool;

MUST_CHECK int db_pool_new(struct db_pool **ret_pool, const struct db_pool_options *options, struct error *err);

/* Every connection must have been given back. NULL is fine. */
void db_pool_free(struct db_pool *pool);

/* Every wait for or on a connection ends now with -ECANCELED, and so does every later one. */
void db_pool_cancel(struct db_pool *pool);

/* Borrow a connection, connecting if need be; give it back with db_pool_put(). 0; -EINPROGRESS: a statement is parked;
 * -EBUSY: the lane was taken until the deadline; -ETIMEDOUT: no login in time (that connection is parked);
 * -EACCES: denied, or the password file cannot be read; -ECONNREFUSED and the other codes of db_conn_connect(). After a
 * failed connect the next attempt waits (back-off up to 1 s, 5 s when the login was denied) and until then the same
 * error is returned at once. Connecting ends after connect_timeout_ms, also when the deadline is later. */
MUST_CHECK int db_pool_get(struct db_pool *pool, enum db_lane lane, int64_t deadline_ms, struct db_conn **ret_conn,
                           struct error *err);

/* Give a connection back, in whatever state it is. NULL is fine. */
void db_pool_put(struct db_pool *pool, struct db_conn *conn);

/* A connection to another node's admin interface with this pool's user, password and TLS, beside the pool; the caller
 * frees it with db_conn_free(), whatever was left unanswered on it. */
MUST_CHECK int db_pool_connect_other(struct db_pool *pool, const char *host, uint16_t port, int64_t deadline_ms,
                                     struct db_conn **ret_conn, struct error *err);

/* From now on log in like this: user, password, TLS and connect timeout of options count, the rest is ignored.
 * Connections of the login before are closed: idle ones now, lent ones when they are given back, parked ones when they
 * have their answer. */
void db_pool_change_login(struct db_pool *pool, const struct db_pool_options *options);

void db_pool_stats(struct db_pool *pool, struct db_pool_stats *ret_stats);
