#include "tests/unit/unit.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "daemon/discovery/kube_name.h"
#include "daemon/discovery/own_pod.h"
#include "daemon/discovery/pod_json.h"

static struct pod_parsed parse(const char *text)
{
    struct pod_parsed parsed;
    struct error err = ERROR_INIT;
    assert_int_equal(pod_parse_item(text, strlen(text), true, &parsed, &err), 0);
    return parsed;
}

static void whole_pod_is_read(void **state)
{
    (void)state;
    struct pod_parsed parsed = parse(
        "{\"metadata\":{\"name\":\"core-0\",\"uid\":\"0a-1B\",\"deletionTimestamp\":\"2026-01-01T00:00:00Z\","
        "\"deletionGracePeriodSeconds\":7,\"annotations\":{\"n\":\"\\u0000\"}},"
        "\"spec\":{\"terminationGracePeriodSeconds\":30},\"status\":{\"phase\":\"Running\",\"podIP\":\"FD00:0::1\","
        "\"conditions\":[{\"type\":\"Initialized\",\"status\":\"False\"},{\"type\":\"Ready\",\"status\":\"True\"}]}}");
    const struct pod *pod = &parsed.record->pod;
    assert_string_equal(pod->name, "core-0");
    assert_string_equal(pod->uid, "0a-1B");
    assert_string_equal(pod->ip, "fd00::1");
    assert_int_equal(pod->phase, POD_RUNNING);
    assert_true(pod->terminating && pod->ready && pod->is_core && !pod->own);
    assert_int_equal(pod->grace_s, 7);
    free(parsed.record);
}

static void bare_pod_is_read(void **state)
{
    (void)state;
    struct pod_parsed parsed = parse("{\"metadata\":{\"name\":\"a\",\"uid\":\"1\",\"deletionTimestamp\":null}}");
    const struct pod *pod = &parsed.record->pod;
    assert_string_equal(pod->ip, "");
    assert_int_equal(pod->phase, POD_UNKNOWN);
    assert_false(pod->terminating || pod->ready);
    assert_int_equal(pod->grace_s, 0);
    free(parsed.record);
}

static void bad_fields_leave_the_pod_out(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        const char *field;
    } bad[] = {
        {"{}", "metadata.uid"},
        {"{\"metadata\":{\"name\":\"a\",\"uid\":7}}", "metadata.uid"},
        {"{\"metadata\":{\"name\":\"a\",\"uid\":\"a'b\"}}", "metadata.uid"},
        {"{\"metadata\":{\"uid\":\"1\"}}", "metadata.name"},
        {"{\"metadata\":{\"uid\":\"1\",\"name\":\"A\"}}", "metadata.name"},
        {"{\"metadata\":{\"uid\":\"1\",\"name\":\"a\\u0000b\"}}", "metadata.name"},
        {"{\"metadata\":{\"uid\":\"1\",\"name\":\"x');DROP\"}}", "metadata.name"},
        {"{\"metadata\":{\"uid\":\"1\",\"name\":\"a\"},\"status\":{\"podIP\":\"10.0.0.256\"}}", "status.podIP"},
        {"{\"metadata\":{\"uid\":\"1\",\"name\":\"a\"},\"status\":{\"podIP\":\"10.0.0.1 \"}}", "status.podIP"},
        {"{\"metadata\":{\"uid\":\"1\",\"name\":\"a\"},\"status\":{\"podIP\":\"1:::2\"}}", "status.podIP"},
        {"{\"metadata\":{\"uid\":\"1\",\"name\":\"a\"},\"status\":{\"podIP\":\"fe80::1%eth0\"}}", "status.podIP"},
    };
    for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
        struct pod_parsed parsed = parse(bad[i].text);
        assert_null(parsed.record);
        assert_non_null(strstr(parsed.skipped.text, bad[i].field));
    }
}

