#include "tests/bench/traffic/client.h"

#include <errno.h>
#include <math.h>
#include <mysql.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "shared/clock.h"
#include "shared/mem.h"

enum {
    connect_timeout_s = 5,
    statement_timeout_s = 30,
    retry_pause_ms = 20, /* after a connect that failed */
    life_min = 20,       /* operations of one connection, evenly spread over the logarithm */
    life_max = 900,
    sql_max = 160,
    stack_bytes = 512 * 1024,
};

/* How long clients think between two operations: a share of them each. */
static const struct think {
    unsigned percent;
    unsigned min_ms;
    unsigned max_ms;
} thinks[] = {{15, 10, 30}, {60, 20, 80}, {20, 100, 400}, {5, 1000, 3000}};

struct client {
    struct traffic *traffic;
    unsigned number;
    pthread_t thread;
    uint32_t random;
    struct think think;
    MYSQL *mysql; /* NULL = not connected */
    unsigned node;
    bool kept; /* the connection has served an operation before this one */
    unsigned operations_left;
    unsigned stale;
    enum operation operation;
    unsigned statement; /* of the operation under way */
    int long_seconds;
    int start_fd;
};

static uint32_t roll(struct client *c, uint32_t below)
{
    c->random ^= c->random << 13;
    c->random ^= c->random >> 17;
    c->random ^= c->random << 5;
    return c->random % below;
}

/* False: stopping. */
static bool pause_ms(struct client *c, unsigned ms)
{
    struct pollfd stop = {.fd = c->traffic->stop_fd, .events = POLLIN};
    return poll(&stop, 1, (int)ms) == 0;
}

static void think(struct client *c, unsigned min_ms, unsigned max_ms)
{
    (void)pause_ms(c, min_ms + roll(c, max_ms - min_ms + 1));
}

static void hang_up(struct client *c)
{
    if (c->mysql != NULL)
        mysql_close(c->mysql);
    c->mysql = NULL;
}

/* Only what the first statement on a kept connection finds may be the pool's business. */
static enum verdict judge(const struct client *c, bool repeatable)
{
    unsigned code = mysql_errno(c->mysql);
    bool lost = code == 2006 || code == 2013 || code == 2055;
    if (!lost || !c->kept || c->statement != 1)
        return VERDICT_FAILED;
    return repeatable ? VERDICT_STALE : VERDICT_STALE_WRITE;
}

/* Tell and hang up. */
static void fail(struct client *c, const char *what, bool repeatable)
{
    struct report_error error = {
        .verdict = judge(c, repeatable),
        .operation = c->operation,
        .client = c->number,
        .node = c->node,
        .statement = c->statement,
        .what = what,
        .mysql_errno = mysql_errno(c->mysql),
        .text = mysql_error(c->mysql),
    };
    c->stale += error.verdict != VERDICT_FAILED;
    report_error(&c->traffic->report, &error);
    hang_up(c);
}

static unsigned choose_node(struct client *c)
{
    unsigned routed = atomic_load(&c->traffic->routed);
    unsigned choices[NODES_MAX];
    unsigned count = 0;
    for (unsigned i = 0; i < c->traffic->node_count; i++)
        if ((routed >> i & 1) != 0)
            choices[count++] = i;
    return count > 0 ? choices[roll(c, count)] : 0;
}

static bool connect_to(struct client *c, unsigned node)
{
    const unsigned connect_s = connect_timeout_s;
    const unsigned statement_s = statement_timeout_s;
    const struct traffic *t = c->traffic;
    c->node = node;
    c->kept = false;
    c->statement = 0;
    c->mysql = mysql_init(NULL);
    if (c->mysql == NULL)
        abort();
    (void)mysql_options(c->mysql, MYSQL_OPT_CONNECT_TIMEOUT, &connect_s);
    (void)mysql_options(c->mysql, MYSQL_OPT_READ_TIMEOUT, &statement_s);
    (void)mysql_options(c->mysql, MYSQL_OPT_WRITE_TIMEOUT, &statement_s);
    if (mysql_real_connect(c->mysql, t->nodes[node].host, t->user, t->password, t->database, t->nodes[node].port, NULL,
                           0) == NULL) {
        fail(c, "connect", false);
        return false;
    }
    report_connected(&c->traffic->report);
    double life = exp(log(life_min) + (log(life_max) - log(life_min)) * roll(c, 1000) / 1000);
    c->operations_left = (unsigned)life;
    return true;
}

