#include "tests/unit/unit.h"

#include <stdio.h>

#include "daemon/jobs/doctor_checks.h"

enum { now_s = 1700000000 };

static struct config config;
static struct inspect_report inspected;
static struct doctor_facts facts;
static struct doctor_report report;

/* A node and a cluster where all is well. */
static int set_up(void **state)
{
    (void)state;
    static struct module_state own[2];
    static struct peer_row peers[2];
    static struct member members[2];
    config = (struct config){
        .proxysql = {.address = "127.0.0.1:6032", .username = "radmin"},
        .api = {.address = "", .token_file = "/token", .port = 8080},
        .shutdown = {.draining_file = "/draining", .pause_delay = 5, .drain_timeout = 30, .shutdown_timeout = 60}};
    own[0] = (struct module_state){.module = "mysql_users", .checksum = "0xAB", .version = 2, .epoch = now_s};
    own[1] = (struct module_state){.module = "mysql_servers_v2", .checksum = "0xCD", .version = 2, .epoch = now_s};
    for (size_t i = 0; i < 2; i++) {
        peers[i] = (struct peer_row){.host = "10.0.0.2", .port = 6032, .state = own[i], .updated_at = now_s};
        members[i] = (struct member){.port = 6032};
        (void)snprintf(members[i].host, sizeof(members[i].host), "10.0.0.%zu", i + 1);
    }
    inspected = (struct inspect_report){.view = {.now = now_s,
                                                 .checking = true,
                                                 .members = {.items = members, .count = 2},
                                                 .own = own,
                                                 .own_count = 2,
                                                 .peers = peers,
                                                 .peer_count = 2}};
    facts = (struct doctor_facts){
        .config = &config,
        .health = {.admin = ADMIN_ANSWERS, .traffic = TRAFFIC_GREETS, .node = {.version = "2.7.2-14-g5cc418b"}},
        .phase = PHASE_RUNNING,
        .pool = {.size = 4},
        .grace_s = 90,
        .report = &inspected,
        .report_error = "",
        .peer_count = 1,
        .peers = {{.host = "10.0.0.2", .port = 6032, .version = "2.7.2-14-g5cc418b"}}};
    return 0;
}

static void judge(void)
{
    report = (struct doctor_report){.at_ms = 1};
    doctor_check_node(&facts, &report);
    doctor_check_cluster(&facts, &report);
}

static const struct doctor_finding *find(const char *check)
{
    judge();
    for (size_t i = 0; i < report.count; i++)
        if (strcmp(report.findings[i].check, check) == 0)
            return &report.findings[i];
    fail_msg("no check \"%s\"", check);
    return NULL;
}

/* The check's verdict is this one, its evidence has this text, and a remedy is said when and only when it is needed. */
static void expect(const char *check, enum doctor_verdict verdict, const char *evidence)
{
    const struct doctor_finding *f = find(check);
    if (f->verdict != verdict || strstr(f->evidence, evidence) == NULL)
        fail_msg("%s: %s, \"%s\" instead of %s, \"%s\"", check, doctor_verdict_name(f->verdict), f->evidence,
                 doctor_verdict_name(verdict), evidence);
    assert_int_equal(f->remedy[0] == '\0', verdict == DOCTOR_OK);
}

static void test_all_is_well(void **state)
{
    (void)state;
    judge();
    assert_true(report.count >= 15);
    for (size_t i = 0; i < report.count; i++)
        if (report.findings[i].verdict != DOCTOR_OK)
            fail_msg("%s: %s", report.findings[i].check, report.findings[i].evidence);
}

static void test_admin(void **state)
{
    (void)state;
    facts.health.admin = ADMIN_STUCK;
    (void)snprintf(facts.health.reason, sizeof(facts.health.reason), "no answer within 600 ms");
    expect("admin interface", DOCTOR_BROKEN, "stuck on 127.0.0.1:6032; traffic port greets; no answer within 600 ms");
}

