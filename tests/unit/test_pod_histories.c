#include "tests/unit/unit.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "daemon/cluster/wanted.h"
#include "daemon/discovery/json_split.h"
#include "daemon/discovery/pod_json.h"
#include "daemon/discovery/pod_store.h"
#include "shared/buf.h"
#include "shared/clock.h"

/*
 * Random histories of pods, as an API server tells them: listed, watched, with events that are lost, repeated or come
 * in another order, watches that are cut and lists that come in between. Whatever was told, after a last list and the
 * events that follow it the store is exactly the pods that there are, and the wanted rows are exactly the living cores.
 * All goes through the parsers, in pieces. PROPERTY_SEED repeats one history, PROPERTY_HISTORIES says how many.
 */
enum {
    PORT = 6032,
    PODS = 12,  /* different names at most */
    STEPS = 60, /* of one history at most */
    HISTORIES = 3000,
    LINE_MAX_BYTES = 64 * 1024,
};

/* What is true. */
struct truth {
    bool exists;
    unsigned uid; /* another one each time that the name comes back */
    enum pod_phase phase;
    unsigned ip; /* 0 = none yet */
    bool terminating;
    bool is_core; /* by its label; the watch is of the core pods alone */
};

struct told {
    bool deleted;
    unsigned name;
    struct truth pod;
};

static uint64_t seed;
static uint64_t random_state;
static struct truth pods[PODS];
static unsigned next_uid;
static struct told history[STEPS * 4];
static size_t history_count;
static struct pod_store store;
static int64_t now_ms;

static unsigned choose(unsigned below)
{
    random_state ^= random_state << 13;
    random_state ^= random_state >> 7;
    random_state ^= random_state << 17;
    return (unsigned)(random_state >> 20) % below;
}

/* --- the API server's side */

static void record(unsigned name, bool deleted)
{
    assert_true(history_count < ARRAY_LEN(history));
    history[history_count++] = (struct told){.deleted = deleted, .name = name, .pod = pods[name]};
}

static void create(unsigned name)
{
    pods[name] = (struct truth){.exists = true, .uid = ++next_uid, .phase = POD_PENDING, .is_core = choose(8) > 0};
    if (pods[name].is_core)
        record(name, false);
}

static void run(unsigned name)
{
    pods[name].phase = POD_RUNNING;
    if (pods[name].ip == 0 || choose(10) == 0)
        pods[name].ip = 1 + choose(PODS / 2 + 2); /* addresses are given out again, and shared on a host's network */
    if (pods[name].is_core)
        record(name, false);
}

static void end(unsigned name)
{
    pods[name].phase = choose(2) == 0 ? POD_FAILED : POD_UNKNOWN;
    if (pods[name].is_core)
        record(name, false);
}

static void terminate(unsigned name)
{
    pods[name].terminating = true;
    if (pods[name].is_core)
        record(name, false);
}

static void delete (unsigned name)
{
    if (pods[name].is_core)
        record(name, true);
    pods[name].exists = false;
}

/* A pod that leaves the selector is DELETED for the watch, one that enters it ADDED (facts: pods). */
static void relabel(unsigned name)
{
    if (pods[name].is_core)
        record(name, true);
    pods[name].is_core = !pods[name].is_core;
    if (pods[name].is_core)
        record(name, false);
}

static void change_something(void)
{
    static void (*const changes[])(unsigned) = {run, run, run, end, terminate, delete, relabel};
    unsigned name = choose(PODS);
    if (pods[name].exists)
        changes[choose(ARRAY_LEN(changes))](name);
    else
        create(name);
}

static void print_pod(struct buf *out, unsigned name, const struct truth *pod)
{
    static const char *const phases[] = {"Pending", "Running", "Succeeded", "Failed", "Unknown"};
    char ip[32] = "";
    if (pod->ip != 0)
        (void)snprintf(ip, sizeof(ip), pod->ip % 3 == 0 ? "fd00::%u" : "10.0.0.%u", pod->ip);
    int rc = buf_printf(out,
                        "{\"metadata\":{\"name\":\"core-%u\",\"uid\":\"u-%u\",\"resourceVersion\":\"7\"%s},"
                        "\"status\":{\"phase\":\"%s\",\"podIP\":\"%s\"}}",
                        name, pod->uid, pod->terminating ? ",\"deletionTimestamp\":\"2026-01-01T00:00:00Z\"" : "",
                        phases[pod->phase], ip);
    assert_int_equal(rc, 0);
}

