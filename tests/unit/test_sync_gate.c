#include "tests/unit/cluster_fixture.h"

#include "daemon/cluster/sync_gate.h"

enum { now = 10000, reachable = now - SYNC_GATE_REACHABLE_S, unreachable = reachable - 1, cores_max = 3 };

/* Checksums of one peer; "" = its row says none, NULL = no row. */
struct core {
    const char *users;
    const char *servers;
    int64_t updated_at;
};

/* Our checksums are "U" and "S". */
static const struct row {
    const char *name;
    int64_t backends, users, uptime_s, timeout_s;
    struct core cores[cores_max];
    enum sync_gate expected;
    int64_t check_interval_ms; /* 0 = often */
} rows[] = {
    {"no gate at all", 0, 0, 0, 0, {{"X", "X", now}}, SYNC_GATE_OPEN, 0},
    {"no backend", 0, 1, 10, 60, {{"U", "S", now}}, SYNC_GATE_NO_BACKENDS, 0},
    {"no user", 1, 0, 10, 60, {{"U", "S", now}}, SYNC_GATE_NO_USERS, 0},
    {"neither", 0, 0, 10, 60, {{"U", "S", now}}, SYNC_GATE_NO_BACKENDS, 0},
    {"no backend, whatever the time", 0, 1, 100000, 60, {{"U", "S", now}}, SYNC_GATE_NO_BACKENDS, 0},
    {"no user, whatever the time", 1, 0, 100000, 60, {{"U", "S", now}}, SYNC_GATE_NO_USERS, 0},
    {"no backend and no core", 0, 1, 10, 60, {{0}}, SYNC_GATE_NO_BACKENDS, 0},
    {"no core in the list", 1, 1, 0, 60, {{0}}, SYNC_GATE_OPEN, 0},
    {"in sync", 1, 1, 10, 60, {{"U", "S", now}}, SYNC_GATE_OPEN, 0},
    {"users differ", 1, 1, 10, 60, {{"X", "S", now}}, SYNC_GATE_NOT_SYNCED, 0},
    {"servers differ", 1, 1, 10, 60, {{"U", "X", now}}, SYNC_GATE_NOT_SYNCED, 0},
    {"both differ", 1, 1, 10, 60, {{"X", "X", now}}, SYNC_GATE_NOT_SYNCED, 0},
    {"the last second of waiting", 1, 1, 59, 60, {{"X", "S", now}}, SYNC_GATE_NOT_SYNCED, 0},
    {"waited long enough", 1, 1, 60, 60, {{"X", "S", now}}, SYNC_GATE_OPEN, 0},
    {"just reachable", 1, 1, 10, 60, {{"X", "S", reachable}}, SYNC_GATE_NOT_SYNCED, 0},
    {"no more reachable", 1, 1, 10, 60, {{"X", "S", unreachable}}, SYNC_GATE_OPEN, 0},
    {"checked rarely", 1, 1, 10, 60, {{"X", "S", now - 59}}, SYNC_GATE_NOT_SYNCED, 20000},
    {"not checked three times", 1, 1, 10, 60, {{"X", "S", now - 61}}, SYNC_GATE_OPEN, 20000},
    {"a clock stepped back", 1, 1, 10, 60, {{"X", "S", now + 3600}}, SYNC_GATE_NOT_SYNCED, 0},
    {"never reached", 1, 1, 10, 60, {{"X", "S", 0}}, SYNC_GATE_OPEN, 0},
    {"tells no users", 1, 1, 10, 60, {{"", "S", now}}, SYNC_GATE_OPEN, 0},
    {"has no row of users", 1, 1, 10, 60, {{NULL, "S", now}}, SYNC_GATE_OPEN, 0},
    {"tells no users, other servers", 1, 1, 10, 60, {{"", "X", now}}, SYNC_GATE_NOT_SYNCED, 0},
    {"some core has them", 1, 1, 10, 60, {{"X", "X", now}, {"U", "S", now}}, SYNC_GATE_OPEN, 0},
    {"each from another core", 1, 1, 10, 60, {{"U", "X", now}, {"X", "S", now}}, SYNC_GATE_OPEN, 0},
    {"only one that is gone has them",
     1,
     1,
     10,
     60,
     {{"U", "S", unreachable}, {"X", "X", now}},
     SYNC_GATE_NOT_SYNCED,
     0},
    {"only one that tells none agrees", 1, 1, 10, 60, {{"", "", now}, {"X", "X", now}}, SYNC_GATE_NOT_SYNCED, 0},
    {"just started", 1, 1, 0, 60, {{"U", "S", 0}}, SYNC_GATE_NOT_ASKED, 0},
    {"just started, none checked yet", 1, 1, 4, 60, {{"", "", 0}, {"", "", 0}}, SYNC_GATE_NOT_ASKED, 0},
    {"just started, one checked", 1, 1, 4, 60, {{"", "", 0}, {"U", "S", now}}, SYNC_GATE_OPEN, 0},
    {"had time to check", 1, 1, SYNC_GATE_FIRST_CHECK_S, 60, {{"", "", 0}}, SYNC_GATE_OPEN, 0},
    {"just started, short timeout", 1, 1, 3, 3, {{"", "", 0}}, SYNC_GATE_OPEN, 0},
};