static void test_versions_with_faults(void **state)
{
    (void)state;
    static const struct {
        const char *version;
        enum doctor_verdict verdict;
    } rows[] = {{"2.5.1-1", DOCTOR_OK},   {"2.5.2-1", DOCTOR_RISK}, {"2.5.5-1", DOCTOR_RISK}, {"2.5.6-1", DOCTOR_OK},
                {"3.0.0-1", DOCTOR_RISK}, {"3.0.3-1", DOCTOR_OK},   {"2.4.9-1", DOCTOR_RISK}, {"4.0.0", DOCTOR_RISK},
                {"odd", DOCTOR_RISK},     {"", DOCTOR_RISK}};
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        (void)snprintf(facts.health.node.version, sizeof(facts.health.node.version), "%s", rows[i].version);
        expect("ProxySQL version", rows[i].verdict, rows[i].version);
    }
}

static void test_mixed_versions(void **state)
{
    (void)state;
    (void)snprintf(facts.peers[0].version, sizeof(facts.peers[0].version), "2.6.6-1");
    expect("cluster versions", DOCTOR_BROKEN, "this node has 2.7.2-14-g5cc418b, 10.0.0.2 has 2.6.6-1");
}

static void test_nodes_that_do_not_answer(void **state)
{
    (void)state;
    (void)snprintf(facts.peers[0].error, sizeof(facts.peers[0].error), "login denied");
    expect("other nodes", DOCTOR_RISK, "10.0.0.2: login denied");
    expect("cluster versions", DOCTOR_OK, "0 other nodes asked");
}

static void test_clocks(void **state)
{
    (void)state;
    facts.peers[0].skew_s = DOCTOR_SKEW_MAX_S;
    expect("clocks", DOCTOR_OK, "no node");
    facts.peers[0].skew_s = DOCTOR_SKEW_MAX_S + 1;
    expect("clocks", DOCTOR_RISK, "10.0.0.2 is 3 s ahead");
    facts.peers[0].skew_s = -60;
    expect("clocks", DOCTOR_RISK, "10.0.0.2 is 60 s behind");
}

static void test_version_one(void **state)
{
    (void)state;
    inspected.view.own[0].version = 1;
    expect("modules to pull", DOCTOR_OK, "each module");
    inspected.view.peers[0].state.version = 1;
    expect("modules to pull", DOCTOR_BROKEN, "mysql_users");
    inspected.view.members.count = 1;
    expect("modules to pull", DOCTOR_OK, "there is no other node");
}

static void test_ties(void **state)
{
    (void)state;
    (void)snprintf(inspected.view.peers[1].state.checksum, VIEW_CHECKSUM_SIZE, "0xEE");
    expect("epochs", DOCTOR_BROKEN, "mysql_servers_v2");
}

static void test_names(void **state)
{
    (void)state;
    facts.name_count = 1;
    facts.names[0] = (struct doctor_name){.host = "proxysql-core", .addresses = 3};
    expect("member names", DOCTOR_RISK, "proxysql-core has 3 addresses");
    facts.names[0].addresses = 1;
    expect("member names", DOCTOR_OK, "no member");
}

static void test_members(void **state)
{
    (void)state;
    inspected.wanted_known = true;
    expect("members", DOCTOR_RISK, "2, 0 wanted");
    inspected.wanted = inspected.view.members;
    expect("members", DOCTOR_OK, "2, 2 wanted");
    inspected.view.checking = false;
    expect("cluster checks", DOCTOR_RISK, "admin-cluster_username");
}

static void test_api_rights(void **state)
{
    (void)state;
    facts.has_pods = true;
    expect("Kubernetes API", DOCTOR_OK, "core pods");
    (void)snprintf(facts.pods.core.error, sizeof(facts.pods.core.error), "list: 403 Forbidden: may not list pods");
    expect("Kubernetes API", DOCTOR_BROKEN, "may not list pods");
    assert_non_null(strstr(find("Kubernetes API")->remedy, "role.yaml"));
}

