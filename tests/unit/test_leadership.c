#include "tests/unit/unit.h"

#include <stdio.h>

#include "daemon/cluster/leadership.h"

/* Times are milliseconds from 0; the lease lasts 15 s, is renewed within 10 s and looked at every 2 s. */
enum { S = 1000 };
static const struct leadership_rules rules = {.lease_ms = 15 * S, .renew_ms = 10 * S, .retry_ms = 2 * S};
static struct leadership l;
static int version;

static int setup(void **state)
{
    (void)state;
    leadership_init(&l, &rules);
    strcpy(l.identity, "core-0_aa");
    version = 0;
    return 0;
}

/* What the API server would answer with: a new version each time. */
static struct lease stored(const char *holder, int duration_s, int transitions, const char *renewed)
{
    struct lease lease = {.duration_s = duration_s, .transitions = transitions};
    (void)snprintf(lease.resource_version, sizeof(lease.resource_version), "%d", ++version);
    (void)snprintf(lease.holder, sizeof(lease.holder), "%s", holder);
    (void)snprintf(lease.renew_time, sizeof(lease.renew_time), "%s", renewed);
    return lease;
}

static void assert_next(enum leadership_standing standing, int64_t now_ms, enum leadership_step expected)
{
    enum leadership_step step = leadership_next(&l, standing, now_ms);
    if (step != expected)
        fail_msg("at %lld: %s instead of %s", (long long)now_ms, leadership_step_name(step),
                 leadership_step_name(expected));
}

static void read_at(int64_t now_ms, const struct lease *lease)
{
    assert_next(LEADERSHIP_STAND, now_ms, LEADERSHIP_READ);
    leadership_was_read(&l, lease, 0, now_ms, now_ms);
}

/* The step that is due writes, and succeeds. */
static void write_at(enum leadership_standing standing, int64_t now_ms, enum leadership_step step)
{
    struct lease lease;
    assert_next(standing, now_ms, step);
    leadership_spec(&l, step, 1700000000000000 + now_ms * 1000, &lease);
    (void)snprintf(lease.resource_version, sizeof(lease.resource_version), "%d", ++version);
    leadership_was_written(&l, &lease, now_ms, now_ms + 5);
}

static void lead_from(int64_t now_ms)
{
    read_at(now_ms, NULL);
    write_at(LEADERSHIP_STAND, now_ms, LEADERSHIP_CREATE);
    assert_true(leadership_leads(&l, now_ms + 5));
}

static void the_first_lease_is_created(void **state)
{
    (void)state;
    lead_from(100);
    assert_string_equal(l.record.holder, "core-0_aa");
    assert_string_equal(l.record.renew_time, "2023-11-14T22:13:20.100000Z");
    assert_string_equal(l.record.acquire_time, l.record.renew_time);
    assert_int_equal(l.record.duration_s, 15);
    assert_int_equal(l.record.transitions, 0);
    assert_int_equal(l.term, 1);
}

static void a_leader_renews_every_retry_period(void **state)
{
    (void)state;
    lead_from(0);
    for (int64_t at = 0; at < 60 * S; at += 2 * S) {
        assert_next(LEADERSHIP_STAND, at + 2 * S - 1, LEADERSHIP_WAIT);
        write_at(LEADERSHIP_KEEP, at + 2 * S, LEADERSHIP_TAKE);
        assert_true(leadership_leads(&l, at + 2 * S));
    }
    assert_int_equal(l.term, 1);
    assert_int_equal(l.record.transitions, 0);
    assert_string_equal(l.record.acquire_time, "2023-11-14T22:13:20.000000Z");
    assert_string_equal(l.record.renew_time, "2023-11-14T22:14:20.000000Z");
}

/* renewTime is a minute in our future and never compared: only that it moves counts. */
static void anothers_lease_runs_out_by_our_clock(void **state)
{
    (void)state;
    struct lease lease = stored("core-1_bb", 15, 4, "2023-11-14T22:14:20.000000Z");
    read_at(0, &lease);
    assert_next(LEADERSHIP_STAND, 2 * S - 1, LEADERSHIP_WAIT);
    lease = stored("core-1_bb", 15, 4, "2023-11-14T22:14:22.000000Z");
    read_at(2 * S, &lease);
    for (int64_t at = 4 * S; at < 17 * S; at += 2 * S)
        read_at(at, &lease);
    assert_true(leadership_is_held(&l, 17 * S - 1));
    assert_next(LEADERSHIP_STAND, 17 * S - 1, LEADERSHIP_WAIT);
    write_at(LEADERSHIP_STAND, 17 * S, LEADERSHIP_TAKE); /* at once, not at the next look */
    assert_true(leadership_leads(&l, 17 * S));
    assert_int_equal(l.record.transitions, 5);
    assert_string_equal(l.record.acquire_time, l.record.renew_time);
}

