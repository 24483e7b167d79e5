#include "tests/unit/unit.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include "daemon/http/http_conns.h"
#include "shared/compiler.h"

enum { timeout_ms = 10 * 1000, age_ms = 3600 * 1000, pairs = 4 };

static const char *const addresses[pairs] = {"10.0.0.1", "10.0.0.2", "10.0.0.3", "2001:db8::1"};

/* Connections whose other ends tell whether they were shut down. Time is what the test says. */
struct fixture {
    struct http_conns conns;
    struct http_conn conn[pairs];
    int near[pairs];
    int far[pairs];
};

static struct http_source *source_of(struct fixture *f, const char *address)
{
    struct sockaddr_in6 v6 = {.sin6_family = AF_INET6};
    struct sockaddr_in v4 = {.sin_family = AF_INET};
    if (inet_pton(AF_INET, address, &v4.sin_addr) == 1)
        return http_source_get(&f->conns.sources, (const struct sockaddr *)&v4);
    assert_int_equal(inet_pton(AF_INET6, address, &v6.sin6_addr), 1);
    return http_source_get(&f->conns.sources, (const struct sockaddr *)&v6);
}

/* May somebody from this address come in? */
static enum http_admission admit(struct fixture *f, const char *address, int64_t now_ms)
{
    struct http_source *source = source_of(f, address);
    enum http_admission admission = http_conns_admit(&f->conns, source, now_ms);
    http_source_put(source);
    return admission;
}

static uint64_t hits(const struct fixture *f, enum http_limit limit)
{
    return http_limit_hits_get(&f->conns.hits, limit);
}

static enum http_limit idle_limit(const struct http_conn *conn)
{
    return conn->fd % 2 == 0 ? HTTP_LIMIT_IDLE_TIME : HTTP_LIMIT_REQUEST_TIME;
}

static int setup_from(void **state, const char *const from[pairs])
{
    static struct fixture f;
    const struct http_conns_options options = {
        .max = pairs, .timeout_ms = timeout_ms, .age_ms = age_ms, .idle_limit = idle_limit};
    http_conns_init(&f.conns, &options);
    for (int i = 0; i < pairs; i++) {
        int fds[2];
        if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, fds) < 0)
            return -1;
        f.near[i] = fds[0];
        f.far[i] = fds[1];
        http_conn_init(&f.conn[i], &f.conns, fds[0], source_of(&f, from[i]), i);
    }
    *state = &f;
    return 0;
}

static int setup(void **state)
{
    return setup_from(state, addresses);
}

/* All but the last from one address. */
static int setup_crowd(void **state)
{
    static const char *const from[pairs] = {"10.0.0.1", "10.0.0.1", "10.0.0.1", "10.0.0.2"};
    return setup_from(state, from);
}

