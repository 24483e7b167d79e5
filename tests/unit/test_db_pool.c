#include "tests/unit/db_library_fixture.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "daemon/proxysql/db_pool.h"
#include "shared/clock.h"
#include "shared/mem.h"
#include "shared/thread.h"
#include "tests/unit/event.h"
#include "tests/unit/stand_in.h"

enum { soon_ms = 150, enough_ms = 20000 };

static struct stand_in px;
static struct db_pool *pool;
static struct error err;
static char password_path[96];

static int64_t after(int64_t ms)
{
    return clock_mono_ms() + ms;
}

static void make_pool(unsigned size, const char *password_file, int64_t connect_timeout_ms)
{
    const struct db_pool_options options = {
        .host = "127.0.0.1",
        .port = px.admin_port,
        .password = "radmin",
        .password_file = password_file,
        .size = size,
        .connect_timeout_ms = connect_timeout_ms,
        .params = {.username = "radmin", .ca_file = "", .cert_file = "", .key_file = ""},
    };
    assert_int_equal(db_pool_new(&pool, &options, &err), 0);
}

static int start(void **state)
{
    (void)state;
    stand_in_start(&px, NULL);
    (void)snprintf(password_path, sizeof(password_path), "%s/password", px.folder);
    make_pool(4, "", enough_ms);
    return 0;
}

static int stop(void **state)
{
    (void)state;
    db_pool_free(pool);
    pool = NULL;
    (void)unlink(password_path);
    stand_in_stop(&px);
    return 0;
}

static void resize(unsigned size)
{
    db_pool_free(pool);
    make_pool(size, "", enough_ms);
}

static int get(enum db_lane lane, int64_t ms, struct db_conn **ret_conn)
{
    error_clear(&err);
    return db_pool_get(pool, lane, after(ms), ret_conn, &err);
}

static struct db_conn *lend(enum db_lane lane)
{
    struct db_conn *conn = NULL;
    if (get(lane, enough_ms, &conn) != 0)
        fail_msg("lane %d: %s", (int)lane, err.text);
    return conn;
}

static int query(struct db_conn *conn, const char *sql, int64_t ms)
{
    struct error query_err = ERROR_INIT;
    return db_conn_query(conn, sql, NULL, NULL, DB_ANSWER_BYTES_MAX, after(ms), NULL, &query_err);
}

static struct db_pool_stats stats(void)
{
    struct db_pool_stats s;
    db_pool_stats(pool, &s);
    return s;
}

/* Ask the pool until it lends: a parked connection's answer takes a moment to arrive. */
static struct db_conn *lend_again(enum db_lane lane, int refused_with)
{
    struct db_conn *conn = NULL;
    int64_t deadline_ms = after(enough_ms);
    int rc;
    while ((rc = get(lane, soon_ms, &conn)) == refused_with && clock_mono_ms() < deadline_ms)
        (void)poll(NULL, 0, 2);
    if (rc != 0)
        fail_msg("lane %d: %s", (int)lane, err.text);
    return conn;
}

static void expect_refusal(enum db_lane lane, int64_t ms, int code)
{
    struct db_conn *conn = NULL;
    assert_int_equal(get(lane, ms, &conn), code);
    assert_null(conn);
}

/* Lend, ask under a wedge until the deadline, give back. */
static void time_out(enum db_lane lane, const char *sql)
{
    struct db_conn *conn = lend(lane);
    assert_int_equal(query(conn, sql, soon_ms), -ETIMEDOUT);
    db_pool_put(pool, conn);
}

struct user {
    enum db_lane lane;
    unsigned rounds;
    unsigned failures;
};

static void *use_pool(void *arg)
{
    struct user *u = arg;
    for (unsigned i = 0; i < u->rounds; i++) {
        struct error user_err = ERROR_INIT;
        struct db_conn *conn = NULL;
        if (db_pool_get(pool, u->lane, after(enough_ms), &conn, &user_err) != 0)
            u->failures++;
        else if (query(conn, "SELECT 1", enough_ms) != 0)
            u->failures++;
        db_pool_put(pool, conn);
    }
    db_thread_end();
    return NULL;
}