/* One statement and all of its rows. False: told, and hung up. */
static bool run(struct client *c, const char *sql, bool repeatable)
{
    c->statement++;
    bool good = mysql_real_query(c->mysql, sql, strlen(sql)) == 0;
    if (good) {
        MYSQL_RES *rows = mysql_store_result(c->mysql);
        good = mysql_errno(c->mysql) == 0;
        mysql_free_result(rows);
    }
    if (!good)
        fail(c, sql, repeatable);
    return good;
}

/* The statement ends with the client's number: every client has a row of its own, so that none waits for another. */
static bool run_own_row(struct client *c, const char *start, bool repeatable)
{
    char sql[sql_max];
    (void)snprintf(sql, sizeof sql, "%s%u", start, c->number);
    return run(c, sql, repeatable);
}

static bool do_transaction(struct client *c)
{
    if (!run(c, "BEGIN", true) || !run_own_row(c, "SELECT n FROM bench WHERE id = ", true))
        return false;
    think(c, 0, 5);
    if (!run_own_row(c, "UPDATE bench SET n = n + 1 WHERE id = ", false))
        return false;
    think(c, 0, 10);
    return run_own_row(c, "SELECT n FROM bench WHERE id = ", true) && run(c, "COMMIT", false);
}

static bool do_read(struct client *c)
{
    return run_own_row(c, "SELECT n FROM bench WHERE id = ", true);
}

/* ProxySQL keeps the backend connection of a session for a while after an INSERT that made a number. */
static bool do_write(struct client *c)
{
    if (roll(c, 2) == 0)
        return run_own_row(c, "UPDATE bench SET n = n + 1 WHERE id = ", false);
    return run_own_row(c, "INSERT INTO bench_log (client) SELECT ", false);
}

static bool ping(struct client *c)
{
    c->statement++;
    if (mysql_ping(c->mysql) == 0)
        return true;
    fail(c, "ping", true);
    return false;
}

/* A temporary table marks its session until that is reset: pools that have such work reset what comes back. */
static bool after_temporary(struct client *c)
{
    if (c->traffic->temporary == TEMPORARY_CLOSE)
        hang_up(c);
    if (c->traffic->temporary != TEMPORARY_RESET)
        return true;
    c->statement++;
    if (mysql_reset_connection(c->mysql) == 0)
        return true;
    fail(c, "reset", false);
    return false;
}

static bool do_temporary(struct client *c)
{
    if (!ping(c) || !run(c, "CREATE TEMPORARY TABLE scratch (a INT)", false) ||
        !run(c, "INSERT INTO scratch VALUES (1)", false))
        return false;
    think(c, 5, 20);
    return run(c, "SELECT a FROM scratch", true) && run(c, "DROP TABLE scratch", false) && after_temporary(c);
}

static const struct kind {
    unsigned percent;
    enum operation operation;
    bool (*run)(struct client *c);
} kinds[] = {{40, OP_TRANSACTION, do_transaction},
             {40, OP_READ, do_read},
             {15, OP_WRITE, do_write},
             {5, OP_TEMPORARY, do_temporary}};

static const struct kind *choose_kind(struct client *c)
{
    const struct kind *kind = kinds;
    for (uint32_t left = roll(c, 100); left >= kind->percent; kind++)
        left -= kind->percent;
    return kind;
}

