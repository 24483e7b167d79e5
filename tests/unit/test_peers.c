#include "tests/unit/cluster_fixture.h"

#include "daemon/cluster/peers.h"

/* A little world: peers that are checked or not, a monotonic clock that goes on and a wall clock that may step. */
enum { first_now = 1700000000, threshold_s = 10, hour_s = 3600, world_peers_max = MEMBERS_MAX };

struct world_peer {
    char host[16];
    bool alive;         /* checked successfully at every check */
    int64_t updated_at; /* 0 = never */
};

struct world {
    struct peer_tracker tracker;
    struct cluster_view view;
    int64_t mono_ms;
    int64_t wall_ms;
    size_t count;
    struct world_peer peers[world_peers_max];
};

static struct world w;

static int begin(void **state)
{
    (void)state;
    memset(&w, 0, sizeof(w));
    w.mono_ms = 5000;
    w.wall_ms = (int64_t)first_now * 1000;
    return 0;
}

static int end(void **state)
{
    (void)state;
    cluster_view_fini(&w.view);
    return 0;
}

static struct world_peer *add_peer(const char *host, bool alive)
{
    struct world_peer *p = &w.peers[w.count++];
    *p = (struct world_peer){.alive = alive, .updated_at = alive ? first_now : 0};
    (void)snprintf(p->host, sizeof(p->host), "%s", host);
    return p;
}

static void check_peers(void)
{
    for (size_t i = 0; i < w.count; i++)
        if (w.peers[i].alive)
            w.peers[i].updated_at = w.wall_ms / 1000;
}

/* One pass after ms; ProxySQL has checked its peers just before, or not since the last pass. */
static void pass_with(int64_t ms, bool check, bool checking)
{
    w.mono_ms += ms;
    w.wall_ms += ms;
    if (check)
        check_peers();
    cluster_view_fini(&w.view);
    w.view = view_at(w.wall_ms / 1000);
    w.view.checking = checking;
    for (size_t i = 0; i < w.count; i++) {
        view_member(&w.view, w.peers[i].host, ADMIN_PORT);
        view_peer(&w.view, w.peers[i].host, ADMIN_PORT, module_of("mysql_users", 2, 1, "0xA"), w.peers[i].updated_at,
                  0);
    }
    peer_tracker_update(&w.tracker, &w.view, threshold_s, w.mono_ms);
}

static void pass(int64_t ms)
{
    pass_with(ms, true, true);
}

static enum peer_condition condition_of(const char *host)
{
    const struct peer *p = peer_tracker_find(&w.tracker, host, ADMIN_PORT);
    assert_non_null(p);
    return p->condition;
}

/* A peer that was checked once and then not for longer than the threshold. */
static void add_stale_peer(const char *host)
{
    struct world_peer *p = add_peer(host, true);
    pass(0);
    p->alive = false;
    pass(11000);
    assert_int_equal(condition_of(host), PEER_STALE);
}

static int64_t age_of(const char *host)
{
    return peer_tracker_find(&w.tracker, host, ADMIN_PORT)->age_s;
}

static void threshold_is_never_below_three_checks(void **state)
{
    (void)state;
    static const struct {
        int64_t check_interval_ms, missing_after_s, expected_s;
    } rows[] = {
        {1000, 10, 10},  {200, 1, 1},       {1000, 1, 3}, {1000, 3, 3}, {1000, 4, 4},
        {1001, 1, 4},    {999, 1, 3},       {10, 1, 1},   {0, 10, 10},  {4000, 10, 12},
        {20000, 10, 60}, {300000, 10, 900}, {333, 1, 1},  {334, 1, 2},  {10000, 30, 30},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct cluster_view view = view_at(1000);
        view.check_interval_ms = rows[i].check_interval_ms;
        assert_int_equal(peer_threshold_s(&view, rows[i].missing_after_s), rows[i].expected_s);
    }
}

static void checked_peers_stay_fresh(void **state)
{
    (void)state;
    add_peer("c1", true);
    for (int i = 0; i < 20; i++) {
        pass(10000);
        assert_int_equal(condition_of("c1"), PEER_FRESH);
        assert_int_equal(age_of("c1"), 0);
        assert_false(peer_tracker_any_stale(&w.tracker));
    }
}

/* Exactly as old as the threshold is not older than it. */
static void stale_is_older_than_the_threshold(void **state)
{
    (void)state;
    struct world_peer *c1 = add_peer("c1", true);
    pass(0);
    c1->alive = false;
    pass(threshold_s * 1000);
    assert_int_equal(age_of("c1"), threshold_s);
    assert_int_equal(condition_of("c1"), PEER_FRESH);
    pass(1000);
    assert_int_equal(age_of("c1"), threshold_s + 1);
    assert_int_equal(condition_of("c1"), PEER_STALE);
}