static void add_row(struct cluster_view *view, size_t core, const char *module, const char *checksum,
                    int64_t updated_at)
{
    char host[16];
    (void)snprintf(host, sizeof(host), "10.0.0.%zu", core);
    if (checksum != NULL)
        view_peer(view, host, ADMIN_PORT, module_of(module, 2, 1, checksum), updated_at, 0);
}

static enum sync_gate judge(const struct row *r, struct cluster_view *view)
{
    view->users = r->users;
    if (r->check_interval_ms != 0)
        view->check_interval_ms = r->check_interval_ms;
    for (size_t i = 0; i < cores_max; i++) {
        const struct core *c = &r->cores[i];
        add_row(view, i, "mysql_users", c->users, c->updated_at);
        add_row(view, i, "mysql_servers_v2", c->servers, c->updated_at);
    }
    struct sync_gate_question question = {
        .view = view, .backends = r->backends, .uptime_s = r->uptime_s, .timeout_s = r->timeout_s};
    return sync_gate_judge(&question);
}

static void the_gate_opens_by_the_table(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        cleanup_view struct cluster_view view = view_at(now);
        view_own(&view, module_of("mysql_users", 2, 1, "U"));
        view_own(&view, module_of("mysql_servers_v2", 2, 1, "S"));
        enum sync_gate gate = judge(&rows[i], &view);
        if (gate != rows[i].expected)
            fail_msg("%s: %d instead of %d", rows[i].name, (int)gate, (int)rows[i].expected);
    }
}

/* mysql_servers carries what monitoring found, which differs between nodes; only the _v2 is configuration. */
static void other_modules_do_not_matter(void **state)
{
    (void)state;
    cleanup_view struct cluster_view view = view_at(now);
    view_own(&view, module_of("mysql_users", 2, 1, "U"));
    view_own(&view, module_of("mysql_servers_v2", 2, 1, "S"));
    view_own(&view, module_of("mysql_servers", 2, 1, "M"));
    view_peer(&view, "10.0.0.1", ADMIN_PORT, module_of("mysql_servers", 2, 1, "X"), now, 9);
    view_peer(&view, "10.0.0.1", ADMIN_PORT, module_of("mysql_variables", 2, 1, "X"), now, 9);
    struct row r = {"", 1, 1, 10, 60, {{"U", "S", now}}, SYNC_GATE_OPEN, 0};
    assert_int_equal(judge(&r, &view), SYNC_GATE_OPEN);
}

static void without_own_checksums_nothing_is_in_sync(void **state)
{
    (void)state;
    cleanup_view struct cluster_view view = view_at(now);
    struct row r = {"", 1, 1, 10, 60, {{"U", "S", now}}, SYNC_GATE_NOT_SYNCED, 0};
    assert_int_equal(judge(&r, &view), SYNC_GATE_NOT_SYNCED);
}

static void every_closed_gate_has_a_reason_of_its_own(void **state)
{
    (void)state;
    assert_string_equal(sync_gate_reason(SYNC_GATE_OPEN), "");
    static const struct {
        enum sync_gate gate;
        const char *said;
    } reasons[] = {
        {SYNC_GATE_NO_BACKENDS, "no backend"},
        {SYNC_GATE_NO_USERS, "no user"},
        {SYNC_GATE_NOT_ASKED, "no core was checked"},
        {SYNC_GATE_NOT_SYNCED, "not yet those of a reachable core"},
    };
    for (size_t i = 0; i < ARRAY_LEN(reasons); i++)
        assert_non_null(strstr(sync_gate_reason(reasons[i].gate), reasons[i].said));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_gate_opens_by_the_table),
        cmocka_unit_test(other_modules_do_not_matter),
        cmocka_unit_test(without_own_checksums_nothing_is_in_sync),
        cmocka_unit_test(every_closed_gate_has_a_reason_of_its_own),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