static void event_is(const char *text, enum pod_event_type type, const char *version)
{
    struct pod_event event;
    struct error err = ERROR_INIT;
    assert_int_equal(pod_parse_event(text, strlen(text), true, &event, &err), 0);
    assert_int_equal(event.type, type);
    assert_string_equal(event.resource_version, version);
    free(event.pod.record);
}

static void events_are_told_apart(void **state)
{
    (void)state;
#define OBJECT "\"object\":{\"metadata\":{\"name\":\"a\",\"uid\":\"1\",\"resourceVersion\":\"42\"}}}"
    event_is("{\"type\":\"ADDED\"," OBJECT, POD_EVENT_PUT, "42");
    event_is("{\"type\":\"MODIFIED\"," OBJECT, POD_EVENT_PUT, "42");
    event_is("{\"type\":\"DELETED\"," OBJECT, POD_EVENT_DELETED, "42");
    event_is("{\"type\":\"BOOKMARK\"," OBJECT, POD_EVENT_BOOKMARK, "42");
    event_is("{\"type\":\"NEW\"," OBJECT, POD_EVENT_OTHER, "42");
    event_is("{\"type\":\"ERROR\",\"object\":{}}", POD_EVENT_ERROR, "");

    struct pod_event event;
    struct error err = ERROR_INIT;
    static const char expired[] =
        "{\"type\":\"ERROR\",\"object\":{\"kind\":\"Status\",\"code\":410,\"message\":\"too old\\n\"}}";
    assert_int_equal(pod_parse_event(expired, sizeof(expired) - 1, true, &event, &err), 0);
    assert_int_equal(event.code, 410);
    assert_string_equal(event.message, "too old?");
}

static void what_is_no_event_is_refused(void **state)
{
    (void)state;
    static const char *const bad[] = {
        "", "{", "[]", "{}", "{\"type\":\"ADDED\"}", "{\"type\":1,\"object\":{}}", "{\"object\":{}}"};
    for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
        struct pod_event event;
        struct error err = ERROR_INIT;
        assert_int_equal(pod_parse_event(bad[i], strlen(bad[i]), true, &event, &err), -EBADMSG);
        assert_int_equal(err.code, -EBADMSG);
    }
}

static void list_head_is_read(void **state)
{
    (void)state;
    struct pod_list_head head;
    struct error err = ERROR_INIT;
    static const char good[] =
        "{\"kind\":\"PodList\",\"items\":[],\"metadata\":{\"resourceVersion\":\"9\",\"continue\":\"c\"}}";
    assert_int_equal(pod_parse_list_head(good, sizeof(good) - 1, &head, &err), 0);
    assert_string_equal(head.resource_version, "9");
    assert_string_equal(head.next, "c");
    static const char *const bad[] = {
        "{\"kind\":\"PodList\",\"items\":[],\"metadata\":{}}",
        "{\"kind\":\"PodList\",\"metadata\":{\"resourceVersion\":\"9\"}}",
        "{\"kind\":\"Status\",\"items\":[],\"metadata\":{\"resourceVersion\":\"9\"}}",
        "{\"kind\":\"PodList\",\"items\":{},\"metadata\":{\"resourceVersion\":\"9\"}}",
        "{\"kind\":\"PodList\",\"items\":[,],\"metadata\":{\"resourceVersion\":\"9\"}}",
    };
    for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
        error_clear(&err);
        assert_int_equal(pod_parse_list_head(bad[i], strlen(bad[i]), &head, &err), -EBADMSG);
    }
}

static void status_message_is_short_and_printable(void **state)
{
    (void)state;
    char message[8];
    static const char status[] = "{\"message\":\"ab\\u001b[31mcdefgh\"}";
    kube_status_message(status, sizeof(status) - 1, message, sizeof(message));
    assert_string_equal(message, "ab?[31m");
    kube_status_message("<html>", 6, message, sizeof(message));
    assert_string_equal(message, "");
}