static void never_more_than_its_size(void **state)
{
    (void)state;
    enum { users = 10, rounds = 20 };
    struct user user[users];
    pthread_t thread[users];
    resize(5);
    for (unsigned i = 0; i < users; i++) {
        user[i] = (struct user){.lane = (enum db_lane)(i % DB_LANE_THROWAWAY), .rounds = rounds};
        assert_int_equal(thread_start(&thread[i], "user", use_pool, &user[i], &err), 0);
    }
    for (unsigned i = 0; i < users; i++) {
        thread_join(thread[i]);
        assert_int_equal(user[i].failures, 0);
    }
    assert_true(stand_in_number(&px, "stats", "admin_open_max") <= 5);
    assert_true(stats().connects <= 5);
    assert_int_equal(stats().lent, 0);
    assert_int_equal(stats().idle, stats().connects);
}

static void lanes_have_limits(void **state)
{
    (void)state;
    resize(5);
    struct db_conn *health = lend(DB_LANE_HEALTH);
    struct db_conn *drain = lend(DB_LANE_DRAIN);
    struct db_conn *write_ = lend(DB_LANE_WRITE);
    struct db_conn *read1 = lend(DB_LANE_READ);
    struct db_conn *read2 = lend(DB_LANE_READ);
    struct db_conn *throw_away = lend(DB_LANE_THROWAWAY);
    for (int lane = 0; lane < DB_LANES; lane++)
        expect_refusal((enum db_lane)lane, 20, -EBUSY);
    assert_int_equal(stats().lent, 6);
    assert_int_equal(stats().refused, DB_LANES);
    assert_int_equal(stand_in_number(&px, "stats", "admin_open_max"), 6);
    db_pool_put(pool, throw_away);
    db_pool_put(pool, read2);
    db_pool_put(pool, read1);
    db_pool_put(pool, write_);
    db_pool_put(pool, drain);
    db_pool_put(pool, health);
    db_pool_put(pool, NULL);
    assert_int_equal(stats().idle, 5); /* the throw-away is gone */
    stand_in_wait_max(&px, "stats", "admin_open", 5);
}

/* Health and drain find a connection in the smallest pool too. */
static void smallest_pool_keeps_two(void **state)
{
    (void)state;
    static const enum db_lane lanes[][2] = {{DB_LANE_READ, DB_LANE_WRITE}, {DB_LANE_WRITE, DB_LANE_READ}};
    resize(3);
    for (size_t i = 0; i < 2; i++) {
        struct db_conn *one = lend(lanes[i][0]);
        expect_refusal(lanes[i][1], 20, -EBUSY);
        struct db_conn *health = lend(DB_LANE_HEALTH);
        struct db_conn *drain = lend(DB_LANE_DRAIN);
        db_pool_put(pool, drain);
        db_pool_put(pool, health);
        db_pool_put(pool, one);
    }
    assert_int_equal(stand_in_number(&px, "stats", "admin_open_max"), 3);
}

static void waits_for_its_lane(void **state)
{
    (void)state;
    struct db_conn *held = lend(DB_LANE_HEALTH);
    int64_t begin_ms = clock_mono_ms();
    expect_refusal(DB_LANE_HEALTH, soon_ms, -EBUSY);
    assert_true(clock_mono_ms() - begin_ms >= soon_ms);
    struct user user = {.lane = DB_LANE_HEALTH, .rounds = 1};
    pthread_t thread;
    assert_int_equal(thread_start(&thread, "user", use_pool, &user, &err), 0);
    (void)poll(NULL, 0, 20);
    db_pool_put(pool, held);
    thread_join(thread);
    assert_int_equal(user.failures, 0);
    assert_int_equal(stats().connects, 1);
}

static void idle_is_reused_and_stale_replaced(void **state)
{
    (void)state;
    db_pool_put(pool, lend(DB_LANE_READ));
    struct db_conn *conn = lend(DB_LANE_HEALTH);
    assert_int_equal(query(conn, "SELECT 1", enough_ms), 0);
    db_pool_put(pool, conn);
    assert_int_equal(stats().connects, 1);

    stand_in_restart(&px, NULL);
    conn = lend(DB_LANE_HEALTH);
    assert_int_equal(query(conn, "SELECT 1", enough_ms), 0);
    db_pool_put(pool, conn);
    assert_int_equal(stats().connects, 2);
    assert_int_equal(stats().losses, 1);
    assert_int_equal(stats().idle, 1);
}

static int refuse_row(void *arg, const struct db_row *row, struct error *row_err)
{
    (void)arg;
    (void)row;
    return error_set(row_err, -EPROTO, "no");
}