static void a_label_is_no_sign_of_life(void **state)
{
    (void)state;
    struct lease lease = stored("core-1_bb", 15, 0, "2023-11-14T22:13:20.000000Z");
    read_at(0, &lease);
    (void)snprintf(lease.resource_version, sizeof(lease.resource_version), "99");
    read_at(2 * S, &lease);
    assert_string_equal(l.record.resource_version, "99"); /* a PUT needs the last one */
    assert_false(leadership_is_held(&l, 15 * S));
}

static void a_holders_own_duration_counts(void **state)
{
    (void)state;
    struct lease lease = stored("core-1_bb", 60, 0, "2023-11-14T22:13:20.000000Z");
    read_at(0, &lease);
    assert_true(leadership_is_held(&l, 60 * S - 1));
    assert_false(leadership_is_held(&l, 60 * S));
    lease.duration_s = 0; /* not given: as ours */
    read_at(2 * S, &lease);
    assert_true(leadership_is_held(&l, 17 * S - 1));
    assert_false(leadership_is_held(&l, 17 * S));
}

static void a_lease_without_a_holder_is_free(void **state)
{
    (void)state;
    struct lease lease = stored("", 1, 7, "2023-11-14T22:13:20.000000Z");
    read_at(0, &lease);
    write_at(LEADERSHIP_STAND, 0, LEADERSHIP_TAKE);
    assert_true(leadership_leads(&l, 0));
    assert_int_equal(l.record.transitions, 8);
}

static void leading_ends_at_the_renew_deadline(void **state)
{
    (void)state;
    lead_from(0);
    write_at(LEADERSHIP_STAND, 2 * S, LEADERSHIP_TAKE); /* sent at 2 s */
    for (int64_t at = 4 * S; at < 12 * S; at += 2 * S) {
        assert_next(LEADERSHIP_STAND, at, LEADERSHIP_TAKE);
        leadership_failed(&l, 2 * S, at);
    }
    assert_true(leadership_leads(&l, 12 * S - 1));
    assert_false(leadership_leads(&l, 12 * S));
    assert_next(LEADERSHIP_STAND, 12 * S, LEADERSHIP_READ); /* another may have it */
    assert_false(l.leading);
    leadership_was_read(&l, &l.record, 0, 12 * S, 12 * S); /* nobody has: it is renewed, as another term */
    write_at(LEADERSHIP_STAND, 12 * S, LEADERSHIP_TAKE);
    assert_true(leadership_leads(&l, 12 * S));
    assert_int_equal(l.term, 2);
    assert_int_equal(l.record.transitions, 0);
}

static void a_leader_that_slept_finds_another(void **state)
{
    (void)state;
    lead_from(0);
    assert_false(leadership_leads(&l, 3600 * S));
    assert_next(LEADERSHIP_STAND, 3600 * S, LEADERSHIP_READ);
    struct lease lease = stored("core-1_bb", 15, 1, "2023-11-14T22:13:20.000000Z");
    leadership_was_read(&l, &lease, 0, 3600 * S, 3600 * S);
    assert_next(LEADERSHIP_STAND, 3601 * S, LEADERSHIP_WAIT);
    assert_false(leadership_leads(&l, 3601 * S));
}

/* The answer to a renewal came late: the lease is as old as the question. */
static void a_late_answer_renews_from_when_it_was_asked(void **state)
{
    (void)state;
    lead_from(0);
    struct lease lease = l.record;
    assert_next(LEADERSHIP_STAND, 2 * S, LEADERSHIP_TAKE);
    leadership_was_written(&l, &lease, 2 * S, 9 * S);
    assert_true(leadership_leads(&l, 12 * S - 1));
    assert_false(leadership_leads(&l, 12 * S));
}

static void a_conflict_is_read_at_once(void **state)
{
    (void)state;
    lead_from(0);
    assert_next(LEADERSHIP_STAND, 2 * S, LEADERSHIP_TAKE);
    leadership_conflict(&l, 2 * S);
    assert_true(leadership_leads(&l, 2 * S)); /* the record may still be ours */
    struct lease lease = l.record;
    read_at(2 * S, &lease);
    assert_next(LEADERSHIP_STAND, 2 * S, LEADERSHIP_TAKE);
    leadership_conflict(&l, 2 * S); /* the second one in a row waits */
    assert_next(LEADERSHIP_STAND, 4 * S - 1, LEADERSHIP_WAIT);
    lease = stored("core-1_bb", 15, 1, "2023-11-14T22:13:24.000000Z");
    read_at(4 * S, &lease);
    assert_false(l.leading);
    assert_false(leadership_leads(&l, 4 * S));
}

