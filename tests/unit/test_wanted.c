#include "tests/unit/unit.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "daemon/cluster/wanted.h"
#include "daemon/discovery/pod_store.h"
#include "shared/compiler.h"

enum { PORT = 6032 };

/* Core pods, by what they are. */
#define POD(id, address, ...)                                                          \
    {                                                                                  \
        .uid = (id), .name = "core-" id, .ip = (address), .is_core = true, __VA_ARGS__ \
    }
#define RUNS .phase = POD_RUNNING

static struct member row(const char *host, uint16_t port, const char *comment)
{
    struct member m = {.port = port};
    (void)snprintf(m.host, sizeof(m.host), "%s", host);
    (void)snprintf(m.comment, sizeof(m.comment), "%s", comment);
    return m;
}

static int ask(const struct pod *pods, size_t count, const struct member_list *runtime, const struct own_pod *own,
               struct member_list *ret_members, struct error *err)
{
    static const struct member_list nothing;
    const struct wanted_question q = {
        .pods = pods, .pod_count = count, .port = PORT, .runtime = runtime != NULL ? runtime : &nothing, .own = own};
    return wanted_members(&q, ret_members, err);
}

static void add(struct member_list *list, struct member m)
{
    struct error err = ERROR_INIT;
    assert_int_equal(member_list_add(list, &m, &err), 0);
}

/* "host=comment host=comment", as they are in the list. */
static void assert_rows(const struct member_list *members, const char *expected)
{
    char text[1024] = "";
    size_t len = 0;
    for (size_t i = 0; i < members->count; i++) {
        const struct member *m = &members->items[i];
        assert_int_equal(m->port, PORT);
        len += (size_t)snprintf(text + len, sizeof(text) - len, "%s%s=%s", i > 0 ? " " : "", m->host, m->comment);
    }
    assert_string_equal(text, expected);
}

static void a_member_runs_has_an_address_and_stays(void **state)
{
    (void)state;
    static const struct {
        struct pod pod;
        const char *rows; /* beside a's */
    } cases[] = {
        {POD("b", "10.0.0.2", RUNS), " 10.0.0.2=core-b"},
        {POD("b", "10.0.0.2", RUNS, .ready = true), " 10.0.0.2=core-b"},
        {POD("b", "fd00::2", RUNS), " fd00::2=core-b"},
        {POD("b", "10.0.0.2", .phase = POD_PENDING), ""},
        {POD("b", "10.0.0.2", .phase = POD_SUCCEEDED), ""},
        {POD("b", "10.0.0.2", .phase = POD_FAILED), ""},
        {POD("b", "10.0.0.2", .phase = POD_UNKNOWN), ""},
        {POD("b", "", RUNS), ""},
        {POD("b", "10.0.0.2", RUNS, .terminating = true), ""},
        {{.uid = "b", .name = "sat-b", .ip = "10.0.0.2", RUNS, .is_core = false}, ""},
        {POD("b", "10.0.0.1", RUNS), ""},
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct error err = ERROR_INIT;
        char expected[64];
        const struct pod pods[] = {POD("a", "10.0.0.1", RUNS), cases[i].pod};
        cleanup_members struct member_list members = {0};
        assert_int_equal(ask(pods, 2, NULL, NULL, &members, &err), 0);
        (void)snprintf(expected, sizeof(expected), "10.0.0.1=core-a%s", cases[i].rows);
        assert_rows(&members, expected);
        assert_int_equal(members.items[0].weight, 0);
    }
}

static void what_runtime_has_besides_goes(void **state)
{
    (void)state;
    struct error err = ERROR_INIT;
    const struct pod pods[] = {POD("a", "10.0.0.1", RUNS, .own = true), POD("b", "10.0.0.2", RUNS)};
    cleanup_members struct member_list runtime = {0};
    cleanup_members struct member_list members = {0};
    add(&runtime, row("proxysql-core", PORT, "proxysql-core"));
    add(&runtime, row("10.0.0.1", PORT, "another comment"));
    add(&runtime, row("10.0.0.1", PORT + 1, "another port"));
    add(&runtime, row("10.0.0.9", PORT, "core-b"));
    assert_int_equal(ask(pods, 2, &runtime, NULL, &members, &err), 0);
    assert_rows(&members, "10.0.0.1=core-a 10.0.0.2=core-b");
}