/* --- the agent's side, as pod_stream.c does it */

struct sink {
    bool list;
    struct pod_store pods; /* of a list */
};

static void put(struct pod_store *into, struct pod_parsed *pod)
{
    unsigned changes;
    struct error err = ERROR_INIT;
    assert_non_null(pod->record);
    assert_int_equal(pod_store_put(into, pod->record, now_ms, &changes, &err), 0);
}

static int on_object(void *arg, const char *text, size_t len, struct error *err)
{
    struct sink *sink = arg;
    struct pod_parsed pod;
    struct pod_event event;
    if (sink->list) {
        assert_int_equal(pod_parse_item(text, len, true, &pod, err), 0);
        put(&sink->pods, &pod);
        return 0;
    }
    assert_int_equal(pod_parse_event(text, len, true, &event, err), 0);
    if (event.type == POD_EVENT_PUT) {
        put(&store, &event.pod);
        return 0;
    }
    (void)pod_store_remove(&store, event.pod.uid);
    free(event.pod.record);
    return 0;
}

static void feed(struct json_split *split, const struct buf *text)
{
    struct error err = ERROR_INIT;
    for (size_t at = 0; at < text->len;) {
        size_t piece = 1 + choose(choose(4) == 0 ? 8 : 2000);
        if (piece > text->len - at)
            piece = text->len - at;
        assert_int_equal(json_split_feed(split, text->data + at, piece, &err), 0);
        at += piece;
    }
}

static void list(void)
{
    struct sink sink = {.list = true};
    struct json_split split;
    struct buf text;
    bool first = true;
    buf_init(&text, LINE_MAX_BYTES);
    json_split_init(&split, on_object, &sink);
    json_split_reset(&split, JSON_SPLIT_LIST);
    assert_int_equal(buf_puts(&text, "{\"kind\":\"PodList\",\"metadata\":{\"resourceVersion\":\"9\"},\"items\":["), 0);
    for (unsigned i = 0; i < PODS; i++) {
        if (!pods[i].exists || !pods[i].is_core)
            continue;
        assert_int_equal(buf_puts(&text, first ? "" : ","), 0);
        print_pod(&text, i, &pods[i]);
        first = false;
    }
    assert_int_equal(buf_puts(&text, "]}"), 0);
    feed(&split, &text);
    assert_true(json_split_at_end(&split));
    (void)pod_store_replace(&store, &sink.pods);
    json_split_fini(&split);
    buf_fini(&text);
}

/* Events of the history from..to as a watch tells them: in order when exact, else some are lost, repeated, swapped. */
static void watch(size_t from, size_t to, bool exact)
{
    struct sink sink = {.list = false};
    struct json_split split;
    struct buf text;
    buf_init(&text, LINE_MAX_BYTES);
    json_split_init(&split, on_object, &sink);
    json_split_reset(&split, JSON_SPLIT_STREAM);
    for (size_t i = from; i < to; i++) {
        size_t at = !exact && choose(6) == 0 ? from + choose((unsigned)(to - from)) : i;
        unsigned times = exact ? 1 : choose(5) == 0 ? 0 : 1 + choose(8) / 7;
        for (unsigned t = 0; t < times; t++) {
            const char *type = history[at].deleted ? "DELETED" : choose(2) == 0 ? "ADDED" : "MODIFIED";
            assert_int_equal(buf_printf(&text, "{\"type\":\"%s\",\"object\":", type), 0);
            print_pod(&text, history[at].name, &history[at].pod);
            assert_int_equal(buf_puts(&text, "}\n"), 0);
        }
    }
    if (!exact && choose(3) == 0) /* the connection is cut in the middle of a line: it is dropped */
        assert_int_equal(buf_puts(&text, "{\"type\":\"ADDED\",\"object\":{\"metadata\":{\"na"), 0);
    feed(&split, &text);
    json_split_fini(&split);
    buf_fini(&text);
}

/* --- what must be true in the end */

static const struct truth *find_uid(const char *uid, unsigned *ret_name)
{
    for (unsigned i = 0; i < PODS; i++) {
        char text[32];
        (void)snprintf(text, sizeof(text), "u-%u", pods[i].uid);
        if (pods[i].exists && pods[i].is_core && strcmp(text, uid) == 0) {
            *ret_name = i;
            return &pods[i];
        }
    }
    return NULL;
}