static void what_we_gave_up_is_no_loss(void **state)
{
    (void)state;
    struct db_conn *conn = lend(DB_LANE_READ);
    assert_int_equal(db_conn_query(conn, "SELECT 1", refuse_row, NULL, 0, after(enough_ms), NULL, &err), -EPROTO);
    db_pool_put(pool, conn);
    assert_int_equal(stats().idle, 0);
    assert_int_equal(stats().losses, 0);
}

static void parks_until_the_answer(void **state)
{
    (void)state;
    db_pool_put(pool, lend(DB_LANE_READ));
    stand_in_tell(&px, "wedge on");
    int64_t begin_ms = clock_mono_ms();
    time_out(DB_LANE_HEALTH, "SELECT 'parked'");
    assert_int_equal(stats().parked, 1);
    assert_int_equal(stats().parked_total, 1);
    assert_in_range(stats().parked_since_ms, begin_ms, clock_mono_ms());

    int64_t total = stand_in_number(&px, "stats", "admin_total");
    begin_ms = clock_mono_ms();
    for (int i = 0; i < 200; i++)
        expect_refusal((enum db_lane)(i % DB_LANE_THROWAWAY), enough_ms, -EINPROGRESS);
    assert_true(clock_mono_ms() - begin_ms < enough_ms);
    assert_non_null(strstr(err.text, "stuck"));
    assert_int_equal(stand_in_number(&px, "stats", "admin_total"), total);
    assert_int_equal(stand_in_number(&px, "stats", "waiting"), 1);
    assert_int_equal(stats().refused, 200);

    struct db_conn *conn = lend(DB_LANE_THROWAWAY);
    db_pool_put(pool, conn);
    stand_in_tell(&px, "wedge off");
    conn = lend_again(DB_LANE_HEALTH, -EINPROGRESS);
    assert_int_equal(query(conn, "SELECT 1", enough_ms), 0);
    db_pool_put(pool, conn);
    assert_int_equal(stats().parked, 0);
    assert_int_equal(stats().parked_since_ms, 0);
    assert_int_equal(stats().losses, 0);
    assert_int_equal(stand_in_number(&px, "count parked", "executed"), 1);
}

static void no_write_behind_an_unknown_one(void **state)
{
    (void)state;
    db_pool_put(pool, lend(DB_LANE_WRITE));
    stand_in_tell(&px, "wedge on");
    time_out(DB_LANE_WRITE, "DELETE FROM proxysql_servers");
    for (int i = 0; i < 50; i++)
        expect_refusal(DB_LANE_WRITE, soon_ms, -EINPROGRESS);
    assert_int_equal(stand_in_number(&px, "count ^DELETE", "received"), 1);
    assert_int_equal(stand_in_number(&px, "count ^DELETE", "executed"), 0);
    stand_in_tell(&px, "wedge off");
    struct db_conn *conn = lend_again(DB_LANE_WRITE, -EINPROGRESS);
    assert_int_equal(stand_in_number(&px, "count ^DELETE", "executed"), 1);
    assert_int_equal(query(conn, "INSERT INTO proxysql_servers (hostname) VALUES ('a')", enough_ms), 0);
    db_pool_put(pool, conn);
    assert_int_equal(stand_in_number(&px, "count ^DELETE", "received"), 1);
    assert_int_equal(stand_in_number(&px, "count ^INSERT", "executed"), 1);
}

/* A long answer has begun, so ProxySQL is done with the statement: the rest is not read, the connection goes. */
static void long_answers_are_not_read_to_their_end(void **state)
{
    (void)state;
    stand_in_tell(&px, "digests 1000000");
    stand_in_tell(&px, "digests-busy %d", 2 * soon_ms);
    struct db_conn *conn = lend(DB_LANE_READ);
    assert_int_equal(query(conn, "SELECT digest_text FROM stats_mysql_query_digest", soon_ms), -ETIMEDOUT);
    db_pool_put(pool, conn);
    assert_int_equal(stats().parked, 1);
    conn = lend_again(DB_LANE_WRITE, -EINPROGRESS);
    assert_int_equal(stats().parked, 0);
    assert_int_equal(stats().idle, 0);
    assert_int_equal(query(conn, "SELECT 1", enough_ms), 0);
    db_pool_put(pool, conn);
}

