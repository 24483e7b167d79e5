#include "daemon/proxysql/db_pool.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "daemon/proxysql/db_login.h"
#include "shared/backoff.h"
#include "shared/clock.h"
#include "shared/mem.h"
#include "shared/resolve.h"
#include "shared/thread.h"

enum { refused_backoff_ms = 100, refused_backoff_cap_ms = 1000 };
enum { denied_backoff_ms = 500, denied_backoff_cap_ms = 5000 };
enum { password_bytes_max = 1024 };
/* A parked login carries no statement: after this long it may be tried anew. */
enum { parked_login_max_ms = 300 * 1000 };

enum slot_state { SLOT_EMPTY, SLOT_LENT, SLOT_IDLE, SLOT_PARKED };

struct slot {
    enum slot_state state;
    enum db_lane lane;    /* of the last borrower */
    struct db_conn *conn; /* NULL while empty and while its borrower connects */
    bool logging_in;      /* parked before it was ever usable */
    uint64_t login;       /* version of the login that the connection was made with */
    int64_t since_ms;     /* monotonic, of the state */
};

struct db_pool {
    char *host;
    uint16_t port;
    unsigned size;
    int cancel_fd;
    struct mutex lock;
    struct cond returned; /* a slot left SLOT_LENT, or cancelled */
    bool cancelled GUARDED;
    struct db_login login GUARDED;
    unsigned slot_count; /* size and one throw-away */
    struct slot slots[DB_POOL_SIZE_MAX + 1] GUARDED;
    struct db_pool_stats stats GUARDED; /* the counters; gauges are counted on demand */
    struct backoff refused_backoff GUARDED;
    struct backoff denied_backoff GUARDED;
    int64_t next_connect_ms GUARDED;
    struct error last_error GUARDED; /* of the last connect; code 0 = it succeeded */
};

int db_pool_new(struct db_pool **ret_pool, const struct db_pool_options *options, struct error *err)
{
    assert(options->size >= DB_POOL_SIZE_MIN && options->size <= DB_POOL_SIZE_MAX && options->connect_timeout_ms > 0);
    int cancel_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    if (cancel_fd < 0)
        return error_set(err, -errno, "eventfd: %s", strerror(errno));
    struct db_pool *pool = xcalloc(1, sizeof(*pool));
    pool->host = xstrdup(options->host);
    pool->port = options->port;
    pool->size = options->size;
    pool->cancel_fd = cancel_fd;
    pool->slot_count = options->size + 1;
    mutex_init(&pool->lock);
    cond_init(&pool->returned);
    mutex_lock(&pool->lock);
    db_login_init(&pool->login, options);
    backoff_init(&pool->refused_backoff, refused_backoff_ms, refused_backoff_cap_ms);
    backoff_init(&pool->denied_backoff, denied_backoff_ms, denied_backoff_cap_ms);
    mutex_unlock(&pool->lock);
    *ret_pool = pool;
    return 0;
}

/* The one place where a slot changes its state. A connection of an earlier login is not used again. */
static void set_state_locked(struct db_pool *pool, struct slot *slot, enum slot_state state) REQUIRES(pool->lock)
{
    if (state == SLOT_IDLE && slot->login != pool->login.version)
        state = SLOT_EMPTY;
    if (state == SLOT_EMPTY) {
        db_conn_free(slot->conn);
        slot->conn = NULL;
        slot->logging_in = false;
    }
    if (slot->state == SLOT_LENT)
        cond_broadcast(&pool->returned);
    slot->state = state;
    slot->since_ms = clock_mono_ms();
}

void db_pool_free(struct db_pool *pool)
{
    if (pool == NULL)
        return;
    mutex_lock(&pool->lock);
    for (unsigned i = 0; i < pool->slot_count; i++) {
        assert(pool->slots[i].state != SLOT_LENT);
        set_state_locked(pool, &pool->slots[i], SLOT_EMPTY);
    }
    db_login_fini(&pool->login);
    mutex_unlock(&pool->lock);
    free(pool->host);
    fd_close(pool->cancel_fd);
    cond_fini(&pool->returned);
    mutex_fini(&pool->lock);
    free(pool);
}

