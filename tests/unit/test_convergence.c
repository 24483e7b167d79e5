#include "tests/unit/cluster_fixture.h"

#include "daemon/cluster/convergence.h"

/* Rows of one peer each: what it says of its list, and whether its last check was just now or long ago. */
struct core {
    const char *host;
    uint16_t port;
    int64_t version;
    int64_t epoch;
    const char *checksum;
    int64_t diff_check;
    bool gone;
};

enum { now = 10000, cores_max = 4 };

struct row {
    const char *name;
    int64_t own_version;
    int64_t own_epoch;
    int64_t diffs_before_sync;
    struct core cores[cores_max];
    enum convergence verdict;
    const char *authority; /* host; NULL = none */
    uint16_t authority_port;
};

#define PORT ADMIN_PORT

/* Our checksum is "0xOURS". */
static const struct row rows[] = {
    {"the same list", 5, 100, 3, {{"c1", PORT, 2, 200, "0xOURS", 0, false}}, CONVERGED, "c1", PORT},
    {"the same list, however old", 5, 100, 3, {{"c1", PORT, 1, 1, "0xOURS", 9, false}}, CONVERGED, "c1", PORT},
    {"newer: pulled", 5, 100, 3, {{"c1", PORT, 2, 101, "0xA", 99, false}}, CONVERGENCE_PULL, "c1", PORT},
    {"equal epochs: never pulled", 5, 100, 3, {{"c1", PORT, 2, 100, "0xA", 3, false}}, CONVERGENCE_COPY, "c1", PORT},
    {"older: never pulled", 5, 100, 3, {{"c1", PORT, 2, 99, "0xA", 3, false}}, CONVERGENCE_COPY, "c1", PORT},
    {"older, two checks only", 5, 100, 3, {{"c1", PORT, 2, 99, "0xA", 2, false}}, CONVERGENCE_PULL, "c1", PORT},
    {"older, not checked yet", 5, 100, 3, {{"c1", PORT, 2, 99, "0xA", 0, false}}, CONVERGENCE_PULL, "c1", PORT},
    {"version 1: nobody pulls it", 5, 100, 3, {{"c1", PORT, 1, 200, "0xA", 3, false}}, CONVERGENCE_COPY, "c1", PORT},
    {"version 0 too", 5, 100, 3, {{"c1", PORT, 0, 200, "0xA", 3, false}}, CONVERGENCE_COPY, "c1", PORT},
    {"version 1, two checks", 5, 100, 3, {{"c1", PORT, 1, 200, "0xA", 2, false}}, CONVERGENCE_PULL, "c1", PORT},
    {"own version 1 pulls older", 1, 100, 3, {{"c1", PORT, 2, 50, "0xA", 9, false}}, CONVERGENCE_PULL, "c1", PORT},
    {"own version 2 does not", 2, 100, 3, {{"c1", PORT, 2, 50, "0xA", 9, false}}, CONVERGENCE_COPY, "c1", PORT},
    {"own version 1, equal epochs", 1, 100, 3, {{"c1", PORT, 2, 100, "0xA", 9, false}}, CONVERGENCE_PULL, "c1", PORT},
    {"both at version 1", 1, 100, 3, {{"c1", PORT, 1, 200, "0xA", 3, false}}, CONVERGENCE_COPY, "c1", PORT},
    {"sync switched off", 5, 100, 0, {{"c1", PORT, 2, 200, "0xA", 3, false}}, CONVERGENCE_COPY, "c1", PORT},
    {"sync switched off, two checks", 5, 100, 0, {{"c1", PORT, 2, 200, "0xA", 2, false}}, CONVERGENCE_PULL, "c1", PORT},
    {"sync off, the same list", 5, 100, 0, {{"c1", PORT, 2, 200, "0xOURS", 0, false}}, CONVERGED, "c1", PORT},

    {"nobody", 5, 100, 3, {{0}}, CONVERGED, NULL, 0},
    {"stale", 5, 100, 3, {{"c1", PORT, 2, 50, "0xA", 9, true}}, CONVERGED, NULL, 0},
    {"says no checksum", 5, 100, 3, {{"c1", PORT, 2, 50, "", 9, false}}, CONVERGED, NULL, 0},

    {"the newest",
     5,
     100,
     3,
     {{"c1", PORT, 2, 50, "0xA", 9, false}, {"c2", PORT, 2, 70, "0xB", 9, false}, {"c3", PORT, 2, 60, "0xC", 9, false}},
     CONVERGENCE_COPY,
     "c2",
     PORT},
    {"the newest decides, even when an older one has our list",
     5,
     100,
     3,
     {{"c1", PORT, 2, 50, "0xOURS", 0, false}, {"c2", PORT, 2, 70, "0xB", 9, false}},
     CONVERGENCE_COPY,
     "c2",
     PORT},
    {"the newest has our list",
     5,
     100,
     3,
     {{"c1", PORT, 2, 50, "0xA", 9, false}, {"c2", PORT, 2, 70, "0xOURS", 0, false}},
     CONVERGED,
     "c2",
     PORT},
    {"pullable before newest",
     5,
     100,
     3,
     {{"c1", PORT, 1, 900, "0xA", 9, false}, {"c2", PORT, 2, 50, "0xB", 9, false}},
     CONVERGENCE_COPY,
     "c2",
     PORT},
    {"pullable before newest, seen first",
     5,
     100,
     3,
     {{"c1", PORT, 2, 50, "0xA", 9, false}, {"c2", PORT, 1, 900, "0xB", 9, false}},
     CONVERGENCE_COPY,
     "c1",
     PORT},
    {"all at version 1: the newest of these",
     5,
     100,
     3,
     {{"c1", PORT, 1, 50, "0xA", 9, false}, {"c2", PORT, 1, 70, "0xB", 9, false}},
     CONVERGENCE_COPY,
     "c2",
     PORT},
    {"a tie: the smallest host",
     5,
     100,
     3,
     {{"c2", PORT, 2, 50, "0xB", 9, false}, {"c1", PORT, 2, 50, "0xA", 9, false}, {"c3", PORT, 2, 50, "0xC", 9, false}},
     CONVERGENCE_COPY,
     "c1",
     PORT},
    {"a tie on one host: the smallest port",
     5,
     100,
     3,
     {{"c1", 7002, 2, 50, "0xB", 9, false}, {"c1", 7001, 2, 50, "0xA", 9, false}, {"c1", 7003, 2, 50, "0xC", 9, false}},
     CONVERGENCE_COPY,
     "c1",
     7001},
    {"the host before the port",
     5,
     100,
     3,
     {{"c1", 2, 2, 50, "0xA", 9, false}, {"c2", 1, 2, 50, "0xB", 9, false}},
     CONVERGENCE_COPY,
     "c1",
     2},
    {"a tie of versions 1",
     5,
     100,
     3,
     {{"c2", PORT, 1, 50, "0xB", 9, false}, {"c1", PORT, 1, 50, "0xA", 9, false}},
     CONVERGENCE_COPY,
     "c1",
     PORT},
    {"the stale newest does not count",
     5,
     100,
     3,
     {{"c1", PORT, 2, 900, "0xA", 9, true}, {"c2", PORT, 2, 50, "0xB", 9, false}},
     CONVERGENCE_COPY,
     "c2",
     PORT},
    {"checks are counted for the authority alone",
     5,
     100,
     3,
     {{"c1", PORT, 2, 50, "0xA", 99, false}, {"c2", PORT, 2, 70, "0xB", 2, false}},
     CONVERGENCE_PULL,
     "c2",
     PORT},
};

