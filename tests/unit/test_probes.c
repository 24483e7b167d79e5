#include "tests/unit/unit.h"

#include <errno.h>

#include "daemon/http/probes.h"

enum { now_ms = 1000000, tolerance_s = 300 };

/* One row of the table of docs/probes.md; the status for a ProxySQL that had started, and what is said. */
static const struct row {
    enum admin_verdict admin;
    enum traffic_verdict traffic;
    int started;     /* startup probe when it has answered in this life */
    int not_started; /* startup probe when it has not */
    int ready;
    int live;
    bool degraded;
} table[] = {
    {ADMIN_ANSWERS, TRAFFIC_GREETS, 200, 502, 200, 200, false},
    {ADMIN_ANSWERS, TRAFFIC_SILENT, 200, 502, 200, 200, false},
    {ADMIN_ANSWERS, TRAFFIC_REFUSED, 200, 502, 200, 200, false},
    {ADMIN_ANSWERS, TRAFFIC_UNKNOWN, 200, 502, 200, 200, false},
    {ADMIN_STUCK, TRAFFIC_GREETS, 200, 502, 200, 200, true},
    {ADMIN_STUCK, TRAFFIC_SILENT, 502, 502, 503, 503, false},
    {ADMIN_STUCK, TRAFFIC_REFUSED, 502, 502, 503, 503, false},
    {ADMIN_STUCK, TRAFFIC_UNKNOWN, 502, 502, 503, 503, false},
    {ADMIN_REFUSED, TRAFFIC_GREETS, 502, 502, 503, 503, false},
    {ADMIN_REFUSED, TRAFFIC_SILENT, 502, 502, 503, 503, false},
    {ADMIN_REFUSED, TRAFFIC_REFUSED, 502, 502, 503, 503, false},
    {ADMIN_REFUSED, TRAFFIC_UNKNOWN, 502, 502, 503, 503, false},
    {ADMIN_UNKNOWN, TRAFFIC_GREETS, 502, 502, 503, 503, false},
    {ADMIN_UNKNOWN, TRAFFIC_SILENT, 502, 502, 503, 503, false},
    {ADMIN_UNKNOWN, TRAFFIC_REFUSED, 502, 502, 503, 503, false},
    {ADMIN_UNKNOWN, TRAFFIC_UNKNOWN, 502, 502, 503, 503, false},
};

static struct health_snapshot health;
static struct probe_question question;

static int set_up(void **state)
{
    (void)state;
    health = (struct health_snapshot){.admin = ADMIN_ANSWERS,
                                      .traffic = TRAFFIC_GREETS,
                                      .at_ms = now_ms - 120,
                                      .admin_since_ms = now_ms - 5000,
                                      .started = true,
                                      .backends = {.online = 1, .shunned = 0, .total = 1}};
    question = (struct probe_question){.kind = PROBE_READINESS,
                                       .health = &health,
                                       .phase = PHASE_RUNNING,
                                       .now_ms = now_ms,
                                       .wedge_tolerance_s = tolerance_s};
    return 0;
}

static struct probe_answer decide(enum probe_kind kind)
{
    struct probe_answer a;
    question.kind = kind;
    probe_decide(&question, &a);
    return a;
}

static void set_row(const struct row *row, bool started)
{
    health.admin = row->admin;
    health.traffic = row->traffic;
    health.started = started;
}

static void check_row(const struct row *row, bool draining)
{
    for (int started = 0; started <= 1; started++) {
        set_row(row, started == 1);
        struct probe_answer a = decide(PROBE_STARTUP);
        assert_int_equal(a.http_status, started == 1 ? row->started : row->not_started);
        assert_string_equal(a.status, a.http_status == 200 ? "ok" : "error");
        a = decide(PROBE_READINESS);
        assert_int_equal(a.http_status, draining ? 503 : row->ready);
        assert_string_equal(a.status, draining ? "draining" : row->ready == 200 ? "ok" : "error");
        assert_int_equal(a.degraded, row->degraded);
        assert_int_equal(a.draining, draining);
        a = decide(PROBE_LIVENESS);
        assert_int_equal(a.http_status, draining ? 200 : row->live);
        assert_string_equal(a.status, a.http_status == 200 ? "ok" : "error");
        assert_int_equal(a.degraded, row->degraded);
    }
}

static void each_cell(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(table); i++) {
        for (int phase = PHASE_STARTING; phase <= PHASE_STOPPED; phase++) {
            question.phase = (enum phase)phase;
            question.draining_file = false;
            check_row(&table[i], phase >= PHASE_DRAINING);
            question.draining_file = true;
            check_row(&table[i], true);
        }
    }
}

static void wedge_is_tolerated_so_long(void **state)
{
    (void)state;
    health.admin = ADMIN_STUCK;
    health.admin_since_ms = now_ms - tolerance_s * 1000;
    assert_int_equal(decide(PROBE_LIVENESS).http_status, 200);
    assert_int_equal(decide(PROBE_LIVENESS).since_s, tolerance_s);
    health.admin_since_ms--;
    struct probe_answer a = decide(PROBE_LIVENESS);
    assert_int_equal(a.http_status, 503);
    assert_true(a.degraded);
    assert_string_equal(a.message, "the admin interface does not answer");
    assert_int_equal(decide(PROBE_READINESS).http_status, 200);
    assert_int_equal(decide(PROBE_STARTUP).http_status, 200);
    question.draining_file = true;
    assert_int_equal(decide(PROBE_LIVENESS).http_status, 200);
}