void db_pool_cancel(struct db_pool *pool)
{
    mutex_lock(&pool->lock);
    pool->cancelled = true;
    cond_broadcast(&pool->returned);
    mutex_unlock(&pool->lock);
    const uint64_t one = 1;
    ssize_t n = write(pool->cancel_fd, &one, sizeof(one));
    assert(n == (ssize_t)sizeof(one));
    (void)n;
}

static void drop_stale_locked(struct db_pool *pool, struct slot *slot) REQUIRES(pool->lock)
{
    pool->stats.losses++;
    set_state_locked(pool, slot, SLOT_EMPTY);
}

static void drop_broken_locked(struct db_pool *pool, struct slot *slot) REQUIRES(pool->lock)
{
    pool->stats.losses += db_conn_lost(slot->conn) ? 1 : 0;
    set_state_locked(pool, slot, SLOT_EMPTY);
}

static void note_login_locked(struct db_pool *pool) REQUIRES(pool->lock)
{
    pool->stats.connects++;
    error_clear(&pool->last_error);
    backoff_reset(&pool->refused_backoff);
    backoff_reset(&pool->denied_backoff);
}

static bool writes(enum db_lane lane)
{
    return lane == DB_LANE_WRITE || lane == DB_LANE_DRAIN;
}

/* ProxySQL sends an answer after it has left its admin mutex (seen on 2.7): a read whose answer has begun is over, and
 * what is left of a long one is not waited for. */
static void resume_slot_locked(struct db_pool *pool, struct slot *slot) REQUIRES(pool->lock)
{
    int rc = db_conn_resume(slot->conn);
    if (rc == 0) {
        if (slot->logging_in)
            note_login_locked(pool);
        slot->logging_in = false;
        set_state_locked(pool, slot, SLOT_IDLE);
    } else if (rc != -EINPROGRESS) {
        drop_broken_locked(pool, slot);
    } else if (slot->logging_in && clock_mono_ms() - slot->since_ms > parked_login_max_ms) {
        set_state_locked(pool, slot, SLOT_EMPTY);
    } else if (!writes(slot->lane) && db_conn_answering(slot->conn)) {
        set_state_locked(pool, slot, SLOT_EMPTY);
    }
}

/* Look whether parked connections have their answers. Returns the oldest one that still waits, or NULL. */
static struct slot *resume_parked_locked(struct db_pool *pool) REQUIRES(pool->lock)
{
    struct slot *oldest = NULL;
    for (unsigned i = 0; i < pool->slot_count; i++) {
        struct slot *slot = &pool->slots[i];
        if (slot->state == SLOT_PARKED)
            resume_slot_locked(pool, slot);
        if (slot->state == SLOT_PARKED && (oldest == NULL || slot->since_ms < oldest->since_ms))
            oldest = slot;
    }
    return oldest;
}

static unsigned count_locked(const struct db_pool *pool, enum slot_state state) REQUIRES(pool->lock)
{
    unsigned n = 0;
    for (unsigned i = 0; i < pool->slot_count; i++)
        n += pool->slots[i].state == state ? 1U : 0U;
    return n;
}

static unsigned lane_lent_locked(const struct db_pool *pool, enum db_lane lane) REQUIRES(pool->lock)
{
    unsigned n = 0;
    for (unsigned i = 0; i < pool->slot_count; i++)
        n += pool->slots[i].state == SLOT_LENT && pool->slots[i].lane == lane ? 1U : 0U;
    return n;
}