static void check_store(void)
{
    size_t expected = 0;
    for (unsigned i = 0; i < PODS; i++)
        expected += pods[i].exists && pods[i].is_core ? 1 : 0;
    assert_int_equal(store.count, expected);
    for (size_t i = 0; i < store.count; i++) {
        const struct pod *pod = &store.items[i]->pod;
        unsigned name = 0;
        const struct truth *t = find_uid(pod->uid, &name);
        assert_non_null(t);
        char text[32];
        (void)snprintf(text, sizeof(text), "core-%u", name);
        assert_string_equal(pod->name, text);
        assert_int_equal(pod->phase, t->phase);
        assert_int_equal(pod->terminating, t->terminating);
        assert_int_equal(pod->ip[0] != '\0', t->ip != 0);
        assert_int_equal(pod->running_since_ms != 0, t->phase == POD_RUNNING && t->ip != 0);
        assert_true(i == 0 || strcmp(store.items[i - 1]->pod.uid, pod->uid) < 0);
    }
}

static bool lives(const struct truth *t, unsigned ip)
{
    return t->exists && t->is_core && t->phase == POD_RUNNING && !t->terminating && t->ip == ip;
}

/* Every address of a living core once, and nothing else; an empty list is refused. */
static void check_wanted(void)
{
    static const struct member_list nothing;
    struct pod view[PODS];
    struct error err = ERROR_INIT;
    cleanup_members struct member_list members = {0};
    size_t expected = 0;
    for (size_t i = 0; i < store.count; i++)
        view[i] = store.items[i]->pod;
    for (unsigned ip = 1; ip < PODS; ip++) {
        bool lived = false;
        for (unsigned i = 0; i < PODS; i++)
            lived = lived || lives(&pods[i], ip);
        expected += lived ? 1 : 0;
    }
    const struct wanted_question q = {.pods = view, .pod_count = store.count, .port = PORT, .runtime = &nothing};
    int rc = wanted_members(&q, &members, &err);
    assert_int_equal(rc, expected > 0 ? 0 : -ENOENT);
    assert_int_equal(members.count, expected);
    for (size_t i = 0; i < members.count; i++) {
        bool found = false;
        for (unsigned n = 0; n < PODS; n++) {
            char name[32];
            (void)snprintf(name, sizeof(name), "core-%u", n);
            found = found || (strcmp(members.items[i].comment, name) == 0 && lives(&pods[n], pods[n].ip));
        }
        assert_true(found && members.items[i].port == PORT && members.items[i].weight == 0);
    }
}

static void one_history(uint64_t with_seed)
{
    random_state = with_seed * 0x9E3779B97F4A7C15U + 1;
    memset(pods, 0, sizeof(pods));
    history_count = 0;
    next_uid = 0;
    now_ms = 1;
    size_t told = 0;
    unsigned steps = 5 + choose(STEPS - 5);
    for (unsigned s = 0; s < steps; s++, now_ms++) {
        change_something();
        unsigned what = choose(6);
        if (what == 0) {
            watch(told, history_count, false);
            told = history_count;
        } else if (what == 1) {
            list(); /* the watch goes on from here */
            told = history_count;
            check_store();
        }
    }
    list();
    check_store();
    size_t from = history_count;
    for (unsigned s = choose(10); s > 0; s--, now_ms++)
        change_something();
    watch(from, history_count, true);
    check_store();
    check_wanted();
    pod_store_fini(&store);
}

/* The number of an environment variable, or other. */
static uint64_t number(const char *variable, uint64_t other)
{
    const char *text = getenv(variable);
    return text != NULL ? strtoull(text, NULL, 10) : other;
}

static void print_seed(void)
{
    if (seed != 0)
        (void)fprintf(stderr, "the history of PROPERTY_SEED=%" PRIu64 " failed\n", seed);
}

static void histories_end_in_what_is_true(void **state)
{
    (void)state;
    uint64_t only = number("PROPERTY_SEED", 0);
    uint64_t first = only != 0 ? only : (uint64_t)clock_real_us();
    uint64_t count = only != 0 ? 1 : number("PROPERTY_HISTORIES", HISTORIES);
    for (uint64_t i = 0; i < count; i++) {
        seed = first + i;
        one_history(seed);
    }
    seed = 0;
    print_message("%" PRIu64 " histories from PROPERTY_SEED=%" PRIu64 "\n", count, first);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(histories_end_in_what_is_true),
    };
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    print_seed();
    return failed;
}
