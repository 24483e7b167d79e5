#include "tests/unit/unit.h"

#include <stdio.h>
#include <stdlib.h>

#include "daemon/cluster/departures.h"
#include "daemon/discovery/pod.h"

enum { PORT = 6032, SECOND = 1000 };

static struct departures *d;
static struct error err;

static struct member row(const char *host, const char *comment)
{
    struct member m = {.port = PORT};
    (void)snprintf(m.host, sizeof(m.host), "%s", host);
    (void)snprintf(m.comment, sizeof(m.comment), "%s", comment);
    return m;
}

static void add(struct member_list *list, const char *host, const char *comment)
{
    struct member m = row(host, comment);
    assert_int_equal(member_list_add(list, &m, &err), 0);
}

/* Hosts of a list, or of an answer, as one text: "a b". */
static void fill(struct member_list *list, const char *hosts)
{
    for (const char *at = hosts; *at != '\0';) {
        char host[64];
        size_t len = strcspn(at, " ");
        (void)snprintf(host, sizeof(host), "%.*s", (int)len, at);
        add(list, host, host);
        at += len + (at[len] == ' ' ? 1 : 0);
    }
}

/* A pass: the source names these hosts, runtime has those; the wanted rows are kept. */
static void pass(const char *named, const struct member_list *runtime, int64_t now_ms, struct member_list *wanted)
{
    fill(wanted, named);
    struct pod *pods = calloc(wanted->count + 1, sizeof(*pods));
    for (size_t i = 0; i < wanted->count; i++)
        pods[i] = (struct pod){.ip = wanted->items[i].host, .is_core = true, .phase = POD_RUNNING};
    departures_answer(d, pods, wanted->count, PORT, now_ms);
    free(pods);
    error_clear(&err);
    assert_int_equal(departures_keep(d, runtime, now_ms, wanted, &err), 0);
}

/* The same with every row's comment as its host; the answer is what is wanted then. */
static bool keeps(const char *named, const char *in_runtime, const char *host, int64_t now_ms)
{
    cleanup_members struct member_list runtime = {0};
    cleanup_members struct member_list wanted = {0};
    fill(&runtime, in_runtime);
    pass(named, &runtime, now_ms, &wanted);
    return member_list_find(&wanted, host, PORT) != NULL;
}

static int setup(void **state)
{
    (void)state;
    d = departures_new();
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    departures_free(d);
    return 0;
}

static void a_row_goes_after_three_answers_over_thirty_seconds(void **state)
{
    (void)state;
    assert_true(keeps("10.0.0.1", "10.0.0.1 10.0.0.2", "10.0.0.2", 100 * SECOND));
    assert_true(keeps("10.0.0.1", "10.0.0.1 10.0.0.2", "10.0.0.2", 110 * SECOND));
    assert_true(keeps("10.0.0.1", "10.0.0.1 10.0.0.2", "10.0.0.2", 129 * SECOND));
    assert_false(keeps("10.0.0.1", "10.0.0.1 10.0.0.2", "10.0.0.2", 130 * SECOND));
}

static void time_without_answers_is_not_enough(void **state)
{
    (void)state;
    assert_true(keeps("10.0.0.1", "10.0.0.1 10.0.0.2", "10.0.0.2", 100 * SECOND));
    assert_true(keeps("10.0.0.1", "10.0.0.1 10.0.0.2", "10.0.0.2", 400 * SECOND));
    assert_false(keeps("10.0.0.1", "10.0.0.1 10.0.0.2", "10.0.0.2", 401 * SECOND));
}

static void an_answer_with_it_begins_anew(void **state)
{
    (void)state;
    static const char both[] = "10.0.0.1 10.0.0.2";
    for (int64_t s = 100; s < 125; s += 5)
        assert_true(keeps("10.0.0.1", both, "10.0.0.2", s * SECOND));
    assert_true(keeps(both, both, "10.0.0.2", 127 * SECOND));
    for (int64_t s = 130; s < 160; s += 5)
        assert_true(keeps("10.0.0.1", both, "10.0.0.2", s * SECOND));
    assert_false(keeps("10.0.0.1", both, "10.0.0.2", 160 * SECOND));
}