/* Reads and a write together leave a connection each to health and drain. */
static bool lane_has_room_locked(const struct db_pool *pool, enum db_lane lane) REQUIRES(pool->lock)
{
    unsigned writes = lane_lent_locked(pool, DB_LANE_WRITE);
    unsigned reads = lane_lent_locked(pool, DB_LANE_READ);
    switch (lane) {
    case DB_LANE_WRITE:
        return writes < 1 && reads < pool->size - 2;
    case DB_LANE_READ:
        return reads < pool->size - 3 || (reads < 1 && writes < pool->size - 2);
    default:
        return lane_lent_locked(pool, lane) < 1;
    }
}

/* An idle connection that still looks alive, else an empty slot, else NULL. The last slot is the throw-away's. */
static struct slot *choose_slot_locked(struct db_pool *pool, enum db_lane lane) REQUIRES(pool->lock)
{
    if (lane == DB_LANE_THROWAWAY)
        return &pool->slots[pool->slot_count - 1];
    struct slot *empty = NULL;
    for (unsigned i = 0; i < pool->slot_count - 1; i++) {
        struct slot *slot = &pool->slots[i];
        if (slot->state == SLOT_IDLE && db_conn_stale(slot->conn))
            drop_stale_locked(pool, slot);
        if (slot->state == SLOT_IDLE)
            return slot;
        if (slot->state == SLOT_EMPTY && empty == NULL)
            empty = slot;
    }
    return empty;
}

static int refuse_locked(struct db_pool *pool, int code, int64_t since_ms, struct error *err) REQUIRES(pool->lock)
{
    pool->stats.refused++;
    if (code == -EINPROGRESS)
        return error_set(err, code,
                         "the admin interface is stuck: an earlier statement waits for its answer since %lld ms",
                         (long long)(clock_mono_ms() - since_ms));
    return error_set(err, code, "every admin connection is in use");
}

/* Wait until the lane has room and take a slot for it. */
static int take_slot_locked(struct db_pool *pool, enum db_lane lane, int64_t deadline_ms, struct slot **ret_slot,
                            struct error *err) REQUIRES(pool->lock)
{
    for (;;) {
        if (pool->cancelled)
            return error_set(err, -ECANCELED, "the agent stops");
        const struct slot *parked = resume_parked_locked(pool);
        if (parked != NULL && lane != DB_LANE_THROWAWAY)
            return refuse_locked(pool, -EINPROGRESS, parked->since_ms, err);
        struct slot *slot = lane_has_room_locked(pool, lane) ? choose_slot_locked(pool, lane) : NULL;
        if (slot != NULL) {
            slot->lane = lane;
            set_state_locked(pool, slot, SLOT_LENT);
            *ret_slot = slot;
            return 0;
        }
        if (!cond_wait_until(&pool->returned, &pool->lock, deadline_ms))
            return refuse_locked(pool, -EBUSY, 0, err);
    }
}

static int backing_off_locked(struct db_pool *pool, struct error *err) REQUIRES(pool->lock)
{
    int64_t left = pool->next_connect_ms - clock_mono_ms();
    if (pool->last_error.code == 0 || left <= 0)
        return 0;
    return error_set(err, pool->last_error.code, "%s", pool->last_error.text);
}

static void note_connect_locked(struct db_pool *pool, const struct error *result) REQUIRES(pool->lock)
{
    if (result->code == 0) {
        note_login_locked(pool);
        return;
    }
    pool->last_error = *result;
    pool->stats.connect_failures++;
    if (result->code != -ETIMEDOUT && result->code != -EACCES)
        pool->stats.losses++;
    struct backoff *backoff = result->code == -EACCES ? &pool->denied_backoff : &pool->refused_backoff;
    pool->next_connect_ms = clock_mono_ms() + backoff_next_ms(backoff);
}

