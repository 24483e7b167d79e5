#include "tests/unit/unit.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "daemon/discovery/lease.h"

/* As kube-apiserver 1.20 wrote it, shortened. */
static const char real[] =
    "{\"kind\":\"Lease\",\"apiVersion\":\"coordination.k8s.io/v1\",\"metadata\":{\"name\":\"proxysql-agent\","
    "\"namespace\":\"proxysql\",\"uid\":\"0f1e\",\"resourceVersion\":\"4711\",\"labels\":{\"keep\":\"me\"},"
    "\"managedFields\":[{\"manager\":\"proxysql-agent\"}]},\"spec\":{\"holderIdentity\":\"core-0_aa\","
    "\"leaseDurationSeconds\":15,\"acquireTime\":\"2026-11-22T04:47:43.079857Z\","
    "\"renewTime\":\"2026-11-22T04:48:43.000000Z\",\"leaseTransitions\":3,\"strategy\":\"OldestEmulationVersion\"}}";

static int parse(const char *text, struct lease *lease, struct error *err)
{
    error_clear(err);
    return lease_parse(text, strlen(text), lease, err);
}

static void a_lease_is_read(void **state)
{
    (void)state;
    struct lease lease;
    struct error err = ERROR_INIT;
    assert_int_equal(parse(real, &lease, &err), 0);
    assert_string_equal(lease.resource_version, "4711");
    assert_string_equal(lease.holder, "core-0_aa");
    assert_int_equal(lease.duration_s, 15);
    assert_int_equal(lease.transitions, 3);
    assert_string_equal(lease.acquire_time, "2026-11-22T04:47:43.079857Z");
    assert_string_equal(lease.renew_time, "2026-11-22T04:48:43.000000Z");
}

#define HEAD "{\"kind\":\"Lease\",\"apiVersion\":\"coordination.k8s.io/v1\",\"metadata\":{\"resourceVersion\":\"1\"}"

static void what_is_absent_is_empty(void **state)
{
    (void)state;
    static const char *const texts[] = {
        HEAD "}",
        HEAD ",\"spec\":null}",
        HEAD ",\"spec\":{}}\n",
        HEAD ",\"spec\":{\"holderIdentity\":null,\"leaseDurationSeconds\":null,\"renewTime\":null}}",
    };
    for (size_t i = 0; i < ARRAY_LEN(texts); i++) {
        struct lease lease;
        struct error err = ERROR_INIT;
        assert_int_equal(parse(texts[i], &lease, &err), 0);
        assert_string_equal(lease.holder, "");
        assert_string_equal(lease.renew_time, "");
        assert_int_equal(lease.duration_s, 0);
    }
}

static void what_the_server_never_writes_is_refused(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        const char *why;
    } cases[] = {
        {"", "no whole JSON object"},
        {"[]", ""},
        {"{\"kind\":", "no whole JSON object"},
        {"{\"kind\":\"Lease\"}", "not a Lease"},
        {"{\"kind\":\"Status\",\"apiVersion\":\"v1\",\"code\":200}", "not a Lease"},
        {HEAD "}" HEAD "}", "more than one object"},
        {"{\"kind\":\"Lease\",\"apiVersion\":\"coordination.k8s.io/v1\"}", "no resourceVersion"},
        {"{\"kind\":\"Lease\",\"apiVersion\":\"coordination.k8s.io/v1\",\"metadata\":{\"resourceVersion\":7}}",
         "resourceVersion is no text"},
        {HEAD ",\"spec\":[]}", "its spec is no object"},
        {HEAD ",\"spec\":{\"holderIdentity\":7}}", "holderIdentity is no text"},
        {HEAD ",\"spec\":{\"holderIdentity\":\"a\\u0007b\"}}", "holderIdentity holds a control character"},
        {HEAD ",\"spec\":{\"holderIdentity\":\"a\\u0000b\"}}", "JSON"},
        {HEAD ",\"spec\":{\"leaseDurationSeconds\":-1}}", "leaseDurationSeconds is not 0 to"},
        {HEAD ",\"spec\":{\"leaseDurationSeconds\":2147483648}}", "leaseDurationSeconds is not 0 to"},
        {HEAD ",\"spec\":{\"leaseDurationSeconds\":1.5}}", "leaseDurationSeconds is not 0 to"},
        {HEAD ",\"spec\":{\"leaseTransitions\":\"1\"}}", "leaseTransitions is not 0 to"},
        {HEAD ",\"spec\":{\"renewTime\":\"2026-11-22T04:47:43Z\"}}", "renewTime is no UTC time with six decimals"},
        {HEAD ",\"spec\":{\"renewTime\":\"2026-11-22T04:47:43.079Z\"}}", "renewTime is no UTC time with six decimals"},
        {HEAD ",\"spec\":{\"acquireTime\":\"2026-11-22T04:47:43.0798570Z\"}}", "acquireTime has more than 27 bytes"},
        {HEAD ",\"spec\":{\"acquireTime\":\"2026-11-22 04:47:43.079857Z\"}}",
         "acquireTime is no UTC time with six decimals"},
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct lease lease = {.duration_s = 77};
        struct error err = ERROR_INIT;
        assert_int_equal(parse(cases[i].text, &lease, &err), -EBADMSG);
        if (strstr(err.text, cases[i].why) == NULL)
            fail_msg("%s: %s", cases[i].text, err.text);
        assert_int_equal(lease.duration_s, 77);
    }
}

