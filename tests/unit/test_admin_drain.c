#include "tests/unit/admin_fixture.h"

#include <errno.h>
#include <string.h>

#include "daemon/proxysql/admin_drain.h"

static void a_node_is_drained_and_undone(void **state)
{
    (void)state;
    struct admin_traffic t;
    must(admin_read_traffic(conn, false, soon(), &t, &err));
    assert_int_equal(t.clients, 0);
    assert_int_equal(t.pgsql_clients, 0);
    assert_int_equal(t.transactions, 0);
    assert_false(t.paused);
    const int64_t before = t.wait_timeout_ms;
    assert_in_range(before, 1000, 1000 * 1000 * 1000);
    must(admin_pause(conn, soon(), &err));
    must(admin_pause(conn, soon(), &err)); /* it is already */
    assert_in_range(t.session_idle_ms, 1, 1000);
    must(admin_set_session_idle(conn, ADMIN_SESSION_IDLE_MAX_MS, soon(), &err));
    must(admin_set_wait_timeout(conn, 25, soon(), &err));
    must(admin_read_traffic(conn, false, soon(), &t, &err));
    assert_true(t.paused);
    assert_int_equal(t.wait_timeout_ms, 25);
    assert_int_equal(t.session_idle_ms, ADMIN_SESSION_IDLE_MAX_MS);
    must(admin_wake(conn, soon(), &err));
    must(admin_kill_session(conn, 4711, soon(), &err)); /* it has gone */
    must(admin_set_wait_timeout(conn, before, soon(), &err));
    must(admin_resume(conn, soon(), &err));
    must(admin_resume(conn, soon(), &err));
    must(admin_read_traffic(conn, false, soon(), &t, &err));
    assert_false(t.paused);
    assert_int_equal(t.wait_timeout_ms, before);
    must(admin_shutdown(conn, soon(), &err));
}

static void nobody_is_there(void **state)
{
    (void)state;
    int64_t ids[2];
    int64_t holders = -1;
    size_t count = 9;
    struct admin_pollers pollers;
    const struct admin_pollers_question question = {
        .own_host = "10.0.0.1", .own_port = 6032, .own_success = true, .lately = 2, .long_ago = 5};
    must(admin_count_holders(conn, soon(), &holders, &err));
    assert_int_equal(holders, 0);
    must(admin_read_idle_sessions(conn, 5, ARRAY_LEN(ids), ids, &count, soon(), &err));
    assert_int_equal(count, 0);
    must(admin_read_pollers(conn, &question, soon(), &pollers, &err));
    assert_int_equal(pollers.lately, 0);
    assert_int_equal(pollers.long_ago, 0);
}

static int pollers_of(const char *const *values, unsigned rows, struct admin_pollers *ret_pollers)
{
    const struct admin_pollers_question question = {
        .own_host = "10.0.0.1", .own_port = 6032, .own_success = true, .lately = 2, .long_ago = 5};
    script_serve(2, rows, values);
    error_clear(&err);
    int rc = admin_read_pollers(conn, &question, soon(), ret_pollers, &err);
    script_end();
    return rc;
}

/* The interval is 1 s: lately is within 3 s, long ago within 6 s. */
static void pollers_are_counted_by_their_age(void **state)
{
    (void)state;
    static const char *const two[] = {"interval", "1000", "now", "1000", "seen", "999", "seen", "995", "seen", "980"};
    static const char *const alone[] = {"interval", "1000", "now", "1000", "seen", "999", "self", "998"};
    static const char *const lost[] = {"interval", "1000", "now", "1000", "seen", "999", "self", "900"};
    struct admin_pollers p;
    must(pollers_of(two, 5, &p));
    assert_int_equal(p.lately, 1);
    assert_int_equal(p.long_ago, 2);
    must(pollers_of(alone, 4, &p)); /* the one that was seen is the node itself */
    assert_int_equal(p.lately, 0);
    assert_int_equal(p.long_ago, 0);
    must(pollers_of(lost, 4, &p)); /* it does not reach itself, so the one is another */
    assert_int_equal(p.lately, 1);
    assert_int_equal(p.long_ago, 1);
}

static void odd_answers_are_errors(void **state)
{
    (void)state;
    static const char *const no_clock[] = {"interval", "1000", "seen", "999"};
    static const char *const no_number[] = {"interval", "soon"};
    static const char *const nothing[] = {"interval", "1000"};
    struct admin_pollers p;
    assert_int_equal(pollers_of(no_clock, 2, &p), -EPROTO);
    assert_int_equal(pollers_of(no_number, 1, &p), -EPROTO);
    assert_non_null(strstr(err.text, "soon"));
    assert_int_equal(pollers_of(nothing, 1, &p), -EPROTO);
}

static void a_count_without_clients_is_none(void **state)
{
    (void)state;
    static const char *const half[] = {"ProxySQL_Uptime", "10", "mysql-wait_timeout", "1000"};
    static const char *const odd[] = {"Client_Connections_connected", "-1"};
    struct admin_traffic t;
    script_serve(2, 2, half);
    assert_int_equal(admin_read_traffic(conn, false, soon(), &t, &err), -EPROTO);
    script_end();
    script_serve(2, 1, odd);
    assert_int_equal(admin_read_traffic(conn, false, soon(), &t, &err), -EPROTO);
    assert_non_null(strstr(err.text, "-1"));
    script_end();
}

static void more_sessions_than_asked_for_are_refused(void **state)
{
    (void)state;
    static const char *const three[] = {"1", "2", "3"};
    int64_t ids[2];
    size_t count;
    script_serve(1, 3, three);
    assert_int_equal(admin_read_idle_sessions(conn, 5, ARRAY_LEN(ids), ids, &count, soon(), &err), -EPROTO);
    script_end();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        STAND_IN(a_node_is_drained_and_undone),
        STAND_IN(nobody_is_there),
        cmocka_unit_test(pollers_are_counted_by_their_age),
        cmocka_unit_test(odd_answers_are_errors),
        cmocka_unit_test(a_count_without_clients_is_none),
        cmocka_unit_test(more_sessions_than_asked_for_are_refused),
    };
    return cmocka_run_group_tests(tests, start_library, stop_library);
}