/* Once, and a second time on another connection if the kept one was stale. */
static void do_operation(struct client *c)
{
    const struct kind *kind = choose_kind(c);
    unsigned stale = c->stale;
    c->operation = kind->operation;
    for (bool again = true; again;) {
        again = false;
        if (c->mysql == NULL && !connect_to(c, choose_node(c))) {
            (void)pause_ms(c, retry_pause_ms);
            return;
        }
        c->statement = 0;
        if (kind->run(c))
            report_done(&c->traffic->report, kind->operation);
        else
            again = c->stale > stale && kind->operation != OP_WRITE;
        stale = c->stale;
    }
    c->kept = true;
    if (c->mysql != NULL && --c->operations_left == 0)
        hang_up(c);
}

static void *work(void *arg)
{
    struct client *c = arg;
    (void)mysql_thread_init();
    (void)pause_ms(c, roll(c, c->think.max_ms + 1)); /* they do not begin together */
    while (!atomic_load(&c->traffic->stop)) {
        do_operation(c);
        think(c, c->think.min_ms, c->think.max_ms);
    }
    hang_up(c);
    mysql_thread_end();
    return NULL;
}

static struct think choose_think(struct client *c)
{
    const struct think *chosen = thinks;
    for (uint32_t left = roll(c, 100); left >= chosen->percent; chosen++)
        left -= chosen->percent;
    return *chosen;
}

static struct client *new_client(struct traffic *t, unsigned number, uint32_t seed)
{
    struct client *c = xcalloc(1, sizeof *c);
    c->traffic = t;
    c->number = number;
    c->random = seed * 2654435761U + 1;
    for (int i = 0; i < 8; i++)
        (void)roll(c, 2);
    c->think = choose_think(c);
    return c;
}

int client_start(struct traffic *t, unsigned number, uint32_t seed, struct client **ret_client, struct error *err)
{
    struct client *c = new_client(t, number, seed);
    int r = thread_start_stack(&c->thread, "client", stack_bytes, work, c, err);
    if (r < 0) {
        free(c);
        return r;
    }
    *ret_client = c;
    return 0;
}

unsigned client_join(struct client *c)
{
    thread_join(c->thread);
    unsigned stale = c->stale;
    free(c);
    return stale;
}

static bool run_long(struct client *c)
{
    char sql[sql_max];
    if (c->operation == OP_LONG_STATEMENT) {
        (void)snprintf(sql, sizeof sql, "SELECT SLEEP(%d)", c->long_seconds);
        return run(c, sql, false);
    }
    if (!run(c, "BEGIN", false) || !run(c, "UPDATE bench SET n = n + 1 WHERE id = 0", false))
        return false;
    (void)pause_ms(c, (unsigned)c->long_seconds * 1000);
    return run(c, "SELECT n FROM bench WHERE id = 0", false) && run(c, "COMMIT", false);
}

/* False: stopping before it began. */
static bool wait_for_start(struct client *c)
{
    struct pollfd fds[] = {{.fd = c->start_fd, .events = POLLIN}, {.fd = c->traffic->stop_fd, .events = POLLIN}};
    uint64_t one;
    while (poll(fds, ARRAY_LEN(fds), -1) < 0 && errno == EINTR)
        ;
    return fds[1].revents == 0 && read(c->start_fd, &one, sizeof one) == (ssize_t)sizeof one;
}

static void *work_long(void *arg)
{
    struct client *c = arg;
    (void)mysql_thread_init();
    if (connect_to(c, 0) && wait_for_start(c)) {
        int64_t began_ms = clock_mono_ms();
        if (run_long(c))
            report_long(&c->traffic->report, c->operation, clock_mono_ms() - began_ms);
    }
    hang_up(c);
    mysql_thread_end();
    return NULL;
}

int client_start_long(struct traffic *t, enum operation operation, int seconds, int start_fd,
                      struct client **ret_client, struct error *err)
{
    struct client *c = new_client(t, 0, (uint32_t)operation);
    c->operation = operation;
    c->long_seconds = seconds;
    c->start_fd = start_fd;
    int r = thread_start_stack(&c->thread, "long", stack_bytes, work_long, c, err);
    if (r < 0) {
        free(c);
        return r;
    }
    *ret_client = c;
    return 0;
}