static void limits_are_kept(void **state)
{
    (void)state;
    struct lease lease;
    struct error err = ERROR_INIT;
    char *text = malloc(LEASE_BYTES_MAX + 2);
    memset(text, ' ', LEASE_BYTES_MAX + 1);
    assert_int_equal(lease_parse(text, LEASE_BYTES_MAX + 1, &lease, &err), -EMSGSIZE);
    error_clear(&err);
    int len = snprintf(text, LEASE_BYTES_MAX, HEAD ",\"spec\":{\"holderIdentity\":\"%0*d\"}}", LEASE_HOLDER_MAX, 0);
    assert_int_equal(lease_parse(text, (size_t)len, &lease, &err), 0);
    len = snprintf(text, LEASE_BYTES_MAX, HEAD ",\"spec\":{\"holderIdentity\":\"%0*d\"}}", LEASE_HOLDER_MAX + 1, 0);
    assert_int_equal(lease_parse(text, (size_t)len, &lease, &err), -EBADMSG);
    error_clear(&err);
    memset(text, '[', LEASE_BYTES_MAX); /* depth */
    memcpy(text, "{\"a\":", 5);
    assert_true(lease_parse(text, LEASE_BYTES_MAX, &lease, &err) < 0);
    free(text);
}

static void what_is_not_known_stays_in_a_lease(void **state)
{
    (void)state;
    struct error err = ERROR_INIT;
    cleanup_buf struct buf out;
    struct lease lease;
    buf_init(&out, LEASE_BYTES_MAX);
    assert_int_equal(parse(real, &lease, &err), 0);
    strcpy(lease.holder, "");
    lease.duration_s = 1;
    strcpy(lease.renew_time, "2026-11-22T04:49:00.000001Z");
    assert_int_equal(lease_write("proxysql-agent", real, strlen(real), &lease, &out, &err), 0);
    static const char *const kept[] = {"\"keep\":\"me\"",         "\"resourceVersion\":\"4711\"",
                                       "managedFields",           "OldestEmulationVersion",
                                       "\"holderIdentity\":\"\"", "\"leaseDurationSeconds\":1,"};
    for (size_t i = 0; i < ARRAY_LEN(kept); i++)
        assert_non_null(strstr(out.data, kept[i]));
    struct lease again;
    assert_int_equal(lease_parse(out.data, out.len, &again, &err), 0);
    assert_string_equal(again.renew_time, "2026-11-22T04:49:00.000001Z");
    assert_string_equal(again.acquire_time, "2026-11-22T04:47:43.079857Z");
}

static void the_first_lease_has_no_version(void **state)
{
    (void)state;
    struct error err = ERROR_INIT;
    cleanup_buf struct buf out;
    struct lease lease = {.holder = "core-0_aa",
                          .duration_s = 15,
                          .acquire_time = "2026-11-22T04:47:43.079857Z",
                          .renew_time = "2026-11-22T04:47:43.079857Z"};
    buf_init(&out, LEASE_BYTES_MAX);
    assert_int_equal(lease_write("mine", NULL, 0, &lease, &out, &err), 0);
    assert_non_null(strstr(out.data, "\"metadata\":{\"name\":\"mine\"}"));
    assert_null(strstr(out.data, "resourceVersion"));
    assert_non_null(strstr(out.data, "\"renewTime\":\"2026-11-22T04:47:43.079857Z\""));
    cleanup_buf struct buf small;
    buf_init(&small, 64);
    assert_int_equal(lease_write("mine", NULL, 0, &lease, &small, &err), -EMSGSIZE);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_lease_is_read),
        cmocka_unit_test(what_is_absent_is_empty),
        cmocka_unit_test(what_the_server_never_writes_is_refused),
        cmocka_unit_test(limits_are_kept),
        cmocka_unit_test(what_is_not_known_stays_in_a_lease),
        cmocka_unit_test(the_first_lease_has_no_version),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