/* Try the host's addresses in turn; the one that took the connection but does not answer ends the search. */
static int connect_any(const struct db_params *params, const struct resolved *addresses, uint16_t port,
                       const char *password, int64_t deadline_ms, struct db_conn **ret_conn, struct error *err)
{
    int rc = -EHOSTUNREACH;
    for (size_t i = 0; i < addresses->count; i++) {
        error_clear(err);
        struct db_conn *conn = db_conn_new(params);
        rc = db_conn_connect(conn, addresses->address[i], port, password, deadline_ms, err);
        if (rc == 0 || db_conn_busy(conn)) {
            *ret_conn = conn;
            return rc;
        }
        db_conn_free(conn);
        if (rc == -EACCES || rc == -ECANCELED || rc == -ETIMEDOUT)
            return rc;
    }
    return rc;
}

/* Connect and log in within connect_timeout_ms, without the lock. On -ETIMEDOUT *ret_conn may be a connection whose
 * login is in flight. */
static int open_connection(struct db_pool *pool, const struct db_login *login, const char *host, uint16_t port,
                           int64_t deadline_ms, struct db_conn **ret_conn, struct error *err)
{
    int64_t connect_deadline_ms = clock_mono_ms() + login->connect_timeout_ms;
    if (connect_deadline_ms < deadline_ms)
        deadline_ms = connect_deadline_ms;
    struct resolved addresses;
    int rc = resolve_host(host, deadline_ms, &addresses, err);
    if (rc < 0)
        return rc;
    cleanup_buf struct buf password;
    buf_init(&password, password_bytes_max);
    rc = db_login_read_password(login, &password, err);
    const struct db_params params = db_login_params(login, pool->cancel_fd);
    if (rc == 0)
        rc = connect_any(&params, &addresses, port, password.data, deadline_ms, ret_conn, err);
    explicit_bzero(password.data, password.len);
    if (rc < 0)
        (void)error_wrap(err, "%s:%u", host, port);
    return rc;
}

/* A busy connection is parked; with DB_PARKED_MAX parked one that may write takes the place of a parked read, whose
 * answer nobody needs, and a read or a login is given up. */
static void park_locked(struct db_pool *pool, struct slot *slot) REQUIRES(pool->lock)
{
    bool must_keep = writes(slot->lane) && !slot->logging_in;
    struct slot *given_up = NULL;
    if (count_locked(pool, SLOT_PARKED) >= DB_PARKED_MAX) {
        given_up = slot;
        for (unsigned i = 0; i < pool->slot_count && must_keep; i++)
            if (pool->slots[i].state == SLOT_PARKED && (!writes(pool->slots[i].lane) || pool->slots[i].logging_in))
                given_up = &pool->slots[i];
    }
    if (given_up != slot) {
        pool->stats.parked_total++;
        set_state_locked(pool, slot, SLOT_PARKED);
    }
    if (given_up != NULL) {
        pool->stats.abandoned++;
        set_state_locked(pool, given_up, SLOT_EMPTY);
    }
}

static struct db_login copy_login(struct db_pool *pool)
{
    struct db_login login;
    mutex_lock(&pool->lock);
    db_login_copy(&login, &pool->login);
    mutex_unlock(&pool->lock);
    return login;
}

/* Fill a lent slot with a new connection. */
static int connect_slot(struct db_pool *pool, struct slot *slot, int64_t deadline_ms, struct error *err)
{
    struct db_conn *conn = NULL;
    struct error result = ERROR_INIT;
    cleanup_login struct db_login login = copy_login(pool);
    int rc = open_connection(pool, &login, pool->host, pool->port, deadline_ms, &conn, &result);
    mutex_lock(&pool->lock);
    if (rc != -ECANCELED && login.version == pool->login.version)
        note_connect_locked(pool, &result);
    slot->conn = conn;
    slot->login = login.version;
    slot->logging_in = rc == -ETIMEDOUT;
    if (rc < 0 && (conn == NULL || slot->lane == DB_LANE_THROWAWAY))
        set_state_locked(pool, slot, SLOT_EMPTY);
    else if (rc < 0)
        park_locked(pool, slot);
    mutex_unlock(&pool->lock);
    return rc < 0 ? error_set(err, rc, "%s", result.text) : 0;
}