static void writes_are_parked_before_reads(void **state)
{
    (void)state;
    struct db_conn *health = lend(DB_LANE_HEALTH);
    struct db_conn *read1 = lend(DB_LANE_READ);
    struct db_conn *write_ = lend(DB_LANE_WRITE);
    struct db_conn *drain = lend(DB_LANE_DRAIN);
    stand_in_tell(&px, "wedge on");
    assert_int_equal(query(health, "SELECT 'health'", 20), -ETIMEDOUT);
    assert_int_equal(query(read1, "SELECT 'read'", 20), -ETIMEDOUT);
    assert_int_equal(query(write_, "DELETE FROM proxysql_servers", 20), -ETIMEDOUT);
    assert_int_equal(query(drain, "UPDATE proxysql_servers SET weight = 1", 20), -ETIMEDOUT);
    db_pool_put(pool, health);
    db_pool_put(pool, read1);
    assert_int_equal(stats().parked, DB_PARKED_MAX);
    db_pool_put(pool, write_);
    db_pool_put(pool, drain);
    assert_int_equal(stats().parked, DB_PARKED_MAX);
    assert_int_equal(stats().abandoned, 2);
    stand_in_tell(&px, "wedge off");
    struct db_conn *one = lend_again(DB_LANE_WRITE, -EINPROGRESS);
    struct db_conn *other = lend(DB_LANE_DRAIN);
    assert_true((one == write_ && other == drain) || (one == drain && other == write_)); /* theirs are the answers */
    db_pool_put(pool, one);
    db_pool_put(pool, other);
    assert_int_equal(stats().losses, 0);
    assert_int_equal(stats().idle, 2);
    assert_int_equal(stand_in_number(&px, "count ^(DELETE|UPDATE)", "executed"), 2);
    assert_int_equal(stand_in_number(&px, "stats", "admin_open_max"), 4);
}

static void reads_are_given_up_behind_parked_ones(void **state)
{
    (void)state;
    struct db_conn *write_ = lend(DB_LANE_WRITE);
    struct db_conn *drain = lend(DB_LANE_DRAIN);
    struct db_conn *read1 = lend(DB_LANE_READ);
    stand_in_tell(&px, "wedge on");
    assert_int_equal(query(write_, "DELETE FROM proxysql_servers", 20), -ETIMEDOUT);
    assert_int_equal(query(drain, "UPDATE proxysql_servers SET weight = 1", 20), -ETIMEDOUT);
    assert_int_equal(query(read1, "SELECT 'read'", 20), -ETIMEDOUT);
    db_pool_put(pool, write_);
    db_pool_put(pool, drain);
    db_pool_put(pool, read1);
    assert_int_equal(stats().parked, DB_PARKED_MAX);
    assert_int_equal(stats().abandoned, 1);
    stand_in_tell(&px, "wedge off");
    db_pool_put(pool, lend_again(DB_LANE_WRITE, -EINPROGRESS));
    assert_int_equal(stats().idle, 2);
}

static void backs_off_after_a_refusal(void **state)
{
    (void)state;
    stand_in_tell(&px, "refuse on");
    expect_refusal(DB_LANE_HEALTH, enough_ms, -ECONNREFUSED);
    for (int i = 0; i < 50; i++)
        expect_refusal(DB_LANE_HEALTH, enough_ms, -ECONNREFUSED);
    assert_true(stats().connect_failures < 10);
    assert_true(stats().losses == stats().connect_failures);
    stand_in_tell(&px, "refuse off");
    db_pool_put(pool, lend_again(DB_LANE_HEALTH, -ECONNREFUSED));
    assert_int_equal(stats().connects, 1);
}

static void write_password(const char *password)
{
    FILE *file = fopen(password_path, "we");
    assert_non_null(file);
    (void)fputs(password, file);
    assert_int_equal(fclose(file), 0);
}