/* The own row's fate by what the own pod looks like; another core runs. */
static void the_own_row_stays(void **state)
{
    (void)state;
    static const struct {
        struct pod own;
        const char *rows;
    } cases[] = {
        {POD("b", "10.0.0.2", RUNS), "10.0.0.1=core-a 10.0.0.2=core-b"},
        {POD("b", "10.0.0.2", RUNS, .terminating = true), "10.0.0.1=core-a 10.0.0.2=as it was"},
        {POD("b", "10.0.0.2", .phase = POD_PENDING), "10.0.0.1=core-a 10.0.0.2=as it was"},
        {POD("b", "10.0.0.2", .phase = POD_UNKNOWN), "10.0.0.1=core-a 10.0.0.2=as it was"},
        {POD("b", "10.0.0.3", .phase = POD_PENDING), "10.0.0.1=core-a"}, /* it has no row yet */
        {POD("b", "", .phase = POD_PENDING), "10.0.0.1=core-a"},
    };
    cleanup_members struct member_list runtime = {0};
    add(&runtime, row("10.0.0.1", PORT, "core-a"));
    add(&runtime, row("10.0.0.2", PORT, "as it was"));
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct error err = ERROR_INIT;
        struct pod pods[] = {POD("a", "10.0.0.1", RUNS), cases[i].own};
        pods[1].own = true;
        cleanup_members struct member_list members = {0};
        assert_int_equal(ask(pods, 2, &runtime, NULL, &members, &err), 0);
        assert_rows(&members, cases[i].rows);
    }
}

/* Deleted by force, the own pod is not shown any more, and its agent lives on for a while. */
static void the_own_row_stays_without_the_own_pod(void **state)
{
    (void)state;
    const struct pod pods[] = {POD("a", "10.0.0.1", RUNS)};
    const struct own_pod by_ip = {.pod_ip = (char[]){"10.0.0.2"}};
    const struct own_pod by_interface = {
        .pod_ip = (char[]){""}, .addresses = {(char[]){"192.0.2.1"}, (char[]){"10.0.0.2"}}, .address_count = 2};
    const struct own_pod *const cases[] = {&by_ip, &by_interface};
    cleanup_members struct member_list runtime = {0};
    add(&runtime, row("10.0.0.2", PORT, "core-b"));
    add(&runtime, row("10.0.0.3", PORT, "core-c"));
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct error err = ERROR_INIT;
        cleanup_members struct member_list members = {0};
        assert_int_equal(ask(pods, 1, &runtime, cases[i], &members, &err), 0);
        assert_rows(&members, "10.0.0.1=core-a 10.0.0.2=core-b");
    }
}

static void the_own_addresses_are_asked_only_without_the_own_pod(void **state)
{
    (void)state;
    struct error err = ERROR_INIT;
    const struct pod pods[] = {POD("a", "10.0.0.1", RUNS, .own = true)};
    const struct own_pod own = {
        .pod_ip = (char[]){"10.0.0.1"}, .addresses = {(char[]){"10.0.0.2"}}, .address_count = 1};
    cleanup_members struct member_list runtime = {0};
    cleanup_members struct member_list members = {0};
    add(&runtime, row("10.0.0.2", PORT, "core-b"));
    assert_int_equal(ask(pods, 1, &runtime, &own, &members, &err), 0);
    assert_rows(&members, "10.0.0.1=core-a");
}

static void nobody_is_never_published(void **state)
{
    (void)state;
    struct error err = ERROR_INIT;
    const struct pod pods[] = {POD("a", "10.0.0.1", .phase = POD_PENDING),
                               POD("b", "10.0.0.2", RUNS, .terminating = true)};
    struct member_list members = {.items = NULL, .count = 77};
    cleanup_members struct member_list runtime = {0};
    add(&runtime, row("10.0.0.2", PORT, "core-b"));
    assert_int_equal(ask(pods, 2, &runtime, NULL, &members, &err), -ENOENT);
    assert_non_null(strstr(err.text, "never published"));
    assert_int_equal(members.count, 77);
    err = (struct error)ERROR_INIT;
    assert_int_equal(ask(NULL, 0, NULL, NULL, &members, &err), -ENOENT);
}