static void test_election(void **state)
{
    (void)state;
    facts.has_election = true;
    expect("leader election", DOCTOR_RISK, "nobody holds the lease");
    facts.election.held = true;
    (void)snprintf(facts.election.holder, sizeof(facts.election.holder), "core-0_uid");
    expect("leader election", DOCTOR_OK, "core-0_uid");
    (void)snprintf(facts.election.error, sizeof(facts.election.error), "403 Forbidden: may not update leases");
    expect("leader election", DOCTOR_BROKEN, "may not update leases");
}

/* Answers to: list and watch pods; get, create and update the lease. */
static void answer(enum doctor_permission list, enum doctor_permission watch, enum doctor_permission lease)
{
    static char namespace[] = "db";
    const enum doctor_permission answers[DOCTOR_PERMISSIONS] = {list, watch, lease, DOCTOR_ALLOWED, lease};
    facts.has_pods = true;
    facts.has_election = true;
    config.core.podselector.namespace = namespace;
    memcpy(facts.permissions.answers, answers, sizeof(answers));
    expect("access to pods", list == DOCTOR_DENIED || watch == DOCTOR_DENIED ? DOCTOR_BROKEN : DOCTOR_OK, "");
}

static void test_permissions(void **state)
{
    (void)state;
    answer(DOCTOR_ALLOWED, DOCTOR_ALLOWED, DOCTOR_ALLOWED);
    expect("access to pods", DOCTOR_OK, "list, watch allowed in namespace db");
    expect("access to leases", DOCTOR_OK, "get, create, update allowed in namespace db");
    answer(DOCTOR_DENIED, DOCTOR_DENIED, DOCTOR_ALLOWED);
    expect("access to pods", DOCTOR_BROKEN,
           "may not list, watch pods in namespace db; the Role there needs apiGroups: [\"\"], resources: [\"pods\"], "
           "verbs: [\"get\", \"list\", \"watch\"]");
    answer(DOCTOR_NOT_ASKED, DOCTOR_DENIED, DOCTOR_DENIED);
    expect("access to pods", DOCTOR_BROKEN, "may not watch pods in namespace db");
    expect("access to leases", DOCTOR_BROKEN,
           "may not get, update leases in namespace db; the Role there needs apiGroups: [\"coordination.k8s.io\"], "
           "resources: [\"leases\"], verbs: [\"get\", \"create\", \"update\"]");
}

static void test_permissions_that_could_not_be_asked(void **state)
{
    (void)state;
    answer(DOCTOR_ALLOWED, DOCTOR_NOT_ASKED, DOCTOR_NOT_ASKED);
    (void)snprintf(facts.permissions.error, sizeof(facts.permissions.error), "no answer in time");
    expect("access to pods", DOCTOR_OK,
           "nothing was refused so far; the API server could not be asked: no answer in time");
    expect("access to leases", DOCTOR_OK, "nothing was refused so far");
    (void)snprintf(facts.pods.core.error, sizeof(facts.pods.core.error), "list: 500");
    expect("access to pods", DOCTOR_OK, "nothing was refused so far");
    (void)snprintf(facts.pods.core.error, sizeof(facts.pods.core.error), "list: 403 Forbidden: may not list pods");
    expect("access to pods", DOCTOR_BROKEN, "may not list pods; the API server could not be asked: no answer in time");
    (void)snprintf(facts.election.error, sizeof(facts.election.error), "update: 403 Forbidden: may not update leases");
    expect("access to leases", DOCTOR_BROKEN, "update: 403 Forbidden: may not update leases; the API server could not");
}

static void test_budget(void **state)
{
    (void)state;
    facts.grace_s = 30;
    expect("shutdown budget", DOCTOR_RISK, "grace period of 30 s leaves 27 s");
    facts.grace_s = 0;
    expect("shutdown budget", DOCTOR_OK, "not known here");
    facts.grace_s = 90;
    config.shutdown.pause_delay = 30;
    expect("shutdown budget", DOCTOR_RISK, "pause_delay of 30 s");
}