static void reads_the_password_again(void **state)
{
    (void)state;
    db_pool_free(pool);
    make_pool(4, password_path, enough_ms);
    expect_refusal(DB_LANE_HEALTH, enough_ms, -EACCES); /* no file yet */
    assert_non_null(strstr(err.text, "password_file"));
    assert_int_equal(stats().losses, 0);
    write_password("wrong\n");
    int64_t deadline_ms = after(enough_ms);
    while (stand_in_number(&px, "stats", "logins_refused") == 0 && clock_mono_ms() < deadline_ms)
        expect_refusal(DB_LANE_HEALTH, enough_ms, -EACCES);
    for (int i = 0; i < 20; i++)
        expect_refusal(DB_LANE_HEALTH, enough_ms, -EACCES);
    assert_int_equal(stand_in_number(&px, "stats", "logins_refused"), 1);
    write_password("radmin\r\n");
    db_pool_put(pool, lend_again(DB_LANE_HEALTH, -EACCES));
    assert_int_equal(stats().losses, 0);
}

static void change_login(const char *password, int64_t connect_timeout_ms)
{
    const struct db_pool_options options = {
        .password = password,
        .password_file = "",
        .connect_timeout_ms = connect_timeout_ms,
        .params = {.username = "radmin", .ca_file = "", .cert_file = "", .key_file = ""},
    };
    db_pool_change_login(pool, &options);
}

static void a_changed_login_is_used_by_the_next_connect(void **state)
{
    (void)state;
    struct db_conn *lent = lend(DB_LANE_HEALTH);
    db_pool_put(pool, lend(DB_LANE_READ));
    assert_int_equal(stats().idle, 1);
    change_login("radmin", 1000); /* the timeout alone: connections stay */
    assert_int_equal(stats().idle, 1);

    change_login("wrong", 1000);
    assert_int_equal(stats().idle, 0);
    assert_int_equal(query(lent, "SELECT 1", enough_ms), 0); /* what is lent goes on */
    db_pool_put(pool, lent);
    assert_int_equal(stats().idle, 0);
    expect_refusal(DB_LANE_HEALTH, enough_ms, -EACCES);

    change_login("radmin", 1000); /* the back-off of the refusal does not hold it up */
    db_pool_put(pool, lend(DB_LANE_HEALTH));
    assert_int_equal(stats().idle, 1);
    assert_int_equal(stats().losses, 0);
}

static void login_in_flight_is_parked(void **state)
{
    (void)state;
    stand_in_tell(&px, "slow-login 400");
    expect_refusal(DB_LANE_HEALTH, 50, -ETIMEDOUT);
    assert_int_equal(stats().parked, 1);
    for (int i = 0; i < 50; i++)
        expect_refusal(DB_LANE_READ, enough_ms, -EINPROGRESS);
    assert_int_equal(stand_in_number(&px, "stats", "admin_total"), 1);
    stand_in_tell(&px, "slow-login off");
    struct db_conn *first = lend_again(DB_LANE_HEALTH, -EINPROGRESS);
    assert_int_equal(stats().connects, 1);
    struct db_conn *second = lend(DB_LANE_READ); /* what failed before is forgotten */
    db_pool_put(pool, second);
    db_pool_put(pool, first);
    assert_int_equal(stand_in_number(&px, "stats", "admin_total"), 2);
}

static void a_login_has_its_own_timeout(void **state)
{
    (void)state;
    db_pool_free(pool);
    make_pool(4, "", 100);
    stand_in_tell(&px, "slow-login 60000");
    int64_t begin_ms = clock_mono_ms();
    expect_refusal(DB_LANE_WRITE, enough_ms, -ETIMEDOUT);
    assert_true(clock_mono_ms() - begin_ms < enough_ms / 2);
    struct db_conn *other = NULL;
    error_clear(&err);
    begin_ms = clock_mono_ms();
    assert_int_equal(db_pool_connect_other(pool, "127.0.0.1", px.admin_port, after(enough_ms), &other, &err),
                     -ETIMEDOUT);
    assert_true(clock_mono_ms() - begin_ms < enough_ms / 2);
    assert_null(other);
}

/* Every lane waits for its login. */
static void cancel_ends_logins(void **state)
{
    (void)state;
    enum { users = DB_LANE_THROWAWAY };
    struct user user[users];
    pthread_t thread[users];
    stand_in_tell(&px, "slow-login 60000");
    for (unsigned i = 0; i < users; i++) {
        user[i] = (struct user){.lane = (enum db_lane)i, .rounds = 1};
        assert_int_equal(thread_start(&thread[i], "user", use_pool, &user[i], &err), 0);
    }
    stand_in_wait_min(&px, "stats", "admin_open", users);
    db_pool_cancel(pool);
    for (unsigned i = 0; i < users; i++) {
        thread_join(thread[i]);
        assert_int_equal(user[i].failures, 1);
    }
    assert_int_equal(stats().lent + stats().idle + stats().parked, 0);
}