static void a_lease_that_was_deleted_is_created_again(void **state)
{
    (void)state;
    lead_from(0);
    assert_next(LEADERSHIP_STAND, 2 * S, LEADERSHIP_TAKE);
    leadership_conflict(&l, 2 * S);
    assert_next(LEADERSHIP_STAND, 2 * S, LEADERSHIP_READ);
    leadership_was_read(&l, NULL, 0, 2 * S, 2 * S);
    assert_false(l.leading);
    write_at(LEADERSHIP_STAND, 2 * S, LEADERSHIP_CREATE);
    assert_int_equal(l.term, 2);
}

static void who_resigns_gives_up_what_is_his(void **state)
{
    (void)state;
    lead_from(0);
    write_at(LEADERSHIP_RESIGN, 500, LEADERSHIP_RELEASE);
    assert_false(l.leading);
    assert_string_equal(l.record.holder, "");
    assert_int_equal(l.record.duration_s, 1);
    assert_int_equal(l.record.transitions, 0);
    for (int64_t at = 3 * S; at < 20 * S; at += 2 * S) {
        assert_next(LEADERSHIP_RESIGN, at, LEADERSHIP_READ);
        leadership_was_read(&l, &l.record, 0, at, at);
        assert_next(LEADERSHIP_RESIGN, at + 1, LEADERSHIP_WAIT);
    }
    write_at(LEADERSHIP_STAND, 21 * S, LEADERSHIP_TAKE); /* back from maintenance: it stands again */
    assert_int_equal(l.term, 2);
    assert_int_equal(l.record.transitions, 1);
}

static void a_release_that_fails_is_tried_again(void **state)
{
    (void)state;
    lead_from(0);
    assert_next(LEADERSHIP_RESIGN, 500, LEADERSHIP_RELEASE);
    leadership_failed(&l, 2 * S, 500);
    assert_false(leadership_leads(&l, 500));
    assert_next(LEADERSHIP_RESIGN, 2400, LEADERSHIP_WAIT);
    write_at(LEADERSHIP_RESIGN, 2500, LEADERSHIP_RELEASE);
}

static void who_only_keeps_takes_nothing(void **state)
{
    (void)state;
    struct lease lease = stored("", 1, 0, "2023-11-14T22:13:20.000000Z");
    read_at(0, &lease);
    assert_next(LEADERSHIP_KEEP, 1, LEADERSHIP_WAIT);
    assert_next(LEADERSHIP_KEEP, 2 * S, LEADERSHIP_READ);
    leadership_was_read(&l, NULL, 0, 2 * S, 2 * S);
    assert_next(LEADERSHIP_KEEP, 3 * S, LEADERSHIP_WAIT);
    write_at(LEADERSHIP_STAND, 4 * S, LEADERSHIP_CREATE);
    write_at(LEADERSHIP_KEEP, 6 * S, LEADERSHIP_TAKE);
}

static void without_an_identity_it_only_reads(void **state)
{
    (void)state;
    l.identity[0] = '\0';
    struct lease lease = stored("", 1, 0, "2023-11-14T22:13:20.000000Z");
    read_at(0, &lease);
    assert_next(LEADERSHIP_STAND, 1, LEADERSHIP_WAIT);
    read_at(2 * S, &lease);
    assert_false(leadership_is_ours(&l));
}

/* An agent that was restarted in the same pod finds its own lease: it leads once that is renewed. */
static void an_own_lease_is_taken_up_again(void **state)
{
    (void)state;
    struct lease lease = stored("core-0_aa", 15, 3, "2023-11-14T22:13:20.000000Z");
    (void)snprintf(lease.acquire_time, sizeof(lease.acquire_time), "2023-11-14T22:00:00.000000Z");
    read_at(0, &lease);
    assert_false(leadership_leads(&l, 0));
    write_at(LEADERSHIP_KEEP, 0, LEADERSHIP_TAKE);
    assert_true(leadership_leads(&l, 0));
    assert_int_equal(l.record.transitions, 3);
    assert_string_equal(l.record.acquire_time, "2023-11-14T22:00:00.000000Z");
}