static void names_have_their_forms(void **state)
{
    (void)state;
    char longest[256];
    memset(longest, 'a', sizeof(longest));
    longest[253] = '\0';
    assert_true(kube_is_dns_subdomain(longest));
    longest[253] = 'a';
    longest[254] = '\0';
    assert_false(kube_is_dns_subdomain(longest));
    assert_true(kube_is_dns_subdomain("a.b-c.0"));
    assert_false(kube_is_dns_subdomain("a..b"));
    assert_false(kube_is_dns_subdomain("a."));
    assert_false(kube_is_dns_subdomain("-a"));
    assert_false(kube_is_dns_subdomain(""));
    assert_false(kube_is_dns_subdomain("a_b"));
    assert_true(kube_is_dns_label("proxysql"));
    assert_false(kube_is_dns_label("a.b"));
    assert_true(kube_is_label_value("A_b.c-1"));
    assert_false(kube_is_label_value("a/b"));
    assert_false(kube_is_label_value("a&watch=1"));
    assert_false(kube_is_label_value(""));
    assert_false(kube_is_uid("a b"));
}

static struct pod some_pod(const char *name, const char *ip, enum pod_phase phase)
{
    return (struct pod){.uid = name, .name = name, .ip = ip, .phase = phase};
}

static void own_pod_is_found(void **state)
{
    (void)state;
    char name[] = "b";
    char ip[] = "10.0.0.3";
    char none[] = "";
    static const struct {
        bool name, ip, address, hostname;
        int expected;
    } cases[] = {
        {true, true, false, false, 1},  {false, true, false, false, 3},   {false, false, true, true, 3},
        {false, false, false, true, 1}, {false, false, false, false, -1},
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct pod pods[] = {some_pod("a", "10.0.0.3", POD_FAILED), some_pod("b", "10.0.0.2", POD_RUNNING),
                             some_pod("c", "", POD_PENDING), some_pod("d", "10.0.0.3", POD_RUNNING)};
        struct own_pod own = {.pod_name = cases[i].name ? name : none,
                              .pod_ip = cases[i].ip ? ip : none,
                              .hostname = cases[i].hostname ? name : none,
                              .addresses = {ip},
                              .address_count = cases[i].address ? 1 : 0};
        own_pod_mark(&own, pods, ARRAY_LEN(pods));
        for (int p = 0; p < (int)ARRAY_LEN(pods); p++)
            assert_int_equal(pods[p].own, p == cases[i].expected);
    }
}

static void own_addresses_are_spelled_alike(void **state)
{
    (void)state;
    char ip[] = "FD00:0:0::0:5";
    struct own_pod copy;
    own_pod_copy(&copy, &(struct own_pod){.pod_ip = ip});
    assert_string_equal(copy.pod_ip, "fd00::5");
    assert_string_equal(copy.pod_name, "");
    own_pod_fini(&copy);
}

static void environment_names_the_own_pod(void **state)
{
    (void)state;
    struct own_pod own;
    assert_int_equal(setenv("POD_NAME", "core-7", 1), 0);
    assert_int_equal(setenv("POD_IP", "10.0.0.7", 1), 0);
    own_pod_detect(&own);
    assert_string_equal(own.pod_name, "core-7");
    assert_string_equal(own.pod_ip, "10.0.0.7");
    for (size_t i = 0; i < own.address_count; i++)
        assert_string_not_equal(own.addresses[i], "127.0.0.1");
    own_pod_fini(&own);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(whole_pod_is_read),
        cmocka_unit_test(bare_pod_is_read),
        cmocka_unit_test(bad_fields_leave_the_pod_out),
        cmocka_unit_test(events_are_told_apart),
        cmocka_unit_test(what_is_no_event_is_refused),
        cmocka_unit_test(list_head_is_read),
        cmocka_unit_test(status_message_is_short_and_printable),
        cmocka_unit_test(names_have_their_forms),
        cmocka_unit_test(own_pod_is_found),
        cmocka_unit_test(own_addresses_are_spelled_alike),
        cmocka_unit_test(environment_names_the_own_pod),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