struct late_login {
    enum db_lane lane;
    int64_t deadline_ms;
    int rc;
};

static void *log_in_late(void *arg)
{
    struct late_login *l = arg;
    struct error login_err = ERROR_INIT;
    struct db_conn *conn = NULL;
    l->rc = db_pool_get(pool, l->lane, l->deadline_ms, &conn, &login_err);
    db_thread_end();
    return NULL;
}

static void late_logins_keep_to_the_limit(void **state)
{
    (void)state;
    enum { logins = DB_LANE_THROWAWAY };
    struct late_login login[logins];
    pthread_t thread[logins];
    stand_in_tell(&px, "slow-login 60000");
    int64_t deadline_ms = after(1000); /* for all of them, so that all have begun before the first one parks */
    for (unsigned i = 0; i < logins; i++) {
        login[i] = (struct late_login){.lane = (enum db_lane)i, .deadline_ms = deadline_ms};
        assert_int_equal(thread_start(&thread[i], "login", log_in_late, &login[i], &err), 0);
    }
    for (unsigned i = 0; i < logins; i++) {
        thread_join(thread[i]);
        assert_int_equal(login[i].rc, -ETIMEDOUT);
    }
    assert_int_equal(stats().parked, DB_PARKED_MAX);
    assert_int_equal(stats().abandoned, logins - DB_PARKED_MAX);
}

static void *ask_for_ever(void *arg)
{
    struct db_conn *conn = lend(DB_LANE_READ);
    event_raise(arg);
    assert_int_equal(query(conn, "SELECT 1", enough_ms), -ECANCELED);
    db_pool_put(pool, conn);
    db_thread_end();
    return NULL;
}

static void *wait_for_the_lane(void *arg)
{
    (void)arg;
    struct error wait_err = ERROR_INIT;
    struct db_conn *conn = NULL;
    assert_int_equal(db_pool_get(pool, DB_LANE_HEALTH, after(enough_ms), &conn, &wait_err), -ECANCELED);
    db_thread_end();
    return NULL;
}

static void cancel_wakes_everybody(void **state)
{
    (void)state;
    struct event asking;
    pthread_t asker;
    pthread_t waiter;
    event_init(&asking);
    struct db_conn *held = lend(DB_LANE_HEALTH);
    stand_in_tell(&px, "wedge on");
    assert_int_equal(thread_start(&asker, "asker", ask_for_ever, &asking, &err), 0);
    assert_true(event_wait(&asking, 1));
    stand_in_wait_min(&px, "stats", "waiting", 1);
    assert_int_equal(thread_start(&waiter, "waiter", wait_for_the_lane, NULL, &err), 0);
    int64_t begin_ms = clock_mono_ms();
    db_pool_cancel(pool);
    thread_join(asker);
    thread_join(waiter);
    assert_true(clock_mono_ms() - begin_ms < enough_ms / 2);
    expect_refusal(DB_LANE_WRITE, enough_ms, -ECANCELED);
    db_pool_put(pool, held);
    event_fini(&asking);
}

#define POOL(test) cmocka_unit_test_setup_teardown(test, start, stop)

int main(void)
{
    const struct CMUnitTest tests[] = {
        POOL(never_more_than_its_size),
        POOL(lanes_have_limits),
        POOL(smallest_pool_keeps_two),
        POOL(waits_for_its_lane),
        POOL(idle_is_reused_and_stale_replaced),
        POOL(what_we_gave_up_is_no_loss),
        POOL(parks_until_the_answer),
        POOL(no_write_behind_an_unknown_one),
        POOL(long_answers_are_not_read_to_their_end),
        POOL(writes_are_parked_before_reads),
        POOL(reads_are_given_up_behind_parked_ones),
        POOL(backs_off_after_a_refusal),
        POOL(reads_the_password_again),
        POOL(a_changed_login_is_used_by_the_next_connect),
        POOL(login_in_flight_is_parked),
        POOL(a_login_has_its_own_timeout),
        POOL(cancel_ends_logins),
        POOL(late_logins_keep_to_the_limit),
        POOL(cancel_wakes_everybody),
    };
    return cmocka_run_group_tests(tests, start_library, stop_library);
}