static void two_stale_passes_make_a_suspect(void **state)
{
    (void)state;
    add_stale_peer("c1");
    assert_true(peer_tracker_any_stale(&w.tracker));
    assert_false(peer_tracker_all_suspect(&w.tracker, &w.view));
    assert_false(peer_tracker_all_missing(&w.tracker, &w.view));
    pass(2000);
    assert_int_equal(condition_of("c1"), PEER_SUSPECT);
    assert_false(peer_tracker_any_stale(&w.tracker));
    assert_true(peer_tracker_all_suspect(&w.tracker, &w.view));
    assert_true(peer_tracker_all_missing(&w.tracker, &w.view));
    for (int i = 0; i < 5; i++)
        pass(10000);
    assert_int_equal(condition_of("c1"), PEER_SUSPECT);
}

static void the_passes_must_be_consecutive(void **state)
{
    (void)state;
    struct world_peer *c1 = add_peer("c1", true);
    pass(0);
    for (int i = 0; i < 3; i++) {
        c1->alive = false;
        pass(11000);
        assert_int_equal(condition_of("c1"), PEER_STALE);
        c1->alive = true;
        pass(1000);
        assert_int_equal(condition_of("c1"), PEER_FRESH);
    }
}

/* The row of a peer that nobody reached has updated_at 0 from its first second on. */
static void never_reached_counts_from_first_seen(void **state)
{
    (void)state;
    add_peer("c1", false);
    pass(0);
    assert_int_equal(condition_of("c1"), PEER_FRESH);
    assert_int_equal(age_of("c1"), 0);
    pass(10000);
    assert_int_equal(age_of("c1"), 10);
    assert_int_equal(condition_of("c1"), PEER_FRESH);
    pass(1000);
    assert_int_equal(condition_of("c1"), PEER_STALE);
    pass(1000);
    assert_int_equal(condition_of("c1"), PEER_SUSPECT);
    assert_int_equal(age_of("c1"), 12);
}

static void a_peer_without_rows_is_never_reached(void **state)
{
    (void)state;
    cleanup_view struct cluster_view view = view_at(first_now);
    view_member(&view, "c1", ADMIN_PORT);
    peer_tracker_update(&w.tracker, &view, threshold_s, 0);
    peer_tracker_update(&w.tracker, &view, threshold_s, 11000);
    assert_int_equal(condition_of("c1"), PEER_STALE);
}

/* Before our own first pass only the wall clock knows how old a check is. */
static void a_peer_dead_before_the_first_pass_is_found_in_two(void **state)
{
    (void)state;
    add_peer("c1", false)->updated_at = first_now - 60;
    pass(0);
    assert_int_equal(age_of("c1"), 60);
    assert_int_equal(condition_of("c1"), PEER_STALE);
    pass(2000);
    assert_int_equal(condition_of("c1"), PEER_SUSPECT);
}

/* Rows of other modules, hosts and ports: the newest of the peer's own counts. */
static void the_newest_row_of_a_peer_counts(void **state)
{
    (void)state;
    cleanup_view struct cluster_view view = view_at(first_now);
    view_member(&view, "c1", 7001);
    view_member(&view, "c1", 7002);
    view_member(&view, "c2", 7001);
    view_peer(&view, "c1", 7001, module_of("mysql_users", 1, 1, ""), first_now - 100, 0);
    view_peer(&view, "c1", 7001, module_of("mysql_servers", 1, 1, ""), first_now - 3, 0);
    view_peer(&view, "c1", 7001, module_of("mysql_variables", 1, 1, ""), first_now - 70, 0);
    view_peer(&view, "c1", 7001, module_of("admin_variables", 1, 1, ""), 0, 0);
    view_peer(&view, "c1", 7002, module_of("mysql_users", 1, 1, ""), first_now - 50, 0);
    view_peer(&view, "c2", 7001, module_of("mysql_users", 1, 1, ""), first_now - 20, 0);
    view_peer(&view, "c3", 7001, module_of("mysql_users", 1, 1, ""), first_now, 0);
    peer_tracker_update(&w.tracker, &view, threshold_s, 0);
    assert_int_equal(w.tracker.count, 3);
    assert_int_equal(peer_tracker_find(&w.tracker, "c1", 7001)->age_s, 3);
    assert_int_equal(peer_tracker_find(&w.tracker, "c1", 7002)->age_s, 50);
    assert_int_equal(peer_tracker_find(&w.tracker, "c2", 7001)->age_s, 20);
    assert_null(peer_tracker_find(&w.tracker, "c3", 7001));
    assert_null(peer_tracker_find(&w.tracker, "c2", 7002));
}