static void failures_of_a_follower_wait_as_told(void **state)
{
    (void)state;
    assert_next(LEADERSHIP_STAND, 0, LEADERSHIP_READ);
    leadership_failed(&l, 20 * S, 0);
    assert_next(LEADERSHIP_STAND, 20 * S - 1, LEADERSHIP_WAIT);
    assert_next(LEADERSHIP_STAND, 20 * S, LEADERSHIP_READ);
    leadership_was_read(&l, NULL, 0, 20 * S, 20 * S);
    write_at(LEADERSHIP_STAND, 20 * S, LEADERSHIP_CREATE);
    assert_next(LEADERSHIP_STAND, 22 * S, LEADERSHIP_TAKE);
    leadership_failed(&l, 20 * S, 22 * S); /* a leader asks again soon, whatever Retry-After says */
    assert_next(LEADERSHIP_STAND, 24 * S, LEADERSHIP_TAKE);
}

/* Two candidates with the same rules never lead at once, whatever is late or lost between them and the record. */
static void two_never_lead_at_once(void **state)
{
    (void)state;
    static struct leadership both[2];
    static struct lease record;
    uint32_t random = 12345;
    bool exists = false;
    unsigned led[2] = {0, 0};
    for (int i = 0; i < 2; i++) {
        leadership_init(&both[i], &rules);
        (void)snprintf(both[i].identity, sizeof(both[i].identity), "core-%d_x", i);
    }
    for (int64_t now = 0; now < 4000 * S; now += 100) {
        for (int i = 0; i < 2; i++) {
            random = random * 1664525U + 1013904223U;
            bool lost = (random >> 24) % 4 != 0 && now / (40 * S) % 3 == (unsigned)i; /* cut off for a while */
            enum leadership_standing standing =
                now / (300 * S) % 4 == (unsigned)i ? LEADERSHIP_RESIGN : LEADERSHIP_STAND;
            enum leadership_step step = leadership_next(&both[i], standing, now);
            if (step == LEADERSHIP_WAIT)
                continue;
            if (lost && random % 2 == 0) {
                leadership_failed(&both[i], 2 * S, now);
                continue;
            }
            struct lease wish;
            if (step == LEADERSHIP_READ) {
                leadership_was_read(&both[i], exists ? &record : NULL, random % (2 * S / 5), now, now);
                continue;
            }
            leadership_spec(&both[i], step, now * 1000, &wish);
            bool stale = step == LEADERSHIP_CREATE
                             ? exists
                             : strcmp(both[i].record.resource_version, record.resource_version) != 0;
            if (stale) {
                leadership_conflict(&both[i], now);
                continue;
            }
            record = wish;
            (void)snprintf(record.resource_version, sizeof(record.resource_version), "%d", ++version);
            exists = true;
            if (lost) /* it was written, and nobody said so */
                leadership_failed(&both[i], 2 * S, now);
            else
                leadership_was_written(&both[i], &record, now, now);
        }
        bool first = leadership_leads(&both[0], now);
        bool second = leadership_leads(&both[1], now);
        assert_false(first && second);
        led[0] += first ? 1 : 0;
        led[1] += second ? 1 : 0;
    }
    assert_true(led[0] > 1000 && led[1] > 1000);
    assert_true(both[0].term > 3 && both[1].term > 3);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(the_first_lease_is_created, setup),
        cmocka_unit_test_setup(a_leader_renews_every_retry_period, setup),
        cmocka_unit_test_setup(anothers_lease_runs_out_by_our_clock, setup),
        cmocka_unit_test_setup(a_label_is_no_sign_of_life, setup),
        cmocka_unit_test_setup(a_holders_own_duration_counts, setup),
        cmocka_unit_test_setup(a_lease_without_a_holder_is_free, setup),
        cmocka_unit_test_setup(leading_ends_at_the_renew_deadline, setup),
        cmocka_unit_test_setup(a_leader_that_slept_finds_another, setup),
        cmocka_unit_test_setup(a_late_answer_renews_from_when_it_was_asked, setup),
        cmocka_unit_test_setup(a_conflict_is_read_at_once, setup),
        cmocka_unit_test_setup(a_lease_that_was_deleted_is_created_again, setup),
        cmocka_unit_test_setup(who_resigns_gives_up_what_is_his, setup),
        cmocka_unit_test_setup(a_release_that_fails_is_tried_again, setup),
        cmocka_unit_test_setup(who_only_keeps_takes_nothing, setup),
        cmocka_unit_test_setup(without_an_identity_it_only_reads, setup),
        cmocka_unit_test_setup(an_own_lease_is_taken_up_again, setup),
        cmocka_unit_test_setup(failures_of_a_follower_wait_as_told, setup),
        cmocka_unit_test_setup(two_never_lead_at_once, setup),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
