#include "tests/unit/unit.h"

#include <sys/socket.h>
#include <unistd.h>

#include "daemon/http/http_conns.h"

enum { timeout_ms = 10 * 1000, pairs = 3 };

/* Connections whose other ends tell whether they were shut down. Time is what the test says. */
struct fixture {
    struct http_conns conns;
    struct http_conn conn[pairs];
    int near[pairs];
    int far[pairs];
};

static int setup(void **state)
{
    static struct fixture f;
    http_conns_init(&f.conns, pairs, timeout_ms);
    for (int i = 0; i < pairs; i++) {
        int fds[2];
        if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, fds) < 0)
            return -1;
        f.near[i] = fds[0];
        f.far[i] = fds[1];
        http_conn_init(&f.conn[i], &f.conns, fds[0], i);
    }
    *state = &f;
    return 0;
}

static int teardown(void **state)
{
    struct fixture *f = *state;
    for (int i = 0; i < pairs; i++) {
        while (f->conn[i].in_flight > 0)
            http_conn_request_end(&f->conn[i], false, 0);
        http_conn_fini(&f->conn[i]);
        (void)close(f->near[i]);
        (void)close(f->far[i]);
    }
    return f->conns.count == 0 ? 0 : -1;
}

static bool is_shut(const struct fixture *f, int i)
{
    char byte;
    return recv(f->far[i], &byte, 1, 0) == 0;
}

static void serve(struct http_conn *conn, int64_t now_ms)
{
    http_conn_request_begin(conn, now_ms);
    http_conn_request_answered(conn, now_ms);
    http_conn_request_end(conn, true, now_ms);
}

static void test_sweep_ends_idle(void **state)
{
    struct fixture *f = *state;
    serve(&f->conn[0], 5000);
    http_conn_request_begin(&f->conn[1], 5000);
    http_conns_sweep(&f->conns, 2 + timeout_ms - 1);
    assert_false(is_shut(f, 2));
    http_conns_sweep(&f->conns, 2 + timeout_ms);
    assert_true(is_shut(f, 2));
    assert_false(is_shut(f, 0));
    http_conns_sweep(&f->conns, 5000 + timeout_ms);
    assert_true(is_shut(f, 0));
    http_conns_sweep(&f->conns, 1000 * timeout_ms);
    assert_false(is_shut(f, 1)); /* its answer is our business */
}

static void test_sweep_ends_untaken(void **state)
{
    struct fixture *f = *state;
    http_conn_request_begin(&f->conn[0], 0);
    http_conn_request_begin(&f->conn[0], 0);
    http_conn_request_answered(&f->conn[0], 7000);
    http_conns_sweep(&f->conns, 7000 + timeout_ms - 1);
    assert_false(is_shut(f, 0));
    http_conns_sweep(&f->conns, 7000 + timeout_ms);
    assert_true(is_shut(f, 0));
}

static void test_admit(void **state)
{
    struct fixture *f = *state;
    assert_true(http_conns_full(&f->conns));
    serve(&f->conn[0], 10);
    assert_false(http_conns_admit(&f->conns, 1 + HTTP_YOUNG_MS));
    assert_true(is_shut(f, 1));
    assert_false(is_shut(f, 0));
    assert_false(is_shut(f, 2));
    http_conn_fini(&f->conn[1]);
    assert_true(http_conns_admit(&f->conns, 2 + HTTP_YOUNG_MS));
    http_conn_init(&f->conn[1], &f->conns, f->near[1], 2 + HTTP_YOUNG_MS);
}

/* What was accepted just now is idle only because its request was not read yet. */
static void test_admit_spares_the_young(void **state)
{
    struct fixture *f = *state;
    assert_false(http_conns_admit(&f->conns, HTTP_YOUNG_MS - 1));
    for (int i = 0; i < pairs; i++)
        assert_false(is_shut(f, i));
    assert_false(http_conns_admit(&f->conns, HTTP_YOUNG_MS));
    assert_true(is_shut(f, 0));
}

/* All are busy: the first to pause goes, or one that never pauses at its next answer; not one that waits for us. */
static void test_admit_all_busy(void **state)
{
    struct fixture *f = *state;
    for (int i = 0; i < pairs; i++)
        http_conn_request_begin(&f->conn[i], 100);
    http_conn_request_begin(&f->conn[1], 100);
    assert_false(http_conns_admit(&f->conns, 200));
    http_conn_request_answered(&f->conn[1], 300);
    http_conn_request_end(&f->conn[1], true, 300);
    assert_false(is_shut(f, 1));
    http_conn_request_begin(&f->conn[1], 300);
    http_conn_request_answered(&f->conn[1], 100 + HTTP_BUSY_MS);
    http_conn_request_end(&f->conn[1], true, 100 + HTTP_BUSY_MS);
    assert_true(is_shut(f, 1));
    http_conn_request_answered(&f->conn[0], 2000);
    http_conn_request_end(&f->conn[0], true, 2000);
    assert_false(is_shut(f, 0)); /* one made room, that is enough */
    assert_false(is_shut(f, 2));
}

static void test_dropped_requests(void **state)
{
    struct fixture *f = *state;
    for (int i = 0; i < HTTP_UNANSWERED_MAX; i++) {
        assert_false(is_shut(f, 0));
        assert_false(http_conn_drops_requests(&f->conn[0]));
        serve(&f->conn[0], 1);
        http_conn_request_begin(&f->conn[0], 1);
        http_conn_request_end(&f->conn[0], false, 1);
    }
    assert_true(is_shut(f, 0));
    assert_true(http_conn_drops_requests(&f->conn[0]));
    assert_false(is_shut(f, 1));
}

static void test_drain(void **state)
{
    struct fixture *f = *state;
    http_conn_request_begin(&f->conn[0], 1);
    http_conns_drain(&f->conns, 2);
    assert_int_equal(f->conn[1].state, HTTP_CONN_CLOSING);
    assert_int_equal(f->conn[0].state, HTTP_CONN_BUSY);
    assert_int_equal(send(f->near[0], "a", 1, 0), 1); /* the answer still goes out */
    http_conn_request_answered(&f->conn[0], 3);
    http_conn_request_end(&f->conn[0], true, 3);
    assert_int_equal(f->conn[0].state, HTTP_CONN_CLOSING);
    http_conns_shut(&f->conns, 4);
    assert_true(is_shut(f, 1));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_sweep_ends_idle, setup, teardown),
        cmocka_unit_test_setup_teardown(test_sweep_ends_untaken, setup, teardown),
        cmocka_unit_test_setup_teardown(test_admit, setup, teardown),
        cmocka_unit_test_setup_teardown(test_admit_spares_the_young, setup, teardown),
        cmocka_unit_test_setup_teardown(test_admit_all_busy, setup, teardown),
        cmocka_unit_test_setup_teardown(test_dropped_requests, setup, teardown),
        cmocka_unit_test_setup_teardown(test_drain, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