static void what_has_gone_is_not_added_again(void **state)
{
    (void)state;
    assert_true(keeps("10.0.0.1", "10.0.0.1 10.0.0.2", "10.0.0.2", 100 * SECOND));
    assert_false(keeps("10.0.0.1", "10.0.0.1", "10.0.0.2", 105 * SECOND)); /* another core removed it */
    assert_int_equal(departures_returns(d), 0);
}

static void a_row_that_comes_back_stays_longer_each_time(void **state)
{
    (void)state;
    int64_t now_ms = 100 * SECOND;
    int64_t last_ms = 0;
    for (unsigned i = 0; i <= DEPARTURE_DOUBLINGS_MAX + 1; i++) {
        int64_t began_ms = now_ms;
        while (keeps("10.0.0.1", "10.0.0.1 10.0.0.2", "10.0.0.2", now_ms))
            now_ms += 10 * SECOND;
        int64_t took_ms = now_ms - began_ms;
        if (i == 0)
            assert_int_equal(took_ms, DEPARTURE_MS);
        else if (i <= DEPARTURE_DOUBLINGS_MAX)
            assert_true(took_ms >= 2 * last_ms - 10 * SECOND);
        else
            assert_true(took_ms <= last_ms + 10 * SECOND);
        assert_int_equal(departures_returns(d), i);
        last_ms = took_ms;
        now_ms += SECOND;
        assert_false(keeps("10.0.0.1", "10.0.0.1", "10.0.0.2", now_ms)); /* removed, and then another puts it back */
        now_ms += SECOND;
    }
}

static void a_comment_is_corrected_once_and_then_not_fought_over(void **state)
{
    (void)state;
    static const int64_t waits_ms[] = {0, DEPARTURE_MS, 2 * DEPARTURE_MS};
    int64_t now_ms = 100 * SECOND;
    for (size_t i = 0; i < ARRAY_LEN(waits_ms); i++) {
        for (int64_t at_ms = 0; at_ms <= waits_ms[i]; at_ms += 10 * SECOND, now_ms += 10 * SECOND) {
            cleanup_members struct member_list runtime = {0};
            cleanup_members struct member_list wanted = {0};
            add(&runtime, "10.0.0.1", "another's");
            pass("10.0.0.1", &runtime, now_ms, &wanted);
            assert_int_equal(wanted.count, 1);
            assert_string_equal(wanted.items[0].comment, at_ms < waits_ms[i] ? "another's" : "10.0.0.1");
        }
        assert_true(keeps("10.0.0.1", "10.0.0.1", "10.0.0.1", now_ms++));
    }
}

static void names_go_at_once(void **state)
{
    (void)state;
    assert_false(keeps("10.0.0.1", "proxysql-core", "proxysql-core", 100 * SECOND));
    assert_true(keeps("10.0.0.1", "fd00::2", "fd00::2", 100 * SECOND));
}

static void a_full_table_keeps_everything(void **state)
{
    (void)state;
    for (unsigned round = 0; round < 3; round++) {
        cleanup_members struct member_list runtime = {0};
        cleanup_members struct member_list wanted = {0};
        for (unsigned i = 0; i < MEMBERS_MAX - 1; i++) {
            char host[32];
            (void)snprintf(host, sizeof(host), "10.%u.0.%u", round, i);
            add(&runtime, host, "");
        }
        pass("10.9.0.1", &runtime, 1 + round, &wanted);
        assert_int_equal(wanted.count, MEMBERS_MAX);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_row_goes_after_three_answers_over_thirty_seconds, setup, teardown),
        cmocka_unit_test_setup_teardown(time_without_answers_is_not_enough, setup, teardown),
        cmocka_unit_test_setup_teardown(an_answer_with_it_begins_anew, setup, teardown),
        cmocka_unit_test_setup_teardown(what_has_gone_is_not_added_again, setup, teardown),
        cmocka_unit_test_setup_teardown(a_row_that_comes_back_stays_longer_each_time, setup, teardown),
        cmocka_unit_test_setup_teardown(a_comment_is_corrected_once_and_then_not_fought_over, setup, teardown),
        cmocka_unit_test_setup_teardown(names_go_at_once, setup, teardown),
        cmocka_unit_test_setup_teardown(a_full_table_keeps_everything, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