static struct peer_tracker tracker;

static void judge_row(const struct row *r)
{
    cleanup_view struct cluster_view view = view_at(now);
    view.members_diffs_before_sync = r->diffs_before_sync;
    view_own(&view, module_of("mysql_users", 9, 9999, "0xU"));
    view_own(&view, module_of(CLUSTER_MEMBERS_MODULE, r->own_version, r->own_epoch, "0xOURS"));
    for (size_t i = 0; i < cores_max && r->cores[i].host != NULL; i++) {
        const struct core *c = &r->cores[i];
        int64_t updated_at = c->gone ? now - 100 : now;
        view_member(&view, c->host, c->port);
        /* other modules say nothing about the list */
        view_peer(&view, c->host, c->port, module_of("mysql_users", 9, 5000, "0xV"), updated_at, 99);
        view_peer(&view, c->host, c->port, module_of(CLUSTER_MEMBERS_MODULE, c->version, c->epoch, c->checksum),
                  updated_at, c->diff_check);
    }
    peer_tracker_reset(&tracker);
    peer_tracker_update(&tracker, &view, 10, 0);
    const struct peer_row *authority = NULL;
    enum convergence verdict = convergence_judge(&view, &tracker, &authority);
    if (verdict != r->verdict)
        fail_msg("%s: verdict %d instead of %d", r->name, (int)verdict, (int)r->verdict);
    if ((authority == NULL) != (r->authority == NULL) ||
        (authority != NULL && (strcmp(authority->host, r->authority) != 0 || authority->port != r->authority_port ||
                               strcmp(authority->state.module, CLUSTER_MEMBERS_MODULE) != 0)))
        fail_msg("%s: the authority is %s", r->name, authority == NULL ? "nobody" : authority->host);
}