static void one_fresh_peer_is_enough(void **state)
{
    (void)state;
    struct world_peer *c1 = add_peer("c1", true);
    struct world_peer *c2 = add_peer("c2", true);
    pass(0);
    c1->alive = false;
    for (int i = 0; i < 5; i++) {
        pass(10000);
        assert_false(peer_tracker_all_suspect(&w.tracker, &w.view));
        assert_false(peer_tracker_all_missing(&w.tracker, &w.view));
    }
    assert_int_equal(condition_of("c1"), PEER_SUSPECT);
    c2->alive = false;
    pass(11000);
    assert_int_equal(condition_of("c2"), PEER_STALE);
    assert_false(peer_tracker_all_suspect(&w.tracker, &w.view));
    pass(2000);
    assert_true(peer_tracker_all_missing(&w.tracker, &w.view));
}

static void a_suspect_that_accepts_is_not_missing(void **state)
{
    (void)state;
    add_peer("c1", false);
    add_peer("c2", false);
    pass(0);
    pass(11000);
    pass(2000);
    assert_true(peer_tracker_all_missing(&w.tracker, &w.view));
    w.tracker.items[1].accepts = true;
    assert_true(peer_tracker_all_suspect(&w.tracker, &w.view));
    assert_false(peer_tracker_all_missing(&w.tracker, &w.view));
    pass(2000); /* what it did in one pass says nothing about the next one */
    assert_false(w.tracker.items[1].accepts);
    assert_true(peer_tracker_all_missing(&w.tracker, &w.view));
}

static void an_empty_list_has_nobody_left(void **state)
{
    (void)state;
    pass(0);
    assert_true(peer_tracker_all_suspect(&w.tracker, &w.view));
    assert_true(peer_tracker_all_missing(&w.tracker, &w.view));
    assert_false(peer_tracker_any_stale(&w.tracker));
}

static void an_unchecked_cluster_judges_nobody(void **state)
{
    (void)state;
    add_peer("c1", false);
    for (int i = 0; i < 5; i++) {
        pass_with(60000, false, false);
        assert_int_equal(condition_of("c1"), PEER_UNCHECKED);
        assert_false(peer_tracker_any_stale(&w.tracker));
        assert_false(peer_tracker_all_suspect(&w.tracker, &w.view));
        assert_false(peer_tracker_all_missing(&w.tracker, &w.view));
    }
}

static void an_unchecked_empty_list_is_left_alone(void **state)
{
    (void)state;
    pass_with(0, false, false);
    assert_false(peer_tracker_all_suspect(&w.tracker, &w.view));
    assert_false(peer_tracker_all_missing(&w.tracker, &w.view));
}

/* Stale passes of before do not count once checking was off. */
static void checking_again_starts_over(void **state)
{
    (void)state;
    add_stale_peer("c1");
    pass_with(1000, false, false);
    pass(1000);
    assert_int_equal(condition_of("c1"), PEER_STALE);
    pass(1000);
    assert_int_equal(condition_of("c1"), PEER_SUSPECT);
}

static const int64_t steps_s[] = {3, 30, hour_s, 26 * hour_s, -3, -30, -hour_s, -26 * hour_s};

/* Passes may come before ProxySQL checks again: the next check may be minutes away. */
static void a_stepped_clock_makes_nobody_stale(void **state)
{
    for (size_t i = 0; i < ARRAY_LEN(steps_s); i++) {
        (void)begin(state);
        add_peer("c1", true);
        add_peer("c2", true);
        pass(0);
        pass(1000);
        assert_false(w.tracker.clock_stepped);
        w.wall_ms += steps_s[i] * 1000;
        for (int n = 0; n < 4; n++) {
            pass_with(2000, false, true);
            assert_int_equal(w.tracker.clock_stepped, n == 0);
            assert_int_equal(condition_of("c1"), PEER_FRESH);
        }
        for (int n = 0; n < 4; n++) {
            pass(10000);
            assert_false(w.tracker.clock_stepped);
            assert_int_equal(condition_of("c1"), PEER_FRESH);
            assert_int_equal(condition_of("c2"), PEER_FRESH);
            assert_int_equal(age_of("c1"), 0);
        }
        (void)end(state);
    }
}

static void a_dead_peer_is_found_after_a_step(void **state)
{
    for (size_t i = 0; i < ARRAY_LEN(steps_s); i++) {
        (void)begin(state);
        add_peer("c1", true);
        pass(0);
        w.wall_ms += steps_s[i] * 1000;
        w.peers[0].alive = false;
        pass(5000);
        assert_int_equal(condition_of("c1"), PEER_FRESH);
        pass(5000);
        assert_int_equal(condition_of("c1"), PEER_FRESH);
        pass(2000);
        assert_int_equal(condition_of("c1"), PEER_STALE);
        assert_int_equal(age_of("c1"), 12);
        pass(2000);
        assert_int_equal(condition_of("c1"), PEER_SUSPECT);
        (void)end(state);
    }
}