int db_pool_get(struct db_pool *pool, enum db_lane lane, int64_t deadline_ms, struct db_conn **ret_conn,
                struct error *err)
{
    struct slot *slot = NULL;
    mutex_lock(&pool->lock);
    int rc = take_slot_locked(pool, lane, deadline_ms, &slot, err);
    if (rc == 0 && slot->conn == NULL && lane != DB_LANE_THROWAWAY) {
        rc = backing_off_locked(pool, err);
        if (rc < 0)
            set_state_locked(pool, slot, SLOT_EMPTY);
    }
    bool connect = rc == 0 && slot->conn == NULL;
    mutex_unlock(&pool->lock);
    if (connect)
        rc = connect_slot(pool, slot, deadline_ms, err);
    if (rc < 0)
        return rc;
    *ret_conn = slot->conn;
    return 0;
}

static struct slot *slot_of_locked(struct db_pool *pool, const struct db_conn *conn) REQUIRES(pool->lock)
{
    for (unsigned i = 0; i < pool->slot_count; i++)
        if (pool->slots[i].conn == conn)
            return &pool->slots[i];
    assert(false && "not a connection of this pool");
    return NULL;
}

void db_pool_put(struct db_pool *pool, struct db_conn *conn)
{
    if (conn == NULL)
        return;
    mutex_lock(&pool->lock);
    struct slot *slot = slot_of_locked(pool, conn);
    assert(slot->state == SLOT_LENT);
    if (slot->lane == DB_LANE_THROWAWAY)
        set_state_locked(pool, slot, SLOT_EMPTY);
    else if (db_conn_broken(conn))
        drop_broken_locked(pool, slot);
    else if (db_conn_busy(conn))
        park_locked(pool, slot);
    else
        set_state_locked(pool, slot, SLOT_IDLE);
    mutex_unlock(&pool->lock);
}

int db_pool_connect_other(struct db_pool *pool, const char *host, uint16_t port, int64_t deadline_ms,
                          struct db_conn **ret_conn, struct error *err)
{
    struct db_conn *conn = NULL;
    cleanup_login struct db_login login = copy_login(pool);
    int rc = open_connection(pool, &login, host, port, deadline_ms, &conn, err);
    if (rc < 0)
        db_conn_free(conn);
    else
        *ret_conn = conn;
    return rc;
}

void db_pool_change_login(struct db_pool *pool, const struct db_pool_options *options)
{
    mutex_lock(&pool->lock);
    uint64_t before = pool->login.version;
    db_login_change(&pool->login, options);
    if (pool->login.version != before) {
        for (unsigned i = 0; i < pool->slot_count; i++)
            if (pool->slots[i].state == SLOT_IDLE)
                set_state_locked(pool, &pool->slots[i], SLOT_EMPTY);
        error_clear(&pool->last_error); /* it is tried at once */
        backoff_reset(&pool->denied_backoff);
    }
    mutex_unlock(&pool->lock);
}

void db_pool_stats(struct db_pool *pool, struct db_pool_stats *ret_stats)
{
    mutex_lock(&pool->lock);
    *ret_stats = pool->stats;
    ret_stats->size = pool->size;
    ret_stats->lent = count_locked(pool, SLOT_LENT);
    ret_stats->idle = count_locked(pool, SLOT_IDLE);
    ret_stats->parked = count_locked(pool, SLOT_PARKED);
    for (unsigned i = 0; i < pool->slot_count; i++) {
        const struct slot *slot = &pool->slots[i];
        if (slot->state == SLOT_PARKED &&
            (ret_stats->parked_since_ms == 0 || slot->since_ms < ret_stats->parked_since_ms))
            ret_stats->parked_since_ms = slot->since_ms;
    }
    mutex_unlock(&pool->lock);
}