static void verdicts_and_authorities(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++)
        judge_row(&rows[i]);
}

static const struct peer_row *judge_one(struct cluster_view *view, enum convergence expected)
{
    peer_tracker_reset(&tracker);
    peer_tracker_update(&tracker, view, 10, 0);
    const struct peer_row *authority = NULL;
    assert_int_equal(convergence_judge(view, &tracker, &authority), expected);
    return authority;
}

static void a_peer_outside_the_list_is_no_authority(void **state)
{
    (void)state;
    cleanup_view struct cluster_view view = view_at(now);
    view_own(&view, module_of(CLUSTER_MEMBERS_MODULE, 5, 100, "0xOURS"));
    view_peer(&view, "left", ADMIN_PORT, module_of(CLUSTER_MEMBERS_MODULE, 5, 50, "0xA"), now, 9);
    assert_null(judge_one(&view, CONVERGED));
}

static void a_peer_never_reached_is_no_authority(void **state)
{
    (void)state;
    cleanup_view struct cluster_view view = view_at(now);
    view_own(&view, module_of(CLUSTER_MEMBERS_MODULE, 5, 100, "0xOURS"));
    view_member(&view, "c1", ADMIN_PORT);
    view_peer(&view, "c1", ADMIN_PORT, module_of(CLUSTER_MEMBERS_MODULE, 5, 50, "0xA"), 0, 9);
    assert_null(judge_one(&view, CONVERGED));
}

static void an_unchecked_cluster_has_no_authority(void **state)
{
    (void)state;
    cleanup_view struct cluster_view view = view_at(now);
    view.checking = false;
    view_own(&view, module_of(CLUSTER_MEMBERS_MODULE, 5, 100, "0xOURS"));
    view_member(&view, "c1", ADMIN_PORT);
    view_peer(&view, "c1", ADMIN_PORT, module_of(CLUSTER_MEMBERS_MODULE, 5, 50, "0xA"), now, 9);
    assert_null(judge_one(&view, CONVERGED));
}

/* A version of ProxySQL that does not tell its own checksum: nothing to compare, nothing is done. */
static void without_an_own_row_nothing_differs(void **state)
{
    (void)state;
    cleanup_view struct cluster_view view = view_at(now);
    view_member(&view, "c1", ADMIN_PORT);
    view_peer(&view, "c1", ADMIN_PORT, module_of(CLUSTER_MEMBERS_MODULE, 5, 50, "0xA"), now, 9);
    const struct peer_row *authority = judge_one(&view, CONVERGED);
    assert_non_null(authority);
    assert_string_equal(authority->host, "c1");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(verdicts_and_authorities),
        cmocka_unit_test(a_peer_outside_the_list_is_no_authority),
        cmocka_unit_test(a_peer_never_reached_is_no_authority),
        cmocka_unit_test(an_unchecked_cluster_has_no_authority),
        cmocka_unit_test(without_an_own_row_nothing_differs),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