static int teardown(void **state)
{
    struct fixture *f = *state;
    for (int i = 0; i < pairs; i++) {
        while (f->conn[i].in_flight > 0)
            http_conn_request_end(&f->conn[i], HTTP_REQUEST_UNANSWERED, 0);
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
    http_conn_request_end(conn, HTTP_REQUEST_TAKEN, now_ms);
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
    assert_int_equal(hits(f, idle_limit(&f->conn[2])), 1);
    assert_false(is_shut(f, 0));
    http_conns_sweep(&f->conns, 5000 + timeout_ms);
    assert_true(is_shut(f, 0));
    http_conns_sweep(&f->conns, age_ms);
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
    assert_int_equal(hits(f, HTTP_LIMIT_WRITE_TIME), 1);
}

/* With its next pause, or after one more timeout when it never pauses; not while a patient request goes on. */
static void test_sweep_ends_old(void **state)
{
    struct fixture *f = *state;
    serve(&f->conn[0], age_ms - 1);
    assert_false(is_shut(f, 0));
    http_conn_request_begin(&f->conn[1], age_ms - 1);
    http_conn_request_begin(&f->conn[2], age_ms - 1);
    http_conn_request_begin(&f->conn[3], age_ms - 1);
    http_conn_request_patient(&f->conn[2]);
    http_conns_sweep(&f->conns, age_ms);
    assert_true(is_shut(f, 0));
    http_conn_request_answered(&f->conn[1], age_ms + 1);
    assert_true(http_conn_is_old(&f->conn[1], age_ms + 1));
    http_conn_request_end(&f->conn[1], HTTP_REQUEST_TAKEN, age_ms + 1);
    assert_true(is_shut(f, 1));
    http_conns_sweep(&f->conns, 3 + age_ms + timeout_ms - 1);
    assert_false(is_shut(f, 3));
    http_conns_sweep(&f->conns, 3 + age_ms + timeout_ms);
    assert_true(is_shut(f, 3));
    assert_int_equal(hits(f, HTTP_LIMIT_CONNECTION_AGE), 3);
    http_conns_sweep(&f->conns, 10 * age_ms);
    assert_false(is_shut(f, 2));
    http_conn_request_impatient(&f->conn[2]);
    http_conns_sweep(&f->conns, 10 * age_ms);
    assert_true(is_shut(f, 2));
}

/* One address has three of four places, its share is one. */
static void test_sweep_ends_what_rests_beyond_the_share(void **state)
{
    struct fixture *f = *state;
    serve(&f->conn[0], 500);
    http_conns_sweep(&f->conns, HTTP_RESTING_MS);
    for (int i = 0; i < pairs; i++)
        assert_false(is_shut(f, i));
    http_conns_sweep(&f->conns, 2 + HTTP_RESTING_MS);
    assert_true(is_shut(f, 1));
    assert_true(is_shut(f, 2));
    assert_false(is_shut(f, 3));
    http_conns_sweep(&f->conns, 500 + HTTP_RESTING_MS);
    assert_false(is_shut(f, 0)); /* its share */
    assert_int_equal(hits(f, HTTP_LIMIT_SOURCE_CONNECTIONS), 2);
}

static void test_admit(void **state)
{
    struct fixture *f = *state;
    serve(&f->conn[0], 10);
    assert_int_equal(admit(f, "10.0.0.9", 1 + HTTP_YOUNG_MS), HTTP_WAIT);
    assert_true(is_shut(f, 1));
    assert_false(is_shut(f, 0));
    assert_false(is_shut(f, 2));
    assert_int_equal(admit(f, "10.0.0.9", 2 + HTTP_YOUNG_MS), HTTP_WAIT); /* until that one is closed */
    assert_false(is_shut(f, 2));
    http_conn_fini(&f->conn[1]);
    assert_int_equal(admit(f, "10.0.0.9", 2 + HTTP_YOUNG_MS), HTTP_ADMIT);
    assert_int_equal(hits(f, HTTP_LIMIT_CONNECTIONS), 1);
    http_conn_init(&f->conn[1], &f->conns, f->near[1], source_of(f, "10.0.0.9"), 2 + HTTP_YOUNG_MS);
}

/* What was accepted just now is idle only because its request was not read yet. */
static void test_admit_spares_the_young(void **state)
{
    struct fixture *f = *state;
    assert_int_equal(admit(f, "10.0.0.9", HTTP_YOUNG_MS - 1), HTTP_WAIT);
    for (int i = 0; i < pairs; i++)
        assert_false(is_shut(f, i));
    assert_int_equal(admit(f, "10.0.0.9", HTTP_YOUNG_MS), HTTP_WAIT);
    assert_true(is_shut(f, 0));
}

/* Who has more than its share is cut to it, whoever comes; young ones too. */
static void test_admit_cuts_to_the_share(void **state)
{
    struct fixture *f = *state;
    serve(&f->conn[0], 3);
    assert_int_equal(admit(f, "10.0.0.1", 3), HTTP_WAIT);
    assert_true(is_shut(f, 1));
    assert_true(is_shut(f, 2));
    assert_true(is_shut(f, 0)); /* the newcomer has the share's only place */
    assert_false(is_shut(f, 3));
    assert_int_equal(hits(f, HTTP_LIMIT_SOURCE_CONNECTIONS), 3);
}

static void test_admit_cuts_others_to_the_share(void **state)
{
    struct fixture *f = *state;
    serve(&f->conn[0], 3);
    assert_int_equal(admit(f, "10.0.0.9", 3), HTTP_WAIT);
    assert_true(is_shut(f, 1));
    assert_true(is_shut(f, 2));
    assert_false(is_shut(f, 0));
    assert_false(is_shut(f, 3));                          /* idle longest, and the only one of its source */
    assert_int_equal(admit(f, "10.0.0.9", 4), HTTP_WAIT); /* until these are closed */
    assert_int_equal(hits(f, HTTP_LIMIT_SOURCE_CONNECTIONS), 2);
}

/* Nobody has more than a share: who has most pays for who has fewer, young or not. */
static void test_admit_among_sources(void **state)
{
    struct fixture *f = *state;
    http_conn_request_begin(&f->conn[0], 1);
    http_conn_request_begin(&f->conn[1], 1);
    http_conn_request_begin(&f->conn[2], 1);
    assert_int_equal(admit(f, "10.0.0.2", 3), HTTP_WAIT); /* the only idle one is its own, and young */
    assert_false(is_shut(f, 3));
    assert_int_equal(admit(f, "10.0.0.2", 3 + HTTP_YOUNG_MS), HTTP_WAIT);
    assert_true(is_shut(f, 3));
    assert_int_equal(hits(f, HTTP_LIMIT_CONNECTIONS), 1);
}

/* All that it has is busy: nothing can make room for it, and who comes after it shall not wait behind it. */
static void test_refuse(void **state)
{
    struct fixture *f = *state;
    for (int i = 0; i < pairs; i++)
        http_conn_request_begin(&f->conn[i], 1);
    assert_int_equal(admit(f, "10.0.0.1", 1000), HTTP_REFUSE);
    assert_int_equal(hits(f, HTTP_LIMIT_SOURCE_CONNECTIONS), 1);
    assert_int_equal(admit(f, "10.0.0.9", 1000), HTTP_WAIT);
}

/* An IPv6 host has a whole network for itself. */
static void test_sources(void **state)
{
    struct fixture *f = *state;
    struct http_source *a = source_of(f, "2001:db8::1");
    struct http_source *b = source_of(f, "2001:db8::2");
    struct http_source *c = source_of(f, "2001:db8:0:1::1");
    struct http_source *v4 = source_of(f, "10.0.0.1");
    struct http_source *mapped = source_of(f, "::ffff:10.0.0.1");
    assert_ptr_equal(a, b);
    assert_ptr_not_equal(a, c);
    assert_ptr_equal(v4, mapped);
    assert_int_equal(a->count, 3);
    assert_ptr_equal(http_sources_largest(&f->conns.sources), a);
    struct http_source *all[] = {a, b, c, v4, mapped};
    for (size_t i = 0; i < ARRAY_LEN(all); i++)
        http_source_put(all[i]);
}

/* All are busy: the first to pause goes, or one that never pauses at its next answer; not one that waits for us. */
static void test_admit_all_busy(void **state)
{
    struct fixture *f = *state;
    for (int i = 0; i < pairs; i++)
        http_conn_request_begin(&f->conn[i], 100);
    http_conn_request_begin(&f->conn[1], 100);
    assert_int_equal(admit(f, "10.0.0.9", 200), HTTP_WAIT);
    http_conn_request_answered(&f->conn[1], 300);
    http_conn_request_end(&f->conn[1], HTTP_REQUEST_TAKEN, 300);
    assert_false(is_shut(f, 1));
    http_conn_request_begin(&f->conn[1], 300);
    http_conn_request_answered(&f->conn[1], 100 + HTTP_BUSY_MS);
    http_conn_request_end(&f->conn[1], HTTP_REQUEST_TAKEN, 100 + HTTP_BUSY_MS);
    assert_true(is_shut(f, 1));
    http_conn_request_answered(&f->conn[0], 2000);
    http_conn_request_end(&f->conn[0], HTTP_REQUEST_TAKEN, 2000);
    assert_false(is_shut(f, 0)); /* one made room, that is enough */
    assert_false(is_shut(f, 2));
}

static void test_dropped_requests(void **state)
{
    struct fixture *f = *state;
    for (int i = 0; i < HTTP_UNANSWERED_MAX; i++) {
        assert_false(is_shut(f, 0));
        assert_false(http_conn_has_ended(&f->conn[0]));
        serve(&f->conn[0], 1);
        http_conn_request_begin(&f->conn[0], 1);
        http_conn_request_end(&f->conn[0], HTTP_REQUEST_UNANSWERED, 1);
    }
    assert_true(is_shut(f, 0));
    assert_true(http_conn_has_ended(&f->conn[0]));
    assert_false(is_shut(f, 1));
    assert_int_equal(hits(f, HTTP_LIMIT_DROPPED_REQUESTS), 1);
}

/* An answer that was dropped before it was sent is work for nothing as well. */
static void test_dropped_answers(void **state)
{
    struct fixture *f = *state;
    for (int i = 0; i < HTTP_UNANSWERED_MAX; i++) {
        assert_false(is_shut(f, 0));
        http_conn_request_begin(&f->conn[0], 1);
        http_conn_request_answered(&f->conn[0], 1);
        http_conn_request_end(&f->conn[0], HTTP_REQUEST_UNTAKEN, 1);
        assert_int_equal(f->conn[0].untaken, 0);
    }
    assert_true(is_shut(f, 0));
}

static void test_crowd(void **state)
{
    struct fixture *f = *state;
    f->conn[0].abandoned = 10;
    for (int i = 0; i < HTTP_IN_FLIGHT_MAX - 10; i++) {
        http_conn_request_begin(&f->conn[0], 1);
        assert_false(http_conn_is_crowded(&f->conn[0]));
    }
    http_conn_request_begin(&f->conn[0], 1);
    assert_true(http_conn_is_crowded(&f->conn[0]));
}

/* Nobody's need for a place ends a connection whose request is patient. */
static void test_patience(void **state)
{
    struct fixture *f = *state;
    for (int i = 0; i < pairs; i++)
        http_conn_request_begin(&f->conn[i], 1);
    http_conn_request_patient(&f->conn[0]);
    assert_int_equal(admit(f, "10.0.0.9", 100), HTTP_WAIT);
    http_conn_request_begin(&f->conn[0], 1);
    http_conn_request_answered(&f->conn[0], 1);
    http_conn_request_end(&f->conn[0], HTTP_REQUEST_TAKEN, 1 + HTTP_BUSY_MS);
    assert_false(is_shut(f, 0));
    http_conn_request_impatient(&f->conn[0]);
    http_conn_request_answered(&f->conn[0], 1 + HTTP_BUSY_MS);
    http_conn_request_end(&f->conn[0], HTTP_REQUEST_TAKEN, 1 + HTTP_BUSY_MS);
    assert_true(is_shut(f, 0));
}

/* All but one byte of the bound. */
static void fill(struct fixture *f, int i)
{
    http_conn_hold(&f->conn[i], HTTP_HELD_BYTES_MAX - f->conns.held - 1, 1);
}

static void test_who_holds_most_is_ended(void **state)
{
    struct fixture *f = *state;
    http_conn_hold(&f->conn[0], HTTP_REQUEST_BYTES, 1);
    http_conn_set_receiving(&f->conn[1], 2 * HTTP_REQUEST_BYTES);
    fill(f, 2);
    http_conn_hold(&f->conn[3], 1, 1);
    assert_int_equal(hits(f, HTTP_LIMIT_HELD_BYTES), 0);
    http_conn_hold(&f->conn[3], 1, 1);
    assert_int_equal(hits(f, HTTP_LIMIT_HELD_BYTES), 1);
    assert_true(is_shut(f, 2));
    assert_true(http_conn_has_ended(&f->conn[2]));
    assert_int_equal(f->conns.held, 3 * HTTP_REQUEST_BYTES + 2);
    http_conn_hold(&f->conn[2], HTTP_HELD_BYTES_MAX, 1); /* it is as good as closed */
    http_conn_release(&f->conn[2], HTTP_HELD_BYTES_MAX);
    assert_int_equal(f->conns.held, 3 * HTTP_REQUEST_BYTES + 2);
    http_conn_release(&f->conn[0], HTTP_REQUEST_BYTES);
    http_conn_set_receiving(&f->conn[1], 0);
    assert_int_equal(f->conns.held, 2);
}

/* What is being received is looked at now and then: all of it first, then who has to go. */
static void test_what_is_received_counts(void **state)
{
    struct fixture *f = *state;
    for (int i = 0; i < pairs; i++)
        http_conn_set_receiving(&f->conn[i], HTTP_HELD_BYTES_MAX / 2 + (size_t)i);
    for (int i = 0; i < pairs; i++)
        assert_false(is_shut(f, i));
    http_conns_shed(&f->conns, 1);
    assert_true(is_shut(f, 3));
    assert_true(is_shut(f, 2));
    assert_true(is_shut(f, 1));
    assert_false(is_shut(f, 0));
    assert_int_equal(hits(f, HTTP_LIMIT_HELD_BYTES), 3);
}

static void test_a_patient_one_may_hold_most(void **state)
{
    struct fixture *f = *state;
    http_conn_request_begin(&f->conn[0], 1);
    http_conn_request_patient(&f->conn[0]);
    fill(f, 0);
    http_conn_hold(&f->conn[1], 2, 1);
    assert_false(is_shut(f, 0));
    assert_true(is_shut(f, 1));
    http_conn_hold(&f->conn[0], 2, 1); /* nobody else is left who holds anything */
    assert_false(is_shut(f, 0));
    assert_false(is_shut(f, 2));
    http_conn_request_impatient(&f->conn[0]);
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
    http_conn_request_end(&f->conn[0], HTTP_REQUEST_TAKEN, 3);
    assert_int_equal(f->conn[0].state, HTTP_CONN_CLOSING);
    http_conns_shut(&f->conns, 4);
    assert_true(is_shut(f, 1));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_sweep_ends_idle, setup, teardown),
        cmocka_unit_test_setup_teardown(test_sweep_ends_untaken, setup, teardown),
        cmocka_unit_test_setup_teardown(test_sweep_ends_old, setup, teardown),
        cmocka_unit_test_setup_teardown(test_sweep_ends_what_rests_beyond_the_share, setup_crowd, teardown),
        cmocka_unit_test_setup_teardown(test_admit, setup, teardown),
        cmocka_unit_test_setup_teardown(test_admit_cuts_to_the_share, setup_crowd, teardown),
        cmocka_unit_test_setup_teardown(test_admit_cuts_others_to_the_share, setup_crowd, teardown),
        cmocka_unit_test_setup_teardown(test_admit_among_sources, setup_crowd, teardown),
        cmocka_unit_test_setup_teardown(test_refuse, setup_crowd, teardown),
        cmocka_unit_test_setup_teardown(test_sources, setup, teardown),
        cmocka_unit_test_setup_teardown(test_admit_spares_the_young, setup, teardown),
        cmocka_unit_test_setup_teardown(test_admit_all_busy, setup, teardown),
        cmocka_unit_test_setup_teardown(test_dropped_requests, setup, teardown),
        cmocka_unit_test_setup_teardown(test_dropped_answers, setup, teardown),
        cmocka_unit_test_setup_teardown(test_crowd, setup, teardown),
        cmocka_unit_test_setup_teardown(test_patience, setup, teardown),
        cmocka_unit_test_setup_teardown(test_who_holds_most_is_ended, setup, teardown),
        cmocka_unit_test_setup_teardown(test_what_is_received_counts, setup, teardown),
        cmocka_unit_test_setup_teardown(test_a_patient_one_may_hold_most, setup, teardown),
        cmocka_unit_test_setup_teardown(test_drain, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