static void more_than_a_list_holds_is_refused(void **state)
{
    (void)state;
    struct error err = ERROR_INIT;
    static struct pod pods[MEMBERS_MAX + 1];
    static char addresses[MEMBERS_MAX + 1][16];
    for (size_t i = 0; i < ARRAY_LEN(pods); i++) {
        (void)snprintf(addresses[i], sizeof(addresses[i]), "10.0.%zu.%zu", i / 250, i % 250);
        pods[i] = (struct pod)POD("x", addresses[i], RUNS);
    }
    struct member_list members = {0};
    assert_int_equal(ask(pods, MEMBERS_MAX, NULL, NULL, &members, &err), 0);
    assert_int_equal(members.count, MEMBERS_MAX);
    member_list_fini(&members);
    assert_int_equal(ask(pods, MEMBERS_MAX + 1, NULL, NULL, &members, &err), -EMSGSIZE);
    assert_int_equal(members.count, 0);
}

static void the_longest_name_fits(void **state)
{
    (void)state;
    struct error err = ERROR_INIT;
    char name[254];
    memset(name, 'n', sizeof(name) - 1);
    name[sizeof(name) - 1] = '\0';
    const struct pod pod = {.uid = "a", .name = name, .ip = "10.0.0.1", .is_core = true, RUNS};
    cleanup_members struct member_list members = {0};
    assert_int_equal(ask(&pod, 1, NULL, NULL, &members, &err), 0);
    assert_string_equal(members.items[0].comment, name);
}

/* --- random histories: what happened to pods, and what a store heard of it */

enum { SLOTS = 12, STEPS = 60, EVENTS_MAX = 8, HISTORIES = 3000 };

struct world {
    struct pod pods[SLOTS]; /* uid "" = there is none */
    char texts[SLOTS][3][24];
    unsigned born;
    uint32_t random;
};

static uint32_t draw(struct world *w, uint32_t below)
{
    w->random = w->random * 1664525U + 1013904223U;
    return (w->random >> 8) % below;
}

/* A pod of a StatefulSet: the name of its slot, a new uid, sometimes the address of somebody before it. */
static void bear(struct world *w, size_t slot)
{
    struct pod *pod = &w->pods[slot];
    (void)snprintf(w->texts[slot][0], sizeof(w->texts[slot][0]), "uid-%u", w->born++);
    (void)snprintf(w->texts[slot][1], sizeof(w->texts[slot][1]), "core-%zu", slot);
    *pod = (struct pod){.uid = w->texts[slot][0], .name = w->texts[slot][1], .ip = "", .is_core = draw(w, 4) != 0};
}

static void step(struct world *w, size_t slot)
{
    struct pod *pod = &w->pods[slot];
    switch (pod->uid == NULL ? 0 : 1 + draw(w, 5)) {
    case 0:
        bear(w, slot);
        break;
    case 1:
        (void)snprintf(w->texts[slot][2], sizeof(w->texts[slot][2]), "10.0.0.%u", draw(w, 2 * SLOTS));
        pod->ip = w->texts[slot][2];
        pod->phase = POD_RUNNING;
        break;
    case 2:
        pod->terminating = true;
        break;
    case 3:
        pod->phase = draw(w, 2) == 0 ? POD_FAILED : POD_UNKNOWN;
        break;
    case 4:
        pod->ready = !pod->ready;
        break;
    default:
        pod->uid = NULL;
        break;
    }
}

/* One message of the watch. */
struct message {
    struct pod_record *record;
    char uid[24];
    bool deleted;
};

static struct message message_of(const struct world *w, size_t slot)
{
    struct message m = {.deleted = w->pods[slot].uid == NULL};
    (void)snprintf(m.uid, sizeof(m.uid), "%s", w->texts[slot][0]);
    if (!m.deleted)
        m.record = pod_record_new(&w->pods[slot]);
    return m;
}

static void hear(struct pod_store *store, const struct message *m)
{
    unsigned changes;
    struct error err = ERROR_INIT;
    if (m->deleted)
        (void)pod_store_remove(store, m->uid);
    else
        assert_int_equal(pod_store_put(store, pod_record_new(&m->record->pod), 1, &changes, &err), 0);
}