static void tolerance_0_is_for_ever(void **state)
{
    (void)state;
    health.admin = ADMIN_STUCK;
    health.admin_since_ms = -INT64_C(1000000000000);
    question.wedge_tolerance_s = 0;
    assert_int_equal(decide(PROBE_LIVENESS).http_status, 200);
    health.traffic = TRAFFIC_SILENT;
    assert_int_equal(decide(PROBE_LIVENESS).http_status, 503);
}

static void closed_gate_is_not_ready(void **state)
{
    (void)state;
    health.gate = SYNC_GATE_NO_USERS;
    assert_int_equal(decide(PROBE_READINESS).http_status, 503);
    assert_int_equal(decide(PROBE_LIVENESS).http_status, 200);
    assert_int_equal(decide(PROBE_STARTUP).http_status, 200);
    question.draining_file = true;
    assert_string_equal(decide(PROBE_READINESS).message, "draining traffic");
}

static void messages_of_the_reference_agent(void **state)
{
    (void)state;
    static const struct {
        int64_t online, total;
        const char *message;
    } rows[] = {
        {1, 1, "all backends online"},
        {0, 0, "all backends online"},
        {1, 2, "some backends offline"},
        {0, 2, "all backends offline"},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        health.backends = (struct admin_backends){.online = rows[i].online, .total = rows[i].total};
        assert_string_equal(decide(PROBE_READINESS).message, rows[i].message);
        assert_string_equal(decide(PROBE_LIVENESS).message, rows[i].message);
    }
    question.draining_file = true;
    assert_string_equal(decide(PROBE_READINESS).message, "draining traffic");
    question.phase = PHASE_STOPPING;
    assert_string_equal(decide(PROBE_READINESS).message, "shutting down");
}

static void ages(void **state)
{
    (void)state;
    assert_int_equal(decide(PROBE_READINESS).age_ms, 120);
    assert_int_equal(decide(PROBE_READINESS).since_s, 0);
    health.admin = ADMIN_REFUSED;
    assert_int_equal(decide(PROBE_READINESS).since_s, 5);
    health = (struct health_snapshot){.admin = ADMIN_UNKNOWN};
    assert_int_equal(decide(PROBE_READINESS).age_ms, -1);
    assert_int_equal(decide(PROBE_READINESS).since_s, 0);
    assert_string_equal(decide(PROBE_STARTUP).message, "ProxySQL was not asked yet");
}

static void check_body(enum probe_kind kind, const char *expected)
{
    cleanup_buf struct buf out;
    buf_init(&out, 4096);
    struct probe_answer a = decide(kind);
    assert_int_equal(probe_write(&question, &a, &out), 0);
    assert_string_equal(out.data, expected);
}

static void bodies(void **state)
{
    (void)state;
    health.node.clients = 7;
    check_body(PROBE_READINESS, "{\"backends\":{\"online\":1,\"shunned\":0,\"total\":1},\"status\":\"ok\",\"message\":"
                                "\"all backends online\",\"probe\":\"readiness\",\"clients\":7,\"draining\":false,"
                                "\"age_ms\":120,\"degraded\":false,\"since_s\":0,\"reason\":\"\"}");
    check_body(PROBE_STARTUP, "{\"message\":\"ok\",\"status\":\"ok\"}");
    health.admin = ADMIN_STUCK;
    (void)strcpy(health.reason, "no \"answer\"");
    check_body(PROBE_LIVENESS, "{\"backends\":{\"online\":1,\"shunned\":0,\"total\":1},\"status\":\"ok\",\"message\":"
                               "\"all backends online\",\"probe\":\"liveness\",\"clients\":7,\"draining\":false,"
                               "\"age_ms\":120,\"degraded\":true,\"since_s\":5,\"reason\":\"no \\\"answer\\\"\"}");
    health.started = false;
    check_body(PROBE_STARTUP, "{\"message\":\"the admin interface does not answer\",\"status\":\"error\",\"probe\":"
                              "\"startup\",\"age_ms\":120,\"since_s\":5,\"reason\":\"no \\\"answer\\\"\"}");
}

static void body_needs_room(void **state)
{
    (void)state;
    cleanup_buf struct buf out;
    buf_init(&out, 40);
    struct probe_answer a = decide(PROBE_READINESS);
    assert_int_equal(probe_write(&question, &a, &out), -EMSGSIZE);
}

#define PROBE(test) cmocka_unit_test_setup(test, set_up)

int main(void)
{
    const struct CMUnitTest tests[] = {
        PROBE(each_cell),
        PROBE(wedge_is_tolerated_so_long),
        PROBE(tolerance_0_is_for_ever),
        PROBE(closed_gate_is_not_ready),
        PROBE(messages_of_the_reference_agent),
        PROBE(ages),
        PROBE(bodies),
        PROBE(body_needs_room),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