/* A peer that came back after a step is judged by the wall clock again. */
static void a_check_after_a_step_ends_the_doubt(void **state)
{
    (void)state;
    struct world_peer *c1 = add_peer("c1", true);
    pass(0);
    w.wall_ms += hour_s * 1000;
    pass_with(2000, false, true);
    pass(2000);
    c1->updated_at -= 40; /* checked 40 s ago by a clock that did not step since */
    c1->alive = false;
    pass(2000);
    assert_int_equal(age_of("c1"), 42);
    assert_int_equal(condition_of("c1"), PEER_STALE);
}

/* The wall clock is read in whole seconds, and a pass takes its time. */
static void rounding_is_not_a_step(void **state)
{
    (void)state;
    add_peer("c1", true);
    pass(0);
    for (int i = 0; i < 50; i++) {
        pass(999 + i % 3);
        assert_false(w.tracker.clock_stepped);
    }
}

static void peers_come_and_go(void **state)
{
    (void)state;
    add_peer("c1", true);
    add_peer("c2", false);
    pass(0);
    pass(11000);
    assert_int_equal(condition_of("c2"), PEER_STALE);
    (void)snprintf(w.peers[0].host, sizeof(w.peers[0].host), "c3"); /* c3 takes the place of c1 */
    pass(2000);
    assert_null(peer_tracker_find(&w.tracker, "c1", ADMIN_PORT));
    assert_int_equal(w.tracker.count, 2);
    assert_int_equal(condition_of("c2"), PEER_SUSPECT); /* what is known of c2 stays */
    assert_int_equal(condition_of("c3"), PEER_FRESH);
    w.count = 0;
    pass(2000);
    assert_int_equal(w.tracker.count, 0);
    add_peer("c2", false); /* came back: seen for the first time */
    pass(2000);
    assert_int_equal(condition_of("c2"), PEER_FRESH);
    assert_int_equal(age_of("c2"), 0);
}

/* All of a full tracker is replaced in one pass: the new ones find room. */
static void a_full_tracker_takes_a_new_list(void **state)
{
    (void)state;
    for (int i = 0; i < PEERS_MAX; i++) {
        char host[16];
        (void)snprintf(host, sizeof(host), "old-%d", i);
        add_peer(host, i % 2 == 0);
    }
    pass(0);
    assert_int_equal(w.tracker.count, PEERS_MAX);
    pass(11000);
    assert_int_equal(condition_of("old-254"), PEER_FRESH);
    assert_int_equal(condition_of("old-255"), PEER_STALE);
    for (int i = 0; i < PEERS_MAX - 1; i++)
        (void)snprintf(w.peers[i].host, sizeof(w.peers[i].host), "new-%d", i);
    pass(2000);
    assert_int_equal(w.tracker.count, PEERS_MAX);
    assert_int_equal(condition_of("new-0"), PEER_FRESH);
    assert_int_equal(condition_of("new-254"), PEER_FRESH);
    assert_int_equal(condition_of("old-255"), PEER_SUSPECT);
    assert_null(peer_tracker_find(&w.tracker, "old-254", ADMIN_PORT));
}

static void a_reset_forgets_all(void **state)
{
    (void)state;
    add_peer("c1", false);
    pass(0);
    pass(11000);
    peer_tracker_reset(&w.tracker);
    assert_int_equal(w.tracker.count, 0);
    w.wall_ms += hour_s * 1000;
    pass(1000);
    assert_false(w.tracker.clock_stepped);
    assert_int_equal(condition_of("c1"), PEER_FRESH);
}

#define world_test(function) cmocka_unit_test_setup_teardown(function, begin, end)

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(threshold_is_never_below_three_checks),
        world_test(checked_peers_stay_fresh),
        world_test(stale_is_older_than_the_threshold),
        world_test(two_stale_passes_make_a_suspect),
        world_test(the_passes_must_be_consecutive),
        world_test(never_reached_counts_from_first_seen),
        world_test(a_peer_without_rows_is_never_reached),
        world_test(a_peer_dead_before_the_first_pass_is_found_in_two),
        world_test(the_newest_row_of_a_peer_counts),
        world_test(one_fresh_peer_is_enough),
        world_test(a_suspect_that_accepts_is_not_missing),
        world_test(an_empty_list_has_nobody_left),
        world_test(an_unchecked_cluster_judges_nobody),
        world_test(an_unchecked_empty_list_is_left_alone),
        world_test(checking_again_starts_over),
        world_test(a_stepped_clock_makes_nobody_stale),
        world_test(a_dead_peer_is_found_after_a_step),
        world_test(a_check_after_a_step_ends_the_doubt),
        world_test(rounding_is_not_a_step),
        world_test(peers_come_and_go),
        world_test(a_full_tracker_takes_a_new_list),
        world_test(a_reset_forgets_all),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