static void test_draining_file(void **state)
{
    (void)state;
    facts.draining_file = true;
    expect("draining file", DOCTOR_BROKEN, "/draining exists, but nothing drains");
    facts.phase = PHASE_DRAINING;
    expect("draining file", DOCTOR_OK, "draining");
}

static void test_shutdown_access(void **state)
{
    (void)state;
    config.api.token_file = "";
    expect("/shutdown", DOCTOR_RISK, "open to everybody");
    config.api.address = "127.0.0.1";
    expect("/shutdown", DOCTOR_OK, "only on 127.0.0.1");
}

static void test_account(void **state)
{
    (void)state;
    config.proxysql.username = "admin";
    expect("admin account", DOCTOR_OK, "admin at 127.0.0.1:6032");
    config.proxysql.address = "10.0.0.9:6032";
    expect("admin account", DOCTOR_BROKEN, "admin at 10.0.0.9:6032");
    expect("password", DOCTOR_OK, "not in a flag");
    facts.secret_in_flag = "dump.upload_url";
    expect("password", DOCTOR_RISK, "dump.upload_url is given by a flag");
}

static void test_pool_and_queue(void **state)
{
    (void)state;
    facts.pool.refused = 3;
    expect("connection pool", DOCTOR_RISK, "3 requests refused");
    facts.pool.parked = 2;
    expect("connection pool", DOCTOR_BROKEN, "2 statements wait");
    facts.jobs[JOB_DUMP].refused = 7;
    expect("job queue", DOCTOR_RISK, "7 jobs refused since the start, most of kind dump");
}

static void test_without_a_report(void **state)
{
    (void)state;
    facts.report = NULL;
    facts.report_error = "admin does not answer";
    expect("cluster", DOCTOR_RISK, "cannot be checked: admin does not answer");
}

/* However much there is to say, texts and findings are bounded. */
static void test_limits(void **state)
{
    (void)state;
    facts.peer_count = DOCTOR_PEERS_MAX;
    for (size_t i = 0; i < DOCTOR_PEERS_MAX; i++)
        (void)snprintf(facts.peers[i].error, sizeof(facts.peers[i].error), "%0127d", 1);
    assert_int_equal(strlen(find("other nodes")->evidence), DOCTOR_TEXT_SIZE - 1);
    for (size_t i = 0; i < 2 * DOCTOR_FINDINGS_MAX; i++)
        doctor_add(&report, "more", DOCTOR_OK, "", "%zu", i);
    assert_int_equal(report.count, DOCTOR_FINDINGS_MAX);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(test_all_is_well, set_up),
        cmocka_unit_test_setup(test_admin, set_up),
        cmocka_unit_test_setup(test_versions_with_faults, set_up),
        cmocka_unit_test_setup(test_mixed_versions, set_up),
        cmocka_unit_test_setup(test_nodes_that_do_not_answer, set_up),
        cmocka_unit_test_setup(test_clocks, set_up),
        cmocka_unit_test_setup(test_version_one, set_up),
        cmocka_unit_test_setup(test_ties, set_up),
        cmocka_unit_test_setup(test_names, set_up),
        cmocka_unit_test_setup(test_members, set_up),
        cmocka_unit_test_setup(test_api_rights, set_up),
        cmocka_unit_test_setup(test_election, set_up),
        cmocka_unit_test_setup(test_permissions, set_up),
        cmocka_unit_test_setup(test_permissions_that_could_not_be_asked, set_up),
        cmocka_unit_test_setup(test_budget, set_up),
        cmocka_unit_test_setup(test_draining_file, set_up),
        cmocka_unit_test_setup(test_shutdown_access, set_up),
        cmocka_unit_test_setup(test_account, set_up),
        cmocka_unit_test_setup(test_pool_and_queue, set_up),
        cmocka_unit_test_setup(test_without_a_report, set_up),
        cmocka_unit_test_setup(test_limits, set_up),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