/* Messages that wait, told in any order, never or twice when the watch is bad. */
static void tell(struct world *w, struct pod_store *store, struct message *waiting, size_t *count, bool bad)
{
    while (*count > 0) {
        size_t at = bad ? draw(w, (uint32_t)*count) : 0;
        for (uint32_t times = bad ? draw(w, 3) : 1; times > 0; times--)
            hear(store, &waiting[at]);
        free(waiting[at].record);
        memmove(waiting + at, waiting + at + 1, (*count - at - 1) * sizeof(*waiting));
        (*count)--;
    }
}

static void relist(const struct world *w, struct pod_store *store)
{
    struct pod_store fresh = {.count = 0};
    unsigned changes;
    struct error err = ERROR_INIT;
    for (size_t i = 0; i < SLOTS; i++)
        if (w->pods[i].uid != NULL)
            assert_int_equal(pod_store_put(&fresh, pod_record_new(&w->pods[i]), 1, &changes, &err), 0);
    (void)pod_store_replace(store, &fresh);
}

static bool is_address_of_member(const struct world *w, const char *address)
{
    for (size_t i = 0; i < SLOTS; i++) {
        const struct pod *p = &w->pods[i];
        if (p->uid != NULL && p->is_core && !p->terminating && p->phase == POD_RUNNING && strcmp(p->ip, address) == 0)
            return true;
    }
    return false;
}

static bool lists(const struct member_list *members, const char *address)
{
    for (size_t i = 0; i < members->count; i++)
        if (strcmp(members->items[i].host, address) == 0)
            return true;
    return false;
}

/* Against the world itself: each address that pods can have is a member's, or in no row. */
static void judge(const struct world *w, const struct pod_store *store, unsigned history)
{
    struct pod pods[SLOTS];
    struct error err = ERROR_INIT;
    cleanup_members struct member_list members = {0};
    size_t expected = 0;
    assert_true(store->count <= SLOTS);
    for (size_t i = 0; i < store->count; i++)
        pods[i] = store->items[i]->pod;
    int rc = ask(pods, store->count, NULL, NULL, &members, &err);
    for (unsigned i = 0; i < 2 * SLOTS; i++) {
        char address[24];
        (void)snprintf(address, sizeof(address), "10.0.0.%u", i);
        bool is_member = is_address_of_member(w, address);
        expected += is_member;
        if (is_member != lists(&members, address))
            fail_msg("history %u: %s is %s", history, address, is_member ? "missing" : "too much");
    }
    assert_int_equal(members.count, expected);
    assert_int_equal(rc, expected == 0 ? -ENOENT : 0);
}

static void run_history(unsigned number, bool bad)
{
    struct world w = {.random = number};
    struct pod_store store = {.count = 0};
    struct message waiting[EVENTS_MAX];
    size_t count = 0;
    for (unsigned i = 0; i < STEPS; i++) {
        size_t slot = draw(&w, SLOTS);
        step(&w, slot);
        waiting[count++] = message_of(&w, slot);
        if (count == EVENTS_MAX || draw(&w, 4) == 0)
            tell(&w, &store, waiting, &count, bad);
        if (bad && count == 0 && draw(&w, 20) == 0)
            relist(&w, &store);
    }
    tell(&w, &store, waiting, &count, bad);
    if (bad)
        relist(&w, &store);
    judge(&w, &store, number);
    pod_store_fini(&store);
}

static void a_good_watch_ends_with_what_is(void **state)
{
    (void)state;
    for (unsigned i = 0; i < HISTORIES; i++)
        run_history(i, false);
}

static void after_a_bad_watch_a_list_ends_with_what_is(void **state)
{
    (void)state;
    for (unsigned i = 0; i < HISTORIES; i++)
        run_history(i, true);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_member_runs_has_an_address_and_stays),
        cmocka_unit_test(what_runtime_has_besides_goes),
        cmocka_unit_test(the_own_row_stays),
        cmocka_unit_test(the_own_row_stays_without_the_own_pod),
        cmocka_unit_test(the_own_addresses_are_asked_only_without_the_own_pod),
        cmocka_unit_test(nobody_is_never_published),
        cmocka_unit_test(more_than_a_list_holds_is_refused),
        cmocka_unit_test(the_longest_name_fits),
        cmocka_unit_test(a_good_watch_ends_with_what_is),
        cmocka_unit_test(after_a_bad_watch_a_list_ends_with_what_is),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
